package sockets

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

	"countersign/internal/slacksim/blockkit"
	"countersign/internal/slacksim/fault"
	"countersign/internal/slacksim/workspace"
)

// Close codes a socket may end with.
const (
	closeNormal    = websocket.CloseNormalClosure
	CloseGoingAway = websocket.CloseGoingAway
	closeAbnormal  = websocket.CloseAbnormalClosure // 1006: the connection breaks, no frame is sent
)

// maxSockets is how many connections one app may have.
const maxSockets = 10

// Mode is Socket Mode: the app's connections, and the envelopes that go over them.
type Mode struct {
	*workspace.Workspace
	*fault.Faults
	Open    []*socket
	turn    int // whose turn it is among the sockets
	tickets map[string]time.Time
	pending map[string]*delivery
	held    *delivery // by the reorder fault
	counts  Counts

	favoured int // connections up to this number are passed over; see Favour
}

// New has no connections yet.
func New(ws *workspace.Workspace, f *fault.Faults) *Mode {
	return &Mode{Workspace: ws, Faults: f, tickets: map[string]time.Time{}, pending: map[string]*delivery{}}
}

// socket is one Socket Mode connection.
type socket struct {
	s       *Mode
	conn    *websocket.Conn
	number  int // of all that were opened
	writing sync.Mutex
	half    atomic.Bool // half-open: nothing goes out, nothing that comes in counts
	warned  atomic.Bool // about to be closed: gets no more envelopes
	done    chan struct{}
	once    sync.Once
}

// upgrader takes any Origin: clients send Slack's own, and what lets them in is the ticket.
var upgrader = websocket.Upgrader{WriteBufferSize: 64 << 10, CheckOrigin: func(*http.Request) bool { return true }}

// ServeSocket takes a ticket, says hello, and reads acks until the end.
func (s *Mode) ServeSocket(w http.ResponseWriter, r *http.Request) {
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
	lifetime := s.Opts.Timing.Lifetime
	if r.URL.Query().Get("debug_reconnects") == "true" {
		lifetime = min(lifetime, 6*time.Minute)
	}
	// Nothing goes out before hello: an event that comes as soon as the connection is known waits for it.
	c.writing.Lock()
	open := s.join(c)
	if open == 0 {
		c.writing.Unlock()
		s.Entries.Add(workspace.Entry{Direction: "socket", Name: "too_many_websockets"})
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
	c.hello(open, lifetime)
	c.writing.Unlock()
	s.Errand(func() { c.live(lifetime) })
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

// Ticket lets one connection in, once and soon.
func (s *Mode) Ticket() string {
	now := time.Now()
	for t, expires := range s.tickets {
		if now.After(expires) {
			delete(s.tickets, t)
		}
	}
	ticket := blockkit.ShortID(s.Memory.NextTS(), 1) + blockkit.ShortID(s.Memory.NextTS(), 2) + s.Memory.NextID("")
	s.tickets[ticket] = now.Add(s.Opts.Timing.Ticket)
	return ticket
}

// useTicket uses a ticket up, whether it is still good or not.
func (s *Mode) useTicket(ticket string) bool {
	s.Lock()
	defer s.Unlock()
	expires, known := s.tickets[ticket]
	delete(s.tickets, ticket)
	return known && time.Now().Before(expires) && !s.Closed && !s.Switches.RefuseSockets
}

// join adds a connection, which Close then waits for, and tells how many are open with it: none if it may not be.
func (s *Mode) join(c *socket) int {
	s.Lock()
	defer s.Unlock()
	if len(s.Open) >= maxSockets || s.Closed {
		return 0
	}
	s.Errands.Add(1)
	s.Open = append(s.Open, c)
	s.counts.Connections++
	c.number = s.counts.Connections
	s.Entries.Add(workspace.Entry{Direction: "socket", Name: "open", OK: true})
	s.announceSockets()
	return len(s.Open)
}

func (s *Mode) leave(c *socket) {
	defer s.Errands.Done()
	s.Lock()
	defer s.Unlock()
	s.Open = slices.DeleteFunc(s.Open, func(x *socket) bool { return x == c })
	if s.Opts.Hasty && len(s.Open) == 0 {
		for _, d := range s.pending {
			d.giveUp()
		}
	}
	s.Entries.Add(workspace.Entry{Direction: "socket", Name: "closed", OK: true})
	s.announceSockets()
}

// hello is the first message, with how many connections are open; its envelope_id is empty, so it is never acknowledged.
// Its caller holds writing.
func (c *socket) hello(open int, lifetime time.Duration) {
	c.send(workspace.Body{
		"type": "hello", "num_connections": open, "connection_info": workspace.Body{"app_id": c.s.App.ID},
		"debug_info": workspace.Body{"host": "slacksim", "started": "", "build_number": 1, "approximate_connection_time": int(lifetime.Seconds())},
	})
}

// live pings, at once and then regularly, and refreshes the connection when it
// has lived long enough, with a warning before.
func (c *socket) live(lifetime time.Duration) {
	ping := time.NewTicker(c.s.Opts.Timing.Ping)
	defer ping.Stop()
	refresh := time.NewTimer(max(0, lifetime-c.s.Opts.Timing.Warning))
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
		case <-c.s.Life.Done():
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
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.send(v)
}

// send is write for whoever holds writing.
func (c *socket) send(v any) bool {
	data, err := json.Marshal(v)
	if err != nil {
		c.s.Log.Error("envelope cannot be encoded", "error", err)
		return false
	}
	if c.half.Load() {
		return true
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(2 * time.Second)); err != nil {
		return false
	}
	return c.conn.WriteMessage(websocket.TextMessage, data) == nil
}

func (c *socket) sayDisconnect(reason string) {
	c.s.Entries.Add(workspace.Entry{Direction: "socket", Name: "disconnect " + reason, OK: true})
	c.write(workspace.Body{"type": "disconnect", "reason": reason, "debug_info": workspace.Body{"host": "slacksim"}})
}

// disconnect tells the client to go elsewhere: on a warning it has a while, in
// which no new envelope comes; otherwise the connection closes at once.
func (c *socket) disconnect(reason string) {
	c.warned.Store(true)
	c.sayDisconnect(reason)
	wait := c.s.Opts.Timing.Warning
	if reason != "warning" {
		wait = 0
	}
	c.s.Errand(func() {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
			c.drop(CloseGoingAway)
		case <-c.done:
		case <-c.s.Life.Done():
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
			c.s.Log.Debug("close socket", "error", err)
		}
	})
}

// Sockets is how many connections the app has now.
func (s *Mode) Sockets() int {
	s.Lock()
	defer s.Unlock()
	return len(s.Open)
}

// WaitSockets waits until the app has exactly n connections.
func (s *Mode) WaitSockets(ctx context.Context, n int) error {
	if _, err := workspace.Await(ctx, s.Workspace, func() (int, bool) { return len(s.Open), len(s.Open) == n }); err != nil {
		return fmt.Errorf("wait for %d sockets, there are %d: %w", n, s.Sockets(), err)
	}
	return nil
}

func (s *Mode) announceSockets() { s.TellAll("connection", workspace.Body{"sockets": len(s.Open)}) }
