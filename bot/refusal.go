package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/slack-go/slack"
	"golang.org/x/sync/errgroup"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/kit"
)

// hindrances are Slack's codes by what they mean for a message of ours. The codes are
// those of chat.postMessage and chat.update as their pages list them
// (docs.slack.dev/reference/methods/chat.postMessage, read in a stored copy of
// 2026-11-26); msg_blocks_too_long stands on none of them (slackapi/bolt-js#2509).
// ekm_access_denied is worded there as "Administrators have suspended the ability to
// post a message".
var hindrances = map[steps.Hindrance][]string{
	steps.Outside:  {"not_in_channel", "channel_not_found"},
	steps.Archived: {"is_archived"},
	steps.Forbidden: {"is_inactive", "posting_to_general_channel_denied", "no_permission", "messages_tab_disabled",
		"team_access_not_granted"}, // and everything that begins with restricted_action
	steps.Malformed: {"invalid_blocks", "invalid_blocks_format", "block_mismatch", "only_one_table_allowed", "invalid_metadata_format",
		"invalid_metadata_schema"},
	steps.TooLong: {"msg_too_long", "msg_blocks_too_long", "metadata_too_large"},
	steps.NoKey:   {"ekm_access_denied"},
}

// hindrance says what an error of Slack's means, and how Slack spells it.
func hindrance(err error) (steps.Hindrance, string) {
	code := slackError(err)
	for why, codes := range hindrances {
		if slices.Contains(codes, code) {
			return why, code
		}
	}
	var (
		status  slack.StatusCodeError
		limited *slack.RateLimitedError
	)
	switch {
	case strings.HasPrefix(code, "restricted_action"):
		return steps.Forbidden, code
	case code == "" && errors.As(err, &status):
		code = fmt.Sprintf("HTTP %d", status.Code)
	case code == "" && errors.As(err, &limited):
		code = "ratelimited"
	}
	// A code that stands in no list is Slack's no all the same; without a code it is trouble on the way.
	if forGood(err) {
		return steps.Other, code
	}
	return steps.Outage, code
}

// refusedBy is an error of Slack's about a message, with what it means. One that is a
// refusal already stays what it is.
func refusedBy(err error, channel string) *steps.PostError {
	var no *steps.PostError
	if errors.As(err, &no) {
		return no
	}
	why, code := hindrance(err)
	return &steps.PostError{Channel: channel, Why: why, Code: code, Err: err}
}

// formal tells of a message that Slack might take in another form.
func formal(err error) bool {
	if err == nil {
		return false
	}
	why, _ := hindrance(err)
	return !why.NoPlace() && why != steps.Outage
}

// barely sends a page, and what is bare of it where Slack does not take its form.
func barely(p *kit.Page, send func(*kit.Page) error) error {
	err := send(p)
	if !formal(err) || slices.Contains(unreachable, slackError(err)) || beyondRepair(err) {
		return err
	}
	// Who is told in plain text has been told, so the refusal of the blocks is no error any more.
	for _, bare := range p.Bare() {
		if send(bare) == nil {
			return nil
		}
	}
	return err
}

// Who sees what in Slack: files of one place, people of another.

// How many people of a channel are looked at before a file of another one is let be read there: so many one by one,
// so many by the list of the workspace, which Slack gives in pages, and no more.
const (
	mostLooked   = 50
	mostPeople   = 5000
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
// guests: those see the channels that they are in. In a channel with more people than are looked at, somebody may not.
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

// inside tells whether all people in a channel are members of the workspace, and few enough to be looked at.
func (h *files) inside(ctx context.Context, channel string) (bool, error) {
	var people []string
	if err := h.members(ctx, channel, func(some []string) bool { people = append(people, some...); return len(people) > mostPeople }); err != nil || len(people) > mostPeople {
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
	err := group.Wait()
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
