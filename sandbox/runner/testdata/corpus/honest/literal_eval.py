# fine: lists that are written as text
import ast
import pandas as pd

raw = pd.Series(["[1, 2]", "[3]", "[]"])
parsed = raw.map(ast.literal_eval)
parsed.map(len).sum()
