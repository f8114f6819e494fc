package approval

import "time"

// Wish is a version of the code that a reviewer has read, and what they want
// changed. The model gets both.
type Wish struct {
	Revision int
	Code     string
	By       string
	Words    string
	At       time.Time
}

// Edit is code that a person has written in place of the current revision, from
// the click until it has been inspected.
type Edit struct {
	By    string `json:"by"`
	Code  string `json:"code"` // canonical
	Click Click  `json:"click"`
}
