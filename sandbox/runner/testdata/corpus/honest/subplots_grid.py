# fine: several small charts
import math
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv")
regions = sorted(df["region"].dropna().unique())
cols = 2
rows = math.ceil(len(regions) / cols)
fig, axes = plt.subplots(rows, cols, figsize=(10, 3 * rows), squeeze=False)
for ax, region in zip(axes.flat, regions):
    df[df["region"] == region].groupby("product")["units"].sum().plot(kind="barh", ax=ax, title=region)
for ax in axes.flat[len(regions):]:
    ax.set_visible(False)
fig.tight_layout()
