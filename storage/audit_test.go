package storage

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/storage/audit"
	"countersign/storage/trail"
)

// The owner of the database can switch every guard off. What they change then an audit names.
func TestAnAuditNamesTheFirstRowThatDiffersFromTheEvents(t *testing.T) {
	t.Parallel()
	scope := budget.Scope{Team: team, Kind: budget.Team, ID: team}
	for name, c := range map[string]struct {
		sql, says string
		house     bool
	}{
		"who chose its model":     {`UPDATE requests SET chosen = '{"model": "m2", "by": "U2"}'`, "by t, by the model m2, which U2 has chosen: no event says so", false},
		"who asked":               {`UPDATE requests SET asker = 'U2'`, "the question of U2 in CHAN by t: no event says so", false},
		"a verdict":               {`UPDATE decisions SET reviewer = 'U2'`, "the approve of U2 on revision 1 ", false},
		"a decision more":         {`INSERT INTO decisions SELECT request_id, revision, digest, asker, author, 'REVC', verdict, reason, at, click FROM decisions`, "the approve of REVC", false},
		"a decision less":         {`DELETE FROM decisions`, "the approve of REVA on revision 1 (", false},
		"code":                    {`UPDATE revisions SET code = manifest`, "revision 1 (", false},
		"rules that did not hold": {`UPDATE revisions SET policy = 'team/7'`, "revision 1 names team/7 and asks for 0: other rules held then", false},
		"a hold":                  {`UPDATE holds SET amount = amount + 1 WHERE purpose = 'run'`, "the hold ", false},
		"a hold less":             {`DELETE FROM holds WHERE purpose = 'run'`, "an event says so, and no row", false},
		"a cost":                  {`UPDATE settlements SET amount = amount + 1 WHERE request_id IS NOT NULL`, "the cost of hold ", false},
		"a cost less":             {`DELETE FROM settlements WHERE request_id IS NOT NULL`, "an event says so, and no row", false},
		"when it was paid":        {`UPDATE settlements SET at = at - interval '1 month' WHERE request_id IS NOT NULL; UPDATE balances b SET start = CASE grain WHEN 'day' THEN date_bin('1 day', start - interval '1 month', 'epoch') ELSE start - interval '1 month' END`, "estimated false, by the usage of no day, at ", false},
		"a click":                 {`UPDATE decisions SET click = click || '{"channel": "C2"}'`, "the approve of REVA on revision 1 (", false},
		"findings":                {`UPDATE revisions SET findings = NULL`, "revision 1 (", false},
		"a box":                   {`UPDATE runs SET box_id = 'other'`, "in box other at ", false},
		"a run that never was":    {`DELETE FROM runs`, "an event says so, and no row", false},
		"a result":                {`UPDATE runs SET result = (SELECT code FROM revisions)`, "result ", false},
		"a file":                  {`DELETE FROM artifacts WHERE seq = 1`, "file ", false},
		"what was said":           {`UPDATE messages SET text = (SELECT code FROM revisions) WHERE role = 'result'`, "result at ", false},
		"what was not said":       {`DELETE FROM messages WHERE role = 'question'`, "question at ", false},
		"a state":                 {`UPDATE requests SET state = 'lost'`, "its state, lost: the events lead to another", false},
		"where a message stands":  {`UPDATE posts SET channel = 'C2'`, "the message card: C2 1.1: no event says so", false},
		"a role":                  {`INSERT INTO people (team, project, role, person, named, by, at) VALUES ('TEAM', '', 'reviewer', 'EVIL', true, 'ADMIN', now())`, "TEAM: EVIL is now reviewer", true},
		"a role less":             {`DELETE FROM people`, `TEAM: REVC is now reviewer in "" by ADMIN at `, true},
		"a pin":                   {`INSERT INTO pins (team, project, verb, file, "by", at) VALUES ('TEAM', 'CHAN', 'unpinned', 'FEVIL', 'ADMIN', now())`, `TEAM: file FEVIL of "CHAN" is unpinned by ADMIN`, true},
		"whom a pin is for":       {`UPDATE pins SET people = '{}'`, `TEAM: file F1 of "CHAN" is pinned by ADMIN`, true},
		"when it was shared":      {`UPDATE pins SET shared_at = now()`, `TEAM: file F1 of "CHAN" is pinned by ADMIN`, true},
		"a pin less":              {`DELETE FROM pins`, `TEAM: file F1 of "CHAN" is pinned by ADMIN`, true},
		"a place":                 {`UPDATE delegations SET delegate = 'EVIL'`, "TEAM: in the place of REVA decides EVIL until ", true},
		"rules":                   {`UPDATE rules SET document = jsonb_set(document, '{high,approvals}', '1')`, `TEAM: version 1 of the rules of "" by ADMIN`, true},
		"a limit":                 {`UPDATE limits SET amount = 9000000000000`, "the limit of TEAM team TEAM: 9000000000000 per month by ADMIN", true},
		"a hold of the house": {`INSERT INTO holds (id, team, asker, session_id, project, purpose, amount, at, expires_at, called) SELECT 'made-up', team, asker, session_id, project, purpose, 9000, at, expires_at, called FROM holds WHERE request_id IS NULL`,
			"TEAM: the hold made-up of 9000: no event says so", true},
		"a cost of the house": {`UPDATE settlements SET at = at - interval '1 month' WHERE request_id IS NULL`, "TEAM: the cost of hold ", true},
		"a balance":           {`UPDATE balances SET spent = spent - 1 WHERE kind = 'user' AND grain = 'day'`, "in TEAM for the day from ", true},
		"a balance more":      {`INSERT INTO balances (team, kind, id, grain, start, spent) VALUES ('TEAM', 'model', 'made-up', 'quarter', '2026-01-01Z', 7)`, "the balance of model made-up in TEAM for the quarter of an hour from 2026-01-01 00:00:00.000000: 7: the ledger adds up to 0", true},
		"a balance less":      {`DELETE FROM balances WHERE kind = 'team' AND grain = 'quarter'`, ": none: the ledger adds up to ", true},
		"a limit less":        {`DELETE FROM limits`, "the limit of TEAM team TEAM: 2000000000 per month by ADMIN", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.done(t, "t")
			require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: steps.SurfaceCard, Channel: "C1", TS: "1.1"}, nil))
			require.NoError(t, b.Name(t.Context(), review.Grant{Team: team, Role: review.RoleReviewer, User: "REVC", By: "ADMIN"}))
			require.NoError(t, PinsOf(b.DB).Set(t.Context(), aDeed(approval.EventPinned, "F1", "aa", "U1")))
			require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA", To: "REVB", Until: time.Now().Add(time.Hour)}))
			_, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: someRules(), SetBy: "ADMIN"})
			require.NoError(t, err)
			for _, amount := range []budget.USD{budget.Dollar, 2 * budget.Dollar} {
				require.NoError(t, b.SetLimit(t.Context(), "ADMIN", budget.Limit{Scope: scope, Amount: amount, Window: budget.Month}))
			}
			tried, err := b.HoldCheck(t.Context(), team, "a self-test", budget.Cent)
			require.NoError(t, err)
			require.NoError(t, b.SettleCheck(t.Context(), tried))
			audited := func() error {
				_, house := AuditorOf(b.DB).House(t.Context())
				_, request := AuditorOf(b.DB).Request(t.Context(), r.ID)
				require.True(t, house == nil || c.house || strings.Contains(c.sql, "settlements"), "balances are the sum of them: %v", house)
				require.True(t, request == nil || !c.house, "%v", request)
				return errors.Join(house, request)
			}
			require.NoError(t, audited())
			require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica; `+c.sql)
				return err
			}))
			err = audited()
			var differs *audit.DifferenceError
			require.ErrorAs(t, err, &differs)
			require.ErrorContains(t, err, c.says)
		})
	}
}

func TestAnAuditWithoutTheKeyBelievesWhatTheTrailAnnounces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "t")
	reader := bundledReader(t, b.url)
	require.NoError(t, AuditorOf(reader).Trust(t.Context()))
	found, err := AuditorOf(reader).Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Positive(t, found.Events)
	_, _, err = reader.Ask(t.Context(), b.question("other"), approval.Session{Team: team, Channel: channel})
	require.ErrorIs(t, err, trail.ErrNoKey)
	ids, err := AuditorOf(reader).RequestIDs(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{r.ID}, ids)
}

// Rules that were set moments before a version of the code, and replaced moments after it, held for it.
func TestAnAuditKnowsRulesThatHeldForAMoment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	set, err := b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: someRules(), SetBy: "ADMIN"})
	require.NoError(t, err)
	r := b.ask(t, "t")
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Drafted(approval.Revision{Code: "print(1)\n", Author: "small-1", Findings: []approval.Finding{{Level: approval.Danger, Line: 1, Text: "prints"}},
			Manifest: approval.Manifest{Version: 2, Tier: approval.High, Approvals: 9, Policy: set.Name(), Sandbox: "local", Template: "python", Limits: b.policy.Limits, CostCap: budget.Cent}}, b.policy, now)
	})
	_, err = b.SetRules(t.Context(), review.RuleSet{Team: team, Rules: someRules(), SetBy: "ADMIN", Version: set.Version})
	require.NoError(t, err)
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
}

// deed is what an asker does with an answer, with its event.
func (b *bundle) deed(t *testing.T, id string, kind approval.EventKind, data map[string]any, note func(r *approval.Request, now time.Time)) *approval.Request {
	t.Helper()
	return b.update(t, id, func(r *approval.Request, now time.Time) error {
		note(r, now)
		r.ChangedAt = now
		r.Changes.Events = append(r.Changes.Events, approval.Event{At: now, Actor: asker, Kind: kind, Data: data})
		return nil
	})
}

func (b *bundle) shares(t *testing.T, id, channel string) {
	t.Helper()
	b.deed(t, id, approval.EventShared, map[string]any{"channel": channel}, func(r *approval.Request, now time.Time) {
		r.Changes.Copy = &approval.Copy{Channel: channel, By: asker, At: now}
	})
}

func (b *bundle) takesBack(t *testing.T, id string) {
	t.Helper()
	b.deed(t, id, approval.EventTookBack, nil, func(r *approval.Request, now time.Time) {
		r.Changes.Taken = &approval.TakenBack{By: asker, At: now}
	})
}

// Somebody draws late who does not know that the answer was taken back: what they post goes as well,
// and the record of both is whole.
func TestAnAuditKnowsOfAMessageThatWentTwice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.done(t, "t")
	b.shares(t, r.ID, "C1")
	post := func(surface steps.Surface, ts, shown string) {
		require.NoError(t, b.Posted(t.Context(), steps.Post{RequestID: r.ID, Surface: surface, Channel: "C1", TS: ts, Shown: shown}, nil))
	}
	surfaces := []steps.Surface{steps.SurfaceReply, steps.CopyIn("C1"), steps.CopyFilesIn("C1")}
	for _, surface := range surfaces {
		post(surface, "1.1", "x")
	}
	b.takesBack(t, r.ID)
	for _, surface := range surfaces {
		post(surface, "1.1", steps.TakenBack+": cant_delete_message")
		post(surface, "1.1", steps.TakenBack)
		post(surface, "2.2", "x")
		post(surface, "2.2", steps.TakenBack)
	}
	_, err := AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
	again, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, asker, again.Taken.By)
	require.Len(t, again.Copies, 1)
}
