package main

import (
	"archive/zip"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval"
	"countersign/approval/review"
	"countersign/bot/ids"
	"countersign/internal/checkpoint"
	"countersign/internal/pack"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// audits has Carla name Jun an auditor in her Home, as an administrator would.
func (h *house) audits() *person.Person {
	h.t.Helper()
	require.NoError(h.t, h.carla.OpenHome())
	at, err := h.carla.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "People") })
	require.NoError(h.t, err)
	require.NoError(h.t, h.carla.ClickView(at, ids.ActionPeople))
	list, err := h.carla.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackPeople })
	require.NoError(h.t, err)
	require.NoError(h.t, h.carla.ClickView(list, ids.ActionName))
	_, err = h.carla.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackName })
	require.NoError(h.t, err)
	wrong, err := h.carla.Submit(person.Fill(ids.FieldPerson, slacksim.OtherAnalyst).And(ids.FieldRole, string(review.RoleAuditor)))
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
	require.NoError(h.t, h.carla.CloseView())
	return h.sim.As(slacksim.OtherAnalyst)
}

// looksFor has somebody open the list of requests from their Home, and returns it.
func (h *house) looksFor(who *person.Person, form person.Form) workspace.View {
	h.t.Helper()
	require.NoError(h.t, who.OpenHome())
	home, err := who.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Find requests") })
	require.NoError(h.t, err)
	require.NoError(h.t, who.ClickView(home, ids.ActionAudit))
	_, err = who.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackAudit })
	require.NoError(h.t, err)
	wrong, err := who.Submit(form)
	require.NoError(h.t, err)
	require.Empty(h.t, wrong)
	list, err := who.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackFound })
	require.NoError(h.t, err)
	return list
}

// pushed presses something in the modal that is open, and waits for the one with this title.
func (h *house) pushed(who *person.Person, action, title string) workspace.View {
	h.t.Helper()
	open, there := who.View()
	require.True(h.t, there)
	require.NoError(h.t, who.ClickView(open, action))
	v, err := who.WaitView(h.patient(), func(v workspace.View) bool { return strings.HasPrefix(v.Words(), title) })
	require.NoError(h.t, err)
	return v
}

func TestAnAuditorSeesAllInHome(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "amount\n1\n")
	h.writes("print(1)  # for everybody", "print(2)  # for one")
	root := h.ask("How many rows has sales.csv?")
	h.approve(h.cardOf("How many rows"))
	h.reply(root)
	h.privately("What do we pay our suppliers, by sales.csv?")
	h.approve(h.cardOf("What do we pay"))
	h.soon("both are done", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 2 })
	h.quiet()
	jun := h.audits()
	require.Equal(t, "auditor", value[string](h, `SELECT data::jsonb ->> 'role' FROM events WHERE kind = 'named' AND data::jsonb ->> 'person' = $1`, slacksim.OtherAnalyst))
	h.soon("all has its place in the log", func() bool { return value[int](h, `SELECT count(*) FROM unlogged`) == 0 })

	require.NoError(t, jun.OpenHome())
	home, err := jun.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Find requests") })
	require.NoError(t, err)
	require.NoError(t, jun.ClickView(home, ids.ActionTop))
	h.sees(jun, ids.CallbackTop, "this month")
	require.NoError(t, jun.CloseView())
	require.Error(t, jun.ClickView(home, ids.ActionSetLimit), "and sets none of it")

	list := h.looksFor(jun, person.Form{})
	require.Contains(t, list.Words(), "How many rows has sales.csv?")
	require.Contains(t, list.Words(), "answer for its asker alone")
	require.NoError(t, jun.CloseView())
	list = h.looksFor(jun, person.Fill(ids.FieldWords, "FOR ONE").And(ids.FieldPerson, slacksim.Analyst))
	require.NotContains(t, list.Words(), "How many rows")
	require.Contains(t, list.Words(), "What do we pay")

	record := h.pushed(jun, ids.ActionRecord, "Request ")
	for _, words := range []string{"What do we pay our suppliers", "Answered", "Approved, version 1", "sales.csv", "sealed as", "What it cost", "entries of the log", "The answer is its asker's alone"} {
		require.Contains(t, record.Words(), words)
	}
	require.Contains(t, fmt.Sprint(record.Blocks), slacksim.Reviewer)
	require.Zero(t, value[int](h, `SELECT count(*) FROM events WHERE kind = 'looked at'`))
	h.pushed(jun, ids.ActionPrivate, "Answer")
	require.Equal(t, slacksim.OtherAnalyst+" "+`private answer`, value[string](h, `SELECT actor || ' ' || (data::jsonb ->> 'what') FROM events WHERE kind = 'looked at'`))
	require.NoError(t, jun.CloseView())
	written := h.pushed(jun, ids.ActionWritten, "What was written")
	require.Contains(t, written.Words(), "print(2)  # for one")

	home, _ = jun.Home()
	require.NotContains(t, home.Words(), "Ask a question")
	for _, never := range []string{ids.ActionPeople, ids.ActionRules, ids.ActionTrail, ids.ActionSetLimit, ids.ActionAsk, ids.ActionKeys} {
		require.NotContains(t, fmt.Sprint(home.Blocks), never, "an auditor has nothing to press that changes anything")
	}
	for range 3 {
		if _, open := jun.View(); open {
			require.NoError(t, jun.CloseView())
		}
	}
	require.NoError(t, jun.ClickView(home, ids.ActionDeeds))
	deeds, err := jun.WaitView(h.patient(), func(v workspace.View) bool { return strings.HasPrefix(v.Words(), "What was changed") })
	require.NoError(t, err)
	require.Contains(t, deeds.Words(), "named, person "+slacksim.OtherAnalyst+", role auditor")
	require.NoError(t, jun.CloseView())
	require.NoError(t, jun.ClickView(home, ids.ActionPoints))
	points, err := jun.WaitView(h.patient(), func(v workspace.View) bool { return strings.HasPrefix(v.Words(), "Checkpoints") })
	require.NoError(t, err)
	require.Contains(t, points.Words(), "Checkpoint 1")

	// Nobody else sees any of it, though they press what an auditor's Home has.
	h.forge(slacksim.Analyst, ids.ActionDeeds, "")
	h.told(h.maya, slacksim.SalesData, "Only administrators and auditors can look at this.")
	h.addsUp()
}

// An auditor has a pack made in Home. It comes as a file, names people, and a stranger can check it.
func TestAnAuditorHasAPackMade(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "amount\n1\n")
	h.writes("print(1)")
	root := h.ask("How many rows has sales.csv?")
	h.approve(h.cardOf("How many rows"))
	h.reply(root)
	jun := h.audits()
	h.soon("names are written down", func() bool { return value[int](h, `SELECT count(*) FROM events WHERE kind = 'known as'`) >= 3 })
	require.NoError(t, jun.OpenHome())
	home, err := jun.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Make a pack") })
	require.NoError(t, err)
	require.NoError(t, jun.ClickView(home, ids.ActionPack))
	_, err = jun.WaitView(h.patient(), func(v workspace.View) bool { return v.CallbackID == ids.CallbackPack })
	require.NoError(t, err)
	wrong, err := jun.Submit(person.Fill(ids.FieldFrom, "2099-01-01"))
	require.NoError(t, err)
	require.Contains(t, wrong[ids.FieldFrom], "lies after the last one, or ahead")
	today := time.Now().UTC().Format(time.DateOnly)
	wrong, err = jun.Submit(person.Fill(ids.FieldFrom, today))
	require.NoError(t, err)
	require.Empty(t, wrong)
	h.inDM(jun, "Here is the pack that you asked for")
	sent, err := jun.WaitMessage(h.patient(), jun.DM(), func(m workspace.Message) bool {
		return len(m.Files) == 1 && strings.HasPrefix(m.Files[0].Name, "pack-")
	})
	require.NoError(t, err)
	zipped, err := jun.Download(sent.Files[0].ID)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), sent.Files[0].Name)
	require.NoError(t, os.WriteFile(path, zipped, 0o600))

	signed, err := h.program.signed()
	require.NoError(t, err)
	lines, err := signed.Key.Publics()
	require.NoError(t, err)
	key, err := checkpoint.Verifier(lines[0])
	require.NoError(t, err)
	report, err := pack.Verify(path, pack.Trust{Keys: []note.Verifier{key}})
	require.NoError(t, err)
	require.True(t, report.Shown(), report.Sentences())
	require.True(t, report.Complete())
	require.Equal(t, int64(1), report.Showing)
	require.Equal(t, slacksim.OtherAnalyst, value[string](h, `SELECT actor FROM events WHERE kind = 'packed'`))
	page := unzipped(t, path, "page.html")
	for _, words := range []string{"Maya Lindqvist (" + slacksim.Analyst + ") asked this", "in #sales-data (" + slacksim.SalesData + ")", "Ben Osei (" + slacksim.Reviewer + ")<br><span class=\"faint\">reviewer by the settings of the server</span>", "How many rows has sales.csv?", "named, person Jun Park (" + slacksim.OtherAnalyst + "), role auditor", "Carla Reyes (" + slacksim.Admin + ")"} {
		require.Contains(t, page, words)
	}
	require.Contains(t, unzipped(t, path, "requests.csv"), ",Maya Lindqvist,"+slacksim.Analyst+",#sales-data,"+slacksim.SalesData+",")
	require.Contains(t, unzipped(t, path, "decisions.jsonl"), `"reviewer_name":"Ben Osei"`)

	// Who is no auditor any more gets none, though the button still stands there.
	h.forge(slacksim.Analyst, ids.ActionPack, "")
	h.told(h.maya, slacksim.SalesData, "Only administrators and auditors can look at this.")

	// At a terminal the same is told in words.
	id := value[string](h, `SELECT id FROM requests`)
	for args, want := range map[string][]string{
		"list --person maya --words ROWS --zone UTC":        {"Maya Lindqvist (" + slacksim.Analyst + ")", "#sales-data", "done", "How many rows"},
		"list --channel sales-data --json":                  {`"asker_name": "Maya Lindqvist"`, `"state": "done"`},
		"list --person ben --from 2020-01-01 --to " + today: {"How many rows"},
		"show " + id + " --zone UTC":                        {"Asked by Maya Lindqvist", "print(1)", "Ben Osei (" + slacksim.Reviewer + "): Approved, version 1", "What it cost", "UTC"},
		"show " + id + " --json":                            {`"Question": "How many rows has sales.csv?"`},
		"list --words nothing-of-this-kind":                 {},
	} {
		var out strings.Builder
		p := h.program
		p.args, p.out = strings.Fields(args), &out
		require.NoError(t, audit(h.ctx, p), args)
		for _, words := range want {
			require.Contains(t, out.String(), words, args)
		}
		if len(want) == 0 {
			require.Empty(t, out.String(), args)
		}
	}
}

// unzipped is a file of a pack.
func unzipped(t *testing.T, path, name string) string {
	t.Helper()
	z, err := zip.OpenReader(path)
	require.NoError(t, err)
	defer z.Close()
	f, err := z.Open(name)
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	if dir := os.Getenv("COUNTERSIGN_PICTURES"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return string(text)
}

// forge sends a press of a button by somebody whose client does not show it.
func (h *house) forge(who, action, value string) {
	h.t.Helper()
	h.presses++
	h.sim.Deliver("interactive", "block_actions "+action, workspace.Body{"type": "block_actions", "user": workspace.Body{"id": who, "team_id": slacksim.DefaultTeam.ID}, "team": workspace.Body{"id": slacksim.DefaultTeam.ID},
		"api_app_id": "A0", "trigger_id": fmt.Sprintf("forged.%d", h.presses), "container": workspace.Body{"type": "message", "message_ts": fmt.Sprintf("1.%06d", h.presses), "channel_id": slacksim.SalesData},
		"channel": workspace.Body{"id": slacksim.SalesData, "name": "sales-data"},
		"actions": []workspace.Body{{"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": fmt.Sprintf("2.%06d", h.presses), "selected_option": workspace.Body{"value": value}}}})
}

// actions are all buttons that there are, as package ids lists them.
func actions(t *testing.T) (names []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../bot/ids/ids.go", nil, 0)
	require.NoError(t, err)
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is || !strings.HasPrefix(spec.Names[0].Name, "Action") {
			return true
		}
		name, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		names = append(names, name)
		return true
	})
	require.Greater(t, len(names), 80)
	return names
}

// deeds is all that people can change, in one line.
const deeds = `SELECT concat_ws(' ', (SELECT count(*) FROM people), (SELECT count(*) FROM rules), (SELECT count(*) FROM pins), (SELECT count(*) FROM delegations), (SELECT count(*) FROM ssh_keys),
	(SELECT count(*) FROM limits), (SELECT count(*) FROM topups), (SELECT count(*) FROM decisions), (SELECT count(*) FROM runs), (SELECT count(*) FROM holds), (SELECT count(*) FROM revisions), (SELECT count(*) FROM messages),
	(SELECT count(*) FROM sessions), (SELECT string_agg(id || state || coalesce(revision, 0) || coalesce(assignee, '') || coalesce(array_to_string(opinions, ','), ''), ' ' ORDER BY id) FROM requests))`

// Every button of the program is pressed by an auditor, with the value that it has for whoever may press it.
func TestAnAuditorChangesNothing(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.share("sales.csv", "amount\n1\n")
	h.writes("print(1)", "print(2)")
	root := h.ask("How many rows has sales.csv?")
	h.approve(h.cardOf("How many rows"))
	h.reply(root)
	h.ask("And how many columns has sales.csv?")
	waits := h.cardOf("And how many columns")
	require.NoError(t, h.carla.Command(slacksim.SalesData, "/budget set @ben 25"))
	for _, who := range []*person.Person{h.maya, h.ben} {
		require.NoError(t, who.OpenHome())
		_, err := who.WaitHome(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "Ask a question") })
		require.NoError(t, err)
	}
	jun := h.audits()
	h.quiet()

	// What stands on buttons, by their names, wherever somebody sees them.
	values := map[string]map[string]bool{}
	note := func(blocks any) {
		walkButtons(blocks, func(action, value string) {
			if values[action] == nil {
				values[action] = map[string]bool{}
			}
			values[action][value] = true
		})
	}
	for _, channel := range []string{slacksim.SalesData, slacksim.CodeReview, h.maya.DM(), h.ben.DM()} {
		for _, who := range []*person.Person{h.maya, h.ben, h.carla} {
			for _, m := range who.Messages(channel) {
				for _, one := range who.Thread(channel, m.TS) {
					for _, b := range one.All() {
						note(map[string]any(b))
					}
				}
			}
		}
	}
	for _, who := range []*person.Person{h.maya, h.ben, h.carla} {
		home, _ := who.Home()
		for _, b := range home.Blocks {
			note(map[string]any(b))
		}
	}
	require.Greater(t, len(values), 25, "the scene shows buttons of many kinds: %v", values)
	requests := []string{value[string](h, `SELECT id FROM requests WHERE state = 'done'`), value[string](h, `SELECT id FROM requests WHERE state = 'pending'`)}

	before, written := value[string](h, deeds), value[int](h, `SELECT count(*) FROM events WHERE actor = $1`, slacksim.OtherAnalyst)
	pressed := 0
	for _, action := range actions(t) {
		tries := []string{}
		for v := range values[action] {
			tries = append(tries, v)
		}
		if len(tries) == 0 {
			tries = append(tries, requests...)
		}
		for _, v := range tries {
			h.forge(slacksim.OtherAnalyst, action, v)
			pressed++
		}
	}
	require.Greater(t, pressed, 100)

	// What anybody may do who is no auditor, said in words that they read.
	refused := "You are an auditor here: you see everything and change nothing"
	require.NoError(t, jun.Command(slacksim.SalesData, "/analyze How many rows has sales.csv for me?"))
	h.told(jun, slacksim.SalesData, refused)
	for _, line := range []string{"/analyze cancel " + requests[1], "/analyze verify " + requests[0], "/budget set @jun 100", "/budget remove @ben"} {
		require.NoError(t, jun.Command(slacksim.SalesData, line))
	}
	_, err := jun.Say(slacksim.SalesData, "@countersign How many rows has sales.csv by mention?")
	require.NoError(t, err)
	_, err = jun.Say(jun.DM(), "How many rows has sales.csv in #sales-data?")
	require.NoError(t, err)
	h.inDM(jun, refused)
	h.sim.Deliver("interactive", "view_submission keys", workspace.Body{"type": "view_submission", "user": workspace.Body{"id": slacksim.OtherAnalyst, "team_id": slacksim.DefaultTeam.ID}, "team": workspace.Body{"id": slacksim.DefaultTeam.ID},
		"trigger_id": "forged.keys", "view": workspace.Body{"id": "V1", "type": "modal", "callback_id": ids.CallbackKeys, "state": workspace.Body{"values": workspace.Body{ids.FieldKey: workspace.Body{ids.FieldKey: workspace.Body{
			"type": "plain_text_input", "value": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIwY51+3/giY25ZO7TtpXu4sGcynYaIiA6ih4hq4x7q1"}}}}}})
	h.quiet()

	require.Equal(t, before, value[string](h, deeds))
	require.Equal(t, "", value[string](h, `SELECT coalesce(string_agg(DISTINCT kind, ', '), '') FROM events WHERE actor = $1 AND kind NOT IN ('looked at', 'packed', 'refused click')`, slacksim.OtherAnalyst))
	require.Greater(t, value[int](h, `SELECT count(*) FROM events WHERE actor = $1`, slacksim.OtherAnalyst), written, "what was refused is on record")

	// An alarm about the log reaches auditors as well as administrators.
	db, err := h.store()
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, (keeper{db: db}).alarm(h.ctx, approval.LogAlarm{Why: approval.LogForks}))
	h.inDM(jun, "The audit log does not continue")
	h.inDM(h.carla, "The audit log does not continue")
	h.approve(waits)
	h.soon("the others go on", func() bool { return value[int](h, `SELECT count(*) FROM requests WHERE state = 'done'`) == 2 })
	h.addsUp()
}

// walkButtons finds whatever can be pressed in blocks.
func walkButtons(v any, found func(action, value string)) {
	switch v := v.(type) {
	case map[string]any:
		if action, is := v["action_id"].(string); is {
			said, _ := v["value"].(string)
			found(action, said)
			options, _ := v["options"].([]any)
			for _, o := range options {
				if option, is := o.(map[string]any); is {
					found(action, fmt.Sprint(option["value"]))
				}
			}
		}
		for _, below := range v {
			walkButtons(below, found)
		}
	case []any:
		for _, below := range v {
			walkButtons(below, found)
		}
	}
}
