package draw

import (
	"countersign/approval"
	"countersign/bot/kit"
)

// Back says why code is back for review, cut to a limit where the reason is plain words.
func Back(reason string, limit int) (said []kit.Part) {
	o, ok := approval.ReadReopened(reason)
	if !ok {
		return []kit.Part{kit.Words(kit.Cut(reason, limit))}
	}
	for _, f := range o.Fallen {
		said = append(append(said, kit.Person(f.Who)), fallen(f)...)
	}
	for _, why := range o.Why {
		said = append(said, kit.Words(kit.Cut(why, limit)+" "))
	}
	return append(said, kit.Words("The approval no longer counts, and nothing has run. It needs a new decision."))
}

// fallen says why somebody's approval does not count any more, behind their name.
func fallen(f approval.Fallen) []kit.Part {
	switch f.Code {
	case approval.NoReviewer:
		return []kit.Part{kit.Words(", who approved it, is no longer a reviewer here. ")}
	case approval.NoDelegate:
		return []kit.Part{kit.Words(", who approved it, no longer decides in place of "), kit.Person(f.For), kit.Words(". ")}
	}
	return []kit.Part{kit.Words(", who approved it, is no longer a full member of this workspace. ")}
}
