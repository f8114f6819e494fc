package steps

import (
	"context"
	"errors"
	"time"

	"countersign/approval"
	"countersign/budget"
)

// Spender is a line of a ranking: a person, a channel, a model or a day.
type Spender struct {
	ID      string     `json:"id"` // a user, a channel, a model or kind of box, a date (2026-11-23)
	Amount  budget.USD `json:"amount"`
	Charges int64      `json:"charges"`
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
		if since.Before(due) {
			faults = append(faults, s.digest(ctx, team, from, due))
		}
	}
	return errors.Join(faults...)
}

func (s *Treasury) digest(ctx context.Context, team string, from, due time.Time) error {
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
