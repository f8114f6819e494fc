package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"countersign/approval"
	"countersign/approval/steps"
	"countersign/sandbox"
)

// Room in a box beside the code's own memory limit, in MB. tmpfs counts as
// memory, so these bound the shape of the use, not only its amount.
const (
	workMB = 320 // ten inputs of 20 MB and what the code writes beside them
	tmpMB  = 64
	outMB  = 64
	// baseMB is what an idle box with pandas takes, and some slack: the meter
	// reads that often, not always.
	baseMB = 192
)

// MaxInputMB is the most that the inputs of one run can have together: what a box
// holds, but for some room for what the code writes.
const MaxInputMB = workMB - 64

// memoryLimit is what the meter allows: the limit that was sealed, what the
// box needs before any code runs, and the inputs, which nobody chose to load.
func memoryLimit(job steps.Job) int64 {
	return int64(job.Limits.MemoryMB+baseMB)<<20 + inputsOf(job)
}

func inputsOf(job steps.Job) (together int64) {
	for _, in := range job.Inputs {
		together += in.Size
	}
	return together
}

// object is a part of the OCI configuration. It is spelled out here rather than with the types of
// the runtime-spec module, which has some hundred for the twenty fields that are set.
type object = map[string]any

// layRoot fills the folder that is the box's root: empty but for names under
// which /usr is bound, the runner, and the few files of /etc that libraries read.
//
// All boxes of an instance share it, read-only. The users and hosts are made up, since the real
// lists would tell code who works on this machine; without any, what asks for its own user fails.
func layRoot(root string) error {
	for _, dir := range []string{"usr", "etc/alternatives", "etc/fonts", "proc", "sys", "dev", "tmp", "work", "out", "mpl"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return fmt.Errorf("lay root: %w", err)
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64"} {
		if _, err := os.Stat("/usr/" + name); err != nil {
			continue
		}
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil {
			return fmt.Errorf("lay root: %w", err)
		}
	}
	files := map[string][]byte{
		"etc/passwd": []byte("root:x:0:0:root:/:/usr/sbin/nologin\nanalyst:x:1000:1000:analyst:/tmp:/usr/sbin/nologin\n"),
		"etc/group":  []byte("root:x:0:\nanalyst:x:1000:\n"),
		"etc/hosts":  []byte("127.0.0.1 localhost\n"),
	}
	for _, name := range []string{"ld.so.cache", "localtime", "matplotlibrc", "mime.types"} {
		data, err := os.ReadFile("/etc/" + name)
		if err == nil { // what the host does not have, the box does without
			files["etc/"+name] = data
		}
	}
	for _, f := range sandbox.RunnerFiles() {
		files["runner/"+f.Name] = f.Data
	}
	for name, data := range files {
		at := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, data, 0o644)); err != nil {
			return fmt.Errorf("lay root: %w", err)
		}
	}
	if err := filepath.WalkDir(root, readable); err != nil {
		return fmt.Errorf("lay root: %w", err)
	}
	return nil
}

// readable has everybody in a box read what was laid. The umask of whoever starts this program, 0077 in our unit for
// systemd, would keep it from the box's own users, who are not its owner there.
func readable(path string, entry fs.DirEntry, err error) error {
	switch {
	case err != nil:
		return err
	case entry.IsDir():
		return os.Chmod(path, 0o755)
	case entry.Type().IsRegular():
		return os.Chmod(path, 0o644)
	}
	return nil
}

// layFont puts a list of fonts into a root.
func layFont(root, name string, data []byte) error {
	path := filepath.Join(root, "mpl", name)
	return errors.Join(os.WriteFile(path, data, 0o644), os.Chmod(path, 0o644))
}

// fontList is the folder of the list of fonts that boxes of this template have made
// before. It is made anew when other fonts have been installed: the folders' times of change are
// part of its name, as deep as Debian's packages put fonts (truetype/dejavu).
func fontList(machine, template string) string {
	what := template
	for _, place := range []string{"/etc/fonts", "/etc/fonts/conf.d", "/usr/share/fonts", "/usr/share/fonts/*", "/usr/share/fonts/*/*"} {
		found, _ := filepath.Glob(place) // the patterns are well-formed
		for _, path := range found {
			if info, err := os.Stat(path); err == nil {
				what += fmt.Sprintf("\n%s %d", path, info.ModTime().UnixNano())
			}
		}
	}
	return filepath.Join(machine, "fonts-"+approval.Short(approval.Hash([]byte(what))))
}

// layFonts gives the boxes the list of fonts, where there is one: to make it takes
// a box half a second of its boot.
func layFonts(root, list string) error {
	entries, err := os.ReadDir(list)
	if err != nil {
		return nil // there is none yet: the first test makes it
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), "fontlist-") || !strings.HasSuffix(entry.Name(), ".json") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(list, entry.Name()))
		if err == nil {
			err = layFont(root, entry.Name(), data)
		}
		if err != nil {
			return fmt.Errorf("lay fonts: %w", err)
		}
	}
	return nil
}

// analyst is the user that runs reviewed code, and everything but the supervisor of a run.
const analyst = 1000

// layBundle writes the OCI configuration of a box that runs the given program as the given
// user. Root of a box may become another user, and has no other right of root.
func layBundle(dir, root string, user int, python string, args ...string) error {
	rights := object{} // no capability in any set, and none to be had
	if user == 0 {
		become := []string{"CAP_SETUID"}
		rights = object{"bounding": become, "permitted": become, "effective": become}
	}
	config := object{
		"ociVersion": "1.0.2",
		"hostname":   "box",
		"root":       object{"path": root, "readonly": true}, // has to be absolute, since mounts are bound into it
		"process": object{
			"user":            object{"uid": user, "gid": analyst},
			"cwd":             "/",
			"args":            append([]string{python, "-I", "-B"}, args...), // no settings of a user's, and no bytecode written
			"env":             []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/tmp", "TMPDIR=/tmp"},
			"capabilities":    rights,
			"noNewPrivileges": true,
			// NPROC is counted by gVisor's kernel and holds against fork bombs. AS is no limit of memory,
			// which the meter has: numpy and its threads map far more than they ever use.
			"rlimits": []object{
				rlimit("NPROC", 64), rlimit("NOFILE", 256), rlimit("FSIZE", workMB<<20), rlimit("CORE", 0),
				rlimit("MEMLOCK", 0), rlimit("AS", 64<<30),
			},
		},
		"mounts": mounts(python),
		"linux": object{"namespaces": []object{
			{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
		}},
	}
	data, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return fmt.Errorf("lay bundle: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("lay bundle: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), data, 0o644); err != nil {
		return fmt.Errorf("lay bundle: %w", err)
	}
	return nil
}

func rlimit(name string, most uint64) object {
	return object{"type": "RLIMIT_" + name, "soft": most, "hard": most}
}

// mounts are what a box sees beside its root: of the host /usr and two folders of /etc, read-only;
// all that it can write to is in memory, ends with it, and has a size.
func mounts(python string) []object {
	all := []object{
		{"destination": "/proc", "type": "proc", "source": "proc"},
		tmpfs("/tmp", tmpMB),
		tmpfs("/work", workMB),
		tmpfs("/out", outMB),
		tmpfs("/dev/shm", 1),
	}
	for _, path := range []string{"/usr", "/etc/alternatives", "/etc/fonts"} {
		if _, err := os.Stat(path); err == nil {
			all = append(all, object{"destination": path, "type": "bind", "source": path,
				"options": []string{"rbind", "ro", "nosuid", "nodev"}})
		}
	}
	// What somebody has put beside the distribution's files is not in the
	// template's description, unless the interpreter itself is among it.
	if !strings.HasPrefix(python, "/usr/local/") {
		hidden := tmpfs("/usr/local", 1)
		hidden["options"] = append(hidden["options"].([]string), "ro")
		all = append(all, hidden)
	}
	return all
}

// tmpfs is a mount of its own in memory. runsc drops an option for the number
// of inodes; the supervisor in the box counts those, and they are memory, too.
func tmpfs(at string, mb int) object {
	return object{"destination": at, "type": "tmpfs", "source": "tmpfs", "options": []string{
		"nosuid", "nodev", "mode=0700", "uid=1000", "gid=1000",
		fmt.Sprintf("size=%dm", mb)}}
}
