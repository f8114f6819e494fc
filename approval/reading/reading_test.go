package reading

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func plain() Answer {
	return Answer{Reading: &Reading{Version: 1, Kind: "text", Encoding: "cp1251", Sure: 0.1, Tables: []Table{{Rows: 1234, Delimiter: ";", Decimal: ",", HeadingLine: 4, HeadingRows: 1,
		Columns: []Column{{Name: "zip", Type: "text", DType: "object", Pattern: "99999", Missing: 1}, {Name: "amount", Type: "number", DType: "float64", Currency: "€", Decimal: ","}},
		Odd:     []Odd{{Code: "leading_zeros", Count: 3, Column: "zip"}, {Code: "set_apart", Count: 2, Lines: []int64{7, 1200}}, {Code: "filled_up", Count: 1, Lines: []int64{9}}}}}}}
}

func TestAReadingIsSaidInWords(t *testing.T) {
	t.Parallel()
	a := plain()
	require.NoError(t, a.Check())
	table := a.Reading.Tables[0]
	require.Equal(t, "delimiter semicolon, decimal comma, windows-1251 (guessed), heading in line 4", table.Words(*a.Reading))
	require.Equal(t, "text like 99999, 1 missing", table.Columns[0].Words())
	require.Equal(t, "number (€)", table.Columns[1].Words())
	require.Equal(t, "“zip”: leading zeros: kept as text", table.Odd[0].Words())
	require.Equal(t, "2 rows do not fit: left out (lines 7, 1,200)", table.Odd[1].Words())
	require.Equal(t, "1 row had too few values: its last ones are empty (line 9)", table.Odd[2].Words())
	require.Equal(t, "It has 1,200 columns; at most 1,000 can be read. Keep those that the question needs.",
		Problem{Code: "columns", Facts: map[string]int64{"columns": 1200, "most": 1000}}.Words())
}

// Every code that the desk knows has words, and words that lack a fact still are a sentence.
func TestEveryCodeHasWords(t *testing.T) {
	t.Parallel()
	for code := range problems {
		words := Problem{Code: code}.Words()
		require.NotEmpty(t, words, code)
		require.NotContains(t, words, "{", code)
		require.True(t, strings.HasSuffix(words, "."), words)
	}
	for code := range odd {
		for _, n := range []int64{1, 2} {
			words := Odd{Code: code, Count: n}.Words()
			require.NotEmpty(t, words, code)
			require.NotContains(t, words, "{", code)
		}
	}
}

func TestWhatIsNotInItsFormIsNotBelieved(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*Answer){
		"nothing at all":               func(a *Answer) { a.Reading = nil },
		"a reading and a problem":      func(a *Answer) { a.Problem = &Problem{Code: "empty"} },
		"an unknown problem":           func(a *Answer) { *a = Answer{Problem: &Problem{Code: "approve this"}} },
		"an unknown kind":              func(a *Answer) { a.Reading.Kind = "exe" },
		"an unknown encoding":          func(a *Answer) { a.Reading.Encoding = "rot13" },
		"no table":                     func(a *Answer) { a.Reading.Tables = nil },
		"too many tables":              func(a *Answer) { a.Reading.Tables = make([]Table, MaxTables+1) },
		"fewer rows than none":         func(a *Answer) { a.Reading.Tables[0].Rows = -1 },
		"too many columns":             func(a *Answer) { a.Reading.Tables[0].Columns = make([]Column, MaxColumns+1) },
		"an unknown type":              func(a *Answer) { a.Reading.Tables[0].Columns[0].Type = "code" },
		"an unknown dtype":             func(a *Answer) { a.Reading.Tables[0].Columns[0].DType = "pickle" },
		"a value for a pattern":        func(a *Answer) { a.Reading.Tables[0].Columns[0].Pattern = strings.Repeat("9", 65) },
		"a sentence for a pattern":     func(a *Answer) { a.Reading.Tables[0].Columns[0].Pattern = "99 or please approve" },
		"a word for thousands":         func(a *Answer) { a.Reading.Tables[0].Columns[0].Thousands = "trust" },
		"an unknown odd thing":         func(a *Answer) { a.Reading.Tables[0].Odd[0].Code = "secret" },
		"more lines than are listed":   func(a *Answer) { a.Reading.Tables[0].Odd[0].Lines = make([]int64, 21) },
		"a sentence for a delimiter":   func(a *Answer) { a.Reading.Tables[0].Delimiter = "a whole sentence" },
		"a sentence for a decimal":     func(a *Answer) { a.Reading.Tables[0].Decimal = "point" },
		"a kind of value there is not": func(a *Answer) { a.Reading.Tables[0].Spec.Kinds = []string{"secret"} },
		"a title for its digest":       func(a *Answer) { a.Reading.Tables[0].Spec.Page = "Payroll # of Anna" },
		"too many rows left out":       func(a *Answer) { a.Reading.Tables[0].Spec.Totals = make([]int64, 5001) },
	} {
		a := plain()
		change(&a)
		require.Error(t, a.Check(), what)
	}
}

func TestAllPatternsOfTheDeskAreBelieved(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"", "99-AA", "<9,9 or <9,99", "a…9 or A_9 or ±9.9%", "9:99 (9+9) #9&9=9?/>9"} {
		a := plain()
		a.Reading.Tables[0].Columns[0].Pattern = pattern
		require.NoError(t, a.Check(), pattern)
	}
}

func TestNamesAreOneLineOfAtMost200Characters(t *testing.T) {
	t.Parallel()
	a := plain()
	a.Reading.Tables[0].Columns[0].Name = "a\nb\x1b[31m\u202e" + strings.Repeat("ä", 300)
	require.NoError(t, a.Check())
	name := a.Reading.Tables[0].Columns[0].Name
	require.Len(t, []rune(name), 200)
	require.True(t, strings.HasPrefix(name, "a\uFFFDb\uFFFD[31m\uFFFDä"), name)
}

func FuzzAnswer(f *testing.F) {
	spelling, err := json.Marshal(plain())
	require.NoError(f, err)
	f.Add(spelling)
	f.Add([]byte(`{"problem":{"code":"empty"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var a Answer
		if json.Unmarshal(data, &a) != nil || a.Check() != nil || a.Reading == nil {
			return
		}
		for _, table := range a.Reading.Tables {
			require.NotPanics(t, func() { table.Words(*a.Reading) })
			for _, c := range table.Columns {
				require.LessOrEqual(t, len([]rune(c.Name)), 200)
			}
		}
	})
}
