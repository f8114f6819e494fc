"""The box as a machine: its processes, its memory, its files, its environment.

Loaded by supervise.py.
"""

import os
import signal


def prctl(option, value):
    import ctypes
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def kill_rest(run):
    """Kills everything that is left, daemons too, before anything is collected: nothing changes any more."""
    if os.getpid() == 1:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
    else:
        while True:
            pids = descendants()
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
            if not pids:
                break
            run.reap(-1, 0)
    while run.reap(-1, 0):
        pass
    run.result.release()


def descendants():
    """Every process below this one; as a subreaper it gets the orphans, too."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as f:
                    fields = f.read().rpartition(b")")[2].split()
                parents[int(name)] = int(fields[1])
            except (OSError, IndexError):
                pass
    me, found = os.getpid(), set()
    grew = True
    while grew:
        more = {p for p, parent in parents.items() if (parent == me or parent in found) and p not in found}
        found |= more
        grew = bool(more)
    return found


def inodes(*folders):
    """How many files there are on the file systems that the code may write to."""
    used = 0
    for folder in folders + (os.environ["TMPDIR"],):
        info = os.statvfs(folder)
        used += info.f_files - info.f_ffree
    return used


def littered(before, most, *folders):
    """Whether more than most files were made since there were so many. The count of the file systems is quick; where
    others write to them as well, the folders are looked through."""
    if inodes(*folders) - before <= most:
        return False
    left = most
    rest = list(folders + (os.environ["TMPDIR"],))
    while rest and left >= 0:
        try:
            with os.scandir(rest.pop()) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        break
                    if entry.is_dir(follow_symlinks=False):
                        rest.append(entry.path)
        except FileNotFoundError:
            pass
        except OSError:
            return True  # what cannot be looked through may hold any number
    return left < 0


def oom_kills():
    try:
        with open("/proc/vmstat") as f:
            return next((int(line.split()[1]) for line in f if line.startswith("oom_kill ")), 0)
    except OSError:
        return 0


def environment(base):
    """A small, known environment: nothing of the box's own gets to the code."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "TZ", "TMPDIR", "HOME", "MPLCONFIGDIR")}
    kept.setdefault("LANG", "C.UTF-8")
    kept.setdefault("TMPDIR", "/tmp")
    kept.update({"MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"})
    ready = os.path.join(base, "mpl")  # the font list that a local box comes with
    if os.path.isdir(ready):
        mine = os.path.join(kept["TMPDIR"], "mpl")
        os.makedirs(mine, exist_ok=True)
        for name in os.listdir(ready):
            with open(os.path.join(ready, name), "rb") as source, open(os.path.join(mine, name), "wb") as target:
                target.write(source.read())
        kept["MPLCONFIGDIR"] = mine
    os.environ.clear()
    os.environ.update(kept)
