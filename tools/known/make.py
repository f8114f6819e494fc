#!/usr/bin/python3
"""Makes sandbox/runner/inspection/known.json: the names that an inspection takes for harmless.

    tools/known/make.py [--check] sandbox/runner/inspection/known.json

Run it with the Python of a box, beside the libraries that boxes have. Names come
from live objects and from what modules say is theirs; taken_out.py takes out, with a
reason for each, what is not harmless. With --check nothing is written: it fails when
the file lacks a name that taken_out.py takes out, or holds one; names that other
versions of the libraries add or drop are counted, and are no failure.
"""

import json
import os
import sys
import types
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import members
import taken_out

warnings.simplefilter("ignore")


def module_names(name, module, only):
    """What a module is used for: a choice of ours, or what it says is its own."""
    if only is not None:
        return set(only)
    newer = set(members.NEWER.get(name, "").split())
    names = set(getattr(module, "__all__", None) or dir(module))
    if module.__name__ in ("pandas", "numpy", "pandas.api.types"):
        names = set(dir(module))
    if name.startswith("sklearn.") and not hasattr(module, "__all__"):
        names = {n for n in names if getattr(getattr(module, n), "__module__", "") == module.__name__}  # the rest is what it imports itself
    own, within = module.__name__.partition(".")[0], {m.rpartition(".")[2] for m in members.MODULES if m.rpartition(".")[0] == name}
    return newer | within | {n for n in names if not n.startswith("_") and not isinstance(getattr(module, n, None), types.ModuleType)
            and (own not in ("matplotlib",) or getattr(getattr(module, n, None), "__module__", own).partition(".")[0] in (own, "builtins", "numpy", "dateutil"))}


def make():
    out = taken_out.level_and_reason()
    modules = {}
    for name, only in members.MODULES.items():
        module = members.find(name)
        if module is None and only is None:
            continue  # it is not installed here; main insists on it where the file is made
        modules[name] = sorted(n for n in module_names(name, module, only) if n not in out and name + "." + n not in out)
    attributes = set(members.MORE)
    for thing in members.things():
        attributes |= {n for n in dir(thing) if not n.startswith("_")}
    attributes -= set(out) | {n[1:] for n in out if n.startswith(".")}
    words = sorted(set(members.WORDS) & set(out))
    return {"made_from": members.versions(), "modules": modules, "attributes": sorted(attributes), "builtins": sorted(members.BUILTINS),
            "taken_out": {name: list(why) for name, why in sorted(out.items())}, "words": words}


def text(known):
    """JSON with a line for each part, so that a change can be read."""
    parts = ["%s: %s" % (json.dumps(k), json.dumps(known[k])) for k in ("made_from", "builtins", "words")]
    parts.append('"modules": {\n%s\n}' % ",\n".join("%s: %s" % (json.dumps(m), json.dumps(names)) for m, names in sorted(known["modules"].items())))
    by_letter = {}
    for name in known["attributes"]:
        by_letter.setdefault(name[0].lower(), []).append(json.dumps(name))
    parts.append('"attributes": [\n%s\n]' % ",\n".join(", ".join(names) for _, names in sorted(by_letter.items())))
    parts.append('"taken_out": {\n%s\n}' % ",\n".join("%s: %s" % (json.dumps(n), json.dumps(why)) for n, why in known["taken_out"].items()))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def flat(known):
    return {m + "." + n for m, names in known["modules"].items() for n in names} | {"." + n for n in known["attributes"]}


def check(path, fresh):
    """What keeps the file from being current, whatever the versions of the libraries here."""
    with open(path, encoding="utf-8") as file:
        kept = json.load(file)
    wrong = ["%s is on the list and is taken out" % n for n in sorted(flat(kept)) if n in fresh["taken_out"] or n.rpartition(".")[2] in fresh["taken_out"]]
    wrong += ["%s is not what the generator makes" % part for part in ("taken_out", "builtins", "words") if kept[part] != fresh[part]]
    absent = {m for m in members.MODULES if members.find(m) is None}
    wrong += ["the module %s" % m for m in sorted((set(kept["modules"]) ^ set(fresh["modules"])) - absent)]
    wrong += ["the names of %s" % m for m, only in members.MODULES.items() if only is not None and m in kept["modules"] and kept["modules"][m] != fresh["modules"][m]]
    new, gone = flat(fresh) - flat(kept), flat(kept) - flat(fresh)
    print("made from %s; here: %s; %d names more here, %d fewer" % (kept["made_from"], fresh["made_from"], len(new), len(gone)))
    if kept["made_from"] == fresh["made_from"] and (new or gone):
        wrong.append("names of these very versions: %s" % ", ".join(sorted(new | gone)[:10]))
    if wrong:
        raise SystemExit("tools/known/make.py %s would change it:\n%s" % (path, "\n".join(wrong)))


if __name__ == "__main__":
    if sys.argv[1] == "--check":
        check(sys.argv[2], make())
    else:
        known = make()
        absent = sorted(set(members.MODULES) - set(known["modules"]))
        if absent:
            raise SystemExit("make.py needs %s, which is not installed here" % ", ".join(absent))
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            file.write(text(known))
