package bot

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/sshkey"
	"countersign/approval/steps"
	"countersign/bot/draw/home"
	"countersign/bot/draw/reasons"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// carlas is the administrator's Home.
func carlas(b *bundle) (*slackperson.Person, workspace.View) {
	b.t.Helper()
	carla := b.as(slacksim.Admin)
	require.NoError(b.t, carla.OpenHome())
	return carla, b.homeOf(carla, "Reviews")
}

// written waits for a direct message to somebody who is in no channel.
func (b *bundle) written(to *slackperson.Person, words string) {
	b.t.Helper()
	_, err := to.WaitMessage(b.ctx, to.DM(), func(m workspace.Message) bool { return strings.Contains(m.Text, words) })
	require.NoError(b.t, err)
}

func TestAdministratorsNameAndRemovePeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.grants = []review.Grant{{Team: slacksim.DefaultTeam.ID, Role: review.RoleReviewer, User: slacksim.Reviewer}}
	carla, atHome := carlas(b)
	require.NoError(t, carla.ClickView(atHome, ids.ActionPeople))
	list := b.openedAs(carla, ids.CallbackPeople)
	require.Contains(t, list.Words(), "<@U0BEN> is a reviewer (from the server's settings")
	require.NotContains(t, fmt.Sprint(list.Blocks), ids.ActionUnname, "what the settings say stays")

	require.NoError(t, carla.ClickView(list, ids.ActionName))
	b.openedAs(carla, ids.CallbackName)
	b.service.change(func() {
		b.service.refuse = &approval.InputError{Why: approval.Words("This person cannot be named: Guests cannot decide.")}
	})
	refused, err := carla.Submit(slackperson.Fill(ids.FieldPerson, slacksim.Guest))
	require.NoError(t, err)
	require.Contains(t, refused[ids.FieldPerson], "Guests cannot decide.")
	b.service.change(func() { b.service.refuse = nil })
	_, err = carla.Submit(slackperson.Fill(ids.FieldPerson, slacksim.OtherAnalyst).And(ids.FieldRole, string(review.RoleFallback)).And(ids.FieldChannel, slacksim.SalesData))
	require.NoError(t, err)
	list, err = carla.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackPeople && len(v.Blocks) == 3 })
	require.NoError(t, err)
	require.Contains(t, list.Words(), "<@U0JUN> is a fallback reviewer for <#C0SALES>, added by <@U0CARLA>")
	require.Equal(t, review.Grant{Team: slacksim.DefaultTeam.ID, Project: slacksim.SalesData, Role: review.RoleFallback, User: slacksim.OtherAnalyst}, b.service.wishes()[0].grant)

	b.service.change(func() { b.service.short = []steps.Shortage{{Tier: approval.High, Needs: 2, Have: 1}} })
	require.NoError(t, carla.ClickView(list, ids.ActionUnname))
	_, err = carla.WaitView(b.ctx, func(v workspace.View) bool {
		return v.CallbackID == ids.CallbackPeople && strings.Contains(v.Words(), "High risk needs 2 approvals")
	})
	require.NoError(t, err)
	b.homeOf(carla, "Too few reviewers")
	require.Equal(t, "remove role", b.service.wishes()[1].what)
	require.Equal(t, slacksim.OtherAnalyst, b.service.wishes()[1].grant.User)
}

func TestAdministratorsEndWhatSomebodyAwayHasArranged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.roster.Delegations = []review.Delegation{{From: slacksim.Reviewer, To: slacksim.OtherAnalyst, Until: sample.Noon}}
	carla, atHome := carlas(b)
	require.Contains(t, atHome.Words(), "may decide in place of")
	require.NoError(t, carla.ClickView(atHome, ids.ActionPeople))
	list := b.openedAs(carla, ids.CallbackPeople)
	require.Contains(t, list.Words(), "<@U0JUN> may decide in place of <@U0BEN>")
	require.NoError(t, carla.ClickView(list, ids.ActionRecall))
	_, err := carla.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackPeople && len(v.Blocks) == 1 })
	require.NoError(t, err)
	require.Equal(t, "end delegation", b.service.wishes()[0].what)
	require.Equal(t, slacksim.Reviewer, b.service.wishes()[0].who)
}

func TestAReviewerRegistersAndRemovesTheirOwnKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIwY51+3/giY25ZO7TtpXu4sGcynYaIiA6ih4hq4x7q1"
	b.service.change(func() { b.service.keys = []review.Key{{User: slacksim.Reviewer, Line: line, At: sample.Noon}} })
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.OpenHome())
	require.NoError(t, ben.ClickView(b.homeOf(ben, "Nothing is waiting"), ids.ActionKeys))
	list := b.openedAs(ben, ids.CallbackKeys)
	require.Contains(t, list.Words(), sshkey.Print(line))
	require.NoError(t, ben.ClickView(list, ids.ActionRemoveKey))
	_, err := ben.WaitView(b.ctx, func(v workspace.View) bool {
		return v.CallbackID == ids.CallbackKeys && !strings.Contains(v.Words(), "SHA256:")
	})
	require.NoError(t, err)
	require.Equal(t, line, b.service.wishes()[0].who)
	require.Equal(t, slacksim.Reviewer, b.service.wishes()[0].click.User, "nobody else's")

	b.service.change(func() { b.service.refuse = &approval.InputError{Why: approval.Because(approval.WhyPrivateKey)} })
	refused, err := ben.Submit(slackperson.Fill(ids.FieldKey, "-----BEGIN OPENSSH PRIVATE KEY-----"))
	require.NoError(t, err)
	require.Contains(t, refused[ids.FieldKey], "This is a private key")
	b.service.change(func() { b.service.refuse = nil })
	_, err = ben.Submit(slackperson.Fill(ids.FieldKey, line+" ben@laptop"))
	require.NoError(t, err)
	require.Equal(t, "add key", b.service.wishes()[1].what)
	require.Equal(t, line+" ben@laptop", b.service.wishes()[1].who)
	require.Equal(t, slacksim.Reviewer, b.service.wishes()[1].click.User)
}

func TestOthersAreNotShownWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	carla, atHome := carlas(b)
	b.service.change(func() { b.service.roster.Admins = nil })
	require.NoError(t, carla.ClickView(atHome, ids.ActionPeople))
	b.written(carla, "Only administrators can add people.")
}

func TestRulesAreSetInAForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.rules.Version = 3
	carla, atHome := carlas(b)
	require.Contains(t, atHome.Words(), "High risk: 1 approval, with a typed confirmation code")
	require.NoError(t, carla.ClickView(atHome, ids.ActionRules))
	b.openedAs(carla, ids.CallbackRules)
	for field, wrong := range map[string]string{home.TierField(ids.FieldCosts, approval.High): "lots", ids.FieldFreezes: "on Tuesdays", ids.FieldWait: "a while", ids.FieldLast: "0"} {
		refused, err := carla.Submit(slackperson.Fill(field, wrong))
		require.NoError(t, err)
		require.Len(t, refused, 1, field)
		require.NotEmpty(t, refused[field])
	}
	for field, why := range map[string]approval.Reason{
		ids.FieldHosts: {Code: approval.WhyBadHost, Name: "nowhere"}, ids.FieldFreezes: approval.Because(approval.WhyLongFreeze),
		home.TierField(ids.FieldNeeds, approval.High): {Code: approval.WhyTooFewReviewers, Name: "high", Most: 2, Count: 1},
	} {
		b.service.change(func() { b.service.refuse = &approval.InputError{Why: why} })
		refused, err := carla.Submit(slackperson.Fill(ids.FieldHosts, "nowhere"))
		require.NoError(t, err)
		require.Equal(t, map[string]string{field: reasons.Words(why)}, refused)
	}
	b.service.change(func() { b.service.refuse = nil })
	_, err := carla.Submit(slackperson.Fill(home.TierField(ids.FieldNeeds, approval.High), "2").And(home.TierField(ids.FieldCare, approval.Medium), home.CareTyped, home.CareShell).
		And(ids.FieldClass, string(review.Confidential)).And(home.TierField(ids.FieldCosts, approval.Medium), "$0.25").And(home.TierField(ids.FieldCosts, approval.High), "1").
		And(ids.FieldHosts, " API.example.com \n\nb.example.com").And(ids.FieldFreezes, "last 2 days of the month\nFri 16:00-24:00").And(ids.FieldWait, "90").And(ids.FieldLast, "15"))
	require.NoError(t, err)
	require.NoError(t, carla.WaitNoView(b.ctx))
	defaults := review.DefaultRules(approval.DefaultPolicy())
	want := review.Rules{Low: defaults.Low, Medium: review.TierRules{Approvals: 1, Typed: true}, High: review.TierRules{Approvals: 2, Typed: true, Slack: true},
		CostMedium: budget.Dollar / 4, CostHigh: budget.Dollar, Class: review.Confidential, Hosts: []string{"api.example.com", "b.example.com"},
		Freezes: []string{"last 2 days of the month", "Fri 16:00-24:00"}, ExpiryMinutes: 90, RunExpiryMinutes: 15}
	require.Equal(t, review.RuleSet{Team: slacksim.DefaultTeam.ID, Version: 3, Rules: want}, b.service.wishes()[0].rules)
	b.homeOf(carla, "version 3")
}

// What nobody touches stays what it is, whatever it is.
func TestTheRulesFormGivesBackWhatItShows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	own := review.Rules{Low: review.TierRules{Approvals: 1, Slack: true}, Medium: review.TierRules{Approvals: 2, Owners: true, Slack: true}, High: review.TierRules{Approvals: 9, Typed: true},
		CostMedium: 1, CostHigh: 12_345_678_901, Class: review.Public, Hosts: []string{"api.example.com"}, Freezes: []string{"2026-12-24 to 2027-01-02"}, RunExpiryMinutes: 7}
	b.service.rules = review.RuleSet{Team: slacksim.DefaultTeam.ID, Project: slacksim.SalesData, Version: 4, Rules: own}
	carla, atHome := carlas(b)
	channelRules := func(form slackperson.Form) review.RuleSet {
		require.NoError(t, carla.ClickView(atHome, ids.ActionWhose))
		b.openedAs(carla, ids.CallbackWhose)
		_, err := carla.Submit(slackperson.Fill(ids.FieldChannel, slacksim.SalesData))
		require.NoError(t, err)
		b.openedAs(carla, ids.CallbackRules)
		refused, err := carla.Submit(form)
		require.NoError(t, err)
		require.Empty(t, refused)
		require.NoError(t, carla.WaitNoView(b.ctx))
		wants := b.service.wishes()
		return wants[len(wants)-1].rules
	}
	require.Equal(t, b.service.rules, channelRules(slackperson.Form{}))
	none := channelRules(slackperson.Fill(ids.FieldNone, ids.FieldNone))
	require.True(t, none.None)
	require.Equal(t, 4, none.Version)

	// A channel without rules of its own begins with the workspace's, as version 0.
	b.service.change(func() { b.service.rules.Project, b.service.rules.Version = "", 9 })
	fresh := channelRules(slackperson.Form{})
	require.Equal(t, review.RuleSet{Team: slacksim.DefaultTeam.ID, Project: slacksim.SalesData, Rules: own}, fresh)
}

func TestNotesOfAChannelAreWrittenInAForm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.rules.Project, b.service.rules.Version = slacksim.SalesData, 4
	b.service.rules.Rules.Notes = &review.Notes{Version: 4, Text: "NA is a region.", Currency: "USD", YearBegins: 7}
	carla, atHome := carlas(b)
	open := func() workspace.View {
		require.NoError(t, carla.ClickView(atHome, ids.ActionNotes))
		b.openedAs(carla, ids.CallbackNoted)
		_, err := carla.Submit(slackperson.Fill(ids.FieldChannel, slacksim.SalesData))
		require.NoError(t, err)
		return b.openedAs(carla, ids.CallbackNotes)
	}
	require.Contains(t, open().Words(), "is written with these notes in mind")
	for field, why := range map[string]approval.Reason{ids.FieldCurrency: {Code: approval.WhyNoCurrency, Name: "EUX"}, ids.FieldNotes: {Code: approval.WhyLongNotes, Count: 3000, Most: review.MaxNotes}} {
		b.service.change(func() { b.service.refuse = &approval.InputError{Why: why} })
		refused, err := carla.Submit(slackperson.Fill(ids.FieldCurrency, "EUX"))
		require.NoError(t, err)
		require.Equal(t, map[string]string{field: reasons.Words(why)}, refused)
	}
	b.service.change(func() { b.service.refuse = nil })
	_, err := carla.Submit(slackperson.Fill(ids.FieldNotes, "Net of VAT.").And(ids.FieldCurrency, "EUR").And(ids.FieldYear, "4").And(ids.FieldShows, "statistics"))
	require.NoError(t, err)
	require.NoError(t, carla.WaitNoView(b.ctx))
	w := b.service.wishes()[0]
	require.Equal(t, review.Notes{Text: "Net of VAT.", Currency: "EUR", YearBegins: 4}, w.notes)
	require.Equal(t, approval.Statistics, w.shows)
	require.Equal(t, "set notes "+slacksim.SalesData, w.what+" "+w.id)
	require.Equal(t, 4, w.base, "what somebody else has written meanwhile is not overwritten")

	open()
	_, err = carla.Submit(slackperson.Form{}) // what nobody touches stays what it is
	require.NoError(t, err)
	require.Equal(t, review.Notes{Text: "NA is a region.", Currency: "USD", YearBegins: 7}, b.service.wishes()[1].notes)
	require.Equal(t, approval.Shape, b.service.wishes()[1].shows)
}

func TestAdministratorsChooseWhereCheckpointsAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.rules.Version, b.service.copies = 3, steps.Copies{Number: 41, At: sample.Noon}
	b.service.rules.Rules.LogChannel = slacksim.CodeReview
	carla, atHome := carlas(b)
	require.NoError(t, carla.ClickView(atHome, ids.ActionTrail))
	require.Contains(t, b.openedAs(carla, ids.CallbackTrail).Words(), "Last copy: checkpoint 41")
	why := approval.Because(approval.WhyLogChannel)
	b.service.change(func() { b.service.refuse = &approval.InputError{Why: why} })
	refused, err := carla.Submit(slackperson.Fill(ids.FieldChannel, slacksim.SalesData))
	require.NoError(t, err)
	require.Equal(t, map[string]string{ids.FieldChannel: reasons.Words(why)}, refused)
	b.service.change(func() { b.service.refuse = nil })
	_, err = carla.Submit(slackperson.Fill(ids.FieldChannel, slacksim.SalesData))
	require.NoError(t, err)
	require.NoError(t, carla.WaitNoView(b.ctx))
	w := b.service.wishes()[0]
	require.Equal(t, "set log channel "+slacksim.SalesData, w.what+" "+w.id)
	require.Equal(t, 3, w.base, "what somebody else has set meanwhile is not overwritten")

	require.NoError(t, carla.ClickView(atHome, ids.ActionTrail))
	b.openedAs(carla, ids.CallbackTrail)
	_, err = carla.Submit(slackperson.Fill(ids.FieldNone, ids.FieldNone))
	require.NoError(t, err)
	w = b.service.wishes()[1]
	require.Equal(t, "set log channel ", w.what+" "+w.id, "a channel that was chosen cannot be emptied in Slack")
}

func TestHowReviewersDecideIsForAdministrators(t *testing.T) {
	t.Parallel()
	b := setup(t)
	carla, atHome := carlas(b)
	require.NoError(t, carla.ClickView(atHome, ids.ActionFigures))
	require.Contains(t, b.openedAs(carla, kit.CallbackNote).Words(), "No decisions yet.")
	require.NoError(t, carla.CloseView())
	b.service.change(func() {
		b.service.refuse = &approval.NotAllowedError{Why: approval.Words("Only administrators can see how reviewers decide.")}
	})
	require.NoError(t, carla.ClickView(atHome, ids.ActionFigures))
	b.written(carla, "Only administrators can see")
}

func TestAnObjectionToHostsStandsBesideThem(t *testing.T) {
	t.Parallel()
	require.Equal(t, ids.FieldHosts, home.RulesField(&approval.InputError{Why: approval.Because(approval.WhyNoNetwork)}))
}
