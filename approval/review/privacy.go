package review

import (
	"errors"

	"countersign/approval"
	"countersign/approval/redact"
)

// Privacy is what administrators of a workspace want hidden wherever something leaves a
// conversation, and for how long they keep what was asked and what came out.
type Privacy struct {
	Hide approval.Said `json:"hide,omitempty"` // one rule a line: redact.With
	Keep Keep          `json:"keep,omitzero"`
}

// Keep is how many days after the end of a request each part of it is kept; 0: for good. Decisions,
// money and the hashes of all that is forgotten stay. Data files are never kept.
type Keep struct {
	Words    int `json:"words,omitempty"` // questions, and what was said in their threads
	Code     int `json:"code,omitempty"`
	Results  int `json:"results,omitempty"`
	Readings int `json:"readings,omitempty"` // how a file is read, after it was last read
}

// MaxKeep bounds a number of days: a hundred years.
const MaxKeep = 36_500

// Set tidies what somebody has typed, and says what is wrong with it.
func (p *Privacy) Set() error {
	p.Hide = approval.Said(approval.Plain(string(p.Hide)))
	if _, err := redact.With(string(p.Hide)); err != nil {
		wrong, _ := errors.AsType[*redact.LineError](err)
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyBadHide, Count: int64(wrong.Line), Said: wrong.Why}}
	}
	for _, days := range []int{p.Keep.Words, p.Keep.Code, p.Keep.Results, p.Keep.Readings} {
		if days < 0 || days > MaxKeep {
			return &approval.InputError{Why: approval.Reason{Code: approval.WhyKeepRange, Most: MaxKeep}}
		}
	}
	return nil
}

// Hides are the rules of what leaves a conversation. A line that is a rule no more, because a later
// program reads it otherwise, takes none of the standing ones away.
func (r Rules) Hides() *redact.Rules {
	if r.Privacy == nil {
		return nil
	}
	rules, _ := redact.With(string(r.Privacy.Hide))
	return rules
}
