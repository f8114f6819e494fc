package bot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	approvals "countersign/approval/habits"
	"countersign/approval/reading"
	"countersign/approval/steps"
	"countersign/bot/assistant"
	"countersign/bot/command"
	"countersign/bot/draw"
	"countersign/bot/draw/notice"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/meant"
)

// Questions are what people ask, and what they have asked. Each deed holds whoever clicks against the request by itself:
// handlers need not ask beforehand who may.
// Errors that people may read are told by draw.Known; any other leaves the envelope unacked. A trigger, here
// and in approval.Question, names one deed of one person: the same trigger again gives the request of the
// first.
type Questions interface {
	Ask(ctx context.Context, q approval.Question) (*approval.Request, error)
	// Answer says how a file is meant, Correct that it was read wrongly, and Compare shows a text in several
	// encodings. The key names the doubt or question that is answered, since a newer one may have taken its
	// place.
	Answer(ctx context.Context, id, key, says string, click approval.Click) (*approval.Request, error)
	Correct(ctx context.Context, id, file string, said []reading.Answered, click approval.Click) (*approval.Request, error)
	Compare(ctx context.Context, id, key string, click approval.Click) (reading.Doubt, [][]string, error)
	// Choose and Say answer what a model has asked the asker: by one of its choices, or in words.
	Choose(ctx context.Context, id, key, choice string, click approval.Click) (*approval.Request, error)
	Say(ctx context.Context, id, key, words string, click approval.Click) (*approval.Request, error)
	Withdraw(ctx context.Context, id string, click approval.Click) (*approval.Request, error)
	Verify(ctx context.Context, id string, click approval.Click, trigger string) (*approval.Request, error)
	// The latest first; how many there are at most is for the service to say.
	Recent(ctx context.Context, team, user string) ([]*approval.Request, error)
	View(ctx context.Context, id string) (*steps.View, error)
	// Offered are the models of a channel, or of the workspace without one.
	Offered(ctx context.Context, team, project string) (steps.ModelList, error)
}

// Threads are what was said and read before in the thread of a question.
type Threads interface {
	// OfThread are the files that its questions have read.
	OfThread(ctx context.Context, thread approval.Session) ([]approval.File, error)
	// Awaited tells whether a message in it would answer what a model has asked whoever writes it.
	Awaited(ctx context.Context, q approval.Question) (bool, error)
}

// Habits is how people have approved lately, for administrators and auditors. It refuses anybody else.
type Habits interface {
	ReviewHabits(ctx context.Context, click approval.Click) (approvals.Digest, error)
}

// asking takes questions: from a command, a form, a mention, a direct message or a chat.
//
// breaking and answered are set after it was made, because they need parts of it in turn (SetServices).
type asking struct {
	*slackAPI
	files   *files
	chats   *assistant.Threads
	service Questions
	threads Threads
	pinned  *pinned
	shelf   assistant.Shelf // nil: nobody knows how files are read
	habits  Habits          // nil: nobody looks at how people approve

	breaking *breaking
	answered *answered // takes the order that hands a thread over
}

// analyze is where /analyze comes in. Its words are, in this order: an order that opens a modal
// (window), another order (aside), small talk, nothing (the form), or a question. What is no
// question comes first: it costs nothing, and works where no model may be asked.
func (h *asking) analyze(ctx context.Context, c slack.SlashCommand) (answer, error) {
	click := approval.Click{Team: c.TeamID, User: c.UserID, Channel: c.ChannelID}
	if a, ok, err := h.window(ctx, c, click); ok {
		return a, err
	}
	// window has looked at Slack's own spelling, in which a person is "<@U1|priya>"; what follows are words.
	text := kit.FromSlack(c.Text)
	if a, ok, err := h.aside(ctx, text, click, "command "+c.TriggerID); ok {
		return a, err
	}
	// Before anything is looked up: whoever says thanks should not wait for a list of files.
	if talk := meant.TalkOf(text); talk != meant.NoTalk {
		return privately(h.talk(talk)), nil
	}
	if text == "" {
		a, err := h.openForm(ctx, c.TeamID, c.TriggerID, draw.Form{Channel: c.ChannelID, Person: c.UserID})
		if err != nil {
			return orPrivately(err)
		}
		return a, nil
	}
	// After the orders: "help with model: x" would be a question, and "help" alone never names a model.
	model, text, err := command.Question(text)
	if err != nil {
		return orPrivately(err)
	}
	// The trigger names what the person did, not the words: whoever types the same again asks again,
	// and a repeated delivery finds the request of the first. Other ways to ask have triggers of their own.
	// No ThreadTS: a command cannot be typed in a thread, so its question begins one in the channel.
	r, err := h.service.Ask(ctx, approval.Question{Team: c.TeamID, Project: c.ChannelID, Asker: c.UserID, Text: text, Model: model, Trigger: "command " + c.TriggerID})
	if err != nil {
		return orPrivately(err)
	}
	return privately(draw.Taken(r)), nil
}

// orPrivately answers a command with the error's text, if people may read it.
// It goes by the ack and not by a message of its own, as orSorry would have it: a command has room for words in
// its ack, and they arrive also where the bot is not in the channel.
func orPrivately(err error) (answer, error) {
	if text, ok := draw.Known(err); ok {
		return privately(&kit.Page{}, kit.Words(text)), nil
	}
	return answer{}, err
}

// typedHand is an order that hands a thread over: the id of a question, and perhaps a colleague.
var typedHand = regexp.MustCompile(`(?i)^hand\s+(\w+)(?:\s+<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>)?$`)

// window handles words after /analyze that open a modal: data, hand. A mention has no trigger to
// open one with, so there they are a question.
// ok tells that the words were such an order, also where it failed: then err or a refusal in a is its outcome.
func (h *asking) window(ctx context.Context, c slack.SlashCommand, click approval.Click) (a answer, ok bool, err error) {
	// Slack's spelling stays, because the order to hand over may name a colleague by their id.
	text := strings.TrimSpace(c.Text)
	hand := typedHand.FindStringSubmatch(text)
	switch {
	case strings.EqualFold(text, "data"):
		a, err = h.pinned.list(ctx, c.TriggerID, click)
	// Message is empty: there is no message that was pressed.
	case hand != nil:
		id := strings.ToLower(hand[1]) // as phones begin a word
		err = h.answered.offer(ctx, c.TriggerID, id, hand[2], click, draw.Origin{Channel: c.ChannelID, Seal: id})
	default:
		return answer{}, false, nil
	}
	if err != nil {
		a, err = orPrivately(err)
	}
	return a, true, err
}

// aside handles words after /analyze, or in a mention, that are no question: help, reviews,
// break-glass, status, cancel, verify.
//
// trigger names what was typed or said, for the one order that begins a request. ok is as in window.
func (h *asking) aside(ctx context.Context, text string, click approval.Click, trigger string) (a answer, ok bool, err error) {
	// An order stands alone, or with one id behind it. Anything longer is a question that begins with the same word.
	verb, rest, more := strings.Cut(strings.Join(strings.Fields(strings.ToLower(text)), " "), " ") // whatever blanks a phone writes
	switch {
	case verb == "help" && !more:
		return privately(draw.HelpAnalyze(h.Policy())), true, nil
	// Without the service the word is a question like any other.
	case verb == "reviews" && !more && h.habits != nil:
		d, err := h.habits.ReviewHabits(ctx, click)
		if err != nil {
			a, err = orPrivately(err)
			return a, true, err
		}
		return privately(notice.Habits(h.with(), d)), true, nil
	case verb == "break-glass" && !more && h.breaking.glass != nil:
		a, err = h.breaking.offer(ctx, click)
		return a, true, err
	case verb == "status" && !more:
		a, err = h.status(ctx, click)
		return a, true, err
	// A request that is cancelled is gone, so nobody guesses which one is meant, not even where there is only
	// one.
	case verb == "cancel" && !more:
		return privately(&kit.Page{}, kit.Words("Which one? "),
			kit.Mono(ids.CommandAnalyze+" status"), kit.Words(" lists your questions, each with a Cancel button.")), true, nil
	case verb == "cancel" && !strings.Contains(rest, " "): // more words are a question: "cancel rates by month?"
		a, err = h.cancel(ctx, rest, click)
		return a, true, err
	case verb == "verify" && more && !strings.Contains(rest, " "):
		a, err = h.verify(ctx, rest, click, trigger)
		return a, true, err
	}
	return answer{}, false, nil
}

// talk answers who asks nothing: at once, without a model, a card or a cent.
//
// Whatever is no talk gets the help: a caller asks before whether it is any.
func (h *asking) talk(talk meant.Talk) *kit.Page {
	switch talk {
	case meant.Greeting:
		return draw.Hello()
	case meant.Thanks:
		return draw.Welcome()
	case meant.Farewell:
		return draw.Goodbye()
	}
	return draw.HelpAnalyze(h.Policy())
}

// status lists what somebody has asked lately.
func (h *asking) status(ctx context.Context, click approval.Click) (answer, error) {
	list, err := h.service.Recent(ctx, click.Team, click.User)
	if err != nil {
		return orPrivately(err)
	}
	return privately(draw.Questions(list)), nil
}

// clickCancel cancels a request. What stands in the thread is redrawn; a message for one person alone is never rewritten
// (Slack gives no way to find it again), so they are told.
func (h *asking) clickCancel(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	r, err := h.service.Withdraw(ctx, action.Value, clickOf(cb, action))
	// In the thread the new state is the answer; to say it once more in private would only be noise.
	if err != nil || !cb.Container.IsEphemeral {
		return answer{}, err
	}
	return h.whisper(cancelled(r), seatOf(cb)), nil
}

// clickAnswer takes the asker's word for how a file is meant.
func (h *asking) clickAnswer(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	// The value is "request key answer": the key names the doubt, so that a press on an old message answers no newer one.
	said := strings.Fields(action.Value)
	if len(said) != 3 {
		return answer{}, fmt.Errorf("an answer without its question: %q", kit.Cut(action.Value, 100))
	}
	_, err := h.service.Answer(ctx, said[0], said[1], said[2], clickOf(cb, action))
	return answer{}, err
}

// clickChoose takes the answer that the asker picks of those that the model offers.
//
// The value is built like that of clickAnswer: request, key of the question, and the choice by its number.
func (h *asking) clickChoose(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	said := strings.Fields(action.Value)
	if len(said) != 3 {
		return answer{}, fmt.Errorf("an answer without its question: %q", kit.Cut(action.Value, 100))
	}
	_, err := h.service.Choose(ctx, said[0], said[1], said[2], clickOf(cb, action))
	return answer{}, err
}

// clickSay opens the field for an answer in the asker's own words.
//
// It refuses before it opens what Say would refuse after: nobody should write an answer that nobody takes.
func (h *asking) clickSay(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, key, _ := strings.Cut(action.Value, " ")
	v, err := h.service.View(ctx, id)
	switch {
	case err != nil:
		return answer{}, err
	// As everywhere: of a request of another workspace it is not even told that there is one.
	case v.Request.Team != cb.Team.ID:
		return answer{}, approval.ErrNotFound
	case v.Request.Asker != cb.User.ID:
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Because(approval.WhyAskerAnswers)}
	}
	open := (approval.Talk{Request: v.Request}).Open()
	view, ok := draw.SayView(v.Request, action.Value)
	if !ok || open.Key() != key { // a message that still shows an older question
		return answer{}, &approval.MoveError{Request: v.Request, Verb: "answer the model of", Why: approval.Because(approval.WhyOtherDoubt)}
	}
	return answer{}, h.open(ctx, cb.TriggerID, view)
}

// submitSay takes an answer in the asker's own words.
func (h *asking) submitSay(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	// SayView has put the button's value there as it was, so the answer is for the question that was read.
	id, key, ok := strings.Cut(cb.View.PrivateMetadata, " ")
	if !ok {
		return answer{}, fmt.Errorf("an answer without its question: %q", kit.Cut(cb.View.PrivateMetadata, 100))
	}
	_, err := h.service.Say(ctx, id, key, fieldsOf(cb)[ids.FieldSaid].Value, modalClick(cb, draw.Origin{}))
	return saved(cb, err, ids.FieldSaid)
}

// submitReread has the file read as its asker says. A question that has ended is asked anew in
// its thread, with the same words.
func (h *asking) submitReread(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	// Seal is the request's id alone here: how a file is read is no matter of one revision.
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	// Asked anew, because between the opening and this the request may have ended, or another file been read.
	r, err := h.own(ctx, cb, from.Seal)
	if err != nil {
		return saved(cb, err, ids.FieldHeading)
	}
	fields, files := fieldsOf(cb), draw.Rereadable(r)
	chose := fields[ids.FieldFiles].SelectedOption.Value
	// Where there is one file the form has no list of them, and chose is empty.
	at := slices.IndexFunc(files, func(f approval.File) bool { return chose == "" || f.ID == chose })
	if at < 0 {
		return saved(cb, &approval.InputError{Why: approval.Because(approval.WhyNotReadYet)}, ids.FieldHeading)
	}
	file := files[at]
	said, err := file.Reading.Corrected(reading.Correction{Heading: fields[ids.FieldHeading].Value, Sheet: fields[ids.FieldSheet].Value, Text: fields[ids.FieldAsText].Value,
		Delimiter: chosen(fields[ids.FieldDelimiter]), Decimal: chosen(fields[ids.FieldDecimal]), Encoding: chosen(fields[ids.FieldEncoding])})
	if wrong, ok := errors.AsType[*reading.CorrectionError](err); ok {
		// A file with one sheet, or without text columns, has no such field in its form.
		field := map[string]string{reading.FieldSheet: ids.FieldSheet, reading.FieldText: ids.FieldAsText}[wrong.Field]
		if _, there := fields[field]; !there {
			field = ids.FieldHeading
		}
		return beside(field, wrong.Words), nil
	}
	// An open question is read anew as it is. What has ended never moves again, so it is asked anew.
	if !r.State.Final() {
		_, err := h.service.Correct(ctx, r.ID, file.ID, said, modalClick(cb, from))
		return saved(cb, err, ids.FieldHeading)
	}
	// The trigger holds what was said: the same correction sent twice is one question, another one a new question.
	// Given: its files are these and no others, whatever its words name, since the reading belongs to one file.
	q := approval.Question{Team: r.Team, Project: r.Project, Asker: r.Asker, Model: r.Chosen.Name(), Text: r.Question, ThreadTS: from.Thread, Follow: from.Thread != "", Given: true, Private: r.Private,
		Trigger: "reread " + r.ID + " " + file.ID + " " + approval.Short(approval.Hash(fmt.Append(nil, said)))}
	// What was asked alone goes on where it stands, and never in the channel by whose rules it goes.
	if r.Private {
		q.Seat = from.Channel
	}
	// All files of the question go along, of which one is now read otherwise: the words may be about several.
	files, err = approval.Corrected(r, file.ID, said)
	if err != nil {
		return saved(cb, err, ids.FieldHeading)
	}
	for _, f := range files {
		q.Files, q.Brought = append(q.Files, approval.File{ID: f.ID, Name: f.Name, Size: f.Size, Answers: f.Answers}), append(q.Brought, f.ID)
	}
	_, err = askAnew(ctx, h.service.Ask, q)
	return saved(cb, err, ids.FieldHeading)
}

// clickCompare shows the asker alone what a text looks like in several encodings. The modal opens
// at once; a box shows the letters a little later.
func (h *asking) clickCompare(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, key, _ := strings.Cut(action.Value, " ")
	r, err := h.own(ctx, cb, id)
	if err != nil {
		return answer{}, err
	}
	// The doubt may have been settled, or another one come, since the button was drawn.
	_, d, open, ok := r.Doubted()
	if !ok || open != key {
		return answer{}, &approval.InputError{Why: approval.Because(approval.WhyOtherDoubt)}
	}
	from, click := draw.Origin{Channel: seatOf(cb).channel, Thread: seatOf(cb).thread, Seal: action.Value}, clickOf(cb, action)
	view := draw.LettersView(from, d, nil, "")
	shown, err := h.api.OpenViewContext(ctx, cb.TriggerID, view)
	// Without a view there is nothing to put the letters into: a repeated delivery, whose modal is open.
	if err := opened(view, err); err != nil || shown == nil {
		return answer{}, err
	}
	// To compare, the file is read in a box, which takes longer than Slack waits.
	return answer{long: true, after: func(ctx context.Context) {
		d, letters, err := h.service.Compare(ctx, id, key, click)
		why := ""
		switch {
		case err != nil:
			why = h.Words(err)
		case len(letters) == 0:
			why = "There is nothing to compare."
		}
		h.fill(ctx, shown.View, draw.LettersView(from, d, letters, why))
	}}, nil
}

// submitLetters takes the encoding that reads right.
func (h *asking) submitLetters(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	id, key, _ := strings.Cut(from.Seal, " ")
	_, err = h.service.Answer(ctx, id, key, fieldsOf(cb)[ids.FieldEncoding].SelectedOption.Value, modalClick(cb, from))
	return saved(cb, err, ids.FieldEncoding)
}

// chosen is what stands in the value of an option. It is quoted there, since it may be a tab or a blank.
func chosen(field slack.BlockAction) string {
	text, err := strconv.Unquote(field.SelectedOption.Value)
	if err != nil {
		return "" // nothing was chosen
	}
	return text
}
