package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// told are boxes that say what a test has them say, one result after another; the last one stays.
type told struct {
	instant
	mu       sync.Mutex
	results  []approval.Result
	template string
}

func (b *told) Template() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.template
}

func (b *told) Result(context.Context, string) (approval.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.results[0]
	if len(b.results) > 1 {
		b.results = b.results[1:]
	}
	return r, nil
}

func (b *told) becomes(template string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.template = template
}

// answered opens a house in which a question has its answer, and returns its id and the answer.
func answered(t *testing.T, box steps.Sandbox, code string) (h *house, id string, root, reply workspace.Message) {
	t.Helper()
	if box == nil {
		h = openLight(t)
	} else {
		h = open(t)
		h.bench(box, 4)
	}
	h.share("sales.csv", "amount\n1\n2\n")
	h.writes(code)
	root = h.ask("How much did we sell in sales.csv?")
	h.approve(h.cardOf("How much did we sell"))
	reply = h.reply(root)
	return h, value[string](h, `SELECT id FROM requests WHERE repeats IS NULL`), root, reply
}

// repeats waits for the card of a run that is repeated.
func (h *house) repeats() workspace.Message { return h.cardOf("same code") }

// saysNoModel holds that a repetition has asked no model and paid none.
func (h *house) saysNoModel(calls int) {
	h.t.Helper()
	require.Len(h.t, h.model.Requests(), calls)
	require.Zero(h.t, value[int](h, `SELECT count(*) FROM charges c JOIN holds h ON h.id = c.hold_id JOIN requests q ON q.id = h.request_id WHERE q.repeats IS NOT NULL AND c.kind = 'tokens'`))
	require.Zero(h.t, value[int](h, `SELECT count(*) FROM events e JOIN requests q ON e.stream = 'request:' || q.id WHERE q.repeats IS NOT NULL AND e.kind IN ('written', 'weighed') AND e.data::jsonb ->> 'for' = 'draft'`))
}

const sums = `import pandas as pd
from desk import answer, load, table
data = load("sales.csv")
table(data, "Sales")
answer(f"We sold {data['amount'].sum()}.")`

const draws = `import random
from desk import answer, load
data = load("sales.csv")
answer(f"We sold {len(data)} of {random.randrange(10**9)} pieces.")`

// An answer is verified: the same code on the same data, as a request of whoever wants to know.
func TestProveConversationAnAnswerIsVerified(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ code, says string }{
		"that is identical":           {sums, "Identical"},
		"that has a number by chance": {draws, "The answer said"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, id, root, reply := answered(t, nil, c.code)
			jun := h.sim.As(slacksim.OtherAnalyst)
			require.NoError(t, jun.Click(reply, "Verify"))
			h.told(jun, slacksim.SalesData, "On it. The same code runs once more")
			card := h.repeats()
			require.Contains(t, card.Words(), "repeats")
			require.Contains(t, card.Words(), "How much did we sell in sales.csv?")
			require.False(t, card.Has("Request changes"), "it is approved or rejected as it is")
			h.approve(card)
			h.says(root, c.says)
			require.Equal(t, "done", value[string](h, `SELECT state FROM requests WHERE repeats = '`+id+`'`))
			require.Equal(t, slacksim.OtherAnalyst, value[string](h, `SELECT asker FROM requests WHERE repeats IS NOT NULL`))
			require.Equal(t, 1, value[int](h, `SELECT count(DISTINCT digest) FROM (SELECT encode(sha256(convert_to(said(code), 'UTF8')), 'hex') AS digest FROM revisions) v`), "the same code")
			require.Equal(t, 1, value[int](h, `SELECT count(*) FROM sessions`), "in the same thread")
			verdict := map[bool]string{true: "same", false: "other"}[c.says == "Identical"]
			require.Equal(t, verdict, value[string](h, `SELECT e.data::jsonb ->> 'compared' FROM events e WHERE e.kind = 'finished' AND e.data::jsonb ? 'compared'`))
			require.Equal(t, id, value[string](h, `SELECT e.data::jsonb ->> 'request' FROM events e WHERE e.kind = 'repeats'`))
			h.saysNoModel(1)
			h.settled()
			h.takesBack(h.maya, h.says(root, c.says))
			h.soon("it is taken back", func() bool {
				return value[int](h, `SELECT count(*) FROM takebacks t JOIN requests q ON q.id = t.request_id WHERE q.repeats IS NOT NULL AND t.person = $1`, slacksim.Analyst) == 1
			})
			h.settled()
			h.addsUp()
			proof.Check(t, !t.Failed(), "an answer "+name+" is verified", "same code and data, its own asker and approval, no model called; the record says %q", verdict)
		})
	}
}

// What is not the same is not repeated, and the thread says why.
func TestProveConversationNothingSimilarIsRepeated(t *testing.T) {
	t.Parallel()
	t.Run("the data has changed", func(t *testing.T) {
		t.Parallel()
		h, id, root, _ := answered(t, nil, sums)
		_, err := h.maya.ReplaceFile(value[string](h, `SELECT files -> 0 ->> 'id' FROM requests`), []byte("amount\n1\n3\n"))
		require.NoError(t, err)
		require.NoError(t, h.ben.Command(slacksim.SalesData, "/analyze verify "+id))
		h.says(root, "The data has changed since: sales.csv is not what the code ran on then.")
		h.notRepeated("data changed since")
	})
	t.Run("the data changes while a reviewer reads", func(t *testing.T) {
		t.Parallel()
		h, id, root, _ := answered(t, nil, sums)
		require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze verify "+id))
		card := h.repeats()
		_, err := h.maya.ReplaceFile(value[string](h, `SELECT files -> 0 ->> 'id' FROM requests WHERE repeats IS NULL`), []byte("amount\n1\n3\n"))
		require.NoError(t, err)
		h.approve(card)
		h.says(root, "The data has changed since: sales.csv is not what the code ran on then.")
		h.notRepeated("data changed since")
	})
	t.Run("the environment has changed", func(t *testing.T) {
		t.Parallel()
		box := &told{template: "one", results: []approval.Result{{Outcome: approval.OK, Answer: "3"}}}
		h, id, root, _ := answered(t, box, sums)
		box.becomes("another")
		require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze verify "+id))
		h.says(root, "It cannot be repeated: the environment has changed. Not there any more as it was: the sandbox.")
		h.notRepeated("environment changed")
	})
	t.Run("the environment changes while a reviewer reads", func(t *testing.T) {
		t.Parallel()
		box := &told{template: "one", results: []approval.Result{{Outcome: approval.OK, Answer: "3"}}}
		h, id, root, _ := answered(t, box, sums)
		require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze verify "+id))
		card := h.repeats()
		box.becomes("another")
		h.approve(card)
		h.says(root, "It cannot be repeated: the environment has changed. Not there any more as it was: the sandbox.")
		h.notRepeated("environment changed")
	})
}

// An answer in somebody's direct messages is verified there, and by nobody else. One that was
// taken back while its repetition waits is not said again.
func TestProveConversationAVerifiedAnswerStaysWhereItWas(t *testing.T) {
	t.Parallel()
	t.Run("in a direct message", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		h.bench(&told{template: "one", results: []approval.Result{{Outcome: approval.OK, Answer: "3"}}}, 4)
		h.writes(sums)
		file, err := h.maya.Upload("sales.csv", []byte("amount\n1\n2\n"))
		require.NoError(t, err)
		root, err := h.maya.Say(h.maya.DM(), "How much is it in sales.csv?", file.ID)
		require.NoError(t, err)
		h.approve(h.cardOf("How much is it"))
		reply := h.reply(root)
		id := value[string](h, `SELECT id FROM requests`)
		jun := h.sim.As(slacksim.OtherAnalyst)
		require.NoError(t, jun.Command(slacksim.SalesData, "/analyze verify "+id))
		h.inDM(jun, "There is no answer "+id+" that you can see")
		require.NoError(t, h.maya.Click(reply, "Verify"))
		h.approve(h.repeats())
		h.says(root, "Identical")
		h.saysNoModel(1)
		h.settled()
		h.addsUp()
		proof.Check(t, !t.Failed(), "an answer in a direct message is verified there", "and by its asker alone")
	})
	t.Run("that went to its asker alone", func(t *testing.T) {
		t.Parallel()
		h := open(t)
		h.bench(&told{template: "one", results: []approval.Result{{Outcome: approval.OK, Answer: "It was 4711."}}}, 4)
		h.share("sales.csv", "amount\n1\n")
		h.writes(sums)
		h.privately("What do we pay our suppliers, by sales.csv?")
		h.approve(h.cardOf("What do we pay our suppliers"))
		h.inDM(h.maya, "It was 4711.")
		id := value[string](h, `SELECT id FROM requests`)
		jun := h.sim.As(slacksim.OtherAnalyst)
		require.NoError(t, jun.Command(slacksim.SalesData, "/analyze verify "+id))
		h.told(jun, slacksim.SalesData, "There is no answer "+id+" that you can see")
		require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze verify "+id))
		card := h.repeats()
		require.Contains(t, card.Words(), "The answer goes only to")
		h.approve(card)
		h.inDM(h.maya, "Identical")
		require.Empty(t, h.shows(slacksim.SalesData, "4711"))
		require.Empty(t, h.shows(slacksim.SalesData, "suppliers"))
		h.saysNoModel(1)
		h.settled()
		h.addsUp()
		proof.Check(t, !t.Failed(), "a private answer is verified by its asker alone", "what comes out goes to them alone")
	})
	t.Run("that was taken back meanwhile", func(t *testing.T) {
		t.Parallel()
		h, _, root, reply := answered(t, &told{template: "one", results: []approval.Result{{Outcome: approval.OK, Answer: "3"}}}, sums)
		require.NoError(t, h.maya.Click(reply, "Verify"))
		card := h.repeats()
		h.takesBack(h.maya, reply)
		h.soon("it is taken back", func() bool { return value[int](h, `SELECT count(*) FROM takebacks`) == 1 })
		h.approve(card)
		h.says(root, "Not repeated")
		h.notRepeated("no answer to repeat")
	})
}

// notRepeated holds that nothing ran under the name of a repetition.
func (h *house) notRepeated(why string) {
	h.t.Helper()
	require.Equal(h.t, "failed "+why, value[string](h, `SELECT state || ' ' || (reason ->> 'code') FROM requests WHERE repeats IS NOT NULL`))
	require.Equal(h.t, 1, value[int](h, `SELECT count(*) FROM runs`))
	h.saysNoModel(1)
	h.settled()
	h.addsUp()
	proof.Check(h.t, !h.t.Failed(), h.t.Name()[strings.LastIndex(h.t.Name(), "/")+1:]+": nothing similar is repeated", "it ends with %q, and nothing runs", why)
}

// Who cannot see the thread, or a file, hears no more of it than of what is not there.
func TestProveConversationOnlyWhoSeesAnAnswerVerifiesIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(&told{template: "one", results: []approval.Result{{Outcome: approval.OK, Answer: "3"}}}, 4)
	h.writes(sums)
	_, err := h.maya.Share(slacksim.General, "Here", "sales.csv", []byte("amount\n1\n2\n"))
	require.NoError(t, err)
	root, err := h.maya.Say(slacksim.General, "@countersign How much is it in sales.csv?")
	require.NoError(t, err)
	h.approve(h.cardOf("How much is it"))
	h.reply(root)
	id := value[string](h, `SELECT id FROM requests`)
	const none = "There is no answer %s that you can see and that can be verified."
	theo := h.sim.As(slacksim.Guest)
	require.NoError(t, theo.Command(slacksim.SalesData, "/analyze verify "+id))
	h.inDM(theo, fmt.Sprintf(none, id))
	require.NoError(t, theo.Command(slacksim.SalesData, "/analyze verify nosuch9"))
	h.told(theo, slacksim.SalesData, fmt.Sprintf(none, "nosuch9"))
	require.NotContains(t, h.everythingTo(theo), "How much is it")

	// Without money he hears the same of it, and not what his budget has to do with it.
	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.SetLimit(h.ctx, slacksim.Admin, budget.Limit{Amount: 1, Window: budget.Month, Scope: budget.Scope{Team: slacksim.DefaultTeam.ID, Kind: budget.User, ID: slacksim.Guest}}))
	require.NoError(t, theo.Command(slacksim.SalesData, "/analyze verify "+id))
	h.told(theo, slacksim.SalesData, fmt.Sprintf(none, id))
	require.Equal(t, "failed", value[string](h, `SELECT state FROM requests WHERE repeats IS NOT NULL`))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM runs`))
	h.saysNoModel(1)
	h.settled()
	h.addsUp()
	proof.Check(t, !t.Failed(), "who cannot see a thread verifies nothing in it", "they read what they read of an id that nobody has")
}

// everythingTo is all that somebody reads.
func (h *house) everythingTo(who *person.Person) string {
	var all []string
	for _, channel := range []string{who.DM(), slacksim.SalesData} {
		for _, m := range append(who.Messages(channel), who.Ephemerals(channel)...) {
			all = append(all, m.Text+"\n"+m.Words())
		}
	}
	return strings.Join(all, "\n")
}

// Two who verify one answer at once make one request, and a restart in the middle repeats nothing.
func TestProveConversationAnAnswerIsVerifiedOnceAtATime(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	_, stop := h.run()
	h.share("sales.csv", "amount\n1\n2\n")
	h.writes(sums)
	root := h.ask("How much did we sell in sales.csv?")
	h.approve(h.cardOf("How much did we sell"))
	reply := h.reply(root)
	id := value[string](h, `SELECT id FROM requests`)
	jun := h.sim.As(slacksim.OtherAnalyst)
	var all sync.WaitGroup
	for _, act := range []func() error{
		func() error { return jun.Click(reply, "Verify") },
		func() error { return h.maya.Command(slacksim.SalesData, "/analyze verify "+id) },
	} {
		all.Add(1)
		go func() {
			defer all.Done()
			_ = act() // one of them is told that it is under way
		}()
	}
	all.Wait()
	card := h.repeats()
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM requests WHERE repeats IS NOT NULL`))
	stop()
	h.run()
	h.approve(card)
	h.says(root, "Identical")
	require.Equal(t, 2, value[int](h, `SELECT count(*) FROM runs`))
	h.quiet()
	require.NoError(t, jun.Click(reply, "Verify"), "a later one is a request of its own")
	card, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool { return m.TS > card.TS && m.Has("Approve") })
	require.NoError(t, err)
	h.approve(card)
	h.soon("both are done", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE repeats IS NOT NULL AND state = 'done'`) == 2
	})
	h.saysNoModel(1)
	h.settled()
	h.addsUp()
	proof.Check(t, !t.Failed(), "two who verify one answer at once make one request, over a restart", "one card, one run; a later one is a request of its own")
}
