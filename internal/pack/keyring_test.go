package pack

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/mod/sumdb/note"

	"countersign/approval/sshkey"
)

func init() {
	for _, c := range keyrings {
		if c.broken != "" {
			tampered = append(tampered, struct {
				kind   string
				change func(t testing.TB, o opened)
				says   string
			}{"a decision signed by " + c.name, func(t testing.TB, o opened) {
				f := newFake(t, 0)
				c.plays(f)
				clear(o)
				for name, text := range open(t, f.pack("")) {
					o[name] = text
				}
			}, c.broken})
		}
	}
}

// registers has somebody register a key.
func (f *fake) registers(who, line string) {
	f.happens("people:T1", who, "registered key", map[string]any{"key": line})
}

// signedHigh is a decision of Ben's for high risk, by just this key.
func (f *fake) signedHigh(i int, signer ssh.Signer) {
	f.high(i, func(s sshkey.Statement, click map[string]any) {
		text, err := s.Sign(signer)
		require.NoError(f.t, err)
		click["key"], click["signature"] = sshkey.Line(signer.PublicKey()), text
	})
}

func signerOf(t testing.TB, seed string) (signer ssh.Signer, line string) {
	t.Helper()
	signer, err := ssh.NewSignerFromSigner(ed25519.NewKeyFromSeed([]byte(strings.Repeat(seed, 32))))
	require.NoError(t, err)
	return signer, sshkey.Line(signer.PublicKey())
}

// keyrings are decisions that a key has signed, and what the events of people say of that key.
var keyrings = []struct {
	name   string
	plays  func(f *fake)
	broken string
}{
	{"a key of 25 hours", func(f *fake) {
		signer, line := signerOf(f.t, "k")
		f.registers("U0BEN", line)
		f.later = day25
		f.signedHigh(0, signer)
	}, ""},
	{"a key that was removed afterwards", func(f *fake) {
		signer, line := signerOf(f.t, "k")
		f.registers("U0BEN", line)
		f.later = day25
		f.signedHigh(0, signer)
		f.happens("people:T1", "U0BEN", "removed key", map[string]any{"key": line})
	}, ""},
	{"a key of 23 hours", func(f *fake) {
		signer, line := signerOf(f.t, "k")
		f.registers("U0BEN", line)
		f.later = 23 * time.Hour
		f.signedHigh(0, signer)
	}, "its giver had not had the SSH key that signed it for 24 hours"},
	{"a key that was registered anew an hour ago", func(f *fake) {
		signer, line := signerOf(f.t, "k")
		f.registers("U0BEN", line)
		f.later = day25
		f.happens("people:T1", "U0BEN", "removed key", map[string]any{"key": line})
		f.registers("U0BEN", line)
		f.later += time.Hour
		f.signedHigh(0, signer)
	}, "its giver had not had the SSH key that signed it for 24 hours"},
	{"a key that was registered afterwards", func(f *fake) {
		signer, line := signerOf(f.t, "k")
		_, other := signerOf(f.t, "o")
		f.registers("U0BEN", other)
		f.later = day25
		f.signedHigh(0, signer)
		f.registers("U0BEN", line)
	}, "its giver had not registered the SSH key that signed it"},
	{"a key that was removed", func(f *fake) {
		signer, line := signerOf(f.t, "k")
		f.registers("U0BEN", line)
		f.later = day25
		f.happens("people:T1", "U0BEN", "removed key", map[string]any{"key": line})
		f.signedHigh(0, signer)
	}, "its giver had removed the SSH key that signed it"},
	{"a key of somebody else's", func(f *fake) {
		signer, line := signerOf(f.t, "k")
		f.registers("U0CARLA", line)
		f.later = day25
		f.signedHigh(0, signer)
	}, "its giver had not registered the SSH key that signed it"},
	{"a key of which a complete pack has no word", func(f *fake) {
		signer, _ := signerOf(f.t, "k")
		f.signedHigh(0, signer)
	}, "its giver had not registered the SSH key that signed it"},
}

// The verifier holds a key that has signed a decision against its day, from the events alone.
func TestTheVerifierHoldsAnSSHKeyAgainstItsDay(t *testing.T) {
	t.Parallel()
	for _, c := range keyrings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, 0)
			c.plays(f)
			r, err := Verify(f.pack(""), Trust{Keys: []note.Verifier{f.key}})
			if c.broken != "" {
				require.ErrorContains(t, err, c.broken)
				return
			}
			require.NoError(t, err)
			require.Empty(t, r.Faults)
		})
	}

	// A selection has no stream of people, and brings along what says whose the key is.
	f := newFake(t, 0)
	signer, line := signerOf(t, "k")
	_, other := signerOf(t, "o")
	f.registers("U0BEN", line)
	f.registers("U0EVE", other)
	f.later = day25
	f.signedHigh(0, signer)
	f.plays(1, "And in June?", 0)
	path := f.pack("r000000")
	r, err := Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	o := open(t, path)
	require.Contains(t, string(o[fileGrounds]), line)
	require.NotContains(t, string(o[fileGrounds]), other, "of nobody else anything comes along")

	// A pack that begins later brings along what came before it, each with its proof.
	f = newFake(t, 0)
	f.registers("U0BEN", line)
	f.plays(1, "And in June?", 0)
	f.signs()
	f.first, f.order = int64(len(f.entries)), nil
	clear(f.cases)
	f.later = day25
	f.signedHigh(2, signer)
	path = f.pack("")
	r, err = Verify(path, Trust{Keys: []note.Verifier{f.key}})
	require.NoError(t, err)
	require.True(t, r.Shown())
	for what, change := range map[string]func(o opened){
		"its proof is there":                   func(o opened) { o[fileGrounds] = nil },
		"no checkpoint covers it":              func(o opened) { o.proof(t, func(p *Proof) { p.Grounds[0][0][0] ^= 1 }) },
		"its content has been changed":         func(o opened) { o[fileGrounds] = bytes.Replace(o[fileGrounds], []byte("U0BEN"), []byte("U0EVE"), 1) },
		"it stands in another place, or twice": func(o opened) { o[fileGrounds] = append(o[fileGrounds], o[fileGrounds]...) },
		"it is not what was written down when": func(o opened) {
			o[fileGrounds] = nil
			o.proof(t, func(p *Proof) { p.Grounds = nil })
		},
	} {
		o := open(t, path)
		change(o)
		_, err := Verify(o.close(t), Trust{Keys: []note.Verifier{f.key}})
		require.ErrorContains(t, err, what)
	}
}
