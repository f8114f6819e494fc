package audit

import (
	"context"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/trail"
)

// glassChecks hold what ran without an approval, and who has looked at it, against the events of just that.
var glassChecks = []requestCheck{
	{`SELECT format('the broken glass of %s on revision %s (%s) at %s, told to %s, because of %s: ', person, revision, digest, ` + spelledIn("at") + `, to_jsonb(others), reason) || E'\x1f' || click::text FROM broken_glass WHERE request_id = $1`,
		[]string{approval.EventBrokeGlass}, func(e trail.Witnessed) []string {
			click, _ := trail.Canonical(e.Data["click"])
			// Spelled as Postgres prints a jsonb array (", " between), which is not how RFC 8785 does.
			others := "["
			list, _ := e.Data["others"].([]any)
			for i, one := range list {
				if i > 0 {
					others += ", "
				}
				text, _ := trail.Canonical(one)
				others += text
			}
			return lineOf("the broken glass of %s on revision %s (%s) at %s, told to %s], because of %s: %s", e.Actor, e.Fact("revision"), e.Fact("digest"), spelled(e.At), others, e.Fact("reason"), click)
		}, false},
	{`SELECT format('the look of %s at the broken glass of revision %s at %s, fine: %s', person, revision, ` + spelledIn("at") + `, CASE WHEN fine THEN 'true' ELSE 'false' END) FROM glass_looks WHERE request_id = $1`,
		[]string{approval.EventLookedAtGlass}, func(e trail.Witnessed) []string {
			return lineOf("the look of %s at the broken glass of revision %s at %s, fine: %s", e.Actor, e.Fact("revision"), spelled(e.At), e.Fact("fine"))
		}, false},
}

// checkGlass finds a glass that was broken though a condition did not hold, and a look by whoever broke it or asked.
func checkGlass(ctx context.Context, tx pgx.Tx, id string) error {
	list, err := texts(ctx, tx, `SELECT format('the broken glass of %s on revision %s', g.person, g.revision) || E'\x1e' || glass_wrong(g) FROM broken_glass g
			WHERE g.request_id = $1 AND glass_wrong(g) IS NOT NULL
		UNION ALL SELECT format('the look of %s at the broken glass of revision %s', l.person, l.revision) || E'\x1e' || 'glass_looks_by_others' FROM glass_looks l
			JOIN broken_glass g ON (g.request_id, g.revision) = (l.request_id, l.revision) JOIN requests q ON q.id = l.request_id
			WHERE l.request_id = $1 AND l.person IN (g.person, q.asker) LIMIT 1`, id)
	return firstWrong(list, err, glassWords)
}

// glassWords say which condition did not hold. The keys are the names of the schema's constraints (glass_wrong in
// 0009_alone.sql): the audit asks the same function that refused the row, in case somebody had switched the triggers off.
var glassWords = map[string]string{
	"broken_glass_role":      "they had not had the role for 24 hours by the word of two others",
	"broken_glass_seen":      "an earlier one of theirs had not been looked at by two",
	"broken_glass_one":       "another one in the workspace had not been looked at by two",
	"broken_glass_others":    "two other administrators did not hear of it",
	"broken_glass_inspected": "the inspection had found a danger",
	"broken_glass_network":   "the code may reach hosts",
	"broken_glass_read":      "they had not opened the code",
	"broken_glass_reason":    "its reason is too short",
	"glass_looks_by_others":  "it is by whoever broke it, or asked",
}
