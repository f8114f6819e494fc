package audit

import (
	"context"

	"github.com/jackc/pgx/v5"

	"countersign/storage/pg"
)

// WrongBalances are the balances that are not the sum of what was settled in their stretch of time, and the sums without a
// balance. What was settled is held against the events elsewhere. Only amounts above zero have a balance: a settlement of
// nothing leaves none, and a FULL JOIN would name it. Tests of the ledger run it as well.
const WrongBalances = `
	SELECT team, kind, id, grain, start, b.spent AS says, coalesce(truth.spent, 0)::bigint AS sum
	FROM (
		SELECT l.team, l.kind, l.id, g.grain, date_bin(g.width, l.at, 'epoch') AS start, sum(l.amount) AS spent
		FROM ledger l CROSS JOIN (VALUES ('quarter', interval '15 minutes'), ('day', interval '1 day')) AS g (grain, width)
		WHERE l.amount > 0 GROUP BY 1, 2, 3, 4, 5
		UNION ALL
		SELECT s.team, 'model', coalesce(nullif(c.model, ''), c.what), g.grain, date_bin(g.width, s.at, 'epoch') AS start, sum(c.amount)
		FROM settlements s JOIN charges c USING (hold_id) CROSS JOIN (VALUES ('quarter', interval '15 minutes'), ('day', interval '1 day')) AS g (grain, width)
		WHERE c.amount > 0 GROUP BY 1, 2, 3, 4, 5
	) AS truth FULL JOIN balances b USING (team, kind, id, grain, start)
	WHERE b.spent IS DISTINCT FROM truth.spent`

// checkBalances holds what budgets and rankings read against the ledger itself. A balance that is too small would let a
// workspace spend beyond its limit, and nothing else would show it.
func checkBalances(ctx context.Context, tx pgx.Tx) error {
	type wrong struct {
		What string
		Sum  int64
	}
	list, err := pg.All[wrong](ctx, tx, `
		SELECT format('the balance of %s %s in %s for the %s from %s: %s', kind, id, team, CASE grain WHEN 'quarter' THEN 'quarter of an hour' ELSE grain END,
			`+spelledIn("start")+`, coalesce(says::text, 'none')) AS what, sum
		FROM (`+WrongBalances+`) AS wrong ORDER BY team, kind, id, grain, start LIMIT 1`)
	// The first one is named. As with chains, one difference is enough to know that somebody has to look.
	if err != nil || len(list) == 0 {
		return err
	}
	return differs(list[0].What, "the ledger adds up to %d", list[0].Sum)
}
