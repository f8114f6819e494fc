# fine: apply and lambda
import pandas as pd

df = pd.read_csv("sales.csv")
df["size"] = df["units"].apply(lambda u: "small" if u < 5 else "large")
df["net"] = df.apply(lambda row: row["amount"] / 1.19 if row["region"] == "North" else row["amount"], axis=1)
df.groupby("size").agg(sales=("net", "size"), net=("net", "sum")).round(2)
