package storage

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
)

// atTerminal is a click that was none: a decision on the command line.
func atTerminal(c approval.Click) approval.Click {
	c.ActionTS, c.Channel, c.MessageTS = "", "", ""
	c.Door, c.OSUser, c.Machine = approval.CommandLine, "ben", "laptop"
	return c
}

func TestWhatAnotherDoorApprovedDoesNotRunForAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		d := decision(r, "REVA", approval.Approve)
		d.Click = atTerminal(d.Click)
		return r.Decide(d, budget.Cent, b.policy, now)
	})
	require.Equal(t, approval.Approved, r.State)
	r, err := b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, "ben on laptop", r.Decisions[0].Click.Seat())
	require.False(t, r.Decisions[0].Unsigned)
	require.Nil(t, r.BrokenSeal(b.policy))
	_, err = AuditorOf(b.DB).Request(t.Context(), r.ID)
	require.NoError(t, err)

	_, err = b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box", b.policy, now) })
	var move *approval.MoveError
	require.ErrorAs(t, err, &move)
	require.Equal(t, approval.WhyQuiet, move.Why.Code)
	// Nor when a replica is wrong about the time, or somebody has the password.
	_, err = b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error {
		was := r.Decisions[0].At
		r.Decisions[0].At = was.Add(-approval.QuietTime)
		defer func() { r.Decisions[0].At = was }()
		return r.Start("box", b.policy, now)
	})
	require.ErrorAs(t, err, &move)
	require.Equal(t, approval.WhyQuiet, move.Why.Code)
	var pg *pgconn.PgError
	err = b.attack(t, `INSERT INTO runs (request_id, box_id, revision, digest, started_at) VALUES ('`+r.ID+`', 'b', 1, '`+r.Revision.Digest+`', now() + interval '2 minutes')`)
	require.True(t, errors.As(err, &pg) && pg.ConstraintName == "runs_quiet", "%v", err)

	// A door that is taken away in the table is one in the signed event.
	require.NoError(t, pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica; UPDATE decisions SET click = click - 'door' - 'os_user' - 'machine'`)
		return err
	}))
	r, err = b.Request(t.Context(), r.ID)
	require.NoError(t, err)
	require.True(t, r.Decisions[0].Unsigned)
	require.Equal(t, []approval.Reason{approval.Because(approval.WhyUnsigned)}, r.BrokenSeal(b.policy))
}
