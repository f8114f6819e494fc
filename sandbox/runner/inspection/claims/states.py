"""Words for the state or the time of rows, held against the condition by which these were chosen. Loaded by findings.py.

A part of Spoken (spoken.py), as Values is of Scope. Open is what has no day on which it was paid, overdue what was due
before today, the first half of a year its first six months: where the condition says the opposite, it is named.
"""

import ast
import re

ENDED = re.compile(r"paid|pagad|pay[ée]e?|bezahl|closed|geschlossen|resolved|solved|returned|left_?on|left$|ended|end_?date|^end$|cancel|discharged|finished|completed|austritt|baja|delivered|shipped", re.I)
STILL = re.compile(r"\b(open|unpaid|outstanding|unresolved|unfinished|pending|offene?[rns]?|unbezahlte?[rns]?|impay[ée]e?s?|pendientes?|openstaande)\b", re.I)
HERE = re.compile(r"\b(active|aktive?[rns]?|actif(?:s|ve)?|activ[oa]s?|actieve)\b", re.I)  # people and contracts; who sends something back may be active
GONE_ON = re.compile(r"left_?on|left$|ended|end_?date|^end$|cancel|discharged|austritt|baja|closed", re.I)
NONE = r"not|never|nobody|no|none|nothing|without|lacks?|longer|formerly|previously|once|were|was|nicht|kein\w*|nie|niemand|ohne|pas|plus|jamais|sans|sin|nunca|ningun\w*|niet|geen|nooit|zonder|non|mai|senza|\w+n['’]t"
DENIES = re.compile(r"\b(?:%s)\b" % NONE, re.I)
NOT_YET = re.compile(r"\b(?:%s|yet|still|to be|has to|have to|must|waiting|due|noch|nog|aún|todavía|por|ancora|encore)\b" % NONE, re.I)
OVER = re.compile(r"(?<!not )(?<!un)\b(paid|closed|resolved|solved|finished|completed|inactive|churned|former|bezahlte?[rns]?|geschlossene?[rns]?|pay[ée]e?s|pagad[oa]s|cerrad[oa]s)\b", re.I)
DUE = re.compile(r"due|deadline|promised|fällig|faellig|vencimiento|[ée]ch[ée]ance|vervaldatum|expir", re.I)
OVERDUE = re.compile(r"(?<!not )(?<!become )(?<!be )(?<!fall )(?<!becoming )(?<!going )(?<!bald )\b(overdue|past due|überfällig\w*|vencid[oa]s?|en retard|achterstallig\w*)\b", re.I)
STAYED = re.compile(r"\b(stayed|stay|retention|retained|remained|loyal|kept|geblieben|treu\w*|rest[ée]s?)\b", re.I)
GONE = re.compile(r"churn|left|cancel|lost|attrit|gekündigt|verloren", re.I)
HALVES = ((re.compile(r"\b(first half of the year|first semester|first six months|erste[ns]? halbjahr|erste[nr]? jahreshälfte|premier semestre|primer semestre|eerste helft van het jaar)\b", re.I), 6), (re.compile(r"\bfirst quarter\b|\berstes? quartal\b|\bpremier trimestre\b|\bprimer trimestre\b", re.I), 3))
BEFORE = re.compile(r"\b(?:the|its) (?:year|month|quarter|week) before\b|\bprevious (?:year|month|quarter|week)\b|\b(?:a|one) year earlier\b|\bvorjahr|\bvormonat|\bvorquartal|\bmois précédent|\bannée précédente|\baño anterior|\bmes anterior|\bvorig(?:e|) (?:jaar|maand)", re.I)
USUAL = {0, 1, 4, 7, 12, 52, 53, 365}
BUT = {"week": {5, 6}, "quarter": {3, 13}, "month": {20, 21, 22, 28, 30, 31}}  # of days of work, of months, of days
OWN = {"week": "W", "quarter": "Q", "month": "M"}
SEVERAL = re.compile(r"\b(?:two|three|four|five|six|\d+) (?:week|month|quarter|year)s\b", re.I)
LONG = {"day": {24, 48, 96, 1440}, "week": {5, 6, 7, 168}, "month": {4, 20, 21, 22, 28, 30, 31, 720}}  # rows of one of them: hours, days of work, days, weeks
ONE_DAY = re.compile(r"\b(?:best|strongest|busiest|top|peak|weakest|worst) (day|week|month)\b(?!.*\b(?:\d|days|weeks|months|rolling|consecutive|in a row|average))", re.I)
PROFIT = re.compile(r"\b(gross (?:margin|profit)|deckungsbeitrag|rohertrag|marge brute|margen bruto|brutomarge)\b", re.I)
TAKES_OFF = set("- sub subtract diff eval query - rsub".split())


class States:
    def stated(self, call, words, near, value):
        """What the words right before a value say of its rows."""
        last = self.origin.last(value)
        self.chosen_by_state(call, near, value)
        if isinstance(last, ast.Call) and getattr(last.func, "attr", "") == "mean" and STAYED.search(near or words) and not GONE.search(words):
            of = last.func.value
            name = self.scope.text(of.slice) if isinstance(of, ast.Subscript) else getattr(of, "attr", "") if isinstance(of, ast.Attribute) else ""
            if name and name in self.inputs and GONE.search(name):
                self.find(call, "Says %r of the share of those whose column is %s." % (STAYED.search(near or words).group(), name), name)
        for said, most in HALVES:
            for limit in self.months_up_to(value) if said.search(near) else ():
                if limit != most:
                    self.find(call, "Says %r of the months up to the %dth." % (said.search(near).group(), limit), "month")
        a, b = self.places(last)
        if a is not None and abs(a - b) not in USUAL and BEFORE.search(words) and (a < 0) == (b < 0) and not SEVERAL.search(words) and abs(a - b) not in self.of_smaller(BEFORE.search(words).group()):
            self.find(call, "Says %r of values that stand %d apart." % (BEFORE.search(words).group(), abs(a - b)), "before")
        if ONE_DAY.search(near) and isinstance(last, ast.Call) and getattr(last.func, "attr", "") in ("max", "min") and isinstance(self.origin.last(last.func.value), ast.Call):
            rolled = self.origin.last(last.func.value)
            of = rolled.func.value if getattr(rolled.func, "attr", "") == "sum" else None
            if isinstance(of, ast.Call) and getattr(of.func, "attr", "") == "rolling" and not self.rows(of) & LONG[ONE_DAY.search(near).group(1).lower()]:
                self.find(call, "Says %r of a sum over several (rolling)." % ONE_DAY.search(near).group(), "rolling")
        found = PROFIT.search(near)
        if found and isinstance(last, ast.Call) and getattr(last.func, "attr", "") in ("sum", "mean", "median") and not self.origin.facts(value).steps & TAKES_OFF \
                and not any(re.search(r"profit|margin|gewinn|marge|ertrag|ergebnis|deckung|bénéf|benef|winst|utile|income|result", c, re.I) for c in self.origin.facts(value).columns | {self.last_column(last)}) and any(map(self.money.search, self.origin.facts(value).columns)):
            self.find(call, "Says %r of a value from which nothing was taken off." % found.group(), found.group())

    def of_smaller(self, said):
        """How far apart a week is from the one before, where the rows are days: not where they are weeks themselves."""
        for word, apart in BUT.items():
            if word in said.lower() and not any(isinstance(n, ast.Constant) and isinstance(n.value, str) and n.value.partition("-")[0].rstrip("SE") == OWN[word] for n in self.scope.nodes):
                return apart
        return ()

    def rows(self, rolling):
        """7, of rolling(7) or rolling("7D")"""
        given = (rolling.args + [k.value for k in rolling.keywords if k.arg == "window"])[:1]
        text = re.match(r"\d+", self.scope.text(given[0]) or "") if given else None
        return {int(text.group())} if text else {self.scope.number(given[0])} if given else set()

    def only_full(self, node, up):
        """if len(sales) > 0: answer("EU leads."), of a whole file: that it has rows decides nothing."""
        test, there = up.test, True
        while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            test, there = test.operand, not there
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and self.scope.number(test.comparators[0]) in (0, 1):
            there = there == isinstance(test.ops[0], (ast.Gt, ast.GtE, ast.NotEq))
            test = test.left
        if isinstance(test, ast.Attribute) and test.attr == "empty":
            test, there = test.value, not there
        elif isinstance(test, ast.Call) and self.scope.dotted(test.func) == "len" and test.args:
            test = test.args[0]
        else:
            return False
        made = self.origin.last(test)
        return isinstance(made, ast.Call) and self.scope.dotted(made.func) == "desk.load" and there == any(n is node for b in up.body for n in ast.walk(b))

    def last_column(self, last):
        of = last.func.value
        return (self.scope.text(of.slice) or "") if isinstance(of, ast.Subscript) else getattr(of, "id", "")

    def named_by_state(self, node, name, value):
        """open_amount = df.loc[df["paid_on"].notna(), "amount"].sum()"""
        if re.search(r"^(open|unpaid|outstanding|active|overdue|pending|paid|closed|inactive|offen|aktiv)(_|$)", name):
            self.chosen_by_state(node, " ".join(name.split("_")), value)

    def chosen_by_state(self, node, words, value):
        test = self.condition(value)
        if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr in ("isna", "notna", "isnull", "notnull"):
            column = self.scope.text(test.func.value.slice) if isinstance(test.func.value, ast.Subscript) else getattr(test.func.value, "attr", "")
            missing = test.func.attr.startswith("is")
            word = OVER.search(words) if missing else STILL.search(words) or GONE_ON.search(column or "") and HERE.search(words)
            if column and ENDED.search(column) and word and not (OVER if not missing else STILL).search(words) and not (NOT_YET if missing else DENIES).search(words):
                self.find(node, "Says %r of rows in which %s is %s." % (word.group(), column, "missing" if missing else "known"), word.group())
        elif isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Gt, ast.GtE)) and OVERDUE.search(words):
            column = self.scope.text(test.left.slice) if isinstance(test.left, ast.Subscript) else getattr(test.left, "attr", "")
            by = self.origin.facts(test.comparators[0])
            if column and DUE.search(column) and "today" in by.steps and not by.steps & {"+", "-"}:
                self.find(node, "Says %r of rows whose %s is still to come." % (OVERDUE.search(words).group(), column), column)

    def condition(self, value):
        """The condition by which the rows of a value were chosen, where it is one alone."""
        last = self.origin.last(value)
        for _ in range(8):
            if isinstance(last, ast.Call) and isinstance(last.func, ast.Attribute) and last.func.attr in ("sum", "mean", "count", "nunique", "copy", "median") and not self.scope.imported(last.func):
                last = self.origin.last(last.func.value)
            elif isinstance(last, ast.Call) and self.scope.dotted(last.func) in ("len", "desk.money", "desk.number") and last.args:
                last = self.origin.last(last.args[0])
            elif isinstance(last, ast.Subscript):
                by = last.slice.elts[0] if isinstance(last.slice, ast.Tuple) and last.slice.elts else last.slice
                if self.scope.text(by) is None:
                    return self.origin.last(by)
                last = self.origin.last(last.value)
            else:
                return last if isinstance(last, ast.Call) and getattr(last.func, "attr", "") in ("isna", "notna") else None
        return None

    def months_up_to(self, value):
        """6, of df["day"].dt.month <= 6"""
        test = self.condition(value)
        if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Lt, ast.LtE)) and getattr(self.origin.last(test.left), "attr", "") == "month":
            limit = self.scope.number(test.comparators[0])
            if isinstance(limit, int):
                yield limit - isinstance(test.ops[0], ast.Lt)

    def places(self, last):
        """-1 and -3, of y.iloc[-1] / y.iloc[-3] - 1"""
        while isinstance(last, ast.BinOp) and isinstance(last.op, (ast.Sub, ast.Mult)) and self.scope.number(last.right) in (1, 100):
            last = self.origin.last(last.left)
        if isinstance(last, ast.BinOp) and isinstance(last.op, (ast.Div, ast.Sub)):
            one, two = self.origin.last(last.left), self.origin.last(last.right)
            if isinstance(one, ast.Subscript) and isinstance(two, ast.Subscript) and getattr(one.value, "attr", "") == "iloc" and ast.dump(one.value) == ast.dump(two.value):
                a, b = self.scope.number(one.slice), self.scope.number(two.slice)
                if isinstance(a, int) and isinstance(b, int):
                    return a, b
        return None, None
