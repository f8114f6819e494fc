# fine: stacked areas
import pandas as pd
import matplotlib.pyplot as plt
import matplotlib.dates as mdates

df = pd.read_csv("sales.csv", parse_dates=["day"])
wide = df.pivot_table(index=pd.Grouper(key="day", freq="M"), columns="product", values="amount", aggfunc="sum").fillna(0)
fig, ax = plt.subplots(figsize=(9, 4))
ax.stackplot(wide.index, wide.T.values, labels=wide.columns)
ax.xaxis.set_major_formatter(mdates.DateFormatter("%b %y"))
ax.legend(loc="upper left", fontsize="small")
ax.set_title("Revenue by product")
