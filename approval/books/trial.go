package books

import (
	"errors"
	"fmt"
	"io"
	"regexp"
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

// Change makes other rules of those that hold now.
type Change func(now review.Rules) review.Rules

// form is a trial as somebody writes it: YAML, and so JSON as well. What is not named stays
// as it is now.
type form struct {
	Rules    *ruleForm           `yaml:"rules"`
	Channels map[string]ruleForm `yaml:"channels"`
	Budgets  []string            `yaml:"budgets"`
}

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

type tierForm struct {
	Approvals *int  `yaml:"approvals"`
	Owners    *bool `yaml:"owners"`
	Typed     *bool `yaml:"typed"`
	Terminal  *bool `yaml:"terminal"` // decided at the command line alone
}

// ReadTrial reads a trial. What it does not understand it says: a slip in a name would try
// nothing, and look as if nothing changed.
func ReadTrial(in io.Reader, team string, zone *time.Location) (t Trial, err error) {
	var f form
	d := yaml.NewDecoder(in)
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return t, fmt.Errorf("read the rules to try: %w", err)
	}
	check := func(where string, r ruleForm) (Change, error) {
		change, err := r.change()
		if err == nil {
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

// change is what a form makes of rules.
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
		if f.Models != nil {
			models := review.Models{Allowed: *f.Models}
			r.Models = &models
		}
		return r
	}, nil
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// budgetLine is "team $100 per month", "everybody $5 per month", "U0123 $10 per week",
// "C0123 $20 per day". Slack's spelling of a person or a channel does as well.
var budgetLine = regexp.MustCompile(`^(team|everybody|<?[@#]?([UWCG][A-Z0-9]{2,})(?:\|[^>]*)?>?)\s+\$?([0-9.,]+)(?:\s+(?:per|a)\s+(day|week|month))?$`)

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
		case m[2][0] == 'C' || m[2][0] == 'G':
			l.Scope.Kind = budget.Project
		}
		limits = append(limits, l)
	}
	return limits, nil
}
