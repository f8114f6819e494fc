package pack

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// page is what people read. It holds no script, loads nothing, and forbids both; the pictures of answers are a part of it. The
// sections of requests are written as they come; what stands above them is known at the
// end only, so they wait in a file of their own.
//
// What it shows was typed by people and written by a model, and somebody opens it from a disk, where
// a script could read other files. html/template escapes; the policy holds where that should fail.
//
//	head   what the pack is, what does not hold, what nobody knows, the list of requests
//	body   a section for each request: question, versions, decisions, run, answer, bill, entries
//	foot   entries that are no request's, and by whom it was made
type page struct {
	t      *template.Template
	out    io.Writer
	o      Options
	names  *Names
	body   *os.File
	lines  []index
	other  []Step
	more   int // of other than are listed
	named  int // entries that say what people and channels are called
	masked []Masked
	copies []Restored
	err    error

	judged *Report         // what a verifier will find of the decisions
	ruled  ruled           // by which rules
	rights map[int64]right // and by what right each was given, by its entry

	pictures int // signs of the pictures so far
}

// index is a request in the list at the top.
type index struct {
	ID, Asker, Question, Outcome, Approved string
	At                                     time.Time
	Total                                  int64
	Glass, Looked                          string
	Ran, Faulty                            bool
}

// listedOthers bounds the list of what is no request's (2,000 rows): a browser has to draw it. All of it is in
// entries.jsonl.
const listedOthers = 2000

//go:embed page.css
var style string

//go:embed page.html.tmpl
var pageText string

// newPage begins a page. Its sections go into a file that nobody sees until end puts the head before them.
func newPage(out io.Writer, o Options, names *Names, v *verifier) *page {
	p := &page{out: out, o: o, names: names, judged: &v.report, ruled: v.entries.book.ruled, rights: v.rights()}
	p.t = p.templates()
	p.body, p.err = os.CreateTemp("", "countersign-pack-*")
	return p
}

// close removes what waited.
func (p *page) close() error {
	if p.body == nil {
		return nil
	}
	return errors.Join(p.body.Close(), os.Remove(p.body.Name()))
}

// templates are the page, with times told in a zone. They are parsed once for each pack: a year has ten
// thousand sections.
func (p *page) templates() *template.Template {
	zone, names := p.o.Zone, p.names
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"time": func(at time.Time) string {
			if at.IsZero() {
				return "–"
			}
			return at.In(zone).Format("2 January 2006, 15:04:05 MST")
		},
		"short_time": func(at time.Time) string { return at.In(zone).Format("2 Jan 2006 15:04") },
		// The end of a period is the first moment after it: a day begins then that is not meant.
		"day":      func(at time.Time) string { return at.In(zone).Format("2 January 2006, 15:04 MST") },
		"seconds":  exactSeconds,
		"purpose":  purposeWords,
		"usd":      Dollars,
		"who":      names.Who,
		"what":     func(s Step) string { return spoken(s.What, s.At, names) },
		"faults":   func(s *Story) []Fault { return of(p.judged.Faults, s.ID) },
		"doubts":   func(s *Story) []doubt { return doubts(of(p.judged.Doubts, s.ID)) },
		"told":     func(f Fault) string { return capital(spoken(f.sentence(), f.At, names)) },
		"role":     p.role,
		"listed":   func(list []Masked) []Masked { return list[:min(len(list), listedOthers)] },
		"unlisted": func(list []Masked) int { return max(0, len(list)-listedOthers) },
		"short":    short,
		"money":    rounded,
		"tone":     tone,
		"grouped":  grouped,
		"place":    placeWords,
		"stands":   func(s *Story) string { return s.Stands(names) },
		"numbered": func(code string) (lines []Fact) {
			for i, line := range strings.Split(strings.TrimSuffix(code, "\n"), "\n") {
				lines = append(lines, Fact{strconv.Itoa(i + 1), line})
			}
			return lines
		},
		"cut":     func(s string) string { return cut(s, 120) },
		"took":    p.ruled.took,
		"picture": p.picture,
		"size":    sizeWords,
		"files":   filesWords,
	}).Parse(pageText))
}

// add writes a request's section, and keeps the line of it that stands in the list at the top. Steps of
// streams that are no request's are listed below all of them.
func (p *page) add(s *Story) {
	if s.ID == "" {
		if s.names() {
			p.named += len(s.Steps)
			return // they stand beside every id
		}
		p.copies = append(p.copies, s.Restored...)
		room := max(0, listedOthers-len(p.other))
		p.other = append(p.other, s.Steps[:min(room, len(s.Steps))]...)
		p.more += max(0, len(s.Steps)-room)
		return
	}
	p.lines = append(p.lines, index{ID: s.ID, Asker: s.Asker, Question: cut(s.Question, 140), Outcome: s.Outcome, Approved: s.by("Approved", p.names), At: s.At, Total: s.Total, Glass: s.Glass, Looked: s.Looked(), Ran: s.Run != nil, Faulty: len(of(p.judged.Faults, s.ID)) > 0})
	// The first error of the page is kept for the end: the pack's other files are written all the same, and then thrown away.
	if p.err == nil {
		p.err = p.t.ExecuteTemplate(p.body, "request", s)
	}
}

// end writes the page: what stands above the sections, the sections, what stands below.
// Until here nothing has been written to out: a page without its head would pass for a whole one.
func (p *page) end(c Contents) {
	if p.err != nil {
		return
	}
	var total, approvals int64
	for _, d := range p.rights {
		if d.approves {
			approvals++
		}
	}
	var glass []index // that ran though nobody approved them
	for _, line := range p.lines {
		total += line.Total
		if line.Ran && line.Glass != "" {
			glass = append(glass, line)
		}
	}
	// The one style is allowed by its hash, and pictures that are a part of the page; whatever else might get into it is not.
	sum := sha256.Sum256([]byte(style))
	p.err = p.t.ExecuteTemplate(p.out, "head", map[string]any{"Contents": c, "Requests": p.lines, "Glass": glass, "Total": total, "Entries": c.Last - c.First, "Masked": p.masked, "Faults": p.judged.Faults, "Doubts": doubts(p.judged.Doubts), "Approvals": approvals, "Restored": p.copies,
		"Style": template.CSS(style), "Policy": fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'", base64.StdEncoding.EncodeToString(sum[:]))})
	if p.err == nil {
		_, p.err = p.body.Seek(0, io.SeekStart)
	}
	if p.err == nil {
		_, p.err = io.Copy(p.out, p.body)
	}
	if p.err == nil {
		p.err = p.t.ExecuteTemplate(p.out, "foot", map[string]any{"Other": p.other, "More": p.more, "Named": p.named, "Entries": c.Last - c.First, "Contents": c})
	}
}

// tone is the colour of what has come of a request: good only where somebody approved it and it was answered. It repeats what
// the words beside it say, for who skims.
// What ended badly has an Error, and so is red before the second case is looked at.
func tone(s *Story) string {
	switch {
	case s.Error != "" || s.Glass != "":
		return "bad"
	case s.Run != nil && !s.Run.End.IsZero():
		return "good"
	}
	return ""
}

// rulesWords say by which rules an approval counted, from the name that a seal has for them.
func rulesWords(name string) string {
	whose, version, versioned := strings.Cut(name, "/")
	switch {
	case !versioned:
		return "the rules of the server's settings"
	case whose == "team":
		return "version " + version + " of the workspace's rules"
	}
	return "version " + version + " of the rules of channel " + whose
}

// purposeWords say what a step was for. A purpose that this program does not know stands as it is.
func purposeWords(purpose string) string {
	if words := map[string]string{"draft": "Writing the program", "inspect": "Inspecting it", "inspection": "Inspecting it", "run": "Running it", "read": "Reading the files", "reading": "Reading the files",
		"summary": "Summing up the thread", "ready": "Keeping a sandbox ready during review"}[purpose]; words != "" {
		return words
	}
	return purpose
}

// placeWords say where a box was; a model has its own name.
func placeWords(what string) string {
	switch what {
	case "local":
		return "a sandbox on the server itself"
	case "e2b":
		return "a sandbox at E2B"
	}
	return what
}

// sizeWords say how large a box was, by which it is paid; empty where nobody has written it down.
func sizeWords(c Charge) string {
	if c.VCPU == 0 {
		return ""
	}
	memory := fmt.Sprintf("%d MB", c.MemoryMB)
	if c.MemoryMB%1024 == 0 {
		memory = fmt.Sprintf("%d GB", c.MemoryMB/1024)
	}
	return fmt.Sprintf(" of %s and %s of memory", several(c.VCPU, "CPU", "CPUs"), memory)
}

// rounded is an amount to the cent, for whoever wants to know whether it was much. What was reckoned stands below it.
func rounded(n int64) string {
	const cent = 10_000_000
	switch {
	case n == 0:
		return "$0.00"
	// "$0.00" would read as nothing.
	case 0 < n && n < cent:
		return "under $0.01"
	}
	return fmt.Sprintf("$%d.%02d", (n+cent/2)/1_000_000_000, (n+cent/2)/cent%100)
}

// spoken is a text with the names of whom it is about, beside their ids. Ids are words of their own in our sentences.
// Ids are found as words of their own, with a comma or a colon behind them at most.
func spoken(text string, at time.Time, names *Names) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		id := strings.TrimRight(word, ",:")
		if name := names.Of(id, at); name != "" {
			words[i] = name + " (" + id + ")" + word[len(id):]
		}
	}
	return strings.Join(words, " ")
}

// role says by what right somebody has decided, and who gave it to them.
func (p *page) role(d Decided) string {
	r, known := p.rights[d.Position]
	switch {
	case d.Glass && d.Verdict == verdictWords[kindBrokeGlass]:
		return "break-glass"
	case d.Glass:
		return "administrator"
	case !known:
		return ""
	case !r.OK:
		return "not known as a reviewer: " + spoken(r.Not, d.At, p.names)
	case r.By == "":
		return r.Role
	}
	return fmt.Sprintf("%s, named by %s on %s", r.Role, p.names.Who(r.By, r.Since), r.Since.In(p.o.Zone).Format("2 January 2006"))
}

// of are those of one request.
func of(list []Fault, request string) (mine []Fault) {
	for _, f := range list {
		if f.Request == request {
			mine = append(mine, f)
		}
	}
	return mine
}
