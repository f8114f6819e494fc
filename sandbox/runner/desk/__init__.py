"""The desk: the library that programs in a box may count on.

    from desk import answer, left_out, load, money
    sales = load("sales.csv")
    known = sales.dropna(subset=["amount"])
    left_out(len(sales) - len(known), "no amount")
    answer(f"Revenue was {money(known['amount'].sum())}.")

load and load_parts obey the reading of a file where one was sealed with the program; without one they read it by the same rules. The rest
tells people what came out (telling.py).
"""

from . import reading as _reading
from .telling import answer, chart, left_out, money, note, number, percent, table, today
from .words import Refused

__all__ = ["answer", "chart", "left_out", "load", "load_parts", "money", "note", "number", "percent", "table", "today"]
_sealed = {}   # name: its reading
_folder = "."


def load(name, sheet=None, columns=None):
    """The table of an input as a DataFrame: its first, or the sheet of that name or number; all columns, or these."""
    opened, said, at = _opened(name, sheet, columns)
    try:
        return _reading.frame(opened, said, at, columns)
    finally:
        opened.close()


def load_parts(name, sheet=None, columns=None):
    """The same table piece by piece, each a DataFrame with the next rows, for a table that has no room in memory as a whole."""
    opened, said, at = _opened(name, sheet, columns)
    return _parts(opened, said, at, columns)


def _parts(opened, said, at, columns):
    rows, counted = 0, opened.tables[_reading.place(said, at)].index is None
    try:
        for piece in _reading.pieces(opened, said, at, columns):
            if counted:
                piece.index = range(rows, rows + len(piece))
                rows += len(piece)
            yield piece
    finally:
        opened.close()


def _opened(name, sheet, columns):
    """An input, how it is read, and which of its tables is meant."""
    import os
    path = os.path.join(_folder, name)
    if not os.path.exists(path):
        raise FileNotFoundError("there is no input %r; write its whole name, as in the question" % name)
    said = _sealed.get(name)
    if said is None:
        said = _sealed[name] = _reading.read(path, name)
    at = _table(said, name, sheet)
    if columns is not None:
        known = [c["name"] for c in said["tables"][at]["columns"]]
        missing = [c for c in columns if c not in known]
        if missing:
            raise KeyError("%r has no column %r; it has %s" % (name, missing[0], ", ".join(map(repr, known[:20]))))
    return _reading.tables(path, name, said), said, at


def _table(said, name, sheet):
    names = [t["name"] for t in said["tables"]]
    if sheet is None:
        return 0
    if isinstance(sheet, int) and 0 <= sheet < len(names):
        return sheet
    if sheet in names:
        return names.index(sheet)
    raise KeyError("%r has no sheet %r; it has %s" % (name, sheet, ", ".join(map(repr, names))))


def seal(readings, folder="."):
    """For the runner: the readings that load obeys, by the files' names."""
    global _folder
    _sealed.clear()
    _sealed.update(readings)
    _folder = folder
