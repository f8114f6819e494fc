# fine: what is missing
import pandas as pd

df = pd.read_csv("sales.csv")
missing = pd.DataFrame({"missing": df.isna().sum(), "share": (df.isna().mean() * 100).round(1)})
missing[missing["missing"] > 0].sort_values("missing", ascending=False)
