-- Runs that were taken back: a box was named, the seal turned out to be broken,
-- the box was killed before anything had begun in it. Only such a run makes room
-- for another one of the same request, which people have approved anew.

-- +goose Up
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
DROP TRIGGER runs_undeletable ON runs;
CREATE TRIGGER runs_undeletable BEFORE DELETE ON runs FOR EACH ROW EXECUTE FUNCTION runs_undeletable();

-- +goose StatementBegin
-- As in 0001, and: never in a box that was given up.
CREATE OR REPLACE FUNCTION runs_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM requests WHERE id = NEW.request_id AND state = 'approved' AND revision = NEW.revision
        AND approvals(id, revision) >= quorum FOR NO KEY UPDATE;
    -- Of a second run the primary key has more to say.
    IF NOT FOUND AND NOT EXISTS (SELECT FROM runs WHERE request_id = NEW.request_id) THEN
        RAISE EXCEPTION 'request % is not approved for a run of revision %', NEW.request_id, NEW.revision
            USING ERRCODE = 'check_violation', CONSTRAINT = 'runs_approved';
    END IF;
    IF EXISTS (SELECT FROM unstarted_runs WHERE box_id = NEW.box_id) THEN
        RAISE EXCEPTION 'box % was given up', NEW.box_id
            USING ERRCODE = 'unique_violation', CONSTRAINT = 'runs_box_id_key';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- As in 0013, and: a run that never started can be taken back.
CREATE OR REPLACE FUNCTION requests_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.session_id, NEW.team, NEW.project, NEW.asker, NEW.trigger, NEW.question, NEW.created_at) IS DISTINCT FROM
       (OLD.id, OLD.session_id, OLD.team, OLD.project, OLD.asker, OLD.trigger, OLD.question, OLD.created_at) THEN
        RAISE EXCEPTION 'who asked what, where and when cannot change (request %)', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_origin';
    END IF;
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
        ('drafting', 'pending'), ('drafting', 'failed'), ('drafting', 'expired'), ('drafting', 'withdrawn'),
        ('pending', 'approved'), ('pending', 'rejected'), ('pending', 'drafting'), ('pending', 'expired'), ('pending', 'withdrawn'),
        ('approved', 'pending'), ('approved', 'running'), ('approved', 'failed'), ('approved', 'expired'), ('approved', 'withdrawn'),
        ('running', 'pending'), ('running', 'done'), ('running', 'lost'), ('running', 'failed')) THEN
        RAISE EXCEPTION 'request % cannot become % after %', OLD.id, NEW.state, OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_move';
    END IF;
    -- What was approved is what runs: the code stands still from the approval on,
    -- unless the approval goes.
    IF NEW.revision IS DISTINCT FROM OLD.revision AND OLD.state NOT IN ('drafting', 'pending')
        AND NOT (OLD.state IN ('approved', 'running') AND NEW.state = 'pending') THEN
        RAISE EXCEPTION 'request % has been decided on: its code cannot change', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_code_stands';
    END IF;
    -- Approvals of an earlier revision stay behind for good: the number only grows.
    IF OLD.revision IS NOT NULL AND NEW.revision IS DISTINCT FROM OLD.revision AND NEW.revision IS DISTINCT FROM OLD.revision + 1 THEN
        RAISE EXCEPTION 'request % cannot go from revision % to %', OLD.id, OLD.revision, NEW.revision
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_revision_grows';
    END IF;
    -- What comes back to the reviewers is something new; only an edit that was
    -- refused leaves everything as it was.
    IF NEW.state = 'pending' AND (OLD.state IN ('approved', 'running') OR OLD.state = 'drafting' AND OLD.edit IS NULL)
        AND NEW.revision = OLD.revision THEN
        RAISE EXCEPTION 'request % comes back to the reviewers without a new revision', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_new_revision';
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
    -- What has a run does not come back: only one that never started is taken back.
    IF NEW.state = 'pending' AND OLD.state = 'running' AND EXISTS (SELECT FROM runs WHERE request_id = NEW.id) THEN
        RAISE EXCEPTION 'request % has a run', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_unstarted';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION requests_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.session_id, NEW.team, NEW.project, NEW.asker, NEW.trigger, NEW.question, NEW.created_at) IS DISTINCT FROM
       (OLD.id, OLD.session_id, OLD.team, OLD.project, OLD.asker, OLD.trigger, OLD.question, OLD.created_at) THEN
        RAISE EXCEPTION 'who asked what, where and when cannot change (request %)', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_origin';
    END IF;
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
        ('drafting', 'pending'), ('drafting', 'failed'), ('drafting', 'expired'), ('drafting', 'withdrawn'),
        ('pending', 'approved'), ('pending', 'rejected'), ('pending', 'drafting'), ('pending', 'expired'), ('pending', 'withdrawn'),
        ('approved', 'pending'), ('approved', 'running'), ('approved', 'failed'), ('approved', 'expired'), ('approved', 'withdrawn'),
        ('running', 'done'), ('running', 'lost'), ('running', 'failed')) THEN
        RAISE EXCEPTION 'request % cannot become % after %', OLD.id, NEW.state, OLD.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_move';
    END IF;
    -- What was approved is what runs: the code stands still from the approval on,
    -- unless the approval goes.
    IF NEW.revision IS DISTINCT FROM OLD.revision AND OLD.state NOT IN ('drafting', 'pending')
        AND NOT (OLD.state = 'approved' AND NEW.state = 'pending') THEN
        RAISE EXCEPTION 'request % has been decided on: its code cannot change', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_code_stands';
    END IF;
    -- Approvals of an earlier revision stay behind for good: the number only grows.
    IF OLD.revision IS NOT NULL AND NEW.revision IS DISTINCT FROM OLD.revision AND NEW.revision IS DISTINCT FROM OLD.revision + 1 THEN
        RAISE EXCEPTION 'request % cannot go from revision % to %', OLD.id, OLD.revision, NEW.revision
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_revision_grows';
    END IF;
    -- What comes back to the reviewers is something new; only an edit that was
    -- refused leaves everything as it was.
    IF NEW.state = 'pending' AND (OLD.state = 'approved' OR OLD.state = 'drafting' AND OLD.edit IS NULL)
        AND NEW.revision = OLD.revision THEN
        RAISE EXCEPTION 'request % comes back to the reviewers without a new revision', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_new_revision';
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
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION runs_approved() RETURNS trigger LANGUAGE plpgsql AS $$
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
-- +goose StatementEnd
DROP TRIGGER runs_undeletable ON runs;
CREATE TRIGGER runs_undeletable BEFORE DELETE ON runs FOR EACH ROW EXECUTE FUNCTION unchangeable();
DROP FUNCTION runs_undeletable;
DROP TABLE unstarted_runs;
