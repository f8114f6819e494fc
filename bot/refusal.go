package bot

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval/steps"
	"countersign/bot/kit"
)

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
	if no, ok := errors.AsType[*steps.PostError](err); ok {
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
