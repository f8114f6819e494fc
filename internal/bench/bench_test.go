package bench

import (
	"encoding/xml"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWhatIsReportedIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "bench.jsonl")
	t.Setenv("BENCH_REPORT", path)
	acks := Figure{Part: "Acks", Name: "/analyze, p99", Unit: Milliseconds, Value: 12.5, Is: "median of 3 rounds", Each: []float64{12, 12.5, 40},
		Goal: AtMost(33, "half of Bolt's"), Against: []Other{{Name: "Bolt", Value: 66, Each: []float64{60, 66, 70}}}}
	holds := Figure{Part: "Money", Name: "holds", Unit: PerSecond, Value: 1234, Goal: AtLeast(2000, "")}
	Report(t, acks)
	Report(t, holds)
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	all, err := Read(file)
	require.NoError(t, err)
	require.Equal(t, []Figure{acks, holds}, all)
	require.True(t, acks.Kept())
	require.False(t, holds.Kept())
	require.Equal(t, "/analyze, p99: 12.5 ms; Bolt 66 ms; at most 33 ms (half of Bolt's)", acks.String())
	require.Equal(t, "holds: 1,234/s; at least 2,000/s", holds.String())
}

func TestAFigureThatMeansNothingIsRefused(t *testing.T) {
	for name, f := range map[string]Figure{
		"no name":            {Part: "p", Value: 1},
		"no part":            {Name: "n", Value: 1},
		"no number":          {Part: "p", Name: "n", Value: math.NaN()},
		"endless":            {Part: "p", Name: "n", Each: []float64{math.Inf(1)}},
		"an endless goal":    {Part: "p", Name: "n", Goal: AtMost(math.Inf(1), "")},
		"an endless other":   {Part: "p", Name: "n", Against: []Other{{Name: "o", Value: math.NaN()}}},
		"less than nothing":  {Part: "p", Name: "n", Value: -1},
		"an other's history": {Part: "p", Name: "n", Against: []Other{{Name: "o", Each: []float64{math.NaN()}}}},
	} {
		require.Error(t, f.check(), name)
	}
	_, err := Read(strings.NewReader("{\"part\":\"p\",\"name\":\"n\"}\nnonsense\n"))
	require.ErrorContains(t, err, "line 2")
	_, err = Read(strings.NewReader("{\"part\":\"p\"}\n"))
	require.ErrorContains(t, err, "line 1")
}

func TestQuantiles(t *testing.T) {
	require.Equal(t, 0.0, Median(nil))
	require.Equal(t, 3.0, Median([]float64{5, 1, 3}))
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[99-i] = float64(i)
	}
	require.Equal(t, 99.0, Quantile(hundred, 0.99))
	require.Equal(t, 99.0, Quantile(hundred, 1))
	require.Equal(t, []float64{1.5, 2}, Millis([]time.Duration{1500 * time.Microsecond, 2 * time.Millisecond}))
	require.Equal(t, []float64{1.5}, Micros([]time.Duration{1500 * time.Nanosecond}))
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for want, is := range map[string]struct {
		v    float64
		unit string
	}{
		"0 ms": {0, Milliseconds}, "0.0012 ms": {0.00123, Milliseconds}, "1.23 ms": {1.234, Milliseconds}, "12.3 ms": {12.34, Milliseconds}, "123 ms": {123.4, Milliseconds},
		"1,234 ms": {1234.4, Milliseconds}, "10,000,000": {1e7, Count}, "0.90 times": {0.9, Times}, "7": {7, Count}, "812/s": {812, PerSecond},
	} {
		require.Equal(t, want, say(is.v, is.unit))
	}
}

func TestThePageHoldsEveryFigureAndNeedsNothing(t *testing.T) {
	many := make([]float64, 1000)
	for i := range many {
		many[i] = float64(i % 7)
	}
	many[500] = 99
	var out strings.Builder
	require.NoError(t, Page(&out, About{When: "today", Machine: "2 processors", Version: "commit abc"}, []Figure{
		{Part: "Acks", Name: "/analyze <p99>", Unit: Milliseconds, Value: 50, Each: many, Goal: AtMost(25, "half of Bolt's"),
			Against: []Other{{Name: "Bolt & co", Value: 100, Each: []float64{90, 100}}}},
		{Part: "Money", Name: "holds", Unit: PerSecond, Value: 1234, Goal: AtLeast(1000, "")},
		{Part: "Acks", Name: "click", Unit: Milliseconds, Value: 0},
	}))
	html := out.String()
	require.Equal(t, 2, strings.Count(html, "<section>"), "figures of one part stand together")
	for _, shown := range []string{"/analyze &lt;p99&gt;", "Bolt &amp; co", "✗ Goal missed: at most 25 ms (half of Bolt&#39;s)", "✓ Goal kept: at least 1,000/s", "Goals missed: 1",
		"Goals kept: 1", "Without a goal: 1", `style="width: 50.00%"`, `style="left: 25.00%"`, "0 ms to 99 ms", "1,000 measured, a column is the largest of 20", "<title>99 ms</title>", "commit abc"} {
		require.Contains(t, html, shown)
	}
	require.Equal(t, 52, strings.Count(html, "<rect"), "fifty columns, and two of the other")
	require.NotRegexp(t, regexp.MustCompile(`(?i)<script|<link|<img|src=|href=|url\(|@import|\son[a-z]+=`), html)
	balanced(t, html)

	out.Reset()
	require.NoError(t, Page(&out, About{}, nil))
	require.Contains(t, out.String(), "Nothing was measured.")
}

// balanced holds the page to be well-formed, so that a browser draws what was meant.
func balanced(t *testing.T, html string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(html))
	d.Entity = xml.HTMLEntity
	for {
		_, err := d.Token()
		if err == io.EOF {
			return
		}
		require.NoError(t, err)
	}
}
