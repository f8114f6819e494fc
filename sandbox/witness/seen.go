package witness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"countersign/approval"
)

// seen is a line of what the witness in a cloud box writes (runner/seen.py).
type seen struct {
	Opened    string `json:"opened"`
	Written   string `json:"written"` // more exactly: closed after it had been open for writing
	Started   string `json:"started"`
	Deleted   bool   `json:"deleted"`
	Door      int    `json:"door"` // of how many hosts it passes on what comes
	Connected string `json:"connected"`
	Gap       string `json:"gap"`
	Unable    string `json:"unable"`
	End       *int   `json:"end"`
}

// place is the folder of a cloud box in which the code's own folders are.
const place = "/opt/countersign/"

// Read makes an account of what the witness in a cloud box has written until now. It sees
// files and programs by the kernel's fanotify, without arguments. Connections are known only
// where the box has a door, through which all of them go. unable says why there was no witness;
// then there is no account.
//
// The account is complete only with the line that ends it, which root of the box writes when
// the supervisor has ended. A box that is lost has none, and neither has one whose witness was ended.
func Read(data []byte, mark string) (w *approval.Witness, unable string) {
	w = &approval.Witness{Source: approval.WitnessFanotify, Opened: []string{}, Started: []string{}}
	files, outside, system, started, reached := &kept{}, &kept{}, &kept{}, &kept{}, &kept{}
	note := func(at string, did how) {
		if cloudImage(at) || did != read && at == "/dev/null" {
			return
		}
		room, name := outside, strings.TrimSuffix(at, " (deleted)")
		if in, ours := strings.CutPrefix(name, place+"work/"); ours {
			room, name = files, in
		} else if strings.HasPrefix(name, "/usr/") {
			room = system
		}
		room.put(name, did)
	}
	begun, ended := false, false
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		var line seen
		if json.Unmarshal(lines.Bytes(), &line) != nil {
			continue // the last line of a box that ended while it was written
		}
		switch {
		case line.Unable != "":
			return nil, line.Unable
		case line.End != nil:
			ended = true
		case line.Gap != "":
			w.Gaps = once(w.Gaps, line.Gap)
		case line.Opened == place+"mark-"+strings.TrimPrefix(mark, "/"):
			begun = true
		// From here on nothing seen means that nothing was reached. Before it, it means nothing.
		case line.Door > 0:
			w.Connected = []string{}
		case line.Connected != "":
			reached.add(line.Connected)
		case !begun: // the boot's own files and programs
		case line.Started != "":
			started.add(line.Started)
		case line.Deleted:
			files.add(approval.WitnessDeleted)
		case line.Written != "":
			note(line.Written, writing)
		case line.Opened != "":
			note(line.Opened, read)
		}
	}
	w.Opened, w.Started = slices.Concat(w.Opened, outside.all, files.all, system.all), append(w.Started, started.all...)
	// Every program has the loader started with it. Where there is nothing else, the loader is the program.
	if programs := slices.DeleteFunc(slices.Clone(w.Started), loader.MatchString); len(programs) > 0 {
		w.Started = programs
	}
	w.Connected = append(w.Connected, reached.all...)
	conclude(w, lack{approval.GapUnmarked, !begun}, lack{approval.GapEarly, !ended}, lack{approval.GapMore, files.more || outside.more || system.more || started.more || reached.more})
	return w, ""
}

// loader is what starts programs that need libraries: the box's own, in folders that the code cannot
// write to. A program of this name anywhere else is one of the code's making.
var loader = regexp.MustCompile(`^(/usr)?/lib(64)?/([^/]+-linux-gnu/)?ld-linux[^/]*\.so\.[0-9]$`)

// cloudImage tells which files are read on any program's behalf in a cloud box: Python's
// libraries, fonts, time zones, and what the runner itself uses.
func cloudImage(at string) bool {
	for _, prefix := range []string{"/usr/lib/python3", "/usr/local/lib/python3", "/usr/share/fonts/", "/usr/local/share/fonts/", "/usr/share/zoneinfo/", "/etc/fonts/",
		place + "runner", place + "out"} {
		if strings.HasPrefix(at, prefix) {
			return true
		}
	}
	switch at {
	case "/etc/localtime", "/etc/ld.so.cache", "/etc/mime.types", "/dev/null", "/dev/urandom", place + "work":
		return true
	}
	return strings.HasPrefix(at, "/usr/lib/") && strings.Contains(at, ".so")
}
