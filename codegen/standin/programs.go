package standin

import (
	"fmt"
	"strings"

	"countersign/codegen/pandas"
)

// The programs of the stand-in, one per intent. Each shows a table and a chart at the desk,
// and answers with one sentence.
//
// They are written so that a reviewer reads them in half a minute, so that the inspection finds
// nothing unusual in them, and so that they run with any table: no rows, no dates, names in any
// alphabet, more groups than a chart can show. Numbers in the sentence are computed, never typed.

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

// periods are the words for pandas' letters, in headings and as names of variables.
var periods = map[string]string{"D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"}

// trend aggregates per period, and per category when there is one. Beyond the eight largest
// categories the lines of a chart cannot be told apart, so the rest are one.
func (s *script) trend() {
	const most = 8
	period := s.date()
	what, needs := s.value()
	named := strings.TrimSpace(hows[s.how] + " " + what)
	lacking := period + ".isna()"
	if needs == "" {
		needs = s.label(s.when)
	} else {
		lacking, needs = "value.isna() | "+lacking, needs+" or no "+s.label(s.when)
	}
	s.leftOut(lacking, needs)
	title := fmt.Sprintf("%s per %s", named, period)
	// Of the whole the sentence tells the best and the worst period, also where the chart has a line for each category.
	s.line("whole = value.groupby(%s).%s.dropna()", period, s.aggregate())
	if s.by >= 0 {
		title += " by " + s.label(s.by)
		s.group()
		// By their sums, whatever is aggregated: the average of a small category may be the highest.
		s.line("largest = value.groupby(group).sum().nlargest(%d).index", most)
		s.line(`group = group.where(group.isin(largest), "(other)").rename(None)`)
		s.line("result = value.groupby([%s, group]).%s.round(%d).unstack()", period, s.aggregate(), s.digits())
	} else {
		s.line("result = whole.round(%d).to_frame(%s)", s.digits(), pandas.Literal(what))
	}
	s.line("if whole.empty:")
	s.line(`    answer("No row has all that is needed.")`)
	s.line("else:")
	in, spoken := s.spoken()
	s.line("    best, worst = [p.%s for p in (whole.idxmax(), whole.idxmin())]", spoken)
	s.line(`    answer(f"%s was highest %s {best}: {number(whole.max())}, and lowest %s {worst}: {number(whole.min())}.")`, inText(capital(named)), in, in)
	s.figure(title, period, what)
	s.line("for name in result.columns:")
	s.line(`    ax.plot(result.index.to_timestamp(), result[name], marker="o", markersize=3, label=str(name)[:30])`)
	if s.by >= 0 {
		s.line(`if len(result.columns) > 0:`)
		s.line(`    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)`)
	}
	s.line(`ax.grid(axis="y", alpha=0.3)`)
	s.thousands("y")
	s.line("fig.autofmt_xdate()")
	s.show()
	s.line("result.index = result.index.astype(str)")
	s.tell("result.reset_index()", title)
}

// groups aggregates per category: all of them, or the top few.
func (s *script) groups() {
	what, needs := s.value()
	s.group()
	if needs != "" {
		s.leftOut("value.isna()", needs)
	}
	// Thirty bars at most, or as many as were asked for.
	n, order, rank := 30, "largest", "had the highest "
	if s.want == wantTop {
		n = s.n
	}
	if s.lowest {
		order, rank = "smallest", "had the lowest "
	}
	by, named := s.label(s.by), strings.TrimSpace(hows[s.how]+" "+what)
	s.line("parts = value.groupby(group)")
	s.line("total = parts.%s.round(%d).n%s(%d)", s.aggregate(), s.digits(), order, n)
	s.line("if total.empty:")
	s.line(`    answer("No row has all that is needed.")`)
	s.line("else:")
	s.line(`    answer(f"{total.index[0]} %s: {number(total.iloc[0])}.")`, inText(rank+named))
	title := fmt.Sprintf("%s by %s", named, by)
	if s.want == wantTop {
		title = fmt.Sprintf("%s %d: %s", map[bool]string{true: "Lowest", false: "Top"}[s.lowest], n, title)
	}
	s.figure(title, what, by)
	s.bars("total")
	s.line("result = pd.DataFrame({")
	s.line("    %s: total.index,", pandas.Literal(by))
	s.line("    %s: total.to_numpy(),", pandas.Literal(named))
	s.line(`    "rows used": parts.count()[total.index].to_numpy(),`)
	s.line("})")
	s.tell("result", title)
}

// correlation compares the numbers with each other, the first twelve at most: the labels of more do
// not fit beside the picture. Two columns of one name get their places, or one would hide the other.
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
		s.line("    %s: df[%s],", pandas.Literal(label), s.column(i))
	}
	s.line("})")
	s.line("result = numbers.corr().round(3)")
	// Each pair once, and none with itself, whose correlation is always 1.
	s.line("pairs = {(a, b): result.loc[a, b] for n, a in enumerate(result) for b in list(result)[:n]}")
	s.line(`pairs = pd.Series(pairs, dtype="float64").dropna()`)
	s.line("if pairs.empty:")
	s.line(`    answer("No two columns can be compared.")`)
	s.line("else:")
	s.line("    a, b = pairs.abs().idxmax()")
	s.line(`    answer(f"{a} and {b} go together most: their correlation is {number(pairs[a, b])}.")`)
	s.line("\nfig, ax = plt.subplots(figsize=(7, 6))")
	s.line(`image = ax.imshow(result.fillna(0).to_numpy(), vmin=-1, vmax=1, cmap="coolwarm")`)
	s.line(`fig.colorbar(image, ax=ax, label="correlation (Pearson)")`)
	s.line("ax.set_xticks(range(len(result)), labels=[str(name)[:30] for name in result.columns], rotation=45, ha=\"right\")")
	s.line("ax.set_yticks(range(len(result)), labels=[str(name)[:30] for name in result.index])")
	s.line("for y, row in enumerate(result.to_numpy()):")
	s.line("    for x, r in enumerate(row):")
	s.line(`        ax.text(x, y, f"{r:.2f}", ha="center", va="center", color="white" if abs(r) > 0.6 else "black")`)
	s.line(`ax.set_title("Correlation of the numeric columns")`)
	s.line(`ax.set_xlabel("column")`)
	s.line(`ax.set_ylabel("column")`)
	s.show()
	s.tell(`result.rename_axis("column").reset_index()`, "Correlation of the numeric columns")
}

// missing counts the values that are not there. Names in an alphabet that the chart's font lacks are told by their place.
func (s *script) missing() {
	s.line("gaps = df.isna().sum().sort_values(ascending=False, kind=\"stable\")")
	s.line("shown = gaps.head(30)")
	s.line("if gaps.sum() == 0:")
	s.line(`    answer("No value is missing.")`)
	s.line("else:")
	s.line(`    answer(f"{number(gaps.sum())} values are missing, most of them in {gaps.index[0]}: {number(gaps.iloc[0])} of {number(len(df))} rows.")`)
	s.figure("Missing values per column", "missing values", "column")
	s.line("shown.index = [str(name) if str(name).isascii() else \"column %%d\" %% (list(df.columns).index(name) + 1) for name in shown.index]")
	s.bars("shown")
	s.line("result = pd.DataFrame({")
	s.line(`    "column": gaps.index.map(str),`)
	s.line(`    "missing": gaps.to_numpy(),`)
	s.line(`    "share in %%": (100 * gaps / max(len(df), 1)).round(1).to_numpy(),`)
	s.line("})")
	s.tell("result", "Missing values per column")
}

// spread shows how one number is distributed.
func (s *script) spread() {
	what, needs := s.value()
	s.leftOut("value.isna()", needs)
	s.line("low, middle, high = value.quantile([0.25, 0.5, 0.75])")
	s.line(`answer(f"Half of the rows lie between {number(low)} and {number(high)}, around a median of {number(middle)}.")`)
	s.figure("Distribution of "+what, what, "rows")
	s.histogram()
	s.line(`result = value.describe().round(4).rename_axis("figure").reset_index(name=%s)`, pandas.Literal(what))
	s.tell("result", "Distribution of "+what)
}

// histogram draws value.
func (s *script) histogram() {
	s.line("ax.hist(value.dropna().to_numpy(), bins=30)")
	s.show()
}

// summary describes every column and draws the most telling one: a number over time where there are
// dates, else how a number is spread, else how often each value of a category comes.
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
	s.line("result = pd.DataFrame(rows)")
	s.line(`answer(f"{number(len(df))} rows and {number(len(df.columns))} columns; {number(df.isna().sum().sum())} values are missing.")`)
	switch {
	case s.when >= 0 && s.measure >= 0:
		period := s.date()
		what, _ := s.value()
		s.line(`line = value.groupby(%s).mean()`, period) // a sum of prices or ages means nothing
		s.figure(fmt.Sprintf("average %s per %s", what, period), period, what)
		s.line(`ax.plot(line.index.to_timestamp(), line.to_numpy(), marker="o", markersize=3)`)
		s.line(`ax.grid(axis="y", alpha=0.3)`)
		s.thousands("y")
		s.line("fig.autofmt_xdate()")
		s.show()
	case s.measure >= 0:
		what, _ := s.value()
		s.figure("Distribution of "+what, what, "rows")
		s.histogram()
	case s.first(isCategory) >= 0:
		s.by = s.first(isCategory)
		s.group()
		s.line("common = group.groupby(group).size().nlargest(10)")
		s.figure("Most common values of "+s.label(s.by), "rows", s.label(s.by))
		s.bars("common")
	}
	s.tell("result", "The columns of the table")
}

// tell shows the result as a table, which is the last thing that each program does.
func (s *script) tell(expression, title string) {
	s.line("table(%s, %s)", expression, pandas.Literal(capital(title)))
}

// capital begins a title as a sentence does. Titles begin with a word of ours.
func capital(title string) string { return strings.ToUpper(title[:1]) + pandas.Clip(title[1:], 100) }
