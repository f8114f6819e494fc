package bot

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// hindrances are Slack's codes by what they mean for a message of ours. The codes are
// those of chat.postMessage and chat.update as their pages list them
// (docs.slack.dev/reference/methods/chat.postMessage, read in a stored copy of
// 2026-11-26); msg_blocks_too_long stands on none of them (slackapi/bolt-js#2509).
// ekm_access_denied is worded there as "Administrators have suspended the ability to
// post a message".
var hindrances = map[steps.Hindrance][]string{
	steps.Outside:  {"not_in_channel", "channel_not_found"},
	steps.Archived: {"is_archived"},
	steps.Forbidden: {"is_inactive", "posting_to_general_channel_denied", "no_permission", "messages_tab_disabled",
		"team_access_not_granted"}, // and everything that begins with restricted_action
	steps.Malformed: {"invalid_blocks", "invalid_blocks_format", "block_mismatch", "only_one_table_allowed", "invalid_metadata_format",
		"invalid_metadata_schema"},
	steps.TooLong: {"msg_too_long", "msg_blocks_too_long", "metadata_too_large"},
	steps.NoKey:   {"ekm_access_denied"},
}

// hindrance says what an error of Slack's means, and how Slack spells it.
func hindrance(err error) (steps.Hindrance, string) {
	code := slackError(err)
	for why, codes := range hindrances {
		if slices.Contains(codes, code) {
			return why, code
		}
	}
	var (
		status  slack.StatusCodeError
		limited *slack.RateLimitedError
	)
	switch {
	case strings.HasPrefix(code, "restricted_action"):
		return steps.Forbidden, code
	case code == "" && errors.As(err, &status):
		code = fmt.Sprintf("HTTP %d", status.Code)
	case code == "" && errors.As(err, &limited):
		code = "ratelimited"
	}
	if forGood(err) {
		return steps.Other, code
	}
	return steps.Outage, code
}

// refusedBy is an error of Slack's about a message, with what it means. One that is a
// refusal already stays what it is.
func refusedBy(err error, channel string) *steps.PostError {
	var no *steps.PostError
	if errors.As(err, &no) {
		return no
	}
	why, code := hindrance(err)
	return &steps.PostError{Channel: channel, Why: why, Code: code, Err: err}
}

// formal tells of a message that Slack might take in another form.
func formal(err error) bool {
	if err == nil {
		return false
	}
	why, _ := hindrance(err)
	return !why.NoPlace() && why != steps.Outage
}

// bareSizes are how long the text is that stands in for blocks which Slack refuses.
var bareSizes = []int{maxText, 500}

// bare is a page without its blocks: the text that says the same, the whole of it
// and, where that is too much, its beginning.
func (p *page) bare() (pages []*page) {
	for _, size := range bareSizes {
		pages = append(pages, &page{lines: []string{cut(p.text(), size)}})
	}
	return pages
}

// barely sends a page, and what is bare of it where Slack does not take its form.
func barely(p *page, send func(*page) error) error {
	err := send(p)
	if !formal(err) || slices.Contains(unreachable, slackError(err)) || beyondRepair(err) {
		return err
	}
	for _, bare := range p.bare() {
		if send(bare) == nil {
			return nil
		}
	}
	return err
}

// because says in half a sentence why messages do not stand in a channel, which is
// named as the reader knows it.
func because(why steps.Hindrance, code string, there ...part) []part {
	switch why {
	case steps.Outside:
		return flow(words("I am not in "), there, words(" any more"))
	case steps.Archived:
		return flow(there, words(" is archived"))
	case steps.Forbidden:
		return flow(words("the settings of "), there, words(" do not let me post there"))
	case steps.Malformed:
		return flow(words("Slack does not take the message in its form ("), mono(code), words(")"))
	case steps.TooLong:
		return flow(words("Slack finds the message too long ("), mono(code), words(")"))
	case steps.NoKey:
		return flow(words("your organisation has suspended posting there, as holders of its encryption keys can ("), mono(code), words(")"))
	case steps.Outage:
		return flow(words("Slack has not taken it for a while" + inBrackets(code)))
	}
	return flow(words("Slack refuses it, and says no more than "), mono(code))
}

func inBrackets(code string) string {
	if code == "" {
		return ""
	}
	return " (" + code + ")"
}

// unopened is what is left when Slack does not open the modal that shows the code: where
// it refuses it again and again, there is another way to decide.
func (b *Bot) unopened(id string, view slack.ModalViewRequest, err error) error {
	again := opened(view, err)
	if again == nil || isInput(again) || !formal(err) {
		return again
	}
	b.Log.Warn("Slack refuses a modal", "request", id, "modal", view.CallbackID, "code", slackError(err), "error", detail(err))
	return &approval.InputError{Why: "Slack does not open the code here, and says " + slackError(err) + ". Nothing has changed. It can be decided on the command line: countersign decide " + id}
}

// cardless says, where the reviewers see neither the card nor the plainer one, that
// they do not, and why; nil where they see one.
func cardless(v *steps.View) []part {
	u := v.Unseen[steps.SurfaceCard]
	if !u.Repeats() || v.Posts[steps.SurfacePlain].TS != "" && v.Unseen[steps.SurfacePlain].Times == 0 {
		return nil
	}
	said := flow(strong("Waiting"), words(", but the reviewers cannot see the code: "), because(u.Why, u.Code, words("the review channel")), words(". "))
	if u.Why == steps.Outage {
		said = append(said, words("I keep trying"))
	} else {
		said = append(said, words("The administrators have been told; it goes on by itself when that is mended"))
	}
	return append(said, words(", until "), moment(v.Request.ExpiresAt), words("."))
}

// plainly says that the reviewers see the plainer card.
func plainly(v *steps.View) []part {
	u := v.Unseen[steps.SurfaceCard]
	if !u.Repeats() {
		return nil
	}
	return flow(words(" The reviewers see a shorter card from which they open the code, because "), because(u.Why, u.Code, words("the review channel")), words("."))
}

// noPlaceNotice tells administrators of messages that nobody gets to see.
func (b *Bot) noPlaceNotice(v *steps.NoticeView, _ string) (*page, error) {
	said, err := read[steps.NoPlace](v)
	if err != nil {
		return nil, err
	}
	p := &page{}
	where := flow(words(" in "), channel(said.Channel), words(": "))
	if said.Cards {
		where = flow(words(" in the review channel "), channel(said.Channel), words(": "))
	}
	why := flow(because(said.Why, said.Code, words("the channel")), words(". "))
	switch {
	case said.Why.NoPlace():
		p.say(flow(strong("I cannot post"), where, why, words("So nobody gets to see the code that waits, and nothing is approved."))...)
	case said.Cards:
		p.say(flow(strong("Slack does not take my cards"), where, why, words("Where it takes a shorter card, the reviewers open the code from there; otherwise they do not see it. "+
			"What waits is also on my Home."))...)
	default:
		p.say(flow(strong("Slack does not take my messages"), where, why, words("Where it takes the text alone, that stands there; otherwise the person who asked gets a direct message."))...)
	}
	switch said.Why {
	case steps.Outside:
		p.say(words("To mend it, let me in again with "), mono("/invite @"+b.myself().Name), words(" or let "), mono("REVIEW_CHANNEL"),
			words(" name another channel and start the app again. The cards that wait then appear by themselves."))
	case steps.Archived, steps.Forbidden:
		p.say(words("To mend it, change that in the channel's settings, or let "), mono("REVIEW_CHANNEL"),
			words(" name another channel and start the app again. The cards that wait then appear by themselves."))
	case steps.NoKey:
		p.say(words("Whoever manages the organisation's encryption keys (Enterprise Key Management) can allow it again. I keep trying, and what is missing then appears by itself."))
	default:
		p.say(words("I keep trying, and what is missing appears by itself. If it stays like this, the log says with which request Slack refused what: look for "), mono(said.Example), words("."))
	}
	return p, nil
}

// unsaidNotice tells the asker what their thread cannot: how the question stands, and
// at its end the answer itself.
func (b *Bot) unsaidNotice(n *steps.NoticeView, _ string) (*page, error) {
	said, err := read[steps.Unsaid](n)
	if err != nil {
		return nil, err
	}
	v, p := n.View, &page{}
	r := v.Request
	u, hidden := v.HiddenFrom()
	if !hidden {
		p.quote(cut(r.Question, 600), words("What I could not say in "), channel(said.Channel), words(" for some time stands there now. You asked:"))
		if url := b.link(v.Session.Channel, thread(v), ""); url != "" {
			p.buttons("look", goes("Go to the thread", url))
		}
		return p, nil
	}
	p.quote(cut(r.Question, 600), flow(strong("I cannot answer you in "), channel(said.Channel), words(": "), because(u.Why, u.Code, words("the channel")), words(". I keep trying there. You asked:"))...)
	if !r.State.Final() {
		now := b.progress(v)
		p.blocks, p.lines, p.used = append(p.blocks, now.blocks...), append(p.lines, now.lines...), p.used+now.used
		return p, nil
	}
	if v.Posts[steps.SurfaceReply].TS != "" && v.Unseen[steps.SurfaceReply].Times == 0 {
		p.say(words("The answer stands in the thread all the same."))
		return p, nil
	}
	end := b.reply(v, false)
	p.blocks, p.lines, p.used = append(p.blocks, end.blocks...), append(p.lines, end.lines...), p.used+end.used
	if len(v.Artifacts) > 0 && v.Posts[steps.SurfaceFiles].TS == "" {
		p.say(words("The files that came out as well come into the thread as soon as I can post there."))
	}
	return p, nil
}
