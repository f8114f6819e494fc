package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval/steps"
	"countersign/bot/kit"
)

// load is how many envelopes have come and are not answered, and how long one takes lately.
type load struct {
	mu   sync.Mutex
	open int
	took time.Duration
}

func (l *load) take() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
}

// answered weighs the latest an eighth: one that is slow is chance, and eight of them are not.
func (l *load) answered(took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	l.took += (took - l.took) / 8
}

// wait is how long one that comes now has to wait until a worker begins with it.
func (l *load) wait(workers int) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.took * time.Duration(max(0, l.open-workers+1)) / time.Duration(workers)
}

const busy = "I'm busy right now, so nothing was done. Please try again in a moment."

// turnAway tells whoever would wait longer than Slack does to try again: nothing is done, and they know at
// once. It returns false for what nobody can be told of: what Slack sends again by itself, and modals, which
// stay open with what was typed when they are not answered.
func (b *Bot) turnAway(d delivery) bool {
	var a answer
	switch data := d.Data.(type) {
	case slack.SlashCommand:
		a = privately(&kit.Page{}, kit.Words(busy))
	case slack.InteractionCallback:
		if data.Type != slack.InteractionTypeBlockActions || data.Container.ChannelID == "" {
			return false
		}
		at := seatOf(data)
		// Where there is no room for words either, it waits with the others.
		if !b.later.TryGo(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), lateTime)
			defer cancel()
			b.tell(ctx, at, kit.Words(busy))
			return nil
		}) {
			return false
		}
	default:
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), b.Patience*2/3)
	defer cancel()
	kind, outcome := d.kind(), "busy"
	if err := d.client.AckCtx(ctx, d.Request.EnvelopeID, a.payload); err != nil {
		outcome = "failed"
		b.Log.Error("ack", "kind", kind, "error", err)
	}
	b.Log.Warn("too much at once: somebody was asked to try again", "kind", kind)
	b.Observe(kind, outcome, time.Since(d.at))
	return true
}

// hindrances are Slack's codes by what they mean for a message of ours. The codes are
// those of chat.postMessage and chat.update as their pages list them
// (docs.slack.dev/reference/methods/chat.postMessage, read in a stored copy of
// 2026-11-26); msg_blocks_too_long stands on none of them (slackapi/bolt-js#2509).
// ekm_access_denied is worded there as "Administrators have suspended the ability to
// post a message".
var hindrances = map[steps.Hindrance][]string{
	steps.Outside:  {"not_in_channel", "channel_not_found"},
	steps.Archived: {"is_archived"},
	steps.Forbidden: {"is_inactive", "posting_to_general_channel_denied", "no_permission", "messages_tab_disabled",
		"team_access_not_granted"}, // and everything that begins with restricted_action
	steps.Malformed: {"invalid_blocks", "invalid_blocks_format", "block_mismatch", "only_one_table_allowed", "invalid_metadata_format",
		"invalid_metadata_schema"},
	steps.TooLong: {"msg_too_long", "msg_blocks_too_long", "metadata_too_large"},
	steps.NoKey:   {"ekm_access_denied"},
}

// hindrance says what an error of Slack's means, and how Slack spells it.
func hindrance(err error) (steps.Hindrance, string) {
	code := slackError(err)
	for why, codes := range hindrances {
		if slices.Contains(codes, code) {
			return why, code
		}
	}
	var (
		status  slack.StatusCodeError
		limited *slack.RateLimitedError
	)
	switch {
	case strings.HasPrefix(code, "restricted_action"):
		return steps.Forbidden, code
	case code == "" && errors.As(err, &status):
		code = fmt.Sprintf("HTTP %d", status.Code)
	case code == "" && errors.As(err, &limited):
		code = "ratelimited"
	}
	// A code that stands in no list is Slack's no all the same; without a code it is trouble on the way.
	if forGood(err) {
		return steps.Other, code
	}
	return steps.Outage, code
}

// refusedBy is an error of Slack's about a message, with what it means. One that is a
// refusal already stays what it is.
func refusedBy(err error, channel string) *steps.PostError {
	var no *steps.PostError
	if errors.As(err, &no) {
		return no
	}
	why, code := hindrance(err)
	return &steps.PostError{Channel: channel, Why: why, Code: code, Err: err}
}

// formal tells of a message that Slack might take in another form.
func formal(err error) bool {
	if err == nil {
		return false
	}
	why, _ := hindrance(err)
	return !why.NoPlace() && why != steps.Outage
}

// barely sends a page, and what is bare of it where Slack does not take its form.
func barely(p *kit.Page, send func(*kit.Page) error) error {
	err := send(p)
	if !formal(err) || slices.Contains(unreachable, slackError(err)) || beyondRepair(err) {
		return err
	}
	// Who is told in plain text has been told, so the refusal of the blocks is no error any more.
	for _, bare := range p.Bare() {
		if send(bare) == nil {
			return nil
		}
	}
	return err
}
