"""What a value was made by: which columns, which rows, which steps. Loaded by findings.py.

Spoken (spoken.py) holds this against the words under which people are shown a value. What is
collected is all that a value can rest on, whatever names it went through; so a word finds its
witness rather too often than too seldom.
"""

import ast
import re

MOST = 200    # variables that are followed from one value
STEPS = 12    # names that are followed to the last step of a value
OPERATORS = {ast.Div: "/", ast.FloorDiv: "/", ast.Sub: "-", ast.Add: "+", ast.Mult: "*", ast.Pow: "**", ast.Mod: "%", ast.MatMult: "*"}
# What only writes a value, or leaves it as it is.
WRITES = {"desk.money", "desk.number", "desk.percent", "round", "float", "int", "str", "abs"}
KEEPS = {"round", "reset_index", "copy", "to_frame", "rename", "astype", "dropna", "rename_axis", "set_index", "item", "to_list", "tolist", "to_numpy", "squeeze", "assign", "fillna", "title", "strip", "upper", "date", "strftime"}
PARTS = {"iloc", "index", "loc", "values", "iat", "at"}
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
QUOTED = re.compile(r"(?:==|\bin\b)\s*\[?\s*(['\"])(.*?)\1")
COMPARES = re.compile(r"[<>]")


class Facts:
    """steps: methods, functions and operators; columns: of the files; chosen: texts by which rows were chosen."""

    __slots__ = ("steps", "columns", "chosen", "names", "functions")

    def __init__(self):
        self.steps, self.columns, self.chosen, self.names, self.functions = set(), set(), set(), set(), set()

    def take(self, other):
        self.steps |= other.steps
        self.columns |= other.columns
        self.chosen |= other.chosen


class Origin:
    def __init__(self, scope, bare, fudge, files):
        self.scope, self.bare, self.fudge = scope, bare, fudge
        self.inputs = {c for f in files for c in f["columns"] or ()}
        self.unknown = all(f["columns"] is None for f in files)
        self.memo, self.whole = {}, {}
        self.made = set(self.inputs)  # columns, of the files or of the program: these choose no rows
        compared = {t for n in scope.nodes if isinstance(n, ast.Compare) for side in [n.left] + n.comparators for t in scope.texts(side) or ()}
        for node in scope.nodes:
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                self.made.add(scope.text(node.slice))
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") == "columns" and isinstance(node.value, (ast.List, ast.Tuple)):
                self.made.update(t for t in map(scope.text, node.value.elts) if t and t not in compared)
            elif isinstance(node, ast.Dict) and self.heads(node):
                self.made.update(t for t in map(scope.text, filter(None, node.keys)) if t and t not in compared)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("agg", "aggregate", "assign", "rename", "reset_index", "to_frame", "melt", "eval"):
                self.made.update(k.arg for k in node.keywords)
                self.made.update(n.value for a in node.args + [k.value for k in node.keywords] for n in ast.walk(a) if isinstance(n, ast.Constant) and isinstance(n.value, str))

    def heads(self, node):
        """Whether the keys of a dictionary are the columns of a table: it is one, or a row of one."""
        up = self.scope.parents.get(node)
        return isinstance(up, (ast.List, ast.ListComp)) or isinstance(up, ast.Call) and (getattr(up.func, "attr", "") == "append" or "pandas.DataFrame" in self.scope.names(up.func))

    def facts(self, node):
        """All that a value rests on."""
        key = tuple(self.scope.variables(node)) if isinstance(node, ast.Name) else node
        if key in self.whole:
            return self.whole[key]
        found, seen, todo = Facts(), set(), [node]
        while todo and len(seen) < MOST:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            if isinstance(one, ast.AST):
                local = self.local(one)
                found.take(local)
                todo += [n for n in local.names if n not in seen] + [r for f in local.functions for r in self.scope.returned.get(f, ())]
            else:
                todo += one.values + one.handed + one.turns + self.bare.taken.get(one, []) + self.fudge.put.get(one, []) + [g.value for g in one.grown]
                todo += [t for g in one.grown for t in self.conditions(g)]
        self.whole[key] = found
        return found

    def conditions(self, node):
        """The conditions under which a loop adds to something."""
        up = self.scope.parents.get(node)
        while isinstance(up, (ast.If, ast.With)):
            if isinstance(up, ast.If) and node in up.body:
                yield up.test
            node, up = up, self.scope.parents.get(up)

    def choices(self):
        """All texts by which the program chooses rows."""
        found = Facts()
        for n in self.scope.nodes:
            if isinstance(n, ast.Compare):
                self.by_comparison(n, found)
            elif isinstance(n, ast.Call):
                self.by_call(n, found)
            elif isinstance(n, ast.Subscript):
                self.by_label(n, found)
        return found.chosen

    def local(self, node):
        """What stands in an expression itself."""
        if node in self.memo:
            return self.memo[node]
        found = self.memo[node] = Facts()
        for n in ast.walk(node):
            if isinstance(n, ast.Attribute):
                found.steps.add(n.attr)
                if n.attr in self.inputs:
                    found.columns.add(n.attr)
            elif isinstance(n, ast.Call):
                names = self.scope.names(n.func)
                found.steps.update(m.rpartition(".")[2] for m in names)
                found.steps.update(k.arg for k in n.keywords if k.arg)
                found.functions.update(f for f in self.scope.functions(n.func) if not isinstance(f, ast.Lambda))
                if isinstance(n.func, ast.Attribute) and n.func.attr not in self.bare.known["attributes"]:
                    found.functions.update(self.bare.methods.get(n.func.attr, ()))  # a method of the program's own
                self.by_call(n, found)
            elif isinstance(n, ast.BinOp):
                found.steps.add(OPERATORS.get(type(n.op), ""))
            elif isinstance(n, ast.Compare):
                found.steps.add("<")
                self.by_comparison(n, found)
            elif isinstance(n, ast.Subscript):
                self.by_label(n, found)
            elif isinstance(n, ast.Constant) and isinstance(n.value, str):
                if n.value in self.inputs:
                    found.columns.add(n.value)
                elif n.value.isidentifier():
                    found.steps.add(n.value)  # agg("mean")
            elif isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load):
                found.names.update(v for v in self.scope.variables(n) if v is not None and not v.imports)
        return found

    def by_comparison(self, node, found):
        sides = [node.left] + node.comparators
        self.by_calendar(node, found)
        for op, side in [(o, s) for o in node.ops for s in sides]:
            if isinstance(op, (ast.Eq, ast.In)):
                for one in side.elts if isinstance(side, (ast.List, ast.Tuple, ast.Set)) else [side]:
                    self.choose(one, found)

    def by_calendar(self, node, found):
        """df["day"].dt.month == 11"""
        if isinstance(node.ops[0], ast.Eq):
            self.by_number(node.left, self.scope.number(node.comparators[0]), found)

    def by_number(self, left, number, found):
        of = self.last(left) if isinstance(number, int) else None
        of = getattr(of, "attr", None) or (self.scope.text(of.slice) if isinstance(of, ast.Subscript) else None)
        if of == "year" and 1900 < number < 2100:
            found.chosen.add(str(number))
        elif of == "month" and 1 <= number <= 12:
            found.chosen.add(MONTHS[number - 1])
        elif of == "quarter" and 1 <= number <= 4:
            found.chosen.add("Q%d" % number)
        elif of in ("dayofweek", "weekday", "day_of_week") and 0 <= number <= 6:
            found.chosen.add(DAYS[number])

    def by_call(self, node, found):
        method = getattr(node.func, "attr", "")
        if method == "isin" and node.args and isinstance(node.args[0], (ast.List, ast.Tuple, ast.Set)):
            for one in node.args[0].elts:
                self.by_number(node.func.value, self.scope.number(one), found)
        if method in ("isin", "eq", "xs", "get_group", "get"):
            for one in [e for a in node.args[:1] for e in (a.elts if isinstance(a, (ast.List, ast.Tuple, ast.Set)) else [a])]:
                self.choose(one, found)
        elif method == "query" and node.args:
            for text in self.scope.texts(node.args[0]) or ():
                found.chosen.update(t for _, t in QUOTED.findall(text))
                found.steps.update(["<"] if COMPARES.search(text) else [])

    def by_label(self, node, found):
        if self.unknown and not (isinstance(node.value, ast.Attribute) and node.value.attr in ("loc", "at")):
            return  # df["amount"] is a column then, as far as anybody can tell
        by = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        if isinstance(node.ctx, ast.Load) and not isinstance(node.value, ast.Constant) and not (isinstance(node.value, ast.Call) and getattr(node.value.func, "attr", "") in ("groupby", "resample", "rolling")):
            self.choose(by, found)  # behind groupby stands a column

    def choose(self, node, found):
        if isinstance(node, (ast.Constant, ast.Name)):
            found.chosen.update(t for t in self.scope.texts(node) or () if t and t not in self.made)

    # -- the last step

    def last(self, node):
        """The expression that a value is in the end: behind names, and what only writes it."""
        for _ in range(STEPS):
            if isinstance(node, ast.Name):
                variable = self.scope.variable(node)
                only = self.scope.only(variable) if variable is not None else None
                if only is None:
                    return node
                node = only
            elif isinstance(node, ast.Call) and node.args and set(self.scope.names(node.func)) & WRITES and not isinstance(node.func, ast.Attribute):
                node = node.args[0]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in KEEPS and not self.scope.imported(node.func):
                node = node.func.value
            elif isinstance(node, ast.FormattedValue):
                node = node.value
            else:
                return node
        return node

    def way(self, node, depth=0):
        """1 for the greatest of several, -1 for the least, 0 where it is neither or cannot be told."""
        node = self.last(node)
        if depth > STEPS:
            return 0
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", "") or self.scope.dotted(node.func).rpartition(".")[2]
            if name in ("idxmax", "max", "nlargest", "argmax", "nanmax", "amax"):
                return 1 if not self.turned(node) else 0
            if name in ("idxmin", "min", "nsmallest", "argmin", "nanmin", "amin"):
                return -1 if not self.turned(node) else 0
            if name in ("head", "first") and isinstance(node.func, ast.Attribute):
                return -self.order(node.func.value)
            return self.order(node.func.value) if name in ("tail", "last") and isinstance(node.func, ast.Attribute) else 0
        if isinstance(node, ast.Subscript):
            at = self.scope.number(node.slice)
            of = node.value
            if isinstance(node.slice, ast.Slice) and node.slice.lower is None and node.slice.step is None:
                at = 0
            if at in (0, -1):
                while isinstance(of, ast.Attribute) and of.attr in PARTS:
                    of = of.value
                one = self.last(of)
                if isinstance(one, ast.Call) and getattr(one.func, "attr", "") in ("head", "tail") and one.args and self.scope.number(one.args[0]) == 1:
                    return self.way(one, depth + 1)
                order = self.order(of)
                return (order if at == -1 else -order) or (self.way(of, depth + 1) if at == 0 else 0)
            if isinstance(of, ast.Attribute) and of.attr == "loc" and not isinstance(node.slice, ast.Slice):
                by = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
                return self.way(by, depth + 1)
            return self.way(of, depth + 1) if self.scope.text(node.slice) is not None else self.way(node.slice, depth + 1) if isinstance(node.slice, (ast.Name, ast.Call)) else 0
        if isinstance(node, ast.Attribute):
            return self.way(node.value, depth + 1) if node.attr in self.made else 0
        return 0

    def turned(self, call):
        """Whether something is given beside the values: a key, a count of another thing."""
        return any(k.arg == "key" for k in call.keywords) and any(isinstance(n, ast.USub) for n in ast.walk(call))

    def order(self, node):
        """1 for what is sorted from the least to the greatest, -1 the other way around, 0 for what is not, or by more than a value."""
        node = self.last(node)
        for _ in range(STEPS):
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and node.slice.step is not None and (self.scope.number(node.slice.step) or 0) < 0:
                return -self.order(node.value.value if isinstance(node.value, ast.Attribute) and node.value.attr in PARTS else node.value)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("head", "tail", "query", "nlargest", "nsmallest"):
                if node.func.attr in ("nlargest", "nsmallest"):
                    return -1 if node.func.attr == "nlargest" else 1
                node = self.last(node.func.value)
            elif isinstance(node, ast.Subscript) and (isinstance(node.slice, (ast.Slice, ast.Compare, ast.List)) or self.scope.text(node.slice) in self.made):
                node = self.last(node.value)
            elif isinstance(node, ast.Attribute) and node.attr in PARTS:
                node = self.last(node.value)
            else:
                break
        if not isinstance(node, ast.Call):
            return 0
        name, keyword = getattr(node.func, "attr", "") or self.scope.dotted(node.func), self.scope.keywords(node)
        if name in ("value_counts", "most_common"):
            up = self.scope.value(keyword["ascending"]) if "ascending" in keyword else False
            return 1 if up else -1
        if name == "sort_values":
            up = self.scope.value(keyword["ascending"]) if "ascending" in keyword else True
            up = up[0] if isinstance(up, (list, tuple)) and up else up
            return 0 if up is None or "key" in keyword else 1 if up else -1
        if name == "sorted" and not any(isinstance(n, ast.USub) for n in ast.walk(node)):
            down = self.scope.value(keyword["reverse"]) if "reverse" in keyword else False
            return 0 if down is None or isinstance(self.last(node.args[0]), ast.Attribute) else -1 if down else 1
        return 0
