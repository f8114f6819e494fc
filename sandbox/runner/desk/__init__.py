"""The desk: the library that programs in a box may count on.

    from desk import answer, left_out, load, money
    sales = load("sales.csv")
    known = sales.dropna(subset=["amount"])
    left_out(len(sales) - len(known), "no amount")
    answer(f"Revenue was {money(known['amount'].sum())}.")

load obeys the reading of a file where one was sealed with the program; without one it reads the file by the same rules. The rest
tells people what came out (telling.py).
"""

from . import reading as _reading
from .telling import answer, chart, left_out, money, note, number, percent, table, today
from .words import Refused

__all__ = ["answer", "chart", "left_out", "load", "money", "note", "number", "percent", "table", "today"]
_sealed = {}   # name: its reading
_folder = "."


def load(name, sheet=None, columns=None):
    """The table of an input as a DataFrame: its first, or the sheet of that name or number; all columns, or these."""
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
    opened = _reading.tables(path, name, said)
    try:
        return _reading.frame(opened, said, at, columns)
    finally:
        opened.close()


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
