"""What a program looks like, where that is not what it is. Loaded by findings.py."""

import ast
import io
import re
import tokenize
import unicodedata

# How long a line of code is before somebody has to be told to read it to its end; and one of which most is a text, as the sentence of an answer is.
LONG_LINE, LONG_TEXT = 200, 400
CLOCKS = {"desk.today", "time.time", "time.localtime", "time.gmtime"} | {"datetime." + n for n in ("datetime.now", "datetime.today", "datetime.utcnow", "date.today")} | {"pandas.Timestamp." + n for n in ("now", "today", "utcnow")}
FAR_RIGHT = 60  # columns, after which a second statement is easily missed
# Letters of other alphabets that look like ASCII's.
TWINS = dict(zip("аеорсухіјѕԁһкмтнвАВЕКМНОРСТХІЈЅοαρνκιτΟΑΒΕΖΗΙΚΜΝΡΤΥΧɑɡıℓ", "aeopcyxijsdhkmtnbABEKMHOPCTXIJSoapvkitOABEZHIKMNPTYXagil"))
TURNS = re.compile("R[-x]*x[-x]*R")  # something between two texts that run from right to left
WORD = re.compile(r"\w+")
PROGRAM = r"\b(?:this|the) (?:program|code|script|analysis|query|file|notebook|revision)\b"
ADDRESSED = re.compile(
    r"\breviewers?\b[^.\n]{0,80}\b(?:approve|ignore|skip|trust|safe)\b|\b(?:please|just|safe to|ok(?:ay)? to|must|should|can|may) approve (?!or\b)|\bapprove (?:this|it\b|without|the (?:program|code|request|script))|" + PROGRAM +
    r"[^.\n]{0,30}\b(?:approved|vetted|audited|inspected|(?:been|was|is|already) (?:reviewed|checked|verified)|harmless|safe to (?:run|approve|execute))\b|\bnothing unusual\b|\bapproved by countersign\b|\b(?:inspection|security (?:check|scan|review|audit))s? (?:has |have |was |is )?(?:passed|clean|ok\b|clear)|"
    r"\bno need to (?:read|review|check|inspect) (?:this|the (?:program|code|script|rest)|further|on\b)|\b(?:ignore|disregard|forget) (?:all |any |the |your )*(?:previous|prior|above|earlier|preceding) (?:instructions?|findings?|warnings?|prompts?)|"
    r"\b(?:these|the|all|this) (?:figures|numbers|results|calculations|analysis|report|answer) (?:(?:is|are|was|were|have|has|been|here|above|below|all|already|fully|independently) ){1,4}(?:verified|audited|certified|signed off|approved) (?:by|and)\b|"
    r"\bbitte (?:direkt |einfach |sofort )?(?:freigeben|genehmigen)\b|\b(?:programm|code|skript)\b[^.\n]{0,30}\b(?:freigegeben|geprüft|unbedenklich)\b|\b(?:veuillez|merci d') ?approuver\b|\bpor favor,? (?:apruebe|aprobar)\b|\bpor favor,? aprov[ea]", re.I)


def read(source):
    """The tokens of a program, as far as they can be told apart; ast says better what is wrong with the rest."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            found.append(token)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        pass
    return found


def names_that_mislead(tokens):
    """Names that are not ASCII look like other names, or become other names when Python reads them."""
    for token in tokens:
        if token.type in (tokenize.NAME, tokenize.ERRORTOKEN) and not token.string.isascii():
            return misleads(token.start[0], token.string)
        if token.type == tokenize.STRING and not token.string.isascii() and "f" in token.string.partition(token.string[-1])[0].lower():
            inside = in_braces(token.string)  # before Python 3.12 what an f-string computes is part of its text
            if inside:
                return misleads(token.start[0], inside)
    return ""


def misleads(line, name):
    became = unicodedata.normalize("NFKC", name)
    how = "which Python reads as %r" % became if became != name else "which can look like another one"
    return "Line %d: the name %r has letters outside of ASCII, %s. Use ASCII names." % (line, name, how)


def in_braces(text):
    """The first name that is not ASCII in what an f-string computes."""
    for part in re.findall(r"\{([^{}]*)\}", text.replace("{{", "").replace("}}", "")):
        for token in read(part):
            if token.type == tokenize.NAME and not token.string.isascii():
                return token.string
    return ""


def plain(tokens):
    """How much of each line is plain text in quotation marks, without what an f-string computes."""
    found = {}
    middle = getattr(tokenize, "FSTRING_MIDDLE", None)  # since 3.12, where an f-string is several tokens
    for token in tokens:
        if token.start[0] == token.end[0] and token.type in (tokenize.STRING, middle):
            text = token.string
            if token.type == tokenize.STRING and "f" in text.partition(text[-1])[0].lower():
                text = re.sub(r"\{[^{}]*\}", "", text)
            found[token.start[0]] = found.get(token.start[0], 0) + len(text)
    return found


class Looks:
    def __init__(self, scope, report):
        self.scope, self.find = scope, report.find

    def look(self, tree, source, tokens):
        self.lines, words = source.splitlines(), plain(tokens)
        for number, line in enumerate(self.lines, 1):
            if len(line) - words.get(number, 0) > LONG_LINE or len(line) > LONG_TEXT:
                self.find("caution", number, "long line", "The line is %d characters long: read it to its end." % len(line))
            if not line.isascii() and TURNS.search("".join("R" if unicodedata.bidirectional(c) in ("R", "AL") else "-" if c.isspace() else "x" for c in line)):
                self.find("caution", number, "misleading", "The line mixes text that runs from right to left with code: it may be shown in another order.")
        for token in tokens:
            if token.type == tokenize.COMMENT:
                self.addressed(token.string, token.start[0])
        names = set()
        for node in ast.walk(tree):
            for body in ("body", "orelse", "finalbody"):
                if isinstance(getattr(node, body, None), list):
                    self.side_by_side(getattr(node, body))
                    self.never_runs(getattr(node, body))
            if isinstance(node, (ast.If, ast.While)):
                self.never_chosen(node)
            if isinstance(node, (ast.If, ast.IfExp, ast.While)):
                self.by_the_day(node)
            elif isinstance(node, ast.Call):
                self.unseen(node)
            elif isinstance(node, ast.BoolOp) and any(isinstance(v, ast.Constant) and v.value is isinstance(node.op, ast.Or) for v in node.values):
                self.find("caution", node.lineno, "misleading", "A condition that is always %s, whatever stands beside it." % ("met" if isinstance(node.op, ast.Or) else "missed"))
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.addressed(node.value, node.lineno)
                if not node.value.isascii():
                    self.foreign_letters(node)
            elif isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
        self.twins(names, tree)

    def addressed(self, text, line):
        """Words to whoever decides on the program, who is to judge it by what it does."""
        found = ADDRESSED.search(text)
        if found:
            self.find("caution", line, "misleading", "Speaks to whoever decides on the program (%s): judge it by what it does." % " ".join(found.group().split())[:40])

    def side_by_side(self, body):
        """A second statement in a line, far to the right or behind a text of many lines, is easily missed."""
        for before, after in zip(body, body[1:]):
            if after.lineno != before.end_lineno:
                continue
            if after.col_offset >= FAR_RIGHT:
                self.find("danger", after.lineno, "misleading", "A second statement begins at column %d of the line: read it to its end." % (after.col_offset + 1))
            elif before.lineno != before.end_lineno:
                self.find("danger", after.lineno, "misleading", "A second statement begins where another one of several lines ends.")

    def never_runs(self, body):
        """What stands behind the end of a block is read, and never runs."""
        for before, after in zip(body, body[1:]):
            ends = isinstance(before, (ast.Return, ast.Raise, ast.Break, ast.Continue)) \
                or isinstance(before, ast.Expr) and isinstance(before.value, ast.Call) and self.scope.dotted(before.value.func) in ("sys.exit", "exit", "quit", "os._exit")
            if ends and not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Yield)):  # which makes an empty generator
                self.find("caution", after.lineno, "misleading", "Never runs: line %d ends what stands before it." % before.lineno)
                return

    def never_chosen(self, node):
        """A branch that is never taken, by a condition of constants, or of names that are one constant all along."""
        if any(isinstance(n, (ast.Call, ast.Attribute)) for n in ast.walk(node.test)):
            return
        named = [n for n in ast.walk(node.test) if isinstance(n, ast.Name)]
        if any(not self.constant(n) for n in named):
            return
        value = self.scope.value(node.test)
        if value is not None and not value and not (named and self.only_tells(node.body)):
            self.find("caution", node.lineno, "misleading", "Never runs: the condition is never met.")
        elif value and node.orelse and isinstance(node, ast.If) and not (named and self.only_tells(node.orelse)):
            self.find("caution", node.orelse[0].lineno, "misleading", "Never runs: the condition above it is always met.")

    def by_the_day(self, node):
        """A branch that is taken from a day on that was typed in, at some hours, or by chance: what was looked at when it was approved need not be what runs."""
        parts = [p for n in ast.walk(node.test) for p in self.origin(n)]
        called = {m for p in parts if isinstance(p, ast.Call) for m in self.scope.names(p.func)}
        days = any(isinstance(p, ast.Call) and {"datetime.date", "datetime.datetime", "pandas.Timestamp", "pandas.to_datetime"} & set(self.scope.names(p.func)) and p.args and all(isinstance(a, ast.Constant) and a.value not in ("now", "today") for a in p.args) for p in parts)
        if called & CLOCKS and (days or any(isinstance(p, ast.Attribute) and p.attr in ("hour", "minute", "second", "microsecond", "time", "timestamp", "weekday") and not self.scope.imported(p) for p in parts)):
            self.find("caution", node.test.lineno, "today", "Does something else from a day on that was typed in, or at some hours.")
        elif not self.scope.within(node, (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)) and self.scope.at[node] is self.scope.nodes[0] and any(m.startswith(("random.", "numpy.random.")) and not m.endswith("default_rng") for m in called):
            self.find("caution", node.test.lineno, "misleading", "Does something else by chance.")

    def origin(self, node):
        """A part of a condition, and what it is set to where that is one thing."""
        variable = self.scope.variable(node) if isinstance(node, ast.Name) else None
        value = self.scope.only(variable) if variable is not None else None
        return [node] if value is None else list(ast.walk(value))

    def unseen(self, call):
        """Words on a chart that nobody can see."""
        if getattr(call.func, "attr", "") not in ("text", "annotate", "figtext", "set_title", "suptitle", "title"):
            return
        words = [t for a in call.args for t in [self.scope.text(a)] if t and " " in t.strip()]
        keyword = {k.arg: k.value for k in call.keywords}
        color = next((self.scope.text(keyword[k]) for k in ("color", "c") if k in keyword), None)
        small = next((self.scope.number(keyword[k]) for k in ("fontsize", "size") if k in keyword), None)
        alpha = self.scope.number(keyword["alpha"]) if "alpha" in keyword else None
        if words and ((color or "").lower() in ("white", "w", "none", "#fff", "#ffffff") or small is not None and small < 4 or alpha is not None and alpha < 0.15):
            self.find("caution", call.lineno, "misleading", "Puts words on a chart that can hardly be seen (%s)." % words[0][:40])

    def constant(self, name):
        """Whether a name is set once, and to what cannot change."""
        variable = self.scope.variable(name)
        return variable is not None and isinstance(self.scope.only(variable), ast.Constant)

    def only_tells(self, body):
        """Whether a branch prints, or refuses a setting: DEBUG = False is a habit, and nobody takes what it would print for the answer."""
        return all(isinstance(n, (ast.Pass, ast.Raise)) or isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) and self.scope.dotted(n.value.func) == "print" for n in body)

    def foreign_letters(self, node):
        for word in WORD.findall(node.value):
            twins = [c for c in word if c in TWINS]
            ascii_letters = [c for c in word if c.isascii() and c.isalpha()]
            if twins and ascii_letters and len(twins) + len(ascii_letters) + sum(c.isdigit() or c == "_" for c in word) == len(word):
                seen = "".join(TWINS.get(c, c) for c in word)
                self.find("danger", node.lineno, "misleading", "The text %s looks like %r and has letters of another alphabet." % (ascii(word), seen), seen)

    def twins(self, names, tree):
        """Two names that look the same."""
        seen = {}
        for name in sorted(n for n in names if len(n) >= 4):
            alike = name.replace("rn", "m").replace("vv", "w").translate(str.maketrans("I1|O", "lll0")).replace("o0", "00").replace("0", "o")
            other = seen.get(alike)
            if other and other[1:] != name[1:]:  # Order and order are a class and one of its kind
                line = next((n.lineno for n in ast.walk(tree) if getattr(n, "id", getattr(n, "name", getattr(n, "arg", None))) == name and hasattr(n, "lineno")), 0)
                self.find("danger", line, "misleading", "The names %s and %s look alike." % (other, name), name)
            seen.setdefault(alike, name)
