// Package auditing is what administrators and auditors look at: what was asked, written,
// decided, run and paid, who changed people, rules and budgets, and which checkpoints
// were signed of it. Nothing is changed here.
//
// What it shows is told from the events of the log, by the same words as a pack
// (internal/pack): Slack, a terminal and a pack never tell three stories of one request.
package auditing

import (
	"context"
	"errors"
	"time"

	"countersign/approval"
	"countersign/internal/pack"
)

// Query narrows the list of requests. Empty fields narrow nothing.
type Query struct {
	Team    string    `json:"-"`
	Person  string    `json:"person,omitempty"`  // who asked, wrote or decided
	Channel string    `json:"channel,omitempty"` // where
	Words   string    `json:"words,omitempty"`   // in what people and models wrote: questions, code, refused drafts, reasons
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`    // before that
	Skip    int       `json:"skip,omitempty"` // the newest ones, which stood on the pages before
}

// Row is a request in the list.
type Row struct {
	ID, Asker, Channel, Question, State string
	At                                  time.Time
	Private                             bool
	Spent                               int64 // billionths of a dollar
}

// Point is a signed checkpoint.
type Point struct {
	Number, Size int64
	At           time.Time
	Note         string
}

// Order is a pack that somebody wants made and sent to them.
type Order struct {
	Team string `json:"team"`
	By   string `json:"by"`
	pack.Chosen
}

// Records are the log and the rows beside it.
type Records interface {
	// Find lists requests, the newest first, most at a time.
	Find(ctx context.Context, q Query, most int) ([]Row, error)
	// Story is a request of a workspace from its first event to its last.
	Story(ctx context.Context, team, id string) (*pack.Story, error)
	// Deeds are what was done to people, rules, budgets, pins and keys of a workspace, the newest first.
	Deeds(ctx context.Context, team string, most int) ([]pack.Step, error)
	// Points are the last checkpoints, the newest first.
	Points(ctx context.Context, most int) ([]Point, error)
	// Note writes an event of a request.
	Note(ctx context.Context, id string, e approval.Event) error
}

// Roles says who may look. The error is a *approval.NotAllowedError for anybody else.
type Roles interface {
	Sees(ctx context.Context, team, who string) error
}

// Orders takes packs to be made.
type Orders interface {
	OrderPack(ctx context.Context, o Order) error
}

// Auditor looks things up for those who may.
type Auditor struct {
	records Records
	roles   Roles
	orders  Orders
}

// New makes the auditor. Without orders no pack can be had here.
func New(records Records, roles Roles, orders Orders) *Auditor {
	return &Auditor{records: records, roles: roles, orders: orders}
}

// Requests is a page of the list, and whether there are more.
func (a *Auditor) Requests(ctx context.Context, click approval.Click, q Query, most int) (rows []Row, more bool, err error) {
	if err := a.roles.Sees(ctx, click.Team, click.User); err != nil {
		return nil, false, err
	}
	q.Team = click.Team
	// One more than fits tells whether there is another page, without counting all of them.
	if rows, err = a.records.Find(ctx, q, most+1); err != nil || len(rows) <= most {
		return rows, false, err
	}
	return rows[:most], true, nil
}

// Record is all of a request. Of an answer that is its asker's alone it has nothing that
// the data said: that is behind PrivateAnswer, which leaves an event.
func (a *Auditor) Record(ctx context.Context, click approval.Click, id string) (*pack.Story, error) {
	if err := a.roles.Sees(ctx, click.Team, click.User); err != nil {
		return nil, err
	}
	s, err := a.records.Story(ctx, click.Team, id)
	if err == nil && s.Private {
		s.Conceal()
	}
	return s, err
}

// PrivateAnswer is the record with an answer that is its asker's alone. Whoever reads it is on record
// before they do.
func (a *Auditor) PrivateAnswer(ctx context.Context, click approval.Click, id string) (*pack.Story, error) {
	if err := a.roles.Sees(ctx, click.Team, click.User); err != nil {
		return nil, err
	}
	s, err := a.records.Story(ctx, click.Team, id)
	// One's own answer is no secret from oneself.
	if err != nil || !s.Private || click.User == s.Asker {
		return s, err
	}
	return s, a.records.Note(ctx, id, approval.Event{Actor: click.User, Kind: approval.EventLookedAt, Data: map[string]any{"what": "private answer", "click": click}})
}

// Deeds are what people did that belongs to no request.
func (a *Auditor) Deeds(ctx context.Context, click approval.Click, most int) ([]pack.Step, error) {
	if err := a.roles.Sees(ctx, click.Team, click.User); err != nil {
		return nil, err
	}
	return a.records.Deeds(ctx, click.Team, most)
}

// Points are the last checkpoints.
func (a *Auditor) Points(ctx context.Context, click approval.Click, most int) ([]Point, error) {
	if err := a.roles.Sees(ctx, click.Team, click.User); err != nil {
		return nil, err
	}
	return a.records.Points(ctx, most)
}

// OrderPack has a pack made, which comes to whoever asks.
func (a *Auditor) OrderPack(ctx context.Context, click approval.Click, of pack.Chosen) error {
	if err := a.roles.Sees(ctx, click.Team, click.User); err != nil {
		return err
	}
	if a.orders == nil {
		return errors.New("no pack can be made here")
	}
	return a.orders.OrderPack(ctx, Order{Team: click.Team, By: click.User, Chosen: of})
}
