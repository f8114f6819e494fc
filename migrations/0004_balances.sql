-- Balances: what was spent per scope, added up as it is spent, so that reading a
-- budget costs the same after ten settlements and after ten million.

-- +goose Up

-- One row is what a scope spent in one stretch of UTC: a quarter of an hour or a
-- day. Stretches of UTC, because a team may change its time zone while what was
-- spent stays where it was; a quarter, because the clocks of every zone have been
-- a whole number of quarters from UTC since 1972, so that whatever zone a window
-- belongs to, whole rows fill it; days beside them, so that a month is not three
-- thousand rows to add up but about two hundred.
CREATE TABLE balances (
    team  text NOT NULL,
    kind  text NOT NULL,
    id    text NOT NULL,
    grain text NOT NULL,
    start timestamptz NOT NULL,
    -- What was spent is never less than nothing.
    spent bigint NOT NULL CHECK (spent >= 0),
    -- One sum for one stretch: there is nothing to choose between.
    PRIMARY KEY (team, kind, id, grain, start) INCLUDE (spent),
    -- A stretch begins where stretches begin, so that they neither overlap nor leave a gap.
    CONSTRAINT balances_grain CHECK (CASE grain
        WHEN 'quarter' THEN start = date_bin('15 minutes', start, 'epoch')
        WHEN 'day' THEN start = date_bin('1 day', start, 'epoch')
        ELSE false END),
    CONSTRAINT balances_kind CHECK (kind IN ('user', 'session', 'project', 'team'))
);

-- Nobody settles between the sum of what was and the trigger for what will be.
LOCK TABLE settlements IN SHARE ROW EXCLUSIVE MODE;

-- ledger is every settlement once for each scope that it burdens: what a balance
-- is the sum of.
CREATE VIEW ledger AS
    SELECT s.team, p.rank, p.kind, p.id, s.at, s.amount, s.hold_id
    FROM settlements s CROSS JOIN LATERAL (VALUES
        (1, 'user', s.asker), (2, 'session', s.session_id), (3, 'project', s.project), (4, 'team', s.team)) AS p (rank, kind, id);

INSERT INTO balances (team, kind, id, grain, start, spent)
    SELECT l.team, l.kind, l.id, g.grain, date_bin(g.width, l.at, 'epoch'), sum(l.amount)
    FROM ledger l CROSS JOIN (VALUES ('quarter', interval '15 minutes'), ('day', interval '1 day')) AS g (grain, width)
    WHERE l.amount > 0 GROUP BY 1, 2, 3, 4, 5;

-- +goose StatementBegin
-- What is settled is added to the balances of whoever pays, in the same
-- transaction, and in the order in which scopes are locked.
CREATE FUNCTION settlements_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO balances AS b (team, kind, id, grain, start, spent)
        SELECT NEW.team, p.kind, p.id, g.grain, date_bin(g.width, NEW.at, 'epoch'), NEW.amount
        FROM (VALUES (1, 'user', NEW.asker), (2, 'session', NEW.session_id), (3, 'project', NEW.project), (4, 'team', NEW.team))
            AS p (rank, kind, id)
        CROSS JOIN (VALUES ('quarter', interval '15 minutes'), ('day', interval '1 day')) AS g (grain, width)
        ORDER BY p.rank, g.width
    ON CONFLICT (team, kind, id, grain, start) DO UPDATE SET spent = b.spent + excluded.spent;
    RETURN NULL;
END $$;
-- A balance follows from the ledger: only the trigger above writes it, and only upwards.
CREATE FUNCTION balances_derived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION '% of balances is not possible: they follow from the ledger', lower(TG_OP)
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'balances_derived';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER settlements_balance AFTER INSERT ON settlements FOR EACH ROW WHEN (NEW.amount > 0) EXECUTE FUNCTION settlements_balance();
CREATE TRIGGER balances_derived BEFORE INSERT OR UPDATE ON balances FOR EACH ROW EXECUTE FUNCTION balances_derived();
CREATE TRIGGER balances_undeletable BEFORE DELETE ON balances FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER balances_untruncatable BEFORE TRUNCATE ON balances FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose Down
DROP TRIGGER settlements_balance ON settlements;
DROP TABLE balances;
DROP VIEW ledger;
DROP FUNCTION settlements_balance, balances_derived;
