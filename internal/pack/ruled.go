package pack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ruled are versions of rules as the log has set them, by workspace and channel ("team": of the workspace). Of one that
// was set before the pack begins the pack brings the entry along (grounds.go).
type ruled map[string][]version

// version is one of them. Without tiers the rules were taken away.
type version struct {
	position int64
	name     string // that a seal has for it
	tiers    *tiers
}

// tiers are what each risk takes, and what lifts it.
type tiers struct {
	Low        tierRules `json:"low"`
	Medium     tierRules `json:"medium"`
	High       tierRules `json:"high"`
	CostMedium int64     `json:"cost_medium"` // from which cap on a program is at least medium; 0: none
	CostHigh   int64     `json:"cost_high"`
	Class      string    `json:"class"` // of the data
	Hosts      []string  `json:"hosts"` // that code may reach
}

// of are those of one risk; false: nothing is known of it.
func (t *tiers) of(tier string) (tierRules, bool) {
	if t == nil {
		return tierRules{}, false
	}
	switch tier {
	case "low":
		return t.Low, true
	case "medium":
		return t.Medium, true
	case "high":
		return t.High, true
	}
	return tierRules{}, false
}

// with are rules of which none is laxer than the other's, as a file brings those of a stricter channel along.
// t is a copy, but Hosts is cloned as well: DeleteFunc would empty places of the original.
func (t tiers) with(o *tiers) *tiers {
	t.Low, t.Medium, t.High = t.Low.with(o.Low), t.Medium.with(o.Medium), t.High.with(o.High)
	t.CostMedium, t.CostHigh = lower(t.CostMedium, o.CostMedium), lower(t.CostHigh, o.CostHigh)
	if o.Class == "confidential" {
		t.Class = o.Class
	}
	// A host is allowed where both allow it; of everything else the higher demand counts.
	t.Hosts = slices.DeleteFunc(slices.Clone(t.Hosts), func(host string) bool { return !slices.Contains(o.Hosts, host) })
	return &t
}

// with takes of each demand the stricter one.
func (t tierRules) with(o tierRules) tierRules {
	return tierRules{max(t.Approvals, o.Approvals), t.Owners || o.Owners, t.Typed || o.Typed, t.Slack && o.Slack, max(t.LineSeconds, o.LineSeconds), lower(t.Hourly, o.Hourly)}
}

// lower is the lower of two marks; 0 is none.
func lower[N int | int64](a, b N) N {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// tierRules are the fields of a risk's rules that an approval can be held against.
type tierRules struct {
	Approvals   int  `json:"approvals"`
	Owners      bool `json:"owners"` // of people who are named for the channel itself
	Typed       bool `json:"typed"`
	Slack       bool `json:"slack"` // false: at a terminal only
	LineSeconds int  `json:"line_seconds"`
	Hourly      int  `json:"hourly"`
}

// mostReading is the longest that anybody has to wait after opening code, however long it is: two minutes. A later approval is
// no surer sign that it was read.
const mostReading = 120

// reading is how many seconds after opening code of so many lines it may be approved.
func (t tierRules) reading(lines int) int { return min(lines*t.LineSeconds, mostReading) }

// take remembers what an event has set.
// Rules that were taken away stay in the list without tiers, so that latest finds that there are none.
func (r ruled) take(team string, e event, at int64) {
	channel := cmp.Or(e.fact("channel"), "team")
	v := version{position: at, name: channel + "/" + e.fact("version")}
	if text, err := json.Marshal(e.Data["rules"]); err == nil && string(text) != "null" {
		t := new(tiers)
		// Not understood, so not known: approvals by it are said to be.
		if json.Unmarshal(text, t) != nil {
			return
		}
		v.tiers = t
	}
	r[team+" "+channel] = append(r[team+" "+channel], v)
}

// named is what stood in a version of rules before a place in the log; nil: nothing here had set it.
func (r ruled) named(team, name string, before int64) (t *tiers) {
	channel, _, _ := strings.Cut(name, "/")
	for _, v := range r[team+" "+channel] {
		// The last of that name: a version number that was set twice is one row in the schema, but two events are possible.
		if v.position < before && v.name == name && v.tiers != nil {
			t = v.tiers
		}
	}
	return t
}

// latest are the rules of a channel before a place in the log; nil: it had none, or they were taken away.
func (r ruled) latest(team, channel string, before int64) (t *tiers) {
	for _, v := range r[team+" "+channel] {
		if v.position < before {
			t = v.tiers
		}
	}
	return t
}

// joint are all rules that a seal names: those of its channel, and those that files brought along. Of each the stricter holds.
type joint struct {
	names   []string
	tiers   *tiers   // of those that are here, so none of them is laxer; nil: none is
	missing []string // that are not here; of the settings no log tells
}

// joint puts together what a seal names.
func (r ruled) joint(team, policy string, brought []string, before int64) (j joint) {
	j.names = append([]string{policy}, brought...)
	for _, name := range j.names {
		switch t := r.named(team, name, before); {
		case t != nil && j.tiers != nil:
			j.tiers = j.tiers.with(t)
		case t != nil:
			j.tiers = t
		case strings.Contains(name, "/"): // a version that somebody has set
			j.missing = append(j.missing, name)
		}
	}
	return j
}

// versionsWords name rules as rulesWords does.
func versionsWords(names []string) string {
	words := make([]string, 0, len(names))
	for _, name := range names {
		words = append(words, rulesWords(name))
	}
	return strings.Join(words, " and ")
}

// By names the rules that a version's seal names.
func (v *Version) By() string { return versionsWords(append([]string{v.Rules}, v.Brought...)) }

// words say what it took to approve a version, by the rules that its seal names, as they stood before a place in the log.
//
//	High risk. By version 3 of the workspace's rules it took 2 approvals by different people, each by a reviewer who
//	neither asked nor wrote it, in Slack or at a terminal, not sooner after first opening the code than 1 second a line …
func (r ruled) words(team string, v *Version, before int64) string {
	if v.Tier == "" {
		return "What it took is not in this pack."
	}
	takes := v.Approvals + " approval"
	if v.Approvals != "1" {
		takes = v.Approvals + " approvals by different people"
	}
	said := fmt.Sprintf("%s risk. By %s it took %s", capital(v.Tier), v.By(), takes)
	j := r.joint(team, v.Rules, v.Brought, before)
	unset := "" // what the settings alone say
	if v.Tier == "high" && !strings.Contains(v.Rules, "/") {
		unset = " How soon after opening the code, and how many in an hour, the settings say, which are not in the log."
	}
	t, known := j.tiers.of(v.Tier)
	switch {
	case known:
	case len(j.missing) > 0:
		return said + ". What else they asked for is not in this pack."
	default:
		return said + ", given by a reviewer who neither asked nor wrote it." + unset
	}
	each, whose := "given by any", ""
	if t.Owners {
		each, whose = "given by a", " is named for the channel itself and"
	}
	if v.Approvals != "1" {
		each = "each by a"
	}
	said += ", " + each + " reviewer who" + whose + " neither asked nor wrote it"
	if t.Slack {
		said += ", in Slack or at a terminal"
	} else {
		said += ", at a terminal only"
	}
	if t.LineSeconds > 0 {
		said += fmt.Sprintf(", not sooner after first opening the code than %s a line (two minutes at most)", several(t.LineSeconds, "second", "seconds"))
	}
	if t.Hourly > 0 {
		said += fmt.Sprintf(", and not more than %d of this risk by one person in an hour", t.Hourly)
	}
	if t.Typed {
		said += ". The beginning of the seal had to be typed, too; whether it was, the log does not say"
	}
	if len(j.missing) > 0 {
		said += ". What else was asked for by " + versionsWords(j.missing) + " is not in this pack"
	}
	return said + "." + unset
}

// took is what the rules asked for of a version that somebody has decided on.
type took struct{ Version, Words string }

// took lists them, in the order in which they were decided on.
func (r ruled) took(s *Story) (list []took) {
	seen := map[string]bool{}
	for _, d := range s.Decisions {
		for _, v := range s.Versions {
			if v.Number == d.Number && !seen[v.Number] {
				seen[v.Number] = true
				list = append(list, took{v.Number, r.words(d.Team, v, d.Position)})
			}
		}
	}
	return list
}
