-- That the code of a run has begun. A box can be made to forget it, by the very
-- code that runs in it; the row cannot.

-- +goose Up
ALTER TABLE runs
    ADD COLUMN begun_at timestamptz,
    -- Nothing begins before its box was named.
    ADD CONSTRAINT runs_begun CHECK (begun_at >= started_at);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION runs_end_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL OR OLD.begun_at IS NOT NULL AND NEW.begun_at IS DISTINCT FROM OLD.begun_at OR
       (NEW.request_id, NEW.box_id, NEW.revision, NEW.digest, NEW.started_at) IS DISTINCT FROM
       (OLD.request_id, OLD.box_id, OLD.revision, OLD.digest, OLD.started_at) THEN
        RAISE EXCEPTION 'the run of request % cannot change', OLD.request_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'runs_end_once';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION runs_end_once() RETURNS trigger LANGUAGE plpgsql AS $$
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
ALTER TABLE runs DROP COLUMN begun_at;
