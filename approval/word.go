package approval

import "time"

// The words that people are sent about a request while it waits.

// ApprovedBy is what a NoticeApproved says to somebody in whose name code was approved.
type ApprovedBy struct {
	Revision int    `json:"revision"`
	Digest   string `json:"digest"`
	Reviewer string `json:"reviewer"`
	// The reviewer who had let them, when it was in somebody's place.
	InPlaceOf string `json:"in_place_of,omitempty"`
	Click     Click  `json:"click"`
}

// Disowned is what a NoticeDisowned says to the administrators.
type Disowned struct {
	Revision int    `json:"revision"`
	Reviewer string `json:"reviewer"`           // who says so
	GivenBy  string `json:"given_by,omitempty"` // who gave it in their place, when it was not given as them
	TooLate  bool   `json:"too_late,omitempty"` // it had started already
	Click    Click  `json:"click"`
}

// Waiting is what a NoticeReminder says.
type Waiting struct {
	Revision  int       `json:"revision"`
	Escalated bool      `json:"escalated,omitempty"` // to the fallback reviewers
	Until     time.Time `json:"until"`
}

// Asked is what a NoticeAssigned and a NoticeOpinion say.
type Asked struct {
	Revision int    `json:"revision"`
	By       string `json:"by"`
}

// EditRefused is what a NoticeEditFailed says to the one who edited.
type EditRefused struct {
	Revision int    `json:"revision"` // the one that was edited, and stands again
	Why      string `json:"why"`
	Code     string `json:"code"` // what they had written, so that it is not lost
}
