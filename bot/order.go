package bot

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"countersign/approval"
	"countersign/budget"
)

// order is what somebody wants of /budget.
type order struct {
	verb    string // show, set, remove, history, explain, top, help; empty for /budget alone
	target  target
	terms   terms  // set
	request string // explain
	by      string // top: people, channels, models, days
	period  string // top: a key of periods
}

// target is whose budget is meant, as it can be told from the words alone.
type target struct {
	kind    budget.ScopeKind // empty: nobody was named
	id      string           // of a person, a channel or a role
	channel string           // of a thread, which the service knows by where it is
	ts      string
}

// terms are what a budget may be: all of it is said each time, so that nothing
// of an earlier one stays behind unseen.
type terms struct {
	amount budget.USD
	window budget.Window
	policy budget.LimitPolicy
}

var (
	// mention and channelMention are how Slack sends people and channels in a command whose text is escaped.
	mention        = regexp.MustCompile(`^<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>$`)
	channelMention = regexp.MustCompile(`^<#([CDG][A-Z0-9]+)(?:\|[^<>]*)?>$`)
	// threadLink is what "Copy link" gives for a message; in a thread the root's ts comes after it.
	threadLink = regexp.MustCompile(`^<?https://[^\s<>|]+/archives/([CDG][A-Z0-9]+)/p(\d{10})(\d{6})(?:\?(?:[^\s<>|]*&(?:amp;)?)?thread_ts=(\d{10}\.\d{6})|\?)?[^\s<>|]*(?:\|[^<>]*)?>?$`)
)

// wrong is a /budget that cannot be read, with an example of one that can.
func wrong(why, example string) error {
	return &approval.InputError{Why: why + " For example: " + commandBudget + " " + example}
}

// verbs read what comes after the first word.
var verbs = map[string]func(o *order, rest []string) error{
	"help":    nothingElse("help"),
	"show":    (*order).readShow,
	"set":     (*order).readSet,
	"remove":  (*order).readRemove,
	"history": (*order).readHistory,
	"explain": (*order).readExplain,
	"top":     (*order).readTop,
}

// parseBudget reads the words after /budget, as Slack sends them.
func parseBudget(text string) (order, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return order{}, nil
	}
	o := order{verb: strings.ToLower(words[0])}
	read, ok := verbs[o.verb]
	if !ok {
		return order{}, wrong(fmt.Sprintf("I do not know %q. There is show, set, remove, history, explain, top and help.", said(text)), "set @user 25")
	}
	if err := read(&o, words[1:]); err != nil {
		return order{}, err
	}
	return o, nil
}

// said is what somebody typed, short enough to be said back to them.
func said(text string) string { return cut(oneLine(fromSlack(text)), 50) }

// nothingElse reads a verb that stands alone.
func nothingElse(verb string) func(*order, []string) error {
	return func(_ *order, rest []string) error {
		if len(rest) > 0 {
			return wrong(fmt.Sprintf("I do not understand %q after %s.", said(strings.Join(rest, " ")), verb), verb)
		}
		return nil
	}
}

// someone are the ways to say whose budget.
const someone = "@user, #channel, the link of a thread, team, members, reviewers or admins"

// readTarget reads whose budget is meant. A bare name is not looked up: names are
// not unique, and money is not given by resemblance.
func readTarget(word, example string) (target, error) {
	if m := mention.FindStringSubmatch(word); m != nil {
		return target{kind: budget.User, id: m[1]}, nil
	}
	if m := channelMention.FindStringSubmatch(word); m != nil {
		return target{kind: budget.Project, id: m[1]}, nil
	}
	if m := threadLink.FindStringSubmatch(word); m != nil {
		t := target{kind: budget.Session, channel: m[1], ts: m[2] + "." + m[3]}
		if m[4] != "" {
			t.ts = m[4]
		}
		return t, nil
	}
	switch name := strings.ToLower(word); {
	case name == "team":
		return target{kind: budget.Team}, nil
	case slices.Contains(sharedRoles, name):
		return target{kind: budget.Role, id: name}, nil
	case strings.HasPrefix(word, "#"):
		return target{}, wrong(fmt.Sprintf("%q is no channel that I can find. Type # and choose it from the list that Slack offers.", said(word)), example)
	case strings.Contains(word, "://"):
		return target{}, wrong(fmt.Sprintf("%q is not the link of a thread. Choose \"Copy link\" in the menu of its first message.", said(word)), example)
	}
	return target{}, wrong(fmt.Sprintf("%q is nobody I can find. Type @ and choose the person from the list that Slack offers, or say whose otherwise: %s.", said(word), someone), example)
}

// sharedRoles are those who share a role, by the ids of their scopes.
var sharedRoles = []string{budget.Members, budget.Reviewers, budget.Admins}

// readOne reads the one target that a verb takes, if it is there.
func (o *order) readOne(rest []string, example string) (err error) {
	switch len(rest) {
	case 0:
		return nil
	case 1:
		o.target, err = readTarget(rest[0], example)
		return err
	}
	return wrong(fmt.Sprintf("I do not understand %q. After %s comes one of these: %s.", said(strings.Join(rest, " ")), o.verb, someone), example)
}

func (o *order) readShow(rest []string) error    { return o.readOne(rest, "show @user") }
func (o *order) readHistory(rest []string) error { return o.readOne(rest, "history @user") }

func (o *order) readRemove(rest []string) error {
	if len(rest) == 0 {
		return wrong("Whose budget? Say "+someone+".", "remove @user")
	}
	return o.readOne(rest, "remove @user")
}

// requestID is how requests are called; see approval.NewID.
var requestID = regexp.MustCompile(`^[0-9a-z]{4,20}$`)

func (o *order) readExplain(rest []string) error {
	const example = "explain bcd23fg"
	if len(rest) != 1 {
		return wrong("Which question? Its id stands in the small print of its card and its answer; /analyze status lists yours.", example)
	}
	if o.request = strings.ToLower(rest[0]); !requestID.MatchString(o.request) {
		return wrong(fmt.Sprintf("%q is not the id of a question. It stands in the small print of its card and its answer.", said(rest[0])), example)
	}
	return nil
}

// readSet reads whose, how much, and on what terms.
func (o *order) readSet(rest []string) (err error) {
	example := "set @user 25"
	if len(rest) == 0 {
		return wrong("Whose budget, and how much?", example)
	}
	switch first := strings.ToLower(rest[0]); {
	case first == "team" || slices.Contains(sharedRoles, first):
		example = "set " + first + " 200 per month"
	case strings.HasPrefix(first, "<#") || strings.HasPrefix(first, "#"):
		example = "set #channel 50 per week"
	}
	if o.target, err = readTarget(rest[0], example); err != nil {
		return err
	}
	if len(rest) == 1 {
		return wrong("How much?", example)
	}
	var why string
	if o.terms.amount, why = readAmount(rest[1]); why != "" {
		return wrong(why, example)
	}
	return o.terms.read(rest[2:])
}

// maxAmount is where a typing error is likelier than a budget.
const maxAmount = 1_000_000 * budget.Dollar

// readAmount reads dollars; why says what is wrong with them.
func readAmount(word string) (amount budget.USD, why string) {
	amount, err := budget.ParseUSD(word)
	switch {
	case err != nil:
		return 0, fmt.Sprintf("%q is not an amount of dollars. Write it like 25, 25.50 or $1,000.", cut(fromSlack(word), 30))
	case amount > maxAmount:
		return 0, "That is more than anybody should spend here; the most is $1,000,000."
	}
	return amount, ""
}
