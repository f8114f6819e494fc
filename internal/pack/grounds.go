package pack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Who was named a reviewer, by which rules, and when a key was registered, stands in streams of a workspace. A selection has
// none of them, as they tell of others, and a pack that begins later lacks what came before. So a pack brings along the entries that
// bear on its decisions: each has its place in the log, and is proven like any other. That none is held back which
// speaks against a decision is the installation's word, bound like the page.

// Bearing is what a pack has to bring along, of one workspace.
type Bearing struct {
	Team   string
	People []string // who has decided, or in whose place
	Rules  []string // the versions that seals name, such as "team/3"
}

// bearing lists what the decisions of a pack rest on. Maker and verifier both could; only the maker asks, since what is missing
// can be seen by nobody from outside.
// It is asked when all entries of the pack and the texts of its seals are read, since the rules are named in
// the seals.
func (n *entries) bearing() (list []Bearing) {
	people, rules := map[string]map[string]bool{}, map[string]map[string]bool{}
	for _, d := range n.book.ballots {
		if people[d.team] == nil {
			people[d.team], rules[d.team] = map[string]bool{}, map[string]bool{}
		}
		people[d.team][d.who], people[d.team][d.voice] = true, true
		seal := n.sealOf(d)
		for _, name := range append([]string{seal.policy}, seal.brought...) {
			// Rules of the server's settings have no slash, and stand in no entry.
			if strings.Contains(name, "/") {
				rules[d.team][name] = true
			}
		}
	}
	for _, team := range slices.Sorted(maps.Keys(people)) {
		list = append(list, Bearing{team, slices.Sorted(maps.Keys(people[team])), slices.Sorted(maps.Keys(rules[team]))})
	}
	return list
}

// Bears tells whether an entry's event is one of those.
func (b Bearing) Bears(line json.RawMessage) bool {
	e, err := read(line)
	if err != nil {
		return false
	}
	switch e.Kind {
	case kindSetRules:
		channel := cmp.Or(e.fact("channel"), "team")
		return e.Stream == "rules:"+b.Team && slices.Contains(b.Rules, channel+"/"+e.fact("version"))
	case kindNamed, kindRemoved:
		return e.Stream == "people:"+b.Team && slices.Contains(b.People, e.fact("person"))
	case kindRegisteredKey, kindRemovedKey:
		return e.Stream == "people:"+b.Team && slices.Contains(b.People, e.Actor)
	case kindDelegated, kindDelegationEnded:
		return e.Stream == "people:"+b.Team && slices.Contains(b.People, cmp.Or(e.fact("from"), e.Actor))
	}
	return false
}

// ground takes what an entry that was brought along says: of people, rules and keys alone. A decision that was brought along
// would have no request around it to be judged by.
func (n *entries) ground(e event, at int64) {
	n.book.house(e, at)
	n.keyring.house(e, at)
}

// groundsRead are the entries that were brought along. Those of places within the pack have to be the entries of these
// places (places); the others are proven here.
// It comes before places, because whoever judges has to know roles and rules that were set before the pack
// begins.
func (v *verifier) groundsRead() error {
	last, proofs := int64(-1), v.proof.Grounds
	err := v.lines(fileGrounds, func(line []byte) error {
		var g Entry
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&g); err != nil || g.Event == nil {
			return broken("an entry that was brought along", "it cannot be read")
		}
		what := fmt.Sprintf("entry %d, which was brought along", g.Position)
		e, err := read(g.Event)
		switch {
		case !bytes.Equal(append(bytes.Clone(line), '\n'), g.line()):
			return broken(what, "it is not spelled as entries are")
		case sum(g.Event) != g.Hash || err != nil:
			return broken(what, "its content has been changed")
		case !e.spelled(g.Event):
			return broken(what, "it is not spelled as events are, so programs may read it differently")
		case g.Position <= last || g.Position >= v.report.Last:
			return broken(what, "it stands in another place, or twice")
		case g.Position >= v.report.First:
			v.entries.grounds[g.Position] = g.Hash
		default:
			// Entries from before the pack have no tree around them here, so each brings its own proof, in the same order.
			if len(proofs) == 0 || len(v.points) == 0 || !v.points[len(v.points)-1].Includes(g.Position, g.Hash, proofs[0]) {
				return broken(what, "no checkpoint covers it, so it is not of this log")
			}
			proofs = proofs[1:]
		}
		last = g.Position
		v.entries.ground(e, g.Position)
		return nil
	})
	if err == nil && len(proofs) > 0 {
		err = broken("an entry that was brought along", "it is left out, and its proof is there")
	}
	return err
}

// beginnings hold the streams that a selection shows from their middle on against what it leaves out: what came before the
// pack begins is not in it, and what came since has to be. The first 64 bits of a hash are enough to find it: a log may have millions.
type beginnings struct {
	left  []uint64 // of entries that are left out
	begun []beginning
}

// beginning is the first event that is shown of a stream, where others came before it.
type beginning struct {
	position, seq int64
	stream, prev  string
}

// bits are the first 64 of a hash; 0 where it is none.
func bits(hash string) uint64 {
	n, _ := strconv.ParseUint(hash[:min(16, len(hash))], 16, 64)
	return n
}

// leaves remembers an entry that is left out.
func (b *beginnings) leaves(hash string) { b.left = append(b.left, bits(hash)) }

// shown finds a stream whose beginning lies in the pack and is left out.
func (b *beginnings) shown() error {
	slices.Sort(b.left)
	for _, one := range b.begun {
		if _, left := slices.BinarySearch(b.left, bits(one.prev)); left {
			return broken(fmt.Sprintf("event %d of %s", one.seq-1, one.stream), "it is left out, and entry %d, which continues it, is shown", one.position)
		}
	}
	return nil
}
