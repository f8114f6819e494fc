package steps

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
	"countersign/internal/deepcopy"
	"countersign/internal/proof"
)

// backToReview checks that nothing has run, and that what was approved before
// counts for nothing.
func (b *bundle) backToReview(was *approval.Request, what string) *approval.Request {
	b.t.Helper()
	r := b.request(was.ID)
	require.Equal(b.t, approval.Pending, r.State, "%s: %s", what, r.Reason)
	require.Equal(b.t, 2, r.Revision.Number, what)
	require.True(b.t, r.Revision.Intact(), what)
	require.Equal(b.t, was.Revision.Author, r.Revision.Author, what)
	require.Empty(b.t, r.Decisions, what)
	require.Zero(b.t, b.box.starts(), what)
	require.Zero(b.t, b.box.living(), what)
	require.Zero(b.t, b.open(r.ID), what)
	if len(r.Files) == 0 || r.Files[0].SHA256 == was.Files[0].SHA256 {
		require.Empty(b.t, b.spends(r.ID, budget.ForRun)[0].Charges, what)
	} // else the run's money has paid for reading what is there now
	var stale *approval.StaleError
	_, err := b.Decide(b.t.Context(), ruling(was, "R2", approval.Approve))
	require.ErrorAs(b.t, err, &stale, "%s: the button of the old card decides nothing", what)
	return r
}

// What was sealed and is not the same any more is not run: people look again.
func TestABrokenSealGoesBackToReview(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		spoil func(*bundle, *approval.Request)
		why   string
	}{
		"an input's content": {func(b *bundle, _ *approval.Request) { b.slack.put("F1", "a,b\n1,3\n") }, "The inputs have changed: sales.csv is not what it was: its content has changed."},
		"an input more":      {func(_ *bundle, r *approval.Request) { r.Files = append(r.Files, r.Files[0]) }, "The inputs have changed: there are not as many as were approved."},
		"an input less":      {func(_ *bundle, r *approval.Request) { r.Files = nil }, "The inputs have changed: sales.csv, which was approved as an input, is not among the files any more."},
		"an input's name":    {func(_ *bundle, r *approval.Request) { r.Files[0].Name = "other.csv" }, "The inputs have changed: other.csv is not among the inputs that were approved."},
		"the sandbox": {func(b *bundle, _ *approval.Request) {
			b.box.size.Kind, b.Prices.Boxes = "e2b", append(b.Prices.Boxes, budget.BoxPrice{Kind: "e2b", From: epoch, VCPU: 14_000, GiB: 4_500})
		}, "It would run in another sandbox: e2b (python 3.11, pandas 2) instead of local (python 3.11, pandas 2)."},
		"what is installed": {func(b *bundle, _ *approval.Request) { b.box.upgrade = ".1" }, "It would run in another sandbox"},
		"the code":          {func(_ *bundle, r *approval.Request) { r.Revision.Code += "#\n" }, "The stored code is not the code that was approved."},
		"everything": {func(_ *bundle, r *approval.Request) {
			r.Revision.Code = "x\n"
			r.Revision.Manifest.CodeSHA256 = approval.Hash([]byte("x\n"))
			r.Revision.Digest = r.Revision.Manifest.Digest()
		}, "The stored approvals are for a different version."},
		"the decision": {func(_ *bundle, r *approval.Request) { r.Decisions = nil }, "It has 0 of the 1 approvals that it needs."},
	} {
		b := setup(t)
		was := b.approved()
		tt.spoil(b, b.store.requests[was.ID])
		require.Empty(t, b.work(), what)
		r := b.backToReview(was, what)
		require.True(t, strings.HasPrefix(reasons.Words(r.Reason), tt.why), "%s: %s", what, r.Reason)
		require.Contains(t, reasons.Words(r.Reason), "The approval no longer counts, and nothing has run. It needs a new decision.", what)
		require.Equal(t, 1, b.count(r.ID, "seal broken"), what)
		require.Contains(t, b.box.discarded, r.ID, what)

		_, err := b.Decide(t.Context(), ruling(r, "R1", approval.Approve))
		require.NoError(t, err, "%s: decided anew, also by whoever decided before", what)
		require.Empty(t, b.work(), what)
		r = b.request(r.ID)
		require.Equal(t, approval.Done, r.State, "%s: %s", what, r.Reason)
		require.Empty(t, r.Reason, what)
		require.Equal(t, 1, b.box.starts(), what)
	}
}

// Every field of a manifest that somebody changes behind our back breaks the seal,
// also fields that are added to it later.
func TestProveReviewEveryFieldOfTheManifestIsSealed(t *testing.T) {
	t.Parallel()
	mutated := 0
	var mutate func(v reflect.Value, path string, each func(path string))
	mutate = func(v reflect.Value, path string, each func(string)) {
		switch v.Kind() {
		case reflect.Struct:
			for i := range v.NumField() {
				mutate(v.Field(i), path+"."+v.Type().Field(i).Name, each)
			}
			return
		case reflect.Slice:
			old := reflect.ValueOf(v.Interface())
			v.Set(reflect.Append(v, reflect.New(v.Type().Elem()).Elem()))
			each(path + " longer")
			if v.Set(old); v.Len() > 0 {
				copied := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
				reflect.Copy(copied, v)
				v.Set(copied)
				mutate(v.Index(0), path+"[0]", each)
				v.Set(old)
			}
			return
		}
		old := reflect.ValueOf(v.Interface())
		switch {
		case v.CanInt():
			v.SetInt(v.Int() + 1)
		case v.Kind() == reflect.String:
			v.SetString(v.String() + "x")
		case v.Kind() == reflect.Bool:
			v.SetBool(!v.Bool())
		default:
			t.Fatalf("%s is a %s", path, v.Kind())
		}
		each(path)
		v.Set(old)
	}
	m := setup(t).approved().Revision.Manifest
	mutate(reflect.ValueOf(&m).Elem(), "Manifest", func(path string) {
		mutated++
		b := setup(t)
		was := b.approved()
		b.store.requests[was.ID].Revision.Manifest = deepcopy.Of(m)
		b.work() // a card may not be drawn before the seal has been found broken
		b.backToReview(was, path)
		require.Equal(t, 1, b.count(was.ID, "seal broken"), path)
	})
	proof.Check(t, mutated >= 16, "every field of the manifest, changed after the approval, refuses the run", "%d of %d changes back to review, nothing started", mutated, mutated)
}

// Code that could not be shown truthfully is not put before people again.
func TestStoredCodeThatMisleadsIsNotShownAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	was := b.approved()
	b.store.requests[was.ID].Revision.Code += "x = '\u202e'\n"
	require.Empty(t, b.work())
	r := b.request(was.ID)
	require.Equal(t, approval.Failed, r.State)
	require.Contains(t, reasons.Words(r.Reason), "cannot be shown to reviewers")
	require.Equal(t, 1, b.count(r.ID, "seal broken"))
}

// Wherever a replica dies while a seal is found broken, the next one finds the same.
func TestABrokenSealSurvivesTheDeathOfItsReplica(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Request.before", "Fetch.before", "Update.before", "commit sealed anew.before", "commit sealed anew.after"} {
		b := setup(t)
		was := b.approved()
		b.slack.put("F1", "a,b\n1,3\n")
		b.faults.kill(point)
		require.ErrorIs(t, b.replica(func() error { return b.Run(context.Background(), was.ID) }), errCrash, point)
		require.True(t, b.faults.struck(), point)
		require.Empty(t, b.work(), point)
		b.backToReview(was, point)
		require.Equal(t, 1, b.count(was.ID, "seal broken"), point)
	}
}

func TestAnApprovalThatWasNotMineIsTakenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	was := b.approved()
	click := approval.Click{Team: "T1", User: "R1", ActionTS: "9"}
	for who, want := range map[string]string{"R2": "no approval in your name", "asker": "no approval in your name"} {
		var no *approval.NotAllowedError
		_, err := b.Disown(t.Context(), was.ID, 1, approval.Click{Team: "T1", User: who})
		require.ErrorAs(t, err, &no, who)
		require.Contains(t, reasons.Words(no.Why), want)
	}
	_, err := b.Disown(t.Context(), was.ID, 1, approval.Click{Team: "T2", User: "R1"})
	require.ErrorIs(t, err, approval.ErrNotFound)
	r, err := b.Disown(t.Context(), was.ID, 1, click)
	require.NoError(t, err)
	require.Contains(t, reasons.Words(r.Reason), "withdrawn by the person in whose name it was given")
	require.Empty(t, b.work())
	r = b.backToReview(was, "disowned")
	require.Equal(t, 1, b.count(r.ID, "disowned"))
	require.Contains(t, b.slack.told, "disowned "+r.ID+" 1 R1 to admin")

	var move *approval.MoveError
	_, err = b.Disown(t.Context(), was.ID, 1, click)
	require.ErrorAs(t, err, &move, "clicked again")
	require.Contains(t, reasons.Words(move.Why), "no longer counts")
	require.Equal(t, 2, b.request(r.ID).Revision.Number)
}

func TestWhatIsTakenBackNeedsNoDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	was := b.approved()
	_, err := b.Disown(t.Context(), was.ID, 1, approval.Click{Team: "T1", User: "R1"})
	require.NoError(t, err)
	r, err := b.Withdraw(t.Context(), was.ID, approval.Click{Team: "T1", User: "asker"})
	require.NoError(t, err)
	require.Empty(t, r.Reason)
}

func TestOneOfTwoApprovalsIsTakenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Quorum = 2
	was := b.pending()
	_, err := b.Decide(t.Context(), ruling(was, "R1", approval.Approve))
	require.NoError(t, err)
	r, err := b.Disown(t.Context(), was.ID, 1, approval.Click{Team: "T1", User: "R1"})
	require.NoError(t, err)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, 2, r.Revision.Number)
	require.Zero(t, r.Approvals())
}

func TestAfterTheStartItIsTooLateAndAdministratorsHearOfIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	was := b.approved()
	require.Empty(t, b.work())
	require.Equal(t, approval.Done, b.request(was.ID).State)
	var move *approval.MoveError
	for range 2 {
		_, err := b.Disown(t.Context(), was.ID, 1, approval.Click{Team: "T1", User: "R1"})
		require.ErrorAs(t, err, &move)
		require.Contains(t, reasons.Words(move.Why), "It is too late to stop it")
	}
	require.Empty(t, b.work())
	require.Contains(t, b.slack.told, "disowned "+was.ID+" 1 R1 to admin")
	require.Equal(t, 2, b.count(was.ID, "disowned too late"))
	require.Equal(t, approval.Done, b.request(was.ID).State)
	b.faults.fail("Audit.before", errCrash)
	_, err := b.Disown(t.Context(), was.ID, 1, approval.Click{Team: "T1", User: "R1"})
	require.ErrorIs(t, err, errCrash, "no word that it has been said unless it has")
	_, err = b.Disown(t.Context(), was.ID, 1, approval.Click{Team: "T1", User: "R2"})
	require.ErrorAs(t, err, &move)

	b = setup(t)
	was = b.approved()
	b.store.pass(2 * time.Hour)
	require.NoError(t, b.Sweep(t.Context()))
	_, err = b.Disown(t.Context(), was.ID, 1, approval.Click{Team: "T1", User: "R1"})
	require.ErrorAs(t, err, &move)
	require.Contains(t, reasons.Words(move.Why), "Nothing has run, and nothing will")
}

// Who approves is told at once, and sees later what became of it.
func TestWhoeverApprovesIsToldOfItOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved()
	require.Empty(t, b.work())
	require.Contains(t, b.slack.told, "approved "+r.ID+" 1 R1 to R1")
	require.Len(t, b.slack.told, 1)
}

// Both hear of it in whose name it was: who gave it, and in whose place.
func TestAnApprovalInSomebodysPlaceIsTakenBackByEither(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"helper", "R1"} {
		b := setup(t)
		require.NoError(t, b.Steps.Delegate(t.Context(), by("R1"), "helper", time.Now().Add(time.Hour)))
		r, err := b.Decide(t.Context(), ruling(b.pending(), "helper", approval.Approve))
		require.NoError(t, err)
		n, _, err := b.store.Notice(t.Context(), "approved "+r.ID+" 1 helper")
		require.NoError(t, err)
		require.Equal(t, []string{"helper", "R1"}, n.To)
		require.Contains(t, string(n.Data), `"in_place_of":"R1"`)
		r, err = b.Disown(t.Context(), r.ID, 1, by(who))
		require.NoError(t, err)
		require.Equal(t, approval.Pending, r.State)
		n, _, err = b.store.Notice(t.Context(), "disowned "+r.ID+" 1 "+who)
		require.NoError(t, err)
		require.Equal(t, who == "R1", strings.Contains(string(n.Data), `"given_by":"helper"`))
	}
}
