# fine: resampling and rolling means
import pandas as pd

df = pd.read_csv("sales.csv", parse_dates=["day"]).set_index("day").sort_index()
weekly = df["amount"].resample("W").sum()
out = pd.DataFrame({"weekly": weekly, "rolling": weekly.rolling(4, min_periods=1).mean()})
out.tail(10)
