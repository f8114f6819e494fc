package bot

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
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

// openEdit opens the code of a card's revision in fields.
func (b *Bot) openEdit(ctx context.Context, cb slack.InteractionCallback, s draw.Seal, click approval.Click) (answer, error) {
	r, err := b.Service.MayEdit(ctx, s.Ruling(approval.Approve, "", click))
	if err != nil {
		return b.decided(s, click, seatOf(cb), err)
	}
	view, ok := draw.EditView(r, draw.Origin{Channel: click.Channel, Message: click.MessageTS, Seal: s.String()})
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
	_, err = b.Service.Edit(ctx, s.Ruling(approval.Approve, "", click), kit.Join(texts))
	text, ok := draw.Known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	if isInput(err) {
		return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{draw.EditField(fieldOf(texts, text)): kit.Cut(text, 2000)})}, nil
	}
	return b.settled(s, click, text), nil
}

// editTexts are the fields of an edit in their order. One that was emptied is there, empty.
func editTexts(cb slack.InteractionCallback) (texts []string) {
	fields := fieldsOf(cb)
	for n := 1; n <= kit.MaxEditParts; n++ {
		if f, there := fields[draw.EditField(n)]; there {
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

// submitAssign asks the person.
func (b *Bot) submitAssign(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	fields, click := fieldsOf(cb), modalClick(cb, from)
	to := fields[ids.FieldPerson].SelectedUser
	if fields[ids.FieldWhat].SelectedOption.Value == draw.AskOpinion {
		_, err = b.Service.SecondOpinion(ctx, s.Request, to, click)
	} else {
		_, err = b.Service.Assign(ctx, s.Request, to, click)
	}
	text, ok := draw.Known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	if isInput(err) {
		return answer{payload: slack.NewErrorsViewSubmissionResponse(map[string]string{ids.FieldPerson: kit.Cut(text, 2000)})}, nil
	}
	return b.settled(s, click, text), nil
}

// clickDiff shows what changed since the version before.
func (b *Bot) clickDiff(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	s, err := draw.ParseSeal(action.Value)
	if err != nil {
		return answer{}, err
	}
	v, err := b.own(ctx, cb, s.Request)
	if err != nil {
		return answer{}, err
	}
	if v.Former == nil || v.Request.Revision.Number != s.Revision {
		return b.decided(s, clickOf(cb, action), seatOf(cb), &approval.StaleError{Request: v.Request})
	}
	return answer{}, b.open(ctx, cb.TriggerID, draw.ChangedView(v))
}

// own is a request's view, if the request belongs to the workspace of the click.
func (b *Bot) own(ctx context.Context, cb slack.InteractionCallback, id string) (*approval.View, error) {
	v, err := b.Service.View(ctx, id)
	if err == nil && (v.Request.Team != cb.Team.ID || v.Request.Revision == nil) {
		return nil, approval.ErrNotFound
	}
	return v, err
}

// more is everything in a card's menu, by the first word of its value.
var more = map[string]func(b *Bot, ctx context.Context, cb slack.InteractionCallback, v *approval.View, click approval.Click) (answer, error){
	ids.MoreCode: (*Bot).moreCode,
	ids.MoreNear: func(b *Bot, ctx context.Context, cb slack.InteractionCallback, v *approval.View, _ approval.Click) (answer, error) {
		near, err := b.Service.Nearest(ctx, v.Request.ID)
		if err != nil {
			return answer{}, err
		}
		return answer{}, b.open(ctx, cb.TriggerID, draw.NearView(v, near))
	},
	ids.MoreEdit: func(b *Bot, ctx context.Context, cb slack.InteractionCallback, v *approval.View, click approval.Click) (answer, error) {
		return b.openEdit(ctx, cb, draw.SealOf(v.Request), click)
	},
	ids.MoreAssign: func(b *Bot, ctx context.Context, cb slack.InteractionCallback, v *approval.View, click approval.Click) (answer, error) {
		return answer{}, b.open(ctx, cb.TriggerID, draw.AssignView(draw.Origin{Channel: click.Channel, Message: click.MessageTS, Seal: draw.SealOf(v.Request).String()}))
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
	if len(fields) > 2 && fields[2] != fmt.Sprint(v.Request.Revision.Number) && fields[0] != ids.MoreCode {
		revision, _ := strconv.Atoi(fields[2]) // what nobody can read is no version of ours
		s := draw.Seal{Request: fields[1], Revision: revision}
		return b.decided(s, clickOf(cb, action), seatOf(cb), &approval.StaleError{Request: v.Request})
	}
	return run(b, ctx, cb, v, clickOf(cb, action))
}
