from desk import load, table

df = load("sales.csv")
amount, region = df["amount"], df.groupby("region")["amount"]
print(amount.sum(), amount.value_counts().max(), df["region"].nunique(), amount[df["day"].dt.to_period("M") == "2024-01"].sum())
print(df.merge(df, on="customer_id")["amount_y"].mean(), df.merge(df, on="day")["units_x"].sum())
per = region.agg(total="sum", n="size")
print(per["total"].max(), per.loc["North", "total"])
table(per.sort_values("n"))
table(region.agg(["sum", "mean"]))
