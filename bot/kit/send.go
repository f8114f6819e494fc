package kit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"
)

// Hash names what a page shows, for those who see blocks and for those who hear the text. It is
// kept with a post, so that a message that would say the same is not sent again.
func (p *Page) Hash() string {
	return fmt.Sprintf("%x", sha256.Sum256(append(JSON(p.Blocks), p.Text()...)))[:16]
}

// JSON writes what is made of strings and numbers, such as blocks, or what a modal remembers.
func JSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings and numbers always marshal
	}
	return text
}

// bareSizes are how long the text is that stands in for blocks which Slack refuses.
var bareSizes = []int{maxText, 500}

// Bare is a page without its blocks: the text that says the same, the whole of it
// and, where that is too much, its beginning.
func (p *Page) Bare() (pages []*Page) {
	for _, size := range bareSizes {
		pages = append(pages, &Page{Lines: []string{Cut(p.Text(), size)}})
	}
	return pages
}

// Options are a page as the Web API takes it.
func (p *Page) Options() []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionBlocks(p.Sent()...),
		// The text is escaped already, part by part: escaping it again would show the entities.
		slack.MsgOptionText(p.Text(), false),
		slack.MsgOptionDisableLinkUnfurl(),
		slack.MsgOptionDisableMediaUnfurl(),
	}
}

// Sent are the blocks as Slack gets them.
func (p *Page) Sent() []slack.Block {
	if p.Coloured {
		return Coloured(p.Blocks)
	}
	return p.Blocks
}
