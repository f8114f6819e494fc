-- Money: what may be spent, what is held, what was spent. Amounts are whole
-- billionths of a dollar.

-- +goose Up

-- A scope is what a budget is drawn around. Its row is what transactions lock, in
-- the order of budget.Scope.Less, before they add up the ledger; it is there from
-- the first use on, so that the first use is serialised like any other.
CREATE TABLE scopes (
    team text NOT NULL CHECK (team <> ''),
    kind text NOT NULL CHECK (kind IN ('user', 'session', 'project', 'team')),
    id   text NOT NULL CHECK (id <> ''),
    PRIMARY KEY (team, kind, id),
    -- The budget of a workspace is its own.
    CONSTRAINT scopes_team CHECK (kind <> 'team' OR id = team)
);

CREATE TABLE limits (
    team   text NOT NULL,
    kind   text NOT NULL,
    id     text NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 0),
    per    text NOT NULL CHECK (per IN ('day', 'week', 'month', 'none')),
    set_by text NOT NULL CHECK (set_by <> ''),
    set_at timestamptz NOT NULL,
    -- One limit for one scope: what /budget shows is what applies.
    PRIMARY KEY (team, kind, id),
    CONSTRAINT limits_scope_fkey FOREIGN KEY (team, kind, id) REFERENCES scopes
);

-- Who pays is repeated on holds and settlements, so that the sum over a scope's
-- window is one range of one index.
CREATE TABLE holds (
    id         text PRIMARY KEY CHECK (id <> ''),
    request_id text NOT NULL,
    team       text NOT NULL,
    asker      text NOT NULL,
    session_id text NOT NULL,
    project    text NOT NULL,
    purpose    text NOT NULL CHECK (purpose IN ('draft', 'run')),
    -- A negative hold would make room in a budget.
    amount     bigint NOT NULL CHECK (amount >= 0),
    at         timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    called     boolean NOT NULL DEFAULT false, -- the paid work may have begun
    settled    boolean NOT NULL DEFAULT false, -- there is a settlement; only its trigger sets it
    -- A hold burdens the budgets of the request that it is for.
    CONSTRAINT holds_payers_fkey FOREIGN KEY (request_id, team, asker, session_id, project)
        REFERENCES requests (id, team, asker, session_id, project),
    -- No hold lasts for ever.
    CONSTRAINT holds_end CHECK (expires_at > at),
    -- What settlements refer to.
    CONSTRAINT holds_payers UNIQUE (id, request_id, team, asker, session_id, project)
);
CREATE INDEX holds_by_request ON holds (request_id) WHERE NOT settled;
CREATE INDEX holds_by_user ON holds (team, asker) INCLUDE (amount) WHERE NOT settled;
CREATE INDEX holds_by_session ON holds (team, session_id) INCLUDE (amount) WHERE NOT settled;
CREATE INDEX holds_by_project ON holds (team, project) INCLUDE (amount) WHERE NOT settled;
CREATE INDEX holds_by_team ON holds (team) INCLUDE (amount) WHERE NOT settled;
CREATE INDEX holds_stale ON holds (expires_at) WHERE NOT settled;

CREATE TABLE settlements (
    -- A hold is settled once.
    hold_id    text PRIMARY KEY,
    request_id text NOT NULL,
    team       text NOT NULL,
    asker      text NOT NULL,
    session_id text NOT NULL,
    project    text NOT NULL,
    at         timestamptz NOT NULL,
    -- What was spent is the sum of the charges, as settlements_add_up sees to.
    amount     bigint NOT NULL CHECK (amount >= 0),
    estimated  boolean NOT NULL,
    -- Whoever held pays.
    CONSTRAINT settlements_hold_fkey FOREIGN KEY (hold_id, request_id, team, asker, session_id, project)
        REFERENCES holds (id, request_id, team, asker, session_id, project)
);
CREATE INDEX settlements_by_request ON settlements (request_id);
CREATE INDEX settlements_by_user ON settlements (team, asker, at) INCLUDE (amount);
CREATE INDEX settlements_by_session ON settlements (team, session_id, at) INCLUDE (amount);
CREATE INDEX settlements_by_project ON settlements (team, project, at) INCLUDE (amount);
CREATE INDEX settlements_by_team ON settlements (team, at) INCLUDE (amount);

CREATE TABLE charges (
    hold_id       text NOT NULL REFERENCES settlements,
    line          integer NOT NULL CHECK (line >= 1),
    kind          text NOT NULL CHECK (kind IN ('tokens', 'box')),
    what          text NOT NULL,
    model         text NOT NULL DEFAULT '', -- that the API said it billed
    input_tokens  bigint NOT NULL DEFAULT 0 CHECK (input_tokens >= 0),
    cached_tokens bigint NOT NULL DEFAULT 0 CHECK (cached_tokens >= 0),
    output_tokens bigint NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    box_ms        bigint NOT NULL DEFAULT 0 CHECK (box_ms >= 0),
    -- Nothing is ever paid back by a bill.
    amount        bigint NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (hold_id, line)
);

-- What was spent stays spent.
CREATE TRIGGER settlements_unchangeable BEFORE UPDATE OR DELETE ON settlements FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER settlements_untruncatable BEFORE TRUNCATE ON settlements FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
CREATE TRIGGER charges_unchangeable BEFORE UPDATE OR DELETE ON charges FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER charges_untruncatable BEFORE TRUNCATE ON charges FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
-- What was held is on record.
CREATE TRIGGER holds_undeletable BEFORE DELETE ON holds FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER holds_untruncatable BEFORE TRUNCATE ON holds FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
-- A hold is taken open and only ever moves forward: to called, to settled, and to
-- settled exactly when there is a settlement.
CREATE FUNCTION holds_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.settled THEN
            RAISE EXCEPTION 'hold % cannot begin settled', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_forward';
        END IF;
    ELSIF (NEW.id, NEW.request_id, NEW.team, NEW.asker, NEW.session_id, NEW.project, NEW.purpose, NEW.amount, NEW.at, NEW.expires_at)
        IS DISTINCT FROM
          (OLD.id, OLD.request_id, OLD.team, OLD.asker, OLD.session_id, OLD.project, OLD.purpose, OLD.amount, OLD.at, OLD.expires_at)
        OR OLD.called AND NOT NEW.called
        OR NEW.settled IS DISTINCT FROM EXISTS (SELECT FROM settlements WHERE hold_id = NEW.id) THEN
        RAISE EXCEPTION 'hold % cannot change', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_forward';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION settlements_close_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE holds SET settled = true WHERE id = NEW.hold_id;
    RETURN NULL;
END $$;
-- A bill's lines add up to its total, at the latest when the transaction ends.
CREATE FUNCTION settlements_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM settlements s WHERE s.hold_id = NEW.hold_id
        AND s.amount = (SELECT coalesce(sum(c.amount), 0) FROM charges c WHERE c.hold_id = s.hold_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the charges of hold % do not add up to its settlement', NEW.hold_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'settlements_add_up';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER holds_forward BEFORE INSERT OR UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION holds_forward();
CREATE TRIGGER settlements_close_holds AFTER INSERT ON settlements FOR EACH ROW EXECUTE FUNCTION settlements_close_holds();
CREATE CONSTRAINT TRIGGER settlements_add_up AFTER INSERT ON settlements
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION settlements_add_up();
CREATE CONSTRAINT TRIGGER charges_add_up AFTER INSERT ON charges
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION settlements_add_up();

-- +goose Down
DROP TABLE charges, settlements, holds, limits, scopes CASCADE;
DROP FUNCTION settlements_add_up, settlements_close_holds, holds_forward;
