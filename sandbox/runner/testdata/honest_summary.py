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
#> note 1 Imports matplotlib, pandas and pathlib.
#> note 6 Reads sales.csv.
#> note 11 Writes months.png.
#> note 12 Writes months.csv.
#> note 14 Writes notes.txt.
#> note 15 Writes log.txt.
