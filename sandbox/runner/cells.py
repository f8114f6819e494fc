"""What files that go back could do to the people who open them. Loaded by supervise.py,
and used when the program is dead.

A spreadsheet computes a text cell that begins like a formula, wherever it came from.
In tables that the runner writes such a cell gets an apostrophe; what the program wrote
itself goes out as it is, with a warning.
"""

import csv
import io
import re
import time
import unicodedata
import zipfile

SIGNS = ("=", "+", "-", "@")
# Both patterns run over whatever a program wrote, so no run of blanks may be begun at each of its
# characters: what a cell can begin after is no part of the blanks before a sign. A lone CR ends a line, too.
BLANKS = r"[^\S\t\r\n]*"
MAYBE = re.compile(r"(?m)(?:^|[,;\t\r\"])" + BLANKS + r"[=+\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b]")
# The same for a table of commas, where plain numbers are passed over quickly.
IN_TABLE = re.compile(r"(?m)(?:^|[,\t\r])" + BLANKS + r"(?:[=@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b]|[+\-](?![\d.]+(?:[eE][+-]?\d+)?(?:[,\n\r]|$)))|\"" + BLANKS + r"[=+\-@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b]")
AT_ONCE = 2000  # cells between two looks at the clock
WIDE = 100_000  # cells of one row
LONG = 100  # characters: no number, date or telephone number has more, and none is looked for in them
LONE_CR = re.compile(r"\r(?!\n)")
NUMBER = re.compile(r"[+-]\s?[$€£¥]?\s?(\d[\d\s.,'’_]*|\.\d+)([eE][+-]?\d+)?\s*[%‰$€£¥]?(j)?|[+-]?(inf|nan|infinity)", re.I)
WHEN = re.compile(r"[+-]\d+ days?( [+-]?\d{1,3}:\d{2}(:\d{2}(\.\d+)?)?)?|[+-]\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?)?|[+-]\d{1,3}:\d{2}(:\d{2})?")
TELEPHONE = re.compile(r"\+\s?\(?\d[\d\s()/.\-]{4,24}\d(\s?(x|ext\.?)\s?\d{1,6})?", re.I)
NOTHING = re.compile(r"[-+–—\s.]*")
IN_SHEETS = re.compile(rb"<f[ >/]")
MOST = 20_000_000  # bytes of one sheet that are looked through
PAGES = (".svg", ".svgz", ".html", ".htm", ".xhtml", ".mht", ".mhtml")
PAGE = re.compile(rb"\s*(\xef\xbb\xbf\s*)?(<\?xml[^>]*>\s*)?(<!--(?:(?!-->).)*-->\s*)*<\s*(!doctype\s+(html|svg)|html|svg|script|iframe)\b", re.I | re.S)
# What the first bytes of a file of that ending are.
BEGINS = {".png": b"\x89PNG\r\n", ".jpg": b"\xff\xd8\xff", ".jpeg": b"\xff\xd8\xff", ".gif": b"GIF8", ".pdf": b"%PDF", ".xlsx": b"PK\x03\x04", ".xlsm": b"PK\x03\x04", ".docx": b"PK\x03\x04", ".pptx": b"PK\x03\x04",
          ".zip": b"PK", ".gz": b"\x1f\x8b", ".webp": b"RIFF", ".bmp": b"BM", ".xls": b"\xd0\xcf\x11\xe0", ".parquet": b"PAR1", ".tif": (b"II*\0", b"MM\0*"), ".tiff": (b"II*\0", b"MM\0*")}
TEXTS = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".md", ".log", ".py", ".sql")
OF_PROGRAMS = (b"MZ", b"\x7fELF", b"PK\x03\x04", b"%PDF", b"\x89PNG", b"\xd0\xcf\x11\xe0", b"\x1f\x8b", b"#!")


class Late(Exception):
    """There was no time to look through all of it."""


def computed(cell):
    """Whether a spreadsheet would take a text for a formula, though it is no number, date or telephone number."""
    text = cell.strip()
    if not text or text[0].isalnum() or unicodedata.normalize("NFKC", text[0]) not in SIGNS:
        return False
    try:
        float(text)
        return False  # most are, and this is quick
    except ValueError:
        pass
    if len(text) > LONG:
        return not NOTHING.fullmatch(text)
    return not (NUMBER.fullmatch(text) or WHEN.fullmatch(text) or TELEPHONE.fullmatch(text) or NOTHING.fullmatch(text))


def rows(text, until, delimiter=","):
    """The rows of a table; Late when there is no time for more of them."""
    csv.field_size_limit(len(text) + 1)
    cells = 0
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        cells += 1 + len(row)
        if cells > AT_ONCE:
            if len(row) > WIDE or time.monotonic() > until:
                raise Late
            cells = 0
        yield row


def tamed(data, most, until):
    """A table as CSV with apostrophes before what would be computed, how many there are, and how many rows at its end have no room
    any more; None when nobody has counted them, since the time was over. Nothing that was not looked at goes out."""
    text = data.decode("utf-8", "surrogateescape")
    if not IN_TABLE.search(text):
        return data, 0, 0
    out, count, size, lost = [], 0, 0, 0
    try:
        for row in rows(text, until):
            odd = [computed(cell) for cell in row]
            line = io.StringIO()
            # Python before 3.13 leaves a cell with a lone CR without quotation marks, and what follows it begins a row.
            quoting = csv.QUOTE_ALL if any(LONE_CR.search(cell) for cell in row) else csv.QUOTE_MINIMAL
            csv.writer(line, lineterminator="\n", quoting=quoting).writerow(["'" + cell if is_odd else cell for cell, is_odd in zip(row, odd)])
            out.append(line.getvalue().encode("utf-8", "surrogateescape"))
            size += len(out[-1])
            if size > most or lost:
                out.pop()
                lost += 1
            else:
                count += sum(odd)
    except Late:
        lost = None
    return (b"".join(out), count, lost) if count or lost != 0 else (data, 0, 0)


def formulas(name, data, until):
    """How many cells of a file that the program wrote would be computed; Late when that cannot be told in time."""
    if name.endswith((".xlsx", ".xlsm")):
        return in_sheets(data, until)
    if not name.endswith((".csv", ".tsv", ".tab")):
        return 0
    text = data.decode("utf-8", "replace")
    if not MAYBE.search(text):
        return 0
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        return sum(computed(cell) for row in rows(text, until, delimiter) for cell in row)
    except csv.Error:
        return 1  # it is no table that can be read, and something in it looks like a formula


def in_sheets(data, until):
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            found = 0
            for name in [n for n in book.namelist() if n.startswith("xl/worksheets/")][:50]:
                if time.monotonic() > until:
                    raise Late
                with book.open(name) as sheet:
                    found += len(IN_SHEETS.findall(sheet.read(MOST)))
            return found
    except Late:
        raise
    except Exception:
        return 0  # no book; otherwise says so


def page(name, data):
    """Whether a file is a page, or a picture that can hold a program."""
    return name.lower().endswith(PAGES) or bool(PAGE.match(data[:2000])) and not name.lower().endswith(TEXTS)


def otherwise(name, data):
    """What a file's bytes are not, although its name says so."""
    low = name.lower()
    for end, begin in BEGINS.items():
        if low.endswith(end):
            return "" if data.startswith(begin) else end
    if low.endswith(TEXTS) and (data.startswith(OF_PROGRAMS) and not low.endswith(".py") or b"\0" in data[:4000] and not data.startswith((b"\xff\xfe", b"\xfe\xff"))):
        return low[low.rindex("."):]
    return ""


def times(n, one, many):
    return one if n == 1 else many % n
