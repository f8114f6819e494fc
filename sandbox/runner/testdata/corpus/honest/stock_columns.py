# fine: prices with open, high, low and close
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv")
prices = df.groupby("day")["price"].agg(["first", "max", "min", "last"])
open, high, low, close = (prices[c] for c in prices.columns)
plt.plot(open.index, open, label="open")
plt.plot(close.index, close, label="close")
plt.fill_between(open.index, low, high, alpha=0.2)
plt.legend()
