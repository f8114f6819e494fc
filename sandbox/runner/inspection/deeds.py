"""What a program imports, calls and reaches for. Loaded by findings.py."""

import ast
import builtins
import functools
import re
import sys
from importlib.machinery import PathFinder

BUILTINS = frozenset(dir(builtins))
# Names that are called so often that a reader never looks where they come from.
NEVER_PASSED = {"getattr", "setattr", "delattr", "vars", "globals", "locals", "open", "__build_class__"}
# Called with a star, nobody can tell which attribute they reach, or what they make.
BY_NAME = {"getattr", "hasattr", "setattr", "delattr", "type", "vars", "operator.attrgetter", "operator.methodcaller"}
FORMULAS = {"query", "eval"}
APPLIES = {"agg", "aggregate", "apply", "transform"}  # take a method by its name
COLUMNS_TOO = {"system", "fork"}  # among the methods that are a danger
FIELD = re.compile(r"\{([\w.\[\]]*\.[\w.\[\]]*)")  # of a text that is formatted
DOTTED = re.compile(r"\w+(\.[A-Za-z_]\w*){2,}")
ATTACHES = re.compile(r"\b(attach\s+(database\s+)?['\"?:]|load_extension\s*\(|vacuum\s+(\w+\s+)?into\b|pragma\s+writable_schema|(?:writefile|readfile|edit)\s*\()", re.I)
MOVIES = re.compile(r"animation\.\w+_(path|args)")
DUNDER = re.compile(r"__[a-z_]+__")


class Deeds(ast.NodeVisitor):
    def __init__(self, scope, known, report):
        self.scope, self.known = scope, known
        self.find, self.problem = report.find, report.problem
        self.usual = {}     # ordinary modules -> the line that imports them first
        self.forgiving = 0  # within a try that expects a missing module
        self.loose = False  # modules are handed on as a whole: whatever cannot be followed may be one
        self.deep = []      # attributes that would be modules' if they were found on one

    def visit_Module(self, node):
        self.generic_visit(node)
        for attribute in self.deep if self.loose else ():
            self.find("danger", attribute.lineno, "reflection", "Reaches %s of something that may be a module." % attribute.attr, attribute.attr)
        if self.scope.tangled:
            self.find("danger", 0, "reflection", "Names are passed on so often that nobody can tell what the program calls.")
        self.tell_usual()

    # -- imports

    def visit_Try(self, node):
        expects = any(h.type is None or any(n in ast.dump(h.type) for n in ("ImportError", "ModuleNotFoundError", "Exception"))
                      for h in node.handlers)
        # A count and not a flag: one try may stand within another.
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
            self.called(node.lineno, a.name, a.asname)
            self.judge(node.lineno, a.name)

    def visit_ImportFrom(self, node):
        if node.level:
            self.problem("Line %d: there is no package to import from relatively." % node.lineno)
            return
        for a in node.names:
            self.module(node.lineno, node.module, a.name)
            whole = node.module + "." + a.name
            if a.name == "*":
                # What these modules can do needs no name that a reader would see.
                risky = node.module.partition(".")[0] in self.known.DEEP | self.known.NETWORK
                self.find("danger" if risky else "caution", node.lineno, "import", "Imports every name of %s, which may hide others." % node.module, node.module)
                continue
            self.called(node.lineno, whole, a.asname)
            self.judge(node.lineno, whole)

    def module(self, line, name, part=""):
        top = name.partition(".")[0]
        if top == "desk":
            self.usual.setdefault(top, line)
        elif top not in sys.stdlib_module_names and PathFinder.find_spec(top) is None:
            if self.forgiving:
                self.find("note", line, "missing module", "Tries to import %s, which is not in the box, and seems to manage without." % top, top)
                return
            self.problem("Line %d: the module %s is not installed in the box. Use Python's own modules, the desk and the libraries that were listed." % (line, top))
            return
        elif name in self.known.HARMLESS or name + "." + part in self.known.HARMLESS:
            self.usual.setdefault(top, line)
        elif top.startswith("_") and not top.startswith("__") and top not in self.known.UNUSUAL and top not in self.known.NETWORK:
            self.find("danger", line, "import", "Imports %s, which Python keeps for itself." % name, name)
        elif top in self.known.NETWORK:
            self.find("danger", line, "import", "Imports %s, which talks to the network." % name, name)
        elif top in self.known.UNUSUAL:
            level, _, does = self.known.UNUSUAL[top]
            self.find(level, line, "import", "Imports %s, which %s." % (name, does), name)
        elif top in self.known.LISTED:  # the rest is named by listed
            self.usual.setdefault(top, line)

    def called(self, line, name, asname):
        """A name under which something else is known."""
        if not asname or asname == name.rpartition(".")[2]:
            return
        usual = self.known.USUAL_NAMES.get(asname)
        if usual and name not in usual or asname in sys.stdlib_module_names and asname != name and self.forgiving == 0 or asname in BUILTINS:
            self.find("danger", line, "misleading", "Calls %s by the name %s, which is another's." % (name, asname), name)

    def tell_usual(self):
        """Ordinary imports in one note: one for each would teach reviewers to skip the list."""
        names = sorted(name for name in self.usual if name != "__future__")
        if names:
            some = names[:20] + (["%d more" % (len(names) - 20)] if len(names) > 20 else [])
            said = " and ".join(filter(None, [", ".join(some[:-1]), some[-1]]))
            self.find("note", min(self.usual.values()), "import", "Imports %s." % said, ", ".join(names))

    # -- names of things that matter

    def judge(self, line, name):
        """Says what is known of a name, also where another module is the way to it. True if that was much."""
        said = self.judge_itself(line, name)
        through, plain = self.scope.through(name), self.scope.plain(name)
        if through:
            grave = through in self.known.DEEP | self.known.NETWORK or self.known.UNUSUAL[through][0] == "danger"
            self.find("danger" if grave else "caution", line, "reflection", "Reaches %s by way of %s." % (through, name.partition(".")[0]), name)
        if plain != name:
            said = self.judge_itself(line, plain) or said
        return said

    def judge_itself(self, line, name):
        known = self.known.CALLS.get(name)
        if not known:
            known = next((found for prefix, found in self.known.PREFIXES.items() if name.startswith(prefix)), None)
        top, _, rest = name.partition(".")
        if known:
            self.find(known[0], line, known[1], known[2], name)
            return True
        if top in self.known.FINE and rest and rest.partition(".")[0] not in self.known.FINE[top]:
            self.find("danger", line, "system", "Uses %s, which an analysis hardly needs." % name, name)
            return True
        return False

    def visit_Name(self, node):
        up, loaded = self.scope.parents.get(node), isinstance(node.ctx, ast.Load)
        variables = self.scope.variables(node)
        called = isinstance(up, ast.Call) and up.func is node
        for name in self.scope.imported(node) if loaded else ():
            self.judge(node.lineno, name)
            if self.scope.is_module(name) and not isinstance(up, (ast.Attribute, ast.Compare)) and not self.tested(node, up) and not self.by_name(up):
                self.handed_on(node.lineno, name)
        if any(v is not None and v.imports for v in variables):
            return
        if node.id.startswith("__") and node.id.endswith("__") and node.id not in ("__name__", "__file__", "__doc__", "__import__", "__annotations__"):
            if loaded or node.id not in ("__all__", "__version__", "__author__", "__slots__", "__hash__"):
                self.machinery(node.lineno, node.id)
        elif node.id in ("eval", "exec", "compile", "__import__") and loaded:
            self.judge(node.lineno, node.id)
        elif node.id in ("globals", "locals"):
            self.all_names(node, up)
        elif node.id in NEVER_PASSED and loaded and variables == [None] and not called:
            self.find("danger", node.lineno, "reflection", "Passes on %s, so that nobody can tell what is done with it." % node.id, node.id)
        elif loaded and None in variables and (called or variables == [None]):
            self.judge(node.lineno, node.id)

    def handed_on(self, line, name):
        top = name.partition(".")[0]
        level = "danger" if top in self.known.DEEP | self.known.NETWORK or top in self.known.UNUSUAL else "caution"
        self.find(level, line, "reflection", "Passes on the module %s as a whole, so that nobody can tell what is done with it." % name, name)
        self.loose = True

    def tested(self, node, up):
        """Tells whether a name is only asked whether there is something in it."""
        while isinstance(up, (ast.BoolOp, ast.UnaryOp)):
            node, up = up, self.scope.parents.get(up)
        return isinstance(up, (ast.If, ast.IfExp, ast.While, ast.Assert)) and up.test is node

    def by_name(self, call):
        return isinstance(call, ast.Call) and self.scope.dotted(call.func) in ("getattr", "hasattr", "setattr", "delattr")

    def all_names(self, node, call):
        """globals() and locals(): asking whether a name is there is one thing, reaching for it another."""
        use = self.scope.parents.get(call)
        looks = isinstance(use, ast.Compare) and all(isinstance(o, (ast.In, ast.NotIn)) for o in use.ops) or isinstance(use, ast.keyword)
        self.find("caution" if looks else "danger", node.lineno, "reflection", "Looks at all of the program's names (%s)." % node.id, node.id)

    def machinery(self, line, name):
        self.find("danger", line, "reflection", "Reaches into Python's own machinery (%s)." % name, name)

    def visit_Attribute(self, node):
        up, names = self.scope.parents.get(node), self.scope.imported(node)
        special = node.attr.startswith("__") and node.attr.endswith("__")
        if node.attr == "__class__" and isinstance(up, ast.Attribute) and up.attr == "__name__":
            pass  # what a message says of an exception
        elif special and node.attr not in self.known.ORDINARY or node.attr in self.known.WALKS and node.attr != "modules":
            own = node.attr == "__dict__" and isinstance(node.value, ast.Name) and node.value.id == "self"
            if own:
                self.find("caution", node.lineno, "reflection", "Reaches an object's own parts (__dict__).", "__dict__")
            else:
                self.machinery(node.lineno, node.attr)
        elif "os.environ" in map(self.scope.plain, names):
            self.environment(node, up)
        said = False
        for name in names if not special or node.attr in self.known.ORDINARY else ():
            said = self.judge(node.lineno, name) or said
            if node.attr.startswith("_") and not special and not name.startswith(("os._exit", "sys._getframe")):
                self.find("caution", node.lineno, "reflection", "Uses %s, which is internal to its library." % name, name)
            kept = isinstance(up, ast.Assign) and not isinstance(self.scope.at[up], ast.ClassDef) and all(isinstance(t, ast.Name) for t in up.targets)
            if self.scope.is_module(name) and not kept and not isinstance(up, ast.Attribute) and not self.tested(node, up) and not self.by_name(up):
                self.handed_on(node.lineno, name)
        tops = {name.partition(".")[0] for name in names}
        if node.attr in self.known.METHODS and not said and not tops & self.known.NETWORK and not self.known.NO_METHODS.issuperset(names or [""]):
            self.method(node, up)
        elif node.attr in FORMULAS and self.kept_for_a_call(node, up):
            self.find("danger", node.lineno, "dynamic code", "Hands on %s, so that what it computes cannot be followed." % node.attr, node.attr)
        module = sys.modules.get(node.attr)
        column = module is not None and isinstance(up, ast.Attribute) and not hasattr(module, up.attr)  # df.os.value_counts
        if not names and node.attr.lstrip("_") in self.known.DEEP and isinstance(node.ctx, ast.Load) and not column:
            self.deep.append(node)
        self.generic_visit(node)

    def method(self, node, up):
        """A method that is a danger whatever it belongs to. A column may be called system; it is not called, nor kept for later."""
        attr = node.attr
        if isinstance(up, ast.Call) and up.func is node:
            kind = self.known.METHODS[attr]
            does = {"process": "start another program", "network": "connect to the network", "machine code": "call machine code", "write": "make links between files",
                    "thread": "run things at the same time", "signal": "change how the program reacts to being stopped"}.get(kind, "load code by computed names")
            self.find("danger", node.lineno, kind, "Calls %s of something that cannot be followed; it may %s." % (attr, does), attr)
        elif isinstance(node.ctx, ast.Load) and (attr not in COLUMNS_TOO or self.kept_for_a_call(node, up) or isinstance(up, (ast.Return, ast.Lambda, ast.List, ast.Tuple, ast.Dict))):
            self.find("danger", node.lineno, self.known.METHODS[attr], "Reaches for %s of something that cannot be followed." % attr, attr)

    @functools.cached_property
    def called_names(self):
        return {n.func.id for n in self.scope.nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}

    def kept_for_a_call(self, node, up):
        if isinstance(up, ast.Call):
            return up.args[:1] == [node] and (self.scope.dotted(up.func) in ("map", "filter", "functools.partial", "functools.reduce")
                                              or isinstance(up.func, ast.Attribute) and up.func.attr in ("apply", "map", "pipe", "submit", "transform", "agg"))
        if isinstance(up, (ast.Assign, ast.NamedExpr)):
            names = {t.id for t in getattr(up, "targets", None) or [up.target] if isinstance(t, ast.Name)}
            return not names.isdisjoint(self.called_names)
        return False

    def visit_MatchClass(self, node):
        """A pattern reads attributes, and gives them names: case object(system=run)."""
        for attr in filter(None, self.scope.read_by(node)):
            if attr in self.known.WALKS or attr.startswith("__") and attr.endswith("__") and attr not in self.known.ORDINARY:
                self.machinery(node.lineno, attr)
            elif attr in self.known.METHODS:
                self.find("danger", node.lineno, self.known.METHODS[attr], "Reaches for %s of something that cannot be followed." % attr, attr)
            elif attr.lstrip("_") in self.known.DEEP and not self.scope.functions_or_classes(node.cls):
                self.find("danger", node.lineno, "reflection", "Reaches %s of something that may be a module." % attr, attr)
        self.generic_visit(node)

    def environment(self, node, up):
        """Setting what a library goes by is usual; reading a name is worth a look; taking it all is not for an analysis."""
        whole = True
        if isinstance(up, ast.Subscript):
            whole = self.scope.text(up.slice) is None
        elif isinstance(up, ast.Attribute) and up.attr in ("get", "setdefault", "pop"):
            call = self.scope.parents.get(up)
            whole = not (isinstance(call, ast.Call) and call.args and self.scope.text(call.args[0]) is not None)
        elif isinstance(up, ast.Compare):
            whole = False
        self.find("danger" if whole else "caution", node.lineno, "environment",
                  "Takes the whole environment (os.environ)." if whole else "Reads or sets the environment (os.environ).", "os.environ")

    # -- calls

    def visit_Call(self, node):
        names = self.scope.names(node.func) or [""]
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if not isinstance(node.func, (ast.Name, ast.Attribute)):
            for name in self.scope.meanings(node.func):
                self.judge(node.lineno, name)  # getattr(os, "system")("id")
        for name in names:
            self.call(node, name, node.args[0] if node.args else None)
            self.settings(node, name)
        for k in node.keywords:
            if k.arg == "allow_pickle" and not (isinstance(k.value, ast.Constant) and not k.value.value) and not set(names) & {"numpy.save", "numpy.savez"}:
                self.find(*self.at(self.known.PICKLED, node.lineno))
        for text in ast.walk(node) if getattr(node.func, "attr", "") in APPLIES else ():
            if isinstance(text, ast.Constant) and isinstance(text.value, str) and (text.value in self.known.METHODS or text.value in self.known.WRITES or text.value in FORMULAS):
                self.find("danger", node.lineno, "dynamic code", "Has pandas call %s by its name." % text.value, text.value)
        self.packed_text(node)
        self.generic_visit(node)

    def call(self, node, name, first):
        if name in BY_NAME and (any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords)):
            self.find("danger", node.lineno, "reflection", "Calls %s with what cannot be read here (*)." % name, name)
        elif name in ("getattr", "setattr", "delattr", "hasattr") and len(node.args) > 1:
            self.attribute_by_name(node, name)
        elif name in ("operator.attrgetter", "operator.methodcaller") and first is not None and self.scope.text(first) is None:
            self.computed(node.lineno, name, [], first)
        elif name in ("operator.attrgetter", "operator.methodcaller"):
            for part in [p for a in node.args for t in self.scope.texts(a) or () for p in t.split(".")]:
                if part in self.known.METHODS or part in self.known.WALKS or part in FORMULAS:
                    self.find("danger", node.lineno, self.known.METHODS.get(part, "reflection"), "Reaches for %s of something that cannot be followed." % part, part)
        elif name == "type" and len(node.args) == 3:
            self.find("danger", node.lineno, "dynamic code", "Makes a class out of computed parts (type).")
        elif name == "vars" and (not node.args or any(self.scope.is_module(m) for m in self.scope.imported(first))):
            self.machinery(node.lineno, "vars")
        elif name == "time.sleep" and first is not None:
            seconds = self.scope.number(first)
            if seconds is not None and seconds > 5:
                self.find("danger" if seconds > 60 else "caution", node.lineno, "wait", "Waits for %g seconds." % seconds)
        elif name == "numpy.load" and len(node.args) > 2 and not (isinstance(node.args[2], ast.Constant) and not node.args[2].value):
            self.find(*self.at(self.known.PICKLED, node.lineno))
        elif name.startswith("timeit."):
            given = node.args[:2] + [k.value for k in node.keywords if k.arg in (None, "stmt", "setup")]
            if not all(isinstance(g, ast.Lambda) or isinstance(g, ast.Name) and self.scope.functions_or_classes(g) for g in given):
                self.find("danger", node.lineno, "dynamic code", "Runs text as code (timeit).")

    @staticmethod
    def at(known, line, about=""):
        return known[0], line, known[1], known[2], about

    def attribute_by_name(self, node, name):
        of = self.scope.imported(node.args[0])
        several = self.scope.texts(node.args[1])
        if several is None:
            self.computed(node.lineno, name, of, node.args[1])
        for text in several or ():
            if text in self.known.WALKS or text.startswith("__") and text not in self.known.ORDINARY:
                self.machinery(node.lineno, text)
            for one in of if name not in ("setattr", "delattr") else ():
                self.judge(node.lineno, one + "." + text)
            if not of and (text in self.known.METHODS or text in FORMULAS):
                self.find("danger", node.lineno, self.known.METHODS.get(text, "dynamic code"), "Reaches for %s of something that cannot be followed." % text, text)

    def computed(self, line, how, of, name):
        """A property by a computed name: a loop over a few names is usual, a name that is put together is not."""
        if isinstance(name, ast.BinOp) and isinstance(name.op, ast.Add):
            start = self.scope.text(name.left)
        else:
            start = self.scope.text(name.values[0]) if isinstance(name, ast.JoinedStr) and name.values else None
        simple = isinstance(name, (ast.Name, ast.Attribute, ast.Subscript)) or bool(start) and start[0].isalpha()
        if isinstance(name, ast.Name):
            simple = not any(v is not None and (v.grown or any(isinstance(e, (ast.BinOp, ast.JoinedStr)) for e in v.values)) for v in self.scope.variables(name))
        grave = self.scope.obscured(name) or not simple or of or any(m.partition(".")[0] in self.known.DEEP | self.known.NETWORK for m in of)
        self.find("danger" if grave else "caution", line, "reflection", "Reaches a property by a computed name (%s)." % how, how)

    def settings(self, node, name):
        """Switches of matplotlib that start programs or load modules."""
        for k in node.keywords:
            if k.arg == "usetex" and not (isinstance(k.value, ast.Constant) and not k.value.value):
                self.find("danger", node.lineno, "process", "Starts LaTeX to draw texts (usetex).", "latex")
        if name in ("matplotlib.use", "matplotlib.pyplot.switch_backend") and node.args:
            text = self.scope.text(node.args[0])
            if text is None or text.startswith("module:"):
                self.find("danger", node.lineno, "dynamic code", "Loads code by a computed name (%s)." % name, text or "")

    # -- texts

    def visit_Constant(self, node):
        if isinstance(node.value, (str, bytes)):
            self.in_text(node, node.value)
            if len(node.value) > 1000 and not any(c in node.value for c in (" \n" if isinstance(node.value, str) else b" \n")):
                self.find("caution", node.lineno, "packed", "A text of %d characters without a space: it may be something packed." % len(node.value))

    def packed_text(self, node):
        value = self.scope.value(node)
        if isinstance(value, (str, bytes)):
            self.in_text(node, value)

    def visit_BinOp(self, node):
        self.packed_text(node)
        self.generic_visit(node)

    visit_Subscript = visit_JoinedStr = visit_BinOp

    def in_text(self, node, text):
        if isinstance(text, bytes):
            text = text.decode("latin-1")
        if "__" in text and not isinstance(self.scope.parents.get(node), ast.Expr):  # not in what only describes
            for name in DUNDER.findall(text):
                if name in self.known.MACHINERY:
                    self.find("danger", node.lineno, "reflection", "Names Python's own machinery in a text (%s)." % name, name)
        if any(part in self.known.DEEP for field in FIELD.findall(text) for part in re.split(r"\W", field)[1:]):
            self.find("danger", node.lineno, "reflection", "Reaches a module from within a text's braces.")
        if any(part in self.known.DEEP for part in text.split(".")[2:]) and DOTTED.fullmatch(text):
            self.find("danger", node.lineno, "reflection", "Names a module by way of others in a text (%s)." % text[:80], text[:80])
        if ATTACHES.search(text) and ":memory:" not in text:
            self.find("danger", node.lineno, "read", "Opens a database, or machine code, from within SQL.")
        if MOVIES.fullmatch(text) and isinstance(node, ast.Constant):
            self.find("danger", node.lineno, "process", "Says which program makes a movie (%s)." % text, text)
        if text == "text.usetex" and isinstance(node, ast.Constant):
            self.find("danger", node.lineno, "process", "Starts LaTeX to draw texts (usetex).", "latex")
