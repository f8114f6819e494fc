package pack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"countersign/approval/reading"
)

// Input is a file, by what it held and how it was read, as a manifest seals it.
type Input struct {
	Name, SHA256, Reading string
	Tables                []Table // none where the reading is not here
}

// Table is one table of a file, in words.
type Table struct {
	Name, How string
	Odd       []string // what was strange about it, and what was done about that
	Columns   []Fact   // each with what it holds
}

// newInput tells how a file was read. The seal names the reading by its hash; its text is beside it where it is kept.
func newInput(in map[string]any, words teller) Input {
	one := Input{Name: words.word(in["name"]), SHA256: words.word(in["sha256"])}
	named, is := in["reading"].(string)
	if !is {
		if in["reading"] != nil {
			one.Reading = plain(in["reading"])
		}
		return one
	}
	var r reading.Reading
	// Readings are in the same map as values, by their plain sha256: neither can be taken for the other.
	if text, there := words[named]; !there || json.Unmarshal(text, &r) != nil {
		one.Reading = gone(named)
		return one
	}
	var all []string
	for _, t := range r.Tables {
		table := Table{Name: t.Name, How: fmt.Sprintf("%s × %s", counted(t.Rows, "row"), counted(int64(len(t.Columns)), "column"))}
		if how := t.Words(r); how != "" {
			table.How += "; " + how
		}
		for _, odd := range t.Odd {
			table.Odd = append(table.Odd, odd.Words())
		}
		for _, c := range t.Columns {
			table.Columns = append(table.Columns, Fact{c.Name, c.Words()})
		}
		one.Tables = append(one.Tables, table)
		all = append(all, strings.TrimPrefix(t.Name+": "+table.How, ": "))
	}
	one.Reading = strings.Join(all, "\n")
	return one
}

// seals tells whether a version of the request was sealed with a reading. Manifests are found by their form: values are
// named by hashes alone, and which is what stands in events.
// Only such readings go into a pack: one that no seal names would be refused by the verifier (readings).
func (c *Case) seals(sha256 string) bool {
	for _, v := range c.Values {
		var m struct {
			Inputs []struct{ Reading any }
		}
		if json.Unmarshal(v.Bytes, &m) != nil {
			continue // it is no manifest
		}
		for _, in := range m.Inputs {
			if in.Reading == sha256 {
				return true
			}
		}
	}
	return false
}

// readings holds each against the seals: a reading that none of them names was slipped in.
func (v *verifier) readings() error {
	return v.lines(fileReadings, func(line []byte) error {
		r, ok := reads[Reading](line)
		if !ok {
			return broken("a reading", "it cannot be read, or is not spelled as readings are")
		}
		what := "the reading " + short(r.SHA256)
		key, err := key(r.SHA256)
		switch {
		case err != nil || !v.entries.readings[key]:
			return broken(what, "no seal names it, or it is there twice")
		case sum(r.Text) != r.SHA256:
			return broken(what, "its content has been changed")
		}
		v.entries.readings[key] = false
		return nil
	})
}

// counted is a number with what it counts.
func counted(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + one + "s"
}

// grouped is a number as people write it: 12,345.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for at := len(text) - 3; at > 0 && n > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// plain says how a file was read: names and values, without the signs of JSON where that is
// possible. It knows no fields, so a reading of any version of the form is shown.
func plain(reading any) string {
	fields, is := reading.(map[string]any)
	if !is {
		fields = map[string]any{"": reading}
	}
	var said []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		text, is := fields[key].(string)
		if !is {
			spelled, _ := json.Marshal(fields[key]) // it was JSON a moment ago
			text = string(spelled)
		}
		said = append(said, strings.TrimPrefix(strings.ReplaceAll(key, "_", " ")+": "+text, ": "))
	}
	return strings.Join(said, "\n")
}

// answer is what came out, as people read it: what the program says first, then what it assumed and left out.
//
//	Revenue was $25.00; North led.
//	Assumed: Revenue is units times price
//	Left out: 2 rows (no price)
func answer(e event, words teller) string {
	var result struct {
		Answer, Value, Stdout string
		Said                  []string
		LeftOut               []struct {
			Rows int64
			Why  string
		} `json:"left_out"`
	}
	// Forgotten, held back, or of a form that this program does not know: the page says elsewhere that it is not here.
	if !words.document(e.Data["result"], &result) {
		return ""
	}
	said := []string{result.Answer, result.Value, result.Stdout}
	for _, one := range result.Said {
		said = append(said, "Assumed: "+one)
	}
	for _, out := range result.LeftOut {
		said = append(said, fmt.Sprintf("Left out: %s (%s)", counted(out.Rows, "row"), out.Why))
	}
	return cut(strings.TrimSpace(strings.Join(slices.DeleteFunc(said, func(s string) bool { return s == "" }), "\n")), 2000)
}

// sourceWords say who has watched a run. One that this program does not know stands as it is.
func sourceWords(source string) string {
	switch source {
	case "gvisor":
		return "gVisor, the kernel that the box ran on"
	case "fanotify":
		return "a watcher under another user of the box"
	}
	return source
}

// gapWords say why not everything was seen, by the codes of sandbox/witness. A reason that this program does not know stands
// as it is: a newer installation may have more.
var gapWords = map[string]string{"unmarked": "its beginning was not seen", "early": "the box was stopped before all was told", "dropped": "it did more at once than could be told", "more": "it did more than is kept",
	"unnamed": "it asked for a program without a readable name", "unresolved": "it opened a file and did not show which", "unflagged": "it opened a file and did not show whether it would write to it", "descriptor": "it changed files while it was reading them", "openat2": "it opened files in a way that does not tell which",
	"open_by_handle_at": "it opened files in a way that does not tell which", "rename": "it renamed files", "link": "it gave files a second name", "symlink": "it made symbolic links", "mount": "it changed which files stand where",
	"truncate": "it cut files short", "copy": "it had files copied without reading them", "io_submit": "it used files in a way that does not tell which", "memory": "it reached into another process"}

// gapsWords say each once: several codes may mean the same to people.
func gapsWords(gaps []string) (said []string) {
	for _, gap := range gaps {
		if words := gapWords[gap]; words != "" {
			gap = words
		}
		if !slices.Contains(said, gap) {
			said = append(said, gap)
		}
	}
	return said
}
