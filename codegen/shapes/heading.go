package shapes

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// looked is how many rows are looked at to tell whether the first is a heading.
const looked = 50

// headed tells whether the first of these rows is a heading. Names of columns are told to
// a model, so a row of data must not pass for them: it does not when one of its
// values is a full date, a decimal or negative number, an address or a long text,
// and most of what stands below it is the same. Years and months stay headings,
// and so do dates over numbers.
func headed(rows [][]string) bool {
	if len(rows) == 0 {
		return true
	}
	for i, value := range rows[0] {
		s, below, alike := signOf(value), 0, 0
		if s == "" {
			continue
		}
		for _, row := range rows[1:] {
			if i < len(row) && !missing[row[i]] {
				below++
				if s.in(row[i]) {
					alike++
				}
			}
		}
		if 2*alike >= below {
			return false
		}
	}
	return true
}

// firstRecords are the rows of a text that are looked at.
func firstRecords(text []byte, sep byte) (rows [][]string) {
	_ = records(text, sep, func(_ int, fields []string) error {
		if rows = append(rows, fields); len(rows) == looked {
			return errEnough
		}
		return nil
	})
	return rows
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

// placeName names a column of a table without a heading, counted from 0.
func placeName(at int) string { return fmt.Sprintf("column_%d", at+1) }

func placeNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = placeName(i)
	}
	return names
}

// ByPlace is the Python that has pandas give the same names.
const ByPlace = `.rename(columns=lambda n: f"column_{n + 1}")`
