"""What the code prints: as much of it as may leave the box, and its last line while it runs.

Loaded by supervise.py.
"""

import contextlib
import os
import re
import time

ESCAPES = re.compile(rb"\x1b(\[[0-?]*[ -/]*([@-~]|$)|[@-Z\\^_]|$)")
LONGEST = 400      # bytes of a last line; of a longer one the beginning counts
SIZE = 512         # of the file in which it stands
LOOKS = 64         # lines of a piece that are looked at, from its end, for one with anything to see
EVERY = 1.0        # seconds between two of its changes


class Text:
    """One stream of what is printed: its beginning is sent as it comes, of the rest the end is kept."""

    def __init__(self, result, kind, most):
        self.result, self.kind = result, kind
        self.head, self.keep = most - most // 4, max(1, most // 4 - 100)  # 100 for the words between
        self.came = self.sent = 0
        self.tail = b""

    def take(self, data):
        self.came += len(data)
        now = data[:self.head - self.sent]
        if now:
            self.sent += len(now)
            self.result.send(self.kind, None, now)
        self.tail += data[len(now):]
        if len(self.tail) > 4 * self.keep:
            self.tail = self.tail[-self.keep:]

    def tell(self, line):
        """Sends a last line by itself, where what is printed is not sent as it comes any more."""
        if self.sent == self.head:
            self.result.send("L", None, line)

    def end(self):
        """Sends the rest. True when something had to be left out."""
        lost = self.came - self.sent - self.keep
        if lost > 0:
            self.tail = b"\n[... %d bytes are left out here ...]\n" % lost + self.tail[-self.keep:]
        if self.tail:
            self.result.send(self.kind, None, self.tail)
        return lost > 0


def visible(text):
    """Whether there is anything to see in a line: escapes move the cursor, and colour what is printed."""
    return bool(ESCAPES.sub(b"", text).strip())


class Line:
    """The last line that was printed so far, to any stream; it may have no end yet. A carriage return begins a line anew, as
    bars of progress do, and what one stream prints is no part of another's line. Of what is printed without end it costs
    nothing but a look from behind: no more than LONGEST bytes are kept, and told once in a while."""

    def __init__(self, tell):
        self.tell, self.line, self.begun, self.stream = tell, b"", {}, None
        self.told, self.due = b"", 0.0

    def take(self, data, stream=None):
        ends = data.replace(b"\r", b"\n")
        at = ends.rfind(b"\n")
        begun = self.begun.get(stream, b"")
        if at < 0:
            self.begun[stream] = begun = go_on(begun, data)
            if visible(begun):
                self.line, self.stream = begun, stream
        else:
            self.begun[stream] = last = go_on(b"", data[at + 1:])
            for _ in range(LOOKS):
                if at < 0 or visible(last):
                    break
                until = len(ends[:at].rstrip())  # empty lines cost one look together
                at = ends.rfind(b"\n", 0, until)
                last = go_on(b"" if at >= 0 else begun, data[at + 1:until])
            if visible(last):
                self.line, self.stream = last, stream
        self.pass_on()

    def pass_on(self):
        """Tells it where it has changed, and was not told a moment ago."""
        now = time.monotonic()
        if self.line != self.told and now >= self.due:
            self.told, self.due = self.line, now + EVERY
            self.tell(self.line, self.stream)


def go_on(begun, text):
    """A line with more of it. One begins with the first thing in it that is not white."""
    return begun if len(begun) == LONGEST else (begun + text[:LONGEST])[:LONGEST] if begun else text.lstrip()[:LONGEST]


def beside(result_at, rights):
    """What tells a last line in a file beside the result, which the host reads while the code runs. It holds no stamp, and
    always so many bytes, so that a line replaces the one before in one go. Without the file nothing is told: it is a
    courtesy, for which no run ends."""
    try:
        with rights():  # the host's folder is not the code's user's
            fd = os.open(os.path.join(os.path.dirname(result_at), "line"), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return lambda line, stream=None: None

    def tell(line, stream=None):
        with contextlib.suppress(OSError):
            os.pwrite(fd, line.ljust(SIZE, b"\n"), 0)
    tell(b"")  # so that it has its place on the disk, whatever the code fills
    return tell


def size(n):
    return "%d bytes" % n if n < 1 << 20 else "%.1f MB" % (n / (1 << 20))
