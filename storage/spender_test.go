package storage

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// A spender is another process that does to the ledger whatever people, models
// and the calendar do, as rapid draws it, until its order is filled or it is killed.

// spendOrder is what a spender is told, in its environment.
type spendOrder struct {
	URL   string
	Seed  uint64
	Ops   int    // in all, by four hands
	Burst int    // instead: so many asks at once, at a word on standard input
	Name  string // goes into its triggers, so that nobody repeats another one's
}

// spendReport is what it prints when it is done, and now and then before.
type spendReport struct {
	Did      int
	Admitted int
	Refused  map[budget.ScopeKind]int
	Settled  int
	Limits   int
	Jumps    int // of the clock

	Blocked, Granted, Continued int // refused and kept, given money, gone on
	Wrong                       []string
}

func spender(text string) {
	var order spendOrder
	if err := json.Unmarshal([]byte(text), &order); err != nil {
		panic(err)
	}
	ctx := context.Background()
	db, err := Open(ctx, order.URL, Options{Key: testKey, Location: proofZone(), MaxConns: 16})
	if err != nil {
		panic(err)
	}
	defer db.Close()
	s := &spending{DB: db, order: order, report: spendReport{Refused: map[budget.ScopeKind]int{}}, policy: approval.DefaultPolicy()}
	s.service = sweeper(db, s.policy)
	if order.Burst > 0 {
		s.burst(ctx)
	} else {
		s.work(ctx)
	}
	s.say()
}

// proofZone has both changes of the clock, and is not UTC.
func proofZone() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return zone
}

type spending struct {
	*DB
	order   spendOrder
	service *steps.Steps
	policy  approval.Policy
	asked   atomic.Int64
	mu      sync.Mutex
	report  spendReport
	ids     []string // of requests that it made, the latest ones
}

func (s *spending) say() {
	s.mu.Lock()
	defer s.mu.Unlock()
	line, err := json.Marshal(s.report)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// burst asks as often as it was told, all at once.
func (s *spending) burst(ctx context.Context) {
	fmt.Println("ready")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n') // whatever comes is the word
	errs := together(s.order.Burst, func(i int) error {
		r := approval.New(approval.Question{Team: team, Project: channel, Asker: asker, Text: "?", Trigger: s.order.Name + strconv.Itoa(i)},
			"small", 3*budget.Dollar, s.policy, time.Now())
		_, _, err := askAhead(ctx, s.DB, r, approval.Session{Team: team, Channel: channel})
		return err
	})
	for _, err := range errs {
		s.count(err, func() { s.report.Admitted++ })
	}
}

// count books an outcome: success, a refusal that belongs to the game, or something wrong.
func (s *spending) count(err error, success func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Did++
	var exceeded *budget.ExceededError
	var move *approval.MoveError
	var stale *approval.StaleError
	switch {
	case err == nil:
		success()
	case errors.As(err, &exceeded):
		s.report.Refused[exceeded.Standing.Limit.Scope.Kind]++
	case errors.As(err, &move), errors.As(err, &stale), errors.Is(err, approval.ErrNoRoom):
	default:
		s.report.Wrong = append(s.report.Wrong, err.Error())
	}
}

// work has four hands do what is drawn, in the order in which they come to it.
func (s *spending) work(ctx context.Context) {
	drawn := make(chan *operation)
	var hands sync.WaitGroup
	for range 4 {
		hands.Go(func() {
			for o := range drawn {
				s.one(ctx, o)
			}
		})
	}
	drawOperations(s.order.Seed, s.order.Ops, func(o *operation) { drawn <- o })
	close(drawn)
	hands.Wait()
}

// one does one thing to the ledger.
func (s *spending) one(ctx context.Context, o *operation) {
	var err error
	success := func() {}
	id := s.some(o)
	switch verb := o.verb; {
	case verb == "ask" || id == "":
		var r *approval.Request
		r, err = s.ask(ctx, o, o.upTo(25*budget.Cent))
		if refused, ok := errors.AsType[*budget.ExceededError](err); ok && o.intN(3) == 0 {
			s.count(err, nil) // the refusal counts, and so does what comes of it
			err = s.topUp(ctx, o, refused)
			break
		}
		success = func() {
			s.report.Admitted++
			if s.ids = append(s.ids, r.ID); len(s.ids) > 60 {
				s.ids = s.ids[1:]
			}
		}
	case verb == "limit":
		success = func() { s.report.Limits++ }
		err = s.SetLimit(ctx, "ADMIN", anyLimit(o))
	case verb == "remove limit":
		success = func() { s.report.Limits++ }
		if err = s.RemoveLimit(ctx, "ADMIN", anyLimit(o).Scope); errors.Is(err, approval.ErrNotFound) {
			err = nil
		}
	case verb == "wait": // time passes, mostly a little, sometimes over the end of a window or two
		success = func() { s.report.Jumps++ }
		minutes := []int{1, 5, 20, 600, 4000}[o.intN(5)]
		_, err = s.core.pool.Exec(ctx, `UPDATE turned.ahead SET by = by + $1 * interval '1 minute'`, o.intN(minutes)+1)
	case verb == "sweep":
		err = s.service.Sweep(ctx)
	default:
		if verb == "settle" || verb == "end" {
			success = func() { s.report.Settled++ }
		}
		move := func(r *approval.Request, now time.Time) error { return s.move(r, o, now) }
		if verb != "approve" {
			_, err = s.Update(ctx, id, move)
			break
		}
		var c *steps.Case // as who decides does: by how the budgets stand before anybody locks them
		if c, err = s.Case(ctx, id); err == nil {
			_, err = s.Act(ctx, c, move)
		}
	}
	s.count(err, success)
	s.mu.Lock()
	tell := s.report.Did%100 == 0
	s.mu.Unlock()
	if tell {
		s.say() // whoever kills us knows how far we came
	}
}

// move is what can become of a request.
func (s *spending) move(r *approval.Request, o *operation, now time.Time) error {
	switch o.verb {
	case "call": // who does it may be killed before it settles
		if r.Seek != nil {
			if err := found(r, now); err != nil {
				return err
			}
		}
		worst := o.upTo(25 * budget.Cent)
		return r.Money().Call(worst, o.upTo(worst+1), approval.Addressee{}, s.policy, now)
	case "settle": // the call comes back, was billed in part or in full, or nobody knows
		return settleCalled(r, o, now)
	case "draft":
		return r.Drafted(plainRevision(), s.policy, now)
	case "approve": // the run's hold, which may find a budget full
		if r.Revision == nil {
			return &approval.MoveError{Request: r, Verb: "approve"}
		}
		return r.Decide(decision(r, "REVA", approval.Approve), o.upTo(40*budget.Cent), s.policy, now)
	case "start":
		return r.Start("box-"+r.ID, s.policy, now)
	case "end":
		if o.intN(4) == 0 {
			return r.Lose(now)
		}
		return r.Finish(approval.Result{Outcome: approval.OK}, budget.Charge{Kind: budget.Box, What: "local", Amount: o.upTo(budget.Dollar)}, s.policy, now)
	case "withdraw":
		return r.Withdraw(r.Asker, now)
	}
	panic("nobody knows how to " + o.verb)
}

// some picks a request that this process has made.
func (s *spending) some(o *operation) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ids) == 0 {
		return ""
	}
	return s.ids[o.intN(len(s.ids))]
}

// ask asks as one of four people in one of three channels, in an old thread or a new one.
func (s *spending) ask(ctx context.Context, o *operation, amount budget.USD) (*approval.Request, error) {
	place := fmt.Sprint("CHAN", o.intN(3))
	thread := approval.Session{Team: team, Channel: place}
	if n := o.intN(6); n > 0 {
		thread.ThreadTS = fmt.Sprint(n, ".0")
	}
	r := approval.New(approval.Question{Team: team, Project: place, Asker: fmt.Sprint("USER", o.intN(4)), Text: "?",
		Trigger: fmt.Sprint(s.order.Name, " ", s.asked.Add(1))}, "small", amount, s.policy, time.Now())
	r, _, err := askAhead(ctx, s.DB, r, thread)
	return r, err
}

// askAhead asks as the use case does: by how the budgets stand before anybody locks them.
func askAhead(ctx context.Context, db *DB, r *approval.Request, thread approval.Session) (*approval.Request, bool, error) {
	at, err := db.Counter(ctx, approval.Question{Team: r.Team, Project: r.Project, Asker: r.Asker, Seat: thread.Channel, ThreadTS: thread.ThreadTS})
	if err != nil {
		return nil, false, err
	}
	if at.Session != "" {
		r.SessionID = at.Session
	}
	r.Changes.Ahead = at.Ahead
	return db.Ask(ctx, r, thread)
}

// topUp keeps what was refused, asks for money and gets it for a while: for longer
// or shorter than it takes to go on.
func (s *spending) topUp(ctx context.Context, o *operation, refused *budget.ExceededError) error {
	place := fmt.Sprint("CHAN", o.intN(3))
	q := approval.Question{Team: team, Project: place, Asker: fmt.Sprint("USER", o.intN(4)), Text: "?", Trigger: fmt.Sprint(s.order.Name, " ", s.asked.Add(1))}
	r, _, err := s.Ask(ctx, approval.NewBlocked(q, "small", refused, s.policy, time.Now()), approval.Session{Team: team, Channel: place})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.report.Blocked++
	s.mu.Unlock()
	r, err = s.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
		if r.Blocked == nil { // its time ran out: the clock is turned here
			return &approval.MoveError{Request: r, Verb: "ask for money"}
		}
		b := *r.Blocked
		b.Standings = []budget.Standing{{Limit: budget.Limit{Scope: r.Scopes()[o.intN(4)]}}}
		r.Blocked = &b
		return r.Money().AskTopUp(1+o.upTo(budget.Dollar), "it matters", s.policy, now)
	})
	if err != nil || o.intN(5) == 0 {
		return err
	}
	granted := o.intN(5) > 0
	_, err = s.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
		until := now.Add(time.Duration(1+o.intN([]int{1, 60, 3000}[o.intN(3)])) * time.Minute)
		return r.Money().DecideTopUp(r.TopUps[0].ID, granted, until, "later", "ADMIN", now)
	})
	if err != nil || !granted {
		return err
	}
	s.mu.Lock()
	s.report.Granted++
	s.mu.Unlock()
	_, err = s.Update(ctx, r.ID, func(r *approval.Request, now time.Time) error {
		return r.Money().GoOn(r.Model, refused.Needed, r.Asker, s.policy, now)
	})
	if err == nil {
		s.mu.Lock()
		s.report.Continued++
		s.ids = append(s.ids, r.ID)
		s.mu.Unlock()
	}
	return err
}

func settleCalled(r *approval.Request, o *operation, now time.Time) error {
	hold, ok := r.Money().CalledHold()
	switch {
	case !ok || hold.Purpose != budget.ForDraft:
		return &approval.MoveError{Request: r, Verb: "settle"}
	case o.intN(8) == 0:
		r.Money().Settle(hold.InFull(now, "small"))
		return nil
	case o.intN(4) == 0: // nobody knows, or only of an inspection
		most := o.upTo(hold.Risked + 1)
		known := budget.Settlement{At: now}
		if o.intN(2) == 0 {
			known.Charges = []budget.Charge{{Kind: budget.Box, What: "local", BoxMS: 7, Amount: o.upTo(hold.Amount)}}
		}
		r.Money().Conclude(hold, most, known, o.upTo(most+1))
		return nil
	}
	// Together they may be more than was held, as when a dearer model has answered.
	first := o.upTo(hold.Amount)
	second := o.upTo(hold.Amount)
	// What earlier calls may have cost stays uncertain.
	r.Money().Conclude(hold, o.upTo(hold.Risked+1), budget.Settlement{At: now, Charges: []budget.Charge{
		{Kind: budget.Tokens, What: "small", Usage: budget.Usage{Model: "small-1", Input: 10, Output: 2}, Amount: first},
		{Kind: budget.Box, What: "local", BoxMS: 7, Amount: second}}}, 0)
	return nil
}

func plainRevision() approval.Revision {
	return approval.Revision{Code: "print(1)\n", Author: "small-1", Manifest: approval.Manifest{Version: 1, Sandbox: "local", Network: []string{}}}
}

// proofSession is the session of a thread that people come back to.
func proofSession(channel, thread int) string { return fmt.Sprintf("session-%d-%d", channel, thread) }

// anyLimit changes some budget, upwards or to less than has been spent.
func anyLimit(o *operation) budget.Limit {
	windows := []budget.Window{budget.Day, budget.Week, budget.Month, budget.None}
	limit := budget.Limit{Window: windows[o.intN(len(windows))]}
	if o.intN(3) == 0 {
		limit.Policy = budget.LimitPolicy{Soft: 1 + o.intN(100), Warn: []int{1 + o.intN(100)}, Without: []budget.Ability{budget.Upload}}
	}
	switch o.intN(9) {
	case 0, 1:
		limit.Scope, limit.Amount = budget.Scope{Team: team, Kind: budget.User, ID: fmt.Sprint("USER", o.intN(4))}, o.upTo(4*budget.Dollar)
	case 2:
		limit.Scope, limit.Amount = budget.Scope{Team: team, Kind: budget.Role, ID: budget.Members}, o.upTo(4*budget.Dollar)
	case 3, 4:
		limit.Scope, limit.Amount = budget.Scope{Team: team, Kind: budget.Session, ID: proofSession(o.intN(3), 1+o.intN(5))}, o.upTo(2*budget.Dollar)
	case 5, 6:
		limit.Scope, limit.Amount = budget.Scope{Team: team, Kind: budget.Project, ID: fmt.Sprint("CHAN", o.intN(3))}, o.upTo(8*budget.Dollar)
	default:
		limit.Scope, limit.Amount = budget.Scope{Team: team, Kind: budget.Team, ID: team}, o.upTo(20*budget.Dollar)
	}
	if limit.Window == budget.None {
		limit.Amount *= 100 // or it would be over for the rest of the time
	}
	return limit
}
