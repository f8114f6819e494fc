"""Which values of a program rest on nothing that it has read. Loaded by findings.py.

A number may be typed in and yet look computed: as the sum of a list, in a table, by a function
that takes the data and leaves it aside. Whatever is made of constants alone, by whatever way
that can be followed, is bare here; what cannot be followed is not.
"""

import ast

BUILT = {"sum", "max", "min", "abs", "round", "len", "int", "float", "str", "format", "sorted", "list", "tuple", "dict", "set", "range", "zip", "enumerate", "pow", "divmod", "bool", "repr", "reversed", "next", "iter"}
LIBRARIES = {"pandas", "numpy", "math", "statistics", "decimal", "fractions", "random", "collections", "itertools", "datetime"}
READS = ("read_", "load", "genfromtxt", "from", "ExcelFile", "HDFStore", "open", "memmap")
READERS = {"desk.load", "desk.load_parts", "open", "csv.reader", "csv.DictReader", "pandas.ExcelFile", "openpyxl.load_workbook", "numpy.loadtxt", "numpy.genfromtxt", "numpy.load"}
SAYS = {"desk.money", "desk.percent", "desk.number"}
PARTS = (ast.List, ast.Tuple, ast.Set, ast.Dict, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Starred, ast.Slice, ast.Subscript, ast.JoinedStr, ast.FormattedValue,
         ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp, ast.comprehension, ast.keyword)
DEEPEST = 60


class Bare:
    def __init__(self, scope, known):
        self.scope, self.known = scope, known
        self.memo, self.busy = {}, set()
        self.methods = {}  # a name -> what methods of that name return, in the program's own classes
        self.fields = {}   # a name -> what classes of the program's own set it to
        for node in scope.nodes:
            if isinstance(node, ast.ClassDef):
                for part in node.body:
                    if isinstance(part, ast.FunctionDef):
                        self.methods.setdefault(part.name, []).append(part)
                    for name in getattr(part, "targets", None) or [getattr(part, "target", None)]:
                        if isinstance(name, ast.Name) and getattr(part, "value", None) is not None:
                            self.fields.setdefault(name.id, []).append(part.value)
        self.reads = any(isinstance(n, ast.Call) and any(m in READERS or m.startswith("pandas.read_") for m in scope.names(n.func)) for n in scope.nodes)

    def bare(self, node):
        """Whether a value is made of constants alone."""
        return self.sources(node) is not None

    def sources(self, node):
        """The expressions that a bare value is made of; None if it is not bare."""
        if node not in self.memo:
            if node in self.busy or len(self.busy) > DEEPEST:
                return None
            self.busy.add(node)
            found = self.find(node)
            self.memo[node] = found if found is not None and all(map(self.bare, found)) else None
            self.busy.discard(node)
        return self.memo[node]

    def find(self, node):
        if isinstance(node, ast.Constant):
            return []
        if isinstance(node, PARTS):
            return [part for part in ast.iter_child_nodes(node) if not isinstance(part, (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)) and not (isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store))]
        if isinstance(node, ast.Name):
            return self.of_name(node)
        if isinstance(node, ast.Attribute):
            if self.scope.imported(node):
                return [] if self.scope.dotted(node) in ("math.pi", "numpy.pi", "math.e", "numpy.e", "numpy.nan", "math.inf") else None
            return self.fields.get(node.attr) if isinstance(node.value, ast.Name) and self.scope.functions_or_classes(node.value) else [node.value]
        return self.of_call(node) if isinstance(node, ast.Call) else None

    def of_name(self, node):
        variable = self.scope.variable(node)
        if variable is None or variable.imports or variable.changed or variable.grown or variable.made:
            return None
        if variable.values or variable.turns:
            return variable.values + variable.turns if variable.sets == len(variable.values) + len(variable.turns) else None
        return variable.handed or None  # a parameter: whatever it is called with

    def of_call(self, node):
        given = node.args + [k.value for k in node.keywords]
        own = self.scope.functions(node.func)
        if own:
            return [r for f in own for r in self.scope.returned.get(f, [None])] if all(self.scope.returned.get(f) for f in own) else None
        name = self.scope.dotted(node.func)
        if self.scope.imported(node.func) or isinstance(node.func, ast.Name):
            last = name.rpartition(".")[2]
            return given if name in BUILT or name in SAYS or name.partition(".")[0] in LIBRARIES and not last.startswith(READS) and last not in ("now", "today", "utcnow") else None
        if isinstance(node.func, ast.Attribute):
            made = self.methods.get(node.func.attr)
            if made and node.func.attr not in self.known["attributes"]:
                return [r for f in made for r in self.scope.returned[f]] if all(self.scope.returned.get(f) for f in made) else None
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
            todo.extend(self.sources(one) or ())
        return found

    def top(self, node):
        """The largest bare value that a bare one is a part of."""
        up = self.scope.parents.get(node)
        while isinstance(up, (ast.expr, ast.keyword, ast.comprehension, ast.Slice)) and self.bare(up):
            node, up = up, self.scope.parents.get(up)
        return node
