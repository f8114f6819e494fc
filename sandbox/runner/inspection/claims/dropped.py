"""Rows and values that a program drops, changes or repeats without a word. Loaded by findings.py.

An analysis may well do so; whoever approves it should know that it does, since the sums that
follow say nothing of it. It is named once, with the ways in which it is done, unless the
program counts what it leaves out.
"""

import ast

SUMS = {"sum", "max", "min", "len", "sorted", "list", "statistics.mean", "statistics.median", "math.fsum", "numpy.sum", "numpy.mean", "numpy.array", "statistics.fmean"}
CHOOSES = {"numpy.extract", "numpy.compress", "scipy.stats.trim_mean", "scipy.stats.trimboth", "scipy.stats.trim1", "scipy.stats.tmean", "numpy.trim_zeros"}
DROPS = {"dropna", "drop_duplicates", "query", "head", "tail", "nlargest", "nsmallest", "sample", "truncate", "filter"}
MASKS = {"isin", "between", "notna", "notnull", "isna", "isnull", "eq", "ne", "gt", "ge", "lt", "le", "duplicated", "contains", "startswith", "endswith"}
# Keywords of readers by which lines or rows are passed over -> the values that pass over none.
READER = {"nrows": {None}, "on_bad_lines": {"error"}, "error_bad_lines": {True}, "warn_bad_lines": {True, False}, "skipfooter": {0}, "skip_footer": {0}, "invalid_raise": {True}, "max_rows": {None}, "encoding_errors": {"strict"},
          "header": {0, None, "infer"}, "comment": {None, "#"}, "lineterminator": {None, "\n", "\r\n"}}
MISSING = {"numpy.nan", "pandas.NA", "pandas.NaT", "math.nan"}
CHANGES = {"clip": "clip", "where": "where", "mask": "mask", "winsorize": "winsorize"}
ALONE = {"drop_duplicates", "groupby", "unique", "value_counts", "pivot_table", "agg", "aggregate", "nunique"}  # after which no row of a key stands twice
# What takes a part of what it goes over -> the place of that.
TAKES = {"itertools.islice": 0, "itertools.takewhile": 1, "itertools.dropwhile": 1}


class Dropped:
    def __init__(self, scope, report, fudge):
        self.scope, self.find, self.fudge = scope, report.find, fudge

    def look(self):
        counts = any(isinstance(n, ast.Call) and self.scope.dotted(n.func) == "desk.left_out" and n.args and self.scope.number(n.args[0]) is None for n in self.scope.nodes)
        nodes = sorted((n for n in self.scope.nodes if hasattr(n, "lineno")), key=lambda n: (n.lineno, n.col_offset))
        tables = self.scope.tops & {"pandas", "desk"}
        for way, text in ((None if counts else self.way if tables else self.plain, "Drops rows without telling people how many (%s)."), (self.changed, "Changes values without telling people how many (%s)."), (self.repeated if tables else None, "May repeat rows, so that sums count them twice (%s).")):
            ways, line = [], 0
            for node in nodes if way else ():
                found = way(node)
                if found:
                    line = line or node.lineno
                    ways += [found] if found not in ways else []
            if ways:
                self.find("note", line, "left out", text % ", ".join(ways[:6]), ", ".join(ways))

    def way(self, node):
        found = self.plain(node)
        if found:
            return found
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            by = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts and isinstance(node.value, ast.Attribute) and node.value.attr == "loc" else node.slice
            if isinstance(by, ast.List) and len(by.elts) > 1 and self.summed(node) and all(map(self.scope.text, by.elts)) and getattr(getattr(self.scope.literal(node.value), "func", None), "attr", "") in ("pivot_table", "pivot", "unstack"):
                return "some columns"
            return "a filter" if self.chooses(by, 0) or isinstance(by, ast.Lambda) and isinstance(node.value, ast.Attribute) and self.chooses(by.body, 0) else "a slice" if self.slices(node) else ""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and any(self.chooses(s, 0) and not isinstance(s, ast.Name) for s in (node.left, node.right)) and self.fudge.data(node):
            return "a product with a filter"
        if not isinstance(node, ast.Call):
            return ""
        method, name = getattr(node.func, "attr", ""), self.scope.dotted(node.func)
        keyword = {k.arg: k.value for k in node.keywords}
        if name == "pandas.merge" or method == "merge" and not self.scope.imported(node.func):
            how = keyword.get("how", node.args[2] if name and len(node.args) > 2 else node.args[1] if not name and len(node.args) > 1 else None)
            return "an inner join" if how is None or self.scope.text(how) == "inner" else ""
        if method == "join" and "how" in keyword:
            return "an inner join" if self.scope.text(keyword["how"]) == "inner" else ""
        if name in CHOOSES or name.startswith("numpy.") and "where" in keyword:
            return name.rpartition(".")[2] if name in CHOOSES else "a filter"
        if name == "set" and node.args and self.of_input(node.args[0]) and self.summed(node) or method == "unique" and self.of_input(node.func.value) and self.summed(node):
            return "equal values as one"
        if method in ("first", "last", "nth", "head", "tail") and self.groups(node.func.value) and self.summed_later(node):
            return "one row of each group"
        if self.fudge.bare.reader(node):
            return next((k.arg for k in node.keywords if k.arg in READER and not self.usual(k) or k.arg == "skiprows" and isinstance(self.scope.literal(k.value), (ast.Lambda, ast.List, ast.Tuple))), "")
        if method == "drop" and not self.scope.imported(node.func):
            return "drop" if "index" in keyword or node.args and any(getattr(n, "attr", "") == "index" for n in ast.walk(node.args[0])) else ""
        if method not in DROPS or self.scope.imported(node.func) or method == "filter" and not self.grouped(node):
            return ""
        if method == "dropna" and isinstance(node.func.value, ast.Call) and getattr(node.func.value.func, "attr", "") in ("pct_change", "diff"):
            return ""  # the first has nothing before it
        axis = keyword.get("axis")
        return "" if axis is not None and self.scope.value(axis) in (1, "columns") else method

    def usual(self, keyword):
        """Whether a reader's keyword passes over no rows; a list says in which rows a heading stands."""
        value = self.scope.value(keyword.value)
        return isinstance(value, (list, tuple)) or value in READER[keyword.arg]

    def chooses(self, by, depth):
        """Whether an index is a column of True and False."""
        if isinstance(by, ast.Name) and depth < 3:
            variable = self.scope.variable(by)
            value = self.scope.only(variable) if variable is not None else None
            return value is not None and self.chooses(value, depth + 1)
        if isinstance(by, ast.Call):
            return isinstance(by.func, ast.Attribute) and by.func.attr in MASKS
        if isinstance(by, ast.BinOp):
            return isinstance(by.op, (ast.BitAnd, ast.BitOr)) and (self.chooses(by.left, depth + 1) or self.chooses(by.right, depth + 1))
        return isinstance(by, ast.Compare) or isinstance(by, ast.UnaryOp) and isinstance(by.op, ast.Invert)

    def grouped(self, call):
        return bool(call.args) and isinstance(call.args[0], (ast.Lambda, ast.Name)) and "groupby" in [getattr(n, "attr", "") for n in ast.walk(self.scope.literal(call.func.value))]

    def slices(self, node):
        """df[:200] and df.iloc[::2], of a table that is summed up afterwards; not a part of a text, a list or a sorted column."""
        by = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        if not isinstance(by, ast.Slice) or by.lower is by.upper is None and (by.step is None or (self.scope.number(by.step) or 0) < 0):
            return False
        of = node.value
        if isinstance(of, ast.Attribute) and of.attr in ("iloc", "loc"):
            of = of.value
        elif isinstance(node.slice, ast.Tuple):
            return False
        return self.table(of, 0)

    def table(self, node, depth):
        """Whether something is a table as it was read, or a part of it."""
        node = self.scope.literal(node)
        if isinstance(node, ast.Call):
            return bool(node.args) and self.fudge.bare.reader(node) and self.scope.dotted(node.func) != "open" or depth < 5 and isinstance(node.func, ast.Attribute) and node.func.attr in ("copy", "reset_index", "dropna", "assign", "fillna", "sort_values", "sort_index", "set_index", "rename", "drop") and self.table(node.func.value, depth + 1)
        if isinstance(node, ast.Name) and depth < 5:
            return any(self.table(v, depth + 1) for one in self.scope.variables(node) if one is not None for v in one.values if not isinstance(v, ast.Name))
        return False

    def plain(self, node):
        """A loop that passes over what it cannot read, or that does not go to the end."""
        name = self.scope.dotted(node.func) if isinstance(node, ast.Call) else ""
        if name in TAKES and any(map(self.fudge.data, node.args[TAKES[name]:TAKES[name] + 1])):
            return name.rpartition(".")[2]
        if name == "zip" and any(map(self.some_of, node.args)) and any(map(self.fudge.data, node.args)):
            return "zip with a range"
        over = node.iter if isinstance(node, ast.For) else None
        over = over.args[0] if isinstance(over, ast.Call) and over.args and self.scope.dotted(over.func) == "enumerate" else over
        if over is not None and self.fudge.data(over) and not self.of_groups(over) and self.adds_up(node):
            if any(isinstance(n, ast.Break) for n in of_this_loop(node.body)):
                return "a loop that ends early"
            if any(isinstance(n, ast.Call) and self.scope.dotted(n.func) == "next" and n.args and self.fudge.data(n.args[0]) for b in node.body for n in ast.walk(b)):
                return "rows that a loop passes over"
        if isinstance(node, ast.For) and isinstance(node.iter, ast.Call) and any(k.arg == "chunksize" for k in node.iter.keywords) and any(isinstance(n, ast.Break) for n in node.body):
            return "only some chunks"
        if isinstance(node, ast.ExceptHandler) and self.scope.within(node, (ast.For, ast.While)) and all(isinstance(n, (ast.Continue, ast.Pass)) for n in node.body):
            return "what cannot be read"
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp)) and any(g.ifs and self.fudge.data(g.iter) for g in node.generators) and self.adds(node):
            return "a filter"
        if isinstance(node, ast.Call) and self.scope.dotted(node.func) == "filter" and len(node.args) == 2 and self.fudge.data(node.args[1]):
            return "a filter"
        if isinstance(node, ast.For) and self.fudge.data(node.iter):
            for n in node.body:
                if isinstance(n, ast.If) and not n.orelse and (any(isinstance(m, ast.Continue) for m in n.body) or len(n.body) == 1 and isinstance(n.body[0], ast.AugAssign) and isinstance(n.body[0].op, ast.Add) and self.fudge.data(n.body[0].value)) \
                        and not any(isinstance(m, ast.AugAssign) and self.scope.number(m.value) == 1 for b in n.body for m in ast.walk(b)):
                    return "a filter"
        if isinstance(node, ast.DictComp) and isinstance(node.generators[0].iter, ast.Call) and self.scope.dotted(node.generators[0].iter.func) == "zip" and self.fudge.data(node.generators[0].iter) \
                and all(self.of_input(a) for a in node.generators[0].iter.args) and not node.generators[0].ifs:
            return "the last row of each key"
        return ""

    def some_of(self, node):
        """A range that is not as long as what was read."""
        node = self.scope.literal(node)
        return isinstance(node, ast.Call) and self.scope.dotted(node.func) == "range" and not any(isinstance(n, ast.Call) and self.scope.dotted(n.func) == "len" or isinstance(n, ast.Attribute) for a in node.args for n in ast.walk(a))

    def of_groups(self, source):
        """Whether a loop goes over groups, or over sorted sums, of which the first few are what is asked for."""
        return any(isinstance(n, ast.Attribute) and n.attr in ("groupby", "value_counts", "pivot_table", "unique") for part in ast.walk(source) if isinstance(part, (ast.Name, ast.Call)) for n in ast.walk(self.scope.literal(part)))

    def adds_up(self, loop):
        return any(isinstance(n, ast.AugAssign) and isinstance(n.op, ast.Add) and self.scope.number(n.value) is None for b in loop.body for n in ast.walk(b))

    def adds(self, node):
        """Whether a list that a comprehension makes is added up, or the like."""
        up = self.scope.parents.get(node)
        if isinstance(up, ast.Call) and self.scope.dotted(up.func) in SUMS:
            return True
        return isinstance(up, ast.Assign) and isinstance(up.targets[0], ast.Name) and any(isinstance(n, ast.Call) and self.scope.dotted(n.func) in ("sum", "statistics.mean", "statistics.median") and any(getattr(m, "id", "") == up.targets[0].id for m in ast.walk(n.args[0]) if n.args) for n in self.scope.nodes)

    def summed(self, node):
        up = self.scope.parents.get(node)
        return isinstance(up, ast.Attribute) and up.attr in ("sum", "mean", "cumsum") or isinstance(up, ast.Call) and self.scope.dotted(up.func) in ("sum", "statistics.mean", "numpy.sum", "numpy.mean")

    def groups(self, node):
        node = self.scope.literal(node)
        while isinstance(node, ast.Subscript):
            node = self.scope.literal(node.value)
        return isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "groupby"

    def summed_later(self, node):
        up = self.scope.parents.get(node)
        names = {t.id for t in getattr(up, "targets", ()) if isinstance(t, ast.Name)}
        return any(isinstance(n, ast.Attribute) and n.attr in ("sum", "mean") and any(isinstance(m, ast.Name) and m.id in names for m in ast.walk(n.value)) for n in self.scope.nodes)

    # -- values

    def changed(self, node):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript) and isinstance(node.targets[0].value, ast.Attribute) and node.targets[0].value.attr == "loc" \
                and (self.scope.dotted(node.value) in MISSING or isinstance(node.value, ast.Constant) and node.value.value is None):
            return "set to missing"
        if isinstance(node, ast.IfExp) and any(self.scope.number(s) == 0 for s in (node.body, node.orelse)) and any(getattr(n, "attr", "") in ("isna", "isnull", "isnan", "notna", "notnull") for n in ast.walk(node.test)):
            return "missing values as 0"
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and self.scope.number(node.values[-1]) == 0 and self.fudge.data(node.values[0]):
            return "missing values as 0"
        if not isinstance(node, ast.Call):
            return ""
        method, name = getattr(node.func, "attr", ""), self.scope.dotted(node.func)
        keyword = {k.arg: k.value for k in node.keywords}
        if name in ("numpy.minimum", "numpy.maximum", "numpy.clip") and node.args and self.of_input(node.args[0]):
            return "clip"
        if name == "numpy.nan_to_num" and node.args and self.fudge.data(node.args[0]):
            return "nan_to_num"
        if method == "astype" and node.args and (self.scope.dotted(node.args[0]) == "int" or (self.scope.text(node.args[0]) or "").lower().startswith(("int", "uint"))) and self.of_input(node.func.value) and self.summed(node):
            return "cut to whole numbers"
        if name in ("pandas.to_numeric", "pandas.to_datetime", "pandas.to_timedelta"):
            return "errors=coerce" if "errors" in keyword and self.scope.text(keyword["errors"]) in ("coerce", "ignore") and not self.counts_missing() else ""
        if self.fudge.bare.reader(node):
            return next((how for how in ("converters", "na_values", "thousands") if how in keyword and self.reads_otherwise(how, keyword)), "")
        if self.scope.imported(node.func):
            return ""
        if method == "fillna":
            given = node.args[:1] + [keyword[k] for k in ("value",) if k in keyword]
            return "fillna" if any(self.scope.text(g) is None for g in given) and (self.of_input(node.func.value) or self.table(node.func.value, 0)) else ""
        if method in ("interpolate", "ffill", "bfill", "pad", "backfill") and self.of_input(node.func.value):
            return method
        if method == "replace" and len(node.args) == 2 and self.scope.dotted(node.args[1]) in MISSING and self.of_input(node.func.value):
            return "replaced by nothing"
        if method in CHANGES and self.of_input(node.func.value):
            return CHANGES[method]
        return ""

    def reads_otherwise(self, how, keyword):
        """Whether a reader makes other values of what stands in the file. Signs for what is missing, and points between thousands, are how it is written."""
        given = self.scope.literal(keyword[how])
        if how == "converters":
            return not isinstance(given, ast.Dict) or not all(self.scope.dotted(v) == "str" for v in given.values)
        if how == "na_values":
            return not isinstance(given, (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict)) or any(isinstance(n, ast.Constant) and any(c.isdigit() for c in str(n.value)) for n in ast.walk(given))
        return self.scope.text(given) == "." and "decimal" not in keyword

    def counts_missing(self):
        """Whether the program looks at what is missing."""
        return any(isinstance(n, ast.Attribute) and n.attr in ("isna", "isnull", "notna", "notnull", "count") for n in self.scope.nodes)

    def of_input(self, node):
        """A column of a table as it was read."""
        return isinstance(node, ast.Subscript) and self.scope.text(node.slice) is not None and self.table(node.value, 0) or isinstance(node, ast.Attribute) and node.attr != "str" and self.table(node.value, 0)

    # -- rows that stand twice

    def repeated(self, node):
        if not isinstance(node, ast.Call):
            return ""
        name, method, given = self.scope.dotted(node.func), getattr(node.func, "attr", ""), [k.value for k in node.keywords if k.arg == "right"]
        if name == "pandas.merge_asof":
            return "a join of the nearest rows"
        if name == "pandas.merge" and (len(node.args) > 1 or given):
            right = given[0] if given else node.args[1]
        elif method == "merge" and not self.scope.imported(node.func) and (node.args or given):
            right = given[0] if given else node.args[0]
        elif method == "explode" and self.table(node.func.value, 0):
            up = self.scope.parents.get(node)
            return "explode" if isinstance(up, ast.Subscript) and isinstance(self.scope.parents.get(up), ast.Attribute) and self.scope.parents[up].attr in ("sum", "mean") else ""
        elif method == "join" and node.args and self.table(node.args[0], 0):
            return "" if self.once(node.args[0]) or any(k.arg == "validate" for k in node.keywords) else "a join without validate"
        else:
            return ""
        keyword = {k.arg: k.value for k in node.keywords}
        if "how" in keyword and self.scope.text(keyword["how"]) == "cross":
            return "every row with every other"
        return "" if "validate" in keyword or "indicator" in keyword or self.once(right) else "a merge without validate"

    def once(self, node):
        """Whether each key stands in a table only once, as far as the program makes sure of it."""
        todo, seen = [node], set()
        while todo and len(seen) < 50:
            for part in ast.walk(todo.pop()):
                if isinstance(part, ast.Attribute) and part.attr in ALONE:
                    return True
                if isinstance(part, ast.Name):
                    for one in (v for v in self.scope.variables(part) if v is not None and v not in seen):
                        seen.add(one)
                        todo += one.values
        return any(isinstance(n, ast.Attribute) and n.attr in ("is_unique", "duplicated") for n in self.scope.nodes)


def of_this_loop(body):
    """The statements of a loop, without those of loops within it."""
    todo = list(body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.For, ast.While, ast.FunctionDef)):
            todo += ast.iter_child_nodes(node)
