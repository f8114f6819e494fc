package slacksim_test

import (
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
)

// Each refusal can be had for one channel and one kind of message, by itself.
func TestAFaultIsNarrowedToAChannelAndAKindOfMessage(t *testing.T) {
	t.Parallel()
	card := slack.MsgOptionBlocks(slack.NewRichTextBlock("", &slack.RichTextPreformatted{Type: slack.RTEPreformatted,
		Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement("print(1)", nil)}}))
	short := slack.MsgOptionBlocks(slack.NewSectionBlock(slack.NewTextBlockObject("plain_text", "print", false, false), nil, nil))
	words := slack.MsgOptionText("print", false)
	sales, review, maya := slacksim.SalesData, slacksim.CodeReview, slacksim.Analyst
	tests := map[string]struct {
		only fault.Only
		want [5]bool // refused: a card for review, words for review, a short one for sales, a reply in sales, a direct message
	}{
		"all":                  {fault.Only{}, [5]bool{true, true, true, true, true}},
		"one channel":          {fault.Only{Channel: review}, [5]bool{true, true, false, false, false}},
		"with blocks":          {fault.Only{Kind: fault.WithBlocks}, [5]bool{true, false, true, false, false}},
		"without":              {fault.Only{Kind: fault.TextOnly}, [5]bool{false, true, false, true, true}},
		"in threads":           {fault.Only{Kind: fault.Replies}, [5]bool{false, false, false, true, false}},
		"in none":              {fault.Only{Kind: fault.Roots}, [5]bool{true, true, true, false, true}},
		"to people":            {fault.Only{Kind: fault.Directs}, [5]bool{false, false, false, false, true}},
		"to one":               {fault.Only{Channel: maya}, [5]bool{false, false, false, false, true}},
		"with code":            {fault.Only{Holds: "rich_text_preformatted"}, [5]bool{true, false, false, false, false}},
		"long":                 {fault.Only{Longer: 6}, [5]bool{true, false, false, false, false}},
		"code in the other":    {fault.Only{Channel: sales, Holds: "rich_text"}, [5]bool{}},
		"a channel, in thread": {fault.Only{Channel: sales, Kind: fault.Replies}, [5]bool{false, false, false, true, false}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := slacksim.Start(t, slacksim.Options{PostBurst: -1})
			api := slack.New(sim.BotToken(), slack.OptionAPIURL(sim.APIURL()))
			_, root, err := api.PostMessage(sales, words)
			require.NoError(t, err)
			sim.Fail(fault.Method{Method: "chat.postMessage", Only: tt.only, Error: "invalid_blocks", Messages: []string{"why"}, Times: -1})
			var got [5]bool
			for i, post := range []struct {
				to      string
				options []slack.MsgOption
			}{{review, []slack.MsgOption{card, words}}, {review, []slack.MsgOption{words}}, {sales, []slack.MsgOption{short}},
				{sales, []slack.MsgOption{words, slack.MsgOptionTS(root)}}, {maya, []slack.MsgOption{words}}} {
				_, _, err := api.PostMessage(post.to, post.options...)
				if got[i] = err != nil; err != nil {
					require.ErrorContains(t, err, "invalid_blocks")
				}
			}
			require.Equal(t, tt.want, got)
			sim.Mend("chat.postMessage")
			_, _, err = api.PostMessage(review, card, words)
			require.NoError(t, err)
		})
	}
}
