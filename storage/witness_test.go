package storage

// witness looks at the ledger whenever a transaction that touched it commits, one
// after another under a lock of its own, so that it sees what is and not what our
// locks let through. It reckons with the raw rows and Postgres' own calendar.
//
// A budget may hold more than its hard limit for one reason only: the limit was
// lowered, removed, given another window, or a top-up on it ended, after the money
// was spent or held. How much it held then is the ceiling. It comes down with the
// total and makes no room: a new hold has to fit into the limit that is in force
// as it is taken. Of a hold that is committed a moment later, after the top-up
// that it stands on has ended, that moment is the one at which it was asked for.
const witness = `
	CREATE SCHEMA witness;
	CREATE SEQUENCE witness.commits;
	CREATE TABLE witness.ceilings (team text, kind text, id text, amount bigint NOT NULL, PRIMARY KEY (team, kind, id));
	CREATE TABLE witness.breaches (promise text NOT NULL, detail text NOT NULL);
	CREATE INDEX witness_user ON holds (team, asker) INCLUDE (amount) WHERE NOT settled;
	CREATE INDEX witness_session ON holds (team, session_id) INCLUDE (amount) WHERE NOT settled;
	CREATE INDEX witness_project ON holds (team, project) INCLUDE (amount) WHERE NOT settled;
	CREATE INDEX witness_team ON holds (team) INCLUDE (amount) WHERE NOT settled;
	CREATE FUNCTION witness.total(t text, k text, i text, per text) RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE
		zone text := 'Europe/Berlin';
		since timestamptz := '-infinity';
		upto timestamptz := 'infinity';
		spent bigint;
		held bigint;
	BEGIN
		IF per <> 'none' THEN
			since := date_trunc(per, turned.clock_timestamp() AT TIME ZONE zone) AT TIME ZONE zone;
			upto := (date_trunc(per, turned.clock_timestamp() AT TIME ZONE zone) + ('1 ' || per)::interval) AT TIME ZONE zone;
		END IF;
		-- Indexes find the open holds; that they say the same as the settlements is a promise of its own.
		CASE k
		WHEN 'user' THEN
			SELECT coalesce(sum(amount), 0) INTO spent FROM settlements WHERE team = t AND at >= since AND at < upto AND asker = i;
			SELECT coalesce(sum(amount), 0) INTO held FROM holds WHERE team = t AND NOT settled AND asker = i;
		WHEN 'session' THEN
			SELECT coalesce(sum(amount), 0) INTO spent FROM settlements WHERE team = t AND at >= since AND at < upto AND session_id = i;
			SELECT coalesce(sum(amount), 0) INTO held FROM holds WHERE team = t AND NOT settled AND session_id = i;
		WHEN 'project' THEN
			SELECT coalesce(sum(amount), 0) INTO spent FROM settlements WHERE team = t AND at >= since AND at < upto AND project = i;
			SELECT coalesce(sum(amount), 0) INTO held FROM holds WHERE team = t AND NOT settled AND project = i;
		ELSE
			SELECT coalesce(sum(amount), 0) INTO spent FROM settlements WHERE team = t AND at >= since AND at < upto;
			SELECT coalesce(sum(amount), 0) INTO held FROM holds WHERE team = t AND NOT settled;
		END CASE;
		RETURN spent + held;
	END $$;
	-- What is granted on top at a moment, of whatever scope, the asker's own or a wider one.
	CREATE FUNCTION witness.extra(t text, k text, i text, moment timestamptz) RETURNS bigint LANGUAGE sql AS $$
		SELECT coalesce(sum(amount), 0) FROM topups WHERE granted AND team = t AND kind = k AND expires_at > moment
			AND i = CASE kind WHEN 'user' THEN asked_by WHEN 'session' THEN session_id WHEN 'project' THEN project ELSE team END
	$$;
	-- The limit without what is granted: its own, for a person the members', for one of these ten dollars a month.
	CREATE FUNCTION witness.limited(t text, k text, i text, OUT amount bigint, OUT per text) LANGUAGE plpgsql AS $$
	BEGIN
		SELECT l.amount, l.per INTO amount, per FROM limits l WHERE l.team = t AND l.kind = k AND l.id = i AND l.amount IS NOT NULL;
		IF NOT FOUND AND k = 'user' THEN
			SELECT l.amount, l.per INTO amount, per FROM limits l WHERE l.team = t AND l.kind = 'role' AND l.id = 'members' AND l.amount IS NOT NULL;
			IF NOT FOUND THEN
				amount := 10000000000;
				per := 'month';
			END IF;
		END IF;
	END $$;
	CREATE FUNCTION witness.look() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE
		s record;
		total bigint;
		day timestamptz;
	BEGIN
		PERFORM pg_advisory_xact_lock(7, 7);
		PERFORM nextval('witness.commits');
		FOR s IN
			SELECT p.kind, p.id, l.per, c.amount AS ceiling, l.amount + witness.extra(NEW.team, p.kind, p.id,
				CASE WHEN TG_TABLE_NAME = 'holds' THEN NEW.at ELSE turned.clock_timestamp() END) AS amount
			FROM (VALUES ('user', NEW.asker), ('session', NEW.session_id), ('project', NEW.project), ('team', NEW.team)) AS p (kind, id)
			CROSS JOIN LATERAL witness.limited(NEW.team, p.kind, p.id) AS l
			LEFT JOIN witness.ceilings c ON c.team = NEW.team AND c.kind = p.kind AND c.id = p.id
			WHERE l.amount IS NOT NULL
		LOOP
			total := witness.total(NEW.team, s.kind, s.id, s.per);
			-- What stays uncertain of a hold was held before: it makes no room, and needs none.
			IF TG_TABLE_NAME = 'holds' AND to_jsonb(NEW) ->> 'rest_of' IS NULL AND total > s.amount THEN
				INSERT INTO witness.breaches VALUES ('hold', format('%s %s: %s of %s', s.kind, s.id, total, s.amount));
			ELSIF total > greatest(s.amount, s.ceiling) THEN
				INSERT INTO witness.breaches VALUES ('hold', format('%s %s: %s of %s, settled', s.kind, s.id, total, s.amount));
			END IF;
			IF total < 0 THEN
				INSERT INTO witness.breaches VALUES ('negative', format('%s %s: %s', s.kind, s.id, total));
			END IF;
			UPDATE witness.ceilings SET amount = least(amount, greatest(total, s.amount)) WHERE team = NEW.team AND kind = s.kind AND id = s.id;
		END LOOP;
		IF TG_TABLE_NAME = 'settlements' THEN
			IF NEW.amount > (SELECT amount FROM holds WHERE id = NEW.hold_id) THEN
				INSERT INTO witness.breaches VALUES ('hold', format('hold %s settled at more than it is', NEW.hold_id));
			END IF;
			day := date_trunc('day', NEW.at AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
			FOR s IN SELECT kind, id FROM (VALUES ('user', NEW.asker), ('session', NEW.session_id), ('project', NEW.project), ('team', NEW.team)) AS p (kind, id) LOOP
				IF (SELECT coalesce(sum(amount), 0) FROM settlements WHERE team = NEW.team AND at >= day AND at < day + interval '24 hours'
						AND CASE s.kind WHEN 'user' THEN asker WHEN 'session' THEN session_id WHEN 'project' THEN project ELSE team END = s.id)
					<> (SELECT coalesce(sum(spent), 0) FROM balances WHERE team = NEW.team AND kind = s.kind AND id = s.id AND grain = 'day' AND start = day) THEN
					INSERT INTO witness.breaches VALUES ('balance', format('%s %s on %s', s.kind, s.id, day));
				END IF;
			END LOOP;
		END IF;
		RETURN NULL;
	END $$;
	-- A limit has changed, or something was granted: what is there now stays allowed, and what may be held now.
	CREATE FUNCTION witness.lower() RETURNS trigger LANGUAGE plpgsql AS $$
	DECLARE
		changed record;
		s record;
	BEGIN
		PERFORM pg_advisory_xact_lock(7, 7);
		changed := coalesce(NEW, OLD);
		FOR s IN
			SELECT p.kind, p.id, l.amount, l.per FROM (
				SELECT changed.kind AS kind, to_jsonb(changed) ->> CASE TG_TABLE_NAME WHEN 'topups' THEN 'scope_id' ELSE 'id' END AS id WHERE changed.kind <> 'role'
				UNION ALL
				SELECT kind, id FROM scopes WHERE changed.kind = 'role' AND team = changed.team AND kind = 'user'
			) AS p CROSS JOIN LATERAL witness.limited(changed.team, p.kind, p.id) AS l WHERE l.amount IS NOT NULL
		LOOP
			INSERT INTO witness.ceilings VALUES (changed.team, s.kind, s.id, greatest(witness.total(changed.team, s.kind, s.id, s.per),
					s.amount + witness.extra(changed.team, s.kind, s.id, turned.clock_timestamp())))
				ON CONFLICT (team, kind, id) DO UPDATE SET amount = excluded.amount;
		END LOOP;
		RETURN NULL;
	END $$;
	CREATE CONSTRAINT TRIGGER witness AFTER INSERT ON holds DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION witness.look();
	CREATE CONSTRAINT TRIGGER witness AFTER INSERT ON settlements DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION witness.look();
	CREATE CONSTRAINT TRIGGER witness AFTER INSERT OR UPDATE OR DELETE ON limits DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION witness.lower();
	CREATE CONSTRAINT TRIGGER witness AFTER UPDATE ON topups DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.granted) EXECUTE FUNCTION witness.lower()`
