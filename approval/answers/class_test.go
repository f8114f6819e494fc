package answers_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/answers"
	"countersign/approval/pins"
	"countersign/approval/review"
)

// desk is a world in which everybody is everywhere. What is read there is internal, but for what a request
// brings along.
type desk struct {
	r       *approval.Request
	brought review.Class
}

func (d *desk) Request(context.Context, string) (*approval.Request, error) { return d.r, nil }
func (d *desk) Update(_ context.Context, _ string, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	return d.r, change(d.r, time.Now())
}
func (d *desk) Audit(context.Context, string, approval.Event) error { return nil }
func (d *desk) Administers(_ context.Context, _, who string, why approval.Reason) error {
	return &approval.NotAllowedError{Who: who, Why: why}
}
func (d *desk) RulesOf(context.Context, string, string) (review.RuleSet, error) {
	return review.RuleSet{Rules: review.Rules{Class: review.Internal}}, nil
}
func (d *desk) RulesFor(context.Context, *approval.Request) (review.RuleSet, error) {
	return review.RuleSet{Rules: review.Rules{Class: d.brought}}, nil
}
func (d *desk) Place(context.Context, string, string) (approval.Place, error) {
	return approval.Place{Seen: true, In: true}, nil
}
func (d *desk) Within(context.Context, string, string) (bool, error) { return true, nil }
func (d *desk) Person(context.Context, string, string) (review.Person, error) {
	return review.Person{}, nil
}
func (d *desk) Hidden(context.Context, []approval.File, string) (*approval.File, error) {
	return nil, nil
}
func (d *desk) Check(context.Context, pins.Use) (bool, error) { return false, nil }

func answered() *approval.Request {
	return &approval.Request{ID: "r1", Team: "T1", Project: "C1", Asker: "U1", State: approval.Done, Run: &approval.Run{Result: &approval.Result{Outcome: approval.OK}}}
}

// The class of an answer's own channel is not all: what a file brings along from a stricter one holds as well.
func TestAShareWeighsTheClassThatAFileBroughtAlong(t *testing.T) {
	t.Parallel()
	d := &desk{r: answered(), brought: review.Confidential}
	click := approval.Click{Team: "T1", User: "U1"}
	_, err := answers.New(d, d, d, d).Share(t.Context(), "r1", "C2", click)
	no := new(approval.NotAllowedError)
	require.ErrorAs(t, err, &no)
	require.Equal(t, approval.WhyShareOpener, no.Why.Code)
	require.Empty(t, d.r.Copies)
	d.brought = review.Internal
	r, err := answers.New(d, d, d, d).Share(t.Context(), "r1", "C2", click)
	require.NoError(t, err)
	require.Len(t, r.Copies, 1)
	private := answered()
	private.Private = true
	d.r, d.brought = private, review.Confidential
	_, err = answers.New(d, d, d, d).Share(t.Context(), "r1", "C1", click)
	require.NoError(t, err, "asked openly, it would stand there")
}

// A verification says another person's answer again: they take it back there as well, and nobody else does.
func TestWhoseAnswerIsVerifiedTakesItBackThereToo(t *testing.T) {
	t.Parallel()
	for who, may := range map[string]bool{"U1": true, "U2": true, "U3": false} {
		d := &desk{r: answered()}
		d.r.Repeats = &approval.Repeat{Request: "r0", Asker: "U2"}
		_, err := answers.New(d, d, d, d).TakeBack(t.Context(), "r1", approval.Click{Team: "T1", User: who})
		require.Equal(t, may, err == nil, who)
		require.Equal(t, may, d.r.Taken != nil, who)
	}
}
