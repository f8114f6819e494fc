package steps

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// rules sets rules for the workspace, changed from the usual ones.
func (b *bundle) rules(project string, change func(*review.Rules)) review.RuleSet {
	b.t.Helper()
	set, err := b.store.Rules(b.t.Context(), "T1", project)
	require.NoError(b.t, err)
	if set.Project != project {
		set.Version = 0
	}
	rules := review.DefaultRules(b.Policy)
	change(&rules)
	stored, err := b.SetRules(b.t.Context(), by("admin"), review.RuleSet{Project: project, Version: set.Version, Rules: rules})
	require.NoError(b.t, err)
	return stored
}

func TestRulesThatCannotBeSet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for why, tt := range map[string]struct {
		set    review.RuleSet
		change func(*review.Rules)
	}{
		"medium risk can need from 1 to 9":   {change: func(r *review.Rules) { r.Medium.Approvals = 0 }},
		"program of low risk can need":       {change: func(r *review.Rules) { r.Low.Approvals = 10 }},
		"below the one for medium":           {change: func(r *review.Rules) { r.CostMedium, r.CostHigh = 2, 1 }},
		"public, internal or":                {change: func(r *review.Rules) { r.Class = "secret" }},
		`"http://example.com" is`:            {change: func(r *review.Rules) { r.Hosts = []string{"api.example.com", "http://example.com"} }},
		`"*.example.com" is not`:             {change: func(r *review.Rules) { r.Hosts = []string{"*.example.com"} }},
		"at most 50 hosts":                   {change: func(r *review.Rules) { r.Hosts = slices.Repeat([]string{"api.example.com"}, 51) }},
		"enter between 1 minute and 30 days": {change: func(r *review.Rules) { r.ExpiryMinutes = 50_000 }},
		"freeze window that I":               {change: func(r *review.Rules) { r.Freezes = []string{"now and then"} }},
		"cannot be removed":                  {set: review.RuleSet{None: true}},
		"Only a channel can be set to":       {change: func(r *review.Rules) { r.High.Owners = true }},
		"only 0 can give it":                 {set: review.RuleSet{Project: "C1"}, change: func(r *review.Rules) { r.High.Owners = true }},
		"approval of 9 people":               {change: func(r *review.Rules) { r.High.Approvals = 9 }},
		"Somebody else has changed":          {set: review.RuleSet{Version: 4}},
		"between 1 minute and 30":            {change: func(r *review.Rules) { r.RunExpiryMinutes = -1 }},
		"for more than three months.":        {change: func(r *review.Rules) { r.Freezes = []string{"Mon-Sun"} }},
	} {
		tt.set.Rules = review.DefaultRules(b.Policy)
		if tt.change != nil {
			tt.change(&tt.set.Rules)
		}
		_, err := b.SetRules(t.Context(), by("admin"), tt.set)
		var in *approval.InputError
		require.ErrorAs(t, err, &in, why)
		require.Contains(t, reasons.Words(in.Why), why)
	}
}

// What is sealed is what was asked for when the code was put before people.
func TestTheTermsAreSealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rules("", func(r *review.Rules) { r.Class, r.Medium.Approvals, r.ExpiryMinutes = review.Confidential, 2, 30 })
	r := b.pending()
	m := r.Revision.Manifest
	require.Equal(t, approval.ManifestVersion, m.Version)
	require.Equal(t, approval.Medium, m.Tier)
	require.Equal(t, 2, m.Approvals)
	require.Equal(t, "team/1", m.Policy)
	require.Equal(t, 30*time.Minute, r.ExpiresAt.Sub(r.Revision.At))
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, review.Terms{Tier: approval.Medium, Why: []string{"The data of this channel is confidential."}, Policy: "team/1", Approvals: 2, Slack: true, Digest: r.Revision.Digest, Lines: 2}, v.Terms)

	b.rules("", func(r *review.Rules) { r.Class = review.Public })
	r, err = b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, approval.Pending, r.State, "rules that are looser now change nothing")
	v, err = b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"The data of this channel is confidential."}, v.Terms.Why, "the reason is that of the seal")
	r, err = b.Decide(t.Context(), ruling(r, "R2", approval.Approve))
	require.NoError(t, err)
	b.rules("", func(r *review.Rules) { r.Medium.Approvals, r.Low.Approvals, r.High.Approvals = 3, 3, 3 })
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State, "nor do rules that came after the approval")
	require.Equal(t, "team/3", b.pending().Revision.Manifest.Policy, "they hold for what is written from now on")
}

// An inspection may wait for hours in the line for a box: what is sealed after it is what
// the rules ask for then.
func TestRulesThatComeWhileTheInspectionWaitsAreSealed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.askAndRead()
	b.box.line = []int{2}
	b.box.waited = func() {
		b.rules("", func(r *review.Rules) { r.Low.Approvals, r.Medium.Approvals, r.High.Approvals = 2, 2, 2 })
	}
	require.NoError(t, b.Draft(t.Context(), r.ID))
	m := b.request(r.ID).Revision.Manifest
	require.Equal(t, 2, m.Approvals)
	require.Equal(t, "team/1", m.Policy)
}

func TestAChannelsRulesComeFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rules("", func(r *review.Rules) { r.Class = review.Confidential })
	b.rules("C1", func(r *review.Rules) {})
	require.Equal(t, "C1/1", b.pending().Revision.Manifest.Policy)
	require.Equal(t, approval.Low, b.pending().Revision.Manifest.Tier)
	_, err := b.SetRules(t.Context(), by("admin"), review.RuleSet{Project: "C1", Version: 1, None: true})
	require.NoError(t, err)
	require.Equal(t, "team/1", b.pending().Revision.Manifest.Policy)
}

func TestADigestIsTypedWhereTheRulesWantIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.findings = []approval.Finding{{Level: approval.Danger, Line: 1, Text: "Starts another program."}}
	r := b.pending()
	require.Equal(t, approval.High, r.Revision.Manifest.Tier)
	for _, typed := range []string{"", "a", r.Revision.Digest[:5], "zzzzzz", r.Revision.Digest[:6] + "zzz", r.Revision.Digest + "0"} {
		d := ruling(r, "R1", approval.Approve)
		d.Typed = typed
		var in *approval.InputError
		_, err := b.Decide(t.Context(), d)
		require.ErrorAs(t, err, &in, typed)
		require.Contains(t, reasons.Words(in.Why), "first 6 characters")
		_, err = b.MayDecide(t.Context(), d)
		require.NoError(t, err, "the modal opens first")
	}
	_, err := b.Decide(t.Context(), ruling(b.pending(), "R1", approval.Reject))
	require.NoError(t, err, "a no needs no care")
	d := ruling(r, "R1", approval.Approve)
	d.Typed = " " + strings.ToUpper(r.Revision.Digest[:7]) + " "
	r, err = b.Decide(t.Context(), d)
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
}

func TestATierThatIsNotDecidedInSlack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	b.rules("", func(r *review.Rules) { r.Low.Slack = false }) // a switch is a switch: at once
	for _, verdict := range []approval.Verdict{approval.Approve, approval.Reject, approval.Rewrite} {
		var no *approval.NotAllowedError
		_, err := b.Decide(t.Context(), ruling(r, "R1", verdict))
		require.ErrorAs(t, err, &no)
		require.Contains(t, reasons.Words(no.Why), "countersign decide "+r.ID)
	}
	require.Equal(t, 3, b.count(r.ID, "refused click"))
	_, err := b.Assign(t.Context(), r.ID, "R2", by("R1"))
	require.NoError(t, err, "asking somebody decides nothing")
	d := ruling(r, "R1", approval.Rewrite)
	d.Click = atTerminal(d.Click, "ben")
	box, writer := b.stand.Sandbox, b.pen.Writer
	b.stand.Sandbox, b.pen.Writer = NoSandbox{}, NoWriter{} // the command line has none
	_, err = b.Decide(t.Context(), d)
	require.NoError(t, err)
	b.stand.Sandbox, b.pen.Writer = box, writer
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, 2, r.Revision.Number)
	require.Positive(t, b.spends(r.ID, budget.ForDraft)[3].Charges[0].Amount, "what it costs was held before the call")
	d = ruling(r, "R1", approval.Approve)
	d.Click = atTerminal(d.Click, "ben")
	b.stand.Sandbox = NoSandbox{}
	r, err = b.Decide(t.Context(), d)
	require.NoError(t, err)
	b.stand.Sandbox = box
	b.store.pass(approval.QuietTime)
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(r.ID).State)
	require.Equal(t, approval.CommandLine, b.request(r.ID).Decisions[0].Click.Door)
}

func TestOnlyTheChannelsOwnReviewersWhereTheRulesSaySo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Project: "C1", Role: review.RoleReviewer, User: "owner"}))
	b.rules("C1", func(r *review.Rules) { r.Low.Owners = true })
	r := b.pending()
	var no *approval.NotAllowedError
	_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
	require.ErrorAs(t, err, &no)
	require.Contains(t, reasons.Words(no.Why), "the channel's own reviewers")
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, []string{"owner"}, v.Deciders)
	_, err = b.Decide(t.Context(), ruling(r, "owner", approval.Approve))
	require.NoError(t, err)
	// A reviewer of the workspace is none there, and decides for an owner only while there is one.
	require.NoError(t, b.Steps.Delegate(t.Context(), by("owner"), "R1", time.Now().Add(time.Hour)))
	second, err := b.Decide(t.Context(), ruling(b.pending(), "R1", approval.Approve))
	require.NoError(t, err)
	require.Equal(t, "owner", second.Decisions[0].InPlaceOf)
	b.slack.people["owner"] = review.Person{ID: "owner", Gone: true}
	_, err = b.Decide(t.Context(), ruling(b.pending(), "R1", approval.Approve))
	require.ErrorAs(t, err, &no)
	require.Contains(t, reasons.Words(no.Why), "could not decide themselves any more")
}

// Who lost their role between the click and the start has approved nothing.
func TestApprovalsOfPeopleWhoLostTheirRoleDoNotRun(t *testing.T) {
	t.Parallel()
	for what, lose := range map[string]func(*bundle){
		"removed": func(b *bundle) {
			require.NoError(t, b.RemoveRole(t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"}))
		},
		"a guest":     func(b *bundle) { b.slack.people["new"] = review.Person{ID: "new", Guest: true} },
		"deactivated": func(b *bundle) { b.slack.people["new"] = review.Person{ID: "new", Gone: true} },
	} {
		b := setup(t)
		require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"}))
		was, err := b.Decide(t.Context(), ruling(b.pending(), "new", approval.Approve))
		require.NoError(t, err)
		lose(b)
		require.Empty(t, b.work(), what)
		r := b.backToReview(was, what)
		require.Equal(t, "new", r.Reason.Fallen[0].Who, what)
		require.Equal(t, 1, b.count(r.ID, "seal broken"), what)
	}
}

// What a delegate approved falls with whatever let them: the reviewer's role, their
// account, or their word.
func TestApprovalsInSomebodysPlaceFallWithWhatLetThem(t *testing.T) {
	t.Parallel()
	for why, lose := range map[approval.Fallen]func(*bundle) error{
		{Code: approval.NoReviewer, Who: "new"}: func(b *bundle) error {
			return b.RemoveRole(t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"})
		},
		{Code: approval.NoMember, Who: "new"}: func(b *bundle) error {
			b.slack.people["new"] = review.Person{ID: "new", Gone: true}
			return nil
		},
		{Code: approval.NoMember, Who: "helper"}: func(b *bundle) error {
			b.slack.people["helper"] = review.Person{ID: "helper", Guest: true}
			return nil
		},
		{Code: approval.NoDelegate, Who: "helper", For: "new"}: func(b *bundle) error {
			return b.EndDelegation(t.Context(), by("admin"), "new")
		},
	} {
		b := setup(t)
		require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"}))
		require.NoError(t, b.Steps.Delegate(t.Context(), by("new"), "helper", time.Now().Add(time.Hour)))
		was, err := b.Decide(t.Context(), ruling(b.pending(), "helper", approval.Approve))
		require.NoError(t, err)
		require.NoError(t, lose(b))
		require.Empty(t, b.work())
		require.Contains(t, b.backToReview(was, string(why.Code)).Reason.Fallen, why)
	}
}

// Hosts that the rules do not name any more are not reached by what was sealed before.
func TestAHostThatIsTakenOutOfTheRulesIsReachedByNothing(t *testing.T) {
	t.Parallel()
	const why = "It may reach b.example.com, which the rules no longer allow."
	b := setup(t)
	b.box.findings = []approval.Finding{{Level: approval.Danger, Kind: approval.KindNetwork, Text: "Connects to a host."}}
	b.rules("", func(r *review.Rules) { r.Hosts, r.High.Typed = []string{"a.example.com", "b.example.com"}, false })
	first, second := b.pending(), b.pending()
	_, err := b.Decide(t.Context(), ruling(first, "R1", approval.Approve))
	require.NoError(t, err)
	b.rules("", func(r *review.Rules) { r.Hosts, r.High.Typed = []string{"a.example.com"}, false })
	require.Empty(t, b.work())
	r := b.backToReview(first, "approved before")
	require.Contains(t, reasons.Words(r.Reason), why)
	require.Equal(t, []string{"a.example.com"}, r.Revision.Manifest.Network)

	_, err = b.MayDecide(t.Context(), ruling(second, "R1", approval.Approve))
	require.NoError(t, err, "it can be looked at")
	var move *approval.MoveError
	_, err = b.Decide(t.Context(), ruling(second, "R1", approval.Approve))
	require.ErrorAs(t, err, &move)
	require.Equal(t, why, reasons.Words(move.Why))
	_, err = b.Decide(t.Context(), ruling(second, "R1", approval.Rewrite))
	require.NoError(t, err)
	require.Empty(t, b.work())
	_, err = b.Decide(t.Context(), ruling(b.request(second.ID), "R2", approval.Approve))
	require.NoError(t, err)
}

// A card promises no network that no box has.
func TestWhereNoBoxReachesAnythingNoSealNamesHosts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.findings = []approval.Finding{{Level: approval.Danger, Kind: approval.KindNetwork, Text: "Connects to a host."}}
	b.rules("", func(r *review.Rules) { r.Hosts = []string{"a.example.com"} })
	b.box.offline = true
	require.Empty(t, b.pending().Revision.Manifest.Network)
	rules := review.DefaultRules(b.Policy)
	rules.Hosts = []string{"a.example.com"}
	var in *approval.InputError
	_, err := b.SetRules(t.Context(), by("admin"), review.RuleSet{Version: 1, Rules: rules})
	require.ErrorAs(t, err, &in)
	require.Contains(t, reasons.Words(in.Why), "Code can reach no hosts here")
}

func TestANetworkOnlyForWhoWantsItAndAsFarAsHostsAreNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Empty(t, b.pending().Revision.Manifest.Network)
	b.box.findings = []approval.Finding{{Level: approval.Danger, Kind: approval.KindNetwork, Text: "Connects to api.example.com."}}
	require.Empty(t, b.pending().Revision.Manifest.Network, "no host is named")
	b.rules("", func(r *review.Rules) { r.Hosts = []string{"api.example.com"} })
	require.Equal(t, []string{"api.example.com"}, b.pending().Revision.Manifest.Network)
	b.box.findings = nil
	require.Empty(t, b.pending().Revision.Manifest.Network)
}
