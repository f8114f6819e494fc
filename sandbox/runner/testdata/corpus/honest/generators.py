# fine: a generator of parts
import pandas as pd

def parts(path, rows):
    for chunk in pd.read_csv(path, chunksize=rows):
        yield chunk.groupby("region")["amount"].sum()

total = None
for part in parts("sales.csv", 100):
    total = part if total is None else total.add(part, fill_value=0)
total.sort_values()
