// Package command reads what people type: after /budget into an order (order.go, terms.go,
// period.go), before a question the model that it is for (question.go). What it cannot read
// becomes an error with an example of a command that works: a test reads them all back.
//
// It works on the words as Slack sends them. In the manifest both commands have Slack escape
// people and channels (should_escape), so that a mention is an id and never a name that
// somebody else may have.
package command

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"countersign/approval"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/budget"
)

// Order is what somebody wants of /budget.
//
// Which fields count depends on the verb, as is said beside each; the others are zero.
type Order struct {
	Verb    string // show, set, remove, history, explain, top, help; empty for /budget alone
	Target  Target
	Terms   terms  // set
	Request string // explain
	By      string // top: people, channels, models, days
	Period  string // top: a key of periods
}

// Target is whose budget is meant, as it can be told from the words alone.
//
// A thread has no Id here: its session's id is looked up by the place, which only the database knows
// (bot.budgets.scope).
type Target struct {
	Kind    budget.ScopeKind // empty: nobody was named
	Id      string           // of a person, a channel or a role
	Channel string           // of a thread, which the service knows by where it is
	Ts      string
}

// terms are what a budget may be: all of it is said each time, so that nothing
// of an earlier one stays behind unseen.
type terms struct {
	Amount budget.USD
	Window budget.Window
	Policy budget.LimitPolicy
}

var (
	// mention and channelMention are how Slack sends people and channels in a command whose text is escaped.
	// Ids of people begin with a U or, in an organisation (Enterprise Grid), with a W; the name behind the bar
	// is for display.
	mention        = regexp.MustCompile(`^<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>$`)
	channelMention = regexp.MustCompile(`^<#([CDG][A-Z0-9]+)(?:\|[^<>]*)?>$`)
	// threadLink is what "Copy link" gives for a message; in a thread the root's ts comes after it.
	threadLink = regexp.MustCompile(`^<?https://[^\s<>|]+/archives/([CDG][A-Z0-9]+)/p(\d{10})(\d{6})(?:\?(?:[^\s<>|]*&(?:amp;)?)?thread_ts=(\d{10}\.\d{6})|\?)?[^\s<>|]*(?:\|[^<>]*)?>?$`)
)

// wrong is a /budget that cannot be read, with an example of one that can.
//
//	I do not understand "per year". … For example: /budget set team 200 per week
func wrong(why, example string) error {
	return &approval.InputError{Why: approval.Words(why + " For example: " + ids.CommandBudget + " " + example)}
}

// verbs read what comes after the first word.
var verbs = map[string]func(o *Order, rest []string) error{
	"help":    nothingElse("help"),
	"show":    (*Order).readShow,
	"set":     (*Order).readSet,
	"remove":  (*Order).readRemove,
	"history": (*Order).readHistory,
	"explain": (*Order).ReadExplain,
	"top":     (*Order).readTop,
}

// ParseBudget reads the words after /budget, as Slack sends them.
func ParseBudget(text string) (Order, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Order{}, nil
	}
	o := Order{Verb: strings.ToLower(words[0])}
	read, ok := verbs[o.Verb]
	if !ok {
		// With a near miss the long list of verbs would only hide the one that was meant.
		// It is only proposed and never done: one of the verbs removes a budget.
		if near := nearest(o.Verb); near != "" {
			return Order{}, &approval.InputError{Why: approval.Words(fmt.Sprintf("Unknown command %q. Did you mean %q?", said(text), near))}
		}
		return Order{}, wrong(fmt.Sprintf("Unknown command %q. You can write show, set, remove, history, explain, top or help.", said(text)), "set @user 25")
	}
	if err := read(&o, words[1:]); err != nil {
		return Order{}, err
	}
	return o, nil
}

// nearest is the verb that somebody may have meant: one letter more, less or other.
//
// In alphabetical order, so that the same slip gets the same proposal each time.
func nearest(word string) string {
	for _, verb := range slices.Sorted(maps.Keys(verbs)) {
		// What both begin with is skipped. Then at most one letter may be too many, missing or other.
		same := 0
		for same < min(len(word), len(verb)) && word[same] == verb[same] {
			same++
		}
		w, v := word[same:], verb[same:]
		if strings.TrimPrefix(w, first(w)) == v || w == strings.TrimPrefix(v, first(v)) || w != "" && v != "" && w[1:] == v[1:] {
			return verb
		}
	}
	return ""
}

func first(s string) string { return s[:min(1, len(s))] }

// said is what somebody typed, short enough to be said back to them.
func said(text string) string { return kit.Cut(kit.OneLine(kit.FromSlack(text)), 50) }

// nothingElse reads a verb that stands alone.
func nothingElse(verb string) func(*Order, []string) error {
	return func(_ *Order, rest []string) error {
		if len(rest) > 0 {
			return wrong(fmt.Sprintf("I do not understand %q after %s.", said(strings.Join(rest, " ")), verb), verb)
		}
		return nil
	}
}

// someone are the ways to say whose budget.
const someone = "@user, #channel, the link of a thread, team, members, reviewers or admins"

// ReadTarget reads whose budget is meant. A bare name is not looked up: names are
// not unique, and money is not given by resemblance.
func ReadTarget(word, example string) (Target, error) {
	if m := mention.FindStringSubmatch(word); m != nil {
		return Target{Kind: budget.User, Id: m[1]}, nil
	}
	if m := channelMention.FindStringSubmatch(word); m != nil {
		return Target{Kind: budget.Project, Id: m[1]}, nil
	}
	// In a link the point of a ts is left out: the last six digits stand behind it.
	if m := threadLink.FindStringSubmatch(word); m != nil {
		// A link to a reply names the thread's first message in thread_ts, which is where the budget is.
		t := Target{Kind: budget.Session, Channel: m[1], Ts: m[2] + "." + m[3]}
		if m[4] != "" {
			t.Ts = m[4]
		}
		return t, nil
	}
	switch name := strings.ToLower(word); {
	case name == "team":
		return Target{Kind: budget.Team}, nil
	case slices.Contains(roles, name):
		return Target{Kind: budget.Role, Id: name}, nil
	// Slack escapes what was chosen from its list, so what still has a "#" was typed by hand.
	case strings.HasPrefix(word, "#"):
		return Target{}, wrong(fmt.Sprintf("I cannot find the channel %q. Type # and choose it from the list that Slack offers.", said(word)), example)
	case strings.Contains(word, "://"):
		return Target{}, wrong(fmt.Sprintf("%q is not the link of a thread. Choose \"Copy link\" in the menu of its first message.", said(word)), example)
	}
	return Target{}, wrong(fmt.Sprintf("I cannot find %q. Type @ and choose the person from the list that Slack offers, or say whose otherwise: %s.", said(word), someone), example)
}

// roles are those who share a role, by the ids of their scopes.
var roles = []string{budget.Members, budget.Reviewers, budget.Admins}

// readOne reads the one target that a verb takes, if it is there.
//
// Without a target the verb is about all budgets; Kind stays empty.
func (o *Order) readOne(rest []string, example string) (err error) {
	switch len(rest) {
	case 0:
		return nil
	case 1:
		o.Target, err = ReadTarget(rest[0], example)
		return err
	}
	return wrong(fmt.Sprintf("I do not understand %q. After %s comes one of these: %s.", said(strings.Join(rest, " ")), o.Verb, someone), example)
}

func (o *Order) readShow(rest []string) error { return o.readOne(rest, "show @user") }

func (o *Order) readHistory(rest []string) error { return o.readOne(rest, "history @user") }

// readRemove wants a target: to remove whatever is meant would be too much on a guess.
func (o *Order) readRemove(rest []string) error {
	if len(rest) == 0 {
		return wrong("Whose budget? Say "+someone+".", "remove @user")
	}
	return o.readOne(rest, "remove @user")
}

// requestID is how requests are called; see approval.NewID.
var requestID = regexp.MustCompile(`^[0-9a-z]{4,20}$`)

// ReadExplain reads the id of a question, also for the form that asks for it.
func (o *Order) ReadExplain(rest []string) error {
	const example = "explain bcd23fg"
	if len(rest) != 1 {
		return wrong("Which question? Its id is in the small print of its card and its answer; /analyze status lists yours.", example)
	}
	// Keyboards of phones begin a word with a capital.
	if o.Request = strings.ToLower(rest[0]); !requestID.MatchString(o.Request) {
		return wrong(fmt.Sprintf("%q is not the id of a question. It is in the small print of its card and its answer.", said(rest[0])), example)
	}
	return nil
}

// readSet reads whose, how much, and on what terms.
func (o *Order) readSet(rest []string) (err error) {
	example := "set @user 25"
	if len(rest) == 0 {
		return wrong("Whose budget, and how much?", example)
	}
	// An example for the same kind of budget as was typed.
	switch first := strings.ToLower(rest[0]); {
	case first == "team" || slices.Contains(roles, first):
		example = "set " + first + " 200 per month"
	case strings.HasPrefix(first, "<#") || strings.HasPrefix(first, "#"):
		example = "set #channel 50 per week"
	}
	if o.Target, err = ReadTarget(rest[0], example); err != nil {
		return err
	}
	if len(rest) == 1 {
		return wrong("How much?", example)
	}
	var why string
	if o.Terms.Amount, why = ReadAmount(rest[1]); why != "" {
		return wrong(why, example)
	}
	return o.Terms.read(rest[2:])
}

// maxAmount is where a typing error is likelier than a budget.
const maxAmount = 1_000_000 * budget.Dollar

// ReadAmount reads dollars; why says what is wrong with them.
// why is words for people, which the form shows beside its field and a command puts before its example.
func ReadAmount(word string) (amount budget.USD, why string) {
	amount, err := budget.ParseUSD(word)
	switch {
	case err != nil:
		return 0, fmt.Sprintf("%q is not a dollar amount. Write it like 25, 25.50 or $1,000.", kit.Cut(kit.FromSlack(word), 30))
	case amount > maxAmount:
		return 0, "That is too much: at most $1,000,000."
	}
	return amount, ""
}
