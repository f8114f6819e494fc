# fine: a histogram
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv")
fig, ax = plt.subplots()
df["amount"].plot.hist(bins=30, ax=ax, edgecolor="white")
ax.axvline(df["amount"].median(), color="black", linestyle="--", label="median")
ax.set(title="Distribution of amounts", xlabel="Amount", ylabel="Sales")
ax.legend();
