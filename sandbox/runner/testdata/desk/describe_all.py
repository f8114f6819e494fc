from desk import answer, load, table

df = load("sales.csv").astype({"day": str})
answer(f"{df.shape} {dict(df.dtypes)}")
table(df.describe(include="all").T)
