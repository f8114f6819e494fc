package checkpoint

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Signer has an Ed25519 key sign checkpoints.
func Signer(private ed25519.PrivateKey) (note.Signer, error) {
	public, _ := private.Public().(ed25519.PublicKey)
	if len(private) != ed25519.PrivateKeySize {
		return nil, errors.New("it is not an Ed25519 key")
	}
	// The library takes keys as text only, and this is how it spells one.
	spelled := append([]byte{algorithm}, private.Seed()...)
	return note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", Origin, keyHash(public), base64.StdEncoding.EncodeToString(spelled)))
}

// Public is the key that checks what this one signs, as one line of text for --key.
func Public(private ed25519.PrivateKey) (string, error) {
	public, _ := private.Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(Origin, public)
}

// Verifier reads a public key: the line that Public writes, 32 bytes in base64, or PEM. The second
// is how events name keys, the third how the file of keys and openssl do.
func Verifier(text string) (note.Verifier, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, Origin+"+") {
		return note.NewVerifier(text)
	}
	public, err := base64.StdEncoding.DecodeString(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		var key any
		if key, err = x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			public, _ = key.(ed25519.PublicKey)
		}
	}
	if err != nil || len(public) != ed25519.PublicKeySize {
		return nil, errors.New("it is not a public Ed25519 key: a line that begins with countersign+, 32 bytes in base64, or PEM")
	}
	line, err := note.NewEd25519VerifierKey(Origin, public)
	if err != nil {
		return nil, err
	}
	return note.NewVerifier(line)
}

// algorithm is Ed25519's number in the format of notes.
const algorithm = 1

// keyHash names a key in four bytes, as the format of notes has it. It finds the key that may have
// signed; it protects nothing.
func keyHash(public ed25519.PublicKey) uint32 {
	sum := sha256.Sum256(append([]byte(Origin+"\n"), append([]byte{algorithm}, public...)...))
	return binary.BigEndian.Uint32(sum[:])
}
