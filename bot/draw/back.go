package draw

import (
	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/bot/kit"
)

// Back says why code is before the reviewers again, in so many characters where that is
// words alone.
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
	return append(said, kit.Words("So the approval does not hold any more, and nothing was run. It takes a new decision."))
}

// fallen says why somebody's approval does not count any more, behind their name.
func fallen(f approval.Fallen) []kit.Part {
	switch f.Code {
	case approval.NoReviewer:
		return []kit.Part{kit.Words(", whose approval it has, is not a reviewer here any more. ")}
	case approval.NoDelegate:
		return []kit.Part{kit.Words(", who approved it, does not decide in place of "), kit.Person(f.For), kit.Words(" any more. ")}
	}
	return []kit.Part{kit.Words(", whose approval it has, is not a full member of this workspace any more. ")}
}
