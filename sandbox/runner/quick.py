"""Imports with fewer calls to the system. Each is dear in gVisor, where half of a boot went into them.

Loaded by worker.py and read.py, for their own imports only: afterwards all is as Python has it.
"""

import contextlib
import functools
import importlib.machinery
import os
import zoneinfo

PIECE = 1 << 17  # most modules are smaller
LIST = "/usr/share/zoneinfo/tzdata.zi"


@contextlib.contextmanager
def imports():
    """Has a module looked up and read in four calls in place of eleven, and Debian's pytz not open all files of time zones."""
    undo = []

    def put(where, name, new):
        undo.append((where, name, where.__dict__.get(name)))
        setattr(where, name, new)

    put(importlib.machinery.SourceFileLoader, "get_data", lambda self, path: whole(path))
    put(importlib._bootstrap_external, "_path_stat", functools.cache(os.stat))  # what is not there is asked for anew
    listed = zoneinfo.available_timezones
    put(zoneinfo, "available_timezones", lambda: zones() or listed())
    try:
        yield
    finally:
        for where, name, old in undo:
            setattr(where, name, old) if old is not None else delattr(where, name)


def whole(path):
    """A file's bytes."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = os.read(fd, PIECE)
        while data and len(data) % PIECE == 0:
            more = os.read(fd, PIECE)
            if not more:
                break
            data += more
        return data
    finally:
        os.close(fd)


def zones():
    """The names that zoneinfo.available_timezones finds by opening six hundred files, out of the one that lists them; none where that is not there."""
    try:
        text = whole(LIST).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return set()
    lines = (line.split() for line in text.splitlines())
    return {words[1] if words[0] == "Z" else words[2] for words in lines if len(words) > 2 and words[0] in ("Z", "L")}
