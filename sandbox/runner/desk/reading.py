"""A reading: what a file is and how it is read, without any value of it; and the tables and CSV that come of one."""

import csv
import re

import numpy
import pandas

from . import columns, layout, totals, typed, values
from .opening import Opened
from .sheets import text
from .dialect import ALONE
from .words import MOST_NAME, Refused

VERSION = 1
LOOKS_LIKE_VALUES = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{20,}|\d{9,}|https?://\S+|(?:\d{1,3}\.){3}\d{1,3}(?:\s.*)?", re.I)


PERSONAL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|\+\d[\d ()/.-]{7,}\d|[A-Z]{2}\d{2}[ ]?[A-Z0-9]{4}[A-Z0-9 ]{6,30}")  # an address, a telephone, an account


def like_its_values(name, column):
    """Whether a name has the pattern of the values below it: A-1001 above 99 values like A-1002."""
    pattern = column.get("pattern", "")
    return "9" in pattern and any(c.isdigit() for c in name) and values.shape(name) in pattern.split(" or ")


def read(path, name, out=None, told=None):
    """The reading of a file: every table of it. out takes the first table as CSV, every value as it stands in the file.
    told is what somebody has said of how it is read: encoding, delimiter, decimal, and the line of a table's heading."""
    opened = Opened(path, name, told=told)
    try:
        sign = (told or {}).get("decimal", "")
        # One CSV per file: programs read the first table unless they ask for another one.
        tables = [describe(t, out if t is opened.tables[0] else None, sign) for t in opened.tables]
        return {"version": VERSION, "kind": opened.kind, "inside": opened.inside, "encoding": opened.encoding, "sure": opened.sure, "others": opened.others, "tables": tables}
    finally:
        opened.close()


def describe(table, out=None, decimal=""):
    """One table as a reading names it. decimal is the sign that somebody has told."""
    found, names = [], columns_names(table)
    profiles = [columns.Profile(decimal, p) for p in places(names)]
    last, frames, writer = None, 0, csv.writer(out, lineterminator="\n") if out is not None else None
    if writer and table.heading is not None:
        writer.writerow([text(v) for v in table.heading])
    # One frame behind: a sum stands at the end, so the last frame is profiled only when it is known to be the last.
    for frame in table.frames():
        if writer:
            writer.writerows([[v if isinstance(v, str) else written(v) for v in row] for row in frame.to_numpy(dtype=object).tolist()])
        if last is not None:
            profile(profiles, last)
        last, frames = frame, frames + 1
    sums, whole = {}, frames == 1 and len(last) <= totals.MOST_ROWS
    if whole:
        sums = totals.candidates(last)
        total = None
        profile(profiles, last.iloc[[i for i in range(len(last)) if i not in sums]] if sums else last)
    elif last is not None and len(last):
        rows_list = [list(last.iloc[i]) for i in range(max(0, len(last) - 3), len(last))]
        if totals.total_row(rows_list if len(last) >= 3 else [], table.width):
            profile(profiles, last.iloc[:-1])
            total = list(last.iloc[-1])
        else:
            profile(profiles, last)
            total = None
    else:
        total = None
    rows = profiles[0].rows if profiles else 0
    odd = table.odd
    found = [p.decide(n, odd) for p, n in zip(profiles, names)]
    dropped, gone = 0, []
    if sums:
        for i in totals.settled(last, found, profiles, sums):
            # decide says what is odd of a column; whoever decides anew takes back what was said of it before.
            odd.found = {k: e for k, e in odd.found.items() if e.get("column") != names[i]}
            found[i] = profiles[i].decide(names[i], odd)
        gone = totals.proven(last, found, sums)
        gone = sorted(gone + totals.shares(last, [i for i in sums if i not in gone])) if gone else gone
        kept = [i for i in sums if i not in gone]
        if set(gone) - set(sums):  # sums that no word says
            profiles, kept = [columns.Profile(decimal, p) for p in places(names)], kept or [-1]
            profile(profiles, last.iloc[[i for i in range(len(last)) if i not in gone]])
            rows = len(last) - len(gone)
        else:
            # What was taken for a sum and is none is a record like any other, and counts among the rows.
            for i in kept:
                for p, v in zip(profiles, last.iloc[i]):
                    one(p, v)
            rows += len(kept)
        if kept:
            odd.found = {k: e for k, e in odd.found.items() if "column" not in e}
            found = [p.decide(n, odd) for p, n in zip(profiles, names)]
        if gone == [len(last) - 1]:
            dropped, gone = 1, []
            odd.add("total_row")
        elif gone:
            odd.add("total_rows", count=len(gone))
        if sums.get(len(last) - 1) == "word" and len(last) > 2 and len(last) - 1 in kept:
            odd.add("total_row_kept")
    if total is not None:
        if adds_up(table, found, total):
            dropped = 1
            odd.add("total_row")
        else:
            for p, v in zip(profiles, total):
                one(p, v)
            rows += 1
            odd.found = {k: e for k, e in odd.found.items() if "column" not in e}
            found = [p.decide(n, odd) for p, n in zip(profiles, names)]
            odd.add("total_row_kept")
    if whole and not gone and not dropped and not any(code in odd.found for code in [("total_rows", None), ("total_row", None)]) and totals.unnamed(last, found):
        odd.add("sum_row")
    for column, p, shown in zip(found, profiles, getattr(table, "shown", [{}] * len(found))):
        as_shown(column, p, shown, odd)
    if parted(table, found):
        odd.add("tables_beside")
    for n, column in zip(names, found):
        column["dtype"] = typed.dtype(column)
        column.setdefault("day_first", False)
    if not table.heads and not table.heading:
        odd.add("no_heading")
    elif not table.sure_heading:
        odd.add("heading_guessed")
    if hardly(table, found):
        odd.add("hardly_a_table", count=0 if odd.count("hardly_a_table") else 1)
    if table.heads > 1:
        odd.add("heading_rows", count=table.heads)
    if table.titles:
        odd.add("title_rows", count=table.titles)
    heads = [str(n).strip() for n in table.heading or []]
    valued = sum(1 for n, c in zip(heads, found) if LOOKS_LIKE_VALUES.fullmatch(n) or like_its_values(n, c))
    if valued and 2 * valued >= table.width or any(PERSONAL.fullmatch(n) for n in heads):
        odd.add("heading_looks_like_values", count=max(1, valued))
    long = sum(1 for n in (table.heading or []) if len(str(n)) > MOST_NAME)
    if long:
        odd.add("names_cut", count=long)
    signs = [c["decimal"] for c in found if c.get("decimal_said")]
    spec = table.spec()
    spec["total"] = dropped
    if gone:
        # By their places among the rows: the program that reads by this reading leaves the same ones out.
        spec["totals"] = gone
    return {"name": table.name, "hidden": table.hidden, "rows": rows, "delimiter": "" if getattr(getattr(table, "lines", None), "spans", None) else spec.get("delimiter", "").strip(ALONE), "quote": spec.get("quote", ""), "heading_line": table.heading_line,
            "heading_rows": table.heads, "decimal": max(set(signs), key=signs.count) if signs else "", "columns": found, "odd": odd.listed(), "spec": spec}


def as_shown(column, profile, shown, odd):
    """The currency, or the percent, in which the cells of a column are shown; several currencies are named, since nothing else tells their amounts apart."""
    if column["type"] not in ("integer", "number") or column.get("currency") or column.get("percent") or not shown:
        return
    units = {u: n for u, n in shown.items() if u[0] == "~"}
    if len(units) > 1 or units and 10 * sum(units.values()) < 9 * profile.native["number"]:
        odd.add("unit_formats", column=column["name"], count=sum(units.values()))
    shown = {u: n for u, n in shown.items() if u[0] != "~"}
    nearly = 10 * sum(shown.values()) >= 9 * profile.native["number"]
    if shown.get("%") and not nearly:
        odd.add("percent_formats", column=column["name"], count=shown["%"])
    if len(shown.keys() - {"%"}) > 1:
        odd.add("currency_formats", column=column["name"], count=len(shown.keys() - {"%"}))
    elif len(shown) == 1 and nearly:
        unit = next(iter(shown))
        column.update({"percent": True, "type": "number"} if unit == "%" else {"currency": unit})
        odd.add("percent" if unit == "%" else "currency", column=column["name"], count=profile.native["number"])


MENDED = ("set_apart", "filled_up", "other_delimiter", "empty_value", "lost_delimiter", "unquoted", "second_table", "stray_quote")


def hardly(table, found):
    """Whether a text hardly is a table: no names that are sure, and texts alone that had to be mended, or that a sign cuts which stands in any text."""
    delimiter = getattr(getattr(table, "dialect", None), "delimiter", ALONE)
    if delimiter == ALONE or table.told or len(found) < 2 or getattr(table.lines, "spans", None):
        return False
    typed = [c for c in found if c["type"] not in ("text", "empty")]
    unsure = not table.heading or not table.sure_heading
    rare = delimiter.strip() not in (",", ";", "", "|") or delimiter == " "
    facts = delimiter == ":" and len(found) == 2 and not typed
    return facts or unsure and (rare and len(typed) < len(found) and not (delimiter.strip() == ":" and len(found) == 2 and typed) or not typed and any(code in MENDED for code, _ in table.odd.found)) or not typed and len(found) == 2 and found[1]["type"] == "empty"


def parted(table, found):
    """Whether a column without a name and a value stands between others, two and more of them on its left: tables beside one another, or notes."""
    said = [bool(h.strip()) for h in map(text, table.heading or [])]
    return any(not said[i] and found[i]["type"] == "empty" and sum(said[:i]) > 1 and any(said[n] or found[n]["type"] != "empty" for n in range(i + 1, len(said))) for i in range(len(said)))


def columns_names(table):
    if table.heading is None:
        return layout.names(None, table.width)
    return layout.names([str(h) for h in table.heading], table.width)


def places(names):
    """Which columns of these names are places: LNG without LAT is gas, a Spanish longitud alone a length."""
    found = [[p.fullmatch(n.strip()) is not None for n in names] for p in columns.COORDINATES]
    return [any(pair) and all(map(any, found)) for pair in zip(*found)]


def profile(profiles, frame):
    for i, p in enumerate(profiles):
        series = frame[i]
        if all_texts(series):
            p.add_texts(series)
        else:
            for v in series:
                p.add_native(v)


def one(p, value):
    if isinstance(value, str):
        p.rows += 1
        p.add_text(value)
    else:
        p.add_native(value)


def all_texts(series):
    return pandas.api.types.infer_dtype(series, skipna=False) == "string"


def adds_up(table, found, total):
    """Whether a last row that calls itself a total is the sum of what stands above it, in every column that could be summed."""
    numeric = [i for i, c in enumerate(found) if c["type"] in ("integer", "number") and not c.get("percent")]
    if not numeric:
        return False
    sums, seen, frames = {i: 0.0 for i in numeric}, 0, list(table_again(table))
    for n, frame in enumerate(frames):
        part = frame.iloc[:-1] if n == len(frames) - 1 else frame
        for i in numeric:
            sums[i] += float(numpy.nansum(typed.convert(part[i], dict(found[i], missing=1, unit=None)).to_numpy(dtype="float64")))
    fits = checked = 0
    for i in numeric:
        said = typed.convert(pandas.Series([total[i]], dtype=object), dict(found[i], missing=1, unit=None)).iloc[0]
        if said != said:
            continue
        checked += 1
        # A cent of rounding, or a millionth where sums are large.
        fits += abs(float(said) - sums[i]) <= max(0.011, 1e-6 * abs(sums[i]))
    # Half of the columns are enough: a price or a year has no sum, and a total row has something else there or nothing.
    return checked > 0 and 2 * fits >= checked


def table_again(table):
    """The frames once more, without counting what is odd twice."""
    found = table.odd.found
    table.odd.found = {}
    try:
        yield from table.frames()
    finally:
        table.odd.found = found


# -- obeying a reading

def tables(path, name, reading):
    """The file's tables by a reading that was made of the same bytes."""
    return Opened(path, name, reading if reading["kind"] in ("text", "json") else None, reading.get("told"))


def frame(opened, reading, at, wanted=None):
    """One table in the types of its reading."""
    made = list(pieces(opened, reading, at, wanted))
    return pandas.concat(made, ignore_index=opened.tables[place(reading, at)].index is None) if len(made) > 1 else made[0]


def place(reading, at):
    """Where a table stands in its file."""
    return reading["tables"][at].get("place", at + 1) - 1


def pieces(opened, reading, at, wanted=None):
    """One table in the types of its reading, piece by piece, so that its texts are never all in memory; a sum below it is left out."""
    said, table = reading["tables"][at], opened.tables[place(reading, at)]
    names = [c["name"] for c in said["columns"]]
    use = list(range(len(names))) if wanted is None else [names.index(w) for w in wanted]
    # total counts rows at the very end, where the last piece is; totals are places, and only in tables of one piece.
    drop, held, gone = said["spec"].get("total", 0), None, said["spec"].get("totals")
    for piece in table.frames():
        if gone:  # a table of one piece
            left_out = set(gone)
            piece = piece.iloc[[i for i in range(len(piece)) if i not in left_out]]
            piece = piece.reset_index(drop=True) if table.index is None else piece
        if held is not None:
            yield in_types(held, said, use)
        held = piece[use]
    if held is None:
        held = pandas.DataFrame(columns=use, dtype=object)
    yield in_types(held.iloc[:-drop] if drop else held, said, use)


def in_types(piece, said, use):
    columns_said = [said["columns"][i] for i in use]
    made = {c["name"]: typed.convert(piece[i], c) for i, c in zip(use, columns_said)}
    return pandas.DataFrame(made, columns=[c["name"] for c in columns_said])


def written(value):
    if isinstance(value, (dict, list)):
        import json
        return json.dumps(value, ensure_ascii=False, default=str)
    return text(value)
