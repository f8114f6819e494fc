"""The process that runs the code, as its supervisor sees it, and the pipes to it.

Loaded by supervise.py.
"""

import json
import os
import traceback


class Worker:
    """The process that runs the code, and the pipes to it."""

    def __init__(self, work, out, name, load, become):
        code, report = os.pipe(), os.pipe()
        stdout, stderr, where = os.pipe(), os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                for fd in (code[1], report[0], stdout[0], stderr[0], where[0]):
                    os.close(fd)
                os.dup2(stdout[1], 1)
                os.dup2(stderr[1], 2)
                os.close(stdout[1])
                os.close(stderr[1])
                os.closerange(3, min(code[0], report[1], where[1]))  # job and result, which are none of its business
                become()
                load("worker").main(code[0], report[1], where[1], work, out, name, load)
            except Exception:
                os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))  # before the code, so it tells nothing of it
            finally:
                os._exit(99)
        for fd in (code[0], report[1], stdout[1], stderr[1], where[1]):
            os.close(fd)
        self.code, self.report, self.stdout, self.stderr, self.where = code[1], report[0], stdout[0], stderr[0], where[0]

    def ready(self):
        """Waits until the libraries are there. True unless the worker has died over it."""
        return os.read(self.report, 6) == b"ready\n"

    def hand(self, head, code):
        head = json.dumps(head).encode()
        data = memoryview(len(head).to_bytes(4, "big") + len(code).to_bytes(4, "big") + head + code)
        while data:
            data = data[os.write(self.code, data):]
        os.close(self.code)
