package slacksim

import (
	"countersign/internal/slacksim/workspace"
)

// The default workspace: a small coffee company whose numbers people ask about.
// Tests and the demo name its people by what they do.
const (
	Analyst        = "U0MAYA"          // Maya, asks
	OtherAnalyst   = "U0JUN"           // Jun, asks too, and decides nothing
	Reviewer       = "U0BEN"           // Ben, in the review channel
	SecondReviewer = "U0PRIYA"         // Priya, in the review channel
	Admin          = "U0CARLA"         // Carla, sets budgets
	Guest          = "U0THEO"          // Theo, from the agency: a guest, in #sales-data only
	Deactivated    = "U0SAM"           // Sam, who has left
	BotUser        = workspace.BotUser // the app's bot user
	BotID          = workspace.BotID

	SalesData  = "C0SALES"    // #sales-data, where analysts ask
	CodeReview = "C0REVIEW"   // #code-review, private: reviewers, the admin and the bot
	General    = "C0GENERAL"  // #general, everybody
	Partners   = "C0PARTNERS" // #partners, shared with another company
	Random     = "C0RANDOM"   // #random, without the bot

	DefaultBotToken = "xoxb-slacksim-local-bot"
	DefaultAppToken = "xapp-slacksim-local-app"
)

// DefaultTeam is the company.
var DefaultTeam = workspace.Team{ID: "T0HARBOR", Name: "Harbor Coffee", Domain: "harbor-coffee"}

// DefaultUsers are its people.
func DefaultUsers() []workspace.User {
	return []workspace.User{
		{ID: Analyst, Name: "maya", RealName: "Maya Lindqvist", Role: "analyst", Title: "Sales analyst", TZ: "Europe/Stockholm", Color: "1d7a8c"},
		{ID: OtherAnalyst, Name: "jun", RealName: "Jun Park", Role: "analyst", Title: "Store analyst", TZ: "Europe/Berlin", Color: "7d3c98"},
		{ID: Reviewer, Name: "ben", RealName: "Ben Osei", Role: "reviewer", Title: "Data engineer", TZ: "Europe/London", Color: "b9770e"},
		{ID: SecondReviewer, Name: "priya", RealName: "Priya Nair", Role: "reviewer", Title: "Data platform lead", TZ: "Asia/Kolkata", Color: "a93226"},
		{ID: Admin, Name: "carla", RealName: "Carla Reyes", Role: "admin", Title: "Head of data", IsAdmin: true, TZ: "Europe/Madrid", Color: "1e8449"},
		{ID: Guest, Name: "theo", RealName: "Theo Blanc", Role: "guest", Title: "Agency contractor", IsRestricted: true, TZ: "Europe/Paris", Color: "566573"},
		{ID: Deactivated, Name: "sam", RealName: "Sam Whitfield", Role: "reviewer", Title: "Former data engineer", Deleted: true, TZ: "Europe/London", Color: "7b7d7d"},
	}
}

// DefaultChannels are its channels. The bot is in all but #random.
func DefaultChannels() []workspace.Channel {
	everybody := []string{Analyst, OtherAnalyst, Reviewer, SecondReviewer, Admin}
	with := func(members []string, more ...string) []string {
		return append(append([]string(nil), members...), more...)
	}
	return []workspace.Channel{
		{ID: General, Name: "general", Topic: "Announcements for everyone", Members: with(everybody, BotUser)},
		{ID: SalesData, Name: "sales-data", Topic: "Questions about sales, and the files that answer them", Members: with(everybody, Guest, BotUser)},
		{ID: CodeReview, Name: "code-review", IsPrivate: true, Topic: "Code that waits for a reviewer", Members: []string{Reviewer, SecondReviewer, Admin, BotUser}},
		{ID: Partners, Name: "partners", IsExtShared: true, Topic: "Shared with Bright Agency", Members: with(everybody, BotUser)},
		{ID: Random, Name: "random", Topic: "Everything else", Members: everybody},
	}
}

// defaultManifest is the app of the default workspace.
const defaultManifest = `
display_information: { name: Analyze }
features:
  app_home: { home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false }
  bot_user: { display_name: analyze, always_online: true }
  shortcuts:
    - { name: Ask a data question, type: global, callback_id: analyze_new, description: Open the analysis request form }
    - { name: Analyze this message, type: message, callback_id: analyze_message, description: Start an analysis from this message }
  slash_commands:
    - { command: /analyze, description: Ask a data question, usage_hint: "[question] | status | cancel ID | help", should_escape: true }
    - { command: /budget, description: Show or set analysis budgets, usage_hint: "show | set @user AMOUNT | help", should_escape: true }
oauth_config:
  scopes:
    bot: [commands, chat:write, files:read, files:write, users:read, usergroups:read, channels:read, groups:read, im:history, app_mentions:read]
settings:
  event_subscriptions: { bot_events: [app_home_opened, app_mention, message.im] }
  interactivity: { is_enabled: true }
  socket_mode_enabled: true
`
