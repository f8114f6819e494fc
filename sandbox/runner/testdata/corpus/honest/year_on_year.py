# fine: growth against the year before
import pandas as pd

df = pd.read_csv("sales.csv", parse_dates=["day"])
yearly = df.groupby(df["day"].dt.year)["amount"].sum().to_frame("revenue")
yearly["growth"] = yearly["revenue"].pct_change().mul(100).round(1)
yearly["cumulative"] = yearly["revenue"].cumsum()
yearly.index.name = "year"
yearly
