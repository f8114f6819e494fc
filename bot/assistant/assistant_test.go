package assistant

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"
)

// refusing is a Slack that answers every call with one error.
type refusing struct {
	API
	says  string
	calls int
}

func (r *refusing) SetAssistantThreadsStatusContext(context.Context, slack.AssistantThreadsSetStatusParameters) error {
	r.calls++
	return slack.SlackErrorResponse{Err: r.says}
}

// A run says every few seconds how far it is: in a thread that takes no status Slack is asked once.
func TestAThreadThatIsNoChatIsAskedForAStatusOnce(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]int{"invalid_thread_ts": 1, "internal_error": 3} {
		api := &refusing{says: says}
		chats := New(api, nil, slog.New(slog.DiscardHandler))
		for _, words := range []string{"is writing the code…", "is writing the code…", "is checking the code…"} {
			chats.Say(t.Context(), Thread{Channel: "D1", TS: "1.1"}, words)
		}
		require.Equal(t, want, api.calls, says)
		chats.Say(t.Context(), Thread{Channel: "D1", TS: "2.2"}, "is writing the code…")
		require.Equal(t, want+1, api.calls, "another thread may take it")
	}
}

// kept is a memory that all replicas share.
type kept struct {
	looks map[string]string
	err   error
}

func (k *kept) Look(_ context.Context, team, channel, threadTS, looks string) error {
	k.looks[team+channel+threadTS] = looks
	return k.err
}

func (k *kept) Looks(_ context.Context, team, channel, threadTS string) (string, error) {
	return k.looks[team+channel+threadTS], k.err
}

// What one replica has heard of a chat another one knows; where the memory is away, each goes by what it has heard.
func TestWhichChannelIsLookedAtIsKeptBesideTheProcess(t *testing.T) {
	t.Parallel()
	memory, at := &kept{looks: map[string]string{}}, Thread{Channel: "D1", TS: "1.1"}
	one, other := New(nil, memory, slog.New(slog.DiscardHandler)), New(nil, memory, slog.New(slog.DiscardHandler))
	one.Look(t.Context(), "T1", at, "C1")
	require.Equal(t, "C1", other.Looks(t.Context(), "T1", at))
	require.Empty(t, other.Looks(t.Context(), "T2", at))
	other.Look(t.Context(), "T1", at, "C2")
	require.Equal(t, "C2", one.Looks(t.Context(), "T1", at), "the later word counts, whoever has heard it")
	memory.err = errors.New("no database")
	require.Equal(t, "C1", one.Looks(t.Context(), "T1", at))
	require.Equal(t, "C2", other.Looks(t.Context(), "T1", at))
}
