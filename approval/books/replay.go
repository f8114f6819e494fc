package books

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// Past is what has happened, as a replay needs it. It is only read.
type Past interface {
	// Versions are those that were put before reviewers in a stretch of time, oldest first.
	Versions(ctx context.Context, team string, since, until time.Time) ([]Version, error)
	// Payments are the paid steps that budgets were asked for, oldest first.
	Payments(ctx context.Context, team string, since, until time.Time) ([]Payment, error)
	// RulesOf are those that hold in a channel now.
	RulesOf(ctx context.Context, team, project string) (review.RuleSet, error)
}

// Version is a version of the code of a request, as it was sealed and decided.
type Version struct {
	RequestID string
	Number    int
	At        time.Time
	Project   string
	Asker     string
	Model     string // that wrote it, or the person who edited
	Written   bool   // a model has written it
	Findings  []approval.Finding
	Cap       budget.USD
	Tier      approval.Tier
	Needed    int // approvals
	Given     int
	Ran       bool
	Hosts     []string // that it might reach
	Forgotten bool     // what was found in it, so nobody can grade it any more
}

// Payment is a paid step that the budgets were asked for.
type Payment struct {
	RequestID string
	At        time.Time
	Purpose   budget.Purpose
	Asker     string
	Session   string
	Project   string
	// Of a refusal Amount is what was needed. A refusal has been paid by nobody: SettledAt and Spent are zero.
	Amount    budget.USD // that was held, or would have been
	SettledAt time.Time  // zero: it is held still
	Spent     budget.USD
	Rest      bool          // it goes on with money that was held before
	Refused   *budget.Scope // by which budget
}

// Kind says what would have been otherwise.
type Kind string

// The kinds of change.
const (
	OtherTier   Kind = "tier"      // another risk
	OtherQuorum Kind = "approvals" // more or fewer approvals
	OtherCare   Kind = "care"      // other extra steps
	NoModel     Kind = "model"     // its model would not have been asked
	NoHost      Kind = "host"      // it would not have run: a host that it might reach is not allowed
	OverBudget  Kind = "budget"    // a step would have been refused
	HasRoom     Kind = "room"      // a step that was refused would not have been
)

// Changed is one thing that would have been otherwise.
type Changed struct {
	Kind      Kind           `json:"kind"`
	RequestID string         `json:"request"`
	Version   int            `json:"version,omitempty"`
	At        time.Time      `json:"at"`
	Project   string         `json:"channel"`
	Asker     string         `json:"user"`
	From      string         `json:"from,omitempty"` // tiers, numbers of approvals by today's rules
	To        string         `json:"to,omitempty"`   // the same; a model, a host, an extra step that comes or goes
	Given     int            `json:"given,omitempty"`
	Ran       bool           `json:"ran,omitempty"`
	Purpose   budget.Purpose `json:"for,omitempty"`
	Scope     *budget.Scope  `json:"budget,omitempty"`
	Needed    budget.USD     `json:"needed,omitempty"`
}

// Outcome is what a trial would have changed, in the order of time.
type Outcome struct {
	Since, Until time.Time
	Versions     int // that were looked at
	Forgotten    int // versions that were left out: what was found in them is kept no longer
	Payments     int
	Changes      []Changed
	Spent        budget.USD // in this time
	Would        budget.USD // of it under the budgets of the trial
}

// Counts are how many changes of each kind there are.
func (o Outcome) Counts() map[Kind]int {
	counts := map[Kind]int{}
	for _, c := range o.Changes {
		counts[c.Kind]++
	}
	return counts
}

// Replay tries other rules and budgets on the past, and writes nothing: for administrators.
func (b *Books) Replay(ctx context.Context, team, actor string, t Trial) (Outcome, error) {
	if err := b.looks(ctx, team, actor); err != nil {
		return Outcome{}, err
	}
	return Replayed(ctx, b.Past, team, t, b.Zone)
}

// RulesToTry are those of the workspace as they are now, to begin with: for administrators.
func (b *Books) RulesToTry(ctx context.Context, team, actor string) (review.RuleSet, error) {
	if err := b.looks(ctx, team, actor); err != nil {
		return review.RuleSet{}, err
	}
	return b.Past.RulesOf(ctx, team, "")
}

// Replayed is Replay for whoever sits at the machine.
func Replayed(ctx context.Context, past Past, team string, t Trial, zone *time.Location) (o Outcome, err error) {
	o = Outcome{Since: t.Since, Until: t.Until}
	if t.Rules != nil || len(t.Channels) > 0 {
		versions, err := past.Versions(ctx, team, t.Since, t.Until)
		if err != nil {
			return o, err
		}
		// Rules are read once a channel, and those of now: what held at the time of each version is another question.
		terms := map[string]rulesBefore{}
		for _, v := range versions {
			// Its tier would be weighed without its findings, and so come out too low.
			if v.Forgotten {
				o.Forgotten++
				continue
			}
			o.Versions++
			r, known := terms[v.Project]
			if !known {
				if r, err = t.in(ctx, past, team, v.Project); err != nil {
					return o, err
				}
				terms[v.Project] = r
			}
			o.Changes = append(o.Changes, r.changed(v)...)
		}
	}
	if len(t.Budgets) > 0 {
		payments, err := past.Payments(ctx, team, t.begins(zone), t.Until)
		if err != nil {
			return o, err
		}
		o.weigh(t, payments, zone)
	}
	slices.SortStableFunc(o.Changes, func(a, b Changed) int { return a.At.Compare(b.At) })
	return o, nil
}

// rulesBefore are the rules of a channel now, and as they are tried. Where none are tried there, other is false.
type rulesBefore struct {
	now, tried review.Rules
	other      bool
}

// in says which rules are tried in a channel: its own where it has some or gets some, else
// the workspace's.
func (t Trial) in(ctx context.Context, past Past, team, project string) (r rulesBefore, err error) {
	set, err := past.RulesOf(ctx, team, project)
	if err != nil {
		return r, err
	}
	r.now, r.tried = set.Rules, set.Rules
	// A channel with rules of its own (set.Project) does not follow a change of the workspace's, here as in life.
	// What is named for the channel counts alone, as in life: a channel's rules are whole, and not an addition.
	change, own := t.Channels[project]
	if !own && t.Rules != nil && set.Project == "" {
		change = t.Rules
	}
	if change != nil {
		r.tried, r.other = change(set.Rules), true
	}
	return r, nil
}

// changed are what other rules would make of a version, against what today's rules would. What was decided then
// may have been by rules that are no more, which is not the trial's doing.
func (r rulesBefore) changed(v Version) (list []Changed) {
	if !r.other {
		return nil
	}
	add := func(c Changed) {
		c.RequestID, c.Version, c.At, c.Project, c.Asker, c.Given, c.Ran = v.RequestID, v.Number, v.At, v.Project, v.Asker, v.Given, v.Ran
		list = append(list, c)
	}
	// By the findings and the cap as they were sealed: no box inspects old code anew.
	today, _ := review.TierOf(v.Findings, v.Cap, r.now)
	tier, _ := review.TierOf(v.Findings, v.Cap, r.tried)
	if tier != today {
		add(Changed{Kind: OtherTier, From: string(today), To: string(tier)})
	}
	was, would := r.now.For(today), r.tried.For(tier)
	if would.Approvals != was.Approvals {
		add(Changed{Kind: OtherQuorum, From: strconv.Itoa(was.Approvals), To: strconv.Itoa(would.Approvals)})
	}
	for step, had := range map[string][2]bool{"owners": {was.Owners, would.Owners}, "typed": {was.Typed, would.Typed}, "terminal": {!was.Slack, !would.Slack}} {
		switch {
		case had[1] && !had[0]:
			add(Changed{Kind: OtherCare, To: step})
		case had[0] && !had[1]:
			add(Changed{Kind: OtherCare, From: step})
		}
	}
	// No list bars nobody: without one, all models of the settings may be asked.
	bars := func(rules review.Rules) bool {
		return rules.Models != nil && len(rules.Models.Allowed) > 0 && !slices.Contains(rules.Models.Allowed, v.Model)
	}
	// A model that is barred today is not the trial's doing, and a person who edited is on no list.
	if v.Written && bars(r.tried) && !bars(r.now) {
		add(Changed{Kind: NoModel, To: v.Model})
	}
	// A host that the rules of today do not name could not be reached, so none is lost by it.
	for _, host := range v.Hosts {
		if slices.Contains(r.now.Hosts, host) && !slices.Contains(r.tried.Hosts, host) {
			add(Changed{Kind: NoHost, To: host})
		}
	}
	// The extra steps come out of a map: in one order, so that two trials of the same print the same.
	slices.SortStableFunc(list, func(a, b Changed) int {
		if a.Kind == OtherCare && b.Kind == OtherCare {
			return strings.Compare(a.From+a.To, b.From+b.To)
		}
		return 0
	})
	return list
}

// begins is how far back payments count: to the beginning of the longest window that the
// time of the trial begins in.
func (t Trial) begins(zone *time.Location) time.Time {
	first := t.Since
	for _, l := range t.Budgets {
		// A budget for all time has no beginning (zero), so all that was ever paid fills it.
		from, _ := l.Window.Range(t.Since, zone)
		if from.Before(first) {
			first = from
		}
	}
	return first
}

// till is what a budget of the trial has borne in its window so far.
type till struct {
	limit budget.Limit
	until time.Time // of the window
	spent budget.USD
	held  budget.USD
}

// at begins the window anew where another one has begun.
func (l *till) at(now time.Time, zone *time.Location) {
	if l.limit.Window == budget.None || now.Before(l.until) {
		return
	}
	_, l.until = l.limit.Window.Range(now, zone)
	l.spent = 0
}

// open is money that is held in some tills until it is settled. at is zero where it never was.
type open struct {
	at    time.Time
	tills []*till
	held  budget.USD
	spent budget.USD
}

// weigh plays the payments once more against the budgets of a trial. What was paid before
// it begins only fills them. Where a step is refused, the request waits for good: what came
// after it was not spent. Top-ups are not played again: they were granted on other budgets. So what a trial says is an
// estimate: a person who is refused may ask something smaller, or ask again next month.
func (o *Outcome) weigh(t Trial, payments []Payment, zone *time.Location) {
	tills := map[budget.Scope]*till{}
	of := func(p Payment) (list []*till) {
		team := t.Budgets[0].Scope.Team
		// The same four that hold together in life (design, section 5).
		for _, s := range []budget.Scope{{Team: team, Kind: budget.User, ID: p.Asker}, {Team: team, Kind: budget.Session, ID: p.Session},
			{Team: team, Kind: budget.Project, ID: p.Project}, {Team: team, Kind: budget.Team, ID: team}} {
			if limit, has := t.limit(s); has {
				// One till for each person, also where the limit is that of everybody: they do not share it.
				if tills[s] == nil {
					tills[s] = &till{limit: limit}
				}
				list = append(list, tills[s])
			}
		}
		return list
	}
	var waiting []open
	// What was settled by now makes room for what is held next; it is booked in the window in which it was settled.
	settle := func(now time.Time) {
		// In the order in which they were settled: one that ended in the next window must not begin it for those before.
		slices.SortStableFunc(waiting, func(a, b open) int { return a.at.Compare(b.at) })
		waiting = slices.DeleteFunc(waiting, func(h open) bool {
			if h.at.IsZero() || h.at.After(now) {
				return false
			}
			for _, l := range h.tills {
				l.at(h.at, zone)
				l.held, l.spent = l.held-h.held, l.spent+h.spent
			}
			return true
		})
	}
	stopped := map[string]bool{}
	for _, p := range payments {
		// In the order of time: first what came back until now, then what this step asks for.
		counts := !p.At.Before(t.Since)
		settle(p.At)
		if counts && p.Refused == nil {
			o.Payments, o.Spent = o.Payments+1, o.Spent+p.Spent
		}
		if stopped[p.RequestID] {
			continue
		}
		of := of(p)
		var tight *till
		for _, l := range of {
			l.at(p.At, zone)
			left := l.limit.Amount - l.spent - l.held
			// The one with the least left is named, as budget.Check does.
			// A rest goes on with money that these budgets have borne already. To ask them again would count it twice.
			if !p.Rest && p.Amount > left && (tight == nil || left < tight.limit.Amount-tight.spent-tight.held) {
				tight = l
			}
		}
		said := Changed{RequestID: p.RequestID, At: p.At, Project: p.Project, Asker: p.Asker, Purpose: p.Purpose, Needed: p.Amount}
		switch {
		case p.Refused != nil:
			// Whether there was room is only known of the budget that refused it, if that is tried.
			if _, tried := t.limit(*p.Refused); counts && tried && tight == nil {
				said.Kind, said.Scope = HasRoom, p.Refused
				o.Changes = append(o.Changes, said)
			}
			continue
		case tight != nil && counts:
			scope := tight.limit.Scope
			said.Kind, said.Scope = OverBudget, &scope
			o.Changes = append(o.Changes, said)
			stopped[p.RequestID] = true
			continue
		}
		// What came before the trial is borne also where it does not fit: it has happened.
		if counts {
			o.Would += p.Spent
		}
		for _, l := range of {
			l.held += p.Amount
		}
		waiting = append(waiting, open{p.SettledAt, of, p.Amount, p.Spent})
	}
}

// limit is what a trial has for a scope: its own, or for a person that of everybody. A scope that a trial does not name has
// no limit in it, also where it has one in life: it tries these budgets, and not these beside the others.
func (t Trial) limit(s budget.Scope) (budget.Limit, bool) {
	for _, l := range t.Budgets {
		if l.Scope == s {
			return l, true
		}
	}
	for _, l := range t.Budgets {
		if s.Kind == budget.User && l.Scope.Kind == budget.Role {
			l.Scope = s
			return l, true
		}
	}
	return budget.Limit{}, false
}
