package steps

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"countersign/approval"
	"countersign/approval/habits"
	"countersign/approval/pins"
	"countersign/budget"
)

// Sweeper catches up with whatever was missed.
type Sweeper struct {
	store interface {
		Requests
		Work
		pinNews
	}
	sandbox Inspector
	log     *slog.Logger
	*Settings

	payer    *Payer
	reminder *Reminder
	treasury *Treasury
	teller   *Teller
	pins     *pins.Keeper
	habits   *habits.Observer
}

// pinNews is what word of old pins takes.
type pinNews interface {
	Notice(ctx context.Context, key string) (*approval.Notice, map[string]NoticePost, error)
	Notify(ctx context.Context, n approval.Notice) error
}

// oldPins has administrators look at what was pinned long ago: once a week at most, by all replicas
// together, because the week is the notice's name.
func (s *Sweeper) oldPins(ctx context.Context) error {
	now := time.Now().In(s.Calendar())
	old, err := s.pins.Old(ctx, now.AddDate(0, 0, -s.Policy.PinDays))
	if err != nil {
		return err
	}
	var faults []error
	for team, list := range old {
		faults = append(faults, s.tellOld(ctx, team, list, now))
	}
	return errors.Join(faults...)
}

// tellOld tells one workspace, unless somebody has this week.
func (s *Sweeper) tellOld(ctx context.Context, team string, list []pins.Pin, now time.Time) error {
	year, week := now.ISOWeek()
	key := fmt.Sprintf("old pins %s %d-%02d", team, year, week)
	if _, _, err := s.store.Notice(ctx, key); !errors.Is(err, approval.ErrNotFound) {
		return err
	}
	said := approval.PinsNoticed{}
	for _, p := range list {
		said.Old = append(said.Old, approval.PinNoticed{Channel: p.Project, File: p.File.Name, By: p.By, At: p.At})
	}
	return s.store.Notify(ctx, approval.Notice{Key: key, Team: team, Kind: approval.NoticePins, Admins: true, At: now.UTC(), Data: approval.Encode(said), Once: true})
}

// said tells whether a notice has been stored.
func (s *Teller) said(ctx context.Context, key string) (bool, error) {
	_, _, err := s.store.Notice(ctx, key)
	if errors.Is(err, approval.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Sweep catches up with whatever was missed: what a schedule calls. Waits that
// have run out end, holds that nobody will settle are settled, and requests that
// nobody works on are woken.
func (s *Sweeper) Sweep(ctx context.Context) error {
	wakes, err := s.store.Stuck(ctx)
	if err != nil {
		return err
	}
	for _, w := range wakes {
		if err := s.catchUp(ctx, w); err != nil {
			s.log.Error("sweep", "request", w.RequestID, "error", err)
		}
	}
	// Each is done whatever becomes of the others: none of them rests on another.
	return errors.Join(s.settleStale(ctx), s.store.SettleChecks(ctx), s.treasury.digests(ctx), s.teller.gather(ctx), s.oldPins(ctx), s.habits.TellHabits(ctx))
}

// catchUp does what is due for one request, and wakes the job of its next step. It may be that
// nothing is due any more, which costs a look.
func (s *Sweeper) catchUp(ctx context.Context, w Wake) error {
	switch w.Step {
	// These have jobs of their own, so that a sweep waits for no call of Slack's or the cloud's.
	case approval.StepTell, approval.StepLook, approval.StepReady:
		return s.store.Wake(ctx, w)
	case approval.StepGoOn:
		return s.payer.tryAgain(ctx, w.RequestID)
	}
	// Whatever else is due: a wait that has run out ends first, and then there is nothing to remind of.
	r, err := s.store.Update(ctx, w.RequestID, approval.ExpireIfDue)
	if err != nil {
		return err
	}
	if r.State == approval.Expired {
		s.sandbox.Discard(r.ID)
	}
	if r.State == approval.Pending {
		if err := s.reminder.remind(ctx, r.ID); err != nil {
			return err
		}
	}
	steps := map[approval.State]approval.Step{approval.Drafting: approval.NextStep(r), approval.Approved: approval.StepRun, approval.Running: approval.StepRun}
	if step, ok := steps[r.State]; ok {
		if err := s.store.Wake(ctx, Wake{Step: step, RequestID: r.ID}); err != nil {
			return err
		}
	}
	return s.store.Wake(ctx, Wake{Step: approval.StepShow, RequestID: r.ID})
}

// settleStale sees to holds whose time is over, as Money.SettleStale says.
func (s *Sweeper) settleStale(ctx context.Context) error {
	holds, err := s.store.StaleHolds(ctx)
	if err != nil {
		return err
	}
	requests := map[string]bool{}
	for _, h := range holds {
		requests[h.RequestID] = true
	}
	for id := range requests {
		_, err := s.store.Update(ctx, id, func(r *approval.Request, now time.Time) error { return r.Money().SettleStale(now) })
		if err != nil {
			s.log.Error("settle stale holds", "request", id, "error", err)
		}
	}
	return nil
}

// Spender is a line of a ranking: a person, a channel, a model or a day.
type Spender struct {
	ID     string     `json:"id"` // a user, a channel, a model or kind of box, a date (2026-11-23)
	Amount budget.USD `json:"amount"`
}

// Ranking says what spenders are told apart by.
type Ranking string

// The rankings.
const (
	ByPeople   Ranking = "people"
	ByChannels Ranking = "channels"
	ByModels   Ranking = "models"
	ByDays     Ranking = "days"
)

// Digest is what NoticeDigest says: a stretch of time in figures.
type Digest struct {
	From     time.Time              `json:"from"`
	Until    time.Time              `json:"until"`
	Total    budget.USD             `json:"total"`
	People   []Spender              `json:"people"`   // the most first
	Projects []Spender              `json:"projects"` // channels
	Models   []Spender              `json:"models"`
	Limits   []budget.Standing      `json:"limits"`   // that are set, or of people who spent, as they stood at the end
	Runs     int                    `json:"runs"`     // that were quoted and ended
	Off      float64                `json:"off"`      // by which share of their quote they missed it, up or down: in the median
	OffP95   float64                `json:"off_p95"`  // and all but one in twenty at most
	Quoted   budget.USD             `json:"quoted"`   // what they were expected to cost
	Actual   budget.USD             `json:"actual"`   // and what they did
	Paid     int                    `json:"paid"`     // steps that budgets have borne
	Refused  int                    `json:"refused"`  // requests of which a step did not fit
	Requests int                    `json:"requests"` // asked in this time
	Outcomes map[approval.State]int `json:"outcomes"` // how these stand
}

// digests tells the administrators what the last stretch of time has cost, if
// that is due and nobody has. The notice's key is its date, so that it is said
// once by all replicas together, and is caught up with after any pause.
func (s *Treasury) digests(ctx context.Context) error {
	if s.Due == nil {
		return nil
	}
	due := s.Due(time.Now())
	// The stretch begins where the one before it ended: at the moment that was due before this one.
	from := s.Due(due.Add(-time.Nanosecond))
	if due.IsZero() || from.IsZero() {
		return nil
	}
	teams, err := s.store.Teams(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for team, since := range teams {
		// A workspace that has asked nothing before the end of the stretch has nothing to be told.
		if since.Before(due) {
			faults = append(faults, s.digest(ctx, team, from, due))
		}
	}
	return errors.Join(faults...)
}

// digest adds up one workspace's figures, unless a replica has done so.
func (s *Treasury) digest(ctx context.Context, team string, from, due time.Time) error {
	// The key is looked for first, because adding figures up is work that every replica would do.
	key := "digest " + team + " " + due.In(s.costs.Calendar()).Format("2006-01-02 15:04")
	if _, _, err := s.store.Notice(ctx, key); !errors.Is(err, approval.ErrNotFound) {
		return err
	}
	d, err := s.store.Digest(ctx, team, from, due)
	if err != nil {
		return err
	}
	return s.store.Notify(ctx, approval.Notice{Key: key, Team: team, Kind: approval.NoticeDigest, Admins: true, Data: approval.Encode(d), At: time.Now().UTC(), Once: true})
}
