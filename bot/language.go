package bot

import (
	"strings"

	"github.com/slack-go/slack"
)

// fixed is text in fixed width. slack-go's own type always sends a border, 0 where
// none is wanted: a field that Slack's documentation names and that Slack has refused
// with 3 (slackapi/deno-slack-sdk#488 of 2025-11-22, read on 2026-11-26).
type fixed struct {
	Type     slack.RichTextElementType      `json:"type"`
	Elements []slack.RichTextSectionElement `json:"elements"`
	Language string                         `json:"language,omitempty"`
}

// RichTextElementType implements slack.RichTextElement.
func (f *fixed) RichTextElementType() slack.RichTextElementType { return f.Type }

// codeLanguage is what Slack may colour code as.
const codeLanguage = "python"

// What is known of the language of code: nothing, that Slack takes it and gives
// it back, or that it does not.
const (
	languageUntried int32 = iota
	languageKept
	languageLost
)

// names tells whether the next card names the language of its code. Options.Language
// has to ask for it, and no card may have shown that Slack does not take it.
func (b *Bot) names() bool { return b.Language && b.language.Load() != languageLost }

// tried remembers what became of a card that named it.
func (b *Bot) tried(kept bool) {
	if kept {
		b.language.CompareAndSwap(languageUntried, languageKept)
	} else if b.language.Swap(languageLost) != languageLost {
		b.Log.Warn("Slack does not keep the language of code: it is sent no more")
	}
}

// coloured are blocks whose code names its language.
func coloured(blocks []slack.Block) []slack.Block {
	out := make([]slack.Block, len(blocks))
	for i, block := range blocks {
		out[i] = block
		rich, ok := block.(*slack.RichTextBlock)
		if !ok || !strings.HasPrefix(rich.BlockID, codeID) {
			continue
		}
		copied := *rich
		copied.Elements = make([]slack.RichTextElement, len(rich.Elements))
		for j, e := range rich.Elements {
			if pre, ok := e.(*fixed); ok {
				named := *pre
				named.Language = codeLanguage
				e = &named
			}
			copied.Elements[j] = e
		}
		out[i] = &copied
	}
	return out
}
