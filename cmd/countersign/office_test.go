package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// office is the workspace and whoever plays in it.
type office struct {
	*house
	db      *pgxpool.Pool
	seed    uint64
	askers  []*person.Person
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
	asker    *person.Person
	reviewer *person.Person
	other    *person.Person
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
	more := []workspace.User{
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
	channels = append(channels, workspace.Channel{ID: "C0STORES", Name: "stores", Members: everybody}, workspace.Channel{ID: "C0FINANCE", Name: "finance", Members: everybody})
	o := &office{seed: seed, modals: map[string]*sync.Mutex{}}
	// Slack's own pace of posting belongs to a bad day as well, only a little shorter.
	o.house = openIn(t, slacksim.Options{Users: users, Channels: channels, PostBurst: 10, Timing: slacksim.Timing{Post: 200 * time.Millisecond}},
		atE2B(newCloud(t)), func(c *Config) { c.MaxOpen = 1000 })
	for _, u := range append([]workspace.User{{ID: slacksim.Analyst}, {ID: slacksim.OtherAnalyst}, {ID: slacksim.Admin}}, more...) {
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
		FROM requests WHERE said(question) = $1 ORDER BY created_at, id`, text)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[known])
}

// persist does what a person does whose Slack says that nothing happened: again.
func (o *office) persist(do func() error) error {
	for {
		err := do()
		if _, ok := errors.AsType[*person.Unanswered](err); !ok {
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
			person.Fill("question", text).And("files", s.room.file))
	}
	err := s.asker.Command(s.room.channel, "/analyze "+text)
	if _, ok := errors.AsType[*person.Unanswered](err); ok {
		return nil // looked for, and asked again if it is not there
	}
	return err
}

// modal opens a modal, fills it in and hands it in. It is closed and left when it does
// not open, or when nobody answers: what was meant by it is looked for by the caller.
func (o *office) modal(p *person.Person, callback string, open func() error, form person.Form) error {
	lock := o.modals[p.ID()]
	lock.Lock()
	defer lock.Unlock()
	var unanswered *person.Unanswered
	if err := open(); err != nil {
		if errors.As(err, &unanswered) {
			return nil
		}
		return err
	}
	for tries := range 50 {
		if v, there := p.View(); there && v.CallbackID == callback {
			wrong, err := p.Submit(form)
			var refusal *person.Refusal
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
