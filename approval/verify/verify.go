// Package verify holds the result of a run against that of a run that it repeats, and says what
// differs: which figures, rows and files. It knows no store and no Slack.
package verify

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"countersign/approval"
)

// most is how many differences are kept; the others are counted.
const most = 20

// mostText is how much of a text is kept of each side.
const mostText = 200

// Compare says what came out otherwise, in the order in which people read an answer. How long
// it took, what was seen of it and what it wrote to its error stream are no part of an answer.
func Compare(with string, before, now approval.Result) approval.Compared {
	c := &comparison{Compared: approval.Compared{With: with, Gone: before.Outcome == "" || slices.ContainsFunc(before.Artifacts, forgotten)}}
	if c.Gone {
		return c.Compared
	}
	if end(before) != end(now) {
		c.add(approval.Difference{What: approval.DifferentEnd, Before: end(before), Now: end(now)})
	}
	c.text(approval.DifferentAnswer, before.Answer, now.Answer)
	if !slices.Equal(before.Said, now.Said) || !slices.Equal(before.LeftOut, now.LeftOut) {
		c.add(approval.Difference{What: approval.DifferentNotes})
	}
	c.text(approval.DifferentValue, before.Value, now.Value)
	c.tables(before.Tables, now.Tables)
	c.text(approval.DifferentPrint, before.Stdout, now.Stdout)
	c.files(before.Artifacts, now.Artifacts)
	return c.Compared
}

// comparison collects what differs.
type comparison struct{ approval.Compared }

// add keeps the first differences and counts the others. Texts are cut: an answer may be a whole table.
func (c *comparison) add(d approval.Difference) {
	if len(c.Differs) == most {
		c.More++
		return
	}
	d.Before, d.Now = approval.Cut(d.Before, mostText), approval.Cut(d.Now, mostText)
	c.Differs = append(c.Differs, d)
}

// end is how a run ended, with the error that its code gave.
func end(r approval.Result) string {
	return strings.TrimSpace(string(r.Outcome) + " " + r.Error)
}

// number is one as people write it.
var number = regexp.MustCompile(`[-+]?[0-9](?:[0-9.,'\x{00a0}\x{202f}]*[0-9])?`)

// text compares words. Where only numbers in them differ, each of those is named.
func (c *comparison) text(what approval.DifferenceCode, before, now string) {
	if before == now {
		return
	}
	// Only an answer is told figure by figure: of what a program printed the first line that differs says enough.
	if number.ReplaceAllString(before, "0") != number.ReplaceAllString(now, "0") || what != approval.DifferentAnswer {
		first, second := apart(before, now)
		c.add(approval.Difference{What: what, Before: first, Now: second})
		return
	}
	was, is := number.FindAllString(before, -1), number.FindAllString(now, -1)
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			c.add(approval.Difference{What: approval.DifferentFigure, Before: was[i], Now: is[i]})
		}
	}
}

// apart are the first lines in which two texts differ.
func apart(before, now string) (first, second string) {
	a, b := strings.Split(before, "\n"), strings.Split(now, "\n")
	for i := range max(len(a), len(b)) {
		first, second = at(a, i), at(b, i)
		if first != second {
			break
		}
	}
	return first, second
}

// at is a line of a list, and nothing past its end: the lists may be of different lengths.
func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// tables compares as much of each table as an answer keeps.
func (c *comparison) tables(before, now []approval.Grid) {
	if len(before) != len(now) {
		c.add(approval.Difference{What: approval.DifferentTables, Before: count(len(before)), Now: count(len(now))})
	}
	for i := range min(len(before), len(now)) {
		was, is := before[i], now[i]
		name := is.Title
		if was.Title != is.Title || !slices.Equal(was.Columns, is.Columns) {
			c.add(approval.Difference{What: approval.DifferentColumns, Name: name, Before: strings.Join(was.Columns, ", "), Now: strings.Join(is.Columns, ", ")})
			// With other columns no cell has its counterpart: each would be told as a difference.
			continue
		}
		if was.TotalRows != is.TotalRows {
			c.add(approval.Difference{What: approval.DifferentRows, Name: name, Before: count(was.TotalRows), Now: count(is.TotalRows)})
		}
		for row := range min(len(was.Rows), len(is.Rows)) {
			for col := range is.Columns {
				if old, new := at(was.Rows[row], col), at(is.Rows[row], col); old != new {
					c.add(approval.Difference{What: approval.DifferentCell, Name: name, Row: row + 1, Column: is.Columns[col], Before: old, Now: new})
				}
			}
		}
	}
}

// files compares what came out as files by their hashes.
func (c *comparison) files(before, now []approval.Artifact) {
	was, is := hashes(before), hashes(now)
	for _, a := range before {
		if was[a.Name] != is[a.Name] {
			c.add(approval.Difference{What: approval.DifferentFile, Name: a.Name, Before: was[a.Name], Now: is[a.Name]})
		}
	}
	for _, a := range now {
		if was[a.Name] == "" {
			c.add(approval.Difference{What: approval.DifferentFile, Name: a.Name, Now: is[a.Name]})
		}
	}
}

// forgotten tells of a file whose content is not kept any more. An empty one has no bytes rather than none.
func forgotten(a approval.Artifact) bool { return a.Data == nil }

// hashes tells files apart by what they hold, by their names.
func hashes(files []approval.Artifact) map[string]string {
	sums := map[string]string{}
	for _, f := range files {
		sums[f.Name] = approval.Hash(f.Data)
	}
	return sums
}

func count(n int) string { return strconv.Itoa(n) }
