package storage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
	"countersign/internal/pack"
	"countersign/storage/audit"
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

// Whoever owns the database can switch its guards off and forget what they like. The event of that needs no signature,
// so an audit asks whether anything said that it might go.
func TestAnAuditNamesWhatWentWithoutAReason(t *testing.T) {
	t.Parallel()
	b := setupTurnable(t)
	keep := KeepingOf(b.DB)
	require.NoError(t, b.exec(t, `ALTER TABLE contents DISABLE TRIGGER contents_stay_without_reason; ALTER FUNCTION tell SET search_path = turned, pg_catalog, public, pg_temp`))
	var all []*approval.Request // asked before there are rules
	for n := range 10 {
		all = append(all, b.done(t, fmt.Sprint(n)))
	}
	goes := func(why, says string) {
		t.Helper()
		r := all[0]
		all = all[1:]
		require.NoError(t, b.exec(t, `SELECT forget('request:' || $1, NULL, 'ADMIN', $2)`, r.ID, why))
		_, err := AuditorOf(b.DB).Request(t.Context(), r.ID)
		if says == "" {
			require.NoError(t, err, why)
			return
		}
		var differs *audit.DifferenceError
		require.ErrorAs(t, err, &differs, why)
		require.Contains(t, differs.Error(), says)
	}
	goes("because", "nothing goes for such a reason")
	goes("retention", "the workspace's rules kept everything")
	goes("summary", "all that it sums up was there")
	_, err := keep.WantErased(t.Context(), team, asker, "ADMIN")
	require.NoError(t, err)
	goes("erasure", "no two other people had asked for it within seven days")
	_, err = keep.WantErased(t.Context(), team, asker, "SECOND")
	require.NoError(t, err)
	goes("erasure", "")
	rules := review.DefaultRules(b.policy)
	rules.Privacy = &review.Privacy{Keep: review.Keep{Results: 30}}
	_, err = b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: rules, SetBy: "ADMIN"})
	require.NoError(t, err)
	goes("retention", "")
	ahead := time.Duration(0)
	for _, whose := range []string{asker, ""} {
		require.NoError(t, keep.HoldLegally(t.Context(), team, whose, "ADMIN", true))
		ahead += 2 * time.Minute
		b.turnTo(t, time.Now().Add(ahead))
		goes("erasure", "what its asker has asked was on legal hold")
		require.NoError(t, keep.HoldLegally(t.Context(), team, whose, "ADMIN", false))
		goes("erasure", "")
	}
}

// What leaves the house of a request is masked, and what auditors read in Home is not.
func TestATerminalTellsARequestMasked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "one")
	rules := review.DefaultRules(b.policy)
	rules.Privacy = &review.Privacy{Hide: "region sells"}
	_, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: rules, SetBy: "ADMIN"})
	require.NoError(t, err)
	by, _ := signer(t)
	_, err = Log(b.DB).TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	plain, err := Log(b.DB).Story(t.Context(), team, r.ID)
	require.NoError(t, err)
	require.Contains(t, plain.Question, "region sells")
	masked, err := Log(b.DB).Masked(t.Context(), r.ID)
	require.NoError(t, err)
	require.NotContains(t, masked.Question, "region sells")
	require.NotEmpty(t, masked.Question)
	require.Equal(t, plain.Versions[0].Digest, masked.Versions[0].Digest)
}

// Who audits one workspace learns nothing of another.
func TestAnAuditorSeesTheirOwnWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	log := Log(b.DB)
	own := b.ask(t, "own")
	require.NoError(t, b.DB.Name(t.Context(), review.Grant{Team: team, Role: review.RoleAuditor, User: "OURS", By: "ADMIN"}))
	require.NoError(t, b.DB.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: budget.Scope{Team: team, Kind: budget.User, ID: "OURS"}, Amount: 5, Window: budget.Month}))
	alone, err := log.Alone(t.Context(), team)
	require.NoError(t, err)
	require.True(t, alone)
	require.NoError(t, b.DB.Name(t.Context(), review.Grant{Team: "OTHER", Role: review.RoleAuditor, User: "THEIRS", By: "BOSS"}))
	require.NoError(t, b.DB.SetLimit(t.Context(), "BOSS", budget.Limit{Scope: budget.Scope{Team: "OTHER", Kind: budget.User, ID: "THEIRS"}, Amount: 5, Window: budget.Month}))
	by, _ := signer(t)
	_, err = log.TakeCheckpoint(t.Context(), by)
	require.NoError(t, err)
	for whose, by := range map[string]string{team: "ADMIN", "OTHER": "BOSS"} {
		alone, err := log.Alone(t.Context(), whose)
		require.NoError(t, err)
		require.False(t, alone)
		deeds, err := log.Deeds(t.Context(), whose, 100)
		require.NoError(t, err)
		count := 0
		for _, d := range deeds {
			if d.Actor == "ADMIN" || d.Actor == "BOSS" {
				require.Equal(t, by, d.Actor, d.What)
				count++
			}
		}
		require.Equal(t, 2, count, "a role and a limit")
		of := pack.Chosen{From: time.Now().Add(-time.Hour), To: time.Now(), Team: whose}
		require.False(t, of.Complete())
		span, err := log.Span(t.Context(), of)
		require.NoError(t, err)
		streams, requests, err := log.Streams(t.Context(), span, of)
		require.NoError(t, err)
		require.EqualValues(t, 1, requests)
		require.Equal(t, whose == team, slices.Contains(streams, trail.StreamOf(own.ID)))
		for _, stream := range streams {
			require.True(t, strings.HasPrefix(stream, "request:") || strings.HasSuffix(stream, ":"+whose), stream)
		}
		require.Contains(t, streams, "people:"+whose)
		require.NoError(t, log.Entries(t.Context(), span, of, func(e pack.Entry) error {
			require.False(t, whose != team && strings.Contains(string(e.Event), "ADMIN"), string(e.Event))
			require.False(t, whose == team && strings.Contains(string(e.Event), "BOSS"), string(e.Event))
			return nil
		}))
	}
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
	_, err := AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
	_, err = AuditorOf(b.DB).House(t.Context())
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
	told := func() int { return b.count(t, `SELECT count(*) FROM notices WHERE kind = 'erase' AND admins`) }
	_, err := keep.WantErased(t.Context(), team, "ASKER", "ADMIN")
	require.NoError(t, err)
	require.Equal(t, 1, told(), "the other administrators")
	others, err := keep.WantErased(t.Context(), team, "ASKER", "ADMIN")
	require.NoError(t, err)
	require.Empty(t, others)
	require.Equal(t, 1, told(), "they have heard of it")
	n, err := keep.ForgetDue(t.Context())
	require.NoError(t, err)
	require.Zero(t, n, "one is not enough")
	require.ErrorContains(t, b.exec(t, `SELECT forget('names:' || $1, NULL, 'ADMIN', 'erasure')`, team), "it is of no request")
	others, err = keep.WantErased(t.Context(), team, "ASKER", "SECOND")
	require.NoError(t, err)
	require.Equal(t, []string{"ADMIN"}, others)
	require.Equal(t, 1, told(), "there is nobody to wait for")
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
