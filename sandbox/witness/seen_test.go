package witness

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/approval"
)

func record(lines ...string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

const begins = `{"opened": "/opt/countersign/mark-m"}`

// What the witness in a cloud box writes is an account: of what it does not watch it has no list.
func TestWhatACloudBoxTellsIsAnAccount(t *testing.T) {
	t.Parallel()
	w, unable := Read(record(`{"opened": "/etc/shadow"}`, begins, `{"opened": "/opt/countersign/work/sales.csv"}`, `{"opened": "/opt/countersign/work/made.csv"}`,
		`{"written": "/opt/countersign/work/made.csv"}`, `{"opened": "/opt/countersign/work/made.csv"}`, `{"opened": "/usr/share/dict/words"}`, `{"opened": "/etc/passwd"}`,
		`{"opened": "/opt/countersign/runner/show.py"}`, `{"written": "/dev/null"}`, `{"started": "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"}`,
		`{"started": "/usr/bin/id"}`, `{"deleted": true}`, `{"end": 0}`), "/m")
	require.Empty(t, unable)
	require.Equal(t, &approval.Witness{Source: approval.WitnessFanotify, Complete: true, Started: []string{"/usr/bin/id"},
		Opened: []string{"/etc/passwd", "sales.csv", "made.csv (opened for writing)", approval.WitnessDeleted, "/usr/share/dict/words"}}, w)
}

func TestTheLoaderAloneIsAProgram(t *testing.T) {
	t.Parallel()
	w, _ := Read(record(begins, `{"started": "/usr/lib64/ld-linux-x86-64.so.2"}`, `{"end": 0}`), "/m")
	require.Equal(t, []string{"/usr/lib64/ld-linux-x86-64.so.2"}, w.Started)
}

// Only the box's own loader is left out, and only beside a program that it was started for.
func TestAProgramUnderTheLoadersNameIsAProgram(t *testing.T) {
	t.Parallel()
	const own, older, arm = "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2", "/lib/aarch64-linux-gnu/ld-linux-aarch64.so.1"
	for _, tt := range []struct{ started, said []string }{
		{[]string{own, "/usr/bin/id"}, []string{"/usr/bin/id"}},
		{[]string{older, "/usr/bin/id"}, []string{"/usr/bin/id"}},
		{[]string{arm, "/usr/bin/id"}, []string{"/usr/bin/id"}},
		{[]string{own, "/tmp/ld-linux.so.2"}, []string{"/tmp/ld-linux.so.2"}},
		{[]string{own, place + "work/ld-linux-x86-64.so.2"}, []string{place + "work/ld-linux-x86-64.so.2"}},
		{[]string{own, "/tmp/usr/lib64/ld-linux-x86-64.so.2"}, []string{"/tmp/usr/lib64/ld-linux-x86-64.so.2"}},
		{[]string{own, older}, []string{own, older}},
	} {
		lines := []string{begins}
		for _, at := range tt.started {
			lines = append(lines, `{"started": "`+at+`"}`)
		}
		w, _ := Read(record(append(lines, `{"end": 0}`)...), "/m")
		require.Equal(t, tt.said, w.Started)
		require.True(t, w.Complete)
	}
}

// Where everything goes through a door, it is known who was reached, and that nobody was.
func TestWhoWasReachedIsKnownWhereThereIsADoor(t *testing.T) {
	t.Parallel()
	w, _ := Read(record(`{"door": 1}`, begins, `{"end": 0}`), "/m")
	require.Equal(t, []string{}, w.Connected)
	w, _ = Read(record(`{"door": 1}`, begins, `{"connected": "data.example.org:443"}`, `{"end": 0}`), "/m")
	require.Equal(t, []string{"data.example.org:443"}, w.Connected)
	w, _ = Read(record(begins, `{"end": 0}`), "/m")
	require.Nil(t, w.Connected)
}

func TestWhatACloudBoxDoesNotTellIsNotKnown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lines []string
		gaps  []string
	}{
		"it ended early":        {[]string{begins, `{"opened": "/etc/passwd"}`, `{"ope`}, []string{approval.GapEarly}},
		"its beginning is lost": {[]string{`{"end": 0}`}, []string{approval.GapUnmarked}},
		"files were renamed":    {[]string{begins, `{"gap": "rename"}`, `{"end": 0}`}, []string{approval.GapRename}},
		"more than it could":    {[]string{begins, `{"gap": "dropped"}`, `{"end": 0}`}, []string{approval.GapDropped}},
		"nothing at all":        {nil, []string{approval.GapUnmarked, approval.GapEarly}},
	} {
		w, unable := Read(record(tt.lines...), "/m")
		require.Empty(t, unable, name)
		require.False(t, w.Complete, name)
		require.Equal(t, tt.gaps, w.Gaps, name)
	}
	w, unable := Read(record(`{"unable": "fanotify: Function not implemented"}`), "/m")
	require.Nil(t, w)
	require.Equal(t, "fanotify: Function not implemented", unable)
}
