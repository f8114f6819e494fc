package person

import (
	"regexp"
	"strings"

	"countersign/internal/slacksim/workspace"
)

var (
	// token is what may stay as it is in typed text: people, channels, links and
	// special mentions in Slack's notation. Everything else that looks like it is escaped.
	token     = regexp.MustCompile(`<(?:@[UW][A-Z0-9]+(?:\|[^<>]*)?|#[CDG][A-Z0-9]+(?:\|[^<>]*)?|!(?:here|channel|everyone)|https?://[^<>|\s]+(?:\|[^<>]*)?)>`)
	typedName = regexp.MustCompile(`(^|[\s(])([@#])([a-z0-9][a-z0-9._-]*[a-z0-9]|[a-z0-9])`)
	escaper   = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
)

// typed turns what a person typed into Slack's text: entities escaped, names
// that exist made mentions. labelled is the form of slash commands,
// <@U|name>; names says whether names are looked up at all.
func (s *Acts) typed(raw string, names, labelled bool) string {
	var out strings.Builder
	last := 0
	for _, at := range token.FindAllStringIndex(raw, -1) {
		out.WriteString(s.words(raw[last:at[0]], names, labelled))
		out.WriteString(s.label(raw[at[0]:at[1]], names, labelled))
		last = at[1]
	}
	out.WriteString(s.words(raw[last:], names, labelled))
	return out.String()
}

// words escapes a piece without tokens and looks names up.
func (s *Acts) words(piece string, names, labelled bool) string {
	piece = escaper.Replace(piece)
	if !names {
		return piece
	}
	return typedName.ReplaceAllStringFunc(piece, func(found string) string {
		m := typedName.FindStringSubmatch(found)
		token := ""
		for _, u := range s.Memory.Users {
			if m[2] == "@" && u.Name == m[3] {
				token = "<@" + u.ID + ">"
			}
		}
		for _, c := range s.Memory.Channels {
			if m[2] == "#" && c.Name == m[3] {
				token = "<#" + c.ID + "|" + c.Name + ">"
			}
		}
		if token == "" {
			return found
		}
		return m[1] + s.label(token, names, labelled)
	})
}

// label writes a mention as commands get it: with the name, or, for a command
// that does not ask for ids, as the name alone.
func (s *Acts) label(token string, names, labelled bool) string {
	m := workspace.MentionToken.FindStringSubmatch(token)
	if m == nil {
		return token
	}
	u := s.Memory.User(m[1])
	switch {
	case u == nil:
		return token
	case !names:
		return "@" + u.Name
	case labelled:
		return "<@" + u.ID + "|" + u.Name + ">"
	}
	return "<@" + u.ID + ">"
}
