"""Keeps the code of a cloud box apart from all else in it, so that it can be told from outside what it opens and starts.

Only where a box is a machine of its own, and this is root in it. supervise.py loads it when it is asked to guard: then the
process that was started stays as the witness (seen.py), and the supervisor is its child. Nothing here is believed because it
was done: what the code's user must not be able to do is tried as that user before the code begins.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import time

HOME = "/home/user/countersign/"  # where the host puts everything, in a box of E2B and nowhere else
PLACE = "/opt/countersign"        # which the code's user can reach
USER = 64017                      # the user that runs the code: it owns nothing, and no other process is its
ENVD = 49983                      # the port of the daemon through which the host collects
PROCESSES = 512                   # of that user at once

WRITABLE = ("/tmp", "/dev/shm", PLACE + "/work", PLACE + "/out")  # all that the code can write to

NEWNET, NEWNS = 0x40000000, 0x20000
BIND, ALL, PRIVATE = 0x1000, 0x4000, 1 << 18  # of mount
SET_MOUNT, FROM_HERE, BELOW, READ_ONLY = 442, -100, 0x8000, 1  # mount_setattr has one number everywhere

# use_errno keeps the errno of each call for get_errno: without it Python's own calls in between would overwrite it.
libc = ctypes.CDLL(None, use_errno=True)
calls = door = seen = None        # the siblings, which supervise.py and read.py put here
folders = None                    # the descriptor of the namespace in which the code's folders are, and
HIGH = 300                        # above what is closed for the code


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
    # What the host put below HOME stays root's alone, the job with its stamp among it; only the runner's own text is copied.
    shutil.copytree(here, os.path.join(PLACE, "runner"))
    for name in folders:
        path = os.path.join(PLACE, name)
        os.mkdir(path, 0o700)
        os.chown(path, USER, USER)
    # copytree takes the modes along, whatever they were: the code's user has to read all of it and may write to none.
    for path, inner, files in os.walk(os.path.join(PLACE, "runner")):
        for name in inner:
            os.chmod(os.path.join(path, name), 0o755)
        for name in files:
            os.chmod(os.path.join(path, name), 0o644)
    for path in (PLACE, os.path.join(PLACE, "runner")):
        os.chmod(path, 0o755)
    os.environ.update(HOME="/tmp", TMPDIR="/tmp")  # what was root's is of no use to that user


def settle():
    """Has the kernel close what its settings can: filesystems of one's own, programs that are in no file, second names for
    files of others, numbers of processes that come round again. Not every kernel has each of them, and E2B's of 2026 (6.1)
    does not know memfd_noexec; so prove tries what matters."""
    for name, value in (("user/max_user_namespaces", "0"), ("vm/memfd_noexec", "2"), ("fs/protected_hardlinks", "1"),
                        ("fs/protected_symlinks", "1"), ("kernel/pid_max", "4194304")):
        with contextlib.suppress(OSError), open("/proc/sys/" + name, "r+") as setting:
            setting.write(value)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as mine:
        mine.write("-1000")  # when memory is short, the code ends before its witness


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
            # The fourth field is the state, and 0A is LISTEN. A UDP socket has no such state: whatever is bound takes datagrams.
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
                # A link of /proc/PID/fd names the inode of a socket, which is all that ties it to a row of /proc/net.
                if target.startswith("socket:[") and target[8:-1] in inodes:
                    found.add(int(pid))
        except OSError:
            pass
    return found


def service(pid):
    """The service of systemd's that a process belongs to, which would be started again."""
    try:
        with open("/proc/%d/cgroup" % pid) as groups:
            units = [part for line in groups for part in line.strip().split("/") if part.endswith(".service")]
    except OSError:
        return None
    # envd is the daemon through which the host collects the result: whatever else belongs to its service is killed
    # by its number, but the service is never stopped.
    return units[-1] if units and "envd.service" not in units else None


def hush():
    """Ends whatever else takes connections in this box, once. Returns who that was."""
    found = listeners()
    others = {inode for inode, port in found.items() if port != ENVD}
    if not others:
        return set()
    # Process 1 holds sockets for services that it would start on demand, and the box ends with it; envd may hold more
    # ports than its own, and is spared by whoever holds that one.
    pids = owners(others) - owners(set(found) - others) - {1, os.getpid()}
    # First the service, then its process: what systemd restarts would listen again before the next look. --no-block,
    # since a stop may wait for a minute and a half for a process that is killed below anyhow.
    for unit in {service(pid) for pid in pids} - {None}:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(["systemctl", "stop", "--no-block", unit], env={"PATH": "/usr/bin:/bin"}, capture_output=True, timeout=10)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pids


def silence():
    """Ends whatever else takes connections in this box: what runs as root there would do for the code what it may not."""
    for _ in range(10):
        if not hush():
            return
        time.sleep(0.3)
    raise Unable("something else in the box takes connections")


def shut_folders():
    """Makes everything read-only for this process but for the code's own folders. E2B leaves /usr/local to be written by anybody,
    where Python itself is: who changes a library there changes what root runs."""
    # Private first: among mounts that are shared the binds below would appear in the box itself as well.
    check(libc.unshare(NEWNS), "folders of its own")
    check(libc.mount(None, b"/", None, ALL | PRIVATE, None), "folders of its own")
    # Each is bound to itself, which makes it a mount that can stay writable while all around it becomes read-only.
    places = [place.encode() for place in WRITABLE if os.path.isdir(place)]
    for place in places:
        check(libc.mount(place, place, None, BIND, None), "a folder to write to")
    for place, below, change in [(b"/", BELOW, (READ_ONLY, 0, 0, 0))] + [(place, 0, (0, READ_ONLY, 0, 0)) for place in places]:
        # struct mount_attr: the flags to set, those to clear, the propagation, and a user namespace; 32 is its size.
        # For / with all that is below it, and after that taken back for the few places.
        done = libc.syscall(SET_MOUNT, FROM_HERE, place, below, struct.pack("=QQQQ", *change), ctypes.c_size_t(32))
        check(done, "folders that cannot be written")


def lay_folders():
    """Shuts the folders in a namespace that stays until the witness ends: in one that ends with the code, what it opened last
    would have lost the way to its place before the witness looks."""
    global folders
    mine, at = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC), os.getcwd()
    try:
        shut_folders()
        theirs = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        folders = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, HIGH)
        os.close(theirs)
    finally:
        back = libc.setns(mine, NEWNS)
        os.close(mine)
        os.chdir(at)  # whoever comes into a namespace is at its root
    check(back, "the way back to the box's own folders")


def enter_folders():
    """Where no witness stands there is none to keep them for."""
    if folders is None:
        return shut_folders()
    at = os.getcwd()
    check(libc.setns(folders, NEWNS), "the folders that were laid")
    os.chdir(at)
    os.close(folders)


def confine(user, way=None):
    """Makes this process the code's user for good, without any right, with nothing to write to but its folders, and with no
    network but a way that was made for it."""
    os.seteuid(0)  # which a supervisor that acts as that user still may
    # The order holds from here on: what needs root's rights (a network, folders, the bounding set) comes before the user is
    # changed, groups before the user, since afterwards nobody may change them, and the filter last, for it
    # refuses unshare, setns and mount to this process as well.
    os.setsid()
    if way is None:
        check(libc.unshare(NEWNET), "a network of its own")
    elif not way.enter(libc):
        raise Unable("the network that was made for it")
    enter_folders()
    for right in range(64):
        # The kernel says of the first right that it does not know that it is invalid: there are no more.
        if libc.prctl(24, right, 0, 0, 0) < 0:  # PR_CAPBSET_DROP
            break
    # No set-user-id program gives rights any more, and only so may a process without any put a filter on itself.
    check(libc.prctl(38, 1, 0, 0, 0), "no new rights")  # PR_SET_NO_NEW_PRIVS
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as mine:
        # The opposite of settle's: among all in this box the kernel chooses the code's processes first.
        mine.write("500")
    # It counts all processes of the user, and no other process is that user's, so it bounds the code as a whole.
    resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if not calls.narrow(libc, way is not None):
        raise Unable("a filter of system calls")


def own_addresses():
    """The addresses that this box itself has."""
    # In fib_trie the address stands in the line before the one that says that it is local.
    found, last = {"127.0.0.1"}, ""
    with contextlib.suppress(OSError), open("/proc/net/fib_trie") as table:
        for line in table:
            if "/32 host LOCAL" in line:
                found.add(last)
            last = line.split()[-1]
    return found


def could(ports, addresses, parent):
    """What this process can do and must not: each is tried."""
    with open("/proc/self/status") as status:
        said = {name: value.split() for name, _, value in (line.partition(":") for line in status)}
    # Real, effective, saved and filesystem: with one of the four being root's, the code could become root again.
    right = {"Uid": [str(USER)] * 4, "Gid": [str(USER)] * 4, "Groups": [], "NoNewPrivs": ["1"], "Seccomp": ["2"]}
    right.update((name, ["0" * 16]) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"))
    # A kernel that has no such line has no such right either, and what is missing is taken for right.
    yield from (name for name, value in right.items() if said.get(name, value) != value)

    def reached(family, kind, at):
        try:
            with socket.socket(family, kind) as s:
                s.settimeout(1)
                return at is None or s.connect_ex(at) == 0
        except OSError:
            return False

    # Also by the addresses that the box has on its network: a service may listen there and not on the loopback.
    yield from ("port %d" % port for port in ports for at in addresses if reached(socket.AF_INET, socket.SOCK_STREAM, (at, port)))
    for family, name in ((1, "sockets of files"), (10, "IPv6"), (16, "netlink"), (17, "packets"), (40, "the host of the machine")):
        if reached(family, socket.SOCK_STREAM, None) or reached(family, socket.SOCK_DGRAM, None):
            yield name
    if reached(socket.AF_INET, socket.SOCK_DGRAM, None):
        yield "UDP"
    yield from ("a namespace (%x)" % kind for kind in (0x10000000, NEWNS, NEWNET) if libc.unshare(kind) == 0)
    yield from (at for at in ("/", "/etc", "/usr/local", "/usr/local/bin", os.path.dirname(os.__file__), os.__file__, PLACE, HOME) if os.access(at, os.W_OK))
    if libc.memfd_create(b"x", 0) >= 0:
        yield "a program in memory"
    yield from (change.__name__ for change in (os.setuid, os.setgid) if not refused(change, 0))
    if not refused(os.kill, parent, 0):
        yield "a signal to the supervisor"
    if not refused(os.open, "/proc/%d/mem" % parent, os.O_RDONLY):
        yield "the supervisor's memory"
    # In case the template lets everybody use sudo. With -n it never asks for a password.
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True, timeout=10).returncode == 0:
        yield "sudo"


def refused(call, *args):
    try:
        call(*args)
    except OSError as e:
        return e.errno in (errno.EPERM, errno.EACCES)
    return False


def prove(way):
    """Tries as the code's user what must not be possible, with all ports that answer in this box."""
    # Taken as root before the child loses its view: it has another network, in which these tables are empty.
    ports, addresses, parent = sorted({ENVD, 53, *listeners().values()}), own_addresses(), os.getpid()
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        # Any end but that of a complete trial counts as a failure, an exception within could() too.
        status = 9
        try:
            os.close(told)
            confine(USER, way)
            os.write(tell, json.dumps(list(could(ports, addresses, parent))).encode())
            status = 0
        except Unable as e:
            os.write(tell, json.dumps([str(e)]).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(tell)
    with os.fdopen(told, "rb") as said:
        data = said.read()
    # The order matters: after a trial that did not come to its end there may be no JSON to read.
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) or json.loads(data):
        raise Unable("the code's user could get out: %s" % (data and ", ".join(json.loads(data)) or "it could not be tried"))


def stand(here, result, hosts=()):
    """Closes the box and stays as the witness; the supervisor goes on in a child, to which it returns the way out for the code,
    if there is one, and why there is no witness, if there is none. Then the record says so, too, and nobody stays."""
    move(here, "work", "out")
    record, way = os.path.join(os.path.dirname(result), "seen"), None
    try:
        # settle and silence end what else listens in the box, its name server among it, so names are looked up before;
        # the door needs the network of before, and prove the finished door and folders. The witness comes last:
        # what is done until here is the runner's own, and would fill its record.
        found = [(host, door.addresses(host, Unable)) for host in hosts]  # as long as there is a name server
        settle()
        silence()
        if hosts:
            way = door.Door(libc, found, Unable)
        lay_folders()
        prove(way)
        witness = seen.Witness(libc, record, check, Unable)
    except (Unable, OSError) as e:
        # The host reads this in place of sightings and says in the result that nobody watched, and why.
        with open(record, "w") as note:
            note.write(json.dumps({"unable": str(e)}) + "\n")
        return None, str(e)
    keeper = None
    if way is not None:
        # Before the supervisor is split off, so that the supervisor, which acts as the code's user, has no part of the door.
        keeper = way.keep(witness.tell)
        way.close()
        witness.tell("door", len(hosts))
    pid = os.fork()
    if pid == 0:
        witness.leave()
        return way, ""
    if way is not None:
        os.close(way.network)
    # The witness ends when the supervisor has, and not before: its last line is what makes the record complete.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    status = witness.until_end(pid, hush)
    if keeper is not None:
        os.kill(keeper, signal.SIGKILL)
    os._exit(status & 255)
