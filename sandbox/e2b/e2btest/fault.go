package e2btest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
)

// Fault is what a call meets instead of its answer. With neither Status nor
// Silent the connection is reset.
type Fault struct {
	Effect bool   // the call takes effect first
	Do     func() // called then, e.g. to kill the caller
	Pass   bool   // all else is as always: only Do is called
	Status int    // answered, with Header and Body
	Header map[string]string
	Body   string
	Silent bool // no answer until the client gives up
	Times  int  // how often; 0 is once, less is until Heal
}

// NotFound is the edge's answer for a box that is no more.
func NotFound(id string) Fault {
	return Fault{Status: http.StatusBadGateway, Body: `{"sandboxId":"` + id + `","message":"The sandbox was not found","code":502}`}
}

// PortClosed is the edge's answer while nobody listens in the box.
func PortClosed(id string) Fault {
	return Fault{Status: http.StatusBadGateway,
		Body: `{"sandboxId":"` + id + `","message":"The sandbox is running but port is not open","port":49983,"code":502}`}
}

// TooMany is the edge's answer when more is asked of a box at once than it lets through.
func TooMany(id string, limit int) Fault {
	return Fault{Status: http.StatusTooManyRequests, Body: fmt.Sprintf(
		`{"sandboxId":"%s","message":"The sandbox has too many concurrent incoming connections (limit: %d)","code":429,"connectionLimit":%d}`, id, limit, limit)}
}

// Fail makes the next calls of a kind meet a fault. Faults queue up, one for each call, so that a
// test can say what the second try meets.
func (s *Server) Fail(op Op, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults[op] = append(s.faults[op], faults...)
}

// Heal forgets all faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.faults)
}

// quiet marks a call whose answer nobody will see, so that a stream does not
// wait for its end. It is the case that matters most: the code runs, and nobody heard so.
type quiet struct{}

// op counts a call, and lets it meet its fault.
func (s *Server) op(op Op, serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fault, ok := s.takeFault(op)
		if !ok {
			serve(w, r)
			return
		}
		// The server notices that a client has gone only once it has read the body.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		// Its answer goes nowhere. What it did stays.
		if fault.Effect {
			serve(httptest.NewRecorder(), r.WithContext(context.WithValue(r.Context(), quiet{}, true)))
		}
		if fault.Do != nil {
			fault.Do()
		}
		switch {
		case fault.Pass:
			serve(w, r)
		case fault.Silent:
			select {
			case <-r.Context().Done():
			case <-s.closing:
			}
		case fault.Status == 0:
			reset(w)
		default:
			for key, value := range fault.Header {
				w.Header().Set(key, value)
			}
			w.WriteHeader(fault.Status)
			_, _ = w.Write([]byte(fault.Body))
		}
	}
}

func (s *Server) takeFault(op Op) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	queue := s.faults[op]
	if len(queue) == 0 {
		return Fault{}, false
	}
	fault := queue[0]
	if queue[0].Times >= 0 {
		if queue[0].Times--; queue[0].Times <= 0 {
			s.faults[op] = queue[1:]
		}
	}
	return fault, true
}

// reset breaks the connection off so that the client notices at once.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	// No lingering: the client gets a reset, and not an end that could pass for the end of an answer.
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
