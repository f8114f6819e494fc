-- What people ask, what is written for them, who decides, and what runs.

-- +goose Up

-- +goose StatementBegin
-- unchangeable guards tables whose rows are written once.
CREATE FUNCTION unchangeable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is not possible: its rows are written once', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;
-- +goose StatementEnd

-- A session is a Slack thread.
CREATE TABLE sessions (
    id         text PRIMARY KEY CHECK (id <> ''),
    team       text NOT NULL CHECK (team <> ''),
    channel    text NOT NULL CHECK (channel <> ''),
    thread_ts  text CHECK (thread_ts <> ''), -- NULL until its first message has been posted
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- A thread is one session, so that a follow-up finds what was said before.
    CONSTRAINT sessions_one_per_thread UNIQUE (team, channel, thread_ts),
    -- What requests refer to, so that they cannot lie about their workspace.
    CONSTRAINT sessions_team UNIQUE (id, team)
);

CREATE TABLE requests (
    id         text PRIMARY KEY CHECK (id <> ''),
    session_id text NOT NULL,
    team       text NOT NULL CHECK (team <> ''),
    project    text NOT NULL CHECK (project <> ''),
    asker      text NOT NULL CHECK (asker <> ''),
    question   text NOT NULL,
    model      text NOT NULL,
    files      jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(files) = 'array'),
    trigger    text NOT NULL CHECK (trigger <> ''),
    state      text NOT NULL,
    reason     text NOT NULL DEFAULT '',
    -- Calls of the model are counted, so that they can be bounded.
    attempts   integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    refused    jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(refused) = 'array'),
    revision   integer,     -- the current one; NULL while there is none
    -- How many people must approve: nobody's click is enough of its own accord.
    quorum     integer NOT NULL DEFAULT 1 CHECK (quorum >= 1),
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    expires_at timestamptz,
    shown_at   timestamptz, -- Slack looks like the row as it was at this changed_at
    -- A question belongs to a thread of its own workspace.
    CONSTRAINT requests_session_fkey FOREIGN KEY (session_id, team) REFERENCES sessions (id, team),
    -- A delivery that Slack repeats asks nothing twice.
    CONSTRAINT requests_one_per_trigger UNIQUE (team, trigger),
    CONSTRAINT requests_state CHECK (state IN
        ('drafting', 'pending', 'approved', 'running', 'done', 'failed', 'rejected', 'expired', 'withdrawn', 'lost')),
    -- Nobody reviews, approves or runs what has not been written.
    CONSTRAINT requests_code_before_review CHECK
        (revision IS NOT NULL OR state IN ('drafting', 'failed', 'expired', 'withdrawn')),
    -- No wait lasts for ever, and what does not wait does not run out.
    CONSTRAINT requests_waits_end CHECK
        ((expires_at IS NOT NULL) = (state IN ('drafting', 'pending', 'approved'))),
    -- What decisions refer to, so that they cannot lie about who asked.
    CONSTRAINT requests_asker UNIQUE (id, asker),
    -- What holds refer to, so that they cannot burden somebody else's budget.
    CONSTRAINT requests_payers UNIQUE (id, team, asker, session_id, project)
);
CREATE INDEX requests_by_asker ON requests (team, asker, created_at DESC);
CREATE INDEX requests_by_session ON requests (session_id, created_at);
-- What a sweep looks at is little, however long the history grows.
CREATE INDEX requests_open ON requests (state, created_at) WHERE state IN ('drafting', 'pending', 'approved', 'running');
CREATE INDEX requests_unshown ON requests (changed_at) WHERE shown_at IS NULL OR shown_at < changed_at;

-- A revision is one version of the code, sealed with all that it may do.
CREATE TABLE revisions (
    request_id     text NOT NULL REFERENCES requests,
    number         integer NOT NULL CHECK (number >= 1),
    code           text NOT NULL CHECK (code <> ''),
    summary        text NOT NULL,
    author         text NOT NULL CHECK (author <> ''),
    prompt_version text NOT NULL,
    findings       jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(findings) = 'array'),
    manifest       text NOT NULL, -- its canonical JSON as text: jsonb would spell it anew
    digest         text NOT NULL,
    at             timestamptz NOT NULL,
    PRIMARY KEY (request_id, number),
    -- The digest that people approve is the digest of what is stored here.
    CONSTRAINT revisions_sealed CHECK (digest = encode(sha256(convert_to(manifest, 'UTF8')), 'hex')),
    -- The code that is stored here is the code that the manifest seals.
    CONSTRAINT revisions_code_sealed CHECK
        (manifest::jsonb ->> 'code_sha256' = encode(sha256(convert_to(code, 'UTF8')), 'hex')),
    -- What decisions and runs refer to, so that they name what was seen, and who wrote it.
    CONSTRAINT revisions_seal UNIQUE (request_id, number, digest),
    CONSTRAINT revisions_authorship UNIQUE (request_id, number, digest, author)
);
-- What a reviewer has read never changes behind their back.
CREATE TRIGGER revisions_unchangeable BEFORE UPDATE OR DELETE ON revisions FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER revisions_untruncatable BEFORE TRUNCATE ON revisions FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- The current revision exists.
ALTER TABLE requests ADD CONSTRAINT requests_revision_fkey FOREIGN KEY (id, revision) REFERENCES revisions (request_id, number);

CREATE TABLE decisions (
    request_id text NOT NULL,
    revision   integer NOT NULL,
    digest     text NOT NULL,
    asker      text NOT NULL, -- of the request, as the foreign key sees to
    author     text NOT NULL, -- of the revision, as the foreign key sees to
    reviewer   text NOT NULL CHECK (reviewer <> ''),
    verdict    text NOT NULL CHECK (verdict IN ('approve', 'reject')),
    reason     text NOT NULL DEFAULT '',
    at         timestamptz NOT NULL,
    click      jsonb NOT NULL CHECK (jsonb_typeof(click) = 'object'),
    -- A person decides once on a revision, however often they click and on however many replicas.
    PRIMARY KEY (request_id, revision, reviewer),
    CONSTRAINT decisions_asker_fkey FOREIGN KEY (request_id, asker) REFERENCES requests (id, asker),
    -- A decision is on exactly what was shown: this version, by this digest.
    CONSTRAINT decisions_revision_fkey FOREIGN KEY (request_id, revision, digest, author)
        REFERENCES revisions (request_id, number, digest, author),
    -- Nobody approves what they asked for.
    CONSTRAINT decisions_not_by_asker CHECK (reviewer <> asker),
    -- Nobody approves what they wrote.
    CONSTRAINT decisions_not_by_author CHECK (reviewer <> author)
);
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
-- +goose StatementEnd
CREATE TRIGGER decisions_in_time BEFORE INSERT ON decisions FOR EACH ROW EXECUTE FUNCTION decisions_in_time();

-- +goose StatementBegin
-- approvals counts who has approved the current revision; somebody's no outweighs every yes.
CREATE FUNCTION approvals(request text, version integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN bool_or(verdict = 'reject') THEN 0 ELSE count(*) END
    FROM decisions WHERE request_id = request AND decisions.revision = version
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- A request moves only as the state machine allows, never out of a final state,
-- and who asked what, where and when stays as it was.
CREATE FUNCTION requests_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.session_id, NEW.team, NEW.project, NEW.asker, NEW.trigger, NEW.question, NEW.created_at) IS DISTINCT FROM
       (OLD.id, OLD.session_id, OLD.team, OLD.project, OLD.asker, OLD.trigger, OLD.question, OLD.created_at) THEN
        RAISE EXCEPTION 'who asked what, where and when cannot change (request %)', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_origin';
    END IF;
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
        ('drafting', 'pending'), ('drafting', 'failed'), ('drafting', 'expired'), ('drafting', 'withdrawn'),
        ('pending', 'approved'), ('pending', 'rejected'), ('pending', 'drafting'), ('pending', 'expired'), ('pending', 'withdrawn'),
        ('approved', 'running'), ('approved', 'failed'), ('approved', 'expired'), ('approved', 'withdrawn'),
        ('running', 'done'), ('running', 'lost'), ('running', 'failed')) THEN
        RAISE EXCEPTION 'request % cannot become % after %', OLD.id, NEW.state, OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_move';
    END IF;
    -- What was approved is what runs: the code stands still from the approval on.
    IF NEW.revision IS DISTINCT FROM OLD.revision AND OLD.state NOT IN ('drafting', 'pending') THEN
        RAISE EXCEPTION 'request % has been decided on: its code cannot change', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_code_stands';
    END IF;
    -- Approved means that enough people have approved it.
    IF NEW.state = 'approved' AND OLD.state <> 'approved' AND approvals(NEW.id, NEW.revision) < NEW.quorum THEN
        RAISE EXCEPTION 'request % has too few approvals', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_quorum';
    END IF;
    -- Running means that the run has its row.
    IF NEW.state = 'running' AND OLD.state <> 'running' AND NOT EXISTS (SELECT FROM runs WHERE request_id = NEW.id) THEN
        RAISE EXCEPTION 'request % has no run', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_run';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER requests_move BEFORE UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION requests_move();

-- +goose StatementBegin
-- A request begins at the beginning.
CREATE FUNCTION requests_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'drafting' THEN
        RAISE EXCEPTION 'a request begins with drafting, not %', NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_begin';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER requests_begin BEFORE INSERT ON requests FOR EACH ROW EXECUTE FUNCTION requests_begin();

-- What was asked is on record; requests are not deleted.
CREATE TRIGGER requests_undeletable BEFORE DELETE ON requests FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER requests_untruncatable BEFORE TRUNCATE ON requests FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

CREATE TABLE runs (
    -- One run per request, whoever starts it and however often.
    request_id  text PRIMARY KEY,
    -- One run per box.
    box_id      text NOT NULL UNIQUE CHECK (box_id <> ''),
    revision    integer NOT NULL,
    digest      text NOT NULL,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    result      jsonb CHECK (jsonb_typeof(result) = 'object'),
    -- What runs is a sealed revision.
    CONSTRAINT runs_revision_fkey FOREIGN KEY (request_id, revision, digest) REFERENCES revisions (request_id, number, digest),
    -- There is a result exactly when the run has ended.
    CONSTRAINT runs_result CHECK ((result IS NULL) = (finished_at IS NULL)),
    CONSTRAINT runs_times CHECK (finished_at >= started_at)
);

-- +goose StatementBegin
-- Nothing runs unseen: a run begins only for an approved request, on its current
-- revision, with enough approvals. It ends once, and never changes otherwise.
CREATE FUNCTION runs_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM requests WHERE id = NEW.request_id AND state = 'approved' AND revision = NEW.revision
        AND approvals(id, revision) >= quorum FOR NO KEY UPDATE;
    -- Of a second run the primary key has more to say.
    IF NOT FOUND AND NOT EXISTS (SELECT FROM runs WHERE request_id = NEW.request_id) THEN
        RAISE EXCEPTION 'request % is not approved for a run of revision %', NEW.request_id, NEW.revision
            USING ERRCODE = 'check_violation', CONSTRAINT = 'runs_approved';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION runs_end_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL OR
       (NEW.request_id, NEW.box_id, NEW.revision, NEW.digest, NEW.started_at) IS DISTINCT FROM
       (OLD.request_id, OLD.box_id, OLD.revision, OLD.digest, OLD.started_at) THEN
        RAISE EXCEPTION 'the run of request % cannot change', OLD.request_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'runs_end_once';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER runs_approved BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION runs_approved();
CREATE TRIGGER runs_end_once BEFORE UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION runs_end_once();
-- A run that is forgotten could be repeated.
CREATE TRIGGER runs_undeletable BEFORE DELETE ON runs FOR EACH ROW EXECUTE FUNCTION unchangeable();
CREATE TRIGGER runs_untruncatable BEFORE TRUNCATE ON runs FOR EACH STATEMENT EXECUTE FUNCTION unchangeable();

-- Files that came out of a run.
CREATE TABLE artifacts (
    request_id text NOT NULL REFERENCES runs,
    seq        integer NOT NULL CHECK (seq >= 1), -- in the order in which they came
    name       text NOT NULL CHECK (name <> ''),
    kind       text NOT NULL CHECK (kind IN ('chart', 'table', 'file')),
    alt        text NOT NULL DEFAULT '',
    data       bytea NOT NULL,
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
    role       text NOT NULL CHECK (role IN ('question', 'code', 'result')),
    text       text NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (session_id, seq)
);

-- Messages that stand in Slack.
CREATE TABLE posts (
    request_id text NOT NULL REFERENCES requests,
    surface    text NOT NULL CHECK (surface IN ('root', 'progress', 'card', 'files', 'reply')),
    channel    text NOT NULL CHECK (channel <> ''),
    ts         text NOT NULL CHECK (ts <> ''),
    shown      text NOT NULL,
    -- Each surface is one message, which is rewritten rather than posted again.
    PRIMARY KEY (request_id, surface)
);

-- +goose Down
DROP TABLE posts, messages, artifacts, runs, decisions, revisions, requests, sessions CASCADE;
DROP FUNCTION runs_end_once, runs_approved, requests_begin, requests_move, approvals, decisions_in_time, unchangeable;
