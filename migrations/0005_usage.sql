-- Usage over time: what the ledger says, as people ask about it.

-- +goose Up

-- usage is what was spent per user, project, model and day. A day is one on the
-- calendar of the reader's time zone: SET TIME ZONE before reading. Every charge
-- is in exactly one row, so whatever is left out of a selection, nothing is
-- counted twice, and all rows together are the ledger.
CREATE VIEW usage AS
    SELECT s.team, s.at::date AS day, s.asker, s.project, c.kind,
        coalesce(nullif(c.model, ''), c.what) AS model, -- what was billed; for a box, its kind
        count(*) AS charges,
        count(*) FILTER (WHERE s.estimated) AS estimated, -- of the charges: nobody knows what was billed, so they are the whole hold
        sum(c.input_tokens)::bigint AS input_tokens,
        sum(c.cached_tokens)::bigint AS cached_tokens,
        sum(c.output_tokens)::bigint AS output_tokens,
        sum(c.box_ms)::bigint AS box_ms,
        sum(c.amount)::bigint AS amount
    FROM settlements s JOIN charges c USING (hold_id)
    GROUP BY 1, 2, 3, 4, 5, 6;

-- +goose Down
DROP VIEW usage;
