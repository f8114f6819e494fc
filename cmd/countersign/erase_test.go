package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/bot/draw/home"
	"countersign/bot/ids"
	"countersign/bot/kit"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// Forgetting takes two administrators, and the others hear of it when the first one wants it, with the button.
func TestTheOtherAdministratorsHearOfAWishToErase(t *testing.T) {
	t.Parallel()
	h := openLight(t, func(c *Config) { c.Admins = []string{slacksim.Admin, slacksim.Reviewer, slacksim.OtherAnalyst} })
	jun := h.sim.As(slacksim.OtherAnalyst)
	require.NoError(t, h.carla.OpenHome())
	atHome, err := h.carla.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Reviews") })
	require.NoError(t, err)
	wants := func(who *person.Person, form person.Form, says string) {
		t.Helper()
		refused, err := who.Submit(form)
		require.NoError(t, err)
		require.Empty(t, refused)
		h.sees(who, kit.CallbackNote, says)
		require.NoError(t, who.CloseView())
	}
	for range 2 { // whoever wants it twice is heard once
		require.NoError(t, h.carla.ClickView(atHome, ids.ActionTheirs))
		h.sees(h.carla, ids.CallbackTheirs, "Whose questions")
		wants(h.carla, person.Fill(ids.FieldPerson, slacksim.OtherAnalyst).And(ids.FieldWhat, home.TheirsErase), "once another administrator asks for the same")
	}
	note, err := h.ben.WaitMessage(h.patient(), h.ben.DM(), func(m workspace.Message) bool { return strings.Contains(m.Words(), "wants deleted what") })
	require.NoError(t, err)
	require.NoError(t, h.ben.Click(note, ids.ActionTheirs))
	h.sees(h.ben, ids.CallbackTheirs, "Whose questions")
	wants(h.ben, person.Fill(ids.FieldWhat, home.TheirsErase), "Noted, and so has")
	require.Equal(t, 3, value[int](h, `SELECT count(*) FROM erasures WHERE person = $1`, slacksim.OtherAnalyst), "whom the notice names stands in the form")
	h.soon("it was told", func() bool {
		return value[int](h, `SELECT count(*) FROM notices WHERE kind = 'erase' AND told_at IS NOT NULL`) == 1
	})
	for _, who := range []*person.Person{h.carla, jun} { // who wants it, and whose questions they are
		for _, m := range who.Messages(who.DM()) {
			require.NotContains(t, m.Words(), "wants deleted what")
		}
	}
}
