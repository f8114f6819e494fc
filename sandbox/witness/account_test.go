package witness

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protowire"

	"countersign/approval"
)

const mark = "/0123456789abcdef"

// field is a number, a text or a message of fields.
type field struct {
	number int
	value  any
}

func message(fields ...field) (data []byte) {
	for _, f := range fields {
		switch v := f.value.(type) {
		case int:
			data = protowire.AppendVarint(protowire.AppendTag(data, protowire.Number(f.number), protowire.VarintType), uint64(int64(v)))
		case string:
			data = protowire.AppendString(protowire.AppendTag(data, protowire.Number(f.number), protowire.BytesType), v)
		case []byte:
			data = protowire.AppendBytes(protowire.AppendTag(data, protowire.Number(f.number), protowire.BytesType), v)
		}
	}
	return data
}

// by is a packet of a process, as the sentry sends it.
func by(group, kind int, fields ...field) []byte {
	data := binary.NativeEndian.AppendUint16(nil, headerSize)
	data = binary.NativeEndian.AppendUint16(data, uint16(kind))
	data = binary.NativeEndian.AppendUint32(data, 0)
	return append(data, message(append([]field{{1, message(field{4, group})}}, fields...)...)...)
}

func number(deed string) int {
	for n, d := range bare {
		if d == deed {
			return n
		}
	}
	panic(deed)
}

func did(group int, deed string, result, errno int) []byte {
	return by(group, typeBare, field{4, number(deed)}, field{2, message(field{1, result}, field{2, errno})})
}

func opens(group int, name string, fd int) [][]byte {
	return [][]byte{did(group, open, fd, 0), by(group, typeOpen, field{6, name}, field{2, message(field{1, fd})})}
}

func fdPath(group, kind, fd int, path string) []byte {
	return by(group, kind, field{4, fd}, field{5, path})
}

// told is what an account says of a box whose worker is process 2 and did these things.
func told(ended bool, packets ...[]byte) approval.Witness {
	a := New(mark, func(at string) bool { return strings.HasPrefix(at, "/usr/lib/python3") })
	all := [][]byte{by(1, typeClone, field{4, 2}), by(2, typeOpen, field{6, mark}, field{2, message(field{2, 2})})}
	for _, p := range append(append(all, packets...), by(2, typeExit)) {
		a.take(p)
	}
	return a.Told(ended)
}

func TestWhatTheSentryResolvedIsAFact(t *testing.T) {
	t.Parallel()
	packets := opens(2, "sales.csv", 5)
	packets = append(packets, fdPath(2, typeRead, 5, "/work/sales.csv"), fdPath(2, typeClose, 5, "/work/sales.csv"),
		fdPath(2, typeRead, 5, "/usr/lib/python3.11/json/__init__.py"), fdPath(2, typeMmap, -1, ""), fdPath(2, typeRead, 9, "pipe:[12]"),
		fdPath(1, typeRead, 7, "/out/report.json"), fdPath(2, typeWrite, 8, "/out/report.json"), fdPath(2, typeWrite, 8, "/work/a.csv"),
		fdPath(2, typeRead, 8, "/etc/passwd"), fdPath(2, typeMmap, 8, "/usr/bin/id"), fdPath(2, typeClose, 8, "/work/gone.csv (deleted)"),
		by(2, typeClone, field{4, 3}), by(3, typeExec, field{2, "/usr/bin/dash"}, field{3, "sh"}, field{3, "-c"}, field{3, "id"}), by(3, typeExit),
		by(2, typeClone, field{4, 2}), by(2, typeExit),
		by(2, typeSocket, field{4, 2}), by(2, typeSocket, field{4, 1}),
		by(2, typeConnect, field{6, append([]byte{2, 0, 0, 80, 10, 0, 0, 1}, make([]byte, 8)...)}),
		by(2, typeBind, field{6, append([]byte{10, 0, 31, 144, 0, 0, 0, 0}, make([]byte, 20)...)}),
		by(2, typeConnect, field{6, []byte("\x01\x00/run/x\x00")}),
		by(2, typeOpen, field{6, "/etc/shadow"}, field{2, message(field{2, 13})}))
	require.Equal(t, approval.Witness{Source: approval.WitnessGVisor, Complete: true,
		Opened:    []string{"/etc/passwd", "sales.csv", "a.csv (written)", "gone.csv", "/usr/bin/id"},
		Started:   []string{"/usr/bin/dash -c id (called sh)"},
		Connected: []string{"a socket (IPv4)", "10.0.0.1:80", "listens at [::]:8080", "unix:/run/x"},
		Named:     []string{"/etc/shadow"}}, told(true, packets...))
}

// A file may be changed by calls that show no path: mapped into memory, cut short. How it was opened tells.
func TestAFileThatWasOpenedForWritingIsCalledThat(t *testing.T) {
	t.Parallel()
	as := func(fd, flags int, path string) [][]byte {
		return [][]byte{did(2, open, fd, 0), by(2, typeOpen, field{6, path}, field{7, flags}, field{2, message(field{1, fd})}), fdPath(2, typeMmap, fd, path), fdPath(2, typeClose, fd, path)}
	}
	packets := slices.Concat(as(3, unix.O_RDONLY|unix.O_CLOEXEC, "/work/read.csv"), as(4, unix.O_RDWR, "/work/mapped.csv"),
		as(5, unix.O_WRONLY, "/work/cut.csv"), as(6, unix.O_RDONLY|unix.O_TRUNC, "/work/emptied.csv"),
		[][]byte{did(2, open, 7, 0), fdPath(2, typeClose, 7, "/work/untold.csv")})
	w := told(true, packets...)
	require.Equal(t, []string{"read.csv", "mapped.csv (opened for writing)", "cut.csv (opened for writing)", "emptied.csv (written)", "untold.csv"}, w.Opened)
	require.Equal(t, []string{approval.GapUnflagged}, w.Gaps, "how the last one was opened is not known")
}

func TestWhatCouldHideSomethingIsAGap(t *testing.T) {
	t.Parallel()
	dropped := did(2, open, 3, 1)
	binary.NativeEndian.PutUint32(dropped[4:], 7)
	var many [][]byte
	for i := range mostKept + 1 {
		many = append(many, fdPath(2, typeRead, 5, fmt.Sprintf("/tmp/%d", i)))
	}
	start := did(2, exec, 0, 0)
	for name, tt := range map[string]struct {
		packets [][]byte
		gaps    []string
	}{
		"nothing":                           {nil, nil},
		"a rename":                          {[][]byte{did(2, "rename", 0, 0), did(2, "rename", 0, 0)}, []string{approval.GapRename}},
		"a rename that failed":              {[][]byte{did(2, "rename", 0, 2)}, nil},
		"a packet that was dropped":         {[][]byte{dropped}, []string{approval.GapDropped}},
		"no packet at all":                  {[][]byte{{1, 2, 3}}, []string{approval.GapDropped}},
		"a process that goes on":            {[][]byte{by(2, typeClone, field{4, 3})}, []string{approval.GapEarly}},
		"an open that shows no more":        {opens(2, "/etc/passwd", 5), []string{approval.GapUnresolved}},
		"an open whose name was not told":   {[][]byte{did(2, open, 5, 0)}, []string{approval.GapUnresolved}},
		"a descriptor put in its place":     {append(opens(2, "/etc/passwd", 5), by(2, typeDup, field{5, 5}, field{6, "/work/a"}), fdPath(2, typeRead, 5, "/work/a")), []string{approval.GapUnresolved}},
		"two opens of one descriptor":       {append(append(opens(2, "/etc/passwd", 5), opens(2, "a", 5)...), fdPath(2, typeRead, 5, "/work/a")), []string{approval.GapUnresolved}},
		"a pipe in its place":               {append(opens(2, "/etc/passwd", 5), fdPath(2, typeRead, 5, "pipe:[1]")), []string{approval.GapUnresolved}},
		"a read of what is not open":        {[][]byte{fdPath(2, typeRead, 5, "[err: FD not found]")}, []string{approval.GapDescriptor}},
		"a close of what is not open":       {[][]byte{fdPath(2, typeClose, 5, "[err: FD not found]")}, nil},
		"a start of which nothing was told": {[][]byte{start, fdPath(2, typeRead, 5, "/work/a")}, []string{approval.GapUnnamed}},
		"a start that ends the process":     {[][]byte{start}, []string{approval.GapUnnamed}},
		"starts that find nothing at first": {[][]byte{start, start, start, by(2, typeExec, field{2, "/usr/bin/id"})}, nil},
		"more than is kept":                 {many, []string{approval.GapMore}},
		"the supervisor starts something":   {[][]byte{by(1, typeExec, field{2, "/usr/bin/id"})}, nil},
		"a mount":                           {[][]byte{did(2, "mount", 0, 0)}, []string{approval.GapMount}},
	} {
		w := told(true, tt.packets...)
		require.Equal(t, tt.gaps, w.Gaps, name)
		require.Equal(t, tt.gaps == nil, w.Complete, name)
		if tt.gaps != nil {
			require.NotEmpty(t, w.WhyNot(), "%s: every gap has its words", name)
		}
	}
	require.Equal(t, []string{"/usr/bin/id"}, told(true, by(1, typeExec, field{2, "/usr/bin/id"})).Started, "whoever does it")
	require.Equal(t, []string{"a copy of itself"}, told(true, by(2, typeClone, field{4, 3}), by(3, typeExit)).Started)
	require.Equal(t, []string{approval.GapEarly}, told(false).Gaps, "a connection that ends by itself")
	empty := New(mark, func(string) bool { return false }).Told(true)
	require.Equal(t, []string{approval.GapUnmarked}, empty.Gaps)
	for _, deed := range bare {
		if deed != open && deed != exec && deed != remove {
			require.NotEmpty(t, approval.Witness{Gaps: []string{deed}}.WhyNot(), deed)
		}
	}
}

func TestBytesOfAnyKindAreNoTrouble(t *testing.T) {
	t.Parallel()
	a := New(mark, func(string) bool { return false })
	whole := by(2, typeExec, field{2, strings.Repeat("ä", 400)}, field{3, "x"})
	for n := range whole {
		a.take(whole[:n])
	}
	for kind := range 60 {
		a.take(by(2, kind, field{2, []byte{8}}, field{4, -1}, field{5, "x"}, field{6, []byte{2}}, field{9, 9}))
	}
	require.Contains(t, a.Told(true).Gaps, approval.GapDropped)
	require.Len(t, []rune(told(true, whole).Started[0]), mostText)
}

// The form of the config and of the handshake is runsc's; sandbox/local tries both with the real one.
func TestFollowAnswersTheHandshakeAndReadsToTheEnd(t *testing.T) {
	t.Parallel()
	at := filepath.Join(t.TempDir(), "s")
	var config struct {
		Session struct {
			Points []struct{ Name string } `json:"points"`
			Sinks  []struct {
				Config struct{ Endpoint string } `json:"config"`
			} `json:"sinks"`
		} `json:"trace_session"`
	}
	require.NoError(t, json.Unmarshal(Config(at), &config))
	require.Equal(t, at, config.Session.Sinks[0].Config.Endpoint)
	require.Contains(t, config.Session.Points, struct{ Name string }{fmt.Sprintf("syscall/sysno/%d/enter", unix.SYS_EXECVE)})

	listener, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: at, Net: "unixpacket"})
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: at, Net: "unixpacket"})
		if err == nil {
			_, err = conn.Write(message(field{1, 1}))
		}
		if err == nil {
			_, err = conn.Read(make([]byte, 100))
		}
		if err == nil {
			_, err = conn.Write(by(2, typeOpen, field{6, mark}))
		}
		if err == nil {
			err = conn.Close()
		}
		done <- err
	}()
	conn, err := listener.AcceptUnix()
	require.NoError(t, err)
	a := New(mark, func(string) bool { return false })
	require.NoError(t, Follow(conn, a))
	require.NoError(t, <-done)
	require.NoError(t, conn.Close())
	require.NoError(t, listener.Close())
	require.True(t, a.Told(true).Complete)
	require.Error(t, Follow(&deaf{}, a))
	require.ErrorContains(t, Follow(&deaf{says: message(field{2, 1})}, a), "no version")
}

// deaf is a connection that says one thing and ends.
type deaf struct{ says []byte }

func (d *deaf) Read(p []byte) (int, error) {
	n := copy(p, d.says)
	d.says = nil
	if n == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return n, nil
}

func (d *deaf) Write(p []byte) (int, error) { return len(p), nil }

func TestAFileThatWasWrittenIsSaidSoHoweverItIsCalled(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"out.csv", strings.Repeat("long/", 100) + "name", "red\x1b[31m"} {
		k := &kept{}
		for _, did := range []how{read, writing, read, written, writing, read} {
			k.put(name, did)
		}
		require.Len(t, k.all, 1, name)
		require.True(t, strings.HasSuffix(k.all[0], approval.WitnessWritten), k.all[0])
		require.LessOrEqual(t, len([]rune(k.all[0])), mostText)
	}
}

// A program chooses what its files are called, and no name is taken for the witness's own word.
func TestANameIsNoMark(t *testing.T) {
	t.Parallel()
	k := &kept{}
	for _, name := range []string{"sales.csv", "sales.csv (written)", "a (opened for writing)", approval.WitnessDeleted} {
		k.put(name, read)
	}
	k.put("sales.csv (written)", written)
	require.Equal(t, []string{"sales.csv", `a \(opened for writing)`, `\(a file was deleted)`, `sales.csv \(written) (written)`}, k.all)
}
