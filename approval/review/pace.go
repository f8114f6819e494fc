package review

import (
	"slices"
	"strings"
	"time"

	"countersign/approval"
)

// Whoever has many programs to approve stops reading them. So rules say how long after first opening the code
// somebody approves it at the soonest, and how many one person approves in an hour. Both count by the database's clock. The
// schema holds decisions to the rules of a request's own channel. Those that its files bring along, and the strictest of
// all, which hold in a direct message that names no channel, are held to here alone.
//
// That it stayed open, or was read, nobody witnesses. To open the code is to open the view that shows all of it, in Slack or at a terminal: that is witnessed by an event.
// A card in a channel is not: Slack does not say who looks at a message. So where the rules give a time for
// reading, no card has Approve on it, and the view has.

const (
	// MostReading is the longest that anybody waits after opening code, however long it is.
	MostReading = 2 * time.Minute
	// MaxLineSeconds bounds what rules ask for a line.
	MaxLineSeconds = 60
	// PaceWindow is the time in which approvals of one person are counted.
	PaceWindow = time.Hour
)

// Pace is how fast people have been, as events and decisions say.
type Pace struct {
	Opened map[string]time.Time   // when each of them first opened the code of this revision
	Lately map[string][]time.Time // their approvals of its tier within the last PaceWindow, the oldest first
}

// Reading is how long after opening code of so many lines somebody approves it at the soonest.
func (t TierRules) Reading(lines int) time.Duration {
	return min(time.Duration(lines*t.LineSeconds)*time.Second, MostReading)
}

// linesOf counts as the schema does, which holds decisions to the same.
func linesOf(code string) int { return strings.Count(code, "\n") }

// fewer is the lower of two bounds; 0 is none.
func fewer(a, b int) int {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// Opens tells whether an approval takes more than a click beside the code: the code is opened first.
func (t Terms) Opens() bool { return t.Typed || t.Reading > 0 }

// CheckPace refuses an approval by somebody who has opened the code too short a while ago, or who has approved
// as many as one person does in an hour. The first they mend by reading on; the second is for somebody else.
func (t Terms) CheckPace(verdict approval.Verdict, who string, p Pace, now time.Time) error {
	if verdict != approval.Approve {
		return nil
	}
	lately := slices.DeleteFunc(slices.Clone(p.Lately[who]), func(at time.Time) bool { return now.Sub(at) >= PaceWindow })
	if t.Hourly > 0 && len(lately) >= t.Hourly {
		free := lately[len(lately)-t.Hourly].Add(PaceWindow).Sub(now)
		return &approval.NotAllowedError{Who: who, Why: approval.Reason{Code: approval.WhyManyApprovals, Name: string(t.Tier), Count: int64(len(lately)), Most: roundUp(free, time.Minute)}}
	}
	if t.Reading == 0 {
		return nil
	}
	opened, ok := p.Opened[who]
	if !ok {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyNotOpened, Name: string(t.Tier)}}
	}
	if left := opened.Add(t.Reading).Sub(now); left > 0 {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyTooSoon, Name: string(t.Tier), Count: int64(t.Lines), Most: roundUp(left, time.Second)}}
	}
	return nil
}

// roundUp says how many whole units something takes, so that nobody comes back too early.
func roundUp(d, unit time.Duration) int64 { return int64((d + unit - 1) / unit) }
