"""How the values of a text are told apart: the delimiter, quotation mark and escape under which its records agree
best in width, and its columns in kind."""

import re
from collections import Counter

from . import kinds, layout, whole
from .records import Dialect, rows

USUAL = [",", ";", "\t", "|", ", ", "; ", ":", "^", "~", "  ", " "]
DOUBLED = ["::", "||", "~~", "^^"]
HEAD = 60000   # characters that are looked at
RECORDS = 120
# What stands in values so often that it is a delimiter only if nothing else is.
NEVER = set("\"'`_-+.()[]{}%$€£¥°²³\\@/\r\n\0\ufeff")


def choose(text, told=""):
    """The dialect of a text, how good it is, and the width of its records. told is the delimiter where the file names it."""
    head = text[:HEAD]
    best = (-1.0, Dialect(), 1)
    for d in [told] if told else delimiters(head):
        for q in ('"', "'", ""):
            if q and q not in head or not q and head.count('"' + d) + head.count(d + '"') > 2:
                continue
            if q == "'" and not quotes_well(head, d, q):
                continue
            escapes = [""] + [e for e in ("\\", "\0") if q and e + q in head and escaping(head, d, q, e)]
            for e in escapes:
                dialect = Dialect(d, q, e)
                score, width = worth(rows(head, dialect, RECORDS), d)
                closes = len(re.findall(re.escape(q) + r"(?=%s|[\r\n])" % re.escape(d), head)) if q else 0
                score += 0.02 * (q == '"' and closes > 0) + (0.02 if e and closes else 0) - 0.03 * (q == "'" and closes < 3)
                score += 0.01 * (len(d) > 1) - 0.05 * (d.strip(" ") == "" or d == ":") - 0.04 * (d not in USUAL)
                if score > best[0]:
                    best = (score, dialect, width)
    chosen = best[1]
    if not told and whole.alone(head, chosen.delimiter):
        return Dialect(whole.ALONE), best[0], 1
    if not chosen.quote and '"' not in head:  # the beginning has none; what comes may
        chosen = Dialect(chosen.delimiter)
    return chosen, best[0], best[2]


def escaping(head, d, q, e):
    """Whether such a character escapes quotation marks, rather than ending values: "C:\\dir\\" does, where no mark stands in the midst."""
    return re.search(re.escape(e + q) + r"(?!%s|[\r\n]|$)" % re.escape(d), head) is not None


def quotes_well(head, d, q):
    """Whether a rare quotation mark both opens and closes values, and hardly ever stands elsewhere: not an apostrophe."""
    opens = len(re.findall(r"(?:^|[\r\n]|%s)%s" % (re.escape(d), q), head))
    closes = len(re.findall(r"%s(?:%s|[\r\n]|$)" % (q, re.escape(d)), head))
    return opens >= 2 and closes >= 2


def delimiters(head):
    """The usual ones that are there, and any other sign that stands equally often in nearly every line."""
    found = [d for d in USUAL if d in head]
    lines = [line for line in re.split(r"[\r\n]+", head)[:60] if line.strip()]
    for d in DOUBLED:
        counts = {line.count(d) for line in lines if line.strip()}
        if d in head and d + d[0] not in head and len(counts) == 1:
            found.append(d)
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
    # another table below the first tells nothing against the delimiter
    total = sum(widths.values())
    times += 0.8 * sum(n for w, n in runs(records) if w not in (1, width))
    return (times / total) ** 1.3 * (fit / width) * (1 - 0.9 / width ** 1.2), width


def runs(records):
    """Of four records or more in a row that have one width: the width, and how many they are."""
    found, before, n = [], 0, 0
    for row, _, _ in records + [([], 0, 0)]:
        if len(row) == before:
            n += 1
            continue
        if n >= 4:
            found.append((before, n))
        before, n = len(row), 1
    return found


GLUED = re.compile(r"\s*[-+]?[\d.:/-]*\d\s*([;|\t^~])\s*[-+]?[\d.:/-]*\d?\s*")
GLUED_BY_COMMA = re.compile(r"\s*[-+]?[\d.:/-]*\d\s*,\s*[-+]?[\d.:/-]*\d?\s*")


def glued(value, d):
    """Whether a value is two numbers that another delimiter would have told apart: 5;2"""
    return len(value) < 60 and (GLUED.fullmatch(value) is not None or d in ": " and GLUED_BY_COMMA.fullmatch(value) is not None)


def told_delimiter(text):
    """The delimiter that a first line tells, as Excel takes it (sep=;), and the text without that line."""
    m = re.match(r"\"?sep=(.)\"?(?:\r\n|\r|\n)", text)
    return (m[1], text[m.end():]) if m else ("", text)


def width_of(rows):
    """How many values a record has: what most of them have, or the first of several tables."""
    blocks = [[]]
    for r in rows:
        if layout.filled(r):
            blocks[-1].append(len(r))
        elif blocks[-1]:
            blocks.append([])
    wide = [b for b in blocks if len(b) > 1 and b[0] > 1 and len(set(b)) == 1]
    if len(blocks) > 1 and wide and len(wide[0]) >= 0.3 * sum(map(len, blocks)) and wide[0][0] >= max(w for b in blocks for w in b):
        return wide[0][0]
    said = [len(r) for r in rows if layout.filled(r)]
    widths = Counter(said)
    if not widths:
        return 1
    most = max(widths.values())
    if most == 1:
        return max(widths) if len(widths) > 2 or max(widths) == 1 else next((w for w in said if w > 1), 1)
    for at, w in enumerate(said):  # a first table, whole, above another one
        if w > 1 and widths[w] >= 0.3 * len(said) and sum(1 for x in said[at:at + 10] if x == w) >= min(8, len(said) - at) - 1:
            return w
        if at > 30:
            break
    return max(widths, key=lambda w: (widths[w] * (1 if w > 1 else 0.6), w))
