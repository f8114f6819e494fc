"""What a program tells people, and by which call. Loaded by findings.py.

A part of Told. A text may come to answer() by other ways than as its argument: out of a loop, a
helper, a class, or because answer itself is handed to something that calls it.
"""

import ast

# What the desk tells people -> where its text stands: the place of the argument, and its name.
TELLS = {"desk.answer": (0, "text"), "desk.note": (0, "text"), "desk.left_out": (1, "why"), "desk.table": (1, "title"), "desk.chart": (1, "title")}
LABELS = {"set_title", "suptitle", "set_xlabel", "set_ylabel", "matplotlib.pyplot.title", "matplotlib.pyplot.xlabel", "matplotlib.pyplot.ylabel", "matplotlib.pyplot.suptitle"}
WORDS_IN_CHARTS = {"set_xticklabels", "set_yticklabels", "text", "annotate", "figtext", "legend"}
LABELLED = {"title", "xlabel", "ylabel", "label"}
PRINTS = "print()"
CHARTS = "a chart's words"


class Telling:
    tellers, prints, charts = TELLS, PRINTS, CHARTS

    def learn(self, call):
        keyword = {k.arg: k.value for k in call.keywords if k.arg}
        told, name, method = [], self.scope.dotted(call.func), getattr(call.func, "attr", "")
        if name in TELLS:
            at, of = TELLS[name]
            text = call.args[at] if len(call.args) > at else keyword.get(of)
            told += [(text, name[5:] + "()" if at == 0 else "left_out()" if of == "why" else "a title")] if text is not None else []
            if text is not None and self.of_nobody(text):
                self.find("caution", call.lineno, "written", "Tells people by %s what a function is called with where that cannot be followed." % name[5:], name)
            if of == "why" and call.args and self.scope.number(call.args[0]) is not None:
                told.append((call.args[0], "left_out()"))
            starred = next((n for n, a in enumerate(call.args[:at + 1]) if isinstance(a, ast.Starred)), None)
            parts = self.parts_of(call.args[starred].value, at - starred) if starred is not None else []
            told = told[:0] if parts else told
            told += [(part, name[5:] + "()" if at == 0 else "a title") for part in parts]
            if not parts and (starred is not None or text is None and any(k.arg is None for k in call.keywords)):
                self.find("caution", call.lineno, "written", "Tells people by %s what cannot be read here (*)." % name[5:], name)
        else:
            if (name in LABELS or method in LABELS) and call.args:
                told.append((call.args[0], "a title" if "title" in (method or name) else "a label"))
            elif method in WORDS_IN_CHARTS and (self.scope.tops & {"matplotlib", "seaborn"} or "desk" in self.scope.tops):
                told += [(e, CHARTS) for a in call.args + [keyword[k] for k in ("labels", "s", "text") if k in keyword] for e in (a.elts if isinstance(a, (ast.List, ast.Tuple)) else [a])
                         if isinstance(e, (ast.JoinedStr, ast.BinOp)) or isinstance(self.scope.value(e), str)]
            elif name == "print":
                told += [(a, PRINTS) for a in call.args if isinstance(a, (ast.JoinedStr, ast.BinOp)) or isinstance(self.scope.value(a), str)]
            told += [(keyword[k], "a title" if k == "title" else "a label") for k in sorted(LABELLED & set(keyword))]
        if told:
            self.tells[call] = told

    def parts_of(self, node, at):
        """What stands at a place of the pairs that a loop gives a name: for pair in [(by_region, "By region")]: table(*pair)"""
        found = [e for v in (self.scope.variables(node) if isinstance(node, ast.Name) else ()) if v is not None and v.sets == len(v.turns) for t in v.turns for e in self.elements_of(t)]
        return [e.elts[at] for e in found] if all(isinstance(e, (ast.Tuple, ast.List)) and len(e.elts) > at for e in found) else []

    def elements_of(self, source):
        whole = self.scope.stands_for(source)
        return whole.elts if isinstance(whole, (ast.List, ast.Tuple, ast.Set)) else [source]

    def of_nobody(self, text):
        """Whether a text is the parameter of a function that is never called by its name: functools.reduce(lambda a, b: answer(b), texts)"""
        for variable in self.scope.variables(text) if isinstance(text, ast.Name) else ():
            function = variable.at if variable is not None else None
            given = [a.arg for a in function.args.posonlyargs + function.args.args + function.args.kwonlyargs] if isinstance(function, (ast.FunctionDef, ast.Lambda)) else ()
            if variable is not None and variable.name in given and variable.sets == 1 and not variable.handed and not isinstance(self.scope.parents.get(function), ast.ClassDef):
                return True
        return False

    def handed_on(self, node):
        """answer and the like, where they are not called: list(map(answer, texts)), key=answer, @answer."""
        up = self.scope.parents.get(node)
        if isinstance(node.ctx, ast.Load) and not (isinstance(up, ast.Call) and up.func is node) and not isinstance(up, ast.Attribute):
            for name in TELLS.keys() & set(self.scope.names(node)):
                self.find("caution", node.lineno, "written", "Hands on %s, so that what it says cannot be followed." % name[5:], name)

    def texts_from(self, node):
        """The texts that a name, a field or a call may stand for besides what it is set to: out of a loop, a helper's argument, a class, what a function gives."""
        found = []
        if isinstance(node, ast.Name):
            for variable in filter(None, self.scope.variables(node)):
                for source in variable.turns:
                    one = self.scope.variable(source) if isinstance(source, ast.Name) else None
                    whole = self.scope.only(one) if one is not None else source
                    found += whole.elts if isinstance(whole, (ast.List, ast.Tuple, ast.Set)) else []
                found += variable.handed
        elif isinstance(node, ast.Attribute) and not self.scope.imported(node):
            found += self.bare.fields.get(node.attr, [])
        elif isinstance(node, ast.Call):
            found += [r for f in self.scope.functions(node.func) for r in self.scope.returned.get(f, ())]
        return [one for one in found if isinstance(one, (ast.JoinedStr, ast.BinOp, ast.IfExp)) or isinstance(self.scope.value(one), str)]
