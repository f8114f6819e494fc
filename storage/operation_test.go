package storage

import (
	"flag"
	"fmt"
	"strconv"

	"pgregory.net/rapid"

	"countersign/budget"
)

// operation is one thing that is done to the ledger, as rapid draws it: what, and
// the throws by which all else about it is decided, from whom to how much. What
// there is to do it to is known only when it is done, so a throw picks from that.
type operation struct {
	verb   string
	throws []int   // each is as likely as any other below sides
	odd    []int64 // the last digits of amounts, which rapid likes small
	thrown int
}

// The throws of an operation are more than any of them needs; in one that is done
// again, because somebody else came first, the first comes after the last.
const (
	sides  = 1 << 10
	throws = 16
)

// weights are how often each is drawn, of a thousand times or so.
var weights = []struct {
	verb string
	of   int
}{{"ask", 420}, {"call", 140}, {"settle", 180}, {"draft", 60}, {"approve", 60}, {"start", 30}, {"end", 35}, {"withdraw", 30},
	{"limit", 17}, {"remove limit", 3}, {"wait", 21}, {"sweep", 4}}

// fairThrow is a throw without rapid's liking for small numbers: a ledger in which
// next to nothing happens proves next to nothing.
var fairThrow = rapid.Custom(func(t *rapid.T) (n int) {
	for range 10 {
		n *= 2
		if rapid.Bool().Draw(t, "side") {
			n++
		}
	}
	return n
})

var operations = rapid.Custom(func(t *rapid.T) *operation {
	o := &operation{throws: rapid.SliceOfN(fairThrow, throws, throws).Draw(t, "throws"), odd: rapid.SliceOfN(rapid.Int64Range(0, 999), 2, 2).Draw(t, "odd")}
	n := fairThrow.Draw(t, "verb") * 1000 / sides
	for _, w := range weights {
		if o.verb = w.verb; n < w.of {
			break
		}
		n -= w.of
	}
	return o
})

// intN decides between n things.
func (o *operation) intN(n int) int {
	o.thrown++
	return o.throws[o.thrown%len(o.throws)] * n / sides
}

// upTo decides on an amount. Nothing and all of it are not rare.
func (o *operation) upTo(most budget.USD) budget.USD {
	part := budget.USD(o.intN(1000 + 24))
	return min(most, most*part/1000+budget.USD(o.odd[o.thrown%len(o.odd)]))
}

// drawOperations has rapid draw so many, by a seed that draws the same ones again.
// Whether they have done any harm is seen from outside, by the witness, when others
// have been at the ledger as well: so no draw fails, and rapid has nothing to shrink.
func drawOperations(seed uint64, n int, do func(*operation)) {
	const each = 50
	flag.Parse() // rapid's settings are flags
	for name, value := range map[string]string{"rapid.seed": strconv.FormatUint(max(1, seed), 10), "rapid.checks": strconv.Itoa((n + each - 1) / each),
		"rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	rapid.Check(outside{}, func(t *rapid.T) {
		for range min(each, n) {
			do(operations.Draw(t, "operation"))
			n--
		}
	})
}

// outside is where rapid reports to in a process that is no test.
type outside struct{ rapid.TB }

func (outside) Helper()                           {}
func (outside) Name() string                      { return "spender" }
func (outside) Logf(string, ...any)               {}
func (outside) Failed() bool                      { return false }
func (outside) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
