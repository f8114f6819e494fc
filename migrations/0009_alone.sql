-- What one person may do alone: how fast they approve, and where they act without anybody's approval.

-- +goose Up

-- +goose StatementBegin
-- Tells in what an approval is faster than the rules of its channel let anybody approve; nothing where it is
-- not. Code is opened first, in a view that shows all of it, and read for a while; and one person approves so many in an hour.
-- The one that comes now (since 'infinity') counts all that are there, and those of the hour before this moment: its time was taken
-- before it waited for its turn, by a clock that may have been ahead. The clock is asked once (SELECT), so that an index finds that hour.
CREATE FUNCTION hurried(d decisions, since timestamptz) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT CASE
        WHEN asked.seconds > 0 AND NOT EXISTS (SELECT FROM events e WHERE e.stream = 'request:' || d.request_id AND e.kind = 'opened review' AND e.actor = d.reviewer
            AND (e.data::jsonb ->> 'revision')::integer = d.revision AND e.at <= least(d.at, clock_timestamp()) - make_interval(secs => asked.seconds)) THEN 'decisions_read'
        WHEN asked.hourly > 0 AND asked.hourly <= (SELECT count(*) FROM decisions o JOIN requests p ON p.id = o.request_id AND p.team = asked.team
            JOIN revisions w ON (w.request_id, w.number, w.tier) = (o.request_id, o.revision, asked.tier)
            WHERE o.reviewer = d.reviewer AND o.verdict = 'approve' AND o.at > least(d.at, (SELECT clock_timestamp())) - interval '1 hour' AND (o.at <= d.at OR since = 'infinity')
            AND (o.request_id, o.revision) <> (d.request_id, d.revision)) THEN 'decisions_hourly'
        END
    FROM (SELECT q.team, v.tier, least(v.lines * coalesce((r.document #>> ARRAY[v.tier, 'line_seconds'])::integer, 0), 120) AS seconds,
            coalesce((r.document #>> ARRAY[v.tier, 'hourly'])::integer, 0) AS hourly
        FROM requests q JOIN revisions v ON v.request_id = q.id AND v.number = d.revision LEFT JOIN ruling(q.team, q.project, since) r ON true
        WHERE q.id = d.request_id) asked
    WHERE d.verdict = 'approve');
END $$;
-- Nobody approves what they have not had the time to read. Of two approvals by one person at once, the second counts the first,
-- in whatever channel that was: where the rules bound how many there are in an hour, it waits for the others, and they for it.
-- Elsewhere they share the lock, and wait for none of each other.
CREATE FUNCTION decisions_unhurried() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    how text;
    asked record;
BEGIN
    SELECT r.document #> ARRAY[v.tier, 'line_seconds'] AS seconds, r.document #> ARRAY[v.tier, 'hourly'] AS hourly INTO asked
        FROM requests q JOIN revisions v ON v.request_id = q.id AND v.number = NEW.revision CROSS JOIN ruling(q.team, q.project, 'infinity') r WHERE q.id = NEW.request_id;
    IF asked.hourly IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('approvals ' || NEW.reviewer, 0));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('approvals ' || NEW.reviewer, 0));
        IF asked.seconds IS NULL THEN
            RETURN NEW; -- the rules ask for nothing, or there are none
        END IF;
    END IF;
    how := hurried(NEW, 'infinity');
    IF how IS NOT NULL THEN
        RAISE EXCEPTION '% approves revision % of % faster than the rules let them', NEW.reviewer, NEW.revision, NEW.request_id
            USING ERRCODE = 'check_violation', CONSTRAINT = how;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER decisions_read BEFORE INSERT ON decisions FOR EACH ROW
    WHEN (NEW.verdict = 'approve') EXECUTE FUNCTION decisions_unhurried();

-- Somebody has had code run that nobody approved: the one exception to the first promise. The row stands in the
-- place of the quorum, for just this version, and says who, why, and which other administrators were told at once.
CREATE TABLE broken_glass (
    request_id text NOT NULL,
    revision   integer NOT NULL,
    digest     text NOT NULL,
    person     text NOT NULL CHECK (person <> ''),
    reason     text NOT NULL REFERENCES contents,
    others     text[] NOT NULL,
    at         timestamptz NOT NULL,
    click      jsonb NOT NULL CHECK (jsonb_typeof(click) = 'object'),
    -- It is broken once for a version.
    PRIMARY KEY (request_id, revision),
    -- What runs is what was shown: this version, by this digest.
    CONSTRAINT broken_glass_revision_fkey FOREIGN KEY (request_id, revision, digest) REFERENCES revisions (request_id, number, digest),
    -- Two other administrators at least hear of it.
    CONSTRAINT broken_glass_others CHECK (cardinality(others) >= 2 AND array_position(others, person) IS NULL AND array_position(others, NULL) IS NULL)
);
CREATE TRIGGER broken_glass_unchangeable BEFORE UPDATE OR DELETE ON broken_glass FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER broken_glass_untruncatable BEFORE TRUNCATE ON broken_glass FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- An administrator has looked at it afterwards.
CREATE TABLE glass_looks (
    request_id text NOT NULL,
    revision   integer NOT NULL,
    person     text NOT NULL CHECK (person <> ''),
    fine       boolean NOT NULL, -- false: they doubt that it was right
    at         timestamptz NOT NULL,
    -- A person looks once.
    PRIMARY KEY (request_id, revision, person),
    -- What is looked at has happened.
    CONSTRAINT glass_looks_of FOREIGN KEY (request_id, revision) REFERENCES broken_glass (request_id, revision)
);
CREATE TRIGGER glass_looks_unchangeable BEFORE UPDATE OR DELETE ON glass_looks FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER glass_looks_untruncatable BEFORE TRUNCATE ON glass_looks FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
-- Those of a workspace that two people have not looked at by some moment. One whose version was sealed anew never ran, and needs no look.
CREATE FUNCTION glass_unseen(of text, moment timestamptz) RETURNS SETOF broken_glass LANGUAGE sql STABLE AS $$
    SELECT g.* FROM broken_glass g CROSS JOIN LATERAL (SELECT revision FROM requests WHERE id = g.request_id AND team = of OFFSET 0) q WHERE q.revision = g.revision AND g.at <= moment
        AND (SELECT count(*) FROM glass_looks l WHERE (l.request_id, l.revision) = (g.request_id, g.revision) AND l.at <= moment) < 2
$$;
-- When whoever broke the glass said that it was not them, by a moment: at once it rests for everybody, whatever became of the run.
CREATE FUNCTION glass_disowned(g broken_glass, moment timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(e.at) FROM events e WHERE e.stream = 'request:' || g.request_id AND e.kind = 'disowned glass' AND e.actor = g.person
        AND (e.data::jsonb ->> 'revision')::integer = g.revision AND e.at <= moment);
END $$;
-- When the role was last taken from everybody in a workspace, because two people had not looked within 24 hours, or because somebody disowned it.
CREATE FUNCTION glass_rested(of text, moment timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT max(greatest(glass_disowned(g, moment), CASE WHEN q.revision = g.revision AND g.at + interval '24 hours' <= moment
        AND (SELECT count(*) FROM glass_looks l WHERE (l.request_id, l.revision) = (g.request_id, g.revision) AND l.at <= g.at + interval '24 hours') < 2
        THEN g.at + interval '24 hours' END)) FROM broken_glass g CROSS JOIN LATERAL (SELECT revision FROM requests WHERE id = g.request_id AND team = of OFFSET 0) q WHERE g.at <= moment);
END $$;
-- Since when somebody has the role: since the second of two other people named them. Whoever takes it away takes all of it.
CREATE FUNCTION glass_since(of text, who text, moment timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT first FROM (SELECT min(p.at) AS first FROM people p WHERE p.team = of AND p.role = 'break-glass' AND p.person = who AND p.named AND p."by" <> who AND p.at <= moment
        AND p.seq > coalesce((SELECT max(r.seq) FROM people r WHERE r.team = of AND r.role = 'break-glass' AND r.person = who AND NOT r.named AND r.at <= moment), 0)
        AND p.at > coalesce(glass_rested(of, moment), '-infinity')
        GROUP BY p."by") names ORDER BY first OFFSET 1 LIMIT 1);
END $$;
-- Which condition of breaking the glass does not hold; nothing where all do.
CREATE FUNCTION glass_wrong(g broken_glass) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN coalesce(glass_since(q.team, g.person, g.at) > g.at - interval '24 hours', true) THEN 'broken_glass_role'
        WHEN EXISTS (SELECT FROM glass_unseen(q.team, g.at) o WHERE o.person = g.person AND (o.request_id, o.revision) <> (g.request_id, g.revision)) THEN 'broken_glass_seen'
        WHEN EXISTS (SELECT FROM glass_unseen(q.team, g.at) o WHERE (o.request_id, o.revision) <> (g.request_id, g.revision)) THEN 'broken_glass_one'
        WHEN q.asker = ANY (g.others) OR (SELECT count(DISTINCT o) FROM unnest(g.others) o) < 2 THEN 'broken_glass_others'
        WHEN v.dangers > 0 THEN 'broken_glass_inspected'
        WHEN coalesce(jsonb_array_length(nullif(nullif(said(v.manifest), '')::jsonb -> 'network', 'null')), 0) > 0 THEN 'broken_glass_network'
        WHEN NOT EXISTS (SELECT FROM events e WHERE e.stream = 'request:' || g.request_id AND e.kind = 'opened review' AND e.actor = g.person
            AND (e.data::jsonb ->> 'revision')::integer = g.revision AND e.at <= g.at) THEN 'broken_glass_read'
        WHEN length(said(g.reason)) < 20 AND EXISTS (SELECT FROM contents WHERE hash = g.reason AND value IS NOT NULL) THEN 'broken_glass_reason'
        END
    FROM requests q JOIN revisions v ON v.request_id = q.id AND v.number = g.revision WHERE q.id = g.request_id
$$;
-- Tells whether an event says of it what its row says.
CREATE FUNCTION glass_told(g broken_glass) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM events e WHERE e.stream = 'request:' || g.request_id AND e.kind = 'broke glass' AND e.actor = g.person AND e.at = g.at
        AND e.data::jsonb @> jsonb_build_object('revision', g.revision, 'digest', g.digest, 'others', g.others) AND e.data::jsonb #>> '{reason,salted_sha256}' = g.reason);
END $$;
-- Whether a version may run though nobody has approved it.
CREATE FUNCTION glassed(request text, version integer) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM broken_glass g WHERE g.request_id = request AND g.revision = version AND glass_told(g));
END $$;
-- The glass is broken now, of what waits now, and where every condition holds. Of two at once in a workspace the second sees the first.
CREATE FUNCTION broken_glass_held() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
BEGIN
    PERFORM FROM requests WHERE id = NEW.request_id AND state = 'pending' AND revision = NEW.revision FOR NO KEY UPDATE;
    IF NOT FOUND OR NEW.at NOT BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() + interval '1 minute' THEN
        wrong := 'broken_glass_in_time';
    ELSE
        PERFORM pg_advisory_xact_lock(hashtextextended('glass ' || (SELECT team FROM requests WHERE id = NEW.request_id), 0));
        wrong := glass_wrong(NEW);
        -- Whoever was first may have a later time: each takes theirs before it waits for the other.
        IF wrong IS NULL AND EXISTS (SELECT FROM glass_unseen((SELECT team FROM requests WHERE id = NEW.request_id), 'infinity') o
            WHERE (o.request_id, o.revision) <> (NEW.request_id, NEW.revision)) THEN
            wrong := 'broken_glass_one';
        END IF;
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '% does not break the glass for revision % of %', NEW.person, NEW.revision, NEW.request_id USING ERRCODE = 'check_violation', CONSTRAINT = wrong;
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION broken_glass_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT glass_told(NEW) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- Nobody looks at their own, nor at what was run for them.
CREATE FUNCTION glass_looks_by_others() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM broken_glass g JOIN requests q ON q.id = g.request_id WHERE (g.request_id, g.revision) = (NEW.request_id, NEW.revision) AND NEW.person IN (g.person, q.asker)) THEN
        RAISE EXCEPTION '% does not look at their own', NEW.person USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION glass_looks_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events e WHERE e.stream = 'request:' || NEW.request_id AND e.kind = 'looked at glass' AND e.actor = NEW.person AND e.at = NEW.at
        AND e.data::jsonb @> jsonb_build_object('revision', NEW.revision, 'fine', NEW.fine)) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER broken_glass_in_time BEFORE INSERT ON broken_glass FOR EACH ROW EXECUTE FUNCTION broken_glass_held();
CREATE CONSTRAINT TRIGGER broken_glass_told AFTER INSERT ON broken_glass DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION broken_glass_told();
CREATE TRIGGER glass_looks_by_others BEFORE INSERT ON glass_looks FOR EACH ROW EXECUTE FUNCTION glass_looks_by_others();
CREATE CONSTRAINT TRIGGER glass_looks_told AFTER INSERT ON glass_looks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION glass_looks_told();
