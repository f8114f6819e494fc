"""Which lists and dictionaries may change while a program runs, and what calls are given by
stars. Loaded by findings.py.

A part of Scope, as Values is. A list can be read as it stands in the program only while nobody
else has it: whoever has it under another name may put something else into it. So every use of
it has to be one that is known to read it only; any other makes it shared.
"""

import ast

CONTAINERS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp)
MAKES = {"list", "dict", "set", "bytearray", "reversed", "map", "filter", "sorted"}
SPLITS = {"split", "rsplit", "splitlines", "partition", "rpartition", "copy"}
# What takes a list and neither keeps nor changes it: Python's own, parts of modules, methods of tables, charts and texts.
READS_OF_PYTHON = {"len", "sorted", "list", "tuple", "set", "dict", "frozenset", "zip", "enumerate", "sum", "max", "min", "any", "all", "print", "str", "repr", "reversed", "isinstance", "map", "filter", "bool", "type"}
MODULES = {"pandas", "numpy", "desk", "math", "statistics", "json", "itertools", "re"}  # their members, not those of their parts
MEMBERS = ("os.path.", "matplotlib.pyplot.", "numpy.random.choice", "random.choice", "random.sample", "collections.Counter", "collections.OrderedDict", "collections.deque", "datetime.", "seaborn.")
METHODS = set("""get items keys values index count copy join isin map replace rename groupby drop sort_values set_index reindex merge pivot pivot_table melt dropna drop_duplicates duplicated fillna astype
    nlargest nsmallest value_counts quantile stack unstack between corr bar barh plot pie scatter hist legend set_xticks set_yticks set_xticklabels set_yticklabels set_title text annotate imshow boxplot stackplot fill_between
    format writerow writerows to_csv to_excel filter contains startswith endswith cut reset_index agg aggregate describe sum mean median max min dot clip""".split())
OF_A_CONTAINER = {"get", "items", "keys", "values", "index", "count", "copy"}
PLAIN = {"__init__", "__post_init__", "__str__", "__repr__", "__enter__", "__exit__", "__len__", "__iter__", "__next__", "__hash__", "__bool__", "__float__", "__int__", "__format__", "__call__"}  # no operator brings a list there
DEEPEST = 100  # names, one set to the next
MOST = 200  # arguments of a call, with those that stars bring


class Changes:
    def learn_changes(self):
        own = [f.name for f in self.nodes if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)) and isinstance(self.parents.get(f), ast.ClassDef)]
        self.own_methods = frozenset(own)
        self.operators = any(name.startswith("__") and name not in PLAIN for name in own)
        self.mutable = {}  # a variable -> whether it may be a list or the like, and whether that may hold others
        for node in self.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in self.CHANGES \
                    or isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and not isinstance(node.ctx, ast.Load):
                for variable in filter(None, self.variables(node.value)):
                    variable.changed = True
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                for variable in filter(None, self.variables(node)):
                    some, deep = (False, False) if variable.shared else self.may_change(variable)
                    if some and not self.only_read(node, deep):
                        variable.shared = True

    def may_change(self, variable, depth=0):
        """Whether a name may stand for a list or the like, and whether that may hold others."""
        if depth > DEEPEST:
            return True, True
        if variable not in self.mutable:
            self.mutable[variable] = (False, False)  # while it is found out: a name that is set to itself brings nothing of its own
            found = [self.holds(value, depth) for value in variable.values] + [(deep, deep) for _, deep in (self.holds(turn, depth) for turn in variable.turns)]
            self.mutable[variable] = (any(some for some, _ in found), any(deep for _, deep in found))
        return self.mutable[variable]

    def holds(self, value, depth):
        """The same of an expression."""
        some = deep = False
        todo = [(value, False)]
        while todo and not deep:
            node, within = todo.pop()
            call = isinstance(node, ast.Call) and (getattr(node.func, "attr", "") in SPLITS or getattr(node.func, "id", "") in MAKES)
            if isinstance(node, (ast.JoinedStr, ast.Compare)) or isinstance(node, ast.Call) and not call:
                continue  # a text, or what is not put together here (values.py)
            makes = call or isinstance(node, CONTAINERS)
            named = isinstance(node, ast.Name) and any(v is not None and self.may_change(v, depth + 1)[0] for v in self.variables(node))
            some, deep = some or makes or named, deep or within and (makes or named)
            todo += [(child, within or isinstance(node, CONTAINERS + (ast.Tuple, ast.Call))) for child in ast.iter_child_nodes(node)]
        return some, deep

    def only_read(self, node, deep):
        """Whether a use of a list or the like leaves it as it is. deep: it holds others, and so does what is taken out of it."""
        up, of = self.parents.get(node), node
        while deep and isinstance(up, ast.Subscript) and up.value is node and isinstance(up.ctx, ast.Load):
            node, up = up, self.parents.get(up)
        if isinstance(up, ast.Subscript):
            return isinstance(up.ctx, ast.Load) or node is of if up.value is node else not self.operators  # names[0] = is known to change it
        if isinstance(up, (ast.FormattedValue, ast.Expr, ast.UnaryOp)) or getattr(up, "test", None) is node:
            return True
        if isinstance(up, (ast.Compare, ast.BinOp)):
            return not self.operators and not (deep and isinstance(up, ast.BinOp))
        if isinstance(up, ast.keyword) and up.arg is None:
            return not deep or self.takes(self.parents[up])
        if deep:
            return False
        if isinstance(up, (ast.For, ast.comprehension)):
            return up.iter is node
        if isinstance(up, ast.Starred):
            return True
        if isinstance(up, ast.Dict) and node in up.values:  # a column of a table, which takes its values one by one
            call = self.parents.get(up)
            return isinstance(call, ast.Call) and up in call.args and self.as_imported(call.func) == ["pandas.DataFrame"]
        if isinstance(up, ast.Attribute):
            call = self.parents.get(up)
            return up.attr in OF_A_CONTAINER | self.CHANGES and isinstance(call, ast.Call) and call.func is up
        up = self.parents.get(up) if isinstance(up, ast.keyword) else up
        return isinstance(up, ast.Call) and self.takes(up)

    def takes(self, call):
        """Whether what is called is known to take a list and to leave it as it is."""
        func, given = call.func, call.args + [k.value for k in call.keywords]
        variables = self.variables(func) if isinstance(func, ast.Name) else ()
        if variables == [None]:
            return func.id in READS_OF_PYTHON
        if any(isinstance(part, ast.Lambda) or isinstance(part, ast.Name) and any(v is not None and v.made for v in self.variables(part)) for one in given for part in ast.walk(one)):
            return False  # a function that may be given the list
        names = self.as_imported(func)
        if names:
            return all(name.startswith(MEMBERS) or name.count(".") == 1 and name.partition(".")[0] in MODULES for name in names)
        return isinstance(func, ast.Attribute) and func.attr in METHODS and func.attr not in self.own_methods

    def as_imported(self, node):
        """The dotted names of something of a module's, where every meaning of it is one; none for anything else."""
        tail = []
        while isinstance(node, ast.Attribute):
            tail.append(node.attr)
            node = node.value
        variables = self.variables(node) if isinstance(node, ast.Name) else ()
        if not variables or any(v is None or v.sets or not v.imports for v in variables):
            return []
        return [".".join([name] + tail[::-1]) for v in variables for name in v.imports]

    def surely(self, node):
        """Whether a name that is called or read is Python's own or a module's and nothing else."""
        if isinstance(node, ast.Name) and self.variables(node) == [None]:
            return True
        of = node
        while isinstance(of, ast.Attribute):
            of = of.value
        if isinstance(of, ast.Name) and of is not node and self.variables(of) == [None]:
            return True  # bytes.fromhex
        return len(set(self.as_imported(node))) == 1

    # -- stars

    def unpack(self):
        """Puts what stars bring into a call to where the call would have it, as far as it can be read: every rule then sees open(*["x"]) and open(**{"file": "x"}) as open("x")."""
        for call in [n for n in self.nodes if isinstance(n, ast.Call)]:
            for _ in range(5):  # lists within lists
                args = [one for arg in call.args for one in self.elements(arg)]
                if len(args) > MOST or args == call.args:
                    break
                call.args = args
            named = {k.arg for k in call.keywords if k.arg}
            keywords = []
            for k in call.keywords:
                found = self.entries(k.value) if k.arg is None else None
                if found is None or not named.isdisjoint(found) or len(found) > MOST:
                    keywords.append(k)
                    continue
                named |= found.keys()
                for name, value in found.items():
                    new = ast.copy_location(ast.keyword(name, value), value)
                    self.parents[new], self.at[new] = call, self.at[call]
                    keywords.append(new)
            call.keywords = keywords

    def stands_for(self, node):
        """The literal that a name stands for, as long as it does not change."""
        if not isinstance(node, ast.Name):
            return node
        variable = self.variable(node)
        return self.only(variable) if variable is not None and not variable.changed and not variable.shared else None

    def elements(self, arg):
        whole = self.stands_for(arg.value) if isinstance(arg, ast.Starred) else None
        return whole.elts if isinstance(whole, (ast.List, ast.Tuple)) else [arg]

    def entries(self, node):
        """The entries of a dictionary as keywords, or None where they cannot be read."""
        whole = self.stands_for(node)
        if isinstance(whole, ast.Dict) and all(isinstance(k, ast.Constant) and isinstance(k.value, str) and k.value.isidentifier() for k in whole.keys):
            return {k.value: v for k, v in zip(whole.keys, whole.values)}
        if isinstance(whole, ast.Call) and isinstance(whole.func, ast.Name) and whole.func.id == "dict" and self.variables(whole.func) == [None] and not whole.args and all(k.arg for k in whole.keywords):
            return {k.arg: k.value for k in whole.keywords}
        return None
