package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/webapi"
	"countersign/internal/slacksim/workspace"
)

// Rows of `make prove-slack` about what a question rests on and that goes while it
// waits: its channel, its files, whoever asked.

const inQuestion = "What is in sales.csv?"

// waiting is a house in which a card waits.
func waiting(t *testing.T) (h *house, file workspace.File, card workspace.Message) {
	t.Helper()
	h = openLight(t)
	file = h.share("sales.csv", "a,b\n1,2\n")
	h.writes("import pandas as pd\npd.read_csv(\"sales.csv\")[\"b\"].sum()")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze "+inQuestion))
	card = h.cardOf(inQuestion)
	h.quiet()
	return h, file, card
}

// state waits until the request is in a state.
func (h *house) state(want string) {
	h.t.Helper()
	h.soon("it is "+want, func() bool { return h.row(inQuestion).State == want })
}

// looked has a sweep look again at what waits for people.
func (h *house) looked() {
	h.t.Helper()
	_ = value[int](h, `WITH aged AS (UPDATE requests SET looked_at = now() - interval '1 hour' RETURNING 1) SELECT count(*)::int FROM aged`)
}

// What may come back is waited for: the approval stands, the asker hears of it in a
// direct message and the reviewers on the card, both with a button that ends it, and
// once it is back the request continues on its own.
func TestProveSlackWhatMayComeBackIsWaitedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		goes, comes func(h *house, f workspace.File)
		says        string
	}{
		"the bot is taken out of the channel": {
			func(h *house, _ workspace.File) { h.sim.Remove(slacksim.SalesData, slacksim.BotUser) },
			func(h *house, _ workspace.File) { h.sim.Invite(slacksim.SalesData, slacksim.BotUser) }, ", so I cannot read its files or answer there"},
		"the channel is archived": {
			func(h *house, _ workspace.File) {
				h.sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.IsArchived = true })
			},
			func(h *house, _ workspace.File) {
				h.sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.IsArchived = false })
			}, "is archived, so I cannot answer there"},
		"the channel is private, and its asker not in it": {
			func(h *house, _ workspace.File) {
				h.sim.Remove(slacksim.SalesData, slacksim.Analyst)
				h.sim.SetChannel(slacksim.SalesData, func(c *workspace.Channel) { c.IsPrivate = true })
			},
			func(h *house, _ workspace.File) { h.sim.Invite(slacksim.SalesData, slacksim.Analyst) }, "is private now, and"},
		"files.info does not find the file": {
			func(h *house, _ workspace.File) {
				h.sim.Fail(fault.Method{Method: "files.info", Error: "file_not_found", Times: -1})
			},
			func(h *house, _ workspace.File) { h.sim.Heal() }, "cannot be read right now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, file, card := waiting(t)
			c.goes(h, file)
			require.NoError(t, h.ben.Click(card, "Approve"))
			told := h.inDM(h.maya, c.says)
			shown := h.becomes(card, "It cannot start yet.")
			ok := told.Has("End it") && shown.Has("End it") && strings.Contains(shown.Words(), c.says)
			waits := h.row(inQuestion)
			proof.Check(t, ok && waits.State == "approved" && waits.Decisions == 1 && value[int](h, `SELECT revision FROM requests`) == 1,
				"it waits as it is, and asker and reviewers are told: "+name, "%s, revision %d", waits.State, value[int](h, `SELECT revision FROM requests`))
			c.comes(h, file)
			h.state("done")
			h.quiet()
			again := h.inDM(h.maya, "Your question continues.", "Your question has ended") // it is drawn as it stands then
			end := h.row(inQuestion)
			proof.Check(t, end.Runs == 1 && end.Open == 0 && again.TS == told.TS && value[int](h, `SELECT revision FROM requests`) == 1,
				"once it is back it continues on its own: "+name, "%s, %d run, nothing held", end.State, end.Runs)
		})
	}
}

// Whoever does not want to wait ends it: the asker in their direct message, a reviewer
// on the card.
func TestProveSlackAWaitForWhatIsAwayCanBeEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end   func(h *house, card workspace.Message) error
		state string
	}{
		"by the asker": {func(h *house, _ workspace.Message) error {
			return h.maya.Click(h.inDM(h.maya, "Your question is waiting."), "End it")
		}, "withdrawn"},
		"by a reviewer": {func(h *house, card workspace.Message) error {
			return h.ben.Click(h.becomes(card, "It cannot start yet."), "End it")
		}, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _, card := waiting(t)
			h.sim.Remove(slacksim.SalesData, slacksim.BotUser)
			h.looked()
			h.becomes(card, "It cannot start yet.")
			require.Equal(t, "pending", h.row(inQuestion).State)
			require.NoError(t, c.end(h, card))
			h.state(c.state)
			h.inDM(h.maya, "Your question has ended")
			h.settled1(inQuestion)
			proof.Check(t, value[int](h, `SELECT count(*) FROM runs`) == 0 && h.row(inQuestion).Open == 0, "a wait for what is away can be ended: "+name, "%s, nothing held", h.row(inQuestion).State)
		})
	}
}

// What is gone for good ends the request with words, from pending and from approved,
// and nothing is held for it any more.
func TestProveSlackWhatIsGoneForGoodEndsTheRequest(t *testing.T) {
	t.Parallel()
	deleted := func(word string) func(*house, workspace.File) {
		return func(h *house, f workspace.File) {
			h.sim.Answer(webapi.Answers{Deleted: word})
			require.NoError(h.t, h.maya.DeleteFile(f.ID))
		}
	}
	changed := func(change func(*workspace.User)) func(*house, workspace.File) {
		return func(h *house, _ workspace.File) { h.sim.Change(slacksim.Analyst, change) }
	}
	for name, c := range map[string]struct {
		goes func(h *house, f workspace.File)
		says string
	}{
		"the file is deleted (file_deleted)": {deleted("file_deleted"), "has been deleted, and this question cannot be answered without it"},
		"the file is deleted (a tombstone)":  {deleted("tombstone"), "has been deleted, and this question cannot be answered without it"},
		"the asker is deactivated":           {changed(func(u *workspace.User) { u.Deleted = true }), "has left this workspace"},
		"the asker becomes a guest":          {changed(func(u *workspace.User) { u.IsRestricted = true }), "is now a guest here"},
	} {
		for _, from := range []string{"pending", "approved"} {
			t.Run(name+", "+from, func(t *testing.T) {
				t.Parallel()
				h, file, card := waiting(t)
				c.goes(h, file)
				if from == "approved" {
					require.NoError(t, h.ben.Click(card, "Approve"))
				} else {
					h.looked()
				}
				h.state("failed")
				shown := h.becomes(card, c.says)
				h.quiet()
				end := h.row(inQuestion)
				proof.Check(t, end.Runs == 0 && end.Open == 0 && !shown.Has("Approve") && value[int](h, `SELECT revision FROM requests`) == 1,
					"it ends with words and holds nothing, from "+from+": "+name, "%s, %d runs", end.State, end.Runs)
			})
		}
	}
}
