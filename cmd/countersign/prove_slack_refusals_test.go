package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/workspace"
)

// Each refusal of Slack's, played by itself against the whole program: what the
// asker, the administrators, the reviewers and the log get to know of it, how the
// code is decided all the same, and that it heals by itself.

// refusedCard is one refusal of the reviewers' card.
type refusedCard struct {
	code    string
	only    fault.Only
	because string // what people are told
	stands  string // how the plainer card comes out: "blocks", "text", or not at all
	always  bool   // one of each sort is in every `make test`
}

var refusedCards = []refusedCard{
	{"invalid_blocks", fault.Only{Holds: "rich_text"}, "Slack rejects the message's format (invalid_blocks)", "blocks", true},
	{"msg_blocks_too_long", fault.Only{Kind: fault.WithBlocks, Longer: 1500}, "Slack finds the message too long (msg_blocks_too_long)", "blocks", false},
	{"msg_too_long", fault.Only{Kind: fault.WithBlocks}, "Slack finds the message too long (msg_too_long)", "text", true},
	{"a_rule_of_tomorrow", fault.Only{Kind: fault.WithBlocks}, "Slack refuses it, saying only a_rule_of_tomorrow", "text", false},
	{"ekm_access_denied", fault.Only{}, "your organisation has suspended posting there", "", true},
	{"is_archived", fault.Only{}, "is archived", "", false},
	{"restricted_action", fault.Only{}, "do not let me post there", "", false},
	{"not_in_channel", fault.Only{}, "I am not in", "", false},
}

func TestProveSlackNoCardIsRefusedInSilence(t *testing.T) {
	t.Parallel()
	for _, c := range refusedCards {
		if !c.always && os.Getenv("PROVE_REPORT") == "" {
			continue // the whole list is `make prove-slack`'s
		}
		t.Run(c.code, func(t *testing.T) {
			t.Parallel()
			h := openLight(t)
			c.only.Channel = slacksim.CodeReview
			for _, method := range []string{"chat.postMessage", "chat.update"} {
				h.sim.Fail(fault.Method{Method: method, Only: c.only, Error: c.code, Messages: []string{"played"}, Times: -1})
			}
			long := strings.Repeat("# a line of the program that says what it does\n", 40) + "print(42)"
			h.writes(long, long)
			asked := func(question string) workspace.Message {
				root := h.ask(question)
				said := h.says(root, c.because)
				require.Contains(t, said.Text, map[bool]string{true: "The reviewers see a shorter card", false: "but the reviewers cannot see the code"}[c.stands != ""])
				return root
			}
			first := asked("Who sees the first?")
			told, err := h.carla.WaitMessage(h.patient(), h.carla.DM(), func(m workspace.Message) bool { return strings.Contains(m.Text, c.because) })
			require.NoError(t, err)
			require.Equal(t, c.code == "not_in_channel", strings.Contains(told.Text, "/invite"), "an invitation mends no other refusal: %s", told.Text)
			require.Contains(t, h.log.String(), "level=WARN msg=\"Slack refuses a message\" request="+value[string](h, `SELECT id FROM requests`))
			require.Contains(t, h.log.String(), "code="+c.code)

			h.decideWithoutCard("Who sees the first?", c.stands)
			require.Contains(t, h.reply(first).Text, "Here is the answer.", "it ran")
			require.Equal(t, 1, h.row("Who sees the first?").Runs)

			second := asked("Who sees the second?")
			h.sim.Heal()
			card, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
				return m.Has("Approve") && strings.Contains(m.Words(), "Who sees the second?")
			})
			require.NoError(t, err, "it heals by itself: %s", h.log)
			healed := h.says(second, "Waiting for a reviewer (")
			_, err = h.maya.WaitChange(h.patient(), healed, func(m workspace.Message) bool { return !strings.Contains(m.Text, c.because) })
			require.NoError(t, err)
			if c.stands != "" {
				_, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
					return strings.Contains(m.Words(), "The full card is here now.") && !m.Has("Review code")
				})
				require.NoError(t, err, "the plainer card gives way")
			}
			require.NoError(t, h.ben.Click(card, "Approve"))
			require.Contains(t, h.reply(second).Text, "Here is the answer.")
			admins := 0
			for _, m := range h.carla.Messages(h.carla.DM()) {
				if strings.Contains(m.Text, c.because) {
					admins++
				}
			}
			require.Equal(t, 1, admins, "the administrators are told once, for all questions")
			h.settled()
			proof.Check(t, !t.Failed(), "a card refused with "+c.code+" is said, decided without, and healed", "the thread, the administrators (once) and the log say why; the card came by itself")
		})
	}
}

// decideWithoutCard has Ben approve what has no card, from what there is instead.
func (h *house) decideWithoutCard(question, stands string) {
	h.t.Helper()
	if stands == "" || stands == "text" {
		if stands == "text" {
			_, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
				return len(m.Blocks) == 0 && strings.Contains(m.Text, "open my Home") && strings.Contains(m.Text, "countersign decide")
			})
			require.NoError(h.t, err)
		}
		require.NoError(h.t, h.ben.OpenHome())
		home, err := h.ben.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), question) })
		require.NoError(h.t, err)
		require.NoError(h.t, h.ben.ClickView(home, "decide"))
	} else {
		card, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
			return m.Has("Reject") && strings.Contains(m.Words(), question)
		})
		require.NoError(h.t, err)
		require.Equal(h.t, []string{"open_review", "reject", "request_changes"}, card.Actions(), "it has no Approve of its own")
		file, err := h.ben.WaitReply(h.patient(), slacksim.CodeReview, card.TS, func(m workspace.Message) bool { return len(m.Files) == 1 })
		require.NoError(h.t, err)
		code, err := h.ben.Download(file.Files[0].ID)
		require.NoError(h.t, err)
		require.Equal(h.t, value[string](h, `SELECT said(code) FROM revisions v JOIN requests r ON r.id = v.request_id WHERE strpos(said(r.question), $1) > 0`, question), string(code))
		require.True(h.t, strings.HasSuffix(file.Files[0].Name, ".py"))
		require.NoError(h.t, h.ben.Click(card, "open_review"))
	}
	modal, err := h.ben.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == "review" })
	require.NoError(h.t, err)
	require.Contains(h.t, modal.Words(), question)
	wrong, err := h.ben.Submit(nil)
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
}
