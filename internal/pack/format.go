package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"countersign/internal/pack/strict"
)

// Format is the version of everything below. A verifier reads the one that it knows; a pack of another says so.
// It goes up with whatever an older verifier would read wrongly or refuse: a new field in a line, another file,
// another spelling.
const Format = 4

// The files of a pack, each of them there once, and nothing else.
const (
	fileContents  = "pack.json"       // what it is: Contents
	fileProof     = "log.json"        // checkpoints, and what leads up to them: Proof
	fileEntries   = "entries.jsonl"   // the log, place by place: Entry
	fileValues    = "values.jsonl"    // the words that events name by their hashes: Value
	fileReadings  = "readings.jsonl"  // how files were read, as seals name it by its hash: Reading
	fileDecisions = "decisions.jsonl" // rows of the database, each with its event: Decision
	fileGrounds   = "grounds.jsonl"   // entries that decisions rest on, and that are not in it otherwise: Entry
	fileReceipts  = "receipts.jsonl"  // and what each step has cost: Receipt
	fileNames     = "names.jsonl"     // what people and channels were called: Name
	filePage      = "page.html"       // for people
	fileRequests  = "requests.csv"    // for spreadsheets
	fileCharges   = "charges.csv"
)

// listed are the files whose sha256 stands in pack.json. log.json is not among them: it has the proof
// that pack.json itself is in the log, so it comes after it, and holds by its signatures alone.
var listed = []string{fileEntries, fileValues, fileReadings, fileGrounds, fileDecisions, fileReceipts, fileNames, filePage, fileRequests, fileCharges}

// inLines are those of them that a verifier reads line by line. The others it hashes as they stand.
var inLines = []string{fileEntries, fileValues, fileReadings, fileGrounds, fileDecisions, fileReceipts}

// Chosen is what a pack is about. Without a workspace, a person and a channel it is complete.
type Chosen struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Person  string    `json:"person,omitempty"`  // who asked
	Channel string    `json:"channel,omitempty"` // where
	Team    string    `json:"team,omitempty"`    // of one workspace, where the log tells of several
}

// Complete tells whether nothing of the period is left out. A pack that says so is held to it: each
// entry of the log has to have its event in it.
func (c Chosen) Complete() bool { return c.Person == "" && c.Channel == "" && c.Team == "" }

// Contents is what a pack says of itself. The hash of this text stands in an event of the
// log, which a checkpoint covers: who changes it has to change that as well.
type Contents struct {
	Format int       `json:"format"`
	MadeBy string    `json:"made_by"`
	Made   time.Time `json:"made"` // what came later is not in it, whatever its period says
	Chosen
	First    int64             `json:"first"` // places of the log, this one included
	Last     int64             `json:"last"`  // and this one not
	Requests int64             `json:"requests"`
	Showing  int64             `json:"shown"`         // requests
	Visible  int64             `json:"shown_entries"` // of Last - First
	Files    map[string]string `json:"files"`         // their sha256
}

// Until is how far it reaches: to the end of its period, or to when it was made.
func (c Contents) Until() time.Time {
	if c.Made.Before(c.To) {
		return c.Made
	}
	return c.To
}

// Open tells whether its period went on when it was made, or had just ended.
func (c Contents) Open() bool { return c.Made.Add(-time.Minute).Before(c.To) }

// Entry is a place of the log. Without an event it was left out: its hash stays.
type Entry struct {
	Position int64           `json:"position"`
	Hash     string          `json:"hash"`
	Event    json.RawMessage `json:"event,omitempty"` // the line that was hashed, byte for byte
}

// line spells an entry. The maker writes it and the verifier compares with it, byte for byte, so that
// nothing can stand in a line that no hash covers. It does not go through json.Marshal, which would
// compact the event and escape signs in it.
func (e Entry) line() []byte {
	if e.Event == nil {
		return fmt.Appendf(nil, "{\"position\":%d,\"hash\":\"%s\"}\n", e.Position, e.Hash)
	}
	return fmt.Appendf(nil, "{\"position\":%d,\"hash\":\"%s\",\"event\":%s}\n", e.Position, e.Hash, e.Event)
}

// Value is what an event names by its hash: sha256 of salt and bytes. The salt keeps short words from
// being guessed by whoever has only the hash, once the value has been forgotten.
type Value struct {
	Hash  string `json:"hash"`
	Salt  string `json:"salt"`
	Bytes []byte `json:"base64"`
}

// Reading is how a file was read. A seal names it by the sha256 of its text, so whoever approved the seal
// approved just this reading.
type Reading struct {
	SHA256 string          `json:"sha256"`
	Text   json.RawMessage `json:"reading"`
}

// Decision is a row of the database. Its event says the same.
type Decision struct {
	Request   string    `json:"request"`
	Revision  int64     `json:"revision"`
	Digest    string    `json:"digest"`
	Reviewer  string    `json:"reviewer"`
	Name      string    `json:"reviewer_name,omitempty"` // the installation's word, as in names.jsonl
	Verdict   string    `json:"verdict"`
	InPlaceOf string    `json:"in_place_of,omitempty"`
	At        time.Time `json:"at"`
}

// Receipt is what one step has cost. Amounts are billionths of a dollar.
type Receipt struct {
	Request   string    `json:"request"`
	Hold      string    `json:"hold"`
	For       string    `json:"for"`
	At        time.Time `json:"at"`
	Amount    int64     `json:"amount"`
	Estimated bool      `json:"estimated,omitempty"`
	Over      int64     `json:"over,omitempty"`     // what it has cost beyond what was held: no budget bore it, and charges are cut down to the rest
	UsageOf   string    `json:"usage_of,omitempty"` // the day, such as 2026-11-27, of which the provider's usage told it
	Charges   []Charge  `json:"charges"`
}

// Charge is a line of a receipt.
type Charge struct {
	Kind    string `json:"kind"`
	What    string `json:"what"`
	Model   string `json:"model,omitempty"`
	Input   int64  `json:"input_tokens,omitempty"`
	Cached  int64  `json:"cached_tokens,omitempty"`
	Written int64  `json:"written_tokens,omitempty"`
	Output  int64  `json:"output_tokens,omitempty"`
	BoxMS   int64  `json:"box_ms,omitempty"`
	// Of a box: how large it was, by which it is paid, used or not.
	VCPU     int   `json:"vcpu,omitempty"`
	MemoryMB int   `json:"memory_mb,omitempty"`
	Amount   int64 `json:"amount"`
	Rate     *Rate `json:"rate,omitempty"` // the row of the price list; nil: not in today's list, or the receipt says what else the amount goes by
}

// Proof leads from the entries to checkpoints.
type Proof struct {
	// Before are the hashes of the tree's edge before the first entry.
	Before      [][]byte     `json:"before"`
	Checkpoints []Checkpoint `json:"checkpoints"`
	Own         *Own         `json:"own,omitempty"`
	// Grounds are the proofs that the last checkpoint includes the entries of grounds.jsonl that come before the first one.
	Grounds [][][]byte `json:"grounds,omitempty"`
}

// Checkpoint is a signed note, with the proof that it continues the one before it.
type Checkpoint struct {
	Note  string   `json:"note"`
	Proof [][]byte `json:"proof"`
}

// Own is the entry that the making of the pack has left in the log, and the proof that the
// last checkpoint includes it.
type Own struct {
	Position int64    `json:"position"`
	Hash     string   `json:"hash"`
	Line     string   `json:"line"` // the event, as it was hashed
	Proof    [][]byte `json:"proof"`
}

// row spells a line of values, readings, decisions or receipts, with < and & as they are: hashes are of these bytes.
func row(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// reads takes a row from its line. As with entries there is one spelling: of two like keys programs read different ones.
func reads[T any](line []byte) (v T, ok bool) {
	if json.Unmarshal(line, &v) != nil {
		return v, false
	}
	text, err := row(v)
	return v, err == nil && string(bytes.TrimSuffix(text, []byte("\n"))) == string(line)
}

// event is an event as its line has it.
type event struct {
	Actor  string         `json:"actor"`
	At     time.Time      `json:"at"`
	Data   map[string]any `json:"data"`
	Kind   string         `json:"kind"`
	Prev   string         `json:"prev"`
	Seq    int64          `json:"seq"`
	Stream string         `json:"stream"`
	V      int            `json:"v"`
}

// read takes an event from its line. Numbers keep all of their digits: amounts are billionths of a
// dollar, and a float would round them.
func read(line []byte) (e event, err error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	// A field that nobody knows would be hashed, and shown to nobody.
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, fmt.Errorf("read an event: %w", err)
	}
	return e, nil
}

// spelled tells whether a line spells the event as docs/events.md has it, version 2. There is one spelling, so that all
// programs read the same: of two keys that differ in their case alone, or that are doubled, each would take another.
func (e event) spelled(line []byte) bool {
	data, err := strict.JSON(e.Data)
	if err != nil || e.Data == nil {
		return false
	}
	var b strings.Builder
	for _, part := range []struct{ before, text string }{{`{"actor":`, e.Actor}, {`,"at":"` + e.At.UTC().Format("2006-01-02T15:04:05.000000Z") + `","data":` + data + `,"kind":`, e.Kind},
		{`,"prev":`, e.Prev}, {`,"seq":` + strconv.FormatInt(e.Seq, 10) + `,"stream":`, e.Stream}} {
		b.WriteString(part.before)
		strict.Text(&b, part.text)
	}
	return b.String()+`,"v":2}` == string(line)
}

// request is the id of the request that the event belongs to; empty for streams of anything else.
func (e event) request() string {
	id, is := strings.CutPrefix(e.Stream, "request:")
	if !is {
		return ""
	}
	return id
}

// fact is a text or a number of an event's data; empty where there is none. What was said by people is
// never a fact: it stands there as the hash of a value.
func (e event) fact(key string) string {
	switch v := e.Data[key].(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return fmt.Sprint(v)
	}
	return ""
}

// salted is the key by which events name values.
// The longer name tells a reader at once that the plain sha256 of the words is not what stands there.
const salted = "salted_sha256"

// named calls found with every hash by which a value is named.
func named(v any, found func(hash string)) {
	switch v := v.(type) {
	case map[string]any:
		// Of just this form: an object with more in it is data of somebody's, and may look as it likes.
		if hash, ok := v[salted].(string); ok && len(v) == 1 {
			found(hash)
			return
		}
		for _, below := range v {
			named(below, found)
		}
	case []any:
		for _, below := range v {
			named(below, found)
		}
	}
}

// Names lists the hashes by which the events of a case name values, each once, in the order of the
// events. Values of other requests are never among them, so a selection shows none.
// The source reads just these values from the database, so a pack of one channel never loads those of another.
func (c *Case) Names() []string {
	seen, names := map[string]bool{}, []string{}
	for _, entry := range c.Entries {
		e, err := read(entry.Event)
		if err != nil {
			continue // whoever verifies the pack says so
		}
		named(e.Data, func(hash string) {
			if !seen[hash] {
				seen[hash] = true
				names = append(names, hash)
			}
		})
	}
	return names
}

// sum is a sha256 as the format spells it.
func sum(text []byte) string {
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}

// Spelled is the text of pack.json, whose sha256 the log has. A field that is added to Contents, or
// another order of its fields, is another Format: the verifier spells what it has read in the same way.
func (c Contents) Spelled() []byte {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		panic(err) // plain structs always marshal
	}
	return append(text, '\n')
}

// Sum is the sha256 of it.
func (c Contents) Sum() string { return sum(c.Spelled()) }
