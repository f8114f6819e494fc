package steps

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// A text that cannot be read in the encoding that its asker has chosen is read as it was found.
func TestAChosenEncodingThatCannotBeIsReadAsFound(t *testing.T) {
	t.Parallel()
	b := setup(t)
	guessed := func(f InputFile) (Readout, error) {
		out := Readout{Answer: fakeRead(textOf(f)), Box: time.Second}
		out.Answer.Reading.Encoding, out.Answer.Reading.Others = "cp850", []string{"cp1252"}
		return out, nil
	}
	b.box.reads = append(b.box.reads, guessed, unreadable("encoding"))
	r := b.ask()
	require.Empty(t, b.work())
	_, _, key, _ := b.request(r.ID).Doubted()
	_, err := b.Answer(t.Context(), r.ID, key, "cp1252", by("asker"))
	require.NoError(t, err)
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State, "nobody is asked again")
	require.Equal(t, "cp850", r.Files[0].Reading.Encoding)
	require.Len(t, b.box.read, 2)
	require.Equal(t, "it is written in windows-1252, which cannot be: read as found", r.Files[0].Answers[0].Words())
}

// A replica that dies while a box compares blocks its asker for the life of the hold at most; who
// presses again need not wait.
func TestAComparisonThatDiedBlocksItsAskerForAWhileAtMost(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		b := setup(t)
		b.box.reads = append(b.box.reads, func(f InputFile) (Readout, error) {
			out := Readout{Answer: fakeRead(textOf(f)), Box: time.Second}
			out.Answer.Reading.Encoding, out.Answer.Reading.Others = "cp850", []string{"cp1252"}
			return out, nil
		}, func(InputFile) (Readout, error) { panic(errCrash) })
		r := b.ask()
		require.Empty(t, b.work())
		_, _, key, _ := b.request(r.ID).Doubted()
		require.ErrorIs(t, b.replica(func() error {
			_, _, err := b.Compare(context.Background(), r.ID, key, by("asker"))
			return err
		}), errCrash)
		_, err := b.Answer(t.Context(), r.ID, key, "cp850", by("asker"))
		require.ErrorAs(t, err, new(*approval.MoveError))
		if again {
			_, _, err = b.Compare(t.Context(), r.ID, key, by("asker"))
			require.NoError(t, err)
		} else {
			b.store.pass(approval.DraftHoldLife)
		}
		_, err = b.Answer(t.Context(), r.ID, key, "cp850", by("asker"))
		require.NoError(t, err)
		require.Empty(t, b.work())
		require.Equal(t, approval.Pending, b.request(r.ID).State)
		require.Equal(t, !again, b.open(r.ID) == 1, "a sweep ends what nobody has settled")
	}
}

// In which encoding a text is, its asker is asked before a model sees a name of it. What it looks
// like goes to them alone: the request, its events and its messages hold nothing of it.
func TestLettersThatAreAGuessAreComparedByTheAskerAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	guessed := func(f InputFile) (Readout, error) {
		out := Readout{Answer: fakeRead(textOf(f)), Box: time.Second}
		out.Answer.Reading.Encoding, out.Answer.Reading.Others = "cp850", []string{"cp1252"}
		return out, nil
	}
	b.box.reads = append(b.box.reads, guessed)
	r := b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Asking, r.State)
	_, d, key, _ := r.Doubted()
	require.Equal(t, []string{"cp850", "cp1252"}, d.InEncodings())

	var no *approval.NotAllowedError
	_, _, err := b.Compare(t.Context(), r.ID, key, by("R1"))
	require.ErrorAs(t, err, &no)
	_, _, err = b.Compare(t.Context(), r.ID, "other", by("asker"))
	require.ErrorAs(t, err, new(*approval.MoveError))
	const secret = "R‚gion of the secret"
	b.box.reads = append(b.box.reads, func(f InputFile) (Readout, error) {
		require.Equal(t, []string{"cp850", "cp1252"}, f.Compare)
		// Who presses again, or answers, while the box is at it is asked to wait.
		var busy *approval.MoveError
		_, _, err := b.Compare(t.Context(), r.ID, key, by("asker"))
		require.ErrorAs(t, err, &busy)
		require.Equal(t, approval.WhyLookedAt, busy.Why.Code)
		_, err = b.Answer(t.Context(), r.ID, key, "cp1252", by("asker"))
		require.ErrorAs(t, err, &busy)
		require.Equal(t, "This file is being looked at for you. One moment, please.", reasons.Words(busy.Why))
		_, err = b.Correct(t.Context(), r.ID, "F1", heading(t, r, "2"), by("asker"))
		require.ErrorAs(t, err, &busy)
		require.Equal(t, approval.WhyLookedAt, busy.Why.Code)
		return Readout{Answer: reading.Answer{Problem: &reading.Problem{Code: "encoding"}}, Letters: [][]string{{"Région", secret}}, Box: time.Second}, nil
	})
	spent := len(b.spends(r.ID, budget.ForRead))
	_, letters, err := b.Compare(t.Context(), r.ID, key, by("asker"))
	require.NoError(t, err)
	require.Equal(t, secret, letters[0][1])
	require.Len(t, b.spends(r.ID, budget.ForRead), spent+1, "the box is paid for")
	require.False(t, b.spends(r.ID, budget.ForRead)[spent].Estimated, "and not the whole hold")
	require.Zero(t, b.open(r.ID), "and nothing stays held")
	all, err := json.Marshal([]any{b.request(r.ID), b.store.events[r.ID]})
	require.NoError(t, err)
	require.NotContains(t, string(all), "secret")
	require.Equal(t, approval.Asking, b.request(r.ID).State)

	b.box.reads = append(b.box.reads, func(f InputFile) (Readout, error) {
		out := Readout{Answer: fakeRead(textOf(f)), Box: time.Second}
		out.Answer.Reading.Encoding = f.Told.Encoding
		return out, nil
	})
	_, err = b.Answer(t.Context(), r.ID, key, "cp1252", by("asker"))
	require.NoError(t, err)
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, "cp1252", r.Files[0].Reading.Encoding)
	require.Equal(t, "cp1252", b.writer.briefs[0].Files[0].Reading.Encoding)

	// The best guess needs no other box.
	other, boxes := b.again(), len(b.box.read)
	_, _, key, _ = other.Doubted()
	_, err = b.Answer(t.Context(), other.ID, key, "cp850", by(other.Asker))
	require.NoError(t, err)
	require.Empty(t, b.work())
	require.Equal(t, approval.Pending, b.request(other.ID).State)
	require.Equal(t, "cp850", b.request(other.ID).Files[0].Reading.Encoding)
	require.Len(t, b.box.read, boxes)
}
