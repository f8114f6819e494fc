package redact_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"countersign/approval/redact"
)

// values are made up, in the form of real ones, and put together here so that no scanner takes this
// file for a leak.
var values = map[string]redact.Kind{
	"xox" + "b-123456789012-abcdefABCDEF":                                  redact.Secret,
	"xap" + "p-1-A012345-0123456789-abcdef":                                redact.Secret,
	"https://hooks.slack.com/services/T0" + "00/B000/abcdefghijklmnopqrst": redact.Secret,
	"ghp" + "_0123456789abcdefABCDEF0123456789abcd":                        redact.Secret,
	"glp" + "at-0123456789abcdefABCD":                                      redact.Secret,
	"AKI" + "AIOSFODNN7EXAMPLE":                                            redact.Secret,
	"AIz" + "aSyA0123456789abcdefghijklmnopqrstuv":                         redact.Secret,
	"sk-" + "proj-0123456789abcdefghijABCD":                                redact.Secret,
	"sk-" + "ant-api03-0123456789abcdefghijABCD":                           redact.Secret,
	"e2b" + "_0123456789abcdef0123456789abcdef01234567":                    redact.Secret,
	"sk-" + "lf-01234567-89ab-cdef-0123-456789abcdef":                      redact.Secret,
	"sk_" + "live_0123456789abcdef":                                        redact.Secret,
	"eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w":   redact.Secret,
	"anna.schmidt+x@example.co.uk":                                         redact.Email,
	"müller@bücher.example":                                                redact.Email,
	"+49 (0)30 1234567":                                                    redact.Phone,
	"+1-202-555-0143":                                                      redact.Phone,
	"+442079460958":                                                        redact.Phone,
	"DE89 3704 0044 0532 0130 00":                                          redact.IBAN,
	"GB82WEST12345698765432":                                               redact.IBAN,
	"NO9386011117947":                                                      redact.IBAN,
}

func TestEachValueIsFoundWhole(t *testing.T) {
	t.Parallel()
	var rules *redact.Rules
	for value, kind := range values {
		for _, form := range []string{"%s", "before %s, after", "it is \"%s\".", "(%s)", "a;%s;b", "%s AND MORE"} {
			text := fmt.Sprintf(form, value)
			found := rules.Find(text)
			require.Len(t, found, 1, text)
			require.Equal(t, kind, found[0].Kind, text)
			require.Equal(t, value, text[found[0].From:found[0].To])
			masked := rules.Mask(text, nil)
			require.NotContains(t, masked, value)
			require.Equal(t, masked, rules.Mask(masked, nil), "masking twice is masking once")
		}
	}
	for _, text := range []string{"password = \"hU7kq29sPzX41mVd\"", "api_key: hU7kq29sPzX41mVd", "postgres://maya:hU7kq29sPzX@db/x", "call me, tel. 030 1234567",
		"00" + "49 30 1234567", "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\ndef\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nMIIabc"} {
		require.True(t, rules.Holds(text), text)
		require.NotContains(t, rules.Mask(text, nil), "abc")
		require.NotContains(t, rules.Mask(text, nil), "hU7kq29sPzX")
	}
}

// What analyses are full of is none of it: a rule that hides dates and amounts makes answers useless.
func TestWhatAnalysesAreFullOfStays(t *testing.T) {
	t.Parallel()
	var rules *redact.Rules
	for _, text := range []string{"What did we earn in May 2026?", "2026-11-27 16:21:29", "1,234,567.89", "4012888", "0012345678", "Revenue +12.5 % (+1,234)", "order 2026/000123456",
		"DE89 3704 0044 0532 0130 01", "AB12CDEFGH", "x = df['a']+49301234567", "token = category_name_of_the_product", "secret santa list of 2026", "password: see the wiki page",
		"sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "@maya", "U0MAYA C0SALES", "a @ b", "sales.csv", "10.0.0.1:5432", "https://example.com/a?b=c",
		"postgres://serve@db/countersign", "sk-", "17:00 UTC", "the phone bill was 1200", "request k7q2mxd", "1e+49301234567"} {
		require.Empty(t, rules.Find(text), text)
		require.Equal(t, text, rules.Mask(text, nil))
	}
}

func TestAdministratorsAddWordsAndExpressions(t *testing.T) {
	t.Parallel()
	rules, err := redact.With("Project Falcon\n\n  /CUST-\\d{4}/  \nМария Иванова")
	require.NoError(t, err)
	counts := redact.Counts{}
	require.Equal(t, "[hidden masked] and project falconry: [hidden masked], [hidden masked]; [e-mail masked]",
		rules.Mask("PROJECT falcon and project falconry: CUST-1234, мария иванова; a@b.example", counts))
	require.Equal(t, "1 e-mail address and 3 values hidden by your administrators", counts.Words())
	other, err := redact.With("Project Eagle")
	require.NoError(t, err)
	require.Equal(t, "[hidden masked], [hidden masked]", (*redact.Rules)(nil).And(rules).And(other).Mask("project falcon, project eagle", nil))
	for lines, line := range map[string]int{"abc": 1, "good word\n/(/": 2, "/.*/": 1, "//": 1, strings.Repeat("x", 201): 1, strings.Repeat("word\n", 51): 0} {
		_, err := redact.With(lines)
		wrong, is := errors.AsType[*redact.LineError](err)
		require.True(t, is, lines)
		require.Equal(t, line, wrong.Line, lines)
	}
}

// A model writes about a value that it does not see, and the program that is reviewed has it.
func TestAVeilGivesBackWhatItHides(t *testing.T) {
	t.Parallel()
	var v redact.Veil
	token := "ghp" + "_0123456789abcdefABCDEF0123456789abcd"
	require.Equal(t, `Orders of [e-mail 1] in "[e-mail 2]"? [secret 1]`, v.Hide(`Orders of anna@example.com in "bea@example.com.csv"? `+token))
	require.Equal(t, "again [e-mail 1]", v.Hide("again anna@example.com"))
	require.Equal(t, redact.Counts{redact.Email: 2, redact.Secret: 1}, v.Hidden())
	require.Equal(t, `df[df.mail == "anna@example.com"] # [secret 1]`, v.Restore(`df[df.mail == "[e-mail 1]"] # [secret 1]`))
	rules, err := redact.With(`/O"Neil\w+/`)
	require.NoError(t, err)
	quote := redact.Veil{Rules: rules}
	require.Equal(t, "[hidden 1]", quote.Restore(quote.Hide(`O"Neilsen`)), "it would end a string of Python")
	many := redact.Veil{}
	for i := range 12 {
		many.Hide(fmt.Sprintf("a%d@example.com", i))
	}
	require.Equal(t, "[e-mail masked] and [e-mail 13]", many.Blank("[e-mail 11] and [e-mail 13]"))
	require.Equal(t, "a10@example.com a0@example.com", many.Restore("[e-mail 11] [e-mail 1]"))
}

// What stands before an "@" looks like an e-mail address, and may open a door.
func TestASecretBeforeAnAtIsASecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{"https://ghp" + "_0123456789abcdefABCDEF0123456789abcd@github.com/o/r", "https://oauth2:glp" + "at-0123456789abcdefABCD@gitlab.com",
		"postgres://maya:hU7kq29sPzX@db.example.com", "a.ghp" + "_0123456789abcdefABCDEF0123456789abcd@github.com"} {
		var v redact.Veil
		hidden := v.Hide("clone " + secret + " now")
		require.Contains(t, hidden, "[secret 1]", secret)
		require.Equal(t, redact.Counts{redact.Secret: 1}, v.Hidden(), secret)
		require.Equal(t, hidden, v.Restore(hidden), "it is never put back")
		require.Equal(t, redact.Secret, (*redact.Rules)(nil).InCode("x = \"" + secret + "\"\n")[0].Kind, "it sends the code back")
	}
}

// No value is called by what somebody wrote themselves, and no rule takes a place-holder apart.
func TestAPlaceHolderInSomebodysWordsIsNobodysValue(t *testing.T) {
	t.Parallel()
	rules, err := redact.With("e-mail")
	require.NoError(t, err)
	v := redact.Veil{Rules: rules}
	const asked = "Of [e-mail 1] and [e-mail 3], as a@b.example and c@d.example?"
	v.Leave(asked)
	hidden := v.Hide("a@b.example c@d.example")
	require.Equal(t, "[e-mail 2] [e-mail 4]", hidden)
	require.Equal(t, hidden, v.Hide(hidden), "hiding twice is hiding once")
	clone := v.Clone()
	require.Equal(t, "[e-mail 5]", clone.Hide("e@f.example"))
	require.Equal(t, "[e-mail 1] a@b.example", v.Restore("[e-mail 1] [e-mail 2]"))
	require.Equal(t, []string{"[phone number 12]", "[IBAN 1]"}, redact.PlaceHolders("[phone number 12] [e-mail] [IBAN 1] [secret masked]"))
}

func TestInCodeEachValueHasItsLine(t *testing.T) {
	t.Parallel()
	var rules *redact.Rules
	code := "from desk import load\nx.T@w.values\nkey = '" + "AKI" + "AIOSFODNN7EXAMPLE'\nm = df[df.mail == \"a@b.example\"]  # DE89370400440532013000\n\"\"\"\nc@d.example\n\"\"\"\n"
	require.Equal(t, []redact.Line{{redact.Secret, "AWS key", 3}, {redact.Email, "e-mail address", 4}, {redact.IBAN, "IBAN", 4}, {redact.Email, "e-mail address", 6}}, rules.InCode(code))
}

func TestALogTellsNoCanary(t *testing.T) {
	t.Parallel()
	const canary = "canary@leak.example"
	var out bytes.Buffer
	live := &redact.Live{}
	for _, below := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		log := slog.New(redact.Log(below, live))
		log.Info("a question of "+canary, "text", canary, "error", fmt.Errorf("read %s", canary), "list", []string{canary}, slog.Group("in", "it", canary), "n", 7)
		log.With("who", canary).WithGroup("below").With("deep", canary).Warn("x", "any", struct{ Mail string }{canary})
	}
	require.NotContains(t, out.String(), "canary")
	require.Contains(t, out.String(), "n=7")
	added, err := redact.With("Project Falcon")
	require.NoError(t, err)
	live.Learn(added)
	slog.New(redact.Log(slog.NewTextHandler(&out, nil), live)).Info("about project falcon")
	require.Contains(t, out.String(), "about [hidden masked]")
	require.Equal(t, 16, strings.Count(out.String(), "[e-mail masked]"), out.String())
}

// Whatever a text is, its values go and nothing else does.
func TestMaskingLeavesTheRest(t *testing.T) {
	t.Parallel()
	var all []string
	for value := range values {
		all = append(all, value)
	}
	rapid.Check(t, func(t *rapid.T) {
		var rules *redact.Rules
		parts, want := []string{}, []string{}
		for range rapid.IntRange(0, 6).Draw(t, "parts") {
			word := rapid.StringMatching(`[a-z]{0,8}[.,;]`).Draw(t, "word")
			value := rapid.SampledFrom(all).Draw(t, "value")
			parts, want = append(parts, word, value), append(want, word, "["+string(values[value])+" masked]")
		}
		if got := rules.Mask(strings.Join(parts, " "), nil); got != strings.Join(want, " ") {
			t.Fatalf("%q became %q", parts, got)
		}
	})
	text := strings.Repeat("é\x00\xff", 10)
	require.Equal(t, text, (*redact.Rules)(nil).Mask(text, nil))
}
