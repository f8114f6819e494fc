"""Parts of a table on their way: a frame of text where many rows fit, or a list of rows."""

import csv
import io

import pandas

from . import kinds, layout, texts


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


def titles_above(part, i):
    """The places just above a repeated heading at which the title of its page stands: one text, no more."""
    at = i
    while at > 0 and i - at < 5:
        values = [v for v in row(part, at - 1) if v.strip()]
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
