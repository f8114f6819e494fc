# fine: one file per group
import pandas as pd

df = pd.read_csv("sales.csv")
for region, part in df.groupby("region"):
    part.to_csv(f"sales_{region}.csv", index=False)
    print(f"sales_{region}.csv: {len(part)} rows")
