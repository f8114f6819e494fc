package draw

import (
	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/bot/kit"
)

// Back says why code is back for review, cut to a limit where the reason is plain words.
func Back(r approval.Reason, limit int) (said []kit.Part) {
	if r.Fallen == nil {
		return []kit.Part{kit.Words(kit.Cut(reasons.Words(r), limit))}
	}
	for _, f := range r.Fallen {
		said = append(append(said, kit.Person(f.Who)), fallen(f)...)
	}
	for _, why := range r.Why {
		said = append(said, kit.Words(kit.Cut(reasons.Words(why), limit)+" "))
	}
	return append(said, kit.Words("The approval no longer counts, and nothing has run. It needs a new decision."))
}

// fallen says why somebody's approval does not count any more, behind their name: a mention stands by itself, so that it can be
// pressed, and cannot begin in the middle of our words.
func fallen(f approval.Fallen) []kit.Part {
	switch f.Code {
	case approval.NoReviewer:
		return []kit.Part{kit.Words(", who approved it, is no longer a reviewer here. ")}
	case approval.NoDelegate:
		return []kit.Part{kit.Words(", who approved it, no longer decides in place of "), kit.Person(f.For), kit.Words(". ")}
	case approval.NoKey:
		return []kit.Part{kit.Words(", who approved it, has removed the key that signed it. ")}
	}
	// What is left is NoMember: they have left, or are a guest now.
	return []kit.Part{kit.Words(", who approved it, is no longer a full member of this workspace. ")}
}
