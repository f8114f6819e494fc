package approval

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/budget"
)

// Question is what somebody asks, as Slack delivers it.
type Question struct {
	Team     string
	Project  string // the channel
	Asker    string
	Text     string
	Model    string   // empty for the default
	Files    []File   // by Slack's id, name and size, as far as the envelope says
	Uploads  bool     // some of the files were uploaded in the form, and are in no channel
	Given    bool     // these files are chosen, or none are: its words say nothing about them
	Brought  []string // ids of files that came with it, and need not be in the channel
	Follow   bool     // it goes on in a thread, whose files are meant where it names none
	ThreadTS string   // of the thread that it was asked in; empty for a new one
	Trigger  string   // what Slack calls this delivery, the same in every repetition
}

// Ask takes a question as it came: nothing is asked of Slack for it, so that it is
// answered in time whatever Slack is like. What the envelope does not say is for Find.
// It has committed when it returns; a repeated delivery returns what the first one made.
func (s *Service) Ask(ctx context.Context, q Question) (*Request, error) {
	if why := s.noBox(); why != "" {
		return nil, &InputError{Why: "Nothing can run code here at the moment: " + why}
	}
	chosen := q.Model != ""
	q, err := s.clean(q)
	if err != nil {
		return nil, err
	}
	thread := Session{Team: q.Team, Channel: q.Project, ThreadTS: q.ThreadTS}
	q.Given = q.Given || len(q.Files) > 0
	if q.ThreadTS != "" && len(q.Files) == 0 {
		if q.Files, _, err = s.Store.ThreadFiles(ctx, thread); err != nil {
			return nil, err
		}
		q.Files = anew(q.Files)
		q.Brought = append(slices.Clone(q.Brought), ids(q.Files)...)
	}
	standings, err := s.weigh(ctx, q)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	model, cheaper, err := s.within(standings, q.Model, chosen, q.Uploads, now)
	if err != nil {
		return nil, err
	}
	worst, err := s.draftCost(model, now)
	if err != nil {
		return nil, errors.Join(err, s.notifyMissing(ctx, q, err, now))
	}
	downgraded := func(r *Request) *Request {
		if cheaper != nil {
			r.Downgrade(*cheaper, now)
		}
		return r
	}
	r, _, err := s.Store.Ask(ctx, downgraded(New(q, q.Model, worst, s.Policy, now)), thread)
	if refused := new(budget.ExceededError); errors.As(err, &refused) {
		// Nobody has to type it again: it waits in its thread until there is money, or the asker finds another way.
		r, _, err = s.Store.Ask(ctx, downgraded(NewBlocked(q, q.Model, refused, s.Policy, now)), thread)
	}
	return r, err
}

// weigh reads the budgets that will pay for a question.
func (s *Service) weigh(ctx context.Context, q Question) ([]budget.Standing, error) {
	scopes := []budget.Scope{{Team: q.Team, Kind: budget.User, ID: q.Asker}, {Team: q.Team, Kind: budget.Project, ID: q.Project},
		{Team: q.Team, Kind: budget.Team, ID: q.Team}}
	if q.ThreadTS != "" {
		session, err := s.Store.ThreadScope(ctx, q.Team, q.Project, q.ThreadTS)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		if err == nil {
			scopes = append(scopes, session)
		}
	}
	return s.Store.Standings(ctx, scopes)
}

// clean checks what a person gave, and says how to do better.
func (s *Service) clean(q Question) (Question, error) {
	q.Text = Plain(q.Text)
	if q.Text == "" {
		return q, &InputError{Why: "What would you like to know? Write the question after the command, for example: /analyze What were sales per month in sales.csv?"}
	}
	if n := utf8.RuneCountInString(q.Text); n > s.Policy.MaxQuestion {
		return q, &InputError{Why: fmt.Sprintf("Your question has %d characters; at most %d fit. Please shorten it, or put the details into a file.", n, s.Policy.MaxQuestion)}
	}
	files, err := s.fitting(q.Files)
	if err != nil {
		return q, err
	}
	q.Files = files
	models := s.Writer.Models()
	if q.Model == "" {
		q.Model = models[0]
	}
	if !slices.Contains(models, q.Model) {
		return q, s.noModel(q.Model)
	}
	return q, nil
}

// fits says when the files of a request are too much together.
func (s *Service) fits(together int64) error {
	if together <= s.Policy.MaxInputBytes {
		return nil
	}
	return &InputError{Why: fmt.Sprintf("These files have %s together; together at most %s fit into one question. Leave some out, or make them smaller.",
		megabytes(together), megabytes(s.Policy.MaxInputBytes))}
}

// fileName makes a name that a box can hold: no folders, nothing hidden, unlike
// the names before it. People and the model see the same one.
func fileName(name string, before []File) string {
	name = strings.TrimLeft(Plain(strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == utf8.RuneError || Hidden(r) {
			return '_'
		}
		return r
	}, name)), ". ")
	ext := path.Ext(name)
	if len(ext) > 12 {
		ext = ""
	}
	stem := strings.TrimSuffix(name, ext)
	for len(stem)+len(ext) > 100 {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	if stem == "" {
		stem = "file"
	}
	name = stem + ext
	taken := func(f File) bool { return strings.EqualFold(f.Name, name) }
	for n := 2; slices.ContainsFunc(before, taken); n++ {
		name = fmt.Sprintf("%s (%d)%s", stem, n, ext)
	}
	return name
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/(1<<20)) }

// inspectTries is how many boxes may be paid for until one of them has answered.
const inspectTries = 2

// draftCost is the most that one draft can cost: the call and its inspection.
func (s *Service) draftCost(model string, now time.Time) (budget.USD, error) {
	tokens, err := s.worstTokens(model, now)
	if err != nil {
		return 0, err
	}
	box, err := s.inspectCost(now)
	return tokens + box, err
}

// inspectCost is the most that an inspection can cost, with those that fail before it.
func (s *Service) inspectCost(now time.Time) (budget.USD, error) {
	box, err := s.Prices.BoxCharge(s.Sandbox.Size(), inspectTries*s.Sandbox.InspectLease(), now)
	return box.Amount, err
}

// runCost is the most that a run can cost, which is what its approval agrees to.
func (s *Service) runCost(limits Limits, now time.Time) (budget.USD, error) {
	box, err := s.Prices.BoxCharge(s.Sandbox.Size(), s.Sandbox.Lease(limits), now)
	return box.Amount, err
}
