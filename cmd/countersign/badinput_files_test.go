package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"countersign/internal/slacksim"
	"countersign/internal/slacksim/person"
	"countersign/internal/slacksim/workspace"
)

func TestATooLargeFileIsRefusedWithTheLimit(t *testing.T) {
	t.Parallel()
	h := openLight(t, func(c *Config) { c.MaxFileMB = 1 })
	big := h.share("big.csv", "a\n"+strings.Repeat("1\n", 800_000))
	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze What is in big.csv?"))
	h.inDM(h.maya, "big.csv has 1.5 MB; at most 1.0 MB fit.")
	require.Equal(t, row{State: "failed", Reason: "big.csv has 1.5 MB; at most 1.0 MB fit.", Holds: 1}, h.row("What is in big.csv?"))

	require.NoError(t, h.maya.Command(slacksim.SalesData, "/analyze"))
	form, err := h.maya.WaitView(h.patient(), func(v workspace.View) bool { return strings.Contains(v.Words(), "big.csv") })
	require.NoError(t, err)
	require.Contains(t, form.Words(), "at most 1 MB each", "the form says it before anybody uploads")
	wrong, err := h.maya.Submit(person.Fill("question", "What is in it?").And("files", big.Name))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"question": "big.csv has 1.5 MB; at most 1.0 MB fit."}, wrong, "the form knows its size")

	_, err = h.maya.Share(slacksim.SalesData, "@countersign what is in this?", "big2.csv", []byte(strings.Repeat("1\n", 900_000)))
	require.NoError(t, err)
	h.told(h.maya, slacksim.SalesData, "big2.csv has 1.7 MB; at most 1.0 MB fit.")
	require.Equal(t, 1, value[int](h, `SELECT count(*) FROM requests`))
	require.Empty(t, h.model.Requests(), "the model was asked")
	h.settled()
}

func TestAFileThatCannotBeReadIsNamedWithTheReasonAndNothingIsSpent(t *testing.T) {
	t.Parallel()
	h := openLight(t, func(c *Config) { c.MaxFileMB = 3 })
	for _, c := range []struct{ name, data, why string }{
		{"blank.csv", " \n\n", "blank.csv is empty."},
		{"heading.csv", "a,b\n", "heading.csv has a heading but no rows."},
		{"picture.csv", "\x89PNG\r\n\x1a\n123", "picture.csv is not a CSV file, but a PNG picture."},
		{"page.json", "<!DOCTYPE html><html></html>", "page.json is not a JSON file, but a web page."},
		{"text.xlsx", "a,b\n1,2\n", "text.xlsx is not an Excel workbook, but text."},
		{"broken.csv", "Stra\xc3\x9fe,Gr\xc3\xb6\xc3\x9fe,M\xc3\xa4rz,J\xc3\xa4n\nx\xff,1,2,3\n", "broken.csv is not sound UTF-8: some of its characters are damaged. Save it again as UTF-8."},
		{"wide.csv", strings.Repeat("a,", 999_999) + "a\n" + strings.Repeat(",", 999_999) + "\n",
			"wide.csv has more than 1000 columns, which is the most that can be read; keep those that the question needs."},
	} {
		h.share(c.name, c.data)
		root := h.ask("What is in " + c.name + "?")
		reply := h.reply(root)
		require.Contains(t, reply.Text, "<@"+slacksim.Analyst+"> This could not be done, and nothing ran. "+c.why, "for screen readers")
		require.Contains(t, reply.Words(), "$0 · ")
		require.Contains(t, h.bill(reply), "Total: $0")
		require.NotContains(t, h.says(root, "Failed").Words(), c.why, "the progress line does not repeat it")
		require.Equal(t, row{State: "failed", Reason: c.why, Holds: 1}, h.row(c.name), c.name)
	}
	require.Empty(t, h.model.Requests(), "the model was asked for nothing")
	require.Empty(t, h.ben.Messages(slacksim.CodeReview), "and nobody was bothered")
	h.settled()
}

func TestFilesInOddEncodingsAreReadAsTheyAre(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	const table = "Straße;Käufe\nKöln – Süd;12\nMünchen;30\n"
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(table)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	narrow := strings.NewReplacer("ß", "\xdf", "ä", "\xe4", "ö", "\xf6", "ü", "\xfc", "–", "\x96").Replace(table)
	for _, c := range []struct{ name, encoding, data string }{{"wide.csv", "utf-16", string(wide)}, {"narrow.csv", "windows-1252", narrow}} {
		h.share(c.name, c.data)
		h.writes(fmt.Sprintf("import pandas as pd\npd.read_csv(%q, sep=\";\", encoding=%q)", c.name, c.encoding))
		root := h.ask("What is in " + c.name + "?")
		card := h.cardOf(c.name)
		prompt := h.model.Requests()
		require.Contains(t, prompt[len(prompt)-1].Messages[1].Content, fmt.Sprintf("pd.read_csv(%q, sep=\";\", encoding=%q)", c.name, c.encoding), "the model is told how to read it")
		require.Contains(t, card.Words(), "2 rows × 2 columns")
		require.NoError(t, h.ben.Click(card, "Approve"))
		reply := h.reply(root)
		for _, word := range []string{"Straße", "Käufe", "Köln – Süd", "München", "30"} {
			require.Contains(t, reply.Words(), word)
		}
		require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row(c.name))
	}
	h.settled()
}

// A file that was replaced goes back before the reviewers with what is different;
// what they approve then is what runs.
func TestAFileThatChangedBetweenQuestionAndRunIsNotRunOn(t *testing.T) {
	t.Parallel()
	h := openLight(t)
	h.writes(`import pandas as pd
pd.read_csv("replaced.csv")["b"].sum()`)
	file := h.share("replaced.csv", "a,b\n1,2\n")
	root := h.ask("What is in replaced.csv?")
	old := h.cardOf("replaced.csv")
	_, err := h.maya.ReplaceFile(file.ID, []byte("a,b\n1,3\n"))
	require.NoError(t, err)
	require.NoError(t, h.ben.Click(old, "Approve"))

	const why = "The inputs have changed: replaced.csv is not what it was: its content has changed. The approval no longer counts, and nothing has run. It needs a new decision."
	h.says(root, "Back for review: "+why)
	h.becomes(old, "Superseded by revision 2")
	card, err := h.ben.WaitMessage(h.patient(), slacksim.CodeReview, func(m workspace.Message) bool { return m.TS > old.TS && m.Has("Approve") })
	require.NoError(t, err)
	require.Contains(t, card.Words(), "Back for review\n, because:\n"+why)
	require.Equal(t, row{State: "pending", Reason: why, Attempts: 1, Decisions: 1, Charges: 2, Holds: 3}, h.row("replaced.csv"))
	require.Zero(t, value[int](h, `SELECT count(*) FROM decisions d JOIN requests r ON r.id = d.request_id AND r.revision = d.revision`), "nobody has decided on what is there now")
	require.NoError(t, h.priya.ClickOld(old, "Approve"))
	h.told(h.priya, slacksim.CodeReview, "out of date")
	require.Equal(t, "pending", h.row("replaced.csv").State, "an old button decides nothing")

	require.NoError(t, h.ben.Click(card, "Approve"))
	require.Contains(t, h.reply(root).Words(), "3", "of the new file")
	require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 2, Charges: 3, Holds: 4}, h.row("replaced.csv"))
	h.settled()
}
