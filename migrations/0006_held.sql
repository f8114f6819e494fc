-- What is held per scope, kept with the row that is locked for it. Open holds are
-- few, but the index that finds them keeps the closed ones until it is vacuumed,
-- and a ledger of millions is vacuumed seldom.

-- +goose Up

-- Nobody holds or settles between the sum of what is and the trigger for what will be.
LOCK TABLE holds, settlements IN SHARE ROW EXCLUSIVE MODE;

ALTER TABLE scopes
    ADD COLUMN held bigint NOT NULL DEFAULT 0,
    -- Nobody gives back more than is held.
    ADD CONSTRAINT scopes_held CHECK (held >= 0);
-- The hottest row of all has room for its versions on its own page.
ALTER TABLE scopes SET (fillfactor = 50);

INSERT INTO scopes (team, kind, id, held)
    SELECT h.team, p.kind, p.id, sum(h.amount)
    FROM holds h CROSS JOIN LATERAL (VALUES ('user', h.asker), ('session', h.session_id), ('project', h.project), ('team', h.team)) AS p (kind, id)
    WHERE NOT h.settled GROUP BY 1, 2, 3
ON CONFLICT (team, kind, id) DO UPDATE SET held = excluded.held;

-- +goose StatementBegin
-- A hold burdens its scopes when it is taken, and stops when it is settled; in the
-- order in which scopes are locked.
CREATE FUNCTION holds_burden() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO scopes AS s (team, kind, id, held)
            SELECT NEW.team, p.kind, p.id, NEW.amount
            FROM (VALUES (1, 'user', NEW.asker), (2, 'session', NEW.session_id), (3, 'project', NEW.project), (4, 'team', NEW.team)) AS p (rank, kind, id)
            ORDER BY p.rank
        ON CONFLICT (team, kind, id) DO UPDATE SET held = s.held + excluded.held;
    ELSE
        UPDATE scopes SET held = held - NEW.amount WHERE team = NEW.team AND kind = 'user' AND id = NEW.asker;
        UPDATE scopes SET held = held - NEW.amount WHERE team = NEW.team AND kind = 'session' AND id = NEW.session_id;
        UPDATE scopes SET held = held - NEW.amount WHERE team = NEW.team AND kind = 'project' AND id = NEW.project;
        UPDATE scopes SET held = held - NEW.amount WHERE team = NEW.team AND kind = 'team' AND id = NEW.team;
    END IF;
    RETURN NULL;
END $$;
-- What is held follows from the holds: only the trigger above writes it.
CREATE FUNCTION scopes_derived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 AND NEW.held <> coalesce(OLD.held, 0) THEN
        RAISE EXCEPTION 'what is held in % % follows from the holds', NEW.kind, NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'scopes_derived';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER holds_burden AFTER INSERT ON holds FOR EACH ROW WHEN (NEW.amount > 0) EXECUTE FUNCTION holds_burden();
CREATE TRIGGER holds_unburden AFTER UPDATE ON holds FOR EACH ROW
    WHEN (NEW.settled AND NOT OLD.settled AND NEW.amount > 0) EXECUTE FUNCTION holds_burden();
CREATE TRIGGER scopes_derived BEFORE INSERT OR UPDATE ON scopes FOR EACH ROW EXECUTE FUNCTION scopes_derived();

-- +goose Down
DROP TRIGGER holds_burden ON holds;
DROP TRIGGER holds_unburden ON holds;
DROP TRIGGER scopes_derived ON scopes;
DROP FUNCTION holds_burden, scopes_derived;
ALTER TABLE scopes DROP COLUMN held;
