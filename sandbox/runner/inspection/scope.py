"""What the names in a program mean, as far as that can be told without running it.
Loaded by findings.py.

A name may mean several things: it is imported twice, or is a function's parameter
that other names are handed to. Every one of them is judged.
"""

import ast
import builtins
import sys
from importlib.machinery import PathFinder

BUILTINS = frozenset(dir(builtins))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LISTS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
PARTS = 20     # of a dotted name
MEANINGS = 30  # of one name
ROUNDS = 50    # in which meanings are passed on from name to name


class Variable:
    """A name in the part of the program where it is one and the same, and all that sets it."""

    def __init__(self, name, at):
        self.name, self.at = name, at
        self.imports = []     # what it is imported as, with dots
        self.whole = False    # one of these is a whole module
        self.sets = 0         # how often it is set, in whatever way
        self.values = []      # expressions that it is set to
        self.grown = []       # statements that add to it
        self.turns = []       # what loops over it take it from
        self.handed = []      # expressions that it may stand for besides: what a parameter is called with
        self.made = []        # functions and classes
        self.changed = False  # a list or the like that changes while the program runs
        self.shared = False   # one that others have as well, and may change


class Names:
    CHANGES = {"append", "extend", "insert", "update", "add", "pop", "remove", "clear", "setdefault", "sort", "reverse", "discard"}  # methods that change a list, a set or a dictionary

    def __init__(self, tree, known):
        self.known = known
        self.parents = {}
        self.at, self.up = {}, {tree: None}  # a node -> the function, class or module that it stands in; that -> the next
        self.own = {tree: {}}                # a function, class or module -> its variables
        self.sent = {}                       # (function, name) -> where a global or nonlocal statement says that it is
        self.returned = {}                   # a function -> what it returns
        self.plainly, self.real = {}, {}
        self.memo, self.busy = {}, set()
        self.tops = set()                    # modules that are imported, by their first names
        self.tangled = False                 # meanings could not be followed to their end
        # In rounds over all nodes: what sets a name may stand anywhere in its function, and a global statement too, so
        # each kind of thing has to be known everywhere before the next kind is looked for.
        self.spread(tree)
        self.nodes = list(self.at)
        bound = {(self.at[n], b) for n in self.nodes for b in binds(n)}
        for node in self.nodes:
            self.sends(node, tree, bound)
        for node in self.nodes:
            self.learn(node, self.at[node])
        self.learn_changes()
        self.unpack()
        for node in self.nodes:
            self.hand_over(node)
        self.meant = {}                      # a variable or a function -> what it may be, or give
        self.settled, self.settled_names = False, {}
        self.follow()
        self.settled = True

    # -- where each node stands

    def spread(self, tree):
        todo = [(tree, tree)]
        while todo:
            node, at = todo.pop()
            self.at[node] = at
            inner = at
            if isinstance(node, FUNCTIONS + LISTS + (ast.ClassDef,)):
                inner, self.up[node], self.own[node] = node, at, {}
            children = []
            for field, value in ast.iter_fields(node):
                # Python evaluates defaults, decorators, annotations and the first source of a comprehension around the function, and not
                # in it: a name there is another one.
                within = inner if field in ("body", "elt", "key", "value", "generators", "args") or not isinstance(node, FUNCTIONS + LISTS + (ast.ClassDef,)) else at
                if isinstance(node, ast.arguments) and field in ("defaults", "kw_defaults"):
                    within = self.up[at]
                elif isinstance(node, ast.comprehension) and field == "iter" and self.parents[node].generators[0] is node:
                    within = self.up[at]
                elif isinstance(node, ast.arg):
                    within = self.up[at]
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST):
                        self.parents[child] = node
                        children.append((child, within))
            todo.extend(reversed(children))

    def sends(self, node, tree, bound):
        at = self.at[node]
        for name in node.names if isinstance(node, (ast.Global, ast.Nonlocal)) and at is not tree else ():
            outer = tree if isinstance(node, ast.Global) else self.up[at]
            while outer is not tree and (isinstance(outer, (ast.ClassDef,) + LISTS) or (outer, name) not in bound):
                outer = self.up[outer]
            self.sent[at, name] = outer

    # -- what sets a name

    def where_set(self, name, at):
        """The variable that a name is where it is set there."""
        while (at, name) in self.sent:
            at = self.sent[at, name]
        return self.own[at].setdefault(name, Variable(name, at))

    def learn(self, node, at):
        if isinstance(node, ast.Import):
            for a in node.names:
                top = a.name.partition(".")[0]
                self.imports(a.asname or top, a.name if a.asname else top, at, True)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for a in node.names:
                self.imports(a.asname or a.name, node.module + "." + a.name, at, False)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self.where_set(node.id, self.outside_lists(node, at)).sets += 1
        elif isinstance(node, ast.arg):
            self.where_set(node.arg, at).sets += 1
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            made = self.where_set(node.name, at)
            made.sets += 1
            made.made.append(node)
        elif isinstance(node, ast.ExceptHandler) and node.name or isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
            self.where_set(node.name, at).sets += 1
        elif isinstance(node, ast.MatchMapping) and node.rest:
            self.where_set(node.rest, at).sets += 1
        elif isinstance(node, ast.Return) and node.value is not None:
            self.returned.setdefault(at, []).append(node.value)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.assign(target, node.value, at)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            self.assign(node.target, node.value, at)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            self.where_set(node.target.id, at).grown.append(node)
        elif isinstance(node, (ast.For, ast.comprehension)):
            self.loop(node.target, node.iter, at)
        elif isinstance(node, ast.Lambda):
            self.returned[node] = [node.body]

    def imports(self, name, what, at, whole):
        variable = self.where_set(name, at)
        variable.imports.append(what)
        variable.whole = variable.whole or whole
        self.tops.add(what.partition(".")[0])

    def outside_lists(self, node, at):
        """A walrus within a comprehension sets the name around it."""
        if isinstance(self.parents[node], ast.NamedExpr) and self.parents[node].target is node:
            while isinstance(at, LISTS):
                at = self.up[at]
        return at

    def assign(self, target, value, at):
        if isinstance(target, ast.Name):
            self.where_set(target.id, self.outside_lists(target, at)).values.append(value)
        elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)) and len(target.elts) == len(value.elts):
            for t, v in zip(target.elts, value.elts):
                self.assign(t, v, at)

    def loop(self, target, source, at):
        if isinstance(target, ast.Name):
            self.where_set(target.id, at).turns.append(source)
        elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(source, (ast.Tuple, ast.List)):
            for one in source.elts:
                if isinstance(one, (ast.Tuple, ast.List)) and len(one.elts) == len(target.elts):
                    for t, v in zip(target.elts, one.elts):
                        if isinstance(t, ast.Name):
                            self.where_set(t.id, at).handed.append(v)

    def hand_over(self, node):
        """What a function of the program's own is called with, what a pattern catches."""
        at = self.at[node]
        if isinstance(node, FUNCTIONS):
            positions = node.args.posonlyargs + node.args.args
            given = list(zip(positions[len(positions) - len(node.args.defaults):], node.args.defaults)) + list(zip(node.args.kwonlyargs, node.args.kw_defaults))
            for arg, value in given:
                if value is not None:
                    self.own[node][arg.arg].handed.append(value)
        elif isinstance(node, ast.Call):
            for function in self.functions(node.func):
                positions = function.args.posonlyargs + function.args.args
                names = {a.arg for a in positions + function.args.kwonlyargs}
                for arg, value in list(zip([p.arg for p in positions], node.args)) + [(k.arg, k.value) for k in node.keywords]:
                    if arg in names:
                        self.own[function][arg].handed.append(value)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                if isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.pattern.name:
                    self.where_set(case.pattern.name, at).handed.append(node.subject)

    def functions(self, node):
        """The functions of the program's own that are called."""
        if isinstance(node, ast.Lambda):
            return [node]
        if not isinstance(node, ast.Name):
            return []
        found = []
        for variable in filter(None, self.variables(node)):
            found += [f for f in variable.made + variable.values if isinstance(f, FUNCTIONS)]
        return found

    def functions_or_classes(self, node):
        """Whether a name is only ever a function or a class of the program's own."""
        return isinstance(node, ast.Name) and all(v is not None and v.made and v.sets == len(v.made) and not v.imports for v in self.variables(node))

    # -- what a name means

    def variables(self, node):
        """The variables that a name may be where it stands. None among them is Python's own of that name."""
        found, at, first = [], self.at[node], True
        while at is not None:
            sent = self.sent.get((at, node.id))
            if sent is not None:
                at, first = sent, True
                continue
            # The names of a class are not seen from its methods.
            if node.id in self.own[at] and (first or not isinstance(at, ast.ClassDef)):
                found.append(self.own[at][node.id])
                if isinstance(at, FUNCTIONS + LISTS):
                    return found  # a function's own name is never looked for elsewhere
            at, first = self.up[at], False
        if node.id in BUILTINS:
            found.append(None)  # also where the module sets it: perhaps later, perhaps never
        return found

    def variable(self, node):
        """The one variable that a name is; None if there could be others."""
        found = [v for v in self.variables(node) if v is not None]
        return found[0] if len(found) == 1 else None

    def is_made(self, node):
        return any(v is not None for v in self.variables(node))

    def only(self, variable):
        """The one expression that a variable is ever set to."""
        return variable.values[0] if variable.sets == len(variable.values) == 1 and not variable.imports else None

    def literal(self, node):
        """That expression, where something is a name of one; else itself."""
        variable = self.variable(node) if isinstance(node, ast.Name) else None
        value = self.only(variable) if variable is not None else None
        return node if value is None else value

    def follow(self):
        """Passes meanings on from name to name until nothing new comes of it."""
        every = [v for own in self.own.values() for v in own.values()]
        for variable in every:
            self.meant[variable] = list(dict.fromkeys(variable.imports))
        every += list(self.returned)
        for _ in range(ROUNDS):
            changed = False
            for one in every:
                sources = self.returned[one] if not isinstance(one, Variable) else \
                    one.values + one.handed + [e for t in one.turns if isinstance(t, (ast.List, ast.Tuple, ast.Set)) for e in t.elts]
                have = self.meant.setdefault(one, [])
                more = [m for s in sources for m in self.meanings(s) if m not in have]
                if more:
                    have.extend(dict.fromkeys(more))
                    changed = True
                    if len(have) > MEANINGS:
                        self.tangled, have[MEANINGS:] = True, []
            # What expressions come to was told with fewer meanings than there are now.
            self.memo.clear()
            if not changed:
                return
            if self.tangled:
                return
        self.tangled = True

    def meanings(self, node):
        """All that an expression may be called, as it was imported: pd.read_csv is pandas.read_csv. None for what the program makes itself."""
        if self.settled and node in self.settled_names:
            return self.settled_names[node]
        tail, last = [], node
        while isinstance(last, ast.Attribute):
            tail.append(last.attr)
            last = last.value
        found = [".".join([root] + tail[::-1]).removeprefix("builtins.") for root in self.roots(last)]
        if any(name.count(".") > PARTS for name in found):
            self.tangled, found = True, [name for name in found if name.count(".") <= PARTS]
        if self.settled:
            self.settled_names[node] = found
        return found

    def roots(self, node):
        if isinstance(node, ast.Name):
            return [m for v in self.variables(node) for m in ([node.id] if v is None else self.meant[v])] or ([] if self.is_made(node) else [node.id])
        if isinstance(node, ast.Call):
            return self.called(node)
        if isinstance(node, ast.IfExp):
            return self.meanings(node.body) + self.meanings(node.orelse)
        if isinstance(node, ast.BoolOp):
            return [m for v in node.values for m in self.meanings(v)]
        if isinstance(node, ast.NamedExpr):
            return self.meanings(node.value)
        if isinstance(node, ast.Subscript):
            whole = node.value
            if isinstance(whole, (ast.List, ast.Tuple)):
                return [m for e in whole.elts for m in self.meanings(e)]
            if isinstance(whole, ast.Dict):
                return [m for e in whole.values for m in self.meanings(e)]
        return []

    def called(self, node):
        """What a call gives that is something's name: getattr(os, "system"), __import__("os"), a function of the program's own."""
        names = [self.plain(m) for m in self.meanings(node.func)]
        if "getattr" in names and len(node.args) > 1:
            return [m + "." + t for m in self.meanings(node.args[0]) for t in self.texts(node.args[1]) or []]
        if node.args and {"__import__", "importlib.import_module"} & set(names):
            # Imported by a text that can be followed: the same as an import statement.
            found = self.texts(node.args[0]) or []
            self.tops.update(t.partition(".")[0] for t in found)
            return found
        return [m for f in self.functions(node.func) for m in self.meant.get(f, [])]

    def keywords(self, node):
        """What a call is given by name, also where it comes out of a literal dict."""
        found = {k.arg: k.value for k in node.keywords if k.arg}
        for whole in [k.value for k in node.keywords if k.arg is None]:
            variable = self.variable(whole) if isinstance(whole, ast.Name) else None
            whole = self.only(variable) if variable is not None else whole
            if isinstance(whole, ast.Dict):
                found.update({self.text(k): v for k, v in zip(whole.keys, whole.values) if k is not None and self.text(k)})
            elif isinstance(whole, ast.Call) and self.dotted(whole.func) == "dict":
                found.update({k.arg: k.value for k in whole.keywords if k.arg})
        return found

    def names(self, node):
        """The usual names of all that an expression may be."""
        return list(dict.fromkeys(self.plain(m) for m in self.meanings(node)))

    def dotted(self, node):
        """The usual name of an expression; empty for what the program makes itself."""
        return next(iter(self.names(node)), "")

    def imported(self, node):
        """The names of something of a module's, as they stand there; none for anything else."""
        return [m for m in self.meanings(node) if m.partition(".")[0] in self.tops or m.partition(".")[0] not in BUILTINS]

    # -- modules

    def plain(self, name):
        """The usual name of what can be reached in several ways: shutil.os.system is os.system."""
        if name not in self.plainly:
            self.plainly[name] = self.usual_name(name)
        return self.plainly[name]

    def usual_name(self, name):
        parts = name.split(".")
        for n in range(len(parts) - 1, 0, -1):
            if parts[n].lstrip("_") in self.known.THROUGH and parts[n] != parts[n - 1] and not self.is_module(".".join(parts[:n + 1])):
                return self.usual_name(".".join([parts[n].lstrip("_")] + parts[n + 1:]))
        if parts[0] in self.known.LIBRARIES and len(parts) > 2:
            known = self.known.library_name(parts[0], parts[-1])
            if known:
                return known
        for n in range(1, len(parts) - 1):
            if not self.is_module(".".join(parts[:n + 1])):
                if parts[n] in sys.stdlib_module_names and parts[n] != parts[n - 1]:
                    return self.usual_name(".".join(parts[n:]))
                break
        return name

    def through(self, name):
        """The module that is reached by way of another one, if one is."""
        plain = self.plain(name)
        return plain.partition(".")[0] if plain != name and plain.partition(".")[0] in self.known.THROUGH else ""

    def is_module(self, name):
        """Whether there is a module of that name in the box. Nothing is imported to tell."""
        if name not in self.real:
            top, _, rest = name.partition(".")
            before = name.rpartition(".")[0]
            if not rest:
                self.real[name] = None if top in sys.builtin_module_names else PathFinder.find_spec(top)
            else:
                spec = self.is_module(before)
                places = spec.submodule_search_locations if spec else None
                self.real[name] = PathFinder.find_spec(name, places) if places else None
        return self.real[name]


def binds(node):
    """The names that a node sets where it stands."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from (a.asname or a.name.partition(".")[0] for a in node.names)
