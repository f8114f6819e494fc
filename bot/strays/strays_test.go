package strays

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

// fake is a book and a Slack.
type fake struct {
	is      steps.Meeting
	err     error
	due     []steps.Sighting
	ended   []steps.Sighting
	deleted []string
	refuses error
}

func (f *fake) Met(context.Context, steps.Sighting) (steps.Meeting, error) { return f.is, f.err }
func (f *fake) Due(context.Context) ([]steps.Sighting, error)              { return f.due, f.err }
func (f *fake) Ended(_ context.Context, s steps.Sighting) error {
	f.ended = append(f.ended, s)
	return nil
}

func (f *fake) DeleteMessageContext(_ context.Context, channel, ts string) (string, string, error) {
	f.deleted = append(f.deleted, channel+" "+ts)
	return channel, ts, f.refuses
}

func TestAMarkIsReadBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	_, values, err := slack.UnsafeApplyMsgOptions("token", "C1", "https://slack.com/api/", Mark("bcd23fg", steps.SurfaceCard, 2))
	require.NoError(t, err)
	var m slack.SlackMetadata
	require.NoError(t, json.Unmarshal([]byte(url.Values(values).Get("metadata")), &m))
	s, ok := Of("C1", "1.2", m)
	require.True(t, ok)
	require.Equal(t, steps.Sighting{Post: steps.Post{RequestID: "bcd23fg", Surface: steps.SurfaceCard, Channel: "C1", TS: "1.2"}, Revision: 2}, s)
	_, ok = Of("C1", "", m)
	require.False(t, ok, "it stands nowhere")
	m.EventType = "task_created"
	_, ok = Of("C1", "1.2", m)
	require.False(t, ok, "somebody else's")
}

func TestOnlyWhatStandsTwiceIsDeleted(t *testing.T) {
	t.Parallel()
	s := steps.Sighting{Post: steps.Post{RequestID: "r", Surface: steps.SurfaceRoot, Channel: "C1", TS: "1.2"}}
	for is, want := range map[steps.Meeting]int{steps.MetKnown: 0, steps.MetUnsure: 0, steps.MetStray: 1} {
		f := &fake{is: is}
		require.NoError(t, Finder{Book: f, Slack: f, Log: slog.New(slog.DiscardHandler)}.Met(t.Context(), s))
		require.Len(t, f.deleted, want)
		require.Len(t, f.ended, want)
	}
	require.NoError(t, Finder{}.Met(t.Context(), s), "nobody keeps a book")
	require.NoError(t, Finder{}.Sweep(t.Context()))
	away := errors.New("the database is away")
	require.ErrorIs(t, Finder{Book: &fake{err: away}}.Met(t.Context(), s), away, "so it is not acknowledged, and Slack says it again")
	require.ErrorIs(t, Finder{Book: &fake{err: away}}.Sweep(t.Context()), away)
}

// TestWhatSlackDoesNotDeleteIsTriedAgain: but not for ever, and not what it never will.
func TestWhatSlackDoesNotDeleteIsTriedAgain(t *testing.T) {
	t.Parallel()
	s := steps.Sighting{Post: steps.Post{RequestID: "r", Surface: steps.SurfaceProgress, Channel: "C1", TS: "1.2"}}
	for _, test := range []struct {
		refuses error
		says    string
		ends    int
	}{
		{nil, "INFO msg=\"a message that stood in Slack twice is deleted", 1},
		{slack.SlackErrorResponse{Err: "message_not_found"}, "is deleted", 1},
		{slack.SlackErrorResponse{Err: "internal_error"}, "is not deleted yet", 0},
		{slack.SlackErrorResponse{Err: "token_revoked"}, "is not deleted yet", 0},
		{errors.New("the network is away"), "is not deleted yet", 0},
		{slack.SlackErrorResponse{Err: "cant_delete_message"}, "WARN msg=\"a message stands in Slack twice", 1},
	} {
		var log bytes.Buffer
		f := &fake{is: steps.MetStray, refuses: test.refuses}
		require.NoError(t, Finder{Book: f, Slack: f, Log: slog.New(slog.NewTextHandler(&log, nil))}.Met(t.Context(), s), "it is written down")
		require.Len(t, f.ended, test.ends, test.says)
		require.Contains(t, log.String(), test.says)
		require.Contains(t, log.String(), "request=r surface=progress")
	}
}

func TestWhatIsDueIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	s := steps.Sighting{Post: steps.Post{RequestID: "r", Surface: steps.SurfaceRoot, Channel: "C1", TS: "1.2"}, At: time.Now().Add(-time.Minute)}
	old := s
	old.At = time.Now().Add(-8 * 24 * time.Hour)
	for _, test := range []struct {
		s             steps.Sighting
		is            steps.Meeting
		ends, deletes int
	}{
		{s, steps.MetKnown, 1, 0},
		{s, steps.MetUnsure, 0, 0},
		{s, steps.MetStray, 1, 1},
		{old, steps.MetKnown, 1, 0},
		{old, steps.MetUnsure, 0, 0},
		{old, steps.MetStray, 1, 1},
	} {
		var log bytes.Buffer
		f := &fake{is: test.is, due: []steps.Sighting{test.s}}
		require.NoError(t, Finder{Book: f, Slack: f, Log: slog.New(slog.NewTextHandler(&log, nil))}.Sweep(t.Context()))
		require.Len(t, f.ended, test.ends)
		require.Len(t, f.deleted, test.deletes)
		require.NotContains(t, log.String(), "WARN")
	}
	var log bytes.Buffer
	f := &fake{is: steps.MetStray, due: []steps.Sighting{old}, refuses: errors.New("the network is away")}
	require.NoError(t, Finder{Book: f, Slack: f, Log: slog.New(slog.NewTextHandler(&log, nil))}.Sweep(t.Context()))
	require.Len(t, f.ended, 1, "nobody tries it for ever")
	require.Contains(t, log.String(), "WARN msg=\"a message stands in Slack twice")
}

// TestASweepDoesNotWaitForASlackThatIsAway: others wait for the same sweep.
func TestASweepDoesNotWaitForASlackThatIsAway(t *testing.T) {
	t.Parallel()
	s := steps.Sighting{Post: steps.Post{RequestID: "r", Surface: steps.SurfaceRoot, Channel: "C1", TS: "1.2"}, At: time.Now()}
	f := &fake{is: steps.MetStray, due: []steps.Sighting{s, s, s}, refuses: errors.New("the network is away")}
	require.NoError(t, Finder{Book: f, Slack: f, Log: slog.New(slog.DiscardHandler)}.Sweep(t.Context()))
	require.Len(t, f.deleted, 1)
	require.Empty(t, f.ended)
}
