package pack

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ruled are versions of rules as the log has set them, by the name that a seal has for them. A pack that begins later
// has not all of them, and a selection has none: then the page says what the seal alone tells.
type ruled map[string]*tiers

// tiers are what each risk takes.
type tiers struct {
	Low    tierRules `json:"low"`
	Medium tierRules `json:"medium"`
	High   tierRules `json:"high"`
	set    string    // the stream that has set them
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
	Owners      bool `json:"owners"` // of people who are named for the channel itself
	Typed       bool `json:"typed"`
	Slack       bool `json:"slack"` // false: at a terminal only
	LineSeconds int  `json:"line_seconds"`
	Hourly      int  `json:"hourly"`
}

// newTiers reads rules from the event that has set them; nil where it took them away.
func newTiers(e event) (name string, t *tiers) {
	name = e.fact("channel")
	if name == "" {
		name = "team"
	}
	name += "/" + e.fact("version")
	text, err := json.Marshal(e.Data["rules"])
	if err == nil && string(text) != "null" {
		t = &tiers{set: e.Stream}
		err = json.Unmarshal(text, t)
	}
	if err != nil {
		return name, nil
	}
	return name, t
}

// take remembers what a story has set. Two workspaces may call different rules alike, and a seal does not say
// whose it means: then nothing is said of either.
func (r ruled) take(s *Story) {
	for name, t := range s.Rules {
		if before, known := r[name]; known && (before == nil || t == nil || before.set != t.set) {
			t = nil
		}
		r[name] = t
	}
}

// words say what it took to approve a version, by the rules that were in force when it was sealed.
func (r ruled) words(v *Version) string {
	if v.Rules == "" && v.Tier == "" {
		return "What it took is not in this pack."
	}
	takes := v.Approvals + " approval"
	if v.Approvals != "1" {
		takes = v.Approvals + " approvals by different people"
	}
	said := fmt.Sprintf("%s risk. By %s it took %s", capital(v.Tier), rulesWords(v.Rules), takes)
	t, known := r[v.Rules].of(v.Tier)
	switch {
	case known:
	case strings.Contains(v.Rules, "/"): // a version that somebody has set
		return said + ". What else they asked for is not in this pack."
	default:
		return said + ", given by a reviewer who neither asked nor wrote it."
	}
	each, whose := "given by any", ""
	if t.Owners {
		each, whose = "given by a", " is named for the channel itself and"
	}
	if v.Approvals != "1" {
		each = "each a"
	}
	said += ", " + each + " reviewer who" + whose + " neither asked nor wrote it"
	if t.Slack {
		said += ", in Slack or at a terminal"
	} else {
		said += ", at a terminal only"
	}
	if t.Typed {
		said += ", with the beginning of the seal typed by hand"
	}
	if t.LineSeconds > 0 {
		said += fmt.Sprintf(", and not before the code had been open for %s a line", several(t.LineSeconds, "second", "seconds"))
	}
	if t.Hourly > 0 {
		said += fmt.Sprintf("; one person approves %d of them in an hour at most", t.Hourly)
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
				list = append(list, took{v.Number, r.words(v)})
			}
		}
	}
	return list
}
