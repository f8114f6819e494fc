"""Chooses and reads the files that go back, when everything that could change them is dead.

Loaded by supervise.py.
"""

import os
import stat

DEEP = 4          # folders within the working folder
ENTRIES = 2000    # files and folders that are looked at


def choose(run, said, before):
    """Chooses the files that go back: tables, then charts, then what the code wrote."""
    found = []
    charts = {c["name"]: c.get("alt", "") for c in said.get("charts", [])}
    for name in sorted(os.listdir(run.out), key=natural):
        path = os.path.join(run.out, name)
        if name.startswith("chart-") and name.endswith(".png"):
            found.append((1, name, "chart", charts.get(name, ""), path))
        elif name in said.get("csvs", []):
            found.append((0, name, "table", "", path))
    alts = said.get("saved", {})
    written, odd = changed(run.work, before)
    for text in odd:
        run.note(text)
    for relative, path in written:
        found.append((2, relative, "file", alts.get(relative, ""), path))
    kept, names, room, left = [], set(), run.job["file_bytes"], run.job["files"]
    dropped = 0
    for _, shown, kind, alt, path in sorted(found, key=lambda f: f[0]):
        if left == 0:
            dropped += 1
            continue
        data = read_file(path, run.job["one_file"])
        if data is None or len(data) > room:
            run.note("The file %s was left behind: it is no plain file, or larger than what may come back." % tidy(shown))
            continue
        shown, data = fit_for_people(run, shown, kind, data)
        name = unused(tidy(shown), names)
        if name != shown:
            run.note("The file %r comes back as %s." % (shown, name))
        room, left = room - len(data), left - 1
        kept.append(({"name": name, "kind": kind, "alt": alt[:400]}, data))
    if dropped:
        run.note("%d more files were left behind: %d may come back." % (dropped, run.job["files"]))
    return kept


def fit_for_people(run, name, kind, data):
    """A file as it is handed over, after saying what it could do to those who open it."""
    try:
        told, count = tidy(name), 0
        if kind == "table":
            data, count = cells.tamed(data)
            if count:
                run.note("%s of %s begin%s like a formula and got an apostrophe, so that no spreadsheet computes %s."
                         % (cells.times(count, "One cell", "%d cells"), told, "s" if count == 1 else "", "it" if count == 1 else "them"))
        elif kind == "file":
            count = cells.formulas(name.lower(), data)
            if count:
                run.note("A spreadsheet computes %s of %s, which the program wrote itself. Look at them before you trust the file."
                         % (cells.times(count, "one cell", "%d cells"), told))
        if cells.otherwise(name, data):
            run.note("%s is no %s file by its bytes." % (told, cells.otherwise(name, data)))
        if cells.page(name, data):
            run.note("%s can hold a program, so it is handed over as a text file." % told)
            name += ".txt"
    except Exception as e:
        run.note("What is in %s could not be looked at: %s." % (tidy(name), type(e).__name__))
    return name, data


def signature(info):
    return info.st_ino, info.st_size, info.st_mtime_ns


def changed(work, before):
    """The plain files in the working folder that are new or different, and remarks on what is no plain file."""
    files, odd, looked = [], [], 0
    stack = [(work, "", 0)]
    while stack:
        folder, prefix, depth = stack.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda e: natural(e.name))
        except OSError:
            continue
        for entry in entries:
            looked += 1
            if looked > ENTRIES:
                return files, odd + ["There are more files than were looked at."]
            relative = prefix + os.fsencode(entry.name).decode("utf-8", "replace")
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                if depth < DEEP and entry.name != "__pycache__":
                    stack.append((entry.path, relative + "/", depth + 1))
            elif not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
                odd.append("%s was left behind: it is a link or no plain file." % tidy(relative))
            elif before.get(relative) != signature(info):
                if relative in before:
                    odd.append("The code changed its copy of the input %s." % tidy(relative))
                files.append((relative, entry.path))
    return files, odd[:20]


def read_file(path, most):
    """A plain file's content; None for everything else, and for more than most bytes."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as f:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_nlink != 1 or info.st_size > most:
            return None
        data = f.read(most + 1)
    return data if len(data) <= most else None


def tidy(name):
    """A name that means the same everywhere; the host refuses any other."""
    name = "".join(c if c.isalpha() or c.isdecimal() or c in "._-" else "_" for c in name)
    if not name or name[0] in ".-":
        name = "_" + name.lstrip(".-")
    stem, dot, end = name.rpartition(".")
    if len(name.encode()) > 90:
        keep = 90 - len(end.encode()) - 1 if dot and len(end) <= 10 else 90
        short = (stem if keep < 90 else name).encode()[:max(keep, 1)].decode("utf-8", "ignore")
        name = short + (dot + end if keep < 90 else "")
    return name


def unused(name, names):
    stem, dot, end = name.rpartition(".")
    if not dot:
        stem, end = name, ""
    fresh, n = name, 1
    while fresh in names:
        n += 1
        fresh = "%s-%d%s%s" % (stem, n, dot, end)
    names.add(fresh)
    return fresh


def natural(name):
    """Sorts chart-2 before chart-10."""
    digits = "".join(c for c in name if c.isdigit())[:9]
    return name.rstrip("0123456789.pngcsv"), int(digits or 0), name
