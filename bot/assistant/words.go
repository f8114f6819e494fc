package assistant

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/bot/kit"
)

// Doing is what the bot is doing for a request, behind its name: "is writing the code…". Empty: it
// waits for people, or is done.
//
// Slack shows it as "Countersign is writing the code…" below the thread, so each begins with a verb.
func Doing(r *approval.Request) string {
	// It rests: money or a service is missing, and to say "is writing" would be a promise.
	if r.Blocked != nil || r.Away != nil {
		return ""
	}
	switch r.State {
	case approval.Drafting:
		switch approval.NextStep(r) {
		case approval.StepFind:
			return Looking
		case approval.StepRead:
			return "is reading the files…"
		case approval.StepInspect:
			return "is checking the code…"
		}
		return "is writing the code…"
	case approval.Approved:
		return "is getting a sandbox…"
	case approval.Running:
		return "is running the approved code…"
	}
	return ""
}

// Getting is how a program gets on that runs: since when, how far by its own word, and what it has
// printed last, in plain text.
//
//	is running the approved code, for 20 seconds, 37 %: reading orders.csv
func Getting(r *approval.Request, since time.Duration, line string) string {
	doing := Doing(r)
	if doing == "" {
		return ""
	}
	doing = strings.TrimSuffix(doing, "…")
	// Most programs are done before that, and a line that changes at once only flickers.
	if since >= step {
		doing += ", for " + about10(since)
	}
	if done, ok := Percent(line); ok {
		doing += fmt.Sprintf(", %d %%", done)
	}
	// The program prints what it likes, so its words must not become links, mentions or anything that hides.
	line = kit.Cut(strings.Map(plain, approval.Plain(line)), longestLine)
	if line == "" {
		return doing + "…"
	}
	return doing + ": " + line
}

const (
	step        = 10 * time.Second // in which time is told
	longestLine = 100              // of what a program printed, in characters
)

// about10 is a time as people say it, in steps that are worth an update.
func about10(d time.Duration) string {
	if d < time.Minute {
		return kit.Count(int(d/step*step/time.Second), "second")
	}
	return kit.Count(int(d/time.Minute), "minute")
}

// plain takes out of a text what Slack would read as markup, and what nobody sees.
func plain(r rune) rune {
	switch {
	case strings.ContainsRune("<>&*_~`", r), unicode.IsSpace(r):
		return ' '
	case hidden(r):
		return -1
	}
	return r
}

var (
	percent = regexp.MustCompile(`(?:^|[^\d.,])(\d{1,3})(?:[.,]\d+)?\s?%`)
	ofAll   = regexp.MustCompile(`(?:^|[^\d.,/])(\d{1,9})\s?(?:/|of)\s?(\d{1,9})(?:[^\d.,/]|[.,]?$)`)
)

// Percent is how far a line says that it has come: "37 %", "37/100", "37 of 100".
//
// It is the program's own word and is only shown: nothing is decided by it.
func Percent(line string) (int, bool) {
	if m := percent.FindStringSubmatch(line); m != nil {
		n, err := strconv.Atoi(m[1])
		return n, err == nil && n <= 100
	}
	if m := ofAll.FindStringSubmatch(line); m != nil {
		done, err1 := strconv.Atoi(m[1])
		all, err2 := strconv.Atoi(m[2])
		return done * 100 / max(all, 1), err1 == nil && err2 == nil && all > 0 && done <= all
	}
	return 0, false
}

// Looking is what it does first.
const Looking = "is looking for the files…"

// Slack takes four prompts. What is read of one is a button, what is said by it a message.
const (
	mostPrompts   = 4
	longestButton = 70
	longestName   = 40
)

// Prompts are questions about files, the latest first: about their columns, where it is known how
// they are read. A name that is more than a name is in none of them: whoever presses one says it
// to a model. The last one asks what the bot can do, and costs nothing.
func Prompts(files []approval.File) (prompts []slack.AssistantThreadsPrompt) {
	add := func(question string) {
		p := slack.AssistantThreadsPrompt{Title: kit.Cut(question, longestButton), Message: question}
		// One place is kept for the last prompt.
		if len(prompts) < mostPrompts-1 && !slices.Contains(prompts, p) {
			prompts = append(prompts, p)
		}
	}
	var first, more []string
	files = slices.SortedStableFunc(slices.Values(files), func(a, b approval.File) int { return cmp.Compare(rank(a), rank(b)) })
	for _, f := range files {
		all := about(f)
		first = append(first, all[0])
		more = append(more, all[1:]...)
	}
	// One question about each file comes before a second one about any.
	for _, question := range slices.Concat(first, more) {
		add(question)
	}
	return append(prompts, slack.AssistantThreadsPrompt{Title: "What can you do?", Message: "What can you do?"})
}

// rank has files come first whose columns are known.
func rank(f approval.File) int {
	if f.Reading == nil {
		return 1
	}
	return 0
}

// about are questions about one file, at least one.
//
// The last of them needs no column, so it is there also for a file that nobody has read.
func about(f approval.File) (questions []string) {
	name := kit.Cut(f.Name, 80)
	// Each is empty where there is none.
	number, group, day := columns(f)
	if number != "" && day != "" {
		questions = append(questions, fmt.Sprintf("How did %s change per month in %s?", number, name))
	}
	if number != "" && group != "" {
		sum := "total"
		if means.MatchString(number) {
			sum = "average"
		}
		questions = append(questions, fmt.Sprintf("What is the %s %s per %s in %s?", sum, number, group, name))
	}
	// What follows is for tables in which the better questions have no columns.
	if number != "" && len(questions) == 0 {
		questions = append(questions, fmt.Sprintf("What are the lowest, the middle and the highest %s in %s?", number, name))
	}
	if group != "" && len(questions) == 0 {
		questions = append(questions, fmt.Sprintf("How many rows are there per %s in %s?", group, name))
	}
	return append(questions, fmt.Sprintf("What is in %s, column by column?", name))
}

// columns are a column to add up, one to group by and one of days, of the first table of a file
// that is not hidden.
func columns(f approval.File) (number, group, day string) {
	if f.Reading == nil {
		return
	}
	at := slices.IndexFunc(f.Reading.Tables, func(t reading.Table) bool { return !t.Hidden })
	if at < 0 {
		return
	}
	// Columns whose values are not what they look like are left out: a question about them would begin with a
	// doubt.
	strange := f.Reading.Strange()
	count := ""
	for _, c := range f.Reading.Tables[at].Columns {
		name := approval.Plain(c.Name)
		if name == "" || len(name) > longestName || strings.ContainsFunc(name, hidden) || c.Unit != "" || slices.ContainsFunc(strange, func(s reading.Strange) bool { return s.Name == c.Name }) {
			continue
		}
		var into *string
		switch {
		// No column takes it: into stays nil.
		case (c.Type == "number" || c.Type == "integer") && names.MatchString(name):
		case c.Type == "number" || c.Type == "integer" && c.Currency != "":
			into = &number
		// A whole number may count anything, so it is second to one with a fraction or a currency.
		case c.Type == "integer":
			into = &count
		case c.Type == "date" || c.Type == "date and time":
			into = &day
		case c.Type == "text":
			into = &group
		}
		if into != nil && *into == "" {
			*into = name
		}
	}
	return cmp.Or(number, count), group, day
}

// hidden tells of characters that a suggestion does not show as they are.
func hidden(r rune) bool { return !unicode.IsPrint(r) || approval.Hidden(r) }

// names are columns that name a thing, or a day in part: nobody adds them up.
var names = regexp.MustCompile(`(?i)(^|[^a-z])(id|no|nr|key|code|zip|plz|phone|year|month|day|week|hour)s?$`)

// means are columns of which a sum says nothing.
var means = regexp.MustCompile(`(?i)price|rate|share|percent|ratio|score|age$|temp`)
