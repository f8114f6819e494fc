package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/internal/proof"
	"countersign/internal/slacksim"
)

// upgraded is a sandbox of another version: what is installed in its boxes is called otherwise, and it starts
// only what was sealed for that.
type upgraded struct{ steps.Sandbox }

const nextVersion = " of the next version"

func (u upgraded) Template() string { return u.Sandbox.Template() + nextVersion }

func (u upgraded) Create(ctx context.Context, request string, seal approval.Manifest) (string, error) {
	own, ok := strings.CutSuffix(seal.Template, nextVersion)
	if !ok {
		return "", fmt.Errorf("%s was sealed for the former version", request)
	}
	seal.Template = own
	return u.Sandbox.Create(ctx, request, seal)
}

// released starts the program that was released last beside this one: that of PROVE_RELEASED, and
// in the suite this very program, in a process of its own.
func (w *world) released() *victim {
	w.t.Helper()
	if program := os.Getenv("PROVE_RELEASED"); program != "" {
		return w.start(exec.Command(program, "serve"), w.environ()...)
	}
	return w.victim()
}

// TestProveOperationsTwoVersionsOnOneDatabase is a rolling upgrade: a replica of the former version works on a database
// while one of the next version comes, with another sandbox, and then goes.
func TestProveOperationsTwoVersionsOnOneDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	former := w.released()
	w.act(func() error { return w.maya.Command(slacksim.SalesData, "/analyze "+asked) }, requested, nil)
	first := w.openCard()
	next, _ := w.run(func(r *replica) {
		r.rewire(func(p *steps.Ports) { p.Sandbox = upgraded{p.Sandbox} })
	})
	has := func(template string) bool {
		there, err := next.db.Offered(w.ctx, sandboxName("e2b", template))
		require.NoError(t, err)
		return there
	}
	sealed := value[string](w.house, `SELECT said(manifest)::jsonb ->> 'template' FROM revisions`)
	w.soon("both say what they have", func() bool { return has(sealed) && has(next.service.Sandbox.Template()) })
	require.NotEqual(t, sealed, next.service.Sandbox.Template())

	// Both live: whoever gets the job, the one with the sandbox runs it.
	w.act(func() error { return w.ben.Click(first, "Approve") }, decided, nil)
	w.ended(1)
	run := value[int](w.house, `SELECT count(*) FROM runs WHERE revision = 1 AND finished_at IS NOT NULL`)
	proof.Check(t, run == 1 && w.marks() == 1 && value[int](w.house, `SELECT count(*) FROM events WHERE kind = 'seal broken'`) == 0,
		"two versions on one database: a run is worked by the replica that has its sandbox", "%d runs of the first version, %d marks", run, w.marks())

	// The former goes, and the next one goes on alone.
	former.term()
	<-former.dead
	w.soon("nobody has it any more", func() bool { return !has(sealed) })
	require.NoError(t, w.ben.Click(w.card(w.ask(asked)), "Approve"))
	w.ended(2)
	proof.Check(t, w.marks() == 2 && value[int](w.house, `SELECT count(*) FROM requests WHERE state = $1`, approval.Done) == 2, "two versions on one database: the next one goes on alone", "%d marks, %s", w.marks(), value[string](w.house, `SELECT string_agg(state || coalesce(reason::text, $$$$), $$; $$) FROM requests`)+value[string](w.house, `SELECT string_agg(coalesce(said(result), $$$$), $$; $$) FROM runs`))
}
