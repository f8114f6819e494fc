"""What a program does, as far as its syntax tells. Loaded by inspect.py."""

import ast
import difflib
import io
import sys
import tokenize
import unicodedata
import warnings
from importlib.machinery import PathFinder

MOST = 150
LONG_LINE = 200


def inspect(code, files, known):
    """The inspection of the code's bytes: {"problem", "findings"}. known is unusual.py."""
    try:
        source = code.decode("utf-8")
        refused = names_that_mislead(source)
        if refused:
            return {"problem": refused, "findings": []}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            compile(tree, "analysis.py", "exec", dont_inherit=True)  # some errors are only found on the way to bytecode
    except UnicodeDecodeError:
        return {"problem": "The code is not valid UTF-8.", "findings": []}
    except SyntaxError as e:
        line = ": " + e.text.strip()[:200] if e.text else ""
        return {"problem": "It is not valid Python: line %d: %s%s" % (e.lineno or 0, e.msg, line), "findings": []}
    except ValueError as e:
        return {"problem": "It is not valid Python: %s" % e, "findings": []}
    reader = Reader(files, known)
    reader.learn(tree)
    reader.visit(tree)
    reader.check_columns()
    reader.tell_usual()
    for number, line in enumerate(source.splitlines(), 1):
        if len(line) > LONG_LINE:
            reader.find("caution", number, "The line is %d characters long: read it to its end." % len(line))
    findings = sorted(reader.findings.values(), key=lambda f: (f["line"], f["text"]))
    return {"problem": " ".join(reader.problems), "findings": findings[:MOST]}


def names_that_mislead(source):
    """Names that are not ASCII look like other names, or become other names when Python reads them."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type in (tokenize.NAME, tokenize.ERRORTOKEN) and not token.string.isascii():
                became = unicodedata.normalize("NFKC", token.string)
                how = "which Python reads as %r" % became if became != token.string else "which can look like another one"
                return "Line %d: the name %r has letters outside of ASCII, %s. Use ASCII names." % (token.start[0], token.string, how)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass  # ast will say it better
    return ""


class Reader(ast.NodeVisitor):
    def __init__(self, files, known):
        self.known = known    # unusual.py
        self.columns = {f["name"]: f["columns"] for f in files}
        self.findings, self.problems = {}, []
        self.alias = {}       # a local name -> what it was imported as
        self.constants = {}   # a name that is set once, to a text
        self.frames = {}      # a name that is set once, to a table read from an input -> its file
        self.renamed = set()  # tables whose columns get other names
        self.texts = {}       # how often each text stands in the code
        self.used = []        # (line, table name, column)
        self.written = set()
        self.usual = {}       # ordinary modules -> the line that imports them first
        self.forgiving = 0    # within a try that expects a missing module

    def find(self, level, line, text):
        key = (level, text, line if level == "danger" else 0)  # every dangerous line counts, the rest once
        if key not in self.findings or line < self.findings[key]["line"]:
            self.findings[key] = {"level": level, "line": line, "text": text}

    # -- what has to be known before the walk

    def learn(self, tree):
        stores, values = {}, {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for a in node.names:
                    self.alias[a.asname or a.name.partition(".")[0]] = a.name if a.asname else a.name.partition(".")[0]
            elif isinstance(node, ast.ImportFrom) and node.module:
                for a in node.names:
                    self.alias[a.asname or a.name] = node.module + "." + a.name
            elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
                stores[node.id] = stores.get(node.id, 0) + 1
            elif isinstance(node, ast.arg):
                stores[node.arg] = stores.get(node.arg, 0) + 1
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.texts[node.value] = self.texts.get(node.value, 0) + 1
            elif isinstance(node, ast.keyword) and node.arg:
                self.texts[node.arg] = self.texts.get(node.arg, 0) + 1
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr == "columns" \
                    and isinstance(node.ctx, ast.Store):
                self.renamed.add(node.value.id)
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
                values[node.targets[0].id] = node.value
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) \
                    and any(k.arg == "inplace" for k in node.keywords):
                self.renamed.add(node.func.value.id)
        for name, value in values.items():
            if stores.get(name) == 1:
                text = self.literal(value)
                if text is not None:
                    self.constants[name] = text
        for name, value in values.items():
            if stores.get(name) == 1 and isinstance(value, ast.Call) and self.reads(self.dotted(value.func)) and value.args \
                    and not {k.arg for k in value.keywords} & {"header", "names", "skiprows", "index_col", "sheet_name"}:
                where = self.literal(value.args[0])
                if where in self.columns:
                    self.frames[name] = where

    def dotted(self, node):
        """A name as it was imported: pd.read_csv is pandas.read_csv. Empty for what is computed."""
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        parts.append(self.alias.get(node.id, node.id))
        return ".".join(reversed(parts))

    def literal(self, node):
        """The text that an expression is, if that can be seen."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.Name):
            return self.constants.get(node.id)
        if isinstance(node, ast.Call) and self.dotted(node.func) in ("pathlib.Path", "io.open") and len(node.args) == 1:
            return self.literal(node.args[0])
        return None

    @staticmethod
    def reads(name):
        return name.startswith("pandas.read_")

    # -- imports

    def visit_Try(self, node):
        expects = any(h.type is None or any(n in ast.dump(h.type) for n in ("ImportError", "ModuleNotFoundError", "Exception"))
                      for h in node.handlers)
        self.forgiving += expects
        for child in node.body:
            self.visit(child)
        self.forgiving -= expects
        for child in node.handlers + node.orelse + node.finalbody:
            self.visit(child)

    visit_TryStar = visit_Try

    def visit_Import(self, node):
        for a in node.names:
            self.module(node.lineno, a.name)

    def visit_ImportFrom(self, node):
        if node.level:
            self.problems.append("Line %d: there is no package to import from relatively." % node.lineno)
            return
        for a in node.names:
            self.module(node.lineno, node.module, a.name)
            if a.name == "*":
                self.find("caution", node.lineno, "Imports every name of %s, which may hide others." % node.module)
            whole = node.module + "." + a.name
            if whole in self.known.CALLS or whole.startswith(tuple(self.known.PREFIXES)):
                self.judge(node.lineno, whole)

    def module(self, line, name, part=""):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and PathFinder.find_spec(top) is None:
            if self.forgiving:
                self.find("note", line, "Tries to import %s, which is not in the box, and seems to manage without." % top)
                return
            self.problems.append("Line %d: the module %s is not installed in the box. There are Python's own modules, "
                                 "pandas, numpy, matplotlib and openpyxl." % (line, top))
            return
        if top in self.known.NETWORK and name not in self.known.HARMLESS and name + "." + part not in self.known.HARMLESS:
            self.find("caution", line, "Imports %s, which talks to the network; the box has none." % name)
        elif top in self.known.UNUSUAL:
            level, does = self.known.UNUSUAL[top]
            self.find(level, line, "Imports %s, which %s." % (name, does))
        else:
            self.usual.setdefault(top, line)

    def tell_usual(self):
        """Ordinary imports in one note: one for each would teach reviewers to skip the list."""
        names = sorted(name for name in self.usual if name != "__future__")
        if names:
            some = names[:20] + (["%d more" % (len(names) - 20)] if len(names) > 20 else [])
            said = " and ".join(filter(None, [", ".join(some[:-1]), some[-1]]))
            self.find("note", min(self.usual.values()), "Imports %s." % said)

    # -- calls

    def judge(self, line, name):
        if name in self.known.CALLS:
            self.find(self.known.CALLS[name][0], line, self.known.CALLS[name][1])
            return
        for prefix, (level, text) in self.known.PREFIXES.items():
            if name.startswith(prefix):
                self.find(level, line, text)

    def visit_Call(self, node):
        name = self.dotted(node.func).removeprefix("builtins.")
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        first = node.args[0] if node.args else None
        self.judge(node.lineno, name)
        if name in ("getattr", "setattr", "delattr", "hasattr") and len(node.args) > 1:
            self.attribute_by_name(node, name)
        elif name == "time.sleep" and isinstance(first, ast.Constant) and isinstance(first.value, (int, float)) and first.value > 5:
            self.find("caution", node.lineno, "Waits for %g seconds." % first.value)
        elif name == "numpy.load" and any(k.arg == "allow_pickle" for k in node.keywords):
            self.find("danger", node.lineno, "Loads a pickle, which can run anything that is hidden in it.")
        elif name in ("pandas.eval",) or method == "eval":
            self.find("caution", node.lineno, "Has pandas compute a formula that is given as text.")
        if name.partition(".")[0] in self.known.NETWORK and name.rpartition(".")[0] not in self.known.HARMLESS and first is not None:
            where = self.literal(first.elts[0] if isinstance(first, ast.Tuple) and first.elts else first)
            if where:
                self.find("caution", node.lineno, "Connects to %s; the box has no network." % where[:120])
        self.files(node, name, method, first)
        self.grouping(node, method)
        self.generic_visit(node)

    def attribute_by_name(self, node, name):
        text = self.literal(node.args[1])
        if text is None:
            self.find("caution", node.lineno, "Reaches a property by a computed name (%s)." % name)
        elif text in self.known.WALKS or text.startswith("__"):
            self.find("danger", node.lineno, "Reaches into Python's own machinery (%s)." % text)

    # -- files

    def files(self, node, name, method, first):
        keyword = {k.arg: k.value for k in node.keywords}
        if name in ("open", "io.open") or method == "open" and name not in self.known.READS:
            at = first if name in ("open", "io.open") else getattr(node.func, "value", None)
            mode = keyword.get("mode") or (node.args[1:2] if at is first else node.args[:1] or [None])
            mode = (mode[0] if mode else None) if isinstance(mode, list) else mode
            kind = mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else "r"
            if at is None or method == "open" and self.literal(at) is None and name != "io.open":
                return
            return self.writes_file(node, at) if set(kind) & set("wax+") else self.reads_file(node, at)
        if self.reads(name) or name in self.known.READS:
            at = first or keyword.get("filepath_or_buffer") or keyword.get("io") or keyword.get("path")
            if at is not None:
                self.reads_file(node, at)
        elif method in ("read_text", "read_bytes"):
            self.reads_file(node, node.func.value)
        elif method in ("write_text", "write_bytes"):
            self.writes_file(node, node.func.value)
        elif method in self.known.WRITES or name in self.known.WRITE_CALLS:
            at = first or keyword.get("path_or_buf") or keyword.get("fname") or keyword.get("excel_writer") or keyword.get("path")
            if at is not None:
                self.writes_file(node, at)
        elif method == "save" and first is not None and self.literal(first):
            self.writes_file(node, first)
        elif name == "sqlite3.connect" and first is not None and self.literal(first) != ":memory:":
            self.reads_file(node, first)

    def reads_file(self, node, at):
        where = self.literal(at)
        if where is None:
            if isinstance(at, (ast.Name, ast.Attribute)) or isinstance(at, ast.Call) and self.dotted(at.func) in ("io.StringIO", "io.BytesIO"):
                return  # a file that was opened elsewhere, or text: nothing new
            self.find("caution", node.lineno, "Reads a file whose name is computed.")
        elif "://" in where:
            self.find("caution", node.lineno, "Reads from %s; the box has no network." % where[:120])
        elif outside(where):
            self.find("danger", node.lineno, "Reads %s, which is outside of its working folder." % where[:120])
        elif plain(where) in self.columns:
            self.find("note", node.lineno, "Reads %s." % where[:120])
        elif plain(where) not in self.written:
            self.find("caution", node.lineno, "Reads %s, which is not among the inputs." % where[:120])

    def writes_file(self, node, at):
        where = self.literal(at)
        if where is None:
            if isinstance(at, ast.Constant) or isinstance(at, (ast.Name, ast.Attribute)) or isinstance(at, ast.Call):
                return  # a buffer, a writer, None
            self.find("caution", node.lineno, "Writes a file whose name is computed.")
        elif outside(where):
            self.find("caution", node.lineno, "Writes %s, which is outside of its working folder and will not come back." % where[:120])
        else:
            self.written.add(plain(where))
            change = plain(where) in self.columns
            self.find("caution" if change else "note", node.lineno,
                      "Overwrites its copy of the input %s." % where[:120] if change else "Writes %s." % where[:120])

    # -- the rest of the syntax

    def visit_Attribute(self, node):
        name = self.dotted(node)
        if node.attr in self.known.WALKS and (node.attr != "modules" or name == "sys.modules"):
            self.find("danger", node.lineno, "Reaches into Python's own machinery (%s)." % node.attr)
        elif name == "os.environ":
            self.find("caution", node.lineno, "Reads the environment (os.environ).")
        elif self.known.CALLS.get(name, ("",))[0] == "danger":
            self.judge(node.lineno, name)  # called, or passed on under another name
        self.generic_visit(node)

    def visit_Name(self, node):
        if node.id in ("__builtins__", "__loader__", "__spec__"):
            self.find("danger", node.lineno, "Reaches into Python's own machinery (%s)." % node.id)
        elif node.id in ("eval", "exec", "compile", "__import__") and isinstance(node.ctx, ast.Load):
            self.judge(node.lineno, node.id)

    def visit_While(self, node):
        always = isinstance(node.test, ast.Constant) and bool(node.test.value)
        if always and not any(isinstance(n, (ast.Break, ast.Return, ast.Raise)) or
                              isinstance(n, ast.Call) and self.dotted(n.func) in ("sys.exit", "exit", "quit", "os._exit")
                              for n in ast.walk(node)):
            self.find("caution", node.lineno, "A loop without an end: it will be stopped at the time limit.")
        self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, (str, bytes)) and len(node.value) > 1000 and not any(c in node.value for c in (" \n" if isinstance(node.value, str) else b" \n")):
            self.find("caution", node.lineno, "A text of %d characters without a space: it may be something packed." % len(node.value))

    # -- columns

    def visit_Subscript(self, node):
        if isinstance(node.value, ast.Name) and node.value.id in self.frames and isinstance(node.ctx, ast.Load):
            wanted = node.slice.elts if isinstance(node.slice, ast.List) else [node.slice]
            self.columns_used(node.lineno, node.value.id, wanted)
        self.generic_visit(node)

    def grouping(self, node, method):
        if method in ("groupby", "sort_values") and isinstance(node.func.value, ast.Name) and node.func.value.id in self.frames and node.args:
            wanted = node.args[0].elts if isinstance(node.args[0], ast.List) else [node.args[0]]
            self.columns_used(node.lineno, node.func.value.id, wanted)

    def columns_used(self, line, table, wanted):
        for w in wanted:
            if isinstance(w, ast.Constant) and isinstance(w.value, str):
                self.used.append((line, table, w.value))

    def check_columns(self):
        uses = {}
        for _, _, column in self.used:
            uses[column] = uses.get(column, 0) + 1
        for line, table, column in self.used:
            have = self.columns[self.frames[table]]
            # A text that stands anywhere else too may name a column that the code makes.
            if not have or column in have or table in self.renamed or self.texts.get(column, 0) > uses[column]:
                continue
            near = difflib.get_close_matches(column, have, 1, 0.6) or [h for h in have if h.lower() == column.lower()]
            self.find("caution", line, "%s has no column %r%s." % (self.frames[table], column[:80], "; it has %r" % near[0][:80] if near else ""))


def outside(where):
    return where.startswith(("/", "~")) or ".." in where.replace("\\", "/").split("/")


def plain(where):
    return where[2:] if where.startswith("./") else where
