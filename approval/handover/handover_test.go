package handover

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/review"
)

// world is all that a desk asks: in it are U1, who asks, and colleagues of many kinds.
type world struct {
	r      *approval.Request
	stock  Stock
	out    string // who is not in the channel
	hidden string // the file that Slack does not show
	barred string // the file whose pin keeps it from people
	kept   []approval.Event
	now    time.Time
}

func (w *world) Request(context.Context, string) (*approval.Request, error) { return w.r, nil }
func (w *world) Update(_ context.Context, _ string, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	w.r.Changes = approval.Changes{}
	err := change(w.r, w.now)
	return w.r, err
}
func (w *world) Audit(_ context.Context, _ string, e approval.Event) error {
	w.kept = append(w.kept, e)
	return nil
}
func (w *world) Stock(context.Context, string) (*approval.Request, Stock, error) {
	return w.r, w.stock, nil
}
func (w *world) Came(_ context.Context, session string) ([]approval.Message, error) {
	return []approval.Message{{RequestID: session, Text: "write to ana@example.org", Result: &approval.Result{Answer: "ana@example.org paid most."}}}, nil
}
func (w *world) Place(context.Context, string, string) (approval.Place, error) {
	return approval.Place{Seen: true, In: true}, nil
}
func (w *world) Within(_ context.Context, _, user string) (bool, error) { return user != w.out, nil }
func (w *world) Person(_ context.Context, _, user string) (review.Person, error) {
	return review.Person{ID: user, Bot: user == "UBOT", Guest: user == "UGUEST", External: user == "UOUT", Gone: user == "UGONE"}, nil
}
func (w *world) Sees(_ context.Context, f approval.File, _ string) (bool, error) {
	return f.ID != w.hidden, nil
}
func (w *world) RulesFor(context.Context, *approval.Request) (review.RuleSet, error) {
	return review.RuleSet{}, nil
}
func (w *world) Reviewers(context.Context, string, string) (review.Roster, error) {
	return review.Roster{Auditors: []string{"UAUDIT"}}, nil
}
func (w *world) InPlace(_ context.Context, u pins.Use) error {
	if u.Files[0].ID == w.barred {
		return &approval.InputError{Why: approval.Because(approval.WhyPinnedForOthers)}
	}
	return nil
}

// setup is a thread in U1's direct message, with two files and an answer.
func setup() (*world, *Desk) {
	w := &world{now: time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC), r: &approval.Request{ID: "r1", SessionID: "s1", Team: "T1", Project: "C1", Asker: "U1", Private: true, State: approval.Done},
		stock: Stock{Thread: approval.Session{ID: "s1", Team: "T1", Channel: "D1", ThreadTS: "1.1"}, Alone: true, Questions: 1,
			Files: []approval.File{{ID: "F1", Name: "one.csv"}, {ID: "F2", Name: "pinned.csv", Pinned: "C1"}}, Answers: []Answer{{Request: "r1"}}}}
	return w, New(w, w, w, w, w)
}

func by(user string) approval.Click {
	return approval.Click{Team: "T1", User: user, Channel: "D2", MessageTS: "2.2"}
}

// why is the reason of a refusal.
func why(t *testing.T, err error) approval.ReasonCode {
	t.Helper()
	switch e := err.(type) {
	case *approval.InputError:
		return e.Why.Code
	case *approval.MoveError:
		return e.Why.Code
	}
	return ""
}

func TestWhoCanTakeAThreadOver(t *testing.T) {
	t.Parallel()
	for to, code := range map[string]approval.ReasonCode{"": approval.WhyNoPerson, "U1": approval.WhyHandSelf, "UBOT": approval.WhyHandBot, "UGUEST": approval.WhyHandGuest, "UAUDIT": approval.WhyHandAuditor,
		"UOUT": approval.WhyHandOutsider, "UGONE": approval.WhyHandGone, "U3": approval.WhyHandNotIn} {
		w, d := setup()
		w.out = "U3"
		_, err := d.Offer(t.Context(), "r1", Offer{To: to}, by("U1"))
		require.Equal(t, code, why(t, err), to)
		require.Empty(t, w.r.HandOvers)
	}
	w, d := setup()
	_, err := d.Offer(t.Context(), "r1", Offer{To: "U2"}, by("U2"))
	require.ErrorIs(t, err, approval.ErrNotFound, "of a private thread others learn nothing")
	w.r.Private = false
	_, err = d.Offer(t.Context(), "r1", Offer{To: "U2"}, by("U2"))
	require.ErrorAs(t, err, new(*approval.NotAllowedError))
	require.Len(t, w.kept, 1, "that somebody tried is on record")
	w.r.Asker = "UGUEST"
	_, err = d.Offer(t.Context(), "r1", Offer{To: "U2"}, by("UGUEST"))
	require.Equal(t, approval.WhyGuestHands, why(t, err))
	require.Empty(t, w.r.HandOvers)
}

func TestOnlyWhatIsTheGiversGoesAlong(t *testing.T) {
	t.Parallel()
	w, d := setup()
	w.hidden, w.barred = "F1", "F2"
	for _, o := range []Offer{{Files: []string{"F9"}}, {Answers: []string{"r9"}}} {
		o.To = "U2"
		_, err := d.Offer(t.Context(), "r1", o, by("U1"))
		require.ErrorIs(t, err, approval.ErrNotFound)
	}
	_, err := d.Offer(t.Context(), "r1", Offer{To: "U2", Files: []string{"F1"}}, by("U1"))
	require.Equal(t, approval.WhyHandNotSeen, why(t, err))
	_, err = d.Offer(t.Context(), "r1", Offer{To: "U2", Files: []string{"F2"}}, by("U1"))
	require.Equal(t, approval.WhyHandPinned, why(t, err))
	require.Empty(t, w.r.HandOvers)
	w.hidden, w.barred = "", ""
	r, err := d.Offer(t.Context(), "r1", Offer{To: "U2", Files: []string{"F2", "F1", "F1"}, Answers: []string{"r1"}}, by("U1"))
	require.NoError(t, err)
	require.Equal(t, []string{"F1", "F2"}, r.HandOvers[0].Files)
	require.Equal(t, []string{"r1"}, r.HandOvers[0].Answers)
	require.Equal(t, []string{"U2", "U1"}, r.Changes.Notices[0].To)

	// A second press offers nothing twice, and nothing else.
	r, err = d.Offer(t.Context(), "r1", Offer{To: "U2", Files: []string{"F1", "F2"}, Answers: []string{"r1"}}, by("U1"))
	require.NoError(t, err)
	require.Len(t, r.HandOvers, 1)
	require.Nil(t, r.Changes.HandOver)
	_, err = d.Offer(t.Context(), "r1", Offer{To: "U2"}, by("U1"))
	require.Equal(t, approval.WhyHandOffered, why(t, err))
}

func TestAnOfferIsAnsweredOnceByWhomItIsFor(t *testing.T) {
	t.Parallel()
	w, d := setup()
	r, err := d.Offer(t.Context(), "r1", Offer{To: "U2"}, by("U1"))
	require.NoError(t, err)
	id := r.HandOvers[0].ID
	for who, verdict := range map[string]approval.HandVerdict{"U1": approval.HandAccepted, "U3": approval.HandDeclined, "U2": approval.HandWithdrawn} {
		_, err := d.Answer(t.Context(), "r1", id, verdict, by(who))
		require.ErrorAs(t, err, new(*approval.NotAllowedError), who)
	}
	require.Len(t, w.kept, 3)
	copied := by("U2")
	copied.Channel = "C1"
	_, err = d.Answer(t.Context(), "r1", id, approval.HandAccepted, copied)
	require.ErrorIs(t, err, approval.ErrNotFound, "a copied button begins no thread in a channel")
	w.out = "U2"
	_, err = d.Answer(t.Context(), "r1", id, approval.HandAccepted, by("U2"))
	require.Equal(t, approval.WhyHandNotIn, why(t, err), "who has left the channel meanwhile")
	w.out = ""
	_, _, err = d.Read(t.Context(), "r1", id, by("U2"))
	require.ErrorIs(t, err, approval.ErrNotFound, "nothing is read before")

	r, err = d.Answer(t.Context(), "r1", id, approval.HandAccepted, by("U2"))
	require.NoError(t, err)
	into := r.HandOvers[0].Into
	require.Equal(t, []string{"T1", "D2", "2.2"}, []string{into.Team, into.Channel, into.ThreadTS}, "below the offer")
	require.Equal(t, approval.EventAcceptedHandOver, r.Changes.Events[0].Kind)
	r, err = d.Answer(t.Context(), "r1", id, approval.HandAccepted, by("U2"))
	require.NoError(t, err)
	require.Equal(t, into, r.HandOvers[0].Into)
	require.Empty(t, r.Changes.Events, "a second press is only looked at")
	_, err = d.Answer(t.Context(), "r1", id, approval.HandDeclined, by("U2"))
	require.Equal(t, approval.WhyHandEnded, why(t, err))
	_, err = d.Answer(t.Context(), "r1", id, approval.HandWithdrawn, by("U1"))
	require.Equal(t, approval.WhyHandEnded, why(t, err))
	_, said, err := d.Read(t.Context(), "r1", id, by("U2"))
	require.NoError(t, err)
	require.Equal(t, into.ID, said[0].RequestID)
	require.NotContains(t, said[0].Text+said[0].Result.Answer, "ana@example.org", "as in an answer that is shared")
	_, _, err = d.Read(t.Context(), "r1", id, by("U3"))
	require.ErrorIs(t, err, approval.ErrNotFound)
}

// Days may pass before an offer is accepted: what goes along is still the giver's to give, and the colleague's to use.
func TestWhatGoesAlongIsLookedAtOnceMore(t *testing.T) {
	t.Parallel()
	w, d := setup()
	r, err := d.Offer(t.Context(), "r1", Offer{To: "U2", Files: []string{"F1", "F2"}}, by("U1"))
	require.NoError(t, err)
	id := r.HandOvers[0].ID
	w.hidden = "F1"
	_, err = d.Answer(t.Context(), "r1", id, approval.HandAccepted, by("U2"))
	require.Equal(t, approval.WhyHandNotSeen, why(t, err))
	w.hidden, w.barred = "", "F2"
	_, err = d.Answer(t.Context(), "r1", id, approval.HandAccepted, by("U2"))
	require.Equal(t, approval.WhyHandPinned, why(t, err))
	require.Empty(t, w.r.HandOvers[0].Verdict)
	w.barred = ""
	w.stock.Former, w.stock.Files = w.stock.Files[:1], append([]approval.File{{ID: "F3", Name: "one.csv"}}, w.stock.Files[1:]...)
	_, err = d.Answer(t.Context(), "r1", id, approval.HandAccepted, by("U2"))
	require.NoError(t, err, "a later file of its name takes nothing away")
}

func TestAnOfferIsNotAcceptedLate(t *testing.T) {
	t.Parallel()
	w, d := setup()
	w.stock.Alone, w.stock.Thread.Channel = false, "C1"
	r, err := d.Offer(t.Context(), "r1", Offer{To: "U2"}, by("U1"))
	require.NoError(t, err)
	w.now = w.now.Add(approval.HandOverLife)
	_, err = d.Answer(t.Context(), "r1", r.HandOvers[0].ID, approval.HandAccepted, by("U2"))
	require.Equal(t, approval.WhyHandEnded, why(t, err))
	require.NoError(t, approval.ExpireIfDue(r, w.now))
	require.Equal(t, approval.HandExpired, r.HandOvers[0].Verdict)

	// In a thread of a channel the colleague goes on there.
	r.HandOvers = nil
	r, err = d.Offer(t.Context(), "r1", Offer{To: "U2"}, by("U1"))
	require.NoError(t, err)
	r, err = d.Answer(t.Context(), "r1", r.HandOvers[0].ID, approval.HandAccepted, by("U2"))
	require.NoError(t, err)
	require.Equal(t, "s1", r.HandOvers[0].Into.ID)
}
