"""A delimited text as a table: what was found out from its beginning, and then its rows, those that fit by the thousand
through the fast parsers and the others one by one."""

import csv
import io
import re

import pandas

from . import kinds, layout, parts, texts, whole
from .dialect import USUAL, choose, told_delimiter, width_of
from .mending import Mender
from .records import LONGEST, Dialect, rows as records_of
from .words import MOST_CELL, MOST_COLUMNS, MOST_NAME, Odd, Refused

AHEAD = 60        # lines that are looked at behind a record that does not fit
PATIENCE = 100    # quotation marks without an end that are followed for long
TAIL = 30         # rows that are held back until the end is known
MANY = 2000       # rows from which on pandas' parser is the faster way
HEAD_ROWS = 300


class Delimited:
    """One file, one table (a second one below it is named, not read)."""

    def __init__(self, path, encoding, spec=None, said=None):
        self.path, self.encoding, self.odd = path, encoding, Odd()
        if spec is None:
            self.find_out(said or {})
        else:
            self.obey(spec)
        self.patience = PATIENCE
        self.mender = Mender(self.dialect, self.width, self.kinds)
        self.regular = self.dialect.regular(self.width) if self.dialect.quote else None

    # -- what the beginning tells

    def find_out(self, said):
        text = texts.head(self.path, self.encoding)
        if not text.strip("\ufeff \t\r\n\0"):
            raise Refused("empty")
        told, text = told_delimiter(text)
        self.wrapped = whole.wrapped(text)
        text = "".join(map(whole.unwrap, texts.lines(text))) if self.wrapped else text
        self.dialect, _, _ = choose(text, said.get("delimiter", told))
        texts.check_text(text, self.dialect.escape)
        found, wanted = records_of(text, self.dialect, HEAD_ROWS), said.get("heading")
        self.width = width_of([r for r, _, _ in found])
        if (self.dialect.delimiter == whole.ALONE or self.wrapped and self.width == 2) and whole.several(text):
            self.odd.add("one_or_several")
        if self.width > 1 and any(layout.ruled(text[start:end]) for _, start, end in found):
            self.width = width_of([r for r, start, end in found if not layout.ruled(text[start:end])])
        if self.width > MOST_COLUMNS:
            raise Refused("columns", columns=self.width, most=MOST_COLUMNS)
        line, placed = 1 + bool(told), []
        for row, start, end in found:
            placed.append((row, line, text[start:end]))
            line += text.count("\n", start, end) + sum(1 for i in range(start, end) if text[i] == "\r" and text[i + 1:i + 2] != "\n") if "\r" in text[start:end] \
                else text.count("\n", start, end)
        if wanted:
            above = next((n for n, (_, at, _) in enumerate(placed) if at == wanted), None)
            if above is None:
                raise Refused("no_line", line=wanted)
            self.width = width_of([r for r, _, _ in placed[above:]])
        if self.width > 1:
            placed = [p for p in placed if not layout.ruled(p[2])]
        placed = self.other_headings(placed) if not wanted else placed
        rows = [r for r, _, _ in placed]
        skip = above if wanted else layout.titles(rows, self.width)
        placed = placed[skip:]
        while placed and not layout.filled(placed[0][0]):
            placed.pop(0)
        if not placed:
            raise Refused("empty")
        self.titles = sum(1 for r in rows[:skip] if layout.filled(r))
        narrow = [r for r in rows[skip:] if layout.filled(r)]
        self.narrower(narrow)
        narrow = [r[:self.width] if not any(v.strip() for v in r[self.width:]) else r for r in narrow]
        self.kinds = layout.column_kinds(layout.below(narrow), self.width)
        provisional = Mender(self.dialect, self.width, self.kinds)
        top = []
        for row, at, raw in placed:
            if layout.filled(row):
                top.append((self.fit(provisional, row, raw), at))
            if len(top) == 60:
                break
        heads, self.sure_heading = layout.headings([r for r, _ in top], self.width, self.kinds) if wanted is None else (1 if wanted else 0, True)
        self.kinds = layout.column_kinds(narrow[heads:], self.width)
        self.heads = heads
        self.heading = layout.joined([r for r, _ in top[:heads]], self.width) if heads else None
        self.heading_line = top[0][1] if heads else 0
        self.first = placed[0][1]
        # One more heading begins another table; several are the pages of one.
        self.paged = heads == 1 and sum(1 for r in narrow[1:] if [v.strip() for v in r] == [v.strip() for v in self.heading]) > 1
        if not self.dialect.quote and '"' in text:
            opened = re.compile(r'(?:^|%s)"' % re.escape(self.dialect.delimiter))
            for row, at, raw in placed:
                if opened.search(raw):
                    self.odd.add("stray_quote", at)

    def other_headings(self, placed):
        """A first row that was written with another delimiter than the rest is a heading all the same."""
        if self.width < 2 or len(placed) < 2:
            return placed
        row, at, raw = placed[0]
        below = [r for r, _, _ in placed[1:60]]
        if layout.heads(below, self.width):
            return placed  # and a title, where a heading follows
        for d in USUAL if len(row) == 1 and row[0].strip() and not layout.comment(raw) else []:
            values, _, end = Dialect(d, self.dialect.quote or '"', self.dialect.escape).record(raw, 0)
            if values is not None and len(values) == self.width and end == len(raw) and layout.named(values) and layout.different(values) and layout.filled(values) == self.width:
                return [(values, at, raw)] + placed[1:]
        return placed

    def fit(self, mender, row, raw):
        """A row of the beginning as wide as the table, as it will be read: a heading may need mending, too."""
        if len(row) == self.width:
            return row
        _, values, _ = mender.mend(raw, 0, row, len(raw))
        return values if values is not None else (row + [""] * self.width)[:self.width]

    def narrower(self, rows):
        """Rows that all end with a delimiter too many have one value less than it seems; the heading shows it."""
        if not rows or self.width < 2:
            return
        first = rows[0]
        if len(first) < self.width and layout.named(first) and all(len(r) <= len(first) or not any(v.strip() for v in r[len(first):]) for r in rows):
            self.width = len(first)

    def obey(self, spec):
        self.dialect = Dialect(spec["delimiter"], spec["quote"], spec["escape"])
        self.width, self.kinds, self.heads, self.first = spec["width"], spec["kinds"], spec["heads"], spec["first_line"]
        self.heading, self.heading_line = spec["heading"] or None, spec["heading_line"]
        self.titles, self.sure_heading, self.paged, self.wrapped = spec["titles"], True, spec.get("paged", False), spec.get("wrapped", False)

    def spec(self):
        """All that obey needs."""
        return {**({"paged": True} if self.paged else {}), **({"wrapped": True} if self.wrapped else {}), "delimiter": self.dialect.delimiter, "quote": self.dialect.quote, "escape": self.dialect.escape, "width": self.width, "kinds": self.kinds,
                "heads": self.heads, "first_line": self.first, "heading": [h[:MOST_NAME] for h in self.heading or []], "heading_line": self.heading_line, "titles": self.titles}

    # -- the rows

    def frames(self):
        """The rows below the heading in frames of text, in order: what is odd is counted on the way."""
        held, skip = None, self.heads
        typed = [i for i, k in enumerate(self.kinds) if k in ("int", "num", "money", "date", "time")]
        row_count = 0
        for part in self.runs():
            if skip:
                skip, part = self.drop_heads(skip, part)
                if not parts.length(part):
                    continue
            part, stop = self.until_second(part, typed, row_count)
            row_count += parts.length(part)
            held = parts.join(held, part)
            if parts.length(held) > 200000:
                done, held = parts.split(held, parts.length(held) - TAIL)
                yield parts.frame_of(done, self.width)
            if stop:
                break
        if held is not None and parts.length(held):
            done, tail = parts.split(held, max(0, parts.length(held) - TAIL))
            tail = parts.rows_of(tail)
            tail = self.footers(tail)
            yield parts.frame_of(parts.join(done, tail), self.width)

    def drop_heads(self, skip, part):
        n = min(skip, parts.length(part))
        return skip - n, parts.split(part, n)[1]

    def footers(self, tail):
        """Notes below the table: rows at its end that say one thing only."""
        gone = 0
        wide = self.width >= 3 or self.width == 2 and self.kinds[0] in kinds.NUMBERS + ("date", "time")  # a text below numbers
        while len(tail) > 1 and self.width > 1:
            row, before = tail[-1], tail[:-1]
            plain = layout.noted(row, self.width) and not all(layout.noted(r, self.width) for r in before)
            if not plain and not (wide and layout.filled(row) == 1 and row[0].strip() and kinds.kind(row[0]) == "text" and sum(layout.filled(r) for r in before[-5:]) >= min(2.5, self.width) * len(before[-5:])):
                break
            tail, gone = before, gone + 1
        if gone:
            self.odd.add("footer", count=gone)
        return tail

    def until_second(self, part, typed, before):
        """Cuts a part where a heading stands again: a second table begins there."""
        if self.heads == 0 or not typed:
            return part, False
        need = max(2, (len(typed) + 1) // 2) if len(typed) > 1 else 1
        rows = None
        if isinstance(part, pandas.DataFrame):
            column = part[typed[0]]
            mask = ~column.str.contains("[0-9]", regex=True) & (column.str.strip() != "")
            places = [int(i) for i in mask.to_numpy().nonzero()[0][:1000]]
            rows = [(i, list(part.iloc[i])) for i in places]
        else:
            rows = list(enumerate(part))
        heading, gone = self.heading or [], []
        for i, row in rows:
            said = sum(1 for t in typed if kinds.kind(row[t]) in ("text", "code") and self.kinds[t] != "code")
            again = bool(heading) and [v.strip()[:MOST_NAME] for v in row] == [v.strip()[:MOST_NAME] for v in heading]
            if again and self.paged:
                titles = parts.titles_above(part, i)
                gone += [*titles, i]
                if titles:
                    self.odd.add("title_rows", count=len(titles))
            elif again or (i + before > 2 and said >= need and len(typed) > 1 and layout.named(row) and layout.different(row) and layout.filled(row) > 1):
                self.odd.add("second_table")
                return self.paging(parts.split(part, i)[0], gone), True
        return self.paging(part, gone), False

    def paging(self, part, gone):
        """A part without the rows at these places, which say the heading again."""
        if not gone:
            return part
        self.odd.add("headings_again", count=sum(1 for i in gone if layout.filled(parts.row(part, i)) > 1))
        return parts.without(part, gone)

    def runs(self):
        """The records from the heading on: a list of rows, or a frame where many in a row fit."""
        for chosen, start, final in self.stretches():
            yield from self.parse(chosen, start, final)
            if self.stopped:
                return

    def stretches(self):
        """Lines from the table's first on, with what a record may still need of the next block."""
        self.stopped, self.rest, at, skipping = False, [], 1, self.first - 1
        pending = None
        for text in texts.blocks(self.path, self.encoding):
            if "\0" in text and self.dialect.escape != "\0":
                raise Refused("nul")
            if "\ufffd" in text:
                self.odd.add("bad_bytes", count=text.count("\ufffd"))
            got = texts.lines(text) if not self.wrapped else list(map(whole.unwrap, texts.lines(text)))
            if skipping:
                n = min(skipping, len(got))
                got, skipping, at = got[n:], skipping - n, at + n
            if pending is not None:
                yield pending[0], pending[1], False
                got = self.rest + got
                pending = (got, self.at, False)
            else:
                pending = (got, at, False)
        if pending is not None:
            yield pending[0], pending[1], True

    def parse(self, lines, start, final):
        """The records of these lines; what the last ones may need of the next block stays in self.rest."""
        limit = len(lines) if final else max(0, len(lines) - AHEAD)
        fits = self.fitting(lines, limit)
        under = parts.heading_lines(lines, self.heads, self.dialect, AHEAD) if start <= self.first else 0
        if self.width > 1 and any(map(self.aside, lines)):
            fits = [f and (n < under or not self.aside(line)) for n, (f, line) in enumerate(zip(fits, lines))]
        i, out, blank = 0, [], False
        while i < limit:
            j = i
            while j < limit and fits[j]:
                j += 1
            if j > i:
                if j - i >= MANY:
                    if out:
                        yield out
                        out = []
                    yield from self.fast(lines[i:j])
                else:
                    out += self.quick(lines[i:j])
                i, blank = j, False
                continue
            if not lines[i].strip():
                i, blank = i + 1, True
                continue
            if self.width > 1 and (layout.ruled(lines[i]) or i >= under and layout.comment(lines[i])):
                if layout.comment(lines[i]):
                    self.odd.add("comments", start + i)
                i += 1
                continue
            text = "".join(lines[i:i + AHEAD])
            row, end = self.dialect.honest(text, 0)
            if self.open(text, lines[i]):
                if not final and len(lines) - i < LONGEST and sum(map(len, lines[i:])) <= MOST_CELL:
                    break  # its end may stand in the next block
                row, end, text = self.long(lines, i) or (row, end, text)
            if self.another(lines, i, blank):
                self.stopped = True
                break
            values, end = self.record(text, row, end, start + i)
            if values is not None and layout.filled(values):
                out.append(values)
            used = 0
            while end > 0 and i + used < len(lines):
                end -= len(lines[i + used])
                used += 1
            i, blank = i + max(1, used), False
        if out:
            yield out
        self.rest, self.at = lines[i:], start + i

    def open(self, text, line):
        """Whether the record that begins with this line does not end within the lines that are looked at."""
        q = self.dialect.quote
        return self.patience > 0 and q != "" and q in line and self.dialect.record(text, 0)[0] is None

    def long(self, lines, i):
        """A record whose quoted value goes on for very many lines: (values, end, text), or None where no end is found. Searching has its bounds."""
        text = "".join(lines[i:i + LONGEST])
        row, end = self.dialect.honest(text, 0)
        if row is not None and len(row) == self.width and end > len(lines[i]) and self.mender.swallowed(text, end) is None:
            return row, end, text
        self.patience -= 1
        return None

    def aside(self, line):
        """Whether a line is no record however it fits: it is drawn, or a comment where numbers and dates stand."""
        return line.startswith(("# ", "// ")) and self.kinds[0] not in ("text", "") or layout.ruled(line)

    def fitting(self, lines, limit):
        """Of each line, whether it is a record by itself that fits."""
        d, q, esc, commas = self.dialect.delimiter, self.dialect.quote, self.dialect.escape, self.width - 1
        if self.dialect.runs:
            return [False] * limit
        if not q:
            return [line.count(d) == commas and not line.isspace() for line in lines[:limit]]
        if esc:
            match = self.regular.fullmatch
            return [esc not in line and (line.count(d) == commas if q not in line else match(line) is not None) and not line.isspace() for line in lines[:limit]]
        match = self.regular.fullmatch
        return [(line.count(d) == commas and not line.isspace()) if q not in line else match(line) is not None for line in lines[:limit]]

    def quick(self, lines):
        """Lines that fit, as rows."""
        d, q = self.dialect.delimiter, self.dialect.quote
        if len(d) > 1 or q and self.dialect.blank is False and any(q in line and d + " " in line for line in lines):
            rows = [self.dialect.record(line, 0)[0] or line.rstrip("\r\n").split(d) for line in lines]
        elif q:
            rows = list(csv.reader(lines, delimiter=d, quotechar=q, doublequote=True, strict=False))
        else:
            rows = [line.rstrip("\r\n").split(d) for line in lines]
        return [r for r in rows if any(v and not v.isspace() for v in r)]

    def fast(self, lines):
        """Many lines that fit, by pandas' own parser."""
        d, q = self.dialect.delimiter, self.dialect.quote
        if len(d) > 1 or ord(d) > 126 or d == " ":
            yield self.quick(lines)
            return
        try:
            frame = pandas.read_csv(io.StringIO("".join(lines)), sep=d, header=None, names=list(range(self.width)), dtype=str, na_filter=False, engine="c",
                                    quotechar=q or '"', quoting=csv.QUOTE_MINIMAL if q else csv.QUOTE_NONE, doublequote=True, skip_blank_lines=False, index_col=False)
        except (pandas.errors.ParserError, ValueError):
            yield self.quick(lines)
            return
        first = frame[0].to_numpy()
        if (first == "").any():
            empty = (frame == "").all(axis=1)
            if empty.any():
                frame = frame[~empty].reset_index(drop=True)
        yield frame

    def record(self, text, row, end, line):
        """A record that does not fit by itself: several lines of one, or one that is mended; None if it is set apart."""
        row2, _, end2 = self.dialect.record(text, 0)
        if mended := self.mender.swallowed(text, end2) if row2 is not None else None:
            self.odd.add(mended[0], line)
            return mended[1:]
        if row2 is not None and len(row2) == self.width and max(map(len, row2)) <= MOST_CELL and not self.mender.suspect(row2, text, end2):
            if self.mender.doubtful(text, end2):
                self.odd.add("long_values", line)
            return row2, end2
        if row is not None and not layout.filled(row):
            return None, end
        if row is not None and len(row) < self.width and layout.noted(row, self.width):
            self.odd.add("footer", line)
            return None, end
        if row is not None and len(row) == self.width and end != end2 and not self.mender.clashes(row):
            self.odd.add("stray_quote", line)
            return row, end
        what, values, after = self.mender.mend(text, 0, row, end)
        self.odd.add(what, line)
        return values, after

    def another(self, lines, i, blank):
        """Whether a table of another width begins here, or, behind an empty line, only notes follow."""
        rest = [line for line in lines[i:i + 12] if line.strip()]
        rows = [self.dialect.record(line, 0)[0] or [] for line in rest]
        widths = [len(r) for r in rows]
        same = next((n for n, w in enumerate(widths) if w != widths[0]), len(widths))
        if widths[0] not in (1, self.width) and same >= (2 if blank else 4) and (blank or layout.named(rows[0]) and layout.different(rows[0]) and not layout.named(rows[1])):
            self.odd.add("second_table")
            return True
        if blank and self.width > 1 and widths[0] == 1:
            more = self.width in widths[1:] or any(w > 1 and widths.count(w) > 1 for w in widths)
            self.odd.add("second_table" if more else "footer", count=1 if more else len(widths))
            return True
        return False
