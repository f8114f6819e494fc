"""How the values of a text are told apart: the delimiter, quotation mark and escape under which its records agree
best in width, and its columns in kind."""

import re
from collections import Counter

from . import kinds
from .records import Dialect, rows

USUAL = [",", ";", "\t", "|", ", ", "; ", ":", "^", "~", " "]
HEAD = 60000   # characters that are looked at
RECORDS = 120
# What stands in values so often that it is a delimiter only if nothing else is.
NEVER = set("\"'`_-+.()[]{}%$€£¥°²³\\@/\r\n\0\ufeff")


def choose(text):
    """The dialect of a text, how good it is, and the width of its records."""
    head = text[:HEAD]
    best = (-1.0, Dialect(), 1)
    for d in delimiters(head):
        for q in ('"', "'", ""):
            if q and q not in head or not q and head.count('"' + d) + head.count(d + '"') > 2:
                continue
            if q == "'" and not quotes_well(head, d, q):
                continue
            escapes = [""] + [e for e in ("\\", "\0") if q and e + q in head]
            for e in escapes:
                dialect = Dialect(d, q, e)
                score, width = worth(rows(head, dialect, RECORDS), d)
                closes = len(re.findall(re.escape(q) + r"(?=%s|[\r\n])" % re.escape(d), head)) if q else 0
                score += 0.02 * (q == '"' and closes > 0) + (0.02 if e and closes else 0) - 0.03 * (q == "'" and closes < 3)
                score += 0.01 * (len(d) > 1) - 0.05 * (d in " :") - 0.04 * (d not in USUAL)
                if score > best[0]:
                    best = (score, dialect, width)
    return best[1], best[0], best[2]


def quotes_well(head, d, q):
    """Whether a rare quotation mark both opens and closes values, and hardly ever stands elsewhere: not an apostrophe."""
    opens = len(re.findall(r"(?:^|[\r\n]|%s)%s" % (re.escape(d), q), head))
    closes = len(re.findall(r"%s(?:%s|[\r\n]|$)" % (q, re.escape(d)), head))
    return opens >= 2 and closes >= 2


def delimiters(head):
    """The usual ones that are there, and any other sign that stands equally often in nearly every line."""
    found = [d for d in USUAL if d in head]
    lines = [line for line in re.split(r"[\r\n]+", head)[:60] if line.strip()]
    for c in sorted({c for line in lines[:5] for c in line}):
        if c.isalnum() or c in NEVER or c in USUAL or (c.isspace() and c != "\t"):
            continue
        counts = Counter(line.count(c) for line in lines)
        often, times = counts.most_common(1)[0]
        if often >= 1 and times >= max(2, 0.9 * len(lines)):
            found.append(c)
    return found


def worth(records, d):
    """How well records agree, and their width."""
    widths = Counter(len(r) for r, _, _ in records if len(r) > 1 or (r and r[0].strip()))
    if not widths:
        return -1.0, 1
    width, times = max(widths.items(), key=lambda x: (x[1] * (x[0] > 1), x[1]))
    if width == 1:
        return 0.05, 1
    full = [r for r, _, _ in records if len(r) == width]
    fit = 0.0
    for column in zip(*full):
        counts = Counter(kinds.kind(v) for v in column[1:])
        counts.pop("", None)
        total = sum(counts.values())
        if not total:
            fit += 0.6
            continue
        name, most = counts.most_common(1)[0]
        share = most / total
        if name == "text":
            torn = sum(1 for v in column[1:] if glued(v, d))
            share -= 0.6 * torn / total
        fit += share * (1.15 if name != "text" else 1.0)
    # records that stand before or behind the table tell nothing against the delimiter
    total = sum(widths.values())
    return (times / total) ** 1.3 * (fit / width) * (1 - 0.9 / width ** 1.2), width


GLUED = re.compile(r"\s*[-+]?[\d.:/-]*\d\s*([;|\t^~])\s*[-+]?[\d.:/-]*\d?\s*")


def glued(value, d):
    """Whether a value is two numbers that another delimiter would have told apart: 5;2"""
    return len(value) < 60 and GLUED.fullmatch(value) is not None
