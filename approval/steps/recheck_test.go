package steps

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// A box comes after a wait in line, and what let the request start holds no more: nothing
// starts, the box is killed, and the money for the run pays for it.
func TestWhatWasCheckedBeforeAWaitInLineIsCheckedAgainAfterIt(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*bundle)
		mend   func(*bundle)
		state  approval.State // as it stands then
		end    approval.State // and in the end
		later  bool
	}{
		"nothing": {end: approval.Done, state: approval.Done},
		"a freeze begins": {
			change: func(b *bundle) {
				b.rules("", func(rules *review.Rules) {
					rules.Freezes = []string{b.store.now().Format(time.DateOnly) + " to " + b.store.now().AddDate(0, 0, 1).Format(time.DateOnly)}
				})
			},
			mend:  func(b *bundle) { b.rules("", func(rules *review.Rules) { rules.Freezes = nil }) },
			state: approval.Approved, end: approval.Done},
		"who approved it is no reviewer any more": {
			change: func(b *bundle) {
				require.NoError(b.t, b.RemoveRole(b.t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"}))
			}, state: approval.Pending, end: approval.Pending},
		"the bot is taken out of the channel": {
			change: func(b *bundle) { b.slack.at(approval.Place{Seen: true}) },
			mend:   func(b *bundle) { b.slack.at(approval.Place{Seen: true, In: true}) },
			state:  approval.Approved, end: approval.Done, later: true},
		"a file is deleted": {change: func(b *bundle) { b.slack.lose("F1", false) }, state: approval.Failed, end: approval.Failed},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := setup(t)
			require.NoError(t, b.SetRole(t.Context(), by("admin"), review.Grant{Role: review.RoleReviewer, User: "new"}))
			r, err := b.Decide(t.Context(), ruling(b.pending(), "new", approval.Approve))
			require.NoError(t, err)
			b.store.jobs = nil
			held := r.Holds[0].Amount
			b.box.line = []int{2, 1}
			b.box.waited = func() {
				if tt.change != nil && len(b.box.boxes) == 0 {
					tt.change(b)
				}
			}
			b.box.making = func() { time.Sleep(3 * time.Second) }
			require.Equal(t, tt.later, b.step(approval.StepRun, r.ID), name)
			now := b.request(r.ID)
			require.Equal(t, tt.state, now.State, "%s: %s", name, now.Reason)
			require.Zero(t, b.box.living(), name)
			spends := b.spends(r.ID, budget.ForRun)
			require.NotEmpty(t, spends, name)
			if tt.state != approval.Done {
				require.Zero(t, b.box.starts(), name)
				charges := spends[len(spends)-1].Charges
				require.Len(t, charges, 1, name)
				require.EqualValues(t, 3000, charges[0].BoxMS, "%s: the box, once", name)
			}
			if tt.state == approval.Approved {
				require.Len(t, now.Holds, 1, name)
				require.Equal(t, held-budget.Total(spends[len(spends)-1].Charges), now.Holds[0].Amount, "%s: no more than was agreed to", name)
				require.Equal(t, approval.NotInLine, now.Place, name)
			}
			if tt.mend != nil {
				tt.mend(b)
				require.False(t, b.step(approval.StepRun, r.ID), name)
				require.Equal(t, 1, b.box.starts(), name)
				require.Zero(t, b.open(r.ID), name)
			}
			require.Equal(t, tt.end, b.request(r.ID).State, name)
			require.Zero(t, b.box.living(), name)
		})
	}
}
