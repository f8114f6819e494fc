"""What kind of thing a written value is, roughly: enough to tell which delimiter is right and where a value belongs."""

import datetime
import functools
import re

from . import values

KINDS = [
    ("int", re.compile(r"[-+]?\d+")),
    ("num", re.compile(r"(?=[-+]?[.,]?\d)[-+]?(\d{1,3}([., '’\u00a0\u202f]\d{3})+|\d+)?([.,]\d+)?(e[-+]?\d+)?\s?%?|[-+]?\d+[.,]|(\d{1,3}([.,'’ ]\d{3})+|\d+)([.,]\d+)?\s?[-+]|[-+]?\d[\d'’. ]*[.,][-–—]{1,2}", re.I)),
    ("money", re.compile(r"(?=.*\d)[-+(]?\s?[-+]?([$€£¥₹₽₺]|USD|EUR|GBP|CHF)\s?[-+(]?[\d., '’\u00a0]+([.,][-–—]{1,2})?\)?|[-+]?[\d., '’\u00a0]+([$€£¥₹₽₺]|USD|EUR|GBP|CHF|PLN|SEK|NOK|DKK|CZK|kr|zł|円|元|원)")),
    ("date", re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T]\d{1,2}:\d{2}(:\d{2})?.*)?|\d{1,2}[- ][A-Za-zäéû]{3,9}\.?[- ,]+\d{2,4}|[A-Z][a-zäéû]{2,8}\.? \d{1,2}, ?\d{4}")),
    ("time", re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?")),
    ("url", re.compile(r"https?://\S+|[^\s@]+@[^\s@]+\.[^\s@]+")),
    ("code", re.compile(r"[A-Z]{1,6}[-_]?\d[\w-]*")),
]
NUMBERS = ("int", "num", "money")
HOLLOW = {"-", "--", "—", "–", ".", "..", "...", "?", "n/a", "N/A", "NA", "n.a.", "nan", "NaN", "NAN", "null", "NULL", "None", "#N/A", "*", ":"}


@functools.lru_cache(1 << 16)
def kind(value):
    v = values.bare(value)
    if not v or v in HOLLOW:
        return ""
    if len(v) > 100:
        return "text"
    for name, form in KINDS:
        if form.fullmatch(v):
            return name
    return "text"


def days(row):
    """Whether these dates are days that follow each other, days of work, or one day of each week."""
    parts = [[int(p) if p.isdigit() else values.MONTHS.get(p.lower(), 0) for p in re.findall(r"\d+|[^\W\d_]+", v)[:3]] for v in row]
    for order in ((0, 1, 2), (2, 1, 0), (2, 0, 1)):
        try:
            found = [datetime.date(*(p[i] for i in order)).toordinal() for p in parts]
        except (ValueError, IndexError):
            continue
        steps = {b - a for a, b in zip(found, found[1:])}
        if steps <= {1, 2, 3} or steps == {7}:
            return True
    return False


def column_kind(counts):
    """The kind of a column by how often each kind stands in it; "text" where none prevails, "" where nothing stands."""
    counts = dict(counts)
    counts.pop("", None)
    total = sum(counts.values())
    if not total:
        return ""
    if counts.get("num") and counts.get("int"):
        counts["num"] += counts.pop("int")
    if counts.get("code") and counts.get("text"):
        counts["text"] += counts.pop("code")
    best = max(counts, key=lambda k: counts[k])
    return best if counts[best] >= 0.6 * total else "text"


def agrees(value, want):
    """Whether a value may stand in a column of this kind."""
    k = kind(value)
    return k in ("", want) or want in ("", "text") or (want == "num" and k == "int") or (want == "money" and k in NUMBERS) or (want == "int" and k == "num")


PAGE = re.compile(r"(?:seite|page|blatt|sheet|pagin[ae]|pág\w*|página|sida|side|strona|стр\w*|страница|\b[ps]\.)(?![^\W\d_])|- ?\d+ ?-|页|ページ", re.I)


def numbered(title, n):
    """Whether a title is of page n + 2: Account 1200 and Run 2 are no pages."""
    return PAGE.search(title) is not None and n + 2 in map(int, re.findall(r"\d{1,9}", title))
