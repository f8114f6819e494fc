package strays

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

// fake is a book and a Slack.
type fake struct {
	is      steps.Meeting
	err     error
	deleted []string
	refuses error

	doubted   []steps.Post
	undoubted error
}

func (f *fake) Met(context.Context, steps.Sighting) (steps.Meeting, error) { return f.is, f.err }

func (f *fake) Doubt(_ context.Context, p steps.Post) error {
	f.doubted = append(f.doubted, p)
	return f.undoubted
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
	for is, want := range map[steps.Meeting]int{steps.MetKnown: 0, steps.MetUnsure: 0, steps.MetSecond: 0, steps.MetStray: 1} {
		f := &fake{is: is}
		unsure, err := Finder{Book: f, Slack: f, Log: slog.New(slog.DiscardHandler)}.Met(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, is == steps.MetUnsure || is == steps.MetSecond, unsure)
		require.Len(t, f.deleted, want)
	}
	unsure, err := Finder{}.Met(t.Context(), s)
	require.NoError(t, err)
	require.False(t, unsure, "nobody keeps a book")
	away := errors.New("the database is away")
	_, err = Finder{Book: &fake{err: away}}.Met(t.Context(), s)
	require.ErrorIs(t, err, away, "so it is not acknowledged, and Slack says it again")
}

func TestWhatIsGoneAlreadyIsGone(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	f := &fake{is: steps.MetStray, refuses: slack.SlackErrorResponse{Err: "message_not_found"}}
	find := Finder{Book: f, Slack: f, Log: slog.New(slog.NewTextHandler(&log, nil))}
	_, err := find.Met(t.Context(), steps.Sighting{Post: steps.Post{RequestID: "r", Surface: steps.SurfaceProgress}})
	require.NoError(t, err)
	require.Contains(t, log.String(), "request=r surface=progress")
	f.refuses = slack.SlackErrorResponse{Err: "internal_error"}
	_, err = find.Met(t.Context(), steps.Sighting{})
	require.Error(t, err)
}

func TestAnUnsureOneIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	f := &fake{is: steps.MetStray}
	Finder{Book: f, Slack: f, Log: slog.New(slog.DiscardHandler)}.Again(t.Context(), steps.Sighting{})
	require.Len(t, f.deleted, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Finder{Book: f, Slack: f}.Again(ctx, steps.Sighting{})
	require.Len(t, f.deleted, 1, "whoever is told to stop looks no more")
}

// TestASecondOneGoesOnceNobodyCanBeAboutToRememberIt: whoever posted it has died before they took it back.
func TestASecondOneGoesOnceNobodyCanBeAboutToRememberIt(t *testing.T) {
	t.Parallel()
	for is, goes := range map[steps.Meeting]int{steps.MetSecond: 1, steps.MetUnsure: 0} {
		synctest.Test(t, func(t *testing.T) {
			f := &fake{is: is}
			began := time.Now()
			Finder{Book: f, Slack: f, Log: slog.New(slog.DiscardHandler)}.Again(t.Context(), steps.Sighting{})
			require.GreaterOrEqual(t, time.Since(began), lookFor)
			require.Len(t, f.deleted, goes)
			require.Len(t, f.doubted, goes, "whoever remembers it later finds out")
		})
	}
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := &fake{is: steps.MetSecond, refuses: slack.SlackErrorResponse{Err: "internal_error"}}
		Finder{Book: f, Slack: f, Log: slog.New(slog.NewTextHandler(&log, nil))}.Again(t.Context(), steps.Sighting{Post: steps.Post{RequestID: "r"}})
		require.Contains(t, log.String(), "a message may stand in Slack twice")
		f.deleted, f.undoubted = nil, errors.New("the database is away")
		Finder{Book: f, Slack: f, Log: slog.New(slog.NewTextHandler(&log, nil))}.Again(t.Context(), steps.Sighting{})
		require.Empty(t, f.deleted)
	})
}
