package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"countersign/approval"
	"countersign/sandbox"
)

// selfTestCode runs in a box of its own at every start. It prints what the
// test compares, and hands out the font list, which is the same for every box
// of this machine and slow to make.
const selfTestCode = `import socket, glob, os, shutil, platform
import pandas, numpy, matplotlib, openpyxl
print("pandas", pandas.__version__)
try:
    socket.create_connection(("127.0.0.1", %d), 3).close()
    print("reached the host")
except OSError as e:
    print("refused")
for path in glob.glob(os.path.join(matplotlib.get_cachedir(), "fontlist-v*.json")):
    shutil.copy(path, ".")
`

// SelfTest proves that a box starts, runs code, cannot reach this machine, and
// can be metered. Its error says what to do.
func (s *Sandbox) SelfTest(ctx context.Context) error {
	host, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("self-test: %w", err)
	}
	defer func() { _ = host.Close() }()
	code := fmt.Sprintf(selfTestCode, host.Addr().(*net.TCPAddr).Port)
	result, used, err := s.tryOut(ctx, code)
	if err != nil {
		return err
	}
	if err := verdict(result, used); err != nil {
		return err
	}
	return s.keepFonts(result)
}

// verdict says what the test's result proves, or fails to.
func verdict(result approval.Result, used int64) error {
	var broken string
	switch {
	case result.Outcome != approval.OK:
		broken = fmt.Sprintf("its test ended as %q: %s", result.Outcome, result.Error)
	case !strings.Contains(result.Stdout, "pandas "):
		broken = "its test printed nothing"
	case !strings.Contains(result.Stdout, "refused") || strings.Contains(result.Stdout, "reached"):
		broken = "code in a box could reach this machine's network"
	case used <= 0:
		broken = "its memory cannot be measured"
	default:
		return nil
	}
	return &approval.BoxError{Err: fmt.Errorf("self-test: %s", broken),
		Words: "The local sandbox does not hold, so nothing will run in it: " + broken + "."}
}

// tryOut runs code of ours in a box of its own, and reads the meter once.
func (s *Sandbox) tryOut(ctx context.Context, code string) (result approval.Result, used int64, err error) {
	id := "selftest-" + approval.NewID(6)
	boxID, err := s.Create(ctx, id, approval.Manifest{Sandbox: Kind, Template: s.template})
	if err != nil {
		return result, 0, err
	}
	defer func() { err = errors.Join(err, s.Kill(context.WithoutCancel(ctx), boxID)) }()
	if b := s.box(boxID); b != nil {
		if used, err = b.proc.memory(); err != nil {
			return result, 0, s.advice(err, "")
		}
	}
	job := approval.Job{RequestID: id, Code: code, CodeSHA256: approval.Hash([]byte(code)),
		Limits: approval.Limits{Seconds: 60, MemoryMB: 512, OutputBytes: 4 << 20, Files: 5}}
	if err = s.Start(ctx, boxID, job); err != nil {
		return result, 0, s.advice(err, "")
	}
	if result, err = s.Result(ctx, boxID); err != nil {
		return result, 0, s.advice(err, "")
	}
	return result, used, nil
}

// keepFonts gives later boxes the font list that this one has made.
func (s *Sandbox) keepFonts(result approval.Result) error {
	for _, a := range result.Artifacts {
		if !sandbox.FileName(a.Name) || !strings.HasPrefix(a.Name, "fontlist-") {
			continue
		}
		if err := os.WriteFile(filepath.Join(s.home.root, "mpl", a.Name), a.Data, 0o644); err != nil {
			return fmt.Errorf("self-test: %w", err)
		}
	}
	return nil
}
