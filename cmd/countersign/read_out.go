package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"
)

// outFolder is where converted tables go. Nothing in it is overwritten, and no link
// leads out of it: the names are those of files that came from anywhere (os.Root keeps to them).
type outFolder struct{ root *os.Root }

func openFolder(dir string) (*outFolder, error) {
	if dir == "" {
		return &outFolder{}, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("the folder %s cannot be made: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("the folder %s cannot be opened: %w", dir, err)
	}
	return &outFolder{root: root}, nil
}

func (f *outFolder) close() {
	if f.root != nil {
		_ = f.root.Close() // it was only looked through
	}
}

// outFile is one converted table on its way.
type outFile struct {
	folder *outFolder
	name   string
	file   *os.File
	size   int64
}

// create makes FILE_converted.csv. O_EXCL refuses what is there already, links included.
func (f *outFolder) create(file string) (*outFile, error) {
	name := file + "_converted.csv"
	out, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	switch {
	case errors.Is(err, os.ErrExist):
		return nil, fmt.Errorf("%s exists already, and nothing is overwritten.", name)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be written.", name)
	}
	return &outFile{folder: f, name: name, file: out}, nil
}

func (o *outFile) write(data []byte) error {
	o.size += int64(len(data))
	if _, err := o.file.Write(data); err != nil {
		return fmt.Errorf("%s cannot be written.", o.name)
	}
	return nil
}

// close ends the file; one that is not to be kept is removed.
func (o *outFile) close(keep bool) error {
	err := o.file.Close()
	if !keep {
		return errors.Join(err, o.folder.root.Remove(o.name))
	}
	if err != nil {
		return fmt.Errorf("%s cannot be written.", o.name)
	}
	return nil
}

// plainLine is text for a terminal: one line, without control, invisible or
// direction-changing characters.
func plainLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Map(func(r rune) rune {
		if r != ' ' && !unicode.IsGraphic(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '\uFFFD'
		}
		return r
	}, s)
}
