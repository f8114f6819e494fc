-- What may be forgotten of a request, by whom, and what may not.

-- +goose Up

-- Whose questions are kept whatever anybody wants, one fact after another: the latest holds.
CREATE TABLE legal_holds (
    seq    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team   text NOT NULL CHECK (team <> ''),
    person text NOT NULL, -- empty: everybody's
    held   boolean NOT NULL, -- false: not any more
    by     text NOT NULL CHECK (by <> ''),
    at     timestamptz NOT NULL,
    told   bigint, -- the event of people:TEAM that tells of it
    CONSTRAINT legal_holds_once UNIQUE (team, told)
);
CREATE INDEX legal_holds_latest ON legal_holds (team, person, seq DESC);
CREATE TRIGGER legal_holds_unchangeable BEFORE UPDATE OR DELETE ON legal_holds FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER legal_holds_untruncatable BEFORE TRUNCATE ON legal_holds FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- Who wants forgotten what somebody has asked. Two have to want it within seven days of each other: what both want
-- stays wanted until it is done, however long a legal hold or an open request puts it off.
CREATE TABLE erasures (
    seq    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team   text NOT NULL CHECK (team <> ''),
    person text NOT NULL CHECK (person <> ''),
    by     text NOT NULL,
    at     timestamptz NOT NULL,
    told   bigint, -- the event of people:TEAM that tells of it
    CONSTRAINT erasures_once UNIQUE (team, told),
    -- Nobody has forgotten what they themselves asked.
    CONSTRAINT erasures_others CHECK (by NOT IN ('', person))
);
CREATE INDEX erasures_latest ON erasures (team, person, at);
CREATE TRIGGER erasures_unchangeable BEFORE UPDATE OR DELETE ON erasures FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER erasures_untruncatable BEFORE TRUNCATE ON erasures FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
CREATE FUNCTION legal_holds_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'people:' || NEW.team AND seq = NEW.told AND actor = NEW."by" AND at = NEW.at
        AND kind = CASE WHEN NEW.held THEN 'legal hold' ELSE 'legal hold ended' END AND data::jsonb ->> 'person' = NEW.person) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION erasures_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'people:' || NEW.team AND seq = NEW.told AND actor = NEW."by" AND at = NEW.at
        AND kind = 'asked to erase' AND data::jsonb ->> 'person' = NEW.person) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- Whether somebody's questions are on legal hold.
CREATE FUNCTION on_legal_hold(of text, who text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_or(held), false) FROM (SELECT DISTINCT ON (person) held FROM legal_holds WHERE team = of AND person IN ('', who) ORDER BY person, seq DESC) latest
$$;
-- Whether a request is: its asker's are, or those of whoever asked what it verifies.
CREATE FUNCTION request_on_hold(request text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(bool_or(on_legal_hold(q.team, p)), false) FROM requests q LEFT JOIN requests f ON f.id = q.repeats, unnest(ARRAY[q.asker, f.asker]) p WHERE q.id = request
$$;
-- Whether two people want forgotten what somebody was called when they said so, one of whom this is.
CREATE FUNCTION name_erasable(of text, which text, who text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM events e JOIN erasures x ON 'names:' || x.team = e.stream AND x.person = e.data::jsonb ->> 'id'
        JOIN erasures y ON y.team = x.team AND y.person = x.person AND y."by" <> x."by" AND y.at BETWEEN x.at - interval '7 days' AND x.at + interval '7 days'
        WHERE e.stream = of AND e.kind = 'known as' AND e.data::jsonb #>> '{name,salted_sha256}' = which
            AND x.at >= e.at AND y.at >= e.at AND x."by" = who AND NOT on_legal_hold(x.team, x.person))
$$;
-- Whether two people want a request forgotten, one of whom this is: within seven days of each other, and neither has asked it, decided
-- on it, written its code, had it run without an approval, or looked at that. They want gone what its asker has asked, or whoever asked
-- what it verifies: that has the same words in it. What is asked after somebody's word needs another one.
CREATE FUNCTION erasable(request text, who text) RETURNS boolean LANGUAGE sql STABLE AS $$
    WITH words AS (SELECT x.person, x."by", x.at FROM requests q LEFT JOIN requests f ON f.id = q.repeats JOIN erasures x ON x.team = q.team AND x.person IN (q.asker, f.asker)
        WHERE q.id = request AND x.at >= q.created_at AND x."by" <> q.asker
            AND NOT EXISTS (SELECT FROM decisions d WHERE d.request_id = q.id AND x."by" IN (d.reviewer, d.in_place_of))
            AND NOT EXISTS (SELECT FROM revisions v WHERE v.request_id = q.id AND v.author = x."by")
            AND NOT EXISTS (SELECT FROM broken_glass g WHERE g.request_id = q.id AND g.person = x."by")
            AND NOT EXISTS (SELECT FROM glass_looks l WHERE l.request_id = q.id AND l.person = x."by"))
    SELECT EXISTS (SELECT FROM words x JOIN words y ON y.person = x.person AND y."by" <> x."by" AND y.at BETWEEN x.at - interval '7 days' AND x.at + interval '7 days'
        WHERE x."by" = who)
$$;
-- The values of a request that the workspace's rule keeps no longer. Each belongs to what was asked and
-- said, to the code or to the results, by the events and messages that name it; one that belongs to several
-- is kept for as long as any of them.
CREATE FUNCTION kept_no_longer(of text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH q AS (SELECT * FROM requests WHERE 'request:' || id = of AND id = substr(of, length('request:') + 1)),
    keep AS (SELECT r.document #> '{privacy,keep}' AS days FROM rules r JOIN q ON q.team = r.team WHERE r.project = '' ORDER BY r.version DESC LIMIT 1),
    due AS (SELECT part FROM keep, q, unnest(ARRAY['words', 'code', 'results']) part
        WHERE (days ->> part)::integer > 0 AND q.changed_at < now() - make_interval(days => (days ->> part)::integer)),
    named AS (SELECT m[1] AS hash, CASE WHEN e.kind IN ('drafted', 'sealed anew', 'edited', 'edit refused', 'written', 'refused draft') THEN 'code'
            WHEN e.kind IN ('finished', 'mismatch', 'lost') THEN 'results' ELSE 'words' END AS part
        FROM events e, regexp_matches(e.data, '"salted_sha256":"([0-9a-f]{64})"', 'g') m WHERE e.stream = of
        UNION ALL SELECT m.text, CASE m.role WHEN 'code' THEN 'code' WHEN 'result' THEN 'results' ELSE 'words' END FROM messages m JOIN q ON (q.session_id, q.id) = (m.session_id, m.request_id)) -- the key of messages is by session
    SELECT c.hash FROM contents c LEFT JOIN named n ON n.hash = c.hash WHERE c.stream = of AND c.value IS NOT NULL
    GROUP BY c.hash HAVING bool_and(coalesce(n.part, 'words') IN (SELECT part FROM due))
$$;
-- Whether a value is a summary that tells of a request of which something is gone.
CREATE FUNCTION tells_of_gone(of text, which text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM events e, jsonb_array_elements_text(e.data::jsonb -> 'of') AS r (request) JOIN events g ON g.stream = 'request:' || r.request AND g.kind = 'gone'
        WHERE e.stream = of AND e.kind = 'summarised' AND e.data::jsonb #>> '{text,salted_sha256}' = which)
$$;
-- What goes is of a request, on no legal hold, and goes by the workspace's rule, because two people want it,
-- or because it sums up what is gone; or it is what somebody was called, and two people want it gone.
CREATE FUNCTION contents_stay_without_reason() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    q requests;
    e events;
BEGIN
    SELECT * INTO q FROM requests WHERE id = substr(OLD.stream, length('request:') + 1) AND OLD.stream LIKE 'request:%';
    SELECT * INTO e FROM events WHERE stream = OLD.stream AND seq = NEW.gone;
    IF q.id IS NULL AND coalesce(e.data::jsonb ->> 'why' = 'erasure' AND name_erasable(OLD.stream, OLD.hash, e.actor), false) THEN
        RETURN NEW;
    ELSIF q.id IS NULL THEN
        RAISE EXCEPTION 'content % cannot go: it is of no request', OLD.hash USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contents_of_requests';
    ELSIF request_on_hold(q.id) THEN
        RAISE EXCEPTION 'content % cannot go: % is on legal hold', OLD.hash, OLD.stream USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'contents_on_legal_hold';
    ELSIF NOT coalesce(CASE e.data::jsonb ->> 'why' WHEN 'retention' THEN OLD.hash IN (SELECT kept_no_longer(OLD.stream)) WHEN 'erasure' THEN erasable(q.id, e.actor)
        WHEN 'summary' THEN tells_of_gone(OLD.stream, OLD.hash) END, false) THEN
        RAISE EXCEPTION 'content % cannot go: no rule says so, and no two people who may', OLD.hash USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER legal_holds_told AFTER INSERT ON legal_holds DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION legal_holds_told();
CREATE CONSTRAINT TRIGGER erasures_told AFTER INSERT ON erasures DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION erasures_told();
CREATE TRIGGER contents_stay_without_reason BEFORE UPDATE ON contents FOR EACH ROW WHEN (NEW.value IS NULL) EXECUTE FUNCTION contents_stay_without_reason();
