package bot

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/internal/slacksim"
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
