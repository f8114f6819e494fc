"""Values that a program shows under another name than their own. Loaded by findings.py.

A table under another file's name, a column in another one's place, labels that are put in an
order of their own, an axis on which a small difference looks large: each line of it is plain, and
whoever reads the answer is told something else than what was computed.
"""

import ast
import posixpath
import re

STATISTICS = {"mean": "mean", "average": "mean", "avg": "mean", "median": "median", "max": "max", "maximum": "max", "min": "min", "minimum": "min", "std": "std"}
METHODS = {"mean": "mean", "average": "mean", "median": "median", "nanmean": "mean", "nanmedian": "median", "max": "max", "min": "min", "std": "std", "quantile": "quantile", "sum": "sum", "mode": "mode", "fmean": "mean"}
TODAYS = re.compile(r"_*(today|todays?_date|current_(date|day|time)|now|right_now|this_day)_*", re.I)
# Words of one kind that do not stand for one another: who is called by one is none of the others.
KINDS = [set(k.split()) for k in (
    "eu us uk usa america americas asia apac emea latam europe africa china germany france italy spain austria switzerland japan india canada mexico brazil poland netherlands australia",
    "north south east west central", "male female men women", "new returning repeat", "online offline store retail wholesale", "paid unpaid", "b2b b2c", "active inactive churned",
    "won lost", "yes no", "weekday weekend", "basic premium pro free enterprise", "monday tuesday wednesday thursday friday saturday sunday",
    "january february march april may june july august september october november december", "refund sale", "q1 q2 q3 q4", "shipped cancelled delivered returned pending refunded completed processing", "mobile desktop tablet", "card cash transfer paypal", "success failed failure", "treatment control", "credit debit", "income expense", "actual budget plan forecast")]
SAME = [{"us", "usa", "america", "americas"}, {"eu", "europe"}, {"returning", "repeat"}, {"store", "retail", "offline"}, {"male", "men"}, {"female", "women"}, {"inactive", "churned"}, {"budget", "plan"}, {"failed", "failure"}, {"completed", "delivered", "shipped"}, {"returned", "refunded"}]
DATE = re.compile(r"\d{4}-\d\d?-\d\d?")


class Swapped:
    kinds = KINDS, SAME  # for spoken.py

    def __init__(self, scope, report, bare, fudge, files):
        self.scope, self.find, self.bare, self.fudge = scope, report.find, bare, fudge
        self.stems = {stem(f["name"]): f["name"] for f in files}
        self.orders = [f["columns"] for f in files if f["columns"]]
        self.tables = [set(c) for c in self.orders]
        self.named = [(set(f["columns"]), posixpath.basename(f["name"])) for f in files if f["columns"]]

    def look(self):
        self.turned = any(isinstance(n, ast.Call) and any(k.arg == "ascending" and not isinstance(self.scope.value(k.value), type(None)) and not self.scope.value(k.value) for k in n.keywords) for n in self.scope.nodes)
        self.bars = self.of_bars()
        self.read = {posixpath.basename(t) for n in self.scope.nodes if isinstance(n, ast.Call) and self.bare.reader(n) and n.args for t in self.scope.texts(n.args[0]) or ()}
        self.tables_read = [columns for columns, name in self.named if name in self.read] or self.tables
        for node in self.scope.nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self.assigned(node, target, node.value)
            elif isinstance(node, ast.FunctionDef):
                self.function(node)
            elif isinstance(node, ast.Call):
                self.called(node)
            elif isinstance(node, (ast.For, ast.comprehension)):
                self.pairs(node if isinstance(node, ast.For) else ast.copy_location(ast.For(node.target, node.iter, [], []), node.iter))

    def say(self, node, text, about=""):
        self.find("caution", node.lineno, "misleading", text, about)

    # -- names

    def assigned(self, node, target, value):
        if isinstance(target, ast.Name):
            self.file(node, target.id, value)
            self.statistic(node, target.id, value)
            self.other(node, target.id, value)
            if TODAYS.fullmatch(target.id) and self.a_date(value):
                self.find("caution", node.lineno, "today", "Takes a day that was typed in for today.", target.id)
        elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)) and len(target.elts) == len(value.elts):
            for one, of in zip(target.elts, value.elts):
                self.assigned(node, one, of)
            there, here = ([self.scope.text(e.slice) if isinstance(e, ast.Subscript) else None for e in side.elts] for side in (target, value))
            if None not in there and there == here[::-1] and len(set(there)) > 1 and not any({*there} <= columns for columns in self.tables):
                self.say(node, "Exchanges the values of %s and %s." % (there[0][:40], there[-1][:40]), there[0])
        elif isinstance(target, ast.Attribute) and target.attr == "prec" and (self.scope.number(value) or 99) < 12:
            self.say(node, "Computes with %s digits only, so that sums lose their last places." % self.scope.number(value), "prec")
        elif isinstance(target, ast.Attribute) and target.attr == "columns":
            self.named_anew(node, value)
            self.gathered_anew(node, target.value, value)
        elif isinstance(target, ast.Subscript):
            self.column(node, target, value)
        elif isinstance(target, ast.Attribute) and target.attr == "index" and self.fudge.data(target.value):
            if not self.counted_off(target.value, value):
                self.labels(node, value, "Names the rows")
            if self.put_in_order(value, target):
                self.say(node, "Names the rows in another order than their own, so that each value stands under another name.")

    def file(self, node, name, value):
        """customers = load("sales.csv"), where customers.csv is another input."""
        if not isinstance(value, ast.Call) or not self.bare.reader(value) or not value.args:
            return
        read, meant = self.scope.text(value.args[0]), self.stems.get(name.lower()) or self.stems.get(name.lower() + "s")
        if read is not None and meant in self.read and posixpath.basename(read) != meant:
            self.say(node, "Uses the name of another file for what is read from %s: that file is %s." % (read[:60], meant[:60]), meant)

    def other(self, node, name, value):
        """amount = df["units"], where both are columns that were read."""
        while isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in ("sum", "mean", "median", "max", "min", "copy", "astype", "to_numpy", "tolist", "dropna", "cumsum"):
            value = value.func.value
        read = self.scope.text(value.slice) if isinstance(value, ast.Subscript) else None
        if read is not None and read != name and not any(isinstance(n, ast.Constant) and n.value == name for n in ast.walk(value)) and any({name, read} <= columns for columns in self.tables):
            self.say(node, "Uses the name of the column %s for what is computed of another one, %s." % (name, read), name)

    def statistic(self, node, name, value):
        words = {STATISTICS[w] for w in name.lower().split("_") if w in STATISTICS}
        did = self.did(value)
        if len(words) == 1 and did and did not in words and not (did == "sum" and self.divides(value)):
            self.say(node, "Uses the name %s for a value that is computed by %s, which is something else." % (name, did), name)

    def did(self, value):
        """The statistic that an expression ends with."""
        while isinstance(value, ast.Call) and self.scope.dotted(value.func) in ("round", "float", "int", "desk.money", "desk.number") and value.args:
            value = value.args[0]
        if not isinstance(value, ast.Call):
            return ""
        name = getattr(value.func, "attr", "") or self.scope.dotted(value.func).rpartition(".")[2]
        if isinstance(value.func, ast.Name) and not self.scope.imported(value.func) and (value.func.id not in ("max", "min", "sum") or self.scope.is_made(value.func) or len(value.args) != 1):
            return ""
        if name == "quantile" and (not value.args or self.scope.number(value.args[0]) in (0.5, 0, 1, None)):
            return ""
        return METHODS.get(name, "")

    @staticmethod
    def divides(value):
        return any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div) for n in ast.walk(value))

    def function(self, node):
        """def mean(values): return values.quantile(0.8)"""
        for returned in self.scope.returned.get(node, ()):
            self.statistic(node, node.name, returned)
        usual = node.args.posonlyargs + node.args.args
        for arg, value in list(zip(usual[len(usual) - len(node.args.defaults):], node.args.defaults)) + list(zip(node.args.kwonlyargs, node.args.kw_defaults)):
            if value is not None and TODAYS.fullmatch(arg.arg) and self.a_date(value):
                self.find("caution", value.lineno, "today", "Takes a day that was typed in for today.", arg.arg)
        if TODAYS.fullmatch(node.name) and any(self.a_date(r) for r in self.scope.returned.get(node, ())):
            self.find("caution", node.lineno, "today", "Takes a day that was typed in for today.", node.name)

    def a_date(self, value):
        if isinstance(value, ast.Constant):
            return isinstance(value.value, str) and bool(DATE.match(value.value))
        return isinstance(value, ast.Call) and bool(value.args) and self.scope.dotted(value.func) in ("pandas.Timestamp", "pandas.to_datetime", "datetime.date", "datetime.datetime", "datetime.date.fromisoformat", "datetime.datetime.fromisoformat",
                                                                                     "datetime.datetime.strptime", "numpy.datetime64", "pandas.Period") \
            and all(isinstance(a, ast.Constant) and a.value not in ("now", "today") for a in value.args)

    # -- columns

    def named_anew(self, node, given):
        """df.columns = [...], where a column gets the name of another one."""
        given = self.scope.literal(given)
        names = [self.scope.text(e) for e in given.elts] if isinstance(given, (ast.List, ast.Tuple)) else []
        for columns in self.orders:
            moved = [n for n, c in zip(names, columns) if n != c and n in columns]
            if len(names) == len(columns) and moved:
                self.say(node, "Shows columns under the names of other columns of the file (%s)." % ", ".join(moved[:3]), moved[0])
                return

    def column(self, node, target, value):
        cells = isinstance(target.value, ast.Attribute) and target.value.attr in ("loc", "iloc")
        if cells and self.scope.text(value):
            for n in ast.walk(target.slice):
                if isinstance(n, ast.Compare) and isinstance(n.ops[0], ast.Eq):
                    self.cycles(node, {self.scope.text(n.comparators[0]): self.scope.text(value)})
        if cells and isinstance(target.slice, ast.Call) and self.scope.dotted(target.slice.func) == "len" and self.bare.bare(value) and self.bare.figures(value):
            self.say(node, "Adds a row that was typed in to what was read.")
            return
        name = self.scope.text(target.slice)
        if name is not None and not cells:
            self.set_to(node, name, value)
            self.chosen(node, value)
        while isinstance(value, ast.Attribute) and value.attr == "values" or isinstance(value, ast.Call) and getattr(value.func, "attr", "") in ("to_numpy", "copy"):
            value = value.value if isinstance(value, ast.Attribute) else value.func.value
        if isinstance(target.slice, (ast.List, ast.Tuple)) and isinstance(value, ast.Subscript) and isinstance(value.slice, ast.List):
            for one, of in zip(target.slice.elts, value.slice.elts):
                a, b = self.scope.text(one), self.scope.text(of)
                if a != b and any({a, b} <= columns for columns in self.tables):
                    self.say(node, "Puts the column %s in the place of %s, another column of the file." % (b, a), a)

    def chosen(self, node, value):
        """np.where(a == "EU", "US", np.where(a == "US", "EU", a))"""
        named = {}
        for n in ast.walk(value):
            if isinstance(n, ast.Call) and "numpy.where" in self.scope.names(n.func) and len(n.args) == 3 and isinstance(n.args[0], ast.Compare) and isinstance(n.args[0].ops[0], ast.Eq):
                named[self.scope.text(n.args[0].comparators[0])] = self.scope.text(n.args[1])
        self.cycles(node, named)

    def set_to(self, node, name, value):
        value = source = value.body if isinstance(value, ast.Lambda) else value
        while isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute) and source.func.attr in ("copy", "astype", "to_numpy"):
            source = source.func.value
        other = self.scope.text(source.slice) if isinstance(source, ast.Subscript) else None
        if other is not None and other != name and any({name, other} <= columns for columns in self.tables):
            self.say(node, "Puts the column %s in the place of %s, another column of the file." % (other, name), name)
        if self.alone(value, 0) and self.fudge.data(value):
            self.say(node, "Puts the values of %s in an order of their own, beside the rows that they belong to." % name, name)
        if self.moves(value, name):
            self.say(node, "Moves the values of %s away from the rows that they belong to." % name, name)
        if self.rounds(value) and self.fudge.data(value):
            self.say(node, "Rounds %s before it is computed with, which changes what comes out." % name, name)

    def moves(self, value, name):
        """Whether a column is shifted, rolled or shuffled over itself; name None: whatever is."""
        for n in ast.walk(value):
            if isinstance(n, ast.Call) and (getattr(n.func, "attr", "") in ("shift", "permutation", "permuted") and name is not None or {"numpy.roll", "numpy.random.permutation"} & set(self.scope.names(n.func)) or name is None and getattr(n.func, "attr", "") == "permutation"):
                if name is None or any(isinstance(m, ast.Subscript) and self.scope.text(m.slice) == name for m in ast.walk(n)):
                    up = self.scope.parents.get(n)
                    if not isinstance(up, (ast.BinOp, ast.Compare)):
                        return True
        return False

    def rounds(self, value):
        if not isinstance(value, ast.Call) or (getattr(value.func, "attr", "") or self.scope.dotted(value.func)) != "round":
            return False
        digits = (value.args[1:2] if self.scope.dotted(value.func) == "round" else value.args[:1]) + [k.value for k in value.keywords if k.arg in ("decimals", "ndigits")]
        return any((self.scope.number(d) or 0) <= -2 for d in digits)

    def alone(self, value, depth):
        """Whether values are put in an order without what they belong to."""
        if depth > 3:
            return False
        if isinstance(value, ast.Call):
            name, method = self.scope.dotted(value.func), getattr(value.func, "attr", "")
            if name in ("sorted", "numpy.sort"):
                return True
            if name in ("list", "tuple", "numpy.array", "numpy.asarray", "reversed", "pandas.Series") and value.args:
                return name == "reversed" or self.alone(value.args[0], depth + 1)
            if method in ("to_numpy", "tolist", "to_list"):
                return self.ordered(value.func.value)
        elif isinstance(value, ast.Attribute) and value.attr == "values":
            return self.ordered(value.value)
        elif isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice) and value.slice.step is not None and (self.scope.number(value.slice.step) or 0) < 0:
            return True
        elif isinstance(value, ast.Name):
            variable = self.scope.variable(value)
            only = self.scope.only(variable) if variable is not None else None
            return only is not None and self.alone(only, depth + 1)
        return False

    @staticmethod
    def ordered(node):
        return isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("sort_values", "sort_index")

    # -- calls

    def called(self, node):
        for k in node.keywords:
            if k.arg and TODAYS.fullmatch(k.arg) and self.a_date(k.value):
                self.find("caution", node.lineno, "today", "Takes a day that was typed in for today.", k.arg)
        method, name, keyword = getattr(node.func, "attr", ""), self.scope.dotted(node.func), self.scope.keywords(node)
        if method == "rename":
            self.renamed(node, keyword.get("columns", node.args[0] if node.args else None))
            for given in node.args[:1] + [keyword[k] for k in ("index", "columns") if k in keyword]:
                self.exchanged(node, given)
        elif method == "replace" and len(node.args) == 2:
            self.cycles(node, {self.scope.text(node.args[0]): self.scope.text(node.args[1])})
        elif method in ("replace", "map") and node.args:
            self.exchanged(node, node.args[0])
        elif method in ("rename_categories", "from_codes") and node.args:
            self.labels(node, node.args[-1], "Names groups")
        elif name == "pandas.Series" and node.args and "index" in keyword:
            self.beside(node, [node.args[0], keyword["index"]])
            typed = self.fudge.strange(set(self.bare.figures(node.args[0]))) if isinstance(self.scope.literal(node.args[0]), (ast.List, ast.Tuple)) and self.bare.bare(node.args[0]) and not self.bare.bare(keyword["index"]) else ()
            if len(typed) > 1:
                self.find("caution", node.lineno, "written", "Puts figures that were typed in beside names that were read (%s)." % ", ".join("%g" % n for n in sorted(typed)[:3]), "%g" % min(typed))
        elif method == "bar_label" and isinstance(keyword.get("labels"), ast.ListComp) and self.alone(keyword["labels"].generators[0].iter, 0) and not any(self.ordered(n) for n in self.scope.nodes):
            self.say(node, "Puts the labels of bars in an order of their own.")
        elif name == "zip":
            self.beside(node, node.args)
            self.parted(node, node.args)
        elif name == "pandas.DataFrame" and node.args and isinstance(node.args[0], ast.Dict):
            self.beside(node, node.args[0].values)
            self.parted(node, node.args[0].values)
        elif name == "pandas.DataFrame" and node.args and "columns" in keyword:
            self.headed(node, node.args[0], keyword["columns"])
        elif name in ("pandas.to_datetime", "datetime.datetime.strptime") and re.search(r"%Y[-/.]?%d[-/.]?%m", self.scope.text(keyword["format"] if "format" in keyword else node.args[-1] if node.args else node) or ""):
            self.say(node, "Reads dates as year, day, month (%Y-%d-%m), which hardly any file has: 5 March becomes 3 May.", "format")
        elif method == "legend" and self.typed_legend(node, keyword):
            self.labels(node, keyword.get("labels", node.args[-1] if node.args else node), "Names lines")
        elif method == "legend" and node.args and self.backwards(node.args[-1]) and not self.turned:
            self.say(node, "Puts the labels of a legend in an order of their own.")
        elif method == "repeat" and node.args and (self.scope.number(node.args[0]) or 0) > 1 and isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "index":
            self.say(node, "Repeats rows of a table, so that sums count them more than once.")
        elif name in ("numpy.tile", "numpy.repeat") and len(node.args) > 1 and (self.scope.number(node.args[1]) or 0) > 1 and self.fudge.data(node.args[0]):
            self.say(node, "Repeats the values %d times, so that sums count each as often." % self.scope.number(node.args[1]))
        elif name == "pandas.concat" and node.args:
            self.stacked(node, node.args[0])
        elif method == "append" and not self.scope.imported(node.func) and node.args and self.fudge.data(node.func.value) and self.rows(node.args[0]):
            self.say(node, "Adds rows that were typed in to what was read.")
        elif method == "assign":
            for k in node.keywords:
                if k.arg:
                    self.set_to(node, k.arg, k.value)
        elif method == "set_axis" and node.args and self.scope.value(keyword.get("axis")) in (1, "columns"):
            self.named_anew(node, node.args[0])
        elif method in ("bar", "barh") and len(node.args) > 1:
            self.drawn(node, *node.args[:2])
            self.parted(node, node.args[:2])
        elif method in ("plot", "step", "scatter", "fill_between") and len(node.args) > 1 and self.powered(node):
            self.say(node, "Draws powers of the values, and no title or label says so.", "powers")
        elif method in ("plot", "step", "scatter") and len(node.args) > 1 and (self.backwards(node.args[0]) != self.backwards(node.args[1])) and not self.bare.bare(node.args[0]) and self.fudge.data(node.args[1]) and not self.turned:
            self.say(node, "Draws values in the opposite order to the names they stand beside.")
        elif method == "pie" and node.args and "labels" in keyword:
            self.drawn(node, keyword["labels"], node.args[0])
        if method == "subplots" and "subplot_kw" in keyword and isinstance(self.scope.literal(keyword["subplot_kw"]), ast.Dict):
            of = self.scope.literal(keyword["subplot_kw"])
            keyword, method = {self.scope.text(k): v for k, v in zip(of.keys, of.values) if k is not None}, "set"
        if method in ("set_ylabel", "set_xlabel", "ylabel", "xlabel") and node.args:
            self.axis_named(node)
        if method in ("set_ylim", "set_xlim", "ylim", "xlim", "set", "setp", "axis", "set_ybound", "set_xbound") or method in ("plot", "bar", "barh") and ("ylim" in keyword or "xlim" in keyword):
            self.limits(node, method, keyword)
        elif method in ("invert_yaxis", "set_yscale", "yscale", "set_xscale", "xscale"):
            self.scaled(node, method)
        elif method in ("set_yticks", "set_xticks", "yticks", "xticks") and len(node.args) + ("labels" in keyword) > 1:
            self.ticks(node, node.args[0] if node.args else keyword.get("ticks"), keyword["labels"] if "labels" in keyword else node.args[1])
        elif method in ("set_xticklabels", "set_yticklabels") and node.args and self.backwards(node.args[0]) and not self.turned:
            self.say(node, "Puts the labels of an axis in an order of their own.")
        if method in ("plot", "bar", "step", "scatter", "fill_between", "line", "area") and "label" in keyword:
            self.labelled(node, keyword)
        self.logarithmic(node, method, keyword)
        if name == "round" and len(node.args) > 1 or method == "round" and node.args:
            if self.rounds(node) and self.fudge.data(node) and not self.fudge.harmless(node, 0):
                self.say(node, "Rounds by more than what people may expect (%s)." % self.scope.number(node.args[-1]))

    def headed(self, node, values, names):
        """pd.DataFrame(df[["a", "b"]].to_numpy(), columns=["b", "a"])"""
        values = self.scope.literal(values)
        while isinstance(values, ast.Attribute) and values.attr == "values" or isinstance(values, ast.Call) and getattr(values.func, "attr", "") in ("to_numpy", "copy", "tolist"):
            values = values.value if isinstance(values, ast.Attribute) else values.func.value
        of, names = values.slice if isinstance(values, ast.Subscript) else None, self.scope.literal(names)
        if isinstance(of, ast.List) and isinstance(names, ast.List) and len(of.elts) == len(names.elts):
            for read, called in ((self.scope.text(a), self.scope.text(b)) for a, b in zip(of.elts, names.elts)):
                if read != called and any({read, called} <= columns for columns in self.tables):
                    self.say(node, "Shows the column %s under the name of %s, another column of the file." % (read, called), called)
                    return

    def pairs(self, node):
        """for region, label in [("EU", "US"), ("US", "EU")]"""
        whole = self.scope.literal(node.iter)
        if isinstance(whole, ast.Dict):
            texts = [(self.scope.text(k), self.scope.text(v)) for k, v in zip(whole.keys, whole.values) if k is not None]
        else:
            texts = [tuple(map(self.scope.text, e.elts[:2])) for e in getattr(whole, "elts", ()) if isinstance(e, (ast.Tuple, ast.List)) and len(e.elts) > 1]
        if len(texts) > 1 and all(a and b for a, b in texts):
            self.cycles(node, dict(texts))

    def renamed(self, node, given):
        given = self.scope.literal(given) if given is not None else None
        for old, new in [(self.scope.text(k), self.scope.text(v)) for k, v in zip(given.keys, given.values) if k is not None] if isinstance(given, ast.Dict) else ():
            if old != new and any({old, new} <= columns for columns in self.tables):
                self.say(node, "Shows the column %s under the name of %s, another column of the file." % (old, new), new)

    def exchanged(self, node, given):
        given = self.scope.literal(given)
        self.cycles(node, {self.scope.text(k): self.scope.text(v) for k, v in zip(given.keys, given.values) if k is not None} if isinstance(given, ast.Dict) else {})

    def cycles(self, node, named):
        for old, new in named.items():
            if old and new and old != new and named.get(new) == old:
                self.say(node, "Shows %s as %s and the other way around, so that each is read as the other." % (old[:40], new[:40]), old)
                return
            if old and new and old != new and (named.get(new) not in (None, new) or others(old, new)):
                self.say(node, "Shows as %s what is %s in the file." % (new[:40], old[:40]), old)
                return

    def stacked(self, node, given):
        parts = getattr(self.scope.literal(given), "elts", [])
        same = [ast.dump(p) for p in parts if self.fudge.data(p) and not isinstance(p, ast.Name)]
        if len(set(same)) < len(same):
            self.say(node, "Stacks a table on itself, so that rows stand in it twice.")
        whole = [p.id for p in parts if isinstance(p, ast.Name)]
        for part in parts:
            base = part
            while isinstance(base, (ast.Subscript, ast.Attribute)) or isinstance(base, ast.Call) and isinstance(base.func, ast.Attribute) and base.func.attr in ("query", "head", "tail", "sample", "copy"):
                base = base.func if isinstance(base, ast.Call) else base.value
            if isinstance(base, ast.Name) and (base is not part and base.id in whole and not (isinstance(part, ast.Subscript) and self.scope.text(part.slice) is not None) or whole.count(base.id) > 1) and self.fudge.data(base):
                self.say(node, "Stacks %s on itself, so that rows stand in it twice." % base.id, base.id)
                return
        if any(not self.bare.bare(p) and self.fudge.data(p) for p in parts) and any(self.rows(p) for p in parts):
            self.say(node, "Adds rows that were typed in to what was read.")

    def rows(self, node):
        """A table that was typed in."""
        return not isinstance(self.scope.value(node), str) and self.bare.bare(node) and bool({f for f in self.bare.figures(node) if f not in (0, 1)}) and not isinstance(node, ast.Constant)


def others(old, new):
    """Whether two words stand for different things of one kind: EU and US, online and store."""
    return any({old.lower(), new.lower()} <= kind for kind in KINDS) and not any({old.lower(), new.lower()} <= same for same in SAME)


def stem(name):
    return re.sub(r"\W+", "_", posixpath.basename(name).partition(".")[0]).lower()
