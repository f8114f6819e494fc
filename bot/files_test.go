package bot

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/workspace"
)

// forge changes what Slack answers to what posts a card and opens a modal.
func forge(old, new string) *http.Client {
	return forgeCalls(old, new, "chat.postMessage", "views.open")
}

func TestAFileIsFetchedOrItsFateIsTold(t *testing.T) {
	t.Parallel()
	b := idle(t)
	m := b.share(slacksim.SalesData, "sales.csv", "a\n1\n")
	f := approval.File{ID: m.Files[0].ID, Name: "sales.csv"}
	got, err := fetched(b.ctx, b.bot, f, 100)
	require.NoError(t, err)
	require.Equal(t, "a\n1\n", got)
	_, err = fetched(b.ctx, b.bot, f, 3)
	require.ErrorIs(t, err, steps.ErrFileTooBig)
	b.sim.Fail(fault.Method{Method: "download", Status: 404})
	_, err = fetched(b.ctx, b.bot, f, 100)
	require.Error(t, err)
	b.sim.Fail(fault.Method{Method: "files.info", Error: "fatal_error"})
	_, err = fetched(b.ctx, b.bot, f, 100)
	require.ErrorContains(t, err, "files.info "+f.ID)
	require.NoError(t, b.as(slacksim.Analyst).DeleteFile(f.ID))
	_, err = fetched(b.ctx, b.bot, f, 100)
	require.ErrorIs(t, err, lacking(approval.FileGone, f))
	_, err = fetched(b.ctx, b.bot, approval.File{ID: "F0NOBODY"}, 100)
	require.ErrorIs(t, err, lacking(approval.FileNotSeen, approval.File{}), "it may only be hidden from the bot")
}

// fetched reads a file through.
func fetched(ctx context.Context, b *Bot, f approval.File, limit int64) (string, error) {
	from, err := b.Fetch(ctx, f, limit)
	if err != nil {
		return "", err
	}
	defer func() { _ = from.Close() }()
	data, err := io.ReadAll(from)
	return string(data), err
}

// answering is a Slack that answers one method with this and every download so.
func answering(t *testing.T, method, answer string, download func(w http.ResponseWriter, r *http.Request)) *Bot {
	t.Helper()
	return New(Options{BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: "http://slack.test/api/", HTTPClient: &http.Client{Transport: trip(func(r *http.Request) (*http.Response, error) {
		w := &recorder{header: http.Header{}, status: http.StatusOK}
		if strings.HasSuffix(r.URL.Path, method) {
			w.body.WriteString(answer)
		} else {
			download(w, r)
		}
		return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(struct{ io.Reader }{&w.body}), Request: r}, nil
	})}})
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) Write(p []byte) (int, error) { return w.body.Write(p) }

func (w *recorder) WriteHeader(status int) { w.status = status }

func TestDownloadsThatSlackDoesNotGive(t *testing.T) {
	t.Parallel()
	info := `{"ok":true,"file":{"id":"F1","size":4,"url_private":"http://slack.test/files/F1"}}`
	tests := []struct {
		name     string
		info     string
		download func(w http.ResponseWriter, r *http.Request)
		want     error
		says     string
	}{
		{"the sign-in page", info, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://slack.test/signin?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
		}, lacking(approval.FileWithheld, approval.File{Name: "sales.csv"}), ""},
		{"not found", info, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, lacking(approval.FileWithheld, approval.File{Name: "sales.csv"}), ""},
		{"more than was said", info, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1000)) }, steps.ErrFileTooBig, ""},
		{"an error", info, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, nil, "download F1"},
		{"round in circles", info, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://slack.test/again", http.StatusFound)
		}, nil, "redirected five times"},
		{"a tombstone", `{"ok":true,"file":{"id":"F1","mode":"tombstone"}}`, nil, lacking(approval.FileGone, approval.File{Name: "sales.csv"}), ""},
		{"behind the limit of a free workspace", `{"ok":true,"file":{"id":"F1","mode":"hidden_by_limit"}}`, nil, lacking(approval.FileHidden, approval.File{Name: "sales.csv"}), ""},
		{"a link to elsewhere", `{"ok":true,"file":{"id":"F1","is_external":true}}`, nil, nil, "is a link to a file somewhere else"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := fetched(t.Context(), answering(t, "files.info", tt.info, tt.download), approval.File{ID: "F1", Name: "sales.csv"}, 100)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
			}
			require.ErrorContains(t, err, tt.says)
		})
	}
}

func TestPeopleAreWhoSlackSaysTheyAre(t *testing.T) {
	t.Parallel()
	b := idle(t)
	team := slacksim.DefaultTeam.ID
	b.sim.Change(slacksim.OtherAnalyst, func(u *workspace.User) { u.IsStranger = true })
	for user, want := range map[string]review.Person{
		slacksim.Analyst:      {ID: slacksim.Analyst, Name: "maya"},
		slacksim.Guest:        {ID: slacksim.Guest, Name: "theo", Guest: true},
		slacksim.Deactivated:  {ID: slacksim.Deactivated, Name: "sam", Gone: true},
		slacksim.BotUser:      {ID: slacksim.BotUser, Bot: true},
		slacksim.OtherAnalyst: {ID: slacksim.OtherAnalyst, Name: "jun", External: true},
		"U0NOBODY":            {ID: "U0NOBODY", Gone: true, Unknown: true},
	} {
		got, err := b.bot.Person(b.ctx, team, user)
		require.NoError(t, err)
		require.Contains(t, strings.ToLower(got.Name), want.Name)
		got.Name = want.Name
		require.Equal(t, want, got)
	}
	b.sim.Change(slacksim.OtherAnalyst, func(u *workspace.User) { u.IsStranger, u.Team = false, "T0OTHER" })
	connected, err := b.bot.Person(b.ctx, team, slacksim.OtherAnalyst)
	require.NoError(t, err)
	require.True(t, connected.External, "whom Slack calls no stranger, because they share a channel with the app")
	other, err := b.bot.Person(b.ctx, "T0OTHER", slacksim.Analyst)
	require.NoError(t, err)
	require.True(t, other.External, "somebody of another workspace")
	b.sim.Fail(fault.Method{Method: "users.info", Error: "user_not_visible"})
	hidden, err := b.bot.Person(b.ctx, team, slacksim.Analyst)
	require.NoError(t, err)
	require.True(t, hidden.External)
	b.sim.Fail(fault.Method{Method: "users.info", Error: "fatal_error"})
	_, err = b.bot.Person(b.ctx, team, slacksim.Analyst)
	require.ErrorContains(t, err, "users.info")
}

func TestTheReviewChannelIsChecked(t *testing.T) {
	t.Parallel()
	b := idle(t)
	name, err := b.bot.CheckChannel(b.ctx, slacksim.CodeReview)
	require.NoError(t, err)
	require.Equal(t, "code-review", name)
	require.NoError(t, b.bot.CheckApp(b.ctx))
	for channel, says := range map[string]string{"": "no review channel is set", "C0NOWHERE": "invite the bot", slacksim.Partners: "shared with another organisation", slacksim.Random: "the bot is not in #random"} {
		_, err = b.bot.CheckChannel(b.ctx, channel)
		require.ErrorContains(t, err, says)
	}
	b.sim.Fail(fault.Method{Method: "conversations.info", Error: "fatal_error"})
	_, err = b.bot.CheckChannel(b.ctx, slacksim.CodeReview)
	require.ErrorContains(t, err, "fatal_error")
	b.sim.Fail(fault.Method{Method: "apps.connections.open", Error: "not_allowed_token_type"})
	require.ErrorContains(t, b.bot.CheckApp(b.ctx), "not_allowed_token_type")
	archived := answering(t, "conversations.info", `{"ok":true,"channel":{"id":"C1","name":"old","is_archived":true}}`, nil)
	_, err = archived.CheckChannel(b.ctx, "C1")
	require.ErrorContains(t, err, "#old is archived")
	lacking := answering(t, "conversations.info", `{"ok":false,"error":"missing_scope","needed":"channels:read","provided":"commands"}`, nil)
	_, err = lacking.CheckChannel(b.ctx, "C1")
	require.ErrorContains(t, err, "missing_scope (needs the scope channels:read)")
}

func TestABotHasSensibleDefaults(t *testing.T) {
	t.Parallel()
	b := New(Options{})
	require.Equal(t, 2, b.Connections)
	require.Equal(t, 16, b.Workers)
	require.Empty(t, b.Policy().Reviewers)
	b.Observe("kind", "acked", time.Second)
	s := newService()
	b.SetServices(every(s))
	require.Equal(t, s, b.asking.service)
}
