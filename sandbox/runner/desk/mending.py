"""A record that does not fit its table is read in other ways; the one that fits the columns best is taken.

The ways: an opening quotation mark that is a character; another delimiter in this line; an empty value too many; a
value that holds the delimiter without quotes; two values without a delimiter between them; a value too few at the end.
Where nothing shows which is right, the record is set apart: a row is never guessed.
"""

import re

from . import kinds, texts
from .dialect import USUAL
from .records import LONG, Dialect, line_end

NUMBERS = ("int", "num")
TYPED = ("int", "num", "money", "date", "time", "url", "code")


class Mender:
    def __init__(self, dialect, width, column_kinds):
        self.dialect, self.width, self.kinds = dialect, width, column_kinds
        self.others = [Dialect(d, dialect.quote or '"', dialect.escape) for d in USUAL if d != dialect.delimiter]
        self.typed = [i for i, k in enumerate(column_kinds) if k in TYPED]
        self.texts = [i for i, k in enumerate(column_kinds) if k == "text"]

    def fits(self, row):
        """How many values stand in a column of their kind; an empty one in a column that has a kind counts half against it."""
        good = sum(1.0 for v, k in zip(row, self.kinds) if not v.strip() or k == "text" or kinds.agrees(v, k))
        return good - sum(0.5 for v, k in zip(row, self.kinds) if not v.strip() and k not in ("", "text"))

    def clashes(self, row):
        """How many values cannot stand where they would."""
        return sum(1 for v, k in zip(row, self.kinds) if v.strip() and not kinds.agrees(v, k))

    def stands(self, row):
        """Whether values that stand in one line are a record of this table by themselves: its width, and its kinds wherever it has such."""
        return row is not None and len(row) == self.width > 1 and not any(v.startswith(" ") for v in row[1:]) and not self.clashes(row) and \
            2 * sum(1 for i in self.typed if row[i].strip()) >= len(self.typed)

    def suspect(self, row, text, end):
        """A record of the right width that has swallowed others: several lines, and a value with delimiters and quotation marks in it."""
        d, q = self.dialect.delimiter, self.dialect.quote
        if text.count("\n", 0, end) + text.count("\r", 0, end) <= 1:
            return False
        swallowed = sum(1 for v in row if d in v and q in v and ("\n" in v or "\r" in v))
        return swallowed > 0

    def swallowed(self, text, end):
        """A record of several lines that are records by themselves, all but a few: two stray quotation marks have made one of them. The first of
        them, mended by itself; None where that is not so."""
        lines = texts.lines(text[:end])
        if len(lines) < 2 or not self.typed and len(lines) < 4 or not self.stands(self.dialect.record(lines[-1], 0)[0]):
            return None
        between, first = lines[1:-1], lines[0]
        if 2 * sum(1 for line in between if self.stands(self.dialect.record(line, 0)[0])) < len(between):
            return None
        if len(between) < 2 and not any(self.stands(self.dialect.record(first, 0, {place})[0]) for place in self.dialect.openings(first, 0, len(first))):
            return None
        return self.mend(first, 0, first.rstrip("\r\n").split(self.dialect.delimiter), len(first))

    def doubtful(self, text, end, row):
        """Whether a value goes on for so many lines, or begins or ends so much like a record, that somebody should know."""
        lines = texts.lines(text[:end])
        return len(lines) > LONG or len(lines) > 1 and any(v.startswith(self.dialect.delimiter) for v in row) or len(lines) > 1 and self.stands(self.dialect.record(lines[-1], 0)[0])

    def mend(self, text, start, row, end):
        """(what was done, values or None, where the next record begins) for the record that begins at start."""
        ways = list(self.quote_ways(text, start, end)) + list(self.delimiter_ways(text, start))
        if row is not None:
            if len(row) > self.width:
                ways += self.longer(row, end)
            elif len(row) < self.width:
                ways += self.shorter(row, end)
        if not ways:
            return ("set_apart", None, end if row is not None else line_end(text, start))
        best = max(ways, key=lambda w: w[0])
        if best[1] == "set_apart" or best[2] is None:
            return ("set_apart", None, best[3])
        return best[1:]

    def quote_ways(self, text, start, end):
        """An opening quotation mark may be a plain character, or one at the end of a value be its last."""
        if self.dialect.quote:
            row, _, after = self.dialect.record(text, start, eager=True)
            if row is not None and len(row) == self.width:
                yield self.fits(row) + 0.45, "stray_quote", row, after
        for place in self.dialect.openings(text, start, max(end, line_end(text, start))):
            row, quoted, after = self.dialect.record(text, start, {place})
            if row is None:
                continue
            if len(row) == self.width:
                yield self.fits(row) + 0.5, "stray_quote", row, after
            elif abs(len(row) - self.width) == 1 and len(row) < self.width:
                yield self.fits(row) - 3, "stray_quote", row + [""] * (self.width - len(row)), after

    def delimiter_ways(self, text, start):
        """Somebody may have written this line with another delimiter."""
        for other in self.others:
            if other.runs or text.find(other.delimiter, start, line_end(text, start)) < 0:
                continue
            row, _, after = other.record(text, start)
            if row is None:
                continue
            if len(row) == self.width > 1 + (other.delimiter == " "):  # Page 2 is no record
                yield self.fits(row) + 0.2 - 2 * (self.clashes(row) > 0), "other_delimiter", row, after
            elif len(row) > self.width and other.delimiter == " " and self.width > 2:
                extra = len(row) - self.width
                for i in self.texts:
                    glued = row[:i] + [" ".join(row[i:i + extra + 1])] + row[i + extra + 1:]
                    if len(glued) == self.width and not self.clashes(glued):
                        yield self.fits(glued), "other_delimiter", glued, after

    def longer(self, row, end):
        """Too many values: an empty one less, or a text put together again that held the delimiter."""
        extra, ways, d = len(row) - self.width, [], self.dialect.delimiter
        if not any(v.strip() for v in row[self.width:]):
            ways.append((self.fits(row[:self.width]) + 0.39, "empty_value", row[:self.width], end))
        if extra == 1:
            for i, v in enumerate(row):
                if not v.strip():
                    kept = row[:i] + row[i + 1:]
                    if i >= self.width or not self.clashes(kept) or not any(kinds.kind(v) in TYPED for v in kept):  # what would stand below other names is no value of theirs; names are
                        ways.append((self.fits(kept) + 0.4, "empty_value", kept, end))
        whole = []
        for i in range(self.width):
            piece = row[i:i + extra + 1]
            kept = row[:i] + [d.join(piece)] + row[i + extra + 1:]
            if len(kept) == self.width and (self.kinds[i] in ("text", "num", "money") or not self.kinds[i]) and not self.clashes(kept):
                likely = sum(1 for p in piece[1:] if p.startswith(" ")) if d.strip() else 0
                number = self.kinds[i] in ("num", "money") and re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", d.join(piece)) is not None
                if self.kinds[i] in ("text", "") or number:
                    whole.append((self.fits(kept) + 0.2 * likely + 0.1 * number, "unquoted", kept, end))
        whole.sort(key=lambda w: -w[0])
        typed = any(k in TYPED for k in self.kinds)
        if whole and typed and (len(whole) == 1 or whole[0][0] > whole[1][0]):
            ways.append(whole[0])
        ways.append((-1e9, "set_apart", None, end))
        return ways

    def shorter(self, row, end):
        """Too few values: two of them may have lost what stood between; else the row is filled up at its end."""
        ways = [(self.fits(row + [""] * (self.width - len(row))) - 2, "filled_up", row + [""] * (self.width - len(row)), end)]
        if len(row) != self.width - 1:
            return ways
        for i, v in enumerate(row):
            if i + 1 >= self.width or len(v) > 2000:
                continue
            left, right = self.kinds[i], self.kinds[i + 1]
            if left in ("", "text") and right in ("", "text", "int", "num"):
                # only a quotation mark in the midst of two texts shows where one ends
                q = self.dialect.quote
                at = v.find(q) if q else -1
                if at > 0 and left == "text" and right == "text" and v.endswith(q):
                    kept = row[:i] + [v[:at], v[at + 1:-1].replace(q + q, q)] + row[i + 1:]
                    ways.append((self.fits(kept) + 0.3, "lost_delimiter", kept, end))
                continue
            for cut in range(1, min(len(v), 200)):
                a, b = v[:cut], v[cut:]
                if left in NUMBERS and right in NUMBERS:
                    break  # nothing shows where one number ends
                if left in TYPED and right in TYPED and kinds.kind(a) == left and kinds.kind(b) == right:
                    ways.append((self.cut_fits(row, i, a, b) + 0.3, "lost_delimiter", row[:i] + [a, b] + row[i + 1:], end))
                elif (kinds.kind(a) == left or left == "text") and kinds.kind(b) == right and right in TYPED and right not in ("int", "num"):
                    ways.append((self.cut_fits(row, i, a, b) + 0.1 - 0.001 * cut, "lost_delimiter", row[:i] + [a, b] + row[i + 1:], end))
                elif left in TYPED and left not in ("int", "num") and right == "text" and kinds.kind(a) == left and kinds.kind(b) == "text":
                    ways.append((self.cut_fits(row, i, a, b) + 0.1 + 0.0001 * cut, "lost_delimiter", row[:i] + [a, b] + row[i + 1:], end))
        return ways

    def cut_fits(self, row, i, a, b):
        return self.fits(row[:i] + [a, b] + row[i + 1:])
