package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// moneyChecks hold what was held and what it cost against the events of just that. Budgets
// add up these rows, so a row that nobody told of would make or take room in them.
//
// Here and below each side writes the same sentence, SQL from the rows and Go from the events: whoever adds a column to one
// adds it to the other, and what differs can be read as it stands.
var moneyChecks = []requestCheck{
	{`SELECT format('the hold %s of %s', id, amount) FROM holds WHERE request_id = $1`, []string{approval.EventHeld, approval.EventUncertain}, func(e trail.Witnessed) []string {
		switch {
		case e.Kind == approval.EventHeld:
			return lineOf("the hold %s of %s", e.Fact("hold"), e.Fact("amount"))
		case e.Fact("rest_of") != "": // what stays uncertain of a hold that was settled is one of its own
			return lineOf("the hold %s of %s", e.Fact("hold"), e.Fact("held"))
		}
		return nil
	}, false},
	{`SELECT format('the cost of hold %s: %s, estimated %s, by the usage of %s, at %s', hold_id, amount, CASE WHEN estimated THEN 'true' ELSE 'false' END, coalesce(usage_of::text, 'no day'), ` + spelledIn("at") + `) FROM settlements WHERE request_id = $1`,
		[]string{approval.EventSettled}, func(e trail.Witnessed) []string {
			// Nothing stands for "no day" in the event: a fact that is empty is left out of it.
			// When it was paid decides in which month of a budget it counts, so that is held as well.
			return lineOf("the cost of hold %s: %s, estimated %s, by the usage of %s, at %s", e.Fact("hold"), e.Fact("spent"), e.Fact("estimated"), cmp.Or(e.Fact("usage_of"), "no day"), spelled(e.At))
		}, false},
}

// triesChecks hold what was held for tries of our own (doctor's boxes and calls), and what they cost, against the events of
// just that. They belong to no request, so they stand in a stream that all workspaces share, and name theirs.
var triesChecks = []houseCheck{
	{trail.CheckStream, `SELECT format('%s: the hold %s of %s', team, id, amount) FROM holds WHERE request_id IS NULL`, []string{approval.EventHeld}, func(_ string, e trail.Witnessed) string {
		return fmt.Sprintf("%s: the hold %s of %s", e.Fact("team"), e.Fact("hold"), e.Fact("amount"))
	}, false},
	{trail.CheckStream, `SELECT format('%s: the cost of hold %s: %s at %s', team, hold_id, amount, ` + spelledIn("at") + `) FROM settlements WHERE request_id IS NULL`, []string{approval.EventSettled},
		func(_ string, e trail.Witnessed) string {
			return fmt.Sprintf("%s: the cost of hold %s: %s at %s", e.Fact("team"), e.Fact("hold"), e.Fact("spent"), spelled(e.At))
		}, false},
}

// restoreChecks hold which workspaces rest after a copy was put back, and who ended that with what amount, against
// the events of just that: whoever took such a row away, or added one, would let work start that nobody has agreed to.
var restoreChecks = []houseCheck{
	{trail.RestoreStream, `SELECT format('the copy that was put back at %s: %s', ` + spelledIn("at") + `, string_agg(team, ',' ORDER BY team COLLATE "C")) FROM restores GROUP BY at, told`,
		[]string{approval.EventRestored}, func(_ string, e trail.Witnessed) string {
			var teams []string
			list, _ := e.Data["teams"].([]any)
			for _, team := range list {
				teams = append(teams, fmt.Sprint(team))
			}
			if len(teams) == 0 {
				return "" // nobody had asked anything
			}
			// By bytes, as COLLATE "C" does: a locale of the server would put upper and lower case elsewhere.
			slices.Sort(teams)
			return fmt.Sprintf("the copy that was put back at %s: %s", spelled(e.At), strings.Join(teams, ","))
		}, false},
	{trail.BudgetStream, `SELECT format('%s: what was spent after the copy of event %s: %s, by %s at %s', team, restored, spent, person, ` + spelledIn("at") + `) FROM reckonings`,
		[]string{approval.EventReckoned}, func(_ string, e trail.Witnessed) string {
			return fmt.Sprintf("%s: what was spent after the copy of event %s: %s, by %s at %s", e.Fact("scope", "team"), e.Fact("restored"), e.Fact("spent"), e.Actor, spelled(e.At))
		}, false},
}

// keysCheck holds reviewers' SSH keys: with a key that was slipped in, anybody could sign for high risk at a terminal.
var keysCheck = houseCheck{"people", `SELECT format('%s: the key %s is %s of %s at %s', team, line, CASE WHEN named THEN 'now one' ELSE 'no longer one' END, person, ` + spelledIn("at") + `) FROM ssh_keys`,
	[]string{approval.EventRegisteredKey, approval.EventRemovedKey}, func(team string, e trail.Witnessed) string {
		now := map[string]string{approval.EventRegisteredKey: "now one", approval.EventRemovedKey: "no longer one"}[e.Kind]
		return fmt.Sprintf("%s: the key %s is %s of %s at %s", team, e.Fact("key"), now, e.Actor, spelled(e.At))
	}, false}

// pinsCheck holds what was pinned: a pin lets everybody in its channel ask about the file, and code read it.
var pinsCheck = houseCheck{"pins", `SELECT format('%s: file %s of "%s" is %s by %s at %s: name %s, content %s, %s bytes, for %s, in the place of %s, shared by %s at %s', team, file, project, verb, "by", ` + spelledIn("at") + `, name, content, size, array_to_string(people, ','), instead_of, shared_by, coalesce(` + spelledIn("shared_at") + `, '')) FROM pins`,
	[]string{approval.EventPinned, approval.EventUnpinned, approval.EventAcceptedUpload, approval.EventDeclinedUpload}, func(team string, e trail.Witnessed) string {
		var people []string
		list, _ := e.Data["for"].([]any)
		for _, who := range list {
			people = append(people, fmt.Sprint(who))
		}
		sharedAt := ""
		if at, err := time.Parse(time.RFC3339Nano, e.Fact("shared_at")); err == nil {
			sharedAt = spelled(at)
		}
		return fmt.Sprintf(`%s: file %s of "%s" is %s by %s at %s: name %s, content %s, %s bytes, for %s, in the place of %s, shared by %s at %s`, team, e.Fact("file"), e.Fact("channel"), e.Kind, e.Actor, spelled(e.At),
			e.Fact("name"), e.Fact("content"), e.Fact("size"), strings.Join(people, ","), e.Fact("instead_of"), e.Fact("shared_by"), sharedAt)
	}, false}

// checkSigned holds decisions of high risk by another door against the keys of people: signed
// by one of their reviewer's own, a day old and not removed by then, after they were asked. The schema cannot check a
// signature, so the word of serve and this audit are all that stands here.
// The trail t is the request's, and has been checked. That of people is read here, and only what is signed in it counts.
func checkSigned(ctx context.Context, tx pgx.Tx, n *trail.Notary, id string, t trail.Trail) error {
	type high struct {
		Number       int
		Digest, Team string
	}
	revisions, err := pg.All[high](ctx, tx, `SELECT v.number, v.digest, q.team FROM revisions v JOIN requests q ON q.id = v.request_id WHERE v.request_id = $1 AND v.tier = 'high'`, id)
	if err != nil || len(revisions) == 0 {
		return err
	}
	told, err := trail.Tellings(ctx, tx, trail.PeopleStream(revisions[0].Team))
	if err != nil {
		return err
	}
	keys := told.Signed(n) // whoever forges a key is named by the audit of the workspace
	// From the events and not from the rows: requestChecks hold the rows against these by now.
	for verdict, kind := range trail.VerdictEvents {
		for _, e := range t.Of(kind) {
			at := slices.IndexFunc(revisions, func(h high) bool { return strconv.Itoa(h.Number) == e.Fact("revision") })
			// A click in Slack has no door: Slack has said who clicked.
			if at < 0 || e.Fact("click", "door") == "" {
				continue
			}
			h := revisions[at]
			// Made anew from the row and the event, not read: a signature of another digest or verdict must not count here.
			d := approval.Decision{RequestID: id, Revision: h.Number, Digest: h.Digest, Reviewer: e.Actor, Verdict: verdict,
				Click: approval.Click{Nonce: e.Fact("click", "nonce")}}
			what := fmt.Sprintf("the %s of %s on revision %d, of high risk by another door than Slack", verdict, e.Actor, h.Number)
			line := e.Fact("click", "key")
			switch {
			case d.Statement(h.Team).Verify(line, e.Fact("click", "signature")) != nil:
				return differs(what, "no key has signed it")
			case !signs(keys, e.Actor, line, e.At):
				return differs(what, "its key was not theirs for a day")
			case !slices.ContainsFunc(t.Of(approval.EventAskedToSign), func(asked trail.Witnessed) bool {
				return asked.Actor == e.Actor && !asked.At.After(e.At) && !asked.At.Before(e.At.Add(-approval.NonceTime)) &&
					asked.Says(map[string]string{"nonce": d.Click.Nonce, "revision": e.Fact("revision"), "digest": d.Digest, "verdict": string(verdict)})
			}):
				return differs(what, "nobody asked for it a moment before")
			}
		}
	}
	return nil
}

// signs tells whether somebody had a key for a day at some time, as the trail of people says. The last event before that
// time decides: who removed a key and registered it again waits another day.
// The schema's function of that name asks the same of the rows, at the moment of the decision.
func signs(t trail.Trail, who, line string, at time.Time) (does bool) {
	for _, e := range t.Of(approval.EventRegisteredKey, approval.EventRemovedKey) {
		if e.Actor == who && e.Fact("key") == line && e.At.Before(at) {
			does = e.Kind == approval.EventRegisteredKey && !e.At.Add(review.KeyAge).After(at)
		}
	}
	return does
}

// checkRuled finds a revision that names other rules than held in its channel, or asks for
// fewer approvals. Rules may have been replaced while it was written: a minute is no
// difference. What is put before the reviewers once more keeps what it named.
func checkRuled(ctx context.Context, tx pgx.Tx, id string) error {
	// "settings" stands where no rules were set. More approvals than the rules want are no difference, fewer are. The same
	// digest under the next number is a version that was put before its reviewers again.
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

// checkPaced finds an approval that came faster than the rules let anybody approve. Rules may have been replaced
// meanwhile: a minute is no difference.
func checkPaced(ctx context.Context, tx pgx.Tx, id string) error {
	// hurried is what the schema refused it by when it came, asked once more of the rows as they stand.
	list, err := texts(ctx, tx, `SELECT format('the approval of %s on revision %s', d.reviewer, d.revision) FROM decisions d
		WHERE d.request_id = $1 AND NOT EXISTS (SELECT FROM (VALUES ('0 minutes'), ('-1 minute'), ('1 minute')) AS slack (by) WHERE hurried(d, d.at + by::interval) IS NULL)
		ORDER BY d.at LIMIT 1`, id)
	if err != nil || len(list) == 0 {
		return err
	}
	return differs(list[0], "it came faster than the rules let anybody approve")
}

// repeatChecks hold the run that a request repeats against what was told of it.
var repeatChecks = []requestCheck{
	{`SELECT format('the repetition of revision %s (%s) of %s by %s', repeats_revision, repeats_digest, repeats, asker) FROM requests WHERE id = $1 AND repeats IS NOT NULL`,
		[]string{approval.EventRepeats}, func(e trail.Witnessed) []string {
			return lineOf("the repetition of revision %s (%s) of %s by %s", e.Fact("revision"), e.Fact("digest"), e.Fact("request"), e.Actor)
		}, false},
}

// checkRepeats finds a version that is not what its request repeats. What has been forgotten of
// either cannot be compared any more.
func checkRepeats(ctx context.Context, tx pgx.Tx, id string) error {
	// said() is '' for what has been forgotten.
	list, err := texts(ctx, tx, `SELECT format('revision %s differs in its %s', v.number, repeats_otherwise(v.request_id, said(v.manifest)))
		FROM revisions v JOIN requests q ON q.id = v.request_id JOIN revisions f ON (f.request_id, f.number) = (q.repeats, q.repeats_revision)
		WHERE v.request_id = $1 AND said(v.manifest) <> '' AND said(f.manifest) <> '' AND repeats_otherwise(v.request_id, said(v.manifest)) IS NOT NULL
		ORDER BY v.number LIMIT 1`, id)
	if err != nil || len(list) == 0 {
		return err
	}
	return differs(list[0], "its request repeats another run")
}

// requestCheck is what a table says of a request, and what the events do.
// line may give nothing for an event of a kind that tells of several things, such as EventUncertain of a hold that goes on.
type requestCheck struct {
	// rows makes one text a row, of the request $1; line none, one or several an event.
	rows   string
	kinds  []string
	line   func(e trail.Witnessed) []string
	latest bool // of an event that is repeated the last counts
}

// requestChecks hold a request's own tables: what was asked, decided, written, run and posted. Of a table that is in no list here
// an audit knows nothing.
var requestChecks = []requestCheck{
	{`SELECT format('the question of %s in %s by %s%s%s', q.asker, q.project, q.trigger, CASE WHEN q.private_to <> '' OR s.private_to <> '' THEN ', for them alone' END,
			', by the model ' || (q.chosen ->> 'model') || ', which ' || (q.chosen ->> 'by') || ' has chosen')
		FROM requests q JOIN sessions s ON s.id = q.session_id WHERE q.id = $1`, []string{approval.EventAsked},
		func(e trail.Witnessed) []string {
			alone := ""
			if e.Fact("private") == "true" {
				alone = ", for them alone"
			}
			if by := e.Fact("chosen_by"); by != "" {
				alone += ", by the model " + e.Fact("chosen") + ", which " + by + " has chosen"
			}
			return lineOf("the question of %s in %s by %s%s", e.Actor, e.Fact("channel"), e.Fact("trigger"), alone)
		}, false},
	{`SELECT format('the %s of %s on revision %s (%s) at %s, in the place of %s: ', verdict, reviewer, revision, digest, ` + spelledIn("at") + `, coalesce(in_place_of, 'nobody')) || E'\x1f' || click::text FROM decisions WHERE request_id = $1`,
		[]string{approval.EventApproved, approval.EventRejected, approval.EventChangesRequested}, func(e trail.Witnessed) []string {
			verdict := map[string]approval.Verdict{approval.EventApproved: approval.Approve, approval.EventRejected: approval.Reject, approval.EventChangesRequested: approval.Rewrite}[e.Kind]
			place := e.Fact("in_place_of")
			if place == "" {
				place = "nobody"
			}
			// The click whole, with every fact that Slack gave of it: whoever changes one of them is named.
			click, _ := trail.Canonical(e.Data["click"])
			return lineOf("the %s of %s on revision %s (%s) at %s, in the place of %s: %s", verdict, e.Actor, e.Fact("revision"), e.Fact("digest"), spelled(e.At), place, click)
		}, false},
	{`SELECT format('revision %s (%s) at %s: code %s, terms %s, summary %s, findings %s', number, digest, ` + spelledIn("at") + `, code, manifest, summary, findings) FROM revisions WHERE request_id = $1`,
		[]string{approval.EventDrafted, approval.EventSealedAnew}, func(e trail.Witnessed) []string {
			return lineOf("revision %s (%s) at %s: code %s, terms %s, summary %s, findings %s", e.Fact("revision"), e.Fact("digest"), spelled(e.At),
				e.Fact("code"), e.Fact("manifest"), e.Fact("summary"), e.Fact("findings_list"))
		}, false},
	// A start that was taken back moved to unstarted_runs, and its event stays.
	{`SELECT format('the start of revision %s (%s) in box %s at %s', revision, digest, box_id, ` + spelledIn("started_at") + `) FROM (
		SELECT request_id, revision, digest, box_id, started_at FROM runs UNION ALL SELECT request_id, revision, digest, box_id, started_at FROM unstarted_runs) r WHERE request_id = $1`,
		[]string{approval.EventStarted}, func(e trail.Witnessed) []string {
			return lineOf("the start of revision %s (%s) in box %s at %s", e.Fact("revision"), e.Fact("digest"), e.Fact("box"), spelled(e.At))
		}, false},
	{`SELECT format('the end in box %s that %s wants at %s', box_id, stopped_by, ` + spelledIn("stopped_at") + `) FROM runs WHERE request_id = $1 AND stopped_at IS NOT NULL`,
		[]string{approval.EventStopped}, func(e trail.Witnessed) []string {
			return lineOf("the end in box %s that %s wants at %s", e.Fact("box"), e.Actor, spelled(e.At))
		}, false},
	{`SELECT format('what was taken back, in box %s', box_id) FROM unstarted_runs WHERE request_id = $1`, []string{approval.EventUnstarted},
		func(e trail.Witnessed) []string { return lineOf("what was taken back, in box %s", e.Fact("box")) }, false},
	{`SELECT format('result %s at %s', result, ` + spelledIn("finished_at") + `) FROM runs WHERE request_id = $1 AND finished_at IS NOT NULL`, []string{approval.EventFinished},
		func(e trail.Witnessed) []string { return lineOf("result %s at %s", e.Fact("result"), spelled(e.At)) }, false},
	// Files have no event each: the one of the end lists them.
	{`SELECT format('file %s', data) FROM artifacts WHERE request_id = $1`, []string{approval.EventFinished}, func(e trail.Witnessed) (list []string) {
		files, _ := e.Data["files"].([]any)
		for _, f := range files {
			file, _ := f.(map[string]any)
			list = append(list, "file "+trail.Witnessed{Data: file}.Fact("content"))
		}
		return list
	}, false},
	{`SELECT format('%s at %s', role, ` + spelledIn("at") + `) || coalesce(': ' || text, '') FROM messages WHERE request_id = $1`,
		[]string{approval.EventAsked, approval.EventAskedToClarify, approval.EventClarified, approval.EventDrafted, approval.EventFinished, approval.EventLost}, func(e trail.Witnessed) []string {
			// Which field of an event the message is. A lost run says something only where there is something to say.
			of := map[string]struct{ role, field string }{approval.EventAsked: {"question", "question"}, approval.EventDrafted: {"code", "code"},
				approval.EventAskedToClarify: {"clarify", "question"}, approval.EventClarified: {"clarified", "answer"},
				approval.EventFinished: {"result", "said"}, approval.EventLost: {"result", "said"}}[e.Kind]
			list := lineOf("%s at %s: %s", of.role, spelled(e.At), e.Fact(of.field))
			// A revision may bring a second message: what the model proposed to ask next.
			if next := e.Fact("next"); e.Kind == approval.EventDrafted && next != "" {
				list = append(list, lineOf("next at %s: %s", spelled(e.At), next)...)
			}
			return list
		}, false},
	{`SELECT format('a top-up %s of %s by %s', id, amount, asked_by) FROM topups WHERE request_id = $1`, []string{approval.EventAskedForTopUp},
		func(e trail.Witnessed) []string {
			return lineOf("a top-up %s of %s by %s", e.Fact("topup"), e.Fact("amount"), e.Actor)
		}, false},
	{`SELECT format('the answer to top-up %s by %s: %s', id, decided_by, CASE WHEN granted THEN ` + spelledIn("expires_at") + ` ELSE 'no' END) FROM topups WHERE request_id = $1 AND decided_by IS NOT NULL`,
		[]string{approval.EventGrantedTopUp, approval.EventDeclinedTopUp}, func(e trail.Witnessed) []string {
			until := "no"
			if at, err := time.Parse(time.RFC3339Nano, e.Fact("until")); err == nil && e.Kind == approval.EventGrantedTopUp {
				until = spelled(pg.Micro(at))
			}
			return lineOf("the answer to top-up %s by %s: %s", e.Fact("topup"), e.Actor, until)
		}, false},
	{`SELECT format('the message %s: %s %s', surface, channel, ts) FROM posts WHERE request_id = $1`, []string{approval.EventPosted},
		func(e trail.Witnessed) []string {
			return lineOf("the message %s: %s %s", e.Fact("surface"), e.Fact("channel"), e.Fact("ts"))
		}, true},
}

// houseCheck is what a table says of workspaces, and what the events do. stream is the name before the colon, as in
// "people:T1"; "" as a line says nothing.
// Of a stream that all workspaces share (budget, restores) team is empty, and the event names its own.
type houseCheck struct {
	stream string
	// As requestCheck's, of all workspaces at once.
	rows   string
	kinds  []string
	line   func(team string, e trail.Witnessed) string
	latest bool
}

var houseChecks = slices.Concat([]houseCheck{keysCheck, pinsCheck}, triesChecks, restoreChecks, []houseCheck{
	{"people", `SELECT format('%s: what %s asked is %s by %s at %s', team, person, CASE WHEN held THEN 'kept' ELSE 'not kept any more' END, by, ` + spelledIn("at") + `) FROM legal_holds`,
		[]string{approval.EventLegalHold, approval.EventLegalHoldEnded}, func(team string, e trail.Witnessed) string {
			is := map[string]string{approval.EventLegalHold: "kept", approval.EventLegalHoldEnded: "not kept any more"}[e.Kind]
			return fmt.Sprintf("%s: what %s asked is %s by %s at %s", team, e.Fact("person"), is, e.Actor, spelled(e.At))
		}, false},
	{"people", `SELECT format('%s: what %s asked is to be forgotten, says %s at %s', team, person, by, ` + spelledIn("at") + `) FROM erasures`,
		[]string{approval.EventAskedToErase}, func(team string, e trail.Witnessed) string {
			return fmt.Sprintf("%s: what %s asked is to be forgotten, says %s at %s", team, e.Fact("person"), e.Actor, spelled(e.At))
		}, false},
	{"people", `SELECT format('%s: %s is %s %s in "%s" by %s at %s', team, person, CASE WHEN named THEN 'now' ELSE 'no longer' END, role, project, by, ` + spelledIn("at") + `) FROM people`,
		[]string{approval.EventNamed, approval.EventRemoved}, func(team string, e trail.Witnessed) string {
			now := map[string]string{approval.EventNamed: "now", approval.EventRemoved: "no longer"}[e.Kind]
			return fmt.Sprintf(`%s: %s is %s %s in "%s" by %s at %s`, team, e.Fact("person"), now, e.Fact("role"), e.Fact("channel"), e.Actor, spelled(e.At))
		}, false},
	{"people", `SELECT format('%s: in the place of %s decides %s from %s', team, principal, coalesce(delegate || ' until ' || ` + spelledIn("until") + `, 'nobody'), ` + spelledIn("at") + `) FROM delegations`,
		[]string{approval.EventDelegated, approval.EventDelegationEnded}, func(team string, e trail.Witnessed) string {
			from, to := e.Fact("from"), "nobody"
			if from == "" {
				from = e.Actor
			}
			if until, err := time.Parse(time.RFC3339Nano, e.Fact("until")); err == nil {
				to = e.Fact("to") + " until " + spelled(until)
			}
			return fmt.Sprintf("%s: in the place of %s decides %s from %s", team, from, to, spelled(e.At))
		}, false},
	{"rules", `SELECT format('%s: version %s of the rules of "%s" by %s at %s', team, version, project, set_by, ` + spelledIn("set_at") + `) || E'\x1f' || coalesce(document::text, 'null') FROM rules`,
		[]string{approval.EventSetRules}, func(team string, e trail.Witnessed) string {
			rules, _ := trail.Canonical(e.Data["rules"])
			return fmt.Sprintf(`%s: version %s of the rules of "%s" by %s at %s`, team, e.Fact("version"), e.Fact("channel"), e.Actor, spelled(e.At)) + rules
		}, false},
	{"budget", `SELECT format('the limit of %s %s %s: %s by %s at %s', team, kind, id, coalesce(amount || ' per ' || per, 'none'), set_by, ` + spelledIn("set_at") + `) FROM limits`,
		[]string{approval.EventSetLimit, approval.EventRemovedLimit}, func(_ string, e trail.Witnessed) string {
			is := "none"
			if e.Kind == approval.EventSetLimit {
				is = e.Fact("amount") + " per " + e.Fact("window")
			}
			return fmt.Sprintf("the limit of %s %s %s: %s by %s at %s", e.Fact("scope", "team"), e.Fact("scope", "kind"), e.Fact("scope", "id"), is, e.Actor, spelled(e.At))
		}, true},
})
