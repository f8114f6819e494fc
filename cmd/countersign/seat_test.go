package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
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

	click, err := program{}.seated(approval.Click{Door: approval.CommandLine})
	require.NoError(t, err)
	require.NotEmpty(t, click.OSUser)
	require.NotEmpty(t, click.Machine)
	_, err = program{seat: func() (string, string, error) { return "", "", errors.New("no name") }}.seated(approval.Click{})
	require.ErrorContains(t, err, "nobody decides here whom this machine cannot name: no name")
}
