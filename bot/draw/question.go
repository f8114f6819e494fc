package draw

import (
	"fmt"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw/money"
	"countersign/bot/draw/reasons"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// Taken tells the asker that it has begun, with the way to cancel it.
func Taken(r *approval.Request) *kit.Page {
	p := &kit.Page{}
	p.Say(taken(r)...)
	if b := Cancel(r); b != nil {
		p.Buttons("cancel", b)
	}
	return p
}

// taken says that it has begun, or what is in the way of it.
func taken(r *approval.Request) []kit.Part {
	// First, because nothing else that could be said of it is true while it waits for money.
	if r.Blocked != nil {
		return blockedWords(r)
	}
	if r.State.Final() {
		return []kit.Part{kit.Words("This was asked before: " + HowEnded(r) + ". Its thread says what came of it.")}
	}
	if r.Repeats != nil {
		return []kit.Part{kit.Words("On it. The same code runs once more, once a reviewer has approved it. What comes out is compared, and said in the thread of the first answer. No model is asked.")}
	}
	if r.Private {
		return append(downgradedWords(r), kit.Words("On it. The answer goes to you alone, in our direct messages, once a reviewer has approved the code."))
	}
	return append(downgradedWords(r), kit.Words("On it. The answer comes in a thread in this channel, once a reviewer has approved the code."))
}

// Questions lists what somebody has asked lately.
func Questions(list []*approval.Request) *kit.Page {
	p := &kit.Page{}
	if len(list) == 0 {
		p.Say(kit.Words("You have not asked anything yet. Try: "), kit.Mono(ids.CommandAnalyze+" What were sales per month in sales.csv?"))
		return p
	}
	p.Say(kit.Strong("Your latest questions"))
	// Each takes two blocks, and Slack's message has fifty.
	for _, r := range list[:min(10, len(list))] {
		said := []kit.Part{kit.Strong(kit.Capital(HowItStands(r))), kit.Words(": " + kit.Cut(kit.OneLine(r.Question), 100) + " (asked "), kit.Moment(r.CreatedAt)}
		p.Say(append(append(said, OpenUntil(r)...), kit.Words(")"))...)
		if b := Cancel(r); b != nil {
			p.Buttons("cancel "+r.ID, b)
		}
	}
	return p
}

// Cancel is the button that cancels a question, as long as that can be done.
// It is nil where there is nothing to cancel any more. Callers have to look before they put it into a row:
// there a nil pointer becomes an element that is not nil, and would be drawn.
func Cancel(r *approval.Request) *slack.ButtonBlockElement {
	if r.State.Final() || stopping(r) {
		return nil
	}
	b := kit.Button(ids.ActionCancel, "Cancel", r.ID, slack.StyleDefault)
	b.AccessibilityLabel = "Cancel this question"
	if r.State == approval.Running {
		b.AccessibilityLabel = "Stop the program that runs"
	}
	return b
}

// stopping tells of a run that is cancelled and not over yet: it takes a look of whoever watches it until its box is killed.
func stopping(r *approval.Request) bool {
	return r.State == approval.Running && !r.Run.StoppedAt.IsZero()
}

// OpenUntil says when the wait for others ends.
func OpenUntil(r *approval.Request) []kit.Part {
	if r.State != approval.Pending && r.State != approval.Approved {
		return nil
	}
	return []kit.Part{kit.Words(", open until "), kit.Moment(r.ExpiresAt)}
}

// HowItStands is the state of a request to those who wait for it.
func HowItStands(r *approval.Request) string {
	// "Expired" alone would read like a no.
	if r.State == approval.Expired {
		return StateWords[r.State] + ": " + reasons.Lapsed(r.Reason)
	}
	switch {
	case stopping(r):
		return "running, and being stopped"
	case r.Away != nil && !r.State.Final():
		return StateWords[r.State] + ", and waiting for something I cannot see right now"
	case r.Glass != nil && r.State == approval.Approved:
		return "approved by nobody, runs when a sandbox is free"
	case r.Place == approval.Starting:
		return StateWords[r.State] + " (the sandbox is starting)"
	case r.Place > approval.NotInLine:
		return fmt.Sprintf("%s (this machine is busy: %s in line for a sandbox)", StateWords[r.State], kit.Ordinal(r.Place))
	}
	if r.State == approval.Approved && r.Reason.Code == approval.WhyNoBox {
		return "approved, waiting for a free sandbox"
	}
	return StateWords[r.State]
}

// StateWords name the states to the people who wait.
var StateWords = map[approval.State]string{
	approval.Drafting: "code is being written", approval.Asking: "waiting for your answer", approval.Pending: "waiting for a reviewer", approval.Approved: "approved, runs when a sandbox is free",
	approval.Running: "running", approval.Done: "done", approval.Failed: "failed", approval.Rejected: "rejected",
	approval.Expired: "expired", approval.Withdrawn: "cancelled", approval.Lost: "lost",
}

var chooses = []string{ids.ActionChoose, ids.ActionChoose2, ids.ActionChoose3, ids.ActionChoose4}

// clarifying asks the asker what the model asks: its words, which nobody has reviewed.
// Each choice travels as its place in the list, so a forged press cannot put words into the asker's mouth;
// open.Key tells whether the question is still the one that was answered.
func clarifying(p *kit.Page, v *steps.View, open *approval.Clarification) {
	r := v.Request
	p.Quote(open.Question, kit.Person(r.Asker), kit.Words(", "), kit.Strong("the model asks you"), kit.Words(" before it writes (its words, not checked):"))
	var buttons []slack.BlockElement
	for i, c := range open.Choices[:min(len(chooses), len(open.Choices))] {
		buttons = append(buttons, kit.Button(chooses[i], c, fmt.Sprintf("%s %s %d", r.ID, open.Key(), i), slack.StyleDefault))
	}
	p.Buttons("choose", append(buttons, kit.Button(ids.ActionSay, "Answer in words", r.ID+" "+open.Key(), slack.StyleDefault))...)
	p.Small(kit.Words("Or mention me in this thread with your answer. Asking has cost "+money.Spent(v.Spent())+" so far; your answer means one more call of the model. Nothing is paid while I wait, until "),
		kit.Moment(r.ExpiresAt), kit.Words("."))
}

// settledBefore keeps in the thread what the model has asked there, and what was answered: the code rests on it.
func settledBefore(p *kit.Page, r *approval.Request) {
	for _, c := range r.Clarified {
		if !c.SaidAt.IsZero() {
			p.Small(kit.Words("The model asked: "+kit.Cut(kit.OneLine(c.Question), mostSaid)+" "), kit.Person(r.Asker), kit.Words(" answered: "), kit.Strong(kit.Cut(kit.OneLine(c.Said), mostSaid)))
		}
	}
}

// SayView is the field for an answer in the asker's own words.
// ok is false once the question was answered by somebody else's press or by a mention. of is what the button
// carried: it comes back with the answer, and is held against the question that is open then.
func SayView(r *approval.Request, of string) (view slack.ModalViewRequest, ok bool) {
	open := (approval.Talk{Request: r}).Open()
	if open == nil {
		return view, false
	}
	field := slack.NewPlainTextInputBlockElement(nil, ids.FieldSaid)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, 1000, true
	p := &kit.Page{}
	p.Quote(open.Question, kit.Words("The model asks (its words, not checked):"))
	blocks := append(p.Blocks, slack.NewInputBlock(ids.FieldSaid, kit.Plain("Your answer"), kit.Plain("The model reads it, and so does whoever reads this thread or the code."), field))
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackSay, Title: kit.Plain("Answer the model"), Submit: kit.Plain("Answer"),
		Close: kit.Plain("Back"), PrivateMetadata: of, Blocks: slack.Blocks{BlockSet: blocks}}, true
}

// How many characters of an answer to the model a card shows, and the review: all that an
// asker can say, since the model was told all of it.
const (
	mostSaid = 300
	allSaid  = 3000
)

// clarified is what the model has asked the asker, and so much of what they said: the code
// rests on it.
// most counts characters of each answer. The whole of it stands in the review, where it is decided.
func clarified(p *kit.Page, r *approval.Request, most int) {
	title, items, used := []kit.Part{kit.Strong("The model asked the asker")}, [][]kit.Part(nil), 0
	for _, c := range r.Clarified {
		if c.SaidAt.IsZero() {
			continue
		}
		said := kit.OneLine(c.Said)
		item := []kit.Part{kit.Words(c.Question + " "), kit.Strong(kit.Cut(said, most))}
		if utf8.RuneCountInString(said) > most && r.State == approval.Pending {
			item = append(item, kit.Words(" (it goes on in the review)"))
		}
		size := utf8.RuneCountInString(c.Question) + min(most, utf8.RuneCountInString(said))
		if used > 0 && used+size > kit.PartChars { // a block of Slack's has an end, too
			p.List(title, items)
			title, items, used = nil, nil, 0
		}
		items, used = append(items, item), used+size
	}
	p.List(title, items)
}

// follows are the buttons of what a model offers to be asked next.
var follows = []string{ids.ActionFollow, ids.ActionFollow2, ids.ActionFollow3}

// followUps are questions that the model offers under a good answer: its words, which
// nobody has reviewed.
func followUps(p *kit.Page, v *steps.View) {
	r := v.Request
	// After an error the next thing to do is to mend it.
	if r.State != approval.Done || r.Run == nil || r.Run.Result == nil || r.Run.Result.Outcome != approval.OK {
		return
	}
	var buttons []slack.BlockElement
	for i, q := range v.Next[:min(len(follows), len(v.Next))] {
		b := kit.Button(follows[i], q, fmt.Sprintf("%s/%d", r.ID, i), slack.StyleDefault)
		b.AccessibilityLabel = kit.Cut("Ask next: "+q, 75)
		buttons = append(buttons, b)
	}
	if len(buttons) > 0 {
		p.Small(kit.Words("Next, you could ask (the model's words; each is a new question, reviewed and paid like any other):"))
		p.Buttons("follow", buttons...)
	}
}

// Hello answers a greeting, with a question that can be tried.
func Hello() *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Strong("Hello!"), kit.Words(" Ask me something about data, for example: "), kit.Mono("What were sales per month in sales.csv?"), kit.Words(" For more, say help."))
	return p
}

// Welcome answers thanks.
func Welcome() *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Words("You're welcome."))
	return p
}

// Goodbye answers a farewell.
func Goodbye() *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Words("Goodbye."))
	return p
}

// HelpAnalyze says what can be typed, each with an example that works.
func HelpAnalyze(policy approval.Policy) *kit.Page {
	p := &kit.Page{}
	p.Say(kit.Strong("Ask a question about data."), kit.Words(" A model writes Python for it, a reviewer reads the code, and what was approved runs once, in a sandbox. The answer and its cost come in a thread."))
	p.List(nil, [][]kit.Part{
		{kit.Mono(ids.CommandAnalyze + " What were sales per month in sales.csv?"), kit.Words(" uses the file of that name that was shared in this channel.")},
		{kit.Mono(ids.CommandAnalyze), kit.Words(" alone opens a form: choose files, or upload one.")},
		{kit.Mono(ids.CommandAnalyze + " --model NAME …"), kit.Words(" has that model write, if this channel allows it.")},
		{kit.Mono(ids.CommandAnalyze + " data"), kit.Words(" lists the files that administrators have pinned to this channel.")},
		{kit.Mono(ids.CommandAnalyze + " status"), kit.Words(" lists your latest questions.")},
		{kit.Mono(ids.CommandAnalyze + " cancel ID"), kit.Words(" cancels a question. A program that runs is stopped.")},
		{kit.Mono(ids.CommandAnalyze + " verify ID"), kit.Words(" runs the code of an answer once more and says whether the same comes out.")},
		{kit.Mono(ids.CommandAnalyze + " hand ID @colleague"), kit.Words(" hands the thread of a question to a colleague, once they accept.")},
		{kit.Mono(ids.CommandAnalyze + " reviews"), kit.Words(" tells administrators and auditors how people approve.")},
		{kit.Mono(ids.CommandAnalyze + " break-glass"), kit.Words(" is for emergencies: who was named for it runs code that nobody has approved.")},
		{kit.Words("To follow up, mention me in an answer's thread.")},
	})
	p.Say(kit.Words("Files can be " + usualWords + ", of " + atMost(policy) + "."))
	return p
}
