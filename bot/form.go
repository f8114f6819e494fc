package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
)

// form is the modal in which a question is asked with all that belongs to it.
type form struct {
	channel  string // empty: the person chooses one
	thread   string
	question string
	choices  []approval.File // to tick
	ticked   []approval.File
	asks     bool // the question was asked already, and leaves open which files it means
}

// origin is what a modal remembers of the place that it was opened from.
type origin struct {
	Channel string `json:"channel,omitempty"`
	Thread  string `json:"thread,omitempty"`
	Message string `json:"message,omitempty"` // of the card
	Seal    string `json:"seal,omitempty"`    // what the card showed
	Mark    string `json:"mark,omitempty"`    // of everything that the modal says; see markOf
}

// String is how a modal carries it: Slack gives it back with the submission.
func (o origin) String() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings always marshal
	}
	return string(text)
}

// originOf reads it back.
func originOf(metadata string) (o origin, err error) {
	if err := json.Unmarshal([]byte(metadata), &o); err != nil {
		return o, fmt.Errorf("a modal's metadata: %w", err)
	}
	return o, nil
}

// maxQuestion is what Slack lets a field hold.
const maxQuestion = 3000

// Choices that Slack shows as boxes to tick; more of them become a list.
const maxBoxes = 10

// formView draws the form. Block and element of a field share one name, so that
// what was filled in is found by it.
func (b *Bot) formView(f form) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(plain("What were sales per month, by region?"), fieldQuestion)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, min(maxQuestion, b.Policy().MaxQuestion), true
	field.InitialValue = cut(f.question, field.MaxLength)
	blocks := []slack.Block{slack.NewInputBlock(fieldQuestion, plain("Your question"), nil, field)}
	if f.channel == "" {
		where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, plain("Choose a channel"), fieldChannel)
		where.DefaultToCurrentConversation = true
		where.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private", "im"}, ExcludeExternalSharedChannels: true, ExcludeBotUsers: false}
		blocks = append(blocks, slack.NewInputBlock(fieldChannel, plain("Where the answer goes"), plain("I have to be in that channel."), where))
	}
	if len(f.choices) > 0 {
		title := "Files in this channel"
		if f.asks {
			title = "Which files is it about?"
		}
		files := slack.NewInputBlock(fieldFiles, plain(title), nil, boxes(f))
		blocks = append(blocks, files.WithOptional(true))
	}
	upload := slack.NewFileInputBlockElement(fieldUpload).WithFileTypes(dataTypes...).WithMaxFiles(10)
	hint := fmt.Sprintf("CSV, TSV, XLSX or JSON, at most %d MB each, %d MB together.", b.Policy().MaxFileBytes>>20, b.Policy().MaxInputBytes>>20)
	blocks = append(blocks, slack.NewInputBlock(fieldUpload, plain("Files to upload"), plain(hint), upload).WithOptional(true))
	if models := b.Service.Models(); len(models) > 1 {
		var options []*slack.OptionBlockObject
		for _, m := range models[:min(100, len(models))] {
			options = append(options, slack.NewOptionBlockObject(cut(m, 75), plain(cut(m, 75)), nil))
		}
		choice := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Model"), fieldModel, options...).WithInitialOption(options[0])
		blocks = append(blocks, slack.NewInputBlock(fieldModel, plain("Model that writes the code"), nil, choice))
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackForm, Title: plain("Ask a question"), Submit: plain("Ask"),
		Close: plain("Cancel"), PrivateMetadata: origin{Channel: f.channel, Thread: f.thread}.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// boxes are the channel's files to tick.
func boxes(f form) slack.BlockElement {
	var all, initial []*slack.OptionBlockObject
	for _, file := range f.choices[:min(100, len(f.choices))] {
		option := slack.NewOptionBlockObject(file.ID, plain(cut(file.Name, 75)), nil)
		all = append(all, option)
		if slices.ContainsFunc(f.ticked, func(t approval.File) bool { return t.ID == file.ID }) {
			initial = append(initial, option)
		}
	}
	if len(all) <= maxBoxes {
		group := slack.NewCheckboxGroupsBlockElement(fieldFiles, all...)
		group.InitialOptions = initial
		return group
	}
	list := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, plain("Choose files"), fieldFiles, all...)
	list.InitialOptions = initial
	return list
}

// openForm shows the form.
func (b *Bot) openForm(ctx context.Context, trigger string, f form) (answer, error) {
	return answer{}, b.open(ctx, trigger, b.formView(f))
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
	return b.openForm(ctx, cb.TriggerID, form{})
}

// clickAsk is the button on the Home.
func (b *Bot) clickAsk(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return b.openForm(ctx, cb.TriggerID, form{})
}

// askMessage is the shortcut on a message: its words are the question, its files
// are ticked, its thread gets the answer.
func (b *Bot) askMessage(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	s, err := b.look(ctx, cb.Channel.ID, "")
	if err != nil {
		return answer{}, err
	}
	f := form{channel: cb.Channel.ID, thread: cb.Message.ThreadTimestamp, question: fromSlack(cb.Message.Text), choices: s.files}
	if f.thread == "" {
		f.thread = cb.Message.Timestamp
	}
	for _, file := range cb.Message.Files {
		if data(file.Name) && !gone(file) {
			f.ticked = append(f.ticked, input(file))
			if !slices.ContainsFunc(f.choices, func(c approval.File) bool { return c.ID == file.ID }) {
				f.choices = append(f.choices, input(file))
			}
		}
	}
	return b.openForm(ctx, cb.TriggerID, f)
}

// submitForm asks what the form holds. What is wrong is said beside its field.
func (b *Bot) submitForm(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := originOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	q := approval.Question{Team: cb.Team.ID, Project: from.Channel, Asker: cb.User.ID, ThreadTS: from.Thread,
		Text: strings.TrimSpace(fields[fieldQuestion].Value), Model: fields[fieldModel].SelectedOption.Value, Trigger: "form " + cb.View.ID}
	if q.Project == "" {
		q.Project = fields[fieldChannel].SelectedConversation
	}
	s, err := b.look(ctx, q.Project, "")
	if err != nil {
		return amiss(err, fieldChannel, cb)
	}
	for _, ticked := range fields[fieldFiles].SelectedOptions {
		file, err := b.ticked(ctx, s, ticked.Value, q.Project)
		if errors.Is(err, approval.ErrFileGone) {
			err = &approval.InputError{Why: ticked.Text.Text + " has been deleted in the meantime. Please untick it."}
		}
		if err != nil {
			return amiss(err, fieldFiles, cb)
		}
		q.Files = append(q.Files, file)
	}
	for _, file := range fields[fieldUpload].Files {
		if !data(file.Name) {
			return amiss(&approval.InputError{Why: cut(file.Name, 100) + " is none of the files that I can read: " + strings.ToUpper(strings.Join(dataTypes, ", ")) + "."}, fieldUpload, cb)
		}
		q.Files, q.Uploads = append(q.Files, input(file)), true
	}
	r, err := b.Service.Ask(ctx, q)
	if err != nil {
		return amiss(err, fieldQuestion, cb)
	}
	at := seat{user: cb.User.ID, channel: q.Project, thread: q.ThreadTS}
	return answer{after: func(ctx context.Context) { b.tell(ctx, at, taken(r)...) }}, nil
}

// amiss says beside a field of the form what is wrong. A field that the form does
// not have cannot say anything: the question always can.
func amiss(err error, field string, cb slack.InteractionCallback) (answer, error) {
	text, ok := known(err)
	if !ok {
		return answer{}, err
	}
	if !slices.ContainsFunc(cb.View.Blocks.BlockSet, func(b slack.Block) bool { return b.ID() == field }) {
		field = fieldQuestion
	}
	return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{field: cut(text, 2000)})}, nil
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

// ticked finds a file by its id: among the latest, or wherever it is by now.
func (b *Bot) ticked(ctx context.Context, s shelf, id, channel string) (approval.File, error) {
	for _, f := range s.all {
		if f.ID == id {
			return f, nil
		}
	}
	f, err := b.info(ctx, id)
	if err != nil {
		return approval.File{}, err
	}
	if !slices.Contains(slices.Concat(f.Channels, f.Groups, f.IMs), channel) {
		return approval.File{}, approval.ErrFileGone
	}
	return input(*f), nil
}
