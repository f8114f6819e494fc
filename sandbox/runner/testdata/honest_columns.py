import pandas as pd

sales = pd.read_csv("sales.csv")
other = pd.read_csv("sales.csv", names=["x", "y", "z"])
renamed = pd.read_csv("sales.csv")
renamed.columns = ["p", "q", "r"]
sales["Amount"].sum()
sales[["day", "knd"]]
sales.groupby("region")["amount"].sum()
sales = sales
other["x"], renamed["p"]
#> note 1 [import: pandas] Imports pandas.
#> note 3 [read: sales.csv] Reads sales.csv.
