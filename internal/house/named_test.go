package house

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// named is a file of ours, as comments and pages name one.
var named = regexp.MustCompile(`\b[a-z_][a-z0-9_]+\.(?:go|sql|py)\b`)

// TestAFileThatIsNamedIsThere: whoever is sent to a file finds it, also after it has moved. In Go only comments are looked
// at, since tests make files of their own; in pages all of it.
func TestAFileThatIsNamedIsThere(t *testing.T) {
	t.Parallel()
	there := map[string]bool{}
	walk(t, func(file string) { there[path.Base(file)] = true })
	seen := 0
	walk(t, func(file string) {
		ext := path.Ext(file)
		if ext != ".go" && ext != ".md" {
			return
		}
		text, err := os.ReadFile("../../" + file)
		require.NoError(t, err)
		for number, line := range strings.Split(string(text), "\n") {
			if ext == ".go" {
				_, line, _ = strings.Cut(line, "// ")
			}
			for _, name := range named.FindAllString(line, -1) {
				if seen++; !there[name] && !elsewhere[name] {
					t.Errorf("%s:%d names %s, which is not there", file, number+1, name)
				}
			}
		}
	})
	require.Greater(t, seen, 100)
}

// elsewhere are files in testdata, which nobody walks through here, and those of others.
var elsewhere = map[string]bool{"run.py": true}
