package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"countersign/codegen/samples"
	"countersign/internal/slacksim"
)

// stage is where the demo's round is played and its transcript printed.
type stage struct {
	*replica
	sim   *slacksim.Sim
	maya  *slacksim.Person // asks
	ben   *slacksim.Person // reviews
	hurry bool             // nobody watches: no pauses

	root string // ts of the thread
	card slacksim.Message
}

// line prints a line of the transcript.
func (s *stage) line(who, format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	fmt.Fprintf(s.out, "  %s  %-12s %s\n", time.Now().Format("15:04:05"), who, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 25)))
}

// pause leaves a person time to look at the page.
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
func (s *stage) share(ctx context.Context) error {
	if err := s.sim.WaitSockets(ctx, 2); err != nil {
		return fmt.Errorf("the bot does not connect: %w", err)
	}
	for _, file := range samples.Files() {
		if slices.ContainsFunc(s.maya.Messages(slacksim.SalesData), func(m slacksim.Message) bool { return shows(m, file.Name) }) {
			continue
		}
		if _, err := s.maya.Share(slacksim.SalesData, file.About, file.Name, file.Data); err != nil {
			return fmt.Errorf("share %s: %w", file.Name, err)
		}
		s.line("Maya", "shares %s in #sales-data", file.Name)
	}
	return nil
}

// ask types the question and waits for the thread that it opens.
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
	root, err := s.maya.WaitMessage(ctx, slacksim.SalesData, func(m slacksim.Message) bool {
		return m.TS > earlier && m.BotID != "" && !m.Ephemeral && (m.ThreadTS == "" || m.ThreadTS == m.TS)
	})
	if err != nil {
		return fmt.Errorf("no thread for the question: %w", err)
	}
	s.root = root.TS
	return nil
}

// review waits for the card, reads it out, and approves it.
func (s *stage) review(ctx context.Context) error {
	card, err := s.ben.WaitMessage(ctx, slacksim.CodeReview, func(m slacksim.Message) bool { return m.TS > s.root && m.Has("Approve") })
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
	decided, err := s.ben.WaitChange(ctx, card, func(m slacksim.Message) bool { return !m.Has("Approve") })
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
	reply, err := s.maya.WaitReply(ctx, slacksim.SalesData, s.root, func(m slacksim.Message) bool {
		return strings.Contains(m.Words(), "Total") && strings.Contains(m.Words(), "$")
	})
	if err != nil {
		return fmt.Errorf("no answer with a bill in the thread: %w", s.told(err))
	}
	var charts []slacksim.File
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
		if err != nil || !strings.HasPrefix(string(data), "\x89PNG") {
			return fmt.Errorf("the chart %s is not a picture: %w", chart.Name, err)
		}
		s.line("Countersign", "posts the chart %s (%d × %d, %d kB)", chart.Name, chart.Width, chart.Height, len(data)/1024)
	}
	if !slices.ContainsFunc(reply.Blocks, func(b slacksim.Block) bool { return b["type"] == "table" }) {
		return errors.New("the answer came without a table")
	}
	s.line("Countersign", "answers Maya in the thread:")
	fmt.Fprintln(s.out, indent(s.read(reply), 25, 60))
	return nil
}

// proof says how to read who did what in the round: the demo's data has a folder of its own.
func (s *stage) proof(ctx context.Context) error {
	asked, err := s.db.Recent(ctx, slacksim.DefaultTeam.ID, slacksim.Analyst, 1)
	if err != nil || len(asked) == 0 {
		return fmt.Errorf("the request is not on record: %w", err)
	}
	fmt.Fprintf(s.out, "\nThe audit trail of this round, now or later:\n  DATA_DIR=%s %s audit %s\n", s.DataDir, os.Args[0], asked[0].ID)
	return nil
}

// told adds to a failed wait what the thread says, which is usually the reason.
func (s *stage) told(err error) error {
	for _, m := range slices.Backward(s.maya.Thread(slacksim.SalesData, s.root)) {
		if m.BotID != "" && m.TS != s.root {
			return fmt.Errorf("%w; the thread says: %s", err, m.Text)
		}
	}
	return err
}

// read is what a screen reader would say of a message, and the code that is in it.
func (s *stage) read(m slacksim.Message) string {
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

func (s *stage) name(user string) string {
	for _, u := range slacksim.DefaultUsers() {
		if u.ID == user {
			return u.RealName
		}
	}
	return user
}

func shows(m slacksim.Message, name string) bool {
	return slices.ContainsFunc(m.Files, func(f slacksim.File) bool { return f.Name == name })
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
