"""The process that runs the code, as its supervisor sees it, and the pipes to it.

Loaded by supervise.py.
"""

import json
import os
import traceback


class Worker:
    """The process that runs the code, and the pipes to it."""

    def __init__(self, work, out, name, load, become):
        # The first pipe has the lowest numbers: what lies below them was open before, and closerange below shuts it. What guard.py
        # keeps for this process lies at 300 and above, and become() uses it up.
        code, report = os.pipe(), os.pipe()
        stdout, stderr, where = os.pipe(), os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                for fd in (code[1], report[0], stdout[0], stderr[0], where[0]):
                    os.close(fd)
                os.dup2(stdout[1], 1)
                os.dup2(stderr[1], 2)
                # The pipes' own numbers are closed: whoever waits for their end would wait for as long as one copy is open.
                os.close(stdout[1])
                os.close(stderr[1])
                os.closerange(3, min(code[0], report[1], where[1]))  # job and result, which are none of its business
                become()
                # become comes first: not even the imports run with root's rights.
                load("worker").main(code[0], report[1], where[1], work, out, name, load)
            except Exception:
                os.write(2, traceback.format_exc().encode("utf-8", "backslashreplace"))  # before the code, so it tells nothing of it
            finally:
                os._exit(99)
        # The supervisor's copies of the worker's ends: with one of them open no pipe would ever come to its end.
        for fd in (code[0], report[1], stdout[1], stderr[1], where[1]):
            os.close(fd)
        self.code, self.report, self.stdout, self.stderr, self.where = code[1], report[0], stdout[0], stderr[0], where[0]

    def ready(self):
        """Waits until the libraries are there. True unless the worker has died over it."""
        return os.read(self.report, 6) == b"ready\n"

    def hand(self, head, code):
        # Two lengths, the head, the code, in one stream: worker.py reads them in this order. BrokenPipeError, where the
        # worker is dead already, is the caller's.
        head = json.dumps(head).encode()
        data = memoryview(len(head).to_bytes(4, "big") + len(code).to_bytes(4, "big") + head + code)
        while data:
            data = data[os.write(self.code, data):]
        os.close(self.code)
