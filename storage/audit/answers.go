package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// listed spells a list of ids as array_to_string does.
func listed(ids any) string {
	// Decoded from JSON, where a list may hold anything. What is no id is spelled, and then fits no row.
	list, _ := ids.([]any)
	var names []string
	for _, id := range list {
		names = append(names, fmt.Sprint(id))
	}
	return strings.Join(names, ",")
}

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
	{`SELECT format('hand-over %s of %s to %s at %s, until %s: files %s, answers %s', id, session_id, colleague, ` + spelledIn("at") + `, ` + spelledIn("until") + `, array_to_string(files, ','), array_to_string(answers, ',')) FROM handovers WHERE request_id = $1`,
		[]string{approval.EventOfferedHandOver}, func(e trail.Witnessed) []string {
			// Without its time there is no line, so the row stands alone and is named as one that no event tells of.
			until, err := time.Parse(time.RFC3339Nano, e.Fact("until"))
			if err != nil {
				return nil
			}
			return lineOf("hand-over %s of %s to %s at %s, until %s: files %s, answers %s", e.Fact("handover"), e.Fact("session"), e.Fact("to"), spelled(e.At), spelled(pg.Micro(until)), listed(e.Data["files"]), listed(e.Data["answers"]))
		}, false},
	{`SELECT format('hand-over %s is %s by %s at %s, into %s', id, verdict, ended_by, ` + spelledIn("ended_at") + `, into_session) FROM handovers WHERE request_id = $1 AND verdict IS NOT NULL`,
		slices.Collect(maps.Values(approval.HandEvents)), func(e trail.Witnessed) []string {
			// The first word of these kinds ("accepted …") is the verdict as the table spells it.
			// The event of an end has no verdict among its facts: its kind says it.
			verdict, _, _ := strings.Cut(e.Kind, " ")
			return lineOf("hand-over %s is %s by %s at %s, into %s", e.Fact("handover"), verdict, e.Actor, spelled(e.At), e.Fact("into"))
		}, false},
	{`SELECT format('the file %s of its %s', file, surface) FROM uploads WHERE request_id = $1`, []string{approval.EventUploaded},
		func(e trail.Witnessed) []string {
			return lineOf("the file %s of its %s", e.Fact("file"), e.Fact("surface"))
		}, false},
	// A post that is gone keeps its row: `shown` then says so, and why something of it had to stay.
	{`SELECT format('gone from Slack, %s: %s %s', surface, ts, shown) FROM posts WHERE request_id = $1 AND shown LIKE 'taken back%'`, []string{approval.EventDeleted},
		func(e trail.Witnessed) []string {
			shown := steps.TakenBack
			if stays := e.Fact("stays"); stays != "" {
				shown += ": " + stays
			}
			return lineOf("gone from Slack, %s: %s %s", e.Fact("surface"), e.Fact("ts"), shown)
		}, true},
}
