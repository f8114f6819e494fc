// Countersign answers questions of data in Slack: a model writes the code, a
// person approves it, a sandbox runs it once.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"

	"countersign/approval/redact"
)

// usage lists the commands in the order in which somebody meets them, not by name.
const usage = `Countersign: ask your data in Slack; a person approves all of the code before it runs.

  countersign init             set everything up, step by step: the Slack app, a model, people, a budget (init -h: without a terminal)
  countersign serve            connect to Slack and work (settings: .env.example)
  countersign demo             play with a local Slack in the browser; no account needed
  countersign doctor           check everything that serve needs, and say what to do
  countersign migrate          bring the database up to date
  countersign decide ID        show what waits for a decision (approve|reject|changes --as USER --digest PREFIX --reason TEXT)
  countersign audit [ID]       check a request, or the workspaces' people, rules and budgets: the trail, its signatures, and the tables against it
  countersign new-key          put a new signing key in the place of the present one (--lost when that is gone)
  countersign backup -o FILE   write a copy of the database
  countersign restore FILE     put one into an empty database, and begin anew: what it has open ends, and nothing runs twice
  countersign restored         begin anew after a copy was put back with Postgres' own programs (--copy: also where no checkpoint shows it)
  countersign audit list       list requests by whom, where, when and in which words (--person NAME --channel NAME --from DATE --to DATE --words TEXT --json)
  countersign audit show ID    print a request for people: who, what code, which drafts were refused, who decided, what it cost (--zone ZONE --json)
  countersign pack -o FILE     write what somebody needs to check what happened, without us (--from DATE --to DATE --person USER --channel ID)
  countersign usage            print what was spent (--from DATE --to DATE or --month 2026-11; --format table|csv|json|html; --ledger: each charge)
  countersign reconcile        hold what providers say that was used against the ledger (--from DATE --to DATE; --provider NAME FILE for what you saved)
  countersign simulate         say what other rules and budgets would have changed (--rules FILE --last 30d --json); writes nothing
  countersign read FILE...     say how data files are read, in a box here (--json; --csv -o DIR writes each first table as CSV)
  countersign inspect PROGRAM.py [FILE...]
                               say what a reviewer's card would say of a program (--json); the files are its inputs
  countersign try PROGRAM.py [FILE...]
                               run a program in a box here, and print what the thread would show (--json; --anyway for a dangerous one)
  countersign version          print the version
`

// main ends with the context: a first signal lets what has begun end (serve hands its work over), a second one does not.
func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		// A second Ctrl-C ends the program at once.
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// exitError carries an exit code and prints nothing more: the command has said all by itself.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// run is the whole program, as tests call it. An interrupt is no failure; any other error is printed a line each, since
// settings report all their faults at once.
// Exit codes: 0 well or interrupted, 1 an error, and what a command has chosen itself (exitError): 2 for wrong
// flags.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	err := command(ctx, args, environ, stdout, stderr)
	var code exitError
	switch {
	case err == nil, errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	// An error may quote what stands in the database, or in a file: a terminal shows that, and obeys none of it.
	for _, line := range strings.Split(plainText(err.Error()), "\n") {
		fmt.Fprintln(stderr, "countersign: "+line)
	}
	return 1
}

// command finds the command and gives it its settings.
// read is apart from the others because it needs no settings: it has to work on a machine on which nothing is
// set up.
func command(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	name := "help"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	switch name {
	case "version":
		fmt.Fprintln(stdout, version())
		return nil
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return nil
	case "read": // needs no settings
		return read(ctx, args, environ, stdout, stderr)
	}
	commands := map[string]func(context.Context, program) error{
		"init": setUp, "serve": serve, "demo": demo, "doctor": doctor, "migrate": migrate, "audit": audit, "decide": decide,
		"usage": spending, "simulate": simulate, "reconcile": reconcile, "pack": makePack, "new-key": newKey,
		"backup": backup, "restore": restore, "restored": restored, "inspect": inspect, "try": try,
	}
	do, ok := commands[name]
	if !ok {
		fmt.Fprint(stderr, usage)
		return fmt.Errorf("there is no command %q", name)
	}
	// Whoever types a word after these means something by it, such as not to migrate yet.
	if len(args) > 0 && slices.Contains([]string{"serve", "doctor", "migrate"}, name) {
		return fmt.Errorf("%q is not understood: countersign %s takes nothing but its settings", args[0], name)
	}
	// Settings are read once, here. What is wrong with one stops every command, also one that does not
	// use it: a setting that is misspelt should not wait for the day on which it matters.
	settings := env.ToMap(environ)
	if name != "serve" && settings["LOG_LEVEL"] == "" {
		settings["LOG_LEVEL"] = "warn" // what the others print is for people to read
	}
	config, err := readConfig(settings)
	if err != nil {
		if name == "serve" || name == "doctor" {
			err = errors.Join(err, unsaid(config.needs(), err))
		}
		return err
	}
	// The log hides secrets of any form from its first line on; serve adds later what administrators want hidden (learn).
	hidden := &redact.Live{}
	log := slog.New(redact.Log(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: config.level}), hidden))
	return do(ctx, program{Config: config, environ: settings, args: args, out: stdout, log: log, hidden: hidden})
}

// program is what every command gets.
type program struct {
	Config
	environ  map[string]string // what Config was read from
	args     []string
	out      io.Writer
	log      *slog.Logger
	hidden   *redact.Live                             // what is in no log and in no trace; nil: what always is hidden
	progress func(what string)                        // says what a command is at, to whoever watches; nil: nobody does
	seat     func() (user, machine string, err error) // who sits here; nil: as the kernel says
	tries    *tries                                   // where is booked what this program tries of itself; nil: nowhere
	ends     time.Duration                            // how long work that was told to end may take over it; zero: as usual
	cold     bool                                     // the database's connections are opened when they are needed: for tests in which nobody's wait is measured
}

// says tells whoever watches what a command is at.
func (p program) says(what string) {
	if p.progress != nil {
		p.progress(what)
	}
}

// version is what the build says about itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "countersign (unknown build)"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return "countersign " + v + " " + info.GoVersion
}
