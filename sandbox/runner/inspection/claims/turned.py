"""Steps that give another result than the words for it, though each looks ordinary. Loaded by findings.py.

Signs that are turned, what is held against itself, an earlier value over a later one, means of
means, months that are moved, rows and columns that are taken by their place.
"""

import ast
import re

TURNS = re.compile(r"cost|expens|refund|return|outflow|debit|credit|paid|pay|spen|loss|lose|lost|negativ|minus|decreas|drop|fall|fell|below|churn|withdraw|short|deficit|liabilit|owe|discount|deduct|difference|deviation|error|gap|change|revers|absolute|magnitude|size|swing|distance|net\b|direction|sort|rank|entropy|score|loglik|off\b|void|chargeback|writ\w* off|shrinkage|decline|under|"
                   r"ausgab|kosten|kostet|aufwand|aufwend|abgang|abgäng|entnahm|verbrauch|rück|storno|stornier|gutschrift|verlust|gebühr|zahlung|gezahlt|bezahlt|spar|senk|gesunken|sank\b|abzug|rabatt|schuld|defizit|unterschied|abweich|änderung|dépens|coût|frais|perte|baisse|sortie|remise|"
                   r"gast[oó]|pérdida|salida|devoluc|despes|custo|perda|saída|spes[ae]\b|perdit|uscit|uitga|verlies|koszt|wydat|strat[aęy]\b", re.I)
FALLS = re.compile(r"fell|fall|drop|declin|decreas|lost|loss|saved|saving|reduc|less|shrank|shrink|cut|remaining|elaps|span|rückgang|zurück|gesunken|sank\b|weniger|spar|verlust|abnahme|senk|baisse|économ|moins|diminu|perdu|\bbaj[óa]|menos|ahorr|caíd|\bcal[oi]\b|risparm|minder|daling|gedaald|bespaar|spad|mniej|oszczęd", re.I)
OUT = re.compile(r"\bsold\b|\bused\b|usage|consum|issued|shipped|sent out|went out|verkauf|vendu|vendid|venduto|verkocht|sprzedan", re.I)  # stock that goes out
RISES = re.compile(r"grew|growth|grow|rose|rise|increas|gain|higher", re.I)
MOVED = re.compile(r"fiscal|school|season|next|due|expir|age|anniversar|renew|deadline|forecast|target|deliver|ship|overdue|maturity|horizon|future|plan|lag|until|shift|prior|previous|last year|year ago|yoy", re.I)
GATHERS = {"sum", "mean", "median", "count", "size", "max", "min", "agg", "nunique", "first", "last", "std", "aggregate"}
IN_TIME = {"resample", "dt", "to_period", "Grouper", "to_timestamp", "sort_index", "year", "month", "asfreq"}
NAMES_OF_GROUPS = {w for k in ["eu us uk usa america asia apac emea latam europe africa china germany france italy spain austria switzerland japan india canada mexico brazil north south east west central male female men women new returning online offline store retail wholesale paid unpaid active inactive won lost yes no basic premium pro free"] for w in k.split()}
DAYS = [w.lower() for w in "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()]
MONTHS = [w.lower() for w in "January February March April May June July August September October November December".split()]


class Turned:
    def __init__(self, scope, report, bare, fudge, origin, spoken, files):
        self.scope, self.report, self.bare, self.fudge, self.origin, self.spoken = scope, report, bare, fudge, origin, spoken
        self.orders = [f["columns"] for f in files if f["columns"]]
        self.said = set()
        self.times = {}  # a period and a table -> this one and the one before, by their places

    def find(self, node, text, about="", kind="misleading"):
        self.report.find("caution", node.lineno, kind, text, about)

    def look(self):
        if not self.bare.reads:
            return
        self.numbers = {}
        for node in self.scope.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
                self.numbers.setdefault(abs(node.value), []).append(node)
        self.arrays = {n.func for n in self.scope.nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in ("to_numpy", "to_records")}
        hows = {name[4:]: getattr(self, name) for name in dir(self) if name.startswith("see_")}
        for node in self.scope.nodes:
            how = hows.get(type(node).__name__)
            if how is not None:
                how(node)

    def see_BinOp(self, node):
        left, right, op = node.left, node.right, node.op
        if isinstance(op, (ast.Mult, ast.Div, ast.FloorDiv, ast.Add, ast.Sub)):
            self.factor(node, left, right, op)
        if isinstance(op, (ast.Add, ast.Sub, ast.Div)) and self.alike(left, right) and self.spoken.rests(left):
            self.find(node, "Computes a value with itself (%s), which gives %s." % (ast.unparse(node)[:60], {ast.Add: "twice as much", ast.Sub: "nothing", ast.Div: "one"}[type(op)]))
        if isinstance(op, ast.Add):
            self.twice(node, left, right)
        if isinstance(op, ast.LShift) and self.fudge.data(left) and self.scope.number(right):
            self.tell(node, 2 ** min(int(self.scope.number(right)), 40))
        if isinstance(op, ast.Sub) and self.scope.number(left) == 0:
            self.sign(node, right)
        if isinstance(op, (ast.Div, ast.Sub)):
            self.backwards(node, left, right)
        if isinstance(op, (ast.Add, ast.Sub)):
            self.moved(node, left, right)
        if isinstance(op, ast.Mult) and -1 in (self.scope.number(left), self.scope.number(right)):
            self.sign(node, right if self.scope.number(left) == -1 else left)

    def see_AugAssign(self, node):
        if isinstance(node.op, (ast.Mult, ast.Div, ast.FloorDiv)):
            self.factor(node, node.target, node.value, node.op)
        elif isinstance(node.op, ast.Add) and self.fudge.data(node.value):
            loop = self.scope.parents.get(node)
            if isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) and self.scope.dotted(loop.iter.func) == "range" and (self.scope.number(loop.iter.args[-1]) or 0) > 1 \
                    and not {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)} & {n.id for b in loop.body for n in ast.walk(b) if isinstance(n, ast.Name)}:
                self.find(node, "Adds one and the same value again and again, in a loop that goes round %d times." % self.scope.number(loop.iter.args[-1]))

    def see_Compare(self, node):
        """day > "2024-01-01": a period without its first day."""
        for op, side in zip(node.ops, node.comparators):
            text = self.scope.text(side) or (self.scope.text(side.args[0]) if isinstance(side, ast.Call) and side.args and "pandas.Timestamp" in self.scope.names(side.func) else None) or ""
            if isinstance(op, ast.Gt) and re.fullmatch(r"\d{4}-01-01", text) or isinstance(op, ast.Lt) and re.fullmatch(r"\d{4}-12-31", text):
                self.find(node, "Leaves out %s, the %s day of the year." % (text, "first" if text.endswith("01-01") else "last"), text)

    def see_UnaryOp(self, node):
        if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            self.sign(node, node.operand)

    def see_Call(self, node):
        method, given = getattr(node.func, "attr", ""), node.args
        if method in ("mul", "multiply", "div", "divide", "truediv", "floordiv") and len(given) == 1 and not self.scope.imported(node.func):
            self.factor(node, node.func.value, given[0], ast.Mult() if method.startswith("mu") else ast.Div())
        elif len(given) == 2 and {"numpy.multiply", "numpy.divide", "numpy.true_divide", "operator.mul", "operator.truediv"} & set(self.scope.names(node.func)):
            self.factor(node, *given, ast.Mult() if "mul" in self.scope.dotted(node.func) else ast.Div())
        elif method in ("pct_change", "diff") and (self.scope.number(given[0] if given else self.scope.keywords(node).get("periods")) if given or "periods" in self.scope.keywords(node) else 1 or 1) in (-1, -2, -3, -4, -7, -12) \
                and self.origin.order(node.func.value) != -1:
            self.find(node, "Compares each value with a later one (%s): what grows seems to fall." % ast.unparse(node)[-40:], method)
        elif method == "mean" and not self.fudge.harmless(node, 0):
            self.means(node)
        elif method == "corr" and len(given) == 1 and self.alike(node.func.value, given[0]):
            self.find(node, "Computes the correlation of a column with itself, which is always 1.", "corr")
        elif method == "eval" and given:
            for text in self.scope.texts(given[0]) or ():
                self.formula(node, text)
        elif {"numpy.negative", "operator.neg"} & set(self.scope.names(node.func)) and given:
            self.sign(node, given[0], "negative")
        elif {"abs", "numpy.abs", "numpy.absolute", "math.fabs", "numpy.fabs"} & set(self.scope.names(node.func)) and given and not self.scope.functions(node.func):
            if self.summed(node) and self.fudge.data(given[0]) and not self.origin.facts(given[0]).steps & {"-", "diff", "pct_change", "sub"} and not TURNS.search(self.words(node)) and not self.below(given[0]):
                self.find(node, "Counts amounts below zero as if they were above it (abs), which makes the sum larger, and people are not told so.", "abs")
        elif {"numpy.sqrt", "math.sqrt"} & set(self.scope.names(node.func)) and given and isinstance(given[0], ast.BinOp) and isinstance(given[0].op, ast.Pow) and self.scope.number(given[0].right) == 2 and self.read(self.origin.last(given[0].left)):
            self.find(node, "Takes the root of a square: amounts below zero count as if they were above it.", "abs")
        elif method == "abs" and not given and self.read(node.func.value):
            up = self.scope.parents.get(node)
            if isinstance(up, ast.Attribute) and up.attr in ("sum", "mean", "groupby", "cumsum") and not TURNS.search(self.words(node)) and not self.below(node.func.value):
                self.find(node, "Counts amounts below zero as if they were above it (abs), which makes the sum larger, and people are not told so.", "abs")
        elif "zip" in self.scope.names(node.func) and any(self.by_groups(self.origin.last(a)) for a in given):
            for names in given:
                self.spoken.swapped.labels(node, names, "Names values")
        if (method in ("floor", "ceil", "trunc") or self.scope.dotted(node.func) in ("int", "math.floor", "math.ceil", "math.trunc", "numpy.floor", "numpy.ceil", "numpy.trunc")) and given:
            self.cut(node, given[0])

    def see_Assign(self, node):
        target, value = node.targets[0], node.value
        if isinstance(target, ast.Tuple) and not isinstance(value, (ast.Tuple, ast.List)) and all(isinstance(e, ast.Name) for e in target.elts):
            whole = self.origin.last(value)
            if self.by_groups(whole) and len(target.elts) > 1:
                self.find(node, "Names the values of groups by their place (%s): nothing makes sure that each name stands at its own value." % ", ".join(e.id for e in target.elts[:3]))
            self.unpacked(node, target, value)
        for one, of in [(target, value)] + (list(zip(target.elts, value.elts)) if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts) else []):
            if isinstance(one, ast.Name):
                self.placed(node, one.id, of)
        if isinstance(target, ast.Subscript) and self.branch(value):
            self.find(node, "Rounds values (%s) before they are computed with, which changes what comes out." % ast.unparse(value)[:60])

    def see_For(self, node):
        if isinstance(node.target, ast.Tuple):
            self.unpacked(node, node.target, node.iter)

    def see_Subscript(self, node):
        self.column(node)

    def see_List(self, node):
        texts = [self.scope.text(e) for e in node.elts] if len(node.elts) in (7, 12) else []
        if texts and all(texts):
            self.calendar(node, list(enumerate(texts)))

    see_Tuple = see_List

    def see_Dict(self, node):
        pairs = [(self.scope.number(k), self.scope.text(v)) for k, v in zip(node.keys, node.values) if k is not None] if len(node.keys) > 2 else []
        if pairs and all(isinstance(n, int) and t for n, t in pairs):
            self.calendar(node, pairs)

    def words(self, node):
        """What the statement, its function and the program's sentences say."""
        while not isinstance(node, ast.stmt) and node in self.scope.parents:
            node = self.scope.parents[node]
        said = [str(getattr(n, "id", getattr(n, "attr", getattr(n, "arg", getattr(n, "value", ""))))) for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute, ast.Constant, ast.keyword, ast.arg))]
        names = [t.id for n in (node,) if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)]
        at = self.scope.at[node]
        return " ".join(said + names + [getattr(at, "name", "")]) + " " + self.spoken.all_words

    # -- signs, orders in time, places

    def sign(self, node, value, by=""):
        up = self.scope.parents.get(node)
        last = self.origin.last(value)
        if not self.fudge.data(value) or self.fudge.harmless(node, 0) or isinstance(up, (ast.BinOp, ast.Compare, ast.Subscript, ast.Slice, ast.Lambda, ast.UnaryOp)) or self.scope.within(node, (ast.Lambda,)):
            return
        if isinstance(up, ast.Call) and (getattr(up.func, "attr", "") or self.scope.dotted(up.func)) not in ("sum", "desk.money", "desk.number", "round", "float", "mean", "desk.table") and node is not getattr(up.func, "value", None):
            return
        steps = self.origin.facts(value).steps
        if isinstance(last, ast.BinOp) or steps & {"log", "log2", "log10", "diff", "pct_change", "polyfit", "slope"} or self.below(value) or not self.spoken.legible or OUT.search(self.words(node)) and any(map(self.spoken.quantity.search, self.origin.facts(value).columns)) or TURNS.search(self.words(node).replace(by, " ", 1) if by else self.words(node)):
            return
        self.find(node, "Turns plus into minus for what was read, and people are not told so.", "sign")

    def below(self, value):
        """Whether only what is below zero is meant."""
        todo, seen = [value], 0
        while todo and seen < 40:
            one = todo.pop()
            seen += 1
            for n in ast.walk(one):
                if isinstance(n, ast.Compare) and isinstance(n.ops[0], (ast.Lt, ast.LtE, ast.Gt)) and 0 in [self.scope.number(c) for c in [n.left] + n.comparators]:
                    return True
                if isinstance(n, ast.Name):
                    only = self.scope.literal(n)
                    if only is not n and not isinstance(only, ast.Constant):
                        todo.append(only)
        return False

    def read(self, node):
        """A column as it was read."""
        return (isinstance(node, ast.Subscript) and self.scope.text(node.slice) in self.origin.inputs or isinstance(node, ast.Attribute) and node.attr in self.origin.inputs) and self.fudge.data(node)

    def alike(self, left, right):
        left, right = self.alias(left), self.alias(right)
        return type(left) is type(right) and not isinstance(left, ast.Constant) and ast.dump(left) == ast.dump(right) and not any(isinstance(n, ast.Call) and (self.origin.local(n).steps & {"random", "choice", "normal", "next", "pop", "input"}) for n in ast.walk(left))

    def alias(self, node):
        """The name that a name is another one for."""
        for _ in range(10):
            variable = self.scope.variable(node) if isinstance(node, ast.Name) else None
            only = self.scope.only(variable) if variable is not None else None
            of = self.scope.variable(only) if isinstance(only, ast.Name) else None
            if of is None or of.sets != 1:
                return node
            node = only
        return node

    def place(self, node):
        """What something is a part of, and at which place in it."""
        node = self.origin.last(node)
        if isinstance(node, ast.Subscript):
            at = self.scope.number(node.slice)
            of = node.value
            if isinstance(of, ast.Attribute) and of.attr in ("iloc", "values", "iat", "array"):
                of = of.value
            elif not (isinstance(of, ast.Name) and isinstance(self.origin.last(of), (ast.Call, ast.List, ast.Name))):
                return None, None
            return (of, at) if isinstance(at, int) and not isinstance(at, bool) else (None, None)
        return None, None

    def backwards(self, node, left, right):
        """m.iloc[-2] / m.iloc[-1], m / m.shift(-1)"""
        (a, i), (b, j) = self.place(left), self.place(right)
        if a is not None and b is not None and self.alike(a, b) and i != j and ((i < j) == ((i < 0) == (j < 0)) if (i < 0) == (j < 0) else i >= 0):
            if self.origin.order(a) == 0 and self.origin.facts(a).steps & IN_TIME and (RISES.search(self.words(node)) or not FALLS.search(self.words(node)) and self.spoken.legible) and not self.fudge.harmless(node, 0):
                self.find(node, "Compares an earlier value with a later one (%s): what grows seems to fall." % ast.unparse(node)[:60])
        if isinstance(node.op, ast.Div) and self.spoken.later(left, right) == -1 and a is None and RISES.search(self.words(node)) and self.fudge.data(left):
            self.find(node, "Compares what was before with what came after it (%s): what grows seems to fall." % ast.unparse(node)[:60])
        later = right if isinstance(right, ast.Call) and getattr(right.func, "attr", "") == "shift" else None
        if later is not None and isinstance(node.op, ast.Div) and later.args and (self.scope.number(later.args[0]) or 0) < 0 and self.alike(left, later.func.value) and self.origin.order(left) != -1:
            self.find(node, "Compares each value with a later one (%s): what grows seems to fall." % ast.unparse(node)[:60])

    def twice(self, node, left, right):
        """Sums over rows up to 100 and over those from 50 on: what lies between is counted twice."""
        a, b = self.bounded(left), self.bounded(right)
        if a is not None and b is not None and a[0] == b[0] and a[1] != b[1]:
            (_, _, low, closed), (_, _, high, also) = sorted((a, b), key=lambda one: -one[1])
            if low < high or low == high and closed and also:
                self.find(node, "Adds up two parts that overlap (%s): rows in both count twice." % a[0][:40], a[0])

    def bounded(self, node):
        """The column by which the rows of a sum are chosen, 1 for those above a figure and -1 for those below, the figure, and whether it is among them."""
        last = self.origin.last(node)
        if not (isinstance(last, ast.Call) and getattr(last.func, "attr", "") in ("sum", "count") or isinstance(last, ast.Call) and self.scope.dotted(last.func) == "len"):
            return None
        of = last.args[0] if last.args else last.func.value
        for _ in range(8):
            of = self.origin.last(of)
            if isinstance(of, ast.Subscript):
                test = of.slice.elts[0] if isinstance(of.slice, ast.Tuple) and of.slice.elts else of.slice
                test = self.origin.last(test)
                if isinstance(test, ast.Compare):
                    figure = self.scope.number(test.comparators[0]) if len(test.ops) == 1 and isinstance(test.ops[0], (ast.Lt, ast.LtE, ast.Gt, ast.GtE)) else None
                    return None if figure is None else (ast.unparse(test.left), 1 if isinstance(test.ops[0], (ast.Gt, ast.GtE)) else -1, figure, isinstance(test.ops[0], (ast.LtE, ast.GtE)))
                of = of.value
            elif isinstance(of, ast.Attribute) and of.attr in ("loc", "values"):
                of = of.value
            else:
                return None
        return None

    def moved(self, node, left, right):
        """The year of a sale plus one, a month later than it was."""
        if isinstance(left, ast.Attribute) and left.attr == "year" and self.fudge.data(left) and self.scope.number(right):
            if not self.scope.within(node, (ast.IfExp, ast.Compare)) and not any(isinstance(p, (ast.Call, ast.Compare, ast.Lambda)) for p in self.above(node)) and not MOVED.search(self.words(node)):
                self.find(node, "Moves the years of what was read by %s, so that totals stand under another year." % self.scope.number(right), "year")
        if isinstance(right, ast.Call) and {"pandas.DateOffset", "pandas.Timedelta", "datetime.timedelta", "pandas.offsets.MonthBegin", "pandas.offsets.MonthEnd", "pandas.offsets.MonthOffset"} & set(self.scope.names(right.func)) and self.fudge.data(left):
            up = self.scope.parents.get(node)
            if isinstance(up, ast.Attribute) and up.attr in ("dt", "month", "year") and not MOVED.search(self.words(node)):
                self.find(node, "Moves the days of what was read, so that totals stand under another month or year.", "day")

    def above(self, node):
        up = self.scope.parents.get(node)
        while up is not None and not isinstance(up, ast.stmt):
            yield up
            up = self.scope.parents.get(up)

    def means(self, node):
        inner = self.origin.last(node.func.value)
        grouped = lambda n: isinstance(n, ast.Call) and getattr(n.func, "attr", "") in GATHERS and any(getattr(m, "attr", "") == "groupby" for m in ast.walk(n.func))
        if isinstance(inner, ast.Call) and getattr(inner.func, "attr", "") in ("mean", "median") and grouped(inner) and not any(k.arg == "axis" for k in node.keywords):
            self.find(node, "Takes the average of averages: a small group counts as much as a large one.", "mean")
        elif isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div):
            sides = [self.origin.last(s.value) if isinstance(s, (ast.Subscript, ast.Attribute)) else self.origin.last(s) for s in (inner.left, inner.right)]
            if all(map(grouped, sides)) and re.search(r"average|mean|overall", self.words(node), re.I) and re.search(r"price|rate|ratio|per\b|margin|average (price|order|value)", self.words(node), re.I):
                self.find(node, "Takes the average of ratios: a small group counts as much as a large one.", "mean")

    def by_groups(self, node):
        return isinstance(node, ast.Call) and getattr(node.func, "attr", "") in GATHERS and any(getattr(m, "attr", "") == "groupby" for m in ast.walk(node.func)) and self.fudge.data(node)

    def placed(self, node, name, value):
        of, at = self.place(value)
        if of is not None and self.origin.order(of) == 0 and self.origin.facts(of).steps & IN_TIME and not self.spoken.swapped.turned and not any(isinstance(n, ast.Slice) and n.step is not None for n in self.scope.nodes):
            words = re.fullmatch(r"(this|current|last|previous|prev|prior)_(year|month|quarter|week|period)(?:_\w+)?", name.lower())
            if words:
                self.times.setdefault((words.group(2), ast.dump(of)), {})[words.group(1)] = at
                places = self.times[words.group(2), ast.dump(of)]
                now, before = (next((places[w] for w in kind if w in places), None) for kind in (("this", "current"), ("previous", "prev", "prior", "last")))
                if now is not None and before is not None and (now < 0) == (before < 0) and now < before:
                    self.find(node, "Uses the name %s for what stands after the other one in time: they are exchanged." % name, name)
        if of is not None and {w for w in name.lower().split("_")} & NAMES_OF_GROUPS and self.by_groups(self.origin.last(of)):
            self.find(node, "Uses the name %s for what stands at place %d of a table: nothing makes sure that it is the right one." % (name, at + 1 if at >= 0 else at), name)

    def unpacked(self, node, target, source):
        """for day, region, amount in rows, where the columns stand in another order."""
        names = [e.id for e in target.elts if isinstance(e, ast.Name)]
        for columns in self.orders:
            skip = 1 if len(names) == len(columns) + 1 else 0
            if len(names) == len(target.elts) and len(names) - skip == len(columns) and len(names) > 2 and self.fudge.data(source):
                wrong = [(n, c) for n, c in zip(names[skip:], columns) if n != c and n in columns]
                if wrong:
                    self.find(node, "Uses the name %s for the column %s: the columns of the file stand in another order." % wrong[0], wrong[0][0])

    def column(self, node):
        """df.iloc[:, 4], df[df.columns[4]]"""
        at = table = None
        place = self.scope.number(node.slice) if isinstance(node.ctx, ast.Load) and isinstance(node.value, (ast.Name, ast.Call)) else None
        if isinstance(place, int) and isinstance(node.value, ast.Call) and self.scope.dotted(node.value.func) == "list" and node.value.args and getattr(node.value.args[0], "attr", "") == "columns":
            at, table = place, node.value.args[0].value
        elif isinstance(place, int) and isinstance(node.value, ast.Name):
            at, table = self.of_row(node.value, place)
        elif isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2 and isinstance(node.slice.elts[0], ast.Slice) and isinstance(self.scope.literal(node.value), ast.Call) and self.scope.literal(node.value).func in self.arrays:
            at, table = self.scope.number(node.slice.elts[1]), self.scope.literal(node.value).func.value
        if isinstance(node.value, ast.Attribute) and node.value.attr == "columns" and isinstance(node.ctx, ast.Load):
            at, table = self.scope.number(node.slice), node.value.value
        elif isinstance(node.value, ast.Attribute) and node.value.attr == "iloc" and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
            at, table = self.scope.number(node.slice.elts[1]), node.value.value
        table = self.origin.last(table) if table is not None else None
        if isinstance(at, int) and isinstance(table, ast.Call) and self.bare.reader(table) and table.args:
            read = (self.scope.text(table.args[0]) or "").rpartition("/")[2]
            columns = next((f["columns"] for f in self.spoken.files if f["name"] == read and f["columns"]), None)
            if columns and -len(columns) <= at < len(columns) and len(columns[at]) <= 60:  # a name that fills a line is better told by its place
                self.find(node, "Takes a column by its place and not by its name: in the file it is %s." % columns[at], columns[at])

    def of_row(self, name, at):
        """row[4], in a loop over df.itertuples()"""
        for source in [t for v in self.scope.variables(name) if v is not None for t in v.turns]:
            if isinstance(source, ast.Call) and getattr(source.func, "attr", "") == "itertuples":
                counts = any(k.arg == "index" and self.scope.value(k.value) is False for k in source.keywords)
                return at - (0 if counts else 1), source.func.value
            if isinstance(source, ast.Call) and source.func in self.arrays:
                return at, source.func.value
        return None, None

    # -- whole values

    def cut(self, node, value):
        if self.summed(node) and self.fudge.data(value) and not self.fractional(value) and not isinstance(value, ast.Compare):
            self.find(node, "Cuts each value to a whole number (%s) before they are added up, which changes the sum." % (self.scope.dotted(node.func) or getattr(node.func, "attr", "")), "round")

    def summed(self, node):
        up = self.scope.parents.get(node)
        return isinstance(up, ast.Attribute) and up.attr in ("sum", "mean") or isinstance(up, (ast.GeneratorExp, ast.ListComp)) and isinstance(self.scope.parents.get(up), ast.Call) and self.scope.dotted(self.scope.parents[up].func) in ("sum", "statistics.mean", "math.fsum")

    def fractional(self, value):
        """Whether what is cut is a count, or a text that was read: int(row["units"])"""
        return isinstance(value, ast.Subscript) and self.scope.text(value.slice) is not None and not re.search(r"amount|price|total|revenue|value|sum|cost", self.scope.text(value.slice), re.I)

    def branch(self, value):
        """df["amount"] // 100 * 100"""
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult) and isinstance(value.left, ast.BinOp) and isinstance(value.left.op, ast.FloorDiv):
            target = self.scope.parents.get(value)
            name = self.scope.text(target.targets[0].slice) if isinstance(target, ast.Assign) and isinstance(target.targets[0], ast.Subscript) else None
            return name in self.origin.inputs and any(isinstance(n, ast.Constant) and n.value == name for n in ast.walk(value))
        return False

    # -- calendars

    def calendar(self, node, pairs):
        """Names of days or months that were typed in, each with its number."""
        words = [(n, t.lower()[:3]) for n, t in pairs]
        clock = any(isinstance(n, ast.Attribute) and n.attr in ("dayofweek", "day_of_week", "weekday") for n in self.scope.nodes)
        listed = isinstance(node, (ast.List, ast.Tuple))
        for names, fits in ((DAYS, {0} if clock and (listed or 0 in dict(pairs)) else {0, 1} if listed or clock else {0, 1, 2}), (MONTHS, {0, -1})):
            short = [n[:3] for n in names]
            if not all(t in short for _, t in words) or len({t for _, t in words}) < 3:
                continue
            if names is DAYS:
                shifts = {(n - short.index(t)) % 7 for n, t in words}
            else:
                shifts = {n - short.index(t) - (0 if listed else 1) for n, t in words}
            if (not listed or self.indexed(node)) and (len(shifts) > 1 or not shifts <= fits):
                self.find(node, "Names the %s in an order that no calendar has (%s), so that values stand under another name." % ("days of the week" if names is DAYS else "months", ", ".join(t for _, t in pairs[:3])), pairs[0][1])
            return

    def indexed(self, node):
        """Whether a list is looked up by numbers: names[d]"""
        up = self.scope.parents.get(node)
        if isinstance(up, ast.Subscript):
            return True
        names = {t.id for t in getattr(up, "targets", ()) if isinstance(t, ast.Name)}
        return any(isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name) and n.value.id in names and not isinstance(n.slice, ast.Slice) for n in self.scope.nodes)
