package sshkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/hiddeco/sshsig"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

func signer(t *testing.T, key any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	require.NoError(t, err)
	return s
}

func ed(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return signer(t, key)
}

func statement() Statement {
	return Statement{Workspace: "T1", Request: "k7q2mxd", Revision: 2, Digest: "3f9a", Verdict: "approve", Person: "U1", Nonce: "00ff"}
}

func TestAKeyHasOneSpelling(t *testing.T) {
	t.Parallel()
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		require.NoError(t, err)
		line := Line(signer(t, key).PublicKey())
		got, err := Parse(line)
		require.NoError(t, err)
		require.Equal(t, line, got)
	}
	line := Line(ed(t).PublicKey())
	got, err := Parse("  " + line + " maya@laptop\n")
	require.NoError(t, err)
	require.Equal(t, line, got)
	require.Regexp(t, `^SHA256:[A-Za-z0-9+/]{43}$`, Print(line))
	require.Empty(t, Print(line+" maya"), "a key with anything beside it is no spelling of it")

	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for text, want := range map[string]error{
		"":                                       ErrNoKey,
		"hello":                                  ErrNoKey,
		line + "\n" + line:                       ErrNoKey,
		`command="true" ` + line:                 ErrNoKey,
		line + " " + strings.Repeat("x", 1000):   ErrNoKey,
		"-----BEGIN OPENSSH PRIVATE KEY-----\nb": ErrPrivate,
		Line(signer(t, weak).PublicKey()):        ErrKind,
	} {
		_, err := Parse(text)
		require.ErrorIs(t, err, want, text)
	}
}

func TestASignatureIsOfOneKeyOneStatementAndOnePurpose(t *testing.T) {
	t.Parallel()
	mine, s := ed(t), statement()
	signature, err := s.Sign(mine)
	require.NoError(t, err)
	line := Line(mine.PublicKey())
	require.NoError(t, s.Verify(line, signature))
	require.Equal(t, `{"digest":"3f9a","nonce":"00ff","person":"U1","request":"k7q2mxd","revision":2,"verdict":"approve","workspace":"T1"}`, string(s.Text()))

	for what, change := range map[string]func(s *Statement){
		"workspace": func(s *Statement) { s.Workspace = "T2" }, "request": func(s *Statement) { s.Request = "other" },
		"revision": func(s *Statement) { s.Revision++ }, "digest": func(s *Statement) { s.Digest += "0" },
		"verdict": func(s *Statement) { s.Verdict = "reject" }, "person": func(s *Statement) { s.Person = "U2" }, "nonce": func(s *Statement) { s.Nonce = "" },
	} {
		other := s
		change(&other)
		require.Error(t, other.Verify(line, signature), what)
	}
	require.Error(t, s.Verify(Line(ed(t).PublicKey()), signature), "another key")
	require.Error(t, s.Verify(line+" maya", signature))
	require.Error(t, s.Verify("", ""))
	require.Error(t, s.Verify(line, signature[:40]))
	file, err := sshsig.Sign(strings.NewReader(string(s.Text())), mine, sshsig.HashSHA512, "file")
	require.NoError(t, err)
	require.Error(t, s.Verify(line, string(sshsig.Armor(file))), "a signature for another purpose")
}

// device stands in for a security key: what it signs says whether it was touched.
type device struct {
	ssh.PublicKey
	key   ed25519.PrivateKey
	flags byte
}

func newDevice(t *testing.T, flags byte) device {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	line := ssh.Marshal(struct {
		Kind        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, public, "ssh:"})
	parsed, err := ssh.ParsePublicKey(line)
	require.NoError(t, err)
	return device{parsed, key, flags}
}

func (d device) signature(message []byte) *ssh.Signature {
	application, of := sha256.Sum256([]byte("ssh:")), sha256.Sum256(message)
	signed := append(application[:], d.flags)
	signed = binary.BigEndian.AppendUint32(signed, 7)
	rest := signed[len(application):]
	return &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(d.key, append(signed, of[:]...)), Rest: append([]byte(nil), rest...)}
}

type deviceSigner struct{ device }

func (d deviceSigner) PublicKey() ssh.PublicKey { return d.device.PublicKey }
func (d deviceSigner) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	return d.signature(data), nil
}

func TestASecurityKeyHasBeenTouched(t *testing.T) {
	t.Parallel()
	for flags, want := range map[byte]bool{touched: true, 5: true, 0: false, 4: false} {
		d, s := newDevice(t, flags), statement()
		signature, err := s.Sign(deviceSigner{d})
		require.NoError(t, err)
		require.Equal(t, want, s.Verify(Line(d.PublicKey), signature) == nil, "flags %d", flags)
	}
}

// A signature by `ssh-keygen -Y sign -n countersign-decision`.
const (
	opensshKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIwY51+3/giY25ZO7TtpXu4sGcynYaIiA6ih4hq4x7q1"
	openssh    = `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgjBjnX7f+CJjblk7tO2le7iwZzK
dhoiIDqKHiGrjHurUAAAAUY291bnRlcnNpZ24tZGVjaXNpb24AAAAAAAAABnNoYTUxMgAA
AFMAAAALc3NoLWVkMjU1MTkAAABAhgDHjA9TG9ihox+mUu3ONiV1l6tFF+tzgbaJhlwCP4
IYbKJ4UI0WFD9MOQoP6BxCJSNZZy3ThBq3ZYFCp45nDQ==
-----END SSH SIGNATURE-----
`
)

func TestWhatOpenSSHSignsIsRead(t *testing.T) {
	t.Parallel()
	s := statement()
	require.NoError(t, s.Verify(opensshKey, openssh))
	s.Revision++
	require.Error(t, s.Verify(opensshKey, openssh))
}
