package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/home"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	slackperson "countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestTheHomeShowsWhatIsOnesOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := sample.View()
	v.Session.ThreadTS = "1763812800.000100"
	v.Posts[steps.SurfaceProgress] = steps.Post{Channel: slacksim.SalesData, TS: "1763812801.000100"}
	b.service.views[v.Request.ID] = v
	b.service.recent = []*approval.Request{v.Request}
	b.service.standing = v.Standings
	maya := b.as(slacksim.Analyst)
	require.NoError(t, maya.OpenHome())
	home, err := maya.WaitHome(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "Your questions") })
	require.NoError(t, err)
	for _, words := range []string{"What were sales per month", "Waiting for a reviewer", "$2.12 of $10 spent, $7.88 left."} {
		require.Contains(t, home.Words(), words)
	}
	require.NotContains(t, home.Words(), "Waiting for you")
	require.NotContains(t, home.Words(), "The team has no budget")
	require.Contains(t, fmt.Sprint(home.Blocks), "archives/C0SALES/p1763812801000100?thread_ts=1763812800.000100&cid=C0SALES")
	require.NoError(t, maya.ClickView(home, ids.ActionAsk))
	_, err = maya.WaitView(b.ctx, func(v workspace.View) bool { return v.CallbackID == ids.CallbackForm })
	require.NoError(t, err)
	require.NoError(t, maya.ClickView(home, kit.ActionLink), "the link is followed by Slack")
}

func TestAHomeWithNothingToDecide(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.service.limits = []budget.Standing{{Limit: budget.Limit{Scope: budget.Scope{Kind: budget.Team}, Amount: budget.Dollar, Window: budget.Month}, ResetsAt: time.Now()}}
	b.service.standing = b.service.limits
	p, err := b.bot.homes.homePage(b.ctx, slacksim.DefaultTeam.ID, slacksim.SecondReviewer, home.Shelfmark{})
	require.NoError(t, err)
	require.Contains(t, p.Text(), "Nothing is waiting for your decision.")
	require.NotContains(t, p.Text(), "The team's budget", "for administrators")
	p, err = b.bot.homes.homePage(b.ctx, slacksim.DefaultTeam.ID, slacksim.Admin, home.Shelfmark{})
	require.NoError(t, err)
	require.Contains(t, p.Text(), "The team's budget")
}

func TestAHomeWithoutADatabaseSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.service.fail(errors.New("the database is away"))
	for _, who := range []string{slacksim.Analyst, slacksim.Reviewer} {
		require.NoError(t, b.as(who).OpenHome())
		_, err := b.as(who).WaitHome(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "Something went wrong") })
		require.NoError(t, err)
	}
	b.sim.Fail(fault.Method{Method: "views.publish", Error: "fatal_error"})
	require.NoError(t, b.as(slacksim.Analyst).OpenHome())
	require.Eventually(t, func() bool { return strings.Contains(b.log.String(), "publish Home") }, waitAtMost, tick)
}

// A database that is away is waited for, and not so long that nothing could be said of it.
func TestAHomeThatWaitsForItsDatabaseSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t, func(_ *slacksim.Options, o *Options) { o.Patience = time.Second })
	b.service.before(func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	require.NoError(t, b.as(slacksim.Analyst).OpenHome())
	_, err := b.as(slacksim.Analyst).WaitHome(b.ctx, func(v workspace.View) bool { return strings.Contains(v.Words(), "cannot be read at the moment") })
	require.NoError(t, err)
}

// A Home that somebody looks at follows what others do.
func TestAHomeIsDrawnAgainWhenARequestOnItMoves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v, _ := pending(b)
	b.service.change(func() { b.service.recent = []*approval.Request{v.Request} })
	b.waiting(3)
	maya, ben, jun := b.as(slacksim.Analyst), b.as(slacksim.Reviewer), b.as(slacksim.OtherAnalyst)
	for _, who := range []*slackperson.Person{maya, ben, jun} {
		require.NoError(t, who.OpenHome())
	}
	b.homeOf(maya, "Waiting for a reviewer")
	b.homeOf(ben, "Question 2")
	b.homeOf(jun, "Your questions")
	b.service.change(func() { sample.In(approval.Rejected, approval.Words("No."))(v); b.service.standing = v.Standings })
	b.waiting(14)
	b.publish(v, steps.SurfaceProgress)
	b.homeOf(maya, "Rejected")
	b.homeOf(ben, "14 requests in all")
	home := b.homeOf(jun, "Your questions")
	require.NotContains(t, home.Words(), "$2.12 of", "of somebody else it shows nothing")
	b.bot.homes.mu.Lock()
	defer b.bot.homes.mu.Unlock()
	require.Empty(t, b.bot.homes.stale)
}
