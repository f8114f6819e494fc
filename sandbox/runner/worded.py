"""Texts that Python or a library would evaluate. Loaded by findings.py.

Formulas of pandas (query, eval), methods by their names (agg and the like), fields of
formatted texts, formulas of statistics (which patsy evaluates as Python), settings of
libraries, types that are given as text. What is literal is read; what comes from data
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
AGGREGATES = set("""mean sum count size min max median std var first last nunique prod product sem skew quantile cumsum cumprod cummax cummin cumcount rank pct_change diff shift ffill bfill pad backfill any all mode idxmax idxmin kurt
    kurtosis mad unique tail head nth describe fillna interpolate value_counts abs ohlc ngroup list len str int float bool set tuple round cov corr argmax argmin nanmean nansum nanmax nanmin nanmedian nanstd ptp log log10 log1p log2 sqrt exp
    square isna isnull notna notnull upper lower strip title index dtype normalize average""".split())
TAKES_NAMES = {"agg", "aggregate", "transform", "apply"}
NOT_FUNCTIONS = {"axis", "args", "raw", "result_type", "na_action", "engine", "engine_kwargs", "convert_dtype", "by_row", "numeric_only", "include_groups"}
FORMATS = {"set_major_formatter", "set_minor_formatter", "StrMethodFormatter"}
MODELS = set("""ols wls gls glsar glm logit probit poisson negativebinomial mnlogit mixedlm gee rlm quantreg phreg conditional_logit ordinal_gee nominal_gee OLS GLM Logit from_formula dmatrix dmatrices incr_dbuilder design_matrix_builders
    ModelDesc EvalEnvironment""".split())
OF_FORMULAS = set("C Q I bs cr cc te center standardize scale poly Treatment Sum Diff Poly Helmert np numpy".split())
OF_NUMPY = {"log", "log10", "log1p", "log2", "exp", "expm1", "sqrt", "power", "abs", "sin", "cos", "square", "maximum", "minimum", "where", "clip", "sign"}
SETTINGS = ("figure.", "axes.", "font.", "lines.", "legend.", "xtick", "ytick", "grid.", "savefig.dpi", "savefig.bbox", "savefig.facecolor", "savefig.edgecolor", "savefig.transparent", "savefig.pad_inches", "patch.", "boxplot.", "hist.",
            "image.", "scatter.", "errorbar.", "date.", "text.color", "text.hinting", "pdf.fonttype", "ps.fonttype", "svg.fonttype", "agg.path.", "path.", "contour.", "mathtext.", "text.usetex", "hatch.", "markers.", "polaraxes.", "axes3d.")
OPTIONS = re.compile(r"(display\.|mode\.|styler\.format\.|styler\.render\.max|future\.|compute\.)?[\w.]+")
NO_OPTIONS = ("backend", "writer", "reader", "engine", "template", "use_numba", "io.")
# Keywords with which something is loaded or opened -> the values that are usual.
LOADS = {"backend": {"agg", "matplotlib"}, "engine": {"python", "c", "openpyxl", "pyarrow", "xlsxwriter", "numexpr", "calamine", "cython", "auto", "odf", "fastparquet"}, "storage_options": set(), "opener": set(), "closefd": set(), "memory": set(), "n_jobs": {1},
         "key_file": set(), "eval_str": set(), "buffer": set(), "FigureClass": set(), "parser": {"pandas"}, "level": None, "url": set(), "searchpath": set(), "file_format": set(), "root_dir": set(), "dir_fd": set(), "allow_pickle": {False}}
GRAVE = {"backend", "storage_options", "opener", "closefd", "eval_str", "buffer", "root_dir", "dir_fd", "allow_pickle"}
WRITERS = {"io.StringIO", "io.BytesIO", "pandas.ExcelWriter", "open", "matplotlib.backends.backend_pdf.PdfPages", "pathlib.Path", "openpyxl.Workbook"}


class Worded:
    def __init__(self, scope, known, report, files, the_list):
        self.scope, self.known, self.report, self.list = scope, known, report, the_list

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
        keyword = self.keywords(node)
        for arg in LOADS.keys() & keyword.keys():
            self.loads(node, arg, keyword[arg])
        if method in ("query", "eval") or "pandas.eval" in names:
            for text in (node.args[:2] if names and "pandas.eval" not in names else node.args[:1]) + [keyword[k] for k in ("expr", "expression") if k in keyword]:
                self.formula(node, text, method or "eval")
            if "level" in keyword:
                self.find("danger", node, "Has pandas take names from other functions for a formula (level).", "level")
        elif method in TAKES_NAMES:
            for given in node.args[:1] + [v for k, v in keyword.items() if k == "func" or k not in NOT_FUNCTIONS and (method in ("agg", "aggregate"))]:
                self.by_name(node, given, method)
        elif last == "NamedAgg":
            for given in node.args[1:2] + [keyword[k] for k in ("aggfunc",) if k in keyword]:
                self.by_name(node, given, last)
        if "aggfunc" in keyword and last != "NamedAgg":
            self.by_name(node, keyword["aggfunc"], last)
        if last in ("bar_label", "clabel"):
            if "fmt" in keyword:
                self.format(node, keyword["fmt"], last, strict=False)
        elif last in FORMATS or method == "format" and self.is_style(node.func.value):
            for text in [t for a in node.args + [keyword[k] for k in ("fmt", "formatter") if k in keyword] for t in (list(a.values) if isinstance(a, ast.Dict) else [a])]:
                self.format(node, text, last, strict=False)
        if (last in MODELS and self.scope.tops & {"statsmodels", "patsy"}) or "formula" in keyword:
            for text in [keyword["formula"]] if "formula" in keyword else node.args[:1]:
                self.of_statistics(node, text)
        self.settings(node, last, names, keyword)
        self.writes(node, method, keyword)

    def keywords(self, node):
        """What a call is given by name, also where it comes out of a literal dict."""
        found = {k.arg: k.value for k in node.keywords if k.arg}
        for whole in [k.value for k in node.keywords if k.arg is None]:
            variable = self.scope.variable(whole) if isinstance(whole, ast.Name) else None
            whole = self.scope.only(variable) if variable is not None else whole
            if isinstance(whole, ast.Dict):
                found.update({self.scope.text(k): v for k, v in zip(whole.keys, whole.values) if k is not None and self.scope.text(k)})
            elif isinstance(whole, ast.Call) and self.scope.dotted(whole.func) == "dict":
                found.update({k.arg: k.value for k in whole.keywords if k.arg})
        return found

    def loads(self, node, arg, value):
        usual = LOADS[arg]
        if usual is None or any(isinstance(f, (ast.FunctionDef, ast.Lambda)) for f in self.scope.functions(node.func)) or self.scope.functions_or_classes(node.func):
            return
        if isinstance(value, ast.Constant) and value.value is None:
            return
        texts = self.scope.texts(value)
        if texts is None and isinstance(value, ast.Constant):
            texts = [value.value]
        if texts is None or not usual.issuperset(t.lower() if isinstance(t, str) else t for t in texts):
            self.find("danger" if arg in GRAVE else "caution", node, "Passes %s=, with which something may be loaded or opened." % arg, arg)

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
            if node.attr not in OF_COLUMNS and not of_pandas and not (isinstance(node.value, ast.Name) and node.value.id.startswith("local_") and node.attr in self.list["attributes"] and node.attr not in self.known.WRITES):
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

    # -- methods by their names

    def leaves(self, node):
        """The functions, and names of functions, that an argument of agg holds."""
        if isinstance(node, ast.Dict):
            return [leaf for v in node.values for leaf in self.leaves(v)]
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            return self.leaves(node.elts[1])
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return [leaf for e in node.elts for leaf in self.leaves(e)]
        if isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp)):
            return self.leaves(node.elt)
        if isinstance(node, ast.DictComp):
            return self.leaves(node.value)
        if isinstance(node, ast.IfExp):
            return self.leaves(node.body) + self.leaves(node.orelse)
        if isinstance(node, ast.Name):
            variable = self.scope.variable(node)
            if variable is not None and len(variable.values) == 1 and isinstance(variable.values[0], (ast.Dict, ast.List, ast.Tuple)):
                return self.leaves(variable.values[0])
        return [node]

    def by_name(self, node, given, what):
        for leaf in self.leaves(given):
            if isinstance(leaf, (ast.Lambda, ast.Attribute)):
                continue  # a function, which is looked at where it stands
            texts = self.scope.texts(leaf)
            if texts is not None:
                for text in texts:
                    if text not in AGGREGATES:
                        grave = text in self.list["taken_out"] or text in self.known.WRITES or text in ("query", "eval", "pipe", "apply", "agg") or text.startswith("_") or text not in self.list["attributes"]
                        self.find("danger" if grave else "caution", node, "Has pandas call %r by its name (%s)." % (text[:60], what), text[:60])
            elif isinstance(leaf, ast.Name):
                values = [v for one in self.scope.variables(leaf) if one is not None for v in one.values]
                if any(not isinstance(v, (ast.Lambda, ast.Name, ast.Attribute, ast.Constant)) and not self.gives_function(v) for v in values):
                    self.uncertain(node, leaf, what)
            elif isinstance(leaf, (ast.Subscript, ast.JoinedStr, ast.BinOp)) or isinstance(leaf, ast.Call) and not self.gives_function(leaf):
                self.uncertain(node, leaf, what)

    def gives_function(self, call):
        return isinstance(call, ast.Call) and (self.scope.dotted(call.func) in ("functools.partial", "numpy.vectorize", "operator.itemgetter", "pandas.NamedAgg", "dict", "list") or bool(self.scope.functions(call.func)))

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
        if node.attr == "format" and isinstance(node.ctx, ast.Load) and not self.scope.imported(node) and not self.is_style(node.value):
            up = self.scope.parents.get(node)
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

    # -- settings of libraries

    def see_Subscript(self, node):
        if isinstance(node.ctx, ast.Store) and any(n.endswith("rcParams") for n in self.scope.names(node.value)):
            self.setting(node, node.slice)

    def setting(self, node, key):
        texts = self.scope.texts(key)
        for text in [""] if texts is None else texts:
            if not text.startswith(SETTINGS) or text == "axes.prop_cycle" and isinstance(self.value_of(node), (ast.Constant, ast.Name, ast.Subscript, ast.JoinedStr, ast.BinOp)):
                self.find("danger" if text else "caution", node, "Changes a setting that can load or start something (%s)." % (text or "which one cannot be read here"), text)

    def value_of(self, node):
        up = self.scope.parents.get(node)
        return up.value if isinstance(up, ast.Assign) else None

    def settings(self, node, last, names, keyword):
        whole = names[0] if names else ""
        if whole.startswith(("matplotlib.rcParams.update", "matplotlib.pyplot.rcParams.update", "matplotlib.rc_context", "matplotlib.pyplot.rc_context", "matplotlib.style.context", "matplotlib.pyplot.style.context")):
            for given in node.args[:1] + [keyword[k] for k in ("rc",) if k in keyword]:
                variable = self.scope.variable(given) if isinstance(given, ast.Name) else None
                given = self.scope.only(variable) if variable is not None else given
                if isinstance(given, ast.Dict):
                    for key in given.keys:
                        self.setting(node, key) if key is not None else self.uncertain(node, node, last)
                elif "style" not in whole:
                    self.uncertain(node, node, last)
        if whole.endswith(("style.use", "style.context")) and node.args or whole == "matplotlib.use" and node.args:
            first = node.args[0]
            for one in first.elts if isinstance(first, (ast.List, ast.Tuple)) else [first]:
                texts = self.scope.texts(one)
                if texts is None and not isinstance(one, ast.Dict) or any(not re.fullmatch(r"[\w-]+", t) or whole == "matplotlib.use" and t.lower() not in ("agg", "svg", "pdf", "cairo") for t in texts or ()):
                    self.find("danger", node, "Loads a style or a backend by a name that is not one of the library's own.", last)
        if whole in ("pandas.set_option", "pandas.option_context", "pandas.reset_option"):
            for key in node.args[::2] if not whole.endswith("reset_option") else ():
                texts = self.scope.texts(key)
                if texts is None or any(not OPTIONS.fullmatch(t) or any(w in t for w in NO_OPTIONS) for t in texts):
                    self.find("danger", node, "Changes an option that can load something.", "set_option")
        if whole in ("matplotlib.rc", "matplotlib.pyplot.rc") and node.args:
            group = self.scope.text(node.args[0])
            for k in node.keywords:
                if group is None or k.arg is None or not (group + "." + k.arg).startswith(SETTINGS):
                    self.find("danger", node, "Changes a setting that can load or start something (%s)." % (group or "which one cannot be read here"), group or "")

    # -- files that are written or opened

    def writes(self, node, method, keyword):
        names = self.scope.names(node.func)
        if any(k.arg is None and not isinstance(k.value, ast.Dict) and not self.a_dict(k.value) for k in node.keywords) and (method in self.known.WRITES or self.known.READS & set(names)):
            self.find("caution", node, "Opens a file in a way that cannot be read here (**).", method)
        if names[:1] == ["open"] and node.args and (self.scope.number(node.args[0]) is not None or isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, (int, bool))):
            self.find("danger", node, "Opens a descriptor by its number, which is none of the program's.", "open")
        if names[:1] == ["numpy.ndarray"] and len(node.args) > 2:
            self.find("danger", node, "Makes an array out of memory that is something else's.", "numpy.ndarray")
        if method in self.known.WRITES | {"save"} and node.args:
            at = node.args[0]
            if isinstance(at, ast.Name) and self.scope.texts(at) is None and not self.is_writer(at):
                self.find("caution", node, "Writes a file whose name cannot be read here.", method)

    def a_dict(self, node):
        variable = self.scope.variable(node) if isinstance(node, ast.Name) else None
        return variable is not None and isinstance(self.scope.only(variable), ast.Dict)

    def is_writer(self, name):
        """Whether a name stands for a buffer, a writer or an open file, by whatever sets it."""
        for variable in self.scope.variables(name):
            if variable is None:
                return False
            made = [v for v in variable.values] + [i.context_expr for n in self.scope.nodes if isinstance(n, ast.With) for i in n.items if isinstance(i.optional_vars, ast.Name) and i.optional_vars.id == name.id]
            if any(isinstance(v, ast.Call) and (WRITERS & set(self.scope.names(v.func)) or getattr(v.func, "attr", "") == "open") for v in made + variable.handed):
                return True
            if made and all(isinstance(v, (ast.BinOp, ast.JoinedStr)) for v in made):
                return True  # put together: places has looked at it
        return False

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
        return "cannot be read"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in OF_FORMULAS or isinstance(node.func, ast.Attribute)):
            return "calls something"
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id in ("np", "numpy") and node.attr in OF_NUMPY):
            return "reaches for %s" % node.attr
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.SetComp, ast.Subscript, ast.JoinedStr)) or isinstance(node, ast.Name) and node.id.startswith("_"):
            return "is no formula"
    return ""
