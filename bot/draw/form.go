package draw

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// The files that can be asked about, by the end of their name: PackedTypes hold one of DataTypes. sandbox/runner/desk reads
// them; Slack wants the list without dots.
var (
	DataTypes   = []string{"csv", "tsv", "xlsx", "ods", "json", "jsonl", "ndjson"}
	PackedTypes = []string{"gz", "zip"}
)

const (
	DataWords  = "CSV, TSV, XLSX, ODS, JSON, JSONL and NDJSON, also as GZ or ZIP"
	usualWords = "CSV, TSV, XLSX, ODS or JSON, also as GZ or ZIP"
)

// Data tells whether a file can be asked about. What is packed may say what is in it ("sales.csv.gz"); then that counts.
func Data(name string) bool {
	name = strings.ToLower(name)
	ending := strings.TrimPrefix(path.Ext(name), ".")
	if slices.Contains(PackedTypes, ending) {
		inside := strings.TrimPrefix(path.Ext(strings.TrimSuffix(name, "."+ending)), ".")
		return inside == "" || slices.Contains(DataTypes, inside)
	}
	return slices.Contains(DataTypes, ending)
}

// Form is the modal in which a question is asked with all that belongs to it. It is drawn twice: at once, and when the files
// of the channel are known (Listed). Slack keeps what was filled in meanwhile.
type Form struct {
	Channel  string // empty: the person chooses one
	Likely   string // the one that stands there when they do
	Team     string
	Person   string // who fills it in
	Thread   string
	Alone    bool // the answer goes to whoever asks alone, unless they take that out
	Question string
	Choices  []approval.File // to tick
	Ticked   []approval.File
	Brought  []string          // ids of those that need not be in the channel
	Asks     bool              // the question was asked already, and leaves open which files it means
	About    map[string]string // of a choice, by its id: who has shared it, and when
	Models   []steps.Offered   // to choose from, the default first
	Message  bool              // it is about a message, whose files its person may see and the bot not
	Listed   bool              // what there is to tick is known: it is looked up once the form is open
	Note     []kit.Part
}

// Carries says of a message that was to be asked about what is in the way of that: no data file in
// it, files of other kinds, files that Slack does not show. Nil: nothing is.
func Carries(data int, kinds, hidden []string) (said []kit.Part) {
	named := func(names []string) string {
		var all []string
		for _, name := range names[:min(5, len(names))] {
			if name = kit.Cut(approval.Plain(name), 80); name == "" {
				name = "a file"
			}
			all = append(all, name)
		}
		return kit.Enumeration(all, "and")
	}
	if data == 0 {
		said = append(said, kit.Strong("There is no data file in this message."), kit.Words(" Tick one of the channel, or upload one. "))
	}
	if len(kinds) > 0 {
		said = append(said, kit.Words("I cannot read "+named(kinds)+". I read "+DataWords+". "))
	}
	if len(hidden) > 0 {
		said = append(said, kit.Words("I cannot see "+named(hidden)+": it is hidden, deleted, or of another organisation. "))
	}
	return said
}

const MaxBoxes = 10

// FormView draws the form. Block and element of a field share one name, so that
// what was filled in is found by it.
//
//	(note: why the form opens)
//	Your question           [multi-line]
//	Where the answer goes   [channel]            only if the channel is not known
//	By the rules of         [channel, optional]  only in a direct message outside of a thread
//	Files in this channel   ☐ sales.csv …        once they are listed
//	Files to upload         [file input]
//	Who reads the answer    ☐ Answer only to me  not in direct messages
//	Model                   [list]               only where there is a choice
func FormView(policy approval.Policy, f Form) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(kit.Plain("What were sales per month, by region?"), ids.FieldQuestion)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, min(kit.FieldChars, policy.MaxQuestion), true
	field.InitialValue = kit.Cut(f.Question, field.MaxLength)
	blocks := []slack.Block{slack.NewInputBlock(ids.FieldQuestion, kit.Plain("Your question"), nil, field)}
	if f.Channel == "" {
		where := conversations("public", "private", "im")
		where.DefaultToCurrentConversation, where.InitialConversation = f.Likely == "", f.Likely
		hint := kit.Plain("You and I must be in that channel: its rules and its budget hold. In our direct messages the strictest rules do.")
		blocks = append(blocks, slack.NewInputBlock(ids.FieldChannel, kit.Plain("Where the answer goes"), hint, where))
	}
	// What was begun in a thread goes on by the rules by which it was begun.
	placeless := approval.Direct(f.Channel) && f.Thread == ""
	if placeless {
		hint := kit.Plain("You and I must be in that channel: its rules, notes, models and budget hold. Without one, the strictest rules do.")
		blocks = append(blocks, slack.NewInputBlock(ids.FieldChannel, kit.Plain("By the rules of"), hint, conversations("public", "private")).WithOptional(true))
	}
	// A note is why the form opens at all, so it stands above everything.
	if len(f.Note) > 0 {
		p := &kit.Page{}
		p.Say(f.Note...)
		blocks = append(p.Blocks, blocks...)
	}
	if len(f.Choices) > 0 {
		title := "Files in this channel"
		if f.Asks {
			title = "Which files is it about?"
		}
		files := slack.NewInputBlock(ids.FieldFiles, kit.Plain(title), nil, Boxes(f))
		blocks = append(blocks, files.WithOptional(true))
	}
	if f.Channel != "" && !f.Listed {
		p := &kit.Page{}
		p.Small(kit.Words("Looking for files in this channel …"))
		blocks = append(blocks, p.Blocks...)
	}
	upload := slack.NewFileInputBlockElement(ids.FieldUpload).WithFileTypes(slices.Concat(DataTypes, PackedTypes)...).WithMaxFiles(10)
	hint := usualWords + ", " + atMost(policy) + "."
	blocks = append(blocks, slack.NewInputBlock(ids.FieldUpload, kit.Plain("Files to upload"), kit.Plain(hint), upload).WithOptional(true))
	if !approval.Direct(f.Channel) { // nobody else reads a direct message
		option := slack.NewOptionBlockObject(ids.FieldAlone, kit.Plain("Answer only to me"), kit.Plain("In our direct messages, and in no channel."))
		box := slack.NewCheckboxGroupsBlockElement(ids.FieldAlone, option)
		if f.Alone {
			box.InitialOptions = []*slack.OptionBlockObject{option}
		}
		blocks = append(blocks, slack.NewInputBlock(ids.FieldAlone, kit.Plain("Who reads the answer"), kit.Plain(seenAlone), box).WithOptional(true))
	}
	// With one model there is nothing to choose.
	if len(f.Models) > 1 {
		// The first is the default of this channel: Allowed puts it there.
		options := ModelOptions(f.Models)
		usual := "The channel's usual model"
		if f.Thread != "" {
			usual = "As before in this thread"
		}
		choice := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain(usual), ids.FieldModel, options...)
		// Which one writes when none is chosen is not known here: of a channel that is chosen in the form, and
		// of a thread in which one may have been chosen.
		chosen := f.Channel == "" || placeless || f.Thread != ""
		if !chosen {
			choice = choice.WithInitialOption(options[0])
		}
		hint := kit.Plain("Prices are for a million tokens in and out.")
		blocks = append(blocks, slack.NewInputBlock(ids.FieldModel, kit.Plain("Model that writes the code"), hint, choice).WithOptional(chosen))
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackForm, Title: kit.Plain("Ask a question"), Submit: kit.Plain("Ask"),
		Close: kit.Plain("Cancel"), PrivateMetadata: Origin{Channel: f.Channel, Thread: f.Thread, Brought: f.Brought}.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// conversations is a list of such conversations to choose one from. Channels shared with another
// organisation are left out: their people would read the answer.
// Slack filters what it offers, and not what it accepts: the service looks at the chosen channel again.
func conversations(kinds ...string) *slack.SelectBlockElement {
	where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, kit.Plain("Choose a channel"), ids.FieldChannel)
	where.Filter = &slack.SelectBlockElementFilter{Include: kinds, ExcludeExternalSharedChannels: true, ExcludeBotUsers: false}
	return where
}

// seenAlone says who sees what of a private question all the same.
const seenAlone = "Reviewers still see your question and the code, not the answer. The record keeps all of it: administrators and auditors can read it there, and that they take a copy is on record, too."

// ModelOptions are models to choose from, each with who is asked for it, what it is good for
// and what a million tokens cost.
func ModelOptions(models []steps.Offered) (options []*slack.OptionBlockObject) {
	for _, m := range models[:min(kit.MaxChoices, len(models))] {
		options = append(options, slack.NewOptionBlockObject(kit.Cut(m.Model, 75), kit.Plain(kit.Cut(m.Model+modelWords(m), 75)), nil))
	}
	return options
}

// modelWords say of a model what helps to choose it, after its name.
func modelWords(m steps.Offered) (said string) {
	for _, word := range []string{m.Provider, m.Good} {
		if word != "" {
			said += " · " + word
		}
	}
	if m.Price != nil {
		said += fmt.Sprintf(" · %s in, %s out", m.Price.Input, m.Price.Output)
	}
	return said
}

// AskedField is the field of the form that an objection is about.
// Slack closes a form unless the ack names a field of it, and then all that was typed is lost: so every
// objection gets one.
func AskedField(err error) string {
	if input, ok := errors.AsType[*approval.InputError](err); ok && slices.Contains([]approval.ReasonCode{approval.WhyNoModel, approval.WhyModelBarred, approval.WhyHostRests, approval.WhyModelOff}, input.Why.Code) {
		return ids.FieldModel
	}
	return ids.FieldQuestion
}

// Boxes are the channel's files to tick.
// What is ticked but not among the first kit.MaxChoices is not shown, and so not asked about: Slack refuses an
// initial option that is no option.
func Boxes(f Form) slack.BlockElement {
	var all, initial []*slack.OptionBlockObject
	for _, file := range f.Choices[:min(kit.MaxChoices, len(f.Choices))] {
		var about *slack.TextBlockObject
		if said := f.About[file.ID]; said != "" {
			about = kit.Plain(kit.Cut(said, 75))
		}
		option := slack.NewOptionBlockObject(choiceOf(file), kit.Plain(kit.Cut(file.Name, 75)), about)
		all = append(all, option)
		if slices.ContainsFunc(f.Ticked, func(t approval.File) bool { return t.ID == file.ID }) {
			initial = append(initial, option)
		}
	}
	// Boxes show all names at once. Slack takes ten of them, and a hundred in a list.
	if len(all) <= MaxBoxes {
		group := slack.NewCheckboxGroupsBlockElement(ids.FieldFiles, all...)
		group.InitialOptions = initial
		return group
	}
	list := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, kit.Plain("Choose files"), ids.FieldFiles, all...)
	list.InitialOptions = initial
	return list
}

// choiceOf is a file as an option carries it: its size comes along, so that it is checked without another look.
func choiceOf(f approval.File) string {
	if f.Size == 0 {
		return f.ID
	}
	return fmt.Sprintf("%s/%d", f.ID, f.Size)
}

// TickedFile is the file of an option.
func TickedFile(o slack.OptionBlockObject) approval.File {
	id, size, _ := strings.Cut(o.Value, "/")
	bytes, _ := strconv.ParseInt(size, 10, 64) // of an older form: not known
	return approval.File{ID: id, Name: o.Text.Text, Size: bytes}
}
