package steps

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/pins"
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

// oldIn are pins of long ago, by workspace.
type oldIn struct {
	pins.Store
	teams int
}

func (o oldIn) PinnedBefore(context.Context, time.Time) (map[string][]pins.Pin, error) {
	old := map[string][]pins.Pin{}
	for n := range o.teams {
		old[fmt.Sprint("T", n)] = []pins.Pin{{Project: "C1", File: approval.File{Name: "sales.csv"}}}
	}
	return old, nil
}

// That one workspace has heard of its old pins this week keeps no other from hearing of theirs.
func TestEachWorkspaceHearsOfItsOldPins(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sweep := func(teams int) error {
		return (&Sweeper{store: b.store, Settings: b.Settings, pins: &pins.Keeper{Ports: pins.Ports{Store: oldIn{teams: teams}}}}).oldPins(t.Context())
	}
	require.NoError(t, sweep(1))
	require.NoError(t, sweep(30))
	year, week := time.Now().In(b.Calendar()).ISOWeek()
	for n := range 30 {
		_, _, err := b.store.Notice(t.Context(), fmt.Sprintf("old pins T%d %d-%02d", n, year, week))
		require.NoError(t, err, "T%d", n)
	}
}
