"""What stands around a table: titles, comments, facts about the file and blocks of such facts that look like tables of their own above it; notes below it."""

import hashlib
import re

from . import kinds, layout
from .records import Dialect, USUAL

FAR = 60  # rows in which a table is looked for below its preamble
END = re.compile(r"\W*end[ _-]?of[ _-]?header\W*", re.I)


def start(rows, loose=False):
    """Where the table begins, if blocks of facts about the file stand above it that are no table themselves (Saldo;1.234,56;EUR); else 0."""
    said = [layout.filled(r) for r in rows[:FAR + 1]]
    first = next((i for i, n in enumerate(said) if n), 0)
    widest = 0  # of the rows above that do not stand alone
    # A row of names must be wider than all that stands above it: facts are a name and a value, or three words.
    for i in range(first + 1, min(len(rows), FAR)):
        if said[i - 1] and (said[i] or i > first + 1 and said[i - 2]) and not pairs(rows[i - 1]):
            widest = max(widest, said[i - 1])
        ended = bool(rows[i - 1]) and END.fullmatch(rows[i - 1][0]) is not None
        if said[i] < 3 or said[i] <= widest and not ended:
            continue
        wide = opens(rows, i, loose)
        if wide and (ended or facts(rows[first:i], wide)):
            return i
    return 0


def opens(rows, i, loose):
    """How many names a row has, where it is one of three names or more over rows of values, dates or numbers among them; else 0."""
    # Names without a gap, and a delimiter too many at the end is no gap.
    names = trimmed(rows[i])
    wide = layout.filled(names)
    if wide < 3 or wide < len(names) or not layout.named(names):
        return 0
    below = [r for r in rows[i + 1:i + 25] if layout.filled(r)]
    # In a text the values below have a width of their own; the cells of a sheet are padded, and theirs says nothing.
    if not loose:
        below = [r for n, r in enumerate(below) if all(len(q) == len(below[0]) for q in below[:n + 1])]
        if not below or not len(names) <= len(below[0]) <= len(names) + 2:
            return 0
    below = [layout.padded(r, len(names)) for r in below]
    found = layout.column_kinds(below, len(names))
    typed = [n for n, k in enumerate(found) if k not in ("text", "", "code")]
    return wide if typed and all(kinds.kind(names[n]) in ("text", "code") for n in typed if names[n].strip()) else 0


def facts(rows, wide):
    """Whether these rows say something of a file, in blocks that are narrower than the table below them: none of them is a heading over values."""
    blocks = [[]]
    for r in rows:
        if layout.filled(r):
            blocks[-1].append(trimmed(r))
        elif blocks[-1]:
            blocks.append([])
    last = len(blocks) - 1
    if blocks[last] and layout.filled(blocks[last][-1]) < len(blocks[last][-1]):
        return False  # just above the names stands what spans several of them
    for n, block in enumerate(b for b in blocks if b):
        if len(block) == 1 and n < last:
            continue  # a line that stands alone
        if not all(pairs(r) or layout.filled(r) < wide and (layout.filled(r) <= 3 or all(":" in v for v in r if v.strip())) for r in block):
            return False
        if over(block):
            return False
    return True


def pairs(row):
    """Whether a row has several facts beside one another: Kunde:, ACME, Datum:, 31.01.2024."""
    said = [v.strip() for v in row if v.strip()]
    return len(said) > 3 and len(said) % 2 == 0 and all(v.endswith(":") == (n % 2 == 0) for n, v in enumerate(said))


def over(block):
    """Whether a row of names stands over nothing but numbers, or nothing but dates, in one of its columns."""
    width = len(block[0])
    if len(block) < 3 or layout.filled(block[0]) < 2 or not layout.named(block[0]) or block[0][0].rstrip().endswith(":"):
        return False
    columns = [[r[i] for r in block[1:] if i < len(r)] for i in range(1, width)]
    return any(len(c) == len(block) - 1 and len({k if k not in kinds.NUMBERS else "num" for k in map(kinds.kind, c)}) == 1 and kinds.kind(c[0]) in kinds.NUMBERS + ("date",) for c in columns)


def names_apart(placed, width):
    """The placed rows with names that are no record of the table, and whether there are such: R leaves out the name of its first column, the
    names of the rows; a server's log has them behind #Fields:."""
    at = next((n for n, p in enumerate(placed[:20]) if p[2].startswith("#Fields:")), None)
    # The word #Fields: itself is the one more. Its lines are those of web servers (W3C extended log format).
    if at is not None and len(placed[at][2].split()) == width + 1:
        return [(placed[at][2].split()[1:], *placed[at][1:])] + [p for p in placed[at + 1:] if not p[2].startswith("#")], True
    last = next((n for n, p in enumerate(placed[:20]) if not (p[0] and marked(p[0]))), 0) - 1  # # t y, above columns that blanks tell apart
    if last >= 0 and placed[last][0][0].strip() in ("#", "%") and len(placed[last][0]) == width + 1 and layout.named(placed[last][0][1:]) and not layout.named(placed[last + 1][0]):
        return [(placed[last][0][1:], *placed[last][1:])] + placed[last + 1:], True
    first, below = placed[0][0] if placed else [], [p for p in placed[1:] if layout.filled(p[0])]
    # A delimiter too many ends each row. What R writes begins with a quoted number, or stands under a name that is no number's.
    spare = not any(p[0][-1].strip() for p in below) and not all(p[2].startswith('"') and re.search(r'[^"\d][-\d]', p[2]) for p in below) and not re.search("name|gene|title|text", "".join(first[:1]), re.I)
    if len(first) != width - 1 or not below or spare or not layout.named(first) or layout.filled(first) < len(first) or any(len(p[0]) != width for p in below):
        return placed, False
    # R numbers the rows from 1, or has names that are all different and quoted.
    labels = [p[0][0].strip() for p in below]
    if len(set(labels)) == len(labels) and (labels == [str(n + 1) for n in range(len(labels))] or all(p[2].startswith('"') for p in [placed[0], *below]) and not all(kinds.kind(v) in kinds.NUMBERS for v in labels)):
        return [([""] + first, *placed[0][1:])] + placed[1:], True
    return placed, False


def trimmed(row):
    """A row without the empty values at its end."""
    n = len(row)
    while n and not row[n - 1].strip():
        n -= 1
    return row[:n]


def titles(rows, width):
    """How many rows above the heading are titles, comments or notes: they fill hardly any of the columns."""
    n = 0
    # One row is always left: a file of titles alone is a table of one row, and never none.
    while n + 1 < len(rows) and n < 30:
        row, later = rows[n], rows[n + 1:n + 12]
        few = layout.filled(row)
        if row and row[0].strip() in ("#", "№") and few == width > 1:
            return n  # the name of a column of numbers
        if fact(rows, n, width) or width == 2 and lines_above(rows, n):
            n += 1
            continue
        if row and marked(row) and not any(r and marked(r) for r in rows[n + 1:][-3:]) and few <= max(1, len(row)):
            if layout.filled(rows[n + 1]) >= 1 and len(rows[n + 1]) >= len(row) and not (len(row) == width and n + 1 == len(rows) - 1):
                if comment_heading(rows, n, width):
                    return n
                n += 1
                continue
        if few == 0 or n == 0 and prose(rows, width) or preamble(rows, n, width) or pivot(rows, n, width):
            n += 1
            continue
        wide = max((layout.filled(r) for r in later), default=0)
        if width >= 2 and few <= max(1, width // 4) and (wide >= 2 * few or few == 1 and wide > 1) and not (width == 2 and len(row) == 2 and row[1].strip() == "" and all(layout.filled(r) < 2 for r in later)):
            if width == 2 and len(row) == 2 and not blank_near(rows, n):
                return n  # a two-column table whose first value is missing
            n += 1
            continue
        return n
    return n


def preamble(rows, n, width):
    """A name and its value above the table (Account:;DE12…), or a line about the file that has a width of its own."""
    row = rows[n]
    if n == 0 and len(row) != width and len(rows) > 2 and len(rows[1]) == width > 2 and layout.filled(rows[1]) == width and layout.named(rows[1]) and layout.different(rows[1]) and not layout.named(row) and not all(map(layout.named, rows[2:6])):
        return True
    if width < 3 or layout.filled(row) > 2 or max((layout.filled(r) for r in rows[n + 1:n + 30]), default=0) < 3:
        return False
    if next(v for v in row if v.strip()).rstrip().endswith(":") and not named_wide(rows[n - 1:n]):
        return True
    empty = next((i for i in range(n + 1, min(len(rows), 30)) if not layout.filled(rows[i])), 0)
    head = next((i for i in range(empty, min(len(rows), 30)) if layout.filled(rows[i])), 0) if empty else 0
    return head > 0 and head + 1 < len(rows) and all(layout.filled(r) <= 2 for r in rows[:empty]) and (named_wide(rows[head:head + 1]) or layout.filled(rows[head]) <= 2 and preamble(rows, head, width))


def prose(rows, width):
    """Whether the first row is a title that the delimiter cuts (Sales, North and South): words, or a quotation, with blanks behind the delimiter as
    nowhere below, and a heading follows."""
    said, blanks = ",".join(rows[0]), [any(v.startswith(" ") for v in r[1:]) for r in rows[:60]]
    prose = len(said.split()) > 3 or said.count('"') == 2 and said[0] == said[-1] == '"'
    # Names in a heading that was typed with a blank behind each comma: Customer name, Date of order, Amount.
    names = width > 2 and all(v.startswith(" ") and v[1:2].isupper() and len(v.split()) < 4 for v in rows[0][1:]) and layout.named(rows[0]) and '"' not in said
    return len(rows[0]) == width > 1 and prose and not names and blanks[0] and not any(blanks[1:]) and layout.heads(rows[1:60], width)


def pivot(rows, n, width):
    """Whether a row names what a pivot table counts, and its columns, above their own heading of numbers."""
    row, head = rows[n], rows[n + 1]
    return layout.filled(row) == 2 < width and bool(row[0].strip() and row[1].strip()) and layout.filled(head) == width and len(rows) > n + 3 and not layout.named(head) and \
        layout.mixed(rows[n + 1:n + 60], width, layout.column_kinds(rows[n + 2:n + 60], width))


def fact(rows, n, width):
    """A title, or a fact about the file that is as wide as the table (Sales;2024), just above a heading of two names over numbers or dates."""
    row = rows[n]
    if width == 2 and layout.filled(row) == 2 and row[0].rstrip().endswith(":"):
        below = next((i for i in range(n + 1, min(len(rows), n + 30)) if layout.filled(rows[i]) and not rows[i][0].rstrip().endswith(":")), len(rows))
        return len(rows) > below + 1 and layout.heads(rows[below:below + 60], width)
    below = next((i for i in range(n + 1, min(len(rows), n + 4)) if layout.filled(rows[i])), n + 1)
    above = n == 0 or below > n + 1 and all(layout.filled(r) < 2 for r in rows[:n])  # below a title, where an empty line follows
    return above and width == len(row) == 2 and layout.named(row[:1]) and kinds.kind(row[1]) not in ("text", "code", "url") and len(rows) > below + 2 and layout.heads(rows[below:below + 59], width)


def lines_above(rows, n):
    """Whether a row is one of the lines about the file that stand alone, before an empty row and a heading of two columns whose second one is named: numbers
    stand below it, as in a balance sheet."""
    empty = next((i for i in range(n, min(len(rows), n + 10)) if not layout.filled(rows[i])), 0)
    head = next((i for i in range(empty, len(rows)) if layout.filled(rows[i])), len(rows))
    if empty <= n or head + 2 >= len(rows) or not all(layout.filled(r) == 1 and r[0].strip() for r in rows[n:empty]):
        return False
    under = [kinds.kind(r[1]) for r in rows[head + 1:head + 60] if len(r) > 1 and r[1].strip()]
    return len(rows[head]) == 2 and layout.named(rows[head][1:]) and len(under) > 1 and set(under) <= set(kinds.NUMBERS)


def named_wide(rows):
    """Whether this one row may be a heading of three columns or more: names, and years behind them."""
    names = [v for v in rows[0] if v.strip() and not layout.year(v)] if rows else []
    return bool(rows) and layout.filled(rows[0]) >= 3 and layout.named(names) and layout.different(rows[0]) and not layout.year(rows[0][0])


def blank_near(rows, n):
    return any(layout.filled(r) == 0 for r in rows[n + 1:n + 3])


def marked(row):
    """Whether a row begins as a comment does."""
    first = row[0].strip()
    return first.startswith(("#", "//", "% ")) or first == "%"


def comment_heading(rows, n, width):
    """A comment line just above the data that names its columns is the heading: "# id,name"."""
    row = rows[n]
    if len(row) != width or width < 2 or n + 1 >= len(rows) or marked(rows[n + 1]) or not layout.named(row):
        return False
    small = [" ".join(r).islower() for r in rows[n + 1:]]
    return not layout.named(rows[n + 1]) or not any(v.startswith(" ") or ":" in v or len(v.split()) > 4 for v in row) and layout.filled(row) == width and not (small[0] and not all(small))


def other_delimiter(placed, width, dialect):
    """A first row that was written with another delimiter than the rest is a heading all the same."""
    if width < 2 or len(placed) < 2:
        return placed
    row, at, raw = placed[0]
    below = [r for r, _, _ in placed[1:60]]
    if layout.heads(below, width) or next((len(r) for r in below if layout.filled(r)), 0) == 1:
        return placed  # and a title, where a heading follows
    for d in [d for d in USUAL if d.strip() or width > 2] if len(row) == 1 and row[0].strip() and not layout.comment(raw) else []:
        values, _, end = Dialect(d, dialect.quote or '"', dialect.escape).record(raw, 0)
        if values is not None and len(values) == width and end == len(raw) and layout.named(values) and layout.different(values) and layout.filled(values) == width:
            return [(values, at, raw)] + placed[1:]
    return placed


PERIOD = re.compile(r"(?:1[89]|20|21)\d\d(?:[-/ .]?(?:[QTHSW]\d\d?|M?(?:0?[1-9]|1[0-2])|[A-Z]{3,4}))?|(?:[QT][1-4]|[^\W\d_]{3,9}\.?|0?[1-9]|1[0-2])[-/ .](?:(?:1[89]|20|21)\d\d|\d\d)", re.I)
PERIODS = re.compile(r"\W*(?:dates?|datum|time( period)?|period|periode|période|zeit\w*|monat|month|mois|mes|year|jahr|année|año|quarter|quartal|week|woche|day|tag|fecha|data)\W*", re.I)


def period(value):
    """Whether a value says when: a day, a month, a quarter, a year."""
    return PERIOD.fullmatch(value.strip()) is not None or kinds.kind(value) == "date"


def facts_below(rows):
    """(names, first row) where rows of facts stand between the names and a series of periods, as central banks and statistics offices have it (unit;USD,
    as of;02.01.2024), or just above the names of a series of two columns. None where that is not so."""
    for i in range(1, min(len(rows) - 1, FAR)):
        if two_names(rows[i - 1]) and all(len(r) > 1 and period(r[0]) and kinds.kind(r[1]) in kinds.NUMBERS + ("",) for r in rows[i:i + 2]):
            valued = sum(1 for r in rows[:i] if len(r) > 1 and kinds.kind(r[1]) in kinds.NUMBERS)
            return (i - 1, i) if i > 1 and valued < 2 and not any(r and period(r[0]) or layout.filled(r) > 2 for r in rows[:i]) else None
    at = next((i for i, r in enumerate(rows) if r and period(r[0])), 0)
    width = len(rows[at]) if rows else 0
    first = next((i for i, r in enumerate(rows[:at]) if len(r) == width and any(v.strip() for v in r[1:])), at)
    end = next((i for i in range(first, len(rows)) if not layout.filled(rows[i])), len(rows))
    if at - first < 4 or end - at < 2 or width < 2 or any(len(r) != width for r in rows[first:end]) or not all(period(r[0]) for r in rows[at:min(end, at + 60)]):
        return None
    valued = [i for i, k in enumerate(layout.column_kinds(rows[at:end], width)) if i and k in kinds.NUMBERS]
    if any(map(layout.explains, rows[first:at])) or any(kinds.kind(rows[first][i]) not in ("text", "code") for i in valued):
        return None
    said = [kinds.kind(r[i]) for r in rows[first:at] for i in valued if r[i].strip()]
    if not valued or len({rows[first][i] for i in valued}) < len(valued) or any(kinds.kind(r[0]) in kinds.NUMBERS for r in rows[first:at]) or 2 * sum(k in kinds.NUMBERS for k in said) > len(said):
        return None
    facts_said = [r for r in rows[first + 1:at] if r[0].strip() and r != rows[first]]
    if 2 * len(facts_said) < at - first - 1:
        return None  # names in several storeys, or the same ones again
    last = rows[at - 1]
    if layout.filled(last) == width and layout.named(last) and layout.different(last) and PERIODS.fullmatch(last[0].strip()):
        return (at - 1, at) if layout.filled(rows[first]) == width else None
    return first, at


def two_names(row):
    """Whether a row names a series of two columns: Datum;Kurs."""
    row = trimmed(row)
    return len(row) == 2 and layout.named(row) and layout.different(row) and any(PERIODS.fullmatch(w) for w in [row[0].strip(), *re.split(r"[\s_]+", row[0].strip())])


# -- and on every page

def numberless(row):
    """A digest of what a title says, whatever the number of its page: a reading holds no value of a file."""
    return hashlib.sha256("\x1f".join(re.sub(r"\d+", "#", v.strip()) for v in trimmed(row)).encode("utf-8", "replace")).hexdigest()[:16]


def paging(rows, skip, told):
    """(skip, title, whether there are pages, ids of rows that are no records) of rows whose heading stands behind skip of them. A title of two values or more, as in
    List;Page 1, is none of those that are skipped already, unless somebody has told where the heading is."""
    said, at = [r for r in rows if layout.filled(r)], sum(1 for r in rows[:skip] if layout.filled(r))
    if not told and page(said, at + 1):
        skip, at = next(n for n, r in enumerate(rows) if r is said[at]) + 1, at + 1
    title, gone = page(said, at), set()
    if not all(kinds.numbered(" ".join(said[i - 1]), n) for n, i in enumerate(again(said, at))) if title else not pages(said, at):
        return skip, title, False, gone
    for i in again(said, at):
        gone.add(id(said[i]))
        while layout.filled(said[at]) > 1 and i - 1 > at and (numberless(said[i - 1]) == title or titled(said[i - 1])):
            i -= 1
            gone.add(id(said[i]))
    return skip, title, True, gone


def page(rows, at):
    """The title above the heading at this place, if it has two values or more and stands above each of the heading's repetitions with another number."""
    title, places = numberless(rows[at - 1]) if at and layout.filled(rows[at - 1]) > 1 else "", again(rows, at)
    return title if places and all(numberless(rows[i - 1]) == title and rows[i - 1] != rows[at - 1] for i in places) else ""


def again(rows, at):
    """Where the heading at this place stands again."""
    heading = [v.strip() for v in trimmed(rows[at])] if at < len(rows) else []
    return [i for i in range(at + 2, len(rows)) if heading and [v.strip() for v in trimmed(rows[i])] == heading]


def titled(row):
    """What a row says that has one value, a text."""
    value = "".join(v.strip() for v in row) if layout.filled(row) == 1 else ""
    return value if kinds.kind(value) in ("text", "code") else ""


def pages(rows, at):
    """Whether the heading at this place stands again above the pages of one table, and not above other tables: Income and Expenses are two, and so are
    the year 2023 and the year 2024."""
    places, first = again(rows, at), titled(rows[at - 1]) if at else ""
    said = [titled(rows[i - 1]) for i in places if layout.filled(rows[at]) > 1]
    if not all(said) or not said:
        return len(places) > 1  # once more, and no title: nothing shows that it is one table
    alike = {re.sub(r"\d+", "#", title) for title in said + [first] * (len(said) == 1)}
    return len(alike) == 1 and (all(kinds.numbered(title, n) for n, title in enumerate(said)) or len({*said, first or said[0]}) == 1)


# -- and below it

COUNTED = re.compile(r"\(?(?:\d[\d.,]*\s+(?:rows?|records?|record\(s\)|row\(s\)|entries|results|lines|zeilen?|datens(?:atz|ätze)|einträge|lignes?|enregistrements?|filas?|registros?|righe)\b.*|(?:total|number of|anzahl(?: der)?|nombre de)\s+"
                     r"(?:rows?|records?|lines|zeilen|datensätze|lignes|filas|registros)\s*[:=]?\s*\d[\d.,]*)\)?\.?", re.I)
STARRED = re.compile(r"(?:\*+|†|‡|©)\s*\S.*", re.S)
NOTES = re.compile(r"(?:foot)?notes?|(?:general )?remarks|sources?|legende?|fußnoten|hinweise?|anmerkungen|erläuterungen|quellen?|notas?|fuentes?|fontes?|légende|leyenda|примечани[ея]|注", re.I)
NOTE = re.compile(r"(?:sources?|notes?|remarks?|quellen?|anmerkung(?:en)?|hinweise?|stand|fuentes?|notas?|fontes?|bron|kilde|källa|źródło|lähde|источник|примечание|出典|注|来源)\s*[:：].*", re.I | re.S)


def noted(row, width):
    """Whether a row is no record but about the table: "Source: us", with nothing else but how such a sentence goes on behind a comma; "* provisional", and nothing else."""
    first = row[0].strip()
    if COUNTED.fullmatch(" ".join(v.strip() for v in row if v.strip())):
        return True
    goes_on = all(not v.strip() or v.startswith(" ") and (kinds.kind(v) == "text" or layout.year(v)) for v in row[1:])
    return (NOTE.fullmatch(first) is not None and layout.filled(row) < width or layout.comment(first)) and goes_on or STARRED.fullmatch(first) is not None and layout.filled(row) == 1


FOOTNOTE = re.compile(r"(\(?(?:\d{1,2}|[a-z]|\*+)\)|[¹²³⁴⁵])\s*\S.*", re.S)


def footnote(row, rows):
    """Whether a row says nothing but what a mark means that stands behind a value of these rows: 1) estimated, below 987 1)."""
    mark = FOOTNOTE.fullmatch(row[0].strip())
    listed = any(FOOTNOTE.fullmatch(r[0].strip()) and layout.filled(r) > 1 for r in rows if r)  # items with such numbers
    return mark is not None and layout.filled(row) == 1 and not listed and any(v.rstrip().endswith(mark[1]) and v.strip() != mark[1] for r in rows for v in r)


def footers(rows, width, found, heading=()):
    """How many rows at the end are notes below the table: they say one thing only."""
    lead = next((i for i, k in enumerate(found) if k), 0)  # columns at the left in which nothing stands
    if lead and width - lead > 1 and not any(v.strip() for r in rows for v in r[:lead]):
        return footers([r[lead:] for r in rows], width - lead, found[lead:], heading)
    wide = width >= 3 or width == 2 and found[0] in kinds.NUMBERS + ("date", "time")  # a text below numbers
    n = len(rows)
    alone = next((i for i in range(n) if layout.filled(rows[n - 1 - i]) != 1), n)  # rows at the end with one value each
    if not any(NOTES.fullmatch(r[0].strip()) and any(sentence(v[0]) or " = " in v[0] for v in rows[at + 1:]) or noted(r, width) for at, r in enumerate(rows) if at >= n - alone):
        alone = 0
    while n > 1 and width > 1:
        row, before = rows[n - 1], rows[:n - 1]
        plain = noted(row, width) and not all(noted(r, width) for r in before) or footnote(row, [*before, heading])
        like = label(row[0], [r[0] for r in before if layout.filled(r) > 1][-5:] or [r[0] for r in before[-5:]]) and not (n < len(rows) and NOTES.fullmatch(row[0].strip()))
        whole = [layout.filled(r) for r in (before[:len(rows) - alone] if alone else before) if not layout.TOTALS.fullmatch(next((v.strip() for v in r if v.strip()), ""))][-5:]
        plain = plain or found[0] == "date" and kinds.kind(row[0]) == "text" and BALANCE.fullmatch(row[0].strip()) is not None
        if not plain and not (wide and not like and layout.filled(row) == 1 and row[0].strip() and kinds.kind(row[0]) == "text" and sum(whole) >= min(2.5, width) * len(whole)):
            break
        n -= 1
    return len(rows) - n


def label(value, above):
    """Whether a value that stands alone may be one more of the labels above it, without values."""
    if kinds.kind(value) not in ("text", "code") and {kinds.kind(v) for v in above} == {kinds.kind(value)}:
        return True  # one more day
    explains = " = " in value and not any(" = " in v for v in above)  # open = not yet begun
    return all(kinds.kind(v) in ("text", "code", "") for v in above) and not explains and not sentence(value) and not value.rstrip().endswith(":") and len(value.split()) <= max((len(v.split()) for v in above), default=0)


BALANCE = re.compile(r"(?:konto|end|schluss|anfangs)?(?:stand|saldo)(?:\s.{0,30})?|(?:opening|closing|final|ending|current) balance.{0,30}|balance|solde.{0,30}|saldo.{0,30}", re.I)  # where a date would stand


def sentence(value):
    """Whether a value that stands alone says something about a table, rather than naming one more of its rows."""
    v, words = value.strip(), len(value.split())
    return NOTE.fullmatch(v) is not None or STARRED.fullmatch(v) is not None or words > 3 or ": " in v or words > 2 and v.endswith((".", "!"))
