package slacksim

import (
	"encoding/json"
	"sync"
	"time"
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
	body    reply
	acked   chan json.RawMessage
	silent  chan struct{} // closed when no ack will come; see GiveUp
	quiet   sync.Once
	sent    time.Time
	answers int // acks that counted; only the first one does
}

// verdict is how a delivery ended.
type verdict int

const (
	acknowledged verdict = iota
	timedOut             // sent, and no ack in time
	undelivered          // there is no connection
)

// deliver sends one envelope and waits for its ack.
func (s *Sim) deliver(kind, name string, payload reply) (json.RawMessage, verdict) {
	s.mu.Lock()
	d := s.envelope(kind, name, payload)
	s.mu.Unlock()
	return s.dispatch(d)
}

// envelope wraps a payload. Only commands and interactions take an answer in the ack.
func (s *Sim) envelope(kind, name string, payload reply) *delivery {
	id := s.ws.nextID("")
	d := &delivery{id: shortID(id, 1) + "-" + shortID(id, 2) + "-" + id, kind: kind, name: name, acked: make(chan json.RawMessage, 1), silent: make(chan struct{})}
	d.body = reply{"envelope_id": d.id, "type": kind, "payload": payload, "accepts_response_payload": kind != "events_api"}
	return d
}

// dispatch sends a delivery and waits for the ack, for as long as Slack does.
func (s *Sim) dispatch(d *delivery) (json.RawMessage, verdict) {
	s.mu.Lock()
	s.pending[d.id] = d
	twice, late, refresh := s.trouble.envelope()
	delay := s.faults.delayEnvelopes + late
	if twice && s.faults.duplicate >= 0 {
		s.faults.duplicate++
	}
	s.mu.Unlock()
	defer s.forget(d)
	if refresh != "" {
		if c := s.oldestSocket(); c != nil {
			c.disconnect(refresh)
		}
	}
	if !s.sleep(delay) || !s.send(d) {
		s.note(d, undelivered)
		return nil, undelivered
	}
	timer := time.NewTimer(s.opts.Timing.Ack)
	defer timer.Stop()
	select {
	case payload := <-d.acked:
		s.note(d, acknowledged)
		return payload, acknowledged
	case <-d.silent:
	case <-timer.C:
	case <-s.life.Done():
	}
	s.note(d, timedOut)
	return nil, timedOut
}

// GiveUp ends the wait for the ack of an envelope, as if Slack's time were over. It is for
// tests that have seen the app give the envelope up: a long wait then proves no more than
// a short one. An envelope that nobody waits for is none of its business.
func (s *Sim) GiveUp(envelopeID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.pending[envelopeID]; d != nil {
		d.giveUp()
	}
}

// giveUp ends a wait, unless its ack is on the way. Sim.mu is held.
func (d *delivery) giveUp() {
	if d.answers == 0 {
		d.quiet.Do(func() { close(d.silent) })
	}
}

func (s *Sim) forget(d *delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, d.id)
}

// note writes the outcome into the journal and the counts.
func (s *Sim) note(d *delivery, v verdict) {
	words := map[verdict]string{timedOut: "operation_timeout", undelivered: "dispatch_failed"}
	s.mu.Lock()
	switch v {
	case acknowledged:
		s.counts.Acked++
	case timedOut:
		s.counts.Unacked++
	case undelivered:
		s.counts.Undelivered++
	}
	s.wakeLocked()
	s.mu.Unlock()
	s.journal.add(Entry{Direction: "envelope", Name: d.kind + " " + d.name, OK: v == acknowledged, Error: words[v], Millis: since(d.sent), Detail: detail(d.body)})
}

// send writes the envelope to one socket. The next envelope goes to the next
// socket: Slack promises no pattern, and an app must not rely on one.
func (s *Sim) send(d *delivery) bool {
	s.mu.Lock()
	d.sent = time.Now()
	copies := 1
	if s.faults.take(&s.faults.duplicate) {
		copies = 2
	}
	if s.faults.take(&s.faults.reorder) && s.held == nil {
		s.held = d
		s.wakeLocked()
		s.mu.Unlock()
		return true // it goes out after the next one
	}
	after := s.held
	s.held = nil
	s.mu.Unlock()
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
func (s *Sim) sendOnce(d *delivery) bool {
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

// next is the socket whose turn it is. Sockets that were told to go are passed
// over while there are others.
func (s *Sim) next() *socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open, warned []*socket
	for _, c := range s.sockets {
		select {
		case <-c.done:
			continue
		default:
		}
		if c.warned.Load() {
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
func (s *Sim) receive(data []byte) {
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if err := decode(data, &ack); err != nil {
		s.journal.add(Entry{Direction: "ack", Name: "not JSON", Error: err.Error()})
		return
	}
	s.mu.Lock()
	d := s.pending[ack.EnvelopeID]
	delay := s.faults.delayAcks
	drop := false
	switch {
	case len(data) > maxAck:
		s.counts.OversizeAcks++
		drop = true
	case d == nil, d.answers > 0:
		s.counts.LateAcks++
		d = nil
	default:
		if drop = s.faults.take(&s.faults.dropAcks); !drop {
			d.answers++
		} else if s.opts.Hasty {
			d.giveUp()
		}
	}
	entry := Entry{Direction: "ack", Name: ack.EnvelopeID, OK: d != nil && !drop, Detail: cut(string(data))}
	if d != nil {
		entry.Name, entry.Millis = d.kind+" "+d.name, since(d.sent)
	}
	s.wakeLocked()
	s.mu.Unlock()
	s.journal.add(entry)
	if drop || d == nil {
		return
	}
	if delay == 0 {
		d.acked <- ack.Payload // has room for the one that counts
		return
	}
	s.errand(func() {
		if s.sleep(delay) {
			d.acked <- ack.Payload
		}
	})
}

// event sends an events_api envelope, and sends it again, as Slack does, when
// nobody acknowledges: the same event_id in a new envelope.
func (s *Sim) event(event reply, shared bool) {
	kind := text(event, "type")
	payload := reply{
		"token": "slacksim", "team_id": s.ws.team.ID, "context_team_id": s.ws.team.ID, "api_app_id": s.app.ID,
		"event": event, "type": "event_callback", "event_id": s.ws.nextID("Ev"), "event_time": time.Now().Unix(),
		"authorizations":        []reply{{"enterprise_id": nil, "team_id": s.ws.team.ID, "user_id": s.bot.ID, "is_bot": true, "is_enterprise_install": false}},
		"is_ext_shared_channel": shared, "event_context": "EC" + s.ws.nextID("")[1:],
	}
	s.errandLocked(func() {
		for attempt := 0; ; attempt++ {
			s.mu.Lock()
			d := s.envelope("events_api", kind, payload)
			d.body["retry_attempt"], d.body["retry_reason"] = attempt, ""
			if attempt > 0 {
				d.body["retry_reason"] = "timeout"
				s.counts.Redelivered++
			}
			s.mu.Unlock()
			if _, v := s.dispatch(d); v == acknowledged {
				return
			}
			if attempt == len(s.opts.Timing.Retries) || !s.sleep(s.opts.Timing.Retries[attempt]) {
				return
			}
		}
	})
}
