package approval

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"countersign/budget"
)

// Threshold is what NoticeThreshold says.
type Threshold struct {
	Standing budget.Standing `json:"standing"`
	Mark     int             `json:"mark"` // per cent
	Person   string          `json:"person,omitempty"`
}

// Stop is what NoticeStop says.
type Stop struct {
	Standing budget.Standing `json:"standing"`
	Needed   budget.USD      `json:"needed"`
	Person   string          `json:"person,omitempty"` // who was refused
}

// Forecast is what NoticeForecast says.
type Forecast struct {
	Standing budget.Standing `json:"standing"`
	At       time.Time       `json:"at"` // when it will be used up at this pace
	Person   string          `json:"person,omitempty"`
}

// Spike is what NoticeSpike says: which day, and who and where most of it was spent.
type Spike struct {
	budget.Spike
	People   []SpentOn `json:"people"`
	Channels []SpentOn `json:"channels"`
}

// SpentOn is a person or a channel, and what it has cost.
type SpentOn struct {
	ID     string     `json:"id"`
	Amount budget.USD `json:"amount"`
}

// Differs is what NoticeDiffers says: where a provider's word and the ledger are more than
// two percent apart.
type Differs struct {
	Provider string        `json:"provider"`
	From     string        `json:"from"` // dates in UTC, both included
	To       string        `json:"to"`
	Lines    []DiffersLine `json:"lines"`           // the widest apart first
	More     int           `json:"more,omitempty"`  // lines that are left out here
	Boxes    bool          `json:"boxes,omitempty"` // lines are of boxes: milliseconds stand in the place of tokens
}

// DiffersLine is a day of a model. Tokens are of prompts and answers together.
type DiffersLine struct {
	Day    string     `json:"day"`
	Model  string     `json:"model"`
	Ours   int64      `json:"ours"` // tokens
	Theirs int64      `json:"theirs"`
	Paid   budget.USD `json:"paid"`             // by the ledger
	Billed budget.USD `json:"billed,omitempty"` // by the provider, where it says so
}

// Overrun is what NoticeOverrun says: the first time in a month for each model or
// kind of box.
type Overrun struct {
	What  string     `json:"what"`            // the model that answered, or the kind of box
	Asked string     `json:"asked,omitempty"` // the model that had been asked for
	Held  budget.USD `json:"held"`
	Cost  budget.USD `json:"cost"`
}

// overrunNotice tells the administrators that work cost more than was held for it, so a
// price or a limit is wrong.
func overrunNotice(r *Request, h budget.Hold, s budget.Settlement, over budget.USD) Notice {
	// A settlement may have several charges. The notice names what cost most of it: that is the price, or the limit,
	// which an administrator has to look at.
	dearest := slices.MaxFunc(s.Charges, func(a, b budget.Charge) int { return cmp.Compare(a.Amount, b.Amount) })
	o := Overrun{What: dearest.What, Asked: r.Model, Held: h.Amount, Cost: h.Amount + over}
	// Nobody asks for a kind of box, so there is no other name to set against it.
	if dearest.Kind == budget.Box {
		o.Asked = ""
	}
	return Notice{Key: fmt.Sprintf("%s of %s by %s in %s", NoticeOverrun, r.Team, o.What, s.At.UTC().Format("2006-01")),
		Kind: NoticeOverrun, Admins: true, At: s.At, Data: Encode(o), Once: true}
}

// TopUpAsked is what NoticeTopUp and NoticeTopUpOutcome say: which top-up. How it
// stands is in the request, View.Request.TopUp(ID).
type TopUpAsked struct {
	ID      string       `json:"id"`
	AskedBy string       `json:"asked_by"`
	Scope   budget.Scope `json:"scope"`
	Amount  budget.USD   `json:"amount"`
	Reason  string       `json:"reason"`
}

// Alerts are what people are told once money has been spent: of every budget the
// marks that it has reached, and when it will be used up at this pace. The Store
// calls it in the transaction that settles, with the budgets locked, and keeps
// each key once: so of any number of settlements, on whatever replica, one tells.
func Alerts(r *Request, standings []budget.Standing, now time.Time) (list []Notice) {
	for _, s := range standings {
		// All marks that are reached are said each time, also those of last week: the key of a notice that was
		// stored before makes it nothing (Once).
		for _, mark := range s.Reached() {
			n := alert(r, s, NoticeThreshold, fmt.Sprintf("%s %d", NoticeThreshold, mark), now)
			n.Data = Encode(Threshold{Standing: s, Mark: mark, Person: person(r, s)})
			list = append(list, n)
		}
		if at, ok := budget.Forecast(s, now); ok {
			n := alert(r, s, NoticeForecast, string(NoticeForecast), now)
			n.Data = Encode(Forecast{Standing: s, At: at, Person: person(r, s)})
			list = append(list, n)
		}
	}
	return list
}

// stops returns the notices about a budget that refused a step. Administrators hear of it
// once per window, however often it refuses; everybody whom it refuses hears once.
func stops(r *Request, refused *budget.ExceededError, now time.Time) []Notice {
	// The tightest is the one to name: where it has room, the others have.
	tight, _ := budget.Tightest(refused.Standings)
	data := Encode(Stop{Standing: tight, Needed: refused.Needed, Person: r.Asker})
	all := alert(r, tight, NoticeStop, string(NoticeStop), now)
	// alert has put the asker among those who hear it. With them in this one, its key would have the first
	// asker alone hear of a budget that refuses many.
	all.To, all.Data = nil, data
	one := alert(r, tight, NoticeStop, string(NoticeStop)+" for "+r.Asker, now)
	one.To, one.Admins, one.Data = []string{r.Asker}, false, data
	return []Notice{all, one}
}

// alert is a notice about a budget. Its key is the scope, the window by its first
// date on the team's calendar, what it says, and the limit: a top-up does not
// have it said again, a limit that an administrator changes does.
func alert(r *Request, s budget.Standing, kind NoticeKind, what string, now time.Time) Notice {
	// A budget without a window never begins anew, so it has no date to be told by.
	window := "always"
	if !s.From.IsZero() {
		window = string(s.Limit.Window) + " " + s.From.Format(time.DateOnly)
	}
	n := Notice{Key: fmt.Sprintf("%s of %s %s %s in %s at %d", what, s.Limit.Scope.Team, s.Limit.Scope.Kind, s.Limit.Scope.ID, window, s.Limit.Amount),
		Team: r.Team, Kind: kind, Admins: true, RequestID: r.ID, At: now, Once: true}
	if who := person(r, s); who != "" {
		n.To = []string{who}
	}
	return n
}

// person returns who is told besides the administrators: the owner of the budget, or the
// asker of the request. The team's budget belongs to nobody in particular.
func person(r *Request, s budget.Standing) string {
	if s.Limit.Scope.Kind == budget.Team {
		return ""
	}
	return r.Asker
}
