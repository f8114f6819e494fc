package bot

import (
	"countersign/bot/kit"
)

// myself is who the bot is, as far as it has been asked by now.
func (b *Bot) myself() kit.Identity {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.self == nil {
		return kit.Identity{}
	}
	return *b.self
}
