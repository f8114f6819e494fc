package bot

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/meant"
)

// openForm shows the form at once, and what there is to tick when it is open: Slack
// keeps what somebody has filled in meanwhile, by the names of the fields.
//
// The first drawing has no list of files (Listed is false), the second has one or a note in its place. Where no
// channel is known yet there is nothing to list, and the form stays as it is.
func (h *asking) openForm(ctx context.Context, team, trigger string, f draw.Form) (answer, error) {
	// Offered is a query of ours; whatever asks Slack has to wait until the form is open.
	f.Team = team
	place := f.Channel
	if approval.Direct(place) && f.Thread == "" {
		place = "" // a channel may be chosen in the form; what it does not allow is refused when the form is sent off
	}
	list, err := h.service.Offered(ctx, team, place)
	if err != nil {
		return answer{}, err
	}
	// Alone begins ticked where the rules of that channel say so; whoever asks may take the tick away.
	f.Models, f.Alone = list.Allowed(), f.Alone || list.Rules.Rules.Alone
	// Opened before the channel's files are known: the trigger is good for three seconds, and listing
	// files may take as many calls as there are pages.
	view := draw.FormView(h.Policy(), f)
	shown, err := h.api.OpenViewContext(ctx, trigger, view)
	// shown is nil for a repeated delivery: its form is open already, and the first delivery fills it.
	if err := opened(view, err); err != nil || f.Channel == "" || shown == nil || shown.ID == "" {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.offer(ctx, shown.View, f) }}, nil
}

// offer puts the files of the channel into an open form, or says why none can be
// chosen. A form that has been sent off or closed by then needs none.
func (h *asking) offer(ctx context.Context, open slack.View, f draw.Form) {
	f.Listed = true
	// What is known comes even with an error, and is offered all the same.
	files, err := h.choices(ctx, &f)
	if cause, ok := errors.AsType[*approval.CauseError](err); ok {
		f.Note = append([]kit.Part{kit.Strong("This cannot be answered yet. ")}, draw.Lacks(h.with(), cause.Cause)...)
	} else if err != nil {
		h.Log.Warn("list the files for a form", "channel", f.Channel, "error", err)
		f.Note = []kit.Part{kit.Words("The files of this channel cannot be listed right now. Name the file in your question.")}
	}
	f.Choices = files
	// Only a message ticks for somebody what they did not choose from a list of ours.
	if err == nil && f.Message {
		f.Note = append(f.Note, h.unseen(ctx, &f)...)
	}
	// With the hash of the form that was opened, so that a form which was sent off meanwhile is left alone.
	h.fill(ctx, open, draw.FormView(h.Policy(), f))
}

// unseen takes out of a form what was ticked for somebody and cannot be read now, and says which and
// why: they may see a file that the bot does not.
func (h *asking) unseen(ctx context.Context, f *draw.Form) (said []kit.Part) {
	for _, file := range f.Ticked {
		cause, ok := errors.AsType[*approval.CauseError](h.files.Stat(ctx, file))
		if !ok {
			continue
		}
		// Cloned before it is shortened, because the loop still goes over the same list.
		is := func(g approval.File) bool { return g.ID == file.ID }
		f.Ticked, f.Choices = slices.DeleteFunc(slices.Clone(f.Ticked), is), slices.DeleteFunc(f.Choices, is)
		said = append(append(said, draw.Lacks(h.with(), cause.Cause)...), kit.Words(" "))
	}
	return said
}

// choices are what the form offers already, the files of its thread, and those of its
// channel, each with who has shared it and when.
//
// It fills About, the words beside each file, and Brought, the ids that need not lie in the channel.
func (h *asking) choices(ctx context.Context, f *draw.Form) ([]approval.File, error) {
	all := slices.Clone(f.Choices)
	// First, since a person who is not in the channel must see none of what follows.
	place, err := h.files.Place(ctx, f.Channel, f.Person)
	if err != nil {
		return all, err
	}
	// The bot may be in private channels that this person is not in. None of their files is listed.
	if cause := place.Cause(f.Channel, f.Person); cause != nil {
		return all, &approval.CauseError{Cause: *cause}
	}
	add := func(file approval.File) {
		if !slices.ContainsFunc(all, func(c approval.File) bool { return c.ID == file.ID }) {
			all = append(all, file)
		}
	}
	// The map goes by the id of a file. Slack shows the words as the description of its checkbox.
	f.About = map[string]string{}
	// What is pinned stands first in the list, then what this thread has read, then what else the channel holds.
	pinned, err := h.pinned.service.Pinned(ctx, f.Team, f.Channel, f.Person)
	if err != nil {
		return all, err
	}
	places := map[string]string{}
	for _, p := range pinned {
		// A pin may be for some people only.
		if p.For(f.Person) {
			add(p.File)
			to := ""
			if p.Project != f.Channel { // in a direct message: files of one name may be pinned to several channels
				to = h.files.nameOf(ctx, p.Project, places)
			}
			f.About[p.File.ID] = "pinned" + to + ", " + p.At.In(h.calendar()).Format("2 January 2006")
		}
	}
	if f.Thread != "" {
		before, err := h.threads.OfThread(ctx, approval.Session{Team: f.Team, Channel: f.Channel, ThreadTS: f.Thread})
		if err != nil {
			return all, err
		}
		for _, file := range before {
			add(file)
			// In the thread it may be used though it lies elsewhere: Find still asks whether Slack shows it to
			// the asker.
			f.About[file.ID], f.Brought = "read in this thread before", append(f.Brought, file.ID)
		}
	}
	// An error comes back beside what is known by then: pins and the thread's own files can be ticked all the same.
	s, err := h.files.look(ctx, f.Channel, "")
	names := map[string]string{}
	for _, file := range s.Choices() {
		// Pinned for others: its pin says who may use it, also where they could see the upload.
		if p, held := pins.Find(pinned, f.Channel, file.ID); held && !p.For(f.Person) {
			continue
		}
		add(file.File)
		// What was said of it above says more than who shared it.
		if f.About[file.ID] == "" {
			f.About[file.ID] = h.shared(ctx, file, names)
		}
	}
	return all, err
}

// nameOf is " to #name" of a channel. Where Slack does not say it, or after many, it is nothing: somebody waits for the list. known are those
// that were looked up.
func (h *files) nameOf(ctx context.Context, channel string, known map[string]string) string {
	if _, had := known[channel]; !had && len(known) < mostNames {
		known[channel] = ""
		if c, err := h.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel}); err == nil && c.Name != "" {
			known[channel] = " to #" + kit.Cut(c.Name, 40)
		}
	}
	return known[channel]
}

// mostNames is how many people are looked up for one form: each is a call, users.info, and somebody waits for the list.
const mostNames = 10

// shared says who has shared a file, and when, on the team's calendar. names are those of
// people who have been looked up.
func (h *asking) shared(ctx context.Context, file meant.Shared, names map[string]string) string {
	when := file.At.In(h.calendar()).Format("2 January, 15:04")
	if file.Ours {
		return "a result of mine, " + when
	}
	if _, known := names[file.By]; !known && len(names) < mostNames {
		names[file.By] = ""
		if p, err := h.files.Person(ctx, "", file.By); err == nil {
			names[file.By] = p.Name
		}
	}
	// Somebody who cannot be looked up, or one too many, goes without a name: the day tells files apart as
	// well.
	if name := names[file.By]; name != "" {
		return "shared by " + kit.Cut(name, 40) + ", " + when
	}
	return "shared " + when
}

// askAnywhere is the global shortcut.
func (h *asking) askAnywhere(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	return h.openForm(ctx, cb.Team.ID, cb.TriggerID, draw.Form{})
}

// clickAsk is the button on the Home.
func (h *asking) clickAsk(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return h.openForm(ctx, cb.Team.ID, cb.TriggerID, draw.Form{})
}

// askMessage is the shortcut on a message: its words are the question, its files
// are ticked, its thread gets the answer. The message may be anybody's; who asks is whoever used the shortcut.
func (h *asking) askMessage(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	f := draw.Form{Message: true, Channel: cb.Channel.ID, Team: cb.Team.ID, Person: cb.User.ID, Thread: cb.Message.ThreadTimestamp, Question: kit.FromSlack(cb.Message.Text)}
	if f.Thread == "" {
		f.Thread = cb.Message.Timestamp
	}
	// A refusal here would lose the words, so the form opens and says which of the files it leaves out.
	var kinds, hidden []string // of files that are no data, and that Slack shows to nobody here
	for _, file := range cb.Message.Files {
		switch {
		// Of a file that Slack does not show here it sends an id and "check_file_info" alone.
		case gone(file) || file.FileAccess == "check_file_info":
			hidden = append(hidden, file.Name)
		case draw.Data(file.Name):
			f.Ticked, f.Choices = append(f.Ticked, input(file)), append(f.Choices, input(file))
		default:
			kinds = append(kinds, file.Name)
		}
	}
	f.Note = draw.Carries(len(f.Ticked), kinds, hidden)
	return h.openForm(ctx, cb.Team.ID, cb.TriggerID, f)
}

// submitForm asks what the form holds. What is wrong is said beside its field.
func (h *asking) submitForm(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	// The view's id is the trigger: a form that Slack delivers twice finds the request of the first.
	q := approval.Question{Team: cb.Team.ID, Project: from.Channel, Asker: cb.User.ID, ThreadTS: from.Thread,
		Text: strings.TrimSpace(fields[ids.FieldQuestion].Value), Model: fields[ids.FieldModel].SelectedOption.Value, Trigger: "form " + cb.View.ID}
	// It is kept only where a channel could be chosen: below it means that its people's money and files are
	// meant, and that whether the asker is one of them has not been looked up yet.
	chose := fields[ids.FieldChannel].SelectedConversation
	switch {
	case from.Channel == "":
		q.Project = chose
	case approval.Direct(from.Channel) && chose != "": // by whose rules a direct message goes: see hear
		q.Project, q.Seat = chose, from.Channel
	default:
		chose = ""
	}
	// A form that was sent off before the channel's files were in it says nothing about them.
	_, q.Given = fields[ids.FieldFiles]
	// Nor does one that listed those of the direct message, where another channel has been chosen.
	q.Given = q.Given && (q.Seat == "" || len(fields[ids.FieldFiles].SelectedOptions) > 0)
	// The field is missing in the form of a direct message: nobody else reads there.
	if alone, asked := fields[ids.FieldAlone]; asked {
		q.Private = len(alone.SelectedOptions) > 0
		q.Openly = !q.Private && from.Channel != "" // where the channel was chosen in the form, its rules could not tick it
	}
	q.Brought = from.Brought
	for _, ticked := range fields[ids.FieldFiles].SelectedOptions {
		q.Files = append(q.Files, draw.TickedFile(ticked))
		if q.Seat != "" { // it was shared in the direct message, and need not be in the channel
			q.Brought = append(q.Brought, draw.TickedFile(ticked).ID)
		}
	}
	// The field names the kinds that it takes; they are looked at again, as is all that an envelope says.
	for _, file := range fields[ids.FieldUpload].Files {
		if !draw.Data(file.Name) {
			return amiss(notData(file.Name), ids.FieldUpload, cb)
		}
		q.Files, q.Brought, q.Uploads = append(q.Files, input(file)), append(q.Brought, file.ID), true
	}
	r, err := h.service.Ask(ctx, q)
	if err != nil {
		return amiss(err, draw.AskedField(err), cb)
	}
	// In a modal the envelope names no channel, so the word goes to where the question was asked.
	at := seat{user: cb.User.ID, channel: q.Thread().Channel, thread: q.ThreadTS}
	return answer{after: func(ctx context.Context) {
		// Of the budget of a channel that was chosen in the form only its people hear. Find tells the
		// others what is in the way.
		if chose != "" && !approval.Direct(chose) && !h.both(ctx, chose, at.user) {
			return
		}
		h.hand(ctx, at, draw.Taken(r))
	}}, nil
}

// amiss says beside a field of the form what is wrong. If the form lacks that field, the
// text goes beside the question, which it always has.
//
// Fields come and go with what the form was drawn for, and Slack has no place for words beside one that it lacks.
func amiss(err error, field string, cb slack.InteractionCallback) (answer, error) {
	text, ok := draw.Known(err)
	if !ok {
		return answer{}, err
	}
	if !slices.ContainsFunc(cb.View.Blocks.BlockSet, func(b slack.Block) bool { return b.ID() == field }) {
		field = ids.FieldQuestion
	}
	return beside(field, text), nil
}

// clickAgain opens the form with a question that could not be taken as it was. What
// was asked, and what there is to choose from, is kept.
func (h *asking) clickAgain(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := h.service.View(ctx, action.Value)
	if err != nil {
		return answer{}, err
	}
	r := v.Request
	if r.Team != cb.Team.ID {
		return answer{}, approval.ErrNotFound
	}
	// The form would hold their words and files, and the question would go by their budget.
	if r.Asker != cb.User.ID {
		return answer{}, onlyAsker(cb.User.ID)
	}
	// A question whose pins were not for all is proposed as a private one: that is one way in which it can be
	// answered.
	f := draw.Form{Channel: r.Project, Team: r.Team, Person: r.Asker, Thread: v.Session.ThreadTS, Alone: r.Private || r.Reason.Code == approval.WhyPinnedPrivate, Question: r.Question, Choices: r.Files, Ticked: r.Files, Note: draw.LastTime(r)}
	if r.Private {
		f.Thread = "" // it gets a thread of its own
	}
	if c := r.Cause; c != nil {
		switch c.Code {
		// The channel is asked for again, with the old one proposed. Its thread and its files stay there.
		case approval.NotIn, approval.NotSeen, approval.ChannelArchived, approval.AskerNotIn:
			f.Channel, f.Likely, f.Thread = "", r.Project, ""
			f.Choices = portable(r)
			f.Ticked = f.Choices
			// A direct message cannot be chosen in the form.
			if approval.Direct(r.Project) {
				f.Likely = ""
			}
		// Asks has the form want a choice, since without one the same question would end the same way.
		case approval.WhichFile:
			f.Choices, f.Ticked, f.Asks = c.Files, nil, true
			f.Note = []kit.Part{kit.Strong("Your question does not say which file it is about."), kit.Words(" Tick it, or several, and send the form.")}
			if c.File != "" {
				f.Note = draw.Lacks(h.with(), *c)
			}
		case approval.NoFile:
			f.Choices, f.Ticked, f.Asks = c.Files, nil, true
			f.Note = draw.Lacks(h.with(), *c)
		// The form lists what is there now.
		case approval.FileGone, approval.FileNotHere, approval.FileNotYours, approval.FileNotSeen, approval.FileHidden, approval.FileWithheld:
			f.Choices, f.Ticked = nil, nil
		}
	}
	// They came with the question before, so they come with this one: they need not lie in the channel.
	for _, file := range f.Ticked {
		f.Brought = append(f.Brought, file.ID)
	}
	return h.openForm(ctx, cb.Team.ID, cb.TriggerID, f)
}

// portable returns the files that go along when a question is asked again in another
// place: those that came with it. Files of a channel or thread stay there, for those who
// are in it.
//
// Whoever is not in the channel gets none: they may have been there when they asked, and are not any more.
func portable(r *approval.Request) (files []approval.File) {
	if r.Cause.Code == approval.AskerNotIn || r.Seek == nil || r.Seek.Thread != "" {
		return nil
	}
	for _, f := range r.Files {
		if slices.Contains(r.Seek.Brought, f.ID) {
			files = append(files, f)
		}
	}
	return files
}

// clickReread opens the form in which the asker says how a file is to be read instead.
func (h *asking) clickReread(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	r, err := h.own(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, draw.RereadView(r, draw.Origin{Channel: seatOf(cb).channel, Thread: seatOf(cb).thread, Seal: r.ID}))
}

// own is a request of whoever presses: nobody else says how its files are read.
//
// It is an error as well where nothing of it can be read otherwise, so that no empty form opens.
func (h *asking) own(ctx context.Context, cb slack.InteractionCallback, id string) (*approval.Request, error) {
	v, err := h.service.View(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case v.Request.Team != cb.Team.ID:
		return nil, approval.ErrNotFound
	case v.Request.Asker != cb.User.ID:
		return nil, &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Because(approval.WhyAskerCorrects)}
	case len(draw.Rereadable(v.Request)) == 0:
		return nil, &approval.InputError{Why: approval.Because(approval.WhyNotReadYet)}
	}
	return v.Request, nil
}
