package storage

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/storage/pg"
	"countersign/storage/trail"
)

// crowd puts requests before reviewers past all our code, by the thousand: number
// n asked by one of seven people in one of three channels, with n lines of code and
// a cap of n hundredths of a cent, every fifth high and every third of the rest
// medium, each a second younger than the one before.
func (b *bundle) crowd(t testing.TB, n int) {
	t.Helper()
	b.keeps(t)
	tx, err := b.pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, sql := range []string{
		`INSERT INTO sessions (id, team, channel) SELECT 'crowd' || n, 'TEAM', 'CHAN' || n % 3 FROM generate_series(0, $1 - 1) n`,
		`INSERT INTO requests (id, session_id, team, project, asker, question, model, trigger, state, created_at, changed_at, expires_at, told)
			SELECT 'crowd' || lpad(n::text, 5, '0'), 'crowd' || n, 'TEAM', 'CHAN' || n % 3, 'ASKER' || n % 7, kept('Question ' || n), 'm', 'crowd' || n, 'drafting', now(), now(), now() + interval '4 hours', 1
			FROM generate_series(0, $1 - 1) n`,
		`INSERT INTO revisions (request_id, number, code, summary, author, prompt_version, findings, manifest, digest, at)
			SELECT 'crowd' || lpad(n::text, 5, '0'), 1, kept(code), NULL, 'm', '', CASE WHEN n % 5 = 0 THEN kept('[{"level": "danger", "text": "!"}]') END,
				kept(manifest), encode(sha256(convert_to(manifest, 'UTF8')), 'hex'), now() - interval '10 hours' + n * interval '1 second'
			FROM (SELECT n, code, '{"version":2,"code_sha256":"' || encode(sha256(convert_to(code, 'UTF8')), 'hex') ||
				'","inputs":[],"sandbox":"local","template":"t","network":[],"limits":{"seconds":1,"memory_mb":1,"output_bytes":1,"files":1},"cost_cap":' || n * 100000 ||
				',"tier":"' || CASE WHEN n % 5 = 0 THEN 'high' WHEN n % 3 = 0 THEN 'medium' ELSE 'low' END || '","approvals":1,"policy":"settings"}' AS manifest
				FROM (SELECT n, repeat(E'x = 1\n', n % 100 + 1) AS code FROM generate_series(0, $1 - 1) n) AS programs) AS sealed`,
	} {
		_, err := tx.Exec(t.Context(), sql, n)
		require.NoError(t, err)
	}
	// Each has its signed events, as if it had been asked and written here.
	rows, err := pg.All[struct {
		Stream, Digest, Code, Manifest string
		Findings                       *string
		At                             time.Time
	}](t.Context(), tx, `SELECT 'request:' || request_id AS stream, digest, code, manifest, findings, at FROM revisions WHERE request_id LIKE 'crowd%'`)
	require.NoError(t, err)
	batch := &pgx.Batch{}
	for _, r := range rows {
		named := func(hash string) map[string]any { return map[string]any{trail.Salted: hash} }
		data := map[string]any{"revision": 1, "digest": r.Digest, "code": named(r.Code), "manifest": named(r.Manifest)}
		if r.Findings != nil {
			data["findings_list"] = named(*r.Findings)
		}
		_, err := b.core.notary.Contents(r.Stream).AddEvents(batch, &trail.Row{Stream: r.Stream, Hash: trail.Beginning}, []approval.Event{
			{At: r.At, Actor: asker, Kind: approval.EventAsked}, {At: r.At, Actor: "m", Kind: approval.EventDrafted, Data: data}})
		require.NoError(t, err)
	}
	require.NoError(t, tx.SendBatch(t.Context(), batch).Close())
	_, err = tx.Exec(t.Context(), `UPDATE requests SET state = 'pending', revision = 1, told = 2 WHERE trigger LIKE 'crowd%'`)
	require.NoError(t, err)
	require.NoError(t, tx.Commit(t.Context()))
	require.NoError(t, b.exec(t, `ALTER TABLE decisions DISABLE TRIGGER decisions_told`)) // what tests insert by hand
}

func TestTheQueueHasPagesFiltersAndOrders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crowd(t, 500)
	queue := func(user string, projects []string, f steps.QueueFilter, page int) steps.Queue {
		q, err := b.Queue(t.Context(), team, user, projects, f, page)
		require.NoError(t, err)
		return q
	}
	seen := map[string]bool{}
	q := queue("REVA", nil, steps.QueueFilter{}, 0)
	require.Equal(t, 500, q.Total)
	require.Equal(t, 50, q.Pages)
	var tiers []approval.Tier
	for page := range q.Pages {
		for _, row := range queue("REVA", nil, steps.QueueFilter{}, page).Rows {
			require.False(t, seen[row.ID], "%s is on two pages", row.ID)
			seen[row.ID] = true
			tiers = append(tiers, row.Tier)
		}
	}
	require.Len(t, seen, 500, "every request on some page")
	require.Equal(t, approval.High, tiers[0])
	require.Equal(t, approval.High, tiers[99])
	require.Equal(t, approval.Medium, tiers[100])
	require.Equal(t, approval.Low, tiers[499])
	require.Equal(t, steps.QueueRow{ID: "crowd00000", Project: "CHAN0", Asker: "ASKER0", Question: "Question 0", Revision: 1, Tier: approval.High, Dangers: 1,
		Lines: 1, Needed: 1, Since: q.Rows[0].Since, ExpiresAt: q.Rows[0].ExpiresAt}, q.Rows[0])

	require.Equal(t, 49, queue("REVA", nil, steps.QueueFilter{}, 4000).Page, "past the end is the end")
	require.Equal(t, 0, queue("REVA", nil, steps.QueueFilter{}, -1).Page)
	require.Equal(t, "crowd00499", queue("REVA", nil, steps.QueueFilter{Order: steps.ByCost}, 0).Rows[0].ID)
	require.Equal(t, "crowd00001", queue("REVA", nil, steps.QueueFilter{Order: steps.ByAge}, 0).Rows[1].ID)
	require.Equal(t, 100, queue("REVA", nil, steps.QueueFilter{Tier: approval.High}, 0).Total)
	require.Equal(t, 167, queue("REVA", nil, steps.QueueFilter{Project: "CHAN1"}, 0).Total)
	require.Equal(t, 10, queue("REVA", nil, steps.QueueFilter{Cost: 490 * 100_000}, 0).Total)
	require.Equal(t, 500, queue("REVA", nil, steps.QueueFilter{Older: 9 * time.Hour}, 0).Total)
	require.Zero(t, queue("REVA", nil, steps.QueueFilter{Older: 11 * time.Hour}, 0).Total)
	require.Equal(t, 1, queue("REVA", nil, steps.QueueFilter{Older: 11 * time.Hour}, 0).Pages, "an empty page is a page")
	require.Equal(t, 166, queue("REVA", []string{"CHAN2"}, steps.QueueFilter{}, 0).Total)
	require.Zero(t, queue("REVA", []string{}, steps.QueueFilter{}, 0).Total, "of no channel there is nothing")
	require.Equal(t, 500-72, queue("ASKER0", nil, steps.QueueFilter{}, 0).Total, "nobody decides on what they asked")
	require.Zero(t, queue("m", nil, steps.QueueFilter{}, 0).Total, "nor on what they wrote")
	for _, who := range []string{"ASKER0", "m"} {
		require.Equal(t, 500, queue(who, nil, steps.QueueFilter{All: true}, 0).Total, "all there is")
	}
	require.Equal(t, 166, queue("ASKER0", []string{"CHAN2"}, steps.QueueFilter{All: true}, 0).Total, "all of their channels")

	b.update(t, "crowd00007", func(r *approval.Request, now time.Time) error {
		p := b.policy
		p.Quorum = 1
		return r.Decide(decision(r, "REVA", approval.Reject), 0, p, now)
	})
	require.Equal(t, 499, queue("REVB", nil, steps.QueueFilter{}, 0).Total)
	require.NoError(t, b.exec(t, `INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, at, click)
		SELECT q.id, 1, v.digest, q.asker, v.author, 'REVA', 'approve', now(), '{}' FROM requests q JOIN revisions v ON v.request_id = q.id WHERE q.id = 'crowd00008'`))
	require.Equal(t, 498, queue("REVA", nil, steps.QueueFilter{}, 0).Total, "nor on what they have decided")
	require.Equal(t, 499, queue("REVA", nil, steps.QueueFilter{All: true}, 0).Total)
	require.NoError(t, b.exec(t, `UPDATE requests SET expires_at = now() WHERE id = 'crowd00009'`))
	require.Equal(t, 498, queue("REVB", nil, steps.QueueFilter{}, 0).Total, "nor when its time is over")
}

func TestAVersionOneManifestHasATierInTheQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.pending(t, "t")
	q, err := b.Queue(t.Context(), team, "REVA", nil, steps.QueueFilter{Tier: r.Revision.Tier()}, 0)
	require.NoError(t, err)
	require.Equal(t, approval.Low, r.Revision.Tier())
	require.Len(t, q.Rows, 1)
	require.Equal(t, 1, q.Rows[0].Needed)
}

func TestStatisticsTellHowReviewersDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.crowd(t, 100) // with 1 to 100 lines
	insert := func(n int, who, verdict string, after time.Duration) {
		require.NoError(t, b.exec(t, `INSERT INTO decisions (request_id, revision, digest, asker, author, reviewer, verdict, reason, at, click)
			SELECT q.id, 1, v.digest, q.asker, v.author, $2, $3, kept('because'), v.at + $4::interval, '{}'
			FROM requests q JOIN revisions v ON v.request_id = q.id WHERE q.id = $1`,
			fmt.Sprintf("crowd%05d", n), who, verdict, fmt.Sprintf("%d milliseconds", after.Milliseconds())))
	}
	insert(10, "REVA", "approve", 5*time.Second)  // 11 lines: short
	insert(60, "REVA", "approve", 5*time.Second)  // long, and quick
	insert(70, "REVA", "approve", 40*time.Second) // long
	insert(70, "REVB", "reject", 50*time.Second)
	insert(80, "REVA", "reject", 100*time.Second)
	insert(50, "REVB", "approve", 9*time.Second) // 51 lines
	require.NoError(t, b.Audit(t.Context(), "crowd00060", approval.Event{Actor: "REVA", Kind: "disowned", Data: map[string]any{"revision": 1}}))
	require.NoError(t, b.Audit(t.Context(), "crowd00050", approval.Event{Actor: "REVA", Kind: "disowned", Data: map[string]any{"revision": 1}}))

	// The code had waited for a minute when it was opened, and was decided on four seconds later.
	insert(90, "REVC", "approve", 64*time.Second)
	opened := func(who string, revision int, after time.Duration) {
		var at time.Time
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT at FROM revisions WHERE request_id = 'crowd00090'`).Scan(&at))
		require.NoError(t, b.Audit(t.Context(), "crowd00090", approval.Event{At: at.Add(after), Actor: who, Kind: approval.OpenedReview, Data: map[string]any{"revision": revision}}))
	}
	opened("REVA", 1, 63*time.Second)
	opened("REVC", 2, 63*time.Second)
	opened("REVC", 1, 60*time.Second)
	opened("REVC", 1, 62*time.Second)
	opened("REVC", 1, 70*time.Second)
	list, err := b.Statistics(t.Context(), team, time.Now().Add(-24*time.Hour))
	require.NoError(t, err)
	require.Equal(t, []steps.ReviewerStatistics{
		{Reviewer: "REVA", Decisions: 4, Approvals: 3, Median: 22500 * time.Millisecond, Long: 3, Quick: 1, Reversals: 2},
		{Reviewer: "REVB", Decisions: 2, Approvals: 1, Median: 29500 * time.Millisecond, Long: 2, Quick: 1},
		{Reviewer: "REVC", Decisions: 1, Approvals: 1, Median: 4 * time.Second, Long: 1, Quick: 1},
	}, list)
	list, err = b.Statistics(t.Context(), team, time.Now())
	require.NoError(t, err)
	require.Empty(t, list)
	list, err = b.Statistics(t.Context(), "OTHER", time.Now().Add(-24*time.Hour))
	require.NoError(t, err)
	require.Empty(t, list)
}
