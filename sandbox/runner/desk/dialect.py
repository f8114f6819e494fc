"""How the values of a text are told apart: the delimiter, quotation mark and escape under which its records agree
best in width, and its columns in kind."""

import html
import re
from collections import Counter

from . import above, kinds, layout, values
from .records import USUAL, Dialect, rows

DOUBLED = ["::", "||", "~~", "^^"]
HEAD = 60000   # characters that are looked at
RECORDS = 120
# What stands in values so often that it is a delimiter only if nothing else is.
NEVER = set("\"'`_-+.()[]{}%$€£¥°²³\\@/\r\n\0\ufeff")


def choose(text, told=""):
    """The dialect of a text, how good it is, and the width of its records. told is the delimiter where the file names it."""
    head = text[:HEAD]
    if len(text) > HEAD and head.count('"') % 2:  # a long value goes on beyond it
        ends = text.find('"', HEAD)
        head = text[:ends + 1 + HEAD // 3] if 0 < ends else head
    best = (-1.0, Dialect(), 1)
    for d in [told] if told else delimiters(head):
        for q in ('"', "'", ""):
            if q and q not in head or not q and head.count('"' + d) + head.count(d + '"') > 2:
                continue
            if q == "'" and not quotes_well(head, d, q):
                continue
            escapes = [""] + [e for e in ("\\", "\0") if q and e + q in head and escaping(head, d, q, e)]
            for e in escapes:
                dialect = Dialect(d, q, e)
                score, width = worth(rows(head, dialect, RECORDS), d)
                closes = len(re.findall(re.escape(q) + r"(?=%s|[\r\n])" % re.escape(d), head)) if q else 0
                score += 0.02 * (q == '"' and closes > 0) + (0.02 if e and closes else 0) - 0.03 * (q == "'" and closes < 3)
                score += 0.01 * (len(d) > 1) - 0.05 * (d.strip(" ") == "" or d == ":") - 0.04 * (d not in USUAL)
                if score > best[0]:
                    best = (score, dialect, width)
    chosen = best[1]
    tabs = {line.count("\t") for line in re.split(r"[\r\n]+", head)[:RECORDS] if line.strip()}
    if not told and chosen.delimiter != "\t" and len(tabs) == 1 and tabs.pop() > 1:  # A,EUR,DE and then tabs: nobody writes so many into values
        return Dialect("\t", chosen.quote), best[0], 0
    if not told and alone(head, chosen.delimiter):
        return Dialect(ALONE), best[0], 1
    if not chosen.quote and '"' not in head:  # the beginning has none; what comes may
        chosen = Dialect(chosen.delimiter)
    return chosen, best[0], best[2]


def escaping(head, d, q, e):
    """Whether such a character escapes quotation marks, rather than ending values: "C:\\dir\\" does, where no mark stands in the midst."""
    return re.search(re.escape(e + q) + r"(?!%s|[\r\n]|$)" % re.escape(d), head) is not None


def quotes_well(head, d, q):
    """Whether a rare quotation mark both opens and closes values, and hardly ever stands elsewhere: not an apostrophe."""
    opens = len(re.findall(r"(?:^|[\r\n]|%s)%s" % (re.escape(d), q), head))
    closes = len(re.findall(r"%s(?:%s|[\r\n]|$)" % (q, re.escape(d)), head))
    return opens >= 2 and closes >= 2


def delimiters(head):
    """The usual ones that are there, and any other sign that stands equally often in nearly every line."""
    found = [d for d in USUAL if d in head]
    lines = [line for line in re.split(r"[\r\n]+", head)[:60] if line.strip()]
    for d in DOUBLED:
        counts = {line.count(d) for line in lines if line.strip()}
        if d in head and d + d[0] not in head and len(counts) == 1:
            found.append(d)
    for c in sorted({c for line in lines[:5] for c in line}):
        if c.isalnum() or c in NEVER or c in USUAL or (c.isspace() and c != "\t"):
            continue
        counts = Counter(line.count(c) for line in lines)
        often, times = counts.most_common(1)[0]
        if often >= 1 and times >= max(2, 0.9 * len(lines)):
            found.append(c)
    if any(all(line.count(d) > 1 for line in lines) for d in ";\t|") and not any(re.search(r"(?<!\d),|,(?!\d)", line) for line in lines):
        return [d for d in found if d.strip() != ","]  # each comma stands within a number
    names = next((n for n, line in enumerate(lines) if any(d in line for d in ";\t|,")), len(lines))
    if names + 2 < len(lines) and "," not in lines[names] and any(d in lines[names] and len({line.count(d) for line in lines[names:]}) == 1 for d in ";\t|"):
        return [d for d in found if d.strip() != ","]  # Kunde;Betrag over Anna;5,81: no name has the commas of the amounts
    return found


def worth(records, d):
    """How well records agree, and their width."""
    records = table_of(records)
    widths = Counter(len(r) for r, _, _ in records if len(r) > 1 or (r and r[0].strip()))
    if not widths:
        return -1.0, 1
    width, times = max(widths.items(), key=lambda x: (x[1] * (x[0] > 1), x[1]))
    if width == 1:
        return 0.05, 1
    full = [r for r, _, _ in records if len(r) == width]
    fit = 0.0
    for column in zip(*full):
        counts = Counter(kinds.kind(v) for v in column[1:])
        counts.pop("", None)
        total = sum(counts.values())
        if not total:
            fit += 0.6 * (d != " ")  # two blanks are no empty value
            continue
        name, most = counts.most_common(1)[0]
        share = most / total
        if name == "text":
            torn = sum(1 for v in column[1:] if glued(v, d))
            share -= 0.6 * torn / total
        fit += share * (1.15 if name != "text" else 1.0)
    # another table below the first tells nothing against the delimiter
    total = sum(widths.values())
    times += 0.8 * sum(n for w, n in runs(records) if w not in (1, width))
    return (times / total) ** 1.3 * (fit / width) * (1 - 0.9 / width ** 1.2), width


def table_of(records):
    """Records without the comments and the facts that stand above the table: they tell nothing of a delimiter."""
    n = 0
    while n + 2 < len(records) and records[n][0] and above.marked(records[n][0]):
        n += 1
    return records[n + above.start([r for r, _, _ in records[n:]]):]


def runs(records):
    """Of four records or more in a row that have one width: the width, and how many they are."""
    found, before, n = [], 0, 0
    for row, _, _ in records + [([], 0, 0)]:
        if len(row) == before:
            n += 1
            continue
        if n >= 4:
            found.append((before, n))
        before, n = len(row), 1
    return found


GLUED = re.compile(r"\s*[-+]?[\d.:/-]*\d\s*([;|\t^~])\s*[-+]?[\d.:/-]*\d?\s*")
GLUED_BY_COMMA = re.compile(r"\s*[-+]?[\d.:/-]*\d\s*,\s*[-+]?[\d.:/-]*\d?\s*")


def glued(value, d):
    """Whether a value is two numbers that another delimiter would have told apart: 5;2"""
    return len(value) < 60 and (GLUED.fullmatch(value) is not None or d in ": " and GLUED_BY_COMMA.fullmatch(value) is not None)


def told_delimiter(text):
    """The delimiter that a first line tells, as Excel takes it (sep=;), and the text without that line."""
    m = re.match(r"\"?sep=(.)\"?(?:\r\n|\r|\n)", text)
    return (m[1], text[m.end():]) if m else ("", text)


def width_of(rows):
    """How many values a record has: what most of them have, or the first of several tables."""
    blocks = [[]]
    for r in rows:
        if layout.filled(r):
            blocks[-1].append(len(r))
        elif blocks[-1]:
            blocks.append([])
    wide = [b for b in blocks if len(b) > 1 and b[0] > 1 and len(set(b)) == 1]
    if len(blocks) > 1 and wide and len(wide[0]) >= 0.3 * sum(map(len, blocks)) and wide[0][0] >= max(w for b in blocks for w in b):
        return wide[0][0]
    said = [len(r) for r in rows if layout.filled(r)]
    widths = Counter(said)
    if not widths:
        return 1
    most = max(widths.values())
    if most == 1:
        return max(widths) if len(widths) > 2 or max(widths) == 1 else next((w for w in said if w > 1), 1)
    for at, w in enumerate(said):  # a first table, whole, above another one
        if w > 1 and widths[w] >= 0.3 * len(said) and sum(1 for x in said[at:at + 10] if x == w) >= min(8, len(said) - at) - 1:
            return w
        if at > 30:
            break
    return max(widths, key=lambda w: (widths[w] * (1 if w > 1 else 0.6), w))


# -- lines that are one value each: a list whose values hold what looks like a delimiter, and a table whose every line somebody put in quotes

ALONE = "\x1f"  # the delimiter of a table that has none
MANY = 200      # lines that are looked at
NAME = re.compile(r"[^\W\d_][\w.()-]*(?: [\w.()-]+)?")
QUOTED = re.compile(r'"(?:[^"]|"")*"')
WRAPPED = re.compile(r'"((?:[^"\r\n]|"")*)"([\r\n]*)')


def alone(head, delimiter):
    """Whether the delimiter that fits best tells nothing apart: quotes around each line, or a name without it above amounts, moments or sentences."""
    lines = re.split(r"\r\n|\r|\n", head)[:MANY]
    below = [line for line in lines[1:] if line.strip()]
    if len(below) < 2 or delimiter not in "".join(below):
        return False
    if all(map(WRAPPED.fullmatch, below)) and (WRAPPED.fullmatch(lines[0]) or NAME.fullmatch(lines[0].strip())):
        return True
    if not lines[1].strip() or delimiter not in (",", ", ", ":", " "):
        return False
    words = all(kinds.kind(v) in ("text", "") for line in below for v in line.split(delimiter))
    if delimiter == " " and words:
        return not several_names(lines[0].split(" "), below)
    if delimiter in lines[0] or not NAME.fullmatch(lines[0].strip()):
        return False
    if all(values.form(line)[0] in ("number", "date", "missing") or kinds.kind(line) in ("time", "url") for line in below):
        return True
    sign = delimiter.strip()
    if lines[1].islower() and not any(map(str.islower, below[1:])):
        return False  # names of columns, below a title
    return words and all(line.count(sign) == line.count(sign + " ") for line in below)  # as sentences have it


def several_names(names, below):
    """Whether three names or more stand above as many words each time, all of them small or all of them capital: no sentence."""
    return len(names) > 2 and (all(map(str.islower, names)) or all(n[:1].isupper() for n in names)) and all(len(line.strip().split(" ")) == len(names) for line in below)


def wrapped(head):
    """Whether every line is a record inside of quotes: "1,""Lee, Anna"",10". Lines of sentences differ in how often they have a delimiter."""
    lines = [line for line in re.split(r"\r\n|\r|\n", head)[:MANY] if line.strip()]
    if len(lines) < 2 or not all(WRAPPED.fullmatch(line) for line in lines):
        return False
    inner = [unwrap(line) for line in lines]
    counts = [[QUOTED.sub("", line).count(d) for line in inner] for d in (",", ";", "\t", "|")]
    marks = any('"' in line for line in inner)
    even = [c for c in counts if c[0] > 0 and len(set(c)) == 1]
    if not marks and not any(c[0] > 1 for c in even):  # "1,234" may be one value
        return bool(even) and not any(", " in line for line in inner) and \
            all(kinds.kind(re.split("[,;\t|]", line)[-1]) in kinds.NUMBERS or kinds.kind(re.split("[,;\t|]", line)[0]) in kinds.NUMBERS for line in inner[1:])
    return bool(even) and (marks or any(c.isdigit() for line in inner for c in line))


def several(head):
    """Whether lines that are read as one value each may as well be several: each has as many commas, or blanks between words, and the name does not tell."""
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", head)[:MANY] if line.strip()]
    quoted = all(map(WRAPPED.fullmatch, lines[1:]))
    for d in ", ":
        counts, name = {line.count(d) for line in lines[1:]}, lines[0].count(d)
        if len(counts) != 1 or counts == {0} or (quoted or d == " ") and counts != {name}:
            continue
        found = {kinds.kind(v) for line in lines[1:] for v in line.strip('"').split(d)}
        if found == {"text"} or found == {"int"} and d == ",":
            return True
    return False


def unwrap(line):
    """The record of such a line."""
    m = WRAPPED.fullmatch(line)
    return m[1].replace('""', '"') + m[2] if m else line


# -- lines as they become records

class Lines:
    """How the lines of a file become lines of records: out of their quotes, cut where a printed list has its columns, with quotes in place of
    backslashes, without flags."""

    def __init__(self, wrapped=False, spans=None, escaped="", flagged=False, entities=False):
        self.wrapped, self.spans, self.escaped, self.flagged, self.entities = wrapped, spans, escaped, flagged, entities

    def turned(self, lines, odd=None):
        """The lines of records; odd counts what was taken away."""
        lines = list(map(unwrap, lines)) if self.wrapped else lines
        lines = [printed(line, self.spans) for line in lines] if self.spans else lines
        lines = [requoted(line, self.escaped) for line in lines] if self.escaped else lines
        lines = [ENTITY.sub(letter, line) for line in lines] if self.entities else lines
        if self.flagged:
            both = [FLAG.subn(r"\1", line) for line in lines]
            lines, count = [line for line, _ in both], sum(n for _, n in both)
            if odd is not None and count:
                odd.add("flags", count=count)
        return lines


ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{2,5});")


def letter(m):
    """The letter that an entity of web pages stands for; one that a record is made of stays as it is written."""
    made = html.unescape(m[0])
    return made if len(made) == 1 and made not in "\"';,\t|\r\n\0" else m[0]


def entities(head):
    """Whether letters are written as on web pages (M&uuml;ller), so that their ends look like delimiters."""
    lines = [line for line in re.split(r"\r\n|\r|\n", head)[:MANY] if line.strip()]
    return ENTITY.search(head) is not None and len({ENTITY.sub("", line).count(";") for line in lines} - {0}) == 1 and ";" in ENTITY.sub("", head)


FLAG = re.compile(r"(?<=\t)( *(?:-?\d[\d.]*|:)) *[a-z]{1,4} *(?=[\t\r\n]|$)")  # 12.3 p
FLAGGED = re.compile(r"[^\t\r\n]*\\time(?:_period)?\s*\t", re.I)


def flagged(head):
    """Whether a table may have flags behind its values: geo\\TIME_PERIOD in the corner is how Eurostat writes."""
    return FLAGGED.match(head) is not None


def escaped(head):
    """The delimiter that stands in values behind a backslash, as MySQL writes it (Smith\\, John), where without these each line has as many; else ""."""
    lines = [line for line in re.split(r"\r\n|\r|\n", head)[:MANY] if line.strip()]
    for d in "\t,;|":
        if "\\" + d in head and '"' not in head and len({len(bare(line, d)) for line in lines}) == 1 < len({line.count(d) for line in lines}):
            return d
    return ""


def bare(line, d):
    """The values of a line between delimiters that no backslash stands before."""
    return re.split(r"(?<!\\)" + re.escape(d), line)


def requoted(line, d):
    """Such a line with quotes around the values that hold the delimiter."""
    if "\\" + d not in line:
        return line
    body = line.rstrip("\r\n")
    return d.join('"%s"' % v.replace("\\" + d, d).replace('"', '""') if "\\" + d in v else v for v in bare(body, d)) + line[len(body):]


# -- columns of one width each, as lists are printed: blanks alone tell them apart, one blank perhaps

RULER = re.compile(r"\s*(?:-{2,}(?:\s+-{2,})+|={2,}(?:\s+={2,})+)\s*")


def spans(head, chosen):
    """Where the columns of a printed list begin: at the dashes below its heading, or behind blanks that stand one below the other in each line
    of a block. None where the dialect that was chosen tells its records apart as well, or where the cut values are no table."""
    widths = Counter(len(r) for r, _, _ in rows(head, chosen, 60) if layout.filled(r))
    if "\t" in head or chosen.delimiter == ALONE or not widths or 4 * max(widths.values()) > 3 * sum(widths.values()):
        return None
    lines = [line.rstrip() for line in re.split(r"\r\n|\r|\n", head)[:MANY]]
    ruled = next((n for n, line in enumerate(lines) if n and RULER.fullmatch(line)), 0)
    block = lines[ruled - 1:ruled] + lines[ruled + 1:] if ruled else max("\n".join(lines).split("\n\n"), key=len).split("\n")
    block = block[:next((n for n, line in enumerate(block) if not line.strip() or RULER.fullmatch(line)), len(block))]
    if len(block) < 3 or max(map(len, block)) > 1000:
        return None
    marks = lines[ruled].replace("=", "-") if ruled else "".join("-" if any(line[i:i + 1].strip() for line in block) else " " for i in range(max(map(len, block))))
    found = [m.start() for m in re.finditer(r"-+", marks)]
    table = [cut(line, found) for line in block]
    return found if len(found) > 1 and None not in table and layout.heads(table, len(found)) else None


def cut(line, found):
    """The values of a printed line; None where one goes on over the beginning of another, as in a note."""
    line = line.rstrip("\r\n")
    if any(line[i - 1:i].strip() and line[i:i + 1].strip() for i in found[1:]):
        return None
    return [line[a:b].strip() for a, b in zip(found, found[1:] + [len(line)])]


def printed(line, found):
    """A printed line as one that tabs cut; one that is no record as it stands."""
    values = cut(line, found) if line.strip() else None
    return "\t".join(values) + line[len(line.rstrip("\r\n")):] if values and sum(map(bool, values)) > 1 else line
