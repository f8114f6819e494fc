package pack

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/internal/proof"
)

// opened is a pack in memory, for somebody who changes it.
type opened map[string][]byte

func open(t testing.TB, path string) opened {
	t.Helper()
	z, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer z.Close()
	files := opened{}
	for _, f := range z.File {
		r, err := f.Open()
		require.NoError(t, err)
		files[f.Name], err = io.ReadAll(r)
		require.NoError(t, err)
	}
	return files
}

// close writes it again, with the hashes of its files brought up to date.
func (o opened) close(t testing.TB) string {
	t.Helper()
	var c Contents
	require.NoError(t, json.Unmarshal(o[fileContents], &c))
	for _, name := range listed {
		c.Files[name] = sum(o[name])
	}
	o[fileContents] = c.Spelled()
	path := filepath.Join(t.TempDir(), "changed.zip")
	file, err := os.Create(path)
	require.NoError(t, err)
	z := zip.NewWriter(file)
	for name, text := range o {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write(text)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.NoError(t, file.Close())
	return path
}

func (o opened) lines(name string) []string {
	return strings.Split(strings.TrimSuffix(string(o[name]), "\n"), "\n")
}

func (o opened) put(name string, lines []string) { o[name] = []byte(strings.Join(lines, "\n") + "\n") }

// entries changes the entries, and numbers them anew: whoever tampers knows the format.
func (o opened) entries(t testing.TB, change func(list []Entry) []Entry) {
	t.Helper()
	var list []Entry
	for _, line := range o.lines(fileEntries) {
		var e Entry
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		list = append(list, e)
	}
	var text []byte
	for i, e := range change(list) {
		e.Position = int64(i)
		text = append(text, e.line()...)
	}
	o[fileEntries] = text
}

// again hashes a changed line.
func again(e Entry, from, to string) Entry {
	e.Event = json.RawMessage(strings.Replace(string(e.Event), from, to, 1))
	e.Hash = sum(e.Event)
	return e
}

func (o opened) proof(t testing.TB, change func(p *Proof)) {
	t.Helper()
	var p Proof
	require.NoError(t, json.Unmarshal(o[fileProof], &p))
	change(&p)
	text, err := json.Marshal(p)
	require.NoError(t, err)
	o[fileProof] = text
}

func (o opened) contents(t testing.TB, change func(c *Contents)) {
	t.Helper()
	var c Contents
	require.NoError(t, json.Unmarshal(o[fileContents], &c))
	change(&c)
	o[fileContents] = c.Spelled()
}

// tampered are the eleven kinds, each by somebody who mends what they can: positions,
// hashes of lines and files, counts.
var tampered = []struct {
	kind   string
	change func(t testing.TB, o opened)
	says   string
}{
	{"a changed field", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry {
			list[12].Event = json.RawMessage(strings.Replace(string(list[12].Event), "U0BEN", "U0BOB", 1))
			list[5].Event = json.RawMessage(strings.Replace(string(list[5].Event), "U0BEN", "U0BOB", 1))
			return list
		})
	}, "entry 5 (event 6 of request:r000000): its content has been changed"},
	{"a changed field, hashed again", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry { list[5] = again(list[5], "U0BEN", "U0BOB"); return list })
	}, "entry 6 (event 7 of request:r000000): it does not continue the one before it"},
	{"a deleted middle", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry { return append(list[:3:3], list[4:]...) })
		o.contents(t, func(c *Contents) { c.Last--; c.Visible-- })
	}, "event 4 of request:r000000: it is missing before entry 3"},
	{"a deleted tail", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry { return list[:len(list)-2] })
	}, "it is missing: the pack goes on to entry"},
	{"a deleted tail, with the count", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry { return list[:len(list)-1] })
		o.contents(t, func(c *Contents) { c.Last--; c.Visible-- })
	}, "entry 299: the receipt h2r000029 of r000029: its event is missing"},
	{"an insertion", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry {
			slipped := Entry{Event: json.RawMessage(fmt.Sprintf(`{"actor":"U0BOB","at":"2026-11-26T12:00:00.000000Z","data":{},"kind":"approved","prev":%q,"seq":1,"stream":"request:other","v":2}`, strings.Repeat("0", 64)))}
			slipped.Hash = sum(slipped.Event)
			return append(append(list[:20:20], slipped), list[20:]...)
		})
		o.contents(t, func(c *Contents) { c.Last++; c.Visible++; c.Showing++; c.Requests++ })
	}, "one of the entries 0 to 255: checkpoint 1 was signed of others"},
	{"a new order", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry { list[3], list[4] = list[4], list[3]; return list })
	}, "event 4 of request:r000000: it is missing before entry 3"},
	{"a new order of two requests", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry { list[9], list[10] = list[10], list[9]; return list })
	}, "one of the entries 0 to 255: checkpoint 1 was signed of others"},
	{"a fork of a stream", func(t testing.TB, o opened) {
		o.entries(t, func(list []Entry) []Entry { list[6] = again(list[5], "U0BEN", "U0BOB"); return list })
	}, "entry 6 (event 6 of request:r000000): it stands in another order, or the stream forks"},
	{"a fork of the log", func(t testing.TB, o opened) {
		other := newFake(t, 0)
		for i := range 30 {
			other.plays(i, "another", 0)
		}
		path := open(t, other.pack(""))
		o.proof(t, func(p *Proof) {
			var theirs Proof
			require.NoError(t, json.Unmarshal(path[fileProof], &theirs))
			p.Checkpoints[1] = theirs.Checkpoints[1]
		})
	}, "checkpoint 2: it does not continue the one before it, so the log forks there"},
	{"a chain rewritten with another key", func(t testing.TB, o opened) {
		other := newFake(t, 1)
		for i := range 30 {
			other.plays(i, "What did we earn?", 0)
		}
		for name, text := range open(t, other.pack("")) {
			o[name] = text
		}
	}, "checkpoint 1: it is not signed by the key that you named"},
	{"a checkpoint left out", func(t testing.TB, o opened) {
		o.proof(t, func(p *Proof) { p.Checkpoints = append(p.Checkpoints[:1:1], p.Checkpoints[2:]...) })
	}, "checkpoint 2: it is left out"},
	{"the first checkpoint left out", func(t testing.TB, o opened) {
		o.proof(t, func(p *Proof) { p.Checkpoints = p.Checkpoints[1:] })
	}, "checkpoint 1: it is left out"},
	{"the last checkpoint left out", func(t testing.TB, o opened) {
		o.proof(t, func(p *Proof) { p.Checkpoints = p.Checkpoints[:len(p.Checkpoints)-1] })
	}, "no checkpoint covers it"},
	{"a decision whose event is missing", func(t testing.TB, o opened) {
		text, err := json.Marshal(Decision{Request: "r000001", Revision: 1, Digest: "d", Reviewer: "U0BOB", Verdict: "approve", At: noon})
		require.NoError(t, err)
		o.put(fileDecisions, append(o.lines(fileDecisions), string(text)))
	}, "the decision of U0BOB on version 1 of r000001: its event is missing"},
	{"a decision that is missing beside its event", func(t testing.TB, o opened) {
		o.put(fileDecisions, o.lines(fileDecisions)[1:])
	}, "entry 5: the decision that it tells of is missing"},
	{"a receipt that does not add up", func(t testing.TB, o opened) {
		lines := o.lines(fileReceipts)
		lines[2] = strings.ReplaceAll(lines[2], `"amount":558000,"rate"`, `"amount":58000,"rate"`)
		o.put(fileReceipts, lines)
	}, "the receipt h1r000001 of r000001: it does not add up: its charges are $0.000058, and it says $0.000558"},
	{"a receipt whose charges run over and come out right", func(t testing.TB, o opened) {
		lines := o.lines(fileReceipts)
		var r Receipt
		require.NoError(t, json.Unmarshal([]byte(lines[2]), &r))
		r.Charges = append(r.Charges, Charge{Amount: math.MaxInt64}, Charge{Amount: math.MaxInt64}, Charge{Amount: 2})
		text, err := json.Marshal(r)
		require.NoError(t, err)
		lines[2] = string(text)
		o.put(fileReceipts, lines)
	}, "the receipt h1r000001 of r000001: it does not add up: its charges are beyond any amount"},
	{"a receipt that says less than its event", func(t testing.TB, o opened) {
		lines := o.lines(fileReceipts)
		lines[2] = strings.ReplaceAll(lines[2], `"amount":558000`, `"amount":58000`)
		o.put(fileReceipts, lines)
	}, "the receipt h1r000001 of r000001: entry 13 says that another amount was spent"},
	{"a receipt left out", func(t testing.TB, o opened) {
		o.put(fileReceipts, o.lines(fileReceipts)[1:])
	}, "entry 3: its receipt h1r000000 is missing"},
	{"a request left out", func(t testing.TB, o opened) {
		o.drop(t, "r000007")
	}, "entry 70: it is left out, though the pack says that it is complete"},
	{"a request left out of what is called a selection", func(t testing.TB, o opened) {
		o.drop(t, "r000007")
		o.contents(t, func(c *Contents) { c.Person = "U0MAYA"; c.Visible -= 10; c.Showing-- })
	}, "the file pack.json: it is not what was written down when the pack was made"},
	{"another word of a question", func(t testing.TB, o opened) {
		o[fileValues] = bytes.Replace(o[fileValues], []byte(`"base64":"`), []byte(`"base64":"AAAA`), 1)
	}, "its content has been changed"},
	{"another page", func(t testing.TB, o opened) {
		o[filePage] = bytes.ReplaceAll(o[filePage], []byte("U0BEN"), []byte("U0BOB"))
	}, "the file pack.json: it is not what was written down when the pack was made"},
	{"a file more", func(t testing.TB, o opened) { o["note.txt"] = []byte("trust me") }, "the file note.txt: it does not belong to a pack"},
	{"a file less", func(t testing.TB, o opened) { delete(o, fileDecisions) }, "the file decisions.jsonl: it is missing"},
}

// drop leaves a request out, and all that belongs to it.
func (o opened) drop(t testing.TB, id string) {
	t.Helper()
	var names []string
	o.entries(t, func(list []Entry) []Entry {
		for i, e := range list {
			if strings.Contains(string(e.Event), "request:"+id) {
				names = append(names, (&Case{Entries: []Entry{e}}).Names()...)
				list[i].Event = nil
			}
		}
		return list
	})
	for _, file := range []string{fileDecisions, fileReceipts, fileValues} {
		var kept []string
		for _, line := range o.lines(file) {
			mine := strings.Contains(line, `"request":"`+id)
			for _, name := range names {
				mine = mine || strings.Contains(line, name)
			}
			if !mine {
				kept = append(kept, line)
			}
		}
		o.put(file, kept)
	}
}

func TestProveAuditAPackThatWasTamperedWithIsNamed(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	for i := range 30 {
		f.plays(i, "What did we earn in May?", 0)
	}
	path := f.pack("")
	trust := Trust{Keys: []note.Verifier{f.key}}
	r, err := Verify(path, trust)
	require.NoError(t, err)
	require.True(t, r.Shown())
	require.Contains(t, r.Sentences(), "It holds: nothing was changed, left out, added or moved")
	require.Contains(t, r.Sentences(), "Complete: 30 requests, 300 entries of the log")
	for _, tt := range proof.Draw(t, tampered) {
		o := open(t, path)
		tt.change(t, o)
		changed := o.close(t)
		if tt.kind == "a file less" {
			delete(o, fileDecisions)
		}
		r, err := Verify(changed, trust)
		broken, ok := errors.AsType[*Broken](err)
		kept := ok && strings.Contains(tt.says, broken.What) && strings.Contains(tt.says, broken.Why) || err != nil && strings.Contains(err.Error(), tt.says)
		kept = kept || err != nil && slices.ContainsFunc(r.Faults, func(f Fault) bool { return strings.Contains(f.sentence(), tt.says) })
		proof.Check(t, kept, "a pack: "+tt.kind, "%v", err)
	}
}

func TestProveAuditAPackOfAHundredThousandEntriesFitsIntoMemory(t *testing.T) {
	if path := os.Getenv("PACK_TEST_VERIFY"); path != "" {
		_, key := key2(t, 0)
		debug.SetMemoryLimit(Memory)
		began := time.Now()
		r, err := Verify(path, Trust{Keys: []note.Verifier{key}})
		require.NoError(t, err)
		took := time.Since(began)
		// The kernel's own figure of this program: what Wait tells begins with the memory of whoever started it.
		status, err := os.ReadFile("/proc/self/status")
		require.NoError(t, err)
		_, peak, _ := strings.Cut(string(status), "VmHWM:")
		peak, _, _ = strings.Cut(strings.TrimSpace(peak), " ")
		fmt.Printf("peak %s\ntook %v for %d entries\n", peak, took.Round(time.Millisecond), r.Last)
		return
	}
	f := newFake(t, 0)
	requests := proof.Of(5000)
	for i := range requests {
		f.plays(i, "What did we earn in May?", 10)
	}
	path := f.pack("")
	child := exec.Command(os.Args[0], "-test.run=^TestProveAuditAPackOfAHundredThousand", "-test.v")
	child.Env = append(os.Environ(), "PACK_TEST_VERIFY="+path, "PROVE_REPORT=")
	out, err := child.CombinedOutput()
	require.NoError(t, err, "%s", out)
	said, peak := "no time", 0
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.HasPrefix(line, "took ") {
			said = line
		}
		if kb, is := strings.CutPrefix(line, "peak "); is {
			peak, err = strconv.Atoi(kb)
			require.NoError(t, err)
		}
	}
	proof.Check(t, peak > 0 && peak < 200<<10, "a pack of 100,000 entries verifies in less than 200 MB", "%s, %d MB", said, peak>>10)
}
