"""A delimited text as a table: what was found out from its beginning, and then its rows, those that fit by the thousand
through the fast parsers and the others one by one."""

import re

import pandas

from . import above, dialect, kinds, layout, parts, texts
from .dialect import choose, told_delimiter, width_of
from .mending import Mender
from .records import LONGEST, Dialect, rows as records_of
from .words import MOST_CELL, MOST_COLUMNS, MOST_NAME, Odd, Refused

AHEAD = 60        # lines that are looked at behind a record that does not fit
PATIENCE = 100    # quotation marks without an end that are followed for long
TAIL = 30         # rows that are held back until the end is known
MANY = 2000       # rows from which on pandas' parser is the faster way
HEAD_ROWS = 300
MOST_TEXTS = 100_000  # rows without a number where numbers stand, that are looked at


class Delimited:
    """One file, one table (a second one below it is named, not read)."""

    def __init__(self, path, encoding, spec=None, said=None):
        self.path, self.encoding, self.odd, self.told = path, encoding, Odd(), bool(said)
        if spec is None:
            self.find_out(said or {})
        else:
            self.obey(spec, said or {})
        self.patience = PATIENCE
        self.mender = Mender(self.dialect, self.width, self.kinds)
        self.regular = self.dialect.regular(self.width) if self.dialect.quote else None

    # -- what the beginning tells

    def find_out(self, said):
        text = texts.head(self.path, self.encoding)
        if not text.strip("\ufeff \t\r\n\0"):
            raise Refused("empty")
        told, text = told_delimiter(text)
        self.lines = dialect.Lines(dialect.wrapped(text), None, dialect.escaped(text), dialect.flagged(text), dialect.entities(text))
        text = "".join(self.lines.turned(texts.lines(text)))
        self.dialect, _, _ = choose(text, said.get("delimiter", told))
        if spans := None if said.get("delimiter", told) else dialect.spans(text, self.dialect):
            self.lines = dialect.Lines(spans=spans)
            self.dialect, text = Dialect("\t", ""), "".join(self.lines.turned(texts.lines(text)))
        texts.check_text(text, self.dialect.escape)
        found, wanted = records_of(text, self.dialect, HEAD_ROWS), said.get("heading")
        self.width = width_of([r for r, _, _ in found])
        if (self.dialect.delimiter == dialect.ALONE or self.lines.wrapped and self.width == 2) and dialect.several(text):
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
        if series := above.facts_below([r for r, _, _ in placed]) if wanted is None else None:
            return self.series(placed, *series)
        if wanted:
            begins = next((n for n, (_, at, _) in enumerate(placed) if at == wanted), None)
            if begins is None:
                raise Refused("no_line", line=wanted)
        else:
            begins = above.start([r for r, _, _ in placed])
        if wanted or begins:
            self.width = width_of([r for r, _, _ in placed[begins:]])
        before, placed = [r for r, _, _ in placed[:begins] if layout.filled(r)], placed[begins:]
        over = len(before)
        if self.width > 1:
            placed = [p for p in placed if not layout.ruled(p[2])]
        placed = above.other_delimiter(placed, self.width, self.dialect) if not wanted and not begins else placed
        kept, apart = (placed, False) if wanted else above.names_apart(placed, self.width)
        placed, over = kept, over + len(placed) - len(kept)
        rows = [r for r, _, _ in placed]
        skip = 0 if wanted or begins else above.titles(rows, self.width)
        # One more heading begins another table, unless both have the title of a page; several are the pages of one.
        skip, self.page, self.paged, gone = (skip + len(before), "", False, ()) if wanted == 0 else above.paging(before + rows, skip + len(before), wanted is not None)
        skip -= len(before)
        placed = placed[skip:]
        while placed and not layout.filled(placed[0][0]):
            placed.pop(0)
        if not placed:
            raise Refused("empty")
        self.titles = over + sum(1 for r in rows[:skip] if layout.filled(r))
        narrow = [r for r in rows[skip:] if layout.filled(r) and id(r) not in gone]
        self.width = layout.by_names(narrow, self.width)
        narrow = [r[:self.width] if not any(v.strip() for v in r[self.width:]) else r for r in narrow]
        cut = layout.other_heading(narrow, self.width)
        self.other, narrow = narrow[cut] if cut else None, narrow[:cut or len(narrow)]
        self.kinds = layout.column_kinds(layout.below(narrow), self.width)
        # Kinds and mender are made twice: the heading is found with both, and then the kinds are told anew without it.
        provisional = Mender(self.dialect, self.width, self.kinds)
        top, gap = [], 0
        for row, at, raw in placed:
            if layout.filled(row) and id(row) not in gone:
                top.append((self.fit(provisional, row, raw), at))
            gap = gap or len(top) * (not layout.filled(row))  # where the first empty line stands
            if len(top) == (cut or 60):
                break
        heads, self.sure_heading = layout.headings([r for r, _ in top], self.width, self.kinds) if wanted is None else (1 if wanted else 0, True)
        if 0 < gap < heads and wanted is None:  # no heading goes on behind an empty line: what stands above it is a title
            self.titles, top, narrow, heads = self.titles + gap, top[gap:], narrow[gap:], heads - gap
            placed = placed[next(n for n, p in enumerate(placed) if p[1] == top[0][1]):]
        self.kinds = layout.column_kinds(narrow[heads:], self.width)
        self.heads = heads
        self.heading = layout.joined([r for r, _ in top[:heads]], self.width) if heads else None
        self.heading_line = top[0][1] if heads else 0
        self.first = placed[0][1]
        if heads and len(top) > heads and (apart or heads == 1 and len(placed[0][0]) != self.width and provisional.mend(placed[0][2], 0, placed[0][0], len(placed[0][2]))[1] is None):
            self.heads, self.first = 0, top[heads][1]  # the names are no record of the table: its rows begin below them
        if not said and parts.loose(placed, self.dialect, self.width, self.kinds, self.heads):
            self.odd.add("hardly_a_table")
        self.paged = self.paged and heads == 1
        if not self.dialect.quote and '"' in text:
            opened = re.compile(r'(?:^|%s)"' % re.escape(self.dialect.delimiter))
            for row, at, raw in placed:
                if opened.search(raw):
                    self.odd.add("stray_quote", at)

    def series(self, placed, names, first):
        """A series of periods with facts between its names and its values."""
        rows = [r for r, _, _ in placed]
        self.width, self.kinds = len(rows[names]), layout.column_kinds(rows[first:], len(rows[names]))
        self.heads, self.sure_heading, self.paged, self.other, self.page = 0, True, False, None, ""
        self.heading, self.heading_line, self.first = layout.joined([rows[names]], self.width), placed[names][1], placed[first][1]
        self.titles = sum(1 for r in rows[:names] if layout.filled(r))
        if first > names + 1:
            self.odd.add("facts_below_names", count=first - names - 1)

    def fit(self, mender, row, raw):
        """A row of the beginning as wide as the table, as it will be read: a heading may need mending, too."""
        if len(row) == self.width:
            return row
        _, values, _ = mender.mend(raw, 0, row, len(raw))
        return values if values is not None else (row + [""] * self.width)[:self.width]

    def obey(self, spec, said):
        self.dialect = Dialect(spec["delimiter"], spec["quote"], spec["escape"])
        self.width, self.kinds, self.heads, self.first = spec["width"], spec["kinds"], spec["heads"], spec["first_line"]
        self.heading, self.heading_line = spec["heading"] or None, spec["heading_line"]
        self.titles, self.sure_heading, self.paged, self.other, self.page = spec["titles"], True, spec.get("paged", False), spec.get("other"), spec.get("page", "")
        # The places of columns that stand below each other are in no reading: they are found again, in the same bytes.
        head = texts.head(self.path, self.encoding) if spec["delimiter"] == "\t" and not said.get("delimiter") else ""
        spans = dialect.spans(head, choose(head)[0]) if head and "\t" not in head else None
        self.lines = dialect.Lines(spec.get("wrapped", False), spans, spec["delimiter"] if spec.get("escaped") else "", spec.get("flagged", False), spec.get("entities", False))

    def spec(self):
        """All that obey needs."""
        said = {"paged": self.paged, "page": self.page, "wrapped": self.lines.wrapped, "escaped": self.lines.escaped != "", "flagged": self.lines.flagged, "entities": self.lines.entities, "other": self.other and [v.strip()[:MOST_NAME] for v in self.other]}
        return {**{k: v for k, v in said.items() if v}, "delimiter": self.dialect.delimiter, "quote": self.dialect.quote, "escape": self.dialect.escape, "width": self.width, "kinds": self.kinds,
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
                if not skip and parts.length(part) and layout.underlined(parts.row(part, 0), self.heading):
                    part = parts.without(part, [0])
                if not parts.length(part):
                    continue
            if self.paged and held is not None and (title := parts.titles_above(held, len(held), self.page)):
                held, above_it = parts.split(held, title[0])  # of a page whose heading is in the next part
                row_count, part = row_count - len(above_it), parts.join(above_it, part)
            part, stop = self.until_second(part, typed, row_count)
            row_count += parts.length(part)
            held = parts.join(held, part)
            # A file of any size is read in so many rows at a time; only the last of them wait for what follows.
            if parts.length(held) > 200000:
                done, held = parts.split(held, parts.length(held) - TAIL)
                yield parts.frame_of(done, self.width)
            if stop:
                break
        if held is not None and parts.length(held):
            done, tail = parts.split(held, max(0, parts.length(held) - TAIL))
            tail = parts.rows_of(tail)
            gone = above.footers(tail, self.width, self.kinds, self.heading or ())
            if gone:
                self.odd.add("footer", count=gone)
            tail = tail[:len(tail) - gone]
            yield parts.frame_of(parts.join(done, tail), self.width)

    def drop_heads(self, skip, part):
        n = min(skip, parts.length(part))
        return skip - n, parts.split(part, n)[1]

    def until_second(self, part, typed, before):
        """Cuts a part where a heading stands again: a second table begins there."""
        if not self.heading or not typed:
            return part, False
        need = max(2, (len(typed) + 1) // 2) if len(typed) > 1 else 1
        rows = None
        if isinstance(part, pandas.DataFrame):
            column = part[typed[0]]
            mask = ~column.str.contains("[0-9]", regex=True) & (column.str.strip() != "")
            places = mask.to_numpy().nonzero()[0].tolist()[:MOST_TEXTS]
            rows = list(zip(places, part.iloc[places].to_numpy(dtype=object).tolist()))
        else:
            rows = list(enumerate(part))
        heading, gone = self.heading or [], []
        for i, row in rows:
            if self.page and above.numberless(row) == self.page:
                continue
            said = sum(1 for t in typed if kinds.kind(row[t]) in ("text", "code") and self.kinds[t] != "code")
            again = bool(heading) and [v.strip()[:MOST_NAME] for v in row] == [v.strip()[:MOST_NAME] for v in heading]
            names = layout.named(row) and layout.different(row) and layout.filled(row) > 1
            if self.other and [v.strip()[:MOST_NAME] for v in row] == [v.strip()[:MOST_NAME] for v in self.other]:
                self.odd.add("second_table")
                return self.paging(parts.split(part, min([i, *parts.titles_above(part, i)]))[0], gone), True
            if again and self.paged:
                titles = parts.titles_above(part, i, self.page)
                gone += [*titles, i]
                if titles:
                    self.odd.add("title_rows", count=len(titles))
            elif again or names and (i + before > 2 and said >= need and len(typed) > 1 or any(row[t].strip() == heading[t].strip() for t in typed if heading)):
                self.odd.add("second_table")
                return self.paging(parts.split(part, min([i, *(parts.titles_above(part, i, self.page) if again else [])]))[0], gone), True
        return self.paging(part, gone), False

    def paging(self, part, gone):
        """A part without the rows at these places, which say the heading again."""
        if not gone:
            return part
        self.odd.add("headings_again", count=sum(1 for i in gone if layout.filled(parts.row(part, i)) > 1 and above.numberless(parts.row(part, i)) != self.page))
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
            got = self.lines.turned(texts.lines(text), self.odd)
            if skipping:
                # What stands above the heading was counted in lines, so it is passed over in lines.
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
        # A record may need AHEAD lines more than its first: within a block there are that many behind each before limit.
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
                    yield from parts.fast(lines[i:j], self.dialect, self.width)
                else:
                    out += parts.quick(lines[i:j], self.dialect)
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
            if self.another(lines, i, blank and any(map(str.strip, lines[under:i]))):
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

    def record(self, text, row, end, line):
        """A record that does not fit by itself: several lines of one, or one that is mended; None if it is set apart."""
        # The order counts: first what a record is as it stands, then what is no record, and mending only where nothing else fits.
        row2, _, end2 = self.dialect.record(text, 0)
        if mended := self.mender.swallowed(text, end2) if row2 is not None else None:
            self.odd.add(mended[0], line)
            return mended[1:]
        if row2 is not None and len(row2) == self.width and max(map(len, row2)) <= MOST_CELL and not self.mender.suspect(row2, text, end2):
            if self.mender.doubtful(text, end2, row2):
                self.odd.add("long_values", line)
            return row2, end2
        if row is not None and not layout.filled(row):
            return None, end
        if row is not None and len(row) != self.width and above.noted(row, self.width):
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
        # Eleven lines more than the one in question: who looks further would find a record that fits by chance.
        widths = [len(r) for r in rows]
        same = next((n for n, w in enumerate(widths) if w != widths[0]), len(widths))
        whole = same == len(widths) > 2 and len(rest) < 12 and widths[0] < self.width  # notes by their numbers, to the end
        if widths[0] not in (1, self.width) and (same >= (2 if blank else 4) or whole) and (blank or layout.named(rows[0]) and layout.different(rows[0]) and not layout.named(rows[1])):
            self.odd.add("second_table")
            return True
        if blank and self.width > 1 and widths[0] == 1:
            more = self.width in widths[1:] or any(w > 1 and widths.count(w) > 1 for w in widths)
            self.odd.add("second_table" if more else "footer", count=1 if more else sum(1 for line in lines[i:] if line.strip()))
            return True
        if blank and self.width > 3 and self.kinds[0] in ("date", "time", "int", "num") and len(rest) < 12 and all(0 < layout.filled(r) < 3 and kinds.kind(r[0]) == "text" for r in rows):
            self.odd.add("footer", count=len(rest))  # New balance;1.234,56 where a date would stand
            return True
        return False
