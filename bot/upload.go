package bot

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/codes"
	"countersign/bot/draw"
	"countersign/bot/draw/masked"
	"countersign/bot/kit"
)

// putFiles uploads files of an answer into its thread, all of them in one message, once:
// the charts, or what comes quietly after the answer. Slack does not say which message
// that becomes, so the post is remembered by the first file.
//
// A crash between Slack's last call and the row's commit uploads them twice: files have no metadata by which they could be
// found again, as messages have (bot/strays).
func (out *publishing) putFiles(ctx context.Context, v *steps.View, kind steps.Surface, at spot) (steps.Post, error) {
	// Files are never rewritten: an answer is final when they are uploaded.
	if had := v.Posts[kind]; had.TS != "" {
		return had, nil
	}
	if out.threads.Gone(v, at.channel, at.thread) {
		return steps.Post{}, fmt.Errorf("upload the %s of %s: %w", kind, v.Request.ID, slack.SlackErrorResponse{Err: steps.ThreadGone})
	}
	where, all, _ := kind.Copied()
	// A copy in a channel is always masked, and an answer only where others than its asker read it.
	v = masked.As(v, kind)
	var files []approval.Artifact
	// In the thread of the question charts stand above the answer and files below; a copy elsewhere has all of them together.
	for _, f := range v.Artifacts {
		if all || f.Picture() == (kind == steps.SurfaceFiles) {
			files = append(files, f)
		}
	}
	// What the answer leaves out of what was printed is never lost: it comes as a file.
	if all && draw.Copy(v, where, true).CutsPrinted || kind == steps.SurfaceSheets && draw.Reply(v, true).CutsPrinted {
		files = append(files, approval.Artifact{Name: draw.PrintedFile(v), Kind: "file", Alt: "What the code printed, in full.", Data: []byte(v.Request.Run.Result.Stdout)})
	}
	// Charts, then the tables that the answer shows, then what the program wrote by itself.
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
	// What Slack refused is named in the post's row, where the answer finds it and says so.
	shown := strings.Join(append([]string{"uploaded"}, refused...), draw.WithoutMark)
	return steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: at.channel, TS: first, Shown: shown}, nil
}

// A slow line gets the time that it needs for a file: so much for any, and so much
// for its bytes (64 KiB a second is a bad mobile line). An answer waits for files that do not get through only so long
// after its run, and a copy after it was shared: numbers without charts help more than nothing.
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

// errHost is that the host which Slack names for uploads did not take a file. It has an address of
// its own, so a firewall may let the API through and not the files.
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
		// A failure after the first of several leaves those without a message: nobody sees them, and the next
		// attempt uploads all of them anew.
		id, err := w.uploadOne(ctx, f)
		if codes.ForGood(err) {
			w.Log.Error("Slack does not take a file", "file", f.Name, "error", codes.Detail(err))
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
			return "", nil, fmt.Errorf("upload %s: %w", f.Name, codes.Detail(err))
		}
		done, names = append(done, slack.FileSummary{ID: id, Title: kit.Cut(draw.ChartFile(f), 250)}), append(names, f.Name)
	}
	if len(done) == 0 {
		return "none", refused, nil
	}
	// In this order, or a crash between the two would leave files in Slack that Take back does not know of.
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
	if codes.ForGood(err) {
		w.Log.Error("Slack does not share files", "files", len(done), "channel", at.channel, "error", codes.Detail(err))
		return "none", append(refused, names...), nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("share %s in %s: %w", kit.Count(len(done), "file"), at.channel, codes.Detail(err))
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
	// From here on the file's size decides; asking for the address takes no longer for a large one.
	// The context of the job ends it as well, where that is shorter.
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
	// With a code behind it the deletion was refused, and is tried again.
	if had.Shown == steps.TakenBack {
		return had, nil
	}
	post := had
	channel, attached, copied := kind.Copied()
	if post.TS == "" { // nobody got to remembering where the files stand; there are some, or steps would not name this surface
		post = steps.Post{RequestID: v.Request.ID, Surface: kind, Channel: cmp.Or(channel, v.Session.Channel), TS: files[0]}
	}
	post.Shown = steps.TakenBack
	// Files of an answer go one by one, and a crash may come after any: what is gone already counts as done.
	away := func(err error) error {
		code := codes.Of(err)
		switch {
		case err == nil, slices.Contains([]string{"message_not_found", "file_not_found", "file_deleted"}, code):
			return nil
		case codes.ForGood(err):
			out.Log.Error("Slack does not delete something of an answer that was taken back", "request", v.Request.ID, "surface", kind, "error", codes.Detail(err))
			post.Shown = steps.TakenBack + ": " + code
			return nil
		}
		return fmt.Errorf("delete the %s of %s: %w", kind, v.Request.ID, codes.Detail(err))
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
		if !codes.BeyondRepair(err) {
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
