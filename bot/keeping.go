package bot

import (
	"context"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/ids"
)

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
	return saved(err, home.PrivacyField(err))
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
	default:
		err = h.service.Hold(ctx, click, person, what == home.TheirsHold)
	}
	if err != nil {
		return saved(err, ids.FieldPerson)
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
			h.Log.Warn("look whether a file is a newer one of a pinned name", "channel", e.ChannelID, "file", e.FileID, "error", detail(err))
		}
	}}
}
