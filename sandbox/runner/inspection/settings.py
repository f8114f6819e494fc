"""Settings and ways of opening that can load or start something. Loaded by findings.py."""

import ast
import re

SETTINGS = ("figure.", "axes.", "font.", "lines.", "legend.", "xtick", "ytick", "grid.", "savefig.dpi", "savefig.bbox", "savefig.facecolor", "savefig.edgecolor", "savefig.transparent", "savefig.pad_inches", "patch.", "boxplot.", "hist.",
            "image.", "scatter.", "errorbar.", "date.", "text.color", "text.hinting", "text.parse_math", "text.antialiased", "text.kerning_factor", "timezone", "xaxis.", "yaxis.", "pcolor", "pdf.", "svg.", "savefig.orientation", "pdf.fonttype", "ps.fonttype", "svg.fonttype", "agg.path.", "path.", "contour.", "mathtext.", "text.usetex", "hatch.", "markers.", "polaraxes.", "axes3d.")
OPTIONS = re.compile(r"(display\.|mode\.|styler\.format\.|styler\.render\.max|future\.|compute\.)?[\w.]+")
NO_OPTIONS = ("backend", "writer", "reader", "engine", "template", "use_numba", "io.")
# Keywords with which something is loaded or opened -> the values that are usual.
LOADS = {"backend": {"agg", "matplotlib"}, "engine": {"python", "c", "openpyxl", "pyarrow", "xlsxwriter", "numexpr", "calamine", "cython", "auto", "odf", "fastparquet"}, "storage_options": set(), "opener": set(), "closefd": set(), "memory": set(), "n_jobs": {1}, "pre_dispatch": set(), "data_home": set(), "eval_env": set(),
         "key_file": set(), "eval_str": set(), "buffer": set(), "FigureClass": set(), "parser": {"pandas"}, "level": None, "url": set(), "searchpath": set(), "file_format": set(), "root_dir": set(), "dir_fd": set(), "allow_pickle": {False}, "refcheck": {True}, "stylesheet": set(), "keep_vba": {False},
         "win_type": {"boxcar", "triang", "blackman", "hamming", "bartlett", "parzen", "bohman", "blackmanharris", "nuttall", "barthann", "hann", "gaussian", "exponential", "cosine", "taylor"}}
GRAVE = {"stylesheet", "backend", "storage_options", "opener", "closefd", "eval_str", "buffer", "root_dir", "dir_fd", "allow_pickle", "refcheck", "keep_vba"}
OPENS = "Has scikit-learn open the files that data names (input)."
WRITERS = {"io.StringIO", "io.BytesIO", "pandas.ExcelWriter", "open", "matplotlib.backends.backend_pdf.PdfPages", "pathlib.Path", "openpyxl.Workbook"}


class Settings:
    def __init__(self, scope, known, report, files, the_list):
        self.scope, self.known, self.report = scope, known, report
        self.opened = {}  # a name -> what with statements open by it
        for item in (i for n in scope.nodes if isinstance(n, ast.With) for i in n.items if isinstance(i.optional_vars, ast.Name)):
            self.opened.setdefault(item.optional_vars.id, []).append(item.context_expr)

    def look(self):
        for node in self.scope.nodes:
            if isinstance(node, ast.Call):
                self.call(node)
            elif isinstance(node, ast.Dict):
                self.dictionary(node)
            elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and any(n.endswith("rcParams") for n in self.scope.names(node.value)):
                self.setting(node, node.slice)

    def find(self, level, node, text, about=""):
        self.report.add(level, node.lineno, "dynamic code", text, about)

    def call(self, node):
        method, names, keyword = getattr(node.func, "attr", ""), self.scope.names(node.func), self.scope.keywords(node)
        for arg, value in keyword.items():
            of = arg.rpartition("__")[2]  # a step of a pipeline is set by step__memory
            if of in LOADS and (of == arg or self.learns()):
                self.loads(node, of, value)
        if method == "view" and any(t.lstrip("<>|=").upper().startswith(("O", "V")) for a in node.args + list(keyword.values()) for t in self.scope.texts(a) or [self.scope.dotted(a)]):
            self.find("danger", node, "Takes the bytes of numbers for objects (view), which reaches into memory.", "view")
        if self.learns():
            self.of_models(node, method, names, keyword)
        if "seaborn" in self.scope.tops:
            self.of_pictures(node, method, names, keyword)
        if names:
            self.settings(node, method or names[0].rpartition(".")[2], names, keyword)
        self.writes(node, names, method)

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

    # -- libraries of statistics

    def learns(self):
        return not self.scope.tops.isdisjoint({"sklearn", "statsmodels"})

    def of_models(self, node, method, names, keyword):
        """What scikit-learn opens by the names that it is given, and what statsmodels keeps as a pickle."""
        for arg, value in keyword.items():
            if (arg == "input" or arg.endswith("__input")) and "sklearn" in self.scope.tops and self.scope.texts(value) != ["content"]:
                self.find("danger", node, OPENS, "input")
        if (method == "set_params" or any(n.startswith("sklearn.") for n in names)) and any(k.arg is None and not self.can_be_read(k.value) for k in node.keywords):
            self.find("caution", node, "Sets a model up in a way that cannot be read here (**).", method)
        if method == "save" and "statsmodels" in self.scope.tops and not names and not self.makes_a_book():
            self.find("danger", node, "Makes a pickle, which can run anything that is hidden in it (save).", method)

    def can_be_read(self, node):
        """Whether what a call is given by ** is a literal, or what a search has chosen out of one."""
        return isinstance(node, ast.Dict) or isinstance(node, ast.Attribute) and node.attr == "best_params_" or self.a_dict(node)

    def makes_a_book(self):
        return not self.scope.tops.isdisjoint({"openpyxl", "xlsxwriter"})

    def dictionary(self, node):
        """A grid of what a model is set up with names settings as a dictionary's keys."""
        for key in node.keys if self.learns() else ():
            text = self.scope.text(key) if key is not None else None
            if text and text.endswith("__input") and "sklearn" in self.scope.tops:
                self.find("danger", node, OPENS, "input")
            if text and text.rpartition("__")[2] in ("memory", "n_jobs", "pre_dispatch") and ("__" in text or self.is_grid(node)):
                self.find("caution", node, "Passes %s, with which something may be loaded or started." % text, text)

    def is_grid(self, node):
        """Whether a dictionary goes into a call that tries its values: directly, in a list, or by a name."""
        up = self.scope.parents.get(node)
        while isinstance(up, (ast.List, ast.Tuple)):
            up = self.scope.parents.get(up)
        return isinstance(up, (ast.Call, ast.Assign, ast.keyword)) and not self.scope.tops.isdisjoint({"sklearn"})

    def of_pictures(self, node, method, names, keyword):
        """What seaborn sets of matplotlib, and functions that it calls by their names."""
        whole = names[0] if names else ""
        given = [keyword["rc"]] if "rc" in keyword and whole.startswith("seaborn.") else []
        if whole in ("seaborn.set", "seaborn.set_theme"):
            given += node.args[6:]
        elif whole in ("seaborn.set_style", "seaborn.set_context", "seaborn.axes_style", "seaborn.plotting_context"):
            given += node.args[1:3]
        elif method == "theme" and not names:
            given += node.args
        for one in given:
            one = self.scope.stands_for(one)
            if isinstance(one, ast.Dict):
                for key in one.keys:
                    self.setting(node, key) if key is not None else self.find("caution", node, "Changes settings that cannot be read here.", method)
            elif not (isinstance(one, ast.Constant) and one.value is None) and not self.is_style(one):
                self.find("caution", node, "Changes settings that cannot be read here.", method)

    def is_style(self, node):
        """sns.axes_style("ticks") gives a style of seaborn's own; what it was given besides is looked at there."""
        return isinstance(node, ast.Call) and set(self.scope.names(node.func)) <= {"seaborn.axes_style", "seaborn.plotting_context"} and bool(self.scope.names(node.func))

    # -- settings of libraries

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
                given = self.scope.stands_for(given)
                if isinstance(given, ast.Dict):
                    for key in given.keys:
                        self.setting(node, key) if key is not None else self.find("caution", node, "Changes settings that cannot be read here.", last)
                elif "style" not in whole:
                    self.find("caution", node, "Changes settings that cannot be read here.", last)
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

    def writes(self, node, names, method):
        files = method in self.known.WRITES or (self.known.READS | self.known.WRITE_CALLS) & set(names) or any(n.startswith("pandas.read_") for n in names)
        if files and any(k.arg is None and not self.names_all(k.value) for k in node.keywords):
            self.find("caution", node, "Opens a file in a way that cannot be read here (**).", method)
        if names[:1] == ["open"] and node.args and (self.scope.number(node.args[0]) is not None or isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, (int, bool))):
            self.find("danger", node, "Opens a descriptor by its number, which is none of the program's.", "open")
        if names and names[0] in ("numpy.ndarray", "numpy.recarray", "numpy.chararray") and (len(node.args) > 2 or any(k.arg == "buf" for k in node.keywords)):
            self.find("danger", node, "Makes an array out of memory that is something else's.", names[0])
        if method in self.known.WRITES | {"save"} and node.args:
            at, of = node.args[0], node.func.value
            if method == "savefig" and isinstance(of, ast.Name) and self.is_writer(of):
                return  # a page of a PDF
            if isinstance(at, ast.Name) and self.scope.texts(at) is None and not self.is_writer(at):
                self.find("caution", node, "Writes a file whose name cannot be read here.", method)

    def a_dict(self, node):
        return isinstance(node, ast.Name) and isinstance(self.scope.stands_for(node), ast.Dict)

    def names_all(self, node):
        """Whether every name in what a call is given by ** can be read."""
        whole = self.scope.stands_for(node)
        return isinstance(whole, ast.Dict) and all(k is not None and self.scope.text(k) is not None for k in whole.keys)

    def is_writer(self, name):
        """Whether a name stands for a buffer, a writer or an open file, by whatever sets it."""
        for variable in self.scope.variables(name):
            if variable is None:
                return False
            made = [v for v in variable.values] + self.opened.get(name.id, [])
            if any(isinstance(v, ast.Call) and (WRITERS & set(self.scope.names(v.func)) or getattr(v.func, "attr", "") == "open") for v in made + variable.handed):
                return True
            if made and all(isinstance(v, (ast.BinOp, ast.JoinedStr)) for v in made):
                return True  # put together: places has looked at it
        return False
