"""Files out of a zip or gzip, never more of them than this machine can bear: sizes that an archive states are claims."""

import gzip
import os
import struct
import zipfile
import zlib
from xml.parsers import expat

from .words import DEEPEST, MOST_PARTS, MOST_UNPACKED, Refused

# All of these come out of zipfile and gzip for bytes that are wrong: an encrypted part is a RuntimeError there, a way of
# packing that is not known a NotImplementedError. The file is at fault, and never the desk.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError, LookupError, struct.error)


class Parts:
    """The parts of a zip by their names, as every writer means them: slashes either way, any case, nothing before the first."""

    def __init__(self, path):
        try:
            self.zip = zipfile.ZipFile(path)
            infos = [i for i in self.zip.infolist() if i.filename]
        except BROKEN:
            raise Refused("broken_archive")
        if len(infos) > MOST_PARTS:
            raise Refused("parts", parts=len(infos), most=MOST_PARTS)
        if any(i.flag_bits & 1 for i in infos):
            raise Refused("encrypted")
        # For all parts together: a small archive can name the same bytes many times.
        self.left = MOST_UNPACKED
        self.infos = {clean(i.filename): i for i in infos if not i.is_dir()}

    def __contains__(self, name):
        return clean(name) in self.infos

    def stream(self, name):
        """The bytes of a part, piece by piece."""
        info = self.infos[clean(name)]
        # The honest size is refused before anything is unpacked; a false one is found out by counting, below.
        if info.file_size > MOST_UNPACKED:
            raise Refused("unpacked", megabytes=info.file_size >> 20, most=MOST_UNPACKED >> 20)
        try:
            with self.zip.open(info) as f:
                while True:
                    piece = f.read(1 << 18)
                    if not piece:
                        return
                    self.left -= len(piece)
                    if self.left < 0:
                        raise Refused("unpacked", megabytes=MOST_UNPACKED >> 20, most=MOST_UNPACKED >> 20)
                    yield piece
        except BROKEN:
            raise Refused("broken_archive")

    def parse(self, name, start, end, text):
        """Reads a part as XML with these handlers; names come without their namespace. No document types, no entities."""
        parser = expat.ParserCreate(namespace_separator="\n")
        # Text comes in pieces of that size rather than at each end of a line: a handler is a call of Python's.
        parser.buffer_text, parser.buffer_size = True, 1 << 16
        depth = [0]

        def opened(tag, attributes):
            depth[0] += 1
            if depth[0] > DEEPEST:
                raise Refused("deep", most=DEEPEST)
            start(tag.rpartition("\n")[2], {k.rpartition("\n")[2]: v for k, v in attributes.items()})

        def closed(tag):
            depth[0] -= 1
            end(tag.rpartition("\n")[2])

        def declared(*_):
            raise Refused("entities")

        parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = opened, closed, text
        # Entities that are made of entities grow without bound, and no writer of workbooks needs one.
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = declared
        try:
            for piece in self.stream(name):
                parser.Parse(piece, False)
            parser.Parse(b"", True)
        except expat.ExpatError:
            raise Refused("broken_workbook")


def clean(name):
    return name.replace("\\", "/").lstrip("/").removeprefix("./").lower()


def unpack(path, to):
    """The one file of a gzip or zip, written to a path; its name, as far as the archive says it."""
    with open(path, "rb") as f:
        magic = f.read(4)
    if magic[:2] == b"\x1f\x8b":
        pieces, name = gunzip(path), ""
    else:
        parts = Parts(path)
        # What a Mac adds to every archive, and files that hide, are nobody's data.
        wanted = [n for n in parts.infos if not n.startswith("__macosx/") and not n.rpartition("/")[2].startswith(".")]
        if not wanted:
            raise Refused("empty")
        if len(wanted) > 1:
            raise Refused("several_files", files=len(wanted))
        pieces, name = parts.stream(wanted[0]), os.path.basename(parts.infos[wanted[0]].filename.replace("\\", "/"))
    with open(to, "wb") as out:
        for piece in pieces:
            out.write(piece)
    return name


def gunzip(path):
    left = MOST_UNPACKED
    try:
        with gzip.open(path, "rb") as f:
            while True:
                piece = f.read(1 << 18)
                if not piece:
                    return
                left -= len(piece)
                if left < 0:
                    raise Refused("unpacked", megabytes=MOST_UNPACKED >> 20, most=MOST_UNPACKED >> 20)
                yield piece
    except BROKEN:
        raise Refused("broken_archive")
