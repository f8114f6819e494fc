"""What is made larger, or takes more turns, than a box bears. Loaded by findings.py.

A width, a count, a picture's size that was typed in; loops within loops; all of the ways to
choose some out of many; a pattern that goes back and forth without end. Only what is plain to
see is said.
"""

import ast
import math
import re

try:
    from re import _constants, _parser
except ImportError:  # before Python 3.11
    import sre_constants as _constants
    import sre_parse as _parser

ENOUGH = 10 ** 8  # elements
TURNS = 10 ** 10
PIXELS = 10 ** 8
FIGURES = 500
LARGEST = 10 ** 15  # larger ones are taken for this, before anything is computed with them
# Where the number of what is made stands: by its place among the arguments, or by its name.
AT = {"ljust": 0, "rjust": 0, "center": 0, "zfill": 0, "repeat": -1, "numpy.repeat": 1, "numpy.linspace": 2, "numpy.logspace": 2, "numpy.geomspace": 2, "choice": 1, "itertools.repeat": 1}
NAMED = {"size", "num", "periods", "repeats", "n", "k", "width", "reps"}
LONG = re.compile(r"[1-9]\d{8,}")  # ENOUGH and more
WIDTH = re.compile(r"%[-+ #0]*$|\{[^{}:]*:[^{}\d]*0?$")  # what stands before one
SECONDS = {"s": 1, "S": 1, "ms": 1000, "L": 1000, "us": 10 ** 6, "U": 10 ** 6, "ns": 10 ** 9, "N": 10 ** 9}
YEAR = 31_536_000
DAY = re.compile(r"(\d{4})\b")
STACKS = {"pandas.concat", "numpy.concatenate", "numpy.hstack", "numpy.vstack", "numpy.append", "numpy.r_"}
CHOOSE = {"itertools.product", "itertools.combinations", "itertools.permutations", "itertools.combinations_with_replacement"}
MATCHES = {"match", "search", "fullmatch", "findall", "finditer", "sub", "subn", "split", "compile"}
OF_TEXTS = {"contains", "match", "fullmatch", "extract", "extractall", "findall", "replace", "split", "count"}


class Sizes:
    def __init__(self, scope, report):
        self.scope, self.report = scope, report

    def look(self):
        for node in self.scope.nodes:
            if isinstance(node, ast.Call):
                self.call(node)
            elif isinstance(node, ast.For):
                self.loop(node)
            elif isinstance(node, (ast.Assign, ast.Expr)):
                self.doubled(node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                if any(WIDTH.search(node.value[max(0, m.start() - 60):m.start()]) for m in LONG.finditer(node.value)):
                    self.too_much(node)
            elif isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
                spec = self.scope.text(node.format_spec) or ""
                if LONG.search(spec):
                    self.too_much(node)

    def too_much(self, node):
        self.report.add("danger", node.lineno, "memory", "Needs more memory than the box has.", "")

    def too_long(self, node, why):
        self.report.add("danger", node.lineno, "loop", "Takes longer than the time limit: %s." % why, "")

    def call(self, node):
        names, method = self.scope.names(node.func), getattr(node.func, "attr", "")
        keyword = self.scope.keywords(node)
        last = method or (names[0].rpartition(".")[2] if names else "")
        at = next((AT[n] for n in names if n in AT), AT.get(method) if not self.scope.imported(node.func) else None)
        counts = [node.args[at]] if at is not None and len(node.args) > max(at, 0) else []
        counts += [v for k, v in keyword.items() if k in NAMED and not (last in ("font", "text") or k == "width" and last != "fill")]
        if any(self.much(c) >= ENOUGH for c in counts):
            self.too_much(node)
        if "pandas.date_range" in names:
            self.dates(node, keyword)
        if CHOOSE & set(names):
            many = self.choices(names[0], node, keyword)
            if many >= TURNS or many >= ENOUGH and self.collected(node):
                self.too_long(node, "there are %.0e ways to choose" % many)
        if "math.factorial" in names and node.args and (self.scope.number(node.args[0]) or 0) >= 10 ** 6 or names[:1] == ["pow"] and len(node.args) == 2 and self.power(*node.args):
            self.too_long(node, "the number has millions of digits")
        if last in ("figure", "subplots") or method == "savefig":
            self.picture(node, keyword)
        if method == "merge" and self.crossed(node) and (self.within_loop(node) or any(map(self.crossed, self.behind(node.func.value)))):
            self.report.add("caution", node.lineno, "memory", "Joins every row with every row, again and again.", "")
        if any(n.startswith("re.") and n[3:] in MATCHES for n in names) and node.args:
            self.pattern(node, node.args[0])
        elif method in OF_TEXTS and isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "str" and node.args:
            self.pattern(node, node.args[0])

    def crossed(self, node):
        return isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "merge" and self.scope.text(self.scope.keywords(node).get("how")) == "cross"

    def behind(self, node):
        """The calls that a value is made by, one behind the other, by whatever names."""
        for _ in range(20):
            variable = self.scope.variable(node) if isinstance(node, ast.Name) else None
            node = self.scope.only(variable) if variable is not None else node
            if isinstance(node, ast.Call):
                yield node
            if not isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
                return
            node = node.func if isinstance(node, ast.Call) else node.value

    def doubled(self, node):
        """df = pd.concat([df, df]), rows.extend(rows): twice as large at every turn of the loop."""
        name, given = "", []
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call) and set(self.scope.names(node.value.func)) & STACKS and node.value.args:
            name, given = node.targets[0].id, getattr(node.value.args[0], "elts", [])
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and getattr(node.value.func, "attr", "") == "extend" and isinstance(node.value.func.value, ast.Name):
            name, given = node.value.func.value.id, [node.value.func.value] + node.value.args
        times = sum(isinstance(e, ast.Name) and e.id == name for e in given)
        up, turns = self.scope.parents.get(node), 1
        while up is not None and times > 1:
            turns = clamped(turns * (self.turns(up.iter) or 1)) if isinstance(up, ast.For) else LARGEST if isinstance(up, ast.While) else turns
            up = self.scope.parents.get(up)
        if times > 1 and turns * math.log(times) > math.log(ENOUGH):
            self.too_much(node)

    def much(self, node):
        value = self.scope.value(node)
        if isinstance(value, (list, tuple)):
            product = 1
            for n in value:
                product = clamped(product * clamped(n)) if isinstance(n, (int, float)) else product
            return product
        return clamped(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0

    def power(self, base, by):
        a, b = self.scope.number(base), self.scope.number(by)
        return a is not None and b is not None and abs(a) > 1 and isinstance(a, int) and b >= 10 ** 8

    def dates(self, node, keyword):
        given = [self.scope.text(v) or "" for v in node.args[:2] + [keyword[k] for k in ("start", "end") if k in keyword]]
        years = [int(m.group(1)) for m in map(DAY.search, given) if m]
        often = SECONDS.get(self.scope.text(keyword.get("freq")) or "", 0)
        if len(years) > 1 and (max(years) - min(years)) * YEAR * often >= ENOUGH:
            self.too_much(node)

    def choices(self, name, node, keyword):
        """How many there are; 0 where that cannot be told."""
        sizes = [self.turns(a) or self.length(a) for a in node.args]
        if not sizes or not sizes[0]:
            return 0
        if name.endswith("product"):
            digits = sum(math.log10(s) for s in sizes if s >= 1) * max(1, self.much(keyword.get("repeat")))
            return 10.0 ** min(digits, 300)
        given = node.args[1] if len(node.args) > 1 else keyword.get("r")
        n, k = sizes[0], sizes[0] if given is None else self.much(given)
        if name.endswith("replacement"):
            n += max(0, k - 1)
        if not 0 < k <= n:
            return 0
        ways = math.lgamma(n + 1) - math.lgamma(n - k + 1) - (0 if name.endswith("permutations") else math.lgamma(k + 1))
        return math.exp(min(ways, 690))

    def length(self, node):
        value = self.scope.value(node)
        return len(value) if isinstance(value, (str, list, tuple, dict)) else 0

    def turns(self, node):
        """How often a loop over range() goes round; 0 for others."""
        if not (isinstance(node, ast.Call) and self.scope.dotted(node.func) == "range" and node.args):
            return 0
        edges = [self.scope.number(a) for a in node.args]
        if None in edges or len(edges) > 2 and not edges[2]:
            return 0
        edges = [clamped(e) for e in edges]
        low, high, step = (0, edges[0], 1) if len(edges) == 1 else (edges[0], edges[1], edges[2] if len(edges) > 2 else 1)
        return clamped(max(0, (high - low) / step))

    def collected(self, node):
        up = self.scope.parents.get(node)
        return isinstance(up, ast.Call) and self.scope.dotted(up.func) in ("list", "tuple", "set", "sorted", "pandas.DataFrame", "len", "sum", "max", "min")

    def loop(self, node):
        turns, up = self.turns(node.iter), self.scope.parents.get(node)
        while turns and isinstance(up, (ast.For, ast.If, ast.With, ast.Try)):
            turns = clamped(turns * (self.turns(up.iter) or 1)) if isinstance(up, ast.For) else turns
            up = self.scope.parents.get(up)
        leaves = any(isinstance(n, (ast.Break, ast.Return, ast.Raise)) for n in ast.walk(node))
        if turns >= TURNS and not leaves:
            self.too_long(node, "the loops go round %.0e times" % turns)

    def within_loop(self, node):
        return self.scope.within(node, (ast.For, ast.While))

    def picture(self, node, keyword):
        size = self.scope.value(keyword["figsize"]) if "figsize" in keyword else None
        dpi = self.much(keyword.get("dpi")) or 100
        wide, high = size if isinstance(size, (list, tuple)) and len(size) == 2 and all(isinstance(n, (int, float)) for n in size) else (6, 4)
        up, turns = node, 0
        while up is not None:
            up = self.scope.parents.get(up)
            turns = max(turns, self.turns(up.iter)) if isinstance(up, ast.For) else turns
        if clamped(wide) * clamped(high) * dpi * dpi >= PIXELS:
            self.too_much(node)
        elif turns >= FIGURES and not any(isinstance(n, ast.Call) and getattr(n.func, "attr", "") in ("close", "clf", "cla") for n in self.scope.nodes):
            self.report.add("caution", node.lineno, "memory", "Makes %d pictures." % turns, "")

    def pattern(self, node, given):
        for text in (t for t in self.scope.texts(given) or () if len(t) < 1000):
            try:
                parsed = _parser.parse(text)
            except (re.error, RecursionError, OverflowError):
                continue
            if runs_on(parsed):
                self.report.add("caution", node.lineno, "loop", "A pattern with a repeat within a repeat, which may take longer than anybody waits.", "")


def clamped(number):
    """A number with which anything can be computed: 10**400 and infinity are no floats that bear it."""
    return max(-LARGEST, min(number, LARGEST))


def runs_on(parsed):
    """Whether a part that repeats without end is nothing but another one, beside what may be left out: (a+)+."""
    for op, of in parsed:
        if op in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            _, most, body = of
            inner = flat(body)
            if most == _constants.MAXREPEAT and sum(o in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and a[1] == _constants.MAXREPEAT for o, a in inner) >= 1 \
                    and all(o in (_constants.MAX_REPEAT, _constants.MIN_REPEAT) and (a[0] == 0 or a[1] == _constants.MAXREPEAT) for o, a in inner):
                return True
            if runs_on(body):
                return True
        elif op is _constants.SUBPATTERN and runs_on(of[-1]):
            return True
        elif op is _constants.BRANCH and any(runs_on(b) for b in of[1]):
            return True
    return False


def flat(body):
    """The items of a pattern, those of groups that stand alone in their place."""
    items = list(body)
    while len(items) == 1 and items[0][0] is _constants.SUBPATTERN:
        items = list(items[0][1][-1])
    return items
