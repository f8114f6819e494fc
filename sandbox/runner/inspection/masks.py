"""What a program puts in the place of something else. Loaded by findings.py."""

import ast
import builtins

BUILTINS = frozenset(dir(builtins))
# What the desk gives programs: a function of the program's own that is called so would be taken for it.
OF_DESK = {"load", "load_parts", "answer", "note", "left_out", "table", "chart", "money", "percent", "number", "today"}
SETTABLE = {"format_coord", "default_factory", "fmt_xdata", "fmt_ydata", "func", "key"}
NEVER_NAMED = {"getattr", "setattr", "delattr", "globals", "locals", "eval", "exec", "compile", "__import__", "__build_class__"}


class Masks(ast.NodeVisitor):
    def __init__(self, scope, known, report, attributes):
        self.scope, self.known, self.find = scope, known, report.find
        self.attributes = attributes  # that a library's things have
        self.desk = self.of_desk(scope)

    @staticmethod
    def of_desk(scope):
        """The names that this program has of the desk. A number() of its own is one of many; a load() of its own beside an answer()
        of the desk's is taken for the one that reads."""
        has = {i[5:] for own in scope.own.values() for v in own.values() for i in v.imports if i.startswith("desk.")}
        return OF_DESK if "*" in has else OF_DESK & (has | {"load", "load_parts"}) if "desk" in scope.tops else frozenset()

    def visit_Module(self, node):
        self.generic_visit(node)
        self.several_meanings()

    def several_meanings(self):
        """A name that is imported for two things, or for one and is set to another: a reader takes it for the first that is seen."""
        for variable in (v for own in self.scope.own.values() for v in own.values() if v.imports):
            several = sorted(set(variable.imports))
            # None is how programs note that an import has failed.
            others = [v for v in variable.values if not (isinstance(v, ast.Constant) and v.value is None)]
            grave = any(name.partition(".")[0] in self.known.DEEP | self.known.NETWORK | set(self.known.UNUSUAL) for name in several)
            line = min((n.lineno for n in self.scope.nodes if isinstance(n, (ast.Import, ast.ImportFrom)) and self.scope.at[n] is variable.at
                        and any((a.asname or a.name.partition(".")[0]) == variable.name for a in n.names)), default=0) if len(several) > 1 or others else 0
            if len(several) > 1:
                self.find("danger" if grave else "caution", line, "misleading", "The name %s is imported for several things: %s." % (variable.name, ", ".join(several)), variable.name)
            elif others:
                self.find("danger" if grave else "caution", line, "misleading", "The name %s is imported for %s and is set to something else." % (variable.name, several[0]), variable.name)

    def visit_Call(self, node):
        self.called_so(node)
        if self.scope.dotted(node.func) in ("setattr", "delattr") and len(node.args) > 1:
            for text in self.scope.texts(node.args[1]) or ():
                for one in self.scope.imported(node.args[0]):
                    self.replaced(node.lineno, one + "." + text)
        self.generic_visit(node)

    def called_so(self, node):
        """A call of something that has the name of one of Python's own functions, or of one that the program has of the desk, and is none: a parameter, a name of a loop, a function."""
        if isinstance(node.func, ast.Name) and (node.func.id in BUILTINS or node.func.id in self.desk):
            others = [v for v in self.scope.variables(node.func) if v is not None and not v.imports]
            if others and not any(isinstance(m, ast.ClassDef) for v in others for m in v.made):
                self.find("caution", node.lineno, "misleading", "Calls %s, which is something else here than what readers know by that name." % node.func.id, node.func.id)

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
                for name in self.scope.imported(target):
                    self.replaced(node.lineno, name)
                if isinstance(value, ast.Lambda) and target.attr in self.attributes and not self.scope.imported(target) and target.attr not in SETTABLE:
                    self.find("caution", node.lineno, "change", "Puts a function of its own in the place of .%s." % target.attr, target.attr)
            elif isinstance(target, ast.Name):
                self.shadows(node, target.id, value)

    def shadows(self, node, name, value):
        """A name that readers know, for something else that can be called."""
        can_be_called = isinstance(value, (ast.Lambda, ast.Attribute, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) \
            or isinstance(value, ast.Name) and (value.id in BUILTINS or any(v and (v.made or v.imports) for v in self.scope.variables(value)))
        module = any(v.whole for v in [self.scope.own[self.scope.at[node]].get(name)] if v)
        if name in BUILTINS and can_be_called or name in NEVER_NAMED or module and (can_be_called or self.mentions(value, name)):
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
