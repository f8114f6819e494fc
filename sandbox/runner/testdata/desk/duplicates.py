from desk import answer, load, table

df = load("customers.csv")
by = ["name", "city"]
doubled = df[df.duplicated(by, keep=False)].sort_values(by)
answer(f"{len(doubled)} rows are there more than once")
table(doubled)
