package local

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"countersign/approval"
	"countersign/sandbox/witness"
)

// view is what the kernel of one box tells of it while it lives. A nil view tells nothing.
type view struct {
	account *witness.Account
	socket  *net.UnixListener
	config  string
	ended   chan struct{} // closed when the box's kernel is no more, and all that it told has been read
	err     error         // why it is not known whether that was all
}

// look makes the socket to which a box's kernel will report. Nothing in the box sees it: runsc
// connects before the box starts, and hands the connection to the kernel.
func (s *machine) look(b *box) (*view, error) {
	// The serial number alone: a socket's path may have 107 bytes.
	at := filepath.Join(s.home.dir, "w"+b.id[strings.LastIndexByte(b.id, '-')+1:])
	socket, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: at, Net: "unixpacket"})
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", b.id, err)
	}
	v := &view{account: witness.New(b.stamp.Mark(), imageOf(s.opt.Python)), socket: socket, config: at + ".json", ended: make(chan struct{})}
	if err := os.WriteFile(v.config, witness.Config(at), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("watch %s: %w", b.id, err), socket.Close())
	}
	return v, nil
}

// drop undoes look for a box that was not launched.
func (v *view) drop() error {
	if v == nil {
		return nil
	}
	return errors.Join(v.socket.Close(), os.Remove(v.config))
}

func (v *view) flags() []string {
	if v == nil {
		return nil
	}
	return []string{"--pod-init-config=" + v.config}
}

// watch takes in what the kernel of this process's box tells. Once runsc has connected, nobody else
// can: the socket is closed, and its name goes with it.
func (v *view) watch(s *machine, p *process) {
	if v == nil {
		return
	}
	s.inflight.Go(func() {
		defer close(v.ended)
		connected := make(chan struct{})
		defer close(connected)
		s.inflight.Go(func() {
			select {
			case <-connected:
			case <-p.done: // it ended before it connected
			}
			_ = v.socket.Close()
		})
		v.err = v.follow(p)
		_ = os.Remove(v.config)
	})
}

// follow takes in what runsc, and nobody else, has to tell. To become root in a namespace of its
// own, runsc starts itself once more where a plain user starts it; then it is the child that connects.
func (v *view) follow(p *process) error {
	conn, err := v.socket.AcceptUnix()
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	defer func() { _ = conn.Close() }()
	raw, err := conn.SyscallConn()
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	var peer *unix.Ucred
	err = errors.Join(raw.Control(func(fd uintptr) { peer, err = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }), err)
	// By what the kernel says of the peer. The folder is ours alone, but a process of the same user could connect.
	if err == nil && !slices.Contains(p.all(), int(peer.Pid)) {
		err = fmt.Errorf("watch: process %d has connected, which is not one of the box's", peer.Pid)
	}
	if err != nil {
		return err
	}
	return witness.Follow(conn, v.account)
}

// lastWords is how long the kernel of a box that has been killed may still hold the connection. After
// that the account is told as it stands, and says that it may not be all.
const lastWords = 20 * time.Second

// told is what is known when the box has ended.
func (v *view) told() *approval.Witness {
	if v == nil {
		return nil
	}
	var told approval.Witness
	select {
	// All has been read, and err says whether the connection ended as it should.
	case <-v.ended:
		told = v.account.Told(v.err == nil)
	case <-time.After(lastWords):
		told = v.account.Told(false)
	}
	return &told
}

// imageOf tells which files are read on any program's behalf: of /usr only Python's libraries,
// fonts and time zones, and the few of /etc that go with them. Importing pandas opens two thousand of
// them, among which people would find nothing. What is written is told wherever it lies.
func imageOf(python string) func(at string) bool {
	lib := filepath.Join(filepath.Dir(filepath.Dir(python)), "lib", "python3")
	return func(at string) bool {
		if strings.HasPrefix(at, lib) {
			return true
		}
		for _, place := range []string{"/usr/lib/python3", "/usr/share/fonts/", "/usr/share/zoneinfo/", "/usr/share/matplotlib/", "/runner/", "/etc/fonts/"} {
			if strings.HasPrefix(at, place) {
				return true
			}
		}
		switch at {
		case "/etc/localtime", "/etc/ld.so.cache", "/etc/matplotlibrc", "/etc/mime.types", "/dev/null", "/dev/urandom":
			return true
		}
		return false
	}
}
