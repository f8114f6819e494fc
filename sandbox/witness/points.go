package witness

import (
	"encoding/json"
	"strconv"
)

// The deeds among the bare calls. Any other is a gap.
const (
	open   = "open"
	exec   = "exec"
	remove = "delete"
)

// Config is the file for runsc's --pod-init-config: which points the sentry reports from the
// box's first moment on, and the socket to which it sends them.
//
// No point asks for a text that the program chooses beyond what it tells of: the sentry drops a
// packet with a text that is no UTF-8, and does not count it. That is why opens and starts come
// as bare numbers as well.
//
// A packet that the socket has no room for is tried again for a quarter of a second, so that a
// busy reader makes the box slower before anything is dropped. (With three retries and a reader that
// slept 2 ms a packet, 4,121 packets were dropped, that of a started shell among them.)
func Config(socket string) []byte {
	type point struct {
		Name     string   `json:"name"`
		Optional []string `json:"optional_fields,omitempty"`
		Context  []string `json:"context_fields"`
	}
	// Of a packet's context nothing else is used, and a boot sends thousands of packets.
	group := []string{"group_id"}
	points := []point{{Name: "sentry/execve", Context: group}, {Name: "sentry/clone", Context: group}, {Name: "sentry/task_exit", Context: group}}
	for _, name := range opening {
		points = append(points, point{Name: "syscall/" + name + "/exit", Context: group})
	}
	for _, name := range resolved {
		points = append(points, point{Name: "syscall/" + name + "/enter", Optional: []string{"fd_path"}, Context: group})
	}
	for _, name := range []string{"socket", "connect", "bind"} {
		points = append(points, point{Name: "syscall/" + name + "/exit", Context: group})
	}
	for number, deed := range bare {
		when := "/exit" // then it is known whether it succeeded
		if deed == exec {
			when = "/enter" // after it another program runs
		}
		points = append(points, point{Name: "syscall/sysno/" + strconv.Itoa(number) + when, Context: group})
	}
	data, err := json.Marshal(map[string]any{"trace_session": map[string]any{"name": "Default", "points": points,
		"sinks": []any{map[string]any{"name": "remote", "config": map[string]any{"endpoint": socket, "retries": 35, "backoff_max": "10ms"}}}}})
	if err != nil {
		panic(err) // names and numbers always marshal
	}
	return data
}
