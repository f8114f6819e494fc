package main

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/kit"
)

// TestWhoOnlyDrawsNeedsNoMoreThanDrawn draws whatever people have done, from all that there is to know of it and from the
// little that is read to be drawn: no message may tell the two apart.
func TestWhoOnlyDrawsNeedsNoMoreThanDrawn(t *testing.T) {
	t.Parallel()
	m := newMeter(t)
	m.play()
	conn, err := pgx.Connect(m.ctx, m.url)
	require.NoError(t, err)
	defer conn.Close(m.ctx)
	rows, err := conn.Query(m.ctx, `SELECT id FROM requests`)
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	seen := map[approval.State]bool{}
	for _, id := range ids {
		all, err := m.r.service.View(m.ctx, id)
		require.NoError(t, err)
		little, err := m.r.db.Drawn(m.ctx, id)
		require.NoError(t, err)
		little.Now, little.Policy, little.Terms = all.Now, all.Policy, little.Book.Terms(little.Request, all.Policy)
		switch little.Request.State {
		case approval.Approved:
			little.Frozen, little.FrozenBy = little.Book.Freezes(all.Policy).Frozen(all.Now, all.Policy.Zone)
		case approval.Pending:
			little.Deciders, _ = little.Book.Deciders(little.Request, all.Policy)
		}
		seen[little.Request.State] = true
		require.Nil(t, little.Case, "nobody decides by it")
		require.Equal(t, messages(t, all), messages(t, little), "%s, %s", id, little.Request.State)
	}
	for _, state := range []approval.State{approval.Drafting, approval.Pending, approval.Done, approval.Rejected, approval.Withdrawn} {
		require.True(t, seen[state], state)
	}
}

// messages are those that can be drawn from a view, as they are sent.
func messages(t *testing.T, v *steps.View) map[string]string {
	with, drawn := draw.With{Self: kit.Identity{}, Rounds: 5}, map[string]string{}
	add := func(name string, p *kit.Page) {
		sent, err := json.Marshal(p)
		require.NoError(t, err)
		drawn[name] = string(sent)
	}
	add("root", draw.Root(v))
	add("progress", draw.Progress(with, v))
	add("running", draw.Running(v, "reads", "https://example.com"))
	if v.Request.Revision != nil {
		add("card", draw.Card(with, v, false))
	}
	if v.Request.State == approval.Done {
		add("opening", draw.Opening(v))
		add("copy", draw.Copy(v, "C1", true))
	}
	if v.Request.State.Final() {
		add("reply", draw.Reply(v, true))
		add("whole", draw.Whole(v, true))
	}
	return drawn
}
