package accounts

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

// unknown is a call at noon of a day, or some hours later.
func unknown(n int, model string, change ...func(*budget.UnknownCall)) budget.UnknownCall {
	at := day(n).Add(12 * time.Hour)
	c := budget.UnknownCall{RequestID: "r", HoldID: "h", Provider: "Claude", Model: model, First: at, Last: at, Since: at.Add(time.Minute), Most: budget.Cent, Clear: true}
	for _, f := range change {
		f(&c)
	}
	return c
}

func TestACallOfUnknownCostIsFoundInItsProvidersUsage(t *testing.T) {
	t.Parallel()
	booked := func(model string, input, output int64) Booked {
		return Booked{Day: day(20), Model: model, Input: input, Output: output}
	}
	used := func(model string, input, output int64) Used {
		return Used{Day: "2026-11-20", Model: model, Input: input, Output: output}
	}
	one := []budget.UnknownCall{unknown(20, "haiku")}
	moved := func(f func(*budget.UnknownCall)) []budget.UnknownCall { return append(one, unknown(20, "haiku", f)) }
	edge := booked("haiku", 100, 10)
	edge.Edge = true
	early, late := edge, edge
	early.Day, late.Day = day(19), day(21)
	for name, c := range map[string]struct {
		calls  []budget.UnknownCall
		ours   []Booked
		theirs []Used
		want   []string // model, tokens in and out
	}{
		"what is there beyond what was booked":     {one, []Booked{booked("haiku", 100, 10), booked("opus", 7, 7)}, []Used{used("haiku", 130, 15), used("opus", 7, 7)}, []string{"haiku 30 5"}},
		"told in two lines":                        {one, nil, []Used{used("haiku", 30, 5), used("haiku", 1, 0)}, []string{"haiku 31 5"}},
		"counted under its dated name":             {one, []Booked{booked("haiku", 10, 1)}, []Used{used("haiku-20251001", 40, 6)}, []string{"haiku 30 5"}},
		"it never came to be":                      {one, []Booked{booked("haiku", 100, 10)}, []Used{used("haiku", 100, 10)}, []string{"haiku 0 0"}},
		"two have used it together":                {append(one, unknown(20, "haiku")), nil, []Used{used("haiku", 103, 11)}, nil},
		"and the one beside them":                  {append(one, unknown(20, "haiku"), unknown(20, "opus")), nil, []Used{used("haiku", 103, 11), used("opus", 3, 4)}, []string{"opus 3 4"}},
		"something was booked late the day before": {one, []Booked{early}, []Used{used("haiku", 130, 15)}, nil},
		"or early the day after":                   {one, []Booked{late}, []Used{used("haiku", 130, 15)}, nil},
		"each of two models has its own":           {append(one, unknown(20, "opus")), nil, []Used{used("haiku", 1, 2), used("opus", 3, 4)}, []string{"haiku 1 2", "opus 3 4"}},
		"another provider's":                       {[]budget.UnknownCall{unknown(20, "haiku", func(c *budget.UnknownCall) { c.Provider = "OpenAI" })}, nil, []Used{used("haiku", 30, 5)}, nil},
		"they say nothing of the model":            {one, nil, []Used{used("opus", 30, 5)}, nil},
		"told under both of its names":             {one, nil, []Used{used("haiku", 30, 5), used("haiku-20251001", 1, 1)}, []string{"haiku 31 6"}},
		"haiku-mini is another model":              {one, nil, []Used{used("haiku-mini", 30, 5)}, nil},
		"the day is not told whole":                {one, []Booked{booked("haiku", 100, 10)}, []Used{used("haiku", 99, 15)}, nil},
		"of another model it is not":               {one, []Booked{booked("opus", 100, 10)}, []Used{used("haiku", 99, 15)}, nil},
		"something else was used, by nobody":       {one, nil, []Used{used("haiku", 30, 5), used("opus", 1, 0)}, nil},
		"something was booked around midnight":     {one, []Booked{edge}, []Used{used("haiku", 130, 15)}, nil},
		"one beside it called two models":          {moved(func(c *budget.UnknownCall) { c.Clear = false }), nil, []Used{used("haiku", 30, 5)}, nil},
		"one beside it was begun the day before":   {moved(func(c *budget.UnknownCall) { c.First = day(19).Add(time.Hour) }), nil, []Used{used("haiku", 30, 5)}, nil},
		"one beside it was called at midnight":     {moved(func(c *budget.UnknownCall) { c.First = day(20).Add(time.Minute) }), nil, []Used{used("haiku", 30, 5)}, nil},
		"one was found out the day after":          {[]budget.UnknownCall{unknown(20, "haiku", func(c *budget.UnknownCall) { c.Since = day(21) })}, nil, []Used{used("haiku", 30, 5)}, nil},
		"one of two days before stays in doubt":    {moved(func(c *budget.UnknownCall) { c.First, c.Last, c.Since = day(18), day(18), day(22) }), nil, []Used{used("haiku", 30, 5)}, nil},
	} {
		var got []string
		for _, f := range Trace("Claude", c.calls, c.ours, named(c.theirs, c.ours, c.calls)) {
			require.Equal(t, "2026-11-20", f.Day, name)
			got = append(got, f.Call.Model+" "+strconv.Itoa(f.Input)+" "+strconv.Itoa(f.Output))
		}
		require.Equal(t, c.want, got, name)
	}
}

// What was found is settled once its day has been over for three hours, and is compared as used on that day.
func TestWhatIsFoundIsSettledOnceItsDayIsOver(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"data":[{"starting_at":"2026-11-20T00:00:00Z","results":[{"model":"haiku","uncached_input_tokens":30,"output_tokens":5}]}]}`)
	}))
	t.Cleanup(server.Close)
	ledger := books{}
	c := &Clerk{Ledger: &ledger, Client: server.Client(), Unknown: func(context.Context) ([]budget.UnknownCall, error) {
		return []budget.UnknownCall{unknown(20, "haiku")}, nil
	}}
	c.Settle = func(_ context.Context, found []budget.Traced) {
		require.Len(t, found, 1)
		ledger = append(ledger, budget.Booking{At: day(21).Add(4 * time.Hour), Used: found[0].Call.Last, Kind: budget.Tokens, Provider: "Claude", Model: "haiku", InputTokens: int64(found[0].Input), OutputTokens: int64(found[0].Output)})
	}
	source := Source{"Claude", server.URL, "adm", ""}
	look := func(now time.Time) bool {
		list, err := c.Look(t.Context(), source, day(19), day(21), now)
		require.NoError(t, err)
		require.Len(t, list, 1)
		return list[0].Alarming()
	}
	require.True(t, look(day(21).Add(2*time.Hour)), "more may come")
	require.Empty(t, ledger)
	require.False(t, look(day(21).Add(3*time.Hour)), "what was found is no difference any more")
	require.Len(t, ledger, 1)

	c.Unknown = func(context.Context) ([]budget.UnknownCall, error) { return nil, context.Canceled }
	_, err := c.Look(t.Context(), source, day(19), day(21), day(22))
	require.ErrorIs(t, err, context.Canceled)
}

// A provider that counts a model under a dated name is compared with what the ledger has under the short one.
func TestADatedNameIsNoDifference(t *testing.T) {
	t.Parallel()
	c := &Clerk{Ledger: books{{Used: day(20).Add(12 * time.Hour), Kind: budget.Tokens, Provider: "OpenAI", Model: "gpt-5.4", InputTokens: 30, OutputTokens: 5}}}
	list, err := c.Hold(t.Context(), "OpenAI", []Used{{Day: "2026-11-20", Model: "gpt-5.4-2026-03-05", Input: 30, Output: 5}}, day(20), day(21))
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.False(t, list[0].Alarming())
}
