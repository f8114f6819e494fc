package pack

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// What the log says of rules and of people, and every decision with what the verifier needs to hold it against them. All of
// it comes from entries: those of the pack, and those that it brings along for this (grounds.go). What counts for a decision
// stands before it in the log. The time in an event is its writer's word: whoever has the key can write any, but
// puts nothing before what has its place.

// book is what the log says. Its keys are texts joined by blanks, which no id of Slack's or ours has.
type book struct {
	ruled ruled
	roles map[string][]role // by workspace and person
	lent  map[string][]lent // by workspace and whose place it is

	channels map[string]string    // by request, where it was asked
	opened   map[string]opening   // by request, version and person: when they first opened the code
	wishes   map[string][]string  // by request: who has asked for changes, or in whose place
	voices   map[string][]voiced  // by request, version and digest: who has decided, in the order of the log
	ballots  []*ballot            // of this pack, in the order of the log
	given    map[string][]*ballot // approvals by workspace, person and risk: filled in when all seals are read
	begins   time.Time            // of the first entry
}

// role is that somebody was named for one, or that it was taken from them.
type role struct {
	position          int64
	name, channel, by string
	at                time.Time
	taken             bool
}

// lent is that somebody may decide in another's place until a time; or, with nobody named, that nobody may any more.
type lent struct {
	position int64
	to       string
	until    time.Time
}

// opening is that somebody had code before them.
type opening struct {
	position int64
	at       time.Time
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
	drafted                  bool // it was written here; else sealed anew, and may have been opened before
}

// newBook is a book before the first event.
func newBook() book {
	return book{ruled: ruled{}, roles: map[string][]role{}, lent: map[string][]lent{}, channels: map[string]string{}, opened: map[string]opening{},
		wishes: map[string][]string{}, voices: map[string][]voiced{}}
}

// house takes what an event says of rules and people.
// Only streams of rules and people are looked at, each by the name that it has for its workspace: an event of
// another stream that happens to have such a kind says nothing here.
func (b *book) house(e event, at int64) {
	if team, is := strings.CutPrefix(e.Stream, "rules:"); is && e.Kind == kindSetRules {
		b.ruled.take(team, e, at)
	}
	team, is := strings.CutPrefix(e.Stream, "people:")
	if !is {
		return
	}
	switch e.Kind {
	case kindNamed, kindRemoved:
		key := team + " " + e.fact("person")
		b.roles[key] = append(b.roles[key], role{at, e.fact("role"), e.fact("channel"), e.Actor, e.At, e.Kind == kindRemoved})
	case kindDelegated, kindDelegationEnded:
		from := e.fact("from")
		if from == "" {
			from = e.Actor
		}
		until, _ := time.Parse(time.RFC3339Nano, e.fact("until")) // none: it ends
		b.lent[team+" "+from] = append(b.lent[team+" "+from], lent{at, e.fact("to"), until})
	}
}

// sorts puts all of it in the order of the log: whoever makes a pack reads last what comes before it.
func (b *book) sorts() {
	for _, list := range b.roles {
		slices.SortFunc(list, func(x, y role) int { return cmp.Compare(x.position, y.position) })
	}
	for _, list := range b.lent {
		slices.SortFunc(list, func(x, y lent) int { return cmp.Compare(x.position, y.position) })
	}
	for _, list := range b.ruled {
		slices.SortFunc(list, func(x, y version) int { return cmp.Compare(x.position, y.position) })
	}
}

// take remembers what an entry says. Those that were brought along (grounds) come first, whatever their place, and then the
// pack's own in the order of the log: hence sorts.
func (b *book) take(s seen, at int64, n *entries) {
	e := s.event
	if b.begins.IsZero() {
		b.begins = e.At
	}
	id := e.request()
	if id == "" {
		b.house(e, at)
		return
	}
	revision := e.fact("revision")
	switch e.Kind {
	case kindAsked:
		b.channels[id] = e.fact("channel")
	case kindOpened:
		key := id + " " + revision + " " + e.Actor
		if _, before := b.opened[key]; !before {
			b.opened[key] = opening{at, e.At}
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
	// A decision in somebody's place is barred by what bars either of the two.
	for _, one := range []string{d.who, d.voice} {
		switch {
		case one == "":
		case one == writers.asker:
			d.faults = append(d.faults, whose(d, one, "asked this", "of whoever asked this"))
		case one == writers.author:
			d.faults = append(d.faults, whose(d, one, "wrote this code", "of whoever wrote this code"))
		}
		// For most decisions both are one person, who would else be told of twice.
		if d.who == d.voice {
			break
		}
	}
	// Whoever opened it may be two people in Slack at one terminal: their operating-system user is one all the same.
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
	// Also a decision with a fault bars the next one of the same person: a forged first word would else make room for a second.
	b.voices[version] = append(b.voices[version], voiced{d.who, d.voice, text("os_user")})
	for _, wisher := range b.wishes[id] {
		if wisher == d.who || wisher == d.voice {
			d.faults = append(d.faults, theirWish)
			break
		}
	}
	if slices.ContainsFunc([]string{d.who, d.voice}, func(one string) bool { return slices.Contains(writers.former, one) }) {
		d.faults = append(d.faults, theirPart)
	}
	// Noted after this decision was judged, so that nobody's wish stands in the way of itself.
	if e.Kind == kindChangesRequested {
		b.wishes[id] = append(b.wishes[id], d.who, d.voice)
	}
	b.ballots = append(b.ballots, d)
}

// These are no faults where the risk is low: there whoever wished for a change, or wrote an earlier version, may approve.
const (
	theirWish = "they had asked for the changes that it has"
	theirPart = "they had written a version before it" // of medium and high risk a part of it is theirs
)

// whose is that somebody decides on what is their own, or in the place of somebody whose it is.
func whose(d *ballot, one, own, others string) string {
	if one == d.who {
		return "they " + own + " themselves"
	}
	return "it was given in the place " + others + ", " + one
}

// right is what somebody decides by, or why they had none, as the log has it.
type right struct {
	Role  string    // in words
	By    string    // who has named them; empty: nobody whom the log has
	Since time.Time //
	OK    bool      // they were a reviewer
	Not   string    // why they were none, where the log says so

	approves bool
	places   []string // of these channels alone
}

// direct tells of a channel that is a direct message: nobody is named for one.
func direct(channel string) bool { return strings.HasPrefix(channel, "D") }

// rolePlace is a role, and where.
type rolePlace struct{ name, channel string }

// has are the roles of somebody before a place in the log, and the last one of a reviewer that was taken from them.
// before cuts the log off at the decision, so that a role that was given a minute later does not make up for
// its lack.
func (b *book) has(team, who string, before int64) (has map[rolePlace]role, gone *role) {
	has = map[rolePlace]role{}
	for _, one := range b.roles[team+" "+who] {
		key := rolePlace{one.name, one.channel}
		switch {
		case one.position >= before:
		case one.taken:
			delete(has, key)
			// Only the last is told: it is why they are none now.
			if one.name == "reviewer" || one.name == "fallback" {
				gone = &one
			}
		default:
			has[key] = one
		}
	}
	return has, gone
}

// audits says that somebody was an auditor; empty where they were none.
func (b *book) audits(team, who string, before int64) string {
	has, _ := b.has(team, who, before)
	if one, is := has[rolePlace{"auditor", ""}]; is {
		return "an auditor, named by " + one.by + ", and an auditor decides nothing"
	}
	return ""
}

// rightOf is by what right somebody decided in a channel. In the place of another, the other's right counts. What the
// log has comes before the server's settings, of which it has only the decision's own word.
// The order is: reviewer of the channel, of the workspace, those who step in when others do not answer, the
// settings. The first that holds is what the page says, with who gave it.
func (b *book) rightOf(d *ballot, channel string) (r right) {
	if auditor := b.audits(d.team, d.voice, d.position); auditor != "" {
		return right{Not: "they were " + auditor}
	}
	has, gone := b.has(d.team, d.voice, d.position)
	for _, want := range []struct{ name, channel, words string }{
		{"reviewer", channel, "reviewer of the channel"}, {"reviewer", "", "reviewer of the workspace"}, {"fallback", channel, "reviewer of the channel when others do not answer"}, {"fallback", "", "reviewer when others do not answer"}} {
		if one, is := has[rolePlace{want.name, want.channel}]; is && (want.channel != "" || !strings.HasPrefix(want.words, "reviewer of the channel")) {
			return right{Role: want.words, By: one.by, Since: one.at, OK: true}
		}
	}
	// By the decision's own word, since settings are in no event. Whoever was named as well was found above.
	if d.settings {
		return right{Role: "reviewer by the settings of the server", OK: true}
	}
	// None that holds here: what they were elsewhere says why.
	for key := range has {
		if key.name == "reviewer" || key.name == "fallback" {
			r.places = append(r.places, key.channel)
		}
	}
	slices.Sort(r.places)
	switch r.places = slices.Compact(r.places); {
	case len(r.places) == 1:
		r.Not = "they were a reviewer of another channel alone, " + r.places[0]
	case len(r.places) > 1:
		r.Not = "they were a reviewer of other channels alone, " + strings.Join(r.places, " and ")
	case gone != nil:
		r.Not = "they were no reviewer any more: " + gone.by + " had removed them"
	default:
		r.Not = "nobody had named them a reviewer"
	}
	return r
}

// own are the channels themselves for which somebody was named a reviewer, by their names.
func (b *book) own(d *ballot) (channels []string) {
	has, _ := b.has(d.team, d.voice, d.position)
	for key := range has {
		if key.name == "reviewer" && key.channel != "" {
			channels = append(channels, key.channel)
		}
	}
	slices.Sort(channels)
	return channels
}

// lending is the first of these channels whose rules of the time want its own people to decide: nobody is named for a
// direct message, and such a channel's people decide there, too. Empty: the log here has no such rules.
// Where latest is nil, the channel has no rules of its own.
func (b *book) lending(d *ballot, channels []string) string {
	for _, channel := range channels {
		if t := b.ruled.latest(d.team, channel, d.position); t != nil && (t.Low.Owners || t.Medium.Owners || t.High.Owners) {
			return channel
		}
	}
	return ""
}

// ownersAsked tells whether the rules that a seal names want a channel's own people for its risk, or any that have come since: in a
// direct message the strictest of all channels hold.
func (b *book) ownersAsked(d *ballot, seal need) bool {
	if t, known := b.ruled.joint(d.team, seal.policy, seal.brought, d.position).tiers.of(seal.tier); known && t.Owners {
		return true
	}
	for key := range b.ruled {
		if channel, is := strings.CutPrefix(key, d.team+" "); is {
			if t, known := b.ruled.latest(d.team, channel, d.position).of(seal.tier); known && t.Owners {
				return true
			}
		}
	}
	return false
}

// letIn tells whether somebody might decide in another's place: the last word before the decision counts.
func (b *book) letIn(d *ballot) bool {
	for _, l := range slices.Backward(b.lent[d.team+" "+d.voice]) {
		if l.position < d.position {
			return l.to == d.who && l.until.After(d.at)
		}
	}
	return false
}
