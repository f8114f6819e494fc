# fine: dates and weekdays
from datetime import date, datetime, timedelta
import calendar
import pandas as pd

df = pd.read_csv("sales.csv", parse_dates=["day"])
last = df["day"].max()
recent = df[df["day"] > last - timedelta(days=30)]
names = list(calendar.day_name)
by_day = recent.groupby(recent["day"].dt.dayofweek)["amount"].sum()
by_day.index = [names[i] for i in by_day.index]
print("Since", (last - pd.Timedelta(days=30)).date(), "until", last.date())
by_day
