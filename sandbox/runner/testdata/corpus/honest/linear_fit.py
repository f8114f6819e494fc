# fine: a line through points
import numpy as np
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv").dropna(subset=["units", "amount"])
slope, intercept = np.polyfit(df["units"], df["amount"], 1)
r = np.corrcoef(df["units"], df["amount"])[0, 1]
fig, ax = plt.subplots()
ax.scatter(df["units"], df["amount"], alpha=0.5, s=12)
xs = np.linspace(df["units"].min(), df["units"].max(), 50)
ax.plot(xs, slope * xs + intercept, color="red", label=f"y = {slope:.2f} x + {intercept:.2f} (r = {r:.2f})")
ax.set_title("Amount against units")
ax.legend()
