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
		return kit.Flow(kit.Words("I am no longer in "), there)
	case steps.Archived:
		return kit.Flow(there, kit.Words(" is archived"))
	case steps.Forbidden:
		return kit.Flow(kit.Words("the settings of "), there, kit.Words(" do not let me post there"))
	case steps.Malformed:
		return kit.Flow(kit.Words("Slack rejects the message's format ("), kit.Mono(code), kit.Words(")"))
	case steps.TooLong:
		return kit.Flow(kit.Words("Slack finds the message too long ("), kit.Mono(code), kit.Words(")"))
	case steps.NoKey:
		return kit.Flow(kit.Words("your organisation has suspended posting there, as holders of its encryption keys can ("), kit.Mono(code), kit.Words(")"))
	case steps.Outage:
		return kit.Flow(kit.Words("Slack has not accepted it for a while" + kit.InBrackets(code)))
	}
	return kit.Flow(kit.Words("Slack refuses it, saying only "), kit.Mono(code))
}

// cardless says that the reviewers see no card at all, and why. It is nil when they see
// one.
func cardless(v *steps.View) []kit.Part {
	u := v.Unseen[steps.SurfaceCard]
	// A single refusal may be an accident, and the plainer card is a card.
	if !u.Repeats() || v.Posts[steps.SurfacePlain].TS != "" && v.Unseen[steps.SurfacePlain].Times == 0 {
		return nil
	}
	said := kit.Flow(kit.Strong("Waiting"), kit.Words(", but the reviewers cannot see the code: "), Because(u.Why, u.Code, kit.Words("the review channel")), kit.Words(". "))
	if u.Why == steps.Outage {
		said = append(said, kit.Words("I keep trying"))
	} else {
		said = append(said, kit.Words("The administrators have been told; it continues on its own once that is fixed"))
	}
	return append(said, kit.Words(", until "), kit.Moment(v.Request.ExpiresAt), kit.Words("."))
}

// plainly says that the reviewers see the shorter card, and why. It is nil when they see
// the full one.
func plainly(v *steps.View) []kit.Part {
	u := v.Unseen[steps.SurfaceCard]
	if !u.Repeats() {
		return nil
	}
	return kit.Flow(kit.Words(" The reviewers see a shorter card from which they open the code, because "), Because(u.Why, u.Code, kit.Words("the review channel")), kit.Words("."))
}
