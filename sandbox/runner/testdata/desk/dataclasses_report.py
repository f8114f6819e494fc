from desk import load, table

df = load("sales.csv").groupby("region")[["units", "amount"]].sum()
df["notes"] = (df["amount"] / df["units"] > 10).map({True: ["expensive"], False: []})
table(df)
