package e2b_test

import (
	"bytes"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox/e2b"
)

// TestEnvd holds the test server's envd, and a real one when
// E2B_CONFORMANCE_ENVD gives its address (with E2B_CONFORMANCE_USER for a user
// that it knows, if that is not user), to the same expectations. The control
// plane is the test server's in both cases: one box, whose files are envd's. The
// tests run one after the other, because a real envd has only one folder.
func TestEnvd(t *testing.T) {
	envds := map[string]func(*e2b.Options){"the test server's": func(*e2b.Options) {}}
	if address := os.Getenv("E2B_CONFORMANCE_ENVD"); address != "" {
		envds["a real one"] = func(o *e2b.Options) {
			o.SandboxURL, o.User = address, os.Getenv("E2B_CONFORMANCE_USER")
		}
	}
	for name, change := range envds {
		t.Run(name, func(t *testing.T) {
			for what, test := range map[string]func(*testing.T, *testBundle, func(*e2b.Options)){
				"files go in and come out":             filesGoInAndComeOut,
				"what is missing is said to be":        whatIsMissingIsSaidToBe,
				"a process outlives its caller":        aProcessOutlivesItsCaller,
				"five starts hung up on give one run":  fiveStartsGiveOneRun,
				"an inspection runs to its end":        anInspectionRunsToItsEnd,
				"a file that is too large is not read": aLargeFileIsNotRead,
			} {
				t.Run(what, func(t *testing.T) { test(t, setup(t, change), change) })
			}
		})
	}
}

// wiped is a box without the leftovers of earlier tests: a real envd has only one.
func wiped(t *testing.T, b *testBundle) string {
	t.Helper()
	id := b.create(t, "req1", "print(1)")
	require.NoError(t, b.client.Wipe(t.Context(), id))
	return id
}

func filesGoInAndComeOut(t *testing.T, b *testBundle, _ func(*e2b.Options)) {
	id := wiped(t, b)
	for name, data := range map[string][]byte{
		"empty":         {},
		"some bytes":    {0, 1, 2, 0xff, '\n', '\r'},
		"größe & 50%+1": []byte("odd name"),
		"a/b/c":         bytes.Repeat([]byte("0123456789abcdef"), 1<<16),
	} {
		require.NoError(t, b.client.Put(t.Context(), id, []byte("older and longer than some of them"), name))
		require.NoError(t, b.client.Put(t.Context(), id, data, name))
		got, err := b.client.Take(t.Context(), id, 2<<20, name)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, got), name)
	}
}

func whatIsMissingIsSaidToBe(t *testing.T, b *testBundle, _ func(*e2b.Options)) {
	id := wiped(t, b)
	_, err := b.client.Take(t.Context(), id, 10, "nothing")
	require.ErrorIs(t, err, fs.ErrNotExist)
	there, err := b.client.Exists(t.Context(), id, "nothing")
	require.NoError(t, err)
	require.False(t, there)
	_, err = b.client.Result(t.Context(), id)
	require.ErrorIs(t, err, steps.ErrNotStarted)
	require.NoError(t, b.client.Put(t.Context(), id, nil, "folder/file"))
	there, err = b.client.Exists(t.Context(), id, "folder")
	require.NoError(t, err)
	require.True(t, there)
	_, err = b.client.Take(t.Context(), id, 10, "folder")
	require.Error(t, err)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	for _, out := range []string{"../outside", "..", "a/../../b"} {
		_, err := b.client.Take(t.Context(), id, 10, out)
		require.ErrorContains(t, err, "outside")
		require.ErrorContains(t, b.client.Put(t.Context(), id, nil, out), "outside")
		_, err = b.client.Exists(t.Context(), id, out)
		require.ErrorContains(t, err, "outside")
	}
}

func aProcessOutlivesItsCaller(t *testing.T, b *testBundle, _ func(*e2b.Options)) {
	id := wiped(t, b)
	// Launch has hung up long before the line comes to its end.
	require.NoError(t, b.client.Launch(t.Context(), id, "sleep 0.5; echo done >later"))
	soon(t, "the process has gone on", func() bool {
		there, err := b.client.Exists(t.Context(), id, "later")
		return err == nil && there
	})
}

func fiveStartsGiveOneRun(t *testing.T, b *testBundle, change func(*e2b.Options)) {
	id := wiped(t, b)
	code := "print(open('in.txt').read())\nopen('../../ran', 'a').write('x')\n"
	in := input("in.txt", "from the input")
	faults := make(chan error)
	for range 5 {
		replica := b.another(t, change)
		go func() { faults <- replica.Start(t.Context(), id, jobFor("req1", code, in)) }()
	}
	for range 5 {
		require.NoError(t, <-faults)
	}
	result, err := b.another(t, change).Result(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, approval.OK, result.Outcome, "%+v", result)
	require.Equal(t, "from the input\n", result.Stdout)
	ran, err := b.client.Take(t.Context(), id, 10, "ran")
	require.NoError(t, err)
	require.Equal(t, "x", string(ran))
}

func anInspectionRunsToItsEnd(t *testing.T, b *testBundle, _ func(*e2b.Options)) {
	wiped(t, b)
	seen, err := b.client.Inspect(t.Context(), "import os\nos.system('true')\n", nil)
	require.NoError(t, err)
	require.Empty(t, seen.Problem)
	require.NotEmpty(t, seen.Findings)
}

func aLargeFileIsNotRead(t *testing.T, b *testBundle, _ func(*e2b.Options)) {
	id := wiped(t, b)
	require.NoError(t, b.client.Put(t.Context(), id, bytes.Repeat([]byte("x"), 1000), "large"))
	_, err := b.client.Take(t.Context(), id, 999, "large")
	require.ErrorContains(t, err, "more than 999 bytes")
	got, err := b.client.Take(t.Context(), id, 1000, "large")
	require.NoError(t, err)
	require.Len(t, got, 1000)
}
