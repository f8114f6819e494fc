package main

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/glass"
	"countersign/approval/review"
	"countersign/approval/steps"
	"countersign/bot/draw/home"
	"countersign/bot/ids"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
)

// What one person may do alone, as people in Slack meet it.

// turnable gives a house the database's clock: its replicas find a clock_timestamp before Postgres' own, which runs
// as that one does and can be put forward. It comes before the first replica.
func (h *house) turnable() (turn func(by string)) {
	h.t.Helper()
	owner := func(sql string) {
		require.NoError(h.t, h.database(func(conn *pgx.Conn) error { _, err := conn.Exec(h.ctx, sql); return err }))
	}
	owner(`CREATE SCHEMA turned;
		CREATE TABLE turned.ahead (by interval NOT NULL);
		INSERT INTO turned.ahead VALUES ('0');
		CREATE FUNCTION turned.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT pg_catalog.clock_timestamp() + by FROM turned.ahead';
		GRANT USAGE ON SCHEMA turned TO PUBLIC;
		GRANT ALL ON turned.ahead TO PUBLIC;
		ALTER FUNCTION broken_glass_held() SET search_path = turned, pg_catalog, public, pg_temp`) // guards keep to Postgres' own clock else
	join := "?"
	if strings.Contains(string(h.program.DatabaseURL), "?") {
		join = "&"
	}
	h.program.DatabaseURL += Secret(join + "search_path=turned,pg_catalog,public")
	return func(by string) { owner(`UPDATE turned.ahead SET by = by + interval '` + by + `'`) }
}

// names has an administrator name somebody for break-glass, in Home.
func (h *house) names(who *person.Person, whom string) {
	h.t.Helper()
	require.NoError(h.t, who.OpenHome())
	atHome, err := who.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Reviews") })
	require.NoError(h.t, err)
	require.NoError(h.t, who.ClickView(atHome, ids.ActionPeople))
	list := h.sees(who, ids.CallbackPeople, "Add a person")
	require.NoError(h.t, who.ClickView(list, ids.ActionName))
	h.sees(who, ids.CallbackName, "Who")
	refused, err := who.Submit(person.Fill(ids.FieldPerson, whom).And(ids.FieldRole, string(review.RoleGlass)))
	require.NoError(h.t, err)
	require.Empty(h.t, refused)
	h.soon("the form is closed", func() bool { v, open := who.View(); return !open || v.CallbackID == ids.CallbackPeople })
	for _, open := who.View(); open; _, open = who.View() {
		require.NoError(h.t, who.CloseView())
	}
}

func TestInAnEmergencySomebodyRunsCodeThatNobodyApproved(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)), func(c *Config) { c.Admins = []string{slacksim.Admin, slacksim.Reviewer, slacksim.SecondReviewer} })
	turn := h.turnable()
	r, _ := h.run()
	jun := h.sim.As(slacksim.OtherAnalyst)
	offered := func(words string) workspace.Message {
		t.Helper()
		require.NoError(t, jun.Command(slacksim.SalesData, "/analyze break-glass"))
		return h.told(jun, slacksim.SalesData, words)
	}
	h.share("sales.csv", "units\n3\n4\n")
	h.writes("import pandas as pd\npd.read_csv(\"sales.csv\")[\"units\"].sum()\n", "print(2)\n")
	offered("Nothing is waiting for a reviewer.")
	root := h.ask("How many units in sales.csv?")
	h.cardOf("How many units in sales.csv?")
	offered("Only people whom two administrators have named for break-glass")

	// Nobody names themselves, one is not enough, and the role counts a day later.
	h.names(h.carla, slacksim.OtherAnalyst)
	offered("It takes a second one, and 24 hours")
	h.names(h.ben, slacksim.OtherAnalyst)
	offered("it counts after 24 hours")
	turn("25 hours")
	// The first question has expired meanwhile. Nobody reviewed it, which is why somebody breaks the glass for the next.
	h.says(root, "Expired")
	root = h.ask("How many units in sales.csv, once more?")
	card := h.cardOf("once more?")

	list := offered("How many units in sales.csv, once more?")
	require.NoError(t, jun.Click(list, ids.ActionGlass))
	h.sees(jun, ids.CallbackGlass, "nobody has approved it")
	refused, err := jun.Submit(person.Fill(ids.FieldReason, "too short"))
	require.NoError(t, err)
	require.Contains(t, refused, ids.FieldReason)
	const reason = "The board meets in ten minutes, and nobody is awake."
	refused, err = jun.Submit(person.Fill(ids.FieldReason, reason))
	require.NoError(t, err)
	require.Empty(t, refused)

	reply := h.reply(root)
	require.Contains(t, reply.Text+reply.Words(), "Nobody approved this", "under the answer")
	require.Contains(t, h.becomes(card, "Nobody approved this").Words(), reason)
	require.Zero(t, value[int](h, `SELECT count(*) FROM decisions`))
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM runs`))
	id := value[string](h, `SELECT request_id FROM broken_glass`)

	// Every administrator is told at once, and nobody breaks it again before two have looked.
	h.writes("print(3)\n")
	h.ask("What is the next one?")
	h.cardOf("What is the next one?")
	notes := map[*person.Person]workspace.Message{}
	for _, admin := range []*person.Person{h.carla, h.ben, h.priya} {
		m, err := admin.WaitMessage(h.patient(), admin.DM(), func(m workspace.Message) bool {
			return strings.Contains(m.Words(), "broke the glass") && m.Has("Look at it")
		})
		require.NoError(t, err)
		require.Contains(t, m.Words(), reason)
		notes[admin] = m
	}
	offered("has not been looked at by two administrators yet")
	look := func(admin *person.Person, finds string) {
		t.Helper()
		require.NoError(t, admin.Click(notes[admin], ids.ActionLook))
		h.sees(admin, ids.CallbackLook, reason)
		refused, err := admin.Submit(person.Fill(ids.FieldFound, finds))
		require.NoError(t, err)
		require.Empty(t, refused)
	}
	look(h.carla, "fine")
	// A second press of the same person is no second look.
	require.NoError(t, h.carla.ClickOld(notes[h.carla], ids.ActionLook))
	h.sees(h.carla, ids.CallbackLook, reason)
	_, err = h.carla.Submit(person.Fill(ids.FieldFound, "doubt"))
	require.NoError(t, err)
	h.soon("one has looked", func() bool { return value[int](h, `SELECT count(*) FROM glass_looks`) == 1 })
	offered("has not been looked at by two administrators yet")
	look(h.priya, "doubt")
	h.soon("two have looked", func() bool { return value[int](h, `SELECT count(*) FROM glass_looks`) == 2 })
	offered("What is the next one?")
	require.NoError(t, h.audited(id))

	// What somebody else presses does nothing: Maya has no role, and the button was not for her.
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze break-glass"))
	h.told(h.maya, slacksim.SalesData, "Only people whom two administrators have named for break-glass")

	// Nobody looks at the next one for a day, and it rests for all.
	list = offered("What is the next one?")
	require.NoError(t, jun.Click(list, ids.ActionGlass))
	h.sees(jun, ids.CallbackGlass, "nobody has approved it")
	// Whatever reaches the server by another way than the form is held to the same: somebody else's click, and many at once.
	next := value[string](h, `SELECT id FROM requests WHERE state = 'pending'`)
	ruling := steps.Ruling{RequestID: next, Revision: 1, Digest: value[string](h, `SELECT digest FROM revisions WHERE request_id = $1`, next), Reason: reason}
	keeper := glass.New(r.db, storage.Panes{DB: r.db}, r.service.People, r.bot, h.program.policy())
	clicks := func(who, at string) error {
		forged := ruling
		forged.Click = approval.Click{Team: slacksim.DefaultTeam.ID, User: who, ActionTS: at}
		_, err := keeper.Break(h.ctx, forged)
		return err
	}
	require.ErrorAs(t, clicks(slacksim.Analyst, "1"), new(*approval.NotAllowedError))
	require.ErrorAs(t, clicks(slacksim.Admin, "1"), new(*approval.NotAllowedError), "an administrator has no such role of their own")
	took := make(chan error)
	for i := range 8 {
		go func() { took <- clicks(slacksim.OtherAnalyst, strconv.Itoa(i)) }()
	}
	won := 0
	for range 8 {
		if err := <-took; err == nil {
			won++
		} else {
			require.True(t, errors.As(err, new(*approval.MoveError)) || errors.As(err, new(*approval.NotAllowedError)), "%v", err)
		}
	}
	require.Equal(t, 1, won)
	h.soon("it is broken", func() bool { return value[int](h, `SELECT count(*) FROM broken_glass`) == 2 })
	// Administrators are reminded once the time is nearly over. Whoever broke it says that it was not them, and it rests at once.
	says := func(who *person.Person, words string) (m workspace.Message) {
		t.Helper()
		m, err := who.WaitMessage(h.patient(), who.DM(), func(m workspace.Message) bool { return strings.Contains(m.Words(), words) })
		require.NoError(t, err)
		return m
	}
	turn("21 hours")
	require.True(t, says(h.priya, "Two of you still have to look").Has("Look at it"))
	own, err := jun.WaitMessage(h.patient(), jun.DM(), func(m workspace.Message) bool {
		return strings.Contains(m.Words(), "What is the next one?") && m.Has("This was not me")
	})
	require.NoError(t, err)
	require.NoError(t, jun.Click(own, ids.ActionNotMine))
	says(h.carla, "says that they did not break the glass")
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM events WHERE kind = 'disowned glass'`))
	require.NoError(t, h.audited(next))
	h.writes("print(4)\n")
	h.ask("And the one after that?")
	h.cardOf("And the one after that?")
	offered("Break-glass is switched off for everybody")
	turn("4 hours")
	says(h.ben, "two of you had not looked")
}

// Code that has to be read first has no Approve on its card: it is opened, and approved there a while later.
func TestReadingTakesItsTime(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "units\n3\n4\n")
	require.NoError(t, h.carla.OpenHome())
	atHome, err := h.carla.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Reviews") })
	require.NoError(t, err)
	require.NoError(t, h.carla.ClickView(atHome, ids.ActionRules))
	h.sees(h.carla, ids.CallbackRules, "seconds to read a line")
	form := person.Fill(home.TierField(ids.FieldReads, "low"), "1").And(home.TierField(ids.FieldHourly, "low"), "1").And(home.TierField(ids.FieldReads, "medium"), "1").And(home.TierField(ids.FieldHourly, "medium"), "1")
	refused, err := h.carla.Submit(form)
	require.NoError(t, err)
	require.Empty(t, refused)
	h.soon("the rules are there", func() bool { return value[int](h, `SELECT count(*) FROM rules`) == 1 })

	h.writes("import pandas as pd\npd.read_csv(\"sales.csv\")[\"units\"].sum()\n", "import pandas as pd\npd.read_csv(\"sales.csv\")[\"units\"].max()\n")
	root := h.ask("How many units in sales.csv?")
	card := h.cardOf("How many units in sales.csv?")
	require.False(t, card.Has("Approve"))
	approves := func(card workspace.Message, who *person.Person) {
		t.Helper()
		h.soon("it is approved", func() bool {
			for _, open := who.View(); open; _, open = who.View() {
				require.NoError(t, who.CloseView())
			}
			if value[int](h, `SELECT count(*) FROM decisions WHERE verdict = 'approve' AND reviewer = $1`, who.ID()) > 0 {
				return true
			}
			require.NoError(t, who.Click(card, ids.ActionReview))
			h.sees(who, ids.CallbackReview, "Approve below runs it once")
			_, err := who.Submit(person.Form{})
			require.NoError(t, err)
			time.Sleep(300 * time.Millisecond)
			return false
		})
	}
	approves(card, h.ben)
	h.reply(root)
	require.NotZero(t, value[int](h, `SELECT count(*) FROM events WHERE kind = 'opened review'`))

	// The second within the hour is for somebody else.
	h.ask("What is the most in sales.csv?")
	card = h.cardOf("What is the most in sales.csv?")
	require.NoError(t, h.ben.Click(card, ids.ActionReview))
	h.sees(h.ben, ids.CallbackReview, "Approve below runs it once")
	_, err = h.ben.Submit(person.Form{})
	require.NoError(t, err)
	v, err := h.ben.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID != ids.CallbackReview })
	require.NoError(t, err)
	require.Contains(t, v.Words(), "somebody else can decide on this one")
	approves(card, h.priya)

	// Administrators and auditors see how people approve, and nobody else does.
	require.NoError(t, h.carla.Command(slacksim.SalesData, "/analyze reviews"))
	h.told(h.carla, slacksim.SalesData, "How code was approved")
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze reviews"))
	h.told(h.maya, slacksim.SalesData, "Only administrators and auditors can look at this.")
}
