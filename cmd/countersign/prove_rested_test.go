package main

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/bot/ids"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// A thread in which nobody has said anything for long is at rest. What is asked in it then says so, looks at its
// files again, and loses nothing.
func TestProveConversationAThreadAtRestIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(telling{}, 2)
	ages := func(days int) { // what was said in the thread, and when its files were fetched
		t.Helper()
		require.NoError(t, h.database(func(conn *pgx.Conn) error {
			_, err := conn.Exec(h.ctx, `SET session_replication_role = replica`)
			if err == nil {
				_, err = conn.Exec(h.ctx, `UPDATE messages SET at = at - make_interval(days => $1) WHERE request_id = (SELECT id FROM requests ORDER BY created_at LIMIT 1)`, days)
			}
			if err == nil {
				_, err = conn.Exec(h.ctx, `UPDATE known_files SET at = at - make_interval(days => $1)`, days)
			}
			if err == nil {
				_, err = conn.Exec(h.ctx, `SET session_replication_role = origin`)
			}
			return err
		}))
	}
	sales, gone := h.share("sales.csv", "amount\n1\n"), h.share("regions.csv", "region\nNorth\n")
	root, reply := h.answered("What were sales per region, by sales.csv and regions.csv?")
	require.NotContains(t, reply.Words(), "at rest")
	follows := func(question string) (answer workspace.Message) {
		t.Helper()
		h.writes("print(2)")
		_, err := h.maya.Reply(slacksim.SalesData, root.TS, "@countersign "+question)
		require.NoError(t, err)
		h.answers(question)
		h.quiet()
		messages := h.maya.Thread(slacksim.SalesData, root.TS)
		for _, m := range messages[1:] {
			if m.Has("Details") {
				answer = m
			}
		}
		return answer
	}

	// Forty days later: one file holds something else of the same size, the other is not there any more.
	const days = 40
	day := time.Now().UTC().AddDate(0, 0, -days).Format("2 January 2006")
	ages(days)
	_, err := h.maya.ReplaceFile(sales.ID, []byte("amount\n7\n"))
	require.NoError(t, err)
	require.NoError(t, h.maya.DeleteFile(gone.ID))
	answer := follows("And now?")
	require.Contains(t, answer.Words(), "This thread was at rest since "+day+".")
	require.Contains(t, answer.Words(), "Older results in this thread may be out of date.")
	prompt := h.asked()
	require.Contains(t, prompt, "An earlier question, of "+day+":\nWhat were sales per region", "nothing is lost")
	require.Contains(t, prompt, "What that program gave on "+day)
	require.Contains(t, prompt, "Nothing was said in this thread from "+day+" until today.")
	require.Equal(t, sales.ID, h.usedBy("And now"), "what Slack does not show any more is left out")
	require.Equal(t, 2, value[int](h, `SELECT count(DISTINCT f ->> 'sha256') FROM requests, jsonb_array_elements(files) f WHERE f ->> 'id' = $1`, sales.ID), "the other one is read anew")
	require.Equal(t, 2, value[int](h, `SELECT count(*) FROM readings WHERE sha256 IS NOT NULL AND file_sha256 IN (SELECT f ->> 'sha256' FROM requests, jsonb_array_elements(files) f WHERE f ->> 'id' = $1)`, sales.ID))

	// Whoever asks next finds it awake; what is of another day still says so.
	require.NotContains(t, follows("And tomorrow?").Words(), "at rest")
	prompt = h.asked()
	require.Contains(t, prompt, "An earlier question, of "+day+":\nWhat were sales per region")
	require.Contains(t, prompt, "An earlier question:\nAnd now?")
	require.NotContains(t, prompt, "Nothing was said in this thread")

	// Hand-over and Verify are as they were.
	jun := h.sim.As(slacksim.OtherAnalyst)
	require.Empty(t, h.hands(reply, person.Fill(ids.FieldPerson, slacksim.OtherAnalyst)))
	offer := h.inDM(jun, "offers you a thread")
	require.NoError(t, jun.Click(offer, "Accept"))
	h.turns(jun, offer, "mention me in the thread")
	require.NoError(t, h.maya.Click(answer, "Verify"))
	h.approve(h.repeats())
	require.NotContains(t, h.says(root, "Identical").Words(), "at rest", "it is compared, whatever day it is")
	h.quiet()
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM sessions`), "it is one thread")
	ages(-days) // as its events tell
	h.addsUp()
	proof.Check(t, !t.Failed(), "a thread at rest is taken up again", "the answer and its prompt say since when; changed files are read anew, and nothing is lost")
}
