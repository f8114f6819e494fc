package slacksim_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

// script is the node process with the official clients, and the lines it prints.
type script struct {
	lines chan map[string]any
}

// installing is held by the one test that installs: the others wait for it.
var installing sync.Mutex

// clients is where the official clients are, and the compiler that reads their types.
const clients = "officialclients"

// install runs npm ci in a folder where one of the packages is not there yet. It
// runs on the node that will run them: npm leaves out, without a word, what is
// optional and not made for its own.
func install(t *testing.T, node, folder string, needed ...string) {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	for _, name := range needed {
		if _, err := os.Stat(filepath.Join(folder, "node_modules", filepath.FromSlash(name))); err != nil {
			npm(t, node, folder, "ci", "--no-audit", "--no-fund")
		}
	}
}

// nodeFor installs the clients, and returns a node that they run on.
func nodeFor(t *testing.T) (node string) {
	t.Helper()
	install(t, "node", clients, "@slack/socket-mode", "typescript")
	installing.Lock()
	defer installing.Unlock()
	const oldest, wanted = 20, "24.21.0"
	version, err := exec.Command("node", "--version").Output()
	major := 0
	if _, scanned := fmt.Sscanf(string(version), "v%d.", &major); err == nil && scanned == nil && major >= oldest {
		return "node"
	}
	// Debian 12 has node 18, on which neither the clients nor the page's tests run.
	name := "node-linux-" + map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	node, err = filepath.Abs(filepath.Join(clients, "node_modules", name, "bin", "node"))
	require.NoError(t, err)
	if _, err := os.Stat(node); err != nil {
		npm(t, "node", clients, "install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", name+"@"+wanted)
	}
	return node
}

func npm(t *testing.T, node, folder string, args ...string) {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), soon)
	defer stop()
	run := exec.CommandContext(ctx, "npm", args...)
	run.Dir = folder
	if filepath.IsAbs(node) {
		run.Env = append(os.Environ(), "PATH="+filepath.Dir(node)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	out, err := run.CombinedOutput()
	require.NoError(t, err, "npm %s in %s (npm must be installed): %s", args[0], folder, out)
}

func runScript(t *testing.T, sim *slacksim.Sim, name string) *script {
	t.Helper()
	program := nodeFor(t)
	ctx, stop := context.WithCancel(context.Background())
	node := exec.CommandContext(ctx, program, name)
	node.Dir = clients
	node.Env = append(os.Environ(), "API_URL="+sim.APIURL(), "BOT_TOKEN="+sim.BotToken(), "APP_TOKEN="+sim.AppToken())
	node.Stderr = os.Stderr
	stdin, err := node.StdinPipe()
	require.NoError(t, err)
	stdout, err := node.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, node.Start())
	s := &script{lines: make(chan map[string]any, 100)}
	read := make(chan struct{})
	go func() {
		defer close(read)
		in := bufio.NewScanner(stdout)
		for in.Scan() {
			var line map[string]any
			if json.Unmarshal(in.Bytes(), &line) != nil {
				line = map[string]any{"at": "printed", "text": in.Text()}
			}
			s.lines <- line
		}
	}()
	t.Cleanup(func() {
		_ = stdin.Close() // the script disconnects and ends
		killer := time.AfterFunc(soon, stop)
		<-read
		err := node.Wait()
		killer.Stop()
		stop()
		require.NoError(t, err)
	})
	return s
}

// at waits for the line of one event, and fails on a failure that the script reports.
func (s *script) at(t *testing.T, what string) map[string]any {
	t.Helper()
	limit := time.After(2 * soon)
	for {
		select {
		case line := <-s.lines:
			require.NotEqual(t, "failed", line["at"], fmt.Sprint(line))
			if line["at"] == what {
				return line
			}
		case <-limit:
			t.Fatalf("the script did not say %q", what)
		}
	}
}

// TestOfficialClients: an app that knows nothing of this simulator, written with
// Slack's own clients, works with it in all that the product needs.
func TestOfficialClients(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{})
	app := runScript(t, sim, "play.mjs")
	started := app.at(t, "started")
	require.Equal(t, slacksim.BotUser, started["user"])
	require.Contains(t, fmt.Sprint(started["scopes"]), "chat:write")
	require.Equal(t, "not_in_channel", app.at(t, "refused")["code"])
	ctx, maya := within(t), sim.As(slacksim.Analyst)
	is := func(words string) func(workspace.Message) bool {
		return func(m workspace.Message) bool { return m.Words() == words }
	}

	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze inline"))
	_, err := maya.WaitEphemeral(ctx, slacksim.SalesData, is("answered in the ack"))
	require.NoError(t, err)

	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze sales"))
	posted := app.at(t, "posted")
	require.EqualValues(t, 2, posted["blocks"])
	require.Contains(t, posted["link"], "/archives/C0SALES/p")
	card, err := maya.Find(slacksim.SalesData, fmt.Sprint(posted["ts"]))
	require.NoError(t, err)
	require.NoError(t, maya.Click(card, "Approve"))
	_, err = maya.WaitChange(ctx, card, is("Approved by <@U0MAYA>"))
	require.NoError(t, err)
	_, err = maya.WaitEphemeral(ctx, slacksim.SalesData, is("through response_url"))
	require.NoError(t, err)

	require.NoError(t, maya.Command(slacksim.SalesData, "/analyze form"))
	_, err = maya.WaitView(ctx, func(v workspace.View) bool { return v.CallbackID == "ask" })
	require.NoError(t, err)
	broken, err := maya.Submit(person.Fill("Question", "bad"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"q": "Too short."}, broken)
	broken, err = maya.Submit(person.Fill("Question", "How many cups?"))
	require.NoError(t, err)
	require.Empty(t, broken)
	require.NoError(t, maya.WaitNoView(ctx))
	_, err = maya.WaitMessage(ctx, maya.DM(), is("You asked: How many cups?"))
	require.NoError(t, err)

	asked, err := maya.Share(slacksim.SalesData, "@analyze please read", "cups.csv", []byte("day,cups\nmon,3\n"))
	require.NoError(t, err)
	mentioned := app.at(t, "mentioned")
	require.Equal(t, "cups.csv", mentioned["file"])
	require.Equal(t, true, mentioned["next"], "the members come in pages")
	require.Equal(t, "Europe/Stockholm", mentioned["tz"])
	answer, err := maya.WaitReply(ctx, slacksim.SalesData, asked.TS, func(m workspace.Message) bool { return len(m.Files) == 1 })
	require.NoError(t, err)
	require.Equal(t, "Read it", answer.Text)
	content, err := maya.Download(answer.Files[0].ID)
	require.NoError(t, err)
	require.Equal(t, "DAY,CUPS\nMON,3\n", string(content))

	require.NoError(t, maya.OpenHome())
	_, err = maya.WaitHome(ctx, func(v workspace.View) bool { return true })
	require.NoError(t, err)
}

// TestOfficialClientsCallMore: what such apps call and ours does not is there, too.
func TestOfficialClientsCallMore(t *testing.T) {
	t.Parallel()
	sim := slacksim.Start(t, slacksim.Options{Scopes: moreScopes})
	app := runScript(t, sim, "more.mjs")
	team := app.at(t, "team")
	require.Equal(t, slacksim.DefaultTeam.Name, team["name"])
	require.Equal(t, true, team["same"])
	user := app.at(t, "user")
	require.Equal(t, slacksim.Analyst, user["id"])
	require.Equal(t, "maya@harbor-coffee.example", user["email"])
	require.Equal(t, []any{"eyes"}, app.at(t, "marked")["reactions"])
	require.Equal(t, "delayed_message", app.at(t, "scheduled")["kind"])
	streamed := app.at(t, "streamed")
	require.Equal(t, "The answer is 42.", streamed["text"])
	require.Equal(t, true, streamed["thread"])
	require.Equal(t, "already_reacted unknown_method", app.at(t, "refused")["codes"])
}
