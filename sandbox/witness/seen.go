package witness

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"

	"countersign/approval"
)

// seen is a line of what the witness in a cloud box writes (runner/guard.py).
type seen struct {
	Opened  string `json:"opened"`
	Started string `json:"started"`
	Gap     string `json:"gap"`
	Unable  string `json:"unable"`
	End     *int   `json:"end"`
}

// place is the folder of a cloud box in which the code's own folders are.
const place = "/opt/countersign/"

// Read makes an account of what the witness in a cloud box has written until now. It sees
// files and programs by the kernel's fanotify, without arguments, and no connections. unable
// says why there was no witness; then there is no account.
func Read(data []byte, mark string) (w *approval.Witness, unable string) {
	w = &approval.Witness{Source: approval.WitnessFanotify, Opened: []string{}, Started: []string{}}
	files, outside, started := &kept{}, &kept{}, &kept{}
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
		case !begun:
		case line.Started != "":
			started.add(line.Started)
		case line.Opened != "" && !cloudImage(line.Opened):
			if name, ours := strings.CutPrefix(strings.TrimSuffix(line.Opened, " (deleted)"), place+"work/"); ours {
				files.add(name)
			} else {
				outside.add(name)
			}
		}
	}
	w.Opened, w.Started = append(append(w.Opened, outside.all...), files.all...), append(w.Started, started.all...)
	conclude(w, lack{approval.GapUnmarked, !begun}, lack{approval.GapEarly, !ended}, lack{approval.GapMore, files.more || outside.more || started.more})
	return w, ""
}

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
