package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"countersign/approval"
)

// Who sees what in Slack: files of one place, people of another.

// How the people of a channel are looked at before a file of another one is let be read there: so many one by one, more
// of them by the list of the workspace, which Slack gives in pages, twenty a minute. How many there may be is for the time
// of whoever asks to say: at ten minutes (longTime), a hundred thousand and more.
const (
	mostLooked   = 50
	peopleAtOnce = 1000
)

// shown tells whether Slack shows somebody a file: it is their own, or it is shared in a channel
// that they are in, or in one that all members may enter.
func (h *files) shown(ctx context.Context, f *slack.File, user string) (bool, error) {
	if f.User == user {
		return true, nil
	}
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
func (h *files) Hidden(ctx context.Context, files []approval.File, channel string) (*approval.File, error) {
	var elsewhere *approval.File // what all members may see and guests may not
	for _, f := range files {
		info, err := h.info(ctx, f)
		switch {
		case errors.As(err, new(*approval.CauseError)):
			return &f, nil
		case err != nil:
			return nil, err
		case slices.Contains(slices.Concat(info.Channels, info.Groups), channel):
		case len(info.Channels) == 0:
			return &f, nil
		case elsewhere == nil:
			elsewhere = &f
		}
	}
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
			return false, fmt.Errorf("users.list: %w", detail(err))
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

// Sees implements handover.Slack: shown, for a file of which the id is known.
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
