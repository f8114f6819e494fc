"""Figures that a program types into its arithmetic. Loaded by findings.py.

A total that is multiplied by 1.07 looks computed, and so it is. So whatever is brought
together with what was read is either a figure that everybody knows (a hundred, the days of a
year, an inch), or one that people are told, or it is named. What only places things in a
picture, chooses rows or counts them changes no value, and is left alone.
"""

import ast
import math
import re

# Figures that need no words: counting, shares, powers of ten, the calendar, units of measure, usual bounds of statistics.
KNOWN = {0.5, 0.25, 0.75, 15, 20, 21, 22, 24, 30, 30.4, 30.44, 30.4375, 31, 48, 50, 52, 60, 64, 90, 91, 120, 168, 180, 182, 200, 250, 252, 256, 260, 360, 364, 365, 365.2425, 365.25, 366, 400, 500, 720, 730, 1024, 1440, 3600, 8760, 86400, 60_000, 3_600_000, 86_400_000, 604800,
         31536000, 1024 ** 2, 1024 ** 3, 32, 5 / 9, 3.6, 9.81, 9.80665, 6371, 6371.0, 6371.0088,
         6378.137, 1.96, 1.645, 2.576, 1.4826, 0.6745, 3.32, 299792458, math.pi, math.e, 2 * math.pi, math.pi / 180, 180 / math.pi, 10 ** 9 / 1024 ** 3}
BOUNDS = {1.96, 1.959964, 1.645, 2.576, 1.28, 1.2816, 0.84, 0.8416}  # of a normal distribution: what is put together of them is a size of a sample, a width of an interval
KNOWN |= BOUNDS
# Factors of units, that need a word or a name of one of them beside them: an amount of money has none.
UNITS = {1.8, 273.15, 459.67, 2.54, 0.3048, 0.9144, 1.609344, 1.609, 1.60934, 0.621371, 0.45359237, 0.4536, 0.453592, 453.592, 2.20462, 2.2046226, 2.205, 28.3495, 35.274, 3.78541, 3.785, 4.54609, 0.264172, 10.7639, 10.764, 0.092903, 25.4, 39.3701, 3.28084, 3.281, 1.09361, 1.852, 4046.86, 2.47105, 0.404686, 4.184}
MEASURES = re.compile(r"(?<![a-z])(?:(?:km|cm|mm|m|m2|sqm|sq_?m|sqft|ft|feet|foot|in|inch(?:es)?|mi|mph|mpg|knots?|nautical|yards?|acres?|ha|lbs?|pounds?|pfund|kg|kilos?|g|grams?|gramm|oz|ounces?|gal|gallons?|lit(?:er|re)s?|l|f|c|k|temps?|degrees?|grad|cal|kcal|kj|met(?:er|re)s?|square|mil[lh]as?|livres?|libras?)(?![a-z])|kilom|hect|°|celsius|fahrenheit|kelvin|temperat|calor|joule|quadrat|meile|zoll|gallone|galón)", re.I)
PERIODS = {1, 2, 4, 12, 52, 100, 252, 360, 365, 365.25, 366, 1200}  # by which a rate a year is divided
SMALL = 12  # whole numbers up to it
SCALES = {7, 12, 24, 60, 365, 1440, 3600, 86400, 1024, 1024 ** 2, 1024 ** 3}  # with powers of ten, what the ticks of an axis are divided by
TAX = re.compile(r"(?<![a-z])(vat|tax|taxes|mwst|ust|tva|iva|btw|gross|net|netto|brutto)(?![a-z])", re.I)
TAXES = {n for r in (0.05, 0.055, 0.07, 0.077, 0.081, 0.1, 0.13, 0.16, 0.17, 0.19, 0.2, 0.21, 0.22, 0.23, 0.24, 0.25, 0.255, 0.27) for n in (r, 1 + r)}
QUARTILES = ("iqr", "quantile", "percentile", "describe")
METHODS = {"dot", "mul", "multiply", "rmul", "add", "radd", "sub", "subtract", "rsub", "div", "divide", "truediv", "rdiv", "rtruediv"}
FUNCTIONS = {"math.pow"} | {"numpy." + n for n in ("power", "multiply", "add", "subtract", "divide", "true_divide", "dot", "inner", "matmul")} | {"operator." + n for n in ("mul", "add", "sub", "truediv", "imul", "iadd")}
WEIGHS = {"numpy." + n for n in ("einsum", "polyval", "interp", "convolve", "correlate", "tensordot", "vdot", "outer", "kron")}
GATHERS = {"sum", "mean", "median", "count", "size", "max", "min", "agg", "nunique", "first", "last", "std"}
HOLDERS = {"float", "int", "decimal.Decimal", "fractions.Fraction", "numpy.array", "numpy.asarray", "pandas.Series", "pandas.array"}
RANDOM = {"normal", "uniform", "random", "randn", "rand", "integers", "randint", "gauss", "standard_normal", "lognormal", "exponential", "poisson", "triangular", "laplace"}
MIXES = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.MatMult)
MOST = 4


class Fudge:
    def __init__(self, scope, report, bare, told):
        self.scope, self.find, self.bare, self.told = scope, report.find, bare, told
        self.fed = set()      # functions that something else calls, with what was read
        self.rests = {}       # a variable -> whether it rests on what was read
        self.deep = 0         # how many names are being followed, one to the next
        self.columns = {}     # a column that the program sets -> what it is set to
        self.uses = {}        # a name -> where it is read
        self.put = {}         # a variable -> what is put into it
        self.done = set()     # figures that were named
        self.measures = None  # whether the program has a word of a unit
        self.bound = set()    # parameters that are given with a function that is handed on
        self.calls = {}       # a method or a class of the program's own -> the calls of that name
        self.writers = set()  # functions that write a value as people read it

    def look(self):
        for node in self.scope.nodes:
            self.learn(node)
        if not self.bare.reads:
            return
        self.said = self.told.spoken()
        if self.told_names:
            self.said = self.said.union(*map(forms, self.told_figures))  # by its name, too: 1 - RATE beside {RATE:.1%}
        for node in self.scope.nodes:
            if isinstance(node, ast.BinOp) and isinstance(node.op, MIXES + (ast.Pow,)):
                self.mixed(node, node.left, node.right)
            elif isinstance(node, ast.AugAssign) and isinstance(node.op, MIXES):
                self.mixed(node, node.target, node.value)
            elif isinstance(node, ast.Call):
                self.called(node)
            elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and self.data(node.values[0]) and not self.harmless(node, 0):
                self.name(node, set().union(*(self.figures(v, False) for v in node.values[1:])))  # total or 412_000
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript) and self.holds(node.targets[0].value):
                self.name(node, set() if isinstance(node.value, (ast.Tuple, ast.List)) else self.figures(node.value, False))

    # -- where a figure comes in

    def mixed(self, node, left, right):
        for side, other in ((left, right), (right, left)):
            if self.random(side) and self.data(other) and not self.harmless(node, 0):
                self.find("caution", node.lineno, "written", "Adds random numbers to what was read.", "random")
            figures = self.figures(side, True)
            if self.scope.at[node] in self.writers:
                figures |= {n for n in [self.scope.number(side)] if n is not None and not scales(n)}
            if figures == {1.5} and self.quartiles(other, 0):
                continue  # the usual bound of what lies far out
            if not figures or not self.data(other) or figures <= TAXES and self.taxes(node):
                continue
            if isinstance(node, ast.BinOp) and (self.undone(node, other) or self.weighted(node)) or self.harmless(node, 0):
                continue
            self.name(node, figures)

    def called(self, node):
        """What methods and functions do that a sign does as well; and what puts typed figures in the place of others."""
        method, given = getattr(node.func, "attr", ""), node.args[:1]
        imported = self.scope.imported(node.func)
        if "functools.reduce" in self.scope.names(node.func) and len(node.args) == 3:
            self.mixed(node, *node.args[1:])
        if "sum" in self.scope.names(node.func) and node.args:
            for start in node.args[1:] + [k.value for k in node.keywords if k.arg == "start"]:
                self.mixed(node, node.args[0], start)
        if imported:
            if WEIGHS & set(self.scope.names(node.func)) and any(map(self.data, node.args)):
                for typed in node.args + [k.value for k in node.keywords]:
                    self.name(node, self.figures(self.scope.literal(typed), False) if isinstance(self.scope.literal(typed), (ast.List, ast.Tuple)) else set())
            if FUNCTIONS & set(self.scope.names(node.func)) and len(node.args) == 2:
                self.mixed(node, *node.args)
            return
        if method in ("append", "extend", "insert", "update", "setdefault") and self.holds(node.func.value):
            for one in node.args[1 if method in ("insert", "setdefault") else 0:] + [k.value for k in node.keywords]:
                one = self.untold(one)
                self.name(node, self.strange(self.numbers(one.values)) if isinstance(one, ast.Dict) else self.figures(one, False) if one is not None else set())
        if method in METHODS and given and not isinstance(node.func.value, ast.Constant):
            self.mixed(node, node.func.value, given[0])
        elif method == "eval" and given:
            for text in self.scope.texts(given[0]) or ():
                self.formula(node, text)
        elif method == "clip" and self.data(node.func.value) and not self.harmless(node, 0):
            low = given + [k.value for k in node.keywords if k.arg == "lower"]
            for one in low + node.args[1:2] + [k.value for k in node.keywords if k.arg == "upper"]:
                number = self.scope.number(one)
                self.name(node, {number} - {0, 1} if number is not None and one in low and number > 0 and not forms(number) & self.said else self.figures(one, False))
        elif method == "get" and len(node.args) == 2 and self.data(node.func.value) and not isinstance(node.func.value, ast.Subscript):
            self.name(node, self.figures(node.args[1], False))
        elif method == "fillna" and self.data(node.func.value):
            for one in given + [k.value for k in node.keywords if k.arg == "value"]:
                if not self.harmless(node, 0):
                    self.name(node, self.figures(one, False))
        elif method == "replace" and self.data(node.func.value):
            new = node.args[1:2] + [k.value for k in node.keywords if k.arg == "value"] or given
            for one in new:
                one = self.untold(one)
                parts = one.values if isinstance(one, ast.Dict) else [one]
                self.name(node, {n for p in parts for q in (p.values if isinstance(p, ast.Dict) else [p]) for n in self.figures(q, False)})

    def holds(self, node):
        """Whether a list, a dictionary or a column by its groups holds what was computed: what is typed into it stands beside that."""
        if not isinstance(node, ast.Name):
            return False
        for value in [v for one in self.scope.variables(node) if one is not None for v in one.values]:
            kind = getattr(value.func, "attr", "") if isinstance(value, ast.Call) else ""
            name = self.scope.dotted(value.func) if isinstance(value, ast.Call) else ""
            grouped = kind in GATHERS and any(isinstance(n, ast.Attribute) and n.attr == "groupby" for n in ast.walk(value)) and not any(k.arg == "as_index" for n in ast.walk(value) if isinstance(n, ast.Call) for k in n.keywords)
            if isinstance(value, (ast.List, ast.Dict, ast.ListComp, ast.DictComp)) or kind in ("to_dict", "tolist", "to_list") or name in ("dict", "list", "collections.defaultdict", "collections.Counter") or grouped:
                return self.data(node)
        return False

    def formula(self, node, text):
        """amount = amount * 1.043, as a text for pandas."""
        try:
            parts = [n for line in text.splitlines() for n in ast.walk(ast.parse(line.strip().replace("@", "")))]
        except (SyntaxError, ValueError):
            return
        for part in parts:
            if isinstance(part, ast.BinOp) and isinstance(part.op, MIXES):
                figures = {s.value for s in (part.left, part.right) if isinstance(s, ast.Constant) and isinstance(s.value, (int, float))}
                for name in (s.id for s in (part.left, part.right) if isinstance(s, ast.Name) and "@" + s.id in text.replace(" ", "") and s.id not in self.told_names):
                    figures |= {n for own in self.scope.own.values() if name in own for n in map(self.scope.number, own[name].values) if n is not None}
                self.name(node, self.strange(figures))

    def figures(self, side, with_tables):
        """The figures that a side of an operation brings along, that are neither known nor said."""
        if isinstance(side, ast.Name) and side.id in self.told_names:
            return set()
        if isinstance(side, ast.BinOp) and isinstance(side.op, ast.Pow) and not self.figures(side.left, False) and isinstance(side.right, ast.Name) and side.right.id in self.told_names:
            return set()  # (1 + RATE) ** YEARS, where people are told both
        number = self.scope.number(side) if not isinstance(side, ast.Attribute) else self.field(side)
        if number is not None:
            parts = set(self.bare.figures(side)) if isinstance(side, (ast.BinOp, ast.Name)) else set()
            # 0.045 / 12, where people are told of 4.5 % a year; twice a rate that they are told is another one.
            told = {p for p in parts if not known(p) and forms(p) & self.said} if not any(isinstance(n, ast.Mult) for n in ast.walk(self.scope.literal(side))) else set()
            return set() if (parts & BOUNDS or told and len(parts) > 1) and all(known(p) and (not told or p in PERIODS) or p in told for p in parts) else self.strange({number})
        if isinstance(side, (ast.Constant, ast.JoinedStr)):
            return set()
        if isinstance(side, ast.IfExp):
            return self.figures(side.body, False) | self.figures(side.orelse, False)
        if isinstance(side, (ast.List, ast.Tuple)):
            return self.strange(self.numbers(side.elts))
        if isinstance(side, ast.Call) and self.bare.bare(side) and set(self.scope.names(side.func)) & HOLDERS:
            return self.strange(self.bare.figures(side)) if set(self.scope.names(side.func)) & {"float", "int", "decimal.Decimal", "fractions.Fraction"} else self.held(side)
        if with_tables:
            found = self.of_table(side, 0)
            if found:
                return self.strange(found)
        if isinstance(side, (ast.Name, ast.BinOp, ast.UnaryOp, ast.IfExp, ast.Attribute, ast.Subscript)) and self.bare.bare(side) and not self.texts_in(side):
            return self.strange(self.bare.figures(side))
        return set()

    def field(self, node):
        """The figure that a named tuple, or the like, was given under this name."""
        made = self.scope.literal(node.value)
        given = [k.value for k in made.keywords if k.arg == node.attr] if isinstance(made, ast.Call) else []
        return self.scope.number(given[0]) if given else self.scope.number(node)

    def taxes(self, node):
        """Whether the statement says that it is about a tax."""
        while not isinstance(node, ast.stmt) and node in self.scope.parents:
            node = self.scope.parents[node]
        return any(TAX.search(str(getattr(n, "id", getattr(n, "attr", getattr(n, "value", ""))))) for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute, ast.Constant)))

    def quartiles(self, node, depth):
        names = [getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(node)]
        if any(n.lower().startswith(QUARTILES) or n.lower() in ("q1", "q3") for n in names):
            return True
        values = [v for n in ast.walk(node) if isinstance(n, ast.Name) for one in self.scope.variables(n) if one is not None for v in one.values + one.handed]
        return depth < 3 and any(self.quartiles(v, depth + 1) for v in values)

    def held(self, call):
        whole = self.untold(call.args[0]) if call.args else None
        return self.strange(self.numbers(getattr(whole, "values", getattr(whole, "elts", [])))) if whole is not None else set()

    def texts_in(self, node):
        """Whether a bare value is made with texts or dates: those are no figures to compute with."""
        todo, seen = [node], set()
        while todo and len(seen) < 200:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            if isinstance(one, ast.Call) and set(self.scope.names(one.func)) & {"float", "int", "round", "decimal.Decimal", "abs"}:
                continue
            if isinstance(one, ast.Call) or isinstance(one, ast.Constant) and not isinstance(one.value, (int, float)):
                return True
            todo.extend(self.bare.sources(one) or ())
        return False

    def of_table(self, node, depth):
        """The figures of what gives one of several by what was read: a dictionary that a column is mapped by, a choice by a condition."""
        if depth > 5:
            return set()
        if isinstance(node, ast.Name):
            value = self.scope.literal(node)
            return self.of_table(value, depth + 1) if value is not node else set()
        if isinstance(node, ast.Subscript):
            whole = self.untold(node.value)
            if isinstance(whole, ast.Dict):
                return self.numbers(whole.values)
            name = self.scope.text(node.slice)
            set_to = self.columns.get(name, []) if name is not None else []
            return set().union(*(self.numbers(v.elts) if isinstance(v, (ast.List, ast.Tuple)) else self.of_table(v, depth + 1) for of, v in set_to if not isinstance(v, ast.Subscript) and of not in self.shown))
        if not isinstance(node, ast.Call):
            return set()
        given = self.returned(node.func) or (self.returned(node.args[0]) if getattr(node.func, "attr", "") in ("map", "apply", "transform", "applymap") and node.args else set())
        if given:
            return given
        if {"pandas.cut", "pandas.qcut"} & set(self.scope.names(node.func)):
            labels = [self.untold(k.value) for k in node.keywords if k.arg == "labels"]
            return self.numbers(getattr(labels[0], "elts", [])) if labels else set()
        method, names = getattr(node.func, "attr", ""), self.scope.names(node.func)
        if "numpy.select" in names and len(node.args) > 1:
            chosen = self.untold(node.args[1])
            return self.numbers(getattr(chosen, "elts", []) + node.args[2:3] + [k.value for k in node.keywords if k.arg == "default"])
        if "numpy.where" in names and len(node.args) == 3:
            found = [n for a in node.args[1:] for n in (self.numbers([a]) or self.of_table(a, depth + 1))]
            return set(found) if all(self.bare.bare(a) or self.of_table(a, depth + 1) for a in node.args[1:]) else set()
        if self.scope.imported(node.func) or not isinstance(node.func, ast.Attribute):
            return set()
        if method in ("map", "get", "replace") and (node.args or method == "get"):
            by = self.untold(node.func.value if method == "get" else node.args[0])
            return self.numbers(by.values) if isinstance(by, ast.Dict) else set()
        if method in ("fillna", "astype", "to_numpy", "round", "reindex"):
            return self.of_table(node.func.value, depth + 1)
        return self.of_table(node.func.value, depth + 1) if method == "apply" else set()

    def returned(self, function):
        """The figures of which a function of the program's own gives one."""
        given = [r for f in self.scope.functions(function) for r in self.scope.returned.get(f, ())] if isinstance(function, (ast.Name, ast.Lambda)) else []
        found = [self.scope.number(r) for r in given]
        return set(found) if found and None not in found else set()

    def numbers(self, nodes):
        """The figures of a table of figures; none of weights, which come to one."""
        found = [n for n in map(self.scope.number, nodes) if n is not None]
        return set() if len(found) > 1 and any(math.isclose(sum(found), whole) for whole in (1, 100)) else set(found)

    def strange(self, figures):
        return {f for f in figures if not (known(f) or any(math.isclose(abs(f), u, rel_tol=1e-6) for u in UNITS) and self.measured()) and not (forms(f) & self.said)}

    def measured(self):
        """Whether the program has a word or a name of a unit."""
        if self.measures is None:
            self.measures = any(MEASURES.search(w) for n in self.scope.nodes for w in (n.value if isinstance(n, ast.Constant) and isinstance(n.value, str) else "", getattr(n, "id", ""), getattr(n, "attr", "")))
        return self.measures

    @staticmethod
    def undone(node, other):
        """x // 25 * 25 puts values into classes, and takes nothing from them."""
        if not isinstance(node.op, ast.Mult) and not isinstance(node.op, (ast.Div, ast.FloorDiv)):
            return False
        mine = {ast.dump(s) for s in (node.left, node.right)}
        return any(isinstance(n, ast.BinOp) and isinstance(n.op, (ast.Div, ast.FloorDiv)) and ast.dump(n.right) in mine for n in ast.walk(other))

    def weighted(self, node):
        """Terms whose typed weights come to one: 0.7 * a + 0.3 * b."""
        top = node
        while isinstance(self.scope.parents.get(top), ast.BinOp) and isinstance(self.scope.parents[top].op, (ast.Add, ast.Mult, ast.MatMult)):
            top = self.scope.parents[top]
        if any(self.rest_of(a, b) or self.rest_of(b, a) for a in self.factors(top) for b in self.factors(top)):
            return True
        terms, todo = [], [top]
        while todo:
            one = todo.pop()
            if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Add):
                todo += [one.left, one.right]
            else:
                terms.append(self.weight(one))
        return len(terms) > 1 and None not in terms and abs(sum(terms) - 1) < 1e-9

    def weight(self, term):
        """The figure by which a term is weighed: 0.85 of 0.85 * a @ r, 0.15 of 0.15 / n."""
        number = self.scope.number(term)
        if number is None and isinstance(term, ast.BinOp) and isinstance(term.op, (ast.Mult, ast.Div, ast.MatMult)):
            sides = [term.left] if isinstance(term.op, ast.Div) else [term.left, term.right]
            number = next((n for n in map(self.weight, sides) if n is not None), None)
        return number

    @staticmethod
    def factors(top):
        return [n for part in ast.walk(top) if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult) for n in (part.left, part.right)][:12]

    def rest_of(self, a, b):
        """alpha and 1 - alpha."""
        return isinstance(a, ast.Name) and isinstance(b, ast.BinOp) and isinstance(b.op, ast.Sub) and self.scope.number(b.left) == 1 and isinstance(b.right, ast.Name) and b.right.id == a.id

    def random(self, node):
        return isinstance(node, ast.Call) and (getattr(node.func, "attr", "") in RANDOM or any(n.startswith(("random.", "numpy.random.")) for n in self.scope.names(node.func)) and getattr(node.func, "id", "") in RANDOM)

    def name(self, node, figures):
        for figure in sorted(figures):
            text = plain(round(figure, 8) or figure)
            if len(self.done) < MOST and text not in self.done:
                self.done.add(text)
                self.find("caution", node.lineno, "written", "Computes with %s, a number that was typed in and that people are not told." % text, "|".join([text] + sorted(forms(figure) - {text})))


def known(figure):
    """Whether a figure needs no words."""
    if isinstance(figure, complex) or figure != figure or abs(figure) == math.inf:
        return True
    size = abs(figure)
    if size <= SMALL and size == int(size) or any(math.isclose(size, k, rel_tol=1e-6) for k in KNOWN):
        return True
    power = math.log10(size)
    return abs(power - round(power)) < 1e-9 or size < 1 and abs(1 / size - round(1 / size)) < 1e-9 and known(round(1 / size)) and 1 / size >= 1e-6 or size < 1e-6


def scales(figure):
    """Whether the ticks of an axis are written in another unit by it."""
    size = abs(figure)
    return size in SCALES or size > 0 and abs(math.log10(size) - round(math.log10(size))) < 1e-9


def forms(figure):
    """A figure as people say it: 1.07 as 7 %, too."""
    size = abs(figure)
    return {plain(size)} | ({plain(float("%.10g" % abs(x))) for x in (100 * size, 100 * size - 100)} if size < 3 else set())


def plain(number):
    text = repr(number)
    return text[:-2] if text.endswith(".0") else text
