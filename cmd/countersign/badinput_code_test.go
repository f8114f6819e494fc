package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
	"countersign/internal/slacksim"
)

// Somebody approved all of these. Each ends as it deserves, says so, is paid for
// and is over: what ran has run, so the request is done.
func TestProveReviewHarmfulCodeEndsWithAPlainAnswer(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *Config) { c.RunSeconds = 600 })
	h.run()
	h.share("sales.csv", "price\n1\n2\n")
	type harm struct {
		name, code, outcome string
		shown               []string
		files               int
		own                 string   // what only the asker reads, behind Details
		sent, kept          []string // names of files that are uploaded, and of those that are not
	}
	drawn := proof.Draw(t, []harm{
		{"raises", "import pandas as pd\ndf = pd.read_csv(\"sales.csv\")\nprint(\"so far\")\ndf[\"pri\" + \"ze\"]", "raised",
			[]string{"The code stopped with an error.\n KeyError\n", "line 4: df[\"pri\" + \"ze\"]", "so far", "Opened sales.csv", "finds them in Details"}, 0, "KeyError: 'prize'", nil, nil},
		{"prints a gigabyte", "line = \"x\" * (1 << 20)\nfor _ in range(1024):\n    print(line)", "ok",
			[]string{"What was printed was cut: its beginning and its end are shown, of 1024.0 MB.", "That is not all: the rest is in", "output.txt"}, 0, "", []string{"output.txt"}, nil},
		{"fills the disk", "n = 0\nwhile True:\n    n += 1\n    with open(\"f%d\" % n, \"wb\") as f:\n        f.write(b\"x\" * (30 << 20))", "raised",
			[]string{"OSError", "was left behind"}, 0, "No space left on device", nil, nil},
		{"saves figures", "import matplotlib.pyplot as plt\nfor i in range(60):\n    plt.figure(figsize=(1, 1)).add_subplot()\nprint(\"all of them\")", "ok",
			[]string{"40 more figures were not kept: 20 may come back.", "all of them"}, 20, "", []string{"chart-20.png"}, []string{"chart-21.png"}},
		{"draws into files", "import matplotlib.pyplot as plt\nfor i in range(60):\n    fig = plt.figure(figsize=(1, 1))\n    fig.add_subplot()\n    fig.savefig(f\"{i}.png\")\n    plt.close(fig)\nprint(\"all saved\")", "ok",
			[]string{"40 more files were left behind: 20 may come back.", "all saved", "0.png"}, 20, "", []string{"19.png"}, []string{"20.png"}}, // of files that the code saves itself, the first by number
		{"writes outside", "import os\nfor path in (\"../../x\", \"/x\", \"../x\"):\n    try:\n        open(path, \"w\").write(\"x\")\n        print(path, \"written\")\n" +
			"    except OSError as e:\n        print(path, \"refused\")\nopen(\"in.txt\", \"w\").write(\"here\")\nopen(\"../../x\", \"w\")", "raised",
			[]string{"../../x refused\n/x refused\n../x refused"}, 1, "'../../x'", nil, nil},
	})
	t.Cleanup(func() {
		proof.Check(t, !t.Failed(), "harmful code that somebody approved ends with a plain answer in Slack, and is paid for once", "%d programs", len(drawn))
	})
	for _, c := range drawn {
		h.writes(c.code)
		root := h.ask("How many with sales.csv that " + c.name + "?")
		card := h.cardOf(c.name)
		h.approve(card)
		reply := h.reply(root)
		said := reply.Words()
		for _, m := range h.maya.Thread(root.Channel, root.TS) {
			said += "\n" + m.Words()
		}
		for _, words := range c.shown {
			require.Contains(t, said, words, c.name)
		}
		bill := h.bill(reply)
		require.Contains(t, bill, "local sandbox: ", "box seconds are on the bill")
		if c.own != "" {
			require.Contains(t, bill, c.own, c.name)
			require.NotContains(t, said, c.own, "the words of an error may quote data")
		}
		require.NotContains(t, said, "/runner/", "frames of ours are nobody's business")
		require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row(c.name), c.name)
		id := value[string](h, `SELECT id FROM requests WHERE strpos(said(question), $1) > 0`, c.name)
		require.Equal(t, c.outcome, value[string](h, `SELECT said(result)::jsonb->>'outcome' FROM runs WHERE request_id = $1`, id), c.name)
		require.Equal(t, c.files, value[int](h, `SELECT count(*) FROM artifacts WHERE request_id = $1`, id), c.name)
		require.Zero(t, value[int](h, `SELECT count(*) FROM artifacts WHERE said(name) ~ '[/\\]' OR said(name) LIKE '.%'`))
		if c.outcome == "raised" {
			h.says(root, "the code stopped with an error. See below.")
		}
	}
	h.settled()
	uploads := func() (names []string) {
		for _, m := range h.maya.Messages(slacksim.SalesData) {
			for _, r := range h.maya.Thread(m.Channel, m.TS) {
				for _, f := range r.Files {
					names = append(names, f.Name)
				}
			}
		}
		return names
	}
	// A file comes to its thread after the answer.
	for _, c := range drawn {
		h.until("the files of the program that "+c.name, func() bool {
			names := uploads()
			return !slices.ContainsFunc(c.sent, func(name string) bool { return !slices.Contains(names, name) })
		})
	}
	uploaded := uploads()
	for _, c := range drawn {
		for _, name := range c.kept {
			require.NotContains(t, "\n"+strings.Join(uploaded, "\n"), "\n"+name, c.name)
		}
		if c.name == "draws into files" {
			id := value[string](h, `SELECT id FROM requests WHERE strpos(said(question), 'draws into files') > 0`)
			require.Equal(t, 20, value[int](h, `SELECT count(*) FROM artifacts WHERE request_id = $1 AND said(name) ~ '^1?[0-9][.]png$'`, id))
			require.Contains(t, value[string](h, `SELECT said(result)::jsonb->>'notes' FROM runs WHERE request_id = $1`, id), "40 more files were left behind")
		}
	}
}

func TestCodeThatHangsIsStoppedAtItsLimit(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *Config) { c.RunSeconds = 10 })
	h.run()
	h.writes("import signal\nfor s in (signal.SIGTERM, signal.SIGINT):\n    signal.signal(s, signal.SIG_IGN)\nprint(\"before\", flush=True)\nwhile True:\n    pass")
	root := h.ask("How long?")
	card := h.cardOf("How long?")
	require.Contains(t, card.Words(), "at most 10 seconds")
	h.approve(card)
	reply := h.reply(root)
	require.Contains(t, reply.Words(), "The code was stopped at its time limit.")
	require.Contains(t, reply.Words(), "before", "what it had printed is not lost")
	require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row("How long?"))
	require.Equal(t, "timed out", value[string](h, `SELECT said(result)::jsonb->>'outcome' FROM runs`))
	held := value[int](h, `SELECT amount FROM holds WHERE purpose = 'run'`)
	require.LessOrEqual(t, value[int](h, `SELECT s.amount FROM settlements s JOIN holds h ON h.id = s.hold_id WHERE h.purpose = 'run'`), held, "never more than was agreed")
	h.settled()
}
