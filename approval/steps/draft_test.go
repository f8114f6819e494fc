package steps

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

func TestDraftPutsInspectedCodeBeforeTheReviewers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending()
	require.Equal(t, goodCode, r.Revision.Code)
	require.Equal(t, 1, r.Revision.Number)
	require.Equal(t, "m1", r.Revision.Author)
	require.Equal(t, "p1", r.Revision.PromptVersion)
	require.Equal(t, "Adds it up.", r.Revision.Summary)
	require.Equal(t, []approval.Finding{{Level: approval.Note, Text: "imports pandas"}}, r.Revision.Findings)
	require.True(t, r.Revision.Intact())
	m := r.Revision.Manifest
	require.Equal(t, []approval.Input{{Name: "sales.csv", SHA256: approval.Hash([]byte("a,b\n1,2\n")), Reading: r.Files[0].ReadAs}}, m.Inputs)
	require.Equal(t, "local", m.Sandbox)
	require.Equal(t, "python 3.11, pandas 2", m.Template)
	require.Empty(t, m.Network)
	require.Equal(t, b.Policy.Limits, m.Limits)
	require.Equal(t, "$0.002775", m.CostCap.String(), "150 seconds at 18,500 billionths")

	require.Equal(t, []string{goodCode}, b.box.inspected)
	require.Equal(t, []string{r.ID}, b.box.prepared)
	require.Equal(t, []string{"asked", "held", "weighed", "found", "held", "called", "weighed", "settled", "read", "called", "settled", "held", "written", "weighed", "called", "settled", "drafted"}, b.kinds(r.ID))
	spends := b.spends(r.ID, budget.ForDraft)
	require.Len(t, spends, 2, "the call at once, and its inspection")
	require.False(t, spends[0].Estimated)
	require.False(t, spends[1].Estimated)
	// 1,000 tokens at $1 and 100 at $2 per million; 0.4 s of a box.
	require.Equal(t, "$0.0012", spends[0].Charges[0].Amount.String())
	require.Equal(t, "$0.000008", spends[1].Charges[0].Amount.String())
	require.Equal(t, int64(400), spends[1].Charges[0].BoxMS)
	require.Zero(t, b.open(r.ID))

	brief := b.writer.briefs[0]
	require.Equal(t, Brief{RequestID: r.ID, SessionID: r.SessionID, Asker: "asker", Model: "m1", Question: "What were sales?", Today: brief.Today, MemoryMB: 1024, Files: r.Files}, brief)
	require.Equal(t, "UTC", brief.Today.Location().String(), "the team's calendar")
	require.False(t, brief.Today.IsZero())
	require.NotEmpty(t, brief.Files[0].Tables())

	require.NoError(t, b.Draft(t.Context(), r.ID), "again, it does nothing")
	require.Len(t, b.writer.briefs, 1)
}

func TestProseIsAnAnswerAndNeverCode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = []func(Brief) (Draft, error){breaks(&WriterError{Err: errCrash, Words: "w", Prose: "The file has no\u202e sales.", Usage: used("m1")})}
	r := b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "The model answered in words instead of writing a program. It said:\n"+`The file has no\u{202e} sales.`, reasons.Words(r.Reason))
	require.Equal(t, 1200*budget.MicroDollar, budget.Total(b.spends(r.ID, budget.ForDraft)[0].Charges))
	require.Empty(t, b.box.inspected)
}

func TestTransientFailuresAreTriedAgainLaterAndPaidAsReported(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault WriterError
		spent func(budget.Settlement, budget.USD) bool
	}{
		"not billed": {WriterError{Err: errCrash, Words: "busy", Retry: true}, func(s budget.Settlement, _ budget.USD) bool { return len(s.Charges) == 0 && !s.Estimated }},
		"billed and reported": {WriterError{Err: errCrash, Words: "busy", Retry: true, Billed: true, Usage: used("m2")}, func(s budget.Settlement, _ budget.USD) bool {
			return !s.Estimated && budget.Total(s.Charges) == 1200*budget.MicroDollar && s.Charges[0].What == "m2"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for range b.Policy.MaxAttempts {
				b.writer.script = append(b.writer.script, breaks(&tt.fault))
			}
			r := b.ask()
			hold := r.Holds[0].Amount
			failures := b.work()
			require.Len(t, failures, b.Policy.MaxAttempts-1)
			for i, err := range failures {
				var later *LaterError
				require.ErrorAs(t, err, &later)
				require.ErrorIs(t, err, errCrash)
				require.Equal(t, 2<<i*time.Second, later.After)
			}
			r = b.request(r.ID)
			require.Equal(t, approval.Failed, r.State)
			require.Equal(t, "busy", reasons.Words(r.Reason))
			require.Len(t, b.writer.briefs, b.Policy.MaxAttempts)
			spends := b.spends(r.ID, budget.ForDraft)
			require.Len(t, spends, b.Policy.MaxAttempts)
			for _, s := range spends {
				require.True(t, tt.spent(s, hold), "%+v", s)
			}
			require.Zero(t, b.open(r.ID))
			require.Equal(t, b.Policy.MaxAttempts-1, b.count(r.ID, "call failed"))
		})
	}
}

func TestAFailureThatPassesLeavesNoMark(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = []func(Brief) (Draft, error){breaks(&WriterError{Err: errCrash, Words: "busy", Retry: true})}
	r := b.ask()
	require.Len(t, b.work(), 1)
	require.Equal(t, approval.Pending, b.request(r.ID).State)
	require.Equal(t, 2, b.request(r.ID).Attempts)
}

func TestAFailureThatDoesNotPassIsToldInItsWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = []func(Brief) (Draft, error){breaks(&WriterError{Err: errCrash, Words: "The key is wrong."})}
	r := b.ask()
	require.Empty(t, b.work())
	require.Equal(t, "The key is wrong.", reasons.Words(b.request(r.ID).Reason))

	b.writer.script = []func(Brief) (Draft, error){breaks(errors.New("secret"))}
	r = b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Contains(t, reasons.Words(r.Reason), "in the log under")
	require.NotContains(t, reasons.Words(r.Reason), "secret")
	require.Empty(t, b.spends(r.ID, budget.ForDraft))
	require.Equal(t, 1, b.open(r.ID), "it may have been billed")
	require.True(t, r.Holds[0].Uncertain())
}

// A provider that says it is R1 would keep R1 from deciding, and stand on the card as R1.
func TestOnlyAModelThatIsOfferedIsAnAuthor(t *testing.T) {
	t.Parallel()
	for says, author := range map[string]string{"R1": "m1", "<@R1>": "m1", "m1-2026-11": "m1", "m2": "m2"} {
		b := setup(t)
		b.writer.script = []func(Brief) (Draft, error){func(Brief) (Draft, error) { return Draft{Code: goodCode, Usage: used(says)}, nil }}
		r := b.ask()
		require.Empty(t, b.work(), says)
		r = b.request(r.ID)
		require.Equal(t, author, r.Revision.Author, says)
		require.Equal(t, says, b.spends(r.ID, budget.ForDraft)[0].Charges[0].What, "the bill is of the model that the API named")
		_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
		require.NoError(t, err, says)
	}
}

func TestWhatNobodyCanPriceSettlesAtTheHold(t *testing.T) {
	t.Parallel()
	for name, usage := range map[string]budget.Usage{
		"a model without a price": {Model: "surprise", Input: 10, Output: 10},
		"usage that cannot be":    {Model: "m1", Input: -1, Output: 5},
	} {
		b := setup(t)
		b.writer.script = []func(Brief) (Draft, error){func(Brief) (Draft, error) { return Draft{Code: goodCode, Usage: usage}, nil }}
		r := b.ask()
		hold := r.Holds[0].Amount
		require.Empty(t, b.work(), name)
		r = b.request(r.ID)
		require.Equal(t, approval.Pending, r.State, name)
		require.NotEmpty(t, r.Revision.Author, name)
		s := b.spends(r.ID, budget.ForDraft)[0]
		require.True(t, s.Estimated, name)
		require.Equal(t, hold, budget.Total(s.Charges), name)
	}
}

func TestABoxWhosePriceHasGoneEndsADraftThatIsPaidFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	b.writer.then = func() { b.Prices.Boxes = nil }
	require.NoError(t, b.Draft(t.Context(), r.ID))
	require.Empty(t, b.box.inspected, "which nobody can pay")
	s := b.spends(r.ID, budget.ForDraft)[0]
	require.False(t, s.Estimated, "the call is known, and charged at once")
	require.Equal(t, 1200*budget.MicroDollar, budget.Total(s.Charges))
	require.Zero(t, b.open(r.ID))
	require.Len(t, b.store.noticesOf(approval.NoticePrice), 1)
	r = b.request(r.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Equal(t, "There is no price for local, so it is not used. An administrator can add one.", reasons.Words(r.Reason))
}

func TestADraftWhoseCapNobodyCanNameReachesNoReviewer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask()
	b.box.inspect = []func(string) (Inspection, error){func(string) (Inspection, error) {
		b.Prices.Boxes = nil
		return Inspection{Box: time.Second}, nil
	}}
	require.NoError(t, b.Draft(t.Context(), r.ID))
	require.Equal(t, approval.Failed, b.request(r.ID).State)
	require.Empty(t, b.box.prepared)
	require.Len(t, b.writer.briefs, 1, "no model is paid twice")
	spends := b.spends(r.ID, budget.ForDraft)
	require.False(t, spends[0].Estimated)
	require.True(t, spends[1].Estimated, "the inspection settles at its hold")
}

func TestAFailureThatCannotBeBookedIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = []func(Brief) (Draft, error){breaks(&WriterError{Err: errors.New("x"), Words: "No.", Usage: used("m1")})}
	r := b.ask()
	b.faults.fail("commit failed.before", errCrash)
	failures := b.work()
	require.Len(t, failures, 1)
	require.ErrorIs(t, failures[0], errCrash)
	require.Equal(t, approval.Pending, b.request(r.ID).State)
	require.Len(t, b.spends(r.ID, budget.ForDraft), 2, "a call and its inspection")
	b.sweepUncertain()
	require.Len(t, b.spends(r.ID, budget.ForDraft), 3, "both calls are paid for")
}

func TestARepairNeedsMoneyOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.SetLimit(t.Context(), "admin", budget.Limit{Scope: budget.Scope{Team: "T1", Kind: budget.User, ID: "asker"}, Amount: 11 * budget.Cent, Window: budget.Month}))
	b.writer.script = []func(Brief) (Draft, error){breaks(&WriterError{Err: errCrash, Words: "cut off", Repair: "shorter", Usage: used("m1")})}
	r := b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Drafting, r.State, "the asker chooses how it goes on")
	require.Contains(t, r.Blocked.Refusal().Words("asker"), "Your budget of $0.11 per month has $0.1087 left, and this could cost up to $0.1092.")
	require.Equal(t, budget.ForDraft, r.Blocked.Purpose)
	require.Len(t, b.writer.briefs, 1)
	require.Zero(t, b.open(r.ID))
}

func TestWithdrawnDuringTheCallIsPaidAndNothingFollows(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(Brief) (Draft, error){
		"a program": writes(goodCode),
		"a failure": breaks(&WriterError{Err: errCrash, Words: "busy", Retry: true, Usage: used("m1")}),
		"a repair":  breaks(&WriterError{Err: errCrash, Repair: "again", Usage: used("m1")}),
	} {
		b := setup(t)
		r := b.ask()
		b.writer.script = []func(Brief) (Draft, error){answer}
		b.writer.then = func() {
			_, err := b.Withdraw(context.Background(), r.ID, approval.Click{Team: "T1", User: "asker"})
			require.NoError(t, err)
		}
		require.Empty(t, b.work(), name)
		r = b.request(r.ID)
		require.Equal(t, approval.Withdrawn, r.State, name)
		require.Nil(t, r.Revision, name)
		require.Zero(t, b.open(r.ID), name)
		s := b.spends(r.ID, budget.ForDraft)
		require.Len(t, s, 1, name)
		require.False(t, s[0].Estimated, name)
		require.GreaterOrEqual(t, budget.Total(s[0].Charges), 1200*budget.MicroDollar, name)
	}
}

func TestFilesThatAreNotAsTheyShouldBeEndTheDraftInPlainWords(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		spoil  func(*bundle)
		reason string
	}{
		"too large": {func(b *bundle) { b.slack.files["F1"] = strings.Repeat("x", 20<<20+1) }, "sales.csv is larger than 20.0 MB."},
		"unreadable": {func(b *bundle) {
			b.box.reads = append(b.box.reads, unreadable("binary"))
		}, "sales.csv is not read. This is not a text table: it holds binary data."},
	} {
		b := setup(t)
		tt.spoil(b)
		r := b.ask()
		require.Empty(t, b.work(), name)
		r = b.request(r.ID)
		require.Equal(t, approval.Failed, r.State, name)
		require.Equal(t, tt.reason, reasons.Words(r.Reason), name)
		require.Empty(t, b.writer.briefs, name)
		require.Zero(t, b.open(r.ID), name)
		require.Empty(t, b.spends(r.ID, budget.ForDraft)[0].Charges, name)
	}
}

func TestASecondAttemptDoesNotReadFilesAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.writer.script = []func(Brief) (Draft, error){writes("x = '\u200b'")}
	b.pending()
	require.Equal(t, []string{"sales.csv"}, b.box.read)
}

func TestTheWorldNotBeingReadyLeavesTheDraftForLater(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Request.before", "Fetch.before", "History.before", "Update.before"} {
		b := setup(t)
		r := b.ask()
		b.faults.fail(point, errCrash)
		require.ErrorIs(t, b.Draft(t.Context(), r.ID), errCrash, point)
		require.Equal(t, approval.Drafting, b.request(r.ID).State, point)
		require.Empty(t, b.writer.briefs, point)
		require.NoError(t, b.Draft(t.Context(), r.ID), point)
		require.Equal(t, approval.Pending, b.request(r.ID).State, point)
	}
	b := setup(t)
	r := b.ask()
	later := &LaterError{After: time.Second, Err: errCrash}
	b.faults.fail("Fetch.before", later)
	require.ErrorIs(t, b.Draft(t.Context(), r.ID), later)
	require.ErrorIs(t, b.Draft(t.Context(), "nobody"), approval.ErrNotFound)
}

// Boxes that failed are paid for as well: the next one is only tried when it is
// held for, so that no draft costs more than was set aside.
func TestInspectionsThatFailNeverCostMoreThanIsHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(t)
		for range 5 {
			b.box.inspect = append(b.box.inspect, func(string) (Inspection, error) {
				return Inspection{Box: fakeInspectLease}, &BoxError{Err: errCrash, Words: "The box did not answer.", Retry: true}
			})
		}
		r := b.ask()
		held := r.Holds[0].Amount
		b.work()
		require.Equal(t, approval.Failed, b.request(r.ID).State)
		require.Len(t, b.box.inspected, inspectTries)
		s := b.spends(r.ID, budget.ForDraft)
		require.Len(t, s, 2)
		require.Equal(t, int64(inspectTries*fakeInspectLease/time.Millisecond), s[0].Charges[0].BoxMS+s[1].Charges[0].BoxMS)
		require.LessOrEqual(t, budget.Total(s[0].Charges)+budget.Total(s[1].Charges), held)
	})
}
