package slacksim_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/sockets"
	"countersign/internal/slacksim/workspace"
)

// trigger makes the analyst do something that carries a trigger_id.
func (st *stage) trigger(t *testing.T) string {
	t.Helper()
	require.NoError(t, st.sim.As(slacksim.Analyst).Shortcut("analyze_new"))
	return st.nextClick(t).TriggerID
}

func modalOf(title string, blocks ...any) object {
	if blocks == nil {
		blocks = []any{section(title)}
	}
	return object{"type": "modal", "callback_id": title, "title": plainText(title), "submit": plainText("Send"), "notify_on_close": true, "blocks": blocks}
}

func inputBlock(id string, element object) object {
	element["action_id"] = "a"
	return object{"type": "input", "block_id": id, "label": plainText("Field " + id), "element": element}
}

func TestTriggersOpenOneModal(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	open := func(trigger string) any {
		return call(t, st.sim, "views.open", object{"trigger_id": trigger, "view": modalOf("one")})["error"]
	}
	trigger := st.trigger(t)
	require.Equal(t, "invalid_trigger_id", open("none"))
	require.Equal(t, "invalid_arguments", open(""))
	require.Nil(t, open(trigger))
	require.Equal(t, "exchanged_trigger_id", open(trigger))
}

func TestTriggersExpire(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{Timing: slacksim.Timing{Trigger: time.Nanosecond}})
	st.connect(t, 1)
	out := call(t, st.sim, "views.open", object{"trigger_id": st.trigger(t), "view": modalOf("one")})
	require.Equal(t, "expired_trigger_id", out["error"])
}

func TestModalsAreStacked(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	maya := st.sim.As(slacksim.Analyst)
	show := func(method, title string, more object) object {
		args := object{"trigger_id": st.trigger(t), "view": modalOf(title)}
		for k, v := range more {
			args[k] = v
		}
		return call(t, st.sim, method, args)
	}
	require.Equal(t, "not_found", show("views.push", "too early", nil)["error"])
	first := show("views.open", "one", nil)["view"].(object)
	second := show("views.push", "two", nil)["view"].(object)
	require.Equal(t, first["id"], second["root_view_id"])
	require.Equal(t, first["id"], second["previous_view_id"])
	show("views.push", "three", nil)
	require.Equal(t, "push_limit_reached", show("views.push", "four", nil)["error"])
	v, _ := maya.View()
	require.Equal(t, 3, v.Depth)
	require.Equal(t, "three", v.CallbackID)

	update := func(args object) any { return call(t, st.sim, "views.update", args)["error"] }
	require.Equal(t, "hash_conflict", update(object{"view_id": second["id"], "hash": "old", "view": modalOf("two again")}))
	require.Nil(t, update(object{"view_id": second["id"], "hash": second["hash"], "view": modalOf("two again")}))
	require.Equal(t, "hash_conflict", update(object{"view_id": second["id"], "hash": second["hash"], "view": modalOf("x")}), "the hash has changed")
	require.Equal(t, "not_found", update(object{"view_id": "V0NONE", "view": modalOf("x")}))
	require.Equal(t, "invalid_arguments", update(object{"view_id": second["id"], "view": object{}}))

	require.NoError(t, maya.CloseView())
	closed := st.nextClick(t)
	require.Equal(t, slack.InteractionTypeViewClosed, closed.Type)
	require.Equal(t, "three", closed.View.CallbackID)
	v, _ = maya.View()
	require.Equal(t, "two again", v.CallbackID)
	_, status := page(t, st.sim, "/sim/view/close", object{"as": slacksim.Analyst, "view_id": v.ID, "clear": true})
	require.Equal(t, 200, status)
	require.NoError(t, maya.WaitNoView(within(t)))
	st.nextClick(t)
	st.nextClick(t)
	require.Equal(t, "not_found", update(object{"view_id": second["id"], "view": modalOf("x")}), "it was closed")

	external := modalOf("named")
	external["external_id"] = "ext"
	require.Equal(t, true, show("views.open", "", object{"view": external})["ok"])
	require.Equal(t, "duplicate_external_id", show("views.open", "", object{"view": external})["error"])
	delete(external, "external_id")
	require.Nil(t, update(object{"external_id": "ext", "view": external}))
}

func TestSubmissionsAreAnswered(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	maya := st.sim.As(slacksim.Analyst)
	input := inputBlock("q", object{"type": "plain_text_input", "initial_value": "before"})
	answer := func(payload any) { st.acks(func(socketmode.Event) (any, bool) { return payload, true }) }
	open := func() {
		answer(nil)
		out := call(t, st.sim, "views.open", object{"trigger_id": st.trigger(t), "view": modalOf("ask", input)})
		require.Equal(t, true, out["ok"], "%v", out)
	}
	submit := func(payload any) error {
		t.Helper()
		answer(payload)
		_, err := maya.Submit(nil)
		sent := st.nextClick(t)
		require.Equal(t, "before", sent.View.State.Values["q"]["a"].Value, "what was not touched keeps its value")
		return err
	}
	open()
	for name, wrong := range map[string]any{
		"an unknown action":   object{"response_action": "explode"},
		"no errors":           object{"response_action": "errors"},
		"errors for no block": object{"response_action": "errors", "errors": object{"x": "y"}},
		"a broken view":       object{"response_action": "update", "view": object{}},
		"not an object":       []any{1},
	} {
		require.ErrorContains(t, submit(wrong), "trouble connecting", name)
	}
	v, open1 := maya.View()
	require.True(t, open1, "the modal is still there")
	require.NoError(t, submit(object{"response_action": "push", "view": modalOf("two", input)}))
	require.NoError(t, submit(object{"response_action": "push", "view": modalOf("three", input)}))
	require.ErrorContains(t, submit(object{"response_action": "push", "view": modalOf("four", input)}), "push_limit_reached")
	require.NoError(t, submit(object{}))
	top, _ := maya.View()
	require.Equal(t, "two", top.CallbackID, "only the top was closed")
	require.NoError(t, submit(object{"response_action": "clear"}))
	_, open1 = maya.View()
	require.False(t, open1)
	open()
	require.NoError(t, submit(object{"response_action": "update", "view": modalOf("changed", input)}))
	changed, _ := maya.View()
	require.NotEqual(t, v.ID, changed.ID)
	require.Equal(t, "changed", changed.CallbackID)
	_, err := maya.Submit(person.Fill("no such field", "x"))
	require.ErrorContains(t, err, "no field")

	st.acks(never)
	short := setup(t, slacksim.Options{Timing: slacksim.Timing{Ack: 10 * time.Second}})
	short.connect(t, 1)
	call(t, short.sim, "views.open", object{"trigger_id": short.trigger(t), "view": modalOf("ask", input)})
	short.acks(never)
	_, err = short.sim.As(slacksim.Analyst).Submit(nil)
	var silent *person.Unanswered
	require.ErrorAs(t, err, &silent)
	require.Equal(t, "operation_timeout", silent.Code)
	_, open1 = short.sim.As(slacksim.Analyst).View()
	require.True(t, open1)
	short.acks(nil)
	silentForm := object{"type": "modal", "title": plainText("x"), "blocks": []any{section("x")}}
	call(t, short.sim, "views.open", object{"trigger_id": func() string { short.nextClick(t); return short.trigger(t) }(), "view": silentForm})
	_, err = short.sim.As(slacksim.Analyst).Submit(nil)
	require.ErrorContains(t, err, "nothing to submit")
}

func TestFormsAreCheckedBeforeTheyAreSent(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	maya := st.sim.As(slacksim.Analyst)
	cases := []struct {
		element object
		given   string
		want    string
	}{
		{object{"type": "plain_text_input"}, "", "required"},
		{object{"type": "plain_text_input", "min_length": 3}, "ab", "at least 3"},
		{object{"type": "plain_text_input", "max_length": 3}, "abcd", "at most 3"},
		{object{"type": "number_input", "is_decimal_allowed": false}, "x", "a number"},
		{object{"type": "number_input", "is_decimal_allowed": false}, "1.5", "a whole number"},
		{object{"type": "number_input", "is_decimal_allowed": true, "min_value": "2"}, "1", "2 or more"},
		{object{"type": "number_input", "is_decimal_allowed": true, "max_value": "2"}, "3", "2 or less"},
		{object{"type": "number_input", "is_decimal_allowed": true}, "1.5", ""},
		{object{"type": "email_text_input"}, "nobody", "valid email"},
		{object{"type": "url_text_input"}, "nowhere", "valid URL"},
		{object{"type": "url_text_input"}, "http://x", ""},
		{object{"type": "datepicker"}, "2026-01-01", ""},
		{object{"type": "external_select"}, "anything", ""},
	}
	for i, c := range cases {
		call(t, st.sim, "views.open", object{"trigger_id": st.trigger(t), "view": modalOf("ask", inputBlock("b", c.element))})
		broken, err := maya.Submit(person.Fill("Field b", c.given))
		require.NoError(t, err)
		require.Equal(t, c.want == "", len(broken) == 0, "%d: %v", i, broken)
		require.Contains(t, broken["b"], c.want)
		if c.want == "" {
			st.nextClick(t)
		}
	}
	out := call(t, st.sim, "views.open", object{"trigger_id": st.trigger(t), "view": modalOf("ask",
		inputBlock("files", object{"type": "file_input", "max_files": 1}),
		inputBlock("people", object{"type": "multi_users_select", "max_selected_items": 1}))})
	require.Equal(t, true, out["ok"], "%v", out)
	a, err := maya.Upload("a.csv", []byte("x"))
	require.NoError(t, err)
	b, err := maya.Upload("b.csv", []byte("x"))
	require.NoError(t, err)
	broken, err := maya.Submit(person.Fill("files", a.ID, b.ID).And("people", "U0BEN", "U0JUN"))
	require.NoError(t, err)
	require.Contains(t, broken["files"], "at most 1 files")
	require.Contains(t, broken["people"], "at most 1.")
	_, err = maya.Submit(person.Fill("files", "F0NONE"))
	require.ErrorContains(t, err, "no such file")
}

func TestHome(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	ctx, maya := within(t), st.sim.As(slacksim.Analyst)
	_, published := maya.Home()
	require.False(t, published)
	require.NoError(t, maya.OpenHome())
	opened, ok := st.nextInner(t).(*slackevents.AppHomeOpenedEvent)
	require.True(t, ok)
	require.Equal(t, slacksim.Analyst, opened.User)
	home := slack.HomeTabViewRequest{Type: "home", Blocks: slack.Blocks{BlockSet: []slack.Block{buttons("open"), slack.NewSectionBlock(plain("Welcome"), nil, nil)}}}
	first, err := st.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: slacksim.Analyst, View: home})
	require.NoError(t, err)
	v, err := maya.WaitHome(ctx, func(v workspace.View) bool { return v.Type == "home" })
	require.NoError(t, err)
	require.Contains(t, v.Words(), "Welcome")
	require.NoError(t, maya.ClickView(v, "open"))
	click := st.nextClick(t)
	require.Equal(t, "view", click.Container.Type)
	require.Equal(t, first.ID, click.View.ID)
	require.ErrorContains(t, st.sim.As(slacksim.Reviewer).ClickView(v, "open"), "not open")

	stale := "old"
	_, err = st.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: slacksim.Analyst, View: home, Hash: &stale})
	require.ErrorContains(t, err, "hash_conflict")
	again, err := st.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: slacksim.Analyst, View: home, Hash: &first.Hash})
	require.NoError(t, err)
	require.Equal(t, first.ID, again.ID)
	_, err = st.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: "U0NONE", View: home})
	require.ErrorContains(t, err, "invalid_arguments")
	require.Equal(t, "invalid_arguments", call(t, st.sim, "views.publish", object{"user_id": slacksim.Analyst, "view": modalOf("x")})["error"])
	home.Blocks.BlockSet[1] = slack.NewSectionBlock(plain("Changed"), nil, nil)
	_, err = st.api.UpdateViewContext(ctx, slack.ModalViewRequest{Type: "home", Blocks: home.Blocks}, "", "", first.ID)
	require.NoError(t, err)
	_, err = maya.WaitHome(ctx, func(v workspace.View) bool { return v.Hash != again.Hash })
	require.NoError(t, err)
	require.NoError(t, maya.OpenHome())
	require.Equal(t, first.ID, st.nextInner(t).(*slackevents.AppHomeOpenedEvent).View.ID)
}

func TestWaitingSaysWhatIsThereInstead(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	maya := sim.As(slacksim.Analyst)
	_, err := maya.Say(slacksim.General, "something else")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	none := func(workspace.Message) bool { return false }
	_, err = maya.WaitMessage(ctx, slacksim.General, none)
	require.ErrorContains(t, err, "something else")
	_, err = maya.WaitReply(ctx, slacksim.General, "1.2", none)
	require.ErrorIs(t, err, context.Canceled)
	for _, err := range []error{
		func() error { _, err := maya.WaitView(ctx, func(workspace.View) bool { return true }); return err }(),
		func() error { _, err := maya.WaitHome(ctx, func(workspace.View) bool { return true }); return err }(),
		func() error { _, err := maya.WaitNotice(ctx, "x"); return err }(),
		sim.WaitHeld(ctx),
	} {
		require.ErrorIs(t, err, context.Canceled)
	}
	require.NoError(t, maya.WaitNoView(ctx))
	require.ErrorIs(t, sim.WaitCounts(ctx, func(sockets.Counts) bool { return false }), context.Canceled)
	require.Equal(t, slacksim.Analyst, maya.ID())
	require.Nil(t, maya.Messages("C0NONE"))
	require.Equal(t, "", fmt.Sprint(workspace.Message{}.Words()))
}
