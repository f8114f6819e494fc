package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/pins"
	"countersign/approval/review"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
)

// Rows of `make prove-conversation` about files that administrators pin to a channel.

// pins opens /analyze data for somebody, and waits until it holds the words.
func (h *house) pins(who *person.Person, words string) workspace.View {
	h.t.Helper()
	for _, open := who.View(); open; _, open = who.View() {
		require.NoError(h.t, who.CloseView())
	}
	require.NoError(h.t, who.Command(slacksim.SalesData, "/analyze data"))
	return h.sees(who, "pins", words)
}

// sees waits until somebody's modal holds the words.
func (h *house) sees(who *person.Person, modal, words string) workspace.View {
	h.t.Helper()
	v, err := who.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == modal && strings.Contains(v.Words(), words) })
	require.NoError(h.t, err, "no %s that says %q", modal, words)
	return v
}

// pin has Carla pin a file, by its name in the channel or by its link, for some or for all.
func (h *house) pin(field, file string, people ...string) {
	h.t.Helper()
	require.NoError(h.t, h.carla.ClickView(h.pins(h.carla, "Pin a file"), "open_pin"))
	if field == "files" {
		h.sees(h.carla, "pin", "File of this channel")
	} else {
		h.sees(h.carla, "pin", "Or the link")
	}
	form := person.Fill(field, file)
	if len(people) > 0 {
		form = form.And("people", people...)
	}
	wrong, err := h.carla.Submit(form)
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
	h.sees(h.carla, "pinned", "It is pinned.")
}

// usedBy are the ids of the files of the question that holds the words.
func (h *house) usedBy(words string) string {
	h.t.Helper()
	return value[string](h, `SELECT coalesce(string_agg(f ->> 'id', ' ' ORDER BY f ->> 'id'), '') FROM requests LEFT JOIN jsonb_array_elements(files) f ON true WHERE said(question) LIKE '%' || $1 || '%'`, words)
}

// answers has Ben approve the question that holds the words, and waits for its end.
func (h *house) answers(words string) workspace.Message {
	h.t.Helper()
	card := h.cardOf(words)
	h.approve(card)
	h.soon(words+" is done", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done' AND said(question) LIKE '%' || $1 || '%'`, words) == 1
	})
	return card
}

func TestProveConversationPinnedDataIsUsedWhereItIsNamedAndNoOtherContent(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(instant{}, 4)
	first, other := h.share("sales.csv", "amount\n1\n"), h.share("other.csv", "amount\n7\n")
	h.pins(h.maya, "Nothing is pinned here")
	proof.Check(t, !strings.Contains(h.pins(h.maya, "Nothing is pinned here").Words(), "Pin a file"), "who is no administrator pins nothing", "no button")
	h.pin("files", "sales.csv")
	v := h.pins(h.maya, "sales.csv")
	proof.Check(t, strings.Contains(v.Words(), "9 bytes") && strings.Contains(v.Words(), "everybody in the channel") && strings.Contains(v.Words(), "uploaded by"), "everybody sees what is pinned, its size and its uploader", "%s", v.Words())

	h.ask("How much was it, without a file's name?")
	h.answers("without a file's name")
	proof.Check(t, h.usedBy("without a file's name") == other.ID, "a question that names no file uses none that is pinned", "%s", h.usedBy("without a file's name"))

	root := h.ask("How much by name? Use sales.csv.")
	card := h.answers("How much by name")
	proof.Check(t, h.usedBy("How much by name") == first.ID && strings.Contains(card.Words(), "pinned"), "a pinned file is used by its name, and the card says so", "%s", card.Words())
	_, err := h.maya.Reply(slacksim.SalesData, root.TS, "@countersign And how much is the double of it?")
	require.NoError(t, err)
	h.answers("the double of it")
	proof.Check(t, h.usedBy("the double of it") == first.ID, "a follow-up goes on with it", "%s", h.usedBy("the double of it"))

	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze"))
	_, err = h.maya.WaitView(h.patient(), func(v workspace.View) bool {
		return v.CallbackID == "form" && strings.Contains(fmt.Sprint(v.Blocks), "pinned, ")
	})
	require.NoError(t, err)
	wrong, err := h.maya.Submit(person.Fill("question", "How much by the form?").And("files", "sales.csv"))
	require.NoError(t, err)
	require.Empty(t, wrong)
	h.answers("How much by the form")
	proof.Check(t, h.usedBy("How much by the form") == first.ID, "a pinned file stands in the form", "%s", h.usedBy("How much by the form"))

	// A newer upload of the name is an administrator's to accept.
	newer := h.share("sales.csv", "amount\n1000\n")
	h.soon("administrators hear of it before anybody asks", func() bool {
		return value[int](h, `SELECT count(*) FROM notices WHERE key LIKE 'upload %' AND key LIKE '%' || $1`, newer.ID) == 1
	})
	h.ask("How much now? Use sales.csv.")
	h.answers("How much now")
	proof.Check(t, h.usedBy("How much now") == first.ID, "a newer upload of its name is not used by the name", "%s", h.usedBy("How much now"))
	require.NotContains(t, h.pins(h.maya, "sales.csv").Words(), "newer upload")
	offer := h.pins(h.carla, "A newer upload has this name")
	proof.Check(t, strings.Contains(offer.Words(), "12 bytes") && strings.Contains(offer.Words(), "It holds something else"), "administrators alone are offered it, with its size and who has uploaded it", "%s", offer.Words())
	require.NoError(t, h.carla.ClickView(offer, "Pin the newer one"))
	h.soon("it is accepted", func() bool {
		return value[int](h, `SELECT count(*) FROM events WHERE kind = 'accepted upload' AND actor = $1`, slacksim.Admin) == 1
	})
	h.ask("How much then? Use sales.csv.")
	h.answers("How much then")
	proof.Check(t, h.usedBy("How much then") == newer.ID, "what was accepted takes the place", "%s", h.usedBy("How much then"))
	third := h.share("sales.csv", "amount\n5\n")
	require.NoError(t, h.carla.ClickView(h.pins(h.carla, "A newer upload has this name"), "Keep the pinned one"))
	h.soon("it is declined", func() bool {
		return value[int](h, `SELECT count(*) FROM pins WHERE verb = 'declined upload' AND file = $1`, third.ID) == 1
	})
	require.NotContains(t, h.pins(h.carla, "sales.csv").Words(), "newer upload")

	// What is edited in Slack is not what was pinned.
	_, err = h.maya.ReplaceFile(newer.ID, []byte("amount\n2000000\n"))
	require.NoError(t, err)
	h.ask("How much after the edit? Use sales.csv.")
	h.soon("it is refused", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'failed' AND reason ->> 'code' = 'not what was pinned'`) == 1
	})
	proof.Check(t, true, "another content under a pinned file's id is refused", "1 of 1")
	require.NoError(t, h.maya.DeleteFile(newer.ID))
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze How much after the end? Use sales.csv."))
	h.soon("it is turned back", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'failed' AND said(question) LIKE 'How much after the end%'`) == 1
	})
	proof.Check(t, true, "a pinned file that is deleted in Slack is used by nobody", "1 of 1")
	h.settled()
	h.addsUp()
	h.auditsHouse()
}

// auditsHouse holds people, rules, budgets and pins against their trails.
func (h *house) auditsHouse() {
	h.t.Helper()
	db, err := h.store()
	require.NoError(h.t, err)
	defer db.Close()
	_, err = storage.AuditorOf(db).House(h.ctx)
	require.NoError(h.t, err)
}

func TestProveConversationPinnedDataIsForThoseWhoAreNamed(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(instant{}, 4)
	h.bench(instant{}, 4) // two replicas
	secret, err := h.carla.Share(slacksim.SalesData, "Here", "salaries.csv", []byte("amount\n1\n"))
	require.NoError(t, err)
	sent := make(chan struct{})
	goesOn := sync.OnceFunc(func() { close(sent) })
	t.Cleanup(goesOn)
	h.sim.Fail(fault.Method{Method: "files.list", Do: func() { <-sent }}) // the form is sent off before the channel's files are in it
	h.pin("link", "https://acme.slack.com/files/"+slacksim.Admin+"/"+secret.Files[0].ID+"/salaries.csv", slacksim.Analyst)
	goesOn()
	h.soon("the files come too late for the form", func() bool {
		return slices.ContainsFunc(h.sim.Calls("views.update"), func(e workspace.Entry) bool { return e.Error == "hash_conflict" })
	})
	h.sees(h.carla, "pinned", "It is pinned.")

	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze How much here, in salaries.csv?"))
	refused := h.inDM(h.maya, "the others would read the answer here")
	proof.Check(t, true, "where others would read the answer, the question is refused, with the way to ask it", "1 of 1")
	require.NoError(t, h.maya.Click(refused, "Ask again"))
	_, err = h.maya.WaitView(h.patient(), func(v workspace.View) bool {
		return v.CallbackID == "form" && strings.Contains(fmt.Sprint(v.Blocks), "pinned, ")
	})
	require.NoError(t, err)
	wrong, err := h.maya.Submit(person.Fill("question", "How much to me alone, in salaries.csv?").And("files", "salaries.csv"))
	require.NoError(t, err)
	require.Empty(t, wrong)
	h.answers("How much to me alone")
	proof.Check(t, value[bool](h, `SELECT s.private_to <> '' FROM sessions s JOIN requests q ON q.session_id = s.id WHERE said(q.question) LIKE 'How much to me alone%'`), "the form of it has the answer go to its asker alone", "private")
	_, err = h.maya.Say(h.maya.DM(), "How much in private, in salaries.csv?")
	require.NoError(t, err)
	card := h.answers("How much in private")
	proof.Check(t, h.usedBy("How much in private") == secret.Files[0].ID && strings.Contains(card.Words(), "a direct message"), "in a direct message who is named uses it", "%s", card.Words())
	_, err = h.priya.Say(h.priya.DM(), "How much for me, in salaries.csv?")
	require.NoError(t, err)
	h.soon("nobody else does", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'failed' AND said(question) LIKE 'How much for me%'`) == 1
	})
	require.NoError(t, h.priya.Command(slacksim.SalesData, "/analyze How much for us, in salaries.csv?"))
	h.inDM(h.priya, "salaries.csv is pinned for other people.")
	proof.Check(t, true, "who is not named is told so, in the channel and in a direct message", "2 of 2")

	// Who may use it verifies what came of it, also where the file itself does not stand.
	verify := func(words string) {
		t.Helper()
		require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze verify "+value[string](h, `SELECT id FROM requests WHERE said(question) LIKE $1 || '%'`, words)))
	}
	verify("How much in private")
	h.approve(h.repeats())
	h.soon("it is verified", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE repeats IS NOT NULL AND state = 'done'`) == 1
	})
	proof.Check(t, true, "an answer over a pinned file is verified in a direct message", "1 of 1")

	// What is taken away meanwhile is used neither by an approval nor by a start.
	_, err = h.maya.Say(h.maya.DM(), "How much at last, in salaries.csv?")
	require.NoError(t, err)
	last := h.cardOf("How much at last")
	list := h.pins(h.carla, "salaries.csv")
	h.sim.Duplicate(1) // Slack sends the press to both replicas
	require.NoError(t, h.carla.ClickView(list, "Remove"))
	h.soon("it is taken away", func() bool { return value[int](h, `SELECT count(*) FROM pins WHERE verb = 'unpinned'`) == 1 })
	h.pins(h.carla, "Nothing is pinned here")
	proof.Check(t, value[int](h, `SELECT count(*) FROM events WHERE kind = 'unpinned'`) == 1, "a double press with two replicas takes a pin away once", "1 event")
	require.NoError(t, h.ben.Click(last, "Approve"))
	h.told(h.ben, slacksim.CodeReview, "salaries.csv is not pinned any more.")
	proof.Check(t, value[string](h, `SELECT state FROM requests WHERE said(question) LIKE 'How much at last%'`) == "pending", "what is not pinned any more is not approved", "pending")
	require.NoError(t, h.ben.Click(last, "Reject"))
	_, err = h.ben.Submit(person.Fill("reason", "It is not pinned any more."))
	require.NoError(t, err)
	h.soon("it is rejected", func() bool {
		return value[int](h, `SELECT count(*) FROM requests WHERE state = 'rejected'`) == 1
	})
	verify("How much to me alone")
	h.soon("it is not verified either, before anything is paid", func() bool {
		return value[int](h, `SELECT count(*) FROM requests q WHERE repeats IS NOT NULL AND state = 'failed' AND reason ->> 'code' = 'no answer to repeat'
			AND NOT EXISTS (SELECT FROM charges c JOIN holds h ON h.id = c.hold_id WHERE h.request_id = q.id)`) == 1
	})
	h.settled()
	h.addsUp()
	h.auditsHouse()
}

// A file that is known by what it holds from a stricter channel brings what holds there along.
func TestProveConversationAFileBringsAStricterChannelsRulesAlong(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(instant{}, 4)
	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	set := func(channel string, change func(*review.Rules)) {
		rules := review.DefaultRules(h.program.policy())
		change(&rules)
		_, err := db.SetRules(h.ctx, review.RuleSet{Team: slacksim.DefaultTeam.ID, Project: channel, Rules: rules, SetBy: slacksim.Admin})
		require.NoError(t, err)
	}
	set(slacksim.SalesData, func(r *review.Rules) { r.Class = review.Public })
	set(slacksim.General, func(r *review.Rules) { r.Class, r.Medium.Approvals = review.Confidential, 2 })
	const content = "amount\n1\n"
	h.share("sales.csv", content)
	h.ask("How much before anybody knew, in sales.csv?")
	early := h.cardOf("before anybody knew")
	require.Contains(t, early.Words(), "Low risk")
	h.ask("How much as well, in sales.csv?")
	gone := h.cardOf("How much as well")
	h.approve(gone)
	h.soon("it is done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 1 })

	// The same content under another name is asked about in the stricter channel.
	_, err = h.maya.Share(slacksim.General, "Here", "other.csv", []byte(content))
	require.NoError(t, err)
	require.NoError(t, h.maya.Command(slacksim.General, "/analyze How much here, in other.csv?"))
	strict := h.cardOf("How much here")
	require.Contains(t, strict.Words(), "Medium risk")
	require.NotContains(t, strict.Words(), "A stricter channel's rules")

	require.NoError(t, h.ben.Click(early, "Approve"))
	h.told(h.ben, slacksim.CodeReview, "has become known from a channel with stricter rules")
	proof.Check(t, value[string](h, `SELECT state FROM requests WHERE said(question) LIKE '%before anybody knew%'`) == "pending", "what was weighed before is not approved by what holds now", "pending")

	h.ask("How much now, in sales.csv?")
	now := h.cardOf("How much now")
	proof.Check(t, strings.Contains(now.Words(), "Medium risk") && strings.Contains(now.Words(), "2 approvals") && strings.Contains(now.Words(), "A stricter channel's rules hold as well."),
		"asked in a laxer channel, the stricter one's class and approvals hold, and the card says so", "%s", now.Words())
	require.Equal(t, []string{"C0GENERAL/1"}, value[[]string](h, `SELECT array(SELECT jsonb_array_elements_text(said(manifest)::jsonb -> 'brought')) FROM revisions v JOIN requests q ON q.id = v.request_id WHERE said(question) LIKE 'How much now%'`), "the seal names them")
	require.NoError(t, h.ben.Click(now, "Approve"))
	h.soon("one has approved", func() bool { return value[int](h, `SELECT count(*) FROM decisions WHERE verdict = 'approve'`) == 2 })
	require.Equal(t, "pending", value[string](h, `SELECT state FROM requests WHERE said(question) LIKE 'How much now%'`))
	require.NoError(t, h.priya.Click(now, "Approve"))
	h.soon("two have", func() bool {
		return value[string](h, `SELECT state FROM requests WHERE said(question) LIKE 'How much now%'`) == "done"
	})

	// In its thread, what came of it is shown to a model by the stricter switch, whatever else is asked.
	proof.Check(t, value[int](h, `SELECT count(*) FROM requests q, known_in(q.id) WHERE said(q.question) LIKE 'How much now%'`) == 1, "and they hold for its thread", "1 channel")
	for _, card := range []workspace.Message{early, strict} {
		require.NoError(t, h.ben.Click(card, "Reject"))
		_, err := h.ben.Submit(person.Fill("reason", "It has been answered."))
		require.NoError(t, err)
	}
	h.soon("both are rejected", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'rejected'`) == 2 })
	h.settled()
	h.addsUp()
	h.auditsHouse()
}

// Two channels have a file of the same name each: in a direct message somebody who is in both is asked which one they mean. A file that is pinned
// to both is found.
func TestProveConversationFilesPinnedInTwoChannelsAreFoundInADirectMessage(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.bench(instant{}, 4)
	both := h.share("both.csv", "amount\n5\n")
	h.share("sales.csv", "amount\n1\n")
	m, err := h.maya.Share(slacksim.General, "Here", "sales.csv", []byte("amount\n7\n"))
	require.NoError(t, err)
	second := m.Files[0]
	h.pin("files", "sales.csv")
	h.pin("files", "both.csv")
	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	for content, f := range map[string]workspace.File{"amount\n7\n": second, "amount\n5\n": both} {
		require.NoError(t, storage.PinsOf(db).Set(h.ctx, pins.Deed{Kind: approval.EventPinned, Pin: pins.Pin{Team: slacksim.DefaultTeam.ID, Project: slacksim.General, By: slacksim.Admin, At: time.Now().UTC(),
			File: approval.File{ID: f.ID, Name: f.Name, Size: int64(len(content)), SHA256: approval.Hash([]byte(content)), Shared: &approval.Sharing{By: slacksim.Analyst, At: time.Now().UTC()}}}}))
	}
	_, err = h.maya.Say(h.maya.DM(), "How much in the two of them, in both.csv?")
	require.NoError(t, err)
	h.answers("How much in the two of them")
	proof.Check(t, h.usedBy("How much in the two of them") == both.ID, "a file that is pinned to two channels is found in a direct message", "%s", h.usedBy("How much in the two of them"))

	_, err = h.maya.Say(h.maya.DM(), "How much is that, in sales.csv?")
	require.NoError(t, err)
	asked := h.inDM(h.maya, "Which sales.csv do you mean?")
	said := fmt.Sprint(asked.Blocks)
	proof.Check(t, strings.Contains(said, slacksim.SalesData) && strings.Contains(said, slacksim.General), "where two files of one name are pinned, the words say where", "%s", asked.Words())
	require.NoError(t, h.maya.Click(asked, "Choose files"))
	_, err = h.maya.WaitView(h.patient(), func(v workspace.View) bool {
		return v.CallbackID == "form" && strings.Contains(fmt.Sprint(v.Blocks), "pinned to #general, ")
	})
	require.NoError(t, err)
	wrong, err := h.maya.Submit(person.Fill("question", "How much of the one in general?").And("files", fmt.Sprintf("%s/%d", second.ID, len("amount\n7\n"))))
	require.NoError(t, err)
	require.Empty(t, wrong)
	h.answers("How much of the one in general")
	proof.Check(t, h.usedBy("How much of the one in general") == second.ID, "what is chosen is used", "%s", h.usedBy("How much of the one in general"))
	h.settled()
	h.addsUp()
	h.auditsHouse()
}
