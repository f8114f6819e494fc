package bot

import (
	"errors"
	"fmt"
	"strings"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/budget"
)

// mendable tells that whoever fills in a form can put right what is wrong.
func mendable(err error) bool {
	var input *approval.InputError
	return errors.As(err, &input)
}

// myself is who the bot is, as far as it has been asked by now.
func (b *Bot) myself() Identity {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.self == nil {
		return Identity{}
	}
	return *b.self
}

// inside makes a name fit for the middle of a sentence.
func inside(named []part) []part {
	out := append([]part{}, named...)
	if first, ok := out[0].(words); ok && first != "" {
		out[0] = words(strings.ToLower(string(first[:1])) + string(first[1:]))
	}
	return out
}

// namedIn names a budget in a notice: a thread by a way to it.
func (b *Bot) namedIn(v *steps.NoticeView, s budget.Scope, to string) []part {
	if s.Kind == budget.Session && v.View != nil && v.View.Session.ID == s.ID {
		return []part{words("The budget of "), link{b.threadURL(v.View), "this thread"}, words(" in "), channel(v.View.Session.Channel)}
	}
	return whose(s, to)
}

// threadURL is where a request's thread is, if that is known by now.
func (b *Bot) threadURL(v *steps.View) string {
	if v == nil {
		return ""
	}
	return b.myself().permalink(v.Session.Channel, thread(v), "")
}

// standingOf is how a budget of a request stands now.
func standingOf(v *steps.View, s budget.Scope) (budget.Standing, bool) {
	for _, standing := range v.Standings {
		if standing.Limit.Scope == s {
			return standing, true
		}
	}
	return budget.Standing{}, false
}

// overrunNotice says that work has cost more than was held for it.
func (b *Bot) overrunNotice(v *steps.NoticeView, _ string) (*page, error) {
	said, err := read[approval.Overrun](v)
	if err != nil {
		return nil, err
	}
	p := &page{}
	p.say(strong("Something cost more than was held for it. "), mono(said.What), words(fmt.Sprintf(" cost %s, and %s was held. "+
		"No budget was charged more than that, so the bill of your provider is higher than ours.", said.Cost.Approx(), said.Held.Approx())))
	if said.Asked != "" && said.Asked != said.What {
		p.say(mono(said.Asked), words(" had been asked for, and the provider answered with a dearer model. Ask for that one by its name, or for another."))
	}
	p.say(words("This is said once a month for each model and kind of box; the audit trail has every case."))
	if url := b.threadURL(v.View); url != "" {
		p.buttons("link", goes("View in thread", url))
	}
	return p, nil
}

// thresholdNotice says that spending has reached a mark.
func (b *Bot) thresholdNotice(v *steps.NoticeView, to string) (*page, error) {
	said, err := read[approval.Threshold](v)
	if err != nil {
		return nil, err
	}
	p, named := &page{}, b.namedIn(v, said.Standing.Limit.Scope, to)
	p.say(append(bold(named), words(fmt.Sprintf(" has reached %d %% of what may be spent%s.", said.Mark, during[said.Standing.Limit.Window])))...)
	p.standing(said.Standing, named)
	if policy := said.Standing.Limit.Policy; policy.Consequences() && said.Mark < policy.SoftMark() {
		p.say(words(fmt.Sprintf("From %d %% on, %s.", policy.SoftMark(), saving(policy))))
	}
	b.raise(p, v, said.Standing.Limit.Scope, to)
	return p, nil
}

// stopNotice says that a budget has refused work.
func (b *Bot) stopNotice(v *steps.NoticeView, to string) (*page, error) {
	said, err := read[approval.Stop](v)
	if err != nil {
		return nil, err
	}
	p, named := &page{}, b.namedIn(v, said.Standing.Limit.Scope, to)
	asks := []part{words("A question")}
	switch {
	case said.Person == to && to != "":
		asks = []part{words("Your question")}
	case said.Person != "":
		asks = []part{words("A question of "), person(said.Person)}
	}
	p.say(flow(strong("Money is missing. "), asks, words(fmt.Sprintf(" waits: its next step could need up to %s, and %s is left.", said.Needed.Approx(), max(0, said.Standing.Left()).ApproxLeft())))...)
	p.standing(said.Standing, named)
	if url := b.threadURL(v.View); url != "" {
		p.buttons("link", goes("View in thread", url))
	}
	if said.Person == to {
		p.say(words("The thread of your question shows what you can do."))
	}
	b.raise(p, v, said.Standing.Limit.Scope, to)
	return p, nil
}

// forecastNotice says when a budget will be used up.
func (b *Bot) forecastNotice(v *steps.NoticeView, to string) (*page, error) {
	said, err := read[approval.Forecast](v)
	if err != nil {
		return nil, err
	}
	s := said.Standing
	p, named := &page{}, b.namedIn(v, s.Limit.Scope, to)
	p.say(flow(strong("At this pace "), inside(named), words(fmt.Sprintf(" will be used up on %s, before the %s ends.", day(said.At.In(b.Service.Calendar())), s.Limit.Window)))...)
	p.standing(s, named)
	b.raise(p, v, s.Limit.Scope, to)
	return p, nil
}

// raise tells administrators how more may be spent.
func (b *Bot) raise(p *page, v *steps.NoticeView, s budget.Scope, to string) {
	if !v.Roster.Admin(to) {
		return
	}
	edit := button(actionEditLimit, "Edit this budget", scopeValue(s), "")
	p.buttons("limit "+scopeValue(s), edit)
}

// outcomeNotice tells the asker what became of the money that they asked for.
func (b *Bot) outcomeNotice(v *steps.NoticeView, to string) (*page, error) {
	said, err := read[approval.TopUpAsked](v)
	if err != nil {
		return nil, err
	}
	t := v.View.Request.TopUp(said.ID)
	if t == nil || t.Open() {
		return nil, fmt.Errorf("notice %q: nobody has decided about top-up %s", v.Key, said.ID)
	}
	p := &page{}
	if t.Granted {
		p.say(flow(person(t.DecidedBy), strong(fmt.Sprintf(" has granted you %s more", t.Amount)), words(" in "), inside(b.namedIn(v, t.Scope, to)),
			words(", to be spent until "), moment(t.ExpiresAt), words("."))...)
		if r := v.View.Request; r.Blocked == nil && !r.State.Final() {
			p.say(words("Your question goes on by itself."))
		}
	} else {
		p.quote(cut(t.Answer, 500), person(t.DecidedBy), strong(fmt.Sprintf(" has not granted you %s more:", t.Amount)))
	}
	p.quote(cut(v.View.Request.Question, 500), words("It was for this question:"))
	if url := b.threadURL(v.View); url != "" {
		p.buttons("link", goes("View in thread", url))
	}
	return p, nil
}

// fundedNotice tells a reviewer that what they wanted to approve can be paid now.
func (b *Bot) fundedNotice(v *steps.NoticeView, _ string) (*page, error) {
	p := &page{}
	p.quote(cut(v.View.Request.Question, 500), strong("There is money now "), words("to run the code for this question. You wanted to approve it and could not:"))
	card := cardPost(v.View)
	if url := b.myself().permalink(card.Channel, card.TS, ""); url != "" && v.View.Request.State == approval.Pending {
		p.buttons("link", goes("Open the card", url))
	}
	return p, nil
}
