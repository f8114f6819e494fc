package pack

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ruled are versions of rules as the log has set them, by workspace and the name that a seal has for them. Of one that
// was set before the pack begins the pack brings the entry along (grounds.go).
type ruled map[string]*tiers

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

type tierRules struct {
	Approvals   int  `json:"approvals"`
	Owners      bool `json:"owners"` // of people who are named for the channel itself
	Typed       bool `json:"typed"`
	Slack       bool `json:"slack"` // false: at a terminal only
	LineSeconds int  `json:"line_seconds"`
	Hourly      int  `json:"hourly"`
}

// mostReading is the longest that anybody has to wait after opening code, however long it is.
const mostReading = 120

// reading is how many seconds after opening code of so many lines it may be approved.
func (t tierRules) reading(lines int) int { return min(lines*t.LineSeconds, mostReading) }

// take remembers what an event has set; that rules were taken away sets none.
func (r ruled) take(team string, e event) {
	name := e.fact("channel")
	if name == "" {
		name = "team"
	}
	text, err := json.Marshal(e.Data["rules"])
	if err != nil || string(text) == "null" {
		return
	}
	t := new(tiers)
	if json.Unmarshal(text, t) == nil {
		r[team+" "+name+"/"+e.fact("version")] = t
	}
}

// words say what it took to approve a version, by the rules that its seal names.
func (r ruled) words(team string, v *Version) string {
	if v.Rules == "" && v.Tier == "" {
		return "What it took is not in this pack."
	}
	takes := v.Approvals + " approval"
	if v.Approvals != "1" {
		takes = v.Approvals + " approvals by different people"
	}
	said := fmt.Sprintf("%s risk. By %s it took %s", capital(v.Tier), rulesWords(v.Rules), takes)
	t, known := r[team+" "+v.Rules].of(v.Tier)
	switch {
	case known:
	case strings.Contains(v.Rules, "/"): // a version that somebody has set
		return said + ". What else they asked for is not in this pack."
	case v.Tier == "high":
		return said + ", given by a reviewer who neither asked nor wrote it. How soon after opening the code, and how many in an hour, the settings say, which are not in the log."
	default:
		return said + ", given by a reviewer who neither asked nor wrote it."
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
	return said + "."
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
				list = append(list, took{v.Number, r.words(d.Team, v)})
			}
		}
	}
	return list
}
