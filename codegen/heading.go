package codegen

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// looked is how many rows are looked at to tell whether the first is a heading.
const looked = 50

// headed tells whether a text begins with a heading. Names of columns are told to
// a model, so a row of data must not pass for them: it does not when one of its
// values is a full date, a decimal or negative number, an address or a long text,
// and most of what stands below it is the same. Years and months stay headings,
// and so do dates over numbers.
func headed(text []byte, sep byte) bool {
	var first []sign
	var below, alike []int
	n := 0
	_ = records(text, sep, func(_ int, fields []string) error {
		for i, f := range fields {
			switch {
			case n == 0:
				first, below, alike = append(first, signOf(f)), append(below, 0), append(alike, 0)
			case i < len(first) && first[i] != "" && !missing[f]:
				below[i]++
				if first[i].in(f) {
					alike[i]++
				}
			}
		}
		if n++; n == looked {
			return errEnough
		}
		return nil
	})
	for i, s := range first {
		if s != "" && 2*alike[i] >= below[i] {
			return false
		}
	}
	return true
}

// sign is what a value has that names of columns hardly ever have; empty, when
// it has nothing of the kind.
type sign string

const (
	fullDate sign = "date"
	figure   sign = "figure"
	address  sign = "address"
	longText sign = "long text"
)

// longName is longer than what people call columns, except for questions of a survey.
const longName = 100

var mail = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)

func signOf(value string) sign {
	value = strings.TrimSpace(value)
	k := kindOf(value, anything)
	switch {
	case utf8.RuneCountInString(value) > longName:
		return longText
	case mail.MatchString(value):
		return address
	case k&(isISO|isDayFirst|isMonthFirst) != 0 && len(value) > len("2024-01"):
		return fullDate
	case k&(isNumber|isDotted|isComma) != 0 && strings.ContainsAny(value, "-.,"):
		return figure
	}
	return ""
}

// in tells whether a value below is of the same kind; a whole number is a figure, too.
func (s sign) in(value string) bool {
	if s == figure {
		return kindOf(value, anything)&(isNumber|isDotted|isComma) != 0
	}
	return signOf(value) == s
}

// placeNames name the columns of a table without a heading.
func placeNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("column_%d", i+1)
	}
	return names
}

// byPlace has pandas call them the same.
const byPlace = `.rename(columns=lambda n: f"column_{n + 1}")`
