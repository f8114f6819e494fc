package slacksim_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
)

func TestButtonsInAttachmentsWork(t *testing.T) {
	t.Parallel()
	st := setup(t, slacksim.Options{})
	st.connect(t, 1)
	maya := st.sim.As(slacksim.Analyst)
	out := call(t, st.sim, "chat.postMessage", object{"channel": slacksim.CodeReview, "text": "x",
		"attachments": []any{object{"color": "#ccc", "blocks": []any{section("look here"), actions(pressable("go", nil))}}}})
	ben := st.sim.As(slacksim.Reviewer)
	m, err := ben.Find(slacksim.CodeReview, out["ts"].(string))
	require.NoError(t, err)
	require.Equal(t, "look here\nPress", m.Words())
	require.NoError(t, ben.Click(m, "go"))
	click := st.nextClick(t)
	require.Equal(t, "privategroup", click.Channel.Name)
	require.Error(t, maya.Click(m, "go"), "the analyst is not in the channel")

	groups := object{"type": "static_select", "action_id": "pick", "option_groups": []any{object{"label": plainText("Models"), "options": options(2, 1)}}}
	m = st.post(t, actions(groups))
	require.NoError(t, maya.Click(m, "pick", "1"))
	require.Equal(t, "1", st.nextClick(t).ActionCallback.BlockActions[0].SelectedOption.Value)
	inThread := call(t, st.sim, "chat.postMessage", object{"channel": slacksim.General, "thread_ts": m.TS, "blocks": []any{actions(pressable("go", nil))}})
	reply, err := maya.Find(slacksim.General, inThread["ts"].(string))
	require.NoError(t, err)
	require.NoError(t, maya.Click(reply, "go"))
	require.Equal(t, m.TS, st.nextClick(t).Container.ThreadTs)
	require.NoError(t, maya.Command(maya.DM(), "/analyze x"))
	require.Equal(t, "directmessage", st.nextCommand(t).ChannelName)
	call(t, st.sim, "chat.delete", object{"channel": slacksim.General, "ts": reply.TS})
	root, err := maya.Find(slacksim.General, m.TS)
	require.NoError(t, err)
	require.Empty(t, root.ThreadTS, "without replies it is no thread")
}

func TestPagesLearnOfDeletedFiles(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	maya := sim.As(slacksim.Analyst)
	m, err := maya.Share(slacksim.SalesData, "x", "a.csv", []byte("x"))
	require.NoError(t, err)
	theirs := listen(t, sim, slacksim.Reviewer)
	require.NoError(t, maya.DeleteFile(m.Files[0].ID))
	theirs.next(t, "state")
	_, err = maya.Share(slacksim.SalesData, "x", "huge.csv", make([]byte, 101<<20))
	require.ErrorContains(t, err, "up to 100 MB")
}

func TestRunServesUntilTheContextEnds(t *testing.T) {
	t.Parallel()
	sim, err := slacksim.New(slacksim.Options{})
	require.NoError(t, err)
	sim.SetGroup("reviewers", slacksim.Reviewer)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sim.Run(ctx, "localhost:0") }()
	require.Eventually(t, func() bool { return sim.URL() != "" }, soon, 1)
	require.True(t, strings.HasPrefix(sim.URL(), "http://127.0.0.1:") || strings.HasPrefix(sim.URL(), "http://[::1]:"))
	stop()
	require.NoError(t, <-ended)
}

func TestNoticesAreBounded(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	maya := sim.As(slacksim.Analyst)
	for range 60 {
		require.Error(t, maya.Command(slacksim.General, "/analyze x"))
	}
	require.Len(t, maya.Notices(), 50)
}

func TestStartFailsTheTestWhenItCannotStart(t *testing.T) {
	t.Parallel()
	var fake fakeTest
	func() {
		defer func() { _ = recover() }()
		slacksim.Start(&fake, slacksim.Options{Manifest: []byte("{")})
	}()
	require.Contains(t, fake.said, "slacksim: ")
}

// fakeTest is a test that stops where it fails.
type fakeTest struct{ said string }

func (*fakeTest) Helper()          {}
func (*fakeTest) Cleanup(_ func()) {}
func (f *fakeTest) Fatalf(format string, _ ...any) {
	f.said = format
	panic("failed")
}
