-- What becomes of work that a budget refuses: it waits, goes on with a cheaper
-- model, or is granted money on top. And what a run is expected to cost.

-- +goose Up

ALTER TABLE requests
    ADD COLUMN blocked    jsonb CONSTRAINT requests_blocked_object CHECK (jsonb_typeof(blocked) = 'object'),
    ADD COLUMN downgraded jsonb CONSTRAINT requests_downgraded_object CHECK (jsonb_typeof(downgraded) = 'object'),
    -- Only what has its next paid step before it can wait for money.
    ADD CONSTRAINT requests_blocked CHECK (blocked IS NULL OR state IN ('drafting', 'pending'));

ALTER TABLE revisions
    ADD COLUMN quote bigint NOT NULL DEFAULT 0,
    -- Nobody expects more than what is sealed as the most, nor less than nothing.
    ADD CONSTRAINT revisions_quote CHECK (quote BETWEEN 0 AND (manifest::jsonb ->> 'cost_cap')::bigint);

-- Money on top of one limit, until a moment.
CREATE TABLE topups (
    id         text PRIMARY KEY CHECK (id <> ''),
    request_id text NOT NULL,
    team       text NOT NULL,
    asked_by   text NOT NULL,
    session_id text NOT NULL,
    project    text NOT NULL,
    kind       text NOT NULL,
    -- It is for a budget that pays for its request, and for no other.
    scope_id   text GENERATED ALWAYS AS (CASE kind WHEN 'user' THEN asked_by WHEN 'session' THEN session_id
        WHEN 'project' THEN project WHEN 'team' THEN team END) STORED,
    -- Less than nothing would take from a budget.
    amount     bigint NOT NULL CHECK (amount > 0),
    reason     text NOT NULL CHECK (reason <> ''),
    at         timestamptz NOT NULL,
    decided_by text CHECK (decided_by <> ''), -- NULL until somebody has
    decided_at timestamptz,
    granted    boolean NOT NULL DEFAULT false,
    answer     text NOT NULL DEFAULT '',
    expires_at timestamptz,
    CONSTRAINT topups_kind CHECK (kind IN ('user', 'session', 'project', 'team')),
    -- Whoever was refused asks, for what they were refused.
    CONSTRAINT topups_payers_fkey FOREIGN KEY (request_id, team, asked_by, session_id, project)
        REFERENCES requests (id, team, asker, session_id, project),
    CONSTRAINT topups_scope_fkey FOREIGN KEY (team, kind, scope_id) REFERENCES scopes,
    -- Nobody grants themselves money.
    CONSTRAINT topups_not_by_asker CHECK (decided_by <> asked_by),
    CONSTRAINT topups_decided CHECK ((decided_by IS NULL) = (decided_at IS NULL)),
    -- What is granted was granted by somebody, and ends; what is not has no end.
    CONSTRAINT topups_end CHECK (CASE WHEN granted THEN coalesce(expires_at > decided_at, false) ELSE expires_at IS NULL END)
);
-- A request asks for money once at a time.
CREATE UNIQUE INDEX topups_one_open ON topups (request_id) WHERE decided_by IS NULL;
CREATE INDEX topups_by_request ON topups (request_id, at);
CREATE INDEX topups_granted ON topups (team, kind, scope_id, expires_at) INCLUDE (amount) WHERE granted;

-- +goose StatementBegin
-- A top-up begins open and is decided once; nothing else about it ever changes.
CREATE FUNCTION topups_decide_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.decided_by IS NOT NULL
        OR TG_OP = 'UPDATE' AND (OLD.decided_by IS NOT NULL OR NEW.decided_by IS NULL
            OR (NEW.id, NEW.request_id, NEW.team, NEW.asked_by, NEW.session_id, NEW.project, NEW.kind, NEW.amount, NEW.reason, NEW.at)
            IS DISTINCT FROM
               (OLD.id, OLD.request_id, OLD.team, OLD.asked_by, OLD.session_id, OLD.project, OLD.kind, OLD.amount, OLD.reason, OLD.at)) THEN
        RAISE EXCEPTION 'top-up % cannot change', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'topups_decide_once';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER topups_decide_once BEFORE INSERT OR UPDATE ON topups FOR EACH ROW EXECUTE FUNCTION topups_decide_once();
-- What was granted is on record.
CREATE TRIGGER topups_undeletable BEFORE DELETE ON topups FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER topups_untruncatable BEFORE TRUNCATE ON topups FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose Down
DROP TABLE topups;
DROP FUNCTION topups_decide_once;
ALTER TABLE revisions DROP COLUMN quote;
ALTER TABLE requests DROP COLUMN blocked, DROP COLUMN downgraded;
