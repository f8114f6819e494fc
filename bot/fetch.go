package bot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/slack-go/slack"

	"countersign/approval"
)

// Fetch implements approval.Slack: it reads a file as it is now.
func (b *Bot) Fetch(ctx context.Context, f approval.File, limit int64) ([]byte, error) {
	info, err := b.info(ctx, f.ID)
	switch {
	case err != nil:
		return nil, err
	case info.IsExternal:
		return nil, &approval.InputError{Why: fmt.Sprintf("%s is a link to a file somewhere else. Please upload the file itself.", f.Name)}
	case int64(info.Size) > limit:
		return nil, approval.ErrFileTooBig
	}
	from := info.URLPrivateDownload
	if from == "" {
		from = info.URLPrivate
	}
	into := &capped{left: limit}
	var status slack.StatusCodeError
	err = b.api.GetFileContext(ctx, from, into)
	switch {
	case errors.Is(err, errSignIn), errors.As(err, &status) && (status.Code == http.StatusNotFound || status.Code == http.StatusForbidden || status.Code == http.StatusGone):
		return nil, approval.ErrFileGone
	case err != nil:
		return nil, fmt.Errorf("download %s: %w", f.ID, err)
	}
	return into.data.Bytes(), nil
}

// info is what Slack knows of a file now: approval.ErrFileGone, if nothing any more.
func (b *Bot) info(ctx context.Context, id string) (*slack.File, error) {
	info, _, _, err := b.api.GetFileInfoContext(ctx, id, 0, 0)
	switch code := slackError(err); {
	case slices.Contains([]string{"file_not_found", "file_deleted", "access_denied", "not_visible", "channel_not_found"}, code):
		return nil, approval.ErrFileGone
	case err != nil:
		return nil, fmt.Errorf("files.info %s: %w", id, detail(err))
	case gone(*info):
		return nil, vanished(*info)
	}
	return info, nil
}

// vanished is what has become of a file of which Slack only keeps the place. What the
// free plan hides keeps its id and loses its name (api.slack.com/changelog/
// 2019-03-wild-west-for-files-no-more, read in a stored copy of 2026-11-26).
func vanished(f slack.File) error {
	switch f.Mode {
	case "tombstone":
		return approval.ErrFileGone
	case "hidden_by_limit":
		return approval.ErrFileHidden
	}
	return nil
}

func gone(f slack.File) bool { return vanished(f) != nil }

// capped takes so many bytes and no more, whatever size Slack has promised. The
// buffer is a field: embedded, its ReadFrom would let io.Copy past the limit.
type capped struct {
	data bytes.Buffer
	left int64
}

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	if c.left -= int64(len(p)); c.left < 0 {
		return 0, approval.ErrFileTooBig
	}
	return c.data.Write(p)
}

// Person implements approval.Slack.
func (b *Bot) Person(ctx context.Context, team, user string) (approval.Person, error) {
	u, err := b.api.GetUserInfoContext(ctx, user)
	switch slackError(err) {
	case "user_not_found":
		return approval.Person{ID: user, Gone: true}, nil
	case "user_not_visible":
		return approval.Person{ID: user, External: true}, nil
	}
	if err != nil {
		return approval.Person{}, fmt.Errorf("users.info %s: %w", user, detail(err))
	}
	elsewhere := u.TeamID != "" && u.TeamID != team && !slices.Contains(u.Enterprise.Teams, team)
	name := u.Profile.DisplayName
	if name == "" {
		name = u.RealName
	}
	return approval.Person{ID: user, Name: name, Bot: u.IsBot || user == "USLACKBOT", Guest: u.IsRestricted || u.IsUltraRestricted,
		External: u.IsStranger || elsewhere, Gone: u.Deleted}, nil
}
