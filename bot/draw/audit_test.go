package draw_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/auditing"
	"countersign/approval/steps"
	"countersign/bot/draw/audit"
	"countersign/bot/draw/home"
	"countersign/bot/draw/sample"
	"countersign/bot/kit"
	"countersign/internal/pack"
	"countersign/internal/slacksim"
)

// audited is a request as its record tells it.
func audited(private bool) *pack.Story {
	at := sample.Noon
	s := &pack.Story{ID: "bcd23fg", Asker: slacksim.Analyst, Channel: slacksim.SalesData, Question: "What were sales per <month>?", At: at, Private: private, Outcome: "Answered",
		Decisions: []pack.Decided{{At: at, Who: slacksim.Reviewer, Verdict: "Asked for changes", Number: "1", Why: "Round it, please.", Door: "Slack", Digest: "3f1c"},
			{At: at, Who: slacksim.SecondReviewer, For: slacksim.Admin, Verdict: "Approved", Number: "2", Door: "command line, as priya on laptop", Digest: "9ab2"}},
		Refused: []pack.Refused{{At: at, Why: "there is no column <sals>", Code: "print(df.sals)\n"}},
		Versions: []*pack.Version{{Number: "1", Author: "codestral-2508", At: at, Digest: "3f1c", Code: "print(1.23456)\n", Tier: "low", Approvals: "1", Rules: "settings"},
			{Number: "2", Author: "codestral-2508", At: at, Digest: "9ab2", Code: "print(1.23)\n", Tier: "high", Approvals: "2", Rules: "team/3", Findings: []string{"caution, line 1: a number"},
				Seal: []pack.Fact{{Name: "Network", Value: "none"}}, Inputs: []pack.Input{{Name: "sales.csv", SHA256: "0a1b", Reading: "encoding: utf-8"}}}},
		Run:      &pack.Run{Start: at, End: at.Add(time.Second), Seconds: "1.2 s", Watched: "Seen by gvisor, which the program cannot reach.", Witness: []pack.Fact{{Name: "Connections", Value: "none"}}, Mismatch: []string{"opened /etc/passwd"}},
		Receipts: []pack.Receipt{{For: "draft", Charges: []pack.Charge{{What: "codestral-2508", Amount: 561_000}}}}, Total: 561_000,
		Steps: []pack.Step{{Position: 7, At: at, Actor: slacksim.Analyst, What: "asked"}, {Position: 8, At: at, Actor: "countersign", What: "settled, spent $0.000561"}}}
	if !private {
		s.Answer = "Sales were 1.23."
	}
	return s
}

// auditPages are what administrators and auditors look at.
func auditPages(b stand) map[string]*kit.Page {
	modal := func(v slack.ModalViewRequest) *kit.Page { return &kit.Page{Blocks: v.Blocks.BlockSet} }
	rows := []auditing.Row{{ID: "bcd23fg", Asker: slacksim.Analyst, Channel: slacksim.SalesData, Question: "What were sales per <month>?", State: "done", At: sample.Noon, Spent: 561_000},
		{ID: "bcd23fh", Asker: slacksim.Reviewer, Channel: "D1", State: "failed", At: sample.Noon, Private: true}}
	gone := audited(false)
	gone.Versions[1].Code = ""
	section := &kit.Page{}
	audit.Section(section)
	whole := pack.Contents{Chosen: pack.Chosen{From: sample.Noon, To: sample.Noon.AddDate(0, 1, 0)}, Requests: 12, Showing: 12}
	part := whole
	part.Person, part.Showing = slacksim.Analyst, 3
	return map[string]*kit.Page{
		"audit-section":         section,
		"modal-audit-find":      modal(audit.FindView()),
		"modal-audit-list":      modal(audit.ListView(rows, auditing.Query{Words: "sales"}, true)),
		"modal-audit-further":   modal(audit.ListView(rows, auditing.Query{Words: "sales", Skip: audit.Length}, true)),
		"modal-audit-none":      modal(audit.ListView(nil, auditing.Query{}, false)),
		"modal-audit-record":    modal(audit.RecordView(audited(false))),
		"modal-audit-private":   modal(audit.RecordView(audited(true))),
		"modal-audit-unwritten": modal(audit.RecordView(&pack.Story{ID: "bcd23fj", Asker: slacksim.Analyst, Channel: "D1", At: sample.Noon, Outcome: "Failed", Error: "no such file: x.csv"})),
		"modal-audit-written":   modal(audit.WrittenView(gone)),
		"modal-audit-answer":    modal(audit.AnswerView(audited(false))),
		"modal-audit-deeds":     modal(audit.DeedsView([]pack.Step{{Position: 1, At: sample.Noon, Actor: slacksim.Admin, What: "named, person " + slacksim.Reviewer + ", role reviewer"}})),
		"modal-audit-points":    modal(audit.PointsView([]auditing.Point{{Number: 3, Size: 512, At: sample.Noon, Note: "countersign\n512\n1q2w=\n"}})),
		"modal-pack":            modal(audit.PackView(sample.Noon, sample.Noon)),
		"pack-whole":            audit.PackPage(whole, "pack.zip", []string{"countersign+1a2b+AbC="}),
		"pack-none":             audit.NoPackPage(),
		"pack-part":             audit.PackPage(part, "pack.zip", []string{"countersign+1a2b+AbC=", "countersign+3c4d+DeF="}),
		"notice-log-lacks":      noticed(b, approval.NoticeLog, sample.View(), slacksim.Admin, approval.LogAlarm{Why: approval.LogLacks, Place: "the Git remote https://host/log", Since: sample.Noon}),
		"notice-log-parted":     noticed(b, approval.NoticeLog, sample.View(), slacksim.Admin, approval.LogAlarm{Why: approval.LogParted, Place: "the Git remote https://host/log"}),
	}
}

// A record that leaves something out says how much, at each list.
func TestARecordNeverPassesAPartForTheWhole(t *testing.T) {
	t.Parallel()
	s := audited(false)
	version := s.Versions[0]
	for n := range 50 {
		s.Steps = append(s.Steps, pack.Step{Position: int64(n + 9), At: sample.Noon, Actor: "countersign", What: "asked the model"})
		s.Receipts[0].Charges = append(s.Receipts[0].Charges, pack.Charge{What: "codestral-2508", Amount: 1000})
		version.Findings = append(version.Findings, fmt.Sprintf("caution, line %d: a number", n))
	}
	s.Versions = []*pack.Version{version, version, version, version, version}
	shown, err := json.Marshal(audit.RecordView(s))
	require.NoError(t, err)
	for _, said := range []string{"Before these there were 2 versions", "and 42 more: a pack has all of it", "and 31 more: a pack has all of it", "The last 40 of 52 entries of the log"} {
		require.Contains(t, string(shown), said)
	}
	whole, err := json.Marshal(audit.RecordView(audited(false)))
	require.NoError(t, err)
	require.NotContains(t, string(whole), "more: a pack")
	require.Contains(t, string(whole), "All 2 entries of the log")
}

// Slack gave old private channels ids that begin with a G. They are channels all the same.
func TestAnOldPrivateChannelIsNoDirectMessage(t *testing.T) {
	t.Parallel()
	row := auditing.Row{ID: "bcd23fg", Asker: slacksim.Analyst, Channel: "G024BE91L", State: "done", At: sample.Noon}
	listed, err := json.Marshal(audit.ListView([]auditing.Row{row}, auditing.Query{}, false))
	require.NoError(t, err)
	queue := &kit.Page{}
	home.QueueRow(queue, steps.QueueRow{ID: "bcd23fg", Asker: slacksim.Analyst, Project: "G024BE91L", Since: sample.Noon, ExpiresAt: sample.Noon.AddDate(0, 0, 1)}, sample.Noon)
	waiting, err := json.Marshal(queue.Blocks)
	require.NoError(t, err)
	for _, shown := range [][]byte{listed, waiting} {
		require.Contains(t, string(shown), "G024BE91L")
		require.NotContains(t, string(shown), "direct message")
	}
}
