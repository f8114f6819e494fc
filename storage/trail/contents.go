package trail

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/pg"
)

// Contents are the values that a transaction stores beside its events: what people
// wrote and data said. Tables and events name them by their salted hashes. A value
// that a transaction stores twice has one row, so that a row and the event that tells of it name the same hash.
type Contents struct {
	notary *Notary
	stream string
	Hashes map[string]string // by value
	Named  map[string]string // by the names of approval.Kept
	fresh  struct {          // what has not been sent yet, as the columns of contents
		hashes, salts []string
		values        [][]byte
	}
}

// Contents begins to gather for one stream. It belongs to one transaction: one that is run again begins with another.
func (n *Notary) Contents(stream string) *Contents {
	return &Contents{notary: n, stream: stream, Hashes: map[string]string{}, Named: map[string]string{}}
}

// The names of what is kept once and named by events.
const (
	keptCode     = "code"
	keptManifest = "manifest"
	keptSummary  = "summary"
	keptFindings = "findings"
	KeptResult   = "result"
)

// KeptFile names the i-th file of a result, from 0 on.
func KeptFile(i int) string { return fmt.Sprint("file ", i+1) }

// Put stores a value and returns its salted hash: the sha256 of 32 hexadecimal digits,
// which are drawn anew for each value, and of the value. Without the salt, whoever has only the events could try all
// short values ("yes", a name) until one fits.
func (c *Contents) Put(value string) string {
	// Once for each transaction. The same words in another one get another salt: two hashes do not say that two people
	// have written the same.
	if hash, ok := c.Hashes[value]; ok {
		return hash
	}
	var random [16]byte
	rand.Read(random[:]) // never fails
	salt := hex.EncodeToString(random[:])
	hash := approval.Hash([]byte(salt + value))
	c.Hashes[value] = hash
	c.fresh.hashes, c.fresh.salts, c.fresh.values = append(c.fresh.hashes, hash), append(c.fresh.salts, salt), append(c.fresh.values, []byte(value))
	return hash
}

// Text stores what can be stored of a text (Postgres takes no NUL and nothing but UTF-8); of an empty one nothing.
func (c *Contents) Text(value string) *string {
	if value == "" {
		return nil
	}
	hash := c.Put(pg.Text(value))
	return &hash
}

// Document stores a list as JSON; of an empty one nothing.
func (c *Contents) Document(v any) (*string, error) {
	spelling, err := pg.Document(v, "[]")
	if err != nil || spelling == "[]" {
		return nil, err
	}
	hash := c.Put(spelling)
	return &hash, nil
}

// Gather stores all that a move's rows will name, so that one statement sends it. The rows that are written afterwards call
// Text and Put with the same values, and get the hashes that are here already.
func (c *Contents) Gather(changes approval.Changes) error {
	if d := changes.Decision; d != nil {
		c.Text(d.Reason)
	}
	if g := changes.Glass; g != nil {
		c.Text(g.Reason)
	}
	if rev := changes.Revision; rev != nil {
		c.Named[keptCode] = c.Put(rev.Code)
		c.Named[keptManifest] = c.Put(string(rev.Manifest.Canonical()))
		findings, err := c.Document(rev.Findings)
		if err != nil {
			return err
		}
		for name, hash := range map[string]*string{keptSummary: c.Text(rev.Summary), keptFindings: findings} {
			// What is empty has no name: an event then does not tell of it at all.
			if hash != nil {
				c.Named[name] = *hash
			}
		}
	}
	for _, m := range changes.Messages {
		c.Text(m.Text)
	}
	if t := changes.TopUp; t != nil {
		c.Text(t.Reason)
		c.Text(t.Answer)
	}
	if run := changes.Run; run != nil && run.Result != nil {
		result, err := pg.Document(run.Result, "{}")
		if err != nil {
			return err
		}
		c.Named[KeptResult] = c.Put(result)
		for i, a := range run.Result.Artifacts {
			c.Named[KeptFile(i)] = c.Put(string(a.Data))
			c.Text(a.Name)
			c.Text(a.Alt)
		}
	}
	return nil
}

// Queue sends what has not been sent yet. Rows that name a hash come after it: they refer to contents by a foreign key.
func (c *Contents) Queue(batch *pgx.Batch) {
	if len(c.fresh.hashes) == 0 {
		return
	}
	batch.Queue(`INSERT INTO contents (hash, salt, value, stream) SELECT h, s, v, $4 FROM unnest($1::text[], $2::text[], $3::bytea[]) AS u (h, s, v)`,
		c.fresh.hashes, c.fresh.salts, c.fresh.values, c.stream)
	c.fresh.hashes, c.fresh.salts, c.fresh.values = nil, nil, nil
}

// Salted is the key by which an event names a value: {"salted_sha256": "..."}.
const Salted = "salted_sha256"

// Data is what an event holds, spelled canonically: facts as they are, what somebody
// said by its salted hash.
func (c *Contents) Data(v any) (string, error) {
	spelling, err := pg.Document(v, "{}")
	if err != nil {
		return "", err
	}
	// By way of JSON, so that marks in structs and lists are found however deep they stand.
	facts, err := Decoded(spelling)
	if err != nil {
		return "", err
	}
	put, err := each(facts, func(mark string, v any) (any, error) {
		switch mark {
		case "said":
			return c.said(v), nil
		case "kept":
			if name, ok := v.(string); ok && c.Named[name] != "" {
				return map[string]any{Salted: c.Named[name]}, nil
			}
			// A mistake of ours: the move wrote no row with that name.
			return nil, fmt.Errorf("an event names %v, which is not stored with it", v)
		}
		return map[string]any{mark: v}, nil
	})
	if err != nil {
		return "", err
	}
	return Canonical(put)
}

// said puts hashes in the place of all texts of a value.
func (c *Contents) said(v any) any {
	switch v := v.(type) {
	case string:
		return map[string]any{Salted: c.Put(v)}
	case []any:
		for i := range v {
			v[i] = c.said(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = c.said(v[key])
		}
	}
	return v
}
