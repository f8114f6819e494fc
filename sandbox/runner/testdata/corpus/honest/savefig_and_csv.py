# fine: files that were asked for
import pandas as pd
import matplotlib.pyplot as plt

df = pd.read_csv("sales.csv")
by_region = df.groupby("region", as_index=False)["amount"].sum()
by_region.to_csv("by_region.csv", index=False)
fig, ax = plt.subplots()
ax.bar(by_region["region"], by_region["amount"])
ax.set_title("Revenue")
fig.savefig("revenue.png", dpi=150, bbox_inches="tight")
by_region
