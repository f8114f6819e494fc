package reading

import (
	"fmt"
	"strings"
)

// problems are the words for why a file is not read. {name} stands for a fact. The codes are
// those by which the desk refuses (REFUSALS in sandbox/runner/desk/words.py), and "box" and "rests", which
// the host says of a file that has ended its boxes. A test names a code without words.
var problems = map[string]string{
	"empty":           "The file is empty.",
	"binary":          "This is not a text table: it holds binary data.",
	"nul":             "It is damaged, or no text: it holds characters that no text has (NUL). Export it again.",
	"encoding":        "Its letters cannot be read. Save it as UTF-8 (in Excel: CSV UTF-8).",
	"columns":         "It has {columns} columns; at most {most} can be read. Keep those that the question needs.",
	"no_line":         "There is no row {line} in which a heading could be.",
	"cells":           "It has more than {most} cells. Keep the rows and columns that the question needs.",
	"unpacked":        "Unpacked it is larger than {most} MB.",
	"parts":           "The archive holds {parts} files; at most {most} can be looked through.",
	"nested_archive":  "The archive holds another archive. Unpack it, and share the file itself.",
	"several_files":   "The archive holds {files} files. Share the one that you mean.",
	"encrypted":       "It is protected by a password. Save it without one.",
	"broken_archive":  "It is damaged, or no archive: it could not be unpacked. Share it again.",
	"old_excel":       "This is an old Excel file (.xls). Open it and save it as .xlsx or CSV.",
	"binary_excel":    "This is a binary Excel file (.xlsb). Open it and save it as .xlsx or CSV.",
	"parquet":         "Parquet files need pyarrow, which the sandboxes do not have. Save it as CSV.",
	"parquet_broken":  "It is damaged, or no Parquet file. Share it again.",
	"formulas":        "{formulas} cells hold formulas without their results. Open and save it in Excel, and share it again.",
	"no_sheet":        "The workbook has no sheet with values.",
	"broken_workbook": "The workbook is damaged. Open and save it in Excel or LibreOffice, and share it again.",
	"deep":            "It is nested more than 200 levels deep.",
	"entities":        "It holds definitions that no data file needs (XML entities), so it is not opened. Save it again in Excel or LibreOffice.",
	"broken_json":     "This is no valid JSON: something is wrong in line {line}. Export it again.",
	"several_lists":   "The JSON holds {lists} lists of records. Share the one that you mean as a file of its own.",
	"list_of_lists":   "The JSON is a list of lists, so nothing tells names from values. Write a list of records, or CSV.",
	"no_records":      "The JSON holds no list of records that could be rows. Export the data as CSV, or as a list of records.",
	"program_file":    "This is a file that programs exchange, such as MT940, QIF or EDIFACT, not a table. Export it as CSV or Excel.",
	"database_dump":   "This is a database dump (SQL). Export the table that you mean as CSV.",
	"contacts":        "These are e-mails, contacts or appointments, not a table. Export them as CSV.",
	"no_table":        "This text is not a table: it looks like a log, settings, program code, or a list with one fact a line. Share a table: CSV or Excel.",
	"kind":            "This is no file that I read: CSV, Excel (.xlsx), OpenDocument (.ods), JSON, also as .gz or .zip. What Excel can open, save there as .xlsx.",
	"memory":          "Reading it needs more memory than a sandbox has.",
	"converted":       "As CSV it is larger than {most} MB.",
	"time":            "Reading it took longer than {seconds} seconds.",
	"misbehaved":      "While reading it, the reader did something that reading never needs, so it was stopped.",
	"failed":          "The reader broke off while it read this file.",
	"box":             "The sandbox ended while this file was being read.",
	"rests":           "The sandbox ended while this file was being read, and so did another. It can be tried again in five minutes; where that goes wrong as well, in an hour, and then in a day.",
}

// Words says why a file is not read.
func (p Problem) Words() string {
	text := problems[p.Code]
	// Facts are numbers alone, held to a list of names (Check): nothing of the file can get into the sentence.
	for fact, n := range p.Facts {
		text = strings.ReplaceAll(text, "{"+fact+"}", grouped(n))
	}
	// A box may leave a fact out. Nobody should read "{most}".
	if strings.Contains(text, "{") {
		text, _, _ = strings.Cut(text, ":") // a fact is missing: the words before it stand by themselves
		text = strings.TrimSpace(strings.NewReplacer("{", "", "}", "").Replace(text)) + "."
	}
	return text
}

// phrase is how an odd thing is said: of one, and of several. It goes on after the file or the
// column, so it begins small and has no period.
type phrase struct{ one, many string }

// same is a phrase that does not depend on how many there are.
func same(text string) phrase { return phrase{text, text} }

// odd are the words of the odd things, by the codes of the desk. They say what was found and,
// after a colon, what was done about it.
var odd = map[string]phrase{
	"no_heading":                same("no names of columns: its first row is data"),
	"heading_guessed":           same("the first row is taken for the names of the columns: a guess"),
	"heading_rows":              same("a heading of {n} rows, joined"),
	"heading_looks_like_values": same("the heading looks like values, not names"),
	"title_rows":                {"1 title row above the heading", "{n} title rows above the heading"},
	"names_cut":                 {"1 name longer than 200 characters, cut", "{n} names longer than 200 characters, cut"},
	"total_row":                 same("the last row is a total: left out"),
	"total_rows":                {"1 row sums others up, or averages them: left out", "{n} rows sum others up, or average them: left out"},
	"total_row_kept":            same("the last row is called a total, but does not add up: kept"),
	"hardly_a_table":            same("its lines hardly look like rows of a table: check its columns"),
	"facts_below_names":         {"1 row between the names and the values: left out", "{n} rows between the names and the values: left out"},
	"flags":                     {"1 value has a letter behind it (as in 12.3 p): read without it", "{n} values have letters behind them (as in 12.3 p): read without them"},
	"cover_sheet":               same("the first sheet holds only text: the next one with numbers is read"),
	"tables_below":              same("an empty row stands between others, as between tables: read as one"),
	"unit_formats":              same("amounts are shown in several units: read as bare numbers"),
	"percent_formats":           {"1 number is shown in percent, the others are not: 15% is read as 0.15", "{n} numbers are shown in percent, the others are not: 15% is read as 0.15"},
	"lists_beside":              {"1 other list stands beside the records: left out", "{n} other lists stand beside the records: left out"},
	"sum_row":                   same("the first or last row is the sum of the others, though it is not called a total: kept"),
	"second_table":              same("a second table below the first: left out"),
	"footer":                    {"1 note below the table: left out", "{n} notes below the table: left out"},
	"comments":                  {"1 comment: left out", "{n} comments: left out"},
	"headings_again":            {"1 row repeats the heading: left out", "{n} rows repeat the heading: left out"},
	"filled_up":                 {"1 row had too few values: its last ones are empty", "{n} rows had too few values: their last ones are empty"},
	"set_apart":                 {"1 row does not fit: left out", "{n} rows do not fit: left out"},
	"empty_value":               {"1 row had an empty value too many: left out", "{n} rows had an empty value too many: left out"},
	"unquoted":                  {"1 row had the separating sign inside a value: put together again", "{n} rows had the separating sign inside a value: put together again"},
	"lost_delimiter":            {"1 row had two values in one: cut where a number or date begins or ends", "{n} rows had two values in one: cut where a number or date begins or ends"},
	"other_delimiter":           {"1 row separates its values by another sign than the others", "{n} rows separate their values by another sign than the others"},
	"stray_quote":               {"1 row has a quotation mark too many: read as a character like others", "{n} rows have a quotation mark too many: read as a character like others"},
	"long_values":               {"1 value goes on over many lines, or may hold rows: kept as one", "{n} values go on over many lines, or may hold rows: each kept as one"},
	"leading_zeros":             same("leading zeros: kept as text"),
	"long_ids":                  same("numbers too long to be exact: kept as text"),
	"one_or_several":            same("one column or several: what may tell them apart stands in every row"),
	"points_not_decimal":        same("1.10 may not be 1.1 here: kept as text"),
	"telephones":                same("digits in groups that may be telephones: kept as text"),
	"ambiguous_thousands":       same("1.234 may be a thousand or one point two: kept as text"),
	"ambiguous_dates":           same("day and month cannot be told apart: kept as text"),
	"two_date_orders":           same("some dates begin with the day, some with the month: kept as text"),
	"short_years":               same("years of two digits that may be days, or of either century: kept as text"),
	"far_dates":                 same("most years lie before 1678 or after 2261, as in another calendar: kept as text"),
	"two_decimal_signs":         same("decimal points and decimal commas: kept as text"),
	"several_currencies":        same("several currencies: kept as text"),
	"percent_and_not":           same("some values in percent, some not: kept as text"),
	"percent":                   same("in percent: 1% is read as 0.01"),
	"per_mille":                 same("in per mille: 1‰ is read as 0.001"),
	"currency":                  same("amounts of money, read as numbers"),
	"numbers_as_text":           same("numbers stored as text, read as numbers"),
	"digits_lost":               {"1 number like 2.02E+17 has lost its last digits in the file", "{n} numbers like 2.02E+17 have lost their last digits in the file"},
	"missing_words":             {"1 cell says that it has no value (such as n/a or -): read as empty", "{n} cells say that they have no value (such as n/a or -): read as empty"},
	"error_cells":               {"1 cell with an error (like #DIV/0!), read as missing", "{n} cells with errors (like #DIV/0!), read as missing"},
	"mixed":                     same("numbers and texts mixed: kept as text"),
	"offsets":                   same("times of several time zones, or with their zone: all turned into UTC"),
	"offsets_in_part":           same("only some times name their time zone: the others are taken for UTC"),
	"dates_without_time":        {"1 date without a time", "{n} dates without a time"},
	"dates_out_of_range":        {"1 date before 1678 or after 2261, read as missing", "{n} dates before 1678 or after 2261, read as missing"},
	"unix_seconds":              same("numbers that look like times, in seconds since 1970"),
	"unix_milliseconds":         same("numbers that look like times, in milliseconds since 1970"),
	"excel_days":                same("numbers that look like dates, as Excel counts days"),
	"compact_days":              same("numbers like 20240131, read as days"),
	"dates_as_text":             same("dates stored as text, read as dates"),
	"hidden_sheet":              same("a hidden sheet"),
	"sheets_left_out":           {"1 other sheet cannot be read: left out", "{n} other sheets cannot be read: left out"},
	"hidden_rows":               {"1 hidden row, read as well", "{n} hidden rows, read as well"},
	"hidden_columns":            {"1 hidden column, read as well", "{n} hidden columns, read as well"},
	"currency_formats":          same("amounts are shown in several currencies: read as bare numbers"),
	"tables_beside":             same("an empty column stands between others, as between tables: read as one"),
	"merged_cells":              {"1 merged area", "{n} merged areas"},
	"merged_amounts":            {"1 amount stands in a merged area of several rows: kept in its first", "{n} amounts stand in merged areas of several rows: each kept in the first"},
	"merged_down":               {"1 cell repeats what stands in a merged area", "{n} cells repeat what stands in merged areas"},
	"formulas_without_values":   {"1 formula without its result, read as missing", "{n} formulas without their results, read as missing"},
	"keys_are_index":            same("each record stands under a name: the names label the rows, and are no column"),
	"keys_missing":              {"1 record lacks a value that others have: read as empty", "{n} records lack values that others have: read as empty"},
	"keys_twice":                same("a record has two values of one name: the last one counts"),
	"nan":                       {"1 value is NaN (not a number): read as empty", "{n} values are NaN (not a number): read as empty"},
	"bad_bytes":                 {"1 character cannot be read: it stands as \ufffd", "{n} characters cannot be read: they stand as \ufffd"},
}

// Words says an odd thing, with its column and lines.
func (o Odd) Words() string {
	p := odd[o.Code]
	text := p.many
	// The count is of the file, of which only the first lines are listed.
	if o.Count == 1 {
		text = p.one
	}
	text = strings.ReplaceAll(text, "{n}", grouped(o.Count))
	if o.Column != "" {
		text = quoted(o.Column) + ": " + text
	}
	if len(o.Lines) > 0 {
		text += " (" + lines(o.Lines, o.Count) + ")"
	}
	return text
}

// lines names the lines of a file where something is odd: the first five, and … for more of them than are shown.
func lines(at []int64, count int64) string {
	// The desk lists twenty at most (maxLines), and five are enough to look at.
	shown := at[:min(len(at), 5)]
	words := make([]string, len(shown))
	for i, n := range shown {
		words[i] = grouped(n)
	}
	text := "lines "
	if len(at) == 1 && count == 1 {
		text = "line "
	}
	text += strings.Join(words, ", ")
	if int64(len(shown)) < count {
		text += ", …"
	}
	return text
}

var delimiters = map[string]string{",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "blank", ", ": "comma and blank", "; ": "semicolon and blank", ":": "colon"}

// Words says in one line how a table is read: "semicolons, decimal comma, cp1251 (guessed), heading in line 4".
func (t Table) Words(r Reading) string {
	var parts []string
	// A text is what people expect, so only other kinds are named.
	if kind := map[string]string{"json": "JSON", "xlsx": "Excel", "ods": "OpenDocument", "parquet": "Parquet"}[r.Kind]; kind != "" {
		parts = append(parts, kind)
	}
	if t.Delimiter != "" {
		name := delimiters[t.Delimiter]
		if name == "" {
			name = quoted(t.Delimiter)
		}
		parts = append(parts, "delimiter "+name)
	}
	if t.Quote == "'" {
		parts = append(parts, "single quotes")
	}
	if t.Decimal == "," {
		parts = append(parts, "decimal comma")
	}
	if r.Encoding != "" {
		text := EncodingName(r.Encoding)
		if r.Sure < Guess {
			text += " (guessed)"
		}
		parts = append(parts, text)
	}
	switch {
	case t.HeadingLine > 0:
		parts = append(parts, fmt.Sprintf("heading in line %s", grouped(t.HeadingLine)))
	// Their names stand beside the values or in the file's schema: a heading is nothing to look for.
	case r.Kind != "json" && r.Kind != "parquet":
		parts = append(parts, "no heading")
	}
	return strings.Join(parts, ", ")
}

// EncodingName is an encoding as people call it.
func EncodingName(python string) string {
	// By Python's names, which is what readings hold.
	names := map[string]string{"utf-8": "UTF-8", "utf-8-sig": "UTF-8 with a mark", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32": "UTF-32",
		"latin-1": "ISO 8859-1", "gb18030": "GB 18030", "cp932": "Shift JIS", "euc_jp": "EUC-JP", "big5": "Big5", "cp949": "EUC-KR", "koi8_r": "KOI8-R", "koi8_u": "KOI8-U", "mac_roman": "Mac Roman",
		"iso8859_2": "ISO 8859-2", "iso2022_jp": "ISO-2022-JP"}
	if n := names[python]; n != "" {
		return n
	}
	if n, ok := strings.CutPrefix(python, "cp12"); ok {
		return "windows-12" + n
	}
	return python
}

// Words says what a column is: its type, its sign, what is missing.
func (c Column) Words() string {
	text := c.Type
	if c.Currency != "" {
		text += " (" + c.Currency + ")"
	}
	if c.Percent {
		text += " (percent)"
	}
	if c.Pattern != "" {
		text += " like " + c.Pattern
	}
	if c.Missing > 0 {
		text += fmt.Sprintf(", %s missing", grouped(c.Missing))
	}
	return text
}

func quoted(s string) string { return "\u201c" + s + "\u201d" }

// grouped is a number as people write it: 12,345.
func grouped(n int64) string {
	digits := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
