//go:build !linux

package local

import (
	"errors"
	"os"
	"time"

	"countersign/approval"
	"countersign/approval/steps"
)

// gVisor is for Linux. Elsewhere New says so, and none of the rest is reached.

// These have the methods that the rest of the package calls, so that it compiles everywhere and doctor can say why
// nothing runs.
type process struct{ done chan struct{} }

func (s *machine) launch(*box, int, *os.File, *os.File) (*process, error) { return nil, errNotHere() }

type view struct{}

func (s *machine) look(*box) (*view, error) { return nil, errNotHere() }
func (v *view) watch(*machine, *process)    {}
func (v *view) told() *approval.Witness     { return nil }
func (v *view) drop() error                 { return nil }

func (p *process) kill()                        {}
func (p *process) said() string                 { return "" }
func (p *process) findMemory() error            { return errNotHere() }
func (p *process) yield() error                 { return errNotHere() }
func (p *process) cpu() time.Duration           { return 0 }
func (p *process) memory() (int64, error)       { return 0, errNotHere() }
func (b *box) meter(int64) (stop func())        { return func() {} }
func (h *home) sweepBox(opt Options, id string) {}
func (h *home) leave() error                    { return nil }
func (h *home) neighbour(string) bool           { return false }

type cores struct{}

func (c *cores) free(int) {}

type line struct{}

type turn struct{ cpu int }

func newLine(string, string, *cores) *line { return &line{} }

func (l *line) wait(func() rank, <-chan struct{}, func(int)) (*turn, error) {
	return nil, errNotHere()
}

func (t *turn) end() {}

func ownPlace(in, name string) string { return in + "/" + name }

func usableCores() (*cores, error) { return &cores{}, nil }

type home struct{ instance, root, runBundle, inspectBundle, readBundle string }

func settle(Options, string) (*home, error) { return nil, errNotHere() }

func errNotHere() error {
	return &steps.BoxError{Err: errors.New("not Linux"),
		Words: "The local sandbox is gVisor, which runs on Linux only. Set E2B_API_KEY to run approved code in E2B."}
}
