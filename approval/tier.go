package approval

import (
	"fmt"

	"countersign/budget"
)

// Tier is how much attention a program asks for: from what it does, what it may
// cost and what it works on. The rules say what each tier needs (Rules.For).
type Tier string

// The tiers.
const (
	Low    Tier = "low"
	Medium Tier = "medium"
	High   Tier = "high"
)

// Tiers lists all of them, the lowest first.
func Tiers() []Tier { return []Tier{Low, Medium, High} }

// Class is what a channel's data is, as its administrators have said.
type Class string

// The classes. A channel of which nobody has said anything has internal data.
const (
	Public       Class = "public"
	Internal     Class = "internal"
	Confidential Class = "confidential"
)

// TierOf grades a program, and says why it is not lower, in sentences for its
// reviewers. Of a low one there is nothing to say.
func TierOf(findings []Finding, cap budget.USD, rules Rules) (tier Tier, why []string) {
	tier = Low
	raise := func(to Tier, because string) {
		if to == High || tier == Low {
			tier = to
		}
		why = append(why, because)
	}
	dangers, cautions := 0, 0
	for _, f := range findings {
		switch f.Level {
		case Danger:
			dangers++
		case Caution:
			cautions++
		}
	}
	if dangers > 0 {
		raise(High, counted(dangers, "The inspection found a danger.", "The inspection found %d dangers."))
	}
	if cautions > 0 {
		raise(Medium, counted(cautions, "The inspection found something to be careful about.", "The inspection found %d things to be careful about."))
	}
	if rules.Class == Confidential {
		raise(Medium, "The data of this channel is confidential.")
	}
	switch {
	case rules.CostHigh > 0 && cap >= rules.CostHigh:
		raise(High, fmt.Sprintf("It may cost %s; from %s on it counts as high.", cap, rules.CostHigh))
	case rules.CostMedium > 0 && cap >= rules.CostMedium:
		raise(Medium, fmt.Sprintf("It may cost %s; from %s on it counts as medium.", cap, rules.CostMedium))
	}
	return tier, why
}

func counted(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}
