package draw

import (
	"fmt"
	"slices"
	"strings"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/money"
	"countersign/bot/kit"
	"countersign/budget"
)

// cost ends every answer, in one line: who approved it, what the code did, what it has
// cost and what is left. The bill is behind Details.
// One line of small print:
//
//	Approved by @Ben · Opened sales.csv. No network, no other programs · $0.02 · $9.98 of $10 left
func cost(p *kit.Page, v *steps.View) {
	r := v.Request
	var said []kit.Part
	// Who answers for it comes first: the line stands under every answer, and nobody reads to its end.
	if broke := Unapproved(r); broke != nil {
		said = broke
	} else if who := approvers(r); who != nil {
		said = append(append(said, kit.Words("Approved")), who...)
	}
	// "at most" and "not known yet" are two different doubts. The first is a charge that was booked at its
	// highest price, the second a hold that is still open, because nobody knows yet whether the provider will
	// bill it.
	if r.Run != nil && r.Run.Result != nil && r.Run.Result.Outcome != approval.Cancelled { // nothing that it did is kept
		head, rest := r.Run.Result.Observed.Words(Listed)
		said = append(said, kit.Words(dot(said)+head+strings.TrimSuffix(rest, ".")))
	}
	spent := money.Spent(v.Spent())
	if slices.ContainsFunc(v.Bill, func(s steps.Spend) bool { return s.Estimated }) {
		spent += " at most"
	}
	if held, _ := budget.Uncertain(r.Holds); held > 0 {
		spent += fmt.Sprintf(", and up to %s that is not known yet", money.Most(held))
	}
	said = append(said, kit.Words(dot(said)+spent))
	if tight, ok := budget.Tightest(v.Standings); ok {
		said = append(said, kit.Words(fmt.Sprintf(" · %s of %s left", money.Left(tight.Left()), money.Dollars(tight.Limit.Hard()))))
	}
	p.Small(said...)
	if spent := keptSpent(v); spent > 0 {
		p.Small(kit.Words(keptReady + ": " + money.Spent(spent)))
	}
}

// dot stands between the pieces of a line.
func dot(before []kit.Part) string {
	if len(before) == 0 {
		return ""
	}
	return " · "
}

// bill is what it cost, what is left, and who is answerable. It is exact where the line under the answer is rounded: somebody
// may hold it against a provider's bill.
func bill(p *kit.Page, v *steps.View) {
	p.List([]kit.Part{kit.Strong("Bill")}, billLines(v))
	r := v.Request
	print := []kit.Part{kit.Words("Request "), kit.Mono(r.ID)}
	if r.Revision != nil {
		print = Print(r.ID, r.Revision.Number, r.Revision.Digest)
	}
	if broke := Unapproved(r); broke != nil {
		print = append(append(append(print, kit.Words(". ")), broke...), kit.Words(", "), kit.Moment(r.Glass.At))
	} else if who := approvers(r); who != nil {
		print = append(append(print, kit.Words(", approved")), who...)
		print = append(print, kit.Words(", "), kit.Moment(r.Decisions[len(r.Decisions)-1].At))
	}
	p.Small(print...)
}

// boxSteps name what a box was used for, where it takes more than one line. A draft's hold may
// pay for an inspection as well (approval.Money.Inspect), so both purposes have the same word.
var boxSteps = map[budget.Purpose]string{budget.ForDraft: ", inspection", budget.ForRead: ", reading", budget.ForInspect: ", inspection", budget.ForRun: ", run"}

// keptReady names what a box has cost before anybody had approved what it was for.
const keptReady = "Sandbox kept ready while it was reviewed"

// keptCost is what that was, or is at most.
// While the box is kept, its hold gives the bound; once the hold is settled, the bill has the sum. So the card
// names either the one or the other, and never counts the money twice.
func keptCost(p *kit.Page, v *steps.View) {
	b := v.Request.Ready
	for _, h := range v.Request.Holds {
		if b.Open() && h.ID == b.Hold {
			p.Say(kit.Strong("Sandbox kept ready"), kit.Words(" while it is reviewed, until "), kit.Moment(b.Until), kit.Words(": at most "+money.Most(h.Amount)+"."))
			return
		}
	}
	if spent := keptSpent(v); spent > 0 {
		p.Say(kit.Words(keptReady + ": " + money.Spent(spent) + "."))
	}
}

// keptSpent is what of the bill that was.
func keptSpent(v *steps.View) (spent budget.USD) {
	for _, s := range v.Bill {
		if s.Purpose == budget.ForReady {
			spent += budget.Total(s.Charges)
		}
	}
	return spent
}

// billLines add charges of one kind and name up, and end with the total and what is left.
//
//	Bill
//	• mistral-large (Mistral, api.mistral.ai): 3,214 tokens in and 402 out, $0.0089
//	• e2b sandbox: 4.2 seconds, $0.0002
//	• Total: $0.0091
//	• The run cost 1 cent, as expected; the limit was 5 cents
//	• @Maya has $7.88 of $10 left this month
//
// Lines stand in the order in which the money was first spent, because a map alone would shuffle them at each
// drawing.
func billLines(v *steps.View) (items [][]kit.Part) {
	// Whatever is part of the key keeps its own line. Estimated charges are never added to measured ones: the
	// sum would have figures of seconds or tokens that nobody knows.
	type key struct {
		kind  budget.ChargeKind
		what  string
		guess bool // nobody knows how much was used
		step  string
		to    approval.Addressee // of a call
	}
	// A lost run's box is charged in full, as a guess. Beside boxes whose time is known, one line for
	// all of them would be wrong, so each then says what it was for.
	lost := slices.ContainsFunc(v.Bill, func(s steps.Spend) bool { return s.Estimated && s.Purpose == budget.ForRun })
	sums, order, estimated := map[key]budget.Charge{}, []key{}, false
	for _, s := range v.Bill {
		estimated = estimated || s.Estimated
		for _, c := range s.Charges {
			// Calls of one model at one host become one line, however many repairs it took.
			k := key{kind: c.Kind, what: c.What, guess: s.Estimated, to: approval.Addressee{Provider: c.Provider, Host: c.Host}}
			if s.Purpose == budget.ForSummary {
				k.step = ", summary of the thread"
			}
			if lost && c.Kind == budget.Box {
				k.step = boxSteps[s.Purpose]
			}
			if s.Purpose == budget.ForReady {
				k.step = keptReady
			}
			sum, ok := sums[k]
			if !ok {
				order = append(order, k)
			}
			sum.Amount += c.Amount
			sum.BoxMS += c.BoxMS
			sum.Usage.Input += c.Usage.Input
			sum.Usage.Output += c.Usage.Output
			sums[k] = sum
		}
	}
	for i, k := range order {
		c := sums[k]
		// The charges of a question with many repairs would fill the message. The total counts all of them.
		if i >= 8 {
			items = append(items, []kit.Part{kit.Words(fmt.Sprintf("and %d more lines", len(order)-i))})
			break
		}
		line := fmt.Sprintf("%s sandbox%s: %.1f seconds, ", k.what, k.step, float64(c.BoxMS)/1000)
		switch {
		case k.step == keptReady && k.guess:
			line = keptReady + ": time unknown, at most "
		case k.step == keptReady:
			line = fmt.Sprintf("%s: %.1f seconds, ", keptReady, float64(c.BoxMS)/1000)
		// The order of the cases matters: a kept box is also a box, and a guess hides every figure but the
		// amount.
		case k.guess && k.kind == budget.Tokens:
			line = kit.Cut(k.what, 80) + k.step + ": token count unknown, at most "
		case k.guess:
			line = k.what + " sandbox" + k.step + ": time unknown, at most "
		case k.kind == budget.Tokens:
			line = fmt.Sprintf("%s%s%s: %s in and %s out, ", kit.Cut(k.what, 80), askedAt(k.to), k.step, kit.Count(c.Usage.Input, "token"), kit.Thousands(c.Usage.Output))
		}
		items = append(items, []kit.Part{kit.Words(line + c.Amount.String())})
	}
	if held, until := budget.Uncertain(v.Request.Holds); held > 0 {
		items = append(items, []kit.Part{kit.Words(fmt.Sprintf("Uncertain: it is not known yet what a call to %s cost. Up to %s is reserved for it, and charged on ",
			kit.Cut(v.Request.First(), 80), money.Most(held))), kit.Moment(until), kit.Words(" unless the cost is known by then")})
	}
	total := []kit.Part{kit.Strong("Total: " + v.Spent().String())}
	if estimated {
		total = append(total, kit.Words(" (partly estimated, at the highest possible price)"))
	}
	items = append(items, total)
	if share := ofQuote(v); share != "" {
		items = append(items, []kit.Part{kit.Words(share)})
	}
	if tight, ok := budget.Tightest(v.Standings); ok {
		left := append(money.Has(tight.Limit.Scope, ""), kit.Words(fmt.Sprintf("%s of %s left%s", money.Left(tight.Left()), money.Dollars(tight.Limit.Hard()), money.During[tight.Limit.Window])))
		items = append(items, left)
	}
	return items
}

// askedAt says who was asked for a model and where the prompt went; nothing where nobody knows. A host of one's own may
// stand behind any provider's name, so both are said.
func askedAt(to approval.Addressee) string {
	switch {
	case to.Provider == "":
		return ""
	case to.Host == "":
		return " (" + kit.Cut(to.Provider, 60) + ")"
	}
	return fmt.Sprintf(" (%s, %s)", kit.Cut(to.Provider, 60), kit.Cut(to.Host, 100))
}

// expected says what a run should cost and what it can cost.
func expected(rev *approval.Revision) string {
	// An expectation that is the limit says nothing more than the limit.
	if rev.Quote <= 0 || rev.Quote >= rev.Manifest.CostCap {
		return fmt.Sprintf(", at most %s more for the run", money.Most(rev.Manifest.CostCap))
	}
	return fmt.Sprintf(", about %s more expected for the run, at most %s", money.Most(rev.Quote), money.Most(rev.Manifest.CostCap))
}

// ofQuote says how near the quote was to what the run has cost.
// It is empty where nothing ran, where a version was written before there were quotes, and for a person's edit,
// which has none.
func ofQuote(v *steps.View) string {
	rev := v.Request.Revision
	run, ok := v.RunSpent()
	if !ok || rev == nil || rev.Quote <= 0 {
		return ""
	}
	// Compared as people read them: a difference that does not show is none.
	spent, quoted := money.Spent(run), money.Spent(rev.Quote)
	if spent == quoted {
		return fmt.Sprintf("The run cost %s, as expected; the limit was %s", spent, money.Most(rev.Manifest.CostCap))
	}
	return fmt.Sprintf("The run cost %s; %s was expected, and the limit was %s", spent, quoted, money.Most(rev.Manifest.CostCap))
}
