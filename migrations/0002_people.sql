-- Who has which part in reviews, and by which rules.

-- +goose Up

-- Who may do what in a workspace, and by which rules, has one version: as many facts as
-- there are of it. They are never changed and never deleted, so it only grows. Whoever
-- writes what rests on them shares a lock until they commit, and whoever adds to them
-- takes it alone.
-- +goose StatementBegin
CREATE FUNCTION authority_alone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('authority ' || NEW.team, 0));
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- Rules are versions; the latest of a channel holds there, else the workspace's.
CREATE TABLE rules (
    team     text NOT NULL CHECK (team <> ''),
    project  text NOT NULL, -- empty: the whole workspace
    version  integer NOT NULL,
    document jsonb CHECK (jsonb_typeof(document) = 'object'), -- NULL: the channel has none of its own any more
    set_by   text NOT NULL CHECK (set_by <> ''),
    set_at   timestamptz NOT NULL,
    told     bigint, -- the event of rules:TEAM that tells of it
    -- How a manifest names them.
    name     text NOT NULL GENERATED ALWAYS AS (coalesce(nullif(project, ''), 'team') || '/' || version::text) STORED,
    former   integer GENERATED ALWAYS AS (nullif(version - 1, 0)) STORED,
    PRIMARY KEY (team, project, version),
    CONSTRAINT rules_version CHECK (version >= 1),
    CONSTRAINT rules_name UNIQUE (team, name),
    -- Versions follow one another without a gap: two administrators at once do not both set the next.
    CONSTRAINT rules_follow FOREIGN KEY (team, project, former) REFERENCES rules (team, project, version),
    -- A workspace that has rules does not get rid of them.
    CONSTRAINT rules_workspace CHECK (document IS NOT NULL OR project <> ''),
    -- Of every tier they say how many people must approve, and that is somebody.
    CONSTRAINT rules_approvals CHECK (document IS NULL OR
        coalesce((document #>> '{low,approvals}')::integer, 0) >= 1 AND
        coalesce((document #>> '{medium,approvals}')::integer, 0) >= 1 AND
        coalesce((document #>> '{high,approvals}')::integer, 0) >= 1)
);
-- What a manifest names stays what it was.
CREATE TRIGGER rules_authority BEFORE INSERT ON rules FOR EACH ROW EXECUTE FUNCTION authority_alone();
CREATE TRIGGER rules_unchangeable BEFORE UPDATE OR DELETE ON rules FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER rules_untruncatable BEFORE TRUNCATE ON rules FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
-- Whether notes that are sealed are those of a channel, word for word.
CREATE FUNCTION noted(of text, channel text, sealed jsonb) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM rules WHERE team = of AND project = channel AND name = sealed ->> 'version' AND document #>> '{notes,version}' = version::text
        AND (document #>> '{notes,currency}', document #>> '{notes,year_begins}') IS NOT DISTINCT FROM (sealed ->> 'currency', sealed ->> 'year_begins')
        AND encode(sha256(convert_to(said(document #>> '{notes,text,salted_sha256}'), 'UTF8')), 'hex') = sealed ->> 'sha256');
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- The rules of reviews that hold in a channel at a time: its own, or the workspace's. Nothing
-- where nobody has set any. Versions that only follow set models, notes or sights.
CREATE FUNCTION ruling(of text, channel text, at timestamptz) RETURNS SETOF rules LANGUAGE sql STABLE AS $$
    SELECT * FROM (SELECT DISTINCT ON (project) * FROM rules WHERE team = of AND project IN ('', channel) AND set_at <= at ORDER BY project, version DESC) latest
    WHERE document IS NOT NULL AND document -> 'follows' IS DISTINCT FROM 'true' ORDER BY project = '' LIMIT 1
$$;
-- +goose StatementEnd

-- Who was named for what, or removed, one fact after another: the latest holds.
CREATE TABLE people (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team    text NOT NULL CHECK (team <> ''),
    project text NOT NULL, -- empty: the whole workspace
    role    text NOT NULL CHECK (role IN ('reviewer', 'fallback', 'administrator', 'auditor', 'break-glass')),
    person  text NOT NULL CHECK (person <> ''),
    named   boolean NOT NULL, -- false: removed
    by      text NOT NULL CHECK (by <> ''),
    at      timestamptz NOT NULL,
    told    bigint, -- the event of people:TEAM that tells of it
    -- Whoever names people for one channel could name themselves for all, and an auditor sees all.
    CONSTRAINT people_administrators CHECK (role NOT IN ('administrator', 'auditor', 'break-glass') OR project = ''),
    -- Nobody names themselves for what nobody else approves.
    CONSTRAINT people_glass CHECK (role <> 'break-glass' OR NOT named OR "by" <> person)
);
CREATE INDEX people_latest ON people (team, project, role, person, seq DESC);
CREATE INDEX people_auditors ON people (person, seq DESC) WHERE role = 'auditor';
-- +goose StatementBegin
-- Whether somebody is an auditor now.
CREATE FUNCTION audits(who text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce((SELECT named FROM people WHERE role = 'auditor' AND person = who ORDER BY seq DESC LIMIT 1), false);
END $$;
-- An auditor has no other role, and nothing that is on its way in their name. A break-glass role that rests is none.
CREATE FUNCTION people_one_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT ON (project, role) role, named, at FROM people WHERE team = NEW.team AND person = NEW.person ORDER BY project, role, seq DESC) latest
        WHERE named AND (role = 'auditor') <> (NEW.role = 'auditor')
            AND NOT (role = 'break-glass' AND at <= coalesce(glass_rested(NEW.team, clock_timestamp()), '-infinity'))) THEN
        RAISE EXCEPTION '% has another role', NEW.person USING ERRCODE = 'check_violation', CONSTRAINT = 'people_one_part';
    END IF;
    IF NEW.role = 'auditor' AND EXISTS (SELECT FROM requests WHERE team = NEW.team AND asker = NEW.person
        AND state IN ('drafting', 'asking', 'pending', 'approved', 'running')) THEN
        RAISE EXCEPTION '% has asked something that is open', NEW.person USING ERRCODE = 'check_violation', CONSTRAINT = 'people_auditors_idle';
    END IF;
    RETURN NEW;
END $$;
-- An auditor changes nothing: whatever a person does leaves an event in their name, in the same transaction, and of
-- theirs there are only looks, and what was refused. A draft is an inspection's word on code that they may
-- have edited before they were named; what goes does because two people had wanted it, of whom one may have been named since.
-- Whoever broke the glass may say that it was not them whatever they have become since, and what runs by it is stopped in their name right after.
CREATE FUNCTION events_not_by_auditors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT audits(NEW.actor) THEN
        RETURN NEW; -- nearly always, and the query below is not begun for it
    END IF;
    IF NOT (NEW.kind = 'stopped' AND EXISTS (SELECT FROM events e WHERE e.stream = NEW.stream AND e.seq = NEW.seq - 1
        AND e.kind = 'disowned glass' AND e.actor = NEW.actor)) THEN
        RAISE EXCEPTION '% is an auditor, who changes nothing', NEW.actor USING ERRCODE = 'check_violation', CONSTRAINT = 'events_not_by_auditors';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER people_one_part BEFORE INSERT ON people FOR EACH ROW WHEN (NEW.named) EXECUTE FUNCTION people_one_part();
CREATE TRIGGER events_not_by_auditors BEFORE INSERT ON events FOR EACH ROW
    WHEN (NEW.kind NOT IN ('looked at', 'packed', 'refused click', 'drafted', 'gone', 'disowned glass')) EXECUTE FUNCTION events_not_by_auditors();
CREATE TRIGGER people_authority BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION authority_alone();
CREATE TRIGGER people_unchangeable BEFORE UPDATE OR DELETE ON people FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER people_untruncatable BEFORE TRUNCATE ON people FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- Who lets whom decide in their place, one word after another: the latest holds.
CREATE TABLE delegations (
    seq       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team      text NOT NULL CHECK (team <> ''),
    principal text NOT NULL CHECK (principal <> ''),
    delegate  text CHECK (delegate <> ''), -- NULL: they decide for themselves again
    until     timestamptz,
    at        timestamptz NOT NULL,
    told      bigint, -- the event of people:TEAM that tells of it
    CONSTRAINT delegations_other CHECK (delegate <> principal),
    -- It ends, and it ends after it began.
    CONSTRAINT delegations_end CHECK ((delegate IS NULL) = (until IS NULL) AND until > at)
);
CREATE INDEX delegations_latest ON delegations (team, principal, seq DESC);
CREATE TRIGGER delegations_authority BEFORE INSERT ON delegations FOR EACH ROW EXECUTE FUNCTION authority_alone();
CREATE TRIGGER delegations_unchangeable BEFORE UPDATE OR DELETE ON delegations FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER delegations_untruncatable BEFORE TRUNCATE ON delegations FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- The SSH keys by which people sign what they decide at a terminal, one fact after another:
-- the latest of a key holds.
CREATE TABLE ssh_keys (
    seq    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team   text NOT NULL CHECK (team <> ''),
    person text NOT NULL CHECK (person <> ''),
    line   text NOT NULL, -- kind and key, as a .pub file has them
    named  boolean NOT NULL, -- false: removed
    at     timestamptz NOT NULL,
    told   bigint, -- the event of people:TEAM that tells of it
    -- Only kinds that sign well.
    CONSTRAINT ssh_keys_kind CHECK (line ~ '^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) [A-Za-z0-9+/]+=*$')
);
CREATE INDEX ssh_keys_latest ON ssh_keys (team, line, seq DESC);
CREATE INDEX ssh_keys_of ON ssh_keys (team, person, seq);
-- +goose StatementBegin
-- A key is one person's: two people with the same key would be one hand with two voices.
CREATE FUNCTION ssh_keys_of_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT ON (person) named FROM ssh_keys WHERE team = NEW.team AND line = NEW.line AND person <> NEW.person
        ORDER BY person, seq DESC) others WHERE named) THEN
        RAISE EXCEPTION 'somebody else has the key of %', NEW.person USING ERRCODE = 'unique_violation', CONSTRAINT = 'ssh_keys_of_one';
    END IF;
    RETURN NEW;
END $$;
-- Whether a key signs for somebody: they have registered it, it is a day old by then, and it
-- is not removed now.
CREATE FUNCTION signs(of text, who text, key text, at timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce((SELECT k.named AND k.at <= $4 - interval '24 hours' FROM ssh_keys k
        WHERE k.team = of AND k.line = key AND k.person = who ORDER BY k.seq DESC LIMIT 1), false);
END $$;
-- +goose StatementEnd
CREATE TRIGGER ssh_keys_authority BEFORE INSERT ON ssh_keys FOR EACH ROW EXECUTE FUNCTION authority_alone();
CREATE TRIGGER ssh_keys_of_one BEFORE INSERT ON ssh_keys FOR EACH ROW WHEN (NEW.named) EXECUTE FUNCTION ssh_keys_of_one();
CREATE TRIGGER ssh_keys_unchangeable BEFORE UPDATE OR DELETE ON ssh_keys FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER ssh_keys_untruncatable BEFORE TRUNCATE ON ssh_keys FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- The files that administrators have pinned to channels, one deed after another: of a file in a channel the
-- latest holds, unless a later upload was accepted in its place. The files stay in Slack.
CREATE TABLE pins (
    seq        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team       text NOT NULL CHECK (team <> ''),
    project    text NOT NULL CHECK (project <> ''), -- the channel
    verb       text NOT NULL CHECK (verb IN ('pinned', 'unpinned', 'accepted upload', 'declined upload')),
    file       text NOT NULL CHECK (file <> ''), -- Slack's id
    name       text REFERENCES contents,
    content    text REFERENCES contents, -- the sha256 of what it holds
    size       bigint CHECK (size >= 0),
    people     text[] NOT NULL DEFAULT '{}', -- who may use it; empty: everybody of the channel
    shared_by  text, -- who has put it into Slack,
    shared_at  timestamptz, -- and when
    instead_of text, -- of an upload: the pinned file that has its name
    "by"       text NOT NULL CHECK ("by" <> ''),
    at         timestamptz NOT NULL,
    told       bigint, -- the event of pins:TEAM that tells of it
    -- What is pinned is named by what it holds.
    CONSTRAINT pins_whole CHECK (num_nonnulls(name, content, size) = CASE WHEN verb IN ('pinned', 'accepted upload') THEN 3 ELSE 0 END),
    -- An upload is accepted or declined in the place of another file.
    CONSTRAINT pins_instead CHECK ((instead_of IS NOT NULL) = (verb IN ('accepted upload', 'declined upload')) AND coalesce(instead_of <> file, true)),
    -- Nobody is named who is nobody.
    CONSTRAINT pins_people CHECK (array_position(people, NULL) IS NULL AND array_position(people, '') IS NULL AND (people = '{}' OR verb IN ('pinned', 'accepted upload')))
);
CREATE INDEX pins_latest ON pins (team, project, file, seq DESC);
-- +goose StatementBegin
-- The pins that stand in a workspace. To decline an upload is no deed about that file's own pin.
CREATE FUNCTION standing_pins(of text) RETURNS SETOF pins LANGUAGE sql STABLE AS $$
    SELECT * FROM (SELECT DISTINCT ON (project, file) * FROM pins WHERE team = of AND verb <> 'declined upload' ORDER BY project, file, seq DESC) latest
    WHERE verb IN ('pinned', 'accepted upload') AND NOT EXISTS (SELECT FROM pins later WHERE (later.team, later.project, later.instead_of, later.verb) = (of, latest.project, latest.file, 'accepted upload') AND later.seq > latest.seq)
$$;
-- An upload is offered for a pin that stands, and only what is pinned is taken away.
CREATE FUNCTION pins_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM standing_pins(NEW.team) p WHERE p.project = NEW.project AND p.file = coalesce(NEW.instead_of, NEW.file)) THEN
        RAISE EXCEPTION '% is not pinned to %', coalesce(NEW.instead_of, NEW.file), NEW.project USING ERRCODE = 'check_violation', CONSTRAINT = 'pins_follow';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER pins_authority BEFORE INSERT ON pins FOR EACH ROW EXECUTE FUNCTION authority_alone();
CREATE TRIGGER pins_follow BEFORE INSERT ON pins FOR EACH ROW WHEN (NEW.verb <> 'pinned') EXECUTE FUNCTION pins_follow();
CREATE TRIGGER pins_unchangeable BEFORE UPDATE OR DELETE ON pins FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER pins_untruncatable BEFORE TRUNCATE ON pins FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
CREATE FUNCTION authority(of text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT count(*) FROM people WHERE team = of) + (SELECT count(*) FROM delegations WHERE team = of)
        + (SELECT count(*) FROM rules WHERE team = of) + (SELECT count(*) FROM ssh_keys WHERE team = of) + (SELECT count(*) FROM pins WHERE team = of);
END $$;
-- +goose StatementEnd
