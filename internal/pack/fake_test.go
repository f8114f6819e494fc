package pack

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval/redact"
	"countersign/internal/checkpoint"
	"countersign/internal/pack/strict"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// fake is an installation without a database: a log in memory, a key, and checkpoints.
type fake struct {
	t       testing.TB
	tree    *checkpoint.Tree
	nodes   map[checkpoint.ID][]byte
	last    map[string]link // where each stream is
	entries []Entry
	cases   map[string]*Case
	order   []string
	signer  note.Signer
	key     note.Verifier
	points  []Checkpoint
	read    []checkpoint.Checkpoint
	drawn   int
	hides   *redact.Rules
	ends    func(stream string) map[string]any // what else the end of a run says; nil: nothing
	seat    string                             // of the terminal, if not the person's own
	unseen  bool                               // nobody watches a run
	first   int64                              // where its packs begin
	later   time.Duration                      // how far its clock was put on
	seals   func(manifest string) string       // what else a manifest says; nil: nothing
	channel string                             // where is asked, if not in C0SALES
	edge    string                             // its packs begin after the next event of this kind
	from    time.Time                          // of its packs; zero: noon, or when first was reached
	to      time.Time                          // zero: ten days later
	finds   string                             // what the inspection finds; empty: nothing
	leaves  func(e Entry) bool                 // out of what it shows
	lies    func(s *Span)                      // leaves out a part of the period
}

func key2(t testing.TB, seed byte) (note.Signer, note.Verifier) {
	t.Helper()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), 32)))
	signer, err := checkpoint.Signer(private)
	require.NoError(t, err)
	line, err := checkpoint.Public(private)
	require.NoError(t, err)
	verifier, err := checkpoint.Verifier(line)
	require.NoError(t, err)
	return signer, verifier
}

func newFake(t testing.TB, seed byte) *fake {
	t.Helper()
	f := &fake{t: t, nodes: map[checkpoint.ID][]byte{}, last: map[string]link{}, cases: map[string]*Case{}}
	f.signer, f.key = key2(t, seed)
	var err error
	f.tree, err = checkpoint.Grow(0, nil)
	require.NoError(t, err)
	return f
}

// says stores a value of a stream, and returns how an event names it.
func (f *fake) says(stream, text string) map[string]any {
	f.drawn++
	v := Value{Salt: fmt.Sprintf("%032x", f.drawn), Bytes: []byte(text)}
	v.Hash = sum([]byte(v.Salt + text))
	f.of(stream).Values = append(f.of(stream).Values, v)
	return map[string]any{salted: v.Hash}
}

func (f *fake) of(stream string) *Case {
	if f.cases[stream] == nil {
		f.cases[stream] = &Case{Stream: stream}
		f.order = append(f.order, stream)
	}
	return f.cases[stream]
}

// forgets takes a value away.
func (f *fake) forgets(stream, text string) {
	c := f.of(stream)
	c.Values = slices.DeleteFunc(c.Values, func(v Value) bool { return string(v.Bytes) == text })
}

// happens appends an event to a stream and to the log.
func (f *fake) happens(stream, actor, kind string, data map[string]any) Entry {
	last := f.last[stream]
	if last.hash == "" {
		last.hash = strings.Repeat("0", 64)
	}
	marshalled, err := json.Marshal(data)
	require.NoError(f.t, err)
	d := json.NewDecoder(bytes.NewReader(marshalled))
	d.UseNumber()
	var facts any
	require.NoError(f.t, d.Decode(&facts))
	text, err := strict.JSON(facts)
	require.NoError(f.t, err)
	line := fmt.Sprintf(`{"actor":%q,"at":"%s","data":%s,"kind":%q,"prev":%q,"seq":%d,"stream":%q,"v":2}`,
		actor, f.now().Format("2006-01-02T15:04:05.000000Z"), text, kind, last.hash, last.seq+1, stream)
	e := Entry{Position: f.tree.Size(), Hash: sum([]byte(line)), Event: json.RawMessage(line)}
	f.last[stream] = link{last.seq + 1, e.Hash}
	leaf, err := checkpoint.Leaf(e.Hash)
	require.NoError(f.t, err)
	f.nodes[checkpoint.ID{Index: e.Position}] = leaf
	full, err := f.tree.Append(e.Hash)
	require.NoError(f.t, err)
	for _, node := range full {
		f.nodes[node.ID] = node.Hash
	}
	f.entries = append(f.entries, e)
	f.of(stream).Entries = append(f.of(stream).Entries, e)
	if e.Position%256 == 255 {
		f.signs()
	}
	if kind == f.edge {
		f.begins()
	}
	return e
}

// begins has its packs begin here.
func (f *fake) begins() {
	f.signs()
	f.first, f.edge = int64(len(f.entries)), ""
}

// earlier writes with a clock that was put back.
func (f *fake) earlier(writes func()) {
	f.later -= time.Hour
	writes()
	f.later += time.Hour
}

// now is a second later with every event.
func (f *fake) now() time.Time { return noon.Add(f.later + time.Duration(len(f.entries))*time.Second) }

// signs makes a checkpoint, if anything has come since the last one.
func (f *fake) signs() {
	c := checkpoint.Checkpoint{Number: int64(len(f.points) + 1), Size: f.tree.Size(), At: f.now()}
	from := int64(0)
	if n := len(f.read); n > 0 {
		if from = f.read[n-1].Size; from == c.Size {
			return
		}
		if before := f.read[n-1].At; c.At.Before(before) {
			c.At = before
		}
	}
	var err error
	c.Root, err = f.tree.Root()
	require.NoError(f.t, err)
	plan, err := checkpoint.Consistency(from, c.Size)
	require.NoError(f.t, err)
	signed, err := c.Sign(f.signer)
	require.NoError(f.t, err)
	f.points, f.read = append(f.points, Checkpoint{Note: signed, Proof: f.proof(plan)}), append(f.read, c)
}

func (f *fake) proof(plan checkpoint.Plan) [][]byte {
	var hashes [][]byte
	for _, id := range plan.IDs() {
		hashes = append(hashes, f.nodes[id])
	}
	proof, err := plan.Proof(hashes)
	require.NoError(f.t, err)
	return proof
}

const program = "from desk import load, answer\n\nsales = load(\"sales.csv\")\nanswer(sales.groupby(\"month\").revenue.sum())\n"

// plays has somebody ask, somebody approve, and the code run: 10 entries, and as many more
// as somebody opens the code.
func (f *fake) plays(i int, question string, opens int) {
	f.playsBehind(i, question, opens, func(f *fake, stream, digest string) {
		f.happens(stream, "U0BEN", "approved", map[string]any{"revision": 1, "digest": digest, "settings": true, "click": map[string]any{"team": "T1", "user": "U0BEN", "channel": "C0REVIEW"}})
		c := f.of(stream)
		c.Decisions = append(c.Decisions, Decision{Request: stream[len("request:"):], Revision: 1, Digest: digest, Reviewer: "U0BEN", Verdict: "approve", At: noon})
	})
}

// playsBehind is plays with something else behind the run than an approval.
func (f *fake) playsBehind(i int, question string, opens int, behind func(f *fake, stream, digest string)) {
	id := fmt.Sprintf("r%06d", i)
	stream := "request:" + id
	manifest := fmt.Sprintf(`{"version":2,"code_sha256":%q,"inputs":[{"name":"sales.csv","sha256":%q,"reading":{"encoding":"utf-8","delimiter":",","rows":1200}}],"sandbox":"local","template":"python 3.13","network":[],"limits":{"seconds":120,"memory_mb":2048},"cost_cap":2000000,"tier":"low","approvals":1,"policy":"settings"}`,
		sum([]byte(program)), sum([]byte("sales")))
	if f.seals != nil {
		manifest = f.seals(manifest)
	}
	digest := sum([]byte(manifest))
	f.happens(stream, "U0MAYA", "asked", map[string]any{"channel": cmp.Or(f.channel, "C0SALES"), "model": "codestral-2508", "chosen": "codestral-2508", "chosen_by": "U0MAYA", "question": f.says(stream, question), "files": []any{f.says(stream, "sales.csv")}})
	f.happens(stream, "countersign", "held", map[string]any{"hold": "h1" + id, "for": "draft", "amount": 5_000_000})
	f.happens(stream, "countersign", "called", map[string]any{"attempt": 1, "hold": "h1" + id, "model": "codestral-2508"})
	f.happens(stream, "countersign", "settled", map[string]any{"hold": "h1" + id, "for": "draft", "held": 5_000_000, "spent": 558_000, "estimated": false})
	drafted := map[string]any{"revision": 1, "digest": digest, "code": f.says(stream, program), "manifest": f.says(stream, manifest), "summary": f.says(stream, "Adds up revenue by month."), "findings": 0}
	if f.finds != "" {
		drafted["findings"], drafted["findings_list"] = 1, f.says(stream, f.finds)
	}
	f.happens(stream, "codestral-2508", "drafted", drafted)
	for range opens {
		f.happens(stream, "U0BEN", "opened review", map[string]any{"revision": 1})
	}
	if behind != nil {
		behind(f, stream, digest)
	}
	f.happens(stream, "countersign", "started", map[string]any{"box": "box-" + id, "revision": 1, "digest": digest})
	f.happens(stream, "countersign", "begun", map[string]any{"box": "box-" + id})
	finished := map[string]any{"outcome": "ok", "box_ms": 1840}
	if f.ends != nil {
		maps.Copy(finished, f.ends(stream))
	}
	if finished["result"] == nil {
		finished["result"] = f.says(stream, `{"outcome":"ok","answer":"May earned $41,300, 12 % more than April."}`)
	}
	if !f.unseen {
		finished["witness"] = map[string]any{"source": "gvisor", "complete": true, "seen": map[string]any{"opened": []any{f.says(stream, "sales.csv")}, "connected": []any{}, "started": []any{}}}
	}
	f.happens(stream, "countersign", "finished", finished)
	f.happens(stream, "countersign", "settled", map[string]any{"hold": "h2" + id, "for": "run", "held": 2_000_000, "spent": 69_000, "estimated": false})
	c := f.of(stream)
	c.Receipts = append(c.Receipts, Receipt{Request: id, Hold: "h1" + id, For: "draft", At: noon, Amount: 558_000, Charges: []Charge{{Kind: "tokens", What: "codestral-2508", Model: "codestral-2508", Input: 1200, Output: 220, Amount: 558_000}}},
		Receipt{Request: id, Hold: "h2" + id, For: "run", At: noon, Amount: 69_000, Charges: []Charge{{Kind: "box", What: "local", BoxMS: 1840, VCPU: 2, MemoryMB: 2048, Amount: 69_000}}})
}
