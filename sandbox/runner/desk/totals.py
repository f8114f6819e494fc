"""Rows that sum others up, wherever they stand: they are left out when their numbers show it, never by their name alone."""

import re

import numpy

from . import kinds, layout, typed

MOST_ROWS, MOST = 5000, 200  # a longer table is looked at by its last row alone
WORD = layout.TOTALS.pattern + r"|ergebnis|teilsumme|zwischensumme|sous-total|subtotale?|totales|sum"
LABEL = re.compile(r"(?:%s)(?:[\s:(].{0,60})?|.{1,60}\s(?:%s):?" % (WORD, WORD), re.I)
MEAN = re.compile(r"(average|mean|avg|durchschnitt|mittelwert|schnitt|moyenne|promedio|media|gemiddelde?)\.?:?", re.I)


def candidates(frame):
    """The places of rows that may sum others up, and how each says so: "word", "loose", "mean", or "none" for one without a label."""
    found, rows = {}, frame.to_numpy(dtype=object).tolist()
    if len(rows) < 2:
        return found
    for i, row in enumerate(rows):
        label = next((v.strip() for v in row if isinstance(v, str) and v.strip()), "")
        if kinds.kind(label) not in ("text", "code"):
            label = ""
        bare = label.rstrip(":").strip()
        if layout.TOTALS.fullmatch(bare):
            found[i] = "word"
        elif LABEL.fullmatch(bare):
            found[i] = "loose"
        elif MEAN.fullmatch(bare):
            found[i] = "mean"
    for i in (0, len(rows) - 1):
        if len(rows) > 2 and i not in found and blank(rows[i][0]) and not any(isinstance(v, str) and kinds.kind(v) not in kinds.NUMBERS + ("",) for v in rows[i]) \
                and not any(blank(r[0]) for n, r in enumerate(rows) if n != i and n not in found):
            found[i] = "none"
    return found if len(found) <= MOST else {}


def blank(value):
    return value is None or isinstance(value, str) and not value.strip()


def proven(frame, said, found):
    """Those of the candidates whose numbers are the sums of other rows. said: the columns, decided without the candidates."""
    numeric = [i for i, c in enumerate(said) if c["type"] in ("integer", "number") and not c.get("percent") and not c.get("unit")]
    if not numeric or not found:
        return []
    all_ = numpy.column_stack([typed.convert(frame[i], dict(said[i], missing=1)).to_numpy(dtype="float64") for i in numeric])
    base = [i for i in range(len(all_)) if i not in found]
    parts, whole, means = [], [], []
    for at, how in found.items():
        if how == "mean":
            means.append(at)
        elif base and (len(base) > 1 or how == "word" and at == len(all_) - 1) and same(all_[at], numpy.nansum(all_[base], axis=0), how):
            whole.append(at)
        elif how != "none":
            before = max((f for f in found if f < at), default=-1)
            after = min((f for f in found if f > at), default=len(all_))
            for part in (range(before + 1, at), range(at + 1, after)):
                if len(part) and same(all_[at], numpy.nansum(all_[list(part)], axis=0), "loose"):
                    parts.append((at, len(part)))
                    break
    if len(parts) == 1 and parts[0][1] == 1:
        parts = []  # one row like the row beside it shows nothing
    gone = whole + [at for at, _ in parts]
    if base and gone:
        gone += [at for at in means if same(all_[at], numpy.nanmean(all_[base], axis=0), "loose")]
    return sorted(gone)


def same(says, sums, how):
    known = ~numpy.isnan(says)
    fits = numpy.abs(says[known] - sums[known]) <= numpy.maximum(0.011, 1e-6 * numpy.abs(sums[known]))
    if how == "none":  # a share or a mean in the row sums nothing up
        return fits.sum() >= min(2, known.sum()) and 2 * fits.sum() > known.sum() and bool((says[known] != 0).any())
    if how == "word":
        return known.any() and 2 * fits.sum() >= known.sum()
    return known.any() and bool(fits.all()) and bool((says[known] != 0).any())
