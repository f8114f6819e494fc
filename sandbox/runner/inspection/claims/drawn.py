"""Charts that show something else than what was computed: labels, axes and ticks. Loaded by findings.py.

A part of Swapped (swapped.py), as Values is of Scope.
"""

import ast
import re

BARS = {"bar": "y", "barh": "x", "barplot": "y", "countplot": "y"}
# Labels that stand in an order of their own, whatever the table.
CALENDAR = {w.lower()[:3] for w in "January February March April May June July August September October November December Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()}
POWERS = re.compile(r"squar|power|root|varian|quadrat|wurzel|potenz|carré|cuadr|²|\^2|energy|fit|model|trend|curve|index|predict", re.I)
SUNDAY = re.compile(r"sun|sonn|so$|dim|dom|zon|zo$", re.I)
LABEL_NUMBER = re.compile(r"^\W*(-?\d+(?:[.,]\d+)*)\s*(k|m|bn|b|%|tsd|mio)?\W*$", re.I)


class Drawn:
    drawings = None  # what is drawn, once it was looked for

    def beside(self, node, several):
        """Names that were typed in, beside bare values of what was read: nothing holds one to the other."""
        for one in several:
            one = self.scope.literal(one)
            if isinstance(one, ast.Attribute) and one.attr == "values" or isinstance(one, ast.Call) and getattr(one.func, "attr", "") in ("to_numpy", "tolist", "to_list"):
                if self.fudge.data(one):
                    for names in several:
                        self.labels(node, names, "Names values")
                    return

    def labels(self, node, given, what):
        given = self.scope.literal(given)
        texts = [self.scope.text(e) for e in given.elts] if isinstance(given, (ast.List, ast.Tuple)) else []
        if len(texts) > 1 and all(texts) and not all(t.lower()[:3] in CALENDAR for t in texts):
            self.say(node, "%s in an order that was typed in (%s): nothing makes sure that each stands at its own." % (what, ", ".join(t[:20] for t in texts[:3])))

    def powered(self, call):
        value = self.scope.literal(call.args[1])
        return isinstance(value, ast.BinOp) and isinstance(value.op, ast.Pow) and self.scope.number(value.right) is not None and self.fudge.data(value.left) \
            and not any(isinstance(n, ast.Constant) and isinstance(n.value, str) and POWERS.search(n.value) for n in self.scope.nodes)

    def labelled(self, call, keyword):
        """plot(s.index, s["budget"], label="spent"), of two columns of one table."""
        label, value = self.scope.text(keyword["label"]), self.scope.literal(call.args[1]) if len(call.args) > 1 else call.func.value
        of = self.scope.text(value.slice) if isinstance(value, ast.Subscript) else None
        if label and of and label.lower() != of.lower() and any({label.lower(), of.lower()} <= {c.lower() for c in columns} for columns in self.tables_read):
            self.say(call, "Draws the column %s under the name of another one, %s." % (of, label), label)

    def counted_off(self, table, names):
        """Whether a row stands for each number from 0 on, so that names in their order are theirs: days = days.reindex(range(7))."""
        made, names = self.origin_of(table), self.scope.literal(names)
        rows = made.args[0] if isinstance(made, ast.Call) and getattr(made.func, "attr", "") == "reindex" and made.args else None
        labels = [(self.scope.text(e) or "").lower() for e in getattr(names, "elts", ())]
        by_number = any(isinstance(n, ast.Attribute) and n.attr in ("dayofweek", "weekday", "day_of_week") for n in self.scope.nodes) and not any(isinstance(n, ast.Attribute) and n.attr in ("isoweekday", "strftime") or isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mod) for n in self.scope.nodes)
        if len(labels) == 7 and by_number and any(SUNDAY.match(t) for t in labels[:6]):
            self.say(table, "Names the days of the week in another order than their numbers, in which Monday is 0.")
            return False
        if isinstance(made, ast.Call) and any(isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "reset_index" for n in ast.walk(made)):
            return False  # rows that were numbered in whatever order they stood
        return isinstance(rows, ast.Call) and self.scope.dotted(rows.func) == "range" and rows.args and self.scope.number(rows.args[-1]) is not None \
            and self.scope.number(rows.args[-1]) - (self.scope.number(rows.args[0]) if len(rows.args) > 1 else 0) == len(getattr(names, "elts", ()))

    def gathered_anew(self, node, table, given):
        """t = g.agg(a=("units", "sum"), b=("amount", "sum")); t.columns = ["amount", "units"]"""
        made, names = self.origin_of(table), self.scope.literal(given)
        while isinstance(made, ast.Call) and getattr(made.func, "attr", "") in ("reset_index", "sort_values", "sort_index"):
            made = self.origin_of(made.func.value)
        keywords = made.keywords if isinstance(made, ast.Call) and getattr(made.func, "attr", "") in ("agg", "aggregate") else []
        read = [self.scope.text(k.value.elts[0]) if isinstance(k.value, ast.Tuple) and k.value.elts else None for k in keywords]
        called = [self.scope.text(e) for e in getattr(names, "elts", ())][-len(read):] if read else []
        for one, other in zip(read, called):
            if one and other and one != other and other in read and any({one, other} <= columns for columns in self.tables_read):
                self.say(node, "Shows the column %s under the name of %s, another column of the file." % (one, other), other)
                return

    def origin_of(self, node):
        node = self.scope.literal(node)
        while isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("fillna", "astype", "round", "copy"):
            node = node.func.value
        return node

    def put_in_order(self, value, of):
        """by.index = sorted(by.index): the names of rows, in an order that their values do not share."""
        while isinstance(value, ast.Call) and self.scope.dotted(value.func) in ("list", "pandas.Index", "numpy.array", "tuple") and value.args:
            value = value.args[0]
        inner = value.args[0] if isinstance(value, ast.Call) and self.scope.dotted(value.func) in ("sorted", "reversed", "numpy.sort", "numpy.flip") and value.args \
            else value.func.value if isinstance(value, ast.Call) and getattr(value.func, "attr", "") in ("sort_values", "sort") else value.value if isinstance(value, ast.Subscript) and self.backwards(value) else None
        return inner is not None and isinstance(inner, ast.Attribute) and inner.attr == of.attr and ast.dump(inner.value) == ast.dump(of.value)

    def parted(self, node, several):
        """The names and the values of one table, of which one is put in an order of its own: bar(by.index, sorted(by.values))."""
        known = {}
        for one in several:
            turned, part = self.stripped(one)
            if isinstance(part, ast.Attribute) and part.attr in ("index", "values", "columns") or isinstance(part, ast.Name):
                base = part.value if isinstance(part, ast.Attribute) else part
                if isinstance(base, ast.Call) and getattr(base.func, "attr", "") == "sort_values" and not base.args:
                    base, turned = base.func.value, "sorted by value" + turned
                known.setdefault(ast.dump(base), {})[getattr(part, "attr", "values")] = turned
        for parts in known.values():
            if len(parts) > 1 and "index" in parts and "values" in parts and parts["index"] != parts["values"]:
                self.say(node, "Puts names and values, which belong together, in two different orders.")
                return

    def stripped(self, node):
        """How something is put in order, and what."""
        turned = ""
        for _ in range(6):
            if isinstance(node, ast.Call) and self.scope.dotted(node.func) in ("sorted", "reversed", "numpy.sort", "numpy.flip") and node.args and not any(k.arg == "key" for k in node.keywords):
                back = any(k.arg == "reverse" and self.scope.value(k.value) for k in node.keywords)
                turned, node = self.scope.dotted(node.func).rpartition(".")[2].replace("flip", "reversed") + ("-" if back else ""), node.args[0]
            elif isinstance(node, ast.Call) and self.scope.dotted(node.func) in ("list", "tuple", "numpy.array") and node.args:
                node = node.args[0]
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("tolist", "to_numpy", "to_list", "astype"):
                node = node.func.value
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and (self.scope.number(node.slice.step) if node.slice.step is not None else 1) == -1:
                turned, node = "reversed", node.value
            else:
                break
        return turned, node

    def drawn(self, node, names, values):
        """The labels of bars, and how high they are."""
        if self.moves(values, None) and self.fudge.data(values):
            self.say(node, "Moves values away from the labels that they belong to.")
        if not self.fudge.data(values) or isinstance(self.scope.literal(values), (ast.List, ast.Tuple)):
            return
        if self.bare.bare(names):
            if not isinstance(names, ast.Call):
                self.labels(node, names, "Labels bars")
            return
        own = self.own_order(names)
        if own is None or isinstance(names, ast.Name) and any(isinstance(n, ast.Name) and n.id == names.id for n in ast.walk(values)):
            return
        if any(getattr(n, "attr", "") in ("reindex", "loc") or isinstance(n, (ast.ListComp, ast.GeneratorExp)) for n in ast.walk(self.scope.literal(values))):
            return
        if own == "met" and any(getattr(n, "attr", "") in ("groupby", "pivot_table", "value_counts") for n in ast.walk(self.scope.literal(values))) or own == "back" and not self.alone(values, 0) and not self.turned or own == "sorted" and any(self.ordered(n) for n in ast.walk(self.scope.literal(values))):
            self.say(node, "Puts the labels of bars in an order of their own.")

    def own_order(self, names):
        names = self.scope.literal(names)
        if self.backwards(names):
            return "back"
        if isinstance(names, ast.Call) and isinstance(names.func, ast.Attribute) and names.func.attr == "unique":
            return "met"
        return "sorted" if isinstance(names, ast.Call) and self.scope.dotted(names.func) == "sorted" else None

    def backwards(self, node):
        node = self.scope.literal(node)
        if isinstance(node, ast.Call) and self.scope.dotted(node.func) == "sorted":
            return any(k.arg == "reverse" and self.scope.value(k.value) for k in node.keywords)
        return isinstance(node, ast.Call) and self.scope.dotted(node.func) == "reversed" or isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) and node.slice.step is not None and (self.scope.number(node.slice.step) or 0) < 0

    def of_bars(self):
        """The axes on which bars stand, by the names of what they are drawn on: "" where that is not a name."""
        found = {"x": set(), "y": set(), "any": False}
        for node in self.scope.nodes:
            if not isinstance(node, ast.Call):
                continue
            method, kind = getattr(node.func, "attr", ""), self.scope.text({k.arg: k.value for k in node.keywords}.get("kind")) if any(k.arg == "kind" for k in node.keywords) else ""
            axis = BARS.get(method) or BARS.get(kind or "")
            if axis and not (method == "bar" and isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "style"):
                found[axis].add(self.surface(node))
            found["any"] = found["any"] or method in ("barh", "imshow", "matshow", "heatmap", "broken_barh", "hlines", "pcolormesh", "table", "spy") or kind == "barh"
        return found

    def typed_legend(self, node, keyword):
        """A legend that was typed in for what one call has drawn of a table: its lines stand in the table's order."""
        given = self.scope.literal(keyword.get("labels", node.args[-1] if node.args else node))
        if not isinstance(given, (ast.List, ast.Tuple)) or len(given.elts) < 2:
            return False
        drawn = [n for n in self.scope.nodes if isinstance(n, ast.Call) and getattr(n.func, "attr", "") in ("plot", "bar", "barh", "line", "area", "scatter", "step", "stackplot", "pie", "fill_between", "hist", "axhline", "axvline", "errorbar", "boxplot", "violinplot")]
        return 0 < len(drawn) < len(given.elts) and not self.scope.within(drawn[0], (ast.For,))

    def axis_named(self, node):
        """An axis under the name of a column that the program does not use, where another one is drawn."""
        text = self.scope.text(node.args[0])
        if text and any(text in columns for columns in self.tables_read):
            if self.drawings is None:
                self.drawings = [n for n in self.scope.nodes if isinstance(n, ast.Call) and getattr(n.func, "attr", "") in ("bar", "barh", "plot", "scatter", "step", "hist", "fill_between")]
            drawings = self.drawings
            for call in (n for n in drawings if n.func.attr in ("scatter", "plot", "bar", "barh") and len(n.args) > 1):
                x, y = (self.scope.text(a.slice) if isinstance(a, ast.Subscript) else None for a in call.args[:2])
                wanted, other = (x, y) if "xlabel" in getattr(node.func, "attr", "") else (y, x)
                if wanted and text != wanted and len(drawings) == 1 and any({text, wanted} <= columns for columns in self.tables_read) or wanted and text == other != wanted:
                    self.say(node, "Names the axis on which %s is drawn %s, which is another column." % (wanted, text), text)
                    return
            used = {n.value for n in self.scope.nodes if isinstance(n, ast.Constant) and isinstance(n.value, str) and n is not node.args[0]} | {n.attr for n in self.scope.nodes if isinstance(n, ast.Attribute)}
            drawn = [a for n in self.scope.nodes if isinstance(n, ast.Call) and getattr(n.func, "attr", "") in ("bar", "barh", "plot", "scatter") for a in n.args]
            if text not in used and drawn and any(self.fudge.data(a) for a in drawn) and not any(isinstance(m, ast.BinOp) for n in self.scope.nodes if isinstance(n, (ast.Assign, ast.Call)) for m in ast.walk(n)):
                self.say(node, "Names an axis %s, though another column is drawn." % text, text)

    def surface(self, call):
        """What is drawn on, by its name; "" where that is the latest picture, None where it has no name."""
        given = [k.value for k in call.keywords if k.arg == "ax"]
        of = given[0] if given else getattr(call.func, "value", None)
        if isinstance(of, ast.Attribute) and of.attr == "plot":
            up = self.scope.parents.get(call)
            return up.targets[0].id if isinstance(up, ast.Assign) and isinstance(up.targets[0], ast.Name) else None
        return of.id if isinstance(of, ast.Name) and not self.scope.imported(of) else ""

    def on_bars(self, call, axis):
        at, drawn = self.surface(call), self.bars[axis]
        return at in drawn or bool(drawn) and (at == "" or "" in drawn)

    def limits(self, node, method, keyword):
        """Where the axis of bars begins."""
        for axis in "xy":
            if not self.on_bars(node, axis):
                continue
            if method in ("set", "setp", "axis", "plot", "bar", "barh"):
                given = [keyword[axis + "lim"]] if axis + "lim" in keyword else []
                edges = self.scope.literal(node.args[0]) if method == "axis" and node.args else None
                if isinstance(edges, (ast.List, ast.Tuple)) and len(edges.elts) == 4:
                    given.append(edges.elts[0 if axis == "x" else 2])
            elif not method.endswith((axis + "lim", axis + "bound")):
                continue
            else:
                given = node.args[:1] + [keyword[k] for k in ("bottom", "ymin", "left", "xmin", "lower") if k in keyword]
            for low in given:
                low = self.scope.literal(low)
                low = low.elts[0] if isinstance(low, (ast.Tuple, ast.List)) and low.elts else low
                number = self.scope.number(low)
                if number is None and isinstance(low, ast.Name):
                    number = max((n for v in self.scope.variables(low) if v is not None for n in map(self.scope.number, v.handed) if n is not None), default=None)
                if number is not None and number > 0 or number is None and not isinstance(low, ast.Constant) and any(getattr(n, "attr", getattr(n, "id", "")) == "min" for n in ast.walk(low)) \
                        and not any(isinstance(n, ast.Constant) and n.value == 0 and n.value is not False for n in ast.walk(low)):
                    self.say(node, "The axis of bars does not begin at 0, so that small differences look large.")
                    return

    def scaled(self, node, method):
        axis = "x" if "xscale" in method else "y"
        if method == "invert_yaxis":
            ranks = any(getattr(n, "attr", "") in ("rank", "argsort") or isinstance(n, ast.Constant) and isinstance(n.value, str) and re.search(r"\brank|\bdepth|\bplace\b|position", n.value, re.I) for n in self.scope.nodes)
            if not ranks and not self.bars["any"] and any(getattr(n.func, "attr", "") in ("plot", "bar", "step", "fill_between") for n in self.scope.nodes if isinstance(n, ast.Call)):
                self.say(node, "Turns an axis around, so that what grows seems to fall.")
        elif node.args and self.scope.text(node.args[0]) in ("log", "symlog") and self.on_bars(node, axis) and not self.says_log():
            self.say(node, "Draws bars on a logarithmic axis, and says so nowhere.")

    def logarithmic(self, node, method, keyword):
        """bar(logy=True)"""
        bars = method if method in BARS else self.scope.text(keyword["kind"]) if "kind" in keyword else ""
        if bars in BARS and any(k in keyword and self.scope.value(keyword[k]) is True for k in ("log", "logy" if BARS[bars] == "y" else "logx", "loglog")) and not self.says_log():
            self.say(node, "Draws bars on a logarithmic axis, and says so nowhere.")

    def says_log(self):
        return any(isinstance(n, ast.Constant) and isinstance(n.value, str) and re.search(r"\blog\w* |\blog\b.|\blog\)|logarithm", n.value + " ", re.I) and n.value not in ("log", "symlog") for n in self.scope.nodes)

    def ticks(self, node, at, labels):
        """Ticks with numbers that are not theirs."""
        at, labels = self.scope.literal(at), self.scope.literal(labels)
        if not isinstance(at, (ast.List, ast.Tuple)) or not isinstance(labels, (ast.List, ast.Tuple)) or len(at.elts) != len(labels.elts):
            return
        ratios = set()
        for where, label in zip(at.elts, labels.elts):
            number, text = self.scope.number(where), self.scope.text(label)
            found = LABEL_NUMBER.match(text or "")
            if number is None or found is None:
                return
            says = float(found.group(1).replace(",", ""))
            if number == 0 or says == 0:
                ratios.update({"0"} if number == says else {"0", "1"})
            else:
                ratios.add("%.6g" % (says / number))
        if len(ratios - {"0"}) > 1:
            self.say(node, "Labels the ticks of an axis with other numbers than theirs.")
