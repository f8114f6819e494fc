package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/codegen/mistraltest"
	"countersign/codegen/samples"
	"countersign/sandbox/local"
)

// benchAsks measures from the question to the card, in real boxes, with a model that answers at once. A file
// that nobody has asked about is fetched and read in a box of its own first; of a known one its reading is kept.
func benchAsks(b *testing.B, t *table) {
	h := open(b, func(c *Config) { c.Runsc, c.MaxOpen = "/nonexistent", 1000 })
	var asked atomic.Value // the file that the question is about, which the code has to read
	h.model.Answer(func(mistraltest.Request) mistraltest.Reply {
		return mistraltest.Reply{Content: "```python\n" + strings.ReplaceAll(plot, "sales.csv", asked.Load().(string)) + "```\n"}
	})
	box, err := local.New(local.Options{MaxWarm: -1, Memory: 512, Log: h.program.log})
	require.NoError(b, err)
	h.bench(box, 4)
	b.Cleanup(func() { require.NoError(b, box.Close()) })
	data := string(samples.Files()[0].Data)
	h.share("sales.csv", data)
	last := data[strings.LastIndexByte(strings.TrimSuffix(data, "\n"), '\n')+1:]
	ask := func(file string) time.Duration {
		asked.Store(file)
		began := time.Now()
		h.card(h.ask("What is the sum of units per region in " + file + "?"))
		return time.Since(began)
	}
	ask("sales.csv") // the first question of a replica makes what later ones have
	var known, fresh figure
	for i := range perRow / 4 {
		name := fmt.Sprintf("fresh%d.csv", i)
		h.share(name, data+strings.Repeat(last, i+1)) // with the same bytes it would be known
		fresh = append(fresh, ask(name))
		known = append(known, ask("sales.csv"))
	}
	t.row("/analyze to card, a file that is known", known)
	t.row("/analyze to card, a new file", fresh)
}
