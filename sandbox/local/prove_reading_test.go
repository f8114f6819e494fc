//go:build linux

package local

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/internal/proof"
	"countersign/sandbox"
)

// awkward is a data file and its right value. Those of testdata/reading/cases are
// files; the others are written out in made.jsonl.
type awkward struct {
	File, Name, Text, Base64 string
	Told                     *reading.Told // by somebody who knows better

	Problem     string   // the code with which it is refused
	Rows        *int64   // of its first table
	Columns     []string // their names
	Types       []string
	Odd         []string // codes that must be among what is odd
	Asks        []string // codes of what its asker is asked, all of them
	Delimiter   string
	Decimal     string
	Encoding    string
	HeadingLine int64  `json:"heading_line"`
	Load        string // an expression of df = load(name)
	Is          string // what str makes of it
}

func (a awkward) name() string {
	if a.File != "" {
		return filepath.Base(a.File)
	}
	return a.Name
}

func (a awkward) data(t testing.TB) []byte {
	t.Helper()
	switch {
	case a.File != "":
		data, err := os.ReadFile(filepath.Join("testdata/reading", a.File))
		require.NoError(t, err)
		return data
	case a.Base64 != "":
		data, err := base64.StdEncoding.DecodeString(a.Base64)
		require.NoError(t, err)
		return data
	}
	return []byte(a.Text)
}

func awkwardFiles(t testing.TB) []awkward {
	t.Helper()
	var all []awkward
	for _, name := range []string{"cases.jsonl", "made.jsonl"} {
		data, err := os.ReadFile(filepath.Join("testdata/reading", name))
		require.NoError(t, err)
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var a awkward
			require.NoError(t, json.Unmarshal(lines.Bytes(), &a))
			all = append(all, a)
		}
		require.NoError(t, lines.Err())
	}
	listed, err := filepath.Glob("testdata/reading/cases/*.*")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), len(listed)+80)
	for _, path := range listed {
		require.True(t, slices.ContainsFunc(all, func(a awkward) bool { return a.File == "cases/"+filepath.Base(path) }), "%s has no right value", path)
	}
	return all
}

// loadThem is a small program: it loads each input by its reading, as an approved
// program would, and says what an expression of it is.
const loadThem = `import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("desk", "/runner/desk/__init__.py", submodule_search_locations=["/runner/desk"])
desk = importlib.util.module_from_spec(spec)
sys.modules["desk"] = desk
spec.loader.exec_module(desk)
from desk import load
asked = json.load(open("asked.json"))
desk.seal({name: one["reading"] for name, one in asked.items()})
for name, one in asked.items():
    try:
        df = load(name)
        said = {"is": str(eval(one["load"])), "rows": len(df), "dtypes": [str(d) for d in df.dtypes]}
    except Exception as e:
        said = {"is": repr(e), "rows": -1, "dtypes": []}
    print(json.dumps({"name": name, **said}))
`

type loaded struct {
	Name   string
	Is     string
	Rows   int64
	DTypes []string `json:"dtypes"`
}

// Every awkward file is read in a real box, and loaded by its reading in another one.
func TestProveReadingOfAwkwardFiles(t *testing.T) {
	t.Parallel()
	all := proof.Draw(t, awkwardFiles(t))
	answers := map[string]reading.Answer{}
	for part := range slices.Chunk(all, 50) {
		var files []sandbox.ReadFile
		for _, a := range part {
			one := file(a.name(), a.data(t))
			one.Told = a.Told
			files = append(files, one)
		}
		for i, answer := range readHere(t, files...).answers {
			if answer.Reading != nil {
				answer.Reading.Told = part[i].Told // as the host does: load obeys it
			}
			answers[part[i].name()] = answer
		}
	}
	require.Len(t, answers, len(all), "two files have one name")
	got := loadAll(t, all, answers)
	for _, a := range all {
		wrong := a.wrong(answers[a.name()], got[a.name()])
		shown := a.shown(answers[a.name()], got[a.name()])
		if wrong != "" {
			shown = wrong
		}
		proof.Check(t, wrong == "", a.name(), "%s", shown)
	}
}

func loadAll(t testing.TB, all []awkward, answers map[string]reading.Answer) map[string]loaded {
	t.Helper()
	type ask struct {
		Reading *reading.Reading `json:"reading"`
		Load    string           `json:"load"`
	}
	asked, inputs := map[string]ask{}, []steps.InputFile{}
	for _, a := range all {
		if said := answers[a.name()]; said.Reading != nil && a.Load != "" {
			asked[a.name()] = ask{said.Reading, a.Load}
			inputs = append(inputs, input(a.name(), string(a.data(t))))
		}
	}
	data, err := json.Marshal(asked)
	require.NoError(t, err)
	result := run(t, job(loadThem, roomy, append(inputs, input("asked.json", string(data)))...))
	require.Equal(t, approval.OK, result.Outcome, result.Error+result.Traceback)
	got := map[string]loaded{}
	for line := range strings.Lines(result.Stdout) {
		var l loaded
		require.NoError(t, json.Unmarshal([]byte(line), &l), line)
		got[l.Name] = l
	}
	require.Len(t, got, len(asked))
	return got
}

// wrong says what is not as it should be, if anything.
func (a awkward) wrong(answer reading.Answer, got loaded) string {
	if a.Problem != "" {
		switch {
		case answer.Problem == nil:
			return "it was read"
		case answer.Problem.Code != a.Problem:
			return "refused as " + answer.Problem.Code
		case strings.ContainsAny(answer.Problem.Words(), "{}"):
			return answer.Problem.Words()
		}
		return ""
	}
	if answer.Problem != nil {
		return "refused as " + answer.Problem.Code
	}
	table := answer.Reading.Tables[0]
	var names, types, odd, dtypes []string
	for _, c := range table.Columns {
		names, types, dtypes = append(names, c.Name), append(types, c.Type), append(dtypes, c.DType)
	}
	for _, o := range table.Odd {
		odd = append(odd, o.Code)
		if words := o.Words(); strings.ContainsAny(strings.ReplaceAll(words, o.Column, ""), "{}") || words == "" {
			return "the words " + words
		}
	}
	for _, code := range a.Odd {
		if !slices.Contains(odd, code) {
			return fmt.Sprintf("nothing said of %s: %v", code, odd)
		}
	}
	var asks []string
	for _, d := range answer.Reading.Doubts(nil) {
		asks = append(asks, d.Code)
	}
	switch {
	case a.Asks != nil && !slices.Equal(asks, a.Asks):
		return fmt.Sprintf("the asker is asked about %q", asks)
	case a.Rows != nil && table.Rows != *a.Rows:
		return fmt.Sprintf("%d rows", table.Rows)
	case a.Columns != nil && !slices.Equal(names, a.Columns):
		return fmt.Sprintf("the columns %q", names)
	case a.Types != nil && !slices.Equal(types, a.Types):
		return fmt.Sprintf("the types %q", types)
	case a.Delimiter != "" && table.Delimiter != a.Delimiter:
		return fmt.Sprintf("the delimiter %q", table.Delimiter)
	case a.Decimal != "" && table.Decimal != a.Decimal:
		return fmt.Sprintf("the decimal sign %q", table.Decimal)
	case a.Encoding != "" && answer.Reading.Encoding != a.Encoding:
		return "the encoding " + answer.Reading.Encoding
	case a.HeadingLine != 0 && table.HeadingLine != a.HeadingLine:
		return fmt.Sprintf("the heading in line %d", table.HeadingLine)
	case a.Load != "" && got.Is != a.Is:
		return fmt.Sprintf("load gives %s, not %s", got.Is, a.Is)
	case a.Load != "" && (got.Rows != table.Rows || !slices.Equal(got.DTypes, dtypes)):
		return fmt.Sprintf("load gives %d rows of %v, the reading says %d of %v", got.Rows, got.DTypes, table.Rows, dtypes)
	}
	return ""
}

func (a awkward) shown(answer reading.Answer, got loaded) string {
	if answer.Problem != nil {
		return answer.Problem.Words()
	}
	table := answer.Reading.Tables[0]
	return fmt.Sprintf("%d x %d, %s; %s", table.Rows, len(table.Columns), table.Words(*answer.Reading), strings.Join(strings.Fields(got.Is), " "))
}

// Bombs end with words, and hurt neither this process nor the files beside them.
func TestProveReadingOfBombs(t *testing.T) {
	t.Parallel()
	all := proof.Draw(t, lightBombs(t))
	if proof.Whole() {
		all = append(all, heavyBombs(t)...) // each fills a box, or keeps it for its whole time
	}
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) {
			sink := &kept{csv: map[int]*bytes.Buffer{}}
			seconds := 600
			if slices.Contains(b.ends, "time") {
				seconds = 30
			}
			err := shared.Read(context.Background(), sandbox.ReadJob{Seconds: seconds, MemoryMB: 700, Files: []sandbox.ReadFile{file(b.name, b.data), file("next.csv", []byte("a,b\n1,2\n"))}}, sink)
			said := boxGone
			switch {
			case len(sink.answers) == 0:
			case sink.answers[0].Problem != nil:
				said = sink.answers[0].Problem.Code
			default:
				said = "read"
			}
			survived := err != nil || len(sink.answers) == 2 && sink.answers[1].Reading != nil
			proof.Check(t, slices.Contains(b.ends, said) && survived, "bomb: "+b.name, "%d bytes: %s", len(b.data), said)
		})
	}
}
