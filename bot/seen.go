package bot

import (
	"context"
	"slices"
	"time"

	"countersign/approval"
	"countersign/bot/draw"
	"countersign/bot/readback"
)

// unlikeError tells that nothing may be approved by what was pressed.
type unlikeError struct {
	line int // the first line of the code that differs, or 0
	*approval.InputError
}

func (e *unlikeError) Unwrap() error { return e.InputError }

// seen makes sure, at the click, that what Slack holds of the place where it was
// made is the code that would be approved, and says beside it what was sent. An
// outdated place is for Decide to refuse.
func (b *Bot) seen(ctx context.Context, s draw.Seal, click approval.Click, mark string, held readback.Tree, drawing func(v *approval.View) readback.Tree) error {
	v, err := b.Service.View(ctx, s.Request)
	if err != nil {
		return err
	}
	rev := v.Request.Revision
	if rev == nil || rev.Digest != s.Digest || rev.Number != s.Revision {
		return nil
	}
	drawn := drawing(v)
	code, shown := readback.Numbered(rev.Code), readback.ProgramOf(readback.FactsOf(held))
	line := 0
	if !slices.Equal(code, shown) || code == nil {
		line = 1
		for line <= min(len(code), len(shown)) && code[line-1] == shown[line-1] {
			line++
		}
	}
	if line == 0 && mark != "" && readback.MarkOf(held, drawn) == mark {
		b.learn("what was pressed", readback.Spelling(drawn, held))
		return nil
	}
	// Who could not decide anyway, or comes too late, gets to know that.
	if _, err := b.Service.MayDecide(ctx, s.Ruling(approval.Approve, "", click)); err != nil {
		return err
	}
	d := readback.Differ(drawn, held)
	b.Log.Error("approved from something that does not say what was sent", "request", s.Request, "revision", s.Revision, "line", line, "what", d.What)
	return &unlikeError{line, &approval.InputError{Why: draw.Unlike(line, s.Request)}}
}

// learn logs what Slack does to our blocks without changing what they say, each kind
// once a day.
func (b *Bot) learn(where string, kinds []string) {
	for _, kind := range kinds {
		if last, ok := b.learned.Load(kind); ok && time.Since(last.(time.Time)) < 24*time.Hour {
			continue
		}
		b.learned.Store(kind, time.Now())
		b.Log.Info("Slack spells a message otherwise; it says the same", "where", where, "what", kind)
	}
}

// flawed redraws a card on which something else was pressed than what was sent: it
// then says so, and leads to where the code can be decided on.
func (b *Bot) flawed(ctx context.Context, s draw.Seal, click approval.Click, line int) {
	v, err := b.Service.View(ctx, s.Request)
	if err != nil || v.Request.State != approval.Pending || v.Request.Revision.Digest != s.Digest || v.Posts[approval.SurfaceCard].TS != click.MessageTS {
		return
	}
	_, err = b.who(ctx)
	if err == nil {
		_, _, _, err = b.api.UpdateMessageContext(ctx, click.Channel, click.MessageTS, draw.DrawCard(b.with(), v, draw.Flaw{Found: true, Line: line}).Options()...)
	}
	if err != nil {
		b.Log.Warn("redraw a card that says something else", "request", s.Request, "error", detail(err))
	}
}
