package checkpoint

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// File is where a replica writes the checkpoints that it has seen, one below the other.
// It lies outside of the database: a database that was put back or written anew does
// not follow what stands in it.
//
// Without a path there is none.
type File struct{ Path string }

// Notes are the signed notes in a text, in their order. What stands between them is
// skipped, and so is what copying adds to lines: spaces around them, marks of a quote or
// of code, empty lines. So a message copied from Slack, or forwarded as e-mail, will do.
func Notes(text string) (notes []string) {
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.Trim(line, " \t\r\n\u00a0>`"); line != "" {
			lines = append(lines, line)
		}
	}
	for i := 0; i+bodyLines < len(lines); i++ {
		if lines[i] != Origin {
			continue
		}
		signed, end, whole := strings.Join(lines[i:i+bodyLines], "\n")+"\n\n", i+bodyLines, false
		for ; end < len(lines) && strings.HasPrefix(lines[end], "— "); end++ {
			signed += lines[end] + "\n"
			whole = whole || signature(lines[end])
		}
		if _, err := Read(signed); err == nil && whole {
			notes, i = append(notes, signed), end-1
		}
	}
	return notes
}

// signature tells whether a line is a whole signature of ours, by its form alone: the key's name, and
// in base64 four bytes that say which key and the 64 of the signature. Whose it is Open tells.
func signature(line string) bool {
	name, spelled, _ := strings.Cut(strings.TrimPrefix(line, "— "), " ")
	mark, err := base64.StdEncoding.DecodeString(spelled)
	return name == Origin && err == nil && len(mark) == 4+ed25519.SignatureSize
}

// All are the signed notes in the file; none where there is no file yet. A file that cannot be
// read is an error and never an empty one: then a database that was put back would pass.
func (f File) All() ([]string, error) {
	text, err := f.end(math.MaxInt64)
	return Notes(text), err
}

// Last is the last checkpoint in the file; none where there is no file yet. It is asked for every few seconds, for
// years: so only the end of the file is read, as long as there is a whole note in it.
func (f File) Last() (last *Checkpoint, err error) {
	text, err := f.end(64 << 10)
	if err != nil {
		return nil, err
	}
	notes := Notes(text)
	if len(notes) == 0 {
		notes, err = f.All()
	}
	if err != nil || len(notes) == 0 {
		return nil, err
	}
	c, err := Read(notes[len(notes)-1])
	return &c, err
}

// end is what the file ends with, of at most so many bytes.
func (f File) end(most int64) (text string, err error) {
	if f.Path == "" {
		return "", nil
	}
	file, err := os.Open(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the file of checkpoints: %w", err)
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(max(0, size-most), io.SeekStart)
	}
	var b []byte
	if err == nil {
		b, err = io.ReadAll(file)
	}
	if err != nil {
		return "", fmt.Errorf("read the file of checkpoints: %w", err)
	}
	return string(b), nil
}

// Retire puts the file aside, under a name that says until which checkpoint it goes, and
// returns that name. The next one begins anew. Nothing is deleted: it may be the only witness of
// what a database that was put back has lost.
func (f File) Retire(last Checkpoint) (aside string, err error) {
	aside = fmt.Sprintf("%s.until-%d-%s", f.Path, last.Number, last.At.UTC().Format("20060102T150405Z"))
	if _, err := os.Stat(aside); !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s is there already", aside)
	}
	if err := os.Rename(f.Path, aside); err != nil {
		return "", fmt.Errorf("put the file of checkpoints aside: %w", err)
	}
	return aside, nil
}

// Append writes signed notes at the end of the file, and waits until they are on disk. A note that
// a crash cuts off is skipped by All, so the next tick finds it missing and writes it again. The
// empty line before it keeps it apart from what is left of the one that was cut.
func (f File) Append(signed ...string) (err error) {
	if len(signed) == 0 || f.Path == "" {
		return nil
	}
	err = os.MkdirAll(filepath.Dir(f.Path), 0o755)
	var file *os.File
	if err == nil {
		file, err = os.OpenFile(f.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	}
	if err == nil {
		_, err = file.WriteString("\n" + strings.Join(signed, "\n") + "\n")
		err = errors.Join(err, file.Sync(), file.Close())
	}
	if err != nil {
		return fmt.Errorf("append to the file of checkpoints: %w", err)
	}
	return nil
}
