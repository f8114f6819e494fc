package reading

import (
	"errors"
	"log/slog"
)

// Glimpse is what a model may see of one file beyond its shape, where the administrators of
// a channel let it. It goes into one prompt and is written down nowhere, so it has no JSON
// to be kept in, and no words to be logged in.
type Glimpse struct {
	Tables []Glance `json:"tables"`
}

// Glance is what is seen of one table, column by column as in its reading.
type Glance struct {
	Columns []Seen     `json:"columns"`
	Rows    [][]string `json:"rows"` // the first ones; none where only statistics may be seen
}

// Seen is what is seen of one column.
type Seen struct {
	Distinct int64      `json:"distinct"`
	Least    string     `json:"least"` // of numbers and dates
	Most     string     `json:"most"`
	Often    []Frequent `json:"often"` // values of a column with few of them
}

// Frequent is a value that occurs often enough to tell of no single row.
type Frequent struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// The bounds of a glimpse.
const (
	SeenValues = 20 // a column with more of them shows none
	SeenOften  = 5  // and none that occurs less often
	SeenRows   = 5
	seenTables = 10
)

// ErrNowhere is the answer to whoever wants to write a glimpse down.
var ErrNowhere = errors.New("what a model may see of a file beyond its shape is written down nowhere")

// MarshalJSON refuses, so that no event, no row and no trace can hold one by accident.
func (Glimpse) MarshalJSON() ([]byte, error) { return nil, ErrNowhere }

// String says nothing of what was seen.
func (Glimpse) String() string { return "(a glimpse)" }

// GoString is the same for those who print everything.
func (g Glimpse) GoString() string { return g.String() }

// LogValue is the same for logs.
func (g Glimpse) LogValue() slog.Value { return slog.StringValue(g.String()) }

// check holds it to its form: it has come from a box that has parsed a hostile file.
func (g *Glimpse) check() error {
	if len(g.Tables) > seenTables {
		return errors.New("a glimpse has too many tables")
	}
	for t := range g.Tables {
		table := &g.Tables[t]
		if len(table.Columns) > MaxColumns || len(table.Rows) > SeenRows {
			return errors.New("a glimpse is not in its form")
		}
		for c := range table.Columns {
			s := &table.Columns[c]
			// The desk keeps these bounds as well. They are held here because they protect people, not the
			// program: a value that occurs less than SeenOften times may point to one person.
			if s.Distinct < 0 || len(s.Often) > SeenValues || len(s.Often) > 0 && s.Distinct > SeenValues {
				return errors.New("what is seen of a column is not in its form")
			}
			s.Least, s.Most = name(s.Least), name(s.Most)
			for i := range s.Often {
				if s.Often[i].Count < SeenOften {
					return errors.New("a glimpse has a value that is too rare")
				}
				s.Often[i].Value = name(s.Often[i].Value)
			}
		}
		for _, row := range table.Rows {
			if len(row) > MaxColumns {
				return errors.New("a row of a glimpse is not in its form")
			}
			for i := range row {
				row[i] = name(row[i])
			}
		}
	}
	return nil
}
