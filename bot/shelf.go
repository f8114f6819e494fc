package bot

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"golang.org/x/text/unicode/norm"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// shelf is what lies in a channel to be asked about, the latest first, one of each name.
type shelf struct {
	all   []approval.File // whatever has been shared there
	files []approval.File
	ours  []approval.File // tables that the bot itself has posted: used when named, never guessed
}

// Slack gives so many files at a time, the latest first. A question waits for so
// many of these pages.
const (
	filesAtOnce = 200
	filesPages  = 10
)

// look reads what data a channel holds. It looks as far back as the question asks
// for: until there is data at all, and every file that the question names.
func (h *files) look(ctx context.Context, channel, question string) (shelf, error) {
	var s shelf
	who, err := h.who(ctx)
	if err != nil {
		return s, err
	}
	for page := 1; page <= filesPages; page++ {
		found, paging, err := h.api.GetFilesContext(ctx, slack.GetFilesParameters{Channel: channel, Count: filesAtOnce, Page: page, Types: "all",
			TimestampTo: slack.DEFAULT_FILES_TS_TO})
		if forGood(err) {
			return s, &approval.CauseError{Cause: approval.Cause{Code: approval.NotSeen, Channel: channel}}
		}
		if err != nil {
			return s, fmt.Errorf("files.list in %s: %w", channel, detail(err))
		}
		s.add(found, who)
		if page >= paging.Pages || s.has(question) {
			break
		}
	}
	return s, nil
}

// has tells whether there is nothing to look for further back.
func (s shelf) has(question string) bool {
	_, missing := s.named(question)
	return len(s.files) > 0 && missing == ""
}

// add puts up files that are older than all before.
func (s *shelf) add(found []slack.File, who kit.Identity) {
	slices.SortStableFunc(found, func(a, b slack.File) int { return cmp.Compare(b.Created, a.Created) })
	for _, f := range found {
		if !gone(f) {
			s.all = append(s.all, input(f))
		}
		if f.User == who.User {
			s.ours = s.put(s.ours, f)
		} else {
			s.files = s.put(s.files, f)
		}
	}
}

// put keeps a file unless it is no data, or one of its name is there already,
// which is then the newer one.
func (s *shelf) put(files []approval.File, f slack.File) []approval.File {
	same := func(g approval.File) bool { return fold(g.Name) == fold(f.Name) }
	if !draw.Data(f.Name) || gone(f) || slices.ContainsFunc(files, same) {
		return files
	}
	return append(files, input(f))
}

// input is a file as a question names it.
func input(f slack.File) approval.File {
	return approval.File{ID: f.ID, Name: f.Name, Size: int64(f.Size)}
}

// fold is the spelling in which names are compared.
func fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// fileLike finds what looks like the name of a data file.
var fileLike = regexp.MustCompile(`[\p{L}\p{N}_\-]+\.(?:csv|tsv|xlsx|json|jsonl|ndjson)\b`)

// named picks the files that a question names: by their whole names, or by their
// names without the ending when that stands there as a word. missing is a name
// that looks like a data file and is none of these.
func (s shelf) named(question string) (files []approval.File, missing string) {
	rest := fold(question)
	take := func(f approval.File, word string) {
		if says(rest, word) && !slices.ContainsFunc(files, func(g approval.File) bool { return fold(g.Name) == fold(f.Name) }) {
			files = append(files, f)
		}
	}
	// The longest first, each taken out of the text when it is found: "Q1 report.xlsx"
	// names one file and not report.xlsx as well, "sales.csv" does not name sales.xlsx.
	all := slices.Concat(s.files, s.ours)
	slices.SortStableFunc(all, func(a, b approval.File) int { return cmp.Compare(len(fold(b.Name)), len(fold(a.Name))) })
	for _, f := range all {
		name := fold(f.Name)
		if take(f, name); says(rest, name) {
			rest = strings.ReplaceAll(rest, name, " ")
		}
	}
	for _, f := range all {
		stem := strings.TrimSuffix(fold(f.Name), path.Ext(fold(f.Name)))
		if utf8.RuneCountInString(stem) > 1 {
			take(f, stem)
		}
	}
	return files, fileLike.FindString(rest)
}

// says tells whether a name stands in a text as a word of its own.
func says(text, name string) bool {
	for from := 0; ; {
		at := strings.Index(text[from:], name)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after := text[at+len(name):]
		next, size := utf8.DecodeRuneInString(after)
		second, _ := utf8.DecodeRuneInString(after[size:])
		inName := next == '.' && letter(second) // the stem of another file's name
		if !(at > 0 && letter(before)) && !(after != "" && letter(next)) && !inName {
			return true
		}
		_, step := utf8.DecodeRuneInString(text[at:])
		from = at + step
	}
}

// letter tells of a character that continues a name.
func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }

// picked is what a question is about, as far as its words and the channel say.
type picked struct {
	files  []approval.File
	unread string // a name beside those of the files that is none of a file here: perhaps what is to be written
}

// pick finds the files of a question. Of names alone that nobody knows there is
// nothing to be read, and among several files somebody has to choose.
func (s shelf) pick(question string) (p picked, lacks *approval.Cause) {
	p.files, p.unread = s.named(question)
	switch {
	case len(p.files) > 0:
	case p.unread != "":
		return picked{}, &approval.Cause{Code: approval.NoFile, File: p.unread}
	case len(s.files) > 1:
		return picked{}, &approval.Cause{Code: approval.WhichFile, Files: s.files[:min(kit.MaxChoices, len(s.files))]}
	default:
		p.files = s.files
	}
	return p, nil
}
