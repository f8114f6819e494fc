package storage

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/storage/pg"
)

func TestOnlySomeFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		sql  string
		runs int
	}{
		"a deadlock":            {`DO $$ BEGIN RAISE EXCEPTION 'cut off' USING ERRCODE = '40P01'; END $$`, pg.Tries},
		"a serialization fault": {`DO $$ BEGIN RAISE EXCEPTION 'cut off' USING ERRCODE = '40001'; END $$`, pg.Tries},
		"a server that stops":   {`DO $$ BEGIN RAISE EXCEPTION 'going' USING ERRCODE = '57P01'; END $$`, pg.Tries},
		"a broken promise":      {`DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '23514'; END $$`, 1},
		"a mistake of ours":     {`SELEKT`, 1},
	} {
		runs := 0
		err := b.write(t.Context(), func(tx pgx.Tx) error {
			runs++
			_, err := tx.Exec(t.Context(), c.sql)
			return err
		})
		require.Error(t, err, name)
		require.Equal(t, c.runs, runs, name)
	}
}

// A commit whose answer got lost may have happened. What stands in Slack is
// remembered all the same, or it would be posted again; a question is not asked twice.
func TestOnlyWhatMayBeDoneTwiceIsCommittedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.ask(t, "t")
	require.NoError(t, b.exec(t, `CREATE SEQUENCE commits; GRANT ALL ON SEQUENCE commits TO PUBLIC; CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN IF nextval('commits') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NULL; END $$`))
	for _, table := range []string{"posts", "notice_posts", "requests"} {
		require.NoError(t, b.exec(t, `CREATE CONSTRAINT TRIGGER gone AFTER INSERT ON `+table+` DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gone()`))
	}
	lost := func() { require.NoError(t, b.exec(t, `ALTER SEQUENCE commits RESTART`)) }
	commits := func() int { return b.count(t, `SELECT last_value FROM commits`) }

	post := steps.Post{RequestID: r.ID, Surface: steps.SurfaceRoot, Channel: channel, TS: "1.5", Shown: "x"}
	require.NoError(t, b.Posted(t.Context(), post, nil))
	require.Equal(t, 2, commits())
	v, err := b.View(t.Context(), r.ID)
	require.NoError(t, err)
	require.Equal(t, post, v.Posts[steps.SurfaceRoot])
	require.Equal(t, "1.5", v.Session.ThreadTS)

	require.NoError(t, b.DB.Notify(t.Context(), approval.Notice{Key: "k", Team: team, Kind: approval.NoticeNoPlace, Admins: true, Data: json.RawMessage("{}"), At: time.Now()}))
	lost()
	require.NoError(t, b.NoticePosted(t.Context(), steps.NoticePost{Key: "k", Recipient: asker, Channel: "D1", TS: "2.5"}))
	require.Equal(t, 2, commits())

	lost()
	question := b.question("other")
	_, created, err := b.Ask(t.Context(), question, approval.Session{Team: team, Channel: channel})
	require.NoError(t, err)
	require.True(t, created)
	require.Equal(t, 2, commits())
	_, created, err = b.Ask(t.Context(), question, approval.Session{Team: team, Channel: channel}) // as after a commit that was not answered
	require.NoError(t, err)
	require.True(t, created, "it is the one that this call made")
	require.Equal(t, 1, b.count(t, `SELECT count(*) FROM requests WHERE trigger = 'other'`))

	lost()
	require.NoError(t, b.exec(t, `CREATE CONSTRAINT TRIGGER gone_too AFTER UPDATE ON requests DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION gone()`))
	_, err = b.Update(t.Context(), r.ID, func(r *approval.Request, now time.Time) error { return r.Withdraw(asker, now) })
	require.ErrorContains(t, err, "commit", "a verb looks what became of it")
	require.Equal(t, 1, commits())
}
