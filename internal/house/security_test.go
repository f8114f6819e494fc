package house

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each promise in SECURITY.md names the tests that show it. They have to be there.
func TestEveryPromiseNamesTestsThatAreThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../SECURITY.md")
	require.NoError(t, err)
	there := map[string]bool{}
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(t `)
	walk(t, func(file string) {
		if !strings.HasSuffix(path.Base(file), "_test.go") {
			return
		}
		source, err := os.ReadFile("../../" + file)
		require.NoError(t, err)
		for _, found := range declared.FindAllSubmatch(source, -1) {
			there[string(found[1])] = true
		}
	})
	promised := 0
	for _, row := range strings.Split(section(string(text), "## What is promised"), "\n") {
		if !strings.HasPrefix(row, "| ") || strings.HasPrefix(row, "| promise") {
			continue
		}
		promised++
		named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(row, -1)
		require.NotEmpty(t, named, "no test shows it: %s", row)
		for _, name := range named {
			require.True(t, there[name[1]], "%s is named in SECURITY.md and not there", name[1])
		}
	}
	require.Greater(t, promised, 10)
}

// section is what stands below a heading, up to the next one.
func section(text, heading string) string {
	_, text, _ = strings.Cut(text, heading)
	text, _, _ = strings.Cut(text, "\n## ")
	return text
}
