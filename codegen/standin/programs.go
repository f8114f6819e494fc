package standin

import (
	"fmt"
	"strings"

	"countersign/codegen/pandas"
)

// The programs of the stand-in, one per intent. Each ends with a table as its
// last expression and leaves a chart open.

// hows names the aggregations in headings.
var hows = map[string]string{"sum": "total", "mean": "average", "median": "median", "max": "highest", "min": "lowest", "count": "number of"}

// aggregate is the pandas method for the aggregation. A sum without values is missing, not zero.
func (s *script) aggregate() string {
	if s.how == "sum" {
		return "sum(min_count=1)"
	}
	return s.how + "()"
}

// digits is how many decimals are shown: two for amounts of money and for averages of
// whole numbers, four for numbers that have decimals themselves.
func (s *script) digits() int {
	if s.measure < 0 || s.times >= 0 || s.table.Columns[s.measure].Type == "integer" {
		return 2
	}
	return 4
}

var periods = map[string]string{"D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"}

// trend aggregates per period, and per category when there is one.
func (s *script) trend() {
	const most = 8
	s.date()
	what := s.value()
	s.line(`period = when.dt.to_period("%s").rename("%s")`, s.period, periods[s.period])
	title := fmt.Sprintf("%s %s per %s", hows[s.how], what, periods[s.period])
	if s.by >= 0 {
		title += " by " + s.label(s.by)
		s.group("group")
		s.line("largest = value.groupby(group).sum().nlargest(%d).index", most)
		s.line(`group = group.where(group.isin(largest), "(other)").rename(None)`)
		s.line("table = value.groupby([period, group]).%s.round(%d).unstack()", s.aggregate(), s.digits())
	} else {
		s.line("table = value.groupby(period).%s.round(%d).to_frame(%s)", s.aggregate(), s.digits(), pandas.Literal(what))
	}
	s.figure(title, periods[s.period], what)
	s.line("for name in table.columns:")
	s.line(`    ax.plot(table.index.to_timestamp(), table[name], marker="o", markersize=3, label=str(name)[:30])`)
	if s.by >= 0 {
		s.line(`if len(table.columns) > 0:`)
		s.line(`    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)`)
	}
	s.line(`ax.grid(axis="y", alpha=0.3)`)
	s.thousands("y")
	s.line("fig.autofmt_xdate()\nfig.tight_layout()\n")
	s.line("table.index = table.index.astype(str)")
	s.line("table.reset_index()")
}

// groups aggregates per category: all of them, or the top few.
func (s *script) groups() {
	what := s.value()
	s.group("group")
	n, order := 30, "largest"
	if s.want == wantTop {
		n = s.n
	}
	if s.lowest {
		order = "smallest"
	}
	by := s.label(s.by)
	s.line("parts = value.groupby(group)")
	s.line("total = parts.%s.round(%d).n%s(%d)", s.aggregate(), s.digits(), order, n)
	title := fmt.Sprintf("%s %s by %s", hows[s.how], what, by)
	if s.want == wantTop {
		title = fmt.Sprintf("%s %d: %s", map[bool]string{true: "Lowest", false: "Top"}[s.lowest], n, title)
	}
	s.figure(title, what, by)
	s.bars("total")
	s.line("")
	s.line("table = pd.DataFrame({")
	s.line("    %s: total.index,", pandas.Literal(by))
	s.line("    %s: total.to_numpy(),", pandas.Literal(strings.TrimSpace(hows[s.how]+" "+what)))
	s.line(`    "rows used": parts.count()[total.index].to_numpy(),`)
	s.line("})")
	s.line("table")
}

// correlation compares the numbers with each other.
func (s *script) correlation() {
	const most = 12
	numbers := s.numbers[:min(len(s.numbers), most)]
	s.line("numbers = pd.DataFrame({")
	labels := map[string]bool{}
	for _, i := range numbers {
		label := s.label(i)
		if labels[label] {
			label = fmt.Sprintf("%s (%d)", label, i+1)
		}
		labels[label] = true
		s.line("    %s: %s,", pandas.Literal(label), s.number(i))
	}
	s.line("})")
	s.line("table = numbers.corr().round(3)")
	s.line("\nfig, ax = plt.subplots(figsize=(7, 6))")
	s.line(`image = ax.imshow(table.fillna(0).to_numpy(), vmin=-1, vmax=1, cmap="coolwarm")`)
	s.line(`fig.colorbar(image, ax=ax, label="correlation (Pearson)")`)
	s.line("ax.set_xticks(range(len(table)), labels=[str(name)[:30] for name in table.columns], rotation=45, ha=\"right\")")
	s.line("ax.set_yticks(range(len(table)), labels=[str(name)[:30] for name in table.index])")
	s.line("for y, row in enumerate(table.to_numpy()):")
	s.line("    for x, r in enumerate(row):")
	s.line(`        ax.text(x, y, f"{r:.2f}", ha="center", va="center", color="white" if abs(r) > 0.6 else "black")`)
	s.line(`ax.set_title("Correlation of the numeric columns")`)
	s.line(`ax.set_xlabel("column")`)
	s.line(`ax.set_ylabel("column")`)
	s.line("fig.tight_layout()\n")
	s.line(`table.rename_axis("column").reset_index()`)
}

// missing counts the values that are not there.
func (s *script) missing() {
	s.line("gaps = df.isna().sum().sort_values(ascending=False, kind=\"stable\")")
	s.line("shown = gaps.head(30)")
	s.figure("Missing values per column", "missing values", "column")
	s.line("shown.index = [str(name) if str(name).isascii() else \"column %%d\" %% (list(df.columns).index(name) + 1) for name in shown.index]")
	s.bars("shown")
	s.line("")
	s.line("table = pd.DataFrame({")
	s.line(`    "column": gaps.index.map(str),`)
	s.line(`    "missing": gaps.to_numpy(),`)
	s.line(`    "share in %%": (100 * gaps / max(len(df), 1)).round(1).to_numpy(),`)
	s.line("})")
	s.line("table")
}

// spread shows how one number is distributed.
func (s *script) spread() {
	what := s.value()
	s.figure("Distribution of "+what, what, "rows")
	s.histogram()
	s.line(`table = value.describe().round(4).rename_axis("figure").reset_index(name=%s)`, pandas.Literal(what))
	s.line("table")
}

// histogram draws value.
func (s *script) histogram() {
	s.line("ax.hist(value.dropna().to_numpy(), bins=30)")
	s.line("fig.tight_layout()\n")
}

// summary describes every column and draws the most telling one.
func (s *script) summary() {
	s.line("rows = []")
	s.line("for name in df.columns:")
	s.line("    column = df[name]")
	s.line("    filled = column.dropna()")
	s.line("    text = filled.convert_dtypes().astype(str)  # whole numbers without decimals")
	s.line("    row = {\"column\": str(name), \"missing\": len(column) - len(filled), \"distinct\": text.nunique()}")
	s.line("    row[\"most common\"] = text.mode().iloc[0][:60] if len(text) else \"\"")
	s.line("    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column) and len(filled):")
	s.line("        row.update({\"smallest\": filled.min(), \"average\": filled.mean(), \"largest\": filled.max()})")
	s.line("    rows.append(row)")
	s.line("table = pd.DataFrame(rows)")
	switch {
	case s.when >= 0 && s.measure >= 0:
		s.date()
		what := s.value()
		s.line(`line = value.groupby(when.dt.to_period("%s")).mean()`, s.period) // a sum of prices or ages means nothing
		s.figure(fmt.Sprintf("average %s per %s", what, periods[s.period]), periods[s.period], what)
		s.line(`ax.plot(line.index.to_timestamp(), line.to_numpy(), marker="o", markersize=3)`)
		s.line(`ax.grid(axis="y", alpha=0.3)`)
		s.thousands("y")
		s.line("fig.autofmt_xdate()\nfig.tight_layout()")
	case s.measure >= 0:
		what := s.value()
		s.figure("Distribution of "+what, what, "rows")
		s.histogram()
	case s.first(isCategory) >= 0:
		s.by = s.first(isCategory)
		s.group("group")
		s.line("common = group.groupby(group).size().nlargest(10)")
		s.figure("Most common values of "+s.label(s.by), "rows", s.label(s.by))
		s.bars("common")
	}
	s.line("\ntable")
}
