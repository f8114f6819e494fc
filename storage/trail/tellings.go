package trail

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
)

// Trail is the events of a stream, which an audit looks things up in.
type Trail struct {
	Rows []Row
	data []map[string]any
}

// Tellings reads a stream without checking it: an audit has called Verify before.
func Tellings(ctx context.Context, tx pgx.Tx, stream string) (t Trail, err error) {
	if t.Rows, err = Chain(ctx, tx, stream); err != nil {
		return t, err
	}
	for _, row := range t.Rows {
		data, err := Decoded(row.Data)
		if err != nil {
			return t, &ChainError{stream, row.Seq, "it cannot be read"}
		}
		t.data = append(t.data, data)
	}
	return t, nil
}

// Of lists the events of some kinds.
func (t Trail) Of(kinds ...string) (list []Witnessed) {
	for i, row := range t.Rows {
		if slices.Contains(kinds, row.Kind) {
			list = append(list, Witnessed{Stream: row.Stream, Actor: row.Actor, Kind: row.Kind, At: row.At, Data: t.data[i]})
		}
	}
	return list
}

// Signed keeps the events that somebody trusted has signed.
func (t Trail) Signed(n *Notary) (kept Trail) {
	for i, row := range t.Rows {
		if n.signed(row) {
			kept.Rows, kept.data = append(kept.Rows, row), append(kept.data, t.data[i])
		}
	}
	return kept
}

// SummaryRow is an event that tells what a model has made of a thread, with its words: nothing
// where there are none, or they are gone.
type SummaryRow struct {
	Row
	Words string
}

// Summaries reads them. What nobody trusted has signed is no model's word.
func (n *Notary) Summaries(rows []SummaryRow) (list []approval.Summary, err error) {
	for _, row := range rows {
		// Without a ring nobody knows whom to trust, as in commands that only read.
		if n.ring != nil && !n.signed(row.Row) {
			continue
		}
		events, err := Read([]Row{row.Row}, nil)
		if err != nil {
			return nil, err
		}
		if s, ok := approval.SummaryOf(events[0]); ok {
			s.Text = row.Words
			list = append(list, s)
		}
	}
	return list, nil
}
