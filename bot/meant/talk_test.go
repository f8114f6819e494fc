package meant

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSmallTalkIsToldFromQuestions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Talk{
		"hi": Greeting, "Hello!": Greeting, "hey there :wave:": Greeting, "Good morning, everyone": Greeting, "Hallo": Greeting, "guten Morgen": Greeting, "bonjour": Greeting,
		"thanks!": Thanks, "Thank you very much :pray: :+1:": Thanks, "thx": Thanks, "great, thanks a lot": Thanks, "hi, thanks": Thanks, "perfect": Thanks, "danke": Thanks, "merci": Thanks,
		"thanks, that works": Thanks, "great job": Thanks, "👋 hi": Greeting,
		"bye": Farewell, "goodbye": Farewell,
		"help": Help, "Help!": Help, "please help": Help, "what can you do?": Help, "How does this work?": Help, "who are you?": Help,

		// Whatever may be a question is one.
		"": NoTalk, "?": NoTalk, "ok": NoTalk, "yes": NoTalk, "hi?": NoTalk, "good": NoTalk, "sales": NoTalk, "thanks, and now by region": NoTalk, "hi, what were sales in May?": NoTalk,
		"help me sum sales.csv": NoTalk, "great sales by month": NoTalk, "thanks 2": NoTalk, "fix this": NoTalk, "night shifts": NoTalk,
		"so much for the help you all of the team": NoTalk, "cancel": NoTalk, "status": NoTalk,
	} {
		require.Equal(t, want, TalkOf(text), text)
	}
}

func TestOnlyNarrowsAQuestionToItsOwnFiles(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"only this one, please": true, "Just test.csv": true, "and with this one?": false, "the lonely ones": false,
		"Only these.": true, "just this, please": true, "Use only the attached file": true, "sum it, but only with `May.xlsx`": true, "only for these files": true,
		"Bitte nur diese Datei": true, "nur mit mai.csv": true, "sum this file alone": true, "test.csv alone": true, "and this alone?": true, "seulement ce fichier": true,
		// These words say something else, and the files of the thread belong to the question.
		"I just got May, compare it with April": false, "Compare it with April, only for Germany": false, "now only this year": false, "just this once, with April": false,
		"May alone is odd, compare it with April": false, "nur für Deutschland": false, "this month alone": false, "alone": false, "just": false, "only the": false,
	} {
		require.Equal(t, want, Only(text), text)
	}
}
