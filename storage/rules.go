package storage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// ruleRow is a version of rules. Without a document a channel has none of its own.
type ruleRow struct {
	trail.Voucher
	Team     string
	Project  string
	Version  int
	Document *review.Rules
	SetBy    string
	SetAt    time.Time
	Spelled  *string // the document, as the database spells it
}

// Versions of rules, the latest first, with the events that tell of them. A version of
// which no signed event tells was never set, so the one before it holds.
const (
	ruleColumns = `r.team, r.project, r.version, CASE WHEN r.document #> '{notes,text}' IS NULL THEN r.document
			ELSE jsonb_set(r.document, '{notes,text}', to_jsonb(said(r.document #>> '{notes,text,salted_sha256}'))) END
			|| CASE WHEN r.document #> '{privacy,hide}' IS NULL THEN '{}'
				ELSE jsonb_build_object('privacy', jsonb_set(r.document -> 'privacy', '{hide}', to_jsonb(said(r.document #>> '{privacy,hide,salted_sha256}')))) END AS document,
		r.set_by, r.set_at, r.document::text AS spelled, ` + trail.VoucherOf
	ruleVouchers = ` LEFT JOIN events e ON e.stream = 'rules:' || r.team AND e.seq = r.told `
)

// set is the row as the core knows it. A row without a document says that a channel has no rules of its own any more.
func (r ruleRow) set() review.RuleSet {
	s := review.RuleSet{Team: r.Team, Project: r.Project, Version: r.Version, None: r.Document == nil, SetBy: r.SetBy, SetAt: r.SetAt}
	if r.Document != nil {
		s.Rules = *r.Document
		// As whoever sets rules leaves them empty: two rules that say the same are compared as equal.
		s.Rules.Hosts, s.Rules.Freezes = pg.OrNil(s.Rules.Hosts), pg.OrNil(s.Rules.Freezes)
	}
	return s
}

// Rules returns the latest rules of a channel, or the workspace's where the channel has
// none: of a direct message those with the ones of all channels beside them.
func (rs *rules) Rules(ctx context.Context, team, project string) (set review.RuleSet, err error) {
	var own, all review.RuleSet
	var others []review.RuleSet
	// All three in one trip, as of one moment.
	err = rs.look(ctx, func(b *pgx.Batch) {
		rs.addRules(b, team, project, &own)
		rs.addRules(b, team, "", &all)
		rs.addOthers(b, team, project, &others)
	})
	if err != nil {
		return set, fmt.Errorf("read the rules of %s: %w", orWorkspace(project), err)
	}
	return review.Effective(own, all).Among(others, all), nil
}

// addOthers reads the own rules of all channels, for a direct message: it names none of them.
func (c *core) addOthers(b *pgx.Batch, team, project string, into *[]review.RuleSet) {
	if !approval.Direct(project) {
		return
	}
	c.addLatest(b, into, `SELECT DISTINCT project FROM rules WHERE team = $1 AND project <> '' AND project !~ '^D'`, `$1`, team)
}

// addRules reads the latest of just this channel, or of just the workspace.
func (c *core) addRules(b *pgx.Batch, team, project string, into *review.RuleSet) {
	*into = review.RuleSet{Team: team, Project: project}
	c.addRuleSet(b, into, `SELECT `+ruleColumns+` FROM rules r`+ruleVouchers+`WHERE r.team = $1 AND r.project = $2 ORDER BY r.version DESC LIMIT 8`, team, project)
}

// addRuleSet reads the first version that counts of those that a query finds. Where
// there are only others, nobody knows what holds, and that is an error.
func (c *core) addRuleSet(b *pgx.Batch, into *review.RuleSet, query string, args ...any) {
	pg.Ask(b, func(rows []ruleRow) (err error) {
		for _, row := range rows {
			if !c.doubtsRules(row) {
				*into = row.set()
				return nil
			}
			// The error stands only where no later row of the list counts. Eight versions are read, since a few that somebody has
			// slipped in must not stop a workspace.
			err = errUnsigned
		}
		return err
	}, query, args...)
}

// errUnsigned refuses to go on by rules that nobody has set.
var errUnsigned = errors.New("the rules in the database are not signed: see countersign audit")

// addBook reads the rules and the people that bear on a request.
func (c *core) addBook(b *pgx.Batch, id string, into *review.Book) {
	addLaws(c, b, id, into)
	addPeople(c, b, id, into)
}

// addPeople reads who may decide on it, and what else they go by.
func addPeople(c *core, b *pgx.Batch, id string, into *review.Book) {
	c.addPinsOf(b, id, &into.Pins)
	c.addPace(b, id, &into.Pace)
	glassRows{c.notary}.queue(b, id, &into.Glass)
	c.addGrants(b, ofRequest, id, &into.Grants)
	c.addDelegations(b, ofRequest, id, &into.Delegations)
}

// lawRow is a version of rules: of the channel or its workspace, or one that the current revision names (sealed), by which
// it is reviewed, with whose notes it was written, or both.
type lawRow struct {
	ruleRow
	Sealed, Reviews, Notes bool
}

// addLaws reads the rules, and those that the current revision names.
func addLaws(c *core, b *pgx.Batch, id string, into *review.Book) {
	pg.Ask(b, func(rows []lawRow) error {
		doubted := map[string]bool{}
		for _, row := range rows {
			// By the version that the seal names people have judged. Where that is forged there is nothing to go by, and no version
			// before it takes its place.
			if row.Sealed {
				if c.doubtsRules(row.ruleRow) {
					return errUnsigned
				}
				set := row.set()
				if row.Reviews {
					into.Sealed = set
				}
				if row.Notes && set.Rules.Notes != nil {
					into.Notes = *set.Rules.Notes
				}
				continue
			}
			set := &into.House
			if row.Project != "" {
				set = &into.Own
			}
			if set.Version > 0 {
				continue // a later version holds
			}
			if doubted[row.Project] = c.doubtsRules(row.ruleRow); !doubted[row.Project] {
				*set = row.set()
			}
		}
		// All eight that were read are forged, of the workspace or of the channel alone: what held before them is not known
		// here, and what would take their place (the workspace's, or the settings) could be laxer.
		if slices.Contains(slices.Collect(maps.Values(doubted)), true) {
			return errUnsigned
		}
		return nil
	}, `
		SELECT `+ruleColumns+`, r.sealed, r.reviews, r.notes FROM requests q JOIN LATERAL (
			(SELECT *, false AS sealed, false AS reviews, false AS notes FROM rules WHERE team = q.team AND project = '' ORDER BY version DESC LIMIT 8)
			UNION ALL (SELECT *, false, false, false FROM rules WHERE team = q.team AND project = q.project ORDER BY version DESC LIMIT 8)
			UNION ALL (SELECT s.*, true, s.name IS NOT DISTINCT FROM v.policy, s.name IS NOT DISTINCT FROM v.notes
				FROM revisions v JOIN rules s ON s.team = q.team AND s.name IN (v.policy, v.notes) WHERE v.request_id = q.id AND v.number = q.revision)) r ON true`+ruleVouchers+`
		WHERE q.id = $1 ORDER BY r.project, r.version DESC`, id)
	c.addElsewhere(b, id, into)
}

// elsewhereRow is a channel from which files are known, and a version of its own rules, if it has any.
type elsewhereRow struct {
	Known    string
	Rule     *string
	Document *review.Rules
	Version  *int
	SetBy    *string
	SetAt    *time.Time
	Spelled  *string
	trail.Voucher
}

// addElsewhere reads the rules of the channels from which the files of a request's thread are known,
// and of all channels where the request names none.
func (c *core) addElsewhere(b *pgx.Batch, id string, into *review.Book) {
	c.addLatest(b, &into.Elsewhere, `SELECT project FROM known_in($1) k (project)
		UNION SELECT r.project FROM requests q JOIN rules r ON r.team = q.team WHERE q.id = $1 AND q.project ~ '^D' AND r.project <> '' AND r.project !~ '^D'`,
		`(SELECT team FROM requests WHERE id = $1)`, id)
}

// addLatest reads the own rules, without the words of their notes, of those channels that a query names.
func (c *core) addLatest(b *pgx.Batch, into *[]review.RuleSet, channels, team, key string) {
	pg.Ask(b, func(rows []elsewhereRow) error {
		*into = nil
		held, doubted := map[string]bool{}, map[string]bool{}
		for _, row := range rows {
			set := review.RuleSet{Project: row.Known}
			// A channel without rules of its own is in the list all the same: that it has none is known by that.
			if row.Version != nil {
				r := ruleRow{Voucher: row.Voucher, Team: pg.OrZero(row.Rule), Project: row.Known, Version: *row.Version, Document: row.Document, SetBy: pg.OrZero(row.SetBy), SetAt: pg.OrZero(row.SetAt), Spelled: row.Spelled}
				if set = r.set(); held[row.Known] {
					continue // a later version holds
				}
				if doubted[row.Known] = c.doubtsRules(r); doubted[row.Known] {
					continue
				}
			}
			held[row.Known] = true
			*into = append(*into, set)
		}
		for known := range doubted {
			if !held[known] {
				return errUnsigned
			}
		}
		return nil
	}, `
		SELECT k.project AS known, r.team AS rule, CASE WHEN r.document #> '{notes,text}' IS NULL THEN r.document ELSE r.document #- '{notes,text}' END AS document,
			r.version, r.set_by, r.set_at, r.document::text AS spelled, `+trail.VoucherOf+`
		FROM (`+channels+`) k (project)
		LEFT JOIN LATERAL (SELECT * FROM rules WHERE team = `+team+` AND project = k.project ORDER BY version DESC LIMIT 8) r ON true`+ruleVouchers+`
		ORDER BY k.project, r.version DESC`, key)
}

// SetRules stores the next version, if set.Version is the one in force: else
// somebody else has been quicker, and it is ErrBusy.
func (rs *rules) SetRules(ctx context.Context, set review.RuleSet) (review.RuleSet, error) {
	base := set.Version
	err := rs.write(ctx, func(tx pgx.Tx) error {
		if err := lockAuthority(ctx, tx, set.Team); err != nil {
			return err
		}
		// Read under the lock: what is checked here is what is replaced.
		var before review.RuleSet
		batch, latest := &pgx.Batch{}, 0
		rs.addRules(batch, set.Team, set.Project, &before)
		pg.Tell(batch, []any{&latest}, `SELECT coalesce(max(version), 0) FROM rules WHERE team = $1 AND project = $2`, set.Team, set.Project)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		if before.InForce() != base {
			return steps.ErrBusy
		}
		// Counted on beyond versions that do not count: a number is given once, whoever wrote it.
		set = set.Numbered(latest + 1)
		var err error
		if set.SetAt, err = pg.Clock(ctx, tx); err != nil {
			return err
		}
		words := rs.notary.Contents(trail.RulesStream(set.Team)) // what somebody wrote stands beside row and event, under the same hash
		var rules *string
		if !set.None {
			spelling, err := words.Data(set.Rules)
			if err != nil {
				return err
			}
			rules = &spelling
		}
		told, err := words.Append(ctx, tx, []approval.Event{{At: set.SetAt, Actor: set.SetBy, Kind: approval.EventSetRules,
			Data: map[string]any{"channel": set.Project, "version": set.Version, "rules": orNull(set), "before": orNull(before)}}})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO rules (team, project, version, document, set_by, set_at, told) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			set.Team, set.Project, set.Version, rules, set.SetBy, set.SetAt, told)
		return err
	})
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.ConstraintName == "rules_pkey" {
		err = steps.ErrBusy
	}
	return set, pg.While(err, "set the rules of %s", orWorkspace(set.Project))
}

// orNull is what the audit trail says of rules: nothing where there are none.
func orNull(set review.RuleSet) any {
	if set.None || set.SetBy == "" {
		return nil
	}
	return set.Rules
}

// orWorkspace names whose rules they are, for a message.
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

// addHeld keeps the version as it is until the transaction ends, and begins the use
// case anew where it is another one. The lock comes in a statement of its own, so that
// the next one sees what those have committed who had it.
func addHeld(b *pgx.Batch, on *basis) {
	if on == nil {
		return
	}
	b.Queue(pg.ShareLock, authorityKey(on.team))
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
	if _, err := tx.Exec(ctx, pg.TakeLock, authorityKey(team)); err != nil {
		return fmt.Errorf("lock who may do what: %w", err)
	}
	return nil
}

// doubtsRules holds rules against their signed event, letter by letter: looser ones would need fewer approvals.
func (c *core) doubtsRules(r ruleRow) bool {
	return c.notary.Doubts(r.Voucher, fmt.Sprintf("version %d of the rules of %s", r.Version, orWorkspace(r.Project)), func(e trail.Witnessed) bool {
		return e.Stream == trail.RulesStream(r.Team) && e.Kind == approval.EventSetRules && e.Actor == r.SetBy && e.At.Equal(r.SetAt) &&
			e.Says(map[string]string{"channel": r.Project, "version": strconv.Itoa(r.Version)}) && trail.SameJSON(e.Data["rules"], pg.OrZero(r.Spelled))
	})
}
