-- What people ask, what is written for them, who decides, and what runs.

-- +goose Up

-- A session is a Slack thread.
CREATE TABLE sessions (
    id         text PRIMARY KEY CHECK (id <> ''),
    team       text NOT NULL CHECK (team <> ''),
    channel    text NOT NULL CHECK (channel <> ''),
    thread_ts  text CHECK (thread_ts <> ''), -- NULL until its first message has been posted
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Who reads an answer: everybody in the channel, or its asker alone. A private thread is in their direct message;
    -- until its first message stands there, its channel is their id, by which Slack finds it.
    private_to text NOT NULL DEFAULT '',
    -- A thread is one session, so that a follow-up finds what was said before.
    CONSTRAINT sessions_one_per_thread UNIQUE (team, channel, thread_ts),
    -- Requests refer to it, so that they cannot lie about their workspace.
    CONSTRAINT sessions_team UNIQUE (id, team),
    -- What is for one person stands in no channel.
    CONSTRAINT sessions_alone CHECK (private_to = '' OR channel = private_to OR channel ~ '^D'),
    CONSTRAINT sessions_private UNIQUE (id, team, private_to)
);
-- A private thread finds its place once, and stays there; no other moves at all.
CREATE TRIGGER sessions_stay BEFORE UPDATE ON sessions FOR EACH ROW
    WHEN (NEW.private_to <> OLD.private_to OR NEW.channel <> OLD.channel AND (OLD.private_to = '' OR OLD.channel <> OLD.private_to))
    EXECUTE FUNCTION refuse('a thread stays where it is, and whose it is');

CREATE TABLE requests (
    id           text PRIMARY KEY CHECK (id <> ''),
    session_id   text NOT NULL,
    team         text NOT NULL CHECK (team <> ''),
    project      text NOT NULL CHECK (project <> ''),
    asker        text NOT NULL CHECK (asker <> ''),
    private_to   text NOT NULL DEFAULT '' CONSTRAINT requests_private CHECK (private_to IN ('', asker)),
    guest        boolean NOT NULL DEFAULT false, shared boolean NOT NULL DEFAULT false, -- the asker, when they asked; the channel, with another organisation
    question     text REFERENCES contents,
    model        text NOT NULL,
    files        jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(files) = 'array'),
    trigger      text NOT NULL CHECK (trigger <> ''),
    state        text NOT NULL,
    reason       jsonb CHECK (jsonb_typeof(reason) = 'object'), -- why it ended or waits: a code with its facts
    cause        jsonb CHECK (jsonb_typeof(cause) = 'object'), -- the same, where Slack is the reason
    repeats      text, repeats_revision integer, repeats_digest text, -- the run that it repeats; NULL for a question
    seek         jsonb CHECK (jsonb_typeof(seek) = 'object'), -- what is still to be found; NULL when it has been
    away         jsonb CHECK (jsonb_typeof(away) = 'object'), -- what cannot be seen at the moment; NULL when all is there
    looked_at    timestamptz, -- when it was last found out whether all is there
    -- The latest box that was made for it while reviewers read, noted before it was asked for; and until when it may live, NULL once it is paid.
    ready        jsonb CONSTRAINT requests_ready_object CHECK (jsonb_typeof(ready) = 'object'), ready_until timestamptz,
    blocked      jsonb CONSTRAINT requests_blocked_object CHECK (jsonb_typeof(blocked) = 'object'),
    chosen       jsonb, -- the model that somebody has chosen in its thread by then; NULL: nobody has
    downgraded   jsonb CONSTRAINT requests_downgraded_object CHECK (jsonb_typeof(downgraded) = 'object'),
    -- The model that writes when the one that was asked cannot be reached, and what is held for it.
    fallback     jsonb CONSTRAINT requests_fallback_object CHECK (jsonb_typeof(fallback) = 'object'),
    -- In the line for a box. 0: in no line; -1: the sandbox is being started. It is no move, so it has no event.
    place        integer NOT NULL DEFAULT 0 CHECK (place >= -1),
    -- Calls of the model are counted, so that they can be bounded.
    attempts     integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    refused      jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(refused) = 'array'),
    revision     integer, -- the current one; NULL while there is none
    -- How often reviewers have had the code changed.
    rounds       integer NOT NULL DEFAULT 0 CHECK (rounds >= 0),
    edit         jsonb CHECK (jsonb_typeof(edit) = 'object'), -- code that a person has written and that is being inspected
    -- A program that is paid for and has not been inspected: no model is paid for it again.
    written      jsonb CHECK (jsonb_typeof(written) = 'object'),
    -- How many people must approve: nobody's click is enough of its own accord.
    quorum       integer NOT NULL DEFAULT 1 CHECK (quorum >= 1),
    assignee     text NOT NULL DEFAULT '',
    opinions     text[] NOT NULL DEFAULT '{}',
    reminded_at  timestamptz, -- of the current revision
    escalated_at timestamptz,
    created_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    shown_at     timestamptz, -- Slack looks like the row as it was at this changed_at
    -- Of what waits for reviewers, as requests_version works it out: when they are next reminded of it, and what a queue is sorted by.
    remind_at    timestamptz, waits_since timestamptz, waits_risk smallint, waits_cost bigint,
    -- The request's last event at the latest write. A state has an event that is newer than the state before it.
    told         bigint NOT NULL DEFAULT 0,
    version      bigint NOT NULL DEFAULT 1, -- grows with every write but that of shown_at (requests_version)
    -- A question belongs to a thread of its own workspace.
    CONSTRAINT requests_session_fkey FOREIGN KEY (session_id, team) REFERENCES sessions (id, team),
    -- Nothing private is in a thread that others read, and nothing of others in a private one.
    CONSTRAINT requests_private_fkey FOREIGN KEY (session_id, team, private_to) REFERENCES sessions (id, team, private_to),
    -- A delivery that Slack repeats asks nothing twice.
    CONSTRAINT requests_one_per_trigger UNIQUE (team, trigger),
    CONSTRAINT requests_state CHECK (state IN
        ('drafting', 'asking', 'pending', 'approved', 'running', 'done', 'failed', 'rejected', 'expired', 'withdrawn', 'lost')),
    -- Nobody reviews, approves or runs what has not been written.
    CONSTRAINT requests_code_before_review CHECK
        (revision IS NOT NULL OR state IN ('drafting', 'asking', 'failed', 'expired', 'withdrawn')),
    -- Nobody reviews, approves or runs what nobody has found yet.
    CONSTRAINT requests_found_before_review CHECK (seek IS NULL OR state IN ('drafting', 'asking', 'failed', 'expired', 'withdrawn')),
    -- No wait lasts for ever, and what does not wait does not run out.
    CONSTRAINT requests_waits_end CHECK
        ((expires_at IS NOT NULL) = (state IN ('drafting', 'asking', 'pending', 'approved'))),
    -- What has started waits for nothing.
    CONSTRAINT requests_away_before_run CHECK (away IS NULL OR state NOT IN ('running', 'done', 'lost')),
    -- A cause is one of an end.
    CONSTRAINT requests_cause_of_an_end CHECK (cause IS NULL OR state = 'failed'),
    -- Only what has its next paid step before it can wait for money.
    CONSTRAINT requests_blocked CHECK (blocked IS NULL OR state IN ('drafting', 'pending')),
    -- A box that may be there has a row that says what holds its money.
    CONSTRAINT requests_ready CHECK (ready_until IS NULL OR coalesce(ready ->> 'hold', '') <> '' AND ready ->> 'over' IS NULL),
    -- Only those who wait for a box stand in a line.
    CONSTRAINT requests_place_waits CHECK (place = 0 OR state IN ('drafting', 'approved')),
    -- What stands before reviewers is inspected code, never an edit on its way.
    CONSTRAINT requests_edit_inspected CHECK (edit IS NULL OR state = 'drafting'),
    CONSTRAINT requests_written_inspected CHECK (written IS NULL OR state = 'drafting'),
    -- Nobody is made to judge what they asked for.
    CONSTRAINT requests_not_for_asker CHECK (assignee <> asker AND asker <> ALL (opinions)),
    -- Decisions refer to it, so that they cannot lie about who asked.
    CONSTRAINT requests_asker UNIQUE (id, asker),
    -- What is repeated is a version of another request, by its digest.
    CONSTRAINT requests_repeats_whole CHECK (num_nonnulls(repeats, repeats_revision, repeats_digest) IN (0, 3)),
    -- Holds refer to it, so that they cannot burden somebody else's budget.
    CONSTRAINT requests_payers UNIQUE (id, team, asker, session_id, project)
);
-- A run is repeated once at a time, however many people want to know.
CREATE UNIQUE INDEX requests_repeats_once ON requests (repeats) WHERE state IN ('drafting', 'asking', 'pending', 'approved', 'running');
CREATE INDEX requests_by_asker ON requests (team, asker, created_at DESC);
-- How much somebody has open is counted before they ask more.
CREATE INDEX requests_open_by_asker ON requests (team, asker, created_at DESC) WHERE state IN ('drafting', 'asking', 'pending', 'approved', 'running');
-- Which workspaces there are, and what each asked when.
CREATE INDEX requests_by_team ON requests (team, created_at);
CREATE INDEX requests_by_session ON requests (session_id, created_at);
-- A sweep looks at little, however long the history grows.
CREATE INDEX requests_open ON requests (state, created_at) WHERE state IN ('drafting', 'asking', 'pending', 'approved', 'running');
-- However many wait, it looks at those that are due: waits that end, reminders, looks at what they rest on.
CREATE INDEX requests_ending ON requests (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX requests_reminders ON requests (remind_at) WHERE remind_at IS NOT NULL;
CREATE INDEX requests_by_risk ON requests (team, waits_risk, waits_since, id) WHERE state = 'pending';
CREATE INDEX requests_by_age ON requests (team, waits_since, id) WHERE state = 'pending';
CREATE INDEX requests_by_cost ON requests (team, waits_cost DESC, waits_since, id) WHERE state = 'pending';
CREATE INDEX requests_looked ON requests ((coalesce(looked_at, changed_at))) WHERE state = 'pending' AND away IS NULL;
CREATE INDEX requests_away ON requests (changed_at) WHERE away IS NOT NULL AND state IN ('drafting', 'pending');
CREATE INDEX requests_box_waits ON requests (ready_until) WHERE ready_until IS NOT NULL;
CREATE INDEX requests_without_money ON requests (expires_at) WHERE blocked IS NOT NULL;
-- What askers have told of files, for who asks about the same file next in the channel.
CREATE INDEX requests_told ON requests (team, project, changed_at DESC) WHERE files @? '$[*].answers[*] ? (@.code starts with "told_")';
CREATE INDEX requests_unshown ON requests (changed_at) WHERE shown_at IS NULL OR shown_at < changed_at;
-- The code that was approved in a channel.
CREATE INDEX requests_vetted ON requests (team, project, created_at DESC) WHERE state IN ('approved', 'running', 'done', 'lost');
-- What was asked is on record; requests are not deleted.
CREATE TRIGGER requests_undeletable BEFORE DELETE ON requests FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER requests_untruncatable BEFORE TRUNCATE ON requests FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
-- Whoever writes rests on what they have loaded: by its version they see that somebody
-- else has written since. When Slack was drawn is nobody's reason, if that is all.
-- Reviewers are reminded when half of their time is over, and once more when four fifths are.
-- What is sorted and found by stands in the row, so that an index has it.
CREATE FUNCTION requests_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    drawn requests := OLD;
BEGIN
    NEW.remind_at := NULL; NEW.waits_since := NULL; NEW.waits_risk := NULL; NEW.waits_cost := NULL;
    IF NEW.state = 'pending' THEN
        SELECT CASE WHEN NEW.reminded_at IS NULL THEN v.at + (NEW.expires_at - v.at) * 0.5 WHEN NEW.escalated_at IS NULL THEN v.at + (NEW.expires_at - v.at) * 0.8 END,
            v.at, array_position(ARRAY['high', 'medium', 'low'], v.tier), v.cost_cap
            INTO NEW.remind_at, NEW.waits_since, NEW.waits_risk, NEW.waits_cost FROM revisions v WHERE v.request_id = NEW.id AND v.number = NEW.revision;
    END IF;
    drawn.shown_at := NEW.shown_at;
    NEW.version := OLD.version;
    IF NEW.shown_at IS NOT DISTINCT FROM OLD.shown_at OR NEW IS DISTINCT FROM drawn THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER requests_version BEFORE UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION requests_version();

-- How files are read, by what they hold. A row may go at any time: then a box reads the file
-- again. It holds no value of a file, and names that stand in it.
CREATE TABLE readings (
    team        text NOT NULL CHECK (team <> ''),
    project     text NOT NULL CHECK (project <> ''), -- no channel learns of another's files
    file_sha256 text NOT NULL CHECK (file_sha256 <> ''),
    desk        text NOT NULL, -- the Python that read it, with what it was told before, and
    template    text NOT NULL, -- what it was installed beside: others may read it otherwise
    sha256      text, -- of the reading, by which requests name it
    answer      text, -- a reading, or why there is none, as JSON: jsonb has no NUL, which a file may escape by
    -- Boxes that were begun and have not read it since: a file that ends its boxes is bounded, whoever asks.
    tries       integer NOT NULL DEFAULT 0 CHECK (tries >= 0),
    at          timestamptz NOT NULL,
    -- What is known of a content is known once.
    PRIMARY KEY (team, project, file_sha256, desk, template),
    -- A reading stands with its hash.
    CONSTRAINT readings_hash CHECK (sha256 IS NULL OR answer IS NOT NULL),
    -- A row says something.
    CONSTRAINT readings_say CHECK (answer IS NOT NULL OR tries > 0)
);

-- What files hold that Slack has shown by this id, name and size: they need not be fetched
-- to be asked about. A run fetches them, and compares.
CREATE TABLE known_files (
    team    text NOT NULL CHECK (team <> ''),
    file_id text NOT NULL CHECK (file_id <> ''),
    name    text NOT NULL,
    size    bigint NOT NULL,
    sha256  text NOT NULL,
    at      timestamptz NOT NULL,
    -- What Slack shows alike holds one thing: the latest that was fetched.
    PRIMARY KEY (team, file_id, name, size)
);

-- A revision is one version of the code, sealed with all that it may do.
CREATE TABLE revisions (
    request_id     text NOT NULL REFERENCES requests,
    number         integer NOT NULL CHECK (number >= 1),
    code           text NOT NULL REFERENCES contents,
    summary        text REFERENCES contents,
    author         text NOT NULL CHECK (author <> ''),
    provider       text NOT NULL DEFAULT '', -- of a model: who was asked,
    host           text NOT NULL DEFAULT '', -- and where the prompt went
    prompt_version text NOT NULL,
    findings       text REFERENCES contents, -- a list as JSON; NULL: none
    manifest       text NOT NULL REFERENCES contents, -- its canonical JSON
    digest         text NOT NULL,
    quote          bigint NOT NULL DEFAULT 0, -- what a run is expected to cost
    at             timestamptz NOT NULL,
    -- What is sorted, counted and filtered by: facts that revisions_sealed reads once from
    -- manifest, findings and code, so that they outlive these.
    tier           text,
    cost_cap       bigint,
    needed         integer,
    policy         text,
    notes          text, -- the version
    lines          integer,
    dangers        integer,
    PRIMARY KEY (request_id, number),
    -- Nobody expects more than what is sealed as the most, nor less than nothing.
    CONSTRAINT revisions_quote CHECK (quote BETWEEN 0 AND cost_cap),
    -- Decisions and runs refer to these, so that they name what was seen, and who wrote it.
    CONSTRAINT revisions_seal UNIQUE (request_id, number, digest),
    CONSTRAINT revisions_authorship UNIQUE (request_id, number, digest, author)
);
-- What a reviewer has read never changes behind their back.
CREATE TRIGGER revisions_unchangeable BEFORE UPDATE OR DELETE ON revisions FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER revisions_untruncatable BEFORE TRUNCATE ON revisions FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- The current revision exists.
ALTER TABLE requests ADD CONSTRAINT requests_revision_fkey FOREIGN KEY (id, revision) REFERENCES revisions (request_id, number);

-- +goose StatementBegin
-- A revision names the rules that hold in its channel, and asks for no fewer approvals than they do. What is put
-- before the reviewers once more, byte for byte, keeps what it named. Notes that it names are its own channel's.
CREATE FUNCTION revisions_by_rules() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    sealed jsonb := nullif(said(NEW.manifest), '')::jsonb;
BEGIN
    PERFORM FROM requests q LEFT JOIN ruling(q.team, q.project, 'infinity') r ON true WHERE q.id = NEW.request_id AND (sealed ? 'notes' AND NOT noted(q.team, q.project, sealed -> 'notes')
        OR NOT EXISTS (SELECT FROM revisions v WHERE (v.request_id, v.number, v.digest) = (NEW.request_id, NEW.number - 1, NEW.digest))
        AND (coalesce(sealed ->> 'policy', 'settings') <> coalesce(r.name, 'settings')
            OR r.name <> '' AND ((sealed ->> 'approvals')::integer >= (r.document #>> ARRAY[sealed ->> 'tier', 'approvals'])::integer) IS NOT TRUE));
    IF FOUND THEN
        RAISE EXCEPTION 'revision % of % does not follow the rules or the notes of its channel', NEW.number, NEW.request_id USING ERRCODE = 'check_violation', CONSTRAINT = 'revisions_by_rules';
    END IF;
    RETURN NEW;
END $$;
-- What is stored is what the digest says, and from version 2 on a manifest seals how
-- much attention it needs, and by which rules.
CREATE FUNCTION revisions_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    code     text := said(NEW.code);
    manifest text := said(NEW.manifest);
    sealed   jsonb := nullif(manifest, '')::jsonb;
    findings jsonb := coalesce(nullif(said(NEW.findings), ''), '[]')::jsonb;
    least    text := CASE WHEN findings @> '[{"level": "danger"}]' THEN 'high'
        WHEN findings @> '[{"level": "caution"}]' THEN 'medium' ELSE 'low' END;
    broken   text;
BEGIN
    NEW.tier := coalesce(sealed ->> 'tier', least);
    NEW.cost_cap := (sealed ->> 'cost_cap')::bigint;
    NEW.needed := (sealed ->> 'approvals')::integer;
    NEW.policy := sealed ->> 'policy';
    NEW.notes := sealed #>> '{notes,version}';
    NEW.dangers := (SELECT count(*) FROM jsonb_path_query(findings, '$[*] ? (@.level == "danger")'));
    NEW.lines := length(code) - length(replace(code, E'\n', ''));
    broken := CASE
        WHEN code = '' THEN 'revisions_code'
        WHEN jsonb_typeof(findings) <> 'array' THEN 'revisions_findings'
        WHEN NEW.digest IS DISTINCT FROM encode(sha256(convert_to(manifest, 'UTF8')), 'hex') THEN 'revisions_sealed'
        WHEN sealed ->> 'code_sha256' IS DISTINCT FROM encode(sha256(convert_to(code, 'UTF8')), 'hex') THEN 'revisions_code_sealed'
        WHEN (sealed ->> 'version')::integer >= 2 AND NOT (coalesce(sealed ->> 'tier', '') IN ('low', 'medium', 'high')
            AND coalesce(NEW.needed, 0) >= 1 AND coalesce(NEW.policy, '') <> '') THEN 'revisions_terms'
        -- Findings give a tier; rules and costs may raise it, and nothing lowers it.
        WHEN array_position(ARRAY['low', 'medium', 'high'], NEW.tier) < array_position(ARRAY['low', 'medium', 'high'], least) THEN 'revisions_tier'
        END;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'revision % of % is not what its seal says (%)', NEW.number, NEW.request_id, broken
            USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER revisions_sealed BEFORE INSERT ON revisions FOR EACH ROW EXECUTE FUNCTION revisions_sealed();
CREATE TRIGGER revisions_by_rules BEFORE INSERT ON revisions FOR EACH ROW EXECUTE FUNCTION revisions_by_rules();

CREATE TABLE decisions (
    request_id  text NOT NULL,
    revision    integer NOT NULL,
    digest      text NOT NULL,
    asker       text NOT NULL, -- of the request, as the foreign key sees to
    author      text NOT NULL, -- of the revision, as the foreign key sees to
    reviewer    text NOT NULL CHECK (reviewer <> ''),
    verdict     text NOT NULL CHECK (verdict IN ('approve', 'reject', 'changes')),
    reason      text REFERENCES contents,
    at          timestamptz NOT NULL,
    click       jsonb NOT NULL CHECK (jsonb_typeof(click) = 'object'),
    -- A decision may be given in the place of a reviewer who is away. It is that
    -- reviewer's voice: it counts once, and not on what they asked or wrote.
    in_place_of text,
    voice       text NOT NULL GENERATED ALWAYS AS (coalesce(in_place_of, reviewer)) STORED,
    -- A person decides once on a revision, however often they click and on however many replicas.
    PRIMARY KEY (request_id, revision, reviewer),
    CONSTRAINT decisions_one_voice UNIQUE (request_id, revision, voice),
    CONSTRAINT decisions_in_place CHECK (in_place_of <> '' AND in_place_of <> reviewer AND in_place_of <> asker AND in_place_of <> author),
    CONSTRAINT decisions_asker_fkey FOREIGN KEY (request_id, asker) REFERENCES requests (id, asker),
    -- A decision is on exactly what was shown: this version, by this digest.
    CONSTRAINT decisions_revision_fkey FOREIGN KEY (request_id, revision, digest, author)
        REFERENCES revisions (request_id, number, digest, author),
    -- Nobody approves what they asked for.
    CONSTRAINT decisions_not_by_asker CHECK (reviewer <> asker),
    -- Nobody approves what they wrote.
    CONSTRAINT decisions_not_by_author CHECK (reviewer <> author),
    -- Whoever decides by another door than Slack is named by the machine that they use.
    CONSTRAINT decisions_seat CHECK ((click ->> 'door' IS NULL) = (coalesce(click ->> 'os_user', '') = '') AND (click ->> 'door' IS NULL) = (coalesce(click ->> 'machine', '') = '')),
    -- Whoever has to write something else gets to know what.
    CONSTRAINT decisions_changes_said CHECK (verdict <> 'changes' OR reason IS NOT NULL)
);
-- A user of an operating system is one voice, whoever they say they are.
CREATE UNIQUE INDEX decisions_one_seat ON decisions (request_id, revision, (click ->> 'os_user'));
-- Statistics look at the latest, receipts at whether a person has approved before.
CREATE INDEX decisions_by_time ON decisions (at); CREATE INDEX decisions_by_reviewer ON decisions (reviewer, at);
-- +goose StatementBegin
-- Tells whether an event says of a decision what its row says.
CREATE FUNCTION decided(d decisions) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM events e WHERE e.stream = 'request:' || d.request_id AND e.actor = d.reviewer AND e.at = d.at
        AND e.kind = CASE d.verdict WHEN 'approve' THEN 'approved' WHEN 'reject' THEN 'rejected' ELSE 'changes requested' END
        AND e.data::jsonb @> jsonb_build_object('revision', d.revision, 'digest', d.digest)
        AND e.data::jsonb ->> 'in_place_of' IS NOT DISTINCT FROM d.in_place_of
        AND (e.data::jsonb #>> '{click,door}', e.data::jsonb #>> '{click,os_user}', e.data::jsonb #>> '{click,signature}') IS NOT DISTINCT FROM (d.click ->> 'door', d.click ->> 'os_user', d.click ->> 'signature'));
END $$;
-- +goose StatementEnd
-- What somebody decided stays decided.
CREATE TRIGGER decisions_unchangeable BEFORE UPDATE OR DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER decisions_untruncatable BEFORE TRUNCATE ON decisions FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
-- A decision is taken while the request waits for one, and on the revision that stands.
CREATE FUNCTION decisions_in_time() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM requests WHERE id = NEW.request_id AND state = 'pending' AND revision = NEW.revision FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'request % does not wait for a decision on revision %', NEW.request_id, NEW.revision
            USING ERRCODE = 'check_violation', CONSTRAINT = 'decisions_in_time';
    END IF;
    RETURN NEW;
END $$;
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
-- Whoever asked for changes, or wrote a version before, has written a part of what came of it. Of medium and high risk
-- somebody else approves, and nobody in their name.
CREATE FUNCTION decisions_not_by_wisher() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM decisions d JOIN revisions v ON v.request_id = NEW.request_id AND v.number = NEW.revision AND v.tier <> 'low'
        WHERE d.request_id = NEW.request_id AND d.verdict = 'changes' AND d.revision < NEW.revision
        AND ARRAY[d.reviewer, d.voice] && ARRAY[NEW.reviewer, coalesce(NEW.in_place_of, NEW.reviewer)]) THEN
        RAISE EXCEPTION '% has asked for a part of revision % of %', NEW.reviewer, NEW.revision, NEW.request_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'decisions_not_by_wisher';
    END IF;
    IF EXISTS (SELECT FROM revisions w JOIN revisions v ON v.request_id = w.request_id AND v.number = NEW.revision AND v.tier <> 'low' WHERE w.request_id = NEW.request_id AND w.number < NEW.revision AND w.author IN (NEW.reviewer, NEW.in_place_of)) THEN
        RAISE EXCEPTION '% has written a part of revision % of %', NEW.reviewer, NEW.revision, NEW.request_id USING ERRCODE = 'check_violation', CONSTRAINT = 'decisions_not_by_editor';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER decisions_not_by_wisher BEFORE INSERT ON decisions FOR EACH ROW
    WHEN (NEW.verdict = 'approve') EXECUTE FUNCTION decisions_not_by_wisher();
CREATE TRIGGER decisions_in_time BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION decisions_in_time();
CREATE TRIGGER decisions_delegated BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION decisions_delegated();

-- +goose StatementBegin
-- Counts who has approved a revision, as events say. Anybody who did not outweighs every yes.
CREATE FUNCTION approvals(request text, version integer) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT CASE WHEN bool_or(verdict <> 'approve') THEN 0 ELSE count(*) FILTER (WHERE decided(d)) END
    FROM decisions d WHERE d.request_id = request AND d.revision = version);
END $$;
-- +goose StatementEnd

CREATE TABLE runs (
    -- One run per request, whoever starts it and however often.
    request_id  text PRIMARY KEY,
    -- One run per box.
    box_id      text NOT NULL UNIQUE CHECK (box_id <> ''),
    revision    integer NOT NULL,
    digest      text NOT NULL,
    started_at  timestamptz NOT NULL, -- the box was named
    -- The code has begun. A box can be made to forget it, by the very code that runs in it; the row cannot.
    begun_at    timestamptz,
    stopped_at  timestamptz, stopped_by text CHECK (stopped_by <> ''), -- who wants it ended; it goes on until its box has been ended
    finished_at timestamptz,
    result      text REFERENCES contents, -- as JSON
    box         bigint, -- how long the box existed, in nanoseconds
    -- What runs is a sealed revision.
    CONSTRAINT runs_revision_fkey FOREIGN KEY (request_id, revision, digest) REFERENCES revisions (request_id, number, digest),
    -- There is a result exactly when the run has ended.
    CONSTRAINT runs_result CHECK ((result IS NULL) = (finished_at IS NULL)),
    CONSTRAINT runs_begun CHECK (begun_at >= started_at), -- nothing begins before its box was named
    CONSTRAINT runs_stopped CHECK ((stopped_at IS NULL) = (stopped_by IS NULL) AND stopped_at >= started_at), -- nobody without a name wants it ended, or before it was started
    CONSTRAINT runs_times CHECK (finished_at >= started_at)
);
-- How long the latest runs took.
CREATE INDEX runs_finished ON runs (finished_at) WHERE finished_at IS NOT NULL;

-- Runs that were taken back: a box was named, the seal turned out to be broken, and
-- the box was killed before anything had begun in it. Only such a run makes room for
-- another one of the same request, which people have approved anew.
CREATE TABLE unstarted_runs (
    -- A box that was given up is not used again.
    box_id        text PRIMARY KEY,
    request_id    text NOT NULL,
    revision      integer NOT NULL,
    digest        text NOT NULL,
    started_at    timestamptz NOT NULL, -- the box was named
    taken_back_at timestamptz NOT NULL,
    -- What was to run was a sealed revision, and it was to run once.
    CONSTRAINT unstarted_runs_revision_fkey FOREIGN KEY (request_id, revision, digest) REFERENCES revisions (request_id, number, digest),
    CONSTRAINT unstarted_runs_once UNIQUE (request_id, revision),
    CONSTRAINT unstarted_runs_times CHECK (taken_back_at >= started_at)
);
-- What was taken back is on record.
CREATE TRIGGER unstarted_runs_unchangeable BEFORE UPDATE OR DELETE ON unstarted_runs FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER unstarted_runs_untruncatable BEFORE TRUNCATE ON unstarted_runs FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
-- Nothing runs unseen: a run begins only for an approved request, on its current
-- revision, with enough approvals of just this digest (or a broken glass), with money that is held for it, and
-- never in a box that was given up.
CREATE FUNCTION runs_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM requests WHERE id = NEW.request_id AND state = 'approved' AND revision = NEW.revision
        AND (approvals(id, revision) >= quorum OR glassed(id, revision)) FOR NO KEY UPDATE;
    -- Of a second run the primary key has more to say.
    IF NOT FOUND AND NOT EXISTS (SELECT FROM runs WHERE request_id = NEW.request_id) THEN
        RAISE EXCEPTION 'request % is not approved for a run of revision %', NEW.request_id, NEW.revision
            USING ERRCODE = 'check_violation', CONSTRAINT = 'runs_approved';
    END IF;
    IF NOT EXISTS (SELECT FROM holds WHERE request_id = NEW.request_id AND purpose = 'run' AND NOT settled)
        AND NOT EXISTS (SELECT FROM runs WHERE request_id = NEW.request_id)
        AND EXISTS (SELECT FROM revisions WHERE request_id = NEW.request_id AND number = NEW.revision AND cost_cap > 0) THEN
        RAISE EXCEPTION 'nothing is held for a run of request %', NEW.request_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'runs_paid';
    END IF;
    -- Whoever another door than Slack says has approved it has a minute to say that they did not.
    IF EXISTS (SELECT FROM decisions WHERE request_id = NEW.request_id AND revision = NEW.revision AND verdict = 'approve'
        AND click ->> 'door' IS NOT NULL AND at > clock_timestamp() - interval '1 minute') THEN
        RAISE EXCEPTION 'request % may still be withdrawn by whoever approved it', NEW.request_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'runs_quiet';
    END IF;
    IF EXISTS (SELECT FROM unstarted_runs WHERE box_id = NEW.box_id) THEN
        RAISE EXCEPTION 'box % was given up', NEW.box_id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'runs_box_id_key';
    END IF;
    RETURN NEW;
END $$;
-- A run ends once, and never changes otherwise.
CREATE FUNCTION runs_end_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL OR OLD.begun_at IS NOT NULL AND NEW.begun_at IS DISTINCT FROM OLD.begun_at OR
       OLD.stopped_at IS NOT NULL AND (NEW.stopped_at, NEW.stopped_by) IS DISTINCT FROM (OLD.stopped_at, OLD.stopped_by) OR
       (NEW.request_id, NEW.box_id, NEW.revision, NEW.digest, NEW.started_at) IS DISTINCT FROM
       (OLD.request_id, OLD.box_id, OLD.revision, OLD.digest, OLD.started_at) THEN
        RAISE EXCEPTION 'the run of request % cannot change', OLD.request_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'runs_end_once';
    END IF;
    RETURN NEW;
END $$;
-- A run that is forgotten could be repeated. One that has not begun may go, once
-- it stands among those that were taken back.
CREATE FUNCTION runs_undeletable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.begun_at IS NOT NULL OR OLD.finished_at IS NOT NULL OR NOT EXISTS (
        SELECT FROM unstarted_runs WHERE (box_id, request_id, revision) = (OLD.box_id, OLD.request_id, OLD.revision)) THEN
        RAISE EXCEPTION 'the run of request % cannot be forgotten', OLD.request_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'runs_undeletable';
    END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER runs_approved BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION runs_approved();
CREATE TRIGGER runs_end_once BEFORE UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION runs_end_once();
CREATE TRIGGER runs_undeletable BEFORE DELETE ON runs FOR EACH ROW EXECUTE FUNCTION runs_undeletable();
CREATE TRIGGER runs_untruncatable BEFORE TRUNCATE ON runs FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- What may follow on what: approval.Moves, row by row, as a test sees to. The first
-- move has no state before it.
CREATE TABLE moves (
    from_state text NOT NULL,
    verb       text NOT NULL CHECK (verb <> ''),
    to_state   text NOT NULL,
    told       text REFERENCES event_kinds, -- the event of a move to another state
    PRIMARY KEY (from_state, verb, to_state),
    -- Whatever has ended stays ended.
    CONSTRAINT moves_not_after_the_end CHECK (from_state IN ('', 'drafting', 'asking', 'pending', 'approved', 'running')),
    CONSTRAINT moves_to_a_state CHECK (to_state IN
        ('drafting', 'asking', 'pending', 'approved', 'running', 'done', 'failed', 'rejected', 'expired', 'withdrawn', 'lost'))
);
INSERT INTO moves (from_state, verb, to_state) VALUES
    ('', 'Ask', 'drafting'),
    ('drafting', 'Drafted', 'pending'), ('drafting', 'PutBack', 'pending'), ('drafting', 'AskBack', 'asking'), ('drafting', 'Reseal', 'pending'), ('drafting', 'Clarify', 'asking'),
    ('drafting', 'Insist', 'drafting'), ('drafting', 'Fail', 'failed'), ('drafting', 'Expire', 'expired'),
    ('drafting', 'Withdraw', 'withdrawn'),
    -- It stays, and something is noted.
    ('drafting', 'Found', 'drafting'), ('drafting', 'Read', 'drafting'), ('drafting', 'Call', 'drafting'), ('drafting', 'Keep', 'drafting'),
    ('drafting', 'Inspect', 'drafting'), ('drafting', 'Refuse', 'drafting'), ('drafting', 'Again', 'drafting'),
    ('drafting', 'Block', 'drafting'), ('drafting', 'Wait', 'drafting'), ('drafting', 'GoOn', 'drafting'), ('drafting', 'AskTopUp', 'drafting'), ('drafting', 'DecideTopUp', 'drafting'),
    ('drafting', 'GoAway', 'drafting'), ('drafting', 'ComeBack', 'drafting'), ('drafting', 'StandInLine', 'drafting'),
    ('asking', 'Answer', 'drafting'), ('asking', 'Correct', 'drafting'), ('asking', 'Clarified', 'drafting'), ('asking', 'Compare', 'asking'), ('asking', 'Fail', 'failed'), ('asking', 'Expire', 'expired'), ('asking', 'Withdraw', 'withdrawn'),
    ('pending', 'Approve', 'pending'), ('pending', 'Approve', 'approved'), ('pending', 'BreakGlass', 'approved'), ('pending', 'Reject', 'rejected'),
    ('pending', 'RequestChanges', 'drafting'), ('pending', 'Correct', 'drafting'), ('pending', 'Edit', 'drafting'), ('pending', 'Insist', 'drafting'),
    ('pending', 'Disown', 'pending'), ('pending', 'Fail', 'failed'), ('pending', 'Expire', 'expired'), ('pending', 'Withdraw', 'withdrawn'),
    -- It stays, and something is noted.
    ('pending', 'Block', 'pending'), ('pending', 'Wait', 'pending'), ('pending', 'GoOn', 'pending'), ('pending', 'AskTopUp', 'pending'),
    ('pending', 'DecideTopUp', 'pending'), ('pending', 'GoAway', 'pending'), ('pending', 'ComeBack', 'pending'),
    ('pending', 'Unpaid', 'pending'), ('pending', 'Remind', 'pending'), ('pending', 'Escalate', 'pending'),
    ('pending', 'Assign', 'pending'), ('pending', 'AskOpinion', 'pending'), ('pending', 'KeepReady', 'pending'),
    ('approved', 'Disown', 'pending'), ('approved', 'BreakSeal', 'pending'), ('pending', 'BreakSeal', 'pending'), ('approved', 'Start', 'running'),
    ('approved', 'Fail', 'failed'), ('approved', 'Expire', 'expired'), ('approved', 'Withdraw', 'withdrawn'),
    -- It stays, and something is noted.
    ('approved', 'GoAway', 'approved'), ('approved', 'ComeBack', 'approved'), ('approved', 'StandInLine', 'approved'),
    ('approved', 'AwaitBox', 'approved'), ('approved', 'Freeze', 'approved'),
    ('running', 'Unstart', 'pending'), ('running', 'Void', 'failed'), ('running', 'Finish', 'done'), ('running', 'Lose', 'lost'),
    -- It stays, and something is noted.
    ('running', 'Begin', 'running'), ('running', 'Stop', 'running');
UPDATE moves SET told = CASE verb
    WHEN 'Ask' THEN 'asked' WHEN 'Drafted' THEN 'drafted' WHEN 'PutBack' THEN 'edit refused' WHEN 'AskBack' THEN 'asked about' WHEN 'Answer' THEN 'answered' WHEN 'Correct' THEN 'corrected' WHEN 'Reseal' THEN 'sealed anew' WHEN 'Clarify' THEN 'asked to clarify' WHEN 'Clarified' THEN 'clarified'
    WHEN 'Approve' THEN 'approved' WHEN 'BreakGlass' THEN 'broke glass' WHEN 'Reject' THEN 'rejected' WHEN 'RequestChanges' THEN 'changes requested' WHEN 'Edit' THEN 'edited'
    WHEN 'Insist' THEN 'declined model' WHEN 'Disown' THEN 'disowned' WHEN 'BreakSeal' THEN 'seal broken' WHEN 'Start' THEN 'started'
    WHEN 'Unstart' THEN 'unstarted' WHEN 'Void' THEN 'voided' WHEN 'Finish' THEN 'finished' WHEN 'Lose' THEN 'lost'
    WHEN 'Fail' THEN 'failed' WHEN 'Expire' THEN 'expired' WHEN 'Withdraw' THEN 'withdrawn' END
    WHERE from_state <> to_state;
-- The rows change with a migration, and with nothing else.
CREATE TRIGGER moves_unchangeable BEFORE INSERT OR UPDATE OR DELETE ON moves FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER moves_untruncatable BEFORE TRUNCATE ON moves FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- +goose StatementBegin
-- A request comes into the world by Ask, and by nothing else.
CREATE FUNCTION requests_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM moves WHERE from_state = '' AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'request % cannot begin as %', NEW.id, NEW.state USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- The guards of a move, in one trigger: of one with a WHEN each, Postgres reads all of these anew for every statement, which
-- was half of what a write of a request took. An expression that asks no table is kept by the session.
CREATE FUNCTION requests_guards() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    broken text;
    why    text;
BEGIN
    -- What waits for its asker burdens no budget meanwhile. What was called stays held until whoever called settles it.
    IF NEW.state = 'asking' AND OLD.state <> 'asking' THEN
        IF EXISTS (SELECT FROM holds WHERE request_id = NEW.id AND NOT settled AND NOT called) THEN
            broken := 'requests_asking_holds_nothing'; why := 'it still holds money';
        END IF;
    END IF;
    -- What was approved is what runs: the code stands still from the approval on, unless the approval goes.
    IF broken IS NULL AND NEW.revision IS DISTINCT FROM OLD.revision AND OLD.state NOT IN ('drafting', 'pending')
        AND NOT (OLD.state IN ('approved', 'running') AND NEW.state = 'pending') THEN
        broken := 'requests_code_stands'; why := 'what has been decided on is code that cannot change';
    END IF;
    -- A request moves as the table of moves has it, never out of a final state.
    IF broken IS NULL AND NEW.state <> OLD.state THEN
        IF NOT EXISTS (SELECT FROM moves WHERE from_state = OLD.state AND to_state = NEW.state) THEN
            broken := 'requests_move'; why := format('it cannot become %s after "%s"', NEW.state, OLD.state);
        END IF;
    END IF;
    -- What comes back to the reviewers is something new; only an edit that was refused leaves everything as it was.
    IF broken IS NULL AND NEW.state = 'pending' AND NEW.revision = OLD.revision
        AND (OLD.state IN ('approved', 'running') OR OLD.state = 'drafting' AND OLD.edit IS NULL) THEN
        broken := 'requests_new_revision'; why := 'what comes back to the reviewers is a new revision';
    END IF;
    -- Whoever asked what, where and when: that is what was asked.
    IF broken IS NULL AND (NEW.id, NEW.session_id, NEW.team, NEW.project, NEW.asker, NEW.trigger, NEW.question, NEW.created_at, NEW.repeats, NEW.repeats_revision, NEW.repeats_digest) IS DISTINCT FROM
        (OLD.id, OLD.session_id, OLD.team, OLD.project, OLD.asker, OLD.trigger, OLD.question, OLD.created_at, OLD.repeats, OLD.repeats_revision, OLD.repeats_digest) THEN
        broken := 'requests_origin'; why := 'who asked what, where and when cannot change';
    END IF;
    -- Approved means that enough people have approved it, or that somebody has broken the glass.
    IF broken IS NULL AND NEW.state = 'approved' AND OLD.state <> 'approved' THEN
        IF approvals(NEW.id, NEW.revision) < NEW.quorum AND NOT glassed(NEW.id, NEW.revision) THEN
            broken := 'requests_quorum'; why := 'too few approvals';
        END IF;
    END IF;
    -- Approvals of an earlier revision stay behind for good: the number only grows.
    IF broken IS NULL AND OLD.revision IS NOT NULL AND NEW.revision IS DISTINCT FROM OLD.revision AND NEW.revision IS DISTINCT FROM OLD.revision + 1 THEN
        broken := 'requests_revision_grows'; why := 'a revision is followed by the next one only';
    END IF;
    -- Running means that the run has its row.
    IF broken IS NULL AND NEW.state = 'running' AND OLD.state <> 'running' THEN
        IF NOT EXISTS (SELECT FROM runs WHERE request_id = NEW.id) THEN
            broken := 'requests_run'; why := 'it has no run';
        END IF;
    END IF;
    -- What is before reviewers, approved or running needs as many approvals as were sealed: nobody lowers the number beside the seal.
    IF broken IS NULL AND NEW.state IN ('pending', 'approved', 'running') AND (NEW.state, NEW.revision, NEW.quorum) IS DISTINCT FROM (OLD.state, OLD.revision, OLD.quorum) THEN
        IF NEW.quorum < (SELECT needed FROM revisions WHERE request_id = NEW.id AND number = NEW.revision) THEN
            broken := 'requests_sealed_quorum'; why := format('it needs more approvals than %s', NEW.quorum);
        END IF;
    END IF;
    -- What has a run does not come back: only one that never started is taken back.
    IF broken IS NULL AND NEW.state = 'pending' AND OLD.state = 'running' THEN
        IF EXISTS (SELECT FROM runs WHERE request_id = NEW.id) THEN
            broken := 'requests_unstarted'; why := 'it has a run';
        END IF;
    END IF;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'request % cannot change: %', OLD.id, why USING ERRCODE = 'check_violation', CONSTRAINT = broken;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER requests_begin BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION requests_begin();
CREATE TRIGGER requests_guards BEFORE UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION requests_guards();

-- Files that came out of a run.
CREATE TABLE artifacts (
    request_id text NOT NULL REFERENCES runs,
    seq        integer NOT NULL CHECK (seq >= 1), -- in the order in which they came
    name       text NOT NULL REFERENCES contents,
    kind       text NOT NULL CHECK (kind IN ('chart', 'table', 'file')),
    alt        text REFERENCES contents,
    data       text NOT NULL REFERENCES contents,
    PRIMARY KEY (request_id, seq)
);
-- What came out is what is shown, today and later.
CREATE TRIGGER artifacts_unchangeable BEFORE UPDATE OR DELETE ON artifacts FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER artifacts_untruncatable BEFORE TRUNCATE ON artifacts FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- What was said in a session: the model's context.
CREATE TABLE messages (
    session_id text NOT NULL REFERENCES sessions,
    seq        bigint GENERATED ALWAYS AS IDENTITY,
    request_id text NOT NULL REFERENCES requests,
    role       text NOT NULL CHECK (role IN ('question', 'clarify', 'clarified', 'code', 'next', 'result')),
    text       text REFERENCES contents,
    at         timestamptz NOT NULL,
    PRIMARY KEY (session_id, seq)
);
-- What was said stays said: only its words can go.
CREATE TRIGGER messages_unchangeable BEFORE UPDATE OR DELETE ON messages FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER messages_untruncatable BEFORE TRUNCATE ON messages FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();
