package storage

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
)

// refused is a question that the asker's budget has no room for, kept.
func (b *bundle) refused(t *testing.T, trigger string) *approval.Request {
	t.Helper()
	_, _, err := b.Ask(t.Context(), b.question(trigger), approval.Session{Team: team, Channel: channel})
	var exceeded *budget.ExceededError
	require.ErrorAs(t, err, &exceeded)
	q := approval.Question{Team: team, Project: channel, Asker: asker, Text: "Which region sells most?", Trigger: trigger}
	r, created, err := b.Ask(t.Context(), approval.NewBlocked(q, "small", exceeded, b.policy, odd()), approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	require.True(t, created)
	return r
}

func (b *bundle) setUserLimit(t *testing.T, amount budget.USD, window budget.Window) {
	t.Helper()
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: userScope, Amount: amount, Window: window}))
}

func TestARefusedQuestionIsKeptWithWhatRefusedIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.setUserLimit(t, 5*budget.Cent, budget.Month)
	r := b.refused(t, "t")
	got, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, approval.Drafting, got.State)
	require.Empty(t, got.Holds)
	require.Equal(t, budget.ForDraft, got.Blocked.Purpose)
	require.Equal(t, 10*budget.Cent, got.Blocked.Needed)
	require.Equal(t, userScope, got.Blocked.Tight().Limit.Scope)
	require.Equal(t, 5*budget.Cent, got.Blocked.Missing())
	require.WithinDuration(t, got.CreatedAt, got.Blocked.At, soon, "when the budgets were weighed")
	require.False(t, got.Blocked.At.After(got.CreatedAt))
	require.Zero(t, b.count(t, `SELECT count(*) FROM holds`))
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'stop'`), "to the administrators, and to the asker")
	b.refused(t, "another")
	require.Equal(t, 2, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'stop'`), "once, however often it refuses")

	// Nobody is at it, and that is as it should be: it waits for its asker.
	require.NoError(t, b.exec(t, `DELETE FROM river_job`))
	require.NoError(t, b.exec(t, `UPDATE requests SET changed_at = now() - interval '1 hour', shown_at = now(), seek = NULL`))
	require.NoError(t, b.exec(t, `UPDATE notices SET told_at = now()`))
	wakes, err := b.Stuck(t.Context())
	require.NoError(t, err)
	require.Empty(t, wakes)
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().Wait(now.Add(-time.Second), asker, b.policy, now)
	})
	wakes, err = b.Stuck(t.Context())
	require.NoError(t, err)
	require.Equal(t, []steps.Wake{{Step: approval.StepGoOn, RequestID: r.ID}}, wakes)
}

func TestRefusedQuestionsCountAmongTheOpenOnes(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{MaxOpen: 3})
	b.setUserLimit(t, 0, budget.Month)
	errs := together(10, func(i int) error {
		q := approval.Question{Team: team, Project: channel, Asker: asker, Text: "?", Trigger: fmt.Sprint(i)}
		refused := &budget.ExceededError{Needed: 1, Standings: []budget.Standing{{Limit: budget.Limit{Scope: userScope}}}}
		_, _, err := b.Ask(t.Context(), approval.NewBlocked(q, "small", refused, b.policy, odd()), approval.Session{Team: team, Channel: channel})
		return err
	})
	kept := 0
	for _, err := range errs {
		if err == nil {
			kept++
			continue
		}
		var in *approval.InputError
		require.ErrorAs(t, err, &in)
	}
	require.Equal(t, 3, kept)
}

func TestATopUpIsALimitOnTopUntilItEnds(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	b.setUserLimit(t, 5*budget.Cent, budget.Month)
	r := b.refused(t, "t")
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().AskTopUp(8*budget.Cent, "the board", b.policy, now)
	})
	top := r.Money().OpenTopUp()
	found, err := b.TopUp(t.Context(), top.ID)
	require.NoError(t, err)
	require.Equal(t, r.TopUps[0], *found)
	hard := func() budget.USD {
		s, err := b.Standings(t.Context(), []budget.Scope{userScope})
		require.NoError(t, err)
		return s[0].Limit.Hard()
	}
	require.Equal(t, 5*budget.Cent, hard(), "asking gives nothing")
	var until time.Time
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		until = now.Add(time.Hour)
		return r.Money().DecideTopUp(top.ID, true, until, "", "ADMIN", now)
	})
	require.Equal(t, 13*budget.Cent, hard())
	require.Equal(t, "ADMIN", r.TopUps[0].DecidedBy)
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().GoOn("small", 10*budget.Cent, asker, b.policy, now)
	})
	require.Nil(t, r.Blocked)
	require.Len(t, r.Holds, 1)

	// It was the user's: no other budget has grown.
	require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: teamScope, Amount: 10 * budget.Cent, Window: budget.Month}))
	s, err := b.Standings(t.Context(), []budget.Scope{teamScope, {Team: team, Kind: budget.User, ID: "OTHER"}})
	require.NoError(t, err)
	require.Zero(t, s[0].Limit.Extra+s[1].Limit.Extra)

	b.turnTo(t, until.Add(time.Second))
	require.Equal(t, 5*budget.Cent, hard(), "what was granted has ended")
	s, err = b.Standings(t.Context(), []budget.Scope{userScope})
	require.NoError(t, err)
	require.Equal(t, -5*budget.Cent, s[0].Left(), "what was held with it stays held, and nothing more is")
	changes, err := b.LimitChanges(t.Context(), team, &userScope)
	require.NoError(t, err)
	require.Len(t, changes, 2)
	c, err := steps.ReadLimitChange(changes[1])
	require.NoError(t, err)
	require.Equal(t, "granted top-up", changes[1].Kind)
	require.Equal(t, 5*budget.Cent, c.Before.Hard())
	require.Equal(t, 13*budget.Cent, c.After.Hard())
	require.WithinDuration(t, until, c.Until, 0)
}

func TestTwoAdministratorsAnswerATopUpOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.setUserLimit(t, budget.Cent, budget.Month)
	r := b.refused(t, "t")
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().AskTopUp(budget.Dollar, "why", b.policy, now)
	})
	id := r.Money().OpenTopUp().ID
	errs := together(16, func(i int) error {
		_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
			return r.Money().DecideTopUp(id, i%2 == 0, now.Add(time.Hour), "no", fmt.Sprint("ADMIN", i), now)
		})
		return err
	})
	answered := 0
	for _, err := range errs {
		if err == nil {
			answered++
			continue
		}
		var move *approval.MoveError
		require.ErrorAs(t, err, &move)
	}
	require.Equal(t, 1, answered)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'topup outcome'`))
}

func TestPeopleWithoutALimitHaveTheirRoles(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{Role: func(user string) string {
		return map[string]string{"BOSS": budget.Admins, "REVA": budget.Reviewers}[user] + map[bool]string{true: budget.Members}[user == asker]
	}})
	role := func(id string, amount budget.USD) {
		t.Helper()
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: budget.Scope{Team: team, Kind: budget.Role, ID: id}, Amount: amount, Window: budget.Day,
			Policy: budget.LimitPolicy{Soft: 50}}))
	}
	role(budget.Members, 15*budget.Cent)
	role(budget.Admins, budget.Dollar)
	of := func(user string) budget.Limit {
		t.Helper()
		s, err := b.Standings(t.Context(), []budget.Scope{{Team: team, Kind: budget.User, ID: user}})
		require.NoError(t, err)
		require.Len(t, s, 1, "there is never no limit")
		return s[0].Limit
	}
	require.Equal(t, budget.Limit{Scope: userScope, Amount: 15 * budget.Cent, Window: budget.Day, Policy: budget.LimitPolicy{Soft: 50}, Default: true, Role: budget.Members}, of(asker))
	require.Equal(t, budget.Dollar, of("BOSS").Amount)
	require.Equal(t, budget.DefaultUserLimit(budget.Scope{Team: team, Kind: budget.User, ID: "REVA"}), of("REVA"), "reviewers have no limit of their own here")
	b.ask(t, "first")
	b.refused(t, "second") // each person has the role's amount, and this one has used theirs
	b.setUserLimit(t, budget.Dollar, budget.Day)
	require.False(t, of(asker).Default)
	b.ask(t, "third")
	require.NoError(t, b.RemoveLimit(t.Context(), "ADMIN", userScope))
	require.Equal(t, 15*budget.Cent, of(asker).Amount)
	all, err := b.Limits(t.Context(), team)
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, budget.Role, all[0].Limit.Scope.Kind)
	require.Zero(t, all[0].Spent, "nothing is paid from a role")
}

// Who is named in Slack spends by the limit of what they are, from then on, and
// no longer than that; the settings' word and Slack's go together, the higher first.
func TestPeopleWhoAreNamedInSlackHaveTheirRolesLimit(t *testing.T) {
	t.Parallel()
	b := setupWith(t, Options{Role: func(user string) string {
		return map[bool]string{true: budget.Admins, false: budget.Members}[user == "BOSS"]
	}})
	for role, amount := range map[string]budget.USD{budget.Members: 15 * budget.Cent, budget.Reviewers: 40 * budget.Cent, budget.Admins: budget.Dollar} {
		require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: budget.Scope{Team: team, Kind: budget.Role, ID: role}, Amount: amount, Window: budget.Day}))
	}
	is := func(user, role string) {
		t.Helper()
		s, err := b.Standings(t.Context(), []budget.Scope{{Team: team, Kind: budget.User, ID: user}})
		require.NoError(t, err)
		require.Equal(t, role, s[0].Limit.Role)
	}
	reviews := review.Grant{Team: team, Project: channel, Role: review.RoleReviewer, User: asker, By: "ADMIN"}
	stands := review.Grant{Team: team, Role: review.RoleFallback, User: asker, By: "ADMIN"}
	administers := review.Grant{Team: team, Role: review.RoleAdmin, User: asker, By: "ADMIN"}
	is(asker, budget.Members)
	b.ask(t, "first")
	b.refused(t, "second")
	require.NoError(t, b.Name(t.Context(), reviews))
	is(asker, budget.Reviewers)
	b.ask(t, "third")
	require.NoError(t, b.Name(t.Context(), administers))
	is(asker, budget.Admins)
	require.NoError(t, b.Unname(t.Context(), administers))
	require.NoError(t, b.Unname(t.Context(), reviews))
	is(asker, budget.Members)
	b.refused(t, "fourth")
	require.NoError(t, b.Name(t.Context(), stands))
	is(asker, budget.Reviewers)
	reviews.User = "BOSS"
	require.NoError(t, b.Name(t.Context(), reviews))
	is("BOSS", budget.Admins)
	administers.Team, administers.User = "OTHER", "REVA"
	require.NoError(t, b.Name(t.Context(), administers))
	is("REVA", budget.Members)
}

// A role's limit is lowered while somebody who spends by it holds: whichever comes
// first, nobody holds what the other would have refused.
func TestARolesLimitStandsWhileSomebodySpendsByIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	members := budget.Scope{Team: team, Kind: budget.Role, ID: budget.Members}
	r := b.ask(t, "t")
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	batch := &pgx.Batch{}
	r.Changes.Holds = []budget.Hold{{}}
	b.requests.money.AddMoney(batch, r, time.Now())
	err = tx.SendBatch(t.Context(), batch).Close()
	require.NoError(t, err)
	set := make(chan error, 1)
	go func() {
		set <- b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: members, Amount: 1, Window: budget.Day})
	}()
	eventually(t, func() bool {
		return b.count(t, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`) == 1
	})
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, <-set)
}
