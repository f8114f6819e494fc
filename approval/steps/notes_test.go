package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/approval/review"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

// note has an administrator write notes about C1.
func (b *bundle) note(n review.Notes) {
	b.t.Helper()
	set, err := b.RulesOf(b.t.Context(), "T1", "C1")
	require.NoError(b.t, err)
	_, err = b.SetNotes(b.t.Context(), byAdmin, "C1", n, set.Rules.Shows, set.Own)
	require.NoError(b.t, err)
}

// What administrators write about a channel is in the prompt, in the seal and, as far as it
// bears on the program, in the box.
func TestNotesOfAChannelReachThePromptTheSealAndTheBox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.note(review.Notes{Text: "Revenue is net of VAT.", Currency: "eur", YearBegins: 4})
	was := b.approved()
	require.Equal(t, review.Notes{Version: 1, Text: "Revenue is net of VAT.", Currency: "EUR", YearBegins: 4}, b.writer.briefs[0].Notes)
	sealed := approval.SealedNotes{Version: "C1/1", SHA256: approval.Hash([]byte("Revenue is net of VAT.")), Currency: "EUR", YearBegins: 4}
	require.Equal(t, sealed, was.Revision.Manifest.Notes)
	require.Equal(t, "settings", was.Revision.Manifest.Policy, "reviews follow whom they followed")

	// What was approved runs with the notes that were seen, whatever has been written since.
	b.note(review.Notes{Text: "Revenue is gross.", Currency: "USD"})
	require.Empty(t, b.work())
	r := b.request(was.ID)
	require.Equal(t, approval.Done, r.State, "%s", r.Reason)
	require.Equal(t, "EUR", b.box.jobs[0].Currency)
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, approval.Said("Revenue is net of VAT."), v.Book.Notes.Text, "the card shows those of the seal")
	require.Equal(t, approval.Said("Revenue is gross."), v.Book.Own.Rules.Notes.Text)
	next := b.pending()
	require.Equal(t, "C1/2", next.Revision.Manifest.Notes.Version)
}

// A person's edit and a broken seal change nothing of what the code was written by.
func TestCodeKeepsTheNotesItWasWrittenBy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.note(review.Notes{Text: "Revenue is net of VAT."})
	r := b.approved()
	sealed := r.Revision.Manifest.Notes
	require.NotZero(t, sealed)
	b.store.requests[r.ID].Revision.Code += "# changed behind our back\n"
	b.note(review.Notes{})
	require.Empty(t, b.work())
	r = b.backToReview(r, "code")
	require.Equal(t, sealed, r.Revision.Manifest.Notes)
	require.Zero(t, b.pending().Revision.Manifest.Notes, "what is asked from now on has none")
}

// show has an administrator say what a model may see of C1's data.
func (b *bundle) show(sight approval.Sight) {
	b.t.Helper()
	set, err := b.RulesOf(b.t.Context(), "T1", "C1")
	require.NoError(b.t, err)
	_, err = b.SetNotes(b.t.Context(), byAdmin, "C1", review.Notes{}, sight, set.Own)
	require.NoError(b.t, err)
}

// What the switch lets a model see is read apart, goes into the prompt, and stands nowhere else.
func TestWhatAModelIsLetSeeOfTheDataIsKeptNowhere(t *testing.T) {
	t.Parallel()
	for sight, want := range map[approval.Sight]int{approval.Shape: 0, approval.Statistics: 0, approval.Samples: 1} {
		b := setup(t)
		b.show(sight)
		r := b.pending()
		brief := b.writer.briefs[0]
		require.Equal(t, sight, brief.Sight)
		require.Equal(t, sight, r.Revision.Manifest.Saw, "the card says that the model saw it")
		if sight == approval.Shape {
			require.Empty(t, brief.Seen)
			require.Equal(t, []string{"sales.csv"}, b.box.read)
			continue
		}
		require.Equal(t, []string{"sales.csv", "sales.csv"}, b.box.read, "a box apart")
		glance := brief.Seen["sales.csv"].Tables[0]
		require.Equal(t, "canary-3", glance.Columns[0].Often[0].Value)
		require.Len(t, glance.Rows, want)
		require.Len(t, b.spends(r.ID, budget.ForRead), 2, "and paid for")
		require.Zero(t, b.open(r.ID))

		b.store.mu.Lock()
		for what, kept := range map[string]any{"requests": b.store.requests, "messages": b.store.messages, "events": b.store.events, "notices": b.store.notices} {
			text := fmt.Sprintf("%+v", kept)
			if spelled, err := json.Marshal(kept); err == nil {
				text += string(spelled)
			}
			require.NotContains(t, text, "canary-", what)
		}
		for c, kept := range b.store.kept {
			require.True(t, kept.Answer == nil || kept.Answer.Glimpse == nil, "%v", c)
			require.NotContains(t, c.Desk, "look", "nothing is left of the box")
		}
		b.store.mu.Unlock()
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", brief.Seen, brief, brief), "canary-", "not even by accident")
		_, err := json.Marshal(brief)
		require.ErrorIs(t, err, reading.ErrNowhere)
	}
}

// A file that ends the boxes in which it is looked at shows its shape; the question goes on.
func TestAFileThatCannotBeLookedAtShowsItsShape(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.show(approval.Statistics)
	first := func(f InputFile) (Readout, error) {
		return Readout{Answer: fakeRead(textOf(f)), Box: time.Second}, nil
	}
	b.box.reads = []func(InputFile) (Readout, error){first, dies, dies}
	r := b.pending()
	require.Empty(t, b.writer.briefs[0].Seen)
	require.Equal(t, approval.Shape, r.Revision.Manifest.Saw, "the card does not say that the model saw more")
	require.Len(t, b.box.read, 3)
	b.pending()
	require.Empty(t, b.writer.briefs[1].Seen)
	require.Len(t, b.box.read, 3, "no third box")

	for what, tt := range map[string]struct {
		hinder func(*bundle)
		boxes  int // that were paid, with the one that reads
	}{
		"there is no box": {func(b *bundle) {
			b.box.reads = []func(InputFile) (Readout, error){first, func(InputFile) (Readout, error) {
				return Readout{Box: time.Second}, &BoxError{Err: errCrash, Words: "No box."}
			}}
		}, 2},
		"there is no money for it beside the draft's": {func(b *bundle) {
			b.again() // so that how it is read is known
			b.writer.briefs, b.box.read = nil, nil
			worst, err := b.DraftCost("m1", b.store.now())
			require.NoError(t, err)
			b.limit(budget.User, "asker", worst+100*budget.MicroDollar, budget.Month, budget.LimitPolicy{})
		}, 0},
	} {
		b := setup(t)
		b.show(approval.Statistics)
		tt.hinder(b)
		r := b.pending()
		require.Len(t, b.writer.briefs, 1, what)
		require.Empty(t, b.writer.briefs[0].Seen, what)
		require.Equal(t, approval.Shape, r.Revision.Manifest.Saw, what)
		require.Len(t, b.box.read, tt.boxes, what)
		require.Len(t, b.spends(r.ID, budget.ForRead), tt.boxes, what)
		require.Zero(t, b.open(r.ID), what)
	}
}

// Results of the thread are data, too.
func TestWhatAPromptShowsOfTheDataIsSealed(t *testing.T) {
	t.Parallel()
	seen := map[string]*reading.Glimpse{"sales.csv": {}}
	require.Equal(t, approval.Shape, sawOf(approval.Shape, nil, true))
	require.Equal(t, approval.Shape, sawOf(approval.Samples, nil, false))
	require.Equal(t, approval.Statistics, sawOf(approval.Samples, nil, true))
	require.Equal(t, approval.Samples, sawOf(approval.Samples, seen, false))
}

// Boxes of several questions at once are no boxes that the file has ended.
func TestSeveralQuestionsLookAtAFileOneAfterAnother(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.show(approval.Statistics)
	first := b.askAndRead()
	q := question()
	q.Asker = "somebody else"
	second, err := b.Ask(t.Context(), q)
	require.NoError(t, err)
	second = b.find(second)
	require.NoError(t, b.Read(t.Context(), second.ID))
	b.box.reads = append(b.box.reads, func(f InputFile) (Readout, error) {
		err := b.Draft(context.Background(), second.ID)
		require.ErrorAs(t, err, new(*LaterError))
		require.ErrorIs(t, err, ErrBusy)
		return Readout{Answer: reading.Answer{Glimpse: fakeGlimpse(f)}, Box: time.Second}, nil
	})
	require.NoError(t, b.Draft(t.Context(), first.ID))
	require.Empty(t, b.spends(second.ID, budget.ForRead), "nothing is paid while it waits")
	require.NoError(t, b.Draft(t.Context(), second.ID))
	for _, brief := range b.writer.briefs {
		require.Len(t, brief.Seen, 1)
	}
	require.Len(t, b.writer.briefs, 2)
	for c := range b.store.kept {
		require.NotContains(t, c.Desk, "look", "nothing is left of the boxes")
	}
}

// The switch holds when a prompt is made: for results that came long before as well.
func TestResultsOfTheThreadAreShownAsTheSwitchSaysNow(t *testing.T) {
	t.Parallel()
	result := approval.Result{Outcome: approval.Raised, Error: "KeyError: 'canary'", Answer: "canary"}
	history := []approval.Message{{Role: approval.RoleQuestion, Text: "?"}, {Role: approval.RoleResult, Text: "outcome: raised\nerror: KeyError\n", Result: &result, Code: "x = 1\n"}}
	seen := approval.ShownTo(history, approval.Shape)
	require.NotContains(t, seen[1].Text, "canary")
	require.Nil(t, seen[1].Result)
	seen = approval.ShownTo(history, approval.Statistics)
	require.Contains(t, seen[1].Text, "KeyError: 'canary'")
	require.Contains(t, seen[1].Text, "answer: canary")
	require.Nil(t, seen[1].Result)
	require.NotNil(t, history[1].Result, "what was loaded stays as it was")
}

func TestWhoMayWriteNotesAndHow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	no := new(approval.NotAllowedError)
	_, err := b.SetNotes(t.Context(), approval.Click{Team: "T1", User: "R1"}, "C1", review.Notes{Text: "x"}, approval.Shape, 0)
	require.ErrorAs(t, err, &no)
	require.Equal(t, "Only administrators can write notes.", reasons.Words(no.Why))
	_, err = b.SetNotes(t.Context(), byAdmin, "", review.Notes{Text: "x"}, approval.Shape, 0)
	require.Equal(t, "Notes belong to a channel. Please choose one.", refusal(t, err))
	_, err = b.SetNotes(t.Context(), byAdmin, "C1", review.Notes{Currency: "EUX"}, approval.Shape, 0)
	require.Equal(t, `"EUX" is no currency. Write its three letters, such as EUR.`, refusal(t, err))

	// Models, notes and reviews stay what they are, whichever of them is set.
	text := func(version int, name string) {
		t.Helper()
		set, err := b.RulesOf(t.Context(), "T1", "C1")
		require.NoError(t, err)
		require.Equal(t, review.Notes{Version: version, Text: "x"}, *set.Rules.Notes)
		require.Equal(t, name, set.Name())
	}
	b.choose("C1", review.Models{Allowed: []string{"m2"}})
	b.note(review.Notes{Text: "x"})
	text(2, "settings")
	_, err = b.SetNotes(t.Context(), byAdmin, "C1", review.Notes{Text: "y"}, approval.Shape, 1)
	require.Contains(t, refusal(t, err), "Somebody else has changed these rules")
	_, err = b.SetRules(t.Context(), byAdmin, review.RuleSet{Project: "C1", Version: 2, Rules: review.DefaultRules(b.Policy)})
	require.NoError(t, err)
	text(2, "C1/3")
	_, err = b.SetModels(t.Context(), byAdmin, "C1", nil, 3)
	require.NoError(t, err)
	text(2, "C1/4")
	_, err = b.SetRules(t.Context(), byAdmin, review.RuleSet{Project: "C1", Version: 4, None: true})
	require.NoError(t, err)
	text(2, "settings")
	b.note(review.Notes{})
	set, err := b.RulesOf(t.Context(), "T1", "C1")
	require.NoError(t, err)
	require.Nil(t, set.Rules.Notes)
	require.Zero(t, set.Own, "nothing of the channel's own is left")
}
