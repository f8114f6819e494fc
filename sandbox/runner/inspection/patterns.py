"""Which attributes the patterns of a match statement read. Loaded by findings.py.

A part of Scope. case Step(a, b) reads the first two fields of Step from whatever is matched, and
a class may be made to match anything (ABC.register): the names of its fields are then names of
attributes that the program reaches for.
"""

import ast

OF_PYTHON = {"bool", "bytearray", "bytes", "dict", "float", "frozenset", "int", "list", "set", "str", "tuple"}  # whose one place is the value itself


class Patterns:
    def read_by(self, pattern):
        """The attributes that a class pattern reads, by their names and by their places. None stands for those that cannot be told."""
        of_python = isinstance(pattern.cls, ast.Name) and pattern.cls.id in OF_PYTHON and self.variables(pattern.cls) == [None]
        return pattern.kwd_attrs + (self.fields(pattern.cls, set()) if pattern.patterns and not of_python else [])

    def fields(self, node, seen):
        """The names of the fields of a class of the program's own, with those of the classes that it is made of."""
        if not self.functions_or_classes(node):
            return [None]
        found = []
        for made in (m for v in self.variables(node) for m in v.made):
            if not isinstance(made, ast.ClassDef):
                return [None]
            if made in seen:
                continue
            seen.add(made)
            found += [part.target.id for part in made.body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)]
            for base in made.bases:
                of = base.value if isinstance(base, ast.Subscript) else base
                found += [] if self.names(of) and not isinstance(of, ast.Call) else self.fields(of, seen)
        return found
