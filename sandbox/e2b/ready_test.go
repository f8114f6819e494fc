package e2b_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/sandbox/e2b/e2btest"
)

func TestAReservedBoxIsClaimedByItsRunAndByNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const code = "print(1)"
	seal := sealFor(code)
	id, err := b.client.Reserve(t.Context(), "req1", seal, 10*time.Minute)
	require.NoError(t, err)
	require.EqualValues(t, 600, b.e2b.Box(id).Asked["timeout"], "E2B ends it, whoever of us is there")
	again, err := b.another(t).Reserve(t.Context(), "req1", seal, 9*time.Minute)
	require.NoError(t, err)
	require.Equal(t, id, again, "another replica finds it")
	// Create never takes it: whoever ends it meanwhile would end a run.
	other := b.create(t, "req1", code)
	require.NotEqual(t, id, other)
	require.NoError(t, b.client.Kill(t.Context(), other))
	// Nor does a request that it is not for, or another version of the code.
	require.ErrorIs(t, b.client.Claim(t.Context(), id, "req2", seal), steps.ErrBoxGone)
	require.ErrorIs(t, b.client.Claim(t.Context(), id, "req1", sealFor("print(2)")), steps.ErrBoxGone)
	require.ErrorIs(t, b.client.Start(t.Context(), id, jobFor("req1", code)), steps.ErrBoxGone, "it has too little time for a run")

	client := b.another(t)
	require.NoError(t, client.Claim(t.Context(), id, "req1", seal))
	require.NoError(t, client.Start(t.Context(), id, jobFor("req1", code)))
	result, err := b.another(t).Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "1\n", result.Stdout)
	require.Equal(t, 1, b.e2b.Box(id).Starts)
	there, err := client.There(t.Context(), id)
	require.NoError(t, err)
	require.True(t, there)
	b.e2b.End(id)
	require.ErrorIs(t, b.another(t).Claim(t.Context(), id, "req1", seal), steps.ErrBoxGone)
	there, err = client.There(t.Context(), id)
	require.NoError(t, err)
	require.False(t, there)
}

// One that cannot live as long as its run needs stays until it is released: that tells for how long it has to be paid.
func TestAReservedBoxThatCannotLiveLongEnoughIsReleasedWithItsTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seal := sealFor("print(1)")
	id, err := b.client.Reserve(t.Context(), "req1", seal, time.Minute)
	require.NoError(t, err)
	b.e2b.Tamper(e2btest.Get, func(answer map[string]any) {
		answer["endAt"] = time.Now().Add(20 * time.Second).UTC().Format(time.RFC3339)
	})
	require.ErrorIs(t, b.client.Claim(t.Context(), id, "req1", seal), steps.ErrBoxGone)
	require.True(t, b.e2b.Box(id).Alive)
	lived, err := b.another(t).Release(t.Context(), "req1")
	require.NoError(t, err)
	require.Positive(t, lived)
	require.False(t, b.e2b.Box(id).Alive)
}

func TestReservedBoxesAreReleasedWithTheirTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, err := b.client.Reserve(t.Context(), "req1", sealFor("print(1)"), time.Minute)
	require.NoError(t, err)
	run := b.create(t, "req1", "print(1)")
	lived, err := b.another(t).Release(t.Context(), "req1")
	require.NoError(t, err)
	require.Positive(t, lived)
	require.False(t, b.e2b.Box(id).Alive)
	require.True(t, b.e2b.Box(run).Alive, "that of a run is none of its business")
	lived, err = b.client.Release(t.Context(), "req1")
	require.NoError(t, err)
	require.Zero(t, lived)
}

// Where it is certain that there is no box, nothing is paid; where it is not, whoever comes next looks.
func TestABoxThatCouldNotBeReservedIsToldFromOneThatMayBeThere(t *testing.T) {
	t.Parallel()
	b := setup(t, impatient)
	full := e2btest.Fault{Status: http.StatusTooManyRequests, Body: `{"code":429,"message":"you have reached the maximum number of concurrent E2B sandboxes (20)"}`}
	for name, c := range map[string]struct {
		faults []e2btest.Fault
		list   bool
		none   bool
	}{
		"full":                      {faults: []e2btest.Fault{full}, none: true},
		"no key":                    {faults: []e2btest.Fault{{Status: 401, Body: `{"code":401,"message":"Invalid API key"}`}}, none: true},
		"slow, and nobody can look": {faults: []e2btest.Fault{{Silent: true, Effect: true, Times: -1}}, list: true},
	} {
		b.e2b.Heal()
		b.e2b.Fail(e2btest.Create, c.faults...)
		if c.list {
			b.e2b.Fail(e2btest.List, e2btest.Fault{Pass: true}, e2btest.Fault{Times: -1})
		}
		_, err := b.client.Reserve(t.Context(), "req "+name, sealFor("print(1)"), time.Minute)
		require.Error(t, err, name)
		require.Equal(t, c.none, errors.Is(err, steps.ErrNoBox), "%s: %v", name, err)
	}
	b.e2b.Heal()
	id, err := b.another(t).Reserve(t.Context(), "req slow, and nobody can look", sealFor("print(1)"), time.Minute)
	require.NoError(t, err)
	require.Equal(t, []string{id}, ids(b.e2b.Alive()), "it was there")
	elsewhere := sealFor("print(1)")
	elsewhere.Template = "another"
	_, err = b.client.Reserve(t.Context(), "req1", elsewhere, time.Minute)
	require.ErrorIs(t, err, steps.ErrNoBox)
}

// The answer is lost, and the box is found by E2B's list.
func TestAReservedBoxWhoseAnswerIsLostIsFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.e2b.Fail(e2btest.Create, e2btest.Fault{Effect: true})
	id, err := b.client.Reserve(t.Context(), "req1", sealFor("print(1)"), time.Minute)
	require.NoError(t, err)
	require.Equal(t, []string{id}, ids(b.e2b.Alive()))
}

// ids are those of boxes.
func ids(boxes []e2btest.Box) (list []string) {
	for _, b := range boxes {
		list = append(list, b.ID)
	}
	return list
}
