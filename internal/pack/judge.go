package pack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Every approval is held against the rules that its seal names, as far as the pack has the facts: was it theirs to give, at
// the right door, not too soon, not too often; does the seal keep its own rules? What does not hold is said in a
// sentence, and so is what nobody can know from this pack. The page and the verifier say the same: both ask here.

// Fault is what did not keep the rules; or, with Unknown, what nobody can know from the pack.
type Fault struct {
	Position int64
	Name     string // of the entry
	Request  string
	What     string // it is about: "the approval of U0BEN on version 1"
	Says     string
	Unknown  bool
	At       time.Time
}

// fault adds one to the report.
func (v *verifier) fault(f Fault) { v.report.Faults = append(v.report.Faults, f) }

// judged holds all that somebody has decided against the rules. It needs every entry and every value.
// The maker throws its error away and puts the faults on the page; for the verifier it is the verdict.
func (v *verifier) judged() error {
	// The maker judges as well, before it draws the page, with the same state.
	v.report.Faults = nil
	v.entries.book.sorts()
	v.runs()
	v.glasses()
	v.signatures()
	v.approvals()
	all := v.report.Faults
	v.report.Faults, v.report.Doubts = nil, nil
	for _, f := range all {
		if f.Unknown {
			v.report.Doubts = append(v.report.Doubts, f)
		} else {
			v.report.Faults = append(v.report.Faults, f)
		}
	}
	// What breaks a pack comes before what an approval lacked: the error names the first of these.
	first := slices.Clone(v.report.Faults)
	byPlace := func(a, b Fault) int { return cmp.Compare(a.Position, b.Position) }
	slices.SortStableFunc(v.report.Faults, byPlace)
	slices.SortStableFunc(v.report.Doubts, byPlace)
	if len(v.report.Faults) == 0 {
		return nil
	}
	return broken(first[0].Name, "%s", first[0].sentence())
}

// sentence is what a fault says, with what it is about.
func (f Fault) sentence() string {
	if f.What == "" {
		return f.Says
	}
	return f.What + " does not keep the rules: " + f.Says
}

// approvals holds each against its rules.
func (v *verifier) approvals() {
	n := v.entries
	b := &n.book
	// It is made anew, or a second judging would count each approval twice.
	b.given = map[string][]*ballot{}
	for _, d := range b.ballots {
		// By person and risk, for the count of an hour: only here are all seals known.
		if seal := n.sealOf(d); d.approves && seal.approvals > 0 {
			key := d.team + " " + d.who + " " + seal.tier
			b.given[key] = append(b.given[key], d)
		}
	}
	seals := map[*shown]bool{}
	for _, d := range b.ballots {
		if !d.approves {
			continue
		}
		f := Fault{At: d.at, Position: d.position, Name: d.name, Request: d.request, What: "the approval of " + d.who + " on version " + d.revision}
		says := func(unknown bool, why string) {
			f.Says, f.Unknown = why, unknown
			v.fault(f)
		}
		seal := n.sealOf(d)
		for _, fault := range d.faults {
			// Whoever had a part in what came of it may approve it where the risk is low.
			if fault != theirWish && fault != theirPart || seal.approvals > 0 && seal.tier != "low" {
				says(false, fault)
			}
		}
		v.byRight(d, says)
		switch who := n.writers[d.request]; {
		case n.requests[d.request]:
		case who.asker == "" && d.author == "":
			says(true, "who asked it and who wrote it came before this pack begins, so whether it was their own is not known")
		case who.asker == "":
			says(true, "who asked it came before this pack begins, so whether it was their own question is not known")
		}
		switch {
		case d.version == nil && n.requests[d.request]:
			says(false, "nobody had been shown a version with this seal")
		case d.version == nil:
			says(true, "the version came before this pack begins, so its risk and its rules are not known")
		case seal.approvals == 0:
			says(true, "the text of the seal is not in this pack, so neither its risk nor its rules are known")
		default:
			v.byRules(d, seal, says)
			// A seal is judged once, however many approved it.
			if !seals[d.version] {
				seals[d.version] = true
				f.What = "the seal of version " + d.revision
				v.bySeal(d, seal, says)
			}
		}
	}
}

// sealOf is what the version seals that a decision is on; without approvals where that is not here.
func (n *entries) sealOf(d *ballot) need {
	if d.version == nil {
		return need{}
	}
	return n.needs[d.version.manifest]
}

// whole tells whether nothing of the log before its end is missing. Only then does "not there" mean that it never was.
func (v *verifier) whole() bool { return v.report.Complete() && v.report.First == 0 }

// rightOf is by what right a decision was given; or why the pack does not know it.
func (v *verifier) rightOf(d *ballot) (r right, unknown string) {
	n, b := v.entries, &v.entries.book
	channel := b.channels[d.request]
	r = b.rightOf(d, channel)
	switch {
	case r.OK || len(r.places) == 0: // it is the same in every channel
	case channel == "" && !n.requests[d.request]:
		return r, "where it was asked came before this pack begins, so their role there is not known"
	case direct(channel):
		lending, seal := b.lending(d, b.own(d)), n.sealOf(d)
		switch {
		case lending != "" && b.ownersAsked(d, seal):
			has, _ := b.has(d.team, d.voice, d.position)
			one := has[rolePlace{"reviewer", lending}]
			return right{Role: "reviewer of channel " + lending, By: one.by, Since: one.at, OK: true}, ""
		case !v.whole() || seal.approvals == 0:
			return r, "it was asked in a direct message, where a channel's reviewers decide only if rules want its own people, and whether they do is not known from this pack"
		}
	}
	return r, ""
}

// rights are by what right each decision was given, by the place of its entry.
func (v *verifier) rights() map[int64]right {
	all := map[int64]right{}
	for _, d := range v.entries.book.ballots {
		r, unknown := v.rightOf(d)
		r.Not = cmp.Or(unknown, r.Not)
		r.approves = d.approves
		all[d.position] = r
	}
	return all
}

// byRight says whether it was theirs to give.
func (v *verifier) byRight(d *ballot, says func(unknown bool, why string)) {
	b := &v.entries.book
	switch r, unknown := v.rightOf(d); {
	case unknown != "":
		says(true, unknown)
	case !r.OK:
		says(false, r.Not)
	}
	if d.voice == d.who {
		return
	}
	// In somebody's place the right is theirs, but the one who presses must be free to act for them.
	if auditor := b.audits(d.team, d.who, d.position); auditor != "" {
		says(false, "whoever gave it in the place of "+d.voice+" was "+auditor)
	}
	if !b.letIn(d) {
		says(false, "it was given in the place of "+d.voice+", who had not let them")
	}
}

// byOwner says whether they were named for the channel itself.
func (v *verifier) byOwner(d *ballot, by string, says func(unknown bool, why string)) {
	b := &v.entries.book
	channel, own := b.channels[d.request], b.own(d)
	switch {
	case slices.Contains(own, channel):
	case len(own) > 0 && channel == "" && !v.entries.requests[d.request]:
		says(true, "where it was asked came before this pack begins, so whether they were named for that channel itself is not known")
	case len(own) > 0 && direct(channel) && b.lending(d, own) != "":
	case len(own) > 0 && direct(channel) && !v.whole():
		says(true, "it was asked in a direct message, and whether a channel of theirs has such rules is not known from this pack")
	default:
		says(false, by+" want reviewers who are named for the channel itself, and for this one they were not")
	}
}

// byRules holds an approval against the rules that its seal names.
// says(true, …) is a doubt and says(false, …) a fault. The difference is whether the pack could have the fact:
// what is only missing from a selection is nobody's fault.
func (v *verifier) byRules(d *ballot, seal need, says func(unknown bool, why string)) {
	b := &v.entries.book
	rules := b.ruled.joint(d.team, seal.policy, seal.brought, d.position)
	by := versionsWords(rules.names)
	for _, name := range rules.missing {
		if name == seal.policy || v.whole() {
			says(false, "nobody had set "+rulesWords(name)+", which its seal names")
		} else {
			says(true, rulesWords(name)+", which its seal names as well, is not in this pack, so whether it was kept is not known")
		}
	}
	switch {
	case seal.policy == "":
		says(true, "the seal names no rules")
	case !strings.Contains(seal.policy, "/") && seal.tier == "high": // of lower risks they ask for no more than the seal says
		says(true, "it is of high risk and counted by the settings of the server, so how soon after opening the code it might come, and how many in an hour, is not in the log")
	}
	t, known := rules.tiers.of(seal.tier)
	if !known {
		return
	}
	if !t.Slack && !d.terminal {
		says(false, "it was given in Slack, and for "+seal.tier+" risk "+by+" want a terminal")
	}
	if t.Owners {
		v.byOwner(d, by, says)
	}
	v.byPace(d, by, t, says)
	if t.Hourly == 0 {
		return
	}
	before := 0
	for _, one := range b.given[d.team+" "+d.who+" "+seal.tier] {
		// Before it in the log as well as within the hour: a time alone is its writer's word.
		if one.position < d.position && one.at.After(d.at.Add(-time.Hour)) {
			before++
		}
	}
	switch {
	case before >= t.Hourly:
		says(false, fmt.Sprintf("it was their approval number %d of %s risk within an hour, and %s allow %d", before+1, seal.tier, by, t.Hourly))
	case !v.report.Complete():
		says(true, "how many they gave in that hour is not known, as this is a selection")
	case v.report.First > 0 && b.begins.After(d.at.Add(-time.Hour)):
		says(true, "how many they had given in that hour before this pack begins is not known")
	}
}

// byPace says whether it came too soon. What is witnessed is when they first opened the code, by a click; that they read it nobody can witness.
func (v *verifier) byPace(d *ballot, by string, t tierRules, says func(unknown bool, why string)) {
	n, b := v.entries, &v.entries.book
	code, there := n.codes[d.version.code]
	opened, did := b.opened[d.request+" "+d.revision+" "+d.who]
	did = did && opened.position < d.position           // to open it afterwards is no reading
	first := n.requests[d.request] || d.version.drafted // nobody can have opened it before this pack begins
	switch {
	case t.LineSeconds == 0:
	case !there || code.sha == "":
		says(true, "the code is not in this pack, so how soon after opening it they might approve is not known")
	case did && !d.at.Before(opened.at.Add(time.Duration(t.reading(code.lines))*time.Second)):
	case !first:
		says(true, "whether they had opened the code came before this pack begins")
	case !did:
		says(false, "no opening of the code by them is on record, and "+by+" want one")
	default:
		says(false, fmt.Sprintf("it came %s after they first opened the code, and for its %s %s want %s", lasting(d.at.Sub(opened.at)), counted(int64(code.lines), "line"), by, several(t.reading(code.lines), "second", "seconds")))
	}
}

// bySeal holds a seal against what it seals, and against its own rules.
// It tells of a seal that was wrong when it was made: code that nobody was shown, fewer approvals, other hosts
// or a lower risk than the rules of its time had.
func (v *verifier) bySeal(d *ballot, seal need, says func(unknown bool, why string)) {
	n := v.entries
	code, there := n.codes[d.version.code]
	switch {
	case seal.sha != d.digest:
		says(false, "what it seals has another digest than what was approved")
	case there && code.sha == "":
		says(true, "the code is not in this pack, so whether it is the one that was sealed is not known")
	case there && code.sha != seal.code:
		says(false, "it is of another code than the one that was shown")
	}
	all := n.book.ruled.joint(d.team, seal.policy, seal.brought, d.position)
	rules, by := all.tiers, versionsWords(all.names)
	t, known := rules.of(seal.tier)
	if !known {
		return
	}
	if seal.approvals < t.Approvals {
		says(false, fmt.Sprintf("it asks for %s, and %s want %d", several(seal.approvals, "approval", "approvals"), by, t.Approvals))
	}
	for _, host := range seal.network {
		if !slices.Contains(rules.Hosts, host) {
			says(false, by+" do not allow the host "+host)
		}
	}
	// Only too low a risk is a fault: reviewers may be asked for more than the rules want.
	found, named := n.risks[d.version.findings]
	switch least, why := rules.least(seal.cap, found.worst); {
	case risks[seal.tier] < risks[least]:
		says(false, fmt.Sprintf("it says %s risk, and by %s it was %s: %s", seal.tier, by, least, why))
	case named && !found.here && seal.tier != "high":
		says(true, "what the inspection found is not in this pack, so whether its risk should have been higher is not known")
	}
}

// risks are how much each is.
var risks = map[string]int{"low": 0, "medium": 1, "high": 2}

// least is the lowest risk that rules let a program have, and why. The order is that of approval/review's TierOf, written once
// more here: the verifier shares no code with what it verifies.
func (t *tiers) least(cap int64, level string) (tier, why string) {
	switch {
	case level == "danger":
		return "high", "the inspection found a danger"
	case t.CostHigh > 0 && cap >= t.CostHigh:
		return "high", "it may cost " + Dollars(cap)
	case level == "caution":
		return "medium", "the inspection found something to be careful about"
	case t.Class == "confidential":
		return "medium", "the data of the channel is confidential"
	case t.CostMedium > 0 && cap >= t.CostMedium:
		return "medium", "it may cost " + Dollars(cap)
	}
	return "low", ""
}
