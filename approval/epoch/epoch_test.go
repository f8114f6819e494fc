package epoch_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/epoch"
	"countersign/budget"
)

// world has one workspace that rests, and one administrator.
type world struct {
	rests  bool
	booked budget.USD
	told   []approval.Event
}

func (w *world) Rest(context.Context, string) (*approval.Rest, error) {
	if !w.rests {
		return nil, nil
	}
	return &approval.Rest{Lost: 3}, nil
}

func (w *world) Reckon(_ context.Context, _, _ string, spent budget.USD, _ approval.Click) (bool, error) {
	ends := w.rests
	w.rests, w.booked = false, w.booked+spent
	return ends, nil
}

func (w *world) AuditPeople(_ context.Context, _ string, e approval.Event) error {
	w.told = append(w.told, e)
	return nil
}

func (w *world) Administers(_ context.Context, _, who string, why approval.Reason) error {
	if who == "ADMIN" {
		return nil
	}
	return &approval.NotAllowedError{Who: who, Why: why}
}

func TestAnAdministratorEndsTheRestOnce(t *testing.T) {
	t.Parallel()
	w := &world{rests: true}
	d := epoch.New(w, w)
	rest, err := d.Rest(t.Context(), "T")
	require.NoError(t, err)
	require.EqualValues(t, 3, rest.Lost)

	no := new(approval.NotAllowedError)
	rest, err = d.ToReckon(t.Context(), "T", "MAYA")
	require.ErrorAs(t, err, &no, "a forged click opens no form")
	require.Nil(t, rest)
	rest, err = d.ToReckon(t.Context(), "T", "ADMIN")
	require.NoError(t, err)
	require.EqualValues(t, 3, rest.Lost)
	require.ErrorAs(t, d.Reckon(t.Context(), approval.Click{Team: "T", User: "MAYA"}, budget.Dollar), &no)
	require.True(t, w.rests)
	require.Len(t, w.told, 1)
	require.Equal(t, approval.EventRefusedClick, w.told[0].Kind)

	require.NoError(t, d.Reckon(t.Context(), approval.Click{Team: "T", User: "ADMIN"}, budget.Dollar))
	require.Equal(t, budget.Dollar, w.booked)
	input := new(approval.InputError)
	require.True(t, errors.As(d.Reckon(t.Context(), approval.Click{Team: "T", User: "ADMIN"}, 0), &input))
	require.Equal(t, approval.WhyReckoned, input.Why.Code)
	rest, err = d.Rest(t.Context(), "T")
	require.NoError(t, err)
	require.Nil(t, rest)
}
