package bot

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/handover"
	"countersign/approval/steps"
	"countersign/bot/draw"
	hand "countersign/bot/draw/handover"
	"countersign/bot/draw/money"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/meant"
	"countersign/budget"
)

// Answers are what people do with an answer, or with a question that got none.
type Answers interface {
	// It asks nobody who looks: read below does, before anything of it is shown.
	View(ctx context.Context, id string) (*steps.View, error)
	Ask(ctx context.Context, q approval.Question) (*approval.Request, error)
	// Verify has the run of a request repeated, for whoever asks.
	//
	// It is a request of its own with its own cost; what comes back is that one.
	Verify(ctx context.Context, id string, click approval.Click, trigger string) (*approval.Request, error)
	// Rate keeps what somebody thinks of an answer. Whoever changes their mind counts once.
	Rate(ctx context.Context, id string, good bool, click approval.Click) error
}

// Desk does with an answer what people ask for once it is there.
//
// Both refuse whoever may not, and store what is to be done: jobs post and delete it.
type Desk interface {
	// Share has it stand in a channel as well.
	Share(ctx context.Context, id, channel string, click approval.Click) (*approval.Request, error)
	// TakeBack has it go from Slack.
	TakeBack(ctx context.Context, id string, click approval.Click) (*approval.Request, error)
}

// HandOvers have threads go to colleagues.
//
// An offer has an id of its own within a request: a thread can be offered to one person after another.
type HandOvers interface {
	// Stock is what of a thread can be handed over by whoever asked a request in it.
	Stock(ctx context.Context, id string, click approval.Click) (*approval.Request, handover.Stock, error)
	Offer(ctx context.Context, id string, o handover.Offer, click approval.Click) (*approval.Request, error)
	Answer(ctx context.Context, id, offer string, verdict approval.HandVerdict, click approval.Click) (*approval.Request, error)
	// Read is what went over, for the colleague.
	Read(ctx context.Context, id, offer string, click approval.Click) (*approval.Request, []approval.Message, error)
}

// answered takes the presses under an answer, and those that go on from a question that
// got none.
type answered struct {
	*slackAPI
	service Answers
	desk    Desk
	hands   HandOvers
}

// read is a request that a press is about, for whoever may read it: those who are where
// its answer stands, and its asker.
//
// A view has all that was asked and answered, so it goes to nobody without this look.
func (h *answered) read(ctx context.Context, cb slack.InteractionCallback, id string) (*steps.View, error) {
	v, err := h.service.View(ctx, id)
	if err != nil {
		return nil, err
	}
	r := v.Request
	// A button's value can be copied into another press, so it opens nothing for those who do not see
	// the thread. It is "not found" and not "not allowed": whether there is such a request is theirs alone.
	if r.Team != cb.Team.ID || r.Asker != cb.User.ID && v.Session.Channel != seatOf(cb).channel {
		return nil, approval.ErrNotFound
	}
	return v, nil
}

// clickDetails shows the whole bill.
func (h *answered) clickDetails(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := h.read(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, draw.DetailsView(v, v.Request.Asker == cb.User.ID))
}

// clickCode shows what ran, and who approved it.
//
// Where nothing was written, because the question ended before, there is nothing to show.
func (h *answered) clickCode(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := h.read(ctx, cb, action.Value)
	if err == nil && v.Request.Revision == nil {
		err = approval.ErrNotFound
	}
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, draw.CodeView(h.with(), v))
}

// onward is a question that goes on in the thread of an answer.
//
// who presses is the asker of it: it goes by their budget, whoever asked before.
func onward(v *steps.View, who, text, trigger string) approval.Question {
	r := v.Request
	q := approval.Question{Team: r.Team, Project: r.Project, Asker: who, Text: text, ThreadTS: draw.Thread(v), Follow: true, Trigger: trigger}
	// It stays in the conversation in which it was asked: the project only says by whose rules.
	if r.Private {
		q.Private, q.Seat = true, v.Session.Channel
	}
	return q
}

// clickFix asks for code that ended with an error to be mended, in its thread: a
// follow-up like any other, whose writer gets the code and the kind of the error. A
// second press finds the question of the first.
func (h *answered) clickFix(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := h.read(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	// No person stands in the trigger: code is mended once, whoever of the thread presses first.
	return h.ask(ctx, cb, onward(v, cb.User.ID, draw.Mend(v.Request), "fix "+v.Request.ID))
}

// clickVerify has the code of an answer run once more. Who may is for Slack to say, a little later.
func (h *answered) clickVerify(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	// With the moment of the press: whoever wants it run a third time presses again, and a repeated delivery
	// does not.
	r, err := h.service.Verify(ctx, action.Value, clickOf(cb, action), "verify "+action.Value+" "+cb.User.ID+" "+action.ActionTs)
	if err != nil {
		return answer{}, err
	}
	at := seatOf(cb)
	return answer{after: func(ctx context.Context) { h.hand(ctx, at, draw.Taken(r)) }}, nil
}

// verify does the same for an id that somebody types.
//
// It is refused in the ack, as all that is typed; the button has orSorry for that.
func (h *asking) verify(ctx context.Context, id string, click approval.Click, trigger string) (answer, error) {
	r, err := h.service.Verify(ctx, id, click, trigger)
	if err != nil {
		return orPrivately(err)
	}
	return privately(draw.Taken(r)), nil
}

// cancel cancels a question by its id.
func (h *asking) cancel(ctx context.Context, id string, click approval.Click) (answer, error) {
	r, err := h.service.Withdraw(ctx, id, click)
	if err != nil {
		return orPrivately(err)
	}
	return cancelled(r), nil
}

// cancelled says what cancelling does not take back.
//
// It is written for both ways to cancel, so it names the question: whoever typed an id sees which one it was.
func cancelled(r *approval.Request) answer {
	// A run ends by itself a little later, and only then is it known what it cost.
	if r.State == approval.Running {
		return privately(&kit.Page{}, kit.Words("It is being stopped: "+kit.Cut(r.Question, 200)+"\nWhat its sandbox has used until then is charged. Its thread says how much."))
	}
	said := []kit.Part{kit.Words("Cancelled: " + kit.Cut(r.Question, 200) + "\nNothing ran. What was spent before stays spent: "), kit.Mono(ids.CommandBudget + " explain " + r.ID), kit.Words(" says on what.")}
	var under budget.USD
	for _, h := range r.Holds {
		// A hold for a call that went out cannot be given back yet: nobody knows what the provider will bill.
		if h.Called {
			under += h.Amount
		}
	}
	if under > 0 {
		said = append(said, kit.Words(" A step was under way: up to "+money.Most(under)+" stays reserved until its cost is known."))
	}
	return privately(&kit.Page{}, said...)
}

// clickMeant asks a question again about the file that its asker meant: the name that was
// typed gives way to the file's.
func (h *answered) clickMeant(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	// Slack's ids of files and ours of requests have no slash.
	id, file, _ := strings.Cut(action.Value, "/")
	v, err := h.read(ctx, cb, id)
	if err != nil {
		return answer{}, err
	}
	r := v.Request
	if r.Asker != cb.User.ID {
		return answer{}, onlyAsker(cb.User.ID)
	}
	if r.Cause == nil {
		return answer{}, approval.ErrNotFound
	}
	// The button may come from anywhere, so only files that were proposed count.
	for _, f := range r.Cause.Files {
		if f.ID == file {
			q := approval.Question{Team: r.Team, Project: r.Project, Asker: r.Asker, Model: r.Chosen.Name(), Text: meant.Instead(r.Question, r.Cause.File, f.Name), Files: []approval.File{f}, Given: true,
				ThreadTS: v.Session.ThreadTS, Private: r.Private, Trigger: "meant " + r.ID + " " + f.ID}
			if v.Session.ThreadTS != "" && r.Private {
				q.Seat = v.Session.Channel // it stays in its chat
			}
			// The trigger names the file and not the press: to press two of the buttons is two questions, one
			// twice is one.
			return h.ask(ctx, cb, q)
		}
	}
	return answer{}, approval.ErrNotFound
}

// onlyAsker keeps a question to whoever asked it: it is paid by their budget.
func onlyAsker(user string) error {
	return &approval.NotAllowedError{Who: user, Why: approval.Words("Only the person who asked can ask this again. You can ask it yourself, in your own words.")}
}

// ask asks for somebody who pressed a button, and tells them that it has begun.
func (h *answered) ask(ctx context.Context, cb slack.InteractionCallback, q approval.Question) (answer, error) {
	r, err := askAnew(ctx, h.service.Ask, q)
	if err != nil {
		return answer{}, err
	}
	at := seatOf(cb)
	// Said in private: in the thread the new question shows itself.
	// It is stored by now, so the ack promises nothing that could still fail.
	return answer{after: func(ctx context.Context) { h.hand(ctx, at, draw.Taken(r)) }}, nil
}

// clickFollow asks, in the thread, what the model has offered to be asked next. It is a
// question like any other, of whoever presses.
func (h *answered) clickFollow(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, place, _ := strings.Cut(action.Value, "/")
	v, err := h.read(ctx, cb, id)
	if err != nil {
		return answer{}, err
	}
	// The button names a place in the list and no words, so nobody has the bot ask what they made up.
	n, err := strconv.Atoi(place)
	if err != nil || n < 0 || n >= len(v.Next) {
		return answer{}, approval.ErrNotFound
	}
	// With the person: each who wants to know may ask it once, by their own budget.
	return h.ask(ctx, cb, onward(v, cb.User.ID, v.Next[n], "follow "+v.Request.ID+" "+place+" "+cb.User.ID))
}

// clickRate keeps a thumb, up or down.
func (h *answered) clickRate(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	if _, err := h.read(ctx, cb, action.Value); err != nil {
		return answer{}, err
	}
	good := action.ActionID == ids.ActionGood
	if err := h.service.Rate(ctx, action.Value, good, clickOf(cb, action)); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.tell(ctx, seatOf(cb), kit.Words(draw.Rated(good))) }}, nil
}

// clickTakeBack asks whether an answer is to go from Slack.
func (h *answered) clickTakeBack(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := h.read(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	at := seatOf(cb)
	// Asked once more before it is done, since what Slack has deleted nobody can bring back.
	return answer{}, h.open(ctx, cb.TriggerID, draw.TakeBackView(v, draw.Origin{Channel: at.channel, Thread: at.thread, Message: cb.Container.MessageTs, Seal: v.Request.ID}))
}

// submitTakeBack has it go. Who may is for the desk to say; that it is gone the thread says.
func (h *answered) submitTakeBack(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	if _, err := h.desk.TakeBack(ctx, from.Seal, modalClick(cb, from)); err != nil {
		// The form has no field beside which it could be said, so the reason takes its place.
		if text, ok := draw.Known(err); ok {
			return answer{payload: unchanged(text)}, nil
		}
		return answer{}, err
	}
	at := seat{user: cb.User.ID, channel: from.Channel, thread: from.Thread}
	// It is said at once because jobs delete it, a little later.
	return answer{payload: slack.NewClearViewSubmissionResponse(), after: func(ctx context.Context) { h.tell(ctx, at, kit.Words(draw.GoesBack)) }}, nil
}

// clickShare asks where the answer is to stand as well.
func (h *answered) clickShare(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	v, err := h.read(ctx, cb, action.Value)
	if err != nil {
		return answer{}, err
	}
	// Before the form opens, so that nobody chooses a channel for an answer that is not theirs to share.
	if v.Request.Asker != cb.User.ID {
		return answer{}, &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Because(approval.WhyAskerShares)}
	}
	at := seatOf(cb)
	return answer{}, h.open(ctx, cb.TriggerID, draw.ShareView(v, draw.Origin{Channel: at.channel, Thread: at.thread, Seal: v.Request.ID}))
}

// submitShare has it posted there. What keeps it from that is said beside the field.
func (h *answered) submitShare(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	channel := fieldsOf(cb)[ids.FieldChannel].SelectedConversation
	// In a modal there is no channel, so the word goes to where the button was pressed.
	at, posted := seat{user: cb.User.ID, channel: from.Channel, thread: from.Thread}, []kit.Part{kit.Words("The answer is being posted in "), kit.Place(channel), kit.Words(".")}
	_, err = h.desk.Share(ctx, from.Seal, channel, modalClick(cb, from))
	text, foreseen := draw.Known(err)
	switch {
	case err == nil:
		return answer{after: func(ctx context.Context) { h.tell(ctx, at, posted...) }}, nil
	case foreseen:
		return beside(ids.FieldChannel, text), nil
	case !errors.Is(err, context.DeadlineExceeded):
		return answer{}, err
	}
	// To look at the people of a large channel takes longer than Slack waits: then they hear of it in a message.
	// Shared twice is shared once (the channel is its name among the copies), so it can simply be tried again.
	return answer{long: true, payload: slack.NewUpdateViewSubmissionResponse(kit.NoteView("Share the answer", draw.SharesLater)), after: func(ctx context.Context) {
		if _, err := h.desk.Share(ctx, from.Seal, channel, modalClick(cb, from)); err != nil {
			posted = []kit.Part{kit.Words("The answer was not shared. " + h.Words(err))}
		}
		told, cancel := context.WithTimeout(context.WithoutCancel(ctx), modalDrawn) // that it took too long, too
		defer cancel()
		h.tell(told, at, posted...)
	}}, nil
}

// clickHand asks to whom the thread is to go, and what goes along.
//
// The value is the request, and perhaps a colleague whom the order in a message had named (hand.Begin).
func (h *answered) clickHand(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	at := seatOf(cb)
	id, to, _ := strings.Cut(action.Value, " ")
	return answer{}, h.offer(ctx, cb.TriggerID, id, to, clickOf(cb, action), draw.Origin{Channel: at.channel, Thread: at.thread, Seal: id})
}

// offer opens that form.
func (h *answered) offer(ctx context.Context, trigger, id, to string, click approval.Click, from draw.Origin) error {
	r, stock, err := h.hands.Stock(ctx, id, click)
	if err != nil {
		return err
	}
	return h.open(ctx, trigger, hand.OfferView(r, stock, to, from))
}

// submitHand offers the thread. What keeps it from that is said beside the field.
func (h *answered) submitHand(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	o := handover.Offer{To: fields[ids.FieldPerson].SelectedUser, Files: ticked(fields[ids.FieldFiles]), Answers: ticked(fields[ids.FieldAnswers])}
	// Files and answers that were never theirs to give are refused in there: a form's values are what anybody
	// can send.
	if _, err := h.hands.Offer(ctx, from.Seal, o, modalClick(cb, from)); err != nil {
		return saved(cb, err, ids.FieldPerson)
	}
	at := seat{user: cb.User.ID, channel: from.Channel, thread: from.Thread}
	return answer{payload: slack.NewClearViewSubmissionResponse(), after: func(ctx context.Context) { h.tell(ctx, at, hand.Offered(o.To)...) }}, nil
}

// ticked are the values of a field in which several may be chosen.
func ticked(field slack.BlockAction) (values []string) {
	for _, o := range field.SelectedOptions {
		values = append(values, o.Value)
	}
	return values
}

// clickOffered takes what the colleague or the giver says to an offer. That it is so the message says, which is drawn anew.
func (h *answered) clickOffered(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, offer, _ := strings.Cut(action.Value, " ")
	// Who may say which of the three the use case decides: a button can be pressed by whoever sees the message.
	verdict := map[string]approval.HandVerdict{ids.ActionTake: approval.HandAccepted, ids.ActionLeave: approval.HandDeclined, ids.ActionKeepIt: approval.HandWithdrawn}[action.ActionID]
	_, err := h.hands.Answer(ctx, id, offer, verdict, clickOf(cb, action))
	return answer{}, err
}

// clickHanded shows what went over.
func (h *answered) clickHanded(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	id, offer, _ := strings.Cut(action.Value, " ")
	r, said, err := h.hands.Read(ctx, id, offer, clickOf(cb, action))
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, hand.CameView(r, said))
}
