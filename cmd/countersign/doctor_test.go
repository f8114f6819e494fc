package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim"
	"countersign/sandbox/e2b/e2btest"
)

// langfuse knows one pair of keys.
func langfuse(t *testing.T) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case r.URL.Path == "/api/public/projects" && user == "pk-lf-1" && password == "sk-lf-1":
			fmt.Fprint(w, `{"data":[{"id":"p1","name":"analytics"}]}`)
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// report is what the doctor prints.
func report(h *house) (text string, err error) {
	var out lockedBuffer
	p := h.program
	p.out = &out
	err = doctor(h.ctx, p)
	return out.String(), err
}

// quickly is what doctor says of the same boxes on a machine that has no more to do: where they took long, it has to say so.
func quickly(t *testing.T, text string) string {
	t.Helper()
	said := regexp.MustCompile(`([✓!])( sandbox .*; tried in ([0-9.]+) s)(, which is long: is the machine busy, or are the box's files on a slow disk\?)?`)
	found := said.FindStringSubmatch(text)
	require.NotNil(t, found, text)
	seconds, err := strconv.ParseFloat(found[3], 64)
	require.NoError(t, err)
	long := seconds > slowBoot.Seconds() || seconds == slowBoot.Seconds() && found[1] == "!" // it is rounded
	require.Equal(t, []bool{long, long}, []bool{found[1] == "!", found[4] != ""}, text)
	return said.ReplaceAllString(text, "✓$2")
}

// checkedToday are the shipped prices, looked up today: a month after they were, doctor has to warn of them.
func checkedToday() budget.Prices {
	prices := budget.Shipped()
	for i := range prices.Models {
		prices.Models[i].Checked = time.Now()
	}
	for i := range prices.Boxes {
		prices.Boxes[i].Checked = time.Now()
	}
	return prices
}

func TestDoctorFindsAllWell(t *testing.T) {
	t.Parallel()
	s := langfuse(t)
	h := open(t, func(c *Config) {
		c.MistralModels = []string{"mistral-small-2603"}
		c.LangfuseHost, c.LangfusePublicKey, c.LangfuseSecretKey = s.URL, "pk-lf-1", "sk-lf-1"
		c.prices = checkedToday()
	})
	text, err := report(h)
	require.NoError(t, err, text)
	text = quickly(t, text)
	for _, line := range []string{"✓ settings         read; secrets stay redacted", "✓ database         reached and up to date", "GB free for ", "✓ queue            no replica works on it; nothing is due", "; tried in ", "✓ checkpoints      none yet: nothing has happened", "✓ Slack bot token  @countersign in Harbor Coffee",
		"✓ Slack app token  Slack gives a socket", "✓ review channel   the bot is in #code-review", "✓ reviewers        ben, priya",
		"✓ Mistral          takes the key; askers choose from codestral-2508, mistral-small-2603", "✓ prices           known for every model",
		"✓ sandbox          gVisor on this machine keeps code in: runner ", "✓ traces           to the project analytics at " + s.URL, "All is well"} {
		require.Contains(t, text, line)
	}
	require.Equal(t, 13, strings.Count(text, "✓"))
	for _, secret := range []string{string(h.program.SlackBotToken), string(h.program.SlackAppToken), mistraltest.Key, "sk-lf-1"} {
		require.NotContains(t, text+h.log.String(), secret)
	}
	require.Zero(t, h.sim.Sockets(), "the doctor opens no socket")
}

// What the doctor tries is held and booked on the team's budget, or not tried.
func TestWhatTheDoctorTriesIsPaidByTheTeam(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	f := h.program.checkSandbox(h.ctx)
	require.NoError(t, f.err)
	require.Regexp(t, `; trying it cost \$0\.\d+, booked on the team's budget$`, f.say)
	spent := `SELECT coalesce(sum(amount), 0) FROM settlements WHERE request_id IS NULL AND asker = 'countersign'`
	cost := value[int64](h, spent)
	require.Positive(t, cost)
	require.Equal(t, cost, value[int64](h, `SELECT spent FROM balances WHERE kind = 'team' AND grain = 'day'`))

	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	team := value[string](h, `SELECT id FROM scopes WHERE kind = 'team'`)
	require.NoError(t, db.SetLimit(h.ctx, "U0CARLA", budget.Limit{Scope: budget.Scope{Team: team, Kind: budget.Team, ID: team}, Amount: budget.MicroDollar, Window: budget.Month}))
	f = h.program.checkSandbox(h.ctx)
	require.ErrorContains(t, f.err, "not tried, because it could cost $0.0")
	require.ErrorContains(t, f.err, "The team's budget of $0.000001 per month has")
	require.Equal(t, cost, value[int64](h, spent), "nothing was tried")
	h.settled()

	p := h.program
	p.SlackBotToken = "xoxb-unknown"
	f = p.checkSandbox(h.ctx)
	require.NoError(t, f.err)
	require.Contains(t, f.say, "what trying it cost could not be booked: whose budget it is cannot be looked up")
	p = h.program
	p.DatabaseURL, p.DataDir = "", dataDir(t)
	f = p.checkSandbox(h.ctx)
	require.NoError(t, f.err)
	require.Contains(t, f.say, "what trying it cost could not be booked: there is no database yet")
}

func TestDoctorReadsWhenModelsEnd(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *Config) { c.MistralModels = []string{"mistral-large-2512"} })
	soon := time.Now().AddDate(0, 1, 0)
	h.model.Deprecate("mistral-large-2512", mistraltest.End{On: soon, Replacement: "mistral-large-9"})
	f := h.program.checkMistral(h.ctx)
	require.NoError(t, f.err)
	require.True(t, f.warn)
	require.Contains(t, f.say, "Mistral has deprecated some of these: mistral-large-2512 ends on "+soon.UTC().Format("2 January 2006")+", and names mistral-large-9 in its place")

	h.model.Deprecate("codestral-2508", mistraltest.End{On: time.Date(2026, 8, 31, 12, 0, 0, 0, time.UTC), Replacement: "codestral-9"})
	f = h.program.checkMistral(h.ctx)
	require.ErrorContains(t, f.err, "has retired codestral-2508 on 31 August 2026, and names codestral-9 in its place: change MISTRAL_MODEL or MISTRAL_MODELS")

	f = h.program.judgeModels([]string{"devstral-2512"}, nil, time.Now())
	require.ErrorContains(t, f.err, "has retired devstral-2512 on 31 July 2026, and names mistral-medium-3-5 in its place", "from what is shipped")
	p := h.program
	p.MistralBaseURL = "https://api.eu.mistral.ai"
	f = p.judgeModels(nil, nil, time.Now())
	require.True(t, f.warn)
	require.Contains(t, f.say, "a regional address costs 1.1 times the prices that are shipped")
}

// A fault is one thing that is wrong, the check that finds it, and what it says.
type faultCase struct {
	wrong string
	make  func(c *Config)
	check func(program, context.Context) finding
	says  []string
	warn  bool
}

func TestDoctorSaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := langfuse(t)
	h := open(t)
	cloud := e2btest.New(t)
	stale := filepath.Join(t.TempDir(), "stale.csv")
	now := time.Now()
	row := "%s,%s,2026-01-01,,,1,0.1,,1,%s,our own\n"
	require.NoError(t, os.WriteFile(stale, []byte("kind,name,from,until,above_tokens,input,cached_input,cache_write,output,checked,source\n"+
		fmt.Sprintf(row, "model", "codestral-2508", now.AddDate(0, 0, -31).Format(time.DateOnly))+fmt.Sprintf(row, "model", "mistral-small-2603", now.Format(time.DateOnly))), 0o600))
	prices, err := readPrices(stale)
	require.NoError(t, err)
	keys := func(c *Config) {
		c.LangfuseHost, c.LangfusePublicKey, c.LangfuseSecretKey = s.URL, "pk-lf-1", "sk-lf-1"
	}
	for _, f := range []faultCase{
		{"a token that is no bot token", func(c *Config) { c.SlackBotToken = "xoxp-1" }, program.checkSettings, []string{"SLACK_BOT_TOKEN does not start with xoxb-", "OAuth & Permissions"}, false},
		{"more approvals than reviewers", func(c *Config) { c.Quorum = 3 }, program.checkSettings, []string{"QUORUM is 3, but REVIEWERS names only 2"}, false},
		{"a bot token that Slack does not know", func(c *Config) { c.SlackBotToken = "xoxb-unknown" }, program.checkBot, []string{"invalid_auth", "copy it again", "OAuth & Permissions"}, false},
		{"an app token that Slack does not know", func(c *Config) { c.SlackAppToken = "xapp-unknown" }, program.checkApp, []string{"invalid_auth", "App-Level Tokens", "connections:write"}, false},
		{"Slack out of reach", func(c *Config) { c.SlackAPIURL = "http://127.0.0.1:1/api/" }, program.checkApp, []string{"cannot reach Slack", "connection refused"}, false},
		{"no review channel", func(c *Config) { c.ReviewChannel = "" }, program.checkChannel, []string{"REVIEW_CHANNEL is not set"}, false},
		{"a review channel that is not there", func(c *Config) { c.ReviewChannel = "C0NOWHERE" }, program.checkChannel, []string{"there is no channel C0NOWHERE", "invite the bot"}, false},
		{"a review channel without the bot", func(c *Config) { c.ReviewChannel = slacksim.Random }, program.checkChannel, []string{"the bot is not in #random", "/invite"}, false},
		{"a review channel shared with strangers", func(c *Config) { c.ReviewChannel = slacksim.Partners }, program.checkChannel, []string{"#partners is shared with another organisation"}, false},
		{"no reviewers", func(c *Config) { c.Reviewers = nil }, program.checkReviewers, []string{"REVIEWERS is not set"}, false},
		{"a guest, somebody who left, an app and nobody as reviewers", func(c *Config) {
			c.Reviewers = []string{slacksim.Guest, slacksim.Deactivated, slacksim.BotUser, "U0NOBODY", slacksim.Reviewer}
		}, program.checkReviewers, []string{"theo (U0THEO) cannot decide: guests never can", "sam (U0SAM) cannot decide: the account is deactivated", "it is an app", "nobody here has the id U0NOBODY", "Take them out of REVIEWERS"}, false},
		{"a bot token that does not work", func(c *Config) { c.SlackBotToken = "xoxb-unknown" }, program.checkReviewers, []string{"the bot token does not work"}, false},
		{"one reviewer alone", func(c *Config) { c.Reviewers = []string{slacksim.Reviewer} }, program.checkReviewers, []string{"ben alone", "own questions"}, true},
		{"a reviewer outside the review channel", func(c *Config) { c.Reviewers = []string{slacksim.Reviewer, slacksim.Analyst} }, program.checkReviewers, []string{"ben, maya", "not in the review channel, where the cards are: maya.", "/invite"}, true},
		{"no reviewer in the review channel", func(c *Config) { c.Reviewers = []string{slacksim.Analyst} }, program.checkReviewers, []string{"nobody of maya is in the review channel", "/invite"}, false},
		{"a review channel that cannot be looked up", func(c *Config) { c.ReviewChannel = "C0NOWHERE" }, program.checkReviewers, []string{"ben, priya", "cannot be looked up", "channel_not_found"}, true},
		{"no key for a model", func(c *Config) { c.MistralAPIKey, c.MistralBaseURL = "", "" }, program.checkMistral, []string{"MISTRAL_API_KEY", "console.mistral.ai", "MISTRAL_BASE_URL"}, false},
		{"a key that Mistral does not take", func(c *Config) { c.MistralAPIKey = "wrong" }, program.checkMistral, []string{"refuses the key", "MISTRAL_API_KEY"}, false},
		{"a model that the key may not use", func(c *Config) { c.MistralModel = "ministral-8b-2512" }, program.checkMistral, []string{"no model ministral-8b-2512", "MISTRAL_MODEL"}, false},
		{"a model whose name moves", func(c *Config) { c.MistralModel = "codestral-latest" }, program.checkMistral, []string{"codestral-latest", "alias"}, false},
		{"Mistral out of reach", func(c *Config) { c.MistralBaseURL = "http://127.0.0.1:1" }, program.checkMistral, []string{"cannot be reached", "MISTRAL_BASE_URL"}, false},
		{"a server without a list of models", func(c *Config) { c.MistralBaseURL = h.sim.URL() }, program.checkMistral, []string{"answers, but says 4"}, true},
		{"a model without a price", func(c *Config) { c.MistralModel = "unpriced-1" }, program.checkPrices, []string{"unpriced-1", "PRICES_FILE", "budget/prices.csv"}, false},
		{"a sandbox without a price", func(c *Config) { c.prices = prices }, program.checkPrices, []string{"a row of the kind box", "PRICES_FILE"}, false},
		{"a gVisor that is not there", func(c *Config) { c.Runsc = "/nothing/runsc" }, program.checkSandbox, []string{"COUNTERSIGN_RUNSC names a program that is not there", "make libexec/runsc"}, false},
		{"a gVisor that does not start", func(c *Config) { c.Runsc = "/bin/false" }, program.checkSandbox, []string{"local sandbox"}, false},
		{"a key that E2B does not take", func(c *Config) {
			c.E2BAPIKey, c.E2BAPIURL, c.E2BBoxURL = "e2b_wrong", cloud.APIURL, cloud.SandboxURL
		}, program.checkSandbox, []string{"E2B_API_KEY"}, false},
		{"a template that E2B does not have", func(c *Config) {
			c.E2BAPIKey, c.E2BAPIURL, c.E2BBoxURL, c.E2BTemplate = e2btest.Key, cloud.APIURL, cloud.SandboxURL, "misspelt-v1"
		}, program.checkSandbox, []string{`does not know the template "misspelt-v1"`, "E2B_TEMPLATE"}, false},
		{"a Postgres that is not there", func(c *Config) { c.DatabaseURL = "postgres://u:hunter2@127.0.0.1:1/x" }, program.checkDatabase, []string{"connection refused", "Fix DATABASE_URL"}, false},
		{"Langfuse keys that are not known", func(c *Config) { keys(c); c.LangfuseSecretKey = "sk-lf-wrong" }, program.checkTraces, []string{"refuses the keys", "LANGFUSE_SECRET_KEY"}, true},
		{"Langfuse out of reach", func(c *Config) { keys(c); c.LangfuseHost = "http://127.0.0.1:1" }, program.checkTraces, []string{"cannot be reached", "LANGFUSE_HOST"}, true},
		{"something else than Langfuse", func(c *Config) { keys(c); c.LangfuseHost = h.sim.URL() }, program.checkTraces, []string{"LANGFUSE_HOST"}, true},
	} {
		t.Run(f.wrong, func(t *testing.T) {
			t.Parallel()
			p := h.program
			f.make(&p.Config)
			found := f.check(p, t.Context()) // the house may have waited long for its turn
			text := found.say
			if !f.warn {
				require.Error(t, found.err, found.say)
				text = reason(found.err)
			} else {
				require.NoError(t, found.err)
				require.True(t, found.warn, found.say)
			}
			for _, words := range f.says {
				require.Contains(t, text, words)
			}
			require.NotContains(t, text, "hunter2")
			require.NotContains(t, text, "unknown\"", "the token itself")
		})
	}
}

func TestDoctorWarnsOfPricesOlderThanThirtyDays(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "prices.csv")
	at := func(days int) string { return time.Now().AddDate(0, 0, -days).Format(time.DateOnly) }
	check := func(rows ...string) finding {
		t.Helper()
		require.NoError(t, os.WriteFile(file, []byte("kind,name,from,until,above_tokens,input,cached_input,cache_write,output,checked,source\n"+strings.Join(rows, "\n")+"\n"), 0o600))
		c, err := readConfig(map[string]string{"PRICES_FILE": file, "MISTRAL_MODELS": "mistral-small-2603"})
		require.NoError(t, err)
		found := program{Config: c}.checkPrices(t.Context())
		require.NoError(t, found.err)
		return found
	}
	small, box := "model,mistral-small-2603,2026-01-01,,,1,1,,1,"+at(2)+",a", "box,local,2026-01-01,,,0,0,,0,"+at(1)+",free: a"
	model := func(above string, days int) string {
		return "model,codestral-2508,2026-01-01,," + above + ",1,1,,1," + at(days) + ",a"
	}
	found := check(model("", 32), small, box)
	require.True(t, found.warn)
	require.Contains(t, found.say, "codestral-2508 (checked on "+at(32)+")")
	require.NotContains(t, found.say, "mistral-small-2603")

	// The tiers of longer prompts bill as well, and so does the box.
	other := "model,nobody-asks,2026-01-01,,7000,1,1,,1," + at(99) + ",a\nmodel,nobody-asks,2026-01-01,,,1,1,,1," + at(99) + ",a"
	found = check(model("", 2), model("128000", 40), model("256000", 3), small, other, "box,local,2026-01-01,,,0,0,,0,"+at(50)+",free: a")
	require.True(t, found.warn)
	require.Equal(t, "older than 30 days, please check: codestral-2508 above 128000 tokens (checked on "+at(40)+"), the box local (checked on "+at(50)+")", found.say)
	require.False(t, check(model("", 2), small, other, box).warn)
}

func TestDoctorNamesTheScopesThatAreMissing(t *testing.T) {
	t.Parallel()
	h := open(t)
	sim := slacksim.Start(t, slacksim.Options{Manifest: countersign.Manifest, Scopes: []string{"commands", "chat:write", "users:read", "files:read", "groups:read", "channels:read"}})
	p := h.program
	p.SlackAPIURL, p.SlackBotToken = sim.APIURL(), Secret(sim.BotToken())
	found := p.checkBot(h.ctx)
	require.ErrorContains(t, found.err, "files:write")
	require.ErrorContains(t, found.err, "manifest.yaml")
	require.NotContains(t, found.err.Error(), "chat:write")
}

func TestDoctorTakesE2BInItsCloud(t *testing.T) {
	t.Parallel()
	h := open(t)
	cloud := e2btest.New(t)
	p := h.program
	p.E2BAPIKey, p.E2BAPIURL, p.E2BBoxURL = e2btest.Key, cloud.APIURL, cloud.SandboxURL
	found := p.checkSandbox(h.ctx)
	require.NoError(t, found.err)
	require.Contains(t, found.say, "E2B takes the key, and a box of it works: "+e2btest.Template)
	require.Len(t, cloud.Boxes(), 1)
	require.Empty(t, cloud.Alive(), "the box is gone again")
	require.NoError(t, p.checkPrices(h.ctx).err)
}

func TestDoctorSaysThatATemplateHasLostItsPackages(t *testing.T) {
	t.Parallel()
	h := open(t)
	cloud := e2btest.New(t, func(s *e2btest.Settings) { s.Bare = true })
	p := h.program
	p.E2BAPIKey, p.E2BAPIURL, p.E2BBoxURL = e2btest.Key, cloud.APIURL, cloud.SandboxURL
	said := reason(p.checkSandbox(h.ctx).err)
	for _, words := range []string{"no pandas", e2btest.Template, "E2B_TEMPLATE", "rebuild"} {
		require.Contains(t, said, words)
	}
	require.Empty(t, cloud.Alive())
}

func TestDoctorSaysThatAnE2BIsOld(t *testing.T) {
	t.Parallel()
	h := open(t)
	cloud := e2btest.New(t, func(s *e2btest.Settings) { s.API = "v1" })
	p := h.program
	p.E2BAPIKey, p.E2BAPIURL, p.E2BBoxURL = e2btest.Key, cloud.APIURL, cloud.SandboxURL
	found := p.checkSandbox(h.ctx)
	require.NoError(t, found.err)
	require.True(t, found.warn)
	require.Contains(t, found.say, "a box of it works")
	require.Contains(t, found.say, "lacks v2")
}

func TestWithoutASandboxPeopleAreToldWhatToDo(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *Config) { c.Runsc = "/nothing/runsc" })
	h.run()
	h.shareSamples()
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze How many rows has sales.csv?"))
	told := h.told(h.maya, slacksim.SalesData, "Nothing can run code here")
	require.Contains(t, told.Text, "make libexec/runsc")
	require.NotContains(t, told.Text, "fork/exec")
	require.Zero(t, value[int](h, `SELECT count(*) FROM requests`))
}

func TestAReasonIsWordsForPeopleFirst(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("start: %w", &steps.BoxError{Err: os.ErrPermission, Words: "Do this."})
	require.Equal(t, "Do this. (permission denied)", reason(err))
	require.Equal(t, "Do this.", forPeople(err))
	require.Equal(t, "x", reason(fmt.Errorf("x")))
	require.Equal(t, "x", forPeople(fmt.Errorf("x")))
}
