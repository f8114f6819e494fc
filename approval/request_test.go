package approval

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/budget"
)

func TestNewIDIsEvenAndCanBeReadAloud(t *testing.T) {
	t.Parallel()
	const letters = "23456789bcdfghjkmnpqrstvwxz"
	counts, seen := map[rune]int{}, map[string]bool{}
	const ids, length = 27_000, 10
	for range ids {
		id := NewID(length)
		require.Len(t, id, length)
		require.False(t, seen[id])
		seen[id] = true
		for _, r := range id {
			counts[r]++
		}
	}
	require.Len(t, counts, len(letters))
	for _, r := range letters {
		// 10,000 are expected of each, with a spread of 98: nine spreads happen to nobody.
		require.InDelta(t, 10_000, counts[r], 900, string(r))
	}
	for _, n := range []int{0, 1, 7, 100} {
		require.Len(t, NewID(n), n)
	}
}

func TestFileNamesAreMadeFitForABox(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"sales.csv":                    "sales.csv",
		"Umsätze 2025 (final).xlsx":    "Umsätze 2025 (final).xlsx",
		"売上.csv":                       "売上.csv",
		"../../etc/passwd":             "_.._etc_passwd",
		`..\..\x.csv`:                  "_.._x.csv",
		"/abs/olute.csv":               "_abs_olute.csv",
		".bashrc":                      "bashrc",
		"...":                          "file",
		"":                             "file",
		" . . ":                        "file",
		".csv":                         "csv",
		"a\nb\tc\r.csv":                "a_b_c_.csv",
		"a\x00b.csv":                   "a_b.csv",
		"fdp\u202evsc.csv":             "fdp_vsc.csv",
		"a\u200db.csv":                 "a_b.csv",
		"at 1.00\u202fPM.csv":          "at 1.00_PM.csv",
		"bad\xffname.csv":              "bad_name.csv", // no box takes U+FFFD
		"data.tar.gz":                  "data.tar.gz",
		"x.averyveryverylongextension": "x.averyveryverylongextension",
	} {
		require.Equal(t, want, fileName(name, nil), "%q", name)
	}
}

func TestFileNamesOfOneQuestionDiffer(t *testing.T) {
	t.Parallel()
	var files []File
	for _, name := range []string{"a.csv", "a.csv", "A.CSV", "a.csv", "a (2).csv", "b", "b", "", "", "x/y.csv", "x_y.csv", "q\u200b.csv", "q\u200c.csv"} {
		files = append(files, File{Name: fileName(name, files)})
	}
	require.Equal(t, []string{"a.csv", "a (2).csv", "A (3).CSV", "a (4).csv", "a (2) (2).csv", "b", "b (2)", "file", "file (2)",
		"x_y.csv", "x_y (2).csv", "q_.csv", "q_ (2).csv"}, names(files))
}

func TestLongFileNamesAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("x", 500) + ".csv", strings.Repeat("漢", 200) + ".csv", strings.Repeat("é", 99) + "." + strings.Repeat("y", 300)} {
		got := fileName(name, nil)
		require.LessOrEqual(t, len(got), 100)
		require.Greater(t, len(got), 90)
		require.True(t, utf8.ValidString(got))
		second := fileName(name, []File{{Name: got}})
		require.NotEqual(t, got, second)
		require.LessOrEqual(t, len(second), 105)
	}
	require.True(t, strings.HasSuffix(fileName(strings.Repeat("漢", 200)+".csv", nil), ".csv"))
}

func FuzzFileName(f *testing.F) {
	for _, seed := range []string{"a.csv", "../../x", "\x00", ".", strings.Repeat("漢", 99), "a\u202e.csv", "\xff.\xff", "con.", "a . "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := fileName(name, nil)
		require.True(t, utf8.ValidString(got))
		require.NotEmpty(t, got)
		require.LessOrEqual(t, len(got), 100)
		require.False(t, strings.ContainsAny(got, "/\\\x00\n"))
		require.False(t, strings.HasPrefix(got, "."))
		for _, r := range got {
			require.False(t, Hidden(r), "%U", r)
		}
		require.NotEqual(t, got, fileName(name, []File{{Name: got}}))
	})
}

func TestAResultIsToldToTheModelCutToSize(t *testing.T) {
	t.Parallel()
	require.Equal(t, "outcome: ok\n", Result{Outcome: OK}.Text(10))
	r := Result{Outcome: Raised, Error: "KeyError: 'price'", Value: "42", Stdout: "hello",
		Tables:    []Grid{{Title: "t", Columns: []string{"a", "b"}, Rows: [][]string{{"1", "2"}, {"3", "4"}}, TotalRows: 99}},
		Artifacts: []Artifact{{Name: "c.png", Kind: "chart"}}}
	require.Equal(t, "outcome: raised\nerror: KeyError: 'price'\ntable t (99 rows, 2 columns)\na | b\n1 | 2\n3 | 4\nvalue: 42\nprinted:\nhello\nchart: c.png\n", r.Text(10))

	r.Tables[0].Rows = nil
	for i := range 30 {
		r.Tables[0].Rows = append(r.Tables[0].Rows, []string{fmt.Sprint("row", i), strings.Repeat("é", 400)})
	}
	r.Error, r.Value, r.Stdout = strings.Repeat("e", 600), strings.Repeat("v", 2000), strings.Repeat("ö", 5000)
	text := r.Text(10)
	require.Contains(t, text, "row9 |")
	require.NotContains(t, text, "row10")
	require.Contains(t, text, strings.Repeat("e", 500)+"… (100 characters more)")
	require.LessOrEqual(t, utf8.RuneCountInString(text), 4000+len("… (99999 characters more)"))
	require.True(t, utf8.ValidString(text))
	r.Tables = nil
	require.Contains(t, r.Text(10), strings.Repeat("v", 1000)+"… (1000 characters more)\n")
	require.Contains(t, r.Text(10), strings.Repeat("ö", 1000)+"… (4000 characters more)\n")
}

func TestAResultTellsTheModelNoDataUnlessRowsAreShared(t *testing.T) {
	t.Parallel()
	r := Result{Outcome: Raised, Error: "KeyError: 'canary'", Value: "canary", Stdout: "canary",
		Tables:    []Grid{{Title: "canary", Columns: []string{"canary"}, Rows: [][]string{{"canary"}}, TotalRows: 1}},
		Artifacts: []Artifact{{Name: "canary.csv", Kind: "table"}, {Name: "canary.png", Kind: "chart"}, {Name: "of canary.csv", Kind: "table"}}}
	require.Contains(t, r.Text(1), "table: of canary.csv")
	require.Equal(t, "outcome: raised\nerror: KeyError\ntable (1 rows, 1 columns)\nchart: 1\ntable: 2\n", r.Text(0))
}

func TestThePolicyNamesNobodyByDefault(t *testing.T) {
	t.Parallel()
	p := DefaultPolicy()
	require.Empty(t, p.Reviewers)
	require.Empty(t, p.Admins)
	require.Equal(t, 1, p.Quorum)
}

func TestErrorsSayWhatTheyAreAndKeepTheirCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	r := &Request{State: Done}
	for want, err := range map[string]error{
		"cannot start a request that is done": &MoveError{Request: r, Verb: "start"},
		"the card is outdated":                &StaleError{Request: r},
		"U1 may not: no":                      &NotAllowedError{Who: "U1", Why: "no"},
		"give more":                           &InputError{Why: "give more"},
		"x.csv is no table":                   &UnreadableError{Why: "x.csv is no table", Err: cause},
		"later: cause":                        &LaterError{After: time.Second, Err: cause},
		"write: cause":                        &WriterError{Err: cause},
		"sandbox: cause":                      &BoxError{Err: cause},
	} {
		require.EqualError(t, err, want)
		if strings.Contains(want, "cause") || want == "x.csv is no table" {
			require.ErrorIs(t, err, cause)
		}
	}
}

func TestForeseenErrorsHaveWordsAndOthersAReference(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for want, err := range map[string]error{
		"box words":    &BoxError{Err: errCrash, Words: "box words"},
		"writer words": &WriterError{Err: errCrash, Words: "writer words"},
		"input words":  &InputError{Why: "input words"},
		"file words":   &UnreadableError{Why: "file words", Err: errCrash},
		"move words":   &MoveError{Request: &Request{}, Why: "move words"},
		"Nobody knows what m9 costs, so it is not used. An administrator can add its price.": &budget.UnknownPriceError{What: "m9"},
		(&budget.ExceededError{}).Words(""):                                                  &budget.ExceededError{},
	} {
		require.Equal(t, want, b.foreseen(fmt.Errorf("somewhere: %w", err)))
		require.Equal(t, want, b.why("r1", err))
	}
	require.Empty(t, b.foreseen(errCrash))
	require.Empty(t, b.foreseen(nil))
	require.Empty(t, b.log.String())
	words := b.why("r1", fmt.Errorf("secret detail: %w", errCrash))
	require.NotContains(t, words, "secret")
	reference := strings.TrimSuffix(words[strings.LastIndex(words, " ")+1:], ".")
	require.Len(t, reference, 6)
	require.Contains(t, b.log.String(), "reference="+reference)
	require.Contains(t, b.log.String(), "secret detail: crash")
}
