package main

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// What Slack refuses in the asker's channel: the asker hears it somewhere.

func TestProveSlackTheAskerIsNeverLeftWithoutAWord(t *testing.T) {
	t.Parallel()
	for code, because := range map[string]string{"ekm_access_denied": "your organisation has suspended posting there", "is_archived": "is archived", "a_rule_of_tomorrow": "a_rule_of_tomorrow"} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			h := openLight(t)
			root := h.ask("Who hears of it?")
			card := h.cardOf("Who hears of it?")
			for _, method := range []string{"chat.postMessage", "chat.update"} {
				h.sim.Fail(fault.Method{Method: method, Only: fault.Only{Channel: slacksim.SalesData}, Error: code, Times: -1})
			}
			require.NoError(t, h.ben.Click(card, "Approve"))
			told, err := h.maya.WaitMessage(h.patient(), h.maya.DM(), func(m workspace.Message) bool {
				return strings.Contains(m.Text, because) && m.Has("Details")
			})
			require.NoError(t, err, "the answer and its bill come by direct message")
			require.Contains(t, told.Text, "I cannot answer you in <#"+slacksim.SalesData+">")
			require.Contains(t, told.Text, "Here is the answer.")
			require.Contains(t, h.log.String(), `level=WARN msg="Slack refuses a message" request=`+value[string](h, `SELECT id FROM requests`))

			h.sim.Heal()
			require.Contains(t, h.reply(root).Text, "Here is the answer.", "it heals by itself")
			_, err = h.maya.WaitChange(h.patient(), told, func(m workspace.Message) bool {
				return strings.Contains(m.Text, "is there now") && m.Has("Go to the thread")
			})
			require.NoError(t, err)
			all := slices.DeleteFunc(h.maya.Messages(h.maya.DM()), func(m workspace.Message) bool { return strings.Contains(m.Words(), "Your question in") }) // how a slow program gets on
			require.Len(t, all, 1, "one message, kept up to date")
			h.settled()
			proof.Check(t, !t.Failed(), "an answer refused with "+code+" reaches the asker", "by direct message, then in the thread")
		})
	}
	t.Run("the first message is deleted", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		h.bench(telling{}, 2)
		h.sim.Fail(fault.Method{Method: "chat.postMessage", Only: fault.Only{Channel: slacksim.SalesData}, Error: "internal_error", Times: -1})
		h.share("sales.csv", "amount\n1\n")
		root, err := h.maya.Say(slacksim.SalesData, "@countersign Who hears of it in sales.csv?")
		require.NoError(t, err)
		card := h.cardOf("Who hears of it in sales.csv?")
		require.NoError(t, h.maya.Delete(root))
		h.sim.Heal() // from now on Slack puts what goes into that thread into the channel, and says that it is well
		h.approve(card)
		told, err := h.maya.WaitMessage(h.patient(), h.maya.DM(), func(m workspace.Message) bool {
			return strings.Contains(m.Text, "the message that began the thread has been deleted") && m.Has("Details")
		})
		require.NoError(t, err, h.everything())
		require.Contains(t, told.Text, "Revenue was 4711 euros.")
		require.NotContains(t, told.Text, "I keep trying there")
		h.soon("nothing of ours stands in the channel", func() bool {
			return !slices.ContainsFunc(h.maya.Messages(slacksim.SalesData), func(m workspace.Message) bool { return m.BotID != "" })
		})
		require.Len(t, h.sim.Calls("chat.delete"), 1, "it is tried once")
		require.Empty(t, h.carla.Messages(h.carla.DM()), "no administrator can mend it")
		require.Empty(t, h.shares(told, slacksim.General))
		h.soon("what is shared of it stands elsewhere, with its chart", func() bool {
			return len(h.shows(slacksim.General, "shares an answer to")) == 1 && len(h.shows(slacksim.General, "revenue-by-month.png")) > 0
		})
		require.Len(t, h.sim.Calls("chat.delete"), 1, "it is tried once")
		h.settled()
		proof.Check(t, !t.Failed(), "a question whose message was deleted is answered by direct message", "nothing stands in the channel, and a share in another one with its chart")
	})
	t.Run("invalid_blocks", func(t *testing.T) {
		t.Parallel()
		h := openLight(t)
		for _, method := range []string{"chat.postMessage", "chat.update"} {
			h.sim.Fail(fault.Method{Method: method, Only: fault.Only{Channel: slacksim.SalesData, Kind: fault.WithBlocks}, Error: "invalid_blocks", Times: -1})
		}
		root := h.ask("Who reads it as text?")
		h.says(root, "Waiting for a reviewer")
		require.NoError(t, h.ben.Click(h.cardOf("Who reads it as text?"), "Approve"))
		answer := h.says(root, "Here is the answer.")
		require.Empty(t, answer.Blocks)
		told, err := h.carla.WaitMessage(h.patient(), h.carla.DM(), func(m workspace.Message) bool { return strings.Contains(m.Text, "invalid_blocks") })
		require.NoError(t, err, "whoever runs the app hears of it")
		require.Contains(t, told.Text, "Slack rejects my messages in <#"+slacksim.SalesData+">")
		h.sim.Heal()
		_, err = h.maya.WaitChange(h.patient(), answer, func(m workspace.Message) bool { return len(m.Blocks) > 0 })
		require.NoError(t, err, "it becomes whole by itself")
		require.Empty(t, h.shows(h.maya.DM(), "I cannot answer you"), "the thread could say it")
		proof.Check(t, !t.Failed(), "a thread whose blocks are refused goes on as text, and becomes whole", "question, progress, answer")
	})
}

// A card that the workspace's settings let nobody rewrite leads to the one that
// stands for it.
func TestProveSlackAnOldCardLeadsToTheNewOne(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.writes("print(1)", "print(2)")
	h.ask("Which card is it?")
	old := h.cardOf("Which card is it?")
	h.sim.Fail(fault.Method{Method: "chat.update", Only: fault.Only{Channel: slacksim.CodeReview}, Error: "edit_window_closed", Times: -1})
	require.NoError(t, h.ben.Click(old, "Request changes"))
	_, err := h.ben.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == "changes" })
	require.NoError(t, err)
	wrong, err := h.ben.Submit(person.Fill("reason", "Print two, please."))
	require.NoError(t, err)
	require.Empty(t, wrong)
	// standing is the card that the bot remembers: it has been in Slack for a moment before that.
	standing := func(says string) (card workspace.Message) {
		h.soon("a card says "+says, func() bool {
			card, err = h.ben.Find(slacksim.CodeReview, value[string](h, `SELECT ts FROM posts WHERE surface = 'card'`))
			return err == nil && card.TS != old.TS && strings.Contains(card.Words(), says)
		})
		return card
	}
	require.True(t, standing("print(2)").Has("Approve"))
	// leads reads where "Go to the card" goes. A card that changes is posted anew each time, because
	// none can be rewritten here, and the one before it of the same version is deleted.
	leads := func(told workspace.Message) string {
		blocks, err := json.Marshal(told.Blocks)
		require.NoError(t, err)
		link := regexp.MustCompile("/archives/" + slacksim.CodeReview + `/p(\d{10})(\d{6})`).FindStringSubmatch(string(blocks))
		require.NotNil(t, link, "%s", blocks)
		return link[1] + "." + link[2]
	}
	presses := []string{"Approve", "Reject", "Request changes"}
	last := ""
	for _, press := range presses {
		before := standing("print(2)")
		require.NoError(t, h.priya.Click(old, press))
		told, err := h.priya.WaitEphemeral(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
			return m.Has("Go to the card") && m.TS > last
		})
		require.NoError(t, err, press)
		last = told.TS
		require.Contains(t, told.Words(), "This card is out of date")
		require.GreaterOrEqual(t, leads(told), before.TS)
	}
	require.Equal(t, 1, h.row("Which card is it?").Decisions, "the wish, and nothing that was pressed on the old card")
	var next workspace.Message
	h.soon("Ben presses the card that stands", func() bool {
		next = standing("print(2)")
		return h.ben.Click(next, "Approve") == nil
	})
	h.soon("it has run", func() bool { return h.row("Which card is it?").State == "done" })

	// Decided by now, and the new card could not be rewritten either: another one says so. The one that was
	// pressed stands until it is found to be of the same version; a press before that leads on.
	ended := standing("Approved and run")
	if h.priya.Click(next, "Approve") == nil {
		told, err := h.priya.WaitEphemeral(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
			return m.Has("Go to the card") && m.TS > last && strings.Contains(m.Words(), "is already approved")
		})
		require.NoError(t, err)
		require.GreaterOrEqual(t, leads(told), ended.TS)
	} else {
		_, err := h.ben.Find(slacksim.CodeReview, next.TS)
		require.Error(t, err, "it is gone")
	}
	require.Equal(t, 1, h.row("Which card is it?").Runs)
	h.settled()
	proof.Check(t, !t.Failed(), "a press on a card that edit_window_closed keeps as it was leads to the new one", "%d of %d presses, none of them decided", len(presses), len(presses))
}

func TestProveSlackAFileHiddenByThePlanIsCalledThat(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	file := h.share("sales.csv", "month,amount\nJan,1\n")
	root := h.ask("What is in sales.csv?")
	card := h.cardOf("What is in sales.csv?")
	h.sim.HideFile(file.ID, true)
	require.NoError(t, h.ben.Click(card, "Approve"))
	const why = "sales.csv is hidden by Slack: this workspace is on the free plan, which shows only its newest files. It has not been deleted."
	_, err := h.maya.WaitMessage(h.patient(), h.maya.DM(), func(m workspace.Message) bool { return strings.Contains(m.Words(), why) })
	require.NoError(t, err, "the asker reads it")
	h.becomes(card, why)
	require.Zero(t, h.row("What is in sales.csv?").Runs)
	h.sim.HideFile(file.ID, false)
	require.Contains(t, h.reply(root).Text, "Here is the answer.", "once it is to be seen again, it goes on")
	h.settled()
	proof.Check(t, !t.Failed(), "a file that the free plan hides (hidden_by_limit) is said to be hidden", "nothing ran, nothing is held")
}

func TestProveSlackAnOrganisationIsRefusedAtStart(t *testing.T) {
	t.Parallel()
	h := open(t)
	wide := slacksim.Start(t, slacksim.Options{Enterprise: "E0HARBOR", OrgWide: true})
	h.program.SlackAPIURL = wide.APIURL()
	h.program.Runsc = "/nowhere" // nothing is to be run
	text, err := report(h)
	require.Error(t, err)
	require.Contains(t, text, "✗ Slack bot token  this app is installed for a whole organisation (Enterprise Grid), and works in one workspace only")
	writer, err := h.program.writer()
	require.NoError(t, err)
	r, err := h.program.wire(h.ctx, writer)
	require.NoError(t, err)
	err = r.run(h.ctx)
	require.NoError(t, r.close())
	require.ErrorContains(t, err, "install it in the workspace itself")
	require.Zero(t, wide.Counts().Connections)
	proof.Check(t, !t.Failed(), "an installation for a whole organisation is refused at start, with words", "serve and doctor")
}
