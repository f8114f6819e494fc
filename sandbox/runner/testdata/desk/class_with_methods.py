from desk import answer, load, table

df = load("sales.csv")
answer(f"sales.csv has {len(df)} rows")
amount = df.groupby("region")["amount"].sum().sort_values(ascending=False)
table((amount / amount.sum() * 100).round(1))
