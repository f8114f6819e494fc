package shapes

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"countersign/approval"
)

// Reader reads the shapes of data files.
type Reader struct {
	SampleRows int // how many rows may be shown to the model, 0 for none (SHARE_SAMPLE_ROWS)
}

// Tables reads the shape of a file without keeping any row.
func Tables(name string, data []byte) ([]approval.Table, error) { return Reader{}.Tables(name, data) }

// Readable lists the file types that can be read, as words inside a sentence.
const Readable = "CSV, TSV, Excel (.xlsx) and JSON files"

// Tables reads the shape of a file. The file's extension says how; content of another
// type is refused. The error is an *approval.UnreadableError, one sentence that names the file.
func (r Reader) Tables(name string, data []byte) ([]approval.Table, error) {
	tables, err := r.read(strings.ToLower(path.Ext(name)), data)
	if err == nil && !anyRows(tables) {
		err = errors.New("has a heading but no rows")
	}
	if err != nil {
		return nil, &approval.UnreadableError{Why: fmt.Sprintf("%s %v.", Clip(approval.Plain(name), 100), err), Err: err}
	}
	return tables, nil
}

// read returns errors without the file's name: "is empty", "cannot be read: ...".
func (r Reader) read(ext string, data []byte) ([]approval.Table, error) {
	if !strings.Contains(" .csv .tsv .xlsx .json .jsonl .ndjson ", " "+ext+" ") || ext == "" {
		return nil, errors.New("cannot be read: only " + Readable + " can")
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, errors.New("is empty")
	}
	is := content(data)
	if ext == ".xlsx" {
		switch is {
		case "a zip archive":
			return r.workbook(data)
		case "an old Office file":
			return nil, errors.New("is protected by a password or of an old Excel format; save it as .xlsx without a password")
		}
		return nil, fmt.Errorf("is not an Excel workbook, but %s", is)
	}
	if is != "text" {
		return nil, fmt.Errorf("is not a %s file, but %s", strings.ToUpper(ext[1:]), is)
	}
	switch ext {
	case ".csv":
		return r.delimited(data, ',')
	case ".tsv":
		return r.delimited(data, '\t')
	}
	return r.objects(data)
}

func anyRows(tables []approval.Table) bool {
	for _, t := range tables {
		if t.Rows > 0 {
			return true
		}
	}
	return false
}

// magics are the first bytes by which a content is recognised, whatever the name says.
var magics = []struct{ begin, is string }{
	{"\x89PNG\r\n", "a PNG picture"},
	{"\xff\xd8\xff", "a JPEG picture"},
	{"GIF8", "a GIF picture"},
	{"%PDF-", "a PDF"},
	{"PK\x03\x04", "a zip archive"},
	{"PK\x05\x06", "an empty zip archive"},
	{"\x1f\x8b", "compressed by gzip"},
	{"BZh", "compressed by bzip2"},
	{"\xfd7zXZ\x00", "compressed by xz"},
	{"\x28\xb5\x2f\xfd", "compressed by zstd"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"},
	{"Rar!", "a RAR archive"},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file"},
	{"PAR1", "a Parquet file"},
	{"ARROW1", "an Arrow file"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"\x89HDF\r\n", "an HDF5 file"},
	{"\x7fELF", "a program"},
	{"MZ\x90\x00", "a program"},
	{"{\\rtf", "a rich text document"},
}

// content recognises a type by the first bytes.
func content(data []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(data, []byte(m.begin)) {
			return m.is
		}
	}
	head := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(data[:min(len(data), 512)], []byte("\xef\xbb\xbf")), " \t\r\n"))
	for _, tag := range []string{"<!doctype html", "<html"} {
		if bytes.HasPrefix(head, []byte(tag)) {
			return "a web page"
		}
	}
	if bytes.HasPrefix(head, []byte("<?xml")) {
		return "XML"
	}
	if noText(data) {
		return "something that is not text"
	}
	return "text"
}

// noText reports whether many of the bytes are control characters, which text does not
// have. Zero bytes and files with a byte order mark are left to decode, because wide
// encodings have them.
func noText(data []byte) bool {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return false
	}
	data = data[:min(len(data), 4096)]
	controls := 0
	for _, b := range data {
		if b < ' ' && b != 0 && b != '\t' && b != '\n' && b != '\r' && b != '\f' {
			controls++
		}
	}
	return controls*10 > len(data)
}
