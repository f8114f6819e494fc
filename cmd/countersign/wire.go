package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign/approval"
	desk "countersign/approval/answers"
	"countersign/approval/auditing"
	"countersign/approval/books"
	"countersign/approval/early"
	"countersign/approval/epoch"
	"countersign/approval/glass"
	hands "countersign/approval/handover"
	"countersign/approval/keeping"
	"countersign/approval/steps"
	"countersign/bot"
	"countersign/budget"
	"countersign/internal/accounts"
	"countersign/internal/pglocal"
	"countersign/internal/telemetry"
	"countersign/sandbox/e2b"
	"countersign/sandbox/local"
	"countersign/storage"
	"countersign/storage/pulse"
	"countersign/storage/queue"
)

// replica is one process of Countersign with everything in its place.
type replica struct {
	program
	db        *storage.DB
	keeper    keeper
	service   *steps.Steps
	books     *books.Books
	glass     *glass.Keeper
	clerk     *accounts.Clerk
	watched   atomic.Int64 // when somebody last looked at what a day costs, in seconds
	bot       *bot.Bot
	telemetry *telemetry.Telemetry
	libraries func() []string             // what the boxes have; nil where there are none
	strays    func(context.Context) error // kills boxes that no row knows; nil where there can be none
	early     steps.Early                 // keeps boxes ready while reviewers read; nil where they cost nothing by themselves
	warm      *local.Sandbox              // in which boxes wait for approvals; nil where none do
	prove     func(context.Context) error // opens the sandbox when it has proven itself; nil where it need not
	closers   []func() error              // in the order of their making
}

// wire puts a replica together: database, model, sandbox, Slack, and the service
// between them. What it cannot get is an error that says what to do; only the
// sandbox may be missing, and then nothing is asked or run.
//
// The order is that of what needs what. The signing key comes before the database is opened, since
// opening announces it; the checkpoints are compared before anything works on the database, since a
// copy that was put back must not run again what has run since. The bot is made before the service,
// which calls it, and is served the service last; nothing comes in before run.
func (p program) wire(ctx context.Context, writer steps.Writer) (_ *replica, err error) {
	r := &replica{program: p}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	p.says("starts the database")
	at, err := r.database(ctx)
	if err != nil {
		return nil, err
	}
	p.says("brings the database up to date")
	if err := at.migrate(ctx); err != nil {
		return nil, err
	}
	signed, err := p.signed()
	if err != nil {
		return nil, err
	}
	if !p.cold {
		signed.Statements = strings.TrimRight(p.DataDir, "/") + ".statements" // beside the signing key
	}
	if r.db, err = storage.Open(ctx, at.serve, signed); err != nil {
		return nil, err
	}
	r.closers = append(r.closers, func() error { r.db.Close(); return nil })
	if r.keeper, err = newKeeper(r.db, signed, p.CheckpointFile); err != nil {
		return nil, err
	}
	if r.keeper.courier.Places, err = placesOf(ctx, p, r.db); err != nil {
		return nil, err
	}
	if err := r.keeper.current(ctx); err != nil && !errors.Is(err, errNotOurs) { // that is nothing to stop for: no checkpoint is signed, which administrators hear
		return nil, err
	}
	// Before the sandbox and Slack, which it wraps. Without Langfuse's keys it measures all the same, and sends nothing.
	r.telemetry, err = telemetry.New(ctx, telemetry.Options{Host: p.LangfuseHost, PublicKey: p.LangfusePublicKey,
		SecretKey: string(p.LangfuseSecretKey), Version: version(), Prices: p.prices, Hidden: p.hidden,
		Sample: p.LangfuseSample, Content: telemetry.Content(p.LangfuseContent), MetricsURL: p.OTLPMetricsURL})
	if err != nil {
		return nil, err
	}
	r.closers = append(r.closers, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return r.telemetry.Shutdown(ctx)
	})
	p.says("lays the sandbox out")
	box := r.sandbox()
	r.bot = bot.New(bot.Options{BotToken: string(p.SlackBotToken), AppToken: string(p.SlackAppToken), APIURL: p.SlackAPIURL, Patience: p.SlackPatience,
		Policy: p.policy, Log: p.log, Observe: r.telemetry.Envelope, Known: r.keeper.known.hears, Language: p.CodeLanguage, Await: r.db.Await})
	// Asked when a draft is traced: the service that knows the prices of its settings is made below.
	worst := func(model string, at time.Time) (budget.USD, error) { return r.service.DraftCost(model, at) }
	r.service = steps.New(steps.Ports{Store: r.db, Writer: r.telemetry.Writer(writer, worst), Sandbox: r.telemetry.Sandbox(box), Slack: r.bot, Receipts: storage.ReceiptsOf(r.db), Pins: steps.PinPorts{Store: storage.PinsOf(r.db), Slack: r.bot}, Habits: storage.HabitsOf(r.db), Log: p.log},
		steps.Settings{Prices: p.prices, Policy: p.policy(), Location: p.location, Due: due(p.digest, p.location), ReceiptsDue: due(p.receipts, p.location), Libraries: r.libraries, Early: r.early,
			Elsewhere: func(ctx context.Context, sandbox, template string) (bool, error) {
				return r.db.Offered(ctx, sandboxName(sandbox, template))
			}, Unseen: pulse.Silence})
	r.watchWarm()
	r.books = booksOf(p, r.db, r.service.People)
	r.glass = glass.New(r.db, storage.Panes{DB: r.db}, r.service.People, r.bot, p.policy())
	r.telemetry.Watch(r.books.Paces)
	r.clerk = clerkOf(p, r.db)
	// One type for all of the bot's ports, since the steps are one type: each handler still sees the few methods that it calls.
	s := r.telemetry.Service(r.service)
	r.bot.SetServices(bot.Services{Questions: s, Threads: s, Decisions: s, Revisions: s, Budgets: s, Ledgers: s, Funding: s, Authority: s, Notes: s, Keys: s, Homes: s, Answers: s, Pins: s, Habits: r.service, Shelf: r.service,
		Trail:    trail{r.service, storage.Copies{DB: r.db}},
		Glass:    r.glass,
		Keeping:  keeps{r.service, keeping.New(storage.KeepingOf(r.db), r.service.People)},
		Desk:     desk.New(r.db, r.service.People, r.bot, r.service.Keeper),
		Hands:    hands.New(r.db, storage.HandOvers{DB: r.db}, r.bot, r.service.Keeper, r.service.People),
		Uploads:  storage.Uploads{DB: r.db},
		Strays:   storage.Strays{DB: r.db},
		Chats:    storage.Chats{DB: r.db},
		Arrivals: r.service,
		Accounts: r.books,
		Auditor:  auditing.New(storage.Log(r.db), r.service.People, r.db),
		Epochs:   epoch.New(r.db, r.service.People),
	})
	return r, nil
}

// storage is how the database is used: every command weighs budgets alike.
func (p program) storage() storage.Options {
	return storage.Options{Location: p.location, Quorum: p.Quorum, MaxOpen: p.MaxOpen, MaxReady: readyBoxes(p.Config), Role: p.policy().Role, Log: p.log}
}

// handover is how long a serve waits for the database of another process that ends.
const handover = 15 * time.Second

// database is the address of the one that the settings name, or of a private one
// that lives as long as this process.
func (r *replica) database(ctx context.Context) (address, error) {
	if r.DatabaseURL != "" {
		return r.address(), nil
	}
	// A command may have it that is soon over, or a serve that is being replaced.
	server, err := pglocal.Start(ctx, pglocal.Options{Dir: filepath.Join(r.DataDir, "postgres"), Log: r.log, Wait: handover})
	if err != nil {
		return address{}, err
	}
	r.closers = append(r.closers, server.Stop)
	return ofServer(server), nil
}

// sandbox is where approved code will run: E2B when there is a key for it, else
// gVisor on this machine. It never steps down: what was chosen works, or nothing
// runs, and the reason is for people to read. gVisor proves itself while the replica
// runs already: what is asked meanwhile waits.
// Whatever is nil on the replica afterwards (strays, early, warm, prove) is what this kind of sandbox does not
// have.
func (r *replica) sandbox() steps.Sandbox {
	if r.E2BAPIKey != "" {
		cloud, err := r.e2b()
		if err != nil {
			return steps.NoSandbox{Why: forPeople(err)}
		}
		r.strays = func(ctx context.Context) error { return cloud.Strays(ctx, r.needs, storage.Boxes{DB: r.db}.Listed) }
		r.libraries, r.early = cloud.Libraries, early.New(r.db, cloud, r.prices, r.policy(), r.log)
		return cloud
	}
	options := r.boxes()
	// Nothing is taken in before the self-test, and the replica need not wait for it to answer Slack.
	options.Unproven = true
	here, err := r.local(options)
	if err != nil {
		r.log.Error("no sandbox", "error", err)
		return steps.NoSandbox{Why: forPeople(err)}
	}
	r.closers = append(r.closers, here.Close)
	r.libraries, r.warm = here.Libraries, here
	r.prove = func(ctx context.Context) error {
		booked, err := r.booking(ctx, r.db, false)
		if err != nil {
			r.log.Warn("what the sandbox's self-test costs is not booked", "error", err)
		}
		return here.Prove(ctx, func(ctx context.Context, test func(context.Context) (time.Duration, error)) error {
			return booked.try(ctx, "the sandbox's self-test", here, test)
		})
	}
	return here
}

// forPeople is why there is no sandbox, in the words of the sandbox where it has any.
func forPeople(err error) string {
	if box, ok := errors.AsType[*steps.BoxError](err); ok && box.Words != "" {
		return box.Words
	}
	return err.Error()
}

// e2b is the cloud as the settings name it. The installation's name is in each box's metadata, so that two installations
// with one key do not kill each other's boxes; the token is hashed, as others with the key may read it.
func (p program) e2b() (*e2b.Client, error) {
	return e2b.New(e2b.Options{APIKey: string(p.E2BAPIKey), Domain: p.E2BDomain, APIURL: p.E2BAPIURL, SandboxURL: p.E2BBoxURL, Template: p.E2BTemplate,
		Installation: approval.Short(approval.Hash([]byte(p.SlackBotToken))), Version: version(), Log: p.log})
}

// boxes are the options of gVisor here.
func (p program) boxes() local.Options {
	o := local.Options{Runsc: p.Runsc, Memory: p.RunMemoryMB, MaxWarm: int(p.WarmBoxes), Log: p.log}
	switch p.WarmBoxes {
	case asNeeded:
		o.MaxWarm = 0 // no bound of its own
	case 0:
		o.MaxWarm = -1 // none
	}
	return o
}

// local lays out gVisor here. It has not proven yet that it keeps code in.
func (p program) local(o local.Options) (*local.Sandbox, error) {
	if _, err := os.Stat(p.Runsc); p.Runsc != "" && err != nil {
		return nil, &steps.BoxError{Err: err, Words: "COUNTERSIGN_RUNSC names a program that is not there: leave it empty and run `make libexec/runsc`, or name another runsc."}
	}
	return local.New(o)
}

// run works until the context ends: the sockets, the jobs, the health page. One that fails ends the
// others. The sandbox's test does not: what is asked waits, and people read why.
// All of its goroutines end with ctx; the group returns the first error, and close is called after it by serve
// or demo.
func (r *replica) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return r.bot.Run(ctx) })
	group.Go(func() error {
		// A run's step has the code's own limit, and two minutes for the box, its files and its result.
		longest := time.Duration(r.RunSeconds)*time.Second + 2*time.Minute
		files := time.Duration(r.policy().MaxInputBytes/slowestLine) * time.Second
		return r.db.Work(ctx, r.telemetry.Step(telemetry.InStore(r.db), r.careful(r.service.Do)), r.sweep, queue.WorkOptions{RunTimeout: longest, FileTimeout: files, Ends: r.ends, Log: r.keeper.tick, Forget: r.forget, Pack: r.sendPack,
			Offers: sandboxName(r.service.Sandbox.Size().Kind, r.service.Sandbox.Template())})
	})
	group.Go(func() error { return r.health(ctx) })
	group.Go(func() error { return r.learn(ctx) })
	if !r.cold {
		group.Go(func() error { r.db.KeepWarm(ctx); return nil })
	}
	if r.warm != nil {
		group.Go(func() error { local.Follow(ctx, r.warm, r.expected); return nil })
	}
	if r.prove != nil {
		group.Go(func() error {
			if err := r.prove(ctx); err != nil && ctx.Err() == nil {
				r.log.Error("nothing can be asked: the sandbox does not hold", "error", err) // people hear it as well
			}
			return nil
		})
	}
	return group.Wait()
}

// learn has logs and traces know what administrators have added to what is hidden, a minute later at most. A
// database that is away changes nothing.
func (r *replica) learn(ctx context.Context) error {
	for r.hidden != nil && ctx.Err() == nil {
		if rules, err := storage.Log(r.db).Hides(ctx); err == nil {
			r.hidden.Learn(rules)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
		}
	}
	return nil
}

// sandboxName is how replicas name their sandboxes to one another.
func sandboxName(sandbox, template string) string { return sandbox + " " + template }

// careful keeps a fault of ours in one request from taking others along, and
// says where it is. The job comes again.
func (r *replica) careful(do func(context.Context, steps.Wake) error) func(context.Context, steps.Wake) error {
	return func(ctx context.Context, wake steps.Wake) (err error) {
		defer func() {
			if fault := recover(); fault != nil {
				r.log.Error("a step panicked", "step", wake.Step, "request", wake.RequestID, "fault", fault, "stack", string(debug.Stack()))
				err = fmt.Errorf("%s of %s panicked: %v", wake.Step, wake.RequestID, fault)
			}
		}()
		return do(ctx, wake)
	}
}

// sweep does what is due by the clock. Every replica does all of it: whatever may happen only once says so itself.
func (r *replica) sweep(ctx context.Context) error {
	err := r.service.Sweep(ctx)
	// Once a minute is enough for what a day costs, and adds up less than every sweep would.
	if last, now := r.watched.Load(), time.Now().Unix(); now-last >= 60 && r.watched.CompareAndSwap(last, now) {
		err = errors.Join(err, r.books.Alarm(ctx))
	}
	if r.strays != nil { // a cloud that does not answer may not use up the time of what comes after it
		look, cancel := context.WithTimeout(ctx, 20*time.Second)
		err = errors.Join(err, r.strays(look))
		cancel()
	}
	// The providers come last: one that is slow to answer keeps nothing else waiting.
	return errors.Join(err, r.glass.Remind(ctx), r.keeper.late(ctx), r.bot.Sweep(ctx), r.clerk.Daily(ctx, time.Now()))
}

// forget forgets what is kept no longer.
func (r *replica) forget(ctx context.Context) error {
	n, err := storage.KeepingOf(r.db).ForgetDue(ctx)
	if n > 0 {
		r.log.Info("forgot what is kept no longer", "values", n)
	}
	return err
}

// health serves what an operator looks at. It is no reason to stop: a taken port
// is said, and the bot goes on.
// Checks that only have a Word (clock, warm) never make the page say that the replica is not ready.
func (r *replica) health(ctx context.Context) error {
	ready := []telemetry.Check{
		{Name: "database", Try: r.db.Ping},
		{Name: "clock", Try: func(context.Context) error { return nil }, Word: func() string {
			return "apart from the database's by " + r.db.Clock().Abs().Round(time.Millisecond).String()
		}},
		{Name: "slack", Try: func(context.Context) error {
			if r.bot.Sockets() == 0 {
				return errors.New("no socket is connected")
			}
			if code := r.bot.Dead(); code != "" {
				return errors.New("the bot's token is not accepted: " + code)
			}
			return nil
		}, Word: func() string { return fmt.Sprintf("%d sockets", r.bot.Sockets()) }},
		{Name: "sandbox", Try: func(context.Context) error {
			err := r.service.Sandbox.Ready()
			if box, ok := errors.AsType[*steps.BoxError](err); ok && box.Retry {
				return telemetry.ErrStarting
			}
			return err
		}},
	}
	if r.warm != nil {
		ready = append(ready, telemetry.Check{Name: "warm", Try: func(context.Context) error { return nil }, Word: func() string { return waitWords(r.warm.Warm()) }})
	}
	listener, err := net.Listen("tcp", r.HTTPAddr)
	if err != nil {
		r.log.Warn("no health page: HTTP_ADDR cannot be used", "address", r.HTTPAddr, "error", err)
		return nil
	}
	server := &http.Server{Handler: r.telemetry.Handler(ready...), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close() // what is being answered is a health page
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// close ends what wire began, the latest first: the database goes after what still writes into it.
func (r *replica) close() error {
	var faults []error
	for _, end := range slices.Backward(r.closers) {
		faults = append(faults, end())
	}
	return errors.Join(faults...)
}
