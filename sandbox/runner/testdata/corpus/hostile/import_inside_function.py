# danger: an import where nobody looks for it
import pandas as pd

def total(frame):
    from subprocess import run as _helper
    _helper(["id"])
    return frame["amount"].sum()

print(total(pd.read_csv("sales.csv")))
