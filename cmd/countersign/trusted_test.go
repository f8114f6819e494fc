package main

import (
	"context"
	"errors"
	"sync"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
	"countersign/sandbox/local"
)

// proven has gVisor prove itself on this machine once for all houses of this process, by the test that each
// replica makes at its start (three seconds of the processor), and says what its boxes have.
var proven = sync.OnceValues(func() (has []string, err error) {
	box, err := local.New(local.Options{MaxWarm: -1})
	if err != nil {
		return nil, err
	}
	_, err = box.SelfTest(context.Background())
	return box.Libraries(), errors.Join(err, box.Close())
})

// trust gives a replica a sandbox that is open from the start. One that brings a gVisor of its own has to prove
// itself, and so have replicas in processes of their own, the demo, and whoever is hasty (starting_test.go).
func (h *house) trust(r *replica) {
	h.t.Helper()
	if h.hasty || r.prove == nil || r.Runsc != "" {
		return
	}
	has, err := proven()
	require.NoError(h.t, err)
	here, err := r.local(r.boxes())
	require.NoError(h.t, err)
	r.closers = append(r.closers, here.Close)
	here.Learn(has)
	r.prove, r.libraries, r.warm = nil, here.Libraries, here
	ports, settings := r.service.Ports, *r.service.Settings
	ports.Sandbox, settings.Libraries = r.telemetry.Sandbox(here), here.Libraries
	*r.service = *steps.New(ports, settings)
}
