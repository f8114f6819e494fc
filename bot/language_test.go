package bot

import (
	"strings"
	"testing"

	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/sample"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/bot/readback"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
)

// inColour is a bot that may name the language of code.
func inColour(_ *slacksim.Options, o *Options) { o.Language = true }

// namesLanguage tells whether something that is held names the language of its code.
func namesLanguage(held any) bool {
	return strings.Contains(string(sample.MustJSON(held)), `"language":"python"`)
}

func TestCodeNamesNoLanguageUnlessItIsAskedFor(t *testing.T) {
	t.Parallel()
	b := idle(t)
	v := sample.View()
	b.publish(v, steps.SurfaceRoot, steps.SurfaceCard)
	require.NotContains(t, string(sample.MustJSON(b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]).Blocks)), `"language"`)
	require.NotContains(t, string(sample.MustJSON(draw.Card(as(kit.Identity{}), v, false).Blocks)), `"border":0,"type":"rich_text_preformatted"`)
}

func TestALanguageThatIsKeptColoursCardsAndModals(t *testing.T) {
	t.Parallel()
	b := setup(t, inColour)
	v, card := pending(b)
	require.True(t, namesLanguage(card.Blocks))
	require.True(t, card.Has(ids.ActionApprove))
	had := v.Posts[steps.SurfaceCard]
	b.sim.Fail(fault.Method{Method: "*", Error: "fatal_error", Times: -1})
	b.publish(v, steps.SurfaceCard)
	require.Equal(t, had, v.Posts[steps.SurfaceCard], "nothing is sent in vain")
	b.sim.Heal()
	b.service.change(func() { sample.Risky(v) })
	b.publish(v, steps.SurfaceCard)
	ben := b.as(slacksim.Reviewer)
	require.NoError(t, ben.Click(b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]), ids.ActionReview))
	require.True(t, namesLanguage(b.openedAs(ben, ids.CallbackReview).Blocks))
}

func TestALanguageThatSlackRefusesIsNamedOnce(t *testing.T) {
	t.Parallel()
	b := idle(t, inColour)
	b.sim.Fail(fault.Method{Method: "chat.postMessage", Error: "invalid_blocks"})
	v := sample.View()
	b.publish(v, steps.SurfaceCard)
	card := b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard])
	require.False(t, namesLanguage(card.Blocks))
	require.True(t, card.Has(ids.ActionApprove))
	next := sample.View()
	b.publish(next, steps.SurfaceCard)
	require.False(t, namesLanguage(b.read(slacksim.Reviewer, next.Posts[steps.SurfaceCard]).Blocks), "and not again")
	require.Equal(t, 1, strings.Count(b.log.String(), "does not keep the language"))
}

func TestALanguageThatSlackDropsIsNamedOnce(t *testing.T) {
	t.Parallel()
	b := idle(t, inColour)
	b.sim.Rewrite(8)
	v := sample.View()
	b.publish(v, steps.SurfaceCard)
	require.True(t, b.read(slacksim.Reviewer, v.Posts[steps.SurfaceCard]).Has(ids.ActionApprove))
	b.sim.Heal()
	next := sample.View()
	b.publish(next, steps.SurfaceCard)
	require.False(t, namesLanguage(b.read(slacksim.Reviewer, next.Posts[steps.SurfaceCard]).Blocks))
}

func TestEachKindOfSpellingIsLoggedOnceADay(t *testing.T) {
	t.Parallel()
	b := idle(t)
	b.sim.Rewrite(4, 12)
	for range 3 {
		b.publish(sample.View(), steps.SurfaceCard)
	}
	for _, kind := range []string{"has plain_text.emoji=true", "has more of text"} {
		require.Equal(t, 1, strings.Count(b.log.String(), `"`+kind+`"`), kind)
	}
	require.NotContains(t, b.log.String(), "stored something else")
	require.NotContains(t, b.log.String(), "pandas", "nobody's words")
}

// slack-go refuses a press whole when it does not know one element of the message.
func TestAPressThatTheLibraryCannotReadIsRead(t *testing.T) {
	t.Parallel()
	bad := func(raw string) socketmode.Event {
		return socketmode.Event{Type: socketmode.EventTypeErrorBadMessage, Data: &socketmode.ErrorBadMessage{Message: []byte(raw)}}
	}
	e, ok := readback.Reread(bad(`{"type":"interactive","envelope_id":"E1","payload":{"type":"block_actions","user":{"id":"U1"},"actions":[{"type":"button","action_id":"approve","block_id":"b","value":"v"}],
		"message":{"ts":"1.2","blocks":[{"type":"actions","block_id":"b","elements":[{"type":"hologram"}]}]}}}`))
	require.True(t, ok)
	require.Equal(t, "E1", e.Request.EnvelopeID)
	require.Contains(t, string(e.Request.Payload), "hologram", "and it is seen all the same")
	cb := delivery{Event: e}
	require.Equal(t, "block_actions", cb.kind())
	e, ok = readback.Reread(bad(`{"type":"events_api","envelope_id":"E2","payload":{"type":"event_callback","event":{"type":"message","channel":"D1","blocks":[{"type":"actions","elements":[{"type":"hologram"}]}]}}}`))
	require.True(t, ok)
	require.Equal(t, socketmode.EventTypeEventsAPI, e.Type)
	for _, raw := range []string{``, `{"type":"interactive"}`, `{"type":"interactive","payload":[`, `{"type":"interactive","payload":{"user":7}}`, `{"type":"slash_commands","payload":{}}`} {
		_, ok := readback.Reread(bad(raw))
		require.False(t, ok, raw)
	}
	_, ok = readback.Reread(socketmode.Event{Type: socketmode.EventTypeHello})
	require.False(t, ok)
}
