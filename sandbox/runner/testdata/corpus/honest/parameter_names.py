# fine: parameters that are called like Python's functions
import pandas as pd

def banded(frame, min, max, open="["):
    return open + str(frame["amount"].between(min, max).sum()) + "]"

def widest(list, key=len):
    return max(list, key=key)

df = pd.read_csv("sales.csv")
print(banded(df, 10, 50), widest(df["product"].unique().tolist()))
