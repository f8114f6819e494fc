package draw

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw/money"
	"countersign/bot/draw/verified"
	"countersign/bot/kit"
	"countersign/budget"
)

// What a reviewer sees first: how much attention this asks for, and why.

// RiskWords name the tiers.
var RiskWords = map[approval.Tier]string{approval.Low: "Low risk", approval.Medium: "Medium risk", approval.High: "High risk"}

// Glance is the card in one line: risk, what it takes, what it may cost, until
// when. What makes it risky follows.
//
//	High risk · 1 of 2 approvals · at most 1 cent · until 15:30
//	The inspection found 2 dangers. The data of this channel is confidential.
//	Back for review, because: …
//	@Ben has been asked to decide. Second opinion asked of @Priya.
func Glance(p *kit.Page, v *steps.View) {
	r, t := v.Request, v.Terms
	line := []kit.Part{kit.Strong(RiskWords[t.Tier]), kit.Words(" · " + needed(r.Approvals(), t)), kit.Words(" · at most " + money.Most(r.Revision.Manifest.CostCap) + " · until "), kit.Moment(r.ExpiresAt)}
	// In the same paragraph, so that it stands with the risk that it explains.
	if len(t.Why) > 0 {
		line = append(line, kit.Words("\n"+kit.Cut(strings.Join(t.Why, " "), 600)))
	}
	p.Say(line...)
	if !r.Reason.None() {
		p.Apart(Back(r.Reason, 1000), kit.Strong("Back for review"), kit.Words(", because:"))
	}
	turn(p, r)
}

// fewHosts is how many hosts a card names without the code beside them: the others stand in the modal, where it is approved.
const fewHosts = 5

// sandboxWords name the place where code runs.
func sandboxWords(kind string) string {
	if kind == "e2b" {
		return "an E2B sandbox"
	}
	return "a " + kind + " sandbox"
}

// agreed draws what an approval agrees to besides the code. It is the same wherever there
// is an Approve button: cost and budget, sandbox and limits, and at most so many of the
// allowed hosts.
// The tense follows the state, because the card goes on standing there: Runs, Started, Ran, Did not run.
func agreed(p *kit.Page, v *steps.View, hosts int) {
	r, rev, m := v.Request, v.Request.Revision, v.Request.Revision.Manifest
	cost := []kit.Part{kit.Strong("Cost"), kit.Words(": " + money.Spent(v.Spent()))}
	if !r.State.Final() {
		cost = append(cost, kit.Words(" so far"+expected(rev)))
	}
	// Of several budgets the one with the least room: it is the one that would refuse.
	if tight, ok := budget.Tightest(v.Standings); ok {
		cost = kit.Flow(cost, kit.Words(". "), money.Has(tight.Limit.Scope, ""),
			kit.Words(fmt.Sprintf("%s of %s left%s", money.Left(tight.Left()), money.Dollars(tight.Limit.Hard()), money.During[tight.Limit.Window])))
	}
	p.Say(append(cost, kit.Words("."))...)
	keptCost(p, v)
	// Whoever approves now is told the same. Here they need not try.
	if r.Blocked != nil && r.State == approval.Pending {
		paused := kit.Strong("Paused: over budget. ")
		if r.Blocked.Rests() {
			paused = kit.Strong("Paused. ")
		}
		p.Say(kit.Flow(paused, refusal(r, ""), kit.Words(" The asker has been told."))...)
	}
	if rev.Provider != "" {
		p.Say(kit.Strong("Written by"), kit.Words(" "+kit.Cut(rev.Author, 80)+askedAt(approval.Addressee{Provider: rev.Provider, Host: rev.Host})+"."))
	}
	if m.Saw != approval.Shape {
		p.Say(kit.Strong("The model saw"), kit.Words(" "+cmp.Or(sawWords[m.Saw], "more than the shape of the data")+", as this channel's administrators allow."))
	}
	switch {
	case v.Book.Placeless && len(v.Book.Elsewhere) > 0:
		p.Say(kit.Strong("The strictest rules in force hold"), kit.Words(", since no channel was named: of models, of what a model may see of the data, of hosts, class and approvals, the strictest that any channel has."))
	case len(m.Brought) > 0:
		p.Say(kit.Strong("A stricter channel's rules hold as well."), kit.Words(" A file of this question, or of its thread, is known from there by what it holds. Of models, of what a model may see of the data, and of approvals, the stricter counts."))
	}
	toldOf(p, m.Thread)
	network := "no network"
	if len(m.Network) > 0 {
		network = "network access to " + kit.Count(len(m.Network), "host")
	}
	terms := kit.Words(fmt.Sprintf(" once, in %s: %s, at most %s and %s of memory.", sandboxWords(m.Sandbox), network, kit.Count(m.Limits.Seconds, "second"), kit.Megabytes(m.Limits.MemoryMB)))
	switch {
	case !r.State.Final():
		p.Say(kit.Strong("Runs"), terms)
	case r.State == approval.Lost:
		p.Say(kit.Strong("Started"), terms)
	case r.Run != nil:
		p.Say(kit.Strong("Ran"), terms)
	default:
		p.Say(kit.Strong("Did not run."))
	}
	// The sealed day is told to every run, so a program that asks for it gives the same answer whenever
	// it runs. That matters only to a program that asks.
	if m.Today != "" && strings.Contains(r.Revision.Code, "today(") {
		p.Say(kit.Strong("The program asks for the day."), kit.Words(fmt.Sprintf(" It always gets %s (%s), even if it runs later.", m.Today, m.Zone)))
	}
	var named [][]kit.Part
	for _, host := range m.Network[:min(hosts, len(m.Network))] {
		named = append(named, []kit.Part{kit.Mono(host)})
	}
	if more := len(m.Network) - len(named); more > 0 {
		named = append(named, []kit.Part{kit.Words(fmt.Sprintf("and %d more, all of them with the code", more))})
	}
	p.List([]kit.Part{kit.Strong("May reach")}, named)
}

// toldOf says that a model was not told the whole of a thread: who knows the thread takes that
// for granted.
// It stands with the terms of an approval: whoever knows the thread would otherwise take the code for an answer
// to all of it.
func toldOf(p *kit.Page, c approval.Context) {
	var said []kit.Part
	if c.Summary != "" {
		said = append(said, kit.Strong("The thread is long: "), kit.Words("its earliest questions are summed up, by a model, and the last "+kit.Count(len(c.Whole), "question")+" were told whole."))
	}
	if c.Left > 0 {
		said = kit.Flow(said, kit.Words(dot(said)), kit.Strong(kit.Count(c.Left, "earlier question")+" left out"), kit.Words(" of what the model was told, for want of room."))
	}
	p.Say(said...)
}

// sawWords say what a model was let see of the data. What that was is kept nowhere.
var sawWords = map[approval.Sight]string{
	approval.Statistics: "statistics of the data (ranges, frequent values, results of this thread)",
	approval.Samples:    "the first rows of each table and statistics of the data (ranges, frequent values, results of this thread)",
}

// noted shows what administrators have written about the channel, as the model was given it
// and as the seal names it.
// The text of a version is stored beside the rules, the seal has its hash. Only where both agree is it shown as
// what the model read.
func noted(p *kit.Page, v *steps.View, most int) {
	sealed := v.Request.Revision.Manifest.Notes
	if sealed == (approval.SealedNotes{}) {
		return
	}
	about := " (version " + kit.Cut(sealed.Version, 40) + ")."
	if sealed.Currency != "" {
		about += " Amounts that name no currency are in " + kit.Cut(sealed.Currency, 10) + "."
	}
	if m := sealed.YearBegins; m >= 1 && m <= 12 {
		about += " The year begins in " + time.Month(m).String() + "."
	}
	// The code was written by the notes that are sealed. That there are others now is for the reviewer to weigh.
	if v.Book.Own.Rules.Notes.Seal(v.Request.Project) != sealed {
		about += " They have changed since this was written."
	}
	head := []kit.Part{kit.Strong("Notes of the channel"), kit.Words(about)}
	switch n := v.Book.Notes; {
	// The text of that version was forgotten: only its hash is left.
	case n.Seal(v.Request.Project) != sealed:
		p.Say(append(head, kit.Words(" Their text is no longer stored."))...)
	case n.Text == "":
		p.Say(head...)
	default:
		p.Quote(kit.Cut(string(n.Text), most), head...)
	}
}

// asks is the question, the one before it in the thread, without which a follow-up may
// make no sense, and so many characters of each answer to the model.
func asks(p *kit.Page, v *steps.View, said int) {
	p.List([]kit.Part{kit.Strong("Earlier in this thread")}, earlier(v.Earlier))
	if f := v.Request.Repeats; f != nil {
		p.Quote(kit.Cut(f.Question, 3000), verified.Asks(v.Request, whereAsked(v.Request.Project))...)
	} else {
		p.Quote(kit.Cut(v.Request.Question, 3000), append(append([]kit.Part{kit.Person(v.Request.Asker), kit.Words(" asks in ")}, whereAsked(v.Request.Project)...), kit.Words(":"))...)
	}
	if v.Request.Private {
		p.Say(kit.Strong("The answer goes only to "), kit.Person(v.Request.Asker), kit.Strong("."))
	}
	outsiders(p, v.Request)
	clarified(p, v.Request, said)
}

// whereAsked names the channel. Slack names no direct message to who is not in it.
func whereAsked(project string) []kit.Part {
	if approval.Direct(project) {
		return []kit.Part{kit.Words("a direct message")}
	}
	return []kit.Part{kit.Place(project)}
}

// outsiders says who of those who ask or read the answer is no full member of this company.
func outsiders(p *kit.Page, r *approval.Request) {
	if r.Guest {
		p.Say(kit.Person(r.Asker), kit.Strong(" is a guest"), kit.Words(" in this workspace."))
	}
	if r.Shared && !r.Private {
		p.Say(kit.Strong("Slack Connect: "), kit.Place(r.Project), kit.Words(" is shared with another organisation. Its people read the answer there, too."))
	}
}

// needed says how many approvals it takes, from whom, and how many there are.
func needed(have int, t review.Terms) string {
	whose := ""
	if t.Owners {
		whose = " from the channel's own reviewers"
	}
	if t.Approvals > 1 {
		return fmt.Sprintf("%d of %d approvals%s", have, t.Approvals, whose)
	}
	return "1 approval" + whose
}

// turn names the people who were asked to look at it.
func turn(p *kit.Page, r *approval.Request) {
	var said []kit.Part
	if r.Assignee != "" {
		said = append(said, kit.Person(r.Assignee), kit.Words(" has been asked to decide. "))
	}
	if len(r.Opinions) > 0 {
		said = kit.Flow(said, kit.Words("Second opinion asked of "), kit.People(r.Opinions, " and "), kit.Words("."))
	}
	p.Say(said...)
}

// slackUser is how Slack names people; models are named otherwise. An author is one or the other.
var slackUser = regexp.MustCompile(`^[UW][A-Z0-9]+$`)

// wish returns what a reviewer wanted changed, if the current version was written because
// of that.
func wish(v *steps.View) (approval.Wish, bool) {
	// A person's edit answers no wish: they wrote what they wanted themselves.
	if v.Former == nil || slackUser.MatchString(v.Request.Revision.Author) {
		return approval.Wish{}, false
	}
	at := slices.IndexFunc(v.Request.Wishes, func(w approval.Wish) bool { return w.Revision == v.Former.Number })
	if at < 0 {
		return approval.Wish{}, false
	}
	return v.Request.Wishes[at], true
}

// since says what changed since the version before, and who wrote it.
// The wish is quoted in place of a summary: it is what the reviewer has to hold the difference against.
func since(p *kit.Page, v *steps.View) {
	if v.Former == nil {
		return
	}
	rev := v.Request.Revision
	what := ChangedWords(approval.Diff(v.Former.Code, rev.Code))
	said := []kit.Part{kit.Strong(fmt.Sprintf("Revision %d", rev.Number)), kit.Words(fmt.Sprintf(": %s since revision %d", what, v.Former.Number))}
	w, wished := wish(v)
	switch {
	case wished:
		p.Quote(kit.Cut(w.Words, 600), append(said, kit.Words(", because "), kit.Person(w.By), kit.Words(" wrote:"))...)
	case slackUser.MatchString(rev.Author):
		p.Say(append(said, kit.Words(". Written by "), kit.Person(rev.Author), kit.Words(", so somebody else must approve it."))...)
	default:
		p.Say(append(said, kit.Words("."))...)
	}
	if wishers := v.Request.Wishers(); len(wishers) > 0 && v.Terms.Tier != approval.Low {
		p.Say(append(kit.People(wishers, " and "), kit.Words(" asked for changes, and so wrote a part of it. Somebody else has to approve it."))...)
	}
}
