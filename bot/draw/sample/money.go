package sample

import (
	"encoding/json"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// December is when the budgets of these tests start anew.
var December = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// ScopeOf is a budget in the default workspace.
func ScopeOf(kind budget.ScopeKind, id string) budget.Scope {
	return budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: kind, ID: id}
}

// OfTen is a budget of ten dollars a month, of which so much is spent.
func OfTen(s budget.Scope, spent budget.USD, change ...func(*budget.Standing)) budget.Standing {
	standing := budget.Standing{Limit: budget.Limit{Scope: s, Amount: 10 * budget.Dollar, Window: budget.Month}, Spent: spent,
		From: December.AddDate(0, -1, 0), ResetsAt: December}
	for _, c := range change {
		c(&standing)
	}
	return standing
}

// Unset makes it a default that nobody has set.
func Unset(s *budget.Standing) { s.Limit.Default = true }

// BlockedBy has a budget refuse the next step of a request.
func BlockedBy(purpose budget.Purpose, change ...func(*approval.Block)) func(v *steps.View) {
	return func(v *steps.View) {
		if purpose == budget.ForDraft {
			In(approval.Drafting)(v)
		}
		s := OfTen(ScopeOf(budget.User, slacksim.Analyst), 9*budget.Dollar+97*budget.Cent)
		block := &approval.Block{Purpose: purpose, Needed: 5 * budget.Cent, Model: v.Request.Model, Standings: []budget.Standing{s}, At: Noon}
		for _, c := range change {
			c(block)
		}
		v.Request.Blocked, v.Standings = block, []budget.Standing{s}
	}
}

// AskedFor adds a top-up, and decides it as told.
func AskedFor(decide func(*approval.TopUp)) func(v *steps.View) {
	return func(v *steps.View) {
		t := approval.TopUp{ID: "t12345678", RequestID: v.Request.ID, Scope: ScopeOf(budget.User, slacksim.Analyst), AskedBy: slacksim.Analyst,
			Amount: 5 * budget.Dollar, Reason: "The board meets tomorrow.", At: Noon}
		if decide != nil {
			t.DecidedBy, t.DecidedAt = slacksim.Admin, Noon.Add(time.Hour)
			decide(&t)
		}
		v.Request.TopUps = []approval.TopUp{t}
	}
}

// GrantedTopUp is one that an administrator has granted.
func GrantedTopUp(t *approval.TopUp) { t.Granted, t.ExpiresAt = true, Noon.Add(24*time.Hour) }

// Declined is one that an administrator has declined.
func Declined(t *approval.TopUp) { t.Answer = "Please wait for December." }

// Notice is a notice that says this, about a request or about none.
func Notice(kind approval.NoticeKind, v *steps.View, data any) *steps.NoticeView {
	return &steps.NoticeView{Notice: approval.Notice{Key: "k", Kind: kind, Data: MustJSON(data)}, View: v, Now: Noon, Roster: review.Roster{Admins: []string{slacksim.Admin}}}
}

// ChoicesOf are the ways on that a blocked request has.
func ChoicesOf(v *steps.View, models ...string) *steps.Choices {
	c := &steps.Choices{Block: v.Request.Blocked, FitsFrom: December, Missing: 2 * budget.Cent, CanTopUp: true, TopUp: v.Request.Money().OpenTopUp()}
	for i, m := range models {
		c.Models = append(c.Models, steps.ModelChoice{Model: m, Most: budget.USD(i+1) * budget.Cent})
	}
	return c
}

// MustJSON is a value as an event holds it.
func MustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}
