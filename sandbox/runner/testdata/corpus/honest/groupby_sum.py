# fine: sums per group
import pandas as pd

df = pd.read_csv("sales.csv")
result = df.groupby("region")["amount"].sum().reset_index().sort_values("amount", ascending=False)
result
