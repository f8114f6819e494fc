// Package codes says what Slack's refusals mean: whether the same call ever works, whether the token is dead, what keeps
// a message out of a channel. The codes are those of the methods' pages (docs.slack.dev/reference/methods, read in a stored
// copy of 2026-11-26 and in slack-ruby/slack-api-ref's of 2026-08-20); msg_blocks_too_long was on none of the former (slackapi/bolt-js#2509).
package codes

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval/steps"
)

// Of is the code with which Slack refused a call, or empty.
func Of(err error) string {
	if refused, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return refused.Err
	}
	return ""
}

// dead are Slack's words for a token that is not accepted. account_inactive is the one for a bot's whose app has been
// uninstalled, and says nothing of whoever a message was for.
var dead = []string{"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}

// passing are its words for what is over by itself: outages, limits, a workspace or a channel that is being moved
// (org_login_required, team_added_to_org, external_channel_migrating), something of Slack's own that failed.
var passing = []string{"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited", "message_limit_exceeded",
	"org_login_required", "team_added_to_org", "external_channel_migrating", "update_failed", "file_update_failed", "fetch_members_failed", "unable_to_share_files"}

// mended are its words for what an administrator has to change for the app as a whole, and no call of ours can: from which
// networks it may be called, a second factor. Until then nothing works, and after it everything does.
var mended = []string{"accesslimited", "two_factor_setup_required"}

// ForGood tells of a call that Slack has refused for a reason of its own (the
// kind of file, a rule of the workspace), so that the same call never works.
// Outages pass, and tokens can be mended.
func ForGood(err error) bool {
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok {
		return status.Code == http.StatusForbidden || status.Code == http.StatusRequestEntityTooLarge || status.Code == http.StatusUnsupportedMediaType
	}
	code := Of(err)
	return code != "" && !slices.Contains(slices.Concat(passing, dead, mended), code)
}

// Dead tells of a token that Slack does not accept.
func Dead(err error) bool { return slices.Contains(dead, Of(err)) }

// Hopeless tells of refusals that no further attempt will change: the token, not
// the network. slack-go gives up on some of them and repeats others for ever. serve ends with them, so that whoever
// started it sees why. What passes is waited for: an end would lose the programs that run.
func Hopeless(err error) bool {
	return Dead(err) || slices.Contains([]string{"missing_scope", "not_allowed_token_type", "no_permission", "team_access_not_granted", "access_denied"}, Of(err))
}

// Detail adds to a refusal what Slack says about it beside its code: the scope
// that is missing, the field that is wrong.
func Detail(err error) error {
	refused, ok := errors.AsType[slack.SlackErrorResponse](err)
	if !ok {
		return err
	}
	var more []string
	if refused.Needed != "" {
		more = append(more, "needs the scope "+refused.Needed)
	}
	more = append(more, refused.ResponseMetadata.Messages...)
	if len(more) == 0 {
		return err
	}
	return fmt.Errorf("%w (%s)", err, strings.Join(more, "; "))
}

// BeyondRepair tells that a message cannot be rewritten, ever: it is gone, or a
// setting of the workspace keeps messages as they were after some time
// (edit_window_closed), or another bot user wrote it (cant_update_message: the app was
// installed anew), or its form does not allow it.
func BeyondRepair(err error) bool {
	return slices.Contains([]string{"message_not_found", "cant_update_message", "edit_window_closed", "block_mismatch"}, Of(err))
}

// Unheard tells that nobody knows whether Slack has done what it was asked to, or does it later: it has said nothing, or
// that something went wrong on its side.
func Unheard(err error) bool {
	return err != nil && (Of(err) == "" || Of(err) == "internal_error" || Of(err) == "fatal_error") && !errors.As(err, new(*slack.RateLimitedError))
}

// Unreachable tells of people whom no direct message reaches: gone, a bot, or the app's Messages tab is off.
func Unreachable(err error) bool {
	return slices.Contains([]string{"user_not_found", "user_disabled", "cannot_dm_bot", "channel_not_found", "messages_tab_disabled", "is_archived"}, Of(err))
}

// hindrances are the codes by what they mean for a message of ours. ekm_access_denied is worded as "Administrators have
// suspended the ability to post a message", is_inactive as "frozen, archived or deleted": it is what chat.update says of a channel that is archived.
var hindrances = map[steps.Hindrance][]string{
	steps.Outside:   {"not_in_channel", "channel_not_found"},
	steps.Archived:  {"is_archived", "is_inactive"},
	steps.Forbidden: {"posting_to_general_channel_denied", "posting_to_channel_denied", "no_permission", "messages_tab_disabled", "team_access_not_granted"}, // and everything that begins with restricted_action
	steps.Malformed: {"invalid_blocks", "invalid_blocks_format", "block_mismatch", "only_one_table_allowed", "invalid_metadata_format",
		"invalid_metadata_schema"},
	steps.TooLong: {"msg_too_long", "msg_blocks_too_long", "metadata_too_large"},
	steps.NoKey:   {"ekm_access_denied"},
}

// Hindrance says what an error of Slack's means, and how Slack spells it.
func Hindrance(err error) (steps.Hindrance, string) {
	code := Of(err)
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
	if ForGood(err) {
		return steps.Other, code
	}
	return steps.Outage, code
}

// RefusedBy is an error of Slack's about a message, with what it means. One that is a
// refusal already stays what it is.
func RefusedBy(err error, channel string) *steps.PostError {
	if no, ok := errors.AsType[*steps.PostError](err); ok {
		return no
	}
	why, code := Hindrance(err)
	return &steps.PostError{Channel: channel, Why: why, Code: code, Err: err}
}

// Formal tells of a message that Slack might take in another form. What somebody else has drawn meanwhile is not ours to change.
func Formal(err error) bool {
	if err == nil || errors.Is(err, steps.ErrOvertaken) {
		return false
	}
	why, code := Hindrance(err)
	return !why.NoPlace() && why != steps.Outage && code != steps.ThreadGone
}
