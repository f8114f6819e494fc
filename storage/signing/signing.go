// Package signing signs what serve writes with a key that the database does not hold.
//
// Its one idea: the database's password alone proves nothing. Each event carries an
// Ed25519 signature of its hash, and the private key stands in a file: 0600, made at the
// first start, the same for all replicas. It belongs into no backup of the database.
//
// Its one rule: which keys are trusted follows from the file and from what keys of the
// file have signed, and never from the database alone.
package signing

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"countersign/internal/checkpoint"
)

// Key is what a file of keys holds: the private key that signs, and the public keys of
// those that did before it.
type Key struct {
	private ed25519.PrivateKey
	former  []string
}

// New makes a key. The former one, where there is one, is trusted further on.
func New(former *Key, trusted ...string) (*Key, error) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	k := &Key{private: private, former: trusted}
	if former != nil {
		k.former = append(append(k.former, former.Name()), former.former...)
	}
	return k, nil
}

// Name is the public key as events have it, in base64.
func (k *Key) Name() string {
	return base64.StdEncoding.EncodeToString(k.private.Public().(ed25519.PublicKey))
}

// said is what is signed of a hash. The words before it keep a signature from meaning
// anything else.
func said(hash string) []byte { return []byte("countersign event " + hash) }

// Sign signs the hash of an event.
func (k *Key) Sign(hash string) string {
	return base64.StdEncoding.EncodeToString(ed25519.Sign(k.private, said(hash)))
}

// Notes has the key sign checkpoints. Their first line keeps them from meaning an event.
func (k *Key) Notes() (note.Signer, error) { return checkpoint.Signer(k.private) }

// names are those of this key and of those before it.
func (k *Key) names() []string { return append([]string{k.Name()}, k.former...) }

// Publics are the lines of this key and of those before it, the present one first.
func (k *Key) Publics() (lines []string, err error) {
	for _, name := range k.names() {
		public, err := base64.StdEncoding.DecodeString(name)
		if err != nil {
			return nil, fmt.Errorf("read a former key: %w", err)
		}
		line, err := note.NewEd25519VerifierKey(checkpoint.Origin, public)
		if err != nil {
			return nil, fmt.Errorf("read a former key: %w", err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// Verifiers check checkpoints of this key and of those before it.
func (k *Key) Verifiers() (note.Verifiers, error) {
	var all []note.Verifier
	for _, name := range k.names() {
		one, err := checkpoint.Verifier(name)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return note.VerifierList(all...), nil
}

// Holds tells whether a signature of a hash is by the key of that name.
func Holds(name, hash, signature string) bool {
	public, err := base64.StdEncoding.DecodeString(name)
	mark, err2 := base64.StdEncoding.DecodeString(signature)
	return err == nil && err2 == nil && len(public) == ed25519.PublicKeySize && ed25519.Verify(public, said(hash), mark)
}

// Ring is the keys that are trusted. It remembers what it has verified, because the same
// events are looked at again and again.
type Ring struct {
	mu   sync.Mutex
	keys map[string]bool
	held map[string]bool
}

// remembered bounds what a ring remembers.
const remembered = 10_000

// NewRing trusts these keys.
func NewRing(names ...string) *Ring {
	r := &Ring{keys: map[string]bool{}, held: map[string]bool{}}
	for _, name := range names {
		r.keys[name] = true
	}
	return r
}

// Ring trusts what the file holds.
func (k *Key) Ring() *Ring { return NewRing(k.names()...) }

// Add trusts one more: a trusted key has signed that.
func (r *Ring) Add(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys[name] = true
}

// Trusts tells whether a key is trusted.
func (r *Ring) Trusts(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys[name]
}

// Vouches tells whether a trusted key has signed this hash.
func (r *Ring) Vouches(name, hash, signature string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.keys[name] {
		return false
	}
	of := name + " " + hash + " " + signature
	if r.held[of] {
		return true
	}
	if !Holds(name, hash, signature) {
		return false
	}
	if len(r.held) >= remembered {
		clear(r.held)
	}
	r.held[of] = true
	return true
}

// Open reads a file of keys, and makes it where there is none.
func Open(path string) (*Key, error) {
	k, err := Read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	if k, err = New(nil); err != nil {
		return nil, err
	}
	// A link, unlike a rename, takes no file's place: of two replicas that start at once both sign by the first one's key.
	err = k.write(path, os.Link)
	if errors.Is(err, fs.ErrExist) { // another replica was quicker
		return Read(path)
	}
	return k, err
}

// Read reads a file of keys that nobody else can read.
func Read(path string) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others can read the signing key: chmod 600 %s", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the signing key: %w", err)
	}
	k := &Key{}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			private, ok := key.(ed25519.PrivateKey)
			if err != nil || !ok || k.private != nil {
				return nil, fmt.Errorf("%s holds no signing key, or several: one Ed25519 key in PEM is needed", path)
			}
			k.private = private
		case "PUBLIC KEY":
			key, err := x509.ParsePKIXPublicKey(block.Bytes)
			public, ok := key.(ed25519.PublicKey)
			if err != nil || !ok {
				return nil, fmt.Errorf("%s names a former key that is no Ed25519 key", path)
			}
			k.former = append(k.former, base64.StdEncoding.EncodeToString(public))
		}
	}
	if k.private == nil {
		return nil, fmt.Errorf("%s holds no signing key: one Ed25519 key in PEM is needed", path)
	}
	return k, nil
}

// Replace writes this key in the place of the one that the file holds.
func (k *Key) Replace(path string) error { return k.write(path, os.Rename) }

// write puts the file into its place whole, or not at all.
func (k *Key) write(path string, place func(from, to string) error) error {
	private, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return fmt.Errorf("write the signing key: %w", err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	for _, name := range k.former {
		public, _ := base64.StdEncoding.DecodeString(name)
		spelled, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(public))
		if err != nil {
			return fmt.Errorf("write the signing key: %w", err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spelled})...)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o711); err != nil {
		return fmt.Errorf("write the signing key: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".signing-*") // 0600
	if err != nil {
		return fmt.Errorf("write the signing key: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = place(f.Name(), path)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("write the signing key: %w", err)
	}
	return nil
}

// syncFolder has the file's name outlast a power cut: what is signed from now on is believed by this key alone.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
