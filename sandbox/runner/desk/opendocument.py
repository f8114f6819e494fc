"""Spreadsheets of LibreOffice and others (.ods, .fods inside of a zip)."""

import datetime
import re

from .archive import Parts
from .sheets import CellError, Sheet
from .words import MOST_TABLES, Refused

# LibreOffice writes what is the same as once with a count, up to the million rows at the end of a sheet. Those are empty, and
# empty cells and rows are only counted, never made.
MOST_REPEATS = 1 << 16


def read(path):
    parts = Parts(path)
    if "content.xml" not in parts:
        raise Refused("broken_workbook")
    content = Content()
    parts.parse("content.xml", content.start, content.end, content.text)
    if not content.sheets:
        raise Refused("no_sheet")
    return content.sheets


class Content:
    def __init__(self):
        self.sheets, self.hidden_styles, self.style = [], set(), ""
        self.sheet = self.cells = None
        self.line = self.column = 0
        self.repeat = self.repeat_row = 1
        self.columns, self.shown = 0, ""
        self.value, self.kind, self.said, self.taking, self.note = None, "", [], 0, 0
        self.row_hidden = False

    def start(self, tag, a):
        if tag == "style":
            self.style = a.get("name", "")
        elif tag == "table-properties" and a.get("display") == "false":
            self.hidden_styles.add(self.style)
        # A table within a cell is no sheet, and everything in it is passed over.
        elif tag == "table" and self.sheet is None and len(self.sheets) < MOST_TABLES:
            self.sheet = Sheet(a.get("name", ""), a.get("style-name", "") in self.hidden_styles)
            self.sheets.append(self.sheet)
            self.line = self.columns = 0
        elif self.sheet is None:
            return
        elif tag == "table-row":
            self.cells, self.column = {}, 0
            self.repeat_row = number(a.get("number-rows-repeated"))
            self.row_hidden = a.get("visibility") in ("collapse", "filter")
        elif tag == "table-column":
            many = number(a.get("number-columns-repeated"))
            if a.get("visibility") in ("collapse", "filter"):
                self.sheet.hide(self.columns, self.columns + many)
            self.columns += many
        elif tag in ("table-cell", "covered-table-cell") and self.cells is not None:
            self.repeat = number(a.get("number-columns-repeated"))
            self.kind = a.get("value-type", "")
            # The currency is the file's own text, so its length is bounded.
            self.shown = a.get("currency", "")[:5] if self.kind == "currency" else "%" if self.kind == "percentage" else ""
            # The value as a machine reads it; what people see comes as text in p, and counts where there is no other.
            self.value = a.get("value") or a.get("date-value") or a.get("time-value") or a.get("boolean-value") or a.get("string-value")
            self.said = []
            if a.get("formula"):
                self.sheet.formulas += 1
                # A formula whose cell has no type has not been computed.
                self.sheet.lack(self.line + 1, not self.kind)
            down = number(a.get("number-rows-spanned"))
            if number(a.get("number-columns-spanned")) > 1 or down > 1:
                self.sheet.merge(self.column, self.line + 1, self.line + down)
        # A remark that somebody pinned to the cell has paragraphs as well, and they are no part of its value.
        elif tag == "annotation":
            self.note += 1
        elif tag == "p" and self.cells is not None and not self.note:
            if self.said:
                self.said.append("\n")
            self.taking += 1
        elif tag == "s" and self.taking:
            self.said.append(" " * min(100, number(a.get("c"))))
        elif tag in ("tab", "line-break") and self.taking:
            self.said.append("\t" if tag == "tab" else "\n")

    def text(self, data):
        if self.taking and not self.note:
            self.said.append(data)

    def end(self, tag):
        if self.sheet is None:
            return
        if tag == "p" and self.taking:
            self.taking -= 1
        elif tag == "annotation":
            self.note -= 1
        elif tag in ("table-cell", "covered-table-cell") and self.cells is not None:
            value = self.typed()
            if value is not None and value != "":
                for i in range(min(self.repeat, MOST_REPEATS)):
                    self.cells[self.column + i] = value
            self.column += self.repeat
            self.kind = ""
        elif tag == "table-row":
            for i in range(min(self.repeat_row, MOST_REPEATS) if self.cells else 0):
                self.sheet.row(self.line + 1 + i, dict(self.cells), self.row_hidden)
            self.line += self.repeat_row
            self.cells = None
        elif tag == "table":
            self.sheet = None

    def typed(self):
        said = "".join(self.said)
        if self.kind in ("float", "currency", "percentage"):
            try:
                value = float(self.value)
            except (TypeError, ValueError):
                return said or None
            # A cell in error is written as the number 0 beside the text of the error.
            if re.fullmatch(r"#[A-Z0-9/?!.]+|Err:\d+", said):
                return CellError(said[:20])
            if self.shown:
                self.sheet.shown[self.column, self.shown] += self.repeat
            return int(self.value) if re.fullmatch(r"-?\d{1,300}", self.value) else value
        if self.kind == "date":
            try:
                return datetime.datetime.fromisoformat((self.value or "")[:26])
            except ValueError:
                return said or None
        if self.kind == "boolean":
            return self.value == "true"
        if self.kind == "time":
            m = re.fullmatch(r"PT(\d+)H(\d+)M(\d+)(?:[.,]\d+)?S", self.value or "")
            return "%02d:%02d:%02d" % tuple(map(int, m.groups())) if m else said or None
        if re.fullmatch(r"#(N/A|DIV/0!|VALUE!|REF!|NAME\?|NUM!)|Err:\d+", said):
            return CellError(said[:20])
        return said or None


def number(text):
    return int(text) if text and text.isdigit() and len(text) < 10 else 1
