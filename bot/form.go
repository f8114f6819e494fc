package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
)

// form is the modal in which a question is asked with all that belongs to it.
type form struct {
	channel  string // empty: the person chooses one
	likely   string // the one that stands there when they do
	person   string // who fills it in
	thread   string
	question string
	choices  []approval.File // to tick
	ticked   []approval.File
	brought  []string // ids of those that need not be in the channel
	asks     bool     // the question was asked already, and leaves open which files it means
	listed   bool     // what there is to tick is known: it is looked up once the form is open
	note     []part
}

// origin is what a modal remembers of the place that it was opened from.
type origin struct {
	Channel string `json:"channel,omitempty"`
	Thread  string `json:"thread,omitempty"`
	Message string `json:"message,omitempty"` // of the card
	Seal    string `json:"seal,omitempty"`    // what the card showed
	Mark    string `json:"mark,omitempty"`    // of everything that the modal says; see markOf

	Brought []string `json:"brought,omitempty"` // files that need not be in the channel
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
func formView(policy approval.Policy, models []string, f form) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(plain("What were sales per month, by region?"), fieldQuestion)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, min(maxQuestion, policy.MaxQuestion), true
	field.InitialValue = cut(f.question, field.MaxLength)
	blocks := []slack.Block{slack.NewInputBlock(fieldQuestion, plain("Your question"), nil, field)}
	if f.channel == "" {
		where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, plain("Choose a channel"), fieldChannel)
		where.DefaultToCurrentConversation, where.InitialConversation = f.likely == "", f.likely
		where.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private", "im"}, ExcludeExternalSharedChannels: true, ExcludeBotUsers: false}
		blocks = append(blocks, slack.NewInputBlock(fieldChannel, plain("Where the answer goes"), plain("I have to be in that channel."), where))
	}
	if len(f.note) > 0 {
		p := &page{}
		p.say(f.note...)
		blocks = append(p.blocks, blocks...)
	}
	if len(f.choices) > 0 {
		title := "Files in this channel"
		if f.asks {
			title = "Which files is it about?"
		}
		files := slack.NewInputBlock(fieldFiles, plain(title), nil, boxes(f))
		blocks = append(blocks, files.WithOptional(true))
	}
	if f.channel != "" && !f.listed {
		p := &page{}
		p.small(words("Looking for files in this channel …"))
		blocks = append(blocks, p.blocks...)
	}
	upload := slack.NewFileInputBlockElement(fieldUpload).WithFileTypes(dataTypes...).WithMaxFiles(10)
	hint := fmt.Sprintf("CSV, TSV, XLSX or JSON, at most %d MB each, %d MB together.", policy.MaxFileBytes>>20, policy.MaxInputBytes>>20)
	blocks = append(blocks, slack.NewInputBlock(fieldUpload, plain("Files to upload"), plain(hint), upload).WithOptional(true))
	if len(models) > 1 {
		var options []*slack.OptionBlockObject
		for _, m := range models[:min(100, len(models))] {
			options = append(options, slack.NewOptionBlockObject(cut(m, 75), plain(cut(m, 75)), nil))
		}
		choice := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, plain("Model"), fieldModel, options...).WithInitialOption(options[0])
		blocks = append(blocks, slack.NewInputBlock(fieldModel, plain("Model that writes the code"), nil, choice))
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackForm, Title: plain("Ask a question"), Submit: plain("Ask"),
		Close: plain("Cancel"), PrivateMetadata: origin{Channel: f.channel, Thread: f.thread, Brought: f.brought}.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// boxes are the channel's files to tick.
func boxes(f form) slack.BlockElement {
	var all, initial []*slack.OptionBlockObject
	for _, file := range f.choices[:min(maxChoices, len(f.choices))] {
		option := slack.NewOptionBlockObject(choiceOf(file), plain(cut(file.Name, 75)), nil)
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

// openForm shows the form at once, and what there is to tick when it is open: Slack
// keeps what somebody has filled in meanwhile, by the names of the fields.
func (b *Bot) openForm(ctx context.Context, trigger string, f form) (answer, error) {
	view := formView(b.Policy(), b.Service.Models(), f)
	shown, err := b.api.OpenViewContext(ctx, trigger, view)
	if err := opened(view, err); err != nil || f.channel == "" || shown == nil || shown.ID == "" {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { b.offer(ctx, shown.View, f) }}, nil
}

// offer puts the files of the channel into an open form, or says why none can be
// chosen. A form that has been sent off or closed by then needs none.
func (b *Bot) offer(ctx context.Context, open slack.View, f form) {
	f.listed = true
	files, err := b.choices(ctx, f)
	if cause := new(approval.CauseError); errors.As(err, &cause) {
		f.note = append([]part{strong("This cannot be answered yet. ")}, b.lacks(cause.Cause)...)
	} else if err != nil {
		b.Log.Warn("list the files for a form", "channel", f.channel, "error", err)
		f.note = []part{words("The files of this channel cannot be listed at the moment. Name the file in your question.")}
	}
	f.choices = files
	_, err = b.api.UpdateViewContext(ctx, formView(b.Policy(), b.Service.Models(), f), "", open.Hash, open.ID)
	if err != nil && !slices.Contains([]string{"not_found", "hash_conflict", "view_not_found"}, slackError(err)) {
		b.Log.Warn("put the files into a form", "error", detail(err))
	}
}

// choices are what the form offers already, and the files of its channel.
func (b *Bot) choices(ctx context.Context, f form) ([]approval.File, error) {
	all := slices.Clone(f.choices)
	place, err := b.Place(ctx, f.channel, f.person)
	if err != nil {
		return all, err
	}
	if cause := place.Cause(f.channel, f.person); cause != nil {
		return all, &approval.CauseError{Cause: *cause}
	}
	s, err := b.look(ctx, f.channel, "")
	for _, file := range s.files {
		if !slices.ContainsFunc(all, func(c approval.File) bool { return c.ID == file.ID }) {
			all = append(all, file)
		}
	}
	return all, err
}

// choiceOf is a file as an option carries it: its size is checked without another look.
func choiceOf(f approval.File) string {
	if f.Size == 0 {
		return f.ID
	}
	return fmt.Sprintf("%s/%d", f.ID, f.Size)
}

// tickedFile is the file of an option.
func tickedFile(o slack.OptionBlockObject) approval.File {
	id, size, _ := strings.Cut(o.Value, "/")
	bytes, _ := strconv.ParseInt(size, 10, 64) // of an older form: not known
	return approval.File{ID: id, Name: o.Text.Text, Size: bytes}
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
	f := form{channel: cb.Channel.ID, person: cb.User.ID, thread: cb.Message.ThreadTimestamp, question: fromSlack(cb.Message.Text)}
	if f.thread == "" {
		f.thread = cb.Message.Timestamp
	}
	for _, file := range cb.Message.Files {
		if data(file.Name) && !gone(file) {
			f.ticked, f.choices = append(f.ticked, input(file)), append(f.choices, input(file))
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
	// A form that was sent off before the channel's files were in it says nothing about them.
	_, q.Given = fields[fieldFiles]
	q.Brought = from.Brought
	for _, ticked := range fields[fieldFiles].SelectedOptions {
		q.Files = append(q.Files, tickedFile(ticked))
	}
	for _, file := range fields[fieldUpload].Files {
		if !data(file.Name) {
			return amiss(notData(file.Name), fieldUpload, cb)
		}
		q.Files, q.Brought, q.Uploads = append(q.Files, input(file)), append(q.Brought, file.ID), true
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
