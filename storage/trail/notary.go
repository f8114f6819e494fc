package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/approval"
	"countersign/storage/pg"
	"countersign/storage/signing"
)

// Notary signs the events that this program writes, and says of rows whether a signed
// event tells of them. What nobody has signed was written by somebody who knows the
// database's password, and not the key: it does not count.
//
// Without a key it writes nothing and doubts nothing: that is for commands that only read.
type Notary struct {
	key  *signing.Key
	ring *signing.Ring
	log  *slog.Logger
	ask  func(ctx context.Context, work func(tx pgx.Tx) error) error // reads what other keys there are
}

// NewNotary signs with a key, where it has one; ask reads what other keys there are, where
// somebody can.
func NewNotary(key *signing.Key, log *slog.Logger, ask func(ctx context.Context, work func(tx pgx.Tx) error) error) *Notary {
	n := &Notary{key: key, log: log, ask: ask}
	if key != nil {
		n.ring = key.Ring()
	}
	return n
}

// ErrNoKey refuses to write what nobody would believe.
var ErrNoKey = errors.New("there is no signing key, so nothing can be written to the audit trail")

// sign puts the signature beside an event. It is over the hash, so it holds for the whole chain up to there.
func (n *Notary) sign(e *Row) error {
	// Nothing is written unsigned, since nobody would believe it later.
	if n.key == nil {
		return ErrNoKey
	}
	e.Key, e.Signature = n.key.Name(), n.key.Sign(e.Hash)
	return nil
}

// OtherKeyError is a database whose events another key signs.
type OtherKeyError struct{ Theirs, Ours string }

// Error implements error. Eight digits of a key tell two apart, and can be read out.
func (e *OtherKeyError) Error() string {
	return fmt.Sprintf("the database's events are signed with another key (%.8s) than that of this program (%.8s): "+
		"SIGNING_KEY_FILE has to be the same file for all replicas. If the key is lost: countersign new-key --lost", e.Theirs, e.Ours)
}

// Announce has the trail know the key, and learns which keys it has announced itself. A key
// that comes into a trail of others without their signature is refused, unless somebody
// says that theirs is lost. Every replica does so when it starts; the stream's lock lets the first one write.
func (n *Notary) Announce(ctx context.Context, tx pgx.Tx, lost bool) error {
	if err := LockStream(ctx, tx, keyStream); err != nil {
		return err
	}
	announced, err := n.learn(ctx, tx)
	if err != nil {
		return err
	}
	for _, name := range announced {
		if name == n.key.Name() {
			return nil
		}
	}
	if len(announced) > 0 && !lost {
		return &OtherKeyError{Theirs: announced[len(announced)-1], Ours: n.key.Name()}
	}
	return n.announceKey(ctx, tx, n.key)
}

// announceKey says that a key may sign from now on. This one signs that.
func (n *Notary) announceKey(ctx context.Context, tx pgx.Tx, key *signing.Key) error {
	now, err := pg.Clock(ctx, tx)
	if err != nil {
		return err
	}
	_, err = n.AppendEvents(ctx, tx, keyStream, []approval.Event{{At: now, Actor: approval.System, Kind: approval.EventSigningKey, Data: map[string]any{"key": key.Name()}}})
	return err
}

// AnnounceNext has the trail know the key after this one.
func (n *Notary) AnnounceNext(ctx context.Context, tx pgx.Tx, next *signing.Key) error {
	if err := LockStream(ctx, tx, keyStream); err != nil {
		return err
	}
	return n.announceKey(ctx, tx, next)
}

// Announced lists all keys that a trail has announced, whoever signed them: for words to operators. To believe one, its
// announcement has to be vouched for (learn).
func Announced(ctx context.Context, tx pgx.Tx) ([]string, error) {
	return (&Notary{ring: signing.NewRing()}).learn(ctx, tx)
}

// TrustTrail believes the keys that the trail announces, the first of them by itself.
func (n *Notary) TrustTrail(ctx context.Context, tx pgx.Tx) error {
	rows, err := Chain(ctx, tx, keyStream)
	if err != nil {
		return fmt.Errorf("read which keys sign: %w", err)
	}
	// What was trusted before counts no more: with this a program believes the trail alone.
	n.ring = signing.NewRing()
	if len(rows) > 0 {
		n.ring.Add(rows[0].Key)
	}
	_, err = n.learn(ctx, tx)
	return err
}

// learn adds to the ring what keys of the ring have announced, and lists all that were. In order: a key that vouches has
// been announced before by one that is trusted already.
func (n *Notary) learn(ctx context.Context, tx pgx.Tx) (announced []string, err error) {
	rows, err := Chain(ctx, tx, keyStream)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		data, err := Decoded(row.Data)
		name, ok := data["key"].(string)
		// What is forged here is passed over, and no error: an audit names it, and an installation whose
		// trail somebody has written into must still be able to start.
		if err != nil || !ok || row.Kind != approval.EventSigningKey || row.Hash != row.sum() {
			continue
		}
		announced = append(announced, name)
		if n.ring.Vouches(row.Key, row.Hash, row.Signature) {
			n.ring.Add(name)
		}
	}
	return announced, nil
}

// Voucher is the event that tells of a row, read beside it; empty where there is none (a LEFT JOIN).
type Voucher struct {
	Line      *string
	Key       *string
	Signature *string
}

// VoucherOf are its columns, of the event e.
const VoucherOf = `event_line(e.stream, e.seq, e.at, e.actor, e.kind, e.data, e.prev_hash) AS line, e.key, e.signature`

// Witnessed is an event that somebody trusted has signed. Its fields are filled from the event's line, by name.
type Witnessed struct {
	Stream string
	Actor  string
	Kind   string
	At     time.Time
	Data   map[string]any
}

// read gives the event back when a trusted key has signed it.
func (n *Notary) read(v Voucher) (e Witnessed, ok bool) {
	if v.Line == nil || v.Key == nil || v.Signature == nil {
		return e, false
	}
	// The hash is made from the line as it stands now, and not read: the stored one could belong to another line.
	hash := approval.Hash([]byte(*v.Line))
	if !n.ring.Vouches(*v.Key, hash, *v.Signature) {
		if n.ring.Trusts(*v.Key) || !n.learns(*v.Key) || !n.ring.Vouches(*v.Key, hash, *v.Signature) {
			return e, false
		}
	}
	line := json.NewDecoder(strings.NewReader(*v.Line))
	line.UseNumber()
	return e, line.Decode(&e) == nil
}

// learns asks what other keys there are: another replica may sign with a new one already.
func (n *Notary) learns(name string) bool {
	if n.ask == nil {
		return false
	}
	// In the middle of reading rows, which have their own context: five seconds are long for one short query, and without an
	// answer the row just does not count this time.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := n.ask(ctx, func(tx pgx.Tx) error { _, err := n.learn(ctx, tx); return err })
	return err == nil && n.ring.Trusts(name)
}

// signed tells whether a trusted key has signed an event, or the schema has written it. A
// line that is not the hash's is no longer the event that was signed.
func (n *Notary) signed(e Row) bool {
	if e.Signature == "" {
		// The four that the schema writes by itself (events_signed in 0001_events.sql). Whoever owns the database can forge them:
		// so checkGone asks who wanted it, and that a message was posted permits nothing.
		switch e.Kind {
		case approval.EventGone, approval.EventPosted, approval.EventUploaded, approval.EventDeleted:
			return true
		}
		return false
	}
	return e.Hash == e.sum() && (n.ring.Vouches(e.Key, e.Hash, e.Signature) || n.learns(e.Key) && n.ring.Vouches(e.Key, e.Hash, e.Signature))
}

// Unsigned is the first of some events that neither a trusted key has signed nor the schema writes itself; nil: there is none.
// Without a key nothing is doubted.
func (n *Notary) Unsigned(rows []Row) *Row {
	if n.key == nil {
		return nil
	}
	for i, row := range rows {
		if !n.signed(row) {
			return &rows[i]
		}
	}
	return nil
}

// Says tells whether an event has these facts. What is empty it must not have. A value that is salted is compared by its
// hash.
func (e Witnessed) Says(facts map[string]string) bool {
	for key, fact := range facts {
		got := ""
		switch v := e.Data[key].(type) {
		case string:
			got = v
		case json.Number:
			got = v.String()
		case map[string]any:
			got, _ = v[Salted].(string)
		}
		if got != fact {
			return false
		}
	}
	return true
}

// Fact is a value of an event's data as text, by the path to it; empty where there is none. Of a salted value it is the
// hash: rows have that, too, so the two can be compared whether or not the words are still there.
func (e Witnessed) Fact(path ...string) string {
	in := e
	for _, key := range path[:len(path)-1] {
		in.Data, _ = in.Data[key].(map[string]any)
	}
	switch v := in.Data[path[len(path)-1]].(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		hash, _ := v[Salted].(string)
		return hash
	default:
		return fmt.Sprint(v)
	}
}

// Doubts says, where a key is there to know, whether what was read is unsigned, and has
// the operator know. What is doubted must count as if it were not there, on the safe side: no limit, no approval, no grant.
func (n *Notary) Doubts(v Voucher, what string, holds func(e Witnessed) bool) bool {
	if n.key == nil {
		return false
	}
	if e, ok := n.read(v); ok && holds(e) {
		return false
	}
	n.log.Error("no signed event tells of a row of the database: it does not count. See countersign audit", "row", what)
	return true
}

// SameJSON tells whether an event's value and a column say the same.
func SameJSON(told any, column string) bool {
	if told == nil || column == "" {
		return told == nil && column == ""
	}
	had, err := Decoded(`{"v":` + column + `}`)
	if err != nil {
		return false
	}
	a, err := Canonical(told)
	b, err2 := Canonical(had["v"])
	return err == nil && err2 == nil && a == b
}
