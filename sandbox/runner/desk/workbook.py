"""Workbooks of Excel and its kin, read part by part: strict and transitional, odd writers too; no macro, no formula is looked at."""

import datetime
import posixpath
import re

from .archive import Parts, clean
from .sheets import CellError, Sheet
from .values import CURRENCY
from .words import MOST_TABLES, Refused

# The numbers of formats that mean a day without saying so in a code: those of ECMA-376, and in 27 to 36 and 50 to 58 those of
# East Asian Excels.
DATES = set(range(14, 23)) | set(range(27, 37)) | set(range(45, 48)) | set(range(50, 59))
# Excel's day 1 is the 1st of January 1900, and it counts a 29th of February in that year: from day 60 on its days are
# counted from the 30th of December. Old Excels for the Mac began in 1904.
EPOCHS = {False: datetime.datetime(1899, 12, 30), True: datetime.datetime(1904, 1, 1)}


PADDED = re.compile("0{3,}|0+(?:-0+)+")  # 007, 01067, 01067-1234


def read(path):
    """The sheets of a workbook."""
    parts = Parts(path)
    book = relations(parts, "").get("officeDocument", [("", "xl/workbook.xml")])[0][1]
    if book not in parts:
        # Writers that leave out the relations, or get them wrong, still name that part as all do.
        book = next((n for n in parts.infos if n.endswith("workbook.xml")), None)
        if book is None:
            raise Refused("binary_excel" if any(n.endswith("workbook.bin") for n in parts.infos) else "broken_workbook")
    found, dated = listed(parts, book)
    related = {i: t for pairs in relations(parts, book).values() for i, t in pairs}
    kinds = {k: pairs[0][1] for k, pairs in relations(parts, book).items() if pairs}
    strings = shared(parts, kinds.get("sharedStrings", "xl/sharedStrings.xml"))
    styles = formats(parts, kinds.get("styles", "xl/styles.xml"))
    sheets = []
    # A sheet whose part is not there, or is a chart, is passed over: Excel opens such books, too.
    for name, state, relation in found[:MOST_TABLES]:
        part = related.get(relation, "")
        if part in parts and "chartsheet" not in part.lower():
            sheet = Sheet(name, state != "visible")
            Cells(sheet, strings, styles, dated).read(parts, part)
            sheets.append(sheet)
    if not found:
        raise Refused("no_sheet")
    return sheets


def relations(parts, of):
    """The relations of a part: {kind: [(id, target)]}."""
    folder, _, name = clean(of).rpartition("/")
    where, found = posixpath.join(folder, "_rels", name + ".rels"), {}

    def start(tag, a):
        # What leads out of the file is never followed.
        if tag == "Relationship" and a.get("TargetMode") != "External":
            target = a.get("Target", "").replace("\\", "/")
            target = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            # Strict and transitional workbooks have different addresses as types that end in the same word.
            found.setdefault(a.get("Type", "").rpartition("/")[2], []).append((a.get("Id", ""), target))

    if where in parts:
        parts.parse(where, start, lambda tag: None, lambda data: None)
    return found


def listed(parts, book):
    """The sheets that the workbook names, and whether its days count from 1904."""
    found, dated = [], [False]

    def start(tag, a):
        if tag == "sheet":
            found.append((a.get("name", ""), a.get("state", "visible"), a.get("id", "")))
        elif tag == "workbookPr":
            dated[0] = a.get("date1904", "0") in ("1", "true")

    parts.parse(book, start, lambda tag: None, lambda data: None)
    return found, dated[0]


def shared(parts, name):
    """The strings that cells refer to by number."""
    strings, piece, inside = [], [], {"t": False, "rPh": False}

    def start(tag, a):
        if tag == "si":
            piece.clear()
        elif tag in inside:
            inside[tag] = True

    def end(tag):
        if tag == "si":
            strings.append(unescape("".join(piece)))
        elif tag in inside:
            inside[tag] = False

    def text(data):
        # rPh says how a Japanese text is read aloud: it stands beside the text and is no part of it.
        if inside["t"] and not inside["rPh"]:
            piece.append(data)

    if name in parts:
        parts.parse(name, start, end, text)
    return strings


def unescape(text):
    """Excel writes characters that XML cannot hold as _x000D_."""
    if "_x" not in text:
        return text
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)) if not 0xD800 <= int(m[1], 16) <= 0xDFFF else "\ufffd", text)


def formats(parts, name):
    """What each cell style means for a number: "date", "time", "span" or nothing; and the money, or percent, that it is shown in."""
    own, styles, inside = {}, [], [False]

    def start(tag, a):
        if tag == "numFmt":
            own[a.get("numFmtId", "")] = a.get("formatCode", "")
        elif tag == "cellXfs":
            inside[0] = True
        elif tag == "xf" and inside[0]:
            how = meaning(a.get("numFmtId", "0"), own)
            # 9 and 10 are 0% and 0.00%. Cells name a style by its place in this list.
            styles.append((how, "" if how else "%" if a.get("numFmtId") in ("9", "10") else unit(own.get(a.get("numFmtId"), ""))))

    def end(tag):
        if tag == "cellXfs":
            inside[0] = False

    if name in parts:
        parts.parse(name, start, end, lambda data: None)
    return styles


def meaning(number, own):
    code = own.get(number)
    if code is None:
        n = int(number) if number.isdigit() else 0
        # 46 is [h]:mm:ss, which goes beyond a day; 18 to 21, 45 and 47 are times of the day.
        return "span" if n == 46 else "time" if n in (18, 19, 20, 21, 45, 47) else "date" if n in DATES else ""
    # The first section is that of positive numbers. Quoted text, escaped characters, gaps (_x) and fillers (*x) are no part
    # of the form: "d" in "days" makes no date.
    code = re.sub(r'"[^"]*"|\\.|_.|\*.', "", code.split(";")[0])
    if re.search(r"\[(h+|m+|s+)\]", code, re.I):
        return "span"
    # What is left in brackets is a colour, a condition or a language.
    code = re.sub(r"\[[^\]]*\]", "", code).lower()
    if PADDED.fullmatch(code):
        return code  # 01067 is seen, 1067 is stored
    if re.search(r"general|[#0?]", code.replace("ss.0", "").replace("s.0", "")) and not re.search(r"[yd]", code):
        return ""
    if re.search(r"[yd]|mmm", code):
        return "date"
    return "time" if re.search(r"[hs]", code) else ""


def unit(code):
    """The currency in which a format shows numbers, € of #,##0.00 [$€-407], or % of 0.0%."""
    if "%" in re.sub(r'"[^"]*"', "", code):
        return "%"
    # [$€-407] is a sign with a language: the sign counts, and EUR in quotation marks as well.
    found = re.search(CURRENCY, re.sub(r"\[\$([^\]-]*)[^\]]*\]", r" \1 ", code.split(";")[0]).replace('"', " ").replace("\\", ""))
    said = re.search(r'"[^"]*?([^\W\d_][^"]*)"', code.split(";")[0])
    return found[0].rstrip(".") if found else "~" + said[1].strip()[:20] if said else ""


class Cells:
    """The cells of a sheet as its XML comes in."""

    def __init__(self, sheet, strings, styles, dated):
        self.sheet, self.strings, self.styles, self.dated = sheet, strings, styles, dated
        self.line = self.column = 0
        self.row, self.hidden, self.value, self.take = None, False, None, False
        self.kind = self.style = ""
        self.formula, self.rich = False, False

    def read(self, parts, name):
        parts.parse(name, self.start, self.end, self.text)

    def start(self, tag, a):
        if tag == "c":
            at = a.get("r", "")
            # The reference may be left out; then a cell follows the one before it, and so do rows.
            self.column = place(at) if at else self.column + 1
            self.kind, self.style, self.value, self.formula = a.get("t", "n"), a.get("s", ""), None, False
        # t is the text of a cell that holds it itself (inlineStr), perhaps in several runs: they follow each other.
        elif tag == "v" or tag == "t" and self.row is not None and not self.rich:
            self.take = True
            self.value = self.value or ""
        elif tag == "f":
            self.formula = True
        elif tag == "rPh":
            self.rich = True
        elif tag == "row":
            self.line = int(a["r"]) if a.get("r", "").isdigit() else self.line + 1
            self.row, self.column, self.hidden = {}, -1, a.get("hidden") in ("1", "true")
        elif tag == "col" and a.get("hidden") in ("1", "true"):
            self.sheet.hide(int(a.get("min", "1")) - 1, int(a.get("max", "1")))
        elif tag == "mergeCell":
            self.sheet.merge(*span(a.get("ref", "")))

    def text(self, data):
        if self.take:
            self.value += data

    def end(self, tag):
        if tag in ("v", "t"):
            self.take = False
        elif tag == "rPh":
            self.rich = False
        elif tag == "c" and self.row is not None:
            if self.formula:
                self.sheet.formulas += 1
                # Programs write formulas without what they come to, which only a spreadsheet computes: such cells have no value yet.
                self.sheet.lack(self.line, self.value is None or self.value == "" and self.kind == "n")
            value = self.typed()
            if value is not None and value != "":
                self.row[self.column] = value
        elif tag == "row":
            self.sheet.row(self.line, self.row, self.hidden)
            self.row = None

    def typed(self):
        value, kind = self.value, self.kind
        if value is None:
            return None
        if kind == "s":
            return self.strings[int(value)] if value.strip().isdigit() and int(value) < len(self.strings) else None
        if kind in ("inlineStr", "str"):
            return unescape(value)
        if kind == "b":
            return value.strip() in ("1", "true")
        if kind == "e":
            return CellError(value[:20])
        if kind == "d":
            return iso(value)
        return self.number(value.strip())

    def number(self, value):
        how, shown = self.styles[int(self.style)] if self.style.isdigit() and int(self.style) < len(self.styles) else ("", "")
        if shown:
            self.sheet.shown[self.column, shown] += 1
        try:
            if not how and value.lstrip("-").isdigit() and len(value) < 400:
                # Whole and exact: a number of an account of 17 digits is more than a float can hold.
                return int(value)
            number = float(value)
        except ValueError:
            return value or None
        if number != number or number in (float("inf"), float("-inf")):
            return None
        if how[:1] == "0" and value.isdigit():
            # As people see it: the zeros ahead and the hyphens of a postal code are in the format only.
            digits = iter(value.zfill(how.count("0")))
            return "".join(c if c == "-" else next(digits) for c in how) + "".join(digits)
        # 2958465 is the last day of the year 9999. What is beyond shows as ##### in Excel, and stays a number.
        if how == "date" and 0 <= number < 2958466:
            return day(number, self.dated)
        if how == "time" and 0 <= number < 1 or how == "span" and 0 <= number < 100000:
            seconds = round(number * 86400)
            return "%02d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
        if how == "time" and number < 2958466 and number > 0:
            return day(number, self.dated)
        return number


def day(number, dated):
    if not dated and number < 60:
        number += 1  # Excel believes in a 29th of February 1900
    whole = int(number)
    ms = round((number - whole) * 86400000)
    return EPOCHS[dated] + datetime.timedelta(days=whole, milliseconds=ms)


def iso(value):
    try:
        return datetime.datetime.fromisoformat(value.strip().rstrip("Z"))
    except ValueError:
        return value


def span(area):
    """The column, the first and the last line of an area like A2:A4."""
    lines = [int(n) for n in re.findall(r"\d{1,7}", area)]
    return (place(area), lines[0], lines[-1]) if lines else (0, 0, 0)


def place(reference):
    """The column of a reference: 0 for A7."""
    n = 0
    for c in reference:
        if "A" <= c <= "Z":
            n = n * 26 + ord(c) - 64
        elif "a" <= c <= "z":
            n = n * 26 + ord(c) - 96
        elif c.isdigit():
            break
        if n > 20000:
            break
    return max(0, n - 1)
