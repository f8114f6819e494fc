# danger 1: names of files that are put together
import os
import pandas as pd
from pathlib import Path

out = Path("out")
out.mkdir(exist_ok=True)
df = pd.read_csv("sales.csv")
for region, part in df.groupby("region"):
    part.to_csv(out / f"{region}.csv", index=False)
name = "total"
name += ".csv"
df.groupby("product")["amount"].sum().to_csv(os.path.join("out", name))
for suffix in ("csv", "json"):
    print(os.path.exists("sales." + suffix), os.sep.join(["out", "sales." + suffix]))
