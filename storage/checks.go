package storage

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/review"
)

// moneyChecks hold what was held and what it cost against the events of just that. Budgets
// add up these rows, so a row that nobody told of would make or take room in them.
var moneyChecks = []requestCheck{
	{`SELECT format('the hold %s of %s', id, amount) FROM holds WHERE request_id = $1`, []string{approval.EventHeld, approval.EventUncertain}, func(e witnessed) []string {
		switch {
		case e.Kind == approval.EventHeld:
			return lineOf("the hold %s of %s", e.fact("hold"), e.fact("amount"))
		case e.fact("rest_of") != "": // what stays uncertain of a hold that was settled is one of its own
			return lineOf("the hold %s of %s", e.fact("hold"), e.fact("held"))
		}
		return nil
	}, false},
	{`SELECT format('the cost of hold %s: %s, estimated %s', hold_id, amount, CASE WHEN estimated THEN 'true' ELSE 'false' END) FROM settlements WHERE request_id = $1`,
		[]string{approval.EventSettled}, func(e witnessed) []string {
			return lineOf("the cost of hold %s: %s, estimated %s", e.fact("hold"), e.fact("spent"), e.fact("estimated"))
		}, false},
}

// triesChecks hold what was held for tries of our own, and what they cost, against the events of just that.
var triesChecks = []houseCheck{
	{checkStream, `SELECT format('%s: the hold %s of %s', team, id, amount) FROM holds WHERE request_id IS NULL`, []string{approval.EventHeld}, func(_ string, e witnessed) string {
		return fmt.Sprintf("%s: the hold %s of %s", e.fact("team"), e.fact("hold"), e.fact("amount"))
	}, false},
	{checkStream, `SELECT format('%s: the cost of hold %s: %s at %s', team, hold_id, amount, ` + spelledIn("at") + `) FROM settlements WHERE request_id IS NULL`, []string{approval.EventSettled},
		func(_ string, e witnessed) string {
			return fmt.Sprintf("%s: the cost of hold %s: %s at %s", e.fact("team"), e.fact("hold"), e.fact("spent"), spelled(e.At))
		}, false},
}

var keysCheck = houseCheck{"people", `SELECT format('%s: the key %s is %s of %s at %s', team, line, CASE WHEN named THEN 'now one' ELSE 'no longer one' END, person, ` + spelledIn("at") + `) FROM ssh_keys`,
	[]string{approval.EventRegisteredKey, approval.EventRemovedKey}, func(team string, e witnessed) string {
		now := map[string]string{approval.EventRegisteredKey: "now one", approval.EventRemovedKey: "no longer one"}[e.Kind]
		return fmt.Sprintf("%s: the key %s is %s of %s at %s", team, e.fact("key"), now, e.Actor, spelled(e.At))
	}, false}

// checkSigned holds decisions of high risk by another door against the keys of people: signed
// by one of their reviewer's own, a day old and not removed by then, after they were asked.
func checkSigned(ctx context.Context, tx pgx.Tx, n *notary, id string, t trail) error {
	type high struct {
		Number       int
		Digest, Team string
	}
	revisions, err := all[high](ctx, tx, `SELECT v.number, v.digest, q.team FROM revisions v JOIN requests q ON q.id = v.request_id WHERE v.request_id = $1 AND v.tier = 'high'`, id)
	if err != nil || len(revisions) == 0 {
		return err
	}
	told, err := tellings(ctx, tx, peopleStream(revisions[0].Team))
	if err != nil {
		return err
	}
	keys := told.signed(n) // whoever forges a key is named by the audit of the workspace
	for verdict, kind := range verdictEvents {
		for _, e := range t.of(kind) {
			at := slices.IndexFunc(revisions, func(h high) bool { return strconv.Itoa(h.Number) == e.fact("revision") })
			if at < 0 || e.fact("click", "door") == "" {
				continue
			}
			h := revisions[at]
			d := approval.Decision{RequestID: id, Revision: h.Number, Digest: h.Digest, Reviewer: e.Actor, Verdict: verdict,
				Click: approval.Click{Nonce: e.fact("click", "nonce")}}
			what := fmt.Sprintf("the %s of %s on revision %d, of high risk by another door than Slack", verdict, e.Actor, h.Number)
			line := e.fact("click", "key")
			switch {
			case d.Statement(h.Team).Verify(line, e.fact("click", "signature")) != nil:
				return differs(what, "no key has signed it")
			case !signs(keys, e.Actor, line, e.At):
				return differs(what, "its key was not theirs for a day")
			case !slices.ContainsFunc(t.of(approval.EventAskedToSign), func(asked witnessed) bool {
				return asked.Actor == e.Actor && !asked.At.After(e.At) && !asked.At.Before(e.At.Add(-approval.NonceTime)) &&
					asked.says(map[string]string{"nonce": d.Click.Nonce, "revision": e.fact("revision"), "digest": d.Digest, "verdict": string(verdict)})
			}):
				return differs(what, "nobody asked for it a moment before")
			}
		}
	}
	return nil
}

// signs tells whether somebody had a key for a day at some time, as the trail of people says.
func signs(t trail, who, line string, at time.Time) (does bool) {
	for _, e := range t.of(approval.EventRegisteredKey, approval.EventRemovedKey) {
		if e.Actor == who && e.fact("key") == line && e.At.Before(at) {
			does = e.Kind == approval.EventRegisteredKey && !e.At.Add(review.KeyAge).After(at)
		}
	}
	return does
}

// checkRuled finds a revision that names other rules than held in its channel, or asks for
// fewer approvals. Rules may have been replaced while it was written: a minute is no
// difference. What is put before the reviewers once more keeps what it named.
func checkRuled(ctx context.Context, tx pgx.Tx, id string) error {
	list, err := texts(ctx, tx, `SELECT format('revision %s names %s and asks for %s', v.number, coalesce(v.policy, 'no rules'), coalesce(v.needed, 0))
		FROM revisions v JOIN requests q ON q.id = v.request_id
		WHERE v.request_id = $1 AND NOT EXISTS (SELECT FROM revisions before WHERE (before.request_id, before.number, before.digest) = (v.request_id, v.number - 1, v.digest))
		AND NOT EXISTS (SELECT FROM (VALUES ('0 minutes'), ('-1 minute'), ('1 minute')) AS slack (by) LEFT JOIN ruling(q.team, q.project, v.at + by::interval) r ON true
			WHERE coalesce(v.policy, 'settings') = coalesce(r.name, 'settings') AND (r.name IS NULL OR v.needed >= (r.document #>> ARRAY[v.tier, 'approvals'])::integer))
		ORDER BY v.number LIMIT 1`, id)
	if err != nil || len(list) == 0 {
		return err
	}
	return differs(list[0], "other rules held then")
}
