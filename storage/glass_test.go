package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
	"countersign/storage/audit"
)

// named has somebody named for break-glass by two administrators.
func (b *bundle) glassHolder(t *testing.T, who string) {
	t.Helper()
	for _, by := range []string{"ADMIN", "BOSS"} {
		require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleGlass, User: who, By: by}))
		require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleGlass, User: who, By: by}), "twice is once")
	}
}

// open has somebody open the code of a request, and breakIt has them break the glass for it.
func (b *bundle) openCode(t *testing.T, r *approval.Request, who string) {
	t.Helper()
	require.NoError(t, b.Audit(t.Context(), r.ID, approval.Event{Actor: who, Kind: approval.OpenedReview, Data: map[string]any{"revision": r.Revision.Number}}))
}

func (b *bundle) breakIt(t *testing.T, id, who string) (*approval.Request, error) {
	t.Helper()
	return b.Update(t.Context(), id, func(r *approval.Request, now time.Time) error {
		return approval.BreakGlass(r, approval.Glass{Revision: r.Revision.Number, Digest: r.Revision.Digest, Person: who, Reason: "the report is due in an hour",
			Others: []string{"ADMIN", "BOSS"}, Click: approval.Click{Team: team, User: who, ActionTS: "1"}}, budget.Cent, b.policy, now)
	})
}

func (b *bundle) lookAt(t *testing.T, id, who string) error {
	t.Helper()
	_, err := b.Update(t.Context(), id, func(r *approval.Request, now time.Time) error {
		return approval.LookAtGlass(r, 1, who, true, approval.Click{Team: team, User: who}, now)
	})
	return err
}

func TestTheGlassIsBrokenOnceAndLookedAtByTwo(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	// Guards keep to Postgres' own clock, whatever a session puts before it; this one follows the test's.
	require.NoError(t, b.exec(t, `ALTER FUNCTION broken_glass_held() SET search_path = turned, pg_catalog, public, pg_temp`))
	refused := func(err error, code approval.ReasonCode) {
		t.Helper()
		var no *approval.NotAllowedError
		require.ErrorAs(t, err, &no, "%#v", err)
		require.Equal(t, code, no.Why.Code)
	}
	b.glassHolder(t, "ONCALL")
	b.glassHolder(t, "OTHER")
	grants, err := b.Grants(t.Context(), team)
	require.NoError(t, err)
	require.Len(t, grants, 4, "a line for each who has named them")
	start := time.Now()
	b.turnTo(t, start.Add(23*time.Hour))
	young := b.pending(t, "young")
	b.openCode(t, young, "ONCALL")
	_, err = b.breakIt(t, young.ID, "ONCALL")
	refused(err, approval.WhyGlassRole)

	b.turnTo(t, start.Add(25*time.Hour))
	r, second := b.pending(t, "one"), b.pending(t, "two")
	_, err = b.breakIt(t, r.ID, "ONCALL")
	var input *approval.InputError
	require.ErrorAs(t, err, &input)
	require.Equal(t, approval.WhyNotOpened, input.Why.Code)
	b.openCode(t, r, "ONCALL")
	broken, err := b.breakIt(t, r.ID, "ONCALL")
	require.NoError(t, err)
	require.Equal(t, approval.Approved, broken.State)
	stands, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "the report is due in an hour", stands.Glass.Reason)
	require.False(t, stands.Glass.Unsigned)
	require.Empty(t, stands.Decisions)
	require.Nil(t, stands.BrokenSeal(b.policy), "nobody has approved it, and it may run")
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'glass' AND admins`))

	b.openCode(t, second, "ONCALL")
	b.openCode(t, second, "OTHER")
	for _, who := range []string{"ONCALL", "OTHER"} {
		_, err = b.breakIt(t, second.ID, who)
		refused(err, approval.WhyGlassUnseen)
	}
	c, err := b.Case(t.Context(), second.ID)
	require.NoError(t, err)
	require.Equal(t, r.ID, c.Glass.Unseen[0].RequestID)
	require.Equal(t, approval.WhyGlassUnseen, c.BarsGlass(c.Request, "OTHER", b.policy, c.Now).Code)

	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box-"+r.ID, b.policy, now) })
	refused(b.lookAt(t, r.ID, "ONCALL"), approval.WhyGlassOwn)
	refused(b.lookAt(t, r.ID, asker), approval.WhyGlassOwn)
	require.NoError(t, b.lookAt(t, r.ID, "ADMIN"))
	require.NoError(t, b.lookAt(t, r.ID, "ADMIN"), "twice is once")
	_, err = b.breakIt(t, second.ID, "ONCALL")
	refused(err, approval.WhyGlassUnseen)
	require.NoError(t, b.lookAt(t, r.ID, "BOSS"))
	_, err = b.breakIt(t, second.ID, "OTHER")
	require.NoError(t, err)
	for _, id := range []string{r.ID, second.ID} {
		_, err = AuditorOf(b.DB).Request(t.Context(), id)
		require.NoError(t, err)
	}

	// Nobody looks at the second for a day, and it rests for all.
	b.turnTo(t, start.Add(50*time.Hour))
	require.NoError(t, b.lookAt(t, second.ID, "ADMIN"))
	require.NoError(t, b.lookAt(t, second.ID, "BOSS"))
	third := b.pending(t, "three")
	b.openCode(t, third, "ONCALL")
	_, err = b.breakIt(t, third.ID, "ONCALL")
	refused(err, approval.WhyGlassRole)
	c, err = b.Case(t.Context(), third.ID)
	require.NoError(t, err)
	require.Equal(t, approval.WhyGlassRests, c.BarsGlass(c.Request, "ONCALL", b.policy, c.Now).Code)
	b.namedAnew(t, "ONCALL")
	b.turnTo(t, start.Add(75*time.Hour))
	fourth := b.pending(t, "four")
	b.openCode(t, fourth, "ONCALL")
	_, err = b.breakIt(t, fourth.ID, "ONCALL")
	require.NoError(t, err)
}

// Whoever broke the glass says that it was not them: it rests for everybody at once, though two have looked.
func TestADisownedGlassRestsForAll(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	require.NoError(t, b.exec(t, `ALTER FUNCTION broken_glass_held() SET search_path = turned, pg_catalog, public, pg_temp`))
	b.glassHolder(t, "ONCALL")
	b.glassHolder(t, "OTHER")
	start := time.Now()
	b.turnTo(t, start.Add(25*time.Hour))
	r := b.pending(t, "one")
	b.openCode(t, r, "ONCALL")
	_, err := b.breakIt(t, r.ID, "ONCALL")
	require.NoError(t, err)
	panes := Panes{b.DB}
	none, err := panes.Unlooked(t.Context(), 20*time.Hour, 200*time.Hour)
	require.NoError(t, err)
	require.Empty(t, none)
	b.turnTo(t, start.Add(46*time.Hour))
	due, err := panes.Unlooked(t.Context(), 20*time.Hour, 200*time.Hour)
	require.NoError(t, err)
	require.Len(t, due, 1)
	require.Equal(t, []any{team, r.ID, "ONCALL", 1}, []any{due[0].Team, due[0].RequestID, due[0].Person, due[0].Revision})
	for _, who := range []string{"ADMIN", "BOSS"} {
		require.NoError(t, b.lookAt(t, r.ID, who))
	}
	due, err = panes.Unlooked(t.Context(), 20*time.Hour, 200*time.Hour)
	require.NoError(t, err)
	require.Empty(t, due)
	second := b.pending(t, "two")
	b.openCode(t, second, "OTHER")
	c, err := b.Case(t.Context(), second.ID)
	require.NoError(t, err)
	require.Equal(t, approval.Reason{}, c.BarsGlass(c.Request, "OTHER", b.policy, c.Now))

	require.Equal(t, approval.Pending, b.disown(t, r.ID, 1).State)
	c, err = b.Case(t.Context(), second.ID)
	require.NoError(t, err)
	require.Equal(t, approval.WhyGlassRests, c.BarsGlass(c.Request, "OTHER", b.policy, c.Now).Code)
	_, err = b.breakIt(t, second.ID, "OTHER")
	var no *approval.NotAllowedError
	require.ErrorAs(t, err, &no)
	require.Equal(t, approval.WhyGlassRole, no.Why.Code, "the schema holds it as well")
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)

	// Once more is once: the version has been sealed anew since.
	b.disown(t, r.ID, 1)
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE kind = 'disowned glass'`))
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'disowned'`))

	// A role that rests is none, so its holder may become an auditor; and whoever is named anew has it a day later.
	require.NoError(t, b.exec(t, `ALTER FUNCTION people_one_part() SET search_path = turned, pg_catalog, public, pg_temp`))
	b.namedAnew(t, "OTHER")
	require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleAuditor, User: "ONCALL", By: "ADMIN"}))
	input := new(approval.InputError)
	require.ErrorAs(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleAuditor, User: "OTHER", By: "ADMIN"}), &input)
	require.Equal(t, approval.WhyAuditorApart, input.Why.Code)
	b.turnTo(t, start.Add(71*time.Hour))
	third := b.pending(t, "three")
	b.openCode(t, third, "OTHER")
	_, err = b.breakIt(t, third.ID, "OTHER")
	require.NoError(t, err)
}

// namedAnew has the two who named somebody before the role rested name them again: that is recorded, and it alone counts.
func (b *bundle) namedAnew(t *testing.T, who string) {
	t.Helper()
	const events = `SELECT count(*) FROM events WHERE kind = 'named' AND data::jsonb ->> 'role' = 'break-glass'`
	grants, err := b.Grants(t.Context(), team)
	require.NoError(t, err)
	require.Empty(t, grants, "the roles rest")
	before := b.count(t, events)
	b.glassHolder(t, who)
	require.Equal(t, before+2, b.count(t, events))
	grants, err = b.Grants(t.Context(), team)
	require.NoError(t, err)
	require.Len(t, grants, 2)
}

// disown has ONCALL say that it was not them who broke a revision.
func (b *bundle) disown(t *testing.T, id string, revision int) *approval.Request {
	t.Helper()
	return b.update(t, id, func(r *approval.Request, now time.Time) error {
		return approval.DisownGlass(r, revision, "ONCALL", approval.Click{Team: team, User: "ONCALL"}, b.policy, now)
	})
}

// Whoever broke the glass disowns it after its seal has broken, too: else the account could break the next version at once.
func TestAGlassWhoseSealBrokeIsDisowned(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		play     func(t *testing.T, b *bundle, r *approval.Request)
		state    approval.State
		revision int
	}{
		"nobody has broken the next version": {func(*testing.T, *bundle, *approval.Request) {}, approval.Pending, 2},
		"the same account has broken the next one": {func(t *testing.T, b *bundle, r *approval.Request) {
			b.openCode(t, r, "ONCALL")
			_, err := b.breakIt(t, r.ID, "ONCALL")
			require.NoError(t, err)
		}, approval.Pending, 3},
		"the next one runs with approvals": {func(t *testing.T, b *bundle, r *approval.Request) {
			b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
				return r.Decide(decision(r, "REVA", approval.Approve), budget.Cent, b.policy, now)
			})
			b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box-"+r.ID, b.policy, now) })
		}, approval.Running, 2},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := setupTurnable(t)
			require.NoError(t, b.exec(t, `ALTER FUNCTION broken_glass_held() SET search_path = turned, pg_catalog, public, pg_temp`))
			b.glassHolder(t, "ONCALL")
			b.turnTo(t, time.Now().Add(25*time.Hour))
			r := b.pending(t, "one")
			b.openCode(t, r, "ONCALL")
			_, err := b.breakIt(t, r.ID, "ONCALL")
			require.NoError(t, err)
			anew := b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
				return r.BreakSeal(&approval.BrokenSealError{Why: []approval.Reason{approval.Because(approval.WhyOtherSandbox)}}, r.Revision.Manifest, b.policy, now)
			})
			c.play(t, b, anew)

			stands, err := b.Request(t.Context(), r.ID)
			require.NoError(t, err)
			require.Len(t, stands.OldGlass, 1)
			require.Equal(t, 1, stands.OldGlass[0].Revision)
			require.NotSame(t, stands.Glass, approval.GlassOf(stands, 1), "it gives no authority")
			for range 2 { // twice is once
				stands = b.disown(t, r.ID, 1)
				require.Equal(t, c.state, stands.State)
				require.Equal(t, c.revision, stands.Revision.Number)
				require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE kind = 'disowned glass'`))
				require.Equal(t, 1, b.count(t, `SELECT count(*) FROM notices WHERE kind = 'disowned'`))
			}
			if stands.Run != nil {
				require.Zero(t, stands.Run.StoppedAt, "reviewers have approved what runs")
			}
			stands, err = b.Request(t.Context(), r.ID)
			require.NoError(t, err)
			require.False(t, approval.GlassOf(stands, 1).Disowned.IsZero())
			grants, err := b.Grants(t.Context(), team)
			require.NoError(t, err)
			require.Empty(t, grants, "the role rests")
			_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
			require.NoError(t, err)
		})
	}
}

// Whoever has been named auditor since says that it was not them all the same, and what runs is ended in their name.
func TestAnAuditorDisownsTheGlass(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	require.NoError(t, b.exec(t, `ALTER FUNCTION broken_glass_held() SET search_path = turned, pg_catalog, public, pg_temp`))
	b.glassHolder(t, "ONCALL")
	b.turnTo(t, time.Now().Add(25*time.Hour))
	r := b.pending(t, "one")
	b.openCode(t, r, "ONCALL")
	_, err := b.breakIt(t, r.ID, "ONCALL")
	require.NoError(t, err)
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box-"+r.ID, b.policy, now) })
	require.NoError(t, b.Unname(t.Context(), review.Grant{Team: team, Role: review.RoleGlass, User: "ONCALL", By: "ADMIN"}))
	require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleAuditor, User: "ONCALL", By: "ADMIN"}))
	_, err = b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		return approval.Stopping{Request: r}.Stop("ONCALL", now)
	})
	var no *approval.NotAllowedError
	require.ErrorAs(t, err, &no)
	require.Equal(t, approval.WhyAuditor, no.Why.Code)
	require.Equal(t, "ONCALL", b.disown(t, r.ID, 1).Run.StoppedBy)
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
}

// A glass whose seal breaks before anything runs is no run, so it waits for nobody's look, and bars nobody.
func TestAGlassWhoseSealBreaksBarsNothing(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	require.NoError(t, b.exec(t, `ALTER FUNCTION broken_glass_held() SET search_path = turned, pg_catalog, public, pg_temp`))
	b.glassHolder(t, "ONCALL")
	start := time.Now()
	b.turnTo(t, start.Add(25*time.Hour))
	r := b.pending(t, "one")
	b.openCode(t, r, "ONCALL")
	_, err := b.breakIt(t, r.ID, "ONCALL")
	require.NoError(t, err)
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		broken := &approval.BrokenSealError{Why: []approval.Reason{approval.Because(approval.WhyOtherSandbox)}}
		return r.BreakSeal(broken, r.Revision.Manifest, b.policy, now)
	})
	require.ErrorAs(t, b.lookAt(t, r.ID, "ADMIN"), new(*approval.MoveError))

	// A day later the role still counts, and the next one is broken.
	b.turnTo(t, start.Add(50*time.Hour))
	next := b.pending(t, "two")
	c, err := b.Case(t.Context(), next.ID)
	require.NoError(t, err)
	require.Empty(t, c.Glass.Unseen)
	require.Zero(t, c.Glass.Rested)
	require.True(t, c.BarsGlass(c.Request, "ONCALL", b.policy, c.Now).None())
	b.openCode(t, next, "ONCALL")
	_, err = b.breakIt(t, next.ID, "ONCALL")
	require.NoError(t, err)
}

// Whoever owns the database can switch its triggers off. What they write so runs nothing, and an audit names it.
func TestAForgedGlassIsNoneAndAnAuditNamesIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.keeps(t)
	r := b.pending(t, "one")
	require.NoError(t, b.exec(t, `ALTER TABLE broken_glass DISABLE TRIGGER USER`))
	require.NoError(t, b.exec(t, `INSERT INTO broken_glass (request_id, revision, digest, person, reason, others, at, click)
		VALUES ($1, 1, $2, 'REVA', kept('the report is due in an hour'), ARRAY['ADMIN', 'BOSS'], now(), '{}')`, r.ID, r.Revision.Digest))
	stands, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.True(t, stands.Glass.Unsigned)
	require.NotEmpty(t, stands.BrokenSeal(b.policy))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	var differs *audit.DifferenceError
	require.ErrorAs(t, err, &differs)
	require.Contains(t, differs.What, "the broken glass of REVA")
}

// And what serve's own key has signed is held to the conditions: a schema that was switched off lets nobody through.
func TestAnAuditNamesAGlassThatWasBrokenAgainstTheRules(t *testing.T) {
	t.Parallel()
	for what, before := range map[string]func(t *testing.T, b *bundle, r *approval.Request){
		"nobody has named them": func(*testing.T, *bundle, *approval.Request) {},
		"a moment ago":          func(t *testing.T, b *bundle, _ *approval.Request) { b.glassHolder(t, "REVA") },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.pending(t, "one")
			before(t, b, r)
			require.NoError(t, b.exec(t, `ALTER TABLE broken_glass DISABLE TRIGGER broken_glass_in_time`))
			_, err := b.breakIt(t, r.ID, "REVA")
			require.NoError(t, err)
			_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
			var differs *audit.DifferenceError
			require.ErrorAs(t, err, &differs)
			require.Contains(t, differs.Says, "they had not had the role for 24 hours by the word of two others")
		})
	}
}
