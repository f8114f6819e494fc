# fine: a function that adds columns
import pandas as pd

def enrich(frame):
    frame["year"] = pd.to_datetime(frame["day"]).dt.year
    for n in (7, 28):
        frame["mean_%d" % n] = frame["amount"].rolling(n).mean()
    return frame

df = pd.read_csv("sales.csv")
enrich(df)
df[["year", "mean_7", "mean_28"]].dropna().tail()
