-- Reports read the holds of a span of time. Their index begins with the time: one
-- that begins with the workspace was taken, in a young database whose plans are
-- made while it is empty, to check a settlement's hold, and read all holds there are.

-- +goose Up
DROP INDEX holds_by_team;
CREATE INDEX holds_by_time ON holds (at, team);

-- +goose Down
DROP INDEX holds_by_time;
CREATE INDEX holds_by_team ON holds (team, at);
