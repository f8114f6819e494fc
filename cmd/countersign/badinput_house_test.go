package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/sandbox/e2b/e2btest"
)

// What the tests of bad input need of a house beside what every test needs.

// atE2B lets the code run at an E2B of our own, whose boxes are plain child
// processes: much lighter than gVisor, and only for code that a test trusts.
func atE2B(cloud *e2btest.Server) func(*Config) {
	return func(c *Config) {
		c.E2BAPIKey, c.E2BAPIURL, c.E2BBoxURL = e2btest.Key, cloud.APIURL, cloud.SandboxURL
	}
}

// newCloud is an E2B of our own, which ends with the test.
func newCloud(t *testing.T) *e2btest.Server { return e2btest.New(t) }

// openLight is a house whose code runs at such an E2B, with a replica in it.
func openLight(t *testing.T, change ...func(*Config)) *house {
	t.Helper()
	h := open(t, append([]func(*Config){atE2B(newCloud(t))}, change...)...)
	h.run()
	return h
}

// soon waits for what is on its way elsewhere than in Slack.
func (h *house) soon(what string, holds func() bool) {
	h.t.Helper()
	enough := h.patient()
	for !holds() {
		select {
		case <-enough.Done():
			require.Fail(h.t, "it never came to this: "+what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// sockets is how many connections the replicas that run can have.
func (h *house) sockets() (n int) {
	h.running.Range(func(key, _ any) bool {
		v, process := key.(*victim)
		if !process || v.lives() {
			n += 2
		}
		return true
	})
	return n
}

// cardOf waits for the card that asks about a question.
func (h *house) cardOf(question string) workspace.Message {
	h.t.Helper()
	card, err := h.ben.WaitMessage(h.patient(), h.program.ReviewChannel, func(m workspace.Message) bool {
		return m.Has("Reject") && strings.Contains(m.Words(), question)
	})
	require.NoError(h.t, err, "no card for %q; all that was said: %s", question, h.everything())
	return card
}

// approve has Ben approve what a card shows: on the card itself, or, where the
// rules want the digest typed, in the modal that says what to type.
func (h *house) approve(card workspace.Message) {
	h.t.Helper()
	if card.Has("Approve") {
		require.NoError(h.t, h.ben.Click(card, "Approve"))
		return
	}
	require.NoError(h.t, h.ben.Click(card, "Review and approve"))
	modal, err := h.ben.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == "review" })
	require.NoError(h.t, err)
	_, typed, found := strings.Cut(modal.Words(), ", type ")
	require.True(h.t, found, modal.Words())
	wrong, err := h.ben.Submit(person.Fill("typed", typed[:6]))
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
}

// reply waits for the last word on a question: the answer, or why there is none,
// with the ways on.
func (h *house) reply(root workspace.Message) workspace.Message {
	h.t.Helper()
	return h.says(root, "\nDetails\n")
}

// bill is what Maya reads behind an answer's Details.
func (h *house) bill(reply workspace.Message) string {
	h.t.Helper()
	require.NoError(h.t, h.maya.Click(reply, "Details"))
	v, open := h.maya.View()
	require.True(h.t, open)
	require.NoError(h.t, h.maya.CloseView())
	return v.Words()
}

// becomes waits until a message shows the words.
func (h *house) becomes(m workspace.Message, words string) workspace.Message {
	h.t.Helper()
	now, err := h.ben.WaitChange(h.patient(), m, func(m workspace.Message) bool { return strings.Contains(m.Text+"\n"+m.Words(), words) })
	require.NoError(h.t, err, "it never said %q", words)
	return now
}

// everything is all threads of #sales-data, for a test that fails.
func (h *house) everything() string {
	var all []string
	for _, m := range h.maya.Messages(slacksim.SalesData) {
		all = append(all, h.thread(m))
	}
	return strings.Join(all, "\n======\n")
}

// row is what the tables hold about one question.
type row struct {
	State, Reason      string
	Attempts, Runs     int
	Decisions, Charges int
	Holds, Open        int // of calls, of inspections and of runs, each with one of its own; readings are apart, because a file that is known needs none
	Estimated          int // settlements that nobody could know better
}

// row reads it, when nothing moves any more.
func (h *house) row(question string) (r row) {
	h.t.Helper()
	id := value[string](h, `SELECT id FROM requests WHERE strpos(said(question), $1) > 0`, question)
	count := func(sql string) int { return value[int](h, `SELECT count(*) FROM `+sql, id) }
	return row{
		State:     value[string](h, `SELECT state FROM requests WHERE id = $1`, id),
		Reason:    reasons.Words(value[approval.Reason](h, `SELECT coalesce(reason, '{}') FROM requests WHERE id = $1`, id)),
		Attempts:  value[int](h, `SELECT attempts FROM requests WHERE id = $1`, id),
		Runs:      count(`runs WHERE request_id = $1`),
		Decisions: count(`decisions WHERE request_id = $1`),
		Charges:   count(`charges c JOIN holds h ON h.id = c.hold_id WHERE h.request_id = $1 AND h.purpose <> 'read'`),
		Holds:     count(`holds WHERE request_id = $1 AND purpose <> 'read'`),
		Open:      count(`holds h WHERE h.request_id = $1 AND NOT EXISTS (SELECT FROM settlements s WHERE s.hold_id = h.id)`),
		Estimated: count(`settlements WHERE request_id = $1 AND estimated`),
	}
}

// nothing asserts that nobody's words became a request, and no money moved.
func (h *house) nothing() {
	h.t.Helper()
	for _, table := range []string{"requests", "sessions", "holds WHERE purpose <> 'check'", "settlements WHERE request_id IS NOT NULL", "decisions", "runs"} {
		require.Zero(h.t, value[int](h, `SELECT count(*) FROM `+table), table)
	}
	require.Empty(h.t, h.model.Requests(), "the model was asked")
}

// private is all that somebody was told in private in a channel.
func private(who *person.Person, channel string) (all []string) {
	for _, m := range who.Ephemerals(channel) {
		all = append(all, m.Words())
	}
	return all
}
