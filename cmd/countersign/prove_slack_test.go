package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/budget"
	"countersign/codegen/mistraltest"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/storage"
)

// The rows of `make prove-slack` about a whole office: ten people ask two hundred
// questions in three channels while Slack has a bad day, within what it documents.

// office is the workspace and whoever plays in it.
type office struct {
	*house
	db      *pgxpool.Pool
	seed    uint64
	askers  []*slacksim.Person
	rooms   []room
	modals  map[string]*sync.Mutex // by person: whoever has a modal open does nothing else
	money   sync.Mutex             // one question at a time is out of money
	repeats atomic.Int32           // acts that Slack said had not been answered
}

// room is a channel in which people ask, with its file.
type room struct {
	channel, file string
	units         int // in the file, together
}

// scene is one question and what becomes of it.
type scene struct {
	number   int
	fate     string // see fates
	asker    *slacksim.Person
	reviewer *slacksim.Person
	other    *slacksim.Person
	room     room
	by       string // command, mention or form
	follows  bool   // asks on in its thread, once it has its answer
}

// fates are what can become of a question, each about as often as it stands here.
var fates = []string{"approved", "approved", "approved", "approved", "changed", "edited", "rejected", "withdrawn", "broke", "uploaded"}

func (s scene) text() string {
	return fmt.Sprintf("No. %03d: how many units in %s?", s.number, s.room.file)
}

const wish = "Please print it twice."

// newOffice opens the house: ten people, three channels, two replicas.
func newOffice(t *testing.T, seed uint64) *office {
	users, channels := slacksim.DefaultUsers(), slacksim.DefaultChannels()
	more := []slacksim.User{
		{ID: "U0ADA", Name: "ada", RealName: "Ada Moreau", Role: "analyst", TZ: "Europe/Paris"}, {ID: "U0IVO", Name: "ivo", RealName: "Ivo Horvat", Role: "analyst", TZ: "Europe/Zagreb"},
		{ID: "U0LIN", Name: "lin", RealName: "Lin Zhao", Role: "analyst", TZ: "Asia/Shanghai"}, {ID: "U0NOA", Name: "noa", RealName: "Noa Levi", Role: "analyst", TZ: "Asia/Jerusalem"},
		{ID: "U0EVE", Name: "eve", RealName: "Eve Larsen", Role: "analyst", TZ: "Europe/Oslo"},
	}
	everybody := []string{slacksim.Analyst, slacksim.OtherAnalyst, slacksim.Reviewer, slacksim.SecondReviewer, slacksim.Admin, slacksim.BotUser}
	for _, u := range more {
		users, everybody = append(users, u), append(everybody, u.ID)
	}
	for i := range channels {
		if channels[i].ID == slacksim.SalesData {
			channels[i].Members = everybody
		}
	}
	channels = append(channels, slacksim.Channel{ID: "C0STORES", Name: "stores", Members: everybody}, slacksim.Channel{ID: "C0FINANCE", Name: "finance", Members: everybody})
	o := &office{seed: seed, modals: map[string]*sync.Mutex{}}
	// Slack's own pace of posting belongs to a bad day as well, only a little shorter.
	o.house = openIn(t, slacksim.Options{Users: users, Channels: channels, PostBurst: 10, Timing: slacksim.Timing{Post: 200 * time.Millisecond}},
		atE2B(newCloud(t)), func(c *Config) { c.MaxOpen = 1000 })
	for _, u := range append([]slacksim.User{{ID: slacksim.Analyst}, {ID: slacksim.OtherAnalyst}, {ID: slacksim.Admin}}, more...) {
		o.askers = append(o.askers, o.sim.As(u.ID))
	}
	for _, id := range everybody {
		o.modals[id] = &sync.Mutex{}
	}
	for i, channel := range []string{slacksim.SalesData, "C0STORES", "C0FINANCE"} {
		r := room{channel: channel, file: []string{"sales.csv", "stores.csv", "costs.csv"}[i], units: 7 + 10*i}
		_, err := o.maya.Share(channel, "Here it is", r.file, fmt.Appendf(nil, "product,units\nfilter,%d\nespresso,4\n", r.units-4))
		require.NoError(t, err)
		o.rooms = append(o.rooms, r)
	}
	o.model.Answer(o.write)
	var err error
	o.db, err = pgxpool.New(o.ctx, o.url)
	require.NoError(t, err)
	t.Cleanup(o.db.Close)
	o.run()
	o.run()
	return o
}

// whichQuestion finds the question that a prompt is about: the last one that it names.
var whichQuestion = regexp.MustCompile(`No\. (\d+): how many units in (\S+\.csv)\?`)

// write is the model: a program whose answer names its question.
func (o *office) write(q mistraltest.Request) mistraltest.Reply {
	all := ""
	for _, m := range q.Messages {
		all += m.Content + "\n"
	}
	found := whichQuestion.FindAllStringSubmatch(all, -1)
	last := found[len(found)-1]
	number, _ := strconv.Atoi(last[1])
	code := fmt.Sprintf("import pandas as pd\n\nunits = int(pd.read_csv(%q)[\"units\"].sum())\nprint(\"answer\", units, \"to\", %d)\n", last[2], number)
	if strings.Contains(q.Messages[len(q.Messages)-1].Content, wish) {
		code += fmt.Sprintf("print(\"again\", units, \"to\", %d)\n", number)
	}
	return mistraltest.Reply{Content: "It adds them up.\n\n```python\n" + code + "```\n"}
}

// draw writes the play.
func (o *office) draw(questions int) []scene {
	draw := rand.New(rand.NewPCG(o.seed, 1))
	var play []scene
	for n := range questions {
		s := scene{number: n + 1, fate: fates[draw.IntN(len(fates))], asker: o.askers[draw.IntN(len(o.askers)-1)], room: o.rooms[draw.IntN(len(o.rooms))],
			by: []string{"command", "command", "mention", "form"}[draw.IntN(4)], follows: draw.IntN(5) == 0}
		s.reviewer, s.other = o.ben, o.priya
		if draw.IntN(2) == 0 {
			s.reviewer, s.other = o.priya, o.ben
		}
		switch s.fate {
		case "broke": // Eve alone has no money
			s.asker, s.by = o.askers[len(o.askers)-1], "command"
		case "uploaded":
			s.room.file = fmt.Sprintf("part_%03d.csv", s.number)
		}
		play = append(play, s)
	}
	return play
}

// known is a request as the play sees it.
type known struct {
	ID       string
	State    string
	Revision int
	Blocked  bool
	Shown    bool
}

// rows are the requests of a question. Who was not answered in time may have asked twice.
func (o *office) rows(text string) ([]known, error) {
	rows, err := o.db.Query(o.ctx, `SELECT id, state, coalesce(revision, 0) AS revision, blocked IS NOT NULL AS blocked, coalesce(shown_at >= changed_at, false) AS shown
		FROM requests WHERE question = $1 ORDER BY created_at, id`, text)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[known])
}

// persist does what a person does whose Slack says that nothing happened: again.
func (o *office) persist(do func() error) error {
	for {
		err := do()
		var unanswered *slacksim.Unanswered
		if !errors.As(err, &unanswered) {
			return err
		}
		o.repeats.Add(1)
		if err := o.rest(time.Second); err != nil {
			return err
		}
	}
}

func (o *office) rest(d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-o.ctx.Done():
		return o.ctx.Err()
	}
}

// ask asks in one of the ways, and again when nothing came of it.
func (o *office) ask(s scene, text, thread string) error {
	for tries := 0; ; tries++ {
		if err := o.askOnce(s, text, thread); err != nil {
			return fmt.Errorf("ask: %w", err)
		}
		for range 100 {
			rows, err := o.rows(text)
			if err != nil || len(rows) > 0 {
				return err
			}
			if err := o.rest(100 * time.Millisecond); err != nil {
				return fmt.Errorf("ask %q (%d tries): %w", text, tries, err)
			}
		}
		o.repeats.Add(1)
	}
}

func (o *office) askOnce(s scene, text, thread string) error {
	switch {
	case thread != "":
		_, err := s.asker.Reply(s.room.channel, thread, "@countersign "+text)
		return err
	case s.by == "mention":
		_, err := s.asker.Say(s.room.channel, "@countersign "+text)
		return err
	case s.by == "form":
		return o.modal(s.asker, "form", func() error { return s.asker.Command(s.room.channel, "/analyze") },
			slacksim.Fill("question", text).And("files", s.room.file))
	}
	err := s.asker.Command(s.room.channel, "/analyze "+text)
	var unanswered *slacksim.Unanswered
	if errors.As(err, &unanswered) {
		return nil // looked for, and asked again if it is not there
	}
	return err
}

// modal opens a modal, fills it in and hands it in. It is closed and left when it does
// not open, or when nobody answers: what was meant by it is looked for by the caller.
func (o *office) modal(p *slacksim.Person, callback string, open func() error, form slacksim.Form) error {
	lock := o.modals[p.ID()]
	lock.Lock()
	defer lock.Unlock()
	var unanswered *slacksim.Unanswered
	if err := open(); err != nil {
		if errors.As(err, &unanswered) {
			return nil
		}
		return err
	}
	for tries := range 50 {
		if v, there := p.View(); there && v.CallbackID == callback {
			wrong, err := p.Submit(form)
			var refusal *slacksim.Refusal
			if errors.As(err, &refusal) && refusal.Code == "no_such_field" && tries < 30 {
				// The files of a channel come a moment after the form. Who does not wait names the file in the question.
				if err := o.rest(100 * time.Millisecond); err != nil {
					return err
				}
				continue
			}
			if err != nil && errors.As(err, &refusal) {
				delete(form, "files")
				continue
			}
			if _, still := p.View(); still {
				_ = p.CloseView()
			}
			if errors.As(err, &unanswered) {
				return nil
			}
			if len(wrong) > 0 {
				return fmt.Errorf("the form %s refuses %v", callback, wrong)
			}
			return err
		}
		if err := o.rest(100 * time.Millisecond); err != nil {
			return err
		}
	}
	return nil // Slack was not to be had, and they try again
}

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
		return err // without a thread it was taken back before there was anything to go on from
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
		return true, o.modal(reviewer, "reason", func() error { return gone(reviewer.Click(card, "Reject")) }, slacksim.Fill("reason", "Not today."))
	case fate == "changed" && r.Revision == 1:
		return true, o.modal(reviewer, "changes", func() error { return gone(reviewer.Click(card, "Request changes")) }, slacksim.Fill("reason", wish))
	case fate == "edited" && r.Revision == 1:
		code, err := o.code(r)
		if err != nil {
			return false, err
		}
		return true, o.modal(reviewer, "edit", func() error { return gone(reviewer.Click(card, "more", "Edit the code")) },
			slacksim.Fill("code_1", strings.Replace(code, "print(", "print(\"edited\", ", 1)))
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
func (o *office) click(p *slacksim.Person, m slacksim.Message, button string) error {
	return o.persist(func() error { return gone(p.Click(m, button)) })
}

// gone takes the refusal of a press on what has changed meanwhile for no error.
func gone(err error) error {
	var refusal *slacksim.Refusal
	if errors.As(err, &refusal) && (refusal.Code == "no_such_action" || refusal.Code == "message_not_found") {
		return nil
	}
	return err
}

// surface finds one message of a request, as somebody sees it.
func (o *office) surface(id, kind string, who *slacksim.Person) (slacksim.Message, bool) {
	var channel, ts string
	if o.db.QueryRow(o.ctx, `SELECT channel, ts FROM posts WHERE request_id = $1 AND surface = $2`, id, kind).Scan(&channel, &ts) != nil {
		return slacksim.Message{}, false
	}
	m, err := who.Find(channel, ts)
	return m, err == nil
}

// code is a revision's program.
func (o *office) code(r known) (code string, err error) {
	err = o.db.QueryRow(o.ctx, `SELECT code FROM revisions WHERE request_id = $1 AND number = $2`, r.ID, r.Revision).Scan(&code)
	return code, err
}

// lineNumber is what stands before each line of a program on a card.
var lineNumber = regexp.MustCompile(`(?m)^ *\d+  ?`)

// readProgram reads the program from a card's blocks, as a person does who knows nothing
// of how they were made: everything in fixed width, without its line numbers.
func readProgram(blocks []slacksim.Block) string {
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
func (o *office) wrongs(view func(string) (*approval.View, error), s scene, number int, fate string) (wrong []string) {
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
		if !strings.Contains(reply.Words(), sum.String()) {
			say("the bill is not %s: %q", sum, reply.Words())
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
	o.sim.Trouble(slacksim.Trouble{Seed: seed, Share: 0.05, Hang: 4 * time.Second})
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

	db, err := storage.Open(o.ctx, o.url, storage.Options{})
	require.NoError(t, err)
	defer db.Close()
	view := func(id string) (*approval.View, error) { return db.View(o.ctx, id) }
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
		n, err := db.VerifyChain(o.ctx, "request:"+id)
		require.NoError(t, err)
		events += n
	}
	proof.Check(t, !t.Failed(), "an office of ten people: rows, holds, bills and the audit trail agree", "%d settlements, %d events", value[int](o.house, `SELECT count(*) FROM settlements`), events)
}
