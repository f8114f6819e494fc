"""What people are told in words, held against what was computed. Loaded by findings.py.

A word that claims something has to have its witness among the steps that made the value beside it: an
average a mean or a division, the best of several an order of them, a growth a difference. So has
a name: what is called EU must not be what was chosen by US. Where a word finds no witness it is
named; how well a witness fits is for the reviewer.
"""

import ast
import re

ORDERS = set("max min idxmax idxmin nlargest nsmallest sort_values sorted rank value_counts most_common mode argmax argmin argsort sort nanmax nanmin maximum minimum cummax cummin amax amin lexsort median quantile describe partition sort_index "
             "percentile multimode key reverse order limit feature_importances_ coef_".split()) | {"<"}
DIFFERS = set("- / < diff pct_change polyfit linregress slope shift corr cumprod cov ols fit pct growth sub div trend change gradient subtract divide coef_ compare regression theilslopes kendalltau truediv".split())
SHARES = set("/ normalize pct_change mean div pct rank quantile divide autopct normalized truediv % crosstab cumprod percentile nanpercentile".split())
MEANS = set("mean average avg / fmean nanmean rolling ewm describe trim_mean div polyfit divide mean_ average_ truediv resample_mean floordiv avg_ geometric_mean harmonic_mean gmean hmean boxplot predict expanding".split())
MIDDLES = set("median quantile nanmedian percentile describe nanpercentile median_low median_high boxplot quantiles mad median_grouped".split())
CORRELATES = set("autocorr acf plot_acf corr corrwith corrcoef pearsonr spearmanr kendalltau linregress polyfit cov correlation fit r2_score rvalue chi2_contingency crosstab".split())
RANDOMS = set("choice shuffle sample random normal uniform integers randint permutation choices standard_normal poisson rvs gauss lognormal binomial exponential permuted".split())
# A word -> what witnesses it anywhere in what the text says, and how the claim is named.
WITNESSES = (
    (re.compile(r"(?<!at )(?<!rather )\b(best|worst|highest|lowest|largest|smallest|biggest|strongest|weakest|leading(?! (?:zeros?|digits?|blanks?|spaces?|characters?)\b)|leads?(?! (?:from|per|were|was|are|came|come|have|had|became|turned|converted|that|who|which|and|of|generated|created)\b)|led|cheapest|fastest|slowest|best.?sell\w*|number one|champions?|tops?|(?:most|least)(?! of\b| likely\b))\b", re.I), ORDERS, "nothing was sorted or compared to find it"),
    (re.compile(r"\b(grew|grows?|growing|growth|rose|rising|rises|fell|falling|declin\w+|increased|increases|increasing|decreased|decreases|decreasing|dropped|shrank|doubled|tripled|halved)\b", re.I), DIFFERS, "nothing was compared with anything before"),
    (re.compile(r"\b(shares? of|proportion|percentage)\b", re.I), SHARES, "nothing was divided"),
    (re.compile(r"\bcorrelat\w+", re.I), CORRELATES, "no correlation was computed"),
    (re.compile(r"\bweighted\b", re.I), set("* weights average dot mul multiply @ / sum_product".split()), "nothing was weighted"),
)
# A word beside a value -> the steps that witness it, and those that it must not be without them.
BESIDE = (
    (re.compile(r"\b(averages?|on average|mean|durchschnitt(?:lich\w*|swert)?|im (?:schnitt|mittel)|mittelwert|(?<!au )moyen(?:ne)?s?(?! de (?:paiement|transport|livraison)\b| entreprises?\b)|promedio|(?:la|una|el|un|su|en|\w+[oa]|importe|valor|ticket) medi[oa](?! (?:de (?:pago|transporte|comunica\w+)|ambiente|hora|millón)\b)|media (?:de|es|del|di|è|por|da|do|diaria|mensual|giornaliera|mensile)|gemiddelde?)\b", re.I), MEANS, {"median", "max", "min", "sum", "nanmedian", "nanmax", "nanmin", "mode"}, "mean"),
    (re.compile(r"\b(?:m[ée]dian[aeo]?|mediaan)\b", re.I), MIDDLES, {"mean", "max", "min", "sum", "nanmean", "fmean", "mode"}, "median"),
    (re.compile(r"\b(totals?|sum|altogether|overall(?= (?:revenue|sales|turnover|amount|income|costs?|sum|units)))\b", re.I), set("sum cumsum len count size nunique + shape total value_counts nansum fsum reduce sum_ add @ * dot".split()), {"mean", "median", "max", "min", "fmean", "nanmean"}, "sum"),
)
CLAIMS = re.compile(r"\b(grew|rose|fell behind|outperform\w*|leads(?= (?:by|in|the|all|with|every)\b)|led by|declined|improved|doubled|strongest market|performed (?:better|worse|best))\b", re.I)
LEADS = re.compile(r"\b(there (are|were)|we (have|had|got)|of|new|open|only|sales|the|our|qualified|won|lost|all|many)\s+(#\s+)?$", re.I)  # before leads that are customers to be
DEFINES = re.compile(r"['\"‘“„»«][^'\"]*$|\b(?:who|which|if|where|whose)\b[^.;]*$", re.I)  # words before a claim that say what is meant by it
DEFINED = re.compile(r"[^.;]*(?:['\"’”“«»]|\b(?:means?|if|understood|taken (?:as|for|to)|defined|is where)\b)", re.I)  # and those behind it
SUPPOSES = re.compile(r"\b(if|would|suppos\w+|assum\w+|(?:with|at) an?|growth (?:of|rate))\b", re.I)
POINTS = re.compile(r"\b(tables?|charts?|figures?|graphs?|plots?|see|below|above|shown|shows?|here|lists?|listed|attached|files?|heat ?map|pictures?|draws?|drawn|overview|breakdown|results?|by \w+)\b", re.I)
ALL = re.compile(r"\b(all|every)( \w+)? (rows?|sales|orders|records|lines|entries|data)\b.*\b(used|included|counted|considered|kept|taken)\b|\bno(thing| rows?)( was| were)? (left out|dropped|removed|excluded|filtered)|\bwithout leaving out\b|\bcomplete data\b", re.I)
SUMMED_UP = re.compile(r"[ck]umul|running|so far|to date|ac?cumul|total|ytd|pareto|abc|balance|saldo|solde|kontostand|kassenstand|bestand|stock|inventory|aufgelaufen|laufend|bisher|progress|narast", re.I)
SMOOTHED = re.compile(r"roll|moving|smooth|average|trailing|window|last (?:\w+ )?(?:day|week|month|quarter|year)s|past|\d|exponential|trend|gleitend|durchschnitt|schnitt|mittel|glätt|letzte|moyen|gliss|m[óo]vil|media\b|médi[ao]|promedio|mobile|gemiddeld|voortschr|średni|krocz", re.I)
BY_CHANCE = re.compile(r"random|zufäll|stichprob|al[ée]ato|échantillon|muestr|amostr|casual|campion|willekeur|steekproef|losow|sampl|simulat|bootstrap|monte|chance|draw|synthetic|permut|shuffl|jitter|seed|resampl", re.I)
SCALES = {"million": 6, "millions": 6, "mio": 6, "billion": 9, "billions": 9, "bn": 9, "thousand": 3, "thousands": 3, "tsd": 3}
SCALED = re.compile(r"\s*(?:\w{0,3}[€$£]?\s?)?(millions?|billions?|thousands?|mio|bn|tsd)\b", re.I)
SIGNS = re.compile(r"[€$£¥]|\b(?:EUR|USD|GBP|CHF|JPY|euros?|dollars?|pounds?)\b", re.I)
UNIT = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "EURO": "EUR", "EUROS": "EUR", "DOLLAR": "USD", "DOLLARS": "USD", "POUND": "GBP", "POUNDS": "GBP"}
WORD = re.compile(r"[^\W_]+")


class Spoken:
    orders = ORDERS  # for called.py

    def __init__(self, scope, report, bare, fudge, told, origin, swapped, files):
        self.scope, self.report, self.bare, self.fudge, self.told, self.origin, self.swapped = scope, report, bare, fudge, told, origin, swapped
        self.inputs = {c for f in files for c in f["columns"] or ()}
        self.files, self.kinds, self.same = files, *swapped.kinds
        self.tables = [set(f["columns"] or ()) for f in files]
        self.values = set()  # all texts by which rows are chosen

    def find(self, node, text, about=""):
        self.report.find("caution", node.lineno, "misleading", text, about)

    def look(self):
        if not self.bare.reads:
            return
        calls = [n for n in self.scope.nodes if isinstance(n, ast.Call)]
        self.values = self.origin.choices()
        for node in calls:
            if isinstance(node.func, ast.Name) and (node.args or node.keywords) and self.scope.functions(node.func):
                self.values |= {t for a in node.args + [k.value for k in node.keywords] if isinstance(a, ast.Constant) for t in self.scope.texts(a) or () if t not in self.origin.made}
        for node in self.scope.nodes:
            self.named(node)
            self.put_together(node)
        self.everything = None
        self.draws = any(getattr(n.func, "attr", getattr(n.func, "id", "")) in RANDOMS for n in calls)
        for call in calls:
            name, method = self.scope.dotted(call.func), getattr(call.func, "attr", "")
            if name in ("desk.answer", "desk.note", "print", "desk.table", "desk.chart") or call in self.told.tells:
                self.call(call, name, method)
        self.unspoken()

    # -- texts

    def pieces(self, node, depth=0):
        """A text's words and values, one behind the other: a str, or an expression."""
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else []
        if isinstance(node, ast.JoinedStr):
            return [p for v in node.values for p in self.pieces(v, depth)]
        if isinstance(node, ast.FormattedValue):
            inner = self.pieces(node.value, depth + 1)
            return inner if inner and all(isinstance(p, str) for p in inner) else [node.value]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            return self.pieces(node.left, depth) + self.pieces(node.right, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Constant):
            return self.filled(str(node.left.value), re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]"), node.right.elts if isinstance(node.right, ast.Tuple) else [node.right])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format" and isinstance(node.func.value, ast.Constant):
            return self.filled(str(node.func.value.value), re.compile(r"\{[^{}]*\}"), node.args + [k.value for k in node.keywords])
        if isinstance(node, ast.Name) and depth < 5:
            value = self.scope.literal(node)
            if isinstance(value, (ast.JoinedStr, ast.BinOp)) and self.writes(value) or isinstance(value, ast.Constant) and isinstance(value.value, str):
                return self.pieces(value, depth + 1)
        return [node]

    def writes(self, node):
        return any(isinstance(n, ast.JoinedStr) or isinstance(n, ast.Constant) and isinstance(n.value, str) and " " in n.value for n in ast.walk(node))

    @staticmethod
    def filled(text, field, values):
        parts = field.split(text)
        return [p for n, part in enumerate(parts) for p in [part] + values[n:n + 1]] + values[len(parts):]

    def call(self, call, name, method):
        keyword = self.scope.keywords(call)
        if name == "desk.note" and call.args:
            pieces = self.pieces(call.args[0])
            found = CLAIMS.search("".join(p for p in pieces if isinstance(p, str)))
            if found and all(isinstance(p, str) for p in pieces) and not self.conditional(call) and not (found.group() == "leads" and LEADS.search(found.string[:found.start()])) and not DEFINES.search(found.string[:found.start()]) and not DEFINED.match(found.string[found.end():]):
                self.find(call, "Says %r in note() in words that were typed in as a whole: they stay the same whatever the files hold." % found.group(), found.group())
        if name == "desk.table" and call.args and self.bare.bare(call.args[0]):
            self.report.find("caution", call.lineno, "written", "The table was typed in as a whole: it is the same whatever the files hold.", "")
        if name in ("desk.table", "desk.chart"):
            title = call.args[1] if len(call.args) > 1 else keyword.get("title")
            data = call.args[0] if call.args else None
            if title is not None and data is not None:
                self.text(call, self.pieces(title) + [data], "a title", name == "desk.chart")
                self.untold(call, data)
                if name == "desk.chart":
                    self.beside(call, "".join(p for p in self.pieces(title) if isinstance(p, str)), "", self.drawn(data))
                if name == "desk.table":
                    self.way(call, " ".join(p for p in self.pieces(title) if isinstance(p, str)), data)
            return
        if name == "print":
            pieces = [p for a in call.args for p in self.pieces(a) + [" "]]
            self.text(call, pieces, "print()", False)
            return
        for expression, by in self.told.tells.get(call, ()):
            folded = self.scope.text(expression)
            pieces = [folded] if folded else self.pieces(expression)
            if name == "desk.answer" and all(isinstance(p, str) for p in pieces):
                self.typed(call, "".join(pieces))
            label = method not in ("answer", "note") and not name.startswith("desk.")
            if by in ("a label",) and call.args and any(k.arg == "label" and k.value is expression for k in call.keywords):
                for value in call.args:
                    self.other(call, "".join(p for p in pieces if isinstance(p, str)), value)
            self.text(call, pieces, by, label)

    def text(self, call, pieces, by, whole):
        """whole: what is shown is a picture, which the whole program may have made."""
        words = "".join(p if isinstance(p, str) else " # " for p in pieces)
        values = [p for p in pieces if not isinstance(p, str)]
        if ALL.search(words) and self.drops():
            self.find(call, "Says that nothing was left out (%s), and the program leaves rows out." % ALL.search(words).group()[:40])
        if not values and not whole and by not in ("answer()", "print()"):
            return
        if not words.strip(" #") and not self.draws or values and not whole and not any(map(self.rests, values)):
            return
        for word, witness, what in WITNESSES:
            found = word.search(words)
            if found and found.group().lower() in ("lead", "leads") and LEADS.search(words[:found.start()]):
                continue
            if found and values and not self.steps(values, call, whole) & witness and not self.column(found.group(), values) and not self.by_name(found.group(), values) and not (witness is ORDERS and self.searches(values)) \
                    and not (witness is DIFFERS and SUPPOSES.search(words) and self.steps(values, call, whole) & {"*", "**", "mul"}):
                self.find(call, "Says %r in %s, but %s." % (found.group(), by, what), found.group())
            elif found and not values and by == "print()" and not self.conditional(call) and re.search(r"\b(is|was|are|were|leads?|led|has|had)\b", words) and not words.rstrip().endswith((":", "is", "was", "are")) and len(call.args) == 1:
                self.find(call, "Says %r in %s in words that were typed in as a whole: they stay the same whatever the files hold." % (found.group(), by), found.group())
        if not whole:
            self.segments(call, pieces, by)
            self.witnessed(call, pieces, by)
            self.chance(call, words, values, by)

    def searches(self, values):
        """Whether something is looked for step by step."""
        return any(isinstance(n, (ast.While, ast.Break)) for n in self.scope.nodes) or any(v is not None and v.sets > 1 for value in values for n in ast.walk(value) if isinstance(n, ast.Name) for v in self.scope.variables(n))

    def rests(self, node):
        """Whether something is made of what was read, were it only its names or how many there are."""
        return self.fudge.data(node) or any(v is not None and self.fudge.rests_on(v) for n in ast.walk(node) if isinstance(n, ast.Name) for v in self.scope.variables(n))

    def column(self, word, values):
        return any(word.lower() in c.lower() for v in values for c in self.origin.facts(v).columns)

    def by_name(self, word, values):
        """Whether a word is what rows are called: by["LED lamp"]"""
        return any(word.lower() in c.lower().split() for v in values for c in self.chosen(v))

    @property
    def legible(self):
        """Whether what people are told is written in letters that the words here are."""
        letters = [c for c in self.all_words if c.isalpha()]
        return 2 * sum(1 for c in letters if c < "\u0250") >= len(letters)

    def steps(self, values, call, whole):
        if whole:
            if self.everything is None:
                self.everything = set().union(*(self.origin.local(n).steps for n in self.scope.nodes if isinstance(n, (ast.Call, ast.BinOp, ast.Compare))))
            return self.everything
        found = set().union(*(self.origin.facts(v).steps for v in values)) if values else set()
        up = self.scope.parents.get(call)
        while up is not None:
            if isinstance(up, (ast.If, ast.While)):
                found |= self.origin.facts(up.test).steps
            elif isinstance(up, ast.For):
                found |= self.origin.facts(up.iter).steps
            up = self.scope.parents.get(up)
        return found

    def conditional(self, node):
        if self.scope.within(node, (ast.IfExp, ast.Try, ast.For, ast.While, ast.Match)):
            return True
        up = self.scope.parents.get(node)
        while up is not None and not isinstance(up, ast.FunctionDef):
            if isinstance(up, ast.If) and (self.rests(up.test) or self.gathered(up.test) or self.told.over.data(up.test)) and not (isinstance(up.test, ast.Compare) and isinstance(up.test.ops[0], ast.GtE) and self.scope.number(up.test.comparators[0]) == 0 and getattr(getattr(up.test.left, "func", None), "id", "") == "len") and not self.only_full(node, up):
                return True
            up = self.scope.parents.get(up)
        return isinstance(up, ast.FunctionDef) and any(isinstance(n, ast.Return) for n in ast.walk(up)) and len(up.body) > 1 and any(isinstance(n, ast.If) for n in up.body)

    def gathered(self, test):
        """Whether a condition asks what a loop over what was read has put in: if not pairs"""
        asked = [n for n in ast.walk(test) if isinstance(n, ast.Name)]
        names = {n.id for n in asked} | {m.id for n in asked for m in ast.walk(self.origin.last(n)) if isinstance(m, ast.Name)}  # and of what it is made
        return any(isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store) and getattr(n.value, "id", "") in names and self.rests(n.slice) and self.scope.within(n, (ast.For,)) for n in self.scope.nodes)

    def drawn(self, data):
        """What a plot call of pandas draws."""
        last = self.origin.last(data)
        while isinstance(last, ast.Call) and isinstance(last.func, ast.Attribute) and (last.func.attr in ("plot", "head", "tail") or isinstance(last.func.value, ast.Attribute) and last.func.value.attr == "plot"):
            last = self.origin.last(last.func.value.value if isinstance(last.func.value, ast.Attribute) and last.func.value.attr == "plot" else last.func.value)
        return last

    def untold(self, call, data):
        """A running total, or a sum over several, that is shown as if each stood for itself."""
        last = self.drawn(data)
        if isinstance(last, ast.Subscript) and isinstance(last.value, ast.Name):
            return
        method = getattr(last.func, "attr", "") if isinstance(last, ast.Call) else ""
        of = last.func.value if method else None
        rolls = isinstance(of, ast.Call) and getattr(of.func, "attr", "") in ("rolling", "expanding", "ewm")
        words = self.all_words + " " + " ".join(str(k.value.value) for n in self.scope.nodes if isinstance(n, ast.Call) for k in n.keywords if isinstance(k.value, ast.Constant) and k.arg in ("label", "ylabel", "xlabel", "name", "title"))
        name = self.scope.dotted(last.func).rpartition(".")[2] if isinstance(last, ast.Call) else ""
        for did, say, what in ((method == "rank", r"rank|place|position|order|\d(st|nd|rd|th)\b|\brang|platz|plätze|reihenfolge|classement|posici|puesto|posizion|miejsc", "ranks"), (name in ("log", "log10", "log2", "log1p"), r"\blog", "logarithms"), (isinstance(last, ast.BinOp) and isinstance(last.op, ast.Pow), r"squar|power|root|variance|quadrat|wurzel|potenz|varian|carré", "powers"),
                               (isinstance(last, ast.BinOp) and isinstance(last.op, ast.Sub) and self.origin.way(last.right) == -1, r"above|differen|beyond|less the|minus|relative|gap|over the|more than|excess|least|über|mehr als|abstand|unterschied|differenz|écart|diferenc|differenz", "what is above the least")):
            if did and self.legible and not re.search(say, words, re.I):
                self.find(call, "Shows %s, and no title or label says so." % what, what)
        if not self.legible:
            return
        if method == "cumsum" and not SUMMED_UP.search(words) or rolls and not SMOOTHED.search(words):
            self.find(call, "Shows %s, and no title or label says so." % ("a running total" if method == "cumsum" else "values that are put together with those before them (%s)" % of.func.attr), method)

    def drops(self):
        return any("Drops rows" in f["text"] for f in self.report.findings.values()) or any(isinstance(n, ast.Attribute) and n.attr == "head" for n in self.scope.nodes)

    def typed(self, call, words):
        """answer("The best region is EU.")"""
        if not self.conditional(call) and not POINTS.search(words) and len(WORD.findall(words)) > 2:
            self.report.find("caution", call.lineno, "written", "The answer was typed in as a whole: it says the same whatever the files hold.", words[:60])

    def chance(self, call, words, values, by):
        for value in values if self.draws else ():
            facts = self.origin.facts(value)
            drawn = facts.steps & RANDOMS
            if drawn and not self.repeated() and self.scope.tops & {"random", "numpy", "scipy"} | drawn & {"sample"} and self.legible and not BY_CHANCE.search(self.all_words):
                self.find(call, "The result rests on chance (%s), and people are not told so." % sorted(drawn)[0], sorted(drawn)[0])
                return

    def repeated(self):
        """Whether chance is asked again and again, as simulations do."""
        return any(isinstance(n, ast.Call) and getattr(n.func, "attr", "") in RANDOMS and (self.scope.within(n, (ast.For, ast.While, ast.ListComp, ast.GeneratorExp)) or any(isinstance(a, ast.Tuple) for a in n.args + [k.value for k in n.keywords])) for n in self.scope.nodes)

    @property
    def all_words(self):
        found = self.__dict__.get("_words")
        if found is None:
            found = self._words = " ".join(p for told in self.told.tells.values() for expression, _ in told for p in self.pieces(expression) if isinstance(p, str))
        return found

    # -- a value and the words beside it

    def segments(self, call, pieces, by):
        words = [p if isinstance(p, str) else None for p in pieces]
        units = {}
        for n, piece in enumerate(pieces):
            if isinstance(piece, str):
                continue
            before = last_clause(words[n - 1]) if n and words[n - 1] else ""
            after = words[n + 1] if n + 1 < len(words) and words[n + 1] else ""
            if by == "a title":
                before = "".join(p for p in pieces if isinstance(p, str))
            if not (before + after).strip() or not self.rests(piece):
                continue
            self.beside(call, before, after, piece)
            self.other(call, before, piece, after, "".join(w or "" for w in words))
            self.measured(call, before, piece, after)
            if by not in ("a title",):
                self.way(call, before, piece, after)
                self.way_behind(call, before, piece, after)
                self.scale(call, piece, after)
                unit = self.unit(piece, before, after)
                key = ast.dump(self.inner(piece))
                if unit and units.setdefault(key, unit) != unit:
                    self.find(call, "Gives one and the same value in %s and in %s, without converting it." % (units[key], unit), unit)

    def inner(self, piece):
        if isinstance(piece, ast.Call) and self.scope.dotted(piece.func) in ("desk.money", "desk.number") and piece.args:
            return piece.args[0]
        return piece

    def unit(self, piece, before, after):
        if isinstance(piece, ast.Call) and self.scope.dotted(piece.func) == "desk.money":
            given = piece.args[1:2] + [k.value for k in piece.keywords if k.arg == "currency"]
            text = self.scope.text(given[0]) if given else None
            if text:
                return UNIT.get(text.upper(), text.upper())
        found = re.search(r"([€$£¥])$", before.rstrip()) or re.match(SIGNS, after.lstrip())
        return UNIT.get(found.group().upper(), found.group().upper()) if found else ""

    def beside(self, call, before, after, value):
        steps = self.origin.facts(value).steps
        for word, witness, others, what in BESIDE:
            found, looked = word.search(nearest(before)), self.origin.last(value)
            text = self.scope.text(looked.slice) if isinstance(looked, ast.Subscript) else None
            if found and text in others and text not in witness:
                self.find(call, "Uses the name %s for a value that is computed by %s, which is something else." % (what, text), found.group())
            if found and self.single(looked) and not steps & (witness | others) and not self.column(found.group(), [value]):
                self.find(call, "Uses the name %s for a single value out of the file." % what, found.group())
            if found and steps & others and not steps & witness and not self.column(found.group(), [value]) and self.ends_with(value, others):
                others_here = any(w is not word and (w.search(before) or w.search(self.first_clause(after))) for w, *_ in BESIDE)
                beyond = self.first_clause(after)
                if not others_here and not any(w.search(t) for w in (self.high, self.low) for t in (before, beyond)):
                    self.find(call, "Uses the name %s for a value that is computed by %s, which is something else." % (what, sorted(steps & others)[0]), found.group())

    def single(self, node):
        """e["salary"].iloc[0], of what was read"""
        of = node.value if isinstance(node, ast.Subscript) and self.scope.number(node.slice) is not None else None
        of = of.value if isinstance(of, ast.Attribute) and of.attr in ("iloc", "values", "iat") else None
        return isinstance(of, ast.Subscript) and self.scope.text(of.slice) in self.inputs and isinstance(self.origin.last(of.value), ast.Call) and self.bare.reader(self.origin.last(of.value))

    def ends_with(self, value, steps):
        """Whether a value, or the table that it is looked up in, was made by one of these last."""
        last = self.origin.last(value)
        while isinstance(last, (ast.Subscript, ast.Attribute)):
            last = self.origin.last(last.value)
        return isinstance(last, ast.Call) and (getattr(last.func, "attr", "") or self.scope.dotted(last.func).rpartition(".")[2]) in steps

    def scale(self, call, value, after):
        """{total / 1000:.1f} million"""
        if isinstance(value, ast.Call) and self.scope.dotted(value.func) == "desk.percent" and value.args:
            top = self.origin.last(value.args[0])
            if isinstance(top, ast.BinOp) and isinstance(top.op, ast.Mult) and 100 in (self.scope.number(top.left), self.scope.number(top.right)):
                self.find(call, "Multiplies a share by 100 and gives it to percent(), which does so itself: it reads a hundred times too large.", "percent")
            elif isinstance(top, ast.Call) and getattr(top.func, "attr", "") in ("max", "min", "sum", "median") and not self.origin.facts(value).steps & (SHARES | {"-", "*"}) and any(self.money.search(c) or self.quantity.search(c) for c in self.origin.facts(value).columns) and not any(re.search(r"share|rate|pct|percent|ratio|margin|growth|discount", c, re.I) for c in self.origin.facts(value).columns):
                self.find(call, "Writes a value as per cent though nothing was divided: it is no share of anything.", "percent")
        found = SCALED.match(after)
        if found:
            figures = {f for n in [self.inner(value)] + [v for m in ast.walk(value) if isinstance(m, ast.Name) for one in self.scope.variables(m) if one is not None for v in one.values]
                       for part in ast.walk(n) if isinstance(part, ast.BinOp) and isinstance(part.op, (ast.Div, ast.Mult, ast.FloorDiv)) for f in [self.scope.number(part.right)] if f}
            powers = {len(str(int(f))) - 1 for f in figures if f >= 1000 and str(int(f)).strip("0") == "1"}
            if powers and SCALES[found.group(1).lower()] not in powers | {sum(powers)}:
                self.find(call, "Says %s, but the value was divided by %s: it reads too large or too small." % (found.group(1), "{:,}".format(10 ** max(powers))), found.group(1))
        elif re.match(r"\s?(%|percent\b|per cent\b)", after) and not isinstance(value, ast.Call):
            top = self.origin.last(value)
            if isinstance(top, ast.BinOp) and isinstance(top.op, ast.Div) and self.fudge.data(top.left) and self.fudge.data(top.right) and not any(isinstance(n, ast.Constant) and n.value in (100, 100.0, 0.01) for n in ast.walk(top)) \
                    and "100" not in ast.dump(self.scope.literal(top.left)) and "100" not in ast.dump(self.scope.literal(top.right)):
                self.find(call, "Writes a % sign behind a share that was not multiplied by 100: it reads a hundred times too small.", "%")

    # -- what was done and is not said

    @staticmethod
    def texts_of(node):
        return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]

    def unspoken(self):
        """A column named currency that nobody looks at, though amounts are added up."""
        for column in sorted(c for c in self.columns_read() if re.fullmatch(r"(?i)(.*[_ ])?(currency|curr|ccy|waehrung|währung)", c)):
            asked = re.compile(r"(?<!\w)%s(?!\w)" % re.escape(column))  # by its name, or in query("currency == 'USD'")
            if not any(isinstance(n, ast.Constant) and n.value == column or isinstance(n, ast.Attribute) and n.attr == column or isinstance(n, ast.Call) and getattr(n.func, "attr", "") in ("query", "eval") and any(asked.search(t) for a in n.args[:1] for t in self.texts_of(a)) for n in self.scope.nodes):
                added = next((n for n in self.scope.nodes if isinstance(n, ast.Call) and getattr(n.func, "attr", "") in ("sum", "mean", "cumsum") and any(self.money.search(c) and not re.search(r"unit|quantity|qty", c, re.I) or re.search(r"price", c, re.I) for c in self.origin.facts(n.func.value).columns)), None)
                if added is not None:
                    self.find(added, "Adds up amounts and does not look at the column %s: they may be of several currencies." % column, column)


def last_clause(text):
    return re.split(r"[.!?;]\s", text)[-1]


def nearest(text):
    """The words right before a value; behind a comma those before it, where a verb leads on: the median, is ..."""
    last = re.split(r"[,(]", text)[-1]
    return text if re.fullmatch(r"\W*(is|was|are|were|of|at)\W*", last) else last
