package draw_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/draw/money"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
)

// restPages draws what people see after a copy of the database was put back.
func restPages(b stand) map[string]*kit.Page {
	team := sample.OfTen(sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID), 0, func(s *budget.Standing) { s.Limit.Rests = true })
	paused := sample.View(sample.BlockedBy(budget.ForDraft, func(k *approval.Block) { k.Standings = append(k.Standings, team) }))
	rest := approval.Rest{At: sample.Noon, Lost: 412, Ended: 3}
	first := home.View{User: slacksim.Admin, Rest: &rest, Roster: review.Roster{Admins: []string{slacksim.Admin}}}
	top := first.Draw()
	top.Blocks = top.Blocks[:3]
	standing := &kit.Page{}
	money.Standing(standing, team, money.Whose(team.Limit.Scope, ""))
	return map[string]*kit.Page{
		"blocked-rests":         draw.Blocked(b.with(), paused, &steps.Choices{Block: paused.Request.Blocked}),
		"home-rests":            top,
		"modal-reckon":          {Blocks: home.ReckonView(rest).Blocks.BlockSet},
		"modal-reckon-unknown":  {Blocks: home.ReckonView(approval.Rest{At: sample.Noon, Lost: -1}).Blocks.BlockSet},
		"notice-log-back":       noticed(b, approval.NoticeLog, paused, slacksim.Admin, approval.LogAlarm{Why: approval.LogBack, Since: sample.Noon}),
		"notice-stop-rests":     noticed(b, approval.NoticeStop, paused, slacksim.Analyst, approval.Stop{Standing: team, Needed: budget.Cent, Person: slacksim.Analyst}),
		"budget-standing-rests": standing,
	}
}

// Who reads that all rests learns what has to happen, and by whose hand it goes on then: by itself, or by a reviewer who approves again.
func TestARestSaysHowItGoesOn(t *testing.T) {
	t.Parallel()
	b := stand{models: models}
	rests := func(purpose budget.Purpose) *steps.View {
		return sample.View(sample.BlockedBy(purpose, func(k *approval.Block) {
			k.Standings = append(k.Standings, sample.OfTen(sample.ScopeOf(budget.Team, slacksim.DefaultTeam.ID), 0, func(s *budget.Standing) { s.Limit.Rests = true }))
		}))
	}
	draft, run := rests(budget.ForDraft), rests(budget.ForRun)
	run.Request.Blocked.By = slacksim.Reviewer
	require.Contains(t, draw.Blocked(b.with(), draft, &steps.Choices{Block: draft.Request.Blocked}).Text(), "Once that is done, this continues on its own within a minute")
	text := draw.Blocked(b.with(), run, &steps.Choices{Block: run.Request.Blocked}).Text()
	require.Contains(t, text, "can approve again")
	require.NotContains(t, text, "on its own", "a run starts by nobody's hand but a reviewer's")
}

func TestWhatWasSpentAfterACopyIsReadAsItIsTyped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]budget.USD{"0": 0, " $12.50": 12*budget.Dollar + 50*budget.Cent, "3": 3 * budget.Dollar} {
		spent, why := home.ReckonOf(text)
		require.Empty(t, why, text)
		require.Equal(t, want, spent, text)
	}
	for _, text := range []string{"", "much", "-1"} {
		_, why := home.ReckonOf(text)
		require.NotEmpty(t, why, text)
	}
}
