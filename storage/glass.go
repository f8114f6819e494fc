package storage

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/approval/glass"
	"countersign/approval/review"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// glassRow is a broken glass with the event that vouches for it, and those who have looked. Both the text and
// where it stands are read: the event names the hash of a text, so that the text can be forgotten later.
type glassRow struct {
	trail.Voucher
	RequestID string
	Revision  int
	Digest    string
	Person    string
	Reason    string
	ReasonIn  string // where it stands
	Others    []string
	At        time.Time
	Click     approval.Click
	Clicked   string // as it stands
	Disowned  *time.Time
	Looks     []lookRow
}

// lookRow is one look, with its own event.
type lookRow struct {
	trail.Voucher
	Person string
	Fine   bool
	At     time.Time
}

const glassColumns = `g.request_id, g.revision, g.digest, g.person, said(g.reason) AS reason, g.reason AS reason_in, g.others, g.at, g.click, g.click::text AS clicked, glass_disowned(g, 'infinity') AS disowned, ` + trail.VoucherOf + `,
	(SELECT coalesce(jsonb_agg(jsonb_build_object('person', l.person, 'fine', l.fine, 'at', l.at, 'line', event_line(s.stream, s.seq, s.at, s.actor, s.kind, s.data, s.prev_hash),
			'key', s.key, 'signature', s.signature) ORDER BY l.at), '[]')
		FROM glass_looks l LEFT JOIN events s ON s.stream = 'request:' || l.request_id AND s.at = l.at AND s.actor = l.person AND s.kind = 'looked at glass'
		WHERE l.request_id = g.request_id AND l.revision = g.revision) AS looks`

// Of several events that fit, the first counts: nobody puts a later one in its place, since streams only grow.
const glassVoucher = ` LEFT JOIN LATERAL (SELECT * FROM events WHERE stream = 'request:' || g.request_id AND at = g.at AND actor = g.person AND kind = 'broke glass' ORDER BY seq LIMIT 1) e ON true `

// glassRows reads what nobody approved, and who looked at it.
type glassRows struct{ notary *trail.Notary }

// glass is the row as a request has it. A look of which no signed event tells is none.
func (c glassRows) glass(r glassRow) approval.Glass {
	g := approval.Glass{RequestID: r.RequestID, Revision: r.Revision, Digest: r.Digest, Person: r.Person, Reason: r.Reason, Others: r.Others, At: r.At, Click: r.Click, Disowned: pg.OrZero(r.Disowned).UTC(), Unsigned: c.doubts(r)}
	// pg.OrZero gives year 1 in UTC, which is not the zero of time.Time once it was given a location.
	if r.Disowned == nil {
		g.Disowned = time.Time{}
	}
	for _, l := range r.Looks {
		if !c.doubtsLook(r, l) {
			g.Looks = append(g.Looks, approval.GlassLook{Revision: r.Revision, Person: l.Person, Fine: l.Fine, At: l.At})
		}
	}
	return g
}

// addOf reads what has been broken of a request, of whichever revision, the earliest first.
func (c glassRows) addOf(b *pgx.Batch, id string, take func(approval.Glass)) {
	pg.Ask(b, func(rows []glassRow) error {
		for _, row := range rows {
			take(c.glass(row))
		}
		return nil
	}, `SELECT `+glassColumns+` FROM broken_glass g`+glassVoucher+`WHERE g.request_id = $1 ORDER BY g.revision`, id)
}

// queue reads how break-glass stands in the workspace of a request. What never ran, because its version was sealed
// anew, needs no look.
func (c glassRows) queue(b *pgx.Batch, id string, into *review.Glass) {
	*into = review.Glass{}
	pg.Ask(b, func(rows []glassRow) error {
		into.Unseen = nil
		for _, row := range rows {
			// A row that nobody has signed counts here: it stands in the way until an audit has found it.
			if g := c.glass(row); len(g.Looks) < review.GlassLooks {
				into.Unseen = append(into.Unseen, g)
			}
		}
		return nil
	}, `SELECT `+glassColumns+` FROM broken_glass g CROSS JOIN LATERAL (SELECT team, revision FROM requests WHERE id = g.request_id OFFSET 0) o`+glassVoucher+`
		WHERE o.revision = g.revision AND o.team = (SELECT team FROM requests WHERE id = $1) ORDER BY g.at`, id)
	pg.Ask(b, func(rows []struct{ Rested *time.Time }) error {
		for _, row := range rows {
			into.Rested = pg.OrZero(row.Rested)
		}
		return nil
	}, `SELECT CASE WHEN EXISTS (SELECT FROM broken_glass) THEN glass_rested(team, clock_timestamp()) END AS rested FROM requests WHERE id = $1`, id)
}

// Panes are the broken glasses of a database.
type Panes struct{ DB *DB }

// Unlooked are those of which two people have not looked in time, by how long ago they were broken.
func (p Panes) Unlooked(ctx context.Context, from, until time.Duration) (list []glass.Unlooked, err error) {
	list, err = pg.List[glass.Unlooked](ctx, p.DB.read, `
		SELECT q.team, g.request_id, g.person, g.revision, g.at, clock_timestamp() AS now FROM broken_glass g JOIN requests q ON q.id = g.request_id AND q.revision = g.revision
		WHERE g.at <= clock_timestamp() - $1::interval AND g.at > clock_timestamp() - $2::interval
			AND (SELECT count(*) FROM glass_looks l WHERE (l.request_id, l.revision) = (g.request_id, g.revision) AND l.at <= g.at + interval '24 hours') < 2 ORDER BY g.at`, from, until)
	return list, pg.While(err, "list what two people have not looked at")
}

// insertGlass stores that somebody breaks the glass, or has looked at it.
func insertGlass(b *pgx.Batch, r *approval.Request, c *trail.Contents) error {
	// Before its revision moves to approved: the trigger broken_glass_held wants the request pending, and locks its row.
	if g := r.Changes.Glass; g != nil {
		click, err := pg.Document(g.Click, "{}")
		if err != nil {
			return err
		}
		b.Queue(`INSERT INTO broken_glass (request_id, revision, digest, person, reason, others, at, click) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			r.ID, g.Revision, g.Digest, g.Person, c.Text(g.Reason), g.Others, pg.Micro(g.At), click)
	}
	if l := r.Changes.Look; l != nil {
		b.Queue(`INSERT INTO glass_looks (request_id, revision, person, fine, at) VALUES ($1, $2, $3, $4, $5)`, r.ID, l.Revision, l.Person, l.Fine, pg.Micro(l.At))
	}
	return nil
}

// doubts holds a row against its signed event: somebody who writes to the table alone breaks no glass.
func (c glassRows) doubts(r glassRow) bool {
	return c.notary.Doubts(r.Voucher, fmt.Sprintf("that %s breaks the glass for revision %d of %s", r.Person, r.Revision, r.RequestID), func(e trail.Witnessed) bool {
		// JSON has no list of texts, only of anything: what is no text is spelled, and then fits no row.
		var others []string
		list, _ := e.Data["others"].([]any)
		for _, one := range list {
			others = append(others, fmt.Sprint(one))
		}
		return e.Stream == trail.StreamOf(r.RequestID) && e.Kind == approval.EventBrokeGlass && e.Actor == r.Person && e.At.Equal(r.At) &&
			e.Says(map[string]string{"revision": strconv.Itoa(r.Revision), "digest": r.Digest, "reason": r.ReasonIn}) &&
			strings.Join(others, " ") == strings.Join(r.Others, " ") && trail.SameJSON(e.Data["click"], r.Clicked)
	})
}

// doubtsLook does the same for a look, or somebody could look in two administrators' names.
func (c glassRows) doubtsLook(r glassRow, l lookRow) bool {
	return c.notary.Doubts(l.Voucher, fmt.Sprintf("that %s has looked at the broken glass of %s", l.Person, r.RequestID), func(e trail.Witnessed) bool {
		return e.Stream == trail.StreamOf(r.RequestID) && e.Kind == approval.EventLookedAtGlass && e.Actor == l.Person && e.At.Equal(l.At) &&
			e.Says(map[string]string{"revision": strconv.Itoa(r.Revision)}) && e.Fact("fine") == strconv.FormatBool(l.Fine)
	})
}
