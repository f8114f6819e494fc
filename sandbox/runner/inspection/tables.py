"""Whether the columns that a program uses are there. Loaded by findings.py.

Only what is certain is sent back to the model: a table that is read from an
input, or made from such a one by steps that give it no column unseen, and a
column that neither the file has nor anything in the program could make.
"""

import ast
import difflib

# Keywords of a reader after which the columns may have other names, or there is no table.
OTHER_NAMES = {"header", "names", "skiprows", "index_col", "sheet_name", "skipinitialspace", "mangle_dupe_cols", "prefix", "sep", "delimiter", "chunksize", "iterator", "squeeze", "orient", "typ", "lines", "sheet"}
# Methods that change a table's columns in place.
CHANGES = {"insert", "pop", "update", "eval", "set_axis", "pipe", "apply"}
OF_THE_READER = ("usecols", "parse_dates", "columns")
# Methods that give a table without a column that does not stand in the code.
KEEPS = {"copy", "dropna", "drop_duplicates", "head", "tail", "sample", "sort_values", "sort_index", "fillna", "ffill", "bfill", "query", "nlargest", "nsmallest", "round", "astype", "drop",
         "assign", "set_index", "replace", "truncate", "infer_objects", "convert_dtypes"}
# method -> the keywords that name columns; the first may come without its name.
NAMES = {"groupby": ("by",), "sort_values": ("by",), "drop_duplicates": ("subset",), "duplicated": ("subset",), "set_index": ("keys",), "nlargest": ("", "columns"), "nsmallest": ("", "columns"),
         "dropna": ("", "", "", "subset"), "explode": ("column",), "drop": ("", "", "", "columns"), "pivot_table": ("values", "index", "columns"), "pivot": ("", "index", "columns", "values"),
         "melt": ("id_vars", "value_vars"), "boxplot": ("column", "by"), "hist": ("column", "by"), "plot": ("x", "y"), "merge": ("", "", "on", "left_on"), "value_counts": ("subset",)}
PLOTS = {"bar", "barh", "line", "scatter", "area", "hexbin", "pie"}
# Methods of a column that choose rows.
CHOOSES = {"isin", "between", "contains", "startswith", "endswith", "notna", "isna", "notnull", "isnull", "eq", "ne", "gt", "ge", "lt", "le", "duplicated", "match", "fillna", "astype"}
# Functions that only show a text.
SHOWS = {"print", "title", "suptitle", "xlabel", "ylabel", "set_title", "set_xlabel", "set_ylabel", "text", "annotate", "figtext", "info", "debug", "warning"}
MOST = 50  # tables that one is made from, one after the other
LABELS = {"label", "title", "xlabel", "ylabel"}


class Tables:
    def __init__(self, scope, report, files):
        self.scope, self.report = scope, report
        self.columns = {f["name"]: f["columns"] for f in files}
        self.uncertain = set()  # tables that may have got other columns, by the variable that they come from
        self.used = []          # (node, file, variable, the column's own node)
        self.reads_only = set() # texts that name a column or a label and make none
        self.built = set()      # texts that are put together, by which columns are set
        self.known = {}         # a variable -> the table that it is
        self.busy = set()
        self.functions = {name for own in scope.own.values() for name, variable in own.items() if variable.made}

    def look(self, tree):
        for node in self.scope.nodes:
            self.learn(node)
        for node in self.scope.nodes:
            self.use(node)
        self.check()

    # -- which expressions are tables

    def reads(self, call):
        """A call that reads an input as it is."""
        return self.of_an_input(call) and not {k.arg for k in call.keywords} & OTHER_NAMES and not (len(call.args) > 1 and self.scope.dotted(call.func) == "desk.load")

    def of_an_input(self, call):
        name = self.scope.dotted(call.func)
        return (name.startswith("pandas.read_") or name == "desk.load") and call.args and self.scope.text(call.args[0]) in self.columns

    def table(self, node):
        """The file that a table comes from and the variable that holds it; None for what is no table, or none of the kind."""
        if isinstance(node, ast.Name):
            variable = self.scope.variable(node)
            value = self.scope.only(variable) if variable is not None else None
            # Set more than once, or made of itself: which table it is at a place cannot be told, and nothing is said of it.
            if value is None or variable in self.busy or len(self.busy) > MOST:
                return None
            if variable not in self.known:
                self.busy.add(variable)
                found = self.table(value)
                self.busy.discard(variable)
                self.known[variable] = found and (found[0], found[1] or variable)
            return self.known[variable]
        if isinstance(node, ast.Call):
            if self.reads(node):
                return self.scope.text(node.args[0]), None
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            keyword = {k.arg: k.value for k in node.keywords}
            if method in KEEPS and None not in keyword or method == "reset_index" and isinstance(keyword.get("drop"), ast.Constant) and keyword["drop"].value is True:
                return self.table(node.func.value)
        elif isinstance(node, ast.Subscript):
            value = node.value.value if isinstance(node.value, ast.Attribute) and node.value.attr in ("loc", "iloc") else node.value
            if self.chooses_rows(node.slice):
                return self.table(value)
        return None

    def chooses_rows(self, by):
        if isinstance(by, ast.Name):
            variable = self.scope.variable(by)
            by = self.scope.only(variable) if variable is not None else None
        if isinstance(by, ast.Call):
            return isinstance(by.func, ast.Attribute) and by.func.attr in CHOOSES
        if isinstance(by, ast.BinOp):
            return isinstance(by.op, (ast.BitAnd, ast.BitOr))
        return isinstance(by, (ast.Compare, ast.Slice, ast.List)) or isinstance(by, ast.UnaryOp) and isinstance(by.op, ast.Invert)

    def grouped(self, node):
        """The table that a grouping is of."""
        if isinstance(node, ast.Name):
            variable = self.scope.variable(node)
            node = self.scope.only(variable) if variable is not None else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "groupby":
            return self.table(node.func.value)
        return None

    # -- what may give a table other columns

    def learn(self, node):
        if isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            root = node
            while isinstance(root, (ast.Attribute, ast.Subscript)):
                root = root.value
            direct = node.value.value if isinstance(node.value, ast.Attribute) and node.value.attr in ("loc", "at") else node.value  # df.loc[:, name] as well
            by = getattr(node, "slice", None)
            texts = self.scope.texts(by.elts[-1] if isinstance(by, ast.Tuple) and by.elts else by) if by is not None and direct is root else None
            self.built.update(texts or ())
            if texts is None:
                self.doubt(root)
        elif isinstance(node, ast.Call):
            self.named_to_reader(node)
            if isinstance(node.func, ast.Attribute) and (node.func.attr in CHANGES or any(k.arg in ("inplace", None) for k in node.keywords)):
                self.doubt(node.func.value)
            own = isinstance(node.func, ast.Name) and self.scope.is_made(node.func) and not self.scope.dotted(node.func).startswith("desk.") or isinstance(node.func, ast.Attribute) and node.func.attr in self.functions
            for arg in node.args + [k.value for k in node.keywords] if own else ():
                self.doubt(arg)  # a function of the program's own may add columns
        elif isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Dict)) and isinstance(getattr(node, "ctx", None), (ast.Load, type(None))):
            for held in node.values if isinstance(node, ast.Dict) else node.elts:
                self.doubt(held)  # and so may whatever takes it out again
        elif isinstance(node, ast.Return) and node.value is not None:
            self.doubt(node.value)

    def doubt(self, node):
        found = self.table(node) if isinstance(node, (ast.Name, ast.Call, ast.Subscript)) else None
        if found:
            self.uncertain.add(found[1])

    def named_to_reader(self, call):
        if not self.of_an_input(call):
            return
        file = self.scope.text(call.args[0])
        if {k.arg for k in call.keywords} & (OTHER_NAMES - {"index_col", "sheet_name", "sheet"}) or not self.columns[file]:
            return
        for k in call.keywords:
            several = self.scope.value(k.value) if k.arg in OF_THE_READER else None
            for column in several if isinstance(several, (list, tuple)) else ():
                if isinstance(column, str) and column not in self.columns[file]:
                    self.missing(call.lineno, file, column, True)

    # -- where columns are used

    def use(self, node):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            if isinstance(node.value, ast.Attribute) and node.value.attr == "loc":
                if isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
                    self.columns_used(node, self.table(node.value.value), node.slice.elts[1])
            else:
                self.columns_used(node, self.table(node.value) or self.grouped(node.value), node.slice)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            self.called(node, node.func.attr, {k.arg: k.value for k in node.keywords})

    def called(self, node, method, keyword):
        of = node.func.value
        if self.scope.dotted(node.func) == "pandas.merge" and len(node.args) > 1:
            self.merged(node, self.table(node.args[0]), self.table(node.args[1]), keyword)
        elif method == "merge" and node.args:
            self.merged(node, self.table(of), self.table(node.args[0]), keyword)
        elif method in ("agg", "aggregate"):
            table = self.grouped(of) or self.table(of)
            wanted = node.args[0].keys if node.args and isinstance(node.args[0], ast.Dict) else []
            wanted = wanted + [v.elts[0] for v in keyword.values() if isinstance(v, ast.Tuple) and len(v.elts) == 2]
            for w in wanted:
                self.columns_used(node, table, w)
        elif method in NAMES and not (method == "drop" and "errors" in keyword):
            names = NAMES[method]
            wanted = [a for a, name in zip(node.args, names) if name] + [keyword[name] for name in names if name in keyword]
            for w in wanted:
                self.columns_used(node, self.table(of), w)
        elif method in PLOTS and isinstance(of, ast.Attribute) and of.attr == "plot":
            for w in [keyword[name] for name in ("x", "y") if name in keyword]:
                self.columns_used(node, self.table(of.value), w)

    def merged(self, node, left, right, keyword):
        for name, tables in (("on", (left, right)), ("left_on", (left,)), ("right_on", (right,))):
            for table in tables if name in keyword else ():
                self.columns_used(node, table, keyword[name])

    def columns_used(self, node, table, wanted):
        for w in wanted.elts if isinstance(wanted, (ast.List, ast.Tuple)) else [wanted]:
            if isinstance(w, ast.Constant) and isinstance(w.value, str):
                self.reads_only.add(w)
                if table:
                    self.used.append((node, table[0], table[1], w))

    def check(self):
        # Whatever the program writes anywhere as a text, a keyword or an attribute could be the name of a new column.
        made = {node.value for node in self.scope.nodes if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in self.reads_only and not self.only_shown(node)}
        made |= self.built
        made |= {node.arg for node in self.scope.nodes if isinstance(node, ast.keyword) and node.arg}
        made |= {node.attr for node in self.scope.nodes if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)}
        for node, file, variable, w in sorted(self.used, key=lambda use: use[0].lineno):
            have = self.columns[file]
            # A text that stands anywhere else, too, may name a column that the code makes.
            if not have or w.value in have or variable in self.uncertain or w.value in made:
                continue
            self.missing(node.lineno, file, w.value, not self.tried(node))

    def only_shown(self, node):
        """A text that is printed or drawn makes no column."""
        up = self.scope.parents.get(node)
        while isinstance(up, (ast.JoinedStr, ast.FormattedValue)):
            up = self.scope.parents.get(up)
        if isinstance(up, ast.keyword):
            return up.arg in LABELS
        return isinstance(up, ast.Call) and (getattr(up.func, "id", "") or getattr(up.func, "attr", "")) in SHOWS

    def tried(self, node):
        # A missing column may be expected where the program handles it, or in a function that is perhaps never called: then it is
        # a caution for the reviewer and no problem for the model.
        while node is not None:
            if isinstance(node, (ast.Try, ast.FunctionDef, ast.Lambda)):
                return True
            node = self.scope.parents.get(node)
        return False

    def missing(self, line, file, column, certain):
        have = self.columns[file]
        near = difflib.get_close_matches(column, have, 1, 0.6) or [h for h in have if h.lower() == column.lower()]
        text = "%s has no column %r%s." % (file, column[:80], "; it has %r" % near[0][:80] if near else "")
        if certain:
            self.report.problem("Line %d: %s" % (line, text))
        self.report.find("caution", line, "column", text, column)
