package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// openForm shows the form at once, and what there is to tick when it is open: Slack
// keeps what somebody has filled in meanwhile, by the names of the fields.
func (b *Bot) openForm(ctx context.Context, trigger string, f draw.Form) (answer, error) {
	view := draw.FormView(b.Policy(), b.Service.Models(), f)
	shown, err := b.api.OpenViewContext(ctx, trigger, view)
	if err := opened(view, err); err != nil || f.Channel == "" || shown == nil || shown.ID == "" {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { b.offer(ctx, shown.View, f) }}, nil
}

// offer puts the files of the channel into an open form, or says why none can be
// chosen. A form that has been sent off or closed by then needs none.
func (b *Bot) offer(ctx context.Context, open slack.View, f draw.Form) {
	f.Listed = true
	files, err := b.choices(ctx, f)
	if cause := new(approval.CauseError); errors.As(err, &cause) {
		f.Note = append([]kit.Part{kit.Strong("This cannot be answered yet. ")}, draw.Lacks(b.with(), cause.Cause)...)
	} else if err != nil {
		b.Log.Warn("list the files for a form", "channel", f.Channel, "error", err)
		f.Note = []kit.Part{kit.Words("The files of this channel cannot be listed at the moment. Name the file in your question.")}
	}
	f.Choices = files
	_, err = b.api.UpdateViewContext(ctx, draw.FormView(b.Policy(), b.Service.Models(), f), "", open.Hash, open.ID)
	if err != nil && !slices.Contains([]string{"not_found", "hash_conflict", "view_not_found"}, slackError(err)) {
		b.Log.Warn("put the files into a form", "error", detail(err))
	}
}

// choices are what the form offers already, and the files of its channel.
func (b *Bot) choices(ctx context.Context, f draw.Form) ([]approval.File, error) {
	all := slices.Clone(f.Choices)
	place, err := b.Place(ctx, f.Channel, f.Person)
	if err != nil {
		return all, err
	}
	if cause := place.Cause(f.Channel, f.Person); cause != nil {
		return all, &approval.CauseError{Cause: *cause}
	}
	s, err := b.look(ctx, f.Channel, "")
	for _, file := range s.files {
		if !slices.ContainsFunc(all, func(c approval.File) bool { return c.ID == file.ID }) {
			all = append(all, file)
		}
	}
	return all, err
}

// open shows a modal. Slack gives three seconds for it, and one modal for each
// press: a trigger that has been used belongs to a repeated delivery, whose modal
// is open already.
func (b *Bot) open(ctx context.Context, trigger string, view slack.ModalViewRequest) error {
	_, err := b.api.OpenViewContext(ctx, trigger, view)
	return opened(view, err)
}

// push lays a modal on the one that is open.
func (b *Bot) push(ctx context.Context, trigger string, view slack.ModalViewRequest) error {
	_, err := b.api.PushViewContext(ctx, trigger, view)
	return opened(view, err)
}

// opened says what came of showing a modal.
func opened(view slack.ModalViewRequest, err error) error {
	switch slackError(err) {
	case "exchanged_trigger_id":
		return nil
	case "expired_trigger_id":
		return &approval.InputError{Why: "That took too long, and Slack no longer lets me open the form. Please try again."}
	}
	if err != nil {
		return fmt.Errorf("open the modal %s: %w", view.CallbackID, detail(err))
	}
	return nil
}

// askAnywhere is the global shortcut.
func (b *Bot) askAnywhere(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	return b.openForm(ctx, cb.TriggerID, draw.Form{})
}

// clickAsk is the button on the Home.
func (b *Bot) clickAsk(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return b.openForm(ctx, cb.TriggerID, draw.Form{})
}

// askMessage is the shortcut on a message: its words are the question, its files
// are ticked, its thread gets the answer.
func (b *Bot) askMessage(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	f := draw.Form{Channel: cb.Channel.ID, Person: cb.User.ID, Thread: cb.Message.ThreadTimestamp, Question: kit.FromSlack(cb.Message.Text)}
	if f.Thread == "" {
		f.Thread = cb.Message.Timestamp
	}
	for _, file := range cb.Message.Files {
		if draw.Data(file.Name) && !gone(file) {
			f.Ticked, f.Choices = append(f.Ticked, input(file)), append(f.Choices, input(file))
		}
	}
	return b.openForm(ctx, cb.TriggerID, f)
}

// submitForm asks what the form holds. What is wrong is said beside its field.
func (b *Bot) submitForm(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	q := approval.Question{Team: cb.Team.ID, Project: from.Channel, Asker: cb.User.ID, ThreadTS: from.Thread,
		Text: strings.TrimSpace(fields[ids.FieldQuestion].Value), Model: fields[ids.FieldModel].SelectedOption.Value, Trigger: "form " + cb.View.ID}
	if q.Project == "" {
		q.Project = fields[ids.FieldChannel].SelectedConversation
	}
	// A form that was sent off before the channel's files were in it says nothing about them.
	_, q.Given = fields[ids.FieldFiles]
	q.Brought = from.Brought
	for _, ticked := range fields[ids.FieldFiles].SelectedOptions {
		q.Files = append(q.Files, draw.TickedFile(ticked))
	}
	for _, file := range fields[ids.FieldUpload].Files {
		if !draw.Data(file.Name) {
			return amiss(notData(file.Name), ids.FieldUpload, cb)
		}
		q.Files, q.Brought, q.Uploads = append(q.Files, input(file)), append(q.Brought, file.ID), true
	}
	r, err := b.Service.Ask(ctx, q)
	if err != nil {
		return amiss(err, ids.FieldQuestion, cb)
	}
	at := seat{user: cb.User.ID, channel: q.Project, thread: q.ThreadTS}
	return answer{after: func(ctx context.Context) { b.tell(ctx, at, draw.Taken(r)...) }}, nil
}

// amiss says beside a field of the form what is wrong. A field that the form does
// not have cannot say anything: the question always can.
func amiss(err error, field string, cb slack.InteractionCallback) (answer, error) {
	text, ok := draw.Known(err)
	if !ok {
		return answer{}, err
	}
	if !slices.ContainsFunc(cb.View.Blocks.BlockSet, func(b slack.Block) bool { return b.ID() == field }) {
		field = ids.FieldQuestion
	}
	return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{field: kit.Cut(text, 2000)})}, nil
}

// fieldsOf are a modal's fields by name.
func fieldsOf(cb slack.InteractionCallback) map[string]slack.BlockAction {
	fields := map[string]slack.BlockAction{}
	if cb.View.State == nil {
		return fields
	}
	for name, actions := range cb.View.State.Values {
		fields[name] = actions[name]
	}
	return fields
}
