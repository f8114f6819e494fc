package shapes

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"countersign/approval"
)

// The limits of unpacking. The largest workbook that is taken unpacks to about half of
// them; a zip bomb unpacks to thousands of times its size.
const (
	maxUnpacked = 256 << 20 // bytes of all parts that are read
	maxEntries  = 10_000
)

var errBomb = fmt.Errorf("unpacks to more than %d MB; save it with fewer rows or as CSV", maxUnpacked>>20)

// workbook reads an Excel file as a stream, because a sheet may be far larger than its
// shape. The well-known library (excelize) cannot tell dates from numbers while it
// streams, and otherwise holds the whole sheet in memory.
func (r Reader) workbook(data []byte) ([]approval.Table, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, errors.New("is not a sound Excel workbook: the archive is damaged")
	}
	if len(archive.File) > maxEntries {
		return nil, fmt.Errorf("is an archive of more than %d files, which no workbook is", maxEntries)
	}
	b := &book{parts: map[string]*zip.File{}, left: maxUnpacked}
	for _, f := range archive.File {
		if f.UncompressedSize64 > maxUnpacked {
			return nil, errBomb // it says so itself; one that lies is stopped on the way
		}
		b.parts[strings.ToLower(strings.TrimPrefix(f.Name, "/"))] = f
	}
	sheets, err := b.open()
	if err != nil {
		return nil, err
	}
	var tables []approval.Table
	var reason error
	for _, sheet := range sheets[:min(len(sheets), MaxTables)] {
		s, err := b.sheet(sheet, r.SampleRows)
		if errors.Is(err, errBomb) {
			return nil, err
		} else if err != nil && reason == nil {
			reason = fmt.Errorf("has a sheet %q that %w", Clip(approval.Plain(sheet.name), 60), err)
		} else if err == nil && s != nil {
			tables = append(tables, s.done())
		}
	}
	// A sheet that cannot be read does not matter beside a table. If there is no table, it is the reason.
	if len(tables) == 0 && reason == nil {
		reason = errors.New("has no sheet with anything in it")
	}
	if len(tables) == 0 {
		return nil, reason
	}
	return tables, nil
}

// book is an open workbook.
type book struct {
	parts  map[string]*zip.File
	left   int64 // bytes that may still be unpacked
	shared []string
	dates  []bool // by style: is the number a date
}

type sheetRef struct {
	name, part string
}

// part reads a part as a stream of tokens. A part that is missing has none.
func (b *book) part(name string, each func(d *xml.Decoder, e xml.StartElement) error) error {
	f := b.parts[strings.ToLower(name)]
	if f == nil {
		return nil
	}
	rc, err := f.Open()
	if err != nil {
		return fmt.Errorf("cannot be unpacked: %s", path.Base(name))
	}
	defer rc.Close()
	d := xml.NewDecoder(&bounded{r: rc, left: &b.left})
	for {
		token, err := d.Token()
		if e, ok := token.(xml.StartElement); ok && err == nil {
			wrong := each(d, e)
			if wrong == nil {
				continue
			}
			// A decoder that has failed fails again. Otherwise the error is one of ours and already has words.
			if _, err = d.Token(); err == nil || errors.Is(err, io.EOF) {
				return wrong
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errBomb):
			return errBomb
		case err != nil:
			return fmt.Errorf("is damaged: %s cannot be read to its end", path.Base(name))
		}
	}
}

// bounded is a reader that fails once all parts together exceed the limit. It does not
// rely on the sizes that the archive states.
type bounded struct {
	r    io.Reader
	left *int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if *b.left <= 0 {
		return 0, errBomb
	}
	n, err := b.r.Read(p[:min(int64(len(p)), *b.left)])
	*b.left -= int64(n)
	return n, err
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// open reads everything but the sheets, and lists those.
func (b *book) open() ([]sheetRef, error) {
	targets := map[string]string{}
	err := b.part("xl/_rels/workbook.xml.rels", func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "Relationship" {
			target := attr(e, "Target")
			if !strings.HasPrefix(target, "/") {
				target = path.Join("xl", target)
			}
			targets[attr(e, "Id")] = strings.TrimPrefix(target, "/")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var sheets []sheetRef
	err = b.part("xl/workbook.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local == "sheet" && !strings.Contains(strings.ToLower(attr(e, "state")), "hidden") {
			id := ""
			for _, a := range e.Attr {
				if a.Name.Local == "id" && a.Name.Space != "" { // r:id, not sheetId
					id = a.Value
				}
			}
			sheets = append(sheets, sheetRef{attr(e, "name"), targets[id]})
		}
		return nil
	})
	if err == nil && len(sheets) == 0 {
		err = errors.New("is a zip archive, but not an Excel workbook")
	}
	if err == nil {
		err = b.styles()
	}
	if err == nil {
		err = b.strings()
	}
	return sheets, err
}

// styles learns which cell styles show a number as a date.
func (b *book) styles() error {
	custom := map[string]string{}
	inside := false
	return b.part("xl/styles.xml", func(_ *xml.Decoder, e xml.StartElement) error {
		switch e.Name.Local {
		case "numFmt":
			custom[attr(e, "numFmtId")] = attr(e, "formatCode")
		case "cellXfs":
			inside = true
		case "cellStyles", "dxfs", "cellStyleXfs":
			inside = false
		case "xf":
			if inside {
				id := attr(e, "numFmtId")
				b.dates = append(b.dates, dateFormat(id, custom[id]))
			}
		}
		return nil
	})
}

// dateFormat tells whether a number format shows a date: one of the built-in
// ones, or one that names years, months, days or hours outside of its literals.
func dateFormat(id, code string) bool {
	if n, err := strconv.Atoi(id); err == nil && (n >= 14 && n <= 22 || n >= 27 && n <= 36 || n >= 45 && n <= 47 || n >= 50 && n <= 58) {
		return true
	}
	code = strings.ToLower(code)
	quoted, bracket := false, false
	for i := 0; i < len(code); i++ {
		switch c := code[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\\' || c == '_' || c == '*':
			i++ // the next character is a literal
		case c == '[':
			bracket = true
		case c == ']':
			bracket = false
		case bracket:
		case strings.ContainsRune("ymdhs", rune(c)):
			return true
		}
	}
	return false
}

// strings reads the strings that cells refer to by number.
func (b *book) strings() error {
	return b.part("xl/sharedStrings.xml", func(d *xml.Decoder, e xml.StartElement) error {
		if e.Name.Local != "si" {
			return nil
		}
		text, err := richText(d)
		b.shared = append(b.shared, text)
		return err
	})
}

// richText joins the runs of a string up to the end of the element that has just
// begun, without the phonetic hints that some languages add.
func richText(d *xml.Decoder) (string, error) {
	var text strings.Builder
	hint, in := 0, 0
	for depth := 1; depth > 0; {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			if t.Name.Local == "rPh" {
				hint = depth
			} else if t.Name.Local == "t" && hint == 0 {
				in = depth
			}
		case xml.EndElement:
			if depth == hint {
				hint = 0
			}
			if depth == in {
				in = 0
			}
			depth--
		case xml.CharData:
			if in > 0 && text.Len() <= maxCell {
				text.Write(t)
			}
		}
	}
	return text.String(), nil
}
