# danger 3: parts of libraries by their full names
import collections.abc
import datetime
import os.path
import matplotlib
matplotlib.use("Agg")
import matplotlib.dates
import matplotlib.pyplot as plt
import pandas as pd
import pandas.api.types as types

df = pd.read_csv("sales.csv", parse_dates=["day"])
plot = matplotlib.pyplot
fig, ax = plot.subplots()
ax.plot(df["day"], df["amount"])
ax.xaxis.set_major_formatter(matplotlib.dates.DateFormatter("%d/%m"))
print(datetime.datetime.now().date(), datetime.time(12).isoformat(), os.path.basename("sales.csv"))
print(types.is_numeric_dtype(df["amount"]), isinstance(df, collections.abc.Iterable))
