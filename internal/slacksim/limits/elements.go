package limits

import (
	"encoding/json"
	"strings"

	"countersign/internal/slacksim/blockkit"
)

// Where an element may stand.
const (
	selects = "static_select external_select users_select conversations_select channels_select " +
		"multi_static_select multi_external_select multi_users_select multi_conversations_select multi_channels_select"
	pickers         = "datepicker timepicker datetimepicker checkboxes radio_buttons"
	actionElements  = "button overflow workflow_button icon_button " + pickers + " static_select external_select users_select conversations_select channels_select multi_static_select multi_external_select multi_users_select multi_conversations_select multi_channels_select rich_text_input"
	sectionElements = "button overflow workflow_button image " + pickers + " " + selects
	inputElements   = "plain_text_input email_text_input url_text_input number_input rich_text_input file_input " + pickers + " " + selects
)

// elementKeys are the properties of each element beside type and action_id.
var elementKeys = map[string]string{
	"button":                     "text url value style confirm accessibility_label visible_to_user_ids agent_prompt agent_prompt_display",
	"overflow":                   "options confirm",
	"static_select":              "placeholder options option_groups initial_option confirm focus_on_load",
	"external_select":            "placeholder initial_option min_query_length confirm focus_on_load",
	"users_select":               "placeholder initial_user confirm focus_on_load",
	"channels_select":            "placeholder initial_channel confirm response_url_enabled focus_on_load",
	"conversations_select":       "placeholder initial_conversation default_to_current_conversation confirm response_url_enabled filter focus_on_load",
	"multi_static_select":        "placeholder options option_groups initial_options confirm max_selected_items focus_on_load",
	"multi_external_select":      "placeholder initial_options min_query_length confirm max_selected_items focus_on_load",
	"multi_users_select":         "placeholder initial_users confirm max_selected_items focus_on_load",
	"multi_channels_select":      "placeholder initial_channels confirm max_selected_items focus_on_load",
	"multi_conversations_select": "placeholder initial_conversations default_to_current_conversation confirm max_selected_items filter focus_on_load",
	"checkboxes":                 "options initial_options confirm focus_on_load",
	"radio_buttons":              "options initial_option confirm focus_on_load",
	"datepicker":                 "initial_date confirm placeholder focus_on_load",
	"timepicker":                 "initial_time confirm placeholder timezone focus_on_load",
	"datetimepicker":             "initial_date_time confirm focus_on_load",
	"plain_text_input":           "initial_value multiline min_length max_length dispatch_action_config placeholder focus_on_load min_lines max_lines",
	"email_text_input":           "initial_value dispatch_action_config placeholder focus_on_load",
	"url_text_input":             "initial_value dispatch_action_config placeholder focus_on_load",
	"number_input":               "is_decimal_allowed initial_value min_value max_value dispatch_action_config placeholder focus_on_load",
	"rich_text_input":            "initial_value dispatch_action_config placeholder focus_on_load",
	"file_input":                 "filetypes max_files",
	"feedback_buttons":           "positive_button negative_button",
	"icon_button":                "icon text value confirm accessibility_label visible_to_user_ids",
	"workflow_button":            "text workflow style accessibility_label",
}

// element checks one interactive element (or an image, in a section).
func (c *checker) element(e map[string]any, at, allowed string) {
	kind := blockkit.Text(e, "type")
	if !contains(allowed, kind) {
		c.fail(at+"/type", "unsupported type: %s", kind)
		return
	}
	if kind == "image" {
		c.keys(e, at, "type "+imageKeys)
		c.image(e, at)
		return
	}
	c.keys(e, at, "type action_id "+elementKeys[kind])
	c.field(e, "action_id", at, 255)
	c.confirm(e, at)
	c.optionalText(e, "placeholder", at, "plain_text", 150)
	switch kind {
	case "button", "workflow_button":
		c.button(e, at)
	case "overflow":
		c.options(e, "options", at, 1, 5, 75)
	case "checkboxes", "radio_buttons":
		c.options(e, "options", at, 1, 10, 150)
		c.initial(e, at)
	case "static_select", "multi_static_select":
		c.staticSelect(e, at)
	case "plain_text_input":
		c.plainInput(e, at)
	case "number_input":
		if _, ok := e["is_decimal_allowed"].(bool); !ok {
			c.fail(at, "missing required field: is_decimal_allowed")
		}
	case "file_input":
		c.between(e, "max_files", at, 1, 10)
	case "feedback_buttons":
		for _, key := range []string{"positive_button", "negative_button"} {
			c.requiredText(blockkit.Object(e, key), "text", at+"/"+key, "plain_text", 75)
		}
	}
	if n, set := blockkit.Number(e, "max_selected_items"); set && n < 1 {
		c.fail(at+"/max_selected_items", "must be more than 0")
	}
}

func contains(words, word string) bool {
	return word != "" && strings.Contains(" "+words+" ", " "+word+" ")
}

// button: the words on it are plain, its value is what comes back with a click.
func (c *checker) button(e map[string]any, at string) {
	c.requiredText(e, "text", at, "plain_text", 75)
	c.field(e, "value", at, 2000)
	c.field(e, "url", at, 3000)
	c.field(e, "accessibility_label", at, 75)
	if style, set := e["style"]; set && style != "primary" && style != "danger" {
		c.fail(at+"/style", "must be one of primary, danger")
	}
}

// confirm is the dialog that Slack shows before it sends the click.
func (c *checker) confirm(e map[string]any, at string) {
	dialog := blockkit.Object(e, "confirm")
	if dialog == nil {
		return
	}
	at += "/confirm"
	c.keys(dialog, at, "title text confirm deny style")
	c.requiredText(dialog, "title", at, "plain_text", 100)
	c.requiredText(dialog, "text", at, "any", 300)
	c.requiredText(dialog, "confirm", at, "plain_text", 30)
	c.optionalText(dialog, "deny", at, "plain_text", 30)
}

// options checks a list of choices; value is the longest value, which is shorter in
// overflow menus than in selects.
func (c *checker) options(e map[string]any, key, at string, least, most, value int) {
	c.items(e, key, at, least, most, func(o map[string]any, at string) {
		c.keys(o, at, "text value description url")
		c.requiredText(o, "text", at, "any", 75)
		c.required(o, "value", at, value)
		c.optionalText(o, "description", at, "any", 75)
		c.field(o, "url", at, 3000)
	})
}

// staticSelect has options or groups of options, never none.
func (c *checker) staticSelect(e map[string]any, at string) {
	if e["option_groups"] != nil {
		c.items(e, "option_groups", at, 1, 100, func(g map[string]any, at string) {
			c.requiredText(g, "label", at, "plain_text", 75)
			c.options(g, "options", at, 1, 100, 150)
		})
	} else {
		c.options(e, "options", at, 1, 100, 150)
	}
	c.initial(e, at)
}

// initial: what is chosen at first must be one of the options.
func (c *checker) initial(e map[string]any, at string) {
	chosen := blockkit.List(e, "initial_options")
	if one := e["initial_option"]; one != nil {
		chosen = append(chosen, one)
	}
	for _, v := range chosen {
		o, _ := v.(map[string]any)
		if _, ok := blockkit.Offered(e, blockkit.Text(o, "value")); !ok {
			c.fail(at, "initial option does not match any of the options")
		}
	}
}

func (c *checker) plainInput(e map[string]any, at string) {
	c.field(e, "initial_value", at, 3000)
	c.between(e, "min_length", at, 0, 3000)
	c.between(e, "max_length", at, 1, 3000)
}

func (c *checker) between(e map[string]any, key, at string, least, most float64) {
	if n, set := blockkit.Number(e, key); set && (n < least || n > most) {
		c.fail(at+"/"+key, "must be between %g and %g", least, most)
	}
}

// maxView is how many bytes a view may have.
const maxView = 250_000

// View refuses what views.open and views.publish would.
func View(v map[string]any, kind string, picture func(string) bool) error {
	c := &checker{surface: kind, root: "/view", picture: picture, blockIDs: map[string]bool{}}
	if blockkit.Text(v, "type") != kind {
		c.fail("/type", "must be %s", kind)
	}
	blocks := blockkit.BlocksIn(v["blocks"])
	if v["blocks"] == nil {
		c.fail("", "missing required field: blocks")
	}
	c.blocks(blocks, "/blocks", maxViewBlocks)
	c.field(v, "private_metadata", "", 3000)
	c.field(v, "callback_id", "", 255)
	c.field(v, "external_id", "", 255)
	known := "type blocks private_metadata callback_id external_id"
	if kind == "modal" {
		known += " title submit close clear_on_close notify_on_close submit_disabled"
		c.requiredText(v, "title", "", "plain_text", 24)
		c.optionalText(v, "submit", "", "plain_text", 24)
		c.optionalText(v, "close", "", "plain_text", 24)
		c.submitNeeded(v, blocks)
	}
	c.keys(v, "", known)
	if len(c.broken) > 0 {
		return &Error{Code: "invalid_arguments", Messages: c.broken}
	}
	if data, err := json.Marshal(v); err != nil || len(data) > maxView {
		return &Error{Code: "view_too_large"}
	}
	return nil
}

// submitNeeded: a modal with inputs has a submit button.
func (c *checker) submitNeeded(v map[string]any, blocks []blockkit.Block) {
	for _, b := range blocks {
		if blockkit.Text(b, "type") == "input" && v["submit"] == nil {
			c.fail("", "missing required field: submit")
			return
		}
	}
}
