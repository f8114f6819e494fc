"""Values that are put in the place of those that were read, without the table being named. Loaded by findings.py.

df["amount"].values is the memory of the column: whoever writes into it, by whatever name, changes
what every sum after it rests on. So do update(), formulas with an =, and other names for all
columns at once.
"""

import ast

WRITES = {"numpy.copyto", "numpy.put", "numpy.place", "numpy.putmask", "numpy.fill_diagonal", "numpy.put_along_axis", "numpy.random.shuffle", "random.shuffle"}
METHODS = {"fill", "sort", "put", "partition", "itemset", "setfield", "byteswap", "resize", "setflags"}
SAME = {"to_numpy", "ravel", "reshape", "view", "squeeze", "transpose", "to_array"}  # give the same memory again, or may
ARRAYS = {"numpy.asarray", "numpy.asanyarray", "numpy.ravel", "numpy.reshape", "numpy.squeeze", "memoryview"}
ORDERS = {"sorted", "reversed", "numpy.roll", "numpy.flip", "numpy.sort", "numpy.random.permutation", "random.sample", "itertools.permutations"}
METHODS_OF_ORDER = {"sort_values", "permutation", "sort", "reverse", "rotate", "shuffle", "sample"}
NOTHING = {0, 1, -1, 100}
MISSING = {"numpy.nan", "pandas.NA", "pandas.NaT", "math.nan"}


class InPlace:
    def __init__(self, scope, report, bare, over, swapped):
        self.scope, self.report, self.bare, self.over, self.swapped = scope, report, bare, over, swapped

    def look(self):
        for node in self.scope.nodes:
            if isinstance(node, (ast.Assign, ast.AugAssign)):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    self.set(node, target)
            elif isinstance(node, ast.Call):
                self.call(node)

    def find(self, node, text, kind="written", about=""):
        self.report.find("caution", node.lineno, kind, text, about)

    def put(self, node):
        self.find(node, "Puts other values in the place of those that were read, by the memory of a column.", about="values")

    # -- the memory of a column

    def set(self, node, target):
        if isinstance(target, (ast.Tuple, ast.List)):
            for one in target.elts:
                self.set(node, one)
        elif isinstance(target, ast.Attribute) and target.attr == "columns" and isinstance(node, ast.Assign) and self.orders(node.value):
            self.columns(node)
        elif isinstance(target, ast.Subscript) and self.memory(target.value) and not self.mends(node, target.slice):
            self.put(node)
        elif isinstance(target, ast.Name) and isinstance(node, ast.AugAssign) and self.memory(target):
            self.put(node)

    def mends(self, node, rows):
        """Whether rows that a condition chooses are set to nothing, or to missing, as an analysis may."""
        figure = self.scope.number(node.value)
        return not self.bare.bare(rows) and isinstance(node, ast.Assign) and (figure == 0 or self.scope.dotted(node.value) in MISSING)

    def memory(self, node, seen=None):
        """Whether an array is the memory of a column that was read, and no copy of it."""
        seen = set() if seen is None else seen
        if node in seen:
            return False
        seen.add(node)
        if isinstance(node, ast.Name):
            return any(self.memory(v, seen) for one in self.scope.variables(node) if one is not None for v in one.values)
        if isinstance(node, ast.Attribute):
            return node.attr in ("values", "array") and self.column(node.value, set()) or node.attr in ("T", "flat", "base") and self.memory(node.value, seen)
        if isinstance(node, ast.Subscript):
            return isinstance(node.slice, ast.Slice) and self.memory(node.value, seen)
        if isinstance(node, ast.Call) and not any(k.arg == "copy" and self.scope.value(k.value) for k in node.keywords):
            if isinstance(node.func, ast.Attribute) and node.func.attr in SAME and not self.scope.imported(node.func):
                return node.func.attr == "to_numpy" and self.column(node.func.value, set()) or self.memory(node.func.value, seen)
            if ARRAYS & set(self.scope.names(node.func)) and node.args:
                return self.column(node.args[0], set()) or self.memory(node.args[0], seen)
        return False

    def column(self, node, seen):
        """Whether something is a table or a column that was read, and nothing that was computed of it."""
        if node in seen:
            return False
        seen.add(node)
        if isinstance(node, ast.Name):
            values = [v for one in self.scope.variables(node) if one is not None for v in one.values]
            return any(self.bare.reader(v) if isinstance(v, ast.Call) else self.column(v, seen) for v in values)
        if isinstance(node, ast.Subscript):
            # Several columns, and rows that a condition chooses, are a copy.
            return not isinstance(node.slice, (ast.List, ast.Compare, ast.BinOp, ast.UnaryOp)) and self.column(node.value, seen)
        return isinstance(node, ast.Attribute) and self.column(node.value, seen)

    # -- calls

    def call(self, node):
        names, method, keyword = set(self.scope.names(node.func)), getattr(node.func, "attr", ""), {k.arg: k.value for k in node.keywords}
        if names & WRITES and any(self.memory(a) for a in node.args[:1] + [keyword[k] for k in ("dst", "a", "arr", "x") if k in keyword]) or "out" in keyword and self.memory(keyword["out"]):
            self.put(node)
        elif method in METHODS and not names and self.memory(node.func.value):
            self.put(node)
        elif method == "update" and not names and (node.args or keyword) and self.column(node.func.value, set()):
            self.find(node, "Puts other values in the place of those that were read (update).", about="update")
        elif method == "eval" or "pandas.eval" in names:
            for text in [t for a in node.args[:1] + [keyword[k] for k in ("expr",) if k in keyword] for t in self.scope.texts(a) or ()]:
                self.formula(node, text)
        elif method == "set_axis" and self.scope.value(keyword.get("axis", node.args[1] if len(node.args) > 1 else None)) in (1, "columns"):
            if any(map(self.orders, node.args[:1] + [keyword[k] for k in ("labels",) if k in keyword])):
                self.columns(node)
        elif method == "rename" and "columns" in keyword:
            self.renames(node, self.scope.literal(keyword["columns"]))

    def formula(self, node, text):
        """df.eval("amount = units") sets a column as df["amount"] = df["units"] does."""
        for line in text.splitlines():
            try:
                parts = ast.parse(line.strip()).body
            except (SyntaxError, ValueError):
                continue
            for part in parts:
                if not isinstance(part, ast.Assign) or not isinstance(part.targets[0], ast.Name):
                    continue
                name, value = part.targets[0].id, part.value
                if isinstance(value, ast.Name) and value.id != name and any({name, value.id} <= columns for columns in self.swapped.tables):
                    self.swapped.say(node, "Puts the column %s in the place of %s, another column of the file." % (value.id, name), name)
                elif isinstance(value, (ast.Constant, ast.UnaryOp)) and name in self.over.inputs:
                    figure = value.value if isinstance(value, ast.Constant) else getattr(value.operand, "value", None)
                    self.over.say(node, {figure} - NOTHING if isinstance(figure, (int, float)) and not isinstance(figure, bool) else set(), "over the column %s, which was read" % name)

    # -- the names of all columns

    def columns(self, node):
        self.find(node, "Gives columns the names of others: their names in another order than the columns.", "misleading", "columns")

    def renames(self, node, given):
        pairs = given.args[0] if isinstance(given, ast.Call) and self.scope.dotted(given.func) == "dict" and given.args else given.generators[0].iter if isinstance(given, ast.DictComp) else None
        pairs = self.scope.literal(pairs) if pairs is not None else None
        if isinstance(pairs, ast.Call) and self.scope.dotted(pairs.func) == "zip" and len(pairs.args) == 2 and any(map(self.of_columns, pairs.args)):
            first, second = pairs.args
            if self.orders(first) != self.orders(second):
                self.columns(node)
            elif self.of_columns(first):
                self.swapped.named_anew(node, second)

    def of_columns(self, node):
        """Whether an expression is made of the names of a table's columns."""
        return any(isinstance(n, ast.Attribute) and n.attr in ("columns", "keys") or n is not node and isinstance(n, ast.Name) and isinstance(self.scope.literal(n), (ast.Call, ast.Attribute)) and any(getattr(m, "attr", "") == "columns" for m in ast.walk(self.scope.literal(n)))
                   for whole in {node, self.scope.literal(node)} for n in ast.walk(whole))

    def orders(self, node):
        """Whether the names of columns come in another order than the columns."""
        whole = self.scope.literal(node)
        if not self.of_columns(node):
            return False
        if isinstance(node, ast.Name) and any(isinstance(n, ast.Attribute) and n.attr in ("sort", "reverse") and getattr(n.value, "id", "") == node.id for n in self.scope.nodes):
            return True
        for n in ast.walk(whole):
            if isinstance(n, ast.Call) and (ORDERS & set(self.scope.names(n.func)) or getattr(n.func, "attr", "") in METHODS_OF_ORDER) and any(map(self.of_columns, n.args + [n.func])):
                return True
            if isinstance(n, ast.Slice) and n.step is not None and (self.scope.number(n.step) or 0) < 0:
                return True
            if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Add) and isinstance(n.left, ast.Subscript) and isinstance(n.left.slice, ast.Slice) and n.left.slice.lower is not None and self.of_columns(n.left):
                return True
        return False
