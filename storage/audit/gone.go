package audit

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// checkGone finds what went though nothing said that it may: the event that tells of it needs no signature, so whoever
// owns the database can write one. Holds, wishes and rules are rows of which signed events tell (House), each with its
// time, and are of its asker, or of whoever asked what it verifies. What was said at the same time may not have been seen: a minute is no difference.
func checkGone(ctx context.Context, tx pgx.Tx, id string) error {
	list, err := texts(ctx, tx, `WITH g AS (SELECT e.seq, e.at, e.stream, e.data::jsonb AS data, e.data::jsonb ->> 'why' AS why, q.team, q.asker, f.asker AS first_asker, q.created_at
			FROM events e JOIN requests q ON q.id = $1 LEFT JOIN requests f ON f.id = q.repeats WHERE e.stream = 'request:' || $1 AND e.kind = 'gone')
		SELECT format('what is gone by event %s', seq) || E'\x1e' || wrong FROM g CROSS JOIN LATERAL (SELECT CASE
			WHEN EXISTS (SELECT FROM (SELECT DISTINCT ON (h.person) h.held, h.at FROM legal_holds h WHERE h.team = g.team AND h.person IN ('', g.asker, g.first_asker) AND h.at <= g.at
				ORDER BY h.person, h.seq DESC) latest WHERE held AND latest.at < g.at - interval '1 minute') THEN 'hold'
			WHEN why = 'erasure' AND NOT EXISTS (SELECT FROM erasures x JOIN erasures y ON (y.team, y.person) = (x.team, x.person) AND y."by" <> x."by"
				AND y.at BETWEEN x.at - interval '7 days' AND x.at + interval '7 days'
				WHERE x.team = g.team AND x.person IN (g.asker, g.first_asker) AND g.asker NOT IN (x."by", y."by")
					AND least(x.at, y.at) >= g.created_at AND greatest(x.at, y.at) <= g.at + interval '1 minute') THEN 'erasure'
			WHEN why = 'retention' AND NOT coalesce((SELECT greatest((k ->> 'words')::integer, (k ->> 'code')::integer, (k ->> 'results')::integer) > 0
				FROM (SELECT r.document #> '{privacy,keep}' AS k FROM rules r WHERE r.team = g.team AND r.project = '' AND r.set_at <= g.at + interval '1 minute'
					ORDER BY r.version DESC LIMIT 1) rule), false) THEN 'retention'
			WHEN why = 'summary' AND EXISTS (SELECT FROM jsonb_array_elements_text(g.data -> 'contents') hash WHERE NOT tells_of_gone(g.stream, hash)) THEN 'summary'
			WHEN why NOT IN ('erasure', 'retention', 'summary') THEN 'else' END AS wrong) found
		WHERE wrong IS NOT NULL ORDER BY seq LIMIT 1`, id)
	return firstWrong(list, err, goneWords)
}

// goneWords say why it should still be there, by the CASE of the query above. A kind of reason that the query does not know
// falls to "else".
var goneWords = map[string]string{
	"hold":      "what its asker has asked was on legal hold, or what it verifies",
	"erasure":   "no two other people had asked for it within seven days of each other",
	"retention": "the workspace's rules kept everything",
	"summary":   "all that it sums up was there",
	"else":      "nothing goes for such a reason",
}
