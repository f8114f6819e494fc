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
	"countersign/approval/review"
	"countersign/approval/steps"
)

// Fetch implements approval.Slack: it reads a file as it is now.
func (b *Bot) Fetch(ctx context.Context, f approval.File, limit int64) ([]byte, error) {
	info, err := b.info(ctx, f)
	switch {
	case err != nil:
		return nil, err
	case info.IsExternal:
		return nil, &approval.InputError{Why: fmt.Sprintf("%s is a link to a file somewhere else. Please upload the file itself.", f.Name)}
	case int64(info.Size) > limit:
		return nil, steps.ErrFileTooBig
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
		// Whether it is gone, files.info says: the next look finds out.
		return nil, lacking(approval.FileWithheld, f)
	case err != nil:
		return nil, fmt.Errorf("download %s: %w", f.ID, err)
	}
	return into.data.Bytes(), nil
}

// info is what Slack knows of a file now. Of a deleted one it says file_deleted, or
// gives its tombstone (rusq/slackdump#270); file_not_found is "does not exist, or is
// not visible to the calling user" (docs.slack.dev, files.delete and files.info, read
// 2026-11-26), and what a bot gets of a file in a private channel that it is not in
// (PipedreamHQ/pipedream#22031): so that one may come back. *approval.CauseError.
func (b *Bot) info(ctx context.Context, f approval.File) (*slack.File, error) {
	info, _, _, err := b.api.GetFileInfoContext(ctx, f.ID, 0, 0)
	switch {
	case slackError(err) == "file_deleted":
		return nil, lacking(approval.FileGone, f)
	case forGood(err):
		return nil, lacking(approval.FileNotSeen, f)
	case err != nil:
		return nil, fmt.Errorf("files.info %s: %w", f.ID, detail(err))
	case info.Mode == "tombstone":
		return nil, lacking(approval.FileGone, f)
	case info.Mode == "hidden_by_limit":
		return nil, lacking(approval.FileHidden, f)
	}
	return info, nil
}

// lacking is a file that cannot be read.
func lacking(code approval.CauseCode, f approval.File) error {
	return &approval.CauseError{Cause: approval.Cause{Code: code, File: f.Name}}
}

// gone tells of a file of which Slack only keeps the place.
func gone(f slack.File) bool { return f.Mode == "tombstone" || f.Mode == "hidden_by_limit" }

// capped takes so many bytes and no more, whatever size Slack has promised. The
// buffer is a field: embedded, its ReadFrom would let io.Copy past the limit.
type capped struct {
	data bytes.Buffer
	left int64
}

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	if c.left -= int64(len(p)); c.left < 0 {
		return 0, steps.ErrFileTooBig
	}
	return c.data.Write(p)
}

// Person implements approval.Slack.
func (b *Bot) Person(ctx context.Context, team, user string) (review.Person, error) {
	u, err := b.api.GetUserInfoContext(ctx, user)
	switch slackError(err) {
	case "user_not_found":
		return review.Person{ID: user, Gone: true}, nil
	case "user_not_visible":
		return review.Person{ID: user, External: true}, nil
	}
	if err != nil {
		return review.Person{}, fmt.Errorf("users.info %s: %w", user, detail(err))
	}
	elsewhere := u.TeamID != "" && u.TeamID != team && !slices.Contains(u.Enterprise.Teams, team)
	name := u.Profile.DisplayName
	if name == "" {
		name = u.RealName
	}
	return review.Person{ID: user, Name: name, Bot: u.IsBot || user == "USLACKBOT", Guest: u.IsRestricted || u.IsUltraRestricted,
		External: u.IsStranger || elsewhere, Gone: u.Deleted}, nil
}
