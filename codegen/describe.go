package codegen

import (
	"fmt"
	"path"
	"strings"

	"countersign/approval"
	"countersign/codegen/pandas"
	"countersign/codegen/shapes"
)

// detail says how much of the files and of a refused attempt the prompt shows.
type detail struct {
	rows    int  // sample rows of each table
	columns int  // columns of each table
	tables  int  // tables of each file
	code    bool // of the latest refused attempt
}

// describe tells a model what is in the files. Every name stands as a
// quoted string, in which nothing can pass for a line of the prompt.
func describe(files []approval.File, d detail) string {
	if len(files) == 0 {
		return "There are no data files.\n"
	}
	var b strings.Builder
	b.WriteString("The data files:\n")
	for _, f := range files {
		fmt.Fprintf(&b, "\n%s\n", pandas.Quote(f.Name, 255))
		for i, t := range f.Tables {
			if i == d.tables {
				fmt.Fprintf(&b, "(%d more sheets are not listed here for want of room)\n", len(f.Tables)-i)
				break
			}
			describeTable(&b, f, t, d)
		}
	}
	return b.String()
}

func describeTable(b *strings.Builder, f approval.File, t approval.Table, d detail) {
	if t.Name != "" {
		fmt.Fprintf(b, "%s %s: ", tableWord(f.Name), pandas.Quote(t.Name, 100))
	}
	fmt.Fprintf(b, "%d rows, %d columns. Load it with: %s\n", t.Rows, len(t.Columns), pandas.LoadCall(pandas.Literal(f.Name), pandas.Literal(t.Name), len(f.Tables) > 1))
	if t.NoHeading {
		b.WriteString("It has no heading: its first row is data, and its columns are named by their place.\n")
	}
	names := pandas.Names(t.Columns)
	for i, c := range t.Columns {
		if i == d.columns {
			fmt.Fprintf(b, "(%d more columns are not listed here for want of room)\n", len(t.Columns)-i)
			break
		}
		fmt.Fprintf(b, "- %s", pandas.Quote(c.Name, 200))
		if names[i] != c.Name {
			fmt.Fprintf(b, " (in the table it is %s)", pandas.Quote(names[i], 200))
		}
		fmt.Fprintf(b, ": %s", typed(c.Type))
		if c.Missing > 0 {
			fmt.Fprintf(b, ", %d missing", c.Missing)
		}
		b.WriteByte('\n')
	}
	for i, row := range t.Sample[:min(d.rows, len(t.Sample))] {
		values := make([]string, min(len(row), d.columns))
		for j := range values {
			values[j] = pandas.Quote(row[j], shapes.SampleCell)
		}
		fmt.Fprintf(b, "sample row %d: [%s]\n", i+1, strings.Join(values, ", "))
	}
}

// typed is a type as load gives it: the signs and the order in which a file writes are dealt with.
func typed(kind string) string {
	if strings.HasPrefix(kind, "number") {
		return "number"
	}
	if strings.HasPrefix(kind, "date") {
		return strings.TrimSuffix(kind, ", day first") + " (datetime64)"
	}
	return kind
}

func tableWord(file string) string {
	if strings.EqualFold(path.Ext(file), ".xlsx") {
		return "Sheet"
	}
	return "The list under the key"
}
