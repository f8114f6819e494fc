package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// Rows of `make prove-slack` about what is asked of Slack, and when.

// inDM waits for a direct message of the bot's to somebody, which holds the words or,
// where several are right, one of them.
func (h *house) inDM(who *person.Person, words ...string) workspace.Message {
	h.t.Helper()
	m, err := who.WaitMessage(h.patient(), who.DM(), func(m workspace.Message) bool {
		return m.BotID != "" && slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m.Text+"\n"+m.Words(), w) })
	})
	require.NoError(h.t, err, "no direct message says %q", words)
	return m
}

// quiet waits until no step is under way or on its way.
func (h *house) quiet() {
	h.t.Helper()
	h.soon("nothing moves", func() bool {
		return value[int](h, `SELECT count(*) FROM river_job WHERE kind = 'step' AND state NOT IN ('completed', 'cancelled', 'discarded')`) == 0
	})
}

// beforeAck are the calls of the Web API that ended before an act was acknowledged.
func (h *house) beforeAck(act func() error) (calls []string) {
	h.t.Helper()
	h.quiet()
	last := 0
	for _, e := range h.sim.Journal(0) {
		last = e.N
	}
	// What begins after the ack is answered long after it has arrived; what the ack waits for is not.
	h.sim.Fail(fault.Method{Method: "*", Delay: time.Second, Times: -1})
	defer h.sim.Heal()
	require.NoError(h.t, act())
	h.soon("the ack", func() bool {
		calls = []string{}
		for _, e := range h.sim.Journal(last) {
			switch e.Direction {
			case "ack":
				return true
			case "api":
				calls = append(calls, e.Name)
			}
		}
		return false
	})
	return calls
}

func TestProveSlackNothingIsAskedBeforeAnAck(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "a,b\n1,2\n")
	saw := func(promise string, act func() error, may ...string) {
		t.Helper()
		calls := h.beforeAck(act)
		more := []string{}
		for _, c := range calls {
			if !slices.Contains(may, c) {
				more = append(more, c)
			}
		}
		proof.Check(t, len(more) == 0, promise, "%d calls: %s", len(calls), strings.Join(calls, ", "))
	}
	saw("/analyze asks nothing of Slack before its ack", func() error { return h.maya.Command(slacksim.SalesData, "/analyze What is in sales.csv, first?") })
	first := h.cardOf("first?")
	saw("a mention asks nothing of Slack before its ack", func() error {
		_, err := h.maya.Say(slacksim.SalesData, "@countersign What is in sales.csv, second?")
		return err
	})
	second := h.cardOf("second?")
	saw("/analyze alone only opens the form", func() error { return h.maya.Command(slacksim.SalesData, "/analyze") }, "views.open")
	_, err := h.maya.WaitView(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "sales.csv") })
	require.NoError(t, err, "the channel's files come after the form")
	h.soon("their call is over", func() bool {
		return slices.ContainsFunc(h.sim.Journal(0), func(e workspace.Entry) bool { return e.Direction == "api" && e.Name == "views.update" })
	})
	require.NoError(t, h.maya.CloseView())
	saw("a first press on Reject looks at who presses at most, and opens the form", func() error { return h.ben.Click(first, "Reject") }, "users.info", "views.open")
	require.NoError(t, h.ben.CloseView())
	saw("Approve asks nothing, when its reviewer was looked at within the minute", func() error { return h.ben.Click(first, "Approve") })
	saw("Cancel asks nothing of Slack", func() error {
		return h.maya.Click(h.says(rootOf(h, second), "Waiting for a reviewer"), "Cancel")
	})
	saw("/budget asks nothing of Slack", func() error { return h.maya.Command(slacksim.SalesData, "/budget") })
	h.quiet()

	// Slack is away, and everything is taken all the same.
	h.sim.Fail(fault.Method{Method: "*", Cut: true, Times: -1})
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze What is in sales.csv, third?"))
	time.Sleep(200 * time.Millisecond) // some of its calls are cut
	h.sim.Heal()
	h.cardOf("third?")
	proof.Check(t, true, "a question that came while Slack's Web API was away is taken and written", "1 of 1")
	h.settled1("third?")
}

// rootOf is the thread of the question that a card is about.
func rootOf(h *house, card workspace.Message) workspace.Message {
	h.t.Helper()
	id := value[string](h, `SELECT request_id FROM posts WHERE surface = 'card' AND ts = $1`, card.TS)
	root, err := h.maya.Find(slacksim.SalesData, value[string](h, `SELECT thread_ts FROM sessions s JOIN requests r ON r.session_id = s.id WHERE r.id = $1`, id))
	require.NoError(h.t, err)
	return root
}

// settled1 asserts that one question holds no money.
func (h *house) settled1(question string) {
	h.t.Helper()
	require.Zero(h.t, h.row(question).Open, "open holds of %s", question)
}

// What a question lacks is asked for in private, with a button that keeps it; nothing
// of it is seen in the channel, nothing is held for it, and no model is asked.
func TestProveSlackAQuestionThatLacksSomethingIsAskedBack(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "a,b\n1,2\n")
	h.share("costs.csv", "a,b\n1,2\n")
	jun := h.sim.As(slacksim.OtherAnalyst)
	h.sim.Change(slacksim.OtherAnalyst, func(u *workspace.User) { u.IsStranger = true })
	posted := len(public(h.maya, slacksim.SalesData))
	for _, c := range []struct {
		who            *person.Person
		channel, asks  string
		says, promise  string
		button, opened string
	}{
		{h.maya, slacksim.Random, "How many beans, one?", "Invite me with /invite @countersign and ask again.", "a channel without the bot", "Ask again", "How many beans, one?"},
		{h.maya, slacksim.SalesData, "What is in budget.xlsx, two?", "I cannot find a file called budget.xlsx in", "a file that is not there", "Ask again", "sales.csv"},
		{h.maya, slacksim.SalesData, "How many rows, three?", "Which file do you mean?", "several files and no name", "Choose files", "costs.csv"},
		{jun, slacksim.SalesData, "What is in sales.csv, four?", "Only members of this workspace can ask.", "somebody of another workspace", "", ""},
	} {
		require.NoError(t, c.who.Command(c.channel, "/analyze "+c.asks), "it is taken as it came")
		told := h.inDM(c.who, c.says)
		ok := strings.Contains(told.Words(), c.asks) && h.row(c.asks) == row{State: "failed", Holds: 1}
		if c.channel != slacksim.Random { // and where the bot is in, beside what they typed, for their eyes only
			beside := h.told(c.who, c.channel, c.asks)
			ok = ok && strings.Contains(beside.Words(), c.says) && (c.button == "" || beside.Has(c.button))
		}
		if c.button != "" {
			require.NoError(t, c.who.Click(told, c.button))
			form, err := c.who.WaitView(h.patient(), func(v workspace.View) bool {
				return strings.Contains(formState(v), c.asks) && strings.Contains(v.Words()+formState(v), c.opened)
			})
			ok = ok && err == nil && form.CallbackID == "form"
			require.NoError(t, c.who.CloseView())
		}
		proof.Check(t, ok, "it is said in private, the question is kept and nothing is held: "+c.promise, "%v", h.row(c.asks))
	}
	require.Empty(t, h.model.Requests())
	require.Len(t, public(h.maya, slacksim.SalesData), posted, "nothing was said in the channel")

	// From the button to the answer.
	require.NoError(t, h.maya.Click(h.inDM(h.maya, "Which file do you mean?"), "Choose files"))
	_, err := h.maya.WaitView(h.patient(), func(v workspace.View) bool { return strings.Contains(formState(v), "three?") })
	require.NoError(t, err)
	wrong, err := h.maya.Submit(person.Fill("files", "costs.csv"))
	require.NoError(t, err)
	require.Empty(t, wrong)
	card := h.cardOf("three?")
	proof.Check(t, strings.Contains(card.Words(), "costs.csv"), "the button leads to the answer, with the file that was chosen", "costs.csv")

	// A guest may ask, as before, and so may be answered.
	theo := h.sim.As(slacksim.Guest)
	require.NoError(t, theo.Command(slacksim.SalesData, "/analyze What is in sales.csv, five?"))
	h.cardOf("five?")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze Write the sums of sales.csv to totals.csv, six"))
	h.inDM(h.maya, "There is no file called totals.csv in")
	h.cardOf("six")
	h.quiet()
	h.settled()
}

// public is what all can read in a channel.
func public(who *person.Person, channel string) []workspace.Message {
	return slices.DeleteFunc(who.Messages(channel), func(m workspace.Message) bool { return m.Ephemeral })
}

// formState is what stands in a form.
func formState(v workspace.View) string {
	var all strings.Builder
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case map[string]any:
			for _, n := range node {
				walk(n)
			}
		case []any:
			for _, n := range node {
				walk(n)
			}
		case string:
			all.WriteString(node + "\n")
		}
	}
	walk(v.State)
	return all.String()
}

// A read that fails once is tried again; no question is lost over it.
func TestProveSlackAReadThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "a,b\n1,2\n")
	asked, written := 0, 0
	for _, method := range []string{"users.info", "conversations.info", "files.list", "files.info", "download"} {
		for _, fault := range []fault.Method{{Error: "fatal_error"}, {Status: 502}, {RetryAfter: time.Second}} {
			fault.Method = method
			h.sim.Fail(fault)
			asked++
			words := "What is in sales.csv, " + method + " " + fault.Error + value[string](h, `SELECT $1::int::text`, asked) + "?"
			require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze "+words))
			if h.cardOf(words).Has("Approve") {
				written++
			}
		}
	}
	for _, m := range append(h.maya.Ephemerals(slacksim.SalesData), h.maya.Messages(h.maya.DM())...) {
		require.NotContains(t, m.Words(), "went wrong")
	}
	proof.Check(t, asked == written && asked == 15, "a read that fails once (fatal_error, 502, 429) loses no question", "%d of %d were written", written, asked)
	h.quiet()
	h.settled()
}
