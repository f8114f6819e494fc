package pack

import (
	"strings"
	"time"
)

// A decision that an SSH key has signed counts if its giver has had that key for a day: time to read that it was
// registered, and to say that it was not them. Who registered which key stands in a stream of the workspace, or was brought along (grounds.go).

// keyDay is how long somebody has a key before it signs for them. approval/review has the same (KeyAge); the verifier reckons
// by itself.
const keyDay = 24 * time.Hour

// registered is a word on a key of somebody, in the order of the log.
type registered struct {
	position int64
	at       time.Time
	removed  bool
}

// signature is a decision that a key has signed.
type signature struct {
	name, request string
	whose         string // key: by workspace, person and line
	position      int64
	at            time.Time
}

// keyring are the keys of all people, and what was signed by them.
type keyring struct {
	keys   map[string][]registered // by workspace, person and key
	signed []signature
}

// house takes what an event says of keys.
func (k *keyring) house(e event, at int64) {
	if team, is := strings.CutPrefix(e.Stream, "people:"); is && (e.Kind == kindRegisteredKey || e.Kind == kindRemovedKey) {
		whose := team + " " + e.Actor + " " + e.fact("key")
		k.keys[whose] = append(k.keys[whose], registered{at, e.At, e.Kind == kindRemovedKey})
	}
}

// take remembers what an entry says of keys.
func (k *keyring) take(s seen, at int64) {
	e := s.event
	k.house(e, at)
	click, _ := e.Data["click"].(map[string]any)
	line, _ := click["key"].(string)
	if verdicts[e.Kind] == "" || line == "" {
		return
	}
	team, _ := click["team"].(string)
	k.signed = append(k.signed, signature{s.name(at), e.request(), team + " " + e.Actor + " " + line, at, e.At})
}

// last is the last word on a key before a place in the log. Entries that were brought along may come in any order.
// said is false where no word on this key comes before that place: then it was not registered at all.
func (k *keyring) last(whose string, before int64) (word registered, said bool) {
	for _, one := range k.keys[whose] {
		if one.position < before && (!said || one.position > word.position) {
			word, said = one, true
		}
	}
	return word, said
}

// signatures holds each against the day.
func (v *verifier) signatures() {
	k := &v.entries.keyring
	for _, s := range k.signed {
		fault := Fault{Position: s.position, Name: s.name, Request: s.request}
		switch key, said := k.last(s.whose, s.position); {
		case !said:
			fault.Says = "its giver had not registered the SSH key that signed it"
		case key.removed:
			fault.Says = "its giver had removed the SSH key that signed it"
		case key.at.After(s.at.Add(-keyDay)):
			fault.Says = "its giver had not had the SSH key that signed it for 24 hours"
		default:
			continue
		}
		v.fault(fault)
	}
}
