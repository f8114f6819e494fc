"""Lines that are one value each: a list whose values hold what looks like a delimiter, and a table whose every line somebody put in quotes."""

import re

from . import kinds, values

ALONE = "\x1f"  # the delimiter of a table that has none
MANY = 200      # lines that are looked at
NAME = re.compile(r"[^\W\d_][\w.()-]*(?: [\w.()-]+)?")
QUOTED = re.compile(r'"(?:[^"]|"")*"')
WRAPPED = re.compile(r'"((?:[^"\r\n]|"")*)"([\r\n]*)')


def alone(head, delimiter):
    """Whether the delimiter that fits best tells nothing apart: quotes around each line, or a name without it above amounts, moments or sentences."""
    lines = re.split(r"\r\n|\r|\n", head)[:MANY]
    below = [line for line in lines[1:] if line.strip()]
    if len(below) < 2 or delimiter not in "".join(below):
        return False
    if all(map(WRAPPED.fullmatch, below)) and (WRAPPED.fullmatch(lines[0]) or NAME.fullmatch(lines[0].strip())):
        return True
    if not lines[1].strip() or delimiter not in (",", ", ", ":", " "):
        return False
    words = all(kinds.kind(v) in ("text", "") for line in below for v in line.split(delimiter))
    if delimiter == " " and words:
        return not columns(lines[0].split(" "), below)
    if delimiter in lines[0] or not NAME.fullmatch(lines[0].strip()):
        return False
    if all(values.form(line)[0] in ("number", "date", "missing") or kinds.kind(line) in ("time", "url") for line in below):
        return True
    sign = delimiter.strip()
    if lines[1].islower() and not any(map(str.islower, below[1:])):
        return False  # names of columns, below a title
    return words and all(line.count(sign) == line.count(sign + " ") for line in below)  # as sentences have it


def columns(names, below):
    """Whether three names or more stand above as many words each time, all of them small or all of them capital: no sentence."""
    return len(names) > 2 and (all(map(str.islower, names)) or all(n[:1].isupper() for n in names)) and all(len(line.strip().split(" ")) == len(names) for line in below)


def wrapped(head):
    """Whether every line is a record inside of quotes: "1,""Lee, Anna"",10". Lines of sentences differ in how often they have a delimiter."""
    lines = [line for line in re.split(r"\r\n|\r|\n", head)[:MANY] if line.strip()]
    if len(lines) < 2 or not all(WRAPPED.fullmatch(line) for line in lines):
        return False
    inner = [unwrap(line) for line in lines]
    counts = [[QUOTED.sub("", line).count(d) for line in inner] for d in (",", ";", "\t", "|")]
    marks = any('"' in line for line in inner)
    even = [c for c in counts if c[0] > 0 and len(set(c)) == 1]
    if not marks and not any(c[0] > 1 for c in even):  # "1,234" may be one value
        return bool(even) and not any(", " in line for line in inner) and \
            all(kinds.kind(re.split("[,;\t|]", line)[-1]) in kinds.NUMBERS or kinds.kind(re.split("[,;\t|]", line)[0]) in kinds.NUMBERS for line in inner[1:])
    return bool(even) and (marks or any(c.isdigit() for line in inner for c in line))


def several(head):
    """Whether lines that are read as one value each may as well be several: each has as many commas, or blanks between words, and the name does not tell."""
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", head)[:MANY] if line.strip()]
    quoted = all(map(WRAPPED.fullmatch, lines[1:]))
    for d in ", ":
        counts, name = {line.count(d) for line in lines[1:]}, lines[0].count(d)
        if len(counts) != 1 or counts == {0} or (quoted or d == " ") and counts != {name}:
            continue
        found = {kinds.kind(v) for line in lines[1:] for v in line.strip('"').split(d)}
        if found == {"text"} or found == {"int"} and d == ",":
            return True
    return False


def unwrap(line):
    """The record of such a line."""
    m = WRAPPED.fullmatch(line)
    return m[1].replace('""', '"') + m[2] if m else line
