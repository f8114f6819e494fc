package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestAnEmptyQuestionIsAskedForAndMakesNoRequest(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	const hint = "What would you like to know? Write the question after the command, for example: /analyze What were sales per month in sales.csv?"

	for _, line := range []string{"/analyze", "/analyze   "} {
		require.NoError(t, h.maya.Command(slacksim.SalesData, line))
		form, ok := h.maya.View()
		require.True(t, ok, "%q opens the form", line)
		require.Contains(t, form.Words(), "Your question")
		require.NoError(t, h.maya.CloseView())
	}
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze"))
	wrong, err := h.maya.Submit(person.Fill("question", " \n "))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"question": hint}, wrong, "said beside the field; the form stays open")

	_, err = h.maya.Say(slacksim.SalesData, "@countersign")
	require.NoError(t, err)
	h.told(h.maya, slacksim.SalesData, "What would you like to know? Write it in the same message, for example: What were sales per month in sales.csv?")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze cancel"))
	h.told(h.maya, slacksim.SalesData, "Which one? /analyze status lists your questions, each with a Cancel button.")
	h.nothing()
}

func TestATooLongQuestionIsRefusedWithItsLength(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	long := strings.Repeat("Wie viele Käufe? ", 589)[:10_000-589] // every ä is two bytes
	require.Less(t, len([]rune(long)), 10_000)
	long += strings.Repeat("x", 10_000-len([]rune(long)))
	const want = "Your question has 10000 characters; at most 3000 fit. Please shorten it, or put the details into a file."

	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze "+long))
	h.told(h.maya, slacksim.SalesData, want)
	_, err := h.maya.Say(h.maya.DM(), long)
	require.NoError(t, err)
	h.told(h.maya, h.maya.DM(), want)
	h.nothing()

	// The longest that fits is asked and shown whole.
	fits := strings.Repeat("ж", 2994) + " Ende?"
	root := h.ask(fits)
	require.Contains(t, root.Words(), fits)
	require.Contains(t, h.cardOf(fits).Words(), "May this code run?")
}

func TestAQuestionInAnyScriptIsShownAsItWasTyped(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "a,b\n1,2\n")
	for _, c := range []struct{ typed, shown string }{
		{"*bold* _italic_ ~gone~ `code` ```block``` > quote\n• item &amp; <b>", ""},
		{"<!channel> <!here> @ben #general <@U0PRIYA> @everyone & < > 1<2>0", "@channel @here @ben #general @priya @everyone & < > 1<2>0"},
		{"כמה מכרנו? كم بعنا؟ \u202etxt.exe\u202c \u200bzero", `כמה מכרנו? كم بعنا؟ \u{202e}txt.exe\u{202c} \u{200b}zero`},
		{"売上は? 매출은? क्षत्रिय 👩‍👩‍👧‍👦 🇸🇪 :tada: e\u0301 {{x}} %s \\n $(reboot) '; DROP TABLE requests; --", ""},
	} {
		if c.shown == "" {
			c.shown = c.typed
		}
		root := h.ask(c.typed)
		card := h.cardOf(c.shown)
		require.Equal(t, c.shown, value[string](h, `SELECT said(question) FROM requests ORDER BY created_at DESC LIMIT 1`))
		for _, m := range []workspace.Message{root, card} {
			texts := plainTexts(t, m, slacksim.Analyst, slacksim.Reviewer, slacksim.SecondReviewer)
			require.Contains(t, texts, c.shown, "as one piece of plain text")
			escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(c.shown)
			require.Contains(t, m.Text, escaped, "in the words for screen readers as well")
			require.NotContains(t, strings.ReplaceAll(m.Text, escaped, ""), "<!channel")
		}
		asked := h.model.Requests()
		prompt := asked[len(asked)-1].Messages
		require.Contains(t, prompt[len(prompt)-1].Content, "The question:\n"+c.shown, "the model gets the same words")
	}
	for _, p := range []*person.Person{h.ben, h.priya} {
		require.Empty(t, p.Notices())
	}
	require.Equal(t, 4, value[int](h, `SELECT count(*) FROM requests WHERE state = 'pending'`))
	h.settled()
}

// plainTexts are the pieces of plain text in a message. It fails when anything
// else than plain text, our own bold and code, these people, or once the channel that it was asked in stands in it.
func plainTexts(t *testing.T, m workspace.Message, people ...string) (texts []string) {
	t.Helper()
	channels := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x)
			}
		case map[string]any:
			switch v["type"] {
			case "text":
				if v["style"] == nil {
					texts = append(texts, v["text"].(string))
				}
			case "user":
				require.Contains(t, people, v["user_id"])
			case "channel":
				channels++
				require.Equal(t, slacksim.SalesData, v["channel_id"])
			case "broadcast", "emoji", "link", "usergroup":
				require.Fail(t, "a question has become formatting", "%v", v)
			case "mrkdwn":
				require.Regexp(t, `^Request [a-z0-9]+, revision`, v["text"], "mrkdwn is for our own words")
			}
			walk(v["elements"])
		}
	}
	for _, b := range m.Blocks {
		walk(b)
	}
	require.LessOrEqual(t, channels, 1)
	return texts
}
