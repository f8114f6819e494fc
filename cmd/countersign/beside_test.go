package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
)

// ran runs a command to its end, in the house's settings.
func (h *house) ran(args ...string) (said string, code int) {
	var out lockedBuffer
	code = run(h.ctx, args, h.environ(), &out, &out)
	return out.String(), code
}

func TestCommandsWorkBesideAServeWithItsPrivateDatabase(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	h := open(t, func(c *Config) { c.DatabaseURL, c.DataDir = "", dir })
	r, stop := h.run()
	h.share("sales.csv", "month,amount\n2025-01,5\n")
	h.writes("1 + 1")
	root := h.ask("How many rows has sales.csv?")
	card := h.card(root)
	asked, err := r.db.Recent(h.ctx, slacksim.DefaultTeam.ID, slacksim.Analyst, 1)
	require.NoError(t, err)
	require.Len(t, asked, 1)
	req := asked[0]
	require.NotNil(t, req.Revision)

	said, code := h.ran("decide", req.ID, "approve", "--as", slacksim.Reviewer, "--digest", req.Revision.Digest[:8])
	require.Zero(t, code, said)
	require.Contains(t, said, "Approved")
	_, err = h.ben.WaitChange(h.patient(), card, func(m workspace.Message) bool { return !m.Has("Approve") })
	require.NoError(t, err)
	h.reply(root) // after a minute, in which Not me would stop it
	said, code = h.ran("audit", strings.ToUpper(req.ID))
	require.Zero(t, code, said)
	require.Contains(t, said, "none has been changed")
	require.Contains(t, said, slacksim.Reviewer)
	said, code = h.ran("usage")
	require.Zero(t, code, said)
	require.Contains(t, said, time.Now().UTC().Format(time.DateOnly))
	said, code = h.ran("migrate")
	require.Zero(t, code, said)
	found := h.program.checkDatabase(h.ctx)
	require.NoError(t, found.err)
	require.Contains(t, found.say, fmt.Sprintf("the database of %s is in use by a running countersign; looked at it there; serve's role owns nothing, which keeps out nobody who has this account of the machine: the owner is the same one here; its clock is this machine's (", dir))
	require.NoError(t, r.db.Ping(h.ctx), "and serve goes on")

	stop()
	var group errgroup.Group
	for _, args := range [][]string{{"audit", req.ID}, {"usage"}, {"audit", req.ID}, {"usage"}} {
		group.Go(func() error {
			if said, code := h.ran(args...); code != 0 {
				return fmt.Errorf("%v: %s", args, said)
			}
			return nil
		})
	}
	require.NoError(t, group.Wait(), "they share a server, and none takes it from another")
	found = h.program.checkDatabase(h.ctx)
	require.NoError(t, found.err)
	require.Contains(t, found.say, "a private Postgres in "+dir+"; serve's role owns nothing, which keeps out nobody who has this account of the machine: the owner is the same one here; its clock is this machine's (")
}

func TestDoctorSeesADatabaseThatServeRefuses(t *testing.T) {
	t.Parallel()
	h := open(t)
	_ = value[int](h, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true) RETURNING 1`)
	found := h.program.checkDatabase(h.ctx)
	require.EqualError(t, found.err, "the database is of a newer countersign (migration 999): install that one")
	for _, command := range []string{"audit", "decide"} {
		said, code := h.ran(command, "nosuch1")
		require.Equal(t, 1, code, command)
		require.Contains(t, said, "newer countersign", command)
	}
}
