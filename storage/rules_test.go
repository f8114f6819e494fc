package storage

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/pglocal/pgtest"
	"countersign/storage/pg"
)

func someRules() review.Rules {
	r := review.DefaultRules(approval.DefaultPolicy())
	r.High.Approvals, r.High.Slack = 2, false
	r.CostHigh, r.Class, r.Hosts, r.Freezes = 5*budget.Cent, review.Confidential, []string{"api.example.com"}, []string{"last 2 days of the month"}
	return r
}

func TestRulesOfAChannelComeBeforeThoseOfTheWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	of := func(project string) review.RuleSet {
		set, err := b.Rules(t.Context(), team, project)
		require.NoError(t, err)
		return set
	}
	set := func(project string, version int, rules *review.Rules) review.RuleSet {
		s := review.RuleSet{Team: team, Project: project, Version: version, None: rules == nil, SetBy: "ADMIN"}
		if rules != nil {
			s.Rules = *rules
		}
		stored, err := b.SetRules(t.Context(), s)
		require.NoError(t, err)
		return stored
	}
	require.Zero(t, of(channel).Version)
	require.Equal(t, "settings", of(channel).Name())
	rules := someRules()
	require.Equal(t, "team/1", set("", 0, &rules).Name())
	require.Equal(t, rules, of(channel).Rules, "it comes back as it went")
	require.Equal(t, "team/1", of(channel).Name())
	own := rules
	own.Class = review.Public
	require.Equal(t, "CHAN/1", set(channel, 0, &own).Name())
	require.Equal(t, review.Public, of(channel).Rules.Class)
	require.Equal(t, "team/1", of("OTHER").Name())
	set(channel, 1, nil)
	require.Equal(t, "team/1", of(channel).Name(), "back to what holds for all")
	require.Equal(t, "CHAN/3", set(channel, 0, &own).Name(), "to a form there was none")
	// Those of a direct message are the workspace's, with the ones of every channel beside them.
	require.Empty(t, of(channel).Beside)
	direct := of("D1")
	require.Equal(t, "team/1", direct.Name())
	require.Len(t, direct.Beside, 1)
	require.Equal(t, "CHAN/3", direct.Beside[0].Name())
	counter, err := b.Counter(t.Context(), approval.Question{Team: team, Project: "D1", Asker: asker})
	require.NoError(t, err)
	require.Equal(t, direct, counter.Rules)
	require.Empty(t, direct.Or(approval.Policy{}).Brought, "a laxer channel makes nothing stricter")
	require.Zero(t, func() int {
		s, err := b.Rules(t.Context(), "OTHERTEAM", channel)
		require.NoError(t, err)
		return s.Version
	}())

	events, err := b.chain(t.Context(), "rules:"+team)
	require.NoError(t, err)
	require.Len(t, events, 4)
	var data struct {
		Channel       string
		Version       int
		Rules, Before *review.Rules
	}
	require.NoError(t, json.Unmarshal([]byte(events[2].Data), &data))
	require.Equal(t, 2, data.Version)
	require.Nil(t, data.Rules)
	require.Equal(t, &own, data.Before)
	_, err = b.VerifyChain(t.Context(), "rules:"+team)
	require.NoError(t, err)
}

func TestOfManyAdministratorsAtOnceOneSetsTheRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	second, err := Open(t.Context(), pgtest.Serve(b.url), Options{Key: testKey})
	require.NoError(t, err)
	defer second.Close()
	won := 0
	for _, err := range together(16, func(i int) error {
		_, err := []*DB{b.DB, second}[i%2].SetRules(t.Context(), review.RuleSet{Team: team, Rules: someRules(), SetBy: "ADMIN"})
		return err
	}) {
		if err == nil {
			won++
		} else {
			require.ErrorIs(t, err, steps.ErrBusy)
		}
	}
	require.Equal(t, 1, won)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM rules`))
}

func TestPeopleAreNamedAndRemoved(t *testing.T) {
	t.Parallel()
	b := setup(t)
	grant := review.Grant{Team: team, Project: channel, Role: review.RoleReviewer, User: "REVC", By: "ADMIN"}
	for range 2 { // said twice, it is so once
		require.NoError(t, b.Name(t.Context(), grant))
	}
	require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleAdmin, User: "BOSS", By: "ADMIN"}))
	grants, err := b.Grants(t.Context(), team)
	require.NoError(t, err)
	require.Len(t, grants, 2)
	require.Equal(t, "BOSS", grants[0].User)
	require.False(t, grants[1].At.IsZero())
	grants[1].At = time.Time{}
	require.Equal(t, grant, grants[1])
	for range 2 {
		require.NoError(t, b.Unname(t.Context(), grant))
	}
	grants, err = b.Grants(t.Context(), team)
	require.NoError(t, err)
	require.Len(t, grants, 1)
	require.NoError(t, b.Name(t.Context(), grant), "and again")
	require.Equal(t, 4, b.count(t, `SELECT count(*) FROM people`), "every fact, and no fact twice")

	events, err := b.chain(t.Context(), "people:"+team)
	require.NoError(t, err)
	require.Equal(t, []string{"named", "named", "removed", "named"}, []string{events[0].Kind, events[1].Kind, events[2].Kind, events[3].Kind})
	require.JSONEq(t, `{"person": "REVC", "role": "reviewer", "channel": "CHAN", "before": ["reviewer"]}`, events[2].Data)
	none, err := b.Grants(t.Context(), "OTHER")
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestADelegationEnds(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	until := time.Now().Add(24 * time.Hour)
	list := func() []review.Delegation {
		all, err := b.Delegations(t.Context(), team)
		require.NoError(t, err)
		return all
	}
	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA"}), "there was none")
	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA", To: "REVB", Until: until}))
	require.Len(t, list(), 1)
	require.Equal(t, "REVB", list()[0].To)
	require.True(t, pg.Micro(until).Equal(list()[0].Until))
	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA", To: "REVC", Until: until}))
	require.Equal(t, "REVC", list()[0].To, "one at a time")

	r := b.pending(t, "t")
	give := func(in string) error {
		_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			d := decision(r, "REVC", approval.Approve)
			d.InPlaceOf = in
			return r.Decide(d, budget.Cent, b.policy, now)
		})
		return err
	}
	var no *approval.NotAllowedError
	require.ErrorAs(t, give("REVB"), &no, "the schema knows of no such word")
	require.Equal(t, approval.WhyNotDelegated, no.Why.Code)
	require.NoError(t, give("REVA"))
	stored, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "REVA", stored.Decisions[0].InPlaceOf)

	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA"}))
	require.Empty(t, list())
	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA", To: "REVB", Until: until}))
	require.Len(t, list(), 1)
	b.turnTo(t, until)
	require.Empty(t, list(), "by its date")
	var late *approval.InputError
	require.ErrorAs(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA", To: "REVC", Until: until}), &late, "its end came before it was stored")
	require.Equal(t, review.Over().Why, late.Why)
	require.Empty(t, list())
	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA", To: "REVB", Until: until.Add(24 * time.Hour)}))
	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA", By: "ADMIN"}))
	require.Empty(t, list())
	require.NoError(t, b.AuditPeople(t.Context(), team, approval.Event{Actor: "REVB", Kind: "refused click", Data: map[string]any{"what": "name people"}}))
	events, err := b.chain(t.Context(), "people:"+team)
	require.NoError(t, err)
	require.Len(t, events, 7)
	require.Equal(t, "refused click", events[6].Kind)
	require.Contains(t, events[1].Data, `"before":{"to":"REVB"`)
	require.Equal(t, "ADMIN", events[5].Actor)
	require.Contains(t, events[5].Data, `"from":"REVA"`)
}

// The number of approvals that a revision was sealed with holds, whatever the
// settings of this replica say.
func TestASealedNumberOfApprovalsHolds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stored, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: someRules(), SetBy: "ADMIN"})
	require.NoError(t, err)
	r := b.ask(t, "t")
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Drafted(approval.Revision{Code: "print(1)\n", Author: "m", Manifest: approval.Manifest{Version: 2, Limits: b.policy.Limits, CostCap: budget.Cent,
			Tier: approval.High, Approvals: 2, Policy: stored.Name()}}, b.policy, now)
	})
	require.Equal(t, 2, b.count(t, `SELECT quorum FROM requests WHERE id = $1`, r.ID))
	approve := func(who string) *approval.Request {
		return b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
			return r.Decide(decision(r, who, approval.Approve), budget.Cent, b.policy, now)
		})
	}
	require.Equal(t, approval.Pending, approve("REVA").State)
	require.ErrorContains(t, b.exec(t, `UPDATE requests SET state = 'approved' WHERE id = $1`, r.ID), "too few approvals")
	require.ErrorContains(t, b.exec(t, `UPDATE requests SET state = 'approved', quorum = 1 WHERE id = $1`, r.ID), "needs more approvals")
	loose := someRules()
	loose.High.Approvals = 1
	_, err = b.SetRules(t.Context(), review.RuleSet{Team: team, Version: 1, Rules: loose, SetBy: "ADMIN"})
	require.NoError(t, err)
	require.Equal(t, approval.Approved, approve("REVB").State, "rules that are set later change nothing")
}

// Eight versions that somebody has slipped in over a channel's own hide what it had asked for. Nothing is decided then, not by
// the settings either, whether or not the workspace has rules.
func TestRulesThatAreAllForgedStopARequest(t *testing.T) {
	t.Parallel()
	for _, house := range []bool{false, true} {
		b := setup(t)
		r := b.pending(t, "t")
		if house {
			_, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: someRules(), SetBy: "ADMIN"})
			require.NoError(t, err)
		}
		_, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Project: channel, Rules: someRules(), SetBy: "ADMIN"})
		require.NoError(t, err)
		forge := func(version int) {
			require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica`)
				if err == nil {
					_, err = tx.Exec(t.Context(), `INSERT INTO rules (team, project, version, document, set_by, set_at) SELECT team, project, $1, document, 'EVIL', set_at FROM rules WHERE project = $2 AND version = 1`, version, channel)
				}
				return err
			}))
		}
		for version := 2; version <= 8; version++ {
			forge(version)
		}
		c, err := b.Case(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, 1, c.Own.Version, "of seven that nobody has set the one before them is found")
		forge(9)
		_, err = b.Case(t.Context(), r.ID)
		require.ErrorIs(t, err, errUnsigned, "house rules: %t", house)
	}
}
