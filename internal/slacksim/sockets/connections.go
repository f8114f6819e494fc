package sockets

import (
	"context"
	"fmt"

	"countersign/internal/slacksim/workspace"
)

// Disconnect sends every connection away: "warning" (and closes later),
// "refresh_requested", "link_disabled" or "too_many_websockets".
func (s *Mode) Disconnect(reason string) {
	for _, c := range s.openSockets() {
		c.disconnect(reason)
	}
}

// CloseSockets closes every connection with this code; 1006 breaks it without a frame.
func (s *Mode) CloseSockets(code int) {
	for _, c := range s.openSockets() {
		c.drop(code)
	}
}

// HalfOpen lets every connection stand and carry nothing: no envelopes, no
// acks, no pings, no pongs, no close.
func (s *Mode) HalfOpen() {
	for _, c := range s.openSockets() {
		c.half.Store(true)
	}
}

// Favour sends envelopes to connections that were opened after the first n of them, for as long as there is such
// a one. Slack promises no pattern, so this is one that it may have.
func (s *Mode) Favour(n int) {
	s.Lock()
	defer s.Unlock()
	s.favoured = n
}

func (s *Mode) openSockets() []*socket {
	s.Lock()
	defer s.Unlock()
	return append([]*socket(nil), s.Open...)
}

// Counts are totals since the start.
type Counts struct {
	Connections  int // sockets that were opened
	Envelopes    int // that were written, duplicates and redeliveries included
	Acked        int
	Unacked      int // no ack in time
	Undelivered  int // there was no socket
	Redelivered  int
	Abandoned    int // events that nobody acknowledged, however often they came
	LateAcks     int // too late, unknown or repeated
	OversizeAcks int // dropped for their size
}

// Counts reports the totals.
func (s *Mode) Counts() Counts {
	s.Lock()
	defer s.Unlock()
	return s.counts
}

// WaitCounts waits until the totals match.
func (s *Mode) WaitCounts(ctx context.Context, match func(Counts) bool) error {
	_, err := workspace.Await(ctx, s.Workspace, func() (struct{}, bool) { return struct{}{}, match(s.counts) })
	if err != nil {
		return fmt.Errorf("wait for counts, they are %+v: %w", s.Counts(), err)
	}
	return nil
}

// WaitConnections waits until n sockets have been opened since the start.
func (s *Mode) WaitConnections(ctx context.Context, n int) error {
	return s.WaitCounts(ctx, func(c Counts) bool { return c.Connections >= n })
}

// WaitHeld waits until the reorder fault holds an envelope back.
func (s *Mode) WaitHeld(ctx context.Context) error {
	if _, err := workspace.Await(ctx, s.Workspace, func() (struct{}, bool) { return struct{}{}, s.held != nil }); err != nil {
		return fmt.Errorf("wait for an envelope to be held: %w", err)
	}
	return nil
}

// oldestSocket is the connection that Slack would refresh first, or nil.
func (s *Mode) oldestSocket() *socket {
	for _, c := range s.openSockets() {
		if !c.warned.Load() {
			return c
		}
	}
	return nil
}
