-- A thread may be handed to a colleague: its questions and code go over, and of its files and private
-- answers what the giver names. Nothing goes before the colleague has accepted it.

-- +goose Up

CREATE TABLE handovers (
    id           text PRIMARY KEY CHECK (id <> ''),
    request_id   text NOT NULL, -- by which it is offered: one of the giver's in the thread
    session_id   text NOT NULL,
    team         text NOT NULL,
    project      text NOT NULL,
    giver        text NOT NULL,
    colleague    text NOT NULL CHECK (colleague <> ''),
    files        text[] NOT NULL DEFAULT '{}', -- Slack's ids of those that go along
    answers      text[] NOT NULL DEFAULT '{}', -- requests whose private answers do
    at           timestamptz NOT NULL,
    until        timestamptz NOT NULL,
    verdict      text, -- NULL while it is open
    ended_by     text,
    ended_at     timestamptz,
    into_session text REFERENCES sessions, -- where the colleague goes on
    -- A thread is handed over by who asks in it.
    CONSTRAINT handovers_giver FOREIGN KEY (request_id, team, giver, session_id, project) REFERENCES requests (id, team, asker, session_id, project),
    CONSTRAINT handovers_to_another CHECK (colleague <> giver),
    CONSTRAINT handovers_verdict CHECK (verdict IN ('accepted', 'declined', 'withdrawn', 'expired')),
    CONSTRAINT handovers_whole CHECK (num_nonnulls(verdict, ended_by, ended_at) IN (0, 3) AND (into_session IS NOT NULL) = coalesce(verdict = 'accepted', false)),
    -- The colleague who is named answers, and nobody else; the giver takes it back.
    CONSTRAINT handovers_whose CHECK (ended_by = CASE verdict WHEN 'withdrawn' THEN giver WHEN 'expired' THEN 'countersign' ELSE colleague END),
    -- What is accepted late is not accepted, and nothing expires early.
    CONSTRAINT handovers_in_time CHECK (until > at AND ended_at >= at AND (ended_at < until OR verdict <> 'accepted') AND (ended_at >= until OR verdict <> 'expired'))
);
-- An offer is open once, however often somebody presses.
CREATE UNIQUE INDEX handovers_one_open ON handovers (session_id, giver, colleague) WHERE verdict IS NULL;
-- What begins for a colleague comes from one thread.
CREATE UNIQUE INDEX handovers_one_begins ON handovers (into_session) WHERE into_session <> session_id;
CREATE INDEX handovers_into ON handovers (into_session);
CREATE INDEX handovers_of ON handovers (request_id, at);

-- +goose StatementBegin
-- What goes along is of the thread: files that its questions are about, and answers of the giver's own that nobody else reads.
CREATE FUNCTION handovers_gives() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.verdict IS NOT NULL
        OR EXISTS (SELECT FROM unnest(NEW.files) f WHERE NOT EXISTS (SELECT FROM requests q WHERE q.session_id = NEW.session_id AND q.files @> jsonb_build_array(jsonb_build_object('id', f))))
        OR EXISTS (SELECT FROM unnest(NEW.answers) a WHERE NOT EXISTS (SELECT FROM requests q JOIN sessions s ON s.id = q.session_id
            WHERE q.id = a AND (q.session_id, q.asker, q.state) = (NEW.session_id, NEW.giver, 'done') AND (s.private_to <> '' OR s.channel ~ '^D'))) THEN
        RAISE EXCEPTION 'hand-over % gives what is not the thread''s to give', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- Who goes on in a thread of a channel does so there. What stands in a direct message goes on in a thread
-- of the colleague's own, which begins with it.
CREATE FUNCTION handovers_lead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM sessions f JOIN sessions t ON t.id = NEW.into_session AND t.team = f.team WHERE f.id = NEW.session_id
        AND CASE WHEN f.private_to = '' AND f.channel !~ '^D' THEN t.id = f.id
            ELSE t.id <> f.id AND t.channel ~ '^D' AND t.thread_ts IS NOT NULL AND t.private_to = CASE WHEN NEW.project ~ '^D' THEN '' ELSE NEW.colleague END
                AND NOT EXISTS (SELECT FROM requests q WHERE q.session_id = t.id) END) THEN
        RAISE EXCEPTION 'hand-over % leads nowhere that is its colleague''s', NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- Each deed has its event: that it is offered, with all that goes along, and how it ends.
CREATE FUNCTION handovers_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of text := 'request:' || NEW.request_id;
BEGIN
    IF NOT EXISTS (SELECT FROM events e WHERE e.stream = of AND e.kind = 'offered hand-over' AND e.actor = NEW.giver AND e.at = NEW.at
            AND e.data::jsonb @> jsonb_build_object('handover', NEW.id, 'session', NEW.session_id, 'to', NEW.colleague)
            AND (e.data::jsonb -> 'files', e.data::jsonb -> 'answers', (e.data::jsonb ->> 'until')::timestamptz) = (to_jsonb(NEW.files), to_jsonb(NEW.answers), NEW.until))
        OR NEW.verdict IS NOT NULL AND NOT EXISTS (SELECT FROM events e WHERE e.stream = of AND e.kind = NEW.verdict || ' hand-over' AND e.actor = NEW.ended_by AND e.at = NEW.ended_at
            AND e.data::jsonb @> jsonb_build_object('handover', NEW.id) AND e.data::jsonb ->> 'into' IS NOT DISTINCT FROM NEW.into_session) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- The threads that a thread knows of: itself, and those that were handed to who goes on in it, as they were then.
CREATE FUNCTION knows_of(thread text) RETURNS TABLE (session_id text, until timestamptz, through text) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE known AS (
        SELECT thread AS session_id, 'infinity'::timestamptz AS until, NULL::text AS through
        UNION SELECT h.session_id, least(k.until, h.ended_at), h.id FROM known k JOIN handovers h ON h.into_session = k.session_id AND h.session_id <> h.into_session)
    SELECT * FROM known
$$;
-- The channels beside its own from which contents of a request's thread, and of those that it knows of, are known: they
-- were read there, or are pinned there. A direct message has no rules of its own.
-- It is asked for with every request, and most threads were handed over by nobody, in workspaces that pin nothing: what is
-- large of this is begun where there is something to find.
CREATE FUNCTION known_in(of text) RETURNS SETOF text LANGUAGE plpgsql STABLE ROWS 2 AS $$
DECLARE
    q record;
    threads text[];
    ids text[];
    contents text[];
    pinned text[];
BEGIN
    SELECT r.team, r.project, r.session_id, EXISTS (SELECT FROM handovers h WHERE h.into_session = r.session_id) AS handed,
        EXISTS (SELECT FROM pins p WHERE p.team = r.team) AS pins INTO q FROM requests r WHERE r.id = of;
    threads := ARRAY[q.session_id];
    IF q.handed THEN
        SELECT array_agg(DISTINCT k.session_id) INTO threads FROM knows_of(q.session_id) k;
    END IF;
    SELECT array_agg(f ->> 'id'), array_agg(f ->> 'sha256') FILTER (WHERE f ->> 'sha256' <> ''), array_agg(f ->> 'pinned') FILTER (WHERE f ->> 'pinned' <> '') INTO ids, contents, pinned
        FROM unnest(threads) t, LATERAL (SELECT files FROM requests WHERE session_id = t OFFSET 0) h, jsonb_array_elements(h.files) f;
    IF q.pins OR pinned IS NOT NULL THEN
        RETURN QUERY SELECT r.project FROM readings r WHERE r.team = q.team AND r.file_sha256 = ANY (contents) AND r.project <> q.project AND r.project !~ '^D'
            UNION SELECT p.project FROM standing_pins(q.team) p WHERE p.project <> q.project AND (p.project = ANY (pinned) OR p.file = ANY (ids) OR said(p.content) = ANY (contents))
            UNION SELECT u FROM unnest(pinned) u WHERE u <> q.project
            ORDER BY 1;
    ELSIF contents IS NOT NULL THEN
        RETURN QUERY SELECT DISTINCT r.project FROM readings r WHERE r.team = q.team AND r.file_sha256 = ANY (contents) AND r.project <> q.project AND r.project !~ '^D' ORDER BY 1;
    END IF;
END $$;
-- +goose StatementEnd
CREATE TRIGGER handovers_gives BEFORE INSERT ON handovers FOR EACH ROW EXECUTE FUNCTION handovers_gives();
CREATE TRIGGER handovers_lead BEFORE UPDATE ON handovers FOR EACH ROW WHEN (NEW.verdict = 'accepted') EXECUTE FUNCTION handovers_lead();
-- It ends once, and what was offered stays what it was.
CREATE TRIGGER handovers_once BEFORE UPDATE ON handovers FOR EACH ROW
    WHEN (OLD.verdict IS NOT NULL OR (NEW.id, NEW.request_id, NEW.session_id, NEW.team, NEW.project, NEW.giver, NEW.colleague, NEW.files, NEW.answers, NEW.at, NEW.until)
        IS DISTINCT FROM (OLD.id, OLD.request_id, OLD.session_id, OLD.team, OLD.project, OLD.giver, OLD.colleague, OLD.files, OLD.answers, OLD.at, OLD.until))
    EXECUTE FUNCTION refuse('what was offered is answered once');
CREATE TRIGGER handovers_undeletable BEFORE DELETE ON handovers FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER handovers_untruncatable BEFORE TRUNCATE ON handovers FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
CREATE CONSTRAINT TRIGGER handovers_told AFTER INSERT OR UPDATE ON handovers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION handovers_told();
