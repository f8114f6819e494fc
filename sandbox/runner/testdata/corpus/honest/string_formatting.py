# fine: strings of all sorts
import pandas as pd

df = pd.read_csv("sales.csv")
total, rows = df["amount"].sum(), len(df)
print("Rows: %d, total: %.2f" % (rows, total))
print("Rows: {:,}, total: {:>12,.2f}".format(rows, total))
print(f"{'Region':<12}|{'Amount':>12}")
for region, amount in df.groupby("region")["amount"].sum().items():
    print(f"{region:<12}|{amount:>12,.2f}")
print("-" * 25, "\N{EURO SIGN}", sep="\n")
