package checkpoint

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func hash(i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "event %d", i))
	return hex.EncodeToString(sum[:])
}

// grown is a log with all its full nodes, as the database keeps them.
type grown struct {
	*Tree
	nodes map[ID][]byte
	roots map[int64][]byte
}

func grow(t *testing.T, n int) grown {
	t.Helper()
	tree, err := Grow(0, nil)
	require.NoError(t, err)
	g := grown{Tree: tree, nodes: map[ID][]byte{}, roots: map[int64][]byte{}}
	for i := range n {
		leaf, err := Leaf(hash(i))
		require.NoError(t, err)
		g.nodes[ID{0, int64(i)}] = leaf
		full, err := g.Append(hash(i))
		require.NoError(t, err)
		for _, node := range full {
			g.nodes[node.ID] = node.Hash
		}
		root, err := g.Root()
		require.NoError(t, err)
		g.roots[g.Size()] = root
	}
	return g
}

func (g grown) proof(t *testing.T, plan Plan, err error) [][]byte {
	t.Helper()
	require.NoError(t, err)
	var hashes [][]byte
	for _, id := range plan.IDs() {
		require.Contains(t, g.nodes, id)
		hashes = append(hashes, g.nodes[id])
	}
	proof, err := plan.Proof(hashes)
	require.NoError(t, err)
	return proof
}

func TestEveryLogContinuesEveryShorterOneAndIncludesAllItsEvents(t *testing.T) {
	t.Parallel()
	const n = 20
	g := grow(t, n)
	at := time.Date(2026, 11, 27, 1, 2, 3, 4000, time.UTC)
	for to := int64(1); to <= n; to++ {
		later := Checkpoint{Number: 2, Size: to, Root: g.roots[to], At: at}
		for from := int64(1); from < to; from++ {
			earlier := Checkpoint{Number: 1, Size: from, Root: g.roots[from], At: at}
			plan, err := Consistency(from, to)
			proof := g.proof(t, plan, err)
			require.NoError(t, later.Follows(earlier, proof))
			other := earlier
			other.Root = g.roots[to]
			require.ErrorContains(t, later.Follows(other, proof), "does not continue", "it forks")
		}
		for i := range to {
			plan, err := Inclusion(i, to)
			proof := g.proof(t, plan, err)
			require.True(t, later.Includes(i, hash(int(i)), proof))
			require.False(t, later.Includes(i, hash(n+1), proof))
		}
		var edge [][]byte
		for _, id := range Edge(to) {
			edge = append(edge, g.nodes[id])
		}
		again, err := Grow(to, edge)
		require.NoError(t, err)
		root, err := again.Root()
		require.NoError(t, err)
		require.Equal(t, g.roots[to], root, "its right edge is all that a log needs to grow")
	}
}

func TestACheckpointIsReadAsItWasSigned(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	signer, err := Signer(private)
	require.NoError(t, err)
	line, err := Public(private)
	require.NoError(t, err)
	key, err := Verifier(line)
	require.NoError(t, err)
	c := Checkpoint{Number: 3, Size: 7, Root: grow(t, 7).roots[7], At: time.Date(2026, 11, 27, 1, 2, 3, 4000, time.UTC)}
	signed, err := c.Sign(signer)
	require.NoError(t, err)
	read, err := Open(signed, key)
	require.NoError(t, err)
	require.Equal(t, c, read)

	_, other, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	line, err = Public(other)
	require.NoError(t, err)
	stranger, err := Verifier(line)
	require.NoError(t, err)
	_, err = Open(signed, stranger)
	require.ErrorContains(t, err, "has not signed it")
	_, err = Open(strings.Replace(signed, "\n7\n", "\n8\n", 1), key)
	require.ErrorContains(t, err, "has not signed it")
	for _, bad := range []string{"", "countersign\n7\n", strings.Replace(signed, "\n7\n", "\n07\n", 1), strings.Replace(signed, "number 3", "number 0", 1)} {
		_, err = Read(bad)
		require.Error(t, err)
	}
	for _, bad := range []string{"", "countersign+1+2", "AAAA"} {
		_, err = Verifier(bad)
		require.Error(t, err)
	}
	require.Equal(t, []string{signed, signed}, Notes("Checkpoint 3 of Countersign:\r\n"+strings.ReplaceAll(signed, "\n", "\r\n")+"\nand\n\n"+signed+"\ncountersign\nno"), "as somebody copies it from Slack")
	for _, copied := range []string{"```" + signed + "```", "> " + strings.ReplaceAll(signed, "\n", "\n> "), strings.ReplaceAll(signed, "\n", "\u00a0\n\n"), "  " + strings.ReplaceAll(signed, "\n", "\n\t")} {
		require.Equal(t, []string{signed}, Notes("Checkpoint 3 of the audit log: 7 entries.\n"+copied), copied)
	}
}

func TestAFileOfCheckpointsGrowsAndKnowsItsLast(t *testing.T) {
	t.Parallel()
	_, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	signer, err := Signer(private)
	require.NoError(t, err)
	file := File{Path: filepath.Join(t.TempDir(), "below", "checkpoints")}
	last, err := file.Last()
	require.NoError(t, err)
	require.Nil(t, last)
	g := grow(t, 3)
	for i := int64(1); i <= 3; i++ {
		c := Checkpoint{Number: i, Size: i, Root: g.roots[i], At: time.Date(2026, 11, 27, 1, 2, 3, 4000, time.UTC)}
		signed, err := c.Sign(signer)
		require.NoError(t, err)
		require.NoError(t, file.Append(signed))
		last, err = file.Last()
		require.NoError(t, err)
		require.Equal(t, &c, last)
		// A crash has cut off what was being written: it is not a checkpoint, and spoils none after it.
		text, err := os.ReadFile(file.Path)
		require.NoError(t, err)
		next := Checkpoint{Number: i + 1, Size: i + 1, Root: c.Root, At: c.At}
		coming, err := next.Sign(signer)
		require.NoError(t, err)
		for cut := range len(coming) - 1 { // the last one ends the line
			require.NoError(t, os.WriteFile(file.Path, append(bytes.Clone(text), coming[:cut]...), 0o644))
			last, err = file.Last()
			require.NoError(t, err)
			require.Equal(t, &c, last, "cut after %d bytes", cut)
		}
	}
	all, err := file.All()
	require.NoError(t, err)
	require.Len(t, all, 3)
	// However long the file grows, and whatever somebody writes at its end.
	for i := range int64(600) {
		c := Checkpoint{Number: 4 + i, Size: 3, Root: g.roots[3], At: time.Date(2026, 11, 27, 1, 2, 3, 4000, time.UTC)}
		signed, err := c.Sign(signer)
		require.NoError(t, err)
		require.NoError(t, file.Append(signed))
	}
	last, err = file.Last()
	require.NoError(t, err)
	require.Equal(t, int64(603), last.Number)
	text, err := os.ReadFile(file.Path)
	require.NoError(t, err)
	require.Greater(t, len(text), 100_000)
	require.NoError(t, os.WriteFile(file.Path, append(text, strings.Repeat("note\n", 20_000)...), 0o644))
	last, err = file.Last()
	require.NoError(t, err)
	require.Equal(t, int64(603), last.Number)
}
