package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"countersign/internal/proof"
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

func TestProveReadingAFileThatCannotBeReadIsNamedWithTheReason(t *testing.T) {
	t.Parallel()
	h := openLight(t, func(c *Config) { c.MaxFileMB = 3 })
	type unread struct{ name, data, why string }
	drawn := proof.Draw(t, []unread{
		{"blank.csv", " \n\n", "blank.csv is not read. The file is empty."},
		{"picture.csv", "\x89PNG\r\n\x1a\n123", "picture.csv is not read. This is no file that I read: CSV, Excel (.xlsx), OpenDocument (.ods), JSON, also as .gz or .zip. What Excel can open, save there as .xlsx."},
		{"page.json", "<!DOCTYPE html><html></html>", "page.json is not read. This is no file that I read: CSV, Excel (.xlsx), OpenDocument (.ods), JSON, also as .gz or .zip. What Excel can open, save there as .xlsx."},
		{"wide.csv", strings.Repeat("a,", 999_999) + "a\n" + strings.Repeat(",", 999_999) + "\n",
			"wide.csv is not read. It has 1,000,000 columns; at most 1,000 can be read. Keep those that the question needs."},
	})
	t.Cleanup(func() {
		proof.Check(t, !t.Failed(), "a file that cannot be read is named with the reason, and no model is asked", "%d kinds tried", len(drawn))
	})
	for _, c := range drawn {
		h.share(c.name, c.data)
		root := h.ask("What is in " + c.name + "?")
		reply := h.reply(root)
		require.Contains(t, reply.Text, "<@"+slacksim.Analyst+"> This could not be done, and nothing ran. "+c.why, "for screen readers")
		require.Equal(t, 1, value[int](h, `SELECT count(*) FROM holds h JOIN requests q ON q.id = h.request_id WHERE h.purpose = 'read' AND strpos(said(q.question), $1) > 0`, c.name), "one box has read it")
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
	for _, c := range []struct{ name, encoding, data string }{{"wide.csv", "UTF-16", string(wide)}, {"narrow.csv", "windows-1252", narrow}} {
		h.share(c.name, c.data)
		h.writes(fmt.Sprintf("from desk import load\nload(%q)", c.name))
		root := h.ask("What is in " + c.name + "?")
		card := h.cardOf(c.name)
		prompt := h.model.Requests()
		require.Contains(t, prompt[len(prompt)-1].Messages[1].Content, fmt.Sprintf("Load it with: load(%q)", c.name), "the model is told how to get it")
		require.Contains(t, card.Words(), "2 rows × 2 columns; read as delimiter semicolon, "+c.encoding+", heading in line 1")
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
	require.Equal(t, row{State: "pending", Reason: why, Attempts: 1, Decisions: 1, Charges: 3, Holds: 3}, h.row("replaced.csv"), "the money of the run has paid for reading what is there now")
	require.Zero(t, value[int](h, `SELECT count(*) FROM decisions d JOIN requests r ON r.id = d.request_id AND r.revision = d.revision`), "nobody has decided on what is there now")
	require.NoError(t, h.priya.ClickOld(old, "Approve"))
	h.told(h.priya, slacksim.CodeReview, "out of date")
	require.Equal(t, "pending", h.row("replaced.csv").State, "an old button decides nothing")

	require.NoError(t, h.ben.Click(card, "Approve"))
	require.Contains(t, h.reply(root).Words(), "3", "of the new file")
	require.Equal(t, row{State: "done", Attempts: 1, Runs: 1, Decisions: 2, Charges: 4, Holds: 4}, h.row("replaced.csv"))
	h.settled()
}
