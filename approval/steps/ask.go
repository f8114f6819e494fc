package steps

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// Asker takes questions.
type Asker struct {
	store interface {
		Asking
		Requests
		Budgets
	}
	writer Catalogue
	*Settings

	boxes  *Boxes
	costs  *Costs
	inputs *Inputs

	clarifier *Clarifier
}

// Ask takes a question as it came: nothing is asked of Slack for it, so that it is
// answered in time whatever Slack is like. What the envelope does not say is for Find.
// It has committed when it returns; a repeated delivery returns what the first one made.
func (s *Asker) Ask(ctx context.Context, q approval.Question) (*approval.Request, error) {
	if why := s.boxes.noBox(); why != "" {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyNothingRuns, Said: why}}
	}
	// Before the default is filled in: who chose a model is asked to choose again where it is
	// switched off, and does not get another one unasked.
	chosen := q.Model != ""
	q, err := s.clean(q)
	if err != nil {
		return nil, err
	}
	q.Given = q.Given || len(q.Files) > 0
	q, at, err := s.seated(ctx, q)
	if err != nil {
		return nil, err
	}
	// A message in the thread answers the model's open question. With a file it is a new question.
	if at.Clarifies != "" && len(q.Files) == 0 {
		return s.clarifier.heard(ctx, q, at)
	}
	if at.Session == "" && strings.HasPrefix(q.Thread().Channel, "D") {
		q.Follow = false // the thread of a chat is there before anything is asked in it
	}
	// They count as brought: files of the thread need not be in the channel any more.
	if q.ThreadTS != "" && len(q.Files) == 0 {
		q.Files = s.inputs.handy(at.Files)
		q.Brought = append(slices.Clone(q.Brought), approval.FileIDs(q.Files)...)
	}
	if q.Spoken && !q.Alone && len(q.Files) > 0 && len(at.Files) > 0 { // what a message in the thread brings is added
		q.Brought = append(slices.Clone(q.Brought), approval.FileIDs(at.Files)...)
		q.Files = s.inputs.handy(approval.Remembered([][]approval.File{q.Files, at.Files}))
	}
	now, standings, reach := at.Now, at.Standings, at.Rules.Or(s.Policy).Reach(s.writer.Offers())
	q = carried(q, at, reach)
	model, cheaper, err := s.model(&q, at, reach, chosen)
	if err != nil {
		return nil, err
	}
	worst, err := s.costs.draftCost(model, now)
	if err != nil {
		return nil, errors.Join(err, s.costs.notifyMissing(ctx, q, err, now))
	}
	fallback := s.costs.fallback(standings, reach, model, worst, now)
	keep := func(r *approval.Request) (*approval.Request, error) {
		if cheaper != nil {
			r.Money().Downgrade(*cheaper, now)
		}
		if at.Session != "" {
			r.SessionID = at.Session
		}
		r.Changes.Ahead = at.Ahead
		r, _, err := s.store.Ask(ctx, r, q.Thread())
		return r, err
	}
	var r *approval.Request
	// A look without a lock saves most refusals a transaction. The store weighs again under its locks,
	// and its refusal ends in the same branch below.
	if err = budget.Check(worst, standings); err == nil {
		fresh := approval.New(q, q.Model, worst+fallback.Held(), s.Policy, now)
		fresh.Fallback = fallback
		r, err = keep(fresh)
	}
	if refused, ok := errors.AsType[*budget.ExceededError](err); ok {
		// Nobody has to type it again: it waits in its thread until there is money, or the asker finds another way.
		r, err = keep(approval.NewBlocked(q, q.Model, refused, s.Policy, now))
	}
	return r, err
}

// Awaited tells whether a message in a thread would answer what a model has asked whoever writes it.
func (s *Asker) Awaited(ctx context.Context, q approval.Question) (bool, error) {
	_, at, err := s.seated(ctx, q)
	return at.Clarifies != "", err
}

// Verify takes the wish to have a run repeated: the same code on the same inputs, as a request of
// whoever wants it. What they may not see is as unknown to them as what is not there, so all
// that is looked at here is whether there is an answer. Slack is asked by Find.
func (s *Asker) Verify(ctx context.Context, id string, click approval.Click, trigger string) (*approval.Request, error) {
	if why := s.boxes.noBox(); why != "" {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyNothingRuns, Said: why}}
	}
	none := &approval.InputError{Why: approval.Reason{Code: approval.WhyNoAnswerThere, Name: approval.Cut(approval.Plain(id), 20)}}
	c, err := s.store.Case(ctx, id)
	if errors.Is(err, approval.ErrNotFound) {
		return nil, none
	}
	if err != nil {
		return nil, err
	}
	first := c.Request
	if first.Team != click.Team || first.Private && first.Asker != click.User || !approval.Repeatable(first) {
		return nil, none
	}
	thread, err := s.store.Thread(ctx, first.Team, first.SessionID)
	if err != nil {
		return nil, err
	}
	// A button can be copied, and an id typed. Whoever stands outside of its thread learns nothing of an answer
	// before Slack has said that they see it.
	outside := click.User != first.Asker && click.Channel != thread.Channel
	if outside && click.ActionTS != "" { // the button stands in the thread alone
		return nil, none
	}
	q := approval.Question{Team: first.Team, Project: first.Project, Asker: click.User, Text: "verify " + first.ID, Given: true, Private: first.Private, Trigger: trigger}
	cost, err := s.costs.inspectCost(c.Now)
	if err != nil {
		return nil, errors.Join(err, s.costs.notifyMissing(ctx, q, err, c.Now))
	}
	r, _, err := s.store.Ask(ctx, approval.NewRepeat(q, first, cost, s.Policy, c.Now), thread)
	if outside && (errors.As(err, new(*budget.ExceededError)) || errors.As(err, new(*approval.InputError))) {
		return nil, none // whose budget is empty, and what is being verified, is for those who see it
	}
	return r, err
}

// clean checks what a person gave, and says how to do better.
func (s *Asker) clean(q approval.Question) (approval.Question, error) {
	q.Text = approval.Plain(q.Text)
	if q.Text == "" {
		return q, &approval.InputError{Why: approval.Because(approval.WhyNoQuestion)}
	}
	if n := utf8.RuneCountInString(q.Text); n > s.Policy.MaxQuestion {
		return q, &approval.InputError{Why: approval.Reason{Code: approval.WhyLongQuestion, Count: int64(n), Most: int64(s.Policy.MaxQuestion)}}
	}
	files, err := s.inputs.fitting(q.Files)
	if err != nil {
		return q, err
	}
	q.Files = files
	return q, nil
}

// chosenModel is the model that a question is for: the one that it names, if that may be asked
// here, or the default.
func chosenModel(reach review.Reach, model string) (string, error) {
	if may := reach.Models(); model == "" && len(may) > 0 {
		return may[0], nil
	}
	why := reach.Bars(model)
	if model == "" {
		why = approval.Because(approval.WhyNoModelHere)
		for _, o := range reach.Offers {
			if !reach.Rules.Confirmed(o) { // what an administrator can do about it
				why = approval.Reason{Code: approval.WhyHostRests, Name: o.Model, Other: o.Provider, Said: o.Host}
			}
		}
	}
	if !why.None() {
		return "", &approval.InputError{Why: why}
	}
	return model, nil
}

// carried has the model that was chosen in a thread go on in it, until another one is. Where it may not be asked
// any more, the channel's usual one writes, and the thread says so.
func carried(q approval.Question, at Counter, reach review.Reach) approval.Question {
	switch {
	case q.Model != "":
		q.Chosen = &approval.Chosen{Model: q.Model, By: q.Asker}
	case at.Chosen.Model != "":
		q.Chosen = &approval.Chosen{Model: at.Chosen.Model, By: at.Chosen.By, Barred: !reach.Bars(at.Chosen.Model).None()}
		if !q.Chosen.Barred {
			q.Model = q.Chosen.Model
		}
	}
	return q
}

// model decides who writes what is asked, and refuses what may not be. Where a direct message names a channel,
// only Find learns from Slack whether its asker is there: until then nothing is said of its models and its
// budgets, and Find refuses what they do not allow.
func (s *Asker) model(q *approval.Question, at Counter, reach review.Reach, chosen bool) (model string, cheaper *approval.Downgraded, err error) {
	outside := approval.Direct(q.Seat) && !approval.Direct(q.Project) && at.Session == ""
	asked := q.Model
	q.Model, err = chosenModel(reach, asked)
	switch {
	case outside && err != nil:
		if q.Model = asked; asked == "" && len(reach.Offers) > 0 {
			q.Model = reach.Offers[0].Model
		}
		if _, offered := reach.Offer(q.Model); !offered { // it is offered nowhere, which is no secret
			return "", nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyNoModel, Name: approval.Cut(approval.Plain(asked), 60)}}
		}
		return q.Model, nil, nil
	case err != nil:
		return "", nil, placeless(*q, reach, err)
	case outside:
		return q.Model, nil, nil // what its budgets make of it the draft finds out
	}
	return s.costs.within(at.Standings, reach, q.Model, chosen, q.Uploads, at.Now)
}

// placeless puts it differently where a direct message names no channel: then its asker may name one.
func placeless(q approval.Question, reach review.Reach, err error) error {
	input, ok := errors.AsType[*approval.InputError](err)
	if !approval.Direct(q.Project) || !ok || input.Why.Code != approval.WhyModelBarred && input.Why.Code != approval.WhyNoModelHere {
		return err
	}
	return &approval.InputError{Why: approval.Reason{Code: approval.WhyModelPlaceless, Name: input.Why.Name, Other: strings.Join(reach.Models(), ", ")}}
}

// seated says where a question's thread is. A private one has a thread of its own in its asker's
// direct message, and goes by the rules of the channel in which it was begun; so does what follows
// there. What is asked in a direct message is nobody else's anyway; it may name a channel by whose
// rules it goes, and whose budget pays.
func (s *Asker) seated(ctx context.Context, q approval.Question) (approval.Question, Counter, error) {
	at, err := s.store.Counter(ctx, q)
	if err != nil {
		return q, at, err
	}
	usual := at.Session == "" && !q.Openly && at.Rules.Rules.Alone // in a thread that others read, what follows is read by them
	switch {
	case at.PrivateIn != "":
		q.Private, q.Seat = true, q.Thread().Channel
		if q.Project == at.PrivateIn {
			return q, at, nil
		}
		q.Project = at.PrivateIn
	case approval.Direct(q.Seat) && at.Session == "": // a direct message that names a channel
		q.Private = true
		return q, at, nil
	case approval.Direct(q.Seat): // what was begun without a channel goes on without one
		q.Project, q.Seat = q.Seat, ""
	case approval.Direct(q.Project):
		q.Private = false
		return q, at, nil
	case q.Private || usual:
		q.Private, q.Seat, q.ThreadTS, q.Follow, q.Spoken = true, q.Asker, "", false, false
		if at.Session == "" {
			return q, at, nil
		}
	default:
		return q, at, nil
	}
	at, err = s.store.Counter(ctx, q)
	return q, at, err
}
