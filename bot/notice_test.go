package bot

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
)

func priceMissing(t *testing.T) *steps.NoticeView {
	t.Helper()
	data, err := json.Marshal(approval.PriceMissing{Model: "mistral-new", Asked: "mistral-latest"})
	require.NoError(t, err)
	return &steps.NoticeView{Notice: approval.Notice{Key: "price mistral-new", Kind: approval.NoticePrice, Data: data}, Roster: review.Roster{Admins: []string{slacksim.Admin}}}
}

func TestANoticeIsADirectMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := priceMissing(t)
	post, err := b.bot.Tell(t.Context(), v, steps.NoticePost{Key: v.Key, Recipient: slacksim.Admin})
	require.NoError(t, err)
	said, err := b.as(slacksim.Admin).Find(post.Channel, post.TS)
	require.NoError(t, err)
	require.Contains(t, said.Words(), "A price is missing")
	require.Contains(t, said.Text, "PRICES_FILE")

	again, err := b.bot.Tell(t.Context(), v, post)
	require.NoError(t, err)
	require.Equal(t, post, again, "nothing has changed")

	lost := steps.NoticePost{Key: v.Key, Recipient: slacksim.Admin, Begun: time.Now()}
	found, err := b.bot.Tell(t.Context(), v, lost)
	require.NoError(t, err)
	require.Equal(t, post.TS, found.TS, "it is found where it stands")

	other := priceMissing(t)
	other.Key = "price other"
	lost.Key = other.Key
	fresh, err := b.bot.Tell(t.Context(), other, lost)
	require.NoError(t, err)
	require.NotEqual(t, post.TS, fresh.TS, "another notice is another message")

	_, err = b.bot.Tell(t.Context(), v, steps.NoticePost{Key: v.Key, Recipient: "U0NOBODY"})
	require.ErrorIs(t, err, steps.ErrUnreachable)
	_, err = b.bot.Tell(t.Context(), &steps.NoticeView{}, steps.NoticePost{Recipient: slacksim.Admin})
	require.ErrorContains(t, err, "there is no kind")
}

// What is new of a notice that nobody can edit any more comes in a message of its own: it may be the answer itself.
func TestANoticeThatCannotBeEditedComesAnew(t *testing.T) {
	t.Parallel()
	for name, befalls := range map[string]func(b *bundle){
		"the workspace closes edits": func(b *bundle) { b.sim.LimitEdits(-1) },
		"the app is installed anew":  func(b *bundle) { b.sim.Uninstall(); b.again(b.sim.Install()) },
		"another bot user wrote it":  func(b *bundle) { b.sim.Fail(fault.Method{Method: "chat.update", Error: "cant_update_message"}) },
		"somebody else cannot delete": func(b *bundle) {
			b.sim.LimitEdits(-1)
			b.sim.Fail(fault.Method{Method: "chat.delete", Error: "cant_delete_message"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := idle(t)
			v := priceMissing(t)
			post, err := b.bot.Tell(t.Context(), v, steps.NoticePost{Key: v.Key, Recipient: slacksim.Admin})
			require.NoError(t, err)
			befalls(b)
			v.Data = approval.Encode(approval.PriceMissing{Model: "mistral-newer", Asked: "mistral-latest"})
			again, err := b.bot.Tell(t.Context(), v, post)
			require.NoError(t, err)
			require.NotEqual(t, post.TS, again.TS)
			said, err := b.as(slacksim.Admin).Find(again.Channel, again.TS)
			require.NoError(t, err)
			require.Contains(t, said.Words(), "mistral-newer")
		})
	}
	b := idle(t)
	v := priceMissing(t)
	post, err := b.bot.Tell(t.Context(), v, steps.NoticePost{Key: v.Key, Recipient: slacksim.Admin})
	require.NoError(t, err)
	b.sim.Fail(fault.Method{Method: "chat.update", Error: "message_not_found"})
	v.Data = approval.Encode(approval.PriceMissing{Model: "mistral-newer", Asked: "mistral-latest"})
	again, err := b.bot.Tell(t.Context(), v, post)
	require.NoError(t, err)
	require.Equal(t, post.TS, again.TS, "what somebody has deleted is not forced on them again")
}

// again is the same bot with another token.
func (b *bundle) again(token string) {
	o := b.bot.Options
	o.BotToken = token
	b.bot = New(o)
}

// A token that is dead says nothing of whoever a notice was for: it waits, and is not taken for told.
func TestANoticeOutlivesADeadToken(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := priceMissing(t)
	for _, code := range []string{"account_inactive", "token_revoked", "token_expired", "invalid_auth"} {
		b.sim.Revoke(b.sim.BotToken(), code)
		_, err := b.bot.Tell(t.Context(), v, steps.NoticePost{Key: v.Key, Recipient: slacksim.Admin})
		require.NotErrorIs(t, err, steps.ErrUnreachable, code)
		var no *steps.PostError
		require.ErrorAs(t, err, &no, code)
		require.Equal(t, steps.Outage, no.Why, code)
		require.Equal(t, code, b.bot.Dead())
	}
	require.Equal(t, 1, strings.Count(b.log.String(), "Slack does not accept the bot's token any more"), "said once in a while")
	b.sim.Revoke(b.sim.BotToken(), "")
	_, err := b.bot.Tell(t.Context(), v, steps.NoticePost{Key: v.Key, Recipient: slacksim.Admin})
	require.NoError(t, err)
	require.Empty(t, b.bot.Dead())
	require.Contains(t, b.log.String(), "Slack accepts the bot's token again")
}

// A checkpoint goes to a channel, letter by letter. The bot may not read there, so it does not
// look whether an attempt that was lost has come there.
func TestACheckpointGoesToItsChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const note = "countersign\n7\n1q2w3e=\nnumber 3\nat 2026-11-27T01:00:00.000000Z\n\n— countersign Az3grl+/=\n"
	v := &steps.NoticeView{Notice: approval.Notice{Key: "checkpoint 3 T", Kind: approval.NoticeCheckpoint, Data: approval.Encode(approval.Checkpoint{Number: 3, Size: 7, Note: note})}}
	post, err := b.bot.Tell(t.Context(), v, steps.NoticePost{Key: v.Key, Recipient: slacksim.CodeReview})
	require.NoError(t, err)
	require.Equal(t, slacksim.CodeReview, post.Channel)
	said, err := b.as(slacksim.Reviewer).Find(post.Channel, post.TS)
	require.NoError(t, err)
	require.Contains(t, said.Text, note[:len(note)-1], "as plain text")
	require.Contains(t, said.Words(), " of the audit log: 7 entries.")
	again, err := b.bot.Tell(t.Context(), v, post)
	require.NoError(t, err)
	require.Equal(t, post, again)
	lost, err := b.bot.Tell(t.Context(), v, steps.NoticePost{Key: v.Key, Recipient: slacksim.CodeReview, Begun: time.Now()})
	require.NoError(t, err)
	require.NotEqual(t, post.TS, lost.TS)
	_, err = b.bot.Tell(t.Context(), v, steps.NoticePost{Key: v.Key, Recipient: "C0NOWHERE"})
	require.ErrorIs(t, err, steps.ErrUnreachable)
}

// While the token is dead a command is answered with its ack. What failed for another reason is not: nothing of it was stored, and Slack says that it failed.
func TestADeadTokenExcusesNothingElse(t *testing.T) {
	t.Parallel()
	b := idle(t)
	_, err := b.bot.who(t.Context())
	require.NoError(t, err)
	b.sim.Revoke(b.sim.BotToken(), "token_revoked")
	_, err = b.bot.api.AuthTestContext(t.Context())
	require.Error(t, err)
	command := delivery{Event: socketmode.Event{Data: slack.SlashCommand{TeamID: slacksim.DefaultTeam.ID, UserID: slacksim.Analyst, ChannelID: slacksim.SalesData, Command: "/analyze", Text: "How many?"}}}
	for _, c := range []struct {
		fails error
		acked bool
		says  string
	}{
		{nil, true, "Every question that was taken is kept"},
		{&approval.InputError{Why: approval.Words("Ask something else.")}, true, "Ask something else."},
		{slack.SlackErrorResponse{Err: "token_revoked"}, true, draw.NotDone},
		{errors.New("the database is away"), false, ""},
	} {
		b.service.fail(c.fails)
		a, err := b.bot.handle(t.Context(), command)
		if !c.acked {
			require.ErrorIs(t, err, c.fails)
			continue
		}
		require.NoError(t, err)
		require.Contains(t, a.page.Text(), c.says)
		require.Contains(t, a.page.Text(), "does not accept my token (token_revoked)")
	}
}
