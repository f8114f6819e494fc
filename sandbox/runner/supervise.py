"""Runs one job in this box and sends what came out of it.

    supervise.py JOB RESULT WORK OUT [USER | guard [HOST...]]

It makes the worker before it reads the job, so that the worker can import the
slow libraries while nobody waits, and so that the job's stamp, which makes a
result's frames genuine, is never in the process that runs the reviewed code.
In a local box it is process 1. Where USER is named, it runs as root and the code
as that user. It believes nothing that the worker says; the host, in turn,
believes nothing that this says.
"""

import contextlib
import hashlib
import json
import os
import select
import signal
import sys
import time
import types

HERE = os.path.dirname(os.path.abspath(__file__))
CODE_NAME = "analysis.py"
CHUNK = 64 << 10
KEEP_NOTES = 50
KEEP_SEEN = 100
SORTS = ("opened", "imported", "connected", "spawned")
MOST_FILES = 10000  # that the code may make; an empty file costs no disk, but memory
GLANCE = 0.2      # seconds between two looks at them
ASKING = 3        # seconds, past the code's limit, for the worker to say where it is
WRITING = 20      # seconds, past the code's limit, for its tables and charts; within the grace of the hosts


def load(name):
    """Loads a sibling without putting this folder on the path, where inspect.py would hide Python's own."""
    module = types.ModuleType("countersign_" + name)
    module.__file__ = path = os.path.join(HERE, name + ".py")
    with open(path, encoding="utf-8") as source:
        exec(compile(source.read(), path, "exec"), module.__dict__)
    return module


child, collect, machine, printed, watch = load("child"), load("collect"), load("machine"), load("printed"), load("watch")
collect.cells = load("cells")


class Run:
    """One run: what came out of it so far, and how it ended."""

    def __init__(self, worker, result, job, work, out, lacking, tell=None):
        self.worker, self.result, self.job, self.work, self.out, self.lacking = worker, result, job, work, out, lacking
        # It tells the worker's lines from those that the code writes into the same descriptor. The code can find it in its own
        # process, so it proves no more than that nothing was written by accident; the stamp, which counts, is not there.
        self.token = os.urandom(16).hex()
        # A name made of the stamp, which the host computes as well: who does not know the stamp cannot open it ahead of time.
        self.mark = mark(result.stamp)
        self.lines = b""
        self.out_text, self.err_text = printed.Text(result, "O", job["text_bytes"]), printed.Text(result, "E", job["text_bytes"])
        self.line = printed.Line(tell or (lambda line, stream: stream.tell(line)))
        self.notes = []
        self.seen = {"opened": [], "imported": [], "connected": [], "spawned": []}
        self.kept = {}        # how many of each sort are kept
        self.seen["more"] = [] # of which sorts there were more
        self.ended = None      # the sha256 that the worker's report must have
        self.part = None       # and that of what it put down before it wrote tables and charts
        self.early = False     # whether nothing but that is known
        self.status = None     # what wait said about the worker
        self.late = self.littered = self.reported = False
        self.where = ""
        self.began = self.done = self.deadline = 0.0

    def note(self, text):
        if len(self.notes) < KEEP_NOTES and text not in self.notes:
            self.notes.append(text)

    # -- while it runs

    def go(self, code, readings):
        wake_r, wake_w = os.pipe()
        for fd in (wake_r, wake_w, self.worker.stdout, self.worker.stderr, self.worker.report, self.worker.where):
            os.set_blocking(fd, False)
        # A handler that does nothing, since the default would be to ignore the signal, and then nothing is written to the pipe
        # that wakes poll when the worker ends.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
        # Both counts are the machine's, which may have other users: only their difference is this run's.
        self.oom_before = machine.oom_kills()
        files_before = machine.inodes(self.work, self.out)
        self.began = time.monotonic()
        deadline = self.deadline = self.began + self.job["seconds"]
        try:
            self.worker.hand({"token": self.token, "mark": self.mark, "code_sha256": self.job["code_sha256"], "files": self.job["files"],
                              "memory_mb": self.job["memory_mb"], "seconds": self.job["seconds"], "writing": WRITING,
                              "file_bytes": self.job["file_bytes"], "one_file": self.job["one_file"],
                              "readings": readings, "today": self.job.get("today", ""), "currency": self.job.get("currency", "")}, code)
        except BrokenPipeError:
            pass  # it is dead already: wait will say so
        poll = select.poll()
        for fd in (wake_r, self.worker.stdout, self.worker.stderr, self.worker.report):
            poll.register(fd, select.POLLIN)
        while not self.over():
            latest = deadline + WRITING if self.done else deadline  # code that was done early leaves its tables and charts the rest
            left = latest - time.monotonic()
            if left <= 0:
                self.late = True
                self.where = "" if self.done else self.ask_where()
                break
            if machine.littered(files_before, MOST_FILES, self.work, self.out):
                self.littered = True
                break
            self.line.pass_on()
            for fd, _ in poll.poll(min(left, GLANCE) * 1000 + 1):
                if fd == wake_r:
                    drain(fd)
                elif not self.read(fd):
                    poll.unregister(fd)
        self.done = self.done or time.monotonic()
        signal.set_wakeup_fd(-1)
        # All of the code's processes end before its pipes are read to their end, and long before a file is looked at.
        machine.kill_rest(self)
        for fd in (self.worker.stdout, self.worker.stderr, self.worker.report):
            while self.read(fd):  # every writer is dead, so this comes to an end
                pass

    def over(self):
        if self.status is None:
            self.reap(self.worker.pid, os.WNOHANG)
        return self.status is not None

    def reap(self, pid, flags):
        try:
            got, status = os.waitpid(pid, flags)
        except ChildProcessError:
            return False
        if got == self.worker.pid:
            self.status = status
        return got != 0

    def ask_where(self):
        """Asks a worker that takes too long for the line that it is at: faulthandler answers even from within C."""
        try:
            os.kill(self.worker.pid, signal.SIGUSR1)
        except ProcessLookupError:
            return ""
        text, until = b"", time.monotonic() + ASKING
        while time.monotonic() < until and b"\n\n" not in text:
            select.select([self.worker.where], [], [], 0.2 if text else 1)
            try:
                got = os.read(self.worker.where, CHUNK)
            except BlockingIOError:
                if text:
                    break
                continue
            if not got:
                break
            text += got
        lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if '"' + CODE_NAME + '"' in line]
        return "Stopped at (innermost first):\n" + "\n".join("  " + line for line in lines[:20]) if lines else ""

    def read(self, fd):
        """Reads what is there. False at the end, or when nothing is left."""
        try:
            data = os.read(fd, CHUNK)
        except (BlockingIOError, OSError):
            return False
        if not data:
            return False
        if fd == self.worker.report:
            self.listen(data)
            return True
        stream = self.out_text if fd == self.worker.stdout else self.err_text
        stream.take(data)
        self.line.take(data, stream)
        return True

    def listen(self, data):
        """Takes the worker's short lines. They come as things happen, so that nothing noted can be taken back."""
        # A line of the worker's is shorter than 4096 bytes (tell in worker.py), so only what the code wrote is cut here.
        *lines, self.lines = (self.lines[-4096:] + data).split(b"\n")
        for line in lines:
            token, _, text = line.partition(b" ")
            if token.decode("ascii", "replace") != self.token:
                self.note("The code wrote into the runner's own channel; that was ignored.")
                continue
            try:
                said = json.loads(text)
                if "end" in said:
                    self.ended = str(said["end"])
                elif "part" in said:
                    self.part = str(said["part"])
                elif "done" in said:
                    self.done = self.done or time.monotonic()
                elif said["saw"] in SORTS:
                    self.saw(said["saw"], str(said["what"]))
            except (ValueError, KeyError, TypeError):
                self.note("The code wrote into the runner's own channel; that was ignored.")

    def saw(self, sort, what):
        """Keeps what was seen. Files outside of the working folder have room of their own: nothing else can crowd them out."""
        if what in self.seen[sort]:
            return
        room = watch.room(sort, what)
        if self.kept.setdefault(room, 0) < KEEP_SEEN:
            self.kept[room] += 1
            self.seen[sort].append(what)
        elif room not in self.seen["more"]:
            self.seen["more"].append(room)
            self.note("It did more than is listed here.")

    # -- when it is over

    def finish(self, before):
        said = self.worker_report()
        outcome, error = self.verdict(said)
        files = collect.choose(self, said, before)
        for text, what in ((self.out_text, "What was printed"), (self.err_text, "What was written to stderr")):
            if text.end():
                self.note("%s was cut: its beginning and its end are shown, of %s." % (what, printed.size(text.came)))
        lists = {k: said[k] if isinstance(said.get(k), list) else [] for k in ("tables", "said", "left_out")}
        self.reported = True
        self.result.send("R", None, json.dumps({
            "outcome": outcome, "error": error, "traceback": str(said.get("traceback") or self.where),
            "answer": str(said.get("answer") or ""), "value": str(said.get("value") or ""), "notes": self.notes, **lists,
            "observed": self.seen, "code_ms": (self.done - self.began) * 1000, "lacks": self.lacking,
        }, ensure_ascii=False).encode("utf-8", "backslashreplace"))
        for head, body in files:
            self.result.send("F", head, body)
        self.result.end()

    def end_unrun(self, why):
        machine.kill_rest(self)
        self.give_up(why)

    def give_up(self, why):
        if not self.reported:
            self.result.send("R", None, json.dumps({"outcome": "broken", "error": why, "notes": self.notes}).encode())
        self.result.end()

    def worker_report(self):
        """What the worker says, if it says it as its last act and unchanged; else what it said before it wrote tables and charts."""
        said = self.written("report.json", self.ended) if self.status == 0 else None
        if said is None:
            said = self.written("first.json", self.part)
            self.early = said is not None
        if said is None:
            return {}
        for text in said.get("notes", [])[:KEEP_NOTES]:
            self.note(str(text))
        return said

    def written(self, name, sha256):
        # The hash came through the pipe before anything could change the file: threads of the code may still run while it is
        # written, and may write to the same folder. 8 MB is MOST in worker.py.
        data = collect.read_file(os.path.join(self.out, name), 8 << 20) if sha256 is not None else None
        if data is None or hashlib.sha256(data).hexdigest() != sha256:
            return None
        try:
            return json.loads(data)
        except ValueError:
            return None

    def too_long(self):
        return "%d seconds past the limit of %d" % (WRITING, self.job["seconds"])

    def verdict(self, said):
        # What ended the run outside of the worker counts before what the worker said of itself.
        if self.littered:
            return "broken", "It was stopped because it made more than %d files." % MOST_FILES
        if self.late and self.done >= self.began + self.job["seconds"]:
            return "timed out", "It was stopped at its limit of %d seconds." % self.job["seconds"]
        if said.get("outcome") in ("ok", "raised", "out of memory") and (not self.early and not self.late or said.get("answer") or said["outcome"] != "ok"):
            if self.early:  # the code had come to its end, and it is known to which: whoever asked gets that
                self.note("The code was done, but its tables and charts were not, %s: some are missing." % self.too_long() if self.late
                          else "The code was done, but its process ended while its tables and charts were written: some are missing.")
            return said["outcome"], str(said.get("error") or "")
        if self.late:
            return "timed out", "The code was done in time, but its tables and charts were not, %s." % self.too_long()
        if self.status is not None and os.WIFSIGNALED(self.status):
            number = os.WTERMSIG(self.status)
            # limit() in worker.py sets the soft limit below the hard one, so this signal comes before SIGKILL and has a name.
            if number == signal.SIGXCPU:
                return "timed out", "It was stopped at its limit of processor time."
            if number == signal.SIGKILL and machine.oom_kills() > self.oom_before:
                return "out of memory", "It was stopped because the box had no memory left."
            return "broken", "The code was ended by the signal %s." % signal.Signals(number).name
        return "broken", "The code ended its process by itself, so its result has no proper end."


def drain(fd):
    try:
        while os.read(fd, 4096):
            pass
    except BlockingIOError:
        pass


def mark(stamp):
    """The name that the worker opens as the last thing before the code; the host knows it, too."""
    return "/" + hashlib.sha256(b"mark" + stamp).hexdigest()[:32]


def put_inputs(reader, work):
    """Writes the inputs into the working folder as they come, up to the end of the job, which the host sends when all of them were
    what was sealed; returns the code, what was there before it ran, and how it is to be read."""
    code, before, readings = None, {}, {}
    while True:
        kind, head, size = reader.opening()
        if kind == "Z":
            return code, before, readings
        if kind == "C":
            code = reader.exactly(size)
            continue
        # The name comes from the host, which has made it safe already; nothing is written outside of the working folder all the same.
        name = head["name"]
        if kind != "I" or os.path.basename(name) != name or name in ("", ".", "..") or name in before:
            raise ValueError("the job has an input that cannot be placed")
        path = os.path.join(work, name)
        if reader.into(path, size) != head["sha256"]:
            raise ValueError("the input %r is not the sealed one" % name)
        # Taken before the code runs: collect.changed tells by it whether an input was written to.
        before[name] = collect.signature(os.lstat(path)), head["sha256"]
        if head.get("reading"):
            readings[name] = head["reading"]


def other(sealed, installed):
    """What was sealed and is not what this box has: the approval was not for it."""
    return [one for one in sealed if one not in installed]


def main(job_at, result_at, work, out, user="0", *hosts):
    """user is a number, or the word guard: in a machine of its own the code gets a user, and this a witness beside it. Hosts
    are the only ones that the code may reach; where that cannot be had, it does not run."""
    global HERE
    user, become, marks = (0, None, "") if user == "guard" else (int(user), lambda: machine.become(user), "")
    closed = "it is no machine of its own"  # until guard says otherwise
    if become is None:
        guard = load("guard")
        guard.calls, guard.door, guard.seen = load("calls"), load("door"), load("seen")
        become = lambda: machine.become(0)
        if guard.possible(HERE):
            way, closed = guard.stand(HERE, result_at, hosts)
            HERE, user, marks = os.path.join(guard.PLACE, "runner"), guard.USER, os.path.join(guard.PLACE, "mark-")
            work, out = os.path.join(guard.PLACE, "work"), os.path.join(guard.PLACE, "out")
            become = lambda: guard.confine(user, way)
    frames = load("frames")
    # From here on files are made and read with the rights of the code's user; what is the host's is done as_root.
    machine.act_as(user)
    machine.environment(os.path.dirname(HERE))
    for folder in (work, out):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.getpid() != 1:
        machine.prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: daemons come to us
    # Before job and result are opened: what is not open at a fork cannot be found in the copy. Those that came as descriptors
    # (fd:N) are open already; child.py closes them.
    worker = child.Worker(work, out, CODE_NAME, load, become)
    machine.withdraw()
    rights = machine.as_root if marks else contextlib.nullcontext
    with rights():  # the host's folder is not the code's user's
        result = frames.Writer(result_at, rights)
        job_fd = frames.connect(job_at, os.O_RDONLY)
    needs = load("needs")
    lacking = needs.lacking()
    # A worker that died over its imports is told as such by go, when its status is known: here it makes no difference.
    worker.ready()
    result.send("Y")
    reader = frames.Reader(job_fd)
    _, job, _ = reader.frame()
    result.stamp = bytes.fromhex(job["stamp"])
    result.hold()
    run = Run(worker, result, job, work, out, lacking, None if result_at.startswith("fd:") else printed.beside(result_at, rights))
    if marks:
        with rights():
            run.mark = marks + run.mark[1:]
            # The file has to be there: the witness hears of names that are opened, and not of those that are not there.
            os.close(os.open(run.mark, os.O_WRONLY | os.O_CREAT, 0o644))
    try:
        code, before, readings = put_inputs(reader, work)
        os.close(job_fd)
        if not job_at.startswith("fd:"):
            with rights():
                os.unlink(job_at)  # it holds the stamp
        if hosts and closed:
            run.end_unrun("Nothing has run: the box could not be closed to all but the hosts that were allowed (%s)." % closed)
            return
        lost = other(job.get("environment", []), needs.installed())
        if lost:
            run.end_unrun("Nothing has run: this box does not have what was approved (%s)." % ", ".join(lost))
            return
        run.go(code, readings)
        run.finish(before)
    except Exception as e:  # nothing more is known, but whoever waits for the result learns that
        machine.kill_rest(run)
        run.give_up("The box could not do its work: %s: %s" % (type(e).__name__, e))


if __name__ == "__main__":
    main(*sys.argv[1:])
