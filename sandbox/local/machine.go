package local

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"countersign/approval/steps"
	"countersign/sandbox"
)

// machine boots boxes: one at a time for each of its cores, in their order in the line.
type machine struct {
	opt      Options
	rootless bool
	home     *home
	log      *slog.Logger
	cpus     *cores
	line     *line

	bootTime, standstill time.Duration // constants, but for tests

	inflight sync.WaitGroup // goroutines of boxes
	serial   int            // guarded by the sandbox's lock
}

// boot puts a new box into the line and returns at once. Its channel booted is closed when it is
// ready. The caller holds the lock.
func (m *machine) boot(bundle string, urgent rank) *box {
	m.serial++
	b := &box{id: fmt.Sprintf("local-%s-%d", m.home.instance, m.serial), stamp: sandbox.NewStamp(), bundle: bundle, born: time.Now(),
		doomed: make(chan struct{}), booted: make(chan struct{}), done: make(chan struct{}),
		filled: make(chan struct{}), sent: make(chan struct{}), over: make(chan struct{})}
	b.urgent.Store(int32(urgent))
	b.at.Store(1) // until the line has been looked at: 0 would say that it is not in it
	m.inflight.Go(func() { m.raise(b) })
	return b
}

// raise takes a box through its whole life. It alone closes booted and done, on each way out once.
func (m *machine) raise(b *box) {
	turn, err := m.line.wait(func() rank { return rank(b.urgent.Load()) }, b.doomed, func(at int) { b.at.Store(int32(at)) })
	if err == nil && turn == nil {
		err = &steps.BoxError{Err: fmt.Errorf("box %s was given up", b.id), Words: "This sandbox was given up before it was ready.", Retry: true}
	}
	if err != nil {
		b.bootErr = m.advice(err, "")
		close(b.booted)
		close(b.done)
		return
	}
	defer m.cpus.free(turn.cpu)
	b.bootErr = m.ready(b, turn.cpu)
	// The next one in line may boot from here on. The core itself stays this box's, for as long as it
	// lives, so that new boxes go to cores that have fewer.
	turn.end()
	close(b.booted)
	if b.proc != nil {
		<-b.proc.done
		b.closeUnused()
	}
	close(b.done)
	// Nobody waits for this: what it removes is names in a folder of this process.
	if b.proc != nil {
		m.home.sweepBox(m.opt, b.id)
	}
}

// ready boots a box whose turn has come.
func (m *machine) ready(b *box, cpu int) error {
	// Two pipes are all that leads into a box and out of it. They are made before the process, which
	// inherits one end of each: no name on a disk leads to them.
	jobR, jobW, err := os.Pipe()
	if err != nil {
		return m.advice(fmt.Errorf("boot: %w", err), "")
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return m.advice(errors.Join(fmt.Errorf("boot: %w", err), jobR.Close(), jobW.Close()), "")
	}
	b.job, b.out = jobW, outR
	if b.bundle != m.home.inspectBundle { // in which nothing of anybody's is run or unpacked
		b.view, err = m.look(b)
	}
	var proc *process
	if err == nil {
		proc, err = m.launch(b, cpu, jobR, outW)
	}
	// The box has its own copies. Were these open as well, its end would never be read from the pipe.
	err = errors.Join(err, jobR.Close(), outW.Close())
	if err != nil {
		return m.advice(errors.Join(fmt.Errorf("boot: %w", err), jobW.Close(), outR.Close(), b.view.drop()), "")
	}
	// Somebody may have killed the box since its turn came, when there was no process to kill: whoever
	// comes second, kill or this, ends it.
	b.mu.Lock()
	b.proc = proc
	b.view.watch(m, proc)
	if b.killed {
		proc.kill()
	}
	b.mu.Unlock()
	// The wait for the box's word has no limit of its own: the clock ends the box, which ends the pipe.
	clock := b.clock(0, m.bootTime, m.standstill)
	err = sandbox.ReadReady(b.out)
	used, late := clock.stop()
	b.boot = used
	if err == nil {
		// Only now: the sandbox makes this file while it boots.
		err = proc.findMemory()
	}
	if err == nil && b.bundle == m.home.runBundle {
		err = proc.yield()
	}
	if err == nil {
		err = b.out.SetReadDeadline(time.Time{}) // the clock may have set one
	}
	if err == nil {
		return nil
	}
	b.kill()
	<-proc.done
	if late != nil {
		return lateness(fmt.Errorf("boot: %w", late))
	}
	return m.advice(fmt.Errorf("boot: %w", err), proc.said())
}
