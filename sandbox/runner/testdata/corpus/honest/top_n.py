# fine: the top three per region
import pandas as pd

TOP = 3
df = pd.read_csv("sales.csv")
totals = df.groupby(["region", "product"], as_index=False)["units"].sum()
totals["rank"] = totals.groupby("region")["units"].rank(method="first", ascending=False)
totals[totals["rank"] <= TOP].sort_values(["region", "rank"])
