-- A request may repeat the run of another, to find out whether the same comes out. What is
-- repeated is the same or is refused: nothing similar runs under its name.

-- +goose Up

-- What is repeated exists, as it was sealed.
ALTER TABLE requests ADD CONSTRAINT requests_repeats_fkey FOREIGN KEY (repeats, repeats_revision, repeats_digest) REFERENCES revisions (request_id, number, digest);

-- +goose StatementBegin
-- Tells in what a version differs from the run that its request repeats; nothing where it repeats none, or in nothing.
CREATE FUNCTION repeats_otherwise(request text, sealed text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT string_agg(part, ', ') FROM requests q JOIN revisions f ON (f.request_id, f.number) = (q.repeats, q.repeats_revision),
        unnest(ARRAY['code_sha256', 'inputs', 'sandbox', 'template', 'environment', 'today', 'zone', 'limits', 'notes', 'saw', 'thread']) part
    WHERE q.id = request AND (said(f.manifest) = '' OR nullif(said(f.manifest), '')::jsonb -> part IS DISTINCT FROM nullif(sealed, '')::jsonb -> part));
END $$;
-- What is repeated is the same code, on the same data, in the same environment, with the same words of the day and of the channel.
CREATE FUNCTION revisions_repeat() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF repeats_otherwise(NEW.request_id, said(NEW.manifest)) IS NOT NULL THEN
        RAISE EXCEPTION 'revision % of % is not what it repeats: %', NEW.number, NEW.request_id, repeats_otherwise(NEW.request_id, said(NEW.manifest))
            USING ERRCODE = 'check_violation', CONSTRAINT = 'revisions_repeat';
    END IF;
    RETURN NEW;
END $$;
-- What is repeated has run, and the same people see it: in its own thread.
CREATE FUNCTION requests_repeats_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM requests f JOIN runs x ON x.request_id = f.id WHERE f.id = NEW.repeats AND f.state = 'done'
        AND (f.team, f.project, f.session_id) = (NEW.team, NEW.project, NEW.session_id) AND (x.revision, x.digest) = (NEW.repeats_revision, NEW.repeats_digest)) THEN
        RAISE EXCEPTION 'request % has no run in this thread that % could repeat', NEW.repeats, NEW.id USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER revisions_repeat BEFORE INSERT ON revisions FOR EACH ROW EXECUTE FUNCTION revisions_repeat();
CREATE TRIGGER requests_repeats_run BEFORE INSERT ON requests FOR EACH ROW WHEN (NEW.repeats IS NOT NULL) EXECUTE FUNCTION requests_repeats_run();

-- +goose StatementBegin
-- No model is asked for a run that is repeated, so nothing is held for one.
CREATE FUNCTION holds_of_repeats() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM requests WHERE id = NEW.request_id AND repeats IS NOT NULL) THEN
        RAISE EXCEPTION 'request % repeats a run, and asks no model', NEW.request_id USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER holds_of_repeats BEFORE INSERT ON holds FOR EACH ROW WHEN (NEW.purpose IN ('draft', 'summary')) EXECUTE FUNCTION holds_of_repeats();

-- +goose StatementBegin
-- Whoever has a run repeated is on record, with what it was.
CREATE FUNCTION requests_repeats_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'request:' || NEW.id AND kind = 'repeats' AND actor = NEW.asker
        AND data::jsonb @> jsonb_build_object('request', NEW.repeats, 'revision', NEW.repeats_revision, 'digest', NEW.repeats_digest)) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER requests_repeats_told AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.repeats IS NOT NULL) EXECUTE FUNCTION requests_repeats_told();
