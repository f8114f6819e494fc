package main

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/require"
)

// pooler stands in for PgBouncer in transaction mode: all of its clients share one session of Postgres, each for as
// long as a transaction lasts.
type pooler struct {
	strict bool // it refuses what a session sets at its start, as PgBouncer does out of the box
	server *pgproto3.Frontend
	turn   sync.Mutex
}

// poolerBefore puts one before a database, and returns the address that leads to it.
func poolerBefore(t *testing.T, address string, strict bool) string {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), address)
	require.NoError(t, err)
	hijacked, err := conn.Hijack()
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &pooler{strict: strict, server: hijacked.Frontend}
	var clients sync.WaitGroup
	clients.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			clients.Go(func() { defer func() { _ = client.Close() }(); p.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		_ = hijacked.Conn.Close()
		clients.Wait()
	})
	at, err := pgconn.ParseConfig(address)
	require.NoError(t, err)
	return "postgres://" + at.User + "@" + listener.Addr().String() + "/" + at.Database + "?sslmode=disable"
}

// serve talks to one client until it goes.
func (p *pooler) serve(client net.Conn) {
	back := pgproto3.NewBackend(client, client)
	hello, err := back.ReceiveStartupMessage()
	start, ok := hello.(*pgproto3.StartupMessage)
	if err != nil || !ok {
		return
	}
	if _, sets := start.Parameters["tcp_keepalives_idle"]; sets && p.strict {
		back.Send(&pgproto3.ErrorResponse{Severity: "FATAL", Code: "08P01", Message: "unsupported startup parameter: tcp_keepalives_idle"})
		_ = back.Flush()
		return
	}
	back.Send(&pgproto3.AuthenticationOk{})
	back.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	back.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	back.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte{0, 0, 0, 1}})
	back.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if back.Flush() != nil {
		return
	}
	holds := false
	defer func() {
		if holds {
			p.turn.Unlock()
		}
	}()
	for {
		asked, err := back.Receive()
		if _, gone := asked.(*pgproto3.Terminate); err != nil || gone {
			return
		}
		if !holds {
			p.turn.Lock()
			holds = true
		}
		p.server.Send(asked)
		switch asked.(type) {
		case *pgproto3.Query, *pgproto3.Sync:
		default:
			continue
		}
		if p.server.Flush() != nil {
			return
		}
		for {
			answer, err := p.server.Receive()
			if err != nil {
				return
			}
			back.Send(answer)
			if ready, ok := answer.(*pgproto3.ReadyForQuery); ok {
				if holds = ready.TxStatus != 'I'; !holds {
					p.turn.Unlock()
				}
				break
			}
		}
		if back.Flush() != nil {
			return
		}
	}
}

// TestAPoolerThatHandsSessionsAroundIsRefused by the doctor and by serve, whether it says so itself or swallows what a
// session sets at its start.
func TestAPoolerThatHandsSessionsAroundIsRefused(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{true, false} {
		h := open(t, func(c *Config) { c.DatabaseURL = Secret(poolerBefore(t, string(c.DatabaseURL), strict)) })
		f := h.program.checkDatabase(h.ctx)
		require.ErrorContains(t, f.err, "PgBouncer in transaction mode")
		require.ErrorContains(t, f.err, "name Postgres itself in DATABASE_URL")
		err := serve(context.WithoutCancel(h.ctx), h.program)
		require.ErrorContains(t, err, "DATABASE_URL: this is a pooler that hands sessions around")
		require.Equal(t, 1, strings.Count(err.Error(), "PgBouncer"))
	}
}
