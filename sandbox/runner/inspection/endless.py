"""Loops without an end and more memory than there is. Loaded by findings.py.

Both cost the whole time limit and give nothing. Only what is plain to see is
said: whether a program ends cannot be told in general.
"""

import ast
import math

ENOUGH = 10 ** 8  # elements; a box has some hundred megabytes
TURNS = 10 ** 10
LEAVES = ("sys.exit", "exit", "quit", "os._exit")
ENDLESS = ("itertools.count", "itertools.cycle")
LOOKS = ("iloc", "iat", "values", "copy", "sum", "mean", "max", "min", "median", "count", "head", "tail", "groupby", "sort_values", "query", "shape", "empty", "columns", "dtypes", "describe", "nunique")  # what changes no table
COLLECTS = ("list", "tuple", "set", "sum", "sorted", "max", "min", "dict", "collections.Counter", "numpy.array", "any", "all", "frozenset")
# A first argument that is the shape of what is made.
SHAPES = {"numpy." + n for n in ("zeros", "ones", "empty", "full", "arange", "random.rand", "random.randn", "random.random", "random.normal", "eye", "identity", "tile")}


class Endless(ast.NodeVisitor):
    def __init__(self, scope, report):
        self.scope, self.find = scope, report.find
        self.shared = {n for node in scope.parents if isinstance(node, (ast.Global, ast.Nonlocal)) for n in node.names}

    def forever(self, line):
        self.find("danger", line, "loop", "A loop without an end: it will be stopped at the time limit.")

    # -- loops

    def visit_While(self, node):
        if not self.leaves(node):
            fixed = not any(isinstance(n, (ast.Name, ast.Call)) for n in ast.walk(node.test))
            if fixed and self.scope.value(node.test) or self.stuck(node):
                self.forever(node.lineno)
        self.generic_visit(node)

    def stuck(self, loop):
        """A condition of plain names, none of which the loop changes."""
        names = set()
        for part in ast.walk(loop.test):
            if isinstance(part, ast.Call) and self.scope.dotted(part.func) == "len" and len(part.args) == 1 and isinstance(part.args[0], ast.Name) or isinstance(part, ast.Name) and part.id == "len":
                continue
            if isinstance(part, (ast.Call, ast.Await, ast.NamedExpr, ast.Attribute, ast.Subscript)):
                return False
            if isinstance(part, ast.Name):
                names.add(part.id)
        if names & self.shared:
            return False
        if not names:
            return False
        for part in (p for b in loop.body for p in ast.walk(b)):
            if isinstance(part, ast.Name) and part.id in names:
                up = self.scope.parents.get(part)
                if isinstance(up, ast.Attribute) and up.attr in LOOKS and isinstance(up.ctx, ast.Load):
                    continue
                if not isinstance(part.ctx, ast.Load) or isinstance(up, (ast.Attribute, ast.Call, ast.keyword, ast.Starred)) \
                        or isinstance(up, ast.Subscript) and not isinstance(up.ctx, ast.Load):
                    return False
        return self.may_hold(loop.test)

    def may_hold(self, test):
        """False if the loop is never entered, as far as constants tell."""
        value = self.scope.value(test)
        return value is None or bool(value)

    def leaves(self, loop):
        """Whether anything in a loop gets out of it. A break in an inner loop gets out of that one only."""
        def within(nodes, inner):
            for n in nodes:
                if isinstance(n, (ast.Return, ast.Raise, ast.Yield, ast.YieldFrom, ast.Await, ast.Assert)) or isinstance(n, ast.Break) and not inner:
                    return True
                if isinstance(n, ast.Call) and self.scope.dotted(n.func) in LEAVES + ("next", "input"):
                    return True
                if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
                    continue
                if within(ast.iter_child_nodes(n), inner or isinstance(n, (ast.For, ast.While))):
                    return True
            return False
        return within(loop.body, False)

    def visit_For(self, node):
        if self.never_ends(node.iter) and not self.leaves(node):
            self.forever(node.lineno)
        elif isinstance(node.iter, ast.Name) and any(
                isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute) and n.func.attr in ("append", "extend", "insert") and isinstance(n.func.value, ast.Name)
                and n.func.value.id == node.iter.id for b in node.body for n in ast.walk(b)) and not self.leaves(node) and not self.asks(node):
            self.forever(node.lineno)
        self.generic_visit(node)

    @staticmethod
    def asks(loop):
        return any(isinstance(n, (ast.If, ast.IfExp, ast.Try)) for b in loop.body for n in ast.walk(b))

    def never_ends(self, source):
        if not isinstance(source, ast.Call):
            return False
        name = self.scope.dotted(source.func)
        if name == "range":
            return any((self.scope.number(a) or 0) >= TURNS for a in source.args[:2])
        return name in ENDLESS or name == "itertools.repeat" and len(source.args) == 1 and not source.keywords or name == "iter" and len(source.args) == 2 \
            and self.scope.dotted(source.args[0]) in ("int", "str", "list", "dict", "float", "bool")

    def visit_ListComp(self, node):
        ends = [self.scope.number(g.iter.args[-1]) for g in node.generators if isinstance(g.iter, ast.Call) and self.scope.dotted(g.iter.func) == "range" and g.iter.args and not g.ifs]
        if isinstance(node, ast.ListComp) and len(ends) == len(node.generators) and None not in ends and math.prod(ends) * (self.size(node.elt) or 1) >= ENOUGH:
            self.too_much(node.lineno)
        if self.never_ends(node.generators[0].iter):
            self.forever(node.lineno)
        self.generic_visit(node)

    visit_SetComp = visit_DictComp = visit_ListComp

    # -- functions that call themselves

    def visit_FunctionDef(self, node):
        parts = [p for b in node.body for p in ast.walk(b)]
        calls = any(isinstance(p, ast.Call) and isinstance(p.func, ast.Name) and p.func.id == node.name for p in parts)
        if calls and not any(isinstance(p, (ast.If, ast.IfExp, ast.Try, ast.While, ast.For, ast.BoolOp, ast.Match, ast.comprehension, ast.Yield)) for p in parts):
            self.find("danger", node.lineno, "loop", "The function %s calls itself without an end." % node.name, node.name)
        self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    # -- memory

    def too_much(self, line):
        self.find("danger", line, "memory", "Needs more memory than the box has.")

    def visit_BinOp(self, node):
        value = self.scope.value(node)
        if isinstance(value, float) and math.isinf(value):
            self.too_much(node.lineno)
        elif isinstance(node.op, ast.Mult):
            for much, often in ((node.left, node.right), (node.right, node.left)):
                size = self.size(much)
                if size and size * (self.scope.number(often) or 0) >= ENOUGH:
                    self.too_much(node.lineno)
        self.generic_visit(node)

    def size(self, node):
        """How long a text or list is; 0 for what is none."""
        if isinstance(node, (ast.List, ast.Tuple)):
            return len(node.elts)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            for much, often in ((node.left, node.right), (node.right, node.left)):
                if self.size(much):
                    return self.size(much) * (self.scope.number(often) or 0)
        value = self.scope.value(node)
        return len(value) if isinstance(value, (str, bytes)) else 0

    def visit_Call(self, node):
        name, first = self.scope.dotted(node.func), node.args[0] if node.args else None
        if first is not None:
            if name in COLLECTS and self.never_ends(first):
                self.forever(node.lineno)
            elif name in COLLECTS and isinstance(first, ast.Call) and self.scope.dotted(first.func) == "range" \
                    and name not in ("sum", "max", "min", "any", "all") and any((self.scope.number(a) or 0) >= ENOUGH for a in first.args[:2]):
                self.too_much(node.lineno)
            elif name in ("bytes", "bytearray") and (self.scope.number(first) or 0) >= 5 * ENOUGH:
                self.too_much(node.lineno)
            elif name in SHAPES and self.elements(name, node.args) >= ENOUGH:
                self.too_much(node.lineno)
        self.generic_visit(node)

    def elements(self, name, args):
        many = self.scope.value(args[0])
        if isinstance(many, (list, tuple)):
            return math.prod(n for n in many if isinstance(n, (int, float)))
        if name in ("numpy.random.rand", "numpy.random.randn"):
            return math.prod(self.scope.number(a) or 0 for a in args)
        if name == "numpy.random.normal":
            return self.scope.number(args[2]) or 0 if len(args) > 2 else 0
        number = self.scope.number(args[0]) or 0
        return number * number if name in ("numpy.eye", "numpy.identity") else number
