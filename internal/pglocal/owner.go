package pglocal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// owner is the user that Postgres runs as and that its files belong to.
type owner struct {
	uid, gid int
	name     string
	dropped  bool // another user than ours, since Postgres refuses to run as root
}

// findOwner chooses who Postgres runs as when user mine starts it. A cluster that
// exists keeps its owner.
func findOwner(data string, mine, group int) (owner, error) {
	theirs, exists := ownerOf(data)
	switch {
	case mine != 0 && exists && theirs != mine:
		return owner{}, fmt.Errorf("the database in %s belongs to %s; run this as that user, or choose another folder", filepath.Dir(data), userName(theirs))
	case mine != 0:
		name, ok := nameOf(mine)
		if !ok {
			return owner{}, fmt.Errorf("user number %d has no name on this machine, and Postgres runs for nobody without one: add a line to /etc/passwd, or, for the user that systemd makes (DynamicUser), apt-get install libnss-systemd", mine)
		}
		return owner{uid: mine, gid: group, name: name}, nil
	case exists && theirs != 0:
		return dropTo(user.LookupId(strconv.Itoa(theirs)))
	}
	return droppable()
}

// nameOf is the name of a user. A static program reads /etc/passwd alone, and the user of a systemd service with
// DynamicUser does not stand there; Postgres asks the C library, as getent does.
func nameOf(uid int) (name string, ok bool) {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username, true
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	line, err := exec.CommandContext(ctx, "getent", "passwd", strconv.Itoa(uid)).Output()
	if err != nil {
		return "", false
	}
	name, _, ok = strings.Cut(string(line), ":")
	return name, ok && name != ""
}

// whoRuns is the name of the user that this process runs as. Where nobody has set HOME, the library does not say.
func whoRuns() (string, error) {
	name, ok := nameOf(os.Getuid())
	if !ok {
		return "", fmt.Errorf("user number %d, who runs this, has no name on this machine", os.Getuid())
	}
	return name, nil
}

// droppable is who root becomes. It has to be a user with a name: Postgres
// looks itself up.
func droppable() (owner, error) {
	for _, name := range []string{"postgres", "nobody"} {
		if o, err := dropTo(user.Lookup(name)); err == nil {
			return o, nil
		}
	}
	return owner{}, errors.New("root cannot run Postgres, and there is neither a user postgres nor a user nobody to run it as: create one with: useradd --system postgres")
}

// dropTo is somebody as whom postgres runs where this program is root: postgres itself refuses to.
func dropTo(u *user.User, err error) (owner, error) {
	if err != nil {
		return owner{}, err
	}
	uid, err := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return owner{uid: uid, gid: gid, name: u.Username, dropped: true}, errors.Join(err, err2)
}

// credential makes a child run as the owner, with none of root's groups.
func (o owner) credential() *syscall.Credential {
	if !o.dropped {
		return nil
	}
	return &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
}

// own makes a folder that only the owner can enter, or checks that an existing
// one is exactly that: in a folder like /tmp a stranger may have been there first.
func (o owner) own(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if err == nil {
		if o.dropped {
			err = os.Chown(dir, o.uid, o.gid)
		}
		return err
	}
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if uid, _ := ownerOf(dir); !info.IsDir() || uid != o.uid || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s exists, and is not a private folder of %s", dir, o.name)
	}
	return nil
}

// passes checks that the owner can get to a folder at all: a state folder below
// root's home is out of reach for whoever root has become.
func (o owner) passes(dir string) error {
	if !o.dropped {
		return nil
	}
	for d := dir; ; d = filepath.Dir(d) {
		info, err := os.Stat(d)
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		bit := fs.FileMode(0o001)
		if int(stat.Uid) == o.uid {
			bit = 0o100
		} else if int(stat.Gid) == o.gid {
			bit = 0o010
		}
		if info.Mode()&bit == 0 {
			return fmt.Errorf("here Postgres runs as %s, who cannot pass through %s: choose a folder elsewhere, such as one below /var/lib", o.name, d)
		}
		if d == filepath.Dir(d) {
			return nil
		}
	}
}

// ownerOf is whose a file is. A link is not followed: whose it leads to is no word of the folder's owner.
func ownerOf(path string) (uid int, exists bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return 0, false
	}
	return int(info.Sys().(*syscall.Stat_t).Uid), true
}

// userName is how people know a user: a number has a name in most cases.
func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return fmt.Sprintf("user number %d", uid)
}
