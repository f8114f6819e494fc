package approval

import (
	"encoding/json"
	"strings"
)

// Fallen is an approval that does not count any more: whose it was, and why not.
type Fallen struct {
	Code FallenCode `json:"code"`
	Who  string     `json:"who"`
	For  string     `json:"for,omitempty"` // in whose place it was given
}

// FallenCode is why an approval does not count any more.
type FallenCode string

// The codes; whoever draws them has the words.
const (
	NoReviewer FallenCode = "no_reviewer" // Who is not a reviewer here any more
	NoDelegate FallenCode = "no_delegate" // Who does not decide in place of For any more
	NoMember   FallenCode = "no_member"   // Who is not a full member of this workspace any more
)

// Reopened is why code is back before the reviewers, where approvals have fallen. A
// request's Reason holds it as String writes it: people are facts in it, for whoever
// draws it to name.
type Reopened struct {
	Fallen []Fallen `json:"fallen"`
	Why    []string `json:"why,omitempty"` // what else, in sentences
}

// String is how a Reason holds it; ReadReopened reads it back.
func (o Reopened) String() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}

// ReadReopened reads a Reason; ok is false for one that is words.
func ReadReopened(reason string) (o Reopened, ok bool) {
	if !strings.HasPrefix(reason, `{"fallen":`) {
		return o, false
	}
	return o, json.Unmarshal([]byte(reason), &o) == nil
}
