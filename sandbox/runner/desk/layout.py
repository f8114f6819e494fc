"""Where a table begins and ends: title lines above it, its heading of one or more rows, footers and totals below it."""

import re
from collections import Counter

from . import kinds
from .values import UNSEEN
from .words import MOST_NAME

MOST_HEADS = 4
TOTALS = re.compile(r"(grand |sub)?-?totals?( general| général| generale)?|sum(ma|me|a)?|gesamt(summe|ergebnis|betrag)?|insgesamt|zusammen|total(e|en|t|es)?|totaal|totaux|somme|suma( końcowa)?|razem|ogółem|celkem|celkom|spolu|i alt|yhteensä|samtals|kokku|kopā|összesen|ukupno|skupaj|jumlah|tổng( cộng)?|[σ∑]|"
                    r"итого|всего|всього|общо|σύνολο|toplam|genel toplam|合计|總計|总计|合計|小計|합계|총계|סה\"?כ|المجموع|all|overall|сумма", re.I)


def column_kinds(rows, width):
    """The kind of each column, by the records that have all their values."""
    full = [r for r in rows if len(r) == width]
    found = []
    for i in range(width):
        found.append(kinds.column_kind(Counter(kinds.kind(r[i]) for r in full)))
    return found


def below(rows):
    """The rows that are surely no heading, as far as there are such: a heading must not decide what its columns are."""
    return rows[min(MOST_HEADS, len(rows) // 2):]


RULE = re.compile(r"[\s|+:;,\t=_-]*(?:-{3}|={3}|_{3})[\s|+:;,\t=_-]*")


def ruled(line):
    """A line that is drawn, not written: |-----|-----|"""
    return ("---" in line or "===" in line or "___" in line) and RULE.fullmatch(line) is not None


def comment(line):
    """A line that a program skips: # and what somebody noted."""
    return line.lstrip().startswith(("# ", "// "))


STARRED = re.compile(r"(?:\*+|†|‡|©)\s*\S.*", re.S)
NOTE = re.compile(r"(?:sources?|notes?|remarks?|quellen?|anmerkung(?:en)?|hinweise?|stand|fuentes?|notas?|fontes?|bron|kilde|källa|źródło|lähde|источник|примечание|出典|注|来源)\s*[:：].*", re.I | re.S)


def noted(row, width):
    """Whether a row is no record but about the table: "Source: us", with nothing else but how such a sentence goes on behind a comma; "* provisional", and nothing else."""
    first = row[0].strip()
    goes_on = all(not v.strip() or v.startswith(" ") and (kinds.kind(v) == "text" or year(v)) for v in row[1:])
    return NOTE.fullmatch(first) is not None and filled(row) < width and goes_on or STARRED.fullmatch(first) is not None and filled(row) == 1


def sentence(value):
    """Whether a value that stands alone says something about a table, rather than naming one more of its rows."""
    v, words = value.strip(), len(value.split())
    return NOTE.fullmatch(v) is not None or STARRED.fullmatch(v) is not None or words > 3 or ": " in v or words > 2 and v.endswith((".", "!"))


def filled(row):
    return sum(1 for v in row if v.strip())


def named(row):
    """Whether a row may be names of columns: texts, each different, none that is plainly a value."""
    said = [v.strip() for v in row if v.strip()]
    return bool(said) and all(kinds.kind(v) in ("text", "code", "url") and len(v) <= 300 for v in said)


def different(row):
    said = [v.strip() for v in row if v.strip()]
    return len(set(said)) == len(said)


def titles(rows, width):
    """How many rows above the heading are titles, comments or notes: they fill hardly any of the columns."""
    n = 0
    while n + 1 < len(rows) and n < 30:
        row, later = rows[n], rows[n + 1:n + 12]
        few = filled(row)
        if row and row[0].strip() in ("#", "№") and few == width > 1:
            return n  # the name of a column of numbers
        if fact(rows, n, width):
            n += 1
            continue
        if row and row[0].lstrip().startswith(("#", "//")) and not any(r and r[0].lstrip().startswith(("#", "//")) for r in rows[n + 1:][-3:]) and few <= max(1, len(row)):
            if filled(rows[n + 1]) >= 1 and len(rows[n + 1]) >= len(row) and not (len(row) == width and n + 1 == len(rows) - 1):
                if comment_heading(rows, n, width):
                    return n
                n += 1
                continue
        if few == 0 or preamble(rows, n, width):
            n += 1
            continue
        wide = max((filled(r) for r in later), default=0)
        if width >= 2 and few <= max(1, width // 4) and (wide >= 2 * few or few == 1 and wide > 1) and not (width == 2 and len(row) == 2 and row[1].strip() == "" and all(filled(r) < 2 for r in later)):
            if width == 2 and len(row) == 2 and not blank_near(rows, n):
                return n  # a two-column table whose first value is missing
            n += 1
            continue
        return n
    return n


def preamble(rows, n, width):
    """A name and its value above the table (Account:;DE12…), or a line about the file that has a width of its own."""
    row = rows[n]
    if n == 0 and len(row) != width and len(rows) > 2 and len(rows[1]) == width > 2 and filled(rows[1]) == width and named(rows[1]) and different(rows[1]) and not named(row) and not named(rows[2]):
        return True
    if width < 3 or filled(row) > 2 or max((filled(r) for r in rows[n + 1:n + 30]), default=0) < 3:
        return False
    if next(v for v in row if v.strip()).rstrip().endswith(":") and not named_wide(rows[n - 1:n]):
        return True
    empty = next((i for i in range(n + 1, min(len(rows), 30)) if not filled(rows[i])), 0)
    head = next((i for i in range(empty, min(len(rows), 30)) if filled(rows[i])), 0) if empty else 0
    return head > 0 and head + 1 < len(rows) and all(filled(r) <= 2 for r in rows[:empty]) and (named_wide(rows[head:head + 1]) or filled(rows[head]) <= 2 and preamble(rows, head, width))


def fact(rows, n, width):
    """A title, or a fact about the file that is as wide as the table (Sales;2024), just above a heading of two names over numbers or dates."""
    row = rows[n]
    if width == 2 and filled(row) == 2 and row[0].rstrip().endswith(":"):
        below = next((i for i in range(n + 1, min(len(rows), n + 30)) if filled(rows[i]) and not rows[i][0].rstrip().endswith(":")), len(rows))
        return len(rows) > below + 1 and heads(rows[below:below + 60], width)
    return n == 0 and width == len(row) == 2 and named(row[:1]) and kinds.kind(row[1]) not in ("text", "code", "url") and len(rows) > 3 and heads(rows[1:60], width)


def named_wide(rows):
    """Whether this one row may be a heading of three columns or more: names, and years behind them."""
    names = [v for v in rows[0] if v.strip() and not year(v)] if rows else []
    return bool(rows) and filled(rows[0]) >= 3 and named(names) and different(rows[0]) and not year(rows[0][0])


def blank_near(rows, n):
    return any(filled(r) == 0 for r in rows[n + 1:n + 3])


def comment_heading(rows, n, width):
    """A comment line just above the data that names its columns is the heading: "# id,name"."""
    row = rows[n]
    if len(row) != width or width < 2 or n + 1 >= len(rows) or rows[n + 1][0].lstrip().startswith(("#", "//")) or not named(row):
        return False
    small = [" ".join(r).islower() for r in rows[n + 1:]]
    return not named(rows[n + 1]) or not any(v.startswith(" ") or ":" in v or len(v.split()) > 4 for v in row) and filled(row) == width and not (small[0] and not all(small))


def headings(rows, width, found):
    """How many of the first rows are headings, and how sure that is. found: the kinds of the columns."""
    if not rows:
        return 0, True
    typed = [i for i, k in enumerate(found) if k not in ("text", "", "code")]
    heads = 0
    while heads < min(MOST_HEADS, len(rows)):
        row = padded(rows[heads], width)
        if not names_typed(row, typed, found) or not (named(row) or spread(rows, heads, width, found)):
            break
        heads += 1
    if heads:
        return trimmed(rows, heads, width, found), True
    if keys(rows, width, found):
        return 1, False
    if mixed(rows, width, found):
        return 1, False
    if two_storeys(rows, width, found):
        return storeys(rows, width, typed, found), True
    if len(rows) == 1:
        return (1, True) if named(rows[0]) and different(rows[0]) else (0, True)
    first = padded(rows[0], width)
    if not typed and named(first) and different(first) and filled(first) >= max(1, width - 1):
        return 1, texts_differ(rows, width)
    if typed and named(first) and different(first) and filled(first) == width:
        return 1, False
    return 0, bool(typed)


def padded(row, width):
    return list(row[:width]) + [""] * (width - len(row))


def names_typed(row, typed, found):
    """Whether a row has texts where the columns hold numbers and dates."""
    if not typed:
        return False
    texts = sum(1 for i in typed if kinds.kind(row[i]) in ("text", "code", "url") and kinds.kind(row[i]) != found[i])
    values = sum(1 for i in typed if kinds.kind(row[i]) not in ("text", "code", "url", "") or kinds.kind(row[i]) == found[i])
    return texts >= max(1, (len(typed) + 1) // 2) and values == 0


def heads(rows, width):
    """Whether the first row surely names columns that hold numbers and dates."""
    found = column_kinds(rows[1:], width)
    typed = [i for i, k in enumerate(found) if k not in ("text", "", "code")]
    row = padded(rows[0], width) if len(rows) > 1 else []
    return bool(row) and named(row) and different(row) and filled(row) == width and names_typed(row, typed, found)


MARKED = re.compile(r"[<>~≤≥≈±*(]*\s?\d[\d.,' ]*\s?[*†‡+)^]*")


def trimmed(rows, heads, width, found):
    """Of several rows that could be headings, those that are: a second one must go on from the first, not be a row whose numbers are missing."""
    if heads == 1:
        return 1
    for n in range(1, heads):
        row, above = padded(rows[n], width), padded(rows[n - 1], width)
        if any(MARKED.fullmatch(v.strip()) for v, k in zip(row, found) if k in kinds.NUMBERS):
            return n  # the first values, with a mark
        same = [v.strip() for v in row] == [v.strip() for v in above]
        gaps = filled(above) < filled(row) or filled(row) < width and filled(above) < width
        units = sum(1 for v in row if re.fullmatch(r"[\[(].{1,12}[\])]|%|[A-Za-zµ°/²³]{1,6}", v.strip())) >= max(1, filled(row) - 1)
        if not (same or gaps or units or filled(row) == width and len(rows) > heads):
            return n
    return heads


def spread(rows, at, width, found):
    """The upper storey of a heading: texts, years or numbers over several columns, with gaps, above a row of names."""
    row = padded(rows[at], width)
    if at + 1 >= len(rows) or filled(row) >= width:
        return False
    return named(padded(rows[at + 1], width))


def two_storeys(rows, width, found):
    """A heading whose upper row spans: region,2023,,2024, above ,units,amount,units,amount."""
    if len(rows) < 3 or width < 3:
        return False
    top, lower = padded(rows[0], width), padded(rows[1], width)
    typed = [i for i, k in enumerate(found) if k not in ("text", "", "code")]
    over = [i for i in range(width) if top[i].strip() and i + 1 < width and not top[i + 1].strip()]
    return bool(over) and named(lower) and bool(typed) and all(kinds.kind(lower[i]) in ("text", "code") for i in typed) and \
        all(kinds.kind(v) in ("text", "code", "int", "date", "") for v in top)


def storeys(rows, width, typed, found):
    """How many rows such a heading has: two, and those below that still have texts above numbers."""
    n = 2
    while n < MOST_HEADS and n + 1 < len(rows) and names_typed(padded(rows[n], width), typed, found):
        n += 1
    return n


def number(value):
    try:
        return float(value.strip().replace(",", "."))
    except ValueError:
        return None


def keys(rows, width, found):
    """A heading of numbers, like years or wavelengths: a text first, then numbers in even steps that are none of the values below them."""
    if len(rows) < 3 or width < 3:
        return False
    row = padded(rows[0], width)
    heads = [i for i in range(width) if kinds.kind(row[i]) in ("int", "num")]
    if len(heads) < 2 or len(heads) < width // 2 or any(not row[i].strip() and found[i] for i in range(width)):
        return False
    values = [number(row[i]) for i in heads]
    if None in values or len(set(values)) < len(values):
        return False
    steps = [b - a for a, b in zip(values, values[1:])]
    if not (all(s > 0 for s in steps) or all(s < 0 for s in steps)):
        return False
    under = [n for r in rows[1:] for i in heads if i < len(r) for n in [number(r[i])] if n is not None]
    if len(under) < len(heads):
        return False
    low, high = min(under), max(under)
    years = all(v == int(v) and 1900 <= v <= 2100 for v in values) and not all(v == int(v) and 1900 <= v <= 2100 for v in under)
    even = len(steps) > 1 and max(steps) - min(steps) <= 1e-6 * max(1.0, abs(steps[0]))
    room = 3 * max(high - low, abs(high) / 2, 1e-9)
    apart = all(v > high + room or v < low - room for v in values)
    counted = len(heads) > 2 and values == [values[0] + i for i in range(len(heads))] and values[0] in (0, 1) and 2 * sum(1 for n in under if values[0] <= n <= values[-1]) < len(under)
    named_first = kinds.kind(row[0]) in ("text", "code") and 0 not in heads
    return named_first and (counted or years and (even or len(steps) == 1) or apart and (even or len(heads) >= 3))


def mixed(rows, width, found):
    """A heading of a text, then years, days, months, hours or ages: Region, 2023, 2024-01-01, 65+. None of it may be one of the values below."""
    if len(rows) < 3 or width < 3:
        return False
    row = padded(rows[0], width)
    if filled(row) < width or not different(row) or kinds.kind(row[0]) not in ("text", "code"):
        return False
    other = 0
    for i in range(1, width):
        k = kinds.kind(row[i])
        if k in ("text", "code"):
            other += found[i] in kinds.NUMBERS + ("date", "time")
        elif (k in ("date", "time") or LABEL.fullmatch(row[i].strip()) and not any(LABEL.fullmatch(padded(r, width)[i].strip()) for r in rows[1:])) and found[i] in kinds.NUMBERS:
            other += 1
        elif not (k == "int" and found[i] in kinds.NUMBERS and year(row[i]) and not all(year(padded(r, width)[i]) for r in rows[1:])):
            return False
    return other > 0


LABEL = re.compile(r"(?:0?[1-9]|1[0-2])[./](?:19|20)\d\d|\d+\s?\+")  # a month, an age and above


def year(value):
    return re.fullmatch(r"(19|20)\d\d", value.strip()) is not None


def texts_differ(rows, width):
    """Whether a table of texts shows that its first row is names: they occur nowhere below it."""
    first = {v.strip().lower() for v in rows[0] if v.strip()}
    return not any(v.strip().lower() in first for r in rows[1:] for v in r)


def joined(rows, width):
    """One heading out of several rows: what spans columns is said for each of them."""
    rows = [[v.strip() for v in padded(r, width)] for r in rows]
    for upper, below in zip(rows, rows[1:]):
        last = ""
        for i, v in enumerate(upper):
            if v:
                last = v if below[i] else ""
            elif below[i]:
                upper[i] = last
    return [" ".join(x for x in column if x) for column in zip(*rows)]


def names(heading, width):
    """The columns' names as pandas would make them unique: a, a.1; a blank one is Unnamed: 3."""
    given = [" ".join(v.translate(UNSEEN).split())[:MOST_NAME] for v in padded(heading, width)] if heading else []
    if not given:
        return ["column_%d" % (i + 1) for i in range(width)]
    given = [v if v else "Unnamed: %d" % i for i, v in enumerate(given)]
    seen, out, taken = Counter(), [], set(given)
    for v in given:
        n, name = seen[v], v
        while n > 0:
            end = ".%d" % n
            name = v[:MOST_NAME - len(end)] + end  # one that is cut stays as short, and the only one
            if name not in taken:
                break
            n += 1
        seen[v] = n + 1
        taken.add(name)
        out.append(name)
    return out
