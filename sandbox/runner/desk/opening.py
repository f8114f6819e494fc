"""What kind of file this is, by what stands in it rather than by its name, and its tables."""

import json
import os
import re
import tempfile

from . import archive, delimited, encoding, objects, opendocument, sheets, texts, workbook
from .words import Odd, Refused

MARKUP_COMMENT = re.compile(rb"<!--.*?-->", re.S)
OFX = re.compile(rb"(?:\xef\xbb\xbf)?\s*OFXHEADER[:=]", re.I)
MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<([A-Za-z_][\w:.-]*)(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*>\s*(?:<[A-Za-z_!?][^<>]*>|[^<>]*</\1>)")  # an element and another one in it, not <TICKER>;<DATE>
# Texts that other programs or people write and that hold no table, by how they begin; what a line begins with is looked for in the first of them.
FOREIGN = (
    ("program_file", re.compile(r"\{1:F01|!(?:Type|Account|Option|Clear)\b|8=FIX|User-agent: |UNA[^\w\s]{4}[ *][^\w\s]|UNB\+|ISA[*|~^]00|(?:MSH|FHS|BHS)\|\^~|0 HEAD\s|HEADER RECORD\*{7}|%!PS|@relation\s|(?:%.*\n)+\s*@relation\s|-----BEGIN |TY  - |"
                                r">\S.*\n(?:[A-Z*-]+\n)|@\S.*\n[ACGTN]+\n\+|@\w+\{[^,\n]*,\s*\n|(?:version: 1\n\s*)?dn:: ?|(?:version: 1\n\s*)?dn: \w+=|(?:.*\n){0,5}:20:.*\n(?::\d\d[A-Z]?:.*\n)", re.I)),
    ("database_dump", re.compile(r"(?:[ \t]*(?:--|/\*|#|\*/).*\n|[ \t]*\n|GO\n|(?:SET|DROP|USE|BEGIN|LOCK|START|PRAGMA|ALTER|SELECT pg_catalog)\b.*\n)*[ \t]*(?:INSERT (?:INTO\b|IGNORE\b|\[)|(?-i:SELECT)\s[^;]{1,500}?\s(?-i:FROM)\s|REPLACE INTO\b|CREATE (?:TABLE|DATABASE|SCHEMA)\b|COPY \S+ .*FROM stdin)", re.I)),
    ("contacts", re.compile(r"BEGIN:V(?:CARD|CALENDAR)\b|From \S+@\S+ .*\d{4}\n|(?:(?:[A-Z][\w-]+: .*\n)(?:[ \t].*\n)*){0,40}?(?:Received: (?:from|by) |(?:MIME-Version|Message-ID|Return-Path|Delivered-To|DKIM-Signature): )|(?=(?:.*\n){0,12}?(?:From|To): .*@)(?:From|To|Date|Subject): .*\n(?:[A-Z][\w-]+: .*\n){2,}", re.I)),
    ("no_table", re.compile(r"---\s*\n(?:[\w.-]+:|- )|%YAML|(?:diff --git |--- \S.*\n\+\+\+ |Index: \S+\n===)|WEBVTT|\d+\n\d\d:\d\d:\d\d[,.]\d{3} --> |(?:#.*\n)*msgid \"|\\(?:documentclass|begin\{|usepackage)|"
                            r"#!\s?/|<\?php|#include\s*[<\"]|(?:data|proc|libname|options) [^;,\n]*;[ \t]*\n(?=[ \t]*(?:\n|(?:set|input|infile|run|proc|data|datalines|cards|libname|merge|length|format|options|title|filename)\b|[%*/]))|[\w.#*:@,\s-]{1,80}\{[ \t]*\n[ \t]+[\w-]+ ?:|module\.exports\b|export (?:default|const|function)\b|"
                            r"\|\|[^|\n]+\|\|.*\n\||\{\|\s|#{1,6} .*\n\s*(?:[-*] .*\n){2,}|(?:var|let|const|window\.[\w.]+)\s[^,;\t\n]*=\s*[\[{]|window\.[\w.]+ = |\w[\w.]*\(\s*(?:\{\s*[\"'}]|\[\s*[\[{\"'\d])")),
)
KEYED = re.compile(r"(?:[\w.$ -]{1,60}|\"[^\"]*\")\s*=.*|\[{1,2}[\w .:/\"'-]+\]{1,2}")                         # key=value, [section]
FACT = re.compile(r"[A-Z][^:;,\t|]{0,40}:(?: .*)?")
YAML = re.compile(r"(?:\s*- )?[\w./-]+:(?:\s.*)?|\s*- .*|\s*\}|\s+\S.*")
CODE = re.compile(r"(?:import|from|def|class|return|if|for|while|function|var|let|const|public|private|package|using|#include|library\(|end|else|try|raise|print\()\b.*|[})\]]+;?|.*\)\s*;|.*\{")
CLOCKED = re.compile(r"\[?(?:\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d|\d\d:\d\d:\d\d)(?:[.,]\d+)?(?:Z|[-+]\d\d:?\d\d)?\]?(?: +| +[^,;\t|]{0,40}?[\s\[])(?:[\[(<]?(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|FATAL|CRIT(?:ICAL)?|SEVERE)\b|\[|\{|\S+ [\w./-]+(?:\[\d+\])?: ).*|[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ .*|"
                     r"(?:<\d+>)?[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [\w./-]+(?:\[\d+\])?: .*|(?:\w+=(?:\"[^\"]*\"|\S*)(?:\s+|$)){3,}|"
                     r"\[?\d{1,4}[./-]\d{1,2}[./-]\d{2,4},? \d{1,2}:\d\d(?::\d\d)?(?:\s?[AaPp]\.?[Mm]\.?)?\]?(?: -)? [^:;,\t]{1,40}: .*", re.I)


def foreign(head):
    """Which refusal a text deserves that is plainly no table, "" where it may be one."""
    text = head.lstrip("\ufeff \t\r\n").replace("\r\n", "\n").replace("\r", "\n")[:20000]
    for code, mark in FOREIGN:
        if mark.match(text):
            return code
    lines = [line.rstrip() for line in text.split("\n")[:60] if line.strip() and not line.lstrip().startswith(("#", ";", "//"))]
    if len(lines) < 2:
        return ""
    share = lambda form: sum(1 for line in lines if form.fullmatch(line)) / len(lines)
    blocks = [b.split("\n") for b in re.split(r"\n{2,}", text.strip())]
    firsts = [b[0].partition(":")[0] for b in blocks if len(b) > 1 and all(FACT.fullmatch(line) for line in b)]
    if max(map(firsts.count, firsts), default=0) > 1:
        return "no_table"  # a record is a block of lines: Date: …, Amount: …
    settings = [line for line in lines if line[0] == "["]
    if lines[0][0] == "[" and KEYED.fullmatch(lines[0]) and "=" in text and share(KEYED) >= 0.5:
        return "no_table"
    if share(KEYED) > 0.95 and 2 * sum("=" in line for line in lines) >= len(lines) and (settings or len({line.partition("=")[0] for line in lines}) == len(lines)) and not any(line.count("=") > 1 for line in lines[:3]):
        return "no_table"
    if not tabled(lines) and share(CLOCKED) >= 0.5:
        return "no_table"
    blocks = any(line.endswith(":") and after[0] in " -" for line, after in zip(lines, lines[1:])) or lines[0].startswith("- ") and ": " in lines[0] and any(line[0] == " " for line in lines)
    if share(YAML) == 1 and blocks:
        return "no_table"
    started = re.match(r"(?:import|from|package|using|library|def|function|class|public|#include)\b", lines[0])
    return "no_table" if started and not tabled(lines) and share(CODE) > 0.4 and any(re.search(r"[{};:)]\s*$|[^<>=!]=[^=]|\w\(", line) for line in lines) else ""


def tabled(lines):
    """Whether every line has as many semicolons, tabs or commas within it, as only tables have: 2024-01-02 10:00:01 [Door 1],open,Anna."""
    counts = [[len(re.findall(d, line.rstrip(",;\t"))) for line in lines] for d in (";", "\t", r"(?<!\d:\d\d),(?! )")]
    return any(min(c) == max(c) > 0 for c in counts) and not all("=" in line for line in lines)


JSON_NAMES = (".json", ".jsonl", ".ndjson", ".geojson")


class Opened:
    """A file and its tables, before types."""

    def __init__(self, path, name, spec=None, told=None):
        self.told = told or {}
        self.inside, self.unpacked = "", None
        self.encoding, self.sure, self.others = "", encoding.CERTAIN, []
        kind = kind_of(path)
        if kind in ("gzip", "zip"):
            handle, self.unpacked = tempfile.mkstemp(dir=os.environ.get("TMPDIR"))
            os.close(handle)
            try:
                inner = archive.unpack(path, self.unpacked)
                self.inside = inner[:200]
                name = inner or (name[:-3] if name.lower().endswith(".gz") else name)
                # One level: an archive within an archive is refused, so that nobody is asked to approve what nobody has looked at.
                path, kind = self.unpacked, kind_of(self.unpacked)
                if kind in ("gzip", "zip"):
                    raise Refused("nested_archive")
            except BaseException:
                self.close()
                raise
        self.kind, self.path, self.name = kind, path, name
        try:
            self.tables = self.find(spec)
        except BaseException:
            self.close()
            raise

    def find(self, spec):
        if self.kind == "xlsx":
            return sheets.tables_of(workbook.read(self.path), self.told)
        if self.kind == "ods":
            return sheets.tables_of(opendocument.read(self.path), self.told)
        if self.kind == "parquet":
            return [parquet(self.path)]
        if spec and spec.get("encoding"):
            self.encoding, self.sure = spec["encoding"], spec.get("sure", encoding.CERTAIN)
        elif self.told.get("encoding"):
            self.encoding = self.told["encoding"]
        else:
            self.encoding, self.sure, self.others = texts.find_encoding(self.path)
            if self.sure < encoding.CERTAIN and encoding.foreign(texts.head(self.path, self.encoding)):
                raise Refused("encoding")
        # Not where the reading is known or somebody has said how to read it: people know better what they have.
        if code := foreign(texts.head(self.path, self.encoding)) if spec is None and not self.told else "":
            raise Refused(code)
        if spec["kind"] in ("json", "jsonl") if spec else self.is_json():
            table = objects.read(self.path, self.encoding)
            self.kind = "json"
            return [table]
        self.kind = "text"
        table = delimited.Delimited(self.path, self.encoding, spec["tables"][0]["spec"] if spec else None, self.told)
        table.name, table.hidden, table.index = "", False, None
        return [table]

    def is_json(self):
        head = texts.head(self.path, self.encoding).lstrip("\ufeff \t\r\n")
        named = self.name.lower().endswith(JSON_NAMES)
        if not head.strip():
            raise Refused("empty")
        if head[0] not in "[{":
            if named and objects.commented(head):
                return True
            if named:
                raise Refused("no_records" if objects.scalar(head) else "broken_json", **({} if objects.scalar(head) else {"line": 1}))
            return False
        if named:
            return True
        # Not named as JSON: it is, if its first line is a value (JSON lines), or the whole of it.
        first = head.splitlines()[0]
        try:
            json.loads(first)
            return True
        except (ValueError, RecursionError):
            pass
        if head[0] == "{" or head[:40].replace(" ", "").replace("\n", "").startswith(("[{", "[[")):
            try:
                json.loads("".join(texts.blocks(self.path, self.encoding)).lstrip("\ufeff"))
                return True
            except (ValueError, RecursionError):
                return False
        return False

    def close(self):
        if self.unpacked and os.path.exists(self.unpacked):
            os.unlink(self.unpacked)


def kind_of(path):
    with open(path, "rb") as f:
        head = f.read(4096)
    if not head.strip(b"\0 \r\n\t\xef\xbb\xbf"):
        with open(path, "rb") as f:
            f.seek(0, 2)
            if f.tell() <= 4096:
                raise Refused("empty")
    # The bytes decide, and not the name: what is called .xls may be HTML, a text or a new workbook.
    if head[:4] == b"PK\x03\x04" or head[:4] == b"PK\x05\x06":
        return zip_kind(path)
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        with open(path, "rb") as f:
            whole = f.read(4 << 20)
        # A workbook with a password is an old container with one stream of that name; its names are in UTF-16.
        raise Refused("encrypted" if "EncryptedPackage".encode("utf-16-le") in whole else "old_excel")
    low = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if low.startswith((b"%pdf", b"\x89png", b"\xff\xd8\xff", b"gif8", b"rar!", b"7z\xbc\xaf", b"{\\rtf", b"sqlite format", b"\x7felf", b"bzh", b"\xfd7zxz", b"\x28\xb5\x2f\xfd")):
        raise Refused("kind")
    if OFX.match(head) or MARKUP.match(head):
        raise Refused("kind")
    low = MARKUP_COMMENT.sub(b"", head.replace(b"\0", b"")).lstrip(b"\xff\xfe\xef\xbb\xbf \t\r\n")[:200].lower()  # in any encoding
    if low.startswith((b"<!doctype", b"<html", b"<head", b"<meta", b"<body", b"<?xml", b"<table", b"<workbook", b"mime-version:")):
        raise Refused("kind")
    return "text"


def zip_kind(path):
    parts = archive.Parts(path)
    if "[content_types].xml" in parts.infos or any(n.startswith("xl/") for n in parts.infos):
        if any(n.startswith(("word/", "ppt/")) for n in parts.infos):
            raise Refused("kind")
        return "xlsx"
    if "mimetype" in parts.infos and "content.xml" in parts.infos:
        if b"spreadsheet" not in b"".join(parts.stream("mimetype"))[:200]:
            raise Refused("kind")
        return "ods"
    return "zip"


class Raw(Opened):
    """The bytes of a file, out of its archive."""

    def find(self, spec):
        return []


def preview(path, name, encodings):
    """A few places of a text whose letters differ, in each of these encodings: values, for the person alone who asked about the file."""
    opened = Raw(path, name)
    try:
        if opened.kind != "text":
            return []
        with open(opened.path, "rb") as f:
            lines = encoding.telling(f.read(4 << 20)).split(b"\n")
        shown = []
        for line in lines[:5]:
            first = next(i for i, b in enumerate(line) if b > 127)
            piece = line[max(0, first - 20):first + 30]
            shown.append([" ".join(piece.decode(e, "replace").split()) for e in encodings])
        return shown
    finally:
        opened.close()


class ParquetTable:
    def __init__(self, frame):
        self.name, self.hidden, self.odd, self.index = "", False, Odd(), None
        self.heading = [str(c) for c in frame.columns]
        self.width, self.heads, self.heading_line, self.titles, self.sure_heading, self.frame = len(self.heading), 1, 0, 0, True, frame

    def frames(self):
        made = self.frame.astype(object).where(self.frame.notna(), None)
        made.columns = range(self.width)
        for column in made:
            made[column] = [v.to_pydatetime().replace(tzinfo=None) if hasattr(v, "to_pydatetime") else v.item() if hasattr(v, "item") else v for v in made[column]]
        yield made.astype(object)

    def spec(self):
        return {"width": self.width, "heads": 1}


def parquet(path):
    import importlib.util
    if importlib.util.find_spec("pyarrow") is None:
        raise Refused("parquet")
    import pandas
    try:
        return ParquetTable(pandas.read_parquet(path))
    except Exception:  # the library has many ways to say that a file is broken
        raise Refused("parquet_broken")
