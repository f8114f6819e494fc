package strict

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// zipped is a ZIP file as archive/zip writes it.
func zipped(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(w, strings.Repeat(name, 5))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

// unpacked reads all files.
func unpacked(text []byte) (files map[string]string, err error) {
	z, err := ZIP(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, err
	}
	files = map[string]string{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		files[f.Name] = string(b)
	}
	return files, nil
}

// raw is a ZIP file with one file of these bytes, compressed already, whose lengths stand before it.
func raw(t *testing.T, packed, text []byte, change func(h *zip.FileHeader)) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "a", Method: zip.Deflate, CRC32: crc32.ChecksumIEEE(text), CompressedSize64: uint64(len(packed)), UncompressedSize64: uint64(len(text))}
	if change != nil {
		change(h)
	}
	w, err := z.CreateRaw(h)
	require.NoError(t, err)
	_, err = w.Write(packed)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestAZIPFileHasNothingBesideItsFiles(t *testing.T) {
	t.Parallel()
	files, err := unpacked(zipped(t, "a.txt", "b.txt", "c"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a.txt": strings.Repeat("a.txt", 5), "b.txt": strings.Repeat("b.txt", 5), "c": "ccccc"}, files)
	none, err := unpacked(zipped(t))
	require.NoError(t, err)
	require.Empty(t, none)

	text := []byte("what everybody reads")
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	require.NoError(t, err)
	_, err = w.Write(text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	files, err = unpacked(raw(t, packed.Bytes(), text, nil))
	require.NoError(t, err)
	require.Equal(t, string(text), files["a"])

	honest := zipped(t, "a.txt", "b.txt")
	local := []byte{'P', 'K', 3, 4}
	second := bytes.LastIndex(honest, local)
	directory := bytes.Index(honest, []byte{'P', 'K', 1, 2})
	// put has other bytes at a place.
	put := func(at int, b ...byte) []byte {
		return append(append(bytes.Clone(honest[:at]), b...), honest[at+len(b):]...)
	}
	// slipped has something between two parts, with the offsets mended.
	slipped := func(at int, b []byte, files int) []byte {
		text := append(append(bytes.Clone(honest[:at]), b...), honest[at:]...)
		add := func(at int) {
			binary.LittleEndian.PutUint32(text[at:], binary.LittleEndian.Uint32(text[at:])+uint32(len(b)))
		}
		entry := directory + len(b)
		for i := range 2 {
			if i >= 2-files {
				add(entry + 42)
			}
			entry += 46 + 5
		}
		add(len(text) - 6)
		return text
	}
	written := func(change func(z *zip.Writer)) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		change(z)
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	for what, c := range map[string]struct {
		text []byte
		says string
	}{
		"something before it":               {append([]byte("#!/bin/sh"), honest...), "something else stands at byte 0"},
		"something before it, mended":       {slipped(0, []byte("#!/bin/sh"), 2), "something else stands at byte 0"},
		"another file before it":            {slipped(0, honest[:second], 2), "a.txt: it does not stand at byte 0"},
		"something between two files":       {slipped(second, []byte("hidden"), 1), "something else stands at byte"},
		"a file that the directory has not": {slipped(directory, honest[second:directory], 0), "the directory: a.txt: something else stands at byte"},
		"something behind it":               {append(bytes.Clone(honest), 0), "something stands behind byte"},
		"another name in the file":          {put(30, 'z'), "a.txt: it has two names"},
		"a longer name in the file":         {put(26, 6), "a.txt: it has two names, or something beside its name"},
		"another compression":               {put(8, 0), "a.txt: it is compressed in two ways"},
		"encrypted in the file alone":       {put(6, 9), "a.txt: it is encrypted"},
		"a length in the file":              {put(18, 1), "a.txt: it has two lengths"},
		"another length behind it":          {put(second-4, 99), "a.txt: it has two lengths"},
		"another sum behind it":             {put(second-12, honest[second-12]+1), "a.txt: it has two lengths"},
		"another place in the directory":    {put(directory+42, byte(second)), "a.txt: it does not stand at byte 0"},
		"another disk":                      {put(len(honest)-18, 1), "the end: it tells of another directory"},
		"another length of the directory":   {put(len(honest)-10, honest[len(honest)-10]-1), "the end: it tells of another directory"},
		"a comment":                         {written(func(z *zip.Writer) { require.NoError(t, z.SetComment("no")) }), "has a comment"},
		"a comment of a file":               {raw(t, packed.Bytes(), text, func(h *zip.FileHeader) { h.Comment = "no" }), "a: it has two names, or something beside its name"},
		"a field beside its name":           {raw(t, packed.Bytes(), text, func(h *zip.FileHeader) { h.Extra = []byte{1, 0, 0, 0} }), "a: it has two names, or something beside its name"},
		"another name beside its name":      {raw(t, packed.Bytes(), text, func(h *zip.FileHeader) { h.Extra = []byte{0x75, 0x70, 1, 0, 'z'} }), "a: it has two names, or something beside its name"},
		"half a field beside its name":      {raw(t, packed.Bytes(), text, func(h *zip.FileHeader) { h.Extra = []byte{0x55, 0x54, 9, 0, 0} }), "a: it has two names, or something beside its name"},
		"something behind what it unpacks":  {raw(t, append(bytes.Clone(packed.Bytes()), "hidden"...), text, nil), "something stands behind its end"},
		"another kind of compression":       {raw(t, text, text, func(h *zip.FileHeader) { h.Method = 12 }), "a: it is compressed in two ways, or in one that no pack has"},
	} {
		_, err := unpacked(c.text)
		require.Error(t, err, what)
		require.ErrorContains(t, err, c.says, what)
	}
	// Times and owners, as programs add them that pack files anew.
	_, err = unpacked(raw(t, packed.Bytes(), text, func(h *zip.FileHeader) {
		h.Extra = []byte{0x55, 0x54, 5, 0, 3, 1, 2, 3, 4, 0x75, 0x78, 1, 0, 1}
	}))
	require.NoError(t, err)
	_, err = unpacked(raw(t, packed.Bytes(), text, func(h *zip.FileHeader) { h.Flags |= 2 })) // zip -9
	require.NoError(t, err)
	// A name that is the same but in the directory.
	text2 := bytes.Clone(honest)
	text2[directory+46] = 'z'
	_, err = unpacked(text2)
	require.ErrorContains(t, err, "z.txt: it has two names")
}

// large is a file of which nearly all is zeros.
type large struct {
	parts map[int64][]byte
	size  int64
}

var zeros = make([]byte, 1<<20)

func (l *large) Write(b []byte) (int, error) {
	if !bytes.Equal(b, zeros[:min(len(b), len(zeros))]) {
		l.parts[l.size] = bytes.Clone(b)
	}
	l.size += int64(len(b))
	return len(b), nil
}

func (l *large) ReadAt(b []byte, at int64) (int, error) {
	clear(b)
	for begins, part := range l.parts {
		if from := max(at, begins); from < min(at+int64(len(b)), begins+int64(len(part))) {
			copy(b[from-at:], part[from-begins:])
		}
	}
	if at+int64(len(b)) > l.size {
		return int(max(0, l.size-at)), io.EOF
	}
	return len(b), nil
}

// What is beyond 4 GiB is written otherwise.
func TestAZIPFileMayBeLarge(t *testing.T) {
	t.Parallel()
	l := &large{parts: map[int64][]byte{}}
	z := zip.NewWriter(l)
	for _, name := range []string{"large", "small"} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		require.NoError(t, err)
		for range map[string]int{"large": 4<<10 + 1, "small": 1}[name] {
			_, err = w.Write(zeros)
			require.NoError(t, err)
		}
	}
	require.NoError(t, z.Close())
	read, err := ZIP(l, l.size)
	require.NoError(t, err)
	require.Len(t, read.File, 2)
	require.Greater(t, l.size, int64(4<<30))
	changed := 0
	for _, part := range l.parts { // the directory
		if i := bytes.Index(part, []byte("large\x01\x00\x18\x00")); i >= 0 {
			part[i+9+1]++
			_, err = ZIP(l, l.size)
			require.Error(t, err)
			part[i+9+1]--
			changed++
		}
	}
	require.Equal(t, 1, changed)
}
