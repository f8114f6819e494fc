//go:build !linux

package pglocal

import (
	"os/exec"
	"strconv"
	"syscall"
)

// attributes keeps a Ctrl-C in the terminal from the child. Nothing here ends it
// when this process is killed: the next Start does.
func attributes(o owner) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: o.credential()}
}

// commandLine is what a process was started with; empty when there is none.
func commandLine(pid int) string {
	out, _ := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	return string(out)
}
