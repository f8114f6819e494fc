package steps

import (
	"context"
	"errors"
	"strconv"
	"time"
	"unicode/utf8"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/budget"
)

// Clarifier takes what an asker says to their model.
type Clarifier struct {
	store Requests
	*Settings

	costs *Costs
}

// askBack puts what a model asks to the asker. Its call is paid for like any other. A model
// that has asked often enough is to write.
func (s *Drafter) askBack(ctx context.Context, r *approval.Request, call calling, d Draft) error {
	by := d.Usage.Model
	if by == "" || d.Usage.Output <= 0 {
		by, d.Usage.Model = r.Model, unknownUsage
	}
	// The question goes to the asker in the same move that pays for it: after a crash in between, the
	// model would be asked, and paid, again.
	_, err := s.ends.book(ctx, r.ID, call, d.Usage, 0, func(r *approval.Request, now time.Time) error {
		if (approval.Talk{Request: r}).InARow() >= approval.MostInARow {
			return s.ends.sendBack(r, approval.Refusal{Reason: "you have asked often enough: decide, write the program, and say with note() what you assumed"}, now)
		}
		return approval.Talk{Request: r}.Ask(*d.Ask, by, s.Policy, now)
	})
	return err
}

// Choose takes one of the answers that the model offered, by its place in the list.
func (s *Clarifier) Choose(ctx context.Context, id, key, choice string, click approval.Click) (*approval.Request, error) {
	c, err := s.asked(ctx, id, click)
	if err != nil {
		return nil, err
	}
	// The button holds a place in the list and no words: what is kept is what the model offered, not
	// what an envelope says.
	n, err := strconv.Atoi(choice)
	open := approval.Talk{Request: c.Request}.Open()
	if err != nil || open == nil || open.Key() != key || n < 0 || n >= len(open.Choices) {
		return nil, &approval.MoveError{Request: c.Request, Verb: "answer the model of", Why: approval.Because(approval.WhyOtherDoubt)}
	}
	return s.said(ctx, c, key, open.Choices[n], "")
}

// Say takes an answer in the asker's own words.
func (s *Clarifier) Say(ctx context.Context, id, key, words string, click approval.Click) (*approval.Request, error) {
	c, err := s.asked(ctx, id, click)
	if err != nil {
		return nil, err
	}
	return s.said(ctx, c, key, words, "")
}

// heard takes a message in the thread for the answer. One that Slack delivers again has
// been taken.
func (s *Clarifier) heard(ctx context.Context, q approval.Question, at Counter) (*approval.Request, error) {
	c, err := s.store.Case(ctx, at.Clarifies)
	if err != nil {
		return nil, err
	}
	if at.Taken {
		return c.Request, nil
	}
	open := approval.Talk{Request: c.Request}.Open()
	if open == nil {
		return nil, &approval.MoveError{Request: c.Request, Verb: "answer the model of", Why: approval.Because(approval.WhyOtherDoubt)}
	}
	return s.said(ctx, c, open.Key(), q.Text, q.Trigger)
}

// asked loads a request for its asker alone.
func (s *Clarifier) asked(ctx context.Context, id string, click approval.Click) (*Case, error) {
	c, err := s.store.Case(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case c.Request.Team != click.Team:
		return nil, approval.ErrNotFound
	case c.Request.Asker != click.User:
		return nil, &approval.NotAllowedError{Who: click.User, Why: approval.Because(approval.WhyAskerAnswers)}
	}
	return c, nil
}

// said stores an answer. Where there is no money to go on with, it is kept, and waits for it.
func (s *Clarifier) said(ctx context.Context, c *Case, key, words, trigger string) (*approval.Request, error) {
	words = approval.Plain(words)
	if words == "" {
		return nil, &approval.InputError{Why: approval.Because(approval.WhyNoQuestion)}
	}
	if n := utf8.RuneCountInString(words); n > s.Policy.MaxQuestion {
		return nil, &approval.InputError{Why: approval.Reason{Code: approval.WhyLongQuestion, Count: int64(n), Most: int64(s.Policy.MaxQuestion)}}
	}
	worst, err := s.costs.draftCost(c.Request.Model, c.Now)
	if err != nil {
		return nil, err
	}
	r, err := anyway(ctx, s.store, c, func(r *approval.Request, now time.Time) error {
		return approval.Talk{Request: r}.Answer(key, words, trigger, worst, s.Policy, now)
	})
	refused, ok := errors.AsType[*budget.ExceededError](err)
	if !ok {
		return r, err
	}
	// The case is stale after the refusal, so this loads anew. The answer is kept without money for a
	// draft, and the block says why nothing is written yet.
	return s.store.Update(ctx, c.Request.ID, func(r *approval.Request, now time.Time) error {
		return errors.Join(approval.Talk{Request: r}.Answer(key, words, trigger, 0, s.Policy, now), r.Money().Block(budget.ForDraft, refused, r.Asker, s.Policy, now))
	})
}

// anyway is Act for what rests on nobody's part and on no rule, such as an asker's answer: where those have changed since the
// case was loaded, it is written all the same. Whether the model may still be asked the draft finds out.
func anyway(ctx context.Context, store Requests, c *Case, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	r, err := store.Act(ctx, c, change)
	if errors.Is(err, ErrOutdated) {
		return store.Update(ctx, c.Request.ID, change)
	}
	return r, err
}

// Answer is what the asker says where a reading is in doubt. It has committed when it returns.
func (s *Reader) Answer(ctx context.Context, id, key, says string, click approval.Click) (*approval.Request, error) {
	return s.hear(ctx, id, click, approval.WhyAskerAnswers, func(r *approval.Request, worst budget.USD, now time.Time) error {
		return r.Answer(key, says, worst, s.Policy, now)
	})
}

// Correct is what the asker says of how a file is read, without being asked. It has committed
// when it returns. Money for a draft is held until it is clear that none is needed.
func (s *Reader) Correct(ctx context.Context, id, file string, said []reading.Answered, click approval.Click) (*approval.Request, error) {
	return s.hear(ctx, id, click, approval.WhyAskerCorrects, func(r *approval.Request, worst budget.USD, now time.Time) error {
		return r.Correct(file, said, worst, s.Policy, now)
	})
}

// hear takes the asker's word, and nobody else's. worst is what the draft may cost that follows; 0:
// no budget bears it, so that what was said is kept and waits for money like any other question.
func (s *Reader) hear(ctx context.Context, id string, click approval.Click, others approval.ReasonCode, say func(r *approval.Request, worst budget.USD, now time.Time) error) (*approval.Request, error) {
	c, err := s.store.Case(ctx, id)
	if err != nil {
		return nil, err
	}
	switch r := c.Request; {
	case r.Team != click.Team:
		return nil, approval.ErrNotFound
	case r.Asker != click.User:
		return nil, &approval.NotAllowedError{Who: click.User, Why: approval.Because(others)}
	}
	worst, err := s.costs.draftCost(c.Request.Model, c.Now)
	if err != nil {
		return nil, err
	}
	r, err := anyway(ctx, s.store, c, func(r *approval.Request, now time.Time) error { return say(r, worst, now) })
	refused, ok := errors.AsType[*budget.ExceededError](err)
	if !ok {
		return r, err
	}
	return s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error {
		return errors.Join(say(r, 0, now), r.Money().Block(budget.ForDraft, refused, click.User, s.Policy, now))
	})
}

// Compare shows the asker what a text looks like in the encodings that it may be written in. What
// comes is for them alone: it is in no event, and nothing of it is kept.
func (s *Reader) Compare(ctx context.Context, id, key string, click approval.Click) (d reading.Doubt, letters [][]string, err error) {
	r, err := s.store.Request(ctx, id)
	if err != nil {
		return d, nil, err
	}
	switch {
	case r.Team != click.Team:
		return d, nil, approval.ErrNotFound
	case r.Asker != click.User:
		return d, nil, &approval.NotAllowedError{Who: click.User, Why: approval.Because(approval.WhyAskerAnswers)}
	}
	at, d, open, ok := r.Doubted()
	if r.State != approval.Asking || !ok || open != key || len(d.InEncodings()) == 0 {
		return d, nil, &approval.MoveError{Request: r, Verb: "compare the letters of", Why: approval.Because(approval.WhyOtherDoubt)}
	}
	f := r.Files[at]
	in, err := s.inputs.content(ctx, &f)
	if err != nil {
		return d, nil, err
	}
	// The box is to show letters, not to read the table.
	in.Reading, in.Compare = nil, d.InEncodings()
	// A second press would charge the first one's hold in full, while its box is still at it.
	err = s.store.Alone(ctx, id, approval.StepRead, func(ctx context.Context) error {
		letters, err = s.compared(ctx, id, in)
		return err
	})
	if errors.Is(err, ErrBusy) {
		err = &approval.MoveError{Request: r, Verb: "compare the letters of", Why: approval.Because(approval.WhyLookedAt)}
	}
	return d, letters, err
}

// compared has a box compare, and pays for it.
func (s *Reader) compared(ctx context.Context, id string, in InputFile) ([][]string, error) {
	var call calling
	r, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) (err error) {
		if call.boxes, err = s.costs.readCost(in.Size, now); err != nil {
			return err
		}
		return r.Money().Boxes().Compare(call.boxes, now)
	})
	if err != nil {
		return nil, err
	}
	call.hold, _ = r.Money().CalledHold()
	said, failed := s.inputs.sandbox.ReadFile(ctx, in)
	_, err = s.ends.book(context.WithoutCancel(ctx), id, call, budget.Usage{}, said.Box, func(*approval.Request, time.Time) error { return nil })
	return said.Letters, errors.Join(failed, err)
}
