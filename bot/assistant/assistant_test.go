package assistant

import (
	"context"
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
		chats := New(api, slog.New(slog.DiscardHandler))
		for _, words := range []string{"is writing the code…", "is writing the code…", "is checking the code…"} {
			chats.Say(t.Context(), Thread{Channel: "D1", TS: "1.1"}, words)
		}
		require.Equal(t, want, api.calls, says)
		chats.Say(t.Context(), Thread{Channel: "D1", TS: "2.2"}, "is writing the code…")
		require.Equal(t, want+1, api.calls, "another thread may take it")
	}
}
