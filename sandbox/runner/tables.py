"""Whether the columns that a program uses are there. Loaded by findings.py.

Only what is certain is sent back to the model: a table that is read from an
input, set once, and whose columns the program cannot have changed unseen.
"""

import ast
import difflib

# Keywords of a reader after which the columns may have other names.
OTHER_NAMES = {"header", "names", "skiprows", "index_col", "sheet_name", "skipinitialspace", "mangle_dupe_cols", "prefix", "sep", "delimiter"}
# Methods that change a table's columns in place.
CHANGES = {"insert", "pop", "update", "eval", "set_axis", "pipe", "apply"}
OF_THE_READER = ("usecols", "parse_dates")


class Tables:
    def __init__(self, scope, report, files):
        self.scope, self.report = scope, report
        self.columns = {f["name"]: f["columns"] for f in files}
        self.frames = {}        # a name that is set once, to a table read from an input -> its file
        self.uncertain = set()  # tables that may have got other columns
        self.texts = {}         # how often each text stands in the code
        self.used = []          # (node, table name, column)

    def look(self, tree):
        for name, variable in self.scope.own[tree].items():
            value = self.scope.only(variable)
            if isinstance(value, ast.Call) and self.reads(value):
                self.frames[name] = self.scope.text(value.args[0])
        for node in ast.walk(tree):
            self.learn(node)
        for node in ast.walk(tree):
            self.use(node)
        self.check()

    def reads(self, call):
        """A call that reads an input as it is."""
        return self.of_an_input(call) and not {k.arg for k in call.keywords} & OTHER_NAMES

    def of_an_input(self, call):
        return self.scope.dotted(call.func).startswith("pandas.read_") and call.args and self.scope.text(call.args[0]) in self.columns

    def named_to_reader(self, call):
        if not self.of_an_input(call):
            return
        file = self.scope.text(call.args[0])
        if {k.arg for k in call.keywords} & (OTHER_NAMES - {"index_col", "sheet_name"}) or not self.columns[file]:
            return
        for k in call.keywords:
            several = self.scope.value(k.value) if k.arg in OF_THE_READER else None
            for column in several if isinstance(several, (list, tuple)) else ():
                if isinstance(column, str) and column not in self.columns[file]:
                    self.missing(call.lineno, file, column, True)

    def learn(self, node):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            self.texts[node.value] = self.texts.get(node.value, 0) + 1
        elif isinstance(node, ast.keyword) and node.arg:
            self.texts[node.arg] = self.texts.get(node.arg, 0) + 1
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Store):
            self.uncertain.add(node.value.id)
            self.texts[node.attr] = self.texts.get(node.attr, 0) + 1
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            table = node.value.value if isinstance(node.value, ast.Attribute) else node.value  # df.loc[:, name] as well
            if isinstance(table, ast.Name) and self.scope.text(node.slice) is None:
                self.uncertain.add(table.id)
        elif isinstance(node, ast.Call):
            self.named_to_reader(node)
            if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                if node.func.attr in CHANGES or any(k.arg == "inplace" for k in node.keywords):
                    self.uncertain.add(node.func.value.id)
            for arg in node.args + [k.value for k in node.keywords]:
                if isinstance(arg, ast.Name) and isinstance(node.func, ast.Name) and self.scope.is_made(node.func):
                    self.uncertain.add(arg.id)  # a function of the program's own may add columns

    def use(self, node):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            self.columns_used(node, node.value.id, node.slice)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) \
                and node.func.attr in ("groupby", "sort_values", "drop_duplicates", "nlargest", "nsmallest", "set_index"):
            wanted = node.args[1:2] if node.func.attr.startswith("n") else node.args[:1]
            wanted += [k.value for k in node.keywords if k.arg in ("by", "subset", "columns", "keys")]
            for w in wanted:
                self.columns_used(node, node.func.value.id, w)

    def columns_used(self, node, table, wanted):
        if table in self.frames:
            for w in wanted.elts if isinstance(wanted, (ast.List, ast.Tuple)) else [wanted]:
                if isinstance(w, ast.Constant) and isinstance(w.value, str):
                    self.used.append((node, table, w.value))

    def check(self):
        uses = {}
        for _, _, column in self.used:
            uses[column] = uses.get(column, 0) + 1
        for node, table, column in sorted(self.used, key=lambda use: use[0].lineno):
            have = self.columns[self.frames[table]]
            # A text that stands anywhere else too may name a column that the code makes.
            if not have or column in have or table in self.uncertain or self.texts.get(column, 0) > uses[column]:
                continue
            self.missing(node.lineno, self.frames[table], column, not self.tried(node))

    def tried(self, node):
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
