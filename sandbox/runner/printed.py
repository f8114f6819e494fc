"""What the code prints: as much of it as may leave the box.

Loaded by supervise.py.
"""


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

    def end(self):
        """Sends the rest. True when something had to be left out."""
        lost = self.came - self.sent - self.keep
        if lost > 0:
            self.tail = b"\n[... %d bytes are left out here ...]\n" % lost + self.tail[-self.keep:]
        if self.tail:
            self.result.send(self.kind, None, self.tail)
        return lost > 0


def size(n):
    return "%d bytes" % n if n < 1 << 20 else "%.1f MB" % (n / (1 << 20))
