"""Parts of a table on their way: a frame of text where many rows fit, or a list of rows."""

import csv
import io
import re

import pandas

from . import above, kinds, layout, texts


def length(part):
    return 0 if part is None else len(part)


def rows_of(part):
    if isinstance(part, pandas.DataFrame):
        return part.to_numpy(dtype=object).tolist()
    return list(part or [])


def frame_of(part, width):
    if isinstance(part, pandas.DataFrame):
        return part
    return pandas.DataFrame([r[:width] + [""] * (width - len(r)) for r in part or []], columns=range(width), dtype=object)


def split(part, n):
    if isinstance(part, pandas.DataFrame):
        return part.iloc[:n].reset_index(drop=True), part.iloc[n:].reset_index(drop=True)
    return part[:n], part[n:]


def join(one, two):
    if one is None or not len(one):
        return two
    if two is None or not len(two):
        return one
    if isinstance(one, list) and isinstance(two, list):
        return one + two
    width = one.shape[1] if isinstance(one, pandas.DataFrame) else two.shape[1]
    return pandas.concat([frame_of(one, width), frame_of(two, width)], ignore_index=True)


def row(part, i):
    return list(part.iloc[i]) if isinstance(part, pandas.DataFrame) else part[i]


def without(part, places):
    """A part without the rows at these places."""
    if isinstance(part, pandas.DataFrame):
        return part.drop(index=places).reset_index(drop=True)
    places = set(places)
    return [r for i, r in enumerate(part) if i not in places]


def titles_above(part, i, page=""):
    """The places just above a repeated heading at which the title of its page stands: one text, no more, or what this page title says."""
    at = i
    while at > 0 and i - at < 5:
        values = [v for v in row(part, at - 1) if v.strip()]
        if page and above.numberless(row(part, at - 1)) == page:
            at -= 1
            continue
        if len(values) != 1 or kinds.kind(values[0]) not in ("text", "code"):
            break
        at -= 1
    return range(at, i)


def heading_lines(lines, heads, dialect, ahead):
    """How many of these first lines are the heading's: "# of orders,region" is no comment there."""
    i = 0
    while heads and i < len(lines):
        used = 1
        if lines[i].strip() and not layout.ruled(lines[i]):
            text = "".join(lines[i:i + ahead])
            row, end = dialect.honest(text, 0)
            used = max(1, len(texts.lines(text[:end])))
            heads -= layout.filled(row) > 0
        i += used
    return i


def quick(lines, dialect):
    """Lines that fit, as rows."""
    d, q = dialect.delimiter, dialect.quote
    if len(d) > 1 or q and dialect.blank is False and any(q in line and d + " " in line for line in lines):
        rows = [dialect.record(line, 0)[0] or line.rstrip("\r\n").split(d) for line in lines]
    elif q:
        rows = list(csv.reader(lines, delimiter=d, quotechar=q, doublequote=True, strict=False))
    else:
        rows = [line.rstrip("\r\n").split(d) for line in lines]
    return [r for r in rows if any(v and not v.isspace() for v in r)]


def fast(lines, dialect, width):
    """Many lines that fit, by pandas' own parser."""
    d, q = dialect.delimiter, dialect.quote
    if len(d) > 1 or ord(d) > 126 or d == " ":
        yield quick(lines, dialect)
        return
    try:
        frame = pandas.read_csv(io.StringIO("".join(lines)), sep=d, header=None, names=list(range(width)), dtype=str, na_filter=False, engine="c",
                                quotechar=q or '"', quoting=csv.QUOTE_MINIMAL if q else csv.QUOTE_NONE, doublequote=True, skip_blank_lines=False, index_col=False)
    except (pandas.errors.ParserError, ValueError):
        yield quick(lines, dialect)
        return
    first = frame[0].to_numpy()
    if (first == "").any():
        empty = (frame == "").all(axis=1)
        if empty.any():
            frame = frame[~empty].reset_index(drop=True)
    yield frame


PAIR = re.compile(r"\s*[-+]?\d[\d.:/-]*(?: [-+]?\d[\d.:/-]*)+\s*|\s*[-+]?\d+\.\d+ \S.*")  # 0.5 3, 8.8493 Aach


def loose(placed, dialect, width, found, heads):
    """Whether the lines hardly look like rows: letters and notes with a comma here and there, or values that one more delimiter would cut."""
    rows = [r for r, _, _ in placed if layout.filled(r)]
    if dialect.runs or dialect.delimiter in (" ", ":"):
        pairs = [i for i in range(width) if len(rows) - heads > 1 and all(i < len(r) and PAIR.fullmatch(r[i]) for r in rows[heads:])]
        if pairs and not layout.column_kinds(rows[heads:], width)[pairs[0]] in kinds.NUMBERS + ("date",):
            return True
    if dialect.delimiter.strip() not in (",", ":", "") or any('"' in raw for _, _, raw in placed) or width < 2 or set(found) - {"text", ""}:
        return False
    said = [v for r in rows for v in r if v.strip()]
    return sum(1 for r in rows if len(r) != width) * 6 >= len(rows) and sum(len(v.split()) for v in said) >= 2.5 * len(said)
