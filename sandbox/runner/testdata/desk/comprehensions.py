from desk import answer, load

df = load("sales.csv")
amount = df.groupby("region")["amount"].sum()
starts = df["product"].drop_duplicates().str.startswith("C").sum()
answer(f"{amount.idxmax()} {len(amount) * starts} {amount.sum():.2f}")
