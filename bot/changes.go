package bot

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// clickChanges opens the question what should be different. Who may not decide is
// told so at once, before they write anything.
func (b *Bot) clickChanges(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	return b.askReason(ctx, cb, action, approval.Rewrite)
}

// submitChanges has another version written.
func (b *Bot) submitChanges(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	return b.rule(ctx, cb, approval.Rewrite)
}

// changesView asks what should be different.
func changesView(from origin) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(plain("For example: leave out the test store, and round to whole dollars."), fieldReason)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, 1000, true
	p := &page{}
	p.say(words("The model gets the code and your words, and writes another version. Somebody has to review it like the first, and it costs the asker as much as writing the first one did."))
	blocks := append(p.blocks, slack.NewInputBlock(fieldReason, plain("What should be different?"), nil, field))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackChanges, Title: plain("Request changes"), Submit: plain("Request changes"),
		Close: plain("Back"), PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// editField names the field that holds one part of a program.
func editField(n int) string { return fmt.Sprintf("code_%d", n) }

// editView is a program in fields, to be changed by hand. ok is false for one
// that is too long for that.
func editView(r *approval.Request, from origin) (view slack.ModalViewRequest, ok bool) {
	parts, ok := split(r.Revision.Code)
	if !ok {
		return view, false
	}
	p := &page{}
	p.say(words("What you write becomes a version of your own. It is inspected like the model's, and somebody else has to approve it."))
	for i, part := range parts {
		field := slack.NewPlainTextInputBlockElement(nil, editField(i+1))
		field.Multiline, field.MaxLength, field.InitialValue = true, fieldChars, part.text
		label := fmt.Sprintf("Lines %d to %d of %d", part.from, part.to, len(lines(r.Revision.Code)))
		if len(parts) == 1 {
			label = "Code"
		}
		// One of several may be emptied, which takes its lines out.
		p.add(slack.NewInputBlock(editField(i+1), plain(label), nil, field).WithOptional(len(parts) > 1), 0, "")
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackEdit, Title: plain("Edit the code"), Submit: plain("Put up for review"),
		Close: plain("Cancel"), PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: p.blocks}}, true
}

// openEdit opens the code of a card's revision in fields.
func (b *Bot) openEdit(ctx context.Context, cb slack.InteractionCallback, s seal, click approval.Click) (answer, error) {
	r, err := b.Service.MayEdit(ctx, s.ruling(approval.Approve, "", click))
	if err != nil {
		return b.decided(s, click, seatOf(cb), err)
	}
	view, ok := editView(r, origin{Channel: click.Channel, Message: click.MessageTS, Seal: s.String()})
	if !ok {
		return answer{}, &approval.InputError{Why: "This program is too long to be edited in Slack. Use Request changes instead, and say what should be different."}
	}
	return answer{}, b.open(ctx, cb.TriggerID, view)
}

// submitEdit hands the fields in as one program. What is wrong with it is said
// beside the field that holds the line.
func (b *Bot) submitEdit(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	texts := editTexts(cb)
	click := modalClick(cb, from)
	_, err = b.Service.Edit(ctx, s.ruling(approval.Approve, "", click), join(texts))
	text, ok := known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	if isInput(err) {
		return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{editField(fieldOf(texts, text)): cut(text, 2000)})}, nil
	}
	return b.settled(s, click, text), nil
}

// editTexts are the fields of an edit in their order. One that was emptied is there, empty.
func editTexts(cb slack.InteractionCallback) (texts []string) {
	fields := fieldsOf(cb)
	for n := 1; n <= maxEditParts; n++ {
		if f, there := fields[editField(n)]; there {
			texts = append(texts, strings.ReplaceAll(f.Value, "\r\n", "\n"))
		}
	}
	return texts
}

// lineNamed finds the line that a complaint about code is about.
var lineNamed = regexp.MustCompile(`\bline (\d+)`)

// fieldOf is the field that holds the line that a complaint names; the first if it names none.
func fieldOf(texts []string, why string) int {
	match := lineNamed.FindStringSubmatch(why)
	if match == nil {
		return 1
	}
	line, err := strconv.Atoi(match[1])
	if err != nil {
		return 1
	}
	last := 1
	for i, text := range texts {
		if text == "" {
			continue
		}
		last = i + 1
		if line -= strings.Count(text, "\n") + 1; line <= 0 {
			break
		}
	}
	return last
}

// The two things that somebody can be asked for.
const (
	askDecide  = "decide"
	askOpinion = "opinion"
)

// assignView asks whom to ask, and for what.
func assignView(from origin) slack.ModalViewRequest {
	who := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, plain("Choose a person"), fieldPerson)
	decide := slack.NewOptionBlockObject(askDecide, plain("To decide on it"), plain("Others may still decide, but it is theirs to look at."))
	opinion := slack.NewOptionBlockObject(askOpinion, plain("For a second opinion"), plain("They read it as well; the decision stays open."))
	what := slack.NewRadioButtonsBlockElement(fieldWhat, decide, opinion)
	what.InitialOption = decide
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: callbackAssign, Title: plain("Ask somebody"), Submit: plain("Ask"), Close: plain("Cancel"),
		PrivateMetadata: from.String(), Blocks: slack.Blocks{BlockSet: []slack.Block{
			slack.NewInputBlock(fieldPerson, plain("Whom"), plain("A direct message tells them, and the card says so."), who),
			slack.NewInputBlock(fieldWhat, plain("What for"), nil, what)}}}
}

// submitAssign asks the person.
func (b *Bot) submitAssign(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	fields, click := fieldsOf(cb), modalClick(cb, from)
	to := fields[fieldPerson].SelectedUser
	if fields[fieldWhat].SelectedOption.Value == askOpinion {
		_, err = b.Service.SecondOpinion(ctx, s.request, to, click)
	} else {
		_, err = b.Service.Assign(ctx, s.request, to, click)
	}
	text, ok := known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	if isInput(err) {
		return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{fieldPerson: cut(text, 2000)})}, nil
	}
	return b.settled(s, click, text), nil
}

// clickDiff shows what changed since the version before.
func (b *Bot) clickDiff(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	s, err := parseSeal(action.Value)
	if err != nil {
		return answer{}, err
	}
	v, err := b.own(ctx, cb, s.request)
	if err != nil {
		return answer{}, err
	}
	if v.Former == nil || v.Request.Revision.Number != s.revision {
		return b.decided(s, clickOf(cb, action), seatOf(cb), &approval.StaleError{Request: v.Request})
	}
	return answer{}, b.open(ctx, cb.TriggerID, b.changedView(v))
}

// changedView is the difference to the version before.
func (b *Bot) changedView(v *steps.View) slack.ModalViewRequest {
	return diffView("What changed", approval.Diff(v.Former.Code, v.Request.Revision.Code), func(p *page) { b.since(p, v) })
}

// nearView is the difference to code that people have approved before.
func nearView(v *steps.View, near *steps.Near) slack.ModalViewRequest {
	if near == nil {
		p := &page{}
		p.say(words("Nothing that was approved in this channel is like this code."))
		return noteOf("Compared", p)
	}
	all := approval.Diff(near.Code, v.Request.Revision.Code)
	return diffView("Compared", all, func(p *page) {
		p.quote(cut(near.Question, 300), strong(fmt.Sprintf("%d %% of the lines", near.Alike)), words(" are those of code that was approved "), moment(near.At), words(" for the question:"))
		p.say(words("From that code to this one: " + ChangedWords(all) + "."))
	})
}

// own is a request's view, if the request belongs to the workspace of the click.
func (b *Bot) own(ctx context.Context, cb slack.InteractionCallback, id string) (*steps.View, error) {
	v, err := b.Service.View(ctx, id)
	if err == nil && (v.Request.Team != cb.Team.ID || v.Request.Revision == nil) {
		return nil, approval.ErrNotFound
	}
	return v, err
}

// more is everything in a card's menu, by the first word of its value.
var more = map[string]func(b *Bot, ctx context.Context, cb slack.InteractionCallback, v *steps.View, click approval.Click) (answer, error){
	moreCode: (*Bot).moreCode,
	moreNear: func(b *Bot, ctx context.Context, cb slack.InteractionCallback, v *steps.View, _ approval.Click) (answer, error) {
		near, err := b.Service.Nearest(ctx, v.Request.ID)
		if err != nil {
			return answer{}, err
		}
		return answer{}, b.open(ctx, cb.TriggerID, nearView(v, near))
	},
	moreEdit: func(b *Bot, ctx context.Context, cb slack.InteractionCallback, v *steps.View, click approval.Click) (answer, error) {
		return b.openEdit(ctx, cb, sealOf(v.Request), click)
	},
	moreAssign: func(b *Bot, ctx context.Context, cb slack.InteractionCallback, v *steps.View, click approval.Click) (answer, error) {
		return answer{}, b.open(ctx, cb.TriggerID, assignView(origin{Channel: click.Channel, Message: click.MessageTS, Seal: sealOf(v.Request).String()}))
	},
}

// clickMore is the card's menu. Its link is for Slack to follow.
func (b *Bot) clickMore(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	fields := strings.Split(action.SelectedOption.Value, ":")
	run, ok := more[fields[0]]
	if !ok || len(fields) < 2 {
		return answer{}, nil
	}
	v, err := b.own(ctx, cb, fields[1])
	if err != nil {
		return answer{}, err
	}
	// The card may show an older version: what would be done to it is done to nothing.
	if len(fields) > 2 && fields[2] != fmt.Sprint(v.Request.Revision.Number) && fields[0] != moreCode {
		revision, _ := strconv.Atoi(fields[2]) // what nobody can read is no version of ours
		s := seal{request: fields[1], revision: revision}
		return b.decided(s, clickOf(cb, action), seatOf(cb), &approval.StaleError{Request: v.Request})
	}
	return run(b, ctx, cb, v, clickOf(cb, action))
}
