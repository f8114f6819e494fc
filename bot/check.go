package bot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/bot/kit"
)

// CheckBot asks Slack whose token this is and what it may do: ErrOrgWide, if it is
// no workspace's.
func (b *Bot) CheckBot(ctx context.Context) (kit.Identity, error) {
	r, err := b.api.AuthTestContext(ctx)
	if err != nil {
		return kit.Identity{}, fmt.Errorf("auth.test: %w", detail(err))
	}
	who := kit.Identity{Team: r.Team, TeamID: r.TeamID, URL: strings.TrimSuffix(r.URL, "/") + "/", User: r.UserID, Name: r.User}
	if wide, err := b.orgWide(ctx, who, r.EnterpriseID); err != nil {
		return kit.Identity{}, err
	} else if wide {
		return kit.Identity{}, ErrOrgWide
	}
	granted := strings.FieldsFunc(r.Header.Get("X-OAuth-Scopes"), func(c rune) bool { return c == ',' || c == ' ' })
	if len(granted) > 0 { // a server that does not tell proves nothing
		for _, scope := range slices.Sorted(maps.Keys(Scopes())) {
			if !slices.Contains(granted, scope) {
				who.Missing = append(who.Missing, scope)
			}
		}
	}
	return who, nil
}

// CheckApp asks Slack for a socket with the app-level token, and opens none.
func (b *Bot) CheckApp(ctx context.Context) error {
	if _, _, err := b.api.StartSocketModeContext(ctx); err != nil {
		return fmt.Errorf("apps.connections.open: %w", detail(err))
	}
	return nil
}

// CheckChannel says whether the bot can put its cards into a channel, and whether
// the channel is fit for that.
func (b *Bot) CheckChannel(ctx context.Context, channel string) error {
	if channel == "" {
		return errors.New("no review channel is set")
	}
	c, err := b.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
	switch {
	case slackError(err) == "channel_not_found":
		return fmt.Errorf("there is no channel %s, or it is private and the bot is not in it: invite the bot", channel)
	case err != nil:
		return fmt.Errorf("conversations.info %s: %w", channel, detail(err))
	case c.IsArchived:
		return fmt.Errorf("#%s is archived", c.Name)
	case c.IsExtShared:
		return fmt.Errorf("#%s is shared with another organisation: code is reviewed inside one workspace", c.Name)
	case !c.IsMember:
		return fmt.Errorf("the bot is not in #%s: invite it there with /invite", c.Name)
	}
	return nil
}

// Members lists the ids of everybody in a channel.
func (b *Bot) Members(ctx context.Context, channel string) (all []string, err error) {
	page := slack.GetUsersInConversationParameters{ChannelID: channel, Limit: 200}
	for {
		some, next, err := b.api.GetUsersInConversationContext(ctx, &page)
		if err != nil {
			return nil, fmt.Errorf("conversations.members %s: %w", channel, detail(err))
		}
		all = append(all, some...)
		if page.Cursor = next; next == "" {
			return all, nil
		}
	}
}

// slackError is the code with which Slack refused a call, or empty.
func slackError(err error) string {
	var refused slack.SlackErrorResponse
	if errors.As(err, &refused) {
		return refused.Err
	}
	return ""
}

// forGood tells of a call that Slack has refused for a reason of its own (the
// kind of file, a rule of the workspace), so that the same call never works.
// Outages pass, and tokens can be mended.
func forGood(err error) bool {
	var status slack.StatusCodeError
	if errors.As(err, &status) {
		return status.Code == http.StatusForbidden || status.Code == http.StatusRequestEntityTooLarge || status.Code == http.StatusUnsupportedMediaType
	}
	code := slackError(err)
	return code != "" && !slices.Contains([]string{"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited",
		"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"}, code)
}

// detail adds to a refusal what Slack says about it beside its code: the scope
// that is missing, the field that is wrong.
func detail(err error) error {
	var refused slack.SlackErrorResponse
	if !errors.As(err, &refused) {
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

// hopeless tells of refusals that no further attempt will change: the token, not
// the network. slack-go gives up on some of them and repeats others for ever.
func hopeless(err error) bool {
	return slices.Contains([]string{"invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired",
		"missing_scope", "not_allowed_token_type", "no_permission", "org_login_required", "ekm_access_denied",
		"team_access_not_granted", "access_denied"}, slackError(err))
}
