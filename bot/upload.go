package bot

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/masked"
	draws "countersign/bot/draw/pins"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// putFiles uploads files of an answer into its thread, all of them in one message, once:
// the charts, or what comes quietly after the answer. Slack does not say which message
// that becomes, so the post is remembered by the first file.
func (out *publishing) putFiles(ctx context.Context, v *steps.View, kind steps.Surface, at spot) (steps.Post, error) {
	if had := v.Posts[kind]; had.TS != "" {
		return had, nil
	}
	if out.threads.Gone(v, at.channel, at.thread) {
		return steps.Post{}, fmt.Errorf("upload the %s of %s: %w", kind, v.Request.ID, slack.SlackErrorResponse{Err: steps.ThreadGone})
	}
	where, all, _ := kind.Copied()
	v = masked.As(v, kind)
	var files []approval.Artifact
	for _, f := range v.Artifacts {
		if all || f.Picture() == (kind == steps.SurfaceFiles) {
			files = append(files, f)
		}
	}
	// What the answer leaves out of what was printed is never lost: it comes as a file.
	if all && draw.Copy(v, where, true).CutsPrinted || kind == steps.SurfaceSheets && draw.Reply(v, true).CutsPrinted {
		files = append(files, approval.Artifact{Name: draw.PrintedFile, Kind: "file", Alt: "What the code printed, in full.", Data: []byte(v.Request.Run.Result.Stdout)})
	}
	rank := map[string]int{"chart": 0, "table": 1}
	order := func(a approval.Artifact) int {
		if n, ok := rank[a.Kind]; ok {
			return n
		}
		return 2
	}
	slices.SortStableFunc(files, func(a, b approval.Artifact) int { return order(a) - order(b) })
	first, refused, err := out.upload(ctx, at, files, late(v, where), func(ids []string) error {
		if out.uploads == nil {
			return nil
		}
		return out.uploads.Uploaded(ctx, v.Request.ID, kind, ids)
	})
	if err != nil {
		return steps.Post{}, err
	}
	shown := strings.Join(append([]string{"uploaded"}, refused...), draw.WithoutMark)
	return steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: at.channel, TS: first, Shown: shown}, nil
}

// A slow line gets the time that it needs for a file: so much for any, and so much
// for its bytes. An answer waits for files that do not get through only so long
// after its run, and a copy after it was shared.
const (
	uploadTime     = 30 * time.Second
	uploadPace     = 64 << 10 // bytes per second
	uploadPatience = 3 * time.Minute
)

// late tells of an answer, or of its copy in a channel, that has waited for its files long enough.
func late(v *steps.View, copied string) bool {
	since := v.Request.Run.FinishedAt
	for _, c := range v.Request.Copies {
		if c.Channel == copied {
			since = c.At
		}
	}
	return v.Now.Sub(since) > uploadPatience
}

// errHost is that the host which Slack names for uploads did not take a file.
var errHost = errors.New("the upload's host does not take it")

// upload brings files into a thread: each to the address that Slack gives for it,
// then all of them into the channel with one call. Until that call nobody sees
// any of it. It returns the first file's id; empty files, which Slack refuses,
// are left out, and of nothing the id is "none". What Slack refuses for good is
// left out as well, and named; so is, when it is late, all that does not get to
// the upload's host. remember, if there is one, hears of the ids before anybody sees
// the files.
func (w *slackAPI) upload(ctx context.Context, at spot, files []approval.Artifact, late bool, remember func(ids []string) error) (first string, refused []string, err error) {
	var done []slack.FileSummary
	var names []string
	for n, f := range files {
		if len(f.Data) == 0 {
			continue
		}
		id, err := w.uploadOne(ctx, f)
		if forGood(err) {
			w.Log.Error("Slack does not take a file", "file", f.Name, "error", detail(err))
			refused = append(refused, f.Name)
			continue
		}
		if late && errors.Is(err, errHost) && ctx.Err() == nil {
			w.Log.Error("files do not get to Slack, and are not waited for", "channel", at.channel, "file", f.Name, "files", len(files)-n, "error", err)
			for _, f := range files[n:] { // each of them could take as long, to no more use
				refused = append(refused, f.Name)
			}
			break
		}
		if err != nil {
			return "", nil, fmt.Errorf("upload %s: %w", f.Name, detail(err))
		}
		done, names = append(done, slack.FileSummary{ID: id, Title: kit.Cut(draw.ChartFile(f), 250)}), append(names, f.Name)
	}
	if len(done) == 0 {
		return "none", refused, nil
	}
	if remember != nil {
		var ids []string
		for _, f := range done {
			ids = append(ids, f.ID)
		}
		if err := remember(ids); err != nil {
			return "", nil, err
		}
	}
	_, err = w.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{Files: done, Channel: at.channel, ThreadTimestamp: at.thread})
	if forGood(err) {
		w.Log.Error("Slack does not share files", "files", len(done), "channel", at.channel, "error", detail(err))
		return "none", append(refused, names...), nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("share %s in %s: %w", kit.Count(len(done), "file"), at.channel, detail(err))
	}
	return done[0].ID, refused, nil
}

// uploadOne brings one file to Slack, where nobody sees it yet.
func (w *slackAPI) uploadOne(ctx context.Context, f approval.Artifact) (id string, err error) {
	to := slack.GetUploadURLExternalParameters{FileName: kit.Cut(draw.ChartFile(f), 250), FileSize: len(f.Data)}
	switch strings.ToLower(path.Ext(f.Name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp":
		to.AltTxt = kit.Cut(f.Alt, 1000) // pictures are what alternatives are for
	// Shown as a snippet, with its lines.
	case ".py":
		to.SnippetType = "python"
	}
	slot, err := w.api.GetUploadURLExternalContext(ctx, to)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, uploadTime+time.Duration(len(f.Data)/uploadPace)*time.Second)
	defer cancel()
	err = w.lift.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: slot.UploadURL, Reader: bytes.NewReader(f.Data), Filename: to.FileName})
	if err != nil {
		return "", fmt.Errorf("%w: %w", errHost, err)
	}
	return slot.FileID, nil
}

// remove deletes from Slack what stands there of an answer that was taken back. What is gone already
// is gone. Where Slack refuses for good, the post says with which code, and whoever presses again has
// it tried again.
func (out *publishing) remove(ctx context.Context, v *steps.View, kind steps.Surface) (steps.Post, error) {
	had, files := v.Posts[kind], v.Uploads[kind]
	if had.Shown == steps.TakenBack {
		return had, nil
	}
	post := had
	channel, attached, copied := kind.Copied()
	if post.TS == "" { // nobody got to remembering where the files stand
		post = steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: cmp.Or(channel, v.Session.Channel), TS: files[0]}
	}
	post.Shown = steps.TakenBack
	away := func(err error) error {
		code := slackError(err)
		switch {
		case err == nil, slices.Contains([]string{"message_not_found", "file_not_found", "file_deleted"}, code):
			return nil
		case forGood(err):
			out.Log.Error("Slack does not delete something of an answer that was taken back", "request", v.Request.ID, "surface", kind, "error", detail(err))
			post.Shown = steps.TakenBack + ": " + code
			return nil
		}
		return fmt.Errorf("delete the %s of %s: %w", kind, v.Request.ID, detail(err))
	}
	if kind == steps.SurfaceFiles || kind == steps.SurfaceSheets || attached {
		if len(files) == 0 && had.TS != "none" { // from before they were remembered one by one
			files = []string{had.TS}
		}
		for _, file := range files {
			if err := away(out.api.DeleteFileContext(ctx, file)); err != nil {
				return had, err
			}
		}
		return post, nil
	}
	if copied { // it began a thread in which others may have written: the line that says so takes its place
		_, _, _, err := out.api.UpdateMessageContext(ctx, had.Channel, had.TS, draw.CopyGone(v).Options()...)
		if !beyondRepair(err) {
			if err := away(err); err != nil {
				return had, err
			}
			return post, nil
		}
	}
	_, _, err := out.api.DeleteMessageContext(ctx, had.Channel, had.TS)
	if err := away(err); err != nil {
		return had, err
	}
	return post, nil
}

// Pins are the files that are pinned to channels: see pins.Keeper.
type Pins interface {
	Pinned(ctx context.Context, team, place, user string) ([]pins.Pin, error)
	MayPin(ctx context.Context, click approval.Click) (bool, error)
	Newer(ctx context.Context, click approval.Click, project string) ([]pins.Offer, error)
	Pin(ctx context.Context, click approval.Click, project, id string, people []string) error
	Unpin(ctx context.Context, click approval.Click, project, id string) error
	Accept(ctx context.Context, click approval.Click, project, pinned, upload string) error
	KeepPin(ctx context.Context, click approval.Click, project, pinned, upload string) error
}

// pinned shows what is pinned to a channel, and takes what administrators do about it.
type pinned struct {
	*slackAPI
	files   *files
	service Pins
	news    Arrivals // nil: nobody is told
}

// board is what is pinned now, as somebody may see it.
func (h *pinned) board(ctx context.Context, click approval.Click, channel string) (b draws.Board, err error) {
	b = draws.Board{Channel: channel, Old: h.Policy().PinDays, Now: time.Now()}
	if b.Pins, err = h.service.Pinned(ctx, click.Team, channel, click.User); err != nil {
		return b, err
	}
	b.Admin, err = h.service.MayPin(ctx, click)
	return b, err
}

// list opens the list. Newer uploads take a look at Slack, so they come when it is open.
func (h *pinned) list(ctx context.Context, trigger string, click approval.Click) (answer, error) {
	b, err := h.board(ctx, click, click.Channel)
	if err != nil {
		return answer{}, err
	}
	view := draws.BoardView(b)
	shown, err := h.api.OpenViewContext(ctx, trigger, view)
	if err := opened(view, err); err != nil || shown == nil || !b.Admin {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.offers(ctx, click, b, shown.View) }}, nil
}

// offers puts newer uploads into an open list.
func (h *pinned) offers(ctx context.Context, click approval.Click, b draws.Board, shown slack.View) {
	offers, err := h.service.Newer(ctx, click, b.Channel)
	if err != nil {
		h.Log.Warn("look for newer uploads of pinned files", "channel", b.Channel, "error", err)
		return
	}
	if b.Offers = offers; len(offers) > 0 {
		h.fill(ctx, shown, draws.BoardView(b))
	}
}

// again draws the list as it is now, with what has gone wrong.
func (h *pinned) again(ctx context.Context, click approval.Click, channel, view string, failed error) {
	b, err := h.board(ctx, click, channel)
	if err != nil {
		h.Log.Warn("read what is pinned", "channel", channel, "error", err)
		return
	}
	if failed != nil {
		b.Said = h.Words(failed)
	}
	if b.Admin {
		b.Offers, _ = h.service.Newer(ctx, click, channel) // without them the list is right all the same
	}
	if _, err := h.api.UpdateViewContext(ctx, draws.BoardView(b), "", "", view); err != nil && slackError(err) != "not_found" { // closed
		h.Log.Warn("draw what is pinned", "error", detail(err))
	}
}

// clickPin opens the form, and lists the channel's files once it is open.
func (h *pinned) clickPin(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata) // a button's value can be copied into another press
	if err != nil {
		return answer{}, err
	}
	may, err := h.service.MayPin(ctx, clickOf(cb, action))
	if err == nil && !may {
		err = &approval.NotAllowedError{Who: cb.User.ID, Why: approval.Reason{Code: approval.WhyAdminsOnly, Name: "pin data"}}
	}
	if err != nil {
		return answer{}, err
	}
	view := draws.FormView(from.Channel, nil, false)
	shown, err := h.api.PushViewContext(ctx, cb.TriggerID, view)
	if err := opened(view, err); err != nil || shown == nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) {
		ups, err := h.files.Uploads(ctx, from.Channel)
		if err != nil {
			h.Log.Warn("list the files for a pin", "channel", from.Channel, "error", err)
		}
		h.fill(ctx, shown.View, draws.FormView(from.Channel, ups, true))
	}}, nil
}

// linked finds the id of a file in its link.
var linked = regexp.MustCompile(`/(?:files|files-pri|files-tmb)/[A-Z0-9]+[/-](F[A-Z0-9]+)`)

// submitPin has the chosen file read and pinned. Reading takes a while, so the modal says that it has begun,
// and then what has come of it; nothing is pinned before it is.
func (h *pinned) submitPin(ctx context.Context, cb slack.InteractionCallback) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	fields := fieldsOf(cb)
	id := fields[ids.FieldFiles].SelectedOption.Value
	if link := strings.TrimSpace(fields[ids.FieldLink].Value); link != "" {
		found := linked.FindStringSubmatch(link)
		if found == nil {
			return beside(ids.FieldLink, h.Words(&approval.InputError{Why: approval.Because(approval.WhyPinNone)})), nil
		}
		id = found[1]
	}
	if id == "" {
		return beside(ids.FieldLink, h.Words(&approval.InputError{Why: approval.Because(approval.WhyPinNone)})), nil
	}
	click, people := modalClick(cb, from), fields[ids.FieldPeople].SelectedUsers
	wait := draws.ReadingView(from.Channel, "One moment: the file is read through. It is pinned when this says so.")
	return h.awaiting(wait, func(ctx context.Context) slack.ModalViewRequest {
		said := "It is pinned."
		if err := h.service.Pin(ctx, click, from.Channel, id, people); err != nil {
			said = h.Words(err) + " Nothing was pinned."
		}
		return draws.ReadingView(from.Channel, said)
	}).then(func(ctx context.Context) { h.again(ctx, click, from.Channel, cb.View.RootViewID, nil) }), nil
}

// clickUnpin takes a pin away.
func (h *pinned) clickUnpin(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	click := clickOf(cb, action)
	if err := h.service.Unpin(ctx, click, from.Channel, action.Value); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.again(ctx, click, from.Channel, cb.View.ID, nil) }}, nil
}

// clickAccept puts a newer upload in the place of a pinned file, once it is read through.
func (h *pinned) clickAccept(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	was, upload, _ := strings.Cut(action.Value, " ")
	click := clickOf(cb, action)
	return answer{long: true, after: func(ctx context.Context) {
		err := h.service.Accept(ctx, click, from.Channel, was, upload)
		h.again(ctx, click, from.Channel, cb.View.ID, err)
	}}, nil
}

// clickKeep declines it.
func (h *pinned) clickKeep(ctx context.Context, cb slack.InteractionCallback, action *slack.BlockAction) (answer, error) {
	from, err := draw.OriginOf(cb.View.PrivateMetadata)
	if err != nil {
		return answer{}, err
	}
	was, upload, _ := strings.Cut(action.Value, " ")
	click := clickOf(cb, action)
	if err := h.service.KeepPin(ctx, click, from.Channel, was, upload); err != nil {
		return answer{}, err
	}
	return answer{after: func(ctx context.Context) { h.again(ctx, click, from.Channel, cb.View.ID, nil) }}, nil
}
