// Package sshkey reads the SSH keys by which people sign decisions at a terminal, and checks
// what they have signed. It keeps nothing and asks nobody.
package sshkey

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"
)

// Namespace keeps a signature for anything else from being one of a decision.
const Namespace = "countersign-decision"

// MaxLength bounds what is read as a key.
const MaxLength = 1000

// kinds are the keys that count: small, and of no curve or hash that is in doubt. Those that
// begin with sk want a touch of the device that holds them.
var kinds = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256}

// What can be wrong with what somebody gives as their public key.
var (
	ErrPrivate = errors.New("a private key")
	ErrNoKey   = errors.New("no public key")
	ErrKind    = errors.New("a key of a kind that does not count")
)

// Parse reads what somebody pastes from a .pub file, and returns the key's one spelling: its
// kind and itself, without a comment. Options and certificates are none of it.
func Parse(text string) (string, error) {
	if strings.Contains(text, "PRIVATE KEY") {
		return "", ErrPrivate
	}
	if len(text) > MaxLength {
		return "", ErrNoKey
	}
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(options) > 0 || strings.TrimSpace(string(rest)) != "" {
		return "", ErrNoKey
	}
	if !slices.Contains(kinds, key.Type()) {
		return "", ErrKind
	}
	return Line(key), nil
}

// Line is how a key is spelled here.
func Line(key ssh.PublicKey) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// Print is the fingerprint that ssh-add and ssh-keygen show.
func Print(line string) string {
	key, err := read(line)
	if err != nil {
		return ""
	}
	return ssh.FingerprintSHA256(key)
}

// read takes only the one spelling that Parse gives: what follows a key in its line (a comment, options) is nobody's
// word, and two spellings would be two keys.
func read(line string) (ssh.PublicKey, error) {
	if spelled, err := Parse(line); err != nil || spelled != line {
		return nil, ErrNoKey
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	return key, err
}

// Statement is what a key signs of a decision.
type Statement struct {
	Digest    string `json:"digest"`
	Nonce     string `json:"nonce"` // the server's, of a moment ago: nothing is signed beforehand
	Person    string `json:"person"`
	Request   string `json:"request"`
	Revision  int    `json:"revision"`
	Verdict   string `json:"verdict"`
	Workspace string `json:"workspace"`
}

// Text is the one form of it: JSON without white space, its keys in the order of the alphabet.
func (s Statement) Text() []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // texts and a number always marshal
	}
	return text
}

// Sign has a key sign the statement. The result is what `ssh-keygen -Y sign` would write.
func (s Statement) Sign(signer ssh.Signer) (string, error) {
	signature, err := sshsig.Sign(strings.NewReader(string(s.Text())), signer, sshsig.HashSHA512, Namespace)
	if err != nil {
		return "", fmt.Errorf("sign a decision: %w", err)
	}
	return string(sshsig.Armor(signature)), nil
}

// Verify checks that just this key has signed just this. A key that wants to be touched has
// been.
func (s Statement) Verify(line, armored string) error {
	key, err := read(line)
	if err != nil {
		return err
	}
	signature, err := sshsig.Unarmor([]byte(armored))
	if err != nil {
		return fmt.Errorf("read a signature: %w", err)
	}
	if strings.HasPrefix(key.Type(), "sk-") && (len(signature.Signature.Rest) == 0 || signature.Signature.Rest[0]&touched == 0) {
		return errors.New("nobody has touched the key")
	}
	if err := sshsig.Verify(strings.NewReader(string(s.Text())), signature, key, signature.HashAlgorithm, Namespace); err != nil {
		return fmt.Errorf("check a signature: %w", err)
	}
	return nil
}

// touched is the flag by which a device says so.
const touched = 1
