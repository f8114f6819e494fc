"""The form in which a job comes in and a result goes out; doc.go describes it.

Loaded by supervise.py and inspect.py. Everything here runs outside of the
process that runs the reviewed code.
"""

import contextlib
import hashlib
import json
import os
import struct

# The stamp, the kind, and the sizes of head and body, high bytes first. frame.go has the same on the host's side.
HEADER = struct.Struct(">16scII")
NO_STAMP = bytes(16)
MOST = 1 << 30
CHUNK = 1 << 18


def connect(where, flags):
    """Opens a path, or takes a descriptor that is called fd:N."""
    if where.startswith("fd:"):
        return int(where[3:])
    return os.open(where, flags | os.O_CLOEXEC, 0o600)


class Reader:
    """Reads the frames of a job."""

    def __init__(self, fd):
        self.file = os.fdopen(fd, "rb", closefd=False)

    def exactly(self, size):
        data = self.file.read(size)
        if len(data) != size:
            raise EOFError("the job ends too early")
        return data

    def opening(self):
        """The kind and the head of the next frame, and the size of its body, which has yet to be read."""
        _, kind, head_size, body_size = HEADER.unpack(self.exactly(HEADER.size))
        # Refused before anything of that size is asked for.
        if head_size > MOST or body_size > MOST:
            raise ValueError("a frame of the job is too large")
        head = self.exactly(head_size)
        return kind.decode(), json.loads(head) if head else {}, body_size

    def frame(self):
        kind, head, size = self.opening()
        return kind, head, self.exactly(size)

    def into(self, path, size):
        """Writes a body to a new file as it comes, so that it is never whole in memory; returns its sha256."""
        # O_EXCL and O_NOFOLLOW: where the name is taken already this fails, instead of writing to whatever it leads to.
        fd, said = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), hashlib.sha256()
        with os.fdopen(fd, "wb") as f:
            while size:
                data = self.file.read(min(size, CHUNK))
                if not data:
                    raise EOFError("the job ends too early")
                f.write(data)
                said.update(data)
                size -= len(data)
        return said.hexdigest()

    def all(self):
        """Yields every frame before the end, and insists on the end."""
        while True:
            kind, head, body = self.frame()
            if kind == "Z":
                return
            yield kind, head, body


class Writer:
    """Writes the frames of a result. Only stamped frames count."""

    def __init__(self, where, rights=contextlib.nullcontext):
        self.where, self.rights = where, rights
        # A file gets its name when it is whole; of a descriptor the host reads along, and knows by the end mark.
        self.part = where if where.startswith("fd:") else where + ".part"
        self.fd = connect(self.part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.stamp = NO_STAMP
        self.held = None

    def hold(self):
        """Keeps what is sent in memory until release. A file could be read by the code, and its frames hold the stamp."""
        if self.part != self.where:
            self.held = []

    def release(self):
        """Writes what was held: nothing of the code is alive any more."""
        held, self.held = self.held or [], None
        for data in held:
            self.write(data)

    def send(self, kind, head=None, body=b""):
        head = json.dumps(head).encode() if head is not None else b""
        data = HEADER.pack(self.stamp, kind.encode(), len(head), len(body)) + head + body
        if self.held is None:
            self.write(data)
        else:
            self.held.append(data)

    def write(self, data):
        data = memoryview(data)
        while data:
            # A pipe may take less than it is given.
            data = data[os.write(self.fd, data):]

    def end(self):
        """The last act: whoever does not see this knows that something is missing."""
        self.send("Z")
        if self.part != self.where:
            # First the bytes, then the name: whoever sees the name finds all of them.
            os.fsync(self.fd)
            with self.rights():
                os.rename(self.part, self.where)
        os.close(self.fd)
