package review

import (
	"cmp"
	"slices"
	"strings"

	"countersign/approval"
	"countersign/budget"
)

// Models are what administrators want of the models that write in a workspace or in a
// channel: which may be asked, and where prompts may go. The zero value takes what the
// settings offer, at the providers' own hosts, and lets no other provider step in.
type Models struct {
	Allowed  []string             `json:"allowed,omitempty"`  // empty: all that the settings offer
	Default  string               `json:"default,omitempty"`  // writes where a question names none; empty: the first that is allowed
	StepsIn  []string             `json:"steps_in,omitempty"` // providers whose models may take the place of another provider's
	Fallback string               `json:"fallback,omitempty"` // writes when the model that was asked cannot be reached; empty: none does
	Most     budget.USD           `json:"most,omitempty"`     // that a fallback costs a question at most; 0: whatever one call of it can cost
	Sites    []approval.Addressee `json:"sites,omitempty"`    // of the workspace alone: hosts that were confirmed beside the providers' own. Data that was meant for one goes to no other, whatever a setting names
}

// Offer is a model that the settings offer: who is asked for it and where, and what is
// known of it beside its price.
type Offer struct {
	Model string
	approval.Addressee
	Own    bool   // the host is the provider's own, or this very machine: nobody has to confirm it
	Window int    // tokens of prompt and answer together; 0: not known
	Answer int    // the longest answer that is asked for, in tokens
	Good   string // what it is good for, for people
}

// MaxSites bounds what a form shows.
const MaxSites = 10

// Reach is where the prompts of a channel may go: its rules, held against what the
// settings of this very process offer.
type Reach struct {
	Rules  Models
	Offers []Offer // the settings' default first
}

// Offer finds a model among what the settings offer.
func (r Reach) Offer(model string) (Offer, bool) {
	i := slices.IndexFunc(r.Offers, func(o Offer) bool { return o.Model == model })
	if i < 0 {
		return Offer{}, false
	}
	return r.Offers[i], true
}

// Confirmed tells whether prompts may go to a host.
func (m Models) Confirmed(o Offer) bool { return o.Own || slices.Contains(m.Sites, o.Addressee) }

// Bars is why a model is not asked here; it is none for one that may be.
func (r Reach) Bars(model string) approval.Reason {
	o, offered := r.Offer(model)
	switch {
	case !offered:
		return r.instead(approval.WhyNoModel, model)
	case len(r.Rules.Allowed) > 0 && !slices.Contains(r.Rules.Allowed, model):
		return r.instead(approval.WhyModelBarred, model)
	case !r.Rules.Confirmed(o):
		return approval.Reason{Code: approval.WhyHostRests, Name: model, Other: o.Provider, Said: o.Host}
	}
	return approval.Reason{}
}

// instead is a reason that names what may be asked in place of a model, and of that the name
// that is most like the one that somebody typed.
func (r Reach) instead(code approval.ReasonCode, model string) approval.Reason {
	may := r.Models()
	why := approval.Reason{Code: code, Name: approval.Cut(approval.Plain(model), 60), Other: strings.Join(may, ", ")}
	if near := nearest(model, may); near != "" {
		why.Why = []approval.Reason{{Code: approval.WhyNoModel, Name: near}}
	}
	return why
}

// Models are those that may be asked, the default first.
func (r Reach) Models() (may []string) {
	for _, o := range r.Offers {
		if (len(r.Rules.Allowed) == 0 || slices.Contains(r.Rules.Allowed, o.Model)) && r.Rules.Confirmed(o) {
			may = append(may, o.Model)
		}
	}
	if i := slices.Index(may, r.Rules.Default); i > 0 {
		may = slices.Insert(slices.Delete(may, i, i+1), 0, r.Rules.Default)
	}
	return may
}

// StepsIn tells whether one model may write where another one was asked for: it may be asked
// here itself, and it is the same provider's, at the same host, or an administrator lets its
// provider step in.
func (r Reach) StepsIn(to, from string) bool {
	if !r.Bars(to).None() {
		return false
	}
	its, _ := r.Offer(to)
	had, known := r.Offer(from)
	return to == from || known && had.Addressee == its.Addressee || slices.Contains(r.Rules.StepsIn, its.Provider)
}

// Check says what is wrong with a list, against what the settings offer.
func (r Reach) Check() error {
	m := r.Rules
	wrong := func(code approval.ReasonCode, name string) error {
		return &approval.InputError{Why: approval.Reason{Code: code, Name: approval.Cut(approval.Plain(name), 60)}}
	}
	for _, model := range m.Allowed {
		if _, offered := r.Offer(model); !offered {
			return &approval.InputError{Why: r.instead(approval.WhyNoModel, model)}
		}
	}
	open := Reach{Rules: m, Offers: slices.Clone(r.Offers)}
	for i := range open.Offers {
		open.Offers[i].Own = true // a host may be confirmed later: the list is right all the same
	}
	switch {
	case m.Most < 0 || m.Most > 0 && m.Fallback == "":
		return wrong(approval.WhyFallbackMost, "")
	case len(m.Sites) > MaxSites:
		return wrong(approval.WhyManySites, "")
	case m.Default != "" && !open.Bars(m.Default).None():
		return wrong(approval.WhyDefaultBarred, m.Default)
	case m.Fallback != "" && !open.Bars(m.Fallback).None():
		return wrong(approval.WhyFallbackBarred, m.Fallback)
	}
	if m.Fallback != "" && !slices.ContainsFunc(open.Models(), func(from string) bool { return from != m.Fallback && open.StepsIn(m.Fallback, from) }) {
		return wrong(approval.WhyFallbackAlone, m.Fallback)
	}
	return nil
}

// nearest is the name that is most like what somebody typed, if one is like it at all.
func nearest(typed string, names []string) string {
	typed = strings.ToLower(strings.TrimSpace(typed))
	best, least := "", max(2, len(typed)/3)+1
	for _, name := range names {
		d := distance(typed, strings.ToLower(name))
		if typed != "" && strings.Contains(strings.ToLower(name), typed) {
			d = min(d, 1) // the beginning of a name, or its middle
		}
		if d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts how many characters are changed, added or left out between two words.
func distance(a, b string) int {
	// One row of the usual table of edit distances (Levenshtein) is enough: each cell needs its left,
	// upper and upper left neighbours.
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			kept := above
			if a[i] != b[j] {
				kept++
			}
			above, row[j+1] = row[j+1], min(kept, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Effective are the rules that hold in a channel, from the channel's own and those of the
// workspace. Models, notes and reviews are set apart from one another: a channel may have
// its own list of models and be reviewed by the workspace's rules, or the other way round.
func Effective(own, house RuleSet) RuleSet {
	set := house
	if own.Version > 0 && !own.None {
		set = own
	}
	if set.Rules.Follows { // of its reviews nothing is set
		set = RuleSet{Team: house.Team}
		if own.Project != "" && !house.Rules.Follows {
			set = house
		}
	}
	// What is set apart from reviews comes from its own place, whoever's reviews hold: models from the
	// channel or else the workspace, notes and sight from the channel alone.
	set.Own, set.Rules.Models, set.Rules.Notes, set.Rules.Shows = own.InForce(), house.Rules.Models, nil, approval.Shape
	set.Rules.LogChannel, set.Rules.Privacy = house.Rules.LogChannel, house.Rules.Privacy // there is one log for all channels, and what leaves them leaves the house
	if own.Project != "" && set.Own > 0 {
		set.Rules.Notes, set.Rules.Shows = own.Rules.Notes, own.Rules.Shows
	}
	if own.Project != "" && set.Own > 0 && own.Rules.Models != nil {
		set.OwnModels = true
		models := *own.Rules.Models
		models.Sites = cmp.Or(house.Rules.Models, &Models{}).Sites // a host is confirmed for all channels
		set.Rules.Models = &models
	}
	return set
}

// Kept is the list of models that the channel, or the workspace, has of its own: what stays
// when its other rules are set anew.
func (s RuleSet) Kept(project string) *Models {
	if s.Rules.Models == nil || project != "" && !s.OwnModels {
		return nil
	}
	m := *s.Rules.Models
	if project != "" {
		m.Sites = nil // they are the workspace's
	}
	return &m
}

// Or are the rules with those of the settings, where nobody has set any of reviews, and with
// those that hold beside them.
func (s RuleSet) Or(p approval.Policy) RuleSet {
	if s.Version == 0 {
		set := s.Rules
		s.Rules = DefaultRules(p)
		s.Rules.Models, s.Rules.Notes, s.Rules.Shows, s.Rules.LogChannel, s.Rules.Privacy = set.Models, set.Notes, set.Shows, set.LogChannel, set.Privacy
	}
	if len(s.Beside) == 0 {
		return s
	}
	var others []RuleSet
	for _, o := range s.Beside {
		others = append(others, o.Or(p))
	}
	s.Beside = nil
	return s.Joined(others)
}

// Reach holds the rules of models against what the settings offer.
func (s RuleSet) Reach(offers []Offer) Reach {
	return Reach{Rules: *cmp.Or(s.Rules.Models, &Models{}), Offers: offers}
}
