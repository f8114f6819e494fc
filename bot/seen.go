package bot

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
)

// markEnd is how a mark stands behind a seal in the value of Approve.
var markEnd = regexp.MustCompile(fmt.Sprintf(`/[0-9a-f]{%d}$`, markLength))

// cutMark takes the mark from the value of Approve.
func cutMark(value string) (seal, mark string) {
	at := markEnd.FindStringIndex(value)
	if at == nil {
		return value, ""
	}
	return value[:at[0]], value[at[0]+1:]
}

// marked puts on Approve the mark of everything that its card says: a press brings
// both, and has to be of a card that still says so.
func (p *page) marked() {
	for _, block := range p.blocks {
		actions, ok := block.(*slack.ActionBlock)
		if !ok {
			continue
		}
		for _, e := range actions.Elements.ElementSet {
			if button, ok := e.(*slack.ButtonBlockElement); ok && button.ActionID == actionApprove {
				button.Value += "/" + markOf(treeFrom(p.blocks), nil)
			}
		}
	}
}

// unlike is said of a message or a modal that Slack does not hold as it was sent.
func unlike(line int, id string) string {
	what := "Slack holds something else than what I sent"
	if line > 0 {
		what += fmt.Sprintf(": line %d of the code is not the same", line)
	}
	return what + ". You may not have seen everything as it is, so nothing has changed. Open the code again, or decide on the command line: countersign decide " + id
}

// unlikeError tells that nothing may be approved by what was pressed.
type unlikeError struct {
	line int // the first line of the code that differs, or 0
	*approval.InputError
}

func (e *unlikeError) Unwrap() error { return e.InputError }

// numbered are the lines of a program as cards and modals show them, together.
func numbered(code string) []string {
	all := len(lines(code))
	whole, ok := number(code, all, 2*len(code)+20*all)
	if !ok || len(whole) != 1 {
		return nil
	}
	return strings.Split(whole[0].text, "\n")
}

// seen makes sure, at the click, that what Slack holds of the place where it was
// made is the code that would be approved, and says beside it what was sent. An
// outdated place is for Decide to refuse.
func (b *Bot) seen(ctx context.Context, s seal, click approval.Click, mark string, held tree, draw func(v *steps.View) tree) error {
	v, err := b.Service.View(ctx, s.request)
	if err != nil {
		return err
	}
	rev := v.Request.Revision
	if rev == nil || rev.Digest != s.digest || rev.Number != s.revision {
		return nil
	}
	drawn := draw(v)
	code, shown := numbered(rev.Code), programOf(factsOf(held))
	line := 0
	if !slices.Equal(code, shown) || code == nil {
		line = 1
		for line <= min(len(code), len(shown)) && code[line-1] == shown[line-1] {
			line++
		}
	}
	if line == 0 && mark != "" && markOf(held, drawn) == mark {
		b.learn("what was pressed", spelling(drawn, held))
		return nil
	}
	// Who could not decide anyway, or comes too late, gets to know that.
	if _, err := b.Service.MayDecide(ctx, s.ruling(approval.Approve, "", click)); err != nil {
		return err
	}
	d := differ(drawn, held)
	b.Log.Error("approved from something that does not say what was sent", "request", s.request, "revision", s.revision, "line", line, "what", d.what)
	return &unlikeError{line, &approval.InputError{Why: unlike(line, s.request)}}
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
func (b *Bot) flawed(ctx context.Context, s seal, click approval.Click, line int) {
	v, err := b.Service.View(ctx, s.request)
	if err != nil || v.Request.State != approval.Pending || v.Request.Revision.Digest != s.digest || v.Posts[steps.SurfaceCard].TS != click.MessageTS {
		return
	}
	who, err := b.who(ctx)
	if err == nil {
		_, _, _, err = b.api.UpdateMessageContext(ctx, click.Channel, click.MessageTS, b.drawCard(v, who, flaw{found: true, line: line}).options()...)
	}
	if err != nil {
		b.Log.Warn("redraw a card that says something else", "request", s.request, "error", detail(err))
	}
}

// flaw is what is known of a card that Slack does not hold as it was sent.
type flaw struct {
	found bool
	line  int // the first line of the code that differs, or 0
}

// say tells it on the card, with the line as it should be.
func (f flaw) say(p *page, r *approval.Request) {
	if !f.found {
		return
	}
	said := []part{strong("This card cannot be trusted. ")}
	switch all := lines(r.Revision.Code); {
	case f.line == 0:
		said = append(said, words("Slack has changed something that it says. "))
	case f.line > len(all):
		said = append(said, words("Slack has added to the code. "))
	case strings.TrimSpace(all[f.line-1]) == "":
		said = append(said, words(fmt.Sprintf("Slack has changed line %d of the code, which should be empty. ", f.line)))
	default:
		said = append(said, words(fmt.Sprintf("Slack has changed line %d of the code. It should read: ", f.line)), mono(cut(all[f.line-1], 200)), words(" "))
	}
	said = append(said, words("Open the code with the button below to decide on it, or decide on the command line: "), mono("countersign decide "+r.ID))
	p.say(said...)
}
