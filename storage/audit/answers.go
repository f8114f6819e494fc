package audit

import (
	"countersign/approval"
	"countersign/approval/steps"
	"countersign/storage/trail"
)

// answerChecks hold what is said of an answer in Slack against the events: that it was taken back,
// which files of it are there, and what has gone. Of each message the last that went is known: another one,
// drawn meanwhile, may have gone after it.
var answerChecks = []requestCheck{
	{`SELECT format('the answer taken back by %s at %s', person, ` + spelledIn("at") + `) FROM takebacks WHERE request_id = $1`, []string{approval.EventTookBack},
		func(e trail.Witnessed) []string {
			return lineOf("the answer taken back by %s at %s", e.Actor, spelled(e.At))
		}, false},
	{`SELECT format('the answer shared in %s by %s at %s', channel, person, ` + spelledIn("at") + `) FROM copies WHERE request_id = $1`, []string{approval.EventShared},
		func(e trail.Witnessed) []string {
			return lineOf("the answer shared in %s by %s at %s", e.Fact("channel"), e.Actor, spelled(e.At))
		}, false},
	{`SELECT format('the file %s of its %s', file, surface) FROM uploads WHERE request_id = $1`, []string{approval.EventUploaded},
		func(e trail.Witnessed) []string {
			return lineOf("the file %s of its %s", e.Fact("file"), e.Fact("surface"))
		}, false},
	{`SELECT format('gone from Slack, %s: %s %s', surface, ts, shown) FROM posts WHERE request_id = $1 AND shown LIKE 'taken back%'`, []string{approval.EventDeleted},
		func(e trail.Witnessed) []string {
			shown := steps.TakenBack
			if stays := e.Fact("stays"); stays != "" {
				shown += ": " + stays
			}
			return lineOf("gone from Slack, %s: %s %s", e.Fact("surface"), e.Fact("ts"), shown)
		}, true},
}
