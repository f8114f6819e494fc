package slacksim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

func plainText(s string) object { return object{"type": "plain_text", "text": s} }

func options(n, long int) []any {
	return times(n, func(i int) any {
		return object{"text": plainText("option"), "value": fmt.Sprintf("%0*d", long, i)}
	})
}

func rich(elements ...any) object { return object{"type": "rich_text", "elements": elements} }

func preformatted(code string) object {
	return object{"type": "rich_text_preformatted", "language": "python", "elements": []any{object{"type": "text", "text": code}}}
}

func table(rows, cells int, words string) object {
	return object{"type": "table", "rows": times(rows, func(int) any {
		return times(cells, func(int) any { return object{"type": "raw_text", "text": words} })
	})}
}

// With blocks that Slack takes, the error is empty; otherwise it is Slack's code
// and a part of the message beside it.
func TestMessageLimits(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{PostBurst: -1})
	x := strings.Repeat
	sections := func(n int) []any { return times(n, func(int) any { return section("x") }) }
	cases := map[string]struct {
		blocks  []any
		code    string
		message string
	}{
		"50 blocks":                  {sections(50), "", ""},
		"51 blocks":                  {sections(51), "invalid_blocks", "no more than 50 items allowed [json-pointer:/blocks]"},
		"a full section":             {[]any{section(x("x", 3000))}, "", ""},
		"a section too long":         {[]any{section(x("x", 3001))}, "invalid_blocks", "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		"characters, not bytes":      {[]any{section(x("é", 3000))}, "", ""},
		"an emoji counts as two":     {[]any{section(x("😀", 1501))}, "invalid_blocks", "3001"},
		"an empty section":           {[]any{section("")}, "invalid_blocks", "must be more than 0 characters"},
		"no text at all":             {[]any{object{"type": "section"}}, "invalid_blocks", "missing required field: text"},
		"ten fields":                 {[]any{object{"type": "section", "fields": times(10, func(int) any { return plainText("x") })}}, "", ""},
		"eleven fields":              {[]any{object{"type": "section", "fields": times(11, func(int) any { return plainText("x") })}}, "invalid_blocks", "no more than 10"},
		"an unknown property":        {[]any{object{"type": "divider", "colour": "red"}}, "invalid_blocks", "invalid additional property: colour"},
		"an unknown block":           {[]any{object{"type": "alert"}}, "invalid_blocks", "unsupported type: alert"},
		"no type":                    {[]any{object{}}, "invalid_blocks", "missing required field: type"},
		"not an object":              {[]any{nil}, "invalid_blocks", "must be an object"},
		"a full header":              {[]any{object{"type": "header", "text": plainText(x("x", 150))}}, "", ""},
		"a header too long":          {[]any{object{"type": "header", "text": plainText(x("x", 151))}}, "invalid_blocks", "151"},
		"mrkdwn in a header":         {[]any{object{"type": "header", "text": object{"type": "mrkdwn", "text": "x"}}}, "invalid_blocks", "unsupported type: mrkdwn"},
		"emoji in mrkdwn":            {[]any{object{"type": "section", "text": object{"type": "mrkdwn", "text": "x", "emoji": true}}}, "invalid_blocks", "emoji belongs"},
		"25 buttons":                 {[]any{actions(times(25, func(i int) any { return pressable(fmt.Sprint(i), nil) })...)}, "", ""},
		"26 buttons":                 {[]any{actions(times(26, func(i int) any { return pressable(fmt.Sprint(i), nil) })...)}, "invalid_blocks", "no more than 25"},
		"no buttons":                 {[]any{actions()}, "invalid_blocks", "elements"},
		"button words too long":      {[]any{actions(pressable("a", object{"text": plainText(x("x", 76))}))}, "invalid_blocks", "76"},
		"button value too long":      {[]any{actions(pressable("a", object{"value": x("x", 2001)}))}, "invalid_blocks", "2001"},
		"action_id too long":         {[]any{actions(pressable(x("x", 256), nil))}, "invalid_blocks", "256"},
		"button url too long":        {[]any{actions(pressable("a", object{"url": x("x", 3001)}))}, "invalid_blocks", "3001"},
		"a style that is none":       {[]any{actions(pressable("a", object{"style": "huge"}))}, "invalid_blocks", "primary, danger"},
		"a value that is no string":  {[]any{actions(pressable("a", object{"value": 7}))}, "invalid_blocks", "must provide a string"},
		"the same action twice":      {[]any{actions(pressable("a", nil), pressable("a", nil))}, "invalid_blocks", "already exists in this block"},
		"the same block_id twice":    {[]any{object{"type": "divider", "block_id": "a"}, object{"type": "divider", "block_id": "a"}}, "invalid_blocks", `block_id "a" already exists`},
		"an input among actions":     {[]any{actions(object{"type": "plain_text_input", "action_id": "a"})}, "invalid_blocks", "unsupported type: plain_text_input"},
		"five overflow options":      {[]any{actions(object{"type": "overflow", "options": options(5, 75)})}, "", ""},
		"six overflow options":       {[]any{actions(object{"type": "overflow", "options": options(6, 3)})}, "invalid_blocks", "no more than 5"},
		"an overflow value too long": {[]any{actions(object{"type": "overflow", "options": options(1, 76)})}, "invalid_blocks", "76"},
		"100 select options":         {[]any{actions(object{"type": "static_select", "options": options(100, 3)})}, "", ""},
		"101 select options":         {[]any{actions(object{"type": "static_select", "options": options(101, 3)})}, "invalid_blocks", "no more than 100"},
		"option groups":              {[]any{actions(object{"type": "static_select", "option_groups": []any{object{"label": plainText("g"), "options": options(2, 3)}}})}, "", ""},
		"an initial that is offered": {[]any{actions(object{"type": "static_select", "options": options(2, 1), "initial_option": options(1, 1)[0]})}, "", ""},
		"an initial that is not":     {[]any{actions(object{"type": "radio_buttons", "options": options(1, 2), "initial_option": options(1, 3)[0]})}, "invalid_blocks", "does not match"},
		"eleven checkboxes":          {[]any{actions(object{"type": "checkboxes", "options": options(11, 2)})}, "invalid_blocks", "no more than 10"},
		"a confirm dialog":           {[]any{actions(pressable("a", object{"confirm": object{"title": plainText("Sure?"), "text": plainText("x"), "confirm": plainText(x("x", 31))}}))}, "invalid_blocks", "31"},
		"eleven context elements":    {[]any{object{"type": "context", "elements": times(11, func(int) any { return plainText("x") })}}, "invalid_blocks", "no more than 10"},
		"an image without words":     {[]any{object{"type": "image", "image_url": "http://x"}}, "invalid_blocks", "missing required field: alt_text"},
		"an image without a source":  {[]any{object{"type": "image", "alt_text": "x"}}, "invalid_blocks", "missing required field: image_url"},
		"a picture nobody has":       {[]any{object{"type": "image", "alt_text": "x", "slack_file": object{"id": "F0"}}}, "invalid_blocks", "invalid slack file"},
		"code in rich text":          {[]any{rich(preformatted(x("x", 9000)))}, "", ""},
		"empty rich text":            {[]any{rich(preformatted(""))}, "invalid_blocks", "must be more than 0 characters"},
		"a mention in code":          {[]any{rich(object{"type": "rich_text_preformatted", "elements": []any{object{"type": "user", "user_id": "U0MAYA"}}})}, "invalid_blocks", "unsupported type: user"},
		"all kinds of rich text": {[]any{rich(
			object{"type": "rich_text_section", "elements": []any{object{"type": "link", "url": "http://x"}, object{"type": "date", "timestamp": 1, "format": "{date}"}}},
			object{"type": "rich_text_quote", "elements": []any{object{"type": "emoji", "name": "wave"}}},
			object{"type": "rich_text_list", "style": "bullet", "elements": []any{object{"type": "rich_text_section", "elements": []any{object{"type": "user", "user_id": "U0MAYA"}}}}})}, "", ""},
		"a list without style": {[]any{rich(object{"type": "rich_text_list", "elements": []any{object{"type": "rich_text_section", "elements": []any{}}}})}, "invalid_blocks", "bullet, ordered"},
		"a date without time":  {[]any{rich(object{"type": "rich_text_section", "elements": []any{object{"type": "date"}}})}, "invalid_blocks", "missing required field: timestamp"},
		"unknown rich text":    {[]any{rich(object{"type": "rich_text_poem"})}, "invalid_blocks", "rich_text_poem"},
		"unknown inline":       {[]any{rich(object{"type": "rich_text_section", "elements": []any{object{"type": "poem"}}})}, "invalid_blocks", "unsupported type: poem"},
		"13,200 in all":        {[]any{rich(preformatted(x("x", 13_200)))}, "", ""},
		"13,201 in all":        {[]any{rich(preformatted(x("x", 13_000))), section(x("x", 201))}, "msg_blocks_too_long", ""},
		"a markdown block":     {[]any{object{"type": "markdown", "text": "# x"}}, "", ""},
		"markdown together":    {[]any{object{"type": "markdown", "text": x("x", 6001)}, object{"type": "markdown", "text": x("x", 6001)}}, "invalid_blocks", "markdown blocks together"},
		"a table":              {[]any{table(100, 20, "x")}, "", ""},
		"two tables":           {[]any{table(1, 1, "x"), table(1, 1, "x")}, "only_one_table_allowed", ""},
		"a table too high":     {[]any{table(101, 1, "x")}, "invalid_blocks", "1 to 100 rows"},
		"a table too wide":     {[]any{table(1, 21, "x")}, "invalid_blocks", "1 to 20 cells"},
		"a table too long":     {[]any{table(100, 2, x("x", 51))}, "invalid_blocks", "10001 characters together"},
		"an empty cell":        {[]any{table(1, 1, "")}, "invalid_blocks", "must be more than 0"},
		"other cells":          {[]any{object{"type": "table", "rows": []any{[]any{object{"type": "raw_number", "value": 1}, rich(object{"type": "rich_text_section", "elements": []any{}})}}}}, "", ""},
		"a strange cell":       {[]any{object{"type": "table", "rows": []any{[]any{object{"type": "button"}}}}}, "invalid_blocks", "unsupported type: button"},
		"a number cell":        {[]any{object{"type": "table", "rows": []any{[]any{object{"type": "raw_number"}}}}}, "invalid_blocks", "missing required field: value"},
		"a data table":         {[]any{object{"type": "data_table", "caption": "x", "page_size": 10, "rows": table(2, 2, "x")["rows"]}}, "", ""},
		"a data table's page":  {[]any{object{"type": "data_table", "caption": "x", "page_size": 101, "rows": table(2, 2, "x")["rows"]}}, "invalid_blocks", "between 1 and 100"},
		"a data table's rows":  {[]any{object{"type": "data_table", "caption": "x", "rows": table(1, 2, "x")["rows"]}}, "invalid_blocks", "no fewer than 2"},
		"a pie":                {[]any{object{"type": "data_visualization", "title": "x", "chart": object{"type": "pie", "segments": []any{object{"label": "a", "value": 1}}}}}, "", ""},
		"a pie of nothing":     {[]any{object{"type": "data_visualization", "title": "x", "chart": object{"type": "pie", "segments": []any{object{"label": "a", "value": 0}}}}}, "invalid_blocks", "more than 0"},
		"a series with a gap": {[]any{object{"type": "data_visualization", "title": "x", "chart": object{"type": "line",
			"axis_config": object{"categories": []any{"a", "b"}}, "series": []any{object{"name": "s", "data": []any{object{"label": "a", "value": 1}}}}}}}, "invalid_blocks", "every category"},
		"an unknown chart": {[]any{object{"type": "data_visualization", "title": "x", "chart": object{"type": "radar"}}}, "invalid_blocks", "radar"},
		"a third chart": {times(3, func(int) any {
			return object{"type": "data_visualization", "title": "x", "chart": object{"type": "pie", "segments": []any{object{"label": "a", "value": 1}}}}
		}), "invalid_blocks", "no more than 2"},
		"feedback buttons":          {[]any{object{"type": "context_actions", "elements": []any{object{"type": "feedback_buttons", "positive_button": object{"text": plainText("yes")}, "negative_button": object{"text": plainText("no")}}}}}, "", ""},
		"a number without decimals": {[]any{object{"type": "input", "label": plainText("x"), "element": object{"type": "number_input"}}}, "invalid_blocks", "is_decimal_allowed"},
		"files in a message":        {[]any{object{"type": "input", "label": plainText("x"), "element": object{"type": "file_input"}}}, "invalid_blocks", "unsupported type: file_input"},
		"an input without element":  {[]any{object{"type": "input", "label": plainText("x")}}, "invalid_blocks", "missing required field: element"},
		"a picture beside text":     {[]any{object{"type": "section", "text": plainText("x"), "accessory": object{"type": "image", "image_url": "http://x", "alt_text": "x"}}}, "", ""},
		"nonsense beside text":      {[]any{object{"type": "section", "text": plainText("x"), "accessory": 1}}, "invalid_blocks", "must provide an object"},
		"text that is no object":    {[]any{object{"type": "section", "text": "x"}}, "invalid_blocks", "must provide an object"},
		"elements that are no list": {[]any{object{"type": "actions", "elements": "x"}}, "invalid_blocks", "must provide an array"},
		"an element that is none":   {[]any{actions("x")}, "invalid_blocks", "must provide an object"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := call(t, sim, "chat.postMessage", object{"channel": slacksim.General, "text": "fallback", "blocks": c.blocks})
			require.Equal(t, c.code == "", out["ok"], "%v", out)
			if c.code == "" {
				return
			}
			require.Equal(t, c.code, out["error"])
			if c.message != "" {
				meta, _ := out["response_metadata"].(object)
				require.Contains(t, fmt.Sprint(meta["messages"]), c.message)
				require.Contains(t, fmt.Sprint(meta["messages"]), "[ERROR] ")
			}
		})
	}
}

func TestViewLimits(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	x := strings.Repeat
	ask := object{"type": "input", "block_id": "b", "label": plainText("Q"), "element": object{"type": "plain_text_input", "action_id": "a"}}
	modal := func(change object) object {
		v := object{"type": "modal", "title": plainText("Ask"), "blocks": []any{section("x")}}
		for k, val := range change {
			v[k] = val
		}
		return v
	}
	cases := map[string]struct {
		view    object
		message string
	}{
		"a title too long":     {modal(object{"title": plainText(x("x", 25))}), "must be less than 25 characters [json-pointer:/view/title/text]"},
		"submit too long":      {modal(object{"submit": plainText(x("x", 25))}), "/view/submit/text"},
		"close too long":       {modal(object{"close": plainText(x("x", 25))}), "/view/close/text"},
		"metadata too long":    {modal(object{"private_metadata": x("x", 3001)}), "must be less than 3001 characters [json-pointer:/view/private_metadata]"},
		"callback_id too long": {modal(object{"callback_id": x("x", 256)}), "/view/callback_id"},
		"101 blocks":           {modal(object{"blocks": times(101, func(int) any { return section("x") })}), "no more than 100"},
		"no blocks":            {modal(object{"blocks": nil}), "missing required field: blocks"},
		"no title":             {modal(object{"title": nil}), "missing required field: title"},
		"an input, no submit":  {modal(object{"blocks": []any{ask}}), "missing required field: submit"},
		"a home":               {modal(object{"type": "home"}), "must be modal"},
		"a table":              {modal(object{"blocks": []any{table(1, 1, "x")}}), "unsupported type: table"},
		"an unknown property":  {modal(object{"colour": "red"}), "invalid additional property: colour"},
		"too many files":       {modal(object{"submit": plainText("x"), "blocks": []any{object{"type": "input", "label": plainText("x"), "element": object{"type": "file_input", "max_files": 11}}}}), "between 1 and 10"},
		"a text too long":      {modal(object{"submit": plainText("x"), "blocks": []any{object{"type": "input", "label": plainText("x"), "element": object{"type": "plain_text_input", "max_length": 3001}}}}), "between 1 and 3000"},
		"nobody can be chosen": {modal(object{"submit": plainText("x"), "blocks": []any{object{"type": "input", "label": plainText("x"), "element": object{"type": "multi_users_select", "max_selected_items": 0}}}}), "must be more than 0"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := call(t, st.sim, "views.open", object{"trigger_id": "none", "view": c.view})
			require.Equal(t, "invalid_arguments", out["error"])
			require.Contains(t, fmt.Sprint(out["response_metadata"]), c.message)
		})
	}
	long := modal(object{"blocks": times(90, func(int) any { return section(x("x", 2900)) })})
	require.Equal(t, "view_too_large", call(t, st.sim, "views.open", object{"trigger_id": "none", "view": long})["error"])
	require.Equal(t, "invalid_arguments", call(t, st.sim, "views.open", object{"trigger_id": "none"})["error"])
	require.Equal(t, "invalid_arguments", call(t, st.sim, "views.open", object{"trigger_id": "none", "view": "x"})["error"])
}

func TestMetadataLimits(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	post := func(metadata any) any {
		return call(t, sim, "chat.postMessage", object{"channel": slacksim.General, "text": "x", "metadata": metadata})["error"]
	}
	require.Nil(t, post(object{"event_type": "request", "event_payload": object{"id": "r1"}}))
	require.Equal(t, "invalid_metadata_schema", post(object{"event_type": "request"}))
	require.Equal(t, "metadata_too_large", post(object{"event_type": "request", "event_payload": object{"id": strings.Repeat("x", 20_000)}}))
	require.Equal(t, "invalid_metadata_format", post("{"))
}
