package kit

import (
	"strings"

	"github.com/slack-go/slack"
)

// Fixed is text in fixed width. slack-go's own type always sends a border, 0 where
// none is wanted: a field that Slack's documentation names and that Slack has refused
// with 3 (slackapi/deno-slack-sdk#488 of 2025-11-22, read on 2026-11-26).
type Fixed struct {
	Type     slack.RichTextElementType      `json:"type"`
	Elements []slack.RichTextSectionElement `json:"elements"`
	Language string                         `json:"language,omitempty"`
}

// RichTextElementType implements slack.RichTextElement.
func (f *Fixed) RichTextElementType() slack.RichTextElementType { return f.Type }

// CodeLanguage is what Slack may colour code as.
const CodeLanguage = "python"

// Coloured are blocks whose code names its language.
func Coloured(blocks []slack.Block) []slack.Block {
	out := make([]slack.Block, len(blocks))
	for i, block := range blocks {
		out[i] = block
		rich, ok := block.(*slack.RichTextBlock)
		if !ok || !strings.HasPrefix(rich.BlockID, CodeID) {
			continue
		}
		copied := *rich
		copied.Elements = make([]slack.RichTextElement, len(rich.Elements))
		for j, e := range rich.Elements {
			if pre, ok := e.(*Fixed); ok {
				named := *pre
				named.Language = CodeLanguage
				e = &named
			}
			copied.Elements[j] = e
		}
		out[i] = &copied
	}
	return out
}
