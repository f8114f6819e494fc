package blockkit

import (
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
)

// Field names the key of an element's answer in state.values, and the property of the
// element that holds the initial answer.
type Field struct{ Answer, initial string }

// Answers lists the elements that have a state.
var Answers = map[string]Field{
	"plain_text_input":           {"value", "initial_value"},
	"email_text_input":           {"value", "initial_value"},
	"url_text_input":             {"value", "initial_value"},
	"number_input":               {"value", "initial_value"},
	"rich_text_input":            {"rich_text_value", "initial_value"},
	"static_select":              {"selected_option", "initial_option"},
	"external_select":            {"selected_option", "initial_option"},
	"radio_buttons":              {"selected_option", "initial_option"},
	"multi_static_select":        {"selected_options", "initial_options"},
	"multi_external_select":      {"selected_options", "initial_options"},
	"checkboxes":                 {"selected_options", "initial_options"},
	"users_select":               {"selected_user", "initial_user"},
	"channels_select":            {"selected_channel", "initial_channel"},
	"conversations_select":       {"selected_conversation", "initial_conversation"},
	"multi_users_select":         {"selected_users", "initial_users"},
	"multi_channels_select":      {"selected_channels", "initial_channels"},
	"multi_conversations_select": {"selected_conversations", "initial_conversations"},
	"datepicker":                 {"selected_date", "initial_date"},
	"timepicker":                 {"selected_time", "initial_time"},
	"datetimepicker":             {"selected_date_time", "initial_date_time"},
	"file_input":                 {"files", ""},
}

// Lists are the answers that are lists, and therefore never null.
var Lists = map[string]bool{
	"selected_options": true, "selected_users": true, "selected_channels": true, "selected_conversations": true, "files": true,
}

// InitialState is state.values of these blocks before anybody has answered.
func InitialState(blocks []Block) map[string]any {
	out := map[string]any{}
	for _, e := range Elements(blocks) {
		f, ok := Answers[e.Kind()]
		if !ok {
			continue
		}
		value := e.Body[f.initial]
		if value == nil && Lists[f.Answer] {
			value = []any{}
		}
		block, _ := out[e.BlockID()].(map[string]any)
		if block == nil {
			block = map[string]any{}
			out[e.BlockID()] = block
		}
		block[e.ActionID()] = map[string]any{"type": e.Kind(), f.Answer: value}
	}
	return out
}

// Complaints are what Slack's own client says about a form before it sends it.
func Complaints(blocks []Block, values map[string]any) map[string]string {
	out := map[string]string{}
	for _, e := range Elements(blocks) {
		f, ok := Answers[e.Kind()]
		if !ok || Text(e.Block, "type") != "input" {
			continue
		}
		value := Object(Object(values, e.BlockID()), e.ActionID())[f.Answer]
		items, isList := value.([]any)
		if value == nil || value == "" || isList && len(items) == 0 {
			if e.Block["optional"] != true {
				out[e.BlockID()] = "Please complete this required field."
			}
			continue
		}
		if words := complaint(e, value, len(items)); words != "" {
			out[e.BlockID()] = words
		}
	}
	return out
}

// complaint is what is wrong with one answer, or nothing.
func complaint(e Element, value any, count int) string {
	said := fmt.Sprint(value)
	switch e.Kind() {
	case "plain_text_input":
		most, limited := Number(e.Body, "max_length")
		if !limited {
			most = 3000
		}
		if least, ok := Number(e.Body, "min_length"); ok && Chars(said) < int(least) {
			return fmt.Sprintf("Please use at least %g characters.", least)
		}
		if Chars(said) > int(most) {
			return fmt.Sprintf("Please use at most %g characters.", most)
		}
	case "number_input":
		return numberComplaint(e, said)
	case "email_text_input":
		if _, err := mail.ParseAddress(said); err != nil {
			return "Please enter a valid email address."
		}
	case "url_text_input":
		if u, err := url.Parse(said); err != nil || u.Host == "" {
			return "Please enter a valid URL."
		}
	case "file_input":
		most, limited := Number(e.Body, "max_files")
		if !limited {
			most = 10
		}
		if count > int(most) {
			return fmt.Sprintf("Please upload at most %g files.", most)
		}
	}
	if most, limited := Number(e.Body, "max_selected_items"); limited && count > int(most) {
		return fmt.Sprintf("Please choose at most %g.", most)
	}
	return ""
}

func numberComplaint(e Element, said string) string {
	n, err := strconv.ParseFloat(said, 64)
	switch {
	case err != nil:
		return "Please enter a number."
	case e.Body["is_decimal_allowed"] == false && n != float64(int64(n)):
		return "Please enter a whole number."
	}
	bound := func(key string) (float64, bool) {
		v, err := strconv.ParseFloat(Text(e.Body, key), 64)
		return v, err == nil
	}
	if least, ok := bound("min_value"); ok && n < least {
		return fmt.Sprintf("Please enter %g or more.", least)
	}
	if most, ok := bound("max_value"); ok && n > most {
		return fmt.Sprintf("Please enter %g or less.", most)
	}
	return ""
}

// Within finds the overflow menu in which an entry has these words.
func Within(blocks []Block, words string) (Element, bool) {
	for _, e := range Elements(blocks) {
		for _, o := range AllOptions(e.Body) {
			if e.Kind() == "overflow" && Text(Object(o, "text"), "text") == words {
				return e, true
			}
		}
	}
	return Element{}, false
}

// Named finds an element by its action_id or by the words on it.
func Named(blocks []Block, what string) (Element, bool) {
	if e, ok := Find(blocks, "", what); ok {
		return e, true
	}
	for _, e := range Elements(blocks) {
		if label := Text(Object(e.Body, "text"), "text"); label != "" && label == what {
			return e, true
		}
	}
	return Element{}, false
}
