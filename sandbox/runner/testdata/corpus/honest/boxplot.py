# fine: box plots per group
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv")
groups = [g["amount"].dropna().values for _, g in df.groupby("region")]
labels = [name for name, _ in df.groupby("region")]
fig, ax = plt.subplots()
ax.boxplot(groups, labels=labels, showfliers=False)
ax.set_title("Amounts by region")
ax.set_ylabel("Amount")
