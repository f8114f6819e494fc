package review

import (
	"fmt"
	"slices"

	"countersign/approval"
	"countersign/budget"
)

// Class is what a channel's data is, as its administrators have said.
type Class string

// The classes. A channel of which nobody has said anything has internal data.
const (
	Public       Class = "public"
	Internal     Class = "internal"
	Confidential Class = "confidential"
)

// Why data raises the tier: of the channel, or of some channel where none was named.
const (
	itIsConfidential   = "The data of this channel is confidential."
	someIsConfidential = "The data of a channel is confidential, and no channel was named."
)

// TierOf grades a program, and says why it is not lower, in sentences for its
// reviewers. Of a low one there is nothing to say.
func TierOf(findings []approval.Finding, cap budget.USD, rules Rules) (tier approval.Tier, why []string) {
	tier = approval.Low
	// A tier only rises, and each reason is kept: reviewers read all of them, not just the strongest.
	raise := func(to approval.Tier, because string) {
		if to == approval.High || tier == approval.Low {
			tier = to
		}
		why = append(why, because)
	}
	dangers, cautions := 0, 0
	for _, f := range findings {
		switch f.Level {
		case approval.Danger:
			dangers++
		case approval.Caution:
			cautions++
		}
	}
	if dangers > 0 {
		raise(approval.High, counted(dangers, "The inspection found a danger.", "The inspection found %d dangers."))
	}
	if cautions > 0 {
		raise(approval.Medium, counted(cautions, "The inspection found something to be careful about.", "The inspection found %d things to be careful about."))
	}
	if rules.Class == Confidential {
		raise(approval.Medium, itIsConfidential)
	}
	switch {
	case rules.CostHigh > 0 && cap >= rules.CostHigh:
		raise(approval.High, fmt.Sprintf("It may cost %s; from %s on it counts as high.", cap, rules.CostHigh))
	case rules.CostMedium > 0 && cap >= rules.CostMedium:
		raise(approval.Medium, fmt.Sprintf("It may cost %s; from %s on it counts as medium.", cap, rules.CostMedium))
	}
	return tier, why
}

// counted is a number with its noun. many has a %d.
func counted(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// Grade puts into a manifest how much attention the program needs, and by which
// rules. Where no box reaches anything, nothing is promised.
func Grade(m *approval.Manifest, set RuleSet, findings []approval.Finding, reaches bool) {
	m.Tier, _ = TierOf(findings, m.CostCap, set.Rules)
	m.Approvals, m.Policy, m.Brought = set.Rules.For(m.Tier).Approvals, set.Name(), set.Brought
	// A seal names hosts only where the box can reach them. Else an approval would promise what
	// nothing keeps.
	if reaches && slices.ContainsFunc(findings, func(f approval.Finding) bool { return f.Kind == approval.KindNetwork }) {
		// Only a program that wants a network gets one, and only as far as the rules name hosts.
		m.Network = slices.Clone(set.Rules.Hosts)
	}
}
