package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign"
	"countersign/approval/steps"
	"countersign/codegen/mistraltest"
	"countersign/codegen/samples"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/page"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
	"countersign/storage/schema"
)

func TestMain(m *testing.M) {
	if os.Getenv("COUNTERSIGN_TEST_AS_PROGRAM") != "" {
		// The crash tests start this binary as a replica that they can kill.
		main()
	}
	if err := proof.Share("."); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("countersign/internal/pglocal.(*Server).run"))
}

// house is the whole program in a test: the real bot, storage, queue and
// sandbox, against a local Slack, a Mistral of our own and a database that is
// only this test's.
type house struct {
	t       testing.TB
	ctx     context.Context
	sim     *slacksim.Sim
	model   *mistraltest.Server
	url     string // of the database, as its owner: the test's own look at it
	program program
	log     *lockedBuffer
	look    asker
	hasty   bool // does not wait for the sandbox
	presses int  // presses that no client of a person has sent

	running sync.Map // replicas in this process (*replica) and in processes of their own (*victim)

	maya, ben, priya, carla *person.Person
}

// open builds a house. change may alter its settings before anything starts.
// No replica runs yet: see run. Its Slack takes messages as fast as they come,
// which the real one does not: what that means has tests of its own (approval/review/pace_test.go).
func open(t testing.TB, change ...func(*Config)) *house {
	t.Helper()
	return openAt(t, -1, 0, change...)
}

// openAt is open with a Slack that asks for patience after so many messages in a
// row, and takes one more in each pause: zeros are Slack's own.
func openAt(t testing.TB, burst int, pause time.Duration, change ...func(*Config)) *house {
	t.Helper()
	return openIn(t, slacksim.Options{PostBurst: burst, Timing: slacksim.Timing{Post: pause}}, change...)
}

// openIn is open in a workspace of its own, with other people or other channels.
func openIn(t testing.TB, workspace slacksim.Options, change ...func(*Config)) *house {
	t.Helper()
	h := &house{t: t, log: &lockedBuffer{}}
	var cancel context.CancelFunc
	h.ctx, cancel = context.WithCancel(context.Background())
	t.Cleanup(cancel)
	h.url = pgtest.Database(t, migrated)
	t.Cleanup(func() {
		h.look.mu.Lock()
		defer h.look.mu.Unlock()
		h.look.close()
	})
	workspace.Manifest, workspace.Page = countersign.Manifest, page.Handler()
	workspace.Timing.Retries = []time.Duration{0, 50 * time.Millisecond}
	for _, limit := range []*time.Duration{&workspace.Timing.Ack, &workspace.Timing.Trigger} {
		if *limit == 0 {
			*limit = slackPatience
		}
	}
	workspace.Timing.Ticket = soon
	workspace.Hasty = true
	h.sim = slacksim.Start(t, workspace)
	h.log.givenUp = h.sim.GiveUp
	h.model = mistraltest.Start()
	t.Cleanup(h.model.Close)
	h.maya, h.ben, h.priya, h.carla = h.sim.As(slacksim.Analyst), h.sim.As(slacksim.Reviewer), h.sim.As(slacksim.SecondReviewer), h.sim.As(slacksim.Admin)
	c, err := readConfig(map[string]string{
		"SLACK_BOT_TOKEN": h.sim.BotToken(), "SLACK_APP_TOKEN": h.sim.AppToken(), "SLACK_API_URL": h.sim.APIURL(),
		"REVIEW_CHANNEL": slacksim.CodeReview, "REVIEWERS": slacksim.Reviewer + "," + slacksim.SecondReviewer, "ADMINS": slacksim.Admin,
		"MISTRAL_API_KEY": mistraltest.Key, "MISTRAL_BASE_URL": h.model.URL,
		"DATABASE_URL": pgtest.Serve(h.url), "DATA_DIR": t.TempDir(), "HTTP_ADDR": "127.0.0.1:0", "RUN_SECONDS": "120", "RUN_MEMORY_MB": "512",
		"SLACK_PATIENCE": slackPatience.String(),
		// Reading takes its time: what that means has tests of its own (approval/review/pace_test.go).
		"READ_SECONDS": "0", "APPROVALS_PER_HOUR": "0",
		// Boxes that wait take a core each while they boot: as many as the day asks for is a test of its own (warm_test.go).
		"WARM_BOXES": "2",
	})
	require.NoError(t, err)
	for _, f := range change {
		f(&c)
	}
	_, measured := t.(*testing.B) // with warm connections, as trips are counted; elsewhere they would be half of what Postgres does
	h.program = program{Config: c, out: h.log, log: slog.New(slog.NewTextHandler(h.log, nil)), ends: soon, cold: !measured}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the replicas' log:\n%s", h.log)
		}
	})
	return h
}

// soon is for what takes a moment, on a machine that has no moment to spare: six
// other processes on its two cores make everything twenty times slower. Nothing that
// a test waits for has a shorter limit, and what never comes is said by its name.
const soon = 20 * time.Minute

// slackPatience is how long Slack waits for an answer in tests whose subject that is
// not: on such a machine three seconds may be too few for anybody. Where it is known
// that none will come (the replica says so, or is dead), nobody waits for it.
const slackPatience = 2 * time.Minute

// patient is for one wait.
func (h *house) patient() context.Context {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.ctx, soon)
	h.t.Cleanup(cancel)
	return ctx
}

// migrated is how every test's database is made: by its owner, for serve's role.
func migrated(ctx context.Context, url string) error {
	return schema.Migrate(ctx, url, pgtest.Serve(url))
}

// store opens the house's database as serve would.
func (h *house) store() (*storage.DB, error) {
	signed, err := h.program.signed()
	if err != nil {
		return nil, err
	}
	return storage.Open(h.ctx, pgtest.Serve(h.url), storage.Options{Key: signed.Key})
}

// run starts a replica and waits until it is connected and its sandbox can be had
// (see trust), unless the test is about what happens before. It is stopped with the
// test, or by calling what comes back. change may put other parts into it first.
func (h *house) run(change ...func(*replica)) (r *replica, stop func()) {
	h.t.Helper()
	writer, err := h.program.writer()
	require.NoError(h.t, err)
	r, err = h.program.wire(h.ctx, writer)
	require.NoError(h.t, err)
	h.trust(r)
	for _, f := range change {
		f(r)
	}
	ctx, cancel := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() { done <- r.run(ctx) }()
	h.running.Store(r, true)
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				require.NoError(h.t, err)
			}
			require.NoError(h.t, r.close())
			h.running.Delete(r)
			h.soon("Slack knows that the replica is gone", func() bool { return h.sim.Sockets() <= h.sockets() })
		})
	}
	h.t.Cleanup(stop)
	h.soon("the replica is connected", func() bool { return r.bot.Sockets() == 2 })
	for box := new(steps.BoxError); !h.hasty && errors.As(r.service.Sandbox.Ready(), &box) && box.Retry; {
		require.NoError(h.t, h.ctx.Err())
		time.Sleep(5 * time.Millisecond)
	}
	return r, stop
}

// share puts a file into #sales-data, by Maya.
func (h *house) share(name, data string) workspace.File {
	h.t.Helper()
	m, err := h.maya.Share(slacksim.SalesData, "Here is "+name, name, []byte(data))
	require.NoError(h.t, err)
	return m.Files[0]
}

// shareSamples puts the sample files into #sales-data.
func (h *house) shareSamples() {
	h.t.Helper()
	for _, f := range samples.Files() {
		h.share(f.Name, string(f.Data))
	}
}

// writes makes the model answer the next questions with these programs, in order.
func (h *house) writes(programs ...string) {
	for _, code := range programs {
		h.model.Next(mistraltest.Reply{Content: "This is what it does.\n\n```python\n" + code + "\n```\n"})
	}
}

// ask has Maya ask in #sales-data and returns the thread that it opens.
func (h *house) ask(question string) workspace.Message {
	h.t.Helper()
	return h.asks(question)()
}

// asks has Maya ask; what it returns waits for the thread.
func (h *house) asks(question string) (opened func() workspace.Message) {
	h.t.Helper()
	earlier := ""
	for _, m := range h.maya.Messages(slacksim.SalesData) {
		earlier = m.TS
	}
	require.NoError(h.t, h.maya.Command(slacksim.SalesData, "/analyze "+question))
	return func() workspace.Message {
		h.t.Helper()
		root, err := h.maya.WaitMessage(h.patient(), slacksim.SalesData, func(m workspace.Message) bool {
			return m.TS > earlier && m.BotID != "" && !m.Ephemeral && (m.ThreadTS == "" || m.ThreadTS == m.TS)
		})
		require.NoError(h.t, err, "no thread")
		return root
	}
}

// card waits for the newest card that can be approved.
func (h *house) card(after workspace.Message) workspace.Message {
	h.t.Helper()
	card, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool { return m.TS > after.TS && m.Has("Approve") })
	require.NoError(h.t, err, "no card; the thread: %s", h.thread(after))
	return card
}

// says waits until a message of the bot in the thread holds the words.
func (h *house) says(root workspace.Message, words string) workspace.Message {
	h.t.Helper()
	m, err := h.maya.WaitReply(h.patient(), root.Channel, root.TS, func(m workspace.Message) bool {
		return m.BotID != "" && m.TS != root.TS && strings.Contains(m.Text+"\n"+m.Words(), words)
	})
	require.NoError(h.t, err, "nobody says %q; the thread: %s", words, h.thread(root))
	return m
}

// told waits for a private answer to somebody in a channel, which holds the words or,
// where several are right, one of them.
func (h *house) told(who *person.Person, channel string, words ...string) workspace.Message {
	h.t.Helper()
	m, err := who.WaitEphemeral(h.patient(), channel, func(m workspace.Message) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m.Text+"\n"+m.Words(), w) })
	})
	require.NoError(h.t, err, "nobody was told %q", words)
	return m
}

func (h *house) thread(root workspace.Message) string {
	var all []string
	for _, m := range h.maya.Thread(root.Channel, root.TS) {
		all = append(all, m.Text)
	}
	return strings.Join(all, "\n---\n")
}

// asker is the test's own connection to the house's database. It is kept: a test that waits
// for something asks many times a second, and each new connection is a process of Postgres.
type asker struct {
	mu   sync.Mutex
	url  string
	conn *pgx.Conn
}

// database asks the house's database. Where the connection has not outlived an absence of
// the database, a new one asks again.
func (h *house) database(ask func(*pgx.Conn) error) error {
	h.look.mu.Lock()
	defer h.look.mu.Unlock()
	for {
		fresh := h.look.conn == nil || h.look.url != h.url
		if fresh {
			h.look.close()
			conn, err := pgx.Connect(h.ctx, h.url)
			if err != nil {
				return err
			}
			h.look.conn, h.look.url = conn, h.url
		}
		err := ask(h.look.conn)
		if err == nil || fresh || !h.look.conn.IsClosed() {
			return err
		}
		h.look.close()
	}
}

func (l *asker) close() {
	if l.conn != nil {
		_ = l.conn.Close(context.Background()) // the server may be gone
		l.conn = nil
	}
}

// value reads one value from the database.
func value[T any](h *house, sql string, args ...any) (v T) {
	h.t.Helper()
	require.NoError(h.t, h.database(func(conn *pgx.Conn) error { return conn.QueryRow(h.ctx, sql, args...).Scan(&v) }), sql)
	return v
}

// shorten has the wait for reviewers end then: a short wait from the beginning might
// be over on a busy machine before there is a card.
func (h *house) shorten(until string) {
	h.t.Helper()
	require.Equal(h.t, "pending", value[string](h, `UPDATE requests SET expires_at = `+until+` RETURNING state`))
}

// settled asserts that no money is held any more, but for calls of which nobody knows
// what they have cost, and that every other hold was settled once.
func (h *house) settled() {
	h.t.Helper()
	require.Zero(h.t, value[int](h, `SELECT count(*) FROM holds h WHERE uncertain_at IS NULL AND NOT EXISTS (SELECT FROM settlements s WHERE s.hold_id = h.id)`), "open holds")
}

// lockedBuffer is a log that many goroutines write, and replicas in processes of their own.
type lockedBuffer struct {
	mu      sync.Mutex
	b       bytes.Buffer
	givenUp func(envelope string) // called when a replica says that it does not answer one; may be nil
}

// unanswered is what a replica says of an envelope that it gives up.
var unanswered = regexp.MustCompile(`msg="(?:envelope not answered|an envelope waited too long)" kind=\S+ envelope=(\S+)`)

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.givenUp != nil {
		for _, found := range unanswered.FindAllSubmatch(p, -1) {
			l.givenUp(string(found[1]))
		}
	}
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// environ is the house's settings as a program would get them.
func (h *house) environ() (list []string) {
	v := reflect.ValueOf(h.program.Config)
	for name, field := range settings() {
		value := v.FieldByIndex(field.Index)
		text := fmt.Sprint(value.Interface())
		switch field.Type {
		case reflect.TypeFor[Secret]():
			text = value.String()
		case reflect.TypeFor[[]string]():
			text = strings.Join(value.Interface().([]string), ",")
		}
		list = append(list, name+"="+text)
	}
	return list
}

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// rewire has the steps of a replica, which does not serve yet, call something else.
func (r *replica) rewire(change func(*steps.Ports)) {
	ports := r.service.Ports
	change(&ports)
	*r.service = *steps.New(ports, *r.service.Settings)
}
