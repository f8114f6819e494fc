package main

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/ids"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
)

// telling is a sandbox that takes no time and answers with a sentence, a chart and a table.
type telling struct{ instant }

func (telling) Result(context.Context, string) (approval.Result, error) {
	return approval.Result{Outcome: approval.OK, Answer: "Revenue was 4711 euros.", Stdout: "printed 4711",
		Tables:    []approval.Grid{{Title: "per month", Columns: []string{"month", "euros"}, Rows: [][]string{{"May", "4711"}}, TotalRows: 1}},
		Artifacts: []approval.Artifact{{Name: "figure-1.png", Kind: "chart", Alt: "Revenue by month", Data: []byte("\x89PNG\r\n\x1a\n")}, {Name: "per month.csv", Kind: "table", Alt: "per month", Data: []byte("month,euros\nMay,4711\n")}}}, nil
}

// answered has Maya ask and Ben approve, and returns the thread and its answer.
func (h *house) answered(question string) (root, reply workspace.Message) {
	h.t.Helper()
	h.writes("print(1)")
	root = h.ask(question)
	h.approve(h.cardOf(question))
	reply = h.reply(root)
	h.quiet()
	return root, reply
}

// shows lists what of a text stands in a channel, threads and the names of files included.
func (h *house) shows(channel, text string) (found []string) {
	h.t.Helper()
	for _, m := range h.maya.Messages(channel) {
		for _, one := range h.maya.Thread(channel, m.TS) {
			said := one.Text + "\n" + one.Words()
			for _, f := range one.Files {
				said += "\n" + f.Name
			}
			if strings.Contains(said, text) {
				found = append(found, said)
			}
		}
	}
	return found
}

// kinds are the events of what was done with an answer.
func (h *house) kinds(id string) (list []string) {
	h.t.Helper()
	return column[string](h, `SELECT kind FROM events WHERE stream = 'request:' || $1 AND kind IN ('took back', 'deleted', 'shared') ORDER BY seq`, id)
}

func TestProveConversationAnAnswerIsTakenBack(t *testing.T) {
	t.Parallel()
	for way, wrong := range map[string][]fault.Method{
		"all goes well":             nil,
		"each answer is lost":       {{Method: "chat.delete", Cut: true, After: true, Times: 2}, {Method: "files.delete", Cut: true, After: true, Times: 2}},
		"Slack is away for a while": {{Method: "chat.delete", Status: 503, Times: 2}, {Method: "files.delete", Status: 503, Times: 2}},
		"somebody was quicker":      {{Method: "chat.delete", Error: "message_not_found", After: true, Times: 2}, {Method: "files.delete", Error: "file_not_found", After: true, Times: 2}},
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.bench(telling{}, 2)
			h.share("sales.csv", "amount\n1\n")
			root, reply := h.answered("What was our revenue in sales.csv?")
			require.NotEmpty(t, h.shows(slacksim.SalesData, "4711"))
			require.NotEmpty(t, h.shows(slacksim.SalesData, "revenue-by-month.png"))
			for _, w := range wrong {
				h.sim.Fail(w)
			}
			h.takesBack(h.maya, reply)
			if h.maya.ClickOld(reply, "Take back") == nil { // once more; by then the message may be gone
				_, _ = h.maya.Submit(nil)
			}
			line := h.says(root, "Taken back by")
			require.Contains(t, line.Words(), "the record keeps it")
			h.quiet()
			h.sim.Heal()
			for _, gone := range []string{"4711", "revenue-by-month.png", "per month.csv", "output.txt"} {
				require.Empty(t, h.shows(slacksim.SalesData, gone), gone)
			}
			id := value[string](h, `SELECT request_id FROM takebacks WHERE person = $1`, slacksim.Analyst)
			require.Contains(t, h.kinds(id), "took back")
			require.Len(t, h.kinds(id), 1+4, "one deed, and each message that went")
			require.NotContains(t, h.thread(root), "did not let me")
			require.Contains(t, value[string](h, `SELECT said(result) FROM runs WHERE request_id = $1`, id), "4711", "it stays on record")

			// A follow-up rests on nothing of it.
			h.writes("print(2)")
			_, err := h.maya.Reply(root.Channel, root.TS, "@countersign And the year before?")
			require.NoError(t, err)
			h.approve(h.cardOf("And the year before?"))
			calls := h.model.Requests()
			for _, m := range calls[len(calls)-1].Messages[1:] {
				require.NotContains(t, m.Content, "An earlier question")
			}
			h.soon("the follow-up is done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 2 })
			h.quiet()
			h.addsUp()
			proof.Check(t, !t.Failed(), "an answer is taken back: "+way, "messages, chart and files are gone; the thread says by whom; the record keeps it")
		})
	}
}

// takesBack has somebody take an answer back, by the form that asks whether it is meant.
func (h *house) takesBack(who *person.Person, reply workspace.Message) {
	h.t.Helper()
	require.NoError(h.t, who.Click(reply, "Take back"))
	h.sees(who, ids.CallbackTakeBack, "The record keeps the answer")
	wrong, err := who.Submit(nil)
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
}

// A replica that ends at any of the calls that delete leaves the rest to whoever comes next.
func TestProveConversationAReplicaEndsWhileAnAnswerGoes(t *testing.T) {
	t.Parallel()
	for _, at := range []fault.Method{{Method: "chat.delete"}, {Method: "chat.delete", After: true}, {Method: "files.delete"}, {Method: "files.delete", After: true}} {
		h := open(t)
		_, stop := h.run(func(r *replica) { r.rewire(func(p *steps.Ports) { p.Sandbox = telling{} }) })
		h.share("sales.csv", "amount\n1\n")
		root, reply := h.answered("What was our revenue in sales.csv?")
		reached := make(chan struct{})
		at.Hang, at.Do = true, sync.OnceFunc(func() { close(reached) })
		h.sim.Fail(at)
		h.takesBack(h.maya, reply)
		<-reached
		stop() // while Slack does not answer
		h.sim.Heal()
		h.run(func(r *replica) { r.rewire(func(p *steps.Ports) { p.Sandbox = telling{} }) })
		h.says(root, "Taken back by")
		h.quiet()
		for _, gone := range []string{"4711", "revenue-by-month.png", "per month.csv", "output.txt"} {
			require.Empty(t, h.shows(slacksim.SalesData, gone), gone)
		}
		require.Len(t, h.kinds(value[string](h, `SELECT request_id FROM takebacks`)), 1+4)
		h.addsUp()
		proof.Check(t, !t.Failed(), "a replica ends while an answer goes, at "+at.Method, "the next one deletes what is left; each message is told of once")
	}
}

func TestProveConversationWhoTakesBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(telling{}, 2)
	h.share("sales.csv", "amount\n1\n")
	root, reply := h.answered("What was our revenue in sales.csv?")
	h.takesBack(h.priya, reply)
	v, open := h.priya.View()
	require.True(t, open)
	require.Contains(t, v.Words(), "Only the person who asked, or an administrator, can take an answer back.")
	require.Zero(t, value[int](h, `SELECT count(*) FROM takebacks`))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM events WHERE kind = 'refused click' AND actor = $1`, slacksim.SecondReviewer), "that somebody tried is on record")

	// What Slack does not let go is said, and tried again by the next press.
	h.sim.Fail(fault.Method{Method: "chat.delete", Error: "cant_delete_message", Times: -1})
	h.takesBack(h.carla, reply)
	line := h.says(root, "Slack did not let me delete")
	require.Contains(t, line.Words(), "cant_delete_message")
	require.Contains(t, line.Text, "<@"+slacksim.Admin+">", "by whom")
	require.NotEmpty(t, h.shows(slacksim.SalesData, "4711"))
	h.quiet()
	h.sim.Heal()
	h.takesBack(h.maya, reply)
	h.soon("it is gone after all", func() bool { return len(h.shows(slacksim.SalesData, "4711")) == 0 })
	h.quiet()
	require.Equal(t, slacksim.Admin, value[string](h, `SELECT person FROM takebacks`), "the first word counts")
	require.NotContains(t, h.thread(root), "did not let me")
	h.addsUp()
	proof.Check(t, !t.Failed(), "only the asker or an administrator takes an answer back", "a refused press is on record; what Slack keeps is said, and tried again")
}

// What an audit finds that the schema's owner has changed: that an answer was taken back, which
// files are ours, and what is gone.
func TestAnAuditKnowsWhatWasTakenBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(telling{}, 2)
	h.share("sales.csv", "amount\n1\n")
	root, reply := h.answered("What was our revenue in sales.csv?")
	h.takesBack(h.maya, reply)
	h.says(root, "Taken back by")
	h.quiet()
	id := value[string](h, `SELECT request_id FROM takebacks`)
	for name, sql := range map[string]string{
		"by somebody else": `UPDATE takebacks SET person = 'U0OTHER'`,
		"at another time":  `UPDATE takebacks SET at = at - interval '1 hour'`,
		"not at all":       `DELETE FROM takebacks`,
		"no such file":     `DELETE FROM uploads WHERE surface = 'files'`,
		"it was shared":    `INSERT INTO copies VALUES ('` + id + `', 'C0OTHER', 'U0OTHER', now())`,
		"it never went":    `UPDATE posts SET shown = 'x' WHERE surface = 'reply'`,
	} {
		err := h.forged(sql, func() error { return h.audited(id) })
		require.Error(t, err, name)
	}
	require.NoError(t, h.audited(id))
}

// forged runs a check with the database changed by its owner, and puts it back.
func (h *house) forged(sql string, check func() error) (found error) {
	h.t.Helper()
	owner := func(sql string) error {
		return h.database(func(conn *pgx.Conn) error { _, err := conn.Exec(h.ctx, sql); return err })
	}
	const tables = "takebacks, uploads, sightings, posts, copies"
	require.NoError(h.t, owner(`CREATE TABLE kept_takebacks AS TABLE takebacks; CREATE TABLE kept_uploads AS TABLE uploads; CREATE TABLE kept_posts AS TABLE posts; CREATE TABLE kept_copies AS TABLE copies`))
	require.NoError(h.t, owner(`SET session_replication_role = replica; `+sql))
	found = check()
	require.NoError(h.t, owner(`TRUNCATE `+tables+`; INSERT INTO takebacks TABLE kept_takebacks; INSERT INTO uploads TABLE kept_uploads; INSERT INTO posts TABLE kept_posts; INSERT INTO copies TABLE kept_copies;
		DROP TABLE kept_takebacks, kept_uploads, kept_posts, kept_copies; SET session_replication_role = origin`))
	return found
}

func (h *house) audited(id string) error {
	h.t.Helper()
	db, err := h.store()
	require.NoError(h.t, err)
	defer db.Close()
	_, err = storage.AuditorOf(db).Request(h.ctx, id)
	return err
}
