"""What a program tells people: its sentence, what was assumed and left out, its tables and charts, and numbers as people write them.

The calls only remember, but for chart(), which draws: a figure goes on being worked at. What was told is written when
the code is done: see show.py.
"""

import datetime
import itertools
import math
import numbers

MOST = 10          # notes, and rows left out
TEXT = 2000        # characters of the sentence
LINE = 300         # of a note, a reason, a title
COUNT = 1 << 53    # rows; more are in no table
DEEP, WIDE = 5, 1000  # how far a figure is looked for in what a plot call returned

SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
WHOLE = {"JPY", "KRW", "HUF", "CLP"}  # currencies without cents
# What a sign in a file can stand for, the currency that it means by itself first.
MEANS = {"$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "ARS", "CLP", "COP"), "US$": ("USD",), "C$": ("CAD",), "A$": ("AUD",), "HK$": ("HKD",), "R$": ("BRL",),
         "€": ("EUR",), "£": ("GBP",), "¥": ("JPY", "CNY"), "₹": ("INR",), "₽": ("RUB",), "₺": ("TRY",), "₴": ("UAH",), "₩": ("KRW",), "₪": ("ILS",), "฿": ("THB",), "₫": ("VND",),
         "zł": ("PLN",), "Kč": ("CZK",), "Ft": ("HUF",), "руб": ("RUB",), "Fr": ("CHF",), "kr": ("SEK", "NOK", "DKK", "ISK")}
UNCLEAR = ("kr",)  # means none by itself


class Told:
    """What one program has told so far."""

    def __init__(self):
        self.answer, self.notes, self.left_out, self.shown = "", [], [], []
        self.remarks = []      # of the desk itself
        self.draw = None       # what chart() has a figure drawn by: the runner sets it
        self.currency = None   # of the reading or of the channel's notes; nothing is invented
        self.today = None


told = Told()


def answer(text):
    """The sentence that the asker reads first, with numbers that the program has computed."""
    text = _text(text, "answer", 'answer(f"Revenue was {money(total)}.")')[:TEXT]
    if told.answer and told.answer != text:
        told.remarks.append("The program gave more than one answer; this is the last of them.")
    told.answer = text


def note(text):
    """Something that the reader has to know: what was assumed."""
    _add(told.notes, _text(text, "note", 'note("Revenue is units times price.")')[:LINE], "notes")


def left_out(rows, why):
    """How many rows were not used, and why: a number, the rows themselves, or a column of True and False."""
    why = _text(why, "left_out", 'left_out(len(all) - len(used), "no price")')[:LINE]
    count = _count(rows)
    if count:
        _add(told.left_out, {"rows": count, "why": why}, "reasons for rows left out")


def table(data, title=None):
    """Shows a table."""
    import pandas
    if isinstance(data, pandas.Series):
        data = data.to_frame(name=data.name if data.name is not None else "value")
    if not isinstance(data, pandas.DataFrame):
        raise TypeError("table() takes a DataFrame or a Series, not %s; make one first: table(pd.DataFrame(...))" % _kind(data))
    # A copy: what the program makes of its table after this call is another one.
    told.shown.append(("table", data.copy(), _title(title, "table")))


def chart(figure, title=None):
    """Shows a figure as it is now: the figure, its axes, or what a plot call returned."""
    found = _figure(figure)
    if found is None:
        raise TypeError("chart() takes a figure or axes of matplotlib, not %s; for example: chart(frame.plot())" % _kind(figure))
    title = _title(title, "chart")
    told.shown.append(("chart", None, title))
    if told.draw is not None:
        told.draw(found, title)


def money(amount, currency=None):
    """An amount with two decimals and thousands separated; with a sign or a code where the currency is known."""
    x = _number(amount, "money")
    currency = currency or told.currency
    if not _finite(x):
        return "–"
    text = format(abs(x), ",.0f" if currency in WHOLE else ",.2f")
    minus = "-" if x < 0 and text.strip("0.,") else ""
    if currency in SIGNS or currency in SIGNS.values():
        return minus + SIGNS.get(currency, currency) + text
    return minus + text + (" " + str(currency) if currency else "")


def one_currency(readings, noted):
    """The one currency of which files and the channel's notes speak; None where they speak of several, or of none."""
    found = {c["currency"].strip().rstrip(".") for r in readings if r for t in r["tables"] for c in t["columns"] if c.get("currency")}
    # A channel that notes CAD means that by every $ in its files; other signs keep their own meaning.
    if noted:
        found = {noted if noted in MEANS.get(sign, ()) else sign for sign in found} | {noted}
    found = {sign if sign in UNCLEAR else MEANS.get(sign, (sign,))[0] for sign in found}
    return found.pop() if len(found) == 1 else None


def percent(share, digits=None):
    """A share of one as percent: 0.351 is 35%, 0.0345 is 3.5%."""
    x = _number(share, "percent")
    if not _finite(x):
        return "–"
    x *= 100
    if digits is None:
        digits = 0 if abs(x) >= 10 or x == 0 else 1
        # Rounded it would be 0.0%, which says that there is nothing.
        if 0 < abs(x) < 0.05:
            return "under 0.1%" if x > 0 else "above -0.1%"
    return _unsigned(format(x, ",.%df" % digits)) + "%"


def number(value, digits=None):
    """A number with thousands separated, with as many decimals as tell something."""
    x = _number(value, "number")
    if not _finite(x):
        return "–"
    if digits is not None:
        return _unsigned(format(x, ",.%df" % digits))
    if x == int(x):
        return format(int(x), ",")
    if abs(x) < 1:
        # Four digits that count: with two decimals 0.0012 would be nothing.
        digits = min(12, 3 - int(math.floor(math.log10(abs(x)))))
    else:
        digits = 2
    text = format(x, ",.%df" % digits)
    return _unsigned(text.rstrip("0").rstrip("."))


def today():
    """The day on which the answer is made."""
    return told.today or datetime.date.today()


# -- what was meant

def _text(text, name, example):
    if not isinstance(text, str):
        raise TypeError("%s() takes a text, not %s; for example: %s" % (name, _kind(text), example))
    text = " ".join(text.split())
    if not text:
        raise ValueError("%s() needs words; for example: %s" % (name, example))
    return text


def _title(title, name):
    return "" if title is None else _text(title, name, 'title="Revenue per month"')[:LINE]


def _add(to, what, kind):
    if what in to:
        return
    if len(to) < MOST:
        to.append(what)
        return
    remark = "There were more %s than are shown." % kind
    if remark not in told.remarks:
        told.remarks.append(remark)


def _count(rows):
    if isinstance(rows, numbers.Real) and not isinstance(rows, bool) and hasattr(rows, "__index__") or isinstance(rows, float) and math.isfinite(rows) and rows == int(rows):
        count = int(rows)
    elif getattr(getattr(rows, "dtype", None), "kind", "") == "b" and getattr(rows, "ndim", 0) == 1:
        count = int(rows.sum())
    elif hasattr(rows, "__len__") and not isinstance(rows, str):
        count = len(rows)
    else:
        raise TypeError("left_out() takes a number of rows or the rows, not %s; for example: left_out(len(all) - len(used), \"no price\")" % _kind(rows))
    if count < 0:
        raise ValueError("left_out() got %d rows; the number of all rows comes first: len(all) - len(used)" % count)
    if count > COUNT:
        raise ValueError("left_out() got %.3g rows, which no table has; it takes a number of rows: len(all) - len(used)" % min(count, 10**300))
    return count


def _number(value, name):
    # A number of numpy's, or a column of one: Python's own has a form for it.
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        value = value.item()
    if value is None or str(value) in ("NaT", "<NA>"):
        return math.nan
    if isinstance(value, bool) or not (isinstance(value, numbers.Real) or hasattr(value, "__float__") and not hasattr(value, "__len__")):
        more = "; for a column: column.map(%s)" % name if hasattr(value, "__len__") and not isinstance(value, str) else ""
        raise TypeError("%s() writes one number, not %s%s" % (name, _kind(value), more))
    # An integer or a decimal stays exact: format knows them both.
    return value if isinstance(value, int) or type(value).__name__ == "Decimal" else float(value)


def _finite(x):
    return isinstance(x, int) or (x.is_finite() if hasattr(x, "is_finite") else math.isfinite(x))


def _unsigned(text):
    """Nothing less than nothing: -0.00 is 0.00."""
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def _figure(thing, depth=0):
    """The figure that something is, stands in, or holds."""
    from matplotlib.figure import Figure
    inner = thing
    for _ in range(DEEP):  # axes and the parts of a drawing; a figure within a figure
        if isinstance(inner, Figure):
            return inner
        inner = getattr(inner, "figure", None)
        if inner is None:
            break
    if isinstance(getattr(thing, "fig", None), Figure):  # a grid of seaborn's
        return thing.fig
    if isinstance(thing, dict):  # what boxplot returns
        parts = thing.values()
    elif isinstance(thing, (list, tuple)) or getattr(getattr(thing, "dtype", None), "kind", "") == "O":
        parts = getattr(thing, "flat", thing)
    else:
        return None
    found = (_figure(part, depth + 1) for part in itertools.islice(parts, WIDE)) if depth < DEEP else ()
    return next((f for f in found if f is not None), None)


def _kind(value):
    return type(value).__name__
