package workspace

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What befalls an installed app and its channels over the years. The codes are those of the methods' pages
// (docs.slack.dev/reference/methods, read in slack-ruby/slack-api-ref's copies of 2026-08-20).

// Posting is who may write into a channel.
type Posting string

// The ways in which administrators restrict a channel.
const (
	Anybody    Posting = ""
	ReadOnly   Posting = "restricted_action_read_only_channel"
	ThreadOnly Posting = "restricted_action_thread_only_channel"    // replies only
	RootsOnly  Posting = "restricted_action_non_threadable_channel" // no replies
)

// Restricts tells why a message may not go into a channel, as a reply or not.
func (c *Channel) Restricts(reply bool) error {
	if c.Posting == ReadOnly || c.Posting == ThreadOnly && !reply || c.Posting == RootsOnly && reply {
		return Refuse(string(c.Posting))
	}
	return nil
}

// Revoke has a token be good no more. The code is how Slack says it: account_inactive of a bot's whose app is gone,
// token_revoked, token_expired of one that was to be rotated. An empty code makes it good again.
func (s *Directory) Revoke(token, code string) {
	s.Lock()
	defer s.Unlock()
	s.revoke(token, code)
}

func (s *Directory) revoke(token, code string) {
	if s.Dead[token] = code; code == "" {
		delete(s.Dead, token)
	}
}

// Uninstall takes the app out of the workspace: the bot user is deactivated and in no channel any more, and its token
// is dead. The app itself goes on, and so does its app-level token. What the bot has written stays.
func (s *Directory) Uninstall() {
	s.Lock()
	defer s.Unlock()
	s.revoke(s.App.BotToken, "account_inactive")
	if u := s.Memory.User(s.Bot.ID); u != nil {
		u.Deleted = true
	}
	for _, c := range s.Memory.Channels {
		if c.Kind != "im" {
			c.Members = slices.DeleteFunc(slices.Clone(c.Members), func(m string) bool { return m == s.Bot.ID })
		}
	}
	for _, kind := range []string{"tokens_revoked", "app_uninstalled"} { // in no order that apps may count on (docs.slack.dev/reference/events/app_uninstalled)
		if s.App.Wants(kind) {
			s.Events.Event(Body{"type": kind, "tokens": Body{"bot": []string{s.Bot.ID}}}, false)
		}
	}
	s.AnnounceState()
}

// Install installs the app anew: another bot user with another bot_id, other direct messages, and another token, which
// it returns. The bot is in no channel, and cannot change what the one before it has written (cant_update_message).
func (s *Directory) Install() (token string) {
	s.Lock()
	defer s.Unlock()
	s.Memory.Installs++
	n := s.Memory.Installs
	s.App.BotToken = fmt.Sprintf("%s-%d", strings.TrimSuffix(s.App.BotToken, fmt.Sprintf("-%d", n-1)), n)
	s.Bot.ID, s.Bot.Deleted, s.BotID = fmt.Sprintf("%sR%d", BotUser, n), false, fmt.Sprintf("%sR%d", BotID, n)
	s.Memory.welcome(s.Bot)
	s.AnnounceState()
	return s.App.BotToken
}

// DeleteChannel deletes a channel with all that was said in it: nobody can see it any more.
func (s *Directory) DeleteChannel(id string) {
	s.Lock()
	defer s.Unlock()
	s.Memory.Channels = slices.DeleteFunc(slices.Clone(s.Memory.Channels), func(c *Channel) bool { return c.ID == id })
	delete(s.Memory.Messages, id)
	s.AnnounceState()
}

// Rename gives a private channel another id, for good, as Slack does when somebody begins to share it with another
// organisation (docs.slack.dev/reference/events/channel_id_changed) or only looks at how that would be
// (Netflix/dispatch#560). Nobody finds anything by the old one.
func (s *Directory) Rename(id, now string) {
	s.Lock()
	defer s.Unlock()
	c := s.Memory.Channel(id)
	if c == nil {
		return
	}
	c.ID = now
	s.Memory.Messages[now] = s.Memory.Messages[id]
	delete(s.Memory.Messages, id)
	for _, m := range s.Memory.Messages[now] {
		m.Channel = now
	}
	if s.App.Wants("channel_id_changed") && c.Has(s.Bot.ID) {
		s.Events.Event(Body{"type": "channel_id_changed", "old_channel_id": id, "new_channel_id": now, "event_ts": s.Memory.NextTS()}, c.IsExtShared)
	}
	s.AnnounceState()
}

// LimitEdits says how old a message may be that is still edited: zero has no limit, and with a negative one none may be.
func (s *Directory) LimitEdits(age time.Duration) {
	s.Lock()
	defer s.Unlock()
	s.EditWindow = age
}

// Editable tells why a message may not be changed any more.
func (s *Workspace) Editable(m *StoredMessage) error {
	seconds, _, _ := strings.Cut(m.TS, ".")
	at, err := strconv.ParseInt(seconds, 10, 64)
	if s.EditWindow != 0 && (err != nil || time.Since(time.Unix(at, 0)) > s.EditWindow) {
		return Refuse("edit_window_closed")
	}
	return nil
}

// LockThread has administrators lock a thread, or open it again: nobody replies there or reacts to what is in it.
func (s *Directory) LockThread(channel, ts string, locked bool) {
	s.Lock()
	defer s.Unlock()
	if m := s.Memory.Message(channel, ts); m != nil {
		m.Locked = locked
	}
}

// BotNow is the app's bot user, who is another one after each Install.
func (s *Directory) BotNow() string {
	s.Lock()
	defer s.Unlock()
	return s.Bot.ID
}
