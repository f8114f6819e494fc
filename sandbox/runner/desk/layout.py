"""A table's heading, of one or more rows: where it stands, and the names that it gives."""

import re
from collections import Counter

from . import kinds
from .values import MONTHS, UNSEEN, form, shape
from .words import MOST_NAME

MOST_HEADS = 4
TOTALS = re.compile(r"(grand |sub)?-?totals?( general| général| generale)?|sum(ma|me|a)?|end(summe|betrag)|gesamt(summe|ergebnis|betrag|wert|kosten|umsatz)?|ytd|year to date|insgesamt|zusammen|total(e|en|t|es)?|totaal|totaux|somme|suma( końcowa)?|razem|ogółem|celkem|celkom|spolu|i alt|yhteensä|samtals|kokku|kopā|összesen|ukupno|skupaj|jumlah|sammanlagt|iš viso|totali|รวม(ทั้งสิ้น|ทั้งหมด)?|कुल( योग)?|tổng( cộng)?|[σ∑]|"
                    r"итого|всего|всього|разом|общо|σύνολο|toplam|genel toplam|合计|總計|总计|合計|小計|합계|총계|סה\"?כ|المجموع|all|overall|сумма", re.I)


def column_kinds(rows, width):
    """The kind of each column, by the records that have all their values."""
    # A row that is short or long has values in the wrong columns.
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
    return COMMENT.match(line) is not None


COMMENT = re.compile(r"\s*(?:#+|//+|%+) ")


def underlined(row, heading):
    """Whether a row is nothing but a line below the names: a dash or more for each letter."""
    return bool(heading) and any(len(v) > 1 for v in row) and all(v.strip("-=") == "" and len(v) >= len(h.strip()) > 0 for v, h in zip(map(str.strip, row), heading))


def filled(row):
    return sum(1 for v in row if v.strip())


def named(row):
    """Whether a row may be names of columns: texts, each different, none that is plainly a value."""
    said = [v.strip() for v in row if v.strip()]
    return bool(said) and all((kinds.kind(v) in ("text", "code", "url") or kinds.kind(v) == "" and v[0].isalpha()) and len(v) <= 300 for v in said)  # NA is North America


def different(row):
    said = [v.strip() for v in row if v.strip()]
    return len(set(said)) == len(said)


def headings(rows, width, found):
    """How many of the first rows are headings, and how sure that is. found: the kinds of the columns."""
    if not rows:
        return 0, True
    typed = [i for i, k in enumerate(found) if k not in ("text", "", "code")]
    heads = 0
    # Row by row as long as they name columns; each way out below is a form of heading that this rule does not see.
    while heads < min(MOST_HEADS, len(rows)):
        row = padded(rows[heads], width)
        if heads and numbering(row) and {"text", "code"} & set(found) and padded((rows[heads + 1:] or [[]])[0], width)[0].strip() != "2":
            heads += 1
            break
        if heads and (explains(row) and not any(map(explains, rows[heads + 1:heads + 2])) or heads == 1 and lower(rows, 1, typed, width)):
            heads += 1
            continue
        if not names_typed(row, typed, found) or not (named(row) or spread(rows, heads, width, found)):
            break
        heads += 1
    if heads:
        heads = trimmed(rows, heads, width, found)
        return heads + (heads < len(rows) - 1 and index_name(rows, heads, typed, width)), True
    at = next((i for i in range(1, min(MOST_HEADS, len(rows) - 1)) if explains(rows[i]) and not explains(rows[i + 1])), 0)
    if at:
        return at + 1, True  # texts below texts, and a row in between that tells them apart
    if keys(rows, width, found) or corner(rows, width) or mixed(rows, width, found):
        return 1 + index_name(rows, 1, typed, width), False
    if two_storeys(rows, width, found):
        return storeys(rows, width, typed, found), True
    over = next((n for n, r in enumerate(rows[:MOST_HEADS + 1]) if padded(r, width)[0].strip()), 0)
    if width > 2 and 1 < over < len(rows) and all(padded(r, width)[0].strip() for r in rows[over:]) and names_typed(padded(rows[over - 1], width), typed, found):
        return over, True  # years and then texts, over columns of numbers alone
    if len(rows) == 1:
        return (1, True) if named(rows[0]) and different(rows[0]) else (0, True)
    first = padded(rows[0], width)
    if not typed and named(first) and different(first) and filled(first) >= max(1, width - 1):
        return 1, texts_differ(rows, width)
    if not typed and named(first) and filled(first) == width and all(n == 1 or NAMES.fullmatch(v) for v, n in Counter(v.strip() for v in first).items()) and texts_differ(rows, width):
        return 1, True  # a person's two phones
    if typed and named(first) and different(first) and filled(first) == width:
        return 1, False
    return 0, bool(typed)


def by_names(rows, width):
    """The width of rows as the names above them have it: rows that all end with a delimiter too many have one value less than it seems, and the
    values of the last columns may be missing together with their delimiters."""
    names = rows[0] if rows and width > 1 else []
    if len(names) > width and named(names) and filled(names) == len(names) and all(len(r) <= len(names) for r in rows) and not heads(rows[1:], width):
        return len(names)
    if 0 < len(names) < width and named(names) and all(len(r) <= len(names) or not any(v.strip() for v in r[len(names):]) for r in rows):
        return len(names)
    return width


def other_heading(rows, width):
    """The place of another heading that begins a second table of the same width, in rows that begin with the heading of the first; 0 where none does."""
    # At least a heading and two rows above, and two rows below: less is no table of its own.
    for i in range(3, len(rows) - 2):
        row, near = rows[i], (padded(rows[i - 1], width), padded(rows[i + 1], width))
        if len(row) != width or filled(near[0]) == 1 < width:  # the title of the second table, or what is noted above it
            near = padded(next((r for r in rows[i - 2:max(0, i - 6):-1] if filled(r) > 1), rows[i - 2]), width), near[1]
        if len(row) != width or not all(any(kinds.kind(row[c]) == "text" and kinds.kind(n[c]) in kinds.NUMBERS for c in range(width)) for n in near):
            continue
        if filled(row) < width or not named(row) or not different(row) or not named(rows[0]) or [v.strip() for v in row] == [v.strip() for v in rows[0]]:
            continue
        up, down = column_kinds(rows[1:i], width), column_kinds(rows[i + 1:], width)
        if up == down and filled(rows[i - 1]) > 1 and not any(NAMES.fullmatch(v.strip()) for v in row):
            continue  # Ben;closed;pending
        if all(names_typed(row, [c for c, k in enumerate(found) if k not in ("text", "", "code")], found) for found in (up, down)):
            return i
    return 0


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
    if numbering(padded(rows[heads - 1], width)):
        return trimmed(rows, heads - 1, width, found) + 1
    for n in range(1, heads):
        row, above = padded(rows[n], width), padded(rows[n - 1], width)
        if any(MARKED.fullmatch(v.strip()) for v, k in zip(row, found) if k in kinds.NUMBERS):
            return n  # the first values, with a mark
        same = [v.strip() for v in row] == [v.strip() for v in above]
        gaps = filled(above) < filled(row) or filled(row) < width and filled(above) < width or not row[0].strip() and any(a.strip() and a.strip() == b.strip() for a, b in zip(above, above[1:]))
        plain = sum(1 for v, k in zip(row, found) if k not in kinds.NUMBERS + ("date", "time") and kinds.kind(v) == "text" and v.strip()[:1] not in "[(")
        under = sum(1 for v, k in zip(row, found) if v.strip() and (k in kinds.NUMBERS + ("date", "time") or k == "code" and kinds.kind(v) == "text"))
        units = (not plain or under > 1) and sum(1 for v in row if re.fullmatch(r"[\[(].{1,12}[\])]|%|[A-Za-zµ°/²³]{1,6}", v.strip())) >= max(1, filled(row) - 1)
        valued = any(re.search(r"\d", v) and v.strip()[0] not in "[(" for v, k in zip(row, found) if k in kinds.NUMBERS + ("date", "time"))  # from 10.00
        # 2020=100 stands below the name of a column where the row has no key, and all later ones have a year or a day.
        keyless = under > 1 and re.search(r"[\d%°/=€$]", "".join(row)) and not row[0].strip() and found[0] in kinds.NUMBERS + ("date", "time") and len(rows) > heads and all(padded(r, width)[0].strip() for r in rows[heads:])
        if not (same or gaps or keyless or explains(row) or unlike(row, [padded(r, width) for r in rows[heads:]], found) or not valued and (units or under > 1 and filled(row) == width and len(rows) > heads)):
            return n
    return heads


def unlike(row, later, found):
    """Whether a row has a word where all rows below it have a code of one pattern: what a census says of GEO_ID below that name."""
    said = [(row[i], {re.sub(r"(.)\1+", r"\1", shape(r[i])) for r in later}) for i, k in enumerate(found) if k in ("text", "code")]
    coded = [(v, shapes) for v, shapes in said if len(shapes) == 1 and "9" in min(shapes)]
    return len(later) > 2 and filled(row) == len(row) and bool(coded) and not any(any(c.isdigit() for c in v) or not v.strip() or TOTALS.fullmatch(v.strip()) for v, _ in coded)


def numbering(row):
    """A row that counts the columns, as forms of authorities have it below the names: 1, 2, 3 or (1), (2), (3)."""
    return len(row) > 2 and [v.strip().strip("()[]") for v in row] == [str(i + 1) for i in range(len(row))]


def explains(row):
    """A row of JSON objects, one for each column, as Qualtrics has it below its names and questions; or of widths and types, as in an RDB file: 5s, 10n."""
    said = [v.strip() for v in row if v.strip()]
    return bool(said) and (all(v.startswith('{"') and v.endswith('"}') for v in said) or len(said) > 2 and all(re.fullmatch(r"\d+[sdn]", v) for v in said))


def lower(rows, at, typed, width):
    """Whether a row names nothing but the columns that the row above it left without a name, and has no value where all rows below it have one."""
    row, names = padded(rows[at], width), padded(rows[at - 1], width)
    blank = [i for i in range(width) if not names[i].strip()]
    return bool(blank) and bool(typed) and at + 1 < len(rows) and not row[0].strip() and named(row) and all(row[i].strip() for i in blank) and filled(names) - sum(1 for n, v in zip(names, row) if n.strip() and v.strip()) > 1 and \
        below_names([row[i] for i in typed if i not in blank]) and all(padded(r, width)[i].strip() for r in rows[at + 1:at + 4] for i in typed[:1])


def below_names(said):
    """Whether these values of columns with a type and a name go on from their names: none at all, or words where others say nothing."""
    return not any(v.strip() for v in said) or not all(v.strip() for v in said) and all(kinds.kind(v) == "text" for v in said if v.strip())


def index_name(rows, at, typed, width):
    """Whether a row says nothing but what the rows below it are called by, as pandas has it below the names: region,,, above North,1,2."""
    row, later = padded(rows[at], width), [padded(r, width) for r in rows[at + 1:at + 60]]
    lead = next((i for i, v in enumerate(row) if not v.strip()), width)
    if not later or not 0 < lead == filled(row) < width or not typed or typed[0] < lead or any(filled(r[lead:]) == 0 for r in later):
        return False
    # Below an empty corner, or beside names that are values themselves (year,2023,2024): below role,hours a row owner, is a record without hours.
    corner = not padded(rows[at - 1], width)[0].strip()
    if not corner and not any(kinds.kind(v) in kinds.NUMBERS or LABEL.fullmatch(v.strip()) or v.strip().lower() in MONTHS for r in rows[:at] for v in r[1:]):
        return False
    return all(NAMES.fullmatch(row[i].strip()) or corner and form(row[i])[0] == "text" and row[i].islower() and not all(r[i].islower() for r in later if r[i].strip()) for i in range(lead))


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
    top, below_it = padded(rows[0], width), padded(rows[1], width)
    typed = [i for i, k in enumerate(found) if k not in ("text", "", "code")]
    over = [i for i in range(width) if top[i].strip() and i + 1 < width and top[i + 1].strip() in ("", top[i].strip())]
    return bool(over) and named(below_it) and bool(typed) and all(kinds.kind(below_it[i]) in ("text", "code") or i == 0 and not (below_it[i] + top[i]).strip() for i in typed) and \
        all(kinds.kind(v) in ("text", "code", "int", "date", "") for v in top)


def storeys(rows, width, typed, found):
    """How many rows such a heading has: two, and those below that still have texts above numbers."""
    n = 2
    while n < MOST_HEADS and n + 1 < len(rows) and names_typed(padded(rows[n], width), typed, found):
        n += 1
    return n + (n < len(rows) - 1 and index_name(rows, n, typed, width))


def number(value):
    value = value.strip()
    if "," in value and "." in value:  # the last of them is the decimal sign
        value = value.replace(min(",.", key=value.rindex), "")
    try:
        return float(value.replace(",", "."))
    except ValueError:
        return None


def keys(rows, width, found):
    """A heading of numbers, like years or wavelengths: a text first, then numbers in even steps that are none of the values below them."""
    if len(rows) < 3 or width < 3:
        return False
    row = padded(rows[0], width)
    heads = [i for i in range(width) if kinds.kind(row[i]) in ("int", "num")]
    if len(heads) > 2 and heads == list(range(width - len(heads), width)) and [row[i].strip() for i in heads] in [[str(n + k) for n in range(len(heads))] for k in (0, 1)] and \
            all(kinds.kind(v) == "text" for v in row[:heads[0]]) and not any(kinds.kind(v) in kinds.NUMBERS for r in rows[1:] for v in padded(r, width)[heads[0]:]):
        return True  # days of a month, with a mark below each
    dates = [i for i in range(width) if kinds.kind(row[i]) == "date"]
    if len(dates) > 2 and dates == list(range(width - len(dates), width)) and kinds.days(row[dates[0]:]) and named(row[:dates[0]]) and not any(kinds.kind(v) in kinds.NUMBERS + ("date",) for r in rows[1:] for v in padded(r, width)[dates[0]:]):
        return True  # and so are dates
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
    if named_first and found[0] in ("date", "time", "int", "num") and even and filled(row) == width:
        return True  # a word over days or numbers is their name, and what goes on in even steps beside it are names, too
    return named_first and (counted or years and (even or len(steps) == 1) or apart and (even or len(heads) >= 3))


def mixed(rows, width, found):
    """A heading of a text, then years, days, months, hours or ages: Region, 2023, 2024-01-01, 65+. None of it may be one of the values below."""
    if len(rows) < 3 or width < 3:
        return False
    row = padded(rows[0], width)
    while width > 3 and not row[width - 1].strip() and not found[width - 1]:
        width -= 1
    row = row[:width]
    if filled(row) < width or not different(row) or kinds.kind(row[0]) not in ("text", "code"):
        return False
    years = [i for i in range(1, width) if year(row[i]) and not any(year(padded(r, width)[i]) for r in rows[1:])]
    other = len(years) > 2 and all(number(row[b]) - number(row[a]) == 1 == b - a for a, b in zip(years, years[1:]))
    for i in range(1, width):
        k = kinds.kind(row[i])
        if k in ("text", "code"):
            other += found[i] in kinds.NUMBERS + ("date", "time")
        elif (k in ("date", "time") or LABEL.fullmatch(row[i].strip()) and not any(LABEL.fullmatch(padded(r, width)[i].strip()) for r in rows[1:])) and found[i] in kinds.NUMBERS:
            other += 1
        elif not (other and i in years) and not (k == "int" and found[i] in kinds.NUMBERS + ("",) and year(row[i]) and not all(year(padded(r, width)[i]) for r in rows[1:])):
            return False
    return other > 0


def corner(rows, width):
    """A heading of numbers in even steps beside an empty corner, over rows that all begin with a label: a plate, or years."""
    row = padded(rows[0], width)
    if len(rows) < 3 or width < 3 or row[0].strip() or filled(row) < width - 1 or not all(padded(r, width)[0].strip() for r in rows[1:]):
        return False
    values = [number(v) for v in row[1:]]
    steps = {round(b - a, 9) for a, b in zip(values, values[1:])} if None not in values else set()
    return len(steps) == 1 and steps != {0} and different([padded(r, width)[0] for r in rows[1:]])


LABEL = re.compile(r"(?:0?[1-9]|1[0-2])[./](?:19|20)\d\d|\d+\s?\+|\d+(?:[.,]\d+)?\s?%")  # a month, an age and above, a percentile


def year(value):
    return re.fullmatch(r"(19|20)\d\d", value.strip()) is not None


def texts_differ(rows, width):
    """Whether a table of texts shows that its first row is names: they occur nowhere below it."""
    first = {v.strip().lower() for v in rows[0] if v.strip()}
    return not any(v.strip().lower() in first for r in rows[1:] for v in r) and any(namely(padded(rows[0], width)[i], [padded(r, width)[i] for r in rows[1:]]) for i in range(width))


def namely(name, below):
    """Whether a text is a name by its own look, not one more of the texts below it: a word that names columns, or written unlike all of them."""
    said = [v.strip() for v in below if v.strip()]
    if not name.strip() or not said:
        return False
    shapes = {re.sub(r"(.)\1+", r"\1", shape(v)) for v in said}
    return "_" in name or NAMES.fullmatch(name.strip()) is not None or name.islower() and not all(map(str.islower, said)) or \
        re.sub(r"(.)\1+", r"\1", shape(name)) not in shapes and len(shapes) == 1 or len(said) > 3 and 2 * len(set(said)) <= len(said)


NAMES = re.compile(r"(?:.*[\s_.(-])?(?:names?|nachname|vorname|name\w*|id|nr\.?|no\.?|code|key|cit(?:y|ies)|town|stadt|ort|ville|ciudad|countr(?:y|ies)|land|pays|país|state|status|types?|typ|kind|dates?|datum|fecha|day|tag|month|monat|"
                   r"year|jahr|regions?|categor(?:y|ies)|kategorie|groups?|gruppe|class|comments?|kommentar|notes?|text|description|beschreibung|e-?mail|phone|telefon|address|adresse|street|title|titel|subject|product|produkt|artikel|items?|"
                   r"customer|kunde|client|user|owner|company|firma|department|abteilung|team|role|gender|sex|language|sprache|colou?r|farbe|size|values?|wert|answers?|antwort|question|frage|label|tags?|url|link|host|server|file|path|source|target)"
                   r"(?:\s?\(.*\))?|.*[?:]", re.I)


def joined(rows, width):
    """One heading out of several rows: what spans columns is said for each of them."""
    rows = [[v.strip() for v in padded(r, width)] for n, r in enumerate(rows) if not explains(r) and not (n and numbering(r))]
    for i in range(width if len(rows) > 1 and not rows[-1][-1] and filled(rows[-1]) < filled(rows[-2]) else 0):  # the rows' own name is not what stands above it
        for r in rows[:-1] if i < filled(rows[-1]) and all(rows[-1][:i + 1]) else []:
            r[i] = ""
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
