"""Chooses and reads the files that go back, when everything that could change them is dead.

Loaded by supervise.py.
"""

import hashlib
import os
import re
import stat
import time

DEEP = 4          # folders within the working folder
ENTRIES = 2000    # files and folders that are looked at
LOOKING = 12      # seconds, past the code's limit or later, for looking through files before they go out; within the grace of the hosts


def choose(run, said, before):
    """Chooses the files that go back: tables, then charts, then what the code wrote."""
    # The first figure is the order in which files find room: what the runner wrote of the answer goes before what the code left.
    found = []
    charts = {c["name"]: c.get("alt", "") for c in said.get("charts", [])}
    for name in sorted(os.listdir(run.out), key=natural):
        path = os.path.join(run.out, name)
        if name.startswith("chart-") and name.endswith(".png"):
            found.append((1, name, "chart", charts.get(name, ""), path))
        # What else lies in that folder (report.json, first.json) is the runner's own and stays behind.
        elif name in said.get("csvs", []):
            found.append((0, name, "table", "", path))
    alts = said.get("saved", {})
    written, odd = changed(run.work, before)
    for text in odd:
        run.note(text)
    for relative, path in written:
        found.append((2, relative, "file", alts.get(relative, ""), path))
    kept, names, room, left = [], set(), run.job["file_bytes"], run.job["files"]
    # Code that was done early leaves the rest of its time: a busy machine needs it.
    dropped, until = 0, max(run.deadline, time.monotonic()) + LOOKING
    for _, shown, kind, alt, path in sorted(found, key=lambda f: f[0]):
        if left == 0:
            dropped += 1
            continue
        # One file in memory at a time, besides those that are kept; both bounds are bytes.
        data = read_file(path, run.job["one_file"])
        if data is None or len(data) > room:
            run.note("The file %s was left behind: it is no plain file, or larger than what may come back." % tidy(shown))
            continue
        shown, data = fit_for_people(run, shown, kind, data, min(room, run.job["one_file"]), until)
        name = unused(tidy(shown), names)
        if name != shown:
            run.note("The file %r comes back as %s." % (shown, name))
        room, left = room - len(data), left - 1
        kept.append(({"name": name, "kind": kind, "alt": alt[:400]}, data))
    if dropped:
        run.note("%d more files were left behind: %d may come back." % (dropped, run.job["files"]))
    return kept


def fit_for_people(run, name, kind, data, room, until):
    """A file as it is handed over, after saying what it could do to those who open it. A host waits only so long, so from
    the moment until on nothing is looked through any more: a table loses its last rows, and of other files that is said."""
    try:
        told, count = tidy(name), 0
        if kind == "table":
            data, count, lost = cells.tamed(data, room, until)
            if count:
                run.note("%s of %s begin%s like a formula and got an apostrophe, so that no spreadsheet computes %s."
                         % (cells.times(count, "One cell", "%d cells"), told, "s" if count == 1 else "", "it" if count == 1 else "them"))
            if lost is None:
                run.note("The last rows of %s were left behind: there was no time to look for formulas in them." % told)
            elif lost:
                run.note("The last %d rows of %s were left behind: with the apostrophes they had no room." % (lost, told))
        elif kind == "file":
            try:
                count = cells.formulas(name.lower(), data, until)
            except cells.Late:
                run.note("There was no time to look through %s: a spreadsheet may compute some of its cells." % told)
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
    """What a file's owner cannot set back: writing to a file changes its ctime."""
    return info.st_ino, info.st_size, info.st_ctime_ns


def changed(work, before):
    """The plain files in the working folder that are new or different, and remarks on the rest.

    before has the signature and the sha256 of each input by name.
    """
    files, odd, looked, deep = [], [], 0, 0
    stack = [(work, "", 0)]
    while stack:
        folder, prefix, depth = stack.pop()
        try:
            entries = listed(folder)
        except OSError:
            odd.append("What is in the folder %s was left behind: it cannot be listed." % tidy(prefix.rstrip("/")))
            continue
        for name, path, info in entries:
            looked += 1
            if looked > ENTRIES:
                return files, odd + ["There are more files than were looked at."]
            relative = prefix + name
            if stat.S_ISDIR(info.st_mode):
                if name == "__pycache__":
                    continue
                if depth < DEEP:
                    stack.append((path, relative + "/", depth + 1))
                else:
                    deep += 1
            elif not stat.S_ISREG(info.st_mode) or info.st_nlink != 1:
                odd.append("%s was left behind: it is a link or no plain file." % tidy(relative))
            elif relative not in before:
                files.append((relative, path))
            # The signature is quick and says "unchanged" truthfully; where it differs, the bytes decide: a touched input is no output.
            elif before[relative][0] != signature(info) and sha256(path) != before[relative][1]:
                odd.append("The code changed its copy of the input %s." % tidy(relative))
                files.append((relative, path))
    if deep:
        odd.insert(0, "What is in folders that are more than %d deep was left behind: %d of them." % (DEEP, deep))
    return files, odd[:20]


def listed(folder):
    """What is in a folder, in reading order. Its owner gets in, whatever mode the code gave it."""
    # This process acts as the code's user (machine.act_as), so it may, and so it gets into nothing that the code could not.
    os.chmod(folder, 0o700)
    with os.scandir(folder) as entries:
        found = [(os.fsencode(e.name).decode("utf-8", "replace"), e.path, e.stat(follow_symlinks=False)) for e in entries]
    return sorted(found, key=lambda f: natural(f[0]))


def sha256(path):
    """A plain file's hash; empty for what cannot be read."""
    digest = hashlib.sha256()
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as f:
            while data := f.read(1 << 20):
                digest.update(data)
    except OSError:
        return ""
    return digest.hexdigest()


def read_file(path, most):
    """A plain file's content; None for everything else, and for more than most bytes."""
    try:
        if stat.S_ISREG(os.lstat(path).st_mode):
            os.chmod(path, 0o600)  # whatever mode the code gave it
        # O_NONBLOCK: to open a pipe that nobody writes to would wait for ever. O_NOFOLLOW: a link may lead anywhere.
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as f:
        info = os.fstat(fd)
        # What is open is looked at once more, rather than what its name meant a moment ago. A second link may be the name of a
        # file that lies elsewhere.
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
    # In bytes, as the host counts; a short ending is kept, since people and programs go by it.
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
    """Sorts chart-2 before chart-10. Other scripts' digits, and ² or ①, are letters like any other."""
    return [(int(part[:9]), "") if part.isascii() and part.isdigit() else (-1, part) for part in re.split("([0-9]+)", name)], name
