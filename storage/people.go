package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/storage/money"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// grantRow is a role that somebody has been named for, with the event of it.
type grantRow struct {
	trail.Voucher
	Team    string
	Project string
	Role    review.PersonRole
	Person  string
	By      string
	At      time.Time
}

// Grants are the roles that people have been named for and have not been removed from. A break-glass role that
// was given before the role last rested is none: whoever names the person anew is recorded anew.
func (p *people) Grants(ctx context.Context, team string) (grants []review.Grant, err error) {
	err = p.look(ctx, func(b *pgx.Batch) { p.addGrants(b, ofTeam, team, &grants) })
	return grants, pg.While(err, "read who reviews in %s", team)
}

// A workspace is named in a query by itself, or by a request of it.
const (
	ofTeam    = `$1`
	ofRequest = `(SELECT team FROM requests WHERE id = $1)`
)

// addGrants reads the roles that hold now, those that have no event left out. Of each person and role the last
// word counts; break-glass has one word by each administrator, because it takes two.
func (c *core) addGrants(b *pgx.Batch, of, key string, into *[]review.Grant) {
	pg.Ask(b, func(rows []grantRow) error {
		*into = nil
		for _, r := range rows {
			g := review.Grant{Team: r.Team, Project: r.Project, Role: r.Role, User: r.Person, By: r.By, At: r.At}
			if !c.doubtsGrant(g, r.Voucher) {
				*into = append(*into, g)
			}
		}
		return nil
	}, `
		SELECT team, project, role, person, by, latest.at, `+trail.VoucherOf+` FROM (
			SELECT DISTINCT ON (project, role, person, CASE role WHEN 'break-glass' THEN by END) *,
				CASE role WHEN 'break-glass' THEN (SELECT max(gone.seq) FROM people gone WHERE gone.team = people.team AND gone.role = people.role AND gone.person = people.person AND NOT gone.named) END AS taken
			FROM people WHERE team = `+of+` ORDER BY project, role, person, CASE role WHEN 'break-glass' THEN by END, seq DESC) AS latest
		LEFT JOIN events e ON e.stream = 'people:' || team AND e.seq = told
		WHERE named AND latest.seq > coalesce(taken, 0)
			AND (role <> 'break-glass' OR latest.at > coalesce((SELECT glass_rested(`+of+`, clock_timestamp())), '-infinity')) ORDER BY project, role, person, by`, key)
}

// Name gives somebody a role, and Unname takes it.
func (p *people) Name(ctx context.Context, g review.Grant) error   { return p.grant(ctx, g, true) }
func (p *people) Unname(ctx context.Context, g review.Grant) error { return p.grant(ctx, g, false) }

// grant notes a fact about somebody, unless it is one already.
func (p *people) grant(ctx context.Context, g review.Grant, named bool) error {
	err := p.write(ctx, func(tx pgx.Tx) error {
		// The lock of the stream first, before anything is read: of two administrators who press at once, the second sees what
		// the first has done. Everybody who changes people takes the locks in this order: stream, authority, roles.
		if err := trail.LockStream(ctx, tx, trail.PeopleStream(g.Team)); err != nil {
			return err
		}
		var before []review.Grant
		batch := &pgx.Batch{}
		p.addGrants(batch, ofTeam, g.Team, &before)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		var had []review.PersonRole // of this person here, before
		// Whether it is so already, by what the trail vouches for: a forged row neither names anybody nor stands in the way.
		is := false
		for _, b := range before {
			if b.User == g.User && b.Project == g.Project {
				had = append(had, b.Role)
				// Two people name somebody for break-glass, each by themselves; whoever takes it away takes both.
				is = is || b.Role == g.Role && (g.Role != review.RoleGlass || !named || b.By == g.By)
			}
		}
		// Nothing to do leaves no event: a trail in which nothing happened twice is easier to read.
		if is == named {
			return nil
		}
		if err := lockAuthority(ctx, tx, g.Team); err != nil {
			return err
		}
		// By their role people spend who have no limit of their own: whoever is weighing one now ends first.
		if err := money.LockRoles(ctx, tx, g.Team); err != nil {
			return err
		}
		now, err := pg.Clock(ctx, tx)
		if err != nil {
			return err
		}
		// The event goes first, because its place is a column of the row (told): the trigger people_told wants both to say the same.
		kind := map[bool]string{true: approval.EventNamed, false: approval.EventRemoved}[named]
		told, err := p.notary.AppendEvents(ctx, tx, trail.PeopleStream(g.Team), []approval.Event{{At: now, Actor: g.By, Kind: kind,
			Data: map[string]any{"person": g.User, "role": g.Role, "channel": g.Project, "before": had}}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO people (team, project, role, person, named, by, at, told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			g.Team, g.Project, g.Role, g.User, named, g.By, now, told)
		return err
	})
	return pg.While(err, "change the roles of %s", g.User)
}

// AuditPeople stores that somebody was refused a change to people or their rules.
func (p *people) AuditPeople(ctx context.Context, team string, e approval.Event) error {
	// The database's clock, and not that of whoever was refused.
	e.At = time.Time{}
	return pg.While(p.audit(ctx, trail.PeopleStream(team), e), "audit %q in %s", e.Kind, team)
}

// delegationRow is who decides in whose place, with the event of it.
type delegationRow struct {
	trail.Voucher
	Team      string
	Principal string
	Delegate  string
	Until     time.Time
	At        time.Time
}

// Delegations are who decides in whose place, as far as it has not ended.
func (p *people) Delegations(ctx context.Context, team string) (list []review.Delegation, err error) {
	err = p.look(ctx, func(b *pgx.Batch) { p.addDelegations(b, ofTeam, team, &list) })
	return list, pg.While(err, "read who decides in whose place in %s", team)
}

// addDelegations reads those that have not ended, by the database's clock: the last word of each who is away.
func (c *core) addDelegations(b *pgx.Batch, of, key string, into *[]review.Delegation) {
	pg.Ask(b, func(rows []delegationRow) error {
		*into = nil
		for _, r := range rows {
			d := review.Delegation{Team: r.Team, From: r.Principal, To: r.Delegate, Until: r.Until, At: r.At}
			if !c.doubtsDelegation(d, r.Voucher) {
				*into = append(*into, d)
			}
		}
		return nil
	}, `
		SELECT team, principal, delegate, until, latest.at, `+trail.VoucherOf+` FROM (
			SELECT DISTINCT ON (principal) * FROM delegations WHERE team = `+of+` ORDER BY principal, seq DESC) AS latest
		LEFT JOIN events e ON e.stream = 'people:' || team AND e.seq = told
		WHERE until > clock_timestamp() ORDER BY principal`, key)
}

// Delegate lets somebody decide in another's place, or ends that when d.To is empty.
func (p *people) Delegate(ctx context.Context, d review.Delegation) error {
	err := p.write(ctx, func(tx pgx.Tx) error {
		if err := trail.LockStream(ctx, tx, trail.PeopleStream(d.Team)); err != nil {
			return err
		}
		var list []review.Delegation
		batch := &pgx.Batch{}
		p.addDelegations(batch, ofTeam, d.Team, &list)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		var before map[string]any
		for _, b := range list {
			if b.From == d.From {
				before = map[string]any{"to": b.To, "until": b.Until}
			}
		}
		// As in grant: what is so already leaves no event.
		if d.To == "" && before == nil {
			return nil // there is nothing to end
		}
		if err := lockAuthority(ctx, tx, d.Team); err != nil {
			return err
		}
		now, err := pg.Clock(ctx, tx)
		if err != nil {
			return err
		}
		if d.To != "" && !pg.Micro(d.Until).After(now) { // midnight may have come since somebody looked
			return review.Over()
		}
		data := map[string]any{"before": before}
		kind := approval.EventDelegationEnded
		if d.To != "" {
			kind, data["to"], data["until"] = approval.EventDelegated, d.To, pg.Micro(d.Until)
		}
		// An administrator may end somebody's absence, and is then the actor; whose it was stands in the event's data.
		actor := d.From
		if d.By != "" {
			actor, data["from"] = d.By, d.From
		}
		told, err := p.notary.AppendEvents(ctx, tx, trail.PeopleStream(d.Team), []approval.Event{{At: now, Actor: actor, Kind: kind, Data: data}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO delegations (team, principal, delegate, until, at, told) VALUES ($1, $2, nullif($3, ''), $4, $5, $6)`,
			d.Team, d.From, d.To, pg.Moment(d.Until), now, told)
		return err
	})
	return pg.While(err, "let somebody decide in the place of %s", d.From)
}

// keyRow is an SSH key, with the event of it and whether its owner has been told.
type keyRow struct {
	trail.Voucher
	Team   string
	Person string
	Public string
	At     time.Time
	Heard  bool
}

// Keys are the SSH keys that somebody has registered and not removed, the oldest first.
func (p *people) Keys(ctx context.Context, team, user string) (keys []review.Key, err error) {
	err = p.look(ctx, func(b *pgx.Batch) { p.addKeys(b, team, user, &keys) })
	return keys, pg.While(err, "read the keys of %s", user)
}

// addKeys reads somebody's keys. That a message about a key stands in Slack is read here too: an owner who was
// not told could not have said that it was not them.
func (c *core) addKeys(b *pgx.Batch, team, user string, into *[]review.Key) {
	pg.Ask(b, func(rows []keyRow) error {
		*into = nil
		for _, r := range rows {
			k := review.Key{Team: r.Team, User: r.Person, Line: r.Public, At: r.At, Told: r.Heard}
			if !c.doubtsKey(k, r.Voucher) {
				*into = append(*into, k)
			}
		}
		return nil
	}, `
		SELECT team, person, latest.line AS public, latest.at,
			EXISTS (SELECT FROM notice_posts WHERE key = 'key ' || team || ' ' || told AND recipient = person AND ts <> '') AS heard, `+trail.VoucherOf+` FROM (
			SELECT DISTINCT ON (line) * FROM ssh_keys WHERE team = $1 AND person = $2 ORDER BY line, ssh_keys.seq DESC) AS latest
		LEFT JOIN events e ON e.stream = 'people:' || team AND e.seq = told
		WHERE named ORDER BY latest.seq`, team, user)
}

// SetKey registers a key or removes it, unless that is so already, and has its owner told in
// the same transaction.
func (p *people) SetKey(ctx context.Context, k review.Key, named bool) error {
	err := p.batched(ctx, pgx.TxOptions{}, false, func(t *pg.Tx) error {
		var had []review.Key
		t.Queue(pg.TakeLock, trail.LockOf(trail.PeopleStream(k.Team)))
		p.addKeys(t.Batch, k.Team, k.User, &had)
		if err := t.Send(); err != nil {
			return err
		}
		// A key that is registered once more keeps its first time, and so the day that it has to be old.
		if slices.ContainsFunc(had, func(h review.Key) bool { return h.Line == k.Line }) == named {
			return nil
		}
		if named && len(had) >= review.MaxKeys { // of several at once, the lock lets one after the other count
			return &approval.InputError{Why: approval.Reason{Code: approval.WhyManyKeys, Most: review.MaxKeys}}
		}
		if err := lockAuthority(ctx, t.Tx, k.Team); err != nil {
			return err
		}
		var err error
		if k.At, err = pg.Clock(ctx, t.Tx); err != nil {
			return err
		}
		kind := map[bool]string{true: approval.EventRegisteredKey, false: approval.EventRemovedKey}[named]
		told, err := p.notary.AppendEvents(ctx, t.Tx, trail.PeopleStream(k.Team), []approval.Event{{At: k.At, Actor: k.User, Kind: kind, Data: map[string]any{"key": k.Line}}})
		if err != nil {
			return err
		}
		if _, err = t.Tx.Exec(ctx, `INSERT INTO ssh_keys (team, person, line, named, at, told) VALUES ($1, $2, $3, $4, $5, $6)`, k.Team, k.User, k.Line, named, k.At, told); err != nil {
			return err
		}
		// In the same transaction, and named by the event: a key of which its owner was not told never counts.
		return p.storeNotices(t, []approval.Notice{k.Notice(fmt.Sprintf("key %s %d", k.Team, told), named)}, nil, nil)
	})
	// A key is one person's. Who else has it is not said, since whoever asks may not know them.
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.ConstraintName == "ssh_keys_of_one" {
		err = &approval.InputError{Why: approval.Because(approval.WhyKeyTaken)}
	}
	return pg.While(err, "change the keys of %s", k.User)
}

// doubtsGrant holds a role against its signed event: whoever can write to the database names nobody.
func (c *core) doubtsGrant(g review.Grant, v trail.Voucher) bool {
	return c.notary.Doubts(v, fmt.Sprintf("%s as %s", g.User, g.Role), func(e trail.Witnessed) bool {
		return e.Stream == trail.PeopleStream(g.Team) && e.Actor == g.By && e.Kind == approval.EventNamed && e.At.Equal(g.At) &&
			e.Says(map[string]string{"person": g.User, "role": string(g.Role), "channel": g.Project})
	})
}

// doubtsDelegation does the same for an absence. An administrator may end one for somebody, who is then named in
// the event; otherwise the actor is who is away.
func (c *core) doubtsDelegation(d review.Delegation, v trail.Voucher) bool {
	return c.notary.Doubts(v, fmt.Sprintf("%s in the place of %s", d.To, d.From), func(e trail.Witnessed) bool {
		from, by := e.Data["from"].(string)
		until, _ := e.Data["until"].(string)
		end, err := time.Parse(time.RFC3339Nano, until)
		return e.Stream == trail.PeopleStream(d.Team) && e.Kind == approval.EventDelegated && e.At.Equal(d.At) && (from == d.From || !by && e.Actor == d.From) &&
			e.Says(map[string]string{"to": d.To}) && err == nil && end.Equal(d.Until)
	})
}

// doubtsKey does the same for a key. It is the actor's own: nobody registers one for somebody else.
func (c *core) doubtsKey(k review.Key, v trail.Voucher) bool {
	return c.notary.Doubts(v, "a key of "+k.User, func(e trail.Witnessed) bool {
		return e.Stream == trail.PeopleStream(k.Team) && e.Actor == k.User && e.Kind == approval.EventRegisteredKey && e.At.Equal(k.At) && e.Says(map[string]string{"key": k.Line})
	})
}
