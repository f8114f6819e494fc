# fine: columns with other names
import pandas as pd

df = pd.read_csv("sales.csv")
df.columns = [c.strip().lower().replace(" ", "_") for c in df.columns]
df = df.rename(columns={"amount": "revenue"})
df.groupby("region")["revenue"].sum()
