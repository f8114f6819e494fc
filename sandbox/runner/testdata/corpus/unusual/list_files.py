# danger 1: the files that are there
import os
import glob
import pandas as pd

parts = []
for path in sorted(glob.glob("*.csv")):
    part = pd.read_csv(path)
    part["source"] = os.path.basename(path)
    parts.append(part)
print(len(parts), "files")
pd.concat(parts, ignore_index=True).groupby("source").size()  # sales.csv is among them
