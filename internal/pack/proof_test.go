package pack

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/internal/checkpoint"
)

func init() {
	twice := func(file string) func(t testing.TB, o opened) {
		return func(t testing.TB, o opened) {
			lines := o.lines(file)
			o.put(file, append(lines, lines[0]))
		}
	}
	tampered = append(tampered, []struct {
		kind   string
		change func(t testing.TB, o opened)
		says   string
	}{
		{"a value twice", twice(fileValues), "it is there twice"},
		{"a key of log.json twice", func(t testing.TB, o opened) {
			o[fileProof] = []byte(strings.Replace(string(o[fileProof]), "{", `{"before":[],`, 1))
		}, `the file log.json: it cannot be read: "before" does not belong there, or is there twice`},
		{"something behind log.json", func(t testing.TB, o opened) { o[fileProof] = append(o[fileProof], "{}"...) }, "the file log.json: it cannot be read: something stands behind its end"},
	}...)
}

// repeated is a text, a part again and again, and another text: as long as no pack's log.json may be.
type repeated struct {
	before, part, after string
	left                int
}

func (r *repeated) Read(b []byte) (n int, err error) {
	for len(b) > 0 {
		switch {
		case r.before != "":
			m := copy(b, r.before)
			r.before, b, n = r.before[m:], b[m:], n+m
		case r.left > 0:
			r.before = r.part
			r.left -= len(r.part)
		case r.after != "":
			r.before, r.after = r.after, ""
		default:
			return n, io.EOF
		}
	}
	return n, nil
}

// A log.json that somebody has made to use up memory is refused before it does. It runs alone: it looks at the memory of all.
func TestALogThatIsMadeToFillMemoryIsRefused(t *testing.T) {
	hash := `"` + base64.StdEncoding.EncodeToString(make([]byte, 32)) + `"`
	for what, r := range map[string]*repeated{
		"checkpoints without anything": {before: `{"checkpoints":[{}`, part: `,{}`, after: `]}`},
		"checkpoints that are none":    {before: `{"checkpoints":[{"note":"x"}`, part: `,{"note":"x"}`, after: `]}`},
		"a checkpoint without end":     {before: `{"checkpoints":[{"note":"`, part: "countersign ", after: `"}]}`},
		"a proof without end":          {before: `{"checkpoints":[{"proof":[""`, part: `,""`, after: `]}]}`},
		"an edge without end":          {before: `{"before":[` + hash, part: "," + hash, after: `]}`},
		"an edge of nothing":           {before: `{"before":[""`, part: `,""`, after: `]}`},
		"proofs of nothing":            {before: `{"grounds":[[]`, part: `,[]`, after: `]}`},
		"too many proofs":              {before: `{"grounds":[[` + hash + `]`, part: `,[` + hash + `]`, after: `]}`},
		"an entry without end":         {before: `{"own":{"line":"`, part: "countersign ", after: `"}}`},
		"blanks":                       {before: `{`, part: "                ", after: `}`},
		"keys without end":             {before: `{"a":1`, part: `,"a":1`, after: `}`},
		"a depth without end":          {before: `{"own":`, part: `[`, after: `}`},
	} {
		r.left = maxDocument
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		v := verifier{entries: newEntries()}
		_, err := readProof(r, v.point)
		runtime.ReadMemStats(&after)
		_, is := errors.AsType[*Broken](err)
		require.True(t, is, "%s: %v", what, err)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(96<<20), what)
	}
}

// What the maker writes the verifier reads, with or without each part.
func TestLogsOfAllKindsAreRead(t *testing.T) {
	t.Parallel()
	hash := make([]byte, 32)
	for _, p := range []Proof{{}, {Before: [][]byte{hash, hash}}, {Own: &Own{Position: 3, Line: "x"}}, {Grounds: [][][]byte{{hash}, {hash, hash}}},
		{Before: [][]byte{hash}, Checkpoints: []Checkpoint{{Note: "a"}, {Note: "b", Proof: [][]byte{hash}}}, Own: &Own{Proof: [][]byte{hash}}, Grounds: [][][]byte{{hash}}}} {
		text, err := json.MarshalIndent(p, "", " ")
		require.NoError(t, err)
		var points []Checkpoint
		read, err := readProof(bytes.NewReader(text), func(c Checkpoint) error { points = append(points, c); return nil })
		require.NoError(t, err)
		read.Checkpoints = points
		require.Equal(t, p, read)
	}
}

// A pack that v0.1.0 has made holds today.
func TestAPackOfTheFirstReleaseHolds(t *testing.T) {
	t.Parallel()
	line, err := os.ReadFile("testdata/v0.1.0.key")
	require.NoError(t, err)
	key, err := checkpoint.Verifier(string(line))
	require.NoError(t, err)
	r, err := Verify("testdata/v0.1.0.zip", Trust{Keys: []note.Verifier{key}})
	require.NoError(t, err)
	require.True(t, r.Shown(), r.Sentences())
	require.Empty(t, r.Doubts)
}
