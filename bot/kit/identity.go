package kit

import "fmt"

// Permalink is where a message can be read. Slack's chat.getPermalink gives the
// same address, at the price of a call for each.
func (i Identity) Permalink(channel, ts, thread string) string {
	if channel == "" || ts == "" || i.URL == "" {
		return ""
	}
	url := fmt.Sprintf("%sarchives/%s/p%s", i.URL, channel, Digits(ts))
	// Slack's own links to a reply name its thread as well.
	if thread != "" && thread != ts {
		url += fmt.Sprintf("?thread_ts=%s&cid=%s", thread, channel)
	}
	return url
}

// Digits are a ts as permalinks spell it, without its point.
func Digits(ts string) string {
	var out []byte
	for _, c := range []byte(ts) {
		if c >= '0' && c <= '9' {
			out = append(out, c)
		}
	}
	return string(out)
}

// Identity is who the bot is.
type Identity struct {
	Team    string   // the workspace's name
	TeamID  string   // the workspace's id
	URL     string   // of the workspace, with a slash at its end
	User    string   // the bot's user id, by which it is mentioned
	Name    string   // the bot's user name
	Missing []string // scopes that the token lacks
	Lacks   []string // the same of those without which the bot works all the same
}
