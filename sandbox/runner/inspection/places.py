"""Which files and addresses a program reads and writes. Loaded by findings.py."""

import ast
import builtins
import posixpath
import re

TOLD = 120  # characters of a name
# What a file's name outside of the working folder looks like, and what one of the system's own does.
ELSEWHERE = re.compile(r"(/(home|usr|opt|srv|mnt|media|runner|lib|bin|sbin)/|[A-Za-z]:\\|/[\w./ -]*\.\w{1,5}$)")
SYSTEM = re.compile(r"/(etc|proc|root|sys|dev|boot|run|var)/|~\w*/|(\.\./)+\w|file:/")
PURE = {"joinpath", "with_suffix", "with_name", "with_stem", "as_posix", "as_uri", "is_absolute", "relative_to", "match", "resolve", "absolute", "expanduser", "format", "split", "replace"}
FONTS = "/usr/share/fonts/"
# Functions and methods that take texts which only look like files' names: addresses in a log, labels.
TEXT_FUNCTIONS = ("re.", "logging.", "urllib.parse.", "os.path.", "posixpath.", "collections.", "datetime.", "fnmatch.", "textwrap.", "string.", "pandas.Series", "pandas.DataFrame", "pandas.Index", "numpy.array")
TEXT_METHODS = set(dir(str)) | {"contains", "fullmatch", "match", "findall", "extract", "isin", "eq", "ne", "get", "append", "add", "insert", "extend", "text", "annotate", "title", "suptitle", "xlabel", "ylabel",
                                "legend", "plot", "scatter", "bar", "barh", "write", "writelines", "writerow", "info", "warning", "error", "debug", "groupby", "rename", "map", "fillna", "where", "mask", "query", "setdefault", "pop"}


class Places(ast.NodeVisitor):
    def __init__(self, scope, known, report, files):
        self.scope, self.known, self.find = scope, known, report.find
        self.inputs = {f["name"] for f in files}
        self.written, self.read = set(), set()
        self.told = set()       # places outside that a finding is about
        self.anything = False  # it reads files whose names cannot be told

    def visit_Call(self, node):
        for name in self.scope.names(node.func) or [""]:
            self.call(node, name, node.func.attr if isinstance(node.func, ast.Attribute) else "")
        self.generic_visit(node)

    def visit_Attribute(self, node):
        self.reader_handed_on(node)
        self.generic_visit(node)

    def visit_Name(self, node):
        self.reader_handed_on(node)

    def reader_handed_on(self, node):
        """A function that reads files, handed to something that calls it: map(pd.read_csv, names)."""
        up = self.scope.parents.get(node)
        if isinstance(up, ast.keyword) or isinstance(up, ast.Call) and up.func is not node:
            if any(name in self.known.READS or name.startswith("pandas.read_") for name in self.scope.names(node)):
                self.anything = True
                self.find("caution", node.lineno, "read", "Reads a file whose name is computed.")

    def call(self, node, name, method):
        keyword = self.scope.keywords(node)
        first = node.args[0] if node.args else None
        self.addresses(node, name, method, keyword)
        self.of_a_path(node, method)
        if name in self.known.WRITE_CALLS:
            self.one(node, first or keyword.get("filename") or keyword.get("fname"), self.writes_file)
        elif name.startswith("pandas.read_sql"):
            pass  # a question to a database; addresses has looked at where it is
        elif name in self.known.READS or name.startswith("pandas.read_"):
            self.opens(node, name, first or self.among(keyword, "filepath_or_buffer", "io", "path", "path_or_buf", "path_or_buffer", "file", "filename", "fname"), keyword)
            for where in [w for arg, value in keyword.items() if arg not in ("file", "mode") for w in self.scope.texts(value) or () if SYSTEM.match(w)]:
                self.outside_at(node, where)  # a stylesheet, a cache
        elif name.startswith(("os.", "glob.", "shutil.", "tempfile.")):
            self.reaches(node, name)
        elif method == "open" and first is not None and not self.scope.imported(node.func) and self.scope.text(node.func.value) is None and not isinstance(node.func.value, ast.Name):
            pass
        elif method == "open" and self.scope.imported(node.func):
            self.handed_on(node, name, method)
        elif method in ("open", "touch"):
            if self.scope.text(node.func.value) is not None:
                self.by_mode(node, node.func.value, first or keyword.get("mode"), "w" if method == "touch" else "r")
        elif method in ("read_text", "read_bytes"):
            self.one(node, node.func.value, self.reads_file)
        elif method in ("write_text", "write_bytes"):
            self.one(node, node.func.value, self.writes_file)
        elif method in ("unlink", "rmdir") and not node.args:
            self.find("caution", node.lineno, "delete", "Deletes files or folders (%s)." % method, self.scope.text(node.func.value) or "")
        elif method in ("iterdir", "glob", "rglob", "exists", "stat") and self.scope.text(node.func.value) is not None:
            self.outside_at(node, self.scope.text(node.func.value))
        elif method in self.known.WRITES:
            self.one(node, first or self.among(keyword, "path_or_buf", "fname", "excel_writer", "path", "buf"), self.writes_file)
        elif method == "to_sql":
            self.find("caution", node.lineno, "write", "Writes a table into a database (to_sql).")
        elif method == "save" and first is not None and (self.scope.text(first) or "openpyxl" in self.scope.tops):
            self.writes_file(node, first)
        elif method in ("extractall", "extract") and {"zipfile", "tarfile"} & self.scope.tops:
            self.find("caution", node.lineno, "write", "Unpacks an archive (%s)." % method)
            for where in [w for at in node.args + list(keyword.values()) for w in self.scope.texts(at) or ()]:
                self.outside_at(node, where)
        else:
            self.handed_on(node, name, method)

    def of_a_path(self, node, method):
        """Whatever is done with a pathlib.Path that lies outside: it may be renamed, looked at, linked."""
        whole = self.scope.value(node.func.value) if isinstance(node.func, ast.Attribute) else None
        if self.scope.is_place(whole) and method not in PURE and method not in self.known.PATH_WRITES:
            self.outside_at(node, whole)

    def handed_on(self, node, name, method):
        """A place outside is no business of the program, whatever it is handed to."""
        if self.only_text(name, method):
            return
        for arg in node.args + [k.value for k in node.keywords]:
            for one in arg.elts if isinstance(arg, (ast.List, ast.Tuple)) else [arg]:
                for where in self.scope.texts(one) or ():
                    if SYSTEM.match(where) or ELSEWHERE.match(where) and not where.startswith(FONTS):
                        self.outside_at(node, where)

    @staticmethod
    def only_text(name, method):
        return name != "open" and hasattr(builtins, name) or name.startswith(TEXT_FUNCTIONS) or method in TEXT_METHODS or method.startswith("set_")

    def tell_named(self, nodes):
        """Files of the system that are named somewhere, in a program that reads what it names as it runs."""
        for node in nodes if self.anything else ():
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or not SYSTEM.match(node.value):
                continue
            up = self.scope.parents.get(node)
            text = isinstance(up, ast.Call) and any(self.only_text(n, getattr(up.func, "attr", "")) for n in self.scope.names(up.func) or [""])
            if not text and not isinstance(up, (ast.Expr, ast.Compare)) and node.value not in self.told | {"/dev/null"}:
                self.find("danger", node.lineno, "read", "Names %s, which is outside of its working folder, and reads files whose names are computed." % node.value[:TOLD], node.value[:TOLD])

    @staticmethod
    def among(keyword, *names):
        return next((keyword[n] for n in names if n in keyword), None)

    def one(self, node, at, then):
        if at is not None:
            then(node, at)

    # -- how it is opened

    def opens(self, node, name, at, keyword):
        if at is None:
            return
        if name == "sqlite3.connect":
            if self.scope.text(at) not in (":memory:", ""):
                self.reads_file(node, at)
        elif name in ("zipfile.ZipFile", "tarfile.open", "numpy.memmap") or name.endswith(".open") or name in ("open", "io.FileIO"):
            self.by_mode(node, at, keyword.get("mode") or (node.args[1] if len(node.args) > 1 and name != "PIL.Image.open" else None), "r")
        elif name.endswith("style.use") and not self.path_like(at):
            return  # a style of the library's own
        else:
            self.reads_file(node, at, name.startswith("pandas.") or name in ("numpy.load", "openpyxl.load_workbook"))

    def path_like(self, at):
        text = self.scope.text(at)
        return text is not None and ("/" in text or text.endswith(".mplstyle"))

    def by_mode(self, node, at, mode, usual):
        kind = self.scope.text(mode) if mode is not None else usual
        if kind is None:  # computed, so it may be anything
            kind = "w"
        return self.writes_file(node, at) if set(kind) & set("wax+") else self.reads_file(node, at)

    # -- what is read and written

    def reads_file(self, node, at, handles=False):
        """handles: what is read from may be a file that was opened before."""
        if isinstance(at, ast.Constant) and isinstance(at.value, int):
            return  # a descriptor
        several = self.scope.texts(at)
        if several is None:
            if isinstance(at, ast.Call) and self.scope.dotted(at.func) in ("io.StringIO", "io.BytesIO", "open", "zipfile.ZipFile", "urllib.request.urlopen"):
                return  # text, or something that is looked at by itself
            self.anything = True
            if self.scope.obscured(at):
                self.find("danger", node.lineno, "read", "Reads a file whose name is put together so that it cannot be read here.")
            elif not (handles and isinstance(at, (ast.Name, ast.Attribute))):
                self.find("caution", node.lineno, "read", "Reads a file whose name is computed.")
            return
        for where in several:
            told = where[:TOLD]
            if self.outside_at(node, where):
                continue
            if "://" in where:
                continue  # addresses has said it
            if tidy(where) in self.inputs:
                self.read.add(tidy(where))
                self.find("note", node.lineno, "read", "Reads %s." % told, tidy(where))
            elif tidy(where) not in self.written:
                self.find("caution", node.lineno, "read", "Reads %s, which is not among the inputs." % told, tidy(where))

    def writes_file(self, node, at):
        several = self.scope.texts(at)
        if several is None:
            if self.scope.obscured(at):
                self.find("danger", node.lineno, "write", "Writes a file whose name is put together so that it cannot be read here.")
            elif self.tells_folder(at):
                self.find("note", node.lineno, "write", "Writes files whose names are put together while it runs.")
            elif not isinstance(at, (ast.Constant, ast.Name, ast.Attribute, ast.Call)) or self.opened_by_name(node):
                self.find("caution", node.lineno, "write", "Writes a file whose name is computed.")
            return  # else a buffer, a writer, None
        for where in several:
            told = where[:TOLD]
            if "://" in where or where == "/dev/null":
                continue
            if outside(where):
                self.told.add(where)
                # A box has its own /tmp, so nothing is harmed, but the file is gone with the box.
                lost = posixpath.normpath(where).startswith("/tmp/")
                self.find("caution" if lost else "danger", node.lineno, "write",
                          "Writes %s, which is outside of its working folder and will not come back." % told, where)
                continue
            self.written.add(tidy(where))
            change = tidy(where) in self.inputs
            self.find("caution" if change else "note", node.lineno, "write",
                      "Overwrites its copy of the input %s." % told if change else "Writes %s." % told, tidy(where))

    def tells_folder(self, at):
        """Whether a name that is put together begins and ends with what can be read: a file of the working folder, and of which kind."""
        if isinstance(at, ast.Name):
            variable = self.scope.variable(at)
            at = self.scope.only(variable) if variable is not None else None
        if not isinstance(at, ast.JoinedStr) or not isinstance(at.values[-1], ast.Constant):
            return False
        first, last = at.values[0], at.values[-1].value
        start = first.value if isinstance(first, ast.Constant) else ""
        return not outside(start or ".") and "/" not in last and last.endswith((".csv", ".xlsx", ".png", ".txt", ".json", ".pdf", ".md", ".jpg"))

    def opened_by_name(self, node):
        return self.scope.dotted(node.func) in ("open", "io.open", "codecs.open", "gzip.open")

    def outside_at(self, node, where):
        where = where.removeprefix("file://").removeprefix("file:")
        if not outside(where) or where == "/dev/null" or "://" in where:
            return False
        # What it has put there itself it may read again.
        kept = posixpath.normpath(where).startswith("/tmp/") and where in self.written
        if not kept:
            self.told.add(where)
            self.find("danger", node.lineno, "read", "Reads %s, which is outside of its working folder." % where[:TOLD], where)
        return True

    def reaches(self, node, name):
        """Calls that take paths of all sorts."""
        for n, arg in enumerate(node.args):
            where = self.scope.text(arg)
            if name in ("os.listdir", "os.scandir", "os.walk", "glob.glob", "glob.iglob"):
                self.anything = True
            if where is not None and not name.startswith(("os.path.join", "os.environ", "os.getenv", "os.path.expanduser", "os.path.basename", "os.path.dirname")):
                self.outside_at(node, where)
            elif where is None and self.scope.obscured(arg):
                self.find("danger", node.lineno, "read", "Reaches a file whose name is put together so that it cannot be read here.")
        if name in ("shutil.copy", "shutil.copyfile", "shutil.copy2", "shutil.move") and len(node.args) > 1:
            self.writes_file(node, node.args[1])

    # -- the network

    def addresses(self, node, name, method, keyword):
        """An address where a file or a database is named."""
        top = name.partition(".")[0]
        talks = top in self.known.NETWORK and name.rpartition(".")[0] not in self.known.HARMLESS
        files = name in self.known.READS or name in self.known.WRITE_CALLS or name.startswith("pandas.read_") or method in self.known.WRITES or method in ("to_sql", "read_sql") \
            or name in ("numpy.DataSource", "matplotlib.pyplot.style.context", "matplotlib.style.context", "matplotlib.rc_context")
        if not talks and not files:
            return
        for arg in node.args + list(keyword.values()):
            arg = arg.elts[0] if talks and isinstance(arg, ast.Tuple) and arg.elts else arg
            for where in self.scope.texts(arg) or []:
                if "://" in where[:40] and not where.startswith(("file://", "sqlite:///:memory:")):
                    word = "Connects to" if talks or method == "to_sql" else "Writes to" if method in self.known.WRITES else "Reads from"
                    self.find("danger", node.lineno, "network", "%s %s." % (word, where[:TOLD]), host(where))
                elif talks and arg is not None and node.args and arg in (node.args[0], getattr(node.args[0], "elts", [None])[0]):
                    self.find("danger", node.lineno, "network", "Connects to %s." % where[:TOLD], host(where))
            if self.scope.text(arg) is None and isinstance(arg, (ast.JoinedStr, ast.BinOp)):
                start = arg.values[0] if isinstance(arg, ast.JoinedStr) and arg.values else getattr(arg, "left", None)
                said = self.scope.text(start) if start is not None else None
                if said and "://" in said:
                    self.find("danger", node.lineno, "network", "Connects to an address that begins with %s." % said[:TOLD], host(said))

    def tell_unused(self):
        """A file that was named and is not read: the answer is not about it."""
        if self.anything:
            return
        for name in sorted(self.inputs - self.read):
            self.find("caution", 0, "unused file", "Does not read %s, which came with the question." % name[:TOLD], name)


def outside(where):
    where = where.replace("\\", "/")
    return where.startswith(("/", "~")) or posixpath.normpath(where).split("/")[0] == ".." or len(where) > 1 and where[1] == ":"


def tidy(where):
    return posixpath.normpath(where) if where else where


def host(where):
    where = where.partition("://")[2] or where
    return where.partition("/")[0].rpartition("@")[2][:TOLD]
