# fine: getattr with a constant name
import pandas as pd

s = pd.read_csv("sales.csv", parse_dates=["day"])["day"]
week = getattr(s.dt, "isocalendar")().week
has = hasattr(pd, "NA")
print("pandas has NA:", has)
week.value_counts().sort_index()
