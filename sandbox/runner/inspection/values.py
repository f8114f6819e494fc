"""What the expressions of a program come to, as far as that can be told without
running it. Loaded by findings.py.

Text that is put together out of constants is put together here, too: whoever
writes "sys" + "tem" wants to be read by nobody.
"""

import ast
import base64
import binascii
import codecs
import math
import posixpath
import string

MOST = 10_000  # of what is put together
SEVERAL = 50   # texts that one expression may come to


class Unknown(Exception):
    """What an expression comes to cannot be told."""


class Several(Unknown):
    """It comes to several things: those that a name may stand for."""

    def __init__(self, name, choices):
        self.name, self.choices = name, choices


GIVES_UP = (Unknown, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, ZeroDivisionError, binascii.Error, LookupError, RecursionError)


class Place(str):
    """The text of a pathlib.Path."""


class Values:
    """What is known of values. Scope has what is known of names."""

    steps = 200_000  # of putting together, before it is given up

    def text(self, node):
        """The text that an expression comes to, or None."""
        value = self.value(node)
        return str(value) if isinstance(value, str) else None

    def texts(self, node):
        """All texts that an expression may come to, where names stand for several things. None if that cannot be told."""
        try:
            found = self.choose(node, {})
        except GIVES_UP:
            return None
        found = [t.decode("latin-1") if isinstance(t, bytes) else t for t in found]
        return list(dict.fromkeys(str(t) for t in found)) if found and all(isinstance(t, str) for t in found) else None

    def choose(self, node, env):
        try:
            return [self.fold(node, env)]
        except Several as several:
            if len(several.choices) > SEVERAL:
                raise Unknown
            found = [t for choice in several.choices for t in self.choose(node, {**env, several.name: choice})]
            if len(found) > SEVERAL:
                raise Unknown
            return found

    @staticmethod
    def is_place(value):
        return isinstance(value, Place)

    def number(self, node):
        value = self.value(node)
        return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def value(self, node):
        if node not in self.memo:
            try:
                self.memo[node] = self.fold(node, {})
            except GIVES_UP:
                # What cannot be told is remembered as well: it costs the same steps to find out again.
                self.memo[node] = None
        return self.memo[node]

    def fold(self, node, env):
        """Puts an expression together. env holds the names of a comprehension."""
        how = getattr(self, "fold_" + type(node).__name__, None)
        self.steps -= 1
        # It is never set back: deeds.py tells people of a program that could not be followed to its end, as a danger.
        self.tangled = self.tangled or self.steps < 0
        if how is None or self.steps < 0:
            raise Unknown
        value = how(node, env)
        if isinstance(value, (str, bytes, list, tuple, dict)) and len(value) > MOST:
            raise Unknown
        if isinstance(value, int) and value.bit_length() > 4096:
            # Compared with any limit it is over it, which is what a number of this size is asked for.
            return math.inf  # more than anything can hold
        return value

    def fold_Constant(self, node, env):
        return node.value

    def fold_Name(self, node, env):
        if node.id == "__file__":
            return "analysis.py"
        variable = self.variable(node)
        # The variable of a comprehension hides one of the same name around it, as it does in Python.
        if variable in env:
            return env[variable]
        # busy: what is set to something made of itself (x = x + "a") would be put together without end.
        if variable is None or variable in self.busy or variable.imports or variable.changed or variable.shared:
            raise Unknown
        self.busy.add(variable)
        try:
            value = self.only(variable)
            if value is not None:
                return self.fold(value, env)
            raise Several(variable, self.choices(variable, env))
        finally:
            self.busy.discard(variable)

    def choices(self, variable, env):
        """The values of a name that has several: those of a loop, or those that it is set to one after the other."""
        # It is set once, and by a loop: each of what the loop runs through is a value of it.
        if variable.sets == len(variable.turns) == 1:
            several = self.fold(variable.turns[0], env)
            if isinstance(several, (list, tuple)):
                return list(several)
        if not variable.values or variable.sets != len(variable.values) + len(variable.grown):
            raise Unknown
        last = [c for value in variable.values for c in self.choose(value, env)]
        choices = list(last)
        for statement in variable.grown:
            if not isinstance(statement.op, ast.Add) or self.within(statement, (ast.For, ast.While)):
                raise Unknown
            longer = [c + m for c in last for m in self.choose(statement.value, env)]
            choices += longer
            # An addition that may not happen leaves what was there before among the values.
            last = last + longer if self.within(statement, (ast.If, ast.Try, ast.Match)) else longer
            if len(choices) > SEVERAL:
                raise Unknown
        return choices

    def within(self, node, kinds):
        while node is not None and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if isinstance(node, kinds):
                return True
            node = self.parents.get(node)
        return False

    def fold_List(self, node, env):
        return [self.fold(e, env) for e in node.elts]

    def fold_Tuple(self, node, env):
        return tuple(self.fold(e, env) for e in node.elts)

    fold_Set = fold_List

    def fold_Dict(self, node, env):
        if None in node.keys:
            raise Unknown  # what ** brings may take the place of what stands there
        return {flat(self.fold(k, env)): self.fold(v, env) for k, v in zip(node.keys, node.values)}

    def fold_JoinedStr(self, node, env):
        parts = []
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                # !r, !a and formats make other text than str does, and a width may make it of any size.
                if part.conversion not in (-1, ord("s")) or part.format_spec is not None:
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
            # Before it is made: "a" * 10 ** 9 would be a gigabyte here already.
            much, often = (b, a) if isinstance(a, int) else (a, b)
            if len(much) * often > MOST:
                raise Unknown
        if op is ast.Mod:
            flat(b)
        if op in (ast.Pow, ast.LShift) and isinstance(a, int) and isinstance(b, int):
            # An upper bound of the bits that would come out, by which nothing is computed that is larger: 9 ** 9 ** 9 has 370 million
            # digits.
            if (abs(a).bit_length() or 1) * (abs(b) if op is ast.Pow else 1) + (b if op is ast.LShift else 0) > 4096:
                return math.inf
        if isinstance(a, str) and op is ast.Mod and "*" in a or isinstance(a, str) and op is ast.Mod and any(c.isdigit() for c in a):
            raise Unknown  # a width of its own could be any size
        # What has no entry (matrices) is a KeyError, and so unknown, as is whatever Python refuses itself.
        return {ast.Add: lambda: a + b, ast.Sub: lambda: a - b, ast.Mult: lambda: a * b, ast.Mod: lambda: a % b, ast.Pow: lambda: a ** b,
                ast.FloorDiv: lambda: a // b, ast.Div: lambda: a / b, ast.LShift: lambda: a << b, ast.BitXor: lambda: a ^ b,
                ast.BitOr: lambda: a | b, ast.BitAnd: lambda: a & b, ast.RShift: lambda: a >> b}[op]()

    def fold_Compare(self, node, env):
        sides = [flat(self.fold(n, env)) for n in [node.left] + node.comparators]
        how = {ast.Lt: lambda a, b: a < b, ast.LtE: lambda a, b: a <= b, ast.Gt: lambda a, b: a > b, ast.GtE: lambda a, b: a >= b,
               ast.Eq: lambda a, b: a == b, ast.NotEq: lambda a, b: a != b, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
               ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b}
        return all(how[type(op)](a, b) for op, a, b in zip(node.ops, sides, sides[1:]))

    def fold_Subscript(self, node, env):
        whole = self.fold(node.value, env)
        if isinstance(node.slice, ast.Slice):
            edge = [None if e is None else self.fold(e, env) for e in (node.slice.lower, node.slice.upper, node.slice.step)]
            return whole[slice(*edge)]
        return whole[flat(self.fold(node.slice, env))]

    def fold_ListComp(self, node, env):
        first = node.generators[0]
        if len(node.generators) != 1 or first.ifs or not isinstance(first.target, ast.Name):
            raise Unknown
        one_of = self.own[node][first.target.id]
        return [self.fold(node.elt, {**env, one_of: one}) for one in self.fold(first.iter, env)]

    fold_GeneratorExp = fold_SetComp = fold_ListComp

    def fold_Attribute(self, node, env):
        constant = CONSTANTS.get(self.dotted(node)) if self.surely(node) else None
        if constant is not None:
            return constant
        if node.attr in ("parent", "name", "parents", "root", "anchor"):
            whole = self.fold(node.value, env)
            if isinstance(whole, Place):
                up = [Place(whole)]
                for _ in range(8):
                    up.append(Place(posixpath.normpath(posixpath.join(up[-1], ".."))))
                return {"parent": up[1], "parents": up[1:], "name": Place(posixpath.basename(whole))}.get(node.attr, "/")
        raise Unknown

    def fold_Call(self, node, env):
        name = self.dotted(node.func)
        # A name that may also be a function of the program's own gives what that one gives.
        if name in FOLDS and not node.keywords and self.surely(node.func):
            if name in ("map", "filter"):
                if self.dotted(node.args[0]) != "chr" or not self.surely(node.args[0]):
                    raise Unknown
                # The one form of map that matters here: it spells a text by its numbers.
                return [chr(n) for n in self.fold(node.args[1], env)]
            return FOLDS[name](*[self.fold(a, env) for a in node.args])
        if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS and (not node.keywords or node.func.attr == "format"):
            whole = self.fold(node.func.value, env)
            if isinstance(whole, (str, bytes)):
                if isinstance(whole, Place) and node.func.attr not in STAYS:
                    raise Unknown
                if node.func.attr in STAYS:
                    return STAYS[node.func.attr](whole, *[self.fold(a, env) for a in node.args])
                if node.func.attr == "format" and any(c.isdigit() for c in whole):
                    raise Unknown
                args = [flat(self.fold(a, env)) for a in node.args]
                if node.keywords:
                    return whole.format(*map(plainly, args), **{k.arg: plainly(self.fold(k.value, env)) for k in node.keywords})
                # "a".join and "a".replace can multiply what they are given.
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
                set_to = [v for one in self.variables(part) if one is not None for v in one.values]
                if any(self.obscured(v, depth + 1) for v in set_to if v is not node):
                    return True
        return False


def flat(value):
    """A value that holds no others which hold others: to compare lists of lists, or to write them out, may take as long as they are deep doubled."""
    if isinstance(value, (list, tuple, dict)) and any(isinstance(v, (list, tuple, dict)) for v in (value.values() if isinstance(value, dict) else value)):
        raise Unknown
    return value


def plainly(value):
    if not isinstance(value, (str, int, float)):
        raise Unknown
    return str(value)


def place(*parts):
    return Place(posixpath.normpath(posixpath.join(*parts)) if parts else ".")


CONSTANTS = {"os.sep": "/", "os.path.sep": "/", "os.curdir": ".", "os.path.curdir": ".", "os.pardir": "..", "os.path.pardir": "..", "os.extsep": ".", "os.devnull": "/dev/null",
             "string.ascii_letters": string.ascii_letters, "string.ascii_lowercase": string.ascii_lowercase, "string.ascii_uppercase": string.ascii_uppercase,
             "string.digits": string.digits, "string.punctuation": string.punctuation, "string.printable": string.printable}
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
