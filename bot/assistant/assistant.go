// Package assistant is Slack's assistant view: threads in which somebody talks with the bot
// alone, each with a title, a line that says what the bot is doing, and questions to press.
//
// All of it is a courtesy. Nothing waits for it, nothing is decided by it, and where the
// workspace has no such view or the token lacks its scope, it is left out: what Slack has
// refused for good is remembered, and not asked for again.
package assistant

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/kit"
)

// Scope is what titles and prompts need. A status line needs chat:write alone.
const Scope = "assistant:write"

// API is what is called of Slack.
type API interface {
	SetAssistantThreadsStatusContext(ctx context.Context, params slack.AssistantThreadsSetStatusParameters) error
	SetAssistantThreadsTitleContext(ctx context.Context, params slack.AssistantThreadsSetTitleParameters) error
	SetAssistantThreadsSuggestedPromptsContext(ctx context.Context, params slack.AssistantThreadsSetSuggestedPromptsParameters) error
}

// Shelf knows how files of a channel are read.
type Shelf interface {
	// Recalled are files with their readings, as far as these are kept: no box reads anything for it.
	Recalled(ctx context.Context, team, project string, files []approval.File) []approval.File
}

// Memory keeps which channel the person of a chat looks at, for every replica and after a restart.
type Memory interface {
	Look(ctx context.Context, team, channel, threadTS, looks string) error
	Looks(ctx context.Context, team, channel, threadTS string) (string, error)
}

// Thread is where a chat is.
type Thread struct{ Channel, TS string }

// Threads are the chats that this process has to do with. What it remembers of them it may
// forget at any time: then a line is written once more, or a channel is not known.
type Threads struct {
	api    API
	log    *slog.Logger
	memory Memory // nil: this process alone remembers

	mu    sync.Mutex
	off   map[string]bool // methods that this workspace does not have
	known map[Thread]*chat
	order []Thread // the oldest first
}

// chat is what is remembered of a thread.
type chat struct {
	looks  string // the channel that its person looks at
	status string
	at     time.Time // when that was written
	titled bool
	plain  bool // a thread of a direct message, and no chat: it has no title
	mute   bool // nor does it take a status
}

// mostKnown is how many chats are remembered.
const mostKnown = 1000

// lasting is how long a status stays without being written again. Slack takes it down after two
// minutes.
const lasting = 90 * time.Second

// New returns the chats of a workspace.
func New(api API, memory Memory, log *slog.Logger) *Threads {
	return &Threads{api: api, log: log, memory: memory, off: map[string]bool{}, known: map[Thread]*chat{}}
}

// of is a chat; whoever calls it holds the lock.
func (t *Threads) of(at Thread) *chat {
	c := t.known[at]
	if c == nil {
		if len(t.order) >= mostKnown {
			delete(t.known, t.order[0])
			t.order = slices.Delete(t.order, 0, 1)
		}
		c = &chat{}
		t.known[at], t.order = c, append(t.order, at)
	}
	return c
}

// Look remembers which channel the person of a chat looks at. What is suggested to them is about it,
// and the first question of the chat goes by its rules and is paid by its budget.
func (t *Threads) Look(ctx context.Context, team string, at Thread, channel string) {
	t.mu.Lock()
	t.of(at).looks = channel
	t.mu.Unlock()
	if t.memory == nil {
		return
	}
	if err := t.memory.Look(ctx, team, at.Channel, at.TS, channel); err != nil {
		t.log.Warn("a chat's channel is known to this process alone", "error", err)
	}
}

// Looks is that channel; empty: not known. Another replica may have heard of a later one, so what is kept comes
// before what this process remembers.
func (t *Threads) Looks(ctx context.Context, team string, at Thread) string {
	if t.memory != nil {
		channel, err := t.memory.Looks(ctx, team, at.Channel, at.TS)
		if err == nil {
			return channel
		}
		t.log.Warn("a chat's channel is as this process remembers it", "error", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.known[at]; c != nil {
		return c.looks
	}
	return ""
}

const (
	setStatus  = "assistant.threads.setStatus"
	setTitle   = "assistant.threads.setTitle"
	setPrompts = "assistant.threads.setSuggestedPrompts"
)

// missing are Slack's words for what a workspace or a token does not have. Asking again changes
// nothing until somebody installs the app anew, which starts a new process.
var missing = []string{"missing_scope", "not_allowed_token_type", "feature_not_enabled", "unknown_method", "method_deprecated", "deprecated_endpoint",
	"team_access_not_granted", "access_denied", "no_permission"}

// elsewhere are its words for a thread that is no chat.
var elsewhere = []string{"invalid_thread_ts", "thread_not_found", "message_not_found", "channel_not_found", "method_not_supported_for_channel_type"}

// patience is how long one call may take: what it shows is out of date soon after.
const patience = 10 * time.Second

// try makes a call, unless it would be in vain. It returns whether Slack has taken it.
func (t *Threads) try(ctx context.Context, method string, at Thread, call func(context.Context) error) bool {
	t.mu.Lock()
	off := t.off[method]
	t.mu.Unlock()
	if off {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := call(ctx)
	if err == nil {
		return true
	}
	refused, _ := errors.AsType[slack.SlackErrorResponse](err)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case slices.Contains(missing, refused.Err):
		t.off[method] = true
		t.log.Warn("this workspace has less of the assistant view", "method", method, "error", refused.Err, "needs", refused.Needed)
	case slices.Contains(elsewhere, refused.Err):
		c := t.of(at)
		c.plain, c.mute = true, c.mute || method == setStatus
	default:
		t.log.Info("a chat is not up to date", "method", method, "error", err)
	}
	return false
}

// Say writes what the bot is doing at the end of a thread; empty words take it away. Slack takes it
// away itself when the bot posts something there, so whoever posts calls it afterwards.
func (t *Threads) Say(ctx context.Context, at Thread, words string) {
	t.mu.Lock()
	c := t.of(at)
	stands := c.mute || c.status == words && (words == "" || time.Since(c.at) < lasting)
	t.mu.Unlock()
	if stands {
		return
	}
	done := t.try(ctx, setStatus, at, func(ctx context.Context) error {
		return t.api.SetAssistantThreadsStatusContext(ctx, slack.AssistantThreadsSetStatusParameters{ChannelID: at.Channel, ThreadTS: at.TS, Status: words})
	})
	if !done {
		words = ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c.status, c.at = words, time.Now()
}

// Posted says that the bot has posted something in a thread, which took its status away.
func (t *Threads) Posted(at Thread) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.known[at]; c != nil {
		c.status = ""
	}
}

// longestTitle keeps a title to one line of a list of chats.
const longestTitle = 80

// Title names a chat by its first question, once.
func (t *Threads) Title(ctx context.Context, at Thread, question string) {
	t.mu.Lock()
	c := t.of(at)
	done := c.titled || c.plain
	c.titled = true
	t.mu.Unlock()
	if done {
		return
	}
	t.try(ctx, setTitle, at, func(ctx context.Context) error {
		return t.api.SetAssistantThreadsTitleContext(ctx, slack.AssistantThreadsSetTitleParameters{ChannelID: at.Channel, ThreadTS: at.TS, Title: kit.Cut(question, longestTitle)})
	})
}

// Suggest puts questions to press into a chat.
func (t *Threads) Suggest(ctx context.Context, at Thread, prompts []slack.AssistantThreadsPrompt) {
	t.try(ctx, setPrompts, at, func(ctx context.Context) error {
		return t.api.SetAssistantThreadsSuggestedPromptsContext(ctx, slack.AssistantThreadsSetSuggestedPromptsParameters{ChannelID: at.Channel, ThreadTS: at.TS,
			Title: "What would you like to know?", Prompts: prompts})
	})
}
