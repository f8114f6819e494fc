package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/books"
	"countersign/budget"
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
			if _, _, err := db.Notice(t.Context(), "differs "+team+" "+provider+" "+time.Now().UTC().Format(time.DateOnly)); err == nil {
				notices++
			} else {
				require.ErrorIs(t, err, approval.ErrNotFound)
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
	for said, args := range map[string][]string{
		"no provider can be asked":              {},
		"--provider says whose file it is":      {file},
		`--from "x" is not a date`:              {"--from", "x"},
		`--to "2020-01-01" is not a date after`: {"--from", "2020-01-02", "--to", "2020-01-01"},
	} {
		out.Reset()
		errs.Reset()
		require.Equal(t, 1, run(t.Context(), append([]string{"reconcile"}, args...), environ, &out, &errs))
		require.Contains(t, errs.String(), said)
	}
}
