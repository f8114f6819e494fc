package books

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"countersign/approval/review"
	"countersign/budget"
)

// Trial is what is tried on the past: other rules, other budgets, or both.
type Trial struct {
	Since, Until time.Time
	Rules        Change            // of the workspace; nil: as they are now
	Channels     map[string]Change // of channels with rules of their own, or that get them
	Budgets      []budget.Limit    // a role's is that of everybody for whom none is named here
}

// Change makes other rules of those that hold now. It is asked for each channel, with the rules of that one.
type Change func(now review.Rules) review.Rules

// form is a trial as somebody writes it: YAML, and so JSON as well. What is not named stays
// as it is now.
type form struct {
	Rules    *ruleForm           `yaml:"rules"`
	Channels map[string]ruleForm `yaml:"channels"`
	Budgets  []string            `yaml:"budgets"`
}

// ruleForm is the part of a trial about rules. A field that is not there keeps what holds: that is why all are pointers.
type ruleForm struct {
	Low        *tierForm `yaml:"low"`
	Medium     *tierForm `yaml:"medium"`
	High       *tierForm `yaml:"high"`
	MediumFrom *string   `yaml:"medium_from"` // dollars a run; "" or 0: cost does not matter
	HighFrom   *string   `yaml:"high_from"`
	Data       *string   `yaml:"data"` // public, internal, confidential
	Hosts      *[]string `yaml:"hosts"`
	Models     *[]string `yaml:"models"` // none: all that the settings offer
}

// tierForm is the part about one tier.
type tierForm struct {
	Approvals *int  `yaml:"approvals"`
	Owners    *bool `yaml:"owners"`
	Typed     *bool `yaml:"typed"`
	Terminal  *bool `yaml:"terminal"` // decided at the command line alone
}

// ReadTrial reads a trial. What it does not understand it says: a slip in a name would try
// nothing, and look as if nothing changed. Rules are checked as if they were to be set: what could not be set is not tried.
func ReadTrial(in io.Reader, team string, zone *time.Location) (t Trial, err error) {
	var f form
	d := yaml.NewDecoder(in)
	// An unknown field is an error: "aprovals: 3" would change nothing.
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return t, fmt.Errorf("read the rules to try: %w", err)
	}
	// The rest of a file that goes on after a line of "---" would be tried by nobody.
	if err := d.Decode(&form{}); !errors.Is(err, io.EOF) {
		return t, errors.New("read the rules to try: there is more than one document in the file, and only one can be tried")
	}
	check := func(where string, r ruleForm) (Change, error) {
		change, err := r.change()
		if err == nil {
			// On rules that pass, so that what fails is the change.
			err = change(review.Rules{Low: review.TierRules{Approvals: 1}, Medium: review.TierRules{Approvals: 1}, High: review.TierRules{Approvals: 1}, Class: review.Internal}).Check(time.Now(), zone)
		}
		if err != nil {
			return nil, fmt.Errorf("the rules of %s: %w", where, err)
		}
		return change, nil
	}
	if f.Rules != nil {
		if t.Rules, err = check("the workspace", *f.Rules); err != nil {
			return t, err
		}
	}
	for channel, r := range f.Channels {
		// A channel's name is the rules of no channel, so they would be tried nowhere.
		// Rules are looked up by Slack's id of the channel, which stays when the channel gets another name.
		if !channelID.MatchString(channel) {
			return t, fmt.Errorf("the rules of %s: write the id of the channel, such as C0123, which stands at the end of its details in Slack", channel)
		}
		change, err := check(channel, r)
		if err != nil {
			return t, err
		}
		if t.Channels == nil {
			t.Channels = map[string]Change{}
		}
		t.Channels[channel] = change
	}
	if t.Budgets, err = ReadBudgets(f.Budgets, team); err != nil {
		return t, err
	}
	if t.Rules == nil && t.Channels == nil && t.Budgets == nil {
		return t, errors.New("there are neither rules, nor channels, nor budgets to try")
	}
	return t, nil
}

// change is what a form makes of rules. It reads the amounts at once, so that a wrong one is said before anything is tried.
func (f ruleForm) change() (Change, error) {
	costs := map[string]budget.USD{}
	for name, text := range map[string]*string{"medium_from": f.MediumFrom, "high_from": f.HighFrom} {
		if text == nil || *text == "" {
			continue
		}
		amount, err := budget.ParseUSD(*text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		costs[name] = amount
	}
	return func(r review.Rules) review.Rules {
		// Tiers that the form leaves out share the key nil, and are passed over together.
		for form, tier := range map[*tierForm]*review.TierRules{f.Low: &r.Low, f.Medium: &r.Medium, f.High: &r.High} {
			if form == nil {
				continue
			}
			set(&tier.Approvals, form.Approvals)
			set(&tier.Owners, form.Owners)
			set(&tier.Typed, form.Typed)
			if form.Terminal != nil {
				tier.Slack = !*form.Terminal
			}
		}
		if f.MediumFrom != nil {
			r.CostMedium = costs["medium_from"]
		}
		if f.HighFrom != nil {
			r.CostHigh = costs["high_from"]
		}
		if f.Data != nil {
			r.Class = review.Class(*f.Data)
		}
		set(&r.Hosts, f.Hosts)
		// The whole list is replaced. A default or a fallback of today might not be on the one that is tried.
		if f.Models != nil {
			models := review.Models{Allowed: *f.Models}
			r.Models = &models
		}
		return r
	}, nil
}

// set leaves what a form does not name as it is.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// budgetLine is "team $100 per month", "everybody $5 per month", "U0123 $10 per week",
// "C0123 $20 per day". Slack's spelling of a person or a channel does as well: <@U0123|maya>, <#C0123|sales>.
var budgetLine = regexp.MustCompile(`^(team|everybody|<?[@#]?([UWCG][A-Z0-9]{2,})(?:\|[^>]*)?>?)\s+\$?([0-9.,]+)(?:\s+(?:per|a)\s+(day|week|month))?$`)

// channelID is what Slack calls a channel: C for most, G for an old private one.
var channelID = regexp.MustCompile(`^[CG][A-Z0-9]+$`)

// ReadBudgets reads budgets to try, one a line. Without a window it is for all time.
func ReadBudgets(lines []string, team string) (limits []budget.Limit, err error) {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		m := budgetLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%q is no budget: write it like \"team $100 per month\", \"everybody $5 per month\", or with the id of a person or a channel", line)
		}
		amount, err := budget.ParseUSD(m[3])
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		l := budget.Limit{Amount: amount, Window: budget.None, Scope: budget.Scope{Team: team, Kind: budget.User, ID: m[2]}}
		if m[4] != "" {
			l.Window = budget.Window(m[4])
		}
		switch {
		case m[1] == "team":
			l.Scope.Kind, l.Scope.ID = budget.Team, team
		case m[1] == "everybody":
			l.Scope.Kind, l.Scope.ID = budget.Role, budget.Members
		// Slack's ids begin with what they are of: C for a channel, G for an old private one, U and W for people.
		case m[2][0] == 'C' || m[2][0] == 'G':
			l.Scope.Kind = budget.Project
		}
		// As in life one scope has one budget. Of two the first would hold, and the other be tried by nobody.
		if slices.ContainsFunc(limits, func(o budget.Limit) bool { return o.Scope == l.Scope }) {
			return nil, fmt.Errorf("%q: there is a budget for the same above it", line)
		}
		limits = append(limits, l)
	}
	return limits, nil
}
