import matplotlib.pyplot as plt
import pandas as pd

sales = pd.read_csv("sales.csv")
kinds = pd.DataFrame({"kind": ["a", "b"], "label": ["A", "B"]})
large = sales[sales["amount"] > 10].dropna().copy()
large["share"] = large["amount"] / large["amount"].sum()
print("by regoin", large["regoin"].nunique())
sales.groupby(["kind", "month"]).agg({"amout": "sum"})
sales.groupby("kind").agg(total=("amnt", "sum"), n=("day", "size"))
sales.groupby("kind")[["amounts", "day"]].max()
sales.merge(kinds, on="knd")
sales.loc[sales["kind"] == "a", "dy"]
large.sort_values(by=["share", "price"])
sales.plot(x="date", y="amount", title="date")
sales.plot.bar(x="kind", y="units")
sales.pivot_table(index="kind", columns="weekday", values="amount")
by = sales.groupby("kind")
print(by["cost"].sum())
plt.ylabel("cost")
#> problem: Line 8: sales.csv has no column 'regoin'. Line 9: sales.csv has no column 'amout'; it has 'amount'. Line 9: sales.csv has no column 'month'; it has 'amount'. Line 10: sales.csv has no column 'amnt'; it has 'amount'. Line 11: sales.csv has no column 'amounts'; it has 'amount'. Line 12: sales.csv has no column 'knd'; it has 'kind'. Line 13: sales.csv has no column 'dy'; it has 'day'. Line 14: sales.csv has no column 'price'. Line 15: sales.csv has no column 'date'. Line 16: sales.csv has no column 'units'.
#> note 1 [import: matplotlib, pandas] Imports matplotlib and pandas.
#> note 4 [read: sales.csv] Reads sales.csv.
#> note 6 [left out: dropna, a filter, an inner join] Drops rows without telling people how many (dropna, a filter, an inner join).
#> caution 8 [column: regoin] sales.csv has no column 'regoin'.
#> caution 9 [column: amout] sales.csv has no column 'amout'; it has 'amount'.
#> caution 9 [column: month] sales.csv has no column 'month'; it has 'amount'.
#> caution 10 [column: amnt] sales.csv has no column 'amnt'; it has 'amount'.
#> caution 11 [column: amounts] sales.csv has no column 'amounts'; it has 'amount'.
#> note 12 [left out: a merge without validate] May repeat rows, so that sums count them twice (a merge without validate).
#> caution 12 [column: knd] sales.csv has no column 'knd'; it has 'kind'.
#> caution 13 [column: dy] sales.csv has no column 'dy'; it has 'day'.
#> caution 14 [column: price] sales.csv has no column 'price'.
#> caution 15 [column: date] sales.csv has no column 'date'.
#> caution 16 [column: units] sales.csv has no column 'units'.
#> caution 17 [column: weekday] sales.csv has no column 'weekday'; it has 'day'.
#> caution 19 [column: cost] sales.csv has no column 'cost'.
