-- Messages that may stand in Slack twice are looked at again, whichever replica dies meanwhile.

-- +goose Up

-- Messages of ours in whose place another one is remembered, from when Slack has told of them. They give nobody a right; losing a
-- row means that a message stands in Slack twice.
CREATE TABLE sightings (
    request_id text NOT NULL,
    surface    text NOT NULL,
    channel    text NOT NULL CHECK (channel <> ''),
    ts         text NOT NULL CHECK (ts <> ''),
    revision   integer NOT NULL, -- that it shows, if it is a card
    stray      boolean NOT NULL, -- nobody may remember it any more: it is deleted
    at         timestamptz NOT NULL,
    due_at     timestamptz, -- when it is looked at next, unless somebody does it now; NULL: no more
    -- Each is there once, however often Slack tells of it.
    PRIMARY KEY (channel, ts),
    -- Where none is remembered in its place, it is the one that is.
    CONSTRAINT sightings_in_place FOREIGN KEY (request_id, surface) REFERENCES posts
);

-- +goose StatementBegin
-- Whoever is late with a message that is being deleted does not remember it: they find that another one stands in its place. The
-- request is locked by whoever remembers one, and by whoever says that one is a stray.
CREATE FUNCTION posts_late_strays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN EXISTS (SELECT FROM sightings s WHERE (s.channel, s.ts, s.request_id, s.surface) = (NEW.channel, NEW.ts, NEW.request_id, NEW.surface) AND s.stray) THEN NULL ELSE NEW END;
END $$;
-- +goose StatementEnd
CREATE TRIGGER posts_strays BEFORE INSERT ON posts FOR EACH ROW EXECUTE FUNCTION posts_late_strays();
