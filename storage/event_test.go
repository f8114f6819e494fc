package storage

import (
	"context"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/trail"
)

func TestThirtyTwoWritersMakeOneChain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	odd := time.Date(2026, 3, 4, 5, 6, 7, 123457891, time.FixedZone("", 5400)) // of nanoseconds that are not stored
	for _, err := range together(32, func(i int) error {
		switch i % 4 {
		case 0:
			_, err := b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
				return r.Again("busy", now)
			})
			return err
		case 1:
			return b.Audit(t.Context(), r.ID, approval.Event{Actor: "REV", Kind: "refused click"})
		}
		return b.Audit(t.Context(), r.ID, approval.Event{At: odd.Add(time.Duration(i) * time.Microsecond), Actor: "REV", Kind: approval.EventAskedToSign,
			Data: map[string]any{"revision": i, "nonce": "<a> & \u2028 \U0001F600"}})
	}) {
		require.NoError(t, err)
	}
	checked, err := b.VerifyChain(t.Context(), trail.StreamOf(r.ID))
	require.NoError(t, err)
	require.Equal(t, 36, checked.Events, "asked, held, weighed, found, and thirty-two more")
	require.Equal(t, 36, b.count(t, `SELECT max(seq) FROM events`))
	events, err := b.Events(t.Context(), r.ID)
	require.NoError(t, err)
	require.Len(t, events, 36)
	for _, e := range events {
		if e.Kind == approval.EventAskedToSign {
			n, err := e.Data["revision"].(json.Number).Int64()
			require.NoError(t, err)
			require.Equal(t, odd.Add(time.Duration(n)*time.Microsecond).UTC().Truncate(time.Microsecond), e.At)
			require.Equal(t, "<a> & \u2028 \U0001F600", e.Data["nonce"])
		} else {
			require.False(t, e.At.IsZero())
		}
	}
}

func TestVerifyChainNamesTheFirstEventThatIsNotAsItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper string
		seq    int64
		why    string
	}{
		"a changed actor":           {`UPDATE events SET actor = 'SOMEBODY' WHERE seq = 3`, 3, "its content has been changed"},
		"a changed microsecond":     {`UPDATE events SET at = at + interval '1 microsecond' WHERE seq = 2`, 2, "its content has been changed"},
		"changed data":              {`UPDATE events SET data = replace(data, '3', '4') WHERE seq = 4`, 4, "its content has been changed"},
		"a blank more":              {`UPDATE events SET data = data || ' ' WHERE seq = 4`, 4, "its content has been changed"},
		"a deleted event":           {`DELETE FROM events WHERE seq = 3`, 3, "it is missing"},
		"a deleted beginning":       {`DELETE FROM events WHERE seq = 1`, 1, "it is missing"},
		"a closed gap":              {`DELETE FROM events WHERE seq = 3; UPDATE events SET seq = seq - 1 WHERE seq > 3`, 3, "it does not continue the one before it"},
		"another order":             {`UPDATE events SET seq = 9 WHERE seq = 2; UPDATE events SET seq = 2 WHERE seq = 3; UPDATE events SET seq = 3 WHERE seq = 9`, 2, "it does not continue the one before it"},
		"a changed and hashed one":  {`UPDATE events SET actor = 'X', hash = ` + hashAsIf(`'X'`) + ` WHERE seq = 3`, 3, "it is not signed by this installation"},
		"a new beginning, rehashed": {`UPDATE events SET prev_hash = repeat('1', 64) WHERE seq = 1`, 1, "it does not continue the one before it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for i := range 5 {
				require.NoError(t, b.Audit(t.Context(), "r", approval.Event{Actor: "A", Kind: approval.OpenedReview, Data: map[string]any{"revision": i}}))
			}
			checked, err := b.VerifyChain(t.Context(), trail.StreamOf("r"))
			require.NoError(t, err)
			require.Equal(t, trail.Verified{Events: 5}, checked)
			// The database's owner can switch every guard off.
			err = pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica;
					ALTER TABLE events DROP CONSTRAINT events_hash, DROP CONSTRAINT events_beginning; `+c.tamper)
				return err
			})
			require.NoError(t, err)
			checked, err = b.VerifyChain(t.Context(), trail.StreamOf("r"))
			var broken *trail.ChainError
			require.ErrorAs(t, err, &broken)
			require.Equal(t, &trail.ChainError{Stream: "request:r", Seq: c.seq, Why: c.why}, broken)
			require.Equal(t, int(c.seq)-1, checked.Events)
			require.Contains(t, err.Error(), "event "+strconv.FormatInt(c.seq, 10))
		})
	}
}

func hashAsIf(actor string) string {
	return `encode(sha256(convert_to(event_line(stream, seq, at, ` + actor + `, kind, data, prev_hash), 'UTF8')), 'hex')`
}

// chain is a stream as it is stored.
func (b *bundle) chain(ctx context.Context, stream string) (rows []trail.Row, err error) {
	err = b.read(ctx, func(tx pgx.Tx) error {
		rows, err = trail.Chain(ctx, tx, stream)
		return err
	})
	return rows, err
}

func TestAnEmptyChainHasNothingChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	checked, err := b.VerifyChain(t.Context(), "nothing")
	require.NoError(t, err)
	require.Zero(t, checked)
	events, err := b.Events(t.Context(), "nothing")
	require.NoError(t, err)
	require.Empty(t, events)
}

func TestAuditThatCannotBeStoredSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := b.Audit(t.Context(), "r", approval.Event{Actor: "A", Kind: approval.EventBegun, Data: map[string]any{"box": func() {}}})
	require.ErrorContains(t, err, "as JSON")
	err = b.Audit(t.Context(), "r", approval.Event{Actor: "", Kind: approval.EventBegun})
	require.ErrorContains(t, err, "events_actor_check")
}

func TestAmountsInTheAuditTrailAreExact(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const large = budget.USD(9_007_199_254_740_993) // one more than a float64 can tell from its neighbour
	require.NoError(t, b.Audit(context.Background(), "r", approval.Event{Actor: "A", Kind: approval.EventSettled, Data: map[string]any{"spent": large}}))
	events, err := b.Events(t.Context(), "r")
	require.NoError(t, err)
	require.Equal(t, json.Number("9007199254740993"), events[0].Data["spent"])
}
