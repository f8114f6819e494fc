package pack

import (
	"bytes"
	"encoding/base64"
	"html"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval/redact"
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

// answers ends the run of a request with files.
func (f *fake) answers(i int, files map[string][]byte) {
	id := strings.Replace("request:r00000N", "N", string(rune('0'+i)), 1)
	var list []any
	for name, data := range files {
		list = append(list, map[string]any{"name": f.says(id, name), "content": f.says(id, string(data))})
	}
	f.happens(id, "countersign", "finished", map[string]any{"outcome": "ok", "box_ms": 1840, "result": f.says(id, `{"outcome":"ok","answer":"May earned $41,300."}`), "files": list})
}

// The page shows an answer's chart out of itself, how large a box was beside its price, and in words what the rules asked for.
func TestThePageShowsTheChartTheBoxAndTheRules(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.setsRules("", 3, map[string]any{"low": map[string]any{"approvals": 1, "slack": true}, "medium": map[string]any{"approvals": 1, "slack": true},
		"high": map[string]any{"approvals": 2, "owners": true, "typed": true, "slack": false, "line_seconds": 1, "hourly": 20}})
	f.plays(0, "What did we earn in May?", 0)
	chart := drawn(t, 90, 150, 120)
	f.answers(0, map[string][]byte{"revenue.png": chart})
	f.answers(0, map[string][]byte{"revenue.png": chart, "by_month.csv": []byte("month,revenue\nMay,41300\n"), "notes.docx": []byte("PK\x03\x04\x00\x00")})
	f.of("request:r000000").Receipts[1].Charges[0].VCPU, f.of("request:r000000").Receipts[1].Charges[0].MemoryMB = 2, 2048
	f.seals = func(m string) string {
		return strings.Replace(strings.Replace(m, `"tier":"low"`, `"tier":"high"`, 1), `"approvals":1`, `"approvals":2`, 1)
	}
	f.playsBehind(1, "And in June?", 0, func(f *fake, stream, digest string) {
		approves(f, stream, digest, "U0BEN")
		approves(f, stream, digest, "U0CARLA")
	})
	path := f.pack("")
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	o := open(t, path)
	page := string(o[filePage])
	pictured(t, "pack-chart.html", page)
	require.Contains(t, page, "; img-src data:; base-uri &#39;none&#39;")
	require.Equal(t, 1, strings.Count(html.UnescapeString(page), `<img src="data:image/png;base64,`+base64.StdEncoding.EncodeToString(chart)+`"`))
	require.Contains(t, page, "<figcaption>revenue.png</figcaption>")
	require.Contains(t, page, "by_month.csv (in values.jsonl)")
	require.Contains(t, page, "notes.docx (not in this pack)", "no rule can look into it")
	require.Contains(t, page, "1.8 s of 2 CPUs and 2 GB of memory")
	require.Contains(t, string(o[fileCharges]), ",1840,2,2048,0.000003,")
	require.Contains(t, page, "Low risk. By version 3 of the workspace&#39;s rules it took 1 approval, given by any reviewer who neither asked nor wrote it, in Slack or at a terminal.")
	require.Contains(t, page, "High risk. By version 3 of the workspace&#39;s rules it took 2 approvals by different people, each a reviewer who is named for the channel itself and neither asked nor wrote it, at a terminal only, "+
		"with the beginning of the seal typed by hand, and not before the code had been open for 1 second a line; one person approves 20 of them in an hour at most.")

	// A selection has no rules, and the page says what the seal alone tells.
	page = string(open(t, f.pack("r000000"))[filePage])
	require.Contains(t, page, "Low risk. By version 3 of the workspace&#39;s rules it took 1 approval. What else they asked for is not in this pack.")
	// Nor does it tell whose rules a seal means, where two workspaces call theirs alike.
	f.happens("rules:T2", "U0CARLA", "set rules", map[string]any{"channel": "", "version": 3, "rules": map[string]any{"low": map[string]any{"approvals": 5}}})
	r2 := ruled{}
	for _, stream := range []string{"rules:T1", "rules:T2"} {
		s, err := Tell(f.of(stream))
		require.NoError(t, err)
		r2.take(s)
	}
	require.Contains(t, r2.words(&Version{Tier: "low", Approvals: "1", Rules: "team/3"}), "What else they asked for is not in this pack.")
	require.Equal(t, "Low risk. By the rules of the server's settings it took 1 approval, given by a reviewer who neither asked nor wrote it.", r2.words(&Version{Tier: "low", Approvals: "1", Rules: "settings"}))
}

// What is no picture is none, whatever its name; one for which there is no room is named; what is concealed shows none.
func TestOnlyPicturesAreShownAndOnlyWhereThereIsRoom(t *testing.T) {
	t.Parallel()
	p := newPage(&strings.Builder{}, Options{}, NewNames(nil))
	t.Cleanup(func() { require.NoError(t, p.close()) })
	for _, data := range []string{"<svg onload=alert(1)>", "\x89PNG but text", "RIFF\x00\x00\x00\x00WAVE\x00\x00", ""} {
		require.Empty(t, p.picture(Attached{"chart.png", []byte(data)}), "%q", data)
	}
	chart := Attached{"chart.png", drawn(t, 1)}
	require.NotEmpty(t, p.picture(chart))
	p.pictures = mostPictures
	require.Empty(t, p.picture(chart))
	s := &Story{Answer: "x", Attached: []Attached{chart}}
	s.Conceal()
	require.Empty(t, s.Attached)

	// Rules that hide a name show it masked; the picture itself stays.
	f := newFake(t, 0)
	f.plays(0, "What did we earn in May?", 0)
	var err error
	f.hides, err = redact.With("zebra")
	require.NoError(t, err)
	f.answers(0, map[string][]byte{"zebra.png": drawn(t, 2)})
	page := string(open(t, f.pack(""))[filePage])
	require.Contains(t, page, "<img src=")
	require.NotContains(t, page, "zebra")
}
