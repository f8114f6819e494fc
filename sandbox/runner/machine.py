"""The box as a machine: its processes, its memory, its files, its environment.

Loaded by supervise.py.
"""

import contextlib
import os
import signal


def prctl(option, value):
    import ctypes
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def act_as(user):
    """Gives up root's rights for those of the user that is to run the code. Only the real user stays root, and so the code
    can neither signal this process nor look into it. Files are made and read as that user, so nothing is read that the
    code could not read."""
    if user:
        # Groups before the user: afterwards there is no right to change them. Who has been given a group already keeps it.
        if os.getgid() == 0:
            os.setgroups([])
            os.setresgid(user, user, user)
        os.seteuid(user)


@contextlib.contextmanager
def as_root():
    """Takes root's rights back for a moment, for what is the host's and not the code's."""
    user = os.geteuid()
    os.seteuid(0)
    try:
        yield
    finally:
        os.seteuid(user)


def become(user):
    """Makes this process, which is about to run the code, that user's for good. A session of its own keeps it from the
    one signal that everybody may send within a session."""
    os.setsid()
    if user:
        # All three, the saved one too, by which a process could take root's rights back.
        os.setresuid(user, user, user)


def withdraw():
    """Closes this process to the code. Where both are the same user, that is all that keeps them apart."""
    prctl(4, 0)  # PR_SET_DUMPABLE: neither memory nor descriptors can be read through /proc
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
        signal.signal(number, signal.SIG_IGN)


def kill_rest(run):
    """Kills everything that is left, daemons too, before anything is collected: nothing changes any more."""
    if os.getpid() == 1:
        try:
            # In a namespace of processes this reaches all of them but process 1 itself, those too that nobody knows of.
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
    else:
        # Until there is none: a process may have had children between the look and its end.
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
    # Only now may frames with the stamp be in a file: nobody is left who could read it there.
    run.result.release()


def descendants():
    """Every process below this one; as a subreaper it gets the orphans, too."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, "rb") as f:
                    # The second field is the program's name, in brackets and freely chosen: only what stands behind the last bracket is a
                    # field by its place.
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
        # Folders on one filesystem count more than once, before as after, so the difference is too large rather than too small.
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
    # Without that, scikit-learn's joblib tries out at its import whether it could start copies of the program, by a file that it deletes.
    kept["JOBLIB_MULTIPROCESSING"] = "0"
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
