package steps

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
)

// However often it is asked about, a file that ends its boxes has six of them in a day.
func TestAFileThatEndsEveryBoxRestsForLongerEachTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 20 {
		b.box.reads = append(b.box.reads, dies)
	}
	require.Equal(t, approval.Failed, b.again().State)
	for pair, rest := range approval.Rests {
		require.Len(t, b.box.read, 2*pair+2)
		b.store.pass(rest - time.Minute)
		require.Equal(t, approval.Failed, b.again().State)
		require.Len(t, b.box.read, 2*pair+2, "it rests")
		b.store.pass(2 * time.Minute)
		require.Equal(t, approval.Failed, b.again().State)
	}
	require.Len(t, b.box.read, 2*len(approval.Rests)+2)
}

// While there is no box to be had the file waits for one, however often that is tried.
func TestAFileThatRestedWaitsForABoxThatCannotBeHad(t *testing.T) {
	t.Parallel()
	b := setup(t)
	away := func(InputFile) (Readout, error) { return Readout{}, errors.New("no box to be had") }
	b.box.reads = []func(InputFile) (Readout, error){dies, dies}
	require.Equal(t, approval.Failed, b.again().State)
	b.store.pass(approval.Rests[0] + time.Minute)
	b.box.reads = []func(InputFile) (Readout, error){away}
	r := b.again()
	require.NotEqual(t, approval.WhyNotRead, r.Reason.Code, "%s", r.State)
	require.Equal(t, approval.Pending, b.again().State)
}

// A problem that may lie in the box is not the last word on a file, either.
func TestAFileThatTookTooLongIsReadAgainMinutesLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	slow := func(InputFile) (Readout, error) {
		return Readout{Answer: reading.Answer{Problem: &reading.Problem{Code: "time", Facts: map[string]int64{"seconds": 120}}}}, nil
	}
	b.box.reads = []func(InputFile) (Readout, error){slow}
	require.Equal(t, approval.Failed, b.again().State)
	require.Equal(t, approval.Failed, b.again().State)
	require.Len(t, b.box.read, 1, "its word holds")
	b.store.pass(approval.Rests[0] + time.Minute)
	require.Equal(t, approval.Pending, b.again().State)
}

// Whoever made a reader misbehave gets no other box in minutes.
func TestAFileThatMadeItsReaderMisbehaveIsRefusedForADay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.reads = []func(InputFile) (Readout, error){func(InputFile) (Readout, error) {
		return Readout{Answer: reading.Answer{Problem: &reading.Problem{Code: "misbehaved"}}}, nil
	}}
	require.Equal(t, approval.Failed, b.again().State)
	b.store.pass(approval.Rests[1])
	require.Equal(t, approval.Failed, b.again().State)
	require.Len(t, b.box.read, 1)
	b.store.pass(approval.Rests[2])
	require.Equal(t, approval.Pending, b.again().State)
}
