package auditing

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/internal/pack"
)

// archive is a record of one private answer, and says what was noted and ordered.
type archive struct {
	notes  []approval.Event
	orders []Order
	broken error // of the notes
}

func (a *archive) Find(_ context.Context, _ Query, most int) ([]Row, error) {
	return make([]Row, min(3, most)), nil
}

func (a *archive) Story(_ context.Context, team, id string) (*pack.Story, error) {
	if team != "T" {
		return nil, approval.ErrNotFound
	}
	return &pack.Story{ID: id, Asker: "U1", Private: true, Answer: "4711", Error: "row 4711 is odd", Question: "What?", Run: &pack.Run{}}, nil
}

func (a *archive) Deeds(context.Context, string, int) ([]pack.Step, error) { return nil, nil }

func (a *archive) Points(context.Context, int) ([]Point, error) { return nil, nil }

func (a *archive) Note(_ context.Context, _ string, e approval.Event) error {
	a.notes = append(a.notes, e)
	return a.broken
}

func (a *archive) OrderPack(_ context.Context, o Order) error {
	a.orders = append(a.orders, o)
	return nil
}

func (a *archive) Sees(_ context.Context, _, who string) error {
	if who == "AUDITOR" || who == "U1" {
		return nil
	}
	return &approval.NotAllowedError{Who: who, Why: approval.Because(approval.WhyAuditorsOnly)}
}

func TestWhoReadsAPrivateAnswerIsOnRecordBeforeTheyDo(t *testing.T) {
	t.Parallel()
	a := &archive{}
	desk, click := New(a, a, a), approval.Click{Team: "T", User: "AUDITOR"}
	s, err := desk.Record(t.Context(), click, "r1")
	require.NoError(t, err)
	require.Empty(t, s.Answer+s.Error)
	require.Empty(t, a.notes)
	s, err = desk.PrivateAnswer(t.Context(), click, "r1")
	require.NoError(t, err)
	require.Equal(t, "4711", s.Answer)
	require.Equal(t, []approval.Event{{Actor: "AUDITOR", Kind: approval.EventLookedAt, Data: map[string]any{"what": "private answer", "click": click}}}, a.notes)
	a.broken = errors.New("the trail is away")
	_, err = desk.PrivateAnswer(t.Context(), click, "r1")
	require.Error(t, err, "what cannot be written down is not shown")
	a.notes = nil
	_, err = desk.PrivateAnswer(t.Context(), approval.Click{Team: "T", User: "U1"}, "r1")
	require.NoError(t, err)
	require.Empty(t, a.notes, "their own")
	_, err = desk.Record(t.Context(), approval.Click{Team: "OTHER", User: "AUDITOR"}, "r1")
	require.ErrorIs(t, err, approval.ErrNotFound)
}

func TestNobodyElseLooks(t *testing.T) {
	t.Parallel()
	a := &archive{}
	desk, click := New(a, a, a), approval.Click{Team: "T", User: "U2"}
	_, _, list := desk.Requests(t.Context(), click, Query{}, 1)
	_, record := desk.Record(t.Context(), click, "r1")
	_, answer := desk.PrivateAnswer(t.Context(), click, "r1")
	_, deeds := desk.Deeds(t.Context(), click, 1)
	_, points := desk.Points(t.Context(), click, 1)
	for _, err := range []error{list, record, answer, deeds, points, desk.OrderPack(t.Context(), click, pack.Chosen{})} {
		no := new(approval.NotAllowedError)
		require.ErrorAs(t, err, &no)
	}
	require.Empty(t, a.orders)

	click.User = "AUDITOR"
	rows, more, err := desk.Requests(t.Context(), click, Query{}, 2)
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.True(t, more)
	_, more, err = desk.Requests(t.Context(), click, Query{}, 3)
	require.NoError(t, err)
	require.False(t, more)
	require.NoError(t, desk.OrderPack(t.Context(), click, pack.Chosen{Person: "U1"}))
	require.Equal(t, []Order{{Team: "T", By: "AUDITOR", Chosen: pack.Chosen{Person: "U1"}}}, a.orders)
	require.Error(t, New(a, a, nil).OrderPack(t.Context(), click, pack.Chosen{}))
}

func TestARequestIsPrintedForPeople(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	berlin := time.FixedZone("CET", 3600)
	names := pack.NewNames([]pack.Name{{ID: "U1", Name: "Maya Lindqvist", Since: at}, {ID: "U2", Name: "Ben Osei", Since: at}})
	var b strings.Builder
	Print(&b, &pack.Story{ID: "r1", Asker: "U1", Channel: "C1", Question: "What\nnow?\x1b[2J", At: at, Outcome: "Failed", Error: "no luck", Private: true, Run: &pack.Run{Start: at, End: at, Seconds: "1.0 s", Watched: "Seen.", Witness: []pack.Fact{{Name: "Connections", Value: "none"}}, Mismatch: []string{"odd"}},
		Decisions: []pack.Decided{{At: at, Who: "U2", For: "U3", Verdict: "Approved", Number: "1", Why: "fine", Door: "Slack", Digest: "0123456789abcdef", Opened: at.Add(-3 * time.Minute)}},
		Refused:   []pack.Refused{{At: at, Why: "no column", Code: "bad()\n"}},
		Versions:  []*pack.Version{{Number: "1", Author: "codestral", At: at, Code: "print(1)\n", Digest: "0123456789abcdef", Findings: []string{"caution"}, Inputs: []pack.Input{{Name: "a.csv", SHA256: "ff", Reading: "utf-8"}}, Seal: []pack.Fact{{Name: "Network", Value: "none"}}}},
		Receipts:  []pack.Receipt{{For: "draft", At: at, Amount: 561_000, Over: 39_000, UsageOf: "2026-11-26", Charges: []pack.Charge{{What: "codestral", Amount: 561_000}}}}, Total: 561_000, Steps: []pack.Step{{Position: 3, At: at, Actor: "U1", What: "asked"}}}, names, berlin)
	for _, words := range []string{"  What\n  now?\\u{1b}[2J", "Asked by Maya Lindqvist (U1) in C1, 27 Nov 2026 13:00:00 CET", "Failed: no luck. $0.000561 in all.", "It is its asker's alone", "Ben Osei (U2), in the place of U3: Approved, version 1 (seal 0123456789ab)",
		"Refused draft, 27 Nov 2026 13:00:00 CET: no column\n  bad()", "  print(1)", "file a.csv, sha256 ff", "connections: none", "not announced: odd", "Together", "codestral; by the provider's usage of 26 November 2026, at the highest price of input; This step cost $0.0006, of which the budget bore $0.000561: no more was held for it.", "3  27 Nov 2026 13:00:00 CET  Maya Lindqvist (U1)  asked"} {
		require.Contains(t, b.String(), words)
	}
	require.NotContains(t, b.String(), "\x1b", "a terminal obeys nothing that somebody typed")
	b.Reset()
	Print(&b, &pack.Story{ID: "r2", At: at}, names, time.UTC)
	require.Contains(t, b.String(), "Nobody.")
}
