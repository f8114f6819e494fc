package bot

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/review"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	draws "countersign/bot/draw/pins"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// What administrators keep: files for a channel, and of people's questions what they say.

// Keeping is what of people's questions is hidden, kept and forgotten.
type Keeping interface {
	SetPrivacy(ctx context.Context, click approval.Click, p review.Privacy, base int) (review.RuleSet, error)
	// Erase has forgotten what somebody asked, once one of the others, or another administrator, wants it too.
	Erase(ctx context.Context, click approval.Click, person string) (others []string, err error)
	// Hold puts what somebody asked on legal hold, or ends that.
	Hold(ctx context.Context, click approval.Click, person string, held bool) error
}

// keepers takes what administrators say about what is hidden, kept and forgotten.
type keepers struct {
	*slackAPI
	rules interface {
		RulesOf(ctx context.Context, team, project string) (review.RuleSet, error)
	}
	service Keeping
}

// clickPrivacy asks what is hidden, and for how long what is kept.
func (h *keepers) clickPrivacy(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	set, err := h.rules.RulesOf(ctx, cb.Team.ID, "")
	if err != nil {
		return answer{}, err
	}
	return answer{}, h.open(ctx, cb.TriggerID, home.PrivacyView(set))
}

// submitPrivacy stores it.
func (h *keepers) submitPrivacy(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := ruledOf(cb)
	if err != nil {
		return answer{}, err
	}
	privacy, field, why := home.PrivacyOf(fieldsOf(cb))
	if why != "" {
		return beside(field, why), nil
	}
	_, err = h.service.SetPrivacy(ctx, modalClick(cb, draw.Origin{}), privacy, from.Version)
	return saved(cb, err, home.PrivacyField(err))
}

// clickTheirs asks whose questions are to be forgotten, or kept whatever happens. A notice names whose.
func (h *keepers) clickTheirs(ctx context.Context, cb slack.InteractionCallback, act *slack.BlockAction) (answer, error) {
	return answer{}, h.open(ctx, cb.TriggerID, home.TheirsView(act.Value))
}

// submitTheirs does it, and says what follows.
func (h *keepers) submitTheirs(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	fields, click := fieldsOf(cb), modalClick(cb, draw.Origin{})
	person := fields[ids.FieldPerson].SelectedUser
	what := fields[ids.FieldWhat].SelectedOption.Value
	var others []string
	var err error
	switch what {
	case home.TheirsErase:
		others, err = h.service.Erase(ctx, click, person)
	case home.TheirsHold, home.TheirsEnd:
		err = h.service.Hold(ctx, click, person, what == home.TheirsHold)
	default:
		// A choice that is none here must not end a legal hold.
		return beside(ids.FieldWhat, "Please choose what is to be done."), nil
	}
	if err != nil {
		return saved(cb, err, ids.FieldPerson)
	}
	view := home.TheirsSaid(what, person, others)
	return answer{payload: slack.NewUpdateViewSubmissionResponse(&view)}, nil
}

// Arrivals are told of files that somebody has put into a channel.
type Arrivals interface {
	Arrived(ctx context.Context, team, project, id string) error
}

// arrived is a file that somebody has put into a channel: it may be a later one of a pinned file's name. What is missed
// here the next question about the file notices.
func (h *pinned) arrived(team string, e *slackevents.FileSharedEvent) answer {
	if h.news == nil || approval.Direct(e.ChannelID) {
		return answer{}
	}
	return answer{after: func(ctx context.Context) {
		if err := h.news.Arrived(ctx, team, e.ChannelID, e.FileID); err != nil {
			h.Log.Warn("look whether a file is a newer one of a pinned name", "channel", e.ChannelID, "file", e.FileID, "error", codes.Detail(err))
		}
	}}
}

// Pins are the files that are pinned to channels: see pins.Keeper.
type Pins interface {
	Pinned(ctx context.Context, team, place, user string) ([]pins.Pin, error)
	MayPin(ctx context.Context, click approval.Click) (bool, error)
	Newer(ctx context.Context, click approval.Click, project string) ([]pins.Offer, error)
	Pin(ctx context.Context, click approval.Click, project, id string, people []string) error
	Unpin(ctx context.Context, click approval.Click, project, id string) error
	Accept(ctx context.Context, click approval.Click, project, pinned, upload, seen string) error
	KeepPin(ctx context.Context, click approval.Click, project, pinned, upload string) error
}

// pinned shows what is pinned to a channel, and takes what administrators do about it. Everybody in the channel may look.
type pinned struct {
	*slackAPI
	files   *files
	service Pins
	news    Arrivals // nil: nobody is told
}

// board is what is pinned now, as somebody may see it. It is asked at each drawing: the list stays open for as long as
// somebody likes, and others pin meanwhile.
func (h *pinned) board(ctx context.Context, click approval.Click, channel string) (b draws.Board, err error) {
	b = draws.Board{Channel: channel, Old: h.Policy().PinDays, Now: time.Now()}
	if b.Pins, err = h.service.Pinned(ctx, click.Team, channel, click.User); err != nil {
		return b, err
	}
	b.Admin, err = h.service.MayPin(ctx, click)
	return b, err
}

// list opens the list. Newer uploads take a look at Slack, so they come when it is open.
func (h *pinned) list(ctx context.Context, trigger string, click approval.Click) (answer, error) {
	b, err := h.board(ctx, click, click.Channel)
	if err != nil {
		return answer{}, err
	}
	view := draws.BoardView(b)
	shown, err := h.api.OpenViewContext(ctx, trigger, view)
	if err := opened(view, err); err != nil || shown == nil || !b.Admin {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.offers(ctx, click, b, shown.View) }}, nil
}

// offers puts newer uploads into an open list. Where they cannot be had, the list stands without: a person who opened it to
// look is not told of a failure that does not concern them.
func (h *pinned) offers(ctx context.Context, click approval.Click, b draws.Board, shown slack.View) {
	offers, err := h.service.Newer(ctx, click, b.Channel)
	if err != nil { // also where only one of them cannot be read, and the others are offered
		h.Log.Warn("look for newer uploads of pinned files", "channel", b.Channel, "error", err)
	}
	if b.Offers = offers; len(offers) > 0 {
		h.fill(ctx, shown, draws.BoardView(b))
	}
}

// again draws the list as it is now, with what has gone wrong.
func (h *pinned) again(ctx context.Context, click approval.Click, channel, view string, failed error) {
	b, err := h.board(ctx, click, channel)
	if err != nil {
		h.Log.Warn("read what is pinned", "channel", channel, "error", err)
		if failed != nil {
			h.tell(ctx, seat{user: click.User, channel: channel}, kit.Words(h.Words(failed)))
		}
		return
	}
	if failed != nil {
		b.Said = h.Words(failed)
	}
	if b.Admin {
		b.Offers, _ = h.service.Newer(ctx, click, channel) // without them the list is right all the same
	}
	if _, err := h.api.UpdateViewContext(ctx, draws.BoardView(b), "", "", view); err != nil && codes.Of(err) != "not_found" { // closed
		h.Log.Warn("draw what is pinned", "error", codes.Detail(err))
	}
}

// clickPin opens the form, and lists the channel's files once it is open.
func (h *pinned) clickPin(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata) // a button's value can be copied into another press
	if err != nil {
		return answer{}, err
	}
	// Said before the form, not when it is sent off with all that was filled in.
	may, err := h.service.MayPin(ctx, clickOf(cb, action))
	if err == nil && !may {
		err = &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Reason{Code: approval.WhyAdminsOnly, Name: "pin data"}}
	}
	if err != nil {
		return answer{}, err
	}
	view := draws.FormView(from.Channel, nil, false)
	shown, err := h.api.PushViewContext(ctx, cb.TriggerID, view)
	if err := opened(view, err); err != nil || shown == nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) {
		ups, err := h.files.Uploads(ctx, from.Channel)
		if err != nil {
			h.Log.Warn("list the files for a pin", "channel", from.Channel, "error", err)
		}
		h.fill(ctx, shown.View, draws.FormView(from.Channel, ups, true))
	}}, nil
}

// linked finds the id of a file in its link, as "Copy link" gives it: files/U…/F…/name on the workspace's page, and
// files-pri/T…-F…/ on Slack's own host.
var linked = regexp.MustCompile(`/(?:files|files-pri|files-tmb)/[A-Z0-9]+[/-](F[A-Z0-9]+)`)

// submitPin has the chosen file read and pinned. Reading takes a while, so the modal says that it has begun,
// and then what has come of it; nothing is pinned before it is.
func (h *pinned) submitPin(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	// The list holds a channel's latest files only; a link reaches any. It goes before what is chosen in the list.
	id := fields[ids.FieldFiles].SelectedOption.Value
	if link := strings.TrimSpace(fields[ids.FieldLink].Value); link != "" {
		found := linked.FindStringSubmatch(link)
		if found == nil {
			return beside(ids.FieldLink, h.Words(&approval.InputError{Why: approval.Because(approval.WhyPinNone)})), nil
		}
		id = found[1]
	}
	if id == "" {
		return beside(ids.FieldLink, h.Words(&approval.InputError{Why: approval.Because(approval.WhyPinNone)})), nil
	}
	click, people := modalClick(cb, from), fields[ids.FieldPeople].SelectedUsers
	wait := draws.ReadingView(from.Channel, "One moment: the file is read through. It is pinned when this says so.")
	return h.awaiting(wait, func(ctx context.Context) slack.ModalViewRequest {
		said := "It is pinned."
		if err := h.service.Pin(ctx, click, from.Channel, id, people); err != nil {
			said = h.Words(err) + " Nothing was pinned."
		}
		return draws.ReadingView(from.Channel, said)
	}).then(func(ctx context.Context) { h.again(ctx, click, from.Channel, cb.View.RootViewID, nil) }), nil
}

// clickUnpin takes a pin away.
func (h *pinned) clickUnpin(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	if err := h.service.Unpin(ctx, click, from.Channel, action.Value); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.again(ctx, click, from.Channel, cb.View.ID, nil) }}, nil
}

// clickAccept puts a newer upload in the place of a pinned file, once it is read through. The value of its button is
// both ids: the pin may have been replaced by somebody else meanwhile, and then nothing happens.
func (h *pinned) clickAccept(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	was, rest, _ := strings.Cut(action.Value, " ")
	upload, seen, _ := strings.Cut(rest, " ")
	click := clickOf(cb, action)
	return answer{long: true, after: func(ctx context.Context) {
		err := h.service.Accept(ctx, click, from.Channel, was, upload, seen)
		h.again(ctx, click, from.Channel, cb.View.ID, err)
	}}, nil
}

// clickKeep declines it.
func (h *pinned) clickKeep(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	was, upload, _ := strings.Cut(action.Value, " ")
	click := clickOf(cb, action)
	if err := h.service.KeepPin(ctx, click, from.Channel, was, upload); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.again(ctx, click, from.Channel, cb.View.ID, nil) }}, nil
}
