"""Rows that sum others up, wherever they stand: they are left out when their numbers show it, never by their name alone."""

import bisect
import re
from collections import Counter

import numpy

from . import kinds, layout, typed
from .values import MONTHS

MOST_ROWS, MOST = 200_000, 5000  # a longer table is looked at by its last row alone
LONG = 5000  # rows from which on only those are looked at that lack something, or share their first word with others
WORD = layout.TOTALS.pattern + r"|ergebnis|(?:overall |grand )?result|teilsumme|zwischensumme|sous-total|subtotale?|totales|sum|[^\W\d_]{3,20}(?:summe|summa|total|totaal)"  # Seitensumme, Zwischentotal
EXACT = re.compile(WORD, re.I)
LABEL = re.compile(r"(?:%s)(?:[\s:(].{0,60})?|.{1,60}\s(?:%s):?" % (WORD, WORD), re.I)
LEAD = re.compile(r"(?:%s)\s.+" % WORD, re.I)
CARRY = re.compile(r"(?:zwischen)?übertrag|carr(?:y|ied)[- ](?:over|forward)|c/f|à reporter|suma y sigue|riporto|transport", re.I)  # the sum of all above it, at the end of a page
STAT = re.compile(r"(?:sd|s\.d\.|std\.?|stdev|std\.? ?dev\.?|standard deviation|standardabweichung|median|min\.?|max\.?|minimum|maximum|n|count|anzahl|cv|rsd|sem)(?:\s?[(%].*)?:?", re.I)
BALANCE = re.compile(r"(?:end|schluss|kassen|rest)?(?:bestand|saldo)(?: .{0,30})?|(?:closing|final|ending) balance.{0,30}|balance|solde.{0,30}", re.I)  # below a sum
PERIODS = [re.compile(r"(?:%s)(?:[ /'-]?(?:\d\d|20\d\d))?" % p, re.I) for p in (r"Q[1-4]|[1-4]\. ?(?:quartal|qtr|trimestre)|quart(?:er|al) [1-4]|[1-4](?:st|nd|rd|th) quarter", r"H[12]|[12]\. ?halbjahr|[12](?:st|nd) half")]
SHARE = re.compile(r".*(?:percent|share|anteil|prozent|part|%).*", re.I)
MEAN = re.compile(r"(average|mean|avg|durchschnitt|mittelwert|schnitt|moyenne|promedio|media|gemiddelde?)\.?:?", re.I)


def candidates(frame):
    """The places of rows that may sum others up, and how each says so: "word", "inner" or "group" behind numbers, "period" (Q1), "loose", "mean", or "none" for one without a label."""
    found = {}
    if len(frame) < 2:
        return found
    rows = Rows(frame)
    for i in looked_at(frame):
        row = rows[i]
        label = said(row)
        bare = label.rstrip(":").strip()
        if layout.TOTALS.fullmatch(bare.split(":")[0].strip()) or bare.strip("*") == "" and bare or i and CARRY.fullmatch(bare):
            found[i] = "word"
        elif LABEL.fullmatch(bare):
            found[i] = "lead" if LEAD.fullmatch(bare) else "loose"
        elif MEAN.fullmatch(bare):
            found[i] = "mean"
        elif not bare and LABEL.fullmatch(inner(row)):
            found[i] = "inner" if EXACT.fullmatch(inner(row)) else "group"
    for period in PERIODS:
        some = [i for i in range(len(rows)) if i not in found and period.fullmatch(said(rows[i]))] if len(rows) <= LONG else []
        if 0 < len(some) < len(rows) / 2:  # Q1 below its months, Q1 alone is a row like the others
            found.update({i: "period" for i in some})
            break
    end = len(rows)
    while end > 1 and (end - 1 in found or STAT.fullmatch(said(rows[end - 1]))):
        end -= 1
    if "mean" in [found.get(i) for i in range(end, len(rows))]:  # Mean, SD, Min below the values; a person called Max is none
        found.update({i: "stat" for i in range(end, len(rows)) if i not in found})
    end = len(rows)
    while end > 2 and len(rows) - end < BLOCK and (blank(rows[end - 1][0]) or end - 1 in found) and sum(not blank(v) for v in rows[end - 1]) < 4:
        end -= 1
    if len(rows) - end > 1 and len(rows) <= LONG and not any(blank(r[0]) for r in rows[:end]):  # net, tax and gross below an invoice
        found.update({i: "end" if BALANCE.fullmatch(said(rows[i])) else "block" for i in range(end, len(rows)) if i not in found and not all(blank(v) or kinds.kind(text_of(v)) in kinds.NUMBERS for v in rows[i])})
    found.update({i: "run" for i in runs(frame, rows, found) if i not in found})
    for i in (0, len(rows) - 1):
        if len(rows) > 2 and i not in found and nameless(rows, i, found):
            found[i] = "none"
    return found if len(found) <= MOST else {i: how for i, how in found.items() if i == len(rows) - 1}


def runs(frame, rows, found):
    """The places of rows that say nothing but numbers where all others say what they are, several of them, and none behind the last but rows that were
    found: sums of weeks, and of the month."""
    places = (frame[0].isna() | (frame[0] == "")).to_numpy().nonzero()[0].tolist()
    if not 1 < len(places) <= min(MOST, len(rows) // 2) or places[0] < 2 or not all(i in found for i in range(places[-1] + 1, len(rows))):
        return []
    return places if all(all(blank(v) or kinds.kind(text_of(v)) in kinds.NUMBERS for v in rows[i]) for i in places) else []


def run(all_, places):
    """Whether each of these rows sums up those since the row before it, the last one perhaps all of them."""
    before, many, sums = -1, 0, set(places)
    for at in places:
        rows = list(range(before + 1, at))
        whole = [i for i in range(at) if i not in sums] if at == places[-1] else []
        if not any(part and same(all_[at], numpy.nansum(all_[part], axis=0), "loose") for part in (rows, whole)):
            return False
        before, many = at, many + (len(rows) > 1)
    return many > 1


def month(label):
    """Whether a row is of a month or a quarter, by what it is called."""
    words = re.findall(r"[^\W\d_]+", label) if isinstance(label, str) else []
    return bool(words) and words[0].lower() in MONTHS or isinstance(label, str) and (PERIODS[0].fullmatch(label.strip()) is not None or kinds.kind(label) == "date" or MONTH.fullmatch(label.strip()) is not None)


def inner(row):
    """The first text of a row that begins with a value."""
    return next((v.strip().rstrip(":") for v in row[1:5] + row[-1:] if isinstance(v, str) and kinds.kind(v) in ("text", "code")), "")


class Rows:
    """The rows of a frame as lists, those of a long one only when they are asked for."""

    def __init__(self, frame):
        self.values = frame.to_numpy(dtype=object)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, at):
        return self.values[at].tolist()

    def others(self, i, found):
        """The rows that are no candidates, of a long frame those at both ends."""
        n = len(self)
        return [self[k] for k in (range(n) if n <= LONG else [*range(LONG // 2), *range(n - LONG // 2, n)]) if k != i and k not in found]


def looked_at(frame):
    """The places of the rows that may sum others up: in a long frame those without a value where nearly all have one, or whose first value is one of a few."""
    if len(frame) <= LONG:
        return range(len(frame))
    empty = (frame.isna() | (frame == "")).to_numpy()
    near = empty[:, empty.mean(axis=0) < 0.2].any(axis=1)
    first = frame[0].map(lambda v: v if isinstance(v, str) else "")  # a list or an object of JSON has no digest
    few = first.unique()
    if len(few) <= LONG:
        near |= first.isin([v for v in few if WORDS.search(v)]).to_numpy()
    near[[0, *range(len(frame) - BLOCK, len(frame))]] = True
    return near.nonzero()[0].tolist()


WORDS = re.compile(WORD, re.I)
MONTH = re.compile(r"(?:0?[1-9]|1[0-2])[./-](?:19|20)\d\d|(?:19|20)\d\d[-/](?:0?[1-9]|1[0-2])")
BLOCK = 6  # rows of sums at most
NET = re.compile(r"(?:net|netto|nett|net amount|nettobetrag|brutto|bruttobetrag|gross|gross amount|amount due|due|balance due|zahlbetrag|rechnungsbetrag|zu zahlen|montant (?:ht|ttc)|(?:total )?(?:ht|ttc)|base imponible|imponibile|à payer|a pagar)(?:[\s:(].{0,30})?", re.I)


def said_of(frame, at):
    return said(list(frame.iloc[at])).strip()


def text_of(value):
    return value if isinstance(value, str) else "1" if isinstance(value, (int, float)) else "a"


def nameless(rows, i, found):
    """Whether a row lacks what all others are called by, and says nothing else but numbers, days and signs (EUR, S) that stand in the others, too."""
    others = rows.others(i, found)
    label = next((at for at in range(len(rows[i])) if all(isinstance(r[at], str) and kinds.kind(r[at]) in ("text", "code") and len(r[at].strip()) > 3 for r in others)), None)
    if not any(blank(rows[i][at]) and not any(blank(r[at]) for r in others) for at in {0, label} - {None}):
        return False
    signs = [at for at, v in enumerate(rows[i]) if isinstance(v, str) and kinds.kind(v) not in kinds.NUMBERS + ("", "time", "date")]
    return all(len(rows[i][at].strip()) <= 3 and any(r[at] == rows[i][at] for r in others) for at in signs)


def said(row):
    """What a row calls itself: its first text, "" where that is a value."""
    label = next((v.strip() for v in row if isinstance(v, str) and v.strip()), "")
    return label if kinds.kind(label) in ("text", "code") or label and not label.strip("*") else ""


def unnamed(frame, columns):
    """Whether the first row or the last is the sum of all others, though no word says so: World, below all countries."""
    numeric = [i for i, c in enumerate(columns) if c["type"] in ("integer", "number") and not c.get("percent") and not c.get("unit")]
    if len(frame) < 3 or not numeric or columns[0]["type"] != "text":
        return False
    all_ = numpy.column_stack([typed.convert(frame[i], dict(columns[i], missing=1)).to_numpy(dtype="float64") for i in numeric])
    for at in (0, len(all_) - 1):
        rest = [i for i in range(len(all_)) if i != at]
        many = [n for n in range(len(numeric)) if (numpy.abs(numpy.nan_to_num(all_[rest, n])) > 0).sum() > min(2, len(rest) - 1)]
        if len(many) > (len(rest) < 3) and same(all_[at, many], numpy.nansum(all_[numpy.ix_(rest, many)], axis=0), "loose") and (len(many) > 1 or abs(all_[at, many[0]]) >= 10):
            return True
    return False


def settled(frame, found, profiles, rows):
    """Columns of which nothing tells whether 1,234 is a thousand: a row that sums others up may. rows: such rows. The places of those that are told."""
    base, told = [i for i in range(len(frame)) if i not in rows], []
    for at, (column, profile) in enumerate(zip(found, profiles)):
        sign = column.get("thousands") if column["type"] == "text" else None
        if not sign or len(base) < 2:
            continue
        other, fits = {".": ",", ",": "."}[sign], {}
        for decimal in ".,":
            values = typed.convert(frame[at], {"type": "number", "decimal": decimal, "thousands": {".": ",", ",": "."}[decimal], "missing": 1}).to_numpy(dtype="float64")
            fits[decimal] = any(abs(values[i] - numpy.nansum(values[base])) <= max(0.0011, 1e-9 * abs(values[i])) for i in rows if rows[i] in ("word", "none", "lead"))
        if fits[other] != fits[sign]:
            profile.told = other if fits[other] else sign
            told.append(at)
    return told


def shares(frame, rows):
    """Of these rows, those that say of each column which part it is of a total: a percentage and nothing else."""
    return [i for i in rows if SHARE.fullmatch(said(list(frame.iloc[i]))) and all(isinstance(v, str) and v.strip().endswith("%") for v in list(frame.iloc[i])[1:] if not blank(v))]


def blank(value):
    return value is None or isinstance(value, str) and not value.strip()


def proven(frame, said, found):
    """Those of the candidates whose numbers are the sums of other rows. said: the columns, decided without the candidates."""
    # A column of which nothing tells whether 1,234 is a thousand sums up as one.
    said = [dict(c, type="number", decimal={".": ",", ",": "."}[c["thousands"]]) if c["type"] == "text" and c.get("thousands") else c for c in said]
    numeric = [i for i, c in enumerate(said) if c["type"] in ("integer", "number") and not c.get("percent") and not c.get("unit")]
    if not numeric or not found:
        return []
    all_ = numpy.column_stack([typed.convert(frame[i], dict(said[i], missing=1)).to_numpy(dtype="float64") for i in numeric])
    if numeric[0] == 0 and (all_[:, 0] == numpy.arange(1, len(all_) + 1)).all():
        all_[[at for at, how in found.items() if how in ("lead", "loose")], 0] = numpy.nan  # 3 below 1 and 2 is the number of a row
    for at in [at for at in found if found[at] != "none"]:  # what stands before the label tells whose sum it is: 2023;Total;31.0
        before = next((n for n, v in enumerate(frame.iloc[at]) if isinstance(v, str) and v.strip() and kinds.kind(v) not in kinds.NUMBERS + ("date",)), 0)
        lead = numpy.array([i < before for i in numeric])
        if not numpy.isnan(all_[at, ~lead]).all():  # or it stands behind all that it sums up
            all_[at, lead] = numpy.nan
    found, sums = dict(found), []
    for at in [at for at, how in sorted(found.items()) if how == "block"]:
        base = [i for i in range(len(all_)) if i not in found]
        if len(base) > 1 and NET.fullmatch(said_of(frame, at)) and same(all_[at], numpy.nansum(all_[base], axis=0), "block"):
            sums.append(at)
        else:
            del found[at]  # a tax, which the gross below it sums up
    apart = [at for at, how in found.items() if how == "run"]
    found = {at: how for at, how in found.items() if how != "run"}
    if apart and run(all_, sorted([*apart, *found])):
        return sorted([*apart, *found])
    base = [i for i in range(len(all_)) if i not in found]
    parts, whole, means, keys = [], [], [], frame[0].tolist()
    sum_of_base, places = numpy.nansum(all_[base], axis=0), sorted(found)
    for at, how in found.items():
        if how == "mean":
            means.append(at)
        elif base and how not in ("group", "period") and (len(base) > 1 or how == "word" and at == len(all_) - 1) and same(all_[at], sum_of_base, how, len(base)):
            whole.append(at)
        elif how not in ("none", "stat", "block", "end"):
            n = bisect.bisect_left(places, at)
            before, after = places[n - 1] if n else -1, places[n + 1] if n + 1 < len(places) else len(all_)
            for part in (range(before + 1, at), range(at + 1, after), base[:bisect.bisect_left(base, at)] if len(all_) <= LONG else ()):
                if how in ("inner", "group") and (len(part) < 1 or any(keys[i] != keys[at] for i in part)):
                    continue  # 2023;Total;31.0 is of 2023; somebody who is called Total has a day of his own
                if how == "period" and (len(part) < 2 or not all(month(keys[i]) for i in part)):
                    continue  # Q1 below HW1 and HW2 is a quiz
                if len(part) and same(all_[at], numpy.nansum(all_[list(part)], axis=0), "lead" if how == "lead" and len(part) > 1 else "loose", len(part)):
                    parts.append((at, len(part)))
                    break
    rare = ((numpy.abs(all_) >= 100) | (numpy.nan_to_num(all_) % 1 != 0)).any(axis=1)  # hardly the same by chance
    names = {at: said_of(frame, at) or found[at] == "group" and "group" or inner(list(frame.iloc[at])) for at in found}
    labels, fit = Counter(names.values()), Counter(names[at] for at, _ in parts)
    lone = [at for at, _ in parts if found[at] == "group" and labels["group"] == 1 and not rare[at]]  # of an order of 1, 2 and 3 pieces the last may be called Total Clean
    some = {at: "lead" if found[at] in ("lead", "loose") or " " in names[at] else names[at] for at in found}
    shown = {some[at] for at in whole + [at for at, n in parts if n > 1]}
    shown |= {name for name in fit if 1 < fit[name] == labels[name]} - {names[at] for at in names if not rare[at]}
    parts = [(at, n) for at, n in parts if (n > 1 or {some[at], names[at]} & shown) and at not in lone]  # of one row, where others of that name are of several
    fit = Counter(names[at] for at, _ in parts)
    # Of those that fill up at Total, some pay by chance what two others pay; of contracts, some have an insured sum that is what two other rows come to.
    parts = [(at, n) for at, n in parts if fit[names[at]] == labels[names[at]] or labels[names[at]] > 3 and 2 * fit[names[at]] >= labels[names[at]]]
    gone = whole + [at for at, _ in parts]
    gone += sums + [at for at, how in found.items() if how == "end" and gone + sums]
    for at in [at for at, how in found.items() if how == "word" and at not in gone] if len(all_) <= LONG else []:  # somebody whose name is Total Fitness is a row like the others
        rest = [i for i in range(len(all_)) if i != at and i not in gone and found.get(i, "lead") in ("lead", "loose")]
        if len(rest) > max(1, len(base)) and same(all_[at], numpy.nansum(all_[rest], axis=0), "loose"):
            gone.append(at)
    if not gone and found.get(len(all_) - 1) == "word":
        gone = nested(all_)
    if base and (gone or len(base) > 2):
        means = [at for at in means if same(all_[at], numpy.nanmean(all_[base], axis=0), "loose")]
        gone += means + ([at for at, how in found.items() if how == "stat"] if means else [])
    return sorted(gone)


def nested(all_):
    """The rows that sum up those below them, each up to the next such row, where a last one sums up the sums, as pivot tables have it; [] where
    that does not hold for every row."""
    end, known = len(all_) - 1, numpy.nan_to_num(all_)
    if not 4 <= end <= 390 or not same(all_[end], known[:end].sum(axis=0) / 2, "loose"):
        return []
    sums, ways = numpy.cumsum(numpy.vstack([numpy.zeros(known.shape[1]), known[:end]]), axis=0), {end: []}
    for i in range(end - 2, -1, -1):
        for after in range(i + 2, end + 1):
            if after in ways and same(all_[i], sums[after] - sums[i + 1], "loose"):
                ways[i] = [i] + ways[after]
                break
    return ways[0] + [end] if 1 < len(ways.get(0, [])) < end / 2 + 0.5 else []


def same(says, sums, how, rows=0):
    known = ~numpy.isnan(says)
    fits = numpy.abs(says[known] - sums[known]) <= numpy.maximum(0.011, 1e-6 * numpy.abs(sums[known]))
    rare = bool((fits & ((numpy.abs(says[known]) >= 100) | (says[known] % 1 != 0))).any())  # hardly a sum by chance
    if how == "none":  # a share or a mean in the row sums nothing up
        return bool((says[known] != 0).any()) and (fits.sum() >= min(2, known.sum()) and 2 * fits.sum() > known.sum() or rare and 2 * fits.sum() >= known.sum())
    if how == "lead" and rare and (fits.sum() > 1 or rows > 2) and 2 * fits.sum() >= known.sum():
        return True
    if how in ("word", "inner", "group", "block"):
        return known.any() and 2 * fits.sum() >= known.sum() and bool(fits.all() or (fits & (says[known] != 0)).any())  # a discount of nothing adds up everywhere
    return known.any() and bool(fits.all()) and bool((says[known] != 0).any())


def total_row(rows, heading_width):
    """Whether the last of these rows sums the others up, by its word and by its numbers."""
    if len(rows) < 3:
        return False
    last, above = rows[-1], rows[:-1]
    label = next((v for v in last if isinstance(v, str) and v.strip()), "") if any(isinstance(v, str) for v in last) else ""
    return bool(layout.TOTALS.fullmatch(label.strip().rstrip(":").strip()))
