package local

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"strconv"
	"strings"
)

// Boxes that wait must not take the memory of those that run, nor of anything else on the machine.

// spareMB is what of the machine's memory, or of what is left to this process of it, may go to boxes that wait. A
// quarter of it stays free, and as much as one run takes at least. Where nobody knows how much there is, nothing waits.
func spareMB(run int) int {
	free, total, ok := memory("/proc", "/sys/fs/cgroup")
	if !ok {
		return 0
	}
	return free - max(total/4, run)
}

// memory is how many MB are free, and of how many. A cgroup (v2) above this process may have less to give than the machine.
func memory(proc, cgroups string) (free, total int, ok bool) {
	machine := figures(path.Join(proc, "meminfo")) // in kB
	free, total = machine["MemAvailable:"]>>10, machine["MemTotal:"]>>10
	if total == 0 {
		return 0, 0, false
	}
	own, _ := os.ReadFile(path.Join(proc, "self/cgroup")) // without one there is no limit of this kind
	for line := range strings.Lines(string(own)) {
		at, v2 := strings.CutPrefix(strings.TrimSpace(line), "0::")
		// Every cgroup above has a say: the tightest of them bounds what there is.
		for ; v2; at = path.Dir(at) {
			dir := path.Join(cgroups, at)
			// "max" is no number, and so no limit.
			most, set := number(path.Join(dir, "memory.max"))
			used, known := number(path.Join(dir, "memory.current"))
			if set && known {
				// What it has read of files and does not use is given back when it is needed.
				used -= figures(path.Join(dir, "memory.stat"))["inactive_file"]
				free, total = min(free, (most-used)>>20), min(total, most>>20)
			}
			if at == "/" || at == "." {
				break
			}
		}
	}
	return max(0, free), total, true
}

// number reads a file that holds a number. One that says "max" holds none.
func number(file string) (n int, ok bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return n, err == nil
}

// figures reads a file with a name and a number on each line.
func figures(file string) map[string]int {
	all := map[string]int{}
	f, err := os.Open(file)
	if err != nil {
		return all
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var name string
		var n int
		if _, err := fmt.Sscan(lines.Text(), &name, &n); err == nil {
			all[name] = n
		}
	}
	return all
}
