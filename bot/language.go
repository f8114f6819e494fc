package bot

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
