package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/codegen/samples"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// stage is where the demo's round is played and its transcript printed. It waits for what people see in
// the local Slack, so the round fails where a person would be left waiting.
// root and card are found by one scene and used by those after it; root is also the mark from which this
// round's messages are told from an earlier demo's.
type stage struct {
	*replica
	sim   *slacksim.Sim
	maya  *person.Person // asks
	ben   *person.Person // reviews
	hurry bool           // nobody watches: no pauses
	every time.Duration  // how often it says what it waits for

	root string // ts of the thread
	card workspace.Message
}

// line prints a line of the transcript.
func (s *stage) line(who, format string, args ...any) { transcript(s.out, who, format, args...) }

// transcript prints a line with its time: on a busy machine people see that it goes on.
func transcript(out io.Writer, who, format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	fmt.Fprintf(out, "  %s  %-12s %s\n", time.Now().Format("15:04:05"), cmp.Or(who, "(the demo)"), strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 25)))
}

// sayEvery is how long the demo waits before it says what it waits for, again and again.
const sayEvery = 10 * time.Second

// wait waits for something as long as the machine needs, and says what it waits for.
// It ends early when the request has ended otherwise: then it does not come.
// until is given a context that ends with a cause when the request has ended: what it waits for would never
// come then.
func wait[T any](ctx context.Context, s *stage, what string, until func(context.Context) (T, error)) (T, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	// The teller has ended before this returns, or its line could come after the one that says what came.
	quit, quitted := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(quitted)
		tick := time.NewTicker(s.every)
		defer tick.Stop()
		over := 0
		for {
			select {
			case <-tick.C:
			case <-quit:
				return
			}
			s.line("", "still waits for %s%s", what, s.place(ctx))
			// Looked at twice: what ended just now is still being shown.
			if over = s.ended(ctx, over); over > 1 {
				stop(errors.New("the request has ended without it"))
			}
		}
	}()
	got, err := until(ctx)
	close(quit)
	<-quitted
	// That the request ended says more than that a wait was given up because of it: both are told, this first.
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = fmt.Errorf("%w (%w)", cause, err)
	}
	return got, err
}

// ended counts how often in a row the request of this round was seen to have ended before it ran.
func (s *stage) ended(ctx context.Context, before int) int {
	// Before the thread is there nobody has asked anything, and the latest request is that of an earlier demo.
	if s.root == "" {
		return 0
	}
	r := s.asked(ctx)
	if r == nil || !r.State.Final() || r.State == approval.Done {
		return 0
	}
	return before + 1
}

// asked is the request of this round, if it can be told: the latest of the analyst's. Nobody else asks in the demo yet.
func (s *stage) asked(ctx context.Context) *approval.Request {
	asked, err := s.db.Recent(ctx, slacksim.DefaultTeam.ID, slacksim.Analyst, 1)
	if err != nil || len(asked) == 0 {
		return nil
	}
	return asked[0]
}

// place says where the request of this round stands in the line for a box.
func (s *stage) place(ctx context.Context) string {
	if r := s.asked(ctx); s.root != "" && r != nil && r.Place > approval.NotInLine {
		return fmt.Sprintf(": this machine is busy, it is number %d in line for a sandbox", r.Place)
	}
	return ""
}

// sandbox waits until the sandbox has proven itself.
func (s *stage) sandbox(ctx context.Context) error {
	s.line("", "tries the sandbox out")
	_, err := wait(ctx, s, "the sandbox, which is being tried out", func(ctx context.Context) (bool, error) {
		for {
			err := s.service.Sandbox.Ready()
			if box, ok := errors.AsType[*steps.BoxError](err); err == nil || !ok || !box.Retry {
				if err != nil {
					err = errors.New(forPeople(err))
				}
				return err == nil, err
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				return false, ctx.Err()
			}
		}
	})
	return err
}

// pause leaves a person time to look at the page. Nothing depends on its length.
func (s *stage) pause(ctx context.Context, d time.Duration) {
	if s.hurry {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// share puts the sample files into the channel, unless an earlier demo has.
// The round begins when both of the bot's sockets are there, so that nothing is asked before anybody listens.
func (s *stage) share(ctx context.Context) error {
	if _, err := wait(ctx, s, "the bot to connect", func(ctx context.Context) (bool, error) { return true, s.sim.WaitSockets(ctx, 2) }); err != nil {
		return fmt.Errorf("the bot does not connect: %w", err)
	}
	for _, file := range samples.Files() {
		if slices.ContainsFunc(s.maya.Messages(slacksim.SalesData), func(m workspace.Message) bool { return shows(m, file.Name) }) {
			continue
		}
		if _, err := s.maya.Share(slacksim.SalesData, file.About, file.Name, file.Data); err != nil {
			return fmt.Errorf("share %s: %w", file.Name, err)
		}
		s.line("Maya", "shares %s in #sales-data", file.Name)
	}
	return nil
}

// ask types the question and waits for the thread that it opens. A demo that was played before has
// threads already: the new one is the first after the last message that was there.
func (s *stage) ask(ctx context.Context) error {
	s.pause(ctx, 3*time.Second)
	earlier := ""
	for _, m := range s.maya.Messages(slacksim.SalesData) {
		earlier = m.TS
	}
	line := "/analyze " + question.Text
	s.line("Maya", "%s", line)
	if err := s.maya.Command(slacksim.SalesData, line); err != nil {
		return fmt.Errorf("/analyze: %w", err)
	}
	// By what is on the page and not by our own rows: the round shows what a person would see.
	root, err := wait(ctx, s, "the thread of the question", func(ctx context.Context) (workspace.Message, error) {
		return s.maya.WaitMessage(ctx, slacksim.SalesData, func(m workspace.Message) bool {
			return m.TS > earlier && m.BotID != "" && !m.Ephemeral && (m.ThreadTS == "" || m.ThreadTS == m.TS)
		})
	})
	if err != nil {
		return fmt.Errorf("no thread for the question: %w", err)
	}
	s.root = root.TS
	return nil
}

// review waits for the card, reads it out, and approves it.
// It looks for Approve on the card and not for a state in the database: the round proves what people can see
// and press.
func (s *stage) review(ctx context.Context) error {
	card, err := wait(ctx, s, "the card with the code", func(ctx context.Context) (workspace.Message, error) {
		return s.ben.WaitMessage(ctx, slacksim.CodeReview, func(m workspace.Message) bool { return m.TS > s.root && m.Has("Approve") })
	})
	if err != nil {
		return fmt.Errorf("no card with Approve in the review channel: %w", s.told(err))
	}
	s.card = card
	s.line("Countersign", "asks #code-review:")
	fmt.Fprintln(s.out, indent(s.read(card), 25, 60))
	s.pause(ctx, 6*time.Second)
	s.line("Ben", "clicks Approve")
	if err := s.ben.Click(card, "Approve"); err != nil {
		return fmt.Errorf("click Approve: %w", err)
	}
	decided, err := wait(ctx, s, "the card to say so", func(ctx context.Context) (workspace.Message, error) {
		return s.ben.WaitChange(ctx, card, func(m workspace.Message) bool { return !m.Has("Approve") })
	})
	if err != nil {
		return fmt.Errorf("the card still has its buttons: %w", err)
	}
	for _, text := range strings.Split(s.read(decided), "\n") {
		if strings.HasPrefix(text, "Approved by") {
			s.line("Countersign", "rewrites the card: %s", text)
		}
	}
	return nil
}

// answer waits for the chart, the table and the bill in Maya's thread.
func (s *stage) answer(ctx context.Context) error {
	reply, err := wait(ctx, s, "the answer", func(ctx context.Context) (workspace.Message, error) {
		return s.maya.WaitReply(ctx, slacksim.SalesData, s.root, func(m workspace.Message) bool {
			return m.Has("Show code")
		})
	})
	if err != nil {
		return fmt.Errorf("no answer in the thread: %w", s.told(err))
	}
	var charts []workspace.File
	for _, m := range s.maya.Thread(slacksim.SalesData, s.root) {
		for _, f := range m.Files {
			if f.IsImage {
				charts = append(charts, f)
			}
		}
	}
	if len(charts) == 0 {
		return errors.New("the answer came without a chart")
	}
	for _, chart := range charts {
		data, err := s.maya.Download(chart.ID)
		if err != nil {
			return fmt.Errorf("the chart %s cannot be downloaded: %w", chart.Name, err)
		}
		if !strings.HasPrefix(string(data), "\x89PNG") {
			return fmt.Errorf("the chart %s is not a picture", chart.Name)
		}
		s.line("Countersign", "posts the chart %s (%d × %d, %d kB)", chart.Name, chart.Width, chart.Height, len(data)/1024)
	}
	if !slices.ContainsFunc(reply.Blocks, func(b blockkit.Block) bool { return b["type"] == "table" }) {
		return errors.New("the answer came without a table")
	}
	s.line("Countersign", "answers Maya in the thread:")
	for _, m := range s.maya.Thread(slacksim.SalesData, s.root) {
		// The sentence stands by itself where a chart comes after it.
		if m.BotID != "" && m.TS != s.root && m.TS < reply.TS && strings.HasPrefix(m.Text, "<@"+slacksim.Analyst+">") {
			fmt.Fprintln(s.out, indent(s.read(m), 25, 60))
		}
	}
	fmt.Fprintln(s.out, indent(s.read(reply), 25, 60))
	return nil
}

// proof says how to read who did what in the round: the demo's data has a folder of its own.
func (s *stage) proof(ctx context.Context) error {
	asked, err := s.db.Recent(ctx, slacksim.DefaultTeam.ID, slacksim.Analyst, 1)
	if err != nil {
		return fmt.Errorf("look the request up: %w", err)
	}
	if len(asked) == 0 {
		return errors.New("the request is not on record")
	}
	fmt.Fprintf(s.out, "\nThe audit trail of this round, now or later:\n  DATA_DIR=%s %s audit %s\n", s.DataDir, os.Args[0], asked[0].ID)
	return nil
}

// told adds to a failed wait what the thread says, which is usually the reason: a budget, a model that does not answer.
func (s *stage) told(err error) error {
	for _, m := range slices.Backward(s.maya.Thread(slacksim.SalesData, s.root)) {
		if m.BotID != "" && m.TS != s.root {
			return fmt.Errorf("%w; the thread says: %s", err, m.Text)
		}
	}
	return err
}

// read is what a screen reader would say of a message, and the code that is in it.
// The text of a message is what a screen reader gets of it (blocks are not read out), and stands for the code
// in a sentence.
func (s *stage) read(m workspace.Message) string {
	text := marked.ReplaceAllStringFunc(m.Text, func(mark string) string {
		target, label, labelled := strings.Cut(strings.Trim(mark, "<>"), "|")
		switch {
		case strings.HasPrefix(target, "@"):
			return "@" + s.name(target[1:])
		case labelled:
			return label
		}
		return target
	})
	// Slack escapes these three in texts.
	text = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
	var code []string
	for _, line := range strings.Split(m.Words(), "\n") {
		if numbered.MatchString(line) {
			code = append(code, line)
		}
	}
	switch {
	case len(code) == 0:
		return text
	case strings.Contains(text, insteadOfCode):
		return strings.Replace(text, insteadOfCode, strings.Join(code, "\n"), 1)
	}
	return text + "\n" + strings.Join(code, "\n")
}

// insteadOfCode is what a card says to a screen reader where the code is.
const insteadOfCode = "The code is in the message."

var (
	marked   = regexp.MustCompile(`<[@#!][^>]*>`) // a mention, a channel, a date
	numbered = regexp.MustCompile(`^ *\d+  `)     // a line of code on a card
)

// name is a person of the local Slack; an id that it does not know stays one.
func (s *stage) name(user string) string {
	for _, u := range slacksim.DefaultUsers() {
		if u.ID == user {
			return u.RealName
		}
	}
	return user
}

// shows tells whether a message has a file of that name.
func shows(m workspace.Message, name string) bool {
	return slices.ContainsFunc(m.Files, func(f workspace.File) bool { return f.Name == name })
}

// indent sets a text off, and cuts it to so many lines.
func indent(text string, by, most int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > most {
		lines = append(lines[:most], fmt.Sprintf("… (%d lines more)", len(lines)-most))
	}
	margin := strings.Repeat(" ", by)
	return margin + strings.Join(lines, "\n"+margin)
}
