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
	all := r[v.Rules]
	t, known := tierRules{}, all != nil
	if known {
		t, known = map[string]tierRules{"low": all.Low, "medium": all.Medium, "high": all.High}[v.Tier], v.Tier == "low" || v.Tier == "medium" || v.Tier == "high"
	}
	if !known {
		if _, versioned := strings.CutPrefix(v.Rules, "team/"); versioned || strings.Contains(v.Rules, "/") {
			return said + ". What else they asked for is not in this pack."
		}
		return said + ", given by a reviewer who neither asked nor wrote it."
	}
	who := ", given by any reviewer who neither asked nor wrote it"
	if t.Owners {
		who = ", given by a reviewer who is named for the channel itself and neither asked nor wrote it"
	}
	if v.Approvals != "1" {
		who = strings.Replace(strings.Replace(who, "given by any", "each a", 1), "given by a", "each a", 1)
	}
	said += who
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
