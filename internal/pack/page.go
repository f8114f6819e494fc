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
	"strings"
	"time"
)

// page is what people read. It holds no script, loads nothing, and forbids both. The
// sections of requests are written as they come; what stands above them is known at the
// end only, so they wait in a file of their own.
//
// What it shows was typed by people and written by a model, and somebody opens it from a disk, where
// a script could read other files. html/template escapes; the policy holds where that should fail.
type page struct {
	t      *template.Template
	out    io.Writer
	o      Options
	body   *os.File
	lines  []index
	other  []step
	more   int // of other than are listed
	masked int // values that are here by their hashes alone
	err    error
}

// index is a request in the list at the top.
type index struct {
	ID, Asker, Question, Outcome, Approved string
	At                                     time.Time
	Total                                  int64
	Glass                                  string
}

// listedOthers bounds the list of what is no request's: a browser has to draw it. All of it is in
// entries.jsonl.
const listedOthers = 2000

//go:embed page.css
var style string

//go:embed page.html.tmpl
var pageText string

func newPage(out io.Writer, o Options) *page {
	p := &page{t: templates(o.Zone), out: out, o: o}
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
func templates(zone *time.Location) *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"time": func(at time.Time) string {
			if at.IsZero() {
				return "–"
			}
			return at.In(zone).Format("2 January 2006, 15:04:05 MST")
		},
		"usd":   dollars,
		"short": short,
		"lines": func(code string) int { return strings.Count(strings.TrimSuffix(code, "\n"), "\n") + 1 },
		"cut":   func(s string) string { return cut(s, 120) },
	}).Parse(pageText))
}

// add writes a request's section, and keeps the line of it that stands in the list at the top. Steps of
// streams that are no request's are listed below all of them.
func (p *page) add(s *story) {
	if s.ID == "" {
		room := max(0, listedOthers-len(p.other))
		p.other = append(p.other, s.Steps[:min(room, len(s.Steps))]...)
		p.more += max(0, len(s.Steps)-room)
		return
	}
	p.lines = append(p.lines, index{ID: s.ID, Asker: s.Asker, Question: cut(s.Question, 140), Outcome: s.Outcome, Approved: s.by("Approved"), At: s.At, Total: s.Total, Glass: s.Glass})
	if p.err == nil {
		p.err = p.t.ExecuteTemplate(p.body, "request", s)
	}
}

// end writes the page: what stands above the sections, the sections, what stands below.
func (p *page) end(c Contents) {
	if p.err != nil {
		return
	}
	var total int64
	var glass []index // that nobody approved
	for _, line := range p.lines {
		total += line.Total
		if line.Glass != "" {
			glass = append(glass, line)
		}
	}
	// The one style is allowed by its hash; whatever else might get into the page is not.
	sum := sha256.Sum256([]byte(style))
	p.err = p.t.ExecuteTemplate(p.out, "head", map[string]any{"Contents": c, "Requests": p.lines, "Glass": glass, "Total": total, "Entries": c.Last - c.First, "Masked": p.masked,
		"Style": template.CSS(style), "Policy": fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'", base64.StdEncoding.EncodeToString(sum[:]))})
	if p.err == nil {
		_, p.err = p.body.Seek(0, io.SeekStart)
	}
	if p.err == nil {
		_, p.err = io.Copy(p.out, p.body)
	}
	if p.err == nil {
		p.err = p.t.ExecuteTemplate(p.out, "foot", map[string]any{"Other": p.other, "More": p.more, "Contents": c})
	}
}
