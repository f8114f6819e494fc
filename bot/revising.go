package bot

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/approval/thread"
	"countersign/bot/draw"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Revisions are what becomes of code beside a verdict: another version, another look.
type Revisions interface {
	// MayEdit gives the error that Edit would give to anybody's code, and says who could approve what comes of it.
	MayEdit(ctx context.Context, ruling steps.Ruling) (*approval.Request, review.Next, error)
	Edit(ctx context.Context, ruling steps.Ruling, code string) (*approval.Request, error)
	Assign(ctx context.Context, id, to string, click approval.Click) (*approval.Request, error)
	// from is whom the opinion is asked of: a person, who decides nothing by it.
	SecondOpinion(ctx context.Context, id, from string, click approval.Click) (*approval.Request, error)
	// Nearest is the most similar code that was approved in the same channel; nil when there is none.
	Nearest(ctx context.Context, id string) (*steps.Near, error)
	// Past is what was said in a request's thread before it.
	Past(ctx context.Context, id string) (thread.Past, error)
}

// revising takes edits, shows differences, and asks others to look.
type revising struct {
	*deciding
	service Revisions
}

// openEdit opens the code of a card's revision in fields, several where it is long: a field takes 3,000 characters.
func (h *revising) openEdit(ctx context.Context, cb slack.InteractionCallback, s draw.Seal, click approval.Click) (answer, error) {
	r, next, err := h.service.MayEdit(ctx, s.Ruling(approval.Approve, "", click))
	if err != nil {
		return h.decided(s, click, seatOf(cb), err)
	}
	view, ok := draw.EditView(r, next, draw.Origin{Channel: click.Channel, Message: click.MessageTS, Seal: s.String()})
	if !ok {
		return answer{}, &approval.InputError{Why: approval.Words("This program is too long to be edited in Slack. Use Request changes instead, and say what should be different.")}
	}
	return answer{}, h.open(ctx, cb.TriggerID, view)
}

// submitEdit hands the fields in as one program. What is wrong with it is said
// beside the field that holds the line.
func (h *revising) submitEdit(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	texts := editTexts(cb)
	click := modalClick(cb, from)
	_, err = h.service.Edit(ctx, s.Ruling(approval.Approve, "", click), kit.Join(texts))
	text, ok := draw.Known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	// A complaint about code names its line. It stands beside the field that holds that line.
	if isInput(err) {
		return beside(draw.EditField(fieldOf(texts, text)), text), nil
	}
	return h.settled(cb, s, click, text), nil
}

// editTexts are the fields of an edit in their order. One that was emptied is there, empty. Browsers send \r\n; code is
// kept with \n alone, or its hash would be another.
func editTexts(cb slack.InteractionCallback) (texts []string) {
	fields := fieldsOf(cb)
	for n := 1; n <= kit.MaxEditParts; n++ {
		if f, there := fields[draw.EditField(n)]; there {
			texts = append(texts, strings.ReplaceAll(f.Value, "\r\n", "\n"))
		}
	}
	return texts
}

// lineNamed finds the line that a complaint about code is about. Our own words name it ("line 12"), and Python's do.
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
	// Lines are counted through all fields, as Join puts them together. An emptied field has none.
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

// submitAssign asks the person who was chosen: to decide, or for an opinion that decides nothing.
func (h *revising) submitAssign(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, s, err := sealedOrigin(cb)
	if err != nil {
		return answer{}, err
	}
	fields, click := fieldsOf(cb), modalClick(cb, from)
	to := fields[ids.FieldPerson].SelectedUser
	if fields[ids.FieldWhat].SelectedOption.Value == draw.AskOpinion {
		_, err = h.service.SecondOpinion(ctx, s.Request, to, click)
	} else {
		_, err = h.service.Assign(ctx, s.Request, to, click)
	}
	text, ok := draw.Known(err)
	if err != nil && !ok {
		return answer{}, err
	}
	if isInput(err) {
		return beside(ids.FieldPerson, text), nil
	}
	return h.settled(cb, s, click, text), nil
}

// current is what a press on a card is about, if its version still stands; else the answer
// says that it does not, and v is nil. Without that, a card that Slack shows late would open another code than it shows.
func (h *revising) current(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (v *steps.View, a answer, err error) {
	s, err := draw.ParseSeal(action.Value)
	if err != nil {
		return nil, a, err
	}
	if v, err = h.own(ctx, cb, s.Request); err != nil {
		return nil, a, err
	}
	if v.Request.Revision.Number != s.Revision {
		a, err = h.decided(s, clickOf(cb, action), seatOf(cb), &approval.StaleError{Request: v.Request})
		return nil, a, err
	}
	return v, a, nil
}

// clickDiff shows what changed since the version before.
func (h *revising) clickDiff(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, a, err := h.current(ctx, cb, action)
	if v == nil || v.Former == nil {
		return a, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, draw.ChangedView(v))
}

// clickInside shows what is one press away from the card: columns, refused drafts, and what
// the model was told.
func (h *revising) clickInside(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, a, err := h.current(ctx, cb, action)
	if v == nil {
		return a, err
	}
	view := draw.ColumnsView(v.Request)
	switch action.ActionID {
	case ids.ActionRefused:
		view = draw.RefusedView(v.Request)
	case ids.ActionSaw:
		past, err := h.service.Past(ctx, v.Request.ID)
		if err != nil {
			return answer{}, err
		}
		view = draw.SawView(v, past)
	}
	return answer{}, h.lay(ctx, cb, view)
}

// clickMore is the card's menu. Its link is for Slack to follow. All values are "what:request:revision"; a link has no
// request and is answered with nothing.
func (h *revising) clickMore(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	fields := strings.Split(action.SelectedOption.Value, ":")
	if len(fields) < 2 {
		return answer{}, nil
	}
	v, err := h.own(ctx, cb, fields[1])
	if err != nil {
		return answer{}, err
	}
	// The card may show an older version: what would be done to it is done to nothing.
	// Whoever asks for the file gets the code that stands: reading decides nothing.
	if len(fields) > 2 && fields[2] != fmt.Sprint(v.Request.Revision.Number) && fields[0] != ids.MoreCode {
		revision, _ := strconv.Atoi(fields[2]) // what nobody can read is no version of ours
		s := draw.Seal{Request: fields[1], Revision: revision}
		return h.decided(s, clickOf(cb, action), seatOf(cb), &approval.StaleError{Request: v.Request})
	}
	click := clickOf(cb, action)
	// Every choice is "what:request:revision": see ids.
	switch fields[0] {
	case ids.MoreCode:
		return h.moreCode(cb, v), nil
	case ids.MoreNear:
		near, err := h.service.Nearest(ctx, v.Request.ID)
		if err != nil {
			return answer{}, err
		}
		return answer{}, h.open(ctx, cb.TriggerID, draw.NearView(v, near))
	case ids.MoreEdit:
		return h.openEdit(ctx, cb, draw.SealOf(v.Request), click)
	case ids.MoreAssign:
		return answer{}, h.open(ctx, cb.TriggerID, draw.AssignView(draw.Origin{Channel: click.Channel, Message: click.MessageTS, Seal: draw.SealOf(v.Request).String()}))
	}
	return answer{}, nil
}

// moreCode puts the code into the card's thread as a file, for reading.
// After the ack: an upload takes several calls.
func (h *revising) moreCode(cb slack.InteractionCallback, v *steps.View) answer {
	at := seatOf(cb)
	return answer{after: func(ctx context.Context) {
		_, refused, err := h.upload(ctx, spot{at.channel, cb.Container.MessageTs}, []approval.Artifact{draw.CodeFile(v.Request)}, true, nil)
		switch {
		case err != nil:
			h.tell(ctx, at, kit.Words(h.Words(err)))
		case len(refused) > 0:
			h.tell(ctx, at, kit.Words("Slack rejected the file here. An administrator can find the reason in the log."))
		}
	}}
}
