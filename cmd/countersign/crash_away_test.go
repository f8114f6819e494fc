package main

import (
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/bot"
	"countersign/codegen/mistraltest"
	"countersign/internal/pglocal"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/sandbox/e2b/e2btest"
)

// ownDatabase is a server of this test's own, which it can stop and start.
func ownDatabase(t *testing.T) (start func() *pglocal.Server) {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "away-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	var server *pglocal.Server
	// A replica that is started later stops before this, and finds its database.
	t.Cleanup(func() {
		if server != nil {
			require.NoError(t, server.Stop())
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	return func() *pglocal.Server {
		var err error
		server, err = pglocal.Start(t.Context(), pglocal.Options{Dir: dir, Throwaway: true})
		require.NoError(t, err)
		return server
	}
}

// briefly is for tests in which nothing can be written for a while: the replica says so well before what waits for the
// database gives up as well, after a minute.
const briefly = 20 * time.Second

// TestNothingIsAckedWhileTheDatabaseIsAway also takes it away from a draft that
// has been paid for and from a run.
func TestNothingIsAckedWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	start := ownDatabase(t)
	server := start()
	require.NoError(t, migrated(t.Context(), server.URL()))
	w := newWorld(t)
	w.url, w.program.DatabaseURL, w.program.SlackPatience = server.URL(), Secret(server.ServeURL()), briefly
	w.run()
	first := w.card(w.ask(asked))
	w.until("it is shown", func() bool { return value[bool](w.house, `SELECT shown_at >= changed_at FROM requests`) })

	called, answer := make(chan struct{}), make(chan struct{})
	code, marks := w.marked("1")
	hook := once(1, func() { close(called); <-answer })
	w.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		hook()
		return mistraltest.Reply{Content: fenced(code)}
	})
	require.NoError(t, w.maya.Command(slacksim.SalesData, "/analyze And how many rows in sales.csv?"))
	<-called
	require.NoError(t, server.Stop())
	var unanswered *person.Unanswered
	heard := make(chan error, 1) // both wait for the database, beside one another
	go func() { heard <- w.maya.Command(slacksim.SalesData, "/analyze Is anybody there, sales.csv?") }()
	require.ErrorAs(t, w.ben.Click(first, "Approve"), &unanswered, "no database, no ack")
	require.ErrorAs(t, <-heard, &unanswered)
	close(answer) // a draft waits for its database for a minute, of which a busy machine takes some to start one

	start()
	w.until("the click is taken again", func() bool {
		err := w.ben.Click(first, "Approve")
		require.True(t, err == nil || errors.As(err, &unanswered), "%v", err)
		return err == nil
	})
	require.Equal(t, 1, value[int](w.house, `SELECT count(*) FROM decisions`))
	require.Equal(t, 2, value[int](w.house, `SELECT count(*) FROM requests`), "what was not acked was not taken")
	require.NoError(t, w.ben.Click(w.card(first), "Approve"))
	w.ended(2)
	require.Equal(t, 2, value[int](w.house, `SELECT count(*) FROM requests WHERE state = 'done'`))
	require.Equal(t, 1, w.marks())
	require.Equal(t, 1, marks())
	require.Len(t, w.model.Requests(), 2, "the answer that came meanwhile was kept until it could be written down")
	require.Zero(t, value[int](w.house, `SELECT (SELECT count(*) FROM settlements WHERE estimated) + (SELECT count(*) FROM holds WHERE uncertain_at IS NOT NULL)`))
	w.truth(0)
}

// TestARunOutlivesTheDatabasesAbsence takes it away while the code runs.
func TestARunOutlivesTheDatabasesAbsence(t *testing.T) {
	t.Parallel()
	start := ownDatabase(t)
	server := start()
	require.NoError(t, migrated(t.Context(), server.URL()))
	w := newWorld(t)
	w.url, w.program.DatabaseURL = server.URL(), Secret(server.ServeURL())
	w.run()
	require.NoError(t, w.ben.Click(w.card(w.ask(asked)), "Approve"))
	w.until("it runs", func() bool { return w.marks() == 1 })
	read := w.boxes.Calls(e2btest.Read)
	require.NoError(t, server.Stop())
	w.until("the result is there", func() bool { return w.boxes.Calls(e2btest.Read) > read })
	start()
	began := time.Now()
	w.ended(1)
	t.Logf("over %.1f s after the database was back", time.Since(began).Seconds())
	require.Equal(t, "done", value[string](w.house, `SELECT state FROM requests`))
	require.Equal(t, 1, w.marks())
	w.truth(1)
}

// TestAStormInSlackLeavesEveryMessageRight has Slack fail in every way, for
// every method that draws.
func TestAStormInSlackLeavesEveryMessageRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.run()
	storm := func() {
		for _, method := range []string{"chat.postMessage", "chat.update", "files.getUploadURLExternal", "files.completeUploadExternal", "download"} {
			w.sim.Fail(fault.Method{Method: method, Status: 500})
			w.sim.Fail(fault.Method{Method: method, RetryAfter: time.Second})
		}
		// This one cannot be lost without a trace: Slack has the change, and says that it has failed.
		w.sim.Fail(fault.Method{Method: "chat.update", Status: 500, After: true})
	}
	const questions = 3
	storm()
	for i := range questions {
		require.NoError(t, w.maya.Command(slacksim.SalesData, fmt.Sprintf("/analyze Question %d: how many units in sales.csv?", i)))
	}
	w.until("a card for every question", func() bool {
		return value[int](w.house, `SELECT count(*) FROM posts WHERE surface = 'card'`) == questions
	})
	storm()
	for _, ts := range column[string](w.house, `SELECT ts FROM posts WHERE surface = 'card'`) {
		card, err := w.ben.Find(slacksim.CodeReview, ts)
		require.NoError(t, err)
		require.NoError(t, w.ben.Click(card, "Approve"))
	}
	w.ended(questions)
	require.Equal(t, questions, value[int](w.house, `SELECT count(*) FROM requests WHERE state = 'done'`))
	require.Equal(t, questions, w.marks())
	w.truth(0) // what Slack refused did not happen, so nothing stands there twice
}

// TestALostAnswerToAPostLeavesOneMessage: Slack tells of what stands there, and it is taken for the
// one that is missing.
func TestALostAnswerToAPostLeavesOneMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run()
	w.sim.Fail(fault.Method{Method: "chat.postMessage", After: true, Cut: true, Times: 3}) // the thread's, the line's and the card's
	require.NoError(t, w.maya.Command(slacksim.SalesData, "/analyze "+asked))
	w.until("a card is remembered", func() bool { return value[int](w.house, `SELECT count(*) FROM posts WHERE surface = 'card'`) == 1 })
	require.NoError(t, w.ben.Click(w.openCard(), "Approve"))
	w.ended(1)
	w.until("each stands there once", func() bool {
		return len(w.ben.Messages(slacksim.CodeReview)) == 1 && len(w.roots(asked)) == 1
	})
	require.Equal(t, 1, w.marks())
	w.truth(0)
}

// TestAStrayMessageGoesWhenItIsPressed: a Slack that tells of no message leaves two of them.
func TestAStrayMessageGoesWhenItIsPressed(t *testing.T) {
	t.Parallel()
	boxes, here := cloud(t)
	var scopes []string
	for scope := range bot.Scopes() {
		scopes = append(scopes, scope)
	}
	w := &world{house: openIn(t, slacksim.Options{PostBurst: -1, Scopes: scopes}, here), boxes: boxes}
	w.code, w.marks = w.marked("1")
	w.model.Answer(func(mistraltest.Request) mistraltest.Reply { return mistraltest.Reply{Content: fenced(w.code)} })
	w.share("sales.csv", "product,units\nbeans,3\n")
	w.run()
	w.sim.Fail(fault.Method{Method: "chat.postMessage", Times: 2})
	w.sim.Fail(fault.Method{Method: "chat.postMessage", After: true, Cut: true}) // the card's
	require.NoError(t, w.maya.Command(slacksim.SalesData, "/analyze "+asked))
	w.until("a card is remembered", func() bool { return value[int](w.house, `SELECT count(*) FROM posts WHERE surface = 'card'`) == 1 })
	cards := w.ben.Messages(slacksim.CodeReview)
	require.Len(t, cards, 2, "Slack has both")
	require.NoError(t, w.ben.Click(cards[0], "Approve"), "the stray one is as good")
	w.ended(1)
	w.until("the stray one is gone", func() bool { return len(w.ben.Messages(slacksim.CodeReview)) == 1 })
	require.Equal(t, 1, value[int](w.house, `SELECT count(*) FROM decisions`))
	require.Equal(t, 1, w.marks())
	w.truth(0)
}
