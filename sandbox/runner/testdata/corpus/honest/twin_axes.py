# fine: two axes in one chart
import pandas as pd
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter

df = pd.read_csv("sales.csv", parse_dates=["day"])
m = df.groupby(df["day"].dt.to_period("M"))[["units", "amount"]].sum()
fig, ax1 = plt.subplots()
ax2 = ax1.twinx()
ax1.bar(m.index.astype(str), m["units"], color="lightgray")
ax2.plot(m.index.astype(str), m["amount"], marker="o")
ax2.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
ax1.set_title("Units (bars) and revenue (line)")
m
