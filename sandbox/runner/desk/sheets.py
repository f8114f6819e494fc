"""A sheet of a workbook as a table: its cells have types of their own, what is around the table is found as in a text."""

import bisect
import datetime
import re
from collections import Counter

import pandas

from . import above, kinds, layout, totals
from .words import MOST_CELLS, MOST_COLUMNS, Odd, Refused


class CellError:
    """An error in a cell, #DIV/0! or the like: no value, and not empty either."""

    def __init__(self, text=""):
        self.text = text


class Sheet:
    """The cells of one sheet while they come in, row by row."""

    def __init__(self, name, hidden=False):
        self.name, self.hidden = name[:200], hidden
        self.rows, self.lines = [], []
        self.cells = self.formulas = self.unset = self.hidden_rows = self.merged = 0
        self.lacking = Counter()  # formulas without their results, by line
        self.down = []  # merged areas of several lines
        self.unseen = []  # columns that are hidden, from and up to
        self.shown = Counter()  # (column, currency): in how many cells

    def row(self, line, cells, hidden=False):
        """One row: {column: value}."""
        if not cells:
            return
        width = max(cells) + 1
        if width > MOST_COLUMNS:
            raise Refused("columns", columns=width, most=MOST_COLUMNS)
        # The width and not the number of its values: a row is padded, so one cell far to the right costs as much as a full row.
        self.cells += width
        if self.cells > MOST_CELLS:
            raise Refused("cells", most=MOST_CELLS)
        values = [None] * width
        for column, value in cells.items():
            values[column] = value
        self.rows.append(values)
        self.lines.append(line)
        self.hidden_rows += hidden

    def lack(self, line, unset):
        """A formula in this line, and whether its result is not there."""
        self.unset += unset
        self.lacking[line] += unset

    def hide(self, first, end):
        """Columns that nobody sees."""
        if len(self.unseen) < MOST_COLUMNS:
            self.unseen.append((first, end))

    def merge(self, column, first, last):
        """An area that is one cell to who looks at it."""
        self.merged += 1
        if last > first and len(self.down) < MOST_MERGED:
            self.down.append((column, first, last))


MOST_MERGED = 100_000


def begins(rows, lines, width):
    """Where the table begins below blocks of facts, or two columns of them; 0 where none stand above it."""
    spaced, places = [], []
    for n, row in enumerate(rows):
        if n and lines[n] > lines[n - 1] + 1:
            spaced, places = spaced + [[]], places + [n]
        spaced, places = spaced + [above.trimmed(row)], places + [n]
    return places[above.start(spaced, True) or (above.titles(spaced, width) if width == 2 else 0)]


def uncomputed_totals(sheet):
    """The places of the rows that are not totals which no spreadsheet has computed yet, as programs write them, and how many other formulas lack
    their results. Such a total says nothing, and every spreadsheet would make it of the rows that are there."""
    said = [[v for v in r if v is not None] for r in sheet.rows]
    kept = [n for n, (row, line) in enumerate(zip(said, sheet.lines)) if not (n and row and sheet.lacking[line] and all(v in said[n - 1] and isinstance(v, str) for v in row[1:]) and isinstance(row[0], str) and (sums_up(row) or n == len(said) - 1 and totals.MEAN.fullmatch(row[0].strip()) and row[0].strip().lower() != "media"))]
    if len(kept) < 2:
        kept = list(range(len(said)))
    return kept, sheet.unset - sum(sheet.lacking[sheet.lines[n]] for n in set(range(len(said))) - set(kept))


def sums_up(row):
    return isinstance(row[0], str) and layout.TOTALS.fullmatch(row[0].strip().rstrip(":")) is not None


def form(row):
    """A row of a form below the table: Date:, and perhaps what was filled in."""
    return isinstance(row[0], str) and row[0].rstrip().endswith(":") and sum(1 for v in row if v is not None) <= 2


def amount(value):
    """Whether a cell holds a number, or one that is written as a text."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) or isinstance(value, str) and kinds.kind(value) in kinds.NUMBERS and not value.startswith("0")


def text(value):
    """A cell as it would be written."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(int(value)) if value == value and abs(value) < 1e15 and value == int(value) else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ") if value.time() != datetime.time() else value.date().isoformat()
    if isinstance(value, CellError):
        return value.text
    return str(value)


class SheetTable:
    """The first table of a sheet."""

    def __init__(self, sheet, told=None):
        self.name, self.hidden, self.odd, self.index = sheet.name, sheet.hidden, Odd(), None
        kept, unset = uncomputed_totals(sheet)
        formulas = sheet.formulas - (sheet.unset - unset)
        # A table most of whose computed values are not there would be read as one with gaps.
        if formulas and 2 * unset >= formulas:
            raise Refused("formulas", formulas=sheet.unset)
        if gone := len(sheet.rows) - len(kept):
            self.odd.add("total_row" if gone == 1 and kept[-1] == len(kept) - 1 else "total_rows", count=gone)
        lines, sheet_rows = [sheet.lines[n] for n in kept], [sheet.rows[n] for n in kept]
        width = max(len(r) for r in sheet_rows)
        # A table may begin in any column: what is empty to its left is no column of it.
        left = next(i for i in range(width) if any(i < len(r) and r[i] is not None for r in sheet_rows))
        rows = [r[left:] + [None] * (width - len(r)) for r in sheet_rows]
        self.width, self.down = width - left, [(c - left, first, last) for c, first, last in sheet.down if c >= left]
        self.find_out(rows, lines, told)
        self.shown = [{c: n for (at, c), n in sheet.shown.items() if at == left + i} for i in range(self.width)]
        unseen = sum(1 for i in range(self.width) if any(first <= left + i < end for first, end in sheet.unseen) and any(r[i] is not None for r in self.rows))
        for code, count in (("hidden_rows", sheet.hidden_rows), ("hidden_columns", unseen), ("formulas_without_values", unset), ("merged_cells", sheet.merged)):
            if count:
                self.odd.add(code, count=count)
        if self.hidden:
            self.odd.add("hidden_sheet")

    def find_out(self, rows, lines, told):
        """told is the line of the heading, where somebody has said it; 0: there is none."""
        # Headings are found by what people see, with the same rules as in a text file.
        head = [[text(v) for v in r] for r in rows[:300]]
        if told and told not in lines[:300]:
            raise Refused("no_line", line=told)
        # What somebody has said of the heading counts before all that can be guessed.
        if series := above.facts_below(head) if told is None else None:
            names, first = series
            self.titles, self.heads, self.sure_heading = sum(1 for r in head[:names] if layout.filled(r)), 1, True
            rows, lines, head = [rows[names]] + rows[first:], [lines[names]] + lines[first:], [head[names]] + head[first:]
            if first > names + 1:
                self.odd.add("facts_below_names", count=first - names - 1)
            told = lines[0]
        skip = lines.index(told) if told else begins(head, lines, self.width) or above.titles(head, self.width)
        skip, page, paged, gone = (skip, "", True, ()) if told is not None else above.paging(head, skip, False)
        self.titles = sum(1 for r in head[:skip] if layout.filled(r))
        rows, lines, head = rows[skip:], lines[skip:], head[skip:]
        cut = layout.other_heading(head, self.width)
        cut -= cut > 1 and layout.filled(head[cut - 1]) == 1
        if cut and told is None:
            self.odd.add("second_table", line=lines[cut])
            rows, lines, head = rows[:cut], lines[:cut], head[:cut]
        # Twice: first to find the heading, then without it, since its texts would count among the values.
        once = [r for r in head if id(r) not in gone]
        found = layout.column_kinds(layout.below(once), self.width)
        self.heads, self.sure_heading = layout.headings(once, self.width, found) if told is None else (1 if told else 0, True)
        gap = next((n for n in range(1, self.heads) if lines[n] > lines[n - 1] + 1), 0)
        if gap and told is None:  # no heading goes on behind an empty row: what stands above it is a title
            self.titles, self.heads, rows, lines, head = self.titles + gap, self.heads - gap, rows[gap:], lines[gap:], head[gap:]
        found = layout.column_kinds(head[self.heads:], self.width)
        self.heading = layout.joined(head[:self.heads], self.width) if self.heads else None
        self.heading_line = lines[0] if self.heads else 0
        rows, lines = rows[self.heads:], lines[self.heads:]
        self.filled_down(rows, lines)
        rows, lines = self.once(rows, lines, page, paged)
        end = self.second(rows, lines, found)
        rows = rows[:end]
        notes = self.notes(rows, lines) if self.width > 1 else 0
        if notes:
            rows = rows[:-notes]
            self.odd.add("footer", count=notes)
        while self.width > 1 and not (self.heading or [""] * self.width)[-1].strip() and all(r[self.width - 1] is None for r in rows):
            self.width -= 1
            rows = [r[:self.width] for r in rows]
            self.heading = self.heading[:self.width] if self.heading else None
        self.rows, self.kinds = rows, found

    def once(self, rows, lines, page, paged):
        """The rows without those that say the heading again, as pages that were put together have it; up to another table, where titles tell them apart."""
        if self.heads != 1 or sum(1 for v in self.heading if v.strip()) < 2:
            return rows, lines
        heading = [v.strip() for v in self.heading]
        again = [i for i, r in enumerate(rows) if [text(v).strip() for v in r] == heading]
        if not again:
            return rows, lines
        titles = [i - 1 for i in again if i and self.width > 1 and (isinstance(rows[i - 1][0], str) and sum(1 for v in rows[i - 1] if v is not None) == 1 or page and above.numberless(list(map(text, rows[i - 1]))) == page)]
        if titles and not paged:
            self.odd.add("second_table", line=lines[again[0]])
            end = again[0] - (again[0] - 1 in titles)
            return rows[:end], lines[:end]
        self.odd.add("headings_again", count=len(again))
        if titles:  # of the pages
            self.odd.add("title_rows", count=len(titles))
        gone = set(again + titles)
        kept = [i for i in range(len(rows)) if i not in gone]
        return [rows[i] for i in kept], [lines[i] for i in kept]

    def filled_down(self, rows, lines):
        """What stands in a merged area stands in each of its rows: people see it beside all of them. An amount would be multiplied so: it stays
        in the first, unless it is a whole number that leads the rows, like an order's, and each area has its own."""
        steps = 4 * len(rows) + MOST_MERGED  # areas that overlap are no table's
        areas = []
        for column, first, last in self.down:
            at = bisect.bisect_left(lines, first)
            if at < len(rows) and lines[at] == first and 0 <= column < self.width and rows[at][column] is not None:
                areas.append((column, at, last))
        keys = [rows[at][0] for column, at, _ in areas if column == 0]
        leads = len(set(map(text, keys))) == len(keys) and all(isinstance(v, int) or isinstance(v, float) and v == v // 1 for v in keys)
        for column, at, last in areas:
            value, keep = rows[at][column], amount(rows[at][column]) and not (column == 0 and leads)
            if keep and at + 1 < len(rows) and lines[at + 1] <= last:
                self.odd.add("merged_amounts", lines[at])
            while not keep and at + 1 < len(rows) and lines[at + 1] <= last and steps > 0:
                at, steps = at + 1, steps - 1
                if rows[at][column] is None:
                    rows[at][column] = value
                    self.odd.add("merged_down", lines[at])

    def notes(self, rows, lines):
        """How many rows at the end are notes: one text in each, behind an empty line, or plainly so."""
        end = len(rows)
        while end > 1 and isinstance(rows[end - 1][0], str) and not sums_up(rows[end - 1]) and (sum(1 for v in rows[end - 1] if v is not None) == 1 or form(rows[end - 1])):
            end -= 1
        before = rows[max(0, end - 5):end]
        whole = [r for r in before if not sums_up(r)]
        each = sum(sum(1 for v in r if v is not None) for r in whole) / max(1, len(whole))  # values in a row
        full = each >= min(2.5, self.width)
        said = rows[end:]
        like = end < len(rows) and lines[end] == lines[end - 1] + 1 and all(isinstance(r[0], str) for r in before) and above.label(rows[end][0], [r[0] for r in before])
        marked = [self.heading or [], *[[text(v) for v in r] for r in rows[:end]]]
        noted = all(above.noted(r[:1], self.width) or above.footnote(r[:1], marked) for r in said)
        plain = self.width >= 3 and len(said) == 1 and not form(said[0]) and not like or noted
        apart = bool(said) and lines[end] > lines[end - 1] + 1 and all(above.sentence(r[0]) or " = " in r[0] or form(r) for r in said)
        return len(said) if said and (full and (plain or apart) or self.width >= 3 and each >= 1.5 and (noted or apart)) else 0

    def second(self, rows, lines, found):
        """Where a second table begins: behind an empty row, a row of names that are not this table's."""
        typed = [i for i, k in enumerate(found) if k in ("int", "num", "money", "date")]
        for i in range(1, len(rows)):
            gap = lines[i] > lines[i - 1] + 1
            if not gap or i + 1 >= len(rows) or form(rows[i]):
                continue
            row = [text(v) for v in rows[i]]
            heads = layout.named(row) and layout.different(row) and layout.filled(row) > 1 and (not typed or any(row[t].strip() for t in typed) or layout.filled(row) < self.width)
            title = layout.filled(row) == 1 and isinstance(rows[i][0], str) and layout.filled([text(v) for v in rows[i + 1]]) > 1 and layout.named([text(v) for v in rows[i + 1]])
            numbers = any(isinstance(rows[i][t], (int, float)) for t in typed)
            if (heads or title) and not numbers and typed:
                self.odd.add("second_table", line=lines[i])
                return i
            if heads and not typed and self.heads:
                self.odd.add("tables_below", lines[i])  # texts below texts: nothing tells
        return len(rows)

    def frames(self):
        yield pandas.DataFrame(self.rows, columns=range(self.width), dtype=object)

    def spec(self):
        return {"width": self.width, "heads": self.heads, "titles": self.titles}


COVER = re.compile(r"read.?me|cover|deckblatt|titel\w*|info\w*|notes?|hinweise?|about|inhalt\w*|contents?|legende?|metadata|anleitung|instructions?|index|erläuterung\w*|impressum|vorbemerkung\w*", re.I)


def covers(sheet, sheets):
    """Whether a sheet says something in words, where another one that people see holds numbers in several columns."""
    valued = lambda s: any(isinstance(v, (int, float, datetime.datetime)) and not isinstance(v, bool) for r in s.rows[1:300] for v in r)
    wide = sum(1 for r in sheet.rows if sum(1 for v in r if v is not None) > 1)
    words = 5 * wide <= 3 * len(sheet.rows) or COVER.fullmatch(sheet.name.strip()) is not None
    tabled = lambda s: not s.hidden and len(s.rows) > 2 and valued(s) and max(map(len, s.rows)) > 1 and 2 * sum(1 for r in s.rows if sum(1 for v in r if v is not None) > 1) > len(s.rows)
    return not sheet.hidden and words and not any(isinstance(v, (int, float)) and not isinstance(v, bool) for r in sheet.rows[:300] if sum(1 for v in r if v is not None) > 1 for v in r) and any(tabled(s) for s in sheets if s is not sheet)


def tables_of(sheets, told):
    """The tables of a workbook's sheets, those that people see first."""
    made = [s for s in sheets if s.rows]
    if not made:
        raise Refused("no_sheet")
    tables, refused = [], []
    bare = {id(s): covers(s, made) for s in made}
    for sheet in sorted(made, key=lambda s: (s.hidden, bare[id(s)])):
        try:
            tables.append(SheetTable(sheet, told.get("heading") if told.get("table", 0) == len(tables) else None))
        except Refused as e:
            if not tables and not sheet.hidden:
                raise  # the sheet that people see first
            refused.append(e)
    if not tables:
        raise refused[0]
    if not made[0].hidden and bare[id(made[0])]:
        tables[0].odd.add("cover_sheet")
    if refused:
        tables[0].odd.add("sheets_left_out", count=len(refused))
    return tables
