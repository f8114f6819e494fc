import pandas as pd
import matplotlib.pyplot as plt
from pathlib import Path

FILE = "sales.csv"
sales = pd.read_csv(FILE, parse_dates=["day"])
sales["month"] = sales["day"].dt.to_period("M")
by_month = sales.groupby("month")["amount"].sum()
fig, ax = plt.subplots()
by_month.plot(kind="bar", ax=ax)
fig.savefig("months.png")
by_month.to_csv("months.csv")
again = pd.read_csv("months.csv")
Path("notes.txt").write_text("done")
with open("log.txt", "w") as log:
    log.write("ok")
by_month
#> note 1 [import: matplotlib, pandas, pathlib] Imports matplotlib, pandas and pathlib.
#> note 6 [read: sales.csv] Reads sales.csv.
#> note 11 [write: months.png] Writes months.png.
#> note 12 [write: months.csv] Writes months.csv.
#> note 14 [write: notes.txt] Writes notes.txt.
#> note 15 [write: log.txt] Writes log.txt.
