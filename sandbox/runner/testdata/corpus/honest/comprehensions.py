# fine: comprehensions of all sorts
import pandas as pd

df = pd.read_csv("sales.csv")
regions = sorted({r for r in df["region"] if isinstance(r, str)})
by_region = {r: df.loc[df["region"] == r, "amount"].sum() for r in regions}
best = max(by_region, key=by_region.get)
flat = [(r, p) for r in regions for p in df["product"].dropna().unique() if p.startswith("C")]
total = sum(v for v in by_region.values())
print(best, len(flat), round(total, 2))
