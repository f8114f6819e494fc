package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"countersign/codegen/mistraltest"
	"countersign/internal/slacksim/fault"
	"countersign/sandbox/e2b/e2btest"
)

// What happens to a house under siege. All of it happens to what stands around the product, or to
// its processes from outside: the product has no switch for it.

// blow is one kind of thing that happens, and how often among ten.
type blow struct {
	name  string
	share int
	fall  func(s *siege)
}

// blows are all of them.
var blows = []blow{
	{"kill -9", 6, (*siege).kill},
	{"kill -9 five times in a row", 1, (*siege).five},
	{"SIGTERM", 3, (*siege).term},
	{"a replica that hangs", 1, (*siege).hang},
	{"Postgres restarted", 2, (*siege).restart},
	{"Postgres away", 1, (*siege).away},
	{"Postgres crashed", 1, (*siege).crash},
	{"Postgres' disk full", 1, (*siege).full},
	{"clock moved", 2, (*siege).jump},
	{"Slack fails", 4, (*siege).slackFails},
	{"the model fails", 3, (*siege).modelFails},
	{"E2B fails", 3, (*siege).cloudFails},
}

// strike has blows fall until the time is over, each kind once before any comes again for as long as
// the bag lasts.
func (s *siege) strike(until time.Time) {
	var bag []blow
	for time.Now().Before(until) && s.ctx.Err() == nil {
		if len(bag) == 0 {
			for _, b := range blows {
				for range b.share {
					bag = append(bag, b)
				}
			}
		}
		i := s.number(len(bag))
		b := bag[i]
		bag = slices.Delete(bag, i, i+1)
		s.note(b.name)
		b.fall(s)
		_ = s.rest(time.Duration(200+s.number(1800)) * time.Millisecond)
	}
}

// list reads one column from the database by the siege's own pool; it may be away.
func list[T any](s *siege, sql string, args ...any) ([]T, error) {
	rows, err := s.db.Query(s.ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// busiest is a replica that is at something, where one is soon found; else any.
func (s *siege) busiest() *soldier {
	for range 20 {
		names, _ := list[string](s, `SELECT attempted_by[array_upper(attempted_by, 1)] FROM river_job WHERE state = 'running' AND kind = 'step' AND args ->> 'step' IN ('read', 'draft', 'inspect', 'run')`)
		s.mu.Lock()
		for _, r := range s.fleet {
			if slices.Contains(names, r.name) {
				s.mu.Unlock()
				return r
			}
		}
		s.mu.Unlock()
		_ = s.rest(50 * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.fleet) == 0 {
		return nil
	}
	return s.fleet[0]
}

// its are the jobs that a replica is at.
func (s *siege) its(r *soldier) []int64 {
	ids, err := list[int64](s, `SELECT id FROM river_job WHERE state = 'running' AND kind = 'step' AND attempted_by[array_upper(attempted_by, 1)] = $1`, r.name)
	if err != nil {
		return nil
	}
	return ids
}

// resumed waits until somebody else is at each of the jobs that a replica had, and returns how long
// each took. A job that ended before its replica did is none.
func (s *siege) resumed(r *soldier, began time.Time) (took []time.Duration) {
	left := s.its(r)
	for len(left) > 0 && s.ctx.Err() == nil && time.Since(began) < time.Minute {
		still := s.its(r)
		free, err := list[int64](s, `SELECT id FROM river_job WHERE id = ANY($1) AND state = 'available'`, left)
		if err == nil && s.ctx.Err() == nil {
			left = slices.DeleteFunc(left, func(id int64) bool {
				over := !slices.Contains(still, id) && !slices.Contains(free, id)
				if over {
					took = append(took, time.Since(began))
				}
				return over
			})
		}
		_ = s.rest(50 * time.Millisecond)
	}
	for range left {
		took = append(took, time.Since(began))
	}
	return took
}

func (s *siege) kill() {
	r := s.busiest()
	if r == nil {
		s.enlist()
		return
	}
	s.doom(r)
	began := time.Now()
	r.kill()
	took := s.resumed(r, began)
	s.mu.Lock()
	s.recovery = append(s.recovery, took...)
	s.mu.Unlock()
	s.enlist()
}

// five kills whoever is at something, five times as fast as others come.
func (s *siege) five() {
	for range 5 {
		if r := s.busiest(); r != nil {
			s.doom(r)
			r.kill()
		}
		s.enlist()
	}
}

func (s *siege) term() {
	r := s.busiest()
	if r == nil {
		return
	}
	s.doom(r)
	r.term()
	<-r.dead
	if r.err != nil {
		s.remember(&s.fell, "a replica that was told to stop ended with %v", r.err)
	}
	s.enlist()
}

// hang stops a replica for longer than others wait for it, and lets it go on.
func (s *siege) hang() {
	r := s.busiest()
	if r == nil {
		return
	}
	s.mu.Lock()
	s.at = time.Now().Add(time.Hour)
	s.mu.Unlock()
	began := time.Now()
	_ = r.cmd.Process.Signal(syscall.SIGSTOP)
	took := s.resumed(r, began)
	_ = r.cmd.Process.Signal(syscall.SIGCONT)
	s.mu.Lock()
	s.hung = append(s.hung, took...)
	s.at = time.Now().Add(3 * time.Second)
	s.mu.Unlock()
}

func (s *siege) restart() { s.stopped(0) }

func (s *siege) away() { s.stopped(time.Duration(2+s.number(5)) * time.Second) }

func (s *siege) stopped(pause time.Duration) {
	if err := s.now.Stop(); err != nil {
		s.remember(&s.wrong, "Postgres did not stop: %v", err)
	}
	_ = s.rest(pause)
	s.now = s.server()
}

// postmaster is the server's process, and its children.
func (s *siege) postmaster() (pid string, children []string) {
	found, _ := filepath.Glob(filepath.Join(filepath.Dir(s.clock), "postgres", "data", "postmaster.pid"))
	if len(found) == 0 {
		return "", nil
	}
	text, _ := os.ReadFile(found[0])
	pid, _, _ = strings.Cut(string(text), "\n")
	out, _ := os.ReadFile(filepath.Join("/proc", pid, "task", pid, "children"))
	return pid, strings.Fields(string(out))
}

// crash kills one of Postgres' processes: it ends all others, and recovers from its log.
func (s *siege) crash() {
	if _, children := s.postmaster(); len(children) > 0 {
		pid, _ := strconv.Atoi(children[s.number(len(children))])
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = s.rest(time.Second)
}

// full has no process of Postgres write any more, as with a full disk: it gives up, and an operator
// starts it again when there is room. Only its own user may set that, even for root in a container.
func (s *siege) full() {
	pid, children := s.postmaster()
	about, err := os.Stat(filepath.Join("/proc", pid))
	if err != nil {
		return
	}
	owner := about.Sys().(*syscall.Stat_t)
	for _, each := range append(children, pid) {
		cmd := exec.Command("prlimit", "--pid", each, "--fsize=8192:")
		cmd.Dir = "/"
		if int(owner.Uid) != os.Geteuid() {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
		}
		_ = cmd.Run() // one of them may have ended
	}
	select {
	case <-s.now.Ended():
	case <-time.After(5 * time.Second):
	}
	s.stopped(0)
}

// jump moves the database's clock, forward or back: it is up to a minute and a half apart then.
func (s *siege) jump() {
	s.ahead(time.Duration(s.number(181)-90) * time.Second)
	_ = s.rest(2 * time.Second)
}

// slackFails is one of Slack's bad moments.
func (s *siege) slackFails() {
	methods := []string{"chat.postMessage", "chat.update", "files.getUploadURLExternal", "files.completeUploadExternal", "users.info", "conversations.info", "download"}
	method := methods[s.number(len(methods))]
	kind := []string{"a post's answer is lost", "500", "429", "cut off", "slow", "no new sockets", "twice", "acks lost", "sockets close"}[s.number(9)]
	s.note("  Slack: " + kind)
	switch kind {
	case "a post's answer is lost":
		s.sim.Fail(fault.Method{Method: "chat.postMessage", After: true, Cut: true})
	case "500":
		s.sim.Fail(fault.Method{Method: method, Status: 500, Times: 3})
	case "429":
		s.sim.Fail(fault.Method{Method: method, RetryAfter: time.Second, Times: 3})
	case "cut off":
		s.sim.Fail(fault.Method{Method: method, Cut: true, Times: 2})
	case "slow":
		s.sim.Fail(fault.Method{Method: method, Delay: 2 * time.Second, Times: 3})
	case "no new sockets":
		s.sim.RefuseSockets(true)
		_ = s.rest(3 * time.Second)
		s.sim.RefuseSockets(false)
	case "twice":
		s.sim.Duplicate(5)
	case "acks lost":
		s.sim.DropAcks(2)
	case "sockets close":
		s.sim.CloseSockets(1006)
	}
}

// modelFails has the next calls of the model fail.
func (s *siege) modelFails() {
	kinds := []mistraltest.Fault{mistraltest.ServerError, mistraltest.Unavailable, mistraltest.RateLimited, mistraltest.HangUp, mistraltest.CutBody, mistraltest.BadGateway}
	for range 1 + s.number(2) {
		s.model.Next(mistraltest.Reply{Fault: kinds[s.number(len(kinds))]})
	}
}

// cloudFails has the next call of a kind to E2B fail, before it takes effect or after.
func (s *siege) cloudFails() {
	ops := []e2btest.Op{e2btest.Create, e2btest.Kill, e2btest.Read, e2btest.Write, e2btest.Start, e2btest.List}
	op := ops[s.number(len(ops))]
	s.note(fmt.Sprintf("  E2B: %s", op))
	faults := []e2btest.Fault{{Status: 500, Body: `{"code":500,"message":"internal"}`}, {}, {Effect: true}, {Status: 503, Body: "no"}}
	s.boxes.Fail(op, faults[s.number(len(faults))])
}
