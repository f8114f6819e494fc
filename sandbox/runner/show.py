"""Turns the last expression and the open figures into what people can read."""

import csv
import hashlib
import io
import itertools
import os
import pprint
import re
import sys

ROWS, COLUMNS, CELL = 20, 20, 200
TABLES = 10
MOST_SHOWN = 20      # tables and charts that the program shows at the desk
SAID = 10            # notes, and reasons for rows left out, that it tells there
ANSWER, LINE = 2000, 300  # characters of its sentence, and of a note or a reason
COUNT = 1 << 53      # rows: more are in no table, and no reader of numbers has to take them
VALUE = 60000
ITEMS = 2000         # of a list or a dict that is shown as text
CELLS = 200_000      # of a table that are written at once
PIXELS = 16_000_000  # of one chart
LONE_CR = re.compile(r"\r(?!\n)")


class Show:
    """Collects what is there to show. The folder out is the runner's own."""

    def __init__(self, out, work, limits):
        self.out, self.work, self.most = out, work, limits["files"]
        # Charts come back beside the tables, and the report has to fit into the same folder.
        self.room, self.one_file = limits["file_bytes"] * 3 // 4, limits["one_file"]
        self.value, self.tables, self.csvs, self.charts, self.notes = "", [], [], [], []
        self.saved = {}       # file in the working folder -> words for those who cannot see it
        self.answer, self.said, self.left_out = "", [], []
        self.desk, self.pid = None, os.getpid()
        self.kept = set()     # the figures that are kept already
        self.pictures = set() # and what is on them
        self.too_many = 0
        self.savefig = None

    # -- figures

    def take_over(self, plt):
        """Makes show() keep the figures and close them, as a window would, and learns which ones the code saves itself."""
        from matplotlib.figure import Figure
        self.savefig = Figure.savefig

        def savefig(figure, fname, *args, **kwargs):
            done = self.savefig(figure, fname, *args, **kwargs)
            if isinstance(fname, (str, os.PathLike)):
                path = os.path.normpath(os.path.join(os.getcwd(), os.fspath(fname)))
                if not os.path.exists(path):  # matplotlib adds the ending
                    path += ".png"
                if path.startswith(self.work.rstrip("/") + "/"):
                    self.saved[os.path.relpath(path, self.work)] = describe(figure)
                    figure._countersign_saved = path
            return done

        def show(*args, **kwargs):
            self.figures(plt)
            plt.close("all")

        Figure.savefig, plt.show = savefig, show

    def figures(self, plt):
        for number in plt.get_fignums():
            figure = plt.figure(number)
            saved = getattr(figure, "_countersign_saved", "")
            if not figure.axes and not figure.texts and not figure.subfigs or saved and os.path.exists(saved):
                continue
            self.figure(figure)

    def figure(self, figure):
        if figure not in self.kept:
            self.draw(figure)

    def draw(self, figure, again=False):
        if len(self.charts) >= self.most:
            self.too_many += 1
            return
        name = "chart-%d.png" % (len(self.charts) + 1)
        path = os.path.join(self.out, name)
        try:
            drawn, alt = io.BytesIO(), describe(figure)
            self.savefig(figure, drawn, format="png", dpi=resolution(figure), bbox_inches="tight")
            picture = drawn.getvalue()
            if len(picture) > self.one_file:
                raise ValueError("its picture is larger than what may come back")
            same = hashlib.sha256(picture).digest()
            if not (again and same in self.pictures):
                with open(path, "wb") as file:
                    file.write(picture)
                self.pictures.add(same)
                self.charts.append({"name": name, "alt": alt})
            self.kept.add(figure)
        except Exception as e:
            remove(path)
            self.notes.append("A figure could not be drawn: %s: %s" % (type(e).__name__, str(e)[:150]))

    # -- what the program told at the desk

    def listen(self, desk):
        """Has what chart() is given drawn."""
        self.desk, desk.draw = desk, self.chart

    def chart(self, figure, title):
        """Draws a figure as it is now: what the program makes of it later is another one. It takes of the code's time what
        the code's own savefig would take, and no more of them are drawn than are shown."""
        if len(self.desk.shown) > MOST_SHOWN or os.getpid() != self.pid:
            return
        words = None
        if title and not figure._suptitle and not any(ax.get_title() for ax in figure.axes):
            words = figure.suptitle(title)
        self.draw(figure, again=figure in self.kept)  # and given twice as it is, it is one picture
        if words is not None:  # the next picture of this figure may have another title
            words.remove()
            figure._suptitle = None

    def words(self):
        """Takes what the program said, whatever it has made of the desk's lists."""
        if self.desk is None:
            return
        self.answer = readable(str(self.desk.answer)[:ANSWER])
        self.said = [readable(str(n)[:LINE]) for n in self.desk.notes[:SAID]]
        self.left_out = [r for r in map(counted, self.desk.left_out[:SAID]) if r is not None]
        self.notes += [readable(str(r)[:LINE]) for r in self.desk.remarks[:SAID]]

    def tables_told(self):
        if self.desk is None:
            return
        pd = sys.modules["pandas"]
        for sort, thing, title in self.desk.shown[:MOST_SHOWN]:
            if sort == "table":
                self.table(pd, thing, title)
        if len(self.desk.shown) > MOST_SHOWN:
            self.notes.append("%d of %d tables and charts are shown." % (MOST_SHOWN, len(self.desk.shown)))

    def told(self):
        """What there is for the report by now."""
        return {"answer": self.answer, "said": self.said, "left_out": self.left_out, "value": self.value, "tables": self.tables, "csvs": self.csvs,
                "charts": self.charts, "saved": self.saved, "notes": self.notes}

    # -- the last expression

    def last(self, value, title):
        pd = sys.modules.get("pandas")
        if value is None or drawing(value):
            return
        if pd is not None:
            value = getattr(value, "data", value) if type(value).__name__ == "Styler" else value
            several = value if isinstance(value, (tuple, list)) else None
            if isinstance(value, (pd.DataFrame, pd.Series)):
                return self.table(pd, value, title)
            if several and all(isinstance(v, (pd.DataFrame, pd.Series)) for v in several):
                for n, v in enumerate(several[:TABLES], 1):
                    self.table(pd, v, "%s, part %d" % (title, n) if title else "")
                if len(several) > TABLES:
                    self.notes.append("%d of %d tables are shown." % (TABLES, len(several)))
                return
        self.value = plain(value)[:VALUE]

    def table(self, pd, value, title):
        if isinstance(value, pd.Series):
            value = value.to_frame(name=value.name if value.name is not None else "value")
        frame = value
        numbered = isinstance(frame.index, pd.RangeIndex) and frame.index.start == 0 and frame.index.step == 1
        index = not (numbered or len(frame) == 0) or frame.index.names != [None]
        columns = [label(c) for c in frame.columns[:COLUMNS]]
        head = frame.iloc[:ROWS, :COLUMNS]
        rows = [[cell(pd, v) for v in row] for row in head.itertuples(index=False, name=None)]
        numbers = [getattr(kind, "kind", "") in "fiu" and bool(getattr(kind, "kind", "")) for kind in head.dtypes]
        for n, kind in enumerate(head.dtypes):
            if getattr(kind, "kind", "") == "f":
                align(rows, n)
        if index:
            names = [label(n) if n is not None else "" for n in frame.index.names[:COLUMNS]]
            columns, numbers = names + columns, [False] * len(names) + numbers
            keys = [k if isinstance(k, tuple) else (k,) for k in head.index]
            rows = [[cell(pd, v) for v in key[:COLUMNS]] + row for key, row in zip(keys, rows)]
        self.tables.append({"title": title[:CELL], "columns": columns, "numbers": numbers, "rows": rows, "total_rows": len(frame)})
        if frame.shape[1] > COLUMNS:
            self.notes.append("%d of %d columns are shown." % (COLUMNS, frame.shape[1]))
        self.write(frame, self.file_name(title), index)

    def file_name(self, title):
        """A file is called what is in it: "Revenue per month" is revenue-per-month.csv."""
        words = title if title.isidentifier() else "-".join("".join(c if c.isalnum() and c.isascii() else " " for c in title).lower().split())
        stem = words if 0 < len(words) < 60 and words.isascii() else "table-%d" % len(self.tables)
        taken, n, name = {c.lower() for c in self.csvs}, len(self.tables), stem + ".csv"
        while name.lower() in taken:  # also where capitals make no difference
            name, n = "%s-%d.csv" % (stem, n), n + 1
        return name

    def write(self, frame, name, index):
        """Writes a table as CSV, as many of its rows as may come back. A part that failed does not stay."""
        path, rows, size = os.path.join(self.out, name), 0, 0
        most = min(self.room, self.one_file)
        step = max(1, CELLS // max(1, frame.shape[1]))
        try:
            with open(path, "wb") as file:
                while rows < len(frame) or rows == size == 0:
                    some = frame.iloc[rows:rows + step]
                    text = some.to_csv(index=index, header=rows == 0, float_format=clean)
                    if LONE_CR.search(text):  # which Python before 3.13 does not quote, so that what follows it would begin a row
                        text = some.to_csv(index=index, header=rows == 0, float_format=clean, quoting=csv.QUOTE_ALL)
                    data = text.encode("utf-8", "backslashreplace")
                    if size + len(data) > most:
                        if step == 1:
                            break
                        step = max(1, step // 8)
                        continue
                    file.write(data)
                    rows, size = min(rows + step, len(frame)), size + len(data)
            if size == 0:
                raise ValueError("a single row is larger than what may come back")
        except Exception as e:
            remove(path)
            self.notes.append("The whole table could not be written as CSV: %s%s" % (type(e).__name__, ": %s" % e if type(e) is ValueError else ""))
            return
        self.room -= size
        self.csvs.append(name)
        if rows < len(frame):
            self.notes.append("%s has the first %s of %s rows: more may not come back." % (name, format(rows, ","), format(len(frame), ",")))


def clean(x):
    """A number of a file without the dust of binary fractions: 2198.7 for 2198.7000000000003."""
    return repr(float("%.15g" % x)) if isinstance(x, float) else str(x)


def remove(path):
    try:
        os.unlink(path)
    except OSError:
        pass


def counted(row):
    """Rows left out, as the host takes them; None for what is nothing of the kind."""
    try:
        rows, why = int(row["rows"]), readable(str(row["why"])[:LINE])
    except Exception:
        return None
    return {"rows": rows, "why": why} if 0 < rows <= COUNT else None


def label(name):
    words = " / ".join(str(n) for n in name[:COLUMNS]) if isinstance(name, tuple) else str(name)
    return readable(words[:CELL])


def readable(words):
    """Text without the halves of characters that no encoding has."""
    return words.encode("utf-8", "backslashreplace").decode("utf-8")


def cell(pd, value):
    try:
        if value is None or value is pd.NaT or value is pd.NA:
            return "–"
        if isinstance(value, float):  # numpy's double is one, too
            return number(value)
        if isinstance(value, pd.Timestamp):
            return str(value)[:-9] if value.tz is None and str(value).endswith(" 00:00:00") else str(value)
        if isinstance(value, (str, int)):
            text = str(value)
        else:
            text = number(float(value)) if type(value).__name__ in ("float32", "float16") else str(value)
    except Exception:
        return "(cannot be shown)"
    text = readable(text[:CELL + 1])
    return text if len(text) <= CELL else text[:CELL - 1] + "…"


def align(rows, n):
    """Gives the numbers of a column the same decimals, so that they can be compared at a glance, unless it would take many."""
    decimals = max((len(row[n].partition(".")[2]) for row in rows if row[n].lstrip("-").replace(".", "", 1).isdecimal()), default=0)
    for row in rows:
        if 0 < decimals < 4 and row[n].lstrip("-").replace(".", "", 1).isdecimal():
            whole, _, part = row[n].partition(".")
            row[n] = whole + "." + part.ljust(decimals, "0")


def number(x):
    if x != x:
        return "–"
    if x in (float("inf"), float("-inf")) or abs(x) >= 1e15 or 0 < abs(x) < 1e-4:
        return "%.6g" % x
    return ("%.4f" % x).rstrip("0").rstrip(".")


def plain(value):
    try:
        if isinstance(value, str):
            return readable(value[:VALUE])
        if isinstance(value, (dict, list, tuple, set, frozenset)):
            more = len(value) - ITEMS
            if more > 0:  # thousands are not read, and take long to lay out
                some = itertools.islice(value.items() if isinstance(value, dict) else value, ITEMS)
                value = dict(some) if isinstance(value, dict) else list(some)
            text = pprint.pformat(value, width=100, sort_dicts=False)
            return readable(text[:VALUE]) + ("\n... and %s more" % format(more, ",") if more > 0 else "")
        # numpy 2 says np.float64(3.5) where a reader wants 3.5
        return str(value) if type(value).__module__ == "numpy" else repr(value)
    except Exception as e:
        return "(the last value cannot be shown: %s)" % type(e).__name__


def drawing(value):
    """What plotting calls return is the drawing's parts: noise to a reader."""
    if isinstance(value, (list, tuple)) and value:
        return all(drawing(v) for v in value)
    if type(value).__name__ == "ndarray" and value.dtype == object and value.size:
        return all(drawing(v) for v in value.flat)
    return type(value).__module__.split(".")[0] in ("matplotlib", "mpl_toolkits", "seaborn")


def resolution(figure):
    """Dots per inch. A figure that would have too many of them is made smaller."""
    width, height = figure.get_size_inches()
    dpi = 120
    shrink = (PIXELS / (width * height * dpi * dpi)) ** 0.5
    if shrink < 1:
        figure.set_size_inches(width * shrink, height * shrink)
    return dpi


def describe(figure):
    """A chart in words: its titles, its axes, and how much is drawn in it."""
    try:
        parts = [figure._suptitle.get_text()] if figure._suptitle else []
        for ax in figure.axes[:6]:
            words = [ax.get_title()]
            if ax.get_xlabel():
                words.append("x: " + ax.get_xlabel())
            if ax.get_ylabel():
                words.append("y: " + ax.get_ylabel())
            for what, things in (("line", ax.lines), ("bar", ax.patches), ("point set", ax.collections), ("image", ax.images)):
                if len(things):
                    words.append("%d %s%s" % (len(things), what, "" if len(things) == 1 else "s"))
            parts.append(", ".join(w for w in words if w))
        return ". ".join(p for p in parts if p)[:400] or "A chart without a title"
    except Exception:
        return "A chart"
