package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
)

// TestTwoReplicasShareTheWorkAndDoNothingTwice asks much at once, has two people
// press every button at once, and has Slack say everything twice, late and out of
// order. It runs before the parallel tests: a rush for itself is no rush for them.
func TestTwoReplicasShareTheWorkAndDoNothingTwice(t *testing.T) {
	const questions = 30
	w := newWorld(t)
	w.run()
	w.run()
	code, marks := w.marked("0")
	w.model.Answer(func(mistraltest.Request) mistraltest.Reply { return mistraltest.Reply{Content: fenced(code)} })
	w.sim.Duplicate(-1)
	w.sim.DelayEnvelopes(20 * time.Millisecond)
	askers := []*person.Person{w.maya, w.carla, w.sim.As(slacksim.OtherAnalyst)}
	var all sync.WaitGroup
	var repeats atomic.Int32
	// Whoever is told by Slack that there was no answer tries again, a moment later.
	persist := func(do func() error, done func() bool) {
		for err := do(); err != nil && w.ctx.Err() == nil && !done(); err = do() {
			if _, ok := errors.AsType[*person.Unanswered](err); !ok {
				t.Errorf("an act was refused: %v", err)
				return
			}
			repeats.Add(1)
			time.Sleep(time.Duration(200+rand.IntN(1800)) * time.Millisecond)
		}
	}
	for i := range questions {
		if i%7 == 3 {
			w.sim.Reorder()
		}
		all.Go(func() {
			text := fmt.Sprintf("Question %02d: how many units in sales.csv?", i)
			persist(func() error { return askers[i%len(askers)].Command(slacksim.SalesData, "/analyze "+text) },
				func() bool {
					return value[int](w.house, `SELECT count(*) FROM requests WHERE said(question) = $1`, text) > 0
				})
		})
	}
	all.Wait()
	require.Equal(t, questions, value[int](w.house, `SELECT count(DISTINCT said(question)) FROM requests`), "every ack is a request")
	require.LessOrEqual(t, value[int](w.house, requested), questions+int(repeats.Load()), "and no duplicate is one")

	// Who was told that nobody answered may have asked twice after all: an envelope
	// that the disorder held back is taken when it comes, and has a card as well.
	pressed := map[string]bool{}
	w.until("everything that was asked has ended", func() bool {
		for _, ts := range column[string](w.house, `SELECT ts FROM posts WHERE surface = 'card'`) {
			if pressed[ts] {
				continue
			}
			pressed[ts] = true
			if len(pressed)%7 == 3 {
				w.sim.Reorder()
			}
			for _, reviewer := range []*person.Person{w.ben, w.priya} {
				all.Go(func() {
					card, err := reviewer.Find(slacksim.CodeReview, ts)
					require.NoError(t, err)
					persist(func() error { return reviewer.ClickOld(card, "Approve") }, func() bool { return false })
				})
			}
		}
		return value[int](w.house, `SELECT count(*) FROM requests WHERE state NOT IN ('done', 'lost', 'failed', 'rejected', 'expired', 'withdrawn')`) == 0
	})
	all.Wait()
	t.Logf("%d acts were not answered in time and repeated", repeats.Load())
	asked := value[int](w.house, requested)
	require.LessOrEqual(t, asked, questions+int(repeats.Load()))
	w.ended(asked)
	w.sim.Heal()
	require.Equal(t, asked, value[int](w.house, decided), "one of the two decided, the other was too late: %v", column[string](w.house, `SELECT concat(id, ' ', state, ' ', reason, ' ', cause) FROM requests WHERE state <> 'done'`))
	require.Equal(t, asked, value[int](w.house, `SELECT count(*) FROM runs WHERE finished_at IS NOT NULL`))
	require.Equal(t, asked, marks(), "each code ran once")
	for _, id := range column[string](w.house, `SELECT id FROM requests`) {
		require.Equal(t, 1, w.boxes.Starts(id))
	}
	require.Zero(t, value[int](w.house, `SELECT (SELECT count(*) FROM settlements WHERE estimated) + (SELECT count(*) FROM holds WHERE uncertain_at IS NOT NULL)`), "nothing was guessed")
	require.Len(t, w.model.Requests(), asked, "each was written once")
	w.truth(0)
	w.until("no box is left", func() bool { return len(w.boxes.Alive()) == 0 })
}

// TestALivingReplicaTakesOverFromOneThatIsKilled measures nothing; it proves that
// nobody has to come to help.
func TestALivingReplicaTakesOverFromOneThatIsKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.code, w.marks = w.marked("2")
	v := w.victim()
	w.act(func() error { return w.maya.Command(slacksim.SalesData, "/analyze "+asked) }, requested, nil)
	card := w.openCard()
	w.until("the victim alone is at it", func() bool { return value[bool](w.house, `SELECT shown_at >= changed_at FROM requests`) })
	w.act(func() error { return w.ben.Click(card, "Approve") }, decided, nil)
	w.until("the code runs", func() bool { return w.marks() == 1 })
	w.run()
	v.kill()
	began := time.Now()
	w.ended(1)
	t.Logf("over %.1f s after the kill", time.Since(began).Seconds())
	require.Equal(t, "done", value[string](w.house, `SELECT state FROM requests`))
	require.Equal(t, 1, w.marks())
	w.truth(1)
}
