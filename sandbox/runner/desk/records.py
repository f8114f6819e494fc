"""Records of a delimited text: where each value ends, whatever somebody did to the quotation marks.

A quotation mark opens a value only at its beginning and closes it only before a
delimiter or a line's end; anywhere else it is a character like any other.
"""

import functools
import re

LONG, LONGEST = 40, 2000  # lines that one record may span: beyond LONG only if no other quotation mark stands in it, which one that nobody closed would have met
USUAL = [",", ";", "\t", "|", ", ", "; ", ":", "^", "~", "  ", " "]
EOL = re.compile(r"\r\n|\r|\n")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class Dialect:
    """How values are told apart: delimiter (one or two characters), quotation mark ("" for none), escape ("" for doubled quotes)."""

    def __init__(self, delimiter=",", quote='"', escape=""):
        self.delimiter, self.quote, self.escape = delimiter, quote, escape
        self.runs = delimiter == "  "  # two blanks or more are one delimiter, as in columns that are aligned
        # Ends of lines count too: outside of quotation marks a value ends there.
        self.end = re.compile((" {2,}" if self.runs else re.escape(delimiter)) + r"|[\r\n]")
        self.blank = delimiter.strip(" ") == "" or delimiter == "\t"
        d, q = re.escape(delimiter), re.escape(quote)
        if quote:
            inner = "[^%s%s]" % (q, re.escape(escape)) if escape else "[^%s]" % q
            value = "(?:[^%s%s\r\n][^%s\r\n]*|%s(?:%s|%s%s)*%s)?" % (q, re.escape(delimiter[0]), re.escape(delimiter[0]), q, inner, q, q, q)
            if len(delimiter) > 1:
                value = "(?:[^%s\r\n](?:(?!%s)[^\r\n])*|%s(?:%s|%s%s)*%s)?" % (q, d, q, inner, q, q, q)
            self.value, self.join = value, d

    # A quick way for the many records in which nothing is odd; the others go through honest, character by character.
    @functools.lru_cache(8)
    def regular(self, width):
        """Matches a whole record of so many values in which every quotation mark is where it belongs."""
        return re.compile("%s(?:%s%s){%d}[\r\n]*" % (self.value, self.join, self.value, width - 1))

    def ends(self, text, at):
        return at >= len(text) or text[at] in "\r\n" or text.startswith(self.delimiter, at)

    def quoted(self, text, start, eager=False):
        """The quoted value that opens at start, and where it ends; None if it is never closed. eager: two quotation marks
        before a delimiter are a character and the end, not a doubled one."""
        q, esc, parts, at, begin = self.quote, self.escape, [], start + 1, start + 1
        while True:
            close = text.find(q, at)
            if close < 0:
                return None, len(text)
            if esc and close > begin and text[close - 1] == esc:
                back = close - 1
                while back > begin and text[back - 1] == esc:
                    back -= 1
                if (close - back) % 2:  # an odd number of escapes: this one is escaped
                    parts.append(text[begin:close - 1])
                    parts.append(q)
                    at = begin = close + 1
                    continue
            if text.startswith(q, close + 1):
                if eager and close > begin and self.ends(text, close + 2):
                    parts.append(text[begin:close + 1])
                    return "".join(parts), close + 2
                parts.append(text[begin:close + 1])
                at = begin = close + 2
                continue
            after = close + 1
            if not self.ends(text, after):
                # Blanks between a closing quotation mark and the delimiter, which people leave when they type a table.
                while after < len(text) and text[after] == " " and not self.blank:
                    after += 1
                if after == close + 1 or not self.ends(text, after):
                    at = close + 1  # a quotation mark in the midst of a value
                    continue
            parts.append(text[begin:close])
            value = "".join(parts)
            return (value.replace(esc + esc, esc) if esc else value), after

    def record(self, text, at, literal=(), eager=False):
        """One record from at: its values, how many are quoted, where the next begins; None as values if a quotation
        mark is never closed. literal: places of quotation marks that are plain characters."""
        row, quoted, d, q = [], 0, self.delimiter, self.quote
        while self.runs and text.startswith(" ", at):
            at += 1
        while True:
            opens = at
            if q and not self.blank:
                while opens < len(text) and text[opens] == " ":
                    opens += 1
            if q and text.startswith(q, opens) and opens not in literal:
                value, at = self.quoted(text, opens, eager)
                if value is None:
                    return None, quoted, len(text)
                row.append(value)
                quoted += 1
            else:
                found = self.end.search(text, at)
                end = found.start() if found else len(text)
                row.append(text[at:end])
                at = end
            if text.startswith(d, at):
                at += len(d)
                while self.runs and text.startswith(" ", at):
                    at += 1
                if not self.runs or at < len(text) and text[at] not in "\r\n":
                    continue
            if text.startswith("\r\n", at):
                at += 2
            elif at < len(text):
                at += 1
            return row, quoted, at

    def honest(self, text, at):
        """record, but a quotation mark that runs away over many lines is taken for a character."""
        if not self.runs:
            found = EOL.search(text, at)
            stop = found.start() if found else len(text)
            # No quotation mark in the line, which holds for most: nothing can run on into the next one.
            if not self.quote or text.find(self.quote, at, stop) < 0:
                return text[at:stop].split(self.delimiter), found.end() if found else stop
        row, quoted, end = self.record(text, at)
        if row is not None and not (quoted and self.runaway(text, at, end, quoted)):
            return row, end
        literal = set()
        # Each turn takes one more quotation mark for a plain character. After six the line is split at its delimiters and
        # nothing else, so that no record costs more than a few readings of its text.
        for _ in range(6):
            opening = self.openings(text, at, end if row is not None else line_end(text, at), literal)
            if not opening:
                break
            literal.add(opening[0])
            row, quoted, end = self.record(text, at, literal)
            if row is not None and not (quoted and self.runaway(text, at, end, quoted)):
                return row, end
        end = line_end(text, at)
        return text[at:end].rstrip("\r\n").split(self.delimiter), end

    def runaway(self, text, at, end, quoted):
        """Whether a record is so long that a quotation mark must have been left open."""
        lines = spans(text, at, end)
        if lines <= LONG or lines > LONGEST:
            return lines > LONG
        # A long note that was quoted has two quotation marks for each quoted value; one that was left open has met those of the
        # records after it.
        inner = text[at:end].replace(self.quote * 2, "")
        return (inner.replace(self.escape + self.quote, "") if self.escape else inner).count(self.quote) > 2 * quoted

    def openings(self, text, start, end, but=()):
        """Where quotation marks open a value between start and end, as far as can be seen from here."""
        if not self.quote:
            return []
        found, d = [], self.delimiter
        at = text.find(self.quote, start, end)
        while at >= 0 and len(found) < 40:
            before = text[max(start, at - len(d)):at]
            if at not in but and (at == start or before.endswith(d) or before.endswith(self.quote) or not text[start:at].strip(" ")):
                found.append(at)
            at = text.find(self.quote, at + 1, end)
        return found


def spans(text, start, end):
    """How many ends of lines there are."""
    return text.count("\n", start, end) + text.count("\r", start, end)


def line_end(text, at):
    """Where the line of at ends, its end included."""
    found = EOL.search(text, at)
    return found.end() if found else len(text)


def rows(text, dialect, most=None):
    """The records of a text as (values, start, end)."""
    out, at = [], 0
    while at < len(text) and (most is None or len(out) < most):
        row, end = dialect.honest(text, at)
        out.append((row, at, end))
        at = end
    return out
