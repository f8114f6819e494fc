# fine: names that Python has, too
import pandas as pd

df = pd.read_csv("sales.csv")
sum = df["amount"].sum()
max = df["amount"].max()
id = df["customer_id"].iloc[0]
type = "total"
filter = df["region"] == "North"
print(type, sum, max, id, filter.mean())
