-- The audit trail: one chain of events per stream, insert-only; and beside it the
-- words that events name by their salted hashes, which can be forgotten. docs/events.md
-- has the format, with an example to compute by hand.

-- +goose Up

-- +goose StatementBegin
-- Guards tables whose rows are written once.
CREATE FUNCTION unchangeable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is not possible: its rows are written once', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
-- Refuses a change. The trigger's WHEN says which, and its argument says why: the
-- promise that would be broken.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% (% %)', TG_ARGV[0], TG_TABLE_NAME, to_jsonb(OLD) ->> 'id'
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- An event as it is hashed: one line of canonical JSON (RFC 8785).
CREATE FUNCTION event_line(stream text, seq bigint, at timestamptz, actor text, kind text, data text, prev text)
    RETURNS text LANGUAGE sql STABLE AS $$
    SELECT concat('{"actor":', to_json(actor), ',"at":"', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        '","data":', data, ',"kind":', to_json(kind), ',"prev":"', prev, '","seq":', seq, ',"stream":', to_json(stream), ',"v":2}')
$$;
-- +goose StatementEnd

-- What can have happened, and what an event of each kind may hold: the constants and the
-- table of facts in approval/event.go, as a test sees to.
CREATE TABLE event_kinds (kind text PRIMARY KEY CHECK (kind <> ''), facts jsonb NOT NULL);
INSERT INTO event_kinds (kind, facts) VALUES
    ('accepted hand-over', '{"handover": "text", "into": "text", "click": "object"}'),
    ('accepted upload', '{"channel": "text", "file": "text", "name": "said", "content": "said", "size": "number", "for": "list", "shared_by": "text", "shared_at": "text", "instead_of": "text"}'),
    ('answered', '{"file": "text", "code": "text", "column": "said", "says": "text", "told_by": "text"}'),
    ('approved', '{"revision": "number", "digest": "text", "click": "object", "in_place_of": "text", "settings": "flag"}'),
    ('asked', '{"question": "said", "files": "list", "model": "text", "channel": "text", "trigger": "text", "private": "flag", "chosen": "text", "chosen_by": "text", "instead_of": "text"}'),
    ('asked about', '{"file": "text", "code": "text", "column": "said"}'),
    ('asked back', '{"cause": "object", "reason": "object"}'),
    ('asked for a top-up', '{"topup": "text", "scope": "object", "amount": "number", "reason": "said"}'),
    ('asked for an opinion', '{"revision": "number", "person": "text", "click": "object"}'),
    ('asked to clarify', '{"question": "said", "attempt": "number"}'),
    ('asked to erase', '{"person": "text"}'),
    ('asked to sign', '{"revision": "number", "digest": "text", "verdict": "text", "nonce": "text"}'),
    ('assigned', '{"revision": "number", "person": "text", "click": "object"}'),
    ('away', '{"cause": "object"}'),
    ('back', '{"cause": "object"}'),
    ('begun', '{"box": "text"}'),
    ('begun too late', '{"box": "text"}'),
    ('blocked', '{"for": "text", "needed": "number", "model": "text", "standings": "list"}'),
    ('box ready', '{"box": "text", "hold": "text", "revision": "number", "digest": "text", "until": "text"}'),
    ('broke glass', '{"revision": "number", "digest": "text", "click": "object", "reason": "said", "others": "list"}'),
    ('call failed', '{"attempt": "number", "why": "said"}'),
    ('called', '{"attempt": "number", "model": "text", "hold": "text", "provider": "text", "host": "text", "for": "text"}'),
    ('changes requested', '{"revision": "number", "digest": "text", "click": "object", "reason": "said", "in_place_of": "text", "settings": "flag"}'),
    ('clarified', '{"answer": "said", "trigger": "text"}'),
    ('continued', '{"for": "text", "model": "text", "before": "text"}'),
    ('corrected', '{"file": "text", "told": "list"}'),
    ('declined a top-up', '{"topup": "text", "scope": "object", "amount": "number", "reason": "said"}'),
    ('declined hand-over', '{"handover": "text", "click": "object"}'),
    ('declined model', '{"model": "text", "instead_of": "text", "scope": "object"}'),
    ('declined upload', '{"channel": "text", "file": "text", "instead_of": "text"}'),
    ('delegated', '{"to": "text", "until": "text", "from": "text", "before": "object"}'),
    ('delegation ended', '{"from": "text", "before": "object"}'),
    ('deleted', '{"surface": "text", "channel": "text", "ts": "text", "stays": "text"}'),
    ('disowned', '{"revision": "number", "digest": "text", "click": "object"}'),
    ('disowned too late', '{"revision": "number", "click": "object"}'),
    ('downgraded', '{"from": "text", "to": "text", "scope": "object"}'),
    ('drafted', '{"revision": "number", "digest": "text", "code": "said", "manifest": "said", "summary": "said", "findings_list": "said", "findings": "number", "prompt_version": "text", "provider": "text", "host": "text", "next": "said"}'),
    ('edit refused', '{"revision": "number", "by": "text", "reason": "object"}'),
    ('edited', '{"revision": "number", "digest": "text", "click": "object", "code": "said"}'),
    ('escalated', '{"revision": "number", "people": "list"}'),
    ('expired', '{"while": "text"}'),
    ('expired hand-over', '{"handover": "text"}'),
    ('failed', '{"reason": "object", "cause": "object"}'),
    ('fell back', '{"from": "text", "to": "text", "provider": "text", "host": "text", "most": "number", "why": "said"}'),
    ('finished', '{"outcome": "text", "compared": "text", "error": "said", "said": "said", "result": "said", "files": "list", "witness": "object", "hints": "object", "box_ms": "number", "cost": "number"}'),
    ('found', '{"files": "list", "guest": "flag", "shared": "flag"}'),
    ('frozen', '{"until": "text", "rule": "said", "revision": "number"}'),
    ('gone', '{"contents": "list", "why": "text"}'),
    ('granted a top-up', '{"topup": "text", "scope": "object", "amount": "number", "until": "text"}'),
    ('granted top-up', '{"scope": "object", "amount": "number", "window": "text", "policy": "object", "before": "object", "extra": "number", "until": "text", "request": "text"}'),
    ('held', '{"hold": "text", "for": "text", "amount": "number", "team": "text", "what": "text", "standings": "list"}'),
    ('readings gone', '{"count": "number", "requests": "list", "more": "number"}'),
    ('known as', '{"id": "text", "name": "said"}'),
    ('legal hold', '{"person": "text"}'),
    ('legal hold ended', '{"person": "text"}'),
    ('looked at', '{"what": "text", "click": "object"}'),
    ('disowned glass', '{"revision": "number", "click": "object"}'),
    ('looked at glass', '{"revision": "number", "fine": "flag", "click": "object"}'),
    ('lost', '{"box": "text", "said": "said"}'),
    ('mismatch', '{"what": "list"}'),
    ('named', '{"person": "text", "role": "text", "channel": "text", "before": "list"}'),
    ('no box', '{"why": "said"}'),
    ('not summarised', '{"of": "list", "from": "text", "saw": "text", "why": "said", "provider": "text", "host": "text"}'),
    ('offered hand-over', '{"handover": "text", "session": "text", "to": "text", "files": "list", "answers": "list", "until": "text", "click": "object"}'),
    ('opened review', '{"revision": "number", "click": "object"}'),
    ('packed', '{"pack": "text", "from": "text", "to": "text", "person": "text", "channel": "text", "team": "text", "entries": "number", "requests": "number", "shown": "number"}'),
    ('pinned', '{"channel": "text", "file": "text", "name": "said", "content": "said", "size": "number", "for": "list", "shared_by": "text", "shared_at": "text"}'),
    ('posted', '{"surface": "text", "channel": "text", "ts": "text"}'),
    ('rated', '{"good": "flag", "click": "object"}'),
    ('read', '{"files": "list"}'),
    ('reckoned', '{"restored": "number", "scope": "object", "spent": "number", "click": "object"}'),
    ('refused change', '{"for": "text", "needed": "number", "model": "text", "standings": "list", "what": "text", "revision": "number"}'),
    ('refused click', '{"verdict": "text", "what": "text", "why": "object", "click": "object"}'),
    ('refused draft', '{"attempt": "number", "reason": "said", "code": "said"}'),
    ('registered key', '{"key": "text"}'),
    ('rejected', '{"revision": "number", "digest": "text", "click": "object", "reason": "said", "in_place_of": "text", "settings": "flag"}'),
    ('reminded', '{"revision": "number", "people": "list"}'),
    ('removed', '{"person": "text", "role": "text", "channel": "text", "before": "list"}'),
    ('removed key', '{"key": "text"}'),
    ('removed limit', '{"scope": "object", "before": "object"}'),
    ('repeats', '{"request": "text", "revision": "number", "digest": "text"}'),
    ('restored', '{"checkpoint": "number", "size": "number", "lost_checkpoint": "number", "lost_size": "number", "lost": "number", "open": "number", "epoch": "text", "teams": "list"}'),
    ('seal broken', '{"revision": "number", "digest": "text", "why": "list", "fallen": "object"}'),
    ('sealed anew', '{"revision": "number", "digest": "text", "code": "said", "manifest": "said", "summary": "said", "findings_list": "said"}'),
    ('set limit', '{"scope": "object", "amount": "number", "window": "text", "policy": "object", "before": "object", "extra": "number", "until": "text"}'),
    ('set rules', '{"channel": "text", "version": "number", "rules": "object", "before": "object"}'),
    ('settled', '{"hold": "text", "for": "text", "held": "number", "spent": "number", "estimated": "flag", "over": "number", "team": "text", "usage_of": "text"}'),
    ('shared', '{"channel": "text", "click": "object"}'),
    ('signing key', '{"key": "text"}'),
    ('started', '{"box": "text", "revision": "number", "digest": "text"}'),
    ('stopped', '{"box": "text"}'),
    ('summarised', '{"summary": "text", "of": "list", "from": "text", "saw": "text", "text": "said", "provider": "text", "host": "text"}'),
    ('took back', '{"click": "object"}'),
    ('uncertain', '{"hold": "text", "held": "number", "most": "number", "until": "text", "rest_of": "text"}'),
    ('unpinned', '{"channel": "text", "file": "text"}'),
    ('unstarted', '{"box": "text", "cost": "number"}'),
    ('uploaded', '{"surface": "text", "file": "text"}'),
    ('voided', '{"box": "text", "reason": "object", "cause": "object", "cost": "number"}'),
    ('waits for money', '{"until": "text"}'),
    ('weighed', '{"for": "text", "needed": "number", "model": "text", "standings": "list", "hold": "text"}'),
    ('withdrawn', '{}'),
    ('withdrawn hand-over', '{"handover": "text", "click": "object"}'),
    ('written', '{"attempt": "number", "code": "said", "prompt_version": "text", "provider": "text", "host": "text", "notes": "object"}');
-- The rows change with a migration, and with nothing else.
CREATE TRIGGER event_kinds_unchangeable BEFORE INSERT OR UPDATE OR DELETE ON event_kinds FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER event_kinds_untruncatable BEFORE TRUNCATE ON event_kinds FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

CREATE TABLE events (
    stream    text NOT NULL CHECK (stream <> '' AND stream !~ '[[:cntrl:]]'),
    seq       bigint NOT NULL CHECK (seq >= 1),
    at        timestamptz NOT NULL,
    actor     text NOT NULL CHECK (actor <> '' AND actor !~ '[[:cntrl:]]'),
    kind      text NOT NULL REFERENCES event_kinds,
    -- Facts and ids. For what a person wrote or data said it has {"salted_sha256": "..."}, the hash of a
    -- row of contents. As text: jsonb would spell it differently.
    data      text NOT NULL CHECK (jsonb_typeof(data::jsonb) = 'object'),
    prev_hash text NOT NULL CHECK (prev_hash ~ '^[0-9a-f]{64}$'),
    hash      text NOT NULL,
    prev_seq  bigint GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
    -- Serve's signature of the hash, by Ed25519, and the public key of it, both as base64. They stand beside the
    -- line and not in it. The database holds no private key, so only programs check them.
    key       text CHECK (key ~ '^[A-Za-z0-9+/]{43}=$'),
    signature text CHECK (signature ~ '^[A-Za-z0-9+/]{86}==$'),
    -- A stream has one event at each place: two writers cannot fork it.
    PRIMARY KEY (stream, seq),
    CONSTRAINT events_hashed UNIQUE (stream, seq, hash),
    -- Every event continues the one before it, and there is one before it.
    CONSTRAINT events_chain_fkey FOREIGN KEY (stream, prev_seq, prev_hash) REFERENCES events (stream, seq, hash),
    -- A chain begins with nothing before it.
    CONSTRAINT events_beginning CHECK (seq > 1 OR prev_hash = repeat('0', 64)),
    -- The hash is that of what is stored here, to the microsecond and to the byte.
    CONSTRAINT events_hash CHECK (hash = encode(sha256(convert_to(
        event_line(stream, seq, at, actor, kind, data, prev_hash), 'UTF8')), 'hex')),
    -- Every event is signed but those that the schema writes itself.
    CONSTRAINT events_signed CHECK ((key IS NULL) = (signature IS NULL) AND (signature IS NOT NULL OR kind IN ('deleted', 'gone', 'posted', 'uploaded')))
);
-- How often a budget has refused something.
CREATE INDEX events_blocked ON events (at) WHERE kind = 'blocked';
-- What people are called, what was summed up, and what has gone: few among many, each looked for by itself.
CREATE INDEX events_names ON events (stream, seq) WHERE kind = 'known as';
CREATE INDEX events_summaries ON events (stream, seq) WHERE kind = 'summarised';
-- What was said of budgets since a request began to wait for money.
CREATE INDEX events_of_budgets ON events (at) WHERE stream = 'budget';
-- +goose StatementBegin
-- An event holds facts of its kind and nothing else. What somebody said is its salted hash,
-- whoever writes the event.
CREATE FUNCTION events_facts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
BEGIN
    SELECT d.key INTO wrong FROM event_kinds k, jsonb_each(NEW.data::jsonb) d
        WHERE k.kind = NEW.kind AND jsonb_typeof(d.value) <> 'null' AND CASE k.facts ->> d.key
            WHEN 'said' THEN d.value = jsonb_build_object('salted_sha256', d.value -> 'salted_sha256') AND d.value ->> 'salted_sha256' ~ '^[0-9a-f]{64}$'
            WHEN 'text' THEN jsonb_typeof(d.value) = 'string'
            WHEN 'flag' THEN jsonb_typeof(d.value) = 'boolean'
            WHEN 'list' THEN jsonb_typeof(d.value) = 'array'
            ELSE jsonb_typeof(d.value) = k.facts ->> d.key END IS NOT TRUE LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'an event "%" does not hold "%", or not as that', NEW.kind, wrong
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_facts BEFORE INSERT ON events FOR EACH ROW WHEN (jsonb_typeof(NEW.data::jsonb) = 'object') EXECUTE FUNCTION events_facts();
-- What happened has happened.
CREATE TRIGGER events_unchangeable BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER events_untruncatable BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- What a person wrote or data said: questions, code, reasons, results, files. Events
-- and other tables name it by its hash. All that can happen to it is that it goes.
CREATE TABLE contents (
    hash   text PRIMARY KEY CHECK (hash ~ '^[0-9a-f]{64}$'),
    -- 128 random bits, new for every value: without them nobody finds a short value by
    -- trying, or sees that two values are alike. Their length is fixed, so nothing can
    -- move from the value into the salt.
    salt   text CHECK (salt ~ '^[0-9a-f]{32}$'),
    value  bytea,
    stream text NOT NULL CHECK (stream <> ''), -- where it belongs, and where it is said that it is gone
    gone   bigint, -- the event that says so
    -- The hash is that of what is stored here, as long as it is.
    CONSTRAINT contents_hash CHECK (hash = encode(sha256(convert_to(salt, 'UTF8') || value), 'hex')),
    -- A value goes with its salt, and exactly when an event says so.
    CONSTRAINT contents_whole CHECK ((salt IS NULL) = (value IS NULL) AND (value IS NULL) = (gone IS NOT NULL)),
    CONSTRAINT contents_gone_fkey FOREIGN KEY (stream, gone) REFERENCES events (stream, seq)
);
CREATE INDEX contents_by_stream ON contents (stream);

-- +goose StatementBegin
-- The only change is that a value goes, and that the event names it which says so.
CREATE FUNCTION contents_only_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR OLD.value IS NULL OR NEW.value IS NOT NULL OR (NEW.hash, NEW.stream) <> (OLD.hash, OLD.stream)
        OR NOT EXISTS (SELECT FROM events WHERE stream = NEW.stream AND seq = NEW.gone AND kind = 'gone'
            AND data::jsonb -> 'contents' ? NEW.hash) THEN
        RAISE EXCEPTION 'content % cannot change: it can only go, by forget()', NEW.hash
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- Nothing goes of a request that has not ended: whoever decides reads it first.
CREATE FUNCTION contents_stay_while_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM requests WHERE id = substr(OLD.stream, length('request:') + 1) AND OLD.stream LIKE 'request:%'
        AND state NOT IN ('done', 'failed', 'rejected', 'expired', 'withdrawn', 'lost')) THEN
        RAISE EXCEPTION 'content % cannot go: % has not ended', OLD.hash, OLD.stream
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- The words behind a hash; nothing where there are none, or none any more.
CREATE FUNCTION said(of text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce((SELECT convert_from(value, 'UTF8') FROM contents WHERE hash = of), '');
END $$;
-- Continues a stream with an event that the schema writes itself, and returns its place.
CREATE FUNCTION tell(of text, who text, what text, facts text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    next events;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('events ' || of, 0)); -- writers of one stream follow one another
    SELECT e.seq, e.hash INTO next.seq, next.prev_hash FROM events e WHERE e.stream = of ORDER BY e.seq DESC LIMIT 1;
    next.seq := coalesce(next.seq, 0) + 1;
    next.prev_hash := coalesce(next.prev_hash, repeat('0', 64));
    next.at := clock_timestamp();
    INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash)
        VALUES (of, next.seq, next.at, who, what, facts, next.prev_hash, encode(sha256(convert_to(
            event_line(of, next.seq, next.at, who, what, facts, next.prev_hash), 'UTF8')), 'hex'));
    RETURN next.seq;
END $$;
-- Forgets values of a stream, all of them where none are named, and says so with an
-- event: which, who wanted it, and a word for the reason. Returns how many went.
-- It runs as the owner, who alone may change a row of contents.
CREATE FUNCTION forget(of text, which text[], who text, why text) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    going text[];
    place bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('events ' || of, 0)); -- of two who forget at once the second finds less
    SELECT array_agg(c.hash ORDER BY c.hash) INTO going FROM contents c
        WHERE c.stream = of AND c.value IS NOT NULL AND (which IS NULL OR c.hash = ANY (which));
    IF going IS NULL THEN
        RETURN 0;
    END IF;
    place := tell(of, who, 'gone', concat('{"contents":', to_json(going), ',"why":', to_json(why), '}'));
    UPDATE contents c SET salt = NULL, value = NULL, gone = place WHERE c.hash = ANY (going);
    RETURN cardinality(going);
END $$;
-- +goose StatementEnd
CREATE TRIGGER contents_begin BEFORE INSERT ON contents FOR EACH ROW WHEN (NEW.value IS NULL) EXECUTE FUNCTION contents_only_go();
CREATE TRIGGER contents_only_go BEFORE UPDATE ON contents FOR EACH ROW EXECUTE FUNCTION contents_only_go();
CREATE TRIGGER contents_stay_while_open BEFORE UPDATE ON contents FOR EACH ROW
    WHEN (NEW.value IS NULL) EXECUTE FUNCTION contents_stay_while_open();
CREATE TRIGGER contents_undeletable BEFORE DELETE ON contents FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER contents_untruncatable BEFORE TRUNCATE ON contents FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
