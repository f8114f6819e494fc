"""Which values of a program rest on what it has read, and what becomes of them. Loaded by findings.py.

A part of Fudge (fudge.py), as Values is of Scope. What is counted, compared or put in its place is no value of the data.
"""

import ast

FORMATTERS = {"set_major_formatter", "set_minor_formatter", "FuncFormatter", "format", "set_option", "bar_label", "to_string", "to_html"}
# What is done with a value there changes none: it is compared, chosen by, or put in its place.
PLACES = {"set_ylim", "set_xlim", "ylim", "xlim", "text", "annotate", "axis", "margins", "figure", "subplots", "subplots_adjust", "axvspan", "axhspan", "legend", "set_position", "figtext", "set_bounds", "set_size_inches", "set_figheight", "set_figwidth",
          "between", "gt", "ge", "lt", "le", "eq", "ne", "isin", "set_xticks", "set_yticks", "xticks", "yticks", "set_zlim", "tight_layout", "range", "islice", "linspace", "arange", "head", "tail", "nlargest", "nsmallest", "sleep", "set_view_interval"}
LAID_OUT = {"s", "lw", "linewidth", "width", "figsize", "alpha", "xy", "xytext", "ylim", "xlim", "padding", "dpi", "bins", "xlim", "size", "sizes", "window", "periods", "n", "pad", "rotation", "linewidths", "markersize", "labelpad", "shrink", "aspect"}
COUNTS = {"len", "range", "enumerate", "numpy.arange", "numpy.linspace", "pandas.date_range", "pandas.Timestamp", "pandas.Timedelta", "datetime.timedelta", "datetime.datetime"}
SIZES = {"shape", "size", "index", "columns"}
DEEPEST = 60  # names that are followed, one to the next


class Flow:
    def learn(self, node):
        self.puts(node)
        if isinstance(node, ast.Call):
            self.calls.setdefault(getattr(node.func, "attr", getattr(node.func, "id", "")), []).append(node)
            if node.args and ("functools.partial" in self.scope.names(node.func) or getattr(node.func, "attr", "") == "pipe"):
                self.bind(node, getattr(node.func, "attr", "") == "pipe")
            elif "pandas.DataFrame" in self.scope.names(node.func) and node.args:
                whole = self.scope.literal(node.args[0])
                for key, value in zip(whole.keys, whole.values) if isinstance(whole, ast.Dict) else ():
                    self.columns.setdefault(self.scope.text(key) if key is not None else "", []).append(("", value))
        if isinstance(node, ast.Call) and not self.scope.functions(node.func):
            writes = (getattr(node.func, "attr", "") or self.scope.dotted(node.func).rpartition(".")[2]) in FORMATTERS
            for given in node.args + [k.value for k in node.keywords]:
                self.feed(given, writes)
        elif isinstance(node, ast.Return) and node.value is not None:
            self.feed(node.value, False)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute):
                    self.feed(node.value, True)
                elif isinstance(target, ast.Subscript):
                    of_cells = isinstance(target.value, ast.Attribute) and target.value.attr in ("loc", "at") and isinstance(target.slice, ast.Tuple) and len(target.slice.elts) == 2
                    name = self.scope.text(target.slice.elts[1] if of_cells else target.slice)
                    of = target.value.value if of_cells else target.value
                    if name is not None:
                        self.columns.setdefault(name, []).append((getattr(of, "id", ""), node.value))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            self.uses.setdefault(node.id, []).append(node)

    def puts(self, node):
        """What is put into a list, a dictionary or a table."""
        into, parts = None, []
        if isinstance(node, (ast.Assign, ast.AugAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Subscript):
                    into, parts = target.value, [node.value]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in self.scope.CHANGES:
            into, parts = node.func.value, node.args + [k.value for k in node.keywords]
        if isinstance(into, ast.Name):
            for variable in filter(None, self.scope.variables(into)):
                self.put.setdefault(variable, []).extend(parts)

    def bind(self, call, pipes):
        """partial(adjust, by=1.043), table.pipe(adjust, 1.043)"""
        for function in self.scope.functions(call.args[0]):
            positions = [a.arg for a in function.args.posonlyargs + function.args.args][1 if pipes else 0:]
            for name, value in list(zip(positions, call.args[1:])) + [(k.arg, k.value) for k in call.keywords]:
                variable = self.scope.own[function].get(name)
                if variable is not None:
                    variable.handed.append(value)
                    self.bound.add(variable)

    def feed(self, given, writes):
        for one in given.values if isinstance(given, ast.Dict) else given.elts if isinstance(given, (ast.List, ast.Tuple)) else [given]:
            found = self.scope.functions(one) if isinstance(one, (ast.Name, ast.Lambda)) else ()
            self.fed.update(found)
            self.writers.update(found if writes else ())

    # -- what rests on what was read

    def data(self, node):
        """Whether a value is made of what was read: not its name, nor how many there are."""
        todo = [node]
        while todo:
            one = todo.pop()
            if isinstance(one, ast.Call):
                name = self.scope.dotted(one.func)
                if self.bare.reader(one):
                    return True
                if name in COUNTS or name == "desk.today":
                    continue
                if any(r is not None and self.data_of(f, r) for f in self.scope.functions(one.func) for r in self.scope.returned.get(f, ())):
                    return True
            elif isinstance(one, ast.Attribute) and one.attr in self.bare.fields and not isinstance(one.value, ast.Call):
                if any(self.data_of(one.attr, v) for v in self.bare.fields[one.attr]):
                    return True
            elif isinstance(one, ast.Compare) or isinstance(one, ast.Attribute) and one.attr in SIZES:
                continue
            elif isinstance(one, ast.Name):
                if any(self.rests_on(v) for v in self.scope.variables(one) if v is not None):
                    return True
                continue
            elif isinstance(one, ast.Subscript):
                todo.append(one.value)
                continue
            elif isinstance(one, (ast.Lambda, ast.FunctionDef)):
                continue
            todo.extend(ast.iter_child_nodes(one))
        return False

    def data_of(self, function, returned):
        key = (function, returned)
        return self.followed(key, lambda: self.data(returned))

    def rests_on(self, variable):
        return self.followed(variable, lambda: self.found_out(variable))

    def followed(self, key, find):
        if key not in self.rests:
            if self.deep >= DEEPEST:
                return True  # as most things do that are made in so many steps
            self.rests[key] = False  # while it is being found out, and for one that calls itself
            self.deep += 1
            self.rests[key] = find()
            self.deep -= 1
        return self.rests[key]

    def found_out(self, variable):
        return variable.at in self.fed and variable not in self.bound and variable.name in {a.arg for a in variable.at.args.posonlyargs + variable.at.args.args + [x for x in (variable.at.args.vararg, variable.at.args.kwarg) if x]} \
                or any(map(self.data, self.given(variable))) \
                or any(map(self.data, variable.values + variable.handed + variable.turns + self.bare.taken.get(variable, []) + self.put.get(variable, []) + [g.value for g in variable.grown])) \
                or any(map(self.data, [i.context_expr for w in self.opened.get(variable.name, ()) for i in w.items]))

    def given(self, variable):
        """What a method of the program's own is called with."""
        at = variable.at
        of = self.scope.parents.get(at) if isinstance(at, ast.FunctionDef) else None
        if not isinstance(of, ast.ClassDef) or variable.name not in {a.arg for a in at.args.args[1:] + at.args.kwonlyargs}:
            return []
        place = [a.arg for a in at.args.args[1:]]
        found = []
        for call in self.calls.get(of.name if at.name == "__init__" else at.name, ()):
            found += [v for n, v in zip(place, call.args) if n == variable.name] + [k.value for k in call.keywords if k.arg == variable.name]
        return found

    @property
    def opened(self):
        found = self.__dict__.get("_opened")
        if found is None:
            found = self._opened = {}
            for node in self.scope.nodes:
                if isinstance(node, ast.With):
                    for item in node.items:
                        if isinstance(item.optional_vars, ast.Name):
                            found.setdefault(item.optional_vars.id, []).append(node)
        return found

    @property
    def told_names(self):
        found = self.__dict__.get("_told_names")
        if found is None:
            inside = [n for n in self.told.inside if isinstance(n, ast.Name) and not isinstance(self.scope.parents.get(self.as_share(n)), (ast.BinOp, ast.Compare))]
            inside += [a for n in self.scope.nodes if isinstance(n, ast.Call) and self.scope.dotted(n.func) == "print" for a in n.args if isinstance(a, ast.Name)]
            found = self._told_names = {n.id for n in inside}
            self.told_figures = {n for n in map(self.scope.number, inside) if n is not None}
        return found

    def as_share(self, node):
        """The largest expression that has a figure only as people write it: RATE * 100, 1 - RATE, (FACTOR - 1) * 100."""
        up = self.scope.parents.get(node)
        while isinstance(up, ast.BinOp) and any(isinstance(s, ast.Constant) and s.value in (1, 100) for s in (up.left, up.right)):
            node, up = up, self.scope.parents.get(up)
        return node

    @property
    def shown(self):
        """The tables whose columns people see."""
        found = self.__dict__.get("_shown")
        if found is None:
            found = self._shown = {n.id for c in self.scope.nodes if isinstance(c, ast.Call) and self.scope.dotted(c.func) in ("desk.table", "print") for a in c.args[:1] for n in ast.walk(a) if isinstance(n, ast.Name)}
            found.update([""] if found else [])
        return found

    def untold(self, node):
        """The literal that a name stands for, where people are not told it."""
        return None if isinstance(node, ast.Name) and node.id in self.told_names else self.scope.literal(node)

    # -- what is made of it

    def harmless(self, node, depth):
        """Whether a value only places something, chooses rows, or is compared."""
        if depth > 4:
            return False
        up = self.scope.parents.get(node)
        while up is not None:
            if isinstance(up, ast.Compare) or isinstance(up, ast.IfExp) and node is up.test or isinstance(up, ast.Subscript) and node is up.slice or isinstance(up, ast.Slice):
                return True
            if isinstance(up, ast.keyword) and up.arg in LAID_OUT:
                return True
            if isinstance(up, ast.Call) and node is not up.func:
                if getattr(up.func, "attr", "") == "scatter" or (getattr(up.func, "attr", "") or self.scope.dotted(up.func).rpartition(".")[2]) in PLACES:
                    return True
            target = up.targets[0] if isinstance(up, ast.Assign) and len(up.targets) == 1 else up.target if isinstance(up, ast.NamedExpr) else None
            if isinstance(target, ast.Name):
                uses = [u for u in self.uses.get(target.id, ()) if u is not node]
                return bool(uses) and all(self.harmless(u, depth + 1) for u in uses[:20])
            if isinstance(up, ast.stmt):
                return False
            node, up = up, self.scope.parents.get(up)
        return False
