package bot

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/draw/home"
	"countersign/bot/ids"
)

// clickRules opens the rules of the workspace.
func (b *Bot) clickRules(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	set, err := b.Service.RulesOf(ctx, cb.Team.ID, "")
	if err != nil {
		return answer{}, err
	}
	return answer{}, b.open(ctx, cb.TriggerID, home.RulesView(set, ""))
}

// clickWhose asks of which channel the rules are to be set.
func (b *Bot) clickWhose(ctx context.Context, cb slack.InteractionCallback, _ *slack.BlockAction) (answer, error) {
	return answer{}, b.open(ctx, cb.TriggerID, home.WhoseView())
}

// submitWhose goes on to the form.
func (b *Bot) submitWhose(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	project := fieldsOf(cb)[ids.FieldChannel].SelectedConversation
	set, err := b.Service.RulesOf(ctx, cb.Team.ID, project)
	if err != nil {
		return saved(err, ids.FieldChannel)
	}
	view := home.RulesView(set, project)
	return answer{payload: slack.NewUpdateViewSubmissionResponse(&view)}, nil
}

// submitRules stores what the form holds. What is wrong is said beside its field.
func (b *Bot) submitRules(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	var from home.Ruled
	if err := json.Unmarshal([]byte(cb.View.PrivateMetadata), &from); err != nil {
		return answer{}, fmt.Errorf("a form's metadata: %w", err)
	}
	fields := fieldsOf(cb)
	set := approval.RuleSet{Team: cb.Team.ID, Project: from.Project, Version: from.Version, None: len(fields[ids.FieldNone].SelectedOptions) > 0}
	rules, field, why := home.RulesOf(fields)
	if why != "" && !set.None {
		return beside(field, why), nil
	}
	set.Rules = rules
	_, err := b.Service.SetRules(ctx, modalClick(cb, draw.Origin{}), set)
	return saved(err, home.RulesField(err, rules))
}
