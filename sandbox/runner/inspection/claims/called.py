"""Names under which values stand, held against the rows and steps that they are made of. Loaded by findings.py.

A part of Spoken (spoken.py), as Values is of Scope: what is called EU must not be what was chosen by
US, what is called the best not the least, what is called an average not a median.
"""

import ast
import re

HIGH = re.compile(r"\b(highest|largest|biggest|strongest|leading|maximum|best|winner|top|most expensive|greatest|best.?sell\w*|champions?|number one|most popular)\b", re.I)
LOW = re.compile(r"\b(lowest|smallest|weakest|minimum|worst|least|bottom|cheapest|fewest|shortest|slow(?:est)?.?(?:movers?|sellers?)|laggards?)\b", re.I)
SOFT = {"best", "worst", "winner", "strongest", "weakest", "leading"}  # less may be better, of these:
COSTLY = re.compile(r"cost|expens|churn|return|refund|complain|error|delay|wait|days?\b|time|price|risk|loss|cancel|late|duration|missing|incomplet|outlier|anomal|fail|incident|dauer|kosten|fehler|reklam|retour|hours|minutes|debt|overdue|default|defect|scrap|rmse|mae|mape|aic|bic|fee|discount|bounce|rank|place|position", re.I)
NAMELIKE = re.compile(r"(?<=\bin )[A-Z][a-z]{2,}\b|(?<=\bof )[A-Z][a-z]{2,}\b|(?<=\bfrom )[A-Z][a-z]{2,}\b|(?<=\bfor )[A-Z][a-z]{2,}\b|(?<=\bat )[A-Z][a-z]{2,}\b|\b[A-Z]{2,4}\b")
NO_NAMES = set("VAT KPI AOV ROI YOY MOM CSV EUR USD GBP CHF JPY B2B B2C ABC RFM SKU ID CLV LTV ARPU CAGR NPS CAC MRR ARR GMV EBIT COGS YTD MTD QTD IQR CI SD MAE RMSE MAPE AM PM OK TV HR IT AND OR NOT THE TAX CEO CFO API SQL DATA NET RATE FY Q1 Q2 Q3 Q4 H1 H2".split())
CALENDAR = set("jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun".split())
QUANTITY = re.compile(r"(^|[_ ])(units?|quantity|quantities|qty|pieces|pcs|items|hours|kg|weight|visits|clicks)([_ ]|$)", re.I)
MONEY = re.compile(r"(^|[_ ])(revenue|turnover|amount|income|earnings|sales value|spend|spent|cost|costs|profit|value|net|gross|fee|paid|margin|total|price|payment|budget|balance|salary|sales)([_ ]|$)", re.I)
COSTS = re.compile(r"churn|cancel|complain|defect|returns?\b|error|delay|refund|overdue|wait|kosten|beschwerd|reklam|fehler|retour", re.I)  # anywhere in what is told
OFFERS = re.compile(r"\boffers?\b|supplier|quotes?\b|\bbids?\b|purchas|vendor|angebot|lieferant", re.I)
MOSTLY = re.compile(r"\bmost\b|often|frequent|\btimes\b|how many", re.I)  # the cheapest one for most items
PROJECTS = re.compile(r"\b(would|will|could|forecast|expect|project|next|plan|if)", re.I)
ELSEWHERE = re.compile(r"\b(der|die|das|und|im|mit|den|von|ist|sind|le|les|des|du|et|est|el|los|las|gli|del|della|het|een|van|em|os)\b", re.I)  # the small words of languages in which a large letter says less
TURNED_AROUND = re.compile(r"gap|drop|sav(ed|ing)|short|loss|lost|declin|decreas|reduc|remain|miss|under|deficit|behind|rückgang|erspar|minus", re.I)
SEXES = {"m": "male", "f": "female", "w": "female"}
WORD = re.compile(r"[^\W_]+")


class Called:
    high, low, money, quantity = HIGH, LOW, MONEY, QUANTITY  # for spoken.py

    @staticmethod
    def first_clause(text):
        return re.split(r"[.!?;,]\s", text)[0]

    # -- names and what rows were chosen by

    def chosen(self, value):
        last = self.origin.last(value)
        if isinstance(last, ast.Call) and self.scope.functions(last.func):
            given = {t for a in last.args + [k.value for k in last.keywords] for t in self.scope.texts(a) or () if t in self.values}
            if given:
                return given
        local = self.origin.local(last).chosen | self.origin.local(value).chosen
        return local & self.values or self.origin.facts(value).chosen & self.values

    def other(self, node, words, value, after="", context=""):
        """Words that name other rows than those of which a value is made."""
        said, chosen = tokens(words), self.chosen(value)
        said |= {w[:-1] for w in said if w.endswith("days")}
        if not chosen or not said:
            return
        own = [tokens(c) for c in chosen]
        if any(o and o <= said | tokens(after) for o in own):
            return
        lowered = set().union(*own)
        if lowered <= SEXES.keys() and any(re.fullmatch(r"gender|sex|geschlecht|sexe|sexo", c, re.I) for c in self.origin.facts(value).columns):
            lowered = lowered | {SEXES[c] for c in lowered}
            if tokens(after) & set().union(*(same for same in self.same if same & lowered)):
                return  # {med["F"]} for women and {med["M"]} for men
        years = {c for c in chosen if re.fullmatch(r"(19|20)\d\d", c)}
        if years and len(years) == len(chosen):
            if len(own) == 1:
                wrong = [w for w in said if re.fullmatch(r"(19|20)\d\d", w)]
                if wrong and not PROJECTS.search(words + context):
                    self.find(node, "Uses the name %s for what was chosen by %s: readers would take one for the other." % (wrong[0], sorted(years)[0]), wrong[0])
            return
        wrong = [v for v in sorted(self.values - chosen) if tokens(v) and tokens(v) <= said and not tokens(v) & lowered]
        for kind in self.kinds:
            if kind & lowered:
                wrong += sorted(w for w in (said & kind) - lowered if not any(w in same and same & lowered for same in self.same))
        behind = re.match(r"\s*for (?:the )?(\w+)", after)
        if not wrong and behind:  # {eu} for the US
            wrong += [w for w in [behind.group(1).lower()] if any(w in kind and kind & lowered for kind in self.kinds) and w not in lowered and not any(w in same and same & lowered for same in self.same)]
        if not wrong and context and all(c[:1].isupper() for c in chosen) and not self.kindred(chosen, lowered, context) and not any(o and o <= tokens(context) for o in own) and not any(o <= tokens(self.all_words) for o in own):
            wrong = [w for w in NAMELIKE.findall(" " + context) if w.upper() not in NO_NAMES and not tokens(w) <= lowered and not w.lower()[:3] in CALENDAR and w.lower() not in {t for c in self.inputs for t in tokens(c)}][:1]
        if wrong:
            self.find(node, "Uses the name %s for what was chosen by %s: readers would take one for the other." % (str(wrong[0])[:40], sorted(chosen)[0][:40]), str(wrong[0])[:40])

    def kindred(self, chosen, lowered, context):
        """Whether a large letter in what is said tells nothing of what was chosen: a code (DE, MUC), a word of a kind (completed), a beginning (Ausgabe, Ausgaben), another language."""
        if all(re.fullmatch(r"[A-Z]{2,4}", c) for c in chosen) or ELSEWHERE.search(context) or any(kind & lowered for kind in self.kinds):
            return True
        return any(len(o) > 3 and w.startswith(o) for o in lowered for w in tokens(context))

    def named(self, node):
        if isinstance(node, (ast.If, ast.IfExp)):
            self.branches(node)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.assigned(node, target, node.value)
        elif isinstance(node, ast.Dict):
            said = " ".join(t for t in map(self.scope.text, (v for v in node.values if isinstance(v, ast.Constant))) if t)
            for key, value in zip(node.keys, node.values):
                value = value.elts[0] if isinstance(value, ast.List) and len(value.elts) == 1 else value
                if said and not isinstance(value, (ast.Constant, ast.Tuple, ast.List)):
                    self.other(node, said, value)  # {"region": "EU", "revenue": us}
                text = self.scope.text(key) if key is not None else None
                if text and not isinstance(value, (ast.Constant, ast.Tuple, ast.List)):
                    self.other(node, text, value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            self.aggregated(node)

    def measured(self, call, words, value, after):
        """Revenue that is a sum of units or of prices; units that are counted rows."""
        facts = self.origin.facts(value)
        money, much = {c for c in facts.columns if MONEY.search(c)}, {c for c in facts.columns if QUANTITY.search(c)}
        last = self.origin.last(value)
        step = getattr(last.func, "attr", "") if isinstance(last, ast.Call) else ""
        if re.search(r"\b(revenue|turnover)\b", words, re.I) and step in ("sum", "cumsum") and "*" not in facts.steps and not facts.steps & {"mul", "multiply", "dot", "eval"}:
            if much and not money:
                self.find(call, "Uses the word revenue for a sum of the column %s, which is no money." % sorted(much)[0], "revenue")
            elif money and all(re.search(r"price|rate|cost per", c, re.I) for c in money):
                self.find(call, "Uses the word revenue for a sum of prices (%s): how many were sold is left out of it." % sorted(money)[0], "revenue")
        what, read = re.match(r"\s*(units|pieces|items)\b", after, re.I), self.columns_read()
        if what and any(QUANTITY.search(c) for c in read) and not any(what.group(1).lower()[:-1] == c.lower() for c in read):
            if isinstance(last, ast.Call) and (step == "count" or self.scope.dotted(last.func) == "len") and not much and not facts.steps & {"nunique", "unique", "groupby", "drop_duplicates"}:
                self.find(call, "Uses the word %s for a number of rows: a row may stand for several." % after.split()[0], after.split()[0])
        if re.match(r"\s*customers\b", after, re.I) and step == "count" and isinstance(last.func.value, ast.Subscript) and not facts.steps & {"nunique", "unique", "groupby", "drop_duplicates", "set_index", "duplicated"}:
            self.find(call, "Counts rows and calls them customers: one who stands in several rows is counted several times.", "customers")

    def tables_read(self):
        """The columns of each file that is read; of every file, where that cannot be told."""
        names = {n.value.rpartition("/")[2] for n in self.scope.nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        return [set(f["columns"] or ()) for f in [f for f in self.files if f["name"] in names] or self.files]

    def columns_read(self):
        """All of these; those of every file, where none is known of those that are read."""
        return set().union(*self.tables_read()) or self.inputs

    def dated(self, node, name, value):
        """before = df[df["day"] >= "2024-06-01"]"""
        words = set(name.lower().split("_"))
        early, late = words & {"before", "pre", "prior", "until", "earlier"}, words & {"after", "post", "since", "later"}
        if bool(early) == bool(late):
            return
        last = self.origin.last(value)
        ways = set()
        for n in [n for part in {last, value} for n in ast.walk(part)]:
            if isinstance(n, ast.Compare) and len(n.ops) == 1 and any(isinstance(m, ast.Constant) and isinstance(m.value, str) and re.match(r"\d{4}-\d\d", m.value) for m in ast.walk(n.comparators[0])):
                ways.add(1 if isinstance(n.ops[0], (ast.Gt, ast.GtE)) else -1 if isinstance(n.ops[0], (ast.Lt, ast.LtE)) else 0)
        if ways == {1 if early else -1}:
            self.find(node, "Uses the name %s for rows that lie on the other side of that day." % name, name)

    def assigned(self, node, target, value):
        if isinstance(target, ast.Name):
            self.dated(node, target.id, value)
            self.named_by_state(node, target.id, value)
        name = target.id if isinstance(target, ast.Name) else self.scope.text(target.slice) if isinstance(target, ast.Subscript) else None
        if name and re.search(r"(^|[_ ])(share|pct|percent|percentage|proportion)([_ ]|$)", name, re.I):
            by = value.right if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div) else value.args[0] if isinstance(value, ast.Call) and getattr(value.func, "attr", "") in ("div", "divide", "truediv") and value.args else None
            by = self.origin.last(by) if by is not None else None
            if isinstance(by, ast.Call) and getattr(by.func, "attr", "") in ("max", "min", "mean", "median", "std"):
                self.find(node, "Uses the name %s for what is divided by the %s: a share is divided by the sum." % (name, by.func.attr), name)
        if isinstance(target, ast.Name) and isinstance(value, ast.Call) and getattr(value.func, "attr", "") in ("nunique", "unique"):
            self.counted(node, target.id, value)
        if isinstance(target, ast.Name) and not isinstance(value, (ast.Constant, ast.List, ast.Dict, ast.Lambda)):
            words = target.id.replace("_", " ")
            if not tokens(words) & {"not", "non", "other", "others", "rest", "without", "ex", "is", "has", "in", "out"}:
                self.other(node, words, value)
            self.way(node, words, value)
            if re.search(r"\b(best|worst|highest|lowest|top|winner|largest|smallest)\b", words) and self.alone(target) and self.fudge.data(value) and isinstance(self.origin.last(value), (ast.Subscript, ast.Attribute)) and not self.origin.facts(value).steps & self.orders:
                self.find(node, "Uses the name %s, and nothing was sorted or compared to find it." % target.id, target.id)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            for one, of in zip(target.elts, value.elts):
                self.assigned(node, one, of)

    def counted(self, node, name, value):
        """customers = df["product"].nunique()"""
        of = value.func.value
        read = self.scope.text(of.slice) if isinstance(of, ast.Subscript) else getattr(of, "attr", None)
        stems = lambda text: {w.rstrip("s") for w in tokens(text)} - {"id", "no", "number", "name", "n", "count", "code", "total", "unique", "distinct", "num", ""}
        meant = [c for t in self.tables for c in t if read in t and stems(c) & stems(name)]
        if read in self.inputs and meant and not stems(read) & stems(name):
            self.find(node, "Uses the name %s for a count of the column %s, though the file has %s." % (name, read, sorted(meant)[0]), name)

    def branches(self, node):
        """'fell' if last > before else 'rose'; 'significant' if p > 0.05"""
        test = node.test
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], (ast.Gt, ast.GtE, ast.Lt, ast.LtE)):
            return
        said = [" ".join(n.value for b in (side if isinstance(side, list) else [side]) for n in ast.walk(b) if isinstance(n, ast.Constant) and isinstance(n.value, str)) for side in (node.body, node.orelse)]
        more = isinstance(test.ops[0], (ast.Gt, ast.GtE))
        limit, name = self.scope.number(test.comparators[0]), getattr(test.left, "id", getattr(test.left, "attr", ""))
        if name.lower() in ("p", "pvalue", "p_value", "pval") and limit is not None:
            no = [bool(re.search(r"\b(not|no|insignificant)\b", s)) for s in said]
            if any("significan" in s for s in said) and (more and not no[0] and "significan" in said[0] or not more and no[0] or limit > 0.2):
                self.find(node, "Says significant of a p-value %s %s: usually it has to be below 0.05." % ("above" if more and not no[0] or not more and no[0] else "of up to", "%g" % limit), "significant")
            return
        up, down = (re.compile(w, re.I) for w in (r"\b(rose|rising|grew|grow\w*|increas\w+|higher|above|more|up|better|improv\w+|ahead|exceed\w*)\b", r"\b(fell|fall\w*|declin\w+|decreas\w+|lower|below|less|down|worse\w*|dropp?\w*|shrank|behind|fewer)\b"))
        ways = [(bool(up.search(s)), bool(down.search(s))) for s in said]
        if ways[0] not in ((True, False), (False, True)) or ways[1] not in ((True, False), (False, True), (False, False)) or ways[0] == ways[1]:
            return
        if re.search(r"better|improv|worse", " ".join(said), re.I) and any(map(COSTLY.search, self.origin.facts(test).columns - {"day", "date", "time", "price"} | {name})):
            return  # less is better, of these
        later = self.later(test.left, test.comparators[0])
        if later and (ways[0][0] == (more == (later < 0))):
            self.find(node, "Says %r where it is the other way around." % (up if ways[0][0] else down).search(said[0]).group(), "branch")

    def later(self, left, right):
        """1 where the first is held against what was before it, or against nothing; -1 the other way around; 0 where that cannot be told."""
        if self.scope.number(right) in (0, 1):
            of = self.origin.last(left)
            if isinstance(of, ast.BinOp) and isinstance(of.op, (ast.Sub, ast.Div)) and TURNED_AROUND.search(getattr(left, "id", "")):
                return 0
            return 1
        (a, i), (b, j) = ((n.value, self.scope.number(n.slice)) if isinstance(n, ast.Subscript) else (None, None) for n in (self.origin.last(left), self.origin.last(right)))
        if isinstance(i, int) and isinstance(j, int) and i != j and ast.dump(a) == ast.dump(b):
            return (1 if i > j else -1) if (i < 0) == (j < 0) else 1 if i < 0 else -1
        new, old = (re.compile(w, re.I) for w in (r"(^|_)(last|latest|current|this|now|after|new|recent)(_|$)", r"(^|_)(first|prev|previous|before|prior|old|earlier|past)(_|$)"))
        names = [getattr(n, "id", "") for n in (left, right)]
        return 1 if new.search(names[0]) and old.search(names[1]) else -1 if old.search(names[0]) and new.search(names[1]) else 0

    def alone(self, target):
        variable = self.scope.variable(target)
        return variable is not None and self.scope.only(variable) is not None

    def aggregated(self, node):
        """agg(total_amount=("amount", "mean")), median().rename("mean")"""
        if node.func.attr in ("agg", "aggregate"):
            for k in node.keywords:
                if k.arg and isinstance(k.value, ast.Tuple) and len(k.value.elts) == 2:
                    column, step = self.scope.text(k.value.elts[0]), self.scope.text(k.value.elts[1])
                    if step and not k.arg.lower() == (column or "").lower():
                        self.step(node, k.arg, step)
                    if k.arg != column and any({k.arg, column} <= t for t in self.tables) and step not in ("count", "size", "nunique"):
                        self.find(node, "Uses the name of the column %s for what is computed of another one, %s." % (k.arg, column), k.arg)
        elif node.func.attr == "rename" and not self.scope.imported(node.func):
            last = self.origin.last(node.func.value)
            named = self.scope.literal(next((k.value for k in node.keywords if k.arg == "columns"), None)) if node.keywords else None
            for old, new in [(self.scope.text(k), self.scope.text(v)) for k, v in zip(named.keys, named.values) if k is not None] if isinstance(named, ast.Dict) else ():
                if old and new and (QUANTITY.search(old) and MONEY.search(new) and not QUANTITY.search(new) or MONEY.search(old) and QUANTITY.search(new) and not MONEY.search(new)):
                    self.find(node, "Shows the column %s under the name %s, which is something else." % (old, new), new)
                if new and isinstance(last, ast.Call) and len(named.keys) == 1:
                    self.step(node, new, getattr(last.func, "attr", ""))
            if not node.args or not isinstance(node.args[0], ast.Constant):
                return
            if isinstance(last, ast.Call):
                self.step(node, str(node.args[0].value), getattr(last.func, "attr", ""))
                if "customers" in tokens(str(node.args[0].value)) and getattr(last.func, "attr", "") == "count":
                    self.find(node, "Counts rows and calls them customers: one who stands in several rows is counted several times.", "customers")

    def step(self, node, name, step):
        words = set(name.lower().replace("_", " ").split())
        for wanted, kinds in (({"mean", "average", "avg"}, {"median", "max", "min", "sum"}), ({"median"}, {"mean", "max", "min", "sum"}), ({"total", "sum"}, {"mean", "median", "max", "min"}),
                              ({"max", "maximum", "highest", "largest", "latest"}, {"min", "mean", "median"}), ({"min", "minimum", "lowest", "smallest", "earliest"}, {"max", "mean", "median"})):
            if words & wanted and step in kinds and not words & {"mean", "average", "median", "max", "min", "sum", "total"} - wanted and step not in words:
                self.find(node, "Uses the name %s for a value that is computed by %s, which is something else." % (name, step), name)

    def way(self, node, words, value, after=""):
        """The greatest of several under a word for the least, and the other way around."""
        high, low = HIGH.search(words), LOW.search(words)
        if bool(high) == bool(low):
            return
        word = (high or low).group().lower()
        if any(word in tokens(c) for c in self.origin.facts(value).chosen):
            return  # the lowest quarter, of t.loc["lowest"]
        if low and MOSTLY.search(words + " " + self.first_clause(after)) or low and HIGH.search(self.first_clause(after)) or high and LOW.search(self.first_clause(after)):
            return
        if low and word not in ("least", "fewest", "bottom", "minimum") and re.match(r"(?:\s\w+)?\s(?:for|in|on|at)\b", words[low.end():]) and self.origin.facts(value).steps & {"value_counts", "most_common"}:
            return  # cheapest for so many
        way = self.origin.way(value)
        if way and way != (1 if high else -1) and not self.origin.facts(value).steps & {"-", "diff", "pct_change", "cummax", "cummin"}:
            if word in SOFT and (COSTLY.search(words + " " + after) or any(COSTLY.search(c) for c in self.origin.facts(value).columns | self.origin.facts(value).steps if isinstance(c, str) and c not in ("price",)) or COSTS.search(self.all_words) or OFFERS.search(self.all_words) and "price" in self.origin.facts(value).columns):
                return
            self.find(node, "Uses the word %s for the %s of the values." % (word, "greatest" if way > 0 else "least"), word)


def tokens(text):
    return {w.lower() for w in WORD.findall(text.replace("_", " "))}
