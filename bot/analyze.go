package bot

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
)

// analyze takes /analyze: a question, nothing (the form), or a word that asks
// about the questions themselves.
func (b *Bot) analyze(ctx context.Context, c slack.SlashCommand) (answer, error) {
	text := fromSlack(c.Text)
	if a, ok, err := b.aside(ctx, text, approval.Click{Team: c.TeamID, User: c.UserID, Channel: c.ChannelID}); ok {
		return a, err
	}
	if text == "" {
		a, err := b.openForm(ctx, c.TriggerID, form{channel: c.ChannelID, person: c.UserID})
		if err != nil {
			return orPrivately(err)
		}
		return a, nil
	}
	r, err := b.Service.Ask(ctx, approval.Question{Team: c.TeamID, Project: c.ChannelID, Asker: c.UserID, Text: text, Trigger: "command " + c.TriggerID})
	if err != nil {
		return orPrivately(err)
	}
	return privately(&page{}, taken(r)...), nil
}

// taken tells the asker that it has begun.
func taken(r *approval.Request) []part {
	if r.Blocked != nil {
		return blockedWords(r)
	}
	return append(downgradedWords(r), words("On it. The answer comes in a thread in this channel, once a reviewer has approved the code. To take it back: "),
		mono(fmt.Sprintf("%s cancel %s", commandAnalyze, r.ID)))
}

// orPrivately answers a command with what went wrong, when the person can know.
func orPrivately(err error) (answer, error) {
	if text, ok := known(err); ok {
		return privately(&page{}, words(text)), nil
	}
	return answer{}, err
}

// aside takes the words after /analyze, or in a mention, that are no question.
func (b *Bot) aside(ctx context.Context, text string, click approval.Click) (a answer, ok bool, err error) {
	verb, rest, more := strings.Cut(strings.ToLower(text), " ")
	switch {
	case verb == "help" && !more:
		return privately(helpAnalyze(b.Policy())), true, nil
	case verb == "status" && !more:
		a, err = b.status(ctx, click)
		return a, true, err
	case verb == "cancel" && !more:
		return privately(&page{}, words("Which one? "),
			mono(commandAnalyze+" status"), words(" lists your questions, with what to type to take one back.")), true, nil
	case verb == "cancel" && len(strings.Fields(rest)) == 1: // more words are a question: "cancel rates by month?"
		a, err = b.cancel(ctx, strings.TrimSpace(rest), click)
		return a, true, err
	}
	return answer{}, false, nil
}

// cancel takes a question back, by the id that status and the first answer give.
func (b *Bot) cancel(ctx context.Context, id string, click approval.Click) (answer, error) {
	r, err := b.Service.Withdraw(ctx, id, click)
	if err != nil {
		return orPrivately(err)
	}
	return privately(&page{}, words("Taken back: "+cut(r.Question, 200))), nil
}

// status lists what somebody has asked lately.
func (b *Bot) status(ctx context.Context, click approval.Click) (answer, error) {
	list, err := b.Service.Recent(ctx, click.Team, click.User)
	if err != nil {
		return orPrivately(err)
	}
	return privately(questions(list)), nil
}

// questions lists what somebody has asked lately.
func questions(list []*approval.Request) *page {
	p := &page{}
	if len(list) == 0 {
		p.say(words("You have not asked anything yet. Try: "), mono(commandAnalyze+" What were sales per month in sales.csv?"))
		return p
	}
	p.list([]part{strong("Your latest questions")}, asked(list[:min(10, len(list))]))
	return p
}

// asked lists questions with where they are.
func asked(list []*approval.Request) (items [][]part) {
	for _, r := range list {
		item := []part{strong(capital(howItStands(r))), words(": " + cut(oneLine(r.Question), 100) + " (asked "), moment(r.CreatedAt)}
		item = append(append(item, openUntil(r)...), words(")"))
		if !r.State.Final() && r.State != approval.Running {
			item = append(item, words(". To take it back: "), mono(commandAnalyze+" cancel "+r.ID))
		}
		items = append(items, item)
	}
	return items
}

// openUntil says when the wait for others ends.
func openUntil(r *approval.Request) []part {
	if r.State != approval.Pending && r.State != approval.Approved {
		return nil
	}
	return []part{words(", open until "), moment(r.ExpiresAt)}
}

// howItStands is the state of a request to those who wait for it.
func howItStands(r *approval.Request) string {
	if r.State == approval.Expired {
		return stateWords[r.State] + ": " + r.Lapsed()
	}
	switch {
	case r.Away != nil && !r.State.Final():
		return stateWords[r.State] + ", and waits for what I cannot see at the moment"
	case r.Place == approval.Starting:
		return stateWords[r.State] + " (the sandbox is being started)"
	case r.Place > approval.NotInLine:
		return fmt.Sprintf("%s (this machine is busy: %s in line for a sandbox)", stateWords[r.State], ordinal(r.Place))
	}
	if r.State == approval.Approved && r.Reason == approval.WaitsForBox {
		return "approved, waits for a free sandbox"
	}
	return stateWords[r.State]
}

// stateWords name the states to the people who wait.
var stateWords = map[approval.State]string{
	approval.Drafting: "code is being written", approval.Pending: "waits for a reviewer", approval.Approved: "approved, runs when a sandbox is free",
	approval.Running: "running", approval.Done: "done", approval.Failed: "failed", approval.Rejected: "rejected",
	approval.Expired: "expired", approval.Withdrawn: "taken back", approval.Lost: "lost",
}

// oneLine folds a text into a line: lists show beginnings, not paragraphs.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// helpAnalyze says what can be typed, each with an example that works.
func helpAnalyze(policy approval.Policy) *page {
	p := &page{}
	p.say(strong("Ask a question about data."), words(" A model writes Python for it, a reviewer reads the code, and what was approved runs once, in a sandbox. The answer and its cost come in a thread."))
	p.list(nil, [][]part{
		{mono(commandAnalyze + " What were sales per month in sales.csv?"), words(" uses the file of that name that was shared in this channel.")},
		{mono(commandAnalyze), words(" alone opens a form: choose files, or upload one.")},
		{mono(commandAnalyze + " status"), words(" lists your latest questions.")},
		{mono(commandAnalyze + " cancel ID"), words(" takes a question back that has not started to run.")},
		{words("Mention me in the thread of an answer to ask on.")},
	})
	p.say(words(fmt.Sprintf("Files can be CSV, TSV, XLSX or JSON, of at most %d MB each, %d MB together.", policy.MaxFileBytes>>20, policy.MaxInputBytes>>20)))
	return p
}
