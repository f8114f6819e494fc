-- One append-only log over all events (RFC 6962), and the checkpoints that are signed of
-- it. docs/proof.md says what they show. At the end: what happens when an older state comes back.

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
-- What was done to people, rules and budgets is found among all that was done with requests.
CREATE INDEX log_deeds ON log (position) WHERE stream !~ '^(request:|names:|checks$)';
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
    INSERT INTO unlogged (stream, seq) SELECT stream, seq FROM fresh;
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
CREATE TRIGGER events_wait_for_place AFTER INSERT ON events REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION events_wait_for_place();
CREATE TRIGGER log_placed AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION log_placed();
CREATE TRIGGER unlogged_derived BEFORE INSERT OR UPDATE OR DELETE ON unlogged FOR EACH ROW EXECUTE FUNCTION unlogged_derived();
CREATE TRIGGER unlogged_untruncatable BEFORE TRUNCATE ON unlogged FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- A copy of the database that is put back begins an epoch. What was spent since the copy was made
-- stands in no budget, so each workspace rests until one of its administrators has said how much it was.
CREATE TABLE restores (
    team text NOT NULL CHECK (team <> ''),
    told bigint NOT NULL, -- the event of the stream "restores" that tells of it
    at   timestamptz NOT NULL,
    PRIMARY KEY (team, told)
);
CREATE TABLE reckonings (
    team     text NOT NULL,
    restored bigint NOT NULL,
    person   text NOT NULL CHECK (person <> ''),
    spent    bigint NOT NULL CHECK (spent >= 0), -- that no budget of the copy knows of
    at       timestamptz NOT NULL,
    told     bigint NOT NULL, -- the event of the stream "budget" that tells of it
    -- One event says it once. There may be several for one copy: the schema cannot tell a forged one from a signed one, and a forged one must
    -- not keep an administrator from saying it. Serve counts the signed one alone, and takes no second.
    PRIMARY KEY (team, restored, told),
    CONSTRAINT reckonings_restored FOREIGN KEY (team, restored) REFERENCES restores (team, told),
    -- One event tells of one fact.
    CONSTRAINT reckonings_once UNIQUE (told)
);
CREATE TRIGGER restores_unchangeable BEFORE UPDATE OR DELETE ON restores FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER restores_untruncatable BEFORE TRUNCATE ON restores FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
CREATE TRIGGER reckonings_unchangeable BEFORE UPDATE OR DELETE ON reckonings FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER reckonings_untruncatable BEFORE TRUNCATE ON reckonings FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
-- Tells whether a workspace rests, as far as rows say. Whether the end of a rest is signed only programs see (storage/money/restored.go).
CREATE FUNCTION unreckoned(of text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM restores r WHERE r.team = of AND NOT EXISTS (SELECT FROM reckonings k WHERE (k.team, k.restored) = (r.team, r.told)));
END $$;
CREATE FUNCTION restores_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'restores' AND seq = NEW.told AND kind = 'restored' AND at = NEW.at AND data::jsonb -> 'teams' ? NEW.team) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION reckonings_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'budget' AND seq = NEW.told AND kind = 'reckoned' AND actor = NEW.person AND at = NEW.at
        AND data::jsonb @> jsonb_build_object('restored', NEW.restored, 'spent', NEW.spent, 'scope', jsonb_build_object('team', NEW.team))) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- Nothing that costs money begins in a workspace that rests. What is left of an old hold is no new work.
CREATE FUNCTION holds_after_restore() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF unreckoned(NEW.team) THEN
        RAISE EXCEPTION 'workspace % rests until somebody has said what was spent since the copy', NEW.team USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER restores_told AFTER INSERT ON restores DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION restores_told();
CREATE CONSTRAINT TRIGGER reckonings_told AFTER INSERT ON reckonings DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION reckonings_told();
CREATE TRIGGER holds_after_restore BEFORE INSERT ON holds FOR EACH ROW WHEN (NEW.rest_of IS NULL) EXECUTE FUNCTION holds_after_restore();
