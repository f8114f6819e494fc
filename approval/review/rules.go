package review

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Rules are what the administrators of a workspace want of its reviews, or of
// those of one channel. They are data: SetRules stores them under a new
// version, and a manifest names the version that it was made under.
type Rules struct {
	Low        TierRules  `json:"low"`
	Medium     TierRules  `json:"medium"`
	High       TierRules  `json:"high"`
	CostMedium budget.USD `json:"cost_medium"` // a cap from which on a program is at least medium; 0: none
	CostHigh   budget.USD `json:"cost_high"`   // and high
	Class      Class      `json:"class"`       // of the data
	Hosts      []string   `json:"hosts"`       // that code may reach; empty: no network at all
	Freezes    []string   `json:"freezes"`     // when nothing starts: see ParseFreeze; a workspace's hold in every channel
	// How long reviewers have, and how long an approval lasts. 0: as the settings say.
	ExpiryMinutes    int `json:"expiry_minutes"`
	RunExpiryMinutes int `json:"run_expiry_minutes"`
	// Which models may be asked; nil: nothing is set here, and what holds without these rules does.
	Models *Models `json:"models,omitempty"`
	// What every program of a channel should know; nil: nothing, and of a workspace always nil.
	Notes *Notes `json:"notes,omitempty"`
	// What a model may see of a channel's data; of a workspace always nothing but its shape.
	Shows approval.Sight `json:"shows,omitempty"`
	// The channel that gets a copy of every checkpoint of the log; empty: none does, and of a channel's rules always empty.
	LogChannel string `json:"log_channel,omitempty"`
	// Alone tells that an answer goes to whoever has asked alone, unless they say otherwise.
	Alone bool `json:"alone,omitempty"`
	// Masked tells that answers are masked where they were asked as well.
	Masked bool `json:"masked,omitempty"`
	// What is hidden and what is forgotten; nil: what always is, and nothing. Of a channel's rules always nil.
	Privacy *Privacy `json:"privacy,omitempty"`
	// Follows tells that only Models, Notes, Shows, LogChannel or Privacy are set here: of reviews, what holds without these rules does.
	Follows bool `json:"follows,omitempty"`
}

// TierRules are what a program of one tier needs.
type TierRules struct {
	Approvals int  `json:"approvals"` // of so many different people
	Owners    bool `json:"owners"`    // of people who are named for the channel itself
	Typed     bool `json:"typed"`     // a reviewer types the beginning of the digest
	Slack     bool `json:"slack"`     // false: decided with `countersign decide` only
	// How long after first opening the code somebody approves it at the soonest, in seconds a line (MostReading
	// at most); and how many of the tier one person approves in an hour. 0: as they like.
	LineSeconds int `json:"line_seconds,omitempty"`
	Hourly      int `json:"hourly,omitempty"`
}

// TypedLength is how much of a digest is typed where the rules want it typed.
const TypedLength = 6

// For is what a tier needs.
func (r Rules) For(t approval.Tier) TierRules {
	switch t {
	case approval.Low:
		return r.Low
	case approval.Medium:
		return r.Medium
	}
	return r.High
}

// RuleSet is a version of the rules of a workspace, or of one of its channels.
type RuleSet struct {
	Team    string
	Project string // empty: of the whole workspace
	Version int    // 0: nobody has set any, and the settings hold
	Rules   Rules
	None    bool // of a channel: set back to what holds for the workspace
	SetBy   string
	SetAt   time.Time

	// Effective fills these in; nobody stores them.
	Own       int  // the version that is in force in the channel itself: see InForce
	OwnModels bool // the list of models is the channel's own
	// Joined fills this in: the versions of other channels' rules that files have brought along.
	Brought []string
	// Among fills this in, and Or empties it: the rules that hold beside these.
	Beside []RuleSet
}

// Name is how a manifest names the version: "team/3", "C123/2", "settings".
func (s RuleSet) Name() string {
	switch {
	case s.Version == 0:
		return "settings"
	case s.Project == "":
		return fmt.Sprintf("team/%d", s.Version)
	}
	return fmt.Sprintf("%s/%d", s.Project, s.Version)
}

// InForce is the version by which a form knows whether somebody else has been
// quicker: 0 where a channel has no rules of its own.
func (s RuleSet) InForce() int {
	if s.None {
		return 0
	}
	return s.Version
}

// DefaultRules are what holds where nobody has set any: the settings' quorum for
// everything, and more care with what is dangerous.
func DefaultRules(p approval.Policy) Rules {
	plain := TierRules{Approvals: max(p.Quorum, 1), Slack: true}
	careful := plain
	careful.Typed, careful.LineSeconds, careful.Hourly = true, p.LineSeconds, p.Hourly
	return Rules{Low: plain, Medium: plain, High: careful, Class: Internal}
}

// Within returns the policy as these rules change it.
func (r Rules) Within(p approval.Policy) approval.Policy {
	if r.ExpiryMinutes > 0 {
		p.Expiry = time.Duration(r.ExpiryMinutes) * time.Minute
	}
	if r.RunExpiryMinutes > 0 {
		p.RunExpiry = time.Duration(r.RunExpiryMinutes) * time.Minute
	}
	return p
}

// Terms are what one program needs to be approved: what was sealed with it, and
// whatever has become stricter since. Cards and modals are drawn from them, and
// decisions are held against them.
type Terms struct {
	Tier      approval.Tier
	Why       []string // it is not of a lower tier, for reviewers
	Policy    string   // the version of the rules that is sealed
	Approvals int
	Owners    bool
	Typed     bool
	Slack     bool
	Digest    string        // what is typed, where it is typed: its beginning
	Lines     int           // of the code
	Reading   time.Duration // how long ago whoever approves has first opened the code by then
	Hourly    int           // of the tier one person approves in an hour; 0: any number
}

// MaxApprovals bounds what anybody can ask for.
const MaxApprovals = 9

// MaxHosts is how many hosts rules name at most: every one of them is shown to
// whoever approves.
const MaxHosts = 50

// Check says what is wrong with rules.
func (r Rules) Check(now time.Time, zone *time.Location) error {
	for _, t := range approval.Tiers() {
		if r.For(t).LineSeconds < 0 || r.For(t).LineSeconds > MaxLineSeconds || r.For(t).Hourly < 0 {
			return &approval.InputError{Why: approval.Reason{Code: approval.WhyPaceRange, Name: string(t), Most: MaxLineSeconds}}
		}
		if n := r.For(t).Approvals; n < 1 || n > MaxApprovals {
			return &approval.InputError{Why: approval.Reason{Code: approval.WhyApprovalsRange, Name: string(t), Most: MaxApprovals}}
		}
	}
	if r.CostMedium < 0 || r.CostHigh < 0 || r.CostMedium > 0 && r.CostHigh > 0 && r.CostHigh < r.CostMedium {
		return &approval.InputError{Why: approval.Because(approval.WhyCostOrder)}
	}
	if !slices.Contains([]Class{Public, Internal, Confidential}, r.Class) {
		return &approval.InputError{Why: approval.Because(approval.WhyNoClass)}
	}
	if len(r.Hosts) > MaxHosts {
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyManyHosts, Most: MaxHosts}}
	}
	for _, host := range r.Hosts {
		if !hostname(host) {
			return &approval.InputError{Why: approval.Reason{Code: approval.WhyBadHost, Name: host}}
		}
	}
	if r.ExpiryMinutes < 0 || r.RunExpiryMinutes < 0 || r.ExpiryMinutes > 30*24*60 || r.RunExpiryMinutes > 30*24*60 {
		return &approval.InputError{Why: approval.Because(approval.WhyWaitRange)}
	}
	return checkFreezes(r.Freezes, now, zone)
}

// hostname takes names of hosts in full, and nothing that could mean more than one.
func hostname(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "-") != label ||
			strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}

// Beyond returns the hosts of a manifest that the rules do not allow.
func Beyond(m approval.Manifest, rules Rules) approval.Reason {
	hosts := slices.DeleteFunc(slices.Clone(m.Network), func(host string) bool { return slices.Contains(rules.Hosts, host) })
	if len(hosts) == 0 {
		return approval.Reason{}
	}
	return approval.Reason{Code: approval.WhyBeyondRules, Name: strings.Join(hosts, ", ")}
}
