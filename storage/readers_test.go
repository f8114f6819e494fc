package storage

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// Statements name kinds of event and their facts as text, which no compiler checks. A statement that
// misspells one finds nothing, for ever, and says so to nobody.
func TestWhatReadsEventsSpellsThemAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	var (
		kinds   = regexp.MustCompile(`\be\.kind (?:=|IN) \(?('[^)]*?')(?:[) ]|$)|events (?:\w )?WHERE .*?\bkind (?:=|IN) \(?('[^)]*?')(?:[) ]|$)`)
		facts   = regexp.MustCompile(`(?:\.Fact\(|\.fact\(|\be\.Data\[)"(\w+)"|\be\.data::jsonb ->>? '(\w+)'`)
		quoted  = regexp.MustCompile(`'([^']+)'`)
		written = map[string]bool{}
		of      = map[string]int{}
	)
	for _, data := range approval.Facts {
		for fact := range data {
			written[fact] = true
		}
	}
	for _, root := range []string{".", "../internal/pack"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			for _, line := range strings.Split(string(text), "\n") {
				for _, m := range kinds.FindAllStringSubmatch(line, -1) {
					for _, kind := range quoted.FindAllStringSubmatch(strings.Join(m[1:], ""), -1) {
						of["kinds"]++
						_, known := approval.Facts[kind[1]]
						require.True(t, known || strings.HasPrefix(kind[1], "`+approval."), "%s: no event is of the kind %q: %s", path, kind[1], line)
					}
				}
				for _, m := range facts.FindAllStringSubmatch(line, -1) {
					of["facts"]++
					require.True(t, written[slices.Max(m[1:])], "%s: no event holds %q: %s", path, slices.Max(m[1:]), line)
				}
			}
			return nil
		}))
	}
	require.Greater(t, of["kinds"], 25, "the pattern still finds what it is about")
	require.Greater(t, of["facts"], 80, "the pattern still finds what it is about")
}
