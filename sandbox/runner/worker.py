"""The process in which the reviewed code runs.

It imports the slow libraries, says that it is ready and waits. Then it gets the
code's bytes, checks them against their sha256, decodes them as UTF-8 and
compiles that string: a coding cookie in the first lines has no effect.
"""

import ast
import atexit
import builtins
import hashlib
import importlib.util
import io
import json
import linecache
import math
import os
import signal
import sys
import threading
import time
import traceback
import types
import warnings

FRAMES = 25  # of a traceback
MOST = 8 << 20  # bytes of a report that supervise.py takes
DESK = os.path.join(os.path.dirname(__file__), "desk")


def main(code_fd, report_fd, where_fd, work, out, name, load):
    # Nobody is there to answer: input() ends with EOFError at once instead of using up the code's time.
    sys.stdin = open(os.devnull)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), "utf-8", "backslashreplace", line_buffering=True)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), "utf-8", "backslashreplace", line_buffering=True)
    # Kept for flush: code that puts something else in their place leaves what it has printed in these.
    streams = sys.stdout, sys.stderr
    with load("quick").imports():
        plt, quiet = warm_up()
        desk = lay_desk()
    # Read now, while nothing watches what is opened: the code has opened only what it opens itself.
    show_module, watch_module = load("show"), load("watch")
    os.write(report_fd, b"ready\n")

    # Worker.hand in child.py writes two lengths of four bytes, then the head and the code.
    pipe = os.fdopen(code_fd, "rb")
    sizes = pipe.read(8)
    if len(sizes) < 8:
        os._exit(0)  # nobody wants us any more
    head = json.loads(pipe.read(int.from_bytes(sizes[:4], "big")))
    code = pipe.read(int.from_bytes(sizes[4:], "big"))
    pipe.close()
    if hashlib.sha256(code).hexdigest() != head["code_sha256"]:
        # Ends with child.py's 99 and without any report, which the supervisor tells as a result without a proper end.
        raise SystemExit("the code is not the sealed code")

    os.chdir(work)
    sealed(head.pop("readings"), head.pop("today"), head.pop("currency"), desk)
    # Opened and reserved now, so that code that uses everything up can still be reported.
    report_file, first_file = open(os.path.join(out, "report.json"), "wb"), open(os.path.join(out, "first.json"), "wb")
    # Behind the imports and the files above, which are the runner's need and not the code's.
    loosen = limit(head["memory_mb"], head["seconds"], head["writing"])
    import faulthandler
    faulthandler.register(signal.SIGUSR1, file=where_fd, all_threads=False)
    # Taken before the code runs, which may put anything else in place of os.write and os._exit; and the token leaves the
    # head, which show and watch get.
    prefix, write, leave, pid = head.pop("token").encode() + b" ", os.write, os._exit, os.getpid()

    def tell(what):
        # A pipe takes up to 4096 bytes (PIPE_BUF) at once or not at all.
        # Short enough to be written in one piece, whoever else writes.
        write(report_fd, prefix + json.dumps(what).encode()[:3000] + b"\n")

    def first(report):
        """Puts down what is known before tables and charts are written, which may take too long, or end this process."""
        data = written(report)
        try:
            with first_file:
                first_file.write(data)
        except OSError:
            return
        tell({"part": hashlib.sha256(data).hexdigest()})

    show = show_module.Show(out, work, head)
    if plt is not None:
        show.take_over(plt)
    if desk is not None:
        show.listen(desk)
    # After show has taken over matplotlib and the desk: what they import and open is the runner's doing.
    watch = watch_module.Watch(tell, work, quiet + [out, DESK], head.pop("mark"))
    watch.install()
    report = run(code.decode("utf-8"), name, show, watch, plt, pid, leave, loosen, streams, tell, first)
    data = written(report)
    with report_file:
        report_file.write(data)
    tell({"end": hashlib.sha256(data).hexdigest()})
    leave(0)


def written(report):
    """The report's bytes, without the last of its tables where they are more than it may have."""
    tables, notes = list(report["tables"]), report["notes"]
    while True:
        lost = len(report["tables"]) - len(tables)
        if lost:
            notes = ["%d of %d tables are not shown: they have too much text. Their files are here." % (lost, len(report["tables"]))] + report["notes"]
        # A lone surrogate, which Python's texts may have and UTF-8 has not, is written as an escape instead of failing here.
        data = json.dumps({**report, "tables": tables, "notes": notes}, ensure_ascii=False).encode("utf-8", "backslashreplace")
        if len(data) <= MOST or not tables:
            return data
        tables.pop()


def warm_up():
    """Imports what nearly every analysis needs and uses it once: the first use is the slow one."""
    warnings.filterwarnings("ignore", message=".*(non-interactive|non-GUI backend).*")
    warnings.filterwarnings("ignore", message=".*[Pp]yarrow will become a required dependency.*")
    # What the libraries open for themselves is not told as the code's doing: the list would be long and say nothing.
    quiet = [os.path.dirname(os.__file__), sys.prefix + "/lib/", "/usr/share/fonts", "/usr/share/zoneinfo",
             "/usr/share/mime", "/etc/mime.types", "/etc/localtime", "/dev/null", "/dev/urandom"]
    quiet += [p for p in sys.path if p]
    import platform
    if hasattr(platform, "_Processor"):
        # pandas asks for the processor's name, for which Python starts uname: half a tenth of a boot. It is not known here.
        platform._Processor.get_linux = staticmethod(lambda: "")
    import ctypes.util
    find = ctypes.util.find_library
    # scikit-learn asks for the C library, for which Python starts ldconfig. It has one name on all boxes.
    ctypes.util.find_library = lambda name: "libc.so.6" if name == "c" else find(name)
    # It also hands that library a function. The first time, libffi reads how processes and mounts are: not in the program's name.
    ctypes.CFUNCTYPE(None)(int)
    try:
        import pandas as pd
    except ImportError:
        pd = None
    else:
        pd.set_option("display.width", 140, "display.max_columns", 30)
        # The calls that nearly every analysis makes: each imports modules of its own when it is first made.
        frame = pd.read_csv(io.StringIO("day,kind,amount\n2024-01-01,a,1\n2024-01-02,b,2.5\n"), parse_dates=["day"])
        frame.groupby("kind", as_index=False)["amount"].sum().sort_values("amount").to_csv(io.StringIO())
        str(frame.describe())
    try:
        import matplotlib
        import matplotlib.pyplot as plt
    except ImportError:
        return None, quiet
    figure, ax = plt.subplots()
    if pd is not None:
        frame.plot(x="day", y="amount", ax=ax, title="warm")
    figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
    plt.close("all")
    return plt, quiet + [matplotlib.get_data_path(), matplotlib.get_configdir(), matplotlib.get_cachedir(), matplotlib.matplotlib_fname()]


def lay_desk():
    """Makes `from desk import load` work, without a folder on the path from which anything else could be imported."""
    try:
        spec = importlib.util.spec_from_file_location("desk", os.path.join(DESK, "__init__.py"), submodule_search_locations=[DESK])
        module = sys.modules["desk"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except ImportError:  # a box without pandas: programs that need the desk say so
        del sys.modules["desk"]
        return None
    return sys.modules["desk.telling"].told


def sealed(readings, today, currency, told):
    """Has the desk obey what was approved: how files are read, what day it is, and in what amounts are."""
    if told is None:
        return
    import datetime
    sys.modules["desk"].seal(readings)
    told.currency = sys.modules["desk.telling"].one_currency(readings.values(), currency)
    told.today = datetime.date.fromisoformat(today) if today else None


def limit(memory_mb, seconds, writing):
    """A MemoryError with its traceback is a better end than a kill; the meters outside hold in any case.

    Returns what gives the runner its reserve back at the end.
    """
    import resource
    with open("/proc/self/status") as f:
        now = next((int(line.split()[1]) for line in f if line.startswith("VmSize:")), 0) << 10
    reserve = []
    cpu = math.ceil(time.process_time()) + seconds + 5  # the time that the imports took is not the code's
    # Each has a soft limit for the code, and a hard one above it with the reserve: memory for the report, descriptors for its
    # tables and charts, processor time for writing them. A hard limit that the box came with is never exceeded.
    for what, most, more in ((resource.RLIMIT_AS, now + (memory_mb << 20), 128 << 20), (resource.RLIMIT_NOFILE, 224, 32),
                             (resource.RLIMIT_FSIZE, 64 << 20, 0), (resource.RLIMIT_CPU, cpu, writing), (resource.RLIMIT_CORE, 0, 0)):
        _, hard = resource.getrlimit(what)
        top = most + more if hard == resource.RLIM_INFINITY else min(most + more, hard)
        resource.setrlimit(what, (min(most, top), top))
        if more:  # of processor time: SIGXCPU comes before SIGKILL and says why
            reserve.append((what, (top, top)))
    # Kept, as the code may replace it.
    raise_limit = resource.setrlimit

    def loosen():
        for what, both in reserve:
            raise_limit(what, both)
    return loosen


def run(source, name, show, watch, plt, pid, leave, loosen, streams, tell, first):
    # There is no such file: tracebacks find the code's lines here. None as its time keeps checkcache from dropping them.
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    linecache.getlines(__file__)  # where a library's warning points past the code: Python would open it then, as if the code had
    main_module = types.ModuleType("__main__")
    main_module.__file__, main_module.__builtins__ = name, builtins
    # As in a script: `if __name__ == "__main__"` holds, and pickle and dataclasses find the code's classes by this module.
    sys.modules["__main__"], sys.argv = main_module, [name]
    report = {"outcome": "ok", "error": "", "traceback": ""}
    value, title = None, ""
    try:
        body, last, title = split(source, name)
        # After compiling: a program with a syntax error has done nothing that could be watched.
        watch.begin()
        exec(body, main_module.__dict__)
        value = eval(last, main_module.__dict__) if last is not None else None
    except SystemExit as e:
        if isinstance(e.code, (int, str)):
            if e.code != 0:
                report.update(failure(e, name))
        elif e.code is not None:  # a table, say: it is what the code ended with
            value = e.code
            show.notes.append("The code ended with sys.exit and this value.")
    except BaseException as e:
        loosen()
        report.update(failure(e, name))
    loosen()
    if os.getpid() != pid:  # a copy that the code made of itself has come to its end
        flush(streams)
        leave(0)
    join()
    # Before tables and charts are written: from here on the supervisor gives WRITING seconds more, and not before.
    tell({"done": True})  # what follows is the runner's work, and not in the code's time
    try:
        show.words()
        # words() needs no library and next to no time: what the code says of itself is safe before what can take long begins.
        first({**report, **show.told()})
        show.tables_told()
        show.last(value, title)
    except BaseException as e:
        report.update(failure(e, name))
    # A large table may be freed before the charts are drawn, which need memory themselves.
    del value
    end(report, show, watch, plt, name, streams)
    report.update(show.told())
    return report


def split(source, name):
    """Compiles the code, its last expression on its own, so that its value can be shown."""
    tree = ast.parse(source, name)
    last, title = None, ""
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        expression = tree.body.pop().value
        # A name says what a table is; the source of an expression says it to nobody but its author.
        title = expression.id if isinstance(expression, ast.Name) else ""
        last = compile(ast.Expression(expression), name, "eval", dont_inherit=True)
    return compile(tree, name, "exec", dont_inherit=True), last, title


def join():
    """Waits for the threads that the code has started, as a script's end does."""
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()


def end(report, show, watch, plt, name, streams):
    """What else a script's end does: figures are kept, exit handlers run."""
    try:
        if plt is not None:
            show.figures(plt)
    except BaseException as e:
        show.notes.append("The figures could not be kept: %s" % type(e).__name__)
    if show.too_many:
        show.notes.append("%d more figures were not kept: %d may come back." % (show.too_many, show.most))
    try:
        # leave() ends the process without them, as os._exit does.
        atexit._run_exitfuncs()
    except BaseException as e:
        report.update(failure(e, name))
    flush(streams)
    watch.armed = False  # until now it may have been the code: a chart's own drawing, an exit handler


def flush(streams):
    """Lets out what is still held back, also by the streams that the code has replaced."""
    for stream in (sys.stdout, sys.stderr) + streams:
        try:
            stream.flush()
        except Exception:
            pass


def failure(error, name):
    """The exception, with the frames of the reviewed code only: the others are a library's business."""
    try:
        words = str(error)
    except Exception:
        words = "(its text cannot be shown)"
    kind = type(error).__name__
    outcome = "out of memory" if isinstance(error, MemoryError) else "raised"
    try:
        # No source is looked up, for that would open files of libraries whose frames are left out anyhow.
        told = traceback.TracebackException.from_exception(error, lookup_lines=False)
        only_ours(told, name)
        text = "".join(told.format())
    except Exception:
        text = ""
    return {"outcome": outcome, "error": (kind + ": " + words if words else kind)[:900], "traceback": text[:15000]}


def only_ours(told, name, depth=0):
    frames = [f for f in told.stack if f.filename == name]
    if len(frames) > FRAMES:
        # Where it began and where it failed: what is between in a deep recursion repeats itself.
        frames = frames[:5] + frames[-(FRAMES - 5):]
    told.stack = traceback.StackSummary.from_list(frames)
    # A chain of exceptions may be as long as a loop that raises in its own handler, hence the bound on depth.
    for other in (told.__cause__, told.__context__):
        if other is not None and depth < 10:
            only_ours(other, name, depth + 1)
    for other in getattr(told, "exceptions", None) or []:
        only_ours(other, name, depth + 1)
