package pack

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A run needs as many approvals as were sealed with its version, or a glass that somebody has broken for it: the one
// exception. The verifier counts both from the events alone. Of a request that began before the pack does, it
// cannot know all that was said, and says so of versions that it has not seen come.

// sealed is a version of the code while its request is read. It is dropped when it was started: a log of years has many.
// glass and voices are of this version alone: the next one begins without either.
type sealed struct {
	manifest [32]byte         // the value that says how many approvals it takes
	shown    *shown           // what else of it came before reviewers
	voices   map[string]voice // who has approved it, or in whose place
	glass    bool             // somebody has broken the glass for it
}

// voice is an approval. It is counted by whose it is: two in the place of one person are one.
type voice struct {
	giver    string
	unsigned bool // given at another door than Slack, and no key has signed it: for high risk that is none
}

// need is what a manifest seals of approvals, and what its rules bear on.
type need struct {
	approvals    int // 0: its text is not here
	tier, policy string
	brought      []string // versions of stricter rules that files brought along
	network      []string
	cap          int64
	code, sha    string // the sha256 of the code, and of the manifest itself
}

// written is code as far as rules bear on it.
type written struct {
	lines int
	sha   string // empty: it is not here
}

// people are who asked, and who wrote the last version. Neither of them has a voice.
type people struct {
	asker, author string
	former        []string // who wrote the versions before
}

// ran is a version that was started.
type ran struct {
	name     string // of the entry
	position int64
	request  string
	manifest [32]byte
	signed   int // approvals that count whatever the risk is
	unsigned int // and those that do not for high risk
	glass    bool
	before   bool // it came before the pack begins, and all that was said of it may have
}

// finding is the worst that an inspection has found, where its text is here.
type finding struct {
	here  bool
	worst string // empty: nothing to be careful about
}

// count remembers who stands behind a version, until it is started.
// It is asked in the order of the log, and before judged: who asked and who wrote has to be known when somebody
// approves.
func (n *entries) count(s seen, at int64) {
	e := s.event
	id := e.request()
	version := fmt.Sprint(id, " ", e.fact("revision"), " ", e.fact("digest"))
	v, who := n.versions[version], n.writers[id]
	switch e.Kind {
	case kindAsked:
		n.writers[id] = people{asker: e.Actor}
	case kindDrafted, kindSealedAnew:
		if e.Kind == kindDrafted { // what is sealed anew was written by whoever wrote it
			n.writers[id] = people{who.asker, e.Actor, append(slices.Clone(who.former), who.author)}
		}
		manifest, err := key(e.value("manifest"))
		if err == nil {
			v := &shown{digest: e.fact("digest"), manifest: manifest, drafted: e.Kind == kindDrafted}
			n.versions[version] = &sealed{manifest: manifest, shown: v, voices: map[string]voice{}}
			// Wanted, and filled in when its text comes by (word): values stand in a later file than entries.
			n.needs[manifest] = need{}
			if v.code, err = key(e.value("code")); err == nil {
				n.codes[v.code] = written{}
			}
			if v.findings, err = key(e.value("findings_list")); err == nil {
				n.risks[v.findings] = finding{}
			}
		}
	case kindApproved:
		whose := e.fact("in_place_of")
		if whose == "" {
			whose = e.Actor
		}
		// What an asker or author said never counts, whether or not the installation let it happen.
		own := func(one string) bool { return one == who.asker || one == who.author }
		if v != nil && !own(e.Actor) && !own(whose) {
			v.voices[whose] = voice{e.Actor, elsewhere(e)}
		}
	case kindDisowned:
		if v != nil {
			maps.DeleteFunc(v.voices, func(whose string, v voice) bool { return e.Actor == whose || e.Actor == v.giver })
		}
	case kindBrokeGlass:
		if v != nil {
			v.glass = whole(e)
		}
	case kindFinished, kindLost:
		if !n.running[id] && n.requests[id] {
			n.ends = append(n.ends, Fault{Position: at, Name: s.name(at), Request: id, Says: "it tells of the end of a run, and none was under way"})
		}
		delete(n.running, id)
	case kindStarted:
		n.running[id] = true
		switch {
		case v != nil:
			r := ran{name: s.name(at), position: at, request: id, manifest: v.manifest, glass: v.glass}
			for _, one := range v.voices {
				if one.unsigned {
					r.unsigned++
				} else {
					r.signed++
				}
			}
			n.ran = append(n.ran, r)
			// A second start of it finds no version, and so no approvals: that is the fault.
			delete(n.versions, version)
		case n.requests[id]: // all of it is here, and nobody was shown this version, or it was started before
			n.ran = append(n.ran, ran{name: s.name(at), position: at, request: id})
		default:
			n.ran = append(n.ran, ran{name: s.name(at), position: at, request: id, before: true})
		}
	}
}

// whole tells whether a broken glass says why, and who else was told: two others, not its giver. One without is none, and a
// run by it is a run without approvals.
func whole(e event) bool {
	others := map[string]bool{}
	list, _ := e.Data["others"].([]any)
	for _, one := range list {
		if who, is := one.(string); is && who != "" && who != e.Actor {
			others[who] = true
		}
	}
	return len(others) >= 2 && len(others) == len(list) && e.value("reason") != ""
}

// word takes from the text of a value what the rules bear on: of a manifest how many approvals it seals, and which
// readings; of code how long it is; of what the inspection found how bad the worst is.
func (n *entries) word(key [32]byte, text []byte) {
	if _, is := n.codes[key]; is {
		n.codes[key] = written{strings.Count(string(text), "\n"), sum(text)}
	}
	if _, is := n.risks[key]; is {
		var found []struct{ Level string }
		if json.Unmarshal(text, &found) == nil {
			worst := ""
			for _, f := range found {
				if f.Level == "danger" || f.Level == "caution" && worst == "" {
					worst = f.Level
				}
			}
			n.risks[key] = finding{true, worst}
		}
	}
	if _, is := n.needs[key]; is {
		n.sealedNeed(key, text)
	}
}

// sealedNeed takes it from a manifest. Approvals are one at least: no seal can ask for none.
func (n *entries) sealedNeed(manifest [32]byte, text []byte) {
	var m struct {
		Approvals int      `json:"approvals"`
		Tier      string   `json:"tier"`
		Policy    string   `json:"policy"`
		Brought   []string `json:"brought"`
		Network   []string `json:"network"`
		CostCap   int64    `json:"cost_cap"`
		Code      string   `json:"code_sha256"`
		Inputs    []struct {
			Reading any `json:"reading"`
		} `json:"inputs"`
	}
	if json.Unmarshal(text, &m) != nil {
		return
	}
	n.needs[manifest] = need{max(1, m.Approvals), m.Tier, m.Policy, m.Brought, m.Network, m.CostCap, m.Code, sum(text)}
	for _, in := range m.Inputs {
		if named, is := in.Reading.(string); is {
			if reading, err := key(named); err == nil {
				n.readings[reading] = true
			}
		}
	}
}

// runs holds every run against what stood behind it. Where the text of a seal is not here, one approval is all that can be asked for.
// Where the pack begins in the middle of a request, earlier approvals are in none of its entries; count has
// then kept no version of it, and its run is a doubt.
func (v *verifier) runs() {
	v.report.Faults = append(v.report.Faults, v.entries.ends...)
	for _, r := range v.entries.ran {
		sealed := v.entries.needs[r.manifest]
		need, voices := max(1, sealed.approvals), r.signed
		if sealed.tier != "high" {
			voices += r.unsigned
		}
		fault := Fault{Position: r.position, Name: r.name, Request: r.request}
		switch {
		case r.before:
			fault.Says, fault.Unknown = "the version that ran came before this pack begins, so who stood behind its run is not known", true
			v.fault(fault)
		case r.glass:
			v.report.Unapproved = append(v.report.Unapproved, r.request)
		case voices < need && sealed.tier == "high" && r.unsigned > 0:
			fault.Says = fmt.Sprintf("it has run with %d of %d approvals: for high risk one that was given outside of Slack needs the signature of its giver's key", voices, need)
			v.fault(fault)
		case voices < need:
			fault.Says = fmt.Sprintf("it has run with %d of %d approvals, and nobody has broken the glass for it", voices, need)
			v.fault(fault)
		case sealed.approvals == 0:
			v.report.Unknown = append(v.report.Unknown, r.request)
		}
	}
}

// value is the hash by which an event names something that was said.
func (e event) value(field string) string {
	named, _ := e.Data[field].(map[string]any)
	hash, _ := named[salted].(string)
	return hash
}
