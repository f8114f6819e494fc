package slacksim

import (
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
)

// field says under which key an element's answer stands, and which property of
// the element gives the first answer.
type field struct{ answer, initial string }

// answers lists the elements that have a state.
var answers = map[string]field{
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

// many are the answers that are lists, and therefore never null.
var many = map[string]bool{
	"selected_options": true, "selected_users": true, "selected_channels": true, "selected_conversations": true, "files": true,
}

// state is state.values for these blocks: what was given, otherwise what the
// element shows at first.
func (s *Sim) state(blocks []Block, given map[string]any, as string) (map[string]any, error) {
	out := map[string]any{}
	for _, e := range elements(blocks) {
		f, ok := answers[e.kind()]
		if !ok {
			continue
		}
		value := e.body[f.initial]
		if told := object(object(given, e.blockID()), e.actionID()); told != nil {
			var err error
			if value, err = s.answer1(e, f, told, as); err != nil {
				return nil, err
			}
		}
		if value == nil && many[f.answer] {
			value = []any{}
		}
		block, _ := out[e.blockID()].(map[string]any)
		if block == nil {
			block = map[string]any{}
			out[e.blockID()] = block
		}
		block[e.actionID()] = map[string]any{"type": e.kind(), f.answer: value}
	}
	return out, nil
}

// answer1 reads one answer, and refuses a choice that the element does not offer.
func (s *Sim) answer1(e element, f field, told map[string]any, as string) (any, error) {
	value := told[f.answer]
	if value == "" {
		return nil, nil
	}
	switch f.answer {
	case "selected_option":
		if value == nil {
			return nil, nil
		}
		return option(e, value)
	case "selected_options":
		out := []any{}
		for _, v := range list(told, f.answer) {
			o, err := option(e, v)
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
		return out, nil
	case "files":
		return s.filesOf(list(told, f.answer), as)
	}
	return value, nil
}

// option finds the element's own option that a choice means.
func option(e element, v any) (map[string]any, error) {
	given, _ := v.(map[string]any)
	if e.kind() == "external_select" || e.kind() == "multi_external_select" {
		return given, nil
	}
	if o, ok := offered(e.body, text(given, "value")); ok {
		return o, nil
	}
	return nil, refusal(400, "no_such_option", "That choice is not offered here.")
}

// filesOf reads a file_input. Giving a file to a form shares it with the app.
func (s *Sim) filesOf(ids []any, as string) (any, error) {
	out := []any{}
	for _, v := range ids {
		id, _ := v.(string)
		if m, ok := v.(map[string]any); ok {
			id = text(m, "id")
		}
		f := s.ws.files[id]
		if f == nil || f.User != as || f.Deleted {
			return nil, refusal(404, "file_not_found", "There is no such file of yours.")
		}
		f.WithApp = true
		out = append(out, s.wireFile(id))
	}
	return out, nil
}

// complaints are what Slack's own client says about a form before it sends it.
func complaints(blocks []Block, values map[string]any) map[string]string {
	out := map[string]string{}
	for _, e := range elements(blocks) {
		f, ok := answers[e.kind()]
		if !ok || text(e.block, "type") != "input" {
			continue
		}
		value := object(object(values, e.blockID()), e.actionID())[f.answer]
		items, isList := value.([]any)
		if value == nil || value == "" || isList && len(items) == 0 {
			if e.block["optional"] != true {
				out[e.blockID()] = "Please complete this required field."
			}
			continue
		}
		if words := complaint(e, value, len(items)); words != "" {
			out[e.blockID()] = words
		}
	}
	return out
}

// complaint is what is wrong with one answer, or nothing.
func complaint(e element, value any, count int) string {
	said := fmt.Sprint(value)
	switch e.kind() {
	case "plain_text_input":
		most, limited := number(e.body, "max_length")
		if !limited {
			most = 3000
		}
		if least, ok := number(e.body, "min_length"); ok && chars(said) < int(least) {
			return fmt.Sprintf("Please use at least %g characters.", least)
		}
		if chars(said) > int(most) {
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
		most, limited := number(e.body, "max_files")
		if !limited {
			most = 10
		}
		if count > int(most) {
			return fmt.Sprintf("Please upload at most %g files.", most)
		}
	}
	if most, limited := number(e.body, "max_selected_items"); limited && count > int(most) {
		return fmt.Sprintf("Please choose at most %g.", most)
	}
	return ""
}

func numberComplaint(e element, said string) string {
	n, err := strconv.ParseFloat(said, 64)
	switch {
	case err != nil:
		return "Please enter a number."
	case e.body["is_decimal_allowed"] == false && n != float64(int64(n)):
		return "Please enter a whole number."
	}
	bound := func(key string) (float64, bool) {
		v, err := strconv.ParseFloat(text(e.body, key), 64)
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
