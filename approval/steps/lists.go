package steps

import (
	"context"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/thread"
	"countersign/budget"
)

// Lists are what people read to choose from.
type Lists struct {
	store interface {
		Listing
		Requests
		Roles
		History(ctx context.Context, id string) (thread.Past, error)
	}
	receipts Receipts
	*Settings

	people *People
}

// QueueFilter narrows what waits. Zero values narrow nothing.
type QueueFilter struct {
	Tier    approval.Tier
	Project string
	Older   time.Duration // has waited at least so long
	Cost    budget.USD    // may cost at least so much
	Order   QueueOrder
	All     bool // also what they asked, wrote or have decided on themselves
}

// QueueOrder is what comes first.
type QueueOrder string

// The orders. Without one it is by risk.
const (
	ByRisk QueueOrder = "risk" // the highest tier, in it the oldest
	ByAge  QueueOrder = "age"  // the oldest
	ByCost QueueOrder = "cost" // the dearest
)

// QueuePage is how many rows a page of the queue has.
const QueuePage = 10

// QueueCounted is up to how many requests are counted: of more it is only said that they are more.
const QueueCounted = 500

// Queue is one page of what waits for decisions.
type Queue struct {
	Rows  []QueueRow
	Total int // on all pages, as far as they were counted
	More  bool
	Page  int // from 0; the last one that exists when a later one was asked for
	Pages int
	Now   time.Time
}

// QueueRow is a request as a queue shows it: enough to choose, no code.
type QueueRow struct {
	ID        string
	Project   string
	Asker     string
	Question  string
	Revision  int
	Tier      approval.Tier
	Dangers   int
	Lines     int
	Cost      budget.USD // at most
	Approvals int
	Needed    int
	Since     time.Time // before reviewers
	ExpiresAt time.Time
	Closed    approval.Reason // why this person cannot decide on it here; none when they can
}

// ReviewerStatistics is how one person has decided in a stretch of time.
type ReviewerStatistics struct {
	Reviewer  string
	Decisions int
	Approvals int
	Median    time.Duration // from the moment that they opened the code, or that it was before reviewers where they did not
	Long      int           // decisions on more than 50 lines
	Quick     int           // of these in less than ten seconds
	Reversals int           // approvals that did not stand: somebody else said no, or they took it back
}

// Queue is a page of what waits for this person's decision, or with All of what
// waits where they decide. What they cannot decide after all, because it is their
// own, of its rules or of whom they decide for, says why.
func (s *Lists) Queue(ctx context.Context, team, user string, f QueueFilter, page int) (Queue, error) {
	q, err := s.queue(ctx, team, user, f, page)
	for i := range q.Rows {
		if err == nil {
			q.Rows[i].Closed, err = s.closed(ctx, q.Rows[i].ID, user)
		}
	}
	return q, err
}

// closed is why somebody cannot decide on a request in Slack.
func (s *Lists) closed(ctx context.Context, id, user string) (why approval.Reason, _ error) {
	c, err := s.store.Case(ctx, id)
	if err != nil {
		return why, err
	}
	r, terms := c.Request, c.Terms(c.Request, s.people.Policy)
	roster, _, err := s.people.present(ctx, r.Team, c.Roster(s.people.Policy, r.Project), user)
	if err != nil {
		return why, err
	}
	if _, why = review.MayDecide(r, user, roster, terms); why.None() && !terms.Slack {
		why = terms.Elsewhere(id)
	}
	return why, nil
}

// queue finds the page: everything in the workspace, or in channels that are theirs.
func (s *Lists) queue(ctx context.Context, team, user string, f QueueFilter, page int) (Queue, error) {
	grants, err := s.store.Grants(ctx, team)
	if err != nil {
		return Queue{}, err
	}
	delegations, err := s.store.Delegations(ctx, team)
	if err != nil {
		return Queue{}, err
	}
	as := []string{user}
	for _, d := range delegations {
		if d.To == user {
			as = append(as, d.From)
		}
	}
	// Not nil: nil would mean every channel. Who decides nowhere gets an empty page.
	projects := []string{}
	for _, who := range as {
		if slices.Contains(s.Policy.Reviewers, who) {
			return s.store.Queue(ctx, team, user, nil, f, page)
		}
	}
	for _, g := range grants {
		switch {
		case !g.Role.Decides() || !slices.Contains(as, g.User):
		case g.Project == "":
			return s.store.Queue(ctx, team, user, nil, f, page)
		default:
			projects = append(projects, g.Project)
		}
	}
	return s.store.Queue(ctx, team, user, projects, f, page)
}

// Recent lists what somebody has asked lately.
func (s *Lists) Recent(ctx context.Context, team, user string) ([]*approval.Request, error) {
	return s.store.Recent(ctx, team, user, 10)
}

// Given lists what was approved in somebody's name and has not started: they can still say
// that it was not them.
func (s *Lists) Given(ctx context.Context, team, user string) ([]*approval.Request, error) {
	if s.receipts == nil {
		return nil, nil
	}
	return s.receipts.Given(ctx, team, user, 10)
}

// Near is code that people have approved before and that is like other code.
type Near struct {
	RequestID string
	Revision  int
	Question  string
	Code      string
	At        time.Time // of the approval
	Alike     int       // percent of the lines
}

const (
	nearLimit = 50 // how many approved programs are looked at
	nearLeast = 30 // percent below which a difference shows nothing but that it is other code
)

// Nearest finds the code that people have approved in the same channel and that is
// most like this request's: what a reviewer knows already need not be read again.
// It is nil when nothing is alike.
func (s *Lists) Nearest(ctx context.Context, id string) (*Near, error) {
	r, err := s.store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Revision == nil {
		return nil, nil
	}
	vetted, err := s.store.Vetted(ctx, r.Team, r.Project, id, nearLimit)
	if err != nil {
		return nil, err
	}
	var nearest *Near
	for _, near := range vetted { // the newest first, so of equals it is the one
		near.Alike = alike(r.Revision.Code, near.Code)
		if near.Alike >= nearLeast && (nearest == nil || near.Alike > nearest.Alike) {
			nearest = &near
		}
	}
	return nearest, nil
}

// Past is what was said in a request's thread before it, and what models have made of it.
func (s *Lists) Past(ctx context.Context, id string) (thread.Past, error) {
	return s.store.History(ctx, id)
}

// alike is how many percent of the lines of two programs they have in common,
// wherever they stand. Empty lines say nothing.
func alike(a, b string) int {
	count := map[string]int{}
	total, both := 0, 0
	for _, line := range slices.Concat(approval.Lines(a), approval.Lines(b)) {
		if strings.TrimSpace(line) != "" {
			total++
		}
	}
	for _, line := range approval.Lines(a) {
		count[strings.TrimSpace(line)]++
	}
	for _, line := range approval.Lines(b) {
		if line = strings.TrimSpace(line); line != "" && count[line] > 0 {
			// Each line of one program is matched once, so a repeated line does not count for more.
			count[line]--
			both++
		}
	}
	if total == 0 {
		return 0
	}
	return 2 * both * 100 / total
}

// Shortage is a rule that asks for more people than there are.
type Shortage struct {
	Project     string // empty: of the whole workspace
	Tier        approval.Tier
	Needs, Have int
}

// Shortages are the rules in force that nobody can meet any more, because people
// have lost their roles since: for administrators.
func (s *Authority) Shortages(ctx context.Context, team string) (all []Shortage, err error) {
	grants, err := s.store.Grants(ctx, team)
	if err != nil {
		return nil, err
	}
	projects := []string{""}
	for _, g := range grants {
		projects = append(projects, g.Project)
	}
	slices.Sort(projects)
	for _, project := range slices.Compact(projects) {
		set, err := s.people.RulesOf(ctx, team, project)
		if err != nil {
			return nil, err
		}
		if set.Project != project {
			continue // it has none of its own
		}
		all = append(all, shortages(review.Book{Grants: grants}.Roster(s.Policy, project), project, set.Rules)...)
	}
	return all, nil
}

// shortages counts voices: whoever decides in somebody's place adds none.
func shortages(roster review.Roster, project string, rules review.Rules) (short []Shortage) {
	for _, t := range approval.Tiers() {
		voices := slices.Concat(roster.Reviewers, roster.Fallback)
		if rules.For(t).Owners {
			voices = slices.Clone(roster.Owners)
		}
		slices.Sort(voices)
		if have, needs := len(slices.Compact(voices)), rules.For(t).Approvals; have < needs {
			short = append(short, Shortage{Project: project, Tier: t, Needs: needs, Have: have})
		}
	}
	return short
}

// Statistics are for administrators: how reviewers have decided since then.
func (s *Authority) Statistics(ctx context.Context, click approval.Click, since time.Time) ([]ReviewerStatistics, error) {
	if err := s.people.admin(ctx, click, "see how reviewers decide"); err != nil {
		return nil, err
	}
	return s.store.Statistics(ctx, click.Team, since)
}
