"""Figures that everybody knows, where nothing says what for. Loaded by findings.py.

A part of Turned (turned.py), as Values is of Scope. 12 is known beside months, and beside nothing it is a
factor like any other: so is a half, a double, a thousand.
"""

import ast
import math
import re

# Figures that say nothing by themselves, and the words that say what they are for.
TIME = re.compile(r"year|annual|month|quarter|week|da(y|ily|ys)\b|da(y|ily|ys)_|hour|minute|second|semester|season|period|half|fortnight|dozen|run.?rate|forecast|budget|date|\bh\d?\b|cagr|ttm|trailing|per_m|time|duration|timestamp|"
                  r"jahr|jähr|monat|quartal|woche|tage?s?\b|tägl|stunde|\bstd\b|sekunde|dutzend|année|annuel|\bans\b|par an\b|mois|mensu|trimestr|semaine|jours?\b|heure|douzaine|\baños?\b|anual|\banos?\b|\bmes(es)?\b|\bmês|semana|\bd[ií]as?\b|\bhoras?\b|"
                  r"\banno\b|annu[oa]|\bmes[ei]\b|mensil|settiman|giorn|\bor[ae]\b|jaar|maand|kwarta|\bdag(en)?\b|\buur\b|\buren\b|\brok|\blat\b|miesi|tydzie|tygodn|\bdni\b|godzin|\bår\b|månad|måned|veck|\buger?\b|\btim(mar|er)\b", re.I)
TIMES = {7, 12, 13, 21, 22, 24, 30, 30.4, 30.44, 30.4375, 31, 48, 50, 52, 60, 90, 91, 120, 168, 180, 182, 250, 252, 260, 360, 364, 365, 365.25, 365.2425, 366, 720, 730, 1440, 3600, 8760, 86400, 604800, 31536000}
PER_TIME = re.compile(r"\b(?:average|mean|per|typical|usual|each) (?:day|week|month|quarter|year)\b|\bmonthly average\b|\b(?:day|week|month|quarter|year) (?:on average|made on)\b", re.I)
HALF = r"hälfte|halb|dopp|zwei|beide|moitié|demi|deux|mitad|medio|dobl|\bdos\b|metade|dobro|\bdois\b|metà|\bdue\b|helft|dubbel|\btwee\b|połow|\bdwa"
WORDS = {0.25: "quarter|fourth|viertel|quart|cuarto|kwart", 0.5: r"half|halv|midpoint|middle|mean|average|50|" + HALF, 0.75: "three quarters", 2: r"twice|doubl|\btwo\b|half|halv|midpoint|middle|\bpair|2x|harmonic|semester|fortnight|two.?sided|" + HALF, 3: r"three|thrice|tripl|third|3x|quarter|\bdrei|dritt|trois|\btres\b|\btre\b|quartal|trimestr", 4: r"four|quadrupl|quarter|weeks?\b.*month|month.*\bweek|\bvier|quartal|trimestr|quatre|cuatro|quattro|quatro|kwarta", 5: r"five|fifth|stars?\b|rating|fünf|\bcinq|cinco|cinque", 6: r"\bsix|half.?dozen|half.?year|semester|sechs|halbjahr|semestr", 7: "seven", 8: "eight|byte|bits?", 9: "nine|fahrenheit", 10: "ten|tenth", 11: "eleven", 12: "twelve|dozen|inch|foot|feet|zwölf|dutzend|douz|docena"}
STATISTICS = set("std var sem mad sqrt quantile percentile iqr corr cov rank norm ppf zscore skew kurt cdf sf erf erfc pdf NormalDist log log10 log2 log1p exp ewm polyfit interp digitize gamma nanstd stdev pstdev variance cumprod sin cos tan pi radians trapz fft autocorr acf".split())
CLOCK = set("year month day quarter hour minute second dayofweek weekday dayofyear week days seconds total_seconds isocalendar weekofyear nanoseconds time timestamp to_timestamp".split())
COUNTED = {"nunique", "size", "count", "len", "ngroup", "cumcount", "value_counts", "arange", "shape", "value", "argmax", "argmin", "codes", "sum_of_ranks", "rank"}
TENS = re.compile(r"thousand|million|billion|%|percent|per cent|pct|share|rate|ratio|index|basis|bps|cents?\b|mille|milli|gram|kilo|\bkg|litre|liter|tonne|per 1|_k\b|\bk\b|k€|\bin k|_m\b|\bm\b|\bbn|mio|tsd|round|change|growth|margin|score|bin|bucket|band|steps? of|probab|penny|pence|decimal|scale|mape|error|cumul|proportion|prozent|procent|anteil|quote|tausend|gramm|meter|mètre|pour ?cent|por ?ciento|per ?cento|centim|céntim|\bct\b|wachstum|marge|veränderung|taux|cuota|quota", re.I)
TENFOLD = {10 ** n for n in range(1, 13)}


class Small:
    def factor(self, node, left, right, op):
        for side, other in ((left, right), (right, left)):
            number = self.scope.number(side)
            if number is None and isinstance(side, ast.Name):
                handed = {self.scope.number(h) for v in self.scope.variables(side) if v is not None and not v.values for h in v.handed}
                number = handed.pop() if len(handed) == 1 else None
            if number is None or isinstance(op, (ast.Div, ast.FloorDiv)) and side is left:
                continue
            size = abs(number)
            if size in TENFOLD and not isinstance(op, (ast.Add, ast.Sub)):
                if size == 10 and isinstance(op, ast.Div) and self.fudge.data(other) and "10" not in self.figures_told and PER_TIME.search(self.words(node)) and not self.fudge.harmless(node, 0) and not self.in_formula(node) and not self.origin.facts(other).steps & (CLOCK | {"mean"}):
                    self.tell(node, number)
                if isinstance(op, ast.Mult) and size >= 10 and self.fudge.data(other) and not self.fudge.harmless(node, 0) and not TENS.search(self.words(node)) and not self.in_formula(node) and "/" not in self.origin.facts(other).steps:
                    self.tell(node, number)
                return
            if isinstance(op, (ast.Add, ast.Sub)) and size >= 10 and (size in TENFOLD or size in TIMES) and not (size == 100 and isinstance(op, ast.Sub)) and self.fudge.data(other) and not self.fudge.harmless(node, 0) \
                    and "%g" % size not in self.figures_told and not (self.origin.facts(other).steps & (STATISTICS | CLOCK | COUNTED)) and not self.in_formula(node):
                self.tell(node, number)
                return
            if size in (0, 1, 0.01, 0.001) or size > 12 and size not in TIMES or size < 1 and size not in WORDS or size <= 12 and size != int(size) and size not in WORDS or self.power_of_ten(size):
                continue
            if isinstance(op, (ast.Add, ast.Sub)) and (size > 12 or size < 2):
                continue
            if not self.fudge.data(other) or self.fudge.harmless(node, 0) or self.for_something(node, size, other, op):
                continue
            self.tell(node, number)
            return
        typed = self.fudge.of_table(right, 0) if isinstance(op, ast.Mult) and isinstance(right, ast.Call) and getattr(right.func, "attr", "") in ("map", "get", "apply", "replace") else ()
        for number in sorted(n for n in typed if abs(n) not in (0, 1) and abs(n) <= 12 and n == int(n) and "%g" % n not in self.figures_told):
            self.tell(node, number)

    def tell(self, node, number):
        if abs(number) not in self.said and len(self.said) < 3 and self.spoken.legible:
            self.said.add(abs(number))
            text = "%g" % number
            self.find(node, "Computes with %s and says nowhere why: without it the result would be another one." % text, text, "written")

    def formula(self, node, text):
        """amount * 2, as a text for pandas."""
        for line in text.splitlines():
            try:
                parts = [n for n in ast.walk(ast.parse(line.strip().replace("@", ""))) if isinstance(n, ast.BinOp) and isinstance(n.op, (ast.Mult, ast.Div))]
            except (SyntaxError, ValueError):
                continue
            for part in parts:
                for side in (part.left, part.right) if isinstance(part.op, ast.Mult) else (part.right,):
                    size = abs(side.value) if isinstance(side, ast.Constant) and isinstance(side.value, (int, float)) else 0
                    if size in WORDS and size < 13 and not re.search(WORDS[size], self.words(node), re.I) and "%g" % size not in self.figures_told and not (size in TIMES and TIME.search(self.words(node))):
                        self.tell(node, side.value)

    def in_formula(self, node):
        up = self.scope.parents.get(node)
        return isinstance(up, ast.BinOp) and isinstance(up.op, (ast.Div, ast.FloorDiv, ast.Mod, ast.Sub, ast.Add))

    @staticmethod
    def power_of_ten(size):
        return size > 0 and abs(math.log10(size) - round(math.log10(size))) < 1e-9

    def for_something(self, node, size, other, op):
        steps, around = self.origin.local(other).steps, self.words(node)
        if {32, 9, 5} <= self.numbers.keys() or size > 12 and self.origin.facts(other).steps & CLOCK:
            return True
        if size in TIMES and TIME.search(around) or size in WORDS and re.search(WORDS[size], around, re.I) or "%g" % size in self.figures_told:
            return True
        if (steps | (self.origin.local(self.origin.last(other)).steps)) & (STATISTICS | CLOCK | COUNTED):
            return True
        if sum(1 for n in self.numbers.get(size, ()) if not self.arithmetic(n)) > 0:
            return True  # rolling(3), the last 3, a share of 5
        if isinstance(op, (ast.Div, ast.FloorDiv)) and self.terms(other) == size:
            return True
        up = self.scope.parents.get(node)
        while isinstance(up, (ast.BinOp, ast.UnaryOp)):
            if isinstance(up, ast.BinOp) and (isinstance(up.op, (ast.Div, ast.Pow, ast.Mod)) and self.fudge.data(up.right) or self.fudge.weighted(up) or isinstance(up.op, ast.FloorDiv)):
                return True  # a part of a formula
            up = self.scope.parents.get(up)
        return self.fudge.weighted(node) if isinstance(node, ast.BinOp) else False

    def arithmetic(self, constant):
        up = self.scope.parents.get(constant)
        if isinstance(up, ast.Call) and (getattr(up.func, "attr", "") in ("mul", "multiply", "div", "divide", "truediv", "add", "sub", "round") or self.scope.dotted(up.func) == "round"):
            return True
        return isinstance(up, (ast.BinOp, ast.AugAssign, ast.Assign, ast.FormattedValue, ast.UnaryOp, ast.keyword, ast.Tuple, ast.List)) and not (isinstance(up, ast.keyword) and up.arg in ("window", "periods", "n", "q", "k", "span", "months", "years", "days", "weeks"))

    def terms(self, node):
        node = self.origin.last(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            return self.terms(node.left) + self.terms(node.right)
        if isinstance(node, ast.Call) and self.scope.dotted(node.func) in ("sum", "max") and node.args and isinstance(node.args[0], (ast.List, ast.Tuple)):
            return len(node.args[0].elts)
        return 1

    @property
    def figures_told(self):
        found = self.__dict__.get("_told")
        if found is None:
            found = self._told = set(re.findall(r"\d+(?:\.\d+)?", self.spoken.all_words)) | {"%g" % n for n in map(self.scope.number, [n for n in self.fudge.told.inside if isinstance(n, ast.Name)]) if n is not None}
        return found
