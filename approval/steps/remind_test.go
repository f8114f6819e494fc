package steps

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
)

// roster names people beside the settings.
func (b *bundle) roster(grants ...review.Grant) {
	b.t.Helper()
	for _, g := range grants {
		g.Team, g.By = "T1", "admin"
		require.NoError(b.t, b.store.Name(b.t.Context(), g))
	}
}

func (b *bundle) sweep() {
	b.t.Helper()
	require.NoError(b.t, b.Sweep(b.t.Context()))
	require.Empty(b.t, b.work())
}

// toldOf lists who was told something about a request that begins like this.
func (b *bundle) toldOf(key string) (who []string) {
	for _, place := range b.slack.told {
		if len(place) > len(key) && place[:len(key)] == key {
			who = append(who, place[len(key):])
		}
	}
	slices.Sort(who)
	return who
}

func TestAWaitIsSaidAtHalfAndToTheFallbackAtFourFifthsOnceEach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum, b.Policy.Reviewers = 2, []string{"R1", "R2", "R3", "asker"}
	b.roster(review.Grant{Role: review.RoleFallback, User: "F1"}, review.Grant{Role: review.RoleFallback, User: "asker"}, review.Grant{Role: review.RoleFallback, User: "F2", Project: "C2"})
	r := b.pending()
	_, err := b.Decide(t.Context(), ruling(r, "R3", approval.Approve))
	require.NoError(t, err)
	b.store.pass(11 * time.Hour)
	b.sweep()
	require.Empty(t, b.toldOf("remind"))
	b.store.pass(2 * time.Hour)
	b.sweep()
	b.sweep()
	require.Equal(t, []string{"R1", "R2"}, b.toldOf("remind "+r.ID+" 1 to "), "who may decide and has not")
	require.Equal(t, 1, b.count(r.ID, "reminded"))
	require.Empty(t, b.toldOf("escalate"))
	b.store.pass(7 * time.Hour)
	b.sweep()
	b.sweep()
	require.Equal(t, []string{"F1"}, b.toldOf("escalate "+r.ID+" 1 to "))
	require.Equal(t, 1, b.count(r.ID, "escalated"))
	now := b.request(r.ID)
	require.False(t, now.RemindedAt.IsZero() || now.EscalatedAt.IsZero())

	_, err = b.Decide(t.Context(), ruling(now, "F1", approval.Rewrite))
	require.NoError(t, err)
	require.Empty(t, b.work())
	now = b.request(r.ID)
	require.True(t, now.RemindedAt.IsZero() && now.EscalatedAt.IsZero(), "a new version, a new wait")
	b.store.pass(13 * time.Hour)
	b.sweep()
	require.Equal(t, []string{"R1", "R2", "R3"}, b.toldOf("remind "+r.ID+" 2 to "))
}

func TestWithNobodyToRemindTheAdministratorsHearOfIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Reviewers, b.Policy.Admins = []string{"asker"}, []string{"admin"}
	r := b.pending()
	b.store.pass(20 * time.Hour)
	b.sweep()
	b.sweep()
	require.Equal(t, []string{"admin"}, b.toldOf("escalate "+r.ID+" 1 to "))
	require.Equal(t, []string{"admin"}, b.toldOf("remind "+r.ID+" 1 to "))
}

// Whoever has left the workspace is reminded of nothing. Where that is everybody, administrators hear of it.
func TestWhereAllReviewersHaveLeftTheAdministratorsHearOfIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ gone, half, late []string }{
		{[]string{"R1"}, []string{"R2"}, []string{"F1"}},
		{[]string{"R1", "R2"}, []string{"admin"}, []string{"F1"}},
		{[]string{"R1", "R2", "F1"}, []string{"admin"}, []string{"admin"}},
	} {
		b := setup(t)
		b.Policy.Reviewers, b.Policy.Admins = []string{"R1", "R2"}, []string{"admin"}
		b.roster(review.Grant{Role: review.RoleFallback, User: "F1"})
		r := b.pending()
		for _, who := range c.gone {
			b.slack.people[who] = review.Person{ID: who, Gone: true}
		}
		b.store.pass(13 * time.Hour)
		b.sweep()
		require.Equal(t, c.half, b.toldOf("remind "+r.ID+" 1 to "), "%v", c.gone)
		b.store.pass(7 * time.Hour)
		b.sweep()
		require.Equal(t, c.late, b.toldOf("escalate "+r.ID+" 1 to "), "%v", c.gone)
	}
}

// Wherever a sweep dies, the next one says what was not said, and nothing twice.
func TestRemindersSurviveTheDeathOfASweep(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Stuck.before", "Update.before", "Request.before", "commit reminded.before", "commit reminded.after", "Wake show"} {
		b := setup(t)
		r := b.pending()
		b.store.pass(13 * time.Hour)
		b.faults.kill(point)
		require.ErrorIs(t, b.replica(func() error { return b.Sweep(t.Context()) }), errCrash, point)
		require.True(t, b.faults.struck(), point)
		b.sweep()
		require.Equal(t, 1, b.count(r.ID, "reminded"), point)
		require.Contains(t, b.toldOf("remind "+r.ID+" 1 to "), "R1", point)
	}
}

func TestADecisionIsAssignedToSomebodyWhoCanTakeIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	click := approval.Click{Team: "T1", User: "R1", ActionTS: "7"}
	var in *approval.InputError
	for _, who := range []string{"asker", "guest", "gone", "nobody"} {
		_, err := b.Assign(t.Context(), r.ID, who, click)
		require.ErrorAs(t, err, &in, who)
		_, err = b.SecondOpinion(t.Context(), r.ID, who, click)
		require.ErrorAs(t, err, &in, who)
	}
	_, err := b.SecondOpinion(t.Context(), r.ID, "R1", click)
	require.ErrorAs(t, err, &in)
	require.Contains(t, reasons.Words(in.Why), "somebody else's")
	var no *approval.NotAllowedError
	_, err = b.Assign(t.Context(), r.ID, "R2", approval.Click{Team: "T1", User: "nobody"})
	require.ErrorAs(t, err, &no)

	for range 2 {
		got, err := b.Assign(t.Context(), r.ID, "R2", click)
		require.NoError(t, err)
		require.Equal(t, "R2", got.Assignee)
		got, err = b.SecondOpinion(t.Context(), r.ID, "R3", click)
		require.NoError(t, err)
		require.Equal(t, []string{"R3"}, got.Opinions)
	}
	require.Equal(t, 1, b.count(r.ID, "assigned"))
	require.Equal(t, 1, b.count(r.ID, "asked for an opinion"))
	require.Empty(t, b.work())
	require.Equal(t, []string{"R2"}, b.toldOf("assigned "+r.ID+" 1 R2 to "))
	require.Equal(t, []string{"R3"}, b.toldOf("opinion "+r.ID+" 1 R3 to "))
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Subset(t, v.Deciders, []string{"R1", "R2", "R3"})
	require.NotContains(t, v.Deciders, "asker")

	_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err, "others may still decide")
	var move *approval.MoveError
	_, err = b.Assign(t.Context(), r.ID, "R3", click)
	require.ErrorAs(t, err, &move)
}
