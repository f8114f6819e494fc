-- What administrators want of reviews, and who has which part in them.

-- +goose Up

-- Rules are versions; the latest of a channel holds there, else the workspace's.
CREATE TABLE rules (
    team     text NOT NULL CHECK (team <> ''),
    project  text NOT NULL, -- empty: of the whole workspace
    version  integer NOT NULL,
    document jsonb CHECK (jsonb_typeof(document) = 'object'), -- NULL: the channel has none of its own any more
    set_by   text NOT NULL CHECK (set_by <> ''),
    set_at   timestamptz NOT NULL,
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
CREATE TRIGGER rules_unchangeable BEFORE UPDATE OR DELETE ON rules FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER rules_untruncatable BEFORE TRUNCATE ON rules FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- Who was named for what, or removed, one fact after another: the latest holds.
CREATE TABLE people (
    seq     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team    text NOT NULL CHECK (team <> ''),
    project text NOT NULL, -- empty: for the whole workspace
    role    text NOT NULL CHECK (role IN ('reviewer', 'fallback', 'administrator')),
    person  text NOT NULL CHECK (person <> ''),
    named   boolean NOT NULL, -- false: removed
    by      text NOT NULL CHECK (by <> ''),
    at      timestamptz NOT NULL,
    -- Whoever names people for one channel could name themselves for all.
    CONSTRAINT people_administrators CHECK (role <> 'administrator' OR project = '')
);
CREATE INDEX people_latest ON people (team, project, role, person, seq DESC);
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
    CONSTRAINT delegations_other CHECK (delegate <> principal),
    -- It ends, and it ends after it began.
    CONSTRAINT delegations_end CHECK ((delegate IS NULL) = (until IS NULL) AND until > at)
);
CREATE INDEX delegations_latest ON delegations (team, principal, seq DESC);
CREATE TRIGGER delegations_unchangeable BEFORE UPDATE OR DELETE ON delegations FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER delegations_untruncatable BEFORE TRUNCATE ON delegations FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- What the queue sorts and filters by, read once from the sealed text. Manifests
-- of version 1 name no tier.
ALTER TABLE revisions
    ADD COLUMN tier text GENERATED ALWAYS AS (manifest::jsonb ->> 'tier') STORED,
    ADD COLUMN cost_cap bigint GENERATED ALWAYS AS ((manifest::jsonb ->> 'cost_cap')::bigint) STORED,
    ADD COLUMN needed integer GENERATED ALWAYS AS ((manifest::jsonb ->> 'approvals')::integer) STORED,
    ADD COLUMN policy text GENERATED ALWAYS AS (manifest::jsonb ->> 'policy') STORED,
    -- From version 2 on a manifest seals how much attention it needs, and by which rules.
    ADD CONSTRAINT revisions_terms CHECK (coalesce((manifest::jsonb ->> 'version')::integer, 0) < 2 OR
        coalesce(tier, '') IN ('low', 'medium', 'high') AND coalesce(needed, 0) >= 1 AND coalesce(policy, '') <> '');

-- +goose StatementBegin
-- A revision that names rules names rules that there are, of its own channel or
-- workspace, and asks for no fewer approvals than they do.
CREATE FUNCTION revisions_by_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- The columns that follow from the manifest are not there yet.
    sealed jsonb := NEW.manifest::jsonb;
BEGIN
    IF coalesce(sealed ->> 'policy', 'settings') <> 'settings' THEN
        PERFORM FROM rules r JOIN requests q ON q.id = NEW.request_id AND q.team = r.team
            WHERE r.name = sealed ->> 'policy' AND r.project IN ('', q.project)
            AND (sealed ->> 'approvals')::integer >= (r.document #>> ARRAY[sealed ->> 'tier', 'approvals'])::integer;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'revision % of % does not follow the rules that it names', NEW.number, NEW.request_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'revisions_by_rules';
        END IF;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER revisions_by_rules BEFORE INSERT ON revisions FOR EACH ROW EXECUTE FUNCTION revisions_by_rules();

-- +goose StatementBegin
-- What is before reviewers, approved or running needs as many approvals as were
-- sealed: nobody lowers the number beside the seal.
CREATE FUNCTION requests_sealed_quorum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.quorum < (SELECT needed FROM revisions WHERE request_id = NEW.id AND number = NEW.revision) THEN
        RAISE EXCEPTION 'request % needs more approvals than %', OLD.id, NEW.quorum
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_sealed_quorum';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER requests_sealed_quorum BEFORE UPDATE ON requests FOR EACH ROW
    WHEN (NEW.state IN ('pending', 'approved', 'running')) EXECUTE FUNCTION requests_sealed_quorum();

-- A decision may be given in the place of a reviewer who is away. It is that
-- reviewer's voice: it counts once, and not on what they asked or wrote.
ALTER TABLE decisions
    ADD COLUMN in_place_of text,
    ADD COLUMN voice text NOT NULL GENERATED ALWAYS AS (coalesce(in_place_of, reviewer)) STORED,
    ADD CONSTRAINT decisions_in_place CHECK (in_place_of <> '' AND in_place_of <> reviewer AND in_place_of <> asker AND in_place_of <> author),
    ADD CONSTRAINT decisions_one_voice UNIQUE (request_id, revision, voice);

-- +goose StatementBegin
-- Who decides in somebody's place has been named by them, and that has not ended.
CREATE FUNCTION decisions_delegated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.in_place_of IS NOT NULL AND NOT EXISTS (
        SELECT FROM (SELECT d.delegate, d.until FROM delegations d JOIN requests q ON q.id = NEW.request_id AND q.team = d.team
            WHERE d.principal = NEW.in_place_of ORDER BY d.seq DESC LIMIT 1) latest
        WHERE latest.delegate = NEW.reviewer AND latest.until > NEW.at) THEN
        RAISE EXCEPTION '% does not decide in the place of %', NEW.reviewer, NEW.in_place_of
            USING ERRCODE = 'check_violation', CONSTRAINT = 'decisions_delegated';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER decisions_delegated BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION decisions_delegated();
-- Statistics look at the latest.
CREATE INDEX decisions_by_time ON decisions (at);

-- +goose Down
DROP TRIGGER decisions_delegated ON decisions;
DROP TRIGGER requests_sealed_quorum ON requests;
DROP TRIGGER revisions_by_rules ON revisions;
DROP INDEX decisions_by_time;
ALTER TABLE decisions DROP COLUMN voice, DROP COLUMN in_place_of;
ALTER TABLE revisions DROP CONSTRAINT revisions_terms, DROP COLUMN tier, DROP COLUMN cost_cap, DROP COLUMN needed, DROP COLUMN policy;
DROP TABLE delegations, people, rules;
DROP FUNCTION decisions_delegated, requests_sealed_quorum, revisions_by_rules;
