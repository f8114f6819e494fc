package storage

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/storage/trail"
)

func TestTheDocumentedExampleIsWhatIsStored(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../docs/events.md")
	require.NoError(t, err)
	steps := regexp.MustCompile(`printf '%s' '(.+)' \| sha256sum\n +([0-9a-f]{64})  -`).FindAllStringSubmatch(string(doc), -1)
	require.Len(t, steps, 3)
	for _, step := range steps {
		require.Equal(t, step[2], approval.Hash([]byte(step[1])), "as sha256sum says")
	}
	salt, question := steps[0][1][:32], steps[0][1][32:]
	const stream = "request:k7q2mxd"
	c := trail.NewNotary(testKey, nil, nil).Contents(stream)
	c.Hashes[question] = steps[0][2] // as if this salt had been drawn

	b := setup(t)
	require.NoError(t, b.exec(t, `INSERT INTO contents (hash, salt, value, stream) VALUES ($1, $2, $3, $4)`, steps[0][2], salt, []byte(question), stream))
	err = pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		_, err := c.AddEvents(batch, &trail.Row{Stream: stream, Hash: trail.Beginning}, []approval.Event{
			{At: time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC), Actor: "U0MAYA", Kind: "asked",
				Data: map[string]any{"question": approval.Said(question), "channel": "C0SALES", "model": "small", "trigger": "8.15"}},
			{At: time.Date(2026, 11, 26, 9, 0, 30, 250e6, time.UTC), Actor: "U0MAYA", Kind: "withdrawn"}})
		require.NoError(t, err)
		return tx.SendBatch(t.Context(), batch).Close()
	})
	require.NoError(t, err)
	rows, err := b.pool.Query(t.Context(), `SELECT event_line(stream, seq, at, actor, kind, data, prev_hash), hash FROM events WHERE stream = $1 ORDER BY seq`, stream)
	require.NoError(t, err)
	var line, hash string
	i := 1
	_, err = pgx.ForEachRow(rows, []any{&line, &hash}, func() error {
		require.Equal(t, steps[i][1:], []string{line, hash})
		i++
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 3, i)
	found, err := b.VerifyChain(t.Context(), stream)
	require.NoError(t, err)
	require.Equal(t, trail.Verified{Events: 2, Values: 1}, found)
}

// secrets is a request whose every word is known by a canary.
func (b *bundle) secrets(t *testing.T) *approval.Request {
	t.Helper()
	q := b.question("t")
	q = approval.New(approval.Question{Team: team, Project: channel, Asker: asker, Text: "canary question\x00?",
		Files: []approval.File{{ID: "F1", Name: "canary file.csv", Size: 12}}, Trigger: "t"}, q.Model, 10*budget.Cent, b.policy, odd())
	r, _, err := b.Ask(t.Context(), q, approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	b.update(t, r.ID, found)
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		if err := b.drafted(r, now); err != nil {
			return err
		}
		return nil
	})
	b.policy.Quorum = 2
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		d := decision(r, "REVA", approval.Approve)
		d.Reason = "canary approval"
		return r.Decide(d, budget.Cent, b.policy, now)
	})
	b.policy.Quorum = 1
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Decide(decision(r, "REVB", approval.Approve), budget.Cent, b.policy, now)
	})
	r = b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Start("box-"+r.ID, b.policy, now) })
	return b.update(t, r.ID, func(r *approval.Request, now time.Time) error {
		result := result()
		result.Error, result.Stdout, result.Observed = "canary error", "canary output", approval.Observed{Opened: []string{"canary opened"}}
		result.Artifacts[0].Name, result.Artifacts[0].Data = "canary name.png", []byte("canary data")
		return r.Finish(result, budget.Charge{Kind: budget.Box, What: "local", BoxMS: 1500, Amount: 3 * budget.MicroDollar}, b.policy, now)
	})
}

func TestWhatIsSaidIsInNoEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.secrets(t)
	require.Zero(t, b.count(t, `SELECT count(*) FROM events WHERE data LIKE '%canary%' OR data LIKE '%print(1)%'`))
	events, err := b.Events(t.Context(), r.ID)
	require.NoError(t, err)
	text, err := json.Marshal(events)
	require.NoError(t, err)
	for _, word := range []string{"canary question\uFFFD?", "canary file.csv", "canary error", "canary opened", "canary name.png", "print(1)"} {
		require.Contains(t, strings.ReplaceAll(string(text), `\ufffd`, "\uFFFD"), word, "it is put back for whoever reads")
	}
	for _, table := range []string{"requests", "revisions", "decisions", "runs", "artifacts", "messages"} {
		require.Zero(t, b.count(t, `SELECT count(*) FROM `+table+` t WHERE (to_jsonb(t) - 'files')::text LIKE '%canary%'`), table)
	}
}

func TestWhatIsForgottenLeavesTheChainWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r, other := b.secrets(t), b.done(t, "other")
	stream := trail.StreamOf(r.ID)
	before, err := b.VerifyChain(t.Context(), stream)
	require.NoError(t, err)
	require.Positive(t, before.Values)
	require.Zero(t, before.Gone)
	var question string
	require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT question FROM requests WHERE id = $1`, r.ID).Scan(&question))

	b.erasers(t, r.Asker)
	n, err := b.Forget(t.Context(), r.ID, []string{question, strings.Repeat("0", 64)}, "ADMIN", "erasure")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	found, err := b.VerifyChain(t.Context(), stream)
	require.NoError(t, err)
	require.Equal(t, trail.Verified{Events: before.Events + 1, Values: before.Values - 1, Gone: 1}, found)

	n, err = b.Forget(t.Context(), r.ID, nil, "ADMIN", "erasure")
	require.NoError(t, err)
	require.GreaterOrEqual(t, n, before.Values-1, "also what no event names")
	found, err = b.VerifyChain(t.Context(), stream)
	require.NoError(t, err)
	require.Equal(t, trail.Verified{Events: before.Events + 2, Gone: 1 + n}, found, "also what no event names")
	require.Zero(t, b.count(t, `SELECT count(*) FROM contents WHERE stream = $1 AND (value IS NOT NULL OR salt IS NOT NULL)`, stream))
	n, err = b.Forget(t.Context(), r.ID, nil, "ADMIN", "erasure")
	require.NoError(t, err)
	require.Zero(t, n, "there is nothing left, and nothing to say")

	// It is still there to look at, without its words.
	view, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, view.Request.Question)
	require.Empty(t, view.Request.Revision.Code)
	require.False(t, view.Request.Revision.Intact())
	require.Empty(t, view.Request.Run.Result.Stdout)
	require.Len(t, view.Artifacts, 2)
	files, err := b.Artifacts(t.Context(), r.ID)
	require.NoError(t, err)
	require.Empty(t, files[0].Data)
	events, err := b.Events(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]any{trail.Salted: question}, events[0].Data["question"])
	last := events[len(events)-1]
	require.Equal(t, approval.EventGone, last.Kind)
	require.Equal(t, "ADMIN", last.Actor)
	require.Equal(t, "erasure", last.Data["why"])

	found, err = b.VerifyChain(t.Context(), trail.StreamOf(other.ID))
	require.NoError(t, err)
	require.Zero(t, found.Gone, "nobody else's")
}

func TestWhatReviewersReadIsNamedAndStays(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	r = b.update(t, r.ID, b.drafted)
	b.erasers(t, r.Asker)
	for _, column := range []string{"code", "manifest", "summary", "findings"} {
		var hash string
		require.NoError(t, b.pool.QueryRow(t.Context(), `SELECT `+column+` FROM revisions WHERE request_id = $1`, r.ID).Scan(&hash))
		require.Equal(t, 1, b.count(t, `SELECT count(*) FROM events WHERE kind = 'drafted' AND data LIKE '%' || $1 || '%'`, hash), column)
		_, err := b.Forget(t.Context(), r.ID, []string{hash}, "ADMIN", "erasure")
		require.ErrorContains(t, err, "request:"+r.ID+" has not ended")
	}
	b.update(t, r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(r.Asker, now) })
	n, err := b.Forget(t.Context(), r.ID, nil, "ADMIN", "erasure")
	require.NoError(t, err)
	require.Positive(t, n)
}

func TestVerifyChainSeesWhatHappenedToValues(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ tamper, why string }{
		"a changed value":              {`UPDATE contents SET value = 'other' WHERE hash = HASH`, "a value that it names has been changed"},
		"a changed salt":               {`UPDATE contents SET salt = repeat('0', 32) WHERE hash = HASH`, "a value that it names has been changed"},
		"a deleted value":              {`DELETE FROM contents WHERE hash = HASH`, "a value that it names is missing"},
		"one that went without a word": {`UPDATE contents SET value = NULL, salt = NULL, gone = 1 WHERE hash = HASH`, "it does not say that a value is gone, which is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			require.NoError(t, b.Audit(t.Context(), "r", approval.Event{Actor: "A", Kind: approval.EventMismatch, Data: map[string]any{"what": []approval.Said{"one", "two"}}}))
			found, err := b.VerifyChain(t.Context(), trail.StreamOf("r"))
			require.NoError(t, err)
			require.Equal(t, trail.Verified{Events: 1, Values: 2}, found)
			err = pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), `SET LOCAL session_replication_role = replica; ALTER TABLE contents DROP CONSTRAINT contents_hash; `+
					strings.ReplaceAll(c.tamper, "HASH", `(SELECT min(hash) FROM contents)`))
				return err
			})
			require.NoError(t, err)
			_, err = b.VerifyChain(t.Context(), trail.StreamOf("r"))
			require.EqualError(t, err, "event 1 of request:r: "+c.why)
		})
	}
}

func TestTheSameWordsTwiceAreNotSeenToBeTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 2 {
		require.NoError(t, b.Audit(t.Context(), "r", approval.Event{Actor: "A", Kind: approval.EventNoBox, Data: map[string]any{"why": approval.Said("yes")}}))
	}
	require.Equal(t, 2, b.count(t, `SELECT count(DISTINCT data) FROM events WHERE stream = 'request:r'`))
}

func TestAnEventIsSpelledCanonically(t *testing.T) {
	t.Parallel()
	for v, spelling := range map[string]string{
		`{ "b" : [1, -2 , true,false,null], "a":{} }`:       `{"a":{},"b":[1,-2,true,false,null]}`,
		`{"\ud83d\ude00":1,"\ufb33":2,"a":3}`:               "{\"a\":3,\"\U0001F600\":1,\"\uFB33\":2}", // by UTF-16 units
		`{"a":"\u2028 \u003c\/\u0007\b\f\n\r\t\"\\\u007f"}`: "{\"a\":\"\u2028 </\\u0007\\b\\f\\n\\r\\t\\\"\\\\\x7f\"}",
		`{"a":9007199254740993}`:                            `{"a":9007199254740993}`,
	} {
		data, err := trail.Decoded(v)
		require.NoError(t, err)
		got, err := trail.Canonical(data)
		require.NoError(t, err)
		require.Equal(t, spelling, got)
	}
	for _, v := range []string{`{"a":1.5}`, `{"a":[1e3]}`, `{"a":{"b":-0}}`} {
		data, err := trail.Decoded(v)
		require.NoError(t, err)
		_, err = trail.Canonical(data)
		require.ErrorContains(t, err, "no integer")
	}
}

func TestAnEventNamesOnlyWhatIsStoredWithIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := b.Audit(t.Context(), "r", approval.Event{Actor: "A", Kind: approval.EventEdited, Data: map[string]any{"code": approval.Kept("code")}})
	require.ErrorContains(t, err, "names code, which is not stored with it")
}
