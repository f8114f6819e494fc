"""Units and columns under which values are told, held against the columns that they are made of. Loaded by findings.py.

A column says its unit in its name (duration_sec, betrag_cent, wh), and so does a sentence behind a value. Where
nothing on the way from one to the other converts it, both have to say the same. A way that cannot be followed
has no unit: nothing is said of it.
"""

import ast
import math
import re

# A unit -> how many of the smallest of its kind it is. Kinds do not turn into one another.
TIME = {"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}
KINDS = (TIME, {"milligram": 1, "gram": 1000, "kilogram": 10 ** 6, "tonne": 10 ** 9}, {"millimetre": 1, "centimetre": 10, "metre": 1000, "kilometre": 10 ** 6},
         {"watt-hour": 1, "kilowatt-hour": 1000, "megawatt-hour": 10 ** 6}, {"millilitre": 1, "litre": 1000}, {"cent": 1, "whole unit of money": 100})
SIZES = {unit: (n, size) for n, kind in enumerate(KINDS) for unit, size in kind.items()}
# How columns and sentences write them. A day, an hour in the name of a column is a date or a time of day: there only the plural is a length.
SAID = {word: unit for unit, words in {
    "millisecond": "ms msec millis milliseconds millisecond millisekunden", "second": "sec secs seconds second sekunden sekunde secondes segundos", "minute": "min mins minutes minute minuten minutos", "hour": "h hr hrs hours hour stunden stunde std heures heure horas",
    "day": "days day tage tagen jours jour días dias", "week": "weeks week wochen woche semaines semanas", "milligram": "mg milligrams", "gram": "g grams gram gramm grammes", "kilogram": "kg kgs kilograms kilogram kilos kilogramm",
    "tonne": "t tonnes tonne tons tonnen", "millimetre": "mm millimetres", "centimetre": "cm centimetres", "metre": "m metres meters meter", "kilometre": "km kilometres kilometers kilometer", "watt-hour": "wh watt-hours", "kilowatt-hour": "kwh kilowatt-hours kilowattstunden",
    "megawatt-hour": "mwh megawatt-hours", "millilitre": "ml millilitres", "litre": "l litres liters liter litre", "cent": "cents cent ct pence"}.items() for word in words.split()}
IN_NAMES = {w: u for w, u in SAID.items() if w not in "second minute hour day week min t m l g h std jour tag stunde minute sekunde heure woche".split()} | {"s": "second"}
SUFFIXES = {"_h": "hour", "_min": "minute", "_g": "gram", "_s": "second", "_t": "tonne"}  # min_price, but duration_min
NO_LENGTH = {"per", "rate", "cost", "price", "wage", "pct", "share", "index", "value", "fee", "salary", "pay", "since", "temp", "id", "name"}  # and what is no length for all its unit
KEEPS = {"sum", "mean", "median", "max", "min", "quantile", "std", "head", "tail", "nlargest", "nsmallest", "sort_values", "sort_index", "round", "abs", "item", "dropna", "astype", "copy", "reset_index", "first", "last", "cumsum", "rolling", "groupby", "resample", "to_frame", "squeeze", "rename", "fillna", "tolist", "to_numpy",
         "clip", "mode", "expanding", "iloc", "loc", "iat", "at", "values"}
ADDS = {"sum", "mean", "median"}
BEHIND = re.compile(r"\s?([^\W\d_]+(?:-hours)?)\b(?!\s*(?:of|per|/))", re.I)
RATHER = re.compile(r"[^\W\d_]+(?:_[^\W\d_]+)*")
PLANS = {"plan", "planned", "actual", "target", "forecast", "goal"}
PERIOD = re.compile(r"\b(?:best|worst|strongest|weakest|highest|lowest|busiest|quietest|top|peak) (year|quarter|month|week|day)\b[^.;]*$", re.I)
FREQUENCIES = {"Y": "year", "A": "year", "Q": "quarter", "M": "month", "W": "week", "D": "day"}
DEEPEST = 30


class Units:
    def __init__(self, scope, report, bare, fudge, origin, spoken):
        self.scope, self.report, self.bare, self.fudge, self.origin, self.spoken = scope, report, bare, fudge, origin, spoken
        self.tables = spoken.tables_read()
        self.inputs = set().union(*self.tables)
        self.touched = {self.scope.text(n.target.slice) for n in scope.nodes if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Subscript)}

    def look(self):
        if not self.bare.reads:
            return
        for call, told in self.spoken.told.tells.items():
            for expression, by in told:
                pieces = self.spoken.pieces(expression)
                for n, piece in enumerate(pieces):
                    if not isinstance(piece, str):
                        before, after = (pieces[m] if 0 <= m < len(pieces) and isinstance(pieces[m], str) else "" for m in (n - 1, n + 1))
                        self.told(call, before, piece, after)
        for node in self.scope.nodes:
            if isinstance(node, ast.Call):
                self.labelled(node)
                if self.scope.dotted(node.func) == "desk.money" and node.args:
                    self.money(node)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], (ast.Name, ast.Subscript)):
                target = node.targets[0]
                name = target.id if isinstance(target, ast.Name) else self.scope.text(target.slice)
                if name and name not in self.inputs:
                    self.compare(node, by_name(name), self.unit(node.value), name)
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("agg", "aggregate"):
                for k in node.keywords:
                    if k.arg and isinstance(k.value, ast.Tuple) and len(k.value.elts) == 2 and self.scope.text(k.value.elts[1]) in KEEPS:
                        self.compare(node, by_name(k.arg), self.of_column(self.scope.text(k.value.elts[0]), 0), k.arg)

    def find(self, node, text, about):
        self.report.find("caution", node.lineno, "misleading", text, about)

    def told(self, call, before, piece, after):
        found = BEHIND.match(after)
        if found:
            self.compare(call, SAID.get(found.group(1).lower()), self.unit(piece), found.group(1))
            self.wrongly(call, SAID.get(found.group(1).lower()), self.inner(piece), found.group(1))
        self.column(call, before, piece, after)
        self.period(call, before, piece)

    def compare(self, node, said, made, word):
        if said and made and said != made and SIZES[said][0] == SIZES[made][0]:
            self.find(node, "Uses the word %s for a value in %ss, without converting it." % (word[:40], made), word[:40])

    def wrongly(self, node, said, value, word):
        """{minutes / 100} hours; a day of work has its own hours, so it is left alone."""
        by = self.scope.number(value.right) if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Mult, ast.Div)) else None
        made = self.unit(value.left) if by and said not in (None, "day", "week", "cent") else None
        if made and made != said and SIZES[made][0] == SIZES[said][0] and self.unit(value) is None:
            self.find(node, "Uses the word %s for %ss that are %s by %g, which is not how many it takes." % (word[:40], made, "multiplied" if isinstance(value.op, ast.Mult) else "divided", by), word[:40])

    def money(self, node):
        """money() of cents, or of rows of another currency"""
        if self.unit(node.args[0]) == "cent":
            self.find(node, "Writes cents as if they were whole units of money: it reads a hundred times too large.", "cents")
        given = node.args[1] if len(node.args) > 1 else self.scope.keywords(node).get("currency")
        said = self.scope.text(given) if given is not None else None
        codes = {c for c in self.spoken.chosen(node.args[0]) if re.fullmatch("[A-Z]{3}", c)} if said else set()
        if len(codes) == 1 and said not in codes and not self.origin.facts(node.args[0]).steps & {"*", "/", "mul", "multiply", "div", "merge", "map"}:
            self.find(node, "Writes %s behind amounts that were chosen by %s, without converting them." % (said[:10], *codes), said[:10])

    def labelled(self, node):
        """minutes.plot.bar(ylabel="hours")"""
        method, of = getattr(node.func, "attr", ""), getattr(node.func, "value", None)
        if method != "plot" and getattr(of, "attr", "") != "plot":
            return
        keyword = self.scope.keywords(node)
        kind = method if method != "plot" else self.scope.text(keyword["kind"]) if "kind" in keyword else "line"
        label = self.scope.text(keyword.get("xlabel" if kind in ("barh", "hist") else "ylabel", node))
        words = re.findall(r"[^\W\d_]+", (label or "").lower())
        if words and not set(words) & NO_LENGTH and kind in ("line", "bar", "barh", "hist", "area"):
            self.compare(node, SAID.get(words[-1]) if len(words[-1]) > 1 else None, self.unit(of if method == "plot" else of.value), words[-1])

    # -- the time that a value stands for

    def period(self, call, before, piece):
        """the best year was {q.idxmax()}, of quarters"""
        found = PERIOD.search(before)
        last = self.origin.last(piece)
        while isinstance(last, ast.Subscript):
            last = last.value
        if not found or not (isinstance(last, ast.Call) and getattr(last.func, "attr", "") in ("idxmax", "idxmin") or isinstance(last, ast.Attribute) and last.attr == "index"):
            return
        of, seen = last.func.value if isinstance(last, ast.Call) else last.value, 0
        frequencies, todo = set(), [of]
        while todo and seen < 20:
            seen += 1
            for n in ast.walk(todo.pop()):
                if isinstance(n, ast.Call) and getattr(n.func, "attr", "") in ("to_period", "resample") and n.args:
                    frequencies.add(FREQUENCIES.get((self.scope.text(n.args[0]) or "")[:1], ""))
                elif isinstance(n, ast.Attribute) and n.attr in ("year", "month", "quarter", "week", "day", "hour", "to_timestamp", "strftime", "isocalendar", "rolling") or isinstance(n, ast.Compare):
                    return  # days of the best month, chosen by their months
                elif isinstance(n, ast.Name):
                    only = self.scope.literal(n)
                    todo += [only] if only is not n else []
        if len(frequencies) == 1 and frequencies != {""} and found.group(1).lower() not in frequencies:
            self.find(call, "Uses the word %s for a %s." % (found.group(1), *frequencies), found.group(1))

    # -- the unit of a value

    def unit(self, node, depth=0):
        """The unit of a value; None where that cannot be told."""
        node = self.inner(node)
        if depth > DEEPEST or node is None:
            return None
        if isinstance(node, ast.Name):
            variable = self.scope.variable(node)
            only = self.scope.only(variable) if variable is not None and not variable.grown else None
            return self.unit(only, depth + 1) if only is not None else None
        if isinstance(node, ast.Subscript):
            name = self.scope.text(node.slice)
            if name is None and isinstance(node.slice, ast.Tuple) and node.slice.elts:
                name = self.scope.text(node.slice.elts[-1])
            if name is not None and (name in self.inputs or name in self.fudge.columns):
                return self.of_column(name, depth)
            return self.unit(node.value, depth + 1)
        if isinstance(node, ast.Attribute):
            if node.attr == "days" and isinstance(node.value, ast.Attribute) and node.value.attr == "dt":
                return "day"
            if node.attr in self.inputs or node.attr in self.fudge.columns:
                return self.of_column(node.attr, depth)
            return self.unit(node.value, depth + 1) if node.attr in KEEPS else None
        if isinstance(node, ast.Call):
            method = getattr(node.func, "attr", "")
            if method == "total_seconds":
                return "second"
            return self.unit(node.func.value, depth + 1) if method in KEEPS and not self.scope.imported(node.func) else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
            by = self.scope.number(node.right)
            unit = self.unit(node.left, depth + 1) if by else None
            return self.turned(unit, by if isinstance(node.op, ast.Mult) else 1 / by) if unit else None
        return None

    def inner(self, node):
        """A value behind what only writes it."""
        for _ in range(5):
            if isinstance(node, ast.FormattedValue):
                node = node.value
            elif isinstance(node, ast.Call) and node.args and self.scope.dotted(node.func) in ("desk.number", "round", "float", "int", "str", "abs"):
                node = node.args[0]
            else:
                return node
        return None

    def of_column(self, name, depth):
        """The unit of a column: of one that the program sets, that of what it is set to."""
        set_to = self.fudge.columns.get(name)
        if name in self.touched or name is None:
            return None
        if set_to:
            return self.unit(set_to[0][1], depth + 1) if len(set_to) == 1 and depth < DEEPEST else None
        return by_name(name) if name in self.inputs else None

    def turned(self, unit, by):
        """The unit of what is multiplied: seconds by 1/60 are minutes."""
        kind, size = SIZES[unit]
        return next((u for u, s in KINDS[kind].items() if math.isclose(size / by, s, rel_tol=1e-6)), None)

    # -- the column of a value

    def column(self, call, before, piece, after):
        """{ads["clicks"].sum()} impressions, the budget is {b["spent"].sum()}: both are columns of one table."""
        read = self.added(piece)
        if read is None:
            return
        clause, last = re.split(r"[.!?;,]\s", before)[-1], re.search(r"([^\W\d]+)(?:\s+(?:is|was|are|were|of|comes to|came to)|:)\s*$", before)
        first = RATHER.match(after.lstrip())
        around = set(re.findall(r"\w+", (clause + " " + re.split(r"[.!?;,]\s", after)[0]).lower()))
        for word in [w.lower() for w in (first and first.group(), last and last.group(1)) if w]:
            other = next((c for t in self.tables if read in t for c in t if c.lower() == word != read.lower()), None)
            if other and (other.endswith("s") or other.lower() in PLANS or self.spoken.money.search(other)) and not around & set(re.findall(r"[^\W_]+", read.lower())):
                self.find(call, "Uses the name of the column %s for what is computed of another one, %s." % (other, read), other)
                return

    def added(self, node):
        """The column of which a value is the sum, the mean or the median, and nothing else."""
        node, steps = self.inner(node), 0
        if isinstance(node, ast.Call) and self.scope.dotted(node.func) == "desk.money" and node.args:
            node = self.inner(node.args[0])
        while steps < DEEPEST:
            steps += 1
            if isinstance(node, ast.Name):
                variable = self.scope.variable(node)
                node = self.scope.only(variable) if variable is not None and not variable.grown else None
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ADDS and not self.scope.imported(node.func):
                of = node.func.value
                name = self.scope.text(of.slice) if isinstance(of, ast.Subscript) else getattr(of, "attr", None)
                if name is None and isinstance(of, ast.Subscript) and isinstance(of.slice, ast.Tuple) and of.slice.elts:
                    name = self.scope.text(of.slice.elts[-1])
                return name if name in self.inputs and not self.fudge.columns.get(name) and name not in self.touched else None
            else:
                return None


def by_name(name):
    """The unit that a name says."""
    lower = name.lower()
    words = [w for w in re.split(r"[\s_()\[\]]+", lower) if w]
    if not words or set(words) & NO_LENGTH or any(w.isdigit() for w in words):
        return None
    suffix = next((u for s, u in SUFFIXES.items() if lower.endswith(s)), None)
    return suffix or IN_NAMES.get(words[-1] if len(words[-1]) > 1 else "") or (IN_NAMES.get(words[0]) if len(words) > 1 and len(words[0]) > 3 else None)
