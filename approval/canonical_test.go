package approval

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// The ways to show a reviewer something else than what runs, as they were tried
// on a real Python. What the bytes alone decide is refused here; the last ones
// need to know what an identifier is and belong to the parser.
func TestDeceptionsAreRefused(t *testing.T) {
	t.Parallel()
	invisible := "invisible or changes how the line is shown"
	for name, tt := range map[string]struct{ code, why string }{
		"1 utf-7 cookie and a comment that runs":  {"# coding: utf-7\n# note +AAo-print(1)\n", "line 1: no encoding declaration"},
		"2 raw_unicode_escape":                    {"# -*- coding: raw_unicode_escape -*-\n# \\u000aprint(1)\n", "line 1: no encoding declaration"},
		"3 unicode_escape":                        {"#coding=unicode_escape\n# \\nprint(1)\n", "line 1: no encoding declaration"},
		"4 cookie on line 2 in a vim modeline":    {"#!/usr/bin/python\n# vim: set fileencoding=utf-7 :\nx=1\n", "line 2: no encoding declaration"},
		"5 lone CR ends a comment":                {"# harmless\rprint(1)\n", "line 1: the character U+000D is " + invisible},
		"6 U+2028 seems to end a comment":         {"x = 1 #\u2028if not ok: raise\n", "U+2028"},
		"7 U+0085 seems to end a comment":         {"x = 1 #\u0085if not ok: raise\n", "U+0085"},
		"8 vertical tab":                          {"x = 1 #\vif not ok: raise\n", "U+000B"},
		"9 form feed":                             {"x = 1 #\fif not ok: raise\n", "U+000C"},
		"10 U+2029":                               {"x = 1 #\u2029if not ok: raise\n", "U+2029"},
		"11 Hangul filler as an identifier":       {"\u3164 = 1\n", "U+3164"},
		"12 halfwidth Hangul filler":              {"\uffa0 = 1\n", "U+FFA0"},
		"13 bidi override in a comment":           {"# \u202eekaf\nx = 1\n", "U+202E"},
		"14 bidi override in a string":            {"x = 'a\u202eb'\n", "U+202E"},
		"15 bidi isolate":                         {"x = 'a\u2066b'\n", "U+2066"},
		"16 tag characters":                       {"x = 'a\U000E0041'\n", "U+E0041"},
		"17 variation selector":                   {"x = 'a\ufe01'\n", "U+FE01"},
		"18 variation selector of a higher plane": {"x = 'a\U000E0100'\n", "U+E0100"},
		"19 musical format control":               {"x = 'a\U0001D173'\n", "U+1D173"},
		"20 spaces that push code out of sight":   {"x = 1" + strings.Repeat(" ", 400) + ";print(2)\n", "columns; at most 400"},
		"21 fewer spaces that still do":           {"x = 1" + strings.Repeat(" ", 16) + ";print(2)\n", "16 or more spaces"},
		"22 tabs that do":                         {"x = 1\t\t\t;print(2)\n", "16 or more spaces"},
		"23 ANSI escape in a comment":             {"# \x1b[2K\rx\nx = 1\n", "U+001B"},
		"24 zero width space":                     {"x\u200b = 1\n", "U+200B"},
		"25 zero width joiner":                    {"x\u200d = 1\n", "U+200D"},
		"26 no-break space":                       {"x\u00a0= 1\n", "U+00A0"},
		"27 NUL":                                  {"x = 1\x00\n", "U+0000"},
		"28 invalid UTF-8":                        {"x = '\xff'\n", "not valid UTF-8"},
		"29 a surrogate in disguise":              {"x = '\xed\xa0\x80'\n", "not valid UTF-8"},
		"30 an overlong slash":                    {"x = '\xc0\xaf'\n", "not valid UTF-8"},
		"31 byte order mark":                      {"\ufeffx = 1\n", "U+FEFF"},
		"32 soft hyphen":                          {"x = 'a\u00adb'\n", "U+00AD"},
		"33 private use":                          {"x = '\ue000'\n", "U+E000"},
		"34 unassigned":                           {"x = '\u0378'\n", "U+0378"},
		"35 blank Braille":                        {"x = '\u2800'\n", "U+2800"},
		"36 a note without a head":                {"x = '\U0001D159'\n", "U+1D159"},
		"37 combining grapheme joiner":            {"x = 'a\u034f'\n", "U+034F"},
		"38 ideographic space":                    {"x\u3000= 1\n", "U+3000"},
		"39 Mongolian vowel separator":            {"x = '\u180e'\n", "U+180E"},
		"40 delete":                               {"x = 1\x7f\n", "U+007F"},
		"41 backspaces":                           {"x = 1 # evil\b\b\b\bgood\n", "U+0008"},
		"42 CR CR LF":                             {"# a\r\r\nx = 1\n", "U+000D"},
		"43 a line too far to the right by tabs":  {strings.Repeat("\t", 51) + "x = 1\n", "columns; at most 400"},
		"44 a cookie after a form feed":           {"\f# coding: utf-7\n", "U+000C"},
		"46 marks upon marks":                     {"x = 'a" + strings.Repeat("\u0336", 5) + "'\n", "five or more marks"},
		"47 wide letters past the edge":           {"x = '" + strings.Repeat("売", 198) + "'\n", "402 columns; at most 400"},
		"48 empty lines that push code away":      {"x = 1\n" + strings.Repeat("\n", 11) + "y = 2\n", "line 12: more than 10 lines in a row"},
		"49 lines of signs that do":               {"x = 1\n" + strings.Repeat("# ---\n\n", 6) + "y = 2\n", "more than 10 lines in a row"},
		"45 a cookie behind spaces":               {"\t # encoding=latin-1\n", "no encoding declaration"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, err := Canonical(tt.code)
			require.ErrorContains(t, err, tt.why)
			require.Empty(t, code)
		})
	}
	for name, code := range map[string]string{
		"fullwidth letters":    "ｐｒｉｎｔ(1)\n",
		"mathematical letters": "𝐩𝐫𝐢𝐧𝐭(1)\n",
		"Cyrillic letters":     "\u0430llowed = 1\n",
		"smart quotes":         "x = “a”\n",
		"ten empty lines":      "x = 1" + strings.Repeat("\n", 11) + "y = 2\n",
	} {
		got, err := Canonical(code)
		require.NoError(t, err, "%s is for the parser to judge", name)
		require.Equal(t, code, got)
	}
}

func TestOrdinaryCodeIsOnlyTidied(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ code, want string }{
		"as it is":                    {"x = 1\n", "x = 1\n"},
		"no line end":                 {"x = 1", "x = 1\n"},
		"line ends of Windows":        {"x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n"},
		"blanks at the end":           {"x = 1\n\n \t\n", "x = 1\n"},
		"blank lines at the start":    {"\n\nx = 1\n", "\n\nx = 1\n"},
		"indentation by tabs":         {"if x:\n\t\t\ty = 2\n", "if x:\n\t\t\ty = 2\n"},
		"deep indentation":            {"f(\n" + strings.Repeat(" ", 60) + "1)\n", "f(\n" + strings.Repeat(" ", 60) + "1)\n"},
		"an aligned comment":          {"x = 1" + strings.Repeat(" ", 15) + "# one\n", "x = 1" + strings.Repeat(" ", 15) + "# one\n"},
		"letters of the world":        {"x = 'Größe 売上 المبيعات'  # ok\n", "x = 'Größe 売上 المبيعات'  # ok\n"},
		"an emoji":                    {"print('📈')\n", "print('📈')\n"},
		"the word coding further on":  {"x = 1\ny = 2\n# coding: this is not read any more\n", "x = 1\ny = 2\n# coding: this is not read any more\n"},
		"the word coding in code":     {"coding = 'utf-8'\n", "coding = 'utf-8'\n"},
		"exactly 400 columns":         {strings.Repeat("x", 400) + "\n", strings.Repeat("x", 400) + "\n"},
		"marks that a script needs":   {"x = 'Tiếng Việt, कार्यक्रम, ที่นี่'\n", "x = 'Tiếng Việt, कार्यक्रम, ที่นี่'\n"},
		"400 columns in East Asia":    {"x = '" + strings.Repeat("売", 197) + "'\n", "x = '" + strings.Repeat("売", 197) + "'\n"},
		"400 columns of wide letters": {"x = '" + strings.Repeat("ö", 394) + "'\n", "x = '" + strings.Repeat("ö", 394) + "'\n"},
	} {
		got, err := Canonical(tt.code)
		require.NoError(t, err, name)
		require.Equal(t, tt.want, got, name)
	}
}

func TestCodeHasToBeThereAndReviewable(t *testing.T) {
	t.Parallel()
	for _, empty := range []string{"", "\n", " \t\r\n \n"} {
		_, err := Canonical(empty)
		require.ErrorContains(t, err, "there is no code", "%q", empty)
	}
	_, err := Canonical(strings.Repeat("x", 401))
	require.ErrorContains(t, err, "line 1: 401 columns; at most 400 are shown")
	most := strings.Repeat("x = 12345\n", MaxCode/10)
	got, err := Canonical(most)
	require.NoError(t, err)
	require.Len(t, got, MaxCode)
	_, err = Canonical(most + "y")
	require.ErrorContains(t, err, "the code has 40002 bytes; at most 40000 can be reviewed")
	_, err = Canonical("a = 1\nb = 2\nc = '\u200b'\n")
	require.ErrorContains(t, err, "line 3: the character U+200B")
}

func TestPlainShowsWhatATextHolds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                      "",
		"  What were sales? \n": "What were sales?",
		"two\r\nlines":          "two\nlines",
		"a\rb":                  `a\u{d}b`,
		"a\u202eb":              `a\u{202e}b`,
		"a\U000E0041b":          `a\u{e0041}b`,
		"a\x00b":                `a\u{0}b`,
		"a\xffb":                "a\uFFFDb",
		"क्\u200dष":             "क्\u200dष", // a joiner that Hindi needs
		"👩\u200d💻 ❤\ufe0f":      "👩\u200d💻 ❤\ufe0f",
		"10\u00a0000":           "10\u00a0000",
		"a\u200bb":              `a\u{200b}b`,
		"tab\there":             "tab\there",
		"*bold* <@U1> `x`":      "*bold* <@U1> `x`",
		"sa\u200dles.csv":       `sa\u{200d}les.csv`, // nothing that a joiner joins
		"a\ufe0f":               `a\u{fe0f}`,
		"1\ufe0f\u20e3":         "1\ufe0f\u20e3",
		"क\u200d\u200dष":        "क\u200d\\u{200d}ष",
	} {
		require.Equal(t, want, Plain(text), "%q", text)
	}
}

func TestHiddenLeavesWhatPeopleSee(t *testing.T) {
	t.Parallel()
	for _, r := range "aZ09 _#(){}äßçñ漢字かなहिन्दीعربيעברית€→📈½²‰…“”\uFFFD" {
		require.False(t, Hidden(r), "%U", r)
	}
	for r := range rune(unicode.MaxRune + 1) {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) && !Hidden(r) {
			t.Fatalf("%U is hidden", r)
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{"x = 1\n", "x = 1\r\n", "# coding: utf-7\n", "\t\tx\ty", "a\u202eb", "\xff", "x\r", "", strings.Repeat(" ", 300), "é\t\t\té"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		code, err := Canonical(text)
		if err != nil {
			require.Empty(t, code)
			require.True(t, utf8.ValidString(err.Error()))
			return
		}
		require.True(t, utf8.ValidString(code))
		require.LessOrEqual(t, len(code), MaxCode)
		require.True(t, strings.HasSuffix(code, "\n"))
		require.NotEmpty(t, strings.TrimSpace(code))
		for i, line := range strings.Split(code, "\n") {
			width, shown := 0, -1 // the column after the last thing that was seen
			for _, r := range line {
				require.True(t, r == '\t' || !Hidden(r), "%U", r)
				if r != ' ' && r != '\t' {
					require.False(t, shown >= 0 && width-shown >= 16, "%q hides its end", line)
					shown = width + 1
				}
				if width++; r == '\t' {
					width = (width + 7) / 8 * 8
				}
			}
			require.LessOrEqual(t, width, maxColumns)
			require.False(t, pile.MatchString(line))
			require.False(t, i < 2 && cookie.MatchString(line))
		}
		again, err := Canonical(code)
		require.NoError(t, err)
		require.Equal(t, code, again)
		// Nothing but line ends and trailing blanks was touched.
		require.Equal(t, strings.TrimRight(strings.ReplaceAll(text, "\r\n", "\n"), " \t\n"), strings.TrimRight(code, "\n"))
	})
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"", "a\r\nb", "\r\r\n", "\u00a0x\u00a0", "a\u202eb", "\xff\xfe", "👩\u200d💻"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plain := Plain(text)
		require.True(t, utf8.ValidString(plain))
		require.Equal(t, strings.TrimSpace(plain), plain)
		require.Equal(t, plain, Plain(plain))
		for _, r := range plain {
			require.True(t, strings.ContainsRune("\n\t\u200c\u200d\ufe0f\u00a0", r) || !Hidden(r), "%U", r)
		}
	})
}

// Findings were stored before they had a kind; they read as they did.
func TestFindingsOfOldStayReadable(t *testing.T) {
	t.Parallel()
	var old []Finding
	require.NoError(t, json.Unmarshal([]byte(`[{"level":"danger","line":3,"text":"Runs text as code (eval)."},{"level":"note","text":"Imports pandas."}]`), &old))
	require.Equal(t, []Finding{{Level: Danger, Line: 3, Text: "Runs text as code (eval)."}, {Level: Note, Text: "Imports pandas."}}, old)
	again, err := json.Marshal(old)
	require.NoError(t, err)
	require.JSONEq(t, `[{"level":"danger","line":3,"text":"Runs text as code (eval)."},{"level":"note","text":"Imports pandas."}]`, string(again))
}
