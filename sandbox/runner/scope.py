"""What the names in a program mean, and what its expressions come to, as far as
that can be told without running it. Loaded by findings.py.

Text that is put together out of constants is put together here, too: whoever
writes "sys" + "tem" wants to be read by nobody.
"""

import ast
import base64
import binascii
import codecs
import math
import posixpath

MOST = 10_000  # of what is put together
CHANGES = {"append", "extend", "insert", "update", "add", "pop", "remove", "clear", "setdefault", "sort", "reverse", "discard"}


class Unknown(Exception):
    """What an expression comes to cannot be told."""


class Place(str):
    """The text of a pathlib.Path."""


class Scope:
    def __init__(self, tree):
        self.alias = {}      # a name -> what it was imported as, with dots
        self.modules = set() # names that are whole modules
        self.stores = {}     # a name -> how often it is set
        self.values = {}     # a name -> the expressions that it is set to
        self.turns = {}      # a name -> what loops over it take it from
        self.made = {}       # names of functions and classes -> their nodes
        self.changed = set() # names of lists and the like that change while it runs
        self.parents = {}
        self.memo, self.busy = {}, set()
        self.steps = 200_000 # of putting together, before it is given up
        for node in ast.walk(tree):
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
            self.learn(node)

    def learn(self, node):
        if isinstance(node, ast.Import):
            for a in node.names:
                top = a.name.partition(".")[0]
                self.alias[a.asname or top] = a.name if a.asname else top
                self.modules.add(a.asname or top)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for a in node.names:
                self.alias[a.asname or a.name] = node.module + "." + a.name
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self.count(node.id)
        elif isinstance(node, ast.arg):
            self.count(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.count(node.name)
            self.made[node.name] = node
        elif isinstance(node, ast.ExceptHandler) and node.name:
            self.count(node.name)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)) and node.name:
            self.count(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in CHANGES \
                or isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and not isinstance(node.ctx, ast.Load):
            self.changed.add(node.value.id)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.assign(target, node.value)
        elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            self.assign(node.target, node.value)
        elif isinstance(node, (ast.For, ast.comprehension)) and isinstance(node.target, ast.Name):
            self.turns.setdefault(node.target.id, []).append(node.iter)

    def count(self, name):
        self.stores[name] = self.stores.get(name, 0) + 1

    def assign(self, target, value):
        if isinstance(target, ast.Name):
            self.values.setdefault(target.id, []).append(value)
        elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)) and len(target.elts) == len(value.elts):
            for t, v in zip(target.elts, value.elts):
                self.assign(t, v)

    # -- names

    def dotted(self, node):
        """A name as it was imported: pd.read_csv is pandas.read_csv. Empty for what the program makes itself."""
        parts = []
        while True:
            if isinstance(node, ast.Attribute):
                parts.append(node.attr)
                node = node.value
            elif isinstance(node, ast.Call) and len(node.args) > 1 and self.dotted(node.func) == "getattr":
                name = self.text(node.args[1])
                if name is None:
                    return ""
                parts.append(name)
                node = node.args[0]
            else:
                break
        if isinstance(node, ast.Call) and node.args and self.dotted(node.func) in ("__import__", "importlib.import_module"):
            root = self.text(node.args[0])
        elif isinstance(node, ast.Name):
            root = self.meaning(node.id)
        else:
            root = None
        if not root:
            return ""
        return ".".join([root] + parts[::-1]).removeprefix("builtins.")

    def meaning(self, name):
        """What a bare name stands for: an import, another name for one, or Python's own."""
        if name in self.alias:
            return self.alias[name]
        if name not in self.stores:
            return name
        value = self.only(name)
        if isinstance(value, (ast.Name, ast.Attribute, ast.Call)) and name not in self.busy:
            self.busy.add(name)
            try:
                return self.dotted(value) if not isinstance(value, ast.Call) or self.dotted(value.func) in ("getattr", "__import__") else ""
            finally:
                self.busy.discard(name)
        return ""

    def only(self, name):
        """The one expression that a name is ever set to."""
        values = self.values.get(name, ())
        return values[0] if self.stores.get(name) == len(values) == 1 else None

    def imported(self, node):
        """The dotted name of something of a module's; empty for anything else."""
        root = node
        while isinstance(root, ast.Attribute) or isinstance(root, ast.Call) and self.dotted(root.func) == "getattr" and root.args:
            root = root.value if isinstance(root, ast.Attribute) else root.args[0]
        if isinstance(root, ast.Name) and root.id not in self.alias and self.meaning(root.id).partition(".")[0] not in self.alias.values():
            return ""
        return self.dotted(node)

    # -- values

    def text(self, node):
        """The text that an expression comes to, or None."""
        value = self.value(node)
        return str(value) if isinstance(value, str) else None

    def texts(self, node):
        """All texts that an expression may come to, a loop's name having several. None if that cannot be told."""
        if isinstance(node, ast.Name) and self.stores.get(node.id) == 1 and len(self.turns.get(node.id, ())) == 1:
            several = self.value(self.turns[node.id][0])
            if isinstance(several, (list, tuple)) and several and all(isinstance(v, str) for v in several):
                return list(several)
        one = self.text(node)
        return None if one is None else [one]

    def number(self, node):
        value = self.value(node)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def value(self, node):
        if node not in self.memo:
            try:
                self.memo[node] = self.fold(node, {})
            except (Unknown, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, ZeroDivisionError, binascii.Error, LookupError):
                self.memo[node] = None
        return self.memo[node]

    def fold(self, node, env):
        """Puts an expression together. env holds the names of a comprehension."""
        how = getattr(self, "fold_" + type(node).__name__, None)
        self.steps -= 1
        if how is None or self.steps < 0:
            raise Unknown
        value = how(node, env)
        if isinstance(value, (str, bytes, list, tuple, dict)) and len(value) > MOST:
            raise Unknown
        if isinstance(value, int) and value.bit_length() > 4096:
            return math.inf  # more than anything can hold
        return value

    def fold_Constant(self, node, env):
        return node.value

    def fold_Name(self, node, env):
        if node.id in env:
            return env[node.id]
        if node.id == "__file__":
            return "analysis.py"
        value = self.only(node.id)
        if value is None or node.id in self.busy or node.id in self.alias or node.id in self.changed:
            raise Unknown
        self.busy.add(node.id)
        try:
            return self.fold(value, {})
        finally:
            self.busy.discard(node.id)

    def fold_List(self, node, env):
        return [self.fold(e, env) for e in node.elts]

    def fold_Tuple(self, node, env):
        return tuple(self.fold(e, env) for e in node.elts)

    fold_Set = fold_List

    def fold_Dict(self, node, env):
        return {self.fold(k, env): self.fold(v, env) for k, v in zip(node.keys, node.values) if k is not None}

    def fold_JoinedStr(self, node, env):
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                if part.conversion != -1 or part.format_spec is not None:
                    raise Unknown
                part = part.value
            parts.append(plainly(self.fold(part, env)))
        return "".join(parts)

    def fold_UnaryOp(self, node, env):
        value = self.fold(node.operand, env)
        return {ast.USub: lambda: -value, ast.UAdd: lambda: +value, ast.Not: lambda: not value, ast.Invert: lambda: ~value}[type(node.op)]()

    def fold_BinOp(self, node, env):
        a, b = self.fold(node.left, env), self.fold(node.right, env)
        op = type(node.op)
        if op is ast.Div and isinstance(a, Place) and isinstance(b, str):
            return Place(posixpath.join(a, b))
        if op is ast.Mult and (isinstance(a, (str, bytes, list, tuple)) or isinstance(b, (str, bytes, list, tuple))):
            much, often = (b, a) if isinstance(a, int) else (a, b)
            if len(much) * often > MOST:
                raise Unknown
        if op in (ast.Pow, ast.LShift) and isinstance(a, int) and isinstance(b, int):
            if (abs(a).bit_length() or 1) * (abs(b) if op is ast.Pow else 1) + (b if op is ast.LShift else 0) > 4096:
                return math.inf
        if isinstance(a, str) and op is ast.Mod and "*" in a or isinstance(a, str) and op is ast.Mod and any(c.isdigit() for c in a):
            raise Unknown  # a width of its own could be any size
        return {ast.Add: lambda: a + b, ast.Sub: lambda: a - b, ast.Mult: lambda: a * b, ast.Mod: lambda: a % b, ast.Pow: lambda: a ** b,
                ast.FloorDiv: lambda: a // b, ast.Div: lambda: a / b, ast.LShift: lambda: a << b, ast.BitXor: lambda: a ^ b,
                ast.BitOr: lambda: a | b, ast.BitAnd: lambda: a & b, ast.RShift: lambda: a >> b}[op]()

    def fold_Compare(self, node, env):
        sides = [self.fold(n, env) for n in [node.left] + node.comparators]
        how = {ast.Lt: lambda a, b: a < b, ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b,
               ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
               ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b}
        return all(how[type(op)](a, b) for op, a, b in zip(node.ops, sides, sides[1:]))

    def fold_Subscript(self, node, env):
        whole = self.fold(node.value, env)
        if isinstance(node.slice, ast.Slice):
            edge = [None if e is None else self.fold(e, env) for e in (node.slice.lower, node.slice.upper, node.slice.step)]
            return whole[slice(*edge)]
        return whole[self.fold(node.slice, env)]

    def fold_ListComp(self, node, env):
        if len(node.generators) != 1 or node.generators[0].ifs or not isinstance(node.generators[0].target, ast.Name):
            raise Unknown
        several = self.fold(node.generators[0].iter, env)
        return [self.fold(node.elt, {**env, node.generators[0].target.id: one}) for one in several]

    fold_GeneratorExp = fold_SetComp = fold_ListComp

    def fold_Attribute(self, node, env):
        if node.attr in ("parent", "name"):
            whole = self.fold(node.value, env)
            if isinstance(whole, Place):
                return Place((posixpath.dirname(whole) or (".." if whole == "." else ".")) if node.attr == "parent" else posixpath.basename(whole))
        raise Unknown

    def fold_Call(self, node, env):
        name = self.dotted(node.func)
        if name in FOLDS and not node.keywords:
            if name in ("map", "filter"):
                if self.dotted(node.args[0]) != "chr":
                    raise Unknown
                return [chr(n) for n in self.fold(node.args[1], env)]
            return FOLDS[name](*[self.fold(a, env) for a in node.args])
        if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS and not node.keywords:
            whole = self.fold(node.func.value, env)
            if isinstance(whole, (str, bytes)):
                if isinstance(whole, Place) and node.func.attr not in STAYS:
                    raise Unknown
                if node.func.attr in STAYS:
                    return STAYS[node.func.attr](whole, *[self.fold(a, env) for a in node.args])
                if node.func.attr == "format" and any(c.isdigit() for c in whole):
                    raise Unknown
                args = [self.fold(a, env) for a in node.args]
                if sum(len(a) for a in args if isinstance(a, (str, bytes, list, tuple))) * (len(whole) + 1) > 100 * MOST:
                    raise Unknown
                return getattr(whole, node.func.attr)(*args)
        raise Unknown

    def obscured(self, node, depth=0):
        """Tells whether an expression unpacks, turns around or otherwise puts together what nobody can read in it."""
        for part in ast.walk(node):
            if isinstance(part, ast.Call):
                name = self.dotted(part.func)
                method = part.func.attr if isinstance(part.func, ast.Attribute) else ""
                if name.startswith(("base64.", "binascii.", "zlib.", "codecs.")) or name in ("chr", "bytes.fromhex", "reversed", "bytes", "bytearray", "lzma.decompress", "bz2.decompress", "gzip.decompress") \
                        or method in ("translate", "fromhex"):
                    return True
            elif isinstance(part, ast.Slice) and part.step is not None and self.number(part.step) not in (None, 1):
                return True
            elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.BitXor):
                return True
            elif isinstance(part, ast.Name) and depth < 5:
                if any(self.obscured(v, depth + 1) for v in self.values.get(part.id, ()) if v is not node):
                    return True
        return False


def plainly(value):
    if not isinstance(value, (str, int, float)):
        raise Unknown
    return str(value)


def place(*parts):
    return Place(posixpath.normpath(posixpath.join(*parts)) if parts else ".")


FOLDS = {
    "chr": chr, "str": plainly, "ord": ord, "reversed": lambda t: list(t)[::-1], "list": list, "tuple": tuple, "int": int, "len": len,
    "bytes": lambda v: bytes(v) if not isinstance(v, int) else None, "bytearray": lambda v: bytes(v) if not isinstance(v, int) else None,
    "bytes.fromhex": bytes.fromhex, "base64.b64decode": base64.b64decode, "base64.b32decode": base64.b32decode, "base64.b85decode": base64.b85decode,
    "binascii.unhexlify": binascii.unhexlify, "binascii.a2b_base64": binascii.a2b_base64, "map": None,
    "codecs.decode": lambda v, how="utf-8": codecs.decode(v, how) if how in ("rot13", "rot_13", "hex", "base64", "utf-8", "ascii") else None,
    "pathlib.Path": place, "pathlib.PurePath": place, "pathlib.PosixPath": place,
    "pathlib.Path.home": lambda: Place("~"), "pathlib.Path.cwd": lambda: Place("."), "os.getcwd": lambda: ".",
    "os.path.join": posixpath.join, "os.path.expanduser": str, "os.path.abspath": str, "os.path.realpath": str, "os.path.normpath": posixpath.normpath,
    "os.path.dirname": lambda p: posixpath.dirname(p) or ".", "os.path.basename": posixpath.basename,
}
STAYS = {"resolve": lambda p, *_: p, "absolute": lambda p: p, "expanduser": lambda p: p, "as_posix": str,
         "joinpath": lambda p, *more: Place(posixpath.join(p, *more)), "with_suffix": lambda p, s: Place(posixpath.splitext(p)[0] + s),
         "with_name": lambda p, n: Place(posixpath.join(posixpath.dirname(p), n))}
METHODS = {"join", "replace", "strip", "lstrip", "rstrip", "lower", "upper", "title", "capitalize", "swapcase", "format", "encode", "decode",
           "removeprefix", "removesuffix", "split", "hex"} | set(STAYS)
