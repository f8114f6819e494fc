package accounts

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

var november = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// month is what a small team spent: three people, two providers, a box and a check.
func month() (list []budget.Booking) {
	at := func(day int) time.Time { return november.AddDate(0, 0, day-1).Add(9 * time.Hour) }
	token := func(day int, who, where, model, provider, host string, input, cached, output int64, amount budget.USD) {
		list = append(list, budget.Booking{Team: "T1", At: at(day), HoldID: "h", Line: 1, RequestID: "r", Asker: who, Project: where, Purpose: budget.ForDraft, Kind: budget.Tokens,
			Model: model, Provider: provider, Host: host, InputTokens: input, CachedTokens: cached, OutputTokens: output, Amount: amount, Held: 2 * amount})
	}
	for day := 1; day <= 27; day++ {
		token(day, "U1", "C1", "codestral-2508", "Mistral", "api.mistral.ai", 41_200, 12_000, 2_900, 14970*budget.MicroDollar)
		if day%3 == 0 {
			token(day, "U2", "C2", "claude-sonnet-5-5", "Anthropic", "api.anthropic.com", 18_000, 0, 5_100, 87*budget.Cent)
		}
	}
	list = append(list, budget.Booking{Team: "T1", At: at(3), RequestID: "r", Asker: "U3", Project: "D9", Purpose: budget.ForRun, Kind: budget.Box, Model: "e2b", BoxMS: 61_500, Amount: 2276 * budget.MicroDollar, Estimated: true},
		budget.Booking{Team: "T1", At: at(4), Asker: "countersign", Project: "countersign", Purpose: "check", Kind: budget.Box, Model: "local", BoxMS: 4_000, Amount: 0})
	return list
}

func names(kind budget.ScopeKind, id string) string {
	return map[string]string{"U1": "Maya Analyst", "U2": `Carla <script>alert(1)</script>`, "U3": "=HYPERLINK(1)", "C1": "#sales-data", "C2": "#finance", "D9": "Direct messages"}[id]
}

func TestThePageOfAMonthAddsUpAndHoldsNoScript(t *testing.T) {
	t.Parallel()
	p := NewPage(november, november.AddDate(0, 1, 0), names)
	p.Workspace, p.Named, p.Made, p.MadeBy, p.Checkpoint = "Acme", true, november.AddDate(0, 1, 0), "countersign test", "checkpoint 12 of 3,021 entries"
	p.Before, p.Uncertain, p.Calls = 7*budget.Dollar, 3*budget.Cent, 1
	p.Budgets = []BudgetLine{{"The workspace", 8 * budget.Dollar, 200 * budget.Dollar, budget.Month}, {"Maya Analyst", 41 * budget.Cent, 10 * budget.Dollar, budget.None}}
	var total budget.USD
	for _, b := range month() {
		total += b.Amount
		require.NoError(t, p.Add(b))
	}
	var out bytes.Buffer
	require.NoError(t, p.Write(&out))
	page := out.String()
	if dir := os.Getenv("COUNTERSIGN_PICTURES"); dir != "" {
		require.NoError(t, os.WriteFile(dir+"/month.html", out.Bytes(), 0o600))
	}
	require.Equal(t, total, p.Total)
	for _, list := range [][]Sum{p.Providers, p.People, p.Channels, p.Days} {
		var sum budget.USD
		for _, s := range list {
			sum += s.Amount
		}
		require.Equal(t, total, sum, "each list is all of it")
	}
	require.NotContains(t, page, "<script")
	require.Contains(t, page, "default-src &#39;none&#39;; style-src &#39;sha256-")
	for _, said := range []string{"<h1>What Countersign spent, November 2026</h1>", "Workspace Acme", "<b>" + total.String() + "</b> spent", "in the month before", "Mistral (api.mistral.ai)", "E2B", "$7.830000", "this machine",
		"Maya Analyst", "#sales-data", "1,112,400", "Countersign&#39;s own checks", "at most may come on top", "of it estimated", "$200.00 a month", "$8.000000", "Friday, 27 November", "checkpoint 12 of 3,021 entries", "Checked by"} {
		require.Contains(t, page, said)
	}
	require.NotContains(t, page, "not over")

	p.Made = november.AddDate(0, 0, 3)
	out.Reset()
	require.NoError(t, p.Write(&out))
	require.Contains(t, out.String(), "this period is not over")
	require.ErrorContains(t, p.Write(full{}), "no space")

	out.Reset()
	require.NoError(t, NewPage(november, november.AddDate(0, 1, 0), names).Write(&out))
	require.Contains(t, out.String(), "Nothing was spent.")
}

// Two people of one name are two lines, and so is one day of two years. What an administrator has said after a copy
// was put back is no provider's.
func TestLinesOfThePageAreToldApartByIds(t *testing.T) {
	t.Parallel()
	p := NewPage(november, november.AddDate(7, 0, 0), func(budget.ScopeKind, string) string { return "Maya" })
	for _, b := range []budget.Booking{{RequestID: "r", Asker: "U1", Project: "C1", Provider: "Mistral", At: november, Amount: 3}, {RequestID: "q", Asker: "U2", Project: "C2", Provider: "Mistral", At: november.AddDate(6, 0, 0), Amount: 2},
		{Asker: "countersign", Project: "countersign", Kind: budget.Box, Model: budget.AfterCopy, At: november, Amount: 1}} {
		require.NoError(t, p.Add(b))
	}
	p.close()
	people := []Sum{{Name: "Maya", Charges: 1, Amount: 3, At: november}, {Name: "Maya", Charges: 1, Amount: 2, At: november.AddDate(6, 0, 0)}, {Name: saidAfter, Charges: 1, Amount: 1, At: november}}
	require.Equal(t, people, p.People)
	require.Equal(t, people, p.Channels)
	require.Equal(t, []Sum{{Name: "Mistral", Charges: 2, Amount: 5, At: november}, {Name: saidAfter, Charges: 1, Amount: 1, At: november}}, p.Providers)
	require.Len(t, p.Days, 2)
	require.Equal(t, p.Days[0].Name, p.Days[1].Name)
}

func TestTheLedgerIsTameInEveryFormat(t *testing.T) {
	t.Parallel()
	b := budget.Booking{Team: "T1", At: november.Add(time.Nanosecond * 1000), HoldID: "=h", Line: 2, RequestID: "r1", Asker: "@evil", Thread: "s", Project: "-C", Purpose: budget.ForRun, Kind: budget.Box,
		Model: "+e2b", BoxMS: 1500, Amount: 3_333_333_333, Held: 4 * budget.Dollar, Estimated: true}
	var sheet, list bytes.Buffer
	for _, l := range []Ledger{NewCSV(&sheet), NewJSON(&list)} {
		require.NoError(t, l.Add(b))
		require.NoError(t, l.Add(b))
		require.NoError(t, l.Close())
	}
	lines, err := csv.NewReader(&sheet).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 3)
	require.Equal(t, []string{"2026-11-01T00:00:00.000001Z", "T1", "'=h", "2", "r1", "'@evil", "s", "'-C", "run", "box", "'+e2b", "", "", "0", "0", "0", "0", "1500", "3.333333333", "4.00", "true"}, lines[1])
	var objects []map[string]any
	require.NoError(t, json.Unmarshal(list.Bytes(), &objects))
	require.Len(t, objects, 2)
	require.Equal(t, "3.333333333", objects[0]["usd"], "text: a number would be rounded")
	require.Equal(t, "@evil", objects[0]["user"], "no spreadsheet reads this one")
	require.Equal(t, []any{float64(1500), true}, []any{objects[1]["box_ms"], objects[1]["estimated"]})
	list.Reset()
	require.NoError(t, NewJSON(&list).Close())
	require.Equal(t, "[]\n", list.String())

	for _, l := range []Ledger{NewCSV(full{}), NewJSON(full{})} {
		err := l.Add(b)
		require.ErrorContains(t, errors.Join(err, l.Close()), "no space")
	}
	require.Equal(t, "2 November 2026 to 30 November 2026", NewPage(november.AddDate(0, 0, 1), november.AddDate(0, 1, 0), names).span())
	require.Equal(t, "under 1%", share(1, 1000))
	require.Equal(t, "1,234,567", thousands(1234567))
	require.True(t, strings.HasPrefix(Dollars(5*budget.Cent), "0.05"))
}

// full is a disk with no room left.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }
