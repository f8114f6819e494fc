package approval

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"countersign/budget"
)

// Manifest is everything that an approval seals. Its canonical form is JSON
// with the fields in this order, the inputs and hosts sorted, no white space;
// the sha256 of that is the Digest that a reviewer's button carries, that every
// decision names, and that is computed anew from the stored parts before a run
// starts. A field more is a new version. Fields that came later are left out where they are
// empty, so that the digests of manifests that were sealed before them stay what they were.
type Manifest struct {
	Version    int        `json:"version"`
	CodeSHA256 string     `json:"code_sha256"`
	Inputs     []Input    `json:"inputs"`
	Sandbox    string     `json:"sandbox"`  // kind: local or e2b
	Template   string     `json:"template"` // what is installed in the box
	Network    []string   `json:"network"`  // hosts that may be reached; empty: none
	Limits     Limits     `json:"limits"`
	CostCap    budget.USD `json:"cost_cap"`            // billionths of a dollar
	Tier       Tier       `json:"tier,omitempty"`      // from version 2 on
	Approvals  int        `json:"approvals,omitempty"` // that it needs, of different people; from version 2 on
	Policy     string     `json:"policy,omitempty"`    // the version of the rules that say so; from version 2 on

	// From version 3 on.
	Today       string   `json:"today,omitempty"`       // the day that a program is told, like 2026-11-27,
	Zone        string   `json:"zone,omitempty"`        // and on whose calendar
	Environment []string `json:"environment,omitempty"` // Python and libraries with versions, as a box has said: the template's name alone says too little

	Notes SealedNotes `json:"notes,omitzero"` // of the channel, that its model was given
	Saw   Sight       `json:"saw,omitempty"`  // what its model was let see beyond the shape of the data

	Thread Context `json:"thread,omitzero"` // what its model was told of the thread

	Brought []string `json:"brought,omitempty"` // versions of stricter rules that its files brought along from other channels
}

// Context is what a prompt held of what was said before in the thread.
type Context struct {
	Whole   []string `json:"whole,omitempty"`   // the requests whose question, code and result it held, oldest first
	Summary string   `json:"summary,omitempty"` // the id of the summary of those before them; empty where it held none
	Left    int      `json:"left,omitempty"`    // how many questions are in neither
	Rested  string   `json:"rested,omitempty"`  // the day since which nothing had been said there, like 2026-11-27; empty where it was not at rest
}

// SealedNotes name what administrators had written about a channel when code was written.
type SealedNotes struct {
	Version    string `json:"version"` // like "C123/4"
	SHA256     string `json:"sha256"`  // of the text
	Currency   string `json:"currency,omitempty"`
	YearBegins int    `json:"year_begins,omitempty"` // the first month of the year; 0: nobody has said
}

// Input is one file that the code may read, by name and content.
type Input struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	// Reading is the sha256 of how it is read, with what its asker has said; from version 3 on.
	Reading string `json:"reading,omitempty"`
}

// Limits bound one run.
type Limits struct {
	Seconds     int `json:"seconds"`      // wall clock
	MemoryMB    int `json:"memory_mb"`    //
	OutputBytes int `json:"output_bytes"` // of text and of files, each
	Files       int `json:"files"`        // that may come back
}

// ManifestVersion is the version that Seal writes.
const ManifestVersion = 3

// Canonical returns the one byte form of the manifest.
func (m Manifest) Canonical() []byte {
	m.Inputs = slices.Clone(m.Inputs)
	// Of two files of one name the contents decide: whatever order Slack lists them in, the digest is the same.
	slices.SortFunc(m.Inputs, func(a, b Input) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.SHA256, b.SHA256), strings.Compare(a.Reading, b.Reading))
	})
	m.Network = slices.Sorted(slices.Values(m.Network))
	// An empty list is spelled [], also where it is nil, so that one manifest has one digest.
	if m.Inputs == nil {
		m.Inputs = []Input{}
	}
	if m.Network == nil {
		m.Network = []string{}
	}
	spelling, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings and integers always marshal
	}
	return spelling
}

// Digest returns the sha256 that names the manifest.
func (m Manifest) Digest() string { return Hash(m.Canonical()) }

// Hash is the lower-case hex sha256 that the house uses everywhere.
func Hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Short is how much of a digest is shown to people.
func Short(digest string) string { return digest[:min(12, len(digest))] }

// Intact tells whether a revision still matches its digest: its code is the sealed code,
// and its manifest has this digest. One that nobody has signed, or that has run although its row says otherwise, is none.
func (r *Revision) Intact() bool {
	return !r.Unsigned && Hash([]byte(r.Code)) == r.Manifest.CodeSHA256 && r.Manifest.Digest() == r.Digest
}

// Tier is what the manifest seals. One of version 1 seals none: the findings say
// what it would be.
func (r *Revision) Tier() Tier {
	if r.Manifest.Tier != "" {
		return r.Manifest.Tier
	}
	tier := Low
	for _, f := range r.Findings {
		if f.Level == Danger {
			return High
		}
		if f.Level == Caution {
			tier = Medium
		}
	}
	return tier
}

// Tier is how much attention a program asks for: from what it does, what it may
// cost and what it works on. The rules say what each tier needs (Rules.For).
type Tier string

// The tiers.
const (
	Low    Tier = "low"
	Medium Tier = "medium"
	High   Tier = "high"
)

// Tiers lists all of them, the lowest first.
func Tiers() []Tier { return []Tier{Low, Medium, High} }

// Sight is what administrators let a model see of a channel's data. Each holds what those
// before it do.
type Sight string

// The sights.
const (
	Shape      Sight = ""           // names, types, patterns, counts; of results their shape
	Statistics Sight = "statistics" // distinct counts, ranges, frequent values; results of the thread, and messages of errors
	Samples    Sight = "samples"    // rows
)

// Sights lists all of them, the narrowest first.
func Sights() []Sight { return []Sight{Shape, Statistics, Samples} }

// ShownTo is what was said as a model may see it now: of results their shape, which is all that
// their message holds, or the head of each table where the channel's switch lets it.
func ShownTo(history []Message, sight Sight) []Message {
	history = slices.Clone(history)
	for i := range history {
		m := &history[i]
		if m.Result != nil && sight != Shape {
			m.Text = m.Result.Text(m.Code, shownRows)
		}
		m.Result, m.Code = nil, ""
	}
	return history
}

// shownRows is how much of each table of a result a model sees where it may see results.
const shownRows = 10
