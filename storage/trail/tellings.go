package trail

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// Trail is the events of a stream, which an audit looks things up in.
type Trail struct {
	Rows []Row
	data []map[string]any
}

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
