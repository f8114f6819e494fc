package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/steps"
	"countersign/bot/assistant"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/kit"
	"countersign/bot/meant"
	"countersign/bot/strays"
)

// CheckBot asks Slack whose token this is and what it may do: ErrOrgWide, if it is
// no workspace's. It is the first call with a token, so its error is what people see who pasted the wrong one.
//
// Missing and Lacks differ: without a scope of Missing the bot does not start (settleIn), without one of Lacks
// only something nice is left out. Both are empty where Slack has not told the scopes.
func (w *slackAPI) CheckBot(ctx context.Context) (kit.Identity, error) {
	r, err := w.api.AuthTestContext(ctx)
	if err != nil {
		return kit.Identity{}, fmt.Errorf("auth.test: %w", codes.Detail(err))
	}
	who := kit.Identity{Team: r.Team, TeamID: r.TeamID, URL: strings.TrimSuffix(r.URL, "/") + "/", User: r.UserID, Name: r.User}
	// It comes before the scopes: a token of an organisation may have all of them, and is still the wrong one.
	if wide, err := w.orgWide(ctx, who, r.EnterpriseID); err != nil {
		return kit.Identity{}, err
	} else if wide {
		return kit.Identity{}, ErrOrgWide
	}
	// Slack tells scopes in a header of every answer, and in no call of its own.
	granted := strings.FieldsFunc(r.Header.Get("X-OAuth-Scopes"), func(c rune) bool { return c == ',' || c == ' ' })
	if len(granted) > 0 { // a server that does not tell proves nothing
		for _, scope := range slices.Sorted(maps.Keys(Scopes())) {
			if !slices.Contains(granted, scope) {
				who.Missing = append(who.Missing, scope)
			}
		}
		for _, scope := range slices.Sorted(maps.Keys(Extras())) {
			if !slices.Contains(granted, scope) {
				who.Lacks = append(who.Lacks, scope)
			}
		}
	}
	return who, nil
}

// CheckApp asks Slack for a socket with the app-level token, and opens none: an address that nobody connects to
// takes none of the ten sockets that an app may have.
// The other checks go by the bot's token; the app-level token is good for this one call.
func (w *slackAPI) CheckApp(ctx context.Context) error {
	if _, _, err := w.api.StartSocketModeContext(ctx); err != nil {
		return fmt.Errorf("apps.connections.open: %w", codes.Detail(err))
	}
	return nil
}

// CheckChannel says whether the bot can put its cards into a channel, and whether
// the channel is fit for that. It tells what people call it.
// Each error is a sentence that says what to do, since init and doctor print it as it is. The name comes
// without its "#".
func (w *slackAPI) CheckChannel(ctx context.Context, channel string) (name string, err error) {
	if channel == "" {
		return "", errors.New("no review channel is set")
	}
	c, err := w.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
	// The order is from what no invitation mends to what one does: nobody is told to invite the bot into a
	// channel that is archived.
	switch {
	case codes.Of(err) == "channel_not_found":
		return "", fmt.Errorf("there is no channel %s, or it is private and the bot is not in it: invite the bot", channel)
	case err != nil:
		return "", fmt.Errorf("conversations.info %s: %w", channel, codes.Detail(err))
	case c.IsArchived:
		return "", fmt.Errorf("#%s is archived", c.Name)
	case c.IsExtShared:
		return "", fmt.Errorf("#%s is shared with another organisation: code is reviewed inside one workspace", c.Name)
	case !c.IsMember:
		return "", fmt.Errorf("the bot is not in #%s: invite it there with /invite", c.Name)
	}
	return c.Name, nil
}

// Members lists the ids of everybody in a channel.
// Of a large channel that is a call for each thousand, so has is better where one person is meant.
func (w *slackAPI) Members(ctx context.Context, channel string) (all []string, err error) {
	err = w.members(ctx, channel, func(some []string) bool { all = append(all, some...); return false })
	return all, err
}

// Readers implements pins.Slack: who is in a channel, but for ourselves.
// For a pin they are the people whose questions it may be read for, and the bot asks none.
func (h *files) Readers(ctx context.Context, channel string) ([]string, error) {
	who, err := h.who(ctx)
	if err != nil {
		return nil, err
	}
	all, err := h.Members(ctx, channel)
	return slices.DeleteFunc(all, func(one string) bool { return one == who.User }), err
}

// Upload implements pins.Slack: a file with all channels in which it is shared, since whoever pins it has to see it.
// A link to a file elsewhere is refused here as well, because its bytes can change without Slack knowing.
func (h *files) Upload(ctx context.Context, id string) (up pins.Upload, err error) {
	info, err := h.info(ctx, approval.File{ID: id})
	switch {
	case err != nil:
		return up, err
	case info.IsExternal || !draw.Data(info.Name):
		return up, notData(info.Name)
	}
	return uploaded(*info), nil
}

// uploaded is a file with who shared it, and the channels of it that Slack shows us. Direct messages are left out:
// what was shared there alone is the uploader's to pin.
// Channels are public ones and Groups private ones, in Slack's words.
func uploaded(f slack.File) pins.Upload {
	up := pins.Upload{File: input(f), Places: slices.Concat(f.Channels, f.Groups)}
	up.Shared = &approval.Sharing{By: f.User, At: f.Created.Time().UTC()}
	return up
}

// Uploads implements pins.Slack. From a channel's list, so where else a file is shared is not known here.
// An error comes beside what was read until then.
func (h *files) Uploads(ctx context.Context, channel string) (ups []pins.Upload, err error) {
	s, err := h.look(ctx, channel, "")
	for _, f := range s.Files {
		up := pins.Upload{File: f.File, Places: []string{channel}}
		up.Shared = &approval.Sharing{By: f.By, At: f.At.UTC()}
		ups = append(ups, up)
	}
	return ups, err
}

// named are files that a question names. Of those that are pinned Slack is asked what they are now, and
// what else has their name.
func (h *files) named(ctx context.Context, q steps.Search, s meant.Shelf, files []approval.File, unread string) (found steps.Found, err error) {
	// Several files of one name: the asker is asked which, before anything is looked up for the wrong one.
	if cause := s.Unclear(files, q.Thread); cause != nil {
		cause.Channel = q.Channel
		return found, &approval.CauseError{Cause: *cause}
	}
	found = steps.Found{Files: slices.Clone(files), Unread: unread, Shared: s.Sharing(), Uploads: alike(s, files)}
	// The others come from the channel's list that has just been read, so they are as they are now, and there.
	elsewhere := slices.Concat(q.Pinned, elsewhereOf(q, s))
	for i, f := range files {
		if !slices.ContainsFunc(elsewhere, func(p approval.File) bool { return p.ID == f.ID }) {
			continue
		}
		q.Files = files[i : i+1]
		// q is a copy, so that the narrowed list reaches nobody else. One by one, since each takes its place in
		// the answer.
		now, err := h.asNow(ctx, q)
		if err != nil {
			return steps.Found{}, err
		}
		found.Files[i] = now.Files[0]
		maps.Copy(found.Shared, now.Shared)
	}
	return found, nil
}

// elsewhereOf are the files of a question's thread that do not lie in the channel, and that nothing there is called
// like: its words may name them as well.
func elsewhereOf(q steps.Search, s meant.Shelf) (files []approval.File) {
	// A question that begins a thread has none to go on from.
	if !q.Seek.Follow {
		return nil
	}
	for _, f := range q.Files {
		is := func(p approval.File) bool { return p.ID == f.ID || pins.SameName(p.Name, f.Name) }
		if !slices.ContainsFunc(s.Choices(), func(c meant.Shared) bool { return is(c.File) }) && !slices.ContainsFunc(s.Pinned, is) {
			files = append(files, f)
		}
	}
	return files
}

// alike are the uploads of a channel that have the name of one of these files.
// Where one is newer than what is pinned, whoever keeps the pin is told.
func alike(s meant.Shelf, files []approval.File) (ups []approval.File) {
	for _, f := range s.Files {
		if slices.ContainsFunc(files, func(p approval.File) bool { return p.ID != f.ID && pins.SameName(p.Name, f.Name) }) {
			up := f.File
			up.Shared = &approval.Sharing{By: f.By, At: f.At.UTC()}
			ups = append(ups, up)
		}
	}
	return ups
}

// has looks for somebody among the people of a channel. Slack has no call that asks for one person.
// It stops at the page that holds them, so somebody who joined early is found by one call.
func (w *slackAPI) has(ctx context.Context, channel, user string) (in bool, err error) {
	err = w.members(ctx, channel, func(some []string) bool { in = slices.Contains(some, user); return in })
	return in, err
}

// members hands out the people of a channel, a thousand at a time (the most that Slack gives), until enough is known.
// enough is given a page each time and says true when no other is needed. The first page may hold fewer than
// asked for though there are more: only an empty cursor is the end.
func (w *slackAPI) members(ctx context.Context, channel string, enough func(some []string) bool) error {
	page := slack.GetUsersInConversationParameters{ChannelID: channel, Limit: 1000}
	for {
		some, next, err := w.api.GetUsersInConversationContext(ctx, &page)
		if err != nil {
			return fmt.Errorf("conversations.members %s: %w", channel, codes.Detail(err))
		}
		if page.Cursor = next; enough(some) || next == "" {
			return nil
		}
	}
}

// ErrOrgWide is an app that was installed for a whole organisation. Its token speaks
// for many workspaces, and budgets, roles and questions are kept for one.
var ErrOrgWide = errors.New("this app is installed for a whole organisation (Enterprise Grid), and works in one workspace only: " +
	"take the org-wide installation back, install it in the workspace itself, and use that Bot User OAuth Token")

// orgWide tells whether a token is of such an installation. oauth.v2.access says so
// by "team": null, auth.test by is_enterprise_install, which slack-go does not read
// (api.slack.com/enterprise/apps/reference and @slack/web-api's AuthTestResponse, read
// in stored copies of 2026-11-26); a token of the organisation has no workspace, or
// the organisation in its place.
func (w *slackAPI) orgWide(ctx context.Context, who kit.Identity, enterprise string) (bool, error) {
	switch {
	case who.TeamID == "", strings.HasPrefix(who.TeamID, "E"):
		return true, nil
	case enterprise == "":
		return false, nil
	}
	api := w.APIURL
	if api == "" {
		api = "https://slack.com/api/"
	}
	// A call of our own to the same method, because slack-go drops the field. It is made only where Slack has
	// named an organisation, which most workspaces do not have.
	form := url.Values{"token": {w.BotToken}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"auth.test", bytes.NewBufferString(form))
	if err != nil {
		return false, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := w.client()
	res, err := client.Do(r)
	if err != nil {
		return false, fmt.Errorf("auth.test: %w", err)
	}
	defer res.Body.Close()
	var said struct {
		OrgWide bool `json:"is_enterprise_install"`
	}
	// A proxy that answers in Slack's place may send a page of any length.
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&said); err != nil {
		return false, fmt.Errorf("auth.test: %w", err)
	}
	return said.OrgWide, nil
}

// Scopes are what the bot's token must be allowed, each with what for. A test holds manifest.yaml to them and Extras.
// They are no more than what is used: each more is a question from whoever has to allow the app.
func Scopes() map[string]string {
	return map[string]string{
		"commands":          "/analyze, /budget and the shortcuts",
		"chat:write":        "cards, progress and answers",
		"files:read":        "the data files that people ask about",
		"files:write":       "charts and tables",
		"users:read":        "whether somebody is a guest, a bot, or gone",
		"channels:read":     "whether it is in a public channel",
		"groups:read":       "whether it is in a private channel",
		"im:read":           "whether a direct message is its own",
		"im:history":        "questions in direct messages",
		"app_mentions:read": "questions by mention, and follow-ups",
	}
}

// scopeReactions lets the bot put an emoji on a message.
const scopeReactions = "reactions:write"

// Extras are scopes that the manifest names and the bot works without: what one of them is
// for is then left out.
func Extras() map[string]string {
	return map[string]string{scopeReactions: "the emoji on a question's thread that says whether it waits, runs or is done",
		assistant.Scope: "titles and suggested questions in the assistant view",
		strays.Scope:    "its own messages that stand there twice after a crash; it reads no word of anybody"}
}

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
// Shared ones are left out, since code is reviewed inside one workspace (CheckChannel).
func (w *slackAPI) Channels(ctx context.Context) (all []Channel, err error) {
	page := slack.GetConversationsForUserParameters{Types: []string{"public_channel", "private_channel"}, Limit: 200, ExcludeArchived: true}
	for {
		some, next, err := w.api.GetConversationsForUserContext(ctx, &page)
		if err != nil {
			return nil, fmt.Errorf("users.conversations: %w", codes.Detail(err))
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
// slack-go goes through the pages by itself, and waits where Slack asks for it. In a workspace of tens of
// thousands that takes minutes, which only a set-up can afford.
func (w *slackAPI) Colleagues(ctx context.Context) (all []Colleague, err error) {
	who, err := w.who(ctx)
	if err != nil {
		return nil, err
	}
	users, err := w.api.GetUsersContext(ctx, slack.GetUsersOptionLimit(200))
	if err != nil {
		return nil, fmt.Errorf("users.list: %w", codes.Detail(err))
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
