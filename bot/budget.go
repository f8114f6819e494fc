package bot

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/budget"
)

// order is what somebody wants of /budget.
type order struct {
	verb   string // show, set or help
	user   string // whose; empty for one's own when showing, for the team's when setting
	amount budget.USD
	window budget.Window
}

// mention is how Slack sends a person in a command whose text is escaped.
var mention = regexp.MustCompile(`^<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>$`)

// wrong is a /budget that cannot be read, with an example of one that can.
func wrong(why, example string) error {
	return &approval.InputError{Why: why + " For example: " + commandBudget + " " + example}
}

// parseBudget reads the words after /budget, as Slack sends them.
func parseBudget(text string) (order, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return order{verb: "show"}, nil
	}
	verb, rest := strings.ToLower(words[0]), words[1:]
	switch {
	case verb == "help" && len(rest) == 0:
		return order{verb: verb}, nil
	case verb == "show" && len(rest) == 0:
		return order{verb: verb}, nil
	case verb == "show":
		user, err := parsePerson(strings.Join(rest, " "), "show @user")
		return order{verb: verb, user: user}, err
	case verb == "set":
		return parseSet(rest)
	}
	return order{}, wrong(fmt.Sprintf("I do not know %q. There is show, set and help.", cut(fromSlack(text), 50)), "set @user 25")
}

// parsePerson reads a mention. A bare name is not looked up: names are not unique,
// and money is not given by resemblance.
func parsePerson(word, example string) (string, error) {
	found := mention.FindStringSubmatch(word)
	if found == nil {
		return "", wrong(fmt.Sprintf("%q is nobody I can find. Type @ and choose the person from the list that Slack offers.", cut(fromSlack(word), 50)), example)
	}
	return found[1], nil
}

// parseSet reads what comes after "set": whose, how much, and per what.
func parseSet(words []string) (o order, err error) {
	o = order{verb: "set", window: budget.Month}
	example := "set @user 25"
	if len(words) == 0 {
		return o, wrong("Whose budget, and how much?", example)
	}
	if strings.EqualFold(words[0], "team") {
		example = "set team 200 per month"
	} else if strings.HasPrefix(words[0], "<#") || strings.HasPrefix(words[0], "#") {
		return o, wrong("Budgets are for a person or for the whole team, not for a channel.", "set team 200 per month")
	} else if o.user, err = parsePerson(words[0], example); err != nil {
		return o, err
	}
	if len(words) == 1 {
		return o, wrong("How much?", example)
	}
	if o.amount, err = budget.ParseUSD(words[1]); err != nil {
		return o, wrong(fmt.Sprintf("%q is not an amount of dollars. Write it like 25, 25.50 or $1,000.", cut(fromSlack(words[1]), 30)), example)
	}
	if o.amount > maxAmount {
		return o, wrong(fmt.Sprintf("%s is more than anybody should spend here; the most is %s.", o.amount, maxAmount), example)
	}
	switch per := words[2:]; {
	case len(per) == 0:
	case len(per) == 2 && strings.EqualFold(per[0], "per") && windows[strings.ToLower(per[1])] != "":
		o.window = windows[strings.ToLower(per[1])]
	default:
		return o, wrong(fmt.Sprintf("I do not understand %q. A budget is per day, per week or per month.", cut(fromSlack(strings.Join(per, " ")), 50)), strings.TrimSuffix(example, " per month")+" per week")
	}
	return o, nil
}

// maxAmount is where a typing error is likelier than a budget.
const maxAmount = 1_000_000 * budget.Dollar

var windows = map[string]budget.Window{"day": budget.Day, "week": budget.Week, "month": budget.Month}

// budget takes /budget.
func (b *Bot) budget(ctx context.Context, c slack.SlashCommand) (answer, error) {
	o, err := parseBudget(c.Text)
	if err != nil {
		return orPrivately(err)
	}
	switch o.verb {
	case "help":
		return privately(helpBudget()), nil
	case "set":
		return b.setBudget(ctx, c, o)
	}
	if o.user == "" {
		o.user = c.UserID
	}
	roster, err := b.Service.Reviewers(ctx, c.TeamID, "")
	if err != nil {
		return orPrivately(err)
	}
	if o.user != c.UserID && !roster.Admin(c.UserID) {
		return privately(&page{}, words("Only administrators look at other people's budgets. Yours: "), mono(commandBudget+" show")), nil
	}
	standings, err := b.Service.Budgets(ctx, c.TeamID, o.user)
	if err != nil {
		return orPrivately(err)
	}
	p := &page{}
	for _, s := range standings {
		p.say(standing(s, c.UserID)...)
	}
	if !teams(standings) {
		p.say(words("The team has no budget of its own, so only people's budgets apply."))
	}
	return privately(p), nil
}

// teams tells whether the team has a budget.
func teams(standings []budget.Standing) bool {
	for _, s := range standings {
		if s.Limit.Scope.Kind == budget.Team {
			return true
		}
	}
	return false
}

// setBudget sets a limit. Whether somebody may is for the service to say, which
// also keeps who did it.
func (b *Bot) setBudget(ctx context.Context, c slack.SlashCommand, o order) (answer, error) {
	limit := budget.Limit{Scope: budget.Scope{Team: c.TeamID, Kind: budget.Team, ID: c.TeamID}, Amount: o.amount, Window: o.window}
	whose := []part{words("The team")}
	if o.user != "" {
		limit.Scope = budget.Scope{Team: c.TeamID, Kind: budget.User, ID: o.user}
		whose = []part{person(o.user)}
	}
	if err := b.Service.SetLimit(ctx, c.UserID, limit); err != nil {
		return orPrivately(err)
	}
	return privately(&page{}, append(whose, words(fmt.Sprintf(" may now spend %s per %s.", o.amount, o.window)))...), nil
}

// standing says how a budget stands, to the one who reads it.
func standing(s budget.Standing, reader string) []part {
	said := append(whose(s.Limit.Scope, reader), words(": "), strong(fmt.Sprintf("%s of %s left", max(0, s.Left()).ApproxLeft(), s.Limit.Amount)),
		words(during[s.Limit.Window]+". "+s.Spent.Approx()+" spent"))
	if s.Held > 0 {
		said = append(said, words(", "+s.Held.Approx()+" set aside for work under way"))
	}
	if !s.ResetsAt.IsZero() {
		said = append(said, words(". It starts anew "), moment(s.ResetsAt))
	}
	if s.Limit.Default {
		said = append(said, words(". Nobody has set it, so it is the usual amount"))
	}
	return append(said, words("."))
}

// whose names a budget to somebody.
func whose(s budget.Scope, reader string) []part {
	switch {
	case s.Kind == budget.User && s.ID == reader:
		return []part{words("Your budget")}
	case s.Kind == budget.User:
		return []part{words("The budget of "), person(s.ID)}
	case s.Kind == budget.Session:
		return []part{words("The budget of this thread")}
	case s.Kind == budget.Project:
		return []part{words("The budget of this channel")}
	}
	return []part{words("The team's budget")}
}

// helpBudget says what can be typed, and who may.
func helpBudget() *page {
	p := &page{}
	p.say(strong("Budgets"), words(" say what questions may cost. Money is set aside before anything is spent, in every budget that applies."))
	p.list(nil, [][]part{
		{mono(commandBudget), words(" or "), mono(commandBudget + " show"), words(" shows what you and the team have left.")},
		{mono(commandBudget + " set @user 25"), words(" lets somebody spend $25 per month. For administrators.")},
		{mono(commandBudget + " set team 200 per week"), words(" sets the budget of all together: per day, per week or per month. For administrators.")},
		{mono(commandBudget + " show @user"), words(" shows somebody's budget. For administrators.")},
	})
	return p
}
