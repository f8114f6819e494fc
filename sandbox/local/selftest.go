package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
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
` + sandbox.TellLibraries

// SelfTest proves that a box starts, runs code, cannot reach this machine, and
// can be metered. Its error says what to do. What it used of a box, without the wait in
// line for it, it tells beside an error as well.
func (s *Sandbox) SelfTest(ctx context.Context) (box time.Duration, err error) {
	return s.selfTest(ctx, usualTest)
}

// usualTest is what the code of the test may take, in seconds: one is usual.
const usualTest = 60

func (s *Sandbox) selfTest(ctx context.Context, seconds int) (box time.Duration, err error) {
	// Something that listens, so that a refusal means that the box does not get there, and not that nobody is there.
	host, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("self-test: %w", err)
	}
	defer func() { _ = host.Close() }()
	code := fmt.Sprintf(selfTestCode, host.Addr().(*net.TCPAddr).Port)
	result, used, box, err := s.tryOut(ctx, code, seconds)
	if err != nil {
		return box, err
	}
	if err := verdict(result, used); err != nil {
		return box, err
	}
	s.Learn(sandbox.ReadLibraries(result.Stdout))
	return box, s.keepFonts(result)
}

// Prove tests until the test has passed, and opens the sandbox to everybody then. The test gets its
// box by adopt, which does not ask whether the sandbox is open, as Create does.
// That a machine is slow is no reason to give up: each time there is more time. It
// returns with an error only when the context ends, or when code in a box could
// reach what it must not. pay runs each test, which says what it used of a box, and books
// that; nil books nothing.
func (s *Sandbox) Prove(ctx context.Context, pay func(context.Context, func(context.Context) (time.Duration, error)) error) error {
	if pay == nil {
		pay = func(ctx context.Context, test func(context.Context) (time.Duration, error)) error {
			_, err := test(ctx)
			return err
		}
	}
	pause, seconds := s.pause, usualTest
	for failed := 0; ; pause = min(2*pause, time.Minute) {
		err := pay(ctx, func(ctx context.Context) (time.Duration, error) {
			return s.selfTest(ctx, seconds)
		})
		var box *steps.BoxError
		switch {
		case err == nil:
			s.set(nil)
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("self-test: %w", ctx.Err())
		// No test is repeated until it passes by chance: a box that leaks is closed for good.
		case errors.Is(err, errLeak):
			s.set(never(err))
			return err
		case errors.Is(err, errSlow), errors.Is(err, errLate):
			seconds = min(2*seconds, 3600)
		default:
			failed++
		}
		s.log.Warn("the sandbox is not proven yet, and is tested again", "in", pause, "error", err)
		// What fails at once, and again and again, is not slow: people hear why. It may be mended meanwhile.
		if errors.As(err, &box) && !box.Retry || failed >= 3 {
			s.set(never(err))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("self-test: %w", ctx.Err())
		}
	}
}

// starting is why nobody gets a box before the first test has ended.
func starting() error {
	return &steps.BoxError{Err: errors.New("the self-test has not ended yet"), Retry: true, Words: "The sandbox is being started."}
}

// never is an error as the reason for which nothing can run here at all.
func never(err error) error {
	words := err.Error()
	if box, ok := errors.AsType[*steps.BoxError](err); ok {
		words = box.Words
	}
	return &steps.BoxError{Err: err, Words: words}
}

// Ready says whether boxes can be had: a *steps.BoxError when not, with Retry when that is only a matter of time.
func (s *Sandbox) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.notYet
}

func (s *Sandbox) set(notYet error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notYet = notYet
}

var (
	errLeak = errors.New("code in a box could reach this machine's network")
	errSlow = errors.New("the test was not done in its time")
)

// verdict says what the test's result proves, or fails to. The test has to print that it was refused:
// a box in which it did not get that far has shown nothing.
func verdict(result approval.Result, used int64) error {
	why := errors.New("") // or errLeak, which Prove knows and gives up on
	var broken string
	switch {
	case result.Outcome == approval.TimedOut:
		return &steps.BoxError{Err: fmt.Errorf("self-test: %w: %s", errSlow, result.Error), Retry: true, Words: "This machine was too busy to try the sandbox out."}
	case result.Outcome != approval.OK:
		broken = fmt.Sprintf("its test ended as %q: %s", result.Outcome, result.Error)
	case strings.Contains(result.Stdout, "reached"):
		why, broken = errLeak, errLeak.Error()
	case !strings.Contains(result.Stdout, "pandas "):
		broken = "its test printed nothing"
	case !strings.Contains(result.Stdout, "refused"):
		broken = "its test has not tried this machine's network"
	case used <= 0:
		broken = "its memory cannot be measured"
	default:
		return nil
	}
	return &steps.BoxError{Err: fmt.Errorf("self-test: %s%w", strings.TrimSuffix(broken, why.Error()), why),
		Words: "The local sandbox does not hold, so nothing will run in it: " + broken + "."}
}

// tryOut runs code of ours in a box of its own, and reads the meter once. How long the
// box was used is told beside an error, too.
func (s *Sandbox) tryOut(ctx context.Context, code string, seconds int) (result approval.Result, memory int64, box time.Duration, err error) {
	id := "selftest-" + approval.NewID(6)
	b, err := s.adopt(id)
	if err != nil {
		return result, 0, 0, err
	}
	boxID := b.id
	defer func() { err = errors.Join(err, s.Kill(context.WithoutCancel(ctx), boxID)) }()
	select {
	case <-b.booted:
	case <-ctx.Done():
		return result, 0, 0, fmt.Errorf("self-test: %w", ctx.Err())
	}
	box = b.boot
	if b.bootErr == nil {
		err = s.give(b, id)
	}
	if err = errors.Join(b.bootErr, err); err != nil {
		return result, 0, box, err
	}
	if memory, err = b.proc.memory(); err != nil {
		return result, 0, box, s.advice(err, "")
	}
	job := steps.Job{RequestID: id, Code: code, CodeSHA256: approval.Hash([]byte(code)),
		Limits: approval.Limits{Seconds: seconds, MemoryMB: 512, OutputBytes: 4 << 20, Files: 5}}
	began := time.Now()
	if err = s.Start(ctx, boxID, job); err == nil {
		result, err = s.Result(ctx, boxID)
	}
	if err != nil {
		return result, 0, box + time.Since(began), s.advice(err, "")
	}
	return result, memory, max(box, result.Box), nil // which counts the boot, unless it was over before
}

// keepFonts gives later boxes, and those of later processes, the list of fonts that this one has made.
// It comes out of a box that ran code of ours and nobody else's; its name is checked all the same.
func (s *Sandbox) keepFonts(result approval.Result) error {
	for _, a := range result.Artifacts {
		if !sandbox.FileName(a.Name) || !strings.HasPrefix(a.Name, "fontlist-") {
			continue
		}
		list := filepath.Join(fontList(s.opt.Machine, s.template), a.Name)
		err := errors.Join(layFont(s.home.root, a.Name, a.Data), os.MkdirAll(filepath.Dir(list), 0o700))
		if err == nil {
			// Whole or not at all: others may be reading it.
			part := list + "." + s.home.instance
			err = errors.Join(os.WriteFile(part, a.Data, 0o600), os.Rename(part, list))
		}
		if err != nil {
			return fmt.Errorf("self-test: %w", err)
		}
	}
	return nil
}
