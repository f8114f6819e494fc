"""Figures that a program types into what it has read or computed. Loaded by findings.py.

A table may be read and then have its column set anew, a cell at a time or as a whole, and the
sums that follow look computed. Said is a list of figures for a column of whatever name; one
figure for a column that was read, or for rows that are named; and one that takes the place of
what people are told. A single figure for a new column, or for rows that a condition chooses, is not: a target, a cap.
"""

import ast

CELLS = {"loc", "iloc", "at", "iat"}
NOTHING = {0, 1, -1, 100}  # ends of an axis, shares, what is filled in
GREATER = {"max", "min", "numpy.maximum", "numpy.minimum"}


class Over:
    nothing, greater = NOTHING, GREATER  # for told.py

    def __init__(self, scope, report, bare, files):
        self.scope, self.find, self.bare = scope, report.find, bare
        self.inputs = {c for f in files for c in f["columns"] or ()}

    def look(self, told):
        """told are the variables that people read."""
        self.compared = {self.scope.number(side) for node in self.scope.nodes if isinstance(node, ast.Compare) for side in [node.left] + node.comparators}
        for node in self.scope.nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self.target(node, target)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not self.scope.imported(node.func):
                if node.func.attr == "assign":
                    for k in node.keywords:
                        if k.arg:
                            self.column(node, node.func.value, k.arg, k.value)
                elif node.func.attr == "insert" and len(node.args) == 3:
                    self.column(node, node.func.value, self.scope.text(node.args[1]), node.args[2])
        for variable in told:
            self.replaced(variable)

    def target(self, node, target):
        if isinstance(target, ast.Attribute):
            if target.attr in self.inputs:
                self.column(node, target.value, target.attr, node.value)
            return
        if not isinstance(target, ast.Subscript):
            return
        of, by = target.value, target.slice
        if not (isinstance(of, ast.Attribute) and of.attr in CELLS):
            self.column(node, of, self.scope.text(by), node.value)
            return
        rows, column = (by.elts + [None])[:2] if isinstance(by, ast.Tuple) and by.elts else (by, None)
        name = self.scope.text(column) if column is not None else None
        whole = isinstance(rows, ast.Slice) and rows.lower is rows.upper is None
        if name in self.inputs or whole:
            self.column(node, of.value, name, node.value, not self.bare.bare(rows))
        elif self.bare.bare(rows) and not self.bare.bare(of.value) and self.bare.bare(node.value):
            self.say(node, self.figures(node.value), "over a value that was read")

    def column(self, node, of, name, value, chosen=False):
        """Sets a column: one that was read, or a new one, of which a single figure is no more than a setting. chosen: in rows that a condition chooses."""
        value = value.body if isinstance(value, ast.Lambda) else value
        if name is None or self.bare.bare(of) or self.scope.imported(of):
            return
        if name in self.inputs:
            for typed, unless in self.choices(value):
                self.say(node, {n for n in self.figures(typed) if not (unless or chosen) or n not in self.compared}, "over the column %s, which was read" % name)
        elif self.bare.bare(value) and self.data(of):
            figures = self.figures(value)
            several = self.scope.value(value)
            if not isinstance(several, (int, float, str)) and len(figures) > 1 and (not isinstance(several, tuple) or max(figures) > 1):
                self.say(node, figures, "into the column %s of what was read" % name)

    def choices(self, value):
        """The parts of a value that are typed in, and whether one may be a cap, which the program compares with."""
        if self.bare.bare(value):
            return [(value, False)]
        if isinstance(value, ast.Call):
            if "numpy.where" in self.scope.names(value.func):
                return [(a, True) for a in value.args[1:3] if self.bare.bare(a)]
            if isinstance(value.func, ast.Attribute) and value.func.attr in ("where", "mask"):
                return [(a, True) for a in value.args[1:2] if self.bare.bare(a)]
        return []

    def figures(self, value):
        return set(self.bare.figures(value)) - NOTHING

    def data(self, node):
        """Whether something is made of what was read, by whatever names."""
        todo, seen = [node], set()
        while todo:
            for part in ast.walk(todo.pop()):
                if isinstance(part, ast.Call) and self.bare.reader(part):
                    return True
                if isinstance(part, ast.Name):
                    for variable in filter(None, self.scope.variables(part)):
                        if variable not in seen:
                            seen.add(variable)
                            todo += variable.values + variable.handed + variable.turns
        return False

    def say(self, node, figures, where):
        if figures:
            number = plain(max(figures))
            self.find("caution", node.lineno, "written", "Types %s %s." % (number, where), number)

    def replaced(self, variable):
        """if total < 1254300: total = 1254300, once it has been computed. What comes before is where a search begins."""
        computed = [v.lineno for v in variable.values if not self.bare.bare(v)]
        for value in variable.values if computed else ():
            number = self.scope.number(value)
            if number is not None and isinstance(value, (ast.Constant, ast.UnaryOp)) and value.lineno > min(computed) and abs(number) >= 1000 and not 1900 <= number <= 2100:
                self.say(value, {number}, "where %s otherwise holds what was computed" % variable.name)

    def beside(self, node):
        """The figures that stand beside something computed in max() or min(): the answer is one of them whenever it is typed so."""
        variable = self.scope.variable(node) if isinstance(node, ast.Name) else None
        node = self.scope.only(variable) if variable is not None else node
        if not isinstance(node, ast.Call) or not GREATER & set(self.scope.names(node.func)) or len(node.args) < 2:
            return set()
        return {n for a in node.args if self.bare.bare(a) for n in self.figures(a)}


def plain(number):
    text = repr(number)
    return text[:-2] if text.endswith(".0") else text
