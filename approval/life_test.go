package approval

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/budget"
	"countersign/internal/deepcopy"
)

// life is a request with everything that was ever stored about it, as a database
// would have it, and a world that does to it whatever comes to mind.
type life struct {
	r         *Request
	p         Policy
	now       time.Time
	tampered  bool
	events    []Event
	holds     map[string]budget.Hold
	settled   map[string]budget.Settlement
	decisions map[string]bool // reviewer and revision
	revisions []Revision
	starts    int
	calls     []*lifeCall
	edited    bool
}

// lifeCall is a call of a model: what it may cost, and how much of that is not known.
type lifeCall struct {
	hold    budget.OpenHold
	most    budget.USD
	over    bool // it has come back
	unknown budget.USD
}

// try does a move as storage does: its changes are taken over when it succeeds,
// and it must not have left a trace when it fails.
func (l *life) try(t *rapid.T, name string, move func() error) error {
	before := deepcopy.Of(l.r)
	err := move()
	if err != nil {
		require.Equal(t, before, l.r, "%s failed and left a trace", name)
		return err
	}
	require.False(t, before.State.Final(), "%s moved a request that was %s", name, before.State)
	require.NotEmpty(t, l.r.Changes.Events, "%s left no event", name)
	l.store(t, before)
	return nil
}

func (l *life) store(t *rapid.T, before *Request) {
	c := l.r.Changes
	l.r.Changes = Changes{}
	l.events = append(l.events, c.Events...)
	for _, h := range c.Holds {
		require.GreaterOrEqual(t, h.Amount, budget.USD(0))
		require.NotContains(t, l.holds, h.ID)
		l.holds[h.ID] = h
	}
	for _, s := range c.Settlements {
		require.Contains(t, l.holds, s.HoldID)
		require.NotContains(t, l.settled, s.HoldID, "settled twice")
		l.settled[s.HoldID] = s
	}
	if d := c.Decision; d != nil {
		key := fmt.Sprint(d.Reviewer, " on ", d.Revision)
		require.False(t, l.decisions[key], "decided twice: %s", key)
		l.decisions[key] = true
		require.NotEqual(t, l.r.Asker, d.Reviewer)
		require.NotEqual(t, l.r.Revision.Author, d.Reviewer)
		require.Equal(t, l.r.Revision.Digest, d.Digest)
	}
	if c.Revision != nil {
		l.revisions = append(l.revisions, *c.Revision)
		require.Equal(t, len(l.revisions), c.Revision.Number)
		require.Empty(t, l.r.Decisions, "nobody has decided on what is new")
		l.tampered = false // it is before people as it is
	}
	if l.r.State == Pending && before.State != Pending {
		require.True(t, c.Revision != nil || before.Edit != nil, "it came back and is not new")
	}
	require.True(t, l.r.Edit == nil || l.r.State == Drafting)
	require.LessOrEqual(t, l.r.Rounds, l.p.MaxRounds)
	if c.Unstarted != nil {
		l.starts--
		require.Equal(t, before.Run, c.Unstarted)
		require.True(t, c.Unstarted.BegunAt.IsZero(), "what has begun was taken back")
		require.Equal(t, Pending, l.r.State)
	}
	if c.Run != nil && c.Run.Result == nil && c.Run.BegunAt.IsZero() {
		l.starts++
		require.Equal(t, Approved, before.State)
		require.False(t, l.tampered, "what was not approved has started")
		require.True(t, l.now.Before(before.ExpiresAt))
		people := map[string]bool{}
		for _, d := range l.r.Decisions {
			if d.Verdict == Approve && d.Digest == l.r.Revision.Digest && l.r.Revision.Intact() {
				people[d.Reviewer] = true
			}
		}
		require.GreaterOrEqual(t, len(people), max(1, l.p.Quorum), "started without a quorum")
	}
}

// check holds at every moment.
func (l *life) check(t *rapid.T) {
	require.LessOrEqual(t, l.starts, 1, "started twice")
	var open []string
	for id := range l.holds {
		if _, ok := l.settled[id]; !ok {
			open = append(open, id)
		}
	}
	var held []string
	for _, h := range l.r.Holds {
		held = append(held, h.ID)
		require.Equal(t, l.holds[h.ID], h.Hold)
	}
	require.ElementsMatch(t, open, held, "the row and the ledger disagree about what is held")
	for id, s := range l.settled {
		spent := budget.Total(s.Charges)
		require.GreaterOrEqual(t, spent, budget.USD(0))
		require.LessOrEqual(t, spent, l.holds[id].Amount)
		if s.Estimated {
			require.Equal(t, l.holds[id].Amount, spent)
		}
	}
	// Whatever the provider bills in the end for calls of which nobody knows is held, and by one hold.
	var unknown, risked budget.USD
	for _, c := range l.calls {
		if !c.over {
			unknown += c.most
		}
		unknown += c.unknown
	}
	called := 0
	for _, h := range l.r.Holds {
		if h.Purpose == budget.ForDraft && h.Called {
			risked += h.Risked
			called++
		}
		require.LessOrEqual(t, h.Risked, h.Amount)
	}
	require.GreaterOrEqual(t, risked, unknown, "something may be billed for which nothing is held")
	require.True(t, called <= 1 || l.edited, "one question keeps one hold, not %d", called)
	for i, rev := range l.revisions {
		require.True(t, i == len(l.revisions)-1 && l.tampered || rev.Intact())
	}
	if l.r.Run == nil {
		require.NotContains(t, []State{Running, Done, Lost}, l.r.State)
	} else {
		require.Contains(t, []State{Running, Done, Lost, Failed}, l.r.State, "Failed: voided before the start")
	}
}

func TestNoOrderOfMovesBreaksAPromise(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := testPolicy()
		p.Quorum = rapid.IntRange(0, 3).Draw(t, "quorum")
		p.MaxAttempts = rapid.IntRange(1, 4).Draw(t, "attempts")
		l := &life{p: p, now: t0, holds: map[string]budget.Hold{}, settled: map[string]budget.Settlement{}, decisions: map[string]bool{}}
		worst := budget.USD(rapid.IntRange(0, 1000).Draw(t, "worst"))
		l.r = New(Question{Team: "T", Asker: "A", Trigger: "x"}, "m1", worst, p, l.now)
		l.store(t, &Request{})
		people := rapid.SampledFrom([]string{"R1", "R2", "R3", "A", "m1"})

		moves := map[string]func(*rapid.T){
			"": l.check,
			"time passes": func(t *rapid.T) {
				l.now = l.now.Add(time.Duration(rapid.SampledFrom([]int{1, 600, 3600, 90_000}).Draw(t, "seconds")) * time.Second)
			},
			"call": func(t *rapid.T) {
				_ = l.try(t, "Call", func() error {
					worst := worst + budget.USD(rapid.IntRange(0, 2).Draw(t, "dearer"))
					most := budget.USD(rapid.Int64Range(0, int64(worst)).Draw(t, "most"))
					if l.r.Edit != nil {
						most = worst
					}
					err := l.r.Money().Call(worst, most, Addressee{}, p, l.now)
					if err == nil && l.r.Edit == nil {
						hold, _ := l.r.Money().CalledHold()
						l.calls = append(l.calls, &lifeCall{hold: hold, most: most})
					}
					return err
				})
			},
			"refuse": func(t *rapid.T) {
				_ = l.try(t, "Refuse", func() error { return l.r.Refuse(Refusal{Reason: "x"}, l.now) })
			},
			"again": func(t *rapid.T) { _ = l.try(t, "Again", func() error { return l.r.Again("x", l.now) }) },
			"drafted": func(t *rapid.T) {
				rev := testRevision()
				rev.Author = people.Draw(t, "author")
				_ = l.try(t, "Drafted", func() error { return l.r.Drafted(rev, p, l.now) })
			},
			"decide": func(t *rapid.T) {
				d := approvalOf(l.r, people.Draw(t, "reviewer"))
				d.Verdict = rapid.SampledFrom([]Verdict{Approve, Approve, Approve, Rewrite, Rewrite, Reject, ""}).Draw(t, "verdict")
				if rapid.IntRange(0, 9).Draw(t, "stale") == 0 {
					d.Digest = "stale"
				}
				d.Revision += rapid.SampledFrom([]int{0, 0, 0, 0, 0, 1, -1}).Draw(t, "revision")
				_ = l.try(t, "Decide", func() error { return l.r.Decide(d, 50, p, l.now) })
			},
			"edit": func(t *rapid.T) {
				who := people.Draw(t, "editor")
				l.edited = l.try(t, "TakeEdit", func() error { return takeEdit(l.r, who, p, l.now) }) == nil || l.edited
			},
			"put back": func(t *rapid.T) { _ = l.try(t, "PutBack", func() error { return l.r.PutBack(Words("x"), l.now) }) },
			"break":    func(t *rapid.T) { _ = l.try(t, "BreakSeal", func() error { return breakSeal(l.r, p, l.now) }) },
			"disown": func(t *rapid.T) {
				who := people.Draw(t, "who")
				_ = l.try(t, "Disown", func() error { return l.r.Disown(who, len(l.revisions), Click{}, p, l.now) })
			},
			"remind":   func(t *rapid.T) { _ = l.try(t, "Remind", func() error { return Turn{l.r}.Remind(nil, l.now) }) },
			"escalate": func(t *rapid.T) { _ = l.try(t, "Escalate", func() error { return Turn{l.r}.Escalate(nil, l.now) }) },
			"assign": func(t *rapid.T) {
				who := people.Draw(t, "who")
				_ = l.try(t, "Assign", func() error { return Turn{l.r}.Assign(who, "R1", Click{}, l.now) })
			},
			"fail":     func(t *rapid.T) { _ = l.try(t, "Fail", func() error { return l.r.Fail(Words("x"), l.now) }) },
			"expire":   func(t *rapid.T) { _ = l.try(t, "Expire", func() error { return l.r.Expire(l.now) }) },
			"withdraw": func(t *rapid.T) { _ = l.try(t, "Withdraw", func() error { return l.r.Withdraw("A", l.now) }) },
			"start": func(t *rapid.T) {
				_ = l.try(t, "Start", func() error { return l.r.Start("box", p, l.now) })
			},
			"finish": func(t *rapid.T) {
				_ = l.try(t, "Finish", func() error {
					return l.r.Finish(Result{Outcome: OK}, budget.Charge{Kind: budget.Box, Amount: budget.USD(rapid.IntRange(0, 90).Draw(t, "cost"))}, DefaultPolicy(), l.now)
				})
			},
			"stop":  func(t *rapid.T) { _ = l.try(t, "Stop", func() error { return Stopping{l.r}.Stop("A", l.now) }) },
			"begin": func(t *rapid.T) { _ = l.try(t, "Begin", func() error { return l.r.Begin(l.now) }) },
			"void": func(t *rapid.T) {
				_ = l.try(t, "Void", func() error {
					return l.r.Void(Words("refused"), budget.Charge{Kind: budget.Box, Amount: budget.USD(rapid.IntRange(0, 90).Draw(t, "cost"))}, l.now)
				})
			},
			"unstart": func(t *rapid.T) {
				_ = l.try(t, "Unstart", func() error { return unstart(l.r, budget.USD(rapid.IntRange(0, 90).Draw(t, "cost")), p, l.now) })
			},
			"lose": func(t *rapid.T) { _ = l.try(t, "Lose", func() error { return l.r.Lose(l.now) }) },
			"conclude": func(t *rapid.T) {
				// Calls come back in any order, whatever has become of the request; of some nobody ever knows.
				i := slices.IndexFunc(l.calls, func(c *lifeCall) bool { return !c.over })
				if i < 0 {
					return
				}
				c := l.calls[i+rapid.IntRange(0, len(l.calls)-i-1).Draw(t, "which")]
				if c.over {
					return
				}
				before := deepcopy.Of(l.r)
				known, unknown := budget.Settlement{At: l.now}, budget.USD(0)
				spent := budget.USD(rapid.Int64Range(0, int64(c.most)).Draw(t, "spent"))
				switch rapid.IntRange(0, 2).Draw(t, "how") {
				case 0:
					c.over = true
					known.Charges = []budget.Charge{{Kind: budget.Tokens, Amount: spent}}
				case 1: // a part is known, as of a box
					c.over, c.unknown = true, c.most-spent
					unknown = c.unknown
					known.Charges = []budget.Charge{{Kind: budget.Box, Amount: spent}}
				case 2:
					c.over, c.unknown = true, c.most
					unknown = c.unknown
				}
				l.r.Money().Conclude(c.hold, c.most, known, unknown)
				l.store(t, before)
			},
			"settle": func(t *rapid.T) {
				// A draft's call is settled whenever it comes back, whatever has become of the request.
				i := slices.IndexFunc(l.r.Holds, func(h budget.OpenHold) bool { return h.Purpose == budget.ForDraft && h.Called })
				if i >= 0 {
					l.calls = nil // whoever settles it knows all about them
					before := deepcopy.Of(l.r)
					l.r.Money().Settle(budget.Settlement{HoldID: l.r.Holds[i].ID, At: l.now})
					l.store(t, before)
				}
			},
			"sweep": func(t *rapid.T) {
				before := deepcopy.Of(l.r)
				require.NoError(t, l.r.Money().SettleStale(l.now))
				if len(l.r.Changes.Settlements) > 0 {
					l.calls = nil // they were charged in full
				}
				require.Equal(t, before.State, l.r.State)
				l.store(t, before)
			},
			"tamper": func(t *rapid.T) {
				if l.r.Revision != nil && rapid.IntRange(0, 19).Draw(t, "really") == 0 {
					l.r.Revision.Code += "# and more\n"
					l.tampered = true
				}
			},
		}
		// What ends a life is mostly left out, or few would get old.
		for _, name := range []string{"withdraw", "fail", "expire", "lose", "break", "unstart", "disown", "time passes", "refuse", "again"} {
			move := moves[name]
			moves[name] = func(t *rapid.T) {
				if rapid.IntRange(0, 5).Draw(t, "really") == 0 {
					move(t)
				}
			}
		}
		onward := map[State]string{Drafting: "drafted", Pending: "decide", Approved: "start", Running: "finish"}
		moves["onward"] = func(t *rapid.T) {
			if next, ok := onward[l.r.State]; ok {
				moves[next](t)
			}
		}
		for _, name := range []string{"onward, too", "onward, as well"} {
			moves[name] = moves["onward"]
		}
		t.Repeat(moves)

		for again := 0; !l.r.State.Final() && again < 2; again++ {
			// Whatever was left open ends by itself: runs by their box, waits by their time.
			l.now = l.now.Add(1000 * time.Hour)
			if l.r.State == Running {
				require.NoError(t, l.try(t, "Lose", func() error { return l.r.Lose(l.now) }))
			} else {
				require.NoError(t, l.try(t, "expireIfDue", func() error { return ExpireIfDue(l.r, l.now) }))
			}
		}
		require.True(t, l.r.State.Final())
		for range 2 { // a call that nobody has settled is uncertain first
			l.now = l.now.Add(1000 * time.Hour)
			before := deepcopy.Of(l.r)
			require.NoError(t, l.r.Money().SettleStale(l.now))
			l.store(t, before)
		}
		l.calls = nil // all were charged in full
		require.Empty(t, l.r.Holds, "something is held for ever")
		require.Len(t, l.settled, len(l.holds))
		l.check(t)
		for i := 1; i < len(l.events); i++ {
			require.False(t, l.events[i].At.Before(l.events[i-1].At), "the trail goes back in time")
		}
	})
}
