"""What could become of people who open what a program hands over. Loaded by findings.py."""

import ast
import posixpath
import re
import unicodedata

# What a spreadsheet does by itself when it opens a cell, as far as it reaches out of the sheet.
FUNCTIONS = r"\b(HYPERLINK|WEBSERVICE|FILTERXML|IMAGE|IMPORT(DATA|XML|HTML|FEED|RANGE)|DDE(AUTO)?|RTD|CALL|EXEC|REGISTER|SQL\.REQUEST)\s*\("
REACHES_OUT = re.compile(r"^\s*([=@].*|[+-][\s\d.+*/(-]*)" + FUNCTIONS + r"|^\s*[=+@-][^|]*\w\s*\|[^|]*!\s*\$?[A-Z]{1,3}\$?\d", re.I | re.S)
ELSEWHERE = re.compile(r"^\s*[=+@-].*(\[[^\]]*\.(xl\w+|csv|ods)\]|\\\\\w|\bfile:|\bhttps?:)", re.I | re.S)  # another workbook, another machine
RUNS = re.compile(r"<\s*(script|iframe|object|embed|foreignobject|meta\s+http-equiv|base\s)|\bon(error|load|click|mouseover|begin|toggle|focus)\s*=|javascript:|vbscript:|data:text/html|<!ENTITY|xlink:href\s*=\s*[\"']?\s*https?:", re.I)
PAGES = (".svg", ".html", ".htm", ".xhtml", ".mht", ".svgz")
LOADED = (".py", ".pyc", ".pyd", ".pyw", ".pth", ".so", ".sh", ".egg", ".whl", ".pyi", "matplotlibrc", ".mplstyle", ".dll", ".ipynb", ".cfg", ".rc")
# Endings whose bytes a library makes, not a program.
BINARY = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".pdf", ".xlsx", ".xls", ".docx", ".pptx", ".zip", ".gz", ".parquet")
MADE_BY = {"to_csv": (".csv", ".tsv", ".txt", ".csv.gz", ".tab", ".dat"), "to_json": (".json", ".jsonl", ".ndjson", ".txt"), "to_excel": (".xlsx", ".xlsm", ".xls", ".ods"), "to_html": (".html", ".htm"),
           "to_markdown": (".md", ".txt"), "to_string": (".txt", ".md"), "to_latex": (".tex", ".txt"), "to_parquet": (".parquet",),
           "savefig": (".png", ".jpg", ".jpeg", ".pdf", ".svg", ".webp", ".tif", ".tiff")}
ALPHABETS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "GEORGIAN")
WORD = re.compile(r"[^\W\d_]+")


class Outputs:
    def __init__(self, scope, report, looks):
        self.scope, self.report, self.twins = scope, report, looks.TWINS

    def look(self):
        texts = [n for n in self.scope.nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        letters = [c for n in texts if not n.value.isascii() for c in n.value if unicodedata.name(c, "").startswith(("CYRILLIC", "GREEK"))]
        only_twins = bool(letters) and all(c in self.twins for c in letters)
        for node in texts:
            self.text(node, only_twins)
        for node in self.scope.nodes:
            if isinstance(node, (ast.BinOp, ast.JoinedStr)) and not isinstance(self.scope.parents.get(node), ast.BinOp):
                for whole in self.scope.texts(node) or [self.begins(node)]:
                    self.reaches(node, whole)
        for node in self.scope.nodes:
            if isinstance(node, ast.Call):
                self.call(node)

    def find(self, level, node, kind, text, about=""):
        self.report.add(level, node.lineno, kind, text, about)

    def text(self, node, only_twins):
        text = node.value
        self.reaches(node, text)
        if RUNS.search(text):
            self.find("caution", node, "output", "A text with what a browser would run or fetch: %s" % RUNS.search(text).group()[:40], "script")
        for word in [] if text.isascii() else WORD.findall(text):
            self.word(node, word, only_twins)

    def begins(self, node):
        """What is known of a text that is put together: its parts that can be read, one behind the other."""
        parts = node.values if isinstance(node, ast.JoinedStr) else [node.left, node.right] if isinstance(node.op, ast.Add) else []
        return "".join(self.scope.text(p.value if isinstance(p, ast.FormattedValue) else p) or (self.begins(p) if isinstance(p, ast.BinOp) else "") or "x" for p in parts)

    def reaches(self, node, text):
        if REACHES_OUT.search(text) or ELSEWHERE.search(text):
            self.find("caution", node, "output", "A text that a spreadsheet would compute, and that reaches out of the sheet: %s" % text.strip()[:60], "formula")

    def word(self, node, word, only_twins):
        """Words that are read as others: letters of several alphabets in one, or of another one that look like ASCII's."""
        if word.isascii():
            return
        alphabets = {unicodedata.name(c, "").partition(" ")[0] for c in word} & set(ALPHABETS)
        plain = unicodedata.normalize("NFKC", word)
        latin = sum(c.isascii() for c in word)
        if len(alphabets) > 1 and not (alphabets == {"LATIN", "GREEK"} and len(word) - latin == 1 and not any(c in self.twins for c in word)):
            self.find("caution", node, "misleading", "The word %s mixes letters of several alphabets (%s)." % (ascii(word), ", ".join(sorted(alphabets)).lower()), word)
        elif plain.isascii() and len(word) > 1 and not any(unicodedata.category(c) in ("No", "Lm") for c in word):
            self.find("caution", node, "misleading", "The word %s looks like %r and is written with other letters." % (ascii(word), plain), plain)
        elif only_twins and len(word) > 2 and all(c in self.twins for c in word):
            self.find("caution", node, "misleading", "The word %s looks like %r and has letters of another alphabet." % (ascii(word), "".join(self.twins[c] for c in word)), word)

    # -- files

    def call(self, node):
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        opened = self.scope.dotted(node.func) == "open" or method in ("write_bytes", "write_text")
        keyword = self.scope.keywords(node)
        first = node.func.value if method in ("write_bytes", "write_text") else node.args[0] if node.args else next((v for k, v in keyword.items() if k in ("path_or_buf", "fname", "excel_writer", "buf", "file")), None)
        if first is None or not opened and method not in MADE_BY:
            return
        for name in self.scope.texts(first) or [self.ending(first)]:
            self.file(node, name.lower(), method, opened)
        form = self.scope.text(keyword["format"]) or "" if "format" in keyword else None
        if method == "savefig" and form is not None and form.lower() not in ("png", "pdf", "jpg", "jpeg", "svg", "webp", "tif", "tiff"):
            self.find("caution", node, "output", "Saves a picture in a form that is not usual (%s)." % (form or "which one cannot be read here"), form)

    def ending(self, at):
        """The ending of a name that is put together."""
        last = at.values[-1] if isinstance(at, ast.JoinedStr) and at.values else at.right if isinstance(at, ast.BinOp) else None
        return last.value if isinstance(last, ast.Constant) and isinstance(last.value, str) else ""

    def file(self, node, name, method, opened):
        end = posixpath.splitext(name)[1]
        if name.endswith(LOADED) and (not opened or method or set(self.mode(node)) & set("wax+")):
            self.find("danger", node, "dynamic code", "Writes %s, which Python or the machine would load as code." % name[:60], name[:60])
        if opened:
            mode = self.mode(node) if method == "" else "w"
            if set(mode) & set("wax+") and name.endswith(BINARY):
                self.find("caution", node, "output", "Writes %s by itself, without a library: its bytes need not be what the name says." % name[:60], name[:60])
        elif end and not name.endswith(MADE_BY[method]):
            self.find("caution", node, "output", "Writes %s by %s: its bytes are not what the name says." % (name[:60], method), name[:60])
        if name.endswith(PAGES) and (not opened or set(mode) & set("wax+")):
            self.find("note", node, "output", "A page or a picture that can hold a program (%s) is handed over as a text file." % end, end)

    def mode(self, node):
        given = node.args[1] if len(node.args) > 1 else self.scope.keywords(node).get("mode")
        return "r" if given is None else self.scope.text(given) or "w"
