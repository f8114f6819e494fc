"""Runs the stand-in's programs and says what came out, for sample_run_test.go.

Input: a JSON list of {"folder", "code"}. Output: a JSON list of {"error",
"columns", "rows", "figures", "warnings"}. One process for all of them, since
importing pandas takes longer than running any of them.
"""
import ast
import io
import json
import os
import sys
import traceback
import warnings

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import pandas as pd  # noqa: E402


def run(folder, code):
    os.chdir(folder)
    plt.close("all")
    tree = ast.parse(code)
    last = tree.body.pop()
    assert isinstance(last, ast.Expr), "the last statement is no expression"
    space = {"__name__": "__main__"}
    exec(compile(tree, "program", "exec"), space)
    value = eval(compile(ast.Expression(last.value), "program", "eval"), space)
    assert isinstance(value, pd.DataFrame), type(value)
    figures = []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        figure.savefig(io.BytesIO(), format="png", dpi=40)
        ax = figure.axes[0]
        figures.append([ax.get_title(), ax.get_xlabel(), ax.get_ylabel()])
    return {"columns": [str(c) for c in value.columns], "rows": value.astype(str).values.tolist(), "figures": figures}


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
