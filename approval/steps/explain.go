package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Explanation says which budget decided what about a request, with the numbers
// as they stood then.
type Explanation struct {
	Request *approval.Request
	Steps   []Weighing // in the order in which they came
}

// Weighing is one paid step that the budgets were asked for.
type Weighing struct {
	At        time.Time
	Purpose   budget.Purpose
	Needed    budget.USD
	Model     string
	Standings []budget.Standing // as they stood before it, in lock order
	Refused   bool              // by the tightest
	HoldID    string            // empty when it was refused
	Settled   *Settled          // nil while it is held
	Uncertain bool              // nobody knows what a call under the hold has cost
}

// Tight is the budget that had the least left.
func (w Weighing) Tight() budget.Standing {
	tight, _ := budget.Tightest(w.Standings)
	return tight
}

// Settled is how a hold ended.
type Settled struct {
	At        time.Time
	Spent     budget.USD
	Over      budget.USD // what it has cost beyond the hold, and no budget was charged
	Estimated bool
}

// Explain says which budget decided what about a request: to whoever asked it,
// and to administrators.
func (s *Treasury) Explain(ctx context.Context, team, actor, id string) (*Explanation, error) {
	r, err := s.store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Team != team {
		return nil, approval.ErrNotFound
	}
	if r.Asker != actor {
		if err := s.people.administers(ctx, team, actor, "Only the person who asked, or an administrator, can look at what this cost."); err != nil {
			return nil, err
		}
	}
	events, err := s.store.Events(ctx, id)
	if err != nil {
		return nil, err
	}
	e := &Explanation{Request: r}
	for _, event := range events {
		if err := e.read(event); err != nil {
			return nil, fmt.Errorf("explain %s: %w", id, err)
		}
	}
	return e, nil
}

// read takes what an event says about money. Holds of before there were weighings
// are explained by their amount alone.
func (e *Explanation) read(event approval.Event) error {
	var data struct {
		For       budget.Purpose    `json:"for"`
		Hold      string            `json:"hold"`
		Needed    budget.USD        `json:"needed"`
		Amount    budget.USD        `json:"amount"`
		Held      budget.USD        `json:"held"`
		Model     string            `json:"model"`
		Standings []budget.Standing `json:"standings"`
		Spent     budget.USD        `json:"spent"`
		Over      budget.USD        `json:"over"`
		Estimated bool              `json:"estimated"`
	}
	switch event.Kind {
	case "held", "weighed", "blocked", "refused change", "settled", "uncertain":
	default:
		return nil
	}
	text, err := json.Marshal(event.Data)
	if err == nil {
		err = json.Unmarshal(text, &data)
	}
	if err != nil {
		return fmt.Errorf("read the event %q: %w", event.Kind, err)
	}
	var step *Weighing
	for i := range e.Steps {
		if data.Hold != "" && e.Steps[i].HoldID == data.Hold {
			step = &e.Steps[i]
		}
	}
	if step == nil {
		e.Steps = append(e.Steps, Weighing{At: event.At, Purpose: data.For, HoldID: data.Hold, Needed: max(data.Amount, data.Held)})
		step = &e.Steps[len(e.Steps)-1]
	}
	switch event.Kind {
	case "weighed", "blocked", "refused change":
		step.Needed, step.Model, step.Standings, step.Refused = data.Needed, data.Model, data.Standings, event.Kind != "weighed"
	case "uncertain":
		step.Uncertain, step.Purpose = true, budget.ForDraft
	case "settled":
		step.Settled = &Settled{At: event.At, Spent: data.Spent, Over: data.Over, Estimated: data.Estimated}
	}
	return nil
}
