from desk import load, table

df = load("sales.csv")
size = (df["units"] < 5).map({True: "small", False: "large"})
net = df["amount"].mask(df["region"] == "North", df["amount"] / 1.19)
table(net.groupby(size.rename("size")).agg(sales="size", net="sum"))
