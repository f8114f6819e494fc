"""What a program tells people that nobody has computed, and what day it takes for today.
Loaded by findings.py.

A number in a sentence, a title or a label should come from the run. One that was typed in
is named, unless the program also computes with it ("the top 10" beside head(10)); that it
stands in the question is known to the host, which leaves it out there. Computing with it is
to bring it together with something that was read: 1254300 + 0 is still typed in, and so are a
table and a chart of such numbers (bare.py).
"""

import ast
import re
import unicodedata

# What stands on axes and in keys, and is no figure there.
TIME = re.compile(r"\b(?:[01]?\d|2[0-4]):[0-5]\d(?::[0-5]\d)?\b")
YEAR = re.compile(r"19\d\d|20\d\d|2100")
BOUNDS = {0.84: ("80",), 0.8416: ("80",), 1.96: ("95",), 1.959964: ("95",), 1.645: ("90", "95"), 1.65: ("90", "95"), 2.33: ("98", "99"), 2.576: ("99",), 2.58: ("99",), 1.28: ("80", "90")}  # of a normal distribution, with the per cent between or below them
ONE_OF = re.compile(r"\b1 (?=[A-Za-z]{2,4}\b ?=)|\b1 ?= ?(?=[A-Za-z])|\b1 (?=[a-zäöüéèñ]+ (?:is|are|equals|ist|sind|entspricht|vaut|equivale a|son) \d)|\bfrom 0\b[^.0-9]*\bto (?:1|10|100)\b|\bMonday (?:is|=) [01]\b|\b[01] (?:is|=) Monday\b|\b(?:between|zwischen|entre|tussen) 0 (?:and|und|et|y|en) 10{0,2}(?:[.,]?000)?\b|\bof 1(?=\W*$)|(?<=every )1\b|(?<=each )1\b")  # 1 USD = ...
COUNTS_BY = {"head", "tail", "nlargest", "nsmallest", "rolling", "quantile", "shift"}
PARTS = {"numpy.percentile", "numpy.quantile", "numpy.nanpercentile", "numpy.nanquantile"}
SMALL = 12  # to count from one, to the next month: added to what was computed, it says nothing of its own
LAYS_OUT = {"center", "ljust", "rjust", "strip", "lstrip", "rstrip", "replace", "upper", "lower", "title", "capitalize", "expandtabs", "removeprefix", "removesuffix"}
WRITES_NUMBERS = {"desk.money", "desk.percent", "desk.number", "str", "format", "round", "int", "float"}
SHOWS = {"print", "text", "annotate"}
# A number among words: not a part of a name (Q1, CO2), no rank (1st), no dimension (3D).
NUMBER = re.compile(r"(?<![^\W\d_])(?<![\d_.,#])\d+(?:[.,'’]\d+)*(?!\w*_)(?!\d|st\b|nd\b|rd\b|th\b|D\b)")
FIELD = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z%]|\{[^{}]*\}")
# A number in words, where nobody takes it for an article: "twenty-five percent", "one million".
DIGITS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|zwölf|zwanzig|dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig|deux|trois|quatre|cinq|dix|vingt|trente|quarante|cinquante|soixante|dos|tres|cuatro|cinco|diez|veinte|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa"
IN_WORDS = re.compile(r"\b(?:(?:%s|half a|half|a|hundred|thousand|million|billion|point|and)[\s-]+)+(?:hundred|thousand|million|billion|trillion|percent|per cent|dozen|hundert|tausend|millionen|milliarden|prozent|mille|millions|milliards|pour ?cent|cien|mil|millones|por ciento)\b" % DIGITS, re.I)
PARTS_OF = re.compile(r"\b(?:one|two|three|four)[\s-](?:thirds?|fifths?) of\b", re.I)
# A dozen, a million thanks: nobody takes that for a figure, but for one of money.
IDIOM = re.compile(r"(?:(?:and|point|half)[\s-]+)*a[\s-]+(?:hundred|thousand|million|billion|trillion|dozen)", re.I)
MONEY = re.compile(r"\s+(?:euros?|dollars?|pounds?|francs?|eur|usd|gbp|chf)\b", re.I)
SIGNS = ("<circle>", "<fraction>", "<compat>")  # ①, ½, Ⅻ; m² and CO₂ are no numbers
PLOTS = {"bar", "barh", "plot", "pie", "scatter", "stem", "step", "stackplot", "fill_between", "hist", "boxplot", "imshow", "errorbar", "area", "line"}
HOLDS = (ast.Call, ast.keyword, ast.Compare, ast.Slice, ast.Subscript, ast.BinOp)
TABLES = {"pandas.DataFrame", "pandas.Series", "numpy.array", "dict", "list"}  # holding a number is no computing with it
# The first of a month as the beginning of a year: it starts on 1 April.
BEGINS = re.compile(r"\b(?:starts?|begins?|starting|beginning|runs? from|beginnt|startet|commence|débute|empieza|comienza) (?:(?:on|am|le|el|the) )*1(?:\.|er|st)? (?=(?:de |of )?(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez|avr|juin|juil|août|ene|abr|ago|dic))", re.I)
CLOCKS = {"datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow", "datetime.date.today", "pandas.Timestamp.now", "pandas.Timestamp.today", "pandas.Timestamp.utcnow"}
DEEPEST = 20
HOUR = re.compile(r":(?:00|59)(?![\d.,])")  # behind a computed hour: {hour}:00
OCLOCK = re.compile(r"(?<=\d):00(?![\d:]|[.,]\d)")  # 9:00, of hours < 9
# The ends of a scale, in what is said of how something was understood: 9 or 10 of 10, 0 to 6.
RANGE = re.compile(r"(?<![\d.,])(\d+)\s?(?:or|to|and|through|oder|bis|und|-|–)\s?(\d+)(?![\d%]|[.,]\d| ?(?:%|per))")
ENDS = {"0", "1", "5", "10", "100"}


class Told:
    def __init__(self, scope, report, bare, over):
        self.scope, self.find, self.bare = scope, report.find, bare
        self.over, self.nothing, self.greater = over, over.nothing, over.greater
        self.tells = {}      # a call -> the expressions that people read, and by what
        self.inside = set()  # every node of these
        self.said = set()    # (line, number)
        self.read = {}       # a name, or a field with a dot before it -> where it is read, beside what people read
        self.in_chart = False  # whether what is looked at are words in a chart
        self.computed = {}   # a value -> whether something is done with it

    def look(self):
        for node in self.scope.nodes:
            if isinstance(node, ast.Call):
                self.learn(node)
            elif isinstance(node, (ast.Name, ast.Attribute)):
                self.handed_on(node)
        for told in self.tells.values():
            for expression, _ in told:
                self.inside.update(ast.walk(expression))
        for node in self.scope.nodes:
            if isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load) and (node not in self.inside or self.beside(node)):
                if isinstance(node, ast.Attribute):
                    self.read.setdefault("." + node.attr, []).append(node)
                elif not isinstance(getattr(self.scope.parents.get(node), "ctx", None), ast.Store):
                    self.read.setdefault(node.id, []).append(node)
        self.used = self.used_numbers()
        for call, told in self.tells.items():
            for expression, by in told:
                self.in_chart = by == self.charts
                ends = self.ends(expression, by == "note()")
                for number, line in self.numbers(expression, set()):
                    if number not in self.used and number not in ends and self.over.in_words(number) not in self.used and (line, number) not in self.said and (by != self.prints or large(number)):
                        self.said.add((line, number))
                        self.find("caution", line, "written", "The number %s in %s was typed in, not computed." % (number, by), number)
        if self.bare.reads:
            self.shown()
        for node in self.scope.nodes:
            if isinstance(node, (ast.FunctionDef, ast.Lambda)):
                self.always(node)
        for node in self.scope.nodes:
            if isinstance(node, ast.Call):
                self.dated(node)

    def spoken(self):
        """The numbers in all that people read: the texts alone, not what they are told is computed."""
        return {n for told in self.tells.values() for expression, _ in told for part in ast.walk(expression)
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and not self.computes_of(part) for n in [*in_text(part.value), *map(plain, self.over.lengths(part.value))]}

    def computes_of(self, node):
        """Whether a text within what is told is none that people read: a column's name, a number for float()."""
        up = self.scope.parents.get(node)
        return isinstance(up, (ast.Subscript, ast.Compare)) or isinstance(up, ast.Call) and self.scope.dotted(up.func) in ("float", "int", "decimal.Decimal", "fractions.Fraction")

    # -- numbers that were typed in

    def numbers(self, node, seen, depth=0):
        """The numbers that stand written in an expression of a text, with their lines."""
        if node in seen or depth > DEEPEST:
            return
        seen.add(node)
        folded = self.scope.value(node) if isinstance(node, (ast.Call, ast.BinOp, ast.Subscript)) else None  # whatever it is put together of
        if isinstance(folded, (str, int, float)) and not isinstance(folded, bool):
            for number in in_text(folded, self.in_chart) if isinstance(folded, str) else [plain(repr(round(folded, 8)))]:
                yield number, node.lineno
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                for number in in_text(node.value, self.in_chart):
                    yield number, node.lineno
            elif isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
                yield plain(repr(node.value)), node.lineno
        elif isinstance(node, ast.JoinedStr):
            for before, part in zip([None] + node.values, node.values):
                if isinstance(before, ast.FormattedValue) and isinstance(part, ast.Constant) and HOUR.match(part.value) and not self.bare.bare(before.value):
                    for number in in_text(HOUR.sub("", part.value, count=1), self.in_chart):
                        yield number, part.lineno
                    continue
                yield from self.numbers(part.value if isinstance(part, ast.FormattedValue) else part, seen, depth + 1)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)):
            texts = self.scope.texts(node.left)
            if isinstance(node.op, ast.Mod) and texts is not None:
                for text in texts:
                    for m in NUMBER.finditer(FIELD.sub(" ", text)):
                        yield plain(m.group()), node.lineno
            else:
                yield from () if self.counts(node.left, node.right) else self.numbers(node.left, seen, depth + 1)
                if self.counts(node.right, node.left):
                    return
            for part in node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]:
                yield from self.numbers(part, seen, depth + 1)
        elif isinstance(node, ast.UnaryOp):
            yield from self.numbers(node.operand, seen, depth + 1)
        elif isinstance(node, ast.IfExp):
            for one, other in ((node.body, node.orelse), (node.orelse, node.body)):  # nothing, where there is none: late["sum"] if len(late) else 0
                yield from () if self.scope.number(one) == 0 and not self.bare.bare(other) else self.numbers(one, seen, depth + 1)
        elif isinstance(node, ast.Name):
            variable = self.scope.variable(node)
            for value in variable.values if variable is not None and not variable.imports else ():
                if variable.grown and self.scope.value(value) in (0, ""):
                    continue  # it is added to
                if isinstance(value, (ast.Constant, ast.JoinedStr, ast.BinOp, ast.UnaryOp, ast.IfExp)):
                    for number, _ in self.numbers(value, seen, depth + 1):
                        yield number, node.lineno
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "format":
                for text in self.scope.texts(node.func.value) or ():
                    for m in NUMBER.finditer(FIELD.sub(" ", text)):
                        yield plain(m.group()), node.lineno
                for part in node.args + [k.value for k in node.keywords]:
                    yield from self.numbers(part, seen, depth + 1)
            elif isinstance(node.func, ast.Attribute) and node.func.attr in LAYS_OUT and not self.scope.imported(node.func):
                yield from self.numbers(node.func.value, seen, depth + 1)
            elif node.args and self.scope.dotted(node.func) in WRITES_NUMBERS:
                yield from self.numbers(node.args[0], seen, depth + 1)
        for text in self.texts_from(node):
            yield from self.numbers(text, seen, depth + 1)

    def counts(self, node, beside):
        """Whether a number is one that a computed one is counted on by: i + 1."""
        number = self.scope.number(node)
        return number is not None and abs(number) <= SMALL and not self.bare.bare(beside)

    def used_numbers(self):
        """The numbers that the program computes with, also as people would say them: 0.95 as 95."""
        found, shares = set(), set()
        in_seconds = any(isinstance(n, ast.Attribute) and n.attr == "total_seconds" for n in self.scope.nodes)  # 600 of them, told as 10 minutes
        for node in self.scope.nodes:
            if not isinstance(node, ast.Constant) or node in self.inside and not self.beside(node):
                continue
            found.update(map(plain, self.over.longer(node)))
            if isinstance(node.value, str):
                if self.computes(node):
                    found.update(plain(m) for m in re.findall(r"\d+(?:\.\d+)?", node.value))
            elif isinstance(node.value, (int, float)) and not isinstance(node.value, bool) and self.computes(node):
                whole = self.scope.number(self.bare.top(node)) if self.bare.reads else None
                for x in {abs(node.value), abs(node.value if whole is None else whole)}:
                    found.add(plain(repr(x)))
                    found.update(plain(repr(x // by)) for by in (60, 3600, 86400) if in_seconds and x and x % by == 0)
                    found.update(BOUNDS.get(x, ()))
                    shares.update([x] if 0.5 <= x < 1 else ())
                    if 0 < x < 2 or x < 100 and isinstance(x, float):  # a share as a per cent; what lies between its two ends: 2.5 and 97.5 leave 95 %
                        share = 100 * x if x < 2 else x
                        found.update(plain("%.10g" % abs(y)) for y in (share, share - 100, 2 * share - 100))
        return found | {plain("%.10g" % round(100 * (b - a), 6)) for a in shares for b in shares if a < b and len(shares) < 4}  # the next 15 %, from 0.8 to 0.95

    def ends(self, expression, noted):
        """The ends of scales, beside which stands a number that the program computes with; beside what was computed only the next number: 4 or 5, of >= 4."""
        texts = OCLOCK.sub("", " ".join(n.value for n in ast.walk(expression) if isinstance(n, ast.Constant) and isinstance(n.value, str)))
        pairs = [p for p in RANGE.findall(texts) if self.used & set(p) and (noted or int(p[1]) - int(p[0]) == 1)]
        found = ENDS & {n for p in pairs for n in p} | self.over.scaled(texts, self.used)
        return found | self.over.around(texts, self.used, ENDS) if noted else found

    def beside(self, node):
        """Whether something that people read holds it only to compute with it: it stands beside what is computed, in a comparison or a product."""
        up = self.scope.parents.get(node)
        if isinstance(up, ast.Call) and isinstance(node, ast.Name) and node in up.args:
            return self.bare.reads and bool(self.scope.functions(up.func)) and not self.bare.bare(up)  # given to a function of the program's own
        if isinstance(up, ast.Call) and PARTS & set(self.scope.names(up.func)) and node in up.args[1:] and self.bare.reads and not self.bare.bare(up.args[0]):
            return True  # 90 % of them, of np.percentile(days, 90)
        if isinstance(up, ast.Call) and getattr(up.func, "attr", "") in COUNTS_BY and node in up.args and self.bare.reads and not self.bare.bare(up.func.value):
            return True  # the top 10, of head(10)
        if self.bare.reads and self.over.looked_up(node, up):
            return True  # the homes of 2 bedrooms, of counts[2]
        if not isinstance(up, (ast.Compare, ast.BinOp)) or not self.bare.reads or isinstance(self.scope.parents.get(up), ast.IfExp) and any(self.scope.number(b) is not None for b in (self.scope.parents[up].body, self.scope.parents[up].orelse)):
            return False
        others = [n for n in ([up.left] + up.comparators if isinstance(up, ast.Compare) else [up.left, up.right]) if n is not node]
        return not (isinstance(up, ast.BinOp) and isinstance(up.op, ast.Add)) and not any(map(self.bare.bare, others)) and not any(isinstance(n, ast.JoinedStr) or isinstance(self.scope.value(n), str) for n in others)

    def computes(self, node):
        """Whether something is done with a constant, beside telling it."""
        node = self.bare.top(node) if self.bare.reads else node
        if node not in self.computed:
            self.computed[node] = self.leads(node, {node})
        return self.computed[node]

    def leads(self, node, seen):
        """Whether a value comes to where something is done with it, by whatever names. seen is where the search has been."""
        up = node if isinstance(node, ast.comprehension) else self.scope.parents.get(node)
        while isinstance(up, (ast.UnaryOp, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.JoinedStr, ast.FormattedValue)) \
                or isinstance(up, ast.Call) and (len(up.args) > 1 and self.greater or {"pandas.Series"}) & set(self.scope.names(up.func)):  # to be the greater of two is no computing
            node, up = up, self.scope.parents.get(up)
        if isinstance(up, ast.comprehension) and isinstance(up.iter, ast.Call) and self.scope.dotted(up.iter.func) == "range" and not self.bare.bare(getattr(self.scope.parents[up], "elt", node)):
            return True  # how often chance is asked
        if self.over.often(up):
            return True
        if isinstance(up, (ast.Assign, ast.AnnAssign, ast.For, ast.comprehension)):
            targets = up.targets if isinstance(up, ast.Assign) else [up.target]
            for use in self.uses(targets):
                top = self.bare.top(use) if self.bare.reads else use
                if top is use and self.handed(use):
                    return True
                if self.bare.reads and top is not use and top not in seen:
                    seen.add(top)
                    if self.leads(top, seen):
                        return True
            return False
        if isinstance(up, ast.arguments):
            return True  # a parameter's usual value
        return isinstance(up, HOLDS) and not isinstance(up, ast.keyword) and self.handed(node) or isinstance(up, ast.keyword) and self.handed(up)

    def uses(self, targets):
        """Where the program reads what is set, beside telling it."""
        fields = [t.attr for t in targets if isinstance(t, ast.Attribute)]
        if not fields:
            names = dict.fromkeys(n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name))
            return [n for name in names for n in self.read.get(name, ())]
        return [n for name in fields for n in self.read.get("." + name, ())]

    def handed(self, node):
        """Whether what a node is handed to computes: it neither shows nor only holds it."""
        up = self.scope.parents.get(node)
        holder = getattr(node, "value", node) if isinstance(node, ast.keyword) else node
        if isinstance(up, ast.keyword):
            up = self.scope.parents.get(up)
        if not isinstance(up, ast.Call):
            return not isinstance(up, (ast.Expr, ast.FormattedValue))
        name, method = self.scope.dotted(up.func), getattr(up.func, "attr", "")
        if method in PLOTS and (node in drawn(up) or holder in drawn(up)) and all(map(self.bare.bare, drawn(up))):
            return False
        return name not in TABLES and name not in self.tellers and name not in WRITES_NUMBERS and name not in SHOWS and method not in SHOWS

    # -- what is made of typed numbers, and looks computed

    def shown(self):
        """Tables, charts and parts of sentences that rest on nothing that was read, though the program reads."""
        for call, told in self.tells.items():
            for expression, by in told:
                for part in self.parts(expression):
                    if self.scope.value(part) is None:
                        self.typed(part, part.lineno, "what is said by %s" % by)
        for node in self.scope.nodes:
            if isinstance(node, ast.Call):
                name, method = self.scope.dotted(node.func), getattr(node.func, "attr", "")
                if name == "desk.table" and node.args:
                    self.typed(node.args[0], node.lineno, "a table")
                elif method in PLOTS and drawn(node) and all(map(self.bare.bare, drawn(node))):
                    for arg in drawn(node):
                        self.typed(arg, node.lineno, "a chart")
                elif method in PLOTS and not drawn(node) and not self.scope.imported(node.func) and self.bare.bare(node.func.value):
                    self.typed(node.func.value, node.lineno, "a chart")
        self.over.look(dict.fromkeys(v for n in self.inside if isinstance(n, ast.Name) for v in self.scope.variables(n) if v is not None))
        for variable in (v for own in self.scope.own.values() for v in own.values()):
            other = [v for v in variable.values if not self.bare.bare(v)]
            for value in variable.values if other and len(other) < len(variable.values) else ():
                if not isinstance(value, ast.Constant) and self.bare.bare(value) and not self.nothing.issuperset(self.bare.figures(value)):
                    self.find("caution", value.lineno, "written", "Puts figures that were typed in where %s otherwise holds what was computed." % variable.name, variable.name)

    def parts(self, node):
        if isinstance(node, ast.JoinedStr):
            return [p for v in node.values if isinstance(v, ast.FormattedValue) for p in self.parts(v.value)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)) and not self.bare.bare(node):
            return self.parts(node.left) + self.parts(node.right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            return [p for a in node.args + [k.value for k in node.keywords] for p in self.parts(a)]
        if isinstance(node, ast.Call) and node.args and self.scope.dotted(node.func) in WRITES_NUMBERS and not self.bare.bare(node):
            return self.parts(node.args[0])
        return [node]

    def least(self, node):
        """The figures of a bare value that say something, and that the program does nothing else with."""
        return {n for n in (self.bare.figures(node) if self.bare.bare(node) else self.over.beside(node)) if n not in self.nothing and plain(repr(abs(n))) not in self.used}

    def typed(self, node, line, what):
        if self.bare.bare(node) or not what.startswith("a "):
            figures = {n for n in self.least(node) if (line, plain(repr(n))) not in self.said}
            if figures and (what != "a chart" or len(figures) > 1) and (not what.endswith(self.prints) or any(large(plain(repr(n))) for n in figures)):
                self.find("caution", line, "written", "The figures of %s were typed in, not computed (%s)." % (what, ", ".join(plain(repr(n)) for n in sorted(figures)[:4])), plain(repr(min(figures))))

    def always(self, function):
        """A function that gives the same number whatever it is given."""
        args = function.args
        names = {a.arg for a in args.posonlyargs + args.args + args.kwonlyargs + [x for x in (args.vararg, args.kwarg) if x]}
        body = [function.body] if isinstance(function, ast.Lambda) else function.body
        if not names or any(isinstance(n, ast.Name) and n.id in names for part in body for n in ast.walk(part)):
            return
        for value in map(self.scope.value, self.scope.returned.get(function, ())):
            grave = isinstance(value, (int, float)) and not isinstance(value, bool) and value not in self.nothing or isinstance(value, str) and any(True for _ in in_text(value))
            if grave:
                self.find("caution", function.lineno, "written", "A function gives %s whatever it is given, so that what was read makes no difference." % str(value)[:60], str(value)[:60])
                return

    # -- today

    def dated(self, call):
        name = self.scope.dotted(call.func)
        if name == "desk.today":
            self.find("note", call.lineno, "today", "Uses the day on which it is asked (today).", name)
        elif name in CLOCKS or name in ("pandas.Timestamp", "pandas.to_datetime") and call.args and self.scope.text(call.args[0]) in ("now", "today"):
            self.find("note", call.lineno, "today", "Asks the clock, which tells another day when the answer is made again (%s)." % name, name)


def in_text(text, in_chart=False):
    """The numbers among the words of a text, those too that stand in words or in signs of their own. Times and years are none in a chart."""
    text = BEGINS.sub("", ONE_OF.sub("", text))
    for m in NUMBER.finditer((TIME if in_chart else OCLOCK).sub(" ", text)):
        if not (in_chart and YEAR.fullmatch(m.group())):
            yield plain(m.group())
    for m in IN_WORDS.finditer(text):
        if not IDIOM.fullmatch(m.group()) or MONEY.match(text, m.end()):
            yield m.group().lower().removeprefix("and ")
    for m in PARTS_OF.finditer(text):
        yield m.group().lower().removesuffix(" of")
    for sign in text:
        if not sign.isascii() and unicodedata.category(sign) in ("No", "Nl") and unicodedata.decomposition(sign).startswith(SIGNS):
            yield sign


def drawn(call):
    """What a chart is drawn of."""
    return call.args or [k.value for k in call.keywords if k.arg in ("x", "y", "height", "width", "values")]


def large(number):
    """Whether a printed number says more than a heading does ("1. Revenue in 2024")."""
    try:
        return float(number) >= 1000 and not 1900 <= float(number) <= 2100
    except ValueError:
        return True


def plain(number):
    """A number as its digits: 1,234.50 is 1234.5."""
    whole, point, part = number.replace("'", "").replace("’", "").replace(",", "").lower().partition(".")
    part = part.rstrip("0") if part.isdecimal() else part
    return (whole.lstrip("0") or "0") + ("." + part if part else "")
