package books

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
)

// world is a workspace with a ledger, notices and a past.
type world struct {
	since    time.Time
	days     []budget.DaySpent
	told     []approval.Notice
	versions []Version
	payments []Payment
	own      map[string]review.Rules // of channels
	hosts    []string                // that the workspace allows
}

func (w *world) Teams(context.Context) (map[string]time.Time, error) {
	return map[string]time.Time{"T1": w.since}, nil
}

func (w *world) Days(_ context.Context, _ string, from, until time.Time) (list []budget.DaySpent, err error) {
	for _, d := range w.days {
		if !d.Day.Before(from) && d.Day.Before(until) {
			list = append(list, d)
		}
	}
	return list, nil
}

func (w *world) Top(_ context.Context, _ string, by steps.Ranking, from, until time.Time) ([]steps.Spender, error) {
	return []steps.Spender{{ID: string(by), Amount: 3 * budget.Dollar}, {ID: "2"}, {ID: "3"}, {ID: "4"}}, nil
}

func (w *world) Notice(_ context.Context, key string) (*approval.Notice, map[string]steps.NoticePost, error) {
	for _, n := range w.told {
		if n.Key == key {
			return &n, nil, nil
		}
	}
	return nil, nil, approval.ErrNotFound
}

func (w *world) Notify(_ context.Context, n approval.Notice) error {
	w.told = append(w.told, n)
	return nil
}

func (w *world) Sees(_ context.Context, _, who string) error {
	if who != "ADMIN" && who != "AUDITOR" {
		return &approval.NotAllowedError{Who: who, Why: approval.Because(approval.WhyAuditorsOnly)}
	}
	return nil
}

func (w *world) Administers(_ context.Context, _, who string, why approval.Reason) error {
	if who != "ADMIN" {
		return &approval.NotAllowedError{Who: who, Why: why}
	}
	return nil
}

func (w *world) Versions(context.Context, string, time.Time, time.Time) ([]Version, error) {
	return w.versions, nil
}

func (w *world) Payments(_ context.Context, _ string, since, until time.Time) (list []Payment, err error) {
	for _, p := range w.payments {
		if !p.At.Before(since) && p.At.Before(until) {
			list = append(list, p)
		}
	}
	return list, nil
}

func (w *world) RulesOf(_ context.Context, team, project string) (review.RuleSet, error) {
	if rules, ok := w.own[project]; ok {
		return review.RuleSet{Team: team, Project: project, Version: 1, Rules: rules}, nil
	}
	rules := review.DefaultRules(approval.DefaultPolicy())
	rules.Hosts = w.hosts
	return review.RuleSet{Team: team, Rules: rules}, nil
}

func (w *world) books() *Books {
	return &Books{Ledger: w, Notices: w, People: w, Past: w, Zone: time.UTC}
}

func TestADayThatCostsFarMoreIsToldOnce(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC()
	w := &world{since: now.AddDate(0, -3, 0), days: []budget.DaySpent{{Day: now, Amount: 9 * budget.Dollar}}}
	for week := 1; week <= 4; week++ {
		w.days = append(w.days, budget.DaySpent{Day: now.AddDate(0, 0, -7*week), Amount: budget.Dollar})
	}
	b := w.books()
	for range 3 {
		require.NoError(t, b.Alarm(t.Context()))
	}
	require.Len(t, w.told, 1)
	n := w.told[0]
	require.Equal(t, "spike T1 "+now.Format(time.DateOnly), n.Key)
	require.True(t, n.Admins && n.Once && n.Kind == approval.NoticeSpike)
	require.Contains(t, string(n.Data), `"people":[{"id":"people","amount":3000000000},{"id":"2"`)
	require.NotContains(t, string(n.Data), `"id":"4"`)

	pace, err := b.Pace(t.Context(), "T1", "ADMIN")
	require.NoError(t, err)
	require.Equal(t, 7, pace.Days)
	_, err = b.Pace(t.Context(), "T1", "AUDITOR")
	require.NoError(t, err, "who audits sees it too")
	_, err = b.Pace(t.Context(), "T1", "MAYA")
	require.Error(t, err)
	paces, err := b.Paces(t.Context())
	require.NoError(t, err)
	require.Equal(t, pace.PerDay, paces["T1"].PerDay)
}

var (
	danger = approval.Finding{Level: approval.Danger, Text: "it deletes"}
	since  = time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
)

func trial(t *testing.T, text string) Trial {
	t.Helper()
	tr, err := ReadTrial(strings.NewReader(text), "T1", time.UTC)
	require.NoError(t, err)
	tr.Since, tr.Until = since, since.AddDate(0, 0, 20)
	return tr
}

func TestOtherRulesAreTriedOnEachVersion(t *testing.T) {
	t.Parallel()
	strict := review.DefaultRules(approval.DefaultPolicy())
	strict.Low.Approvals = 3
	w := &world{hosts: []string{"api.example.com"}, own: map[string]review.Rules{"COWN": strict}, versions: []Version{
		{RequestID: "a", Number: 1, At: since.Add(1), Project: "C1", Asker: "MAYA", Model: "small", Written: true, Tier: approval.Low, Needed: 1, Given: 1, Ran: true, Cap: 2 * budget.Cent},
		{RequestID: "b", Number: 2, At: since.Add(2), Project: "C1", Asker: "BEN", Model: "large", Written: true, Tier: approval.High, Needed: 1, Findings: []approval.Finding{danger}, Hosts: []string{"api.example.com", "never.example.com"}},
		{RequestID: "c", Number: 1, At: since.Add(3), Project: "COWN", Asker: "MAYA", Model: "small", Written: true, Tier: approval.Low, Needed: 3},
		{RequestID: "d", Number: 1, At: since.Add(4), Project: "C1", Asker: "MAYA", Model: "CARLA", Tier: approval.High, Needed: 2}, // by rules that are no more
		{RequestID: "e", Number: 1, At: since.Add(5), Project: "C1", Asker: "MAYA", Tier: approval.High, Needed: 1, Cap: 2 * budget.Cent, Forgotten: true}}}
	tr := trial(t, "rules:\n  medium: {approvals: 2, typed: true}\n  high: {approvals: 2, typed: false, terminal: true}\n  medium_from: $0.02\n  models: [small]\n  hosts: []\n")
	o, err := w.books().Replay(t.Context(), "T1", "ADMIN", tr)
	require.NoError(t, err)
	type line struct {
		Kind              Kind
		Request, From, To string
	}
	var got []line
	for _, c := range o.Changes {
		got = append(got, line{c.Kind, c.RequestID, c.From, c.To})
	}
	require.Equal(t, []line{{OtherTier, "a", "low", "medium"}, {OtherQuorum, "a", "1", "2"}, {OtherCare, "a", "", "typed"},
		{OtherQuorum, "b", "1", "2"}, {OtherCare, "b", "", "terminal"}, {OtherCare, "b", "typed", ""}, {NoModel, "b", "", "large"}, {NoHost, "b", "", "api.example.com"}}, got,
		"a channel with rules of its own keeps them; what a person wrote is no model's; what today's rules would change as well is not the trial's doing")
	require.Equal(t, []int{4, 1}, []int{o.Versions, o.Forgotten})
	require.Equal(t, 1, o.Changes[1].Given)
	require.True(t, o.Changes[1].Ran)

	o, err = w.books().Replay(t.Context(), "T1", "ADMIN", trial(t, "channels:\n  COWN:\n    low: {approvals: 1}\n"))
	require.NoError(t, err)
	require.Equal(t, map[Kind]int{OtherQuorum: 1}, o.Counts())
	_, err = w.books().Replay(t.Context(), "T1", "MAYA", tr)
	require.Error(t, err)
	_, err = w.books().RulesToTry(t.Context(), "T1", "MAYA")
	require.Error(t, err)
	set, err := w.books().RulesToTry(t.Context(), "T1", "ADMIN")
	require.NoError(t, err)
	require.Equal(t, 1, set.Rules.Low.Approvals)
}

func TestOtherBudgetsArePlayedInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	pay := func(id, who string, day, hour int, held, spent budget.USD) Payment {
		at := time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC)
		return Payment{RequestID: id, At: at, Purpose: budget.ForDraft, Asker: who, Session: "s", Project: "C1", Amount: held, SettledAt: at.Add(10 * time.Minute), Spent: spent}
	}
	refusal := pay("r", "BEN", 14, 9, 2*budget.Dollar, 0)
	refusal.SettledAt, refusal.Refused = time.Time{}, &budget.Scope{Team: "T1", Kind: budget.User, ID: "BEN"}
	another := refusal
	another.RequestID, another.Refused = "q", &budget.Scope{Team: "T1", Kind: budget.Project, ID: "C1"}
	w := &world{payments: []Payment{
		pay("before", "MAYA", 2, 9, 4*budget.Dollar, 4*budget.Dollar), // in the month, before the trial: it fills
		pay("a", "MAYA", 11, 9, 3*budget.Dollar, budget.Dollar),
		pay("b", "MAYA", 11, 10, 5*budget.Dollar, budget.Dollar),  // fits: of a's three only one was spent
		pay("c", "MAYA", 12, 9, 5*budget.Dollar, 2*budget.Dollar), // would need 11 of 10
		pay("c", "MAYA", 12, 10, budget.Cent, budget.Cent),        // and c waits for good
		pay("d", "BEN", 13, 9, 4*budget.Dollar, 4*budget.Dollar),
		refusal, another,
		pay("e", "MAYA", 29, 9, 4*budget.Dollar, 4*budget.Dollar),
	}}
	o, err := w.books().Replay(t.Context(), "T1", "ADMIN", trial(t, "budgets: [\"everybody $10 per month\", \"team $500\"]\n"))
	require.NoError(t, err)
	require.Len(t, o.Changes, 2)
	require.Equal(t, Changed{Kind: OverBudget, RequestID: "c", At: w.payments[3].At, Project: "C1", Asker: "MAYA", Purpose: budget.ForDraft, Needed: 5 * budget.Dollar,
		Scope: &budget.Scope{Team: "T1", Kind: budget.User, ID: "MAYA"}}, o.Changes[0])
	require.Equal(t, HasRoom, o.Changes[1].Kind, "of what the channel's budget refused nothing is known")
	require.Equal(t, "r", o.Changes[1].RequestID)
	require.Equal(t, 6, o.Payments)
	require.Equal(t, []budget.USD{12*budget.Dollar + budget.Cent, 10 * budget.Dollar}, []budget.USD{o.Spent, o.Would})

	o, err = w.books().Replay(t.Context(), "T1", "ADMIN", trial(t, "budgets: [\"<@U0MAYA1> $1 per day\", \"C1X $2 per week\"]\n"))
	require.NoError(t, err)
	require.Empty(t, o.Changes, "nobody of this past")
	o, err = w.books().Replay(t.Context(), "T1", "ADMIN", trial(t, "budgets: [\"team $4 per day\"]\n"))
	require.NoError(t, err)
	require.Equal(t, map[Kind]int{OverBudget: 2}, o.Counts(), "b and c; each day begins anew")
}

// A question that was asked first may be settled last, in the next month.
func TestATrialBooksWhatWasSettledInItsOwnMonth(t *testing.T) {
	t.Parallel()
	pay := func(id string, day, hour int, settled time.Time, spent budget.USD) Payment {
		return Payment{RequestID: id, At: time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC), Purpose: budget.ForRun, Asker: "MAYA", Session: "s", Project: "C1",
			Amount: 3 * budget.Dollar, SettledAt: settled, Spent: spent}
	}
	w := &world{payments: []Payment{
		pay("long", 20, 9, time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), 3*budget.Dollar), // a Monday: the next week
		pay("short", 20, 10, time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC), 3*budget.Dollar),
		pay("next", 24, 9, time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), budget.Dollar), // 3 of 7 are spent in its week, and not 6
	}}
	o, err := w.books().Replay(t.Context(), "T1", "ADMIN", trial(t, "budgets: [\"everybody $7 per week\"]\n"))
	require.NoError(t, err)
	require.Empty(t, o.Changes)
}

func TestATrialSaysWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	for text, said := range map[string]string{
		"":                                  "it is empty",
		"rules: {lowest: {approvals: 1}}":   "field lowest not found",
		"rules: {low: {approvals: 0}}":      "the rules of the workspace",
		"rules: {medium_from: much}":        "medium_from",
		"channels: {C1: {data: secret}}":    "the rules of C1",
		"budgets: [\"MAYA some\"]":          "is no budget",
		"budgets: [\"team $9.99.9 a day\"]": "not an amount",
		"budgets: []":                       "neither rules",
		// What would be tried on nothing, and look as if nothing changed.
		"channels: {sales: {data: public}}":                  "write the id of the channel",
		"rules: {data: public}\n---\nbudgets: [\"team $9\"]": "more than one document",
		"budgets: [\"team $9\", \"team $8 a day\"]":          "for the same above it",
	} {
		_, err := ReadTrial(strings.NewReader(text), "T1", time.UTC)
		require.ErrorContains(t, err, said, text)
	}
	limits, err := ReadBudgets([]string{"", " team 1,000 ", "<@U012|maya> $5 a day", "G012 $2.50 per week"}, "T1")
	require.NoError(t, err)
	require.Equal(t, []budget.Limit{{Scope: budget.Scope{Team: "T1", Kind: budget.Team, ID: "T1"}, Amount: 1000 * budget.Dollar, Window: budget.None},
		{Scope: budget.Scope{Team: "T1", Kind: budget.User, ID: "U012"}, Amount: 5 * budget.Dollar, Window: budget.Day},
		{Scope: budget.Scope{Team: "T1", Kind: budget.Project, ID: "G012"}, Amount: 250 * budget.Cent, Window: budget.Week}}, limits)
	require.False(t, errors.Is(err, approval.ErrNotFound))
}
