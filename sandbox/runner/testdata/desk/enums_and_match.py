from desk import load, table

small = load("sales.csv")["units"] < 10
table(small.map({True: "SMALL", False: "LARGE"}).value_counts())
