package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/draw"
	"countersign/bot/draw/money"
	"countersign/budget"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// The rows of `make prove-slack` about a whole office: ten people ask two hundred
// questions in three channels while Slack has a bad day, within what it documents.
// office_test.go has the office and how its people ask.

// play plays a question to its end. What comes back is what was wrong.
func (o *office) play(s scene) error {
	if s.fate == "uploaded" {
		if _, err := s.asker.Share(s.room.channel, "Another one", s.room.file, fmt.Appendf(nil, "product,units\nfilter,%d\n", s.room.units)); err != nil {
			return err
		}
	}
	if s.fate == "broke" {
		o.money.Lock()
		defer o.money.Unlock()
		if err := o.persist(func() error { return o.carla.Command(s.room.channel, "/budget set @eve 0.00001") }); err != nil {
			return err
		}
	}
	if err := o.ask(s, s.text(), ""); err != nil {
		return err
	}
	if err := o.see(s, s.text()); err != nil || !s.follows {
		return err
	}
	rows, err := o.rows(s.text())
	if err != nil {
		return err
	}
	var thread *string
	if err := o.db.QueryRow(o.ctx, `SELECT thread_ts FROM sessions JOIN requests r ON r.session_id = sessions.id WHERE r.id = $1`, rows[0].ID).Scan(&thread); err != nil || thread == nil {
		return err // without a thread it was cancelled before there was anything to go on from
	}
	on := s
	on.number, on.fate = s.number+500, "approved"
	if err := o.ask(on, on.text(), *thread); err != nil {
		return err
	}
	return o.see(on, on.text())
}

// see does what a question's people do until all that came of it has ended and is shown.
func (o *office) see(s scene, text string) error {
	last := map[string]time.Time{} // when something was last done about a request
	patience := o.patient()
	for {
		rows, err := o.rows(text)
		if err != nil {
			return err
		}
		over := true
		for i, r := range rows {
			ended := !slices.Contains([]string{"drafting", "pending", "approved", "running"}, r.State)
			over = over && ended && r.Shown
			key := fmt.Sprint(r.ID, r.State, r.Revision, r.Blocked)
			if ended || time.Since(last[key]) < 4*time.Second {
				continue
			}
			fate := s.fate
			if i > 0 {
				fate = "approved"
			}
			did, err := o.act(s, fate, r)
			if err != nil {
				return fmt.Errorf("%s (%s, %s): %w", text, s.fate, r.State, err)
			}
			if did {
				last[key] = time.Now()
			}
		}
		if over {
			return nil
		}
		if o.rest(150*time.Millisecond) != nil || patience.Err() != nil {
			return fmt.Errorf("%s (%s) has not ended: %+v", text, s.fate, rows)
		}
	}
}

// act does the next thing about a request, if there is one.
func (o *office) act(s scene, fate string, r known) (did bool, err error) {
	switch {
	case r.Blocked:
		if err := o.persist(func() error { return o.carla.Command(s.room.channel, "/budget set @eve 50") }); err != nil {
			return false, err
		}
		progress, ok := o.surface(r.ID, "progress", s.asker)
		if !ok || !progress.Has("Try again") {
			return false, nil
		}
		return true, o.click(s.asker, progress, "Try again")
	case fate == "withdrawn":
		return true, o.persist(func() error { return s.asker.Command(s.room.channel, "/analyze cancel "+r.ID) })
	case r.State != "pending":
		return false, nil
	}
	reviewer, other := s.reviewer, s.other
	card, ok := o.surface(r.ID, "card", reviewer)
	if !ok || !card.Has("Approve") {
		return false, nil
	}
	switch {
	case fate == "rejected":
		return true, o.modal(reviewer, "reason", func() error { return gone(reviewer.Click(card, "Reject")) }, person.Fill("reason", "Not today."))
	case fate == "changed" && r.Revision == 1:
		return true, o.modal(reviewer, "changes", func() error { return gone(reviewer.Click(card, "Request changes")) }, person.Fill("reason", wish))
	case fate == "edited" && r.Revision == 1:
		code, err := o.code(r)
		if err != nil {
			return false, err
		}
		return true, o.modal(reviewer, "edit", func() error { return gone(reviewer.Click(card, "more", "Edit the code")) },
			person.Fill("code_1", strings.Replace(code, "print(", "print(\"edited\", ", 1)))
	case fate == "edited":
		reviewer = other
	}
	code, err := o.code(r)
	if err != nil {
		return false, err
	}
	if readProgram(card.Blocks) != code {
		return false, nil // the card of the version before stands until the new one is posted; one that stays ends the scene's patience
	}
	return true, o.click(reviewer, card, "Approve")
}

// click presses a button. One that is not there any more was pressed before.
func (o *office) click(p *person.Person, m workspace.Message, button string) error {
	return o.persist(func() error { return gone(p.Click(m, button)) })
}

// gone takes the refusal of a press on what has changed meanwhile for no error.
func gone(err error) error {
	if refusal, ok := errors.AsType[*person.Refusal](err); ok && (refusal.Code == "no_such_action" || refusal.Code == "message_not_found") {
		return nil
	}
	return err
}

// surface finds one message of a request, as somebody sees it.
func (o *office) surface(id, kind string, who *person.Person) (workspace.Message, bool) {
	var channel, ts string
	if o.db.QueryRow(o.ctx, `SELECT channel, ts FROM posts WHERE request_id = $1 AND surface = $2`, id, kind).Scan(&channel, &ts) != nil {
		return workspace.Message{}, false
	}
	m, err := who.Find(channel, ts)
	return m, err == nil
}

// code is a revision's program.
func (o *office) code(r known) (code string, err error) {
	err = o.db.QueryRow(o.ctx, `SELECT said(code) FROM revisions WHERE request_id = $1 AND number = $2`, r.ID, r.Revision).Scan(&code)
	return code, err
}

// lineNumber is what stands before each line of a program on a card.
var lineNumber = regexp.MustCompile(`(?m)^ *\d+  ?`)

// readProgram reads the program from a card's blocks, as a person does who knows nothing
// of how they were made: everything in fixed width, without its line numbers.
func readProgram(blocks []blockkit.Block) string {
	var text strings.Builder
	var look func(node any, inside bool)
	look = func(node any, inside bool) {
		switch node := node.(type) {
		case []any:
			for _, n := range node {
				look(n, inside)
			}
		case map[string]any:
			if words, ok := node["text"].(string); ok && inside {
				text.WriteString(words)
			}
			look(node["elements"], inside || node["type"] == "rich_text_preformatted")
		}
	}
	plain, err := json.Marshal(blocks)
	if err != nil {
		return err.Error()
	}
	var tree []any
	if err := json.Unmarshal(plain, &tree); err != nil {
		return err.Error()
	}
	look(tree, false)
	return lineNumber.ReplaceAllString(text.String(), "") + "\n"
}

// expected is what the answer to a question has to say, by how it ended.
func (s scene) expected(number int, fate, state string) []string {
	answer := fmt.Sprintf("answer %d to %d", s.room.units, number)
	switch {
	case state == "rejected":
		return []string{"Not today."}
	case state != "done":
		return nil
	case fate == "changed":
		return []string{answer, fmt.Sprintf("again %d to %d", s.room.units, number)}
	case fate == "edited":
		return []string{"edited " + answer}
	}
	return []string{answer}
}

// wrongs looks at every request of a question when all is over: its answer, its card
// and its line in the thread say what the row says.
func (o *office) wrongs(view func(string) (*steps.View, error), s scene, number int, fate string) (wrong []string) {
	s.number = number
	rows, err := o.rows(s.text())
	if err != nil {
		return []string{err.Error()}
	}
	for i, row := range rows {
		if i > 0 {
			fate = "approved"
		}
		say := func(format string, args ...any) {
			wrong = append(wrong, fmt.Sprintf("%s (%s, %s): ", s.text(), fate, row.State)+fmt.Sprintf(format, args...))
		}
		v, err := view(row.ID)
		if err != nil {
			say("%v", err)
			continue
		}
		wanted := map[string]string{"rejected": "rejected", "withdrawn": "withdrawn"}[fate]
		if wanted == "" {
			wanted = "done"
		}
		if row.State != wanted {
			say("it should have ended as %s: %s", wanted, v.Request.Reason)
			continue
		}
		progress, ok := o.surface(row.ID, "progress", o.carla)
		if !ok && row.State == "withdrawn" && row.Revision == 0 {
			continue // taken back before anything was found and drawn
		}
		if !ok || !strings.Contains(progress.Words(), progressWords[v.Request.State]) || len(progress.Actions()) > 0 {
			say("the progress says %q", progress.Words())
		}
		if card, ok := o.surface(row.ID, "card", o.carla); v.Request.Revision != nil && (!ok || !strings.Contains(card.Words(), titles[v.Request.State]) || card.Has("Approve") || card.Has("Reject")) {
			say("the card says %q", card.Words())
		}
		if v.Request.State == approval.Withdrawn {
			continue
		}
		reply, ok := o.surface(row.ID, "reply", o.carla)
		if !ok {
			say("there is no answer")
			continue
		}
		for _, words := range s.expected(number, fate, row.State) {
			if !strings.Contains(reply.Words(), words) {
				say("the answer lacks %q: %q", words, reply.Words())
			}
		}
		var sum budget.USD
		for _, spend := range v.Bill {
			sum += budget.Total(spend.Charges)
		}
		if bill := asSent(draw.DetailsView(v, true)); !strings.Contains(bill, "Total: "+sum.String()) || !strings.Contains(reply.Words(), money.Spent(sum)) {
			say("the bill is not %s: %q, and behind it %s", sum, reply.Words(), bill)
		}
	}
	return wrong
}

// TestProveSlackAnOfficeOnABadDay plays the whole office under trouble. A tenth of it
// is drawn where no proof is asked for.
func TestProveSlackAnOfficeOnABadDay(t *testing.T) {
	questions, seed := proof.Of(200), proof.Seed(t)
	o := newOffice(t, seed)
	play := o.draw(questions)
	o.sim.RewriteAtRandom(seed)
	o.sim.Trouble(fault.Trouble{Seed: seed, Share: 0.05, Hang: 4 * time.Second})
	o.sim.RewriteAtRandom(seed)

	wrong := make([]error, len(play))
	var all sync.WaitGroup
	turn := make(chan struct{}, 8) // as many are at it at once
	for i, s := range play {
		turn <- struct{}{}
		all.Go(func() {
			defer func() { <-turn }()
			wrong[i] = o.play(s)
		})
	}
	all.Wait()
	for i, s := range play { // what was taken for unheard and asked again may have come late
		if wrong[i] == nil {
			wrong[i] = o.see(s, s.text())
		}
	}
	troubles := o.sim.Troubles()
	o.sim.Heal()
	kinds := map[string]int{}
	for _, s := range play {
		kinds[s.fate]++
	}
	t.Logf("fates %v, troubles %v, %d acts were repeated", kinds, troubles, o.repeats.Load())
	unanswered := slices.DeleteFunc(wrong, func(err error) bool { return err == nil })
	proof.Check(t, len(unanswered) == 0, "an office of ten people: every question comes to its end while Slack has a bad day",
		"%d of %d questions (seed %d, troubles %v) %v", questions-len(unanswered), questions, seed, troubles, errors.Join(unanswered...))

	db, err := o.store()
	require.NoError(t, err)
	defer db.Close()
	view := func(id string) (*steps.View, error) { return db.View(o.ctx, id) }
	var faults []string
	looked := 0
	for _, s := range play {
		faults, looked = append(faults, o.wrongs(view, s, s.number, s.fate)...), looked+1
		if s.follows {
			faults, looked = append(faults, o.wrongs(view, s, s.number+500, "approved")...), looked+1
		}
	}
	proof.Check(t, len(faults) == 0, "an office of ten people: answers, cards, progress and bills say what the rows say", "%d of %d questions and follow-ups are right %s", looked-len(faults), looked, strings.Join(faults, "; "))
	open := 0
	for _, m := range o.ben.Messages(slacksim.CodeReview) {
		if m.Has("Approve") {
			open++
		}
	}
	proof.Check(t, open == 0, "an office of ten people: no card that was decided can still be approved", "%d cards of %d offer it", open, len(o.ben.Messages(slacksim.CodeReview)))
	o.ledger()
	events := 0
	for _, id := range column[string](o.house, `SELECT id FROM requests`) {
		found, err := db.VerifyChain(o.ctx, "request:"+id)
		require.NoError(t, err)
		events += found.Events
	}
	proof.Check(t, !t.Failed(), "an office of ten people: rows, holds, bills and the audit trail agree", "%d settlements, %d events", value[int](o.house, `SELECT count(*) FROM settlements`), events)
}
