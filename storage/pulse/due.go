package pulse

// River stamps a job with the clock of the replica that inserts it or puts it off, and fetches
// what is due by the database's. A replica five seconds ahead would make each step wait for five
// seconds, and River leaves no choice of clocks. So the database stamps: a job is due when it is
// inserted, and one that is put off when its pause is over. River's own word for the latter, its
// leader, has a clock of its own as well: what is put off is available, and due later.

// DueByOneClock is a part of the migrations of the queue, after River's own.
const DueByOneClock = `
CREATE OR REPLACE FUNCTION countersign_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.scheduled_at := now();
	IF TG_OP = 'UPDATE' THEN
		NEW.scheduled_at := now() + coalesce((NEW.metadata ->> '` + PauseKey + `')::bigint, 0) * interval '1 microsecond';
		NEW.state := 'available';
	END IF;
	RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER countersign_due_at_once BEFORE INSERT ON river_job
	FOR EACH ROW WHEN (NEW.state = 'available') EXECUTE FUNCTION countersign_due();
CREATE OR REPLACE TRIGGER countersign_due_again BEFORE UPDATE ON river_job
	FOR EACH ROW WHEN (OLD.state = 'running' AND NEW.state IN ('available', 'scheduled', 'retryable')) EXECUTE FUNCTION countersign_due();
`

// PauseKey is where a job's metadata say how long its next pause is, in microseconds.
const PauseKey = "pause"
