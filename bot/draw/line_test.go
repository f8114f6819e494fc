package draw

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
)

func TestPeopleReadWhereTheyStandInTheLineForASandbox(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		state         approval.State
		place         int
		says, instead string
	}{
		{approval.Drafting, 3, "Writing the code. This machine is busy: you are third in line for a sandbox.", "started"},
		{approval.Drafting, approval.Starting, "The sandbox is starting; your question is waiting for it.", "busy"},
		{approval.Drafting, approval.NotInLine, "Writing the code.", "line"},
		{approval.Approved, 1, "This machine is busy: you are first in line for a sandbox. The approval is valid until ", "as soon as"},
		{approval.Approved, approval.Starting, "The sandbox is starting; your question is waiting for it. The approval is valid until ", "busy"},
		{approval.Approved, approval.NotInLine, "It runs as soon as a sandbox is free", "line"},
	} {
		v := sample.View(sample.In(c.state))
		v.Request.Place = c.place
		text := Progress(With{}, v).Text()
		require.Contains(t, text, c.says)
		require.NotContains(t, text, c.instead)
	}
	for n, want := range map[int]string{1: "first", 2: "second", 3: "third", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 22: "22nd", 33: "33rd", 111: "111th", 121: "121st"} {
		require.Equal(t, want, kit.Ordinal(n))
	}
	for place, says := range map[int]string{2: "approved, runs when a sandbox is free (this machine is busy: second in line for a sandbox)", approval.Starting: "the sandbox is starting"} {
		require.Contains(t, HowItStands(&approval.Request{State: approval.Approved, Place: place}), says)
	}
}
