package shapes

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

// workbookOf packs the parts of a workbook; sheets are named S1, S2, ...
func workbookOf(t *testing.T, sheets ...string) []byte {
	t.Helper()
	parts := map[string]string{
		"xl/sharedStrings.xml": `<sst><si><t>name</t></si><si><r><t>rich </t></r><r><t>text</t></r><rPh><t>hint</t></rPh></si></sst>`,
		"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/><numFmt numFmtId="165" formatCode="[Red]0.0&quot; days&quot;\d"/></numFmts>` +
			`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>`,
	}
	var list, rels strings.Builder
	for i, s := range sheets {
		fmt.Fprintf(&list, `<sheet name="S%d" sheetId="%d" r:id="rId%d"/>`, i+1, i+1, i+1)
		fmt.Fprintf(&rels, `<Relationship Id="rId%d" Target="worksheets/sheet%d.xml"/>`, i+1, i+1)
		parts[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = `<worksheet><sheetData>` + s + `</sheetData></worksheet>`
	}
	parts["xl/workbook.xml"] = `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>` + list.String() + `</sheets></workbook>`
	parts["xl/_rels/workbook.xml.rels"] = `<Relationships>` + rels.String() + `</Relationships>`
	return pack(t, parts)
}

func pack(t *testing.T, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = w.Write([]byte(text))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

const heading = `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>when</t></is></c><c r="C1" t="str"><f>"n"</f><v>n</v></c></row>`

func TestWorkbooksAreReadByTypeAndStyle(t *testing.T) {
	t.Parallel()
	data := workbookOf(t, heading+
		`<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" s="1"><v>45292</v></c><c r="C2" s="3"><v>5</v></c></row>`+
		`<row r="4"><c r="A4" t="b"><v>1</v></c><c r="B4" s="2"><v>45292.5</v></c><c r="C4" t="e"><v>#DIV/0!</v></c><c r="D4"><v>1.5</v></c></row>`+
		`<row r="9"><c r="Z9" s="1"/></row>`,
		`<row><c><v>1</v></c><c t="d"><v>2024-01-01</v></c><c s="1"><v>45292</v></c></row><row><c t="s"><v>99</v></c><c t="str"><v>late</v></c><c><v>many</v></c><c t="s"><v>x</v></c></row>`)
	tables, err := Reader{SampleRows: 3}.Tables("Book.XLSX", data)
	require.NoError(t, err)
	require.Equal(t, []approval.Table{
		{Name: "S1", Rows: 3, Columns: columns("name: text -1", "when: date -1", "n: integer -2", ": number -2"),
			Sample: [][]string{{"rich text", "2024-01-01", "5"}, {}, {"1", "2024-01-01 12:00:00", "", "1.5"}}},
		{Name: "S2", Rows: 1, Columns: columns("1: empty -1", "2024-01-01: text", "2024-01-01 00:00:00: text"), Sample: [][]string{{"", "late", "many"}}},
	}, tables)
}

func TestWorkbooksThatAreNoneOrTooMuchAreAnswered(t *testing.T) {
	t.Parallel()
	good := workbookOf(t, heading+`<row r="2"><c r="A2"><v>1</v></c></row>`)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"damaged":         {good[:len(good)-30], "a.xlsx is not a sound Excel workbook: the archive is damaged."},
		"another zip":     {pack(t, map[string]string{"readme.txt": "x"}), "a.xlsx is a zip archive, but not an Excel workbook."},
		"empty zip":       {pack(t, nil), "a.xlsx is not an Excel workbook, but an empty zip archive."},
		"nothing in it":   {workbookOf(t, ""), "a.xlsx has no sheet with anything in it."},
		"heading alone":   {workbookOf(t, heading), "a.xlsx has a heading but no rows."},
		"blank rows":      {workbookOf(t, strings.ReplaceAll(heading, `"1"`, `"7"`)), `a.xlsx has a sheet "S1" that has its first entry in row 7; delete the blank rows above, so that the heading is the first row.`},
		"title":           {workbookOf(t, `<row><c t="str"><v>Title</v></c></row><row><c><v>1</v></c><c><v>2</v></c></row>`), `a.xlsx has a sheet "S1" that has a title in its first row; delete what is above the heading, so that the heading is the first row.`},
		"columns":         {workbookOf(t, `<row><c r="AMJ1"><v>1</v></c></row>`), `a.xlsx has a sheet "S1" that has more than 1000 columns, which is the most that can be read; keep those that the question needs.`},
		"columns, far":    {workbookOf(t, `<row><c r="ZZZZZZZZZZZZZZZZZZZZ1"><v>1</v></c></row>`), `has more than 1000 columns`},
		"columns, later":  {workbookOf(t, heading+`<row><c r="7"><v>1</v></c></row>`), `has more than 1000 columns`},
		"row number":      {workbookOf(t, heading+`<row r="999999999999"><c><v>1</v></c></row>`), `has more than 1048576 rows, which Excel itself could not hold.`},
		"broken XML":      {workbookOf(t, heading+`<row><c><v>1</v>`), `a.xlsx has a sheet "S1" that is damaged: sheet1.xml cannot be read to its end.`},
		"broken strings":  {pack(t, map[string]string{"xl/workbook.xml": `<workbook><sheets><sheet name="x"/></sheets></workbook>`, "xl/sharedStrings.xml": "<sst><si><t>x"}), "a.xlsx is damaged: sharedStrings.xml cannot be read to its end."},
		"broken relation": {pack(t, map[string]string{"xl/_rels/workbook.xml.rels": "<a"}), "a.xlsx is damaged: workbook.xml.rels cannot be read to its end."},
		"bomb":            {bomb(t), "a.xlsx unpacks to more than 256 MB; save it with fewer rows or as CSV."},
		"many entries":    {entries(t, maxEntries+1), "a.xlsx is an archive of more than 10000 files, which no workbook is."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Tables("a.xlsx", c.data)
			var unreadable *approval.UnreadableError
			require.ErrorAs(t, err, &unreadable)
			require.Contains(t, unreadable.Why, c.want)
		})
	}
}

// bomb is a workbook whose first part says that it unpacks to more than 256 MB.
func bomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	_, err := z.CreateRaw(&zip.FileHeader{Name: "xl/workbook.xml", Method: zip.Deflate, UncompressedSize64: maxUnpacked + 1})
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestABombThatHidesItsSizeIsStoppedOnTheWay(t *testing.T) {
	t.Parallel()
	data := workbookOf(t, heading+strings.Repeat(`<row><c><v>1</v></c></row>`, 1000))
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	for left, where := range map[int64]string{10: "opening", 3000: "the sheet"} {
		b := &book{parts: map[string]*zip.File{}, left: left}
		for _, f := range archive.File {
			b.parts[strings.ToLower(f.Name)] = f
		}
		sheets, err := b.open()
		if err == nil {
			_, err = b.sheet(sheets[0], 0)
		}
		require.ErrorIs(t, err, errBomb, where)
		require.Zero(t, b.left, "not a byte more is unpacked")
	}
}

func entries(t *testing.T, n int) []byte {
	t.Helper()
	parts := map[string]string{}
	for i := range n {
		parts[fmt.Sprintf("%d", i)] = ""
	}
	return pack(t, parts)
}

func TestAnArchiveThatLiesAboutItsSizesIsDamaged(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "xl/workbook.xml", Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte("x")) + 1,
		CompressedSize64: 1, UncompressedSize64: 1})
	require.NoError(t, err)
	_, err = w.Write([]byte("x"))
	require.NoError(t, err)
	w, err = z.CreateRaw(&zip.FileHeader{Name: "xl/_rels/workbook.xml.rels", Method: 99})
	require.NoError(t, err)
	require.NotNil(t, w)
	require.NoError(t, z.Close())
	_, err = Tables("a.xlsx", b.Bytes())
	require.ErrorContains(t, err, "a.xlsx cannot be unpacked: workbook.xml.rels.")
}

func TestHeadingsThatAreNoDatesStayAsTheyAre(t *testing.T) {
	t.Parallel()
	require.Equal(t, "-1", serialDate("-1"))
	require.Equal(t, "x", serialDate("x"))
	require.Equal(t, "9999-12-31", serialDate("2958465"))
	require.True(t, dateFormat("14", ""))
	require.True(t, dateFormat("170", `"Week" ww\-yyyy`))
	require.False(t, dateFormat("171", `0.00"m"\d_h*s`))
	require.False(t, dateFormat("0", "General"))
}

// The box reads workbooks with openpyxl; what that library writes has to be read here.
func TestAWorkbookOfOpenpyxlIsRead(t *testing.T) {
	t.Parallel()
	const script = `
import datetime, openpyxl
book = openpyxl.Workbook()
sheet = book.active
sheet.title = "Q1 & more"
sheet.append(["when", "n", "x", "ok", "who", "empty", "mixed"])
for i in range(20):
    sheet.append([datetime.date(2024, 1, 1) + datetime.timedelta(i), i, i / 3, i % 2 == 0, f"w{i % 3}" if i != 4 else None, None, i if i % 2 else "a"])
notes = book.create_sheet("Notes")
notes["A1"] = "A cover sheet"
notes["B3"] = "is left out"
book.create_sheet("Empty")
hidden = book.create_sheet("Hidden")
hidden.append(["a"])
hidden.append([1])
hidden.sheet_state = "hidden"
book.save("book.xlsx")
`
	folder := t.TempDir()
	python := exec.CommandContext(t.Context(), "/usr/bin/python3", "-c", script)
	python.Dir = folder
	output, err := python.CombinedOutput()
	require.NoError(t, err, "python3 with openpyxl is needed (apt install python3-openpyxl)\n%s", output)
	data, err := os.ReadFile(filepath.Join(folder, "book.xlsx"))
	require.NoError(t, err)
	tables, err := Tables("book.xlsx", data)
	require.NoError(t, err)
	require.Equal(t, []approval.Table{{Name: "Q1 & more", Rows: 20, Columns: columns("when: date", "n: integer", "x: number", "ok: boolean",
		"who: text -1", "empty: empty -20", "mixed: text")}}, tables)
}

func FuzzSheet(f *testing.F) {
	f.Add(heading+`<row r="2"><c r="A2" t="s"><v>1</v></c><c r="B2" s="1"><v>45292</v></c></row>`, `<si><t>x</t></si>`)
	f.Add(`<row><c><is><r><t>x</t></r></is></c></row>`, `<si><rPh><t>x`)
	f.Fuzz(func(t *testing.T, sheet, shared string) {
		data := pack(t, map[string]string{
			"xl/workbook.xml":            `<workbook xmlns:r="urn:r"><sheets><sheet name="S" r:id="i"/></sheets></workbook>`,
			"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="i" Target="/xl/s.xml"/></Relationships>`,
			"xl/s.xml":                   `<worksheet>` + sheet + `</worksheet>`,
			"xl/sharedStrings.xml":       `<sst>` + shared + `</sst>`,
		})
		tables, err := Tables("a.xlsx", data)
		if err != nil {
			var unreadable *approval.UnreadableError
			require.ErrorAs(t, err, &unreadable)
			return
		}
		require.Len(t, tables, 1)
		require.Positive(t, tables[0].Rows)
	})
}
