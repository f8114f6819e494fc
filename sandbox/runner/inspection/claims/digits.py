"""What becomes of the digits of a number once it is written. Loaded by findings.py.

money(total) is computed, and money(total).replace("1", "9") looks as if it were. So whatever adds
digits to a number that is written, takes some away, or gives them another order is named: a fill
of nines, a slice, a replacement. Points, commas, signs and zeros behind a point may change.
"""

import ast
import re
import string

FILL = re.compile(r"^(.)([<>=^])", re.S)
NUMERIC = re.compile(r"[,_]|\.\d|[deEfFgGn%]$")
WRITES = {"desk.money", "desk.percent", "desk.number", "format"}
COMPUTES = {"round", "len", "sum", "abs", "math.fsum", "math.floor", "math.ceil"}
STATISTICS = {"sum", "mean", "median", "std", "count", "nunique", "round"}
TEXTS = {"replace", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "translate", "ljust", "rjust", "center", "zfill", "upper", "lower"}
STRIPS = {"strip", "lstrip", "rstrip", "removeprefix", "removesuffix"}
AROUND = re.compile(r"\(\?<?[=!](?:[^()]|\([^()]*\))*\)|\[\^[^\]]*\]")  # what a pattern looks at and does not take, and what it leaves
GROUPS = re.compile(r"\\\d|\\g<\w+>")
ENOUGH = 30  # names and calls, one within the next


class Digits:
    def __init__(self, scope, report, told):
        self.scope, self.report, self.told = scope, report, told

    def look(self):
        for node in self.scope.nodes:
            how = getattr(self, "see_" + type(node).__name__, None)
            if how is not None:
                how(node)

    def find(self, node, text):
        self.report.find("caution", node.lineno, "written", text, "digits")

    # -- formats

    def see_JoinedStr(self, node):
        for part in node.values:
            if isinstance(part, ast.FormattedValue) and part.format_spec is not None:
                self.specs(part, part.format_spec)

    def specs(self, node, given):
        texts = self.scope.texts(given)
        if texts is None and isinstance(given, ast.JoinedStr) and given.values and isinstance(given.values[0], ast.FormattedValue) and not self.a_width(given):
            self.find(node, "Formats a number in a way that cannot be read here, so that it may get other digits.")
        for spec in texts or ():
            self.fill(node, spec)

    def a_width(self, given):
        """Whether a format begins with something that is a number, as {text:{width}} does."""
        value = given.values[0].value
        following = given.values[1].value if len(given.values) > 1 and isinstance(given.values[1], ast.Constant) else ""
        return not following.startswith(("<", ">", "^", "=")) and (self.scope.number(value) is not None or self.number(value) or given not in self.told.inside)

    def fill(self, node, spec):
        fill = FILL.match(spec)
        # Zeros before a number change nothing; behind it they make it larger.
        if fill and fill.group(1).isdigit() and (fill.group(1) != "0" or fill.group(2) in "<^"):
            self.find(node, "Fills a number up with digits that nobody has computed.")

    # -- what is done to a text

    def see_Subscript(self, node):
        if isinstance(node.slice, ast.Slice) and isinstance(node.ctx, ast.Load) and self.written(node.value):
            by_sign = node.slice.lower is None and self.scope.number(node.slice.upper) == -1 if node.slice.upper is not None else False
            if not (by_sign and node.slice.step is None and self.per_cent(node.value)):
                self.find(node, "Takes digits out of a number that is written, or turns them round.")

    def see_Call(self, node):
        method, name = getattr(node.func, "attr", ""), self.scope.dotted(node.func)
        if name == "format" and len(node.args) > 1:
            for spec in self.scope.texts(node.args[1]) or ():
                self.fill(node, spec)
        elif method == "format" and not name.partition(".")[2]:
            for text in self.scope.texts(node.func.value) or ():
                self.fields(node, text)
        if method in ("ljust", "rjust", "center") and len(node.args) > 1:
            digits = [t for t in self.scope.texts(node.args[1]) or () if t.isdigit()]
            if any(t != "0" for t in digits) or digits and method != "rjust" and self.written(node.func.value):
                self.find(node, "Fills a number up with digits that nobody has computed.")
        elif name in ("sorted", "reversed") and node.args and self.written(node.args[0]):
            self.find(node, "Gives the digits of a number that is written another order.")
        elif name == "re.sub" and len(node.args) > 2 and self.written(node.args[2]):
            if self.by_pattern(*map(self.scope.text, node.args[:2])):
                self.find(node, "Replaces digits of a number that is written.")
        elif method in TEXTS and not name and (self.written(node.func.value) or method in ("replace", "translate") and self.holds(node.func.value, set())) and self.concerns(node, method):
            self.find(node, "Replaces digits of a number that is written.")

    def fields(self, node, text):
        try:
            specs = [spec for _, _, spec, _ in string.Formatter().parse(text) if spec]
        except ValueError:
            return
        for spec in specs:
            self.fill(node, spec)

    def concerns(self, node, method):
        """Whether a method of a text changes its digits."""
        if method == "translate":
            return self.translates(node.args[0]) if node.args else False
        texts = [self.scope.texts(a) for a in node.args[:2]]
        if method == "replace":
            return len(texts) < 2 or None in texts or any(re.search(r"[1-9]", t) for t in texts[0]) or any(re.search(r"\d", t) for t in texts[1]) or "0" in texts[0]
        if method in STRIPS and texts:
            return texts[0] is None or any(re.search(r"[1-9]", t) or "0" in t and method != "lstrip" and self.whole(node.func.value, 0) for t in texts[0])
        return False

    def translates(self, table):
        table = self.scope.literal(table)
        known = isinstance(table, (ast.Dict, ast.DictComp)) or isinstance(table, ast.Call) and getattr(table.func, "attr", "") == "maketrans"
        return not known or any(isinstance(n, ast.Constant) and (isinstance(n.value, str) and re.search(r"\d", n.value) or isinstance(n.value, int) and 48 <= n.value <= 57) for n in ast.walk(table))

    @staticmethod
    def by_pattern(pattern, new):
        """Whether a pattern takes digits, or brings some."""
        if pattern is None or new is None or re.search(r"\d", GROUPS.sub("", new)):
            return True
        return not GROUPS.search(new) and bool(re.search(r"\\d|[1-9]|\.[*+]|\.$", AROUND.sub("", pattern).replace(r"\.", "")))

    def see_comprehension(self, node):
        up = self.scope.parents.get(node)
        if self.written(node.iter) and any(isinstance(n, ast.Constant) and isinstance(n.value, str) and re.search(r"\d", n.value) for part in [up.elt if hasattr(up, "elt") else node.iter] + node.ifs for n in ast.walk(part)):
            self.find(node.iter, "Replaces digits of a number that is written.")

    # -- what a number was written to

    def written(self, node, depth=0):
        """Whether a text is a number that was computed and then written."""
        node = self.scope.literal(node)
        if depth > ENOUGH:
            return False
        if isinstance(node, ast.JoinedStr):
            values = [p for p in node.values if isinstance(p, ast.FormattedValue)]
            return len(values) == 1 and len(node.values) == 1 and self.number_form(values[0])
        if isinstance(node, ast.Subscript):
            return isinstance(node.slice, ast.Slice) and self.written(node.value, depth + 1)
        if not isinstance(node, ast.Call) or not node.args and not isinstance(node.func, ast.Attribute):
            return False
        name, method = self.scope.dotted(node.func), getattr(node.func, "attr", "")
        if name in ("str", "repr"):
            return self.number(node.args[0]) or self.written(node.args[0], depth + 1)
        return name in WRITES or method in TEXTS and not name and self.written(node.func.value, depth + 1)

    def holds(self, node, seen):
        """Whether a text has such a number in it."""
        node = self.scope.literal(node)
        if node in seen:
            return False
        seen.add(node)
        if isinstance(node, ast.JoinedStr):
            return any(self.holds(p.value, seen) or p.format_spec is not None and self.number_form(p) for p in node.values if isinstance(p, ast.FormattedValue))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.holds(node.left, seen) or self.holds(node.right, seen)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format":
            return any(self.holds(a, seen) for a in node.args + [k.value for k in node.keywords])
        return self.written(node)

    def number_form(self, part):
        spec = self.scope.text(part.format_spec) if part.format_spec is not None else ""
        return self.number(part.value) if not spec else bool(NUMERIC.search(spec)) and "%" not in spec[:-1]

    def number(self, node, seen=None):
        """Whether a value is a number that was computed, and no code, year or day."""
        node, seen = self.scope.literal(node), set() if seen is None else seen
        if node in seen:
            return False
        seen.add(node)
        if isinstance(node, ast.BinOp):
            return isinstance(node.op, (ast.Mult, ast.Div, ast.Sub)) and (self.number(node.left, seen) or self.number(node.right, seen))
        if not isinstance(node, ast.Call):
            return False
        name = self.scope.dotted(node.func)
        if name in ("int", "float") and node.args:
            return self.number(node.args[0], seen)
        return name in COMPUTES or not name and getattr(node.func, "attr", "") in STATISTICS

    def whole(self, node, depth):
        """Whether a number is written without a point, so that the zeros at its end count."""
        node = self.scope.literal(node)
        if isinstance(node, ast.JoinedStr):
            spec = self.scope.text(node.values[0].format_spec) if node.values[0].format_spec is not None else ""
            return bool(spec) and spec.endswith(("d", ".0f"))
        if isinstance(node, ast.Call) and self.scope.dotted(node.func) == "str" and node.args:
            made = self.scope.literal(node.args[0])
            return isinstance(made, ast.Call) and (self.scope.dotted(made.func) in ("int", "len") or self.scope.dotted(made.func) == "round" and len(made.args) == 1)
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TEXTS and depth < ENOUGH and self.whole(node.func.value, depth + 1)

    def per_cent(self, node):
        node = self.scope.literal(node)
        if isinstance(node, ast.JoinedStr):
            return (self.scope.text(node.values[0].format_spec) or "").endswith("%") if node.values[0].format_spec is not None else False
        return isinstance(node, ast.Call) and self.scope.dotted(node.func) == "desk.percent"
