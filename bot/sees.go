package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/codes"
)

// Who sees what in Slack: files of one place, people of another.

// How the people of a channel are looked at before a file of another one is let be read there: so many one by one, more
// of them by the list of the workspace, which Slack gives in pages, twenty a minute. How many there may be is for the time
// of whoever asks to say: at ten minutes (longTime), a hundred thousand and more.
const (
	mostLooked   = 50
	peopleAtOnce = 1000
)

// Person implements steps.Slack.
// Gone and Unknown differ from an error: whoever is neither here nor visible can be ruled out, and an outage
// rules out nobody.
func (h *files) Person(ctx context.Context, team, user string) (review.Person, error) {
	u, err := h.api.GetUserInfoContext(ctx, user)
	switch codes.Of(err) {
	case "user_not_found":
		return review.Person{ID: user, Gone: true, Unknown: true}, nil
	case "user_not_visible":
		return review.Person{ID: user, External: true}, nil
	}
	if err != nil {
		return review.Person{}, fmt.Errorf("users.info %s: %w", user, codes.Detail(err))
	}
	// The real name, and not the one that is shown: a pack names people as their company does.
	h.Known(team, u.ID, cmp.Or(u.Profile.RealName, u.RealName, u.Name))
	return person(*u, team), nil
}

// person is what a team's rules need to know of somebody. In an organisation (Enterprise Grid) somebody's first workspace
// may be another one though they are a full member of ours: Enterprise.Teams tells.
//
// Two kinds of guests are one to the rules: those of one channel (ultra restricted) and those of several.
func person(u slack.User, team string) review.Person {
	elsewhere := u.TeamID != "" && u.TeamID != team && !slices.Contains(u.Enterprise.Teams, team)
	name := u.Profile.DisplayName
	if name == "" {
		name = u.RealName
	}
	return review.Person{ID: u.ID, Name: name, Bot: u.IsBot || u.ID == "USLACKBOT", Guest: u.IsRestricted || u.IsUltraRestricted,
		External: u.IsStranger || elsewhere, Gone: u.Deleted}
}

// outside tells of somebody whom a press in our own workspace shows to be of another one: they share a channel by
// Slack Connect. Of whoever is of another workspace of our organisation Slack knows whether they are a member of ours.
//
// Most presses cost no call: Slack names the workspace of whoever has pressed, and it is ours.
func (h *files) outside(ctx context.Context, user slack.User, team string) (bool, error) {
	if user.TeamID == "" || user.TeamID == team {
		return false, nil
	}
	p, err := h.Person(ctx, team, user.ID)
	return p.External, err
}

// shown tells whether Slack shows somebody a file: it is their own, or it is shared in a channel
// that they are in, or in one that all members may enter. Slack has no call that answers this for another user.
func (h *files) shown(ctx context.Context, f *slack.File, user string) (bool, error) {
	if f.User == user {
		return true, nil
	}
	// Every member may enter a public channel and read it, whether they are in it or not; guests see those that
	// they are in.
	if len(f.Channels) > 0 {
		p, err := h.Person(ctx, h.team(), user)
		if err != nil || !p.Guest && !p.External {
			return err == nil, err
		}
	}
	for _, channel := range slices.Concat(f.Channels, f.Groups) {
		if in, err := h.Within(ctx, channel, user); in || err != nil {
			return in, err
		}
	}
	return false, nil
}

// Hidden implements answers.Slack: the first of some files that not everybody in a channel may see,
// now. They may where it is shared there, and they may what stands in a public channel, unless they are
// guests: those see the channels that they are in.
//
// It returns nil where all of them may be seen, and one that is not there any more as one that nobody may see.
func (h *files) Hidden(ctx context.Context, files []approval.File, channel string) (*approval.File, error) {
	var elsewhere *approval.File // what all members may see and guests may not
	for _, f := range files {
		// Of a file that not even the bot can see, nobody is shown anything.
		info, err := h.info(ctx, f)
		switch {
		case errors.As(err, new(*approval.CauseError)):
			return &f, nil
		case err != nil:
			return nil, err
		case slices.Contains(slices.Concat(info.Channels, info.Groups), channel):
		// It is in private channels or direct messages alone, and not in this one.
		case len(info.Channels) == 0:
			return &f, nil
		case elsewhere == nil:
			elsewhere = &f
		}
	}
	// Only now is it worth to look at people: it may take many calls.
	if elsewhere == nil {
		return nil, nil
	}
	if inside, err := h.inside(ctx, channel); err != nil || inside {
		return nil, err
	}
	return elsewhere, nil
}

// inside tells whether all people in a channel are members of the workspace.
func (h *files) inside(ctx context.Context, channel string) (bool, error) {
	people, err := h.Members(ctx, channel)
	if err != nil {
		return false, err
	}
	if len(people) > mostLooked {
		return h.listed(ctx, people)
	}
	group, ctx := errgroup.WithContext(ctx)
	// At most fifty calls of users.info, which Slack allows a hundred and more of a minute (Tier 4).
	group.SetLimit(8)
	var outside atomic.Bool
	for _, one := range people {
		group.Go(func() error {
			p, err := h.Person(ctx, h.team(), one)
			if p.Guest || p.External {
				outside.Store(true)
			}
			return err
		})
	}
	err = group.Wait()
	return err == nil && !outside.Load(), err
}

// listed tells the same of many people, from the list of the workspace's: a few calls in place of one for each. Whoever
// is not in it is of another organisation.
//
// It stops as soon as everybody was met, or one of them is a guest: pages after that would say nothing more.
func (h *files) listed(ctx context.Context, people []string) (bool, error) {
	left := map[string]bool{}
	for _, one := range people {
		left[one] = true
	}
	var err error
	for page := h.api.GetUsersPaginated(slack.GetUsersOptionLimit(peopleAtOnce)); len(left) > 0; {
		if page, err = page.Next(ctx); page.Done(err) {
			break
		}
		if err != nil {
			return false, fmt.Errorf("users.list: %w", codes.Detail(err))
		}
		for _, u := range page.Users {
			if p := person(u, h.team()); left[u.ID] && (p.Guest || p.External) {
				return false, nil
			}
			delete(left, u.ID)
		}
	}
	return len(left) == 0, nil
}

// Sees implements handover.Slack: shown, for a file of which the id is known. One that cannot be read is seen by nobody.
//
// Shown takes what Slack knows of a file; this one asks for it first.
func (h *files) Sees(ctx context.Context, f approval.File, user string) (bool, error) {
	info, err := h.info(ctx, f)
	switch {
	case errors.As(err, new(*approval.CauseError)):
		return false, nil
	case err != nil:
		return false, err
	}
	return h.shown(ctx, info, user)
}
