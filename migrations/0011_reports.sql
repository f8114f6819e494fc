-- What is counted and ranked for people is found without reading all there is.

-- +goose Up

-- How often a budget has refused something.
CREATE INDEX events_blocked ON events (at) WHERE kind = 'blocked';
-- How long the latest runs took.
CREATE INDEX runs_finished ON runs (finished_at) WHERE finished_at IS NOT NULL;
-- How many paid steps there were.
CREATE INDEX holds_by_team ON holds (team, at);

-- +goose Down
DROP INDEX events_blocked, runs_finished, holds_by_team;
