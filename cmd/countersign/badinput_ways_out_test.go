package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

func TestAQuestionCanBeTakenBackUntilItRuns(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	root := h.ask("Take me back by a command?")
	card := h.cardOf("by a command?")
	id := value[string](h, `SELECT id FROM requests`)
	jun := h.sim.As(slacksim.OtherAnalyst)
	require.NoError(t, jun.Command(slacksim.SalesData, "/analyze cancel "+id))
	h.told(jun, slacksim.SalesData, "Only the person who asked, or an administrator, can cancel a request.")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel nosuchid"))
	h.told(h.maya, slacksim.SalesData, "There is no such request here. /analyze status lists yours.")
	require.Equal(t, "pending", h.row("by a command?").State)

	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze status"))
	list := h.told(h.maya, slacksim.SalesData, "Your latest questions")
	require.Contains(t, list.Text, "Waiting for a reviewer: Take me back by a command? (asked ")
	require.True(t, list.Has("Cancel"))

	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel "+id))
	h.told(h.maya, slacksim.SalesData, "Cancelled: Take me back by a command?")
	h.says(root, "Cancelled. Nothing ran.")
	require.Empty(t, h.becomes(card, "Cancelled").Actions())
	require.NoError(t, h.ben.ClickOld(card, "Approve"))
	h.told(h.ben, slacksim.CodeReview, "This has already ended: it was cancelled. Nothing has changed.")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel "+id))
	h.told(h.maya, slacksim.SalesData, "It is already cancelled.")
	require.Equal(t, row{State: "withdrawn", Attempts: 1, Charges: 2, Holds: 2}, h.row("by a command?"), "what the model did is paid for")

	root = h.ask("Take me back by the button?")
	h.cardOf("by the button?")
	line := h.says(root, "Waiting for a reviewer")
	require.NoError(t, jun.Click(line, "Cancel"))
	h.told(jun, slacksim.SalesData, "Only the person who asked, or an administrator, can cancel a request.")
	require.NoError(t, h.maya.Click(line, "Cancel"))
	require.Empty(t, h.becomes(line, "Cancelled").Actions())
	require.Equal(t, "withdrawn", h.row("by the button?").State)

	root = h.ask("Too late?")
	require.NoError(t, h.ben.Click(h.cardOf("Too late?"), "Approve"))
	h.reply(root)
	late := value[string](h, `SELECT id FROM requests WHERE said(question) = 'Too late?'`)
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel "+strings.ToUpper(late)))
	h.told(h.maya, slacksim.SalesData, "There is nothing to cancel: it has already run.")
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM runs`))
	h.settled()
}

func TestHelpAndStatusAnswerInPrivate(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze status"))
	h.told(h.maya, slacksim.SalesData, "You have not asked anything yet. Try: ")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze help"))
	help := h.told(h.maya, slacksim.SalesData, "A model writes Python for it, a reviewer reads the code")
	for _, line := range []string{"/analyze status", "/analyze cancel ID", "CSV, TSV, XLSX, ODS or JSON, also as GZ or ZIP, of at most 1024 MB together."} {
		require.Contains(t, help.Words(), line)
		require.Contains(t, help.Text, line, "for screen readers")
	}
	_, err := h.maya.Say(slacksim.SalesData, "@countersign help")
	require.NoError(t, err)
	h.soon("a mention is answered in the same way", func() bool {
		return strings.Count(strings.Join(private(h.maya, slacksim.SalesData), "\n"), "A model writes Python for it") == 2
	})
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/budget help"))
	h.told(h.maya, slacksim.SalesData, "lets somebody spend $25 per month.")
	require.Empty(t, h.ben.Ephemerals(slacksim.SalesData))
	h.nothing()
}

func TestNobodyDecidingIsNotANo(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	r, _ := h.run()
	root := h.ask("Anybody?")
	card, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool { return strings.Contains(m.Words(), "Anybody?") })
	require.NoError(t, err)
	h.shorten("clock_timestamp()")
	h.soon("it expires", func() bool {
		require.NoError(t, r.sweep(h.ctx)) // a replica's own comes every fifteen seconds
		return value[string](h, `SELECT state FROM requests`) == "expired"
	})
	const why = "Nobody decided in time. Ask again if you still need it."
	require.Contains(t, h.reply(root).Text, "Expired: "+why)
	now := h.becomes(card, "Expired: nobody decided")
	require.Empty(t, now.Actions())
	require.NotContains(t, now.Words(), "Rejected")
	require.NoError(t, h.ben.ClickOld(card, "Approve"))
	h.told(h.ben, slacksim.CodeReview, "This has expired: nobody decided in time. Nothing has changed.")
	require.Equal(t, row{State: "expired", Reason: why, Attempts: 1, Charges: 2, Holds: 2}, h.row("Anybody?"))
	h.settled()
}

func TestAFollowUpKnowsWhatWasSaidBefore(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "product,units\nfilter,3\nespresso,4\n")
	h.writes("import pandas as pd\npd.read_csv(\"sales.csv\")[\"units\"].sum()", "import pandas as pd\npd.read_csv(\"sales.csv\")[\"units\"].max()")
	root := h.ask("How many units in sales.csv?")
	require.NoError(t, h.ben.Click(h.cardOf("How many units"), "Approve"))
	require.Contains(t, h.reply(root).Words(), "7")

	_, err := h.maya.Reply(slacksim.SalesData, root.TS, "@countersign and the largest?")
	require.NoError(t, err)
	card := h.cardOf("and the largest?")
	require.Contains(t, card.Words(), "sales.csv", "the thread's file is meant")
	require.Contains(t, card.Text, "Earlier in this thread\n- How many units in sales.csv?", "the reviewer knows what it goes on from")
	asked := h.model.Requests()
	last := asked[len(asked)-1].Messages
	require.Len(t, last, 4, "the earlier question, its code, and what it gave with the new question")
	require.Contains(t, last[1].Content, "An earlier question:\nHow many units in sales.csv?")
	require.Contains(t, last[2].Content, `pd.read_csv("sales.csv")["units"].sum()`)
	require.Contains(t, last[3].Content, "The question:\nand the largest?")
	require.NoError(t, h.ben.Click(card, "Approve"))
	_, err = h.maya.WaitReply(h.patient(), root.Channel, root.TS, func(m workspace.Message) bool {
		return m.Has("Details") && strings.Contains(m.Words(), "\n4\n")
	})
	require.NoError(t, err)
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM sessions`), "both are one conversation")
	require.Equal(t, 2, value[int](h, `SELECT count(*) FROM runs`))
	h.settled()
}

func TestBudgetsAreShownToTheirOwnersAndSetByAdministrators(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/budget show"))
	h.told(h.maya, slacksim.SalesData, "$0 of $10 spent, $10 left.")
	h.told(h.maya, slacksim.SalesData, "The team has no budget of its own.")

	require.NoError(t, h.maya.Command(slacksim.SalesData, "/budget set @maya 1000"))
	h.told(h.maya, slacksim.SalesData, "Only administrators can change budgets.")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/budget show @ben"))
	h.told(h.maya, slacksim.SalesData, "Only administrators can look at other people's budgets.")
	for line, why := range map[string]string{
		"set maya 5":              `I cannot find "maya". Type @ and choose the person from the list that Slack offers`,
		"set @maya":               "How much?",
		"set @maya much":          `"much" is not a dollar amount. Write it like 25, 25.50 or $1,000.`,
		"set @maya 5 per century": `I do not understand "per century". A budget is per day, per week, per month or in all.`,
		"double":                  `Unknown command "double". You can write show, set, remove, history, explain, top or help.`,
	} {
		require.NoError(t, h.carla.Command(slacksim.SalesData, "/budget "+line))
		h.told(h.carla, slacksim.SalesData, why)
	}
	require.Zero(t, value[int](h, `SELECT count(*) FROM limits`))

	require.NoError(t, h.carla.Command(slacksim.SalesData, "/budget set @maya 0.01 per week"))
	h.told(h.carla, slacksim.SalesData, " is now $0.01 per week.")
	require.Equal(t, "U0MAYA 10000000 week U0CARLA", value[string](h, `SELECT id || ' ' || amount || ' ' || per || ' ' || set_by FROM limits`))
	require.NoError(t, h.carla.Command(slacksim.SalesData, "/budget show @maya"))
	h.told(h.carla, slacksim.SalesData, "$0 of $0.01 spent, $0.01 left.")

	// What the worst case needs is more than that: refused before anything is spent, and kept.
	root := h.ask("Can I afford this?")
	h.told(h.maya, slacksim.SalesData, "Your question is saved, but over budget.")
	refusal := h.says(root, "Paused: over budget")
	monday := value[time.Time](h, `SELECT date_trunc('week', now() AT TIME ZONE 'UTC') + interval '7 days'`)
	require.Contains(t, refusal.Text, " Resets on "+monday.Format("2 January")+".")
	require.NoError(t, h.maya.Click(refusal, "Try again"))
	h.told(h.maya, slacksim.SalesData, "Still over budget. Your budget of $0.01 per week has $0.01 left, and this could cost up to $0.0")
	require.Equal(t, row{State: string(approval.Drafting)}, h.row("Can I afford this?"))
	require.Empty(t, h.model.Requests(), "the model was asked")

	require.NoError(t, h.carla.Command(slacksim.SalesData, "/budget set @maya 5"))
	require.NoError(t, h.maya.Click(refusal, "Try again"))
	require.NoError(t, h.ben.Click(h.cardOf("afford this?"), "Approve"))
	require.Contains(t, h.reply(root).Words(), " of $5 left")
	h.settled()
}

// The run of what was drafted may be more than is left by then: the reviewer's
// click says so, and the request still waits.
func TestARunThatTheBudgetCannotBearIsNotApproved(t *testing.T) {
	t.Parallel()
	h := openLight(t, func(c *Config) { c.RunSeconds = 3000 })
	root := h.ask("Can the run be paid?")
	card := h.cardOf("Can the run be paid?")
	require.NoError(t, h.carla.Command(slacksim.SalesData, "/budget set team 0.01"))
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.told(h.ben, slacksim.CodeReview, "The team's budget of $0.01 per month has $0.00")
	r := h.row("Can the run be paid?")
	require.Equal(t, row{State: string(approval.Pending), Attempts: 1, Charges: 2, Holds: 2}, r, "nobody has decided")
	require.NoError(t, h.carla.Command(slacksim.SalesData, "/budget set team 10"))
	require.NoError(t, h.ben.Click(card, "Approve"))
	require.Contains(t, h.reply(root).Words(), "Here is the answer.")
	h.settled()
}
