// Package auditing takes what administrators and auditors press to look things up. It
// opens modals and changes nothing.
package auditing

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/auditing"
	"countersign/bot/draw/audit"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/internal/pack"
)

// Service is the use case. Each method refuses whoever is neither an administrator nor an auditor.
// most is how many at most are returned; with 0 only whether somebody may look is found out.
type Service interface {
	Requests(ctx context.Context, click approval.Click, q auditing.Query, most int) (rows []auditing.Row, more bool, err error)
	Record(ctx context.Context, click approval.Click, id string) (*pack.Story, error)
	PrivateAnswer(ctx context.Context, click approval.Click, id string) (*pack.Story, error)
	Deeds(ctx context.Context, click approval.Click, most int) ([]pack.Step, error)
	Points(ctx context.Context, click approval.Click, most int) ([]auditing.Point, error)
	OrderPack(ctx context.Context, click approval.Click, of pack.Chosen) error
}

// Desk opens what somebody asks to see. Open shows a modal, Push lays one on the one that is open.
type Desk struct {
	Service    Service
	Zone       func() *time.Location // in which days are days
	Words      func(error) string    // what is said of a failure
	Open, Push func(ctx context.Context, trigger string, view slack.ModalViewRequest) error
}

// Click is what a handler of a button gets.
// value is the button's: the id of a request.
type Click = func(ctx context.Context, trigger string, click approval.Click, value string) error

// Clicks are the buttons and who takes them.
//
// They are kept apart from bot's other desks so that nothing in here can reach what changes anything.
func (d *Desk) Clicks() map[string]Click {
	return map[string]Click{ids.ActionAudit: d.find, ids.ActionRecord: d.record, ids.ActionWritten: d.written, ids.ActionPrivate: d.answer,
		ids.ActionDeeds: d.deeds, ids.ActionPoints: d.points, ids.ActionPack: d.pack}
}

// find asks what to look for.
func (d *Desk) find(ctx context.Context, trigger string, click approval.Click, _ string) error {
	// Whoever may not look is told before they fill in a form: asking for no rows finds out.
	if _, _, err := d.Service.Requests(ctx, click, auditing.Query{}, 0); err != nil {
		return err
	}
	return d.Open(ctx, trigger, audit.FindView())
}

// Query is what a form looks for. A field that is wrong is named.
//
// Empty fields are zero, and a zero field of a Query narrows nothing.
func (d *Desk) Query(fields map[string]slack.BlockAction) (q auditing.Query, field string, err error) {
	q = auditing.Query{Person: fields[ids.FieldPerson].SelectedUser, Channel: fields[ids.FieldChannel].SelectedConversation, Words: fields[ids.FieldWords].Value}
	q.From, q.To, field, err = d.days(fields)
	return q, field, err
}

// Find is the list of what is found, or why there is none. Words are looked for in all that was ever written, which
// takes a while.
func (d *Desk) Find(ctx context.Context, click approval.Click, q auditing.Query) slack.ModalViewRequest {
	rows, more, err := d.Service.Requests(ctx, click, q, audit.Length)
	if err != nil {
		return *kit.NoteView("Requests", d.Words(err))
	}
	return audit.ListView(rows, q, more)
}

// Turned is what a button that turns pages looks for.
func (d *Desk) Turned(value string) (q auditing.Query, err error) {
	if err := json.Unmarshal([]byte(value), &q); err != nil {
		return q, fmt.Errorf("read what is looked for: %w", err)
	}
	return q, nil
}

// record opens a request. Of a private answer it shows nothing: that is behind a button of its own.
func (d *Desk) record(ctx context.Context, trigger string, click approval.Click, id string) error {
	s, err := d.Service.Record(ctx, click, id)
	if err != nil {
		return err
	}
	return d.Push(ctx, trigger, audit.RecordView(s))
}

// written opens all code of a request. It is told anew from the log, because a modal has no room to carry it.
func (d *Desk) written(ctx context.Context, trigger string, click approval.Click, id string) error {
	s, err := d.Service.Record(ctx, click, id)
	if err != nil {
		return err
	}
	return d.Push(ctx, trigger, audit.WrittenView(s))
}

// answer opens an answer that is its asker's alone. The look is on record before it is shown.
func (d *Desk) answer(ctx context.Context, trigger string, click approval.Click, id string) error {
	s, err := d.Service.PrivateAnswer(ctx, click, id)
	if err != nil {
		return err
	}
	return d.Push(ctx, trigger, audit.AnswerView(s))
}

// deeds opens the last hundred changes of people, rules, budgets, pins and keys.
func (d *Desk) deeds(ctx context.Context, trigger string, click approval.Click, _ string) error {
	list, err := d.Service.Deeds(ctx, click, 100)
	if err != nil {
		return err
	}
	return d.Open(ctx, trigger, audit.DeedsView(list))
}

// points opens the last twenty checkpoints, each with its note of a few lines.
func (d *Desk) points(ctx context.Context, trigger string, click approval.Click, _ string) error {
	list, err := d.Service.Points(ctx, click, 20)
	if err != nil {
		return err
	}
	return d.Open(ctx, trigger, audit.PointsView(list))
}

// pack asks for which time, beginning with this month.
func (d *Desk) pack(ctx context.Context, trigger string, click approval.Click, _ string) error {
	// As in find: whoever may not is told first.
	if _, err := d.Service.Points(ctx, click, 0); err != nil {
		return err
	}
	now := time.Now().In(d.Zone())
	return d.Open(ctx, trigger, audit.PackView(time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location()), now))
}

// Pack has the pack made that a form asks for. An error is shown at the field that is returned with it.
func (d *Desk) Pack(ctx context.Context, click approval.Click, fields map[string]slack.BlockAction) (field string, err error) {
	of := pack.Chosen{Person: fields[ids.FieldPerson].SelectedUser, Channel: fields[ids.FieldChannel].SelectedConversation}
	if of.From, of.To, field, err = d.days(fields); err != nil {
		return field, err
	}
	if now := time.Now().UTC(); of.To.IsZero() || of.To.After(now) {
		of.To = now // what has not happened yet is in no pack
	}
	if !of.From.Before(of.To) {
		return ids.FieldFrom, &approval.InputError{Why: approval.Words("The first day lies after the last one, or ahead.")}
	}
	return ids.FieldPerson, d.Service.OrderPack(ctx, click, of)
}

// days are the first moment of the first day, and the one after the last.
func (d *Desk) days(fields map[string]slack.BlockAction) (from, to time.Time, field string, err error) {
	read := func(name string) (day time.Time) {
		if chosen := fields[name].SelectedDate; chosen != "" && err == nil {
			if day, err = time.ParseInLocation(time.DateOnly, chosen, d.Zone()); err != nil {
				field, err = name, &approval.InputError{Why: approval.Words("Please choose a day.")}
			}
		}
		return day
	}
	from, to = read(ids.FieldFrom), read(ids.FieldUntil)
	// A day later by the calendar and not by 24 hours: days of a change of clocks have 23 or 25.
	if !to.IsZero() {
		to = to.AddDate(0, 0, 1)
	}
	return from.UTC(), to.UTC(), field, err
}
