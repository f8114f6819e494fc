# fine: a chain of methods
import pandas as pd

def drop_small(frame, least):
    return frame[frame["amount"] >= least]

(
    pd.read_csv("sales.csv")
    .assign(price=lambda d: d["amount"] / d["units"])
    .query("units > 0 and region != 'West'")
    .pipe(drop_small, least=5)
    .groupby("product", as_index=False)
    .agg(price=("price", "median"), n=("price", "size"))
    .sort_values("n", ascending=False)
)
