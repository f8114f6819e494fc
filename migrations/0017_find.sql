-- A question is stored as it came; its channel, its asker and its files are looked up
-- afterwards. What a request rests on may go while it waits: for a while, or for good.

-- +goose Up
ALTER TABLE requests
    ADD COLUMN seek jsonb CHECK (jsonb_typeof(seek) = 'object'),   -- what is still to be found; NULL when it has been
    ADD COLUMN away jsonb CHECK (jsonb_typeof(away) = 'object'),   -- what cannot be seen at the moment; NULL when all is there
    ADD COLUMN cause jsonb CHECK (jsonb_typeof(cause) = 'object'), -- why it ended, where Slack is the reason
    ADD COLUMN guest boolean NOT NULL DEFAULT false,               -- the asker was a guest when they asked
    ADD COLUMN looked_at timestamptz,                              -- when it was last found out whether all is there
    -- Nobody reviews, approves or runs what nobody has found yet.
    ADD CONSTRAINT requests_found_before_review CHECK (seek IS NULL OR state IN ('drafting', 'failed', 'expired', 'withdrawn')),
    -- What has started waits for nothing.
    ADD CONSTRAINT requests_away_before_run CHECK (away IS NULL OR state NOT IN ('running', 'done', 'lost')),
    -- A cause is one of an end.
    ADD CONSTRAINT requests_cause_of_an_end CHECK (cause IS NULL OR state = 'failed');

-- +goose StatementBegin
-- As in 0016, and: a request can end while it waits for reviewers, because a file or
-- whoever asked is gone for good.
CREATE OR REPLACE FUNCTION requests_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.session_id, NEW.team, NEW.project, NEW.asker, NEW.trigger, NEW.question, NEW.created_at) IS DISTINCT FROM
       (OLD.id, OLD.session_id, OLD.team, OLD.project, OLD.asker, OLD.trigger, OLD.question, OLD.created_at) THEN
        RAISE EXCEPTION 'who asked what, where and when cannot change (request %)', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'requests_origin';
    END IF;
    IF NEW.state <> OLD.state AND NOT (OLD.state, NEW.state) IN (
        ('drafting', 'pending'), ('drafting', 'failed'), ('drafting', 'expired'), ('drafting', 'withdrawn'),
        ('pending', 'approved'), ('pending', 'rejected'), ('pending', 'drafting'), ('pending', 'expired'), ('pending', 'withdrawn'), ('pending', 'failed'),
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
ALTER TABLE requests DROP COLUMN seek, DROP COLUMN away, DROP COLUMN cause, DROP COLUMN guest, DROP COLUMN looked_at;
