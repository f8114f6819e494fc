package approval

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

// kept is a request for which a box waits, as if just loaded.
func kept(t *testing.T) *Request {
	t.Helper()
	r := inState(t, Pending)
	require.NoError(t, Early{r}.Order(2*budget.Cent, 9*time.Minute, t0))
	require.NoError(t, Early{r}.Name("b1", t0))
	r.Changes = Changes{}
	return r
}

var second = budget.Charge{Kind: budget.Box, What: "e2b", BoxMS: 1000, Amount: budget.Cent / 10}

func TestABoxThatWaitsIsHeldForBeforeAnybodyAsksForIt(t *testing.T) {
	t.Parallel()
	r := inState(t, Pending)
	require.True(t, Early{r}.Wanted())
	require.NoError(t, Early{r}.Order(2*budget.Cent, 9*time.Minute, t0))
	h := r.Holds[len(r.Holds)-1]
	require.Equal(t, budget.ForReady, h.Purpose)
	require.True(t, h.Called, "nothing gives it back at no cost")
	require.Equal(t, t0.Add(9*time.Minute+ReadyGrace), h.ExpiresAt)
	require.Equal(t, Ready{Revision: 1, Digest: r.Revision.Digest, Hold: h.ID, At: t0, Until: t0.Add(9 * time.Minute)}, *r.Ready)
	require.True(t, Early{r}.Stands())
	require.Error(t, Early{r}.Order(1, time.Minute, t0), "one at a time")
	require.NoError(t, Early{r}.Name("b1", t0))
	require.NoError(t, Early{r}.Name("b1", t0))
	require.Error(t, Early{r}.Name("b2", t0))
}

func TestAnApprovedRunTakesTheBoxThatWaited(t *testing.T) {
	t.Parallel()
	r := kept(t)
	hold := r.Ready.Hold
	require.NoError(t, r.Decide(approvalOf(r, "R1"), 5*budget.Cent, testPolicy(), t0.Add(time.Minute)))
	require.Contains(t, r.Changes.Jobs, StepReady)
	Early{r}.Use(second, t0.Add(time.Minute))
	require.NotContains(t, r.Changes.Jobs, StepReady)
	require.True(t, r.Ready.Used)
	require.Equal(t, []budget.Settlement{{HoldID: hold, At: t0.Add(time.Minute), Charges: []budget.Charge{second}}}, r.Changes.Settlements)
	require.Equal(t, time.Minute, Early{r}.Waited("b1"))
	require.Zero(t, Early{r}.Waited("b2"))
	require.NoError(t, r.Start("b1", testPolicy(), t0.Add(time.Minute)))
	require.False(t, Early{r}.Dropped())
	require.NoError(t, r.Finish(Result{Outcome: OK}, second, testPolicy(), t0.Add(2*time.Minute)))
	require.Empty(t, r.Holds)
}

// Whatever else becomes of the request, somebody is told to end the box, and the click itself settles nothing of it.
func TestABoxThatIsNotUsedIsEndedWhateverBecomesOfItsRequest(t *testing.T) {
	t.Parallel()
	later := t0.Add(time.Minute)
	for name, do := range map[string]func(r *Request) error{
		"rejected":  func(r *Request) error { return r.Decide(rejectionOf(r, "R1"), 0, testPolicy(), later) },
		"withdrawn": func(r *Request) error { return r.Withdraw("A", later) },
		"expired":   func(r *Request) error { return r.Expire(r.ExpiresAt) },
		"edited":    func(r *Request) error { return takeEdit(r, "R1", testPolicy(), later) },
		"failed":    func(r *Request) error { return r.Fail(Words("x"), later) },
		"resealed":  func(r *Request) error { return breakSeal(r, testPolicy(), later) },
		"glass":     func(r *Request) error { return breakGlass(r, testPolicy(), later) },
		"too late": func(r *Request) error {
			r.Ready.Until = later.Add(handOver) // whoever ends it may have begun to
			err := r.Decide(approvalOf(r, "R1"), 5*budget.Cent, testPolicy(), later)
			Early{r}.Use(second, later)
			return err
		},
	} {
		r := kept(t)
		hold := r.Ready.Hold
		require.NoError(t, do(r), name)
		require.Contains(t, r.Changes.Jobs, StepReady, name)
		require.False(t, Early{r}.Stands(), name)
		require.True(t, r.Ready.Open(), name)
		for _, s := range r.Changes.Settlements {
			require.NotEqual(t, hold, s.HoldID, name)
		}
		Early{r}.End(second, later)
		require.False(t, r.Ready.Open(), name)
		Early{r}.End(second, later)
		n := 0
		for _, s := range r.Changes.Settlements {
			if s.HoldID == hold {
				n++
				require.Equal(t, second.Amount, budget.Total(s.Charges), name)
			}
		}
		require.Equal(t, 1, n, name)
	}
}

func TestARunThatDoesNotComeDropsItsBox(t *testing.T) {
	t.Parallel()
	r := kept(t)
	require.NoError(t, r.Decide(approvalOf(r, "R1"), 5*budget.Cent, testPolicy(), t0.Add(time.Minute)))
	Early{r}.Use(second, t0.Add(time.Minute))
	require.False(t, Early{r}.Dropped())
	require.NoError(t, r.Withdraw("A", t0.Add(2*time.Minute)))
	require.True(t, Early{r}.Dropped())
	require.Contains(t, r.Changes.Jobs, StepReady)
	Early{r}.PayLate(second, t0.Add(2*time.Minute))
	require.Empty(t, r.Holds)
}

// An approved run that cannot start yet may outlive its box: that is paid to its end, once, and not at all where whoever killed it has paid.
func TestABoxThatEndsBeforeItsRunStartsIsPaidOnce(t *testing.T) {
	t.Parallel()
	approved := func() *Request {
		r := kept(t)
		require.NoError(t, r.Decide(approvalOf(r, "R1"), 5*budget.Cent, testPolicy(), t0.Add(time.Minute)))
		Early{r}.Use(second, t0.Add(time.Minute))
		return r
	}
	r := approved()
	require.Zero(t, Early{r}.Outwaited(r.Ready.Until.Add(-time.Second)), "somebody else has ended it, and nobody knows when")
	require.Equal(t, 8*time.Minute, Early{r}.Outwaited(r.Ready.Until.Add(time.Hour)))
	Early{r}.Part("b2")
	require.True(t, r.Ready.Used)
	Early{r}.Part("b1")
	require.Zero(t, Early{r}.Outwaited(r.Ready.Until))
	require.NoError(t, r.Withdraw("A", t0.Add(2*time.Minute)))
	require.False(t, Early{r}.Dropped(), "there is nothing to end")

	r = approved()
	require.NoError(t, r.Start("b1", testPolicy(), t0.Add(time.Minute)))
	Early{r}.Part("b1")
	require.Equal(t, time.Minute, Early{r}.Waited("b1"), "it is the run's")
}

// While its asker is asked about a file nothing stays held, and it is no call of a model that this was.
func TestABoxThatIsNotEndedYetIsChargedAsABoxWhenItsAskerIsAsked(t *testing.T) {
	t.Parallel()
	r := kept(t)
	hold := r.Ready.Hold
	wish := approvalOf(r, "R1")
	wish.Verdict, wish.Reason = Rewrite, "Round it."
	require.NoError(t, r.Decide(wish, budget.Cent, testPolicy(), t0))
	require.NoError(t, r.AskBack(doubtful(), testPolicy(), t0))
	require.Empty(t, r.Holds)
	require.False(t, r.Ready.Open())
	i := slices.IndexFunc(r.Changes.Settlements, func(s budget.Settlement) bool { return s.HoldID == hold })
	require.True(t, r.Changes.Settlements[i].Estimated)
	require.Equal(t, []budget.Charge{{Kind: budget.Box, What: r.Revision.Manifest.Sandbox, Amount: 2 * budget.Cent}}, r.Changes.Settlements[i].Charges)
}

func TestABoxOfWhichNothingIsFoundOutIsChargedInFull(t *testing.T) {
	t.Parallel()
	r := kept(t)
	require.NoError(t, r.Money().SettleStale(r.Ready.Until.Add(ReadyGrace-time.Second)))
	require.True(t, r.Ready.Open())
	require.NoError(t, r.Money().SettleStale(r.Ready.Until.Add(ReadyGrace)))
	require.False(t, r.Ready.Open())
	require.Len(t, r.Changes.Settlements, 1)
	require.True(t, r.Changes.Settlements[0].Estimated)
	require.Equal(t, 2*budget.Cent, budget.Total(r.Changes.Settlements[0].Charges))
	require.False(t, Early{r}.Wanted(), "one for each version of the code")
}
