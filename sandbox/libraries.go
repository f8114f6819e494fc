package sandbox

import (
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

// library is how a box says what it has: "pandas 2.2.3".
var library = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,40} [0-9][0-9A-Za-z.+-]{0,30}$`)

// Libraries are those of a box that it says it has, with versions. They come into prompts, so
// what is anything else is left out.
func Libraries(said []string) (has []string) {
	for _, one := range said[:min(len(said), 20)] {
		if library.MatchString(one) {
			has = append(has, one)
		}
	}
	return has
}

// Shelf remembers what boxes of one template have. The zero value knows nothing yet.
type Shelf struct{ has atomic.Pointer[[]string] }

// Learn takes what a box has said; a box that said nothing changes nothing.
func (s *Shelf) Learn(has []string) {
	if len(has) > 0 {
		s.has.Store(&has)
	}
}

// Libraries are what the latest box has said, or none.
func (s *Shelf) Libraries() []string {
	if has := s.has.Load(); has != nil {
		return slices.Clone(*has)
	}
	return nil
}

// TellLibraries is Python that prints what a box has, and ReadLibraries reads it: for boxes in
// which code of ours runs and nothing is inspected.
const TellLibraries = `import importlib.metadata, platform
print("has Python", platform.python_version())
for name in ("pandas", "numpy", "matplotlib", "openpyxl", "scipy", "seaborn", "statsmodels", "scikit-learn", "pyarrow"):
    try:
        print("has", name, importlib.metadata.version(name).partition("+")[0])
    except importlib.metadata.PackageNotFoundError:
        pass
`

// ReadLibraries finds in what was printed by TellLibraries what the box has.
func ReadLibraries(printed string) []string {
	var said []string
	for line := range strings.Lines(printed) {
		if one, ok := strings.CutPrefix(strings.TrimSpace(line), "has "); ok {
			said = append(said, one)
		}
	}
	return Libraries(said)
}
