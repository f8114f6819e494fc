package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/robfig/cron/v3"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/pglocal"
	"countersign/sandbox/local"
	"countersign/storage"
	"countersign/storage/pg"
	"countersign/storage/schema"
)

// serve connects to Slack and works until it is told to stop.
// The context ends with the first signal. Then the sockets take nothing more, the jobs in hand are finished or
// handed over, and close ends database, sandbox and traces in the reverse of the order in which wire made them.
func serve(ctx context.Context, p program) (err error) {
	if err := p.needs(); err != nil {
		return err
	}
	writer, err := p.writer()
	if err != nil {
		return err
	}
	// A Postgres that starts together with this, as after a power cut, is waited for. A private one is
	// started here, so there is nothing to wait for.
	if p.DatabaseURL != "" {
		if err := pg.Await(ctx, string(p.DatabaseURL), p.log); err != nil {
			return err
		}
		// Its locks would be held by whoever comes next. What else is wrong there wire meets, and says.
		if _, err := pg.Direct(ctx, string(p.DatabaseURL)); errors.As(err, new(*pg.PoolerError)) {
			return errors.New("DATABASE_URL: " + poolerWords)
		}
	}
	r, err := p.wire(ctx, writer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	p.log.Info("serving", "models", p.models(), "review channel", p.ReviewChannel, "reviewers", len(p.Reviewers), "health", p.HTTPAddr)
	if none, ok := r.service.NoSandbox(); ok {
		p.log.Error("nothing can be asked: there is no sandbox", "why", none)
	}
	return r.run(ctx)
}

// poolerWords say why a pooler does not do.
const poolerWords = "this is a pooler that hands sessions around (PgBouncer in transaction mode), and Countersign needs sessions of Postgres that stay its own: name Postgres itself in DATABASE_URL. A replica takes ten connections"

// migrate brings the database up to date, as its owner. Serve does so as well where it
// knows the owner: with the private Postgres, or with MIGRATE_DATABASE_URL.
func migrate(ctx context.Context, p program) error {
	at, stop, err := p.openDatabase(ctx)
	if _, ok := errors.AsType[*pglocal.NoneError](err); ok {
		at, stop, err = p.privateDatabase(ctx, pglocal.Start)
	}
	if err != nil {
		return err
	}
	defer stop()
	if at.owner == "" {
		at.owner = at.serve // one role for both, of which the doctor warns
	}
	if err := at.migrate(ctx); err != nil {
		return err
	}
	fmt.Fprintln(p.out, "The database is up to date.")
	return nil
}

// openStore is what a command uses that is soon over: a database that is up to date.
// It validates and never migrates: a command that somebody tries once must not change the schema under a
// running serve.
func (p program) openStore(ctx context.Context, o storage.Options) (db *storage.DB, stop func(), err error) {
	at, end, err := p.openDatabase(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := schema.Validate(ctx, at.serve); err != nil {
		end()
		return nil, nil, err
	}
	if db, err = storage.Open(ctx, at.serve, o); err != nil {
		end()
		return nil, nil, err
	}
	return db, func() { db.Close(); end() }, nil
}

// openSigned is openStore for what leaves events, which are signed.
func openSigned(ctx context.Context, p program) (db *storage.DB, signed storage.Options, stop func(), err error) {
	if signed, err = p.signed(); err == nil {
		db, stop, err = p.openStore(ctx, signed)
	}
	return db, signed, stop, err
}

// address is where the database is, as two roles. The owner's is empty where serve does
// not know it: then somebody else migrates. Serve's role owns nothing, so that its password alone changes no decision.
type address struct{ owner, serve string }

// migrate brings the database up to date where the owner is known, and elsewhere says
// who has to.
func (a address) migrate(ctx context.Context) error {
	if a.owner == "" {
		return schema.Validate(ctx, a.serve)
	}
	if err := schema.Migrate(ctx, a.owner, a.serve); err != nil {
		return fmt.Errorf("bring the database up to date: %w", err)
	}
	return nil
}

// ofServer is a private Postgres.
func ofServer(s *pglocal.Server) address { return address{owner: s.URL(), serve: s.ServeURL()} }

// address is that of the database that the settings name, if they name one.
func (c Config) address() address {
	return address{owner: string(c.MigrateDatabaseURL), serve: string(c.DatabaseURL)}
}

// openDatabase is the database for a command that is soon over. A private one it
// shares with a serve or a demo that has it open, and it makes none.
func (p program) openDatabase(ctx context.Context) (at address, stop func(), err error) {
	if p.DatabaseURL != "" {
		return p.address(), func() {}, nil
	}
	at, stop, err = p.privateDatabase(ctx, pglocal.Open)
	if _, ok := errors.AsType[*pglocal.NoneError](err); ok {
		err = fmt.Errorf("%w DATA_DIR says where it is; countersign serve or migrate makes it", err)
	}
	return at, stop, err
}

// privateDatabase is the one below DATA_DIR, started or joined.
func (p program) privateDatabase(ctx context.Context, open func(context.Context, pglocal.Options) (*pglocal.Server, error)) (at address, stop func(), err error) {
	server, err := open(ctx, pglocal.Options{Dir: filepath.Join(p.DataDir, "postgres"), Log: p.log})
	if err != nil {
		return at, nil, err
	}
	return ofServer(server), func() {
		if err := server.Stop(); err != nil {
			p.log.Error("stop the database", "error", err)
		}
	}, nil
}

// boxes is how many boxes wait for approvals at most.
type boxes int

// asNeeded is as many as the day asks for.
const asNeeded boxes = -1

// UnmarshalText reads a setting: "auto", or how many.
func (b *boxes) UnmarshalText(text []byte) error {
	if string(text) == asNeeded.String() {
		*b = asNeeded
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n < 0 {
		return fmt.Errorf("%q is neither auto nor a number such as 4", text)
	}
	*b = boxes(n)
	return nil
}

// String is how a setting says it.
func (b boxes) String() string {
	if b == asNeeded {
		return "auto"
	}
	return strconv.Itoa(int(b))
}

// readyBoxes is how many boxes of E2B may wait for reviewers at once, in all workspaces together.
// 0 keeps none. A box here costs money by the second while it waits, unlike one of this machine (boxes in
// wire.go).
func readyBoxes(c Config) int {
	switch {
	case c.E2BAPIKey == "":
		return 0
	case c.WarmBoxes == asNeeded:
		return 5 // a quarter of what E2B's smallest plan lets run at once
	}
	return int(c.WarmBoxes)
}

// expected is how many runs may come to this replica soon: approvals that are open, shared among replicas.
func (r *replica) expected(ctx context.Context) (int, error) {
	d, err := r.db.Demand(ctx, sandboxName(r.service.Sandbox.Size().Kind, r.service.Sandbox.Template()))
	return d.Here(), err
}

// waitWords say how boxes wait for approvals, and what that takes.
func waitWords(w local.Warm) string {
	said := fmt.Sprintf("%d boxes wait, about %d MB of memory", w.Ready+w.Booting, w.MB())
	if w.Ready+w.Booting == 1 {
		said = fmt.Sprintf("1 box waits, about %d MB of memory", w.MB())
	}
	if w.Wanted > w.Room {
		said += fmt.Sprintf("; %d would be of use, and there is room for %d", w.Wanted, w.Room)
	}
	return said + fmt.Sprintf(". So far %d runs had one, %d waited for a boot, %d boxes waited for nothing", w.Claimed, w.Cold, w.GivenUp)
}

// watchWarm has Prometheus hear of it.
func (r *replica) watchWarm() {
	if r.warm == nil {
		return
	}
	r.telemetry.Gauge("warm_boxes", "Boxes that wait for approvals.", func() int { return r.warm.Warm().Ready })
	r.telemetry.Gauge("warm_boxes_megabytes", "About what they take of the machine's memory.", func() int { return r.warm.Warm().MB() })
	r.telemetry.Count("warm_boxes_claimed_total", "Runs for which a box was ready.", func() int { return r.warm.Warm().Claimed })
	r.telemetry.Count("warm_boxes_missed_total", "Runs that waited for a boot.", func() int { return r.warm.Warm().Cold })
	r.telemetry.Count("warm_boxes_given_up_total", "Boxes that waited for nothing.", func() int { return r.warm.Warm().GivenUp })
}

// digestOff is how a setting says that there is none: empty means the default.
const digestOff = "off"

// readDigest reads when administrators are told what was spent. A schedule counts
// from the calendar, so that every replica, whenever it started, knows the same
// moments.
// Five fields as cron has them, or a name such as @weekly.
func readDigest(schedule string) (cron.Schedule, error) {
	if schedule == digestOff {
		return nil, nil
	}
	parsed, err := cron.ParseStandard(schedule)
	if err != nil {
		return nil, err
	}
	if _, every := parsed.(cron.ConstantDelaySchedule); every {
		return nil, errors.New("@every has no fixed moments")
	}
	return parsed, nil
}

// due says when a digest was due last, on a calendar: nothing when there is none,
// or none was in a year.
// It is asked by every replica at each sweep, and the answer names the digest: so of all of them one is made,
// and one that was due while nothing ran is made later.
func due(schedule cron.Schedule, zone *time.Location) func(now time.Time) time.Time {
	if schedule == nil {
		return nil
	}
	const day = 24 * time.Hour
	return func(now time.Time) (last time.Time) {
		// Schedules only look forward, so it looks from further and further back.
		// A year and two days: a schedule may name 29 February no oftener than each fourth year, and then nothing is due.
		for _, back := range []time.Duration{time.Hour, day, 8 * day, 32 * day, 367 * day} {
			for at := schedule.Next(now.Add(-back).In(zone)); !at.IsZero() && !at.After(now); at = schedule.Next(at) {
				last = at
			}
			if !last.IsZero() {
				return last
			}
		}
		return last
	}
}

// needs tells whether a request still waits for just this box. A box of a request that is approved may
// have been made a moment ago, and its row does not name it yet. One that has outlived its run is ended here, as whoever
// ended the run would have done, and paid for.
// It is asked about each box of this installation at E2B. A wrong no kills a box that somebody waits for, a
// wrong yes costs some more seconds of one, so errors count as yes.
func (r *replica) needs(ctx context.Context, requestID, boxID string) (bool, error) {
	req, err := r.db.Request(ctx, requestID)
	if errors.Is(err, approval.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// The run is over and its box is not: whoever was to end it died in between. The step is repeated, and finds only that left.
	if req.State == approval.Done && req.Run.BoxID == boxID {
		if err := r.service.Do(ctx, steps.Wake{Step: approval.StepRun, RequestID: requestID}); !errors.Is(err, steps.ErrBusy) {
			return true, err
		}
		return true, nil
	}
	// One that was made while the reviewers read is kept for as long as its row says, and ended and paid for by the same step.
	if e := (approval.Early{Request: req}); req.State != approval.Approved && req.Run == nil && (req.Ready.Open() || e.Dropped()) && (req.Ready.Box == boxID || req.Ready.Box == "") {
		if e.Stands() {
			return true, nil
		}
		if err := r.service.Do(ctx, steps.Wake{Step: approval.StepReady, RequestID: requestID}); !errors.Is(err, steps.ErrBusy) {
			return true, err
		}
		return true, nil
	}
	// While it is approved any box may be the one that is just being made for it.
	return req.State == approval.Approved || req.State == approval.Running && req.Run.BoxID == boxID, nil
}
