package steps

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

func TestWhatCannotBeShownGoesBackToTheModelAtMostTwice(t *testing.T) {
	t.Parallel()
	hidden, leaks := "x = '\u202e'\n", "key = '"+"AKI"+"AIOSFODNN7EXAMPLE'\n"
	problem := func(string) (Inspection, error) {
		return Inspection{Problem: "line 1: SyntaxError", Box: 100 * time.Millisecond}, nil
	}
	stranger := func(string) (Inspection, error) {
		return Inspection{Findings: []approval.Finding{{Level: approval.Caution, Line: 2, Kind: approval.KindRead, About: "salse.csv", Text: "Reads salse.csv, which is not among the inputs."}}, Box: 100 * time.Millisecond}, nil
	}
	repair := breaks(&WriterError{Err: errors.New("two blocks"), Repair: "Write exactly one block.", Usage: used("m1")})
	for name, tt := range map[string]struct {
		script  []func(Brief) (Draft, error)
		inspect []func(string) (Inspection, error)
		state   approval.State
		calls   int
		reason  string
	}{
		"not canonical, then good":     {script: []func(Brief) (Draft, error){writes(hidden)}, state: approval.Pending, calls: 2},
		"a syntax error, then good":    {inspect: []func(string) (Inspection, error){problem}, state: approval.Pending, calls: 2},
		"two blocks, then good":        {script: []func(Brief) (Draft, error){repair}, state: approval.Pending, calls: 2},
		"bad twice, then good":         {script: []func(Brief) (Draft, error){repair, writes(hidden)}, state: approval.Pending, calls: 3},
		"not canonical three times":    {script: []func(Brief) (Draft, error){writes(hidden), writes(hidden), writes(hidden)}, state: approval.Failed, calls: 3, reason: "The last problem: line 1: the character U+202E"},
		"a syntax error three times":   {inspect: []func(string) (Inspection, error){problem, problem, problem}, state: approval.Failed, calls: 3, reason: "The last problem: line 1: SyntaxError."},
		"two blocks three times":       {script: []func(Brief) (Draft, error){repair, repair, repair}, state: approval.Failed, calls: 3, reason: "The last problem: Write exactly one block."},
		"a secret, then good":          {script: []func(Brief) (Draft, error){writes(leaks)}, state: approval.Pending, calls: 2},
		"a secret three times":         {script: []func(Brief) (Draft, error){writes(leaks), writes(leaks), writes(leaks)}, state: approval.Failed, calls: 3, reason: "The last problem: Line 1 holds what looks like a secret (AWS key)"},
		"reads no input, then good":    {inspect: []func(string) (Inspection, error){stranger}, state: approval.Pending, calls: 2},
		"insists on it: people decide": {inspect: []func(string) (Inspection, error){stranger, stranger, stranger}, state: approval.Pending, calls: 3},
		"each in turn, without an end": {script: []func(Brief) (Draft, error){repair, writes(hidden)}, inspect: []func(string) (Inspection, error){problem}, state: approval.Failed, calls: 3, reason: "did not get to a program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.writer.script, b.box.inspect = tt.script, tt.inspect
			r := b.ask()
			require.Empty(t, b.work())
			r = b.request(r.ID)
			require.Equal(t, tt.state, r.State)
			require.Contains(t, reasons.Words(r.Reason), tt.reason)
			require.Equal(t, tt.reason == "", r.Reason.None())
			require.Len(t, b.writer.briefs, tt.calls)
			for i, brief := range b.writer.briefs {
				require.Len(t, brief.Refused, i, "each attempt knows what was wrong with those before")
			}
			spends := b.spends(r.ID, budget.ForDraft)
			require.Len(t, spends, tt.calls+len(b.box.inspected), "each attempt is paid for")
			calls := 0
			for _, s := range spends {
				require.False(t, s.Estimated)
				if s.Charges[0].Kind == budget.Tokens {
					calls++
					require.GreaterOrEqual(t, budget.Total(s.Charges), 1200*budget.MicroDollar)
				}
			}
			require.Equal(t, tt.calls, calls)
			require.Zero(t, b.open(r.ID))
			if tt.state == approval.Pending {
				require.Len(t, r.Refused, tt.calls-1, "a reviewer can read what was refused before")
			}
		})
	}
}

// A value of a person in code is told to whoever approves it, with its line; the code stays what it is.
func TestAPersonalValueInCodeIsAFinding(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const code = "from desk import load\nd = load('sales.csv')\nd[d.mail == 'anna@example.com']\n"
	b.writer.script = []func(Brief) (Draft, error){writes(code)}
	r := b.ask()
	require.Empty(t, b.work())
	r = b.request(r.ID)
	require.Equal(t, approval.Pending, r.State)
	require.Equal(t, code, r.Revision.Code)
	require.Contains(t, r.Revision.Findings, approval.Finding{Level: approval.Note, Line: 3, Kind: approval.KindPersonal, About: "e-mail",
		Text: "Holds personal data (e-mail address), which the record keeps with the code."})
}

func TestAModelIsToldWhichFileIsNoInput(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.inspect = append(b.box.inspect, func(string) (Inspection, error) {
		return Inspection{Findings: []approval.Finding{{Level: approval.Caution, Line: 2, Kind: approval.KindRead, About: "salse.csv"}}}, nil
	})
	b.ask()
	require.Empty(t, b.work())
	require.Equal(t, "Line 2: it reads \"salse.csv\", which is no input. The inputs are \"sales.csv\".", b.writer.briefs[1].Refused[0].Reason)
}
