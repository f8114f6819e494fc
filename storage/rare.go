package storage

import (
	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/pg"
)

// whole has a look read a request by addRequest, and once more, all of it, where that left something out: lists that are
// nearly always empty were a third of what reading a request cost.
func (l *loaded) whole(look func(all bool) error) error {
	err := look(false)
	if err == nil && l.more {
		err = look(true)
	}
	return err
}

// rareOf tells whether a row of requests has anything that addRare reads.
const rareOf = `(repeats IS NOT NULL OR EXISTS (SELECT FROM copies WHERE request_id = requests.id) OR EXISTS (SELECT FROM takebacks WHERE request_id = requests.id)
	OR EXISTS (SELECT FROM handovers WHERE request_id = requests.id) OR EXISTS (SELECT FROM broken_glass WHERE request_id = requests.id))`

// addRare reads what few requests have: what they repeat, where else their answer stands, who has been offered it, and the
// glass that was broken for it. It comes after addVersion, for the order of a batch is the order of its answers.
func addRare(c *core, b *pgx.Batch, id string, into *loaded) {
	pg.Ask(b, func(rows []struct {
		Repeats *repeatRow
		Places  []placeRow
	}) error {
		into.more = false
		for _, row := range rows {
			into.Repeats = row.Repeats.repeat()
			// Places come with their signatures in the row itself, because a query for each would cost two more.
			c.takePlaces(into.Request, row.Places)
		}
		return nil
	}, `SELECT `+repeatsOf+` AS repeats, `+placesOf+` AS places FROM requests WHERE id = $1`, id)
	c.addHandOvers(b, id, func(h approval.HandOver) { into.HandOvers = append(into.HandOvers, h) })
	glassRows{c.notary}.addOf(b, id, func(g approval.Glass) {
		if into.Revision != nil && g.Revision == into.Revision.Number { // only by this one something may run
			into.Glass = &g
		} else {
			into.OldGlass = append(into.OldGlass, g)
		}
	})
}
