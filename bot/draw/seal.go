package draw

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/bot/kit"
)

// Seal is what a button stands for: one revision of one request, by its digest.
// What is decided is this, whatever the request has become since.
// The digest covers code, inputs, sandbox, limits and cost (approval.Manifest), so a card whose terms have
// changed cannot approve the new ones.
type Seal struct {
	Request  string
	Revision int
	Digest   string
}

// SealOf is what the buttons of a card carry.
func SealOf(r *approval.Request) Seal {
	return Seal{Request: r.ID, Revision: r.Revision.Number, Digest: r.Revision.Digest}
}

// String is how a button carries it; ParseSeal reads it back.
func (s Seal) String() string { return fmt.Sprintf("%s/%d/%s", s.Request, s.Revision, s.Digest) }

// ParseSeal reads a button's value. Slack gives back what was sent, but an old
// version of this program may have sent it.
// Every error is for the person who pressed; none of them is a fault of the program that a log should have.
func ParseSeal(value string) (Seal, error) {
	fields := strings.Split(value, "/")
	bad := &approval.InputError{Why: approval.Words("I do not recognise this button. It may be from an older version of this app; please look for a newer card.")}
	// Strict, because the value comes from an envelope and names what is approved.
	if len(fields) != 3 || fields[0] == "" || len(fields[2]) != 64 || strings.Trim(fields[2], "0123456789abcdef") != "" {
		return Seal{}, bad
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil || n < 1 || strconv.Itoa(n) != fields[1] {
		return Seal{}, bad
	}
	return Seal{Request: fields[0], Revision: n, Digest: fields[2]}, nil
}

// Print names in small print what is decided on, or was.
func Print(request string, revision int, digest string) []kit.Part {
	return []kit.Part{kit.Words("Request "), kit.Mono(request), kit.Words(fmt.Sprintf(", revision %d, sha256 ", revision)), kit.Mono(approval.Short(digest))}
}

// Ruling makes a verdict on what the seal names.
func (s Seal) Ruling(v approval.Verdict, reason string, click approval.Click) steps.Ruling {
	return steps.Ruling{RequestID: s.Request, Revision: s.Revision, Digest: s.Digest, Verdict: v, Reason: reason, Click: click}
}

// Origin is what a modal remembers of the place that it was opened from, in private_metadata, of which Slack takes 3,000
// characters. It has passed through the person's Slack, so nothing in it is a permission: what it names is looked up again.
type Origin struct {
	Channel string `json:"channel,omitempty"`
	Thread  string `json:"thread,omitempty"`
	Message string `json:"message,omitempty"` // of the card
	Seal    string `json:"seal,omitempty"`    // what the card showed
	Mark    string `json:"mark,omitempty"`    // of everything that the modal says; see readback.Whole

	Brought []string `json:"brought,omitempty"` // files that need not be in the channel
}

// String is how a modal carries it: Slack gives it back with the submission.
func (o Origin) String() string { return string(kit.JSON(o)) }

// OriginOf reads it back.
func OriginOf(metadata string) (o Origin, err error) {
	if err := json.Unmarshal([]byte(metadata), &o); err != nil {
		return o, fmt.Errorf("a modal's metadata: %w", err)
	}
	return o, nil
}
