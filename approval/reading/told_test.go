package reading

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func book() *Reading {
	return &Reading{Version: 1, Kind: "xlsx", Tables: []Table{
		{Name: "Notes", Columns: []Column{{Name: "a", Type: "text", DType: "object"}}},
		{Name: "Data", Columns: []Column{{Name: "zip", Type: "integer", DType: "int64"}, {Name: "amount", Type: "number", DType: "float64"}},
			Odd: []Odd{{Code: "unix_seconds", Column: "zip"}}},
	}}
}

func TestASheetComesFirstAndTheRestIsToldOfIt(t *testing.T) {
	t.Parallel()
	said, err := book().Corrected(Correction{Sheet: "data", Heading: "3", Text: "zip\n\n", Decimal: ","})
	require.NoError(t, err)
	told := ToldIn(said)
	require.Equal(t, int64(3), *told.Heading)
	require.Equal(t, 1, told.Table, "as the file counts its sheets")
	require.Equal(t, ",", told.Decimal)
	r := book().Settled(said)
	require.Equal(t, "Data", r.Tables[0].Name)
	require.Equal(t, []int{2, 1}, []int{r.Tables[0].Place, r.Tables[1].Place}, "where load finds them")
	require.Equal(t, Column{Name: "zip", Type: "text", DType: "object"}, r.Tables[0].Columns[0])
	require.Empty(t, r.Tables[0].Odd)
	require.NotEqual(t, book().SHA256(), r.SHA256())
	require.Equal(t, "Notes", book().Tables[0].Name)

	// Another word about what is read so already counts by the file as well.
	more, err := r.Corrected(Correction{Heading: "4"})
	require.NoError(t, err)
	require.Equal(t, 1, more[0].Table)
	require.Equal(t, int64(4), *ToldIn(append(said, more...)).Heading, "the later word counts")
	back, err := r.Corrected(Correction{Sheet: "Notes"})
	require.NoError(t, err)
	require.Equal(t, "Notes", book().Settled(append(said, back...)).Tables[0].Name)
}

func TestACorrectionThatSaysNothingIsNone(t *testing.T) {
	t.Parallel()
	for field, c := range map[string]Correction{
		FieldNothing: {}, FieldSheet: {Sheet: "Nowhere"}, FieldHeading: {Heading: "third"}, FieldText: {Text: "amuont"},
	} {
		_, err := book().Corrected(c)
		wrong, ok := errors.AsType[*CorrectionError](err)
		require.True(t, ok, field)
		require.Equal(t, field, wrong.Field)
	}
	for _, c := range []Correction{{Heading: "0"}, {Heading: "201"}, {Delimiter: "ab"}, {Encoding: "rot13"}, {Decimal: "x"}} {
		said, err := book().Corrected(c)
		if c.Heading == "0" {
			require.NoError(t, err)
			require.Equal(t, "no heading", said[0].Words())
			continue
		}
		require.Error(t, err, c)
	}
}

func TestEveryWordThatIsToldCanBeSaid(t *testing.T) {
	t.Parallel()
	r := book()
	r.Kind = "text"
	said, err := r.Corrected(Correction{Heading: "2", Delimiter: ";", Decimal: ",", Encoding: "cp1251", Text: "a"})
	require.NoError(t, err)
	var words []string
	for _, a := range said {
		words = append(words, a.Words())
	}
	require.Equal(t, []string{"numbers have a decimal comma", "the delimiter is a semicolon", "it is written in windows-1251", "the heading is row 2", "“a”: kept as text"}, words)
	for _, c := range append(append(Encodings(), Delimiters()...), Decimals()...) {
		require.NotEmpty(t, c.Words)
		require.True(t, c.Says == "," || c.Says == "." || delimiters[c.Says] != "" || encodings[c.Says], "%q", c.Says)
	}
	require.Nil(t, ToldIn([]Answered{{Doubt: Doubt{Code: "told_heading"}, Says: "9", InVain: true}}))
	require.Nil(t, ToldIn([]Answered{{Doubt: Doubt{Code: "told_text", Column: "a"}, Says: "text"}}), "that needs no box")
}

// What is asked about a table counts as the file does, also where its asker has put another sheet first.
func TestADoubtIsAboutTheSameTableWhicheverComesFirst(t *testing.T) {
	t.Parallel()
	found := book()
	found.Tables[1].Columns = append(found.Tables[1].Columns, Column{Name: "day", Type: "text", DType: "object"})
	found.Tables[1].Odd = []Odd{{Code: dates, Column: "day"}}
	said, err := found.Corrected(Correction{Sheet: "Data"})
	require.NoError(t, err)
	open := found.Settled(said).Doubts(said)
	require.Equal(t, []Doubt{{Code: dates, Table: 1, Column: "day"}}, open)
	said = append([]Answered{{Doubt: open[0], Says: "day_first"}}, said...)
	r := found.Settled(said)
	require.Equal(t, "date", r.Tables[0].Columns[2].Type)
	require.Empty(t, r.Doubts(said))
}
