package local

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"countersign/approval/steps"
)

// packages are what the boxes promise, in the order in which they are named.
var packages = []string{"pandas", "numpy", "matplotlib", "openpyxl"}

// Packages are the distribution's packages that the boxes need.
const Packages = "python3 python3-pandas python3-numpy python3-matplotlib python3-openpyxl"

// installed describes what the boxes will hold, by looking at the file system. It starts nothing.
// Where something is missing, the error says how to get it.
func installed(python string) (string, error) {
	// /usr/bin/python3 is a link, and what it leads to says the version.
	real, err := filepath.EvalSymlinks(python)
	if err != nil {
		return "", missing(python, err)
	}
	// A box sees /usr alone of the host, so any other Python would not be in it.
	if !strings.HasPrefix(real, "/usr/") {
		return "", missing(python, fmt.Errorf("%s does not lie below /usr", real))
	}
	version, ok := strings.CutPrefix(filepath.Base(real), "python")
	if !ok {
		return "", missing(python, fmt.Errorf("%s is not a Python", real))
	}
	prefix := filepath.Dir(filepath.Dir(real))
	places := []string{
		"/usr/lib/python3/dist-packages",
		prefix + "/lib/python" + version + "/dist-packages",
		prefix + "/lib/python" + version + "/site-packages",
	}
	return describe(python, version, places)
}

// describe names the distribution, the interpreter and the packages. The words are part of every
// seal: when a package is upgraded they change, and what was approved before goes back to its
// reviewers, because another version may compute something else.
func describe(python, version string, places []string) (string, error) {
	words := []string{distribution(), "python " + version}
	for _, name := range packages {
		found := packageVersion(places, name)
		// By the metadata beside the package, without starting a Python: this is asked at every start.
		if found == "" {
			return "", missing(python, fmt.Errorf("no %s in %s", name, strings.Join(places, ", ")))
		}
		words = append(words, name+" "+found)
	}
	return strings.Join(words, ", "), nil
}

func missing(python string, err error) error {
	return &steps.BoxError{Err: fmt.Errorf("python for the boxes: %w", err),
		Words: fmt.Sprintf("The local sandbox needs %s with pandas, numpy, matplotlib and openpyxl. On Debian and Ubuntu: apt-get install %s", python, Packages)}
}

// metadata matches pandas-1.5.3.egg-info, pandas-2.2.0.dist-info and
// pandas-2.1.4+dfsg-py3.egg-info: what Debian and Ubuntu have called them over time.
var metadata = regexp.MustCompile(`^([A-Za-z0-9_.]+)-([0-9][^-]*?)(?:-py[0-9.]+)?\.(?:egg|dist)-info$`)

func packageVersion(places []string, name string) string {
	for _, place := range places {
		entries, err := os.ReadDir(place)
		if err != nil {
			continue
		}
		for _, entry := range entries {
			if m := metadata.FindStringSubmatch(entry.Name()); m != nil && strings.EqualFold(m[1], name) {
				return m[2]
			}
		}
	}
	return ""
}

func distribution() string {
	data, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "linux"
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		fields[key] = strings.Trim(value, `"'`)
	}
	return strings.TrimSuffix(fields["ID"]+" "+fields["VERSION_ID"], " ")
}
