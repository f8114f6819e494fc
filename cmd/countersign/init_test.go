package main

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"countersign"
	"countersign/codegen/mistraltest"
	"countersign/internal/guide"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/slacksim"
)

// newcomer is somebody at a terminal in an empty folder, with a Slack in which nothing
// has been set up but the app.
type newcomer struct {
	*house
	file string
	out  *bytes.Buffer
	base map[string]string // what no person is asked: where the local Slack and the database are
}

func aNewcomer(t *testing.T) *newcomer {
	h := open(t)
	c := h.program.Config
	return &newcomer{house: h, file: filepath.Join(t.TempDir(), ".env"), out: &bytes.Buffer{}, base: map[string]string{
		"SLACK_API_URL": h.sim.APIURL(), "SLACK_PATIENCE": slackPatience.String(), "MISTRAL_BASE_URL": "", "HTTP_ADDR": "127.0.0.1:0", "RUN_MEMORY_MB": "512",
		"DATABASE_URL": pgtest.Serve(h.url), "MIGRATE_DATABASE_URL": h.url, "DATA_DIR": c.DataDir,
	}}
}

// types runs init as from a command line.
func (n *newcomer) types(ctx context.Context, form guide.Form, args ...string) error {
	n.t.Helper()
	n.out.Reset()
	c, err := readConfig(n.base)
	require.NoError(n.t, err)
	p := program{Config: c, environ: n.base, args: append(args, "--env-file", n.file), out: n.out, log: n.program.log}
	return guided(ctx, p, form)
}

// settings are what the file says by now.
func (n *newcomer) settings() guide.Settings {
	n.t.Helper()
	set, err := guide.EnvFile{Path: n.file}.Read()
	require.NoError(n.t, err)
	return set
}

func TestInitWithoutATerminalGoesFromNothingToAnAnswer(t *testing.T) {
	t.Parallel()
	n := aNewcomer(t)
	n.base["MISTRAL_BASE_URL"] = n.model.URL
	key := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(key, []byte(mistraltest.Key+"\n"), 0o600))

	err := n.types(n.ctx, nil, "--bot-token", n.sim.BotToken(), "--app-token", n.sim.AppToken(), "--mistral-key", "@"+key,
		"--channel", "#code-review", "--reviewers", "Ben Osei, @priya", "--admins", "carla", "--budget", "49.90")
	require.NoError(t, err, n.out.String())
	for _, words := range []string{"✓ Slack bot token  @countersign in Harbor Coffee", "✓ Slack app token", "codestral-2508 costs $0.30 in and $0.90 out a million tokens",
		"✓ review channel   #code-review (private)", "✓ reviewers        Ben Osei, Priya Nair", "✓ administrators   Carla Reyes", "✓ team budget      $49.90 a month",
		"All is well: countersign serve", "set -a; . " + n.file + "; set +a"} {
		require.Contains(t, n.out.String(), words)
	}
	for _, secret := range []string{n.sim.BotToken(), n.sim.AppToken(), mistraltest.Key} {
		require.NotContains(t, n.out.String(), secret)
	}
	info, err := os.Stat(n.file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode())
	set := n.settings()
	require.Equal(t, slacksim.CodeReview, set["REVIEW_CHANNEL"])
	require.Equal(t, slacksim.Reviewer+","+slacksim.SecondReviewer, set["REVIEWERS"])
	require.Equal(t, slacksim.Admin, set["ADMINS"])

	// Serve works with what is in the file, and nothing else.
	n.program.Config, err = readConfig(set)
	require.NoError(t, err)
	n.run()
	n.shareSamples()
	n.writes("from desk import answer, load\n\nsales = load('sales.csv')\nanswer(f'sales.csv has {len(sales)} rows.')")
	root := n.ask("How many rows has sales.csv?")
	require.NoError(t, n.ben.Click(n.card(root), "Approve"))
	n.says(root, "sales.csv has 500 rows.")
}

func TestInitWithoutATerminalNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	n := aNewcomer(t)
	err := n.types(n.ctx, nil, "--bot-token", n.sim.AppToken())
	require.ErrorContains(t, err, "Slack bot token, Slack app token, model, review channel, reviewers, administrators, team budget: not set up yet")
	for _, words := range []string{"✗ Slack bot token  this is the xapp token, the app's; the xoxb one stands under OAuth & Permissions",
		"give --app-token (or SLACK_APP_TOKEN in the environment)", "give --mistral-key, --claude-key or --gpt-key", "give --channel NAME",
		"give --reviewers NAME,NAME", "give --budget AMOUNT"} {
		require.Contains(t, n.out.String(), words)
	}
	require.Empty(t, n.settings()["SLACK_BOT_TOKEN"], "what does not work is not written down")
	require.ErrorContains(t, n.types(n.ctx, nil, "more"), `"more" is not understood`)
	require.ErrorIs(t, n.types(n.ctx, nil, "--nonsense"), exitError(2))
	require.NoError(t, n.types(n.ctx, nil, "-h"))
	require.Contains(t, n.out.String(), "--reviewers NAMES")
	require.NoError(t, n.types(n.ctx, nil, "--manifest"))
	require.Equal(t, string(countersign.Manifest), n.out.String())
}

// answering answers what it is asked from a list, and stops where that ends.
type answering struct {
	n     *newcomer
	lines []string // one for each question: what is typed, or the labels that are chosen, with semicolons
	asked []string
	wrong []string // what was said of answers that would not do
}

func (a *answering) next(q guide.Question, pick func(word string) (string, bool)) (string, error) {
	a.asked = append(a.asked, q.Title)
	for len(a.lines) > 0 {
		word := a.lines[0]
		a.lines = a.lines[1:]
		value, ok := pick(word)
		if !ok {
			return "", errors.New(q.Title + " has no answer " + word)
		}
		if q.Check == nil {
			return value, nil
		}
		err := q.Check(value)
		if err == nil {
			return value, q.Check(value) // a form may look twice
		}
		a.wrong = append(a.wrong, err.Error())
	}
	return "", guide.ErrStopped
}

func typed(word string) (string, bool) { return word, true }

func among(from []guide.Option) func(string) (string, bool) {
	return func(word string) (string, bool) {
		for _, o := range from {
			if strings.HasPrefix(o.Label, word) {
				return o.Value, true
			}
		}
		return "", false
	}
}

func (a *answering) Pause(_ context.Context, q guide.Question) error {
	_, err := a.next(q, typed)
	return err
}

func (a *answering) Line(_ context.Context, q guide.Question, _ string) (string, error) {
	return a.next(q, typed)
}

func (a *answering) Secret(_ context.Context, q guide.Question) (string, error) {
	return a.next(q, typed)
}

func (a *answering) Choose(_ context.Context, q guide.Question, from []guide.Option) (string, error) {
	return a.next(q, among(from))
}

// ChooseSome takes what is suggested for "as suggested", and names with semicolons.
func (a *answering) ChooseSome(_ context.Context, q guide.Question, from []guide.Option, chosen []string) ([]string, error) {
	value, err := a.next(q, func(words string) (string, bool) {
		if words == "as suggested" {
			return strings.Join(chosen, ","), true
		}
		var ids []string
		for _, word := range strings.FieldsFunc(words, func(r rune) bool { return r == ';' }) {
			id, ok := among(from)(word)
			if !ok {
				return "", false
			}
			ids = append(ids, id)
		}
		return strings.Join(ids, ","), true
	})
	return strings.Split(value, ","), err
}

func TestInitSaysInWordsWhatIsWrongAndGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	n := aNewcomer(t)
	n.base["MISTRAL_BASE_URL"] = "" // the key alone is asked for; where the local Mistral is comes with the second try
	first := &answering{n: n, lines: []string{"yes", "secret", n.sim.AppToken(), "xoxb-of-another-app", n.sim.BotToken(), n.sim.BotToken()}}
	require.ErrorIs(t, n.types(n.ctx, first), exitError(1))
	require.Equal(t, []string{"Is the app installed?", "The Bot User OAuth Token (xoxb-…)?", "The app-level token (xapp-…)?"}, first.asked)
	require.Len(t, first.wrong, 4)
	require.Contains(t, first.wrong[0], "this is not the token, which begins with xoxb-. On your app's page: OAuth & Permissions")
	require.Contains(t, first.wrong[1], "this is the xapp token")
	require.Contains(t, first.wrong[2], "refused by Slack (invalid_auth): copy it again from your app's page: OAuth & Permissions")
	require.Contains(t, first.wrong[3], "this is the xoxb token, the bot's; the xapp one stands under Basic Information")
	require.Contains(t, n.out.String(), "https://api.slack.com/apps?new_app=1&manifest_json=")
	require.Contains(t, n.out.String(), "Stopped. What works so far stands in "+n.file)
	require.Equal(t, n.sim.BotToken(), n.settings()["SLACK_BOT_TOKEN"])

	n.base["MISTRAL_BASE_URL"] = n.model.URL
	second := &answering{n: n, lines: []string{n.sim.AppToken(), "Mistral", "wrong", mistraltest.Key, "another one", "#sales-data", "", "Ben Osei", "as suggested", "a lot", "20"}}
	err := n.types(n.ctx, second)
	require.NoError(t, err, "%s\n%q", n.out.String(), second.wrong)
	require.Contains(t, n.out.String(), "✓ Slack bot token  @countersign in Harbor Coffee", "taken over")
	require.NotContains(t, n.out.String(), "new_app=1")
	require.Equal(t, []string{"The app-level token (xapp-…)?", "Whose model writes the code?", "Its key?", "In which channel is code reviewed?", "In which channel is code reviewed?",
		"Who may approve code?", "Who sets budgets and rules?", "How many dollars may the team spend in a month?"}, second.asked)
	require.Equal(t, []string{"Mistral refuses the key: look at MISTRAL_API_KEY", "choose somebody, with the space bar", `"a lot" is not an amount: type dollars, such as 50 or 49.90, or none`}, second.wrong)
	require.Equal(t, slacksim.SalesData, n.settings()["REVIEW_CHANNEL"])
	require.Equal(t, slacksim.Reviewer, n.settings()["REVIEWERS"])
	require.Equal(t, slacksim.Admin, n.settings()["ADMINS"])

	// A third time there is nothing to ask: everything is tried and taken over.
	third := &answering{n: n}
	require.NoError(t, n.types(n.ctx, third), n.out.String())
	require.Empty(t, third.asked)
	require.Contains(t, n.out.String(), "✓ team budget      $20.00 a month")
}

func TestTheLinkOpensOurManifest(t *testing.T) {
	t.Parallel()
	link, err := appLink(countersign.Manifest)
	require.NoError(t, err)
	u, err := url.Parse(link)
	require.NoError(t, err)
	var theirs, ours any
	require.NoError(t, yaml.Unmarshal([]byte(u.Query().Get("manifest_json")), &theirs))
	require.NoError(t, yaml.Unmarshal(countersign.Manifest, &ours))
	require.Equal(t, ours, theirs)
	require.NotContains(t, link, "+", "a blank that only forms read as one")
	require.Less(t, len(link), 8000, "longer ones are cut or refused on the way")
}
