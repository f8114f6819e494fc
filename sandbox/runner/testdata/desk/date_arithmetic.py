from desk import answer, load, table
import pandas as pd

df = load("sales.csv")
last = df["day"].max()
since = last - pd.Timedelta(days=30)
answer(f"Since {since:%Y-%m-%d} until {last:%Y-%m-%d}")
df = df[df["day"] > since]
day = df["day"].dt
table(df.groupby([day.dayofweek, day.day_name()])["amount"].sum().droplevel(0))
