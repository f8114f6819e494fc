package steps

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/budget"
)

// A model answers that nobody can price: its call is paid in full, and the
// administrators hear of it once, however often it happens.
func TestAMissingPriceIsSaidOnceToEveryAdministrator(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Policy.Admins = []string{"admin", "gone", "boss"}
	for range 2 {
		b.writer.script = []func(Brief) (Draft, error){func(Brief) (Draft, error) {
			return Draft{Code: goodCode, Usage: budget.Usage{Model: "surprise", Input: 10, Output: 10}}, nil
		}}
		b.ask()
		require.Empty(t, b.work())
	}
	key := "price T1 surprise in " + b.store.now().UTC().Format("2006-01")
	require.ElementsMatch(t, []string{key + " to admin", key + " to asker", key + " to boss"}, b.slack.told)
	require.NotEmpty(t, b.store.told)
}

// How people approve is told to administrators and auditors, and what else is told to administrators is not.
func TestAuditorsAreToldHowPeopleApprove(t *testing.T) {
	t.Parallel()
	roster := review.Roster{Admins: []string{"admin"}, Auditors: []string{"auditor"}}
	for kind, told := range map[approval.NoticeKind][]string{approval.NoticeHabits: {"admin", "auditor"}, approval.NoticeLog: {"admin", "auditor"}, approval.NoticeDisowned: {"admin"}} {
		v := &NoticeView{Notice: approval.Notice{Kind: kind, Admins: true}, Roster: roster}
		require.Equal(t, told, v.recipients(nil), kind)
	}
}

// A crash between the message and its row is the only way to say a thing twice.
func TestANoticeThatMayStandThereIsLookedFor(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"Tell.before", "Tell.after", "NoticePosted"} {
		b := setup(t)
		n := approval.Notice{Key: "k", Team: "T1", Kind: approval.NoticePrice, To: []string{"U1", "U2"}, Data: approval.Encode(approval.PriceMissing{Model: "m"})}
		require.NoError(t, b.store.Notify(t.Context(), n))
		b.faults.fail(point, errCrash)
		require.ErrorIs(t, b.Tell(t.Context(), "k"), errCrash, point)
		require.Empty(t, b.store.told, point)
		require.NoError(t, b.Tell(t.Context(), "k"))
		require.NoError(t, b.Tell(t.Context(), "k"))
		require.ElementsMatch(t, []string{"k to U1", "k to U2"}, b.slack.told, point)
		require.NotEmpty(t, b.store.told, point)
	}
}
