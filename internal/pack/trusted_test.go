package pack

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"

	"countersign/internal/checkpoint"
)

func TestWhoseAPackIsOnlyTheReaderCanSay(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	for i := range 30 {
		f.plays(i, "What did we earn in May?", 0)
	}
	path := f.pack("")
	r, err := Verify(path, Trust{})
	require.NoError(t, err)
	require.False(t, r.Shown())
	require.Contains(t, r.Sentences(), "Whole in itself, but nothing shows who made it")

	// A checkpoint as it stood in Slack shows as far as it reaches.
	r, err = Verify(path, Trust{Checkpoints: []checkpoint.Checkpoint{f.read[0]}})
	require.NoError(t, err)
	require.False(t, r.Shown())
	require.Contains(t, r.Sentences(), "Your checkpoint 1 shows that the first 256 of its 300 entries stood in the log, and not the rest.")
	// One that ends with the entries covers them all, and not the entry that the making of the pack has left behind them.
	r, err = Verify(path, Trust{Checkpoints: []checkpoint.Checkpoint{f.read[1]}})
	require.NoError(t, err)
	require.False(t, r.Shown())
	require.Contains(t, r.Sentences(), "Your checkpoint 2 shows that each of its 300 entries stood in the log, but not what the pack says of itself.")
	require.Contains(t, r.Sentences(), "bring a checkpoint that covers more than 300 entries, or the installation's key.")
	require.Contains(t, string(open(t, path)[filePage]), "it has to be more than 300.")
	r, err = Verify(path, Trust{Checkpoints: []checkpoint.Checkpoint{f.read[2]}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	require.Contains(t, r.Sentences(), "since "+moment(f.read[2].At)+", as your checkpoint 3 shows.")

	forked := f.read[0]
	forked.Root = bytes.Repeat([]byte{1}, 32)
	_, err = Verify(path, Trust{Checkpoints: []checkpoint.Checkpoint{forked}})
	require.ErrorContains(t, err, "checkpoint 1: it is not the one that you have")
	older := f.read[2]
	older.At = older.At.Add(-time.Hour)
	_, err = Verify(path, Trust{Checkpoints: []checkpoint.Checkpoint{older}})
	require.ErrorContains(t, err, "checkpoint 3: it is not the one that you have")

	// With a key as well they count no less.
	keys, later := []note.Verifier{f.key}, checkpoint.Checkpoint{Number: 9, Size: 900, Root: forked.Root}
	for _, keys := range [][]note.Verifier{nil, keys} {
		_, err = Verify(path, Trust{Keys: keys, Checkpoints: []checkpoint.Checkpoint{later}})
		require.ErrorContains(t, err, "use one of 1 to 3")
	}
	r, err = Verify(path, Trust{Keys: keys, Checkpoints: []checkpoint.Checkpoint{f.read[1], later, f.read[0], f.read[1]}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	require.Contains(t, r.Sentences(), "as the key that you named shows.")
	require.Contains(t, r.Sentences(), "Held against your checkpoints 1 and 2, the same as in the pack.")
	require.Contains(t, r.Sentences(), "Not compared, as the pack does not have it: your checkpoint 9.")
}

// records writes down anew what a pack says of itself, in an entry behind the last one, and signs a checkpoint of that.
func (o opened) records(t testing.TB, f *fake) {
	t.Helper()
	var first int64
	o.contents(t, func(c *Contents) {
		first = c.First
		for _, name := range listed {
			c.Files[name] = sum(o[name])
		}
	})
	own := f.happens(PackStream, "operator", "packed", map[string]any{"pack": sum(o[fileContents])})
	f.signs()
	plan, err := checkpoint.Inclusion(own.Position, f.tree.Size())
	require.NoError(t, err)
	o.proof(t, func(p *Proof) {
		p.Checkpoints = f.since(first)
		p.Own = &Own{Position: own.Position, Hash: own.Hash, Line: string(own.Event), Proof: f.proof(plan)}
	})
}

// The maker does not hand out what the verifier would refuse.
func TestAPackOfLessThanItsPeriodIsNotMade(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	f.plays(0, "What did we earn in May?", 0)
	f.signs()
	f.plays(1, "And in June?", 0)
	f.signs()
	f.lies = func(s *Span) { s.Last = f.read[0].Size }
	_, err := Make(t.Context(), io.Discard, f, Options{Chosen: Chosen{From: noon, To: noon.Add(time.Hour)}, Made: noon.Add(time.Hour), Zone: time.UTC,
		Record: func(context.Context, Contents, []int64) (Proof, error) { return Proof{Checkpoints: f.points}, nil },
		Price:  func(Charge, time.Time) *Rate { return nil }})
	require.ErrorContains(t, err, "the pack would not hold: checkpoint 2: it is of 2026-11-26 12:00 UTC, and the pack ends before it")
}

// Whoever has no key can append to the log what they like. A checkpoint that the reader has kept shows nothing of that.
func TestWithoutTheKeyNothingBehindAKeptCheckpointIsBelieved(t *testing.T) {
	t.Parallel()
	for _, kept := range []int{1, 2} { // the last one of the entries, and the pack's own
		f := newFake(t, 0)
		for i := range 30 {
			f.plays(i, "What did we earn in May?", 0)
		}
		o := open(t, f.pack(""))
		mine := f.read[kept]
		o[filePage] = bytes.ReplaceAll(o[filePage], []byte("U0BEN"), []byte("U0BOB"))
		f.signer, _ = key2(t, 7)
		o.records(t, f)
		path := o.close(t)
		r, err := Verify(path, Trust{Checkpoints: []checkpoint.Checkpoint{mine}})
		require.NoError(t, err)
		require.False(t, r.Shown(), r.Sentences())
		require.Contains(t, r.Sentences(), "but not what the pack says of itself.")
		_, err = Verify(path, Trust{Keys: []note.Verifier{f.key}})
		require.ErrorContains(t, err, "it is not signed by the key that you named")
	}
}

func init() {
	const begins = "checkpoint 1: it is of 2026-11-26 12:01 UTC, and the pack begins with it, though its period begins 2026-11-26 12:00 UTC: entries may be left out"
	const ends = "and the pack ends before it, though its period ends 2026-11-28 12:00 UTC: entries are left out"
	for _, c := range []struct {
		kind     string
		from, to int           // the checkpoints at which it begins and ends; 0: it is whole
		longer   time.Duration // than it reaches; 0: it says to go on until it was made
		says     string
	}{
		{"a period whose beginning is left out", 1, 0, 0, begins},
		{"a period whose end is left out", 0, 3, 0, ends},
		{"a period whose second half is left out", 0, 2, 0, ends},
		{"a period of which both ends are left out", 1, 2, 0, begins},
		// In the last hours no checkpoint was made.
		{"a period of which the last hours are left out", 0, 2, 30 * time.Minute, "checkpoint 3: it is of 2026-11-26 14:04 UTC, and the pack ends before it, though its period ends 2026-11-26 13:32 UTC: entries are left out"},
	} {
		tampered = append(tampered, struct {
			kind   string
			change func(t testing.TB, o opened)
			says   string
		}{c.kind, func(t testing.TB, o opened) {
			f := newFake(t, 0)
			for i := range 30 {
				f.plays(i, "What did we earn in May?", 0)
				if i%10 == 5 {
					f.signs()
					f.later += time.Hour
				}
			}
			to := noon.AddDate(0, 0, 10)
			if c.from > 0 {
				f.from = f.read[c.from-1].At
			}
			if c.to > 0 {
				f.to = f.read[c.to-1].At.Add(-time.Minute)
			}
			if c.longer > 0 {
				to = f.read[c.to-1].At.Add(c.longer)
			}
			clear(o)
			for name, text := range open(t, f.pack("")) {
				o[name] = text
			}
			// The pack of this shorter time is honest; somebody who has the key says that it is of a longer one.
			o.contents(t, func(c *Contents) { c.From, c.To = noon, to })
			o.records(t, f)
		}, c.says})
	}
}

// A log of three months, of which nothing was written in the second.
func TestAnHonestPackReachesAsFarAsItsPeriod(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	for _, c := range []struct {
		what     string
		from, to time.Time
		person   string
		entries  int64
	}{
		{"the whole log", day(-10), day(400), "", 31},
		{"the first month", day(-1), day(30), "", 31},
		{"a quiet month", day(31), day(60), "", 10},
		{"the last month", day(61), day(91), "", 10},
		{"one day", day(0), day(1), "", 21},
		{"today", day(79), day(80).Add(time.Minute), "", 10},
		{"a person", day(-10), day(400), "r000001", 31},
		{"a person in a quiet month", day(31), day(60), "r000001", 10},
		{"what comes after the log", day(85), day(90), "", 0},
	} {
		f := newFake(t, 0)
		f.happens("people:T1", "U0CARLA", "named", map[string]any{"person": "U0ERIK", "role": "reviewer", "channel": ""})
		f.plays(0, "What did we earn in May?", 0)
		f.signs()
		f.later = day(2).Sub(noon)
		f.plays(1, "And in June?", 0)
		f.signs()
		f.later = day(80).Sub(noon)
		f.plays(2, "And in July?", 0)
		f.from, f.to = c.from, c.to
		path := f.pack(c.person)
		r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
		require.NoError(t, err, c.what)
		require.True(t, r.Shown(), c.what)
		require.Equal(t, c.entries, r.Last-r.First, c.what)
	}
}

func TestASelectionSaysHowManyOfHowMany(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	for i := range 30 {
		f.plays(i, "What did we earn in May?", 0)
	}
	r, err := Verify(f.pack("r00000"), Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	require.Contains(t, r.Sentences(), "A selection: 10 of 30 requests, 100 of 300 entries of the log")
}

func TestWhatNoCheckpointCoversIsListed(t *testing.T) {
	t.Parallel()
	f := newFake(t, 0)
	for i := range 30 {
		f.plays(i, "What did we earn in May?", 0)
	}
	o := open(t, f.pack(""))
	o.proof(t, func(p *Proof) { p.Checkpoints, p.Own = p.Checkpoints[:1], nil })
	r, err := Verify(o.close(t), Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.False(t, r.Shown())
	require.Contains(t, r.Sentences(), "No checkpoint covers these 44 yet:\n  entry 256 (event 7 of request:r000025)")
	require.Contains(t, r.Sentences(), "is its word alone")
	o = open(t, f.pack(""))
	o.proof(t, func(p *Proof) { p.Own = nil })
	r, err = Verify(o.close(t), Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.False(t, r.Shown())
	require.Contains(t, r.Sentences(), "The key that you named shows that each of its 301 entries stood in the log, but not what the pack says of itself.")
	require.Contains(t, r.Sentences(), "is its word alone")
}
