package sandbox

import (
	"fmt"
	"slices"
	"strings"
)

// packages are what every box has to bring along; runner/needs.py has the same.
var packages = []string{"pandas", "numpy", "matplotlib", "openpyxl"}

// LackError is a box without packages that programs may count on.
type LackError struct{ Packages []string }

// Error says it in words for people: "the sandbox has no pandas and no numpy".
func (e *LackError) Error() string {
	return "the sandbox has no " + strings.Join(e.Packages, " and no ")
}

// lackOf reads what a box says that it lacks. A box may say anything, so only what
// it has to have is heard; nil when it has everything.
func lackOf(said []string) *LackError {
	var lacks []string
	for _, name := range packages {
		if slices.Contains(said, name) {
			lacks = append(lacks, name)
		}
	}
	if lacks == nil {
		return nil
	}
	return &LackError{Packages: lacks}
}

// causes tells that a program's error is that one of them is not there.
func (e *LackError) causes(raised string) bool {
	// The package's beginning is enough: of pandas.plotting, pandas is what is missing.
	return e != nil && slices.ContainsFunc(e.Packages, func(name string) bool {
		return strings.Contains(raised, fmt.Sprintf("No module named '%s", name))
	})
}
