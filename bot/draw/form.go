package draw

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"countersign/approval"
	"countersign/bot/ids"
	"countersign/bot/kit"
)

// DataTypes are the files that can be asked about, by the end of their name.
var DataTypes = []string{"csv", "tsv", "xlsx", "json", "jsonl", "ndjson"}

// Data tells whether a file can be asked about.
func Data(name string) bool {
	return slices.Contains(DataTypes, strings.ToLower(strings.TrimPrefix(path.Ext(name), ".")))
}

// Form is the modal in which a question is asked with all that belongs to it.
type Form struct {
	Channel  string // empty: the person chooses one
	Likely   string // the one that stands there when they do
	Team     string
	Person   string // who fills it in
	Thread   string
	Question string
	Choices  []approval.File // to tick
	Ticked   []approval.File
	Brought  []string          // ids of those that need not be in the channel
	Asks     bool              // the question was asked already, and leaves open which files it means
	About    map[string]string // of a choice, by its id: who has shared it, and when
	Listed   bool              // what there is to tick is known: it is looked up once the form is open
	Note     []kit.Part
}

// Choices that Slack shows as boxes to tick; more of them become a list.
const maxBoxes = 10

// FormView draws the form. Block and element of a field share one name, so that
// what was filled in is found by it.
func FormView(policy approval.Policy, models []string, f Form) slack.ModalViewRequest {
	field := slack.NewPlainTextInputBlockElement(kit.Plain("What were sales per month, by region?"), ids.FieldQuestion)
	field.Multiline, field.MaxLength, field.FocusOnLoad = true, min(kit.FieldChars, policy.MaxQuestion), true
	field.InitialValue = kit.Cut(f.Question, field.MaxLength)
	blocks := []slack.Block{slack.NewInputBlock(ids.FieldQuestion, kit.Plain("Your question"), nil, field)}
	if f.Channel == "" {
		where := slack.NewOptionsSelectBlockElement(slack.OptTypeConversations, kit.Plain("Choose a channel"), ids.FieldChannel)
		where.DefaultToCurrentConversation, where.InitialConversation = f.Likely == "", f.Likely
		where.Filter = &slack.SelectBlockElementFilter{Include: []string{"public", "private", "im"}, ExcludeExternalSharedChannels: true, ExcludeBotUsers: false}
		blocks = append(blocks, slack.NewInputBlock(ids.FieldChannel, kit.Plain("Where the answer goes"), kit.Plain("I must be in that channel."), where))
	}
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
	upload := slack.NewFileInputBlockElement(ids.FieldUpload).WithFileTypes(DataTypes...).WithMaxFiles(10)
	hint := fmt.Sprintf("CSV, TSV, XLSX or JSON, at most %d MB each, %d MB together.", policy.MaxFileBytes>>20, policy.MaxInputBytes>>20)
	blocks = append(blocks, slack.NewInputBlock(ids.FieldUpload, kit.Plain("Files to upload"), kit.Plain(hint), upload).WithOptional(true))
	if len(models) > 1 {
		var options []*slack.OptionBlockObject
		for _, m := range models[:min(kit.MaxChoices, len(models))] {
			options = append(options, slack.NewOptionBlockObject(kit.Cut(m, 75), kit.Plain(kit.Cut(m, 75)), nil))
		}
		choice := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, kit.Plain("Model"), ids.FieldModel, options...).WithInitialOption(options[0])
		blocks = append(blocks, slack.NewInputBlock(ids.FieldModel, kit.Plain("Model that writes the code"), nil, choice))
	}
	return slack.ModalViewRequest{Type: slack.VTModal, CallbackID: ids.CallbackForm, Title: kit.Plain("Ask a question"), Submit: kit.Plain("Ask"),
		Close: kit.Plain("Cancel"), PrivateMetadata: Origin{Channel: f.Channel, Thread: f.Thread, Brought: f.Brought}.String(), Blocks: slack.Blocks{BlockSet: blocks}}
}

// Boxes are the channel's files to tick.
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
	if len(all) <= maxBoxes {
		group := slack.NewCheckboxGroupsBlockElement(ids.FieldFiles, all...)
		group.InitialOptions = initial
		return group
	}
	list := slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeStatic, kit.Plain("Choose files"), ids.FieldFiles, all...)
	list.InitialOptions = initial
	return list
}

// choiceOf is a file as an option carries it: its size is checked without another look.
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
