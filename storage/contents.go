package storage

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
)

// contents are the values that a transaction stores beside its events: what people
// wrote and data said. Tables and events name them by their salted hashes. A value
// that a transaction stores twice has one row.
type contents struct {
	notary *notary
	stream string
	hashes map[string]string // by value
	named  map[string]string // by the names of approval.Kept
	fresh  struct {          // what has not been sent yet, as the columns of contents
		hashes, salts []string
		values        [][]byte
	}
}

func (n *notary) contents(stream string) *contents {
	return &contents{notary: n, stream: stream, hashes: map[string]string{}, named: map[string]string{}}
}

// The names of what is kept once and named by events.
const (
	keptCode     = "code"
	keptManifest = "manifest"
	keptSummary  = "summary"
	keptFindings = "findings"
	keptResult   = "result"
)

func keptFile(i int) string { return fmt.Sprint("file ", i+1) }

// put stores a value and returns its salted hash: the sha256 of 32 hexadecimal digits,
// which are drawn anew for each value, and of the value.
func (c *contents) put(value string) string {
	if hash, ok := c.hashes[value]; ok {
		return hash
	}
	var random [16]byte
	rand.Read(random[:]) // never fails
	salt := hex.EncodeToString(random[:])
	hash := approval.Hash([]byte(salt + value))
	c.hashes[value] = hash
	c.fresh.hashes, c.fresh.salts, c.fresh.values = append(c.fresh.hashes, hash), append(c.fresh.salts, salt), append(c.fresh.values, []byte(value))
	return hash
}

// text stores what can be stored of a text; of an empty one nothing.
func (c *contents) text(value string) *string {
	if value == "" {
		return nil
	}
	hash := c.put(text(value))
	return &hash
}

// document stores a list as JSON; of an empty one nothing.
func (c *contents) document(v any) (*string, error) {
	spelling, err := document(v, "[]")
	if err != nil || spelling == "[]" {
		return nil, err
	}
	hash := c.put(spelling)
	return &hash, nil
}

// gather stores all that a move's rows will name, so that one statement sends it.
func (c *contents) gather(changes approval.Changes) error {
	if d := changes.Decision; d != nil {
		c.text(d.Reason)
	}
	if rev := changes.Revision; rev != nil {
		c.named[keptCode] = c.put(rev.Code)
		c.named[keptManifest] = c.put(string(rev.Manifest.Canonical()))
		findings, err := c.document(rev.Findings)
		if err != nil {
			return err
		}
		for name, hash := range map[string]*string{keptSummary: c.text(rev.Summary), keptFindings: findings} {
			if hash != nil {
				c.named[name] = *hash
			}
		}
	}
	for _, m := range changes.Messages {
		c.text(m.Text)
	}
	if t := changes.TopUp; t != nil {
		c.text(t.Reason)
		c.text(t.Answer)
	}
	if run := changes.Run; run != nil && run.Result != nil {
		result, err := document(run.Result, "{}")
		if err != nil {
			return err
		}
		c.named[keptResult] = c.put(result)
		for i, a := range run.Result.Artifacts {
			c.named[keptFile(i)] = c.put(string(a.Data))
			c.text(a.Name)
			c.text(a.Alt)
		}
	}
	return nil
}

// queue sends what has not been sent yet.
func (c *contents) queue(batch *pgx.Batch) {
	if len(c.fresh.hashes) == 0 {
		return
	}
	batch.Queue(`INSERT INTO contents (hash, salt, value, stream) SELECT h, s, v, $4 FROM unnest($1::text[], $2::text[], $3::bytea[]) AS u (h, s, v)`,
		c.fresh.hashes, c.fresh.salts, c.fresh.values, c.stream)
	c.fresh.hashes, c.fresh.salts, c.fresh.values = nil, nil, nil
}

// salted is the key by which an event names a value: {"salted_sha256": "..."}.
const salted = "salted_sha256"

// data is what an event holds, spelled canonically: facts as they are, what somebody
// said by its salted hash.
func (c *contents) data(v any) (string, error) {
	spelling, err := document(v, "{}")
	if err != nil {
		return "", err
	}
	facts, err := decoded(spelling)
	if err != nil {
		return "", err
	}
	put, err := each(facts, func(mark string, v any) (any, error) {
		switch mark {
		case "said":
			return c.said(v), nil
		case "kept":
			if name, ok := v.(string); ok && c.named[name] != "" {
				return map[string]any{salted: c.named[name]}, nil
			}
			return nil, fmt.Errorf("an event names %v, which is not stored with it", v)
		}
		return map[string]any{mark: v}, nil
	})
	if err != nil {
		return "", err
	}
	return canonical(put)
}

// said puts hashes in the place of all texts of a value.
func (c *contents) said(v any) any {
	switch v := v.(type) {
	case string:
		return map[string]any{salted: c.put(v)}
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
