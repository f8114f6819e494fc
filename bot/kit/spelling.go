package kit

import (
	"regexp"
	"strings"
)

// entity is what Slack writes between angle brackets: a mention, a channel, a
// link, a command such as !here, each with an optional label.
var entity = regexp.MustCompile(`<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>`)

// FromSlack turns the text of a command or a message, in which Slack escapes and
// marks things up, into the words that the person typed.
func FromSlack(text string) string {
	text = entity.ReplaceAllStringFunc(text, func(found string) string {
		m := entity.FindStringSubmatch(found)
		sign, what, label := m[1], m[2], m[3]
		// A label is what the person saw when they typed or picked it, so it comes before the id.
		switch {
		case sign == "!" && label == "":
			what, _, _ = strings.Cut(what, "^")
			return "@" + what
		case sign == "!":
			return label
		case sign != "" && label != "":
			return sign + strings.TrimPrefix(label, sign)
		case sign != "":
			return sign + what
		case label != "":
			return label
		}
		return strings.TrimPrefix(what, "mailto:")
	})
	return strings.TrimSpace(strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text))
}

// WithoutMention takes the mention of a user out of a text as Slack sends it.
func WithoutMention(text, user string) string {
	mention := regexp.MustCompile(`<@` + regexp.QuoteMeta(user) + `(?:\|[^<>]*)?>[:,]?`)
	return strings.TrimSpace(mention.ReplaceAllString(text, " "))
}
