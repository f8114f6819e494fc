-- One append-only log over all events (RFC 6962), and the checkpoints that are signed of
-- it. docs/proof.md says what they show.

-- +goose Up

-- Events that have no place in the log yet. It follows from the other tables: the trigger
-- on events adds a row, the one on the log takes it away.
CREATE TABLE unlogged (
    n      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- in the order in which they were written
    stream text NOT NULL,
    seq    bigint NOT NULL,
    at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT unlogged_once UNIQUE (stream, seq),
    CONSTRAINT unlogged_event_fkey FOREIGN KEY (stream, seq) REFERENCES events (stream, seq)
);

CREATE TABLE log (
    position bigint PRIMARY KEY CHECK (position >= 0), -- the first is 0
    stream   text NOT NULL,
    seq      bigint NOT NULL,
    hash     text NOT NULL,
    before   bigint GENERATED ALWAYS AS (nullif(position, 0) - 1) STORED,
    -- An event has one place.
    CONSTRAINT log_once UNIQUE (stream, seq),
    -- What has a place is an event, by its hash.
    CONSTRAINT log_event_fkey FOREIGN KEY (stream, seq, hash) REFERENCES events (stream, seq, hash),
    -- No place is left empty.
    CONSTRAINT log_no_gap FOREIGN KEY (before) REFERENCES log (position)
);
CREATE TRIGGER log_unchangeable BEFORE UPDATE OR DELETE ON log FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER log_untruncatable BEFORE TRUNCATE ON log FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- The full nodes of the tree above its leaves. They follow from the log; stored, they let
-- it grow and be proven without reading all of it.
CREATE TABLE log_nodes (
    level smallint NOT NULL CHECK (level BETWEEN 1 AND 62),
    index bigint NOT NULL CHECK (index >= 0),
    hash  bytea NOT NULL CHECK (length(hash) = 32),
    -- A node that is full has one hash for good.
    PRIMARY KEY (level, index)
);
CREATE TRIGGER log_nodes_unchangeable BEFORE UPDATE OR DELETE ON log_nodes FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER log_nodes_untruncatable BEFORE TRUNCATE ON log_nodes FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

CREATE TABLE checkpoints (
    -- Of one size there is one root: a log that forks does not get here.
    size   bigint PRIMARY KEY CHECK (size >= 1),
    number bigint NOT NULL,
    root   bytea NOT NULL CHECK (length(root) = 32),
    at     timestamptz NOT NULL,
    note   text NOT NULL, -- signed, in the format of golang.org/x/mod/sumdb/note
    former_number bigint GENERATED ALWAYS AS (nullif(number - 1, 0)) STORED,
    former_size   bigint, -- of the one before it
    proof  bytea[] NOT NULL, -- that this one continues it
    last   bigint GENERATED ALWAYS AS (size - 1) STORED,
    CONSTRAINT checkpoints_number UNIQUE (number),
    CONSTRAINT checkpoints_numbered UNIQUE (number, size),
    -- They follow one another without a gap, and each covers more than the one before it.
    CONSTRAINT checkpoints_follow FOREIGN KEY (former_number, former_size) REFERENCES checkpoints (number, size),
    CONSTRAINT checkpoints_grow CHECK (CASE WHEN number = 1 THEN former_size IS NULL ELSE number > 1 AND former_size IS NOT NULL AND former_size < size END),
    -- What it covers is there.
    CONSTRAINT checkpoints_covers FOREIGN KEY (last) REFERENCES log (position)
);
CREATE TRIGGER checkpoints_unchangeable BEFORE UPDATE OR DELETE ON checkpoints FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER checkpoints_untruncatable BEFORE TRUNCATE ON checkpoints FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
-- Every event waits for its place, whoever writes it; nobody else adds to the list.
CREATE FUNCTION events_wait_for_place() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO unlogged (stream, seq) VALUES (NEW.stream, NEW.seq);
    RETURN NULL;
END $$;
CREATE FUNCTION log_placed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM unlogged WHERE (stream, seq) = (NEW.stream, NEW.seq);
    RETURN NULL;
END $$;
-- The list follows from events and log: only the triggers above write it.
CREATE FUNCTION unlogged_derived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION '% of unlogged is not possible: it follows from the events', lower(TG_OP)
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'unlogged_derived';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_wait_for_place AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION events_wait_for_place();
CREATE TRIGGER log_placed AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION log_placed();
CREATE TRIGGER unlogged_derived BEFORE INSERT OR UPDATE OR DELETE ON unlogged FOR EACH ROW EXECUTE FUNCTION unlogged_derived();
CREATE TRIGGER unlogged_untruncatable BEFORE TRUNCATE ON unlogged FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
