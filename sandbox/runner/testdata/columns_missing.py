import pandas as pd

sales = pd.read_csv("sales.csv")
sales["total"] = sales["amount"].round(1)
print(sales["Amount"].sum(), sales["total"].sum())
print(sales[["day", "knd"]])
sales.groupby("region")["amount"].sum()
#> problem: Line 5: sales.csv has no column 'Amount'; it has 'amount'. Line 6: sales.csv has no column 'knd'; it has 'kind'. Line 7: sales.csv has no column 'region'.
#> note 1 [import: pandas] Imports pandas.
#> note 3 [read: sales.csv] Reads sales.csv.
#> caution 5 [column: Amount] sales.csv has no column 'Amount'; it has 'amount'.
#> caution 6 [column: knd] sales.csv has no column 'knd'; it has 'kind'.
#> caution 7 [column: region] sales.csv has no column 'region'.
