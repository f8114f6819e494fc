"""What kind of file this is, by what stands in it rather than by its name, and its tables."""

import json
import os
import re
import tempfile

from . import archive, delimited, encoding, objects, opendocument, sheets, texts, workbook
from .words import Odd, Refused

MARKUP_COMMENT = re.compile(rb"<!--.*?-->", re.S)
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
    if head[:4] == b"PK\x03\x04" or head[:4] == b"PK\x05\x06":
        return zip_kind(path)
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        with open(path, "rb") as f:
            whole = f.read(4 << 20)
        raise Refused("encrypted" if "EncryptedPackage".encode("utf-16-le") in whole else "old_excel")
    low = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:200].lower()
    if low.startswith((b"%pdf", b"\x89png", b"\xff\xd8\xff", b"gif8", b"rar!", b"7z\xbc\xaf", b"{\\rtf", b"sqlite format", b"\x7felf", b"bzh", b"\xfd7zxz", b"\x28\xb5\x2f\xfd")):
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
