// Package meant says what people mean by their words: which of a channel's files they
// ask about, and whether it is a question at all. It asks nobody and knows no Slack.
package meant

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// Shared is a data file that lies in a channel.
type Shared struct {
	approval.File
	By   string    // who has shared it
	At   time.Time // when
	Ours bool      // the bot itself has posted it, as a result
}

// Shelf is what lies in a channel to be asked about, the latest first, one of each name.
type Shelf struct {
	Files []Shared
	Ours  []Shared // results of other questions: an input only of their own thread, or when somebody picks them

	// Pinned are files that administrators have pinned here. By its name a pinned file is meant before any
	// upload that is called alike; by saying nothing none is.
	Pinned []approval.File
}

// loose are the files that nobody has pinned.
func (s Shelf) loose() []Shared {
	return slices.DeleteFunc(slices.Clone(s.Files), func(f Shared) bool {
		return slices.ContainsFunc(s.Pinned, func(p approval.File) bool { return p.ID == f.ID })
	})
}

// Put puts up a file that is older than all before it, unless a newer one of its name is there.
func (s *Shelf) Put(f Shared) {
	to := &s.Files
	if f.Ours {
		to = &s.Ours
	}
	// The newest of a name is the one that people mean: they upload a corrected file under the same name.
	same := func(g Shared) bool { return fold(g.Name) == fold(f.Name) }
	if !slices.ContainsFunc(*to, same) {
		*to = append(*to, f)
	}
}

// Choices are what somebody may pick from by hand: people's files, then our results.
func (s Shelf) Choices() []Shared { return slices.Concat(s.Files, s.Ours) }

// Sharing is who has shared which of them, and when, by their ids.
func (s Shelf) Sharing() map[string]approval.Sharing {
	by := map[string]approval.Sharing{}
	for _, f := range s.Choices() {
		by[f.ID] = approval.Sharing{By: f.By, At: f.At.UTC()}
	}
	return by
}

// Has tells whether there is nothing to look for further back.
func (s Shelf) Has(question string) bool {
	_, missing := s.Named(question, true)
	return len(s.Files) > 0 && missing == ""
}

// fold is the spelling in which names are compared.
func fold(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// stem is a name without its ending, as it is compared.
func stem(name string) string { return strings.TrimSuffix(fold(name), path.Ext(fold(name))) }

// fileLike finds what looks like the name of a data file.
var fileLike = regexp.MustCompile(`[\p{L}\p{N}_\-]+(?:\.(?:` + strings.Join(slices.Concat(draw.DataTypes, draw.PackedTypes), "|") + `))+\b`)

// Named picks the files that a question names: by their whole names or, where it names
// none so and stems may count, by names without the ending that stand there as words.
// own are results that the question's thread has posted. missing is a name that looks
// like a data file and is none of these.
func (s Shelf) Named(question string, stems bool, own ...approval.File) (files []approval.File, missing string) {
	rest := fold(question)
	take := func(f approval.File, word string) {
		if says(rest, word) && !slices.ContainsFunc(files, func(g approval.File) bool { return fold(g.Name) == fold(f.Name) }) {
			files = append(files, f)
		}
	}
	all := own
	for _, f := range slices.Concat(s.Pinned, plain(s.Files)) {
		if !slices.ContainsFunc(all, func(g approval.File) bool { return fold(g.Name) == fold(f.Name) }) {
			all = append(all[:len(all):len(all)], f)
		}
	}
	// The longest first, each taken out of the text when it is found: "Q1 report.xlsx"
	// names one file and not report.xlsx as well, "sales.csv" does not name sales.xlsx.
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b approval.File) int { return cmp.Compare(len(fold(b.Name)), len(fold(a.Name))) })
	for _, f := range all {
		name := fold(f.Name)
		if take(f, name); says(rest, name) {
			rest = strings.ReplaceAll(rest, name, " ")
		}
	}
	// "Total sales in vgsales.csv" means one file, whatever else is called sales; "sales of
	// salse.csv" is asked about.
	missing = fileLike.FindString(rest)
	if len(files) == 0 && missing != "" && len(s.near(missing)) > 0 {
		return nil, missing
	}
	for _, f := range all {
		if word := stem(f.Name); stems && !slices.ContainsFunc(files, whole(question)) && utf8.RuneCountInString(word) > 1 {
			take(f, word)
		}
	}
	return files, missing
}

// whole tells of a file whose whole name stands in a question.
func whole(question string) func(approval.File) bool {
	text := fold(question)
	return func(f approval.File) bool { return says(text, fold(f.Name)) }
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

// Picked is what a question is about, as far as its words and the channel say.
type Picked struct {
	Files  []approval.File
	Unread string // a name beside those of the files that is none of a file here: perhaps what is to be written
}

// Pick finds the files of a question. Of names alone that nobody knows there is
// nothing to be read, and among several files somebody has to choose.
func (s Shelf) Pick(question string, stems bool, own ...approval.File) (p Picked, lacks *approval.Cause) {
	p.Files, p.Unread = s.Named(question, stems, own...)
	loose := s.loose()
	switch {
	case len(p.Files) > 0:
	case p.Unread != "":
		return Picked{}, &approval.Cause{Code: approval.NoFile, File: p.Unread, Files: s.near(p.Unread)}
	case len(loose) > 1:
		return Picked{}, &approval.Cause{Code: approval.WhichFile, Files: plain(loose[:min(kit.MaxChoices, len(loose))])}
	default:
		p.Files = plain(loose)
	}
	return p, nil
}

// Unclear is what has to be said where a question names a file by its name and two are pinned under it, as to two channels whose
// files somebody may use in a direct message: nobody guesses which. known are the files of the question's thread, which are meant again. Two that hold
// the same are one.
func (s Shelf) Unclear(files []approval.File, known []string) *approval.Cause {
	for _, f := range files {
		at := slices.IndexFunc(s.Pinned, func(p approval.File) bool { return p.ID == f.ID })
		if at < 0 || slices.Contains(known, f.ID) {
			continue
		}
		f = s.Pinned[at]
		var all []approval.File
		others := false
		for _, p := range s.Pinned {
			if fold(p.Name) == fold(f.Name) && !slices.ContainsFunc(all, func(g approval.File) bool { return g.ID == p.ID }) {
				all, others = append(all, p), others || p.Pinned != f.Pinned && p.SHA256 != f.SHA256
			}
		}
		if others {
			return &approval.Cause{Code: approval.WhichFile, File: f.Name, Files: all}
		}
	}
	return nil
}

// First has these files stand before all others that are pinned, so that they are meant by their name.
func (s *Shelf) First(ids []string) {
	rank := func(f approval.File) int {
		if slices.Contains(ids, f.ID) {
			return 0
		}
		return 1
	}
	s.Pinned = slices.Clone(s.Pinned)
	slices.SortStableFunc(s.Pinned, func(a, b approval.File) int { return cmp.Compare(rank(a), rank(b)) })
}

// plain are files without who has shared them.
func plain(shared []Shared) (files []approval.File) {
	for _, f := range shared {
		files = append(files, f.File)
	}
	return files
}

// mostNear is how many names somebody is asked about.
const mostNear = 3

// near are the files whose names are nearly the one that was typed, the nearest first.
// One that only the bot has posted is offered as well: whoever presses picks it by hand.
func (s Shelf) near(typed string) (files []approval.File) {
	type candidate struct {
		file approval.File
		far  int
	}
	var found []candidate
	unpinned := slices.DeleteFunc(plain(s.Choices()), func(f approval.File) bool {
		return slices.ContainsFunc(s.Pinned, func(p approval.File) bool { return p.ID == f.ID || fold(p.Name) == fold(f.Name) })
	})
	for _, f := range slices.Concat(s.Pinned, unpinned) {
		far := distance(fold(typed), fold(f.Name))
		if stem(typed) == stem(f.Name) {
			far = min(far, 1) // sales.xlsx for sales.csv
		}
		// One slip in every three letters: more would offer files that only look alike.
		if far <= max(1, utf8.RuneCountInString(stem(typed))/3) {
			found = append(found, candidate{f, far})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.far, b.far) })
	for _, c := range found[:min(mostNear, len(found))] {
		files = append(files, c.file)
	}
	return files
}

// distance counts the slips between two names: a character more, less or other, or two
// that have changed places.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := func(n int) []int { return make([]int, n) }
	before, last, next := row(len(y)+1), row(len(y)+1), row(len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		next[0] = i
		for j := 1; j <= len(y); j++ {
			other := last[j-1]
			if x[i-1] != y[j-1] {
				other++
			}
			next[j] = min(other, last[j]+1, next[j-1]+1)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, last, next = last, next, before
	}
	return last[len(y)]
}

// Instead is a question with the name that was typed given up for the file that is meant.
func Instead(question, typed, name string) string {
	at := strings.Index(fold(question), typed)
	if typed == "" || at < 0 || len(fold(question)) != len(question) {
		return question // its spelling has another length than what was compared: the words stay
	}
	return question[:at] + name + question[at+len(typed):]
}
