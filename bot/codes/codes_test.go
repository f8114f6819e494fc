package codes

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

// What chat.postMessage and chat.update document, each with what it means for a message of ours. Codes for what a bot
// never does (drafts, legacy bots, forms that slack-go sends right) stand in neither list: they are Slack's no like any other.
var meant = map[steps.Hindrance][]string{
	steps.Outside:   {"channel_not_found", "not_in_channel"},
	steps.Archived:  {"is_archived", "is_inactive"},
	steps.Forbidden: {"restricted_action", "restricted_action_non_threadable_channel", "restricted_action_read_only_channel", "restricted_action_thread_locked", "restricted_action_thread_only_channel", "messages_tab_disabled", "no_permission", "posting_to_channel_denied"},
	steps.Malformed: {"invalid_blocks", "invalid_blocks_format", "invalid_metadata_format", "invalid_metadata_schema", "block_mismatch"},
	steps.TooLong:   {"msg_blocks_too_long", "msg_too_long", "metadata_too_large"},
	steps.NoKey:     {"ekm_access_denied"},
	steps.Outage: {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited", "message_limit_exceeded", "org_login_required", "team_added_to_org",
		"external_channel_migrating", "update_failed", "account_inactive", "token_revoked", "token_expired", "not_authed", "invalid_auth", "accesslimited", "two_factor_setup_required"},
	steps.Other: {"access_denied", "cannot_reply_to_message", "too_many_attachments", "attachment_payload_limit_exceeded", "missing_scope", "team_not_found", "app_access_restricted", "a_rule_of_tomorrow"},
}

func refused(code string) error { return slack.SlackErrorResponse{Err: code} }

func TestEachCodeMeansSomething(t *testing.T) {
	t.Parallel()
	for want, all := range meant {
		for _, code := range all {
			why, said := Hindrance(refused(code))
			require.Equal(t, want, why, code)
			require.Equal(t, code, said)
		}
	}
	// Of what has a place and passes, a file is not lost: it is uploaded again.
	for _, code := range []string{"file_update_failed", "rate_limited", "team_added_to_org", "account_inactive"} {
		require.False(t, ForGood(refused(code)), code)
	}
	for _, code := range []string{"file_uploads_disabled", "storage_limit_reached", "file_type_not_allowed", "snippet_too_large"} {
		require.True(t, ForGood(refused(code)), code)
	}
	require.False(t, Hopeless(refused("org_login_required")), "a workspace that is being moved is back some day")
	require.True(t, Hopeless(refused("token_revoked")))
	require.False(t, Unreachable(refused("account_inactive")), "our token is dead, and not whoever the message is for")
}

// answers is a Slack with one answer.
type answers struct{ status, media, body string }

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {a.media}}, Body: io.NopCloser(strings.NewReader(a.body))}
	if a.status != "" {
		resp.StatusCode = http.StatusBadGateway
	}
	return resp, nil
}

func TestATokenIsWatchedByWhatSlackAnswers(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	token := &Token{Log: slog.New(slog.NewTextHandler(&log, nil))}
	long := strings.Repeat("x", 3*peek)
	for _, c := range []struct {
		method string
		next   answers
		dead   string
	}{
		{"users.info", answers{media: "application/json; charset=utf-8", body: `{"ok":false,"error":"account_inactive"}`}, "account_inactive"},
		{"users.info", answers{status: "502", media: "text/html", body: "<html>"}, "account_inactive"},
		{"url_private", answers{media: "text/csv", body: "a,b\n" + long}, "account_inactive"},
		{"files-pri/T1-F1/download/orders.json", answers{media: "application/json", body: `{"orders": 3}`}, "account_inactive"},
		{"apps.connections.open", answers{media: "application/json", body: `{"ok":true}`}, "account_inactive"},
		{"users.info", answers{media: "application/json", body: `{"error": "user_not_found", "ok": false}`}, ""},
		{"files-pri/T1-F1/download/orders.json", answers{media: "application/json", body: `{"ok": false, "error": "invalid_auth"}`}, ""}, // somebody's file
		{"users.info", answers{media: "application/json", body: `{"error": "token_expired", "ok": false}`}, "token_expired"},
		{"chat.postMessage", answers{media: "application/json", body: `{"ok":true,"message":"` + long + `"}`}, ""},
		{"apps.connections.open", answers{media: "application/json", body: `{"ok":false,"error":"invalid_auth"}`}, ""},
	} {
		at := "https://slack.com/api/" + c.method
		if strings.Contains(c.method, "/") {
			at = "https://files.slack.com/" + c.method
		}
		r, err := http.NewRequest(http.MethodPost, at, nil)
		require.NoError(t, err)
		resp, err := token.Watch(c.next).RoundTrip(r)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, c.next.body, string(body), "the caller reads all of it")
		require.Equal(t, c.dead, token.Dead(), c)
	}
	require.Equal(t, 2, strings.Count(log.String(), "any more"), "anew after it was accepted")
}
