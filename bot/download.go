package bot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

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
