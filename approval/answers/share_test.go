package answers

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/review"
)

// world is all that a desk asks. It keeps what Slack was asked.
type world struct {
	r      *approval.Request
	place  approval.Place
	in     bool
	hidden *approval.File
	while  func() // the people of the channel are looked at
	asked  []string
	looked []approval.File
	kept   []approval.Event
}

func (w *world) Request(context.Context, string) (*approval.Request, error) { return w.r, nil }
func (w *world) Update(_ context.Context, _ string, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	return w.r, change(w.r, time.Now())
}
func (w *world) Audit(_ context.Context, _ string, e approval.Event) error {
	w.kept = append(w.kept, e)
	return nil
}
func (w *world) Administers(context.Context, string, string, approval.Reason) error { return nil }
func (w *world) RulesOf(context.Context, string, string) (review.RuleSet, error) {
	return review.RuleSet{}, nil
}
func (w *world) RulesFor(context.Context, *approval.Request) (review.RuleSet, error) {
	return review.RuleSet{}, nil
}
func (w *world) Check(context.Context, pins.Use) (bool, error) { return false, nil }
func (w *world) Place(context.Context, string, string) (approval.Place, error) {
	w.asked = append(w.asked, "place")
	return w.place, nil
}
func (w *world) Within(context.Context, string, string) (bool, error) {
	w.asked = append(w.asked, "within")
	return w.in, nil
}
func (w *world) Person(_ context.Context, _, user string) (review.Person, error) {
	w.asked = append(w.asked, "person")
	return review.Person{ID: user}, nil
}
func (w *world) Hidden(_ context.Context, files []approval.File, _ string) (*approval.File, error) {
	w.asked, w.looked = append(w.asked, "hidden"), files
	if w.while != nil {
		w.while()
	}
	return w.hidden, nil
}

// shares has the asker share the answer.
func (w *world) shares(t *testing.T, channel string) approval.Reason {
	t.Helper()
	w.r = &approval.Request{ID: "r1", Team: "T1", Project: "C1", Asker: "U1", State: approval.Done, Run: &approval.Run{Result: &approval.Result{Outcome: approval.OK}},
		Files: []approval.File{{ID: "F1", Name: "one.csv"}, {ID: "F2", Name: "pinned.csv", Pinned: "C3"}, {ID: "F3", Name: "two.csv"}}}
	w.asked, w.looked, w.kept = nil, nil, nil
	_, err := New(w, w, w, w).Share(t.Context(), "r1", channel, approval.Click{Team: "T1", User: "U1"})
	no := new(approval.NotAllowedError)
	if err == nil {
		require.Len(t, w.r.Copies, 1)
		return approval.Reason{}
	}
	require.ErrorAs(t, err, &no)
	require.Len(t, w.kept, 1, "that somebody tried is on record")
	require.Empty(t, w.r.Copies)
	return no.Why
}

func TestNobodySharesInADirectMessage(t *testing.T) {
	t.Parallel()
	w := &world{place: approval.Place{Seen: true, In: true}, in: true}
	require.Equal(t, approval.WhyShareUnseen, w.shares(t, "D1").Code)
	require.Empty(t, w.asked)
}

func TestSlackIsAskedForEachThingAndAgainAfterTheLongOne(t *testing.T) {
	t.Parallel()
	w := &world{place: approval.Place{Seen: true, In: true}, in: true}
	require.True(t, w.shares(t, "C2").None())
	require.Equal(t, []string{"person", "place", "within", "hidden", "person", "place", "within"}, w.asked)
	require.Equal(t, []approval.File{w.r.Files[0], w.r.Files[2]}, w.looked, "who may use the pinned one its pin says")
	w.in = false
	require.Equal(t, approval.WhyShareNotIn, w.shares(t, "C2").Code)

	// Of a private channel the place says it already.
	w.place.Private = true
	require.Equal(t, approval.WhyShareNotIn, w.shares(t, "C2").Code)
	w.place.AskerIn = true
	require.True(t, w.shares(t, "C2").None())
	require.Equal(t, []string{"person", "place", "hidden", "person", "place"}, w.asked)
	w.hidden = &approval.File{Name: "two.csv"}
	require.Equal(t, approval.Reason{Code: approval.WhyFileNotTheirs, Name: "two.csv"}, w.shares(t, "C2"))
}

// It takes minutes to look at the people of a large channel. What has changed meanwhile counts.
func TestWhatChangesWhilePeopleAreLookedAtBarsAShare(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		change func(w *world)
		why    approval.ReasonCode
	}{
		"they left":                    {func(w *world) { w.in = false }, approval.WhyShareNotIn},
		"it was shared with outsiders": {func(w *world) { w.place.Shared = true }, approval.WhyShareOutside},
		"it was archived":              {func(w *world) { w.place.Archived = true }, approval.WhyShareUnseen},
	} {
		w := &world{place: approval.Place{Seen: true, In: true}, in: true}
		w.while = func() { of.change(w) }
		require.Equal(t, of.why, w.shares(t, "C2").Code, name)
	}
}
