"""Figures that a program types into what it has read or computed. Loaded by findings.py.

A table may be read and then have its column set anew, a cell at a time or as a whole, and the
sums that follow look computed. Said is a list of figures for a column of whatever name; one
figure for a column that was read, or for rows that are named; and one that takes the place of
what people are told. A single figure for a new column, or for rows that a condition chooses, is not: a target, a cap.
"""

import ast
import re

CELLS = {"loc", "iloc", "at", "iat"}
NOTHING = {0, 1, -1, 100}  # ends of an axis, shares, what is filled in
COUNTS = "one two three four five six seven eight nine ten eleven twelve".split()
SMALLER = {w: n + 1 for n, w in enumerate("one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split())} | {w: 10 * n + 20 for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split())}
for tongue in ("zwei drei vier fünf sechs sieben acht neun zehn", "deux trois quatre cinq six sept huit neuf dix", "dos tres cuatro cinco seis siete ocho nueve diez"):
    SMALLER.update({w: n + 2 for n, w in enumerate(tongue.split())})
for tongue in ("zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig", "vingt trente quarante cinquante soixante", "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"):
    SMALLER.update({w: 10 * n + 20 for n, w in enumerate(tongue.split())})
LARGE = {"hundert": 100, "tausend": 10 ** 3, "mille": 10 ** 3, "mil": 10 ** 3, "millionen": 10 ** 6, "millions": 10 ** 6, "millones": 10 ** 6, "milliarden": 10 ** 9, "milliards": 10 ** 9, "thousand": 10 ** 3, "million": 10 ** 6, "billion": 10 ** 9, "dozen": 12}
LENGTH = re.compile(r"\b(\d+(?:\.\d+)?|%s)[ -](minute|hour|day|week)s?\b" % "|".join(COUNTS), re.I)
BELOW = {"minute": (60,), "hour": (60, 3600), "day": (24, 1440, 86400), "week": (7, 168)}
BESIDE = {"days": (24, 1 / 7), "weeks": (7,), "hours": (60, 1 / 24), "minutes": (60, 1 / 60), "years": (12,), "months": (1 / 12,)}  # the units next to one
# A unit in the name of what is compared -> by how many of it people know it: duration_sec > 300 are calls of more than 5 minutes.
LARGER = {word: by for words, by in (("ms millis milliseconds", (1000, 60_000)), ("s sec secs second seconds sekunden", (60, 3600, 86_400)), ("min mins minute minutes minuten", (60, 1440)), ("h hrs hours stunden", (24,)), ("days tage", (7,)),
                                     ("cent cents ct", (100,)), ("g gram grams gramm", (1000, 1_000_000)), ("kg", (1000,)), ("wh", (1000, 1_000_000)), ("m metres meters", (1000,)), ("ml", (1000,)), ("bytes", tuple(k ** n for k in (1000, 1024) for n in (1, 2, 3, 4)))) for word in words.split()}
SCALES = {"thousand": 1000, "k": 1000, "tsd": 1000, "tausend": 1000, "million": 10 ** 6, "millionen": 10 ** 6, "mio": 10 ** 6, "m": 10 ** 6, "billion": 10 ** 9}
SCALED = re.compile(r"(?<![\d.,])(\d+(?:\.\d+)?)\s?(%s)\b" % "|".join(SCALES), re.I)
FROM_TO = re.compile(r"(?<![\d.,])(\d{1,3})\s?(?:to|or|and|through|until|bis|oder|und|à|a|tot|-|–)\s?(\d{1,3})(?![\d%]|[.,]\d| ?(?:%|per))")
AT_LEAST = re.compile(r"(?<![\d.,])(\d{1,3}) or more (?:out )?of (\d{1,3})(?![\d%]|[.,]\d)")
DRAWS = {"permutation", "permuted", "choice", "choices", "sample", "shuffle", "normal", "uniform", "random", "integers", "randint", "poisson", "binomial"}
LEVELS = {"1.96": "5", "1.959964": "5", "1.645": "5", "1.65": "5", "2.576": "1", "2.58": "1", "3.841": "5", "3.84": "5", "5.991": "5", "5.99": "5", "7.815": "5", "9.488": "5", "6.635": "1", "2.706": "10"}  # bounds of a normal distribution and of chi-squared, and the per cent beyond them
COMPARES = {"gt", "ge", "lt", "le", "between"}
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
            self.find("caution", node.lineno, "written", "Puts the number %s, which was typed in, %s." % (number, where), number)

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

    # -- numbers that people know by another name

    def looked_up(self, node, up):
        """Whether a short number is the name of a group: counts[2], counts.loc[2, "mean"], counts.get("2", 0)."""
        if not isinstance(node, ast.Constant) or isinstance(node.value, (bool, float)) or not re.fullmatch(r"\d{1,4}", str(node.value)):
            return False
        if isinstance(up, ast.Call):
            return getattr(up.func, "attr", "") == "get" and node in up.args[:1] and not self.bare.bare(up.func.value)
        up = self.scope.parents.get(up) if isinstance(up, ast.Tuple) else up
        return isinstance(up, ast.Subscript) and getattr(up.value, "attr", "") not in ("iloc", "iat", "values") and not self.bare.bare(up.value)

    def longer(self, node):
        """A length of time in the units next to its own (Timedelta(days=1), told as 24 hours), and what a column with a unit is compared with."""
        up = self.scope.parents.get(node)
        if isinstance(up, ast.keyword) and up.arg in BESIDE and isinstance(node.value, (int, float)):
            yield from ("%.10g" % (node.value * by) for by in BESIDE[up.arg])
        if isinstance(node.value, str):  # query("wh > 1000")
            for name, size in re.findall(r"(\w+)`?\s*[<>]=?\s*(\d+)", node.value):
                yield from ("%.10g" % (int(size) / by) for word in set(name.lower().split("_")) & LARGER.keys() for by in LARGER[word] if int(size) and int(size) % by == 0)
            return
        top = self.bare.top(node) if self.bare.reads else node
        up, size = self.scope.parents.get(top), self.scope.number(top)
        of = up if isinstance(up, ast.Compare) else up.func if isinstance(up, ast.Call) and getattr(up.func, "attr", "") in COMPARES else None
        if of is not None and size:
            said = {w for n in ast.walk(of) for t in (getattr(n, "value", ""), getattr(n, "attr", ""), getattr(n, "id", "")) if isinstance(t, str) for w in re.split(r"[\W_]+", t.lower())}
            yield from ("%.10g" % (size / by) for word in said & LARGER.keys() for by in LARGER[word] if size % by == 0)

    @staticmethod
    def in_words(number):
        """five thousand as 5000; nothing for what is no number in words."""
        whole, part = 0.0, 0.0
        if not number[:1].isalpha():
            return None
        for word in re.split(r"[\s-]+", number.lower()):
            if word in SMALLER:
                part += SMALLER[word]
            elif word == "hundred":
                part = (part or 1) * 100
            elif word in LARGE:
                whole, part = whole + (part or 1) * LARGE[word], 0
            elif word == "half":
                part += 0.5
            elif word not in ("a", "and", "per", "cent", "percent", "prozent", "pour", "pourcent", "por", "ciento"):
                return None
        return "%.15g" % (whole + part)

    @staticmethod
    def scaled(text, used):
        """Numbers before a word that makes them those of the program: 1 million, of >= 1_000_000."""
        return {m.group(1) for m in SCALED.finditer(text) if "%.15g" % (float(m.group(1)) * SCALES[m.group(2).lower()]) in used}

    def often(self, loop):
        """Whether a loop does something with what was read, or asks chance, as often as is said."""
        return isinstance(loop, ast.For) and isinstance(loop.iter, ast.Call) and self.scope.dotted(loop.iter.func) == "range" \
            and any(isinstance(n, ast.Call) and getattr(n.func, "attr", "") in DRAWS or isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and self.data(n) for b in loop.body for n in ast.walk(b))

    @staticmethod
    def around(text, used, ends):
        """What a note says of limits in whole numbers: 0 to 6, of >= 7; 9 to 17 o'clock, of hours between 9 and 16; the most that can be had, in 10 or more of 12."""
        found = {level for bound, level in LEVELS.items() if bound in used} | {m.group(2) for m in AT_LEAST.finditer(text) if m.group(1) in used}
        for low, high in FROM_TO.findall(text):
            found |= {high} if low in used | ends and str(int(high) - 1) in used or low in ends and str(int(high) + 1) in used else set()
            found |= {low, high} if {str(int(low) - 1), str(int(high) + 1)} <= used else set()  # 7 or 8, between <= 6 and >= 9
            found |= {low} if high in used | ends and str(int(low) - 1) in used else set()
        return found

    @staticmethod
    def lengths(text):
        """Lengths of time in the units below their own: "four hours" are 240 minutes."""
        for m in LENGTH.finditer(text):
            number = m.group(1).lower()
            size = float(number) if number[0].isdigit() else COUNTS.index(number) + 1
            yield from ("%.10g" % (size * by) for by in BELOW[m.group(2).lower()])


def plain(number):
    text = repr(number)
    return text[:-2] if text.endswith(".0") else text
