package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"countersign/approval"
	"countersign/approval/sshkey"
	"countersign/internal/slacksim"
	"countersign/internal/slacksim/workspace"
	"countersign/storage"
	"countersign/storage/signing"
)

func TestWhoSitsHereIsTheKernelsWord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	list := file("passwd", "root:x:0:0:root:/root:/bin/sh\nmaya:x:1000:1000::/home/maya:/bin/sh\n::7:::\n")
	for want, c := range map[string]struct {
		uid   int
		login string
	}{
		"root":      {0, filepath.Join(dir, "none")},
		"maya":      {1000, file("nobody signed in", "4294967295")},
		"user 1234": {1234, file("odd", "maya")},
		"user 7":    {7, filepath.Join(dir, "none")},
	} {
		require.Equal(t, want, userOf(c.uid, c.login, list))
	}
	require.Equal(t, "maya", userOf(0, file("signed in", "1000"), list), "sudo makes nobody somebody else")
	require.Equal(t, "user 1000", userOf(1000, "", filepath.Join(dir, "none")))

	click, err := seated(approval.Click{Door: approval.CommandLine}, nil)
	require.NoError(t, err)
	require.NotEmpty(t, click.OSUser)
	require.NotEmpty(t, click.Machine)
	_, err = seated(approval.Click{}, func() (string, string, error) { return "", "", errors.New("no name") })
	require.ErrorContains(t, err, "this machine does not say who you are, so you cannot decide here: no name")
}

// sshAgent is an ssh-agent that holds one key: where it listens, and the key as it is registered.
func sshAgent(t *testing.T) (socket, line string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	held := agent.NewKeyring()
	require.NoError(t, held.Add(agent.AddedKey{PrivateKey: private}))
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "agent") // a test's own folder has too long a name for a socket
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = agent.ServeAgent(held, conn)
			}()
		}
	}()
	return socket, sshkey.Line(signer.PublicKey())
}

// hadKey is a key that somebody registered more than a day ago, in the trail as serve would
// have written it then.
func (h *house) hadKey(who, line string) {
	h.t.Helper()
	key, err := signing.Read(h.program.SigningKeyFile)
	require.NoError(h.t, err)
	at := time.Now().Add(-25 * time.Hour).UTC().Truncate(time.Microsecond)
	const next = `(SELECT 'people:' || $1 AS stream, coalesce(max(seq), 0) + 1 AS seq, $2::timestamptz AS at, $3::text AS actor, 'registered key' AS kind, '{"key":"' || $4 || '"}' AS data,
		coalesce((array_agg(hash ORDER BY seq DESC))[1], repeat('0', 64)) AS prev FROM events WHERE stream = 'people:' || $1) e`
	hash := approval.Hash([]byte(value[string](h, `SELECT event_line(stream, seq, at, actor, kind, data, prev) FROM `+next, slacksim.DefaultTeam.ID, at, who, line)))
	require.Equal(h.t, 1, value[int](h, `
		WITH told AS (INSERT INTO events (stream, seq, at, actor, kind, data, prev_hash, hash, key, signature)
			SELECT stream, seq, at, actor, kind, data, prev, $5, $6, $7 FROM `+next+` RETURNING seq),
		named AS (INSERT INTO ssh_keys (team, person, line, named, at, told) SELECT $1, $3, $4, true, $2, seq FROM told RETURNING 1),
		notice AS (INSERT INTO notices (key, team, kind, recipients, admins, data, at, told_at) SELECT 'key ' || $1 || ' ' || seq, $1, 'key', ARRAY[$3], false, '{}', $2, $2 FROM told RETURNING key),
		post AS (INSERT INTO notice_posts (key, recipient, channel, ts, shown, begun_at) SELECT key, $3, 'D1', '1.1', '', $2 FROM notice RETURNING 1)
		SELECT count(*) FROM named, post`, slacksim.DefaultTeam.ID, at, who, line, hash, key.Name(), key.Sign(hash)))
}

// High risk at the other door is signed by the reviewer's own key: registered in Slack, told
// of there, a day old, and in the agent of whoever sits at the terminal.
func TestHighRiskAtTheOtherDoorIsSignedByTheReviewersOwnKey(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	r, _ := h.run()
	h.shareSamples()
	h.writes(dangerous)
	h.ask("How many units in sales.csv?")
	for state := ""; state != "pending"; state = value[string](h, `SELECT state FROM requests`) {
		require.NoError(t, h.ctx.Err())
		require.NotEqual(t, "failed", state)
		time.Sleep(20 * time.Millisecond)
	}
	id, digest := value[string](h, `SELECT id FROM requests`), value[string](h, `SELECT digest FROM revisions`)
	require.Equal(t, "high", value[string](h, `SELECT tier FROM revisions`))
	card, err := h.decided(id)
	require.NoError(t, err)
	require.Contains(t, card, "your ssh-agent has to sign")
	approve := []string{id, "approve", "--as", slacksim.Reviewer, "--digest", digest[:8]}
	_, err = h.decided(approve...)
	require.ErrorContains(t, err, "you have registered none")

	click := approval.Click{Team: slacksim.DefaultTeam.ID, User: slacksim.Reviewer}
	young, youngLine := sshAgent(t)
	require.NoError(t, r.service.AddKey(h.ctx, click, youngLine))
	_, err = h.ben.WaitMessage(h.patient(), h.ben.DM(), func(m workspace.Message) bool { return strings.Contains(m.Text+m.Words(), "registered an SSH key") })
	require.NoError(t, err)
	h.program.environ = map[string]string{"SSH_AUTH_SOCK": young}
	_, err = h.decided(approve...)
	require.ErrorContains(t, err, "Decide again in 24 hours")

	old, line := sshAgent(t)
	h.hadKey(slacksim.Reviewer, line)
	_, err = h.decided(approve...)
	require.ErrorContains(t, err, "your ssh-agent has none of your registered keys that are valid by now: "+sshkey.Print(line))
	h.program.environ = map[string]string{"SSH_AUTH_SOCK": filepath.Join(t.TempDir(), "none")}
	_, err = h.decided(approve...)
	require.ErrorContains(t, err, "your ssh-agent does not answer")
	require.Zero(t, value[int](h, `SELECT count(*) FROM decisions`))

	h.program.environ = map[string]string{"SSH_AUTH_SOCK": old}
	said, err := h.decided(approve...)
	require.NoError(t, err)
	require.Contains(t, said, "signed with "+sshkey.Print(line))
	card, err = h.decided(id)
	require.NoError(t, err)
	require.Contains(t, card, ", signed with "+sshkey.Print(line))
	_, err = storage.AuditorOf(r.db).Request(h.ctx, id)
	require.NoError(t, err)
	_, err = r.service.Disown(h.ctx, id, 1, click)
	require.NoError(t, err, "and in the minute after it, Not me stops it")
	require.Zero(t, value[int](h, `SELECT count(*) FROM runs`))
}

func TestWithoutAnAgentNothingIsSigned(t *testing.T) {
	t.Setenv("SSH_AUTH_SOCK", "")
	_, err := signedBy(context.Background(), program{}, approval.Click{}, sshkey.Statement{}, nil)
	require.ErrorContains(t, err, "SSH_AUTH_SOCK is not set")
}
