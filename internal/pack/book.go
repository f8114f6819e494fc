package pack

import (
	"strings"
	"time"
)

// What the log says of rules and of people, and every decision with what the verifier needs to hold it against them. All of
// it comes from entries in the order of the log: those of the pack, and those that it brings along for this (grounds.go).

// book is what the log says.
type book struct {
	ruled ruled
	roles map[string][]role // by workspace and person, in the order of the log
	lent  map[string][]lent // by workspace and whose place it is

	channels map[string]string      // by request, where it was asked
	opened   map[string]time.Time   // by request, version and person: when they first opened the code
	wishes   map[string][]string    // by request: who has asked for changes, or in whose place
	voices   map[string][]voiced    // by request, version and digest: who has decided, in the order of the log
	ballots  []*ballot              // of this pack, in the order of the log
	given    map[string][]time.Time // approvals by workspace, person and risk: filled in when all seals are read
	begins   time.Time              // of the first entry
}

// role is that somebody was named for one, or that it was taken from them.
type role struct {
	name, channel, by string
	at                time.Time
	taken             bool
}

// lent is that somebody may decide in another's place until a time; or, with nobody named, that nobody may any more.
type lent struct {
	to        string
	at, until time.Time
}

// voiced is a decision as it bars others: nobody has two voices.
type voiced struct{ who, voice, seat string }

// ballot is a decision with what it rests on.
type ballot struct {
	position                            int64
	name, request, revision, who, voice string
	team, digest, author                string
	at                                  time.Time
	approves, terminal, settings        bool
	version                             *shown
	faults                              []string // that the order of events tells by itself
}

// shown is code as it came before reviewers.
type shown struct {
	digest                   string
	manifest, code, findings [32]byte
}

func newBook() book {
	return book{ruled: ruled{}, roles: map[string][]role{}, lent: map[string][]lent{}, channels: map[string]string{}, opened: map[string]time.Time{},
		wishes: map[string][]string{}, voices: map[string][]voiced{}}
}

// house takes what an event says of rules and people.
func (b *book) house(e event) {
	if team, is := strings.CutPrefix(e.Stream, "rules:"); is && e.Kind == kindSetRules {
		b.ruled.take(team, e)
	}
	team, is := strings.CutPrefix(e.Stream, "people:")
	if !is {
		return
	}
	switch e.Kind {
	case kindNamed, kindRemoved:
		key := team + " " + e.fact("person")
		b.roles[key] = append(b.roles[key], role{e.fact("role"), e.fact("channel"), e.Actor, e.At, e.Kind == kindRemoved})
	case kindDelegated, kindDelegationEnded:
		from := e.fact("from")
		if from == "" {
			from = e.Actor
		}
		until, _ := time.Parse(time.RFC3339Nano, e.fact("until")) // none: it ends
		b.lent[team+" "+from] = append(b.lent[team+" "+from], lent{e.fact("to"), e.At, until})
	}
}

// take remembers what an entry says.
func (b *book) take(s seen, at int64, n *entries) {
	e := s.event
	if b.begins.IsZero() {
		b.begins = e.At
	}
	id := e.request()
	if id == "" {
		b.house(e)
		return
	}
	revision := e.fact("revision")
	switch e.Kind {
	case kindAsked:
		b.channels[id] = e.fact("channel")
	case kindOpened:
		key := id + " " + revision + " " + e.Actor
		if _, before := b.opened[key]; !before {
			b.opened[key] = e.At
		}
	case kindApproved, kindRejected, kindChangesRequested:
		b.decide(s, at, n)
	}
}

// decide remembers a decision, with whatever is wrong with it by itself: it is their own question, or code, or wish,
// or they have spoken before.
func (b *book) decide(s seen, at int64, n *entries) {
	e := s.event
	id, revision := e.request(), e.fact("revision")
	click, _ := e.Data["click"].(map[string]any)
	text := func(key string) string { said, _ := click[key].(string); return said }
	d := &ballot{position: at, name: s.name(at), request: id, revision: revision, digest: e.fact("digest"), who: e.Actor, voice: e.Actor, team: text("team"), at: e.At,
		approves: e.Kind == kindApproved, terminal: click["door"] != nil, settings: e.fact("settings") == "true"}
	if whose := e.fact("in_place_of"); whose != "" {
		d.voice = whose
	}
	version := id + " " + revision + " " + d.digest
	if v := n.versions[version]; v != nil {
		d.version = v.shown
	}
	writers := n.writers[id]
	d.author = writers.author
	for _, one := range []string{d.who, d.voice} {
		switch {
		case one == "":
		case one == writers.asker:
			d.faults = append(d.faults, whose(d, one, "asked this", "of whoever asked this"))
		case one == writers.author:
			d.faults = append(d.faults, whose(d, one, "wrote this code", "of whoever wrote this code"))
		}
		if d.who == d.voice {
			break
		}
	}
	for _, before := range b.voices[version] {
		switch {
		case before.who == d.who:
			d.faults = append(d.faults, "they had decided on this version before")
		case before.voice == d.voice:
			d.faults = append(d.faults, "another decision on this version had been given in the name of "+d.voice+" before")
		case before.seat != "" && before.seat == text("os_user"):
			d.faults = append(d.faults, "another decision on this version had been given by the same user of the terminal before")
		}
	}
	b.voices[version] = append(b.voices[version], voiced{d.who, d.voice, text("os_user")})
	for _, wisher := range b.wishes[id] {
		if wisher == d.who || wisher == d.voice {
			d.faults = append(d.faults, theirWish)
			break
		}
	}
	if e.Kind == kindChangesRequested {
		b.wishes[id] = append(b.wishes[id], d.who, d.voice)
	}
	b.ballots = append(b.ballots, d)
}

// theirWish is no fault where the risk is low.
const theirWish = "they had asked for the changes that it has"

// whose is that somebody decides on what is their own, or in the place of somebody whose it is.
func whose(d *ballot, one, own, others string) string {
	if one == d.who {
		return "they " + own + " themselves"
	}
	return "it was given in the place " + others + ", " + one
}

// right is what somebody decides by.
type right struct {
	Role  string    // in words
	By    string    // who has named them; empty: nobody whom the log has
	Since time.Time //
	OK    bool      // they were a reviewer
	Not   string    // why they were none, where the log says so

	approves bool
}

// rightOf is by what right somebody decided in a channel at a moment.
func (b *book) rightOf(team, who, channel string, at time.Time, settings bool) (r right) {
	has := map[[2]string]role{}
	var gone *role
	for _, one := range b.roles[team+" "+who] {
		key := [2]string{one.name, one.channel}
		switch {
		case one.at.After(at):
		case one.taken:
			delete(has, key)
			if one.name == "reviewer" || one.name == "fallback" {
				gone = &one
			}
		default:
			has[key] = one
		}
	}
	if one, is := has[[2]string{"auditor", ""}]; is {
		return right{Not: "they were an auditor, named by " + one.by + ", and an auditor decides nothing"}
	}
	for _, want := range []struct{ name, channel, words string }{
		{"reviewer", channel, "reviewer of the channel"}, {"reviewer", "", "reviewer of the workspace"}, {"fallback", channel, "reviewer of the channel when others do not answer"}, {"fallback", "", "reviewer when others do not answer"}} {
		if one, is := has[[2]string{want.name, want.channel}]; is && (want.channel != "" || !strings.HasSuffix(want.words, "channel")) {
			return right{Role: want.words, By: one.by, Since: one.at, OK: true}
		}
	}
	if settings {
		return right{Role: "reviewer by the settings of the server", OK: true}
	}
	if strings.HasPrefix(channel, "D") { // nobody is named for a direct message: reviewers of channels decide there
		for key, one := range has {
			if key[0] == "reviewer" {
				return right{Role: "reviewer of channel " + key[1], By: one.by, Since: one.at, OK: true}
			}
		}
	}
	for key := range has {
		if key[0] == "reviewer" || key[0] == "fallback" {
			r.Not = "they were a reviewer of another channel alone, " + key[1]
		}
	}
	if r.Not == "" && gone != nil {
		r.Not = "they were no reviewer any more: " + gone.by + " had removed them"
	}
	if r.Not == "" {
		r.Not = "nobody had named them a reviewer"
	}
	return r
}

// owner tells whether somebody was named a reviewer of a channel itself. A direct message has no reviewers of its own: those of
// other channels decide there.
func (b *book) owner(team, who, channel string, at time.Time) bool {
	has := map[string]bool{}
	for _, one := range b.roles[team+" "+who] {
		if one.name == "reviewer" && one.channel != "" && !one.at.After(at) && (one.channel == channel || strings.HasPrefix(channel, "D")) {
			has[one.channel] = !one.taken
		}
	}
	for _, is := range has {
		if is {
			return true
		}
	}
	return false
}

// letIn tells whether somebody might decide in another's place at a moment.
func (b *book) letIn(team, from, to string, at time.Time) bool {
	for i := len(b.lent[team+" "+from]) - 1; i >= 0; i-- {
		if l := b.lent[team+" "+from][i]; !l.at.After(at) {
			return l.to == to && l.until.After(at)
		}
	}
	return false
}

// rights are by what right each decision was given, by the place of its entry.
func (b *book) rights() map[int64]right {
	all := map[int64]right{}
	for _, d := range b.ballots {
		r := b.rightOf(d.team, d.voice, b.channels[d.request], d.at, d.settings)
		r.approves = d.approves
		all[d.position] = r
	}
	return all
}
