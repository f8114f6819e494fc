import pandas as pd

sales = pd.read_csv("sales.csv")
sales["total"] = sales["amount"] * 2
print(sales["Amount"].sum(), sales["total"].sum())
print(sales[["day", "knd"]])
sales.groupby("region")["amount"].sum()
#> note 1 Imports pandas.
#> note 3 Reads sales.csv.
#> caution 5 sales.csv has no column 'Amount'; it has 'amount'.
#> caution 6 sales.csv has no column 'knd'; it has 'kind'.
#> caution 7 sales.csv has no column 'region'.
