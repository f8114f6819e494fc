package steps

import (
	"context"
	"errors"
	"time"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// Offers are the models that may be asked in a channel, and how administrators choose them.
type Offers struct {
	writer Catalogue
	*Settings

	people *People
}

// Offered is a model as people choose it.
type Offered struct {
	review.Offer
	Price  *budget.ModelPrice // of a short prompt, today; nil: nobody knows it, so it is not asked
	Barred approval.Reason    // why it may not be asked here; none where it may
}

// ModelList is what the models of a channel are chosen from, and by which rules.
type ModelList struct {
	Models []Offered // those that may be asked come first, the default before all
	Rules  review.RuleSet
}

// Allowed are those that may be asked, as long as somebody knows what they cost.
func (c ModelList) Allowed() (may []Offered) {
	for _, m := range c.Models {
		if m.Barred.None() && m.Price != nil {
			may = append(may, m)
		}
	}
	return may
}

// Offered lists the models of a channel, or of the workspace when project is empty.
func (s *Offers) Offered(ctx context.Context, team, project string) (c ModelList, err error) {
	if c.Rules, err = s.people.RulesOf(ctx, team, project); err != nil {
		return c, err
	}
	reach := c.Rules.Reach(s.writer.Offers())
	// First those that may be asked, in the order in which they would be chosen.
	for _, model := range reach.Models() {
		o, _ := reach.Offer(model)
		c.Models = append(c.Models, s.priced(o, approval.Reason{}))
	}
	for _, o := range reach.Offers {
		if why := reach.Bars(o.Model); !why.None() {
			c.Models = append(c.Models, s.priced(o, why))
		}
	}
	return c, nil
}

func (s *Offers) priced(o review.Offer, why approval.Reason) Offered {
	all := Offered{Offer: o, Barred: why}
	if row, err := s.Prices.Model(o.Model, time.Now(), 0); err == nil {
		all.Price = &row
	}
	return all
}

// allows refuses a question whose model may not be asked in its channel: *InputError.
func (s *Offers) allows(ctx context.Context, r *approval.Request) error {
	rules, err := s.people.RulesOf(ctx, r.Team, r.Project)
	if err != nil {
		return err
	}
	_, err = chosenModel(rules.Reach(s.writer.Offers()), r.First())
	if errors.As(err, new(*approval.InputError)) && r.Chosen == nil {
		_, err = chosenModel(rules.Reach(s.writer.Offers()), "") // nobody has chosen it: none may be asked there
	}
	return err
}

// SetModels stores which models may be asked in a channel, or in the workspace; nil sets a
// channel back to the workspace's list. base is the version that was in force there when the
// administrator looked (RuleSet.Own). The rules of reviews stay what they are.
func (s *Offers) SetModels(ctx context.Context, click approval.Click, project string, models *review.Models, base int) (review.RuleSet, error) {
	if err := s.people.mayChange(ctx, click, "choose models"); err != nil {
		return review.RuleSet{}, err
	}
	if models == nil && project == "" {
		models = &review.Models{} // what the settings offer
	}
	return s.people.setApart(ctx, click, project, base, func(now review.RuleSet, rules *review.Rules) error {
		if rules.Models = models; models == nil {
			return nil
		}
		return s.fit(*models, project, now)
	})
}

// fit says what is wrong with a list of models.
func (s *Offers) fit(models review.Models, project string, now review.RuleSet) error {
	if project != "" && len(models.Sites) > 0 {
		return &approval.InputError{Why: approval.Because(approval.WhyManySites)} // a host is confirmed for all
	}
	reach := review.Reach{Rules: models, Offers: s.writer.Offers()}
	// Hosts are confirmed for the whole workspace, and a channel's list is held against those.
	if project != "" && now.Rules.Models != nil {
		reach.Rules.Sites = now.Rules.Models.Sites
	}
	if err := reach.Check(); err != nil {
		return err
	}
	if models.Most == 0 {
		return nil
	}
	o, _ := reach.Offer(models.Fallback)
	least, err := s.Prices.WorstTokens(o.Model, 0, o.Answer, time.Now())
	switch {
	case err != nil:
		return &approval.InputError{Why: priceReason(err)}
	case least > models.Most:
		return &approval.InputError{Why: approval.Reason{Code: approval.WhyFallbackDear, Name: o.Model, Amount: least}}
	}
	return nil
}
