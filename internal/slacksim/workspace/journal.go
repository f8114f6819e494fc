package workspace

import (
	"encoding/json"
	"sync"
	"time"
	"unicode/utf8"
)

// Entry is one line of the inspector: a Web API call, an envelope, an ack, or
// what happened to a socket.
type Entry struct {
	N         int       `json:"n"`
	At        time.Time `json:"at"`
	Direction string    `json:"direction"`
	Name      string    `json:"name"`
	OK        bool      `json:"ok"`
	Error     string    `json:"error"`
	Millis    float64   `json:"ms"`
	Detail    string    `json:"detail"`
}

// maxEntries and maxDetail bound what the inspector keeps.
const (
	MaxEntries = 2_000
	maxDetail  = 4 << 10
)

// journal is a ring of the latest entries.
type journal struct {
	mu   sync.Mutex
	ring []Entry
	n    int
}

// Add numbers and stores an entry; the oldest one goes when the ring is full.
func (j *journal) Add(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.n++
	e.N, e.At = j.n, time.Now()
	if len(j.ring) < MaxEntries {
		j.ring = append(j.ring, e)
		return
	}
	j.ring[(j.n-1)%MaxEntries] = e
}

// After lists the entries past n, oldest first, the last limit of them.
func (j *journal) After(n, limit int) []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	first := max(n, j.n-len(j.ring), j.n-limit)
	out := []Entry{}
	for i := first; i < j.n; i++ {
		out = append(out, j.ring[i%MaxEntries])
	}
	return out
}

// Calls are the Web API calls that the inspector still knows, by method ("" for
// all), oldest first.
func (s *Workspace) Calls(method string) []Entry {
	var out []Entry
	for _, e := range s.Entries.After(0, MaxEntries) {
		if e.Direction == "api" && (method == "" || e.Name == method) {
			out = append(out, e)
		}
	}
	return out
}

// Detail is JSON for the inspector, cut to size.
func Detail(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return Cut(string(data))
}

// Cut shortens a text to what an entry holds, between two characters.
func Cut(s string) string {
	if len(s) <= maxDetail {
		return s
	}
	end := maxDetail
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

// Journal is all that the inspector still knows and that came after an entry, oldest
// first: calls, envelopes and acks in the order in which they ended.
func (s *Workspace) Journal(after int) []Entry { return s.Entries.After(after, MaxEntries) }

// Since is how long something took, in milliseconds.
func Since(t time.Time) float64 { return float64(time.Since(t).Microseconds()) / 1000 }
