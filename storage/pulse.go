package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// pulse is the one session of Postgres by which a replica lives. It holds the locks of all
// steps that are under way (alone.go), and Work has it ask for the time once a second: that is
// the heartbeat, and Postgres remembers when it was (pg_stat_activity), so that no table is
// written for it. The session ends with its process, and all locks with it.
type pulse struct {
	url, replica string
	log          *slog.Logger

	turn chan struct{}          // whoever has put something in uses what stands below
	conn *pgx.Conn              // nil: there is none
	held map[string]func(error) // the steps under way by their keys, with what ends one that somebody else has

	apart atomic.Int64 // by how much the database's clock is ahead of this machine's, as of the last beat
	away  atomic.Bool  // the last beat found no database
}

const (
	// beatEvery is the time between two heartbeats.
	beatEvery = time.Second
	// silence is how long a session that is still there may have been silent before its
	// process counts as hung, and its sessions are ended.
	silence = 8 * time.Second
	// unseen is in how many beats in a row something has to be missing before it counts as gone:
	// a replica that has lost its session has a new one within a beat.
	unseen = 3
	// answering is how long the database may take to answer the pulse. It is no matter of a
	// caller's time: a statement that is given up ends the session, and all locks with it.
	answering = 30 * time.Second
	// tolerable is how far the clocks may be apart before the log says so.
	tolerable = 2 * time.Second
)

func newPulse(url, replica string, log *slog.Logger) *pulse {
	return &pulse{url: url, replica: replica, log: log, turn: make(chan struct{}, 1), held: map[string]func(error){}}
}

// with runs the work on the session, which it opens where there is none. One at a time
// does so. An error of the connection closes it.
func (p *pulse) with(ctx context.Context, work func(context.Context, *pgx.Conn) error) error {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answering)
	defer cancel()
	if p.conn != nil && p.conn.IsClosed() {
		p.conn = nil
	}
	had := p.conn != nil
	if err := p.open(ctx); err != nil {
		return err
	}
	err := work(ctx, p.conn)
	if err != nil && hungUp(err) && had {
		// The session has died unnoticed, as with a restart of the database: a new one takes its place.
		p.close(ctx)
		if err = p.open(ctx); err == nil {
			err = work(ctx, p.conn)
		}
	}
	if err != nil && hungUp(err) {
		p.close(ctx)
	}
	return err
}

func (p *pulse) close(ctx context.Context) {
	if p.conn != nil {
		_ = p.conn.Close(ctx) // the server may be gone
	}
	p.conn = nil
}

// open opens the session and takes the locks of what is under way again. What somebody else
// has by now is theirs, and ends here.
func (p *pulse) open(ctx context.Context) error {
	if p.conn != nil {
		return nil
	}
	config, err := settings(p.url, pulseName(p.replica))
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	p.conn = conn
	for key, taken := range p.held {
		mine, err := tryLock(ctx, conn, key)
		if err != nil {
			p.close(ctx)
			return err
		}
		if !mine {
			p.log.Warn("another replica has taken over a step while this one had no session", "step", key)
			taken(errTaken)
			delete(p.held, key)
		}
	}
	return nil
}

// errTaken ends a step that another replica is at.
var errTaken = errors.New("another replica has taken over this step")

func tryLock(ctx context.Context, conn *pgx.Conn, key string) (mine bool, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, key).Scan(&mine)
	return mine, err
}

// lock takes the lock of a step, for as long as this process lives or until unlock. Should
// somebody else have it later, after the session has died, taken is called.
func (p *pulse) lock(ctx context.Context, key string, taken func(error)) (mine bool, err error) {
	err = p.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if mine, err = tryLock(ctx, conn, key); mine {
			p.held[key] = taken
		}
		return err
	})
	return mine, err
}

// unlock frees it. Where that fails the session ends, and frees it so.
func (p *pulse) unlock(ctx context.Context, key string) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	if p.held[key] == nil {
		return // it is somebody else's
	}
	delete(p.held, key)
	if p.conn == nil || p.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answering)
	defer cancel()
	if _, err := p.conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtextextended($1, 0))`, key); err != nil {
		p.close(ctx)
	}
}

// end ends the session.
func (p *pulse) end() {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	p.close(ctx)
}

// sessionName is what Postgres calls a replica's sessions; pulseName is that of its pulse.
func sessionName(replica string) string { return "countersign " + replica }
func pulseName(replica string) string   { return "countersign pulse " + replica }

// watch is what one replica has seen of the others.
type watch struct {
	*pulse
	working *sync.Map   // the jobs that this process works on, by their ids
	missed  map[any]int // in how many beats in a row something was missing: a replica by its name, a job by its id
}

// seen is what a beat finds out: the time, whose sessions are there, who is said to work or to
// lead, and which jobs are said to be worked on here.
type seen struct {
	Now    time.Time
	Owners []string // of jobs that run, and who leads, without a session or with one that is silent
	Hung   []string // those of them who have a session
	Mine   []int64
}

// lookAround is one statement, so that a beat is one round trip.
const lookAround = `
	WITH pulses AS (
		SELECT substr(application_name, length($2) + 1) AS replica,
			clock_timestamp() - greatest(query_start, state_change) > $3 AS hung -- null where somebody else may not know
		FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, $2)
	), owners AS (
		SELECT id, attempted_by[array_upper(attempted_by, 1)] AS replica FROM river_job WHERE state = 'running'
		UNION ALL SELECT NULL, leader_id FROM river_leader
	)
	SELECT clock_timestamp() AS now,
		ARRAY(SELECT DISTINCT replica FROM owners WHERE replica <> $1
			AND NOT EXISTS (SELECT FROM pulses p WHERE p.replica = owners.replica AND p.hung IS NOT TRUE)) AS owners,
		ARRAY(SELECT DISTINCT replica FROM pulses WHERE replica <> $1 AND hung) AS hung,
		ARRAY(SELECT id FROM owners WHERE replica = $1 AND id IS NOT NULL) AS mine`

// beats beats until the context ends. Each beat looks for replicas that are gone and have left
// jobs behind, and gives those jobs to whoever comes.
func (w *watch) beats(ctx context.Context) {
	ticks := time.NewTicker(beatEvery)
	defer ticks.Stop()
	for {
		err := w.beat(ctx)
		if ctx.Err() != nil {
			return
		}
		w.say(err)
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// say says once that the database is away, and once that it is back.
func (w *watch) say(err error) {
	switch away := err != nil && hungUp(err); {
	case away && !w.away.Swap(true):
		w.log.Warn("the database is away: everything waits for it", "error", err)
	case away:
	case err != nil:
		w.log.Error("the heartbeat", "error", err)
	case w.away.Swap(false):
		w.log.Info("the database is back")
	}
}

func (w *watch) beat(ctx context.Context) error {
	return w.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		began := time.Now()
		rows, _ := conn.Query(ctx, lookAround, w.replica, pulseName(""), silence)
		s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[seen])
		if err != nil {
			return err
		}
		w.tell(s.Now.Sub(began.Add(time.Since(began) / 2)))
		gone, left := w.count(s)
		for _, replica := range gone {
			w.log.Warn("a replica is gone: what it was at goes to others", "replica", replica)
			// A process that hangs keeps its sessions, and what they lock. It has its own word to say should it go on.
			if _, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ($1, $2)`,
				pulseName(replica), sessionName(replica)); err != nil {
				return err
			}
			if _, err := conn.Exec(ctx, giveBack+`attempted_by[array_upper(attempted_by, 1)] = $1 FOR UPDATE SKIP LOCKED)`, replica); err != nil {
				return err
			}
			if _, err := conn.Exec(ctx, `DELETE FROM river_leader WHERE leader_id = $1`, replica); err != nil {
				return err
			}
		}
		if len(left) > 0 {
			_, err = conn.Exec(ctx, giveBack+`id = ANY($1) FOR UPDATE SKIP LOCKED)`, left)
		}
		return err
	})
}

// giveBack lets jobs that nobody is at be taken at once.
const giveBack = `UPDATE river_job SET state = 'available', metadata = metadata - '` + pauseKey + `'
	WHERE id IN (SELECT id FROM river_job WHERE state = 'running' AND `

// count adds up what was missing in this beat as well: who is gone, and which jobs are said to
// be worked on here though they are not, as after a time without a database.
func (w *watch) count(s seen) (gone []string, left []int64) {
	missed := map[any]int{}
	for _, replica := range append(s.Owners, s.Hung...) {
		if missed[replica] > 0 {
			continue
		}
		if missed[replica] = w.missed[replica] + 1; missed[replica] == unseen {
			gone = append(gone, replica)
			delete(missed, replica) // it may take more than one time
		}
	}
	for _, id := range s.Mine {
		if _, here := w.working.Load(id); here {
			continue
		}
		if missed[id] = w.missed[id] + 1; missed[id] > 5*unseen { // its end may be on its way to the database
			left = append(left, id)
		}
	}
	w.missed = missed
	return gone, left
}

// tell keeps how far the clocks are apart, and says it where that is too much.
func (w *watch) tell(apart time.Duration) {
	was := time.Duration(w.apart.Swap(int64(apart)))
	switch {
	case apart.Abs() > tolerable && was.Abs() <= tolerable:
		w.log.Warn("this machine's clock is not the database's: let it follow a time server. Jobs are due by the database's", "apart", apart.Round(time.Millisecond))
	case apart.Abs() <= tolerable && was.Abs() > tolerable:
		w.log.Info("this machine's clock is the database's again")
	}
}

// Apart is by how much the database's clock is ahead of this machine's, half a round trip more or less.
func (db *DB) Apart(ctx context.Context) (time.Duration, error) { return apart(ctx, db.pool) }

func apart(ctx context.Context, on interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) (time.Duration, error) {
	var now time.Time
	began := time.Now()
	if err := on.QueryRow(ctx, tellTime).Scan(&now); err != nil {
		return 0, fmt.Errorf("read the database's clock: %w", err)
	}
	return now.Sub(began.Add(time.Since(began) / 2)), nil
}

// Apart is the same without an open database.
func Apart(ctx context.Context, url string) (time.Duration, error) {
	pool, err := connect(ctx, url, 1)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	if err := pool.Ping(ctx); err != nil { // the time for connecting is no difference of clocks
		return 0, fmt.Errorf("reach the database: %w", err)
	}
	return apart(ctx, pool)
}

// startBeats has the pulse beat until stop is called.
func (db *DB) startBeats(ctx context.Context, working *sync.Map) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // work under way ends later than its context
	over := make(chan struct{})
	go func() {
		defer close(over)
		(&watch{pulse: db.pulse, working: working}).beats(ctx)
	}()
	return func() { cancel(); <-over }
}
