"""Formulas that a program hands to pandas as text. Loaded by findings.py."""

import ast
import builtins
import functools
import re

BUILTINS = frozenset(dir(builtins))
FORMULA = re.compile(r"__|@\s*[A-Za-z_][\w.]*\s*\(|@\s*[A-Za-z_]\w*\s*\.\s*\w+\s*\.")
HARMLESS_FORMULA = re.compile(r"@\s*(pd|pandas)\s*\.\s*(Timestamp|Timedelta|to_datetime|to_timedelta)\s*\(|@\s*(len|abs|round|max|min)\s*\(")
PIECE = re.compile(r"@\s*([A-Za-z_]\w*)\s*([.(]?)")
CHAIN = re.compile(r"(?<![\w.@])([A-Za-z_]\w*)\s*\.")


class Formulas(ast.NodeVisitor):
    def __init__(self, scope, known, report):
        self.scope, self.known, self.find = scope, known, report.find

    def visit_Call(self, node):
        method, names = getattr(node.func, "attr", ""), self.scope.names(node.func)
        if method in ("eval", "query") or "pandas.eval" in names:
            self.formula(node, method, "pandas.eval" in names)
        self.generic_visit(node)

    def formula(self, node, method, names_at_once):
        """What pandas computes from text may call anything that the program can name. names_at_once: also without an @ in front."""
        given = node.args[:1] + [k.value for k in node.keywords if k.arg in (None, "expr", "expression")]
        if self.scope.imported(node.func) and len(node.args) > 1:
            given = node.args[:2]  # DataFrame.query(table, text)
        if any(k.arg in ("resolvers", "local_dict", "global_dict") for k in node.keywords):
            self.find("danger", node.lineno, "dynamic code", "Gives a formula names of its own to compute with.", method)
        for text in given:
            several = self.scope.texts(text)
            if several is None and isinstance(text, ast.JoinedStr):
                said = [" ".join(v.value for v in text.values if isinstance(v, ast.Constant))]
            else:
                said = several or []
            # A text that cannot be told is a danger only where the program holds a piece from which such a formula could be made.
            if self.scope.obscured(text) or any(self.runs(s, names_at_once) for s in said) or several is None and self.pieces:
                self.find("danger", node.lineno, "dynamic code", "Has pandas run something from within a formula that is given as text.", method)

    def runs(self, text, names_at_once):
        if FORMULA.search(HARMLESS_FORMULA.sub("", text)) or any("." + m + "(" in text.replace(" ", "") for m in self.known.WRITES | set(self.known.METHODS)):
            return True
        return names_at_once and any(self.program_name(n) and self.program_name(n).imports for n in CHAIN.findall(text))

    @functools.cached_property
    def pieces(self):
        """Whether the program holds text out of which such a formula could be made while it runs."""
        for node in self.scope.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "@" in node.value:
                text, up = HARMLESS_FORMULA.sub("", node.value), self.scope.parents.get(node)
                if text == "@" and not isinstance(up, (ast.Call, ast.Compare)):
                    return True
                for name, rest in PIECE.findall(text):
                    found = self.program_name(name)
                    if (found or name in BUILTINS) and rest or found and found.imports:
                        return True
        return False

    def program_name(self, name):
        return next((own[name] for own in self.scope.own.values() if name in own), None)
