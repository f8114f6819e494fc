package slacksim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// Close codes a socket may end with.
const (
	closeNormal    = websocket.CloseNormalClosure
	closeGoingAway = websocket.CloseGoingAway
	closeAbnormal  = websocket.CloseAbnormalClosure // 1006: the connection breaks, no frame is sent
)

// maxSockets is how many connections one app may have.
const maxSockets = 10

// socket is one Socket Mode connection.
type socket struct {
	s       *Sim
	conn    *websocket.Conn
	writing sync.Mutex
	half    atomic.Bool // half-open: nothing goes out, nothing that comes in counts
	warned  atomic.Bool // about to be closed: gets no more envelopes
	done    chan struct{}
	once    sync.Once
}

// upgrader takes any Origin: clients send Slack's own, and what lets them in is the ticket.
var upgrader = websocket.Upgrader{WriteBufferSize: 64 << 10, CheckOrigin: func(*http.Request) bool { return true }}

// serveSocket takes a ticket, says hello, and reads acks until the end.
func (s *Sim) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !s.useTicket(r.URL.Query().Get("ticket")) {
		http.Error(w, "the ticket is unknown, used or too old", http.StatusForbidden)
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // Upgrade has answered
	}
	c := &socket{s: s, conn: conn, done: make(chan struct{})}
	defer c.drop(closeNormal)
	lifetime := s.opts.Timing.Lifetime
	if r.URL.Query().Get("debug_reconnects") == "true" {
		lifetime = min(lifetime, 6*time.Minute)
	}
	if !s.join(c) {
		s.journal.add(Entry{Direction: "socket", Name: "too_many_websockets"})
		c.sayDisconnect("too_many_websockets")
		return
	}
	defer s.leave(c)
	conn.SetPingHandler(func(data string) error {
		if c.half.Load() {
			return nil
		}
		return conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
	})
	s.errand(func() { c.live(lifetime) })
	c.hello(lifetime)
	for {
		_, data, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if !c.half.Load() {
			s.receive(data)
		}
	}
}

// useTicket uses a ticket up, whether it is still good or not.
func (s *Sim) useTicket(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	expires, known := s.tickets[ticket]
	delete(s.tickets, ticket)
	return known && time.Now().Before(expires) && !s.closed && !s.faults.refuseSockets
}

// join adds a connection, which Close then waits for.
func (s *Sim) join(c *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sockets) >= maxSockets || s.closed {
		return false
	}
	s.errands.Add(1)
	s.sockets = append(s.sockets, c)
	s.counts.Connections++
	s.journal.add(Entry{Direction: "socket", Name: "open", OK: true})
	s.announceSockets()
	return true
}

func (s *Sim) leave(c *socket) {
	defer s.errands.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets = slices.DeleteFunc(s.sockets, func(x *socket) bool { return x == c })
	if s.opts.Hasty && len(s.sockets) == 0 {
		for _, d := range s.pending {
			d.giveUp()
		}
	}
	s.journal.add(Entry{Direction: "socket", Name: "closed", OK: true})
	s.announceSockets()
}

// hello is the first message; its envelope_id is empty, so it is never acknowledged.
func (c *socket) hello(lifetime time.Duration) {
	c.s.mu.Lock()
	n := len(c.s.sockets)
	c.s.mu.Unlock()
	c.write(reply{
		"type": "hello", "num_connections": n, "connection_info": reply{"app_id": c.s.app.ID},
		"debug_info": reply{"host": "slacksim", "started": "", "build_number": 1, "approximate_connection_time": int(lifetime.Seconds())},
	})
}

// live pings, at once and then regularly, and refreshes the connection when it
// has lived long enough, with a warning before.
func (c *socket) live(lifetime time.Duration) {
	ping := time.NewTicker(c.s.opts.Timing.Ping)
	defer ping.Stop()
	refresh := time.NewTimer(max(0, lifetime-c.s.opts.Timing.Warning))
	defer refresh.Stop()
	c.ping()
	for {
		select {
		case <-ping.C:
			c.ping()
		case <-refresh.C:
			c.disconnect("warning")
		case <-c.done:
			return
		case <-c.s.life.Done():
			return
		}
	}
}

// ping keeps clients such as slack-go, which never ping themselves, from leaving.
func (c *socket) ping() {
	if c.half.Load() {
		return
	}
	if err := c.conn.WriteControl(websocket.PingMessage, []byte("Ping from slacksim"), time.Now().Add(time.Second)); err != nil {
		c.drop(closeAbnormal)
	}
}

// write sends a message. On a half-open connection it vanishes, as in the network.
func (c *socket) write(v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		c.s.log.Error("envelope cannot be encoded", "error", err)
		return false
	}
	if c.half.Load() {
		return true
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return false
	}
	return c.conn.WriteMessage(websocket.TextMessage, data) == nil
}

func (c *socket) sayDisconnect(reason string) {
	c.s.journal.add(Entry{Direction: "socket", Name: "disconnect " + reason, OK: true})
	c.write(reply{"type": "disconnect", "reason": reason, "debug_info": reply{"host": "slacksim"}})
}

// disconnect tells the client to go elsewhere: on a warning it has a while, in
// which no new envelope comes; otherwise the connection closes at once.
func (c *socket) disconnect(reason string) {
	c.warned.Store(true)
	c.sayDisconnect(reason)
	wait := c.s.opts.Timing.Warning
	if reason != "warning" {
		wait = 0
	}
	c.s.errand(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			c.drop(closeGoingAway)
		case <-c.done:
		case <-c.s.life.Done():
		}
	})
}

// drop closes the connection, once.
func (c *socket) drop(code int) {
	c.once.Do(func() {
		close(c.done)
		if code != closeAbnormal && !c.half.Load() {
			frame := websocket.FormatCloseMessage(code, "")
			_ = c.conn.WriteControl(websocket.CloseMessage, frame, time.Now().Add(time.Second)) // the peer may be gone already
		}
		if err := c.conn.Close(); err != nil {
			c.s.log.Debug("close socket", "error", err)
		}
	})
}

// Sockets is how many connections the app has now.
func (s *Sim) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// WaitSockets waits until the app has exactly n connections.
func (s *Sim) WaitSockets(ctx context.Context, n int) error {
	if _, err := await(ctx, s, func() (int, bool) { return len(s.sockets), len(s.sockets) == n }); err != nil {
		return fmt.Errorf("wait for %d sockets, there are %d: %w", n, s.Sockets(), err)
	}
	return nil
}
