from desk import load, table
import pandas as pd

df = load("sales.csv").groupby("product")[["amount"]].sum().sort_values("amount", ascending=False)
df["share"] = df["amount"].cumsum() / df["amount"].sum()
df["class"] = pd.cut(df["share"], [0, 0.8, 0.95, 2], labels=list("ABC"))
table(df)
