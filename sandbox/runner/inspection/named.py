"""Methods that pandas is told to call by their names (agg and the like). Loaded by findings.py.

A part of Worded. A name that stands there is held against the list; of whatever else is given, it
has to be seen that it is a function, and not a text that names something: an attribute may hold
one, a function may give one, a loop may run over some.
"""

import ast

AGGREGATES = set("""mean sum count size min max median std var first last nunique prod product sem skew quantile cumsum cumprod cummax cummin cumcount rank pct_change diff shift ffill bfill pad backfill any all mode idxmax idxmin kurt
    kurtosis mad unique tail head nth describe fillna interpolate value_counts abs ohlc ngroup list len str int float bool set tuple round cov corr argmax argmin nanmean nansum nanmax nanmin nanmedian nanstd ptp log log10 log1p log2 sqrt exp
    square isna isnull notna notnull upper lower strip title index dtype normalize average""".split())
FUNCTIONS = {"functools.partial", "numpy.vectorize", "operator.itemgetter", "pandas.NamedAgg", "numpy.frompyfunc"}  # what they give is one, or is looked at by itself
CONTAINERS = {"dict", "list", "tuple", "set"}
PUTS = {"append", "extend", "insert", "update", "add", "setdefault"}
MOST = 200  # expressions that are followed


class Named:
    def by_name(self, node, given, what, seen=None):
        """Judges what an argument of agg holds, wherever it comes from."""
        if seen is None:
            self.followed, seen = set(), set()
        for leaf in self.leaves(given):
            if leaf not in seen and len(seen) < MOST:
                seen.add(leaf)
                self.leaf(node, leaf, what, seen)

    def leaves(self, node):
        """The functions, and names of functions, that an argument of agg holds; each once."""
        if node in self.followed:
            return []
        self.followed.add(node)
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
        if isinstance(node, ast.BoolOp):
            return [leaf for v in node.values for leaf in self.leaves(v)]
        if isinstance(node, (ast.Starred, ast.NamedExpr)):
            return self.leaves(node.value)
        if isinstance(node, ast.Call) and self.scope.dotted(node.func) in CONTAINERS and self.scope.surely(node.func):
            return [leaf for v in node.args + [k.value for k in node.keywords] for leaf in self.leaves(v)]
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "values" and not node.args and not node.keywords and isinstance(self.scope.stands_for(node.func.value), ast.Dict):
            return self.leaves(self.scope.stands_for(node.func.value))
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and isinstance(self.scope.stands_for(node.value), (ast.Dict, ast.List, ast.Tuple)):
            return self.leaves(self.entry(self.scope.stands_for(node.value), node.slice))
        if isinstance(node, ast.Name):
            variable = self.scope.variable(node)
            if variable is not None and isinstance(self.scope.only(variable), (ast.Dict, ast.List, ast.Tuple)) and not variable.shared:
                return self.leaves(variable.values[0]) + (self.put(variable) if variable.changed else [])
        return [node]

    @staticmethod
    def entry(whole, key):
        """What stands under a key, or everything where that cannot be told."""
        if isinstance(whole, ast.Dict) and isinstance(key, ast.Constant) and all(isinstance(k, ast.Constant) for k in whole.keys):
            found = [v for k, v in zip(whole.keys, whole.values) if k.value == key.value]
            return found[-1] if found else whole
        return whole

    def put(self, variable):
        """What is put into a list or a dictionary after it was made."""
        found = []
        for node in self.scope.nodes:
            up = self.scope.parents.get(node)
            of = node.value if isinstance(node, (ast.Subscript, ast.Attribute)) else None
            if not isinstance(of, ast.Name) or variable not in self.scope.variables(of):
                continue
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
                found += self.leaves(up.value) if isinstance(up, ast.Assign) and node in up.targets else [node]
            elif isinstance(node, ast.Attribute) and node.attr in PUTS:
                found += [leaf for v in up.args[node.attr in ("insert", "setdefault"):] + [k.value for k in up.keywords] for leaf in self.leaves(v)] if isinstance(up, ast.Call) and up.func is node else [node]
        return found

    def leaf(self, node, leaf, what, seen):
        texts = self.scope.texts(leaf)
        if texts is not None:
            for text in texts:
                self.named(node, text, what)
        elif isinstance(leaf, ast.Attribute):
            if leaf.attr.startswith("_") or not (self.scope.surely(leaf) or leaf.attr in self.own_functions):
                held = self.held(leaf)
                for value in held:
                    self.by_name(node, value, what, seen)
                if not held:
                    self.uncertain(node, leaf, what)
        elif isinstance(leaf, ast.Name):
            for variable in filter(None, self.scope.variables(leaf)):
                self.variable(node, leaf, variable, what, seen)
        elif isinstance(leaf, ast.Call):
            functions = self.scope.functions(leaf.func)
            for returned in (r for f in functions for r in self.scope.returned.get(f, ())):
                self.by_name(node, returned, what, seen)
            if not functions and self.scope.dotted(leaf.func) not in FUNCTIONS:
                self.uncertain(node, leaf, what)
        elif not isinstance(leaf, (ast.Lambda, ast.Constant)):
            self.uncertain(node, leaf, what)

    def held(self, leaf):
        """All that a field of the program's own may hold; nothing where it may be another's."""
        if not self.of_own(leaf.value, 0):
            return []
        found = []
        for n in self.scope.nodes:
            up = self.scope.parents.get(n)
            if isinstance(n, (ast.Name, ast.Attribute)) and isinstance(n.ctx, ast.Store) and (getattr(n, "attr", getattr(n, "id", "")) == leaf.attr or leaf.attr == "value" and isinstance(n, ast.Name)) \
                    and (isinstance(n, ast.Attribute) or isinstance(self.scope.at[n], ast.ClassDef)):
                if not isinstance(up, (ast.Assign, ast.AnnAssign)):
                    return []
                found += [up.value] if up.value is not None else []
            elif isinstance(n, ast.keyword) and n.arg in (leaf.attr, "default"):
                found.append(n.value)
            elif isinstance(n, ast.Call) and self.scope.functions_or_classes(n.func) and not self.scope.functions(n.func):
                if any(isinstance(a, ast.Starred) for a in n.args) or any(k.arg is None for k in n.keywords):
                    return []
                found += [a for a in n.args if isinstance(self.scope.value(a), str)]
        return [f for f in found if not (isinstance(f, ast.Call) and self.scope.dotted(f.func) == "dataclasses.field")]

    def of_own(self, node, depth):
        """Whether something is a class of the program's own, or made by one."""
        if isinstance(node, ast.Attribute):
            return node.attr != "value" and self.of_own(node.value, depth + 1)  # Stat.TOTAL.value
        if isinstance(node, ast.Call):
            return self.scope.functions_or_classes(node.func) and not self.scope.functions(node.func)
        if not isinstance(node, ast.Name) or depth > 20:
            return False
        if self.scope.functions_or_classes(node):
            return not self.scope.functions(node)
        variable = self.scope.variable(node)
        method = variable.at if variable is not None else None
        if isinstance(method, ast.FunctionDef) and isinstance(self.scope.parents.get(method), ast.ClassDef) and not method.decorator_list and method.args.args and method.args.args[0].arg == node.id:
            return variable.sets == 1 and not variable.handed
        if variable is not None and variable.sets == 1 and not variable.values and not variable.turns and variable.handed:
            return all(self.of_own(s, depth + 1) for s in variable.handed)  # a parameter: def main(config)
        sources = variable.values + variable.turns if variable is not None else []
        return bool(sources) and variable.sets == len(sources) and all(self.of_own(s, depth + 1) for s in sources)

    def named(self, node, text, what):
        if text not in AGGREGATES:
            grave = text in self.list["taken_out"] or text in self.known.WRITES or text in ("query", "eval", "pipe", "apply", "agg") or text.startswith(("_", "save", "load", "read_", "to_", "open", "from")) or text not in self.list["attributes"]
            self.find("danger" if grave else "caution", node, "Has pandas call %r by its name (%s)." % (text[:60], what), text[:60])

    def variable(self, node, leaf, variable, what, seen):
        """A name: of a function, or of all that it is ever set to."""
        if any(self.out_of_data(t) for t in variable.turns) or variable.shared and any(isinstance(v, (ast.Dict, ast.List, ast.Set)) for v in variable.values):
            self.uncertain(node, leaf, what)
        sources = variable.values + variable.handed + self.turns(variable) + (self.put(variable) if variable.changed else [])
        for value in sources:
            self.by_name(node, value, what, seen)
        if not sources and not variable.made and not variable.imports:
            self.uncertain(node, leaf, what)

    def turns(self, variable):
        """What a loop gives a name, as far as it stands in the program."""
        found = list(variable.turns)
        for loop in (n for n in self.scope.nodes if isinstance(n, (ast.For, ast.comprehension)) and isinstance(n.target, ast.Tuple)):
            for at, target in enumerate(loop.target.elts):
                if isinstance(target, ast.Name) and variable in self.scope.variables(target):
                    found += self.places(loop.iter, at)
        return found

    def places(self, source, at):
        """The expressions that come to one place of a loop's target."""
        if isinstance(source, ast.Name):
            whole = self.scope.stands_for(source)
            return self.places(whole, at) if whole is not None and not isinstance(whole, ast.Name) else [source]
        if isinstance(source, ast.Call) and getattr(source.func, "attr", "") == "items" and not source.args:
            whole = self.scope.stands_for(source.func.value)
            return [source] if not isinstance(whole, ast.Dict) or None in whole.keys else whole.values if at else whole.keys
        if isinstance(source, ast.Call) and self.scope.dotted(source.func) in ("zip", "enumerate") and self.scope.surely(source.func):
            return source.args[at:at + 1] if self.scope.dotted(source.func) == "zip" else source.args[:1] if at else []
        if isinstance(source, (ast.List, ast.Tuple)):
            return [e.elts[at] if isinstance(e, (ast.List, ast.Tuple)) and len(e.elts) > at else e for e in source.elts]
        return [source]

    @property
    def own_functions(self):
        """Methods of the program's own classes by whose names nothing else is called there: no field, no property."""
        if self.methods is None:
            classes = [n for n in self.scope.nodes if isinstance(n, ast.ClassDef)]
            parts = [p for c in classes for p in c.body]
            plain = {p.name for p in parts if isinstance(p, ast.FunctionDef) and all(self.scope.dotted(d) in ("staticmethod", "classmethod") for d in p.decorator_list)}
            other = {p.name for p in parts if isinstance(p, ast.FunctionDef) and p.decorator_list and not all(self.scope.dotted(d) in ("staticmethod", "classmethod") for d in p.decorator_list)}
            other |= {n.id for p in parts for n in ast.walk(p) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and not isinstance(p, ast.FunctionDef)}
            other |= {n.attr for n in self.scope.nodes if isinstance(n, ast.Attribute) and not isinstance(n.ctx, ast.Load)}
            self.methods = plain - other
        return self.methods

    @staticmethod
    def out_of_data(source):
        """Whether a loop goes over what a table holds, and not over names or functions that stand in the program."""
        if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute):
            return source.func.attr not in ("items", "values", "keys")
        return isinstance(source, (ast.Subscript, ast.Attribute))
