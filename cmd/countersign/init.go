package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
	"gopkg.in/yaml.v3"

	"countersign"
	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/guide"
	"countersign/internal/pglocal"
	"countersign/storage"
)

// setUp leads somebody from nothing to settings that work. Without a terminal it takes
// flags, and what they do not say it names.
// Only a terminal on both ends tells a person from a script: with one of them redirected the guide could ask,
// and nobody would see it or be able to answer.
func setUp(ctx context.Context, p program) error {
	var form guide.Form
	if in := int(os.Stdin.Fd()); term.IsTerminal(in) && term.IsTerminal(int(os.Stdout.Fd())) {
		at := &guide.Terminal{In: os.Stdin, Out: os.Stdout, Plain: os.Getenv("ACCESSIBLE") != ""}
		defer at.Quiet()()
		form = at
	}
	return guided(ctx, p, form)
}

// answers are the flags that stand for a setting each, and those whose value is secret:
// @FILE has it read from a file, because whoever may list processes sees what is typed.
var answers = []struct{ flag, setting string }{
	{"bot-token", "SLACK_BOT_TOKEN"}, {"app-token", "SLACK_APP_TOKEN"}, {"mistral-key", "MISTRAL_API_KEY"}, {"claude-key", "ANTHROPIC_API_KEY"},
	{"gpt-key", "OPENAI_API_KEY"}, {"e2b-key", "E2B_API_KEY"}, {"channel", "REVIEW_CHANNEL"}, {"reviewers", "REVIEWERS"}, {"admins", "ADMINS"},
}

// initUsage is the help of init: it has more flags than a line of the program's own help holds.
const initUsage = `countersign init asks for what serve needs, tries each answer, and writes .env. It can be stopped at any time: the same command goes on from there.
Without a terminal it takes everything from these flags, from the environment and from the file:

  --bot-token, --app-token, --mistral-key, --claude-key, --gpt-key, --e2b-key
                     @FILE reads it from a file; better not the secret itself, which others may see while the command runs
  --channel NAME     where code is reviewed; waits until the bot has been invited there (--wait 10m)
  --reviewers NAMES  who may approve, by name, handle or id, with commas
  --admins NAMES     who sets budgets and rules
  --budget AMOUNT    dollars that the team may spend a month; none: no limit for the team
  --env-file FILE    what is written (.env)
  --manifest         prints the Slack app's manifest, and nothing else
`

// guided reads the flags and runs the guide.
// form is nil where nobody can be asked; then what is missing is named, and the command fails.
func guided(ctx context.Context, p program, form guide.Form) error {
	given := guide.Settings{}
	flags := flag.NewFlagSet("init", flag.ContinueOnError)
	flags.SetOutput(p.out)
	flags.Usage = func() { fmt.Fprint(p.out, initUsage) }
	for _, a := range answers {
		flags.Func(a.flag, "", func(value string) error {
			if name, file := strings.CutPrefix(value, "@"); file && a.setting != "REVIEWERS" && a.setting != "ADMINS" {
				text, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				value = string(text)
			}
			// A file of one line ends with a line end, which is no part of a token.
			given[a.setting] = strings.TrimSpace(value)
			return nil
		})
	}
	file := flags.String("env-file", ".env", "")
	amount := flags.String("budget", "", "")
	wait := flags.Duration("wait", 0, "")
	manifest := flags.Bool("manifest", false, "")
	switch err := flags.Parse(p.args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return exitError(2)
	case flags.NArg() > 0:
		return fmt.Errorf("%q is not understood: countersign init -h lists the flags", flags.Arg(0))
	}
	// Before anything is read or asked, so that its output can be piped.
	if *manifest {
		_, err := p.out.Write(countersign.Manifest)
		return err
	}
	link, err := appLink(countersign.Manifest)
	if err != nil {
		return err
	}
	// Without anybody to press Enter, the invitation of the bot is waited for.
	if form == nil && *wait == 0 {
		*wait = 10 * time.Minute
	}
	kept := guide.EnvFile{Path: *file, Template: countersign.Example}
	had, err := kept.Read()
	if err != nil {
		return err
	}
	g := guide.Guide{World: trial{p}, Form: form, File: kept, Out: p.out,
		Link: link, Paste: "what `countersign init --manifest` prints", Budget: *amount, Wait: *wait}
	for name, value := range p.environ {
		// A shell may have read the file before somebody wrote in it: the file is newer.
		if _, setting := settings()[name]; setting && given[name] == "" && had[name] == "" {
			given[name] = value
		}
	}
	delete(given, "LOG_LEVEL") // this command's own
	switch err := g.Run(ctx, given); {
	// It fails: a script must not take a set-up that was broken off for one that is done.
	case errors.Is(err, guide.ErrStopped):
		fmt.Fprintf(p.out, "\nStopped. What works so far stands in %s; `countersign init` goes on from there.\n", *file)
		return exitError(1)
	case err != nil:
		return err
	}
	fmt.Fprintf(p.out, "\nStart it, then ask in any channel that the bot is in:\n\n  set -a; . %s; set +a\n  countersign serve\n\n  /analyze What were sales per month in sales.csv?\n", shellPath(*file))
	return nil
}

// shellPath is a file as a shell's dot finds it: without a slash it would look in PATH.
func shellPath(file string) string {
	if strings.Contains(file, "/") {
		return file
	}
	return "./" + file
}

// appLink opens Slack's form for a new app, with the manifest in it as JSON, which is
// shorter than YAML (docs.slack.dev/app-manifests: new_app and manifest_json).
func appLink(manifest []byte) (string, error) {
	var app map[string]any
	if err := yaml.Unmarshal(manifest, &app); err != nil {
		return "", fmt.Errorf("read the manifest: %w", err)
	}
	text, err := json.Marshal(app)
	if err != nil {
		return "", fmt.Errorf("write the manifest: %w", err)
	}
	return "https://api.slack.com/apps?new_app=1&manifest_json=" + strings.ReplaceAll(url.QueryEscape(string(text)), "+", "%20"), nil
}

// trial is what the guide's answers are tried on: what doctor tries, with other settings. The guide itself knows neither
// Slack nor models (internal/guide), and gets this as its World.
type trial struct{ program }

var _ guide.World = trial{}

// with is the trial as these settings would make it.
func (w trial) with(set guide.Settings) (p trial, err error) {
	p = w
	settings := maps.Clone(map[string]string(set))
	settings["LOG_LEVEL"] = "warn"
	// What is printed belongs to the guide: no log between its lines.
	p.Config, err = readConfig(settings)
	return p, err
}

// Try tries one thing as doctor does. The settings are read anew each time, as serve would read them,
// so that an answer which works here and is refused at the start cannot be.
// One minute for each: somebody waits at the prompt, and what takes longer is tried again with Enter.
func (w trial) Try(ctx context.Context, what guide.What, set guide.Settings) (string, error) {
	p, err := w.with(set)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var f finding
	switch what {
	case guide.TheBot:
		f = p.checkBot(ctx)
	case guide.TheApp:
		f = p.checkApp(ctx)
	case guide.TheModel:
		return p.tryModel(ctx)
	case guide.TheSandbox:
		f = p.layOut(ctx)
	case guide.TheChannel:
		f = p.checkChannel(ctx)
	case guide.TheReviewers:
		f = p.checkReviewers(ctx)
	}
	if f.err != nil {
		return "", verdict(f.err, reason(f.err))
	}
	return f.say, nil
}

// verdict is a failed try in words. Where the network failed, or the other side says that it may work later, it is none: of the answer
// nobody knows anything.
// The guide keeps an answer whose try was Unreached and offers to try again, while a refusal makes it ask for
// another one.
func verdict(err error, words string) error {
	said := errors.New(words)
	_, onTheWay := errors.AsType[net.Error](err)
	later, known := errors.AsType[interface { // slack-go's, of a rate limit and of a server that fails
		error
		Retryable() bool
	}](err)
	box, cloud := errors.AsType[*steps.BoxError](err)
	if onTheWay || known && later.Retryable() || cloud && box.Retry {
		return &guide.Unreached{Err: said}
	}
	return said
}

// tryModel asks each provider for its models, which costs nothing, and says what the
// first of them costs.
func (w trial) tryModel(ctx context.Context) (string, error) {
	var said []string
	for _, c := range w.checkModels() {
		f := c.try(ctx)
		if f.err != nil {
			return "", verdict(f.err, c.what+" "+reason(f.err))
		}
		said = append(said, c.what+" "+f.say)
	}
	model := w.models()[0]
	row, err := w.prices.Model(model, time.Now(), 0)
	if err != nil {
		return "", fmt.Errorf("%w: choose another model, or add a row to PRICES_FILE (budget/prices.csv shows the form)", err)
	}
	return strings.Join(append(said, fmt.Sprintf("%s costs %s in and %s out a million tokens (as of %s)", model, row.Input, row.Output, row.Checked.Format("2 January 2006"))), "\n"), nil
}

// layOut looks at the sandbox without starting a box, which doctor does at the end: an answer is tried
// at once, and a box at E2B costs money each time.
func (w trial) layOut(ctx context.Context) finding {
	if w.E2BAPIKey != "" {
		cloud, err := w.e2b()
		if err == nil {
			err = cloud.Check(ctx)
		}
		return finding{say: "E2B takes the key", err: err}
	}
	box, err := w.local(w.boxes())
	if err != nil {
		return finding{err: err}
	}
	return finding{say: "gVisor on this machine: " + box.Template(), err: box.Close()}
}

// Channels are those that the bot is in.
func (w trial) Channels(ctx context.Context, set guide.Settings) (all []guide.Channel, err error) {
	p, err := w.with(set)
	if err != nil {
		return nil, err
	}
	channels, err := p.slack().Channels(ctx)
	for _, c := range channels {
		all = append(all, guide.Channel{ID: c.ID, Name: c.Name, Private: c.Private})
	}
	return all, err
}

// Members are the ids of everybody in a channel.
func (w trial) Members(ctx context.Context, set guide.Settings, channel string) ([]string, error) {
	p, err := w.with(set)
	if err != nil {
		return nil, err
	}
	return p.slack().Members(ctx, channel)
}

// People are those who may be given a part.
func (w trial) People(ctx context.Context, set guide.Settings) (all []guide.Person, err error) {
	p, err := w.with(set)
	if err != nil {
		return nil, err
	}
	people, err := p.slack().Colleagues(ctx)
	for _, c := range people {
		all = append(all, guide.Person{ID: c.ID, Name: c.Name, Handle: c.Handle, Admin: c.Admin})
	}
	return all, err
}

// Budget is the team's, if there is a database and one was set.
// An empty text has the guide ask for a budget.
func (w trial) Budget(ctx context.Context, set guide.Settings) (string, error) {
	p, err := w.with(set)
	if err != nil {
		return "", err
	}
	// A budget that cannot be read is one that is asked for. Nothing is made to find out.
	url, end, err := p.present(ctx)
	defer end()
	if err != nil {
		return "", nil // SetBudget makes one, or says why it cannot
	}
	db, err := storage.Open(ctx, url, p.storage())
	if err != nil {
		return "", err
	}
	defer db.Close()
	scope, err := p.teamScope(ctx)
	if err != nil {
		return "", err
	}
	// A default is nobody's choice: then the question is asked.
	is, err := db.Standings(ctx, []budget.Scope{scope})
	if err != nil || len(is) == 0 || is[0].Limit.Default {
		return "", err
	}
	return limitInWords(is[0].Limit), nil
}

// SetBudget sets what the team may spend. Nobody in Slack has done so: the trail says
// that Countersign did. Where there is no database yet, the private one is made here, as serve would.
func (w trial) SetBudget(ctx context.Context, set guide.Settings, amount string) (_ string, err error) {
	usd, err := budget.ParseUSD(amount)
	if err != nil {
		return "", fmt.Errorf("%q is not an amount: type dollars, such as 50 or 49.90, or none", amount)
	}
	p, err := w.with(set)
	if err != nil {
		return "", err
	}
	scope, err := p.teamScope(ctx)
	if err != nil {
		return "", err
	}
	at, stop, err := p.openDatabase(ctx)
	if _, ok := errors.AsType[*pglocal.NoneError](err); ok {
		at, stop, err = p.privateDatabase(ctx, pglocal.Start)
	}
	if err != nil {
		return "", fmt.Errorf("it is kept in the database, which cannot be used: %w", err)
	}
	defer stop()
	// A limit is a row, so it needs the schema; serve would make it a minute later anyway.
	if err := at.migrate(ctx); err != nil {
		return "", err
	}
	signed, err := p.signed()
	if err != nil {
		return "", err
	}
	db, err := storage.Open(ctx, at.serve, signed)
	if err != nil {
		return "", err
	}
	defer db.Close()
	limit := budget.Limit{Scope: scope, Amount: usd, Window: budget.Month}
	if err := db.SetLimit(ctx, approval.System, limit); err != nil {
		return "", err
	}
	return limitInWords(limit), nil
}

// limitInWords is a limit as people say it.
func limitInWords(l budget.Limit) string {
	if l.Window == budget.None {
		return l.Amount.String() + " in all"
	}
	return fmt.Sprintf("%s a %s", l.Amount, l.Window)
}

// teamScope is the workspace's, whose token it is. Slack is asked, because nobody knows the id of their
// own workspace.
func (w trial) teamScope(ctx context.Context) (budget.Scope, error) {
	who, err := w.slack().CheckBot(ctx)
	return budget.Scope{Team: who.TeamID, Kind: budget.Team, ID: who.TeamID}, err
}

// Doctor looks at everything as serve would use it.
func (w trial) Doctor(ctx context.Context, set guide.Settings) error {
	p, err := w.with(set)
	if err != nil {
		return err
	}
	return doctor(ctx, p.program)
}
