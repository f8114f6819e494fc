package pack

import (
	"encoding/json"
	"fmt"
	"maps"
)

// A run needs as many approvals as were sealed with its version, or a glass that somebody has broken for it: the one
// exception. The verifier counts both from the events alone. Of a request that began before the pack does, it
// cannot know all that was said, and says nothing of versions that it has not seen come.

// sealed is a version of the code while its request is read.
type sealed struct {
	manifest [32]byte         // the value that says how many approvals it takes
	voices   map[string]voice // who has approved it, or in whose place
	glass    bool             // somebody has broken the glass for it
}

// voice is an approval.
type voice struct {
	giver    string
	unsigned bool // given at another door than Slack, and no key has signed it: for high risk that is none
}

// need is what a manifest seals of approvals.
type need struct {
	approvals int // 0: its text is not here
	high      bool
}

// people are who asked, and who wrote the last version. Neither of them has a voice.
type people struct{ asker, author string }

// ran is a version that was started.
type ran struct {
	name     string // of the entry
	request  string
	manifest [32]byte
	signed   int // approvals that count whatever the risk is
	unsigned int // and those that do not for high risk
	glass    bool
}

// count remembers who stands behind a version, until it is started.
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
			n.writers[id] = people{who.asker, e.Actor}
		}
		manifest, err := key(e.value("manifest"))
		if err == nil {
			n.versions[version] = &sealed{manifest: manifest, voices: map[string]voice{}}
			n.needs[manifest] = need{}
		}
	case kindApproved:
		whose := e.fact("in_place_of")
		if whose == "" {
			whose = e.Actor
		}
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
	case kindStarted:
		switch {
		case v != nil:
			r := ran{name: s.name(at), request: id, manifest: v.manifest, glass: v.glass}
			for _, one := range v.voices {
				if one.unsigned {
					r.unsigned++
				} else {
					r.signed++
				}
			}
			n.ran = append(n.ran, r)
			delete(n.versions, version)
		case n.requests[id]: // all of it is here, and nobody was shown this version, or it was started before
			n.ran = append(n.ran, ran{name: s.name(at), request: id})
		}
	}
}

// whole tells whether a broken glass says why, and who else was told: two others, not its giver.
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

// sealedNeed takes from the text of a manifest how many approvals it seals, and which readings.
func (n *entries) sealedNeed(manifest [32]byte, text []byte) {
	if _, is := n.needs[manifest]; !is {
		return
	}
	var m struct {
		Approvals int    `json:"approvals"`
		Tier      string `json:"tier"`
		Inputs    []struct {
			Reading any `json:"reading"`
		} `json:"inputs"`
	}
	if json.Unmarshal(text, &m) != nil {
		return
	}
	n.needs[manifest] = need{max(1, m.Approvals), m.Tier == "high"}
	for _, in := range m.Inputs {
		if named, is := in.Reading.(string); is {
			if reading, err := key(named); err == nil {
				n.readings[reading] = true
			}
		}
	}
}

// runs holds every run against what stood behind it.
func (v *verifier) runs() error {
	for _, r := range v.entries.ran {
		sealed := v.entries.needs[r.manifest]
		need, voices := max(1, sealed.approvals), r.signed
		if !sealed.high {
			voices += r.unsigned
		}
		switch {
		case r.glass:
			v.report.Unapproved = append(v.report.Unapproved, r.request)
		case voices < need && sealed.high && r.unsigned > 0:
			return broken(r.name, "it has run with %d of %d approvals: for high risk one that was given outside of Slack needs the signature of its giver's key", voices, need)
		case voices < need:
			return broken(r.name, "it has run with %d of %d approvals, and nobody has broken the glass for it", voices, need)
		case sealed.approvals == 0:
			v.report.Unknown = append(v.report.Unknown, r.request)
		}
	}
	return nil
}

// value is the hash by which an event names something that was said.
func (e event) value(field string) string {
	named, _ := e.Data[field].(map[string]any)
	hash, _ := named[salted].(string)
	return hash
}
