package standin

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"countersign/approval/reading"
	"countersign/codegen/pandas"
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
	s := &script{plan: p, names: namesOf(p.table)}
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
	// The body first: only it shows what has to be imported.
	body := s.String()
	s.Reset()
	s.head(body)
	return s.String() + body
}

// namesOf are the columns' names as pandas has them: the reading made them unique.
func namesOf(t reading.Table) (names []string) {
	for _, c := range t.Columns {
		names = append(names, c.Name)
	}
	return names
}

// line writes one line of the program. Texts of a file never stand in its format, only among what is
// filled in, and there as literals.
func (s *script) line(format string, args ...any) { fmt.Fprintf(s, format+"\n", args...) }

// head imports what the body uses, and loads the table. It is written after the body, which says what
// that is.
func (s *script) head(body string) {
	var used []string
	for _, name := range []string{"answer", "chart", "left_out", "number", "table"} {
		if strings.Contains(body, name+"(") {
			used = append(used, name)
		}
	}
	used = append(used, "load")
	slices.Sort(used)
	s.line("from desk import %s", strings.Join(used, ", "))
	if strings.Contains(body, "plt.") {
		s.line("import matplotlib.pyplot as plt")
	}
	if strings.Contains(body, "pd.") {
		s.line("import pandas as pd")
	}
	s.line("")
	if strings.Contains(body, "plt.") {
		s.line(`plt.rcParams["text.parse_math"] = False  # a dollar sign in a name is no formula`)
	}
	name, inner := s.literal("file", s.file.Name), ""
	if len(s.file.Tables()) > 1 {
		inner = s.literal("part", s.table.Name)
	}
	s.line("df = %s", pandas.LoadCall(name, inner, inner != ""))
}

// literal is an expression for a text: its literal, or a variable that is assigned on
// earlier lines when the literal would make the line too long.
func (s *script) literal(variable, text string) string {
	const width = 70
	lit := pandas.Literal(text)
	if len(lit) <= width {
		return lit
	}
	// Strings side by side are one in Python, so a long name stands on several lines.
	s.line("%s = (", variable)
	for rest := []rune(text); len(rest) > 0; {
		n := min(len(rest), 16) // at most ten columns each
		s.line("    %s", pandas.Literal(string(rest[:n])))
		rest = rest[n:]
	}
	s.line(")")
	return variable
}

// column is an expression for a column's name. A name too long for a line is told by its place.
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
			return "column " + letters(i)
		}
	}
	if strings.TrimSpace(name) == "" || len([]rune(name)) > 40 {
		return "column " + letters(i)
	}
	return name
}

// letters is a column's place as spreadsheets name it: A, B, ... Z, AA.
func letters(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return letters(i/26-1) + string(rune('A'+i%26))
}

// value sets the variable value to what is added up and names it, and tells what it needs.
func (s *script) value() (name, needs string) {
	switch {
	case s.measure < 0:
		s.line("value = pd.Series(1, index=df.index)  # every row counts")
		return "rows", ""
	case s.times >= 0:
		s.line("value = df[%s] * df[%s]", s.column(s.measure), s.column(s.times))
		return pandas.Clip("revenue ("+s.label(s.measure)+" x "+s.label(s.times)+")", 60), s.label(s.measure) + " or no " + s.label(s.times)
	}
	s.line("value = df[%s]", s.column(s.measure))
	return s.label(s.measure), s.label(s.measure)
}

// group sets the variable group to the category.
func (s *script) group() {
	s.line(`group = df[%s].astype(object).where(df[%s].notna(), "(missing)").astype(str)`, s.column(s.by), s.column(s.by))
}

// date sets the variable of the period's name to the period of each row.
func (s *script) date() (period string) {
	period = periods[s.period]
	when := "df[" + s.column(s.when) + "]"
	if isYear(s.table.Columns[s.when]) {
		when = "pd.to_datetime(" + when + `.astype("Int64").astype("string"), format="%Y")`
	}
	s.line(`%s = %s.dt.tz_localize(None).dt.to_period("%s").rename("%s")`, period, when, s.period, period)
	return period
}

// spoken is how a period is written as people say it, and the words before it: in December 2025.
func (s *script) spoken() (in, expression string) {
	switch s.period {
	case "D":
		return "on", `strftime("%d %B %Y")`
	case "W":
		return "in the week of", `start_time.strftime("%d %B %Y")`
	case "Q":
		return "in", `strftime("Q%q of %Y")`
	case "Y":
		return "in", `strftime("%Y")`
	}
	return "in", `strftime("%B %Y")`
}

// inText is a text inside of an f-string, in which nothing of it is computed.
func inText(text string) string {
	lit := pandas.Literal(text)
	return strings.NewReplacer("{", "{{", "}", "}}").Replace(lit[1 : len(lit)-1])
}

// leftOut counts the rows that a condition holds for, each of which lacks what is needed.
func (s *script) leftOut(condition, needs string) {
	s.line("left_out(%s, %s)", condition, pandas.Literal("no "+needs))
}

// figure starts a chart and names what it shows.
func (s *script) figure(title, x, y string) {
	s.line("\nfig, ax = plt.subplots(figsize=(8, 4.5))")
	s.line("ax.set_title(%s)", pandas.Literal(capital(title)))
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
	s.show()
}

// show hands the chart out.
func (s *script) show() { s.line("fig.tight_layout()\nchart(fig)\n") }
