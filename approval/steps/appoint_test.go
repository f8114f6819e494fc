package steps

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
)

func TestOnlyAdministratorsNamePeopleAndSetRules(t *testing.T) {
	t.Parallel()
	for who, why := range map[string]string{"R1": "Only administrators", "asker": "Only administrators", "guest": "Guests", "gone": "deactivated"} {
		b := setup(t)
		for what, try := range map[string]func() error{
			"SetRole": func() error {
				return b.SetRole(t.Context(), by(who), review.Grant{Role: review.RoleReviewer, User: "new"})
			},
			"RemoveRole": func() error {
				return b.RemoveRole(t.Context(), by(who), review.Grant{Role: review.RoleReviewer, User: "new"})
			},
			"SetRules": func() error {
				_, err := b.SetRules(t.Context(), by(who), review.RuleSet{Rules: review.DefaultRules(b.Policy)})
				return err
			},
			"EndDelegation": func() error { return b.EndDelegation(t.Context(), by(who), "R1") },
			"Statistics":    func() error { _, err := b.Statistics(t.Context(), by(who), time.Time{}); return err },
		} {
			var no *approval.NotAllowedError
			require.ErrorAs(t, try(), &no, "%s by %s", what, who)
			require.Contains(t, reasons.Words(no.Why), why)
		}
		require.Empty(t, b.store.bookLog)
		require.Len(t, b.store.refused, 4, "who tried to change something is on record; looking is free")
		require.Equal(t, who, b.store.refused[0].Actor)
	}
	b := setup(t)
	b.faults.fail("AuditPeople.before", errCrash)
	require.Error(t, b.SetRole(t.Context(), by("R1"), review.Grant{Role: review.RoleReviewer, User: "new"}))
	require.Contains(t, b.log.String(), "audit a refused click")
	require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Role: review.RoleAdmin, User: "second"}))
	require.NoError(t, b.SetRole(t.Context(), by("second"), review.Grant{Role: review.RoleReviewer, User: "new"}), "who was named by an administrator is one")
	require.NoError(t, b.RemoveRole(t.Context(), by("admin"), review.Grant{Role: review.RoleAdmin, User: "second"}))
	var no *approval.NotAllowedError
	require.ErrorAs(t, b.SetRole(t.Context(), by("second"), review.Grant{Role: review.RoleReviewer, User: "new"}), &no, "and was")
}

func TestWhoCannotBeNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for why, g := range map[string]review.Grant{
		"Please choose a person.": {Role: review.RoleReviewer},
		"Please choose what":      {User: "new", Role: "king"},
		"for the whole workspace": {User: "new", Role: review.RoleAdmin, Project: "C1"},
		"Guests cannot decide.":   {User: "guest", Role: review.RoleReviewer},
		"not apps":                {User: "bot", Role: review.RoleFallback},
		"deactivated":             {User: "gone", Role: review.RoleAdmin},
		"Only members":            {User: "stranger", Role: review.RoleReviewer, Project: "C1"},
	} {
		var in *approval.InputError
		require.ErrorAs(t, b.SetRole(t.Context(), by("admin"), g), &in, why)
		require.Contains(t, reasons.Words(in.Why), why)
	}
	var in *approval.InputError
	require.ErrorAs(t, b.RemoveRole(t.Context(), by("admin"), review.Grant{User: "R1", Role: review.RoleReviewer}), &in)
	require.Contains(t, reasons.Words(in.Why), "settings")
	require.Empty(t, b.store.bookLog)
}

func TestReviewersOfAChannelDecideThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Project: "C1", Role: review.RoleReviewer, User: "here"}))
	require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Project: "C2", Role: review.RoleReviewer, User: "there"}))
	require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Role: review.RoleFallback, User: "spare"}))
	roster, err := b.Reviewers(t.Context(), "T1", "C1")
	require.NoError(t, err)
	require.Equal(t, []string{"here"}, roster.Owners)
	require.Equal(t, []string{"spare"}, roster.Fallback)
	require.True(t, roster.Reviewer("here") && roster.Reviewer("R1") && roster.Reviewer("spare") && !roster.Reviewer("there") && !roster.Reviewer("admin"))
	grants, err := b.Steps.Grants(t.Context(), "T1")
	require.NoError(t, err)
	require.Len(t, grants, len(b.Policy.Reviewers)+len(b.Policy.Admins)+3)

	r := b.pending()
	var no *approval.NotAllowedError
	_, err = b.Decide(t.Context(), ruling(r, "there", approval.Approve))
	require.ErrorAs(t, err, &no)
	r, err = b.Decide(t.Context(), ruling(r, "here", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
	_, err = b.Decide(t.Context(), ruling(b.pending(), "spare", approval.Approve))
	require.NoError(t, err)

	for user, rows := range map[string]int{"here": 1, "there": 0, "R1": 1, "spare": 1, "asker": 0, "nobody": 0} {
		b := setup(t)
		b.store.memBook = memBook{grants: map[review.Grant]review.Grant{{User: "here"}: {Team: "T1", Project: "C1", Role: review.RoleReviewer, User: "here"},
			{User: "there"}: {Team: "T1", Project: "C2", Role: review.RoleReviewer, User: "there"}, {User: "spare"}: {Team: "T1", Role: review.RoleFallback, User: "spare"}}}
		b.pending()
		q, err := b.Steps.Queue(t.Context(), "T1", user, QueueFilter{}, 0)
		require.NoError(t, err)
		require.Len(t, q.Rows, rows, user)
	}
}

func TestADelegateDecidesInSomebodysPlace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tomorrow := time.Now().Add(24 * time.Hour)
	require.NoError(t, b.Steps.Delegate(t.Context(), by("R1"), "helper", tomorrow))
	r, err := b.Decide(t.Context(), ruling(b.pending(), "helper", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, "R1", r.Decisions[0].InPlaceOf)
	require.Equal(t, "helper", r.Decisions[0].Reviewer)
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
	events, err := b.store.Events(t.Context(), r.ID)
	require.NoError(t, err)
	said := false
	for _, e := range events {
		said = said || e.Kind == approval.EventApproved && e.Actor == "helper" && e.Data["in_place_of"] == "R1"
	}
	require.True(t, said, "and it is on record")
	q, err := b.Steps.Queue(t.Context(), "T1", "helper", QueueFilter{}, 0)
	require.NoError(t, err)
	require.NotNil(t, q)

	r = b.pending()
	b.store.pass(25 * time.Hour)
	b.store.requests[r.ID].ExpiresAt = time.Now().Add(100 * time.Hour)
	var no *approval.NotAllowedError
	_, err = b.Decide(t.Context(), ruling(r, "helper", approval.Approve))
	require.ErrorAs(t, err, &no, "it has ended")
}

func TestADelegateIsNoWayAroundAnything(t *testing.T) {
	t.Parallel()
	tomorrow := time.Now().Add(24 * time.Hour)
	refused := func(b *bundle, r *approval.Request, who, why string) {
		t.Helper()
		_, err := b.Decide(t.Context(), ruling(r, who, approval.Approve))
		var no *approval.NotAllowedError
		require.ErrorAs(t, err, &no, why)
		require.Contains(t, reasons.Words(no.Why), why)
	}
	b := setup(t)
	require.NoError(t, b.Steps.Delegate(t.Context(), by("asker"), "helper", tomorrow))
	refused(b, b.pending(), "helper", "has asked this question")

	b = setup(t)
	require.NoError(t, b.Steps.Delegate(t.Context(), by("R1"), "asker", tomorrow))
	b.Policy.Reviewers = []string{"R1"}
	refused(b, b.pending(), "asker", "You asked this question")

	b = setup(t)
	b.Policy.Quorum = 2
	require.NoError(t, b.Steps.Delegate(t.Context(), by("R1"), "helper", tomorrow))
	r, err := b.Decide(t.Context(), ruling(b.pending(), "R1", approval.Approve))
	require.NoError(t, err)
	refused(b, r, "helper", "Each person counts once.")
	require.Equal(t, approval.Pending, b.request(r.ID).State)

	b = setup(t)
	b.Policy.Quorum = 2
	require.NoError(t, b.Steps.Delegate(t.Context(), by("R1"), "helper", tomorrow))
	r, err = b.Decide(t.Context(), ruling(b.pending(), "helper", approval.Approve))
	require.NoError(t, err)
	var move *approval.MoveError
	_, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.ErrorAs(t, err, &move, "nor do both have one")
	require.Equal(t, approval.Pending, b.request(r.ID).State)

	b = setup(t) // who has left lets nobody decide; who is there does
	require.NoError(t, b.Steps.Delegate(t.Context(), by("R1"), "helper", tomorrow))
	require.NoError(t, b.Steps.Delegate(t.Context(), by("R2"), "helper", tomorrow))
	b.slack.people["R1"] = review.Person{ID: "R1", Gone: true}
	r, err = b.Decide(t.Context(), ruling(b.pending(), "helper", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, "R2", r.Decisions[0].InPlaceOf)
	b.slack.people["R2"] = review.Person{ID: "R2", Guest: true}
	refused(b, b.pending(), "helper", "could not decide themselves any more")

	b = setup(t)
	var no *approval.NotAllowedError
	var in *approval.InputError
	require.ErrorAs(t, b.Steps.Delegate(t.Context(), by("nobody"), "helper", tomorrow), &no)
	require.ErrorAs(t, b.Steps.Delegate(t.Context(), by("gone"), "helper", tomorrow), &no)
	for _, who := range []string{"R1", "guest", "bot", "gone"} {
		require.ErrorAs(t, b.Steps.Delegate(t.Context(), by("R1"), who, tomorrow), &in, who)
	}
	require.ErrorAs(t, b.Steps.Delegate(t.Context(), by("R1"), "helper", time.Now().Add(-time.Hour)), &in)
	require.ErrorAs(t, b.Steps.Delegate(t.Context(), by("R1"), "helper", time.Now().Add(91*24*time.Hour)), &in)
	require.NoError(t, b.Steps.Delegate(t.Context(), by("R1"), "helper", tomorrow))
	require.NoError(t, b.Steps.Delegate(t.Context(), by("R1"), "", time.Time{}))
	refused(b, b.pending(), "helper", "Only the people who are named")
}

// Somebody who decides in another's place is no further voice.
func TestRulesThatAskForMoreVoicesThanThereAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Reviewers = []string{"R1"}
	require.NoError(t, b.Steps.Delegate(t.Context(), by("R1"), "helper", time.Now().Add(time.Hour)))
	rules := review.DefaultRules(b.Policy)
	rules.High.Approvals = 2
	var in *approval.InputError
	_, err := b.SetRules(t.Context(), by("admin"), review.RuleSet{Rules: rules})
	require.ErrorAs(t, err, &in)
	require.Contains(t, reasons.Words(in.Why), "the approval of 2 people, and only 1 can give it")

	second := review.Grant{Role: review.RoleReviewer, User: "R2"}
	own := review.Grant{Project: "C1", Role: review.RoleReviewer, User: "R3"}
	require.NoError(t, b.SetRole(t.Context(), by("admin"), second))
	require.NoError(t, b.SetRole(t.Context(), by("admin"), own))
	_, err = b.SetRules(t.Context(), by("admin"), review.RuleSet{Rules: rules})
	require.NoError(t, err)
	rules.Low.Owners = true
	_, err = b.SetRules(t.Context(), by("admin"), review.RuleSet{Project: "C1", Rules: rules})
	require.NoError(t, err)
	short, err := b.Shortages(t.Context(), "T1")
	require.NoError(t, err)
	require.Empty(t, short)
	require.NoError(t, b.RemoveRole(t.Context(), by("admin"), second))
	short, err = b.Shortages(t.Context(), "T1")
	require.NoError(t, err)
	require.Equal(t, []Shortage{{Tier: approval.High, Needs: 2, Have: 1}}, short, "the channel has R1 and R3")
}

func by(user string) approval.Click { return approval.Click{Team: "T1", User: user} }

// Where checkpoints are kept is the workspace's, and stays what it is when other rules are set.
func TestTheChannelOfCheckpointsIsSetApart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	of := func(project string) review.RuleSet {
		set, err := b.RulesOf(t.Context(), "T1", project)
		require.NoError(t, err)
		return set
	}
	_, err := b.SetLogChannel(t.Context(), by("R1"), "C9", 0)
	require.ErrorAs(t, err, new(*approval.NotAllowedError))
	here := b.slack.place
	for _, place := range []approval.Place{{}, {Seen: true}, {Seen: true, In: true, Archived: true}} {
		b.slack.at(place)
		_, err = b.SetLogChannel(t.Context(), byAdmin, "C9", 0)
		var input *approval.InputError
		require.ErrorAs(t, err, &input)
		require.Equal(t, approval.WhyLogChannel, input.Why.Code)
	}
	b.slack.at(here)
	_, err = b.SetLogChannel(t.Context(), byAdmin, "C9", 0)
	require.NoError(t, err)
	require.Equal(t, "C9", of("").Rules.LogChannel)
	require.Equal(t, "C9", of("C1").Rules.LogChannel, "there is one log")
	require.Zero(t, of("").Version, "reviews follow the settings as before")
	_, err = b.SetLogChannel(t.Context(), byAdmin, "C8", 0)
	require.Error(t, err, "somebody else was quicker")

	rules := review.DefaultRules(b.Policy)
	rules.Class = review.Confidential
	_, err = b.SetRules(t.Context(), byAdmin, review.RuleSet{Version: of("").Own, Rules: rules})
	require.NoError(t, err)
	_, err = b.SetModels(t.Context(), byAdmin, "", nil, of("").Own)
	require.NoError(t, err)
	require.Equal(t, "C9", of("").Rules.LogChannel)
	b.note(review.Notes{Text: "Net of VAT."})
	require.Empty(t, b.store.rules[len(b.store.rules)-1].Rules.LogChannel, "a channel's own rules do not carry it")
	_, err = b.SetLogChannel(t.Context(), byAdmin, "", of("").Own)
	require.NoError(t, err)
	require.Empty(t, of("C1").Rules.LogChannel)
	require.Equal(t, review.Confidential, of("").Rules.Class)
}
