"""What kind of thing a written value is, roughly: enough to tell which delimiter is right and where a value belongs."""

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
