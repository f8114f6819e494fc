package pack

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"html"
	"image"
	"image/color"
	"image/png"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval/redact"
	"countersign/approval/sshkey"
)

// drawn is a chart: bars, each as high as its number.
func drawn(t testing.TB, numbers ...int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 60*len(numbers)+20, 220))
	for i := range m.Pix {
		m.Pix[i] = 255
	}
	for i, n := range numbers {
		for x := 20 + 60*i; x < 60+60*i; x++ {
			for y := 200 - n; y < 200; y++ {
				m.Set(x, y, color.RGBA{31, 119, 180, 255})
			}
		}
	}
	var text bytes.Buffer
	require.NoError(t, png.Encode(&text, m))
	return text.Bytes()
}

// setsRules has an administrator set rules for the workspace, or for a channel.
func (f *fake) setsRules(channel string, version int, rules any) {
	f.happens("rules:T1", "U0CARLA", "set rules", map[string]any{"channel": channel, "version": version, "rules": rules, "before": nil})
}

// house has administrators set rules and name people: Ben and Dora for the channel itself, both with a key of their own, and Erik for the
// workspace. Carla and Olu are its administrators.
func (f *fake) house() (ben, dora ssh.Signer) {
	f.setsRules("", 3, map[string]any{"low": map[string]any{"approvals": 1, "slack": true, "line_seconds": 2, "hourly": 2}, "medium": map[string]any{"approvals": 1, "slack": true},
		"high":  map[string]any{"approvals": 2, "owners": true, "typed": true, "slack": false, "line_seconds": 1, "hourly": 20},
		"hosts": []any{"rates.example.com"}, "cost_high": 50_000_000})
	for who, where := range map[string]string{"U0BEN": "C0SALES", "U0DORA": "C0SALES", "U0ERIK": "", "U0FAY": "C0OTHER"} {
		f.happens("people:T1", "U0CARLA", "named", map[string]any{"person": who, "role": "reviewer", "channel": where})
	}
	f.happens("people:T1", "U0CARLA", "named", map[string]any{"person": "U0AUDI", "role": "auditor", "channel": ""})
	var line string
	ben, line = signerOf(f.t, "b")
	f.registers("U0BEN", line)
	dora, line = signerOf(f.t, "d")
	f.registers("U0DORA", line)
	f.later = day25
	return ben, dora
}

// policy is a seal that names rules which somebody has set, of some risk.
func policy(tier, approvals string) func(manifest string) string {
	return func(m string) string {
		m = strings.Replace(strings.Replace(m, `"policy":"settings"`, `"policy":"team/3"`, 1), `"tier":"low"`, `"tier":"`+tier+`"`, 1)
		return strings.Replace(m, `"approvals":1`, `"approvals":`+approvals, 1)
	}
}

// opens has somebody open the code, and take their time.
func (f *fake) opens(stream, who string) {
	f.happens(stream, who, "opened review", map[string]any{"revision": 1})
	f.later += 20 * time.Second
}

// gives is an approval of the first version, with more in its data or its click.
func (f *fake) gives(stream, digest, who string, more map[string]any) {
	click := map[string]any{"team": "T1", "user": who}
	data := map[string]any{"revision": 1, "digest": digest, "click": click}
	if signer, is := more["signer"].(ssh.Signer); is {
		text, err := sshkey.Statement{Digest: digest, Nonce: "n1", Person: who, Request: stream[len("request:"):], Revision: 1, Verdict: "approve", Workspace: "T1"}.Sign(signer)
		require.NoError(f.t, err)
		maps.Copy(click, map[string]any{"door": "command line", "os_user": cmp.Or(f.seat, strings.ToLower(who[2:])), "machine": "laptop", "nonce": "n1", "key": sshkey.Line(signer.PublicKey()), "signature": text})
	}
	for key, v := range more {
		if key != "signer" {
			data[key] = v
		}
	}
	f.happens(stream, who, "approved", data)
	c := f.of(stream)
	inPlaceOf, _ := more["in_place_of"].(string)
	c.Decisions = append(c.Decisions, Decision{Request: stream[len("request:"):], Revision: 1, Digest: digest, Reviewer: who, Verdict: "approve", InPlaceOf: inPlaceOf, At: noon})
}

// byTheRules is a run of high risk that two reviewers of the channel have approved at their terminals, after they had opened the code.
func (f *fake) byTheRules(i int, question string, ben, dora ssh.Signer) {
	f.seals = policy("high", "2")
	f.playsBehind(i, question, 0, func(f *fake, stream, digest string) {
		for who, signer := range map[string]ssh.Signer{"U0BEN": ben, "U0DORA": dora} {
			f.opens(stream, who)
			f.gives(stream, digest, who, map[string]any{"signer": signer})
		}
	})
}

// The page shows an answer's chart out of itself, how large a box was beside its price, and in words what the rules asked for.
func TestThePageShowsTheChartTheBoxAndTheRules(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	ben, dora := f.house()
	chart := drawn(t, 90, 150, 120)
	f.ends = func(stream string) map[string]any {
		var files []any
		for _, file := range []struct{ name, data string }{{"revenue.png", string(chart)}, {"by_month.csv", "month,revenue\nMay,41300\n"}, {"notes.docx", "PK\x03\x04\x00\x00"}} {
			files = append(files, map[string]any{"name": f.says(stream, file.name), "content": f.says(stream, file.data)})
		}
		return map[string]any{"files": files}
	}
	f.seals = policy("low", "1")
	f.playsBehind(0, "What did we earn in May? Ask maya@shop.example about April.", 0, func(f *fake, stream, digest string) {
		f.opens(stream, "U0ERIK")
		f.gives(stream, digest, "U0ERIK", nil)
	})
	f.ends = nil
	f.byTheRules(1, "And in June?", ben, dora)
	f.unseen = true
	f.byTheRules(2, "And in July?", ben, dora)
	path := f.pack("")
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	require.Empty(t, r.Doubts)
	o := open(t, path)
	page := string(o[filePage])
	pictured(t, "pack-chart.html", page)
	require.Contains(t, html.UnescapeString(page), "1.84 s × (2 CPUs × $0.000014 + 2 GB × $0.0000045) = $0.000069")
	require.Contains(t, html.UnescapeString(page), "(1,200 × $0.30 + 220 × $0.90) / 1,000,000 = $0.000558")
	require.Contains(t, page, "; img-src data:; base-uri &#39;none&#39;")
	require.Equal(t, 1, strings.Count(html.UnescapeString(page), `<img src="data:image/png;base64,`+base64.StdEncoding.EncodeToString(chart)+`"`))
	require.Contains(t, page, "<figcaption>revenue.png</figcaption>")
	require.Contains(t, page, "by_month.csv (in values.jsonl)")
	require.Contains(t, page, "notes.docx (left out: it is neither text nor a picture, so no rule can look for secrets in it; its hash stays)")
	require.Contains(t, page, "<td>the file notes.docx</td><td>left out: it is neither text nor a picture")
	require.Contains(t, page, "<td>the question</td><td>masked by the rule for: e-mail address</td>")
	require.NotContains(t, page, "maya@shop")
	require.Contains(t, page, "1.84 s of 2 CPUs and 2 GB of memory")
	require.Contains(t, page, "$0.000014 a CPU and second, $0.0000045 a GB of memory and second")
	require.NotContains(t, page, "By this row it would be")
	require.Contains(t, string(o[fileCharges]), ",1840,2,2048,0.000069,")
	require.Contains(t, page, "Low risk. By version 3 of the workspace&#39;s rules it took 1 approval, given by any reviewer who neither asked nor wrote it, in Slack or at a terminal, "+
		"not sooner after first opening the code than 2 seconds a line (two minutes at most), and not more than 2 of this risk by one person in an hour.")
	require.Contains(t, page, "High risk. By version 3 of the workspace&#39;s rules it took 2 approvals by different people, each by a reviewer who is named for the channel itself and neither asked nor wrote it, at a terminal only, "+
		"not sooner after first opening the code than 1 second a line (two minutes at most), and not more than 20 of this risk by one person in an hour. The beginning of the seal had to be typed, too; whether it was, the log does not say.")
	require.Contains(t, page, "reviewer of the channel, named by U0CARLA on 26 November 2026")
	require.Contains(t, page, "No approval is known to have broken its rules.")
	require.Contains(t, page, "It counts in the budgets of ")
	require.Contains(t, page, "up to 28 November 2026, 12:00 UTC, when this page was made")
	require.Contains(t, page, "<td>none: this was watched</td>")
	require.Contains(t, page, `<tr class="unseen"><th>Witness</th><td>Nobody watched this run from outside of the program. What it opened, started and connected to is not known.</td>`)

	// A selection brings the rules along.
	path = f.pack("r000000")
	require.Contains(t, string(open(t, path)[filePage]), "Low risk. By version 3 of the workspace&#39;s rules it took 1 approval, given by any reviewer")
	r, err = Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	require.Contains(t, r.Sentences(), "that none is held back is the installation's word")
	// Two workspaces may call different rules alike.
	f.happens("rules:T2", "U0CARLA", "set rules", map[string]any{"channel": "", "version": 3, "rules": map[string]any{"low": map[string]any{"approvals": 5}}})
	require.NotContains(t, string(open(t, f.pack(""))[filePage]), "and version 3")
	require.Equal(t, "Low risk. By the rules of the server's settings it took 1 approval, given by a reviewer who neither asked nor wrote it.",
		ruled{}.words("T1", &Version{Tier: "low", Approvals: "1", Rules: "settings"}, 0))
}

// What is no picture is none, whatever its name; one for which there is no room is named; what is concealed shows none.
func TestOnlyPicturesAreShownAndOnlyWhereThereIsRoom(t *testing.T) {
	t.Parallel()
	p := newPage(&strings.Builder{}, Options{}, NewNames(nil), &verifier{entries: newEntries()})
	t.Cleanup(func() { require.NoError(t, p.close()) })
	for _, data := range []string{"<svg onload=alert(1)>", "\x89PNG but text", "RIFF\x00\x00\x00\x00WAVE\x00\x00", ""} {
		require.Empty(t, p.picture(Attached{Name: "chart.png", Data: []byte(data)}), "%q", data)
	}
	chart := Attached{Name: "chart.png", Data: drawn(t, 1)}
	require.NotEmpty(t, p.picture(chart))
	p.pictures = mostPictures
	require.Empty(t, p.picture(chart))
	s := &Story{Answer: "x", Attached: []Attached{chart}}
	s.Conceal()
	require.Empty(t, s.Attached)

	// Rules that hide a name show it masked; the picture itself stays.
	f := newFake(t, 0)
	f.ends = func(stream string) map[string]any {
		return map[string]any{"files": []any{map[string]any{"name": f.says(stream, "zebra.png"), "content": f.says(stream, string(drawn(t, 2)))}}}
	}
	f.plays(0, "What did we earn in May?", 0)
	var err error
	f.hides, err = redact.With("zebra")
	require.NoError(t, err)
	page := string(open(t, f.pack(""))[filePage])
	require.Contains(t, page, "<img src=")
	require.NotContains(t, page, "zebra")
}
