package sandbox

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func TestTheLastLineIsShortPlainAndTheLast(t *testing.T) {
	t.Parallel()
	for printed, want := range map[string]string{
		"":                                 "",
		"one\ntwo\n":                       "two",
		"one\ntwo\n\n  \n":                 "two",
		"one\nbeg":                         "beg",
		"10 %\r20 %\r37 %":                 "37 %",
		"\x1b[31mred\x1b[0m\tand\x00 blue": "[31mred[0m and blue",
		"ab\u202ecd\ue000\n":               "abcd",
		"\xff\xfe\n":                       "",
	} {
		var l LastLine
		l.Take([]byte(printed))
		require.Equal(t, want, l.String(), "%q", printed)
		var bytewise LastLine
		for _, b := range []byte(printed) {
			bytewise.Take([]byte{b})
		}
		require.Equal(t, want, bytewise.String(), "%q byte by byte", printed)
	}
	var l LastLine
	l.Take([]byte(strings.Repeat("ж", 10_000)))
	require.LessOrEqual(t, len(l.String()), longestLine)
	require.True(t, utf8.ValidString(l.String()))
}

func TestWhatIsPrintedIsToldAsItComes(t *testing.T) {
	t.Parallel()
	stamp := NewStamp()
	var out bytes.Buffer
	for _, f := range []frame{{kind: kindStdout, body: []byte("row 1\n")}, {kind: kindStderr, body: []byte("no\n")}, {kind: kindStdout, body: []byte("row 2")},
		{kind: kindReport, body: []byte(`{"outcome":"ok"}`)}, {kind: kindEnd}} {
		f.stamp = stamp
		require.NoError(t, writeFrame(&out, f))
	}
	whole := out.Bytes()
	var l LastLine
	result, err := ReadPrinting(bytes.NewReader(whole), approval.DefaultPolicy().Limits, stamp, l.Take)
	require.NoError(t, err)
	require.Equal(t, "row 1\nrow 2", result.Stdout)
	require.Equal(t, "row 2", l.String())

	// A frame that is not stamped tells nothing.
	var forged LastLine
	_, err = ReadPrinting(bytes.NewReader(whole), approval.DefaultPolicy().Limits, NewStamp(), forged.Take)
	require.ErrorIs(t, err, ErrForm)
	require.Empty(t, forged.String())
}
