"""Runs the stand-in's programs and says what came out, for harness_test.go.

Input: a JSON list of {"folder", "code", "readings"}; without code, the files of the folder are
read. Output: a JSON list of {"error", "columns", "rows", "figures", "answer", "left_out",
"readings", "warnings"}. One process for all of them, since importing pandas takes longer than
running any of them.
"""
import importlib.util
import io
import json
import os
import sys
import traceback
import warnings

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import pandas  # noqa: E402


HERE = os.path.dirname(os.path.abspath(__file__))
DESK = os.path.join(HERE, "..", "..", "..", "sandbox", "runner", "desk")


def lay_desk():
    """The desk, as the box lays it."""
    spec = importlib.util.spec_from_file_location("desk", os.path.join(DESK, "__init__.py"), submodule_search_locations=[DESK])
    module = sys.modules["desk"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, sys.modules["desk.telling"], sys.modules["desk.reading"]


desk, telling, reading = lay_desk()


def read(folder):
    return {"readings": {name: {"reading": reading.read(os.path.join(folder, name), name)} for name in sorted(os.listdir(folder))}}


def run(folder, code, readings):
    os.chdir(folder)
    if not code:
        return read(folder)
    plt.close("all")
    desk.seal(readings or {}, folder)
    told = telling.told
    told.__init__()
    figures = []

    def draw(figure, title):
        figure.savefig(io.BytesIO(), format="png", dpi=40)
        ax = figure.axes[0]
        figures.append([ax.get_title() or title, ax.get_xlabel(), ax.get_ylabel()])

    told.draw = draw
    exec(compile(code, "program", "exec"), {"__name__": "__main__"})
    value = ([pandas.DataFrame()] + [thing for sort, thing, _ in told.shown if sort == "table"])[-1]
    return {"columns": [str(c) for c in value.columns], "rows": value.astype(str).values.tolist(), "figures": figures, "answer": told.answer,
            "left_out": told.left_out}


results = []
for case in json.load(sys.stdin):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = run(**case)
        except Exception:
            result = {"error": traceback.format_exc()}
    result["warnings"] = [str(w.message) for w in caught]
    results.append(result)
json.dump(results, sys.stdout)
