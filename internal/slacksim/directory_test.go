package slacksim_test

import (
	"fmt"
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

func TestUsersChannelsAndGroups(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{
		Scopes: []string{"users:read", "usergroups:read", "channels:read", "groups:read", "im:read", "im:write", "channels:join", "chat:write"},
		Groups: map[string][]string{"data-reviewers": {slacksim.Reviewer}},
	})
	ctx := within(t)
	ben, err := st.api.GetUserInfoContext(ctx, slacksim.Reviewer)
	require.NoError(t, err)
	require.Equal(t, "Europe/London", ben.TZ)
	require.Equal(t, "Ben Osei", ben.RealName)
	for id, check := range map[string]func(*slack.User) bool{
		slacksim.Guest:       func(u *slack.User) bool { return u.IsRestricted },
		slacksim.Deactivated: func(u *slack.User) bool { return u.Deleted },
		slacksim.Admin:       func(u *slack.User) bool { return u.IsAdmin },
		slacksim.BotUser:     func(u *slack.User) bool { return u.IsBot },
	} {
		u, err := st.api.GetUserInfoContext(ctx, id)
		require.NoError(t, err)
		require.True(t, check(u), id)
	}
	_, err = st.api.GetUserInfoContext(ctx, "U0NONE")
	require.ErrorContains(t, err, "user_not_found")
	all, err := st.api.GetUsersContext(ctx, slack.GetUsersOptionLimit(3))
	require.NoError(t, err)
	require.Len(t, all, len(slacksim.DefaultUsers())+1)

	groups, err := st.api.GetUserGroupsContext(ctx, slack.GetUserGroupsOptionIncludeUsers(true))
	require.NoError(t, err)
	require.Equal(t, []string{slacksim.Reviewer}, groups[0].Users)
	st.sim.SetGroup("data-reviewers", slacksim.Reviewer, slacksim.SecondReviewer)
	members, err := st.api.GetUserGroupMembersContext(ctx, groups[0].ID)
	require.NoError(t, err)
	require.Len(t, members, 2)
	_, err = st.api.GetUserGroupMembersContext(ctx, "S0NONE")
	require.ErrorContains(t, err, "no_such_subteam")
	bot, err := st.api.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: slacksim.BotID})
	require.NoError(t, err)
	require.Equal(t, slacksim.BotUser, bot.UserID)
	_, err = st.api.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: "B0NONE"})
	require.ErrorContains(t, err, "bot_not_found")
}

func TestConversations(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Scopes: []string{"channels:read", "groups:read", "im:read", "im:write", "channels:join", "chat:write"}})
	ctx := within(t)
	info := func(id string) *slack.Channel {
		c, err := st.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
		require.NoError(t, err)
		return c
	}
	require.True(t, info(slacksim.Partners).IsExtShared)
	require.True(t, info(slacksim.CodeReview).IsPrivate)
	require.False(t, info(slacksim.Random).IsMember)
	require.Equal(t, slacksim.Analyst, info("D0MAYA").User)
	st.sim.SetChannel(slacksim.CodeReview, func(c *workspace.Channel) { c.IsExtShared = true })
	require.True(t, info(slacksim.CodeReview).IsExtShared)

	names := map[string]bool{}
	public, cursor, err := st.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{Types: []string{"public_channel", "private_channel", "im"}, Limit: 3})
	require.NoError(t, err)
	require.NotEmpty(t, cursor)
	for _, c := range public {
		names[c.Name] = true
	}
	require.True(t, names["general"] && names["code-review"])
	in, _, err := st.api.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: slacksim.CodeReview})
	require.NoError(t, err)
	require.Contains(t, in, slacksim.Reviewer)

	opened, _, _, err := st.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{slacksim.Analyst}, ReturnIM: true})
	require.NoError(t, err)
	require.Equal(t, "D0MAYA", opened.ID)
	joined, warning, _, err := st.api.JoinConversationContext(ctx, slacksim.Random)
	require.NoError(t, err)
	require.Empty(t, warning)
	require.True(t, joined.IsMember)
	_, warning, _, err = st.api.JoinConversationContext(ctx, slacksim.Random)
	require.NoError(t, err)
	require.Equal(t, "already_in_channel", warning)

	st.sim.Remove(slacksim.CodeReview, slacksim.BotUser)
	cases := []struct {
		method string
		args   object
		code   string
	}{
		{"conversations.info", object{"channel": slacksim.CodeReview}, "channel_not_found"},
		{"conversations.members", object{"channel": "C0NONE"}, "channel_not_found"},
		{"conversations.join", object{"channel": "C0NONE"}, "channel_not_found"},
		{"conversations.join", object{"channel": "D0MAYA"}, "method_not_supported_for_channel_type"},
		{"conversations.open", object{"users": "U0NONE"}, "user_not_found"},
		{"conversations.open", object{"users": slacksim.Deactivated}, "user_disabled"},
		{"conversations.open", object{"users": slacksim.BotUser}, "cannot_dm_bot"},
		{"conversations.open", object{"users": "U0MAYA,U0JUN"}, "method_not_supported_for_channel_type"},
		{"conversations.open", object{"channel": "C0NONE"}, "channel_not_found"},
		{"conversations.open", object{"channel": "D0MAYA"}, ""},
		{"conversations.open", object{"users": slacksim.Analyst}, ""},
	}
	for _, c := range cases {
		out := call(t, st.sim, c.method, c.args)
		if c.code == "" {
			require.Equal(t, true, out["ok"], "%v", c)
			continue
		}
		require.Equal(t, c.code, out["error"], "%v", c)
	}
	st.sim.Invite(slacksim.CodeReview, slacksim.BotUser)
	require.NotNil(t, info(slacksim.CodeReview))
	few := slacksim.Start(t, slacksim.Options{Scopes: []string{"channels:read"}})
	require.Equal(t, "missing_scope", call(t, few, "conversations.list", object{"types": "private_channel"})["error"])
}

func TestManifestIsValidated(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	validate := func(manifest any) object {
		out, _, _ := callAs(t, sim, "xoxe.config", "apps.manifest.validate", object{"manifest": manifest})
		return out
	}
	require.Equal(t, true, validate(object{"display_information": object{"name": "Analyze"}})["ok"])
	broken := validate(`{"display_information":{"name":""},"features":{"slash_commands":[{"command":"Analyze"}],"shortcuts":[{"type":"odd"}]},
		"settings":{"event_subscriptions":{"bot_events":["message.im"]}}}`)
	require.Equal(t, "invalid_manifest", broken["error"])
	require.Len(t, broken["errors"], 5)
	require.Contains(t, fmt.Sprint(broken["errors"]), "/features/slash_commands/0/command")
	require.Equal(t, "invalid_manifest", validate("{")["error"])
	_, err := slacksim.New(slacksim.Options{Manifest: []byte("{")})
	require.ErrorContains(t, err, "read manifest")
	_, err = slacksim.New(slacksim.Options{Manifest: []byte("{}")})
	require.ErrorContains(t, err, "socket_mode_enabled")
}
