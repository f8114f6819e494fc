//go:build linux

package local

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bomb is a small file that would be a huge one, and how its reading may end.
type bomb struct {
	name string
	data []byte
	ends []string
}

const boxGone = "the box has ended"

func lightBombs(t testing.TB) []bomb {
	t.Helper()
	return []bomb{
		{"a million columns.csv", []byte(strings.Repeat("a,", 1_000_000) + "a\n" + strings.Repeat("1,", 1_000_000) + "1\n"), []string{"columns", "memory"}},
		{"zip of zips.zip", zipped(t, "b.zip", func(w io.Writer) {
			_, err := w.Write(zipped(t, "c.zip", func(w io.Writer) { _, err := w.Write(zipped(t, "a.csv", func(io.Writer) {})); require.NoError(t, err) }))
			require.NoError(t, err)
		}), []string{"nested_archive"}},
		{"nested.json", []byte(strings.Repeat(`{"a":`, 200_000) + "1" + strings.Repeat("}", 200_000)), []string{"deep"}},
		{"nested.xlsx", workbook(t, func(w io.Writer) { fmt.Fprint(w, strings.Repeat("<a>", 100_000)) }), []string{"deep"}},
		{"laughs.xlsx", zipped(t, "xl/workbook.xml", func(w io.Writer) {
			fmt.Fprint(w, `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">`)
			for i := 'b'; i < 'k'; i++ {
				fmt.Fprintf(w, `<!ENTITY %c "%s">`, i, strings.Repeat(fmt.Sprintf("&%c;", i-1), 10))
			}
			fmt.Fprint(w, `]><workbook>&j;</workbook>`)
		}), []string{"entities"}},
	}
}

func heavyBombs(t testing.TB) []bomb {
	t.Helper()
	sheet := func(rows int) []byte {
		return workbook(t, func(w io.Writer) {
			line := `<row>` + strings.Repeat(`<c><v>1</v></c>`, 200) + `</row>`
			for range rows {
				_, err := io.WriteString(w, line)
				require.NoError(t, err)
			}
		})
	}
	return []bomb{
		{"gigabytes.xlsx", sheet(100_000), []string{"memory", "unpacked", "time", "cells", boxGone}},
		{"more than a gigabyte.xlsx", sheet(400_000), []string{"unpacked"}},
		{"zeros.csv.gz", gzipped(t, 1200<<20), []string{"unpacked", "memory", boxGone}},
		{"zeros.zip", zipped(t, "a.csv", func(w io.Writer) { zeros(t, w, 1100<<20) }), []string{"unpacked"}},
		{"an open quotation mark.csv", []byte("a,b\n1,\"" + strings.Repeat("x,y\n", 500_000)), []string{"read", "memory", "time"}},
	}
}

func workbook(t testing.TB, cells func(io.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	part(t, z, "[Content_Types].xml", func(w io.Writer) { fmt.Fprint(w, `<Types/>`) })
	part(t, z, "xl/workbook.xml", func(w io.Writer) {
		fmt.Fprint(w, `<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`)
	})
	part(t, z, "xl/_rels/workbook.xml.rels", func(w io.Writer) {
		fmt.Fprint(w, `<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`)
	})
	part(t, z, "xl/worksheets/sheet1.xml", func(w io.Writer) {
		fmt.Fprint(w, `<worksheet><sheetData>`)
		cells(w)
		fmt.Fprint(w, `</sheetData></worksheet>`)
	})
	require.NoError(t, z.Close())
	return b.Bytes()
}

func part(t testing.TB, z *zip.Writer, name string, fill func(io.Writer)) {
	t.Helper()
	w, err := z.Create(name)
	require.NoError(t, err)
	fill(w)
}

func zipped(t testing.TB, name string, fill func(io.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	part(t, z, name, fill)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func gzipped(t testing.TB, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	zeros(t, z, size)
	require.NoError(t, z.Close())
	return b.Bytes()
}

// zeros are rows of a table that packs well.
func zeros(t testing.TB, w io.Writer, size int64) {
	t.Helper()
	line := []byte(strings.Repeat("0,0\n", 1<<16))
	for ; size > 0; size -= int64(len(line)) {
		_, err := w.Write(line)
		require.NoError(t, err)
	}
}
