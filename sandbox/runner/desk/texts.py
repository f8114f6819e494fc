"""A text file as lines: found in its encoding, decoded as it is read, so that a large one is never whole in memory."""

import codecs
import re

from . import encoding
from .records import LINE
from .words import Refused

BLOCK = 4 << 20
HEAD = 256 << 10


def find_encoding(path):
    """(encoding, how sure, which else it may be) of a file, by all of it."""
    said, room, utf8, head, ascii_only = [], encoding.SAMPLE, codecs.getincrementaldecoder("utf-8")(), b"", True
    valid = True
    with open(path, "rb") as f:
        head = f.read(64 << 10)
        block, first = head, True
        while block:
            if not block.isascii():
                ascii_only = False
                if room > 0:
                    lines = encoding.telling(block)
                    said.append(lines)
                    room -= len(lines)
            if valid:
                try:
                    utf8.decode(block)
                except UnicodeDecodeError:
                    valid = False
            block = f.read(BLOCK)
    if valid:
        try:
            utf8.decode(b"", final=True)
        except UnicodeDecodeError:
            valid = False
    marked = encoding.guess(head[:4096], whole=False)
    if marked[0].startswith(("utf-16", "utf-32")) or marked[0] == "utf-8-sig":
        return *marked, []
    if ascii_only and b"\x1b$" in head:
        return "iso2022_jp", encoding.CERTAIN, []  # letters by escapes
    if valid or ascii_only:
        return "utf-8", encoding.CERTAIN, []
    raw = b"\n".join(said)
    raw = raw[2:] if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else raw  # a mark in the midst tells nothing
    best, sure = encoding.guess(raw, whole=len(head) < 64 << 10)
    return best, sure, encoding.others(raw, best) if sure < encoding.SURE else []


def blocks(path, name, size=BLOCK, strict=False):
    """The text, decoded, in pieces that end with a line. What cannot be decoded becomes a replacement character."""
    decoder = codecs.getincrementaldecoder(name)("strict" if strict else "replace")
    rest, first = "", True
    with open(path, "rb") as f:
        while True:
            data = f.read(size)
            text = rest + decoder.decode(data, final=not data)
            if first and text:
                text, first = text.removeprefix("\ufeff"), False
            if "\ufeff" in text:  # files that were put together bring their marks along
                text = text.replace("\n\ufeff", "\n").replace("\r\ufeff", "\r")
            if not data:
                if text:
                    yield text
                return
            # A CR at the very end may be the first half of a CRLF, so it ends nothing yet.
            cut = max(text.rfind("\n"), text.rfind("\r", 0, len(text) - 1)) + 1
            if not cut:
                rest = text
                # So many characters without an end of a line are no text, and would all be kept in memory.
                if len(rest) > 64 << 20:
                    raise Refused("binary")
                continue
            rest = text[cut:]
            yield text[:cut]


def head(path, name):
    """The first characters, whole lines only, and whether this is all there is."""
    for text in blocks(path, name, HEAD):
        return text
    return ""


def lines(text):
    """The lines of a text with their ends: LF, CRLF or CR."""
    if "\r" in text:
        return LINE.findall(text)
    out = text.split("\n")
    last = out.pop()
    out = [line + "\n" for line in out]
    if last:
        out.append(last)
    return out


def check_text(sample, escape=""):
    """Refuses what is no text."""
    if "\0" in sample and escape != "\0":
        raise Refused("nul")
    control = len(re.findall("[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]", sample))
    if control > max(2, len(sample) // 100):
        raise Refused("binary")
