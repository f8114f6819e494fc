package pack

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/internal/checkpoint"
)

// What packs are made from, of a fake, and the packs.

// Span is as storage/journal finds it: from the last checkpoint before the period to the first one after it that covers all
// of the period, or else to the end.
func (f *fake) Span(_ context.Context, of Chosen) (s Span, err error) {
	s.Last = int64(len(f.entries))
	within := int64(-1)
	for _, e := range f.entries {
		if event, err := read(e.Event); err == nil && event.At.Before(of.To) {
			within = e.Position
		}
	}
	for _, c := range f.read {
		if !c.At.After(of.From) {
			s.First = c.Size
		}
		if !c.At.Before(of.To.Add(time.Minute)) && c.Size > within {
			s.Last = min(s.Last, c.Size)
		}
	}
	if f.lies != nil {
		f.lies(&s)
	}
	for _, id := range checkpoint.Edge(s.First) {
		s.Before = append(s.Before, f.nodes[id])
	}
	return s, nil
}

func (f *fake) Entries(_ context.Context, s Span, of Chosen, each func(Entry) error) error {
	for _, e := range f.entries[s.First:s.Last] {
		if !of.Complete() && !strings.Contains(string(e.Event), `"stream":"request:`+of.Person) && !strings.Contains(string(e.Event), `"stream":"restores"`) { // a test's person is the beginning of an id
			e.Event = nil
		}
		if f.leaves != nil && f.leaves(e) {
			e.Event = nil
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) Streams(_ context.Context, s Span, of Chosen) (streams []string, requests int64, err error) {
	for _, stream := range f.order {
		if list := f.cases[stream].Entries; len(list) == 0 || list[len(list)-1].Position < s.First || list[0].Position >= s.Last {
			continue
		}
		if strings.HasPrefix(stream, "request:") {
			requests++
		}
		if of.Complete() || stream == "restores" || strings.HasPrefix(stream, "request:"+of.Person) {
			streams = append(streams, stream)
		}
	}
	return streams, requests, nil
}

// Names has two for Maya, who married in between, and one for Ben.
func (f *fake) Names(context.Context) ([]Name, error) {
	return []Name{{"U0MAYA", "Maya <Berg>", noon.Add(-time.Hour)}, {"U0MAYA", "Maya Lindqvist", noon.Add(time.Hour)}, {"U0BEN", "Ben Osei", noon.Add(time.Hour)}, {"U0EVE", "Eve Nobody", noon}}, nil
}

// Grounds are what Entries shows no event of.
func (f *fake) Grounds(_ context.Context, s Span, of Chosen, bearing []Bearing) (list []Entry, err error) {
	for _, e := range f.entries[:s.Last] {
		shown := e.Position >= s.First && of.Complete()
		if !shown && slices.ContainsFunc(bearing, func(b Bearing) bool { return b.Bears(e.Event) }) {
			list = append(list, e)
		}
	}
	return list, nil
}

func (f *fake) Case(_ context.Context, s Span, stream string) (*Case, error) {
	c := *f.cases[stream]
	c.Values = slices.Clone(c.Values) // whoever makes a pack masks them
	within := func(e Entry) bool {
		return e.Position >= s.First && e.Position < s.Last && !(f.leaves != nil && f.leaves(e))
	}
	if !slices.ContainsFunc(c.Entries, within) || slices.ContainsFunc(c.Entries, func(e Entry) bool { return !within(e) }) {
		c.Entries = slices.DeleteFunc(slices.Clone(c.Entries), func(e Entry) bool { return !within(e) })
		names := c.Names()
		c.Values = slices.DeleteFunc(c.Values, func(v Value) bool { return !slices.Contains(names, v.Hash) })
		c.Receipts = slices.DeleteFunc(slices.Clone(c.Receipts), func(r Receipt) bool {
			return !slices.ContainsFunc(c.Entries, func(e Entry) bool {
				return strings.Contains(string(e.Event), `"kind":"settled"`) && strings.Contains(string(e.Event), r.Hold)
			})
		})
	}
	// Rows have the time of their event.
	rows := c.Decisions
	c.Decisions = nil
	for _, d := range rows {
		for _, e := range c.Entries {
			event, err := read(e.Event)
			if err == nil && verdicts[event.Kind] == d.Verdict && event.Actor == d.Reviewer && event.fact("revision") == fmt.Sprint(d.Revision) && event.fact("digest") == d.Digest {
				d.At = event.At
				c.Decisions = append(c.Decisions, d)
				break
			}
		}
	}
	return &c, nil
}

// since are the checkpoints from one of this size on; where there is none, all.
func (f *fake) since(first int64) []Checkpoint {
	for i, c := range f.read {
		if c.Size == first {
			return f.points[i:]
		}
	}
	return f.points
}

// pack makes a pack in a folder of the test.
func (f *fake) pack(person string) string {
	f.t.Helper()
	f.signs()
	path := filepath.Join(f.t.TempDir(), "pack.zip")
	file, err := os.Create(path)
	require.NoError(f.t, err)
	of := Chosen{From: noon, To: noon.Add(240 * time.Hour), Person: person}
	for _, c := range f.read {
		if f.first > 0 && c.Size == f.first {
			of.From = c.At
		}
	}
	if !f.from.IsZero() {
		of.From = f.from
	}
	if !f.to.IsZero() {
		of.To = f.to
	}
	made := noon.Add(48 * time.Hour)
	if f.now().After(made) {
		made = f.now()
	}
	_, err = Make(f.t.Context(), file, f, Options{Chosen: of, MadeBy: "countersign test", Zone: time.UTC, Hides: f.hides,
		Made: made,
		Price: func(c Charge, _ time.Time) *Rate {
			if c.Kind == "box" {
				return &Rate{Row: "a sandbox on the server itself, price from 1 January 2026", VCPU: 14_000, GiB: 4_500}
			}
			return &Rate{Row: "codestral-2508, price from 30 July 2025", Input: 300_000_000, Cached: 30_000_000, Written: 300_000_000, Output: 900_000_000}
		},
		Record: func(_ context.Context, c Contents, places []int64) (p Proof, err error) {
			f.later += made.Sub(f.now())
			own := f.happens(PackStream, "operator", "packed", map[string]any{"pack": c.Sum()})
			f.signs()
			plan, err := checkpoint.Inclusion(own.Position, f.tree.Size())
			require.NoError(f.t, err)
			p = Proof{Checkpoints: f.since(c.First), Own: &Own{Position: own.Position, Hash: own.Hash, Line: string(own.Event), Proof: f.proof(plan)}}
			for _, at := range places {
				plan, err := checkpoint.Inclusion(at, f.tree.Size())
				require.NoError(f.t, err)
				p.Grounds = append(p.Grounds, f.proof(plan))
			}
			return p, nil
		}})
	require.NoError(f.t, err)
	require.NoError(f.t, file.Close())
	return path
}
