package keeping_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/keeping"
)

// world is a store and its people.
type world struct {
	held   bool
	wanted []string
}

func (w *world) WantErased(_ context.Context, _, person, by string) ([]string, error) {
	w.wanted = append(w.wanted, by+" "+person)
	return nil, nil
}
func (w *world) HoldLegally(_ context.Context, _, _, _ string, held bool) error {
	w.held = held
	return nil
}
func (w *world) OnHold(context.Context, string, string) (bool, error) { return w.held, nil }
func (w *world) Administers(_ context.Context, _, who string, why approval.Reason) error {
	if who == "ADMIN" {
		return nil
	}
	return &approval.NotAllowedError{Who: who, Why: why}
}

func TestOnlyAdministratorsForgetAndKeepAndNobodyForThemselves(t *testing.T) {
	t.Parallel()
	w := &world{}
	k := keeping.New(w, w)
	admin, other := approval.Click{Team: "T", User: "ADMIN"}, approval.Click{Team: "T", User: "U1"}
	no := new(approval.NotAllowedError)
	_, err := k.Erase(t.Context(), other, "U2")
	require.ErrorAs(t, err, &no)
	require.ErrorAs(t, k.Hold(t.Context(), other, "U2", true), &no)
	input := new(approval.InputError)
	_, err = k.Erase(t.Context(), admin, "ADMIN")
	require.ErrorAs(t, err, &input)
	require.Equal(t, approval.WhyEraseSelf, input.Why.Code)
	require.NoError(t, k.Hold(t.Context(), admin, "U2", true))
	_, err = k.Erase(t.Context(), admin, "U2")
	require.ErrorAs(t, err, &input)
	require.Equal(t, approval.WhyOnLegalHold, input.Why.Code)
	require.NoError(t, k.Hold(t.Context(), admin, "U2", false))
	_, err = k.Erase(t.Context(), admin, "U2")
	require.NoError(t, err)
	require.Equal(t, []string{"ADMIN U2"}, w.wanted)
}
