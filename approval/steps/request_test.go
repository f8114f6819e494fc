package steps

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/reading"
	"countersign/bot/draw/reasons"
	"countersign/budget"
)

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
	var files []approval.File
	for _, name := range []string{"a.csv", "a.csv", "A.CSV", "a.csv", "a (2).csv", "b", "b", "", "", "x/y.csv", "x_y.csv", "q\u200b.csv", "q\u200c.csv"} {
		files = append(files, approval.File{Name: fileName(name, files)})
	}
	require.Equal(t, []string{"a.csv", "a (2).csv", "A (3).CSV", "a (4).csv", "a (2) (2).csv", "b", "b (2)", "file", "file (2)",
		"x_y.csv", "x_y (2).csv", "q_.csv", "q_ (2).csv"}, approval.FileNames(files))
}

func TestLongFileNamesAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for _, name := range []string{strings.Repeat("x", 500) + ".csv", strings.Repeat("漢", 200) + ".csv", strings.Repeat("é", 99) + "." + strings.Repeat("y", 300)} {
		got := fileName(name, nil)
		require.LessOrEqual(t, len(got), 100)
		require.Greater(t, len(got), 90)
		require.True(t, utf8.ValidString(got))
		second := fileName(name, []approval.File{{Name: got}})
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
			require.False(t, approval.Hidden(r), "%U", r)
		}
		require.NotEqual(t, got, fileName(name, []approval.File{{Name: got}}))
	})
}

func TestErrorsSayWhatTheyAreAndKeepTheirCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	r := &approval.Request{State: approval.Done}
	for want, err := range map[string]error{
		"cannot start a request that is done": &approval.MoveError{Request: r, Verb: "start"},
		"the card is outdated":                &approval.StaleError{Request: r},
		"U1 may not: no":                      &approval.NotAllowedError{Who: "U1", Why: approval.Words("no")},
		"give more":                           &approval.InputError{Why: approval.Words("give more")},
		"later: cause":                        &LaterError{After: time.Second, Err: cause},
		"write: cause":                        &WriterError{Err: cause},
		"sandbox: cause":                      &BoxError{Err: cause},
	} {
		require.EqualError(t, err, want)
		if strings.Contains(want, "cause") {
			require.ErrorIs(t, err, cause)
		}
	}
}

func TestForeseenErrorsHaveWordsAndOthersAReference(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for want, err := range map[string]error{
		"box words":                             &BoxError{Err: errCrash, Words: "box words"},
		"writer words":                          &WriterError{Err: errCrash, Words: "writer words"},
		"input words":                           &approval.InputError{Why: approval.Words("input words")},
		"x.csv is not read. The file is empty.": notRead("x.csv", reading.Problem{Code: "empty"}),
		"move words":                            &approval.MoveError{Request: &approval.Request{}, Why: approval.Words("move words")},
		"There is no price for m9, so it is not used. An administrator can add one.": &budget.UnknownPriceError{What: "m9"},
		(&budget.ExceededError{}).Words(""):                                          &budget.ExceededError{},
	} {
		require.Equal(t, want, reasons.Words(foreseen(fmt.Errorf("somewhere: %w", err))))
		require.Equal(t, want, reasons.Words(b.why("r1", err)))
	}
	require.Empty(t, foreseen(errCrash))
	require.Empty(t, foreseen(nil))
	require.Empty(t, b.log.String())
	words := reasons.Words(b.why("r1", fmt.Errorf("secret detail: %w", errCrash)))
	require.NotContains(t, words, "secret")
	reference := strings.TrimSuffix(words[strings.LastIndex(words, " ")+1:], ".")
	require.Len(t, reference, 6)
	require.Contains(t, b.log.String(), "reference="+reference)
	require.Contains(t, b.log.String(), "secret detail: crash")
}
