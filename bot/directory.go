package bot

import (
	"context"
	"fmt"

	"github.com/slack-go/slack"
)

// Who and what there is in a workspace, for whoever sets the bot up: nothing here is
// asked while it works.

// Channel is a channel that the bot is in.
type Channel struct {
	ID, Name string
	Private  bool
}

// Colleague is somebody who may be given a part: of this workspace, no guest, no app,
// and still there.
type Colleague struct {
	ID     string
	Name   string // the full name
	Handle string // what stands after the @
	Admin  bool   // of the workspace, by Slack's word
}

// Channels lists the channels that the bot is in and in which code can be reviewed.
func (w *slackAPI) Channels(ctx context.Context) (all []Channel, err error) {
	page := slack.GetConversationsForUserParameters{Types: []string{"public_channel", "private_channel"}, Limit: 200, ExcludeArchived: true}
	for {
		some, next, err := w.api.GetConversationsForUserContext(ctx, &page)
		if err != nil {
			return nil, fmt.Errorf("users.conversations: %w", detail(err))
		}
		for _, c := range some {
			if !c.IsExtShared {
				all = append(all, Channel{ID: c.ID, Name: c.Name, Private: c.IsPrivate})
			}
		}
		if page.Cursor = next; next == "" {
			return all, nil
		}
	}
}

// Colleagues lists the people of the workspace.
func (w *slackAPI) Colleagues(ctx context.Context) (all []Colleague, err error) {
	who, err := w.who(ctx)
	if err != nil {
		return nil, err
	}
	users, err := w.api.GetUsersContext(ctx, slack.GetUsersOptionLimit(200))
	if err != nil {
		return nil, fmt.Errorf("users.list: %w", detail(err))
	}
	for _, u := range users {
		if p := person(u, who.TeamID); p.Gone || p.Bot || p.Guest || p.External {
			continue
		}
		handle := u.Profile.DisplayName
		if handle == "" {
			handle = u.Name
		}
		name := u.RealName
		if name == "" {
			name = handle
		}
		all = append(all, Colleague{ID: u.ID, Name: name, Handle: handle, Admin: u.IsAdmin || u.IsOwner})
	}
	return all, nil
}
