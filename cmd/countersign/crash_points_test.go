package main

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/codegen/mistraltest"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/sandbox/e2b/e2btest"
)

// act is what a person does that leads to the point.
type act int

const (
	asking act = iota
	approving
)

// point is where a replica ends. arm prepares it: the fakes call end when it is
// reached. gone tells that no answer gets back, as when the caller is killed.
type point struct {
	name    string
	by      act
	arm     func(w *world, end func(), gone bool)
	strays  int  // how many messages may stand in Slack twice
	unacked bool // the person's act is not answered
	paid    int  // how many holds are spent in full or uncertain, because nobody knows better
	busy    bool // the draft is written, or its progress posted, at the same time: one more of each
}

// world is a house with a cloud.
type world struct {
	*house
	boxes *e2btest.Server
	code  string
	marks func() int
}

// slack ends the replica at the nth call of a method from now on, before it takes
// effect or after.
func slack(method string, nth int32, after bool) func(*world, func(), bool) {
	return func(w *world, end func(), gone bool) {
		if nth > 1 {
			w.sim.Fail(fault.Method{Method: method, Times: int(nth) - 1})
		}
		w.sim.Fail(fault.Method{Method: method, Do: end, After: after && gone, Cut: gone})
	}
}

// box ends it at the next call of a kind to E2B.
func box(op e2btest.Op, after bool) func(*world, func(), bool) {
	return func(w *world, end func(), gone bool) {
		w.boxes.Fail(op, e2btest.Fault{Do: end, Effect: after && gone, Pass: !gone})
	}
}

// model ends it when the model is asked.
func model(w *world, end func(), gone bool) {
	hook := once(1, end)
	w.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		hook()
		return mistraltest.Reply{Content: fenced(w.code)}
	})
}

// running ends it while the code runs.
func running(w *world, end func(), _ bool) {
	go func() {
		for w.marks() == 0 && w.ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		end()
	}()
}

// unheard ends it when something has committed and its ack has got lost.
func unheard(committed string) func(*world, func(), bool) {
	return func(w *world, end func(), gone bool) {
		if gone {
			w.sim.DropAcks(1)
		}
		go func() {
			for value[int](w.house, committed) == 0 {
				time.Sleep(10 * time.Millisecond)
			}
			end()
		}()
	}
}

func fenced(code string) string { return "This is what it does.\n\n```python\n" + code + "\n```\n" }

// points are the boundaries of every step, in the order in which a request gets there.
func points() []point {
	list := []point{
		{name: "a question has committed and its ack is lost", by: asking, arm: unheard(requested), unacked: true, busy: true},
		{name: "the asker is looked up", by: asking, arm: slack("users.info", 1, false)},
		{name: "the channel is looked at", by: asking, arm: slack("conversations.info", 1, false)},
		{name: "the files are listed", by: asking, arm: slack("files.list", 1, false)},
		{name: "the inputs are read", by: asking, arm: slack("download", 1, false), busy: true},
		{name: "the model is asked", by: asking, arm: model, paid: 1, busy: true},
		{name: "a click is being taken", by: approving, arm: slack("users.info", 1, false), unacked: true},
		{name: "a click has committed and its ack is lost", by: approving, arm: unheard(decided), unacked: true},
		{name: "what was approved is looked at again", by: approving, arm: slack("conversations.info", 1, false)},
		{name: "the sealed inputs are read", by: approving, arm: slack("download", 1, false)},
		{name: "the code runs", by: approving, arm: running},
	}
	both := func(name string, s act, arm func(after bool) func(*world, func(), bool), strays, paid int) {
		list = append(list, point{name: name + ", before", by: s, arm: arm(false), paid: paid, busy: s == asking},
			point{name: name + ", after", by: s, arm: arm(true), strays: strays, paid: paid, busy: s == asking})
	}
	method := func(name string, nth int32) func(bool) func(*world, func(), bool) {
		return func(after bool) func(*world, func(), bool) { return slack(name, nth, after) }
	}
	op := func(op e2btest.Op) func(bool) func(*world, func(), bool) {
		return func(after bool) func(*world, func(), bool) { return box(op, after) }
	}
	both("the thread is opened", asking, method("chat.postMessage", 1), 1, 0)
	both("the progress is posted", asking, method("chat.postMessage", 2), 1, 0)
	both("the box to inspect in is made", asking, op(e2btest.Create), 0, 1)
	both("the box to inspect in is killed", asking, op(e2btest.Kill), 0, 1)
	both("the card is posted", asking, method("chat.postMessage", 3), 1, 0)
	both("the progress is rewritten", approving, method("chat.update", 1), 0, 0)
	both("the card is rewritten", approving, method("chat.update", 2), 0, 0)
	both("the box is made", approving, op(e2btest.Create), 0, 0)
	both("the job is uploaded", approving, op(e2btest.Write), 0, 0)
	both("the code is started", approving, op(e2btest.Start), 0, 0)
	both("the result is read", approving, op(e2btest.Read), 0, 0)
	both("the box is killed", approving, op(e2btest.Kill), 0, 0)
	both("a file is offered", approving, method("files.getUploadURLExternal", 1), 0, 0)
	both("the files are shared", approving, method("files.completeUploadExternal", 1), 1, 0)
	both("the answer is posted", approving, method("chat.postMessage", 1), 1, 0)
	return list
}

// atOnce is how many replicas of these tests run at the same time.
var atOnce = make(chan struct{}, 3)

func turn() (over func()) {
	atOnce <- struct{}{}
	return func() { <-atOnce }
}

func TestProveCrashAReplicaThatIsKilledAnywhereLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	list := proof.Draw(t, points())
	beside(t, list, func(t *testing.T, p point) {
		w := killedAt(t, p)
		p.strays++ // wherever it dies, it may be between another post and its memory
		// By the clock of the database nobody has been at it for a while, and nobody leads.
		time.Sleep(31 * time.Second)
		defer turn()()
		w.recover(p)
	})
	proof.Check(t, !t.Failed(), "a replica that is killed (kill -9) loses nothing and repeats nothing", "%d of %d points", len(list), len(points()))
}

// killedAt takes a world to a point, and kills its only replica there.
func killedAt(t *testing.T, p point) (w *world) {
	t.Helper()
	defer turn()()
	w = newWorld(t)
	v := w.victim()
	acked := w.drive(p, v, v.kill, true)
	w.gone(v)
	require.False(t, acked && p.unacked, "Slack saw an ack of what had not been taken")
	return w
}

func TestProveCrashAReplicaThatIsToldToStopAnywhereEndsWhatItDoes(t *testing.T) {
	t.Parallel()
	var list []point
	for i, p := range points() {
		if i < 11 || i%4 == 0 { // one point of each step is enough, and the call goes on: before and after are the same
			p.strays, p.paid, p.busy, p.unacked = 0, 0, false, false
			list = append(list, p)
		}
	}
	all := len(list)
	list = proof.Draw(t, list)
	beside(t, list, func(t *testing.T, p point) {
		defer turn()()
		w := newWorld(t)
		v := w.victim()
		acked := w.drive(p, v, v.term, false)
		w.gone(v)
		// On a machine that is too busy, work that was told to end may not be heard of in time. The replica says so and
		// goes, and what follows shows that nothing is lost.
		if !strings.Contains(w.log.String(), "work does not end, though it was told to") {
			require.NoError(t, v.err, "it ended well")
		}
		require.True(t, acked || strings.Contains(w.log.String(), "envelope"), "what it had taken, it answered, or said why not")
		w.recover(p)
	})
	proof.Check(t, !t.Failed(), "a replica that is told to stop (SIGTERM) ends what it does", "%d of %d points", len(list), all)
}

// beside runs the cases beside one another; what waits costs nothing.
func beside(t *testing.T, list []point, try func(*testing.T, point)) {
	var all sync.WaitGroup
	for _, p := range list {
		all.Go(func() { t.Run(p.name, func(t *testing.T) { try(t, p) }) })
	}
	all.Wait()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	boxes, here := cloud(t)
	w := &world{house: open(t, here), boxes: boxes}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithCancel(context.Background()) // many of them wait for their turn
	t.Cleanup(cancel)
	w.code, w.marks = w.marked("1")
	w.model.Answer(func(mistraltest.Request) mistraltest.Reply { return mistraltest.Reply{Content: fenced(w.code)} })
	w.share("sales.csv", "product,units\nbeans,3\n")
	return w
}

const asked = "How many units in sales.csv?"

// What has committed when an act was answered.
const (
	requested = `SELECT count(*) FROM requests`
	decided   = `SELECT count(*) FROM decisions`
)

// drive takes a request to the point. acked tells whether the act that leads
// there was answered.
func (w *world) drive(p point, v *victim, end func(), gone bool) (acked bool) {
	w.t.Helper()
	question := func() error { return w.maya.Command(slacksim.SalesData, "/analyze "+asked) }
	if p.by == asking {
		p.arm(w, end, gone)
		return w.act(question, requested, v.dead)
	}
	w.act(question, requested, nil)
	card := w.openCard()
	// Whatever is still being drawn is drawn before the point is set.
	w.until("the card is shown and remembered", func() bool {
		return value[bool](w.house, `SELECT shown_at >= changed_at FROM requests`)
	})
	p.arm(w, end, gone)
	return w.act(func() error { return w.ben.Click(card, "Approve") }, decided, v.dead)
}

// act does what a person does: when Slack says that there was no answer, again,
// unless it has come to be all the same, or there is nobody any more who could
// answer. An act that was acknowledged has committed.
func (w *world) act(do func() error, committed string, dead <-chan struct{}) (acked bool) {
	w.t.Helper()
	for {
		err := do()
		n := value[int](w.house, committed)
		if err == nil {
			require.Equal(w.t, 1, n, "it was acked, so it has committed")
			return true
		}
		var unanswered *person.Unanswered
		require.ErrorAs(w.t, err, &unanswered)
		if n > 0 {
			return false
		}
		select {
		case <-dead:
			return false
		case <-w.ctx.Done():
			require.FailNow(w.t, "nobody ever answers", w.picture())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// openCard waits for the card that is remembered and can be approved.
func (w *world) openCard() (card workspace.Message) {
	w.t.Helper()
	w.until("a card that can be approved", func() bool {
		m, err := w.ben.Find(slacksim.CodeReview, value[string](w.house, `SELECT coalesce(max(ts), '') FROM posts WHERE surface = 'card'`))
		card = m
		return err == nil && m.Has("Approve")
	})
	return card
}

// recover lets another replica take over, does what a person would do, and holds
// the end against the truth.
func (w *world) recover(p point) {
	w.t.Helper()
	w.sim.Heal()
	w.boxes.Heal()
	w.run()
	began := time.Now()
	if value[int](w.house, requested) == 0 {
		w.act(func() error { return w.maya.Command(slacksim.SalesData, "/analyze "+asked) }, requested, nil)
	}
	if value[int](w.house, decided) == 0 {
		card := w.openCard()
		w.act(func() error { return w.ben.Click(card, "Approve") }, decided, nil)
	}
	w.ended(1)
	w.t.Logf("over %.1f s after the other replica was there", time.Since(began).Seconds())
	require.Equal(w.t, "done", value[string](w.house, `SELECT state FROM requests`))
	require.Equal(w.t, 1, w.marks(), "the code ran once")
	require.Equal(w.t, 1, w.boxes.Starts(value[string](w.house, `SELECT id FROM requests`)))
	require.Equal(w.t, 1, value[int](w.house, `SELECT count(*) FROM decisions`))
	paid := value[int](w.house, `SELECT (SELECT count(*) FROM settlements WHERE estimated) + (SELECT count(*) FROM holds WHERE uncertain_at IS NOT NULL AND NOT settled)`)
	more := 0
	if p.busy {
		more = 1
	}
	require.True(w.t, p.paid <= paid && paid <= max(p.paid, more), "%d holds were spent in full or are uncertain, %d expected", paid, p.paid)
	require.Contains(w.t, w.picture(), "the answer is 42")
	w.truth(p.strays + more)
}
