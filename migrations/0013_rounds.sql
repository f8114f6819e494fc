-- How a request moves: versions that are rewritten, edited or sealed anew, and
-- whom people have told of it.

-- +goose Up

ALTER TABLE requests
    -- How often reviewers have had the code changed.
    ADD COLUMN rounds       integer NOT NULL DEFAULT 0 CHECK (rounds >= 0),
    ADD COLUMN edit         jsonb CHECK (jsonb_typeof(edit) = 'object'), -- code that a person has written and that is being inspected
    ADD COLUMN assignee     text NOT NULL DEFAULT '',
    ADD COLUMN opinions     text[] NOT NULL DEFAULT '{}',
    ADD COLUMN reminded_at  timestamptz, -- of the current revision
    ADD COLUMN escalated_at timestamptz,
    -- What stands before reviewers is inspected code, never an edit on its way.
    ADD CONSTRAINT requests_edit_inspected CHECK (edit IS NULL OR state = 'drafting'),
    -- Nobody is made to judge what they asked for.
    ADD CONSTRAINT requests_not_for_asker CHECK (assignee <> asker AND asker <> ALL (opinions));

-- A reviewer can also want something different. That is no approval.
ALTER TABLE decisions
    DROP CONSTRAINT decisions_verdict_check,
    ADD CONSTRAINT decisions_verdict_check CHECK (verdict IN ('approve', 'reject', 'changes')),
    -- Whoever has to write something else gets to know what.
    ADD CONSTRAINT decisions_changes_said CHECK (verdict <> 'changes' OR reason <> '');

CREATE INDEX notices_by_request ON notices (request_id);
-- The code that was approved in a channel.
CREATE INDEX requests_vetted ON requests (team, project, created_at DESC) WHERE state IN ('approved', 'running', 'done', 'lost');

-- +goose StatementBegin
-- approvals counts who has approved a revision. Anybody who did not outweighs every yes.
CREATE OR REPLACE FUNCTION approvals(request text, version integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN bool_or(verdict <> 'approve') THEN 0 ELSE count(*) END
    FROM decisions WHERE request_id = request AND decisions.revision = version
$$;
-- +goose StatementEnd

-- +goose StatementBegin
-- As in 0001, and: an approval can be taken away, and then the code is a new
-- revision, on which nobody has decided. A number never comes back.
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
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION approvals(request text, version integer) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN bool_or(verdict = 'reject') THEN 0 ELSE count(*) END
    FROM decisions WHERE request_id = request AND decisions.revision = version
$$;
-- +goose StatementEnd
DROP INDEX requests_vetted, notices_by_request;
ALTER TABLE decisions
    DROP CONSTRAINT decisions_changes_said,
    DROP CONSTRAINT decisions_verdict_check,
    ADD CONSTRAINT decisions_verdict_check CHECK (verdict IN ('approve', 'reject'));
ALTER TABLE requests DROP COLUMN rounds, DROP COLUMN edit, DROP COLUMN assignee, DROP COLUMN opinions, DROP COLUMN reminded_at, DROP COLUMN escalated_at;
