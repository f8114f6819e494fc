-- What nobody knows yet: a call whose cost the provider has not told keeps its hold,
-- "uncertain", until it is known or charged in full. And what the house itself tries
-- (doctor, self-tests) is held and booked like anybody's work.

-- +goose Up

ALTER TABLE holds
    -- The most that the calls begun under this hold may have cost, as far as nobody knows better.
    ADD COLUMN risked bigint NOT NULL DEFAULT 0,
    -- Since when a call under this hold has a cost that nobody knows.
    ADD COLUMN uncertain_at timestamptz,
    -- The hold of which this is what stays uncertain, once the rest of it was settled.
    ADD COLUMN rest_of text,
    -- All calls under one hold together cost no more than it.
    ADD CONSTRAINT holds_risked CHECK (risked BETWEEN 0 AND amount),
    -- Nothing is uncertain of what was never called.
    ADD CONSTRAINT holds_uncertain CHECK (uncertain_at IS NULL OR called),
    -- Only what has been settled leaves a rest, and only one.
    ADD CONSTRAINT holds_rest_fkey FOREIGN KEY (rest_of) REFERENCES settlements (hold_id),
    ADD CONSTRAINT holds_one_rest UNIQUE (rest_of);
UPDATE holds SET risked = amount WHERE called AND NOT settled AND purpose = 'draft';
-- Few holds are uncertain; these are what budgets and the sweep ask for.
CREATE INDEX holds_uncertain_by_time ON holds (uncertain_at) WHERE uncertain_at IS NOT NULL AND NOT settled;

-- Work of the house belongs to no request: it is the workspace's alone.
ALTER TABLE holds
    ALTER COLUMN request_id DROP NOT NULL,
    DROP CONSTRAINT holds_purpose_check,
    ADD CONSTRAINT holds_purpose_check CHECK (purpose IN ('draft', 'run', 'check')),
    -- Nobody's name is on what nobody asked for, and nothing else goes without a request.
    ADD CONSTRAINT holds_check CHECK (CASE WHEN purpose = 'check'
        THEN request_id IS NULL AND (asker, session_id, project) = ('countersign', 'countersign', 'countersign')
        ELSE request_id IS NOT NULL END);
ALTER TABLE settlements ALTER COLUMN request_id DROP NOT NULL;

-- +goose StatementBegin
-- As in 0002, and: what is uncertain stays so until it is settled, and only a rest begins so.
CREATE OR REPLACE FUNCTION holds_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.settled OR (NEW.uncertain_at IS NOT NULL) <> (NEW.rest_of IS NOT NULL) THEN
            RAISE EXCEPTION 'hold % cannot begin settled, or uncertain without being a rest', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_forward';
        END IF;
    ELSIF (NEW.id, NEW.request_id, NEW.team, NEW.asker, NEW.session_id, NEW.project, NEW.purpose, NEW.amount, NEW.at, NEW.expires_at, NEW.rest_of)
        IS DISTINCT FROM
          (OLD.id, OLD.request_id, OLD.team, OLD.asker, OLD.session_id, OLD.project, OLD.purpose, OLD.amount, OLD.at, OLD.expires_at, OLD.rest_of)
        OR OLD.called AND NOT NEW.called
        OR OLD.uncertain_at IS NOT NULL AND NEW.uncertain_at IS DISTINCT FROM OLD.uncertain_at
        OR OLD.settled AND (NEW.risked, NEW.uncertain_at) IS DISTINCT FROM (OLD.risked, OLD.uncertain_at)
        OR NEW.settled IS DISTINCT FROM EXISTS (SELECT FROM settlements WHERE hold_id = NEW.id) THEN
        RAISE EXCEPTION 'hold % cannot change', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_forward';
    END IF;
    RETURN NEW;
END $$;
-- Nothing costs more than agreed: what was charged of a hold and what stays uncertain
-- of it are no more than it was, and burden the same budgets.
CREATE FUNCTION holds_rest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM holds h JOIN settlements s ON s.hold_id = h.id
        WHERE h.id = NEW.rest_of AND s.amount + NEW.amount <= h.amount
        AND (h.request_id, h.team, h.asker, h.session_id, h.project, h.purpose) = (NEW.request_id, NEW.team, NEW.asker, NEW.session_id, NEW.project, NEW.purpose);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'hold % is more than is left of hold %', NEW.id, NEW.rest_of
            USING ERRCODE = 'check_violation', CONSTRAINT = 'holds_rest';
    END IF;
    RETURN NEW;
END $$;
-- As in 0014, and: whoever held pays, also where there is no request to refer to.
CREATE OR REPLACE FUNCTION settlements_within_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM holds WHERE id = NEW.hold_id AND amount < NEW.amount) THEN
        RAISE EXCEPTION 'the settlement of hold % is more than was held', NEW.hold_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'settlements_within_hold';
    END IF;
    IF NEW.request_id IS NULL AND NOT EXISTS (SELECT FROM holds WHERE id = NEW.hold_id AND request_id IS NULL
        AND (team, asker, session_id, project) = (NEW.team, NEW.asker, NEW.session_id, NEW.project)) THEN
        RAISE EXCEPTION 'the settlement of hold % burdens another budget', NEW.hold_id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'settlements_hold_fkey';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER holds_rest BEFORE INSERT ON holds FOR EACH ROW WHEN (NEW.rest_of IS NOT NULL) EXECUTE FUNCTION holds_rest();

-- +goose Down
-- What is uncertain or the house's own has no place in the schema before; neither is ever deleted.
-- +goose StatementBegin
DO $$ BEGIN
    IF EXISTS (SELECT FROM holds WHERE rest_of IS NOT NULL OR purpose = 'check' OR uncertain_at IS NOT NULL AND NOT settled) THEN
        RAISE EXCEPTION 'there are holds that the schema before this one cannot tell';
    END IF;
END $$;
-- +goose StatementEnd
DROP TRIGGER holds_rest ON holds;
DROP FUNCTION holds_rest;
DROP INDEX holds_uncertain_by_time;
ALTER TABLE settlements ALTER COLUMN request_id SET NOT NULL;
ALTER TABLE holds
    DROP CONSTRAINT holds_check,
    DROP CONSTRAINT holds_purpose_check,
    ADD CONSTRAINT holds_purpose_check CHECK (purpose IN ('draft', 'run')),
    ALTER COLUMN request_id SET NOT NULL;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION holds_forward() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE OR REPLACE FUNCTION settlements_within_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM holds WHERE id = NEW.hold_id AND amount < NEW.amount) THEN
        RAISE EXCEPTION 'the settlement of hold % is more than was held', NEW.hold_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'settlements_within_hold';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
ALTER TABLE holds DROP COLUMN risked, DROP COLUMN uncertain_at, DROP COLUMN rest_of;
