from desk import load, table

df = load("sales.csv").query("units > 0 and region != 'West' and amount >= 5")
price = (df["amount"] / df["units"]).groupby(df["product"])
table(price.agg(price="median", n="size").sort_values("n", ascending=False))
