# fine: tables that are made from tables
import pandas as pd

df = pd.read_csv("sales.csv")
renamed = df.rename(columns={"amount": "revenue"})
print(renamed["revenue"].sum(), renamed.groupby("revenue").size().max())
upper = df.rename(columns=str.upper)
print(upper["REGION"].nunique())
with_month = df.assign(month=df["day"].str[:7]).sort_values("month")
print(with_month.groupby("month")["amount"].sum()["2024-01"])
merged = df.merge(df, on="customer_id", suffixes=("", "_other"))
print(merged["amount_other"].mean(), df.merge(df, on="day")["units_x"].sum())
per = df.groupby("region").agg(total=("amount", "sum"), n=("day", "size"))
print(per["total"].max(), per.sort_values("n"), per.loc["North", "total"])
many = df.groupby("region").agg({"amount": ["sum", "mean"]})
print(many["amount"]["sum"])
