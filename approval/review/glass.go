package review

import (
	"slices"
	"time"

	"countersign/approval"
)

// In an emergency somebody may have code run that nobody has approved. It is the one exception to the first
// promise, so it is narrow, all administrators hear of it at once, and two of them look at it afterwards.

const (
	// GlassAge is how long somebody has had the role before they use it.
	GlassAge = 24 * time.Hour
	// GlassLooks is how many administrators look at it, within GlassAge: else the role rests for all.
	GlassLooks = 2
	// GlassReason is how much of a reason it takes, in characters.
	GlassReason = 20
)

// Glass is how break-glass stands in a workspace.
type Glass struct {
	Unseen []approval.Glass // that fewer than GlassLooks people have looked at
	Rested time.Time        // when the role was last taken from everybody; zero: never
}

// GlassSince is since when somebody may break the glass, and since when they have been named for it by one person;
// zero times where they are not. Two others have to name them, and after the role rested they have to do so anew.
func (b Book) GlassSince(who string) (since, first time.Time) {
	var names []time.Time
	for _, g := range b.Grants {
		if g.Role == RoleGlass && g.User == who && g.By != who && g.At.After(b.Glass.Rested) {
			names = append(names, g.At)
		}
	}
	slices.SortFunc(names, time.Time.Compare)
	if len(names) > 0 {
		first = names[0]
	}
	if len(names) > 1 {
		since = names[1]
	}
	return since, first
}

// BarsGlass is why somebody may not break the glass for the current revision of a request now, for all but who the
// other administrators are. None where they may.
func (b Book) BarsGlass(r *approval.Request, who string, p approval.Policy, now time.Time) approval.Reason {
	since, first := b.GlassSince(who)
	switch {
	case since.IsZero() && first.IsZero() && !b.Glass.Rested.IsZero():
		return approval.Because(approval.WhyGlassRests)
	case since.IsZero() && first.IsZero():
		return approval.Because(approval.WhyGlassRole)
	case since.IsZero():
		return approval.Because(approval.WhyGlassSecond)
	case now.Before(since.Add(GlassAge)):
		return approval.Reason{Code: approval.WhyGlassYoung, Count: roundUp(since.Add(GlassAge).Sub(now), time.Hour)}
	case len(b.Glass.Unseen) > 0:
		return approval.Reason{Code: approval.WhyGlassUnseen, Name: b.Glass.Unseen[0].RequestID}
	case r == nil:
		return approval.Reason{}
	case slices.ContainsFunc(r.Revision.Findings, func(f approval.Finding) bool { return f.Level == approval.Danger }):
		return approval.Because(approval.WhyGlassDanger)
	case len(r.Revision.Manifest.Network) > 0:
		return approval.Because(approval.WhyGlassNetwork)
	}
	if terms := b.Terms(r, p); !terms.Slack {
		return terms.Elsewhere(r.ID)
	}
	return approval.Reason{}
}

// GlassOthers are the administrators who could look at it afterwards: not whoever breaks it, and not whoever asked.
func (b Book) GlassOthers(r *approval.Request, who string, p approval.Policy) []string {
	return slices.DeleteFunc(b.Roster(p, "").Admins, func(admin string) bool { return admin == who || admin == r.Asker })
}
