"""Keeps the code of a cloud box apart from all else in it, and tells from outside what it opens and starts.

Only where a box is a machine of its own, and this is root in it. supervise.py loads it when it is asked to guard: then the
process that was started stays as the witness, and the supervisor is its child.
"""

import ctypes
import errno
import json
import os
import select
import shutil
import signal
import socket
import struct
import time

HOME = "/home/user/countersign/"  # where the host puts everything, in a box of E2B and nowhere else
PLACE = "/opt/countersign"        # which the code's user can reach
USER = 64017                      # the user that runs the code: it owns nothing, and no other process is its
ENVD = 49983                      # the port of the daemon through which the host collects

NEWNET = 0x40000000
CLOEXEC, UNLIMITED, ADD, FILESYSTEM, ONDIR = 1, 0x10, 1, 0x100, 0x40000000
OPEN, OPEN_EXEC, OVERFLOW = 0x20, 0x1000, 0x4000
EVENT = struct.Struct("=IBBHQii")
MOST = 2000                       # sightings that are kept

libc = ctypes.CDLL(None, use_errno=True)


class Unable(Exception):
    """There can be no witness here, and why."""


def check(result, what):
    if result < 0:
        raise Unable("%s: %s" % (what, os.strerror(ctypes.get_errno())))
    return result


def possible(here):
    """Only a box of E2B is a machine that is ours to close. Anywhere else this would end other people's programs."""
    return here.startswith(HOME) and os.geteuid() == 0


def move(here, *folders):
    """Copies the runner to where the code's user can read it, and makes that user's folders."""
    shutil.copytree(here, os.path.join(PLACE, "runner"))
    for name in folders:
        path = os.path.join(PLACE, name)
        os.mkdir(path, 0o700)
        os.chown(path, USER, USER)
    for path, inner, files in os.walk(os.path.join(PLACE, "runner")):
        for name in inner:
            os.chmod(os.path.join(path, name), 0o755)
        for name in files:
            os.chmod(os.path.join(path, name), 0o644)
    for path in (PLACE, os.path.join(PLACE, "runner")):
        os.chmod(path, 0o755)
    os.environ.update(HOME="/tmp", TMPDIR="/tmp")  # what was root's is of no use to that user


def settle():
    """Closes the ways round the witness: filesystems of one's own, and programs that are in no file."""
    for name, value in (("user/max_user_namespaces", "0"), ("vm/memfd_noexec", "2")):
        try:
            with open("/proc/sys/" + name, "r+") as setting:
                setting.write(value)
            with open("/proc/sys/" + name) as setting:
                if setting.read().split()[0] != value:
                    raise Unable("%s cannot be set" % name)
        except OSError as e:
            raise Unable("%s: %s" % (name, e.strerror))


def listeners():
    """The inodes of the sockets that take connections or datagrams, by port."""
    found = {}
    for name in ("tcp", "tcp6", "udp", "udp6"):
        try:
            with open("/proc/net/" + name) as table:
                rows = [line.split() for line in table][1:]
        except FileNotFoundError:
            continue
        for row in rows:
            if name.startswith("udp") or row[3] == "0A":
                found[row[9]] = int(row[1].rpartition(":")[2], 16)
    return found


def owners(inodes):
    """The processes that hold these sockets."""
    found = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir("/proc/%s/fd" % pid):
                target = os.readlink("/proc/%s/fd/%s" % (pid, fd))
                if target.startswith("socket:[") and target[8:-1] in inodes:
                    found.add(int(pid))
        except OSError:
            pass
    return found


def silence():
    """Ends whatever else takes connections in this box: what runs as root there would do for the code what it may not."""
    for _ in range(5):
        others = {inode for inode, port in listeners().items() if port != ENVD}
        pids = owners(others) - {1, os.getpid()}
        if not others:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.3)  # a service that is started again comes within that
    raise Unable("something else in the box takes connections")


def confine(user):
    """Makes this process the code's user for good, without a network and without any right. There is no way back."""
    os.seteuid(0)  # which a supervisor that acts as that user still may
    check(libc.unshare(NEWNET), "a network of its own")
    for right in range(64):
        if libc.prctl(24, right, 0, 0, 0) < 0:  # PR_CAPBSET_DROP
            break
    check(libc.prctl(38, 1, 0, 0, 0), "no new rights")  # PR_SET_NO_NEW_PRIVS
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)


def prove():
    """Tries as the code's user what must not be possible."""
    pid = os.fork()
    if pid == 0:
        status = 9
        try:
            confine(USER)
            status = 0
            with socket.socket() as s:
                s.settimeout(2)
                status |= s.connect_ex(("127.0.0.1", ENVD)) == 0
            status |= (libc.unshare(0x10000000) == 0) << 1
            fd = libc.memfd_create(b"x", 0)
            if fd >= 0:
                os.write(fd, b"#!/bin/true\n")
                if os.fork() == 0:
                    try:
                        os.execve(fd, ["x"], {})
                    except OSError as e:
                        os._exit(0 if e.errno in (errno.EACCES, errno.EPERM) else 4)
                status |= os.waitstatus_to_exitcode(os.wait()[1])
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status:
        raise Unable("the code's user could get out (%d)" % status)


class Witness:
    """What the code's user opens and starts, by the kernel's word."""

    def __init__(self, record):
        self.record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self.known, self.begun = set(), False
        self.fd = check(libc.fanotify_init(CLOEXEC | UNLIMITED, os.O_RDONLY | os.O_LARGEFILE | os.O_CLOEXEC), "fanotify")
        os.set_blocking(self.fd, False)
        watched = 0
        with open("/proc/self/mountinfo") as mounts:
            places = sorted({line.split()[4] for line in mounts})
        for place in places:
            # Filesystems and not mounts: another mount of the same files would not be seen.
            done = libc.fanotify_mark(self.fd, ADD | FILESYSTEM, ctypes.c_uint64(OPEN | OPEN_EXEC | ONDIR), -100, os.fsencode(place))
            watched += done == 0
        if not watched:
            raise Unable("no filesystem can be watched")

    def tell(self, what, value):
        if (what, value) in self.known:
            return
        if what in ("opened", "started"):
            self.begun = self.begun or what == "opened" and value.startswith(os.path.join(PLACE, "mark-"))
            if not self.begun:
                return  # the boot's, of which the host takes nothing either
            if len(self.known) >= MOST:
                return self.tell("gap", "more")
        self.known.add((what, value))
        os.write(self.record, json.dumps({what: value}).encode() + b"\n")

    def read(self):
        """Takes in what is there. False when there is nothing."""
        try:
            data, at = os.read(self.fd, 1 << 16), 0
        except BlockingIOError:
            return False
        while at < len(data):
            size, _, _, _, mask, fd, pid = EVENT.unpack_from(data, at)
            at += size
            if mask & OVERFLOW:
                self.tell("gap", "dropped")
                continue
            try:
                path = os.readlink("/proc/self/fd/%d" % fd)
                if pid != self.supervisor and owner(pid) in (USER, None):
                    self.tell("started" if mask & OPEN_EXEC else "opened", path)
            finally:
                os.close(fd)
        return bool(data)

    def until_end(self, pid):
        """Watches until the supervisor has ended, and returns its status."""
        self.supervisor, pidfd = pid, os.pidfd_open(pid)
        while not select.select([self.fd, pidfd], [], [])[0] == [pidfd]:
            self.read()
        while self.read():
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.tell("end", status)
        return status


def owner(pid):
    """The user of a process; None when it has gone already, and may have been the code's."""
    try:
        return os.stat("/proc/%d" % pid).st_uid if pid else 0
    except OSError:
        return None


def stand(here, result):
    """Closes the box and stays as the witness; the supervisor goes on in a child, to which it returns. Where there can be
    no witness, the record says why, and nobody stays."""
    move(here, "work", "out")
    record = os.path.join(os.path.dirname(result), "seen")
    try:
        settle()
        silence()
        prove()
        witness = Witness(record)
    except (Unable, OSError) as e:
        with open(record, "w") as note:
            note.write(json.dumps({"unable": str(e)}) + "\n")
        return
    pid = os.fork()
    if pid == 0:
        os.close(witness.fd)
        os.close(witness.record)
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os._exit(witness.until_end(pid) & 255)
