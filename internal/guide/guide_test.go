package guide

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// A cursor that blinks is waited for by the library, half a second after its question is answered, too; and so does
	// what it was started with.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("charm.land/bubbles/v2/cursor.(*Model).Blink.func1"), goleak.IgnoreAnyFunction("charm.land/bubbletea/v2.(*Program).execBatchMsg"))
}

// company is a world in which everything works but what a test breaks.
type company struct {
	channels func() []Channel
	people   []Person
	broken   map[What]string
	away     map[What]int // how many times nobody can be reached, from now on
	tried    int
	revoked  string // a key that its house takes no more
	keyed    bool   // Mistral's server wants a key
	examined Settings
}

func (c *company) Try(_ context.Context, what What, s Settings) (string, error) {
	c.tried++
	if c.away[what] > 0 {
		c.away[what]--
		return "", &Unreached{errors.New("cannot reach Slack")}
	}
	if why := c.broken[what]; why != "" {
		return "", errors.New(why)
	}
	if what == TheModel && c.keyed && s["MISTRAL_API_KEY"] == "" {
		return "", errors.New("Mistral refuses the key")
	}
	for _, p := range providers {
		if what == TheModel && c.revoked != "" && s[p.key] == c.revoked {
			return "", errors.New("the key is refused")
		}
	}
	return "works", nil
}

func (c *company) Channels(context.Context, Settings) ([]Channel, error) { return c.channels(), nil }

func (c *company) Members(context.Context, Settings, string) ([]string, error) { return nil, nil }

func (c *company) People(context.Context, Settings) ([]Person, error) { return c.people, nil }

func (c *company) Budget(context.Context, Settings) (string, error) { return "", nil }

func (c *company) SetBudget(_ context.Context, _ Settings, amount string) (string, error) {
	return amount, nil
}

func (c *company) Doctor(_ context.Context, s Settings) error { c.examined = s; return nil }

func aCompany() *company {
	return &company{broken: map[What]string{}, away: map[What]int{}, channels: func() []Channel { return []Channel{{ID: "C1", Name: "reviews"}} }, people: []Person{
		{ID: "U1", Name: "Ben Osei", Handle: "ben"}, {ID: "U2", Name: "Ben Adler", Handle: "badler"}, {ID: "U3", Name: "Carla Reyes", Handle: "carla", Admin: true}}}
}

func (c *company) guide(t *testing.T) (*Guide, *bytes.Buffer, Settings) {
	out := &bytes.Buffer{}
	return &Guide{World: c, File: EnvFile{Path: filepath.Join(t.TempDir(), ".env")}, Out: out, Budget: "none", Every: time.Millisecond},
		out, Settings{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "MISTRAL_API_KEY": "k", channelName: "reviews", reviewersName: "@ben,U3", adminsName: "Carla"}
}

func TestTheGuideWaitsUntilTheBotIsInTheChannel(t *testing.T) {
	t.Parallel()
	c := aCompany()
	looked := 0
	c.channels = func() []Channel {
		if looked++; looked < 3 {
			return []Channel{{ID: "C2", Name: "general"}}
		}
		return []Channel{{ID: "C2", Name: "general"}, {ID: "C1", Name: "Reviews", Private: true}}
	}
	g, out, given := c.guide(t)
	require.NoError(t, g.Run(t.Context(), given))
	require.Equal(t, "C1", c.examined[channelName])
	require.Equal(t, "U1,U3", c.examined[reviewersName])
	require.Equal(t, 1, strings.Count(out.String(), "waiting for the bot to be in reviews: in Slack, type /invite @countersign there"))
	require.Contains(t, out.String(), "#Reviews (private)")

	c.channels = func() []Channel { return nil }
	g, out, given = c.guide(t)
	g.Wait = time.Millisecond
	require.ErrorContains(t, g.Run(t.Context(), given), "review channel: not set up yet")
	require.Contains(t, out.String(), "waited 1ms for the bot to be in reviews")

	g, _, given = c.guide(t)
	ctx, stop := context.WithCancel(t.Context())
	c.channels = func() []Channel { stop(); return nil }
	require.ErrorIs(t, g.Run(ctx, given), ErrStopped)
	kept, err := g.File.Read()
	require.NoError(t, err)
	require.Equal(t, "xoxb-1", kept["SLACK_BOT_TOKEN"])
}

func TestPeopleAreFoundAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	all := aCompany().people
	for word, id := range map[string]string{"U2": "U2", "@badler": "U2", "BADLER": "U2", "ben osei": "U1", "carla": "U3", "Carla Reyes": "U3", "ben": "U1"} {
		p, err := find(all, word)
		require.NoError(t, err, word)
		require.Equal(t, id, p.ID, word)
	}
	all[0].Handle = "bosei"
	_, err := find(all, "Ben")
	require.EqualError(t, err, `"Ben" can be Ben Osei (@bosei, U1) or Ben Adler (@badler, U2): give the handle or the id`)
	_, err = find(all, "Theo")
	require.ErrorContains(t, err, `nobody who may decide is called "Theo" here`)

	c := aCompany()
	g, out, given := c.guide(t)
	given[reviewersName] = "Theo, Mia, carla"
	require.ErrorContains(t, g.Run(t.Context(), given), "reviewers: not set up yet")
	require.Contains(t, out.String(), `"Theo"`)
	require.Contains(t, out.String(), `"Mia"`)
}

func TestWithoutASandboxTheRestIsSetUp(t *testing.T) {
	t.Parallel()
	c := aCompany()
	c.broken[TheSandbox] = "no gVisor on darwin"
	g, out, given := c.guide(t)
	require.NoError(t, g.Run(t.Context(), given))
	require.Contains(t, out.String(), "none yet, so nothing runs: no gVisor on darwin")
}

func TestATokenIsKnownByItsLooks(t *testing.T) {
	t.Parallel()
	for value, words := range map[string]string{
		"xapp-1": "this is the xapp token", "xoxp-1": "a person's token", "xoxe.xoxb-1": "switch token rotation off", "xoxc-1": "a browser's own token",
		"": "it begins with xoxb-", "0123abcd": "A signing secret or a client secret is something else",
	} {
		require.ErrorContains(t, botToken.looks(value), words)
	}
	require.ErrorContains(t, appToken.looks("xoxb-1"), "this is the xoxb token")
	require.NoError(t, appToken.looks("xapp-1"))
	require.ErrorContains(t, keyLooks("xoxb-1"), "one of Slack's tokens")
	require.ErrorContains(t, keyLooks("a b"), "no blanks")
}

// lines types one line at a time, as a person does: whoever reads gets no more than one.
type lines struct{ left []string }

func (l *lines) Read(p []byte) (int, error) {
	if len(l.left) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.left[0]+"\n")
	l.left = l.left[1:]
	return n, nil
}

func TestAPlainTerminalAsksLineByLine(t *testing.T) {
	t.Parallel()
	out := &bytes.Buffer{}
	in := &lines{}
	form := &Terminal{In: in, Out: out, Plain: true}
	refuse := func(answer string) error {
		if answer == "wrong" {
			return errors.New("not that")
		}
		return nil
	}
	in.left = []string{"wrong", "right"}
	value, err := form.Line(t.Context(), Question{Title: "Which?", Check: refuse}, "")
	require.NoError(t, err)
	require.Equal(t, "right", value)
	require.Contains(t, out.String(), "not that")

	from := []Option{{"a", "Anna"}, {"b", "Ben"}, {"c", "Carla"}}
	in.left = []string{"2"}
	value, err = form.Choose(t.Context(), Question{Title: "Who?"}, from)
	require.NoError(t, err)
	require.Equal(t, "b", value)

	in.left = []string{"3", "0"}
	chosen, err := form.ChooseSome(t.Context(), Question{Title: "Who?", Check: refuse}, from, []string{"a"})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "c"}, chosen)

	in.left = []string{"y"}
	require.NoError(t, form.Pause(t.Context(), Question{Title: "Done?"}))

	stopped, stop := context.WithCancel(t.Context())
	stop()
	_, err = form.Line(stopped, Question{Title: "Which?"}, "")
	require.ErrorIs(t, err, ErrStopped)
}

// person is a form that is answered in one way.
type person struct {
	Form
	chooses, types string
}

func (p person) Choose(_ context.Context, q Question, _ []Option) (string, error) {
	if q.Check == nil {
		return p.chooses, nil
	}
	return p.chooses, q.Check(p.chooses)
}

func (p person) Secret(_ context.Context, q Question) (string, error) {
	return p.types, q.Check(p.types)
}

func TestAKeyThatWorksIsKeptWhereAnotherHousesIsRevoked(t *testing.T) {
	t.Parallel()
	c := aCompany()
	c.revoked = "old"
	g, _, given := c.guide(t)
	given["ANTHROPIC_API_KEY"] = "old"
	g.Form = person{chooses: "ANTHROPIC_API_KEY", types: "new"}
	require.NoError(t, g.Run(t.Context(), given))
	require.Equal(t, "k", c.examined["MISTRAL_API_KEY"])
	require.Equal(t, "new", c.examined["ANTHROPIC_API_KEY"])
}

// Where only the address of Mistral's server is set, a key is asked for, and none is said to be wrong.
func TestAnAddressWithoutAKeyIsAskedForTheKey(t *testing.T) {
	t.Parallel()
	c := aCompany()
	c.keyed = true
	g, out, given := c.guide(t)
	delete(given, "MISTRAL_API_KEY")
	given["MISTRAL_BASE_URL"] = "http://127.0.0.1:1"
	require.ErrorContains(t, g.Run(t.Context(), given), "not set up yet")
	require.Contains(t, out.String(), "give --mistral-key")
	require.NotContains(t, out.String(), "refuses")

	g, out, _ = c.guide(t)
	g.Form = person{chooses: "MISTRAL_API_KEY", types: "new"}
	require.NoError(t, g.Run(t.Context(), given))
	require.Equal(t, "new", c.examined["MISTRAL_API_KEY"])
	require.NotContains(t, out.String(), "refuses")
}

// Whoever sits there is asked for another channel, in place of a wait that has no end.
func TestAChannelThatIsGoneIsAskedForAnew(t *testing.T) {
	t.Parallel()
	c := aCompany()
	g, out, given := c.guide(t)
	given[channelName] = "archived"
	g.Form = person{chooses: "C1"}
	require.NoError(t, g.Run(t.Context(), given))
	require.Equal(t, "C1", c.examined[channelName])
	require.Contains(t, out.String(), "the bot is not in archived")
}

// enters is somebody who types the same answer as often as it is refused, and chooses by what they want.
type enters struct {
	Form
	secret  string
	chooses []string
	refused []string
	asked   []string
}

func (e *enters) Secret(_ context.Context, q Question) (string, error) {
	e.asked = append(e.asked, q.Title)
	for range 5 {
		err := q.Check(e.secret)
		if err == nil {
			return e.secret, nil
		}
		e.refused = append(e.refused, err.Error())
	}
	return "", ErrStopped
}

func (e *enters) Choose(_ context.Context, q Question, from []Option) (string, error) {
	e.asked = append(e.asked, q.Title)
	if len(e.chooses) == 0 {
		return "", ErrStopped
	}
	want := e.chooses[0]
	e.chooses = e.chooses[1:]
	for _, o := range from {
		if strings.HasPrefix(o.Label, want) {
			return o.Value, nil
		}
	}
	return "", errors.New("no answer " + want)
}

func TestAFailedNetworkIsNoVerdictOnAToken(t *testing.T) {
	t.Parallel()
	c := aCompany()
	g, _, _ := c.guide(t)
	g.set = Settings{}
	said := ""
	check := g.tries(t.Context(), TheApp, appToken.name, &said, appToken.looks)
	c.away[TheApp] = 2
	require.EqualError(t, check("xapp-1"), "cannot reach Slack")
	require.EqualError(t, check("xapp-1"), "cannot reach Slack", "it is tried again")
	require.NoError(t, check("xapp-1"))
	require.NoError(t, check("xapp-1"))
	require.Equal(t, 3, c.tried, "what is right is tried once")
	c.broken[TheApp] = "refused"
	require.EqualError(t, check("xapp-2"), "refused")
	require.EqualError(t, check("xapp-2"), "refused")
	require.Equal(t, 4, c.tried, "and so is what is wrong")

	// What is there already is tried again when somebody wants that, and nobody has to type it anew.
	c = aCompany()
	c.away[TheApp] = 2
	g, out, given := c.guide(t)
	form := &enters{chooses: []string{"Try again", "Try again"}}
	g.Form = form
	require.NoError(t, g.Run(t.Context(), given), out.String())
	require.Equal(t, []string{"Try again?", "Try again?"}, form.asked)
	require.Equal(t, 2, strings.Count(out.String(), "✗ Slack app token  cannot reach Slack"))
	require.Equal(t, "xapp-1", c.examined[appToken.name])

	// Or another one is given.
	c = aCompany()
	c.away[TheApp] = 1
	g, out, given = c.guide(t)
	form = &enters{chooses: []string{"Give another one"}, secret: "xapp-9"}
	g.Form = form
	require.NoError(t, g.Run(t.Context(), given), out.String())
	require.Equal(t, "xapp-9", c.examined[appToken.name])

	// Whoever stops keeps what works, and is asked nothing more.
	c = aCompany()
	c.away[TheApp] = 1
	g, _, given = c.guide(t)
	form = &enters{}
	g.Form = form
	require.ErrorIs(t, g.Run(t.Context(), given), ErrStopped)
	require.Equal(t, []string{"Try again?"}, form.asked)
}

// A key that nobody could try is not forgotten for another one.
func TestAKeyThatNobodyCouldTryIsKept(t *testing.T) {
	t.Parallel()
	c := aCompany()
	g, out, given := c.guide(t)
	given["OPENAI_API_KEY"] = "theirs"
	c.away[TheModel] = 3 // both at once, then each of the two others alone
	form := &enters{chooses: []string{"Give another one", "Claude"}, secret: "sk-ant"}
	g.Form = form
	require.NoError(t, g.Run(t.Context(), given), out.String())
	for name, key := range map[string]string{"MISTRAL_API_KEY": "k", "OPENAI_API_KEY": "theirs", "ANTHROPIC_API_KEY": "sk-ant"} {
		require.Equal(t, key, c.examined[name])
	}
	require.Contains(t, out.String(), "The key of GPT, by OpenAI is kept, though it could not be tried just now.")
}
