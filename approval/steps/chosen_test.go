package steps

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
)

// A model that somebody has chosen in a thread writes there until another one is chosen, as long as it may.
func TestAChosenModelGoesOnInItsThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.choose("", review.Models{Allowed: []string{"m1", "m2"}})
	n := 0
	ask := func(model string) *approval.Request {
		q := question()
		n++
		q.Model, q.ThreadTS, q.Follow, q.Trigger = model, "1.1", n > 1, fmt.Sprint("t", n)
		r, err := b.Ask(t.Context(), q)
		require.NoError(t, err)
		require.NoError(t, b.store.Threaded(t.Context(), r.SessionID, "1.1"))
		return b.request(r.ID)
	}
	none := ask("")
	require.Nil(t, none.Chosen, "nobody has chosen the default")
	events, err := b.store.Events(t.Context(), none.ID)
	require.NoError(t, err)
	require.NotContains(t, events[0].Data, "chosen")
	require.Equal(t, "m2", ask("m2").Model)
	for range 2 {
		r := ask("")
		require.Equal(t, "m2", r.Model)
		require.Equal(t, &approval.Chosen{Model: "m2", By: "asker"}, r.Chosen)
	}
	require.Equal(t, "m1", ask("m1").Model)
	require.Equal(t, "m1", ask("").Model)
	require.Equal(t, "m2", ask("m2").Model)
	b.choose("", review.Models{Allowed: []string{"m1"}})
	r := ask("")
	require.Equal(t, "m1", r.Model, "one that may not be asked any more gives way")
	require.Equal(t, &approval.Chosen{Model: "m2", By: "asker", Barred: true}, r.Chosen, "which is said")
	events, err = b.store.Events(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "m2", events[0].Data["instead_of"])
	require.Equal(t, []any{"m2", "asker"}, []any{events[0].Data["chosen"], events[0].Data["chosen_by"]}, "and who has chosen it stands on the record")
	b.choose("", review.Models{Allowed: []string{"m1", "m2"}})
	require.Equal(t, "m2", ask("").Model, "and writes again where it may again")
}

// A direct message names any channel: what its models are is for those who are in it, and Slack is asked later.
func TestAModelsListIsNotReadFromADirectMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.choose("C1", review.Models{Allowed: []string{"m2"}})
	direct := func(model, trigger string) (*approval.Request, error) {
		q := question()
		q.Model, q.Seat, q.Trigger = model, "D1", trigger
		return b.Ask(t.Context(), q)
	}
	_, err := direct("mm1", "a")
	require.Equal(t, "There is no model called mm1 here.", refusal(t, err))

	// One that is barred there is taken like any other, and refused once its asker is known to be in the channel.
	r, err := direct("m1", "b")
	require.NoError(t, err)
	require.NoError(t, b.Find(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "m1 is not allowed in this channel. Did you mean m2? Allowed here: m2.", reasons.Words(r.Reason))
	require.Zero(t, b.spent(r.ID))

	// Whoever is not there hears that, and nothing of its models.
	b.slack.place = approval.Place{Seen: true, In: true, Private: true}
	r, err = direct("m1", "c")
	require.NoError(t, err)
	require.NoError(t, b.Find(t.Context(), r.ID))
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.NotNil(t, r.Cause)
	require.True(t, r.Reason.None())
}
