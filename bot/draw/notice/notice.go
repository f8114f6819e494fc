// Package notice draws direct messages: what is waiting for somebody, how it ended, and
// what has gone wrong.
//
// A notice is stored with what it says, and drawn from that and from the request as it is
// now. It is drawn again where it stands when the request has moved, so every notice also
// has words for when there is nothing left to do. What its buttons do is decided by what is
// stored now, never by the notice's data: a notice may be a week old when somebody presses.
package notice

import (
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/money"
	"countersign/bot/kit"
	"countersign/budget"
)

// namedIn names a budget in a notice: a thread by a way to it.
func namedIn(with draw.With, v *steps.NoticeView, s budget.Scope, to string) []kit.Part {
	// Only the thread of this very request can be linked: the view knows no other one.
	if s.Kind == budget.Session && v.View != nil && v.View.Session.ID == s.ID {
		return []kit.Part{kit.Words("The budget of "), kit.Link{URL: threadURL(with, v.View), Label: "this thread"}, kit.Words(" in "), kit.Place(v.View.Session.Channel)}
	}
	return money.Whose(s, to)
}

// threadURL is where a request's thread is, if that is known by now.
func threadURL(with draw.With, v *steps.View) string {
	if v == nil {
		return ""
	}
	return with.Self.Permalink(v.Session.Channel, draw.Thread(v), "")
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

// Notices draws each kind of notice for the one who gets it. What a notice says
// is in its data; where its buttons lead is decided by what is stored now.
// Any kind that is missing here is never delivered: Tell fails for it at each try.
var Notices = map[approval.NoticeKind]func(with draw.With, v *steps.NoticeView, to string) (*kit.Page, error){
	approval.NoticePrice:        priceNotice,
	approval.NoticeOverrun:      overrunNotice,
	approval.NoticeThreshold:    thresholdNotice,
	approval.NoticeStop:         stopNotice,
	approval.NoticeForecast:     forecastNotice,
	approval.NoticeSpike:        spikeNotice,
	approval.NoticeDiffers:      differsNotice,
	approval.NoticeTopUp:        topUpNotice,
	approval.NoticeTopUpOutcome: outcomeNotice,
	approval.NoticeFunded:       fundedNotice,
	approval.NoticeDigest:       digestNotice,
	approval.NoticeApproved:     approvedNotice,
	approval.NoticeReceipts:     receiptsNotice,
	approval.NoticeKey:          keyNotice,
	approval.NoticeDisowned:     disownedNotice,
	approval.NoticeDecided:      decidedNotice,
	approval.NoticeStuck:        stuckNotice,
	approval.NoticeSurprise:     surpriseNotice,
	approval.NoticeReminder:     reminderNotice,
	approval.NoticeAssigned:     assignedNotice,
	approval.NoticeOpinion:      opinionNotice,
	approval.NoticeEditFailed:   editNotice,
	approval.NoticeNoPlace:      NoPlaceNotice,
	approval.NoticeUnsaid:       UnsaidNotice,
	approval.NoticeLog:          logNotice,
	approval.NoticeCheckpoint:   checkpointNotice,
	approval.NoticePins:         pinsNotice,
	approval.NoticeHandOver:     handOverNotice,
	approval.NoticeHabits:       habitsNotice,
	approval.NoticeGlass:        glassNotice,
	approval.NoticeGlassWaits:   glassWaitsNotice,
	approval.NoticeAskBack:      askBackNotice,
	approval.NoticeFound:        foundNotice,
	approval.NoticeAway:         awayNotice,
	approval.NoticeErase:        eraseNotice,
}

// read takes what a notice says.
func read[T any](v *steps.NoticeView) (said T, err error) {
	if err := json.Unmarshal(v.Data, &said); err != nil {
		return said, fmt.Errorf("read the notice %q: %w", v.Key, err)
	}
	return said, nil
}

// owned names the budget of whoever asks as theirs.
func owned(named []kit.Part, said approval.TopUpAsked) []kit.Part {
	if said.Scope.Kind == budget.User && said.Scope.ID == said.AskedBy {
		return []kit.Part{kit.Words("Their own budget")}
	}
	return named
}

// withLink adds a way to the thread that a notice is about.
func withLink(with draw.With, v *steps.NoticeView, row ...slack.BlockElement) []slack.BlockElement {
	if url := threadURL(with, v.View); url != "" {
		row = append(row, kit.Goes("View in thread", url))
	}
	return row
}

// linked ends a notice with that way, where there is nothing else to press.
func linked(p *kit.Page, with draw.With, v *steps.NoticeView) {
	if row := withLink(with, v); row != nil {
		p.Buttons("link", row...)
	}
}
