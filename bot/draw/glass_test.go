package draw_test

import (
	"time"

	"countersign/approval"
	"countersign/approval/habits"
	"countersign/approval/steps"
	"countersign/bot/draw/sample"
	"countersign/internal/slacksim"
)

// unapproved is a request that somebody had run though nobody had approved it, and at which one has looked.
func unapproved(v *steps.View) {
	v.Request.Decisions = nil
	v.Request.Glass = &approval.Glass{RequestID: v.Request.ID, Revision: 1, Digest: v.Request.Revision.Digest, Person: slacksim.OtherAnalyst, At: sample.Noon.Add(time.Minute),
		Reason: "The board meets in ten minutes, and nobody is awake.", Others: []string{slacksim.Admin, slacksim.Reviewer},
		Looks: []approval.GlassLook{{Revision: 1, Person: slacksim.Reviewer, At: sample.Noon.Add(time.Hour)}}}
}

// sealedAnew is such a request whose seal broke before anything ran; disowned is when it was said not to be theirs.
func sealedAnew(disowned time.Time) func(*steps.View) {
	return func(v *steps.View) {
		unapproved(v)
		old := *v.Request.Glass
		old.Disowned, old.Looks = disowned, nil
		v.Request.Glass, v.Request.OldGlass, v.Request.Revision.Number = nil, []approval.Glass{old}, 2
	}
}

// someHabits are those of people who do not read, and of two who sign for one another.
var someHabits = habits.Digest{From: sample.Noon.AddDate(0, 0, -7), Until: sample.Noon, Approvals: 41,
	Fast:  []habits.Fast{{Reviewer: slacksim.Reviewer, Approvals: 30, Count: 2, Requests: []string{"k7q2mxd", "k39jnxh"}}},
	Pairs: []habits.Pair{{One: slacksim.Reviewer, Other: slacksim.SecondReviewer, Given: 28, Of: 30, Back: 10, OfAll: 11}}}
