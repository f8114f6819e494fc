package main

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/bot/ids"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// Rows of `make prove-conversation` about threads that go over to a colleague.

// hands has Maya offer the thread of a reply, and returns what the form says against it.
func (h *house) hands(reply workspace.Message, form person.Form) (wrong map[string]string) {
	h.t.Helper()
	require.NoError(h.t, h.maya.Click(reply, "Hand over"))
	h.sees(h.maya, ids.CallbackHand, "Nothing goes over until they accept")
	wrong, err := h.maya.Submit(form)
	require.NoError(h.t, err)
	if len(wrong) > 0 {
		require.NoError(h.t, h.maya.CloseView())
	}
	return wrong
}

// turns waits until a message says something else to somebody.
func (h *house) turns(who *person.Person, m workspace.Message, words string) {
	h.t.Helper()
	_, err := who.WaitChange(h.patient(), m, func(m workspace.Message) bool { return strings.Contains(m.Words(), words) })
	require.NoError(h.t, err, "it never said %q", words)
}

// asksBelow asks in somebody's thread, and returns what the model was told.
func (h *house) asksBelow(who *person.Person, offer workspace.Message, question string) string {
	h.t.Helper()
	h.writes("print(9)")
	_, err := who.Reply(who.DM(), offer.TS, question)
	require.NoError(h.t, err)
	h.answers(question)
	return h.asked()
}

// secret is a private thread of Maya's: a question about the channel's sales.csv, and one about a file that she alone has.
func (h *house) secret() (reply workspace.Message, wages string) {
	h.t.Helper()
	h.share("sales.csv", "amount\n1\n")
	h.writes("print(1)  # first")
	h.privately("What do we pay our suppliers, by sales.csv?")
	h.approve(h.cardOf("What do we pay our suppliers"))
	reply = h.inDM(h.maya, "\nDetails\n")
	f, err := h.maya.Upload("wages.csv", []byte("amount\n2\n"))
	require.NoError(h.t, err)
	h.writes("print(2)  # second")
	_, err = h.maya.Reply(h.maya.DM(), reply.ThreadTS, "And what are wages, by wages.csv?", f.ID)
	require.NoError(h.t, err)
	h.answers("And what are wages")
	h.quiet()
	return reply, f.ID
}

func TestProveConversationAPrivateThreadIsHandedToAColleague(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(telling{}, 2)
	h.bench(telling{}, 2) // two replicas
	jun := h.sim.As(slacksim.OtherAnalyst)
	reply, _ := h.secret()

	// Nobody but her hands it over, and not to just anybody.
	id := value[string](h, `SELECT id FROM requests WHERE said(question) LIKE 'What do we pay%'`)
	require.NoError(t, h.ben.Command(slacksim.SalesData, "/analyze hand "+id+" <@"+slacksim.OtherAnalyst+"|jun>"))
	_, open := h.ben.View()
	require.False(t, open, "of a private thread others learn nothing")
	for who, why := range map[string]string{slacksim.Analyst: "yours already", slacksim.Guest: "guest here", slacksim.BotUser: "Apps take over no threads", slacksim.Deactivated: "no longer in this workspace"} {
		require.Contains(t, h.hands(reply, person.Fill(ids.FieldPerson, who))[ids.FieldPerson], why)
	}
	require.Zero(t, value[int](h, `SELECT count(*) FROM handovers`))

	// By the command, which opens the form with the colleague in it. Nothing is ticked, and a second press offers nothing twice.
	// In a thread, where commands do not work, a mention leads to the same form.
	for typed := range 2 {
		if typed == 0 {
			require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze hand "+id+" <@"+slacksim.OtherAnalyst+"|jun>"))
		} else {
			_, err := h.maya.Reply(h.maya.DM(), reply.ThreadTS, "hand "+id+" @jun")
			require.NoError(t, err)
			require.NoError(t, h.maya.Click(h.told(h.maya, h.maya.DM(), "Hand the thread of this question to"), "Hand over"))
		}
		form := h.sees(h.maya, ids.CallbackHand, "Private answers that go along")
		require.Contains(t, form.Words(), "wages.csv")
		wrong, err := h.maya.Submit(person.Fill(ids.FieldPerson, slacksim.OtherAnalyst))
		require.NoError(t, err)
		require.Empty(t, wrong)
	}
	offer := h.inDM(jun, "offers you a thread")
	require.NotContains(t, offer.Words(), "suppliers", "no word of it before it is accepted")
	require.NotContains(t, offer.Words(), "wages")
	h.inDM(h.maya, "Nothing has gone over yet")
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM handovers`))
	require.Zero(t, value[int](h, `SELECT count(*) FROM sessions WHERE private_to = $1`, slacksim.OtherAnalyst))

	for range 2 {
		require.NoError(t, jun.ClickOld(offer, "Accept"))
	}
	h.turns(jun, offer, "Reply below this message")
	h.inDM(h.maya, "has taken over")
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM events WHERE kind = 'accepted hand-over' AND actor = $1`, slacksim.OtherAnalyst))
	require.NoError(t, jun.ClickOld(offer, "Decline"))
	h.told(jun, jun.DM(), "answered already")
	require.NoError(t, jun.Click(offer, "Read what was asked"))
	read, err := jun.WaitView(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "What do we pay our suppliers") })
	require.NoError(t, err)
	require.Contains(t, read.Words(), "print(2)  # second")
	require.NotContains(t, read.Words(), "4711", "its answers were not ticked")
	require.NoError(t, jun.CloseView())

	prompt := h.asksBelow(jun, offer, "How many suppliers, by sales.csv?")
	require.Contains(t, prompt, "What do we pay our suppliers")
	require.Contains(t, prompt, "print(1)  # first")
	require.Contains(t, prompt, "And what are wages")
	require.NotContains(t, prompt, "outcome:", "private answers that were not ticked are in no prompt of his")
	require.Equal(t, slacksim.OtherAnalyst+" "+slacksim.SalesData, value[string](h, `SELECT asker || ' ' || project FROM requests WHERE said(question) LIKE 'How many suppliers%' AND private_to = asker`), "he asks and pays, by the rules of the channel")
	h.writes("print(10)")
	_, err = jun.Reply(jun.DM(), offer.TS, "And in wages.csv?")
	require.NoError(t, err)
	h.soon("a file that was not ticked does not come along", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'failed' AND said(question) LIKE 'And in wages%'`) == 1
	})
	require.Zero(t, value[int](h, `SELECT count(*) FROM requests, jsonb_array_elements(files) f WHERE asker = $1 AND f ->> 'name' = 'wages.csv'`, slacksim.OtherAnalyst))
	h.quiet()
	require.Empty(t, h.shows(slacksim.SalesData, "suppliers"))
	h.addsUp()
	proof.Check(t, !t.Failed(), "a private thread is handed to a colleague", "once, on two replicas: questions and code, no file and no answer that was not ticked; his questions are his own")
}

func TestProveConversationWhatIsTickedGoesAlong(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(telling{}, 2)
	jun := h.sim.As(slacksim.OtherAnalyst)
	reply, wages := h.secret()
	require.Empty(t, h.hands(reply, person.Fill(ids.FieldPerson, slacksim.OtherAnalyst).And(ids.FieldFiles, "wages.csv").And(ids.FieldAnswers, "And what are wages, by wages.csv?")))
	offer := h.inDM(jun, "offers you a thread")
	require.Contains(t, offer.Words(), "1 file and 1 private answer")
	require.NoError(t, jun.Click(offer, "Accept"))
	h.turns(jun, offer, "Reply below this message")
	prompt := h.asksBelow(jun, offer, "And the year before, by wages.csv?")
	require.Equal(t, 1, strings.Count(prompt, "outcome:"), "the answer that was ticked, and no other")
	require.Equal(t, wages, h.usedBy("And the year before"), "Slack does not show it to him; she has given it along")
	h.quiet()

	h.addsUp()

	// An owner of the database who changes it is found out.
	id := value[string](h, `SELECT request_id FROM handovers`)
	for name, sql := range map[string]string{"more files": `UPDATE handovers SET files = files || ARRAY['F0EVIL']`, "another colleague": `UPDATE handovers SET colleague = 'U0EVIL', ended_by = 'U0EVIL'`, "no answers": `UPDATE handovers SET answers = '{}'`,
		"never accepted": `UPDATE handovers SET verdict = NULL, ended_by = NULL, ended_at = NULL, into_session = NULL`, "not at all": `DELETE FROM handovers`} {
		require.NoError(t, h.database(func(conn *pgx.Conn) error {
			_, err := conn.Exec(h.ctx, `CREATE TABLE kept_handovers AS TABLE handovers; SET session_replication_role = replica; `+sql)
			return err
		}))
		require.Error(t, h.audited(id), name)
		require.NoError(t, h.database(func(conn *pgx.Conn) error {
			_, err := conn.Exec(h.ctx, `SET session_replication_role = replica; DELETE FROM handovers; INSERT INTO handovers TABLE kept_handovers; DROP TABLE kept_handovers; SET session_replication_role = origin`)
			return err
		}))
	}
	require.NoError(t, h.audited(id))
	proof.Check(t, !t.Failed(), "what is ticked goes along", "one file that Slack does not show him, one answer of two; an audit names what was changed behind its back")
}

func TestProveConversationAnOfferIsDeclinedOrWithdrawn(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(telling{}, 2)
	jun := h.sim.As(slacksim.OtherAnalyst)
	reply, _ := h.secret()
	require.Empty(t, h.hands(reply, person.Fill(ids.FieldPerson, slacksim.OtherAnalyst)))
	offer := h.inDM(jun, "offers you a thread")
	require.NoError(t, jun.Click(offer, "Decline"))
	h.turns(jun, offer, "Declined")
	h.inDM(h.maya, "has declined")
	require.NoError(t, jun.ClickOld(offer, "Accept"))
	h.told(jun, jun.DM(), "answered already")

	// Offered again, she withdraws it before he has answered.
	require.Empty(t, h.hands(reply, person.Fill(ids.FieldPerson, slacksim.SecondReviewer)))
	again := h.inDM(h.priya, "offers you a thread")
	mine, err := h.maya.WaitMessage(h.patient(), h.maya.DM(), func(m workspace.Message) bool { return m.Has("Withdraw") })
	require.NoError(t, err)
	require.NoError(t, h.maya.Click(mine, "Withdraw"))
	h.turns(h.priya, again, "Withdrawn")
	require.NoError(t, h.priya.ClickOld(again, "Accept"))
	h.told(h.priya, h.priya.DM(), "answered already")
	h.quiet()
	require.Zero(t, value[int](h, `SELECT count(*) FROM sessions WHERE private_to NOT IN ('', $1)`, slacksim.Analyst))
	require.Equal(t, "declined withdrawn", value[string](h, `SELECT string_agg(verdict, ' ' ORDER BY at) FROM handovers`))
	h.addsUp()
	proof.Check(t, !t.Failed(), "an offer is declined, or withdrawn", "nothing has gone over, and a late press changes nothing")
}

// In a thread of a channel the colleague goes on there: what is new for them is the file that only Maya has.
func TestProveConversationAThreadOfAChannelIsHandedOver(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(telling{}, 2)
	jun := h.sim.As(slacksim.OtherAnalyst)
	f, err := h.maya.Upload("wages.csv", []byte("amount\n2\n"))
	require.NoError(t, err)
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze"))
	_, err = h.maya.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackForm })
	require.NoError(t, err)
	h.writes("print(1)  # first")
	wrong, err := h.maya.Submit(person.Fill(ids.FieldQuestion, "What are our wages?").And(ids.FieldUpload, f.ID))
	require.NoError(t, err)
	require.Empty(t, wrong)
	root := h.opened("")
	h.answers("What are our wages")
	reply := h.reply(root)
	h.quiet()
	mention := func(question string) {
		_, err := jun.Reply(slacksim.SalesData, root.TS, "@countersign "+question)
		require.NoError(t, err)
	}
	mention("And by month?")
	h.inDM(jun, "Slack does not show it to you")
	require.NoError(t, jun.Click(reply, "Hand over"))
	h.told(jun, slacksim.SalesData, "Only somebody who asked in this thread can hand it over")
	require.Empty(t, h.hands(reply, person.Fill(ids.FieldPerson, slacksim.OtherAnalyst).And(ids.FieldFiles, "wages.csv")))
	offer := h.inDM(jun, "offers you a thread")
	require.NoError(t, jun.Click(offer, "Accept"))
	h.turns(jun, offer, "mention me in the thread")
	h.writes("print(2)")
	mention("And by year?")
	h.answers("And by year")
	require.Equal(t, f.ID, h.usedBy("And by year"))
	h.quiet()
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM sessions`), "it is one thread")
	h.addsUp()
	proof.Check(t, !t.Failed(), "a thread of a channel is handed over", "the colleague goes on there, with the file that Slack shows only to its giver")
}
