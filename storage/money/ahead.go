package money

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/pg"
)

// ahead is what a look says to whoever will hold by it.
func (k *reckoning) ahead(scopes []budget.Scope, standings []budget.Standing) *budget.Ahead {
	a := &budget.Ahead{Scopes: scopes, Standings: standings, Now: k.Now, Until: k.Now.Add(budget.AheadFor), Taken: map[budget.Scope]budget.USD{}}
	for _, s := range standings {
		a.End(s.ResetsAt)
		a.Taken[s.Limit.Scope] = k.sums[s.Limit.Scope][s.Limit.Window].Taken
	}
	for _, row := range k.limits {
		// Each change of a limit is told by a later event, and each change of a role is one row more: the sum of both
		// stays the same only where nothing has changed. The schema adds up the same (holds_weighed).
		a.Version += pg.OrZero(row.Told) + row.Authority
		a.Authority += row.Authority
		for _, t := range row.OnTop {
			a.End(t.Until)
		}
	}
	return a
}

// WeighAhead weighs the holds of a move by how the budgets stood before any was locked, and notes it. It says false, and
// notes nothing, of a move that has to be weighed under the locks: where money comes back in it, where a limit changes,
// and where it does not fit, for a refusal is told by how the budgets really stand.
func WeighAhead(r *approval.Request) bool {
	c, a := &r.Changes, r.Changes.Ahead
	if !a.Of(r.Scopes()) || len(c.Holds) == 0 || len(newHolds(r)) < len(c.Holds) || len(c.Settlements)+len(c.Risks)+len(c.Called)+len(c.Carried) > 0 || c.TopUp != nil {
		return false
	}
	var needed budget.USD
	for _, h := range c.Holds {
		needed += h.Amount
	}
	// A hold of nothing locks no budget.
	if budget.Check(needed, a.Standings) != nil || slices.ContainsFunc(c.Holds, func(h budget.Hold) bool { return h.Amount == 0 }) {
		return false
	}
	for _, h := range c.Holds {
		r.Money().Weighed(h, a.Standings, h.At)
	}
	return true
}

// AddWeighed holds what was weighed ahead, and has the server refuse it where it may not fit any more. The holds lock their
// budgets themselves, in the order in which everybody does, and the workspace's last: it is locked for as long as what comes
// from here on takes the server. So all else comes before, what is only looked at when a transaction ends included.
func AddWeighed(b *pgx.Batch, r *approval.Request, maxOpen int) {
	b.Queue(`SET CONSTRAINTS ALL IMMEDIATE`)
	// What the holds themselves leave to the end stays there: whatever it locks comes after the roles, as for everybody else.
	b.Queue(`SET CONSTRAINTS ALL DEFERRED`)
	AddHolds(b, r)
	b.Queue(pg.ShareLock, RolesKey(r.Team))
	a := r.Changes.Ahead
	of := func(kind budget.ScopeKind, id string) *budget.USD {
		return a.Most(budget.Scope{Team: r.Team, Kind: kind, ID: id})
	}
	b.Queue(`SELECT holds_weighed($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, r.Team, r.Asker, r.SessionID, r.Project,
		of(budget.User, r.Asker), of(budget.Session, r.SessionID), of(budget.Project, r.Project), of(budget.Team, r.Team), a.Version, a.Now, a.Until, maxOpen)
}
