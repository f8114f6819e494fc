"""Which lists and dictionaries may change while a program runs, and what calls are given by
stars. Loaded by findings.py.

A part of Scope, as Values is. A list can be read as it stands in the program only while nobody
else has it: whoever has it under another name may put something else into it. So every use of
it has to be one that is known to read it only. Any other makes it shared: a use by which it leaves
the program at once, and one by which it stays within it as soon as the program writes into
something that may be it.
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
READ, KEPT, LOST = range(3)  # what a use does with a list: it reads it, lets another part of the program have it, or lets anybody have it
CELLS = {"loc", "iloc", "at", "iat", "values", "flat", "rcParams", "attrs"}  # what is written into by these is no list
MOST = 200  # arguments of a call, with those that stars bring


class Changes:
    def learn_changes(self):
        own = [f.name for f in self.nodes if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)) and isinstance(self.parents.get(f), ast.ClassDef)]
        self.own_methods = frozenset(own)
        self.operators = any(name.startswith("__") and name not in PLAIN for name in own)
        kept = set()
        self.mutable = {}  # a variable -> whether it may be a list or the like, and whether that may hold others
        for node in self.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in self.CHANGES \
                    or isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and not isinstance(node.ctx, ast.Load):
                for variable in filter(None, self.variables(node.value)):
                    variable.changed = True
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                for variable in filter(None, self.variables(node)):
                    some, deep = (False, False) if variable.shared else self.may_change(variable)
                    use = self.use(node, deep) if some else READ
                    variable.shared = variable.shared or use == LOST
                    kept.update([variable] if use == KEPT else [])
        for variable in kept if any(map(self.may_reach, self.nodes)) else ():
            variable.shared = True

    def may_reach(self, node):
        """Whether a node writes into something that may be a list which has another name as well, or has it written into."""
        if isinstance(node, ast.Call) and (not isinstance(node.func, (ast.Name, ast.Attribute)) or not self.is_own(node.func) and not self.takes(node)):
            given = [n for a in node.args + [k.value for k in node.keywords] for n in handed(a)]
            return any(isinstance(n, ast.Name) and self.may_be_another(n) for n in given)
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            return self.may_be_another(node.target)
        if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load) or isinstance(node, ast.Attribute) and node.attr in self.CHANGES:
            of = node.value
            inner = isinstance(of, ast.Subscript)
            while isinstance(of, ast.Subscript):
                of = of.value
            if isinstance(of, ast.Attribute):
                return of.attr not in CELLS
            return inner and not isinstance(of, ast.Name) or not isinstance(of, (ast.Name, ast.Call)) or isinstance(of, ast.Call) and self.is_own(of.func) \
                or isinstance(of, ast.Name) and (self.may_be_another(of) or inner and any(v is not None and self.may_change(v)[1] for v in self.variables(of)))
        return False

    def may_be_another(self, name):
        """Whether a name may stand for what has another name: it is a parameter, comes out of a loop, or is set to something else than what is made there."""
        for variable in filter(None, self.variables(name)):
            made = [v for v in variable.values if isinstance(v, CONTAINERS + (ast.Constant, ast.JoinedStr, ast.BinOp, ast.Compare, ast.UnaryOp)) or isinstance(v, ast.Call) and not self.is_own(v.func)]
            if len(made) < len(variable.values) or variable.sets > len(variable.values) + len(variable.grown):
                return True
        return False

    def is_own(self, func):
        """Whether what is called may be a function or a class of the program's own."""
        if isinstance(func, ast.Attribute) and func.attr not in self.own_methods:
            return False
        return not isinstance(func, (ast.Name, ast.Attribute)) or isinstance(func, ast.Attribute) or any(v is not None and not (v.imports and not v.sets) for v in self.variables(func))

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

    def use(self, node, deep):
        """What a use of a list or the like does with it. deep: it holds others, and so does what is taken out of it."""
        up, of = self.parents.get(node), node
        while deep and isinstance(up, ast.Subscript) and up.value is node and isinstance(up.ctx, ast.Load):
            node, up = up, self.parents.get(up)
        if isinstance(up, ast.Subscript) and up.value is node:
            return READ if isinstance(up.ctx, ast.Load) or node is of else LOST  # names[0] = is known to change it
        if isinstance(up, (ast.FormattedValue, ast.Expr, ast.UnaryOp)) or getattr(up, "test", None) is node:
            return READ
        if isinstance(up, (ast.Compare, ast.BinOp, ast.Subscript)):
            return KEPT if self.operators or deep and isinstance(up, ast.BinOp) else READ
        if isinstance(up, ast.Attribute):
            call = self.parents.get(up)
            known = up.attr in OF_A_CONTAINER | self.CHANGES and isinstance(call, ast.Call) and call.func is up
            return LOST if not known or up.attr in self.CHANGES and node is not of else KEPT if deep else READ
        if isinstance(up, (ast.For, ast.comprehension)):
            return READ if up.iter is node and not deep else KEPT
        if isinstance(up, ast.Starred) or isinstance(up, ast.keyword) and up.arg is None:
            call = self.parents.get(up)
            return READ if not deep or isinstance(call, ast.Call) and self.takes(call) else KEPT
        if isinstance(up, ast.Dict) and node in up.values and not deep:  # a column of a table, which takes its values one by one
            call = self.parents.get(up)
            return READ if isinstance(call, ast.Call) and up in call.args and self.as_imported(call.func) == ["pandas.DataFrame"] else KEPT
        up = self.parents.get(up) if isinstance(up, ast.keyword) else up
        if isinstance(up, ast.Call):
            return (KEPT if deep else READ) if self.takes(up) else KEPT if self.is_own(up.func) else LOST
        return KEPT

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


def handed(node):
    """What an argument hands over: itself, and what stands in it."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [n for e in node.elts for n in handed(e)]
    if isinstance(node, ast.Dict):
        return [n for e in node.values for n in handed(e)]
    if isinstance(node, (ast.Starred, ast.NamedExpr, ast.Subscript)):
        return handed(node.value)
    if isinstance(node, ast.IfExp):
        return handed(node.body) + handed(node.orelse)
    return [n for v in node.values for n in handed(v)] if isinstance(node, ast.BoolOp) else [node]
