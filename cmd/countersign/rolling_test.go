package main

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/internal/pglocal/pgtest"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
	"countersign/sandbox/e2b/e2btest"
	"countersign/storage/schema"
)

// former starts the program of the version before this one, on a database that it has made itself: that of PROVE_RELEASED, which `make prove-operations` builds
// from Git (tools/operations before). In the suite, and where there is no version to build, it is this very program, in a process of
// its own. build says which.
func (w *world) former() (v *victim, build string) {
	w.t.Helper()
	program := os.Getenv("PROVE_RELEASED")
	if program == "" {
		return w.victim(), "this very build, because no other one is there"
	}
	name, err := os.ReadFile(filepath.Join(filepath.Dir(program), "version"))
	require.NoError(w.t, err)
	w.url = pgtest.Database(w.t, nil)
	w.program.DatabaseURL = Secret(pgtest.Serve(w.url))
	migrate := exec.CommandContext(w.patient(), program, "migrate")
	migrate.Env = append(w.environ(), "MIGRATE_DATABASE_URL="+w.url)
	out, err := migrate.CombinedOutput()
	require.NoError(w.t, err, "the former version migrates: %s", out)
	before := w.sim.Counts().Connections
	v = w.start(exec.Command(program, "serve"), w.environ()...)
	w.t.Cleanup(v.kill)
	w.soon("the former version is connected", func() bool {
		require.True(w.t, v.lives(), "it has ended")
		return w.sim.Counts().Connections >= before+2 && w.sim.Sockets() == w.sockets()
	})
	return v, strings.TrimSpace(string(name))
}

// TestProveOperationsTwoVersionsOnOneDatabase is a rolling upgrade: a replica of the former version works on a database
// while one of the next version comes, with another sandbox, and then goes.
func TestProveOperationsTwoVersionsOnOneDatabase(t *testing.T) {
	t.Parallel()
	const versions = "two versions on one database: "
	w := newWorld(t)
	w.program.E2BTemplate = e2btest.FormerTemplate
	former, build := w.former()
	questions := [3]string{"How many units of beans in sales.csv?", "How many units of peas in sales.csv?", "How many units of rice in sales.csv?"}
	var roots, cards [3]workspace.Message
	for i, question := range questions {
		roots[i] = w.ask(question)
		cards[i] = w.cardOf(question)
	}
	// Migrations come first, while the former one works: what was there before is there, and stays proven.
	events := value[int](w.house, `SELECT count(*) FROM events`)
	news, err := schema.Pending(w.ctx, w.url)
	require.NoError(t, err)
	require.NoError(t, migrated(w.ctx, w.url))
	db, err := w.store()
	require.NoError(t, err)
	held := auditAll(w.ctx, w.program, db)
	db.Close()
	proof.Check(t, former.lives() && held == nil && value[int](w.house, `SELECT count(*) FROM events`) >= events, versions+"the next migrates what the former has, which goes on",
		"the former: %s; migrations: %q; %d entries and their tables: %v", build, news, events, cmp.Or(held, errors.New("in order")))
	opened := w.sim.Counts().Connections
	w.program.E2BTemplate = e2btest.Template
	next, _ := w.run()
	has := func(template string) bool {
		there, err := next.db.Offered(w.ctx, sandboxName("e2b", template))
		require.NoError(t, err)
		return there
	}
	sealed := value[string](w.house, `SELECT DISTINCT said(manifest)::jsonb ->> 'template' FROM revisions`)
	w.soon("both say what they have", func() bool { return has(sealed) && has(next.service.Sandbox.Template()) })
	require.NotEqual(t, sealed, next.service.Sandbox.Template())
	broken := func() int { return value[int](w.house, `SELECT count(*) FROM events WHERE kind = 'seal broken'`) }
	ran := func(template string) (n int) {
		for _, box := range w.boxes.Boxes() {
			if box.Asked["templateID"] == template {
				n += box.Starts
			}
		}
		return n
	}

	// Both live, and the click goes to the next one: the former has the sandbox, so the former runs it.
	w.sim.Favour(opened)
	require.NoError(t, w.ben.Click(cards[0], "Approve"))
	w.says(roots[0], "the answer is 42")
	proof.Check(t, ran(e2btest.FormerTemplate) == 1 && ran(e2btest.Template) == 0 && w.marks() == 1 && broken() == 0,
		versions+"asked at the former, approved at the next, run by the one that has its sandbox",
		"the former: %s; %d runs, %d marks, %d seals broken", build, ran(e2btest.FormerTemplate), w.marks(), broken())

	// The former goes. Whoever clicks on what was sealed for it has it back; what nobody has clicked on goes back by itself.
	former.term()
	<-former.dead
	w.soon("nobody has its sandbox any more", func() bool { return !has(sealed) })
	anew := func(i int) workspace.Message {
		t.Helper()
		card, err := w.ben.WaitMessage(w.patient(), slacksim.CodeReview, func(m workspace.Message) bool {
			return m.TS > cards[2].TS && m.Has("Approve") && strings.Contains(m.Words(), questions[i])
		})
		require.NoError(t, err, "no card for its reviewers anew")
		return card
	}
	require.NoError(t, w.ben.Click(cards[1], "Approve"))
	clicked := anew(1)
	proof.Check(t, broken() == 1 && w.marks() == 1, versions+"who clicks on what no replica can run has it back", "%d seals broken, %d marks", broken(), w.marks())
	for range 3 { // each look is a quarter of an hour after the one before
		require.NoError(t, w.database(func(conn *pgx.Conn) error {
			_, err := conn.Exec(w.ctx, `UPDATE requests SET looked_at = clock_timestamp() - interval '16 minutes' WHERE state = 'pending'`)
			return err
		}))
		require.NoError(t, next.sweep(w.ctx))
		anew(2)
		w.soon("everything was looked at", func() bool {
			return value[bool](w.house, `SELECT bool_and(looked_at > clock_timestamp() - interval '10 minutes') FROM requests WHERE state = 'pending'`)
		})
	}
	proof.Check(t, broken() == 2 && w.marks() == 1, versions+"what no replica can run goes back to reviewers once, before they click", "%d seals broken, %d marks", broken(), w.marks())

	// The next one goes on alone.
	for i, card := range map[int]workspace.Message{1: clicked, 2: anew(2)} {
		require.NoError(t, w.ben.Click(card, "Approve"))
		w.says(roots[i], "the answer is 42")
	}
	require.NoError(t, w.ben.Click(w.card(w.ask(asked)), "Approve"))
	w.ended(4)
	done := value[int](w.house, `SELECT count(*) FROM requests WHERE state = $1`, approval.Done)
	proof.Check(t, done == 4 && w.marks() == 4 && ran(e2btest.Template) == 3 && ran(e2btest.FormerTemplate) == 1 && broken() == 2, versions+"the next one goes on alone, and nothing runs twice",
		"%d answered, %d marks", done, w.marks())
	w.truth(2) // each of the two that went back has two cards
}
