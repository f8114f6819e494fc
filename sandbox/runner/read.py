"""Reads data files and says how each is to be read. No program runs here.

    read.py JOB RESULT WORK

Each file is read in a process of its own that may open that file and the image's
own libraries, start nothing and connect to nothing; what it says is passed on in
frames by this one. A file that is a bomb hurts its own process, or at most this box.
"""

import importlib.util
import json
import os
import resource
import select
import signal
import sys
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
CHUNK = 1 << 18
MOST_SAID = 8 << 20    # bytes of a reading
MISBEHAVED = 77
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
    allowed = ("/usr/", "/lib", "/etc/", "/proc/self/", "/dev/null", "/dev/urandom", HERE + "/", work + "/", os.environ.get("TMPDIR", "/tmp") + "/", sys.prefix + "/", sys.base_prefix + "/")

    def hook(event, args):
        if event == "open":
            path = args[0]
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
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def child(path, name, head, said, csv, work):
    """Reads one file: its reading goes to said, its first table as CSV to csv."""
    from desk import reading, words
    fence(head["memory_mb"])
    watch(work)
    answer = {}
    try:
        answer["reading"] = reading.read(path, name)
    except words.Refused as e:
        answer = {"problem": {"code": e.code, "facts": e.facts}}
    except MemoryError:
        answer = {"problem": {"code": "memory", "facts": {}}}
    except RecursionError:
        answer = {"problem": {"code": "deep", "facts": {}}}
    if "reading" in answer and head["csv"]:
        try:
            with open(csv, "w", encoding="utf-8", errors="surrogatepass" if False else "replace", newline="") as out:
                reading.convert(path, name, out)
        except MemoryError:
            answer = {"problem": {"code": "memory", "facts": {}}}
    with open(said, "wb") as out:
        out.write(json.dumps(answer).encode())


class Reader:
    """One file in a process of its own, and what comes out of it."""

    def __init__(self, path, name, head, work):
        self.head = head
        said, csv = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(said[0])
                os.close(csv[0])
                null = os.open(os.devnull, os.O_RDWR)
                os.dup2(null, 0)
                child(path, name, head, said[1], csv[1], work)
                status = 0
            except MemoryError:
                status = 3
            except BaseException as e:
                if head.get("debug"):
                    import traceback
                    traceback.print_exc()
                status = 4 if isinstance(e, (OSError,)) and e.errno == 28 else 1
            finally:
                os._exit(status)
        os.close(said[1])
        os.close(csv[1])
        self.said, self.csv = said[0], csv[0]

    def passed(self, send):
        """Passes the CSV on as it comes; returns what was said, or why nothing was."""
        until, answer, opened = time.monotonic() + self.head["seconds"], b"", [self.said, self.csv]
        late = False
        while opened:
            left = until - time.monotonic()
            if left <= 0 or len(answer) > MOST_SAID:
                os.kill(self.pid, signal.SIGKILL)
                late = True
                break
            for fd in select.select(opened, [], [], min(left, 1))[0]:
                data = os.read(fd, CHUNK)
                if not data:
                    opened.remove(fd)
                elif fd == self.csv:
                    send(data)
                else:
                    answer += data
        _, status = os.waitpid(self.pid, 0)
        os.close(self.said)
        os.close(self.csv)
        if late:
            return {"problem": {"code": "time" if len(answer) <= MOST_SAID else "failed", "facts": {"seconds": self.head["seconds"]}}}
        if status == 0 and answer:
            return json.loads(answer)
        code = os.waitstatus_to_exitcode(status)
        return {"problem": {"code": {MISBEHAVED: "misbehaved", 3: "memory", 4: "memory", -signal.SIGKILL: "memory"}.get(code, "failed"), "facts": {}}}


def receive(reader, size, path):
    """Writes an input to a file as it comes, so that it is never whole in memory."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as f:
        while size:
            data = reader.file.read(min(size, CHUNK))
            if not data:
                raise EOFError("the job ends too early")
            f.write(data)
            size -= len(data)


def main(job_at, result_at, work):
    frames, machine = load("frames"), load("machine")
    machine.environment(os.path.dirname(HERE))
    os.makedirs(work, mode=0o700, exist_ok=True)
    desk()
    import desk.reading  # and pandas: once, before the first file
    machine.prctl(4, 0)  # PR_SET_DUMPABLE: nobody of the same user reads our memory, which holds the stamp
    result = frames.Writer(result_at)
    result.send("Y")
    reader = frames.Reader(frames.connect(job_at, os.O_RDONLY))
    _, head, _ = reader.frame()
    result.stamp = bytes.fromhex(head["stamp"])
    number = 0
    while True:
        _, kind, head_size, body_size = frames.HEADER.unpack(reader.exactly(frames.HEADER.size))
        if kind == b"Z":
            break
        if kind != b"I" or head_size > 65536:
            raise ValueError("the job has a frame that is none of a file")
        about, path = json.loads(reader.exactly(head_size)), os.path.join(work, "input")
        receive(reader, body_size, path)
        one = Reader(path, about["name"], head, work)
        answer = one.passed(lambda data: result.send("F", {"file": number}, data))
        result.send("R", {"file": number}, json.dumps(answer).encode())
        for left in os.listdir(work):
            os.unlink(os.path.join(work, left))
        number += 1
    result.end()


if __name__ == "__main__":
    main(*sys.argv[1:4])
