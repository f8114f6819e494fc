package house

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a stranger can take in at a look. A larger thing has a second idea in it: find it.
const (
	mostFiles   = 25 // in a folder, without tests
	mostLines   = 400
	mostMethods = 40 // of a type
	mostAsked   = 12 // methods of an interface
)

// exception is a thing that may be larger. It may not grow beyond most.
type exception struct {
	most int
	why  string
}

var (
	largeFolders = map[string]exception{
		"approval":       {30, "nouns and verbs"},
		"bot":            {27, "a file each for the kinds of thing that people do, and the socket"},
		"approval/steps": {34, "a file each for the use cases, and the ports"},
	}
	largeFiles = map[string]exception{
		"migrations/0003_requests.sql":                 {680, "a noun of the schema stands in one file"},
		"migrations/0004_ledger.sql":                   {456, "a noun of the schema stands in one file"},
		"internal/slacksim/page/src/style/blocks.css":  {539, "a sheet is looked up by selector, not read"},
		"internal/slacksim/page/src/style/frame.css":   {524, "a sheet is looked up by selector, not read"},
		"internal/slacksim/page/src/style/message.css": {477, "a sheet is looked up by selector, not read"},
	}
	largeTypes = map[string]exception{
		"approval.Request": {49, "a verb for each move, and what drawing asks of it; Money, Turn, Talk and Boxes hold the rest"},
	}
	largeInterfaces = map[string]exception{
		"approval/steps.Store":   {63, "all pieces at once, for whoever keeps or wires them: no step has it"},
		"approval/steps.Sandbox": {17, "all pieces at once, for whoever makes or wires boxes: no step has it"},
	}
)

// fits holds a figure against the rule or its exception.
func fits(t *testing.T, what string, is, most int, exceptions map[string]exception) {
	t.Helper()
	e, ok := exceptions[what]
	switch {
	case !ok && is > most:
		t.Errorf("%s: %d, and %d is the most", what, is, most)
	case ok && is > e.most:
		t.Errorf("%s: %d, and its exception ends at %d (%s)", what, is, e.most, e.why)
	case ok && is <= most:
		t.Logf("%s: %d needs no exception any more", what, is)
	}
}

func TestAFolderCanBeReadInOneLook(t *testing.T) {
	t.Parallel()
	for folder, r := range read(t) {
		fits(t, folder, len(r.all(false)), mostFiles, largeFolders)
	}
	python := map[string]int{}
	walk(t, func(file string) {
		if path.Ext(file) == ".py" && !strings.Contains(file, "testdata/") {
			python[path.Dir(file)]++
		}
	})
	require.NotEmpty(t, python)
	for folder, files := range python {
		fits(t, folder, files, mostFiles, largeFolders)
	}
}

func TestAFileHoldsOneIdea(t *testing.T) {
	t.Parallel()
	written := []string{".go", ".py", ".sql", ".ts", ".tsx", ".css"}
	made := []string{"migrations/schema.sql"} // by `make schema`
	walk(t, func(file string) {
		if !slices.Contains(written, path.Ext(file)) || slices.Contains(made, file) {
			return
		}
		text, err := os.ReadFile("../../" + file)
		require.NoError(t, err)
		fits(t, file, lines(text), mostLines, largeFiles)
	})
}

func TestATypeIsNoFolder(t *testing.T) {
	t.Parallel()
	for folder, r := range read(t) {
		for name, methods := range r.methods {
			fits(t, folder+"."+name, methods, mostMethods, largeTypes)
		}
	}
}

func TestAnInterfaceIsWhatOneCallerNeeds(t *testing.T) {
	t.Parallel()
	rooms := read(t)
	for folder, r := range rooms {
		for name := range r.interfaces {
			fits(t, folder+"."+name, breadth(rooms, folder, name), mostAsked, largeInterfaces)
		}
	}
}
