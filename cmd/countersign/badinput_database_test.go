package main

import (
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/codegen/mistraltest"
	"countersign/internal/pglocal"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// ownServer is a Postgres of this test's alone, which it may stop and start; its address is the owner's.
func ownServer(t *testing.T) (url string, stop, start func()) {
	t.Helper()
	// Sockets have short names, and a server that has dropped root has to get there.
	dir, err := os.MkdirTemp("/tmp", "cs-db-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o711))
	var server *pglocal.Server
	start = func() {
		server, err = pglocal.Start(t.Context(), pglocal.Options{Dir: dir})
		require.NoError(t, err)
	}
	stop = func() { require.NoError(t, server.Stop()) }
	start()
	t.Cleanup(func() {
		require.NoError(t, server.Stop())
		require.NoError(t, os.RemoveAll(dir))
	})
	require.NoError(t, migrated(t.Context(), server.URL()))
	return server.URL(), stop, start
}

// Commit, then ack: without a database nothing is answered, so Slack says that it
// failed; nothing is lost, and afterwards everything goes on where it stood.
func TestWithoutADatabaseNothingIsAnsweredAndNothingIsLost(t *testing.T) {
	t.Parallel()
	url, stop, start := ownServer(t)
	h := openLight(t, func(c *Config) { c.DatabaseURL, c.SlackPatience = Secret(pgtest.Serve(url)), briefly })
	h.url = url
	root := h.ask("Before it went?")
	card := h.cardOf("Before it went?")

	stop()
	var silence *person.Unanswered
	asked := make(chan error, 1) // both wait for the database, beside one another
	go func() { asked <- h.maya.Command(slacksim.SalesData, "/analyze While it was away?") }()
	require.ErrorAs(t, h.ben.Click(card, "Approve"), &silence)
	require.Equal(t, `The app did not answer to "Approve" in time (operation_timeout).`, silence.Message)
	// Which of the two it is depends on where the time ran out: between two attempts or in one.
	h.told(h.ben, slacksim.CodeReview, "Something went wrong on our side. Please try again; if it happens again, an administrator can find it in the log under reference",
		"This took too long, so it may not have been saved. Please look, and try again if need be. Reference")
	require.ErrorAs(t, <-asked, &silence)
	require.Equal(t, `/analyze failed with the error "operation_timeout"`, silence.Message)
	for _, told := range append(private(h.ben, slacksim.CodeReview), private(h.maya, slacksim.SalesData)...) {
		require.NotRegexp(t, `(?i)postgres|socket|dial|sql|connect`, told, "nobody reads internal errors")
	}
	still, err := h.ben.Find(card.Channel, card.TS)
	require.NoError(t, err)
	require.True(t, still.Has("Approve"), "the card still waits")

	start()
	require.Equal(t, row{State: "pending", Attempts: 1, Charges: 2, Holds: 2}, h.row("Before it went?"))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM requests`), "what was not answered was not taken")
	require.NoError(t, h.ben.Click(card, "Approve"))
	require.Contains(t, h.reply(root).Words(), "Here is the answer.")
	require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row("Before it went?"))
	h.reply(func() workspace.Message {
		root := h.ask("While it was away?")
		require.NoError(t, h.ben.Click(h.cardOf("While it was away?"), "Approve"))
		return root
	}())
	h.settled()
}

// An answer of the model that comes while the database is away waits for it: it is
// paid for once, and shown.
func TestADatabaseThatGoesWhileTheCodeIsWrittenCostsNoSecondAnswer(t *testing.T) {
	t.Parallel()
	url, stop, start := ownServer(t)
	h := openLight(t, func(c *Config) { c.DatabaseURL = Secret(pgtest.Serve(url)) })
	h.url = url
	gone := make(chan struct{})
	once := sync.OnceFunc(func() { stop(); close(gone) })
	h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		once()
		return mistraltest.Reply{}
	})
	opened := h.asks("While it was written?")
	<-gone // perhaps before the thread was opened
	start()
	root := opened()
	require.NoError(t, h.ben.Click(h.cardOf("While it was written?"), "Approve"))
	require.Contains(t, h.reply(root).Words(), "Here is the answer.")
	require.Len(t, h.model.Requests(), 1)
	require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row("While it was written?"))
	h.settled()
}

// A run goes on while the database is away, and its result is kept when it is back.
func TestARunOutlivesAnOutageOfTheDatabase(t *testing.T) {
	t.Parallel()
	url, stop, start := ownServer(t)
	cloud := newCloud(t)
	h := open(t, atE2B(cloud), func(c *Config) { c.DatabaseURL = Secret(pgtest.Serve(url)) })
	h.url = url
	h.run()
	h.writes("import time\ntime.sleep(3)\n6 * 7")
	root := h.ask("During the run?")
	require.NoError(t, h.ben.Click(h.cardOf("During the run?"), "Approve"))
	h.says(root, "Running since")
	id := value[string](h, `SELECT id FROM requests`)
	h.soon("the code starts", func() bool { return cloud.Starts(id) == 1 })
	stop()
	start()
	require.Contains(t, h.reply(root).Words(), "42")
	require.Equal(t, 1, cloud.Starts(id), "it ran once")
	require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row("During the run?"))
	h.settled()
}
