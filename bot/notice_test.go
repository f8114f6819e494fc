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
