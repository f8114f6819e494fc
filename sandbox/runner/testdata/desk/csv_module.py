from desk import load, table

table(load("sales.csv").groupby("region")["amount"].sum(), "totals")
