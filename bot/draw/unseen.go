package draw

import (
	"countersign/approval/steps"
	"countersign/bot/kit"
)

// Because says in half a sentence why messages do not stand in a channel, which is
// named as the reader knows it.
func Because(why steps.Hindrance, code string, there ...kit.Part) []kit.Part {
	switch why {
	case steps.Outside:
		return kit.Flow(kit.Words("I am not in "), there, kit.Words(" any more"))
	case steps.Archived:
		return kit.Flow(there, kit.Words(" is archived"))
	case steps.Forbidden:
		return kit.Flow(kit.Words("the settings of "), there, kit.Words(" do not let me post there"))
	case steps.Malformed:
		return kit.Flow(kit.Words("Slack does not take the message in its form ("), kit.Mono(code), kit.Words(")"))
	case steps.TooLong:
		return kit.Flow(kit.Words("Slack finds the message too long ("), kit.Mono(code), kit.Words(")"))
	case steps.NoKey:
		return kit.Flow(kit.Words("your organisation has suspended posting there, as holders of its encryption keys can ("), kit.Mono(code), kit.Words(")"))
	case steps.Outage:
		return kit.Flow(kit.Words("Slack has not taken it for a while" + kit.InBrackets(code)))
	}
	return kit.Flow(kit.Words("Slack refuses it, and says no more than "), kit.Mono(code))
}

// cardless says, where the reviewers see neither the card nor the plainer one, that
// they do not, and why; nil where they see one.
func cardless(v *steps.View) []kit.Part {
	u := v.Unseen[steps.SurfaceCard]
	if !u.Repeats() || v.Posts[steps.SurfacePlain].TS != "" && v.Unseen[steps.SurfacePlain].Times == 0 {
		return nil
	}
	said := kit.Flow(kit.Strong("Waiting"), kit.Words(", but the reviewers cannot see the code: "), Because(u.Why, u.Code, kit.Words("the review channel")), kit.Words(". "))
	if u.Why == steps.Outage {
		said = append(said, kit.Words("I keep trying"))
	} else {
		said = append(said, kit.Words("The administrators have been told; it goes on by itself when that is mended"))
	}
	return append(said, kit.Words(", until "), kit.Moment(v.Request.ExpiresAt), kit.Words("."))
}

// plainly says that the reviewers see the plainer card.
func plainly(v *steps.View) []kit.Part {
	u := v.Unseen[steps.SurfaceCard]
	if !u.Repeats() {
		return nil
	}
	return kit.Flow(kit.Words(" The reviewers see a shorter card from which they open the code, because "), Because(u.Why, u.Code, kit.Words("the review channel")), kit.Words("."))
}
