package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/bot/draw/home"
	"countersign/bot/ids"
	"countersign/budget"
	"countersign/internal/accounts"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
)

// written is how much stands in the tables that a command could write.
func written(t *testing.T, environ []string) (events, notices int) {
	t.Helper()
	db, err := storage.Open(t.Context(), strings.TrimPrefix(environ[0], "DATABASE_URL="), storage.Options{})
	require.NoError(t, err)
	defer db.Close()
	teams, err := db.Teams(t.Context())
	require.NoError(t, err)
	for team := range teams {
		list, err := db.Recent(t.Context(), team, "MAYA", 10)
		require.NoError(t, err)
		for _, r := range list {
			all, err := db.Events(t.Context(), r.ID)
			require.NoError(t, err)
			events += len(all)
		}
		for _, provider := range []string{"Mistral", "Claude", "OpenAI"} {
			for back := range 2 {
				day := time.Now().UTC().AddDate(0, 0, -back).Format(time.DateOnly)
				if _, _, err := db.Notice(t.Context(), differsKey(team, provider, day, day, time.Now())); err == nil {
					notices++
				} else {
					require.ErrorIs(t, err, approval.ErrNotFound)
				}
			}
		}
	}
	return events, notices
}

func TestOtherBudgetsAreSimulatedAndNothingIsWritten(t *testing.T) {
	t.Parallel()
	environ, _ := spent(t)
	before, _ := written(t, environ)
	file := filepath.Join(t.TempDir(), "trial.yaml")
	require.NoError(t, os.WriteFile(file, []byte("rules:\n  low: {approvals: 2}\nbudgets:\n  - team $0.50 per day\n"), 0o600))
	say := func(args ...string) string {
		var out, errs bytes.Buffer
		require.Zero(t, run(t.Context(), append([]string{"simulate", "--rules", file}, args...), environ, &out, &errs), errs.String())
		return out.String()
	}
	text := say("--last", "7d")
	require.Contains(t, text, "1 question that a budget stops.")
	require.Contains(t, text, "Nothing was changed by this.")
	require.Regexp(t, `MAYA +CHAN +budget +held up to \$1\.00 +refused by the budget of team TEAM`, text)
	require.Contains(t, text, "Spent in this time: $0.013317. Under these budgets: $0.01.")
	var all map[string]books.Outcome
	require.NoError(t, json.Unmarshal([]byte(say("--json")), &all))
	require.Equal(t, books.OverBudget, all["TEAM"].Changes[0].Kind)
	require.Equal(t, budget.Dollar, all["TEAM"].Changes[0].Needed)
	after, _ := written(t, environ)
	require.Equal(t, before, after)

	for said, args := range map[string][]string{
		"--rules names the file":                 {},
		"--last is a number of days such as 30d": {"--rules", file, "--last", "month"},
		"no such file":                           {"--rules", file + "x"},
		`"now" is not understood`:                {"--rules", file, "now"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 1, run(t.Context(), append([]string{"simulate"}, args...), environ, &out, &errs))
		require.Contains(t, errs.String(), said)
	}
}

// A database in which nobody has asked yet says so: nothing printed looks like a command that did nothing.
func TestASimulationOfNothingSaysSo(t *testing.T) {
	t.Parallel()
	environ := []string{"DATABASE_URL=" + pgtest.Serve(pgtest.Database(t, migrated)), "SIGNING_KEY_FILE=" + filepath.Join(t.TempDir(), "key")}
	file := filepath.Join(t.TempDir(), "trial.yaml")
	require.NoError(t, os.WriteFile(file, []byte("budgets:\n  - team $0.50 per day\n"), 0o600))
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"simulate", "--rules", file}, environ, &out, &errs), errs.String())
	require.Contains(t, out.String(), "Nothing to try this on: nobody has asked anything in this database yet.")
	out.Reset()
	require.Zero(t, run(t.Context(), []string{"simulate", "--rules", file, "--json"}, environ, &out, &errs), errs.String())
	require.Equal(t, "{}\n", out.String())
	require.NoError(t, os.WriteFile(file, []byte("budgets:\n  - everybody lots\n"), 0o600))
	require.Equal(t, 1, run(t.Context(), []string{"simulate", "--rules", file}, environ, &out, &errs), "a file that is wrong is wrong there as well")
}

// One provider that refuses its key hides nobody else's usage, and is named at the end.
func TestAProviderThatDoesNotAnswerHidesNoOther(t *testing.T) {
	t.Parallel()
	environ, _ := spent(t)
	day := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "who are you?", http.StatusUnauthorized)
	}))
	t.Cleanup(refuses.Close)
	answers := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"completion":{"models":{"codestral-2508":{"input":[{"timestamp":%q,"value":123456}]}}}}`, day)
	}))
	t.Cleanup(answers.Close)
	for _, set := range [][3]string{{"MISTRAL", refuses.URL, answers.URL}, {"ANTHROPIC", answers.URL, refuses.URL}} {
		mistral, claude, failed := set[1], set[2], "Mistral"
		if set[0] == "ANTHROPIC" {
			failed = "Claude"
		}
		var out, errs bytes.Buffer
		code := run(t.Context(), []string{"reconcile", "--from", day, "--to", day}, append(slices.Clone(environ),
			"MISTRAL_ADMIN_KEY=adm", "MISTRAL_BASE_URL="+mistral, "ANTHROPIC_ADMIN_KEY=adm", "ANTHROPIC_BASE_URL="+claude), &out, &errs)
		require.Equal(t, 1, code)
		require.Contains(t, out.String(), "123456", "of the other one")
		require.Contains(t, errs.String(), failed+" answers 401 Unauthorized")
		require.Contains(t, errs.String(), "not compared: "+failed+" (1 of 2 providers)")
	}
}

func TestAProvidersUsageIsHeldAgainstTheLedger(t *testing.T) {
	t.Parallel()
	environ, _ := spent(t) // one charge of a hundred tokens, of a provider that nobody has named
	today := time.Now().UTC().Format(time.DateOnly)
	file := filepath.Join(t.TempDir(), "usage.csv")
	require.NoError(t, os.WriteFile(file, []byte("day,model,input_tokens,output_tokens\n"+today+",codestral-2508,500,20\n"), 0o600))
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"reconcile", "--provider", "Mistral", file}, environ, &out, &errs), errs.String())
	require.Regexp(t, `codestral-2508 +0 +500 +0 +20 +\$0\.00 +- +100\.0%  <-`, out.String())
	require.Contains(t, out.String(), "More than 2% apart: 1 of 1. Administrators are told in Slack.")
	_, notices := written(t, environ)
	require.Equal(t, 1, notices)
	require.NoError(t, os.WriteFile(file, []byte("day,model,input_tokens,output_tokens\n"+time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)+",codestral-2508,500,20\n"), 0o600))
	require.Zero(t, run(t.Context(), []string{"reconcile", "--provider", "Mistral", file}, environ, &out, &errs), errs.String())
	_, notices = written(t, environ)
	require.Equal(t, 2, notices, "other days are told as well")
	for said, args := range map[string][]string{
		"no provider can be asked":                               {},
		"--provider says whose file it is":                       {file},
		`--from "x" is not a date`:                               {"--from", "x"},
		`--to "2020-01-01" is not a date, or lies before --from`: {"--from", "2020-01-02", "--to", "2020-01-01"},
	} {
		out.Reset()
		errs.Reset()
		require.Equal(t, 1, run(t.Context(), append([]string{"reconcile"}, args...), environ, &out, &errs))
		require.Contains(t, errs.String(), said)
	}
}

// earlier is a ledger of a team that has been there for months, and spends little.
type earlier struct{ *storage.DB }

func (e earlier) Teams(ctx context.Context) (map[string]time.Time, error) {
	teams, err := e.DB.Teams(ctx)
	for team := range teams {
		teams[team] = time.Now().AddDate(0, -3, 0)
	}
	return teams, err
}

func (e earlier) Days(ctx context.Context, team string, from, until time.Time) ([]budget.DaySpent, error) {
	days, err := e.DB.Days(ctx, team, from, until)
	return append(days, budget.DaySpent{Day: time.Now(), Amount: 7 * budget.Dollar}), err
}

// Whoever answers for the money is told in Slack what two replicas have seen, once, and tries
// other rules there on what has happened.
func TestAdministratorsHearOfMoneyAndTryOtherRules(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"completion":{"models":{"codestral-2508":{"input":[{"timestamp":%q,"value":123456}]}}}}`, time.Now().UTC().Format(time.DateOnly))
	}))
	t.Cleanup(provider.Close)
	change := func(r *replica) {
		r.books.Ledger = earlier{r.db}
		r.clerk.Sources = []accounts.Source{{Provider: "Mistral", Address: provider.URL, Key: "adm"}}
	}
	one, _ := h.run(change)
	two, _ := h.run(change)
	root := h.ask("Is it worth it?")
	h.says(root, "Waiting for a reviewer")
	tomorrow := time.Now().UTC().Truncate(24 * time.Hour).Add(29 * time.Hour)
	for _, r := range []*replica{one, two} {
		require.NoError(t, r.books.Alarm(h.ctx))
		require.NoError(t, r.clerk.Daily(h.ctx, tomorrow))
	}
	h.toldOnce(approval.NoticeSpike, "Unusual spending", slacksim.Admin)
	h.toldOnce(approval.NoticeDiffers, "The books do not agree", slacksim.Admin)

	// But what the house writes by itself meanwhile: where messages stand, and what people are called.
	const told = `SELECT coalesce(string_agg(stream || ' ' || kind, ', ' ORDER BY stream, seq), '') FROM events WHERE kind NOT IN ('posted', 'known as')`
	events := value[string](h, told)
	require.NoError(t, h.carla.OpenHome())
	atHome, err := h.carla.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Reviews") })
	require.NoError(t, err)
	require.NoError(t, h.carla.ClickView(atHome, ids.ActionTry))
	_, err = h.carla.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackTry })
	require.NoError(t, err)
	wrong, err := h.carla.Submit(person.Form{ids.FieldBudgets: {"team $0.0000001 per month"}, home.TierField(ids.FieldNeeds, approval.Low): {"3"}, home.TierField(ids.FieldNeeds, approval.Medium): {"3"}})
	require.NoError(t, err)
	require.Empty(t, wrong)
	_, err = h.carla.WaitView(h.patient(), func(v workspace.View) bool {
		return strings.Contains(v.Words(), "needs 3 approvals instead of 1") && strings.Contains(v.Words(), "by the budget of the workspace") && strings.Contains(v.Words(), "Nothing was changed by this.")
	})
	require.NoError(t, err)
	require.Equal(t, events, value[string](h, told), "nothing is written")
}

// A box that E2B has had and that nobody has paid for is killed as soon as it is found, and told the next day, with how long it was there.
func TestABoxThatNobodyHasPaidForIsTold(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	one, _ := h.run()
	h.share("sales.csv", "amount\n1\n")
	h.writes("print(1)")
	root := h.ask("How many rows has sales.csv?")
	h.approve(h.cardOf("How many rows"))
	h.reply(root)
	stray := cloud.Add(map[string]string{"countersign_installation": approval.Short(approval.Hash([]byte(h.program.SlackBotToken)))}, 2*time.Hour, 3*time.Hour)
	h.soon("the lists have had it, and have it no more", func() bool {
		return one.sweep(h.ctx) == nil && value[int](h, `SELECT count(*) FROM listed_boxes WHERE box = $1 AND gone_at IS NOT NULL`, stray) == 1
	})
	require.False(t, cloud.Box(stray).Alive)
	require.NoError(t, one.clerk.Daily(h.ctx, time.Now().UTC().Truncate(24*time.Hour).Add(29*time.Hour)))
	h.toldOnce(approval.NoticeDiffers, "E2B counts something else than we do", slacksim.Admin)

	var out bytes.Buffer
	p := h.program
	p.out, p.args = &out, []string{"--from", time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly), "--to", time.Now().UTC().Format(time.DateOnly)}
	require.NoError(t, reconcile(h.ctx, p))
	require.Regexp(t, `SECONDS +BY ITS LISTS +PAID +APART`, out.String())
	require.Regexp(t, `\d+\.\d +7\d\d\d\.\d +\$0\.00\d* +(9\d\.\d|100\.0)%  <-`, out.String())
}
