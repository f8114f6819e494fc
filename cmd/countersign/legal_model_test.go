package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/internal/accounts"
	"countersign/storage"
)

// Whatever Mistral may legally answer is charged by the usage that it reports, no
// more and no less, and the asker reads no word of it.
func TestWhatMistralMayAnswerIsChargedByItsUsage(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	h.run()
	ended := mistraltest.Reply{Finish: "model_length"}
	for _, c := range []struct {
		name    string
		replies []mistraltest.Reply
		model   string
		cached  int
		calls   int
	}{
		{"chunks", []mistraltest.Reply{{Fault: mistraltest.Chunks}}, "codestral-2508", 0, 1},
		{"thinking", []mistraltest.Reply{{Fault: mistraltest.Thinking}}, "codestral-2508", 0, 1},
		{"cached", []mistraltest.Reply{{Cached: 64}}, "codestral-2508", 64, 1},
		{"another model", []mistraltest.Reply{{Model: "mistral-small-2603"}}, "mistral-small-2603", 0, 1},
		{"too long for the model", []mistraltest.Reply{ended, {}}, "codestral-2508", 0, 2},
		{"an end by error", []mistraltest.Reply{{Finish: "error"}, {}}, "codestral-2508", 0, 2},
		{"an end by tools", []mistraltest.Reply{{Finish: "tool_calls"}}, "codestral-2508", 0, 1},
		{"come back in a second", []mistraltest.Reply{{Fault: mistraltest.RateLimited, RetryAfter: "1"}, {}}, "codestral-2508", 0, 1},
	} {
		h.model.Next(c.replies...)
		h.ask("What about " + c.name + "?")
		card := h.cardOf(c.name)
		require.Contains(t, card.Words(), "pd.DataFrame", c.name)
		require.NotContains(t, card.Words(), "import os", "what the model thought of is no program")
		id := value[string](h, `SELECT id FROM requests WHERE strpos(said(question), $1) > 0`, c.name)
		const lines = ` FROM charges c JOIN holds h ON h.id = c.hold_id WHERE h.request_id = $1 AND c.kind = 'tokens'`
		require.Equal(t, c.calls, value[int](h, `SELECT count(*)`+lines, id), c.name)
		require.Equal(t, c.model, value[string](h, `SELECT max(c.model)`+lines, id), c.name)
		require.Equal(t, c.cached, value[int](h, `SELECT sum(c.cached_tokens)`+lines, id), c.name)
		row, err := h.program.prices.Model(c.model, time.Now(), 1000)
		require.NoError(t, err)
		// Once more by hand, each call rounded up to a millionth of a dollar.
		in, out := value[int64](h, `SELECT sum(c.input_tokens - c.cached_tokens)`+lines, id), value[int64](h, `SELECT sum(c.output_tokens)`+lines, id)
		exact := in*int64(row.Input)/1_000_000 + int64(c.cached)*int64(row.Cached)/1_000_000 + out*int64(row.Output)/1_000_000
		amount := value[int64](h, `SELECT sum(c.amount)`+lines, id)
		require.GreaterOrEqual(t, amount, exact, c.name)
		require.LessOrEqual(t, amount, exact+int64(c.calls)*int64(budget.MicroDollar)+3, c.name)
		require.Zero(t, value[int](h, `SELECT count(*) FROM holds WHERE request_id = $1 AND (NOT settled OR uncertain_at IS NOT NULL)`, id), c.name)
	}
}

// A call that is known after one that is not: the answer comes, its bill says what is
// known and what is not, and nothing is set aside twice.
func TestAnAnswerAfterACallOfUnknownCost(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	h.run()
	h.model.Next(mistraltest.Reply{Fault: mistraltest.BadGateway})
	h.writes("6 * 7")
	root := h.ask("What is six times seven?")
	require.NoError(t, h.ben.Click(h.cardOf("six times seven"), "Approve"))
	reply := h.reply(root)
	require.Contains(t, reply.Words(), "42")
	require.Contains(t, reply.Words(), "up to 1 cent that is not known yet")
	require.Contains(t, h.bill(reply), "Uncertain: it is not known yet what a call to codestral-2508 cost. Up to 1 cent is reserved")
	require.Equal(t, row{State: "done", Attempts: 2, Runs: 1, Decisions: 1, Charges: 3, Holds: 4, Open: 1}, h.row("six times seven"))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM holds rest JOIN holds h ON h.id = rest.rest_of JOIN settlements s ON s.hold_id = h.id
		WHERE rest.amount + s.amount <= h.amount AND NOT rest.settled`))
	h.settled()
}

// noon is a ledger of which everything was called, and is used, at noon of its day: what is near midnight a
// provider may count on another one, and is left alone.
type noon struct{ *storage.DB }

func atNoon(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour).Add(12 * time.Hour) }

func (n noon) Bookings(ctx context.Context, from, to time.Time, take func(budget.Booking) error) error {
	return n.DB.Bookings(ctx, from, to, func(b budget.Booking) error { b.Used = atNoon(b.Used); return take(b) })
}

func (n noon) UnknownCalls(ctx context.Context) ([]budget.UnknownCall, error) {
	list, err := n.DB.UnknownCalls(ctx)
	for i := range list {
		c := &list[i]
		c.First, c.Last, c.Since = atNoon(c.Last), atNoon(c.Last), atNoon(c.Last)
	}
	return list, err
}

// The next day the provider says what was used: by that the call of unknown cost is charged, and no more is held for it.
func TestTheProvidersUsageSaysWhatACallHasCost(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	one, _ := h.run()
	h.model.Next(mistraltest.Reply{Fault: mistraltest.BadGateway})
	h.writes("6 * 7")
	root := h.ask("What is six times seven?")
	require.NoError(t, h.ben.Click(h.cardOf("six times seven"), "Approve"))
	h.reply(root)
	calls, err := noon{one.db}.UnknownCalls(h.ctx)
	require.NoError(t, err)
	require.Len(t, calls, 1)
	require.True(t, calls[0].Clear)
	require.Equal(t, "Mistral", calls[0].Provider)
	input, output := value[int64](h, `SELECT sum(input_tokens)::bigint FROM charges`), value[int64](h, `SELECT sum(output_tokens)::bigint FROM charges`)
	day := atNoon(calls[0].Last)
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"completion":{"models":{"codestral-2508":{"input":[{"timestamp":%q,"value":%d}],"output":[{"timestamp":%[1]q,"value":%[3]d}]}}}}`, day.Format(time.DateOnly), input+1000, output+10)
	}))
	t.Cleanup(provider.Close)
	one.clerk.Sources = []accounts.Source{{Provider: "Mistral", Address: provider.URL, Key: "adm"}}
	one.clerk.Ledger, one.clerk.Unknown = noon{one.db}, noon{one.db}.UnknownCalls
	settle, since := one.clerk.Settle, value[time.Time](h, `SELECT uncertain_at FROM holds WHERE id = $1`, calls[0].HoldID)
	one.clerk.Settle = func(ctx context.Context, found []budget.Traced) {
		require.Len(t, found, 1)
		found[0].Call.Since = since // as it stands in the row, by which it is settled
		settle(ctx, found)
	}
	require.NoError(t, one.clerk.Daily(h.ctx, day.Add(17*time.Hour)))
	require.Equal(t, row{State: "done", Attempts: 2, Runs: 1, Decisions: 1, Charges: 4, Holds: 4}, h.row("six times seven"))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM settlements s JOIN holds h ON h.id = s.hold_id JOIN charges c ON c.hold_id = s.hold_id
		WHERE h.rest_of IS NOT NULL AND NOT s.estimated AND c.input_tokens = 1000 AND c.output_tokens = 10 AND c.amount > 0 AND c.amount < h.amount`))
	require.Zero(t, value[int](h, `SELECT count(*) FROM notices WHERE kind = $1`, approval.NoticeDiffers), "it is no difference any more")
	h.soon("the answer says what it has cost", func() bool { return !strings.Contains(h.thread(root), "not known yet") })
	h.settled()
}
