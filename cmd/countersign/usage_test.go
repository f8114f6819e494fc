package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/redact"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage"
	"countersign/storage/money"
	"countersign/storage/signing"
)

// spent is a database in which a draft and a run were paid for, and its settings.
func spent(t *testing.T) (environ []string, total budget.USD) {
	t.Helper()
	url, path := pgtest.Serve(pgtest.Database(t, migrated)), filepath.Join(t.TempDir(), "key")
	key, err := signing.Open(path)
	require.NoError(t, err)
	db, err := storage.Open(t.Context(), url, storage.Options{Key: key})
	require.NoError(t, err)
	defer db.Close()
	policy := approval.DefaultPolicy()
	r := approval.New(approval.Question{Team: "TEAM", Project: "CHAN", Asker: "MAYA", Text: "?", Trigger: "t"}, "small", budget.Dollar, policy, time.Now())
	r, _, err = db.Ask(t.Context(), r, approval.Session{Team: "TEAM", Channel: "CHAN"})
	require.NoError(t, err)
	_, err = db.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		r.Money().Settle(budget.Settlement{HoldID: r.Holds[0].ID, At: now, Charges: []budget.Charge{
			{Kind: budget.Tokens, What: "small", Amount: 3300 * budget.MicroDollar, Usage: budget.Usage{Model: "small-2512", Input: 100, Cached: 40, Output: 7}},
			{Kind: budget.Box, What: "local", BoxMS: 1500, Amount: 17 * budget.MicroDollar}}})
		return nil
	})
	require.NoError(t, err)
	again := approval.New(approval.Question{Team: "TEAM", Project: "CHAN", Asker: "BEN", Text: "?", Trigger: "u"}, "small", budget.Cent, policy, time.Now())
	again, _, err = db.Ask(t.Context(), again, approval.Session{Team: "TEAM", Channel: "CHAN"})
	require.NoError(t, err)
	_, err = db.Update(t.Context(), again.ID, func(r *approval.Request, now time.Time) error {
		r.Money().Settle(r.Holds[0].InFull(now, "small"))
		return nil
	})
	require.NoError(t, err)
	return []string{"DATABASE_URL=" + url, "SIGNING_KEY_FILE=" + path}, 3317*budget.MicroDollar + budget.Cent
}

// around is a stretch of dates with today in the middle of it.
func around() []string {
	now := time.Now().UTC()
	return []string{"--from", now.AddDate(0, 0, -1).Format(time.DateOnly), "--to", now.AddDate(0, 0, 1).Format(time.DateOnly)}
}

func TestUsageIsTheLedgerInEveryFormat(t *testing.T) {
	t.Parallel()
	environ, total := spent(t)
	ask := func(format string) string {
		var out, errs bytes.Buffer
		require.Zero(t, run(t.Context(), append([]string{"usage", "--format", format}, around()...), environ, &out, &errs), errs.String())
		require.Empty(t, errs.String())
		return out.String()
	}
	table := ask("table")
	require.Regexp(t, `(?m)^DAY +USER +CHANNEL +MODEL OR BOX +CHARGES +TOKENS IN +CACHED +OUT +BOX +COST$`, table)
	require.Regexp(t, `(?m)^\d{4}-\d\d-\d\d +MAYA +CHAN +small-2512 +1 +100 +40 +7 +0s +\$0\.0033$`, table)
	require.Regexp(t, `(?m)^\d{4}-\d\d-\d\d +MAYA +CHAN +local +1 +0 +0 +0 +1\.5s +\$0\.000017$`, table)
	require.Regexp(t, `(?m)^\d{4}-\d\d-\d\d +BEN +CHAN +small +1 +0 +0 +0 +0s +\$0\.01 \*$`, table)
	require.Regexp(t, `(?m)^all +\$0\.013317$`, table)
	require.Contains(t, table, "* partly an estimate")

	lines, err := csv.NewReader(bytes.NewBufferString(ask("csv"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 4)
	require.Equal(t, []string{"day", "team", "user", "channel", "kind", "model", "charges", "estimated",
		"input_tokens", "cached_tokens", "output_tokens", "box_ms", "usd"}, lines[0])
	var sum budget.USD
	for _, line := range lines[1:] {
		amount, err := budget.ParseUSD(line[12])
		require.NoError(t, err)
		sum += amount
	}
	require.Equal(t, total, sum)

	var rows []usageLine
	require.NoError(t, json.Unmarshal([]byte(ask("json")), &rows))
	require.Len(t, rows, 3)
	rows[2].Day = ""
	require.Equal(t, usageLine{Team: "TEAM", User: "MAYA", Channel: "CHAN", Kind: budget.Tokens, Model: "small-2512",
		Charges: 1, InputTokens: 100, CachedTokens: 40, OutputTokens: 7, USD: "0.0033"}, rows[2])
}

func TestTheLedgerIsPrintedChargeByChargeAndExactly(t *testing.T) {
	t.Parallel()
	environ, total := spent(t)
	ask := func(args ...string) string {
		var out, errs bytes.Buffer
		require.Zero(t, run(t.Context(), append(append([]string{"usage"}, args...), around()...), environ, &out, &errs), errs.String())
		require.Empty(t, errs.String())
		return out.String()
	}
	lines, err := csv.NewReader(strings.NewReader(ask("--ledger"))).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 4, "a heading and three charges")
	at := func(line []string, column string) string { return line[slices.Index(lines[0], column)] }
	require.Equal(t, []string{"small-2512", "MAYA", "CHAN", "draft", "0.0033", "1.00", "100", "40", "false"}, []string{at(lines[1], "model"), at(lines[1], "user"),
		at(lines[1], "channel"), at(lines[1], "for"), at(lines[1], "usd"), at(lines[1], "held_usd"), at(lines[1], "input_tokens"), at(lines[1], "cached_tokens"), at(lines[1], "estimated")})
	require.Equal(t, "true", at(lines[3], "estimated"))
	var rows []struct {
		USD   string `json:"usd"`
		BoxMS int64  `json:"box_ms"`
	}
	require.NoError(t, json.Unmarshal([]byte(ask("--ledger", "--format", "json")), &rows))
	require.Len(t, rows, 3)
	var sum, same budget.USD
	for i, row := range rows {
		one, err := budget.ParseUSD(row.USD)
		require.NoError(t, err)
		two, err := budget.ParseUSD(at(lines[i+1], "usd"))
		require.NoError(t, err)
		sum, same = sum+one, same+two
	}
	require.Equal(t, []budget.USD{total, total}, []budget.USD{sum, same})
	require.EqualValues(t, 1500, rows[1].BoxMS)

	page := ask("--format", "html")
	require.Contains(t, page, "<b>$0.013317</b> spent")
	require.Contains(t, page, "<b>$0.01</b> of it estimated")
	require.Contains(t, page, "People and channels stand by their ids in Slack.", "no token, no names")
	require.NotContains(t, strings.ToLower(page), "<script")
}

// What somebody called a channel is what they wrote, so it leaves the house as packs have it.
func TestNamesOnThePageOfAMonthAreMasked(t *testing.T) {
	t.Parallel()
	rules, err := redact.With("falcon")
	require.NoError(t, err)
	names := map[string]string{"C1": "#falcon-deal", "U1": "Maya <maya@leak.example>", "C2": "#sales"}
	name := masked(rules, func(_ budget.ScopeKind, id string) string { return names[id] })
	require.Equal(t, []string{"#[hidden masked]-deal", "Maya <[e-mail masked]>", "#sales"}, []string{name(budget.Project, "C1"), name(budget.User, "U1"), name(budget.Project, "C2")})
}

func TestUsageSaysWhatIsUncertain(t *testing.T) {
	t.Parallel()
	environ, total := spent(t)
	url := strings.TrimPrefix(environ[0], "DATABASE_URL=")
	key, err := signing.Read(strings.TrimPrefix(environ[1], "SIGNING_KEY_FILE="))
	require.NoError(t, err)
	db, err := storage.Open(t.Context(), url, storage.Options{Key: key})
	require.NoError(t, err)
	defer db.Close()
	r := approval.New(approval.Question{Team: "TEAM", Project: "CHAN", Asker: "CARL", Text: "?", Trigger: "v"}, "small", 3*budget.Cent, approval.DefaultPolicy(), time.Now())
	r, _, err = db.Ask(t.Context(), r, approval.Session{Team: "TEAM", Channel: "CHAN"})
	require.NoError(t, err)
	_, err = db.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		require.NoError(t, r.Found(nil, "", false, false, now))
		require.NoError(t, r.Money().Call(3*budget.Cent, budget.Cent, approval.Addressee{}, approval.DefaultPolicy(), now))
		hold, _ := r.Money().CalledHold()
		r.Money().Conclude(hold, budget.Cent, budget.Settlement{At: now}, budget.Cent)
		return nil
	})
	require.NoError(t, err)
	var out, errs bytes.Buffer
	require.Zero(t, run(t.Context(), append([]string{"usage"}, around()...), environ, &out, &errs), errs.String())
	require.Contains(t, out.String(), "all ", "what was spent is added up by itself")
	require.Contains(t, out.String(), total.String())
	require.Regexp(t, `(?m)^\d{4}-\d\d-\d\d \d\d:\d\d +CARL +CHAN +small +`+r.ID+` +\$0\.03 +\d{4}-\d\d-\d\d \d\d:\d\d$`, out.String())
	require.Contains(t, out.String(), "Uncertain: nobody has said yet what 1 call cost. Up to $0.03 is reserved")
}

func TestUsageOfATimeWithoutAnyIsEmpty(t *testing.T) {
	t.Parallel()
	environ, _ := spent(t)
	for format, want := range map[string]string{"table": "Nothing was spent in this time.\n", "json": "[]\n",
		"csv": "day,team,user,channel,kind,model,charges,estimated,input_tokens,cached_tokens,output_tokens,box_ms,usd\n"} {
		var out, errs bytes.Buffer
		require.Zero(t, run(t.Context(), []string{"usage", "--from=2020-02-01", "--to=2020-02-29", "--format=" + format}, environ, &out, &errs), errs.String())
		require.Equal(t, want, out.String())
	}
}

func TestUsageSaysWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for said, args := range map[string][]string{
		`--from "yesterday" is not a date`:                   {"--from", "yesterday"},
		`--to "2026-02-30" is not a date`:                    {"--to", "2026-02-30"},
		`--to 2026-01-01 lies before --from 2026-01-02`:      {"--from", "2026-01-02", "--to", "2026-01-01"},
		`--format is table, csv, json or html, not "xml"`:    {"--format", "xml"},
		`--ledger is printed as csv or json, not "html"`:     {"--ledger", "--format", "html"},
		`--month "november" is not a month, such as 2026-11`: {"--month", "november"},
		`"november" is not understood`:                       {"november"},
		`flag provided but not defined: -user`:               {"--user", "maya"},
		`flag needs an argument: -from`:                      {"--from"},
	} {
		var out, errs bytes.Buffer
		require.Equal(t, 1, run(t.Context(), append([]string{"usage"}, args...), nil, &out, &errs))
		require.Equal(t, "countersign: "+said+". "+usageExample+"\n", errs.String())
		require.Empty(t, out.String())
	}
	said := func(args ...string) string {
		o, err := readUsageArgs(args, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC))
		require.NoError(t, err)
		return o.from.Format(time.DateOnly) + " " + o.to.Format(time.DateOnly) + " " + o.format
	}
	require.Equal(t, "2026-11-01 2026-11-22 table", said(), "this month so far")
	require.Equal(t, "2026-02-01 2026-02-28 html", said("--month", "2026-02", "--format", "html"))
	require.Equal(t, "2026-11-01 2026-11-22 csv", said("--ledger"))
}

func TestUsageNeedsADatabaseThatIsUpToDate(t *testing.T) {
	t.Parallel()
	var out, errs bytes.Buffer
	require.Equal(t, 1, run(t.Context(), []string{"usage"}, []string{"DATABASE_URL=" + pgtest.Database(t, nil)}, &out, &errs))
	require.Contains(t, errs.String(), "countersign: the database is not up to date: run `countersign migrate` (missing: 0001_events, ")
	errs.Reset()
	require.Equal(t, 1, run(t.Context(), []string{"usage"}, []string{"DATABASE_URL=postgres://127.0.0.1:1/x"}, &out, &errs))
	require.Contains(t, errs.String(), "connection refused")
}

func TestUsageThatCannotBePrintedIsAnError(t *testing.T) {
	t.Parallel()
	for _, print := range []func(list []money.Usage) error{
		func(list []money.Usage) error { return usageTable(full{}, list) },
		func(list []money.Usage) error { return usageCSV(full{}, list) },
		func(list []money.Usage) error { return usageJSON(full{}, list) },
	} {
		require.ErrorContains(t, print([]money.Usage{{}}), "no space")
	}
}

// full is a disk with no room left.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }
