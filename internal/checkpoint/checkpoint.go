package checkpoint

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Origin is the first line of every checkpoint, and the name of the key that signs it. It is the
// same in all installations: which one it was is told by the key.
const Origin = "countersign"

// Checkpoint says how long the log was, and what its tree hashed to.
type Checkpoint struct {
	Number int64 // 1, 2, 3: one that is left out leaves a gap
	Size   int64 // events that it covers
	Root   []byte
	At     time.Time // by the database's clock, to the microsecond
}

// timeLayout spells times as events do.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// Text is what is signed: the lines of a C2SP checkpoint, and two more that say which
// one it is and when it was made. C2SP allows lines after the root, so tools for its logs read
// these as well. The number is there because sizes alone do not show that one was left out.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\nnumber %d\nat %s\n", Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root), c.Number, c.At.UTC().Format(timeLayout))
}

// Sign returns the signed note.
func (c Checkpoint) Sign(by note.Signer) (string, error) {
	signed, err := note.Sign(&note.Note{Text: c.Text()}, by)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint %d: %w", c.Number, err)
	}
	return string(signed), nil
}

// bodyLines is how many lines are signed.
const bodyLines = 5

// errForm is a text that is no checkpoint.
var errForm = errors.New("it is not a checkpoint")

// Read takes a checkpoint from a signed note, whoever signed it. It is for notes whose signature
// does not matter, such as those in our own file, and for naming one that has a wrong signature.
func Read(signed string) (c Checkpoint, err error) {
	text, _, found := strings.Cut(signed, "\n\n")
	lines := strings.Split(text, "\n")
	if !found || len(lines) != bodyLines || lines[0] != Origin {
		return c, errForm
	}
	c.Size, err = strconv.ParseInt(lines[1], 10, 64)
	if err == nil {
		c.Root, err = base64.StdEncoding.DecodeString(lines[2])
	}
	if err == nil {
		c.Number, err = strconv.ParseInt(strings.TrimPrefix(lines[3], "number "), 10, 64)
	}
	if err == nil {
		c.At, err = time.Parse(timeLayout, strings.TrimPrefix(lines[4], "at "))
	}
	// There is one spelling: what is read is what was signed.
	if err != nil || len(c.Root) != hashSize || c.Size < 1 || c.Number < 1 || c.Text() != text+"\n" {
		return Checkpoint{}, errForm
	}
	return c, nil
}

// Open reads a checkpoint that this key has signed.
func Open(signed string, key note.Verifier) (Checkpoint, error) {
	if _, err := note.Open([]byte(signed), note.VerifierList(key)); err != nil {
		return Checkpoint{}, fmt.Errorf("the key has not signed it: %w", err)
	}
	return Read(signed)
}

// NotFollowingError is a checkpoint that does not continue the one before it.
type NotFollowingError struct {
	Before, After int64 // numbers
	Why           string
}

func (e *NotFollowingError) Error() string {
	return fmt.Sprintf("checkpoint %d does not continue checkpoint %d: %s", e.After, e.Before, e.Why)
}

// Follows says why a checkpoint does not continue another one, by the proof beside it. Numbers may
// have gaps here: whoever compares two that lie apart needs the proof between just these two.
func (c Checkpoint) Follows(before Checkpoint, proof [][]byte) error {
	why := ""
	switch {
	case c.Number <= before.Number:
		why = "its number is not higher"
	case c.Size <= before.Size:
		why = "it does not cover more events"
	case c.At.Before(before.At):
		why = "it is older"
	case !consistent(before, c, proof):
		why = "what the earlier one covers is not the beginning of what the later one covers"
	default:
		return nil
	}
	return &NotFollowingError{Before: before.Number, After: c.Number, Why: why}
}
