package glass

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/budget"
)

// world has one request that waits, and remembers what was kept of refused clicks.
type world struct {
	unlooked []Unlooked
	notices  []approval.Notice
	c        *steps.Case
	gone     map[string]bool
	refused  []approval.Event
}

func (w *world) Case(context.Context, string) (*steps.Case, error) { c := *w.c; return &c, nil }
func (w *world) Act(_ context.Context, c *steps.Case, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	return c.Request, change(c.Request, c.Now)
}
func (w *world) Update(_ context.Context, _ string, change func(*approval.Request, time.Time) error) (*approval.Request, error) {
	return w.c.Request, change(w.c.Request, w.c.Now)
}
func (w *world) Audit(_ context.Context, _ string, e approval.Event) error {
	w.refused = append(w.refused, e)
	return nil
}
func (w *world) Pending(context.Context, string, int) ([]*approval.Request, error) {
	return []*approval.Request{w.c.Request}, nil
}
func (w *world) Unlooked(context.Context, time.Duration, time.Duration) ([]Unlooked, error) {
	return w.unlooked, nil
}
func (w *world) Notice(_ context.Context, key string) (*approval.Notice, map[string]steps.NoticePost, error) {
	for i := range w.notices {
		if w.notices[i].Key == key {
			return &w.notices[i], nil, nil
		}
	}
	return nil, nil, approval.ErrNotFound
}
func (w *world) Notify(_ context.Context, n approval.Notice) error {
	w.notices = append(w.notices, n)
	return nil
}
func (w *world) Person(_ context.Context, _, user string) (review.Person, error) {
	return review.Person{ID: user, Gone: w.gone[user]}, nil
}
func (w *world) Administers(_ context.Context, _, who string, why approval.Reason) error {
	if strings.HasPrefix(who, "ADMIN") {
		return nil
	}
	return &approval.NotAllowedError{Who: who, Why: why}
}

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// setup is a world in which ONCALL may break the glass, and all that could stand in the way of it.
func setup(t *testing.T) (*world, *Keeper, steps.Ruling) {
	t.Helper()
	p := approval.DefaultPolicy()
	p.Admins = []string{"ADMIN1", "ADMIN2", "ASKER"}
	rev := &approval.Revision{RequestID: "r", Number: 1, Code: "print(1)\n", Author: "m", Manifest: approval.Manifest{Version: 2, Tier: approval.Low, Approvals: 1, Policy: "settings", CostCap: budget.Cent}}
	rev.Manifest.CodeSHA256 = approval.Hash([]byte(rev.Code))
	rev.Digest = rev.Manifest.Digest()
	r := &approval.Request{ID: "r", Team: "T", Project: "C", Asker: "ASKER", State: approval.Pending, ExpiresAt: now.Add(time.Hour), Revision: rev}
	named := func(by string, ago time.Duration) review.Grant {
		return review.Grant{Team: "T", Role: review.RoleGlass, User: "ONCALL", By: by, At: now.Add(-ago)}
	}
	w := &world{gone: map[string]bool{}, c: &steps.Case{Request: r, Now: now, Book: review.Book{Grants: []review.Grant{named("ADMIN1", 30*time.Hour), named("ADMIN2", 24*time.Hour)},
		Pace: review.Pace{Opened: map[string]time.Time{"ONCALL": now.Add(-time.Minute)}}}}}
	return w, New(w, w, w, w, p), steps.Ruling{RequestID: "r", Revision: 1, Digest: rev.Digest, Reason: "The board meets in ten minutes.", Click: approval.Click{Team: "T", User: "ONCALL", ActionTS: "1"}}
}

func TestTheGlassIsBroken(t *testing.T) {
	t.Parallel()
	w, k, ruling := setup(t)
	list, err := k.Offer(t.Context(), ruling.Click)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NoError(t, k.MayBreak(t.Context(), ruling))
	r, err := k.Break(t.Context(), ruling)
	require.NoError(t, err)
	require.Equal(t, approval.Approved, r.State)
	require.Equal(t, []string{"ADMIN1", "ADMIN2"}, r.Glass.Others, "not the asker")
	require.Empty(t, r.Decisions)

	events := len(r.Changes.Events)
	again, err := k.Break(t.Context(), ruling)
	require.NoError(t, err, "the same click again")
	require.Len(t, again.Changes.Events, events)
	other := ruling
	other.Click.ActionTS = "2"
	_, err = k.Break(t.Context(), other)
	require.ErrorAs(t, err, new(*approval.MoveError))

	require.ErrorAs(t, k.Look(t.Context(), approval.Click{Team: "T", User: "MAYA"}, "r", 1, true), new(*approval.NotAllowedError))
	require.ErrorIs(t, k.Look(t.Context(), approval.Click{Team: "OTHER", User: "ADMIN1"}, "r", 1, true), approval.ErrNotFound)
	require.NoError(t, k.Look(t.Context(), approval.Click{Team: "T", User: "ADMIN1"}, "r", 1, true))
	require.Len(t, r.Glass.Looks, 1)
	require.Len(t, w.refused, 1)
}

func TestEachConditionOfTheGlassIsAsked(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		spoil func(w *world, ruling *steps.Ruling)
		why   approval.ReasonCode
	}{
		"no role":             {func(w *world, _ *steps.Ruling) { w.c.Grants = nil }, approval.WhyGlassRole},
		"named by one":        {func(w *world, _ *steps.Ruling) { w.c.Grants = w.c.Grants[:1] }, approval.WhyGlassSecond},
		"named by themselves": {func(w *world, _ *steps.Ruling) { w.c.Grants[1].By = "ONCALL" }, approval.WhyGlassSecond},
		"a day is not over":   {func(w *world, _ *steps.Ruling) { w.c.Grants[1].At = now.Add(-23 * time.Hour) }, approval.WhyGlassYoung},
		"it rests":            {func(w *world, _ *steps.Ruling) { w.c.Glass.Rested = now.Add(-time.Hour) }, approval.WhyGlassRests},
		"another is not seen": {func(w *world, _ *steps.Ruling) { w.c.Glass.Unseen = []approval.Glass{{RequestID: "x"}} }, approval.WhyGlassUnseen},
		"a danger": {func(w *world, _ *steps.Ruling) {
			w.c.Request.Revision.Findings = []approval.Finding{{Level: approval.Danger}}
		}, approval.WhyGlassDanger},
		"a host":                  {func(w *world, _ *steps.Ruling) { w.c.Request.Revision.Manifest.Network = []string{"a.example.com"} }, approval.WhyGlassNetwork},
		"one administrator":       {func(w *world, _ *steps.Ruling) { w.gone["ADMIN2"] = true }, approval.WhyGlassAlone},
		"they have left":          {func(w *world, _ *steps.Ruling) { w.gone["ONCALL"] = true }, approval.WhyDeactivated},
		"they have not opened it": {func(w *world, _ *steps.Ruling) { w.c.Pace.Opened = nil }, approval.WhyNotOpened},
		"no reason":               {func(_ *world, r *steps.Ruling) { r.Reason = "  hurry, please   " }, approval.WhyGlassReason},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w, k, ruling := setup(t)
			c.spoil(w, &ruling)
			_, err := k.Break(t.Context(), ruling)
			var no *approval.NotAllowedError
			var input *approval.InputError
			switch {
			case c.why == approval.WhyNotOpened || c.why == approval.WhyGlassReason:
				require.ErrorAs(t, err, &input)
				require.Equal(t, c.why, input.Why.Code)
				require.Empty(t, w.refused, "a slip is no attempt")
			default:
				require.ErrorAs(t, err, &no)
				require.Equal(t, c.why, no.Why.Code)
				require.Len(t, w.refused, 1, "an attempt is on record")
			}
			require.Equal(t, approval.Pending, w.c.Request.State)
		})
	}
	_, k, ruling := setup(t)
	ruling.Digest = strings.Repeat("0", 64)
	_, err := k.Break(t.Context(), ruling)
	require.ErrorAs(t, err, new(*approval.StaleError))
	ruling.Click.Team = "OTHER"
	_, err = k.Break(t.Context(), ruling)
	require.ErrorIs(t, err, approval.ErrNotFound)
}

// Administrators are told once that the time to look is nearly over, and once that it is.
func TestAdministratorsAreRemindedOnce(t *testing.T) {
	t.Parallel()
	w, k, _ := setup(t)
	w.unlooked = []Unlooked{{Team: "T", RequestID: "r", Person: "ONCALL", Revision: 1, At: now, Now: now.Add(21 * time.Hour)}}
	for range 2 {
		require.NoError(t, k.Remind(t.Context()))
	}
	require.Len(t, w.notices, 1)
	n := w.notices[0]
	require.Equal(t, approval.NoticeGlassWaits, n.Kind)
	require.True(t, n.Admins)
	require.JSONEq(t, `{"revision":1,"person":"ONCALL","until":"2026-11-28T12:00:00Z"}`, string(n.Data))
	w.unlooked[0].Now = now.Add(24 * time.Hour)
	for range 2 {
		require.NoError(t, k.Remind(t.Context()))
	}
	require.Len(t, w.notices, 2)
	require.JSONEq(t, `{"revision":1,"person":"ONCALL","until":"2026-11-28T12:00:00Z","rests":true}`, string(w.notices[1].Data))
}

// Whoever broke the glass, and nobody else, may say that it was not them. What has not started goes back, what runs is ended.
func TestWhoeverBrokeTheGlassDisownsIt(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		play func(r *approval.Request) error
		ends approval.State
	}{
		"nothing has started": {func(*approval.Request) error { return nil }, approval.Pending},
		"it runs": {func(r *approval.Request) error {
			r.Place = 0
			return r.Start("box", approval.DefaultPolicy(), now)
		}, approval.Running},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w, k, ruling := setup(t)
			r, err := k.Break(t.Context(), ruling)
			require.NoError(t, err)
			require.Equal(t, []string{"ADMIN1", "ADMIN2", "ONCALL"}, r.Changes.Notices[0].To, "who broke it is told as well")
			require.NoError(t, c.play(r))
			require.ErrorAs(t, k.Disown(t.Context(), approval.Click{Team: "T", User: "MAYA"}, "r", 1), new(*approval.NotAllowedError))
			require.Len(t, w.refused, 1)
			require.ErrorIs(t, k.Disown(t.Context(), approval.Click{Team: "X", User: "ONCALL"}, "r", 1), approval.ErrNotFound)
			require.ErrorAs(t, k.Disown(t.Context(), ruling.Click, "r", 2), new(*approval.MoveError))
			require.NoError(t, k.Disown(t.Context(), ruling.Click, "r", 1))
			require.Equal(t, c.ends, r.State)
			told := r.Changes.Notices[len(r.Changes.Notices)-1]
			require.Equal(t, approval.NoticeDisowned, told.Kind)
			require.True(t, told.Admins)
			if c.ends == approval.Running {
				require.Equal(t, "ONCALL", r.Run.StoppedBy)
			}
			events, notices := len(r.Changes.Events), len(r.Changes.Notices)
			require.NoError(t, k.Disown(t.Context(), ruling.Click, "r", 1), "twice is once")
			require.Len(t, r.Changes.Events, events)
			require.Len(t, r.Changes.Notices, notices)
		})
	}
}
