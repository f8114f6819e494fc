"""What a program imports, calls and reaches for. Loaded by findings.py."""

import ast
import builtins
import re
import sys
from importlib.machinery import PathFinder

BUILTINS = frozenset(dir(builtins))
# Names that are called so often that a reader never looks where they come from.
NEVER_PASSED = {"getattr", "setattr", "delattr", "vars", "globals", "locals", "open", "__build_class__"}
FORMULA = re.compile(r"__|@\s*[A-Za-z_][\w.]*\s*\(|@\s*[A-Za-z_]\w*\s*\.\s*\w+\s*\.")
HARMLESS_FORMULA = re.compile(r"@\s*(pd|pandas)\s*\.\s*(Timestamp|Timedelta|to_datetime|to_timedelta)\s*\(|@\s*(len|abs|round|max|min)\s*\(")
DUNDER = re.compile(r"__[a-z_]+__")


class Deeds(ast.NodeVisitor):
    def __init__(self, scope, known, report):
        self.scope, self.known = scope, known
        self.find, self.problem = report.find, report.problem
        self.usual = {}     # ordinary modules -> the line that imports them first
        self.forgiving = 0  # within a try that expects a missing module

    def visit_Module(self, node):
        self.generic_visit(node)
        self.tell_usual()

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
                risky = node.module.partition(".")[0] in self.known.DEEP | self.known.NETWORK
                self.find("danger" if risky else "caution", node.lineno, "import", "Imports every name of %s, which may hide others." % node.module, node.module)
                continue
            self.called(node.lineno, whole, a.asname)
            self.judge(node.lineno, whole)

    def module(self, line, name, part=""):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and PathFinder.find_spec(top) is None:
            if self.forgiving:
                self.find("note", line, "missing module", "Tries to import %s, which is not in the box, and seems to manage without." % top, top)
                return
            self.problem("Line %d: the module %s is not installed in the box. There are Python's own modules, "
                         "pandas, numpy, matplotlib and openpyxl." % (line, top))
            return
        if name in self.known.HARMLESS or name + "." + part in self.known.HARMLESS:
            self.usual.setdefault(top, line)
        elif top in self.known.NETWORK:
            self.find("danger", line, "import", "Imports %s, which talks to the network; the box has none." % name, name)
        elif top in self.known.UNUSUAL:
            level, _, does = self.known.UNUSUAL[top]
            self.find(level, line, "import", "Imports %s, which %s." % (name, does), name)
        else:
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
        known = self.known.CALLS.get(name)
        if not known:
            known = next((found for prefix, found in self.known.PREFIXES.items() if name.startswith(prefix)), None)
        top, _, rest = name.partition(".")
        if known:
            self.find(known[0], line, known[1], known[2], name)
        elif top in self.known.FINE and rest and rest.partition(".")[0] not in self.known.FINE[top]:
            self.find("danger", line, "system", "Uses %s, which an analysis hardly needs." % name, name)
        else:
            through = [p for p in rest.split(".") if p.lstrip("_") in self.known.DEEP]
            if through and top not in self.known.DEEP:
                self.find("danger", line, "reflection", "Reaches %s by way of %s." % (through[0].lstrip("_"), top), name)

    def visit_Name(self, node):
        up = self.scope.parents.get(node)
        if node.id in self.scope.alias and isinstance(node.ctx, ast.Load):
            self.judge(node.lineno, self.scope.alias[node.id])
            if node.id in self.scope.modules and not isinstance(up, (ast.Attribute, ast.Compare, ast.If, ast.BoolOp, ast.UnaryOp, ast.IfExp)) and not self.by_name(up):
                top = self.scope.alias[node.id].partition(".")[0]
                level = "danger" if top in self.known.DEEP | self.known.NETWORK or top in self.known.UNUSUAL else "caution"
                self.find(level, node.lineno, "reflection", "Hands on the module %s as a whole, so that its use cannot be followed." % self.scope.alias[node.id], self.scope.alias[node.id])
        elif node.id.startswith("__") and node.id.endswith("__") and node.id not in ("__name__", "__file__", "__doc__", "__import__", "__annotations__"):
            if isinstance(node.ctx, ast.Load) or node.id not in ("__all__", "__version__", "__author__", "__slots__", "__hash__"):
                self.machinery(node.lineno, node.id)
        elif node.id in ("eval", "exec", "compile", "__import__") and isinstance(node.ctx, ast.Load):
            self.judge(node.lineno, node.id)
        elif node.id in ("globals", "locals"):
            self.all_names(node, up)
        elif node.id in NEVER_PASSED and isinstance(node.ctx, ast.Load) and node.id not in self.scope.stores and not (isinstance(up, ast.Call) and up.func is node):
            self.find("danger", node.lineno, "reflection", "Hands on %s, so that its use cannot be followed." % node.id, node.id)
        elif isinstance(node.ctx, ast.Load) and node.id not in self.scope.stores:
            self.judge(node.lineno, node.id)

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
        up, name = self.scope.parents.get(node), self.scope.imported(node)
        special = node.attr.startswith("__") and node.attr.endswith("__")
        if node.attr == "__class__" and isinstance(up, ast.Attribute) and up.attr == "__name__":
            pass  # what a message says of an exception
        elif special and node.attr not in self.known.ORDINARY or node.attr in self.known.WALKS and node.attr != "modules":
            own = node.attr == "__dict__" and isinstance(node.value, ast.Name) and node.value.id == "self"
            if own:
                self.find("caution", node.lineno, "reflection", "Reaches an object's own parts (__dict__).", "__dict__")
            else:
                self.machinery(node.lineno, node.attr)
        elif name == "os.environ":
            self.environment(node, up)
        elif name:
            self.judge(node.lineno, name)
            if node.attr.startswith("_") and not special and not name.startswith(("os._exit", "sys._getframe")):
                self.find("caution", node.lineno, "reflection", "Uses %s, which is internal to its library." % name, name)
        elif node.attr in self.known.METHODS and isinstance(up, ast.Call) and up.func is node:
            kind = self.known.METHODS[node.attr]
            does = {"process": "start another program", "network": "connect to the network", "machine code": "call machine code", "write": "make links between files",
                    "thread": "run things at the same time"}.get(kind, "load code by computed names")
            self.find("danger", node.lineno, kind, "Calls %s of something that cannot be followed; it may %s." % (node.attr, does), node.attr)
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
        name = self.scope.dotted(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        first = node.args[0] if node.args else None
        if isinstance(node.func, ast.Call) or isinstance(node.func, (ast.Subscript, ast.Lambda)):
            if name:
                self.judge(node.lineno, name)  # getattr(os, "system")("id")
        if name in ("getattr", "setattr", "delattr", "hasattr") and len(node.args) > 1:
            self.attribute_by_name(node, name)
        elif name in ("operator.attrgetter", "operator.methodcaller") and first is not None and self.scope.text(first) is None:
            self.computed(node.lineno, name, "", first)
        elif name == "type" and len(node.args) == 3:
            self.find("danger", node.lineno, "dynamic code", "Makes a class out of computed parts (type).")
        elif name == "vars" and (not node.args or isinstance(first, ast.Name) and first.id in self.scope.modules):
            self.machinery(node.lineno, "vars")
        elif name == "time.sleep" and first is not None:
            seconds = self.scope.number(first)
            if seconds is not None and seconds > 5:
                self.find("danger" if seconds > 60 else "caution", node.lineno, "wait", "Waits for %g seconds." % seconds)
        elif name == "numpy.load":
            allow = next((k.value for k in node.keywords if k.arg == "allow_pickle"), node.args[2] if len(node.args) > 2 else None)
            if allow is not None and not (isinstance(allow, ast.Constant) and not allow.value):
                self.find(*self.at(self.known.PICKLED, node.lineno))
        elif name.startswith("timeit.") and self.scope.text(first) is not None:
            self.find("danger", node.lineno, "dynamic code", "Runs text as code (timeit).")
        elif name == "pandas.eval" or method in ("eval", "query"):
            self.formula(node, method, first or next((k.value for k in node.keywords if k.arg in ("expr", "expression")), None))
        self.settings(node, name)
        self.packed_text(node)
        self.generic_visit(node)

    @staticmethod
    def at(known, line, about=""):
        return known[0], line, known[1], known[2], about

    def attribute_by_name(self, node, name):
        text, of = self.scope.text(node.args[1]), self.scope.imported(node.args[0])
        if text is None:
            self.computed(node.lineno, name, of, node.args[1])
        elif text in self.known.WALKS or text.startswith("__") and text not in self.known.ORDINARY:
            self.machinery(node.lineno, text)
        elif of and name in ("setattr", "delattr"):
            self.replaced(node.lineno, of + "." + text)
        elif of:
            self.judge(node.lineno, of + "." + text)
        elif text in self.known.METHODS:
            self.find("danger", node.lineno, self.known.METHODS[text], "Reaches for %s of something that cannot be followed." % text, text)

    def computed(self, line, how, of, name):
        """A property by a computed name: a loop over a few names is usual, a name that is put together is not."""
        if isinstance(name, ast.BinOp) and isinstance(name.op, ast.Add):
            start = self.scope.text(name.left)
        else:
            start = self.scope.text(name.values[0]) if isinstance(name, ast.JoinedStr) and name.values else None
        simple = isinstance(name, (ast.Name, ast.Attribute, ast.Subscript)) or bool(start) and start[0].isalpha()
        top = of.partition(".")[0]
        grave = self.scope.obscured(name) or not simple or top in self.known.DEEP | self.known.NETWORK or of and how != "getattr"
        self.find("danger" if grave else "caution", line, "reflection", "Reaches a property by a computed name (%s)." % how, how)

    def formula(self, node, method, text):
        """What pandas computes from text may call anything that the program can name."""
        if text is None:
            return
        said = self.scope.text(text)
        if said is None and isinstance(text, ast.JoinedStr):
            said = " ".join(v.value for v in text.values if isinstance(v, ast.Constant))
        if said is not None and FORMULA.search(HARMLESS_FORMULA.sub("", said)) or self.scope.obscured(text):
            self.find("danger", node.lineno, "dynamic code", "Has pandas run something from within a formula that is given as text.", method)
        elif method == "eval" or said is None and not isinstance(text, ast.Name):
            self.find("caution", node.lineno, "dynamic code", "Has pandas compute a formula that is given as text.", method)

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
        if text == "text.usetex" and isinstance(node, ast.Constant):
            self.find("danger", node.lineno, "process", "Starts LaTeX to draw texts (usetex).", "latex")

    # -- what is put in the place of something else

    def replaced(self, line, name):
        if name.startswith(("pandas.options.", "matplotlib.pyplot.rcParams", "matplotlib.rcParams")):
            return
        if name in ("sys.stdout", "sys.stderr"):
            self.find("caution", line, "change", "Sends what is printed elsewhere (%s)." % name, name)
        else:
            self.find("danger", line, "change", "Puts something else in the place of %s." % name, name)

    def targets(self, node, targets, value):
        for target in targets:
            if isinstance(target, (ast.Tuple, ast.List)):
                self.targets(node, target.elts, value)
            elif isinstance(target, ast.Attribute):
                name = self.scope.imported(target)
                if name:
                    self.replaced(node.lineno, name)
            elif isinstance(target, ast.Name):
                self.shadows(node, target.id, value)

    def shadows(self, node, name, value):
        """A name that readers know, for something else that can be called."""
        can_be_called = isinstance(value, (ast.Lambda, ast.Attribute, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) \
            or isinstance(value, ast.Name) and (value.id in BUILTINS or value.id in self.scope.made or value.id in self.scope.alias)
        if name in BUILTINS and can_be_called or name in self.scope.modules and (can_be_called or self.mentions(value, name)):
            self.find("danger", node.lineno, "misleading", "Gives the name %s, which readers know, to something else." % name, name)

    @staticmethod
    def mentions(value, name):
        return isinstance(value, ast.Call) and any(isinstance(a, ast.Name) and a.id == name for a in value.args)

    def visit_Assign(self, node):
        self.targets(node, node.targets, node.value)
        self.generic_visit(node)

    def visit_AugAssign(self, node):
        self.targets(node, [node.target], node.value)
        self.generic_visit(node)

    visit_AnnAssign = visit_NamedExpr = visit_AugAssign

    def visit_FunctionDef(self, node):
        inside = isinstance(self.scope.parents.get(node), ast.ClassDef)
        if not inside:
            self.shadows(node, node.name, node)
        elif node.name in self.known.UNSEEN:
            self.find("danger", node.lineno, self.known.UNSEEN[node.name], "Defines %s, which Python calls by itself where no call is to be seen." % node.name, node.name)
        self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        self.shadows(node, node.name, node)
        meta = [k.value for k in node.keywords if k.arg == "metaclass"]
        if any(self.scope.dotted(b) == "type" for b in node.bases) or any(self.scope.dotted(m) not in ("abc.ABCMeta", "enum.EnumMeta") for m in meta):
            self.find("danger", node.lineno, "reflection", "Runs code while a class is made (a metaclass).", node.name)
        self.generic_visit(node)
