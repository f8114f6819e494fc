"""Words that one step makes true or false, held against that step. Loaded by findings.py.

A part of Spoken (spoken.py), as Values is of Scope. What is called all must not be the first ten, the first month
not the last one, a median no other part of the values; a growth whose sign was taken away may be a fall.
"""

import ast
import re

EVERY = re.compile(r"\b((?<!after )all(?! in all\b| of th(?:em|ese|ose)\b| (?:the )?(?:others?|rest)\b)|every|entire|whole|worldwide|alle[rnsm]?|sämtliche\w*|tous|toutes|todos|todas|tutti|tutte)\b", re.I)
FEW = re.compile(r"\d|\b(top|first|last|largest|biggest|best|leading|highest|strongest|smallest|lowest|weakest|worst|most|least|fewest|cheapest|slowest|fastest|oldest|newest|latest|recent|earliest|past|previous|busiest|heaviest|longest|shortest|others?|rest|remaining|eleven|twelve|one|two|three|four|five|six|seven|eight|nine|ten|dozen|sample|example|"
                 r"erste\w*|letzte\w*|größte\w*|stärkste\w*|meiste\w*|beste\w*|kleinste\w*|premi\w+|derni\w+|meilleur\w*|principa\w+|primer\w*|últim\w+|mayor\w*|mejor\w*|prim[oiea]\b|ultim\w+|maggior\w*|miglior\w*|eerste|laatste|vergangen\w*|vorig\w*|übrigen|andere\w*|autres|otr[oa]s|altr[ie]|restant\w*|pasad[oa]s?|pass[ée]\w*|scors\w|fünf|zehn|zwölf|cinq|dix|douze|cinco|diez|doce|cinque|dieci|dodici|vijf|tien|twaalf|grootste|of all|among|out of|share|part)\b|#[^#]{0,9}\bof\b", re.I)
CUTS = {"head", "nlargest", "nsmallest", "tail"}
KEEP = {"sum", "mean", "median", "reset_index", "to_frame", "rename", "round", "copy", "rename_axis", "sort_values", "sort_index"}
ENDS_WITH_IT = r"(?!.*(?:,|\b(?:and|und|et|y|en|or|oder|against|than|als|que|to|bis|hasta|jusqu)\b))"  # the word is not of the value before
FIRST = re.compile(r"\b(first|earliest|oldest|erste[rns]?|premi[eè]re?|primer[ao]?)\b" + ENDS_WITH_IT, re.I)
FROM = re.compile(r"\b(?:since|from|than|with|against|to|after|seit|von|ab|gegenüber|als|depuis|desde|contra|sinds?|da|dal|vs)\W+(?:\w+\W+){0,2}$", re.I)
LAST = re.compile(r"\b(last|latest|newest|most recent|final|letzte[rns]?|jüngste[rns]?|derni[eè]re?|últim[ao])\b" + ENDS_WITH_IT, re.I)
GREW = re.compile(r"\b(grew|rose|increased|gained|improved|climbed|wuchs|gewachsen|gestiegen|stieg|augmenté|progressé|creci[óo]|aument[óo]|gegroeid|gestegen|cresciut\w|cresceu)\b[^.;]{0,40}$|\b(growth|increase|rise|gain|Wachstum|Zuwachs|hausse|croissance|aumento|crecimiento|groei|stijging) (?:of|by|von|um|de|van)\s*$", re.I)
MEDIAN = re.compile(r"\b(m[ée]dian[aeo]?|mediaan)\b" + ENDS_WITH_IT, re.I)
REVENUE = re.compile(r"\b(revenue|turnover|umsatz|omzet|chiffre d['’]affaires|ingresos|facturaci[óo]n|ricavi|fatturato)\s+(?:is|was|came to|totals?|totall?ed|reached|ist|war|beträgt|betrug|bedraagt|bedroeg|est de|était de|es de|fue de|è di|ammonta a)\s*$", re.I)
COUNTED = re.compile(r"\b(number|count|how many|months?|days?|anzahl|zahl|tage|monate|nombre|n[úu]mero|aantal|numero)\b", re.I)
BEHIND = re.compile(r"\s*(?:(?:has|had|is|was|shows?|made|sold|brought|earned|reached|recorded) (?:by far )?the|hat (?:den|die|das)) \w+", re.I)
THOUSANDS = re.compile(r"thousand|million|billion|\bin (?:k|m)\b|\bk\b|[k]€|€k|\bm\b|\bmn\b|\bbn\b|\bt€|tsd|tausend|mio|mrd|mille|milliers?|\bmil\b|miles|migliai|duizend|milj|mln|1[., ]?000", re.I)
SIGNIFICANT = re.compile(r"\b(statistically significant|statistisch (?:signifikant|significant)\w*|statistiquement significati\w+|estad[íi]sticamente significativ\w+|statisticamente significativ\w+)", re.I)
TESTS = set("erf erfc norm cdf sf ppf ttest_ind ttest_rel ttest_1samp chi2 chi2_contingency pvalue p_value proportions_ztest mannwhitneyu wilcoxon f_oneway kruskal fisher_exact permutation permuted shuffle choice percentile quantile sqrt std sem var t z f p ols fit linregress pearsonr spearmanr NormalDist bootstrap **".split())
ADDRESS = re.compile(r"\b(?:https?|ftp)://[^\s/?]+[^\s]*$", re.I)
SENDS = {"join", "to_json", "to_csv", "to_string", "encode", "b64encode", "urlsafe_b64encode", "urlencode", "quote", "tolist", "hex"}
PACKED = re.compile(r"[?=&][^\s]*$")


class Witness:
    compared = None  # the names that something is compared with, once they were looked for

    def witnessed(self, call, pieces, by):
        """What one step of each value has to bear out."""
        words = "".join(p if isinstance(p, str) else " # " for p in pieces)
        for n, piece in enumerate(pieces):
            if isinstance(piece, str):
                continue
            before = pieces[n - 1] if n and isinstance(pieces[n - 1], str) else ""
            near = re.split(r"[.!?;:]\s|, ", re.sub(r":\s*$", "", before))[-1]
            if by == "a title" or not self.rests(piece):
                continue
            last = self.origin.last(piece)
            self.of_few(call, words, piece)
            self.in_time(call, near, last)
            self.grown(call, near, piece)
            self.stated(call, words, near, piece)
            self.multiplied(call, piece)
            method, given = (getattr(last.func, "attr", "") or self.scope.dotted(last.func).rpartition(".")[2], last.args) if isinstance(last, ast.Call) else ("", [])
            if method in ("quantile", "percentile", "nanpercentile") and given and MEDIAN.search(near):
                part = self.scope.number(given[-1])
                if part is not None and part not in (0.5, 50):
                    self.find(call, "Uses the name median for another part of the values (%s)." % ast.unparse(last)[-40:], "median")
            if method in ("count", "len", "size", "nunique") and REVENUE.search(before) and not COUNTED.search(before):
                self.find(call, "Uses the word %s for a number of rows." % REVENUE.search(before).group(1), "revenue")
            if self.scope.dotted(getattr(piece, "func", piece)) == "desk.money" and piece.args:
                self.in_thousands(call, piece.args[0])
        found = SIGNIFICANT.search(words)
        if found and not self.steps([], call, True) & TESTS:
            self.find(call, "Says %r, and nothing was tested." % found.group(), found.group())

    def of_few(self, call, words, value):
        """The sum of the first ten, told as that of all."""
        every = EVERY.search(words)
        if not every or FEW.search(words):
            return
        last = self.origin.last(value)
        for _ in range(8):
            if isinstance(last, ast.Call) and isinstance(last.func, ast.Attribute) and last.func.attr in KEEP:
                last = self.origin.last(last.func.value)
            elif isinstance(last, ast.Subscript) and self.scope.text(last.slice) is not None:
                last = self.origin.last(last.value)
            else:
                break
        if isinstance(last, ast.Call) and isinstance(last.func, ast.Attribute) and last.func.attr in CUTS and not self.scope.imported(last.func) and not any(self.scope.number(a) is None for a in last.args[:1]):
            self.find(call, "Says %r of a part of the rows only (%s)." % (every.group(), last.func.attr), every.group())

    def in_thousands(self, call, value):
        """money(total / 1000), where nothing says thousands: it reads a thousand times too small."""
        last = self.origin.last(value)
        by = self.scope.number(last.right) if isinstance(last, ast.BinOp) and isinstance(last.op, ast.Div) else None
        end = self.origin.last(last.left) if by in (1000, 1_000_000) else None
        if isinstance(end, ast.Call) and getattr(end.func, "attr", "") in ("sum", "mean", "median", "max", "min") and self.legible and not THOUSANDS.search(self.all_words) \
                and not self.origin.facts(end).steps & {"*", "/", "mul", "div"} and any(map(self.money_only, self.origin.facts(end).columns)):
            self.find(call, "Writes an amount that was divided by %s, and nothing says so: it reads as many times too small." % "{:,}".format(int(by)), "%g" % by)

    def money_only(self, column):
        return bool(self.money.search(column)) and not self.quantity.search(column) and not re.search(r"milli|cent|mill|micro|_m\b", column, re.I)

    def way_behind(self, call, before, value, after):
        """{share.idxmax()} has the lowest share"""
        found = BEHIND.match(after)
        if found and not self.origin.facts(value).steps & {"value_counts", "most_common", "size", "count"} and not self.high.search(before) and not self.low.search(before):
            self.way(call, found.group(), value, after[found.end():])

    def in_time(self, call, near, last):
        """the first month made {m.iloc[-1]}"""
        at = self.scope.number(last.slice) if isinstance(last, ast.Subscript) else None
        of = last.value if at in (0, -1) else None
        if not (isinstance(of, ast.Attribute) and of.attr in ("iloc", "index", "iat")) or bool(FIRST.search(near)) == bool(LAST.search(near)):
            return
        said = FIRST.search(near) or LAST.search(near)
        if (at == -1) != bool(LAST.search(near)) and not FROM.search(near[:said.start()]) and self.by_time(of.value):
            word = said.group()
            self.find(call, "Uses the word %s for the %s of the values in time." % (word, "last" if at == -1 else "first"), word)

    def by_time(self, node):
        """Whether something stands in the order of time, from the earliest on."""
        facts = self.origin.facts(node)
        return bool(facts.steps & {"resample", "to_period", "asfreq"}) and not facts.steps & {"sort_values", "ascending", "sort_index", "rank", "nlargest", "nsmallest", "head", "tail", "value_counts"} \
            and not any(isinstance(n, ast.Slice) and n.step is not None for n in self.scope.nodes)

    def grown(self, call, near, piece):
        """grew by {percent(abs(change))}, where nothing asks whether it fell."""
        found = GREW.search(near)
        inner = piece.args[0] if found and isinstance(piece, ast.Call) and self.scope.dotted(piece.func) in ("desk.percent", "desk.money", "desk.number") and piece.args else piece
        if not found or not isinstance(inner, ast.Call) or self.scope.dotted(inner.func) != "abs" or not inner.args:
            return
        last = self.origin.last(inner.args[0])
        names = {n.id for n in ast.walk(inner) if isinstance(n, ast.Name)}
        if self.compared is None:
            self.compared = {m.id for n in self.scope.nodes if isinstance(n, ast.Compare) for m in ast.walk(n) if isinstance(m, ast.Name)}
        if isinstance(last, ast.BinOp) and isinstance(last.op, (ast.Sub, ast.Div)) and not names & self.compared:
            self.find(call, "Says %r of a change whose sign was taken away (abs): it may be a fall." % (found.group(1) or found.group(2)), "abs")

    def put_together(self, node):
        """Values in an address (https://.../?d={data}): whoever opens it, or shows what is behind it, sends them there. And a share that reads a hundred times too large: {share * 100:.0%}."""
        if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr) and any(isinstance(v, ast.Constant) and str(v.value).endswith("%") for v in node.format_spec.values):
            last = self.origin.last(node.value)
            if isinstance(last, ast.BinOp) and isinstance(last.op, ast.Mult) and 100 in (self.scope.number(last.left), self.scope.number(last.right)):
                self.find(node, "Writes as per cent what was multiplied by 100 already: it reads a hundred times too large.", "percent")
        if isinstance(node, ast.IfExp) and self.scope.number(node.body) == 0 and isinstance(node.test, (ast.Call, ast.Compare)):
            counted = node.test if isinstance(node.test, ast.Call) else node.test.left if isinstance(node.test.ops[0], (ast.Gt, ast.NotEq)) and self.scope.number(node.test.comparators[0]) == 0 else None
            if isinstance(counted, ast.Call) and self.scope.dotted(counted.func) == "len" and counted.args and isinstance(counted.args[0], ast.Name) and any(isinstance(n, ast.Name) and n.id == counted.args[0].id for n in ast.walk(node.orelse)):
                self.find(node, "Gives 0 where there are rows (%s), and computes where there are none." % counted.args[0].id, counted.args[0].id)
        if not (isinstance(node, ast.JoinedStr) or isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mod)) or isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "format"):
            return
        pieces = self.pieces(node)
        for before, piece in zip(pieces, pieces[1:]):
            found = ADDRESS.search(before) if isinstance(before, str) and not isinstance(piece, str) else None
            if found and self.rests(piece):
                packed = PACKED.search(found.group()) or any(isinstance(n, ast.Attribute) and n.attr in SENDS for n in ast.walk(piece))
                self.report.find("danger" if packed else "caution", node.lineno, "output", "Puts values into an address: opening it sends them to %s." % re.split(r"[/?]", found.group().partition("://")[2])[0][:60], found.group()[:60])

    def multiplied(self, call, piece):
        """{len(c) * 3} customers"""
        of = piece.args[0] if isinstance(piece, ast.Call) and self.scope.dotted(piece.func) in ("desk.number", "round", "int") and piece.args else piece
        if isinstance(of, ast.BinOp) and isinstance(of.op, ast.Mult):
            for number, counted in ((self.scope.number(of.left), of.right), (self.scope.number(of.right), of.left)):
                if number not in (None, 0, 1, 100) and isinstance(counted, ast.Call) and (getattr(counted.func, "attr", "") in ("nunique", "count") or self.scope.dotted(counted.func) == "len") \
                        and self.rests(counted) and "%g" % number not in re.findall(r"[0-9.]+", self.all_words) and not re.search(r"twice|double|pair|each|per |half|year|month|week|hour|minute", self.all_words, re.I):
                    self.find(call, "Multiplies a number of rows by %g, and says nowhere why." % number, "%g" % number)
