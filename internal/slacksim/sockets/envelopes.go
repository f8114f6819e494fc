package sockets

import (
	"encoding/json"
	"sync"
	"time"

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/workspace"
)

// maxAck is the largest acknowledgement that Slack takes. A larger one is
// dropped without a word, as if it had never been sent.
const maxAck = 20 << 10

// delivery is one envelope on its way: sent to any one of the sockets, then
// waiting for its ack.
type delivery struct {
	id      string
	kind    string // slash_commands, interactive or events_api
	name    string // for the journal: the command, the action, the event
	body    workspace.Body
	acked   chan json.RawMessage
	silent  chan struct{} // closed when no ack will come; see GiveUp
	quiet   sync.Once
	sent    time.Time
	answers int // acks that counted; only the first one does
}

// Verdict is how a delivery ended.
type Verdict int

const (
	Acknowledged Verdict = iota
	timedOut             // sent, and no ack in time
	Undelivered          // there is no connection
)

// Deliver sends one envelope and waits for its ack.
func (s *Mode) Deliver(kind, name string, payload workspace.Body) (json.RawMessage, Verdict) {
	s.Lock()
	d := s.envelope(kind, name, payload)
	s.Unlock()
	return s.dispatch(d)
}

// envelope wraps a payload. Only commands and interactions take an answer in the ack.
func (s *Mode) envelope(kind, name string, payload workspace.Body) *delivery {
	id := s.Memory.NextID("")
	d := &delivery{id: blockkit.ShortID(id, 1) + "-" + blockkit.ShortID(id, 2) + "-" + id, kind: kind, name: name, acked: make(chan json.RawMessage, 1), silent: make(chan struct{})}
	d.body = workspace.Body{"envelope_id": d.id, "type": kind, "payload": payload, "accepts_response_payload": kind != "events_api"}
	return d
}

// dispatch sends a delivery and waits for the ack, for as long as Slack does.
func (s *Mode) dispatch(d *delivery) (json.RawMessage, Verdict) {
	s.Lock()
	s.pending[d.id] = d
	twice, late, refresh := s.Misfortune.Envelope()
	delay := s.Switches.DelayEnvelopes + late
	if twice && s.Switches.Duplicate >= 0 {
		s.Switches.Duplicate++
	}
	s.Unlock()
	defer s.forget(d)
	if refresh != "" {
		if c := s.oldestSocket(); c != nil {
			c.disconnect(refresh)
		}
	}
	if !s.Sleep(delay) || !s.send(d) {
		s.note(d, Undelivered)
		return nil, Undelivered
	}
	timer := time.NewTimer(s.Opts.Timing.Ack)
	defer timer.Stop()
	select {
	case payload := <-d.acked:
		s.note(d, Acknowledged)
		return payload, Acknowledged
	case <-d.silent:
	case <-timer.C:
	case <-s.Life.Done():
	}
	s.note(d, timedOut)
	return nil, timedOut
}

// GiveUp ends the wait for the ack of an envelope, as if Slack's time were over. It is for
// tests that have seen the app give the envelope up: a long wait then proves no more than
// a short one. An envelope that nobody waits for is none of its business.
func (s *Mode) GiveUp(envelopeID string) {
	s.Lock()
	defer s.Unlock()
	if d := s.pending[envelopeID]; d != nil {
		d.giveUp()
	}
}

// giveUp ends a wait, unless its ack is on the way. The lock is held.
func (d *delivery) giveUp() {
	if d.answers == 0 {
		d.quiet.Do(func() { close(d.silent) })
	}
}

func (s *Mode) forget(d *delivery) {
	s.Lock()
	defer s.Unlock()
	delete(s.pending, d.id)
}

// note writes the outcome into the journal and the counts.
func (s *Mode) note(d *delivery, v Verdict) {
	words := map[Verdict]string{timedOut: "operation_timeout", Undelivered: "dispatch_failed"}
	s.Lock()
	switch v {
	case Acknowledged:
		s.counts.Acked++
	case timedOut:
		s.counts.Unacked++
	case Undelivered:
		s.counts.Undelivered++
	}
	s.WakeLocked()
	s.Unlock()
	s.Entries.Add(workspace.Entry{Direction: "envelope", Name: d.kind + " " + d.name, OK: v == Acknowledged, Error: words[v], Millis: workspace.Since(d.sent), Detail: workspace.Detail(d.body)})
}

// send writes the envelope to one socket. The next envelope goes to the next
// socket: Slack promises no pattern, and an app must not rely on one.
func (s *Mode) send(d *delivery) bool {
	s.Lock()
	d.sent = time.Now()
	copies := 1
	if s.Switches.Take(&s.Switches.Duplicate) {
		copies = 2
	}
	if s.Switches.Take(&s.Switches.Reorder) && s.held == nil {
		s.held = d
		s.WakeLocked()
		s.Unlock()
		return true // it goes out after the next one
	}
	after := s.held
	s.held = nil
	s.Unlock()
	sent := false
	for range copies {
		sent = s.sendOnce(d) || sent
	}
	if after != nil {
		s.sendOnce(after)
	}
	return sent
}

// sendOnce tries one socket after the other: a connection that breaks while it is
// written to is Slack's to notice, not the app's.
func (s *Mode) sendOnce(d *delivery) bool {
	for range maxSockets {
		c := s.next()
		if c == nil {
			return false
		}
		if c.write(d.body) {
			return true
		}
		c.drop(closeAbnormal)
	}
	return false
}

// next is the socket whose turn it is. Sockets that were told to go, or that are not favoured,
// are passed over while there are others.
func (s *Mode) next() *socket {
	s.Lock()
	defer s.Unlock()
	var open, warned []*socket
	for _, c := range s.Open {
		select {
		case <-c.done:
			continue
		default:
		}
		if c.warned.Load() || c.number <= s.favoured {
			warned = append(warned, c)
		} else {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		open = warned
	}
	if len(open) == 0 {
		return nil
	}
	s.turn++
	s.counts.Envelopes++
	return open[s.turn%len(open)]
}

// receive takes what the app says on a socket: acks, on whichever connection.
func (s *Mode) receive(data []byte) {
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if err := blockkit.Decode(data, &ack); err != nil {
		s.Entries.Add(workspace.Entry{Direction: "ack", Name: "not JSON", Error: err.Error()})
		return
	}
	s.Lock()
	d := s.pending[ack.EnvelopeID]
	delay := s.Switches.DelayAcks
	drop := false
	switch {
	case len(data) > maxAck:
		s.counts.OversizeAcks++
		drop = true
	case d == nil, d.answers > 0:
		s.counts.LateAcks++
		d = nil
	default:
		if drop = s.Switches.Take(&s.Switches.DropAcks); !drop {
			d.answers++
		} else if s.Opts.Hasty {
			d.giveUp()
		}
	}
	entry := workspace.Entry{Direction: "ack", Name: ack.EnvelopeID, OK: d != nil && !drop, Detail: workspace.Cut(string(data))}
	if d != nil {
		entry.Name, entry.Millis = d.kind+" "+d.name, workspace.Since(d.sent)
	}
	s.WakeLocked()
	s.Unlock()
	s.Entries.Add(entry)
	if drop || d == nil {
		return
	}
	if delay == 0 {
		d.acked <- ack.Payload // has room for the one that counts
		return
	}
	s.Errand(func() {
		if s.Sleep(delay) {
			d.acked <- ack.Payload
		}
	})
}

// originOf is the workspace whose channel an event is of: of a channel that another one has shared with ours, the other one
// (slackapi/java-slack-sdk#629). Authorizations name ours.
func (s *Mode) originOf(event workspace.Body) string {
	id := blockkit.Text(event, "channel")
	if id == "" {
		id = blockkit.Text(event, "channel_id")
	}
	if c := s.Memory.Channel(id); c != nil && c.Team != "" {
		return c.Team
	}
	return s.Memory.Team.ID
}

// Event sends an events_api envelope, and sends it again, as Slack does, when
// nobody acknowledges: the same event_id in a new envelope.
func (s *Mode) Event(event workspace.Body, shared bool) {
	kind := blockkit.Text(event, "type")
	payload := workspace.Body{
		"token": "slacksim", "team_id": s.originOf(event), "context_team_id": s.Memory.Team.ID, "api_app_id": s.App.ID,
		"event": event, "type": "event_callback", "event_id": s.Memory.NextID("Ev"), "event_time": time.Now().Unix(),
		"authorizations":        []workspace.Body{{"enterprise_id": nil, "team_id": s.Memory.Team.ID, "user_id": s.Bot.ID, "is_bot": true, "is_enterprise_install": false}},
		"is_ext_shared_channel": shared, "event_context": "EC" + s.Memory.NextID("")[1:],
	}
	s.ErrandLocked(func() {
		for attempt := 0; ; attempt++ {
			s.Lock()
			d := s.envelope("events_api", kind, payload)
			d.body["retry_attempt"], d.body["retry_reason"] = attempt, ""
			if attempt > 0 {
				d.body["retry_reason"] = "timeout"
				s.counts.Redelivered++
			}
			s.Unlock()
			if _, v := s.dispatch(d); v == Acknowledged {
				return
			}
			if attempt == len(s.Opts.Timing.Retries) {
				s.Lock()
				s.counts.Abandoned++
				s.WakeLocked()
				s.Unlock()
				return
			}
			if !s.Sleep(s.Opts.Timing.Retries[attempt]) {
				return
			}
		}
	})
}
