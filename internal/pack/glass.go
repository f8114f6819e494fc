package pack

import (
	"math"
	"slices"
	"strings"
	"time"
)

// The verifier holds a broken glass against what the schema asks of it, from the events alone: two others named the
// person a day before, no earlier one waited to be looked at, and two others looked at this one within a day. Who
// was named stands in a stream of the workspace; a selection does not have it, and then the report says that it is not known.

// glassDay is how long somebody has the role before they use it, and how long two others have to look at it. The schema has
// the same (migrations/0009_alone.sql); the verifier shares no code with it on purpose.
const glassDay = 24 * time.Hour

// glassLooks is how many others look at it.
const glassLooks = 2

// broke is a broken glass.
type broke struct {
	name, team, request, person, asker, version string // version: of the code
	position                                    int64
	at                                          time.Time
	looks                                       map[string]opening // the first of each person
	anew                                        time.Time          // when another version came in the place of this one: nothing ran by it, or not any more
	disowned                                    time.Time          // its giver says that it was not them
}

// looked is how many others had looked at it by a moment, and before a place in the log.
func (b *broke) looked(by time.Time, before int64) (n int) {
	for who, look := range b.looks {
		if who != b.person && who != b.asker && !look.at.After(by) && look.position < before {
			n++
		}
	}
	return n
}

// stood tells whether it was the word on its request at a moment.
func (b *broke) stood(at time.Time) bool {
	return !b.at.After(at) && (b.anew.IsZero() || b.anew.After(at))
}

// grant is that somebody was given the role of break-glass, or had it taken away.
type grant struct {
	position   int64
	person, by string
	at         time.Time
	taken      bool
}

// panes are all of them, with who was named for it in each workspace.
// It judges at the end (glasses) and not on the way: the looks come after the breaking, and may be missing
// because the pack ends.
type panes struct {
	broken []*broke
	named  map[string][]grant // by workspace, in the order of the log
	whole  map[string]bool    // of these workspaces nothing about people is missing
	until  time.Time          // the last entry that is shown
}

// take remembers what an event says of break-glass. It is asked in the order of the log.
func (p *panes) take(s seen, at int64, writers map[string]people) {
	e := s.event
	if e.At.After(p.until) {
		p.until = e.At
	}
	if team, is := strings.CutPrefix(e.Stream, "people:"); is {
		if e.Seq == 1 {
			// Its first event is here, and entries leaves no gap behind it.
			p.whole[team] = true
		}
		if (e.Kind == kindNamed || e.Kind == kindRemoved) && e.fact("role") == "break-glass" {
			p.named[team] = append(p.named[team], grant{at, e.fact("person"), e.Actor, e.At, e.Kind == kindRemoved})
		}
		return
	}
	last := func(version string) *broke {
		for _, b := range slices.Backward(p.broken) {
			if b.request == e.request() && (version == "" || b.version == version) {
				return b
			}
		}
		return nil
	}
	switch e.Kind {
	case kindBrokeGlass:
		click, _ := e.Data["click"].(map[string]any)
		team, _ := click["team"].(string)
		p.broken = append(p.broken, &broke{name: s.name(at), position: at, team: team, request: e.request(), person: e.Actor, asker: writers[e.request()].asker, version: e.fact("revision"), at: e.At, looks: map[string]opening{}})
	case kindLookedAtGlass:
		if b := last(e.fact("revision")); b != nil {
			if _, before := b.looks[e.Actor]; !before {
				b.looks[e.Actor] = opening{at, e.At}
			}
		}
	case kindDisownedGlass:
		if b := last(e.fact("revision")); b != nil && b.person == e.Actor && b.disowned.IsZero() {
			b.disowned = e.At
		}
	case kindDrafted, kindSealedAnew:
		if b := last(""); b != nil && b.anew.IsZero() {
			b.anew = e.At
		}
	}
}

// rested is when the role was last taken from everybody in a workspace, before a glass was broken: nobody had looked in time, or somebody said
// that it was not them.
// It is zero where the role never rested. Names that were given before that moment do not count any more
// (since).
func (p *panes) rested(team string, glass *broke) (at time.Time) {
	moment := glass.at
	for _, b := range p.broken {
		if b.team != team {
			continue
		}
		// It rests from the end of the day in which two had to look, not from when somebody noticed.
		if end := b.at.Add(glassDay); !end.After(moment) && b.stood(moment) && b.looked(end, glass.position) < glassLooks && end.After(at) {
			at = end
		}
		if !b.disowned.IsZero() && !b.disowned.After(moment) && b.disowned.After(at) {
			at = b.disowned
		}
	}
	return at
}

// since is when the second of two others had named whoever broke a glass; zero where two had not, or it was taken away since.
func (p *panes) since(glass *broke) time.Time {
	team, who := glass.team, glass.person
	first, rested := map[string]time.Time{}, p.rested(team, glass)
	for _, n := range p.named[team] {
		switch {
		case n.person != who || n.position > glass.position:
		// Whoever has it again later needs the word of two others, and a day, anew.
		case n.taken:
			clear(first)
		case n.by != who && n.at.After(rested):
			if _, before := first[n.by]; !before {
				first[n.by] = n.at
			}
		}
	}
	times := make([]time.Time, 0, len(first))
	for _, at := range first {
		times = append(times, at)
	}
	slices.SortFunc(times, time.Time.Compare)
	// One administrator's word is none, however often it was said.
	if len(times) < 2 {
		return time.Time{}
	}
	return times[1]
}

// glasses holds each against the day and the looks.
// Three results are told apart: a fault (the role was too young, or an earlier glass waited), a doubt that is
// no fault (who was named is not here), and a fact (nobody has looked, or it was disowned).
func (v *verifier) glasses() {
	p, r := &v.entries.panes, &v.report
	for i, b := range p.broken {
		since := p.since(b)
		switch {
		case !p.whole[b.team]:
			r.Unnamed = append(r.Unnamed, b.request)
		case since.IsZero() || since.After(b.at.Add(-glassDay)):
			v.fault(Fault{Position: b.position, Name: b.name, Request: b.request, Says: "whoever broke the glass had not had the role for 24 hours by the word of two others"})
		}
		for _, before := range p.broken[:i] {
			if before.team == b.team && before.stood(b.at) && before.looked(b.at, b.position) < glassLooks {
				v.fault(Fault{Position: b.position, Name: b.name, Request: b.request, Says: "the glass was broken while the one before it (" + before.name + ") had not been looked at by two others"})
				break
			}
		}
		end := b.at.Add(glassDay)
		switch {
		case !b.disowned.IsZero():
			r.Disowned = append(r.Disowned, b.request)
		case !b.stood(end) || b.looked(end, math.MaxInt64) >= glassLooks:
		case p.until.Before(end):
			r.Unlooked = append(r.Unlooked, b.request+" (the pack ends before the 24 hours do)")
		default:
			r.Unlooked = append(r.Unlooked, b.request)
		}
	}
}
