package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"countersign"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen"
	"countersign/codegen/samples"
	"countersign/codegen/standin"
	"countersign/internal/pglocal"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/page"
	"countersign/storage/schema"
)

// demo runs the real bot, the real Postgres and the real sandbox against a local
// Slack in the browser. Two things stand in: slacksim for Slack, and, without a
// key for a model, a small writer that knows the sample questions.
// It exits with 2 where the flags are wrong, and with -once only with 0 if each step of the round was seen to
// happen.
func demo(ctx context.Context, p program) (err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(p.out)
	once := flags.Bool("once", false, "exit after the round that the demo plays by itself; 0 only if every step happened")
	reset := flags.Bool("reset", false, "delete what earlier demos left")
	addr := flags.String("addr", "127.0.0.1:8065", "where the page is; when the port is taken, another one is used")
	switch err := flags.Parse(p.args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return exitError(2)
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not understood: countersign demo -h lists the flags", flags.Arg(0))
	}
	// The demo has data and a key of its own, below the folder of a serve on this machine: neither
	// touches the other's, and forgetting the demo forgets nothing else.
	if beside := p.DataDir + ".key"; p.SigningKeyFile == beside {
		p.SigningKeyFile = filepath.Join(p.DataDir, "demo.key")
	}
	p.DataDir = filepath.Join(p.DataDir, "demo")
	p.CheckpointFile = filepath.Join(p.DataDir, "checkpoints") // a demo that begins anew has none
	// Whatever the settings say, a demo writes into no database of anybody's, and two demos want two health pages.
	p.DatabaseURL, p.HTTPAddr = "", "127.0.0.1:0"
	p.SlackPatience = demoPatience
	p.progress = func(what string) { transcript(p.out, "", "%s", what) }
	fmt.Fprint(p.out, "\nCountersign, the demo. Everything happens on this machine.\n\n")
	p.progress("starts the local Slack and its browser page")
	if *reset {
		if err := forget(p.DataDir); err != nil {
			return err
		}
	}
	// Others may pass, but not look around: Postgres runs as another user when this one is root.
	if err := os.MkdirAll(p.DataDir, 0o711); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	sim, err := slacksim.New(slacksim.Options{Manifest: countersign.Manifest, Folder: filepath.Join(p.DataDir, "slack"), Page: page.Handler(), Logger: p.log,
		Timing: slacksim.Timing{Ack: demoPatience, Trigger: demoPatience}})
	if err != nil {
		return fmt.Errorf("set the local Slack up: %w", err)
	}
	listener, err := listen(sim, *addr)
	if err != nil {
		return err
	}
	p.SlackAPIURL, p.SlackBotToken, p.SlackAppToken = sim.APIURL(), Secret(sim.BotToken()), Secret(sim.AppToken())
	p.CodeLanguage = true // this Slack keeps it
	p.ReviewChannel, p.Reviewers, p.Admins = slacksim.CodeReview, []string{slacksim.Reviewer, slacksim.SecondReviewer}, []string{slacksim.Admin}
	writer, says, err := p.demoWriter()
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	r, err := p.wire(ctx, writer)
	if err != nil {
		return errors.Join(outdated(inUse(err)), listener.Close())
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.teamBudget(ctx); err != nil {
		return errors.Join(err, listener.Close())
	}

	interrupted, played := ctx, false
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	// Slack outlives the bot, which finishes what it has begun when everything stops.
	slackCtx, closeSlack := context.WithCancel(context.WithoutCancel(ctx))
	defer closeSlack()
	// Three goroutines: the local Slack; the bot, whose end closes that Slack; and the round that is played.
	// The first error ends the others.
	group.Go(func() error { return sim.Serve(slackCtx, listener) })
	group.Go(func() error {
		defer closeSlack()
		return r.run(ctx)
	})
	group.Go(func() error {
		fmt.Fprintf(p.out, "\n  Slack     a stand-in: %s\n  model     %s\n  sandbox   %s\n\n", sim.URL(), says, r.sandboxSays())
		if err := r.play(ctx, sim, *once); err != nil {
			err = fmt.Errorf("the round did not get to its end: %w", named(err))
			if *once || ctx.Err() != nil {
				return err
			}
			// A real model may answer without a chart; a person can go on all the same.
			fmt.Fprintf(p.out, "\n%v\n", err)
		}
		played = true
		if *once {
			stop()
			return nil
		}
		fmt.Fprintf(p.out, "\nNow it is yours: %s\nAsk as Maya, review as Ben or Priya, set budgets as Carla. Ctrl-C ends it; what you did is kept.\n", sim.URL())
		return nil
	})
	err = group.Wait()
	switch {
	// Ctrl-C is how a demo normally ends, so it is no error, but for -once, which promises a verdict.
	case *once && !played && interrupted.Err() != nil:
		return errors.New("stopped before the round got to its end")
	case interrupted.Err() != nil, played && errors.Is(err, context.Canceled):
		return nil // what fails while everything stops is no news
	}
	return err
}

// demoPatience is how long the local Slack waits for an answer: on a machine that has
// much else to do, Slack's three seconds are few.
const demoPatience = 30 * time.Second

// named is an error whose people and channels are called by their names: who watches a demo knows no ids.
func named(err error) error {
	if err == nil {
		return nil
	}
	var names []string
	for _, u := range slacksim.DefaultUsers() {
		names = append(names, u.ID, u.RealName)
	}
	for _, c := range slacksim.DefaultChannels() {
		names = append(names, c.ID, "#"+c.Name)
	}
	names = append(names, slacksim.BotUser, "Countersign", slacksim.BotID, "Countersign")
	return &namedError{words: strings.NewReplacer(names...).Replace(err.Error()), err: err}
}

// namedError keeps the error itself, so that callers still tell its kind.
type namedError struct {
	words string
	err   error
}

func (e *namedError) Error() string { return e.words }
func (e *namedError) Unwrap() error { return e.err }

// listen takes the port, or any other when it is taken. The line that follows
// says which. What is wrong with the first one is the error: that one was asked for.
func listen(sim *slacksim.Sim, addr string) (net.Listener, error) {
	listener, err := sim.Listen(addr)
	if err == nil {
		return listener, nil
	}
	host, _, split := net.SplitHostPort(addr)
	if split != nil {
		return nil, err
	}
	other, second := sim.Listen(net.JoinHostPort(host, "0"))
	if second != nil {
		return nil, err
	}
	return other, nil
}

// forget removes what earlier demos left, unless one of them still runs. Starting their Postgres is
// how that is found out: a data folder that is removed under a running server takes its data along.
// Whatever Start fails with otherwise, such as a broken data folder, is no reason to keep that folder.
func forget(dir string) error {
	server, err := pglocal.Start(context.Background(), pglocal.Options{Dir: filepath.Join(dir, "postgres")})
	if _, ok := errors.AsType[*pglocal.InUseError](err); ok {
		return inUse(err)
	}
	if err == nil {
		if err := server.Stop(); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("forget earlier demos: %w", err)
	}
	return nil
}

// inUse says what a second demo on the same machine needs to know.
func inUse(err error) error {
	if _, ok := errors.AsType[*pglocal.InUseError](err); ok {
		return errors.New("another demo is running and uses the same data: go on there, end it first, or give this one its own with DATA_DIR=/some/folder")
	}
	return err
}

// outdated says what somebody does whose last demo was that of another version.
func outdated(err error) error {
	if _, ok := errors.AsType[*schema.OtherSchemaError](err); ok {
		return errors.New("the data of an earlier demo was written by another version of Countersign: make demo RESET=1 (countersign demo -reset) starts over")
	}
	return err
}

// demoWriter is the model that the settings name, or the stand-in.
func (p program) demoWriter() (w steps.Writer, says string, err error) {
	if !p.hasModel() {
		w, err = codegen.New(codegen.Options{}, standin.Provider{})
		return w, "a stand-in that knows the sample questions and can summarise any table (MISTRAL_API_KEY, ANTHROPIC_API_KEY or OPENAI_API_KEY brings a real one)", err
	}
	asks, err := p.writer()
	if err != nil {
		return nil, "", err
	}
	first := asks.Offers()[0]
	return asks, fmt.Sprintf("%s by %s, at %s", first.Model, first.Provider, first.Host), nil
}

// sandboxSays names the sandbox in the demo's opening lines, or why there is none.
func (r *replica) sandboxSays() string {
	none, is := r.service.NoSandbox()
	switch {
	case is:
		return "none: " + none
	case r.E2BAPIKey != "":
		return "E2B, in its cloud"
	}
	return "gVisor on this machine: " + r.service.Sandbox.Template()
}

// teamBudget gives the demo's company a budget, unless somebody has set one: a card without a budget would show the least.
func (r *replica) teamBudget(ctx context.Context) error {
	team := slacksim.DefaultTeam.ID
	scope := budget.Scope{Team: team, Kind: budget.Team, ID: team}
	set, err := r.db.Standings(ctx, []budget.Scope{scope})
	if err != nil || len(set) > 0 {
		return err
	}
	return r.db.SetLimit(ctx, slacksim.Admin, budget.Limit{Scope: scope, Amount: 50 * budget.Dollar, Window: budget.Month})
}

// play is the round that the demo plays by itself, as three people would: every
// step waits for what a person would see, as long as the machine needs, and fails
// when it is clear that it does not come.
// Scenes run in this order and share what they have found through stage: the thread that ask finds is the one
// that answer looks into.
func (r *replica) play(ctx context.Context, sim *slacksim.Sim, hurry bool) error {
	stage := &stage{replica: r, sim: sim, maya: sim.As(slacksim.Analyst), ben: sim.As(slacksim.Reviewer), hurry: hurry, every: sayEvery}
	for _, scene := range []func(context.Context) error{stage.sandbox, stage.share, stage.ask, stage.review, stage.answer, stage.proof} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	return nil
}

// question is the one that the demo asks. Its numbers are known, so the round can check the answer.
var question = samples.Questions[0]
