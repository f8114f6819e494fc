package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
	"countersign/sandbox/e2b"
	"countersign/sandbox/e2b/e2btest"
)

// hastyE2B has the replica give E2B five seconds for a call instead of a minute.
func hastyE2B(t *testing.T, cloud *e2btest.Server) func(*replica) {
	return func(r *replica) {
		client, err := e2b.New(e2b.Options{APIKey: e2btest.Key, APIURL: cloud.APIURL, SandboxURL: cloud.SandboxURL, Log: r.log, Patience: 5 * time.Second})
		require.NoError(t, err)
		r.rewire(func(p *steps.Ports) { p.Sandbox = r.telemetry.Sandbox(client) })
	}
}

const unauthorized = `{"code":401,"message":"Invalid API key, please visit the dashboard to get one"}`

// crowded is the limit on boxes at once, which comes without a Retry-After.
var crowded = e2btest.Fault{Status: http.StatusTooManyRequests, Body: `{"code":429,"message":"you have reached the maximum number of concurrent E2B sandboxes (20)"}`}

// tooFast is the limit on the rate of calls.
var tooFast = e2btest.Fault{Status: http.StatusTooManyRequests, Header: map[string]string{"Retry-After": "1"}, Body: `{"code":429,"message":"Rate limit exceeded"}`}

// What E2B refuses for good ends the request with what an administrator should
// do: before the review, when the code cannot even be inspected, and after it.
func TestWhatE2BRefusesForGoodIsSaidAndNothingRuns(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	h.run()
	for name, c := range map[string]struct {
		fault e2btest.Fault
		why   string
	}{
		"key":      {e2btest.Fault{Status: 401, Body: unauthorized}, "E2B does not accept the API key. An administrator should check E2B_API_KEY."},
		"template": {e2btest.Fault{Status: 404, Body: `{"code":404,"message":"template 'x' not found"}`}, `E2B does not know the template "code-interpreter-v1". An administrator should check E2B_TEMPLATE.`},
	} {
		cloud.Fail(e2btest.Create, c.fault)
		root := h.ask("Before the review: " + name + "?")
		reply := h.reply(root)
		require.Contains(t, reply.Text, "This could not be done, and nothing ran. "+c.why)
		require.NotContains(t, reply.Text, "dashboard", "E2B's own words are for the log")
		require.Equal(t, row{State: "failed", Reason: c.why, Attempts: 1, Charges: 1, Holds: 2}, h.row("review: "+name), "the model is paid, and no box")

		root = h.ask("After the review: " + name + "?")
		card := h.cardOf("After the review: " + name)
		cloud.Fail(e2btest.Create, c.fault)
		require.NoError(t, h.ben.Click(card, "Approve"))
		require.Contains(t, h.reply(root).Text, "This could not be done, and nothing ran. "+c.why)
		require.Contains(t, h.becomes(card, "Not run").Words(), c.why)
		require.Equal(t, row{State: "failed", Reason: c.why, Attempts: 1, Decisions: 1, Charges: 2, Holds: 3}, h.row("After the review: "+name))
	}
	require.Zero(t, value[int](h, `SELECT count(*) FROM runs`))
	require.Empty(t, cloud.Alive())
	h.settled()
}

// What passes is waited for, and the round ends as ever: one box, one start.
func TestProveCrashWhatPassesAtE2BIsWaitedFor(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	h.run(hastyE2B(t, cloud))
	closed := e2btest.PortClosed("x")
	closed.Times = 2
	type passing struct {
		name  string
		op    e2btest.Op
		fault e2btest.Fault
	}
	drawn := proof.Draw(t, []passing{
		{"asked too often", e2btest.Create, tooFast},
		{"box not up yet", e2btest.Write, closed},
		{"box not up yet, later", e2btest.Stat, closed},
		{"silent after the box was made", e2btest.Create, e2btest.Fault{Silent: true, Effect: true}},
		{"broken off after the start", e2btest.Start, e2btest.Fault{Effect: true}},
		{"all boxes taken", e2btest.Create, crowded},
		{"the box refuses its token", e2btest.Write, e2btest.Fault{Status: http.StatusUnauthorized, Body: `{"code":401,"message":"unauthorized"}`}},
		{"the box forbids the start", e2btest.Start, e2btest.Fault{Status: http.StatusForbidden, Body: `{"code":403,"message":"forbidden"}`}},
	})
	t.Cleanup(func() {
		proof.Check(t, !t.Failed(), "what passes at E2B is waited for: the code runs once, and is paid for", "%d failures", len(drawn))
	})
	for _, c := range drawn {
		root := h.ask("How many when " + c.name + "?")
		card := h.cardOf("when " + c.name)
		cloud.Fail(c.op, c.fault)
		require.NoError(t, h.ben.Click(card, "Approve"))
		require.Contains(t, h.reply(root).Words(), "Here is the answer.", c.name)
		want := row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}
		if c.name == "the box refuses its token" { // before anything has begun in it: it is thrown away, and paid for
			want.Charges, want.Holds = 4, 4
		}
		require.Equal(t, want, h.row("when "+c.name), c.name)
		require.Equal(t, 1, cloud.Starts(value[string](h, `SELECT id FROM requests WHERE strpos(said(question), $1) > 0`, "when "+c.name+"?")), c.name)
	}
	h.settled()
}

// A silent E2B is given up after a while, before anybody has reviewed anything.
func TestASilentE2BIsGivenUp(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	h.run(hastyE2B(t, cloud))
	cloud.Fail(e2btest.Create, e2btest.Fault{Silent: true, Times: -1})
	root := h.ask("Is anybody there?")
	const why = "E2B did not answer in time. Please ask again later; if it goes on, look at E2B's status page."
	require.Contains(t, h.reply(root).Text, "This could not be done, and nothing ran. "+why)
	require.Equal(t, row{State: "failed", Reason: why, Attempts: 1, Charges: 1, Holds: 2}, h.row("anybody"))
	require.Empty(t, h.ben.Messages(slacksim.CodeReview))
	h.settled()
}

// An E2B without room for an inspection says so; one that has none for an
// approved run is waited for as long as the approval holds, and nothing is paid.
func TestAnE2BWithoutRoomForTooLongEndsTheRequest(t *testing.T) {
	t.Parallel()
	full, silent := crowded, e2btest.Fault{Silent: true}
	full.Times, silent.Times = -1, -1
	t.Run("before the review", func(t *testing.T) {
		t.Parallel()
		cloud := newCloud(t)
		h := open(t, atE2B(cloud))
		h.run()
		cloud.Fail(e2btest.Create, full)
		root := h.ask("Is there room?")
		const why = "As many boxes are running as the E2B plan allows at once. Please ask again when one has ended."
		require.Contains(t, h.reply(root).Text, "This could not be done, and nothing ran. "+why)
		require.Equal(t, row{State: "failed", Reason: why, Attempts: 1, Charges: 1, Holds: 2}, h.row("Is there room?"), "the model is paid, and no box")
		require.Empty(t, h.ben.Messages(slacksim.CodeReview))
		h.settled()
	})
	for name, fault := range map[string]e2btest.Fault{"full": full, "silent": silent} {
		t.Run("after the review: "+name, func(t *testing.T) {
			t.Parallel()
			cloud := newCloud(t)
			h := open(t, atE2B(cloud), func(c *Config) { c.RunExpiry = time.Minute })
			r, _ := h.run(hastyE2B(t, cloud))
			root := h.ask("Is there room?")
			card := h.cardOf("Is there room?")
			cloud.Fail(e2btest.Create, fault)
			require.NoError(t, h.ben.Click(card, "Approve"))
			h.says(root, "No free sandbox yet. Trying until")
			h.soon("it expires", func() bool {
				require.NoError(t, r.sweep(h.ctx))
				return value[string](h, `SELECT state FROM requests`) == "expired"
			})
			const why = "It was approved, but could not be started in time. Nothing has run."
			require.Contains(t, h.reply(root).Text, "Expired: "+why)
			require.Empty(t, h.becomes(card, why).Actions())
			require.Equal(t, row{State: "expired", Reason: why, Attempts: 1, Decisions: 1, Charges: 2, Holds: 3}, h.row("Is there room?"))
			require.Zero(t, value[int](h, `SELECT count(*) FROM settlements s JOIN holds h ON h.id = s.hold_id WHERE h.purpose = 'run' AND s.amount > 0`))
			require.Empty(t, cloud.Alive())
			h.settled()
		})
	}
}

// A file that is replaced while its box waits for the upload: the box goes and is paid for, no run
// has begun, and what people approve anew runs once, in another one.
func TestAFileThatChangesWhileItsBoxIsFilledGoesBackToReview(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	h.run(hastyE2B(t, cloud))
	h.writes(`import pandas as pd
pd.read_csv("named.csv")["b"].sum()`)
	file := h.share("named.csv", "a,b\n1,2\n")
	root := h.ask("What is in named.csv?")
	old := h.cardOf("named.csv")
	// Who tries again reads the inputs anew: by then they are others.
	replaced := make(chan error, 1)
	cloud.Fail(e2btest.Write, e2btest.Fault{Status: http.StatusUnauthorized, Body: `{"code":401,"message":"unauthorized"}`, Times: -1, Do: once(1, func() {
		_, err := h.maya.ReplaceFile(file.ID, []byte("a,b\n1,3\n"))
		replaced <- err
	})})
	require.NoError(t, h.ben.Click(old, "Approve"))
	require.NoError(t, <-replaced)
	cloud.Heal()

	h.says(root, "Back for review: The inputs have changed: named.csv is not what it was: its content has changed.")
	card, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool { return m.TS > old.TS && m.Has("Approve") })
	require.NoError(t, err)
	id := value[string](h, `SELECT id FROM requests`)
	require.Zero(t, cloud.Starts(id))
	require.Empty(t, cloud.Alive())
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM events WHERE kind = 'seal broken'`))
	require.Zero(t, value[int](h, `SELECT (SELECT count(*) FROM unstarted_runs) + (SELECT count(*) FROM runs)`))
	require.Positive(t, value[int](h, `SELECT count(*) FROM settlements s JOIN holds h ON h.id = s.hold_id WHERE h.purpose = 'run' AND s.amount > 0`))
	require.Zero(t, value[int](h, `SELECT count(*) FROM holds WHERE NOT settled`))

	require.NoError(t, h.ben.Click(card, "Approve"))
	require.Contains(t, h.reply(root).Words(), "3", "of the new file")
	require.Equal(t, 1, cloud.Starts(id))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM runs WHERE revision = 2`))
	h.settled()
}

// A box that never takes its own token has run nothing; when it ends, that is said
// as far as it is known.
func TestABoxThatNeverTakesItsTokenEndsAsLost(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	h.run()
	root := h.ask("Whose box is it?")
	card := h.cardOf("Whose box is it?")
	cloud.Fail(e2btest.Start, e2btest.Fault{Status: http.StatusUnauthorized, Body: `{"code":401,"message":"unauthorized"}`, Times: -1})
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.says(root, "Running since")
	cloud.End(value[string](h, `SELECT box_id FROM runs`))
	require.Contains(t, h.reply(root).Text, "The result was lost.")
	h.becomes(card, "Approved, result lost")
	r := h.row("Whose box is it?")
	r.Reason = ""
	require.Equal(t, row{State: "lost", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3, Estimated: 1}, r)
	require.Zero(t, cloud.Starts(value[string](h, `SELECT id FROM requests`)))
	h.settled()
}

// A box that is no more took its run along: that is said, paid for in full, and
// never run again.
func TestARunWhoseBoxIsGoneIsLostAndSaysSo(t *testing.T) {
	t.Parallel()
	cloud := newCloud(t)
	h := open(t, atE2B(cloud))
	h.run()
	h.writes("import time\ntime.sleep(60)")
	root := h.ask("Where did it go?")
	card := h.cardOf("Where did it go?")
	require.NoError(t, h.ben.Click(card, "Approve"))
	h.says(root, "Running since")
	id := value[string](h, `SELECT id FROM requests`)
	h.soon("the code starts", func() bool { return cloud.Starts(id) == 1 })
	cloud.End(value[string](h, `SELECT box_id FROM runs`)) // from now on the edge answers 502, not found
	reply := h.reply(root)
	require.Contains(t, reply.Text, "The result was lost. It started, but its result was lost. How it ended is unknown, and it will not be run again.")
	bill := h.bill(reply)
	require.Contains(t, bill, "e2b sandbox, run: time unknown, at most $0.0")
	require.Contains(t, bill, "partly estimated, at the highest possible price")
	h.becomes(card, "Approved, result lost")
	r := h.row("Where did it go?")
	r.Reason = ""
	require.Equal(t, row{State: "lost", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3, Estimated: 1}, r)
	require.Equal(t, 1, cloud.Starts(id))
	h.settled()
}
