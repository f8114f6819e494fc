package steps

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// The twin has to be trusted, so what the others rely on is shown here.
func TestTheTwinStoresAllOfAnUpdateOrNothing(t *testing.T) {
	t.Parallel()
	m := newMemStore(&faults{})
	r := approval.New(approval.Question{Team: "T", Asker: "U", Project: "C", Trigger: "1"}, "m", budget.Dollar, approval.DefaultPolicy(), m.now())
	stored, created, err := m.Ask(t.Context(), r, approval.Session{Team: "T", Channel: "C"})
	require.NoError(t, err)
	require.True(t, created)
	again, created, err := m.Ask(t.Context(), approval.New(approval.Question{Team: "T", Trigger: "1"}, "m", 1, approval.DefaultPolicy(), m.now()), approval.Session{})
	require.NoError(t, err)
	require.False(t, created)
	require.Equal(t, stored.ID, again.ID)

	before := deepCopy(m.requests[r.ID])
	no := errors.New("no")
	_, err = m.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		r.Holds[0].Called = true
		require.NoError(t, r.Fail(approval.Words("x"), now))
		return no
	})
	require.ErrorIs(t, err, no)
	require.Equal(t, before, m.requests[r.ID])
	require.Len(t, m.events[r.ID], 3) // asked, held, weighed
	require.Len(t, m.jobs, 1)         // find

	_, err = m.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		holdFor(r, budget.ForRun, 10*budget.Dollar, now)
		return nil
	})
	var exceeded *budget.ExceededError
	require.ErrorAs(t, err, &exceeded)
	require.Equal(t, before, m.requests[r.ID])
}

// deepCopy copies everything that can be reached, so that what a closure does to
// its request is seen only when it commits. Times are values.
func deepCopy[T any](v T) T {
	return copyValue(reflect.ValueOf(&v).Elem()).Interface().(T)
}

func copyValue(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(copyValue(v.Elem()))
		}
	case reflect.Interface:
		if !v.IsNil() {
			out.Set(copyValue(v.Elem()))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(copyValue(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(v.Type()))
			for key, value := range v.Seq2() {
				out.SetMapIndex(key, copyValue(value))
			}
		}
	case reflect.Struct:
		out.Set(v)
		if v.Type() != reflect.TypeFor[time.Time]() {
			for i := range v.NumField() {
				out.Field(i).Set(copyValue(v.Field(i)))
			}
		}
	default:
		out.Set(v)
	}
	return out
}
