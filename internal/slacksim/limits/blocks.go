package limits

import (
	"fmt"
	"slices"
	"strconv"

	"countersign/internal/slacksim/blockkit"
)

// blockRule is what one type of block may hold, and where it may stand.
type blockRule struct {
	surfaces string
	keys     string
	check    func(c *checker, b blockkit.Block, at string)
}

const everywhere = "message modal home"

var blockRules map[string]blockRule

// The rules refer to methods that refer back to the rules for nested blocks, so
// the table is filled at start.
func init() {
	blockRules = map[string]blockRule{
		"section":            {everywhere, "text fields accessory expand", (*checker).section},
		"header":             {everywhere, "text level", func(c *checker, b blockkit.Block, at string) { c.requiredText(b, "text", at, "plain_text", 150) }},
		"divider":            {everywhere, "", func(*checker, blockkit.Block, string) {}},
		"image":              {everywhere, imageKeys + " title", (*checker).imageBlock},
		"actions":            {everywhere, "elements", (*checker).actions},
		"context":            {everywhere, "elements", (*checker).contextBlock},
		"input":              {everywhere, "label element dispatch_action hint optional", (*checker).input},
		"rich_text":          {everywhere, "elements", (*checker).richText},
		"markdown":           {"message", "text", (*checker).markdownBlock},
		"table":              {"message", "rows column_settings", (*checker).table},
		"data_table":         {"message home", "rows caption page_size row_header_column_index", (*checker).dataTable},
		"data_visualization": {"message", "title chart", (*checker).chart},
		"context_actions":    {"message", "elements", (*checker).contextActions},
		"video":              {everywhere, "alt_text author_name description provider_icon_url provider_name title title_url thumbnail_url video_url", func(c *checker, b blockkit.Block, at string) { c.requiredText(b, "title", at, "plain_text", 200) }},
		"plan":               {"message", "plan_id title tasks", func(*checker, blockkit.Block, string) {}},
		"task_card":          {"message", "task_id title details output sources status hide_title", func(*checker, blockkit.Block, string) {}},
	}
}

const imageKeys = "image_url slack_file alt_text image_width image_height image_bytes fallback"

// section needs text or fields, and takes one element at its side.
func (c *checker) section(b blockkit.Block, at string) {
	if b["text"] == nil && b["fields"] == nil {
		c.fail(at, "missing required field: text")
	}
	c.optionalText(b, "text", at, "any", 3000)
	c.items(b, "fields", at, 0, 10, func(v map[string]any, at string) { c.textObject(v, at, "any", 2000) })
	if accessory := blockkit.Object(b, "accessory"); accessory != nil {
		c.element(accessory, at+"/accessory", sectionElements)
	} else if b["accessory"] != nil {
		c.fail(at+"/accessory", "must provide an object")
	}
}

func (c *checker) imageBlock(b blockkit.Block, at string) {
	c.image(b, at)
	c.optionalText(b, "title", at, "plain_text", 2000)
}

// image is an address or a file of ours. The words for those who cannot see it are
// not optional.
func (c *checker) image(b map[string]any, at string) {
	c.required(b, "alt_text", at, 2000)
	switch source := blockkit.Object(b, "slack_file"); {
	case source != nil:
		if id := blockkit.Text(source, "id"); id != "" && !c.picture(id) || id == "" && blockkit.Text(source, "url") == "" {
			c.fail(at+"/slack_file", "invalid slack file")
		}
	case b["image_url"] == nil:
		c.fail(at, "missing required field: image_url")
	default:
		c.required(b, "image_url", at, 3000)
	}
}

// actions is a row of elements; text inputs do not belong there.
func (c *checker) actions(b blockkit.Block, at string) {
	c.items(b, "elements", at, 1, 25, func(v map[string]any, at string) { c.element(v, at, actionElements) })
}

func (c *checker) contextActions(b blockkit.Block, at string) {
	c.items(b, "elements", at, 1, 5, func(v map[string]any, at string) { c.element(v, at, "feedback_buttons icon_button") })
}

func (c *checker) contextBlock(b blockkit.Block, at string) {
	c.items(b, "elements", at, 1, 10, func(v map[string]any, at string) {
		if blockkit.Text(v, "type") == "image" {
			c.keys(v, at, "type "+imageKeys)
			c.image(v, at)
			return
		}
		c.textObject(v, at, "any", 3000)
	})
}

// input is a labelled element. Files can be asked for in modals only.
func (c *checker) input(b blockkit.Block, at string) {
	c.requiredText(b, "label", at, "plain_text", 2000)
	c.optionalText(b, "hint", at, "plain_text", 2000)
	inner := blockkit.Object(b, "element")
	if inner == nil {
		c.fail(at, "missing required field: element")
		return
	}
	c.element(inner, at+"/element", inputElements)
	if blockkit.Text(inner, "type") == "file_input" && c.surface != "modal" {
		c.fail(at+"/element/type", "unsupported type: file_input")
	}
}

// richText checks the nesting and that every piece of text has at least one character.
func (c *checker) richText(b blockkit.Block, at string) {
	c.items(b, "elements", at, 1, 1000, func(v map[string]any, at string) {
		switch blockkit.Text(v, "type") {
		case "rich_text_section":
			c.keys(v, at, "type elements")
			c.items(v, "elements", at, 0, 10_000, c.inline)
		case "rich_text_quote":
			c.keys(v, at, "type elements border")
			c.items(v, "elements", at, 0, 10_000, c.inline)
		case "rich_text_preformatted":
			c.keys(v, at, "type elements border language")
			if border := v["border"]; border != nil && fmt.Sprint(border) != "0" {
				// Documented, and refused: slackapi/deno-slack-sdk#488, 2025-11-22. What becomes of 0 is not known.
				c.fail(at+"/border", "unsupported value")
			}
			c.items(v, "elements", at, 0, 10_000, func(v map[string]any, at string) {
				if k := blockkit.Text(v, "type"); k != "text" && k != "link" {
					c.fail(at+"/type", "unsupported type: %s", k)
					return
				}
				c.inline(v, at)
			})
		case "rich_text_list":
			c.keys(v, at, "type elements style indent offset border")
			if s := blockkit.Text(v, "style"); s != "bullet" && s != "ordered" {
				c.fail(at+"/style", "must be one of bullet, ordered")
			}
			c.items(v, "elements", at, 1, 1000, func(v map[string]any, at string) {
				c.items(v, "elements", at, 0, 10_000, c.inline)
			})
		default:
			c.fail(at+"/type", "unsupported type: %s", blockkit.Text(v, "type"))
		}
	})
}

// inlineNeeds is what each piece of rich text must name.
var inlineNeeds = map[string]string{
	"text": "text", "link": "url", "user": "user_id", "usergroup": "usergroup_id", "channel": "channel_id",
	"emoji": "name", "date": "timestamp", "broadcast": "range", "color": "value", "team": "team_id",
}

// inline checks one piece of text, link or mention and counts its characters.
func (c *checker) inline(v map[string]any, at string) {
	kind := blockkit.Text(v, "type")
	need, ok := inlineNeeds[kind]
	if !ok {
		c.fail(at+"/type", "unsupported type: %s", kind)
		return
	}
	if need == "timestamp" {
		if v[need] == nil {
			c.fail(at, "missing required field: %s", need)
		}
	} else {
		c.required(v, need, at, 1<<30)
	}
	c.total += blockkit.Chars(blockkit.Text(v, "text"))
}

// markdownBlock has a limit for all markdown blocks together, beside the common one.
func (c *checker) markdownBlock(b blockkit.Block, at string) {
	c.required(b, "text", at, maxMarkdown)
	c.markdown += blockkit.Chars(blockkit.Text(b, "text"))
	if c.markdown > maxMarkdown && blockkit.Chars(blockkit.Text(b, "text")) <= maxMarkdown {
		c.fail(at+"/text", "all markdown blocks together must be less than %d characters", maxMarkdown+1)
	}
	c.total += blockkit.Chars(blockkit.Text(b, "text"))
}

// rows checks a table's cells and their total length.
func (c *checker) rows(b blockkit.Block, at string, most, mostChars int) {
	rows := blockkit.List(b, "rows")
	if len(rows) == 0 || len(rows) > most {
		c.fail(at+"/rows", "must have 1 to %d rows", most)
		return
	}
	total := 0
	for i, r := range rows {
		where := at + "/rows/" + strconv.Itoa(i)
		cells, ok := r.([]any)
		if !ok || len(cells) == 0 || len(cells) > 20 {
			c.fail(where, "must have 1 to 20 cells")
			continue
		}
		for j, v := range cells {
			total += c.cell(v, where+"/"+strconv.Itoa(j))
		}
	}
	if total > mostChars {
		c.fail(at, "table cells must be less than %d characters together", mostChars+1)
	}
}

// cell checks one cell and says how many characters it has.
func (c *checker) cell(v any, at string) int {
	m, _ := v.(map[string]any)
	switch blockkit.Text(m, "type") {
	case "raw_text":
		c.required(m, "text", at, maxTableChars)
		return blockkit.Chars(blockkit.Text(m, "text"))
	case "raw_number":
		if m["value"] == nil {
			c.fail(at, "missing required field: value")
		}
		return blockkit.Chars(blockkit.Text(m, "text"))
	case "rich_text":
		before := c.total
		c.richText(m, at)
		counted := c.total - before
		c.total = before // tables have their own limit
		return counted
	}
	c.fail(at+"/type", "unsupported type: %s", blockkit.Text(m, "type"))
	return 0
}

// table: one in a message, which checkMessage looks at when all blocks are counted.
func (c *checker) table(b blockkit.Block, at string) {
	c.tables++
	c.rows(b, at, 100, maxTableChars)
	if len(blockkit.List(b, "column_settings")) > 20 {
		c.fail(at+"/column_settings", "no more than 20 items allowed")
	}
}

// dataTable has a header row, so two rows are the least. Slack's documents disagree on
// the most; this is the smaller of their numbers.
func (c *checker) dataTable(b blockkit.Block, at string) {
	c.required(b, "caption", at, 3000)
	if n := len(blockkit.List(b, "rows")); n < 2 {
		c.fail(at+"/rows", "no fewer than 2 items allowed")
	}
	c.rows(b, at, 100, maxTableChars)
	if n, set := blockkit.Number(b, "page_size"); set && (n < 1 || n > 100) {
		c.fail(at+"/page_size", "must be between 1 and 100")
	}
}

// chart checks what a data_visualization draws: at most two in one message,
// short labels, every series with every category.
func (c *checker) chart(b blockkit.Block, at string) {
	if c.charts++; c.charts > 2 {
		c.fail(at, "no more than 2 data_visualization blocks allowed")
	}
	c.required(b, "title", at, 50)
	chart := blockkit.Object(b, "chart")
	if !slices.Contains([]string{"line", "bar", "area", "pie"}, blockkit.Text(chart, "type")) {
		c.fail(at+"/chart/type", "unsupported type: %s", blockkit.Text(chart, "type"))
		return
	}
	label := func(v map[string]any, at string) { c.required(v, "label", at, 20) }
	if blockkit.Text(chart, "type") == "pie" {
		c.items(chart, "segments", at+"/chart", 1, 12, func(v map[string]any, at string) {
			label(v, at)
			if n, set := blockkit.Number(v, "value"); !set || n <= 0 {
				c.fail(at+"/value", "must be more than 0")
			}
		})
		return
	}
	config := blockkit.Object(chart, "axis_config")
	categories := blockkit.List(config, "categories")
	c.field(config, "x_label", at+"/chart/axis_config", 50)
	c.field(config, "y_label", at+"/chart/axis_config", 50)
	c.items(chart, "series", at+"/chart", 1, 12, func(v map[string]any, at string) {
		c.required(v, "name", at, 20)
		c.items(v, "data", at, 1, 20, label)
		if len(blockkit.List(v, "data")) != len(categories) {
			c.fail(at+"/data", "must have a value for every category")
		}
	})
}
