package storage

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// repeat asks for the run of a request to be repeated, and finds it.
func (b *bundle) repeat(t *testing.T, first *approval.Request) *approval.Request {
	t.Helper()
	q := approval.Question{Team: team, Project: channel, Asker: "OTHER", Text: "verify " + first.ID, Trigger: "verify " + approval.NewID(5)}
	r, _, err := b.Ask(t.Context(), approval.NewRepeat(q, first, budget.Cent, b.policy, odd()), approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	require.Equal(t, first.SessionID, r.SessionID)
	return b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return (approval.Repetition{Request: r}).Found(first, false, false, now)
	})
}

// inspected brings it before the reviewers, with this code.
func (b *bundle) inspected(code string) func(r *approval.Request, now time.Time) error {
	return func(r *approval.Request, now time.Time) error {
		return r.Drafted(approval.Revision{Code: code, Author: "small-1", PromptVersion: "p1", Manifest: r.Repeats.Manifest}, b.policy, now)
	}
}

func TestARepetitionIsLoadedWithWhatItRepeats(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.done(t, "t")
	r := b.repeat(t, first)
	require.Equal(t, &approval.Repeat{Request: first.ID, Revision: 1, Digest: first.Revision.Digest, Asker: asker, Question: first.Question, At: first.CreatedAt, Manifest: first.Revision.Manifest}, r.Repeats)
	require.Equal(t, first.Files, r.Files)
	later := b.question("later")
	later.SessionID = first.SessionID
	later, _, err := b.Ask(t.Context(), later, approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	history, err := b.History(t.Context(), later.ID)
	require.NoError(t, err)
	require.NotContains(t, fmt.Sprint(history), r.ID, "what is repeated says nothing new to a model")
	_, _, err = b.Ask(t.Context(), approval.NewRepeat(approval.Question{Team: team, Project: channel, Asker: "THIRD", Text: "verify", Trigger: "again"}, first, budget.Cent, b.policy, odd()), approval.Session{Team: team, Channel: channel})
	input := new(approval.InputError)
	require.ErrorAs(t, err, &input)
	require.Equal(t, approval.WhyRepeatsNow, input.Why.Code)
	r = b.update(t, r.ID, b.inspected(first.Revision.Code))
	require.Equal(t, approval.Pending, r.State)
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)
}

// A repetition that is not one is refused by the schema, and named by an audit where its owner
// had switched that off.
func TestAnAuditNamesARepetitionThatIsNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.done(t, "t")
	r := b.repeat(t, first)
	_, err := b.Update(t.Context(), r.ID, b.inspected("print(2)\n"))
	require.ErrorContains(t, err, "is not what it repeats: code_sha256")
	_, err = b.pool.Exec(t.Context(), `ALTER TABLE revisions DISABLE TRIGGER revisions_repeat`)
	require.NoError(t, err)
	b.update(t, r.ID, b.inspected("print(2)\n"))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.ErrorContains(t, err, "revision 1 differs in its code_sha256: its request repeats another run")
	_, err = b.pool.Exec(t.Context(), `SET session_replication_role = replica; UPDATE requests SET repeats = NULL, repeats_revision = NULL, repeats_digest = NULL`)
	require.NoError(t, err)
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.ErrorContains(t, err, "the repetition of revision 1 ("+first.Revision.Digest+") of "+first.ID+" by OTHER: an event says so, and no row")
}

// Whether somebody is at the next step of a repetition is asked about that step: its code is there from the first, and its files
// may have to be read before that is inspected.
func TestARepetitionWhoseFilesAreReadIsNotStuck(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.repeat(t, b.done(t, "t"))
	require.NoError(t, b.exec(t, `UPDATE requests SET files = '[{"id":"F1","name":"a.csv","size":1,"sha256":"aa"}]' WHERE id = $1`, r.ID))
	r, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, approval.StepRead, approval.NextStep(r))
	b.worked(t)
	b.age(t, r.ID)
	require.Equal(t, []steps.Wake{{Step: approval.StepRead, RequestID: r.ID}}, b.stuck(t))
	require.NoError(t, b.Alone(t.Context(), r.ID, approval.StepRead, func(context.Context) error {
		require.Empty(t, b.stuck(t), "somebody is at it")
		return nil
	}))
}
