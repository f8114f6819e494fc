package pack

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval/sshkey"
)

// names has two administrators name somebody for break-glass.
func (f *fake) names(who string) {
	for _, by := range []string{"U0CARLA", "U0BOSS"} {
		f.happens("people:T1", by, "named", map[string]any{"person": who, "role": "break-glass"})
	}
}

// breaks is a run behind which somebody has broken the glass, and so many others look at it.
func (f *fake) breaks(i int, looks ...string) {
	f.playsBehind(i, "What did we earn in May?", 0, func(f *fake, stream, digest string) {
		f.happens(stream, "U0ONCALL", "broke glass", map[string]any{"revision": 1, "digest": digest, "others": []any{"U0CARLA", "U0BOSS"}, "reason": f.says(stream, "the report is due in an hour"),
			"click": map[string]any{"user": "U0ONCALL", "team": "T1"}})
		c := f.of(stream)
		c.Decisions = append(c.Decisions, Decision{Request: stream[len("request:"):], Revision: 1, Digest: digest, Reviewer: "U0ONCALL", Verdict: BrokeGlass, At: noon})
		for _, who := range looks {
			f.happens(stream, who, "looked at glass", map[string]any{"revision": 1, "fine": true})
		}
	})
}

const day25 = 25 * time.Hour

// The verifier holds a broken glass against the day of the role and the two looks, from the events alone.
func TestTheVerifierHoldsABrokenGlassAgainstTheDayAndTheLooks(t *testing.T) {
	t.Parallel()
	const young = "whoever broke the glass had not had the role for 24 hours by the word of two others"
	for _, c := range []struct {
		name   string
		plays  func(f *fake)
		broken string
		says   string
	}{
		{"as it should be", func(f *fake) {
			f.names("U0ONCALL")
			f.later = day25
			f.breaks(0, "U0CARLA", "U0BOSS")
			f.breaks(1, "U0CARLA", "U0BOSS")
		}, "", "somebody broke the glass for each: r000000, r000001.\n"},
		{"a role of an hour", func(f *fake) {
			f.names("U0ONCALL")
			f.later = time.Hour
			f.breaks(0, "U0CARLA", "U0BOSS")
		}, young, ""},
		{"a role by the word of one", func(f *fake) {
			for range 2 {
				f.happens("people:T1", "U0CARLA", "named", map[string]any{"person": "U0ONCALL", "role": "break-glass"})
			}
			f.later = day25
			f.breaks(0, "U0CARLA", "U0BOSS")
		}, young, ""},
		{"a role by their own word", func(f *fake) {
			for _, by := range []string{"U0CARLA", "U0ONCALL"} {
				f.happens("people:T1", by, "named", map[string]any{"person": "U0ONCALL", "role": "break-glass"})
			}
			f.later = day25
			f.breaks(0, "U0CARLA", "U0BOSS")
		}, young, ""},
		{"a role that was taken away", func(f *fake) {
			f.names("U0ONCALL")
			f.later = day25
			f.happens("people:T1", "U0CARLA", "removed", map[string]any{"person": "U0ONCALL", "role": "break-glass"})
			f.breaks(0, "U0CARLA", "U0BOSS")
		}, young, ""},
		{"a role that was given afterwards, as if it had been before", func(f *fake) {
			f.later = day25
			f.breaks(0, "U0CARLA", "U0BOSS")
			f.later = -time.Hour
			f.names("U0ONCALL")
			f.later = day25
		}, young, ""},
		{"one before it that was looked at afterwards, as if it had been before", func(f *fake) {
			f.names("U0ONCALL")
			f.later = day25
			f.breaks(0)
			f.breaks(1, "U0CARLA", "U0BOSS")
			f.later -= 15 * time.Second
			for _, who := range []string{"U0CARLA", "U0BOSS"} {
				f.happens("request:r000000", who, "looked at glass", map[string]any{"revision": 1, "fine": true})
			}
		}, "had not been looked at by two others", ""},
		{"one before it that one has looked at", func(f *fake) {
			f.names("U0ONCALL")
			f.later = day25
			f.breaks(0, "U0CARLA", "U0MAYA", "U0ONCALL") // who asked, and who broke it, are no others
			f.breaks(1, "U0CARLA", "U0BOSS")
		}, "the glass was broken while the one before it", ""},
		{"one before it whose looks came too late", func(f *fake) {
			f.names("U0ONCALL")
			f.later = day25
			f.breaks(0)
			f.later += day25
			f.happens("request:r000000", "U0CARLA", "looked at glass", map[string]any{"revision": 1, "fine": true})
			f.happens("request:r000000", "U0BOSS", "looked at glass", map[string]any{"revision": 1, "fine": true})
			f.breaks(1, "U0CARLA", "U0BOSS")
		}, young, ""},
		{"one that its giver disowned", func(f *fake) {
			f.names("U0ONCALL")
			f.later = day25
			f.breaks(0, "U0CARLA", "U0BOSS")
			f.happens("request:r000000", "U0ONCALL", "disowned glass", map[string]any{"revision": 1, "click": map[string]any{"user": "U0ONCALL"}})
		}, "", "Whoever broke the glass says that it was not them, for r000000.\n"},
		{"one after another that its giver disowned", func(f *fake) {
			f.names("U0ONCALL")
			f.later = day25
			f.breaks(0, "U0CARLA", "U0BOSS")
			f.happens("request:r000000", "U0ONCALL", "disowned glass", map[string]any{"revision": 1, "click": map[string]any{"user": "U0ONCALL"}})
			f.later += day25
			f.breaks(1, "U0CARLA", "U0BOSS")
		}, young, ""},
		{"one that nobody has looked at", func(f *fake) {
			f.names("U0ONCALL")
			f.later = day25
			f.breaks(0, "U0CARLA")
			f.later += day25
			f.plays(1, "And in June?", 0)
		}, "", "Two others have not looked within 24 hours at what ran without an approval, for r000000.\n"},
		{"one of a moment ago", func(f *fake) {
			f.names("U0ONCALL")
			f.later = day25
			f.breaks(0)
		}, "", "r000000 (the pack ends before the 24 hours do).\n"},
		{"no word of people", func(f *fake) { f.breaks(0, "U0CARLA", "U0BOSS") }, "", "It is not in the pack who was named for break-glass"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, 0)
			c.plays(f)
			r, err := Verify(f.pack(""), Trust{Keys: []note.Verifier{f.key}})
			if c.broken != "" {
				require.ErrorContains(t, err, c.broken)
				return
			}
			require.NoError(t, err)
			require.Contains(t, r.Sentences(), c.says)
			if c.name == "as it should be" {
				require.Empty(t, append(append(r.Unnamed, r.Unlooked...), r.Disowned...))
			}
		})
	}
}

// high has a decision for high risk given at the command line; sign is what its key makes of it.
func (f *fake) high(i int, sign func(s sshkey.Statement, click map[string]any)) {
	f.seals = func(m string) string { return strings.Replace(m, `"tier":"low"`, `"tier":"high"`, 1) }
	f.playsBehind(i, "What did we earn in May?", 0, func(f *fake, stream, digest string) {
		click := map[string]any{"team": "T1", "user": "U0BEN", "door": "command line", "os_user": "ben", "machine": "laptop", "nonce": "n1"}
		sign(sshkey.Statement{Digest: digest, Nonce: "n1", Person: "U0BEN", Request: stream[len("request:"):], Revision: 1, Verdict: "approve", Workspace: "T1"}, click)
		f.happens(stream, "U0BEN", "approved", map[string]any{"revision": 1, "digest": digest, "settings": true, "click": click})
		c := f.of(stream)
		c.Decisions = append(c.Decisions, Decision{Request: stream[len("request:"):], Revision: 1, Digest: digest, Reviewer: "U0BEN", Verdict: "approve", At: noon})
	})
}

// A decision that a key has signed says so on the page, and the verifier checks that the key has signed just this.
func TestASignatureOfADecisionIsOnThePageAndIsChecked(t *testing.T) {
	t.Parallel()
	signer, err := ssh.NewSignerFromSigner(ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", 32))))
	require.NoError(t, err)
	line := sshkey.Line(signer.PublicKey())
	signs := func(change func(*sshkey.Statement)) func(sshkey.Statement, map[string]any) {
		return func(s sshkey.Statement, click map[string]any) {
			change(&s)
			text, err := s.Sign(signer)
			require.NoError(t, err)
			click["key"], click["signature"] = line, text
		}
	}
	f := newFake(t, 0)
	f.names("U0ONCALL")
	f.registers("U0BEN", line)
	f.later = day25
	f.high(0, signs(func(*sshkey.Statement) {}))
	f.breaks(1, "U0CARLA")
	path := f.pack("")
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	page := string(open(t, path)[filePage])
	pictured(t, "pack-high.html", page)
	require.Contains(t, page, "U0ONCALL, and one administrator of two has looked at it since.")
	require.Contains(t, page, "Told at once: U0CARLA, U0BOSS")
	require.Contains(t, page, "command line, as ben on laptop")
	require.Contains(t, page, "signed by their SSH key <code>"+strings.ReplaceAll(sshkey.Print(line), "+", "&#43;")+"</code>")

	for says, sign := range map[string]func(sshkey.Statement, map[string]any){
		"its signature is not of this decision by the SSH key that it names": signs(func(s *sshkey.Statement) { s.Verdict = "reject" }),
		"for high risk one that was given outside of Slack needs":            func(sshkey.Statement, map[string]any) {},
	} {
		g := newFake(t, 0)
		g.high(0, sign)
		_, err := Verify(g.pack(""), Trust{Keys: []note.Verifier{g.key}})
		require.ErrorContains(t, err, says)
	}
}

const readAs = `{"version":1,"kind":"text","inside":"","encoding":"cp1251","sure":0.1,"tables":[{"name":"","rows":1200,"delimiter":";","heading_line":4,"heading_rows":1,"decimal":",","columns":[{"name":"month","type":"text","dtype":"object","missing":0,"day_first":false},{"name":"revenue","type":"number","dtype":"float64","missing":3,"day_first":false}],"odd":[{"code":"total_row","count":1,"lines":[1205]}],"spec":{"delimiter":";","quote":"","escape":"","width":2,"kinds":null,"heads":1,"first_line":5,"heading":null,"heading_line":4,"titles":3,"total":1205}}]}`

// How a file was read is in the pack as the seal names it, and on the page in words.
func TestHowAFileWasReadIsInThePack(t *testing.T) {
	t.Parallel()
	plays := func(text, named string) *fake {
		f := newFake(t, 0)
		f.seals = func(m string) string {
			before, rest, _ := strings.Cut(m, `"reading":{`)
			_, after, _ := strings.Cut(rest, `}`)
			return before + `"reading":"` + sum([]byte(readAs)) + `"` + after
		}
		f.plays(0, "What did we earn in May?", 0)
		f.of("request:r000000").Readings = []Reading{{SHA256: named, Text: json.RawMessage(text)}}
		return f
	}
	f := plays(readAs, sum([]byte(readAs)))
	path := f.pack("")
	o := open(t, path)
	page := string(o[filePage])
	require.Contains(t, page, "1,200 rows × 2 columns; delimiter semicolon, decimal comma, windows-1251 (guessed), heading in line 4")
	require.Contains(t, page, "the last row is a total: left out (line 1,205)")
	require.Contains(t, page, "<th>revenue</th><td>number, 3 missing</td>")
	require.Contains(t, string(o[fileReadings]), readAs)
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())

	_, err = Verify(plays(strings.Replace(readAs, "cp1251", "utf-8", 1), sum([]byte(readAs))).pack(""), Trust{Keys: []note.Verifier{f.key}})
	require.ErrorContains(t, err, "its content has been changed")
	other := strings.Replace(readAs, "1200", "1300", 1)
	slipped := plays(other, sum([]byte(other)))
	page = string(open(t, slipped.pack(""))[filePage])
	o = open(t, path)
	o.put(fileReadings, append(o.lines(fileReadings), `{"sha256":"`+sum([]byte(other))+`","reading":`+other+`}`))
	_, err = Verify(o.close(t), Trust{Keys: []note.Verifier{f.key}})
	require.ErrorContains(t, err, "no seal names it")
	require.Contains(t, page, "[not in this pack; its hash is ", "a reading that no seal names is not taken in")

	o = open(t, path)
	o[fileReadings] = append(o[fileReadings], o[fileReadings]...)
	_, err = Verify(o.close(t), Trust{Keys: []note.Verifier{f.key}})
	require.ErrorContains(t, err, "or it is there twice")
}
