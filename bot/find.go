package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/meant"
)

// files reads what has been shared, and where: as Slack has it now. Nothing is remembered between two looks: a file may be
// deleted, replaced or unshared at any time, and what was read of it is named by its hash.
type files struct{ *slackAPI }

// Fetch implements steps.Files: a file as it is now, as a stream.
func (h *files) Fetch(ctx context.Context, f approval.File, limit int64) (io.ReadCloser, error) {
	info, err := h.info(ctx, f)
	switch {
	case err != nil:
		return nil, err
	case info.IsExternal:
		return nil, linkedFile(f.Name)
	case int64(info.Size) > limit:
		return nil, steps.ErrFileTooBig
	}
	// Without a download address Slack still has the private one, as of files that came in by an older client.
	from := info.URLPrivateDownload
	if from == "" {
		from = info.URLPrivate
	}
	return h.download(ctx, f, from, limit), nil
}

// info is what Slack knows of a file now. Of a deleted one it says file_deleted, or
// gives its tombstone (rusq/slackdump#270); file_not_found is "does not exist, or is
// not visible to the calling user" (docs.slack.dev, files.delete and files.info, read
// 2026-11-26), and what a bot gets of a file in a private channel that it is not in
// (PipedreamHQ/pipedream#22031): so that one may come back. *approval.CauseError.
func (h *files) info(ctx context.Context, f approval.File) (*slack.File, error) {
	info, _, _, err := h.api.GetFileInfoContext(ctx, f.ID, 0, 0)
	switch {
	case codes.Of(err) == "file_deleted":
		return nil, lacking(approval.FileGone, f)
	case codes.ForGood(err):
		return nil, lacking(approval.FileNotSeen, f)
	case err != nil:
		return nil, fmt.Errorf("files.info %s: %w", f.ID, codes.Detail(err))
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

// gone tells of a file of which Slack only keeps the place: deleted, or beyond the history of a free workspace.
func gone(f slack.File) bool { return f.Mode == "tombstone" || f.Mode == "hidden_by_limit" }

// stall is how long Slack may send nothing of a file. A download as a whole has no limit of its own:
// what reads it has one, and takes its time.
const stall = time.Minute

var errStalled = errors.New("nothing of it has come for a minute")

// download reads a file of Slack's while it comes. It ends with its context, or when it is closed.
func (h *files) download(ctx context.Context, f approval.File, from string, limit int64) io.ReadCloser {
	ctx, cancel := context.WithCancelCause(ctx)
	reader, writer := io.Pipe()
	go func() {
		idle := time.AfterFunc(stall, func() { cancel(errStalled) })
		err := h.lift.GetFileContext(ctx, from, &capped{to: writer, left: limit, idle: idle})
		idle.Stop()
		var status slack.StatusCodeError
		switch {
		case err == nil:
		case errors.Is(context.Cause(ctx), errStalled):
			err = fmt.Errorf("download %s: %w", f.ID, errStalled)
		case errors.Is(err, errSignIn), errors.As(err, &status) && (status.Code == http.StatusNotFound || status.Code == http.StatusForbidden || status.Code == http.StatusGone):
			err = lacking(approval.FileWithheld, f) // whether it is gone, files.info says: the next look finds out
		default:
			err = fmt.Errorf("download %s: %w", f.ID, err)
		}
		_ = writer.CloseWithError(err) // it never fails
		cancel(nil)
	}()
	return &download{PipeReader: reader, cancel: cancel}
}

// download is a file on its way from Slack. Whoever closes it ends the transfer.
type download struct {
	*io.PipeReader
	cancel context.CancelCauseFunc
}

// Close implements io.Closer.
func (d *download) Close() error {
	d.cancel(nil)
	return d.PipeReader.Close()
}

// capped passes on so many bytes and no more, whatever size Slack has promised. While nobody takes
// them, Slack is not waited for.
type capped struct {
	to   io.Writer
	left int64
	idle *time.Timer
}

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	if c.left -= int64(len(p)); c.left < 0 {
		return 0, steps.ErrFileTooBig
	}
	c.idle.Stop()
	defer c.idle.Reset(stall)
	return c.to.Write(p)
}

// What the steps of a request ask Slack about the place where it was asked.

// Place implements steps.Slack: it looks at a channel as it is now. Slack says
// channel_not_found of a private channel that the bot is not in as of one that is not
// there, and missing_scope of a kind of conversation that it may not read
// (docs.slack.dev, conversations.info, read 2026-11-26): whatever Slack refuses for a
// reason of its own is not seen, and what is only trouble is asked again.
func (h *files) Place(ctx context.Context, channel, user string) (p approval.Place, err error) {
	c, err := h.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
	switch {
	case codes.ForGood(err):
		return p, nil
	case err != nil:
		return p, fmt.Errorf("conversations.info %s: %w", channel, codes.Detail(err))
	}
	if c.Name != "" && !c.IsIM { // a direct message has none
		h.Known(h.team(), channel, "#"+c.Name)
	}
	p = approval.Place{Seen: true, In: c.IsMember || c.IsIM, Archived: c.IsArchived, Private: (c.IsPrivate || c.IsGroup) && !c.IsIM, Shared: c.IsExtShared}
	if !p.Private || !p.In || p.Archived || user == "" {
		return p, nil
	}
	switch p.AskerIn, err = h.has(ctx, channel, user); {
	case codes.ForGood(err):
		return approval.Place{}, nil // it was taken out between the two
	}
	return p, err
}

// Within implements steps.Slack.
func (h *files) Within(ctx context.Context, channel, user string) (bool, error) {
	// A channel that the bot does not see: then nobody is shown to be in it.
	in, err := h.has(ctx, channel, user)
	if codes.ForGood(err) {
		return false, nil
	}
	return in, err
}

// Find implements steps.Slack: it finds the files of a question. Those that came
// with it are looked up as they are now; else those that its words name in the channel.
func (h *files) Find(ctx context.Context, q steps.Search) (found steps.Found, err error) {
	if q.Seek.Given {
		return h.asNow(ctx, q)
	}
	s, err := h.look(ctx, q.Channel, q.Text)
	if err != nil {
		return found, err
	}
	s.Pinned = q.Pinned
	s.First(q.Thread)
	own, err := h.ownResults(ctx, q, s)
	if err != nil {
		return found, err
	}
	own = append(own, elsewhereOf(q, s)...)
	// In a thread that has files, a word that happens to be called like a file means none.
	stems := !q.Seek.Follow || len(q.Files) == 0
	if named, missing := s.Named(q.Text, stems, own...); q.Seek.Follow && missing == "" {
		if len(named) == 0 {
			return h.ofThread(ctx, q)
		}
		return h.named(ctx, q, s, named, "")
	}
	picked, cause := s.Pick(q.Text, stems, own...)
	if cause != nil {
		cause.Channel = q.Channel
		return found, &approval.CauseError{Cause: *cause}
	}
	return h.named(ctx, q, s, picked.Files, picked.Unread)
}

// ofThread are the files that a thread has read before. One that has been deleted since,
// or that Slack does not show to the asker, is left out, and said, as long as another is there.
func (h *files) ofThread(ctx context.Context, q steps.Search) (found steps.Found, err error) {
	var lost error
	for _, f := range q.Files {
		one := q
		one.Files = []approval.File{f}
		now, err := h.asNow(ctx, one)
		if cause, ok := errors.AsType[*approval.CauseError](err); ok && slices.Contains([]approval.CauseCode{approval.FileGone, approval.FileNotYours}, cause.Cause.Code) {
			// One is enough to be said: the thread names it, and people know the others.
			found.Unread, lost = f.Name, err
			continue
		}
		if err != nil {
			return steps.Found{}, err
		}
		found.Files = append(found.Files, now.Files...)
		if found.Shared == nil {
			found.Shared = now.Shared
		}
		maps.Copy(found.Shared, now.Shared)
	}
	if lost != nil && len(found.Files) == 0 {
		return steps.Found{}, lost
	}
	return found, nil
}

// ownResults are the results that the question's own thread has posted and its words
// name: those of other threads are nobody's input by their name alone. Where a file
// stands Slack says of one file at a time.
func (h *files) ownResults(ctx context.Context, q steps.Search, s meant.Shelf) (own []approval.File, err error) {
	if !q.Seek.Follow {
		return nil, nil
	}
	ours := meant.Shelf{Files: s.Ours}
	named, _ := ours.Named(q.Text, false)
	for _, f := range named {
		info, err := h.info(ctx, f)
		if _, ok := errors.AsType[*approval.CauseError](err); ok {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, share := range slices.Concat(info.Shares.Public[q.Channel], info.Shares.Private[q.Channel]) {
			if cmp.Or(share.ThreadTs, share.Ts) == q.Seek.Thread {
				own = append(own, f)
				break
			}
		}
	}
	return own, nil
}

// Slack gives so many files at a time, the latest first. A question waits for so
// many of these pages.
const (
	filesAtOnce = 200
	filesPages  = 10
)

// look reads what data a channel holds. It looks as far back as the question asks
// for: until there is data at all, and every file that the question names.
func (h *files) look(ctx context.Context, channel, question string) (s meant.Shelf, err error) {
	who, err := h.who(ctx)
	if err != nil {
		return s, err
	}
	for page := 1; page <= filesPages; page++ {
		found, paging, err := h.api.GetFilesContext(ctx, slack.GetFilesParameters{Channel: channel, Count: filesAtOnce, Page: page, Types: "all",
			TimestampTo: slack.DEFAULT_FILES_TS_TO})
		if codes.ForGood(err) {
			return s, &approval.CauseError{Cause: approval.Cause{Code: approval.NotSeen, Channel: channel}}
		}
		if err != nil {
			return s, fmt.Errorf("files.list in %s: %w", channel, codes.Detail(err))
		}
		// Shelf.Put wants the newest first.
		slices.SortStableFunc(found, func(a, b slack.File) int { return cmp.Compare(b.Created, a.Created) })
		for _, f := range found {
			if draw.Data(f.Name) && !gone(f) {
				s.Put(meant.Shared{File: input(f), By: f.User, At: f.Created.Time(), Ours: f.User == who.User})
			}
		}
		// A channel of years has thousands of files. Whoever names none of the old ones need not wait for them.
		if page >= paging.Pages || s.Has(question) {
			break
		}
	}
	return s, nil
}

// input is a file as a question names it.
func input(f slack.File) approval.File {
	return approval.File{ID: f.ID, Name: f.Name, Size: int64(f.Size)}
}

// asNow looks up files whose ids are known. One that was chosen from the channel's has
// to be there still. One that came with the question need not be: then it is the asker's
// own. Nor need one that its thread was about before, as long as Slack shows it to the asker, or to
// whoever handed it to them with the thread.
// The bot may see files that the asker does not, and reads none of those for them, whatever a
// form or a thread names.
func (h *files) asNow(ctx context.Context, q steps.Search) (found steps.Found, err error) {
	found.Shared = map[string]approval.Sharing{}
	for _, f := range q.Files {
		info, err := h.info(ctx, f)
		if err != nil {
			return steps.Found{}, err
		}
		switch { // what its message did not say of it
		case !draw.Data(info.Name):
			return steps.Found{}, notData(info.Name)
		case info.IsExternal:
			return steps.Found{}, linkedFile(info.Name)
		}
		// By whom it was uploaded Slack says. That a form says "brought" proves nothing: its metadata passes through the asker's Slack.
		came := slices.Contains(q.Seek.Brought, f.ID) && info.User == q.Asker
		pinned := slices.ContainsFunc(q.Pinned, func(p approval.File) bool { return p.ID == f.ID })
		if !came && !pinned && !slices.Contains(slices.Concat(info.Channels, info.Groups, info.IMs), q.Channel) {
			cause := approval.Cause{Code: approval.FileNotHere, File: f.Name, Channel: q.Channel}
			var shown bool
			for _, giver := range q.Given[f.ID] {
				if shown, err = h.shown(ctx, info, giver); err != nil {
					return steps.Found{}, err
				}
				if shown {
					break
				}
			}
			if !shown && slices.Contains(q.Thread, f.ID) {
				cause.Code = approval.FileNotYours
				if shown, err = h.shown(ctx, info, q.Asker); err != nil {
					return steps.Found{}, err
				}
			}
			if !shown {
				return steps.Found{}, &approval.CauseError{Cause: cause}
			}
		}
		found.Files = append(found.Files, input(*info))
		found.Shared[info.ID] = approval.Sharing{By: info.User, At: info.Created.Time().UTC()}
	}
	return found, nil
}

// Stat implements steps.Slack.
func (h *files) Stat(ctx context.Context, f approval.File) error {
	_, err := h.info(ctx, f)
	return err
}

// team is the bot's own workspace, as far as it is known by now.
func (h *files) team() string { return h.with().Self.TeamID }
