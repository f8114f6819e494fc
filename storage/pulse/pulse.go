// Package pulse is the one session of Postgres by which a replica lives.
//
// Its one idea: the session holds the locks of all steps that are under way, and asks for the
// time once a second. That is the heartbeat, and Postgres remembers when it was
// (pg_stat_activity), so that no table is written for it. The session ends with its process,
// and all locks with it: then, or when a session has been silent for too long, the other
// replicas end what is left of it and take over the jobs that it had.
//
// Its one rule: what it says of a replica it has seen in several beats in a row. Should it be
// wrong all the same, a step is repeated, which is harmless.
//
// A pooler that hands sessions around (PgBouncer in transaction mode) can be no such session.
package pulse

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

// Pulse is the session of this replica.
type Pulse struct {
	config  *pgx.ConnConfig
	replica string
	hungUp  func(error) bool // tells an error of the connection from one of a statement
	log     *slog.Logger

	turn chan struct{}          // a lock that can be waited for with a context: whoever has put something in uses what stands below
	conn *pgx.Conn              // nil: there is none
	over bool                   // there is to be none any more
	held map[string]func(error) // the steps under way by their keys, with what ends one that somebody else has
	has  string                 // what this replica offers, for others to see; empty: nothing

	apart atomic.Int64 // by how much the database's clock is ahead of this machine's, as of the last beat
	Away  atomic.Bool  // the last beat found no database
}

const (
	// beatEvery is the time between two heartbeats.
	beatEvery = time.Second
	// Silence is how long a session that is still there may have been silent before its
	// process counts as hung, and its sessions are ended.
	Silence = 8 * time.Second
	// unseen is in how many beats in a row something has to be missing before it counts as gone:
	// a replica that has lost its session has a new one within a beat.
	unseen = 3
	// answering is how long the database may take to answer the pulse. A caller's own time limit does
	// not apply: a statement that is given up ends the session, and all locks with it.
	answering = 30 * time.Second
	// tolerable is how far the clocks may be apart before the log says so.
	tolerable = 2 * time.Second
)

// New is the pulse of a replica, which connects when it is first used.
func New(config *pgx.ConnConfig, replica string, hungUp func(error) bool, log *slog.Logger) *Pulse {
	config = config.Copy()
	config.RuntimeParams["application_name"] = Name(replica)
	return &Pulse{config: config, replica: replica, hungUp: hungUp, log: log, turn: make(chan struct{}, 1), held: map[string]func(error){}}
}

// with runs the work on the session, which it opens where there is none. One at a time
// does so. An error of the connection closes it.
func (p *Pulse) with(ctx context.Context, work func(context.Context, *pgx.Conn) error) error {
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
	// One that was opened for this very work is not opened once more: then it is the database that is away.
	if err != nil && p.hungUp(err) && had {
		// The session has died unnoticed, as with a restart of the database: a new one takes its place.
		p.close(ctx)
		if err = p.open(ctx); err == nil {
			err = work(ctx, p.conn)
		}
	}
	if err != nil && p.hungUp(err) {
		p.close(ctx)
	}
	return err
}

// close gives the connection up. The next beat makes a new one.
func (p *Pulse) close(ctx context.Context) {
	if p.conn != nil {
		_ = p.conn.Close(ctx) // the server may be gone
	}
	p.conn = nil
}

// open opens the session and takes the locks of what is under way again. What somebody else
// has by now is theirs, and ends here.
func (p *Pulse) open(ctx context.Context) error {
	if p.over {
		return errOver
	}
	if p.conn != nil {
		return nil
	}
	conn, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	p.conn = conn
	if err := p.tellOffer(ctx); err != nil {
		return err
	}
	// Another replica can have taken a lock while there was no session. So the new one asks for each
	// before anything else is done on it, and a step that has lost its lock ends.
	for key, taken := range p.held {
		mine, err := tryLock(ctx, conn, key)
		if err != nil {
			p.close(ctx)
			return err
		}
		if !mine {
			p.log.Warn("another replica has taken over a step while this one had no session", "step", key)
			taken(ErrTaken)
			delete(p.held, key)
		}
	}
	return nil
}

// Offer has the others see what this replica offers, for as long as it lives: a shared lock says so, which dies
// with the session. It comes before the first beat. The session may be there by then: a person's press takes a lock, too.
func (p *Pulse) Offer(what string) {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	p.has = what
	if p.conn == nil || p.conn.IsClosed() {
		return // it is told as the session opens
	}
	ctx, cancel := context.WithTimeout(context.Background(), answering)
	defer cancel()
	_ = p.tellOffer(ctx) // where that fails the session ends, and the next one tells it
}

// tellOffer has the session say what this replica offers, or ends it.
func (p *Pulse) tellOffer(ctx context.Context) error {
	if p.has == "" {
		return nil
	}
	_, err := p.conn.Exec(ctx, `SELECT pg_advisory_lock_shared(hashtextextended($1, 0))`, Offering(p.has))
	if err != nil {
		p.close(ctx)
	}
	return err
}

// Offered asks whether a replica that lives offers this, and Offerers how many do; $1 is what Offering makes of it.
const (
	Offered  = `SELECT EXISTS (SELECT` + offers + `)`
	Offerers = `SELECT count(*)` + offers

	offers = ` FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND (classid::bigint << 32 | objid::bigint) = hashtextextended($1, 0)`
)

// Offering is the parameter of Offered and Offerers.
func Offering(what string) string { return "offers " + what }

// ErrTaken ends a step that another replica is at.
var ErrTaken = errors.New("another replica has taken over this step")

// tryLock takes an advisory lock of the session. One session may take the same lock again and
// again, so it does not keep two goroutines of this replica apart: queue.Jobs.Alone does that before
// it comes here.
func tryLock(ctx context.Context, conn *pgx.Conn, key string) (mine bool, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, key).Scan(&mine)
	return mine, err
}

// Lock takes the lock of a step, for as long as this process lives or until Unlock. Should
// somebody else have it later, after the session has died, taken is called. It is called with the
// session in hand, so it must not call the Pulse: it cancels a context.
func (p *Pulse) Lock(ctx context.Context, key string, taken func(error)) (mine bool, err error) {
	err = p.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if mine, err = tryLock(ctx, conn, key); mine {
			p.held[key] = taken
		}
		return err
	})
	return mine, err
}

// Unlock frees it. Where that fails the session ends, and frees it so. It waits for its turn
// without a limit, because a lock that was never freed would keep the step from every replica.
func (p *Pulse) Unlock(ctx context.Context, key string) {
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

// errOver is said to a step that comes after the end, in the pool's words.
var errOver = errors.New("closed pool: this replica's session has ended")

// End ends the session for good.
func (p *Pulse) End() {
	p.turn <- struct{}{}
	defer func() { <-p.turn }()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	p.close(ctx)
	p.over = true
}

// Apart is by how much the database's clock was ahead of this machine's at the last beat.
func (p *Pulse) Apart() time.Duration { return time.Duration(p.apart.Load()) }

// SessionName is what Postgres calls a replica's sessions; Name is that of its pulse.
func SessionName(replica string) string { return "countersign " + replica }
func Name(replica string) string        { return "countersign pulse " + replica }

// Watch is what one replica has seen of the others.
type Watch struct {
	*Pulse
	Working *sync.Map   // the jobs that this process works on, by their ids
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

// Beats beats until the context ends. Each beat looks for replicas that are gone and have left
// jobs behind, and gives those jobs to whoever comes.
func (w *Watch) Beats(ctx context.Context) {
	ticks := time.NewTicker(beatEvery)
	defer ticks.Stop()
	for {
		err := w.Beat(ctx)
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
func (w *Watch) say(err error) {
	switch away := err != nil && w.hungUp(err); {
	case away && !w.Away.Swap(true):
		w.log.Warn("the database is away: everything waits for it", "error", err)
	case away:
	case err != nil:
		w.log.Error("the heartbeat", "error", err)
	case w.Away.Swap(false):
		w.log.Info("the database is back")
	}
}

// Beat is one heartbeat.
func (w *Watch) Beat(ctx context.Context) error {
	return w.with(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		began := time.Now()
		rows, _ := conn.Query(ctx, lookAround, w.replica, Name(""), Silence)
		s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[seen])
		if err != nil {
			return err
		}
		// The database read its clock somewhere in the middle of the round trip.
		w.tell(s.Now.Sub(began.Add(time.Since(began) / 2)))
		gone, left := w.count(s)
		for _, replica := range gone {
			w.log.Warn("a replica is gone: what it was at goes to others", "replica", replica)
			// A process that hangs keeps its sessions, and what they lock. Should it go on, it
			// finds them gone, and its steps end (open).
			if _, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user AND application_name IN ($1, $2)`,
				Name(replica), SessionName(replica)); err != nil {
				return err
			}
			// Its jobs go back only now: with its sessions gone it can write nothing of theirs any more.
			if _, err := conn.Exec(ctx, giveBack+`attempted_by[array_upper(attempted_by, 1)] = $1 FOR UPDATE SKIP LOCKED)`, replica); err != nil {
				return err
			}
			// Without this, nobody ticks until River's own term of the leader is over.
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
const giveBack = `UPDATE river_job SET state = 'available', metadata = metadata - '` + PauseKey + `'
	WHERE id IN (SELECT id FROM river_job WHERE state = 'running' AND `

// count adds up what was missing in this beat as well: who is gone, and which jobs are said to
// be worked on here though they are not, as after a time without a database.
func (w *Watch) count(s seen) (gone []string, left []int64) {
	missed, met := map[any]int{}, map[string]bool{}
	for _, replica := range append(s.Owners, s.Hung...) {
		if met[replica] { // one that hangs over its jobs stands in both
			continue
		}
		met[replica] = true
		if missed[replica] = w.missed[replica] + 1; missed[replica] == unseen {
			gone = append(gone, replica)
			delete(missed, replica) // it may take more than one time
		}
	}
	for _, id := range s.Mine {
		if _, here := w.Working.Load(id); here {
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
func (w *Watch) tell(apart time.Duration) {
	was := time.Duration(w.apart.Swap(int64(apart)))
	switch {
	case apart.Abs() > tolerable && was.Abs() <= tolerable:
		w.log.Warn("this machine's clock is not the database's: let it follow a time server. Jobs are due by the database's", "apart", apart.Round(time.Millisecond))
	case apart.Abs() <= tolerable && was.Abs() > tolerable:
		w.log.Info("this machine's clock is the database's again")
	}
}
