package storage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/auditing"
	"countersign/approval/review"
	"countersign/budget"
)

// Those of somebody who did little are looked for in another way than those of somebody who did much, and are the same.
func TestAnAuditorFindsWhatAPersonDid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.Delegate(t.Context(), review.Delegation{Team: team, From: "REVA", To: "REVD", Until: time.Now().Add(time.Hour)}))
	first, second, third := b.pending(t, "first"), b.pending(t, "second"), b.pending(t, "third")
	for r, by := range map[*approval.Request][2]string{first: {"REVB", ""}, third: {"REVD", "REVA"}} {
		b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
			d := decision(r, by[0], approval.Approve)
			d.InPlaceOf, d.Settings = by[1], by[1] == ""
			return r.Decide(d, budget.Cent, b.policy, now)
		})
	}
	records := Log(b.DB)
	holds := func(q auditing.Query, want ...*approval.Request) {
		t.Helper()
		list, err := records.Find(t.Context(), q, 20)
		require.NoError(t, err)
		var ids, wanted []string
		for _, row := range list {
			ids = append(ids, row.ID)
		}
		for _, r := range want {
			wanted = append(wanted, r.ID)
		}
		require.Equal(t, wanted, ids, "%+v", q)
	}
	found := func() {
		t.Helper()
		holds(auditing.Query{Team: team, Person: asker}, third, second, first)
		holds(auditing.Query{Team: team, Person: "HEIR"}, second)
		holds(auditing.Query{Person: "REVB"}, first)
		holds(auditing.Query{Team: team, Person: "REVB"}, first)
		holds(auditing.Query{Team: team, Person: "REVD", Channel: channel}, third)
		holds(auditing.Query{Team: team, Person: "REVD", Words: "print(1)"}, third)
		holds(auditing.Query{Team: team, Person: "REVD", To: first.CreatedAt})
		holds(auditing.Query{Team: "OTHER", Person: "REVB"})
		holds(auditing.Query{Team: team, Person: "NOBODY"})
		holds(auditing.Query{Team: team, Channel: "ELSEWHERE"})
	}
	require.NoError(t, b.exec(t, `SET session_replication_role = replica; UPDATE requests SET asker = 'HEIR' WHERE id = '`+second.ID+`'; RESET session_replication_role`)) // who has done nothing yet
	found()
	require.NoError(t, b.exec(t, `SET session_replication_role = replica; INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash)
		SELECT stream, 1, now(), who, 'posted', '{}', none, encode(sha256(convert_to(event_line(stream, 1, now(), who, 'posted', '{}', none), 'UTF8')), 'hex')
		FROM (SELECT 'request:' || who || n AS stream, who, repeat('0', 64) AS none FROM generate_series(1, 10000) n, unnest(ARRAY['`+asker+`', 'REVB', 'REVD']) who) e;
		RESET session_replication_role`))
	found()

	// What somebody approved in another's place stands among what was approved in the name of both.
	for who, want := range map[string]*approval.Request{"REVA": third, "REVB": first, "REVD": third} {
		list, err := ReceiptsOf(b.DB).Given(t.Context(), team, who, 10)
		require.NoError(t, err)
		require.Len(t, list, 1, who)
		require.Equal(t, want.ID, list[0].ID)
	}
}
