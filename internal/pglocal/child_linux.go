package pglocal

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// attributes has the kernel shut the child down when this process ends, even by
// kill -9. Its own process group keeps a Ctrl-C in the terminal from it, so that
// it outlives whatever still wants to write.
func attributes(o owner) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT, Credential: o.credential()}
}

// commandLine is what a process was started with; empty when there is none.
func commandLine(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return strings.ReplaceAll(string(text), "\x00", " ")
}
