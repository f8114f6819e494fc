"""The witness in a cloud box: what the code's user opens, writes, starts, renames and deletes, by the kernel's word (fanotify).

Loaded by guard.py. It writes each thing down as it happens, in a file that only root can read and that the host reads while
the code runs. What it cannot tell is a gap with a code of its own.
"""

import collections
import contextlib
import ctypes
import json
import os
import select
import struct
import time

PLACE = "/opt/countersign"  # as in guard.py
USER = 64017

CLOEXEC, UNLIMITED, NAMES = 1, 0x10, 0xC00
ADD, FILESYSTEM, ONDIR = 1, 0x100, 0x40000000
OPEN, OPEN_EXEC, WRITTEN, OVERFLOW = 0x20, 0x1000, 0x8, 0x4000
MOVED, DELETED = 0x40 | 0x80, 0x200
EVENT = struct.Struct("=IBBHQii")
MOST = 2000         # sightings that are kept of each kind; files of the working folder are a kind of their own
ROOM = 1 << 19      # bytes of them, for names are long: all six kinds together stay below what the host reads (4 MB)
AT_ONCE = 1 << 14   # bytes of events: each of the 682 has a descriptor, and a process may have 1024
NO_FILES = ("nsfs", "mqueue", "pstore", "bpf", "autofs", "binfmt_misc", "configfs", "securityfs", "efivarfs", "rpc_pipefs")


class Witness:
    """What the code's user does to files, by the kernel's word."""

    def __init__(self, libc, record, check, unable):
        self.record = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self.known, self.kinds, self.sizes, self.begun, self.lost = set(), collections.Counter(), collections.Counter(), False, False
        self.opens = self.watch(libc, check, unable, 0, OPEN | OPEN_EXEC | WRITTEN | ONDIR, NO_FILES)
        # Names move on filesystems that can say of which file they speak; the others (proc) have none that the code could move.
        self.moves = self.watch(libc, check, unable, NAMES, MOVED | DELETED | ONDIR, None)

    @staticmethod
    def watch(libc, check, unable, flags, events, without):
        """A group that hears of these events on every filesystem: on filesystems and not on mounts, since another mount of the
        same files would not be seen."""
        fd = check(libc.fanotify_init(CLOEXEC | UNLIMITED | flags, os.O_RDONLY | os.O_LARGEFILE | os.O_CLOEXEC), "fanotify")
        os.set_blocking(fd, False)
        with open("/proc/self/mountinfo") as mounts:
            kinds = {fields[4]: fields[fields.index("-") + 1] for fields in map(str.split, mounts)}
        for place, kind in sorted(kinds.items()):
            path = place.encode().decode("unicode_escape").encode("latin-1")
            if libc.fanotify_mark(fd, ADD | FILESYSTEM, ctypes.c_uint64(events), -100, path) < 0 \
                    and (place == "/" or without is not None and kind not in without and os.path.lexists(path)):
                raise unable("%s (%s) cannot be watched: %s" % (place, kind, os.strerror(ctypes.get_errno())))
        return fd

    def leave(self):
        """For whoever is not the witness."""
        for fd in (self.opens, self.moves, self.record):
            os.close(fd)

    def tell(self, what, value):
        """Writes it down, once. False where the record does not hold it: then it must not come to a proper end."""
        if (what, value) in self.known:
            return True
        line = b"\n" + json.dumps({what: value}).encode() + b"\n"  # what was there before may be half a line
        if what in ("opened", "written", "started", "deleted") or (what, value) == ("gap", "rename"):
            self.begun = self.begun or what == "opened" and value.startswith(os.path.join(PLACE, "mark-"))
            if not self.begun:
                return True  # the boot's, of which the host takes nothing either
            kind = what, str(value).startswith(os.path.join(PLACE, "work"))
            self.kinds[kind] += 1
            self.sizes[kind] += len(line)
            if self.kinds[kind] > MOST or self.sizes[kind] > ROOM:
                return self.tell("gap", "more")
        try:
            whole = os.write(self.record, line) == len(line)
        except OSError:  # as where the code has filled the disk
            whole = False
        if whole:
            self.known.add((what, value))
        else:
            self.lost = True
        return whole

    def read(self, group):
        """Takes in what is there. False when there is nothing."""
        try:
            data, at = os.read(group, AT_ONCE), 0
        except BlockingIOError:
            return False
        except OSError:  # a file that cannot be opened even for its witness, or no descriptor: that event is gone
            self.tell("gap", "dropped")
            return True
        # The mark with which the code begins comes by the other group. A move that follows on it is the code's, though it is read before it.
        while group == self.moves and not self.begun and self.read(self.opens):
            pass
        while at < len(data):
            size, _, _, _, mask, fd, pid = EVENT.unpack_from(data, at)
            at += size
            if mask & OVERFLOW:
                self.tell("gap", "dropped")
                continue
            try:
                if pid != self.supervisor and owner(pid) in (USER, None):
                    self.event(mask, fd)
            finally:
                if fd >= 0:
                    os.close(fd)
        return bool(data)

    def event(self, mask, fd):
        if fd < 0:
            if mask & MOVED:
                self.tell("gap", "rename")
            if mask & DELETED:
                self.tell("deleted", True)
            return
        try:
            path = os.readlink("/proc/self/fd/%d" % fd)
        except OSError:  # a place that is longer than the kernel says
            self.tell("gap", "dropped")
            return
        if mask & (OPEN | OPEN_EXEC):  # equal events that wait are one
            self.tell("started" if mask & OPEN_EXEC else "opened", path)
        if mask & WRITTEN:
            self.tell("written", path)

    def until_end(self, pid, hush):
        """Watches until the supervisor has ended, and returns its status. What else comes to listen is ended."""
        self.supervisor, pidfd, looked = pid, os.pidfd_open(pid), time.monotonic()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)  # however much the code has the machine do
        while True:
            ready = select.select([self.opens, self.moves, pidfd], [], [], 1)[0]
            if time.monotonic() - looked > 1:
                hush()
                looked = time.monotonic()
            for group in (self.opens, self.moves):
                if group in ready:
                    self.read(group)
            if ready == [pidfd]:
                break
        for group in (self.opens, self.moves):
            while self.read(group):
                pass
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if not self.lost:
            self.tell("end", status)
        return status


def owner(pid):
    """The user of a process; None when it has gone already, and may have been the code's."""
    try:
        return os.stat("/proc/%d" % pid).st_uid if pid else 0
    except OSError:
        return None
