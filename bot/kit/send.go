package kit

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/slack-go/slack"
)

// Hash names what a page shows.
func (p *Page) Hash() string {
	blocks, err := json.Marshal(p.Blocks)
	if err != nil {
		panic(err) // blocks are made of strings and numbers
	}
	return fmt.Sprintf("%x", sha256.Sum256(append(blocks, p.Text()...)))[:16]
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
