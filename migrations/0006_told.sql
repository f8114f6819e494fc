-- What happens is told: a row that no event tells of is refused when its transaction
-- ends. Whether an event is signed only programs see, who have the key.

-- +goose Up

-- +goose StatementBegin
-- Refuses a row of which no event tells, when its transaction ends: by then events and
-- rows are all there, in whatever order they were written.
CREATE FUNCTION untold(of text, promise text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no event tells of this change of %', of USING ERRCODE = 'check_violation', CONSTRAINT = promise;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
-- Each fact has its own event, so an old event is no reason for a new fact.
CREATE FUNCTION rules_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'rules:' || NEW.team AND seq = NEW.told AND kind = 'set rules' AND actor = NEW.set_by AND at = NEW.set_at
        AND data::jsonb @> jsonb_build_object('channel', NEW.project, 'version', NEW.version, 'rules', NEW.document)) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION people_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'people:' || NEW.team AND seq = NEW.told AND actor = NEW."by" AND at = NEW.at
        AND kind = CASE WHEN NEW.named THEN 'named' ELSE 'removed' END
        AND data::jsonb @> jsonb_build_object('person', NEW.person, 'role', NEW.role, 'channel', NEW.project)) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION delegations_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'people:' || NEW.team AND seq = NEW.told AND at = NEW.at
        AND kind = CASE WHEN NEW.delegate IS NULL THEN 'delegation ended' ELSE 'delegated' END
        AND coalesce(data::jsonb ->> 'from', actor) = NEW.principal AND data::jsonb ->> 'to' IS NOT DISTINCT FROM NEW.delegate
        AND (data::jsonb ->> 'until')::timestamptz IS NOT DISTINCT FROM NEW.until) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION ssh_keys_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'people:' || NEW.team AND seq = NEW.told AND actor = NEW.person AND at = NEW.at
        AND kind = CASE WHEN NEW.named THEN 'registered key' ELSE 'removed key' END AND data::jsonb ->> 'key' = NEW.line) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION pins_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events e, LATERAL (SELECT e.data::jsonb AS d) said WHERE e.stream = 'pins:' || NEW.team AND e.seq = NEW.told AND e.kind = NEW.verb AND e.actor = NEW."by" AND e.at = NEW.at
        AND (d ->> 'channel', d ->> 'file') = (NEW.project, NEW.file)
        AND (d #>> '{name,salted_sha256}', d #>> '{content,salted_sha256}', d ->> 'size', d ->> 'shared_by', d ->> 'instead_of', (d ->> 'shared_at')::timestamptz)
            IS NOT DISTINCT FROM (NEW.name, NEW.content, NEW.size::text, NEW.shared_by, NEW.instead_of, NEW.shared_at)
        AND coalesce(d -> 'for', '[]') = to_jsonb(NEW.people)) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- Nothing starts on a pinned file that is not pinned any more, holds something else than what was pinned,
-- or is for others.
CREATE FUNCTION runs_pinned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM requests q, jsonb_array_elements(q.files) f WHERE q.id = NEW.request_id AND coalesce(f ->> 'pinned', '') <> ''
        AND NOT EXISTS (SELECT FROM standing_pins(q.team) p WHERE p.project = f ->> 'pinned' AND p.file = f ->> 'id' AND said(p.content) = f ->> 'sha256'
            AND (p.people = '{}' OR q.asker = ANY (p.people)))) THEN
        RAISE EXCEPTION 'a file of % is not pinned for whoever asks', NEW.request_id USING ERRCODE = 'check_violation', CONSTRAINT = 'runs_pinned';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE INDEX readings_content ON readings (team, file_sha256);
CREATE CONSTRAINT TRIGGER pins_told AFTER INSERT ON pins DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pins_told();
ALTER TABLE pins ADD CONSTRAINT pins_once UNIQUE (team, told);
CREATE TRIGGER runs_pinned BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION runs_pinned();
CREATE CONSTRAINT TRIGGER ssh_keys_told AFTER INSERT ON ssh_keys DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ssh_keys_told();
CREATE CONSTRAINT TRIGGER rules_told AFTER INSERT ON rules DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rules_told();
CREATE CONSTRAINT TRIGGER people_told AFTER INSERT ON people DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION people_told();
CREATE CONSTRAINT TRIGGER delegations_told AFTER INSERT ON delegations DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION delegations_told();
-- One event tells of one fact.
ALTER TABLE rules ADD CONSTRAINT rules_once UNIQUE (team, told);
ALTER TABLE people ADD CONSTRAINT people_once UNIQUE (team, told);
ALTER TABLE delegations ADD CONSTRAINT delegations_once UNIQUE (team, told);
ALTER TABLE ssh_keys ADD CONSTRAINT ssh_keys_once UNIQUE (team, told);

-- +goose StatementBegin
CREATE FUNCTION decisions_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT decided(NEW) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- What another door than Slack says of high risk is signed by a key of the reviewer's own that
-- is a day old, and was asked for a moment ago. Whether the signature holds only programs see.
CREATE FUNCTION decisions_signed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM revisions v JOIN requests q ON q.id = v.request_id WHERE v.request_id = NEW.request_id AND v.number = NEW.revision AND v.tier = 'high'
        AND NOT (signs(q.team, NEW.reviewer, NEW.click ->> 'key', least(NEW.at, clock_timestamp())) AND coalesce(NEW.click ->> 'signature', '') <> ''
            AND EXISTS (SELECT FROM events e WHERE e.stream = 'request:' || NEW.request_id AND e.kind = 'asked to sign' AND e.actor = NEW.reviewer
                AND e.at BETWEEN NEW.at - interval '10 minutes' AND NEW.at
                AND e.data::jsonb @> jsonb_build_object('nonce', NEW.click ->> 'nonce', 'revision', NEW.revision, 'digest', NEW.digest, 'verdict', NEW.verdict)))) THEN
        RAISE EXCEPTION 'the decision of % on revision % of % is not signed', NEW.reviewer, NEW.revision, NEW.request_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'decisions_signed';
    END IF;
    RETURN NEW;
END $$;
-- A revision is what its event says, findings included: reviewers read both.
CREATE FUNCTION revisions_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events e WHERE e.stream = 'request:' || NEW.request_id AND e.at = NEW.at AND e.kind IN ('drafted', 'sealed anew')
        AND e.data::jsonb @> jsonb_build_object('revision', NEW.number, 'digest', NEW.digest)
        AND (e.data::jsonb #>> '{code,salted_sha256}', e.data::jsonb #>> '{manifest,salted_sha256}') = (NEW.code, NEW.manifest)
        AND e.data::jsonb #>> '{summary,salted_sha256}' IS NOT DISTINCT FROM NEW.summary
        AND e.data::jsonb #>> '{findings_list,salted_sha256}' IS NOT DISTINCT FROM NEW.findings) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER decisions_signed BEFORE INSERT ON decisions FOR EACH ROW
    WHEN (NEW.click ->> 'door' IS NOT NULL) EXECUTE FUNCTION decisions_signed();
-- What somebody was asked to sign is one decision.
CREATE UNIQUE INDEX decisions_one_nonce ON decisions ((click ->> 'nonce'));
CREATE CONSTRAINT TRIGGER decisions_told AFTER INSERT ON decisions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION decisions_told();
CREATE CONSTRAINT TRIGGER revisions_told AFTER INSERT ON revisions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION revisions_told();

-- +goose StatementBegin
-- Each thing that becomes of a run has its event: that it starts, has begun, is to end, has ended
-- with this result, or was taken back. Nothing ends as cancelled that nobody has cancelled.
CREATE FUNCTION runs_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of text := 'request:' || NEW.request_id;
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = of AND kind = 'started' AND at = NEW.started_at
            AND data::jsonb @> jsonb_build_object('box', NEW.box_id, 'revision', NEW.revision, 'digest', NEW.digest))
        OR NEW.begun_at IS NOT NULL AND NOT EXISTS (SELECT FROM events WHERE stream = of AND kind = 'begun' AND at = NEW.begun_at
            AND data::jsonb @> jsonb_build_object('box', NEW.box_id))
        OR NEW.stopped_at IS NOT NULL AND NOT EXISTS (SELECT FROM events WHERE stream = of AND kind = 'stopped' AND at = NEW.stopped_at AND actor = NEW.stopped_by
            AND data::jsonb @> jsonb_build_object('box', NEW.box_id))
        OR NEW.finished_at IS NOT NULL AND NOT EXISTS (SELECT FROM events WHERE stream = of AND kind = 'finished' AND at = NEW.finished_at
            AND data::jsonb #>> '{result,salted_sha256}' = NEW.result AND (data::jsonb ->> 'outcome' <> 'cancelled' OR NEW.stopped_at IS NOT NULL)) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION unstarted_runs_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'request:' || NEW.request_id AND kind = 'unstarted' AND at = NEW.taken_back_at
        AND data::jsonb @> jsonb_build_object('box', NEW.box_id)) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER runs_told AFTER INSERT OR UPDATE ON runs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION runs_told();
CREATE CONSTRAINT TRIGGER unstarted_runs_told AFTER INSERT ON unstarted_runs DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION unstarted_runs_told();

-- +goose StatementBegin
-- A state has the event of its move, newer than the state before it.
CREATE FUNCTION requests_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before requests := OLD; -- nothing when it comes into the world
BEGIN
    IF NEW.told < before.told OR NEW.told > (SELECT max(seq) FROM events WHERE stream = 'request:' || NEW.id)
        OR NEW.state IS DISTINCT FROM before.state AND NOT EXISTS (SELECT FROM events e
            JOIN moves m ON m.from_state = coalesce(before.state, '') AND m.to_state = NEW.state AND e.kind = coalesce(m.told, e.kind)
            WHERE e.stream = 'request:' || NEW.id AND e.seq > coalesce(before.told, 0) AND e.seq <= NEW.told) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER requests_told AFTER INSERT OR UPDATE OF state, told ON requests
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION requests_told();

-- +goose StatementBegin
-- What came out is what the event of the end names.
CREATE FUNCTION artifacts_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'request:' || NEW.request_id AND kind = 'finished' AND position(NEW.data IN data) > 0) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER artifacts_told AFTER INSERT ON artifacts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION artifacts_told();

-- +goose StatementBegin
-- The model reads nothing that no event names.
CREATE FUNCTION messages_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'request:' || NEW.request_id AND at = NEW.at AND position(NEW.text IN data) > 0) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER messages_told AFTER INSERT ON messages DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.text IS NOT NULL) EXECUTE FUNCTION messages_told();

-- +goose StatementBegin
-- A limit is what the newest event about it says.
CREATE FUNCTION limits_told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before limits := OLD; -- nothing when it is the first
BEGIN
    IF NEW.told <= before.told OR NOT EXISTS (SELECT FROM events WHERE stream = 'budget' AND seq = NEW.told AND actor = NEW.set_by AND at = NEW.set_at
        AND kind = CASE WHEN NEW.amount IS NULL THEN 'removed limit' ELSE 'set limit' END
        AND data::jsonb @> jsonb_build_object('scope', jsonb_build_object('team', NEW.team, 'kind', NEW.kind, 'id', NEW.id))
        AND (NEW.amount IS NULL OR data::jsonb @> jsonb_build_object('amount', NEW.amount, 'window', NEW.per)
            AND coalesce(data::jsonb -> 'policy', '{}') = NEW.policy)) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER limits_told AFTER INSERT OR UPDATE ON limits DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION limits_told();
ALTER TABLE limits ADD CONSTRAINT limits_once UNIQUE (told);

-- +goose StatementBegin
-- Money on top is asked for, granted and declined by events of its request.
CREATE FUNCTION topups_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE stream = 'request:' || NEW.request_id AND actor = coalesce(NEW.decided_by, NEW.asked_by) AND at = coalesce(NEW.decided_at, NEW.at)
        AND kind = CASE WHEN NEW.granted THEN 'granted a top-up' WHEN NEW.decided_by IS NULL THEN 'asked for a top-up' ELSE 'declined a top-up' END
        AND data::jsonb @> jsonb_build_object('topup', NEW.id, 'amount', NEW.amount)
        AND (NOT NEW.granted OR (data::jsonb ->> 'until')::timestamptz = NEW.expires_at)) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER topups_told AFTER INSERT OR UPDATE ON topups DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION topups_told();

-- +goose StatementBegin
-- Where a message stands is in the audit trail: a card somewhere else is another card.
-- What it shows is drawn again all the time, and is no event.
CREATE FUNCTION posts_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell('request:' || NEW.request_id, 'countersign', 'posted',
        concat('{"channel":', to_json(NEW.channel), ',"surface":', to_json(NEW.surface), ',"ts":', to_json(NEW.ts), '}'));
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER posts_begin AFTER INSERT ON posts FOR EACH ROW EXECUTE FUNCTION posts_tell();
CREATE TRIGGER posts_move AFTER UPDATE ON posts FOR EACH ROW
    WHEN ((NEW.channel, NEW.ts) IS DISTINCT FROM (OLD.channel, OLD.ts)) EXECUTE FUNCTION posts_tell();

-- +goose StatementBegin
-- So is which files are ours in Slack, and what has gone from there.
CREATE FUNCTION uploads_tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell('request:' || NEW.request_id, 'countersign', 'uploaded', concat('{"file":', to_json(NEW.file), ',"surface":', to_json(NEW.surface), '}'));
    RETURN NULL;
END $$;
CREATE FUNCTION posts_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM tell('request:' || NEW.request_id, 'countersign', 'deleted', concat('{"channel":', to_json(NEW.channel),
        ',"stays":', to_json(substr(NEW.shown, length('taken back') + 3)), ',"surface":', to_json(NEW.surface), ',"ts":', to_json(NEW.ts), '}'));
    RETURN NULL;
END $$;
-- Somebody draws who does not know that the answer was taken back meanwhile: what they posted goes as well, as soon as it is drawn anew.
CREATE FUNCTION posts_late() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM takebacks WHERE request_id = NEW.request_id) THEN
        UPDATE requests SET shown_at = NULL WHERE id = NEW.request_id;
    END IF;
    RETURN NULL;
END $$;
-- What is shared is an answer that came of a run and was not taken back, by an event of just that.
CREATE FUNCTION copies_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM takebacks WHERE request_id = NEW.request_id AND at < NEW.at)
        OR NOT EXISTS (SELECT FROM events e JOIN requests q ON q.id = NEW.request_id AND q.state = 'done'
            WHERE e.stream = 'request:' || NEW.request_id AND e.kind = 'shared' AND e.actor = NEW.person AND e.at = NEW.at AND e.data::jsonb ->> 'channel' = NEW.channel) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- Only what came of a run can be taken back, and by an event of just that.
CREATE FUNCTION takebacks_told() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events e JOIN requests q ON q.id = NEW.request_id AND q.state = 'done'
        WHERE e.stream = 'request:' || NEW.request_id AND e.kind = 'took back' AND e.actor = NEW.person AND e.at = NEW.at) THEN
        PERFORM untold(TG_TABLE_NAME, TG_NAME);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER uploads_begin AFTER INSERT ON uploads FOR EACH ROW EXECUTE FUNCTION uploads_tell();
CREATE TRIGGER posts_go AFTER UPDATE ON posts FOR EACH ROW
    WHEN (NEW.shown <> OLD.shown AND NEW.shown LIKE 'taken back%') EXECUTE FUNCTION posts_go();
CREATE TRIGGER posts_late AFTER INSERT OR UPDATE ON posts FOR EACH ROW WHEN (NEW.shown NOT LIKE 'taken back%') EXECUTE FUNCTION posts_late();
CREATE TRIGGER posts_gone AFTER INSERT ON posts FOR EACH ROW WHEN (NEW.shown LIKE 'taken back%') EXECUTE FUNCTION posts_go();
CREATE CONSTRAINT TRIGGER copies_told AFTER INSERT ON copies DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION copies_told();
CREATE CONSTRAINT TRIGGER takebacks_told AFTER INSERT ON takebacks DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION takebacks_told();
