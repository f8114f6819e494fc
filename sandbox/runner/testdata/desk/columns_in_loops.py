from desk import answer, load, table

df = load("sales.csv")
for n in (7, 30):
    df[f"mean_{n}"] = df["amount"].rolling(n).mean()
large = df[df["amount"] > 10]
table(df[["mean_7", "mean_30"]].dropna().tail())
answer(f"{df['mean_7'].iloc[-1]} {large['region'].nunique()} {large['amount'].sum()} {len(df)} {len(large)}")
