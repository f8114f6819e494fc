package answers

import (
	"context"
	"errors"
	"slices"
	"time"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/review"
)

// Share has an answer stand in another channel as well, with the word that its asker shares it.
// What is asked of Slack is asked before, and the write holds the rest: a second press, or one
// that comes after the answer was taken back, shares nothing.
func (d *Desk) Share(ctx context.Context, id, channel string, click approval.Click) (*approval.Request, error) {
	r, err := d.store.Request(ctx, id)
	if err != nil {
		return nil, err
	}
	if r.Team != click.Team {
		return nil, approval.ErrNotFound
	}
	if r.Asker != click.User {
		return nil, d.refused(ctx, id, "share the answer", click, &approval.NotAllowedError{Who: click.User, Why: approval.Because(approval.WhyAskerShares)})
	}
	why, err := d.bars(ctx, r, channel)
	// A bar is a reason for people and err is a fault; both have to be none before the next is asked.
	// Asked last, because it is by far the most that Slack is asked here: each reader of the channel for each file.
	if err == nil && why.None() && len(unpinned(r)) > 0 {
		if why, err = d.unseen(ctx, r, channel); err == nil && why.None() {
			// To look at the people of a large channel takes minutes, and all else is to hold when the answer goes.
			why, err = d.bars(ctx, r, channel)
		}
	}
	if err != nil {
		return nil, err
	}
	if !why.None() {
		return nil, d.refused(ctx, id, "share the answer", click, &approval.NotAllowedError{Who: click.User, Why: why})
	}
	return d.store.Update(ctx, id, func(r *approval.Request, now time.Time) error { return share(r, channel, click, now) })
}

// bars is why an answer may not be shared in a channel, whatever its people may see; none where it may.
func (d *Desk) bars(ctx context.Context, r *approval.Request, channel string) (why approval.Reason, err error) {
	if approval.Direct(channel) { // the form offers none, but a forged one may name it
		return approval.Because(approval.WhyShareUnseen), nil
	}
	// A private answer stands in its asker's direct message, so it may be shared in the very channel that it is of.
	if channel == r.Project && !r.Private {
		return approval.Because(approval.WhyStandsThere), nil
	}
	person, err := d.slack.Person(ctx, r.Team, r.Asker)
	if err != nil {
		return why, err
	}
	if person.Guest || !person.Barred().None() {
		return approval.Because(approval.WhyGuestShares), nil
	}
	place, err := d.slack.Place(ctx, channel, r.Asker)
	switch {
	case err != nil:
		return why, err
	case !place.Seen || !place.In || place.Archived:
		return approval.Because(approval.WhyShareUnseen), nil
	// A channel of Slack Connect: the bot's workspace has no say over who reads along there.
	case place.Shared:
		return approval.Because(approval.WhyShareOutside), nil
	}
	in := place.AskerIn // of a private channel Place has looked already
	if !place.Private {
		if in, err = d.slack.Within(ctx, channel, r.Asker); err != nil {
			return why, err
		}
	}
	if !in {
		return approval.Because(approval.WhyShareNotIn), nil
	}
	from, err := d.people.RulesFor(ctx, r)
	if err != nil {
		return why, err
	}
	to, err := d.people.RulesOf(ctx, r.Team, channel)
	if err != nil {
		return why, err
	}
	// In its own channel the answer of a private question could stand anyway.
	if channel != r.Project && from.Rules.Class == review.Confidential && to.Rules.Class != review.Confidential {
		return approval.Because(approval.WhyShareOpener), nil
	}
	// private says that somebody there may not use one of the files. It does not say which, so the first pinned one is named.
	private, err := d.pins.Check(ctx, pins.Use{Team: r.Team, Place: channel, User: r.Asker, Files: r.Files})
	if in, ok := errors.AsType[*approval.InputError](err); ok {
		return in.Why, nil
	}
	if err != nil {
		return why, err
	}
	for _, f := range r.Files {
		if f.Pinned != "" && private {
			return approval.Reason{Code: approval.WhyFileNotTheirs, Name: f.Name}, nil
		}
	}
	return why, nil
}

// unpinned are the files of which Slack says who sees them: of a pinned one the pin says who may, wherever the file stands.
func unpinned(r *approval.Request) []approval.File {
	return slices.DeleteFunc(slices.Clone(r.Files), func(f approval.File) bool { return f.Pinned != "" })
}

// unseen is that somebody in a channel may not see one of the files; none where all may.
func (d *Desk) unseen(ctx context.Context, r *approval.Request, channel string) (why approval.Reason, err error) {
	hidden, err := d.slack.Hidden(ctx, unpinned(r), channel)
	if err != nil || hidden == nil {
		return why, err
	}
	return approval.Reason{Code: approval.WhyFileNotTheirs, Name: hidden.Name}, nil
}

// share is the move: once for each channel, of an answer that stands.
func share(r *approval.Request, channel string, click approval.Click, now time.Time) error {
	if !Came(r) || r.Taken != nil || r.Run.Result.Outcome != approval.OK {
		return &approval.MoveError{Request: r, Verb: "share the answer of", Why: approval.Because(approval.WhyNothingToShare)}
	}
	// Also where it is shared there already: a second press has it looked at whether the copy stands.
	// The copy is posted by a step, after the write: a message that Slack has and the books have not could not be taken back.
	r.Changes.Jobs = append(r.Changes.Jobs, approval.StepShow)
	if slices.ContainsFunc(r.Copies, func(c approval.Copy) bool { return c.Channel == channel }) {
		return nil
	}
	c := approval.Copy{Channel: channel, By: click.User, At: now}
	r.Copies, r.Changes.Copy = append(slices.Clone(r.Copies), c), &c
	tell(r, click, now, approval.EventShared, map[string]any{"channel": channel})
	return nil
}
