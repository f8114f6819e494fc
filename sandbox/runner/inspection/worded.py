"""Texts that Python or a library would evaluate. Loaded by findings.py.

Formulas of pandas (query, eval), methods by their names (agg and the like), fields of
formatted texts, formulas of statistics (which patsy evaluates as Python), types that are
given as text. What is literal is read; what comes from data
or is put together lifts the tier, since nobody can say before the run what it will be.
"""

import ast
import re
import string

TICKS = re.compile(r"`[^`\n]*`")
AT = re.compile(r"@\s*(?=[A-Za-z_])")
# What a formula of pandas may call or reach: of columns, and by itself.
OF_COLUMNS = set("""str dt cat isin between isna isnull notna notnull eq ne lt le gt ge abs round mean sum min max median std var count size nunique unique mode quantile shift diff rank cumsum cumprod pct_change fillna ffill bfill clip
    astype contains startswith endswith lower upper strip lstrip rstrip len replace match fullmatch slice get split title capitalize zfill year month day hour minute second weekday dayofweek dayofyear quarter date days_in_month
    is_month_end is_month_start is_quarter_end is_year_end days seconds total_seconds month_name day_name normalize floor ceil isocalendar week notnull duplicated index values any all first last head tail idxmax idxmin""".split())
FUNCTIONS = set("sin cos tan exp log log10 log1p expm1 sqrt abs arcsin arccos arctan arctan2 sinh cosh tanh floor ceil where len round max min sum".split())
OF_PANDAS = {"Timestamp", "Timedelta", "to_datetime", "to_timedelta"}
TAKES_NAMES = {"agg", "aggregate", "transform", "apply"}
NOT_FUNCTIONS = {"axis", "args", "raw", "result_type", "na_action", "engine", "engine_kwargs", "convert_dtype", "by_row", "numeric_only", "include_groups"}
FORMATS = {"set_major_formatter", "set_minor_formatter", "StrMethodFormatter"}
MODELS = set("""ols wls gls glsar glm logit probit poisson negativebinomial mnlogit mixedlm gee rlm quantreg phreg conditional_logit ordinal_gee nominal_gee from_formula dmatrix dmatrices incr_dbuilder design_matrix_builders
    ModelDesc EvalEnvironment""".split())
OF_FORMULAS = set("C Q I bs cr cc te center standardize scale poly Treatment Sum Diff Poly Helmert np numpy".split())
CANNOT = "cannot be read"
OF_NUMPY = {"log", "log10", "log1p", "log2", "exp", "expm1", "sqrt", "power", "abs", "sin", "cos", "square", "maximum", "minimum", "where", "clip", "sign"}


class Worded:
    def __init__(self, scope, known, report, files, the_list):
        self.scope, self.known, self.report, self.list = scope, known, report, the_list
        self.methods = None  # for named.py

    def look(self):
        for node in self.scope.nodes:
            how = getattr(self, "see_" + type(node).__name__, None)
            if how is not None:
                how(node)

    def find(self, level, node, text, about=""):
        self.report.add(level, getattr(node, "lineno", 0), "dynamic code", text, about)

    def uncertain(self, node, text, what):
        """A text that is evaluated and cannot be read before the run: put together is one thing, out of the data another."""
        grave = self.scope.obscured(text) or not isinstance(text, (ast.Name, ast.JoinedStr, ast.BinOp, ast.IfExp, ast.Attribute))
        self.find("danger" if grave else "caution", node, "Evaluates a text that cannot be read here (%s)." % what, what)

    # -- calls

    def see_Call(self, node):
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        names = self.scope.names(node.func)
        last = method or (names[0].rpartition(".")[2] if names else "")
        keyword = self.scope.keywords(node)
        if method in ("query", "eval") or "pandas.eval" in names:
            for text in (node.args[:2] if names and "pandas.eval" not in names else node.args[:1]) + [keyword[k] for k in ("expr", "expression") if k in keyword]:
                self.formula(node, text, method or "eval")
            for unread in (k.value for k in node.keywords if k.arg is None and not self.read_whole(k.value)):
                self.uncertain(node, unread, method or "eval")
            if "level" in keyword:
                self.find("danger", node, "Has pandas take names from other functions for a formula (level).", "level")
        elif method in TAKES_NAMES:
            if "level" in keyword and len(node.args) > 1:
                self.find("danger", node, "Has pandas take names from other functions for a formula (level).", "level")
            for given in node.args[:1] + [v for k, v in keyword.items() if k == "func" or k not in NOT_FUNCTIONS and (method in ("agg", "aggregate"))] + [k.value for k in node.keywords if k.arg is None]:
                self.by_name(node, given, method)
        elif last == "NamedAgg":
            for given in node.args[1:2] + [keyword[k] for k in ("aggfunc",) if k in keyword]:
                self.by_name(node, given, last)
        at = 4 if "pandas.pivot_table" in names else 3 if method == "pivot_table" and not names else 99
        for given in node.args[at:at + 1]:
            self.by_name(node, given, last)
        if "aggfunc" in keyword and last != "NamedAgg":
            self.by_name(node, keyword["aggfunc"], last)
        if last in ("bar_label", "clabel"):
            if "fmt" in keyword:
                self.format(node, keyword["fmt"], last, strict=False)
        elif last in FORMATS or method == "format" and self.is_style(node.func.value):
            for text in [t for a in node.args + [keyword[k] for k in ("fmt", "formatter") if k in keyword] for t in (list(a.values) if isinstance(a, ast.Dict) else [a])]:
                self.format(node, text, last, strict=False)
        formulas = [v for k, v in keyword.items() if k.endswith(("formula", "formulas", "formula_like"))]
        of_models = not names or any(n.partition(".")[0] in ("statsmodels", "patsy") for n in names)
        if last in MODELS and of_models and self.scope.tops & {"statsmodels", "patsy"} and not {"formula", "formula_like"} & keyword.keys():
            formulas += [a for a in node.args[:1] if self.scope.number(a) is None]  # rng.poisson(4)
        for text in formulas:
            for one in text.values if isinstance(text, ast.Dict) else [text]:
                self.of_statistics(node, one)
        if "seaborn" in self.scope.tops and "estimator" in keyword and self.scope.texts(keyword["estimator"]) is not None:
            self.by_name(node, keyword["estimator"], "estimator")
        elif names and names[0] in ("seaborn.objects.Agg", "seaborn.objects.Est"):
            for given in node.args[:1] + [keyword[k] for k in ("func",) if k in keyword]:
                self.by_name(node, given, last)
        if method == "set_titles" and "seaborn" in self.scope.tops:
            for text in node.args[:1] + [keyword[k] for k in ("template", "row_template", "col_template") if k in keyword]:
                self.format(node, text, method, strict=False)

    def read_whole(self, node):
        """Whether all that a call is given by ** has been looked at by its names."""
        whole = self.scope.stands_for(node)
        return isinstance(whole, ast.Dict) and all(k is not None and self.scope.text(k) is not None for k in whole.keys)

    # -- formulas of pandas

    def formula(self, node, given, what):
        texts = self.scope.texts(given)
        if texts is None and isinstance(given, ast.JoinedStr):
            whole = self.with_numbers(given)
            if whole is not None:
                texts = [whole]
        if texts is None or self.scope.obscured(given):
            return self.uncertain(node, given, what)
        for text in texts:
            wrong = self.wrong_in_formula(text)
            if wrong:
                self.find("danger", node, "Has pandas evaluate a text that %s (%s)." % (wrong, what), what)

    def with_numbers(self, given):
        """An f-string that puts numbers into a formula, as a formula."""
        parts = []
        for part in given.values:
            if isinstance(part, ast.Constant):
                parts.append(part.value)
            elif self.is_number(part.value) or part.format_spec is not None and re.fullmatch(r"[\d,._]*[dfeg%]", self.scope.text(part.format_spec) or ""):
                parts.append("1")
            else:
                return None
        return "".join(parts)

    def is_number(self, node):
        if self.scope.number(node) is not None or isinstance(node, ast.Call) and self.scope.dotted(node.func) in ("int", "float", "len", "round"):
            return True
        if isinstance(node, ast.BinOp):
            return self.is_number(node.left) and self.is_number(node.right)
        if isinstance(node, ast.Name):
            variable = self.scope.variable(node)
            turns = [e for t in (variable.turns if variable else ()) for e in (t.elts if isinstance(t, (ast.List, ast.Tuple)) else [t])]
            return variable is not None and bool(variable.values or turns) and variable.sets == len(variable.values) + len(variable.turns) and not variable.imports and all(
                isinstance(e, ast.Constant) and isinstance(e.value, (int, float)) or isinstance(e, ast.Call) and self.scope.dotted(e.func) in ("int", "float", "len", "round", "range") for e in variable.values + turns)
        return False

    def wrong_in_formula(self, text):
        plain = AT.sub("local_", TICKS.sub("column", text)).strip()
        for name in re.findall(r"@\s*([A-Za-z_]\w*)", text):
            if not any(name in own for own in self.scope.own.values()):
                return "names something that the program does not have"
            if any(own[name].imports for own in self.scope.own.values() if name in own) and not re.search(r"@\s*%s\s*\.\s*(%s)\b" % (name, "|".join(OF_PANDAS)), text):
                return "names a module"
        try:
            trees = [ast.parse(line.strip()) for line in plain.splitlines() if line.strip()] if "\n" in plain else [ast.parse(plain)]
        except (SyntaxError, ValueError):
            return "cannot be read" if "__" in plain or "(" in plain else ""
        for node in (n for tree in trees for n in ast.walk(tree)):
            wrong = self.wrong_part(node)
            if wrong:
                return wrong
        return ""

    def wrong_part(self, node):
        if isinstance(node, ast.Name) and "__" in node.id or isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            return "reaches into Python's own machinery"
        if isinstance(node, ast.Attribute):
            of_pandas = isinstance(node.value, ast.Name) and node.value.id in ("local_pd", "pd", "local_pandas") and node.attr in OF_PANDAS
            if node.attr not in OF_COLUMNS and not of_pandas and not (isinstance(node.value, ast.Name) and node.value.id.startswith("local_") and node.attr in self.list["attributes"] and node.attr not in self.known.WRITES | self.scope.CHANGES):
                return "reaches for %s" % node.attr
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            name = node.func.id
            if name.removeprefix("local_") not in FUNCTIONS | OF_PANDAS:
                return "calls %s" % name.replace("local_", "@")
        elif isinstance(node, ast.Call) and not isinstance(node.func, ast.Attribute):
            return "calls something"
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.JoinedStr)):
            return "is no formula"
        return ""

    # -- texts that are formatted

    def is_style(self, node):
        """Whether something is a table's style, whose format takes texts and functions."""
        for _ in range(40):
            if isinstance(node, ast.Call):
                node = node.func
            elif isinstance(node, ast.Attribute):
                if node.attr == "style":
                    return True
                node = node.value
            elif isinstance(node, ast.Name):
                variable = self.scope.variable(node)
                value = self.scope.only(variable) if variable is not None else None
                if value is None:
                    return False
                node = value
            else:
                return False
        return False

    def see_Attribute(self, node):
        up = self.scope.parents.get(node)
        self.handed_on(node, up)
        if isinstance(up, ast.Call) and up.func is node and not up.args and not up.keywords:
            return  # with nothing put in there is nothing to reach into
        if node.attr == "format" and isinstance(node.ctx, ast.Load) and not self.scope.imported(node) and not self.is_style(node.value):
            if isinstance(node.value, ast.Name) and self.scope.dotted(node.value) == "str":
                self.format(node, up.args[0] if isinstance(up, ast.Call) and up.func is node and up.args else up, "format", strict=True)
            else:
                self.format(node, node.value, "format", strict=True)

    def format(self, node, given, what, strict):
        texts = self.scope.texts(given)
        if texts is None:
            if strict or isinstance(given, (ast.Subscript, ast.BinOp, ast.JoinedStr)):
                self.uncertain(node, given, what)
            return
        for text in texts:
            for field in fields(text):
                for name in re.findall(r"\.([^.\[\]]*)", field):
                    if name.startswith("_") or name in self.list["taken_out"] or name not in self.list["attributes"]:
                        self.find("danger" if name.startswith("_") or name in self.list["taken_out"] else "caution", node, "Reaches %s from within a text's braces." % (name or "something"), name)

    # -- formulas of statistics

    def of_statistics(self, node, given):
        texts = self.scope.texts(given)
        if texts is None:
            return self.uncertain(node, given, "formula")
        for text in texts:
            for side in text.replace("~", "\n").splitlines():
                wrong = wrong_in_statistics(side)
                if wrong:
                    self.find("danger", node, "A formula, which is evaluated as Python, %s." % wrong, "formula")

    def handed_on(self, node, up):
        """A function that takes a formula and is not called where it stands: by whom, and with what, cannot be followed."""
        if isinstance(up, ast.Call) and up.func is node or isinstance(up, ast.Assign) and all(isinstance(t, ast.Name) for t in up.targets) or not isinstance(node.ctx, ast.Load):
            return
        for name in self.scope.names(node) if self.scope.tops & {"statsmodels", "patsy"} else ():
            last = name.rpartition(".")[2]
            if name.partition(".")[0] in ("statsmodels", "patsy") and last in MODELS:
                self.find("caution", node, "Hands on %s, so that the formula that it evaluates cannot be followed." % last, last)

    def see_Name(self, node):
        up = self.scope.parents.get(node)
        if not isinstance(up, ast.Attribute):
            self.handed_on(node, up)

    def see_Constant(self, node):
        """Whatever looks like a formula is read as one: it may be handed to a model by ways that cannot be followed."""
        if isinstance(node.value, str) and "~" in node.value and len(node.value) < 2000 and self.scope.tops & {"statsmodels", "patsy"}:
            wrong = [w for w in map(wrong_in_statistics, node.value.replace("~", "\n").splitlines()) if w and w != CANNOT]
            if wrong:
                self.find("danger", node, "A formula, which is evaluated as Python, %s." % wrong[0], "formula")

    # -- types that are given as text

    def see_AnnAssign(self, node):
        self.type_text(node, node.annotation)

    def see_arg(self, node):
        self.type_text(node, node.annotation)

    def see_FunctionDef(self, node):
        self.type_text(node, node.returns)

    def type_text(self, node, given):
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            try:
                parts = list(ast.walk(ast.parse(given.value, mode="eval").body))
            except (SyntaxError, ValueError):
                parts = [None]
            if not all(isinstance(p, (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.List, ast.BinOp, ast.BitOr, ast.Load)) for p in parts) or "__" in given.value:
                self.find("danger", node, "Gives a type as a text that would be run.", "annotation")


def fields(text, depth=0):
    """The names of the fields of a text that is formatted, also those within their formats."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        return []
    found = [field for _, field, _, _ in parts if field]
    return found + [f for _, _, spec, _ in parts if spec and depth < 3 for f in fields(spec, depth + 1)]


def wrong_in_statistics(text):
    try:
        tree = ast.parse(text.strip().replace(":", "+") or "1", mode="eval")
    except (SyntaxError, ValueError):
        return CANNOT
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in OF_FORMULAS or isinstance(node.func, ast.Attribute)):
            return "calls something"
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy") and node.attr in OF_NUMPY):
            return "reaches for %s" % node.attr
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp, ast.Subscript, ast.JoinedStr)) or isinstance(node, ast.Name) and node.id.startswith("_"):
            return "is no formula"
    return ""
