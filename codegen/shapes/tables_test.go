package shapes

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/codegen/samples"
)

func columns(pairs ...string) (list []approval.Column) {
	for _, p := range pairs {
		name, rest, _ := strings.Cut(p, ": ")
		typ, missing, _ := strings.Cut(rest, " -")
		c := approval.Column{Name: name, Type: typ}
		if missing != "" {
			_, _ = fmt.Sscan(missing, &c.Missing)
		}
		list = append(list, c)
	}
	return list
}

func wide(text string, order binary.AppendByteOrder, mark bool) string {
	var b []byte
	if mark {
		text = "\ufeff" + text
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func TestShapesAreReadAsPandasWouldSeeThem(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, data string
		want       approval.Table
	}{
		"types": {"a.csv", "i,n,d,t,b,e\n1,1.5,2024-01-31,x,True,\n-2,3,2024-02-01 10:00:00,NA,false,\n,2e5,,1x,TRUE,\n",
			approval.Table{Rows: 3, Columns: columns("i: integer -1", "n: number", "d: date -1", "t: text -1", "b: boolean", "e: empty -3")}},
		"dates": {"a.csv", "day,month,either,short\n31.12.2024,12/31/2024,01/02/2024,2024-01\n",
			approval.Table{Rows: 1, Columns: columns("day: date, day first", "month: date, month first", "either: date, order of day and month unclear", "short: date")}},
		"numbers as people write them": {"a.csv", "a;b;c\n1.234,50;1,234,567.89;1,5\n12,5;2;2\n",
			approval.Table{Rows: 2, Delimiter: ";", Columns: columns("a: number with decimal comma", "b: number with thousands commas", "c: number with decimal comma")}},
		"thousands":         {"a.csv", "a,b\n\"1,234\",x\n", approval.Table{Rows: 1, Columns: columns("a: number with thousands commas", "b: text")}},
		"tabs":              {"a.tsv", "a\tb\n1\t2\n", approval.Table{Rows: 1, Delimiter: "\t", Columns: columns("a: integer", "b: integer")}},
		"commas in a tsv":   {"a.tsv", "a,b\n1,2\n", approval.Table{Rows: 1, Columns: columns("a: integer", "b: integer")}},
		"pipes":             {"a.CSV", "a|b\n1|2\n", approval.Table{Rows: 1, Delimiter: "|", Columns: columns("a: integer", "b: integer")}},
		"one column":        {"a.csv", "a\n1\n", approval.Table{Rows: 1, Columns: columns("a: integer")}},
		"short rows":        {"a.csv", "a,b\n1\n1,2\n", approval.Table{Rows: 2, Columns: columns("a: integer", "b: integer -1")}},
		"same and no names": {"a.csv", "a,a,\n1,2,3\n", approval.Table{Rows: 1, Columns: columns("a: integer", "a: integer", ": integer")}},
		"quotes":            {"a.csv", "\"a \"\"x\"\"\",b\n\"1\n2\",5\" pipe\n\"q\"r,\"\"\n", approval.Table{Rows: 2, Columns: columns("a \"x\": text", "b: text -1")}},
		"line ends":         {"a.csv", "a,b\r1,2\r\n\n  \n3,4", approval.Table{Rows: 2, Columns: columns("a: integer", "b: integer")}},
		"no heading, dates": {"a.csv", "2024-01-31,Anna,12\n2024-02-01,Ben,7\n",
			approval.Table{Rows: 2, NoHeading: true, Columns: columns("column_1: date", "column_2: text", "column_3: integer")}},
		"no heading, figures": {"a.csv", "Anna;1,5\nBen;2\n",
			approval.Table{Rows: 2, NoHeading: true, Delimiter: ";", Columns: columns("column_1: text", "column_2: number with decimal comma")}},
		"no heading, debts":     {"a.csv", "Anna,-5\nBen,7\n", approval.Table{Rows: 2, NoHeading: true, Columns: columns("column_1: text", "column_2: integer")}},
		"no heading, addresses": {"a.csv", "anna@a.example\nben@b.example\n", approval.Table{Rows: 2, NoHeading: true, Columns: columns("column_1: text")}},
		"no heading, one row":   {"a.csv", "Anna,31.12.1980\n", approval.Table{Rows: 1, NoHeading: true, Columns: columns("column_1: text", "column_2: date, day first")}},
		"no heading, prose": {"a.csv", strings.Repeat("ill ", 30) + ",1\n" + strings.Repeat("ill ", 30) + ",2\n",
			approval.Table{Rows: 2, NoHeading: true, Columns: columns("column_1: text", "column_2: integer")}},
		"years and months":    {"a.csv", "region,2019,2020-01\nN,1.5,2.5\n", approval.Table{Rows: 1, Columns: columns("region: text", "2019: number", "2020-01: number")}},
		"dates over numbers":  {"a.csv", "region,2024-01-31\nN,1.5\n", approval.Table{Rows: 1, Columns: columns("region: text", "2024-01-31: number")}},
		"questions":           {"a.csv", strings.Repeat("how ", 30) + ",b\nwell,1\n", approval.Table{Rows: 1, Columns: columns(strings.Repeat("how ", 30)+": text", "b: integer")}},
		"mark":                {"a.csv", "\ufeffa,b\n1,2\n", approval.Table{Rows: 1, Encoding: "utf-8-sig", Columns: columns("a: integer", "b: integer")}},
		"utf-16":              {"a.csv", wide("a,ü\n1,2\n", binary.LittleEndian, true), approval.Table{Rows: 1, Encoding: "utf-16", Columns: columns("a: integer", "ü: integer")}},
		"utf-16 big":          {"a.csv", wide("a,ü\n1,2\n", binary.BigEndian, true), approval.Table{Rows: 1, Encoding: "utf-16", Columns: columns("a: integer", "ü: integer")}},
		"utf-16 without mark": {"a.csv", wide("a,b\n1,2\n", binary.LittleEndian, false), approval.Table{Rows: 1, Encoding: "utf-16-le", Columns: columns("a: integer", "b: integer")}},
		"utf-16-be bare":      {"a.csv", wide("a,b\n1,2\n", binary.BigEndian, false), approval.Table{Rows: 1, Encoding: "utf-16-be", Columns: columns("a: integer", "b: integer")}},
		"utf-32":              {"a.csv", "\xff\xfe\x00\x00a\x00\x00\x00\n\x00\x00\x001\x00\x00\x00", approval.Table{Rows: 1, Encoding: "utf-32", Columns: columns("a: integer")}},
		"windows":             {"a.csv", "gr\xfc\xdfe,\x80\n1,2\n", approval.Table{Rows: 1, Encoding: "windows-1252", Columns: columns("grüße: integer", "€: integer")}},
		"latin-1":             {"a.csv", "gr\xfc,\x81\n1,2\n", approval.Table{Rows: 1, Encoding: "latin-1", Columns: columns("grü: integer", "\u0081: integer")}},
		"json list": {"a.json", `[{"a":1,"s":"2024-01-01","n":null},{"b":[1],"a":2.5,"s":"12"},{"b":{},"ok":true,"a":3}]`,
			approval.Table{Rows: 3, Columns: columns("a: number", "s: text -1", "n: empty -3", "b: nested -1", "ok: boolean -2")}},
		"json lines":      {"a.jsonl", "{\"a\":1}\n{\"a\":2}\n", approval.Table{Rows: 2, Delimiter: "\n", Columns: columns("a: integer")}},
		"json lines, one": {"a.json", `{"a":"2024-05-01"}`, approval.Table{Rows: 1, Delimiter: "\n", Columns: columns("a: date")}},
		"json wrapped":    {"a.json", `{"meta":{"n":[1]},"tags":["x"],"items":[{"a":""},{"a":"x"}]}`, approval.Table{Name: "items", Rows: 2, Columns: columns("a: text")}},
		"json in utf-16":  {"a.json", wide(`[{"a":1}]`, binary.LittleEndian, true), approval.Table{Rows: 1, Encoding: "utf-16", Columns: columns("a: integer")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tables, err := Tables(c.file, []byte(c.data))
			require.NoError(t, err)
			require.Equal(t, []approval.Table{c.want}, tables)
		})
	}
}

func TestWhatCannotBeReadIsAnsweredInOneSentence(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("x,", 1_000_000)
	for name, c := range map[string]struct{ file, data, want string }{
		"no type":            {"data", "x", "data cannot be read: only CSV, TSV, Excel (.xlsx) and JSON files can."},
		"text":               {"notes.txt", "x", "notes.txt cannot be read: only CSV, TSV, Excel (.xlsx) and JSON files can."},
		"picture":            {"chart.png", "\x89PNG\r\n", "chart.png cannot be read: only"},
		"parquet":            {"a.parquet", "PAR1", "a.parquet cannot be read: only"},
		"hostile name":       {"a\u202e\n.txt", "x", "a\\u{202e}\n.txt cannot be read"},
		"empty":              {"a.csv", "", "a.csv is empty."},
		"blank":              {"a.csv", " \n\t\n", "a.csv is empty."},
		"mark alone":         {"a.csv", "\ufeff\n\n", "a.csv holds nothing but blank lines."},
		"heading alone":      {"a.csv", "a,b\n", "a.csv has a heading but no rows."},
		"picture as csv":     {"a.csv", "\x89PNG\r\n\x1a\n", "a.csv is not a CSV file, but a PNG picture."},
		"zip as csv":         {"a.csv", "PK\x03\x04abc", "a.csv is not a CSV file, but a zip archive."},
		"page as csv":        {"a.csv", "\n<!DOCTYPE html><html>", "a.csv is not a CSV file, but a web page."},
		"xml as json":        {"a.json", "<?xml version=\"1.0\"?>", "a.json is not a JSON file, but XML."},
		"csv as excel":       {"a.xlsx", "a,b\n1,2\n", "a.xlsx is not an Excel workbook, but text."},
		"old excel":          {"a.xlsx", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1x", "a.xlsx is protected by a password or of an old Excel format; save it as .xlsx without a password."},
		"binary":             {"a.csv", strings.Repeat("\x01\x02\x03a", 100), "a.csv is not a CSV file, but something that is not text."},
		"zeros":              {"a.csv", "a,b\x00\x00\x00c\n1,2\n", "a.csv holds bytes that no text has; it is damaged or not a text file."},
		"damaged utf-8":      {"a.csv", "größe,übergröße,maß,fünf,über\n1\xff,2,3,4,5\n", "a.csv is not sound UTF-8: some of its characters are damaged. Save it again as UTF-8."},
		"damaged utf-16":     {"a.csv", "\xff\xfea\x00\x00\xd8,\x00", "a.csv is not sound utf-16: some of its characters are damaged. Save it again as UTF-8."},
		"long rows":          {"a.csv", "a,b\n1,2\n1,2,3\n", "a.csv has 3 values in line 3, but the heading names 2 columns."},
		"open quote":         {"a.csv", "a,b\n1,2\n\"x,2\n3,4\n", "a.csv has in line 3 a value that starts with a quotation mark and never ends."},
		"million columns":    {"a.csv", many + "\n" + many + "\n", "a.csv has more than 1000 columns, which is the most that can be read; keep those that the question needs."},
		"1001 columns":       {"a.csv", many[:2000] + "x\n", "a.csv has more than 1000 columns, which is the most that can be read; keep those that the question needs."},
		"huge cell":          {"a.csv", "a,b\n" + strings.Repeat("y", 2<<20) + ",1\n", "a.csv has in line 2 a value of more than 1 MB."},
		"huge quoted cell":   {"a.csv", "a,b\n\"" + strings.Repeat("y", 2<<20) + "\",1\n", "a.csv has in line 2 a value that starts with a quotation mark and never ends."},
		"huge heading":       {"a.csv", strings.Repeat("y", 100<<10) + "\n1\n", "a.csv has column names of 100 KB together; at most 64 KB can be read, and perhaps the first row is no heading."},
		"excel's hint":       {"a.csv", "sep=;\na;b\n1;2\n", "a.csv starts with a line \"sep=\", which only Excel understands; delete that line."},
		"json number":        {"a.json", "17", "a.json is JSON, but not a table: it has to be a list of objects, one object per line, or an object that holds one such list."},
		"json words":         {"a.json", "hello", "a.json is not JSON."},
		"json numbers":       {"a.json", "[1,2]", "a.json is JSON, but not a table"},
		"json mixed":         {"a.json", `[{"a":1},2]`, "a.json is JSON, but not a table"},
		"json empty list":    {"a.json", "[]", "a.json is JSON, but not a table"},
		"json settings":      {"a.json", "{\n\"a\": 1,\n\"b\": {}\n}", "a.json is JSON, but not a table"},
		"json two lists":     {"a.json", `{"x":[{"a":1}],"y":[{"a":1}]}`, "a.json is JSON with 2 lists of objects; a table has to be the only one."},
		"json cut":           {"a.json", `[{"a":1},{"a"`, "a.json is not sound JSON: it ends in the middle."},
		"json wrapped, cut":  {"a.json", `{"x":[{"a":1}]`, "a.json is not sound JSON: it ends in the middle."},
		"json broken":        {"a.json", "[{\"a\":1},\n{a:1}]", "a.json is not sound JSON: something is wrong in line 2."},
		"json with a tail":   {"a.json", `[{"a":1}] x`, "a.json is not sound JSON: something stands behind its end."},
		"json lines, broken": {"a.jsonl", "{\"a\":1}\nx\n", "a.jsonl is not sound JSON: something is wrong in its object number 2."},
		"json columns":       {"a.json", "[{" + manyKeys(1001) + "}]", "a.json has more than 1000 columns"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Tables(c.file, []byte(c.data))
			var unreadable *approval.UnreadableError
			require.ErrorAs(t, err, &unreadable)
			require.Contains(t, unreadable.Why, c.want)
			if strings.HasSuffix(c.want, ".") {
				require.Equal(t, c.want, unreadable.Why)
			}
			require.Error(t, unreadable.Err)
		})
	}
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	return strings.Join(keys, ",")
}

func TestSampleRowsAreKeptOnlyWhenAskedFor(t *testing.T) {
	t.Parallel()
	data := []byte("a,b\n1,\n" + strings.Repeat("y", 200) + ",2\n3,4\n")
	tables, err := Reader{SampleRows: 2}.Tables("a.csv", data)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"1", ""}, {strings.Repeat("y", SampleCell-1) + "…", "2"}}, tables[0].Sample)
	tables, err = Tables("a.csv", data)
	require.NoError(t, err)
	require.Nil(t, tables[0].Sample)
}

func TestTheSamplesAreWhatTheirReadmeSays(t *testing.T) {
	t.Parallel()
	files := samples.Files()
	require.Len(t, files, 2)
	require.Equal(t, "6071c2e657d91509885a1f3eec0884b2854d66990b5c556dbead15e263f9506b", approval.Hash(files[1].Data))
	sales, err := Tables(files[0].Name, files[0].Data)
	require.NoError(t, err)
	require.Equal(t, approval.Table{Rows: 500, Columns: columns("date: date", "region: text -4", "product: text", "units: integer -9", "price: number", "channel: text -7")}, sales[0])
	iowa, err := Tables(files[1].Name, files[1].Data)
	require.NoError(t, err)
	require.Equal(t, approval.Table{Rows: 51, Columns: columns("year: date", "source: text", "net_generation: integer")}, iowa[0])
}

func FuzzTables(f *testing.F) {
	for _, ext := range []string{"csv", "tsv", "json", "xlsx", "jsonl", "txt"} {
		f.Add(ext, []byte("a,b\n1,\"2\"\n"))
		f.Add(ext, []byte(`{"x":[{"a":1,"b":null}]}`))
		f.Add(ext, []byte("\xff\xfea\x00,\x00b\x00\n\x001\x00"))
		f.Add(ext, []byte("PK\x03\x04"))
	}
	f.Fuzz(func(t *testing.T, ext string, data []byte) {
		tables, err := Reader{SampleRows: 2}.Tables("file."+ext, data)
		if err != nil {
			var unreadable *approval.UnreadableError
			require.ErrorAs(t, err, &unreadable)
			require.True(t, utf8.ValidString(unreadable.Why))
			require.True(t, strings.HasSuffix(unreadable.Why, "."), unreadable.Why)
			return
		}
		require.NotEmpty(t, tables)
		for _, table := range tables {
			require.LessOrEqual(t, len(table.Columns), MaxColumns)
			require.LessOrEqual(t, len(table.Sample), 2)
			for _, c := range table.Columns {
				require.True(t, utf8.ValidString(c.Name))
				require.NotEmpty(t, c.Type)
				require.GreaterOrEqual(t, c.Missing, 0)
				require.LessOrEqual(t, c.Missing, table.Rows)
			}
		}
	})
}
