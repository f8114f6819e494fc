package accounts

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"countersign/budget"
	"countersign/internal/tame"
)

// Dollars spells an amount exactly, with a point and without a sign for the currency.
func Dollars(u budget.USD) string { return strings.TrimPrefix(u.String(), "$") }

// Ledger writes bookings one by one, so that a ledger of any length fits. Close ends it.
type Ledger interface {
	Add(b budget.Booking) error
	Close() error
}

// columns are those of both formats, in their order.
// Programs of others read them by name: a column may be added at the end, and none is renamed.
var columns = []string{"at", "team", "hold", "line", "request", "user", "thread", "channel", "for", "kind", "model", "provider", "host",
	"input_tokens", "cached_tokens", "written_tokens", "output_tokens", "box_ms", "usd", "held_usd", "estimated"}

// line is a booking as its columns have it.
func line(b budget.Booking) []string {
	n := func(n int64) string { return strconv.FormatInt(n, 10) }
	return []string{b.At.UTC().Format(time.RFC3339Nano), b.Team, b.HoldID, strconv.Itoa(b.Line), b.RequestID, b.Asker, b.Thread, b.Project, string(b.Purpose), string(b.Kind),
		b.Model, b.Provider, b.Host, n(b.InputTokens), n(b.CachedTokens), n(b.WrittenTokens), n(b.OutputTokens), n(b.BoxMS), Dollars(b.Amount), Dollars(b.Held), strconv.FormatBool(b.Estimated)}
}

// csvLedger writes row by row; csv.Writer keeps its first error until Flush.
type csvLedger struct{ w *csv.Writer }

// NewCSV is a ledger for spreadsheets: no cell of it is computed by one.
func NewCSV(out io.Writer) Ledger {
	w := csv.NewWriter(out)
	_ = w.Write(columns) // the error comes with Close
	return csvLedger{w}
}

func (l csvLedger) Add(b budget.Booking) error { return said(l.w.Write(tame.Row(line(b)...))) }

// Close writes what is buffered.
func (l csvLedger) Close() error {
	l.w.Flush()
	return said(l.w.Error())
}

// jsonLedger writes the brackets and commas of a list itself: json.Marshal would want all of it in memory.
type jsonLedger struct {
	out  io.Writer
	some bool
}

// NewJSON is a ledger for programs: a list of objects. Amounts are text, because many
// readers of JSON would round a number.
func NewJSON(out io.Writer) Ledger { return &jsonLedger{out: out} }

// Add implements Ledger. Amounts are text, in exact dollars: a JSON number would be read as a float.
func (l *jsonLedger) Add(b budget.Booking) error {
	object := map[string]any{}
	for i, value := range line(b) {
		object[columns[i]] = value
	}
	// What is a number and no amount is one in JSON as well.
	for name, n := range map[string]int64{"line": int64(b.Line), "input_tokens": b.InputTokens, "cached_tokens": b.CachedTokens, "written_tokens": b.WrittenTokens,
		"output_tokens": b.OutputTokens, "box_ms": b.BoxMS} {
		object[name] = n
	}
	object["estimated"] = b.Estimated
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	before := ",\n  "
	if !l.some {
		before, l.some = "[\n  ", true
	}
	_, err = fmt.Fprintf(l.out, "%s%s", before, text)
	return said(err)
}

// Close ends the list.
func (l *jsonLedger) Close() error {
	end := "\n]\n"
	if !l.some {
		end = "[]\n" // an empty list, never null
	}
	_, err := io.WriteString(l.out, end)
	return said(err)
}

// said puts before an error what was being done.
func said(err error) error {
	if err != nil {
		return fmt.Errorf("print the ledger: %w", err)
	}
	return nil
}
