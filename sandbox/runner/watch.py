"""Notes what the reviewed code does: what it opens, imports, connects to, spawns.

An audit hook cannot be removed, and each thing is reported at once, so what was
noted stays noted. It is a witness, not a guard: the box is the guard.
"""

import builtins
import importlib
import os
import sys

access, exists = os.access, os.path.lexists  # whatever the code makes of these names
MOST = 1000  # of a sort that are told; fewer are kept
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    def __init__(self, tell, work, quiet, mark):
        self.tell, self.work, self.mark = tell, work.rstrip("/") + "/", mark
        self.quiet = tuple(quiet)
        self.known = {}  # what has been told already
        self.armed = False

    def begin(self):
        """The code comes next. Whoever watches this box from outside knows it by a name that nobody else opens."""
        try:
            os.close(os.open(self.mark, os.O_RDONLY))
        except OSError:
            pass  # there is no such file, which does not matter
        self.armed = True

    def install(self):
        events = {
            "open": self.opened,
            "sqlite3.connect": lambda args: self.opened((args[0], None, WRITING)),
            "os.remove": lambda args: self.moved(args[0], "deleted"),
            "os.rename": lambda args: self.moved(args[0], "renamed to " + self.place(args[1])),
            "os.symlink": lambda args: self.note("opened", "%s (a link to %s)" % (self.place(args[1]), text(args[0]))),
            "socket.connect": lambda args: self.note("connected", address(args[1])),
            "socket.sendto": lambda args: self.note("connected", address(args[1])),
            "socket.bind": lambda args: self.note("connected", "listens at " + address(args[1])),
            "socket.getaddrinfo": lambda args: self.note("connected", "looks up " + text(args[0])),
            "socket.gethostbyname": lambda args: self.note("connected", "looks up " + text(args[0])),
            "subprocess.Popen": lambda args: self.note("spawned", command(args[1])),
            "os.system": lambda args: self.note("spawned", text(args[0])),
            "os.exec": lambda args: self.note("spawned", command(args[1])),
            "os.posix_spawn": lambda args: self.note("spawned", command(args[1])),
            "os.spawn": lambda args: self.note("spawned", command(args[2])),
            "os.fork": lambda args: self.note("spawned", "a copy of itself"),
            "os.forkpty": lambda args: self.note("spawned", "a copy of itself"),
        }

        def hook(event, args):
            if self.armed and event in events:
                try:
                    events[event](args)
                except Exception:
                    pass  # an odd argument is the code's own trouble, and no reason to stop it here

        # A library that was imported while the box warmed up raises no audit event, hence these.
        real_import, real_module = builtins.__import__, importlib.import_module

        def watched_import(name, globals=None, locals=None, fromlist=(), level=0):
            if self.armed and level == 0:
                asker = sys._getframe(1).f_globals
                # Not Python itself, which looks for a codec, or whose strftime takes time: C code asks in the name of whoever called it,
                # with a list where a statement has a tuple, and of what is loaded already nothing runs.
                if (globals is None or globals is asker) and not (isinstance(fromlist, list) and name in sys.modules):
                    self.imported(name, asker)
            return real_import(name, globals, locals, fromlist, level)

        def watched_module(name, package=None):
            if self.armed:
                self.imported(name, sys._getframe(1).f_globals)
            return real_module(name, package)

        builtins.__import__, importlib.import_module = watched_import, watched_module
        sys.addaudithook(hook)

    def opened(self, args):
        path, mode, flags = args[0], args[1], args[2]
        if isinstance(path, int):
            return
        place = self.place(path)
        if place.startswith(self.quiet) or place.startswith("/tmp") and not asked_for():
            return
        if text(path).startswith("<") and not exists(path) and not asked_for():
            return  # a traceback that looks for the source of "<unknown>", in newer Pythons
        writes = any(c in mode for c in "wax+") if isinstance(mode, str) else bool((flags or 0) & WRITING)
        # The hook runs before the call, so this foretells how it will end.
        if writes:
            self.note("opened", place + (" (written)" if self.writable(path) else " (writing refused)"))
        else:
            self.note("opened", place + ("" if access(path, os.R_OK) else " (not there or refused)"))

    @staticmethod
    def writable(path):
        if exists(path):
            return access(path, os.W_OK)
        return access(os.path.dirname(os.path.abspath(path)), os.W_OK | os.X_OK)

    def moved(self, path, how):
        place = self.place(path)
        if not place.startswith("/tmp") or asked_for(4):
            self.note("opened", "%s (%s)" % (place, how))

    def imported(self, name, asker):
        # What a library imports is its own business; text that is run as code belongs to the code.
        asker = asker.get("__name__")
        if asker == "__main__" or asker not in sys.modules:
            self.note("imported", name.partition(".")[0])

    def place(self, path):
        path = os.path.normpath(os.path.join(self.work, text(path)))
        return path[len(self.work):] if path.startswith(self.work) else path

    def note(self, sort, what):
        what = what[:200]  # of which the longest spelling in JSON still goes into one line: see tell
        told = self.known.setdefault(room(sort, what), set())
        if what not in told and len(told) < MOST:
            told.add(what)
            self.tell({"saw": sort, "what": what})


def room(sort, what):
    """What something is counted with. Files outside of the working folder are never many in honest code, and matter most."""
    return "elsewhere" if sort == "opened" and what.startswith(("/", "..")) else sort


def asked_for(depth=3):
    """Tells whether the code itself opens this, and not a library that needs room for the moment."""
    frame = sys._getframe(depth)
    return frame is not None and frame.f_globals.get("__name__") == "__main__"


def text(value):
    if isinstance(value, (bytes, os.PathLike)):
        value = os.fsdecode(value)
    return str(value)


def command(args):
    return text(args) if isinstance(args, (str, bytes)) else " ".join(text(a) for a in args)


def address(where):
    return "%s:%s" % where[:2] if isinstance(where, tuple) else text(where)
