package bot

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw/home"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/budget"
	"countersign/internal/slacksim"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// waiting has so many requests wait, and keeps by what the queue was asked for.
func (b *bundle) waiting(n int) *[]steps.QueueFilter {
	var asked []steps.QueueFilter
	queue := func(f steps.QueueFilter, page int) steps.Queue {
		asked = append(asked, f)
		q := steps.Queue{Total: n, Pages: (n + steps.QueuePage - 1) / steps.QueuePage, Now: sample.Noon}
		if f.Tier == approval.Low {
			return steps.Queue{Pages: 1}
		}
		q.Page = min(page, q.Pages-1)
		for i := q.Page * steps.QueuePage; i < min(n, (q.Page+1)*steps.QueuePage); i++ {
			q.Rows = append(q.Rows, steps.QueueRow{ID: fmt.Sprint("q", i), Project: slacksim.SalesData, Asker: slacksim.Analyst, Question: fmt.Sprint("Question ", i), Revision: 1,
				Tier: approval.Medium, Lines: 12, Cost: 4_100_000, Needed: 1, Since: sample.Noon, ExpiresAt: sample.Noon.Add(time.Hour)})
		}
		return q
	}
	b.service.change(func() { b.service.queue = queue })
	return &asked
}

// homeOf waits for a Home with these words.
func (b *bundle) homeOf(p *slackperson.Person, words string) workspace.View {
	b.t.Helper()
	home, err := p.WaitHome(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), words) })
	require.NoError(b.t, err)
	return home
}

func TestFiveHundredWaitOnFiftyPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.waiting(500)
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.OpenHome())
	home := b.homeOf(ben, "Page 1 of 50, 500 requests in all")
	require.Contains(t, home.Words(), "Question 9")
	require.NotContains(t, home.Words(), "Question 10")
	require.NotContains(t, fmt.Sprint(home.Blocks), ids.ActionBack)
	require.NoError(t, ben.ClickView(home, ids.ActionNext))
	home = b.homeOf(ben, "Page 2 of 50")
	require.Contains(t, home.Words(), "Question 10")
	require.NoError(t, ben.ClickView(home, ids.ActionBack))
	home = b.homeOf(ben, "Page 1 of 50")
	require.NoError(t, ben.ClickView(home, ids.ActionNext))
	home = b.homeOf(ben, "Page 2 of 50")

	// The Home carries where it is: opening it again, on any replica, shows the same page.
	b.bot.homes.mu.Lock()
	clear(b.bot.homes.shows)
	b.bot.homes.mu.Unlock()
	b.waiting(499)
	require.NoError(t, ben.OpenHome())
	home = b.homeOf(ben, "Page 2 of 50, 499 requests in all")

	// Fewer wait than there were pages.
	b.waiting(3)
	require.NoError(t, ben.ClickView(home, ids.ActionNext))
	home = b.homeOf(ben, "Question 2")
	require.NotContains(t, home.Words(), "Page ")
}

func TestOfThousandsThatWaitItIsSaidThatThereAreMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.change(func() {
		b.service.queue = func(steps.QueueFilter, int) steps.Queue {
			return steps.Queue{Total: steps.QueueCounted, More: true, Pages: steps.QueueCounted / steps.QueuePage, Now: sample.Noon}
		}
	})
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.OpenHome())
	b.homeOf(ben, "Page 1, more than 500 requests in all")
}

func TestTheQueueIsNarrowedAndOrdered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := b.waiting(30)
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.OpenHome())
	home := b.homeOf(ben, "Page 1 of 3")
	last := func(want steps.QueueFilter) workspace.View {
		t.Helper()
		require.Eventually(t, func() bool {
			b.service.mu.Lock()
			defer b.service.mu.Unlock()
			return (*asked)[len(*asked)-1] == want
		}, waitAtMost, tick, "%+v", want)
		home, _ := ben.Home()
		return home
	}
	require.NoError(t, ben.ClickView(home, ids.ActionTier, "High risk"))
	home = last(steps.QueueFilter{Tier: approval.High})
	require.NoError(t, ben.ClickView(home, ids.ActionAge, "Over 4 hours old"))
	home = last(steps.QueueFilter{Tier: approval.High, Older: 4 * time.Hour})
	require.NoError(t, ben.ClickView(home, ids.ActionCost, "$0.10 or more"))
	home = last(steps.QueueFilter{Tier: approval.High, Older: 4 * time.Hour, Cost: budget.Dollar / 10})
	require.NoError(t, ben.ClickView(home, ids.ActionOrder, "Oldest first"))
	home = last(steps.QueueFilter{Tier: approval.High, Older: 4 * time.Hour, Cost: budget.Dollar / 10, Order: steps.ByAge})
	require.NoError(t, ben.ClickView(home, ids.ActionTier, "Low risk"))
	home = b.homeOf(ben, "Nothing like this is waiting")
	require.NoError(t, ben.ClickView(home, ids.ActionTier, "Any risk"))
	home = last(steps.QueueFilter{Older: 4 * time.Hour, Cost: budget.Dollar / 10, Order: steps.ByAge})
	require.NoError(t, ben.ClickView(home, ids.ActionMine, "All waiting"))
	last(steps.QueueFilter{Older: 4 * time.Hour, Cost: budget.Dollar / 10, Order: steps.ByAge, All: true})
	home = b.homeOf(ben, "Waiting for reviewers")
	require.NoError(t, ben.ClickView(home, ids.ActionMine, "Mine to decide"))
	b.homeOf(ben, "Waiting for you")
}

func TestAChoiceThatIsNoneOfOursChangesNothing(t *testing.T) {
	t.Parallel()
	b := idle(t)
	cb := slack.InteractionCallback{User: slack.User{ID: slacksim.Reviewer}, View: slack.View{PrivateMetadata: home.Shelfmark{Tier: approval.High, Page: 3}.String()}}
	odd := slack.BlockAction{ActionID: ids.ActionTier}
	odd.SelectedOption.Value = "everything"
	for _, press := range []slack.BlockAction{odd, {ActionID: ids.ActionNext, Value: "-1"}, {ActionID: ids.ActionNext, Value: "x"}} {
		_, err := b.bot.homes.clickQueue(b.ctx, cb, &press)
		require.NoError(t, err)
		g, _ := b.bot.homes.glimpsed(slacksim.Reviewer)
		require.Equal(t, home.Shelfmark{Tier: approval.High}, g.mark)
	}
	require.Equal(t, home.Shelfmark{}, home.ShelfmarkOf("{"))
	require.Equal(t, home.Shelfmark{}, home.ShelfmarkOf(`{"page":-1}`))
}

func TestARowOfTheQueueIsDecidedRightThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample.View()
	v.Request.ID = "q0"
	b.service.change(func() { b.service.views["q0"] = v })
	b.waiting(1)
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.OpenHome())
	home := b.homeOf(ben, "Medium risk")
	require.NoError(t, ben.ClickView(home, ids.ActionQueued))
	modal := b.openedAs(ben, ids.CallbackReview)
	require.Contains(t, modal.Words(), "Code\n, all 4 lines")
	b.waiting(0)
	_, err := ben.Submit(slackperson.Form{})
	require.NoError(t, err)
	require.Len(t, b.service.decided(), 1)
	require.Equal(t, v.Request.Revision.Digest, b.service.decided()[0].Digest)
	b.homeOf(ben, "Nothing is waiting for your decision.")
}

func TestAHomeThatChangedMeanwhileIsReadAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.waiting(2)
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.OpenHome())
	b.homeOf(ben, "Question 1")
	b.waiting(1)
	b.bot.homes.looks(slacksim.Reviewer, home.Shelfmark{}, "1.old") // Slack says hash_conflict
	b.bot.homes.showHome(b.ctx, slacksim.DefaultTeam.ID, slacksim.Reviewer)
	home, _ := ben.Home()
	require.Contains(t, home.Words(), "Question 0")
	require.NotContains(t, home.Words(), "Question 1")
	require.NotContains(t, b.log.String(), "publish Home")
}

func TestSomebodyDecidesWhileAReviewerIsAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stockholm, err := time.LoadLocation("Europe/Stockholm")
	require.NoError(t, err)
	b.service.policy.Zone = stockholm
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.OpenHome())
	require.NoError(t, ben.ClickView(b.homeOf(ben, "Nothing is waiting"), ids.ActionAway))
	b.openedAs(ben, ids.CallbackDelegate)
	b.service.change(func() { b.service.refuse = &approval.InputError{Why: approval.Because(approval.WhyGuest)} })
	refused, err := ben.Submit(slackperson.Fill(ids.FieldPerson, slacksim.Guest).And(ids.FieldUntil, "2026-12-04"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{ids.FieldPerson: "Guests cannot decide."}, refused)
	b.service.change(func() {
		b.service.refuse = nil
		b.service.roster.Delegations = []review.Delegation{{From: slacksim.Reviewer, To: slacksim.SecondReviewer, Until: sample.Noon}}
	})
	_, err = ben.Submit(slackperson.Fill(ids.FieldPerson, slacksim.SecondReviewer).And(ids.FieldUntil, "2026-12-04"))
	require.NoError(t, err)
	got := b.service.wishes()[0]
	require.Equal(t, slacksim.SecondReviewer, got.who)
	require.True(t, got.until.Equal(time.Date(2026, 12, 5, 0, 0, 0, 0, stockholm)), "the whole of the last day, on the team's calendar")
	home := b.homeOf(ben, "may decide in your place until")
	require.NoError(t, ben.ClickView(home, ids.ActionReturn))
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(b.service.wishes(), func(w wanted) bool { return w.what == "delegate" && w.who == "" && w.until.IsZero() })
	}, waitAtMost, tick)
	require.NoError(t, b.as(slacksim.SecondReviewer).OpenHome())
	b.homeOf(b.as(slacksim.SecondReviewer), "You may decide in place of")
}

func TestAReviewerOfOneChannelHasAQueue(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.service.grants = []review.Grant{{Role: review.RoleReviewer, Project: slacksim.SalesData, User: slacksim.OtherAnalyst, By: slacksim.Admin}}
	p, err := b.bot.homes.homePage(b.ctx, slacksim.DefaultTeam.ID, slacksim.OtherAnalyst, home.Shelfmark{})
	require.NoError(t, err)
	require.Contains(t, p.Text(), "Nothing is waiting for your decision.")
	p, err = b.bot.homes.homePage(b.ctx, slacksim.DefaultTeam.ID, slacksim.Analyst, home.Shelfmark{})
	require.NoError(t, err)
	require.NotContains(t, p.Text(), "Waiting for you")
}
