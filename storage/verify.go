package storage

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
)

// ChainError names the first event of a chain that is not what was written.
type ChainError struct {
	Stream string
	Seq    int64
	Why    string
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("event %d of %s: %s", e.Seq, e.Stream, e.Why)
}

// Verified is what a check of a chain has found whole. A chain of no events is always
// whole; what was cut off at the end only somebody who remembers the last hash can tell.
type Verified struct {
	Events int
	Values int // that events name by their salted hashes, and that are there
	Gone   int // that events name, and that are gone, as another event says
}

// VerifyChain reads a stream from its beginning and checks every link, and every value
// that the events name.
func (db *DB) VerifyChain(ctx context.Context, stream string) (found Verified, err error) {
	var rows []eventRow
	var values map[string]valueRow
	err = db.read(ctx, func(tx pgx.Tx) (err error) {
		if rows, err = chain(ctx, tx, stream); err != nil {
			return err
		}
		values, err = loadValues(ctx, tx, stream)
		return err
	})
	if err != nil {
		return found, fmt.Errorf("read the audit trail of %s: %w", stream, err)
	}
	last, named := eventRow{Hash: beginning}, map[string]bool{}
	for _, row := range rows {
		if row.Seq != last.Seq+1 {
			return found, &ChainError{stream, last.Seq + 1, "it is missing"}
		}
		why := row.broken(last)
		if why == "" {
			why = row.misses(values, named)
		}
		if why != "" {
			return found, &ChainError{stream, row.Seq, why}
		}
		last = row
		found.Events++
	}
	for hash := range named {
		v := values[hash]
		if v.Gone == nil {
			found.Values++
			continue
		}
		if i := *v.Gone - 1; i < 0 || i >= int64(len(rows)) || !rows[i].tells(hash) {
			return found, &ChainError{stream, *v.Gone, "it does not say that a value is gone, which is"}
		}
		found.Gone++
	}
	return found, nil
}

// broken is why an event is not what was written after the last one.
func (e eventRow) broken(last eventRow) string {
	data, err := decoded(e.Data)
	if err != nil {
		return "its data cannot be read"
	}
	spelling, err := canonical(data)
	switch {
	case e.PrevHash != last.Hash:
		return "it does not continue the one before it"
	case e.Hash != e.sum():
		return "its content has been changed"
	case err != nil || spelling != e.Data:
		return "its data is not spelled canonically"
	}
	return ""
}

// misses is why a value that an event names is not what was stored with it.
func (e eventRow) misses(values map[string]valueRow, named map[string]bool) (why string) {
	data, _ := decoded(e.Data)
	_, _ = each(data, func(mark string, v any) (any, error) {
		hash, _ := v.(string)
		value, there := values[hash]
		switch {
		case mark != salted:
		case !there:
			why = "a value that it names is missing"
		case value.Gone == nil && !value.Holds:
			why = "a value that it names has been changed"
		default:
			named[hash] = true
		}
		return nil, nil
	})
	return why
}

// tells says whether an event has it that a value is gone.
func (e eventRow) tells(hash string) bool {
	data, err := decoded(e.Data)
	if err != nil || e.Kind != "gone" {
		return false
	}
	list, _ := data["contents"].([]any)
	return slices.Contains(list, any(hash))
}

type valueRow struct {
	Hash  string
	Holds bool // the hash is that of salt and value
	Gone  *int64
}

func loadValues(ctx context.Context, tx pgx.Tx, stream string) (map[string]valueRow, error) {
	rows, err := all[valueRow](ctx, tx, `
		SELECT hash, coalesce(hash = encode(sha256(convert_to(salt, 'UTF8') || value), 'hex'), false) AS holds, gone
		FROM contents WHERE stream = $1`, stream)
	values := map[string]valueRow{}
	for _, row := range rows {
		values[row.Hash] = row
	}
	return values, err
}
