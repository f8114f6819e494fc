package storage

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
)

// trail is the events of a stream, which an audit looks things up in.
type trail struct {
	rows []eventRow
	data []map[string]any
}

func tellings(ctx context.Context, tx pgx.Tx, stream string) (t trail, err error) {
	if t.rows, err = chain(ctx, tx, stream); err != nil {
		return t, err
	}
	for _, row := range t.rows {
		data, err := decoded(row.Data)
		if err != nil {
			return t, &ChainError{stream, row.Seq, "it cannot be read"}
		}
		t.data = append(t.data, data)
	}
	return t, nil
}

// of lists the events of some kinds.
func (t trail) of(kinds ...string) (list []witnessed) {
	for i, row := range t.rows {
		if slices.Contains(kinds, row.Kind) {
			list = append(list, witnessed{Stream: row.Stream, Actor: row.Actor, Kind: row.Kind, At: row.At, Data: t.data[i]})
		}
	}
	return list
}

// signed keeps the events that somebody trusted has signed.
func (t trail) signed(n *notary) (kept trail) {
	for i, row := range t.rows {
		if n.signed(row) {
			kept.rows, kept.data = append(kept.rows, row), append(kept.data, t.data[i])
		}
	}
	return kept
}
