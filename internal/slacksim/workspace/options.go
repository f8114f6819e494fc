package workspace

import (
	"log/slog"
	"net/http"
	"time"
)

// Options describe a workspace and the app that is installed in it. The zero
// value is the default workspace with the default app.
type Options struct {
	Team     Team      // defaults to DefaultTeam
	Users    []User    // default to DefaultUsers; the app's bot user is added
	Channels []Channel // default to DefaultChannels; direct messages are added

	// Groups are the user groups by handle, each with its members.
	Groups map[string][]string

	// Manifest is the app's manifest (YAML or JSON). Defaults to a manifest with
	// /analyze and /budget.
	Manifest []byte
	AppID    string // defaults to "A0ANALYZE"
	BotToken string // defaults to DefaultBotToken
	AppToken string // defaults to DefaultAppToken
	// Enterprise is the organisation that the workspace belongs to; empty: none. OrgWide
	// makes the app's tokens the organisation's instead of the workspace's.
	Enterprise string
	OrgWide    bool
	// Scopes, when set, are what was granted at install, instead of the manifest's.
	Scopes []string

	// NoAssistant is a workspace whose plan has no assistant view, whatever the manifest says.
	NoAssistant bool

	// Folder keeps messages, files and Homes between runs. Empty: nothing is kept.
	Folder string
	// Page answers every path that is not Slack's or the JSON API's.
	Page http.Handler
	// Logger defaults to one that discards.
	Logger *slog.Logger
	// Timing defaults field by field to Slack's own.
	Timing Timing
	// Hasty ends the wait for an ack as soon as it is known that none will come: a fault has
	// dropped it, or the app's last connection is gone. Slack itself waits its time out.
	Hasty bool
	// PostBurst is how many messages in a row one channel takes before
	// chat.postMessage is held to one every Timing.Post. Slack names no number: "short
	// bursts" are fine. Defaults to DefaultPostBurst; negative: no limit, for
	// measurements of the app alone and tests of other things.
	PostBurst int
}

// DefaultPostBurst is a short burst.
const DefaultPostBurst = 10

// Timing is how long Slack waits for things. A zero field means Slack's value,
// which stands in the comment.
type Timing struct {
	Ack        time.Duration   // 3 s for an app to acknowledge
	Trigger    time.Duration   // 3 s in which a trigger_id opens a modal
	Retries    []time.Duration // before each redelivery of an event: 0, 1 min, 5 min
	Ticket     time.Duration   // 30 s in which a Socket Mode URL may be used
	Ping       time.Duration   // 5 s between pings
	Warning    time.Duration   // 10 s from a disconnect warning to the close
	Lifetime   time.Duration   // 1 h until a connection is refreshed
	Response   time.Duration   // 30 min in which a response_url works
	Status     time.Duration   // 2 min until a status line clears itself
	Post       time.Duration   // 1 s for each message in a channel, after a burst
	SnapshotIn time.Duration   // 500 ms from a change to its snapshot on disk
}

// fill puts Slack's values where none was chosen.
func (t *Timing) fill() {
	defaults := []struct {
		field *time.Duration
		slack time.Duration
	}{
		{&t.Ack, 3 * time.Second}, {&t.Trigger, 3 * time.Second}, {&t.Ticket, 30 * time.Second},
		{&t.Ping, 5 * time.Second}, {&t.Warning, 10 * time.Second}, {&t.Lifetime, time.Hour},
		{&t.Response, 30 * time.Minute}, {&t.Status, 2 * time.Minute}, {&t.Post, time.Second}, {&t.SnapshotIn, 500 * time.Millisecond},
	}
	for _, d := range defaults {
		if *d.field == 0 {
			*d.field = d.slack
		}
	}
	if t.Retries == nil {
		t.Retries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
}

// Team is the workspace.
type Team struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

// User is a member of the workspace. Role is what the page's identity switcher
// calls them; what Slack reports are the flags.
type User struct {
	ID                string `json:"id"`
	Name              string `json:"name"` // the handle, without @
	RealName          string `json:"real_name"`
	Role              string `json:"role"` // analyst, reviewer, admin, guest or bot
	Title             string `json:"title"`
	IsBot             bool   `json:"is_bot"`
	IsAdmin           bool   `json:"is_admin"`
	IsRestricted      bool   `json:"is_restricted"` // a guest
	IsUltraRestricted bool   `json:"-"`             // a guest of one channel
	IsStranger        bool   `json:"is_stranger"`   // from another workspace, and in no channel with the app
	// Team is the workspace of somebody who shares a channel by Slack Connect; empty: this one. Slack does not call
	// them strangers (docs.slack.dev, the user object, read 2026-11-28): their team_id alone tells.
	Team    string `json:"team_id,omitempty"`
	Deleted bool   `json:"deleted"` // deactivated
	TZ      string `json:"tz"`
	Color   string `json:"color"`
}

// Channel is a conversation. Kind is "channel" or "im".
type Channel struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Kind        string   `json:"kind"`
	IsPrivate   bool     `json:"is_private"`
	IsExtShared bool     `json:"is_ext_shared"`
	IsArchived  bool     `json:"is_archived"`
	Team        string   `json:"-"` // the workspace that has shared it with ours; empty: it is ours
	Posting     Posting  `json:"-"` // who may write there, as administrators have set it
	Topic       string   `json:"topic"`
	User        string   `json:"user,omitempty"` // an im: whom the reader talks to
	Members     []string `json:"members"`
	Unread      int      `json:"unread"`
	Mentions    int      `json:"mentions"`
	Latest      string   `json:"latest,omitempty"` // ts of what was said last, and
	Thread      string   `json:"thread,omitempty"` // the thread that it stands in
}

// Has says whether somebody is in the channel.
func (c *Channel) Has(user string) bool {
	for _, m := range c.Members {
		if m == user {
			return true
		}
	}
	return false
}
