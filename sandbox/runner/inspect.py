"""Reads code and says what is in it. Nothing of the code runs.

    inspect.py JOB RESULT

A job may hold several programs; each is read in a process of its own. The
findings are for the reviewer: what the code imports, reads and writes, and
where it does what an analysis rarely needs. They inform; they do not guard. The
problem, if there is one, is for the model: why a reviewer cannot be shown this.
"""

import json
import os
import resource
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
ROOMS = ("inspection", os.path.join("inspection", "claims"))
PATIENCE = 20  # seconds of the processor for parsing
CRASHED = "Python's parser gave up on this code: it is nested too deeply or too large. Write it simpler."


def load(name, room=""):
    """Loads a sibling, or a file of a room; this folder is not on the path, or this file would hide Python's own inspect."""
    module = types.ModuleType("countersign_" + name)
    path = os.path.join(HERE, room, name + ".py")
    with open(path, encoding="utf-8") as source:
        exec(compile(source.read(), path, "exec"), module.__dict__)
    return module


def the_list():
    """The names that are known to be harmless. tools/known makes the file."""
    with open(os.path.join(HERE, "inspection", "known.json"), encoding="utf-8") as file:
        known = json.load(file)
    known["modules"] = {module: frozenset(names) for module, names in known["modules"].items()}
    known["tops"] = frozenset(m.partition(".")[0] for m in known["modules"])
    return {**known, **{part: frozenset(known[part]) for part in ("attributes", "builtins", "words")}}


def in_a_child(work):
    """Does the work in a process of its own: hostile source can crash the parser itself."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(r)
        try:
            # The same number as the hard limit: the kernel ends it with SIGKILL, which is told as code that is too much for the parser.
            resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
            with os.fdopen(w, "wb") as pipe:
                pipe.write(json.dumps(work()).encode())
            os._exit(0)
        except (RecursionError, MemoryError):
            os._exit(1)
        # Never back into the parent's program, whatever happens: two processes would write the result.
        finally:
            os._exit(2)
    os.close(w)
    with os.fdopen(r, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status == 0 and data:
        return json.loads(data)
    if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 1:
        return {"problem": CRASHED, "findings": []}
    # A fault of ours is never told as one of the program: without a result the host says that nothing was inspected.
    raise SystemExit("the inspection itself has failed")


def main(job_at, result_at):
    frames = load("frames")
    result = frames.Writer(result_at)
    result.send("Y")
    reader = frames.Reader(frames.connect(job_at, os.O_RDONLY))
    _, job, _ = reader.frame()
    result.stamp = bytes.fromhex(job["stamp"])
    needs = load("needs")
    lacking, has = needs.lacking(), needs.installed()  # which also lists the folders of modules once for all
    # Loaded once; every program's child begins as a copy of this process.
    parts = {name.removesuffix(".py"): load(name.removesuffix(".py"), room) for room in ROOMS for name in sorted(os.listdir(os.path.join(HERE, room))) if name.endswith(".py")}
    parts["list"] = the_list()
    for code in [body for kind, _, body in list(reader.all()) if kind == "C"]:
        said = in_a_child(lambda: parts["findings"].inspect(code, job["files"] or [], parts.get))
        result.send("R", None, json.dumps(dict(said, lacks=lacking, has=has)).encode())
    result.end()


if __name__ == "__main__":
    main(*sys.argv[1:3])
