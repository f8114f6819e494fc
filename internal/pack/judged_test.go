package pack

import (
	"html"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
)

// judged makes a pack, and has the verifier and page one say the same of it: why it did not keep the rules, or, where that is
// empty, that it did.
func (f *fake) judged(says string) (Report, string) {
	f.t.Helper()
	path := f.pack("")
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	page := html.UnescapeString(string(open(f.t, path)[filePage]))
	if says == "" {
		require.NoError(f.t, err)
		require.NotContains(f.t, page, "The rules were not kept")
		return r, page
	}
	require.Error(f.t, err)
	require.True(f.t, slices.ContainsFunc(r.Faults, func(f Fault) bool { return strings.Contains(f.sentence(), says) }), "%v", r.Faults)
	require.Contains(f.t, page, "<b>The rules were not kept ")
	require.Contains(f.t, page, says)
	return r, page
}

func (f *fake) erik(kind string, data map[string]any) {
	data["until"] = f.now().Add(48 * time.Hour).Format(time.RFC3339Nano)
	f.happens("people:T1", "U0ERIK", kind, data)
}

// What is said of people before a pack begins and what is said within it count in the order of the log, for the page as for the verifier.
func TestAPackThatBeginsBetweenTwoWordsOnSomebodyTakesTheLastOne(t *testing.T) {
	t.Parallel()
	gus := map[string]any{"person": "U0GUS", "role": "reviewer", "channel": ""}
	for _, c := range []struct {
		kind           string
		before, within func(f *fake)
		more           map[string]any // of the approval
		says           string
	}{
		{"removed before, and named again within", func(f *fake) {
			f.happens("people:T1", "U0CARLA", "named", gus)
			f.happens("people:T1", "U0CARLA", "removed", gus)
		}, func(f *fake) { f.happens("people:T1", "U0CARLA", "named", gus) }, nil, ""},
		{"named before, and removed within", func(f *fake) { f.happens("people:T1", "U0CARLA", "named", gus) },
			func(f *fake) { f.happens("people:T1", "U0CARLA", "removed", gus) }, nil, "they were no reviewer any more: U0CARLA had removed them"},
		{"let before, and another one within", func(f *fake) { f.erik("delegated", map[string]any{"to": "U0GUS"}) },
			func(f *fake) { f.erik("delegated", map[string]any{"to": "U0FAY"}) }, map[string]any{"in_place_of": "U0ERIK"}, "who had not let them"},
		{"another one let before, and they within", func(f *fake) { f.erik("delegated", map[string]any{"to": "U0FAY"}) },
			func(f *fake) { f.erik("delegated", map[string]any{"to": "U0GUS"}) }, map[string]any{"in_place_of": "U0ERIK"}, ""},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, 0)
			f.house()
			c.before(f)
			f.begins()
			c.within(f)
			f.seals = policy("low", "1")
			f.playsBehind(0, "What did we earn in May?", 0, func(f *fake, stream, digest string) { plainly("U0GUS", c.more)(f, stream, digest, nil, nil) })
			f.judged(c.says)
		})
	}
}

// A clock that is behind accuses nobody: what has its place after an approval came after it.
func TestARemovalThatIsStampedTooEarlyAccusesNobody(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.house()
	f.seals = policy("low", "1")
	f.playsBehind(0, "What did we earn in May?", 0, func(f *fake, stream, digest string) {
		plainly("U0ERIK", nil)(f, stream, digest, nil, nil)
		f.earlier(func() {
			f.happens("people:T1", "U0CARLA", "removed", map[string]any{"person": "U0ERIK", "role": "reviewer", "channel": ""})
		})
	})
	f.judged("")
}

// What a pack cannot know of a request that it sees from its middle on is no fault.
func TestARequestThatWasAskedBeforeThePackBeginsIsNotAccused(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	ben, dora := f.house()
	f.edge = "asked"
	f.byTheRules(0, "What did we earn in May?", ben, dora)
	r, _ := f.judged("")
	require.Contains(t, r.Sentences(), "where it was asked came before this pack begins, so their role there is not known")
	require.Contains(t, r.Sentences(), "where it was asked came before this pack begins, so whether they were named for that channel itself is not known")

	require.Contains(t, r.Sentences(), "who asked it came before this pack begins, so whether it was their own question is not known")

	// Whoever has no role anywhere has none there.
	f = newFake(t, 0)
	f.house()
	f.edge, f.seals = "asked", policy("low", "1")
	f.playsBehind(0, "What did we earn in May?", 0, func(f *fake, stream, digest string) { plainly("U0GUS", nil)(f, stream, digest, nil, nil) })
	f.judged("nobody had named them a reviewer")

	// They had opened it before; then it was sealed anew, and they opened it again.
	f = newFake(t, 0)
	f.house()
	f.edge, f.seals = "opened review", policy("low", "1")
	f.playsBehind(0, "What did we earn in May?", 1, func(f *fake, stream, digest string) {
		c := f.of(stream)
		manifest := string(c.Values[3].Bytes)
		require.Equal(t, digest, sum([]byte(manifest)))
		f.happens(stream, "countersign", "sealed anew", map[string]any{"revision": 1, "digest": digest, "code": f.says(stream, program), "manifest": f.says(stream, manifest), "summary": f.says(stream, "The same.")})
		f.happens(stream, "U0ERIK", "opened review", map[string]any{"revision": 1})
		f.gives(stream, digest, "U0ERIK", nil)
	})
	r, _ = f.judged("")
	require.Contains(t, r.Sentences(), "whether they had opened the code came before this pack begins")
}

// Of rules that files brought along a selection has the entries; where they are not here, that is said.
func TestRulesThatFilesBroughtAlongAreJudgedAndTold(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.house()
	f.strict()
	f.seals = func(m string) string {
		return strings.Replace(brings("C0STRICT/7")(m), `"tier":"low"`, `"tier":"medium"`, 1)
	}
	f.playsBehind(0, "What did we earn in May?", 0, func(f *fake, stream, digest string) {
		f.opens(stream, "U0ERIK")
		f.gives(stream, digest, "U0ERIK", map[string]any{"click": map[string]any{"team": "T1", "user": "U0ERIK", "door": "command line", "os_user": "erik", "machine": "laptop"}})
	})
	path := f.pack("r000000")
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.Empty(t, r.Doubts)
	require.Contains(t, html.UnescapeString(string(open(t, path)[filePage])), "Medium risk. By version 3 of the workspace's rules and version 7 of the rules of channel C0STRICT it took 1 approval, given by any reviewer who neither asked nor wrote it, at a terminal only.")
	require.Contains(t, html.UnescapeString(string(open(t, path)[filePage])), "needs 1 approval by version 3 of the workspace's rules and version 7 of the rules of channel C0STRICT")

	f.seals = brings("C0GONE/2")
	f.playsBehind(1, "And in June?", 0, func(f *fake, stream, digest string) { plainly("U0ERIK", nil)(f, stream, digest, nil, nil) })
	path = f.pack("r000001")
	r, err = Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.Contains(t, r.Sentences(), "version 2 of the rules of channel C0GONE, which its seal names as well, is not in this pack, so whether it was kept is not known")
	require.Contains(t, string(open(t, path)[filePage]), "What else was asked for by version 2 of the rules of channel C0GONE is not in this pack.")
}

// A seal that somebody with the key has forged may lack anything.
func TestASealWithoutARiskTellsNothing(t *testing.T) {
	t.Parallel()
	require.Equal(t, "What it took is not in this pack.", ruled{}.words("T1", &Version{Rules: "team/3", Approvals: "1"}, 9))
}

// In a direct message the reviewers of a channel decide only where rules want a channel's own people, and those of theirs do.
func TestWhoDecidesInADirectMessage(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.channel = "D0MAYA"
	ben, dora := f.house()
	f.seals = policy("low", "1")
	f.playsBehind(0, "What did we earn in May?", 0, func(f *fake, stream, digest string) { plainly("U0ERIK", nil)(f, stream, digest, nil, nil) })
	f.judged("")
	f.setsRules("C0SALES", 1, map[string]any{"high": map[string]any{"approvals": 1, "owners": true, "slack": true}})
	f.byTheRules(1, "And in June?", ben, dora)
	_, page := f.judged("")
	require.Contains(t, page, "reviewer of channel C0SALES, named by U0CARLA on 26 November 2026")
	f.later += 2 * time.Hour
	f.seals = policy("low", "1")
	f.happens("people:T1", "U0CARLA", "named", map[string]any{"person": "U0FAY", "role": "reviewer", "channel": "C0ANOTHER"})
	f.playsBehind(2, "And in July?", 0, func(f *fake, stream, digest string) { plainly("U0FAY", nil)(f, stream, digest, nil, nil) })
	f.judged("they were a reviewer of other channels alone, C0ANOTHER and C0OTHER")
	r, err := Verify(f.pack("r000002"), Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.Contains(t, r.Sentences(), "it was asked in a direct message, where a channel's reviewers decide only if rules want its own people")

	f = newFake(t, 0)
	f.channel = "D0MAYA"
	ben, dora = f.house()
	f.byTheRules(0, "And in June?", ben, dora)
	f.judged("want reviewers who are named for the channel itself, and for this one they were not")
}

// What a step has cost beyond what was held, and what a provider's usage has told, is no amount that does not add up.
func TestAReceiptSaysWhyItsAmountIsNotThatOfTheRow(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "What did we earn in May?", 0)
	bill := func(hold string, amount int64, more map[string]any) {
		data := map[string]any{"hold": hold, "for": "draft", "held": amount, "spent": amount, "estimated": false}
		maps.Copy(data, more)
		f.happens("request:r000000", "countersign", "settled", data)
		c := f.of("request:r000000")
		c.Receipts = append(c.Receipts, Receipt{Request: "r000000", Hold: hold, For: "draft", At: noon, Amount: amount, Charges: []Charge{{Kind: "tokens", What: "codestral-2508", Model: "codestral-2508", Input: 1200, Output: 220, Amount: amount}}})
	}
	bill("h3", 100_000, map[string]any{"over": 458_000})
	bill("h4", 700_000, map[string]any{"usage_of": "2026-11-27"})
	path := f.pack("")
	o := open(t, path)
	page := string(o[filePage])
	require.Contains(t, page, "This step cost $0.000558, of which the budget bore $0.0001: no more was held for it.")
	require.Contains(t, page, "<td>by the provider&#39;s usage of 27 November 2026, at the highest price of input</td>")
	require.NotContains(t, page, "By this row it would be")
	require.Contains(t, string(o[fileReceipts]), `"over":458000`)
	require.Contains(t, string(o[fileReceipts]), `"usage_of":"2026-11-27"`)
	require.Contains(t, string(o[fileCharges]), `"by the provider's usage of 27 November 2026, at the highest price of input",`)
	_, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	for from, to := range map[string]string{`"over":458000`: `"over":1000`, `"usage_of":"2026-11-27",`: ""} {
		o := open(t, path)
		o[fileReceipts] = []byte(strings.Replace(string(o[fileReceipts]), from, to, 1))
		_, err := Verify(o.close(t), Trust{Keys: []note.Verifier{f.key}})
		require.ErrorContains(t, err, "says otherwise what went beyond the hold, or whose word the cost is")
	}
	bill("h5", 100_000, map[string]any{"over": 400_000})
	bill("h6", 600_000, nil)
	page = string(open(t, f.pack(""))[filePage])
	require.Equal(t, 2, strings.Count(page, `<b class="bad">By this row it would be $0.000558.</b>`), "one that nothing explains, and more than the row makes")
}
