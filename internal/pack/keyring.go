package pack

import (
	"slices"
	"strings"
	"time"
)

// A decision that an SSH key has signed counts if its giver has had that key for a day: time to read that it was
// registered, and to say that it was not them. Who registered which key stands in a stream of the workspace. A pack that has
// not all of it may not say, and then the report says that it is not known.

// keyDay is how long somebody has a key before it signs for them.
const keyDay = 24 * time.Hour

// registered is the last word on a key of somebody.
type registered struct {
	at      time.Time
	removed bool
}

// signature is a decision that a key has signed, with the last word on that key before it; said is false where
// the pack has none.
type signature struct {
	name, team, request string
	at                  time.Time
	key                 registered
	said                bool
}

// keyring are the keys of all people, and what was signed by them.
type keyring struct {
	keys   map[string]registered // by workspace, person and key
	signed []signature
}

// take remembers what an event says of keys.
func (k *keyring) take(s seen, at int64) {
	e := s.event
	if team, is := strings.CutPrefix(e.Stream, "people:"); is {
		if e.Kind == kindRegisteredKey || e.Kind == kindRemovedKey {
			k.keys[team+" "+e.Actor+" "+e.fact("key")] = registered{e.At, e.Kind == kindRemovedKey}
		}
		return
	}
	click, _ := e.Data["click"].(map[string]any)
	line, _ := click["key"].(string)
	if verdicts[e.Kind] == "" || line == "" {
		return
	}
	team, _ := click["team"].(string)
	last, said := k.keys[team+" "+e.Actor+" "+line]
	k.signed = append(k.signed, signature{s.name(at), team, e.request(), e.At, last, said})
}

// signatures holds each against the day.
func (v *verifier) signatures() error {
	r := &v.report
	for _, s := range v.entries.keyring.signed {
		switch {
		case s.said && s.key.removed:
			return broken(s.name, "its giver had removed the SSH key that signed it")
		case s.said && s.key.at.After(s.at.Add(-keyDay)):
			return broken(s.name, "its giver had not had the SSH key that signed it for 24 hours")
		case s.said:
		case v.entries.panes.whole[s.team] || r.Complete() && r.First == 0:
			return broken(s.name, "its giver had not registered the SSH key that signed it")
		case !slices.Contains(r.Unregistered, s.request):
			r.Unregistered = append(r.Unregistered, s.request)
		}
	}
	return nil
}
