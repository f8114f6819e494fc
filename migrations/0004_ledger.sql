-- Money: what may be spent, what is held, what was spent. Amounts are whole
-- billionths of a dollar.

-- +goose Up

-- A scope is what a budget is drawn around. Its row is what transactions lock, in
-- the order of budget.Scope.Less, before they add up the ledger; it is there from
-- the first use on, so that the first use is serialised like any other. The hottest
-- row of all has room for its versions on its own page.
CREATE TABLE scopes (
    team text NOT NULL CHECK (team <> ''),
    kind text NOT NULL CHECK (kind IN ('user', 'session', 'project', 'team', 'role')),
    id   text NOT NULL CHECK (id <> ''),
    -- What is held, kept with the row that is locked for it: the index that finds open
    -- holds keeps the closed ones until it is vacuumed, which is seldom in a large ledger.
    held bigint NOT NULL DEFAULT 0,
    -- All that was ever held in it: it only grows. Whoever weighed before they had the lock sees by it what others have held
    -- since (holds_weighed): no settlement takes more than its hold, so nothing else can have filled the budget.
    taken bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (team, kind, id),
    -- The budget of a workspace is its own.
    CONSTRAINT scopes_team CHECK (kind <> 'team' OR id = team),
    -- Nobody gives back more than is held.
    CONSTRAINT scopes_held CHECK (held >= 0),
    -- A role has a limit for those who have none of their own. Nothing is ever paid
    -- from it: what its people spend is spent from their own scopes.
    CONSTRAINT scopes_role CHECK (kind <> 'role' OR id IN ('members', 'reviewers', 'admins') AND held = 0)
) WITH (fillfactor = 50);

CREATE TABLE limits (
    team   text NOT NULL,
    kind   text NOT NULL,
    id     text NOT NULL,
    amount bigint CHECK (amount >= 0), -- NULL: somebody has taken the limit away
    per    text NOT NULL CHECK (per IN ('day', 'week', 'month', 'none')),
    set_by text NOT NULL CHECK (set_by <> ''),
    set_at timestamptz NOT NULL,
    -- What happens on the way to the limit; an empty one warns at eighty per cent.
    policy jsonb NOT NULL DEFAULT '{}' CONSTRAINT limits_policy CHECK (jsonb_typeof(policy) = 'object'),
    told   bigint, -- the event of the stream "budget" that tells of it
    -- One limit for one scope: what /budget shows is what applies.
    PRIMARY KEY (team, kind, id),
    CONSTRAINT limits_scope_fkey FOREIGN KEY (team, kind, id) REFERENCES scopes
);
-- A limit that is taken away keeps its row, which its event tells of.
CREATE TRIGGER limits_undeletable BEFORE DELETE ON limits FOR EACH ROW EXECUTE FUNCTION unchangeable();
-- A limit does not move to another scope.
CREATE TRIGGER limits_named BEFORE UPDATE ON limits FOR EACH ROW
    WHEN ((NEW.team, NEW.kind, NEW.id) IS DISTINCT FROM (OLD.team, OLD.kind, OLD.id))
    EXECUTE FUNCTION refuse('a limit stays with its scope');
CREATE TRIGGER limits_untruncatable BEFORE TRUNCATE ON limits FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- Who pays is repeated on holds and settlements, so that the sum over a scope's
-- window is one range of one index.
CREATE TABLE holds (
    id         text PRIMARY KEY CHECK (id <> ''),
    request_id text, -- NULL: what the house itself tries (doctor, self-tests), held and booked like anybody's work
    team       text NOT NULL,
    asker      text NOT NULL,
    session_id text NOT NULL,
    project    text NOT NULL,
    purpose    text NOT NULL CHECK (purpose IN ('draft', 'summary', 'read', 'inspect', 'ready', 'run', 'check')),
    -- A negative hold would make room in a budget.
    amount     bigint NOT NULL CHECK (amount >= 0),
    at         timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    called     boolean NOT NULL DEFAULT false, -- the paid work may have begun
    settled    boolean NOT NULL DEFAULT false, -- there is a settlement; only its trigger sets it
    -- The most that the calls begun under this hold may have cost, as far as nobody knows better.
    risked     bigint NOT NULL DEFAULT 0,
    -- Since when a call under this hold has a cost that nobody knows. It keeps its
    -- hold until it is known or charged in full.
    uncertain_at timestamptz,
    -- The hold of which this is what stays uncertain, once the rest of it was settled.
    rest_of    text,
    -- A hold burdens the budgets of the request that it is for.
    CONSTRAINT holds_payers_fkey FOREIGN KEY (request_id, team, asker, session_id, project)
        REFERENCES requests (id, team, asker, session_id, project),
    -- Nobody's name is on what nobody asked for, and nothing else goes without a request.
    CONSTRAINT holds_check CHECK (CASE WHEN purpose = 'check'
        THEN request_id IS NULL AND (asker, session_id, project) = ('countersign', 'countersign', 'countersign')
        ELSE request_id IS NOT NULL END),
    -- No hold lasts for ever.
    CONSTRAINT holds_end CHECK (expires_at > at),
    -- All calls under one hold together cost no more than it.
    CONSTRAINT holds_risked CHECK (risked BETWEEN 0 AND amount),
    -- Nothing is uncertain of what was never called.
    CONSTRAINT holds_uncertain CHECK (uncertain_at IS NULL OR called),
    -- A settlement leaves one rest at most.
    CONSTRAINT holds_one_rest UNIQUE (rest_of),
    -- Settlements refer to it.
    CONSTRAINT holds_payers UNIQUE (id, request_id, team, asker, session_id, project)
);
CREATE INDEX holds_by_request ON holds (request_id) WHERE NOT settled;
-- One box at a time waits for the reviewers of a request. The same index counts those that wait.
CREATE UNIQUE INDEX holds_one_ready ON holds (request_id) WHERE purpose = 'ready' AND NOT settled;
CREATE INDEX holds_stale ON holds (expires_at) WHERE NOT settled;
-- Few holds are uncertain; these are what budgets and the sweep ask for.
CREATE INDEX holds_uncertain_by_time ON holds (uncertain_at) WHERE uncertain_at IS NOT NULL AND NOT settled;
-- Reports read the holds of a span of time. The index begins with the time: one that
-- begins with the workspace was taken, in a young database whose plans are made while
-- it is empty, to check a settlement's hold, and read all holds there are.
CREATE INDEX holds_by_time ON holds (at, team);

CREATE TABLE settlements (
    -- A hold is settled once.
    hold_id    text PRIMARY KEY,
    request_id text,
    team       text NOT NULL,
    asker      text NOT NULL,
    session_id text NOT NULL,
    project    text NOT NULL,
    at         timestamptz NOT NULL,
    -- What was spent is the sum of the charges, as settlements_add_up sees to.
    amount     bigint NOT NULL CHECK (amount >= 0),
    estimated  boolean NOT NULL,
    usage_of   date, -- of what was unknown until the provider's usage of a day told it: that day
    -- What was told is no estimate.
    CONSTRAINT settlements_told CHECK (usage_of IS NULL OR NOT estimated),
    -- Whoever held pays.
    CONSTRAINT settlements_hold_fkey FOREIGN KEY (hold_id, request_id, team, asker, session_id, project)
        REFERENCES holds (id, request_id, team, asker, session_id, project)
);
CREATE INDEX settlements_by_request ON settlements (request_id);
-- Few costs stay unknown: those of the last days keep others from being told apart in a provider's usage.
CREATE INDEX settlements_estimated ON settlements (at) WHERE estimated;
CREATE INDEX settlements_by_user ON settlements (team, asker, at) INCLUDE (amount);
CREATE INDEX settlements_by_session ON settlements (team, session_id, at) INCLUDE (amount);
CREATE INDEX settlements_by_project ON settlements (team, project, at) INCLUDE (amount);
CREATE INDEX settlements_by_team ON settlements (team, at) INCLUDE (amount);

-- Only what has been settled leaves a rest.
ALTER TABLE holds ADD CONSTRAINT holds_rest_fkey FOREIGN KEY (rest_of) REFERENCES settlements (hold_id);

CREATE TABLE charges (
    hold_id       text NOT NULL REFERENCES settlements,
    line          integer NOT NULL CHECK (line >= 1),
    kind          text NOT NULL CHECK (kind IN ('tokens', 'box')),
    what          text NOT NULL,
    model         text NOT NULL DEFAULT '', -- that the API said it billed
    provider      text NOT NULL DEFAULT '', -- of a call: who was asked,
    host          text NOT NULL DEFAULT '', -- and where the prompt went
    input_tokens  bigint NOT NULL DEFAULT 0 CHECK (input_tokens >= 0),
    cached_tokens bigint NOT NULL DEFAULT 0 CHECK (cached_tokens >= 0), -- of the input, read from the provider's cache
    written_tokens bigint NOT NULL DEFAULT 0 CHECK (written_tokens >= 0), -- of the input, put into it
    output_tokens bigint NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    box_ms        bigint NOT NULL DEFAULT 0 CHECK (box_ms >= 0),
    vcpu integer NOT NULL DEFAULT 0, memory_mb integer NOT NULL DEFAULT 0, -- of a box: how large it was, by which it is priced
    amount        bigint NOT NULL CHECK (amount >= 0), -- nothing is ever paid back by a bill
    -- A box has both, or neither is known; a model has none.
    CONSTRAINT charges_size CHECK (vcpu >= 0 AND memory_mb >= 0 AND (vcpu > 0) = (memory_mb > 0) AND (kind = 'box' OR vcpu = 0)),
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
-- A hold is taken open and only ever moves forward: to called, to uncertain, and to
-- settled exactly when there is a settlement. Only a rest begins uncertain.
CREATE FUNCTION holds_forward() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE FUNCTION settlements_close_holds() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
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
-- Nothing costs more than agreed: a bill ends with its hold, whoever writes it and
-- whatever the provider takes. Whoever held pays, also where there is no request to
-- refer to.
CREATE FUNCTION settlements_within_hold() RETURNS trigger LANGUAGE plpgsql AS $$
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
CREATE TRIGGER holds_forward BEFORE INSERT OR UPDATE ON holds FOR EACH ROW EXECUTE FUNCTION holds_forward();
CREATE TRIGGER holds_rest BEFORE INSERT ON holds FOR EACH ROW WHEN (NEW.rest_of IS NOT NULL) EXECUTE FUNCTION holds_rest();
CREATE TRIGGER settlements_close_holds AFTER INSERT ON settlements FOR EACH ROW EXECUTE FUNCTION settlements_close_holds();
CREATE TRIGGER settlements_within_hold BEFORE INSERT ON settlements FOR EACH ROW EXECUTE FUNCTION settlements_within_hold();
CREATE CONSTRAINT TRIGGER settlements_add_up AFTER INSERT ON settlements
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION settlements_add_up();
CREATE CONSTRAINT TRIGGER charges_add_up AFTER INSERT ON charges
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION settlements_add_up();

-- +goose StatementBegin
-- A hold burdens its scopes when it is taken, and stops when it is settled; in the
-- order in which scopes are locked.
CREATE FUNCTION holds_burden() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    payer record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO scopes AS s (team, kind, id, held, taken)
            SELECT NEW.team, p.kind, p.id, NEW.amount, NEW.amount
            FROM (VALUES (1, 'user', NEW.asker), (2, 'session', NEW.session_id), (3, 'project', NEW.project), (4, 'team', NEW.team)) AS p (rank, kind, id)
            ORDER BY p.rank
        ON CONFLICT (team, kind, id) DO UPDATE SET held = s.held + excluded.held, taken = s.taken + excluded.taken;
    ELSE
        FOR payer IN
            SELECT p.kind, p.id
            FROM (VALUES (1, 'user', NEW.asker), (2, 'session', NEW.session_id), (3, 'project', NEW.project), (4, 'team', NEW.team)) AS p (rank, kind, id)
            ORDER BY p.rank
        LOOP
            UPDATE scopes SET held = held - NEW.amount WHERE team = NEW.team AND kind = payer.kind AND id = payer.id;
            -- Money that was held somewhere is given back there, or not at all.
            IF NOT FOUND THEN
                RAISE EXCEPTION 'hold % burdens % %, which is not there', NEW.id, payer.kind, payer.id
                    USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
            END IF;
        END LOOP;
    END IF;
    RETURN NULL;
END $$;
-- What is held follows from the holds: only the trigger above writes it, as the owner.
-- Serve's role has no right to the column (storage/roles); this keeps others from mistakes.
CREATE FUNCTION scopes_derived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- What is held in a scope would vanish with its name.
    IF TG_OP = 'UPDATE' AND (NEW.team, NEW.kind, NEW.id) IS DISTINCT FROM (OLD.team, OLD.kind, OLD.id) THEN
        RAISE EXCEPTION 'what a budget is drawn around keeps its name (% %)', OLD.kind, OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'scopes_named';
    END IF;
    IF pg_trigger_depth() < 2 AND (NEW.held, NEW.taken) <> (coalesce(OLD.held, 0), coalesce(OLD.taken, 0)) THEN
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
-- What is held in a scope would vanish with its row.
CREATE TRIGGER scopes_undeletable BEFORE DELETE ON scopes FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER scopes_untruncatable BEFORE TRUNCATE ON scopes FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- What was spent per scope, added up as it is spent, so that reading a budget costs
-- the same after ten settlements and after ten million. One row is what a scope spent
-- in one stretch of UTC: a quarter of an hour or a day. Stretches of UTC, because a
-- team may change its time zone while what was spent stays where it was; a quarter,
-- because the clocks of every zone have been a whole number of quarters from UTC since
-- 1972, so that whatever zone a window belongs to, whole rows fill it; days beside
-- them, so that a month is not three thousand rows to add up but about two hundred.
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
    -- Of a budget's scope; or of a model or kind of box, which no budget is drawn around, and which is ranked with them.
    CONSTRAINT balances_kind CHECK (kind IN ('user', 'session', 'project', 'team', 'model'))
);
-- Rankings read all people, all channels or all models of a stretch of time, and nothing of any other.
CREATE INDEX balances_ranked ON balances (team, kind, grain, start) INCLUDE (id, spent) WHERE kind IN ('user', 'project', 'model');

-- Every settlement once for each scope that it burdens: what a balance is the sum of.
CREATE VIEW ledger AS
    SELECT s.team, p.rank, p.kind, p.id, s.at, s.amount, s.hold_id
    FROM settlements s CROSS JOIN LATERAL (VALUES
        (1, 'user', s.asker), (2, 'session', s.session_id), (3, 'project', s.project), (4, 'team', s.team)) AS p (rank, kind, id);

-- +goose StatementBegin
-- What is settled is added to the balances of whoever pays, in the same
-- transaction, and in the order in which scopes are locked.
CREATE FUNCTION settlements_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
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
-- What is charged for a model or for boxes is added to theirs.
CREATE FUNCTION charges_balance() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO balances AS b (team, kind, id, grain, start, spent)
        SELECT s.team, 'model', coalesce(nullif(NEW.model, ''), NEW.what), g.grain, date_bin(g.width, s.at, 'epoch'), NEW.amount
        FROM settlements s CROSS JOIN (VALUES ('quarter', interval '15 minutes'), ('day', interval '1 day')) AS g (grain, width)
        WHERE s.hold_id = NEW.hold_id ORDER BY g.width
    ON CONFLICT (team, kind, id, grain, start) DO UPDATE SET spent = b.spent + excluded.spent;
    RETURN NULL;
END $$;
-- A balance follows from the ledger: only the triggers above write it, as the owner, and
-- only upwards. Serve's role has no right to write here; this keeps others from mistakes.
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
CREATE TRIGGER charges_balance AFTER INSERT ON charges FOR EACH ROW WHEN (NEW.amount > 0) EXECUTE FUNCTION charges_balance();
CREATE TRIGGER balances_derived BEFORE INSERT OR UPDATE ON balances FOR EACH ROW EXECUTE FUNCTION balances_derived();
CREATE TRIGGER balances_undeletable BEFORE DELETE ON balances FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER balances_untruncatable BEFORE TRUNCATE ON balances FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- What was spent per user, project, model and day. A day is one on the calendar of
-- the reader's time zone: SET TIME ZONE before reading. Every charge is in exactly
-- one row, so whatever is left out of a selection, nothing is counted twice, and all
-- rows together are the ledger.
CREATE VIEW usage AS
    SELECT s.team, s.at::date AS day, s.asker, s.project, c.kind,
        coalesce(nullif(c.model, ''), c.what) AS model, -- what was billed; for a box, its kind
        count(*) AS charges,
        count(*) FILTER (WHERE s.estimated) AS estimated, -- of the charges: nobody knows what was billed, so they are the whole hold
        sum(c.input_tokens)::bigint AS input_tokens,
        sum(c.cached_tokens)::bigint AS cached_tokens,
        sum(c.output_tokens)::bigint AS output_tokens,
        sum(c.box_ms)::bigint AS box_ms,
        sum(c.amount)::bigint AS amount
    FROM settlements s JOIN charges c USING (hold_id)
    GROUP BY 1, 2, 3, 4, 5, 6;

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
    reason     text NOT NULL REFERENCES contents,
    at         timestamptz NOT NULL,
    decided_by text CHECK (decided_by <> ''), -- NULL until somebody has
    decided_at timestamptz,
    granted    boolean NOT NULL DEFAULT false,
    answer     text REFERENCES contents,
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

-- Boxes of this installation in the lists of E2B, which are read every few seconds: what it bills, by its own word. It says what it has,
-- and not what it had, so that is kept here until the ledger has been held against it, and a month longer.
CREATE TABLE listed_boxes (
    box      text PRIMARY KEY CHECK (box <> ''),
    began_at timestamptz NOT NULL,
    seen_at  timestamptz NOT NULL, -- the last list that had it,
    gone_at  timestamptz,          -- and the first one after that which had not
    CONSTRAINT listed_boxes_order CHECK (seen_at >= began_at AND (gone_at IS NULL OR gone_at >= seen_at))
);
CREATE INDEX listed_boxes_there ON listed_boxes (box) WHERE gone_at IS NULL;
CREATE INDEX listed_boxes_began ON listed_boxes (began_at);
