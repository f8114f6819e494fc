package guide

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// EnvFile is a file of settings that a shell, systemd and Docker can all read: a line
// NAME=value each, without variables in it.
type EnvFile struct {
	Path     string
	Template string // what a new file begins as: .env.example
}

// Read returns what the file sets. One that is not there sets nothing, and neither does an empty
// value: serve takes empty for not set, and so does this.
func (f EnvFile) Read() (Settings, error) {
	set := Settings{}
	text, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return set, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the settings: %w", err)
	}
	for i, line := range strings.Split(string(text), "\n") {
		name, value, ok := assignment(line)
		if !ok {
			continue
		}
		if value, err = unquoted(value); err != nil {
			return nil, fmt.Errorf("%s, line %d: %s %w", f.Path, i+1, name, err)
		}
		set[name] = value
	}
	maps.DeleteFunc(set, func(_, value string) bool { return value == "" })
	return set, nil
}

// assigned is a line that sets something, as a shell script may have it. Names are in capitals, as all of ours are: what
// else a file sets is left alone.
var assigned = regexp.MustCompile(`^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)$`)

// assignment takes a line apart; ok is false for comments and for whatever else a shell may do there.
func assignment(line string) (name, value string, ok bool) {
	m := assigned.FindStringSubmatch(strings.TrimRight(line, "\r"))
	if m == nil {
		return "", "", false
	}
	return m[1], m[2], true
}

// unquoted is a value as a shell would take it. What only a shell can work out is refused:
// to guess it would be to try another token than serve gets.
func unquoted(value string) (string, error) {
	// Right behind the sign, as in REVIEW_CHANNEL=#reviews, a # is a part of the word as well.
	commented := strings.HasPrefix(strings.TrimLeft(value, " \t"), "#") && !strings.HasPrefix(value, "#")
	if value = strings.TrimSpace(value); value == "" || commented {
		return "", nil
	}
	if quote := value[0]; quote == '\'' || quote == '"' {
		inside, rest, closed := strings.Cut(value[1:], string(quote))
		rest = strings.TrimSpace(rest)
		if !closed || rest != "" && rest[0] != '#' || quote == '"' && strings.ContainsAny(inside, "\\$`") {
			return "", errors.New("has quotes that only a shell can read: write it in single quotes, or without any")
		}
		return inside, nil
	}
	// A # inside of a word is a part of it; behind a blank it begins a comment.
	value, _, _ = strings.Cut(value, " #")
	if value = strings.TrimSpace(value); strings.ContainsAny(value, " \t\\$`'\"") {
		return "", errors.New("has signs that only a shell can read: write it in single quotes")
	}
	return value, nil
}

// plain are the signs that no shell, systemd or Docker reads as anything but themselves.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@,+=%*-]*$`)

// quoted spells a value so that a shell, systemd and Docker's compose read the same one. In single
// quotes none of them computes anything; what cannot stand in them is refused. Tokens and keys need no
// quotes, which is as well: docker run --env-file would take them for part of the value.
func quoted(value string) (string, error) {
	switch {
	case plain.MatchString(value):
		return value, nil
	case strings.ContainsAny(value, "'\n\r\x00"):
		return "", errors.New("has signs that no settings file can hold")
	}
	return "'" + value + "'", nil
}

// Write puts the settings into the file, in the lines that are there for them, and leaves
// everything else as it is. The file is there whole or not at all, and only its owner may
// read it, whatever it was before.
// What cannot be spelled fails before anything is written, so the file keeps what it had.
func (f EnvFile) Write(set Settings) error {
	path := f.Path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // a link stays one
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(f.Template), nil
	}
	if err != nil {
		return fmt.Errorf("write the settings: %w", err)
	}
	var lines []string
	written := map[string]bool{}
	for _, line := range strings.Split(strings.TrimRight(string(text), "\n"), "\n") {
		name, _, ok := assignment(line)
		if value, given := set[name]; ok && given {
			value, err := quoted(value)
			if err != nil {
				return fmt.Errorf("%s %w", name, err)
			}
			line, written[name] = name+"="+value, true
		}
		lines = append(lines, line)
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		// What is not set needs no line. A line that is there keeps its place also when it becomes empty.
		if written[name] || set[name] == "" {
			continue
		}
		value, err := quoted(set[name])
		if err != nil {
			return fmt.Errorf("%s %w", name, err)
		}
		lines = append(lines, name+"="+value)
	}
	// Beside the file, since a rename within one folder is whole or not at all, and 0600 from its first
	// moment on: there is no time in which others could read the keys.
	next, err := os.CreateTemp(filepath.Dir(path), ".env-*")
	if err != nil {
		return fmt.Errorf("write the settings: %w", err)
	}
	_, err = next.WriteString(strings.Join(lines, "\n") + "\n")
	if err = errors.Join(err, next.Sync(), next.Close()); err == nil {
		err = os.Rename(next.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write the settings: %w", errors.Join(err, os.Remove(next.Name())))
	}
	return nil
}
