package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
)

// ruleRow is a version of rules. Without a document a channel has none of its own.
type ruleRow struct {
	voucher
	Team     string
	Project  string
	Version  int
	Document *review.Rules
	SetBy    string
	SetAt    time.Time
	Spelled  *string // the document, as the database spells it
}

// rulesStream is the audit trail of the rules of a workspace.
func rulesStream(team string) string { return "rules:" + team }

// Versions of rules, the latest first, with the events that tell of them. A version of
// which no signed event tells was never set, so the one before it holds.
const (
	ruleColumns = `r.team, r.project, r.version, CASE WHEN r.document #> '{notes,text}' IS NULL THEN r.document
			ELSE jsonb_set(r.document, '{notes,text}', to_jsonb(said(r.document #>> '{notes,text,salted_sha256}'))) END AS document,
		r.set_by, r.set_at, r.document::text AS spelled, ` + voucherOf
	ruleVouchers = ` LEFT JOIN events e ON e.stream = 'rules:' || r.team AND e.seq = r.told `
)

func (r ruleRow) set() review.RuleSet {
	s := review.RuleSet{Team: r.Team, Project: r.Project, Version: r.Version, None: r.Document == nil, SetBy: r.SetBy, SetAt: r.SetAt}
	if r.Document != nil {
		s.Rules = *r.Document
		s.Rules.Hosts, s.Rules.Freezes = orNil(s.Rules.Hosts), orNil(s.Rules.Freezes)
	}
	return s
}

// Rules returns the latest rules of a channel, or the workspace's where the channel has
// none.
func (db *DB) Rules(ctx context.Context, team, project string) (set review.RuleSet, err error) {
	var own, all review.RuleSet
	err = db.look(ctx, func(b *pgx.Batch) {
		db.notary.queueRules(b, team, project, &own)
		db.notary.queueRules(b, team, "", &all)
	})
	if err != nil {
		return set, fmt.Errorf("read the rules of %s: %w", orWorkspace(project), err)
	}
	return review.Effective(own, all), nil
}

// queueRules reads the latest of just this channel, or of just the workspace.
func (n *notary) queueRules(b *pgx.Batch, team, project string, into *review.RuleSet) {
	*into = review.RuleSet{Team: team, Project: project}
	n.queueRuleSet(b, into, `SELECT `+ruleColumns+` FROM rules r`+ruleVouchers+`WHERE r.team = $1 AND r.project = $2 ORDER BY r.version DESC LIMIT 8`, team, project)
}

// queueRuleSet reads the first version that counts of those that a query finds. Where
// there are only others, nobody knows what holds, and that is an error.
func (n *notary) queueRuleSet(b *pgx.Batch, into *review.RuleSet, query string, args ...any) {
	ask(b, func(rows []ruleRow) (err error) {
		for _, row := range rows {
			if !n.doubtsRules(row) {
				*into = row.set()
				return nil
			}
			err = errUnsigned
		}
		return err
	}, query, args...)
}

// errUnsigned refuses to go on by rules that nobody has set.
var errUnsigned = errors.New("the rules in the database are not signed: see countersign audit")

// queueBook reads the rules and the people that bear on a request.
func (n *notary) queueBook(b *pgx.Batch, id string, into *review.Book) {
	ask(b, func(rows []ruleRow) error {
		doubted := map[string]bool{}
		for _, row := range rows {
			set := &into.House
			if row.Project != "" {
				set = &into.Own
			}
			if set.Version > 0 {
				continue // a later version holds
			}
			if doubted[row.Project] = n.doubtsRules(row); !doubted[row.Project] {
				*set = row.set()
			}
		}
		if doubted[""] || len(doubted) > 1 && slices.Contains(slices.Collect(maps.Values(doubted)), true) {
			return errUnsigned
		}
		return nil
	}, `
		SELECT `+ruleColumns+` FROM requests q JOIN LATERAL (
			(SELECT * FROM rules WHERE team = q.team AND project = '' ORDER BY version DESC LIMIT 8)
			UNION ALL (SELECT * FROM rules WHERE team = q.team AND project = q.project ORDER BY version DESC LIMIT 8)) r ON true`+ruleVouchers+`
		WHERE q.id = $1 ORDER BY r.project, r.version DESC`, id)
	n.queueSealed(b, id, into)
	n.queueGrants(b, ofRequest, id, &into.Grants)
	n.queueDelegations(b, ofRequest, id, &into.Delegations)
}

// sealedRow is a version of rules that a revision names: by which it is reviewed, with whose
// notes it was written, or both.
type sealedRow struct {
	ruleRow
	Reviews, Notes bool
}

// queueSealed reads what the current revision names.
func (n *notary) queueSealed(b *pgx.Batch, id string, into *review.Book) {
	ask(b, func(rows []sealedRow) error {
		for _, row := range rows {
			if n.doubtsRules(row.ruleRow) {
				return errUnsigned
			}
			set := row.set()
			if row.Reviews {
				into.Sealed = set
			}
			if row.Notes && set.Rules.Notes != nil {
				into.Notes = *set.Rules.Notes
			}
		}
		return nil
	}, `
		SELECT `+ruleColumns+`, r.name IS NOT DISTINCT FROM v.policy AS reviews, r.name IS NOT DISTINCT FROM v.notes AS notes
		FROM requests q JOIN revisions v ON v.request_id = q.id AND v.number = q.revision JOIN rules r ON r.team = q.team AND r.name IN (v.policy, v.notes)`+ruleVouchers+`
		WHERE q.id = $1`, id)
}

// SetRules stores the next version, if set.Version is the one in force: else
// somebody else has been quicker, and it is ErrBusy.
func (db *DB) SetRules(ctx context.Context, set review.RuleSet) (review.RuleSet, error) {
	base := set.Version
	err := db.write(ctx, func(tx pgx.Tx) error {
		if err := lockAuthority(ctx, tx, set.Team); err != nil {
			return err
		}
		var before review.RuleSet
		batch, latest := &pgx.Batch{}, 0
		db.notary.queueRules(batch, set.Team, set.Project, &before)
		tell(batch, []any{&latest}, `SELECT coalesce(max(version), 0) FROM rules WHERE team = $1 AND project = $2`, set.Team, set.Project)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		if before.InForce() != base {
			return steps.ErrBusy
		}
		set = set.Numbered(latest + 1)
		var err error
		if set.SetAt, err = clock(ctx, tx); err != nil {
			return err
		}
		words := db.notary.contents(rulesStream(set.Team)) // what somebody wrote stands beside row and event, under the same hash
		var rules *string
		if !set.None {
			spelling, err := words.data(set.Rules)
			if err != nil {
				return err
			}
			rules = &spelling
		}
		told, err := words.append(ctx, tx, []approval.Event{{At: set.SetAt, Actor: set.SetBy, Kind: approval.EventSetRules,
			Data: map[string]any{"channel": set.Project, "version": set.Version, "rules": orNull(set), "before": orNull(before)}}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO rules (team, project, version, document, set_by, set_at, told) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			set.Team, set.Project, set.Version, rules, set.SetBy, set.SetAt, told)
		return err
	})
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "rules_pkey" {
		err = steps.ErrBusy
	}
	if err != nil {
		return review.RuleSet{}, fmt.Errorf("set the rules of %s: %w", orWorkspace(set.Project), err)
	}
	return set, nil
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

// repeatCheck holds the run that a request repeats against what was told of it.
var repeatCheck = requestCheck{`SELECT format('the repetition of revision %s (%s) of %s by %s', repeats_revision, repeats_digest, repeats, asker) FROM requests WHERE id = $1 AND repeats IS NOT NULL`,
	[]string{approval.EventRepeats}, func(e witnessed) []string {
		return lineOf("the repetition of revision %s (%s) of %s by %s", e.fact("revision"), e.fact("digest"), e.fact("request"), e.Actor)
	}, false}

// checkRepeats finds a version that is not what its request repeats. What has been forgotten of
// either cannot be compared any more.
func checkRepeats(ctx context.Context, tx pgx.Tx, id string) error {
	list, err := texts(ctx, tx, `SELECT format('revision %s differs in its %s', v.number, repeats_otherwise(v.request_id, said(v.manifest)))
		FROM revisions v JOIN requests q ON q.id = v.request_id JOIN revisions f ON (f.request_id, f.number) = (q.repeats, q.repeats_revision)
		WHERE v.request_id = $1 AND said(v.manifest) <> '' AND said(f.manifest) <> '' AND repeats_otherwise(v.request_id, said(v.manifest)) IS NOT NULL
		ORDER BY v.number LIMIT 1`, id)
	if err != nil || len(list) == 0 {
		return err
	}
	return differs(list[0], "its request repeats another run")
}

// orNull is what the audit trail says of rules: nothing where there are none.
func orNull(set review.RuleSet) any {
	if set.None || set.SetBy == "" {
		return nil
	}
	return set.Rules
}

func orWorkspace(project string) string {
	if project == "" {
		return "the workspace"
	}
	return project
}

// Who may do what in a workspace has a version (authority, in the schema). A case is
// loaded with it, and an act holds it until it has committed: people and rules that
// change while Slack is asked are seen by the write.

// basis is what an act rests on beside the row of its request.
type basis struct {
	team    string
	version int64
}

// authorityKey names its lock. Whoever takes it and the lock of the roles takes it first.
func authorityKey(team string) string { return "authority " + team }

// queueAuthority reads it, beside the rest of a case.
func queueAuthority(b *pgx.Batch, of, key string, into *int64) {
	tell(b, []any{into}, `SELECT authority(`+of+`)`, key)
}

// queueHeld keeps the version as it is until the transaction ends, and begins the use
// case anew where it is another one. The lock comes in a statement of its own, so that
// the next one sees what those have committed who had it.
func queueHeld(b *pgx.Batch, on *basis) {
	if on == nil {
		return
	}
	b.Queue(shareLock, authorityKey(on.team))
	b.Queue(`SELECT authority($1)`, on.team).QueryRow(func(row pgx.Row) error {
		var now int64
		err := row.Scan(&now)
		if err == nil && now != on.version {
			err = steps.ErrOutdated
		}
		return err
	})
}

// lockAuthority waits for those who rest on it, before the clock is read: a change is
// then later than all that was decided without it.
func lockAuthority(ctx context.Context, tx pgx.Tx, team string) error {
	if _, err := tx.Exec(ctx, takeLock, authorityKey(team)); err != nil {
		return fmt.Errorf("lock who may do what: %w", err)
	}
	return nil
}
