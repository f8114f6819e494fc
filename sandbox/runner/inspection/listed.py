"""What a program uses that is not on the list of harmless things. Loaded by findings.py.

The list (known.json, made by tools/known) holds the modules, their members, Python's
own functions and the attributes that analyses need. Whatever else a program uses is
named here, whether anybody ever thought of it as hostile or not; what reaches outside
of the program is a danger.
"""

import ast
import sys

# Modules that are not on the list and reach nothing by themselves; every other module that is not on it is a danger.
MILD = {"argparse", "array", "asyncio", "bz2", "codecs", "colorsys", "concurrent", "configparser", "contextvars", "dbm", "dis", "email", "errno", "fnmatch", "getopt", "gettext", "glob", "gzip", "hmac",
        "locale", "logging", "lzma", "mmap", "optparse", "platform", "plistlib", "posixpath", "queue", "sched", "secrets", "shlex", "sqlite3", "stat", "struct", "sysconfig",
        "tempfile", "timeit", "tomllib", "traceback", "tracemalloc", "types", "unittest", "weakref", "xml.etree", "xml.etree.ElementTree", "zipfile", "tarfile", "zlib", "binascii", "copyreg", "pickle", "pickletools", "joblib", "keyword", "filecmp", "linecache",
        "seaborn", "scipy", "sklearn", "statsmodels", "patsy", "plotly", "PIL", "xlsxwriter", "tabulate", "pyarrow", "lxml", "tqdm", "pytz", "dateutil", "networkx",
        "mpl_toolkits", "toml", "xmltodict", "importlib.metadata"}
ONLY_MILD = {"traceback": {"print_exc", "format_exc", "format_exception", "format_exception_only"}, "types": {"FunctionType", "CodeType", "ModuleType"}, "importlib.metadata": {"version", "PackageNotFoundError"}}
DANGEROUS_BUILTINS = {"help", "license", "copyright", "credits", "vars", "memoryview", "setattr", "delattr"}
PRIVATE = {"__name__", "__doc__", "__version__", "_asdict", "_replace", "_fields", "_make"}
OF_SUPER = {"__init__", "__post_init__", "__str__", "__repr__", "__eq__", "__len__", "__iter__", "__enter__", "__exit__", "__hash__", "__add__", "__setitem__", "__getitem__", "__new__"}
# Methods that Python calls by itself, in places where a reader sees that it does.
DEFINED = {"__init__", "__repr__", "__str__", "__len__", "__iter__", "__next__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__bool__", "__add__", "__radd__", "__iadd__",
           "__sub__", "__rsub__", "__mul__", "__rmul__", "__truediv__", "__floordiv__", "__mod__", "__neg__", "__abs__", "__call__", "__contains__", "__getitem__", "__setitem__", "__enter__", "__exit__", "__post_init__",
           "__missing__", "__float__", "__int__", "__round__", "__format__", "__and__", "__or__", "__pow__", "__reversed__"}
BASES = {"object", "dict", "list", "set", "tuple", "str", "int", "float", "enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag", "enum.IntFlag", "typing.NamedTuple", "typing.TypedDict", "typing.Protocol",
         "typing.Generic", "abc.ABC", "collections.UserDict", "collections.UserList", "collections.Counter", "collections.OrderedDict", "collections.defaultdict", "json.JSONEncoder", "json.JSONDecoder",
         "pandas.tseries.holiday.AbstractHolidayCalendar", "collections.namedtuple", "typing.namedtuple"}
# Attributes that may be set on values of the libraries.
SETS = {"columns", "index", "name", "names", "attrs", "value", "font", "fill", "number_format", "alignment", "border", "width", "height", "title", "freeze_panes", "style", "shape", "real", "imag", "flat", "hidden", "ref",
        "prec", "rounding", "xticks", "legend", "print_title_rows", "orientation", "fitToWidth", "fitToHeight", "showGridLines", "bold", "dataLabels", "tableStyleInfo", "x_axis", "y_axis", "grouping", "overlap", "type",
        "freq", "categories", "fieldnames", "sheet_properties", "tabColor", "zoomScale", "number", "comment", "hyperlink_", "active", "row_factory_", "showVal", "fitToPage", "delete", "majorGridlines"}
MEMORY = {"strides", "data", "dtype", "flags", "writeable"}
METHODS_OF_PLACES = {"exists", "is_file", "is_dir", "stat", "read_text", "read_bytes", "write_text", "write_bytes", "open", "mkdir", "touch", "unlink", "rmdir", "rename", "replace"}
READS = {"read_csv", "read_excel", "read_json", "read_table", "read_fwf", "read_parquet", "ExcelFile", "open"}
LOOK_DEEPER = ("print_", "read_", "write_", "load", "save", "open", "exec", "run", "import", "get", "set", "find_", "to_", "from_", "register", "call", "spawn", "eval", "compile")
# Names that Python or numpy look for on any object, as far as they are not in PRIVATE.
LOOKED_FOR = {n for kind in (object, type, int, str, dict, list, type(lambda: 0), type(sys)) for n in dir(kind)} | {
    "__array_interface__", "__array_struct__", "__array__", "__array_function__", "__array_ufunc__", "__array_wrap__", "__array_finalize__", "__cuda_array_interface__", "__dlpack__", "__dataframe__", "__buffer__",
    "__getattr__", "__del__", "__get__", "__set__", "__delete__", "__set_name__", "__fspath__", "__index__", "__mro_entries__", "__prepare__", "__instancecheck__", "__import__", "__builtins__", "__await__", "__aiter__"}
# They set attributes of what they are given.
SETS_PARTS = {"functools.wraps", "dataclasses.dataclass", "functools.total_ordering"}
REASON = "is not among what is known to be harmless"
INTERNAL = "a part of its library that analyses do not need"
# Of these libraries more parts are of use than a list can name: one that is not on it is something to look at, and no danger by that alone.
WIDE = {"sklearn", "statsmodels", "patsy", "seaborn"}


class Listed:
    def __init__(self, scope, known, report, files, the_list):
        self.scope, self.known, self.report, self.list = scope, known, report, the_list
        self.inputs = {c for f in files for c in f["columns"] or ()}
        self.unknown = any(f["columns"] is None for f in files) and not scope.tops.isdisjoint({"pandas", "desk"})  # some columns are
        self.own, self.columns, self.instances = set(), set(self.inputs), set()
        self.chosen = (known.WRITES | READS | {"query", "eval"}) - set(the_list["taken_out"])

    def look(self):
        for node in self.scope.nodes:
            self.learn(node)
        for node in self.scope.nodes:
            how = getattr(self, "see_" + type(node).__name__, None)
            if how is not None:
                how(node)

    def find(self, level, node, text, about="", kind="not listed"):
        self.report.add(level, getattr(node, "lineno", 0), kind, text, about)

    # -- what is the program's own

    def learn(self, node):
        if isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    self.own.add(part.name)
                elif isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
                    self.own.add(part.target.id)
                elif isinstance(part, ast.Assign):
                    self.own.update(t.id for t in part.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and self.is_self(node.value):
            self.own.add(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 300:
            if node.value.isidentifier():
                self.columns.add(node.value)
            elif node.value.replace(",", " ").replace(" ", "_").isidentifier():
                self.columns.update(node.value.replace(",", " ").split())  # namedtuple("Sale", "day amount")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("assign", "agg", "aggregate", "rename"):
            self.columns.update(k.arg for k in node.keywords if k.arg)
        elif isinstance(node, ast.Call) and self.scope.dotted(node.func) in ("types.SimpleNamespace", "pandas.DataFrame", "dict"):
            self.columns.update(k.arg for k in node.keywords if k.arg)

    def is_self(self, node):
        """Whether a name is the first parameter of a method around it."""
        if not isinstance(node, ast.Name):
            return False
        at = self.scope.at[node]
        while at is not None:
            if isinstance(at, (ast.FunctionDef, ast.AsyncFunctionDef)) and isinstance(self.scope.parents.get(at), ast.ClassDef):
                first = (at.args.posonlyargs + at.args.args)[:1]
                return bool(first) and first[0].arg == node.id and not any(self.scope.dotted(d) == "staticmethod" for d in at.decorator_list)
            at = self.scope.up[at]
        return False

    def is_class(self, node):
        """Whether what is changed is a class: the program's own, or that of something."""
        if isinstance(node, ast.Call) and self.scope.dotted(node.func) == "type" or isinstance(node, ast.Attribute) and node.attr == "__class__":
            return True
        if not isinstance(node, ast.Name):
            return False
        if self.is_self(node):
            at = self.scope.at[node]
            return any(self.scope.dotted(d) == "classmethod" for d in getattr(at, "decorator_list", ()))
        return any(v is not None and any(isinstance(m, ast.ClassDef) for m in v.made) for v in self.scope.variables(node))

    # -- imports

    def see_Import(self, node):
        for a in node.names:
            self.module(node, a.name)

    def see_ImportFrom(self, node):
        for a in node.names if node.module and not node.level else ():
            full = node.module + "." + a.name
            if full in self.list["modules"] or a.name == "*" and node.module in self.list["modules"]:
                continue
            if node.module in self.list["modules"]:
                self.member(node, node.module, a.name)
            else:
                self.module(node, node.module, a.name)

    def module(self, node, name, part=""):
        top = name.partition(".")[0]
        if name in self.list["modules"] or top == "desk":
            return
        parts = name.split(".")
        level, reason = next(filter(None, (self.list["taken_out"].get(".".join(parts[:n])) for n in range(len(parts), 1, -1))), ("", ""))
        if level:
            worse = self.list["taken_out"].get(part, (level, ""))
            self.find("danger" if worse[0] == "danger" else level, node, "Imports %s, which %s." % ((name + "." + part, worse[1]) if worse[1] else (name, reason)), name, "import")
            return
        if name not in self.known.HARMLESS and (top in self.known.UNUSUAL or top in self.known.NETWORK):
            return  # deeds has said it
        grave = part in self.list["taken_out"] and self.list["taken_out"][part][0] == "danger" or part.startswith("fetch_") or part and part not in ONLY_MILD.get(name, {part})
        if top not in sys.stdlib_module_names and self.scope.is_module(top) is None and not grave:
            return  # it is not in the box, and deeds has said so
        if name != top and top in self.list["modules"]:
            mild = top in WIDE and not grave and not any(p.startswith("_") for p in parts + [part])
            self.find("caution" if mild else "danger", node, "Imports %s, %s." % (name, INTERNAL), name, "import")
        else:
            mild = (top in MILD or name in MILD) and not grave
            self.find("caution" if mild else "danger", node, "Imports %s, which %s." % (name + "." + part if part and grave else name, REASON), name, "import")

    def member(self, node, module, name):
        """Something of a module that is on the list."""
        if name in self.list["modules"][module] or name in PRIVATE:
            return
        full = module + "." + name
        level, reason = self.list["taken_out"].get(name) or self.list["taken_out"].get(full, ("", ""))
        if name.startswith("fetch_"):
            level, reason = "danger", "fetches from an address"
        if level:
            self.find(level, node, "Uses %s, which %s." % (full, reason), full)
        elif name.startswith("_") and name not in PRIVATE or self.scope.is_module(full) or name in sys.stdlib_module_names:
            self.find("danger", node, "Uses %s, %s." % (full, INTERNAL), full)
        else:
            self.find("caution", node, "Uses %s, which %s." % (full, REASON), full)

    # -- names

    def see_Name(self, node):
        self.hands_on_parts(node, self.scope.names(node) if isinstance(node.ctx, ast.Load) else ())
        if not isinstance(node.ctx, ast.Load) or node.id in self.list["builtins"]:
            return
        if None in self.scope.variables(node):
            grave = node.id in DANGEROUS_BUILTINS and not (node.id == "setattr" and self.sets_plainly(self.scope.parents.get(node)))
            self.find("danger" if grave else "caution", node, "Uses %s, which %s." % (node.id, REASON), node.id)

    def sets_plainly(self, call):
        """setattr on an object of the program's own, by a name that can be read."""
        return isinstance(call, ast.Call) and len(call.args) == 3 and self.is_self(call.args[0]) and not self.is_class(call.args[0])

    # -- attributes

    def see_Attribute(self, node):
        if not isinstance(node.ctx, ast.Load):
            return self.is_set(node)
        names = self.scope.imported(node)
        self.hands_on_parts(node, names)
        for name in names:
            self.of_module(node, name)
        if not names:
            self.of_value(node, node.attr)
        if node.attr in self.chosen and not self.is_called(node) and node.attr not in self.inputs and not (node.attr == "query" and "urllib" in self.scope.tops):
            self.find("danger" if node.attr in ("query", "eval") else "caution", node, "Hands on %s, so that what it is called with cannot be followed." % node.attr, node.attr)

        elif isinstance(self.scope.parents.get(node), (ast.Call, ast.keyword)) and not self.is_called(node) and self.known.WRITE_CALLS & set(self.scope.names(node)):
            self.find("caution", node, "Hands on %s, so that what it writes cannot be followed." % node.attr, node.attr)

    def is_called(self, node):
        up = self.scope.parents.get(node)
        return isinstance(up, ast.Call) and up.func is node

    def of_module(self, node, name):
        parts = name.split(".")
        for n in range(len(parts), 0, -1):
            module = ".".join(parts[:n])
            if module in self.list["modules"]:
                if n == len(parts):
                    return
                if n == len(parts) - 1:
                    return self.member(node, module, parts[n])
                break
        else:
            if parts[0] in self.scope.tops:  # its import is named
                level, reason = self.list["taken_out"].get(parts[-1], ("danger" if parts[-1].startswith("fetch_") else "", "fetches from an address"))
                if level == "danger":
                    self.find(level, node, "Uses %s, which %s." % (name, reason), name)
                elif parts[-1].startswith("_") and parts[-1] not in PRIVATE:
                    self.find("danger", node, "Reaches %s, which Python or a library keeps for itself." % name, name)
                return
        self.of_value(node, parts[-1])

    def of_value(self, node, name, called=None):
        base = getattr(node, "value", None)
        called = self.is_called(node) if called is None else called
        if name.startswith("_"):
            return self.private(node, base, name)
        if name in METHODS_OF_PLACES and base is not None and called and self.may_be_place(node, base, name):
            return
        if name in self.chosen or name in self.list["attributes"]:
            return
        level, reason = self.list["taken_out"].get(name) or self.list["taken_out"].get("." + name, ("", ""))
        word = name in self.list["words"]
        if level and not (word and not called and name in self.inputs) and not (name in self.own and (word or not called) and base is not None and (self.is_self(base) or word)):
            self.find(level, node, "Uses .%s, which %s." % (name, reason), name)
        elif not level and name not in self.own and not self.is_column(name, called):
            self.find("danger" if name in self.known.THROUGH or name == "io" else "caution", node, "Uses .%s, which %s." % (name, REASON), name)

    def is_column(self, name, called):
        """Whether a name that no library has may be a column: of an input, or one that the program makes."""
        return name in self.inputs or (name in self.columns or self.unknown and name not in self.known.THROUGH | {"io", "input"}) and not called and not name.startswith(LOOK_DEEPER)

    def private(self, node, base, name):
        up = self.scope.parents.get(node)
        if name in PRIVATE or name in self.own and not name.endswith("__") or name[1:].isdigit():
            return
        if isinstance(base, ast.Call) and self.scope.dotted(base.func) == "super" and name in OF_SUPER or name == "__class__" and isinstance(up, ast.Attribute) and up.attr == "__name__":
            return
        self.find("danger", node, "Reaches %s, which Python or a library keeps for itself." % name, name)

    def may_be_place(self, node, base, name):
        """What is done with a file by its path, or with something that may be a path. True if that is all there is to say."""
        call = self.scope.parents.get(node)
        value = self.scope.value(base)
        if self.scope.is_place(value):
            if name in ("rename", "replace", "unlink", "rmdir"):
                self.find("caution", node, "Renames or deletes a file (%s)." % name, str(value))
            return True
        if name in ("rename", "replace"):
            first = call.args[0] if call.args else None
            if "pathlib" in self.scope.tops and len(call.args) == 1 and not call.keywords and not self.maps(first):
                self.find("caution", node, "Calls %s of something that may be a file's path." % name, name)
            return True
        if self.is_self(base) and name in self.own:
            return True
        self.find("caution", node, "Uses .%s of a path that cannot be read here." % name, name)
        return True

    def maps(self, node):
        """Whether an argument says what becomes what, as a table's rename and replace have it."""
        if isinstance(node, ast.Name):
            return any(v is not None and any(isinstance(e, (ast.Dict, ast.DictComp, ast.Lambda)) for e in v.values) for v in self.scope.variables(node))
        return isinstance(node, (ast.Dict, ast.DictComp, ast.Lambda))

    # -- what is changed

    def is_set(self, node):
        attr, base = node.attr, node.value
        names = self.scope.imported(base)
        if names:
            if not any((n + ".").startswith(("pandas.options.display.", "pandas.options.mode.", "pandas.options.future.")) for n in names):
                self.find("danger", node, "Changes %s of %s for everything that comes after it." % (attr, names[0]), attr)
        elif attr.startswith("__"):
            self.find("danger", node, "Changes %s, which Python keeps for itself." % attr, attr)
        elif self.is_class(base):
            self.find("danger", node, "Changes %s of a class." % attr, attr)
        elif self.is_self(base):
            pass
        elif attr in MEMORY or self.list["taken_out"].get(attr, ("",))[0] == "danger" and attr not in self.inputs and not (attr in self.list["words"] and attr in self.own):
            self.find("danger", node, "Changes %s, which %s." % (attr, self.list["taken_out"].get(attr, ("", "touches memory"))[1]), attr)
        elif attr not in SETS and attr not in self.own and not self.is_column(attr, False):
            self.find("caution", node, "Sets .%s, which %s." % (attr, REASON), attr)

    def see_Subscript(self, node):
        if isinstance(node.ctx, ast.Load):
            return
        for name in self.scope.names(node.value):
            if name.endswith(".rcParams") and name.startswith("matplotlib."):
                continue  # settings; texts.py reads which
            if name.partition(".")[0] in self.scope.tops:
                self.find("danger", node, "Changes what is in %s." % name, name)

    # -- classes and functions

    def see_ClassDef(self, node):
        for part in node.body:
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and self.never_a_field(part.target.id):
                self.find("danger", part, "Has a field %s, by whose name a pattern would reach for more than the program's own." % part.target.id, part.target.id)
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)) and part.name.startswith("__") and part.name.endswith("__") and part.name not in DEFINED:
                self.find("caution", part, "Defines %s, which Python calls by itself where no call is to be seen." % part.name, part.name)
        for base in node.bases:
            of = base.value if isinstance(base, ast.Subscript) else base.func if isinstance(base, ast.Call) else base
            names = self.scope.names(of)
            plain = self.scope.functions_or_classes(of) if isinstance(of, ast.Name) else False
            if not plain and not (names and all(n in BASES or n in self.list["builtins"] and n.endswith(("Error", "Exception", "Warning")) or n == "Exception" for n in names)):
                self.find("caution", base, "Makes a class out of one that %s." % REASON, node.name)

    def never_a_field(self, name):
        return name in self.known.WALKS - {"modules"} or self.list["taken_out"].get(name, ("",))[0] == "danger" and name not in self.list["words"] and name not in self.inputs

    def see_FunctionDef(self, node):
        if node.name.startswith("__") and node.name.endswith("__") and isinstance(self.scope.at[node], ast.Module):
            self.find("caution", node, "Defines %s, which Python calls by itself where no call is to be seen." % node.name, node.name)

    def see_AsyncFunctionDef(self, node):
        self.find("caution", node, "Does things at the same time (async), which %s." % REASON, "async")

    see_Await = see_AsyncFor = see_AsyncWith = see_AsyncFunctionDef

    def see_MatchClass(self, node):
        for attr in self.scope.read_by(node):
            if attr is None:
                self.find("caution", node, "Matches by the places of a class whose fields cannot be read here, so that it may reach for anything.", "match")
            elif attr in self.chosen:
                self.find("danger", node, "Reaches for %s by its name." % attr, attr)
            elif attr not in self.own or attr in self.list["taken_out"]:
                self.of_value(node, attr, called=False)

    def see_Constant(self, node):
        if isinstance(node.value, str) and node.value.startswith("__") and node.value in LOOKED_FOR and node.value not in PRIVATE and not isinstance(self.scope.parents.get(node), ast.Expr):
            self.find("danger", node, "Names %s, which Python keeps for itself." % node.value, node.value)

    def see_keyword(self, node):
        if node.arg and node.arg in LOOKED_FOR and node.arg.startswith("__"):
            self.find("danger", node.value, "Gives something %s, which Python keeps for itself." % node.arg, node.arg)

    # -- what sets attributes

    def sets_parts(self, node, names):
        """wraps and dataclass set attributes of what they are given, which is usual for functions and classes of the program's own. Of anything else they put something in its place."""
        if "functools.wraps" in names and (len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred)):
            self.find("danger", node, "Has wraps set attributes that the program chose.", "wraps")
        of = set(self.scope.names(node.func.func)) if isinstance(node.func, ast.Call) else set(names) - {"functools.wraps"}
        for given in node.args + [k.value for k in node.keywords if isinstance(node.func, ast.Call) or k.arg == "cls"] if of & SETS_PARTS else ():
            if not isinstance(given, ast.Lambda) and not self.scope.functions_or_classes(given):
                self.find("danger", node, "Has %s set attributes of something that is not the program's own." % sorted(of & SETS_PARTS)[0], "wraps")

    def hands_on_parts(self, node, names):
        """The same under another name, where nobody sees what it is given."""
        up = self.scope.parents.get(node)
        if SETS_PARTS & set(names) and not self.is_called(node) and node not in getattr(up, "decorator_list", ()) and not isinstance(up, ast.Attribute):
            self.find("danger", node, "Hands on %s, so that what it sets attributes of cannot be followed." % sorted(SETS_PARTS & set(names))[0], "wraps")

    def see_Call(self, node):
        name, names = self.scope.dotted(node.func), self.scope.names(node.func)
        self.sets_parts(node, names)
        if not any(self.scope.functions_or_classes(a) for a in node.args) or "functools.wraps" in names:
            self.hands_on_parts(node, names)
        if name in ("getattr", "hasattr") and len(node.args) > 1:
            of = self.scope.imported(node.args[0])
            for text in self.scope.texts(node.args[1]) or ():
                for one in of:
                    self.of_module(node, one + "." + text)
                if text in self.chosen:
                    self.find("danger", node, "Reaches for %s by its name." % text, text)
                elif not of and (name == "getattr" or text in self.list["taken_out"]):
                    self.of_value(node, text, called=True)
        elif name in ("operator.attrgetter", "operator.methodcaller"):
            for text in [p for a in node.args[:1 if name.endswith("caller") else 9] for t in self.scope.texts(a) or () for p in t.split(".")]:
                if text in self.chosen:
                    self.find("danger", node, "Reaches for %s by its name." % text, text)
                else:
                    self.of_value(node, text, called=name.endswith("caller"))
