// Package habits looks at how people approve: who approves faster than anybody reads, and which two approve nearly
// only each other. It judges nobody: it names them to those who answer for reviews, once a week and when they ask.
package habits

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"countersign/approval"
)

// What the digest counts.
const (
	Week       = 7 * 24 * time.Hour
	PairWindow = 4 * Week // pairs are counted over a longer time: a week has too few approvals

	fastLine   = 500 * time.Millisecond // nobody reads two lines a second
	mostTime   = 2 * time.Minute        // of code however long
	mostNamed  = 5                      // requests that a line names
	pairLeast  = 5                      // approvals in each direction before two are named
	pairTenths = 8                      // of ten approvals of each are for the other
)

// Given is an approval.
type Given struct {
	RequestID string
	Asker     string
	Reviewer  string
	Lines     int
	Took      time.Duration // from when its giver opened the code, or from when it was there, where they did not
	At        time.Time
}

// fast tells whether it came faster than anybody reads.
func (g Given) fast() bool {
	return g.Took < min(time.Duration(g.Lines)*fastLine, mostTime)
}

// Digest is what the notice says: a stretch of time.
type Digest struct {
	From      time.Time `json:"from"`
	Until     time.Time `json:"until"`
	Approvals int       `json:"approvals"` // all of them
	Fast      []Fast    `json:"fast"`      // by person, the most first
	Pairs     []Pair    `json:"pairs"`     // over PairWindow until then
}

// Fast is who approved faster than anybody reads.
type Fast struct {
	Reviewer  string   `json:"reviewer"`
	Approvals int      `json:"approvals"` // all of theirs
	Count     int      `json:"count"`     // of these faster than reading
	Requests  []string `json:"requests"`  // the latest of them
}

// Pair is two who approve nearly only each other.
type Pair struct {
	One   string `json:"one"`
	Other string `json:"other"`
	Given int    `json:"given"` // by the one to the other,
	Of    int    `json:"of"`    // of all that the one gave
	Back  int    `json:"back"`  // and by the other to the one,
	OfAll int    `json:"of_all"`
}

// Weigh makes a digest of the approvals of the PairWindow before its end.
func Weigh(all []Given, from, until time.Time) Digest {
	d := Digest{From: from, Until: until}
	people := map[string]*Fast{}
	to, of := map[[2]string]int{}, map[string]int{}
	for _, g := range all {
		if !g.At.Before(until) || g.At.Before(until.Add(-PairWindow)) {
			continue
		}
		to[[2]string{g.Reviewer, g.Asker}]++
		of[g.Reviewer]++
		if g.At.Before(from) {
			continue
		}
		d.Approvals++
		p := people[g.Reviewer]
		if p == nil {
			p = &Fast{Reviewer: g.Reviewer}
			people[g.Reviewer] = p
		}
		if p.Approvals++; g.fast() {
			p.Count++
			p.Requests = append(p.Requests, g.RequestID)
		}
	}
	for _, p := range people {
		if p.Count > 0 {
			p.Requests = p.Requests[max(0, len(p.Requests)-mostNamed):] // the store gives them oldest first
			d.Fast = append(d.Fast, *p)
		}
	}
	slices.SortFunc(d.Fast, func(a, b Fast) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reviewer, b.Reviewer))
	})
	for _, both := range slices.SortedFunc(maps.Keys(to), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		one, other := both[0], both[1]
		given, back := to[both], to[[2]string{other, one}]
		// Both ways: somebody whose one reviewer is the only one there has done nothing. Each pair is met twice,
		// and told once.
		if one < other && given >= pairLeast && back >= pairLeast && 10*given >= pairTenths*of[one] && 10*back >= pairTenths*of[other] {
			d.Pairs = append(d.Pairs, Pair{One: one, Other: other, Given: given, Of: of[one], Back: back, OfAll: of[other]})
		}
	}
	return d
}

// Store keeps approvals.
type Store interface {
	// Given are the approvals of a stretch of time, oldest first.
	Given(ctx context.Context, team string, from, until time.Time) ([]Given, error)
}

// Ports are what an Observer needs of the world.
type Ports struct {
	Store Store // nil: there is no digest
	// Sees refuses whoever may not look at all that happened: who is neither an administrator nor an auditor.
	Sees func(ctx context.Context, team, who string) error
	// Teams are the workspaces that have asked something, each with when it first did.
	Teams func(ctx context.Context) (map[string]time.Time, error)
	// Known tells whether a notice has been stored; Notify stores it.
	Known  func(ctx context.Context, key string) (bool, error)
	Notify func(ctx context.Context, n approval.Notice) error
	Due    func(now time.Time) time.Time // the latest moment at which a digest was due; nil: none is
}

// Observer tells those who answer for reviews how people approve.
type Observer struct{ Ports Ports }

// ReviewHabits is the digest of the last week, for administrators and auditors.
func (o *Observer) ReviewHabits(ctx context.Context, click approval.Click) (Digest, error) {
	if o.Ports.Store == nil {
		return Digest{}, approval.ErrNotFound
	}
	if err := o.Ports.Sees(ctx, click.Team, click.User); err != nil {
		return Digest{}, err
	}
	now := time.Now().UTC()
	return o.digest(ctx, click.Team, now.Add(-Week), now)
}

// digest reads further back than from, because pairs are counted over four weeks.
func (o *Observer) digest(ctx context.Context, team string, from, until time.Time) (Digest, error) {
	all, err := o.Ports.Store.Given(ctx, team, until.Add(-PairWindow), until)
	return Weigh(all, from, until), err
}

// TellHabits sends the digest of the stretch of time that is over, where nobody has. The notice's key is its date, so
// that it is said once by all replicas together, and is caught up with after any pause.
func (o *Observer) TellHabits(ctx context.Context) error {
	if o.Ports.Store == nil || o.Ports.Due == nil {
		return nil
	}
	due := o.Ports.Due(time.Now())
	from := o.Ports.Due(due.Add(-time.Nanosecond))
	if due.IsZero() || from.IsZero() {
		return nil
	}
	teams, err := o.Ports.Teams(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for team, since := range teams {
		if since.Before(due) {
			faults = append(faults, o.tell(ctx, team, from, due))
		}
	}
	return errors.Join(faults...)
}

// tell says nothing where nothing was approved.
func (o *Observer) tell(ctx context.Context, team string, from, due time.Time) error {
	key := "habits " + team + " " + due.UTC().Format("2006-01-02 15:04")
	if known, err := o.Ports.Known(ctx, key); known || err != nil {
		return err
	}
	d, err := o.digest(ctx, team, from, due)
	if err != nil || d.Approvals == 0 {
		return err
	}
	// The roster at the time of telling says who they are: a notice of this kind goes to auditors as well.
	return o.Ports.Notify(ctx, approval.Notice{Key: key, Team: team, Kind: approval.NoticeHabits, Admins: true, Data: approval.Encode(d), At: time.Now().UTC(), Once: true})
}
