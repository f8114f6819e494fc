package shapes

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// decode turns the bytes of a text file into UTF-8. name is the encoding in Python's
// spelling, empty for plain UTF-8. Errors leave out the file's name, as those of read do.
func decode(data []byte) (text []byte, name string, err error) {
	e, name, skip := guess(data)
	if e == nil {
		text = data[skip:]
	} else if text, err = e.NewDecoder().Bytes(data[skip:]); err != nil {
		return nil, "", fmt.Errorf("says that it is %s, but cannot be read as such", name)
	}
	if bytes.IndexByte(text, 0) >= 0 {
		return nil, "", errors.New("holds bytes that no text has; it is damaged or not a text file")
	}
	if !utf8.Valid(text) || name != "" && name != "windows-1252" && name != "latin-1" && bytes.ContainsRune(text, utf8.RuneError) {
		return nil, "", fmt.Errorf("is not sound %s: some of its characters are damaged. Save it again as UTF-8", spoken(name))
	}
	return text, name, nil
}

func spoken(name string) string {
	if name == "" || name == "utf-8-sig" {
		return "UTF-8"
	}
	return name
}

// guess finds the encoding by its byte order mark, by the zero bytes of wide characters,
// or else by whether the bytes are valid UTF-8. A nil encoding means UTF-8.
func guess(data []byte) (e encoding.Encoding, name string, skip int) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return nil, "utf-8-sig", 3
	case bytes.HasPrefix(data, []byte("\xff\xfe\x00\x00")), bytes.HasPrefix(data, []byte("\x00\x00\xfe\xff")):
		return utf32.UTF32(utf32.BigEndian, utf32.ExpectBOM), "utf-32", 0
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM), "utf-16", 0
	}
	head := min(len(data), 4096)
	if even, odd := zeros(data); odd > head/5 && even == 0 {
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "utf-16-le", 0
	} else if even > head/5 && odd == 0 {
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "utf-16-be", 0
	}
	good, bad := sequences(data)
	if bad == 0 || good > 4*bad {
		return nil, "", 0 // UTF-8, or UTF-8 with some damage, which decode refuses
	}
	// Python's windows-1252 refuses five bytes that Latin-1 takes.
	for _, b := range []byte{0x81, 0x8d, 0x8f, 0x90, 0x9d} {
		if bytes.IndexByte(data, b) >= 0 {
			return charmap.ISO8859_1, "latin-1", 0
		}
	}
	return charmap.Windows1252, "windows-1252", 0
}

// zeros counts the zero bytes at even and at odd positions of the first 4 KB. In UTF-16, a
// Western text has them at one of the two only.
func zeros(data []byte) (even, odd int) {
	for i, b := range data[:min(len(data), 4096)] {
		if b == 0 && i%2 == 0 {
			even++
		} else if b == 0 {
			odd++
		}
	}
	return even, odd
}

// sequences counts the whole and the broken multi-byte characters of UTF-8.
func sequences(data []byte) (good, bad int) {
	for i := 0; i < len(data); {
		if data[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			bad++
		} else {
			good++
		}
		i += n
	}
	return good, bad
}
