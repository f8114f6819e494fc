"""What a program does, as far as its syntax tells. Loaded by inspect.py.

Each finding has a level, a line and one sentence, for the reviewer; and, for what
is computed from it, its kind and the name of what it is about.
"""

import ast
import warnings

MOST = 150
GRAVITY = {"danger": 0, "caution": 1, "note": 2}


def inspect(code, files, load):
    """The inspection of the code's bytes: {"problem", "findings"}. load gives a sibling by its name."""
    looks = load("looks")
    try:
        source = code.decode("utf-8")
        tokens = looks.read(source)
        refused = looks.names_that_mislead(tokens)
        if refused:
            return {"problem": refused, "findings": []}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The text and not the bytes, as the worker does: a coding cookie must not show the reviewer another program.
            tree = ast.parse(source)
            compile(tree, "analysis.py", "exec", dont_inherit=True)  # some errors are only found on the way to bytecode
    except UnicodeDecodeError:
        return {"problem": "The code is not valid UTF-8.", "findings": []}
    except SyntaxError as e:
        line = ": " + e.text.strip()[:200] if e.text else ""
        return {"problem": "It is not valid Python: line %d: %s%s" % (e.lineno or 0, e.msg, line), "findings": []}
    except ValueError as e:
        return {"problem": "It is not valid Python: %s" % e, "findings": []}
    report, known = Report(), load("unusual")
    known.LISTED = load("list")["tops"]

    class Scope(load("scope").Names, load("values").Values, load("changes").Changes, load("patterns").Patterns):
        """What names mean, what expressions come to and what changes: each is needed to tell the others."""

    try:
        scope = Scope(tree, known)
    except (RecursionError, MemoryError):
        raise
    except Exception:
        return {"problem": "The code could not be inspected. Write it simpler.", "findings": []}
    places = load("places").Places(scope, known, report, files)

    def look_at_places():
        places.visit(tree)
        load("tables").Tables(scope, report, files).look(tree)
        places.tell_named(scope.nodes)
        places.tell_unused()

    listed = load("list")
    bare = load("bare").Bare(scope, listed)

    class Told(load("told").Told, load("telling").Telling):
        """What people are told that nobody has computed."""

    over = load("over").Over(scope, report, bare, files)
    told = Told(scope, report, bare, over)

    class Worded(load("worded").Worded, load("named").Named):
        """Texts that Python or a library evaluates, and names by which it calls something."""

    class Fudge(load("fudge").Fudge, load("flow").Flow):
        """What is typed into what is computed, and what that rests on."""

    class Swapped(load("swapped").Swapped, load("drawn").Drawn):
        """Values under another name than their own, in tables and in charts."""

    fudge = Fudge(scope, report, bare, told)
    origin = load("origin").Origin(scope, bare, fudge, files)
    swapped = Swapped(scope, report, bare, fudge, files)

    class Spoken(load("spoken").Spoken, load("called").Called, load("witness").Witness, load("states").States):
        """What people are told in words and names."""

    class Turned(load("turned").Turned, load("small").Small):
        """What gives another result than the words for it."""

    spoken = Spoken(scope, report, bare, fudge, told, origin, swapped, files)
    for level, rule in (
        # Each with the level at which it is missed: where a rule fails, that is how grave the gap is. Later rules use what
        # earlier ones have found (told, fudge, spoken), so the order stays.
        ("danger", lambda: load("deeds").Deeds(scope, known, report).visit(tree)),
        ("danger", lambda: load("formulas").Formulas(scope, known, report).visit(tree)),
        ("danger", lambda: load("masks").Masks(scope, known, report, listed["attributes"]).visit(tree)),
        ("danger", look_at_places),
        ("caution", lambda: load("endless").Endless(scope, report).visit(tree)),
        ("caution", lambda: load("sizes").Sizes(scope, report).look()),
        ("caution", lambda: looks.Looks(scope, report).look(tree, source, tokens)),
        ("danger", lambda: load("listed").Listed(scope, known, report, files, listed).look()),
        ("danger", lambda: Worded(scope, known, report, files, listed).look()),
        ("danger", lambda: load("settings").Settings(scope, known, report, files, listed).look()),
        ("caution", lambda: load("outputs").Outputs(scope, report, looks).look()),
        ("caution", told.look),
        ("caution", lambda: load("digits").Digits(scope, report, told).look()),
        ("caution", lambda: load("dropped").Dropped(scope, report, fudge).look()),
        ("caution", fudge.look),
        ("caution", swapped.look),
        ("caution", lambda: load("in_place").InPlace(scope, report, bare, over, swapped).look()),
        ("caution", spoken.look),
        ("caution", lambda: load("units").Units(scope, report, bare, fudge, origin, spoken).look()),
        ("caution", lambda: Turned(scope, report, bare, fudge, origin, spoken, files).look()),
    ):
        try:
            rule()
        except (RecursionError, MemoryError):
            raise  # the code is nested too deeply, or too large
        except Exception:  # a fault of ours: what else the rule would have found is not known
            report.find(level, 0, "more", "The code could not be looked at in full: read it with more care.")
    return {"problem": " ".join(report.problems), "findings": report.chosen()}


class Report:
    """Collects what is found."""

    def __init__(self):
        self.findings, self.problems = {}, []
        self.lines = {}  # a line -> what has been found in it

    def find(self, level, line, kind, text, about=""):
        key = (level, text, line if level == "danger" else 0)  # every dangerous line counts, the rest once
        if key not in self.findings or line < self.findings[key]["line"]:
            self.findings[key] = {"level": level, "line": line, "kind": kind, "about": about, "text": text}
            self.lines.setdefault(line, []).append(self.findings[key])

    def add(self, level, line, kind, text, about):
        """A finding, unless something as grave that says the same has been found in the line."""
        told = (f for f in self.lines.get(line, ()) if GRAVITY[f["level"]] <= GRAVITY[level])
        if not any(f["about"] == about or about and (about in f["text"] or f["about"] and about.startswith(f["about"] + ".")) for f in told):
            self.find(level, line, kind, text, about)

    def problem(self, text):
        if text not in self.problems and len(self.problems) < 10:
            self.problems.append(text)

    def chosen(self):
        """The gravest, in the order of lines: a hundred small things at the top must not hide what comes after them."""
        found = sorted(self.findings.values(), key=lambda f: (GRAVITY[f["level"]], f["line"], f["text"]))
        kept = sorted(found[:MOST], key=lambda f: (f["line"], f["text"]))
        left = found[MOST:]
        if left:
            kept.append({"level": left[0]["level"], "line": 0, "kind": "more", "about": "",
                         "text": "%d more things of this sort were found and are not listed." % len(left)})
        return kept
