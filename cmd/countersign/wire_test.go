package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/approval/steps"
)

// freePort is an address that nobody listens on. It lies below the ports that the kernel gives away by itself: any other
// server that begins meanwhile could have one of those.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		require.NoError(t, err)
		require.NoError(t, l.Close())
		return l.Addr().String()
	}
}

// healthPage reads a health page, as soon as there is one.
func healthPage(h *house, path string) (status int, body string) {
	h.t.Helper()
	for {
		status, body, err := ask(h.ctx, "http://"+h.program.HTTPAddr+path, func(*http.Request) {})
		if err == nil {
			return status, string(body)
		}
		require.NoError(h.t, h.ctx.Err(), err)
		time.Sleep(10 * time.Millisecond)
	}
}

func TestHealthPagesSayWhetherAReplicaIsOfUse(t *testing.T) {
	t.Parallel()
	h := openLight(t, func(c *Config) { c.HTTPAddr = freePort(t) })
	for path, says := range map[string]string{"/healthz": "ok", "/readyz": "database", "/metrics": "go_goroutines"} {
		status, body := healthPage(h, path)
		require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
		require.Contains(t, body, says)
	}
}

func TestAReplicaWithoutASandboxIsNotReady(t *testing.T) {
	t.Parallel()
	h := open(t, func(c *Config) { c.HTTPAddr, c.Runsc = freePort(t), "/nothing/runsc" })
	h.run()
	status, body := healthPage(h, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, body, "sandbox")
	status, _ = healthPage(h, "/healthz")
	require.Equal(t, http.StatusOK, status, "it lives all the same")
}

func TestAsManyBoxesWaitAsTheSettingsSay(t *testing.T) {
	t.Parallel()
	for warm, most := range map[string]int{"": 0, "auto": 0, "7": 7, "0": -1} {
		c, err := readConfig(map[string]string{"WARM_BOXES": warm})
		require.NoError(t, err)
		require.Equal(t, most, program{Config: c}.boxes().MaxWarm, warm)
	}
}

func TestATakenHealthPortIsSaidAndIsNoReasonToStop(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, taken.Close()) }()
	h := openLight(t, func(c *Config) { c.HTTPAddr = taken.Addr().String() })
	h.shareSamples()
	h.writes("1 + 1")
	h.card(h.ask("What is in sales.csv?"))
	require.Contains(t, h.log.String(), "no health page: HTTP_ADDR cannot be used")
}

func TestABoxIsNeededWhileItsRequestWaitsForIt(t *testing.T) {
	t.Parallel()
	h := open(t, atE2B(newCloud(t)))
	r, _ := h.run()
	h.shareSamples()
	needed := func(request, box string) bool {
		t.Helper()
		yes, err := r.needs(h.ctx, request, box)
		require.NoError(t, err)
		return yes
	}
	require.False(t, needed("nosuch1", "box"), "nobody has asked for it")
	h.writes("import time\ntime.sleep(60)\ntime.sleep(60)")
	root := h.ask("How long is a while, for sales.csv?")
	card := h.card(root)
	id := value[string](h, `SELECT id FROM requests`)
	require.False(t, needed(id, "box"), "nobody has approved it")
	require.NoError(t, h.ben.Click(card, "Approve"))
	for value[string](h, `SELECT state FROM requests`) != "running" {
		require.NoError(t, h.ctx.Err())
		time.Sleep(10 * time.Millisecond)
	}
	require.True(t, needed(id, value[string](h, `SELECT box_id FROM runs`)))
	require.False(t, needed(id, "another box"))
	over, stop := context.WithCancel(h.ctx)
	stop()
	_, err := r.needs(over, id, "box")
	require.Error(t, err, "not knowing is not the same as not needed")
}

func TestAStepThatPanicsTakesNoOtherAlong(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := &replica{program: h.program}
	err := r.careful(func(context.Context, steps.Wake) error { panic("a mistake of ours") })(t.Context(), steps.Wake{Step: "draft", RequestID: "abc"})
	require.EqualError(t, err, "draft of abc panicked: a mistake of ours")
	require.Contains(t, h.log.String(), "wire_test.go", "the log says where")
}
