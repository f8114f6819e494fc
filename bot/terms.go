package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
)

// What a reviewer sees first: how much attention this asks for, and why.

// riskWords name the tiers.
var riskWords = map[approval.Tier]string{approval.Low: "Low risk", approval.Medium: "Medium risk", approval.High: "High risk"}

// glance is the card in one line: risk, what it takes, what it may cost, until
// when. What makes it risky follows.
func (b *Bot) glance(p *page, v *steps.View) {
	r, t := v.Request, v.Terms
	line := []part{strong(riskWords[t.Tier]), words(" · " + needed(r.Approvals(), t)), words(" · at most " + r.Revision.Manifest.CostCap.Approx() + " · until "), moment(r.ExpiresAt)}
	if len(t.Why) > 0 {
		line = append(line, words("\n"+cut(strings.Join(t.Why, " "), 600)))
	}
	p.say(line...)
	if r.Reason != "" {
		p.quote(cut(r.Reason, 1000), strong("It is back before the reviewers"), words(", because:"))
	}
	b.turn(p, r)
}

// fewHosts is how many hosts a card names without the code beside them.
const fewHosts = 5

// sandboxWords name the place where code runs.
func sandboxWords(kind string) string {
	if kind == "e2b" {
		return "an E2B sandbox"
	}
	return "a " + kind + " sandbox"
}

// agreed is what an approval agrees to beside the code, said the same wherever there
// is something to approve with: what it costs and who pays, in which sandbox it runs,
// for how long, and at most so many of the hosts that it may reach.
func (b *Bot) agreed(p *page, v *steps.View, hosts int) {
	r, rev, m := v.Request, v.Request.Revision, v.Request.Revision.Manifest
	cost := []part{strong("Cost"), words(": " + v.Spent().Approx())}
	if !r.State.Final() {
		cost = append(cost, words(" so far"+expected(rev)))
	}
	if tight, ok := budget.Tightest(v.Standings); ok {
		cost = append(cost, words(". "))
		cost = append(cost, whose(tight.Limit.Scope, "")...)
		cost = append(cost, words(fmt.Sprintf(" is the tightest: %s of %s left", max(0, tight.Left()).ApproxLeft(), tight.Limit.Hard())))
	}
	p.say(append(cost, words("."))...)
	if r.Blocked != nil && r.State == approval.Pending {
		p.say(flow(strong("It cannot be paid for yet. "), refusal(r, ""), words(" The asker has been told."))...)
	}
	network := "no network"
	if len(m.Network) > 0 {
		network = "a network that reaches " + count(len(m.Network), "host")
	}
	terms := words(fmt.Sprintf(" once, in %s: %s, at most %s and %s MB of memory.", sandboxWords(m.Sandbox), network, count(m.Limits.Seconds, "second"), thousands(m.Limits.MemoryMB)))
	switch {
	case !r.State.Final():
		p.say(strong("Runs"), terms)
	case r.State == approval.Lost:
		p.say(strong("Started"), terms)
	case r.Run != nil:
		p.say(strong("Ran"), terms)
	default:
		p.say(strong("Did not run."))
	}
	var named [][]part
	for _, host := range m.Network[:min(hosts, len(m.Network))] {
		named = append(named, []part{mono(host)})
	}
	if more := len(m.Network) - len(named); more > 0 {
		named = append(named, []part{words(fmt.Sprintf("and %d more, all of them where the code is", more))})
	}
	p.list([]part{strong("May reach")}, named)
}

// asks is the question, and the one before it in the thread, without which a
// follow-up may make no sense.
func (b *Bot) asks(p *page, v *steps.View) {
	p.list([]part{strong("Asked before in this thread")}, earlier(v.Earlier))
	p.quote(cut(v.Request.Question, 3000), person(v.Request.Asker), words(" asks:"))
}

// needed says whose agreement it takes, and how much of it there is.
func needed(have int, t review.Terms) string {
	whose := ""
	if t.Owners {
		whose = " of the channel's own reviewers"
	}
	if t.Approvals > 1 {
		return fmt.Sprintf("%d of %d approvals%s", have, t.Approvals, whose)
	}
	return "1 approval" + whose
}

// turn says whom others have asked to look at it.
func (b *Bot) turn(p *page, r *approval.Request) {
	var said []part
	if r.Assignee != "" {
		said = append(said, person(r.Assignee), words(" has been asked to decide. "))
	}
	if len(r.Opinions) > 0 {
		said = append(append(said, people(r.Opinions, " and ")...), words(" asked for a second opinion."))
	}
	p.say(said...)
}

// people names some, and counts the rest.
func people(users []string, last string) (said []part) {
	const most = 10
	for i, user := range users[:min(most, len(users))] {
		switch {
		case i == 0:
		case i == len(users)-1:
			said = append(said, words(last))
		default:
			said = append(said, words(", "))
		}
		said = append(said, person(user))
	}
	if more := len(users) - most; more > 0 {
		said = append(said, words(fmt.Sprintf(" and %d more", more)))
	}
	return said
}

// lower is a word of ours in the middle of a sentence.
func lower(text string) string { return strings.ToLower(text) }

// slackUser is how Slack names people; models are named otherwise.
var slackUser = regexp.MustCompile(`^[UW][A-Z0-9]+$`)

// wish is what a reviewer wanted of the version that stands now, if it was
// written because of that.
func wish(v *steps.View) (approval.Wish, bool) {
	if v.Former == nil || slackUser.MatchString(v.Request.Revision.Author) {
		return approval.Wish{}, false
	}
	at := slices.IndexFunc(v.Request.Wishes, func(w approval.Wish) bool { return w.Revision == v.Former.Number })
	if at < 0 {
		return approval.Wish{}, false
	}
	return v.Request.Wishes[at], true
}

// since says what is new in a version that is not the first, and whose doing it is.
func (b *Bot) since(p *page, v *steps.View) {
	if v.Former == nil {
		return
	}
	rev := v.Request.Revision
	what := ChangedWords(approval.Diff(v.Former.Code, rev.Code))
	said := []part{strong(fmt.Sprintf("Revision %d", rev.Number)), words(fmt.Sprintf(": %s since revision %d", what, v.Former.Number))}
	w, wished := wish(v)
	switch {
	case wished:
		p.quote(cut(w.Words, 600), append(said, words(", because "), person(w.By), words(" wrote:"))...)
	case slackUser.MatchString(rev.Author):
		p.say(append(said, words(". Written by "), person(rev.Author), words(", so somebody else has to approve it."))...)
	default:
		p.say(append(said, words("."))...)
	}
}

// sameFinding is several findings that say the same of several lines.
type sameFinding struct {
	text  string
	lines []int
}

// merged are the findings of one level, each once, in the order of the code.
func merged(all []approval.Finding, level approval.Level) (list []sameFinding) {
	for _, f := range all {
		if f.Level != level {
			continue
		}
		text := cut(oneLine(f.Text), 200)
		at := slices.IndexFunc(list, func(s sameFinding) bool { return s.text == text })
		if at < 0 {
			at, list = len(list), append(list, sameFinding{text: text})
		}
		if f.Line > 0 && !slices.Contains(list[at].lines, f.Line) {
			list[at].lines = append(list[at].lines, f.Line)
		}
	}
	return list
}

// String is a finding as a line: "Lines 3, 9 and 12: starts another program".
func (s sameFinding) String() string {
	const most = 8
	slices.Sort(s.lines)
	var numbers []string
	for _, n := range s.lines[:min(most, len(s.lines))] {
		numbers = append(numbers, fmt.Sprint(n))
	}
	switch n := len(s.lines); {
	case n == 0:
		return capital(s.text)
	case n == 1:
		return "Line " + numbers[0] + ": " + s.text
	case n > most:
		return fmt.Sprintf("Lines %s and %d more: %s", strings.Join(numbers, ", "), n-most, s.text)
	}
	return "Lines " + strings.Join(numbers[:len(numbers)-1], ", ") + " and " + numbers[len(numbers)-1] + ": " + s.text
}
