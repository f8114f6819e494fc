package strict

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Signatures and lengths of what a ZIP file is made of.
const (
	signLocal, lenLocal            = 0x04034b50, 30
	signDescriptor                 = 0x08074b50
	signCentral, lenCentral        = 0x02014b50, 46
	signEnd64, lenEnd64            = 0x06064b50, 56
	signLocator, lenLocator        = 0x07064b50, 20
	signEnd, lenEnd                = 0x06054b50, 22
	flagDescriptor, flagUTF8       = 0x8, 0x800
	flagLevel                      = 0x6 // how hard it was compressed: it unpacks to the same
	extra64                        = 1   // the id of the extra field that has lengths beyond 4 GiB
	extraTimes, extraOwner         = 0x5455, 0x7875
	full16, full32           int64 = math.MaxUint16, math.MaxUint32
)

// ZIP opens a ZIP file that has nothing but its files, one behind the other from the first byte on, and the directory of
// just these behind them. A program that goes by the directory and one that reads from the beginning then find the same.
// What archive/zip writes is so, and what other programs make of its files.
func ZIP(r io.ReaderAt, size int64) (*zip.Reader, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	p := parts{r: r, size: size}
	for _, f := range z.File {
		if err := p.file(f); err != nil {
			return nil, &LayoutError{fmt.Sprintf("%s: %v", f.Name, err)}
		}
	}
	if err := p.directory(z); err != nil {
		return nil, &LayoutError{err.Error()}
	}
	// A file is what its compressed bytes unpack to, all of them: behind the end of these another file could stand.
	z.RegisterDecompressor(zip.Deflate, whole)
	return z, nil
}

// LayoutError is a ZIP file that programs may read differently.
type LayoutError struct{ Why string }

// Error implements error.
func (e *LayoutError) Error() string { return e.Why }

// parts reads a ZIP file from its beginning to its end.
type parts struct {
	r      io.ReaderAt
	size   int64
	at     int64
	begins []int64 // where each file does
}

// next reads so many bytes, the first four of which are a signature.
func (p *parts) next(sign uint32, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := p.r.ReadAt(b, p.at); err != nil {
		return nil, errors.New("it ends too early")
	}
	if binary.LittleEndian.Uint32(b) != sign {
		return nil, fmt.Errorf("something else stands at byte %d", p.at)
	}
	p.at += int64(n)
	return b, nil
}

// named reads a name.
func (p *parts) named(name string) error {
	b := make([]byte, len(name))
	if _, err := p.r.ReadAt(b, p.at); err != nil || string(b) != name {
		return errors.New("it has two names")
	}
	p.at += int64(len(name))
	return nil
}

// beside reads what stands beside a name: times and owners, as programs add them that pack files. No program takes a
// name or a length from these.
func (p *parts) beside(length int) error {
	b := make([]byte, length)
	if _, err := p.r.ReadAt(b, p.at); err != nil || !harmless(b) {
		return errors.New("it has two names, or something beside its name")
	}
	p.at += int64(length)
	return nil
}

// harmless tells of the fields of a file that they are times and owners, and nothing else.
func harmless(fields []byte) bool {
	for len(fields) >= 4 {
		id, length := binary.LittleEndian.Uint16(fields), int(binary.LittleEndian.Uint16(fields[2:]))
		if id != extraTimes && id != extraOwner || length > len(fields)-4 {
			return false
		}
		fields = fields[4+length:]
	}
	return len(fields) == 0
}

// file reads the next file with what stands around it, and holds that against the directory.
func (p *parts) file(f *zip.File) error {
	begins := p.at
	head, err := p.next(signLocal, lenLocal)
	if err != nil {
		return err
	}
	at16 := func(at int) uint16 { return binary.LittleEndian.Uint16(head[at:]) }
	at32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(head[at:])) }
	later := f.Flags&flagDescriptor != 0 // lengths stand behind it
	packed, unpacked := int64(f.CompressedSize64), int64(f.UncompressedSize64)
	switch {
	case f.Flags&^(flagDescriptor|flagUTF8|flagLevel) != 0 || at16(6) != f.Flags:
		return errors.New("it is encrypted, or otherwise as no pack is")
	case f.Method != zip.Deflate && f.Method != zip.Store || at16(8) != f.Method:
		return errors.New("it is compressed in two ways, or in one that no pack has")
	case int(at16(26)) != len(f.Name) || f.Comment != "":
		return errors.New("it has two names, or something beside its name")
	case later && (at32(14) != 0 || at32(18) != 0 || at32(22) != 0),
		!later && (at32(14) != int64(f.CRC32) || at32(18) != packed || at32(22) != unpacked):
		return errors.New("it has two lengths")
	case packed < 0 || unpacked < 0 || packed > p.size:
		return errors.New("it ends too early")
	}
	if err := p.named(f.Name); err != nil {
		return err
	}
	if err := p.beside(int(at16(28))); err != nil {
		return err
	}
	if data, err := f.DataOffset(); err != nil || data != p.at {
		return fmt.Errorf("it does not stand at byte %d, where the file before it ends", begins)
	}
	p.at += packed
	p.begins = append(p.begins, begins)
	if !later {
		return nil
	}
	length := 4
	if packed >= full32 || unpacked >= full32 {
		length = 8
	}
	tail, err := p.next(signDescriptor, 8+2*length)
	if err != nil {
		return err
	}
	says := binary.LittleEndian.AppendUint32(nil, f.CRC32)
	for _, n := range []int64{packed, unpacked} {
		if length == 4 {
			says = binary.LittleEndian.AppendUint32(says, uint32(n))
		} else {
			says = binary.LittleEndian.AppendUint64(says, uint64(n))
		}
	}
	if !bytes.Equal(tail[4:], says) {
		return errors.New("it has two lengths")
	}
	return nil
}

// directory reads the directory, and what ends the ZIP file.
func (p *parts) directory(z *zip.Reader) error {
	begins := p.at
	for i, f := range z.File {
		if err := p.entry(f, p.begins[i]); err != nil {
			return fmt.Errorf("the directory: %s: %w", f.Name, err)
		}
	}
	ends, files := p.at, int64(len(z.File))
	if at64, err := p.next(signEnd64, lenEnd64); err == nil {
		at := func(at int) int64 { return int64(binary.LittleEndian.Uint64(at64[at:])) }
		locator, err := p.next(signLocator, lenLocator)
		if err != nil {
			return fmt.Errorf("the end: %w", err)
		}
		if at(4) != lenEnd64-12 || binary.LittleEndian.Uint64(at64[16:24]) != 0 || at(24) != files || at(32) != files || at(40) != ends-begins || at(48) != begins ||
			binary.LittleEndian.Uint32(locator[4:]) != 0 || binary.LittleEndian.Uint64(locator[8:]) != uint64(ends) || binary.LittleEndian.Uint32(locator[16:]) != 1 {
			return errors.New("the end: it tells of another directory")
		}
	}
	end, err := p.next(signEnd, lenEnd)
	if err != nil {
		return fmt.Errorf("the end: %w", err)
	}
	for _, one := range []struct{ is, says, full int64 }{
		{0, int64(binary.LittleEndian.Uint32(end[4:])), 0}, // of several disks
		{files, int64(binary.LittleEndian.Uint16(end[8:])), full16},
		{files, int64(binary.LittleEndian.Uint16(end[10:])), full16},
		{ends - begins, int64(binary.LittleEndian.Uint32(end[12:])), full32},
		{begins, int64(binary.LittleEndian.Uint32(end[16:])), full32},
		{0, int64(binary.LittleEndian.Uint16(end[20:])), 0}, // of a comment
	} {
		// In a large file it says that the other end does; that is read above.
		if one.says != one.is && (one.says != one.full || p.at-lenEnd == ends) {
			return errors.New("the end: it tells of another directory, or has a comment")
		}
	}
	if p.at != p.size {
		return fmt.Errorf("something stands behind byte %d, where it ends", p.at)
	}
	return nil
}

// entry reads what the directory has of a file. Of lengths beyond 4 GiB it has a field of its own, in the one form that
// archive/zip writes; beside that, times and owners.
func (p *parts) entry(f *zip.File, begins int64) error {
	head, err := p.next(signCentral, lenCentral)
	if err != nil {
		return err
	}
	var want []byte
	if f.CompressedSize64 >= uint64(full32) || f.UncompressedSize64 >= uint64(full32) || begins >= full32 {
		want = binary.LittleEndian.AppendUint16(want, extra64)
		want = binary.LittleEndian.AppendUint16(want, 24)
		for _, n := range []uint64{f.UncompressedSize64, f.CompressedSize64, uint64(begins)} {
			want = binary.LittleEndian.AppendUint64(want, n)
		}
		if binary.LittleEndian.Uint64(head[20:]) != math.MaxUint64 {
			return errors.New("it has two lengths")
		}
	}
	at := int64(binary.LittleEndian.Uint32(head[42:]))
	switch {
	case int(binary.LittleEndian.Uint16(head[28:])) != len(f.Name) || int(binary.LittleEndian.Uint16(head[30:])) != len(f.Extra) || binary.LittleEndian.Uint16(head[32:]) != 0,
		!bytes.HasPrefix(f.Extra, want) || !harmless(f.Extra[len(want):]):
		return errors.New("it has something beside its name")
	case binary.LittleEndian.Uint16(head[34:]) != 0 || at != min(begins, full32):
		return errors.New("it stands in two places")
	}
	if err := p.named(f.Name); err != nil {
		return err
	}
	p.at += int64(len(f.Extra))
	return nil
}

// whole unpacks a file, and fails where something stands behind the end of what it unpacks.
func whole(r io.Reader) io.ReadCloser {
	from := bufio.NewReader(r)
	return &unpacker{flate.NewReader(from), from} // it reads byte by byte, and so none too many
}

// unpacker is one file while it is unpacked.
type unpacker struct {
	io.ReadCloser
	from *bufio.Reader
}

// Read implements io.Reader.
func (u *unpacker) Read(b []byte) (int, error) {
	n, err := u.ReadCloser.Read(b)
	if err == io.EOF {
		if _, more := u.from.ReadByte(); more == nil {
			err = errors.New("something stands behind its end")
		}
	}
	return n, err
}
