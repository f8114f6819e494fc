package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw/reasons"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// decided runs the command as a person would.
func (h *house) decided(args ...string) (said string, err error) {
	var out lockedBuffer
	p := h.program
	p.out, p.args = &out, args
	err = decide(h.ctx, p)
	return out.String(), err
}

// by is decided by another user of the machine.
func (h *house) by(osUser string, args ...string) (said string, err error) {
	was := h.program
	defer func() { h.program = was }()
	h.program.seat = func() (string, string, error) { return osUser, "laptop", nil }
	return h.decided(args...)
}

// The rules keep a tier out of Slack: it is decided on the command line, by the
// same people under the same rules, and what was approved runs.
func TestTheOtherDoor(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	h.program.Admins = []string{slacksim.Admin, slacksim.Analyst} // so the run is paid by an administrator's budget
	r, _ := h.run()
	rules := review.DefaultRules(r.service.Policy)
	rules.Low.Slack, rules.Low.Approvals = false, 2
	_, err := r.service.SetRules(h.ctx, approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.Admin}, review.RuleSet{Rules: rules})
	require.NoError(t, err)
	h.shareSamples()
	h.writes(`import pandas as pd
pd.read_csv("sales.csv")["units"].sum()`)
	root := h.ask("How many units in sales.csv?")
	for value[string](h, `SELECT state FROM requests`) != "pending" {
		require.NoError(t, h.ctx.Err())
		time.Sleep(20 * time.Millisecond)
	}
	id, digest := value[string](h, `SELECT id FROM requests`), value[string](h, `SELECT digest FROM revisions`)
	_, err = r.service.Decide(h.ctx, steps.Ruling{RequestID: id, Revision: 1, Digest: digest, Verdict: approval.Approve,
		Click: approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.Reviewer, ActionTS: "1.2"}})
	var no *approval.NotAllowedError
	require.ErrorAs(t, err, &no)
	require.Contains(t, reasons.Words(no.Why), "countersign decide "+id)

	card, err := h.decided(id)
	require.NoError(t, err)
	for _, shown := range []string{id + ", pending", "How many units in sales.csv?", "sales.csv", "rows", "the model's words", "low", "network: none", "at most $", "0 of 2",
		`    2  pd.read_csv("sales.csv")["units"].sum()`, digest, "--digest " + digest[:6]} {
		require.Contains(t, card, shown)
	}
	for why, args := range map[string][]string{
		"named as reviewers can decide": {id, "approve", "--as", slacksim.Analyst, "--digest", digest[:8]},
		"begins with 000000":            {id, "approve", "--as", slacksim.Reviewer, "--digest", "000000"},
		"Please say why":                {id, "reject", "--as", slacksim.Reviewer, "--digest", digest},
		"there is no request zzzzzzz":   {"zzzzzzz"},
	} {
		_, err := h.decided(args...)
		require.ErrorContains(t, err, why)
	}
	h.writes(`import pandas as pd
int(pd.read_csv("sales.csv")["units"].sum())`)
	said, err := h.decided(id, "changes", "--as", slacksim.Reviewer, "--digest", digest[:6], "--reason", "As a whole number.")
	require.NoError(t, err)
	require.Contains(t, said, "Another version is written")
	for value[int](h, `SELECT count(*) FROM revisions`) != 2 {
		require.NoError(t, h.ctx.Err())
		time.Sleep(20 * time.Millisecond)
	}
	digest = value[string](h, `SELECT digest FROM revisions WHERE number = 2`)
	card, err = h.decided(id)
	require.NoError(t, err)
	for _, shown := range []string{"Since version 1: 1 line added, 1 removed", "As a whole number.", `- 2  pd.read_csv("sales.csv")["units"].sum()`, "+ 2  int("} {
		require.Contains(t, card, shown)
	}
	for role, amount := range map[string]budget.USD{budget.Members: 0, budget.Admins: budget.Dollar} {
		require.NoError(t, r.service.SetLimit(h.ctx, slacksim.Admin, budget.Limit{Scope: budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.Role, ID: role},
			Amount: amount, Window: budget.Month}))
	}
	said, err = h.decided(id, "approve", "--as", slacksim.Reviewer, "--digest", digest[:6])
	require.NoError(t, err)
	require.Contains(t, said, "1 of 2 approvals")
	_, err = h.decided(id, "approve", "--as", slacksim.Reviewer, "--digest", digest[:6])
	require.ErrorContains(t, err, "You have already decided")
	_, err = h.decided(id, "approve", "--as", slacksim.SecondReviewer, "--digest", digest[:12])
	require.ErrorContains(t, err, "has already decided on this version. One user has one say")
	said, err = h.by("priya", id, "approve", "--as", slacksim.SecondReviewer, "--digest", digest[:12])
	require.NoError(t, err)
	require.Contains(t, said, "It runs in a minute, unless "+slacksim.SecondReviewer+" says in Slack that it was not them.\nRecorded beside "+slacksim.SecondReviewer+": priya on laptop.")
	card, err = h.decided(id)
	require.NoError(t, err)
	require.Contains(t, card, ", on the command line as priya on laptop\n")
	for value[int](h, `SELECT count(*) FROM runs`) == 0 { // a minute, by the database's clock
		require.NoError(t, h.ctx.Err())
		time.Sleep(time.Second)
	}
	require.GreaterOrEqual(t, value[float64](h, `SELECT extract(epoch FROM started_at - (SELECT max(at) FROM decisions))::float8 FROM runs`), 60.0)
	h.reply(root)
	require.Equal(t, 2, value[int](h, `SELECT count(*) FROM decisions WHERE click ->> 'door' = 'command line' AND verdict = 'approve'`))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM runs`))
	h.settled()
	_, err = h.decided(id, "reject", "--as", slacksim.Reviewer, "--digest", digest[:6], "--reason", "late")
	require.ErrorContains(t, err, "done")
	card, err = h.decided(id)
	require.NoError(t, err)
	require.Contains(t, card, "2 of 2")
	require.NotContains(t, card, "To decide:")
}

func TestWhatDecideDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	for why, args := range map[string][]string{
		"name the request":               nil,
		`not "maybe"`:                    {"abc", "maybe"},
		"--as says who":                  {"abc", "approve", "--digest", "abcdef"},
		"at least 6 characters":          {"abc", "approve", "--as", "U1", "--digest", "abc"},
		`"loudly" is not understood`:     {"abc", "approve", "--as", "U1", "--digest", "abcdef", "loudly"},
		"flag provided but not defined:": {"abc", "approve", "--force"},
	} {
		_, err := readDecideArgs(args)
		require.ErrorContains(t, err, why)
		require.ErrorContains(t, decide(t.Context(), program{args: args}), decideExample)
	}
	require.ErrorContains(t, decide(t.Context(), program{args: []string{"abc"}}), "SLACK_BOT_TOKEN is not set")
}

// What a file, a model or a person has supplied is printed, and not obeyed by a terminal.
func TestTheCardInATerminalSaysWhatItHolds(t *testing.T) {
	t.Parallel()
	const odd = "x\x1b[2J"
	v := &steps.View{Earlier: []string{"And " + odd}, Frozen: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC), FrozenBy: "Thu " + odd, Former: &approval.Revision{Number: 1, Code: "1\n"}, Request: &approval.Request{
		ID: "bcd23fg", State: approval.Pending, Question: odd, Reason: approval.Words("sales.csv has changed."), Guest: true, Shared: true, Asker: "theo",
		Files:    []approval.File{{Name: odd, Shared: &approval.Sharing{By: "maya"}, Reading: &reading.Reading{Kind: "text", Tables: []reading.Table{{Name: odd, Columns: []reading.Column{{Name: odd, Type: "text"}}}}}}},
		Refused:  []approval.Refusal{{Code: odd, Reason: "No " + odd}},
		Revision: &approval.Revision{Number: 2, Code: "2\n", Author: odd, Summary: odd, Digest: "abcdef01", Findings: []approval.Finding{{Text: odd}}}}}
	table := &v.Request.Files[0].Reading.Tables[0]
	for len(table.Columns) < 103 {
		table.Columns = append(table.Columns, reading.Column{Name: "more", Type: "text"})
	}
	var out strings.Builder
	require.NoError(t, textCard(&out, v, func(user string) string { return user }))
	require.NotContains(t, out.String(), "\x1b")
	for _, shown := range []string{"because: sales.csv has changed.", "theo, a guest", "Slack Connect", ", shared by maya, ", "(text)", "an earlier draft: No x", "Before     And x", "Waits      until 2026-12-24T00:00:00Z: Thu x", "+ 1  2", "- 1  1", "; and 3 more\n"} {
		require.Contains(t, out.String(), shown)
	}
}
