package storage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/storage/trail"
)

// erasers are people who want forgotten what ASKER has asked, without their events.
func erasers(who ...string) string {
	var rows []string
	for _, by := range who {
		rows = append(rows, fmt.Sprintf("('TEAM', 'ASKER', '%s', now())", by))
	}
	return unguarded(`erasures`) + `INSERT INTO erasures (team, person, by, at) VALUES ` + strings.Join(rows, ", ") + ";\n"
}

func onHold(person string) string {
	return unguarded(`legal_holds`) + `INSERT INTO legal_holds (team, person, held, by, at) VALUES ('TEAM', '` + person + `', true, 'ADMIN', now());` + "\n"
}

// keepsFor is a rule of the workspace that keeps everything for so many days, without its event.
func keepsFor(days int) string {
	return unguarded(`requests`) + unguarded(`rules`) + fmt.Sprintf(`INSERT INTO rules (team, project, version, document, set_by, set_at) VALUES ('TEAM', '', 1,
		'{"low": {"approvals": 1}, "medium": {"approvals": 1}, "high": {"approvals": 1}, "privacy": {"keep": {"words": %[1]d, "code": %[1]d, "results": %[1]d}}}', 'ADMIN', now());`, days) + "\n"
}

func forgets(who, why string) string {
	return `SELECT forget('request:' || DONE, NULL, '` + who + `', '` + why + `')`
}

// guardedAgain is a breach of which only the beginning is unguarded.
func guardedAgain(table, begins string) string {
	return begins + `ALTER TABLE ` + table + ` ENABLE TRIGGER USER;` + "\n"
}

// erasers has two administrators want forgotten what somebody asked.
func (b *bundle) erasers(t *testing.T, person string) {
	t.Helper()
	for n, by := range []string{"SECOND", "ADMIN"} {
		others, err := KeepingOf(b.DB).WantErased(t.Context(), team, person, by)
		require.NoError(t, err)
		require.Len(t, others, n)
	}
}

// ages has a request have ended so many days ago.
func (b *bundle) ages(t *testing.T, id string, days int) {
	t.Helper()
	require.NoError(t, b.exec(t, unguarded(`requests`)+fmt.Sprintf(`UPDATE requests SET changed_at = now() - make_interval(days => %d) WHERE id = '%s'; ALTER TABLE requests ENABLE TRIGGER USER`, days, id)))
}

// left counts what is left of the words, the code and the results of a request.
func (b *bundle) left(t *testing.T, id string) (list []bool) {
	t.Helper()
	v, err := b.View(t.Context(), id)
	require.NoError(t, err)
	return []bool{v.Request.Question != "", v.Request.Revision.Code != "", v.Request.Run.Result.Stdout != ""}
}

// By the workspace's rule each part goes when it is due, with an event, and the trail verifies as before.
func TestWhatTheRuleKeepsNoLongerIsForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	keep := KeepingOf(b.DB)
	old, young := b.secrets(t), b.done(t, "young")
	b.ages(t, old.ID, 40)
	none := func() {
		t.Helper()
		n, err := keep.ForgetDue(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
	}
	none()
	rules := review.DefaultRules(b.policy)
	rules.Privacy = &review.Privacy{Hide: "Project Canary", Keep: review.Keep{Results: 30, Code: 35, Readings: 1}}
	set, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: rules, SetBy: "ADMIN"})
	require.NoError(t, err)
	have, err := b.Rules(t.Context(), team, channel)
	require.NoError(t, err)
	require.Equal(t, rules.Privacy, have.Rules.Privacy, "it comes back as it went, in every channel")
	require.Zero(t, b.count(t, `SELECT count(*) FROM rules WHERE document::text LIKE '%Canary%'`))

	require.NoError(t, keep.HoldLegally(t.Context(), team, "", "ADMIN", true))
	held, err := keep.OnHold(t.Context(), team, old.Asker)
	require.NoError(t, err)
	require.True(t, held)
	none()
	require.NoError(t, keep.HoldLegally(t.Context(), team, "", "ADMIN", false))
	n, err := keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Positive(t, n)
	require.Equal(t, []bool{true, false, false}, b.left(t, old.ID))
	require.Equal(t, []bool{true, true, true}, b.left(t, young.ID))
	none()
	events, err := b.Events(t.Context(), old.ID)
	require.NoError(t, err)
	last := events[len(events)-1]
	require.Equal(t, []string{"gone", approval.System, "retention"}, []string{last.Kind, last.Actor, last.Data["why"].(string)})
	found, err := b.VerifyChain(t.Context(), trail.StreamOf(old.ID))
	require.NoError(t, err)
	require.Equal(t, n, found.Gone)

	rules.Privacy = &review.Privacy{Keep: review.Keep{Words: 30}}
	_, err = b.SetRules(t.Context(), review.RuleSet{Team: team, Version: set.Version, Rules: rules, SetBy: "ADMIN"})
	require.NoError(t, err)
	_, err = keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, []bool{false, false, false}, b.left(t, old.ID))
	for _, id := range []string{old.ID, young.ID} {
		_, err = AuditorOf(b.DB).Request(t.Context(), id)
		require.NoError(t, err)
	}
	_, err = AuditorOf(b.DB).House(t.Context())
	require.NoError(t, err)
}

// What two administrators want goes, but for what one of them decided. Decisions and money stay.
func TestWhatTwoAdministratorsWantIsForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	keep := KeepingOf(b.DB)
	r := b.done(t, "one")
	_, err := keep.WantErased(t.Context(), team, r.Asker, "ADMIN")
	require.NoError(t, err)
	n, err := keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "one is not enough")
	_, err = keep.WantErased(t.Context(), team, r.Asker, r.Decisions[0].Reviewer)
	require.NoError(t, err)
	n, err = keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "whoever decided on it does not count")
	others, err := keep.WantErased(t.Context(), team, r.Asker, "SECOND")
	require.NoError(t, err)
	require.Len(t, others, 2)
	open := b.ask(t, "open")
	n, err = keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Positive(t, n)
	require.Equal(t, []bool{false, false, false}, b.left(t, r.ID))
	v, err := b.View(t.Context(), open.ID)
	require.NoError(t, err)
	require.NotEmpty(t, v.Request.Question, "it has not ended")
	v, err = b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, len(r.Decisions), len(v.Request.Decisions))
	require.NotEmpty(t, v.Bill)
	a, err := AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, n, a.Gone)
	later := b.done(t, "later")
	n, err = keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "what was asked after their word needs another one")
	require.Equal(t, []bool{true, true, true}, b.left(t, later.ID))
	_, err = AuditorOf(b.DB).House(t.Context())
	require.NoError(t, err)
	require.NoError(t, b.exec(t, unguarded(`erasures`)+`INSERT INTO erasures (team, person, by, at, told) VALUES ('TEAM', 'ASKER', 'MALLORY', now(), 999)`))
	_, err = AuditorOf(b.DB).House(t.Context())
	require.ErrorContains(t, err, "is to be forgotten, says MALLORY")
}

// What others verified has the same words in it, and goes with them. A legal hold on either asker keeps it.
func TestWhatOthersVerifiedIsForgottenAsWell(t *testing.T) {
	t.Parallel()
	b := setup(t)
	keep := KeepingOf(b.DB)
	first := b.done(t, "first")
	r := b.update(t, b.repeat(t, first).ID, b.inspected(first.Revision.Code))
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(r.Asker, now) })
	require.NoError(t, keep.HoldLegally(t.Context(), team, first.Asker, "THIRD", true))
	b.erasers(t, first.Asker)
	forgotten := func() bool {
		t.Helper()
		_, err := keep.ForgetDue(t.Context())
		require.NoError(t, err)
		v, err := b.View(t.Context(), r.ID)
		require.NoError(t, err)
		return v.Request.Revision.Code == ""
	}
	require.False(t, forgotten(), "its first asker is on hold")
	require.NoError(t, keep.HoldLegally(t.Context(), team, first.Asker, "THIRD", false))
	require.NoError(t, keep.HoldLegally(t.Context(), team, r.Asker, "THIRD", true))
	require.False(t, forgotten(), "whoever verified is")
	require.NoError(t, keep.HoldLegally(t.Context(), team, r.Asker, "THIRD", false))
	require.True(t, forgotten())
	_, err := AuditorOf(b.DB).House(t.Context())
	require.NoError(t, err)
}

// What a person is called goes with what they asked. What they are called later is another thing.
func TestTheNameOfWhoIsForgottenGoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	keep, log := KeepingOf(b.DB), Log(b.DB)
	names := func() (list []string) {
		t.Helper()
		all, err := log.Names(t.Context())
		require.NoError(t, err)
		for _, n := range all {
			list = append(list, n.ID+" "+n.Name)
		}
		return list
	}
	require.NoError(t, log.Called(t.Context(), team, map[string]string{"ASKER": "Maya", "OTHER": "Omar"}))
	_, err := keep.WantErased(t.Context(), team, "ASKER", "ADMIN")
	require.NoError(t, err)
	n, err := keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "one is not enough")
	require.ErrorContains(t, b.exec(t, `SELECT forget('names:' || $1, NULL, 'ADMIN', 'erasure')`, team), "it is of no request")
	_, err = keep.WantErased(t.Context(), team, "ASKER", "SECOND")
	require.NoError(t, err)
	require.ErrorContains(t, b.exec(t, `SELECT forget('names:' || $1, NULL, 'ADMIN', 'erasure')`, team), "it is of no request", "nobody else's goes along")
	n, err = keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Equal(t, []string{"OTHER Omar"}, names())
	require.NoError(t, log.Called(t.Context(), team, map[string]string{"ASKER": "Maya"}))
	_, err = keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"OTHER Omar", "ASKER Maya"}, names())
	_, err = AuditorOf(b.DB).House(t.Context())
	require.NoError(t, err)
}
