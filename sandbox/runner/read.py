"""Reads data files and says how each is to be read. No program runs here.

    read.py JOB RESULT WORK [guard]

Files are read one after another in a process that may open the file and the image's
own libraries, start nothing and connect to nothing; what it says is passed on in
frames by this one. A file that is a bomb ends that process, or at most this box; the
next file gets a new one. Before the first file it opens the mark, so that whoever watches
from outside knows where reading begins. In a machine of its own, as root, it is guarded as a
program is: the reader gets a user, and a witness stays beside it.
"""

import contextlib
import errno
import gc
import hashlib
import importlib
import importlib.util
import io
import json
import os
import resource
import select
import signal
import struct
import sys
import tempfile
import time
import traceback
import types

HERE = os.path.dirname(os.path.abspath(__file__))
CHUNK = 1 << 18
MOST_SAID = 8 << 20    # bytes of a reading
MOST_CSV = 1 << 30     # and of a table that is converted: the host takes no more either
MISBEHAVED = 77
PIECE = struct.Struct(">cI")
# Audit events that no reading of a file raises. Any of them means that a file has taken over the reader, so the process ends at
# once (77) and the file is refused as "misbehaved".
NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "pty.spawn", "os.startfile",
         "socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "ctypes.dlopen", "os.kill", "os.rename", "os.symlink", "os.link", "shutil.rmtree")


def load(name):
    """Loads a sibling; this folder is not on the path, where inspect.py would hide Python's own."""
    module = types.ModuleType("countersign_" + name)
    path = os.path.join(HERE, name + ".py")
    with open(path, encoding="utf-8") as source:
        exec(compile(source.read(), path, "exec"), module.__dict__)
    return module


def desk():
    """The desk, as programs import it."""
    folder = os.path.join(HERE, "desk")
    spec = importlib.util.spec_from_file_location("desk", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
    module = importlib.util.module_from_spec(spec)
    sys.modules["desk"] = module
    spec.loader.exec_module(module)
    return module


def watch(work):
    """Ends this process when it does what reading a file never needs."""
    # Where Python, its libraries and the file itself are. realpath below: a link in the working folder leads nowhere else.
    allowed = ("/usr/", "/lib", "/etc/", "/proc/self/", "/dev/null", "/dev/urandom", HERE + "/", work + "/", os.environ.get("TMPDIR", "/tmp") + "/", sys.prefix + "/", sys.base_prefix + "/")

    def hook(event, args):
        if event == "open":
            path = args[0]
            # A descriptor that is open already; whatever opened it was looked at then.
            if isinstance(path, int):
                return
            path = os.fsdecode(path) if isinstance(path, (bytes, str)) else str(path)
            if not os.path.realpath(path).startswith(allowed):
                os._exit(MISBEHAVED)
        elif event in NEVER:
            os._exit(MISBEHAVED)

    sys.addaudithook(hook)


def fence(memory_mb):
    """So much more memory than this process has now."""
    with open("/proc/self/statm") as f:
        have = int(f.read().split()[0]) * resource.getpagesize()
    most = have + (memory_mb << 20)
    # The hard limit of the box stays as it is and is never exceeded; asking for more would be refused.
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Pipe:
    """Text that a child writes, as pieces to its parent."""

    def __init__(self, fd):
        self.fd = fd

    def send(self, kind, data):
        data = memoryview(PIECE.pack(kind, len(data)) + data)
        while data:
            data = data[os.write(self.fd, data):]


class Table(io.TextIOBase):
    """Where a converted table is written: it goes on to the parent, piece by piece."""

    def __init__(self, pipe):
        self.pipe, self.parts, self.size, self.sent = pipe, [], 0, 0

    def write(self, text):
        self.parts.append(text)
        self.size += len(text)
        if self.size > CHUNK:
            self.flush()
        return len(text)

    def flush(self):
        if self.parts:
            data = "".join(self.parts).encode("utf-8", "replace")
            self.parts, self.size = [], 0
            # Counted in bytes here, as the host does: size above is characters, and only says when to send.
            self.sent += len(data)
            if self.sent > MOST_CSV:
                from desk import words
                raise words.Refused("converted", most=MOST_CSV >> 20)
            for at in range(0, len(data), CHUNK):
                self.pipe.send(b"F", data[at:at + CHUNK])


def child(orders, pipe, head, work):
    """Reads one file after another, as they are named: each one's table as CSV and then its reading go to the pipe."""
    from desk import glimpse, opening, reading, words
    os.environ["TMPDIR"] = tempfile.tempdir = work  # where an archive is unpacked
    fence(head["memory_mb"])
    # The mark, which tells whoever watches from outside that the files come next. Where there is no such file
    # the attempt is seen all the same. It comes before the hook, which would end this process for it.
    with contextlib.suppress(OSError):
        os.close(os.open(head["mark"], os.O_RDONLY))
    watch(work)
    path = os.path.join(work, "input")
    for order in orders:
        about, table = json.loads(order), Table(pipe)
        name = about["name"]
        try:
            if about.get("preview"):  # in several encodings: nothing is said of how it is read
                table.write(json.dumps(opening.preview(path, name, about["preview"])))
                raise words.Refused("encoding")
            if about.get("look"):
                answer = {"glimpse": glimpse.look(path, name, about["reading"], about["look"] == "samples")}
            else:
                answer = {"reading": reading.read(path, name, table if head["csv"] else None, about.get("told"))}
                table.flush()
        except words.Refused as e:
            if about.get("preview"):
                table.flush()
            answer = {"problem": {"code": e.code, "facts": e.facts}}
        except MemoryError:
            answer = {"problem": {"code": "memory", "facts": {}}}
        except RecursionError:
            answer = {"problem": {"code": "deep", "facts": {}}}
        # In a local box the working folder is in memory, so a full disk is told as memory that is short.
        except OSError as e:
            answer = {"problem": {"code": "memory" if e.errno == errno.ENOSPC else "failed", "facts": {}}}
        except Exception:
            if head.get("debug"):
                traceback.print_exc()
            answer = {"problem": {"code": "failed", "facts": {}}}
        pipe.send(b"R", json.dumps(answer).encode())
        # One process reads many files: what the last one left in cycles would count against the memory of the next.
        gc.collect()


class Reader:
    """A process that reads files, and what comes out of it. It is made anew when a file has ended it."""

    def __init__(self, head, work, become):
        self.head = head
        orders, said = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(orders[1])
                os.close(said[0])
                os.closerange(3, min(orders[0], said[1]))  # job and result, which are none of its business
                become()
                null = os.open(os.devnull, os.O_RDWR)
                # A library that reads from stdin finds its end there, and nothing of the host's.
                os.dup2(null, 0)
                with os.fdopen(orders[0]) as lines:
                    child(lines, Pipe(said[1]), head, work)
                status = 0
            except MemoryError:
                status = 3
            finally:
                os._exit(status)
        os.close(orders[0])
        os.close(said[1])
        self.orders, self.said, self.alive = orders[1], said[0], True

    def read(self, about, send):
        """Has the file that lies ready read and passes its table on; returns what was said, or why nothing was."""
        # Every file has the whole time, whatever those before it took.
        until, data = time.monotonic() + self.head["seconds"], b""
        order = memoryview(json.dumps(about).encode() + b"\n")
        while order:
            order = order[os.write(self.orders, order):]
        while True:
            while len(data) >= PIECE.size:
                kind, size = PIECE.unpack(data[:PIECE.size])
                # The size is the child's own word, and a file may have taken the child over: it is not waited for without bound.
                if size > MOST_SAID:
                    return self.end("failed")
                if len(data) < PIECE.size + size:
                    break
                piece, data = data[PIECE.size:PIECE.size + size], data[PIECE.size + size:]
                if kind == b"R":
                    return json.loads(piece)
                send(piece)
            left = until - time.monotonic()
            if left <= 0:
                return self.end("time", seconds=self.head["seconds"])
            if select.select([self.said], [], [], min(left, 1))[0]:
                more = os.read(self.said, CHUNK)
                if not more:
                    return self.end("")
                data += more

    def end(self, code, **facts):
        """Ends the process and says why it gave no answer."""
        self.alive = False
        # It may be in the midst of anything, and nothing that it still says would be believed.
        os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.said)
        os.close(self.orders)
        if not code:
            how = os.waitstatus_to_exitcode(status)
            # The kernel kills with SIGKILL when memory is short. Our own SIGKILL finds a code given, or a process that has ended.
            code = {MISBEHAVED: "misbehaved", 3: "memory", -signal.SIGKILL: "memory"}.get(how, "failed")
        return {"problem": {"code": code, "facts": facts}}


def main(job_at, result_at, work, guarded=""):
    global HERE
    become, rights, marks = (lambda: None), contextlib.nullcontext, "/"
    guard, machine = load("guard") if guarded else None, load("machine")
    if guard and guard.possible(HERE):
        guard.calls, guard.seen = load("calls"), load("seen")
        guard.stand(HERE, result_at)
        HERE, work, marks = os.path.join(guard.PLACE, "runner"), os.path.join(guard.PLACE, "work"), os.path.join(guard.PLACE, "mark-")
        become, rights = lambda: guard.confine(guard.USER), machine.as_root
        machine.act_as(guard.USER)
    frames = load("frames")
    machine.environment(os.path.dirname(HERE))
    os.makedirs(work, mode=0o700, exist_ok=True)
    with load("quick").imports():
        desk()
        importlib.import_module("desk.reading")  # and pandas: once, before the first file
    machine.prctl(4, 0)  # PR_SET_DUMPABLE: nobody of the same user reads our memory, which holds the stamp
    with rights():  # the host's folder is not the reader's user's
        result = frames.Writer(result_at, rights)
        reader = frames.Reader(frames.connect(job_at, os.O_RDONLY))
    result.send("Y")
    _, head, _ = reader.frame()
    result.stamp = bytes.fromhex(head.pop("stamp"))
    head["mark"] = marks + hashlib.sha256(b"mark" + result.stamp).hexdigest()[:32]
    if marks != "/":
        with rights():
            os.close(os.open(head["mark"], os.O_WRONLY | os.O_CREAT, 0o644))
    number, one = 0, None
    while True:
        kind, about, size = reader.opening()
        if kind == "Z":
            break
        if kind != "I":
            raise ValueError("the job has a frame that is none of a file")
        # Always the same name: what a file is called says nothing to the parsers, and cannot lead out of the folder.
        reader.into(os.path.join(work, "input"), size)
        if reader.frame()[0] != "G":  # the host says so when what came is what it was to be
            raise ValueError("the job has a file that is not to be read")
        # A fork of this process, so pandas is there already, which is most of what a new interpreter would cost.
        if one is None or not one.alive:
            one = Reader(head, work, become)
        answer = one.read(about, lambda data: result.send("F", {"file": number}, data))
        result.send("R", {"file": number}, json.dumps(answer).encode())
        # The next file must find nothing of this one: neither the file nor what was unpacked out of it.
        for left in os.listdir(work):
            os.unlink(os.path.join(work, left))
        number += 1
    if one is not None and one.alive:
        one.end("over")
    result.end()


if __name__ == "__main__":
    main(*sys.argv[1:5])
