// Package sample provides the views that tests draw: one request, and functions that
// change it. The goldens of bot/draw are drawn from these, so a change here changes them:
// what only one test needs is changed in that test.
package sample

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/approval/thread"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// Noon is when everything in these tests happens.
var Noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

const SampleCode = `import pandas as pd

sales = pd.read_csv("sales.csv")
sales.groupby("month")["amount"].sum()
`

// View is a request that waits for a reviewer, as it is drawn.
func View(change ...func(v *steps.View)) *steps.View {
	r := &approval.Request{
		ID: "bcd23fg", SessionID: "s123456789", Team: slacksim.DefaultTeam.ID, Project: slacksim.SalesData, Asker: slacksim.Analyst,
		Question: "What were sales per month in sales.csv?", Model: "mistral-medium-2508", State: approval.Pending, Attempts: 1,
		CreatedAt: Noon, ChangedAt: Noon, ExpiresAt: Noon.Add(24 * time.Hour),
		Files: []approval.File{{ID: "F1", Name: "sales.csv", Size: 1234, SHA256: approval.Hash([]byte("data")), ReadAs: approval.Hash([]byte("reading")),
			Reading: &reading.Reading{Version: 1, Kind: "text", Encoding: "utf-8", Sure: 1, Tables: []reading.Table{{Rows: 1204, Delimiter: ",", HeadingLine: 1, HeadingRows: 1,
				Columns: []reading.Column{{Name: "month", Type: "text"}, {Name: "amount", Type: "number"}}}}}}},
	}
	v := &steps.View{Request: r, Session: approval.Session{ID: r.SessionID, Team: r.Team, Channel: r.Project},
		Bill: []steps.Spend{{Purpose: budget.ForDraft, Charges: []budget.Charge{
			{Kind: budget.Tokens, What: "mistral-medium-2508", Provider: "Mistral", Host: "api.mistral.ai", Usage: budget.Usage{Model: "mistral-medium-2508", Input: 1834, Output: 212}, Amount: 1_158_000},
			{Kind: budget.Box, What: "local", BoxMS: 412, Amount: 3_000}}}},
		Standings: []budget.Standing{{Limit: budget.Limit{Scope: budget.Scope{Team: r.Team, Kind: budget.User, ID: r.Asker}, Amount: 10 * budget.Dollar,
			Window: budget.Month, Default: true}, Spent: 2_120_000_000, ResetsAt: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}},
		Posts: map[steps.Surface]steps.Post{}, Now: Noon, Deciders: []string{slacksim.Reviewer, slacksim.SecondReviewer},
		Terms: review.Terms{Tier: approval.Low, Approvals: 1, Slack: true, Policy: "settings"}}
	Code(SampleCode)(v)
	for _, c := range change {
		c(v)
	}
	return v
}

// Lengthy is a question at the end of a long thread.
func Lengthy(v *steps.View) {
	rev := v.Request.Revision
	rev.Manifest.Thread = approval.Context{Whole: []string{"q7x2mkd", "b3n9wqz"}, Summary: "h4kz82nq", Left: 1}
	rev.Digest = rev.Manifest.Digest()
	v.Earlier = []string{"And by region?", "Only the north, please."}
	v.Bill = append(v.Bill, steps.Spend{Purpose: budget.ForSummary, Charges: []budget.Charge{
		{Kind: budget.Tokens, What: "mistral-medium-2508", Provider: "Mistral", Host: "api.mistral.ai", Usage: budget.Usage{Model: "mistral-medium-2508", Input: 4210, Output: 180}, Amount: 2_044_000}}})
}

// Past is what was said before it.
func Past() (p thread.Past) {
	for _, id := range []string{"r1", "r2", "r3"} {
		p.Said = append(p.Said, approval.Message{RequestID: id, Role: approval.RoleQuestion, Text: "What were sales?"})
	}
	for id, question := range []string{"And by region?", "Only the north, please."} {
		request := []string{"q7x2mkd", "b3n9wqz"}[id]
		p.Said = append(p.Said, approval.Message{RequestID: request, Role: approval.RoleQuestion, Text: question},
			approval.Message{RequestID: request, Role: approval.RoleCode, Text: SampleCode}, approval.Message{RequestID: request, Role: approval.RoleResult, Text: "outcome: ok\ntable (4 rows, 2 columns)\n"})
	}
	p.Summaries = []approval.Summary{{ID: "h4kz82nq", Of: []string{"r1", "r2", "r3"}, Text: "They asked for sales per month in sales.csv, then per week. A month is a calendar month.\nRows without an amount are left out.",
		Model: "mistral-medium-2508", Provider: "Mistral", Host: "api.mistral.ai", At: Noon}}
	return p
}

// Offered are models of Mistral, which may be asked.
func Offered(models ...string) (all []steps.Offered) {
	for _, m := range models {
		all = append(all, steps.Offered{Offer: review.Offer{Model: m, Addressee: approval.Addressee{Provider: "Mistral", Host: "api.mistral.ai"}, Own: true, Window: 128_000, Good: "quick programs"},
			Price: &budget.ModelPrice{Model: m, Input: 30 * budget.Cent, Output: 90 * budget.Cent}})
	}
	return all
}

// Code puts a program before the reviewers. Its manifest is of version 1, which seals no tier.
func Code(code string) func(v *steps.View) {
	return func(v *steps.View) {
		m := approval.Manifest{Version: 1, CodeSHA256: approval.Hash([]byte(code)), Sandbox: "local", Template: "python-3.11",
			Inputs: []approval.Input{{Name: "sales.csv", SHA256: approval.Hash([]byte("data"))}}, Limits: approval.DefaultPolicy().Limits, CostCap: 4_100_000}
		v.Request.Revision = &approval.Revision{RequestID: v.Request.ID, Number: 1, Code: code, Summary: "Sums the amounts of each month.",
			Author: "mistral-medium-2508", Provider: "Mistral", Host: "api.mistral.ai", Findings: []approval.Finding{{Level: approval.Note, Line: 3, Text: "reads sales.csv"}}, Manifest: m, Digest: m.Digest(), At: Noon}
		v.Terms.Digest = m.Digest()
	}
}

// In brings a request into a state, with what belongs to it.
// why is at most one reason; it is variadic so that most tests can leave it out.
func In(state approval.State, why ...approval.Reason) func(v *steps.View) {
	return func(v *steps.View) {
		r := v.Request
		r.State, r.Reason = state, approval.Reason{}
		for _, why := range why {
			r.Reason = why
		}
		decide := func(verdict approval.Verdict, who, words string) {
			r.Decisions = append(r.Decisions, approval.Decision{RequestID: r.ID, Revision: 1, Digest: r.Revision.Digest, Reviewer: who, Verdict: verdict, Reason: words, At: Noon.Add(time.Minute)})
		}
		switch state {
		case approval.Rejected:
			decide(approval.Reject, slacksim.Reviewer, r.Reason.Said)
			r.Reason = approval.Because(approval.WhyRejected)
		case approval.Approved, approval.Running, approval.Done, approval.Lost:
			decide(approval.Approve, slacksim.Reviewer, "")
		case approval.Drafting:
			r.Revision = nil
		case approval.Asking:
			r.Revision = nil
			r.Files = []approval.File{{ID: "F1", Name: "sales.csv", Size: 1234, SHA256: approval.Hash([]byte("data")), Reading: &reading.Reading{Version: 1, Kind: "text", Tables: []reading.Table{{
				Columns: []reading.Column{{Name: "amount", Type: "text", Thousands: "."}}, Odd: []reading.Odd{{Code: "ambiguous_thousands", Column: "amount", Count: 12}}}}}}}
		}
		if state == approval.Running || state == approval.Done || state == approval.Lost {
			r.Run = &approval.Run{RequestID: r.ID, BoxID: "box", StartedAt: Noon.Add(2 * time.Minute)}
		}
		if state.Final() {
			r.ExpiresAt = time.Time{}
		}
	}
}

// Told is a request whose asker has said how its file is read.
func Told(v *steps.View) {
	f := &v.Request.Files[0]
	f.Answers = []reading.Answered{{Doubt: reading.Doubt{Code: "told_heading"}, Says: "4", By: slacksim.Analyst, Content: f.SHA256},
		{Doubt: reading.Doubt{Code: "told_decimal"}, Says: ",", By: slacksim.OtherAnalyst, Content: f.SHA256}}
}

// Guessed is a question about a text whose encoding is a guess.
func Guessed(v *steps.View) {
	v.Request.Files[0].Reading = &reading.Reading{Version: 1, Kind: "text", Encoding: "cp850", Others: []string{"cp1252"}, Tables: []reading.Table{{Rows: 2, Columns: []reading.Column{{Name: "Ort", Type: "text"}}}}}
}

// Sheets is a request about a workbook of two sheets and a text.
func Sheets(v *steps.View) {
	two := []reading.Table{{Name: "Notes", Rows: 2, Columns: make([]reading.Column, 1)}, {Name: "Data", Rows: 12, Columns: make([]reading.Column, 3)}}
	v.Request.Files = append(v.Request.Files, approval.File{ID: "F2", Name: "plan.xlsx", SHA256: approval.Hash([]byte("plan")), Reading: &reading.Reading{Version: 1, Kind: "xlsx", Tables: two}})
}

// Outside is a question of a guest, in a channel that another organisation is in.
func Outside(v *steps.View) {
	v.Request.Guest, v.Request.Shared, v.Request.Project = true, true, slacksim.Partners
	v.Request.Files[0].Shared = &approval.Sharing{By: slacksim.OtherAnalyst, At: Noon.Add(-24 * time.Hour)}
	v.Request.Asker = slacksim.Guest
}

// Refused is the sample after two drafts that nobody was shown.
func Refused(v *steps.View) {
	v.Request.Refused = []approval.Refusal{{Code: "sales = load(\"salse.csv\")\n", Reason: "Line 1: it reads \"salse.csv\", which is no input. The inputs are \"sales.csv\"."},
		{Reason: "The answer holds two programs. One is needed."}}
}

// Offering is a question whose asker is offered what somebody has told before.
func Offering(v *steps.View) {
	Told(v)
	f := &v.Request.Files[0]
	f.Offered, f.Answers = f.Answers, nil
}

// Clarifying has the model ask the asker.
func Clarifying(question string, choices ...string) func(v *steps.View) {
	return func(v *steps.View) {
		v.Request.Clarified = []approval.Clarification{{Question: question, Choices: choices, AskedAt: Noon}}
	}
}

// With gives a request the result of its run.
func With(res approval.Result, files ...approval.Artifact) func(v *steps.View) {
	return func(v *steps.View) {
		In(approval.Done)(v)
		v.Request.Run.FinishedAt = Noon.Add(3 * time.Minute)
		res.Artifacts = files
		v.Request.Run.Result = &res
		v.Artifacts = files
		v.Bill = append(v.Bill, steps.Spend{Purpose: budget.ForRun, Charges: []budget.Charge{{Kind: budget.Box, What: "local", BoxMS: 3200, Amount: 21_000}}})
	}
}

// Noted gives the channel notes, by which the code was written.
func Noted(v *steps.View) {
	n := review.Notes{Version: 4, Text: "Revenue is net of VAT.\nNA is a region, not a missing value.", Currency: "EUR", YearBegins: 4}
	v.Book.Notes, v.Book.Own = n, review.RuleSet{Project: v.Request.Project, Version: 4, Rules: review.Rules{Notes: &n, Follows: true}}
	v.Request.Revision.Manifest.Notes = n.Seal(v.Request.Project)
}

// Long is too long for a card, by its lines.
func Long(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "print(%d)  # a line that is not short, so that the program is long\n", i)
	}
	return b.String()
}

// Second is the sample after a round: another version, because a reviewer or an
// editor wanted it so.
func Second(author string) func(v *steps.View) {
	return func(v *steps.View) {
		former := *v.Request.Revision
		v.Former = &former
		Code(strings.Replace(former.Code, `groupby("month")["amount"].sum()`, `groupby("month")["amount"].sum().round(2)`+"\n# whole months only", 1))(v)
		v.Request.Revision.Number, v.Request.Revision.Author, v.Request.Rounds = 2, author, 1
		if !strings.HasPrefix(author, "U") {
			v.Request.Wishes = []approval.Wish{{Revision: 1, Code: former.Code, By: slacksim.Reviewer, Words: "Round to cents, please.", At: Noon}}
			return
		}
		v.Request.Revision.Provider, v.Request.Revision.Host = "", "" // a person was asked by nobody
	}
}

// Risky is the sample as it looks when it asks for care.
func Risky(v *steps.View) {
	v.Terms = review.Terms{Tier: approval.High, Why: []string{"The inspection found 2 dangers.", "The data of this channel is confidential."}, Policy: "team/3",
		Approvals: 2, Typed: true, Slack: true, Digest: v.Request.Revision.Digest}
	v.Request.Revision.Findings = []approval.Finding{{Level: approval.Note, Line: 3, Text: "reads sales.csv"}, {Level: approval.Danger, Line: 4, Text: "starts another program"},
		{Level: approval.Danger, Line: 3, Text: "starts another program"}, {Level: approval.Caution, Text: "uses getattr with a computed name"}}
	v.Request.Revision.Manifest.Policy = "team/3"
	v.Request.Decisions = []approval.Decision{{RequestID: v.Request.ID, Revision: 1, Digest: v.Request.Revision.Digest, Reviewer: slacksim.SecondReviewer, InPlaceOf: slacksim.Reviewer,
		Verdict: approval.Approve, At: Noon.Add(time.Minute)}}
}

// Cautious is the sample with a wall of findings, none of which is a danger.
func Cautious(v *steps.View) {
	for line, text := range []string{"uses getattr with a computed name", "reads plan.csv, which is no input", "drops rows and does not count them", "a number is written, not computed"} {
		v.Request.Revision.Findings = append(v.Request.Revision.Findings, approval.Finding{Level: approval.Caution, Line: line + 1, Text: text})
	}
	v.Request.Revision.Findings = append(v.Request.Revision.Findings, approval.Finding{Level: approval.Caution, Text: "imports a module that is not on the list: sched"})
	v.Terms.Tier, v.Terms.Why = approval.Medium, []string{"The inspection found 5 cautions."}
}

// Canonical is code that approval.Canonical lets through: each of its lines does, and the
// longest that can be drawn stays below approval.MaxCode.
func Canonical(t *rapid.T) string {
	line := rapid.OneOf(rapid.StringMatching(`[a-z ]{0,20}= "[ -~]{0,60}"`), rapid.Just(""), rapid.StringMatching("\t?x = '[äöüж€😀`<&>*_~|]{0,12}'"),
		rapid.StringMatching(`[a-z]{150,190}`), rapid.Just("  1  x = 1")).Filter(func(line string) bool {
		_, err := approval.Canonical("x = 1\n" + line + "\nx = 1\n")
		return err == nil
	})
	code := strings.Join(rapid.SliceOfN(line, 1, rapid.SampledFrom([]int{5, 80, 90, 200}).Draw(t, "lines")).Draw(t, "code"), "\n")
	out, err := approval.Canonical(code + "\nx = 1\n")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Doubtful is a question whose call nobody knows the cost of.
func Doubtful(v *steps.View) {
	v.Bill = nil
	v.Request.Holds = []budget.OpenHold{{Hold: budget.Hold{ID: "h", Purpose: budget.ForDraft, Amount: 2 * budget.Cent, At: Noon}, Called: true, Risked: budget.Cent, UncertainAt: Noon}}
}
