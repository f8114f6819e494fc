package bot

import (
	"context"
	"errors"
	"testing"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/bot/strays"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
)

// book says of each message what the test tells it to.
type book struct {
	is  steps.Meeting
	err error
	met []steps.Sighting
}

func (*book) Due(context.Context) ([]steps.Sighting, error) { return nil, nil }
func (*book) Ended(context.Context, steps.Sighting) error   { return nil }

func (k *book) Met(_ context.Context, s steps.Sighting) (steps.Meeting, error) {
	k.met = append(k.met, s)
	return k.is, k.err
}

// TestOnlyWhatTheBotItselfHasPostedIsTakenForOurs: every app may write metadata of our kind.
func TestOnlyWhatTheBotItselfHasPostedIsTakenForOurs(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	root, card := v.Posts[steps.SurfaceRoot], v.Posts[steps.SurfaceCard]
	k := &book{}
	b.bot.strays = strays.Finder{Book: k, Slack: b.bot.api, Log: b.bot.Log}
	e := func(user string, post steps.Post) *slackevents.MessageMetadataPostedEvent {
		return &slackevents.MessageMetadataPostedEvent{UserId: user, ChannelId: post.Channel, MessageTimestamp: post.TS, Metadata: &slack.SlackMetadata{EventType: strays.Kind,
			EventPayload: map[string]any{"request": v.Request.ID, "surface": string(post.Surface), "revision": 1.0}}}
	}
	_, err := b.bot.posted(b.ctx, e(slacksim.Analyst, root))
	require.NoError(t, err)
	require.Empty(t, k.met, "somebody else's word")
	_, err = b.bot.posted(b.ctx, e(slacksim.BotUser, root))
	require.NoError(t, err)
	require.Equal(t, root.TS, k.met[0].TS)

	k.err = approval.ErrNotFound
	_, err = b.bot.posted(b.ctx, e(slacksim.BotUser, root))
	require.NoError(t, err, "another house's request")
	k.err = errors.New("the database is away")
	_, err = b.bot.posted(b.ctx, e(slacksim.BotUser, root))
	require.ErrorIs(t, err, k.err, "so Slack says it again")
	k.is, k.err = steps.MetStray, nil
	_, err = b.bot.posted(b.ctx, e(slacksim.BotUser, card))
	require.NoError(t, err)
	_, err = b.as(slacksim.Reviewer).Find(card.Channel, card.TS)
	require.Error(t, err, "it stood there twice")
	require.Equal(t, 1, k.met[len(k.met)-1].Revision)
}

// TestAPressTellsWhichMessageItWas: where Slack tells of no message, a stray one goes when it is pressed.
func TestAPressTellsWhichMessageItWas(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	root := v.Posts[steps.SurfaceRoot]
	k := &book{is: steps.MetStray}
	b.bot.strays = strays.Finder{Book: k, Slack: b.bot.api, Log: b.bot.Log}
	cb := slack.InteractionCallback{Container: slack.Container{ChannelID: root.Channel, MessageTs: root.TS}}
	require.Nil(t, b.bot.pressed(cb, answer{}).after, "a message without our mark")
	cb.Message.Metadata = slack.SlackMetadata{EventType: strays.Kind, EventPayload: map[string]any{"request": v.Request.ID, "surface": "root", "revision": 0.0}}
	b.bot.pressed(cb, answer{}).after(b.ctx)
	_, err := b.as(slacksim.Analyst).Find(root.Channel, root.TS)
	require.Error(t, err, "it is gone")
	k.err = errors.New("the database is away")
	b.bot.pressed(cb, answer{}).after(b.ctx)
	require.Contains(t, b.log.String(), "look at a message that was pressed")
}

// TestWhatIsNotTakenBackNowIsWrittenDown: Slack may tell nobody of it.
func TestWhatIsNotTakenBackNowIsWrittenDown(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot)
	root := v.Posts[steps.SurfaceRoot]
	k := &book{is: steps.MetUnsure}
	b.bot.publishing.strays.Book = k
	b.sim.Fail(fault.Method{Method: "chat.delete", Error: "fatal_error"})
	require.ErrorContains(t, b.bot.Unpost(b.ctx, root), "delete a second root")
	require.Equal(t, []steps.Sighting{{Post: root}}, k.met)
	require.NoError(t, b.bot.Unpost(b.ctx, root))
	require.Len(t, k.met, 1, "it is gone")
}
