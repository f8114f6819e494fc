"""Which values of a program rest on nothing that it has read. Loaded by findings.py.

A number may be typed in and yet look computed: as the sum of a list, in a table, by a function
that takes the data and leaves it aside. Whatever is made of constants alone, by whatever way
that can be followed, is bare here; what cannot be followed is not.
"""

import ast
import re

BUILT = {"sum", "max", "min", "abs", "round", "len", "int", "float", "str", "format", "sorted", "list", "tuple", "dict", "set", "range", "zip", "enumerate", "pow", "divmod", "bool", "repr", "reversed", "next", "iter"}
LIBRARIES = {"pandas", "numpy", "math", "statistics", "decimal", "fractions", "random", "collections", "itertools", "datetime"}
READS = ("read_", "load", "genfromtxt", "fromfile", "fromregex", "ExcelFile", "HDFStore", "open", "memmap")
# What takes its numbers out of a text.
TEXTS = {"io.StringIO", "io.BytesIO", "json.loads", "ast.literal_eval", "int", "float", "float", "decimal.Decimal", "numpy.fromstring", "fractions.Fraction"}
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?!\w)")
READERS = {"desk.load", "desk.load_parts", "open", "csv.reader", "csv.DictReader", "pandas.ExcelFile", "openpyxl.load_workbook", "numpy.loadtxt", "numpy.genfromtxt", "numpy.load"}
SAYS = {"desk.money", "desk.percent", "desk.number"}
PARTS = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Starred, ast.Slice, ast.Subscript, ast.JoinedStr, ast.FormattedValue,
         ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.comprehension, ast.keyword)
DEEPEST = 60


class Bare:
    def __init__(self, scope, known):
        self.scope, self.known = scope, known
        self.memo, self.trial, self.busy = {}, {}, set()
        self.methods = {}  # a name -> what methods of that name return, in the program's own classes
        self.fields = {}   # a name -> what classes of the program's own set it to
        self.changes = {}  # a variable -> what is put into it
        self.taken = {}    # a variable -> what it is taken out of, with others: for k, v in d.items()
        for node in scope.nodes:
            if isinstance(node, ast.ClassDef):
                for part in node.body:
                    if isinstance(part, ast.FunctionDef):
                        self.methods.setdefault(part.name, []).append(part)
                    for name in getattr(part, "targets", None) or [getattr(part, "target", None)]:
                        if isinstance(name, ast.Name) and getattr(part, "value", None) is not None:
                            self.fields.setdefault(name.id, []).append(part.value)
            elif isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Attribute) and getattr(node.targets[0].value, "id", "") == "self":
                self.fields.setdefault(node.targets[0].attr, []).append(node.value)
            elif isinstance(node, (ast.For, ast.comprehension)) and isinstance(node.target, ast.Tuple):
                self.takes(node.target, node.iter)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and not isinstance(node.value, (ast.Tuple, ast.List)):
                self.takes(node.targets[0], node.value)
            self.changed(node)
        self.reads = any(isinstance(n, ast.Call) and self.reader(n) for n in scope.nodes)

    def reader(self, call):
        """Whether a call reads a file."""
        return any(m in READERS or m.startswith("pandas.read_") for m in self.scope.names(call.func)) and not self.of_text(call)

    def takes(self, target, source):
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                for variable in filter(None, self.scope.variables(name)):
                    self.taken.setdefault(variable, []).append(source)

    def changed(self, node):
        """What a statement puts into a list, a dictionary or a table. Where it may not, or often, nothing is known."""
        into, parts = None, []
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Subscript):
                    into, parts = target.value, [target.slice, node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in self.scope.CHANGES:
            into, parts = node.func.value, node.args + [k.value for k in node.keywords]
        if isinstance(into, ast.Name):
            # In a loop or a branch it happens often, once or never: None stands for what cannot be told.
            known = not self.scope.within(node, (ast.For, ast.While, ast.If, ast.Try, ast.Match, ast.ListComp))
            for variable in filter(None, self.scope.variables(into)):
                self.changes.setdefault(variable, []).extend(parts if known else [None])

    def instance(self, node):
        """The call that makes what an expression stands for, where that is one of a class of the program's own."""
        variable = self.scope.variable(node) if isinstance(node, ast.Name) else None
        made = self.scope.only(variable) if variable is not None else node
        return made if isinstance(made, ast.Call) and self.scope.functions_or_classes(made.func) and not self.scope.functions(made.func) else None

    def bare(self, node):
        """Whether a value is made of constants alone."""
        return self.sources(node) is not None

    def sources(self, node):
        """The expressions that a bare value is made of; None if it is not bare."""
        if node in self.memo:
            return self.memo[node]
        if node in self.trial:
            return self.trial[node]
        if len(self.busy) > DEEPEST:
            return None
        # A name that is set anew from itself rests on nothing if all else that it is made of does: that is
        # supposed here, and holds if what was asked for first turns out to be bare.
        self.busy.add(node)
        found = self.trial[node] = self.find(node)
        if found is None or not all(map(self.bare, found)):
            found = self.memo[node] = None
        self.busy.discard(node)
        if not self.busy:
            self.memo.update(self.trial if found is not None else {})
            self.trial = {}
        return found

    def find(self, node):
        if isinstance(node, ast.Constant):
            return []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for side in (node.left, node.right):
                # Nothing times what was read is nothing, and looks as if it rested on it.
                if self.scope.number(side) == 0:
                    return [side]  # whatever the other one is
        if isinstance(node, PARTS):
            return [part for part in ast.iter_child_nodes(node) if not isinstance(part, (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)) and not (isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))]
        if isinstance(node, ast.Name):
            return self.of_name(node)
        if isinstance(node, ast.Attribute):
            if self.scope.imported(node):
                return [] if self.scope.dotted(node) in ("math.pi", "numpy.pi", "math.e", "numpy.e", "numpy.nan", "math.inf") else None
            of = node.value
            if isinstance(of, ast.Name) and self.scope.functions_or_classes(of):
                return self.fields.get(node.attr)
            if isinstance(of, ast.Name) and of.id == "self":
                return self.fields.get(node.attr)
            made = self.instance(of)
            if made is not None:
                return self.fields.get(node.attr) or made.args + [k.value for k in made.keywords] or None
            return [of]
        return self.of_call(node) if isinstance(node, ast.Call) else None

    def of_name(self, node):
        variable = self.scope.variable(node)
        put = self.changes.get(variable, [])
        # What is not known in full is taken for something that rests on what was read: the rule must not accuse in doubt.
        if variable is None or variable.imports or variable.grown or variable.made or None in put or variable.changed and not put:
            return None
        if variable.values or variable.turns:
            return variable.values + variable.turns + put if variable.sets == len(variable.values) + len(variable.turns) else None
        found = variable.handed or self.taken.get(variable, [])  # a parameter: whatever it is called with
        return found + put if found and variable.sets == 1 else None

    def of_text(self, node):
        """Whether a table is read out of a text that stands in the program."""
        first = node.args[0] if node.args else None
        return isinstance(first, ast.Call) and self.scope.dotted(first.func) in ("io.StringIO", "io.BytesIO") and bool(first.args) and self.bare(first.args[0])

    def of_call(self, node):
        given = node.args + [k.value for k in node.keywords]
        own = self.scope.functions(node.func)
        if own:
            return [r for f in own for r in self.scope.returned.get(f, [None])] if all(self.scope.returned.get(f) for f in own) else None
        if self.scope.functions_or_classes(node.func):
            return given or None
        name = self.scope.dotted(node.func)
        if self.scope.imported(node.func) or isinstance(node.func, ast.Name):
            last = name.rpartition(".")[2]
            if name in TEXTS or name.startswith("pandas.read_") and self.of_text(node):
                return given
            return given if name in BUILT or name in SAYS or name.partition(".")[0] in LIBRARIES and not last.startswith(READS) and last not in ("now", "today", "utcnow") else None
        if isinstance(node.func, ast.Attribute):
            made = self.methods.get(node.func.attr)
            if made and (node.func.attr not in self.known["attributes"] or self.instance(node.func.value) is not None):
                return [r for f in made for r in self.scope.returned[f]] if all(self.scope.returned.get(f) for f in made) else None
            # A method of something bare, given what is bare, gives what is bare.
            return [node.func.value] + given
        return None

    def figures(self, node):
        """The numbers that a bare value is made of, each with the node where it stands."""
        found, todo, seen = {}, [node], set()
        while todo:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            if isinstance(one, ast.Constant) and isinstance(one.value, (int, float)) and not isinstance(one.value, bool):
                found.setdefault(one.value, one)
            elif isinstance(one, ast.Call) and self.scope.dotted(one.func) in TEXTS:
                for text in [t for a in one.args for t in self.scope.texts(a) or ()]:
                    for number in NUMBER.findall(text)[:100]:
                        found.setdefault(float(number.replace(",", "")), one)
            todo.extend(self.sources(one) or ())
        return found

    def top(self, node):
        """The largest bare value that a bare one is a part of."""
        up = self.scope.parents.get(node)
        while isinstance(up, (ast.expr, ast.keyword, ast.comprehension, ast.Slice)) and self.bare(up):
            node, up = up, self.scope.parents.get(up)
        return node
