package pack

import (
	"html"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/mod/sumdb/note"
)

func init() {
	for _, c := range rulings {
		tampered = append(tampered, struct {
			kind   string
			change func(t testing.TB, o opened)
			says   string
		}{"an approval that did not keep the rules: " + c.kind, func(t testing.TB, o opened) {
			path, _ := c.pack(t)
			clear(o)
			for name, text := range open(t, path) {
				o[name] = text
			}
		}, c.says})
	}
}

// forged is an approval behind a run, by somebody who owns the database and has its key: all of the log agrees with itself.
type forged struct {
	kind string
	seal func(manifest string) string
	give func(f *fake, stream, digest string, ben, dora ssh.Signer)
	says string
}

func (c forged) pack(t testing.TB) (string, *fake) {
	f := newFake(t, 0)
	ben, dora := f.house()
	f.seals = c.seal
	f.playsBehind(0, "What did we earn in May?", 0, func(f *fake, stream, digest string) { c.give(f, stream, digest, ben, dora) })
	return f.pack(""), f
}

// plainly is an approval in Slack by whoever, after they had opened the code.
func plainly(who string, more map[string]any) func(f *fake, stream, digest string, _, _ ssh.Signer) {
	return func(f *fake, stream, digest string, _, _ ssh.Signer) {
		f.opens(stream, who)
		f.gives(stream, digest, who, more)
	}
}

func instead(tier, approvals, from, to string) func(string) string {
	return func(m string) string { return strings.Replace(policy(tier, approvals)(m), from, to, 1) }
}

// brings is a seal of low risk whose files brought stricter rules along.
func brings(versions string) func(string) string {
	return instead("low", "1", `"network":[]`, `"network":[],"brought":["`+versions+`"]`)
}

// strict has an administrator set rules for another channel.
func (f *fake) strict() {
	f.setsRules("C0STRICT", 7, map[string]any{"low": map[string]any{"approvals": 1, "slack": false}, "medium": map[string]any{"approvals": 1}, "high": map[string]any{"approvals": 1}, "class": "confidential"})
}

// rulings are all the ways in which an approval can miss its rules, each once.
var rulings = []forged{
	{"at the wrong door", policy("high", "2"), func(f *fake, stream, digest string, ben, _ ssh.Signer) {
		f.opens(stream, "U0BEN")
		f.gives(stream, digest, "U0BEN", map[string]any{"signer": ben})
		f.opens(stream, "U0DORA")
		f.gives(stream, digest, "U0DORA", nil)
	}, "the approval of U0DORA on version 1 does not keep the rules: it was given in Slack, and for high risk version 3 of the workspace's rules want a terminal"},
	{"by a person without the role", policy("low", "1"), plainly("U0GUS", nil), "the approval of U0GUS on version 1 does not keep the rules: nobody had named them a reviewer"},
	{"by a reviewer of another channel", policy("low", "1"), plainly("U0FAY", nil), "they were a reviewer of another channel alone, C0OTHER"},
	{"by an auditor, whatever the settings say", policy("low", "1"), plainly("U0AUDI", map[string]any{"settings": true}), "they were an auditor, named by U0CARLA, and an auditor decides nothing"},
	{"by somebody who was removed", policy("low", "1"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		f.happens("people:T1", "U0CARLA", "removed", map[string]any{"person": "U0ERIK", "role": "reviewer", "channel": ""})
		plainly("U0ERIK", nil)(f, stream, digest, a, b)
	}, "they were no reviewer any more: U0CARLA had removed them"},
	{"before somebody was named", policy("low", "1"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		plainly("U0GUS", nil)(f, stream, digest, a, b)
		f.happens("people:T1", "U0CARLA", "named", map[string]any{"person": "U0GUS", "role": "reviewer", "channel": ""})
	}, "nobody had named them a reviewer"},
	{"by somebody who was named afterwards, as if it had been before", policy("low", "1"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		plainly("U0GUS", nil)(f, stream, digest, a, b)
		f.earlier(func() {
			f.happens("people:T1", "U0CARLA", "named", map[string]any{"person": "U0GUS", "role": "reviewer", "channel": ""})
		})
	}, "nobody had named them a reviewer"},
	{"of code that was opened afterwards, as if it had been before", policy("low", "1"), func(f *fake, stream, digest string, _, _ ssh.Signer) {
		f.gives(stream, digest, "U0ERIK", nil)
		f.earlier(func() { f.opens(stream, "U0ERIK") })
	}, "no opening of the code by them is on record, and version 3 of the workspace's rules want one"},
	{"by rules that were set afterwards, as if it had been before", instead("low", "1", "team/3", "team/9"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		plainly("U0ERIK", nil)(f, stream, digest, a, b)
		f.earlier(func() { f.setsRules("", 9, map[string]any{"low": map[string]any{"approvals": 1, "slack": true}}) })
	}, "nobody had set version 9 of the workspace's rules, which its seal names"},
	{"by rules that were made laxer afterwards, as if it had been before", policy("low", "1"), func(f *fake, stream, digest string, _, _ ssh.Signer) {
		f.gives(stream, digest, "U0ERIK", nil)
		f.earlier(func() { f.setsRules("", 3, map[string]any{"low": map[string]any{"approvals": 1, "slack": true}}) })
	}, "no opening of the code by them is on record, and version 3 of the workspace's rules want one"},
	{"in the place of somebody who let them afterwards, as if it had been before", policy("low", "1"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		plainly("U0GUS", map[string]any{"in_place_of": "U0ERIK"})(f, stream, digest, a, b)
		f.earlier(func() {
			f.happens("people:T1", "U0ERIK", "delegated", map[string]any{"to": "U0GUS", "until": f.now().Add(24 * time.Hour).Format(time.RFC3339Nano)})
		})
	}, "it was given in the place of U0ERIK, who had not let them"},
	{"in the place of somebody, by an auditor", policy("low", "1"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		f.happens("people:T1", "U0ERIK", "delegated", map[string]any{"to": "U0AUDI", "until": f.now().Add(24 * time.Hour).Format(time.RFC3339Nano)})
		plainly("U0AUDI", map[string]any{"in_place_of": "U0ERIK"})(f, stream, digest, a, b)
	}, "whoever gave it in the place of U0ERIK was an auditor, named by U0CARLA, and an auditor decides nothing"},
	{"by the laxer of two rules", brings("C0STRICT/7"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		f.strict()
		plainly("U0ERIK", nil)(f, stream, digest, a, b)
	}, "it was given in Slack, and for low risk version 3 of the workspace's rules and version 7 of the rules of channel C0STRICT want a terminal"},
	{"a seal by the laxer of two rules", brings("C0STRICT/7"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		f.strict()
		plainly("U0ERIK", nil)(f, stream, digest, a, b)
	}, "it says low risk, and by version 3 of the workspace's rules and version 7 of the rules of channel C0STRICT it was medium: the data of the channel is confidential"},
	{"a seal with rules of a file that nobody has set", brings("C0STRICT/8"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		f.strict()
		plainly("U0ERIK", nil)(f, stream, digest, a, b)
	}, "nobody had set version 8 of the rules of channel C0STRICT, which its seal names"},
	{"by whoever asked", policy("low", "1"), plainly("U0MAYA", map[string]any{"settings": true}), "they asked this themselves"},
	{"by whoever wrote it", policy("low", "1"), plainly("codestral-2508", map[string]any{"settings": true}), "they wrote this code themselves"},
	{"in the place of whoever asked", policy("low", "1"), plainly("U0ERIK", map[string]any{"settings": true, "in_place_of": "U0MAYA"}), "it was given in the place of whoever asked this, U0MAYA"},
	{"in the place of somebody who had not let them", policy("low", "1"), plainly("U0GUS", map[string]any{"in_place_of": "U0ERIK"}), "it was given in the place of U0ERIK, who had not let them"},
	{"in the place of somebody for longer than they had let them", policy("low", "1"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		f.happens("people:T1", "U0ERIK", "delegated", map[string]any{"to": "U0GUS", "until": f.now().Add(time.Second).Format(time.RFC3339Nano)})
		plainly("U0GUS", map[string]any{"in_place_of": "U0ERIK"})(f, stream, digest, a, b)
	}, "it was given in the place of U0ERIK, who had not let them"},
	{"by somebody who had asked for these changes", instead("medium", "1", "", ""), func(f *fake, stream, digest string, a, b ssh.Signer) {
		f.happens(stream, "U0ERIK", "changes requested", map[string]any{"revision": 0, "digest": "", "reason": f.says(stream, "by week"), "click": map[string]any{"team": "T1"}})
		c := f.of(stream)
		c.Decisions = append(c.Decisions, Decision{Request: stream[len("request:"):], Reviewer: "U0ERIK", Verdict: "changes", At: noon})
		plainly("U0ERIK", nil)(f, stream, digest, a, b)
	}, "they had asked for the changes that it has"},
	{"by somebody who had written a version before it", policy("medium", "1"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		for _, who := range []string{"U0ERIK", "codestral-2508"} { // an edit, and what a model made of it
			f.happens(stream, who, "drafted", map[string]any{"revision": 0, "digest": ""})
		}
		plainly("U0ERIK", map[string]any{"settings": true})(f, stream, digest, a, b)
	}, "they had written a version before it"},
	{"by the same user of a terminal", policy("high", "2"), func(f *fake, stream, digest string, ben, dora ssh.Signer) {
		f.opens(stream, "U0BEN")
		f.gives(stream, digest, "U0BEN", map[string]any{"signer": ben})
		f.opens(stream, "U0DORA")
		f.seat = "ben"
		f.gives(stream, digest, "U0DORA", map[string]any{"signer": dora})
	}, "another decision on this version had been given by the same user of the terminal before"},
	{"too soon", policy("low", "1"), func(f *fake, stream, digest string, _, _ ssh.Signer) {
		f.happens(stream, "U0ERIK", "opened review", map[string]any{"revision": 1})
		f.gives(stream, digest, "U0ERIK", nil)
	}, "it came 1 second after they first opened the code, and for its 4 lines version 3 of the workspace's rules want 8 seconds"},
	{"of code that they had not opened", policy("low", "1"), func(f *fake, stream, digest string, _, _ ssh.Signer) {
		f.opens(stream, "U0BEN")
		f.gives(stream, digest, "U0ERIK", nil)
	}, "no opening of the code by them is on record, and version 3 of the workspace's rules want one"},
	{"too many in an hour", policy("low", "1"), func(f *fake, stream, digest string, a, b ssh.Signer) {
		for i := range 2 {
			f.playsBehind(i+1, "And in June?", 0, func(f *fake, stream, digest string) { plainly("U0ERIK", nil)(f, stream, digest, a, b) })
		}
		plainly("U0ERIK", nil)(f, stream, digest, a, b)
	}, "it was their approval number 3 of low risk within an hour, and version 3 of the workspace's rules allow 2"},
	{"of somebody who is not of the channel", policy("high", "2"), func(f *fake, stream, digest string, ben, _ ssh.Signer) {
		erik, line := signerOf(f.t, "e")
		f.registers("U0ERIK", line)
		f.later += day25
		f.opens(stream, "U0BEN")
		f.gives(stream, digest, "U0BEN", map[string]any{"signer": ben})
		f.opens(stream, "U0ERIK")
		f.gives(stream, digest, "U0ERIK", map[string]any{"signer": erik})
	}, "version 3 of the workspace's rules want reviewers who are named for the channel itself, and for this one they were not"},
	{"too few approvals", policy("high", "2"), func(f *fake, stream, digest string, ben, _ ssh.Signer) {
		f.opens(stream, "U0BEN")
		f.gives(stream, digest, "U0BEN", map[string]any{"signer": ben})
	}, "it has run with 1 of 2 approvals, and nobody has broken the glass for it"},
	{"a seal that asks for too few", policy("high", "1"), func(f *fake, stream, digest string, ben, _ ssh.Signer) {
		f.opens(stream, "U0BEN")
		f.gives(stream, digest, "U0BEN", map[string]any{"signer": ben})
	}, "the seal of version 1 does not keep the rules: it asks for 1 approval, and version 3 of the workspace's rules want 2"},
	{"a seal with a host that is not allowed", instead("low", "1", `"network":[]`, `"network":["rates.example.com","evil.example.com"]`), plainly("U0ERIK", nil), "version 3 of the workspace's rules do not allow the host evil.example.com"},
	{"a seal of too low a risk", instead("low", "1", `"cost_cap":2000000`, `"cost_cap":60000000`), plainly("U0ERIK", nil), "it says low risk, and by version 3 of the workspace's rules it was high: it may cost $0.06"},
	{"a seal by rules that nobody has set", instead("low", "1", "team/3", "team/9"), plainly("U0ERIK", nil), "nobody had set version 9 of the workspace's rules, which its seal names"},
	{"a seal of other code", instead("low", "1", `"code_sha256":"`, `"code_sha256":"00`), plainly("U0ERIK", nil), "it is of another code than the one that was shown"},
	{"of something that is not what was shown", policy("low", "1"), func(f *fake, stream, digest string, _, _ ssh.Signer) {
		f.opens(stream, "U0ERIK")
		f.gives(stream, digest, "U0ERIK", nil)
		f.gives(stream, sum([]byte("another seal")), "U0BEN", map[string]any{"settings": true})
	}, "nobody had been shown a version with this seal"},
}

// Whatever an approval misses is named: by the verifier, on page one, and at the request.
func TestAnApprovalThatDidNotKeepItsRulesIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range rulings {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			path, f := c.pack(t)
			r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
			require.ErrorContains(t, err, ": ")
			require.False(t, r.Shown())
			require.True(t, slices.ContainsFunc(r.Faults, func(f Fault) bool { return strings.Contains(f.sentence(), c.says) }), "%v", r.Faults)
			require.Contains(t, r.Sentences(), "It does not hold: ")
			require.Contains(t, r.Sentences(), c.says)
			require.Contains(t, r.Sentences(), "The pack itself is whole: nothing was changed")
			page := html.UnescapeString(string(open(t, path)[filePage]))
			first, rest, _ := strings.Cut(page, "<h2>Requests")
			require.Contains(t, first, "<b>The rules were not kept ")
			require.NotContains(t, first, "No approval is known")
			require.Contains(t, rest, `<b class="bad">rules not kept</b>`)
			require.Contains(t, rest, "<b>The rules were not kept:</b>")
			last := c.says[strings.LastIndex(c.says, ": ")+1:]
			for _, part := range []string{first, rest} {
				require.Contains(t, strings.ToLower(strings.NewReplacer("Ben Osei (U0BEN)", "U0BEN", "Maya Lindqvist (U0MAYA)", "U0MAYA").Replace(part)), strings.ToLower(strings.TrimSpace(last)))
			}
		})
	}
}

// What nobody can know from a pack is said, and is no fault.
func TestWhatIsNotKnownOfAnApprovalIsSaid(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.house()
	f.seals = func(m string) string { return strings.Replace(m, `"tier":"low"`, `"tier":"high"`, 1) }
	f.plays(0, "What did we earn in April?", 0) // by the settings
	f.seals = policy("low", "1")
	f.playsBehind(1, "What did we earn in May?", 0, func(f *fake, stream, digest string) { plainly("U0ERIK", nil)(f, stream, digest, nil, nil) })
	f.playsBehind(2, "What did we earn in June?", 0, func(f *fake, stream, digest string) { plainly("U0ERIK", nil)(f, stream, digest, nil, nil) })
	f.of("request:r000002").Values = nil // somebody had its words forgotten
	verify := func(path string) Report {
		r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
		require.NoError(t, err)
		require.True(t, r.Shown())
		return r
	}
	path := f.pack("")
	r := verify(path)
	require.Contains(t, r.Sentences(), "Not known of 1 request: it is of high risk and counted by the settings of the server, so how soon")
	require.Contains(t, r.Sentences(), "Not known of 1 request: the text of the seal is not in this pack, so neither its risk nor its rules are known (r000002).")
	page := string(open(t, path)[filePage])
	require.Contains(t, page, "<b>What nobody can know from this pack:</b>")
	require.Contains(t, page, "Of 1 request: the text of the seal is not in this pack")
	require.Contains(t, page, "<b>Not known:</b> it is of high risk and counted by the settings of the server")
	require.Contains(t, verify(f.pack("r000001")).Sentences(), "how many they gave in that hour is not known, as this is a selection (r000001).")
}

// What was forgotten is said to be unknown, and not taken for nothing.
func TestWhatWasForgottenIsNotTakenForNothing(t *testing.T) {
	t.Parallel()
	const stream, found = "request:r000000", `[{"level":"caution","line":2,"text":"It reads a file by a name from the data."}]`
	plays := func(tier string, forgets ...string) (Report, string) {
		f := newFake(t, 0)
		f.house()
		f.finds, f.seals = found, policy(tier, "1")
		f.playsBehind(0, "What did we earn in May?", 0, func(f *fake, stream, digest string) { plainly("U0ERIK", nil)(f, stream, digest, nil, nil) })
		for _, text := range forgets {
			f.forgets(stream, text)
		}
		path := f.pack("")
		r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
		require.Equal(t, len(r.Faults) > 0, err != nil)
		return r, string(open(t, path)[filePage])
	}
	r, page := plays("low")
	require.Len(t, r.Faults, 1)
	require.Contains(t, r.Faults[0].Says, "the inspection found something to be careful about")
	require.Contains(t, page, "caution, line 2: It reads a file")

	r, page = plays("low", found)
	require.True(t, r.Shown())
	require.Contains(t, r.Sentences(), "Not known of 1 request: what the inspection found is not in this pack, so whether its risk should have been higher is not known (r000000).")
	require.Contains(t, page, "<p>What the inspection found:</p><ul><li>[not in this pack; its hash is ")
	require.Contains(t, page, "<b>Not known:</b> what the inspection found is not in this pack")

	r, _ = plays("medium", program)
	require.True(t, r.Shown())
	require.Contains(t, r.Sentences(), "the code is not in this pack, so whether it is the one that was sealed is not known (r000000).")
	require.NotContains(t, r.Sentences(), "what the inspection found")
}

// Whoever ends a run twice has slipped something in.
func TestARunEndsOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "What did we earn in April?", 0)
	f.happens("request:r000000", "countersign", "finished", map[string]any{"outcome": "ok", "box_ms": 1})
	r, err := Verify(f.pack(""), Trust{Keys: []note.Verifier{f.key}})
	require.ErrorContains(t, err, "it tells of the end of a run, and none was under way")
	require.Len(t, r.Faults, 1)
}
