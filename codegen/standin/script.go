package standin

import (
	"fmt"
	"strings"
	"unicode"

	"countersign/codegen/pandas"
	"countersign/codegen/shapes"
)

// script writes the stand-in's programs. Names of files and columns appear in them as
// string literals only. Where a name is too long, or needs a font that is not installed,
// the program refers to the column by its position.
type script struct {
	strings.Builder
	plan
	names []string // as pandas has them
}

// program writes the whole program of a plan.
func program(p plan) string {
	s := &script{plan: p, names: pandas.Names(p.table.Columns)}
	s.read()
	switch p.want {
	case wantTrend:
		s.trend()
	case wantTop, wantGroups:
		s.groups()
	case wantCorrelation:
		s.correlation()
	case wantMissing:
		s.missing()
	case wantSpread:
		s.spread()
	default:
		s.summary()
	}
	return s.String()
}

func (s *script) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// read imports what is used and reads the table.
func (s *script) read() {
	call := pandas.ReadCall(s.file.Name, "NAME", "INNER", s.table)
	if strings.Contains(call, "json.loads") {
		s.line("import json\nfrom pathlib import Path\n")
	}
	s.line("import matplotlib.pyplot as plt\nimport pandas as pd\n")
	s.line(`plt.rcParams["text.parse_math"] = False  # a dollar sign in a name is no formula`)
	name, inner := s.literal("file", s.file.Name), s.literal("part", s.table.Name)
	s.line("df = %s", strings.NewReplacer("NAME", name, "INNER", inner).Replace(call))
}

// literal is an expression for a text: its literal, or a variable that is assigned on
// earlier lines when the literal would make the line too long.
func (s *script) literal(variable, text string) string {
	const width = 70
	lit := pandas.Literal(text)
	if len(lit) <= width {
		return lit
	}
	s.line("%s = (", variable)
	for rest := []rune(text); len(rest) > 0; {
		n := min(len(rest), 16) // at most ten columns each
		s.line("    %s", pandas.Literal(string(rest[:n])))
		rest = rest[n:]
	}
	s.line(")")
	return variable
}

// column is an expression for a column's name.
func (s *script) column(i int) string {
	if lit := pandas.Literal(s.names[i]); len(lit) <= 60 {
		return lit
	}
	return fmt.Sprintf("df.columns[%d]", i)
}

// label is a column's name in charts and in the result's headings.
func (s *script) label(i int) string {
	name := s.names[i]
	for _, r := range name {
		// matplotlib's own font has these and warns about most others.
		if r != ' ' && (!unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Nd) && (r > unicode.MaxASCII || r < ' ' || r == 0x7f)) {
			return fmt.Sprintf("column %d", i+1)
		}
	}
	if strings.TrimSpace(name) == "" || len([]rune(name)) > 40 {
		return fmt.Sprintf("column %d", i+1)
	}
	return name
}

// number is an expression for a column as numbers, also where the file has them as text.
func (s *script) number(i int) string {
	raw := fmt.Sprintf("df[%s]", s.column(i))
	switch s.table.Columns[i].Type {
	case "number with decimal comma":
		raw += `.astype(str).str.replace(".", "", regex=False).str.replace(",", ".", regex=False)`
	case "number with thousands commas":
		raw += `.astype(str).str.replace(",", "", regex=False)`
	}
	return fmt.Sprintf(`pd.to_numeric(%s, errors="coerce")`, raw)
}

// value sets the variable value to what is added up, and names it.
func (s *script) value() (name string) {
	if s.measure < 0 {
		s.line("value = pd.Series(1, index=df.index)  # every row counts")
		return "rows"
	}
	if s.times >= 0 {
		s.line("value = %s * %s", s.number(s.measure), s.number(s.times))
		return shapes.Clip("revenue ("+s.label(s.measure)+" x "+s.label(s.times)+")", 60)
	}
	s.line("value = %s", s.number(s.measure))
	return s.label(s.measure)
}

// group sets the variable group to the category.
func (s *script) group(variable string) {
	s.line(`%s = df[%s].astype(object).where(df[%s].notna(), "(missing)").astype(str)`, variable, s.column(s.by), s.column(s.by))
}

// date sets the variable when.
func (s *script) date() {
	c := s.table.Columns[s.when]
	if isYear(c) {
		s.line(`when = pd.to_datetime(df[%s].astype("Int64").astype("string"), format="%%Y", errors="coerce")`, s.column(s.when))
		return
	}
	first := ""
	if c.Type == "date, day first" {
		first = ", dayfirst=True"
	}
	s.line(`when = pd.to_datetime(df[%s], errors="coerce", utc=True%s).dt.tz_localize(None)`, s.column(s.when), first)
}

// figure starts a chart and names what it shows.
func (s *script) figure(title, x, y string) {
	s.line("\nfig, ax = plt.subplots(figsize=(8, 4.5))")
	s.line("ax.set_title(%s)", pandas.Literal(strings.ToUpper(title[:1])+shapes.Clip(title[1:], 100))) // starts with a word of ours
	s.line("ax.set_xlabel(%s)", pandas.Literal(x))
	s.line("ax.set_ylabel(%s)", pandas.Literal(y))
	s.line(`ax.spines[["top", "right"]].set_visible(False)`)
}

// thousands groups the digits along an axis.
func (s *script) thousands(axis string) {
	s.line(`ax.%saxis.set_major_formatter("{x:,.10g}")`, axis)
}

// bars draws horizontal bars of a series by its index, each with its number.
func (s *script) bars(series string) {
	s.line("bars = ax.barh(range(len(%s)), %s.to_numpy(), height=0.6)", series, series)
	s.line(`ax.bar_label(bars, labels=[f"{n:,.10g}" for n in %s], padding=3)`, series)
	s.thousands("x")
	s.line("ax.margins(x=0.12)")
	s.line("ax.set_yticks(range(len(%s)), labels=[str(name)[:30] for name in %s.index])", series, series)
	s.line("ax.invert_yaxis()")
	s.line("fig.tight_layout()")
}
