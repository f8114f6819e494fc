# fine: bins
import pandas as pd

df = pd.read_csv("sales.csv")
df["bin"] = pd.cut(df["amount"], bins=[0, 10, 50, 100, float("inf")], labels=["<10", "10-50", "50-100", ">100"], right=False)
df["quartile"] = pd.qcut(df["amount"], 4, labels=["Q1", "Q2", "Q3", "Q4"])
pd.crosstab(df["bin"], df["quartile"], margins=True)
