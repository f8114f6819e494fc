package shapes

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// looked is how many rows are examined to decide whether the first one is a heading.
const looked = 50

// headed decides whether the first of these rows is a heading. Column names go to the
// model, so a row of data must not be taken for them. The row is data if one of its
// values is a full date, a decimal or negative number, an e-mail address or a long text,
// and at least half of the values below it are of the same kind. Years and months still
// count as headings, and so do dates above numbers.
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

// firstRecords returns the rows that headed examines.
func firstRecords(text []byte, sep byte) (rows [][]string) {
	_ = records(text, sep, func(_ int, fields []string) error {
		if rows = append(rows, fields); len(rows) == looked {
			return errEnough
		}
		return nil
	})
	return rows
}

// sign is a property that values have and column names hardly ever have. It is empty
// where a value has none.
type sign string

const (
	fullDate sign = "date"
	figure   sign = "figure"
	address  sign = "address"
	longText sign = "long text"
)

// longName is longer than any usual column name. Surveys, whose questions are the columns, are the exception.
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

// in reports whether a value further down has the same sign. A whole number counts as a figure.
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
