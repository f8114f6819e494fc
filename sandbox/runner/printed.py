"""What the code prints: as much of it as may leave the box, and its last line while it runs.

Loaded by supervise.py.
"""

import contextlib
import os
import time

LONGEST = 400      # bytes of a last line; of a longer one the beginning counts
SIZE = 512         # of the file in which it stands
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


def last_end(data):
    """Where the last line end stands. A carriage return begins a line anew, as bars of progress do. Looked for from behind:
    a program may print gigabytes."""
    return max(data.rfind(b"\n"), data.rfind(b"\r"))


class Line:
    """The last line that was printed so far, which may have no end yet. Of what is printed without end it costs nothing but
    a look: no more than LONGEST bytes are kept, and told once in a while."""

    def __init__(self, tell):
        self.tell, self.line, self.open = tell, b"", False
        self.told, self.due = b"", 0.0

    def take(self, data):
        begins = last_end(data) + 1
        if data[begins:].strip() or not begins:
            self.go_on(data[begins:], begins == 0)
        else:
            ended = data[:begins].rstrip()
            begins = last_end(ended) + 1
            self.go_on(ended[begins:], begins == 0)
            self.open = False
        self.pass_on()

    def go_on(self, text, same):
        """Takes what stands in a line: the one before, where no end came between them and it has none yet."""
        if same and self.open:
            self.line = (self.line + text[:LONGEST])[:LONGEST]
        elif text.strip():
            self.line, self.open = text[:LONGEST], True

    def pass_on(self):
        """Tells it where it has changed, and was not told a moment ago."""
        now = time.monotonic()
        if self.line != self.told and now >= self.due:
            self.told, self.due = self.line, now + EVERY
            self.tell(self.line)


def beside(result_at, rights):
    """What tells a last line in a file beside the result, which the host reads while the code runs. It holds no stamp, and
    always so many bytes, so that a line replaces the one before in one go. Without the file nothing is told: it is a
    courtesy, for which no run ends."""
    try:
        with rights():  # the host's folder is not the code's user's
            fd = os.open(os.path.join(os.path.dirname(result_at), "line"), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return lambda line: None

    def tell(line):
        with contextlib.suppress(OSError):
            os.pwrite(fd, line.ljust(SIZE, b"\n"), 0)
    tell(b"")  # so that it has its place on the disk, whatever the code fills
    return tell


def size(n):
    return "%d bytes" % n if n < 1 << 20 else "%.1f MB" % (n / (1 << 20))
